//! The sample rates that buses mix at, and the length of a tick.
//!
//! One entry here is one sum in every bus. A leg is decoded, mixed and encoded at the rate of its codec; a
//! talker is resampled once for each other rate that has listeners. Rates are whole multiples of
//! [`NARROW_HZ`], so that a position counted in its samples is exact in all.

use crate::codec::Codec;
pub use crate::payload::FRAME_SAMPLES_MAX;

/// One step of every bus.
pub const TICK_MS: u32 = 20;
/// How many rates there are.
pub const RATES: usize = 2;
/// The narrowest rate: positions in sounds are counted in its samples.
pub const NARROW_HZ: u32 = 8_000;
/// Samples of a tick at [`NARROW_HZ`].
pub const NARROW_FRAME_SAMPLES: usize = 160;

/// A rate in use.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Rate {
    /// Telephones: G.711.
    Hz8000,
    /// Opus.
    Hz48000,
}

impl Rate {
    /// All of them, by index.
    pub const ALL: [Rate; RATES] = [Rate::Hz8000, Rate::Hz48000];

    /// The rate of a codec's samples.
    pub fn of(codec: Codec) -> Rate {
        match codec {
            Codec::Pcmu | Codec::Pcma => Rate::Hz8000,
            Codec::Opus => Rate::Hz48000,
        }
    }

    /// Samples a second.
    pub const fn hz(self) -> u32 {
        match self {
            Rate::Hz8000 => 8_000,
            Rate::Hz48000 => 48_000,
        }
    }

    /// Samples of one tick.
    pub const fn frame_samples(self) -> usize {
        (self.hz() * TICK_MS / 1_000) as usize
    }

    /// Samples for each sample of [`NARROW_HZ`].
    pub const fn per_narrow(self) -> usize {
        (self.hz() / NARROW_HZ) as usize
    }

    /// Position in [`Rate::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_20_ms_of_a_multiple_of_the_narrow_rate() {
        for (index, rate) in Rate::ALL.into_iter().enumerate() {
            assert_eq!(rate.index(), index);
            assert_eq!(rate.frame_samples(), NARROW_FRAME_SAMPLES * rate.per_narrow());
            assert_eq!(rate.hz() as usize, rate.per_narrow() * NARROW_HZ as usize);
            assert!(rate.frame_samples() <= FRAME_SAMPLES_MAX);
        }
        for codec in [Codec::Opus, Codec::Pcmu, Codec::Pcma] {
            assert_eq!(Rate::of(codec).hz(), codec.rate_hz());
            assert_eq!(Rate::of(codec).frame_samples(), codec.frame_samples());
        }
    }
}
