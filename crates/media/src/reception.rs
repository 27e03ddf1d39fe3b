//! What is known of the packets of one source: order, losses and jitter (RFC 3550, A.1, A.3, A.8).
//!
//! Sequence numbers are extended to 64 bits here, and nowhere else. Unlike A.1 the first packet of a source
//! is believed at once: that a source is who it should be is decided before a packet comes here, and callers
//! would hear the missing packet.

use core::time::Duration;

use crate::rtcp::{ReportBlock, ntp_middle};

/// A packet this many sequence numbers ahead is a new time line, not the next after a gap (A.1).
const DROPOUT_MAX: u16 = 3_000;

/// A packet this many sequence numbers behind is late, not a new time line (A.1).
const MISORDER_MAX: u16 = 100;

/// Among so many packets at the beginning the first one to come need not be the first one sent.
const OVERTAKEN_PACKETS: i64 = 8;

/// Room below the first sequence number for packets that overtook it.
const FIRST_CYCLE: i64 = 1 << 16;

/// Where a sequence number lies.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// On the known line: its extended sequence number.
    Known(i64),
    /// A second one in a row far from the line: all before is history. Its extended sequence number.
    Restarted(i64),
    /// Far from the line: dropped, unless its successor follows.
    Stray,
}

#[derive(Debug)]
pub(crate) struct Reception {
    ssrc: u32,
    clock_hz: u32,
    first: i64,
    highest: i64,
    stray_next: Option<u16>,
    received: i64,
    duplicates: i64,
    expected_at_report: i64,
    received_at_report: i64,
    transit: Option<i64>,
    jitter_16ths: i64,
    report_ntp_middle: u32,
    report_arrival: Option<Duration>,
}

impl Reception {
    /// Begins with the packet numbered `sequence`, which is then to be given to [`Reception::place`] like any
    /// other.
    pub(crate) fn new(ssrc: u32, clock_hz: u32, sequence: u16) -> Reception {
        let first = FIRST_CYCLE + i64::from(sequence);
        Reception {
            ssrc,
            clock_hz,
            first,
            highest: first - 1,
            stray_next: None,
            received: 0,
            duplicates: 0,
            expected_at_report: 0,
            received_at_report: 0,
            transit: None,
            jitter_16ths: 0,
            report_ntp_middle: 0,
            report_arrival: None,
        }
    }

    pub(crate) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The lowest extended sequence number so far.
    pub(crate) fn first(&self) -> i64 {
        self.first
    }

    pub(crate) fn place(&mut self, sequence: u16) -> Place {
        let ahead = sequence.wrapping_sub(self.highest as u16);
        if ahead < DROPOUT_MAX {
            self.highest += i64::from(ahead);
        } else if ahead <= u16::MAX - MISORDER_MAX {
            if self.stray_next != Some(sequence) {
                self.stray_next = Some(sequence.wrapping_add(1));
                return Place::Stray;
            }
            *self = Reception::new(self.ssrc, self.clock_hz, sequence);
            (self.highest, self.received) = (self.first, 1);
            return Place::Restarted(self.first);
        }
        self.stray_next = None;
        self.received += 1;
        let behind = (self.highest as u16).wrapping_sub(sequence);
        let place = self.highest - i64::from(behind);
        if self.received <= OVERTAKEN_PACKETS {
            self.first = self.first.min(place);
        }
        Place::Known(place)
    }

    /// The packet placed last had been here before.
    pub(crate) fn count_duplicate(&mut self) {
        self.duplicates += 1;
    }

    /// Takes the arrival of an audio packet into the jitter (A.8). `timestamp`: extended.
    pub(crate) fn observe(&mut self, timestamp: i64, arrival: Duration) {
        let clock_hz = i64::from(self.clock_hz);
        let arrival_units = (arrival.as_micros() as i64 * clock_hz) / 1_000_000;
        let transit = arrival_units - timestamp;
        if let Some(before) = self.transit {
            // A silence or a set clock moves the time line, and is no jitter of the network: one second at
            // most counts.
            let difference = (transit - before).abs().min(clock_hz);
            self.jitter_16ths += difference - ((self.jitter_16ths + 8) >> 4);
        }
        self.transit = Some(transit);
    }

    /// A sender report of this source came.
    pub(crate) fn observe_report(&mut self, ntp: u64, arrival: Duration) {
        self.report_ntp_middle = ntp_middle(ntp);
        self.report_arrival = Some(arrival);
    }

