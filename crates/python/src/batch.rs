//! `Batch`: orders, gathered until they are submitted.

use core::time::Duration;
use std::sync::Mutex;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use roomtone_engine::control::Order;
use roomtone_engine::mailbox::{Direction, Target};
use roomtone_media::bus::{Row, Sends};
use roomtone_media::dtmf::is_key;
use roomtone_media::id::{BusId, LegId, PlayerId, TapId};
use roomtone_media::tap::TapPoint;

use crate::clip::Clip;
use crate::sdp::Negotiated;

/// See `_native.pyi`.
#[pyclass(frozen, module = "roomtone._native")]
#[derive(Default)]
pub struct Batch(Mutex<Vec<Order>>);

/// `sends` of a row: "all", "nobody" or a leg.
#[derive(FromPyObject)]
enum SendsTo {
    Leg(u64),
    Word(String),
}

impl Batch {
    fn add(&self, order: Order) {
        self.0.lock().expect("no holder panics").push(order);
    }

    /// The orders; the batch is empty afterwards.
    pub fn take(&self) -> Vec<Order> {
        core::mem::take(&mut self.0.lock().expect("no holder panics"))
    }
}

fn one_key(verb: &str, digit: &str) -> PyResult<u8> {
    match digit.as_bytes() {
        [key] if is_key(*key) => Ok(*key),
        _ => Err(PyValueError::new_err(format!("{verb}: one key of 0123456789*#ABCD, not {digit:?}"))),
    }
}

#[pymethods]
impl Batch {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    #[pyo3(signature = (bus, near = 0))]
    fn open_bus(&self, bus: u64, near: u64) {
        let near = (near != 0).then_some(BusId(near));
        self.add(Order::OpenBus { bus: BusId(bus), near });
    }

    fn close_bus(&self, bus: u64) {
        self.add(Order::CloseBus(BusId(bus)));
    }

    fn configure(&self, leg: u64, media: &Negotiated) -> PyResult<()> {
        let media = media.settings();
        self.add(Order::Configure { leg: LegId(leg), media });
        Ok(())
    }

    #[pyo3(name = "move")]
    fn move_leg(&self, leg: u64, bus: u64) {
        self.add(Order::Move { leg: LegId(leg), bus: BusId(bus) });
    }

    fn close_leg(&self, leg: u64) {
        self.add(Order::CloseLeg(LegId(leg)));
    }

    #[pyo3(signature = (leg, *, sends, hears, gain_db = 0.0))]
    fn row(&self, leg: u64, sends: SendsTo, hears: bool, gain_db: f32) -> PyResult<()> {
        let sends = match sends {
            SendsTo::Leg(leg) => Sends::One(LegId(leg)),
            SendsTo::Word(word) if word == "all" => Sends::All,
            SendsTo::Word(word) if word == "nobody" => Sends::Nobody,
            SendsTo::Word(other) => {
                return Err(PyValueError::new_err(format!("sends: all, nobody or a leg, not {other:?}")));
            }
        };
        self.add(Order::Row(LegId(leg), Row { sends, hears, gain_db }));
        Ok(())
    }

    #[pyo3(signature = (player, *, leg = 0, bus = 0, gain_db = 0.0, stop_on_digit = false))]
    fn play(&self, player: u64, leg: u64, bus: u64, gain_db: f32, stop_on_digit: bool) -> PyResult<()> {
        let target = match (leg, bus) {
            (leg, 0) if leg != 0 => Target::Leg(LegId(leg)),
            (0, bus) if bus != 0 => Target::Bus(BusId(bus)),
            _ => return Err(PyValueError::new_err("play: a leg or a bus, one of the two")),
        };
        self.add(Order::Play { player: PlayerId(player), target, gain_db, stop_on_digit });
        Ok(())
    }

    #[pyo3(signature = (player, clip, loops = 1))]
    fn append_clip(&self, player: u64, clip: &Clip, loops: u32) {
        self.add(Order::AppendClip { player: PlayerId(player), clip: clip.inner.clone(), loops });
    }

    fn append_tone(&self, player: u64, hertz: f32, milliseconds: u32, dbm0: f32) {
        self.add(Order::AppendTone { player: PlayerId(player), hertz, milliseconds, dbm0 });
    }

    fn append_silence(&self, player: u64, milliseconds: u32) {
        self.add(Order::AppendSilence { player: PlayerId(player), milliseconds });
    }

    fn finish(&self, player: u64) {
        self.add(Order::Finish(PlayerId(player)));
    }

    fn stop(&self, player: u64) {
        self.add(Order::Stop(PlayerId(player)));
    }

    fn send_digits(&self, leg: u64, digits: String) {
        self.add(Order::SendDigits(LegId(leg), digits));
    }

    fn press(&self, leg: u64, digit: &str) -> PyResult<()> {
        self.add(Order::Press(LegId(leg), one_key("press", digit)?));
        Ok(())
    }

    fn relay_digit(&self, bus: u64, digit: &str, except_leg: u64) -> PyResult<()> {
        let key = one_key("relay_digit", digit)?;
        self.add(Order::RelayDigit { bus: BusId(bus), key, except: LegId(except_leg) });
        Ok(())
    }

    #[pyo3(signature = (leg, *, sends, receives))]
    fn direction(&self, leg: u64, sends: bool, receives: bool) {
        self.add(Order::Direct(LegId(leg), Direction { sends, receives }));
    }

    #[pyo3(signature = (tap, leg, point, seconds_max = 60, notify_ms = 100))]
    fn tap(&self, tap: u64, leg: u64, point: &str, seconds_max: usize, notify_ms: u64) -> PyResult<()> {
        let point = match point {
            "decoded" => TapPoint::Decoded,
            "mixed" => TapPoint::Mixed,
            other => return Err(PyValueError::new_err(format!("tap: decoded or mixed, not {other:?}"))),
        };
        let notify = Duration::from_millis(notify_ms);
        self.add(Order::Tap { tap: TapId(tap), leg: LegId(leg), point, seconds_max, notify });
        Ok(())
    }

    fn untap(&self, tap: u64) {
        self.add(Order::Untap(TapId(tap)));
    }
}
