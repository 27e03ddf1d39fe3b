//! The virtual driver: cores on a network in memory, moved by one caller in one thread. Datagrams, SIP timers and ticks happen in the order of their times;
//! at one instant datagrams come before timers and timers before ticks. Each host ticks at a phase of its own, as real machines do.

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use crate::mailbox::Notifier;
use crate::os::WallOffset;
use crate::signalling::SharedSignalling;
use crate::wire::{ForSignalling, Impairment, SharedWire};
use crate::worker::{TICK, Worker};

/// Hosts differ in the phase of their ticks by this much, modulo a tick.
const PHASE_STEP: Duration = Duration::from_millis(7);

/// A core as the network moves it.
struct Host {
    workers: Vec<Worker>,
    signalling: SharedSignalling,
    notifier: Arc<Notifier>,
    next_tick: Duration,
}

/// A world of virtual time.
#[derive(Clone)]
pub struct Network {
    wire: SharedWire,
    hosts: Arc<Mutex<Vec<Option<Host>>>>,
    seed: u64,
}

impl Network {
    /// An empty world at zero.
    pub fn new(seed: u64) -> Self {
        Self { wire: SharedWire::new(seed), hosts: Arc::default(), seed }
    }

    /// The seed of everything random in it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Its wire.
    pub fn wire(&self) -> &SharedWire {
        &self.wire
    }

    /// Its time.
    pub fn now(&self) -> Duration {
        self.wire.lock().now()
    }

    /// Index of the host that joins next.
    pub fn next_host(&self) -> usize {
        self.hosts.lock().expect("no holder panics").len()
    }

    /// A core joins; its index is `next_host` before.
    pub fn join(&self, workers: Vec<Worker>, signalling: SharedSignalling, notifier: Arc<Notifier>) {
        let mut hosts = self.hosts.lock().expect("no holder panics");
        let phase = (PHASE_STEP * hosts.len() as u32).as_nanos() % TICK.as_nanos();
        let now = self.now();
        let ticks = now.as_nanos() / TICK.as_nanos();
        let next_tick = TICK * (ticks as u32 + 1) + Duration::from_nanos(phase as u64);
        hosts.push(Some(Host { workers, signalling, notifier, next_tick }));
    }

    /// A core leaves.
    pub fn leave(&self, host: usize) {
        if let Some(seat) = self.hosts.lock().expect("no holder panics").get_mut(host) {
            *seat = None;
        }
    }

    /// What happens to datagrams from a host.
    pub fn impair(&self, source: Option<IpAddr>, impairment: Impairment) {
        self.wire.lock().impair(source, impairment);
    }

    /// A datagram from nowhere.
    pub fn inject(&self, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) {
        self.wire.lock().send(source, destination, bytes);
    }

    /// Who reads that RTP or RTCP port next panics: for tests of containment.
    pub fn fault(&self, local: SocketAddr) {
        self.wire.lock().fault(local);
    }

    /// Runs to `deadline`, or to the end of the instant in which a core has news.
    pub fn run_until(&self, deadline: Duration, stop_on_event: bool) -> Duration {
        let mut hosts = self.hosts.lock().expect("no holder panics");
        let pending = |hosts: &[Option<Host>]| hosts.iter().flatten().any(|host| host.notifier.pending());
        while !(stop_on_event && pending(&hosts)) {
            let due = self.wire.lock().next_due();
            let timer = hosts.iter().flatten().filter_map(|host| host.signalling.lock().poll_timeout()).min();
            let tick = hosts.iter().flatten().map(|host| host.next_tick).min();
            let Some(now) = [due, timer, tick].into_iter().flatten().min().filter(|next| *next <= deadline)
            else {
                self.wire.lock().set_now(deadline);
                break;
            };
            self.wire.lock().set_now(now);
            self.deliver(&mut hosts, now);
            for host in hosts.iter_mut().flatten() {
                host.signalling.lock().handle_timeout(now);
                if host.next_tick <= now {
                    host.next_tick += TICK;
                    for worker in &mut host.workers {
                        worker.reading_mut().renew(WallOffset::of_virtual(now));
                        worker.tick(now);
                    }
                }
            }
        }
        self.now()
    }

    fn deliver(&self, hosts: &mut [Option<Host>], now: Duration) {
        loop {
            let Some(delivered) = self.wire.lock().deliver(now) else { return };
            let Some(ForSignalling { host, local, datagram }) = delivered else { continue };
            if let Some(Some(host)) = hosts.get(host) {
                host.signalling.lock().handle_datagram(local, datagram.source, &datagram.bytes, now);
            }
        }
    }

    /// Hash of everything that was delivered.
    pub fn digest(&self) -> [u8; 32] {
        self.wire.lock().digest()
    }
}
