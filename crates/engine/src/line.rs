//! What hangs beside a leg on its bus: its transport, its latch, its reports, its silence. The path of a datagram into a leg reads from top to bottom in
//! [`Line::receive`]; the path out in [`Line::send`].

use core::mem;
use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;

use roomtone_media::leg::Leg;
use roomtone_media::receiver::{Drop, Received};
use roomtone_media::{rtcp, rtp};

use crate::gauge::{LegGauges, WorkerGauges};
use crate::latch::{Latch, Verdict};
use crate::transport::{Channel, Reading, Transport};

/// A leg's reports, its silence and its gauges get their turn once in so many ticks (half a second).
pub const TURN_TICKS: u64 = 25;
/// Turns between two RTCP reports: five seconds (RFC 3550, 6.2, the fixed minimum).
const REPORT_TURNS: u64 = 10;
/// Bytes of an RTCP packet of ours.
const RTCP_BYTES_MAX: usize = 256;

/// The network side of a leg.
pub struct Line {
    transport: Box<dyn Transport>,
    latch: Latch,
    rtcp_destination: Option<SocketAddr>,
    last_heard: Duration,
    expects_packets: bool,
    silence_reported: bool,
    /// The sequence number that comes next, if the last tick brought one packet and no more.
    next_sequence: Option<u16>,
    /// That one packet followed the one of the tick before.
    is_steady: bool,
    turns: u64,
    gauges: Arc<LegGauges>,
}

impl Line {
    /// A line that knows no far end yet.
    pub fn new(transport: Box<dyn Transport>, gauges: Arc<LegGauges>, now: Duration) -> Self {
        Self {
            transport,
            latch: Latch::default(),
            rtcp_destination: None,
            last_heard: now,
            expects_packets: false,
            silence_reported: false,
            next_sequence: None,
            is_steady: false,
            turns: 0,
            gauges,
        }
    }

    /// Offer and answer named the far end's addresses.
    pub fn signal(&mut self, rtp: SocketAddr, rtcp: SocketAddr, now: Duration) {
        self.latch.signal(rtp);
        self.rtcp_destination = Some(rtcp);
        self.last_heard = now;
    }

    /// Whether silence of the far end means that it is gone.
    pub fn expect_packets(&mut self, expected: bool, now: Duration) {
        self.expects_packets = expected;
        self.silence_reported = false;
        self.last_heard = now;
    }

    /// Takes what has come for the leg. Of a steady stream one packet a tick: what comes behind it is for the next.
    pub fn receive(&mut self, leg: &mut Leg, reading: &mut Reading, count: &WorkerGauges) {
        let Self { transport, latch, gauges, last_heard, silence_reported, next_sequence, is_steady, .. } =
            self;
        let (before, expected, was_steady) = (reading.before, next_sequence.take(), mem::take(is_steady));
        let mut packets = 0;
        transport.receive(Channel::Rtp, reading, &mut |bytes, source, arrival| {
            let Ok(packet) = rtp::parse(bytes) else {
                count.rtp_in_dropped.add(1);
                return true;
            };
            match latch.judge(source, packet.ssrc, packet.sequence, arrival) {
                Verdict::Stranger => {
                    gauges.strangers.add(1);
                    count.rtp_in_stranger.add(1);
                    return true;
                }
                Verdict::Unproven => {
                    count.rtp_in_unproven.add(1);
                    return true;
                }
                Verdict::Accept => {}
            }
            *last_heard = arrival;
            *silence_reported = false;
            match leg.handle_rtp(bytes, arrival) {
                Received::Dropped(_) => count.rtp_in_dropped.add(1),
                _ => count.rtp_in.add(1),
            }
            packets += 1;
            let follows = expected == Some(packet.sequence);
            *next_sequence = (packets == 1).then(|| packet.sequence.wrapping_add(1));
            *is_steady = packets == 1 && follows;
            !(was_steady && follows) || arrival < before
        });
    }

