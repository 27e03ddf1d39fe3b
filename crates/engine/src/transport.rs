//! What carries a leg's packets: a pair of sockets, or two mailboxes of the virtual network. Later: SRTP around either, and the ring of a WebRTC session.

use core::time::Duration;
use std::net::SocketAddr;

use crate::os::{Scratch, Take, UdpSocket, WallOffset};

/// Which of the two ports of a leg.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Audio.
    Rtp,
    /// Reports.
    Rtcp,
}

/// Batches of 16 datagrams that one leg may take from the kernel in one tick; more is a flood and waits for the next.
const ROUNDS_MAX: usize = 2;

/// What a worker lends to its transports at each tick.
pub struct Reading {
    /// Receive buffers.
    pub scratch: Scratch,
    /// How kernel stamps become time since the start.
    pub offset: WallOffset,
    /// When the tick before began to read.
    pub before: Duration,
}

impl Reading {
    /// A tick begins.
    pub fn renew(&mut self, offset: WallOffset) {
        self.before = self.offset.now();
        self.offset = offset;
    }
}

/// A leg's way to the network.
pub trait Transport: Send {
    /// Hands over what has come since the last time, as far as `take` wants it.
    fn receive(&mut self, channel: Channel, reading: &mut Reading, take: &mut Take<'_>);
    /// Sends one datagram; false when it could not leave (counted by the caller).
    fn send(&mut self, channel: Channel, bytes: &[u8], to: SocketAddr) -> bool;
}

/// Two UDP sockets.
#[derive(Debug)]
pub struct SocketPair {
    /// Audio.
    pub rtp: UdpSocket,
    /// Reports.
    pub rtcp: UdpSocket,
}

impl SocketPair {
    fn socket(&self, channel: Channel) -> &UdpSocket {
        match channel {
            Channel::Rtp => &self.rtp,
            Channel::Rtcp => &self.rtcp,
        }
    }
}

impl Transport for SocketPair {
    fn receive(&mut self, channel: Channel, reading: &mut Reading, take: &mut Take<'_>) {
        self.socket(channel).receive(&mut reading.scratch, &reading.offset, ROUNDS_MAX, take);
    }

    fn send(&mut self, channel: Channel, bytes: &[u8], to: SocketAddr) -> bool {
        self.socket(channel).send(bytes, to).is_ok()
    }
}
