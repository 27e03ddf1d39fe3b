//! µ-law as ITU-T G.711 table 2 has it, by the arithmetic of its segments.

/// Added before the segment is looked for, in units of a 16-bit sample.
const BIAS: i32 = 132;
/// The largest magnitude before the bias.
const CLIP: i32 = 32_635;

/// One sample to one code.
pub fn encode(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(CLIP) + BIAS;
    let segment = 24 - magnitude.leading_zeros() as i32; // bias makes it at least 2^7
    let step = (magnitude >> (segment + 3)) & 0x0f;
    !(sign | (segment << 4) as u8 | step as u8)
}

/// One code to one sample.
pub fn decode(code: u8) -> i16 {
    let bits = !code;
    let segment = i32::from(bits >> 4 & 0x07);
    let step = i32::from(bits & 0x0f);
    let magnitude = (((step << 3) + BIAS) << segment) - BIAS;
    (if bits & 0x80 != 0 { -magnitude } else { magnitude }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_the_way_there_and_back() {
        for code in 0..=255u8 {
            let again = encode(decode(code));
            // 0x7f is minus zero: it comes back as plus zero.
            assert!(again == code || (code == 0x7f && again == 0xff), "{code:#x} became {again:#x}");
        }
    }

    #[test]
    fn values_of_the_standard() {
        for (sample, code) in [(0, 0xff), (32_124, 0x80), (-32_124, 0x00), (i16::MAX, 0x80), (i16::MIN, 0x00)]
        {
            assert_eq!(encode(sample), code, "{sample}");
        }
        assert_eq!(decode(0x80), 32_124);
    }
}
