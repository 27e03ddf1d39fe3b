//! How callers on bad networks sound: a table over many seeds, in virtual time.
//!
//! `cargo bench -p roomtone-media --bench network`. Two numbers may follow, seeds (5) and seconds (30), part
//! of a row's name, and a file of speech (int16 at 48 kHz, without a header; its path has a slash) to take
//! for the voice.
//!
//! Drop-outs: 20 ms windows in which a tone is 10 dB down, on average and of the worst seed. Delay: as the
//! receiver says, over all ticks (median, 95 %). Voice: mean distance of the spectrum from what was said,
//! share of ticks further than 12 dB off, and of those that are 10 dB too quiet or too loud.

#[path = "../tests/receive/mod.rs"]
mod receive;

use receive::{Impairment, Signal, Simulation, Stalls};
use roomtone_media::codec::Codec;

const CLEAN: Impairment = Impairment::CLEAN;

const fn stalls(every_s: (f64, f64), length_ms: (f64, f64)) -> Impairment {
    Impairment { stalls: Some(Stalls { every_s, length_ms }), ..CLEAN }
}

const NETWORKS: [(&str, Impairment); 13] = [
    ("clean", CLEAN),
    ("200 ppm", Impairment { ppm: 200.0, ..CLEAN }),
    ("5 % loss", Impairment { loss: 0.05, ..CLEAN }),
    ("5 % loss in runs of 2-5", Impairment { loss: 0.015, loss_run: 5, ..CLEAN }),
    ("20 ms jitter", Impairment { jitter_ms: 20.0, in_order: false, ..CLEAN }),
    ("20 ms jitter, in order", Impairment { jitter_ms: 20.0, ..CLEAN }),
    ("5 % loss, 20 ms jitter", Impairment { loss: 0.05, jitter_ms: 20.0, in_order: false, ..CLEAN }),
    ("30 ms stalls, 10 a second", stalls((0.1, 0.1), (30.0, 30.0))),
    ("60-100 ms stalls, 2-6 s", stalls((2.0, 6.0), (60.0, 100.0))),
    ("120 ms stalls, 5 s", stalls((5.0, 5.0), (120.0, 120.0))),
    ("120-200 ms stalls, 2-6 s", stalls((2.0, 6.0), (120.0, 200.0))),
    ("60-300 ms stalls, 2-6 s", stalls((2.0, 6.0), (60.0, 300.0))),
    ("300 ms stalls, 8 s", stalls((8.0, 8.0), (300.0, 300.0))),
];

const TONES_HZ: [f64; 3] = [300.0, 697.0, 1_004.0];

fn share(of: usize, all: usize) -> f64 {
    100.0 * of as f64 / all.max(1) as f64
}

fn row(codec: Codec, impairment: Impairment, voice: Signal, seeds: u64, seconds: u64) -> String {
    let (mut dropouts, mut delays, mut distances) = (Vec::new(), Vec::new(), Vec::new());
    let (mut changes, mut concealed) = (0, 0);
    for seed in 0..seeds {
        let hertz = TONES_HZ[seed as usize % TONES_HZ.len()];
        let simulation =
            |seed: u64| Simulation::new(codec, impairment, seed).phase_ms((seed * 7 % 20) as f64 + 0.3);
        let heard = simulation(seed).run(Signal::Tone(hertz), seconds);
        dropouts.push(100.0 * heard.dropout_share(hertz));
        delays.extend_from_slice(&heard.delay_ms[100..heard.delay_ms.len() - 50]);
        changes += heard.stats.lengthened + heard.stats.shortened + heard.stats.skipped;
        concealed += heard.stats.concealed_frames;
        if seed < seeds.div_ceil(5) {
            distances.extend(simulation(seed + 1_000).run(voice, seconds).distances());
        }
    }
    delays.sort_by(f32::total_cmp);
    let minutes = (seeds * seconds) as f64 / 60.0;
    format!(
        "{:.3} {:.3} | {:5.1} {:5.1} | {:5.0} {:5.0} | {:.2} {:.2} {:.2} {:.2}",
        dropouts.iter().sum::<f64>() / seeds as f64,
        dropouts.iter().copied().fold(0.0, f64::max),
        delays[delays.len() / 2],
        delays[delays.len() * 95 / 100],
        concealed as f64 / minutes,
        changes as f64 / minutes,
        distances.iter().map(|distance| distance.spectrum_db).sum::<f64>() / distances.len() as f64,
        share(distances.iter().filter(|distance| distance.spectrum_db > 12.0).count(), distances.len()),
        share(distances.iter().filter(|distance| distance.quieter_db > 10.0).count(), distances.len()),
        share(distances.iter().filter(|distance| distance.louder_db > 10.0).count(), distances.len()),
    )
}

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let (seeds, seconds) = (numbers.next().unwrap_or(5), numbers.next().unwrap_or(30));
    println!(
        "drop-outs % mean worst | delay ms p50 p95 | a minute: concealed, stretched | voice: dB off, % far, % quiet, % loud"
    );
    let words: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_file = |word: &&String| word.contains('/');
    let voice = words.iter().find(is_file).map_or(Signal::Voice, |path| recording(path));
    let part = words.iter().find(|word| !is_file(word) && word.parse::<u64>().is_err());
    for codec in [Codec::Pcmu, Codec::Opus] {
        for (name, impairment) in NETWORKS {
            let name = format!("{:5} {name:26}", codec.name());
            if part.is_none_or(|part| name.contains(part)) {
                println!("{name} {}", row(codec, impairment, voice, seeds, seconds));
            }
        }
    }
}

fn recording(path: &str) -> Signal {
    let bytes = std::fs::read(path).expect("the file of speech");
    let pcm: Vec<i16> = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    Signal::Recording(Vec::leak(pcm))
}
