//! The way out of one leg: payloads become RTP packets, one each 20 ms.
//!
//! Timestamps run on steadily, also while nothing is sent; the first packet after a pause has the marker.
//! Keys go as RTP events (RFC 4733) where the far end has them, audio is kept back meanwhile; elsewhere as
//! tones in the band, which replace what the leg hears. A new negotiation goes on with sequence and timestamp
//! under the same SSRC, unless the clock of the codec changes (RFC 3550, 5.2).

use crate::codec::{Codec, ENCODED_BYTES_MAX};
use crate::dtmf::{DigitFrame, DigitSender, DigitTiming};
use crate::player::Ready;
use crate::primer::PrimedEncoder;
use crate::rate::{NARROW_HZ, Rate};
use crate::rtp::{HEADER_BYTES, Header, write_header};
use crate::silence::silent_payload;
use crate::tone::Tone;

/// The largest packet.
pub const PACKET_BYTES_MAX: usize = HEADER_BYTES + ENCODED_BYTES_MAX;
/// Level of keys in the band, both tones together.
pub const KEY_LEVEL_DBM0: f32 = -8.0;

/// What was negotiated, as far as it concerns what goes out.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct SenderConfig {
    /// Of the audio.
    pub codec: Codec,
    /// Of the audio.
    pub payload_type: u8,
    /// Payload type and clock (Hz) of telephone-event, when there is one.
    pub telephone_event: Option<(u8, u32)>,
    /// Source of the packets.
    pub ssrc: u32,
    /// Sequence number of the first packet.
    pub sequence: u16,
    /// Timestamp of the first tick.
    pub timestamp: u32,
}

/// What a sender report says of the sender.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Source of the packets.
    pub ssrc: u32,
    /// Timestamp of the latest tick.
    pub timestamp: u32,
    /// Packets so far.
    pub packets: u32,
    /// Bytes of payload so far.
    pub octets: u32,
}

/// The way out of one leg.
#[derive(Debug)]
pub struct Sender {
    payload_type: u8,
    telephone_event: Option<(u8, u32)>,
    header: Header,
    /// Nothing was sent in the tick before.
    paused: bool,
    sent_in_tick: bool,
    encoder: PrimedEncoder,
    digits: DigitSender,
    digit: Option<DigitFrame>,
    packet: [u8; PACKET_BYTES_MAX],
    packet_bytes: usize,
    packets: u32,
    octets: u32,
}

impl Sender {
    /// Takes all the memory that it will need.
    pub fn new(config: &SenderConfig) -> Sender {
        let codec = config.codec;
        silent_payload(codec);
        let event_clock_hz = config.telephone_event.map_or(NARROW_HZ, |(_, clock_hz)| clock_hz);
        let timestamp = config.timestamp.wrapping_sub(tick_units(codec));
        let header = Header {
            payload_type: config.payload_type,
            marker: false,
            sequence: config.sequence,
            timestamp,
            ssrc: config.ssrc,
        };
        Sender {
            payload_type: config.payload_type,
            telephone_event: config.telephone_event,
            header,
            paused: true,
            sent_in_tick: false,
            encoder: PrimedEncoder::new(codec),
            digits: DigitSender::new(event_clock_hz, DigitTiming::default()),
            digit: None,
            packet: [0; PACKET_BYTES_MAX],
            packet_bytes: 0,
            packets: 0,
            octets: 0,
        }
    }

    /// Goes on where `old` was. What is no longer needed is left in `old`.
    pub fn continue_from(&mut self, old: &mut Sender) {
        if self.codec() == old.codec() {
            core::mem::swap(&mut self.encoder, &mut old.encoder);
        }
        if self.codec().clock_hz() == old.codec().clock_hz() {
            self.header = Header { payload_type: self.payload_type, ..old.header };
            self.sent_in_tick = old.sent_in_tick;
            (self.packets, self.octets) = (old.packets, old.octets);
        }
        let clock_hz = |event: Option<(u8, u32)>| event.map_or(NARROW_HZ, |(_, clock_hz)| clock_hz);
        if clock_hz(self.telephone_event) == clock_hz(old.telephone_event) {
            core::mem::swap(&mut self.digits, &mut old.digits);
        }
    }

    /// What it writes.
    pub fn codec(&self) -> Codec {
        self.encoder.codec()
    }

    /// Queues a key or a pause (`w`, `W`). False when it is none of these, or too many wait.
    pub fn push_digit(&mut self, key: u8) -> bool {
        self.digits.push(key)
    }

