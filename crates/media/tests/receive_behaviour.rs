//! The receiver, packet by packet: what is heard, what is dropped and why, what is counted.

use core::time::Duration;

use proptest::prelude::*;
use roomtone_media::codec::{Codec, ENCODED_BYTES_MAX, Encoder};
use roomtone_media::receiver::{
    DIGITS_WAITING_MAX, Drop, Frame, JitterConfig, Received, Receiver, ReceiverConfig,
};
use roomtone_media::rtcp::{self, Outgoing, SenderInfo};
use roomtone_media::rtp::{HEADER_BYTES, Header, write_header};

const CONFIG: ReceiverConfig = ReceiverConfig {
    codec: Codec::Pcmu,
    payload_type: 0,
    telephone_event: Some((101, 8_000)),
    comfort_noise: Some(13),
    jitter: JitterConfig::Adaptive { min_ms: 2, max_ms: 200 },
};

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A far end with a receiver before it: a packet and a tick each 20 ms, the packet 5 ms before the tick.
struct Caller {
    receiver: Receiver,
    header: Header,
    now_ms: u64,
    packet_samples: u32,
}

impl Caller {
    fn new(config: ReceiverConfig) -> Caller {
        let header =
            Header { payload_type: 0, marker: false, sequence: 65_500, timestamp: u32::MAX - 9_000, ssrc: 1 };
        Caller { receiver: Receiver::new(config, Duration::ZERO), header, now_ms: 1_000, packet_samples: 160 }
    }

    fn datagram(&self, payload: &[u8]) -> Vec<u8> {
        let mut datagram = vec![0; HEADER_BYTES];
        write_header(&self.header, &mut datagram);
        datagram.extend_from_slice(payload);
        datagram
    }

    /// Audio whose samples are all this byte.
    fn audio(&self, byte: u8) -> Vec<u8> {
        self.datagram(&vec![byte; self.packet_samples as usize])
    }

    fn advance(&mut self, packets: u16) {
        self.header.sequence = self.header.sequence.wrapping_add(packets);
        self.header.timestamp = self.header.timestamp.wrapping_add(u32::from(packets) * self.packet_samples);
    }

    fn receive(&mut self, datagram: &[u8]) -> Received {
        self.receiver.handle_rtp(datagram, ms(self.now_ms + 15))
    }

    /// A packet that comes when it should.
    fn say(&mut self, byte: u8) -> Received {
        let datagram = self.audio(byte);
        self.advance(1);
        self.receive(&datagram)
    }

    fn tick(&mut self) -> (Frame, Vec<i16>) {
        self.now_ms += 20;
        let mut pcm = vec![i16::MAX; self.receiver.config().codec.frame_samples()];
        let frame = self.receiver.pull(ms(self.now_ms), &mut pcm);
        (frame, pcm)
    }

    fn talk(&mut self, packets: u64) {
        for _ in 0..packets {
            assert_eq!(self.say(LOUD), Received::Audio);
            assert_eq!(self.tick().0, Frame::Voice);
        }
    }
}

/// A µ-law byte, and the sample that it is.
const LOUD: u8 = 0x90;
const LOUD_PCM: i16 = 15_996;

#[test]
fn what_comes_in_order_goes_out_bit_for_bit() {
    let mut caller = Caller::new(CONFIG);
    for number in 0..2_000u32 {
        let byte = 0x80 | (number % 100) as u8;
        assert_eq!(caller.say(byte), Received::Audio);
        let (frame, pcm) = caller.tick();
        let mut expected = [0; 160];
        roomtone_media::g711::decode_ulaw(&[byte; 160], &mut expected).unwrap();
        assert_eq!((frame, pcm.as_slice()), (Frame::Voice, expected.as_slice()), "{number}");
    }
    let stats = caller.receiver.stats();
    assert_eq!((stats.packets, stats.lost, stats.concealed_frames, stats.sources), (2_000, 0, 0, 1));
    assert!(stats.margin_ms <= 5.0 && stats.delay_ms == 5.0, "{stats:?}");
}

