//! The timers of all transactions, in one ordered map: exact removal, no stale entries, the same order on
//! every run.

use std::collections::{BTreeMap, HashMap};

use crate::event::TransactionId;
use crate::flow::{FlowId, Transport};
use core::net::SocketAddr;
use core::time::Duration;

/// Whose timer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    Transaction(TransactionId),
    /// A connection with half a message.
    Stream(FlowId),
    /// A connection that is being opened.
    Connect(Transport, SocketAddr),
}

/// Timers of RFC 3261 section 17 and RFC 6026 by their letters, and ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Timer {
    A,
    B,
    D,
    E,
    F,
    G,
    H,
    I,
    J,
    K,
    L,
    M,
    /// 200 ms until a 100 Trying goes out by itself.
    Trying,
    /// Repeats our 2xx until its ACK comes (RFC 3261 section 13.3.1.4).
    Repeat,
    /// Ends a transaction that somebody has left hanging.
    Patience,
}

#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: BTreeMap<(Duration, u64), (Owner, Timer)>,
    places: HashMap<(Owner, Timer), (Duration, u64)>,
    sequence: u64,
}

impl Timers {
    /// Sets a timer; the same one is moved.
    pub fn set(&mut self, owner: Owner, timer: Timer, due: Duration) {
        self.clear(owner, timer);
        self.sequence += 1;
        self.queue.insert((due, self.sequence), (owner, timer));
        self.places.insert((owner, timer), (due, self.sequence));
    }

    pub fn clear(&mut self, owner: Owner, timer: Timer) {
        if let Some(place) = self.places.remove(&(owner, timer)) {
            self.queue.remove(&place);
        }
    }

    /// Clears all timers of one owner.
    pub fn clear_all(&mut self, owner: Owner) {
        for timer in Timer::ALL {
            self.clear(owner, timer);
        }
    }

    pub fn is_set(&self, owner: Owner, timer: Timer) -> bool {
        self.places.contains_key(&(owner, timer))
    }

    pub fn next_due(&self) -> Option<Duration> {
        self.queue.keys().next().map(|&(due, _)| due)
    }

    /// The earliest timer that is due, with the time at which it was.
    pub fn pop_due(&mut self, now: Duration) -> Option<(Duration, Owner, Timer)> {
        let (&(due, sequence), &(owner, timer)) = self.queue.iter().next()?;
        if due > now {
            return None;
        }
        self.queue.remove(&(due, sequence));
        self.places.remove(&(owner, timer));
        Some((due, owner, timer))
    }
}

impl Timer {
    /// All of them: what an ended transaction leaves.
    pub const ALL: [Self; 15] = [
        Self::A,
        Self::B,
        Self::D,
        Self::E,
        Self::F,
        Self::G,
        Self::H,
        Self::I,
        Self::J,
        Self::K,
        Self::L,
        Self::M,
        Self::Trying,
        Self::Repeat,
        Self::Patience,
    ];
}
