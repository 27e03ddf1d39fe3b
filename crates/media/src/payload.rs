//! What one RTP packet of audio may hold, whatever its codec: theirs and ours.

/// The longest audio one RTP packet may carry, in ms.
pub const PACKET_MS_MAX: usize = 60;

/// The shortest audio one RTP packet may carry, in ms, but for Opus, which has 2.5 ms too.
pub const PACKET_MS_MIN: usize = 5;

/// The most samples one packet decodes to: 60 ms at 48 kHz.
pub const PACKET_SAMPLES_MAX: usize = 48 * PACKET_MS_MAX;

/// Samples of a tick at the widest rate, 48 kHz: the size of every scratch frame.
pub const FRAME_SAMPLES_MAX: usize = 960;

/// The most bytes that an encoder of ours writes for one frame: 160 kbit/s. What comes in may be longer.
pub const ENCODED_BYTES_MAX: usize = 400;

/// Why a payload is no audio. The peer's fault, always: it is counted.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// No bytes, or no frames in them.
    Empty,
    /// Less audio than a packet may hold.
    TooShort,
    /// More audio than a packet may hold, or than the room given for it.
    TooLong,
    /// Not what the codec writes.
    Corrupt,
}
