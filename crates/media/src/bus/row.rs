//! One row of the hearing: who hears a leg, and whether it hears.
//!
//! Rows come from outside as data; why they are as they are is not known here. From two rows follows whether
//! one leg hears another: it hears, and the other sends to all or to it alone.

use crate::id::LegId;

/// To whom a leg's voice goes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Sends {
    /// To everybody on the bus who hears.
    All,
    /// To nobody.
    Nobody,
    /// To one leg, if it is on the bus and hears: a coach.
    One(LegId),
}

/// The row of one leg on its bus.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Row {
    /// Who hears it.
    pub sends: Sends,
    /// Whether it hears the bus: its own players it hears always.
    pub hears: bool,
    /// Gain of what it says.
    pub gain_db: f32,
}

impl Default for Row {
    /// That of a leg that has just come: it hears, and nobody hears it.
    fn default() -> Self {
        Row { sends: Sends::Nobody, hears: true, gain_db: 0.0 }
    }
}
