//! Opus through libopus: mono, 48 kHz, 20 ms, made for speech over a lossy network.
//!
//! The float interface is used (the crate types the other one as unsigned); samples are converted on the
//! stack, so a codec costs what libopus takes and nothing more. Complexity is the measured compromise of
//! [`COMPLEXITY`]. Doubt: 24 kbit/s mono is transparent for speech, audible for music on hold; one constant
//! changes it.

use core::fmt;

use opusic_c::{Application, Bitrate, Channels, InbandFec, SampleRate, Signal};

use crate::codec::{DecodeError, FRAME_SAMPLES_MAX, PACKET_SAMPLES_MAX, PAYLOAD_BYTES_MAX};

/// What we send, in bits a second.
pub const BITRATE_BPS: u32 = 24_000;

/// libopus's effort, 0 to 10. Measured on speech with error correction, time a frame and distance of the
/// spectrum from the source: 1 takes 36 µs for 3.25 dB, 2 takes 91 for 3.0, 4 takes 119 for 2.75; at 0 there
/// is no error correction. The room pays it for every talker, so the knee is taken.
pub const COMPLEXITY: u8 = 1;

/// The loss for which in-band error correction is made, in per cent. Up to 5 libopus writes none at this
/// bitrate, above it gives up some bandwidth for it: measured on speech with every tenth packet lost, the
/// spectrum of the replaced frame is then 3.8 dB off instead of 7.5, of the next one 1.9 instead of 4.4.
pub const EXPECTED_LOSS_PERCENT: u8 = 10;

const SCALE: f32 = 32_768.0;

/// An encoder of one stream.
pub struct Encoder(opusic_c::Encoder);

impl fmt::Debug for Encoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("opus::Encoder")
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder as this file's constants say.
    ///
    /// # Panics
    /// When there is no memory, or libopus refuses its own documented settings.
    pub fn new() -> Encoder {
        let set = || -> Result<opusic_c::Encoder, opusic_c::ErrorCode> {
            let mut encoder = opusic_c::Encoder::new(Channels::Mono, SampleRate::Hz48000, Application::Voip)?;
            encoder.set_bitrate(Bitrate::Value(BITRATE_BPS))?;
            encoder.set_complexity(COMPLEXITY)?;
            encoder.set_signal(Signal::Voice)?;
            encoder.set_inband_fec(InbandFec::Mode1)?;
            encoder.set_packet_loss(EXPECTED_LOSS_PERCENT)?;
            Ok(encoder)
        };
        Encoder(set().expect("libopus takes its documented settings"))
    }

    /// Encodes (960,) int16 at 48 kHz; the bytes written to `out`, 0 when the lengths are not what libopus
    /// takes.
    pub fn encode(&mut self, pcm: &[i16], out: &mut [u8]) -> usize {
        let mut floats = [0.0; FRAME_SAMPLES_MAX];
        let Some(floats) = floats.get_mut(..pcm.len()) else { return 0 };
        for (float, sample) in floats.iter_mut().zip(pcm) {
            *float = f32::from(*sample) / SCALE;
        }
        let length = out.len().min(PAYLOAD_BYTES_MAX);
        self.0.encode_float_to_slice(floats, &mut out[..length]).unwrap_or(0)
    }

    /// Whether the frames from now on lean as little as possible on those before, for a decoder that has not
    /// heard them.
    pub fn set_independent(&mut self, independent: bool) {
        let _ = self.0.set_prediction_disabled(independent); // known to every libopus since 1.1
    }

    /// Forgets all frames before.
    pub fn reset(&mut self) {
        let _ = self.0.reset(); // fails only for a null pointer
    }
}

/// A decoder of one stream.
pub struct Decoder {
    state: opusic_c::Decoder,
    /// The last packet held no speech, by its encoder's judgement.
    is_steady: bool,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("opus::Decoder")
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A mono decoder at 48 kHz: stereo packets are mixed down by libopus.
    ///
    /// # Panics
    /// When there is no memory.
    pub fn new() -> Decoder {
        let state =
            opusic_c::Decoder::new(Channels::Mono, SampleRate::Hz48000).expect("memory for a decoder");
        Decoder { state, is_steady: false }
    }

