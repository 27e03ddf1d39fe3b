//! What bytes are: a keep-alive, a request, a response, or nonsense that still gets its answer.

use core::net::SocketAddr;
use core::time::Duration;

use crate::adapter::{Parsed, SyntaxFault, parse};
use crate::counters::Reason;
use crate::endpoint::Endpoint;
use crate::event::Output;
use crate::flow::{Flow, Transport};
use crate::inspect::{Refused, method_label};
use crate::reply::{Copied, reason_phrase, write_reply};
use crate::salvage::salvage;
use crate::stream::Frame;
use crate::timers::{Owner, Timer};
use crate::via::TopVia;

impl Endpoint {
    /// One datagram, or one WebSocket message. `flow.remote` is its sender.
    pub fn handle_datagram(&mut self, flow: &Flow, bytes: &[u8], now: Duration) {
        if flow.transport.is_reliable() && !self.admit(flow, now) {
            return;
        }
        let message = bytes.trim_ascii_start();
        if message.iter().all(|&byte| byte == 0) {
            self.counters.add(Reason::KeepAlive);
            if flow.transport == Transport::WebSocket && bytes.starts_with(b"\r\n\r\n") {
                self.transmit(flow, b"\r\n".to_vec());
            }
            return;
        }
        self.receive(flow, message, now);
    }

    /// Some bytes of a connection, cut anywhere.
    pub fn handle_stream(&mut self, flow: &Flow, bytes: &[u8], now: Duration) {
        if !self.admit(flow, now) {
            return;
        }
        let mut bytes = bytes;
        while !bytes.is_empty() {
            // In pieces, so that a long read of small messages is never held as a whole.
            let (piece, rest) = bytes.split_at(bytes.len().min(self.limits.message_bytes_max));
            bytes = rest;
            let Some(connection) = self.connections.get_mut(flow.id) else { return };
            connection.framer.push(piece);
            while let Some(frame) = self.next_frame(flow) {
                self.receive_frame(flow, frame, now);
            }
        }
        self.watch_stream(flow, now);
    }

    fn next_frame(&mut self, flow: &Flow) -> Option<Frame> {
        self.connections.get_mut(flow.id)?.framer.next(&self.limits)
    }

    fn receive_frame(&mut self, flow: &Flow, frame: Frame, now: Duration) {
        match frame {
            Frame::Message(message) => self.receive(flow, &message, now),
            Frame::Ping => {
                self.counters.add(Reason::KeepAlive);
                self.transmit(flow, b"\r\n".to_vec());
            }
            Frame::Broken(fault, head) => {
                self.receive_broken(flow, &head, fault);
                self.outputs.push_back(Output::Close { flow: flow.id });
            }
        }
    }

    /// Half a message may not wait for ever: the first of its bytes sets the time.
    fn watch_stream(&mut self, flow: &Flow, now: Duration) {
        let is_waiting =
            self.connections.get(flow.id).is_some_and(|connection| connection.framer.is_waiting());
        let owner = Owner::Stream(flow.id);
        if !is_waiting {
            self.timers.clear(owner, Timer::Patience);
        } else if !self.timers.is_set(owner, Timer::Patience) {
            self.timers.set(owner, Timer::Patience, now + self.limits.stream_patience);
        }
    }

    fn receive(&mut self, flow: &Flow, bytes: &[u8], now: Duration) {
        match parse(bytes, &self.limits) {
            Ok(Parsed::Request(request)) => self.receive_request(flow, request, bytes, now),
            Ok(Parsed::Response(response)) => self.receive_response(flow, response, now),
            Err(fault) => self.receive_broken(flow, bytes, fault),
        }
    }

    /// Answers a request that cannot be read as a whole, if it can be answered at all.
    pub(super) fn receive_broken(&mut self, flow: &Flow, bytes: &[u8], fault: SyntaxFault) {
        let is_response = bytes.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"));
        if is_response {
            self.note(Reason::MalformedResponse, flow);
            return;
        }
        let Some(salvaged) = salvage(bytes, flow.remote, &self.limits) else {
            self.note(Reason::Garbage, flow);
            return;
        };
        let refused = match fault {
            SyntaxFault::Malformed(reason) => {
                Refused::new(400, Reason::Malformed).phrase(format!("Bad Request: {reason}"))
            }
            SyntaxFault::BodyTooLarge => Refused::new(413, Reason::BodyTooLarge),
            SyntaxFault::MessageTooLarge => Refused::new(513, Reason::MessageTooLarge),
        };
        let tag = self.identifiers.tag(&salvaged.copied.call_id.clone().unwrap_or_default());
        self.refuse(flow, &salvaged.method, &salvaged.via, &salvaged.copied, &refused, &tag);
    }

    /// Answers without a transaction. An ACK is never answered.
    pub(super) fn refuse(
        &mut self,
        flow: &Flow,
        method: &[u8],
        via: &TopVia,
        copied: &Copied,
        refused: &Refused,
        tag: &str,
    ) {
        self.note(refused.reason, flow);
        if method == b"ACK" {
            return;
        }
        let phrase = refused.phrase.as_deref().unwrap_or(reason_phrase(refused.status));
        let bytes = write_reply(copied, refused.status, phrase, &refused.headers, tag);
        self.counters.add_response(method_label(method), refused.status);
        self.transmit(&answer_flow(flow, via), bytes);
    }
}

/// Where answers go (RFC 3261 section 18.2.2, RFC 3581): over a connection, back; with UDP to the address
/// that the request came from, and there to its source port when the peer asked for that, else to the port in
/// its Via. `maddr` is not followed: it would let anybody have our answers sent to a third party.
pub(super) fn answer_flow(flow: &Flow, via: &TopVia) -> Flow {
    if flow.transport.is_reliable() || via.wants_rport {
        return *flow;
    }
    let port = via.port.unwrap_or(flow.transport.default_port());
    Flow { remote: SocketAddr::new(flow.remote.ip(), port), ..*flow }
}
