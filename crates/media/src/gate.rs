//! Keeps line noise out of the sum: of 400 open lines only those that carry something are added.
//!
//! It works on level alone, never on likeness to speech (decision A18): a steady tone of −40 dBm0 or more
//! passes bit for bit. The decision is made on the whole frame before any of it is used, and on the loudest
//! quarter of it, so a syllable that begins in mid-frame passes from its first sample. What passes is not
//! touched; what does not is nothing at all.

use crate::level::Loudness;

/// Mean square that opens: −46 dBm0. Line noise of peak 30 has −59 dBm0.
const OPEN_SQUARE: u64 = 6_499;
/// Mean square below which an open gate begins to count the hold: −50 dBm0.
const CLOSE_SQUARE: u64 = 2_587;
/// How long it stays open after that: the pauses between words and the ends of them are heard.
const HOLD_TICKS: u32 = 15;

/// The gate of one talker.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    open_ticks: u32,
}

impl Gate {
    /// Whether this frame passes.
    pub fn passes(&mut self, frame: &Loudness) -> bool {
        let loudest = frame.quarters.iter().copied().max().unwrap_or(0);
        let samples = u64::from(frame.quarter_samples);
        if loudest >= OPEN_SQUARE * samples && samples > 0 {
            self.open_ticks = HOLD_TICKS;
            return true;
        }
        if self.open_ticks == 0 {
            return false;
        }
        self.open_ticks = if loudest >= CLOSE_SQUARE * samples { HOLD_TICKS } else { self.open_ticks - 1 };
        self.open_ticks > 0
    }

    /// Closes at once: nothing came in this tick.
    pub fn close(&mut self) {
        self.open_ticks = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::{ZERO_DBM0_SQUARE, sine_amplitude};

    fn tone(level_dbm0: f32, from: usize) -> Loudness {
        let amplitude = sine_amplitude(level_dbm0);
        let pcm: Vec<i16> = (0..160)
            .map(|n| if n < from { 0 } else { (amplitude * (n as f32 * 0.41).sin()).round() as i16 })
            .collect();
        Loudness::of(&pcm)
    }

    #[test]
    fn thresholds_are_what_they_say() {
        let level = |square: u64| 10.0 * (square as f64 / ZERO_DBM0_SQUARE).log10();
        assert!((level(OPEN_SQUARE) + 46.0).abs() < 0.01);
        assert!((level(CLOSE_SQUARE) + 50.0).abs() < 0.01);
    }

    #[test]
    fn opens_on_the_frame_that_is_loud_enough_and_not_before() {
        let mut gate = Gate::default();
        assert!(!gate.passes(&tone(-49.0, 0)));
        assert!(gate.passes(&tone(-40.0, 0)));
    }

    #[test]
    fn a_syllable_that_begins_in_the_last_quarter_opens() {
        assert!(Gate::default().passes(&tone(-30.0, 140)));
    }

    #[test]
    fn stays_open_between_the_thresholds_and_for_the_hold() {
        let mut gate = Gate::default();
        assert!(gate.passes(&tone(-20.0, 0)));
        assert!((0..100).all(|_| gate.passes(&tone(-48.0, 0))));
        let open = (0..100).filter(|_| gate.passes(&tone(-60.0, 0))).count();
        assert_eq!(open, HOLD_TICKS as usize - 1);
        assert!(!gate.passes(&tone(-48.0, 0)));
    }
}
