//! The virtual network's wire: datagrams in flight, mailboxes at their ends, impairments from one seed, and the hash of all that was delivered.
//!
//! Datagrams due at one instant are delivered in the order (source, order of sending), which does not depend on how legs are spread over workers.

use core::time::Duration;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use sha2::{Digest, Sha256};

use crate::os::Take;
use crate::transport::{Channel, Reading, Transport};

/// Datagrams that a mailbox holds; the next one is lost, as in a socket buffer.
const MAILBOX_DATAGRAMS_MAX: usize = 512;
/// What a datagram needs to cross an unimpaired wire.
const WIRE_DELAY: Duration = Duration::from_micros(200);

/// What the network does to datagrams of one source.
#[derive(Copy, Clone, Debug, Default)]
pub struct Impairment {
    /// Share that vanishes, 0 to 1.
    pub loss: f64,
    /// Share that comes twice.
    pub duplicate: f64,
    /// Fixed delay.
    pub delay: Duration,
    /// Mean of the exponential delay on top.
    pub jitter: Duration,
    /// Leaves signalling alone.
    pub rtp_only: bool,
}

/// A datagram that has arrived.
#[derive(Debug)]
pub struct Datagram {
    /// Sender.
    pub source: SocketAddr,
    /// When it came.
    pub arrival: Duration,
    /// What it holds.
    pub bytes: Box<[u8]>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct InFlight {
    due: Duration,
    source: SocketAddr,
    sequence: u64,
    destination: SocketAddr,
    bytes: Box<[u8]>,
}

/// Where a leg's datagrams wait.
#[derive(Default)]
struct Mailbox {
    datagrams: VecDeque<Datagram>,
    is_faulty: bool,
}

type SharedMailbox = Arc<Mutex<Mailbox>>;

/// Where a datagram ends.
enum End {
    Mailbox(SharedMailbox),
    Signalling(usize),
}

/// A datagram for a host's signalling, which is handled at its very instant.
#[derive(Debug)]
pub struct ForSignalling {
    /// Index of the host on the network.
    pub host: usize,
    /// Our address.
    pub local: SocketAddr,
    /// What came.
    pub datagram: Datagram,
}

/// Everything between the hosts of a virtual network.
pub struct Wire {
    now: Duration,
    sequence: u64,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    ends: HashMap<SocketAddr, End>,
    impairments: Vec<(Option<IpAddr>, Impairment)>,
    dice: HashMap<SocketAddr, fastrand::Rng>,
    seed: u64,
    delivered: Sha256,
    lost: u64,
}

impl Wire {
    /// An empty wire.
    pub fn new(seed: u64) -> Self {
        Self {
            now: Duration::ZERO,
            sequence: 0,
            in_flight: BinaryHeap::new(),
            ends: HashMap::new(),
            impairments: Vec::new(),
            dice: HashMap::new(),
            seed,
            delivered: Sha256::new(),
            lost: 0,
        }
    }

    /// The time on this network.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// Moves the clock.
    pub fn set_now(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// When the next datagram is due.
    pub fn next_due(&self) -> Option<Duration> {
        self.in_flight.peek().map(|Reverse(next)| next.due)
    }

    /// Opens an address for a host's signalling. False when it is taken.
    pub fn listen(&mut self, local: SocketAddr, host: usize) -> bool {
        self.open(local, End::Signalling(host))
    }

    fn open(&mut self, local: SocketAddr, end: End) -> bool {
        match self.ends.entry(local) {
            std::collections::hash_map::Entry::Occupied(_) => false,
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(end);
                true
            }
        }
    }

    /// Sets what happens to datagrams of a host (`None`: of all hosts without a rule of their own).
    pub fn impair(&mut self, source: Option<IpAddr>, impairment: Impairment) {
        self.impairments.retain(|(of, _)| *of != source);
        self.impairments.push((source, impairment));
    }

    fn impairment(&self, source: IpAddr) -> Option<Impairment> {
        let find = |of| self.impairments.iter().find(|(known, _)| *known == of).map(|(_, found)| *found);
        find(Some(source)).or_else(|| find(None))
    }

    /// The next read of that mailbox panics, as a fault of ours would: for tests of what comes of it.
    pub fn fault(&self, local: SocketAddr) {
        if let Some(End::Mailbox(mailbox)) = self.ends.get(&local) {
            mailbox.lock().expect("no holder panics").is_faulty = true;
        }
    }

