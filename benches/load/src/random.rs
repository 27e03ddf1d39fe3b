//! Numbers that look random and come from a seed (SplitMix64).

/// A stream of them.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A stream of its own for each (seed, name).
    pub fn new(seed: u64, name: u64) -> Self {
        let mut stream = Self(seed ^ name.wrapping_mul(0xd6e8_feb8_6659_fd93));
        stream.next();
        stream
    }

    /// 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// In [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Exponentially distributed with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -(1.0 - self.unit()).ln() * mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_a_thousand_delays_is_near_the_mean_that_was_asked_for() {
        let mut random = Random::new(7, 1);
        let mean = (0..10_000).map(|_| random.exponential(20.0)).sum::<f64>() / 10_000.0;
        assert!((19.0..21.0).contains(&mean), "{mean}");
    }

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let draw = |name| Random::new(3, name).next();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
