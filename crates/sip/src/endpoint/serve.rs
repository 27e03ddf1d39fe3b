//! Requests that come in: which transaction they belong to, what is refused, and the answers of the dialog
//! layer.

use core::time::Duration;

use crate::adapter::{ServerMachine, Step, SyntaxFault, WireRequest, build_response};
use crate::counters::Reason;
use crate::endpoint::Endpoint;
use crate::endpoint::receive::answer_flow;
use crate::endpoint::servers::{Accepted, Server};
use crate::event::{Event, FailReason, Response, TransactionId};
use crate::flow::Flow;
use crate::inspect::{Refused, drop_foreign_body, inspect, method_label};
use crate::key::Key;
use crate::message::Message;
use crate::timers::{Owner, Timer};
use crate::via::TopVia;

/// What a source over its limit is asked to wait.
const RETRY_AFTER_SECONDS: &str = "5";

impl Endpoint {
    pub(super) fn receive_request(
        &mut self,
        flow: &Flow,
        mut request: WireRequest,
        bytes: &[u8],
        now: Duration,
    ) {
        let Some(via) = request.top_via(flow.remote) else {
            self.receive_broken(flow, bytes, SyntaxFault::Malformed("malformed Via Header".to_owned()));
            return;
        };
        let Some(key) = request.key(&via) else {
            self.receive_broken(flow, bytes, SyntaxFault::Malformed("Missing CSeq Header".to_owned()));
            return;
        };
        request.amend_via(&via);
        if let Some(id) = self.servers.find(&key) {
            self.receive_again(id, flow, &request, now);
        } else if request.method() == b"ACK" {
            self.receive_ack(flow, &request, &key);
        } else if let Some((status, phrase)) = request.fault() {
            let reason = if status == 505 { Reason::Version } else { Reason::Malformed };
            self.refuse_request(flow, &request, &via, &key, &Refused::new(status, reason).phrase(phrase));
        } else if request.method() == b"CANCEL" {
            self.receive_cancel(flow, &request, &via, &key);
        } else {
            self.receive_new(flow, request, &via, key, now);
        }
    }

    /// A repetition, or an ACK that has the branch of its INVITE.
    fn receive_again(&mut self, id: TransactionId, flow: &Flow, request: &WireRequest, now: Duration) {
        let Some(server) = self.servers.get_mut(id) else { return };
        let steps = server.machine.receive(request);
        if steps.iter().any(|step| matches!(step, Step::Ack)) {
            self.acknowledge(id, flow, request);
        }
        self.do_server_steps(id, steps, now);
    }

    /// An ACK with a branch of its own: to a 2xx of ours, or to a refusal that left no transaction.
    fn receive_ack(&mut self, flow: &Flow, request: &WireRequest, key: &Key) {
        if request.fault().is_some() {
            self.note(Reason::Malformed, flow);
            return;
        }
        let message = request.message(flow);
        match self.servers.find_accepted(&message.call_id, &message.to_tag, message.cseq) {
            Some(id) => self.acknowledge(id, flow, request),
            None if message.to_tag == self.identifiers.tag(key.bytes()) => {}
            None => self.counters.add(Reason::StrayAck),
        }
    }

    fn acknowledge(&mut self, id: TransactionId, flow: &Flow, request: &WireRequest) {
        let accepted = self.servers.get_mut(id).and_then(|server| server.accepted.as_mut());
        let is_first = accepted.is_some_and(|accepted| accepted.interval.take().is_some());
        if !is_first || request.fault().is_some() {
            self.counters.add(Reason::StrayAck);
            return;
        }
        self.timers.clear(Owner::Transaction(id), Timer::Repeat);
        let mut message = request.message(flow);
        drop_foreign_body(&mut message, &self.limits);
        self.say(Event::Ack { message });
    }

