//! The mixing unit: of a live room, or the private one of a call.
//!
//! A tick, from top to bottom: every leg's datagrams, frame and keys are taken ([`Bus::mix`]); what passes gate
//! and gain is summed in 32 bits, once for each rate (`floor`); every leg gets its mix (`answer`): those who
//! only listen share one frame for each codec, the others get the sum less their own samples, exactly, plus
//! what only they hear; and every packet is sent. The cost is talkers × rates + listeners, and most of that is
//! fetching what a leg has in memory: so a leg is passed as seldom as can be, and its memory is asked for while
//! the leg before it has its turn. Nothing allocates.
//!
//! Between ticks, legs and players come and go and rows change; that may allocate.

mod answer;
mod floor;
mod row;

use core::time::Duration;

use crate::event::{DoneReason, Events};
use crate::id::{BusId, LegId, PlayerId};
use crate::leg::{Leg, retire};
use crate::level::gain_factor;
use crate::player::{Outputs, Player};
use crate::rate::{FRAME_SAMPLES_MAX, RATES, Rate};

use floor::Floor;
pub use row::{Row, Sends};

/// Players that may play into a bus at once; more are refused.
pub const BUS_PLAYERS_MAX: usize = 16;
/// Players that have their last word in one tick, and wait for [`Bus::take_retired`]; what comes beyond has it in the next ones, silent meanwhile.
pub const RETIRED_PLAYERS_MAX: usize = 32;

/// A leg in its place, with its row and what the engine hangs beside it.
#[derive(Debug)]
struct Seat<T> {
    id: LegId,
    leg: Box<Leg>,
    beside: T,
    row: Row,
    gain: f32,
    /// Where the one leg sits that this one speaks to.
    target: Option<usize>,
    /// Somebody speaks to this leg alone, in this tick.
    is_coached: bool,
    /// It gets the shared mix, in this tick.
    is_shared: bool,
    /// Nothing of it is heard in this tick, nor was of late.
    rests: bool,
}

/// Somebody speaks to one leg alone.
#[derive(Copy, Clone, Debug)]
struct Whisper {
    from: usize,
    to: usize,
}

/// A bus. `T`: what hangs beside each leg, for instance its transport.
#[derive(Debug)]
pub struct Bus<T> {
    id: BusId,
    seats: Vec<Seat<T>>,
    players: Vec<Player>,
    retired: Vec<Player>,
    floors: [Floor; RATES],
    whispers: Vec<Whisper>,
    targets_are_old: bool,
}

impl<T> Bus<T> {
    /// A bus with room for so many legs; more make it grow.
    pub fn new(id: BusId, legs_capacity: usize) -> Bus<T> {
        Bus {
            id,
            seats: Vec::with_capacity(legs_capacity),
            players: Vec::with_capacity(BUS_PLAYERS_MAX),
            retired: Vec::with_capacity(RETIRED_PLAYERS_MAX),
            floors: Rate::ALL.map(Floor::new),
            whispers: Vec::with_capacity(legs_capacity),
            targets_are_old: false,
        }
    }

    /// Its name.
    pub fn id(&self) -> BusId {
        self.id
    }

    /// How many legs are on it.
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// Whether no leg is on it.
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// A leg comes, after all others, with the row of one that has just come.
    pub fn insert(&mut self, leg: Box<Leg>, beside: T) {
        self.seats.push(Seat {
            id: leg.id(),
            leg,
            beside,
            row: Row::default(),
            gain: 1.0,
            target: None,
            is_coached: false,
            is_shared: false,
            rests: false,
        });
        self.whispers.reserve(self.seats.len());
        self.targets_are_old = true;
    }

    /// A leg goes, as it is.
    pub fn remove(&mut self, leg: LegId) -> Option<(Box<Leg>, T)> {
        let index = self.index(leg)?;
        let mut seat = self.seats.remove(index);
        self.targets_are_old = true;
        if let (true, Some(voice)) = (seat.leg.ear.is_shared, seat.leg.voice()) {
            let rate = voice.rate();
            seat.leg.ear.leave(self.floors[rate.index()].limiter(), rate);
        }
        Some((seat.leg, seat.beside))
    }

    /// All legs, in the order in which they came, each with what hangs beside it.
    pub fn legs_mut(&mut self) -> impl Iterator<Item = (&mut Leg, &mut T)> {
        self.seats.iter_mut().map(|seat| (&mut *seat.leg, &mut seat.beside))
    }

    /// One leg and what hangs beside it.
    pub fn leg_mut(&mut self, leg: LegId) -> Option<(&mut Leg, &mut T)> {
        let index = self.index(leg)?;
        let seat = &mut self.seats[index];
        Some((&mut *seat.leg, &mut seat.beside))
    }

    /// The row of a leg, if it is here.
    pub fn row(&self, leg: LegId) -> Option<Row> {
        self.index(leg).map(|index| self.seats[index].row)
    }

    /// Changes the row of a leg; false when it is not here.
    pub fn set_row(&mut self, leg: LegId, row: Row) -> bool {
        let Some(index) = self.index(leg) else { return false };
        let seat = &mut self.seats[index];
        seat.gain = gain_factor(row.gain_db);
        seat.row = row;
        self.targets_are_old = true;
        true
    }

    /// A player into the bus: everybody hears it who hears the bus.
    ///
    /// # Errors
    /// The player itself, when [`BUS_PLAYERS_MAX`] play already.
    pub fn play(&mut self, player: Player) -> Result<(), Player> {
        if self.players.len() == BUS_PLAYERS_MAX {
            return Err(player);
        }
        self.players.push(player);
        Ok(())
    }

