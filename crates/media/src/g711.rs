//! G.711 (ITU-T 1988): µ-law and A-law, sample by sample, by table.
//!
//! µ-law looks at the upper 14 bits of a sample, A-law at the upper 13; both tables are made at compile time
//! (24 kB together, shared by all legs). Where the recommendation leaves a tie open we do what the Sun
//! reference code of 1992 did, as everybody does.

use crate::payload::DecodeError;

/// Digital silence in µ-law: +0.
pub const ULAW_SILENCE: u8 = 0xFF;

/// Digital silence in A-law: the smallest positive step (A-law has no zero).
pub const ALAW_SILENCE: u8 = 0xD5;

/// Writes a byte a sample into `out` and returns how many: as many as both slices hold.
pub fn encode_ulaw(pcm: &[i16], out: &mut [u8]) -> usize {
    for (sample, byte) in pcm.iter().zip(out.iter_mut()) {
        *byte = ULAW_ENCODE[(*sample as u16 >> 2) as usize];
    }
    pcm.len().min(out.len())
}

/// Writes a byte a sample into `out` and returns how many: as many as both slices hold.
pub fn encode_alaw(pcm: &[i16], out: &mut [u8]) -> usize {
    for (sample, byte) in pcm.iter().zip(out.iter_mut()) {
        *byte = ALAW_ENCODE[(*sample as u16 >> 3) as usize];
    }
    pcm.len().min(out.len())
}

/// Decodes a sample a byte into the front of `pcm`.
///
/// # Errors
/// [`DecodeError::TooLong`] when `pcm` is too short.
pub fn decode_ulaw(payload: &[u8], pcm: &mut [i16]) -> Result<usize, DecodeError> {
    decode(payload, pcm, &ULAW_DECODE)
}

/// Decodes a sample a byte into the front of `pcm`.
///
/// # Errors
/// [`DecodeError::TooLong`] when `pcm` is too short.
pub fn decode_alaw(payload: &[u8], pcm: &mut [i16]) -> Result<usize, DecodeError> {
    decode(payload, pcm, &ALAW_DECODE)
}

fn decode(payload: &[u8], pcm: &mut [i16], table: &[i16; 256]) -> Result<usize, DecodeError> {
    let pcm = pcm.get_mut(..payload.len()).ok_or(DecodeError::TooLong)?;
    for (byte, sample) in payload.iter().zip(pcm) {
        *sample = table[*byte as usize];
    }
    Ok(payload.len())
}

static ULAW_ENCODE: [u8; 1 << 14] = {
    let mut table = [0; 1 << 14];
    let mut index = 0;
    while index < table.len() {
        table[index] = ulaw_of(((index << 2) as u16) as i16);
        index += 1;
    }
    table
};

static ALAW_ENCODE: [u8; 1 << 13] = {
    let mut table = [0; 1 << 13];
    let mut index = 0;
    while index < table.len() {
        table[index] = alaw_of(((index << 3) as u16) as i16);
        index += 1;
    }
    table
};

static ULAW_DECODE: [i16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = linear_of_ulaw(byte as u8);
        byte += 1;
    }
    table
};

static ALAW_DECODE: [i16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = linear_of_alaw(byte as u8);
        byte += 1;
    }
    table
};

/// G.711 table 2a: the magnitude plus a bias of 33 (of 14 bits) is a floating-point number of 3 exponent and
/// 4 mantissa bits.
const fn ulaw_of(sample: i16) -> u8 {
    let linear = (sample >> 2) as i32;
    let (magnitude, mask) = if linear < 0 { (-linear, 0x7F) } else { (linear, 0xFF) };
    let biased = if magnitude > 8_159 { 8_159 + 33 } else { magnitude + 33 };
    if biased >= 8_192 {
        return 0x7F ^ mask;
    }
    let segment = 26 - biased.leading_zeros() as i32; // biased 33..64 is segment 0
    ((segment << 4) | ((biased >> (segment + 1)) & 0x0F)) as u8 ^ mask
}

const fn linear_of_ulaw(byte: u8) -> i16 {
    let bits = !byte as i32;
    let magnitude = ((((bits & 0x0F) << 3) + 0x84) << ((bits & 0x70) >> 4)) - 0x84;
    (if bits & 0x80 != 0 { -magnitude } else { magnitude }) as i16
}

/// G.711 table 1a, even bits inverted.
const fn alaw_of(sample: i16) -> u8 {
    let linear = (sample >> 3) as i32;
    let (magnitude, mask) = if linear < 0 { (-linear - 1, 0x55) } else { (linear, 0xD5) };
    let segment = if magnitude < 32 { 0 } else { 27 - magnitude.leading_zeros() as i32 };
    let mantissa = if segment < 2 { magnitude >> 1 } else { magnitude >> segment } & 0x0F;
    ((segment << 4) | mantissa) as u8 ^ mask
}

const fn linear_of_alaw(byte: u8) -> i16 {
    let bits = byte as i32 ^ 0x55;
    let segment = (bits & 0x70) >> 4;
    let step = (bits & 0x0F) << 4;
    let magnitude = if segment == 0 { step + 8 } else { (step + 0x108) << (segment - 1) };
    (if bits & 0x80 != 0 { magnitude } else { -magnitude }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_word_survives_decoding_and_encoding() {
        for byte in 0..=255u8 {
            let ulaw = ulaw_of(ULAW_DECODE[byte as usize]);
            let is_minus_zero = byte == 0x7F && ulaw == 0xFF;
            assert!(ulaw == byte || is_minus_zero, "µ-law {byte:#x} became {ulaw:#x}");
            assert_eq!(alaw_of(ALAW_DECODE[byte as usize]), byte, "A-law {byte:#x}");
        }
    }

    #[test]
    fn known_values_of_the_recommendation() {
        assert_eq!(ULAW_DECODE[0x80], 32_124);
        assert_eq!(ULAW_DECODE[0x00], -32_124);
        assert_eq!(ULAW_DECODE[ULAW_SILENCE as usize], 0);
        assert_eq!(ALAW_DECODE[0xAA], 32_256);
        assert_eq!(ALAW_DECODE[0x2A], -32_256);
        assert_eq!(ALAW_DECODE[ALAW_SILENCE as usize], 8);
        for (sample, ulaw, alaw) in
            [(i16::MAX, 0x80, 0xAA), (i16::MIN, 0x00, 0x2A), (0, 0xFF, 0xD5), (1_000, 0xCE, 0xFA)]
        {
            assert_eq!((ulaw_of(sample), alaw_of(sample)), (ulaw, alaw), "{sample}");
        }
    }

    #[test]
    fn no_sample_is_off_by_more_than_half_its_step() {
        for sample in i16::MIN..=i16::MAX {
            let step_half = (i32::from(sample).abs() / 16).max(8) / 2 + 4;
            let clipped = i32::from(sample).clamp(-32_124, 32_124);
            let back = i32::from(ULAW_DECODE[ULAW_ENCODE[(sample as u16 >> 2) as usize] as usize]);
            assert!((back - clipped).abs() <= step_half + 4, "µ-law {sample} became {back}");
            let back = i32::from(ALAW_DECODE[ALAW_ENCODE[(sample as u16 >> 3) as usize] as usize]);
            assert!(
                (back - i32::from(sample).clamp(-32_256, 32_256)).abs() <= step_half + 8,
                "A-law {sample} became {back}"
            );
        }
    }

    #[test]
    fn a_payload_longer_than_the_room_for_it_is_refused() {
        assert_eq!(decode_ulaw(&[0; 161], &mut [0; 160]), Err(DecodeError::TooLong));
    }
}
