//! Decoded audio, shared by all players that hold it, and its payloads at unity gain, encoded once.
//!
//! Made off the tick. Positions and lengths count samples of the narrow rate, so that they are the same at
//! every rate. A player who is all that a leg hears copies these payloads: G.711 from any sample on, Opus in
//! whole frames from the beginning. An Opus payload holds the samples that the mixer would send in that tick,
//! that is, of 2 ms before: copying and mixing are the same sound and may follow each other.

use crate::codec::{Codec, ENCODED_BYTES_MAX, Encoder};
use crate::gain::look_ahead_samples;
use crate::rate::{FRAME_SAMPLES_MAX, NARROW_FRAME_SAMPLES, NARROW_HZ, Rate};
use crate::resample::widen;

/// A sound in memory.
#[derive(Debug)]
pub struct Clip {
    narrow: Vec<i16>,
    wide: Option<Vec<i16>>,
    ulaw: Option<Vec<u8>>,
    alaw: Option<Vec<u8>>,
    opus: Option<Frames>,
}

/// Payloads of consecutive frames.
#[derive(Debug, Default)]
struct Frames {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Clip {
    /// `pcm_8k`: (samples,) int16. `pcm_48k`: the same sound, six samples for each (cut or filled with
    /// silence to be so); without it, listeners at 48 kHz get `pcm_8k` through the resampler. `encode`: the
    /// codecs whose payloads are made ahead. Takes as long as encoding takes.
    ///
    /// Looped sounds stay cheap for Opus listeners when their length is a whole number of frames: see
    /// [`Clip::fill_frame`].
    pub fn new(pcm_8k: Vec<i16>, pcm_48k: Option<Vec<i16>>, encode: &[Codec]) -> Clip {
        let wide = pcm_48k.map(|mut pcm| {
            pcm.resize(pcm_8k.len() * Rate::Hz48000.per_narrow(), 0);
            pcm
        });
        let mut clip = Clip { narrow: pcm_8k, wide, ulaw: None, alaw: None, opus: None };
        for &codec in encode {
            match codec {
                Codec::Pcmu => clip.ulaw = Some(clip.companded(codec)),
                Codec::Pcma => clip.alaw = Some(clip.companded(codec)),
                Codec::Opus => clip.opus = Some(clip.frames(codec)),
            }
        }
        clip
    }

    /// Appends silence up to a whole frame of 20 ms.
    pub fn fill_frame(pcm: &mut Vec<i16>, rate: Rate) {
        pcm.resize(pcm.len().next_multiple_of(rate.frame_samples()), 0);
    }

    /// Its length in samples of the narrow rate.
    pub fn length(&self) -> u64 {
        self.narrow.len() as u64
    }

    /// Its length.
    pub fn milliseconds(&self) -> u64 {
        self.length() * 1_000 / u64::from(NARROW_HZ)
    }

    /// Bytes of memory it holds.
    pub fn bytes(&self) -> usize {
        let samples = self.narrow.len() + self.wide.as_ref().map_or(0, Vec::len);
        let companded = [&self.ulaw, &self.alaw].into_iter().flatten().map(Vec::len).sum::<usize>();
        let frames = self.opus.as_ref().map_or(0, |frames| frames.bytes.len() + 4 * frames.ends.len());
        2 * samples + companded + frames
    }

    /// Writes the samples from position `from` (narrow rate) on. They must lie inside the clip.
    pub(crate) fn render(&self, from: u64, rate: Rate, out: &mut [i16]) {
        let from = from as usize;
        match (rate, &self.wide) {
            (Rate::Hz8000, _) => out.copy_from_slice(&self.narrow[from..from + out.len()]),
            (Rate::Hz48000, Some(wide)) => {
                let from = from * rate.per_narrow();
                out.copy_from_slice(&wide[from..from + out.len()]);
            }
            (Rate::Hz48000, None) => widen(&self.narrow, NARROW_HZ, rate.hz(), from, out),
        }
    }

