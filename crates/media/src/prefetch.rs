//! Memory that is asked for ahead of its use: it comes while something else is done.
//!
//! Between two ticks of 20 ms a core sleeps or works for others, and then has forgotten everything: each line of a leg's
//! memory takes longer to come than most of what is done with it. Whoever owns memory says which of it the next
//! tick will need (decision 9); none of it may panic, for it runs in the turn of another.

/// Bytes that the processor fetches at a time.
const LINE_BYTES: usize = 64;

/// Asks for every line in which a value lies, and does not wait. A hint: nothing is read, nothing can panic, and
/// where the processor has no such instruction that stable Rust knows of, nothing happens.
pub(crate) fn prefetch<T: ?Sized>(value: &T) {
    let start = core::ptr::from_ref(value).cast::<i8>();
    let in_line = start.addr() % LINE_BYTES;
    for offset in (0..in_line + size_of_val(value)).step_by(LINE_BYTES) {
        prefetch_line(start.wrapping_sub(in_line).wrapping_add(offset));
    }
}

#[cfg(target_arch = "x86_64")]
fn prefetch_line(address: *const i8) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: the instruction reads nothing and faults at no address (AMD64 manual, volume 3, PREFETCHlevel).
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address) }
}

#[cfg(not(target_arch = "x86_64"))]
fn prefetch_line(_: *const i8) {}
