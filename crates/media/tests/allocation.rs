//! Nothing allocates or frees in a tick: thousands of them, counted.
//!
//! Counted are Rust's allocations on the thread of the tick, from the datagram's arrival to the packet. What
//! happens between ticks (a leg comes, a player is made) is not.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use roomtone_media::bus::{Bus, Row, Sends};
use roomtone_media::clip::Clip;
use roomtone_media::codec::{Codec, ENCODED_BYTES_MAX, Encoder};
use roomtone_media::event::{Event, Events};
use roomtone_media::id::{BusId, LegId, PlayerId};
use roomtone_media::leg::{Leg, LegMedia, LegMediaConfig};
use roomtone_media::player::{Item, Player};
use roomtone_media::receiver::{JitterConfig, Receiver, ReceiverConfig};
use roomtone_media::rtp::{Header, write_header};

thread_local! {
    static COUNTS: Cell<bool> = const { Cell::new(false) };
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: i64) {
    BYTES.set(BYTES.get() + bytes);
    if COUNTS.get() {
        COUNT.set(COUNT.get() + 1);
    }
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count(bytes as i64 - layout.size() as i64);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, bytes) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn counted<R>(run: impl FnOnce() -> R) -> R {
    COUNTS.set(true);
    let result = run();
    COUNTS.set(false);
    result
}

/// A bounded list, as the engine's.
struct Ring {
    events: Vec<Event>,
    digits: u64,
    done: u64,
}

impl Events for Ring {
    fn push(&mut self, event: Event) {
        assert!(self.events.len() < self.events.capacity());
        self.events.push(event);
    }
}

/// A far end whose packets were made beforehand: a second of talk with pauses, over and over.
struct Far {
    codec: Codec,
    payloads: Vec<Vec<u8>>,
    header: Header,
    datagram: Vec<u8>,
}

impl Far {
    fn new(codec: Codec, leg: u64) -> Far {
        let mut encoder = Encoder::new(codec);
        let payloads = (0..50).map(|frame| {
            let talks = !(frame / 10 + leg).is_multiple_of(3);
            let wave = |n: usize| (f64::from(u32::from(talks)) * 9_000.0 * (n as f64 * 0.09).sin()) as i16;
            let pcm: Vec<i16> = (0..codec.frame_samples()).map(wave).collect();
            let mut payload = vec![0; ENCODED_BYTES_MAX];
            let bytes = encoder.encode(&pcm, &mut payload);
            payload.truncate(bytes);
            payload
        });
        let header = Header { payload_type: payload_type_of(codec), ssrc: leg as u32, ..Header::default() };
        Far { codec, payloads: payloads.collect(), header, datagram: Vec::with_capacity(1_500) }
    }

    fn speak(&mut self, tick: u64) -> &[u8] {
        let payload = &self.payloads[tick as usize % self.payloads.len()];
        self.datagram.clear();
        self.datagram.resize(12, 0);
        write_header(&self.header, &mut self.datagram);
        self.datagram.extend_from_slice(payload);
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(self.codec.clock_hz() / 50);
        &self.datagram
    }

