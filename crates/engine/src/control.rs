//! The side of the engine that Python talks to: knows where every leg, bus and player lives, turns orders into batches for workers, and worker events
//! into news. Everything that takes memory is made here.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use roomtone_media::bus::{Bus, Row};
use roomtone_media::clip::Clip;
use roomtone_media::codec::Codec;
use roomtone_media::event::{DoneReason, Event};
use roomtone_media::id::{BusId, LegId, PlayerId, TapId};
use roomtone_media::leg::{Leg, LegMedia, LegMediaConfig};
use roomtone_media::player::{Item, Player};
use roomtone_media::receiver::JitterConfig;
use roomtone_media::tap::TapPoint;
use rtrb::{Consumer, Producer};

use crate::gauge::{LegGauges, WorkerGauges};
use crate::line::Line;
use crate::mailbox::{Batch, Command, Direction, Notifier, Remote, Said, Stamped, Target};
use crate::tap::{Gathered, TapReader, tap};
use crate::transport::Transport;

/// Legs for which a new bus has room before it must grow.
const BUS_LEGS_EXPECTED: usize = 4;

/// What a batch is made of, in the words of Python's `Batch`.
#[derive(Clone)]
#[allow(missing_docs, reason = "each is described in _native.pyi under the same name")]
pub enum Order {
    OpenBus { bus: BusId, near: Option<BusId> },
    CloseBus(BusId),
    Configure { leg: LegId, media: MediaSettings },
    Move { leg: LegId, bus: BusId },
    CloseLeg(LegId),
    Row(LegId, Row),
    Play { player: PlayerId, target: Target, gain_db: f32, stop_on_digit: bool },
    AppendClip { player: PlayerId, clip: Arc<Clip>, loops: u32 },
    AppendTone { player: PlayerId, hertz: f32, milliseconds: u32, dbm0: f32 },
    AppendSilence { player: PlayerId, milliseconds: u32 },
    Finish(PlayerId),
    Stop(PlayerId),
    SendDigits(LegId, String),
    Press(LegId, u8),
    RelayDigit { bus: BusId, key: u8, except: LegId },
    Direct(LegId, Direction),
    Tap { tap: TapId, leg: LegId, point: TapPoint, seconds_max: usize, notify: Duration },
    Untap(TapId),
}

/// What offer and answer settled, as the engine needs it.
#[derive(Copy, Clone, Debug)]
#[allow(missing_docs, reason = "named as in Negotiated")]
pub struct MediaSettings {
    pub codec: Codec,
    pub payload_type: u8,
    pub telephone_event: Option<(u8, u32)>,
    pub comfort_noise: Option<u8>,
    pub rtp: SocketAddr,
    pub rtcp: SocketAddr,
    pub direction: Direction,
}

/// What Python hears about media, in order.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is described in _native.pyi under the same name")]
pub enum News {
    Ack { batch: u64, gone: Vec<u64> },
    Digit { leg: LegId, key: u8, in_band: bool },
    ItemStarted { player: PlayerId, item: u32 },
    ItemDone { player: PlayerId, item: u32 },
    PlayerDone { player: PlayerId, reason: DoneReason },
    LegSilent(LegId),
    LegLost(LegId),
    BusLost { bus: BusId, reason: String },
    ThreadLost { thread: String, reason: String },
    TapReady(TapId),
}

/// Control's end of a worker's queues.
pub struct WorkerHandle {
    /// Batches in.
    pub inbox: Producer<Box<Batch>>,
    /// Events out.
    pub events: Consumer<Stamped>,
    /// Players that have ended, to be freed.
    pub retired: Consumer<Player>,
    /// Its counters.
    pub gauges: Arc<WorkerGauges>,
}

struct WorkerSeat {
    handle: WorkerHandle,
    overflow: VecDeque<Box<Batch>>,
    legs: usize,
    buses: usize,
}

impl WorkerSeat {
    fn push(&mut self, batch: Box<Batch>) {
        self.overflow.push_back(batch);
        self.flush();
    }

