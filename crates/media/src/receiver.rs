//! What comes in on a leg: packets from the network to samples at the tick.
//!
//! A datagram is parsed, sorted by payload type, placed by its sequence number, and kept for its time
//! ([`Receiver::handle_rtp`]); at the tick 20 ms are taken ([`Receiver::pull`]). Everything that is dropped
//! is counted by its reason. Who may send at all is decided before: here another SSRC is simply another
//! source, and everything begins anew. After `new` nothing allocates.

use core::time::Duration;

use crate::codec::Codec;
use crate::comfort;
use crate::dtmf::{DigitReceiver, DigitStarted, Pressed, event_of, key_of};
pub use crate::jitter::JitterConfig;
use crate::jitter::{Lateness, Seen};
pub use crate::playout::Frame;
use crate::playout::Playout;
use crate::reception::{Place, Reception};
use crate::rtcp::{self, Item, ReportBlock, RtcpError};
use crate::rtp::{self, Packet};
use crate::store::{Entry, Kept, Kind, Store};

/// Keys that have begun and were not polled, at most; the newest beyond are dropped and counted.
pub const DIGITS_WAITING_MAX: usize = 16;

/// Bytes of payload that can wait: a second of G.711, or of Opus at the 64 kbit/s that our descriptions ask for at most (`maxaveragebitrate`).
const STORE_BYTES: usize = 8_000;

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
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
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
    /// A sequence number far away from the others; its successor begins a new time line.
    Jump,
}

impl Drop {
    /// All of them.
    pub const ALL: [Drop; 6] =
        [Drop::Malformed, Drop::PayloadType, Drop::Payload, Drop::Duplicate, Drop::Late, Drop::Jump];

    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Drop::Malformed => "malformed",
            Drop::PayloadType => "payload_type",
            Drop::Payload => "payload",
            Drop::Duplicate => "duplicate",
            Drop::Late => "late",
            Drop::Jump => "jump",
        }
    }
}

/// The far end's report on us, and whether it leaves.
#[derive(Copy, Clone, PartialEq, Debug, Default)]
pub struct Reported {
    /// How it hears us.
    pub block: Option<ReportBlock>,
    /// It said BYE.
    pub bye: bool,
}

/// Latest values and counters of one receiver.
#[derive(Copy, Clone, PartialEq, Debug, Default)]
pub struct ReceiverStats {
    /// Packets of audio, comfort noise and keys that were taken.
    pub packets: u64,
    /// Payload bytes of these.
    pub bytes: u64,
    /// Packets that never came, as far as known now.
    pub lost: u64,
    /// Dropped datagrams, in the order of [`Drop::ALL`]. Late ones are also those that waited and were passed
    /// over.
    pub dropped: [u64; Drop::ALL.len()],
    /// Packets that gave way because too many waited.
    pub overflowed: u64,
    /// Packets that the codec could not decode.
    pub corrupt: u64,
    /// Frames with a guess in them where something was lost or late.
    pub concealed_frames: u64,
    /// Pitch periods put in to grow the delay.
    pub lengthened: u64,
    /// Pitch periods taken out to shrink it.
    pub shortened: u64,
    /// Times that spare delay was skipped at once.
    pub skipped: u64,
    /// Sources begun, the first included.
    pub sources: u64,
    /// Keys begun.
    pub digits: u64,
    /// Keys that nobody polled.
    pub digits_dropped: u64,
    /// RTCP datagrams that were none.
    pub rtcp_malformed: u64,
    /// Interarrival jitter (RFC 3550, 6.4.1).
    pub jitter_ms: f32,
    /// Margin that the jitter buffer keeps over the fastest packets.
    pub margin_ms: f32,
    /// From the arrival of the fastest packets to the tick that plays them.
    pub delay_ms: f32,
    /// Round-trip time, once the far end has answered a report of ours.
    pub round_trip_ms: Option<f32>,
    /// Share of our packets that the far end missed lately, by its last report: 0 to 1.
    pub remote_loss: Option<f32>,
    /// Jitter of our packets at the far end, by its last report.
    pub remote_jitter_ms: Option<f32>,
}

impl ReceiverStats {
    /// How many datagrams were dropped for this reason.
    pub fn dropped_for(&self, reason: Drop) -> u64 {
        self.dropped[reason as usize]
    }
}

/// The time line of one source.
#[derive(Debug)]
struct Source {
    reception: Reception,
    /// The latest timestamp, extended.
    timestamp: i64,
}

/// The way in of one leg.
#[derive(Debug)]
pub struct Receiver {
    config: ReceiverConfig,
    source: Option<Source>,
    store: Store,
    lateness: Lateness,
    playout: Playout,
    digits: DigitReceiver,
    digits_waiting: [Option<DigitStarted>; DIGITS_WAITING_MAX],
    stats: ReceiverStats,
    lost_before: u64,
}

