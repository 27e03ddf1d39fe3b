//! Batches against a model that knows nothing of workers: whatever is moved, played, stopped and ended in whatever order, each batch is acknowledged once,
//! nothing that lives is `gone`, and every player plays until it is stopped or what it plays on ends.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use roomtone_engine::control::{News, Order};
use roomtone_engine::core::{Core, CoreConfig};
use roomtone_engine::mailbox::{ARRIVALS_MAX, Target};
use roomtone_engine::network::Network;
use roomtone_engine::os::Poll;
use roomtone_engine::os::Take;
use roomtone_engine::transport::{Channel, Reading, Transport};
use roomtone_media::bus::Row;
use roomtone_media::codec::Codec;
use roomtone_media::event::DoneReason;
use roomtone_media::id::{BusId, LegId, PlayerId};

const BUSES_MAX: usize = 6;
const LEGS_MAX: usize = 12;
const PLAYERS_MAX: usize = 3; // on one leg or bus

struct Silence;

impl Transport for Silence {
    fn receive(&mut self, _: Channel, _: &mut Reading, _: &mut Take<'_>) {}

    fn send(&mut self, _: Channel, _: &[u8], _: SocketAddr) -> bool {
        true
    }
}

/// What there is, and what must be heard of it.
struct Model {
    core: Core,
    /// None: real threads.
    network: Option<Network>,
    dice: fastrand::Rng,
    buses: BTreeSet<BusId>,
    legs: BTreeMap<LegId, BusId>,
    players: BTreeMap<PlayerId, Target>,
    acks: BTreeMap<u64, Vec<u64>>,
    ended: BTreeMap<PlayerId, DoneReason>,
    lost: BTreeSet<LegId>,
}

impl Model {
    fn new(seed: u64, workers: usize, is_live: bool) -> Self {
        let network = (!is_live).then(|| Network::new(seed));
        let config = CoreConfig {
            host: "10.0.0.1".parse().unwrap(),
            workers,
            seed: Some(seed),
            rtp_ports: (0, 0),
            silence_max: Duration::from_secs(60),
            codecs: vec![Codec::Pcmu],
        };
        Self {
            core: match &network {
                Some(network) => Core::on(network, &config),
                None => Core::live(&config).unwrap(),
            },
            network,
            dice: fastrand::Rng::with_seed(seed),
            buses: BTreeSet::new(),
            legs: BTreeMap::new(),
            players: BTreeMap::new(),
            acks: BTreeMap::new(),
            ended: BTreeMap::new(),
            lost: BTreeSet::new(),
        }
    }

    fn id(&self) -> u64 {
        self.core.control().new_id()
    }

    fn some_bus(&mut self) -> Option<BusId> {
        self.dice.choice(self.buses.iter().copied())
    }

    fn some_leg(&mut self) -> Option<LegId> {
        self.dice.choice(self.legs.keys().copied())
    }

    fn end_players(&mut self, on: Target, reason: DoneReason) {
        let ended = self.players.extract_if(.., |_, target| *target == on);
        self.ended.extend(ended.map(|(player, _)| (player, reason)));
    }

    fn batch(&mut self) {
        let (mut orders, mut gone) = (Vec::new(), Vec::new());
        for _ in 0..self.dice.usize(1..10) {
            let _ = self.order(&mut orders, &mut gone);
        }
        self.submit(orders, gone);
    }

    fn submit(&mut self, orders: Vec<Order>, mut gone: Vec<u64>) {
        gone.sort_unstable();
        let batch = self.core.control().submit(orders, self.core.now());
        self.acks.insert(batch, gone);
    }

    /// One order more, unless there is nothing to give it for.
    fn order(&mut self, orders: &mut Vec<Order>, gone: &mut Vec<u64>) -> Option<()> {
        match self.dice.u8(..100) {
            0..8 if self.buses.len() < BUSES_MAX => {
                let bus = BusId(self.id());
                orders.push(Order::OpenBus { bus, near: None });
                self.buses.insert(bus);
            }
            8..12 => {
                let bus = self.some_bus()?;
                orders.push(Order::CloseBus(bus));
                self.buses.remove(&bus);
                self.end_players(Target::Bus(bus), DoneReason::Gone);
                let left: Vec<LegId> =
                    self.legs.extract_if(.., |_, home| *home == bus).map(|(leg, _)| leg).collect();
                for leg in left {
                    self.end_players(Target::Leg(leg), DoneReason::Gone);
                    self.lost.insert(leg);
                }
            }
            12..25 if self.legs.len() < LEGS_MAX => {
                let (leg, bus) = (LegId(self.id()), self.some_bus()?);
                self.core.control().open_leg(leg, Box::new(Silence), self.core.now());
                orders.push(Order::Move { leg, bus });
                self.legs.insert(leg, bus);
            }
            25..30 => {
                let leg = self.some_leg()?;
                orders.push(Order::CloseLeg(leg));
                self.legs.remove(&leg);
                self.end_players(Target::Leg(leg), DoneReason::Gone);
                orders.push(Order::Row(leg, Row::default()));
                gone.push(leg.0);
            }
            30..60 => {
                let (leg, bus) = (self.some_leg()?, self.some_bus()?);
                orders.push(Order::Move { leg, bus });
                self.legs.insert(leg, bus);
            }
            60..78 => {
                let target = if self.dice.bool() {
                    Target::Leg(self.some_leg()?)
                } else {
                    Target::Bus(self.some_bus()?)
                };
                if self.players.values().filter(|of| **of == target).count() < PLAYERS_MAX {
                    let player = PlayerId(self.id());
                    orders.push(Order::Play { player, target, gain_db: 0.0, stop_on_digit: false });
                    orders.push(Order::AppendTone {
                        player,
                        hertz: 440.0,
                        milliseconds: 3_600_000,
                        dbm0: -20.0,
                    });
                    self.players.insert(player, target);
                }
            }
            78..88 => {
                let player = self.dice.choice(self.players.keys().copied())?;
                orders.push(Order::Stop(player));
                self.players.remove(&player);
                self.ended.insert(player, DoneReason::Stopped);
            }
            _ => orders.push(Order::Row(self.some_leg()?, Row::default())),
        }
        Some(())
    }

