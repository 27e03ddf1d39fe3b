//! Errors as Python sees them.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use roomtone_engine::prompt::PromptError;

pyo3::create_exception!(roomtone._native, LimitReached, PyException, "A named limit was met.");
pyo3::create_exception!(roomtone._native, MediaError, PyException, "Bytes that are no audio we can decode.");
pyo3::create_exception!(roomtone._native, SdpError, PyException, "An SDP that we cannot parse or take.");

/// Of decoding.
pub fn prompt(error: PromptError) -> PyErr {
    match error {
        PromptError::NotAudio(what) => MediaError::new_err(format!("not audio that can be decoded: {what}")),
        PromptError::TooLong => LimitReached::new_err("a clip holds at most one hour of audio"),
    }
}

/// Of SDP: carries the SIP status to answer with.
pub fn sdp(py: Python<'_>, status: u16, message: &str) -> PyErr {
    let error = SdpError::new_err(message.to_owned());
    match error.value(py).setattr("status", status) {
        Ok(()) => error,
        Err(other) => other,
    }
}
