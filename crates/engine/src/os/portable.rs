//! The plain stand-in: std only, one call a datagram, receive time = time of reading.
#![allow(clippy::disallowed_methods)] // the one other place that may ask the clock

use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

use super::{DATAGRAM_BYTES_MAX, Precedence, Take, WallOffset, mapped_for, unmapped};

/// The clock that never jumps.
pub fn monotonic() -> Duration {
    static ZERO: OnceLock<Instant> = OnceLock::new();
    ZERO.get_or_init(Instant::now).elapsed()
}

/// The time of day since 1970.
pub fn realtime() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// Sleeps to an absolute monotonic time.
pub fn sleep_until(deadline: Duration) {
    std::thread::sleep(deadline.saturating_sub(monotonic()));
}

/// Nothing here puts a thread before the others.
pub fn go_first() -> Precedence {
    Precedence::Ordinary
}

/// A receive buffer that all sockets of a worker share.
pub struct Scratch(Vec<u8>);

impl Default for Scratch {
    fn default() -> Self {
        Self::for_datagrams(DATAGRAM_BYTES_MAX)
    }
}

impl Scratch {
    /// For datagrams of that size; what is longer is cut.
    pub fn for_datagrams(datagram_bytes: usize) -> Self {
        Self(vec![0; datagram_bytes])
    }
}

/// A non-blocking UDP socket.
#[derive(Debug)]
pub struct UdpSocket(std::net::UdpSocket, SocketAddr);

impl UdpSocket {
    /// Binds; port 0 takes a free one.
    pub fn bind(local: SocketAddr) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind(local)?;
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        Ok(Self(socket, local))
    }

    /// The address that is bound.
    pub fn local(&self) -> io::Result<SocketAddr> {
        Ok(self.1)
    }

    /// Asks for room for a burst; the system may give less.
    pub fn set_receive_buffer(&self, bytes: usize) {
        let _ = socket2::SockRef::from(&self.0).set_recv_buffer_size(bytes);
    }

    /// Nothing is kept: no plain call tells what ICMP says to an unconnected socket. Requests to nobody end by their timers.
    pub fn keep_unreachable(&self) -> io::Result<()> {
        Ok(())
    }

    /// Never calls `take`.
    pub fn take_unreachable(&self, _take: &mut dyn FnMut(SocketAddr, &[u8])) {}

    /// For poll.
    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Takes what waits and `take` wants, at most 16 times `rounds`: bytes, source, time since the engine's start.
    pub fn receive(&self, scratch: &mut Scratch, offset: &WallOffset, rounds: usize, take: &mut Take<'_>) {
        for _ in 0..rounds * 16 {
            match self.0.recv_from(&mut scratch.0[..]) {
                Ok((length, source)) if take(&scratch.0[..length], unmapped(source), offset.now()) => {}
                _ => return,
            }
        }
    }

    /// Sends one datagram; a full buffer or a vanished peer is an error that the caller counts.
    pub fn send(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        self.0.send_to(bytes, mapped_for(self.1, to)).map(|_| ())
    }
}

/// A bell between threads that poll can wait for: a pair of sockets.
#[derive(Debug)]
pub struct Wake {
    inside: UnixStream,
    outside: UnixStream,
}

impl Wake {
    /// A silent bell.
    pub fn new() -> io::Result<Self> {
        let (inside, outside) = UnixStream::pair()?;
        inside.set_nonblocking(true)?;
        outside.set_nonblocking(true)?;
        Ok(Self { inside, outside })
    }

    /// Rings; never blocks. A full pair is as good as a ring.
    pub fn ring(&self) {
        let _ = (&self.inside).write(&[1]);
    }

    /// Stills it.
    pub fn clear(&self) {
        let mut drain = [0; 64];
        while matches!((&self.outside).read(&mut drain), Ok(count) if count > 0) {}
    }

    /// For poll and for the event loop.
    pub fn fd(&self) -> RawFd {
        self.outside.as_raw_fd()
    }
}
