//! A worker: some buses, the legs on them, and what one tick does to them, in this order: commands, packets in, mix, packets out, housekeeping. The live
//! driver calls [`Worker::tick`] every 20 ms of real time, the virtual one of its own.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use roomtone_media::bus::Bus;
use roomtone_media::event::{DoneReason, Event, Events};
use roomtone_media::id::{BusId, LegId, PlayerId};
use roomtone_media::leg::Leg;
use roomtone_media::player::{Item, Player};
use rtrb::{Consumer, Producer};

use crate::fault::{Fault, contain, listen_for_panics};
use crate::gauge::WorkerGauges;
use crate::line::{Line, TURN_TICKS};
use crate::mailbox::{
    Arrival, Arrivals, BACKLOG_EVENTS_MAX, Batch, Command, Notifier, Remains, Said, Stamped, Target,
};
use crate::transport::Reading;

/// One step of every bus.
pub const TICK: Duration = Duration::from_millis(20);

/// The way out for events: the ring, and the backlog when it is full. Nothing is dropped.
pub struct Outbox {
    ring: Producer<Stamped>,
    backlog: Vec<Stamped>,
    now: Duration,
    said: bool,
    gauges: Arc<WorkerGauges>,
}

impl Outbox {
    /// Into this ring.
    pub fn new(ring: Producer<Stamped>, gauges: Arc<WorkerGauges>) -> Self {
        let backlog = Vec::with_capacity(BACKLOG_EVENTS_MAX * 2);
        Self { ring, backlog, now: Duration::ZERO, said: false, gauges }
    }

    fn say(&mut self, said: Said) {
        self.said = true;
        let stamped = Stamped { time: self.now, said };
        if !self.backlog.is_empty() {
            self.gauges.events_delayed.add(1);
            return self.backlog.push(stamped);
        }
        if let Err(rtrb::PushError::Full(stamped)) = self.ring.push(stamped) {
            self.gauges.events_delayed.add(1);
            self.backlog.push(stamped);
        }
    }

    fn flush(&mut self) {
        let free = self.ring.slots().min(self.backlog.len());
        for stamped in self.backlog.drain(..free) {
            // The slots were counted, and this is the only producer.
            let _ = self.ring.push(stamped);
        }
    }

    fn overfull(&self) -> bool {
        self.backlog.len() > BACKLOG_EVENTS_MAX
    }
}

impl Events for Outbox {
    fn push(&mut self, event: Event) {
        self.say(Said::Media(event));
    }
}

/// Some buses and the legs on them.
pub struct Worker {
    buses: Vec<Bus<Box<Line>>>,
    bus_index: HashMap<BusId, usize>,
    homes: HashMap<LegId, BusId>,
    inbox: Consumer<Box<Batch>>,
    /// It waits for legs.
    held: Option<Box<Batch>>,
    landed: Vec<Arrival>,
    /// Legs whose next worker has no room for them in this tick.
    departing: VecDeque<(usize, Arrival)>,
    index: usize,
    arrivals: Arrivals,
    tools: Tools,
    notifier: Arc<Notifier>,
}

/// What every bus needs in its turn.
struct Tools {
    outbox: Outbox,
    retired: Producer<Player>,
    reading: Reading,
    silence_max: Duration,
    ticks: u64,
    gauges: Arc<WorkerGauges>,
}

/// What a worker is made of.
#[allow(missing_docs, reason = "named as in Worker")]
pub struct WorkerParts {
    pub index: usize,
    pub inbox: Consumer<Box<Batch>>,
    pub arrivals: Arrivals,
    pub outbox: Outbox,
    pub retired: Producer<Player>,
    pub reading: Reading,
    pub silence_max: Duration,
    pub notifier: Arc<Notifier>,
    pub gauges: Arc<WorkerGauges>,
}

impl Tools {
    /// What came in, the mix, what goes out.
    fn mix(&mut self, bus: &mut Bus<Box<Line>>, now: Duration) {
        let Self { outbox, reading, gauges, .. } = self;
        let receive = |leg: &mut Leg, line: &mut Box<Line>| line.receive(leg, reading, gauges);
        let send = |leg: &Leg, line: &mut Box<Line>| line.send(leg, gauges);
        bus.mix(now, outbox, receive, send);
        while let Some(player) = bus.take_retired() {
            // A full ring leaves the player to be freed here: late, not wrong.
            let _ = self.retired.push(player);
        }
    }

