//! From waiting packets to 20 ms at each tick: decoding, concealment, and the stretching that keeps the delay
//! where it should be.
//!
//! The time line of the far end is counted in samples of its timestamps. `next` is the first sample that is
//! not decoded yet; samples that are decoded wait in [`Samples`]. When nothing is there a guess is played,
//! and its length is a *debt*: when the packet comes after all it is either played from its beginning, so
//! that the delay has grown by the guess, or skipped by as much; which of the two, [`Lateness`] decides. So
//! the delay grows where there was a hole anyway. Otherwise it changes by a pitch period at a time
//! (`stretch`), or for free in a pause.
//!
//! Silence is no loss: when nothing comes for longer than a guess lasts, the line pauses, and the next packet
//! begins a new talk spurt. Packets that follow each other by sequence number but not by timestamp are such a
//! pause too.

use core::time::Duration;

use crate::codec::{Codec, Decoder, PACKET_SAMPLES_MAX};
use crate::comfort::Noise;
use crate::conceal::{self, CONCEAL_MS_MAX, Concealment};
use crate::jitter::{Band, Lateness};
use crate::pitch::{self, Prefer};
use crate::samples::Samples;
use crate::store::{Entry, Kind, Store};
use crate::stretch::{self, Need};

/// At the beginning of a talk spurt, packets that are behind by no more than this are still played, in ms.
const BEHIND_MS_MAX: i64 = 60;

/// With more delay than this to spare, time is skipped instead of stretched, in ms.
const SPARE_MS_MAX: i64 = 120;

/// Less than this to spare is left alone, in ms: a pitch period is not much shorter.
const SPARE_MS_MIN: i64 = 3;

/// Delay is taken back when it was to spare for so many ticks: a late tick is no reason.
const SPARE_TICKS: u32 = 25;

/// With more than this to spare, in ms, a few ticks suffice.
const SPARE_MS_HURRY: i64 = 40;
const SPARE_TICKS_HURRY: u32 = 5;

/// After so many ticks without a good place to stretch, the best one must do.
const REFUSED_TICKS_MAX: u32 = 5;

/// A debt below this is not worth a move of the time line, in ms.
const SHIFT_MS_MIN: i64 = 5;

/// From this share of lost packets on, one packet more is waited for where the codec can repair a loss out of
/// the next packet ...
const REPAIR_LOSS_MIN: f32 = 0.02;

/// ... and down to this one.
const REPAIR_LOSS_END: f32 = 0.005;

/// Over how many packets the share of lost ones is taken, about.
const LOSS_PACKETS: f32 = 100.0;

/// Of more lost packets in a row the codec need not be told, nor do they say more of the network.
const LOST_IN_A_ROW_MAX: i64 = 3;

/// Comfort noise without any packet ends after this, in ticks: a minute.
const NOISE_TICKS_MAX: u32 = 3_000;

/// The longest bridge from a guess to what came, in samples: a pitch period and 10 ms at 48 kHz.
const BRIDGE_SAMPLES_MAX: usize = (pitch::PERIOD_MS_MAX + 10) * 48;

/// What the playout counts.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts {
    /// Frames with a guess in them, where something was lost or late.
    pub(crate) concealed_frames: u64,
    /// Packets that waited and whose time had passed.
    pub(crate) late: u64,
    /// Packets that the codec could not decode.
    pub(crate) corrupt: u64,
    /// Pitch periods put in.
    pub(crate) lengthened: u64,
    /// Pitch periods taken out.
    pub(crate) shortened: u64,
    /// Moves of the time line: time was skipped because there was too much of it.
    pub(crate) skipped: u64,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Phase {
    /// Nobody speaks; the level is that of comfort noise, if there is any.
    Paused(Option<u8>),
    Playing,
}

