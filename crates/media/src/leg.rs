//! The media side of a call: what comes in, what goes out, and what only this leg hears.
//!
//! A leg is an empty place until it is configured with what offer and answer settled. It moves between buses
//! as it is, with jitter buffer, codec, players, RTP sequence and the 2 ms of its mix that have not left yet.

use core::time::Duration;

use crate::codec::Codec;
use crate::event::{DoneReason, Event, Events};
use crate::gain::{Limiter, Load};
use crate::id::{LegId, PlayerId};
use crate::inband::InbandDetector;
use crate::level::{Meter, square_sum};
use crate::player::{Outputs, Player};
use crate::prefetch::prefetch;
use crate::rate::{RATES, Rate};
use crate::receiver::{
    Drop, Frame, JitterConfig, Received, Receiver, ReceiverConfig, ReceiverStats, Reported,
};
use crate::rtcp::{self, Outgoing, RtcpError, SenderInfo};
use crate::sender::{Sender, SenderConfig, Sent};
use crate::tap::{Tap, TapPoint};
use crate::voice::Voice;

/// Players that may play into one ear at once; more are refused.
pub const LEG_PLAYERS_MAX: usize = 8;

/// A leg's canonical name in reports is its number: stable for the call, and nobody's.
const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// What was negotiated for the audio of a leg, and where its packets begin.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct LegMediaConfig {
    /// Both ways.
    pub codec: Codec,
    /// Of the audio, both ways.
    pub payload_type: u8,
    /// Payload type and clock (Hz) of telephone-event, when there is one.
    pub telephone_event: Option<(u8, u32)>,
    /// Payload type of comfort noise, when it is accepted.
    pub comfort_noise: Option<u8>,
    /// Our source of packets.
    pub ssrc: u32,
    /// Sequence number of our first packet.
    pub sequence: u16,
    /// Timestamp of our first tick.
    pub timestamp: u32,
    /// Delay of what comes in.
    pub jitter: JitterConfig,
}

/// The memory of a leg's media: made off the tick, put into the leg by [`Leg::configure`].
#[derive(Debug)]
pub struct LegMedia {
    receiver: Receiver,
    sender: Sender,
    voice: Voice,
    /// Of a far end that has no telephone-event.
    inband: Option<Box<InbandDetector>>,
    level_out: Meter,
}

impl LegMedia {
    /// Takes all the memory that it will need.
    pub fn new(config: &LegMediaConfig, now: Duration) -> LegMedia {
        let receiver = ReceiverConfig {
            codec: config.codec,
            payload_type: config.payload_type,
            telephone_event: config.telephone_event,
            comfort_noise: config.comfort_noise,
            jitter: config.jitter,
        };
        let sender = SenderConfig {
            codec: config.codec,
            payload_type: config.payload_type,
            telephone_event: config.telephone_event,
            ssrc: config.ssrc,
            sequence: config.sequence,
            timestamp: config.timestamp,
        };
        LegMedia {
            receiver: Receiver::new(receiver, now),
            sender: Sender::new(&sender),
            voice: Voice::new(Rate::of(config.codec)),
            inband: config
                .telephone_event
                .is_none()
                .then(|| Box::new(InbandDetector::new(Rate::of(config.codec)))),
            level_out: Meter::default(),
        }
    }

    fn rate(&self) -> Rate {
        self.voice.rate()
    }
}

/// Latest values of a leg.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct LegStats {
    /// What came in, and what the far end reports.
    pub received: ReceiverStats,
    /// What we sent.
    pub sent: Sent,
    /// What the far end says, before the gate.
    pub level_in_dbm0: f32,
    /// What the far end hears.
    pub level_out_dbm0: f32,
}

/// Where a leg's mix comes from.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    /// Gain and delay of this leg's own mix.
    pub(crate) limiter: Limiter,
    /// In the tick before it got the shared mix, whose gain and delay are kept by the bus.
    pub(crate) is_shared: bool,
}

/// What the players of a leg add to its mix.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Played {
    pub(crate) load: Load,
    pub(crate) sources: u32,
    /// Place of the last of them that is heard.
    pub(crate) last: usize,
}

/// The player that is all a leg hears, if it is so: what was encoded ahead can be sent.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Alone<'a> {
    Nobody,
    /// By its place.
    OwnPlayer(usize),
    BusPlayer(&'a Player),
}

