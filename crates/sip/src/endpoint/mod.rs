//! One SIP element: everything that listens and asks under one set of limits.
//!
//! The tables: server transactions by key (`servers`), client transactions by branch (`clients`), connections
//! (`connections`). The logic above them, one file a direction: `receive` (what bytes are), `serve` (requests
//! that come in), `ask` (requests that go out).

mod ask;
mod clients;
mod connections;
mod receive;
mod serve;
mod servers;

use std::collections::VecDeque;

use core::net::SocketAddr;
use core::time::Duration;

use crate::counters::{Counters, Reason, Refusal};
use crate::event::{Event, Output, TransactionId};
use crate::flow::{Flow, FlowId, Transport};
use crate::identifiers::Identifiers;
use crate::limits::Limits;
use crate::timers::{Owner, Timer, Timers};
use clients::Clients;
use connections::Connections;
use servers::Servers;

/// Refusals kept for the log until somebody takes them; of a flood, the oldest are kept.
const REFUSALS_MAX: usize = 64;

/// The transactions, connections and limits of one SIP element. See the crate's documentation for how it is
/// driven.
#[derive(Debug)]
pub struct Endpoint {
    limits: Limits,
    identifiers: Identifiers,
    timers: Timers,
    servers: Servers,
    clients: Clients,
    connections: Connections,
    outputs: VecDeque<Output>,
    counters: Counters,
    refusals: VecDeque<Refusal>,
    transactions_begun: u64,
}

impl Endpoint {
    /// An element without transactions. `seed` makes branches and tags: from the system in a live server.
    #[must_use]
    pub fn new(limits: Limits, seed: u64) -> Self {
        Self {
            limits,
            identifiers: Identifiers::new(seed),
            timers: Timers::default(),
            servers: Servers::default(),
            clients: Clients::default(),
            connections: Connections::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            refusals: VecDeque::new(),
            transactions_begun: 0,
        }
    }

    /// When `handle_timeout` is due next; none: not before something else happens.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next_due()
    }

    /// What to do next; drain it after each call of anything else.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Runs the timers that are due. Being late is harmless: what follows is reckoned from when they were
    /// due.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some((due, owner, timer)) = self.timers.pop_due(now) {
            match owner {
                Owner::Transaction(id) if self.servers.contains(id) => self.fire_server(id, timer, due),
                Owner::Transaction(id) => self.fire_client(id, timer, due),
                Owner::Stream(flow) => self.end_stalled(flow),
                Owner::Connect(transport, remote) => self.handle_unreachable(transport, remote, due),
            }
        }
    }

    /// What was dropped, refused and answered since the start.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The oldest refusal not yet taken, for the log. A flood leaves gaps; the counters do not.
    pub fn poll_refusal(&mut self) -> Option<Refusal> {
        self.refusals.pop_front()
    }

    /// Transactions under way: (server, client).
    #[must_use]
    pub fn transactions(&self) -> (usize, usize) {
        (self.servers.len(), self.clients.len())
    }

    fn new_transaction(&mut self) -> TransactionId {
        self.transactions_begun += 1;
        TransactionId(self.transactions_begun)
    }

    fn say(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn set_timer(&mut self, id: TransactionId, timer: Timer, due: Duration) {
        self.timers.set(Owner::Transaction(id), timer, due);
    }

    /// Counts something that its sender may be told about, and notes it for the log.
    fn note(&mut self, reason: Reason, flow: &Flow) {
        self.counters.add(reason);
        if self.refusals.len() < REFUSALS_MAX {
            let refusal = Refusal { reason, transport: flow.transport, remote: flow.remote };
            self.refusals.push_back(refusal);
        }
    }

    /// Sends over the flow that something came by. A connection that has gone swallows it.
    fn transmit(&mut self, flow: &Flow, bytes: Vec<u8>) {
        self.transmit_to(flow.transport, Some(flow.id), flow.remote, bytes);
    }

    fn transmit_to(
        &mut self,
        transport: Transport,
        flow: Option<FlowId>,
        remote: SocketAddr,
        bytes: Vec<u8>,
    ) {
        let is_gone = transport.is_reliable() && !flow.is_some_and(|flow| self.connections.is_open(flow));
        if !is_gone {
            self.outputs.push_back(Output::Transmit { transport, flow, remote, bytes });
        }
    }
}
