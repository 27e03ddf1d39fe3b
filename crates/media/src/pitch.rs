//! Where a piece of sound fits best: the search that concealment and stretching stand on.
//!
//! A window is laid over a longer stretch at each offset and compared by normalised correlation. At 48 kHz
//! the search runs on every sixth sample's mean first and then finely around the best: what decides is below
//! 4 kHz, and it costs the same as at 8 kHz.

/// The shortest pitch period, in ms: 400 Hz.
pub(crate) const PERIOD_MS_MIN: f32 = 2.5;

/// The longest pitch period, in ms: 66 Hz.
pub(crate) const PERIOD_MS_MAX: usize = 15;

/// How much is compared, in ms.
pub(crate) const WINDOW_MS: usize = 10;

/// Offsets whose correlation is within this of the best are as good.
const AS_GOOD: f32 = 0.99;

/// Correlations are made at this rate first.
const COARSE_HZ: u32 = 8_000;

/// Coarse samples of the longest stretch: window and two of the longest periods.
const COARSE_MAX: usize = (WINDOW_MS + 2 * PERIOD_MS_MAX) * COARSE_HZ as usize / 1_000;

/// Below this root mean square nobody hears how it was joined: −54 dBFS.
const QUIET: f32 = 64.0;

/// Where a window fits.
#[derive(Copy, Clone, PartialEq, Debug)]
pub(crate) struct Fit {
    pub(crate) offset: usize,
    /// −1 to 1.
    pub(crate) correlation: f32,
    /// The window is so quiet that it fits anywhere.
    pub(crate) is_quiet: bool,
}

/// Of equally good offsets, which one to take.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Prefer {
    Low,
    High,
}

/// The offset at which `window` fits best over `stretch`, which is at least as long.
pub(crate) fn best_fit(window: &[i16], stretch: &[i16], rate_hz: u32, prefer: Prefer) -> Fit {
    let step = (rate_hz / COARSE_HZ).max(1) as usize;
    let (mut coarse_window, mut coarse_stretch) = ([0; COARSE_MAX], [0; COARSE_MAX]);
    let coarse_window = coarsen(window, step, &mut coarse_window);
    let coarse_stretch = coarsen(stretch, step, &mut coarse_stretch);
    let offsets = coarse_stretch.len().saturating_sub(coarse_window.len()) + 1;
    let is_quiet = energy(coarse_window) < QUIET * QUIET * coarse_window.len() as f32;

    let mut scores = [-1.0f32; COARSE_MAX];
    for (offset, score) in scores.iter_mut().enumerate().take(offsets) {
        *score = correlation(coarse_window, &coarse_stretch[offset..offset + coarse_window.len()]);
    }
    let best = scores[..offsets].iter().copied().fold(-1.0, f32::max);
    let good = |score: &f32| *score >= best * AS_GOOD;
    let coarse = match prefer {
        Prefer::Low => scores[..offsets].iter().position(good),
        Prefer::High => scores[..offsets].iter().rposition(good),
    };
    let coarse = peak_near(&scores[..offsets], coarse.unwrap_or(0));
    let fine = if step == 1 { coarse } else { refine(window, stretch, coarse * step, step) };
    Fit { offset: fine, correlation: scores[coarse], is_quiet }
}

/// Climbs from a good offset to the local peak.
fn peak_near(scores: &[f32], mut place: usize) -> usize {
    loop {
        let next = [place.wrapping_sub(1), place + 1]
            .into_iter()
            .find(|near| scores.get(*near).is_some_and(|score| *score > scores[place]));
        match next {
            Some(near) => place = near,
            None => return place,
        }
    }
}

fn refine(window: &[i16], stretch: &[i16], near: usize, step: usize) -> usize {
    let last = stretch.len() - window.len();
    let (mut best, mut place) = (f32::MIN, near.min(last));
    for offset in near.saturating_sub(step)..=(near + step).min(last) {
        let (mut cross, mut power) = (0.0f32, 1.0f32);
        for (a, b) in window.iter().zip(&stretch[offset..]).step_by(step.div_ceil(2)) {
            cross += f32::from(*a) * f32::from(*b);
            power += f32::from(*b) * f32::from(*b);
        }
        let score = cross / power.sqrt();
        if score > best {
            (best, place) = (score, offset);
        }
    }
    place
}

fn coarsen<'a>(pcm: &'a [i16], step: usize, out: &'a mut [i16; COARSE_MAX]) -> &'a [i16] {
    if step == 1 {
        return pcm;
    }
    let length = (pcm.len() / step).min(COARSE_MAX);
    for (mean, block) in out.iter_mut().zip(pcm.chunks_exact(step)) {
        *mean = (block.iter().map(|sample| i32::from(*sample)).sum::<i32>() / step as i32) as i16;
    }
    &out[..length]
}

fn energy(pcm: &[i16]) -> f32 {
    pcm.iter().map(|sample| f32::from(*sample) * f32::from(*sample)).sum()
}

fn correlation(a: &[i16], b: &[i16]) -> f32 {
    let (mut cross, mut power_a, mut power_b) = (0i64, 0i64, 0i64);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (i32::from(*a), i32::from(*b));
        cross += i64::from(a * b);
        power_a += i64::from(a * a);
        power_b += i64::from(b * b);
    }
    cross as f32 / ((power_a as f32 * power_b as f32).sqrt() + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f32, rate_hz: u32, length: usize) -> Vec<i16> {
        let step = core::f32::consts::TAU * hertz / rate_hz as f32;
        (0..length).map(|place| (8_000.0 * (step * place as f32).sin()) as i16).collect()
    }

    #[test]
    fn a_tone_fits_whole_periods_away() {
        for rate_hz in [8_000, 48_000] {
            let per_ms = rate_hz as usize / 1_000;
            for hertz in [90.0f32, 200.0, 440.0, 697.0, 1_000.0, 1_633.0] {
                let pcm = tone(hertz, rate_hz, 40 * per_ms);
                let from = (PERIOD_MS_MIN * per_ms as f32) as usize;
                let fit = best_fit(&pcm[..10 * per_ms], &pcm[from..30 * per_ms], rate_hz, Prefer::Low);
                let periods = (from + fit.offset) as f32 * hertz / rate_hz as f32;
                assert!(
                    (periods - periods.round()).abs() < 0.06,
                    "{hertz} Hz at {rate_hz}: {periods} periods"
                );
                assert!(fit.correlation > 0.95 && !fit.is_quiet);
            }
        }
    }

    #[test]
    fn silence_fits_anywhere() {
        let fit = best_fit(&[3; 80], &[3; 200], 8_000, Prefer::High);
        assert!(fit.is_quiet);
    }

    #[test]
    fn noise_fits_nowhere() {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 17) as i16 - 16_384
        };
        let (window, stretch): (Vec<_>, Vec<_>) =
            ((0..80).map(|_| noise()).collect(), (0..200).map(|_| noise()).collect());
        assert!(best_fit(&window, &stretch, 8_000, Prefer::Low).correlation < 0.6);
    }
}