    fn run(&self, milliseconds: u64) {
        if let Some(network) = &self.network {
            network.run_until(network.now() + Duration::from_millis(milliseconds), false);
        }
    }

    fn owes_nothing(&self) -> bool {
        self.acks.is_empty() && self.ended.is_empty() && self.lost.is_empty()
    }

    /// Holds what was said against the model, until nothing is missing.
    fn settle(&mut self, what: &str) {
        self.run(200);
        self.hear(what);
        let deadline = self.core.now() + Duration::from_secs(10);
        while let (None, false) = (&self.network, self.owes_nothing() || self.core.now() > deadline) {
            let mut poll = Poll::default();
            poll.add(self.core.fd().unwrap(), false);
            poll.wait(Some(Duration::from_secs(1)));
            self.hear(what);
        }
        assert!(self.acks.is_empty(), "{what}: without acknowledgement: {:?}", self.acks);
        assert!(self.ended.is_empty(), "{what}: without a last word: {:?}", self.ended);
        assert!(self.lost.is_empty(), "{what}: nobody heard of the loss of {:?}", self.lost);
    }

    /// Who was told of something is told no more.
    fn hear(&mut self, what: &str) {
        for (_, news) in self.core.drain().1 {
            match news {
                News::Ack { batch, gone: mut said } => {
                    said.sort_unstable();
                    assert_eq!(Some(said), self.acks.remove(&batch), "{what}: gone in batch {batch}");
                }
                News::PlayerDone { player, reason } => {
                    assert_eq!(Some(reason), self.ended.remove(&player), "{what}: end of {player:?}");
                }
                News::LegLost(leg) => assert!(self.lost.remove(&leg), "{what}: {leg:?} is lost"),
                News::ItemStarted { .. } => {}
                other => panic!("{what}: nobody expected {other:?}"),
            }
        }
    }

    /// Everything that should live answers.
    fn finish(&mut self, what: &str) {
        let totals = self.core.control().totals();
        if self.network.is_some() {
            assert_eq!(
                (totals["legs"], totals["buses"]),
                (self.legs.len() as i64, self.buses.len() as i64),
                "{what}"
            );
        }
        let rows = self.legs.keys().map(|leg| Order::Row(*leg, Row::default()));
        let stops = self.players.keys().map(|player| Order::Stop(*player));
        let orders = rows.chain(stops).collect();
        self.ended.extend(
            core::mem::take(&mut self.players).into_keys().map(|player| (player, DoneReason::Stopped)),
        );
        self.submit(orders, Vec::new());
        self.settle(what);
    }
}

fn walk(seed: u64, workers: usize, is_live: bool) {
    let what = format!("{workers} workers, seed {seed}");
    let mut model = Model::new(seed, workers, is_live);
    for step in 0..12 {
        for _ in 0..model.dice.usize(1..5) {
            model.batch();
            if model.dice.bool() {
                model.run(20);
            }
        }
        model.settle(&format!("{what}, step {step}"));
    }
    model.finish(&what);
}

#[test]
fn whatever_is_ordered_happens_as_on_one_worker() {
    for workers in [1, 2, 3] {
        (0..300).for_each(|seed| walk(seed, workers, false));
    }
}

#[test]
fn threads_keep_the_order_too() {
    (0..4).for_each(|seed| walk(seed, 2, true));
}

#[test]
fn more_legs_than_a_mailbox_holds_arrive_all_the_same() {
    let mut model = Model::new(1, 2, false);
    let buses = [BusId(model.id()), BusId(model.id())];
    let open = buses.map(|bus| Order::OpenBus { bus, near: None });
    model.buses.extend(buses);
    model.submit(open.into(), Vec::new());
    let mut moves = |bus: BusId, count: usize| {
        let mut orders = Vec::new();
        for _ in 0..count {
            let leg = LegId(model.id());
            model.core.control().open_leg(leg, Box::new(Silence), Duration::ZERO);
            model.legs.insert(leg, bus);
            orders.push(Order::Move { leg, bus });
        }
        orders
    };
    let arrive = moves(buses[0], ARRIVALS_MAX + 100);
    model.submit(arrive, Vec::new());
    model.settle("there");
    let all = model.legs.keys().map(|leg| Order::Move { leg: *leg, bus: buses[1] }).collect();
    model.submit(all, Vec::new());
    model.settle("moved");
    model.finish("afterwards");
}
