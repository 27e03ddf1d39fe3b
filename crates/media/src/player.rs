//! A playlist as a source of sound: into the ear of one leg, or into a bus.
//!
//! Items follow each other without a gap: one may end in mid-frame and the next begins on the next sample. A
//! list that has run dry and is not closed is silent and waits. A loop runs here, not outside. Positions
//! count samples of the narrow rate and are exact at every rate.
//!
//! A player never frees memory in the tick: what it has played it keeps until the place is needed, and the
//! one who appends gets the old item back; a player that has ended is handed back by its bus
//! ([`crate::bus::Bus::take_retired`]).

use std::sync::Arc;

use crate::clip::Clip;
use crate::codec::Codec;
use crate::event::{DoneReason, Event, Events};
use crate::gain::{Envelope, Mixed, apply};
use crate::id::PlayerId;
use crate::level::{gain_factor, peak};
use crate::rate::{NARROW_FRAME_SAMPLES, NARROW_HZ, RATES, Rate};
use crate::tone::Tone;

/// Items that wait in one player; more are refused.
pub const ITEMS_WAITING_MAX: usize = 64;
/// Parts of items in one frame that are remembered to copy their payloads; a frame of more parts is encoded.
const PIECES_MAX: usize = 4;

/// One entry of a playlist.
#[derive(Clone, Debug)]
pub enum Item {
    /// A clip, played so many times; 0: for ever.
    Clip(Arc<Clip>, u32),
    /// A sine.
    Tone {
        /// Frequency.
        hertz: f32,
        /// Duration.
        milliseconds: u32,
        /// Level.
        dbm0: f32,
    },
    /// Nothing, for a while.
    Silence {
        /// Duration.
        milliseconds: u32,
    },
}

impl Item {
    /// Samples of one run at the narrow rate.
    fn length(&self) -> u64 {
        match self {
            Item::Clip(clip, _) => clip.length(),
            Item::Tone { milliseconds, .. } | Item::Silence { milliseconds } => {
                u64::from(*milliseconds) * u64::from(NARROW_HZ) / 1_000
            }
        }
    }

    fn runs(&self) -> u32 {
        if let Item::Clip(_, loops) = self { *loops } else { 1 }
    }

    fn is_sound(&self) -> bool {
        !matches!(self, Item::Silence { .. })
    }

    fn render(&self, from: u64, rate: Rate, out: &mut [i16]) {
        match self {
            Item::Clip(clip, _) => clip.render(from, rate, out),
            Item::Tone { hertz, milliseconds, dbm0 } => {
                Tone::sine(*hertz, *milliseconds, *dbm0).render(from, rate, out)
            }
            Item::Silence { .. } => out.fill(0),
        }
    }
}

/// Part of an item that went into the last frame.
#[derive(Copy, Clone, Debug, Default)]
struct Piece {
    item: u32,
    from: u64,
    samples: usize,
}

/// What a codec made of a frame before it was played.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Ready<'a> {
    /// A code for each of its samples.
    Codes(&'a [u8]),
    /// The payload of the tick in which the frame is mixed.
    Payload {
        /// What to send.
        bytes: &'a [u8],
        /// Nothing of the sound is on its way before this frame.
        is_first: bool,
    },
}

impl Ready<'_> {
    /// Whether this is what the encoder would make of a mix in which the player is alone.
    pub(crate) fn is_same_as(&self, mixed: Mixed) -> bool {
        match self {
            Ready::Codes(_) => mixed.is_transparent,
            Ready::Payload { is_first, .. } => mixed.is_transparent && (mixed.began_quiet || !is_first),
        }
    }
}

/// Where a player writes a frame: at the rates for which there is somebody.
pub(crate) type Outputs<'a> = [Option<&'a mut [i16]>; RATES];

/// Plays a list.
#[derive(Debug)]
pub struct Player {
    id: PlayerId,
    gain: f32,
    stop_on_digit: bool,
    items: Box<[Option<Item>]>,
    appended: u32,
    current: u32,
    begun: bool,
    runs_played: u32,
    position: u64,
    closed: bool,
    ended: Option<DoneReason>,
    envelopes: [Envelope; RATES],
    pieces: Box<[Piece; PIECES_MAX]>,
    pieces_used: usize,
}