    /// Each leg has its turn once in `TURN_TICKS`, spread evenly over the ticks.
    fn keep_house(&mut self, bus: &mut Bus<Box<Line>>, now: Duration) {
        for (leg, line) in bus.legs_mut() {
            let id = leg.id();
            if !(id.0 + self.ticks).is_multiple_of(TURN_TICKS) {
                continue;
            }
            if line.turn(leg, &mut self.reading, now, self.silence_max, &self.gauges) {
                self.outbox.say(Said::Silent(id));
            }
        }
    }
}

impl Worker {
    /// A worker without buses.
    pub fn new(parts: WorkerParts) -> Self {
        let WorkerParts { index, inbox, arrivals, outbox, retired, reading, silence_max, notifier, gauges } =
            parts;
        listen_for_panics();
        Self {
            buses: Vec::with_capacity(1024),
            bus_index: HashMap::with_capacity(1024),
            homes: HashMap::with_capacity(4096),
            inbox,
            held: None,
            landed: Vec::with_capacity(64),
            departing: VecDeque::with_capacity(64),
            index,
            arrivals,
            tools: Tools { outbox, retired, reading, silence_max, ticks: 0, gauges },
            notifier,
        }
    }

    /// What the kernel's stamps mean from now on.
    pub fn reading_mut(&mut self) -> &mut Reading {
        &mut self.tools.reading
    }

    /// One step of every bus. `now` is the tick's own time, a multiple of 20 ms after the driver's start.
    pub fn tick(&mut self, now: Duration) {
        self.tools.outbox.now = now;
        self.tools.outbox.flush();
        self.take_commands(now);
        self.each_bus(|tools, bus, next| {
            if let Some(next) = next {
                next.prefetch();
            }
            tools.mix(bus, now);
        });
        self.each_bus(|tools, bus, _| tools.keep_house(bus, now));
        if self.tools.outbox.overfull() {
            self.shed_newest_leg();
        }
        let Tools { outbox, gauges, ticks, .. } = &mut self.tools;
        gauges.legs.set(self.homes.len() as i64);
        gauges.buses.set(self.buses.len() as i64);
        *ticks += 1;
        gauges.ticks.add(1);
        if core::mem::take(&mut outbox.said) || !outbox.backlog.is_empty() {
            self.notifier.notify();
        }
    }

    /// One part of the tick, bus by bus; it is shown the next one too. A bus at which it panics ends there and then, and the others go on: a fault of
    /// ours stays in its room.
    fn each_bus(&mut self, mut part: impl FnMut(&mut Tools, &mut Bus<Box<Line>>, Option<&Bus<Box<Line>>>)) {
        let mut index = 0;
        while let Err(fault) = contain(|| {
            while let Some((bus, later)) = self.buses[index..].split_first_mut() {
                part(&mut self.tools, bus, later.first());
                index += 1;
            }
        }) {
            self.give_up_bus(index, fault); // its place is taken by the last bus, whose turn is to come
        }
    }

    /// Nothing of it is touched any more, and control frees it: who knows how far the fault has left it usable.
    fn give_up_bus(&mut self, index: usize, fault: Fault) {
        let bus = self.remove_bus(index);
        self.homes.retain(|_, home| *home != bus.id());
        self.tools.gauges.buses_failed.add(1);
        self.tools.gauges.legs_failed.add(bus.len() as i64);
        self.tools.outbox.say(Said::Broken(Box::new(bus), Box::new(fault)));
    }

    fn remove_bus(&mut self, index: usize) -> Bus<Box<Line>> {
        let bus = self.buses.swap_remove(index);
        self.bus_index.remove(&bus.id());
        if let Some(moved) = self.buses.get(index) {
            self.bus_index.insert(moved.id(), index);
        }
        bus
    }

    fn take_commands(&mut self, now: Duration) {
        while let Some(arrival) = self.arrivals[self.index].pop() {
            self.landed.push(arrival);
        }
        self.depart();
        while let Some(mut batch) = self.held.take().or_else(|| self.inbox.pop().ok()) {
            if !self.apply(&mut batch, now) {
                self.held = Some(batch);
                return;
            }
            self.tools.outbox.say(Said::Applied(batch));
        }
    }

