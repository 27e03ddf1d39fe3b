//! One run: calls are made, speak, are measured for a while, hang up. A single thread; everything that is due stands in one queue by time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;

use serde::Serialize;

use crate::calls::{Answered, Calls, State};
use crate::capture::{self, Place};
use crate::leg::{Leg, Outgoing};
use crate::measure::{Snapshot, Usage};
use crate::os::{self, Nanoseconds, Receiver};
use crate::plan::{Codec, Plan};
use crate::signal::Rounds;

const SECOND_NS: f64 = 1e9;
/// How long we wait for answers to BYE.
const LEAVE_S: f64 = 5.0;
/// BYEs that leave in a second: all at once would not fit into a socket's buffer.
const HANG_UPS_PER_SECOND: f64 = 400.0;
/// How long after the last INVITE a call may be without a final answer.
const ANSWER_S: f64 = 20.0;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    OpenWindow,
    CloseWindow,
    Finish,
    GiveUp,
    Call(usize, u32),
    HangUp(usize),
    Speak(usize),
    Deliver(usize, Vec<u8>),
}

/// What is printed.
#[derive(Serialize)]
struct Report {
    answers_ms: Vec<Option<f64>>,
    failed: Vec<(usize, u16)>,
    repeated_invites: usize,
    hung_up_by_server: usize,
    setup: Usage,
    window: Usage,
    late_ms: Spread,
    gaps_ms: Spread,
    sent: usize,
    received: usize,
    missing: usize,
    strange: usize,
    reports: usize,
    silent_legs: usize,
    legs: Vec<LegReport>,
}

#[derive(Serialize)]
struct LegReport {
    first_deadline_ns: Nanoseconds,
    interval_ns: f64,
    #[serde(flatten)]
    place: Place,
}

/// Percentiles in milliseconds.
#[derive(Default, Serialize)]
struct Spread {
    count: usize,
    p50: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

impl Spread {
    fn of(mut values: Vec<Nanoseconds>) -> Self {
        values.sort_unstable();
        let at = |share: f64| {
            let index = ((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1));
            values.get(index).map_or(0.0, |value| *value as f64 / 1e6)
        };
        Self { count: values.len(), p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1.0) }
    }
}

/// Runs a plan and prints what came of it.
pub fn run(path: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|fault| format!("{path}: {fault}"))?;
    let plan: Plan = serde_json::from_str(&text).map_err(|fault| format!("{path}: {fault}"))?;
    let mut run = Run::new(plan).map_err(|fault| fault.to_string())?;
    os::sleep_exactly();
    run.start();
    run.drive();
    let report = run.report().map_err(|fault| fault.to_string())?;
    println!("{}", serde_json::to_string(&report).map_err(|fault| fault.to_string())?);
    Ok(())
}

struct Run {
    plan: Plan,
    legs: Vec<Leg>,
    calls: Calls,
    rounds: Rounds,
    receiver: Receiver,
    queue: BinaryHeap<Reverse<(Nanoseconds, Task)>>,
    window: core::ops::Range<Nanoseconds>,
    late: Vec<Nanoseconds>,
    began: Snapshot,
    opened: Snapshot,
    setup: Option<Usage>,
    used: Usage,
    done: bool,
}

impl Run {
    fn new(mut plan: Plan) -> std::io::Result<Self> {
        let mut rounds = Rounds::default();
        for leg in &plan.legs {
            rounds.prepare(leg.signal, &plan.signals[leg.signal], leg.codec);
        }
        let calls = Calls::open(&plan)?;
        let legs = core::mem::take(&mut plan.legs).into_iter().enumerate();
        let legs = legs.map(|(index, leg)| Leg::open(index, leg, plan.base_port, plan.seed));
        let legs = legs.collect::<std::io::Result<Vec<Leg>>>()?;
        Ok(Self {
            plan,
            legs,
            calls,
            rounds,
            receiver: Receiver::default(),
            queue: BinaryHeap::new(),
            window: Nanoseconds::MAX..Nanoseconds::MAX,
            late: Vec::new(),
            began: Snapshot::default(),
            opened: Snapshot::default(),
            setup: None,
            used: Usage::default(),
            done: false,
        })
    }

    fn at(&mut self, time: Nanoseconds, task: Task) {
        self.queue.push(Reverse((time, task)));
    }

    fn after(&mut self, seconds: f64, task: Task) {
        self.at(os::now() + (seconds * SECOND_NS) as Nanoseconds, task);
    }

    fn start(&mut self) {
        self.began = Snapshot::take(self.plan.pid);
        let now = os::now();
        for leg in 0..self.legs.len() {
            if self.plan.sip.is_empty() {
                let port = self.plan.echo_port + 2 * leg as u16;
                self.speak_to(leg, SocketAddr::from(([127, 0, 0, 1], port)), 0);
            } else {
                let wait_s = leg as f64 / self.plan.calls_per_second;
                self.at(now + (wait_s * SECOND_NS) as Nanoseconds, Task::Call(leg, 0));
            }
        }
        if self.plan.sip.is_empty() || self.legs.is_empty() {
            self.settle();
        } else {
            self.after(self.legs.len() as f64 / self.plan.calls_per_second + ANSWER_S, Task::GiveUp);
        }
    }

    fn speak_to(&mut self, leg: usize, remote: SocketAddr, payload_type: u8) {
        match self.legs[leg].connect(remote, payload_type) {
            Ok(due) => self.at(due, Task::Speak(leg)),
            Err(fault) => eprintln!("leg {leg} cannot speak to {remote}: {fault}"),
        }
    }

