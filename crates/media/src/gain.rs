//! One gain for each distinct mix, so that nothing ever clips and nothing pumps.
//!
//! Every source has a peak [`Envelope`]: up at once, down by about 6 dB a second. The gain of a mix is the
//! ceiling over the sum of its sources' envelopes, never above one: whatever their phases, the samples cannot
//! reach beyond it. It is decided on the whole frame before any of it leaves, and the mix is 2 ms late: a
//! falling gain ramps down while the last 2 ms of the frame before leave, a rising one is held for those 2 ms
//! and ramps up over the rest. So there is no step in it and no saturation before it.
//!
//! A mix of one source is its source: a lone talker passes bit for bit up to full scale. A second one costs
//! at most 0.8 dB more than the ceiling asks for, which keeps a margin below the loudest code of G.711.
//!
//! Doubt: when a source leaves (hangs up, is muted), its envelope is gone at once and the gain rises within
//! 18 ms.

use crate::rate::{FRAME_SAMPLES_MAX, Rate};

/// Largest magnitude of a mix of several sources.
pub const CEILING: i32 = 30_000;
/// How late a mix is.
pub const LOOK_AHEAD_MS: u32 = 2;
/// Samples of that at the widest rate.
pub const LOOK_AHEAD_SAMPLES_MAX: usize = FRAME_SAMPLES_MAX / 10;
/// An envelope falls by this part of itself in a tick: 0.12 dB, 6 dB a second.
const RELEASE_DIVISOR: i32 = 73;

/// Samples that a mix is late at a rate.
pub const fn look_ahead_samples(rate: Rate) -> usize {
    (rate.hz() * LOOK_AHEAD_MS / 1_000) as usize
}

/// The peak of a source over the last seconds.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Envelope(i32);

impl Envelope {
    /// The next frame has this peak.
    pub fn follow(&mut self, peak: i32) {
        let released = self.0 - (self.0 / RELEASE_DIVISOR).max(i32::from(self.0 > 0));
        self.0 = released.max(peak);
    }

    /// The peak that the source may have in this frame.
    pub fn peak(self) -> i32 {
        self.0
    }
}

/// The envelopes of what a mix is made of. Integers, so that a listener's own can be taken out exactly.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Load {
    peak_sum: i64,
    sources: u32,
}

impl Load {
    /// One more source.
    pub fn add(&mut self, envelope: Envelope) {
        self.peak_sum += i64::from(envelope.0);
        self.sources += u32::from(envelope.0 > 0);
    }

    /// One less; it must have been added.
    pub fn remove(&mut self, envelope: Envelope) {
        self.peak_sum -= i64::from(envelope.0);
        self.sources -= u32::from(envelope.0 > 0);
    }

    /// All sources of another.
    pub fn merge(&mut self, other: Load) {
        self.peak_sum += other.peak_sum;
        self.sources += other.sources;
    }

    /// The gain that keeps the sum below the ceiling.
    pub fn gain(&self) -> f32 {
        if self.sources <= 1 || self.peak_sum <= i64::from(CEILING) {
            1.0
        } else {
            CEILING as f32 / self.peak_sum as f32
        }
    }
}

/// What is known of a frame of a mix besides its samples.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Mixed {
    /// Nothing was on its way from the tick before.
    pub began_quiet: bool,
    /// The samples are those of the sum, 2 ms later.
    pub is_transparent: bool,
}

/// The gain of a mix over time, and the 2 ms of it that have not left yet.
#[derive(Clone, Debug)]
pub struct Limiter {
    gain: f32,
    quiet: bool,
    delayed: [i32; LOOK_AHEAD_SAMPLES_MAX],
}

impl Default for Limiter {
    fn default() -> Self {
        Limiter { gain: 1.0, quiet: true, delayed: [0; LOOK_AHEAD_SAMPLES_MAX] }
    }
}

impl Limiter {
    /// Forgets what is on its way; the next frame begins after 2 ms of silence.
    pub fn clear(&mut self) {
        self.gain = 1.0;
        if !self.quiet {
            self.delayed = [0; LOOK_AHEAD_SAMPLES_MAX];
            self.quiet = true;
        }
    }

    /// Whether silence is all that is on its way.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// One tick: `sum` (samples,) int32 goes in, the 2 ms before it and its first 18 ms come out as int16.
    pub fn process(&mut self, rate: Rate, sum: &[i32], target: f32, out: &mut [i16]) -> Mixed {
        let mixed = Mixed { began_quiet: self.quiet, is_transparent: self.gain == 1.0 && target == 1.0 };
        let late = look_ahead_samples(rate);
        debug_assert_eq!(sum.len(), rate.frame_samples());
        debug_assert_eq!(out.len(), rate.frame_samples());
        let (leaving, staying) = sum.split_at(sum.len() - late);
        let (head, body) = out.split_at_mut(late);
        let delayed = &mut self.delayed[..late];
        if target < self.gain {
            ramp(delayed, self.gain, target, head);
            scale(leaving, target, body);
        } else {
            scale(delayed, self.gain, head);
            ramp(leaving, self.gain, target, body);
        }
        self.gain = target;
        delayed.copy_from_slice(staying);
        self.quiet = staying.iter().fold(0, |all, &x| all | x) == 0;
        mixed
    }

