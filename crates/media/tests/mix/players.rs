//! Players: into one ear, into a bus, by payloads made ahead and by samples.

use std::sync::Arc;

use roomtone_media::bus::Row;
use roomtone_media::clip::Clip;
use roomtone_media::codec::Codec;
use roomtone_media::event::{DoneReason, Event};
use roomtone_media::id::{LegId, PlayerId};
use roomtone_media::player::{Item, Player};
use roomtone_media::tap::TapPoint;

use crate::room::{EVERYBODY, LISTENER, Room, power, power_at, tone};

fn sine(hertz: f64, milliseconds: u64) -> Vec<i16> {
    (0..milliseconds * 8).map(tone(8_000, hertz, 8_000.0)).collect()
}

fn player(id: u64, gain_db: f32, items: impl IntoIterator<Item = Item>) -> Player {
    let mut player = Player::new(PlayerId(id), gain_db, false);
    for item in items {
        player.append(item).expect("room for it");
    }
    player
}

fn done(id: u64, reason: DoneReason) -> Event {
    Event::PlayerDone { player: PlayerId(id), reason }
}

#[test]
fn copied_and_mixed_payloads_are_the_same_bytes() {
    let pcm = sine(437.0, 1_013);
    let ready = Arc::new(Clip::new(pcm.clone(), None, &[Codec::Pcmu, Codec::Pcma]));
    let plain = Arc::new(Clip::new(pcm, None, &[]));
    for codec in [Codec::Pcmu, Codec::Pcma] {
        let mut room = Room::new();
        let (one, other) = (room.join_silent(1, codec), room.join_silent(2, codec));
        for (leg, clip) in [(one, &ready), (other, &plain)] {
            let items = [Item::Clip(clip.clone(), 1), Item::Clip(clip.clone(), 2)];
            room.leg(leg).play(player(leg.0, 0.0, items)).expect("room for it");
        }
        room.run(200);
        let payloads = |room: &mut Room, leg| -> Vec<Vec<u8>> {
            room.far(leg).packets.iter().map(|got| got.as_ref().expect("a packet").payload.clone()).collect()
        };
        assert_eq!(payloads(&mut room, one), payloads(&mut room, other));
        assert!(power(&room.far(one).heard) > 1e6);
    }
}

#[test]
fn clips_follow_each_other_without_a_gap() {
    let (first, second) = (sine(437.0, 333), sine(437.0, 500));
    let whole: Vec<i16> = first.iter().chain(&second).copied().collect();
    let mut room = Room::new();
    let leg = room.join_silent(1, Codec::Pcmu);
    let heard = room.tap(leg, TapPoint::Mixed);
    let items = [first, second].map(|pcm| Item::Clip(Arc::new(Clip::new(pcm, None, &[Codec::Pcmu])), 1));
    room.leg(leg).play(player(9, 0.0, items)).expect("room for it");
    room.run(60);
    assert_eq!(heard.take()[16..16 + whole.len()], whole);
}

#[test]
fn every_player_has_one_last_word() {
    let clip = Arc::new(Clip::new(sine(437.0, 100), None, &[Codec::Pcmu]));
    let once = || [Item::Clip(clip.clone(), 1)];
    let mut room = Room::new();
    let leg = room.join_silent(1, Codec::Pcmu);
    let mut finished = player(11, 0.0, once());
    finished.finish();
    let mut on_key = Player::new(PlayerId(13), 0.0, true);
    on_key.append(Item::Clip(clip.clone(), 0)).expect("room for it");
    for player in [finished, player(12, 0.0, once()), on_key, player(14, 0.0, once())] {
        room.leg(leg).play(player).expect("room for it");
    }
    room.bus.play(player(15, 0.0, once())).expect("room for it");
    room.run(10);
    assert_eq!(room.events.iter().filter(|event| matches!(event, Event::PlayerDone { .. })).count(), 1);
    room.leg(leg).player_mut(PlayerId(12)).expect("it waits").stop();
    room.press(leg, 5);
    room.run(5);
    let (mut leg, _) = room.bus.remove(leg).expect("here");
    leg.close(&mut room.events);
    leg.close(&mut room.events);
    room.bus.close(&mut room.events);
    let words: Vec<Event> =
        room.events.iter().copied().filter(|event| matches!(event, Event::PlayerDone { .. })).collect();
    let expected = [
        done(11, DoneReason::Finished),
        done(12, DoneReason::Stopped),
        done(13, DoneReason::Digit),
        done(14, DoneReason::Gone),
        done(15, DoneReason::Gone),
    ];
    for word in expected {
        assert_eq!(words.iter().filter(|said| **said == word).count(), 1, "{word:?} in {words:?}");
    }
    assert_eq!(words.len(), expected.len());
}

