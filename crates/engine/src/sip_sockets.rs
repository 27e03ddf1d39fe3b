//! The sockets of signalling: UDP listeners, TCP listeners, TCP connections with what waits to be written. No parsing, no timers.

use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use roomtone_sip::{Flow, FlowId, Transport};
use socket2::{Domain, Protocol, Socket, Type};

use crate::os::{Poll, Scratch, UdpSocket, WallOffset, unmapped};

/// Times that a datagram is sent until its error is its own: strangers can have as many told as they send ICMP.
const SENDS_MAX: usize = 8;
/// Batches of datagrams that one socket may take before the others have their turn.
const ROUNDS_MAX: usize = 8;
/// Room for some thousand INVITEs that come at once.
const RECEIVE_BUFFER_BYTES: usize = 4_194_304;
/// Bytes read from one connection before the others have their turn.
const READ_BYTES_MAX: usize = 65_536;
/// Bytes that may wait to be written to one connection; a far end that does not read is closed.
const UNSENT_BYTES_MAX: usize = 1_048_576;
/// How long nobody is accepted after the system had no descriptor for it: who waits in the backlog would wake the thread again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Connections accepted in one round.
const ACCEPTS_MAX: usize = 64;

struct Stream {
    socket: TcpStream,
    flow: Flow,
    unsent: Vec<u8>,
    connecting: bool,
    failed: bool,
}

/// What has come over a flow.
pub enum Heard<'a> {
    /// A connection has opened.
    Opened,
    /// A datagram, or the next bytes of a connection.
    Bytes(&'a [u8]),
    /// A datagram to the flow's remote did not arrive, ICMP says; the beginning that it quotes.
    Undelivered(&'a [u8]),
    /// A connection has ended.
    Ended,
}

/// Takes what has come.
pub type Hear<'a> = dyn FnMut(&Flow, Heard<'_>) + 'a;

/// See the module.
#[derive(Default)]
pub struct SipSockets {
    next_flow: u64,
    datagrams: Vec<(FlowId, UdpSocket, SocketAddr)>,
    listeners: Vec<(TcpListener, SocketAddr)>,
    streams: BTreeMap<FlowId, Stream>,
    accepts_from: Duration,
}

impl SipSockets {
    fn new_flow(&mut self) -> FlowId {
        self.next_flow += 1;
        FlowId(self.next_flow)
    }

    /// Opens a listener.
    pub fn listen(&mut self, transport: Transport, local: SocketAddr) -> io::Result<SocketAddr> {
        match transport {
            Transport::Udp => {
                let socket = UdpSocket::bind(local)?;
                socket.set_receive_buffer(RECEIVE_BUFFER_BYTES);
                socket.keep_unreachable()?;
                let bound = socket.local()?;
                let flow = self.new_flow();
                self.datagrams.push((flow, socket, bound));
                Ok(bound)
            }
            Transport::Tcp => {
                let listener = TcpListener::bind(local)?;
                listener.set_nonblocking(true)?;
                let bound = listener.local_addr()?;
                self.listeners.push((listener, bound));
                Ok(bound)
            }
            Transport::Tls | Transport::WebSocket => Err(ErrorKind::Unsupported.into()),
        }
    }

    /// Our listener that a peer of this family reaches.
    pub fn listener(&self, transport: Transport, peer: SocketAddr) -> Option<SocketAddr> {
        let fits = |bound: &&SocketAddr| reaches(**bound, peer);
        match transport {
            Transport::Udp => self.datagrams.iter().map(|(_, _, bound)| bound).find(fits).copied(),
            _ => self.listeners.iter().map(|(_, bound)| bound).find(fits).copied(),
        }
    }

    /// Begins to connect; false when that is impossible at once.
    pub fn connect(&mut self, remote: SocketAddr) -> bool {
        let Ok(socket) = begin_connect(remote) else { return false };
        let Ok(local) = socket.local_addr() else { return false };
        let id = self.new_flow();
        let flow = Flow { id, transport: Transport::Tcp, local, remote };
        self.streams.insert(id, Stream { socket, flow, unsent: Vec::new(), connecting: true, failed: false });
        true
    }

    /// Sends, or keeps what the connection does not take yet. False when a datagram can never leave; one that finds a full buffer is lost, as on
    /// the wire.
    pub fn transmit(
        &mut self,
        transport: Transport,
        flow: Option<FlowId>,
        remote: SocketAddr,
        bytes: &[u8],
    ) -> bool {
        if transport == Transport::Udp {
            let socket = self
                .datagrams
                .iter()
                .find(|(id, _, bound)| flow.map_or(reaches(*bound, remote), |flow| flow == *id));
            let Some((_, socket, _)) = socket else { return false };
            // The error of a datagram before this one is told here, once, and in the error queue to whom it belongs.
            let mut sent = socket.send(bytes, remote);
            for _ in 1..SENDS_MAX {
                sent = sent.or_else(|_| socket.send(bytes, remote));
            }
            return sent.map_or_else(|error| is_passing(&error), |()| true);
        }
        let Some(stream) = flow.and_then(|flow| self.streams.get_mut(&flow)) else { return true };
        stream.unsent.extend_from_slice(bytes);
        stream.failed |= stream.unsent.len() > UNSENT_BYTES_MAX;
        if !stream.connecting {
            stream.write();
        }
        true
    }

