//! How late packets come, and so how much delay they need.
//!
//! The transit of a packet is its arrival, by the kernel, less its timestamp. Only differences mean anything:
//! the fastest of the last [`PACKETS_SEEN`] packets is the base, and what others took longer is their
//! lateness. The margin is a quantile of the lateness over the whole window, or of the last
//! [`PACKETS_RECENT`] where that is more, so that it grows within a second and shrinks slowly. It is in
//! microseconds, never in frames. Packets that come later than that are concealed: covering the last few per
//! cent would cost more delay than they are worth.
//!
//! A network that *stalls*, and then brings all at once, is another matter: the few late packets are a hole
//! that no guess bridges. When it has done so twice within [`STALL_MEMORY_US`], the margin is kept at what the
//! second longest of the last [`STALLS`] stalls lacked, for as long as they recur. Not at the first: most do
//! not come again, and the quantile of the recent packets bears the next second anyway. A stall is over when
//! packets are on time again: lateness that stays is a longer route, or a far end that stopped its clock.
//!
//! From base and margin follows what may be played at a tick: all samples of packets which, had they been as
//! late as the margin allows, would be here. When packets and ticks are 20 ms long that moves in steps of 20
//! ms: ending in mid-packet would be neither safer nor sooner. A histogram that decays was the other choice;
//! the window costs 1 kB, a count every few packets and a selection where they are late, and forgets exactly.

use core::time::Duration;

use crate::prefetch::prefetch;

/// How much delay the jitter buffer may take.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum JitterConfig {
    /// Always this much after the fastest packets.
    Fixed {
        /// In ms.
        delay_ms: u32,
    },
    /// As much as the network's jitter asks for.
    Adaptive {
        /// Never less than this, in ms.
        min_ms: u32,
        /// Never more than this, in ms.
        max_ms: u32,
    },
}

impl Default for JitterConfig {
    fn default() -> Self {
        JitterConfig::Adaptive { min_ms: 2, max_ms: 200 }
    }
}

const PACKETS_SEEN: usize = 256;
const PACKETS_RECENT: usize = 32;

/// One packet in this many may be too late.
const LATE_ONE_IN: usize = 16;

/// So many of the recent packets may be too late.
const LATE_RECENT: usize = 3;

/// The quantile is taken anew after so many packets.
const PACKETS_PER_QUANTILE: usize = 8;

/// A transit this far from the base is no lateness: the far end's time line has jumped.
const JUMP_US: i64 = 2_000_000;

/// So many packets in a row, each this much later than what we wait for: the route has become longer, and the
/// base with it.
const ROUTE_PACKETS: u32 = 10;
const ROUTE_US: i64 = 60_000;

/// Delay is only taken back where this much more margin would still allow it: so that it does not swing.
const HYSTERESIS_US: i64 = 2_500;

/// A hole this long in what arrives, and all of it late, is a stall of the network: shorter ones a guess
/// bridges.
const STALL_US_MIN: i64 = 80_000;

/// Within this time after a stall packets are on time again.
const STALL_OVER_US: i64 = 1_000_000;

/// So many stalls are remembered, each for so long.
const STALLS: usize = 4;
const STALL_MEMORY_US: i64 = 15_000_000;

/// So much of a stall a guess bridges well enough ...
const STALL_BRIDGED_US: i64 = 60_000;

/// ... and for what goes beyond, no more margin than this: longer stalls are heard, which is the lesser evil.
const STALL_MARGIN_US_MAX: i64 = 120_000;

/// How fast the margin shrinks, in µs per second.
const SHRINK_US_PER_S: i64 = 40_000;

/// What may be played at a tick: its last sample's successor lies here.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Band {
    /// Timestamp beyond which packets may be missing.
    pub(crate) end_max: i64,
    /// Timestamp below which there is delay to spare.
    pub(crate) end_min: i64,
}

/// What a packet did to the estimate.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    Steady,
    /// All before is history.
    Jumped,
}

#[derive(Debug)]
pub(crate) struct Lateness {
    rate_hz: i64,
    frame: i64,
    config: JitterConfig,
    floor_us: i64,
    /// Relative to `origin_us`, a ring of the last packets.
    transits_us: Box<[i32; PACKETS_SEEN]>,
    /// Packets since the time line began.
    seen: usize,
    origin_us: i64,
    base_us: i64,
    /// Base and margin: the transit for which we wait.
    covered_us: i64,
    quantile_us: i64,
    shrunk_at_us: i64,
    late_in_row: u32,
    latest_arrival_us: i64,
    /// The stall that is not over yet: when it ended, and how long it was; 0: none.
    stall_us: (i64, i64),
    /// The last ones: when each ended, and how long it was.
    stalls_us: [(i64, i64); STALLS],
    /// Timestamp of some packet, and how far the starts of packets and of frames are apart.
    anchor: i64,
    grid: i64,
}

