//! Events as Python gets them, one class each; the fields are those of `_native.pyi`.

use core::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use roomtone_engine::control::News;
use roomtone_engine::signalling::SipNews;
use roomtone_media::event::DoneReason;
use roomtone_sip::{Event as SipEvent, FailReason};

use crate::sip::SipMessage;

macro_rules! events {
    ($($name:ident { $($field:ident: $kind:ty),* $(,)? })*) => { $(
        /// See `_native.pyi`.
        #[pyclass(frozen, get_all, module = "roomtone._native")]
        #[allow(missing_docs)]
        pub struct $name { pub time_us: u64, $(pub $field: $kind),* }

        #[pymethods]
        impl $name {
            fn __repr__(&self) -> String {
                let mut text = format!("{}(time_us={}", stringify!($name), self.time_us);
                $(text.push_str(&format!(", {}={:?}", stringify!($field), self.$field));)*
                text + ")"
            }
        }
    )* };
}

events! {
    Ack { batch: u64, gone: Vec<u64> }
    Digit { leg: u64, digit: String, in_band: bool }
    ItemStarted { player: u64, item: u32 }
    ItemDone { player: u64, item: u32 }
    PlayerDone { player: u64, reason: &'static str }
    LegSilent { leg: u64 }
    LegLost { leg: u64 }
    BusLost { bus: u64, reason: String }
    ThreadLost { thread: String, reason: String }
    TapReady { tap: u64 }
    SipCancelled { transaction: u64 }
    SipAckTimeout { transaction: u64, call_id: String, to_tag: String }
    SipFailed { transaction: u64, reason: &'static str }
    SipFlowClosed { flow: u64 }
    SipRequest { transaction: u64, message: Py<SipMessage> }
    SipResponse { transaction: u64, message: Py<SipMessage> }
    SipAck { message: Py<SipMessage> }
}

/// News of the media side as a Python object.
pub fn media(py: Python<'_>, time: Duration, news: News) -> PyResult<Py<PyAny>> {
    let time_us = time.as_micros() as u64;
    match news {
        News::Ack { batch, gone } => Ack { time_us, batch, gone }.into_py_any(py),
        News::Digit { leg, key, in_band } => {
            Digit { time_us, leg: leg.0, digit: char::from(key).to_string(), in_band }.into_py_any(py)
        }
        News::ItemStarted { player, item } => ItemStarted { time_us, player: player.0, item }.into_py_any(py),
        News::ItemDone { player, item } => ItemDone { time_us, player: player.0, item }.into_py_any(py),
        News::PlayerDone { player, reason } => {
            let reason = match reason {
                DoneReason::Finished => "finished",
                DoneReason::Stopped => "stopped",
                DoneReason::Digit => "digit",
                DoneReason::Gone => "gone",
            };
            PlayerDone { time_us, player: player.0, reason }.into_py_any(py)
        }
        News::LegSilent(leg) => LegSilent { time_us, leg: leg.0 }.into_py_any(py),
        News::LegLost(leg) => LegLost { time_us, leg: leg.0 }.into_py_any(py),
        News::BusLost { bus, reason } => BusLost { time_us, bus: bus.0, reason }.into_py_any(py),
        News::ThreadLost { thread, reason } => ThreadLost { time_us, thread, reason }.into_py_any(py),
        News::TapReady(tap) => TapReady { time_us, tap: tap.0 }.into_py_any(py),
    }
}

/// News of the signalling side as a Python object.
pub fn sip(py: Python<'_>, time: Duration, news: SipNews) -> PyResult<Py<PyAny>> {
    let time_us = time.as_micros() as u64;
    let wrap = |message| Py::new(py, SipMessage(message));
    let event = match news {
        SipNews::FlowClosed(flow) => return SipFlowClosed { time_us, flow: flow.0 }.into_py_any(py),
        SipNews::Event(event) => *event,
    };
    match event {
        SipEvent::Request { transaction, message } => {
            SipRequest { time_us, transaction: transaction.0, message: wrap(message)? }.into_py_any(py)
        }
        SipEvent::Cancelled { transaction } => {
            SipCancelled { time_us, transaction: transaction.0 }.into_py_any(py)
        }
        SipEvent::Ack { message } => SipAck { time_us, message: wrap(message)? }.into_py_any(py),
        SipEvent::AckTimeout { transaction, call_id, to_tag } => {
            SipAckTimeout { time_us, transaction: transaction.0, call_id, to_tag }.into_py_any(py)
        }
        SipEvent::Response { transaction, message } => {
            SipResponse { time_us, transaction: transaction.0, message: wrap(message)? }.into_py_any(py)
        }
        SipEvent::Failed { transaction, reason } => {
            let reason = match reason {
                FailReason::Timeout => "timeout",
                FailReason::Transport => "transport",
            };
            SipFailed { time_us, transaction: transaction.0, reason }.into_py_any(py)
        }
    }
}