#[test]
fn what_is_no_audio_is_dropped_by_its_reason() {
    let mut caller = Caller::new(CONFIG);
    caller.talk(10);
    let again = caller.audio(LOUD);
    caller.say(LOUD);
    assert_eq!(caller.receive(&again), Received::Dropped(Drop::Duplicate));
    assert_eq!(caller.receive(b"OPTIONS sip:"), Received::Dropped(Drop::Malformed));
    assert_eq!(caller.receive(&caller.datagram(&[])), Received::Dropped(Drop::Payload));
    assert_eq!(caller.receive(&caller.datagram(&[0; 481])), Received::Dropped(Drop::Payload));
    let header = caller.header;
    caller.header.payload_type = 96;
    assert_eq!(caller.receive(&caller.audio(LOUD)), Received::Dropped(Drop::PayloadType));
    caller.header = Header { sequence: header.sequence.wrapping_add(20_000), ..header };
    assert_eq!(caller.receive(&caller.audio(LOUD)), Received::Dropped(Drop::Jump));
    caller.header = header;
    caller.tick();
    caller.header.sequence = header.sequence.wrapping_sub(50);
    caller.header.timestamp = header.timestamp.wrapping_sub(50 * 160);
    assert_eq!(caller.receive(&caller.audio(LOUD)), Received::Dropped(Drop::Late));
    caller.header = header;
    caller.talk(10);
    let stats = caller.receiver.stats();
    for reason in Drop::ALL {
        let expected = if reason == Drop::Payload { 2 } else { 1 };
        assert_eq!(stats.dropped_for(reason), expected, "{}", reason.name());
    }
    assert_eq!((stats.packets, stats.lost), (21, 0));
}

#[test]
fn packets_that_overtook_each_other_are_heard_in_order() {
    let config = ReceiverConfig { jitter: JitterConfig::Fixed { delay_ms: 60 }, ..CONFIG };
    let mut caller = Caller::new(config);
    let mut heard = Vec::new();
    for pair in 0..50u8 {
        let first = caller.audio(0x80 | (2 * pair));
        caller.advance(1);
        let second = caller.audio(0x80 | (2 * pair + 1));
        caller.advance(1);
        assert_eq!(caller.receive(&second), Received::Audio);
        heard.extend(caller.tick().1);
        assert_eq!(caller.receive(&first), Received::Audio);
        heard.extend(caller.tick().1);
    }
    let heard: Vec<i16> = heard.chunks(160).map(|frame| frame[80]).filter(|sample| *sample != 0).collect();
    assert!(heard.len() > 90);
    assert!(heard.windows(2).all(|pair| pair[0] > pair[1]), "{heard:?}"); // larger bytes are softer
    assert_eq!(caller.receiver.stats().concealed_frames, 0);
}

#[test]
fn a_lost_packet_is_concealed_and_a_pause_is_not_a_loss() {
    let mut caller = Caller::new(CONFIG);
    caller.talk(50);
    caller.advance(1);
    let (frame, pcm) = caller.tick();
    assert_eq!(frame, Frame::Concealed);
    assert!(pcm.iter().all(|sample| (sample - LOUD_PCM).abs() < 20), "{pcm:?}");
    caller.talk(50);
    let stats = caller.receiver.stats();
    assert_eq!((stats.lost, stats.concealed_frames), (1, 1));

    // The far end says nothing for two seconds: its timestamps go on, its sequence numbers do not.
    let frames: Vec<Frame> = (0..100).map(|_| caller.tick().0).collect();
    assert!(frames[10..].iter().all(|frame| *frame == Frame::Nothing), "{frames:?}");
    caller.header.timestamp = caller.header.timestamp.wrapping_add(100 * 160);
    caller.talk(50);
    let stats = caller.receiver.stats();
    assert_eq!((stats.lost, stats.concealed_frames), (1, 1));
    assert_eq!(caller.tick().0, Frame::Concealed);
}

#[test]
fn silence_is_zeros() {
    let mut caller = Caller::new(CONFIG);
    assert_eq!(caller.tick(), (Frame::Nothing, vec![0; 160]));
    caller.talk(10);
    (0..20).for_each(|_| drop(caller.tick()));
    assert_eq!(caller.tick(), (Frame::Nothing, vec![0; 160]));
}

#[test]
fn comfort_noise_lasts_until_the_next_word() {
    let mut caller = Caller::new(CONFIG);
    caller.talk(10);
    caller.header.payload_type = 13;
    let noise = caller.datagram(&[50]);
    assert_eq!(caller.receive(&noise), Received::Noise);
    (caller.header.payload_type, caller.header.sequence) = (0, caller.header.sequence.wrapping_add(1));
    for _ in 0..100 {
        let (frame, pcm) = caller.tick();
        assert_eq!(frame, Frame::Noise);
        let power = pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / 160.0;
        assert!((5_000.0..20_000.0).contains(&power), "{power}"); // −50 dBov: 104 root mean square
    }
    caller.header.timestamp = caller.header.timestamp.wrapping_add(100 * 160);
    caller.talk(10);
    let stats = caller.receiver.stats();
    assert_eq!((stats.lost, stats.concealed_frames), (0, 0));
}

