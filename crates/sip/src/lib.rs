//! SIP below the dialog layer, and SDP: messages, transactions, offer and answer, over bytes and now.
//!
//! No clock, no socket, no thread. The engine feeds an [`Endpoint`] with bytes (`handle_datagram`,
//! `handle_stream`), connections (`handle_connected`, `handle_closed`, `handle_unreachable`), what ICMP says of
//! datagrams (`handle_undelivered`) and time (`handle_timeout` at `poll_timeout`); the dialog layer gives it answers and requests (`respond`,
//! `request`, `cancel`); after each of these, `poll_output` is drained: bytes to send, connections to open or
//! close, and [`Event`]s for the dialog layer. `now` is the time since the engine's start and never goes
//! back.
//!
//! What never reaches the dialog layer: repetitions, ACKs to refusals, CANCELs themselves, broken or
//! unacceptable requests (answered here, by `inspect`), and whatever is over a limit ([`Limits`]). All of it
//! is counted ([`Counters`]).
//!
//! [`sdp`] reads and writes session descriptions, [`offer`] makes and judges offers and answers: pure
//! functions.

mod adapter;
mod counters;
mod endpoint;
mod event;
mod flow;
mod identifiers;
mod inspect;
mod key;
mod limits;
mod message;
mod multipart;
mod name;
pub mod offer;
mod quote;
mod reply;
mod salvage;
pub mod sdp;
mod stream;
mod timers;
mod via;

pub use counters::{Counters, Reason, Refusal};
pub use endpoint::Endpoint;
pub use event::{Event, FailReason, Output, Request, Response, Target, TransactionId};
pub use flow::{Flow, FlowId, Transport};
pub use inspect::{ACCEPT, ALLOW, SUPPORTED};
pub use limits::Limits;
pub use message::Message;