    /// One of the players of the bus or of the ears of its legs.
    pub fn player_mut(&mut self, id: PlayerId) -> Option<&mut Player> {
        let own = self.players.iter_mut().find(|player| player.id() == id);
        own.or_else(|| self.seats.iter_mut().find_map(|seat| seat.leg.player_mut(id)))
    }

    /// A player that has ended, to be freed off the tick.
    pub fn take_retired(&mut self) -> Option<Player> {
        self.retired.pop()
    }

    /// The key again, to every leg that hears, but one. A far end for which too many keys wait misses it.
    pub fn relay_digit(&mut self, key: u8, except: LegId) {
        for seat in self.seats.iter_mut().filter(|seat| seat.row.hears && seat.id != except) {
            seat.leg.send_digits(&[key]);
        }
    }

    /// The bus ends: so do its players, each with its last word. Its legs stay until they are removed.
    pub fn close(&mut self, events: &mut impl Events) {
        for player in &mut self.players {
            player.end(DoneReason::Gone);
        }
        retire(&mut self.players, &mut self.retired, events);
    }

    /// Its turn comes next: asks for the memory with which it begins.
    pub fn prefetch(&self) {
        if let Some(first) = self.seats.first() {
            first.leg.prefetch();
        }
    }

    /// One tick of 20 ms. `receive`: gives a leg what has come for it; `send`: takes its packet. Both are asked
    /// once for every leg, in their order.
    pub fn mix(
        &mut self,
        now: Duration,
        events: &mut impl Events,
        receive: impl FnMut(&mut Leg, &mut T),
        send: impl FnMut(&Leg, &mut T),
    ) {
        self.find_targets();
        let in_use = self.listen(now, events, receive);
        self.sum(&in_use);
        self.play_on(&in_use, events);
        self.answer(now, events, send);
        retire(&mut self.players, &mut self.retired, events);
    }

    /// Takes what everybody says. Which rates have listeners.
    fn listen(
        &mut self,
        now: Duration,
        events: &mut impl Events,
        mut receive: impl FnMut(&mut Leg, &mut T),
    ) -> [bool; RATES] {
        let mut in_use = [false; RATES];
        let mut began = false;
        let mut seats = self.seats.iter_mut().peekable();
        while let Some(seat) = seats.next() {
            if let Some(next) = seats.peek() {
                next.leg.prefetch();
            }
            receive(&mut seat.leg, &mut seat.beside);
            let gain = (seat.row.sends != Sends::Nobody).then_some(seat.gain);
            began |= seat.leg.listen(now, gain, events);
            if let Some(voice) = seat.leg.voice() {
                in_use[voice.rate().index()] = true;
                seat.rests = voice.rests();
            }
        }
        if began {
            self.players.iter_mut().for_each(Player::handle_digit);
        }
        in_use
    }

    /// Adds up what everybody says.
    fn sum(&mut self, in_use: &[bool; RATES]) {
        self.floors.iter_mut().for_each(Floor::begin);
        self.whispers.clear();
        for from in 0..self.seats.len() {
            let seat = &mut self.seats[from];
            seat.is_coached = false;
            if seat.rests {
                continue;
            }
            seat.leg.resample(in_use, seat.row.sends == Sends::Nobody);
            let Some(voice) = seat.leg.voice() else { continue };
            match seat.row.sends {
                Sends::Nobody => {}
                Sends::All => {
                    for (rate, floor) in Rate::ALL.into_iter().zip(&mut self.floors) {
                        if in_use[rate.index()] {
                            floor.add_part(voice.part(rate));
                        }
                    }
                }
                Sends::One(_) => {
                    self.whispers.extend(seat.target.map(|to| Whisper { from, to }));
                }
            }
        }
        for whisper in &self.whispers {
            self.seats[whisper.to].is_coached = true;
        }
    }

    /// Plays 20 ms of the players of the bus into the sums.
    fn play_on(&mut self, in_use: &[bool; RATES], events: &mut impl Events) {
        if self.players.is_empty() {
            return;
        }
        retire(&mut self.players, &mut self.retired, events);
        let mut frames = [[0; FRAME_SAMPLES_MAX]; RATES];
        for (place, player) in self.players.iter_mut().enumerate() {
            let mut outputs: Outputs<'_> = [const { None }; RATES];
            for ((rate, frame), output) in Rate::ALL.into_iter().zip(&mut frames).zip(&mut outputs) {
                *output = in_use[rate.index()].then_some(&mut frame[..rate.frame_samples()]);
            }
            let sounds = player.advance(&mut outputs, events);
            for ((rate, floor), output) in Rate::ALL.into_iter().zip(&mut self.floors).zip(outputs) {
                if let Some(pcm) = output {
                    floor.add_player(place, pcm, player.envelope(rate), sounds);
                }
            }
        }
    }

    /// Seats of those that one leg speaks to, after legs or rows have changed.
    fn find_targets(&mut self) {
        if !core::mem::take(&mut self.targets_are_old) {
            return;
        }
        for index in 0..self.seats.len() {
            let target = match self.seats[index].row.sends {
                Sends::One(leg) if leg != self.seats[index].id => self.index(leg),
                Sends::One(_) | Sends::All | Sends::Nobody => None,
            };
            self.seats[index].target = target;
        }
    }

    fn index(&self, leg: LegId) -> Option<usize> {
        self.seats.iter().position(|seat| seat.id == leg)
    }
}
