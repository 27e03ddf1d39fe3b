//! What the behaviour tests share: one endpoint under test, a peer that speaks plain text, and exact virtual
//! time.

#![allow(dead_code)]

use std::net::SocketAddr;
use std::time::Duration;

use roomtone_sip::{
    Counters, Endpoint, Event, Flow, FlowId, Limits, Message, Output, Reason, Request, Response, Target,
    TransactionId, Transport,
};

/// Our UDP socket.
pub const UDP: FlowId = FlowId(1);
/// A connection that the peer opened.
pub const TCP: FlowId = FlowId(2);

pub fn us() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

pub fn peer() -> SocketAddr {
    "192.0.2.9:5070".parse().unwrap()
}

pub const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// An endpoint, its clock, and what came out of it.
pub struct Lab {
    pub endpoint: Endpoint,
    pub now: Duration,
    pub transport: Transport,
    pub source: SocketAddr,
    /// (when, to, text) of everything sent.
    pub sent: Vec<(Duration, SocketAddr, String)>,
    /// (when, event) of everything said.
    pub events: Vec<(Duration, Event)>,
    /// Connects and closes.
    pub others: Vec<Output>,
}

impl Lab {
    pub fn new(transport: Transport) -> Self {
        Self::with_limits(transport, Limits::default())
    }

    pub fn udp() -> Self {
        Self::new(Transport::Udp)
    }

    pub fn tcp() -> Self {
        Self::new(Transport::Tcp)
    }

    pub fn with_limits(transport: Transport, limits: Limits) -> Self {
        let mut lab = Self {
            endpoint: Endpoint::new(limits, 7),
            now: Duration::from_secs(1000),
            transport,
            source: peer(),
            sent: Vec::new(),
            events: Vec::new(),
            others: Vec::new(),
        };
        if transport != Transport::Udp {
            let flow = lab.flow();
            lab.endpoint.handle_connected(&flow, lab.now);
            lab.drain();
        }
        lab
    }

    pub fn flow(&self) -> Flow {
        let id = if self.transport == Transport::Udp { UDP } else { TCP };
        Flow { id, transport: self.transport, local: us(), remote: self.source }
    }

    pub fn receive(&mut self, text: impl AsRef<[u8]>) {
        let flow = self.flow();
        match self.transport {
            Transport::Udp | Transport::WebSocket => {
                self.endpoint.handle_datagram(&flow, text.as_ref(), self.now);
            }
            _ => self.endpoint.handle_stream(&flow, text.as_ref(), self.now),
        }
        self.drain();
    }

    pub fn respond(&mut self, transaction: TransactionId, status: u16) {
        self.respond_with(transaction, Response { status, to_tag: "ours".to_owned(), ..Response::default() });
    }

    pub fn respond_with(&mut self, transaction: TransactionId, response: Response) {
        self.endpoint.respond(transaction, &response, self.now);
        self.drain();
    }

    pub fn target(&self) -> Target {
        match self.transport {
            Transport::Udp => Target::Socket(UDP, peer()),
            _ => Target::Flow(TCP),
        }
    }

    pub fn request(&mut self, method: &str) -> TransactionId {
        let request = our_request(method, 1);
        let target = self.target();
        self.request_to(&request, target)
    }

    pub fn request_to(&mut self, request: &Request, target: Target) -> TransactionId {
        let id = self.endpoint.request(request, target, us(), self.now);
        self.drain();
        id
    }

    pub fn cancel(&mut self, transaction: TransactionId) {
        self.endpoint.cancel(transaction, self.now);
        self.drain();
    }

