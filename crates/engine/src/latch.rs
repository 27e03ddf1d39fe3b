//! Whose packets a leg believes: symmetric RTP with a lock on the door.
//!
//! The address in the SDP is a hint only (NAT). The first source that shows three packets in sequence is latched, the signalled address with its first
//! packet. From then on a stranger is dropped and counted, whatever it sends; a new source is latched only after a new offer and answer, or when the old one has been silent for three
//! seconds.
//!
//! RTCP may come from any port of the far end's host, which it may share with others: from the first RTP packet on only reports of the stream that was heard
//! (RFC 3550, 6.4.1: its SSRC) are believed, or the phone next door would keep a dead call alive.

use core::time::Duration;
use std::net::SocketAddr;

/// Silence of the latched source after which another may take its place.
const RELEASE: Duration = Duration::from_secs(3);
/// Packets in sequence that a source the SDP did not name must show.
const PROOF_PACKETS: u8 = 3;

/// A source that is proving itself.
#[derive(Copy, Clone, Debug)]
struct Candidate {
    source: SocketAddr,
    ssrc: u32,
    next_sequence: u16,
    packets: u8,
}

/// What the latch says to one packet.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// From the source that we believe.
    Accept,
    /// From a source that has not proved itself yet.
    Unproven,
    /// From somebody else while we have a source.
    Stranger,
}

/// The door of one leg.
#[derive(Clone, Debug, Default)]
pub struct Latch {
    signalled: Option<SocketAddr>,
    latched: Option<SocketAddr>,
    candidate: Option<Candidate>,
    last_accepted: Duration,
    /// SSRC of the last packet that was believed, since the last offer and answer.
    heard: Option<u32>,
}

impl Latch {
    /// Offer and answer named this address. A new one opens the door again.
    pub fn signal(&mut self, address: SocketAddr) {
        if self.signalled != Some(address) {
            self.latched = None;
            self.candidate = None;
        }
        self.signalled = Some(address);
        self.heard = None;
    }

    /// Where to send: to the source that we believe, else to the address in the SDP.
    pub fn destination(&self) -> Option<SocketAddr> {
        self.latched
            .or(self.signalled)
            .filter(|address| address.port() != 0 && !address.ip().is_unspecified())
    }

    /// Judges one RTP packet (its header already parsed).
    pub fn judge(&mut self, source: SocketAddr, ssrc: u32, sequence: u16, arrival: Duration) -> Verdict {
        if self.latched == Some(source) {
            return self.accept(source, ssrc, arrival);
        }
        if self.latched.is_some() && arrival < self.last_accepted + RELEASE {
            return Verdict::Stranger;
        }
        if self.signalled == Some(source) || self.proves_itself(source, ssrc, sequence) {
            self.candidate = None;
            return self.accept(source, ssrc, arrival);
        }
        Verdict::Unproven
    }

    fn accept(&mut self, source: SocketAddr, ssrc: u32, arrival: Duration) -> Verdict {
        self.latched = Some(source);
        self.last_accepted = arrival;
        self.heard = Some(ssrc);
        Verdict::Accept
    }

    /// Whether RTCP from this source, sent in the name of this SSRC, is the far end's.
    pub fn believes_report(&self, source: SocketAddr, ssrc: u32) -> bool {
        self.destination().is_some_and(|address| address.ip() == source.ip())
            && self.heard.is_none_or(|heard| heard == ssrc)
    }

