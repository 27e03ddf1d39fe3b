//! The calls of a run over one UDP socket: INVITE with repetition, ACK, BYE, and an answer to whatever the server asks.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};

use crate::os::{self, Nanoseconds, Receiver};
use crate::plan::{Codec, Plan};
use crate::sip::{self, Dialog, Media};

/// Repetitions of an INVITE without any answer, at 0.5, 1, 2 and 4 s.
pub const REPETITIONS_MAX: u32 = 4;
const FIRST_REPETITION_NS: Nanoseconds = 500_000_000;

/// Where a call stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not yet.
    Waiting,
    /// INVITE is out.
    Calling,
    /// A provisional answer has come.
    Proceeding,
    /// Answered.
    Up,
    /// BYE is out.
    Leaving,
    /// Over.
    Ended,
    /// Refused with this status; 0: no answer.
    Failed(u16),
}

struct Call {
    dialog: Dialog,
    codec: Codec,
    rtp_port: u16,
    state: State,
    invited: Nanoseconds,
    answered: Nanoseconds,
}

/// A leg's call is answered: audio goes there.
pub struct Answered {
    /// Index of the leg.
    pub leg: usize,
    /// As its SDP says.
    pub media: Media,
}

/// All calls.
pub struct Calls {
    socket: UdpSocket,
    calls: Vec<Call>,
    by_name: HashMap<String, usize>,
    /// BYEs that came unasked.
    pub dropped: usize,
    /// INVITEs that had to be repeated.
    pub repeated: usize,
}

impl Calls {
    /// None of them made yet.
    pub fn open(plan: &Plan) -> io::Result<Self> {
        let socket = os::open(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let local = socket.local_addr()?.to_string();
        if !plan.sip.is_empty() {
            socket.connect(&plan.sip)?;
        }
        let call = |(index, leg)| Call {
            dialog: Dialog::new(index, plan.seed, leg, &local, &plan.sip),
            codec: leg.codec,
            rtp_port: plan.base_port + 2 * index as u16,
            state: State::Waiting,
            invited: 0,
            answered: 0,
        };
        let calls: Vec<Call> = plan.legs.iter().enumerate().map(call).collect();
        let by_name = |(index, call): (usize, &Call)| (format!("{}@load", call.dialog.name), index);
        let by_name = calls.iter().enumerate().map(by_name).collect();
        Ok(Self { socket, calls, by_name, dropped: 0, repeated: 0 })
    }

    /// For waiting.
    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Where a call stands.
    pub fn state(&self, leg: usize) -> State {
        self.calls[leg].state
    }

    /// From INVITE to its 200, by the kernel's time of the latter.
    pub fn answer_ms(&self, leg: usize) -> Option<f64> {
        let call = &self.calls[leg];
        (call.answered > 0).then(|| call.answered.saturating_sub(call.invited) as f64 / 1e6)
    }

    /// Whether every call has got as far as `far` says.
    pub fn all(&self, far: impl Fn(State) -> bool) -> bool {
        self.calls.iter().all(|call| far(call.state))
    }

    /// Sends or repeats an INVITE. When to come again, if it must.
    pub fn invite(&mut self, leg: usize, repetition: u32) -> Option<Nanoseconds> {
        let call = &mut self.calls[leg];
        match call.state {
            State::Waiting => call.invited = os::now(),
            State::Calling if repetition > REPETITIONS_MAX => {
                call.state = State::Failed(0);
                return None;
            }
            State::Calling => self.repeated += 1,
            _ => return None,
        }
        call.state = State::Calling;
        let _ = self.socket.send(call.dialog.invite(call.codec, call.rtp_port).as_bytes()); // repeated when lost
        Some(os::now() + (FIRST_REPETITION_NS << repetition))
    }

    /// Who has no final answer by now gets none.
    pub fn give_up(&mut self) {
        for call in &mut self.calls {
            if matches!(call.state, State::Calling | State::Proceeding) {
                call.state = State::Failed(0);
            }
        }
    }

    /// Ends a call that is up.
    pub fn hang_up(&mut self, leg: usize) {
        let call = &mut self.calls[leg];
        if call.state == State::Up {
            call.state = State::Leaving;
            let _ = self.socket.send(call.dialog.bye().as_bytes()); // lost: the run ends without its answer
        }
    }

    /// Reads what has come.
    pub fn receive(&mut self, receiver: &mut Receiver) -> Vec<Answered> {
        let mut messages = Vec::new();
        receiver.drain(&self.socket, &mut |bytes, arrival| {
            messages.push((String::from_utf8_lossy(bytes).into_owned(), arrival));
        });
        messages.iter().filter_map(|(message, arrival)| self.take(message, *arrival)).collect()
    }

    fn take(&mut self, message: &str, arrival: Nanoseconds) -> Option<Answered> {
        let Some(answer) = sip::parse_answer(message) else {
            self.asked(message);
            return None;
        };
        let leg = *self.by_name.get(answer.call_id)?;
        let call = &mut self.calls[leg];
        match (answer.method, answer.status) {
            ("INVITE", ..200) => call.state = State::Proceeding,
            ("INVITE", 200..300) => {
                let first = matches!(call.state, State::Calling | State::Proceeding);
                call.dialog.to = answer.to.to_owned();
                call.dialog.target = answer.contact.to_owned();
                let _ = self.socket.send(call.dialog.ack().as_bytes()); // lost: the 200 comes again
                if first {
                    call.state = State::Up;
                    call.answered = arrival;
                    return sip::parse_media(answer.body).map(|media| Answered { leg, media });
                }
            }
            ("INVITE", status) => {
                call.dialog.to = answer.to.to_owned();
                let _ = self.socket.send(call.dialog.ack_refusal().as_bytes());
                call.state = State::Failed(status);
            }
            ("BYE", 200..) => call.state = State::Ended,
            _ => {}
        }
        None
    }

    /// A request of the server's gets its 200; a BYE ends the call.
    fn asked(&mut self, message: &str) {
        let Some((answer, method, call_id)) = sip::accept(message).filter(|(_, method, _)| *method != "ACK")
        else {
            return;
        };
        let _ = self.socket.send(answer.as_bytes()); // lost: it asks again
        let Some(call) = self.by_name.get(call_id).map(|leg| &mut self.calls[*leg]) else { return };
        if method == "BYE" {
            self.dropped += usize::from(call.state == State::Up);
            call.state = State::Ended;
        }
    }
}
