//! What a bus has to tell, and where it tells it.
//!
//! Every one of these must arrive (DESIGN section 2, "Order"): levels and counters are values that are read,
//! not events. An event carries no time: all events of a `mix` happened in that tick.

use crate::id::{LegId, PlayerId};

/// Something that happened in a tick.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A key of the far end, once, when it begins; in the band when it is known.
    Digit {
        /// Who pressed it.
        leg: LegId,
        /// ASCII: `0`–`9`, `*`, `#`, `A`–`D`.
        key: u8,
        /// Found as tones in the audio, where all who hear the leg have heard it: not to be made again.
        in_band: bool,
    },
    /// The first sample of an item leaves in this tick.
    ItemStarted {
        /// The player.
        player: PlayerId,
        /// From 0, in the order of `append`.
        item: u32,
    },
    /// The last sample of the last loop of an item leaves in this tick. An item that is cut off has no such
    /// event.
    ItemDone {
        /// The player.
        player: PlayerId,
        /// From 0, in the order of `append`.
        item: u32,
    },
    /// The last word of a player; each has exactly one.
    PlayerDone {
        /// The player.
        player: PlayerId,
        /// Why it ended.
        reason: DoneReason,
    },
}

/// Why a player ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum DoneReason {
    /// Its list was closed and has been played.
    Finished,
    /// By command.
    Stopped,
    /// A key was pressed and it stops on keys.
    Digit,
    /// The leg or bus that it played into has ended.
    Gone,
}

/// Where events go: a bounded ring in the engine, a `Vec` in tests. `push` is called in the tick and must not
/// allocate there.
pub trait Events {
    /// Takes one event; they come in the order in which they happened.
    fn push(&mut self, event: Event);
}

impl Events for Vec<Event> {
    fn push(&mut self, event: Event) {
        Vec::push(self, event);
    }
}
