//! What a receiver takes: all its memory when it is made, bounded, and nothing afterwards, whatever the
//! network does.

use core::alloc::Layout;
use core::cell::Cell;
use core::time::Duration;
use std::alloc::{GlobalAlloc, System};

use roomtone_media::codec::{Codec, ENCODED_BYTES_MAX, Encoder};
use roomtone_media::receiver::{JitterConfig, Receiver, ReceiverConfig};
use roomtone_media::rtp::{HEADER_BYTES, Header, write_header};

struct Counting;

thread_local! {
    /// Bytes held and allocations made by this thread.
    static TAKEN: Cell<(isize, u64)> = const { Cell::new((0, 0)) };
}

fn count(bytes: isize) {
    let _ = TAKEN.try_with(|taken| {
        let (held, times) = taken.get();
        taken.set((held + bytes, times + u64::from(bytes > 0)));
    });
}

// SAFETY: everything is done by the system's allocator; what is counted beside it allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Ten thousand ticks of loss, reordering, stalls, pauses, keys and other sources. Bytes held by the
/// receiver, and allocations after `new`.
fn run(codec: Codec) -> (isize, u64) {
    let mut encoder = Encoder::new(codec);
    let mut datagram = [0; HEADER_BYTES + ENCODED_BYTES_MAX];
    let mut pcm = vec![0; codec.frame_samples()];
    let before = TAKEN.get().0;
    let config = ReceiverConfig {
        codec,
        payload_type: 96,
        telephone_event: Some((101, 8_000)),
        comfort_noise: Some(13),
        jitter: JitterConfig::default(),
    };
    let mut receiver = Receiver::new(config, Duration::ZERO);
    let held = TAKEN.get().0 - before + size_of::<Receiver>() as isize;
    let times = TAKEN.get().1;
    for tick in 0..10_000u32 {
        for (place, sample) in pcm.iter_mut().enumerate() {
            *sample = ((tick as usize * 7 + place * 13) % 9_000) as i16;
        }
        let length = encoder.encode(&pcm, &mut datagram[HEADER_BYTES..]);
        let order = if tick % 31 == 3 { 2 } else { 0 };
        let mut header = Header {
            payload_type: 96,
            marker: false,
            sequence: (tick + order) as u16,
            timestamp: (tick + order) * codec.frame_samples() as u32,
            ssrc: tick / 4_000,
        };
        write_header(&header, &mut datagram);
        let late_ms = u64::from(tick / 300 % 2 * (tick % 7) * 10);
        let arrival = Duration::from_millis(u64::from(tick) * 20 + late_ms);
        if tick % 11 != 0 && tick % 1_000 > 100 {
            receiver.handle_rtp(&datagram[..HEADER_BYTES + length], arrival);
        }
        if tick % 20 == 5 {
            (header.payload_type, header.marker) = (if tick % 40 == 5 { 101 } else { 13 }, true);
            write_header(&header, &mut datagram);
            receiver.handle_rtp(&datagram[..HEADER_BYTES + 4], arrival);
        }
        receiver.pull(Duration::from_millis(u64::from(tick) * 20 + 15), &mut pcm);
        receiver.poll_digit();
        receiver.handle_rtcp(b"junk", arrival, 0, 1).unwrap_err();
        receiver.report_block(arrival);
    }
    let stats = receiver.stats();
    assert!(
        stats.concealed_frames > 100 && stats.lengthened + stats.shortened > 0 && stats.sources == 3,
        "{stats:?}"
    );
    (held, TAKEN.get().1 - times)
}

#[test]
fn all_memory_is_taken_at_once_and_it_is_little() {
    for (codec, bytes_max) in [(Codec::Pcmu, 24_000), (Codec::Pcma, 24_000), (Codec::Opus, 80_000)] {
        let (held, times) = run(codec);
        println!("{codec:?}: {held} bytes");
        assert_eq!(times, 0, "{codec:?} allocated after it was made");
        assert!(held <= bytes_max, "{codec:?} holds {held} bytes");
    }
}
