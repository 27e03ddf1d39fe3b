//! What goes in and out of an endpoint besides bytes.

use core::net::SocketAddr;

use crate::flow::{FlowId, Transport};
use crate::message::Message;

/// Number of a transaction, ours or theirs. Never used twice; 0 is no transaction (ACK to a 2xx).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransactionId(pub u64);

/// An answer to a server transaction. Via, From, To, Call-ID, CSeq, Record-Route and Content-Length are made
/// here.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// 100 to 699; anything else is sent as 500.
    pub status: u16,
    /// Reason phrase; empty: the RFC's.
    pub reason: String,
    /// Further headers, in order.
    pub headers: Vec<(String, String)>,
    /// Body; its Content-Type is in `headers`.
    pub body: Vec<u8>,
    /// Our tag of the dialog; empty: one is made (not for 100).
    pub to_tag: String,
}

/// A request of ours. `headers` hold From, To, Call-ID, CSeq, Contact, Route ...; Via, Max-Forwards and
/// Content-Length are made here.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Method token.
    pub method: String,
    /// Request URI.
    pub uri: String,
    /// Headers, in order.
    pub headers: Vec<(String, String)>,
    /// Body; its Content-Type is in `headers`.
    pub body: Vec<u8>,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Over an open connection.
    Flow(FlowId),
    /// Out of this UDP socket, to this address.
    Socket(FlowId, SocketAddr),
    /// To this address: over any UDP socket that fits, over an open connection to it, or over a new one.
    Address(Transport, SocketAddr),
}

/// Why a transaction has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailReason {
    /// Nobody answered in time.
    Timeout,
    /// The bytes could not be sent, or the connection has gone.
    Transport,
}

/// News for the dialog layer.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A new request, said once; answer it with `Endpoint::respond`.
    Request {
        /// The server transaction.
        transaction: TransactionId,
        /// The request.
        message: Message,
    },
    /// A CANCEL met an INVITE without a final answer. The CANCEL is answered; the 487 is the dialog layer's.
    Cancelled {
        /// The server transaction of the INVITE.
        transaction: TransactionId,
    },
    /// The first ACK to a 2xx of ours.
    Ack {
        /// The ACK.
        message: Message,
    },
    /// No ACK came to a 2xx of ours in 64 × T1.
    AckTimeout {
        /// The server transaction of the INVITE, which has ended.
        transaction: TransactionId,
        /// Its Call-ID.
        call_id: String,
        /// Our tag in the 2xx.
        to_tag: String,
    },
    /// An answer to a request of ours. A 2xx that is repeated although it was acknowledged is not said again:
    /// the same ACK is sent again.
    Response {
        /// The client transaction.
        transaction: TransactionId,
        /// The response.
        message: Message,
    },
    /// The last word of a client transaction without a final answer, or of a server transaction that cannot
    /// be answered any more (its connection closed, or it was not answered in time).
    Failed {
        /// The transaction.
        transaction: TransactionId,
        /// Why.
        reason: FailReason,
    },
}

/// What the engine has to do.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "drained at once, one by one; a box would cost more than it saves"
)]
pub enum Output {
    /// Send these bytes.
    Transmit {
        /// What carries them.
        transport: Transport,
        /// The connection, or the UDP socket; none: any UDP socket of the family of `remote`.
        flow: Option<FlowId>,
        /// Where to.
        remote: SocketAddr,
        /// One whole message, or a keep-alive answer.
        bytes: Vec<u8>,
    },
    /// Open a connection, then say `handle_connected`, or `handle_unreachable` when it fails.
    Connect {
        /// TCP or TLS.
        transport: Transport,
        /// Where to.
        remote: SocketAddr,
    },
    /// Close this connection, after what was transmitted before, and say `handle_closed`.
    Close {
        /// The connection.
        flow: FlowId,
    },
    /// News for the dialog layer.
    Event(Event),
}
