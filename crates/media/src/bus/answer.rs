//! What every leg gets to hear: the shared mix, or one of its own.
//!
//! A leg shares while it only listens: it hears the bus, is not in the sum itself, and nothing is for it
//! alone. When that ends, its own limiter takes over gain and delay of the shared mix, in which it is not;
//! when it begins again, it gets the same sum by its own limiter for one tick more, with the shared gain as
//! target, because the last 2 ms of the shared mix still have its voice. So nobody ever hears themselves, and
//! no sample is missed or doubled.

use core::time::Duration;

use super::floor::add;
use super::{Bus, Whisper};
use crate::codec::{Codec, ENCODED_BYTES_MAX};
use crate::event::Events;
use crate::gain::{Limiter, Load};
use crate::leg::{Alone, Ear, Leg, Played, Scratch};
use crate::level::square_sum;
use crate::rate::{FRAME_SAMPLES_MAX, NARROW_FRAME_SAMPLES, Rate};

/// Scratch for one mix.
struct Work {
    sum: [i32; FRAME_SAMPLES_MAX],
    frame: [i16; FRAME_SAMPLES_MAX],
    codes: [u8; NARROW_FRAME_SAMPLES],
}

/// A mix for one leg, as it grows in [`Work::sum`].
struct Own {
    load: Load,
    sources: u32,
    played: Played,
    /// All that it hears is this player of the bus.
    bus_player: Option<usize>,
    wants_shared: bool,
}

/// A mix of many legs.
struct Shared {
    rate: Rate,
    is_silent: bool,
    frame: [i16; FRAME_SAMPLES_MAX],
    square_sum: u64,
    /// By codec, and how many bytes of it.
    payloads: [([u8; ENCODED_BYTES_MAX], usize); Codec::ALL.len()],
}

impl Shared {
    fn new(rate: Rate) -> Shared {
        Shared {
            rate,
            is_silent: true,
            frame: [0; FRAME_SAMPLES_MAX],
            square_sum: 0,
            payloads: [([0; ENCODED_BYTES_MAX], 0); Codec::ALL.len()],
        }
    }

    fn frame(&mut self) -> &mut [i16] {
        &mut self.frame[..self.rate.frame_samples()]
    }

    /// To a leg of this rate.
    fn give(&self, leg: &mut Leg, now: Duration) {
        let Some(sender) = leg.sender_mut().filter(|sender| Rate::of(sender.codec()) == self.rate) else {
            return;
        };
        let frame = &self.frame[..self.rate.frame_samples()];
        let (payload, bytes) = &self.payloads[sender.codec() as usize];
        if self.is_silent {
            sender.send_silence();
        } else {
            sender.send_copy(&payload[..*bytes], frame);
        }
        leg.note_heard(now, frame, self.square_sum);
    }
}

impl Ear {
    /// From now on this leg's own mix goes on where the shared one is.
    pub(super) fn leave(&mut self, shared: &Limiter, rate: Rate) {
        self.limiter.resume(shared.gain(), shared.delayed(rate));
        self.is_shared = false;
    }
}

impl<T> Bus<T> {
    /// Makes every leg's packet, and sends it.
    pub(super) fn answer(
        &mut self,
        now: Duration,
        events: &mut impl Events,
        mut send: impl FnMut(&Leg, &mut T),
    ) {
        let mut work = Work {
            sum: [0; FRAME_SAMPLES_MAX],
            frame: [0; FRAME_SAMPLES_MAX],
            codes: [0; NARROW_FRAME_SAMPLES],
        };
        for index in 0..self.seats.len() {
            self.answer_one(index, now, &mut work, events);
        }
        let mut shared = Rate::ALL.map(Shared::new);
        for shared in &mut shared {
            self.make_shared(shared, &mut work.codes);
        }
        for seat in &mut self.seats {
            if seat.is_shared {
                shared.iter().for_each(|shared| shared.give(&mut seat.leg, now));
            }
            send(&seat.leg, &mut seat.beside);
        }
    }

    fn answer_one(&mut self, index: usize, now: Duration, work: &mut Work, events: &mut impl Events) {
        let seat = &mut self.seats[index];
        seat.is_shared = false;
        let Some((rate, codec)) = seat.leg.tick() else {
            return seat.leg.retire_players(&mut self.retired, events); // it has no codec yet, but they have ended
        };
        let samples = rate.frame_samples();
        let (sum, frame) = (&mut work.sum[..samples], &mut work.frame[..samples]);

        seat.leg.retire_players(&mut self.retired, events);
        let mut first = true;
        let played = seat.leg.play_on(rate, frame, events, |pcm| {
            add(sum, pcm, first);
            first = false;
        });
        if !seat.leg.sends() {
            seat.leg.ear.is_shared = false;
            seat.leg.ear.limiter.clear();
            return seat.leg.retire_players(&mut self.retired, events);
        }
        let plays_key = seat.leg.sender_mut().is_some_and(|sender| sender.render_key(frame));
        let own = self.gather(index, rate, played, sum);
        let seat = &mut self.seats[index];
        if own.wants_shared && !plays_key && seat.leg.ear.is_shared {
            seat.is_shared = true;
            self.floors[rate.index()].join(codec, index, seat.id);
        } else {
            let own = if plays_key { own.replaced_by(sum, frame) } else { own };
            self.answer_own(index, now, own, work);
        }
        self.seats[index].leg.retire_players(&mut self.retired, events);
    }

