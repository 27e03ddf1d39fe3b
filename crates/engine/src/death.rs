//! Threads that a fault of ours has ended, and their way to the event loop.

use std::sync::{Arc, Mutex, PoisonError};

use crate::fault::{Fault, contain};
use crate::mailbox::Notifier;

/// A thread that a fault has ended.
#[derive(Debug)]
pub struct Death {
    /// Its name.
    pub thread: String,
    /// Of what.
    pub fault: Fault,
}

/// Threads that have ended by a fault, for the event loop.
#[derive(Clone)]
pub struct Deaths {
    all: Arc<Mutex<Vec<Death>>>,
    notifier: Arc<Notifier>,
}

impl Deaths {
    /// None yet; `notifier` rings for each.
    pub fn new(notifier: Arc<Notifier>) -> Self {
        Self { all: Arc::default(), notifier }
    }

    /// The work of a thread, to its end or its fault.
    pub fn watch(&self, thread: &str, work: impl FnOnce()) {
        if let Err(fault) = contain(work) {
            self.all
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(Death { thread: thread.into(), fault });
            self.notifier.notify();
        }
    }

    /// Those since the last time.
    pub fn take(&self) -> Vec<Death> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }
}
