//! Keys in the band at the limits of ITU-T Q.24, and what must never be taken for one.

use std::f64::consts::TAU;

use roomtone_media::inband::InbandDetector;
use roomtone_media::level::sine_amplitude;
use roomtone_media::rate::Rate;

const LOW_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH_HZ: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
const KEYS: [&str; 4] = ["123A", "456B", "789C", "*0#D"];

/// A key as somebody presses it.
#[derive(Copy, Clone, Debug)]
struct Press {
    row: usize,
    column: usize,
    /// Part of their frequency that the two tones are off.
    off: [f64; 2],
    level_dbm0: [f32; 2],
    begin_ms: f64,
    held_ms: f64,
}

impl Press {
    fn new(row: usize, column: usize) -> Press {
        Press { row, column, off: [0.0; 2], level_dbm0: [-10.0; 2], begin_ms: 100.0, held_ms: 40.0 }
    }

    fn key(&self) -> String {
        KEYS[self.row][self.column..=self.column].to_owned()
    }

    fn at(&self, milliseconds: f64) -> f64 {
        let since = milliseconds - self.begin_ms;
        if !(0.0..self.held_ms).contains(&since) {
            return 0.0;
        }
        let tones = [LOW_HZ[self.row] * (1.0 + self.off[0]), HIGH_HZ[self.column] * (1.0 + self.off[1])];
        let sine = |k: usize| {
            f64::from(sine_amplitude(self.level_dbm0[k])) * (TAU * tones[k] * since / 1_000.0 + 0.3).sin()
        };
        sine(0) + sine(1)
    }
}

fn every_key() -> impl Iterator<Item = Press> {
    (0..16).map(|n| Press::new(n / 4, n % 4))
}

/// The keys in a sound of this length; `sound`: its samples by milliseconds.
fn keys_in(rate: Rate, length_ms: f64, mut sound: impl FnMut(f64) -> f64) -> String {
    let mut detector = InbandDetector::new(rate);
    let mut keys = String::new();
    for frame in 0..(length_ms / 20.0).ceil() as usize {
        let pcm: Vec<i16> = (0..rate.frame_samples())
            .map(|n| {
                let sample = frame * rate.frame_samples() + n;
                sound(sample as f64 * 1_000.0 / f64::from(rate.hz())).round() as i16
            })
            .collect();
        keys.extend(detector.hear(&pcm).map(char::from));
    }
    keys
}

fn heard(rate: Rate, presses: &[Press]) -> String {
    let end_ms = presses.iter().map(|press| press.begin_ms + press.held_ms).fold(0.0, f64::max);
    keys_in(rate, end_ms + 200.0, |t| presses.iter().map(|press| press.at(t)).sum())
}

struct Noise(u64);

impl Noise {
    /// −1 to 1, evenly.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (self.0 >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    }
}

#[test]
fn every_key_is_taken_wherever_40_ms_of_it_lie_and_23_ms_never_are() {
    for rate in Rate::ALL {
        for press in every_key() {
            for step in 0..41 {
                let begin_ms = 100.0 + f64::from(step) * 0.5;
                let long = Press { begin_ms, ..press };
                assert_eq!(heard(rate, &[long]), press.key(), "{rate:?} {long:?}");
                let short = Press { held_ms: 23.0, ..long };
                assert_eq!(heard(rate, &[short]), "", "{rate:?} {short:?}");
            }
        }
    }
}