    /// Adds to a leg's own mix what it hears of the bus; `sum` holds what its players play.
    fn gather(&self, index: usize, rate: Rate, played: Played, sum: &mut [i32]) -> Own {
        let seat = &self.seats[index];
        let floor = &self.floors[rate.index()];
        let mut own =
            Own { load: played.load, sources: played.sources, played, bus_player: None, wants_shared: false };
        if !seat.row.hears {
            return own;
        }
        let voice =
            seat.leg.voice().map(|voice| voice.part(rate)).filter(|_| seat.row.sends == super::Sends::All);
        let spoken = voice.and_then(|part| part.heard());
        let others = floor.sources() - u32::from(spoken.is_some());
        if seat.is_coached {
            for Whisper { from, .. } in self.whispers.iter().filter(|whisper| whisper.to == index) {
                let Some(part) = self.seats[*from].leg.voice().map(|voice| voice.part(rate)) else {
                    continue;
                };
                own.load.add(part.envelope());
                if let Some(pcm) = part.heard() {
                    add(sum, pcm, own.sources == 0);
                    own.sources += 1;
                }
            }
        }
        own.wants_shared = spoken.is_none() && own.sources == 0;
        if own.wants_shared {
            own.load = Load::default(); // what the shared mix has, to the bit: the two gains must meet
        }
        if others == 1 && own.sources == 0 {
            own.bus_player = floor.player();
        }
        if own.wants_shared && seat.leg.ear.is_shared {
            return own;
        }
        own.load.merge(floor.load());
        if let (false, Some(part)) = (own.wants_shared, voice) {
            own.load.remove(part.envelope());
        }
        if others > 0 {
            add_others(sum, floor.sum(), spoken, own.sources == 0);
            own.sources += others;
        }
        own
    }

    /// Sends a leg its own mix, which is in `work.sum`.
    fn answer_own(&mut self, index: usize, now: Duration, own: Own, work: &mut Work) {
        let Work { sum, frame, codes } = work;
        let seat = &mut self.seats[index];
        let Some(codec) = seat.leg.codec() else { return };
        let rate = Rate::of(codec);
        let (sum, frame) = (&mut sum[..rate.frame_samples()], &mut frame[..rate.frame_samples()]);
        let floor = &mut self.floors[rate.index()];
        let ear = &mut seat.leg.ear;
        if ear.is_shared {
            ear.leave(floor.limiter(), rate);
        }
        if own.wants_shared {
            ear.is_shared = true;
            floor.expect(codec);
        }
        if own.sources == 0 {
            if ear.limiter.is_quiet() {
                ear.limiter.clear();
                frame.fill(0);
                if let Some(sender) = seat.leg.sender_mut() {
                    sender.send_silence();
                }
                return seat.leg.note_heard(now, frame, 0);
            }
            sum.fill(0);
        }
        let alone = match own {
            Own { sources: 1, played: Played { sources: 1, last, .. }, .. } => Alone::OwnPlayer(last),
            Own { sources: 1, bus_player: Some(place), .. } => {
                self.players.get(place).map_or(Alone::Nobody, Alone::BusPlayer)
            }
            Own { .. } => Alone::Nobody,
        };
        seat.leg.send_mix(now, sum, own.load.gain(), alone, Scratch { frame, codes });
    }

    /// Makes the shared mix of a rate, and encodes it once for each codec.
    fn make_shared(&mut self, shared: &mut Shared, codes: &mut [u8]) {
        let floor = &mut self.floors[shared.rate.index()];
        let Some((mixed, is_silent)) = floor.mix(shared.frame()) else { return };
        shared.is_silent = is_silent;
        shared.square_sum = square_sum(shared.frame());
        let player = floor.player().filter(|_| floor.sources() == 1);
        let player = player.and_then(|place| self.players.get(place));

        for codec in Codec::ALL {
            let Some((leader, has_new)) = floor.lead(codec, |seat| self.seats[seat].id) else { continue };
            let ready = player.and_then(|player| player.ready(codec, codes));
            let ready = ready.filter(|ready| ready.is_same_as(mixed));
            if let (false, Some(sender)) = (is_silent, self.seats[leader].leg.sender_mut()) {
                let frame = &shared.frame[..shared.rate.frame_samples()];
                let (payload, bytes) = &mut shared.payloads[codec as usize];
                *bytes = sender.encode(frame, ready, has_new, payload);
            }
        }
    }
}

impl Own {
    /// The key that is being sent takes the place of all else.
    fn replaced_by(self, sum: &mut [i32], key: &[i16]) -> Own {
        add(sum, key, true);
        Own {
            load: Load::default(),
            sources: 1,
            played: Played::default(),
            bus_player: None,
            wants_shared: false,
        }
    }
}

/// Adds the sum of a floor, less what the leg itself has in it.
fn add_others(sum: &mut [i32], floor: &[i32], spoken: Option<&[i16]>, first: bool) {
    match (spoken, first) {
        (None, true) => sum.copy_from_slice(floor),
        (None, false) => sum.iter_mut().zip(floor).for_each(|(total, x)| *total += x),
        (Some(own), true) => {
            for ((total, x), y) in sum.iter_mut().zip(floor).zip(own) {
                *total = x - i32::from(*y);
            }
        }
        (Some(own), false) => {
            for ((total, x), y) in sum.iter_mut().zip(floor).zip(own) {
                *total += x - i32::from(*y);
            }
        }
    }
}
