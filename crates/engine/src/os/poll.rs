//! Waiting for many sockets: poll(2), which every Unix has.

use core::time::Duration;
use std::collections::HashSet;
use std::os::fd::RawFd;

/// What to wait for, and afterwards what is ready.
#[derive(Default)]
pub struct Poll {
    entries: Vec<libc::pollfd>,
    ready: HashSet<RawFd>,
}

impl Poll {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Waits for reading, and for writing when asked.
    pub fn add(&mut self, fd: RawFd, write: bool) {
        let events = if write { libc::POLLIN | libc::POLLOUT } else { libc::POLLIN };
        self.entries.push(libc::pollfd { fd, events, revents: 0 });
    }

    /// Until something is ready or the time is over; `None` waits for ever.
    pub fn wait(&mut self, timeout: Option<Duration>) {
        // Rounded up, so that a timer is never looked at just before it is due.
        let timeout_ms =
            timeout.map_or(-1, |time| time.as_micros().div_ceil(1000).min(60_000) as libc::c_int);
        // SAFETY: pointer and length are those of a live vector.
        unsafe { libc::poll(self.entries.as_mut_ptr(), self.entries.len() as libc::nfds_t, timeout_ms) };
        self.ready.clear();
        self.ready.extend(self.entries.iter().filter(|entry| entry.revents != 0).map(|entry| entry.fd));
    }

    /// Whether there is something to do for this one.
    pub fn is_ready(&self, fd: RawFd) -> bool {
        self.ready.contains(&fd)
    }
}