impl Player {
    /// An empty list. `stop_on_digit`: it ends when a key begins on its leg (on any leg of its bus).
    pub fn new(id: PlayerId, gain_db: f32, stop_on_digit: bool) -> Player {
        Player {
            id,
            gain: gain_factor(gain_db),
            stop_on_digit,
            items: (0..ITEMS_WAITING_MAX).map(|_| None).collect(),
            appended: 0,
            current: 0,
            begun: false,
            runs_played: 0,
            position: 0,
            closed: false,
            ended: None,
            envelopes: [Envelope::default(); RATES],
            pieces: Box::new([Piece::default(); PIECES_MAX]),
            pieces_used: 0,
        }
    }

    /// Its name.
    pub fn id(&self) -> PlayerId {
        self.id
    }

    /// Puts an item at the end; the item that was there before comes back, to be freed off the tick.
    ///
    /// # Errors
    /// The item itself, when [`ITEMS_WAITING_MAX`] wait already, or the list is closed.
    pub fn append(&mut self, item: Item) -> Result<Option<Item>, Item> {
        if self.closed || self.ended.is_some() || (self.appended - self.current) as usize == ITEMS_WAITING_MAX
        {
            return Err(item);
        }
        let old = self.items[self.appended as usize % ITEMS_WAITING_MAX].replace(item);
        self.appended += 1;
        Ok(old)
    }

    /// Closes the list: the player ends after its last item.
    pub fn finish(&mut self) {
        self.closed = true;
    }

    /// Ends it at the next tick.
    pub fn stop(&mut self) {
        self.end(DoneReason::Stopped);
    }

    pub(crate) fn end(&mut self, reason: DoneReason) {
        self.ended.get_or_insert(reason);
    }

    pub(crate) fn handle_digit(&mut self) {
        if self.stop_on_digit {
            self.end(DoneReason::Digit);
        }
    }

    /// Why it has ended, if it has.
    pub(crate) fn ended(&self) -> Option<DoneReason> {
        self.ended
    }

    pub(crate) fn envelope(&self, rate: Rate) -> Envelope {
        self.envelopes[rate.index()]
    }

    /// Plays 20 ms and fills `outputs`. Whether any of it is sound.
    pub(crate) fn advance(&mut self, outputs: &mut Outputs<'_>, events: &mut impl Events) -> bool {
        let mut filled = 0;
        let mut sounds = false;
        self.pieces_used = 0;
        while self.ended.is_none() && filled < NARROW_FRAME_SAMPLES && self.current < self.appended {
            let Some(item) = &self.items[self.current as usize % ITEMS_WAITING_MAX] else { break };
            if !self.begun {
                self.begun = true;
                events.push(Event::ItemStarted { player: self.id, item: self.current });
            }
            let samples =
                (item.length() - self.position).min((NARROW_FRAME_SAMPLES - filled) as u64) as usize;
            if samples > 0 {
                sounds |= item.is_sound();
                for (rate, output) in Rate::ALL.into_iter().zip(outputs.iter_mut()) {
                    if let Some(output) = output {
                        let part = filled * rate.per_narrow()..(filled + samples) * rate.per_narrow();
                        item.render(self.position, rate, &mut output[part]);
                    }
                }
                if let Some(piece) = self.pieces.get_mut(self.pieces_used) {
                    *piece = Piece { item: self.current, from: self.position, samples };
                }
                self.pieces_used += 1;
            }
            filled += samples;
            self.position += samples as u64;
            if self.position == item.length() {
                let (runs, empty) = (item.runs(), item.length() == 0);
                self.end_run(runs, empty, events);
            }
        }
        self.complete(filled, outputs);
        sounds
    }

    /// One run of the current item is over.
    fn end_run(&mut self, runs: u32, empty: bool, events: &mut impl Events) {
        self.position = 0;
        self.runs_played = self.runs_played.saturating_add(1);
        if !empty && (runs == 0 || self.runs_played < runs) {
            return;
        }
        events.push(Event::ItemDone { player: self.id, item: self.current });
        self.current += 1;
        self.begun = false;
        self.runs_played = 0;
    }

