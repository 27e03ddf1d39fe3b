//! Every bound of this crate, with what happens at it.
//!
//! A refusal at a bound is answered where the RFC has an answer, and always counted (`counters`).

use core::time::Duration;

/// The bounds of an endpoint and its timers. `Default` is for a server on the open internet.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest message in bytes, head and body. More: 513, and the connection is closed.
    pub message_bytes_max: usize,
    /// Longest body in bytes. More: 413.
    pub body_bytes_max: usize,
    /// Most parts of a multipart body. More: 400.
    pub body_parts_max: usize,
    /// Most header rows in a message. More: 400.
    pub headers_max: usize,
    /// Longest header row in bytes, its folded lines included. More: 400.
    pub header_bytes_max: usize,
    /// Longest request URI in bytes. More: 414.
    pub uri_bytes_max: usize,
    /// Server transactions in all. More: 503 with Retry-After, without a transaction.
    pub server_transactions_max: usize,
    /// Server transactions from one IP address. More: 503 with Retry-After. Generous, because a carrier is
    /// one address, and a transaction lives for 32 s after its answer.
    pub server_transactions_per_source_max: usize,
    /// Bytes that the requests of one IP address hold while their transactions live. More: 503 with Retry-After.
    pub server_bytes_per_source_max: usize,
    /// Client transactions in all. More: the request fails at once.
    pub client_transactions_max: usize,
    /// Open connections. More: the newest is closed.
    pub streams_max: usize,
    /// Open connections from one IP address. More: the newest is closed.
    pub streams_per_source_max: usize,
    /// Connections being opened. More: the request fails at once.
    pub connects_max: usize,
    /// Bytes that wait for one connection to open. More: the request fails at once.
    pub connect_queue_bytes_max: usize,
    /// How long a connection may take to open, and a message on a stream to become whole. Longer: given up,
    /// closed.
    pub stream_patience: Duration,
    /// How long an INVITE may be without a new answer of ours (we: 500) or of theirs (the request fails).
    pub invite_patience: Duration,
    /// Round trip estimate of RFC 3261.
    pub t1: Duration,
    /// Longest interval between repetitions.
    pub t2: Duration,
    /// Longest life of a message in the network.
    pub t4: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes_max: 65_535,
            body_bytes_max: 32_768,
            body_parts_max: 16,
            headers_max: 128,
            header_bytes_max: 8_192,
            uri_bytes_max: 2_048,
            server_transactions_max: 32_768,
            server_transactions_per_source_max: 16_384,
            server_bytes_per_source_max: 67_108_864,
            client_transactions_max: 32_768,
            streams_max: 4_096,
            streams_per_source_max: 1_024,
            connects_max: 256,
            connect_queue_bytes_max: 262_144,
            stream_patience: Duration::from_secs(32),
            invite_patience: Duration::from_secs(600),
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// 64 × T1: how long a transaction waits before it gives up.
    #[must_use]
    pub fn transaction_timeout(&self) -> Duration {
        self.t1 * 64
    }
}
