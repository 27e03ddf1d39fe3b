//! What one leg says, at every rate that somebody listens at.
//!
//! Decoded samples pass the gate on the whole frame, get the gain of the leg's row, and are resampled once
//! for each other rate in use. What comes out is the leg's contribution: exactly these samples are added to
//! the sums, and exactly these are taken out of the leg's own mix.

use crate::gain::{Envelope, apply};
use crate::gate::Gate;
use crate::level::{Loudness, Meter, peak};
use crate::prefetch::prefetch;
use crate::rate::{FRAME_SAMPLES_MAX, RATES, Rate};
use crate::resample::Resampler;

/// The contribution of a leg at one rate.
#[derive(Debug)]
pub(crate) struct Part {
    pcm: Box<[i16]>,
    envelope: Envelope,
    is_heard: bool,
}

impl Part {
    /// This tick's samples, when there is something to hear.
    pub(crate) fn heard(&self) -> Option<&[i16]> {
        self.is_heard.then_some(&self.pcm)
    }

    pub(crate) fn envelope(&self) -> Envelope {
        self.envelope
    }
}

/// The voice of a leg.
#[derive(Debug)]
pub(crate) struct Voice {
    own: Rate,
    gate: Gate,
    parts: [Part; RATES],
    resamplers: [Option<Resampler>; RATES],
    level: Meter,
}

impl Voice {
    pub(crate) fn new(own: Rate) -> Voice {
        let part = |rate: Rate| Part {
            pcm: vec![0; rate.frame_samples()].into_boxed_slice(),
            envelope: Envelope::default(),
            is_heard: false,
        };
        let resampler =
            |rate: Rate| (rate != own).then(|| Resampler::new(own.hz(), rate.hz(), own.frame_samples()));
        Voice {
            own,
            gate: Gate::default(),
            parts: Rate::ALL.map(part),
            resamplers: Rate::ALL.map(resampler),
            level: Meter::default(),
        }
    }

    /// Asks for the place of the next frame.
    pub(crate) fn prefetch(&self) {
        prefetch(&*self.parts[self.own.index()].pcm);
    }

    pub(crate) fn rate(&self) -> Rate {
        self.own
    }

    pub(crate) fn part(&self, rate: Rate) -> &Part {
        &self.parts[rate.index()]
    }

    pub(crate) fn level_dbm0(&self) -> f32 {
        self.level.dbm0()
    }

    /// Where the decoded frame is written, before [`Voice::hear`] or [`Voice::hear_nothing`].
    pub(crate) fn frame(&mut self) -> &mut [i16] {
        &mut self.parts[self.own.index()].pcm
    }

    /// The frame is there: gate and gain. `gain`: None when nobody is to hear it.
    pub(crate) fn hear(&mut self, gain: Option<f32>) {
        let part = &mut self.parts[self.own.index()];
        let loudness = Loudness::of(&part.pcm);
        self.level.add(loudness.square_sum(), part.pcm.len());
        let passes = self.gate.passes(&loudness);
        part.is_heard = passes && gain.is_some();
        let mut loudest = if part.is_heard { loudness.peak } else { 0 };
        if let (true, Some(gain)) = (part.is_heard, gain)
            && gain != 1.0
        {
            apply(gain, &mut part.pcm);
            loudest = peak(&part.pcm);
        }
        part.envelope.follow(loudest);
    }

    /// Nothing came.
    pub(crate) fn hear_nothing(&mut self) {
        let part = &mut self.parts[self.own.index()];
        self.level.add(0, part.pcm.len());
        self.gate.close();
        part.is_heard = false;
        part.envelope.follow(0);
    }

    /// Whether nothing of it is heard in this tick, nor was of late: there is nothing to resample or to add.
    pub(crate) fn rests(&self) -> bool {
        let part_rests = |part: &Part| !part.is_heard && part.envelope == Envelope::default();
        self.parts.iter().all(part_rests) && self.resamplers.iter().flatten().all(Resampler::is_quiet)
    }

    /// The contribution at the other rates. `in_use`: rates with listeners; `silenced`: nobody is to hear it
    /// from now on.
    pub(crate) fn resample(&mut self, in_use: &[bool; RATES], silenced: bool) {
        const SILENCE: [i16; FRAME_SAMPLES_MAX] = [0; FRAME_SAMPLES_MAX];
        let own = self.own.index();
        for rate in Rate::ALL {
            let Some(resampler) = &mut self.resamplers[rate.index()] else { continue };
            let [part, spoken] = self.parts.get_disjoint_mut([rate.index(), own]).expect("two rates");
            if silenced || !in_use[rate.index()] {
                resampler.clear();
                part.is_heard = false;
            } else if spoken.is_heard || !resampler.is_quiet() {
                let input = if spoken.is_heard { &spoken.pcm } else { &SILENCE[..spoken.pcm.len()] };
                resampler.process(input, &mut part.pcm);
                part.is_heard = true;
            } else {
                part.is_heard = false;
            }
            part.envelope.follow(if part.is_heard { peak(&part.pcm) } else { 0 });
        }
    }
}
