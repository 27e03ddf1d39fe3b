//! `Network`: virtual time.

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use roomtone_engine::wire::Impairment;
use sha2::{Digest, Sha256};

/// See `_native.pyi`.
#[pyclass(frozen, module = "roomtone._native")]
pub struct Network {
    /// The world.
    pub inner: roomtone_engine::network::Network,
    /// Hash of the events that its cores have drained.
    pub events: Arc<Mutex<Sha256>>,
}

/// An IP address and a port, as Python writes it.
pub fn address(host: &str, port: u16) -> PyResult<SocketAddr> {
    let ip: IpAddr = host.parse().map_err(|_| PyValueError::new_err(format!("{host:?} is no IP address")))?;
    Ok(SocketAddr::new(ip, port))
}

#[pymethods]
impl Network {
    #[new]
    fn new(seed: u64) -> Self {
        Self { inner: roomtone_engine::network::Network::new(seed), events: Arc::default() }
    }

    fn now_us(&self) -> u64 {
        self.inner.now().as_micros() as u64
    }

    fn run_until(&self, py: Python<'_>, deadline_us: u64, stop_on_event: bool) -> u64 {
        let deadline = Duration::from_micros(deadline_us);
        py.detach(|| self.inner.run_until(deadline, stop_on_event)).as_micros() as u64
    }

    #[pyo3(signature = (*, loss = 0.0, jitter_ms = 0.0, delay_ms = 0.0, duplicate = 0.0, source = "", rtp_only = true))]
    fn impair(
        &self,
        loss: f64,
        jitter_ms: f64,
        delay_ms: f64,
        duplicate: f64,
        source: &str,
        rtp_only: bool,
    ) -> PyResult<()> {
        let millis = |value: f64| Duration::from_secs_f64(value.max(0.0) / 1000.0);
        let rule =
            Impairment { loss, duplicate, delay: millis(delay_ms), jitter: millis(jitter_ms), rtp_only };
        let source = if source.is_empty() { None } else { Some(address(source, 0)?.ip()) };
        self.inner.impair(source, rule);
        Ok(())
    }

    fn inject(&self, source: (String, u16), destination: (String, u16), datagram: &[u8]) -> PyResult<()> {
        self.inner.inject(address(&source.0, source.1)?, address(&destination.0, destination.1)?, datagram);
        Ok(())
    }

    fn fault(&self, port: (String, u16)) -> PyResult<()> {
        self.inner.fault(address(&port.0, port.1)?);
        Ok(())
    }

    fn digest(&self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let events = self.events.lock().expect("no holder panics").clone().finalize();
        format!("{}-{}", hex(&self.inner.digest()[..16]), hex(&events[..16]))
    }
}
