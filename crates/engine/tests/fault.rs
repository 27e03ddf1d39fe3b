//! A fault of ours (a real panic) ends the room in which it happens, is told, and is heard nowhere else. One that no room contains is told too.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;

use roomtone_engine::control::{MediaSettings, News, Order};
use roomtone_engine::core::{Core, CoreConfig};
use roomtone_engine::mailbox::{Direction, Target};
use roomtone_engine::network::Network;
use roomtone_engine::os::Take;
use roomtone_engine::transport::{Channel, Reading, Transport};
use roomtone_media::bus::Row;
use roomtone_media::codec::Codec;
use roomtone_media::event::DoneReason;
use roomtone_media::id::{BusId, LegId, PlayerId};

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
    let told = loop {
        let told = news(&core).into_iter().find(|news| matches!(news, News::ThreadLost { .. }));
        if let Some(told) = told {
            break told;
        }
        std::thread::yield_now();
    };
    let News::ThreadLost { thread, reason } = told else { unreachable!() };
    assert_eq!(thread, "media-0");
    assert!(reason.contains("at a command"), "{reason}");
    core.close();
}
