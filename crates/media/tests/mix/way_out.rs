//! Headers, pauses, new negotiations, reports.

use roomtone_media::codec::Codec;
use roomtone_media::id::LegId;
use roomtone_media::leg::{LegMedia, LegMediaConfig};
use roomtone_media::rtcp::{COMPOUND_BYTES_MAX, Item, parse};

use crate::room::{EVERYBODY, Got, Room, media_config, power, tone};

fn headers(room: &mut Room, leg: LegId) -> Vec<Option<Got>> {
    room.far(leg).packets.clone()
}

#[test]
fn sequence_counts_packets_and_timestamp_counts_ticks() {
    for codec in [Codec::Pcmu, Codec::Opus] {
        let mut room = Room::new();
        let leg = room.join_silent(1, codec);
        let config = media_config(codec, leg);
        room.run(100);
        room.leg(leg).set_direction(false, true);
        room.run(10);
        room.leg(leg).set_direction(true, true);
        room.run(10);
        let (mut sequence, mut timestamp) = (config.sequence, config.timestamp);
        for (tick, got) in headers(&mut room, leg).into_iter().enumerate() {
            if let Some(got) = &got {
                assert_eq!((got.sequence, got.timestamp, got.ssrc), (sequence, timestamp, config.ssrc));
                assert_eq!(got.marker, tick == 0 || tick == 110, "marker in tick {tick}");
                sequence = sequence.wrapping_add(1);
            }
            assert_eq!(got.is_none(), (100..110).contains(&tick));
            timestamp = timestamp.wrapping_add(codec.clock_hz() / 50);
        }
    }
}

#[test]
fn a_new_negotiation_goes_on_where_the_old_one_was() {
    let mut room = Room::new();
    let leg = room.join_silent(1, Codec::Pcmu);
    room.run(10);
    let fresh = LegMediaConfig { ssrc: 0xFEED, sequence: 7, timestamp: 9, ..media_config(Codec::Pcma, leg) };
    let now = room.now;
    assert!(room.leg(leg).configure(Box::new(LegMedia::new(&fresh, now))).is_some());
    room.far(leg).codec = Codec::Pcma;
    room.bus.mix(room.now, &mut room.events, |_, _| (), |_, _| ());
    let packet = room.leg(leg).packet().to_vec();
    let before = headers(&mut room, leg).pop().flatten().expect("a packet");
    assert_eq!(packet[1], 8, "the new payload type, no marker");
    assert_eq!(packet[2..4], before.sequence.wrapping_add(1).to_be_bytes());
    assert_eq!(packet[4..8], before.timestamp.wrapping_add(160).to_be_bytes());
    assert_eq!(packet[8..12], before.ssrc.to_be_bytes());

    let wide = LegMediaConfig { ssrc: 0xFEED, sequence: 7, timestamp: 9, ..media_config(Codec::Opus, leg) };
    assert!(room.leg(leg).configure(Box::new(LegMedia::new(&wide, now))).is_some());
    room.bus.mix(room.now, &mut room.events, |_, _| (), |_, _| ());
    let packet = room.leg(leg).packet().to_vec();
    assert_eq!((packet[1], &packet[2..4]), (0x80 | 111, &7u16.to_be_bytes()[..]));
    assert_eq!(packet[8..12], 0xFEEDu32.to_be_bytes(), "another clock is another source");
}

#[test]
fn a_renegotiation_of_the_same_codec_disturbs_nothing() {
    let mut room = Room::new();
    room.join(1, Codec::Pcmu, EVERYBODY, tone(8_000, 437.0, 5_000.0));
    let listener = room.join_silent(2, Codec::Pcmu);
    room.run(20);
    for leg in [LegId(1), listener] {
        let now = room.now;
        let again = Box::new(LegMedia::new(&media_config(Codec::Pcmu, leg), now));
        assert!(room.leg(leg).configure(again).is_some());
    }
    room.run(20);
    let heard = &room.far(listener).heard;
    let steepest = heard.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max();
    assert!(steepest < Some(2_100), "a step of {steepest:?}");
    assert!(heard[1_600..].chunks(80).all(|part| power(part) > 1e6));
}

#[test]
fn who_is_held_is_not_heard() {
    let mut room = Room::new();
    let talker = room.join(1, Codec::Pcmu, EVERYBODY, tone(8_000, 437.0, 5_000.0));
    let listener = room.join_silent(2, Codec::Pcmu);
    room.leg(talker).set_direction(true, false);
    room.press(talker, 1);
    room.run(20);
    assert_eq!(power(&room.far(listener).heard), 0.0);
    assert!(room.events.is_empty());
}

#[test]
fn reports_say_what_was_sent_and_heard() {
    let mut room = Room::new();
    let leg = room.join(1, Codec::Pcmu, EVERYBODY, tone(8_000, 437.0, 5_000.0));
    room.run(50);
    let now = room.now;
    let mut out = [0; COMPOUND_BYTES_MAX];
    let bytes = room.leg(leg).rtcp(now, 0xE000_0000_0000_0000, &mut out);
    let (mut sent, mut heard) = (None, None);
    parse(&out[..bytes], |item| match item {
        Item::Sender { info, .. } => sent = Some(info),
        Item::Block { block, .. } => heard = Some(block),
        Item::Bye { .. } => panic!("nobody leaves"),
    })
    .expect("ours");
    let sent = sent.expect("a sender report");
    let last = headers(&mut room, leg).pop().flatten().expect("a packet");
    assert_eq!((sent.packets, sent.bytes, sent.timestamp), (50, 8_000, last.timestamp));
    assert_eq!(heard.map(|block| (block.ssrc, block.lost)), Some((1, 0)));

    let mut left = false;
    let bytes = room.leg(leg).rtcp_bye(now, 0, &mut out);
    parse(&out[..bytes], |item| left |= matches!(item, Item::Bye { .. })).expect("ours");
    assert!(left);

    let stats = room.leg(leg).stats().expect("configured");
    assert_eq!((stats.sent.packets, stats.received.packets), (50, 50));
    assert!((stats.level_in_dbm0 - 20.0 * (5_000.0f32 / 22_747.66).log10()).abs() < 0.3);
    assert!(stats.level_out_dbm0 < -90.0);
}
