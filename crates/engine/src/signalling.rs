//! SIP's shell: the endpoint of `crates/sip`, its sockets, its timers. One thread waits for sockets (live); Python's commands are carried out on Python's
//! own thread under the same lock, which is held for one round of what has come at the most.

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use roomtone_sip::{
    Counters, Endpoint, Event, Flow, FlowId, Limits, Output, Refusal, Request, Response, Target,
    TransactionId, Transport,
};

use crate::live::Driver;
use crate::mailbox::Notifier;
use crate::os::{Poll, Scratch, Wake};
use crate::sip_sockets::{Heard, SipSockets};
use crate::wire::SharedWire;

/// What Python hears about signalling, in order.
#[derive(Clone, Debug)]
pub enum SipNews {
    /// Of a transaction.
    Event(Box<Event>),
    /// A connection has ended.
    FlowClosed(FlowId),
}

/// Where bytes go to.
enum Carrier {
    Sockets(SipSockets),
    Wire { wire: SharedWire, host: usize, listeners: Vec<(FlowId, SocketAddr)>, next_flow: u64 },
}

/// Endpoint and carrier.
pub struct Signalling {
    endpoint: Endpoint,
    carrier: Carrier,
    news: VecDeque<(Duration, SipNews)>,
    notifier: Arc<Notifier>,
}

impl Signalling {
    /// Opens a socket; the address bound.
    pub fn listen(&mut self, transport: Transport, local: SocketAddr) -> io::Result<SocketAddr> {
        match &mut self.carrier {
            Carrier::Sockets(sockets) => sockets.listen(transport, local),
            Carrier::Wire { wire, host, listeners, next_flow } => {
                if transport != Transport::Udp {
                    return Err(io::Error::new(
                        io::ErrorKind::Unsupported,
                        "a virtual network carries UDP only",
                    ));
                }
                let local = if local.port() == 0 { SocketAddr::new(local.ip(), 5060) } else { local };
                if !wire.lock().listen(local, *host) {
                    return Err(io::ErrorKind::AddrInUse.into());
                }
                *next_flow += 1;
                let flow = FlowId(*next_flow);
                listeners.push((flow, local));
                Ok(local)
            }
        }
    }

    /// Our address towards a peer: that of the route to it, with our listener's port.
    pub fn local(&self, transport: Transport, peer: SocketAddr) -> Option<SocketAddr> {
        match &self.carrier {
            Carrier::Sockets(sockets) => {
                let bound = sockets.listener(transport, peer)?;
                if !bound.ip().is_unspecified() {
                    return Some(bound);
                }
                let any: IpAddr =
                    if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
                let probe = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
                probe.connect(peer).ok()?;
                Some(SocketAddr::new(probe.local_addr().ok()?.ip(), bound.port()))
            }
            Carrier::Wire { listeners, .. } => listeners.first().map(|(_, local)| *local),
        }
    }

    /// A datagram of the virtual network.
    pub fn handle_datagram(&mut self, local: SocketAddr, remote: SocketAddr, bytes: &[u8], now: Duration) {
        let Carrier::Wire { listeners, .. } = &self.carrier else { return };
        let Some((id, _)) = listeners.iter().find(|(_, address)| *address == local) else { return };
        let flow = Flow { id: *id, transport: Transport::Udp, local, remote };
        self.endpoint.handle_datagram(&flow, bytes, now);
        self.flush(now);
    }

    /// Answers a server transaction.
    pub fn respond(&mut self, transaction: TransactionId, response: &Response, now: Duration) {
        self.endpoint.respond(transaction, response, now);
        self.flush(now);
    }

    /// Sends a request.
    pub fn request(
        &mut self,
        request: &Request,
        target: Target,
        sent_by: SocketAddr,
        now: Duration,
    ) -> TransactionId {
        let transaction = self.endpoint.request(request, target, sent_by, now);
        self.flush(now);
        transaction
    }

    /// Cancels an INVITE of ours.
    pub fn cancel(&mut self, transaction: TransactionId, now: Duration) {
        self.endpoint.cancel(transaction, now);
        self.flush(now);
    }

    /// When the next timer is due.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.endpoint.poll_timeout()
    }

    /// Runs what is due.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.endpoint.poll_timeout().is_some_and(|due| due <= now) {
            self.endpoint.handle_timeout(now);
            self.flush(now);
        }
    }

    /// What was refused or dropped, and what was answered.
    pub fn counters(&self) -> &Counters {
        self.endpoint.counters()
    }

    /// Refusals since the last time, for the log; of a flood, the first.
    pub fn take_refusals(&mut self) -> Vec<Refusal> {
        core::iter::from_fn(|| self.endpoint.poll_refusal()).collect()
    }

    /// Carries out what the endpoint wants.
    fn flush(&mut self, now: Duration) {
        let heard = self.news.len();
        while let Some(output) = self.endpoint.poll_output() {
            match (output, &mut self.carrier) {
                (Output::Event(event), _) => self.news.push_back((now, SipNews::Event(Box::new(event)))),
                (Output::Transmit { flow, remote, bytes, .. }, Carrier::Wire { wire, listeners, .. }) => {
                    let from = listeners.iter().find(|(id, _)| flow.is_none_or(|flow| flow == *id));
                    if let Some((_, local)) = from {
                        wire.lock().send(*local, remote, &bytes);
                    }
                }
                (Output::Connect { transport, remote }, Carrier::Wire { .. }) => {
                    self.endpoint.handle_unreachable(transport, remote, now);
                }
                (Output::Close { .. }, Carrier::Wire { .. }) => {}
                (Output::Transmit { transport, flow, remote, bytes }, Carrier::Sockets(sockets)) => {
                    if !sockets.transmit(transport, flow, remote, &bytes) {
                        self.endpoint.handle_unreachable(transport, remote, now);
                    }
                }
                (Output::Connect { transport, remote }, Carrier::Sockets(sockets)) => {
                    if !sockets.connect(remote) {
                        self.endpoint.handle_unreachable(transport, remote, now);
                    }
                }
                (Output::Close { flow }, Carrier::Sockets(sockets)) => {
                    sockets.close(flow);
                    self.endpoint.handle_closed(flow, now);
                }
            }
        }
        if self.news.len() > heard {
            self.notifier.notify();
        }
    }
}

