//! `SipMessage`: a parsed message, read by attribute.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use roomtone_sip::Message;

/// See `_native.pyi`.
#[pyclass(frozen, module = "roomtone._native")]
#[derive(Debug)]
pub struct SipMessage(pub Message);

#[pymethods]
#[allow(clippy::wrong_self_convention, reason = "From is the name of a header")]
impl SipMessage {
    #[getter]
    fn method(&self) -> &str {
        &self.0.method
    }

    #[getter]
    fn uri(&self) -> &str {
        &self.0.uri
    }

    #[getter]
    fn status(&self) -> u16 {
        self.0.status
    }

    #[getter]
    fn reason(&self) -> &str {
        &self.0.reason
    }

    #[getter]
    fn call_id(&self) -> &str {
        &self.0.call_id
    }

    #[getter]
    fn cseq(&self) -> u32 {
        self.0.cseq
    }

    #[getter]
    fn from_uri(&self) -> &str {
        &self.0.from_uri
    }

    #[getter]
    fn from_tag(&self) -> &str {
        &self.0.from_tag
    }

    #[getter]
    fn from_display(&self) -> &str {
        &self.0.from_display
    }

    #[getter]
    fn to_uri(&self) -> &str {
        &self.0.to_uri
    }

    #[getter]
    fn to_tag(&self) -> &str {
        &self.0.to_tag
    }

    #[getter]
    fn contact_uri(&self) -> &str {
        &self.0.contact_uri
    }

    #[getter]
    fn routes(&self) -> Vec<String> {
        self.0.routes.clone()
    }

    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.body)
    }

    #[getter]
    fn source(&self) -> (&'static str, String, u16) {
        self.0.source()
    }

    #[getter]
    fn flow(&self) -> u64 {
        self.0.flow.0
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }

    fn headers(&self, name: &str) -> Vec<&str> {
        self.0.headers(name)
    }

    fn __repr__(&self) -> String {
        let what = if self.0.is_request() { self.0.uri.clone() } else { self.0.status.to_string() };
        format!("SipMessage({} {what}, call_id={:?})", self.0.method, self.0.call_id)
    }
}