    /// Whether all of it is applied now. It waits for legs that come before it begins, but only up to the next leg that goes: else two workers with
    /// legs for each other would wait for ever. As each keeps the order of the commands, the earliest wait of all has its leg on the way.
    fn apply(&mut self, batch: &mut Batch, now: Duration) -> bool {
        while batch.applied < batch.commands.len() {
            let rest = &batch.commands[batch.applied..];
            let goes = rest.iter().position(|command| matches!(command, Command::Detach(..)));
            let count = goes.map_or(rest.len(), |index| index + 1);
            if !rest[..count].iter().all(|command| self.is_ready(command, batch.id)) {
                return false;
            }
            for index in batch.applied..batch.applied + count {
                let command =
                    core::mem::replace(&mut batch.commands[index], Command::Spent(Remains::Nothing));
                let remains = self.carry_out(command, batch.id, now).unwrap_or_else(|Gone(id, remains)| {
                    batch.gone.push(id);
                    remains
                });
                batch.commands[index] = Command::Spent(remains);
            }
            batch.applied += count;
        }
        true
    }

    fn is_ready(&self, command: &Command, batch: u64) -> bool {
        let Command::Land(id, _) = command else { return true };
        self.landed.iter().any(|arrival| arrival.batch == batch && arrival.id == *id)
    }

    fn depart(&mut self) {
        while let Some((worker, arrival)) = self.departing.pop_front() {
            if let Err(arrival) = self.arrivals[worker].push(arrival) {
                return self.departing.push_front((worker, arrival));
            }
        }
    }

    fn carry_out(&mut self, command: Command, batch: u64, now: Duration) -> Result<Remains, Gone> {
        match command {
            Command::OpenBus(bus) => {
                self.bus_index.insert(bus.id(), self.buses.len());
                self.buses.push(*bus);
            }
            Command::CloseBus(id) => return self.close_bus(id),
            Command::Attach(leg, line, bus) => return self.attach(leg, line, bus),
            Command::Move(id, bus) => {
                let (leg, line) = self.take_leg(id).ok_or(Gone(id.0, Remains::Nothing))?;
                return self.attach(leg, line, bus);
            }
            Command::Detach(id, worker) => {
                let leg = self.take_leg(id);
                self.departing.push_back((worker, Arrival { batch, id, leg }));
                self.depart();
            }
            Command::Land(id, bus) => {
                let landed =
                    self.landed.iter().position(|arrival| arrival.batch == batch && arrival.id == id);
                let arrival = landed.and_then(|index| self.landed.swap_remove(index).leg);
                let (leg, line) = arrival.ok_or(Gone(id.0, Remains::Nothing))?;
                return self.attach(leg, line, bus);
            }
            Command::Configure(id, media, remote) => {
                let Some((leg, line)) = self.leg(id) else { return Err(Gone(id.0, Remains::Media(media))) };
                line.signal(remote.rtp, remote.rtcp, now);
                return Ok(leg.configure(media).map_or(Remains::Nothing, Remains::Media));
            }
            Command::Direct(id, direction) => {
                let (leg, line) = self.leg(id).ok_or(Gone(id.0, Remains::Nothing))?;
                leg.set_direction(direction.sends, direction.receives);
                line.expect_packets(direction.receives, now);
            }
            Command::CloseLeg(id) => return self.close_leg(id, now),
            Command::Row(id, row) => {
                let bus = self.bus_of(id).ok_or(Gone(id.0, Remains::Nothing))?;
                bus.set_row(id, row);
            }
            Command::SendDigits(id, digits) => {
                let (leg, _) = self.leg(id).ok_or(Gone(id.0, Remains::Nothing))?;
                leg.send_digits(digits.as_bytes());
                return Ok(Remains::Digits(digits));
            }
            Command::Press(id, key) => {
                let (leg, _) = self.leg(id).ok_or(Gone(id.0, Remains::Nothing))?;
                leg.press(key);
            }
            Command::RelayDigit(id, key, except) => {
                self.bus(id).ok_or(Gone(id.0, Remains::Nothing))?.relay_digit(key, except);
            }
            Command::Tap(id, point, tap) => {
                let (leg, _) = self.leg(id).ok_or(Gone(id.0, Remains::Nothing))?;
                return Ok(leg.set_tap(point, tap).map_or(Remains::Nothing, Remains::Tap));
            }
            Command::Play(target, player) => return self.play(target, *player),
            Command::Append(target, id, item) => return self.append(target, id, item),
            Command::Finish(target, id) => self.player(target, id)?.finish(),
            Command::Stop(target, id) => self.player(target, id)?.stop(),
            Command::Spent(remains) => return Ok(remains),
        }
        Ok(Remains::Nothing)
    }

    fn bus(&mut self, id: BusId) -> Option<&mut Bus<Box<Line>>> {
        self.bus_index.get(&id).map(|index| &mut self.buses[*index])
    }