/// What a tick got.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// What the far end sent.
    Voice,
    /// Guessed, at least in part: something was lost or late, or a talk spurt has ended without a word.
    Concealed,
    /// Comfort noise.
    Noise,
    /// Nobody sends: zeros.
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Playout {
    codec: Codec,
    per_ms: i64,
    frame: i64,
    decoder: Decoder,
    samples: Samples,
    concealment: Concealment,
    noise: Noise,
    phase: Phase,
    /// Timestamp of the first sample not decoded yet.
    next: i64,
    /// Samples guessed from `next` on, with nothing behind them.
    debt: i64,
    /// Sequence number of the last packet taken.
    last: i64,
    /// Samples guessed in a row.
    guessed: usize,
    /// The time line was moved in the guess: what follows must be fitted to it.
    shifted: bool,
    guessed_in_tick: bool,
    /// What is guessed in this tick was lost or late; before that is known, frames are in doubt: it may be a
    /// pause.
    lost_in_tick: bool,
    frames_in_doubt: u64,
    spare_ticks: u32,
    spare_least: i64,
    refused_ticks: u32,
    noise_ticks: u32,
    loss: f32,
    repairs: bool,
    counts: Counts,
}

impl Playout {
    pub(crate) fn new(codec: Codec) -> Playout {
        let rate_hz = codec.rate_hz();
        Playout {
            codec,
            per_ms: i64::from(rate_hz) / 1_000,
            frame: codec.frame_samples() as i64,
            decoder: Decoder::new(codec),
            samples: Samples::new(rate_hz),
            concealment: Concealment::new(rate_hz),
            noise: Noise::new(),
            phase: Phase::Paused(None),
            next: 0,
            debt: 0,
            last: 0,
            guessed: 0,
            shifted: false,
            guessed_in_tick: false,
            lost_in_tick: false,
            frames_in_doubt: 0,
            spare_ticks: 0,
            spare_least: i64::MAX,
            refused_ticks: 0,
            noise_ticks: 0,
            loss: 0.0,
            repairs: false,
            counts: Counts::default(),
        }
    }

    /// The time line begins anew with the next packet; another source is another codec state.
    pub(crate) fn restart(&mut self, is_other_source: bool) {
        self.pause(None);
        if is_other_source {
            self.decoder.reset();
        }
    }