#[test]
fn another_source_begins_anew() {
    let mut caller = Caller::new(CONFIG);
    caller.talk(100);
    caller.header = Header { ssrc: 2, sequence: 7, timestamp: 1 << 31, ..caller.header };
    caller.say(LOUD);
    assert_eq!(caller.tick().0, Frame::Voice);
    caller.talk(100);
    let stats = caller.receiver.stats();
    assert_eq!((stats.sources, stats.lost, stats.packets), (2, 0, 201));
}

#[test]
fn a_time_line_that_jumps_is_followed() {
    for (sequence, timestamp) in
        [(0, 1 << 30), (0, (1u32 << 31) + 5), (0, 0u32.wrapping_sub(80_000)), (30_000, 77)]
    {
        let mut caller = Caller::new(CONFIG);
        caller.talk(100);
        caller.header.sequence = caller.header.sequence.wrapping_add(sequence);
        caller.header.timestamp = caller.header.timestamp.wrapping_add(timestamp);
        let frames: Vec<Frame> = (0..100)
            .map(|_| {
                caller.say(LOUD);
                caller.tick().0
            })
            .collect();
        assert!(frames[3..].iter().all(|frame| *frame == Frame::Voice), "{sequence} {timestamp}: {frames:?}");
        assert_eq!(caller.receiver.stats().delay_ms, 5.0);
    }
}

#[test]
fn packets_of_any_length_are_heard_whole() {
    for packet_ms in [10, 20, 30, 40, 60] {
        let mut caller = Caller::new(CONFIG);
        caller.packet_samples = packet_ms * 8;
        let mut frames = Vec::new();
        let mut sent_ms = 0;
        for tick in 0..300u64 {
            while sent_ms + 7 <= (tick + 1) * 20 {
                let datagram = caller.audio(LOUD);
                caller.receiver.handle_rtp(&datagram, ms(1_000 + sent_ms + 7));
                caller.advance(1);
                sent_ms += u64::from(packet_ms);
            }
            frames.push(caller.tick());
        }
        let first = frames.iter().position(|(frame, _)| *frame == Frame::Voice).unwrap();
        assert!(first <= 4, "{packet_ms}");
        let settled = &frames[first + 1..];
        let whole = |(frame, pcm): &(Frame, Vec<i16>)| {
            *frame == Frame::Voice && pcm.iter().all(|sample| *sample == LOUD_PCM)
        };
        assert!(settled.iter().all(whole), "{packet_ms} ms: {settled:?}");
        assert!(
            caller.receiver.stats().delay_ms <= packet_ms as f32 + 15.0,
            "{packet_ms} ms {:?}",
            caller.receiver.stats()
        );
    }
}

#[test]
fn a_burst_after_a_stall_is_caught_up_with() {
    let mut caller = Caller::new(CONFIG);
    caller.talk(200);
    for _ in 0..25 {
        caller.tick();
    }
    for _ in 0..25 {
        caller.say(LOUD); // half a second at once
    }
    let mut voiced = 0;
    for _ in 0..500 {
        caller.say(LOUD);
        voiced += u32::from(caller.tick().0 == Frame::Voice);
    }
    let stats = caller.receiver.stats();
    assert!(voiced > 490, "{voiced} {stats:?}");
    assert!(stats.delay_ms < 30.0, "{stats:?}");
}

#[test]
fn a_leg_that_is_not_pulled_for_a_while_goes_on_with_what_is_new() {
    let mut caller = Caller::new(CONFIG);
    caller.talk(50);
    for _ in 0..500 {
        caller.say(LOUD);
        caller.now_ms += 20;
    }
    let frames: Vec<Frame> = (0..100)
        .map(|_| {
            caller.say(LOUD);
            caller.tick().0
        })
        .collect();
    assert!(frames[5..].iter().all(|frame| *frame == Frame::Voice), "{frames:?}");
    let stats = caller.receiver.stats();
    assert!(stats.delay_ms < 30.0 && stats.overflowed > 400, "{stats:?}");
}

#[test]
fn a_fixed_delay_is_kept() {
    let config = ReceiverConfig { jitter: JitterConfig::Fixed { delay_ms: 60 }, ..CONFIG };
    let mut caller = Caller::new(config);
    for _ in 0..100 {
        caller.say(LOUD);
        caller.tick();
    }
    let delay_ms = caller.receiver.stats().delay_ms;
    assert!((60.0..80.0).contains(&delay_ms), "{delay_ms}");
}

