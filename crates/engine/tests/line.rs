//! What a leg takes from the network at a tick: of a steady stream one packet, of any other all that has come.

use core::time::Duration;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use roomtone_engine::gauge::{LegGauges, WorkerGauges};
use roomtone_engine::line::Line;
use roomtone_engine::os::{Epoch, Scratch, Take, WallOffset};
use roomtone_engine::transport::{Channel, Reading, Transport};
use roomtone_engine::worker::TICK;
use roomtone_media::codec::Codec;
use roomtone_media::id::LegId;
use roomtone_media::leg::{Leg, LegMedia, LegMediaConfig};
use roomtone_media::receiver::JitterConfig;

type Queue = Arc<Mutex<VecDeque<(Vec<u8>, Duration)>>>;

/// A socket buffer.
struct Waiting(Queue);

impl Transport for Waiting {
    fn receive(&mut self, _: Channel, _: &mut Reading, take: &mut Take<'_>) {
        let mut queue = self.0.lock().unwrap();
        while let Some((bytes, arrival)) = queue.pop_front() {
            if !take(&bytes, phone(), arrival) {
                return;
            }
        }
    }

    fn send(&mut self, _: Channel, _: &[u8], _: SocketAddr) -> bool {
        true
    }
}

fn phone() -> SocketAddr {
    "192.0.2.1:4000".parse().unwrap()
}

/// PCMU: `samples` of silence.
fn packet(sequence: u16, timestamp: u32, samples: usize) -> Vec<u8> {
    let mut bytes = vec![0x80, 0];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(timestamp.to_be_bytes());
    bytes.extend([0, 0, 0, 7]);
    bytes.resize(12 + samples, 0xFF);
    bytes
}

/// How many packets stay behind at each tick, when packets of `packet_ms` arrive at these times (ms) in this order of sequence numbers.
fn left_behind(arrivals: &[(u16, u64)], packet_ms: u64, ticks: u64) -> Vec<usize> {
    let config = LegMediaConfig {
        codec: Codec::Pcmu,
        payload_type: 0,
        telephone_event: None,
        comfort_noise: None,
        ssrc: 1,
        sequence: 0,
        timestamp: 0,
        jitter: JitterConfig::default(),
    };
    let queue = Queue::default();
    let mut leg = Leg::new(LegId(1));
    leg.configure(Box::new(LegMedia::new(&config, Duration::ZERO)));
    let mut line =
        Line::new(Box::new(Waiting(queue.clone())), Arc::new(LegGauges::default()), Duration::ZERO);
    line.signal(phone(), phone(), Duration::ZERO);
    let mut reading =
        Reading { scratch: Scratch::default(), offset: Epoch::start().wall_offset(), before: Duration::ZERO };
    let (gauges, mut arrivals) = (WorkerGauges::default(), arrivals.iter().peekable());
    (1..=ticks)
        .map(|tick| {
            let now = TICK * tick as u32;
            while let Some((sequence, ms)) = arrivals.next_if(|(_, ms)| Duration::from_millis(*ms) <= now) {
                let samples = 8 * packet_ms;
                let packet = packet(*sequence, u32::from(*sequence) * samples as u32, samples as usize);
                queue.lock().unwrap().push_back((packet, Duration::from_millis(*ms)));
            }
            reading.renew(WallOffset::of_virtual(now));
            line.receive(&mut leg, &mut reading, &gauges);
            queue.lock().unwrap().len()
        })
        .collect()
}

#[test]
fn of_a_steady_stream_the_packet_after_the_next_can_wait_and_does_not_add_up() {
    // The fourth comes early, with the third; all later ones as early.
    let arrivals: Vec<_> =
        (0..40).map(|n| (n, u64::from(n) * 20 + 15 - if n >= 3 { 18 } else { 0 })).collect();
    let left = left_behind(&arrivals, 20, 30);
    assert_eq!(left[2], 1);
    assert_eq!(left[3..], [0; 27]);
}

#[test]
fn a_packet_that_was_overtaken_or_late_is_taken_with_the_one_before_it() {
    let overtaken = [(0, 10), (1, 30), (3, 50), (2, 55), (4, 90)];
    assert_eq!(left_behind(&overtaken, 20, 5), [0; 5]);
    let late = [(0, 10), (1, 30), (2, 75), (3, 76), (4, 90)];
    assert_eq!(left_behind(&late, 20, 5), [0; 5]);
}

#[test]
fn of_short_packets_none_stays_behind() {
    let arrivals: Vec<_> = (0..80).map(|n| (n, u64::from(n) * 10 + 3)).collect();
    assert_eq!(left_behind(&arrivals, 10, 30)[2..], [0; 28]);
}

#[test]
fn what_is_due_is_taken_though_the_tick_before_brought_one_packet() {
    // Short packets, every second one about when the tick begins: the third comes after the tick that it was for, the fifth before its own.
    let on_the_edge = [(0, 9), (1, 19), (2, 29), (3, 41), (4, 49), (5, 59), (6, 69), (7, 79)];
    assert_eq!(left_behind(&on_the_edge, 10, 4), [0; 4]);
    // Short packets, the first of a pair lost.
    let lost = [(0, 5), (1, 15), (3, 35), (4, 45), (5, 55), (6, 65)];
    assert_eq!(left_behind(&lost, 10, 4), [0; 4]);
    // Two are a tick late, the next is not.
    let late = [(0, 10), (1, 30), (2, 70), (3, 90), (4, 95), (5, 110)];
    assert_eq!(left_behind(&late, 20, 6), [0; 6]);
}