impl Receiver {
    /// Takes all the memory that it will need.
    pub fn new(config: ReceiverConfig, _now: Duration) -> Receiver {
        Receiver {
            config,
            source: None,
            store: Store::new(STORE_BYTES),
            lateness: Lateness::new(config.codec.clock_hz(), config.jitter),
            playout: Playout::new(config.codec),
            digits: DigitReceiver::new(
                config.telephone_event.map_or(config.codec.clock_hz(), |(_, clock_hz)| clock_hz),
            ),
            digits_waiting: [None; DIGITS_WAITING_MAX],
            stats: ReceiverStats::default(),
            lost_before: 0,
        }
    }

    /// What it was made for.
    pub fn config(&self) -> &ReceiverConfig {
        &self.config
    }

    /// Asks for what the next packet and the next tick will need, beyond its own fields.
    pub(crate) fn prefetch(&self) {
        self.store.prefetch();
        self.lateness.prefetch();
        self.playout.prefetch();
    }

    /// A datagram from the network. `arrival`: the kernel's time of it, on the clock of `now`.
    pub fn handle_rtp(&mut self, datagram: &[u8], arrival: Duration) -> Received {
        let received = match rtp::parse(datagram) {
            Ok(packet) => self.handle_packet(&packet, arrival),
            Err(_) => Err(Drop::Malformed),
        };
        match received {
            Ok(received) => received,
            Err(reason) => {
                self.stats.dropped[reason as usize] += 1;
                Received::Dropped(reason)
            }
        }
    }

    fn handle_packet(&mut self, packet: &Packet<'_>, arrival: Duration) -> Result<Received, Drop> {
        let (kind, samples) = self.judge(packet)?;
        let sequence = self.place(packet)?;
        let timestamp = self.extend(packet, kind);
        let entry = Entry { sequence, timestamp, samples, kind };
        let kept_payload = if kind == Kind::Audio { packet.payload } else { &[] };

        match self.store.insert(entry, kept_payload) {
            Kept::Yes => {}
            Kept::TooLong => return Err(Drop::Payload),
            Kept::Duplicate => {
                if let Some(source) = &mut self.source {
                    source.reception.count_duplicate();
                }
                return Err(Drop::Duplicate);
            }
            Kept::Late => {
                self.observe(&entry, arrival);
                return Err(Drop::Late);
            }
        }
        self.stats.packets += 1;
        self.stats.bytes += packet.payload.len() as u64;
        Ok(match kind {
            Kind::Audio => {
                self.observe(&entry, arrival);
                Received::Audio
            }
            Kind::Noise(_) => Received::Noise,
            Kind::Digit => {
                self.handle_digit(packet);
                Received::Digit
            }
        })
    }

    /// What a packet is, by payload type and payload alone.
    fn judge(&self, packet: &Packet<'_>) -> Result<(Kind, usize), Drop> {
        let payload_type = packet.payload_type;
        if payload_type == self.config.payload_type {
            let samples = self.config.codec.payload_samples(packet.payload).map_err(|_| Drop::Payload)?;
            Ok((Kind::Audio, samples))
        } else if self.config.telephone_event.is_some_and(|(digit, _)| digit == payload_type) {
            DigitReceiver::check(packet.payload).map_err(|_| Drop::Payload)?;
            Ok((Kind::Digit, 0))
        } else if self.config.comfort_noise == Some(payload_type) {
            Ok((Kind::Noise(comfort::level(packet.payload)), 0))
        } else {
            Err(Drop::PayloadType)
        }
    }

    /// The extended sequence number of a packet; another source or a new time line begins everything anew.
    fn place(&mut self, packet: &Packet<'_>) -> Result<i64, Drop> {
        if self.source.as_ref().is_none_or(|source| source.reception.ssrc() != packet.ssrc) {
            self.begin_source(packet);
        }
        let source = self.source.as_mut().expect("begun above");
        match source.reception.place(packet.sequence) {
            Place::Known(sequence) => Ok(sequence),
            Place::Stray => Err(Drop::Jump),
            Place::Restarted(sequence) => {
                source.timestamp = i64::from(packet.timestamp);
                self.restart_line(sequence, false);
                Ok(sequence)
            }
        }
    }

    fn begin_source(&mut self, packet: &Packet<'_>) {
        if let Some(source) = &self.source {
            self.lost_before += source.reception.lost();
        }
        let reception = Reception::new(packet.ssrc, self.config.codec.clock_hz(), packet.sequence);
        let first = reception.first();
        self.source = Some(Source { reception, timestamp: i64::from(packet.timestamp) });
        self.stats.sources += 1;
        self.digits.reset();
        self.restart_line(first, true);
    }

    fn restart_line(&mut self, first: i64, is_other_source: bool) {
        self.store.restart(first);
        self.lateness.restart();
        self.playout.restart(is_other_source);
    }

    /// The extended timestamp of a packet. Keys may count another clock: theirs does not move the line.
    fn extend(&mut self, packet: &Packet<'_>, kind: Kind) -> i64 {
        let source = self.source.as_mut().expect("placed before");
        let ahead = packet.timestamp.wrapping_sub(source.timestamp as u32) as i32;
        let timestamp = source.timestamp + i64::from(ahead);
        if kind != Kind::Digit {
            source.timestamp = source.timestamp.max(timestamp);
        }
        timestamp
    }

