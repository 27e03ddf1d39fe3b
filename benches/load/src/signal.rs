//! What telephones say: ten seconds, computed once, encoded once for each codec, repeated by all who say it.
//!
//! Frequencies are whole tenths of a hertz, so the seam cannot be heard. Opus is encoded over two rounds and the second is kept: its first frame follows
//! from the last.

use std::collections::HashMap;
use std::f64::consts::TAU;

use opusic_c::{Application, Bitrate, Channels, InbandFec, SampleRate, Signal};

use crate::g711;
use crate::plan::{Codec, SignalPlan};
use crate::random::Random;

/// Frames of 20 ms in a round.
pub const FRAMES: usize = 500;
const SECONDS: usize = 10;
const CHIRP_S: f64 = 0.060;
const CHIRP_HZ: (f64, f64) = (600.0, 3000.0);
const FADE_S: f64 = 0.003;
/// Formants of an open vowel: centre and width in Hz, strength.
const FORMANTS: [(f64, f64, f64); 3] = [(700.0, 120.0, 1.0), (1220.0, 150.0, 0.5), (2600.0, 250.0, 0.25)];
const SYLLABLE_HZ: f64 = 4.0;

/// Payloads of a round, one a frame.
pub type Round = Vec<Box<[u8]>>;

/// Every round that a plan needs.
#[derive(Default)]
pub struct Rounds(HashMap<(usize, Codec), Round>);

impl Rounds {
    /// Makes what is not there yet.
    pub fn prepare(&mut self, index: usize, plan: &SignalPlan, codec: Codec) {
        self.0.entry((index, codec)).or_insert_with(|| match codec {
            Codec::Pcmu => pcmu(&samples(plan, 8_000)),
            Codec::Opus => opus(&samples(plan, 48_000), 32_000),
            Codec::OpusWide => opus(&samples(plan, 48_000), 16_000),
        });
    }

    /// The payload of a frame, counted from the leg's first.
    pub fn payload(&self, index: usize, codec: Codec, frame: usize) -> &[u8] {
        &self.0[&(index, codec)][frame % FRAMES]
    }
}

/// (10 × rate,) samples of a signal, int16.
pub fn samples(plan: &SignalPlan, rate_hz: usize) -> Vec<i16> {
    let length = SECONDS * rate_hz;
    let mut noise = match plan {
        SignalPlan::Noise { seed, .. } => Random::new(*seed, 0),
        _ => Random::new(0, 0),
    };
    (0..length)
        .map(|index| {
            let second = index as f64 / rate_hz as f64;
            let value = match plan {
                SignalPlan::Silence => 0.0,
                SignalPlan::Noise { peak, .. } => (2.0 * noise.unit() - 1.0) * peak,
                SignalPlan::Tone { hertz, peak } => peak * (TAU * hertz * second).sin(),
                SignalPlan::Marked { hertz, peak, offset_ms } => peak * marked(second, *hertz, *offset_ms),
                SignalPlan::Bursts { hertz, peak, on_ms, period_ms } => {
                    let into_ms = (index * 1000 / rate_hz) as u32 % period_ms;
                    if into_ms < *on_ms { peak * (TAU * hertz * second).sin() } else { 0.0 }
                }
                SignalPlan::Voice { hertz, peak } => peak * voice(second, *hertz),
            };
            value.round().clamp(-32_768.0, 32_767.0) as i16
        })
        .collect()
}

fn marked(second: f64, hertz: f64, offset_ms: u32) -> f64 {
    let tone = (TAU * hertz * second).sin();
    let into = second.fract() - f64::from(offset_ms) / 1000.0;
    if !(0.0..CHIRP_S).contains(&into) {
        return tone;
    }
    let (low, high) = CHIRP_HZ;
    let chirp = (TAU * (low * into + (high - low) / (2.0 * CHIRP_S) * into * into)).sin();
    let fade = (into.min(CHIRP_S - into) / FADE_S).clamp(0.0, 1.0);
    fade * chirp + (1.0 - fade) * tone
}

fn voice(second: f64, hertz: f64) -> f64 {
    let strength = |frequency: f64| -> f64 {
        FORMANTS
            .iter()
            .map(|(centre, width, gain)| gain / (1.0 + ((frequency - centre) / width).powi(2)))
            .sum()
    };
    let harmonics = (1..).map(|n| f64::from(n) * hertz).take_while(|frequency| *frequency < 3_600.0);
    let sum: f64 =
        harmonics.map(|frequency| strength(frequency) * (TAU * frequency * second + frequency).sin()).sum();
    let syllable = 0.55 - 0.45 * (TAU * SYLLABLE_HZ * second).cos();
    (sum * syllable / 4.0).clamp(-1.0, 1.0)
}

fn pcmu(samples: &[i16]) -> Round {
    samples
        .chunks_exact(160)
        .map(|frame| frame.iter().map(|sample| g711::encode(*sample)).collect())
        .collect()
}

/// As browsers and good telephones send: effort 5, with error correction, without DTX.
fn opus(samples: &[i16], bitrate_bps: u32) -> Round {
    let set = || -> Result<opusic_c::Encoder, opusic_c::ErrorCode> {
        let mut encoder = opusic_c::Encoder::new(Channels::Mono, SampleRate::Hz48000, Application::Voip)?;
        encoder.set_bitrate(Bitrate::Value(bitrate_bps))?;
        encoder.set_complexity(5)?;
        encoder.set_signal(Signal::Voice)?;
        encoder.set_inband_fec(InbandFec::Mode1)?;
        encoder.set_packet_loss(5)?;
        Ok(encoder)
    };
    let mut encoder = set().expect("libopus takes its documented settings");
    let mut out = [0u8; 1275];
    let mut round = Vec::new();
    for pass in 0..2 {
        for frame in samples.chunks_exact(960) {
            let floats: Vec<f32> = frame.iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
            let length = encoder.encode_float_to_slice(&floats, &mut out).expect("a whole frame is encoded");
            if pass == 1 {
                round.push(out[..length].into());
            }
        }
    }
    round
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_of_each_codec_has_a_payload_a_frame() {
        let tone = SignalPlan::Tone { hertz: 500.3, peak: 8_000.0 };
        assert_eq!(pcmu(&samples(&tone, 8_000)).len(), FRAMES);
        assert_eq!(opus(&samples(&tone, 48_000), 32_000).len(), FRAMES);
    }

    #[test]
    fn a_tone_keeps_its_level_through_its_chirps() {
        let marked = samples(&SignalPlan::Marked { hertz: 700.1, peak: 8_000.0, offset_ms: 300 }, 8_000);
        for window in marked.chunks_exact(160) {
            let power: f64 = window.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / 160.0;
            let level_db = 10.0 * (power / (8_000.0f64.powi(2) / 2.0)).log10();
            assert!((-2.0..2.0).contains(&level_db), "{level_db}");
        }
    }
}