    fn flush(&mut self) {
        while let Some(batch) = self.overflow.pop_front() {
            if let Err(rtrb::PushError::Full(batch)) = self.handle.inbox.push(batch) {
                return self.overflow.push_front(batch);
            }
        }
    }
}

struct LegHome {
    worker: Option<usize>,
    unattached: Option<(Box<Leg>, Box<Line>)>,
    gauges: Arc<LegGauges>,
    ssrc: u32,
}

struct TapHome {
    leg: LegId,
    point: TapPoint,
    reader: TapReader,
}

#[derive(Default)]
struct Outstanding {
    pieces: usize,
    gone: Vec<u64>,
}

/// A batch by workers, as it is routed; each worker's commands in order.
#[derive(Default)]
struct Pieces {
    commands: BTreeMap<usize, Vec<Command>>,
    gone: Vec<u64>,
}

impl Pieces {
    fn add(&mut self, worker: usize, command: Command) {
        self.commands.entry(worker).or_default().push(command);
    }
}

/// See the module.
pub struct Control {
    workers: Vec<WorkerSeat>,
    buses: HashMap<BusId, usize>,
    legs: HashMap<LegId, LegHome>,
    players: HashMap<PlayerId, Target>,
    taps: BTreeMap<TapId, TapHome>,
    outstanding: HashMap<u64, Outstanding>,
    /// What no worker has to say.
    own_news: Vec<News>,
    next_batch: u64,
    next_id: u64,
    dice: fastrand::Rng,
    codecs: Vec<Codec>,
    notifier: Arc<Notifier>,
}

impl Control {
    /// Control of these workers.
    pub fn new(
        workers: Vec<WorkerHandle>,
        dice: fastrand::Rng,
        codecs: Vec<Codec>,
        notifier: Arc<Notifier>,
    ) -> Self {
        let seat = |handle| WorkerSeat { handle, overflow: VecDeque::new(), legs: 0, buses: 0 };
        Self {
            workers: workers.into_iter().map(seat).collect(),
            buses: HashMap::new(),
            legs: HashMap::new(),
            players: HashMap::new(),
            taps: BTreeMap::new(),
            outstanding: HashMap::new(),
            own_news: Vec::new(),
            next_batch: 0,
            next_id: 0,
            dice,
            codecs,
            notifier,
        }
    }

    /// A number that was never used for anything.
    pub fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Codecs in use.
    pub fn codecs(&self) -> &[Codec] {
        &self.codecs
    }

    /// A new leg on no bus.
    pub fn open_leg(&mut self, id: LegId, transport: Box<dyn Transport>, now: Duration) {
        let gauges = Arc::new(LegGauges::default());
        let line = Box::new(Line::new(transport, gauges.clone(), now));
        let unattached = Some((Box::new(Leg::new(id)), line));
        let ssrc = self.dice.u32(..);
        self.legs.insert(id, LegHome { worker: None, unattached, gauges, ssrc });
    }

    /// Latest values of a leg.
    pub fn leg_gauges(&self, id: LegId) -> Option<Arc<LegGauges>> {
        self.legs.get(&id).map(|home| home.gauges.clone())
    }

