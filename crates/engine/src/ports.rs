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
    /// The even ports of `low..=high` of `host` are for RTP, both ends included; the RTCP of the last may lie one above. `(0, 0)` takes any free ones.
    pub fn new(host: IpAddr, low: u16, high: u16) -> Self {
        let first = low.saturating_add(low % 2);
        let pairs = if first.is_multiple_of(2) && first <= high { (high - first) / 2 + 1 } else { 0 };
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

    fn ports(low: u16, high: u16) -> Ports {
        Ports::new("127.0.0.1".parse().unwrap(), low, high)
    }

    fn port(pair: &(UdpSocket, UdpSocket)) -> u16 {
        let port = pair.0.local().unwrap().port();
        assert_eq!(pair.1.local().unwrap().port(), port + 1);
        port
    }

    #[test]
    fn pairs_are_even_and_odd_and_rest_before_they_return() {
        let mut ports = ports(21001, 21008);
        let first = ports.bind().unwrap();
        assert_eq!(port(&first), 21002);
        drop(first);
        assert_eq!(port(&ports.bind().unwrap()), 21004);
    }

    #[test]
    fn a_range_has_a_pair_for_each_even_port() {
        for (low, high, pairs) in [
            (20000, 29998, 5000),
            (20000, 29999, 5000),
            (20001, 30000, 5000),
            (20001, 29999, 4999),
            (20000, 20000, 1),
            (20000, 20001, 1),
            (20001, 20001, 0),
            (20001, 20002, 1),
            (20002, 20001, 0),
            (65534, 65534, 1),
            (65534, 65535, 1),
            (65535, 65535, 0),
            (1, 65535, 32767),
        ] {
            assert_eq!(ports(low, high).pairs, pairs, "{low} to {high}");
        }
    }

    #[test]
    fn a_single_pair_is_used_again_and_again() {
        let mut ports = ports(21012, 21012);
        for _ in 0..3 {
            let only = ports.bind().unwrap();
            assert_eq!(port(&only), 21012);
            assert!(ports.bind().is_none());
        }
    }

    #[test]
    fn a_full_range_is_an_answer_not_a_wait() {
        let mut ports = ports(21020, 21023);
        let held = (ports.bind(), ports.bind());
        assert!(held.0.is_some() && held.1.is_some());
        assert!(ports.bind().is_none());
    }

    #[test]
    fn ports_of_others_are_passed_over_with_their_pairs() {
        let _below = std::net::UdpSocket::bind("127.0.0.1:21030").unwrap();
        let _above = std::net::UdpSocket::bind("127.0.0.1:21033").unwrap();
        let mut ports = ports(21030, 21035);
        assert_eq!(port(&ports.bind().unwrap()), 21034);
        assert_eq!(
            port(&ports.bind().unwrap()),
            21034,
            "it was given back, and no port of a pair is held by halves"
        );
    }
}
