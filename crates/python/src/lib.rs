//! The customs post: what `_native.pyi` describes, and nothing else. Each pyclass wraps one thing of the engine; errors become Python's here, once.
//! No media thread ever takes the GIL: events are read by `Core.drain`, blocking work runs detached.

use pyo3::prelude::*;

mod batch;
mod clip;
mod core;
mod error;
mod event;
mod network;
mod sdp;
mod sip;

#[pymodule]
mod _native {
    use pyo3::prelude::*;

    /// See `_native.pyi`.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("BORDER", env!("ROOMTONE_BORDER"))
    }

    #[pymodule_export]
    use crate::batch::Batch;
    #[pymodule_export]
    use crate::clip::Clip;
    #[pymodule_export]
    use crate::core::Core;
    #[pymodule_export]
    use crate::error::{LimitReached, MediaError, SdpError};
    #[pymodule_export]
    use crate::event::{
        Ack, BusLost, Digit, ItemDone, ItemStarted, LegLost, LegSilent, PlayerDone, SipAck, SipAckTimeout,
        SipCancelled, SipFailed, SipFlowClosed, SipRequest, SipResponse, TapReady, ThreadLost,
    };
    #[pymodule_export]
    use crate::network::Network;
    #[pymodule_export]
    use crate::sdp::{Negotiated, sdp_accept, sdp_answer, sdp_offer};
    #[pymodule_export]
    use crate::sip::SipMessage;
}
