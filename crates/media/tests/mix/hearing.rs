//! Who hears whom.

use roomtone_media::bus::{Row, Sends};
use roomtone_media::codec::Codec;
use roomtone_media::g711::{ALAW_SILENCE, ULAW_SILENCE};
use roomtone_media::id::LegId;
use roomtone_media::tap::TapPoint;

use crate::room::{EVERYBODY, LISTENER, Room, peak_of, power, power_at, tone};

/// A syllable of 300 ms, a pause of 700 ms, and so on, from `after_ms` on.
fn syllables(hertz: f64, peak: f64, after_ms: u64) -> impl FnMut(u64) -> i16 {
    let mut wave = tone(8_000, hertz, peak);
    move |n| if n >= after_ms * 8 && (n - after_ms * 8) % 8_000 < 2_400 { wave(n) } else { 0 }
}

#[test]
fn a_tone_of_minus_40_dbm0_or_more_passes_unchanged() {
    for (codec, level) in [
        (Codec::Pcmu, -40.0),
        (Codec::Pcmu, -20.0),
        (Codec::Pcmu, 3.0),
        (Codec::Pcma, -40.0),
        (Codec::Pcma, 3.0),
    ] {
        let mut room = Room::new();
        let talker = room.join(1, codec, EVERYBODY, tone(8_000, 437.0, peak_of(level)));
        let listener = room.join_silent(2, codec);
        let said = room.tap(talker, TapPoint::Decoded);
        room.run(100);
        let said = said.take();
        let heard = &room.far(listener).heard;
        assert_eq!(heard[16..], said[..said.len() - 16], "{codec:?} at {level} dBm0");
        assert!(power(&heard[8_000..]) > 0.9 * peak_of(level).powi(2) / 2.0);
    }
}

#[test]
fn who_talks_alone_hears_absolute_silence() {
    for (codec, silence) in [(Codec::Pcmu, ULAW_SILENCE), (Codec::Pcma, ALAW_SILENCE)] {
        let mut room = Room::new();
        let talker = room.join(1, codec, EVERYBODY, syllables(500.0, 30_000.0, 100));
        let listener = room.join_silent(2, codec);
        room.run(400);
        assert!(power(&room.far(listener).heard) > 1e6);
        for got in room.far(talker).packets.iter().map(|got| got.as_ref().expect("a packet a tick")) {
            assert_eq!(got.payload, vec![silence; 160]);
        }
    }
}

#[test]
fn own_voice_never_comes_back_when_three_talk_at_full_scale() {
    let hertz = [523.0, 1_171.0, 1_907.0];
    let mut room = Room::new();
    let legs: Vec<LegId> = hertz
        .iter()
        .enumerate()
        .map(|(n, &f)| room.join(n as u64, Codec::Pcmu, EVERYBODY, syllables(f, 32_767.0, 100 * n as u64)))
        .collect();
    room.run(500);
    for (leg, own) in legs.iter().zip(hertz) {
        for window in room.far(*leg).heard.chunks(8_000) {
            let strongest = hertz.iter().map(|&f| power_at(window, 8_000, f)).fold(0.0, f64::max);
            assert!(power_at(window, 8_000, own) < strongest * 1e-4, "{own} Hz comes back");
        }
        // Who is heard alone passes at full scale; from the second talker on there is room above.
        assert!(room.far(*leg).heard[8_000..].iter().all(|x| x.unsigned_abs() < 31_000), "a clipped sample");
    }
}