    /// Lets time pass, timer by timer.
    pub fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.endpoint.poll_timeout().filter(|&due| due <= end) {
            self.now = self.now.max(due);
            self.endpoint.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    pub fn drain(&mut self) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                Output::Transmit { remote, bytes, .. } => {
                    self.sent.push((self.now, remote, String::from_utf8_lossy(&bytes).into_owned()));
                }
                Output::Event(event) => self.events.push((self.now, event)),
                other => self.others.push(other),
            }
        }
    }

    /// Takes what was sent so far.
    pub fn take_sent(&mut self) -> Vec<String> {
        core::mem::take(&mut self.sent).into_iter().map(|(_, _, text)| text).collect()
    }

    /// Takes the one message that was sent.
    pub fn take_one(&mut self) -> String {
        let sent = self.take_sent();
        assert_eq!(sent.len(), 1, "one message expected: {sent:#?}");
        sent.into_iter().next().unwrap()
    }

    /// When something was sent, in milliseconds after `start`, that begins with `prefix`.
    pub fn times_of(&self, start: Duration, prefix: &str) -> Vec<u64> {
        let is_it = |entry: &&(Duration, SocketAddr, String)| entry.2.starts_with(prefix);
        self.sent.iter().filter(is_it).map(|(when, _, _)| (*when - start).as_millis() as u64).collect()
    }

    pub fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events).into_iter().map(|(_, event)| event).collect()
    }

    /// Takes the one event, a request.
    pub fn take_request(&mut self) -> (TransactionId, Message) {
        let events = self.take_events();
        match events.as_slice() {
            [Event::Request { transaction, message }] => (*transaction, message.clone()),
            other => panic!("one request expected: {other:#?}"),
        }
    }

    pub fn counters(&self) -> &Counters {
        self.endpoint.counters()
    }

    pub fn count(&self, reason: Reason) -> u64 {
        self.counters().get(reason)
    }
}

/// A request of the peer, in a transaction of its own.
pub fn their_request(method: &str, branch: &str) -> String {
    their_request_with(method, branch, "", "")
}

/// The same with further header lines and a body.
pub fn their_request_with(method: &str, branch: &str, headers: &str, body: &str) -> String {
    format!(
        "{method} sip:demo@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK{branch};rport\r\n\
         Max-Forwards: 70\r\n\
         From: \"Alice A.\" <sip:alice@example.com>;tag=theirs\r\n\
         To: <sip:demo@192.0.2.1>\r\n\
         Call-ID: call-{branch}@192.0.2.9\r\n\
         CSeq: 1 {method}\r\n\
         Contact: <sip:alice@192.0.2.9:5070>\r\n\
         {headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The ACK to a 2xx of ours: a branch of its own.
pub fn their_ack(invite_branch: &str, to_tag: &str) -> String {
    their_request("ACK", invite_branch)
        .replace(&format!("branch=z9hG4bK{invite_branch}"), &format!("branch=z9hG4bKack{invite_branch}"))
        .replace("To: <sip:demo@192.0.2.1>", &format!("To: <sip:demo@192.0.2.1>;tag={to_tag}"))
}

/// The ACK to a refusal of ours: the branch of the INVITE.
pub fn their_refusal_ack(invite_branch: &str, to_tag: &str) -> String {
    their_request("ACK", invite_branch)
        .replace("To: <sip:demo@192.0.2.1>", &format!("To: <sip:demo@192.0.2.1>;tag={to_tag}"))
}

pub fn our_request(method: &str, cseq: u32) -> Request {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Request {
        method: method.to_owned(),
        uri: "sip:bob@192.0.2.9:5070".to_owned(),
        headers: vec![
            header("From", "<sip:demo@192.0.2.1>;tag=ours"),
            header("To", "<sip:bob@192.0.2.9>"),
            header("Call-ID", "our-call@192.0.2.1"),
            header("CSeq", &format!("{cseq} {method}")),
            header("Contact", "<sip:demo@192.0.2.1:5060>"),
        ],
        body: Vec::new(),
    }
}

/// An answer of the peer to a request of ours.
pub fn answer_to(request: &str, status: u16, to_tag: &str) -> String {
    let mut out = format!("SIP/2.0 {status} Whatever\r\n");
    for line in request.lines().take_while(|line| !line.is_empty()) {
        if ["Via:", "From:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)) {
            out.push_str(line);
            out.push_str("\r\n");
        }
        if line.starts_with("To:") {
            let tag = if line.contains(";tag=") || to_tag.is_empty() {
                String::new()
            } else {
                format!(";tag={to_tag}")
            };
            out.push_str(&format!("{line}{tag}\r\n"));
        }
    }
    out.push_str("Contact: <sip:bob@192.0.2.9:5070>\r\nContent-Length: 0\r\n\r\n");
    out
}

/// Value of the first header of this name in a message's text.
pub fn header_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let head = text.split("\r\n\r\n").next()?;
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The status of a response's text.
pub fn status_of(text: &str) -> u16 {
    text.strip_prefix("SIP/2.0 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

/// The tag of To in a message's text.
pub fn to_tag_of(text: &str) -> String {
    let to = header_of(text, "To").unwrap_or_default();
    to.split(";tag=").nth(1).unwrap_or_default().to_owned()
}
