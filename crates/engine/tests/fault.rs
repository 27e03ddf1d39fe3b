//! A fault of ours (a real panic) ends the room in which it happens, is told, and is heard nowhere else. One that no room contains is told too.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use roomtone_engine::control::{MediaSettings, News, Order};
use roomtone_engine::core::{Core, CoreConfig};
use roomtone_engine::fault::listen_for_panics;
use roomtone_engine::gauge::{LegGauges, WorkerGauges};
use roomtone_engine::line::Line;
use roomtone_engine::mailbox::{
    Arrivals, Batch, Command, Direction, Notifier, Remote, Said, Stamped, Target,
};
use roomtone_engine::network::Network;

use roomtone_engine::os::{Epoch, Poll, Scratch, Take};
use roomtone_engine::transport::{Channel, Reading, Transport};
use roomtone_engine::worker::{Outbox, TICK, Worker, WorkerParts};
use roomtone_media::bus::{Bus, Row};
use roomtone_media::codec::Codec;
use roomtone_media::event::{DoneReason, Event};
use roomtone_media::id::{BusId, LegId, PlayerId};
use roomtone_media::leg::{Leg, LegMedia, LegMediaConfig};
use roomtone_media::player::{Item, Player};
use roomtone_media::receiver::JitterConfig;
use roomtone_media::tap::{Tap, TapPoint};
use rtrb::RingBuffer;

/// What a transport panics at.
#[derive(Copy, Clone, PartialEq, Eq)]
enum At {
    Never,
    Receive,
    Send,
    Housekeeping,
    /// The BYE of a leg that is closed: in a command, which is no bus's part of the tick.
    Command,
}

struct Faulty {
    at: At,
    sent: Arc<AtomicU64>,
}

impl Transport for Faulty {
    fn receive(&mut self, channel: Channel, _: &mut Reading, _: &mut Take<'_>) {
        assert!(self.at != At::Receive || channel == Channel::Rtcp, "at receive");
        assert!(self.at != At::Housekeeping || channel == Channel::Rtp, "at housekeeping");
    }

    fn send(&mut self, channel: Channel, _: &[u8], _: SocketAddr) -> bool {
        assert!(self.at != At::Send || channel == Channel::Rtcp, "at send");
        assert!(self.at != At::Command || channel == Channel::Rtp, "at a command");
        self.sent.fetch_add(1, Ordering::Relaxed);
        true
    }
}

fn config() -> CoreConfig {
    CoreConfig {
        host: "127.0.0.1".parse().unwrap(),
        workers: 1,
        seed: Some(1),
        rtp_ports: (0, 0),
        silence_max: Duration::from_secs(60),
        codecs: vec![Codec::Pcmu],
    }
}

struct Room {
    bus: BusId,
    legs: [LegId; 2],
    players: [PlayerId; 2],
    /// Packets that its legs have sent.
    sent: Arc<AtomicU64>,
}

/// Two legs on a bus, one with a faulty transport; a player plays into the bus, one into the ear of the other leg.
fn room(core: &Core, at: At) -> Room {
    let id = || core.control().new_id();
    let (bus, legs) = (BusId(id()), [LegId(id()), LegId(id())]);
    let players = [PlayerId(id()), PlayerId(id())];
    let sent = Arc::new(AtomicU64::new(0));
    let media = MediaSettings {
        codec: Codec::Pcmu,
        payload_type: 0,
        telephone_event: None,
        comfort_noise: None,
        rtp: "192.0.2.1:4000".parse().unwrap(),
        rtcp: "192.0.2.1:4001".parse().unwrap(),
        direction: Direction { sends: true, receives: true },
    };
    let mut orders = vec![Order::OpenBus { bus, near: None }];
    for (leg, at) in legs.into_iter().zip([At::Never, at]) {
        core.control().open_leg(leg, Box::new(Faulty { at, sent: sent.clone() }), core.now());
        orders.extend([Order::Configure { leg, media }, Order::Move { leg, bus }]);
        orders.push(Order::Row(leg, Row::default()));
    }
    for (player, target) in players.into_iter().zip([Target::Bus(bus), Target::Leg(legs[0])]) {
        orders.push(Order::Play { player, target, gain_db: 0.0, stop_on_digit: false });
        orders.push(Order::AppendTone { player, hertz: 440.0, milliseconds: 3_600_000, dbm0: -15.0 });
    }
    core.control().submit(orders, core.now());
    Room { bus, legs, players, sent }
}

