//! A little more or a little less time: one pitch period is put in or taken out where the sound repeats
//! itself (overlap-add).
//!
//! So the delay follows the network, and two clocks that differ, without a gap or a click. Where the sound
//! does not repeat itself nothing is done, unless the caller must have it.

use crate::conceal::mix;
use crate::pitch::{self, Fit, Prefer};
use crate::samples::Samples;

/// Most samples of one insertion or cut: 15 ms at 48 kHz.
const PERIOD_SAMPLES_MAX: usize = pitch::PERIOD_MS_MAX * 48;

/// How alike two periods must be.
const ALIKE: f32 = 0.7;

/// How much can be waited for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Need {
    /// Only where nobody hears it.
    Wish,
    /// At the best place there is.
    Must,
}

/// How many waiting samples [`shorten`] wants to see.
pub(crate) const fn shorten_samples(rate_hz: u32) -> usize {
    (pitch::PERIOD_MS_MAX * 2) * rate_hz as usize / 1_000
}

/// Takes one period, of at most `length_max` samples, out of what waits. How many samples that were: 0 when
/// it would be heard.
pub(crate) fn shorten(samples: &mut Samples, rate_hz: u32, length_max: usize, need: Need) -> usize {
    let (shortest, longest, window) = lengths(rate_hz);
    let waiting = samples.around(0);
    let longest = longest.min(length_max).min(waiting.len() / 2).min(waiting.len().saturating_sub(window));
    if longest < shortest {
        return 0;
    }
    let stretch = &waiting[shortest..longest + window];
    let fit = pitch::best_fit(&waiting[..window], stretch, rate_hz, Prefer::High);
    if !is_good(&fit, need) {
        return 0;
    }
    let length = if fit.is_quiet { longest } else { shortest + fit.offset };
    for place in 0..length {
        waiting[place] = mix(waiting[place], waiting[length + place], place, length);
    }
    samples.cut(length, length);
    length
}

/// Puts one period more before what waits. How many samples that are: 0 when it would be heard.
pub(crate) fn lengthen(samples: &mut Samples, rate_hz: u32, need: Need) -> usize {
    let (shortest, longest, window) = lengths(rate_hz);
    if samples.waiting().len() < longest.max(window) || samples.room() < longest {
        return 0;
    }
    let around = samples.around(longest);
    let (window, stretch) = (&around[longest..longest + window], &around[..longest - shortest + window]);
    let fit = pitch::best_fit(window, stretch, rate_hz, Prefer::Low);
    if !is_good(&fit, need) {
        return 0;
    }
    let length = if fit.is_quiet { longest } else { longest - fit.offset };
    let mut period = [0; PERIOD_SAMPLES_MAX];
    for (place, sample) in period[..length].iter_mut().enumerate() {
        *sample = mix(around[longest + place], around[longest - length + place], place, length);
    }
    samples.widen(length);
    samples.around(0)[..length].copy_from_slice(&period[..length]);
    length
}

fn lengths(rate_hz: u32) -> (usize, usize, usize) {
    let per_ms = rate_hz as usize / 1_000;
    let shortest = (pitch::PERIOD_MS_MIN * per_ms as f32) as usize;
    (shortest, pitch::PERIOD_MS_MAX * per_ms, pitch::WINDOW_MS * per_ms)
}

fn is_good(fit: &Fit, need: Need) -> bool {
    need == Need::Must || fit.is_quiet || fit.correlation >= ALIKE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lowest level of a tone in 20 ms windows, each 5 ms, relative to the whole one.
    fn lowest_level(pcm: &[i16], hertz: f32, rate_hz: u32) -> f32 {
        let window = rate_hz as usize / 50;
        let step = core::f32::consts::TAU * hertz / rate_hz as f32;
        let level = |pcm: &[i16]| {
            let (mut real, mut imaginary) = (0.0, 0.0);
            for (place, sample) in pcm.iter().enumerate() {
                real += f32::from(*sample) * (step * place as f32).cos();
                imaginary += f32::from(*sample) * (step * place as f32).sin();
            }
            (real * real + imaginary * imaginary).sqrt() * 2.0 / pcm.len() as f32 / 8_000.0
        };
        pcm.windows(window).step_by(window / 4).map(level).fold(f32::MAX, f32::min)
    }

    fn tone(hertz: f32, rate_hz: u32, length: usize) -> Vec<i16> {
        let step = core::f32::consts::TAU * hertz / rate_hz as f32;
        (0..length).map(|place| (8_000.0 * (step * place as f32).sin()) as i16).collect()
    }

    #[test]
    fn a_tone_stays_whole_while_it_is_stretched() {
        for rate_hz in [8_000u32, 48_000] {
            let frame = rate_hz as usize / 50;
            for hertz in [200.0, 440.0, 697.0, 1_000.0, 1_477.0] {
                for longer in [false, true] {
                    let mut source = tone(hertz, rate_hz, 120 * frame).into_iter();
                    let (mut samples, mut played, mut changed) = (Samples::new(rate_hz), Vec::new(), 0);
                    for tick in 0..50 {
                        while samples.waiting().len() < shorten_samples(rate_hz) {
                            let next: Vec<_> = source.by_ref().take(frame).collect();
                            samples.push(&next);
                        }
                        let spare = samples.waiting().len() - frame;
                        if tick > 2 {
                            changed += if longer {
                                lengthen(&mut samples, rate_hz, Need::Wish)
                            } else {
                                shorten(&mut samples, rate_hz, spare, Need::Wish)
                            };
                        }
                        let mut out = vec![0; frame];
                        samples.take(&mut out);
                        played.extend(out);
                    }
                    let level = lowest_level(&played, hertz, rate_hz);
                    assert!(level > 0.8, "{hertz} Hz at {rate_hz}, longer {longer}: {level}");
                    assert!(changed > 40 * frame / 8, "{hertz} Hz at {rate_hz}, longer {longer}: {changed}");
                }
            }
        }
    }

    #[test]
    fn noise_is_only_stretched_when_it_must_be() {
        let mut state = 1u32;
        let noise: Vec<i16> = (0..640)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 17) as i16 - 16_384
            })
            .collect();
        let mut samples = Samples::new(8_000);
        samples.push(&noise);
        assert_eq!(shorten(&mut samples, 8_000, 160, Need::Wish), 0);
        let cut = shorten(&mut samples, 8_000, 100, Need::Must);
        assert!((20..=100).contains(&cut));
        assert_eq!(samples.waiting().len(), 640 - cut);
        assert_eq!(shorten(&mut samples, 8_000, 19, Need::Must), 0);
    }
}
