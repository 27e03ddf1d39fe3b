//! Connections: which are open, what has come over them, and what waits for one to open.

use std::collections::{BTreeMap, HashMap};

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::counters::Reason;
use crate::endpoint::Endpoint;
use crate::event::{FailReason, Output};
use crate::flow::{Flow, FlowId, Transport};
use crate::limits::Limits;
use crate::quote::quoted_request;
use crate::stream::Framer;
use crate::timers::{Owner, Timer};

#[derive(Debug)]
pub(super) struct Connection {
    pub flow: Flow,
    pub framer: Framer,
}

#[derive(Debug, Default)]
struct Opening {
    queue: Vec<Vec<u8>>,
    queued_bytes: usize,
}

/// What became of bytes for an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Queued {
    /// They wait, and the connection has to be asked for.
    First,
    /// They wait behind others.
    Behind,
    /// No room.
    Full,
}

#[derive(Debug, Default)]
pub(super) struct Connections {
    open: HashMap<FlowId, Connection>,
    per_source: HashMap<IpAddr, usize>,
    opening: BTreeMap<(Transport, SocketAddr), Opening>,
}

impl Connections {
    pub fn is_open(&self, flow: FlowId) -> bool {
        self.open.contains_key(&flow)
    }

    pub fn get_mut(&mut self, flow: FlowId) -> Option<&mut Connection> {
        self.open.get_mut(&flow)
    }

    pub fn get(&self, flow: FlowId) -> Option<&Connection> {
        self.open.get(&flow)
    }

    /// The oldest open connection to this address.
    pub fn find(&self, transport: Transport, remote: SocketAddr) -> Option<FlowId> {
        let fits = |connection: &&Connection| {
            connection.flow.transport == transport && connection.flow.remote == remote
        };
        self.open.values().filter(fits).map(|connection| connection.flow.id).min()
    }

    /// False when there is no room for it.
    fn insert(&mut self, flow: &Flow, limits: &Limits) -> bool {
        if self.open.contains_key(&flow.id) {
            return true;
        }
        let from_source = self.per_source.entry(flow.remote.ip()).or_default();
        if self.open.len() >= limits.streams_max || *from_source >= limits.streams_per_source_max {
            return false;
        }
        *from_source += 1;
        self.open.insert(flow.id, Connection { flow: *flow, framer: Framer::default() });
        true
    }

    fn remove(&mut self, flow: FlowId) -> Option<Connection> {
        let connection = self.open.remove(&flow)?;
        let source = connection.flow.remote.ip();
        if let Some(count) = self.per_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.per_source.remove(&source);
            }
        }
        Some(connection)
    }

    fn queue(&mut self, transport: Transport, remote: SocketAddr, bytes: Vec<u8>, limits: &Limits) -> Queued {
        let is_new = !self.opening.contains_key(&(transport, remote));
        if is_new && self.opening.len() >= limits.connects_max {
            return Queued::Full;
        }
        let opening = self.opening.entry((transport, remote)).or_default();
        if opening.queued_bytes + bytes.len() > limits.connect_queue_bytes_max {
            return Queued::Full;
        }
        opening.queued_bytes += bytes.len();
        opening.queue.push(bytes);
        if is_new { Queued::First } else { Queued::Behind }
    }
}

impl Endpoint {
    /// A connection is open: accepted, or asked for by `Output::Connect`. What waited for it goes out.
    pub fn handle_connected(&mut self, flow: &Flow, _now: Duration) {
        if !self.connections.insert(flow, &self.limits) {
            self.note(Reason::FlowLimit, flow);
            self.outputs.push_back(Output::Close { flow: flow.id });
            return;
        }
        self.timers.clear(Owner::Connect(flow.transport, flow.remote), Timer::Patience);
        let Some(waiting) = self.connections.opening.remove(&(flow.transport, flow.remote)) else { return };
        self.clients.assign(flow);
        for bytes in waiting.queue {
            self.transmit(flow, bytes);
        }
    }

    /// Somebody waits to connect, and the system has no descriptor or memory for it.
    pub fn handle_accept_failed(&mut self) {
        self.counters.add(Reason::NoDescriptor);
    }

    /// A connection has ended, from whichever side. Requests that wait for an answer on it fail, and so do
    /// requests of the peer that are not answered yet.
    pub fn handle_closed(&mut self, flow: FlowId, now: Duration) {
        self.timers.clear(Owner::Stream(flow), Timer::Patience);
        if self.connections.remove(flow).is_none() {
            return;
        }
        for id in self.clients.on_flow(flow) {
            self.fail_client(id, FailReason::Transport, now);
        }
        for id in self.servers.open_on_flow(flow) {
            self.end_server(id);
            self.say(crate::Event::Failed { transaction: id, reason: FailReason::Transport });
        }
    }

    /// A connection could not be opened, or (UDP) the system takes no datagram for that address.
    pub fn handle_unreachable(&mut self, transport: Transport, remote: SocketAddr, now: Duration) {
        self.timers.clear(Owner::Connect(transport, remote), Timer::Patience);
        self.connections.opening.remove(&(transport, remote));
        for id in self.clients.waiting_for(transport, remote) {
            self.fail_client(id, FailReason::Transport, now);
        }
    }

    /// ICMP says that a datagram of ours did not arrive, and quotes its beginning: the request that it was ends. Without its branch in what is
    /// quoted, nothing does.
    pub fn handle_undelivered(&mut self, remote: SocketAddr, quoted: &[u8], now: Duration) {
        let Some((method, branch)) = quoted_request(quoted) else { return };
        for id in self.clients.undelivered(method, branch, remote) {
            self.fail_client(id, FailReason::Transport, now);
        }
    }

    /// Bytes for an address: over an open connection, or into the queue of one that is being opened. False:
    /// no room.
    pub(super) fn transmit_by_address(
        &mut self,
        transport: Transport,
        remote: SocketAddr,
        bytes: Vec<u8>,
        now: Duration,
    ) -> bool {
        if let Some(flow) = self.connections.find(transport, remote) {
            self.transmit_to(transport, Some(flow), remote, bytes);
            return true;
        }
        match self.connections.queue(transport, remote, bytes, &self.limits) {
            Queued::Full => return false,
            Queued::Behind => {}
            Queued::First => {
                let owner = Owner::Connect(transport, remote);
                self.timers.set(owner, Timer::Patience, now + self.limits.stream_patience);
                self.outputs.push_back(Output::Connect { transport, remote });
            }
        }
        true
    }

    /// Makes sure that a connection is known; false when it was refused.
    pub(super) fn admit(&mut self, flow: &Flow, now: Duration) -> bool {
        if !self.connections.is_open(flow.id) {
            self.handle_connected(flow, now);
        }
        self.connections.is_open(flow.id)
    }

    pub(super) fn end_stalled(&mut self, flow: FlowId) {
        let Some(connection) = self.connections.get(flow) else { return };
        let flow = connection.flow;
        self.note(Reason::StreamStalled, &flow);
        self.outputs.push_back(Output::Close { flow: flow.id });
    }
}
