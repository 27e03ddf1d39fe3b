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

/// A packet without speech that is no longer than this holds silence: libopus writes 7 bytes for digital
/// silence, 1 where it need not send. Line noise takes more.
const SILENCE_BYTES_MAX: usize = 8;

/// After so many packets of silence their sound has died away, and the next ones need not be decoded.
const SILENT_PACKETS_MIN: u8 = 3;

/// A decoder of one stream.
///
/// What nobody hears, and silence that goes on, is not decoded: zeros stand for it. The last packet left out
/// is kept and decoded, unheard, before the next one that is not, so that the codec's memory fits it: exactly
/// after silence, after sound within 3 dB from the second packet on.
pub struct Decoder {
    state: opusic_c::Decoder,
    /// The last packet held no speech, by its encoder's judgement.
    is_steady: bool,
    is_heard: bool,
    /// Packets of silence in a row.
    silent_packets: u8,
    left_out: Vec<u8>,
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
        let left_out = Vec::with_capacity(PAYLOAD_BYTES_MAX);
        Decoder { state, is_steady: false, is_heard: true, silent_packets: 0, left_out }
    }

    /// Whether anybody hears what is decoded from now on.
    pub fn set_heard(&mut self, is_heard: bool) {
        self.is_heard = is_heard;
    }

    /// Decodes a payload into the front of `pcm`.
    ///
    /// # Errors
    /// When it is no Opus packet, or longer than `pcm`.
    pub fn decode(&mut self, payload: &[u8], pcm: &mut [i16]) -> Result<usize, DecodeError> {
        let samples = payload_samples(payload)?;
        let pcm = pcm.get_mut(..samples).ok_or(DecodeError::TooLong)?;
        if self.leaves_out(payload) {
            pcm.fill(0);
            return Ok(samples);
        }
        self.catch_up();
        if !self.run(payload, pcm, false) {
            return Err(DecodeError::Corrupt);
        }
        self.is_steady = Flags::read(payload).is_some_and(|flags| !flags.is_speech);
        Ok(samples)
    }

    fn leaves_out(&mut self, payload: &[u8]) -> bool {
        let speaks = Flags::read(payload).is_some_and(|flags| flags.is_speech);
        let is_silence = payload.len() <= SILENCE_BYTES_MAX && !speaks;
        self.silent_packets = if is_silence { self.silent_packets.saturating_add(1) } else { 0 };
        if self.is_heard && self.silent_packets <= SILENT_PACKETS_MIN {
            return false;
        }
        self.left_out.clear();
        if payload.len() <= PAYLOAD_BYTES_MAX {
            self.left_out.extend_from_slice(payload);
        }
        true
    }

    fn catch_up(&mut self) {
        if self.left_out.is_empty() {
            return;
        }
        let last = core::mem::take(&mut self.left_out);
        if let Ok(samples) = payload_samples(&last) {
            self.run(&last, &mut [0; PACKET_SAMPLES_MAX][..samples.min(PACKET_SAMPLES_MAX)], false);
        }
        self.left_out = last;
        self.left_out.clear();
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
            && self.left_out.is_empty()
        {
            self.run(&[], pcm, false);
        }
    }

    /// The lost packet before `next_payload`, from that one's error correction; false when there is none in
    /// it.
    pub fn decode_fec(&mut self, next_payload: &[u8], pcm: &mut [i16]) -> bool {
        if !self.is_heard || !Flags::read(next_payload).is_some_and(|flags| flags.has_fec) {
            return false;
        }
        self.catch_up();
        self.run(next_payload, pcm, true)
    }

    /// Forgets all packets before.
    pub fn reset(&mut self) {
        let _ = self.state.reset(); // fails only for a null pointer
        self.is_steady = false;
        self.silent_packets = 0;
        self.left_out.clear();
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

    const FRAME: usize = FRAME_SAMPLES_MAX;

    fn energy(pcm: &[i16]) -> f64 {
        pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / pcm.len() as f64
    }

    /// A tone in the frames of `tone`, silence in the others.
    fn packets(frames: usize, tone: core::ops::Range<usize>) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new();
        let mut packet = [0; PAYLOAD_BYTES_MAX];
        let mut encode = |frame: usize| {
            let sample = |index: usize| ((frame * FRAME + index) as f64 * 0.065).sin() * 8000.0;
            let pcm: Vec<i16> = (0..FRAME)
                .map(|index| if tone.contains(&frame) { sample(index) as i16 } else { 0 })
                .collect();
            let length = encoder.encode(&pcm, &mut packet);
            packet[..length].to_vec()
        };
        (0..frames).map(&mut encode).collect()
    }

    #[test]
    fn sound_after_silence_that_was_not_decoded_is_as_loud_as_after_one_that_was() {
        let packets = packets(60, 40..60);
        let loudness = |without: &dyn Fn(usize) -> bool| {
            let mut decoder = Decoder::new();
            let mut levels = Vec::new();
            for (index, packet) in packets.iter().enumerate() {
                let mut pcm = [0; FRAME];
                decoder.set_heard(!without(index));
                decoder.silent_packets = if without(100) { 0 } else { decoder.silent_packets };
                decoder.decode(packet, &mut pcm).unwrap();
                levels.push(energy(&pcm));
            }
            levels
        };
        let (whole, sparing) = (loudness(&|index| index == 100), loudness(&|_| false));
        let unheard = loudness(&|index| (5..42).contains(&index));
        assert!(sparing[20..40].iter().all(|level| *level == 0.0));
        for (index, (whole, sparing)) in whole.iter().zip(&sparing).enumerate().skip(40) {
            assert!((whole - sparing).abs() < 0.3 * whole, "frame {index}: {whole} {sparing}");
        }
        assert!(
            unheard[44..].iter().zip(&whole[44..]).all(|(ours, whole)| (ours - whole).abs() < 0.5 * whole)
        );
    }

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
