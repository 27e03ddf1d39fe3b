//! Two hosts on a virtual network, through the same surface that Python uses: what leaves one leg is heard at the other, wherever workers put them.

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

use roomtone_engine::control::{MediaSettings, News, Order};
use roomtone_engine::core::{Core, CoreConfig};
use roomtone_engine::mailbox::{Direction, Target};
use roomtone_engine::network::Network;
use roomtone_engine::wire::Impairment;
use roomtone_media::bus::{Row, Sends};
use roomtone_media::codec::Codec;
use roomtone_media::event::DoneReason;
use roomtone_media::id::{BusId, LegId, PlayerId, TapId};
use roomtone_media::tap::TapPoint;

const TALKS: Row = Row { sends: Sends::All, hears: true, gain_db: 0.0 };

fn config(host: &str, workers: usize) -> CoreConfig {
    CoreConfig {
        host: host.parse().unwrap(),
        workers,
        seed: None,
        rtp_ports: (0, 0),
        silence_max: Duration::from_secs(12), // reports come every 5 s
        codecs: vec![Codec::Opus, Codec::Pcmu],
    }
}

struct World {
    network: Network,
    server: Core,
    phones: Core,
}

/// A call: its leg and private bus at the server, its leg at the phones, and the tap on what the phone hears.
struct Call {
    leg: LegId,
    bus: BusId,
    phone: LegId,
    tap: TapId,
}

fn settings(codec: Codec, host: IpAddr, port: u16) -> MediaSettings {
    MediaSettings {
        codec,
        payload_type: if codec == Codec::Opus { 111 } else { 0 },
        telephone_event: Some((101, codec.clock_hz())),
        comfort_noise: None,
        rtp: SocketAddr::new(host, port),
        rtcp: SocketAddr::new(host, port + 1),
        direction: Direction { sends: true, receives: true },
    }
}

impl World {
    fn new(workers: usize) -> Self {
        let network = Network::new(7);
        let server = Core::on(&network, &config("10.0.0.1", workers));
        let phones = Core::on(&network, &config("10.0.0.2", 1));
        Self { network, server, phones }
    }

    fn call(&self, codec: Codec, hertz: f32) -> Call {
        let id = |core: &Core| core.control().new_id();
        let (leg, bus) = (LegId(id(&self.server)), BusId(id(&self.server)));
        let (phone, ear) = (LegId(id(&self.phones)), BusId(id(&self.phones)));
        let (player, tap) = (PlayerId(id(&self.phones)), TapId(id(&self.phones)));
        let ours = self.server.open_leg(leg).unwrap();
        let theirs = self.phones.open_leg(phone).unwrap();
        let media = settings(codec, "10.0.0.2".parse().unwrap(), theirs);
        self.submit(
            &self.server,
            vec![
                Order::OpenBus { bus, near: None },
                Order::Configure { leg, media },
                Order::Move { leg, bus },
            ],
        );
        let media = settings(codec, "10.0.0.1".parse().unwrap(), ours);
        let notify = Duration::from_secs(1);
        self.submit(
            &self.phones,
            vec![
                Order::OpenBus { bus: ear, near: None },
                Order::Configure { leg: phone, media },
                Order::Move { leg: phone, bus: ear },
                Order::Tap { tap, leg: phone, point: TapPoint::Decoded, seconds_max: 20, notify },
                Order::Play { player, target: Target::Leg(phone), gain_db: 0.0, stop_on_digit: false },
                Order::AppendTone { player, hertz, milliseconds: 3_600_000, dbm0: -15.0 },
            ],
        );
        Call { leg, bus, phone, tap }
    }

    fn submit(&self, core: &Core, orders: Vec<Order>) -> u64 {
        core.control().submit(orders, core.now())
    }

    fn run(&self, milliseconds: u64) {
        self.network.run_until(self.network.now() + Duration::from_millis(milliseconds), false);
    }

    fn news(&self, core: &Core) -> Vec<News> {
        core.drain().1.into_iter().map(|(_, news)| news).collect()
    }

    /// Everything that the phone has heard since the last time, as far as it goes without a hole.
    fn heard(&self, call: &Call) -> (u32, Vec<i16>) {
        let gathered = self.phones.control().read_tap(call.tap);
        (gathered.rate_hz, gathered.pcm)
    }
}

/// Level of a tone in dB below full scale (Goertzel).
fn level_db(pcm: &[i16], rate_hz: u32, hertz: f64) -> f64 {
    let step = 2.0 * core::f64::consts::PI * hertz / f64::from(rate_hz);
    let (mut real, mut imaginary) = (0.0, 0.0);
    for (index, sample) in pcm.iter().enumerate() {
        let angle = step * index as f64;
        real += f64::from(*sample) * angle.cos();
        imaginary += f64::from(*sample) * angle.sin();
    }
    let amplitude = 2.0 * real.hypot(imaginary) / pcm.len() as f64;
    20.0 * (amplitude.max(1e-9) / 32768.0).log10()
}

