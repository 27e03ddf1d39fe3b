//! Keys as RTP events (RFC 4733), both ways.
//!
//! An event is known by its RTP timestamp: all its packets carry the same one. So a key counts once whatever
//! is lost, repeated or reordered, and two equal keys in a row are two. It is reported when the first of its
//! packets arrives, not when it ends: menus answer sooner, and a lost end does not matter. A key longer than
//! its 16-bit duration can say goes on in a new segment whose timestamp is that much later (2.5.1.3): still
//! one key. Doubt: a sender that moves the timestamp with each packet of one key breaks the RFC, and is
//! counted once a packet.

/// Bytes of one event in a payload.
pub const EVENT_BYTES: usize = 4;

/// Keys that wait to be sent, at most; more are refused.
pub const KEYS_WAITING_MAX: usize = 64;

/// How many of the latest events are remembered to recognise their repetitions.
const EVENTS_REMEMBERED: usize = 16;

/// A packet older than this, by timestamp, than the latest event is a new time line, not a straggler.
const STRAGGLER_MS_MAX: i64 = 5_000;

/// The longest a segment of a key can last, in units of its clock.
const SEGMENT_MAX: u32 = 0xFFFF;

/// A key has begun.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct DigitStarted {
    /// `0`–`9`, `*`, `#`, `A`–`D`, in ASCII.
    pub key: u8,
    /// RTP timestamp of its beginning.
    pub timestamp: u32,
}

/// A key as far as its packets have told.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Pressed {
    /// In ASCII.
    pub key: u8,
    /// How long it was held, as far as we know: exact once `ended`.
    pub duration_ms: u32,
    /// A packet with the E bit has come.
    pub ended: bool,
}

/// Why an event packet says nothing.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum DigitError {
    /// Fewer than four bytes.
    Short,
    /// An event that is no key: flash, modem and line tones.
    NoKey,
}

#[derive(Copy, Clone, Debug)]
struct Event {
    timestamp: u32,
    key: u8,
    duration: u32,
    earlier_segments: u32,
    ended: bool,
}

/// Recognises keys in the event packets of one source.
#[derive(Debug)]
pub struct DigitReceiver {
    clock_hz: u32,
    events: [Option<Event>; EVENTS_REMEMBERED],
    oldest: usize,
    latest: usize,
}

impl DigitReceiver {
    /// A receiver of events whose timestamps and durations count `clock_hz` (8000 or 48000).
    pub fn new(clock_hz: u32) -> DigitReceiver {
        DigitReceiver { clock_hz: clock_hz.max(1), events: [None; EVENTS_REMEMBERED], oldest: 0, latest: 0 }
    }

    /// Takes the payload of an event packet; the key that begins with it, if one does.
    ///
    /// # Errors
    /// When the payload is no key: count it.
    pub fn handle(
        &mut self,
        payload: &[u8],
        marker: bool,
        timestamp: u32,
    ) -> Result<Option<DigitStarted>, DigitError> {
        let (key, [_, flags, high, low]) = Self::read(payload)?;
        let ended = flags & 0x80 != 0;
        let duration = u32::from(u16::from_be_bytes([high, low]));

        if let Some(known) = self.events.iter_mut().flatten().find(|known| known.timestamp == timestamp) {
            known.duration = known.duration.max(duration);
            known.ended |= ended;
            return Ok(None);
        }
        if let Some(last) = self.events[self.latest].as_mut() {
            let later = timestamp.wrapping_sub(last.timestamp) as i32;
            let is_next_segment = later >= (SEGMENT_MAX - 0xFF) as i32 && later <= SEGMENT_MAX as i32 + 1;
            if last.key == key && !last.ended && !marker && is_next_segment {
                last.earlier_segments += later as u32;
                last.timestamp = timestamp;
                last.duration = duration;
                last.ended = ended;
                return Ok(None);
            }
        }
        if self.is_older_than_all(timestamp) {
            return Ok(None); // its key was reported and forgotten
        }
        self.remember(Event { timestamp, key, duration, earlier_segments: 0, ended });
        Ok(Some(DigitStarted { key, timestamp }))
    }

    /// Whether a payload is a key.
    ///
    /// # Errors
    /// When it is none.
    pub fn check(payload: &[u8]) -> Result<(), DigitError> {
        Self::read(payload).map(|_| ())
    }

    fn read(payload: &[u8]) -> Result<(u8, [u8; EVENT_BYTES]), DigitError> {
        let event = *payload.first_chunk::<EVENT_BYTES>().ok_or(DigitError::Short)?;
        Ok((key_of(event[0]).ok_or(DigitError::NoKey)?, event))
    }