    /// Decodes a payload into the front of `pcm`.
    ///
    /// # Errors
    /// When it is no Opus packet, or longer than `pcm`.
    pub fn decode(&mut self, payload: &[u8], pcm: &mut [i16]) -> Result<usize, DecodeError> {
        let samples = payload_samples(payload)?;
        let pcm = pcm.get_mut(..samples).ok_or(DecodeError::TooLong)?;
        if !self.run(payload, pcm, false) {
            return Err(DecodeError::Corrupt);
        }
        self.is_steady = Flags::read(payload).is_some_and(|flags| !flags.is_speech);
        Ok(samples)
    }

    /// So many samples were lost, and something else is played for them: ages libopus's memory, so that it
    /// fits the next packet.
    ///
    /// Not after a tone or music that was sent as speech: told of a loss there, libopus is 20 dB down in the
    /// next packet and takes five to recover; untold, nothing is heard of it.
    pub fn lose(&mut self, samples: usize) {
        let mut pcm = [0; PACKET_SAMPLES_MAX];
        if let Some(pcm) = pcm.get_mut(..samples)
            && !self.is_steady
        {
            self.run(&[], pcm, false);
        }
    }

    /// The lost packet before `next_payload`, from that one's error correction; false when there is none in
    /// it.
    pub fn decode_fec(&mut self, next_payload: &[u8], pcm: &mut [i16]) -> bool {
        Flags::read(next_payload).is_some_and(|flags| flags.has_fec) && self.run(next_payload, pcm, true)
    }

    /// Forgets all packets before.
    pub fn reset(&mut self) {
        let _ = self.state.reset(); // fails only for a null pointer
        self.is_steady = false;
    }

    fn run(&mut self, payload: &[u8], pcm: &mut [i16], fec: bool) -> bool {
        let mut floats = [0.0; PACKET_SAMPLES_MAX];
        let Some(floats) = floats.get_mut(..pcm.len()) else { return false };
        if self.state.decode_float_to_slice(payload, floats, fec) != Ok(pcm.len()) {
            return false;
        }
        for (sample, float) in pcm.iter_mut().zip(floats) {
            *sample = (*float * SCALE).round_ties_even() as i16; // `as` saturates
        }
        true
    }
}

/// What the encoder wrote about a packet, before its first sample (RFC 6716, 4.2.3): bits that are as likely
/// set as not, and so stand as they are.
struct Flags {
    is_speech: bool,
    has_fec: bool,
}

impl Flags {
    /// None for a packet of music (CELT), and where frames do not begin at the second byte.
    fn read(payload: &[u8]) -> Option<Flags> {
        let [contents, flags, ..] = *payload else { return None };
        let is_celt_only = contents & 0x80 != 0;
        let has_length = contents & 0x03 >= 2;
        let is_mono = contents & 0x04 == 0;
        if is_celt_only || has_length || !is_mono {
            return None;
        }
        let frames = match contents >> 3 {
            2 | 6 | 10 => 2, // SILK, 40 ms
            3 | 7 | 11 => 3, // SILK, 60 ms
            _ => 1,
        };
        Some(Flags { is_speech: flags >> (8 - frames) != 0, has_fec: flags >> (7 - frames) & 1 != 0 })
    }
}

/// Samples at 48 kHz in a packet, by its table-of-contents byte (RFC 6716, 3.1).
///
/// # Errors
/// When it is empty, breaks the rules of RFC 6716 3.4 that a length can break, or is longer than 120 ms.
pub fn payload_samples(payload: &[u8]) -> Result<usize, DecodeError> {
    if payload.is_empty() {
        return Err(DecodeError::Empty);
    }
    opusic_c::utils::get_nb_samples(payload, SampleRate::Hz48000).map_err(|_| DecodeError::Corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_packet_is_read_from_its_first_bytes() {
        // configuration << 3 | stereo << 2 | frame count code, and the count where the code is 3
        let cases: [(&[u8], Result<usize, DecodeError>); 6] = [
            (&[], Err(DecodeError::Empty)),
            (&[0 << 3, 1], Ok(480)),                          // SILK, 10 ms
            (&[3 << 3, 1], Ok(2_880)),                        // SILK, 60 ms
            (&[16 << 3, 1], Ok(120)),                         // CELT, 2.5 ms
            (&[(19 << 3) | 1, 1, 1], Ok(1_920)),              // two CELT frames of 20 ms
            (&[3 << 3 | 3, 3, 1], Err(DecodeError::Corrupt)), // three frames of 60 ms
        ];
        for (payload, expected) in cases {
            assert_eq!(payload_samples(payload), expected, "{payload:?}");
        }
    }
}