#[test]
fn a_key_counts_once_and_its_packets_are_no_loss() {
    let mut caller = Caller::new(CONFIG);
    for key in [5u8, 5, 11] {
        caller.talk(20);
        let begun = caller.header.timestamp;
        for packet in 0..7u16 {
            let held = (packet + 1).min(5) * 160;
            let payload = [key, if packet >= 4 { 0x88 } else { 0x08 }, (held >> 8) as u8, held as u8];
            caller.header =
                Header { payload_type: 101, marker: packet == 0, timestamp: begun, ..caller.header };
            let datagram = caller.datagram(&payload);
            assert_eq!(caller.receive(&datagram), Received::Digit);
            assert_eq!(caller.receive(&datagram), Received::Dropped(Drop::Duplicate));
            caller.header.sequence = caller.header.sequence.wrapping_add(1);
            caller.tick();
        }
        caller.header = Header {
            payload_type: 0,
            marker: false,
            timestamp: begun.wrapping_add(7 * 160),
            ..caller.header
        };
        assert_eq!(
            caller.receiver.last_digit().map(|pressed| (pressed.duration_ms, pressed.ended)),
            Some((100, true))
        );
    }
    let keys: Vec<u8> =
        core::iter::from_fn(|| caller.receiver.poll_digit()).map(|started| started.key).collect();
    assert_eq!(keys, b"55#");
    let stats = caller.receiver.stats();
    assert_eq!((stats.digits, stats.lost, stats.concealed_frames), (3, 0, 0));
}

#[test]
fn keys_that_nobody_polls_are_bounded() {
    let mut caller = Caller::new(CONFIG);
    caller.header.payload_type = 101;
    for _ in 0..20 {
        let datagram = caller.datagram(&[1, 0x08, 0, 160]);
        caller.receive(&datagram);
        caller.advance(1);
    }
    let keys = core::iter::from_fn(|| caller.receiver.poll_digit()).count();
    let stats = caller.receiver.stats();
    assert_eq!((keys, stats.digits_dropped), (DIGITS_WAITING_MAX, 20 - DIGITS_WAITING_MAX as u64));
}

#[test]
fn reports_go_both_ways() {
    let mut caller = Caller::new(CONFIG);
    assert_eq!(caller.receiver.report_block(ms(0)), None);
    for number in 0..100 {
        if number % 10 == 9 {
            caller.advance(1);
        } else {
            caller.say(LOUD);
        }
        caller.tick();
    }
    let info = SenderInfo { ntp: 0x0000_0005_4000_0000, timestamp: 0, packets: 100, bytes: 16_000 };
    let ours = rtcp::ReportBlock {
        ssrc: 42,
        fraction_lost: 128,
        last_report: 0x0009_0000,
        last_report_delay: 0x8000,
        ..Default::default()
    };
    let outgoing = Outgoing { ssrc: 1, sender: Some(info), block: Some(ours), cname: "far@end", bye: true };
    let mut datagram = [0; rtcp::COMPOUND_BYTES_MAX];
    let length = rtcp::write(&outgoing, &mut datagram);
    let ntp_now = 0x0000_0009_C000_0000; // 0.75 s after our report, of which the far end kept half a second
    let reported = caller.receiver.handle_rtcp(&datagram[..length], ms(caller.now_ms), ntp_now, 42).unwrap();
    assert!(reported.bye && reported.block == Some(ours));
    let stats = caller.receiver.stats();
    assert_eq!((stats.round_trip_ms, stats.remote_loss), (Some(250.0), Some(0.5)));

    let block = caller.receiver.report_block(ms(caller.now_ms + 1_000)).unwrap();
    assert_eq!((block.ssrc, block.lost, block.fraction_lost), (1, 9, 23));
    assert_eq!((block.last_report, block.last_report_delay), (0x0005_4000, 65_536));
    assert!(caller.receiver.handle_rtcp(b"junk", ms(0), 0, 42).is_err());
    assert_eq!(caller.receiver.stats().rtcp_malformed, 1);
}