    /// Answers the CANCEL itself. It needs no transaction: a repetition gets the same answer again.
    fn receive_cancel(&mut self, flow: &Flow, request: &WireRequest, via: &TopVia, key: &Key) {
        let Some(id) = self.servers.find(&key.cancelled()) else {
            self.refuse_request(flow, request, via, key, &Refused::new(481, Reason::NoTransaction));
            return;
        };
        let Some(server) = self.servers.get_mut(id) else { return };
        let tag = server.tag.clone();
        let is_news = server.machine.is_open() && !server.is_cancelled;
        server.is_cancelled = true;
        let answer = Response { status: 200, ..Response::default() };
        if let Some((response, _)) = build_response(request, &answer, &tag) {
            self.counters.add_response("CANCEL", 200);
            self.transmit(&answer_flow(flow, via), response.bytes());
        }
        if is_news {
            self.say(Event::Cancelled { transaction: id });
        }
    }

    fn receive_new(&mut self, flow: &Flow, request: WireRequest, via: &TopVia, key: Key, now: Duration) {
        let mut message = request.message(flow);
        let refused = inspect(&message, &self.limits)
            .or_else(|| self.merged(&message))
            .or_else(|| self.overloaded(flow, &message));
        if let Some(refused) = refused {
            self.refuse_request(flow, &request, via, &key, &refused);
            return;
        }
        drop_foreign_body(&mut message, &self.limits);
        let id = self.new_transaction();
        let (machine, steps) = ServerMachine::new(request, flow.transport, &self.limits);
        let server = Server {
            tag: self.identifiers.tag(key.bytes()),
            key,
            machine,
            flow: answer_flow(flow, via),
            source: flow.remote.ip(),
            method: method_label(message.method.as_bytes()),
            call_id: message.call_id.clone(),
            cseq: message.cseq,
            from_tag: message.from_tag.clone(),
            is_initial: message.to_tag.is_empty(),
            is_cancelled: false,
            accepted: None,
            weight_bytes: message.weight_bytes(),
        };
        self.set_timer(id, Timer::Patience, now + self.server_patience(server.is_invite()));
        self.servers.insert(id, server);
        self.say(Event::Request { transaction: id, message });
        self.do_server_steps(id, steps, now);
    }

    fn server_patience(&self, is_invite: bool) -> Duration {
        if is_invite { self.limits.invite_patience } else { self.limits.transaction_timeout() }
    }

    fn merged(&self, message: &Message) -> Option<Refused> {
        let method = method_label(message.method.as_bytes());
        let is_merged = message.to_tag.is_empty()
            && self.servers.is_merged(&message.call_id, &message.from_tag, message.cseq, method);
        is_merged.then(|| Refused::new(482, Reason::Merged))
    }

    fn overloaded(&self, flow: &Flow, message: &Message) -> Option<Refused> {
        let (limits, share) = (&self.limits, self.servers.share_of(flow.remote.ip()));
        let reason = if self.servers.len() >= limits.server_transactions_max {
            Reason::Overload
        } else if share.transactions >= limits.server_transactions_per_source_max
            || share.bytes + message.weight_bytes() > limits.server_bytes_per_source_max
        {
            Reason::SourceOverload
        } else {
            return None;
        };
        Some(Refused::new(503, reason).with("Retry-After", RETRY_AFTER_SECONDS))
    }

    fn refuse_request(
        &mut self,
        flow: &Flow,
        request: &WireRequest,
        via: &TopVia,
        key: &Key,
        refused: &Refused,
    ) {
        let tag = self.identifiers.tag(key.bytes());
        self.refuse(flow, request.method(), via, &request.copied(), refused, &tag);
    }

