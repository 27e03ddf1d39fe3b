//! How loud a frame is: exact integer sums, turned into dBm0 only for those who read them.
//!
//! 0 dBm0 is a sine 3.17 dB below full scale (DESIGN section 1), so a full-scale sine is +3.17 dBm0. Levels
//! are values that are read, not events.

/// What the meter shows for digital silence.
pub const FLOOR_DBM0: f32 = -96.0;
/// Mean square of a sine of 0 dBm0: (32767² / 2) · 10^(−3.17 / 10).
pub const ZERO_DBM0_SQUARE: f64 = 258_727_961.4;
/// Parts that the energy of a frame is measured in, so that a beginning in mid-frame is seen at its own
/// loudness.
pub const QUARTERS: usize = 4;
/// Frames that make one reading of the [`Meter`]: 200 ms.
const METER_FRAMES: u32 = 10;

/// The measure of one frame.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Loudness {
    /// Largest magnitude, 0 to 32768.
    pub peak: i32,
    /// Sum of squares of each quarter of the frame.
    pub quarters: [u64; QUARTERS],
    /// Samples of each quarter.
    pub quarter_samples: u32,
}

impl Loudness {
    /// Measures a frame whose length is a multiple of [`QUARTERS`].
    pub fn of(pcm: &[i16]) -> Loudness {
        let length = pcm.len() / QUARTERS;
        let mut quarters = [0u64; QUARTERS];
        for (sum, quarter) in quarters.iter_mut().zip(pcm.chunks_exact(length.max(1))) {
            *sum = square_sum(quarter);
        }
        Loudness { peak: peak(pcm), quarters, quarter_samples: length as u32 }
    }

    /// Sum of squares of the whole frame.
    pub fn square_sum(&self) -> u64 {
        self.quarters.iter().sum()
    }
}

/// Sum of the squares of the samples.
pub fn square_sum(pcm: &[i16]) -> u64 {
    pcm.iter().map(|&x| u64::from((i32::from(x) * i32::from(x)) as u32)).sum()
}

/// Largest magnitude of the samples, 0 to 32768.
pub fn peak(pcm: &[i16]) -> i32 {
    let (low, high) = pcm.iter().fold((0i16, 0i16), |(low, high), &x| (low.min(x), high.max(x)));
    i32::from(high).max(-i32::from(low))
}

/// Level of a mean square, in dBm0, not below [`FLOOR_DBM0`].
pub fn dbm0(mean_square: f64) -> f32 {
    if mean_square <= 0.0 {
        return FLOOR_DBM0;
    }
    ((10.0 * (mean_square / ZERO_DBM0_SQUARE).log10()) as f32).max(FLOOR_DBM0)
}

/// Amplitude (peak, 1 = one step of int16) of a sine of that level.
pub fn sine_amplitude(level_dbm0: f32) -> f32 {
    ((2.0 * ZERO_DBM0_SQUARE).sqrt() * 10f64.powf(f64::from(level_dbm0) / 20.0)) as f32
}

/// Factor of a gain in dB.
pub fn gain_factor(gain_db: f32) -> f32 {
    if gain_db == 0.0 { 1.0 } else { 10f32.powf(gain_db / 20.0) }
}

/// The RMS level of the last whole 200 ms.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    square_sum: u64,
    samples: u64,
    frames: u32,
    reading: f64,
}

impl Meter {
    /// Adds a frame.
    pub fn add(&mut self, square_sum: u64, samples: usize) {
        self.square_sum += square_sum;
        self.samples += samples as u64;
        self.frames += 1;
        if self.frames == METER_FRAMES {
            self.reading = self.square_sum as f64 / self.samples.max(1) as f64;
            (self.square_sum, self.samples, self.frames) = (0, 0, 0);
        }
    }

    /// The latest reading in dBm0.
    pub fn dbm0(&self) -> f32 {
        dbm0(self.reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(level_dbm0: f32, samples: usize) -> Vec<i16> {
        let amplitude = sine_amplitude(level_dbm0);
        (0..samples).map(|n| (amplitude * (n as f32 * 0.7).sin()).round() as i16).collect()
    }

    #[test]
    fn a_sine_reads_its_level() {
        for level in [3.0f32, 0.0, -10.0, -40.0] {
            let mut meter = Meter::default();
            for frame in sine(level, 1600).chunks(160) {
                meter.add(Loudness::of(frame).square_sum(), frame.len());
            }
            assert!((meter.dbm0() - level).abs() < 0.1, "{level} read as {}", meter.dbm0());
        }
    }

    #[test]
    fn a_full_scale_sine_is_3_17_dbm0() {
        assert!((sine_amplitude(3.17) - 32_767.0).abs() < 1.0);
    }

    #[test]
    fn peak_knows_the_most_negative_sample() {
        assert_eq!(peak(&[3, -32_768, 32_767]), 32_768);
        assert_eq!(peak(&[]), 0);
        assert_eq!(Loudness::of(&[i16::MIN; 160]).square_sum(), 160 << 30);
    }

    #[test]
    fn silence_reads_the_floor() {
        assert_eq!(Meter::default().dbm0(), FLOOR_DBM0);
    }
}
