//! What it costs to look for keys in the band, for each leg without telephone-event and tick of 20 ms.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use roomtone_media::inband::InbandDetector;
use roomtone_media::rate::Rate;

fn detectors(criterion: &mut Criterion) {
    for rate in Rate::ALL {
        for (name, peak) in [("talk", 6_000.0), ("line noise", 30.0)] {
            let mut detector = InbandDetector::new(rate);
            let sample = |n: usize| {
                let seconds = n as f64 / f64::from(rate.hz());
                let partial = |k: u32| (core::f64::consts::TAU * 130.0 * seconds * f64::from(k)).sin();
                (peak * (1..9).map(partial).sum::<f64>() / 8.0) as i16
            };
            let pcm: Vec<i16> = (0..rate.frame_samples()).map(sample).collect();
            criterion.bench_function(&format!("keys in the band, {} Hz, {name}", rate.hz()), |bencher| {
                bencher.iter(|| detector.hear(black_box(&pcm)));
            });
        }
    }
}

criterion_group!(benches, detectors);
criterion_main!(benches);