fn news(core: &Core) -> Vec<News> {
    core.drain().1.into_iter().map(|(_, news)| news).collect()
}

fn run(network: &Network, milliseconds: u64) {
    network.run_until(network.now() + Duration::from_millis(milliseconds), false);
}

#[test]
fn a_panic_ends_its_room_and_no_other() {
    for (at, words) in
        [(At::Receive, "at receive"), (At::Send, "at send"), (At::Housekeeping, "at housekeeping")]
    {
        let network = Network::new(1);
        let core = Core::on(&network, &config());
        let rooms = [room(&core, At::Never), room(&core, at), room(&core, At::Never)];
        run(&network, 1000);

        let broken = &rooms[1];
        let told = news(&core);
        let place = |wanted: &dyn Fn(&News) -> bool| {
            let places: Vec<_> = told.iter().enumerate().filter(|(_, news)| wanted(news)).collect();
            assert_eq!(places.len(), 1, "{words}: once in {told:?}");
            places[0].0
        };
        let lost = place(&|news| matches!(news, News::BusLost { reason, .. } if reason.contains(words)));
        assert!(matches!(&told[lost], News::BusLost { bus, .. } if *bus == broken.bus));
        for leg in broken.legs {
            assert!(place(&|news| matches!(news, News::LegLost(of) if *of == leg)) > lost);
        }
        for player in broken.players {
            let gone = |news: &News| matches!(news, News::PlayerDone { player: of, reason: DoneReason::Gone } if *of == player);
            place(&gone);
        }
        let totals = core.control().totals();
        assert_eq!((totals["buses_failed"], totals["legs_failed"], totals["legs_shed"]), (1, 2, 0));
        assert_eq!((totals["buses"], totals["legs"]), (2, 4));

        let before = [0, 1, 2].map(|index: usize| rooms[index].sent.load(Ordering::Relaxed));
        assert_eq!((before[0], before[2]), (2 * 50, 2 * 50), "not a packet is missing elsewhere");
        let last = core
            .control()
            .submit(vec![Order::CloseBus(broken.bus), Order::CloseLeg(broken.legs[0])], core.now());
        run(&network, 200);
        let after = [0, 1, 2].map(|index: usize| rooms[index].sent.load(Ordering::Relaxed));
        assert_eq!([0, 1, 2].map(|index: usize| after[index] - before[index]), [20, 0, 20]);
        let gone = vec![broken.bus.0, broken.legs[0].0];
        assert!(
            news(&core)
                .iter()
                .any(|news| matches!(news, News::Ack { batch, gone: all } if *batch == last && *all == gone))
        );
    }
}

#[test]
fn who_comes_to_a_room_that_has_just_broken_is_lost_and_not_forgotten() {
    let network = Network::new(1);
    let core = Core::on(&network, &config());
    let (whole, broken) = (room(&core, At::Never), room(&core, At::Receive));
    run(&network, 100);
    core.control().submit(vec![Order::Move { leg: whole.legs[0], bus: broken.bus }], core.now()); // it has not heard yet
    run(&network, 100);
    assert!(news(&core).iter().any(|news| matches!(news, News::LegLost(leg) if *leg == whole.legs[0])));
}

#[test]
fn the_end_of_a_thread_is_told() {
    let core = Core::live(&config()).unwrap();
    let room = room(&core, At::Command);
    core.control().submit(vec![Order::CloseLeg(room.legs[1])], core.now());
    let mut poll = Poll::default();
    let told = (0..100).find_map(|_| {
        poll.clear();
        poll.add(core.fd().unwrap(), false);
        poll.wait(Some(Duration::from_millis(100)));
        news(&core).into_iter().find(|news| matches!(news, News::ThreadLost { .. }))
    });
    let Some(News::ThreadLost { thread, reason }) = told else { panic!("nothing told in ten seconds") };
    assert_eq!(thread, "media-0");
    assert!(reason.contains("at a command"), "{reason}");
    core.close();
}