    fn bus_of(&mut self, leg: LegId) -> Option<&mut Bus<Box<Line>>> {
        let home = *self.homes.get(&leg)?;
        self.bus(home)
    }
}

/// The leg, bus or player has ended; what the command held comes back to be freed elsewhere.
struct Gone(u64, Remains);

impl Worker {
    fn leg(&mut self, id: LegId) -> Option<(&mut Leg, &mut Line)> {
        let (leg, line) = self.bus_of(id)?.leg_mut(id)?;
        Some((leg, line))
    }

    fn attach(&mut self, leg: Box<Leg>, line: Box<Line>, bus: BusId) -> Result<Remains, Gone> {
        let id = leg.id();
        match self.bus(bus) {
            Some(bus) => bus.insert(leg, line),
            None => {
                // It ended by a fault of which control has not heard yet.
                self.shed(id, leg, line);
                return Err(Gone(bus.0, Remains::Nothing));
            }
        }
        self.homes.insert(id, bus);
        Ok(Remains::Nothing)
    }

    fn take_leg(&mut self, id: LegId) -> Option<(Box<Leg>, Box<Line>)> {
        let bus = self.homes.remove(&id)?;
        self.bus(bus)?.remove(id)
    }

    fn close_leg(&mut self, id: LegId, now: Duration) -> Result<Remains, Gone> {
        let (mut leg, mut line) = self.take_leg(id).ok_or(Gone(id.0, Remains::Nothing))?;
        line.say_bye(&mut leg, now, self.tools.reading.offset.ntp(), &self.tools.gauges);
        leg.close(&mut self.tools.outbox);
        Ok(Remains::Leg(leg, line))
    }

    /// A bus ends; legs that were not moved away in time end with it, and control hears of each.
    fn close_bus(&mut self, id: BusId) -> Result<Remains, Gone> {
        let index = *self.bus_index.get(&id).ok_or(Gone(id.0, Remains::Nothing))?;
        let mut left: Vec<LegId> =
            self.homes.iter().filter(|(_, home)| **home == id).map(|(leg, _)| *leg).collect();
        left.sort_unstable();
        for leg in left {
            if let Some((mut ended, line)) = self.take_leg(leg) {
                ended.close(&mut self.tools.outbox);
                self.shed(leg, ended, line);
            }
        }
        let mut bus = self.remove_bus(index);
        bus.close(&mut self.tools.outbox);
        Ok(Remains::Bus(Box::new(bus)))
    }

    fn play(&mut self, target: Target, player: Player) -> Result<Remains, Gone> {
        let id = player.id();
        let taken = match target {
            Target::Leg(leg) => self.leg(leg).is_some_and(|(leg, _)| leg.play(player).is_ok()),
            Target::Bus(bus) => self.bus(bus).is_some_and(|bus| bus.play(player).is_ok()),
        };
        if taken {
            return Ok(Remains::Nothing);
        }
        self.tools.outbox.push(Event::PlayerDone { player: id, reason: DoneReason::Gone });
        Err(Gone(id.0, Remains::Nothing))
    }

    fn append(&mut self, target: Target, id: PlayerId, item: Item) -> Result<Remains, Gone> {
        match self.player(target, id) {
            Ok(player) => match player.append(item) {
                Ok(old) => Ok(old.map_or(Remains::Nothing, Remains::Item)),
                Err(item) => Err(Gone(id.0, Remains::Item(item))),
            },
            Err(_) => Err(Gone(id.0, Remains::Item(item))),
        }
    }

    fn player(&mut self, target: Target, id: PlayerId) -> Result<&mut Player, Gone> {
        let player = match target {
            Target::Leg(leg) => self.leg(leg).and_then(|(leg, _)| leg.player_mut(id)),
            Target::Bus(bus) => self.bus(bus).and_then(|bus| bus.player_mut(id)),
        };
        player.ok_or(Gone(id.0, Remains::Nothing))
    }

    fn shed(&mut self, id: LegId, leg: Box<Leg>, line: Box<Line>) {
        self.tools.gauges.legs_shed.add(1);
        self.tools.outbox.say(Said::Shed(id, leg, line));
    }

    /// The last resort when control does not read its events: the callers who came last are the ones to go.
    fn shed_newest_leg(&mut self) {
        let Some(newest) = self.homes.keys().copied().max() else { return };
        if let Some((leg, line)) = self.take_leg(newest) {
            self.shed(newest, leg, line);
        }
    }
}