impl Lateness {
    pub(crate) fn new(rate_hz: u32, config: JitterConfig) -> Lateness {
        Lateness {
            rate_hz: i64::from(rate_hz),
            frame: i64::from(rate_hz) / 50,
            config,
            floor_us: 0,
            transits_us: Box::new([0; PACKETS_SEEN]),
            seen: 0,
            origin_us: 0,
            base_us: 0,
            covered_us: 0,
            quantile_us: 0,
            shrunk_at_us: 0,
            late_in_row: 0,
            latest_arrival_us: 0,
            stall_us: (0, 0),
            stalls_us: [(0, 0); STALLS],
            anchor: 0,
            grid: 1,
        }
    }

    /// Asks for the transits of the recent packets; sixteen come at a time.
    pub(crate) fn prefetch(&self) {
        for back in [0, PACKETS_RECENT / 2, PACKETS_RECENT] {
            prefetch(&self.transits_us[self.seen.wrapping_sub(back) % PACKETS_SEEN]);
        }
    }

    /// The time line begins anew with the next packet.
    pub(crate) fn restart(&mut self) {
        (self.seen, self.floor_us) = (0, 0);
        self.stalls_us = [(0, 0); STALLS];
    }

    /// The margin is at least this much more than its least, for now.
    pub(crate) fn set_floor(&mut self, floor: Duration) {
        self.floor_us = floor.as_micros() as i64;
    }

    /// An audio packet: extended timestamp, samples, arrival.
    pub(crate) fn observe(&mut self, timestamp: i64, samples: usize, arrival: Duration) -> Seen {
        let arrival_us = arrival.as_micros() as i64;
        let transit_us = arrival_us - self.microseconds(timestamp);
        let is_far = (transit_us - self.origin_us - self.base_us).abs() > JUMP_US;
        let jumped = self.seen > 0 && is_far;
        let is_late = transit_us - self.origin_us > self.covered_us + ROUTE_US;
        self.late_in_row = if is_late { self.late_in_row + 1 } else { 0 };
        if self.seen == 0 || jumped || self.late_in_row >= ROUTE_PACKETS {
            (self.seen, self.late_in_row, self.stall_us) = (0, 0, (0, 0));
            (self.origin_us, self.base_us, self.quantile_us) = (transit_us, 0, 0);
            self.covered_us = self.bounded(0);
            (self.shrunk_at_us, self.latest_arrival_us) = (arrival_us, arrival_us);
        }
        let lateness_us = transit_us - self.origin_us;
        self.transits_us[self.seen % PACKETS_SEEN] = lateness_us as i32;
        self.seen += 1;
        self.base_us = self.base_us.min(lateness_us);
        self.anchor = timestamp;
        self.grid = greatest_common_divisor(samples as i64, self.frame);
        self.measure();
        self.note_stall(arrival_us, lateness_us - self.base_us);
        if jumped { Seen::Jumped } else { Seen::Steady }
    }

    /// What may be played at the tick of `now`. None before the first packet.
    pub(crate) fn band(&mut self, now: Duration) -> Option<Band> {
        if self.seen == 0 {
            return None;
        }
        let now_us = now.as_micros() as i64;
        self.follow(now_us);
        let safe_us = now_us - self.origin_us - self.covered_us;
        Some(Band { end_max: self.end_of(safe_us), end_min: self.end_of(safe_us - HYSTERESIS_US) })
    }

    /// From the arrival of the fastest packets to the play of what they bring at `timestamp`, in ms.
    pub(crate) fn delay_ms(&self, timestamp: i64, now: Duration) -> f32 {
        let transit_us = now.as_micros() as i64 - self.microseconds(timestamp) - self.origin_us;
        (transit_us - self.base_us) as f32 / 1_000.0
    }

    /// In ms.
    pub(crate) fn margin_ms(&self) -> f32 {
        (self.covered_us - self.base_us) as f32 / 1_000.0
    }

    fn measure(&mut self) {
        if self.seen.is_multiple_of(PACKETS_PER_QUANTILE) || self.seen < PACKETS_RECENT {
            let transits = &self.transits_us[..self.seen.min(PACKETS_SEEN)];
            self.base_us = transits.iter().copied().min().map_or(0, i64::from);
            self.quantile_us = self.quantile_of(transits);
        }
        let wanted_us = self.quantile_us.max(self.recent_us());
        self.covered_us = self.covered_us.max(self.base_us + self.bounded(wanted_us - self.base_us));
    }