    fn proves_itself(&mut self, source: SocketAddr, ssrc: u32, sequence: u16) -> bool {
        let packets = match self.candidate {
            Some(candidate)
                if candidate.source == source
                    && candidate.ssrc == ssrc
                    && candidate.next_sequence == sequence =>
            {
                candidate.packets + 1
            }
            _ => 1,
        };
        self.candidate = Some(Candidate { source, ssrc, next_sequence: sequence.wrapping_add(1), packets });
        packets >= PROOF_PACKETS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: &str = "192.0.2.1:4000";
    const NATTED: &str = "198.51.100.7:31000";
    const STRANGER: &str = "203.0.113.9:5555";

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn latch() -> Latch {
        let mut latch = Latch::default();
        latch.signal(PHONE.parse().unwrap());
        latch
    }

    #[test]
    fn the_signalled_address_is_believed_at_once() {
        let mut latch = latch();
        assert_eq!(latch.judge(PHONE.parse().unwrap(), 1, 10, at(0)), Verdict::Accept);
        assert_eq!(latch.destination(), Some(PHONE.parse().unwrap()));
    }

    #[test]
    fn behind_nat_three_packets_in_sequence_latch() {
        let mut latch = latch();
        let source = NATTED.parse().unwrap();
        assert_eq!(latch.judge(source, 1, 65535, at(0)), Verdict::Unproven);
        assert_eq!(latch.judge(source, 1, 0, at(20)), Verdict::Unproven);
        assert_eq!(latch.judge(source, 1, 1, at(40)), Verdict::Accept);
        assert_eq!(latch.destination(), Some(source));
    }

    #[test]
    fn random_packets_never_latch() {
        let mut latch = latch();
        for sequence in [5, 900, 3, 4, 77] {
            assert_eq!(latch.judge(STRANGER.parse().unwrap(), 1, sequence, at(0)), Verdict::Unproven);
        }
        assert_eq!(latch.destination(), Some(PHONE.parse().unwrap()));
    }

    #[test]
    fn a_stranger_cannot_take_over_a_talking_source() {
        let mut latch = latch();
        let (phone, stranger) = (PHONE.parse().unwrap(), STRANGER.parse().unwrap());
        for packet in 0..300u16 {
            let now = at(u64::from(packet) * 20);
            assert_eq!(latch.judge(phone, 1, packet, now), Verdict::Accept);
            assert_eq!(latch.judge(stranger, 1, packet + 1, now), Verdict::Stranger);
        }
    }

    #[test]
    fn after_three_seconds_of_silence_another_may_prove_itself() {
        let mut latch = latch();
        let (phone, other) = (PHONE.parse().unwrap(), NATTED.parse().unwrap());
        assert_eq!(latch.judge(phone, 1, 0, at(0)), Verdict::Accept);
        assert_eq!(latch.judge(other, 2, 0, at(2999)), Verdict::Stranger);
        assert_eq!(latch.judge(other, 2, 1, at(3000)), Verdict::Unproven);
        assert_eq!(latch.judge(other, 2, 2, at(3020)), Verdict::Unproven);
        assert_eq!(latch.judge(other, 2, 3, at(3040)), Verdict::Accept);
    }

    #[test]
    fn a_new_answer_opens_the_door() {
        let mut latch = latch();
        assert_eq!(latch.judge(PHONE.parse().unwrap(), 1, 0, at(0)), Verdict::Accept);
        latch.signal(NATTED.parse().unwrap());
        assert_eq!(latch.judge(NATTED.parse().unwrap(), 9, 0, at(20)), Verdict::Accept);
    }

    #[test]
    fn reports_are_those_of_the_stream_that_was_heard() {
        let mut latch = latch();
        let (phone, port_above, stranger) =
            (PHONE.parse().unwrap(), "192.0.2.1:4001".parse().unwrap(), STRANGER.parse().unwrap());
        assert!(latch.believes_report(port_above, 7), "before any packet the signalled host is believed");
        assert!(!latch.believes_report(stranger, 7));
        latch.judge(phone, 1, 0, at(0));
        assert!(latch.believes_report(port_above, 1) && !latch.believes_report(port_above, 7));
        assert!(!latch.believes_report(stranger, 1));
        latch.judge(phone, 2, 1, at(20));
        assert!(latch.believes_report(port_above, 2) && !latch.believes_report(port_above, 1));
        latch.signal(phone);
        assert!(latch.believes_report(port_above, 7), "a new offer may bring another stream");
    }

    #[test]
    fn an_unspecified_address_is_no_destination() {
        let mut latch = Latch::default();
        latch.signal("0.0.0.0:4000".parse().unwrap());
        assert_eq!(latch.destination(), None);
    }
}
