//! Copies of what a leg says or hears, for recording, listening in and tests.

use core::time::Duration;

/// Where a tap hangs.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum TapPoint {
    /// What the far end says: after decoding, before gate and gain. Silence where nothing came.
    Decoded,
    /// What the far end hears: after mixing, before encoding.
    Mixed,
}

/// Takes the samples of one leg, a frame of 20 ms in each tick, without gaps.
pub trait Tap: Send {
    /// `now`: of the tick. `pcm`: (samples,) int16 at `rate_hz`, which changes with the leg's codec. Called
    /// in the tick: must not block or allocate.
    fn write(&mut self, now: Duration, rate_hz: u32, pcm: &[i16]);
}