    /// Codes of `count` samples from position `from` on, for codecs with a code a sample.
    pub(crate) fn codes(&self, codec: Codec, from: u64, count: usize) -> Option<&[u8]> {
        let codes = match codec {
            Codec::Pcmu => self.ulaw.as_ref(),
            Codec::Pcma => self.alaw.as_ref(),
            Codec::Opus => None,
        }?;
        codes.get(from as usize..from as usize + count)
    }

    /// The payload that is sent in the tick in which the frame at position `from` is mixed, for codecs with
    /// frames.
    pub(crate) fn frame(&self, codec: Codec, from: u64) -> Option<&[u8]> {
        let frames = match codec {
            Codec::Opus => self.opus.as_ref(),
            Codec::Pcmu | Codec::Pcma => None,
        }?;
        if !from.is_multiple_of(NARROW_FRAME_SAMPLES as u64) {
            return None;
        }
        frames.get((from / NARROW_FRAME_SAMPLES as u64) as usize)
    }

    fn companded(&self, codec: Codec) -> Vec<u8> {
        let mut codes = vec![0; self.narrow.len()];
        Encoder::new(codec).encode(&self.narrow, &mut codes);
        codes
    }

    fn frames(&self, codec: Codec) -> Frames {
        let rate = Rate::of(codec);
        let (late, length) = (look_ahead_samples(rate), rate.frame_samples());
        let mut encoder = Encoder::new(codec);
        let mut frames = Frames::default();
        let mut pcm = [0; FRAME_SAMPLES_MAX + FRAME_SAMPLES_MAX / 10];
        let mut payload = [0; ENCODED_BYTES_MAX];
        for frame in 0..self.narrow.len() / NARROW_FRAME_SAMPLES {
            pcm.copy_within(length..length + late, 0);
            self.render((frame * NARROW_FRAME_SAMPLES) as u64, rate, &mut pcm[late..late + length]);
            let bytes = encoder.encode(&pcm[..length], &mut payload);
            frames.push(&payload[..bytes]);
        }
        frames
    }
}

impl Frames {
    fn push(&mut self, payload: &[u8]) {
        self.bytes.extend_from_slice(payload);
        self.ends.push(self.bytes.len() as u32);
    }

    fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)? as usize;
        let begin = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        Some(&self.bytes[begin..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_those_of_its_codecs() {
        let pcm: Vec<i16> = (0..1_000).map(|n| (n * 29 % 8_001 - 4_000) as i16).collect();
        let clip = Clip::new(pcm.clone(), None, &[Codec::Pcmu, Codec::Pcma]);
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let mut codes = [0; 33];
            Encoder::new(codec).encode(&pcm[501..534], &mut codes);
            assert_eq!(clip.codes(codec, 501, 33), Some(&codes[..]));
            assert_eq!(clip.codes(codec, 990, 33), None);
            assert_eq!(clip.frame(codec, 0), None);
        }
    }

    #[test]
    fn opus_has_whole_frames_only() {
        let clip = Clip::new(vec![1_000; 1_000], None, &[Codec::Opus]);
        assert!(clip.frame(Codec::Opus, 160 * 5).is_some_and(|frame| !frame.is_empty()));
        assert_eq!(clip.frame(Codec::Opus, 160 * 6), None);
        assert_eq!(clip.frame(Codec::Opus, 161), None);
        assert_eq!(clip.codes(Codec::Opus, 0, 160), None);
    }

    #[test]
    fn the_wide_samples_are_six_for_each_narrow_one() {
        let clip = Clip::new(vec![0; 10], Some(vec![7; 50]), &[]);
        let mut out = [0; 60];
        clip.render(0, Rate::Hz48000, &mut out);
        assert_eq!((out[49], out[50]), (7, 0));
        assert_eq!(clip.milliseconds(), 1);
        let mut pcm = vec![3; 161];
        Clip::fill_frame(&mut pcm, Rate::Hz8000);
        assert_eq!(pcm.len(), 320);
    }
}
