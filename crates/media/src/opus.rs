//! Opus through libopus: mono, 48 kHz, 20 ms, made for speech over a lossy network.
//!
//! The float interface is used (the crate types the other one as unsigned); samples are converted on the
//! stack, so a codec costs what libopus takes and nothing more. Complexity is the measured compromise of
//! [`COMPLEXITY`]. Doubt: 24 kbit/s mono is transparent for speech, audible for music on hold; one constant
//! changes it.

use core::fmt;

use opusic_c::{Application, Bitrate, Channels, InbandFec, SampleRate, Signal};

use crate::payload::{DecodeError, ENCODED_BYTES_MAX, FRAME_SAMPLES_MAX, PACKET_SAMPLES_MAX};

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
        let length = out.len().min(ENCODED_BYTES_MAX);
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

/// Samples no further from zero than this are silence: what libopus makes of digital silence.
const SILENCE_PEAK: u16 = 1;

/// Payloads of silence that are known again, a power of two. Encoders write digital silence in 1 to 30 ways, by
/// bitrate and effort.
const SILENCES: usize = 32;

/// A decoder of one stream.
///
/// What nobody hears, and silence that goes on, is not decoded: zeros stand for it. Silence goes on where a
/// payload after silence is one that was decoded to silence before, by its fingerprint: a muted telephone
/// repeats itself byte for byte, line noise never does (one packet of it in 2³² would be taken for silence). The
/// last packet left out is kept and decoded, unheard, before the next one that is not, so that the codec's
/// memory fits it: exactly after silence, after sound within 3 dB from the second packet on.
pub struct Decoder {
    state: opusic_c::Decoder,
    /// The last packet held no speech, by its encoder's judgement.
    is_steady: bool,
    is_heard: bool,
    /// The last packet was decoded to silence, or left out as silence.
    is_silent: bool,
    silences: [u32; SILENCES],
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
        let left_out = Vec::with_capacity(ENCODED_BYTES_MAX);
        Decoder {
            state,
            is_steady: false,
            is_heard: true,
            is_silent: false,
            silences: [0; SILENCES],
            left_out,
        }
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
        if !self.is_heard || (self.is_silent && self.knows(payload)) {
            self.leave_out(payload);
            pcm.fill(0);
            return Ok(samples);
        }
        self.catch_up();
        if !self.run(payload, pcm, false) {
            return Err(DecodeError::Corrupt);
        }
        self.is_steady = Flags::read(payload).is_some_and(|flags| !flags.is_speech);
        self.is_silent = pcm.iter().all(|sample| sample.unsigned_abs() <= SILENCE_PEAK);
        if self.is_silent {
            let print = fingerprint(payload);
            self.silences[print as usize % SILENCES] = print;
        }
        Ok(samples)
    }

    /// Whether this payload was decoded to silence before.
    fn knows(&self, payload: &[u8]) -> bool {
        let print = fingerprint(payload);
        self.silences[print as usize % SILENCES] == print
    }

    /// Keeps the packet, so that the first one that is decoded again has one before it; not one of more than
    /// 160 kbit/s, which nobody sends who reads what we ask for (`maxaveragebitrate`).
    fn leave_out(&mut self, payload: &[u8]) {
        self.left_out.clear();
        if payload.len() <= ENCODED_BYTES_MAX {
            self.left_out.extend_from_slice(payload);
        }
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
        self.is_silent = false;
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

/// FNV-1a of 32 bits.
fn fingerprint(payload: &[u8]) -> u32 {
    payload.iter().fold(0x811C_9DC5, |print, byte| (print ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
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

    /// As other telephones encode: 32 kbit/s, full band, with or without error correction.
    fn telephone(has_fec: bool) -> opusic_c::Encoder {
        let mut encoder =
            opusic_c::Encoder::new(Channels::Mono, SampleRate::Hz48000, Application::Voip).unwrap();
        encoder.set_bitrate(Bitrate::Value(32_000)).unwrap();
        encoder.set_inband_fec(if has_fec { InbandFec::Mode1 } else { InbandFec::Off }).unwrap();
        encoder.set_packet_loss(if has_fec { 5 } else { 0 }).unwrap();
        encoder
    }

    /// A tone of this amplitude in the frames of `tone`, silence in the others.
    fn packets(
        encoder: &mut opusic_c::Encoder,
        frames: usize,
        tone: core::ops::Range<usize>,
        amplitude: f32,
    ) -> Vec<Vec<u8>> {
        let mut packet = [0; ENCODED_BYTES_MAX];
        let mut encode = |frame: usize| {
            // 500 Hz: ten whole periods in every frame
            let sample = |index: usize| (index as f32 * core::f32::consts::TAU / 96.0).sin() * amplitude;
            let pcm: Vec<f32> =
                (0..FRAME).map(|index| if tone.contains(&frame) { sample(index) } else { 0.0 }).collect();
            let length = encoder.encode_float_to_slice(&pcm, &mut packet).unwrap();
            packet[..length].to_vec()
        };
        (0..frames).map(&mut encode).collect()
    }

    /// The energy of each frame, and whether it was left out.
    fn decoded(packets: &[Vec<u8>], unheard: core::ops::Range<usize>, spares: bool) -> (Vec<f64>, Vec<bool>) {
        let mut decoder = Decoder::new();
        let mut pcm = [0; FRAME];
        let decode = |(index, packet): (usize, &Vec<u8>)| {
            decoder.set_heard(!unheard.contains(&index));
            decoder.is_silent &= spares;
            decoder.decode(packet, &mut pcm).unwrap();
            (energy(&pcm), !decoder.left_out.is_empty())
        };
        packets.iter().enumerate().map(decode).unzip()
    }

    #[test]
    fn digital_silence_that_goes_on_is_soon_not_decoded_whatever_its_encoder_makes_of_it() {
        for mut encoder in [telephone(true), telephone(false), Encoder::new().0] {
            let packets = packets(&mut encoder, 1_100, 0..20, 0.3);
            let (energies, left_out) = decoded(&packets, 0..0, true);
            assert!(energies[30..].iter().all(|energy| *energy <= 1.0));
            let missed = left_out[100..].iter().filter(|left_out| !**left_out).count();
            assert!(missed <= 20, "{missed} of 1,000 decoded");
        }
    }

    #[test]
    fn a_steady_quiet_tone_is_always_decoded() {
        // -40 dBm0, and 20 dB less: repeated byte for byte or not, it is no silence
        for amplitude in [0.007, 0.000_7] {
            let packets = packets(&mut telephone(true), 600, 100..600, amplitude);
            let (energies, left_out) = decoded(&packets, 0..0, true);
            assert!(left_out[103..].iter().all(|left_out| !left_out));
            let expected = (f64::from(amplitude) * 32_768.0).powi(2) / 2.0;
            assert!(energies[120..].iter().all(|energy| *energy > expected / 2.0), "{amplitude}");
        }
    }

    #[test]
    fn sound_after_silence_that_was_not_decoded_is_as_loud_as_after_one_that_was() {
        for mut encoder in [telephone(true), telephone(false), Encoder::new().0] {
            let packets = packets(&mut encoder, 220, 200..220, 0.25);
            let (whole, _) = decoded(&packets, 0..0, false);
            let (sparing, left_out) = decoded(&packets, 0..0, true);
            assert!(left_out[100..200].iter().filter(|left_out| **left_out).count() > 90);
            for (index, (whole, sparing)) in whole.iter().zip(&sparing).enumerate().skip(200) {
                assert!((whole - sparing).abs() < 0.1 * whole, "frame {index}: {whole} {sparing}");
            }
        }
    }

    #[test]
    fn who_is_heard_again_is_as_loud_as_before_within_two_packets() {
        let packets = packets(&mut Encoder::new().0, 60, 40..60, 0.25);
        let (whole, _) = decoded(&packets, 0..0, false);
        let (unheard, _) = decoded(&packets, 5..42, false);
        let pairs = unheard[44..].iter().zip(&whole[44..]);
        assert!(pairs.into_iter().all(|(ours, whole)| (ours - whole).abs() < 0.5 * whole));
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
