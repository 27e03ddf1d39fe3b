//! `Core`: the engine in Python's hands.

use core::time::Duration;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use roomtone_engine::control::News;
use roomtone_engine::core::{Core as Engine, CoreConfig};
use roomtone_engine::prompt::Mono;
use roomtone_media::codec::Codec;
use roomtone_media::id::{LegId, TapId};
use roomtone_sip::{FlowId, Refusal, Request, Response, Target, TransactionId, Transport};
use sha2::{Digest, Sha256};

use crate::batch::Batch;
use crate::clip::Clip;
use crate::error::{self, LimitReached};
use crate::event;
use crate::network::{Network, address};
use crate::sdp::codec;

/// Stands in a Via that goes over a connection, where nobody reads it.
const UNKNOWN_SENT_BY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5060);

/// See `_native.pyi`.
#[pyclass(frozen, module = "roomtone._native")]
pub struct Core {
    engine: Engine,
    codecs: Vec<Codec>,
    drained: Option<Arc<Mutex<Sha256>>>,
}

fn micros(time: Duration) -> u64 {
    time.as_micros() as u64
}

fn codecs(names: &[String]) -> PyResult<Vec<Codec>> {
    names.iter().map(|name| codec(name)).collect()
}

fn transport(name: &str) -> PyResult<Transport> {
    match name {
        "udp" => Ok(Transport::Udp),
        "tcp" => Ok(Transport::Tcp),
        "tls" => Ok(Transport::Tls),
        other => Err(PyValueError::new_err(format!("udp, tcp or tls, not {other:?}"))),
    }
}