    /// Counters of all workers, summed by name.
    pub fn totals(&self) -> HashMap<&'static str, i64> {
        let mut totals = HashMap::new();
        for worker in &self.workers {
            for (name, value) in worker.handle.gauges.snapshot() {
                *totals.entry(name).or_insert(0) += value;
            }
        }
        totals
    }

    /// Queues orders as one batch; its number comes back in [`News::Ack`].
    pub fn submit(&mut self, orders: Vec<Order>, now: Duration) -> u64 {
        self.next_batch += 1;
        let id = self.next_batch;
        let mut pieces = Pieces::default();
        for order in orders {
            self.route(order, now, &mut pieces);
        }
        self.dispatch(id, pieces);
        id
    }

    fn dispatch(&mut self, id: u64, pieces: Pieces) {
        if pieces.commands.is_empty() {
            self.own_news.push(News::Ack { batch: id, gone: pieces.gone });
            return self.notifier.notify();
        }
        self.outstanding.insert(id, Outstanding { pieces: pieces.commands.len(), gone: pieces.gone });
        for (worker, commands) in pieces.commands {
            self.workers[worker].push(Box::new(Batch::new(id, commands)));
        }
    }

    fn route(&mut self, order: Order, now: Duration, pieces: &mut Pieces) {
        match order {
            Order::OpenBus { bus, near } => self.open_bus(bus, near, pieces),
            Order::CloseBus(bus) => match self.buses.remove(&bus) {
                Some(worker) => {
                    self.workers[worker].buses -= 1;
                    pieces.add(worker, Command::CloseBus(bus));
                }
                None => pieces.gone.push(bus.0),
            },
            Order::Move { leg, bus } => self.move_leg(leg, bus, pieces),
            Order::CloseLeg(leg) => self.close_leg(leg, pieces),
            Order::Configure { leg, media } => self.configure(leg, media, now, pieces),
            Order::Row(leg, row) => self.to_leg(leg, pieces, Command::Row(leg, row)),
            Order::SendDigits(leg, digits) => {
                self.to_leg(leg, pieces, Command::SendDigits(leg, digits.into()))
            }
            Order::Press(leg, key) => self.to_leg(leg, pieces, Command::Press(leg, key)),
            Order::Direct(leg, direction) => self.to_leg(leg, pieces, Command::Direct(leg, direction)),
            Order::RelayDigit { bus, key, except } => match self.buses.get(&bus) {
                Some(worker) => pieces.add(*worker, Command::RelayDigit(bus, key, except)),
                None => pieces.gone.push(bus.0),
            },
            Order::Play { player, target, gain_db, stop_on_digit } => match self.worker_of(target) {
                Some(worker) => {
                    self.players.insert(player, target);
                    let built = Box::new(Player::new(player, gain_db, stop_on_digit));
                    pieces.add(worker, Command::Play(target, built));
                }
                None => {
                    pieces.gone.push(player.0);
                    self.own_news.push(News::PlayerDone { player, reason: DoneReason::Gone });
                    self.notifier.notify();
                }
            },
            Order::AppendClip { player, clip, loops } => {
                self.to_player(player, pieces, |target| {
                    Command::Append(target, player, Item::Clip(clip, loops))
                });
            }
            Order::AppendTone { player, hertz, milliseconds, dbm0 } => {
                let item = Item::Tone { hertz, milliseconds, dbm0 };
                self.to_player(player, pieces, |target| Command::Append(target, player, item));
            }
            Order::AppendSilence { player, milliseconds } => {
                let item = Item::Silence { milliseconds };
                self.to_player(player, pieces, |target| Command::Append(target, player, item));
            }
            Order::Finish(player) => self.to_player(player, pieces, |target| Command::Finish(target, player)),
            Order::Stop(player) => self.to_player(player, pieces, |target| Command::Stop(target, player)),
            Order::Tap { tap, leg, point, seconds_max, notify } => {
                self.open_tap(tap, leg, point, seconds_max, notify, pieces);
            }
            Order::Untap(id) => match self.taps.remove(&id) {
                Some(home) => self.to_leg(home.leg, pieces, Command::Tap(home.leg, home.point, None)),
                None => pieces.gone.push(id.0),
            },
        }
    }

    fn to_leg(&self, leg: LegId, pieces: &mut Pieces, command: Command) {
        match self.legs.get(&leg).and_then(|home| home.worker) {
            Some(worker) => pieces.add(worker, command),
            None => pieces.gone.push(leg.0),
        }
    }

    fn to_player(&self, player: PlayerId, pieces: &mut Pieces, command: impl FnOnce(Target) -> Command) {
        let target = self.players.get(&player).copied();
        let worker = target.and_then(|target| self.worker_of(target));
        match (worker, target) {
            (Some(worker), Some(target)) => pieces.add(worker, command(target)),
            _ => pieces.gone.push(player.0),
        }
    }

    fn worker_of(&self, target: Target) -> Option<usize> {
        match target {
            Target::Leg(leg) => self.legs.get(&leg)?.worker,
            Target::Bus(bus) => self.buses.get(&bus).copied(),
        }
    }

    fn open_bus(&mut self, id: BusId, near: Option<BusId>, pieces: &mut Pieces) {
        let beside = near.and_then(|bus| self.buses.get(&bus).copied());
        let least = (0..self.workers.len()).min_by_key(|index| {
            let seat = &self.workers[*index];
            (seat.legs, seat.buses)
        });
        let worker = beside.or(least).unwrap_or(0);
        self.workers[worker].buses += 1;
        self.buses.insert(id, worker);
        pieces.add(worker, Command::OpenBus(Box::new(Bus::new(id, BUS_LEGS_EXPECTED))));
    }

    fn move_leg(&mut self, leg: LegId, bus: BusId, pieces: &mut Pieces) {
        let (Some(home), Some(worker)) = (self.legs.get_mut(&leg), self.buses.get(&bus).copied()) else {
            return pieces.gone.push(leg.0);
        };
        let before = home.worker.replace(worker);
        match (home.unattached.take(), before) {
            (Some((leg, line)), _) => pieces.add(worker, Command::Attach(leg, line, bus)),
            (None, Some(from)) if from != worker => {
                pieces.add(from, Command::Detach(leg, worker));
                pieces.add(worker, Command::Land(leg, bus));
            }
            (None, _) => pieces.add(worker, Command::Move(leg, bus)),
        }
        if let Some(from) = before {
            self.workers[from].legs -= 1;
        }
        self.workers[worker].legs += 1;
    }

    fn close_leg(&mut self, leg: LegId, pieces: &mut Pieces) {
        match self.forget_leg(leg) {
            Some(Some(worker)) => pieces.add(worker, Command::CloseLeg(leg)),
            Some(None) => {}
            None => pieces.gone.push(leg.0),
        }
    }

    /// The worker that it was on, if it was on one; None: there is no such leg.
    fn forget_leg(&mut self, leg: LegId) -> Option<Option<usize>> {
        let home = self.legs.remove(&leg)?;
        self.taps.retain(|_, tap| tap.leg != leg);
        if let Some(worker) = home.worker {
            self.workers[worker].legs -= 1;
        }
        Some(home.worker)
    }

    fn configure(&mut self, leg: LegId, media: MediaSettings, now: Duration, pieces: &mut Pieces) {
        let (sequence, timestamp) = (self.dice.u16(..), self.dice.u32(..));
        let Some(home) = self.legs.get_mut(&leg) else { return pieces.gone.push(leg.0) };
        let config = LegMediaConfig {
            codec: media.codec,
            payload_type: media.payload_type,
            telephone_event: media.telephone_event,
            comfort_noise: media.comfort_noise,
            ssrc: home.ssrc,
            sequence,
            timestamp,
            jitter: JitterConfig::default(),
        };
        let built = Box::new(LegMedia::new(&config, now));
        let remote = Remote { rtp: media.rtp, rtcp: media.rtcp };
        match (&mut home.unattached, home.worker) {
            (Some((unattached, line)), _) => {
                line.signal(remote.rtp, remote.rtcp, now);
                line.expect_packets(media.direction.receives, now);
                unattached.configure(built);
                unattached.set_direction(media.direction.sends, media.direction.receives);
            }
            (None, Some(worker)) => {
                pieces.add(worker, Command::Configure(leg, built, remote));
                pieces.add(worker, Command::Direct(leg, media.direction));
            }
            (None, None) => pieces.gone.push(leg.0),
        }
    }

    fn open_tap(
        &mut self,
        id: TapId,
        leg: LegId,
        point: TapPoint,
        seconds_max: usize,
        notify: Duration,
        pieces: &mut Pieces,
    ) {
        let rate_hz_max = self.codecs.iter().map(|codec| codec.rate_hz() as usize).max().unwrap_or(8000);
        let (writer, reader) = tap(seconds_max, rate_hz_max, notify, self.notifier.clone());
        self.taps.insert(id, TapHome { leg, point, reader });
        self.to_leg(leg, pieces, Command::Tap(leg, point, Some(Box::new(writer))));
    }

    /// What a tap has gathered.
    pub fn read_tap(&mut self, id: TapId) -> Gathered {
        self.taps.get_mut(&id).map(|home| home.reader.read()).unwrap_or_default()
    }

    /// Everything that waits, in the order (tick, worker, sequence).
    pub fn drain(&mut self, now: Duration, news: &mut Vec<(Duration, News)>) {
        let first = news.len();
        news.extend(self.own_news.drain(..).map(|own| (now, own)));
        let mut heard = Vec::new();
        for seat in &mut self.workers {
            seat.flush();
            while seat.handle.retired.pop().is_ok() {}
            heard.extend(core::iter::from_fn(|| seat.handle.events.pop().ok()));
        }
        heard.sort_by_key(|stamped| stamped.time); // what a leg did on one worker comes before its end on another
        for Stamped { time, said } in heard {
            self.hear(said, &mut |what| news.push((time, what)));
        }
        for (id, home) in &self.taps {
            if home.reader.take_ready() {
                news.push((now, News::TapReady(*id)));
            }
        }
        news[first..].sort_by_key(|(time, _)| *time);
    }

    fn hear(&mut self, said: Said, tell: &mut impl FnMut(News)) {
        match said {
            Said::Media(Event::Digit { leg, key, in_band }) => tell(News::Digit { leg, key, in_band }),
            Said::Media(Event::ItemStarted { player, item }) => tell(News::ItemStarted { player, item }),
            Said::Media(Event::ItemDone { player, item }) => tell(News::ItemDone { player, item }),
            Said::Media(Event::PlayerDone { player, reason }) => {
                // Not known any more: it went with its leg or bus, and has had its last word.
                if self.players.remove(&player).is_some() {
                    tell(News::PlayerDone { player, reason });
                }
            }
            Said::Silent(leg) => tell(News::LegSilent(leg)),
            Said::Shed(leg, ..) => self.lose_leg(leg, tell),
            Said::Broken(mut bus, fault) => {
                let id = bus.id();
                if let Some(worker) = self.buses.remove(&id) {
                    self.workers[worker].buses -= 1;
                }
                tell(News::BusLost { bus: id, reason: fault.to_string() });
                self.end_players(Target::Bus(id), tell);
                bus.legs_mut().for_each(|(leg, _)| self.lose_leg(leg.id(), tell));
            }
            Said::Applied(batch) => {
                let Some(outstanding) = self.outstanding.get_mut(&batch.id) else { return };
                outstanding.gone.extend(&batch.gone);
                outstanding.pieces -= 1;
                if outstanding.pieces == 0 {
                    let gone = self.outstanding.remove(&batch.id).map(|all| all.gone).unwrap_or_default();
                    tell(News::Ack { batch: batch.id, gone });
                }
            }
        }
    }

    fn lose_leg(&mut self, leg: LegId, tell: &mut impl FnMut(News)) {
        self.forget_leg(leg);
        self.end_players(Target::Leg(leg), tell);
        tell(News::LegLost(leg));
    }

    /// The last words of players that went with what they played on.
    fn end_players(&mut self, on: Target, tell: &mut impl FnMut(News)) {
        let on_it = self.players.iter().filter(|(_, target)| **target == on);
        let mut ended: Vec<PlayerId> = on_it.map(|(player, _)| *player).collect();
        ended.sort_unstable();
        for player in ended {
            self.players.remove(&player);
            tell(News::PlayerDone { player, reason: DoneReason::Gone });
        }
    }
}
