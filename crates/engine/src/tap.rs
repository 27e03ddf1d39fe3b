//! A tap: a copy of a leg's samples for whoever listens (recorder, robot caller). The worker writes into a ring, control reads; a full ring loses frames
//! and counts them.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::mailbox::Notifier;
use crate::worker::TICK;

#[derive(Copy, Clone)]
struct Frame {
    time: Duration,
    rate_hz: u32,
    samples: usize,
}

struct Shared {
    ready: AtomicBool,
    lost: AtomicU64,
    notifier: Arc<Notifier>,
}

/// The worker's end.
pub struct TapWriter {
    frames: Producer<Frame>,
    samples: Producer<i16>,
    shared: Arc<Shared>,
    notify_frames: u32,
    unnotified: u32,
}

impl roomtone_media::tap::Tap for TapWriter {
    fn write(&mut self, now: Duration, rate_hz: u32, pcm: &[i16]) {
        let Ok(chunk) = self.samples.write_chunk_uninit(pcm.len()) else {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
            return;
        };
        if self.frames.push(Frame { time: now, rate_hz, samples: pcm.len() }).is_err() {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        chunk.fill_from_iter(pcm.iter().copied());
        self.unnotified += 1;
        if self.unnotified >= self.notify_frames {
            self.unnotified = 0;
            self.shared.ready.store(true, Ordering::Release);
            self.shared.notifier.notify();
        }
    }
}

/// Control's end.
pub struct TapReader {
    frames: Consumer<Frame>,
    samples: Consumer<i16>,
    shared: Arc<Shared>,
}

/// Samples that were gathered, of one rate and without a hole.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// Time of the first sample.
    pub time: Duration,
    /// Their rate; 0 when there are none.
    pub rate_hz: u32,
    /// Themselves.
    pub pcm: Vec<i16>,
}

/// A tap that holds `seconds_max` of audio at `rate_hz_max`.
pub fn tap(
    seconds_max: usize,
    rate_hz_max: usize,
    notify: Duration,
    notifier: Arc<Notifier>,
) -> (TapWriter, TapReader) {
    let (frames_in, frames) = RingBuffer::new(seconds_max * 50);
    let (samples_in, samples) = RingBuffer::new(seconds_max * rate_hz_max);
    let shared = Arc::new(Shared { ready: AtomicBool::new(false), lost: AtomicU64::new(0), notifier });
    let notify_frames = (notify.as_millis() / TICK.as_millis()).max(1) as u32;
    let writer = TapWriter {
        frames: frames_in,
        samples: samples_in,
        shared: shared.clone(),
        notify_frames,
        unnotified: 0,
    };
    (writer, TapReader { frames, samples, shared })
}

impl TapReader {
    /// Whether enough has come since the last time for a notice.
    pub fn take_ready(&self) -> bool {
        self.shared.ready.swap(false, Ordering::AcqRel)
    }

    /// Frames that found no room.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// What has come since the last time, up to a hole or a change of rate.
    pub fn read(&mut self) -> Gathered {
        let mut gathered = Gathered::default();
        while let Ok(frame) = self.frames.peek().copied() {
            if gathered.rate_hz == 0 {
                gathered.time = frame.time;
                gathered.rate_hz = frame.rate_hz;
            }
            let samples = gathered.pcm.len() as u64;
            let end =
                gathered.time + Duration::from_micros(samples * 1_000_000 / u64::from(gathered.rate_hz));
            if frame.rate_hz != gathered.rate_hz || frame.time > end + TICK / 2 {
                break;
            }
            let Ok(chunk) = self.samples.read_chunk(frame.samples) else { break };
            gathered.pcm.extend(chunk);
            let _ = self.frames.pop();
        }
        gathered
    }
}

#[cfg(test)]
mod tests {
    use roomtone_media::tap::Tap;

    use super::*;

    #[test]
    fn a_hole_ends_a_reading_and_a_full_ring_is_counted() {
        let (mut writer, mut reader) = tap(1, 8000, Duration::from_millis(40), Arc::new(Notifier::new(None)));
        let at = |tick: u32| TICK * tick;
        for tick in [0, 1, 5] {
            writer.write(at(tick), 8000, &[tick as i16; 160]);
        }
        assert!(reader.take_ready() && !reader.take_ready());
        let first = reader.read();
        assert_eq!((first.time, first.rate_hz, first.pcm.len()), (at(0), 8000, 320));
        let second = reader.read();
        assert_eq!((second.time, second.pcm.len()), (at(5), 160));
        assert_eq!(reader.read(), Gathered::default());
        for tick in 10..80 {
            writer.write(at(tick), 8000, &[0; 160]);
        }
        assert_eq!(reader.lost(), 20);
    }
}