/// Room for a frame and its codes.
#[derive(Debug)]
pub(crate) struct Scratch<'a> {
    pub(crate) frame: &'a mut [i16],
    pub(crate) codes: &'a mut [u8],
}

/// A leg.
pub struct Leg {
    id: LegId,
    media: Option<Box<LegMedia>>,
    sends: bool,
    receives: bool,
    pub(crate) ear: Ear,
    pub(crate) players: Vec<Player>,
    /// Players that ended with the leg, to be freed with it.
    ended: Vec<Player>,
    decoded: Option<Box<dyn Tap>>,
    mixed: Option<Box<dyn Tap>>,
}

impl core::fmt::Debug for Leg {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Leg").field("id", &self.id).field("codec", &self.codec()).finish_non_exhaustive()
    }
}

impl Leg {
    /// A leg without media: it hears nothing, says nothing and sends nothing.
    pub fn new(id: LegId) -> Leg {
        Leg {
            id,
            media: None,
            sends: true,
            receives: true,
            ear: Ear::default(),
            players: Vec::with_capacity(LEG_PLAYERS_MAX),
            ended: Vec::with_capacity(LEG_PLAYERS_MAX),
            decoded: None,
            mixed: None,
        }
    }

    /// Its name.
    pub fn id(&self) -> LegId {
        self.id
    }

    /// Its codec, once it is configured.
    pub fn codec(&self) -> Option<Codec> {
        self.media.as_ref().map(|media| media.sender.codec())
    }

    /// Puts in what was settled; what is no longer needed comes back, to be freed off the tick. What comes in
    /// goes on undisturbed when nothing changed for it; what goes out goes on with its sequence and
    /// timestamp, under the same SSRC unless the clock of the codec changes.
    pub fn configure(&mut self, mut media: Box<LegMedia>) -> Option<Box<LegMedia>> {
        if let Some(old) = &mut self.media {
            media.sender.continue_from(&mut old.sender);
            if media.receiver.config() == old.receiver.config() {
                core::mem::swap(&mut media.receiver, &mut old.receiver);
                core::mem::swap(&mut media.voice, &mut old.voice);
                core::mem::swap(&mut media.inband, &mut old.inband);
            }
            if media.rate() != old.rate() {
                self.ear.is_shared = false;
                self.ear.limiter.clear();
            }
        }
        self.media.replace(media)
    }

    /// Hold: whether we send to the far end and take from it.
    pub fn set_direction(&mut self, sends: bool, receives: bool) {
        self.sends = sends;
        self.receives = receives;
    }

    /// Asks for what its next tick will need. It follows pointers and so waits a little: in two or three steps, one
    /// for each leg further ahead, it was no faster.
    pub(crate) fn prefetch(&self) {
        prefetch(self);
        if let Some(media) = &self.media {
            prefetch(&**media);
            media.receiver.prefetch();
            media.voice.prefetch();
        }
    }

    /// A datagram from the network. `arrival`: the kernel's time of it.
    pub fn handle_rtp(&mut self, datagram: &[u8], arrival: Duration) -> Received {
        match &mut self.media {
            Some(media) => media.receiver.handle_rtp(datagram, arrival),
            None => Received::Dropped(Drop::PayloadType),
        }
    }

    /// A datagram of RTCP. `now`: its arrival; `ntp`: wall-clock time in NTP's 32.32 seconds.
    ///
    /// # Errors
    /// When it is none: counted.
    pub fn handle_rtcp(&mut self, datagram: &[u8], now: Duration, ntp: u64) -> Result<Reported, RtcpError> {
        match &mut self.media {
            Some(media) => media.receiver.handle_rtcp(datagram, now, ntp, media.sender.sent().ssrc),
            None => Ok(Reported::default()),
        }
    }

    /// Writes our report of now into `out` ([`rtcp::COMPOUND_BYTES_MAX`] bytes suffice): a sender report once
    /// we have sent, with how we hear the far end once we do. Returns the bytes; none before it is
    /// configured.
    pub fn rtcp(&mut self, now: Duration, ntp: u64, out: &mut [u8]) -> usize {
        self.report(now, ntp, false, out)
    }