/// The signalling as its users share it.
#[derive(Clone)]
pub struct SharedSignalling {
    inner: Arc<Mutex<Signalling>>,
    bell: Option<Arc<Wake>>,
}

impl SharedSignalling {
    /// The signalling itself. Whoever changes it from outside its thread rings the bell afterwards ([`Self::wake`]).
    pub fn lock(&self) -> MutexGuard<'_, Signalling> {
        // After a fault the server ends, and what can still leave (BYE) does.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the thread look at its timers and sockets again.
    pub fn wake(&self) {
        if let Some(bell) = &self.bell {
            bell.ring();
        }
    }

    /// Everything that waits for Python.
    pub fn take_news(&self) -> Vec<(Duration, SipNews)> {
        self.lock().news.drain(..).collect()
    }
}

fn share(carrier: Carrier, seed: u64, notifier: Arc<Notifier>, bell: Option<Arc<Wake>>) -> SharedSignalling {
    let endpoint = Endpoint::new(Limits::default(), seed);
    let signalling = Signalling { endpoint, carrier, news: VecDeque::new(), notifier };
    SharedSignalling { inner: Arc::new(Mutex::new(signalling)), bell }
}

/// Signalling of a host on a virtual network.
pub fn on(wire: SharedWire, host: usize, seed: u64, notifier: Arc<Notifier>) -> SharedSignalling {
    share(Carrier::Wire { wire, host, listeners: Vec::new(), next_flow: 0 }, seed, notifier, None)
}

/// Signalling over sockets, and the thread that waits for them.
pub fn live(
    seed: u64,
    notifier: Arc<Notifier>,
    driver: &Driver,
) -> io::Result<(SharedSignalling, JoinHandle<()>)> {
    let bell = Arc::new(Wake::new()?);
    let shared = share(Carrier::Sockets(SipSockets::default()), seed, notifier, Some(bell.clone()));
    let (signalling, driver) = (shared.clone(), driver.clone());
    let thread = std::thread::Builder::new()
        .name("signalling".into())
        .spawn(move || driver.deaths.watch("signalling", || drive(&signalling, &bell, &driver)))?;
    Ok((shared, thread))
}

fn drive(shared: &SharedSignalling, bell: &Wake, driver: &Driver) {
    let mut poll = Poll::default();
    let mut scratch = Scratch::for_datagrams(Limits::default().message_bytes_max);
    while !driver.stop.load(Ordering::Acquire) {
        poll.clear();
        poll.add(bell.fd(), false);
        let timeout = {
            let signalling = shared.lock();
            let Carrier::Sockets(sockets) = &signalling.carrier else { return };
            let now = driver.epoch.now();
            sockets.register(&mut poll, now);
            let due = signalling.poll_timeout().into_iter().chain(sockets.poll_timeout(now)).min();
            due.map(|due| due.saturating_sub(now))
        };
        poll.wait(timeout);
        bell.clear();
        let now = driver.epoch.now();
        let mut signalling = shared.lock();
        signalling.read(&poll, &mut scratch, driver, now);
        signalling.handle_timeout(now);
        signalling.flush(now);
    }
}

impl Signalling {
    /// Takes what has come on the sockets that `poll` found ready.
    fn read(&mut self, poll: &Poll, scratch: &mut Scratch, driver: &Driver, now: Duration) {
        let Carrier::Sockets(sockets) = &mut self.carrier else { return };
        let endpoint = &mut self.endpoint;
        let mut closed = Vec::new();
        let is_room =
            sockets.read(poll, scratch, &driver.epoch.wall_offset(), &mut |flow, heard| match heard {
                Heard::Bytes(bytes) if flow.transport == Transport::Udp => {
                    endpoint.handle_datagram(flow, bytes, now);
                }
                Heard::Bytes(bytes) => endpoint.handle_stream(flow, bytes, now),
                Heard::Undelivered(quoted) => endpoint.handle_undelivered(flow.remote, quoted, now),
                Heard::Opened => endpoint.handle_connected(flow, now),
                Heard::Ended => {
                    endpoint.handle_closed(flow.id, now);
                    endpoint.handle_unreachable(flow.transport, flow.remote, now); // it may never have opened
                    closed.push(flow.id);
                }
            });
        if !is_room {
            endpoint.handle_accept_failed();
        }
        self.news.extend(closed.into_iter().map(|flow| (now, SipNews::FlowClosed(flow))));
        self.flush(now);
    }
}