    /// Answers a server transaction. A 2xx to an INVITE is repeated until its ACK comes, or
    /// `Event::AckTimeout`. A transaction that has ended, or has its final answer, swallows it
    /// (`Reason::LateAnswer`).
    pub fn respond(&mut self, transaction: TransactionId, response: &Response, now: Duration) {
        let Some(server) = self.servers.get_mut(transaction).filter(|server| server.machine.is_open()) else {
            self.counters.add(Reason::LateAnswer);
            return;
        };
        if !response.to_tag.is_empty() {
            server.tag.clone_from(&response.to_tag);
        }
        let tag = if response.status == 100 { String::new() } else { server.tag.clone() };
        let request = server.machine.request();
        let Some((built, left_out)) = build_response(&request, response, &tag) else {
            self.counters.add(Reason::Unsendable);
            self.end_server(transaction); // nothing else would ever end it
            return;
        };
        for _ in 0..left_out {
            self.counters.add(Reason::Unsendable);
        }
        self.counters.add_response(server.method, built.status());
        let is_invite = server.is_invite();
        let status = built.status();
        let accepted = (is_invite && (200..300).contains(&status)).then(|| built.bytes());
        let to_tag = built.to_tag();
        let steps = server.machine.respond(built);
        if let Some(bytes) = accepted {
            self.servers.accept(transaction, Accepted { to_tag, bytes, interval: Some(self.limits.t1) });
            self.set_timer(transaction, Timer::Repeat, now + self.limits.t1);
        }
        if status >= 200 {
            self.timers.clear(Owner::Transaction(transaction), Timer::Patience);
        } else if is_invite {
            self.set_timer(transaction, Timer::Patience, now + self.limits.invite_patience);
        }
        self.do_server_steps(transaction, steps, now);
    }

    pub(super) fn fire_server(&mut self, id: TransactionId, timer: Timer, due: Duration) {
        match timer {
            Timer::Repeat => self.repeat_accepted(id, due),
            Timer::Patience => self.give_up_on_us(id, due),
            Timer::Trying => self.say_trying(id, due),
            _ => {
                let Some(server) = self.servers.get_mut(id) else { return };
                let steps = server.machine.fire(timer);
                self.do_server_steps(id, steps, due);
            }
        }
    }

    /// The dialog layer is slow: the peer may stop repeating (RFC 3261 section 17.2.1). Made here and not by
    /// the machine, which forgets the Timestamp (section 8.2.6.1).
    fn say_trying(&mut self, id: TransactionId, due: Duration) {
        let Some(server) = self.servers.get(id) else { return };
        let timestamp = server.machine.request().header("Timestamp");
        let headers = timestamp.map(|value| ("Timestamp".to_owned(), value)).into_iter().collect();
        self.respond(id, &Response { status: 100, headers, ..Response::default() }, due);
    }

    fn repeat_accepted(&mut self, id: TransactionId, due: Duration) {
        let Some(server) = self.servers.get_mut(id) else { return };
        let flow = server.flow;
        let Some(accepted) = server.accepted.as_mut() else { return };
        let Some(interval) = accepted.interval.as_mut() else { return };
        *interval = (*interval * 2).min(self.limits.t2);
        let (next, bytes) = (due + *interval, accepted.bytes.clone());
        self.set_timer(id, Timer::Repeat, next);
        self.transmit(&flow, bytes);
    }

    /// The dialog layer has not answered. An INVITE gets a 500; any other request is past the time in which
    /// an answer could still be of use (RFC 4320 section 4.2).
    fn give_up_on_us(&mut self, id: TransactionId, due: Duration) {
        self.counters.add(Reason::Unanswered);
        if self.servers.get(id).is_some_and(Server::is_invite) {
            self.respond(id, &Response { status: 500, ..Response::default() }, due);
        } else {
            self.end_server(id);
        }
        self.say(Event::Failed { transaction: id, reason: FailReason::Timeout });
    }

    fn do_server_steps(&mut self, id: TransactionId, steps: Vec<Step>, now: Duration) {
        let Some(flow) = self.servers.get(id).map(|server| server.flow) else { return };
        for step in steps {
            match step {
                Step::Send(bytes) => self.transmit(&flow, bytes),
                Step::Set(timer, after) => self.set_timer(id, timer, now + after),
                Step::Clear(timer) => self.timers.clear(Owner::Transaction(id), timer),
                Step::Ended => self.end_server(id),
                Step::Ack | Step::Response(_) | Step::Timeout | Step::TransportFailed => {}
            }
        }
    }

    pub(super) fn end_server(&mut self, id: TransactionId) {
        self.timers.clear_all(Owner::Transaction(id));
        let Some(server) = self.servers.remove(id) else { return };
        let Some(accepted) = server.accepted else { return };
        if accepted.interval.is_some() {
            let (call_id, to_tag) = (server.call_id, accepted.to_tag);
            self.say(Event::AckTimeout { transaction: id, call_id, to_tag });
        }
    }
}
