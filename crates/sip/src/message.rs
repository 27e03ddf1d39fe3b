//! A SIP message as the dialog layer reads it: owned, parsed once.
//!
//! Text that is no UTF-8 (RFC 4475 has some) is replaced, never refused: whoever needs bytes exactly has
//! `body`.

use std::borrow::Cow;

use core::net::SocketAddr;

use crate::flow::{FlowId, Transport};
use crate::name::canonical_name;

/// A parsed request or response. The fields are those of `SipMessage` in `_native.pyi`.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Method; of a response: that of its CSeq.
    pub method: String,
    /// Request URI; empty in a response.
    pub uri: String,
    /// Status; 0 in a request.
    pub status: u16,
    /// Reason phrase; empty in a request.
    pub reason: String,
    /// Call-ID.
    pub call_id: String,
    /// Number of the CSeq.
    pub cseq: u32,
    /// URI in From.
    pub from_uri: String,
    /// Tag of From; empty from a peer of RFC 2543.
    pub from_tag: String,
    /// Display name of From, without its quotes.
    pub from_display: String,
    /// URI in To.
    pub to_uri: String,
    /// Tag of To; empty outside a dialog.
    pub to_tag: String,
    /// URI of the first Contact. An INVITE without one (RFC 2543): the URI in From. Else empty.
    pub contact_uri: String,
    /// Record-Route, top to bottom, each a whole name-addr.
    pub routes: Vec<String>,
    /// Body; of INVITE, UPDATE, ACK and their answers: the session description in it, alone or as a part, and nothing else.
    pub body: Vec<u8>,
    /// What it came over.
    pub transport: Transport,
    /// Where it came from.
    pub remote: SocketAddr,
    /// The connection, or the UDP socket.
    pub flow: FlowId,
    /// All header rows as (canonical name, unfolded value), in order.
    pub(crate) rows: Vec<(String, String)>,
}

impl Message {
    /// Whether it is a request.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.status == 0
    }

    /// What its rows and its body hold, about.
    pub(crate) fn weight_bytes(&self) -> usize {
        let rows: usize = self.rows.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.uri.len() + rows + self.body.len()
    }

    /// (transport, host, port) it came from.
    #[must_use]
    pub fn source(&self) -> (&'static str, String, u16) {
        (self.transport.name(), self.remote.ip().to_string(), self.remote.port())
    }

    /// The first row of this name; case does not count, compact forms are known.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let name = long_name(name);
        self.rows.iter().find(|(row, _)| row.eq_ignore_ascii_case(&name)).map(|(_, value)| value.as_str())
    }

    /// All rows of this name, in order, each as it came (a row may hold several values, with commas).
    #[must_use]
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let name = long_name(name);
        let same = |row: &&(String, String)| row.0.eq_ignore_ascii_case(&name);
        self.rows.iter().filter(same).map(|(_, value)| value.as_str()).collect()
    }
}

/// Rows bear long names, so only a compact form has to be looked up.
fn long_name(name: &str) -> Cow<'_, str> {
    if name.len() == 1 { Cow::Owned(canonical_name(name)) } else { Cow::Borrowed(name) }
}