#[pymethods]
impl Core {
    #[new]
    #[pyo3(signature = (*, network = None, host = "127.0.0.1", workers = 1, seed = None, rtp_ports = (20000, 29998),
                        rtp_timeout_s = 60, codecs = vec!["opus".into(), "PCMU".into(), "PCMA".into()]))]
    fn new(
        network: Option<&Network>,
        host: &str,
        workers: usize,
        seed: Option<u64>,
        rtp_ports: (u16, u16),
        rtp_timeout_s: u64,
        codecs: Vec<String>,
    ) -> PyResult<Self> {
        let codecs = self::codecs(&codecs)?;
        let config = CoreConfig {
            host: address(host, 0)?.ip(),
            workers,
            seed,
            rtp_ports,
            silence_max: Duration::from_secs(rtp_timeout_s),
            codecs: codecs.clone(),
        };
        let engine = match network {
            Some(network) => Engine::on(&network.inner, &config),
            None => Engine::live(&config)?,
        };
        Ok(Self { engine, codecs, drained: network.map(|network| network.events.clone()) })
    }

    fn new_id(&self) -> u64 {
        self.engine.control().new_id()
    }

    fn now_us(&self) -> u64 {
        micros(self.engine.now())
    }

    fn fileno(&self) -> PyResult<i32> {
        self.engine.fd().ok_or_else(|| PyValueError::new_err("a core in virtual time has no file descriptor"))
    }

    fn drain(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let (sip, media) = self.engine.drain();
        if let Some(hash) = &self.drained {
            let mut hash = hash.lock().expect("no holder panics");
            sip.iter().for_each(|news| hash.update(format!("{news:?}")));
            media.iter().for_each(|news| hash.update(format!("{news:?}")));
        }
        let sip = sip.into_iter().map(|(time, news)| event::sip(py, time, news));
        let media = media.into_iter().map(|(time, news): (Duration, News)| event::media(py, time, news));
        sip.chain(media).collect()
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.engine.close());
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = PyDict::new(py);
        for (name, value) in self.engine.control().totals() {
            stats.set_item(name, value)?;
        }
        let signalling = self.engine.signalling().lock();
        for (reason, count) in signalling.counters().iter() {
            stats.set_item(format!("sip_rejected_{}", reason.name()), count)?;
        }
        for (method, code, count) in signalling.counters().responses() {
            stats.set_item(format!("sip_response_{method}_{code}"), count)?;
        }
        drop(signalling);
        let (bounds_us, counts, sum_us) = self.engine.lateness();
        stats.set_item("lateness_bounds_us", bounds_us)?;
        stats.set_item("lateness_counts", counts)?;
        stats.set_item("lateness_sum_us", sum_us)?;
        Ok(stats)
    }

    fn leg_stats(&self, leg: u64) -> Option<HashMap<&'static str, i64>> {
        let gauges = self.engine.control().leg_gauges(LegId(leg))?;
        Some(gauges.snapshot().into_iter().collect())
    }

    fn open_leg(&self, leg: u64) -> PyResult<u16> {
        self.engine
            .open_leg(LegId(leg))
            .ok_or_else(|| LimitReached::new_err("sip.rtp_ports: every port of the range is in use"))
    }

    fn submit(&self, batch: &Batch) -> u64 {
        self.engine.control().submit(batch.take(), self.engine.now())
    }

    #[pyo3(signature = (data, encode = vec![]))]
    fn load_clip(&self, py: Python<'_>, data: Vec<u8>, encode: Vec<String>) -> PyResult<Clip> {
        let encode = codecs(&encode)?;
        let clip =
            py.detach(|| Mono::decode(data)?.into_clip(&self.codecs, &encode)).map_err(error::prompt)?;
        Ok(Clip::new(self.new_id(), clip))
    }

    #[pyo3(signature = (pcm, rate_hz, encode = vec![]))]
    fn load_pcm(&self, py: Python<'_>, pcm: &[u8], rate_hz: u32, encode: Vec<String>) -> PyResult<Clip> {
        let encode = codecs(&encode)?;
        let samples: Vec<i16> =
            pcm.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        let clip = py
            .detach(|| Mono::from_pcm(&samples, rate_hz).into_clip(&self.codecs, &encode))
            .map_err(error::prompt)?;
        Ok(Clip::new(self.new_id(), clip))
    }

    fn read_tap<'py>(&self, py: Python<'py>, tap: u64) -> (u64, u32, Bound<'py, PyBytes>) {
        let gathered = self.engine.control().read_tap(TapId(tap));
        let bytes: Vec<u8> = gathered.pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        (micros(gathered.time), gathered.rate_hz, PyBytes::new(py, &bytes))
    }

    fn sip_listen(&self, transport: &str, host: &str, port: u16) -> PyResult<(String, u16)> {
        let local = address(host, port)?;
        let bound = self.engine.signalling().lock().listen(self::transport(transport)?, local)?;
        self.engine.signalling().wake();
        Ok((bound.ip().to_string(), bound.port()))
    }

    fn sip_local(&self, transport: &str, peer: &str) -> PyResult<(String, u16)> {
        let peer = address(peer, 9)?;
        let local = self.engine.signalling().lock().local(self::transport(transport)?, peer);
        let local =
            local.ok_or_else(|| PyOSError::new_err(format!("no {transport} listener reaches {peer}")))?;
        Ok((local.ip().to_string(), local.port()))
    }

    #[pyo3(signature = (transaction, status, reason = "", headers = vec![], body = vec![], to_tag = ""))]
    fn sip_respond(
        &self,
        transaction: u64,
        status: u16,
        reason: &str,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        to_tag: &str,
    ) {
        let response = Response { status, reason: reason.into(), headers, body, to_tag: to_tag.into() };
        let now = self.engine.now();
        self.engine.signalling().lock().respond(TransactionId(transaction), &response, now);
        self.engine.signalling().wake();
    }

    #[pyo3(signature = (method, uri, headers, body = vec![], *, destination = None, flow = None))]
    fn sip_request(
        &self,
        method: &str,
        uri: &str,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        destination: Option<(String, String, u16)>,
        flow: Option<u64>,
    ) -> PyResult<u64> {
        let signalling = self.engine.signalling();
        let mut locked = signalling.lock();
        let remote = match destination {
            Some((word, host, port)) => Some((transport(&word)?, address(&host, port)?)),
            None => None,
        };
        let target = match (flow, remote) {
            (Some(flow), _) => Target::Flow(FlowId(flow)),
            (None, Some((kind, remote))) => Target::Address(kind, remote),
            (None, None) => return Err(PyValueError::new_err("sip_request: a flow or a destination")),
        };
        let sent_by = remote.and_then(|(kind, remote)| locked.local(kind, remote)).unwrap_or(UNKNOWN_SENT_BY);
        let request = Request { method: method.into(), uri: uri.into(), headers, body };
        let transaction = locked.request(&request, target, sent_by, self.engine.now());
        drop(locked);
        signalling.wake();
        Ok(transaction.0)
    }

    fn sip_refusals(&self) -> Vec<(&'static str, &'static str, String, u16)> {
        let refusals = self.engine.signalling().lock().take_refusals();
        let tell = |refusal: Refusal| {
            let Refusal { reason, transport, remote } = refusal;
            (reason.name(), transport.name(), remote.ip().to_string(), remote.port())
        };
        refusals.into_iter().map(tell).collect()
    }

    fn sip_cancel(&self, transaction: u64) {
        self.engine.signalling().lock().cancel(TransactionId(transaction), self.engine.now());
        self.engine.signalling().wake();
    }
}