    pub(crate) fn set_heard(&mut self, is_heard: bool) {
        self.decoder.set_heard(is_heard);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn prefetch(&self) {
        self.samples.prefetch(self.frame as usize);
    }

    /// Timestamp of the sample that is played next; None in a pause.
    pub(crate) fn position(&self) -> Option<i64> {
        (self.phase == Phase::Playing).then(|| self.next + self.debt - self.samples.waiting().len() as i64)
    }

    /// The next 20 ms.
    pub(crate) fn pull(
        &mut self,
        now: Duration,
        store: &mut Store,
        lateness: &mut Lateness,
        pcm: &mut [i16],
    ) -> Frame {
        lateness.set_floor(if self.repairs { Duration::from_millis(20) } else { Duration::ZERO });
        let Some(band) = lateness.band(now) else {
            pcm.fill(0);
            return Frame::Nothing;
        };
        (self.guessed_in_tick, self.lost_in_tick) = (false, false);
        if let Phase::Paused(_) = self.phase
            && !self.start(store, &band)
        {
            return self.fill_pause(pcm);
        }
        self.skip_spare(&band);
        while self.phase == Phase::Playing && (self.samples.waiting().len() as i64) < self.frame {
            self.step(store, &band);
        }
        if self.phase == Phase::Playing && self.guessed == 0 && self.debt == 0 {
            self.adapt(store, &band);
        }
        let taken = self.samples.waiting().len().min(pcm.len());
        self.samples.take(pcm);
        if let Phase::Paused(noise) = self.phase {
            self.samples.drop_waiting();
            if let Some(level) = noise {
                self.noise.fill(level, &mut pcm[taken..]);
            }
        }
        if !self.guessed_in_tick {
            return if taken > 0 { Frame::Voice } else { self.silent_frame() };
        }
        if self.lost_in_tick {
            self.counts.concealed_frames += 1;
        } else {
            self.frames_in_doubt += 1;
        }
        Frame::Concealed
    }

    /// A pause may end at this tick: with the first packet whose time has come.
    fn start(&mut self, store: &mut Store, band: &Band) -> bool {
        let begin = band.end_max - self.frame;
        while let Some(entry) = store.earliest() {
            match entry.kind {
                Kind::Digit => {}
                Kind::Noise(level) => self.pause(Some(level)),
                Kind::Audio if entry.timestamp >= band.end_max => return false,
                Kind::Audio if entry.end() + BEHIND_MS_MAX * self.per_ms <= begin => self.counts.late += 1,
                Kind::Audio => {
                    let lead = (entry.timestamp - begin).max(0) as usize;
                    self.samples.clear();
                    self.samples.extend(lead);
                    (self.phase, self.next, self.debt) = (Phase::Playing, entry.timestamp, 0);
                    self.last = entry.sequence - 1;
                    return true;
                }
            }
            self.consume(store, &entry);
        }
        false
    }

    fn fill_pause(&mut self, pcm: &mut [i16]) -> Frame {
        match self.phase {
            Phase::Paused(Some(level)) if self.noise_ticks < NOISE_TICKS_MAX => {
                self.noise_ticks += 1;
                self.noise.fill(level, pcm);
            }
            Phase::Paused(_) | Phase::Playing => {
                self.phase = Phase::Paused(None);
                pcm.fill(0);
            }
        }
        self.silent_frame()
    }

    fn silent_frame(&self) -> Frame {
        if self.phase == Phase::Paused(None) { Frame::Nothing } else { Frame::Noise }
    }

    fn pause(&mut self, noise: Option<u8>) {
        self.phase = Phase::Paused(noise);
        self.concealment.end();
        (self.debt, self.guessed, self.shifted) = (0, 0, false);
        (self.frames_in_doubt, self.noise_ticks) = (0, 0);
        (self.spare_ticks, self.spare_least, self.refused_ticks) = (0, i64::MAX, 0);
    }

    fn consume(&mut self, store: &mut Store, entry: &Entry) {
        self.loss -= self.loss / LOSS_PACKETS;
        store.remove(entry.sequence);
        self.last = self.last.max(entry.sequence);
    }

    /// The packets between the last one and `entry` are lost for good. How many there were.
    fn note_lost(&mut self, entry: &Entry) -> i64 {
        let lost = entry.sequence - self.last - 1;
        if lost > 0 {
            self.confirm_loss();
            self.loss += lost.min(LOST_IN_A_ROW_MAX) as f32 / LOSS_PACKETS;
        }
        self.last = entry.sequence - 1;
        let limit = if self.repairs { REPAIR_LOSS_END } else { REPAIR_LOSS_MIN };
        self.repairs = self.codec.has_memory() && self.loss > limit;
        lost
    }

    /// Gets some more samples, or pauses.
    fn step(&mut self, store: &mut Store, band: &Band) {
        let Some(entry) = store.earliest() else {
            let missing = self.frame - self.samples.waiting().len() as i64;
            self.debt += self.guess(missing);
            return;
        };
        match entry.kind {
            Kind::Digit => return self.consume(store, &entry),
            Kind::Noise(level) => {
                self.consume(store, &entry);
                return self.pause(Some(level));
            }
            Kind::Audio => {}
        }
        if self.debt > 0 {
            self.settle(&entry, band);
        }
        if entry.end() <= self.next {
            self.pass_over(store, &entry);
        } else if entry.timestamp > self.next {
            self.bridge(store, &entry);
        } else {
            self.play(store, &entry);
        }
    }

    /// A packet has come while a guess was played: where on the time line are we now?
    fn settle(&mut self, entry: &Entry, band: &Band) {
        let ahead = self.next + self.debt;
        let end = ahead - self.samples.waiting().len() as i64 + self.frame;
        let wanted = (ahead - (end - band.end_max).max(0)).clamp(self.next, ahead);
        self.shifted = ahead - wanted >= SHIFT_MS_MIN * self.per_ms;
        if entry.timestamp < ahead {
            self.confirm_loss(); // it should have been here: no silence of the far end
        }
        self.next = if self.shifted { wanted } else { ahead };
        self.debt = 0;
    }

    fn confirm_loss(&mut self) {
        self.counts.concealed_frames += self.frames_in_doubt;
        (self.frames_in_doubt, self.lost_in_tick) = (0, true);
    }

    /// The packets up to `entry` did not come, though it did.
    fn bridge(&mut self, store: &mut Store, entry: &Entry) {
        let gap = entry.timestamp - self.next;
        let is_loss = entry.sequence - self.last > 1;
        if is_loss {
            self.confirm_loss();
        }
        let packet = entry.samples as i64;
        if is_loss && gap == packet && self.decode_fec(store, entry) {
            self.next += gap;
            return;
        }
        let lost_before = if gap > packet { gap - packet } else { gap };
        self.next += self.guess(lost_before.min(self.frame));
    }

    /// The packet before `entry`, out of `entry`. When more were lost the codec is not told of them: the copy
    /// mends its memory better than a guess.
    fn decode_fec(&mut self, store: &Store, entry: &Entry) -> bool {
        if self.samples.room() < entry.samples || !self.codec.has_memory() {
            return false;
        }
        let lost = self.note_lost(entry);
        let mut pcm = [0; PACKET_SAMPLES_MAX];
        let pcm = &mut pcm[..entry.samples];
        if !self.decoder.decode_fec(store.payload(entry.sequence), pcm) {
            self.forget(lost, entry.samples);
            return false;
        }
        self.append(pcm);
        self.guessed_in_tick = true;
        true
    }

    fn forget(&mut self, packets: i64, samples: usize) {
        for _ in 0..packets.min(LOST_IN_A_ROW_MAX) {
            self.decoder.lose(samples);
        }
    }

    /// Adds `length` samples of a guess, or as many as there is room for. None and a pause, when it has
    /// lasted long enough.
    fn guess(&mut self, length: i64) -> i64 {
        let guess_max = CONCEAL_MS_MAX * self.per_ms as usize;
        if self.guessed >= guess_max {
            self.pause(None);
            return 0;
        }
        let length = (length as usize).min(self.samples.room());
        if !self.concealment.is_active() {
            self.concealment.begin(&self.samples);
        }
        self.concealment.next(self.samples.extend(length));
        self.guessed += length;
        self.guessed_in_tick = true;
        length as i64
    }

    /// A packet whose time has passed is decoded all the same, unheard: the codec's memory then fits the
    /// packets after it.
    fn pass_over(&mut self, store: &mut Store, entry: &Entry) {
        if self.codec.has_memory() && entry.sequence > self.last {
            let _ = self.decoder.decode(store.payload(entry.sequence), &mut [0; PACKET_SAMPLES_MAX]);
        }
        self.counts.late += 1;
        self.consume(store, entry);
    }

    /// Decodes what is due, and joins it to a guess before it.
    fn play(&mut self, store: &mut Store, entry: &Entry) {
        let lost = self.note_lost(entry);
        self.forget(lost, entry.samples);
        if self.guessed == 0 && entry.timestamp == self.next && self.samples.room() >= entry.samples {
            return self.play_next(store, entry);
        }
        let mut pcm = [0; PACKET_SAMPLES_MAX];
        let decoded = self.decoder.decode(store.payload(entry.sequence), &mut pcm);
        self.consume(store, entry);
        let Ok(decoded) = decoded else {
            self.counts.corrupt += 1;
            return;
        };
        let skipped = (self.next - entry.timestamp) as usize;
        let pcm = &mut pcm[skipped.min(decoded)..decoded];
        self.append(pcm);
        self.frames_in_doubt = 0;
        self.next = entry.timestamp + decoded as i64;
    }

    /// The usual case: no guess before it, no overlap. It is decoded where it will be played from.
    fn play_next(&mut self, store: &mut Store, entry: &Entry) {
        let place = self.samples.extend(entry.samples);
        let decoded = self.decoder.decode(store.payload(entry.sequence), place);
        self.consume(store, entry);
        self.samples.give_back(entry.samples - decoded.unwrap_or(0).min(entry.samples));
        let Ok(decoded) = decoded else {
            self.counts.corrupt += 1;
            return;
        };
        self.concealment.end();
        self.shifted = false;
        self.frames_in_doubt = 0;
        self.next += decoded as i64;
    }

    /// Adds what was decoded, and ends the guess before it, if there was one.
    fn append(&mut self, pcm: &mut [i16]) {
        if self.guessed > 0 && (self.shifted || self.concealment.is_active()) {
            self.join(pcm);
        } else {
            self.samples.push(pcm);
        }
        self.concealment.end();
        (self.guessed, self.shifted) = (0, false);
    }

    /// Cross-fades from the guess to what came; where the time line was moved, at the place where it fits
    /// best.
    fn join(&mut self, pcm: &mut [i16]) {
        let rate_hz = self.codec.rate_hz();
        let per_ms = self.per_ms as usize;
        if !self.concealment.is_active() {
            self.concealment.begin(&self.samples);
        }
        let overlap = (5 * per_ms + self.guessed / 8).min(10 * per_ms).min(pcm.len());
        let shift_max = if self.shifted { pitch::PERIOD_MS_MAX * per_ms } else { 0 };
        let mut guess = [0; BRIDGE_SAMPLES_MAX];
        let guess = &mut guess[..shift_max + overlap];
        self.concealment.next(guess);
        let shift = match shift_max {
            0 => 0,
            _ => pitch::best_fit(&pcm[..overlap], guess, rate_hz, Prefer::Low).offset,
        };
        self.samples.push(&guess[..shift]);
        for (place, sample) in pcm[..overlap].iter_mut().enumerate() {
            *sample = conceal::mix(guess[shift + place], *sample, place, overlap);
        }
        self.samples.push(pcm);
    }

    /// Far too much delay: goes on at where it should be, with a bridge.
    fn skip_spare(&mut self, band: &Band) {
        let Some(position) = self.position() else { return };
        let spare = band.end_min - (position + self.frame);
        if spare <= SPARE_MS_MAX * self.per_ms || self.debt > 0 {
            return;
        }
        self.samples.drop_waiting();
        self.concealment.begin(&self.samples);
        (self.guessed, self.shifted) = (1, true);
        self.next = position + spare;
        self.counts.skipped += 1;
    }

    /// Brings the delay nearer to what it should be, by one pitch period at most.
    fn adapt(&mut self, store: &mut Store, band: &Band) {
        let rate_hz = self.codec.rate_hz();
        let end = self.next - self.samples.waiting().len() as i64 + self.frame;
        let need = if self.refused_ticks < REFUSED_TICKS_MAX { Need::Wish } else { Need::Must };
        if end > band.end_max {
            let added = stretch::lengthen(&mut self.samples, rate_hz, need);
            self.counts.lengthened += u64::from(added > 0);
            self.refused_ticks = if added > 0 { 0 } else { self.refused_ticks + 1 };
            (self.spare_ticks, self.spare_least) = (0, i64::MAX);
            return;
        }
        let spare = band.end_min - end;
        if spare < SPARE_MS_MIN * self.per_ms {
            (self.spare_ticks, self.spare_least, self.refused_ticks) = (0, i64::MAX, 0);
            return;
        }
        self.spare_ticks += 1;
        self.spare_least = self.spare_least.min(spare);
        let hurry = self.spare_least > SPARE_MS_HURRY * self.per_ms;
        if self.spare_ticks < if hurry { SPARE_TICKS_HURRY } else { SPARE_TICKS } {
            return;
        }
        self.decode_ahead(store, stretch::shorten_samples(rate_hz).max(self.frame as usize));
        let room = (self.samples.waiting().len() as i64 - self.frame).max(0);
        let removed =
            stretch::shorten(&mut self.samples, rate_hz, self.spare_least.min(room) as usize, need) as i64;
        self.counts.shortened += u64::from(removed > 0);
        self.refused_ticks = if removed > 0 { 0 } else { self.refused_ticks + 1 };
        self.spare_least -= removed;
        if self.spare_least < SPARE_MS_MIN * self.per_ms {
            (self.spare_ticks, self.spare_least) = (0, i64::MAX);
        }
    }

    /// Decodes packets that are there and follow without a gap, until `length` samples wait.
    fn decode_ahead(&mut self, store: &mut Store, length: usize) {
        while self.samples.waiting().len() < length {
            match store.earliest() {
                Some(entry) if entry.kind == Kind::Audio && entry.timestamp == self.next => {
                    if self.samples.room() < entry.samples {
                        return;
                    }
                    self.play(store, &entry);
                }
                _ => return,
            }
        }
    }
}
