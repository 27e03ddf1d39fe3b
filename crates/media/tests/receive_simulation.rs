//! What a caller on a bad network sounds like: tones and sweeps through the receiver in virtual time, from
//! one seed.
//!
//! A drop-out is a 20 ms window in which the tone is 10 dB below its level (Goertzel). The delay is found by
//! where in the source a piece of what is heard fits best, so it is the delay of the sound and not what the
//! receiver says of itself.

mod receive;

use receive::{Impairment, Signal, Simulation, Stalls};
use roomtone_media::codec::Codec;

/// Impairments, longest share of drop-outs, longest median delay in ms.
const NETWORKS: [(&str, Impairment, f64, f64); 4] = [
    ("clean", Impairment::CLEAN, 0.0, 20.0),
    ("5 % loss", Impairment { loss: 0.05, ..Impairment::CLEAN }, 0.001, 60.0),
    ("20 ms jitter", Impairment { jitter_ms: 20.0, in_order: false, ..Impairment::CLEAN }, 0.001, 90.0),
    ("20 ms jitter, in order", Impairment { jitter_ms: 20.0, ..Impairment::CLEAN }, 0.001, 90.0),
];

const TONES: [(Codec, f64); 5] = [
    (Codec::Pcmu, 300.0),
    (Codec::Pcmu, 697.0),
    (Codec::Pcmu, 1_004.0),
    (Codec::Pcma, 440.0),
    (Codec::Opus, 697.0),
];

#[test]
fn a_tone_has_no_drop_outs() {
    for (name, impairment, dropouts_max, _) in NETWORKS {
        for (codec, hertz) in TONES {
            let heard = Simulation::new(codec, impairment, 7).run(Signal::Tone(hertz), 120);
            let share = heard.dropout_share(hertz);
            println!("{name}, {codec:?}, {hertz} Hz: {:.3} %, {:?}", share * 100.0, heard.stats);
            assert!(share <= dropouts_max, "{name}, {codec:?}, {hertz} Hz: {:.3} %", share * 100.0);
        }
    }
}

/// The rule of the table holds for every caller and not only on average. G.711 only: after a loss libopus's
/// own memory of a tone swings by 10 dB for a frame or two, up to 0.2 % of the windows, whatever we do here.
#[test]
fn no_seed_has_more_drop_outs_than_a_thousandth() {
    for (name, impairment, dropouts_max, delay_max) in NETWORKS {
        for seed in 0..24 {
            let hertz = TONES[seed as usize % 3].1;
            let simulation = Simulation::new(Codec::Pcmu, impairment, seed).phase_ms(seed as f64 * 0.8);
            let heard = simulation.run(Signal::Tone(hertz), 60);
            let share = heard.dropout_share(hertz);
            assert!(share <= dropouts_max, "{name}, {hertz} Hz, seed {seed}: {:.3} %", share * 100.0);
            let delay = heard.delay_median_ms();
            assert!(f64::from(delay) <= delay_max + 2.5, "{name}, seed {seed}: {delay} ms");
        }
    }
}

#[test]
fn runs_of_lost_packets_are_bridged() {
    let impairment = Impairment { loss: 0.015, loss_run: 5, ..Impairment::CLEAN }; // 5 % in runs of two to five
    let shares: Vec<f64> = (0..10)
        .map(|seed| {
            Simulation::new(Codec::Pcmu, impairment, seed).run(Signal::Tone(697.0), 60).dropout_share(697.0)
        })
        .collect();
    let mean = shares.iter().sum::<f64>() / 10.0;
    assert!(mean <= 0.001, "{:.3} %", mean * 100.0);
}

/// Nothing comes for 120 ms, and then everything: the first two times may be heard, all others are not.
#[test]
fn a_network_that_stalls_again_and_again_is_hardly_heard() {
    let stalls = Stalls { every_s: (5.0, 5.0), length_ms: (120.0, 120.0) };
    let impairment = Impairment { stalls: Some(stalls), ..Impairment::CLEAN };
    for codec in [Codec::Pcmu, Codec::Opus] {
        for phase in 0..10 {
            let heard = Simulation::new(codec, impairment, phase)
                .phase_ms(phase as f64 * 2.0 + 0.3)
                .run(Signal::Tone(697.0), 60);
            let dropouts = heard.levels(697.0).iter().filter(|level| **level < 0.316).count();
            assert!(dropouts <= 4, "{codec:?}, phase {phase}: {dropouts} windows in {:?}", heard.stats);
            assert!(heard.delay_median_ms() <= 85.0, "{} ms", heard.delay_median_ms());
        }
    }
}

#[test]
fn clocks_that_differ_are_not_heard() {
    for ppm in [-200.0, 200.0] {
        for codec in [Codec::Pcmu, Codec::Opus] {
            let impairment = Impairment { ppm, ..Impairment::CLEAN };
            for phase_ms in if codec == Codec::Pcmu { [0.5, 10.0, 19.0].as_slice() } else { &[0.5] } {
                let heard =
                    Simulation::new(codec, impairment, 3).phase_ms(*phase_ms).run(Signal::Tone(697.0), 120);
                assert_eq!(heard.dropout_share(697.0), 0.0, "{ppm} ppm, {codec:?}");
                assert_eq!(heard.stats.concealed_frames, 0, "{ppm} ppm, {codec:?}: {:?}", heard.stats);
                let changes = heard.stats.lengthened + heard.stats.shortened;
                assert!(changes > 0 || *phase_ms > 0.5, "{ppm} ppm, {codec:?}: nothing was stretched");
            }
        }
    }
}

#[test]
fn the_delay_is_short() {
    for (name, impairment, _, delay_max) in NETWORKS {
        for codec in [Codec::Pcmu, Codec::Opus] {
            let heard = Simulation::new(codec, impairment, 11).phase_ms(13.0).run(Signal::Sweep, 40);
            let delays = heard.delays_ms();
            let median = delays[delays.len() / 2];
            println!("{name} {codec:?}: median {median} ms of {}, {:?}", delays.len(), heard.stats);
            assert!(median <= delay_max, "{name}, {codec:?}: {median} ms");
        }
    }
}

#[test]
fn a_clean_caller_is_heard_within_35_ms_whatever_the_phase() {
    let mut delays: Vec<f64> = (0..20)
        .flat_map(|phase| {
            let simulation = Simulation::new(Codec::Pcmu, Impairment::CLEAN, phase);
            simulation.phase_ms(phase as f64 + 0.3).run(Signal::Sweep, 16).delays_ms()
        })
        .collect();
    delays.sort_by(f64::total_cmp);
    let (median, high) = (delays[delays.len() / 2], delays[delays.len() * 99 / 100]);
    println!("clean, all phases: median {median} ms, 99 % {high} ms");
    assert!(median <= 20.0 && high <= 35.0, "median {median} ms, 99 % {high} ms");
}
