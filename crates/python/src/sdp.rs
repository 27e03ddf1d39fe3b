//! SDP for Python: pure functions of `crates/sip`, and what they settle.

use std::net::SocketAddr;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use roomtone_engine::control::MediaSettings;
use roomtone_engine::mailbox::Direction as Flowing;
use roomtone_media::codec::Codec;
use roomtone_sip::offer::{self, Codec as Offered, Local};
use roomtone_sip::sdp::{Direction, SdpError};

use crate::error;
use crate::network::address;

/// See `_native.pyi`.
#[pyclass(frozen, module = "roomtone._native")]
pub struct Negotiated(offer::Negotiated);

/// A codec by its name in SDP.
pub fn codec(name: &str) -> PyResult<Codec> {
    let found = Codec::ALL.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| PyValueError::new_err(format!("no codec is called {name:?}")))
}

fn offered(names: &[String]) -> PyResult<Vec<Offered>> {
    let find = |name: &String| Offered::from_name(name);
    let unknown = || PyValueError::new_err(format!("a codec of {names:?} is unknown"));
    names.iter().map(find).collect::<Option<_>>().ok_or_else(unknown)
}

fn direction(name: &str) -> PyResult<Direction> {
    Direction::from_name(name)
        .ok_or_else(|| PyValueError::new_err(format!("{name:?} is no direction of SDP")))
}

fn refused(py: Python<'_>, fault: &SdpError) -> PyErr {
    error::sdp(py, fault.status, &fault.reason)
}

impl Negotiated {
    /// As the engine needs it.
    pub fn settings(&self) -> MediaSettings {
        let Self(settled) = self;
        let codec = match settled.codec {
            Offered::Opus => Codec::Opus,
            Offered::Pcmu => Codec::Pcmu,
            Offered::Pcma => Codec::Pcma,
        };
        let (sends, receives) = match settled.direction {
            Direction::SendRecv => (true, true),
            Direction::SendOnly => (true, false),
            Direction::RecvOnly => (false, true),
            Direction::Inactive => (false, false),
        };
        MediaSettings {
            codec,
            payload_type: settled.payload_type,
            telephone_event: settled.telephone_event.map(|number| (number, settled.telephone_event_rate_hz)),
            comfort_noise: settled.comfort_noise,
            rtp: SocketAddr::new(settled.remote_host, settled.remote_port),
            rtcp: SocketAddr::new(settled.remote_host, settled.remote_rtcp_port),
            direction: Flowing { sends, receives },
        }
    }
}

#[pymethods]
impl Negotiated {
    #[getter]
    fn codec(&self) -> &'static str {
        self.0.codec.name()
    }

    #[getter]
    fn payload_type(&self) -> u8 {
        self.0.payload_type
    }

    #[getter]
    fn telephone_event(&self) -> Option<u8> {
        self.0.telephone_event
    }

    #[getter]
    fn telephone_event_rate_hz(&self) -> u32 {
        self.0.telephone_event_rate_hz
    }

    #[getter]
    fn comfort_noise(&self) -> Option<u8> {
        self.0.comfort_noise
    }

    #[getter]
    fn remote_host(&self) -> String {
        self.0.remote_host.to_string()
    }

    #[getter]
    fn remote_port(&self) -> u16 {
        self.0.remote_port
    }

    #[getter]
    fn remote_rtcp_port(&self) -> u16 {
        self.0.remote_rtcp_port
    }

    #[getter]
    fn direction(&self) -> &'static str {
        self.0.direction.name()
    }

    #[getter]
    fn ptime_ms(&self) -> u32 {
        self.0.ptime_ms
    }

    #[getter]
    fn session_version(&self) -> u64 {
        self.0.session_version
    }
}

/// See `_native.pyi`.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
#[pyo3(signature = (
    *, host, port, session_id, session_version, codecs, direction = "sendrecv", telephone_event = true
))]
pub fn sdp_offer<'py>(
    py: Python<'py>,
    host: &str,
    port: u16,
    session_id: u64,
    session_version: u64,
    codecs: Vec<String>,
    direction: &str,
    telephone_event: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let codecs = offered(&codecs)?;
    let (host, direction) = (address(host, port)?.ip(), self::direction(direction)?);
    let local =
        Local { host, port, session_id, session_version, codecs: &codecs, direction, telephone_event };
    Ok(PyBytes::new(py, &offer::make_offer(&local)))
}

/// See `_native.pyi`.
#[pyfunction]
#[pyo3(signature = (
    offer, *, host, port, session_id, session_version, codecs, direction = "sendrecv", telephone_event = true
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub fn sdp_answer<'py>(
    py: Python<'py>,
    offer: &[u8],
    host: &str,
    port: u16,
    session_id: u64,
    session_version: u64,
    codecs: Vec<String>,
    direction: &str,
    telephone_event: bool,
) -> PyResult<(Bound<'py, PyBytes>, Negotiated)> {
    let codecs = offered(&codecs)?;
    let (host, direction) = (address(host, port)?.ip(), self::direction(direction)?);
    let local =
        Local { host, port, session_id, session_version, codecs: &codecs, direction, telephone_event };
    let (answer, settled) = offer::answer(offer, &local).map_err(|fault| refused(py, &fault))?;
    Ok((PyBytes::new(py, &answer), Negotiated(settled)))
}

/// See `_native.pyi`.
#[pyfunction]
pub fn sdp_accept(py: Python<'_>, offer: &[u8], answer: &[u8]) -> PyResult<Negotiated> {
    offer::accept(offer, answer).map(Negotiated).map_err(|fault| refused(py, &fault))
}
