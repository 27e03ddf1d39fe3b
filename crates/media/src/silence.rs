//! The payload of a codec that stands for 20 ms of silence.
//!
//! Opus: what its encoder makes of silence after some frames of it, made once when the first sender is. Each
//! frame of it begins afresh in the decoder, so it may be sent again and again, and to everyone.

use std::sync::OnceLock;

use crate::codec::{Codec, ENCODED_BYTES_MAX, Encoder};
use crate::g711::{ALAW_SILENCE, ULAW_SILENCE};
use crate::rate::NARROW_FRAME_SAMPLES;

/// Frames of silence that the encoder hears before the one that is kept.
const SETTLING_FRAMES: usize = 20;

/// 20 ms of silence. Made in the first call for a codec.
pub(crate) fn silent_payload(codec: Codec) -> &'static [u8] {
    static OPUS: OnceLock<Vec<u8>> = OnceLock::new();
    match codec {
        Codec::Pcmu => &[ULAW_SILENCE; NARROW_FRAME_SAMPLES],
        Codec::Pcma => &[ALAW_SILENCE; NARROW_FRAME_SAMPLES],
        Codec::Opus => OPUS.get_or_init(|| settled(codec)),
    }
}

fn settled(codec: Codec) -> Vec<u8> {
    let pcm = vec![0; codec.frame_samples()];
    let mut payload = vec![0; ENCODED_BYTES_MAX];
    let mut encoder = Encoder::new(codec);
    let bytes = (0..SETTLING_FRAMES).map(|_| encoder.encode(&pcm, &mut payload)).last();
    payload.truncate(bytes.unwrap_or(0));
    payload
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Decoder;

    #[test]
    fn silence_is_silent_however_often_it_comes() {
        for codec in Codec::ALL {
            let mut decoder = Decoder::new(codec);
            let mut pcm = vec![1; codec.frame_samples()];
            for _ in 0..200 {
                let samples = decoder.decode(silent_payload(codec), &mut pcm).expect("a payload");
                assert_eq!(samples, codec.frame_samples());
                assert!(pcm.iter().all(|x| x.abs() <= 8), "{codec:?}: {:?}", pcm.iter().max());
            }
        }
    }
}
