//! Keys: made, taken, made again for others.

use roomtone_media::bus::Row;
use roomtone_media::codec::Codec;
use roomtone_media::dtmf::DigitReceiver;
use roomtone_media::event::{DoneReason, Event};
use roomtone_media::id::{LegId, PlayerId};
use roomtone_media::leg::LegMediaConfig;
use roomtone_media::player::{Item, Player};

use crate::room::{EVERYBODY, LISTENER, Room, TELEPHONE_EVENT, media_config, peak_of, power, power_at, tone};

fn keys_received(room: &mut Room, leg: LegId) -> Vec<u8> {
    let far = room.far(leg);
    let mut receiver = DigitReceiver::new(far.codec.clock_hz());
    let events = far.packets.iter().flatten().filter(|got| got.payload_type == TELEPHONE_EVENT);
    events
        .filter_map(|got| receiver.handle(&got.payload, got.marker, got.timestamp).expect("a key"))
        .map(|digit| digit.key)
        .collect()
}

fn without_events(codec: Codec, leg: u64) -> LegMediaConfig {
    LegMediaConfig { telephone_event: None, ..media_config(codec, LegId(leg)) }
}

/// A `5` from 200 ms on, for so long; silence around it.
fn five(rate_hz: u32, held_ms: u64) -> impl FnMut(u64) -> i16 {
    let (mut low, mut high) = (tone(rate_hz, 770.0, peak_of(-11.0)), tone(rate_hz, 1_336.0, peak_of(-11.0)));
    move |n| {
        let is_held = (200..200 + held_ms).contains(&(n * 1_000 / u64::from(rate_hz)));
        if is_held { low(n) + high(n) } else { 0 }
    }
}

#[test]
fn keys_go_out_as_events_and_audio_waits() {
    for codec in [Codec::Pcmu, Codec::Opus] {
        let mut room = Room::new();
        room.join(1, codec, EVERYBODY, tone(codec.rate_hz(), 437.0, 8_000.0));
        let leg = room.join_silent(2, codec);
        room.run(10);
        assert_eq!(room.leg(leg).send_digits(b"12w#x"), 4);
        room.run(80);
        assert_eq!(keys_received(&mut room, leg), b"12#");
        let far = room.far(leg);
        let numbers: Vec<u16> = far.packets.iter().flatten().map(|got| got.sequence).collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)));
        let events = far.packets.iter().flatten().filter(|got| got.payload_type == TELEPHONE_EVENT).count();
        assert_eq!(events, 21);
        assert!(power(&far.heard[60 * codec.frame_samples()..]) > 1e6, "audio comes again");
    }
}

#[test]
fn keys_are_tones_where_the_far_end_takes_no_events() {
    let mut room = Room::new();
    room.join(1, Codec::Pcmu, EVERYBODY, tone(8_000, 437.0, 8_000.0));
    let config = without_events(Codec::Pcmu, 2);
    let leg = room.join_as(2, &config, LISTENER, |_| 0);
    room.run(10);
    room.leg(leg).send_digits(b"5");
    room.run(40);
    let heard = &room.far(leg).heard[10 * 160 + 16..];
    let key = &heard[80..720];
    for hertz in [770.0, 1_336.0] {
        let level = power_at(key, 8_000, hertz) / (peak_of(-11.0).powi(2) / 2.0);
        assert!((0.8..1.25).contains(&level), "{hertz} Hz is {level} of its level");
    }
    assert!(power_at(key, 8_000, 437.0) < 1e4, "audio goes on under the key");
    assert!(heard[880..1_200].iter().all(|&x| x == 0), "the gap is silent");
    assert!(power_at(&heard[2_000..], 8_000, 437.0) > 1e7, "audio comes again");
    let ticks = room.far(leg).packets.len();
    assert_eq!(room.far(leg).packets.iter().flatten().count(), ticks);
}

#[test]
fn a_key_is_made_again_for_everyone_who_hears_but_the_one_who_pressed_it() {
    let mut room = Room::new();
    let one = room.join_silent(1, Codec::Pcmu);
    let two = room.join_silent(2, Codec::Pcma);
    let deaf = room.join(3, Codec::Pcmu, Row { hears: false, ..LISTENER }, |_| 0);
    room.run(5);
    room.press(one, 11);
    room.run(1);
    assert_eq!(room.events, [Event::Digit { leg: one, key: b'#', in_band: false }]);
    room.bus.relay_digit(b'#', one);
    room.run(20);
    assert_eq!([one, two, deaf].map(|leg| keys_received(&mut room, leg)), [vec![], vec![b'#'], vec![]]);
}

#[test]
fn tones_are_a_key_of_a_far_end_without_events_whoever_hears_it_and_end_its_prompt() {
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::Opus] {
        for row in [LISTENER, EVERYBODY] {
            let mut room = Room::new();
            let leg = room.join_as(1, &without_events(codec, 1), row, five(codec.rate_hz(), 60));
            let mut prompt = Player::new(PlayerId(5), 0.0, true);
            prompt.append(Item::Silence { milliseconds: 60_000 }).expect("room for it");
            room.leg(leg).play(prompt).expect("room for it");
            room.run(40);
            let ended = Event::PlayerDone { player: PlayerId(5), reason: DoneReason::Digit };
            assert_eq!(
                room.events[1..],
                [Event::Digit { leg, key: b'5', in_band: true }, ended],
                "{codec:?}"
            );
        }
    }
}

#[test]
fn tones_of_a_far_end_that_has_events_are_sound() {
    let mut room = Room::new();
    room.join(1, Codec::Pcmu, EVERYBODY, five(8_000, 60));
    room.run(40);
    assert_eq!(room.events, []);
}

#[test]
fn a_far_end_on_hold_presses_no_keys() {
    let mut room = Room::new();
    let leg = room.join_as(1, &without_events(Codec::Pcmu, 1), EVERYBODY, five(8_000, 60));
    room.leg(leg).set_direction(true, false);
    room.run(40);
    assert_eq!(room.events, []);
}

#[test]
fn a_packet_lost_in_a_key_makes_no_second_one() {
    for codec in [Codec::Pcmu, Codec::Opus] {
        for lost in 0..9 {
            let mut room = Room::new();
            let leg = room.join_as(1, &without_events(codec, 1), EVERYBODY, five(codec.rate_hz(), 200));
            room.run(10 + lost);
            room.far(leg).loses = true;
            room.run(1);
            room.far(leg).loses = false;
            room.run(40);
            let keys = [Event::Digit { leg, key: b'5', in_band: true }];
            assert_eq!(room.events, keys, "{codec:?}, packet {lost} of the key is lost");
        }
    }
}
