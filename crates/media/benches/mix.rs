//! One tick of a bus without sockets: datagrams in, mixing, packets out. The times are of whole ticks; divide
//! by the legs that the name says.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use roomtone_media::bus::{Bus, Row, Sends};
use roomtone_media::clip::Clip;
use roomtone_media::codec::{Codec, ENCODED_BYTES_MAX, Encoder};
use roomtone_media::event::Event;
use roomtone_media::id::{BusId, LegId, PlayerId};
use roomtone_media::leg::{Leg, LegMedia, LegMediaConfig};
use roomtone_media::player::{Item, Player};
use roomtone_media::receiver::JitterConfig;
use roomtone_media::resample::Resampler;
use roomtone_media::rtp::{Header, write_header};

/// More than any cache holds.
const OTHERS_BYTES: usize = 128 << 20;

/// A far end that says the same 200 ms over and over, or nothing but line noise.
struct Far {
    payloads: Vec<Vec<u8>>,
    header: Header,
    step: u32,
    datagram: Vec<u8>,
}

impl Far {
    fn new(codec: Codec, leg: u64, peak: f64) -> Far {
        let mut encoder = Encoder::new(codec);
        let mut noise = leg + 1;
        let payloads = (0..10).map(|_| {
            let sample = |n: usize| {
                noise = noise.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
                let hiss = (noise >> 33) as f64 / f64::from(1u32 << 31) - 0.5;
                (peak * (n as f64 * 0.05 * (1.0 + leg as f64 * 0.1)).sin() * 0.7 + peak * 0.3 * hiss) as i16
            };
            let pcm: Vec<i16> = (0..codec.frame_samples()).map(sample).collect();
            let mut payload = vec![0; ENCODED_BYTES_MAX];
            let bytes = encoder.encode(&pcm, &mut payload);
            payload.truncate(bytes);
            payload
        });
        Far {
            payloads: payloads.collect(),
            header: Header { payload_type: payload_type_of(codec), ssrc: leg as u32, ..Header::default() },
            step: codec.clock_hz() / 50,
            datagram: Vec::with_capacity(1_500),
        }
    }

    fn speak(&mut self) -> &[u8] {
        let payload = &self.payloads[usize::from(self.header.sequence) % self.payloads.len()];
        self.datagram.resize(12, 0);
        write_header(&self.header, &mut self.datagram);
        self.datagram.truncate(12);
        self.datagram.extend_from_slice(payload);
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(self.step);
        &self.datagram
    }
}

fn payload_type_of(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
        Codec::Opus => 111,
    }
}

struct Rooms {
    buses: Vec<Bus<Far>>,
    now: Duration,
    events: Vec<Event>,
}

impl Rooms {
    /// So many rooms, each with these legs: codec, and peak of what the leg says.
    fn new(count: usize, legs: &[(Codec, f64)]) -> Rooms {
        let bus = |number: usize| {
            let mut bus = Bus::new(BusId(number as u64), legs.len());
            for (n, &(codec, peak)) in legs.iter().enumerate() {
                let id = LegId((number * legs.len() + n) as u64);
                let config = LegMediaConfig {
                    codec,
                    payload_type: payload_type_of(codec),
                    telephone_event: Some((101, codec.clock_hz())),
                    comfort_noise: None,
                    ssrc: id.0 as u32,
                    sequence: 0,
                    timestamp: 0,
                    jitter: JitterConfig::default(),
                };
                let mut leg = Box::new(Leg::new(id));
                leg.configure(Box::new(LegMedia::new(&config, Duration::ZERO)));
                bus.insert(leg, Far::new(codec, n as u64, peak));
                bus.set_row(id, Row { sends: Sends::All, hears: true, gain_db: 0.0 });
            }
            bus
        };
        Rooms { buses: (0..count).map(bus).collect(), now: Duration::ZERO, events: Vec::new() }
    }

    fn tick(&mut self, speaks: bool) {
        self.now += Duration::from_millis(20);
        let arrival = self.now - Duration::from_millis(3);
        let receive = |leg: &mut Leg, far: &mut Far| {
            if speaks {
                black_box(leg.handle_rtp(far.speak(), arrival));
            }
        };
        for bus in &mut self.buses {
            bus.mix(self.now, &mut self.events, receive, |leg, _| {
                black_box(leg.packet());
            });
        }
        self.events.clear();
    }
}