#[test]
fn rows_say_who_hears_whom() {
    let mut room = Room::new();
    let caller = room.join(1, Codec::Pcmu, EVERYBODY, tone(8_000, 500.0, 5_000.0));
    let agent = room.join(2, Codec::Pcmu, EVERYBODY, tone(8_000, 900.0, 5_000.0));
    let coach = room.join(
        3,
        Codec::Pcmu,
        Row { sends: Sends::One(agent), ..EVERYBODY },
        tone(8_000, 1_300.0, 5_000.0),
    );
    let muted = room.join(4, Codec::Pcmu, LISTENER, tone(8_000, 1_700.0, 5_000.0));
    let deaf = room.join(5, Codec::Pcmu, Row { hears: false, ..EVERYBODY }, tone(8_000, 2_100.0, 5_000.0));
    room.run(50);
    let expected = [
        (caller, [false, true, false, false, true]),
        (agent, [true, false, true, false, true]),
        (coach, [true, true, false, false, true]),
        (muted, [true, true, false, false, true]),
        (deaf, [false, false, false, false, false]),
    ];
    for (leg, hears) in expected {
        let heard = room.far(leg).heard[4_000..].to_vec();
        for (hertz, hears) in [500.0, 900.0, 1_300.0, 1_700.0, 2_100.0].into_iter().zip(hears) {
            let is_there = power_at(&heard, 8_000, hertz) > 5_000.0 * 5_000.0 / 4.0;
            assert_eq!(is_there, hears, "{leg:?} and {hertz} Hz");
        }
    }
}

#[test]
fn who_speaks_to_one_who_left_speaks_to_nobody() {
    let mut room = Room::new();
    let agent = room.join_silent(1, Codec::Pcmu);
    let coach =
        room.join(2, Codec::Pcmu, Row { sends: Sends::One(agent), ..EVERYBODY }, tone(8_000, 500.0, 5_000.0));
    let third = room.join_silent(3, Codec::Pcmu);
    room.run(10);
    assert!(power(&room.far(agent).heard) > 1e6);
    assert!(room.bus.remove(agent).is_some());
    room.run(10);
    assert_eq!(power(&room.far(third).heard), 0.0);
    assert_eq!(room.bus.row(coach).map(|row| row.sends), Some(Sends::One(agent)));
}

#[test]
fn a_row_has_a_gain() {
    let mut room = Room::new();
    room.join(1, Codec::Pcmu, Row { gain_db: -5.0, ..EVERYBODY }, tone(8_000, 437.0, 8_000.0));
    let listener = room.join_silent(2, Codec::Pcmu);
    room.run(100);
    let level = power_at(&room.far(listener).heard[8_000..], 8_000, 437.0);
    let level_db = 10.0 * (level / (8_000.0 * 8_000.0 / 2.0)).log10();
    assert!((level_db + 5.0).abs() < 0.1, "{level_db}");
}

#[test]
fn a_leg_that_moves_loses_and_doubles_no_sample() {
    let mut room = Room::new();
    let said = {
        let talker = room.join(1, Codec::Pcmu, EVERYBODY, tone(8_000, 500.0, 5_000.0));
        room.tap(talker, TapPoint::Decoded)
    };
    let listener = room.join_silent(2, Codec::Pcmu);
    room.run(20);
    for leg in [LegId(1), listener] {
        let row = room.bus.row(leg).expect("here");
        let (leg, far) = room.bus.remove(leg).expect("here");
        let id = leg.id();
        room.bus.insert(leg, far);
        assert_eq!(room.bus.row(id).map(|row| row.sends), Some(Sends::Nobody));
        room.bus.set_row(id, row);
    }
    room.run(20);
    let said = said.take();
    assert_eq!(room.far(listener).heard[16..], said[..said.len() - 16]);
}

#[test]
fn what_a_muted_leg_said_stops_in_the_same_tick() {
    let mut room = Room::new();
    let talker = room.join(1, Codec::Pcmu, EVERYBODY, tone(8_000, 500.0, 5_000.0));
    let listener = room.join_silent(2, Codec::Pcmu);
    room.run(20);
    room.bus.set_row(talker, LISTENER);
    room.run(20);
    let heard = &room.far(listener).heard;
    assert!(power(&heard[20 * 160 - 160..20 * 160]) > 1e6);
    assert!(heard[20 * 160 + 16..].iter().all(|&x| x == 0));
}
