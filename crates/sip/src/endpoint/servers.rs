//! The table of server transactions, with its indexes and bounds. Nothing of it is found by two keys that
//! disagree: `insert` and `remove` are the only ways in and out.

use std::collections::{BTreeSet, HashMap};

use core::net::IpAddr;
use core::time::Duration;

use crate::adapter::ServerMachine;
use crate::event::TransactionId;
use crate::flow::{Flow, FlowId};
use crate::key::Key;

/// Our 2xx to an INVITE, until its transaction ends.
#[derive(Debug)]
pub(super) struct Accepted {
    pub to_tag: String,
    pub bytes: Vec<u8>,
    /// Until the next repetition; none: acknowledged.
    pub interval: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Server {
    pub key: Key,
    pub machine: ServerMachine,
    /// Where answers go: with UDP, `remote` is what the topmost Via says, not the source.
    pub flow: Flow,
    pub source: IpAddr,
    pub method: &'static str,
    pub call_id: String,
    pub cseq: u32,
    pub from_tag: String,
    /// Whether it came without a To tag: what begins something, and could come twice by two ways.
    pub is_initial: bool,
    pub is_cancelled: bool,
    /// Our tag in its answers.
    pub tag: String,
    pub accepted: Option<Accepted>,
    /// What its request holds, in bytes: it is kept until the transaction ends.
    pub weight_bytes: usize,
}

/// What one address has under way.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Share {
    pub transactions: usize,
    pub bytes: usize,
}

impl Server {
    pub fn is_invite(&self) -> bool {
        self.method == "INVITE"
    }

    fn merge_key(&self) -> Option<MergeKey> {
        (self.is_initial && !self.from_tag.is_empty())
            .then(|| (self.call_id.clone(), self.from_tag.clone(), self.cseq, self.method))
    }
}

/// Call-ID, From tag, CSeq: what two ways of one request share (RFC 3261 section 8.2.2.2).
type MergeKey = (String, String, u32, &'static str);

/// Call-ID, our tag, CSeq: what the ACK to a 2xx is found by.
type AckKey = (String, String, u32);

#[derive(Debug, Default)]
pub(super) struct Servers {
    entries: HashMap<TransactionId, Server>,
    by_key: HashMap<Key, TransactionId>,
    by_merge: HashMap<MergeKey, TransactionId>,
    by_ack: HashMap<AckKey, TransactionId>,
    /// Only of connections: what a close has to end.
    by_flow: HashMap<FlowId, BTreeSet<TransactionId>>,
    per_source: HashMap<IpAddr, Share>,
}

impl Servers {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn contains(&self, id: TransactionId) -> bool {
        self.entries.contains_key(&id)
    }

    pub fn get(&self, id: TransactionId) -> Option<&Server> {
        self.entries.get(&id)
    }

    pub fn get_mut(&mut self, id: TransactionId) -> Option<&mut Server> {
        self.entries.get_mut(&id)
    }

    pub fn find(&self, key: &Key) -> Option<TransactionId> {
        self.by_key.get(key).copied()
    }

    pub fn share_of(&self, source: IpAddr) -> Share {
        self.per_source.get(&source).copied().unwrap_or_default()
    }

    /// Whether the same initial request is here already under another key.
    pub fn is_merged(&self, call_id: &str, from_tag: &str, cseq: u32, method: &'static str) -> bool {
        !from_tag.is_empty()
            && self.by_merge.contains_key(&(call_id.to_owned(), from_tag.to_owned(), cseq, method))
    }

    /// The INVITE whose 2xx this ACK acknowledges.
    pub fn find_accepted(&self, call_id: &str, to_tag: &str, cseq: u32) -> Option<TransactionId> {
        self.by_ack.get(&(call_id.to_owned(), to_tag.to_owned(), cseq)).copied()
    }

    pub fn insert(&mut self, id: TransactionId, server: Server) {
        self.by_key.insert(server.key.clone(), id);
        if let Some(key) = server.merge_key() {
            self.by_merge.insert(key, id);
        }
        if server.flow.transport.is_reliable() {
            self.by_flow.entry(server.flow.id).or_default().insert(id);
        }
        let share = self.per_source.entry(server.source).or_default();
        share.transactions += 1;
        share.bytes += server.weight_bytes;
        self.entries.insert(id, server);
    }

    /// Remembers our 2xx, so that its ACK is found.
    pub fn accept(&mut self, id: TransactionId, accepted: Accepted) {
        if let Some(server) = self.entries.get_mut(&id) {
            self.by_ack.insert((server.call_id.clone(), accepted.to_tag.clone(), server.cseq), id);
            server.accepted = Some(accepted);
        }
    }

    pub fn remove(&mut self, id: TransactionId) -> Option<Server> {
        let server = self.entries.remove(&id)?;
        self.by_key.remove(&server.key);
        if let Some(key) = server.merge_key() {
            self.by_merge.remove(&key);
        }
        if let Some(accepted) = &server.accepted {
            self.by_ack.remove(&(server.call_id.clone(), accepted.to_tag.clone(), server.cseq));
        }
        if let Some(ids) = self.by_flow.get_mut(&server.flow.id) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_flow.remove(&server.flow.id);
            }
        }
        if let Some(share) = self.per_source.get_mut(&server.source) {
            share.transactions -= 1;
            share.bytes -= server.weight_bytes;
            if share.transactions == 0 {
                self.per_source.remove(&server.source);
            }
        }
        Some(server)
    }

    /// Transactions on this connection that have no final answer yet, oldest first.
    pub fn open_on_flow(&self, flow: FlowId) -> Vec<TransactionId> {
        let Some(ids) = self.by_flow.get(&flow) else { return Vec::new() };
        let is_open = |id: &TransactionId| self.get(*id).is_some_and(|server| server.machine.is_open());
        ids.iter().copied().filter(is_open).collect()
    }
}
