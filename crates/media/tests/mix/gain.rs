//! Loud rooms do not clip, large rooms do not hiss, and nothing pumps.

use roomtone_media::codec::Codec;
use roomtone_media::id::LegId;

use crate::room::{EVERYBODY, LISTENER, Room, power_at, sinad_db, tone};

/// Square roots are in no simple ratio to each other.
fn incommensurate(count: u64) -> Vec<f64> {
    (0..count).map(|n| 300.0 + 100.0 * ((7 * n + 2) as f64).sqrt()).collect()
}

#[test]
fn ten_talkers_at_minus_12_db_are_clean_in_the_worst_second() {
    let hertz = incommensurate(10);
    let mut room = Room::new();
    for (n, &f) in hertz.iter().enumerate() {
        room.join(n as u64, Codec::Pcmu, EVERYBODY, tone(8_000, f, 32_767.0 / 4.0));
    }
    let listener = room.join_silent(10, Codec::Pcmu);
    room.run(550);
    let talker = room.far(LegId(0)).heard.clone();
    let heard = &room.far(listener).heard;
    for (heard, hertz) in [(heard, &hertz[..]), (&talker, &hertz[1..])] {
        let seconds = heard[8_000..].chunks_exact(8_000);
        let worst = seconds.map(|second| sinad_db(second, 8_000, hertz)).fold(f64::MAX, f64::min);
        assert!(worst >= 30.0, "{worst} dB");
        assert!(heard.iter().all(|x| x.unsigned_abs() < 31_000), "a clipped sample");
    }
    let back = power_at(&talker[8_000..], 8_000, hertz[0]) / power_at(&talker[8_000..], 8_000, hertz[1]);
    assert!(back < 1e-4, "own voice comes back");
}

#[test]
fn three_talk_clearly_among_400_open_lines_and_no_first_syllable_is_lost() {
    let hertz = [437.0, 1_031.0, 1_733.0];
    let mut room = Room::new();
    for n in 0..397u64 {
        room.join(n, Codec::Pcmu, EVERYBODY, move |at| {
            let dice = (at + n * 1_000_003).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
            (dice % 61) as i16 - 30
        });
    }
    // The first syllable begins in mid-frame.
    let begin = 8_000 + 77;
    for (n, f) in hertz.into_iter().enumerate() {
        let mut wave = tone(8_000, f, 6_000.0);
        room.join(
            397 + n as u64,
            Codec::Pcmu,
            EVERYBODY,
            move |at| if at < begin { 0 } else { wave(at - begin) },
        );
    }
    room.run(250);
    for listener in [LegId(0), LegId(396)] {
        let heard = &room.far(listener).heard;
        for second in heard[16_000..].chunks_exact(8_000) {
            let sinad = sinad_db(second, 8_000, &hertz);
            assert!(sinad >= 33.0, "{sinad} dB");
        }
        let first = heard.iter().position(|x| x.unsigned_abs() > 300).expect("something is heard");
        assert!(heard[..first].iter().all(|&x| x == 0), "the lines are heard");
        assert!(
            first <= begin as usize + 16 + 3,
            "{} samples of the first syllable are lost",
            first - begin as usize
        );
    }
}

#[test]
fn a_gain_that_has_settled_stays_while_talkers_pause() {
    let mut room = Room::new();
    room.join(1, Codec::Pcmu, EVERYBODY, tone(8_000, 437.0, 30_000.0));
    let mut syllables = tone(8_000, 1_031.0, 30_000.0);
    room.join(2, Codec::Pcmu, EVERYBODY, move |n| if n % 8_000 < 4_000 { syllables(n) } else { 0 });
    let listener = room.join_silent(3, Codec::Pcmu);
    room.run(300);
    let heard = &room.far(listener).heard[16_000..];
    let levels: Vec<f64> = heard.chunks_exact(800).map(|part| power_at(part, 8_000, 437.0)).collect();
    let (least, most) = levels.iter().fold((f64::MAX, 0f64), |(low, high), &x| (low.min(x), high.max(x)));
    let pumping_db = 10.0 * (most / least).log10();
    assert!(pumping_db < 3.5, "the gain moves by {pumping_db} dB in pauses of half a second");
}

#[test]
fn a_talker_who_falls_silent_is_still_a_listener() {
    let mut room = Room::new();
    let mut word = tone(8_000, 437.0, 20_000.0);
    let talker = room.join(1, Codec::Pcmu, EVERYBODY, move |n| if n % 16_000 < 4_000 { word(n) } else { 0 });
    room.join(2, Codec::Pcmu, EVERYBODY, tone(8_000, 1_031.0, 20_000.0));
    let third = room.join(3, Codec::Pcmu, LISTENER, |_| 0);
    room.run(300);
    let heard = room.far(talker).heard[160..].to_vec();
    // Between its own mix and the shared one nothing is missing and nothing is doubled: a constant tone stays
    // one.
    for window in heard[8_000..].chunks_exact(1_600) {
        let sinad = sinad_db(window, 8_000, &[1_031.0]);
        assert!(sinad > 22.0, "{sinad} dB");
    }
    assert!(room.far(third).heard.iter().any(|&x| x != 0));
}