    /// Silence after what was played, gain, envelopes, and the end of a closed list.
    fn complete(&mut self, filled: usize, outputs: &mut Outputs<'_>) {
        for (rate, output) in Rate::ALL.into_iter().zip(outputs.iter_mut()) {
            let Some(output) = output else {
                self.envelopes[rate.index()] = Envelope::default();
                continue;
            };
            output[filled * rate.per_narrow()..].fill(0);
            if self.gain != 1.0 {
                apply(self.gain, output);
            }
            self.envelopes[rate.index()].follow(peak(output));
        }
        if self.closed && self.current == self.appended {
            self.end(DoneReason::Finished);
        }
    }

    /// What was encoded ahead of the last frame, when all of it is clips at unity gain. None: it has to be
    /// encoded.
    pub(crate) fn ready<'a>(&'a self, codec: Codec, codes: &'a mut [u8]) -> Option<Ready<'a>> {
        if self.gain != 1.0 || self.pieces_used == 0 || self.pieces_used > PIECES_MAX {
            return None;
        }
        let pieces = &self.pieces[..self.pieces_used];
        if let [whole] = pieces
            && whole.samples == NARROW_FRAME_SAMPLES
            && let Some(frame) = self.clip(whole).and_then(|clip| clip.frame(codec, whole.from))
        {
            return Some(Ready::Payload { bytes: frame, is_first: whole.from == 0 });
        }
        let mut filled = 0;
        for piece in pieces {
            let part = self.clip(piece)?.codes(codec, piece.from, piece.samples)?;
            codes[filled..filled + part.len()].copy_from_slice(part);
            filled += part.len();
        }
        (filled == NARROW_FRAME_SAMPLES).then_some(Ready::Codes(&codes[..filled]))
    }