    /// A packet that is late after nothing else came: so long was the stall, if those after it are less late.
    fn note_stall(&mut self, arrival_us: i64, late_us: i64) {
        let length_us = (arrival_us - self.latest_arrival_us).min(late_us);
        self.latest_arrival_us = self.latest_arrival_us.max(arrival_us);
        if length_us >= STALL_US_MIN {
            self.stall_us = (arrival_us, length_us.max(self.stall_us.1));
        }
        let (ended_us, length_us) = self.stall_us;
        if length_us > 0 && late_us <= length_us / 2 {
            if arrival_us - ended_us < STALL_OVER_US {
                self.stalls_us.rotate_right(1);
                self.stalls_us[0] = self.stall_us;
            }
            self.stall_us = (0, 0);
        }
    }

    /// The margin that bears stalls like those of late, once there was a second one. A single one says
    /// nothing of the next.
    fn stall_margin_us(&self, now_us: i64) -> i64 {
        let (mut longest_us, mut second_us) = (0, 0);
        for (ended_us, length_us) in self.stalls_us {
            if length_us > 0 && now_us - ended_us < STALL_MEMORY_US {
                second_us = second_us.max(length_us.min(longest_us));
                longest_us = longest_us.max(length_us);
            }
        }
        (second_us - STALL_BRIDGED_US).clamp(0, STALL_MARGIN_US_MAX)
    }

    /// The transit that all but one in [`LATE_ONE_IN`] of these kept; not less than the least that is kept for
    /// anyway.
    fn quantile_of(&self, transits: &[i32]) -> i64 {
        let late = transits.len() / LATE_ONE_IN;
        kept_by_all_but(late, transits.iter().copied(), self.base_us + self.least_us())
    }

    /// The transit that all but [`LATE_RECENT`] of the recent packets kept; not less than what is covered.
    fn recent_us(&self) -> i64 {
        let recent = (1..=self.seen.min(PACKETS_RECENT))
            .map(|back| self.transits_us[(self.seen - back) % PACKETS_SEEN]);
        kept_by_all_but(LATE_RECENT, recent, self.covered_us)
    }

    /// The margin shrinks towards what is wanted, and with time.
    fn follow(&mut self, now_us: i64) {
        let shrink_us = (now_us - self.shrunk_at_us).clamp(0, 1_000_000) * SHRINK_US_PER_S / 1_000_000;
        if shrink_us > 0 {
            self.shrunk_at_us = now_us;
            let wanted_us = (self.quantile_us - self.base_us).max(self.stall_margin_us(now_us));
            let wanted_us = self.base_us + self.bounded(wanted_us);
            self.covered_us = wanted_us.max(self.covered_us - shrink_us);
        }
        self.covered_us = self.base_us + self.bounded(self.covered_us - self.base_us);
    }

    fn bounded(&self, margin_us: i64) -> i64 {
        match self.config {
            JitterConfig::Fixed { .. } => self.least_us(),
            JitterConfig::Adaptive { max_ms, .. } => {
                margin_us.min(i64::from(max_ms) * 1_000).max(self.least_us() + self.floor_us)
            }
        }
    }

    /// The margin that is kept in any case.
    fn least_us(&self) -> i64 {
        match self.config {
            JitterConfig::Fixed { delay_ms: least_ms } | JitterConfig::Adaptive { min_ms: least_ms, .. } => {
                i64::from(least_ms) * 1_000
            }
        }
    }

    /// The end of the last packet that has begun at `media_us`, or of what is sure of it in every tick when
    /// packets and ticks differ in length.
    fn end_of(&self, media_us: i64) -> i64 {
        let timestamp = (media_us * (self.rate_hz / 1_000)).div_euclid(1_000);
        self.anchor + (timestamp - self.anchor).div_euclid(self.grid) * self.grid + self.grid
    }

    fn microseconds(&self, timestamp: i64) -> i64 {
        (timestamp * 1_000).div_euclid(self.rate_hz / 1_000)
    }
}

/// The transit that all but the `late` highest of these kept, or `least_us` where that is more: on a clean network
/// to count suffices. At most [`PACKETS_SEEN`].
fn kept_by_all_but(late: usize, transits: impl Iterator<Item = i32> + Clone, least_us: i64) -> i64 {
    if transits.clone().filter(|&transit| i64::from(transit) > least_us).count() <= late {
        return least_us;
    }
    let mut sorted = [0; PACKETS_SEEN];
    let mut length = 0;
    for (place, transit) in sorted.iter_mut().zip(transits) {
        *place = transit;
        length += 1;
    }
    let (_, kept, _) = sorted[..length].select_nth_unstable(length - 1 - late);
    i64::from(*kept)
}

