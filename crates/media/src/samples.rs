//! Decoded samples of a leg: those that wait to be played, and the last ones that were.
//!
//! Concealment and stretching look back at what was played, so it stays in front of what waits, in one piece.

use crate::prefetch::prefetch;

/// How much is remembered of what was played, in ms: two of the longest pitch periods and a window to
/// compare.
pub(crate) const HISTORY_MS: usize = 45;

/// How much can wait, in ms: what is left of a frame, the longest packet, an insertion, a frame of
/// concealment.
pub(crate) const WAITING_MS_MAX: usize = 150;

#[derive(Debug)]
pub(crate) struct Samples {
    buffer: Box<[i16]>,
    history: usize,
    start: usize,
    end: usize,
}

impl Samples {
    /// Nothing waits, and silence was played.
    pub(crate) fn new(rate_hz: u32) -> Samples {
        let per_ms = rate_hz as usize / 1_000;
        let history = HISTORY_MS * per_ms;
        let buffer = vec![0; history + WAITING_MS_MAX * per_ms].into_boxed_slice();
        Samples { buffer, history, start: history, end: history }
    }

    pub(crate) fn waiting(&self) -> &[i16] {
        &self.buffer[self.start..self.end]
    }

    /// How many samples can still be pushed.
    pub(crate) fn room(&self) -> usize {
        self.buffer.len() - self.history - (self.end - self.start)
    }

    /// The last `length` samples, waiting or played.
    pub(crate) fn last(&self, length: usize) -> &[i16] {
        &self.buffer[self.end.saturating_sub(length)..self.end]
    }

    /// `before` played samples and all waiting ones.
    pub(crate) fn around(&mut self, before: usize) -> &mut [i16] {
        &mut self.buffer[self.start - before.min(self.history)..self.end]
    }

    /// Adds `length` zeros behind the waiting samples, to be written by the caller. Fewer when there is no
    /// room.
    pub(crate) fn extend(&mut self, length: usize) -> &mut [i16] {
        let length = length.min(self.room());
        self.compact(length);
        let added = self.end..self.end + length;
        self.end = added.end;
        self.buffer[added.clone()].fill(0);
        &mut self.buffer[added]
    }

    /// Asks for the place of the next `length` samples.
    pub(crate) fn prefetch(&self, length: usize) {
        if let Some(place) = self.buffer.get(self.end..self.end + length) {
            prefetch(place);
        }
    }

    pub(crate) fn push(&mut self, pcm: &[i16]) {
        let length = pcm.len().min(self.room());
        self.extend(length).copy_from_slice(&pcm[..length]);
    }

    /// Takes as many waiting samples as there are, and zeros for the rest.
    pub(crate) fn take(&mut self, pcm: &mut [i16]) {
        let length = pcm.len().min(self.end - self.start);
        let (taken, missing) = pcm.split_at_mut(length);
        taken.copy_from_slice(&self.buffer[self.start..self.start + length]);
        missing.fill(0);
        self.start += length;
    }

    /// The last `length` waiting samples were not written after all.
    pub(crate) fn give_back(&mut self, length: usize) {
        self.end -= length;
    }

    /// The waiting samples will not be played.
    pub(crate) fn drop_waiting(&mut self) {
        self.end = self.start;
    }

    /// Takes away `length` waiting samples from `place` on.
    pub(crate) fn cut(&mut self, place: usize, length: usize) {
        let from = self.start + place + length;
        self.buffer.copy_within(from..self.end, self.start + place);
        self.end -= length;
    }

    /// Puts `length` samples before the waiting ones, with what was played last in them. Not more than there
    /// is room for.
    pub(crate) fn widen(&mut self, length: usize) {
        self.compact(length);
        self.buffer.copy_within(self.start - length..self.end, self.start);
        self.end += length;
    }

    /// Nothing waits, and silence was played.
    pub(crate) fn clear(&mut self) {
        (self.start, self.end) = (self.history, self.history);
        self.buffer[..self.history].fill(0);
    }

    fn compact(&mut self, length: usize) {
        if self.end + length > self.buffer.len() {
            let shift = self.start - self.history;
            self.buffer.copy_within(shift..self.end, 0);
            self.start -= shift;
            self.end -= shift;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_leave_in_the_order_in_which_they_came() {
        let mut samples = Samples::new(8_000);
        let mut frame = [0; 160];
        for round in 0..100i16 {
            samples.push(&[round; 160]);
            samples.take(&mut frame);
            assert_eq!(frame, [round; 160]);
            assert_eq!(samples.last(200)[..40], [if round == 0 { 0 } else { round - 1 }; 40]);
        }
        samples.push(&[7; 100]);
        samples.take(&mut frame);
        assert_eq!((frame[99], frame[100], samples.waiting().len()), (7, 0, 0));
    }

    #[test]
    fn what_has_no_room_is_left_out() {
        let mut samples = Samples::new(8_000);
        for _ in 0..20 {
            samples.push(&[1; 160]);
        }
        assert_eq!((samples.waiting().len(), samples.room()), (WAITING_MS_MAX * 8, 0));
    }
}
