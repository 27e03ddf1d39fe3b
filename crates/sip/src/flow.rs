//! Where bytes come from and go to.
//!
//! The engine owns sockets and numbers them. A connection (TCP, TLS, WebSocket) is one flow with one far end.
//! A UDP socket is one flow too, whoever sends to it: the far end of a datagram is the `remote` given beside
//! it, so no state is kept for a stranger who only sent a packet, and nothing has to be bounded or aged.

use core::net::SocketAddr;

/// What carries the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams; requests and responses are repeated by the transactions.
    Udp,
    /// A byte stream.
    Tcp,
    /// A byte stream inside TLS.
    Tls,
    /// Whole messages as WebSocket frames (RFC 7118).
    WebSocket,
}

impl Transport {
    /// Whether it repeats lost bytes by itself, which switches most timers off (RFC 3261 section 17).
    #[must_use]
    pub fn is_reliable(self) -> bool {
        self != Self::Udp
    }

    /// The word in a Via header.
    #[must_use]
    pub fn via_name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::WebSocket => "WS",
        }
    }

    /// The word in a URI's transport parameter, and in `Message::source`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::WebSocket => "ws",
        }
    }

    /// The port that is meant when none is written.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::WebSocket => 80,
        }
    }
}

/// Number of a flow. The engine chooses it and never uses it again; 0 is no flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u64);

/// A flow, as it stands beside the bytes that came over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Its number: of the connection, or of the UDP socket.
    pub id: FlowId,
    /// What carries it.
    pub transport: Transport,
    /// Our end.
    pub local: SocketAddr,
    /// The far end; with UDP: the sender of this datagram.
    pub remote: SocketAddr,
}