fn greatest_common_divisor(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn adaptive() -> Lateness {
        Lateness::new(8_000, JitterConfig::default())
    }

    #[test]
    fn a_clean_stream_needs_the_least_margin() {
        let mut lateness = adaptive();
        for packet in 0..500 {
            lateness.observe(packet * 160, 160, ms(1_000 + packet as u64 * 20));
        }
        // Packet 499 arrived at 10 980 ms, and may be played 2 ms later.
        for (now_ms, last) in [(10_981, 498), (10_982, 499), (11_001, 499), (11_002, 500)] {
            assert_eq!(lateness.band(ms(now_ms)).unwrap().end_max, (last + 1) * 160, "{now_ms}");
        }
        assert!(lateness.margin_ms() <= 2.0);
    }

    /// Every tenth packet comes 40 ms late.
    fn bursty(lateness: &mut Lateness, packets: core::ops::Range<i64>) {
        for packet in packets {
            let late_ms = if packet % 10 == 9 { 40 } else { 0 };
            lateness.observe(packet * 160, 160, ms(packet as u64 * 20 + late_ms));
        }
    }

    #[test]
    fn the_margin_grows_within_a_second_and_shrinks_slowly() {
        let mut lateness = adaptive();
        bursty(&mut lateness, 0..1);
        assert!(lateness.margin_ms() <= 2.0);
        bursty(&mut lateness, 1..40);
        assert!((lateness.margin_ms() - 40.0).abs() < 1.0, "{}", lateness.margin_ms());
        for packet in 40..640 {
            lateness.observe(packet * 160, 160, ms(packet as u64 * 20));
            lateness.band(ms(packet as u64 * 20 + 5));
            let margin_ms = lateness.margin_ms();
            assert!(packet > 64 || margin_ms > 30.0, "{margin_ms} at {packet}");
        }
        assert!(lateness.margin_ms() <= 2.0);
    }

    /// Each so many packets nothing comes for 120 ms.
    fn stalling(lateness: &mut Lateness, packets: core::ops::Range<i64>, each: i64) -> Vec<f32> {
        packets
            .map(|packet| {
                let late_ms = (120 - 20 * (packet % each)).max(0) as u64;
                lateness.observe(packet * 160, 160, ms(packet as u64 * 20 + late_ms));
                lateness.band(ms(packet as u64 * 20 + late_ms));
                lateness.margin_ms()
            })
            .collect()
    }

    #[test]
    fn a_second_stall_is_remembered_as_long_as_they_recur() {
        let mut lateness = adaptive();
        let first = stalling(&mut lateness, 1..500, 250); // one, at 5 s: let down again
        assert!(first.last() <= Some(&2.0), "{:?}", first.last());
        let margins = stalling(&mut lateness, 500..2_000, 250);
        let (least, most) = margins[10..]
            .iter()
            .fold((f32::MAX, f32::MIN), |(least, most), margin| (margin.min(least), margin.max(most)));
        assert!(least >= 58.0 && most <= 75.0, "{least} to {most} ms");
        let after = stalling(&mut lateness, 2_001..3_200, 10_000); // 24 s without
        assert!(after[150] >= 58.0 && after.last() <= Some(&2.0), "{} {:?}", after[150], after.last());
    }

    #[test]
    fn a_gap_of_the_sender_is_no_stall() {
        let mut lateness = adaptive();
        for packet in 0..1_000 {
            let timestamp = (packet + packet / 50 * 6) * 160; // each second 120 ms without a packet
            lateness.observe(timestamp, 160, ms(timestamp as u64 / 8));
            lateness.band(ms(timestamp as u64 / 8));
        }
        assert!(lateness.margin_ms() <= 2.0, "{}", lateness.margin_ms());
    }

    #[test]
    fn a_far_end_that_stops_its_timestamps_is_no_stall() {
        // It pauses for so long, once in so many packets, and after how many the margin is at its least.
        for (pause_ms, each, settled) in [(500, 200, 60), (200, 300, 280), (120, 300, 280)] {
            let mut lateness = adaptive();
            for packet in 0..3_000 {
                let arrival = ms((packet * 20 + packet / each * pause_ms) as u64);
                lateness.observe(packet * 160, 160, arrival);
                lateness.band(arrival);
                let margin_ms = lateness.margin_ms();
                assert!(packet % each < settled || margin_ms <= 2.0, "{margin_ms} at {packet} of {each}");
            }
        }
    }

    #[test]
    fn a_floor_that_is_gone_is_forgotten_without_another_packet() {
        let mut lateness = adaptive();
        lateness.set_floor(ms(20));
        for packet in 0..64 {
            lateness.observe(packet * 160, 160, ms(packet as u64 * 20));
            lateness.band(ms(packet as u64 * 20));
        }
        assert_eq!(lateness.margin_ms(), 22.0);
        lateness.set_floor(Duration::ZERO);
        for tick in 64..114 {
            lateness.band(ms(tick * 20));
        }
        assert_eq!(lateness.margin_ms(), 2.0);
    }

    #[test]
    fn a_route_that_got_longer_is_followed() {
        let mut lateness = adaptive();
        for packet in 0..1_200u64 {
            let route_ms = if packet < 300 { 10 } else { 60 };
            lateness.observe(packet as i64 * 160, 160, ms(packet * 20 + route_ms));
            lateness.band(ms(packet * 20 + 70));
        }
        assert!(lateness.margin_ms() <= 2.0, "{}", lateness.margin_ms());
    }

    #[test]
    fn a_jump_of_the_time_line_begins_anew() {
        let mut lateness = adaptive();
        lateness.observe(0, 160, ms(0));
        assert_eq!(lateness.observe(160, 160, ms(1_900)), Seen::Steady);
        assert_eq!(lateness.observe(80_000, 160, ms(1_940)), Seen::Jumped);
        assert_eq!(lateness.band(ms(1_950)).unwrap().end_max, 80_160);
    }

    #[test]
    fn bounds_hold() {
        let mut fixed = Lateness::new(8_000, JitterConfig::Fixed { delay_ms: 60 });
        bursty(&mut fixed, 0..300);
        assert_eq!(fixed.margin_ms(), 60.0);
        let mut bounded = Lateness::new(8_000, JitterConfig::Adaptive { min_ms: 10, max_ms: 30 });
        bursty(&mut bounded, 0..300);
        assert_eq!(bounded.margin_ms(), 30.0);
    }

    proptest! {
        /// What is counted instead of sorted says the same as sorting.
        #[test]
        fn the_margin_is_what_sorting_says(
            packets in vec((0..30_000i64, 0..20u64), 1..600),
            scale in 1..40i64,
            fixed_ms in option::of(0..40u32),
        ) {
            let config = fixed_ms.map_or(JitterConfig::default(), |delay_ms| JitterConfig::Fixed { delay_ms });
            let mut lateness = Lateness::new(8_000, config);
            for (packet, (late_us, floor_ms)) in packets.into_iter().enumerate() {
                lateness.set_floor(ms(floor_ms));
                let arrival = Duration::from_micros((packet as i64 * 20_000 + late_us / scale) as u64);
                lateness.observe(packet as i64 * 160, 160, arrival);
                lateness.band(arrival);
                let mut sorted = lateness.transits_us[..lateness.seen.min(PACKETS_SEEN)].to_vec();
                let recent = (0..lateness.seen.min(PACKETS_RECENT))
                    .map(|back| lateness.transits_us[(lateness.seen - 1 - back) % PACKETS_SEEN]);
                let mut recent: Vec<_> = recent.collect();
                recent.sort_unstable();
                let recent_us = recent.iter().rev().nth(LATE_RECENT).map_or(i64::MIN, |&us| i64::from(us));
                prop_assert_eq!(lateness.recent_us(), recent_us.max(lateness.covered_us));
                let quantile_us = lateness.quantile_of(&sorted);
                sorted.sort_unstable();
                let exact_us = i64::from(sorted[sorted.len() - 1 - sorted.len() / LATE_ONE_IN]);
                prop_assert_eq!(quantile_us, exact_us.max(lateness.base_us + lateness.least_us()));
            }
        }
    }

    #[test]
    fn packets_of_30_ms_are_played_when_every_tick_is_sure_of_them() {
        let mut lateness = adaptive();
        for packet in 0..300 {
            lateness.observe(packet * 240, 240, ms(packet as u64 * 30));
        }
        let ends: Vec<_> = (0..6).map(|tick| lateness.band(ms(9_005 + tick * 20)).unwrap().end_max).collect();
        assert!(ends.windows(2).all(|pair| pair[1] - pair[0] == 160), "{ends:?}");
        for (tick, end) in ends.iter().enumerate() {
            let here = (9_005 + tick as i64 * 20 - 2) / 30 * 240 + 240; // end of the last packet that has come
            assert!(*end <= here && here - end <= 160, "{end} of {here}");
        }
    }
}
