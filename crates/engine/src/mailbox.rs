//! What crosses between control and a worker: batches in, events out, through rings without locks. A batch comes back inside its acknowledgement with the
//! remains of its commands, so that nothing is freed in a tick.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use roomtone_media::bus::{Bus, Row};
use roomtone_media::event::Event;
use roomtone_media::id::{BusId, LegId, PlayerId};
use roomtone_media::leg::{Leg, LegMedia};
use roomtone_media::player::{Item, Player};
use roomtone_media::tap::{Tap, TapPoint};

use crate::fault::Fault;
use crate::line::Line;
use crate::os::Wake;

/// Batches that may wait for a worker; more wait in order at the submitter's, until it has taken some.
pub const INBOX_BATCHES_MAX: usize = 4096;
/// Events in the ring to control.
pub const OUTBOX_EVENTS_MAX: usize = 16_384;
/// Events that a worker keeps when the ring is full; past it the newest legs are ended.
pub const BACKLOG_EVENTS_MAX: usize = 4096;
/// Players that have ended and wait to be freed.
pub const RETIRED_PLAYERS_MAX: usize = 4096;
/// Legs on their way to one worker; one more waits where it is for the next tick.
pub const ARRIVALS_MAX: usize = 4096;

/// Where a player plays.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Into one ear.
    Leg(LegId),
    /// Into a room.
    Bus(BusId),
}

/// Where a leg's media goes to.
#[derive(Copy, Clone, Debug)]
pub struct Remote {
    /// Audio.
    pub rtp: SocketAddr,
    /// Reports.
    pub rtcp: SocketAddr,
}

/// One step of a batch, ready to be applied: everything that takes memory has been made.
pub enum Command {
    /// A new bus.
    OpenBus(Box<Bus<Box<Line>>>),
    /// Its end.
    CloseBus(BusId),
    /// A leg's first bus.
    Attach(Box<Leg>, Box<Line>, BusId),
    /// From bus to bus of this worker.
    Move(LegId, BusId),
    /// To the worker of that index, which lands it for the same batch.
    Detach(LegId, usize),
    /// A leg that another worker has let go.
    Land(LegId, BusId),
    /// Codec, address, direction.
    Configure(LegId, Box<LegMedia>, Remote),
    /// Hold.
    Direct(LegId, Direction),
    /// Its end.
    CloseLeg(LegId),
    /// Who hears it and what it hears.
    Row(LegId, Row),
    /// A new player.
    Play(Target, Box<Player>),
    /// One more item.
    Append(Target, PlayerId, Item),
    /// No more items.
    Finish(Target, PlayerId),
    /// Silence.
    Stop(Target, PlayerId),
    /// Keys to the far end.
    SendDigits(LegId, Box<str>),
    /// A key of the far end, from signalling.
    Press(LegId, u8),
    /// A key to all others.
    RelayDigit(BusId, u8, LegId),
    /// A copy of what a leg says or hears.
    Tap(LegId, TapPoint, Option<Box<dyn Tap>>),
    /// Applied; what is left of it.
    Spent(Remains),
}

/// Whether we send to the far end and take from it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Direction {
    /// We send.
    pub sends: bool,
    /// We take.
    pub receives: bool,
}

/// What a command leaves to be freed by control.
#[derive(Default)]
#[allow(missing_docs, reason = "each holds what its command replaced")]
pub enum Remains {
    #[default]
    Nothing,
    Bus(Box<Bus<Box<Line>>>),
    Leg(Box<Leg>, Box<Line>),
    Media(Box<LegMedia>),
    Player(Box<Player>),
    Item(Item),
    Tap(Box<dyn Tap>),
    Digits(Box<str>),
}

/// One worker's part of a batch: applied in one moment, unless legs that it sends to other workers stand before others that it waits for
/// (`docs/adr/0007`).
pub struct Batch {
    /// Its number.
    pub id: u64,
    /// In order.
    pub commands: Vec<Command>,
    /// How many of them are applied.
    pub applied: usize,
    /// Legs and players that were not there any more (room for one each command).
    pub gone: Vec<u64>,
}

impl Batch {
    /// Nothing of it is applied yet.
    pub fn new(id: u64, commands: Vec<Command>) -> Self {
        let gone = Vec::with_capacity(commands.len());
        Self { id, commands, applied: 0, gone }
    }
}

/// A leg on its way, or the news that it has ended.
pub struct Arrival {
    /// The batch that waits for it.
    pub batch: u64,
    /// Which.
    pub id: LegId,
    /// Itself.
    pub leg: Option<(Box<Leg>, Box<Line>)>,
}

/// Mailboxes between workers, one each.
pub type Arrivals = Arc<[ArrayQueue<Arrival>]>;

/// What a worker says.
pub enum Said {
    /// Of the media.
    Media(Event),
    /// A batch has been applied.
    Applied(Box<Batch>),
    /// The far end has been silent for too long.
    Silent(LegId),
    /// The worker ended a leg for want of room, or of a bus to put it on; its remains.
    Shed(LegId, Box<Leg>, Box<Line>),
    /// A fault of ours ended a bus with all its legs; their remains.
    Broken(Box<Bus<Box<Line>>>, Box<Fault>),
}

/// An event with its place in the order of all.
pub struct Stamped {
    /// The tick it belongs to.
    pub time: Duration,
    /// What happened.
    pub said: Said,
}

/// Tells the event loop that something waits.
pub struct Notifier {
    wake: Option<Wake>,
    armed: AtomicBool,
}

impl Notifier {
    /// With a bell for a live core, without one in virtual time.
    pub fn new(wake: Option<Wake>) -> Self {
        Self { wake, armed: AtomicBool::new(false) }
    }

    /// Something waits.
    pub fn notify(&self) {
        if !self.armed.swap(true, Ordering::AcqRel)
            && let Some(wake) = &self.wake
        {
            wake.ring();
        }
    }

    /// Whether something waits.
    pub fn pending(&self) -> bool {
        self.armed.load(Ordering::Acquire)
    }

    /// Before reading the queues.
    pub fn clear(&self) {
        if let Some(wake) = &self.wake {
            wake.clear();
        }
        self.armed.store(false, Ordering::Release);
    }

    /// For the event loop.
    pub fn fd(&self) -> Option<std::os::fd::RawFd> {
        self.wake.as_ref().map(Wake::fd)
    }
}
