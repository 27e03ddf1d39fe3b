//! Names of the things that commands and events speak of.
//!
//! The numbers are chosen outside (`Core.new_id`) and never used again, so that a command for something that
//! has ended can be told from a command for its successor. Each kind is a type of its own: a player is never
//! taken for a leg.

macro_rules! id {
    ($name:ident, $meaning:literal) => {
        #[doc = $meaning]
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u64);
    };
}

id!(LegId, "The media side of a call.");
id!(BusId, "A mixing unit: of a live room, or the private one of a call.");
id!(PlayerId, "A list of sounds that is played into an ear or into a bus.");
id!(TapId, "A copy of what a leg says or hears.");