#[test]
fn a_key_ends_a_prompt_in_the_tick_in_which_it_begins() {
    let mut room = Room::new();
    let leg = room.join_silent(1, Codec::Pcmu);
    let mut prompt = Player::new(PlayerId(5), 0.0, true);
    prompt.append(Item::Tone { hertz: 437.0, milliseconds: 60_000, dbm0: -10.0 }).expect("room for it");
    room.leg(leg).play(prompt).expect("room for it");
    room.run(20);
    room.press(leg, 7);
    room.run(1);
    assert_eq!(
        room.events[room.events.len() - 2..],
        [Event::Digit { leg, key: b'7', in_band: false }, done(5, DoneReason::Digit)]
    );
    assert!(room.leg(leg).packet()[12 + 16..].iter().all(|&code| code == 0xFF));
}

#[test]
fn a_player_of_the_bus_is_heard_by_all_who_hear_and_one_of_a_leg_by_it_alone() {
    let mut room = Room::new();
    let talker = room.join(1, Codec::Pcmu, EVERYBODY, tone(8_000, 437.0, 4_000.0));
    let waiting = room.join(2, Codec::Pcma, Row { hears: false, ..LISTENER }, |_| 0);
    let third = room.join_silent(3, Codec::Pcmu);
    let beep = |hertz| Item::Tone { hertz, milliseconds: 4_000, dbm0: -12.0 };
    room.bus.play(player(21, 0.0, [beep(1_031.0)])).expect("room for it");
    room.leg(waiting).play(player(22, 0.0, [beep(1_733.0)])).expect("room for it");
    room.run(100);
    for (leg, expected) in [(talker, [0, 1, 0]), (waiting, [0, 0, 1]), (third, [1, 1, 0])] {
        let heard = room.far(leg).heard[8_000..].to_vec();
        let there = [437.0, 1_031.0, 1_733.0].map(|f| i32::from(power_at(&heard, 8_000, f) > 1e6));
        assert_eq!(there, expected, "{leg:?}");
    }
}

#[test]
fn music_makes_room_for_a_beep_without_a_click() {
    let mut room = Room::new();
    let leg = room.join_silent(1, Codec::Pcmu);
    let music = Arc::new(Clip::new(sine(437.0, 1_000), None, &[Codec::Pcmu]));
    room.leg(leg).play(player(1, 0.0, [Item::Clip(music, 0)])).expect("room for it");
    room.run(20);
    let beep =
        [Item::Silence { milliseconds: 7 }, Item::Tone { hertz: 1_031.0, milliseconds: 120, dbm0: -12.0 }];
    room.leg(leg).play(player(2, 0.0, beep)).expect("room for it");
    room.run(30);
    let heard = &room.far(leg).heard;
    let steepest = heard.windows(2).map(|pair| i32::from(pair[1]) - i32::from(pair[0])).map(i32::abs).max();
    let slope = core::f64::consts::TAU * (437.0 * 8_000.0 + 1_031.0 * 5_714.0) / 8_000.0;
    assert!(f64::from(steepest.unwrap_or(0)) < slope * 1.15, "a step of {steepest:?}, waves have {slope}");
}

#[test]
fn players_play_on_while_the_far_end_is_held() {
    let mut room = Room::new();
    let leg = room.join_silent(1, Codec::Pcmu);
    let mut prompt = player(1, 0.0, [Item::Silence { milliseconds: 100 }]);
    prompt.finish();
    room.leg(leg).play(prompt).expect("room for it");
    room.leg(leg).set_direction(false, true);
    room.run(5);
    assert_eq!(room.events.last(), Some(&done(1, DoneReason::Finished)));
    assert!(room.far(LegId(1)).packets.iter().all(Option::is_none));
}