    /// Sends what the tick has made.
    pub fn send(&mut self, leg: &Leg, count: &WorkerGauges) {
        let packet = leg.packet();
        let Some(to) = self.latch.destination().filter(|_| !packet.is_empty()) else { return };
        if self.transport.send(Channel::Rtp, packet, to) {
            count.rtp_out.add(1);
        } else {
            count.rtp_out_failed.add(1);
        }
    }

    /// Everything that is not urgent: reports, gauges, silence. True when the far end has just been silent for too long.
    pub fn turn(
        &mut self,
        leg: &mut Leg,
        reading: &mut Reading,
        now: Duration,
        silence_max: Duration,
        count: &WorkerGauges,
    ) -> bool {
        self.turns += 1;
        let Self { transport, latch, last_heard, silence_reported, .. } = self;
        let ntp = reading.offset.ntp();
        transport.receive(Channel::Rtcp, reading, &mut |bytes, source, arrival| {
            let is_ours = rtcp::sender(bytes).is_some_and(|ssrc| latch.believes_report(source, ssrc));
            if is_ours && leg.handle_rtcp(bytes, arrival, ntp).is_ok() {
                *last_heard = arrival;
                *silence_reported = false;
                count.rtcp_in.add(1);
            } else {
                count.rtcp_in_dropped.add(1);
            }
            true
        });
        if self.turns.is_multiple_of(REPORT_TURNS) {
            let mut packet = [0; RTCP_BYTES_MAX];
            let length = leg.rtcp(now, ntp, &mut packet);
            self.send_report(&packet[..length], count);
        }
        self.publish(leg);
        let silent = self.expects_packets && now > self.last_heard + silence_max;
        let is_news = silent && !self.silence_reported;
        self.silence_reported |= silent;
        is_news
    }

    /// The last packet of a leg that ends: a BYE, so that the far end need not wait.
    pub fn say_bye(&mut self, leg: &mut Leg, now: Duration, ntp: u64, count: &WorkerGauges) {
        let mut packet = [0; RTCP_BYTES_MAX];
        let length = leg.rtcp_bye(now, ntp, &mut packet);
        self.send_report(&packet[..length], count);
    }

    fn send_report(&mut self, packet: &[u8], count: &WorkerGauges) {
        let Some(to) = self.report_destination().filter(|_| !packet.is_empty()) else { return };
        if self.transport.send(Channel::Rtcp, packet, to) {
            count.rtcp_out.add(1);
        }
    }

    fn publish(&self, leg: &Leg) {
        let Some(stats) = leg.stats() else { return };
        let (gauges, received) = (&self.gauges, &stats.received);
        let micros = |ms: f32| (ms * 1000.0) as i64;
        gauges.packets_out.set(stats.sent.packets as i64);
        gauges.packets_in.set(received.packets as i64);
        gauges.lost.set(received.lost as i64);
        gauges.late.set(received.dropped_for(Drop::Late) as i64);
        gauges.duplicates.set(received.dropped_for(Drop::Duplicate) as i64);
        gauges.concealed.set(received.concealed_frames as i64);
        gauges.jitter_us.set(micros(received.jitter_ms));
        gauges.delay_us.set(micros(received.delay_ms));
        gauges.rtt_us.set(received.round_trip_ms.map_or(0, micros));
        gauges.level_in_centi_dbm0.set((stats.level_in_dbm0 * 100.0) as i64);
        gauges.level_out_centi_dbm0.set((stats.level_out_dbm0 * 100.0) as i64);
    }

    /// RTCP follows the latched host, at the port that the SDP named.
    fn report_destination(&self) -> Option<SocketAddr> {
        let rtp = self.latch.destination()?;
        let port = self.rtcp_destination.map_or(rtp.port().checked_add(1)?, |address| address.port());
        Some(SocketAddr::new(rtp.ip(), port))
    }
}
