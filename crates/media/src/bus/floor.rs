//! What everybody hears at one rate: the sum of all who send to all, and the frame for those who only listen.

use crate::codec::Codec;
use crate::gain::{Envelope, Limiter, Load, Mixed};
use crate::id::LegId;
use crate::rate::Rate;
use crate::voice::Part;

const CODECS: usize = Codec::ALL.len();

/// The sum of a bus at one rate, and the gain of its shared mix.
#[derive(Debug)]
pub(super) struct Floor {
    rate: Rate,
    sum: Box<[i32]>,
    load: Load,
    sources: u32,
    player: Option<usize>,
    limiter: Limiter,
    /// The limiter has seen the last tick.
    is_current: bool,
    is_needed: bool,
    groups: [Group; CODECS],
}

/// The listeners of one codec.
#[derive(Copy, Clone, Debug, Default)]
struct Group {
    /// Whose encoder has encoded for all, the last time.
    leader: Option<LegId>,
    leader_seat: Option<usize>,
    first_seat: Option<usize>,
    /// Somebody gets its frames from this tick on.
    has_new: bool,
    /// Somebody will from the next on.
    expects_new: bool,
}

impl Floor {
    pub(super) fn new(rate: Rate) -> Floor {
        Floor {
            rate,
            sum: vec![0; rate.frame_samples()].into_boxed_slice(),
            load: Load::default(),
            sources: 0,
            player: None,
            limiter: Limiter::default(),
            is_current: false,
            is_needed: false,
            groups: [Group::default(); CODECS],
        }
    }

    /// A new tick: nothing is in the sum, and nobody listens.
    pub(super) fn begin(&mut self) {
        self.load = Load::default();
        self.sources = 0;
        self.player = None;
        self.is_needed = false;
        for group in &mut self.groups {
            (group.leader_seat, group.first_seat) = (None, None);
            group.has_new = core::mem::take(&mut group.expects_new);
        }
    }

    /// A leg that sends to all.
    pub(super) fn add_part(&mut self, part: &Part) {
        self.load.add(part.envelope());
        if let Some(pcm) = part.heard() {
            self.add(pcm);
        }
    }

    /// The player at place `player` of the bus, which everybody hears.
    pub(super) fn add_player(&mut self, player: usize, pcm: &[i16], envelope: Envelope, sounds: bool) {
        self.load.add(envelope);
        if sounds {
            self.add(pcm);
            self.player = Some(player);
        }
    }

    fn add(&mut self, pcm: &[i16]) {
        add(&mut self.sum, pcm, self.sources == 0);
        self.sources += 1;
    }

    /// All contributions, before gain. Meaningful when there are sources.
    pub(super) fn sum(&self) -> &[i32] {
        &self.sum
    }

    pub(super) fn load(&self) -> Load {
        self.load
    }

    /// How many are in the sum.
    pub(super) fn sources(&self) -> u32 {
        self.sources
    }

    /// Place of a player that is in the sum.
    pub(super) fn player(&self) -> Option<usize> {
        self.player
    }

    /// Gain and delay as they were at the end of the last tick.
    pub(super) fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    /// A leg gets the shared frame of this tick.
    pub(super) fn join(&mut self, codec: Codec, seat: usize, leg: LegId) {
        self.is_needed = true;
        let group = &mut self.groups[codec as usize];
        group.first_seat.get_or_insert(seat);
        if group.leader == Some(leg) {
            group.leader_seat = Some(seat);
        }
    }

    /// A leg will get the shared frame from the next tick on.
    pub(super) fn expect(&mut self, codec: Codec) {
        self.is_needed = true;
        self.groups[codec as usize].expects_new = true;
    }

    /// The seat whose encoder encodes for all listeners of the codec, when there are any: the one who did so
    /// last, if it still listens. The second: one of them is new.
    pub(super) fn lead(&mut self, codec: Codec, leg_at: impl Fn(usize) -> LegId) -> Option<(usize, bool)> {
        let group = &mut self.groups[codec as usize];
        let seat = group.leader_seat.or(group.first_seat);
        seat.map(|seat| {
            group.leader = Some(leg_at(seat));
            (seat, group.has_new)
        })
    }

    /// The shared mix of this tick, if somebody needs it; the second: it is nothing but silence.
    pub(super) fn mix(&mut self, out: &mut [i16]) -> Option<(Mixed, bool)> {
        if !self.is_needed {
            self.is_current = false;
            return None;
        }
        let target = self.load.gain();
        if !self.is_current {
            self.limiter.clear();
            self.limiter.resume(target, &[]);
            self.is_current = true;
        }
        if self.sources == 0 {
            self.sum.fill(0);
        }
        let mixed = self.limiter.process(self.rate, &self.sum, target, out);
        Some((mixed, mixed.began_quiet && self.sources == 0))
    }
}

/// Adds samples to a sum, of which they may be the first.
pub(super) fn add(sum: &mut [i32], pcm: &[i16], first: bool) {
    if first {
        for (total, &x) in sum.iter_mut().zip(pcm) {
            *total = i32::from(x);
        }
    } else {
        for (total, &x) in sum.iter_mut().zip(pcm) {
            *total += i32::from(x);
        }
    }
}
