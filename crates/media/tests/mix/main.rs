//! Rooms of far ends that speak RTP with a bus, in virtual time: who hears what, to the sample where it can
//! be said.

mod digits;
mod gain;
mod hearing;
mod naive;
mod players;
mod rates;
mod room;
mod way_out;
