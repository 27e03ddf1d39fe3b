//! RTP ports: an even one and the odd one above it, bound in pairs. A range is walked round and round, so that a port rests as long as possible before
//! it is used again and a late packet of the last call meets nobody.

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::os::UdpSocket;

/// How often a free pair is tried where the system chooses the ports.
const ANY_PORT_TRIES: usize = 64;

/// Where the next pair comes from.
#[derive(Debug)]
pub struct Ports {
    host: IpAddr,
    first: u16,
    pairs: u16,
    next: u16,
}

impl Ports {
    /// Ports `low..=high` of `host`; `(0, 0)` takes any free ones.
    pub fn new(host: IpAddr, low: u16, high: u16) -> Self {
        let first = low.saturating_add(low % 2);
        let pairs = if high > first { (high - first).div_ceil(2) } else { 0 };
        Self { host, first, pairs, next: 0 }
    }

    /// Binds a pair: RTP, RTCP. `None` when every port of the range is taken.
    pub fn bind(&mut self) -> Option<(UdpSocket, UdpSocket)> {
        if self.first == 0 {
            return (0..ANY_PORT_TRIES).find_map(|_| self.bind_any().ok());
        }
        for _ in 0..self.pairs {
            let port = self.first + 2 * self.next;
            self.next = (self.next + 1) % self.pairs;
            if let Ok(pair) = self.bind_at(port) {
                return Some(pair);
            }
        }
        None
    }

    fn bind_at(&self, port: u16) -> io::Result<(UdpSocket, UdpSocket)> {
        let rtp = UdpSocket::bind(SocketAddr::new(self.host, port))?;
        let rtcp = UdpSocket::bind(SocketAddr::new(self.host, port + 1))?;
        Ok((rtp, rtcp))
    }

    fn bind_any(&self) -> io::Result<(UdpSocket, UdpSocket)> {
        let rtp = UdpSocket::bind(SocketAddr::new(self.host, 0))?;
        let port = rtp.local()?.port();
        let above = port.checked_add(1).ok_or(io::ErrorKind::AddrInUse)?;
        let rtcp = UdpSocket::bind(SocketAddr::new(self.host, above))?;
        Ok((rtp, rtcp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_even_and_odd_and_rest_before_they_return() {
        let mut ports = Ports::new("127.0.0.1".parse().unwrap(), 41001, 41008);
        let first = ports.bind().unwrap();
        let port = first.0.local().unwrap().port();
        assert_eq!(port % 2, 0);
        assert_eq!(first.1.local().unwrap().port(), port + 1);
        drop(first);
        let second = ports.bind().unwrap();
        assert_ne!(second.0.local().unwrap().port(), port);
    }

    #[test]
    fn a_full_range_is_an_answer_not_a_wait() {
        let mut ports = Ports::new("127.0.0.1".parse().unwrap(), 41020, 41023);
        let held = (ports.bind(), ports.bind());
        assert!(held.0.is_some() && held.1.is_some());
        assert!(ports.bind().is_none());
    }
}