#[test]
fn opus_survives_the_codec_and_what_is_no_opus_is_dropped() {
    let config = ReceiverConfig {
        codec: Codec::Opus,
        payload_type: 111,
        telephone_event: Some((110, 48_000)),
        ..CONFIG
    };
    let mut caller = Caller::new(config);
    (caller.header.payload_type, caller.packet_samples) = (111, 960);
    let mut encoder = Encoder::new(Codec::Opus);
    let (mut sent, mut heard) = (0.0, 0.0);
    for number in 0..100 {
        let pcm: Vec<i16> =
            (0..960).map(|place| (8_000.0 * (0.05 * (number * 960 + place) as f64).sin()) as i16).collect();
        let mut payload = [0; ENCODED_BYTES_MAX];
        let length = encoder.encode(&pcm, &mut payload);
        let datagram = caller.datagram(&payload[..length]);
        caller.advance(1);
        assert_eq!(caller.receive(&datagram), Received::Audio);
        let (frame, out) = caller.tick();
        assert_eq!(frame, Frame::Voice);
        let power = |pcm: &[i16]| pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
        (sent, heard) = (sent + power(&pcm), heard + power(&out));
    }
    assert!((heard / sent - 1.0).abs() < 0.1, "{}", heard / sent);
    let datagram = caller.datagram(&[0xFF, 0x3F, 1]);
    assert_eq!(caller.receive(&datagram), Received::Dropped(Drop::Payload));
}

#[derive(Clone, Debug)]
enum Step {
    Packet { payload_type: u8, sequence: i32, timestamp: i32, ssrc: u32, payload: Vec<u8> },
    Bytes(Vec<u8>),
    Ticks(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let near = prop_oneof![8 => -3..4i32, 2 => -200..200i32, 1 => any::<i32>()];
    let time = prop_oneof![8 => Just(0i32), 2 => -2_000..2_000i32, 1 => any::<i32>()];
    let payload = prop_oneof![
        6 => (1..5usize, any::<u8>()).prop_map(|(tens, byte)| vec![byte; tens * 80]),
        2 => proptest::collection::vec(any::<u8>(), 0..200),
    ];
    let payload_type = prop_oneof![5 => Just(0u8), 1 => Just(13), 1 => Just(101), 1 => any::<u8>()];
    let packet = (payload_type, near, time, 1..3u32, payload);
    prop_oneof![
        6 => packet.prop_map(|(payload_type, sequence, timestamp, ssrc, payload)| {
            Step::Packet { payload_type, sequence, timestamp, ssrc, payload }
        }),
        1 => proptest::collection::vec(any::<u8>(), 0..100).prop_map(Step::Bytes),
        6 => (1..4u8).prop_map(Step::Ticks),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever comes, each tick gives a frame, and every datagram is counted once.
    #[test]
    fn no_sequence_of_packets_breaks_it(
        steps in proptest::collection::vec(step(), 1..150),
        opus in any::<bool>(),
    ) {
        let codec = if opus { Codec::Opus } else { Codec::Pcma };
        let mut receiver = Receiver::new(ReceiverConfig { codec, ..CONFIG }, Duration::ZERO);
        let (mut now_ms, mut handled) = (0u64, 0u64);
        let mut pcm = vec![0; codec.frame_samples()];
        for (number, step) in steps.into_iter().enumerate() {
            let arrival = ms(now_ms + number as u64 % 20);
            match step {
                Step::Packet { payload_type, sequence, timestamp, ssrc, payload } => {
                    let line = ((now_ms / 20) as i32).wrapping_add(sequence);
                    let media = line.wrapping_mul(codec.frame_samples() as i32);
                    let header = Header {
                        payload_type: payload_type & 0x7F,
                        marker: false,
                        sequence: line as u16,
                        timestamp: media.wrapping_add(timestamp) as u32,
                        ssrc,
                    };
                    let mut datagram = vec![0; HEADER_BYTES];
                    write_header(&header, &mut datagram);
                    datagram.extend(payload);
                    receiver.handle_rtp(&datagram, arrival);
                    handled += 1;
                }
                Step::Bytes(bytes) => {
                    receiver.handle_rtp(&bytes, arrival);
                    let _ = receiver.handle_rtcp(&bytes, arrival, 0, 1);
                    handled += 1;
                }
                Step::Ticks(ticks) => (0..ticks).for_each(|_| {
                    now_ms += 20;
                    pcm.fill(i16::MAX);
                    if receiver.pull(ms(now_ms), &mut pcm) == Frame::Nothing {
                        assert!(pcm.iter().all(|sample| *sample == 0));
                    }
                    receiver.poll_digit();
                }),
            }
        }
        let stats = receiver.stats();
        let dropped_at_once = stats.dropped.iter().sum::<u64>();
        prop_assert!(stats.packets <= handled && handled <= stats.packets + dropped_at_once);
    }
}
