//! What a packet costs on its way in: jitter buffer with G.711 and Opus on a clean and on a bad network, and
//! the codecs alone.

use core::time::Duration;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use roomtone_media::codec::{Codec, Decoder, ENCODED_BYTES_MAX, Encoder, PACKET_SAMPLES_MAX};
use roomtone_media::receiver::{JitterConfig, Receiver, ReceiverConfig};
use roomtone_media::rtp::{HEADER_BYTES, Header, write_header};

/// 20 ms frames of something like a voice: a few harmonics that wander.
fn frames(codec: Codec, count: usize) -> Vec<Vec<i16>> {
    let samples = codec.frame_samples();
    let sample = |place: usize| {
        let seconds = place as f64 / f64::from(codec.rate_hz());
        let turns = 140.0 * seconds + 4.0 * (seconds * 3.0).sin();
        let voice: f64 = (1..12)
            .map(|harmonic| {
                (core::f64::consts::TAU * turns * f64::from(harmonic)).sin() / f64::from(harmonic)
            })
            .sum();
        (voice * 4_000.0 * (0.6 + 0.4 * (seconds * 20.0).sin())) as i16
    };
    (0..count).map(|frame| (frame * samples..(frame + 1) * samples).map(sample).collect()).collect()
}

fn payloads(codec: Codec, count: usize) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(codec);
    let encode = |pcm: Vec<i16>| {
        let mut payload = vec![0; ENCODED_BYTES_MAX];
        let length = encoder.encode(&pcm, &mut payload);
        payload.truncate(length);
        payload
    };
    frames(codec, count).into_iter().map(encode).collect()
}

fn receivers(criterion: &mut Criterion) {
    for codec in [Codec::Pcmu, Codec::Opus] {
        for (name, lose_one_in, late_ms) in [("clean", 0, 0), ("5 % loss, 40 ms jitter", 20, 40)] {
            let payloads = payloads(codec, 500);
            let config = ReceiverConfig {
                codec,
                payload_type: 96,
                telephone_event: None,
                comfort_noise: None,
                jitter: JitterConfig::default(),
            };
            let mut receiver = Receiver::new(config, Duration::ZERO);
            let mut pcm = vec![0; codec.frame_samples()];
            let mut datagram = [0; HEADER_BYTES + ENCODED_BYTES_MAX];
            let mut tick = 0u32;
            criterion.bench_function(&format!("packet and pull, {}, {name}", codec.name()), |bencher| {
                bencher.iter(|| {
                    let payload = &payloads[tick as usize % payloads.len()];
                    let header = Header {
                        payload_type: 96,
                        marker: false,
                        sequence: tick as u16,
                        timestamp: tick.wrapping_mul(codec.frame_samples() as u32),
                        ssrc: 1,
                    };
                    write_header(&header, &mut datagram);
                    datagram[HEADER_BYTES..HEADER_BYTES + payload.len()].copy_from_slice(payload);
                    let late = if late_ms > 0 {
                        u64::from(tick.wrapping_mul(2_654_435_761) >> 16) % late_ms
                    } else {
                        0
                    };
                    let now = Duration::from_millis(u64::from(tick) * 20);
                    if lose_one_in == 0 || !tick.is_multiple_of(lose_one_in) {
                        let datagram = &datagram[..HEADER_BYTES + payload.len()];
                        black_box(receiver.handle_rtp(datagram, now + Duration::from_millis(late)));
                    }
                    tick = tick.wrapping_add(1);
                    black_box(receiver.pull(now + Duration::from_millis(10), &mut pcm))
                });
            });
        }
    }
}

fn codecs(criterion: &mut Criterion) {
    for codec in Codec::ALL {
        let (frames, payloads) = (frames(codec, 500), payloads(codec, 500));
        let mut encoder = Encoder::new(codec);
        let mut decoder = Decoder::new(codec);
        let mut number = 0;
        criterion.bench_function(&format!("encode, {}", codec.name()), |bencher| {
            let mut payload = [0; ENCODED_BYTES_MAX];
            bencher.iter(|| {
                number += 1;
                encoder.encode(black_box(&frames[number % frames.len()]), &mut payload)
            });
        });
        criterion.bench_function(&format!("decode, {}", codec.name()), |bencher| {
            let mut pcm = [0; PACKET_SAMPLES_MAX];
            bencher.iter(|| {
                number += 1;
                decoder.decode(black_box(&payloads[number % payloads.len()]), &mut pcm)
            });
        });
    }
}

criterion_group!(benches, receivers, codecs);
criterion_main!(benches);
