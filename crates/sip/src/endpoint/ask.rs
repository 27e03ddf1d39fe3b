//! Requests that go out: where to, what comes back, CANCEL, and the ACK that is no transaction.

use core::net::SocketAddr;
use core::time::Duration;

use crate::adapter::{ClientMachine, Step, WireRequest, WireResponse, build_cancel, build_request};
use crate::counters::Reason;
use crate::endpoint::Endpoint;
use crate::endpoint::clients::{Cancel, Client};
use crate::event::{Event, FailReason, Request, Target, TransactionId};
use crate::flow::{Flow, FlowId, Transport};
use crate::inspect::drop_foreign_body;
use crate::timers::{Owner, Timer};

/// Where a request goes, as far as it is known yet.
#[derive(Debug, Clone, Copy)]
struct Way {
    transport: Transport,
    flow: Option<FlowId>,
    remote: SocketAddr,
}

impl Endpoint {
    /// Sends a request in a new client transaction, whose number comes back; an ACK (to a 2xx) has none, so
    /// 0. What cannot be sent comes back as `Event::Failed`. `via_sent_by` is our address as that peer should
    /// answer to it.
    pub fn request(
        &mut self,
        request: &Request,
        target: Target,
        via_sent_by: SocketAddr,
        now: Duration,
    ) -> TransactionId {
        let is_ack = request.method == "ACK";
        let id = if is_ack { TransactionId(0) } else { self.new_transaction() };
        let way = self.way(target);
        let transport = way.map_or(Transport::Udp, |way| way.transport);
        let branch = self.identifiers.branch();
        let via = format!("SIP/2.0/{} {via_sent_by};branch={branch};rport", transport.via_name());
        let built = build_request(request, via);
        for _ in 0..built.as_ref().map_or(0, |(_, left_out)| *left_out) {
            self.counters.add(Reason::Unsendable);
        }
        match (way, built) {
            (Some(way), Some((wire, _))) if is_ack => self.send_ack(&wire, way, now),
            (Some(way), Some((wire, _))) if self.clients.len() < self.limits.client_transactions_max => {
                self.begin(id, wire, branch, way, now);
            }
            _ if is_ack => self.counters.add(Reason::Unsendable),
            _ => self.say(Event::Failed { transaction: id, reason: FailReason::Transport }),
        }
        id
    }

    /// Cancels an INVITE of ours, as soon as a provisional answer is there. After its final answer: nothing.
    pub fn cancel(&mut self, transaction: TransactionId, now: Duration) {
        let Some(client) = self.clients.get_mut(transaction) else { return };
        if client.method != "INVITE" || client.cancel != Cancel::Unwanted {
            return;
        }
        client.cancel = Cancel::Wanted;
        self.send_cancel_if_due(transaction, now);
    }

    fn way(&self, target: Target) -> Option<Way> {
        match target {
            Target::Flow(flow) => self.connections.get(flow).map(|connection| Way {
                transport: connection.flow.transport,
                flow: Some(flow),
                remote: connection.flow.remote,
            }),
            Target::Socket(flow, remote) => Some(Way { transport: Transport::Udp, flow: Some(flow), remote }),
            Target::Address(Transport::Udp, remote) => {
                Some(Way { transport: Transport::Udp, flow: None, remote })
            }
            Target::Address(transport, remote) => {
                Some(Way { transport, flow: self.connections.find(transport, remote), remote })
            }
        }
    }

    fn begin(&mut self, id: TransactionId, wire: WireRequest, branch: String, way: Way, now: Duration) {
        let (method, call_id, cseq) = wire.identity();
        let (machine, steps) = ClientMachine::new(wire, way.transport, &self.limits);
        let client = Client {
            branch,
            method,
            call_id,
            cseq,
            machine,
            transport: way.transport,
            flow: way.flow,
            remote: way.remote,
            cancel: Cancel::Unwanted,
            is_settled: false,
            ack: None,
        };
        self.clients.insert(id, client);
        self.do_client_steps(id, steps, None, now);
    }

    /// False: there is no room for it to wait in.
    fn send(&mut self, way: Way, bytes: Vec<u8>, now: Duration) -> bool {
        if way.transport.is_reliable() && way.flow.is_none() {
            return self.transmit_by_address(way.transport, way.remote, bytes, now);
        }
        self.transmit_to(way.transport, way.flow, way.remote, bytes);
        true
    }

    fn send_ack(&mut self, wire: &WireRequest, way: Way, now: Duration) {
        let bytes = wire.bytes();
        let (_, call_id, cseq) = wire.identity();
        let invite = self.clients.find_invite(&call_id, cseq);
        if let Some(client) = invite.and_then(|id| self.clients.get_mut(id)) {
            client.ack = Some((wire.to_tag(), bytes.clone()));
        }
        if !self.send(way, bytes, now) {
            self.counters.add(Reason::Unsendable);
        }
    }

