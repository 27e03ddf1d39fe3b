//! Numbers that one side writes and the other reads whenever it likes: the latest value counts, none is an event.

use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use core::time::Duration;

macro_rules! gauges {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub struct $name { $($(#[$field_meta])* pub $field: Gauge),* }

        impl $name {
            /// Every value by its name.
            pub fn snapshot(&self) -> Vec<(&'static str, i64)> {
                vec![$((stringify!($field), self.$field.get())),*]
            }
        }
    };
}

/// One number.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Writes it.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds to it. One writer at a time.
    pub fn add(&self, more: i64) {
        self.set(self.get() + more);
    }

    /// Reads it.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

gauges! {
    /// Counters of one worker.
    WorkerGauges {
        /// Whether the system lets its thread go before all others.
        realtime,
        /// Ticks done.
        ticks,
        /// Ticks done at once because the worker was more than one period late.
        catch_ups,
        /// Ticks left out after a long stop of the machine.
        ticks_skipped,
        /// Legs on its buses.
        legs,
        /// Buses.
        buses,
        /// RTP packets taken.
        rtp_in,
        /// RTP packets sent.
        rtp_out,
        /// RTP packets that the socket refused.
        rtp_out_failed,
        /// Datagrams that are no RTP or of no use to the leg.
        rtp_in_dropped,
        /// RTP from somebody else while the leg has its source.
        rtp_in_stranger,
        /// RTP from a source that has not proved itself.
        rtp_in_unproven,
        /// RTCP packets taken.
        rtcp_in,
        /// RTCP that is malformed or from a stranger.
        rtcp_in_dropped,
        /// RTCP packets sent.
        rtcp_out,
        /// Events that had to wait for room in the ring.
        events_delayed,
        /// Legs ended because the backlog of events was full, or because their bus had ended before them.
        legs_shed,
        /// Buses ended by a fault of ours.
        buses_failed,
        /// Legs that ended with them.
        legs_failed,
    }
}

gauges! {
    /// Latest values of one leg.
    LegGauges {
        /// RTP packets believed.
        packets_in,
        /// RTP packets sent.
        packets_out,
        /// Packets that never came, by their sequence numbers.
        lost,
        /// Packets that came too late to be heard.
        late,
        /// Copies.
        duplicates,
        /// Frames made up.
        concealed,
        /// From strangers.
        strangers,
        /// Interarrival jitter (RFC 3550), microseconds.
        jitter_us,
        /// From a packet's arrival to its sound leaving the jitter buffer, microseconds.
        delay_us,
        /// Level of what the far end says, hundredths of dBm0.
        level_in_centi_dbm0,
        /// Level of what the far end hears, hundredths of dBm0.
        level_out_centi_dbm0,
        /// Round trip by RTCP, microseconds.
        rtt_us,
    }
}

/// Lateness of ticks: counts by upper bound.
#[derive(Debug)]
pub struct Lateness {
    counts: [AtomicU64; LATENESS_BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

/// Upper bounds of the histogram's classes, microseconds; one more class holds the rest.
pub const LATENESS_BOUNDS_US: [u64; 10] = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000];

impl Default for Lateness {
    fn default() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; LATENESS_BOUNDS_US.len() + 1],
            sum_us: AtomicU64::new(0),
        }
    }
}

impl Lateness {
    /// Counts one tick.
    pub fn record(&self, late: Duration) {
        let late_us = late.as_micros() as u64;
        let class = LATENESS_BOUNDS_US.iter().position(|bound| late_us <= *bound);
        self.counts[class.unwrap_or(LATENESS_BOUNDS_US.len())].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(late_us, Ordering::Relaxed);
    }

    /// (counts per class, sum in microseconds).
    pub fn snapshot(&self) -> (Vec<u64>, u64) {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        (counts, self.sum_us.load(Ordering::Relaxed))
    }
}
