//! The media of a call as a pure machine: packets and `now` in, packets and events out.
//!
//! No clock, no socket, no thread, no file. `now` and every arrival time is a [`core::time::Duration`] since the engine started. Nothing here
//! allocates in a tick: what needs memory takes it when a leg, a bus, a clip or a player is made.
//!
//! A packet is heard: [`receiver::Receiver::handle_rtp`] (parse, check, jitter buffer) → at the tick [`receiver::Receiver::pull`] (decode, conceal)
//! → level and gate → [`bus::Bus::mix`] (sums per rate, own samples subtracted, one gain per distinct mix) → [`sender::Sender`] (encode once per
//! group, header, sequence) → the transport.

pub mod bus;
pub mod clip;
pub mod codec;
mod comfort;
mod conceal;
pub mod dtmf;
pub mod event;
pub mod g711;
pub mod gain;
pub mod gate;
pub mod id;
pub mod inband;
mod jitter;
pub mod leg;
pub mod level;
pub mod opus;
mod payload;
mod pitch;
pub mod player;
mod playout;
mod prefetch;
mod primer;
pub mod rate;
pub mod receiver;
mod reception;
pub mod resample;
pub mod rtcp;
pub mod rtp;
mod samples;
pub mod sender;
mod silence;
mod store;
mod stretch;
pub mod tap;
pub mod tone;
mod voice;