    fn observe(&mut self, entry: &Entry, arrival: Duration) {
        let source = self.source.as_mut().expect("placed before");
        source.reception.observe(entry.timestamp, arrival);
        if self.lateness.observe(entry.timestamp, entry.samples, arrival) == Seen::Jumped {
            source.timestamp = entry.timestamp;
            self.store.forget_before(entry.sequence);
            self.playout.restart(false);
        }
    }

    fn handle_digit(&mut self, packet: &Packet<'_>) {
        let Ok(Some(started)) = self.digits.handle(packet.payload, packet.marker, packet.timestamp) else {
            return;
        };
        self.keep_digit(started);
    }

    /// A key that came by another way, in signalling; what is no key ([`is_key`](crate::dtmf::is_key)) is passed over.
    pub fn press(&mut self, key: u8) {
        if let Some(key) = event_of(key).and_then(key_of) {
            self.keep_digit(DigitStarted { key, timestamp: 0 });
        }
    }

    fn keep_digit(&mut self, started: DigitStarted) {
        match self.digits_waiting.iter_mut().find(|place| place.is_none()) {
            Some(place) => {
                *place = Some(started);
                self.stats.digits += 1;
            }
            None => self.stats.digits_dropped += 1,
        }
    }

    /// The next key that has begun.
    pub fn poll_digit(&mut self) -> Option<DigitStarted> {
        let digit = self.digits_waiting[0].take()?;
        self.digits_waiting.rotate_left(1);
        Some(digit)
    }

    /// The latest key, as far as known: how long it has been held, whether it has ended.
    pub fn last_digit(&self) -> Option<Pressed> {
        self.digits.last()
    }

    /// Whether anybody hears what [`Receiver::pull`] gives: if not, it may be zeros.
    pub fn set_heard(&mut self, is_heard: bool) {
        self.playout.set_heard(is_heard);
    }

    /// The next 20 ms.
    ///
    /// `now`: the deadline of the tick, not the moment in which it runs, so that a late tick is not heard.
    /// `pcm`: (codec.frame_samples(),) int16 at the codec's rate; all of it is written.
    pub fn pull(&mut self, now: Duration, pcm: &mut [i16]) -> Frame {
        let frame = self.playout.pull(now, &mut self.store, &mut self.lateness, pcm);
        if let Some(position) = self.playout.position() {
            let played = position - pcm.len() as i64;
            self.stats.delay_ms = self.lateness.delay_ms(played, now);
        }
        frame
    }

    /// A datagram of RTCP. `ntp`: wall-clock time, `ssrc_ours`: whose reports are answered.
    ///
    /// # Errors
    /// When it is none: counted.
    pub fn handle_rtcp(
        &mut self,
        datagram: &[u8],
        now: Duration,
        ntp: u64,
        ssrc_ours: u32,
    ) -> Result<Reported, RtcpError> {
        let mut reported = Reported::default();
        let mut report_ntp = None;
        let ssrc_theirs = self.source.as_ref().map(|source| source.reception.ssrc());
        let parsed = rtcp::parse(datagram, |item| match item {
            Item::Sender { ssrc, info } if Some(ssrc) == ssrc_theirs => report_ntp = Some(info.ntp),
            Item::Block { block, .. } if block.ssrc == ssrc_ours => reported.block = Some(block),
            Item::Bye { ssrc } if ssrc_theirs.is_none_or(|theirs| theirs == ssrc) => reported.bye = true,
            Item::Sender { .. } | Item::Block { .. } | Item::Bye { .. } => {}
        });
        if let Err(error) = parsed {
            self.stats.rtcp_malformed += 1;
            return Err(error);
        }
        if let (Some(source), Some(report_ntp)) = (&mut self.source, report_ntp) {
            source.reception.observe_report(report_ntp, now);
        }
        if let Some(block) = &reported.block {
            self.stats.round_trip_ms = rtcp::round_trip_ms(block, ntp).or(self.stats.round_trip_ms);
            self.stats.remote_loss = Some(f32::from(block.fraction_lost) / 256.0);
            self.stats.remote_jitter_ms =
                Some(block.jitter as f32 * 1_000.0 / self.config.codec.clock_hz() as f32);
        }
        Ok(reported)
    }

    /// How we hear the far end, for our next report; begins a new interval. None before its first packet.
    pub fn report_block(&mut self, now: Duration) -> Option<ReportBlock> {
        self.source.as_mut().map(|source| source.reception.report(now))
    }

    /// Latest values and counters.
    pub fn stats(&self) -> ReceiverStats {
        let counts = self.playout.counts();
        let mut stats = self.stats;
        stats.dropped[Drop::Late as usize] += counts.late;
        stats.overflowed = self.store.overflowed();
        stats.corrupt = counts.corrupt;
        stats.concealed_frames = counts.concealed_frames;
        stats.lengthened = counts.lengthened;
        stats.shortened = counts.shortened;
        stats.skipped = counts.skipped;
        stats.margin_ms = self.lateness.margin_ms();
        stats.lost = self.lost_before;
        if let Some(source) = &self.source {
            stats.lost += source.reception.lost();
            stats.jitter_ms = source.reception.jitter_ms();
        }
        stats
    }
}
