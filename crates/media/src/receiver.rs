//! What comes in on a leg: packets from the network to samples at the tick.

use core::time::Duration;

use crate::codec::Codec;
use crate::dtmf::DigitStarted;

/// How much delay the jitter buffer may take.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum JitterConfig {
    /// Always this much after the fastest packets.
    Fixed {
        /// In ms.
        delay_ms: u32,
    },
    /// As much as the network's jitter asks for.
    Adaptive {
        /// Never less than this, in ms.
        min_ms: u32,
        /// Never more than this, in ms.
        max_ms: u32,
    },
}

impl Default for JitterConfig {
    fn default() -> Self {
        JitterConfig::Adaptive { min_ms: 2, max_ms: 200 }
    }
}

/// What was negotiated, as far as it concerns what comes in.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct ReceiverConfig {
    /// Of the audio.
    pub codec: Codec,
    /// Of the audio.
    pub payload_type: u8,
    /// Payload type and clock (Hz) of telephone-event, when there is one.
    pub telephone_event: Option<(u8, u32)>,
    /// Payload type of comfort noise (13), when it is accepted.
    pub comfort_noise: Option<u8>,
    /// Delay.
    pub jitter: JitterConfig,
}

/// What became of a datagram.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Received {
    /// Audio, kept for its time.
    Audio,
    /// A packet of a key.
    Digit,
    /// Comfort noise: the far end is silent on purpose.
    Noise,
    /// Nothing, and why. Counted.
    Dropped(Drop),
}

/// Why a datagram was dropped.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Drop {
    /// No RTP.
    Malformed,
    /// A payload type that was not negotiated.
    PayloadType,
    /// RTP, but its payload is no audio of the codec, and no key.
    Payload,
    /// Was here before.
    Duplicate,
    /// Its time is over.
    Late,
    /// A sequence number far away from the others; the second one in a row begins a new time line.
    Jump,
    /// The buffer is full.
    Overflow,
}

/// What a tick got.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// What the far end sent.
    Voice,
    /// Guessed for what was lost.
    Concealed,
    /// Comfort noise.
    Noise,
    /// Nobody sends: zeros.
    Nothing,
}

/// The way in of one leg.
#[derive(Debug)]
pub struct Receiver {
    config: ReceiverConfig,
}

impl Receiver {
    /// Takes all the memory that it will need.
    pub fn new(config: ReceiverConfig, _now: Duration) -> Receiver {
        Receiver { config }
    }

    /// A datagram from the network. `arrival`: the kernel's time of it.
    pub fn handle_rtp(&mut self, _datagram: &[u8], _arrival: Duration) -> Received {
        Received::Dropped(Drop::Malformed)
    }

    /// The next 20 ms. `pcm`: (codec.frame_samples(),) int16 at the codec's rate.
    pub fn pull(&mut self, _now: Duration, pcm: &mut [i16]) -> Frame {
        pcm.fill(0);
        Frame::Nothing
    }

    /// The next key that has begun, in ASCII.
    pub fn poll_digit(&mut self) -> Option<DigitStarted> {
        None
    }

    /// What it was made for.
    pub fn config(&self) -> &ReceiverConfig {
        &self.config
    }
}