#[test]
fn one_and_a_half_per_cent_off_is_taken_and_three_and_a_half_are_not() {
    for rate in Rate::ALL {
        for press in every_key() {
            for begin_ms in [100.0, 103.3, 105.0, 107.1] {
                for held_ms in [40.0, 51.0, 200.0] {
                    let press = Press { begin_ms, held_ms, ..press };
                    for off in [[0.015, 0.015], [-0.015, -0.015], [0.015, -0.015], [-0.015, 0.015]] {
                        let near = Press { off, ..press };
                        assert_eq!(heard(rate, &[near]), press.key(), "{rate:?} {near:?}");
                    }
                    for far in [0.035, 0.04, 0.045, 0.05, 0.06] {
                        for off in [[far, 0.0], [-far, 0.0], [0.0, far], [0.0, -far], [far, far], [-far, far]]
                        {
                            let far = Press { off, ..press };
                            assert_eq!(heard(rate, &[far]), "", "{rate:?} {far:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn levels_from_minus_25_to_0_dbm0_and_a_twist_of_minus_8_to_4_db_are_taken() {
    for rate in Rate::ALL {
        for press in every_key() {
            for begin_ms in [100.0, 105.0, 108.7] {
                for level_dbm0 in
                    [[0.0, 0.0], [-25.0, -25.0], [-17.0, -25.0], [-25.0, -21.0], [0.0, -8.0], [-4.0, 0.0]]
                {
                    for off in [[0.0; 2], [0.015, -0.015]] {
                        let press = Press { begin_ms, level_dbm0, off, ..press };
                        assert_eq!(heard(rate, &[press]), press.key(), "{rate:?} {press:?}");
                    }
                }
                for level_dbm0 in [[-35.0, -35.0], [-5.0, -17.0], [-15.0, -7.0]] {
                    let press = Press { begin_ms, level_dbm0, held_ms: 100.0, ..press };
                    assert_eq!(heard(rate, &[press]), "", "{rate:?} {press:?}");
                }
            }
        }
    }
}

#[test]
fn a_pause_of_40_ms_parts_two_keys_and_a_hole_of_20_does_not() {
    for rate in Rate::ALL {
        for step in 0..40 {
            let begin_ms = 100.0 + f64::from(step) * 0.51;
            for press in every_key() {
                let first = Press { begin_ms, ..press };
                let after = |pause_ms: f64| Press { begin_ms: begin_ms + first.held_ms + pause_ms, ..first };
                let twice = press.key().repeat(2);
                assert_eq!(heard(rate, &[first, after(40.0)]), twice, "{rate:?} {first:?}");
                let first = Press { held_ms: 60.0, ..first };
                let again = Press { begin_ms: begin_ms + 79.0, ..first };
                assert_eq!(heard(rate, &[first, again]), press.key(), "{rate:?} {first:?}");
            }
        }
    }
}

#[test]
fn a_key_that_is_held_for_long_is_one() {
    for rate in Rate::ALL {
        for press in every_key() {
            assert_eq!(heard(rate, &[Press { held_ms: 3_000.0, ..press }]), press.key());
        }
    }
}

#[test]
fn a_telephone_number_comes_whole_and_in_its_order() {
    let digits = [(0, 0), (0, 0), (3, 1), (2, 2), (3, 3), (3, 0), (1, 1), (3, 2)];
    let presses: Vec<Press> = digits
        .iter()
        .enumerate()
        .map(|(n, &(row, column))| Press {
            begin_ms: 50.0 + 93.0 * n as f64,
            held_ms: 50.0,
            ..Press::new(row, column)
        })
        .collect();
    for rate in Rate::ALL {
        assert_eq!(heard(rate, &presses), "1109D*5#");
    }
}

#[test]
fn keys_are_found_in_noise_15_db_below_them() {
    for rate in Rate::ALL {
        let mut noise = Noise(7);
        // Even noise between ±a has a mean square of a²/3, a key one of 2·A²/2.
        let peak = f64::from(sine_amplitude(-10.0)) * (3.0 * 10f64.powf(-1.5)).sqrt();
        for press in every_key() {
            let press = Press { held_ms: 60.0, ..press };
            let keys = keys_in(rate, 1_000.0, |t| press.at(t) + peak * noise.next());
            assert_eq!(keys, press.key(), "{rate:?}");
        }
    }
}

#[test]
fn a_tone_alone_or_two_of_a_group_are_no_key() {
    let amplitude = f64::from(sine_amplitude(-10.0));
    for rate in Rate::ALL {
        let singles = [330.0, 350.0, 425.0, 440.0, 480.0, 500.0, 620.0, 700.0, 1_000.0, 1_100.0, 2_100.0];
        for hertz in singles.into_iter().chain(LOW_HZ).chain(HIGH_HZ) {
            let keys = keys_in(rate, 1_000.0, |t| 2.0 * amplitude * (TAU * hertz * t / 1_000.0).sin());
            assert_eq!(keys, "", "{hertz} Hz at {rate:?}");
        }
        let pairs = [
            (350.0, 440.0),
            (440.0, 480.0),
            (480.0, 620.0),
            (697.0, 941.0),
            (1_209.0, 1_633.0),
            (500.0, 700.0),
        ];
        for (one, other) in pairs {
            let sine = |hertz: f64, t: f64| amplitude * (TAU * hertz * t / 1_000.0).sin();
            let keys = keys_in(rate, 1_000.0, |t| sine(one, t) + sine(other, t));
            assert_eq!(keys, "", "{one} and {other} Hz at {rate:?}");
        }
    }
}

/// Vowels as sources and resonances make them: pitch glides, the first two formants jump, the others stay.
#[test]
fn talk_is_no_key() {
    for (seed, pitch_hz) in
        [(1, 95.0), (2, 120.0), (3, 174.0), (4, 210.0), (5, 233.0), (6, 280.0), (7, 349.0)]
    {
        let mut noise = Noise(seed);
        let (mut phase, mut formants, mut level, mut glide) =
            (0.0, [500.0, 1_500.0, 2_500.0, 3_500.0], 0.0, 0.0);
        let mut next_ms = 0.0;
        let keys = keys_in(Rate::Hz8000, 60_000.0, |t| {
            if t >= next_ms {
                next_ms = t + 150.0 + 100.0 * noise.next();
                (formants[0], formants[1]) = (500.0 + 250.0 * noise.next(), 1_500.0 + 600.0 * noise.next());
                level = if noise.next() < -0.7 { 0.0 } else { 3_000.0 };
                glide = 0.25 * noise.next();
            }
            let pitch = pitch_hz * (1.0 + glide * (1.0 - (next_ms - t) / 250.0));
            phase += pitch / 8_000.0;
            let partial = |harmonic: u32| {
                let hertz = f64::from(harmonic) * pitch;
                let resonance = |formant: f64| 1.0 / (1.0 + ((hertz - formant) / 50.0).powi(2)).sqrt();
                let level: f64 = formants.map(resonance).iter().sum();
                level / f64::from(harmonic).sqrt() * (TAU * phase * f64::from(harmonic)).sin()
            };
            level * (1..=(3_400.0 / pitch) as u32).map(partial).sum::<f64>() + 30.0 * noise.next()
        });
        assert_eq!(keys, "", "a voice of {pitch_hz} Hz");
    }
}

/// Chords of the tempered scale with overtones that die away, among them those whose notes lie on the tones.
#[test]
fn music_is_no_key() {
    let note = |semitone: f64| 440.0 * 2f64.powf(semitone / 12.0);
    for (seed, overtones) in [(1, 2), (2, 3), (3, 5), (4, 8)] {
        let mut noise = Noise(seed);
        let (mut chord, mut begin_ms, mut next_ms) = ([0.0; 4], 0.0, 0.0);
        let keys = keys_in(Rate::Hz8000, 60_000.0, |t| {
            if t >= next_ms {
                (begin_ms, next_ms) = (t, t + 250.0 + 150.0 * noise.next());
                chord = core::array::from_fn(|_| note((noise.next() * 20.0).round()));
            }
            let since_s = (t - begin_ms) / 1_000.0;
            let sum: f64 = chord
                .iter()
                .flat_map(|hertz| (1..=overtones).map(move |k| (hertz * f64::from(k), 0.6f64.powi(k - 1))))
                .map(|(hertz, level)| level * (TAU * hertz * since_s).sin())
                .sum();
            3_000.0 * (-since_s * 3.0).exp() * sum
        });
        assert_eq!(keys, "", "music with {overtones} partials");
    }
}

#[test]
fn a_far_end_that_falls_silent_has_let_go_of_its_key() {
    for rate in Rate::ALL {
        let press = Press { begin_ms: 0.0, held_ms: 1_000.0, ..Press::new(1, 2) };
        let mut detector = InbandDetector::new(rate);
        assert_eq!(keys_from(&mut detector, rate, press), 1);
        (0..2).for_each(|_| detector.hear_nothing());
        assert_eq!(keys_from(&mut detector, rate, press), 1, "the same key again is another");
    }
}

/// How many keys 100 ms of a key are.
fn keys_from(detector: &mut InbandDetector, rate: Rate, press: Press) -> usize {
    let samples = rate.frame_samples();
    let frame = |frame: usize| -> Vec<i16> {
        let sample = |n: usize| press.at((frame * samples + n) as f64 * 1_000.0 / f64::from(rate.hz()));
        (0..samples).map(|n| sample(n).round() as i16).collect()
    };
    (0..5).filter_map(|n| detector.hear(&frame(n))).count()
}