    fn press(&mut self, event: u8) -> &[u8] {
        self.datagram.clear();
        self.datagram.resize(12, 0);
        write_header(&Header { payload_type: 101, marker: true, ..self.header }, &mut self.datagram);
        self.datagram.extend_from_slice(&[event, 10, 0, 160]);
        self.header.sequence = self.header.sequence.wrapping_add(1);
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

fn leg(number: u64, codec: Codec, telephone_event: bool) -> Box<Leg> {
    let config = LegMediaConfig {
        codec,
        payload_type: payload_type_of(codec),
        telephone_event: telephone_event.then(|| (101, codec.clock_hz())),
        comfort_noise: Some(13),
        ssrc: number as u32,
        sequence: 0,
        timestamp: 0,
        jitter: JitterConfig::default(),
    };
    let mut leg = Box::new(Leg::new(LegId(number)));
    leg.configure(Box::new(LegMedia::new(&config, Duration::ZERO)));
    leg
}

fn player(number: u64, clip: &Arc<Clip>) -> Player {
    let mut player = Player::new(PlayerId(number), if number.is_multiple_of(2) { 0.0 } else { -4.0 }, true);
    for item in [
        Item::Tone { hertz: 440.0, milliseconds: 133, dbm0: -12.0 },
        Item::Clip(clip.clone(), 3),
        Item::Silence { milliseconds: 70 },
        Item::Clip(clip.clone(), 0),
    ] {
        player.append(item).expect("room for it");
    }
    player
}

#[test]
fn nothing_allocates_in_a_tick() {
    let codecs = [
        Codec::Pcmu,
        Codec::Pcma,
        Codec::Opus,
        Codec::Pcmu,
        Codec::Opus,
        Codec::Pcma,
        Codec::Pcmu,
        Codec::Opus,
    ];
    let pcm: Vec<i16> = (0..4_321).map(|n| (f64::from(n) * 0.2).sin() as i16 * 6_000).collect();
    let clip = Arc::new(Clip::new(pcm, None, &Codec::ALL));
    let mut bus: Bus<Far> = Bus::new(BusId(1), codecs.len());
    for (n, codec) in codecs.into_iter().enumerate() {
        let number = n as u64;
        bus.insert(leg(number, codec, n % 3 != 2), Far::new(codec, number));
        let sends = if n == 5 { Sends::One(LegId(0)) } else { Sends::All };
        bus.set_row(LegId(number), Row { sends, hears: n != 6, gain_db: if n == 3 { -3.0 } else { 0.0 } });
    }
    let mut ring = Ring { events: Vec::with_capacity(256), digits: 0, done: 0 };
    for tick in 0..4_000u64 {
        if tick % 100 == 50 {
            let number = tick / 100;
            let _ = bus.leg_mut(LegId(number % 8)).map(|(leg, _)| leg.play(player(1_000 + number, &clip)));
            let _ = bus.play(player(2_000 + number, &clip));
        }
        let now = Duration::from_millis(20 * tick);
        for (n, (leg, far)) in bus.legs_mut().enumerate() {
            let n = n as u64;
            let pressed = tick % 200 == 17 * n;
            let lost = (tick * 7 + n * 13).is_multiple_of(23);
            let datagram = if pressed { far.press((n % 12) as u8) } else { far.speak(tick) };
            if !lost {
                counted(|| leg.handle_rtp(datagram, now));
            }
        }
        counted(|| bus.mix(now, &mut ring, |_, _| (), |_, _| ()));
        for event in ring.events.drain(..) {
            match event {
                Event::Digit { leg, key, .. } => {
                    ring.digits += 1;
                    counted(|| bus.relay_digit(key, leg));
                }
                Event::PlayerDone { .. } => ring.done += 1,
                Event::ItemStarted { .. } | Event::ItemDone { .. } => {}
            }
        }
        while bus.take_retired().is_some() {}
        if tick % 250 == 249 {
            let mut report = [0; 256];
            for (leg, _) in bus.legs_mut() {
                counted(|| leg.rtcp(now, tick, &mut report));
            }
        }
        assert_eq!(COUNT.get(), 0, "allocations up to tick {tick}");
    }
    assert!(ring.digits > 100 && ring.done > 50, "{} keys, {} players", ring.digits, ring.done);
    assert!(bus.legs_mut().all(|(leg, _)| leg.stats().is_some_and(|stats| stats.sent.packets > 3_000)));
}

/// A conference begins: every waiting leg's own music is stopped in one batch.
#[test]
fn many_players_that_end_at_once_are_not_freed_in_a_tick() {
    const LEGS: u64 = 100;
    let clip = Arc::new(Clip::new(vec![1_000; 8_000], None, &Codec::ALL));
    let mut bus: Bus<()> = Bus::new(BusId(1), LEGS as usize);
    let mut ring = Ring { events: Vec::with_capacity(1_024), digits: 0, done: 0 };
    for number in 0..LEGS {
        let mut leg = leg(number, Codec::Pcmu, false);
        leg.play(player(number, &clip)).expect("room for it");
        bus.insert(leg, ());
    }
    bus.mix(Duration::ZERO, &mut ring, |_, _| (), |_, _| ());
    (0..LEGS).for_each(|number| bus.player_mut(PlayerId(number)).expect("it plays").stop());
    let mut ended = Vec::new();
    for tick in 1..=10 {
        counted(|| bus.mix(Duration::from_millis(20 * tick), &mut ring, |_, _| (), |_, _| ()));
        assert_eq!(COUNT.get(), 0, "freed at tick {tick}");
        let is_quiet = bus.legs_mut().all(|(leg, ())| leg.packet()[12..].iter().all(|code| *code == 0xFF));
        assert!(is_quiet || tick == 1, "music at tick {tick}"); // the limiter looks ahead
        while let Some(player) = bus.take_retired() {
            ended.push(player.id().0);
        }
    }
    ended.sort_unstable();
    assert_eq!(ended, (0..LEGS).collect::<Vec<_>>());
    let told = ring.events.iter().filter(|event| matches!(event, Event::PlayerDone { .. }));
    assert_eq!(told.count(), LEGS as usize);
}

/// Without the receiver, which has its own limit; with libopus's encoder.
#[test]
fn a_leg_is_small() {
    let held = |make: &dyn Fn() -> Box<dyn core::any::Any>| {
        let before = BYTES.get();
        let made = make();
        let bytes = BYTES.get() - before;
        drop(made);
        bytes
    };
    for (codec, bytes_max) in [(Codec::Pcmu, 24_000), (Codec::Opus, 56_000)] {
        let config = ReceiverConfig {
            codec,
            payload_type: payload_type_of(codec),
            telephone_event: None,
            comfort_noise: None,
            jitter: JitterConfig::default(),
        };
        let whole = held(&|| Box::new(leg(1, codec, true)));
        let receiver = held(&|| Box::new(Box::new(Receiver::new(config, Duration::ZERO))));
        let bytes = whole - receiver;
        println!("{codec:?}: {whole} bytes, {bytes} of them without the receiver");
        assert!(bytes <= bytes_max, "{codec:?}: {bytes} bytes without the receiver");
    }
}