    fn clip(&self, piece: &Piece) -> Option<&Clip> {
        match self.items[piece.item as usize % ITEMS_WAITING_MAX].as_ref()? {
            Item::Clip(clip, _) => Some(clip),
            Item::Tone { .. } | Item::Silence { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn clip(samples: usize, value: i16) -> Arc<Clip> {
        Arc::new(Clip::new(vec![value; samples], Some(vec![value; samples * 6]), &[Codec::Pcmu]))
    }

    fn player(items: impl IntoIterator<Item = Item>) -> Player {
        let mut player = Player::new(PlayerId(1), 0.0, false);
        for item in items {
            player.append(item).expect("room for it");
        }
        player
    }

    fn play(player: &mut Player, frames: usize) -> (Vec<i16>, Vec<Event>) {
        let (mut pcm, mut events) = (Vec::new(), Vec::new());
        for _ in 0..frames {
            let (mut narrow, mut wide) = ([9i16; 160], [9i16; 960]);
            player.advance(&mut [Some(&mut narrow), Some(&mut wide)], &mut events);
            assert!(narrow.iter().zip(wide.chunks(6)).all(|(x, six)| six.iter().all(|y| y == x)));
            pcm.extend(narrow);
        }
        (pcm, events)
    }

    fn started(item: u32) -> Event {
        Event::ItemStarted { player: PlayerId(1), item }
    }

    fn done(item: u32) -> Event {
        Event::ItemDone { player: PlayerId(1), item }
    }

    #[test]
    fn items_follow_each_other_on_the_next_sample() {
        let items = [
            Item::Clip(clip(100, 1), 1),
            Item::Clip(clip(90, 2), 2),
            Item::Clip(clip(0, 3), 0),
            Item::Clip(clip(60, 4), 1),
        ];
        let mut player = player(items);
        player.finish();
        let (pcm, events) = play(&mut player, 3);
        let expected: Vec<i16> =
            [(100, 1), (180, 2), (60, 4), (140, 0)].into_iter().flat_map(|(n, x)| vec![x; n]).collect();
        assert_eq!(pcm, expected);
        assert_eq!(
            events,
            [started(0), done(0), started(1), done(1), started(2), done(2), started(3), done(3)]
        );
        assert_eq!(player.ended(), Some(DoneReason::Finished));
    }

    #[test]
    fn a_dry_list_waits_and_a_closed_one_ends_in_the_tick_of_its_last_sample() {
        let mut player = player([Item::Clip(clip(160, 1), 1)]);
        assert_eq!(play(&mut player, 3).1, [started(0), done(0)]);
        assert_eq!(player.ended(), None);
        player.append(Item::Silence { milliseconds: 20 }).expect("room for it");
        player.finish();
        assert!(player.append(Item::Silence { milliseconds: 1 }).is_err());
        assert_eq!(play(&mut player, 1).1, [started(1), done(1)]);
        assert_eq!(player.ended(), Some(DoneReason::Finished));
    }

    #[test]
    fn for_ever_is_for_ever_and_nothing_for_ever_is_nothing() {
        let mut player = player([Item::Clip(clip(0, 1), 0), Item::Clip(clip(7, 5), 0)]);
        let (pcm, events) = play(&mut player, 100);
        assert!(pcm.iter().all(|&x| x == 5));
        assert_eq!(events, [started(0), done(0), started(1)]);
    }

    #[test]
    fn what_is_appended_replaces_what_was_played() {
        let mut player = player((0..ITEMS_WAITING_MAX).map(|_| Item::Clip(clip(1, 1), 1)));
        assert!(player.append(Item::Silence { milliseconds: 1 }).is_err(), "the list is full");
        play(&mut player, 1);
        assert!(matches!(player.append(Item::Silence { milliseconds: 1 }), Ok(Some(Item::Clip(..)))));
    }

    #[test]
    fn payloads_are_copied_from_any_sample_and_only_at_unity_gain() {
        let pcm: Vec<i16> = (0..400).map(|n| (n * 64 - 12_800) as i16).collect();
        let wide = pcm.iter().flat_map(|&x| [x; 6]).collect();
        let clip = Arc::new(Clip::new(pcm, Some(wide), &[Codec::Pcmu, Codec::Opus]));
        let mut player = player([Item::Clip(clip.clone(), 0)]);
        let mut codes = [0; NARROW_FRAME_SAMPLES];
        play(&mut player, 1);
        let bytes = clip.frame(Codec::Opus, 0).expect("encoded");
        assert_eq!(player.ready(Codec::Opus, &mut codes), Some(Ready::Payload { bytes, is_first: true }));
        play(&mut player, 2);
        let parts = [clip.codes(Codec::Pcmu, 320, 80), clip.codes(Codec::Pcmu, 0, 80)];
        let expected = parts.map(|part| part.expect("encoded")).concat();
        assert_eq!(player.ready(Codec::Pcmu, &mut codes), Some(Ready::Codes(&expected)));
        assert_eq!(player.ready(Codec::Pcma, &mut codes), None);
        assert_eq!(player.ready(Codec::Opus, &mut codes), None);

        let mut quieter = Player::new(PlayerId(2), -3.0, false);
        quieter.append(Item::Clip(clip, 0)).expect("room for it");
        let mut out = [0; 160];
        quieter.advance(&mut [Some(&mut out), None], &mut Vec::new());
        assert_eq!(quieter.ready(Codec::Pcmu, &mut codes), None);
    }

    proptest! {
        #[test]
        fn any_list_is_its_items_one_after_the_other(list in vec((0..500usize, 1..4u32, any::<bool>()), 1..12)) {
            let mut expected = Vec::new();
            let items = list.iter().enumerate().map(|(n, &(samples, loops, silent))| {
                if silent {
                    expected.extend(vec![0; samples / 8 * 8]);
                    return Item::Silence { milliseconds: samples as u32 / 8 };
                }
                expected.extend(vec![n as i16 + 1; samples * loops as usize]);
                Item::Clip(clip(samples, n as i16 + 1), loops)
            });
            let mut player = player(items.collect::<Vec<Item>>());
            player.finish();
            let frames = expected.len().div_ceil(NARROW_FRAME_SAMPLES).max(1);
            let (pcm, events) = play(&mut player, frames);
            expected.resize(pcm.len(), 0);
            prop_assert_eq!(pcm, expected);
            let words: Vec<Event> = (0..list.len() as u32).flat_map(|item| [started(item), done(item)]).collect();
            prop_assert_eq!(events, words);
            prop_assert_eq!(player.ended(), Some(DoneReason::Finished));
        }
    }
}