    fn drive(&mut self) {
        while !self.done {
            while self.queue.peek().is_some_and(|Reverse((due, _))| *due <= os::now()) {
                let Some(Reverse((due, task))) = self.queue.pop() else { break };
                self.carry_out(due, task);
            }
            let next = self.queue.peek().map_or_else(os::now, |Reverse((due, _))| *due);
            if !self.done && os::wait_readable(self.calls.socket(), next) {
                for answered in self.calls.receive(&mut self.receiver) {
                    self.begin(answered);
                }
                self.watch();
            }
        }
    }

    fn begin(&mut self, answered: Answered) {
        let Answered { leg, media } = answered;
        let Ok(host) = media.host.parse::<std::net::IpAddr>() else { return };
        self.speak_to(leg, SocketAddr::new(host, media.port), media.payload_type);
        if self.plan.hold_s > 0.0 {
            self.after(self.plan.hold_s, Task::HangUp(leg));
        }
    }

    /// Goes on when every call has got as far as it can.
    fn watch(&mut self) {
        let holds = self.plan.hold_s > 0.0;
        let is_settled = |state| match state {
            State::Ended | State::Failed(_) => true,
            State::Up => !holds,
            _ => false,
        };
        if self.setup.is_none() && self.calls.all(is_settled) {
            self.settle();
        } else if self.window.end < os::now()
            && self.calls.all(|state| matches!(state, State::Ended | State::Failed(_)))
        {
            self.done = true;
        }
    }

    fn settle(&mut self) {
        self.setup = Some(Snapshot::take(self.plan.pid).since(&self.began));
        self.after(self.plan.settle_s, Task::OpenWindow);
    }

    fn carry_out(&mut self, due: Nanoseconds, task: Task) {
        match task {
            Task::Call(leg, repetition) => match self.calls.invite(leg, repetition) {
                Some(again) => self.at(again, Task::Call(leg, repetition + 1)),
                None => self.watch(),
            },
            Task::HangUp(leg) => self.calls.hang_up(leg),
            Task::Speak(leg) => self.speak(leg, due),
            Task::Deliver(leg, packet) => self.legs[leg].send(&packet),
            Task::OpenWindow => {
                self.opened = Snapshot::take(self.plan.pid);
                self.window.start = os::now();
                self.after(self.plan.measure_s, Task::CloseWindow);
            }
            Task::CloseWindow => self.close_window(),
            Task::Finish => self.done = true,
            Task::GiveUp => {
                self.calls.give_up();
                self.watch();
            }
        }
    }

    fn close_window(&mut self) {
        self.window.end = os::now();
        self.used = Snapshot::take(self.plan.pid).since(&self.opened);
        for leg in &mut self.legs {
            leg.listen(&mut self.receiver, self.window.start, self.window.end);
        }
        if self.calls.all(|state| !matches!(state, State::Up | State::Leaving)) {
            self.done = true;
            return;
        }
        for leg in 0..self.legs.len() {
            self.after(leg as f64 / HANG_UPS_PER_SECOND, Task::HangUp(leg));
        }
        self.after(self.legs.len() as f64 / HANG_UPS_PER_SECOND + LEAVE_S, Task::Finish);
    }

    fn speak(&mut self, leg: usize, due: Nanoseconds) {
        if !self.plan.sip.is_empty() && self.calls.state(leg) != State::Up {
            return;
        }
        let now = os::now();
        let noting = self.window.contains(&now);
        if noting {
            self.late.push(now.saturating_sub(due));
        }
        let telephone = &mut self.legs[leg];
        let outgoing = telephone.speak(&self.rounds, noting);
        if telephone.is_turn(leg) {
            telephone.listen(&mut self.receiver, self.window.start, self.window.end);
        }
        let next = telephone.deadline();
        self.at(next, Task::Speak(leg));
        if let Outgoing::After(delay, packet) = outgoing {
            self.at(due + delay, Task::Deliver(leg, packet));
        }
    }

    fn report(mut self) -> std::io::Result<Report> {
        let places = capture::write(&self.plan.capture, &self.legs)?;
        let failed = |leg| match self.calls.state(leg) {
            State::Failed(status) => Some((leg, status)),
            _ => None,
        };
        let failed: Vec<_> = (0..self.legs.len()).filter_map(failed).collect();
        let mut gaps = Vec::new();
        let mut missing = 0;
        for leg in &self.legs {
            let arrivals: Vec<_> = leg.received.iter().map(|packet| packet.arrival).collect();
            gaps.extend(arrivals.windows(2).map(|pair| pair[1].saturating_sub(pair[0])));
            let clock = if leg.plan.codec == Codec::Pcmu { 160 } else { 960 };
            if let (Some(first), Some(last)) = (leg.received.first(), leg.received.last()) {
                let span = last.header.timestamp.wrapping_sub(first.header.timestamp) / clock + 1;
                missing += (span as usize).saturating_sub(leg.received.len());
            }
        }
        let legs = self.legs.iter().zip(places).map(|(leg, place)| LegReport {
            first_deadline_ns: leg.first_deadline,
            interval_ns: leg.interval_ns(),
            place,
        });
        Ok(Report {
            answers_ms: (0..self.legs.len()).map(|leg| self.calls.answer_ms(leg)).collect(),
            failed,
            repeated_invites: self.calls.repeated,
            hung_up_by_server: self.calls.dropped,
            setup: self.setup.take().unwrap_or_default(),
            window: self.used,
            late_ms: Spread::of(self.late),
            gaps_ms: Spread::of(gaps),
            sent: self.legs.iter().map(|leg| leg.sent.len()).sum(),
            received: self.legs.iter().map(|leg| leg.received.len()).sum(),
            missing,
            strange: self.legs.iter().map(|leg| leg.strange).sum(),
            reports: self.legs.iter().map(|leg| leg.reports).sum(),
            silent_legs: self.legs.iter().filter(|leg| leg.received.is_empty()).count(),
            legs: legs.collect(),
        })
    }
}
