//! The derived mix against the naive one: for random rows, codecs and talk spurts, what every leg gets before
//! gain is the plain sum of the contributions of those it hears, bit for bit.

use core::ops::Range;
use std::collections::HashMap;

use proptest::prelude::*;
use roomtone_media::bus::{Row, Sends};
use roomtone_media::codec::Codec;
use roomtone_media::gain::{apply, look_ahead_samples};
use roomtone_media::gate::Gate;
use roomtone_media::id::LegId;
use roomtone_media::level::{Loudness, gain_factor};
use roomtone_media::rate::Rate;
use roomtone_media::resample::Resampler;
use roomtone_media::tap::TapPoint;

use crate::room::{Room, Samples};

/// One leg of the naive model.
struct Member {
    codec: Codec,
    row: Row,
    gate: Gate,
    resamplers: HashMap<u32, (Resampler, bool)>,
    decoded: Samples,
    mixed: Samples,
    tail: Vec<i32>,
}

impl Member {
    /// What it contributes at every rate in this tick.
    fn contribution(&mut self) -> HashMap<u32, Option<Vec<i16>>> {
        let mut pcm = self.decoded.take();
        let passes = self.gate.passes(&Loudness::of(&pcm)) && self.row.sends != Sends::Nobody;
        let own = self.codec.rate_hz();
        if passes && self.row.gain_db != 0.0 {
            apply(gain_factor(self.row.gain_db), &mut pcm);
        }
        let mut parts = HashMap::from([(own, passes.then(|| pcm.clone()))]);
        for rate in Rate::ALL.into_iter().map(Rate::hz).filter(|&hz| hz != own) {
            let fresh = || (Resampler::new(own, rate, Rate::of(self.codec).frame_samples()), true);
            if self.row.sends == Sends::Nobody {
                self.resamplers.insert(rate, fresh());
                parts.insert(rate, None);
                continue;
            }
            let (resampler, _) = self.resamplers.entry(rate).or_insert_with(fresh);
            let mut out = vec![0; rate as usize / 50];
            let silence = vec![0; pcm.len()];
            resampler.process(if passes { &pcm } else { &silence }, &mut out);
            parts.insert(rate, Some(out));
        }
        parts
    }
}

fn hears(listener: &Row, leg: LegId, talker: &Row, other: LegId) -> bool {
    leg != other && listener.hears && (talker.sends == Sends::All || talker.sends == Sends::One(leg))
}

fn row_of(choice: u8, legs: u64) -> Row {
    let sends = match choice % 8 {
        0..4 => Sends::All,
        4 | 5 => Sends::Nobody,
        _ => Sends::One(LegId(u64::from(choice / 8) % legs)),
    };
    Row {
        sends,
        hears: !choice.is_multiple_of(5),
        gain_db: [0.0, 0.0, -3.0, 4.5][usize::from(choice / 16) % 4],
    }
}

fn codec_of(choice: u8, wide: bool) -> Codec {
    match choice % 4 {
        0 if wide => Codec::Opus,
        1 => Codec::Pcma,
        _ => Codec::Pcmu,
    }
}

/// Talk spurts and pauses of random lengths with a little of everything in them; never so loud that eight of
/// them reach the ceiling.
fn chatter(seed: u64, samples_per_ms: u64) -> impl FnMut(u64) -> i16 {
    move |n| {
        let spurt = n / (60 * samples_per_ms);
        let dice = (seed * 31 + spurt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        if dice.is_multiple_of(3) {
            return 0;
        }
        let noise = n.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(dice) >> 40;
        let wave = (n as f64 * (0.05 + seed as f64 * 0.013)).sin() * 700.0;
        wave as i16 + (noise % 200) as i16 - 100
    }
}

/// `hush`: ticks in which nobody says anything.
fn compare(
    codecs: &[u8],
    wide: bool,
    changes: &[(u8, u8)],
    ticks: usize,
    hush: &Range<u64>,
) -> Result<(), TestCaseError> {
    let legs = codecs.len() as u64;
    let mut room = Room::new();
    let mut members = Vec::new();
    for (n, choice) in codecs.iter().enumerate() {
        let codec = codec_of(*choice, wide);
        let row = row_of(*choice, legs);
        let (mut talk, hush) = (chatter(n as u64, u64::from(codec.rate_hz()) / 1_000), hush.clone());
        let frame = codec.frame_samples() as u64;
        let talk = move |sample| if hush.contains(&(sample / frame)) { 0 } else { talk(sample) };
        let leg = room.join(n as u64, codec, row, talk);
        let (decoded, mixed) = (room.tap(leg, TapPoint::Decoded), room.tap(leg, TapPoint::Mixed));
        let tail = vec![0; look_ahead_samples(Rate::of(codec))];
        members.push(Member {
            codec,
            row,
            gate: Gate::default(),
            resamplers: HashMap::new(),
            decoded,
            mixed,
            tail,
        });
    }
    for tick in 0..ticks {
        if let Some((who, choice)) = changes.get(tick / 4).filter(|_| tick % 4 == 3) {
            let who = u64::from(*who) % legs;
            members[who as usize].row = row_of(*choice, legs);
            room.bus.set_row(LegId(who), members[who as usize].row);
        }
        room.run(1);
        let parts: Vec<_> = members.iter_mut().map(Member::contribution).collect();
        let rows: Vec<Row> = members.iter().map(|member| member.row).collect();
        for (n, member) in members.iter_mut().enumerate() {
            let rate = member.codec.rate_hz();
            let mut line = member.tail.clone();
            line.resize(line.len() + member.codec.frame_samples(), 0);
            for (other, part) in parts.iter().enumerate() {
                if hears(&rows[n], LegId(n as u64), &rows[other], LegId(other as u64))
                    && let Some(pcm) = &part[&rate]
                {
                    line[member.tail.len()..].iter_mut().zip(pcm).for_each(|(sum, x)| *sum += i32::from(*x));
                }
            }
            member.tail = line.split_off(member.codec.frame_samples());
            let heard: Vec<i32> = member.mixed.take().into_iter().map(i32::from).collect();
            prop_assert_eq!(heard, line, "leg {} in tick {}", n, tick);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_mix_is_the_naive_sum(
        codecs in proptest::collection::vec(any::<u8>(), 1..8),
        changes in proptest::collection::vec((any::<u8>(), any::<u8>()), 0..12),
    ) {
        compare(&codecs, false, &changes, 48, &(0..0))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_mix_is_the_naive_sum_at_two_rates(
        codecs in proptest::collection::vec(any::<u8>(), 2..6),
        changes in proptest::collection::vec((any::<u8>(), any::<u8>()), 0..8),
    ) {
        compare(&codecs, true, &changes, 32, &(0..0))?;
    }
}

/// Envelopes take seconds to come down. After that legs are passed over, until they speak again or come to be heard.
#[test]
fn who_was_silent_for_long_is_heard_from_the_first_sample() -> Result<(), TestCaseError> {
    const FREE: u8 = 1; // speaks to all, hears all
    let codecs = [0, 1, 2, 4, 12]; // Opus, PCMA, PCMU, Opus muted, Opus speaking to one
    let mut changes = vec![(0, FREE); 100];
    changes.extend((0..60u8).map(|n| (n % 5, if n % 3 == 0 { FREE } else { n.wrapping_mul(37) })));
    compare(&codecs, true, &changes, 640, &(30..600))
}
