//! Rooms of several rates and codecs, and the sharing of Opus frames.

use std::sync::Arc;

use roomtone_media::clip::Clip;
use roomtone_media::codec::{Codec, Decoder, ENCODED_BYTES_MAX, Encoder};
use roomtone_media::id::{LegId, PlayerId};
use roomtone_media::player::{Item, Player};
use roomtone_media::tap::TapPoint;

use crate::room::{EVERYBODY, Room, power, power_at, tone};

#[test]
fn telephones_and_opus_hear_each_other_at_the_right_level() {
    let mut room = Room::new();
    let phone = room.join(1, Codec::Pcmu, EVERYBODY, tone(8_000, 437.0, 6_000.0));
    let browser = room.join(2, Codec::Opus, EVERYBODY, tone(48_000, 1_031.0, 6_000.0));
    room.run(150);
    for (leg, rate_hz, other, own) in [(phone, 8_000, 1_031.0, 437.0), (browser, 48_000, 437.0, 1_031.0)] {
        let heard = room.far(leg).heard[rate_hz as usize..].to_vec();
        let level_db = 10.0 * (power_at(&heard, rate_hz, other) / (6_000.0f64.powi(2) / 2.0)).log10();
        assert!(level_db.abs() < 1.0, "{leg:?} hears the other at {level_db} dB");
        let back_db = 10.0 * (power_at(&heard, rate_hz, own) / power_at(&heard, rate_hz, other)).log10();
        assert!(back_db < -50.0, "{leg:?} hears itself at {back_db} dB");
    }
}

#[test]
fn a_tone_above_4_khz_leaves_no_alias_for_telephones() {
    let mut room = Room::new();
    room.join(1, Codec::Opus, EVERYBODY, tone(48_000, 5_000.0, 12_000.0));
    let phone = room.join_silent(2, Codec::Pcmu);
    room.run(100);
    let alias = power_at(&room.far(phone).heard[8_000..], 8_000, 3_000.0);
    assert!(alias < 12_000.0f64.powi(2) / 2.0 * 1e-5, "an alias of power {alias}");
}

#[test]
fn those_who_only_listen_get_the_same_opus_frame() {
    let mut room = Room::new();
    room.join(1, Codec::Opus, EVERYBODY, tone(48_000, 437.0, 6_000.0));
    let listeners = [2, 3, 4].map(|leg| room.join_silent(leg, Codec::Opus));
    room.run(50);
    let [first, second, third] = listeners.map(|leg| room.far(leg).packets.clone());
    for tick in 1..50 {
        let payloads = [&first, &second, &third].map(|far| &far[tick].as_ref().expect("a packet").payload);
        assert_eq!(payloads[0], payloads[1]);
        assert_eq!(payloads[0], payloads[2]);
    }
    let headers = [&first, &second].map(|far| far[9].as_ref().map(|got| (got.ssrc, got.sequence)));
    assert_ne!(headers[0], headers[1]);
}

/// What a far end would hear of these samples if one encoder had made all of its frames.
fn uninterrupted(pcm: &[i16]) -> Vec<i16> {
    let (mut encoder, mut decoder) = (Encoder::new(Codec::Opus), Decoder::new(Codec::Opus));
    let mut payload = [0; ENCODED_BYTES_MAX];
    let decode = |frame: &[i16]| {
        let bytes = encoder.encode(frame, &mut payload);
        let mut out = vec![0; 960];
        decoder.decode(&payload[..bytes], &mut out).expect("ours");
        out
    };
    pcm.chunks_exact(960).flat_map(decode).collect()
}

#[test]
fn taking_turns_is_not_heard_in_an_opus_room() {
    // The second and the third talk now and then, so that they leave the shared frames and come back.
    let mut room = Room::new();
    room.join(1, Codec::Opus, EVERYBODY, tone(48_000, 437.0, 6_000.0));
    for leg in 2..4u64 {
        let mut word = tone(48_000, 900.0 + 400.0 * leg as f64, 3_000.0);
        room.join(leg, Codec::Opus, EVERYBODY, move |n| if (n / 24_000) % 4 == leg { word(n) } else { 0 });
    }
    let legs = [LegId(2), LegId(3), room.join_silent(4, Codec::Opus)];
    let mixed = legs.map(|leg| room.tap(leg, TapPoint::Mixed));
    room.run(400);
    for (leg, mixed) in legs.into_iter().zip(mixed) {
        let reference = uninterrupted(&mixed.take());
        let heard = &room.far(leg).heard;
        for (n, (got, wanted)) in heard.chunks_exact(2_400).zip(reference.chunks_exact(2_400)).enumerate() {
            let level_db = 10.0 * ((power(got) + 100.0) / (power(wanted) + 100.0)).log10();
            // Frames that lean on what the decoder has not heard are 6 dB off.
            assert!(level_db.abs() < 3.0, "{leg:?}, window {n}: {level_db} dB");
        }
    }
}

#[test]
fn an_opus_clip_is_sent_as_it_was_encoded_and_mixed_when_somebody_talks() {
    let wave =
        |rate_hz: u64| (0..rate_hz * 2).map(tone(rate_hz as u32, 437.0, 6_000.0)).collect::<Vec<i16>>();
    let clip = Arc::new(Clip::new(wave(8_000), Some(wave(48_000)), &[Codec::Opus]));
    let mut room = Room::new();
    let legs = [1, 2].map(|leg| {
        let id = room.join_silent(leg, Codec::Opus);
        let mut player = Player::new(PlayerId(leg), 0.0, false);
        player.append(Item::Clip(clip.clone(), 0)).expect("room for it");
        room.leg(id).play(player).expect("room for it");
        room.run(1);
        id
    });
    room.run(60);
    let [first, second] = legs.map(|leg| room.far(leg).packets.clone());
    for (tick, (one, other)) in first.iter().zip(&second).enumerate() {
        let payloads = [one, other].map(|got| &got.as_ref().expect("a packet").payload);
        assert_eq!(payloads[0], payloads[1], "frame {tick} of the clip");
    }
    room.join(3, Codec::Pcmu, EVERYBODY, tone(8_000, 1_031.0, 3_000.0));
    let mixed = room.tap(legs[0], TapPoint::Mixed);
    let before = room.far(legs[0]).heard.len();
    room.run(80);
    let mixed = mixed.take();
    assert!(power_at(&mixed[9_600..], 48_000, 437.0) > 1e7);
    assert!(power_at(&mixed[9_600..], 48_000, 1_031.0) > 1e6);
    let reference = uninterrupted(&mixed);
    let heard = &room.far(legs[0]).heard[before..];
    for (n, (got, wanted)) in heard.chunks_exact(2_400).zip(reference.chunks_exact(2_400)).enumerate().skip(2)
    {
        let level_db = 10.0 * (power(got) / power(wanted)).log10();
        assert!(level_db.abs() < 3.0, "window {n}: {level_db} dB");
    }
}
