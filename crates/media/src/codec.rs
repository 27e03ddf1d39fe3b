//! The codecs of a leg, as one explicit list.
//!
//! A codec is a file of its own (`g711`, `opus`) and one arm in each `match` here; nothing else in the crate
//! asks which codec it is, except for what is answered here. All audio is mono. Nothing allocates after
//! `new`.

use crate::g711;
use crate::opus;
pub use crate::payload::{DecodeError, ENCODED_BYTES_MAX, PACKET_MS_MAX, PACKET_MS_MIN, PACKET_SAMPLES_MAX};

/// How audio is written in RTP.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Codec {
    /// Opus (RFC 6716, RFC 7587), mono.
    Opus,
    /// G.711 µ-law (RFC 3551).
    Pcmu,
    /// G.711 A-law (RFC 3551).
    Pcma,
}

impl Codec {
    /// All of them, in the order in which we like them.
    pub const ALL: [Codec; 3] = [Codec::Opus, Codec::Pcmu, Codec::Pcma];

    /// The rate of its decoded samples, in Hz.
    pub const fn rate_hz(self) -> u32 {
        match self {
            Codec::Opus => 48_000,
            Codec::Pcmu | Codec::Pcma => 8_000,
        }
    }

    /// The rate of its RTP timestamps, in Hz. (G.722 will be the one where the two differ.)
    pub const fn clock_hz(self) -> u32 {
        self.rate_hz()
    }

    /// Samples in 20 ms.
    pub const fn frame_samples(self) -> usize {
        self.rate_hz() as usize / 50
    }

    /// Its encoding name in SDP.
    pub const fn name(self) -> &'static str {
        match self {
            Codec::Opus => "opus",
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
        }
    }

    /// Whether packets build on those before them, and may hold a rough copy of the last one
    /// ([`Decoder::decode_fec`]).
    pub const fn has_memory(self) -> bool {
        matches!(self, Codec::Opus)
    }

    /// How many samples `payload` decodes to, judged without decoding it.
    ///
    /// # Errors
    /// When it is empty, no packet of this codec, or longer than [`PACKET_MS_MAX`].
    pub fn payload_samples(self, payload: &[u8]) -> Result<usize, DecodeError> {
        let samples = match self {
            Codec::Opus => opus::payload_samples(payload)?,
            Codec::Pcmu | Codec::Pcma => payload.len(),
        };
        let per_ms = self.rate_hz() as usize / 1_000;
        match samples {
            0 => Err(DecodeError::Empty),
            _ if samples > PACKET_MS_MAX * per_ms => Err(DecodeError::TooLong),
            _ if self != Codec::Opus && samples < PACKET_MS_MIN * per_ms => Err(DecodeError::TooShort),
            _ => Ok(samples),
        }
    }
}

/// Turns 20 ms frames of samples into payloads.
#[derive(Debug)]
pub struct Encoder(EncoderState);

#[derive(Debug)]
enum EncoderState {
    Opus(opus::Encoder),
    Pcmu,
    Pcma,
}

impl Encoder {
    /// An encoder with nothing behind it.
    pub fn new(codec: Codec) -> Encoder {
        Encoder(match codec {
            Codec::Opus => EncoderState::Opus(opus::Encoder::new()),
            Codec::Pcmu => EncoderState::Pcmu,
            Codec::Pcma => EncoderState::Pcma,
        })
    }

    /// What it writes.
    pub fn codec(&self) -> Codec {
        match self.0 {
            EncoderState::Opus(_) => Codec::Opus,
            EncoderState::Pcmu => Codec::Pcmu,
            EncoderState::Pcma => Codec::Pcma,
        }
    }

    /// Encodes one frame.
    ///
    /// `pcm`: (frame_samples,) int16 at rate_hz; G.711 takes any number. `out`: at least
    /// [`ENCODED_BYTES_MAX`] bytes, G.711: one a sample. Returns the bytes written.
    pub fn encode(&mut self, pcm: &[i16], out: &mut [u8]) -> usize {
        match &mut self.0 {
            EncoderState::Opus(encoder) => encoder.encode(pcm, out),
            EncoderState::Pcmu => g711::encode_ulaw(pcm, out),
            EncoderState::Pcma => g711::encode_alaw(pcm, out),
        }
    }

    /// Whether the frames from now on lean as little as possible on those before, for a decoder that has not
    /// heard them.
    pub fn set_independent(&mut self, independent: bool) {
        if let EncoderState::Opus(encoder) = &mut self.0 {
            encoder.set_independent(independent);
        }
    }

    /// Forgets all frames before.
    pub fn reset(&mut self) {
        if let EncoderState::Opus(encoder) = &mut self.0 {
            encoder.reset();
        }
    }
}

/// Turns payloads into samples.
#[derive(Debug)]
pub struct Decoder(DecoderState);

#[derive(Debug)]
enum DecoderState {
    Opus(opus::Decoder),
    Pcmu,
    Pcma,
}

impl Decoder {
    /// A decoder with nothing behind it.
    pub fn new(codec: Codec) -> Decoder {
        Decoder(match codec {
            Codec::Opus => DecoderState::Opus(opus::Decoder::new()),
            Codec::Pcmu => DecoderState::Pcmu,
            Codec::Pcma => DecoderState::Pcma,
        })
    }

    /// Decodes one payload into the front of `pcm` ((samples,) int16 at rate_hz) and returns how many samples
    /// that are.
    ///
    /// # Errors
    /// When the payload is no audio, or has more of it than `pcm` holds ([`PACKET_SAMPLES_MAX`] always
    /// suffice).
    pub fn decode(&mut self, payload: &[u8], pcm: &mut [i16]) -> Result<usize, DecodeError> {
        match &mut self.0 {
            DecoderState::Opus(decoder) => decoder.decode(payload, pcm),
            DecoderState::Pcmu => g711::decode_ulaw(payload, pcm),
            DecoderState::Pcma => g711::decode_alaw(payload, pcm),
        }
    }

    /// So many samples were lost for good, and something else is played for them. Before the next packet is
    /// decoded, where the codec has memory.
    pub fn lose(&mut self, samples: usize) {
        if let DecoderState::Opus(decoder) = &mut self.0 {
            decoder.lose(samples);
        }
    }

    /// Fills `pcm` with the lost packet before `next_payload`, from the forward error correction inside that
    /// one; false where there is none. The length is that of the lost packet. `next_payload` is then decoded
    /// as usual.
    pub fn decode_fec(&mut self, next_payload: &[u8], pcm: &mut [i16]) -> bool {
        match &mut self.0 {
            DecoderState::Opus(decoder) => decoder.decode_fec(next_payload, pcm),
            DecoderState::Pcmu | DecoderState::Pcma => false,
        }
    }

    /// Whether anybody hears what is decoded from now on: where decoding is dear, zeros will do when nobody does.
    pub fn set_heard(&mut self, is_heard: bool) {
        if let DecoderState::Opus(decoder) = &mut self.0 {
            decoder.set_heard(is_heard);
        }
    }

    /// Forgets all packets before.
    pub fn reset(&mut self) {
        if let DecoderState::Opus(decoder) = &mut self.0 {
            decoder.reset();
        }
    }
}