    /// Closes a connection after a last attempt to write.
    pub fn close(&mut self, flow: FlowId) {
        if let Some(mut stream) = self.streams.remove(&flow) {
            stream.write();
        }
    }

    /// When connections are accepted again, if that is not now.
    pub fn poll_timeout(&self, now: Duration) -> Option<Duration> {
        (now < self.accepts_from).then_some(self.accepts_from)
    }

    /// What to wait for.
    pub fn register(&self, poll: &mut Poll, now: Duration) {
        for (_, socket, _) in &self.datagrams {
            poll.add(socket.fd(), false);
        }
        for (listener, _) in self.listeners.iter().filter(|_| now >= self.accepts_from) {
            poll.add(listener.as_raw_fd(), false);
        }
        for stream in self.streams.values() {
            poll.add(stream.socket.as_raw_fd(), stream.connecting || !stream.unsent.is_empty());
        }
    }

    /// Takes what has come; false when somebody could not be accepted.
    pub fn read(
        &mut self,
        poll: &Poll,
        scratch: &mut Scratch,
        offset: &WallOffset,
        hear: &mut Hear<'_>,
    ) -> bool {
        for (id, socket, local) in &self.datagrams {
            if poll.is_ready(socket.fd()) {
                let flow = |remote| Flow { id: *id, transport: Transport::Udp, local: *local, remote };
                socket.take_unreachable(&mut |remote, quoted| {
                    hear(&flow(remote), Heard::Undelivered(quoted));
                });
                socket.receive(scratch, offset, ROUNDS_MAX, &mut |bytes, remote, _| {
                    hear(&flow(remote), Heard::Bytes(bytes));
                    true
                });
            }
        }
        let is_room = self.accept(poll, hear);
        if !is_room {
            self.accepts_from = offset.now() + ACCEPT_PAUSE;
        }
        let mut ended = Vec::new();
        for stream in self.streams.values_mut() {
            if (stream.failed || poll.is_ready(stream.socket.as_raw_fd())) && !stream.serve(hear) {
                ended.push(stream.flow);
            }
        }
        for flow in ended {
            self.streams.remove(&flow.id);
            hear(&flow, Heard::Ended);
        }
        is_room
    }

    /// False when the system has no room for one who waits.
    fn accept(&mut self, poll: &Poll, hear: &mut Hear<'_>) -> bool {
        let mut accepted = Vec::new();
        let mut is_room = true;
        for (listener, _) in self.listeners.iter().filter(|(listener, _)| poll.is_ready(listener.as_raw_fd()))
        {
            for _ in 0..ACCEPTS_MAX {
                match listener.accept() {
                    Ok(connection) => accepted.push(connection),
                    Err(error) => {
                        is_room &= !is_exhaustion(&error);
                        break;
                    }
                }
            }
        }
        for (socket, remote) in accepted {
            let Ok(local) = socket.local_addr() else { continue };
            if socket.set_nonblocking(true).is_err() {
                continue;
            }
            let _ = socket.set_nodelay(true);
            let id = self.new_flow();
            let flow =
                Flow { id, transport: Transport::Tcp, local: unmapped(local), remote: unmapped(remote) };
            self.streams
                .insert(id, Stream { socket, flow, unsent: Vec::new(), connecting: false, failed: false });
            hear(&flow, Heard::Opened);
        }
        is_room
    }
}

/// Whether the system has run out of something that one more connection needs.
fn is_exhaustion(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}

/// Whether a socket that is bound there sends to a peer: of its family, or of both when it is bound to `[::]`.
fn reaches(bound: SocketAddr, peer: SocketAddr) -> bool {
    bound.is_ipv4() == peer.is_ipv4() || bound.ip() == Ipv6Addr::UNSPECIFIED
}

/// Whether the same datagram may leave a little later.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
        || matches!(error.raw_os_error(), Some(libc::ENOBUFS | libc::ENOMEM | libc::ECONNREFUSED))
}

fn begin_connect(remote: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(remote), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&remote.into()) {
        Err(error) if !matches!(error.raw_os_error(), Some(libc::EINPROGRESS)) => Err(error),
        _ => Ok(socket.into()),
    }
}

impl Stream {
    /// Writes and reads; false when the connection has ended.
    fn serve(&mut self, hear: &mut Hear<'_>) -> bool {
        if self.connecting {
            match self.socket.take_error() {
                Ok(None) if self.socket.peer_addr().is_ok() => {
                    self.connecting = false;
                    hear(&self.flow, Heard::Opened);
                }
                Ok(None) => return true,
                _ => return false,
            }
        }
        self.write();
        !self.failed && self.read(hear)
    }

    fn write(&mut self) {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(0) => self.failed = true,
                Ok(count) => {
                    self.unsent.drain(..count);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.failed = true,
            }
            return;
        }
    }

    fn read(&mut self, hear: &mut Hear<'_>) -> bool {
        let mut buffer = [0; 16_384];
        let mut total = 0;
        while total < READ_BYTES_MAX {
            match self.socket.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => {
                    total += count;
                    hear(&self.flow, Heard::Bytes(&buffer[..count]));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }
}