    /// Puts a datagram on the wire.
    pub fn send(&mut self, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) {
        let mut delays = [Some(WIRE_DELAY), None];
        let signalling = matches!(self.ends.get(&destination), Some(End::Signalling(_)));
        if let Some(rule) = self.impairment(source.ip()).filter(|rule| !(rule.rtp_only && signalling)) {
            let seed = self.seed;
            let dice =
                self.dice.entry(source).or_insert_with(|| fastrand::Rng::with_seed(seed ^ fold(source)));
            let mut delay = || {
                let stretch = -(1.0 - dice.f64()).ln();
                WIRE_DELAY + rule.delay + rule.jitter.mul_f64(stretch)
            };
            delays = [Some(delay()), Some(delay())];
            if dice.f64() >= rule.duplicate {
                delays[1] = None;
            }
            if dice.f64() < rule.loss {
                delays = [None, None];
                self.lost += 1;
            }
        }
        for delay in delays.into_iter().flatten() {
            self.sequence += 1;
            let (due, sequence) = (self.now + delay, self.sequence);
            self.in_flight.push(Reverse(InFlight {
                due,
                source,
                sequence,
                destination,
                bytes: bytes.into(),
            }));
        }
    }

    /// Delivers the next datagram that is due by `until`: into its mailbox, or to the caller when it is signalling.
    pub fn deliver(&mut self, until: Duration) -> Option<Option<ForSignalling>> {
        if self.next_due()? > until {
            return None;
        }
        let Reverse(arrived) = self.in_flight.pop()?;
        self.set_now(arrived.due);
        self.record(&arrived);
        let InFlight { due, source, destination, bytes, .. } = arrived;
        let datagram = Datagram { source, arrival: due, bytes };
        match self.ends.get(&destination) {
            Some(End::Signalling(host)) => {
                Some(Some(ForSignalling { host: *host, local: destination, datagram }))
            }
            Some(End::Mailbox(mailbox)) => {
                let mut mailbox = mailbox.lock().expect("no holder panics");
                if mailbox.datagrams.len() < MAILBOX_DATAGRAMS_MAX {
                    mailbox.datagrams.push_back(datagram);
                }
                Some(None)
            }
            None => Some(None),
        }
    }

    fn record(&mut self, arrived: &InFlight) {
        self.delivered.update(arrived.due.as_nanos().to_le_bytes());
        self.delivered.update(fold(arrived.source).to_le_bytes());
        self.delivered.update(fold(arrived.destination).to_le_bytes());
        self.delivered.update((arrived.bytes.len() as u64).to_le_bytes());
        self.delivered.update(&arrived.bytes);
    }

    /// Hash of everything delivered so far.
    pub fn digest(&self) -> [u8; 32] {
        self.delivered.clone().finalize().into()
    }
}

fn fold(address: SocketAddr) -> u64 {
    let ip = match address.ip() {
        IpAddr::V4(ip) => u64::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip) as u64 ^ (u128::from(ip) >> 64) as u64,
    };
    ip << 16 ^ u64::from(address.port())
}

/// The wire as its users share it. Virtual time is single-threaded; the lock only satisfies `Send`.
#[derive(Clone)]
pub struct SharedWire(Arc<Mutex<Wire>>);

impl SharedWire {
    /// Shares a wire.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Wire::new(seed))))
    }

    /// The wire itself.
    pub fn lock(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().expect("no holder panics")
    }
}

/// Two mailboxes of the virtual network.
pub struct MailboxPair {
    wire: SharedWire,
    local: [SocketAddr; 2],
    mailboxes: [SharedMailbox; 2],
}

impl MailboxPair {
    /// Opens RTP at `local` and RTCP one port above. `None` when either is taken.
    pub fn open(wire: &SharedWire, local: SocketAddr) -> Option<Self> {
        let above = SocketAddr::new(local.ip(), local.port().checked_add(1)?);
        let pair = Self { wire: wire.clone(), local: [local, above], mailboxes: Default::default() };
        let mut shared = wire.lock();
        for (address, mailbox) in pair.local.iter().zip(&pair.mailboxes) {
            if !shared.open(*address, End::Mailbox(mailbox.clone())) {
                return None;
            }
        }
        drop(shared);
        Some(pair)
    }
}

impl Transport for MailboxPair {
    fn receive(&mut self, channel: Channel, _: &mut Reading, take: &mut Take<'_>) {
        let mut mailbox = self.mailboxes[channel as usize].lock().expect("no holder panics");
        if mailbox.is_faulty {
            core::mem::drop(mailbox);
            panic!("a fault that a test asked for");
        }
        while let Some(datagram) = mailbox.datagrams.pop_front() {
            if !take(&datagram.bytes, datagram.source, datagram.arrival) {
                break;
            }
        }
    }

    fn send(&mut self, channel: Channel, bytes: &[u8], to: SocketAddr) -> bool {
        self.wire.lock().send(self.local[channel as usize], to, bytes);
        true
    }
}

impl Drop for MailboxPair {
    fn drop(&mut self) {
        let mut wire = self.wire.lock();
        for local in self.local {
            wire.ends.remove(&local);
        }
    }
}
