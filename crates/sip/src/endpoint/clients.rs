//! The table of client transactions: by our branch and method, and INVITEs by what their ACK shares with
//! them.

use std::collections::HashMap;

use core::net::SocketAddr;

use crate::adapter::ClientMachine;
use crate::event::TransactionId;
use crate::flow::{Flow, FlowId, Transport};

/// How far the wish to cancel an INVITE has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancel {
    Unwanted,
    /// Until a provisional answer comes, a CANCEL could overtake its INVITE (RFC 3261 section 9.1).
    Wanted,
    Sent,
}

#[derive(Debug)]
pub(super) struct Client {
    pub branch: String,
    pub method: String,
    pub call_id: String,
    pub cseq: u32,
    pub machine: ClientMachine,
    pub transport: Transport,
    /// The connection or UDP socket, once it is known.
    pub flow: Option<FlowId>,
    pub remote: SocketAddr,
    pub cancel: Cancel,
    /// Whether the dialog layer has had its last word.
    pub is_settled: bool,
    /// The ACK to its 2xx: (To tag, bytes), sent again when the 2xx is.
    pub ack: Option<(String, Vec<u8>)>,
}

impl Client {
    /// An INVITE that has a provisional answer, and that nobody has cancelled.
    fn rings(&self) -> bool {
        self.method == "INVITE" && self.cancel != Cancel::Sent && self.machine.is_proceeding()
    }

    /// Whether its datagrams go there and have no answer. An INVITE that rings has sent nothing that could have got lost there since; one that has
    /// its final answer is kept to acknowledge repetitions of it.
    fn waits_for_datagrams_at(&self, remote: SocketAddr) -> bool {
        let place = |address: SocketAddr| (address.ip().to_canonical(), address.port());
        let is_there = self.transport == Transport::Udp && place(self.remote) == place(remote);
        is_there && !self.is_settled && !self.rings()
    }
}

#[derive(Debug, Default)]
pub(super) struct Clients {
    entries: HashMap<TransactionId, Client>,
    by_branch: HashMap<(String, String), TransactionId>,
    invites: HashMap<(String, u32), TransactionId>,
}

impl Clients {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn get(&self, id: TransactionId) -> Option<&Client> {
        self.entries.get(&id)
    }

    pub fn get_mut(&mut self, id: TransactionId) -> Option<&mut Client> {
        self.entries.get_mut(&id)
    }

    pub fn find(&self, branch_and_method: &(String, String)) -> Option<TransactionId> {
        self.by_branch.get(branch_and_method).copied()
    }

    /// The INVITE that an ACK of ours belongs to.
    pub fn find_invite(&self, call_id: &str, cseq: u32) -> Option<TransactionId> {
        self.invites.get(&(call_id.to_owned(), cseq)).copied()
    }

    pub fn insert(&mut self, id: TransactionId, client: Client) {
        self.by_branch.insert((client.branch.clone(), client.method.clone()), id);
        if client.method == "INVITE" {
            self.invites.insert((client.call_id.clone(), client.cseq), id);
        }
        self.entries.insert(id, client);
    }

    pub fn remove(&mut self, id: TransactionId) -> Option<Client> {
        let client = self.entries.remove(&id)?;
        self.by_branch.remove(&(client.branch.clone(), client.method.clone()));
        if client.method == "INVITE" {
            self.invites.remove(&(client.call_id.clone(), client.cseq));
        }
        Some(client)
    }

    /// Transactions that waited for this connection go over it from now on.
    pub fn assign(&mut self, flow: &Flow) {
        let waits = |client: &&mut Client| {
            client.flow.is_none() && client.transport == flow.transport && client.remote == flow.remote
        };
        for client in self.entries.values_mut().filter(waits) {
            client.flow = Some(flow.id);
        }
    }

    /// Transactions on this connection, oldest first.
    pub fn on_flow(&self, flow: FlowId) -> Vec<TransactionId> {
        self.ids(|client| client.transport.is_reliable() && client.flow == Some(flow))
    }

    /// Transactions that wait for a connection to this address, or (UDP) for an answer to datagrams that go there; oldest first.
    pub fn waiting_for(&self, transport: Transport, remote: SocketAddr) -> Vec<TransactionId> {
        self.ids(|client| match transport {
            Transport::Udp => client.waits_for_datagrams_at(remote),
            _ => client.flow.is_none() && client.transport == transport && client.remote == remote,
        })
    }

    /// Transactions that wait for an answer to this datagram; oldest first. With a CANCEL, the INVITE whose branch it bears: only its answer could
    /// still come.
    pub fn undelivered(&self, method: &str, branch: &str, remote: SocketAddr) -> Vec<TransactionId> {
        let cancelled = (method == "CANCEL").then_some("INVITE");
        let methods = cancelled.into_iter().chain([method]);
        let found = methods.filter_map(|method| self.find(&(branch.to_owned(), method.to_owned())));
        let waits =
            |id: &TransactionId| self.get(*id).is_some_and(|client| client.waits_for_datagrams_at(remote));
        found.filter(waits).collect()
    }

    fn ids(&self, fits: impl Fn(&Client) -> bool) -> Vec<TransactionId> {
        let mut ids: Vec<_> =
            self.entries.iter().filter(|(_, client)| fits(client)).map(|(&id, _)| id).collect();
        ids.sort_unstable();
        ids
    }
}
