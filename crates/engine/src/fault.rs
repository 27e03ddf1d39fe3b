//! Faults of our own. What panics inside [`contain`] ends there, and its words and place are kept for the log: they are not printed from a media thread,
//! where writing and resolving a backtrace would take longer than a tick. `RUST_BACKTRACE` adds the backtrace, resolved by whoever reads the fault.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    static IS_CONTAINED: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<Fault>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// What a panic said, and where.
#[derive(Debug)]
pub struct Fault {
    words: String,
    trace: Backtrace,
}

impl Fault {
    fn of(info: &PanicHookInfo<'_>) -> Self {
        let words = info.payload_as_str().unwrap_or("a panic without words");
        let place = info.location().map(|place| format!("{place}: ")).unwrap_or_default();
        Self { words: place + words, trace: Backtrace::capture() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.words)?;
        if self.trace.status() == BacktraceStatus::Captured {
            write!(out, "\n{}", self.trace)?;
        }
        Ok(())
    }
}

/// Makes panics inside [`contain`] silent and keeps what they say. Once for the process; again is harmless.
pub fn listen_for_panics() {
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IS_CONTAINED.get() {
                LAST.set(Some(Fault::of(info)));
            } else {
                before(info);
            }
        }));
    });
}

/// Does it, or returns what it panicked of. The caller gives up whatever `part` may have left half done.
pub fn contain(part: impl FnOnce()) -> Result<(), Fault> {
    let was_contained = IS_CONTAINED.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(part));
    IS_CONTAINED.set(was_contained);
    outcome.map_err(|_| {
        LAST.take().unwrap_or_else(|| Fault { words: "a panic".into(), trace: Backtrace::disabled() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contained_panic_tells_words_and_place() {
        listen_for_panics();
        let fault = contain(|| panic!("the sum is {}", 3)).unwrap_err();
        let text = fault.to_string();
        assert!(text.contains("fault.rs") && text.contains("the sum is 3"), "{text}");
        assert!(contain(|| ()).is_ok());
    }
}
