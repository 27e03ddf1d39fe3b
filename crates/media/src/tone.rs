//! Tones: beeps, and the keys of a telephone in the band.
//!
//! A sample is computed from its position, so a tone does not drift however long it is and sounds the same at
//! every rate. It rises and falls within 2 ms, so that it does not click.

use crate::level::sine_amplitude;
use crate::rate::{NARROW_HZ, Rate};

/// Rise and fall at the two ends, in samples of the narrow rate: 2 ms.
const EDGE_SAMPLES: f64 = 16.0;

/// A sum of at most two sines with a beginning and an end.
#[derive(Copy, Clone, Debug)]
pub struct Tone {
    hertz: [f64; 2],
    amplitude: f32,
    length: u64,
}

impl Tone {
    /// One sine. Nothing is heard at a rate that cannot carry `hertz`.
    pub fn sine(hertz: f32, milliseconds: u32, level_dbm0: f32) -> Tone {
        let length = u64::from(milliseconds) * u64::from(NARROW_HZ) / 1_000;
        Tone { hertz: [f64::from(hertz), 0.0], amplitude: sine_amplitude(level_dbm0), length }
    }

    /// The two tones of a key (ITU-T Q.23), whose powers add up to `level_dbm0`; none for what is no key.
    pub fn key(key: u8, milliseconds: u32, level_dbm0: f32) -> Option<Tone> {
        const KEYS: [&[u8; 4]; 4] = [b"123A", b"456B", b"789C", b"*0#D"];
        const LOW_HERTZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
        const HIGH_HERTZ: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
        KEYS.iter().zip(LOW_HERTZ).find_map(|(row, low)| {
            let column = row.iter().position(|&k| k == key.to_ascii_uppercase())?;
            let each_dbm0 = level_dbm0 - 3.01;
            Some(Tone { hertz: [low, HIGH_HERTZ[column]], ..Tone::sine(0.0, milliseconds, each_dbm0) })
        })
    }

    /// Samples at the narrow rate.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Writes the samples from position `from` (in samples of the narrow rate) on; silence behind the end.
    pub fn render(&self, from: u64, rate: Rate, out: &mut [i16]) {
        let mut sines = self.hertz.map(|hertz| Sine::new(hertz, from, rate));
        let step = 1.0 / rate.per_narrow() as f64;
        let (begin, length) = (from as f64, self.length as f64);
        for (n, y) in out.iter_mut().enumerate() {
            let position = begin + n as f64 * step;
            let edge = (position.min(length - position) / EDGE_SAMPLES).clamp(0.0, 1.0);
            let sum = sines[0].next() + sines[1].next();
            *y = (sum * self.amplitude * edge as f32).round() as i16;
        }
    }
}

/// A sine by rotation of a unit vector, which is set anew for each frame.
struct Sine {
    sine: f64,
    cosine: f64,
    turn_sine: f64,
    turn_cosine: f64,
}

impl Sine {
    fn new(hertz: f64, from: u64, rate: Rate) -> Sine {
        if hertz <= 0.0 || hertz * 2.0 >= f64::from(rate.hz()) {
            return Sine { sine: 0.0, cosine: 0.0, turn_sine: 0.0, turn_cosine: 0.0 };
        }
        let (sine, cosine) =
            (core::f64::consts::TAU * (hertz * from as f64 / f64::from(NARROW_HZ)).fract()).sin_cos();
        let (turn_sine, turn_cosine) = (core::f64::consts::TAU * hertz / f64::from(rate.hz())).sin_cos();
        Sine { sine, cosine, turn_sine, turn_cosine }
    }

    fn next(&mut self) -> f32 {
        let now = self.sine;
        (self.sine, self.cosine) = (
            self.sine * self.turn_cosine + self.cosine * self.turn_sine,
            self.cosine * self.turn_cosine - self.sine * self.turn_sine,
        );
        now as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{Loudness, dbm0};

    fn render(tone: &Tone, rate: Rate, frames: u64) -> Vec<i16> {
        (0..frames)
            .flat_map(|frame| {
                let mut out = vec![0; rate.frame_samples()];
                tone.render(frame * 160, rate, &mut out);
                out
            })
            .collect()
    }

    #[test]
    fn a_tone_has_its_level_at_every_rate_and_ends_where_it_should() {
        for rate in Rate::ALL {
            let pcm = render(&Tone::sine(440.0, 120, -12.0), rate, 8);
            let end = 120 * rate.hz() as usize / 1_000;
            let steady = &pcm[rate.frame_samples()..5 * rate.frame_samples()];
            let level = dbm0(Loudness::of(steady).square_sum() as f64 / steady.len() as f64);
            assert!((level + 12.0).abs() < 0.1, "{level}");
            assert!(pcm[end..].iter().all(|&x| x == 0));
            assert!(pcm[end - rate.frame_samples()..end].iter().any(|&x| x != 0));
        }
    }

    #[test]
    fn a_tone_of_an_hour_is_still_in_phase() {
        let tone = Tone::sine(700.5, 4_000_000, -10.0);
        let (mut first, mut later) = ([0i16; 160], [0i16; 160]);
        tone.render(16_000, Rate::Hz8000, &mut first);
        tone.render(16_000 + 16_000 * 1_800, Rate::Hz8000, &mut later);
        assert_eq!(first, later);
    }

    #[test]
    fn a_key_is_two_tones_that_add_up_to_its_level() {
        let pcm = render(&Tone::key(b'5', 1_000, -8.0).expect("a key"), Rate::Hz8000, 50);
        let level = dbm0(Loudness::of(&pcm[800..7_200]).square_sum() as f64 / 6_400.0);
        assert!((level + 8.0).abs() < 0.2, "{level}");
        assert!(Tone::key(b'x', 100, -8.0).is_none());
    }
}
