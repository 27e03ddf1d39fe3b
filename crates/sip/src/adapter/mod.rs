//! The only place that knows `sipx-sip`, but for its table of names (`name`). Bytes, our own types and plain
//! steps go through; no type of it leaves.
//!
//! What is taken from it: the parser, typed headers, and the four transaction machines of RFC 3261 section 17
//! with RFC 6026. What is not, and why: its `TransactionLayer`, because its maps are unbounded and its key of
//! an RFC 2543 peer holds the To tag, so that the ACK to a refusal never finds its INVITE; its stream parser,
//! because a fault there swallows the messages before it and leaves nothing to answer.

mod build;
mod machine;
mod parse;

pub(crate) use build::{build_cancel, build_request, build_response};
pub(crate) use machine::{ClientMachine, ServerMachine, Step};
pub(crate) use parse::{Parsed, SyntaxFault, WireRequest, WireResponse, parse, parse_broken_via};