fn hears(world: &World, call: &Call, hertz: f64) -> bool {
    let (rate_hz, pcm) = world.heard(call);
    assert!(pcm.len() > rate_hz as usize / 2, "half a second at least");
    level_db(&pcm[pcm.len() - rate_hz as usize / 2..], rate_hz, hertz) > -30.0
}

fn room_of(world: &World, calls: &[&Call]) -> BusId {
    let room = BusId(world.server.control().new_id());
    let mut orders = vec![Order::OpenBus { bus: room, near: None }];
    for call in calls {
        orders.push(Order::Move { leg: call.leg, bus: room });
        orders.push(Order::Row(call.leg, TALKS));
    }
    world.submit(&world.server, orders);
    room
}

#[test]
fn legs_of_two_workers_meet_and_part() {
    for workers in [1, 2, 3] {
        let world = World::new(workers);
        let (anna, berta) = (world.call(Codec::Pcmu, 500.0), world.call(Codec::Opus, 700.0));
        world.run(200);
        room_of(&world, &[&anna, &berta]);
        world.run(2000);
        assert!(hears(&world, &anna, 700.0), "{workers} workers");
        assert!(hears(&world, &berta, 500.0), "{workers} workers");
        let home = [&anna, &berta].map(|call| Order::Move { leg: call.leg, bus: call.bus });
        world.submit(&world.server, home.into());
        world.run(1500);
        assert!(!hears(&world, &anna, 700.0) && !hears(&world, &berta, 500.0));
    }
}

#[test]
fn a_room_that_ends_lets_its_legs_go_home_first() {
    for workers in [1, 2, 3] {
        let world = World::new(workers);
        let calls = [500.0, 600.0, 700.0].map(|hertz| world.call(Codec::Pcmu, hertz));
        world.run(200);
        let room = room_of(&world, &calls.each_ref());
        world.run(200);
        let mut orders = calls.each_ref().map(|call| Order::Move { leg: call.leg, bus: call.bus }).to_vec();
        orders.push(Order::CloseBus(room));
        world.submit(&world.server, orders);
        for call in &calls {
            let player = PlayerId(world.server.control().new_id());
            let target = Target::Leg(call.leg);
            world.submit(
                &world.server,
                vec![
                    Order::Play { player, target, gain_db: 0.0, stop_on_digit: false },
                    Order::AppendTone { player, hertz: 900.0, milliseconds: 5000, dbm0: -15.0 },
                ],
            );
        }
        world.run(1500);
        for call in &calls {
            assert!(hears(&world, call, 900.0), "{workers} workers");
        }
    }
}

#[test]
fn a_batch_is_acknowledged_once_and_names_what_was_gone() {
    let world = World::new(2);
    let (anna, berta) = (world.call(Codec::Pcmu, 500.0), world.call(Codec::Pcmu, 700.0));
    world.run(100);
    world.news(&world.server);
    world.submit(&world.server, vec![Order::CloseLeg(berta.leg)]);
    let batch = world.submit(
        &world.server,
        vec![Order::Row(anna.leg, TALKS), Order::Row(berta.leg, TALKS), Order::Stop(PlayerId(999))],
    );
    let empty = world.submit(&world.server, Vec::new());
    world.run(60);
    let acks: Vec<_> = world
        .news(&world.server)
        .into_iter()
        .filter_map(|news| match news {
            News::Ack { batch, gone } => Some((batch, gone)),
            _ => None,
        })
        .collect();
    assert_eq!(acks.iter().filter(|(id, _)| *id == batch).count(), 1);
    assert!(acks.contains(&(batch, vec![berta.leg.0, 999])));
    assert!(acks.contains(&(empty, Vec::new())));
}

#[test]
fn a_player_for_a_leg_that_has_gone_has_its_last_word_all_the_same() {
    let world = World::new(1);
    let anna = world.call(Codec::Pcmu, 500.0);
    world.run(100);
    world.submit(&world.server, vec![Order::CloseLeg(anna.leg)]);
    let (player, target) = (PlayerId(world.server.control().new_id()), Target::Leg(anna.leg));
    let batch = world.submit(
        &world.server,
        vec![Order::Play { player, target, gain_db: 0.0, stop_on_digit: false }, Order::Finish(player)],
    );
    world.run(60);
    let news = world.news(&world.server);
    let place = |wanted: &dyn Fn(&News) -> bool| news.iter().position(wanted).expect("it was said");
    let done = place(
        &|news| matches!(news, News::PlayerDone { player: of, reason: DoneReason::Gone } if *of == player),
    );
    let acknowledged = place(&|news| matches!(news, News::Ack { batch: of, .. } if *of == batch));
    assert!(done < acknowledged);
}