/// Panics in the middle of the mix: the first leg has its packet, the second one's is being made.
struct FaultyTap;

impl Tap for FaultyTap {
    fn write(&mut self, now: Duration, _: u32, _: &[i16]) {
        assert!(now < TICK * 3, "at the mix");
    }
}

#[test]
fn a_panic_in_the_middle_of_a_mix_gives_legs_and_players_back_too() {
    const BUSES: [BusId; 2] = [BusId(1), BusId(2)];
    listen_for_panics();
    let sent = Arc::new(AtomicU64::new(0));
    let phone: SocketAddr = "192.0.2.1:4000".parse().unwrap();
    let mut commands = Vec::new();
    for bus in BUSES {
        commands.push(Command::OpenBus(Box::new(Bus::new(bus, 2))));
        for leg in [1, 2].map(|number| LegId(bus.0 * 10 + number)) {
            let config = LegMediaConfig {
                codec: Codec::Pcmu,
                payload_type: 0,
                telephone_event: None,
                comfort_noise: None,
                ssrc: 1,
                sequence: 1,
                timestamp: 1,
                jitter: JitterConfig::default(),
            };
            let media = Box::new(LegMedia::new(&config, Duration::ZERO));
            let transport = Box::new(Faulty { at: At::Never, sent: sent.clone() });
            let line = Line::new(transport, Arc::new(LegGauges::default()), Duration::ZERO);
            commands.push(Command::Attach(Box::new(Leg::new(leg)), Box::new(line), bus));
            commands.push(Command::Configure(leg, media, Remote { rtp: phone, rtcp: phone }));
            commands.push(Command::Direct(leg, Direction { sends: true, receives: true }));
            commands.push(Command::Row(leg, Row::default()));
            let mut player = Player::new(PlayerId(leg.0), 0.0, false);
            let _ = player.append(Item::Tone { hertz: 440.0, milliseconds: 60_000, dbm0: -15.0 });
            commands.push(Command::Play(Target::Leg(leg), Box::new(player)));
        }
    }
    commands.push(Command::Tap(LegId(22), TapPoint::Mixed, Some(Box::new(FaultyTap))));

    let (mut inbox_in, inbox) = RingBuffer::new(1);
    let (events_in, mut events) = RingBuffer::new(64);
    let (retired, _retired) = RingBuffer::new(8);
    let arrivals: Arrivals = [ArrayQueue::new(1)].into_iter().collect();
    let gauges = Arc::new(WorkerGauges::default());
    let mut worker = Worker::new(WorkerParts {
        index: 0,
        inbox,
        arrivals,
        outbox: Outbox::new(events_in, gauges.clone()),
        retired,
        reading: Reading {
            scratch: Scratch::default(),
            offset: Epoch::start().wall_offset(),
            before: Duration::ZERO,
        },
        silence_max: Duration::from_secs(60),
        notifier: Arc::new(Notifier::new(None)),
        gauges,
    });
    assert!(inbox_in.push(Box::new(Batch::new(1, commands))).is_ok());
    (1..=10).for_each(|tick| worker.tick(TICK * tick));

    let mut broken = Vec::new();
    while let Ok(Stamped { said, .. }) = events.pop() {
        match said {
            Said::Broken(bus, fault) => broken.push((bus, fault)),
            Said::Applied(_) | Said::Media(Event::ItemStarted { .. }) => {}
            _ => panic!("nothing else has happened"),
        }
    }
    let [(bus, fault)] = &mut broken[..] else { panic!("once: {}", broken.len()) };
    assert!(bus.id() == BUSES[1] && fault.to_string().contains("at the mix"), "{fault}");
    assert_eq!(bus.legs_mut().map(|(leg, _)| leg.id()).collect::<Vec<_>>(), [LegId(21), LegId(22)]);
    assert!([21, 22].iter().all(|player| bus.player_mut(PlayerId(*player)).is_some()));
    assert_eq!(sent.load(Ordering::Relaxed), 2 * 10 + 2 * 2, "the other room misses nothing");
}
