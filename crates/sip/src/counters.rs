//! What was dropped or refused, by name: `roomtone_sip_rejected_total{reason}`; and answers sent, by method
//! and code.

use std::collections::BTreeMap;

use crate::flow::Transport;
use core::net::SocketAddr;

macro_rules! reasons {
    ($( $variant:ident => $name:literal, $doc:literal; )*) => {
        /// Why something that came in went no further.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $( #[doc = $doc] $variant, )* }

        impl Reason {
            /// All of them, in the order of the metric.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )* ];

            /// The label of the metric.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )* }
            }
        }
    };
}

reasons! {
    KeepAlive => "keep_alive", "Blank lines and lone bytes that keep a binding of a NAT open; not a fault.";
    Garbage => "garbage", "Bytes that are no SIP message, or one that cannot be answered.";
    MalformedResponse => "malformed_response", "A response that cannot be read.";
    StrayResponse => "stray_response", "A response to nothing that we asked.";
    StrayAck => "stray_ack", "An ACK to nothing that we said, or said again.";
    Malformed => "malformed", "Answered 400.";
    MethodNotAllowed => "method_not_allowed", "Answered 405.";
    NotAcceptable => "not_acceptable", "Answered 406: no SDP wanted.";
    BodyTooLarge => "body_too_large", "Answered 413.";
    UriTooLong => "uri_too_long", "Answered 414.";
    UnsupportedMedia => "unsupported_media", "Answered 415.";
    UnsupportedScheme => "unsupported_scheme", "Answered 416.";
    BadExtension => "bad_extension", "Answered 420.";
    NoTransaction => "no_transaction", "A CANCEL of nothing, answered 481.";
    Merged => "merged", "The same request by another way, answered 482.";
    TooManyHops => "too_many_hops", "Answered 483.";
    UnknownMethod => "unknown_method", "Answered 501.";
    Overload => "overload", "No room for a transaction, answered 503.";
    SourceOverload => "source_overload", "No room for one more transaction of that address, answered 503.";
    Version => "version", "Answered 505.";
    MessageTooLarge => "message_too_large", "Answered 513 where it could be.";
    Unanswered => "unanswered", "The dialog layer did not answer in time.";
    FlowLimit => "flow_limit", "No room for one more connection: closed.";
    NoDescriptor => "no_descriptor", "The system had no room for a connection that waited to be accepted: it waits on.";
    StreamStalled => "stream_stalled", "A message on a stream did not become whole in time: closed.";
    Unsendable => "unsendable", "A header of ours that may not be on the wire, left out.";
    LateAnswer => "late_answer", "An answer of ours to a transaction that has ended.";
}

/// One refusal, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// What it came over.
    pub transport: Transport,
    /// Who sent it.
    pub remote: SocketAddr,
}

/// Counts since the start.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    reasons: BTreeMap<Reason, u64>,
    responses: BTreeMap<(&'static str, u16), u64>,
}

impl Counters {
    /// How often `reason` has happened.
    #[must_use]
    pub fn get(&self, reason: Reason) -> u64 {
        self.reasons.get(&reason).copied().unwrap_or(0)
    }

    /// Every reason with its count, zeros too.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        Reason::ALL.iter().map(|&reason| (reason, self.get(reason)))
    }

    /// Answers that we sent, repetitions not counted: (method, status, count). Unknown methods are "other".
    pub fn responses(&self) -> impl Iterator<Item = (&'static str, u16, u64)> + '_ {
        self.responses.iter().map(|(&(method, status), &count)| (method, status, count))
    }

    /// Drops and refusals in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.reasons.values().sum()
    }

    pub(crate) fn add(&mut self, reason: Reason) {
        *self.reasons.entry(reason).or_default() += 1;
    }

    pub(crate) fn add_response(&mut self, method: &'static str, status: u16) {
        *self.responses.entry((method, status)).or_default() += 1;
    }
}