#[test]
fn a_leg_that_ends_on_its_way_holds_nobody_up() {
    let world = World::new(2);
    let (anna, berta) = (world.call(Codec::Pcmu, 500.0), world.call(Codec::Pcmu, 700.0));
    world.run(100);
    let room = room_of(&world, &[&anna]);
    world.submit(&world.server, vec![Order::Move { leg: berta.leg, bus: room }]);
    world.submit(&world.server, vec![Order::CloseLeg(berta.leg)]);
    let last = world.submit(&world.server, vec![Order::Row(anna.leg, TALKS)]);
    world.run(100);
    let acked = world
        .news(&world.server)
        .iter()
        .any(|news| matches!(news, News::Ack { batch, .. } if *batch == last));
    assert!(acked);
}

#[test]
fn equal_seeds_give_equal_packets_whatever_the_number_of_workers() {
    let digest = |workers| {
        let world = World::new(workers);
        let calls = [500.0, 700.0, 900.0].map(|hertz| world.call(Codec::Pcmu, hertz));
        world.run(200);
        room_of(&world, &[&calls[0], &calls[1], &calls[2]]);
        let rule =
            Impairment { loss: 0.02, jitter: Duration::from_millis(5), rtp_only: true, ..Default::default() };
        world.network.impair(None, rule);
        world.run(3000);
        world.network.digest()
    };
    assert_eq!(digest(1), digest(1));
    assert_eq!(digest(2), digest(2));
}

#[test]
fn a_far_end_that_falls_silent_is_reported_once() {
    let world = World::new(1);
    let anna = world.call(Codec::Pcmu, 500.0);
    world.run(1000);
    world.news(&world.server);
    world.submit(&world.phones, vec![Order::CloseLeg(anna.phone)]);
    world.run(20_000);
    let silent = world.news(&world.server).iter().filter(|news| matches!(news, News::LegSilent(_))).count();
    assert_eq!(silent, 1);
}

fn silent_legs(world: &World) -> usize {
    world.news(&world.server).iter().filter(|news| matches!(news, News::LegSilent(_))).count()
}

#[test]
fn a_far_end_that_only_reports_is_not_silent() {
    let world = World::new(1);
    let anna = world.call(Codec::Pcmu, 500.0);
    world.run(1000);
    world.submit(&world.phones, vec![Order::Direct(anna.phone, Direction { sends: false, receives: true })]);
    world.run(40_000);
    assert_eq!(silent_legs(&world), 0);
}

#[test]
fn reports_of_somebody_else_on_its_host_do_not_keep_a_silent_far_end_alive() {
    let world = World::new(1);
    let anna = world.call(Codec::Pcmu, 500.0);
    world.run(1000);
    world.submit(&world.phones, vec![Order::CloseLeg(anna.phone)]);
    let report = [0x80, 201, 0, 1, 9, 9, 9, 9]; // a receiver report without a block
    for _ in 0..20 {
        let (neighbour, ours) = ("10.0.0.2:7001", "10.0.0.1:20001");
        world.network.inject(neighbour.parse().unwrap(), ours.parse().unwrap(), &report);
        world.run(1000);
    }
    assert_eq!(silent_legs(&world), 1);
}

#[test]
fn keys_arrive_once_each_under_heavy_loss() {
    let world = World::new(1);
    let anna = world.call(Codec::Pcmu, 500.0);
    world.run(500);
    world.news(&world.server);
    world.network.impair(None, Impairment { loss: 0.3, rtp_only: true, ..Default::default() });
    world.submit(&world.phones, vec![Order::SendDigits(anna.phone, "1177#".into())]);
    world.run(4000);
    let keys: Vec<u8> = world
        .news(&world.server)
        .into_iter()
        .filter_map(|news| match news {
            News::Digit { key, .. } => Some(key),
            _ => None,
        })
        .collect();
    assert_eq!(keys, b"1177#");
}

#[test]
fn a_stranger_is_counted_and_not_heard() {
    let world = World::new(1);
    let (anna, berta) = (world.call(Codec::Pcmu, 500.0), world.call(Codec::Pcmu, 700.0));
    world.run(500);
    room_of(&world, &[&anna, &berta]);
    let port = 20_000;
    for packet in 0..200u16 {
        let mut rtp = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9];
        rtp[2..4].copy_from_slice(&packet.to_be_bytes());
        rtp[4..8].copy_from_slice(&(u32::from(packet) * 160).to_be_bytes());
        rtp.extend((0..160).map(|sample| if sample % 8 < 4 { 0x80 } else { 0x00 }));
        world.network.inject(
            "203.0.113.5:4000".parse().unwrap(),
            SocketAddr::new("10.0.0.1".parse().unwrap(), port),
            &rtp,
        );
        world.run(20);
    }
    assert_eq!(world.server.control().totals()["rtp_in_stranger"], 200);
    let (rate_hz, pcm) = world.heard(&berta);
    assert!(level_db(&pcm[pcm.len() - 4000..], rate_hz, 1000.0) < -60.0);
    assert!(level_db(&pcm[pcm.len() - 4000..], rate_hz, 500.0) > -30.0);
}
