//! The thin shell around `media` and `sip`: threads, sockets, timers, prompt decoding, and the virtual network that stands in for all of them.
//!
//! A datagram's way: socket or mailbox ([`transport`]) → [`line::Line::receive`] (parse, latch) → the leg's jitter buffer; at the tick
//! [`worker::Worker::tick`] mixes; [`line::Line::send`] sends. Two drivers call the same worker: [`live`] and [`network`].

pub mod control;
pub mod core;
pub mod death;
pub mod fault;
pub mod gauge;
pub mod latch;
pub mod line;
pub mod live;
pub mod mailbox;
pub mod network;
pub mod os;
pub mod ports;
pub mod prompt;
pub mod signalling;
pub mod sip_sockets;
pub mod tap;
pub mod transport;
pub mod wire;
pub mod worker;