    /// The gain at the end of the last frame.
    pub fn gain(&self) -> f32 {
        self.gain
    }

    /// Starts in the middle of a signal whose last 2 ms were these.
    pub fn resume(&mut self, gain: f32, tail: &[i32]) {
        self.gain = gain;
        self.delayed[..tail.len()].copy_from_slice(tail);
        self.quiet = tail.iter().all(|&x| x == 0);
    }

    /// What has not left yet, before the gain.
    pub fn delayed(&self, rate: Rate) -> &[i32] {
        &self.delayed[..look_ahead_samples(rate)]
    }
}

fn clamp(x: i32) -> i16 {
    x.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

fn scale(sum: &[i32], gain: f32, out: &mut [i16]) {
    if gain == 1.0 {
        for (y, &x) in out.iter_mut().zip(sum) {
            *y = clamp(x);
        }
    } else {
        for (y, &x) in out.iter_mut().zip(sum) {
            *y = scaled(x, gain);
        }
    }
}

fn ramp(sum: &[i32], from: f32, to: f32, out: &mut [i16]) {
    if from == to {
        return scale(sum, to, out);
    }
    let step = (to - from) / sum.len() as f32;
    for (n, (y, &x)) in out.iter_mut().zip(sum).enumerate() {
        *y = scaled(x, from + step * (n + 1) as f32);
    }
}

/// Rounded away from zero at the half, saturated.
fn scaled(x: i32, gain: f32) -> i16 {
    let y = x as f32 * gain;
    (y + if y < 0.0 { -0.5 } else { 0.5 }) as i16
}

/// Applies a fixed gain to samples in place; the largest magnitude is saturated.
pub fn apply(gain: f32, pcm: &mut [i16]) {
    for x in pcm {
        *x = scaled(i32::from(*x), gain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_rises_at_once_and_falls_by_6_db_a_second() {
        let mut envelope = Envelope::default();
        envelope.follow(20_000);
        assert_eq!(envelope.peak(), 20_000);
        for _ in 0..50 {
            envelope.follow(0);
        }
        let fallen_db = 20.0 * (20_000.0 / f64::from(envelope.peak())).log10();
        assert!((fallen_db - 6.0).abs() < 0.1, "{fallen_db}");
        for _ in 0..2_000 {
            envelope.follow(0);
        }
        assert_eq!(envelope.peak(), 0);
    }

    #[test]
    fn one_source_passes_and_several_share_the_ceiling() {
        let (mut first, mut second) = (Envelope::default(), Envelope::default());
        first.follow(32_767);
        second.follow(27_233);
        let mut load = Load::default();
        load.add(first);
        assert_eq!(load.gain(), 1.0);
        load.add(second);
        assert_eq!(load.gain(), 0.5);
        load.remove(second);
        assert_eq!(load.gain(), 1.0);
    }

    #[test]
    fn nothing_clips_whatever_the_load_does() {
        let mut limiter = Limiter::default();
        let mut out = [0i16; 160];
        for (tick, sources) in [1i32, 1, 3, 3, 10, 2, 2, 1, 6].into_iter().enumerate() {
            let peak = 25_000 * sources;
            let wave = |n: usize| (f64::from(peak) * ((tick * 160 + n) as f64 * 0.4).sin()) as i32;
            let sum: Vec<i32> = (0..160).map(wave).collect();
            limiter.process(Rate::Hz8000, &sum, (CEILING as f32 / peak as f32).min(1.0), &mut out);
            assert!(out.iter().all(|&x| i32::from(x).abs() <= CEILING + 1));
        }
    }

    #[test]
    fn the_gain_never_steps() {
        let mut limiter = Limiter::default();
        let mut out = [0i16; 160];
        limiter.process(Rate::Hz8000, &[20_000; 160], 1.0, &mut out);
        let mut before = 20_000;
        for target in [0.9, 0.2, 0.2, 1.0, 0.5, 1.0] {
            limiter.process(Rate::Hz8000, &[20_000; 160], target, &mut out);
            for x in out.map(i32::from) {
                assert!((x - before).abs() <= 20_000 / 16 + 1, "from {before} to {x}");
                before = x;
            }
            assert!((before as f32 - 20_000.0 * target).abs() < 1.0);
        }
    }

    #[test]
    fn at_unity_the_samples_come_out_2_ms_later_and_nothing_else() {
        let rate = Rate::Hz8000;
        let signal: Vec<i32> = (0..480).map(|n| (n * 37) % 2_001 - 1_000).collect();
        let mut limiter = Limiter::default();
        let mut heard = Vec::new();
        for frame in signal.chunks(160) {
            let mut out = [0i16; 160];
            limiter.process(rate, frame, 1.0, &mut out);
            heard.extend(out.map(i32::from));
        }
        assert_eq!(&heard[..16], &[0; 16]);
        assert_eq!(&heard[16..], &signal[..464]);
    }
}
