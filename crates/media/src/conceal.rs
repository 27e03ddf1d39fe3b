//! A guess of what was lost: the last pitch period, again and again, fading (after the idea of G.711 Appendix
//! I, without its delay).
//!
//! The period is found in the last 25 ms. It is joined to itself over its last quarter, so that going round
//! makes no click, and to what was played by letting the difference at the seam die away. 30 ms are at full
//! level, at 80 ms it is half, at [`CONCEAL_MS_MAX`] nothing. So five lost packets in a row leave a tone
//! whole; with 20, 60 and 120 ms they did not, and recorded speech was no nearer to its source (over runs of
//! two to five lost packets the spectrum was 0.76 dB off, now 0.79; 0.62 % of the ticks too quiet, now 0.54).
//!
//! It serves Opus too. libopus's own guess was measured against it on speech, every tenth packet lost: the
//! spectrum of the lost frame is 7.6 dB off there and 7.7 here, but of a tone libopus leaves half in the
//! first frame and nothing in the second.

use crate::pitch::{self, Prefer};
use crate::samples::Samples;

/// Longer than this nothing is guessed, in ms.
pub(crate) const CONCEAL_MS_MAX: usize = 160;

const FULL_MS: f32 = 30.0;
const HALF_MS: f32 = 80.0;

/// How long the difference at the seam takes to die away, in ms.
const SEAM_MS: usize = 2;

#[derive(Debug)]
pub(crate) struct Concealment {
    rate_hz: u32,
    period: Box<[i16]>,
    length: usize,
    place: usize,
    made: usize,
    seam: f32,
    active: bool,
}

impl Concealment {
    pub(crate) fn new(rate_hz: u32) -> Concealment {
        let longest = pitch::PERIOD_MS_MAX * rate_hz as usize / 1_000;
        let period = vec![0; longest].into_boxed_slice();
        Concealment { rate_hz, period, length: longest, place: 0, made: 0, seam: 0.0, active: false }
    }

    pub(crate) fn is_active(&self) -> bool {
        self.active
    }

    /// Learns the period at the end of `samples`.
    pub(crate) fn begin(&mut self, samples: &Samples) {
        let per_ms = self.rate_hz as usize / 1_000;
        let (longest, window) = (self.period.len(), pitch::WINDOW_MS * per_ms);
        let shortest = (pitch::PERIOD_MS_MIN * per_ms as f32) as usize;
        let tail = samples.last(longest + window);
        let fit = pitch::best_fit(
            &tail[longest..],
            &tail[..longest - shortest + window],
            self.rate_hz,
            Prefer::Low, // the longest period: it buzzes least
        );
        self.length = longest - fit.offset;
        let before = tail.len() - self.length;
        let period = &mut self.period[..self.length];
        period.copy_from_slice(&tail[before..]);
        let quarter = (self.length / 4).min(before);
        for (place, sample) in period[self.length - quarter..].iter_mut().enumerate() {
            *sample = mix(*sample, tail[before - quarter + place], place, quarter);
        }
        self.seam = f32::from(tail[tail.len() - 1]) - f32::from(tail[before - 1]);
        (self.place, self.made, self.active) = (0, 0, true);
    }

    /// The next samples of the guess.
    pub(crate) fn next(&mut self, out: &mut [i16]) {
        let seam_length = SEAM_MS * self.rate_hz as usize / 1_000;
        for sample in out {
            let mut guess = f32::from(self.period[self.place]);
            if self.made < seam_length {
                guess += self.seam * (1.0 - self.made as f32 / seam_length as f32);
            }
            *sample = (guess * gain(self.made, self.rate_hz)) as i16;
            self.made += 1;
            self.place = if self.place + 1 < self.length { self.place + 1 } else { 0 };
        }
    }

    pub(crate) fn end(&mut self) {
        self.active = false;
    }
}

/// How loud the guess is after `made` samples of it.
fn gain(made: usize, rate_hz: u32) -> f32 {
    let ms = made as f32 * 1_000.0 / rate_hz as f32;
    let end = CONCEAL_MS_MAX as f32;
    match ms {
        _ if ms < FULL_MS => 1.0,
        _ if ms < HALF_MS => 1.0 - 0.5 * (ms - FULL_MS) / (HALF_MS - FULL_MS),
        _ if ms < end => 0.5 * (end - ms) / (end - HALF_MS),
        _ => 0.0,
    }
}

/// The sample at `place` of a linear cross-fade over `length`.
pub(crate) fn mix(from: i16, to: i16, place: usize, length: usize) -> i16 {
    let weight = (place as f32 + 0.5) / length as f32;
    (f32::from(from) * (1.0 - weight) + f32::from(to) * weight) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f32, rate_hz: u32, length: usize) -> Vec<i16> {
        let step = core::f32::consts::TAU * hertz / rate_hz as f32;
        (0..length).map(|place| (8_000.0 * (step * place as f32).sin()) as i16).collect()
    }

    #[test]
    fn the_guess_goes_on_where_the_tone_was() {
        for rate_hz in [8_000, 48_000] {
            let frame = rate_hz as usize / 50;
            for hertz in [100.0, 220.0, 697.0, 1_004.0, 2_100.0] {
                let real = tone(hertz, rate_hz, 4 * frame);
                let mut samples = Samples::new(rate_hz);
                samples.push(&real[..3 * frame]);
                let mut concealment = Concealment::new(rate_hz);
                concealment.begin(&samples);
                let mut guess = vec![0; frame];
                concealment.next(&mut guess);
                let error: f64 = guess
                    .iter()
                    .zip(&real[3 * frame..])
                    .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
                    .sum();
                let power: f64 = real[3 * frame..].iter().map(|a| f64::from(*a).powi(2)).sum();
                assert!(
                    error < power / 4.0,
                    "{hertz} Hz at {rate_hz}: error {:.1} dB",
                    10.0 * (error / power).log10()
                );
            }
        }
    }

    #[test]
    fn it_fades_and_ends() {
        let mut samples = Samples::new(8_000);
        samples.push(&tone(500.0, 8_000, 480));
        let mut concealment = Concealment::new(8_000);
        concealment.begin(&samples);
        let mut guess = [0; 1_600];
        concealment.next(&mut guess);
        let peak = |from_ms: usize| {
            guess[from_ms * 8..from_ms * 8 + 80].iter().map(|sample| sample.unsigned_abs()).max()
        };
        assert!(
            peak(20) > Some(7_500)
                && peak(80) > Some(3_000)
                && peak(80) < Some(4_200)
                && peak(145) < Some(800)
        );
        assert_eq!(peak(CONCEAL_MS_MAX), Some(0));
    }
}