    /// The same, and says that we leave.
    pub fn rtcp_bye(&mut self, now: Duration, ntp: u64, out: &mut [u8]) -> usize {
        self.report(now, ntp, true, out)
    }

    fn report(&mut self, now: Duration, ntp: u64, bye: bool, out: &mut [u8]) -> usize {
        let Some(media) = &mut self.media else { return 0 };
        let Sent { ssrc, timestamp, packets, octets } = media.sender.sent();
        let sender = (packets > 0).then_some(SenderInfo { ntp, timestamp, packets, bytes: octets });
        let name = self
            .id
            .0
            .to_be_bytes()
            .map(|byte| [HEX_DIGITS[usize::from(byte >> 4)], HEX_DIGITS[usize::from(byte & 15)]]);
        let cname = core::str::from_utf8(name.as_flattened()).unwrap_or_default();
        rtcp::write(&Outgoing { ssrc, sender, block: media.receiver.report_block(now), cname, bye }, out)
    }

    /// This tick's RTP packet; empty when there is none.
    pub fn packet(&self) -> &[u8] {
        self.media.as_ref().map_or(&[], |media| media.sender.packet())
    }

    /// Latest values, once it is configured.
    pub fn stats(&self) -> Option<LegStats> {
        self.media.as_ref().map(|media| LegStats {
            received: media.receiver.stats(),
            sent: media.sender.sent(),
            level_in_dbm0: media.voice.level_dbm0(),
            level_out_dbm0: media.level_out.dbm0(),
        })
    }

    /// A player into this ear; several are mixed.
    ///
    /// # Errors
    /// The player itself, when [`LEG_PLAYERS_MAX`] play already.
    pub fn play(&mut self, player: Player) -> Result<(), Player> {
        if self.players.len() == LEG_PLAYERS_MAX {
            return Err(player);
        }
        self.players.push(player);
        Ok(())
    }

    /// One of the players of this ear.
    pub fn player_mut(&mut self, id: PlayerId) -> Option<&mut Player> {
        self.players.iter_mut().find(|player| player.id() == id)
    }

    /// Sends keys to the far end; `w` and `W` pause half a second and one. Returns how many were taken: the
    /// rest is no key, or too many wait.
    pub fn send_digits(&mut self, digits: &[u8]) -> usize {
        let Some(media) = &mut self.media else { return 0 };
        digits.iter().filter(|&&key| media.sender.push_digit(key)).count()
    }

    /// A key of the far end that came in signalling: from the next tick on as if it had come in RTP. Ignored while no media is settled.
    pub fn press(&mut self, key: u8) {
        if let Some(media) = &mut self.media {
            media.receiver.press(key);
        }
    }

    /// Hangs a tap, or none, at a point; the one that hung there comes back.
    pub fn set_tap(&mut self, point: TapPoint, tap: Option<Box<dyn Tap>>) -> Option<Box<dyn Tap>> {
        let place = match point {
            TapPoint::Decoded => &mut self.decoded,
            TapPoint::Mixed => &mut self.mixed,
        };
        core::mem::replace(place, tap)
    }

    /// The leg ends: so do its players, each with its last word.
    pub fn close(&mut self, events: &mut impl Events) {
        for player in &mut self.players {
            player.end(DoneReason::Gone);
        }
        retire(&mut self.players, &mut self.ended, events);
    }

    /// Whether the far end is to hear something.
    pub(crate) fn sends(&self) -> bool {
        self.sends
    }

    pub(crate) fn voice(&self) -> Option<&Voice> {
        self.media.as_ref().map(|media| &media.voice)
    }

    /// Takes this tick's frame and keys from the far end. `gain`: of the leg's row, None when nobody is to
    /// hear it. Whether a key began.
    pub(crate) fn listen(&mut self, now: Duration, gain: Option<f32>, events: &mut impl Events) -> bool {
        let Some(media) = &mut self.media else { return false };
        let rate = media.voice.rate();
        let pcm = media.voice.frame();
        let is_wanted = gain.is_some() || self.decoded.is_some() || media.inband.is_some();
        media.receiver.set_heard(is_wanted);
        let frame = media.receiver.pull(now, pcm);
        let is_heard = self.receives && frame != Frame::Nothing;
        if !is_heard {
            pcm.fill(0);
        }
        if let Some(tap) = &mut self.decoded {
            tap.write(now, rate.hz(), pcm);
        }
        let key = media.inband.as_mut().and_then(|inband| {
            if is_heard {
                return inband.hear(pcm);
            }
            inband.hear_nothing();
            None
        });
        if is_heard {
            media.voice.hear(gain);
        } else {
            media.voice.hear_nothing();
        }
        let mut began = false;
        let mut press = |key, in_band| {
            began = true;
            events.push(Event::Digit { leg: self.id, key, in_band });
            self.players.iter_mut().for_each(Player::handle_digit);
        };
        while let Some(digit) = media.receiver.poll_digit() {
            if self.receives {
                press(digit.key, false);
            }
        }
        if let Some(key) = key {
            press(key, true);
        }
        began
    }

