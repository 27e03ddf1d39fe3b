//! What the engine asks of the operating system: one face, two makers. `linux` batches system calls and reads the kernel's receive times; `portable` is
//! its plain stand-in, compiled and tested on Linux by the feature `portable`.
//!
//! Times are [`Duration`]s of one monotonic clock; [`Epoch`] turns them into time since the engine's start.

use core::time::Duration;
use std::net::SocketAddr;

mod poll;
pub use poll::Poll;

#[cfg(all(target_os = "linux", not(feature = "portable")))]
mod linux;
#[cfg(all(target_os = "linux", not(feature = "portable")))]
pub use linux::{Scratch, UdpSocket, Wake, go_first, monotonic, realtime, sleep_until};

#[cfg(all(target_os = "linux", not(feature = "portable")))]
mod unreachable;

#[cfg(any(not(target_os = "linux"), feature = "portable"))]
mod portable;
#[cfg(any(not(target_os = "linux"), feature = "portable"))]
pub use portable::{Scratch, UdpSocket, Wake, go_first, monotonic, realtime, sleep_until};

/// Bytes of the largest datagram of media that we take; RTP over an Ethernet path is smaller. SIP has a limit of its own.
pub const DATAGRAM_BYTES_MAX: usize = 2048;

/// A caller over IPv4 as a socket of both families (`[::]`) shows it (RFC 4291, 2.5.5.2), by its own address.
pub fn unmapped(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(long) => match long.ip().to_ipv4_mapped() {
            Some(ip) => SocketAddr::new(ip.into(), long.port()),
            None => address, // with its scope
        },
        SocketAddr::V4(_) => address,
    }
}

/// The way back, for a socket that is bound to `local`.
fn mapped_for(local: SocketAddr, to: SocketAddr) -> SocketAddr {
    match (local, to) {
        (SocketAddr::V6(_), SocketAddr::V4(short)) => {
            SocketAddr::new(short.ip().to_ipv6_mapped().into(), short.port())
        }
        _ => to,
    }
}

/// Takes one datagram: bytes, source, receive time. Says whether what waits behind it matters now.
pub type Take<'a> = dyn FnMut(&[u8], SocketAddr, Duration) -> bool + 'a;

const NTP_SECONDS_BEFORE_1970: u64 = 2_208_988_800;
const VIRTUAL_BEGINNING: Duration = Duration::from_secs(1_767_225_600);

/// How a thread stands to the others.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// Runs whenever it can.
    RealTime,
    /// Runs more often.
    Nice,
    /// As everybody.
    Ordinary,
}

/// The engine's zero.
#[derive(Copy, Clone, Debug)]
pub struct Epoch(Duration);

impl Epoch {
    /// Zero is now.
    pub fn start() -> Self {
        Self(monotonic())
    }

    /// Time since the start.
    pub fn now(self) -> Duration {
        monotonic().saturating_sub(self.0)
    }

    /// The monotonic time at which `self.now()` is `at`.
    pub fn absolute(self, at: Duration) -> Duration {
        self.0 + at
    }

    /// How to turn the time of day, as the kernel stamps packets, into time since the start; valid for a tick or so.
    pub fn wall_offset(self) -> WallOffset {
        let wall = realtime();
        let now = self.now();
        WallOffset { wall, now }
    }
}

/// One instant on both clocks.
#[derive(Copy, Clone, Debug)]
pub struct WallOffset {
    wall: Duration,
    now: Duration,
}

impl WallOffset {
    /// Time since the engine's start of a wall-clock stamp; a stamp from before the start is zero, one from the future is now.
    pub fn since_start(self, stamp: Duration) -> Duration {
        match self.wall.checked_sub(stamp) {
            Some(age) => self.now.saturating_sub(age),
            None => self.now,
        }
    }

    /// Now, since the engine's start.
    pub fn now(self) -> Duration {
        self.now
    }

    /// Now in virtual time, which began with the year 2026.
    pub fn of_virtual(now: Duration) -> Self {
        Self { wall: VIRTUAL_BEGINNING + now, now }
    }

    /// Now, as RTCP sender reports carry it (RFC 3550, section 4): seconds since 1900 in the upper half.
    pub fn ntp(self) -> u64 {
        let fraction = (u64::from(self.wall.subsec_nanos()) << 32) / 1_000_000_000;
        (self.wall.as_secs() + NTP_SECONDS_BEFORE_1970) << 32 | fraction
    }
}