    /// The latest key, as far as known.
    pub fn last(&self) -> Option<Pressed> {
        self.events[self.latest].map(|event| Pressed {
            key: event.key,
            duration_ms: (u64::from(event.earlier_segments + event.duration) * 1_000
                / u64::from(self.clock_hz)) as u32,
            ended: event.ended,
        })
    }

    /// The latest key's time line has begun anew (another source): nothing that comes is a repetition.
    pub fn reset(&mut self) {
        self.events = [None; EVENTS_REMEMBERED];
    }

    fn is_older_than_all(&self, timestamp: u32) -> bool {
        let straggler = STRAGGLER_MS_MAX * i64::from(self.clock_hz) / 1_000;
        self.events.iter().all(|event| {
            event.is_some_and(|event| {
                let earlier = i64::from(event.timestamp.wrapping_sub(timestamp) as i32);
                earlier > 0 && earlier < straggler
            })
        })
    }

    fn remember(&mut self, event: Event) {
        let is_latest = self.events[self.latest]
            .is_none_or(|latest| event.timestamp.wrapping_sub(latest.timestamp) as i32 > 0);
        if is_latest || self.latest == self.oldest {
            self.latest = self.oldest;
        }
        self.events[self.oldest] = Some(event);
        self.oldest = (self.oldest + 1) % EVENTS_REMEMBERED;
    }
}

/// Events 0 to 15 as keys (RFC 4733, table 3).
pub(crate) fn key_of(event: u8) -> Option<u8> {
    b"0123456789*#ABCD".get(usize::from(event)).copied()
}

/// Whether a telephone has it: 0 to 9, *, #, A to D; lower case letters count as upper.
pub fn is_key(key: u8) -> bool {
    event_of(key).is_some()
}

/// A key as an event; lower case letters count as upper.
pub(crate) fn event_of(key: u8) -> Option<u8> {
    b"0123456789*#ABCD".iter().position(|known| *known == key.to_ascii_uppercase()).map(|event| event as u8)
}

/// How keys are made.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct DigitTiming {
    /// How long a key is held. At most what 16 bits of the clock can say (8.1 s at 8000, 1.3 s at 48000);
    /// more is cut.
    pub key_ms: u32,
    /// Silence after a key, in which its end is repeated. At least 60.
    pub gap_ms: u32,
}

impl Default for DigitTiming {
    fn default() -> Self {
        DigitTiming { key_ms: 100, gap_ms: 60 }
    }
}

/// What to send in one tick instead of audio.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct DigitFrame {
    /// The event, ready for a telephone-event packet.
    pub payload: [u8; EVENT_BYTES],
    /// The packet's marker bit: the first of a key.
    pub marker: bool,
    /// The packet's timestamp is that of the audio frame which this tick would have sent, less this many
    /// units of the event's clock: constant for all packets of a key.
    pub timestamp_offset: u32,
}

/// What a tick of [`DigitSender`] asks for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Step {
    Idle,
    /// Nothing is sent for this many ticks more: a gap after a key (audio is kept back), or a pause between
    /// keys (audio flows).
    Waiting {
        ticks: u32,
        silent: bool,
    },
    /// A key is held: its event, ticks since its beginning, ticks it lasts.
    Holding {
        event: u8,
        tick: u32,
        ticks: u32,
    },
}

/// Makes the event packets of keys, one tick of 20 ms after the other.
///
/// A key of 100 ms is five packets whose durations grow, the first one marked, the last one with the E bit
/// and sent three times, one a tick; the gap counts from the end of the key.
#[derive(Debug)]
pub struct DigitSender {
    tick_units: u32,
    key_ticks: u32,
    gap_ticks: u32,
    waiting: [u8; KEYS_WAITING_MAX],
    first: usize,
    length: usize,
    step: Step,
}

const TICK_MS: u32 = 20;
const END_PACKETS: u32 = 3;
const VOLUME_DBM0: u8 = 8; // −8 dBm0, RFC 4733 2.3.3: without its sign
const END_BIT: u8 = 0x80;

impl DigitSender {
    /// A sender with nothing to send. `clock_hz`: of the negotiated telephone-event.
    pub fn new(clock_hz: u32, timing: DigitTiming) -> DigitSender {
        let tick_units = (clock_hz / 1_000 * TICK_MS).max(1);
        DigitSender {
            tick_units,
            key_ticks: timing.key_ms.div_ceil(TICK_MS).clamp(1, SEGMENT_MAX / tick_units),
            gap_ticks: timing.gap_ms.div_ceil(TICK_MS).max(END_PACKETS),
            waiting: [0; KEYS_WAITING_MAX],
            first: 0,
            length: 0,
            step: Step::Idle,
        }
    }

