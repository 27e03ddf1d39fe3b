//! The media side of one telephone: it speaks every 20 ms from absolute deadlines, and notes what comes and when.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use crate::os::{self, Nanoseconds, Receiver};
use crate::plan::{Codec, LegPlan};
use crate::random::Random;
use crate::rtp::Header;
use crate::signal::Rounds;

const FRAME_NS: f64 = 20e6;
/// Its socket is read every so many frames: the kernel stamps and keeps what comes meanwhile.
const DRAIN_FRAMES: usize = 8;
const DRAIN_CONTROL_FRAMES: usize = 400;

/// A packet that came while the window was open.
#[derive(Clone, Debug)]
pub struct Received {
    /// When the kernel got it.
    pub arrival: Nanoseconds,
    /// As in its header.
    pub header: Header,
    /// Where its payload stands in `Leg::payloads`; empty for legs that do not listen.
    pub payload: core::ops::Range<usize>,
}

/// One telephone's sockets and its memory.
pub struct Leg {
    /// What it is to do.
    pub plan: LegPlan,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    random: Random,
    header: Header,
    frame: usize,
    /// When its first packet was due.
    pub first_deadline: Nanoseconds,
    /// Packets noted, in the order of arrival.
    pub received: Vec<Received>,
    /// Their payloads, one after the other.
    pub payloads: Vec<u8>,
    /// When the packets of the window really left, from `first_sent` on.
    pub sent: Vec<Nanoseconds>,
    /// The frame that `sent` begins with.
    pub first_sent: usize,
    /// Packets that are no RTP, or not of the negotiated type.
    pub strange: usize,
    /// Reports that came.
    pub reports: usize,
}

/// A packet that is to leave now, or later.
pub enum Outgoing {
    /// It has left (or was lost on the way).
    Gone,
    /// It is under way for this long.
    After(Nanoseconds, Vec<u8>),
}

impl Leg {
    /// Binds its two ports.
    pub fn open(index: usize, plan: LegPlan, base_port: u16, seed: u64) -> io::Result<Self> {
        let port = base_port + 2 * index as u16;
        let open = |port| os::open(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let mut random = Random::new(seed, index as u64 + 1);
        let header = Header {
            payload_type: 0,
            marker: true,
            sequence: random.next() as u16,
            timestamp: random.next() as u32,
            ssrc: random.next() as u32,
        };
        Ok(Self {
            plan,
            rtp: open(port)?,
            rtcp: open(port + 1)?,
            random,
            header,
            frame: 0,
            first_deadline: 0,
            received: Vec::new(),
            payloads: Vec::new(),
            sent: Vec::new(),
            first_sent: 0,
            strange: 0,
            reports: 0,
        })
    }

    /// From now on it speaks to this address, beginning at a random moment of the next 20 ms. When the first packet is due.
    pub fn connect(&mut self, remote: SocketAddr, payload_type: u8) -> io::Result<Nanoseconds> {
        self.rtp.connect(remote)?;
        self.header.payload_type = payload_type;
        self.first_deadline = os::now() + (self.random.unit() * FRAME_NS) as Nanoseconds;
        Ok(self.first_deadline)
    }

    /// Length of a frame by its own clock.
    pub fn interval_ns(&self) -> f64 {
        FRAME_NS * (1.0 + self.plan.skew_ppm / 1e6)
    }

    /// When the next frame is due.
    pub fn deadline(&self) -> Nanoseconds {
        self.first_deadline + (self.frame as f64 * self.interval_ns()) as Nanoseconds
    }

    /// Says the frame that is due.
    pub fn speak(&mut self, rounds: &Rounds, noting: bool) -> Outgoing {
        let payload = rounds.payload(self.plan.signal, self.plan.codec, self.frame);
        let packet = self.header.datagram(payload);
        self.header.marker = false;
        self.header.sequence = self.header.sequence.wrapping_add(1);
        let step = if self.plan.codec == Codec::Pcmu { 160 } else { 960 };
        self.header.timestamp = self.header.timestamp.wrapping_add(step);
        self.frame += 1;
        if noting {
            if self.sent.is_empty() {
                self.first_sent = self.frame - 1;
            }
            self.sent.push(os::now());
        }
        if self.random.unit() < self.plan.loss {
            return Outgoing::Gone;
        }
        if self.plan.jitter_ms > 0.0 {
            let delay_ms = self.random.exponential(self.plan.jitter_ms);
            return Outgoing::After((delay_ms * 1e6) as Nanoseconds, packet);
        }
        self.send(&packet);
        Outgoing::Gone
    }

    /// A packet leaves. A full buffer or a vanished peer is a lost packet, and seen as one.
    pub fn send(&self, packet: &[u8]) {
        let _ = self.rtp.send(packet);
    }

    /// Whether it is this leg's turn to read its socket.
    pub fn is_turn(&self, index: usize) -> bool {
        (self.frame + index).is_multiple_of(DRAIN_FRAMES)
    }

    /// Takes what has come; what came after `since` is noted.
    pub fn listen(&mut self, receiver: &mut Receiver, since: Nanoseconds, until: Nanoseconds) {
        let (received, payloads, strange) = (&mut self.received, &mut self.payloads, &mut self.strange);
        let (listens, payload_type) = (self.plan.listens, self.header.payload_type);
        receiver.drain(&self.rtp, &mut |bytes, arrival| {
            if arrival < since || arrival >= until {
                return;
            }
            let Some((header, payload)) =
                Header::parse(bytes).filter(|(header, _)| header.payload_type == payload_type)
            else {
                *strange += 1;
                return;
            };
            let start = payloads.len();
            if listens {
                payloads.extend_from_slice(payload);
            }
            received.push(Received { arrival, header, payload: start..payloads.len() });
        });
        if self.frame.is_multiple_of(DRAIN_CONTROL_FRAMES) {
            let reports = &mut self.reports;
            receiver.drain(&self.rtcp, &mut |_, _| *reports += 1);
        }
    }
}
