//! Comfort noise (RFC 3389): the far end is silent on purpose and says how loud its silence is.
//!
//! Only the level is taken; the spectrum, where there is one, is not: white noise of this level nobody minds.

/// Louder noise than this is not believed, in −dBov.
const LEVEL_MIN: u8 = 40;

#[derive(Debug)]
pub(crate) struct Noise {
    state: u32,
}

impl Noise {
    pub(crate) fn new() -> Noise {
        Noise { state: 0x9E37_79B9 }
    }

    /// Fills `pcm` with noise of `level` −dBov: relative to the power of a full-scale square wave.
    pub(crate) fn fill(&mut self, level: u8, pcm: &mut [i16]) {
        let root_mean_square = 32_768.0 * 10f32.powf(-f32::from(level.max(LEVEL_MIN)) / 20.0);
        let peak = root_mean_square * 3f32.sqrt(); // of evenly spread samples
        for sample in pcm {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 17;
            self.state ^= self.state << 5;
            *sample = (self.state as i32 as f32 / 2_147_483_648.0 * peak) as i16;
        }
    }
}

/// The level in a comfort-noise payload, in −dBov. An empty one is silence.
pub(crate) fn level(payload: &[u8]) -> u8 {
    payload.first().map_or(127, |byte| byte & 0x7F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_as_loud_as_it_was_said() {
        for (said, heard_dbov) in [(50, -50.0), (60, -60.0), (10, -40.0)] {
            let mut pcm = [0; 8_000];
            Noise::new().fill(said, &mut pcm);
            let power = pcm.iter().map(|sample| f32::from(*sample).powi(2)).sum::<f32>() / 8_000.0;
            let dbov = 10.0 * (power / 32_768f32.powi(2)).log10();
            assert!((dbov - heard_dbov).abs() < 1.0, "{said}: {dbov}");
        }
        let mut silence = [1; 160];
        Noise::new().fill(level(&[]), &mut silence);
        assert_eq!(silence, [0; 160]);
    }
}