    /// The next tick has begun: there is no packet yet.
    pub fn tick(&mut self) {
        self.paused = !core::mem::take(&mut self.sent_in_tick);
        self.packet_bytes = 0;
        self.encoder.tick();
        self.header.timestamp = self.header.timestamp.wrapping_add(tick_units(self.codec()));
        self.digit = self.digits.next();
    }

    /// Writes the tone of the key that is being sent, or the silence after it; false when there is none or
    /// the far end takes events. `pcm`: a frame at the codec's rate.
    pub(crate) fn render_key(&self, pcm: &mut [i16]) -> bool {
        if self.telephone_event.is_some() || !self.digits.holds_audio() {
            return false;
        }
        pcm.fill(0);
        if let Some(frame) = self.digit
            && let Some(key) = b"0123456789*#ABCD".get(usize::from(frame.payload[0]))
            && let Some(tone) = Tone::key(*key, DigitTiming::default().key_ms, KEY_LEVEL_DBM0)
        {
            tone.render(u64::from(frame.timestamp_offset), Rate::of(self.codec()), pcm);
        }
        true
    }

    /// Encodes a frame that several will get, or takes what is ready of it, into `payload`. `is_new`: one of
    /// them got the frames before from elsewhere. Returns the bytes.
    pub(crate) fn encode(
        &mut self,
        pcm: &[i16],
        ready: Option<Ready<'_>>,
        is_new: bool,
        payload: &mut [u8],
    ) -> usize {
        self.encoder.encode(pcm, ready, is_new, payload)
    }

    /// Sends a frame of this leg's own mix.
    pub(crate) fn send(&mut self, pcm: &[i16], ready: Option<Ready<'_>>) {
        if self.keeps_audio_back() {
            return self.send_digit(pcm);
        }
        let bytes = self.encoder.encode(pcm, ready, false, &mut self.packet[HEADER_BYTES..]);
        self.seal(bytes);
    }

    /// Sends a payload that was encoded for several; `pcm`: what it holds.
    pub(crate) fn send_copy(&mut self, payload: &[u8], pcm: &[i16]) {
        if self.keeps_audio_back() {
            return self.send_digit(pcm);
        }
        self.encoder.miss(pcm);
        self.packet[HEADER_BYTES..HEADER_BYTES + payload.len()].copy_from_slice(payload);
        self.seal(payload.len());
    }

    /// Sends the silence of the codec.
    pub(crate) fn send_silence(&mut self) {
        self.encoder.miss_silence();
        if self.keeps_audio_back() {
            return self.write_digit();
        }
        let payload = silent_payload(self.codec());
        self.packet[HEADER_BYTES..HEADER_BYTES + payload.len()].copy_from_slice(payload);
        self.seal(payload.len());
    }

    /// This tick's packet; empty when there is none.
    pub fn packet(&self) -> &[u8] {
        &self.packet[..self.packet_bytes]
    }

    /// For reports.
    pub fn sent(&self) -> Sent {
        Sent {
            ssrc: self.header.ssrc,
            timestamp: self.header.timestamp,
            packets: self.packets,
            octets: self.octets,
        }
    }

    fn keeps_audio_back(&self) -> bool {
        self.telephone_event.is_some() && self.digits.holds_audio()
    }

    fn send_digit(&mut self, pcm: &[i16]) {
        self.encoder.miss(pcm);
        self.write_digit();
    }

    fn write_digit(&mut self) {
        let (Some(frame), Some((payload_type, event_clock_hz))) = (self.digit, self.telephone_event) else {
            return;
        };
        self.packet[HEADER_BYTES..HEADER_BYTES + frame.payload.len()].copy_from_slice(&frame.payload);
        let offset = u64::from(frame.timestamp_offset) * u64::from(self.codec().clock_hz())
            / u64::from(event_clock_hz.max(1));
        let header = Header {
            payload_type,
            marker: frame.marker,
            timestamp: self.header.timestamp.wrapping_sub(offset as u32),
            ..self.header
        };
        self.finish(&header, frame.payload.len());
    }

    fn seal(&mut self, payload_bytes: usize) {
        let header = Header { marker: self.paused, ..self.header };
        self.finish(&header, payload_bytes);
    }

    fn finish(&mut self, header: &Header, payload_bytes: usize) {
        write_header(header, &mut self.packet);
        self.packet_bytes = HEADER_BYTES + payload_bytes;
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.sent_in_tick = true;
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload_bytes as u32);
    }
}

fn tick_units(codec: Codec) -> u32 {
    codec.clock_hz() / 50
}