fn run(criterion: &mut Criterion, name: &str, mut rooms: Rooms, speaks: bool) {
    for _ in 0..100 {
        rooms.tick(speaks);
    }
    criterion.bench_function(name, |bencher| bencher.iter(|| rooms.tick(speaks)));
}

/// The same, when other programs have used the caches since the last tick, as between real ticks.
fn run_cold(criterion: &mut Criterion, name: &str, mut rooms: Rooms) {
    for _ in 0..100 {
        rooms.tick(true);
    }
    let mut others = vec![0u64; OTHERS_BYTES / 8];
    let mut use_caches = || others.iter_mut().step_by(8).for_each(|line| *line += 1);
    criterion.bench_function(name, |bencher| {
        bencher.iter_batched(&mut use_caches, |()| rooms.tick(true), BatchSize::PerIteration);
    });
}

fn rooms(criterion: &mut Criterion) {
    let talks = |codec| (codec, 8_000.0);
    let listens = |codec| (codec, 20.0);
    let large = |codec, listeners: usize| {
        let mut legs = vec![talks(codec); 3];
        legs.resize(3 + listeners, listens(codec));
        legs
    };
    run(
        criterion,
        "PCMU, 100 rooms of 3, all talk: 300 legs",
        Rooms::new(100, &[talks(Codec::Pcmu); 3]),
        true,
    );
    run(criterion, "PCMU, 1 room, 3 of 400 talk: 400 legs", Rooms::new(1, &large(Codec::Pcmu, 397)), true);
    run_cold(
        criterion,
        "PCMU, 1 room, 3 of 400 talk, cold caches: 400 legs",
        Rooms::new(1, &large(Codec::Pcmu, 397)),
    );
    run(criterion, "PCMU, 1 room, 3 of 800 talk: 800 legs", Rooms::new(1, &large(Codec::Pcmu, 797)), true);
    run(criterion, "PCMU, 1 room, nobody sends: 400 legs", Rooms::new(1, &large(Codec::Pcmu, 397)), false);
    run(criterion, "Opus, 1 room of 3, all talk: 3 legs", Rooms::new(1, &[talks(Codec::Opus); 3]), true);
    run(criterion, "Opus, 1 room, 3 of 50 talk, the others send silence: 50 legs", quiet_opus(), true);
    let both = [talks(Codec::Pcmu), talks(Codec::Pcmu), talks(Codec::Opus)];
    run(criterion, "PCMU and Opus, 1 room of 3, all talk: 3 legs", Rooms::new(1, &both), true);
}

/// Listeners who send silence and not nothing.
fn quiet_opus() -> Rooms {
    let mut legs = vec![(Codec::Opus, 8_000.0); 3];
    legs.resize(50, (Codec::Opus, 0.0));
    Rooms::new(1, &legs)
}

fn waiting(criterion: &mut Criterion) {
    for codec in [Codec::Pcmu, Codec::Opus] {
        let wave =
            |rate_hz: u32| (0..rate_hz * 10).map(|n| (f64::from(n) * 0.03).sin() as i16 * 6_000).collect();
        let clip = Arc::new(Clip::new(wave(8_000), Some(wave(48_000)), &[codec]));
        let mut rooms = Rooms::new(1, &vec![(codec, 0.0); 100]);
        for n in 0..100 {
            let mut player = Player::new(PlayerId(n), 0.0, false);
            player.append(Item::Clip(clip.clone(), 0)).expect("room for it");
            let (leg, _) = rooms.buses[0].leg_mut(LegId(n)).expect("here");
            leg.play(player).expect("room for it");
        }
        run(criterion, &format!("{}, wait music, nobody sends: 100 legs", codec.name()), rooms, false);
    }
}

fn resampling(criterion: &mut Criterion) {
    for (from, to) in [(8_000u32, 48_000u32), (48_000, 8_000)] {
        let mut resampler = Resampler::new(from, to, from as usize / 50);
        let input: Vec<i16> = (0..from as usize / 50).map(|n| (n * 977 % 20_001) as i16 - 10_000).collect();
        let mut output = vec![0; to as usize / 50];
        criterion.bench_function(&format!("20 ms from {from} to {to} Hz"), |bencher| {
            bencher.iter(|| resampler.process(black_box(&input), &mut output));
        });
    }
}

criterion_group!(benches, rooms, waiting, resampling);
criterion_main!(benches);
