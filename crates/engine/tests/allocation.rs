//! A tick of plain RTP over real sockets allocates nothing: counted by an allocator of this test's own, on the thread that ticks.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::time::Duration;
use std::alloc::System;
use std::net::{SocketAddr, UdpSocket as Peer};
use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use roomtone_engine::gauge::{LegGauges, WorkerGauges};
use roomtone_engine::line::Line;
use roomtone_engine::mailbox::{Arrivals, Batch, Command, Direction, Notifier, Remote, Said, Stamped};
use roomtone_engine::os::{Epoch, Scratch};
use roomtone_engine::ports::Ports;
use roomtone_engine::transport::{Reading, SocketPair};
use roomtone_engine::worker::{Outbox, TICK, Worker, WorkerParts};
use roomtone_media::bus::{Bus, Row, Sends};
use roomtone_media::codec::Codec;
use roomtone_media::id::{BusId, LegId};
use roomtone_media::leg::{Leg, LegMedia, LegMediaConfig};
use roomtone_media::receiver::JitterConfig;
use rtrb::{Consumer, RingBuffer};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: forwards to the system's allocator; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LEGS: u64 = 8;

struct Bench {
    worker: Worker,
    events: Consumer<Stamped>,
    gauges: Arc<WorkerGauges>,
    peers: Vec<(Peer, SocketAddr)>,
}

fn media() -> Box<LegMedia> {
    let config = LegMediaConfig {
        codec: Codec::Pcmu,
        payload_type: 0,
        telephone_event: Some((101, 8000)),
        comfort_noise: None,
        ssrc: 1,
        sequence: 1,
        timestamp: 1,
        jitter: JitterConfig::default(),
    };
    Box::new(LegMedia::new(&config, Duration::ZERO))
}

fn bench() -> Bench {
    let bus = BusId(1);
    let mut ports = Ports::new("127.0.0.1".parse().unwrap(), 0, 0);
    let mut commands = vec![Command::OpenBus(Box::new(Bus::new(bus, LEGS as usize)))];
    let mut peers = Vec::new();
    for id in (1..=LEGS).map(LegId) {
        let (rtp, rtcp) = ports.bind().unwrap();
        let ours = rtp.local().unwrap();
        let peer = Peer::bind("127.0.0.1:0").unwrap();
        let theirs = peer.local_addr().unwrap();
        peers.push((peer, ours));
        let line =
            Line::new(Box::new(SocketPair { rtp, rtcp }), Arc::new(LegGauges::default()), Duration::ZERO);
        let remote = Remote { rtp: theirs, rtcp: theirs };
        commands.push(Command::Attach(Box::new(Leg::new(id)), Box::new(line), bus));
        commands.push(Command::Configure(id, media(), remote));
        commands.push(Command::Direct(id, Direction { sends: true, receives: true }));
        commands.push(Command::Row(id, Row { sends: Sends::All, hears: true, gain_db: 0.0 }));
    }
    let (mut inbox_in, inbox) = RingBuffer::new(4);
    let (events_in, events) = RingBuffer::new(64);
    let (retired, _) = RingBuffer::new(4);
    let arrivals: Arrivals = [ArrayQueue::new(4)].into_iter().collect();
    let gauges = Arc::new(WorkerGauges::default());
    let epoch = Epoch::start();
    let worker = Worker::new(WorkerParts {
        index: 0,
        inbox,
        arrivals,
        outbox: Outbox::new(events_in, gauges.clone()),
        retired,
        reading: Reading { scratch: Scratch::default(), offset: epoch.wall_offset(), before: Duration::ZERO },
        silence_max: Duration::from_secs(60),
        notifier: Arc::new(Notifier::new(None)),
        gauges: gauges.clone(),
    });
    assert!(inbox_in.push(Box::new(Batch::new(1, commands))).is_ok());
    Bench { worker, events, gauges, peers }
}

#[test]
fn a_tick_of_plain_rtp_allocates_nothing() {
    let mut bench = bench();
    bench.worker.tick(TICK);
    let Ok(Stamped { said: Said::Applied(batch), .. }) = bench.events.pop() else {
        panic!("applied at once")
    };
    assert!(batch.gone.is_empty());
    let before = ALLOCATIONS.with(Cell::get);
    for tick in 2..1000u32 {
        for (leg, (peer, ours)) in bench.peers.iter().enumerate() {
            // Half of them talk, in spurts, so that gates open and close and groups change.
            let loud = leg % 2 == 0 && tick % 100 < 50 + leg as u32;
            let mut packet = [if loud && tick % 3 > 0 { 0x90 } else { 0xFF }; 172];
            packet[..2].copy_from_slice(&[0x80, 0]);
            packet[2..4].copy_from_slice(&(tick as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&(tick * 160).to_be_bytes());
            packet[8..12].copy_from_slice(&(leg as u32).to_be_bytes());
            peer.send_to(&packet, ours).unwrap();
        }
        bench.worker.tick(TICK * tick);
    }
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
    let sent = bench.gauges.rtp_out.get();
    assert!(
        bench.gauges.rtp_in.get() > 900 * LEGS as i64 && sent > 900 * LEGS as i64,
        "packets really went both ways"
    );
}