    /// What it says at the rates of others.
    pub(crate) fn resample(&mut self, in_use: &[bool; RATES], silenced: bool) {
        if let Some(media) = &mut self.media {
            media.voice.resample(in_use, silenced);
        }
    }

    /// The next packet is due: its rate and codec, once it is configured.
    pub(crate) fn tick(&mut self) -> Option<(Rate, Codec)> {
        let media = self.media.as_mut()?;
        media.sender.tick();
        Some((media.rate(), media.sender.codec()))
    }

    /// Plays 20 ms of every player and shows `add` what each of them gives to be heard.
    pub(crate) fn play_on(
        &mut self,
        rate: Rate,
        pcm: &mut [i16],
        events: &mut impl Events,
        mut add: impl FnMut(&[i16]),
    ) -> Played {
        let mut played = Played::default();
        for (place, player) in self.players.iter_mut().enumerate() {
            let mut outputs: Outputs<'_> = [const { None }; RATES];
            if self.sends {
                outputs[rate.index()] = Some(pcm);
            }
            if player.advance(&mut outputs, events) && self.sends {
                add(pcm);
                played.sources += 1;
                played.last = place;
            }
            played.load.add(player.envelope(rate));
        }
        played
    }

    /// Takes the players that have ended out, each with its last word.
    pub(crate) fn retire_players(&mut self, retired: &mut Vec<Player>, events: &mut impl Events) {
        if !self.players.is_empty() {
            retire(&mut self.players, retired, events);
        }
    }

    pub(crate) fn sender_mut(&mut self) -> Option<&mut Sender> {
        self.media.as_mut().map(|media| &mut media.sender)
    }

    /// Sends a frame of this leg's own mix. `sum`: all that it hears; `gain`: what that asks for.
    pub(crate) fn send_mix(
        &mut self,
        now: Duration,
        sum: &[i32],
        gain: f32,
        alone: Alone<'_>,
        scratch: Scratch<'_>,
    ) {
        let Some(media) = &mut self.media else { return };
        let Scratch { frame, codes } = scratch;
        let mixed = self.ear.limiter.process(media.voice.rate(), sum, gain, frame);
        let player = match alone {
            Alone::Nobody => None,
            Alone::OwnPlayer(place) => self.players.get(place),
            Alone::BusPlayer(player) => Some(player),
        };
        let ready = player.and_then(|player| player.ready(media.sender.codec(), codes));
        media.sender.send(frame, ready.filter(|ready| ready.is_same_as(mixed)));
        self.note_heard(now, frame, square_sum(frame));
    }

    /// What was sent in this tick, for the meter and the tap.
    pub(crate) fn note_heard(&mut self, now: Duration, pcm: &[i16], square_sum: u64) {
        let Some(media) = &mut self.media else { return };
        media.level_out.add(square_sum, pcm.len());
        if let Some(tap) = &mut self.mixed {
            tap.write(now, media.voice.rate().hz(), pcm);
        }
    }
}

/// Takes the players that have ended out of a list, each with its last word. Where `retired` has no room left
/// they wait for one of the next ticks, silent.
pub(crate) fn retire(players: &mut Vec<Player>, retired: &mut Vec<Player>, events: &mut impl Events) {
    let mut place = 0;
    while let Some(player) = players.get(place) {
        let has_room = retired.len() < retired.capacity();
        let Some(reason) = player.ended().filter(|_| has_room) else {
            place += 1;
            continue;
        };
        events.push(Event::PlayerDone { player: player.id(), reason });
        retired.push(players.remove(place));
    }
}
