//! The four machines, each as: an input, and the steps that follow from it, in order.

use sipx_sip::transaction::{ClientState, Reliability, ServerState};
use sipx_sip::{ClientTransaction, Output, ServerTransaction, Timers, TuEvent};

use super::parse::{WireRequest, WireResponse};
use crate::flow::Transport;
use crate::limits::Limits;
use crate::timers::Timer;
use core::time::Duration;

/// What a machine wants done.
#[derive(Debug)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Set(Timer, Duration),
    Clear(Timer),
    /// For the dialog layer: a response to our request.
    Response(Box<WireResponse>),
    /// An ACK to a 2xx that came with the INVITE's own branch.
    Ack,
    Timeout,
    TransportFailed,
    Ended,
}

fn steps(outputs: Vec<Output>) -> Vec<Step> {
    outputs.into_iter().filter_map(step).collect()
}

fn step(output: Output) -> Option<Step> {
    Some(match output {
        Output::Send(message) => {
            let mut bytes = Vec::with_capacity(1024);
            message.write_to(&mut bytes);
            Step::Send(bytes)
        }
        Output::SetTimer { timer, after } => Step::Set(from_their_timer(timer), after),
        Output::ClearTimer(timer) => Step::Clear(from_their_timer(timer)),
        Output::Terminated(_) => Step::Ended,
        Output::ToTu(event) => match *event {
            TuEvent::Response(response) => Step::Response(Box::new(WireResponse(*response))),
            TuEvent::Ack(_) => Step::Ack,
            TuEvent::Timeout => Step::Timeout,
            TuEvent::TransportError => Step::TransportFailed,
            // The new request is known to whoever made the machine.
            _ => return None,
        },
        _ => return None,
    })
}

fn reliability(transport: Transport) -> Reliability {
    if transport.is_reliable() { Reliability::Reliable } else { Reliability::Unreliable }
}

fn timers(limits: &Limits) -> Timers {
    Timers { t1: limits.t1, t2: limits.t2, t4: limits.t4 }
}

fn from_their_timer(timer: sipx_sip::Timer) -> Timer {
    match timer {
        sipx_sip::Timer::A => Timer::A,
        sipx_sip::Timer::B => Timer::B,
        sipx_sip::Timer::D => Timer::D,
        sipx_sip::Timer::E => Timer::E,
        sipx_sip::Timer::F => Timer::F,
        sipx_sip::Timer::G => Timer::G,
        sipx_sip::Timer::H => Timer::H,
        sipx_sip::Timer::I => Timer::I,
        sipx_sip::Timer::J => Timer::J,
        sipx_sip::Timer::K => Timer::K,
        sipx_sip::Timer::L => Timer::L,
        sipx_sip::Timer::M => Timer::M,
        sipx_sip::Timer::Trying100 => Timer::Trying,
    }
}

fn to_their_timer(timer: Timer) -> Option<sipx_sip::Timer> {
    Some(match timer {
        Timer::A => sipx_sip::Timer::A,
        Timer::B => sipx_sip::Timer::B,
        Timer::D => sipx_sip::Timer::D,
        Timer::E => sipx_sip::Timer::E,
        Timer::F => sipx_sip::Timer::F,
        Timer::G => sipx_sip::Timer::G,
        Timer::H => sipx_sip::Timer::H,
        Timer::I => sipx_sip::Timer::I,
        Timer::J => sipx_sip::Timer::J,
        Timer::K => sipx_sip::Timer::K,
        Timer::L => sipx_sip::Timer::L,
        Timer::M => sipx_sip::Timer::M,
        Timer::Trying => sipx_sip::Timer::Trying100,
        Timer::Repeat | Timer::Patience => return None,
    })
}

/// INVITE and non-INVITE server machine.
#[derive(Debug)]
pub(crate) struct ServerMachine(ServerTransaction);

impl ServerMachine {
    pub fn new(request: WireRequest, transport: Transport, limits: &Limits) -> (Self, Vec<Step>) {
        let (machine, outputs) = ServerTransaction::new(request.0, reliability(transport), timers(limits));
        (Self(machine), steps(outputs))
    }

    pub fn request(&self) -> WireRequest {
        WireRequest(self.0.request().clone())
    }

    /// The same request again, or the ACK.
    pub fn receive(&mut self, request: &WireRequest) -> Vec<Step> {
        steps(self.0.on_request(&request.0))
    }

    pub fn respond(&mut self, response: WireResponse) -> Vec<Step> {
        steps(self.0.on_tu_response(response.0))
    }

    pub fn fire(&mut self, timer: Timer) -> Vec<Step> {
        to_their_timer(timer).map(|timer| steps(self.0.on_timer(timer))).unwrap_or_default()
    }

    /// Whether a final answer can still be given.
    pub fn is_open(&self) -> bool {
        matches!(self.0.state(), ServerState::Trying | ServerState::Proceeding)
    }
}

/// INVITE and non-INVITE client machine.
#[derive(Debug)]
pub(crate) struct ClientMachine(ClientTransaction);

impl ClientMachine {
    pub fn new(request: WireRequest, transport: Transport, limits: &Limits) -> (Self, Vec<Step>) {
        let (machine, outputs) = ClientTransaction::new(request.0, reliability(transport), timers(limits));
        (Self(machine), steps(outputs))
    }

    pub fn request(&self) -> WireRequest {
        WireRequest(self.0.request().clone())
    }

    pub fn receive(&mut self, response: WireResponse) -> Vec<Step> {
        steps(self.0.on_response(response.0))
    }

    pub fn fire(&mut self, timer: Timer) -> Vec<Step> {
        to_their_timer(timer).map(|timer| steps(self.0.on_timer(timer))).unwrap_or_default()
    }

    /// A provisional answer has come, and no final one.
    pub fn is_proceeding(&self) -> bool {
        self.0.state() == ClientState::Proceeding
    }
}