    /// Queues a key, or a pause: `w` half a second, `W` a second. False when it is none of these, or too many
    /// wait.
    pub fn push(&mut self, key: u8) -> bool {
        let known = event_of(key).is_some() || matches!(key, b'w' | b'W');
        if !known || self.length == KEYS_WAITING_MAX {
            return false;
        }
        self.waiting[(self.first + self.length) % KEYS_WAITING_MAX] = key;
        self.length += 1;
        true
    }

    /// Whether audio must be kept back in the tick for which [`DigitSender::next`] was called last: a key is
    /// held or its gap runs.
    pub fn holds_audio(&self) -> bool {
        match self.step {
            Step::Idle => false,
            Step::Waiting { silent, .. } => silent,
            Step::Holding { .. } => true,
        }
    }

    /// Whether nothing is under way and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.step == Step::Idle && self.length == 0
    }

    /// Called once a tick: what to send in it. None: audio, or nothing, see [`DigitSender::holds_audio`].
    #[expect(clippy::should_implement_trait, reason = "a tick is not an item: None is not the end")]
    pub fn next(&mut self) -> Option<DigitFrame> {
        self.step = match self.step {
            Step::Holding { event, tick, ticks } if tick + 1 < ticks + END_PACKETS - 1 => {
                Step::Holding { event, tick: tick + 1, ticks }
            }
            // Two of the end's packets lie in the gap already, and this tick is one of what is left.
            Step::Holding { .. } if self.gap_ticks >= END_PACKETS => {
                Step::Waiting { ticks: self.gap_ticks - END_PACKETS, silent: true }
            }
            Step::Waiting { ticks, silent } if ticks > 0 => Step::Waiting { ticks: ticks - 1, silent },
            Step::Idle | Step::Waiting { .. } | Step::Holding { .. } => self.begin_next(),
        };
        let Step::Holding { event, tick, ticks } = self.step else { return None };
        let held = (tick + 1).min(ticks);
        let flags = VOLUME_DBM0 | if tick + 1 >= ticks { END_BIT } else { 0 };
        let [high, low] = ((held * self.tick_units) as u16).to_be_bytes();
        Some(DigitFrame {
            payload: [event, flags, high, low],
            marker: tick == 0,
            timestamp_offset: tick * self.tick_units,
        })
    }

    fn begin_next(&mut self) -> Step {
        if self.length == 0 {
            return Step::Idle;
        }
        let key = self.waiting[self.first];
        self.first = (self.first + 1) % KEYS_WAITING_MAX;
        self.length -= 1;
        match event_of(key) {
            Some(event) => Step::Holding { event, tick: 0, ticks: self.key_ticks },
            None => Step::Waiting { ticks: if key == b'W' { 49 } else { 24 }, silent: false },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Packets of a key: (payload, marker, timestamp).
    fn packets_of(keys: &[u8], clock_hz: u32) -> Vec<([u8; 4], bool, u32)> {
        let mut sender = DigitSender::new(clock_hz, DigitTiming::default());
        for key in keys {
            assert!(sender.push(*key));
        }
        let mut timestamp = u32::MAX - 3 * clock_hz / 10; // wraps within the first keys
        let mut packets = Vec::new();
        while !sender.is_idle() {
            if let Some(frame) = sender.next() {
                packets.push((frame.payload, frame.marker, timestamp.wrapping_sub(frame.timestamp_offset)));
            }
            timestamp = timestamp.wrapping_add(clock_hz / 50);
        }
        packets
    }

    fn keys_in(packets: &[([u8; 4], bool, u32)], clock_hz: u32) -> Vec<u8> {
        let mut receiver = DigitReceiver::new(clock_hz);
        packets
            .iter()
            .filter_map(|(payload, marker, timestamp)| receiver.handle(payload, *marker, *timestamp).unwrap())
            .map(|started| started.key)
            .collect()
    }

    #[test]
    fn a_key_is_five_growing_packets_and_its_end_comes_three_times() {
        let packets = packets_of(b"5", 8_000);
        let begun = packets[0].2;
        let seen: Vec<_> = packets
            .iter()
            .map(|(p, marker, _)| (p[0], p[1], u16::from_be_bytes([p[2], p[3]]), *marker))
            .collect();
        let ended = (5, 0x88, 800, false);
        let held = |duration, marker| (5, 0x08, duration, marker);
        assert_eq!(
            seen,
            [held(160, true), held(320, false), held(480, false), held(640, false), ended, ended, ended]
        );
        assert!(packets.iter().all(|(_, _, timestamp)| *timestamp == begun));
    }

    #[test]
    fn keys_are_160_ms_apart_and_audio_is_kept_back_until_the_gap_is_over() {
        let mut sender = DigitSender::new(8_000, DigitTiming::default());
        assert!(sender.push(b'1') && sender.push(b'2'));
        let ticks: Vec<_> =
            (0..18).map(|_| (sender.next().map(|frame| frame.marker), sender.holds_audio())).collect();
        assert_eq!(ticks.iter().position(|(marker, _)| *marker == Some(true)), Some(0));
        assert_eq!(ticks.iter().rposition(|(marker, _)| *marker == Some(true)), Some(8));
        assert!(ticks[..16].iter().all(|(_, holds)| *holds));
        assert_eq!(ticks[16], (None, false));
    }

    #[test]
    fn pauses_let_audio_through() {
        let mut sender = DigitSender::new(48_000, DigitTiming::default());
        assert!(sender.push(b'w') && sender.push(b'#') && !sender.push(b'x'));
        let begun = (0..100).position(|_| sender.next().is_some());
        assert_eq!(begun, Some(25));
    }

    #[test]
    fn more_keys_than_may_wait_are_refused() {
        let mut sender = DigitSender::new(8_000, DigitTiming::default());
        assert_eq!((0..100).filter(|_| sender.push(b'1')).count(), KEYS_WAITING_MAX);
    }

    #[test]
    fn a_key_longer_than_its_duration_field_stays_one() {
        for clock_hz in [8_000, 48_000] {
            let mut receiver = DigitReceiver::new(clock_hz);
            let mut started = 0;
            for step in 1..2_000u32 {
                let held = step * clock_hz / 50; // 40 s, a packet each 20 ms
                let segment = held / SEGMENT_MAX;
                let [high, low] = ((held - segment * SEGMENT_MAX) as u16).to_be_bytes();
                let timestamp = 77u32.wrapping_add(segment * SEGMENT_MAX);
                started +=
                    u32::from(receiver.handle(&[7, 8, high, low], step == 1, timestamp).unwrap().is_some());
            }
            assert_eq!(started, 1);
            let last = receiver.last().unwrap();
            assert_eq!((last.key, last.duration_ms, last.ended), (b'7', 39_980, false));
        }
    }

    #[test]
    fn durations_are_known_when_the_end_has_come() {
        let mut receiver = DigitReceiver::new(8_000);
        for (payload, marker, timestamp) in packets_of(b"D", 8_000) {
            receiver.handle(&payload, marker, timestamp).unwrap();
        }
        assert_eq!(receiver.last(), Some(Pressed { key: b'D', duration_ms: 100, ended: true }));
    }

    #[test]
    fn what_is_no_key_is_an_error() {
        let mut receiver = DigitReceiver::new(8_000);
        assert_eq!(receiver.handle(&[1, 0, 0], true, 0), Err(DigitError::Short));
        assert_eq!(receiver.handle(&[16, 0, 0, 160], true, 0), Err(DigitError::NoKey));
        assert_eq!(
            receiver.handle(&[3, 0, 0, 160, 9, 9], true, 0).unwrap().map(|started| started.key),
            Some(b'3')
        );
    }

    proptest! {
        /// Of each key at least one packet arrives; packets are lost, repeated, and come up to three places
        /// too late or too early.
        #[test]
        fn each_key_counts_once(
            keys in proptest::collection::vec(proptest::sample::select(b"0123456789*#ABCD".to_vec()), 1..12),
            fates in proptest::collection::vec((0..3usize, 0..3usize), 200),
            wide in any::<bool>(),
        ) {
            let clock_hz = if wide { 48_000 } else { 8_000 };
            let packets = packets_of(&keys, clock_hz);
            let mut arrived: Vec<(usize, usize)> = Vec::new(); // (when, which)
            for key in 0..keys.len() {
                let copies: usize = (0..7).map(|place| fates[key * 7 + place].0).sum();
                for place in 0..7 {
                    let which = key * 7 + place;
                    let (copies_here, late) = fates[which];
                    for _ in 0..if copies == 0 && place == 6 { 1 } else { copies_here } {
                        arrived.push((which + late, which));
                    }
                }
            }
            arrived.sort_by_key(|(when, _)| *when);
            let arrived: Vec<_> = arrived.into_iter().map(|(_, which)| packets[which]).collect();
            let mut heard = keys_in(&arrived, clock_hz);
            let mut pressed = keys.clone();
            heard.sort_unstable();
            pressed.sort_unstable();
            prop_assert_eq!(heard, pressed);
        }
    }
}
