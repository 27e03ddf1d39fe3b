//! What is refused before the dialog layer hears of it (RFC 3261 section 8.2), in the order of the RFC:
//! method, Request-URI, Max-Forwards, Require, body, Accept. One rule, one function; the first that objects
//! answers.

use crate::counters::Reason;
use crate::limits::Limits;
use crate::message::Message;
use crate::multipart::{self, Parts, parameter};

/// Methods that the dialog layer knows, for `Allow`.
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER";

/// Extensions that we have, for `Supported`.
pub const SUPPORTED: &str = "timer";

/// The body types that we read, for `Accept`: a description, alone or as one part of several.
pub const ACCEPT: &str = "application/sdp, multipart/mixed";

const SDP: &str = "application/sdp";
const MULTIPART: &str = "multipart/mixed";

/// Methods of the RFCs that we know and do not take: 405 instead of 501.
const KNOWN: &[&str] = &["REGISTER", "SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE", "PRACK"];

/// An answer to give instead of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub status: u16,
    pub reason: Reason,
    pub phrase: Option<String>,
    pub headers: Vec<(&'static str, String)>,
}

impl Refused {
    pub fn new(status: u16, reason: Reason) -> Self {
        Self { status, reason, phrase: None, headers: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn phrase(mut self, phrase: String) -> Self {
        self.phrase = Some(phrase);
        self
    }
}

/// The first objection to a request that is well formed. Not for ACK and CANCEL, which are never refused for
/// these.
pub(crate) fn inspect(message: &Message, limits: &Limits) -> Option<Refused> {
    method(message)
        .or_else(|| request_uri(message, limits))
        .or_else(|| max_forwards(message))
        .or_else(|| require(message))
        .or_else(|| body(message, limits))
        .or_else(|| accept(message))
}

/// The method as a label: known ones as they are, "other" for the rest.
pub(crate) fn method_label(method: &[u8]) -> &'static str {
    let known = ALLOW.split(", ").chain(KNOWN.iter().copied());
    known.into_iter().find(|known| known.as_bytes() == method).unwrap_or("other")
}

fn method(message: &Message) -> Option<Refused> {
    if ALLOW.split(", ").any(|allowed| allowed == message.method) {
        return None;
    }
    let refused = if KNOWN.contains(&message.method.as_str()) {
        Refused::new(405, Reason::MethodNotAllowed)
    } else {
        Refused::new(501, Reason::UnknownMethod)
    };
    Some(refused.with("Allow", ALLOW))
}

fn request_uri(message: &Message, limits: &Limits) -> Option<Refused> {
    if message.uri.len() > limits.uri_bytes_max {
        return Some(Refused::new(414, Reason::UriTooLong));
    }
    let scheme = message.uri.split(':').next().unwrap_or_default();
    let is_ours = ["sip", "sips", "tel"].iter().any(|ours| scheme.eq_ignore_ascii_case(ours));
    (!is_ours).then(|| Refused::new(416, Reason::UnsupportedScheme))
}

/// Only for requests that begin something. RFC 4475 section 3.3.11 wants an OPTIONS with 0 processed where it
/// arrives, and a request inside a dialog has arrived.
fn max_forwards(message: &Message) -> Option<Refused> {
    if message.method == "OPTIONS" || !message.to_tag.is_empty() {
        return None;
    }
    let hops: u32 = message.header("Max-Forwards")?.trim().parse().ok()?;
    (hops == 0).then(|| Refused::new(483, Reason::TooManyHops))
}

fn require(message: &Message) -> Option<Refused> {
    let rows = message.headers("Require");
    let unknown: Vec<&str> = rows
        .iter()
        .flat_map(|row| row.split(','))
        .map(str::trim)
        .filter(|tag| !tag.is_empty() && !tag.eq_ignore_ascii_case(SUPPORTED))
        .collect();
    (!unknown.is_empty())
        .then(|| Refused::new(420, Reason::BadExtension).with("Unsupported", unknown.join(", ")))
}

fn body(message: &Message, limits: &Limits) -> Option<Refused> {
    if message.body.is_empty() || !reads_body(message) {
        return None;
    }
    let encoding = message.header("Content-Encoding").unwrap_or("identity").trim();
    if !encoding.eq_ignore_ascii_case("identity") {
        return Some(Refused::new(415, Reason::UnsupportedMedia).with("Accept-Encoding", "identity"));
    }
    let is_understood = match parts(message, limits) {
        Ok(parts) => !parts.demands_more && (parts.description.is_some() || is_optional(message)),
        Err(fault) => {
            return Some(Refused::new(400, Reason::Malformed).phrase(format!("Bad Request: {fault}")));
        }
    };
    (!is_understood).then(|| Refused::new(415, Reason::UnsupportedMedia).with("Accept", ACCEPT))
}

fn accept(message: &Message) -> Option<Refused> {
    if message.method != "INVITE" {
        return None;
    }
    let rows = message.headers("Accept");
    let mut types = rows.iter().flat_map(|row| row.split(',')).map(media_type).peekable();
    types.peek()?;
    let wanted = ["application/sdp", "application/*", "*/*"];
    let takes_sdp = types.any(|media| wanted.iter().any(|wanted| media.eq_ignore_ascii_case(wanted)));
    (!takes_sdp).then(|| Refused::new(406, Reason::NotAcceptable).with("Accept", ACCEPT))
}

/// The dialog layer reads a session description out of these.
fn reads_body(message: &Message) -> bool {
    matches!(message.method.as_str(), "INVITE" | "UPDATE" | "ACK")
}

/// Leaves of a body what the dialog layer reads: the description. What may be ignored and is not ours, or what nobody could refuse (ACK,
/// responses), is taken away.
pub(crate) fn drop_foreign_body(message: &mut Message, limits: &Limits) {
    if reads_body(message) && !message.body.is_empty() {
        let description = parts(message, limits).ok().and_then(|parts| parts.description).unwrap_or_default();
        message.body.truncate(description.end);
        message.body.drain(..description.start);
    }
}

fn parts(message: &Message, limits: &Limits) -> Result<Parts, &'static str> {
    let content_type = message.header("Content-Type").unwrap_or_default();
    let is = |kind| media_type(content_type).eq_ignore_ascii_case(kind);
    if is(MULTIPART) {
        return multipart::read(content_type, &message.body, limits);
    }
    Ok(Parts { description: is(SDP).then_some(0..message.body.len()), demands_more: false })
}

fn is_optional(message: &Message) -> bool {
    let handling = message.header("Content-Disposition").and_then(|value| parameter(value, "handling"));
    handling.is_some_and(|handling| handling.eq_ignore_ascii_case("optional"))
}

fn media_type(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}
