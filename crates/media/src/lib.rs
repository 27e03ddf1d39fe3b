//! The media of a call as a pure machine: packets and `now` in, packets and events out.
//!
//! No clock, no socket, no thread, no file. `now` and every arrival time is a [`core::time::Duration`] since the engine started. Nothing here
//! allocates in a tick: what needs memory takes it when a leg, a bus, a clip or a player is made.
//!
//! A packet is heard: [`receiver::Receiver::handle_rtp`] (parse, check, jitter buffer) → at the tick [`receiver::Receiver::pull`] (decode, conceal)
//! → level and gate → [`bus::Bus::mix`] (sums per rate, own samples subtracted, one gain per distinct mix) → [`sender::Sender`] (encode once per
//! group, header, sequence) → the transport.

pub mod codec;
pub mod dtmf;
pub mod g711;
pub mod opus;
pub mod receiver;
pub mod rtp;