    pub(super) fn receive_response(&mut self, flow: &Flow, response: WireResponse, now: Duration) {
        if !response.is_readable() {
            self.note(Reason::MalformedResponse, flow);
            return;
        }
        let id = response.branch_and_method().and_then(|key| self.clients.find(&key));
        let Some(id) = id else {
            self.note(Reason::StrayResponse, flow);
            return;
        };
        let Some(client) = self.clients.get_mut(id) else { return };
        let steps = client.machine.receive(response);
        self.do_client_steps(id, steps, Some(flow), now);
        self.send_cancel_if_due(id, now);
    }

    fn do_client_steps(&mut self, id: TransactionId, steps: Vec<Step>, flow: Option<&Flow>, now: Duration) {
        for step in steps {
            let Some(client) = self.clients.get(id) else { return };
            let way = Way { transport: client.transport, flow: client.flow, remote: client.remote };
            match step {
                Step::Send(bytes) => {
                    if !self.send(way, bytes, now) {
                        self.fail_client(id, FailReason::Transport, now);
                    }
                }
                Step::Set(timer, after) => self.set_timer(id, timer, now + after),
                Step::Clear(timer) => self.timers.clear(Owner::Transaction(id), timer),
                Step::Response(response) => {
                    if let Some(flow) = flow {
                        self.take_response(id, &response, flow, now);
                    }
                }
                Step::Timeout => self.settle(id, FailReason::Timeout),
                Step::TransportFailed => self.settle(id, FailReason::Transport),
                Step::Ended => self.end_client(id),
                Step::Ack => {}
            }
        }
    }

    fn take_response(&mut self, id: TransactionId, response: &WireResponse, flow: &Flow, now: Duration) {
        let mut message = response.message(flow);
        drop_foreign_body(&mut message, &self.limits);
        let Some(client) = self.clients.get_mut(id) else { return };
        let is_invite = client.method == "INVITE";
        let way = Way { transport: client.transport, flow: client.flow, remote: client.remote };
        if client.method == "CANCEL" {
            return;
        }
        let is_success = (200..300).contains(&message.status);
        let same = |(to_tag, _): &(String, Vec<u8>)| is_success && *to_tag == message.to_tag;
        if let Some((_, ack)) = client.ack.clone().filter(same) {
            self.send(way, ack, now);
            return;
        }
        client.is_settled |= message.status >= 200;
        let is_pending = is_invite && message.status < 200 && client.cancel != Cancel::Sent;
        if is_pending {
            self.set_timer(id, Timer::Patience, now + self.limits.invite_patience);
        } else if message.status >= 200 {
            self.timers.clear(Owner::Transaction(id), Timer::Patience);
        }
        self.say(Event::Response { transaction: id, message });
    }

    fn send_cancel_if_due(&mut self, id: TransactionId, now: Duration) {
        let Some(client) = self.clients.get_mut(id) else { return };
        if client.cancel != Cancel::Wanted || !client.machine.is_proceeding() {
            return;
        }
        client.cancel = Cancel::Sent;
        let Some(wire) = build_cancel(&client.machine.request()) else { return };
        let way = Way { transport: client.transport, flow: client.flow, remote: client.remote };
        let branch = client.branch.clone();
        // Without a final answer to the INVITE in this time, it counts as cancelled (RFC 3261 section 9.1).
        self.set_timer(id, Timer::Patience, now + self.limits.transaction_timeout());
        let cancel = self.new_transaction();
        self.begin(cancel, wire, branch, way, now);
    }

    pub(super) fn fire_client(&mut self, id: TransactionId, timer: Timer, due: Duration) {
        let Some(client) = self.clients.get_mut(id) else { return };
        if timer == Timer::Patience {
            if client.cancel == Cancel::Unwanted {
                self.cancel(id, due);
            }
            self.fail_client(id, FailReason::Timeout, due);
            return;
        }
        let steps = client.machine.fire(timer);
        self.do_client_steps(id, steps, None, due);
    }

    /// Ends a transaction from outside: with `Event::Failed`, if it has no final answer. Repetitions of one are strays from now on.
    pub(super) fn fail_client(&mut self, id: TransactionId, reason: FailReason, _now: Duration) {
        self.settle(id, reason);
        self.end_client(id);
    }

    /// The last word to the dialog layer, unless it has had it. It never hears of CANCELs.
    fn settle(&mut self, id: TransactionId, reason: FailReason) {
        let Some(client) = self.clients.get_mut(id) else { return };
        if !core::mem::replace(&mut client.is_settled, true) && client.method != "CANCEL" {
            self.say(Event::Failed { transaction: id, reason });
        }
    }

    fn end_client(&mut self, id: TransactionId) {
        self.timers.clear_all(Owner::Transaction(id));
        self.clients.remove(id);
    }
}
