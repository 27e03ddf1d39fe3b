//! Branches and tags: unlike each other, unguessable without the seed, the same on every run with the same
//! seed.
//!
//! SipHash-2-4 (Aumasson and Bernstein 2012) under a key made of the seed; the standard library's is
//! deprecated and may not take a key.

/// Source of branches and tags.
#[derive(Debug, Clone)]
pub(crate) struct Identifiers {
    key: (u64, u64),
    counter: u64,
}

impl Identifiers {
    pub fn new(seed: u64) -> Self {
        let first = sip_hash((seed, 0x726f_6f6d_746f_6e65), b"first");
        Self { key: (first, sip_hash((seed, first), b"second")), counter: 0 }
    }

    /// A new branch, with the magic cookie.
    pub fn branch(&mut self) -> String {
        self.counter += 1;
        let bytes = self.counter.to_be_bytes();
        format!("z9hG4bK{:016x}{:x}", sip_hash(self.key, &bytes), self.counter)
    }

    /// The tag that belongs to these bytes: the same one each time.
    pub fn tag(&self, bytes: &[u8]) -> String {
        format!("{:016x}", sip_hash(self.key, bytes))
    }
}

fn sip_hash(key: (u64, u64), data: &[u8]) -> u64 {
    let mut state = [
        key.0 ^ 0x736f_6d65_7073_6575,
        key.1 ^ 0x646f_7261_6e64_6f6d,
        key.0 ^ 0x6c79_6765_6e65_7261,
        key.1 ^ 0x7465_6462_7974_6573,
    ];
    let mut chunks = data.chunks_exact(8);
    for chunk in &mut chunks {
        compress(&mut state, u64::from_le_bytes(chunk.try_into().unwrap_or([0; 8])));
    }
    let mut last = [0_u8; 8];
    last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    last[7] = data.len() as u8;
    compress(&mut state, u64::from_le_bytes(last));
    state[2] ^= 0xff;
    for _ in 0..4 {
        round(&mut state);
    }
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

fn compress(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    round(state);
    state[0] ^= word;
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_of_the_paper() {
        let key = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        let data: Vec<u8> = (0..15).collect();
        assert_eq!(sip_hash(key, &data), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn branches_differ_and_repeat_with_the_seed() {
        let (mut one, mut same, mut other) = (Identifiers::new(1), Identifiers::new(1), Identifiers::new(2));
        let first = one.branch();
        assert_eq!(first, same.branch());
        assert_ne!(first, other.branch());
        assert_ne!(first, one.branch());
        assert_eq!(one.tag(b"x"), same.tag(b"x"));
    }
}