    pub(crate) fn jitter_ms(&self) -> f32 {
        self.jitter_16ths as f32 / 16.0 * 1_000.0 / self.clock_hz as f32
    }

    /// Packets that never came, as far as can be known now.
    pub(crate) fn lost(&self) -> u64 {
        (self.expected() - (self.received - self.duplicates)).max(0) as u64
    }

    fn expected(&self) -> i64 {
        self.highest - self.first + 1
    }

    /// The block for our next report; begins a new interval (A.3).
    pub(crate) fn report(&mut self, now: Duration) -> ReportBlock {
        let expected = self.expected() - self.expected_at_report;
        let received = self.received - self.received_at_report;
        self.expected_at_report = self.expected();
        self.received_at_report = self.received;
        let lost = expected - received;
        let fraction_lost =
            if expected > 0 && lost > 0 { ((lost << 8) / expected).min(255) as u8 } else { 0 };
        let since = self.report_arrival.map_or(Duration::ZERO, |arrival| now.saturating_sub(arrival));
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost,
            lost: (self.expected() - self.received).clamp(-0x80_0000, 0x7F_FFFF) as i32,
            sequence_highest: (self.highest - FIRST_CYCLE) as u32,
            jitter: (self.jitter_16ths >> 4) as u32,
            last_report: self.report_ntp_middle,
            last_report_delay: (since.as_micros() * 65_536 / 1_000_000) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(reception: &mut Reception, sequences: &[u16]) -> Vec<Place> {
        sequences.iter().map(|sequence| reception.place(*sequence)).collect()
    }

    #[test]
    fn sequence_numbers_go_on_over_the_wrap_and_back() {
        let mut reception = Reception::new(1, 8_000, 65_534);
        let places = placed(&mut reception, &[65_534, 65_535, 1, 0, 65_533, 2]);
        let extended = [131_070, 131_071, 131_073, 131_072, 131_069, 131_074];
        assert_eq!(places, extended.map(Place::Known));
        assert_eq!((reception.lost(), reception.expected()), (0, 6));
    }

    #[test]
    fn one_stray_packet_is_dropped_and_two_begin_a_new_line() {
        let mut reception = Reception::new(1, 8_000, 100);
        assert_eq!(placed(&mut reception, &[100, 40_000]), [Place::Known(65_636), Place::Stray]);
        assert_eq!(placed(&mut reception, &[101, 40_001]), [Place::Known(65_637), Place::Stray]);
        assert_eq!(reception.place(40_002), Place::Restarted(105_538));
        assert_eq!(reception.lost(), 0);
    }

    #[test]
    fn the_report_says_what_was_lost_since_the_last_one() {
        let mut reception = Reception::new(9, 8_000, 0);
        for sequence in (0..100).filter(|sequence| sequence % 4 != 1) {
            reception.place(sequence);
        }
        let block = reception.report(Duration::ZERO);
        assert_eq!((block.fraction_lost, block.lost, block.sequence_highest), (64, 25, 99));
        for sequence in 100..200 {
            reception.place(sequence);
        }
        reception.observe_report(0x1234_5678_9ABC_DEF0, Duration::from_secs(4));
        let block = reception.report(Duration::from_millis(4_500));
        assert_eq!((block.fraction_lost, block.lost), (0, 25));
        assert_eq!((block.last_report, block.last_report_delay), (0x5678_9ABC, 32_768));
    }

    #[test]
    fn duplicates_do_not_hide_losses_in_our_own_count() {
        let mut reception = Reception::new(9, 8_000, 0);
        placed(&mut reception, &[0, 0, 2]);
        reception.count_duplicate();
        assert_eq!(reception.lost(), 1);
        assert_eq!(reception.report(Duration::ZERO).lost, 0);
    }

    #[test]
    fn jitter_is_the_mean_difference_of_neighbouring_transits() {
        let mut reception = Reception::new(9, 8_000, 0);
        for packet in 0..2_000u64 {
            let late_ms = (packet % 2) * 8;
            reception.observe(packet as i64 * 160, Duration::from_millis(packet * 20 + late_ms));
        }
        assert!((reception.jitter_ms() - 8.0).abs() < 0.5, "{}", reception.jitter_ms());
    }
}
