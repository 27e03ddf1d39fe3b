//! Files into clips, off the tick: decoding (symphonia), mixing down to mono, resampling once for each rate in use (rubato).

use core::ops::RangeInclusive;
use std::io::Cursor;

use roomtone_media::clip::Clip;
use roomtone_media::codec::Codec;
use roomtone_media::rate::Rate;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

/// Audio that one clip may hold.
pub const CLIP_SECONDS_MAX: usize = 3600;
/// Samples that are decoded for one clip, at whatever rate: silence packs so well that a small file could otherwise
/// take all memory.
const SAMPLES_MAX: usize = CLIP_SECONDS_MAX * 48_000;
/// Rates of files that are played.
const RATES_HZ: RangeInclusive<u32> = 1000..=384_000;
/// Frames of the resampler's block.
const BLOCK: usize = 1024;

/// Why bytes did not become a clip.
#[derive(Debug)]
pub enum PromptError {
    /// No format that we know, or broken.
    NotAudio(String),
    /// Longer than [`CLIP_SECONDS_MAX`].
    TooLong,
}

/// Mono samples at some rate, -1 to 1.
pub struct Mono {
    samples: Vec<f32>,
    rate_hz: u32,
}

impl Mono {
    /// From 16-bit samples.
    pub fn from_pcm(pcm: &[i16], rate_hz: u32) -> Self {
        Self { samples: pcm.iter().map(|sample| f32::from(*sample) / 32768.0).collect(), rate_hz }
    }

    /// From a file: WAV, MP3, Ogg Vorbis, FLAC.
    pub fn decode(data: Vec<u8>) -> Result<Self, PromptError> {
        let broken = |error: Symphonia| PromptError::NotAudio(error.to_string());
        let stream = MediaSourceStream::new(Box::new(Cursor::new(data)), Default::default());
        let mut format = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(broken)?;
        let none = || PromptError::NotAudio("no audio track".into());
        let track = format.default_track(TrackType::Audio).ok_or_else(none)?;
        let id = track.id;
        let parameters = track.codec_params.as_ref().and_then(|all| all.audio()).ok_or_else(none)?;
        let mut decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(broken)?;
        let mut mono = Self { samples: Vec::new(), rate_hz: 0 };
        let mut interleaved = Vec::new();
        while let Some(packet) = format.next_packet().map_err(broken)? {
            if packet.track_id != id {
                continue;
            }
            let block = match decoder.decode(&packet) {
                Ok(block) => block,
                Err(Symphonia::DecodeError(_)) => continue,
                Err(error) => return Err(broken(error)),
            };
            let channels = block.spec().channels().count().max(1);
            mono.rate_hz = playable(block.spec().rate())?;
            block.copy_to_vec_interleaved::<f32>(&mut interleaved);
            let down = |frame: &[f32]| frame.iter().sum::<f32>() / channels as f32;
            mono.samples.extend(interleaved.chunks_exact(channels).map(down));
            if mono.samples.len() > SAMPLES_MAX.min(CLIP_SECONDS_MAX * mono.rate_hz as usize) {
                return Err(PromptError::TooLong);
            }
        }
        if mono.samples.is_empty() { Err(PromptError::NotAudio("no samples".into())) } else { Ok(mono) }
    }

    /// The same sound as 16-bit samples of another rate.
    fn at(&self, rate_hz: u32) -> Result<Vec<i16>, PromptError> {
        let quantise = |sample: &f32| (sample * 32768.0).round_ties_even().clamp(-32768.0, 32767.0) as i16;
        if self.rate_hz == rate_hz {
            return Ok(self.samples.iter().map(quantise).collect());
        }
        let failed = |error: &dyn std::fmt::Display| PromptError::NotAudio(format!("resampling: {error}"));
        let input = InterleavedSlice::new(&self.samples, 1, self.samples.len()).map_err(|e| failed(&e))?;
        let mut resampler =
            Fft::<f32>::new(self.rate_hz as usize, rate_hz as usize, BLOCK, 1, FixedSync::Both)
                .map_err(|e| failed(&e))?;
        let output = resampler.process_all(&input, self.samples.len(), None).map_err(|e| failed(&e))?;
        Ok(output.take_data().iter().map(quantise).collect())
    }

    /// The clip, at each rate that `codecs` use, encoded ahead for G.711 always and for what `encode` names. What is encoded for Opus is filled up with
    /// silence to a whole frame, so that its loops stay on frames.
    pub fn into_clip(self, codecs: &[Codec], encode: &[Codec]) -> Result<Clip, PromptError> {
        playable(self.rate_hz)?;
        let wide = codecs.iter().any(|codec| codec.rate_hz() == 48_000);
        let ahead = |codec: &&Codec| codec.rate_hz() == 8000 || encode.contains(codec);
        let ahead: Vec<Codec> = codecs.iter().filter(ahead).copied().collect();
        let mut narrow = self.at(8000)?;
        let mut full = if wide { Some(self.at(48_000)?) } else { None };
        if ahead.contains(&Codec::Opus) {
            Clip::fill_frame(&mut narrow, Rate::Hz8000);
            full.iter_mut().for_each(|pcm| Clip::fill_frame(pcm, Rate::Hz48000));
        }
        Ok(Clip::new(narrow, full, &ahead))
    }
}

fn playable(rate_hz: u32) -> Result<u32, PromptError> {
    let refused = || PromptError::NotAudio(format!("a rate of {rate_hz} Hz"));
    RATES_HZ.contains(&rate_hz).then_some(rate_hz).ok_or_else(refused)
}
