//! Keys in the band: the two tones of a key (ITU-T Q.23) found in what a far end says, for those that have
//! no telephone-event.
//!
//! Every 10 ms a window of 20 ms (Hann) is compared with the eight tones. A key is three windows in a row in
//! which the same pair stands, steady in level and phase: the phase from window to window tells the frequency
//! much finer than the window itself, the levels at the two ends tell 40 ms from 23. It is over when three
//! windows miss one of its tones, so a hole of 20 ms (a lost packet) does not make two keys of one, and a
//! pause of 40 ms does. The limits are those of Q.24 (its column of AT&T): 1.5 % off is taken and 3.5 % is
//! not, 40 ms are and 23 are not, the higher tone is 4 dB louder to 8 dB fainter, each tone has −25 to
//! 0 dBm0. Against speech and music stands that the two tones must hold `PURITY_MIN` of all the energy.
//!
//! Measured on 28 minutes of recorded speech (the Free Spoken Digit Dataset, readings from LibriVox, recogniser
//! test data) and the embedded voices, from −18 to +18 dB and at three speeds, ten hours in all: no key. The
//! recordings are not ours to ship.
//!
//! Doubts: two pure tones at these frequencies are a key, whoever made them. A loud echo of a key that was
//! played to the far end is one too.

use std::sync::OnceLock;

use crate::level::sine_amplitude;
use crate::rate::{NARROW_FRAME_SAMPLES, NARROW_HZ, Rate};

/// Of a window, at the narrow rate.
const WINDOW_SAMPLES: usize = 160;
/// From one window to the next.
const HOP_SAMPLES: usize = 80;
/// Windows that make a key, and that end it.
const RUN: usize = 3;
/// Of the rows and columns of a keypad.
const TONES_HZ: [f32; 8] = [697.0, 770.0, 852.0, 941.0, 1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// How many of them are rows.
const ROWS: usize = 4;
/// Keys by row and column.
const KEYS: [&[u8; 4]; ROWS] = [b"123A", b"456B", b"789C", b"*0#D"];

/// Of each tone; 2 dB below what must be taken.
const LEVEL_DBM0_MIN: f32 = -27.0;
/// How much louder the higher tone may be: what must be taken, and 1.5 dB.
const TWIST_DB_MAX: f32 = 5.5;
/// How much fainter the higher tone may be.
const TWIST_DB_MIN: f32 = -9.5;
/// Part of its frequency that a tone may be off: between what must be taken and what must not.
const OFF_MAX: f32 = 0.0235;
/// Part of the energy in the windows of a key that the two tones hold.
const PURITY_MIN: f32 = 0.88;
/// The power of a tone in the faintest window of a key against that in the loudest. A tone that begins 5 ms
/// late in a window leaves 0.83 (40 ms have three such windows wherever they lie), 8.5 ms late 0.42 (23 ms do
/// not).
const STEADY_MIN: f32 = 0.6;
/// How well the phase keeps step: 1 is a sine.
const COHERENCE_MIN: f32 = 0.9;
/// A tone is gone at this part of its power.
const GONE: f32 = 0.25;
/// How fast the power that it is measured with follows a key that is held.
const FOLLOW: f32 = 0.2;

/// Taps of the filter between 48 and 8 kHz: whatever folds into the tones comes out below −55 dB.
const TAPS: usize = 40;
/// Samples at the wide rate for each at the narrow one.
const DOWN: usize = 6;
/// Bits behind the point of a tap.
const TAP_BITS: u32 = 15;
/// Room for a tick at the wide rate and what the filter keeps of the one before.
const WIDE_SAMPLES: usize = TAPS - DOWN + NARROW_FRAME_SAMPLES * DOWN;

/// What all detectors compute with.
#[derive(Debug)]
struct Tables {
    /// The window.
    hann: [f32; WINDOW_SAMPLES],
    /// Cosines of the eight tones, then sines, so scaled that the result is the peak of a sine.
    waves: [[f32; 16]; WINDOW_SAMPLES],
    /// From the squares of windowed samples to the square of the peak of a sine with that energy.
    energy_scale: f32,
    /// Square of the peak of the faintest tone.
    floor: f32,
    /// Low pass, Q15.
    taps: [i16; TAPS],
}

impl Tables {
    fn get() -> &'static Tables {
        static TABLES: OnceLock<Tables> = OnceLock::new();
        TABLES.get_or_init(Tables::new)
    }

    fn new() -> Tables {
        let turn = |hertz: f64, n: f64, rate_hz: f64| core::f64::consts::TAU * hertz * n / rate_hz;
        let hann: [f64; WINDOW_SAMPLES] =
            core::array::from_fn(|n| 0.5 - 0.5 * turn(1.0, n as f64 + 0.5, WINDOW_SAMPLES as f64).cos());
        let scale = 2.0 / hann.iter().sum::<f64>();
        let squares: f64 = hann.iter().map(|w| w * w).sum();
        let waves = core::array::from_fn(|n| {
            core::array::from_fn(|k| {
                let angle = turn(f64::from(TONES_HZ[k % 8]), n as f64, f64::from(NARROW_HZ));
                (scale * if k < 8 { angle.cos() } else { -angle.sin() }) as f32
            })
        });
        Tables {
            hann: hann.map(|w| w as f32),
            waves,
            energy_scale: (2.0 / squares) as f32,
            floor: sine_amplitude(LEVEL_DBM0_MIN).powi(2),
            taps: low_pass().map(|tap| (tap * f64::from(1 << TAP_BITS)).round() as i16),
        }
    }
}

/// A sinc under a Blackman window, its cut-off at half the narrow rate: the tones lie in its pass band, and
/// what folds into them, from 6.3 kHz on, in its stop band.
fn low_pass() -> [f64; TAPS] {
    let taps: [f64; TAPS] = core::array::from_fn(|n| {
        let x = n as f64 - (TAPS - 1) as f64 / 2.0;
        let angle = core::f64::consts::TAU * (n as f64 + 0.5) / TAPS as f64;
        let window = 0.42 - 0.5 * angle.cos() + 0.08 * (2.0 * angle).cos();
        let argument = core::f64::consts::PI * x / DOWN as f64;
        window * argument.sin() / argument
    });
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| tap / sum)
}

/// One tone in one window.
#[derive(Copy, Clone, Debug, Default)]
struct Phasor {
    re: f32,
    im: f32,
}

impl Phasor {
    fn power(self) -> f32 {
        self.re * self.re + self.im * self.im
    }

    /// `self` against `earlier`.
    fn since(self, earlier: Phasor) -> Phasor {
        Phasor {
            re: self.re * earlier.re + self.im * earlier.im,
            im: self.im * earlier.re - self.re * earlier.im,
        }
    }
}

/// What was found in one window: the strongest row and column.
#[derive(Copy, Clone, Debug, Default)]
struct Window {
    tones: [usize; 2],
    phasors: [Phasor; 2],
    /// All the energy, as the square of the peak of a sine that has it. 0: not looked at, too faint.
    energy: f32,
}

/// A tone as it stood in the windows of a key.
#[derive(Copy, Clone, Debug)]
struct Found {
    /// Square of its peak in the loudest window.
    power: f32,
    /// Squares of its peak in all windows.
    sum: f32,
}

/// The key that is held.
#[derive(Copy, Clone, Debug)]
struct Held {
    tones: [usize; 2],
    powers: [f32; 2],
    windows_gone: usize,
}

/// Finds keys in the samples of one far end.
#[derive(Debug)]
pub struct InbandDetector {
    tables: &'static Tables,
    rate: Rate,
    /// The last hop, then room for a frame.
    samples: [f32; HOP_SAMPLES + NARROW_FRAME_SAMPLES],
    /// At the wide rate only: what the filter needs of the frame before, then room for one.
    wide: Box<[i16]>,
    /// The latest last.
    windows: [Window; RUN],
    held: Option<Held>,
    quiet: bool,
}

impl InbandDetector {
    /// Takes all the memory that it will need. `rate`: of the samples that it will hear.
    pub fn new(rate: Rate) -> InbandDetector {
        let wide = if rate == Rate::Hz8000 { 0 } else { WIDE_SAMPLES };
        InbandDetector {
            tables: Tables::get(),
            rate,
            samples: [0.0; HOP_SAMPLES + NARROW_FRAME_SAMPLES],
            wide: vec![0; wide].into_boxed_slice(),
            windows: [Window::default(); RUN],
            held: None,
            quiet: true,
        }
    }

    /// Takes a tick of samples at its rate; the key that they make known, in ASCII: once, some 40 ms after it
    /// was pressed.
    pub fn hear(&mut self, pcm: &[i16]) -> Option<u8> {
        self.quiet = false;
        self.samples.copy_within(NARROW_FRAME_SAMPLES.., 0);
        match self.rate {
            Rate::Hz8000 => {
                self.samples[HOP_SAMPLES..].iter_mut().zip(pcm).for_each(|(y, &x)| *y = f32::from(x));
            }
            Rate::Hz48000 => self.narrow(pcm),
        }
        let mut key = None;
        for from in [0, HOP_SAMPLES] {
            let window = self.look(from);
            key = self.take(window).or(key);
        }
        key
    }

    /// The far end sends nothing in this tick.
    pub fn hear_nothing(&mut self) {
        if self.quiet {
            return;
        }
        self.samples.fill(0.0);
        self.wide.fill(0);
        self.windows = [Window::default(); RUN];
        self.take(Window::default());
        self.take(Window::default());
        self.quiet = self.held.is_none();
    }

    /// A frame at the wide rate into the place of the narrow one.
    fn narrow(&mut self, pcm: &[i16]) {
        let kept = TAPS - DOWN;
        self.wide[kept..].copy_from_slice(pcm);
        for (n, y) in self.samples[HOP_SAMPLES..].iter_mut().enumerate() {
            let part = &self.wide[n * DOWN..n * DOWN + TAPS];
            let sum: i32 =
                part.iter().zip(&self.tables.taps).map(|(&x, &c)| i32::from(x) * i32::from(c)).sum();
            *y = sum as f32 / (1 << TAP_BITS) as f32;
        }
        self.wide.copy_within(pcm.len().., 0);
    }

    /// Measures the window that begins at `from`.
    fn look(&self, from: usize) -> Window {
        let samples = &self.samples[from..from + WINDOW_SAMPLES];
        let mut windowed = [0.0; WINDOW_SAMPLES];
        let mut squares = [0.0; 8];
        let parts = samples.chunks_exact(8).zip(self.tables.hann.chunks_exact(8));
        for ((x, w), y) in parts.zip(windowed.chunks_exact_mut(8)) {
            for lane in 0..8 {
                y[lane] = x[lane] * w[lane];
                squares[lane] += y[lane] * y[lane];
            }
        }
        let energy = squares.iter().sum::<f32>() * self.tables.energy_scale;
        if energy < self.tables.floor {
            return Window::default();
        }
        let mut sums = [0.0; 16];
        for (y, waves) in windowed.iter().zip(&self.tables.waves) {
            for (sum, wave) in sums.iter_mut().zip(waves) {
                *sum += y * wave;
            }
        }
        let phasors: [Phasor; 8] = core::array::from_fn(|k| Phasor { re: sums[k], im: sums[k + 8] });
        let strongest = |from: usize| {
            (from..from + ROWS)
                .fold(from, |best, k| if phasors[k].power() > phasors[best].power() { k } else { best })
        };
        let tones = [strongest(0), strongest(ROWS)];
        Window { tones, phasors: tones.map(|tone| phasors[tone]), energy }
    }

    /// The next window; the key that it makes known.
    fn take(&mut self, window: Window) -> Option<u8> {
        self.windows.rotate_left(1);
        self.windows[RUN - 1] = window;
        if let Some(held) = &mut self.held {
            if held.goes_on(&window) {
                return None;
            }
            self.held = None;
        }
        let tones = window.tones;
        let [low, high] = [self.found(0)?, self.found(1)?];
        let energy: f32 = self.windows.iter().map(|window| window.energy).sum();
        let twist = high.power / low.power;
        if low.sum + high.sum < PURITY_MIN * energy
            || low.power.min(high.power) < self.tables.floor
            || !(ratio(TWIST_DB_MIN)..=ratio(TWIST_DB_MAX)).contains(&twist)
        {
            return None;
        }
        self.held = Some(Held { tones, powers: [low.power, high.power], windows_gone: 0 });
        Some(KEYS[tones[0]][tones[1] - ROWS])
    }

    /// The row (0) or column (1) of the last window, when it stands in all of them.
    fn found(&self, group: usize) -> Option<Found> {
        let [first, second, third] = &self.windows;
        let tone = third.tones[group];
        let is_same = |window: &Window| window.energy > 0.0 && window.tones[group] == tone;
        if !self.windows.iter().all(is_same) {
            return None;
        }
        let powers = self.windows.map(|window| window.phasors[group].power());
        let loudest = powers.iter().fold(0.0, |most: f32, &power| most.max(power));
        if powers.iter().any(|&power| power < STEADY_MIN * loudest) {
            return None;
        }
        let steps = [
            second.phasors[group].since(first.phasors[group]),
            third.phasors[group].since(second.phasors[group]),
        ];
        let step = Phasor { re: steps[0].re + steps[1].re, im: steps[0].im + steps[1].im };
        let length = steps[0].power().sqrt() + steps[1].power().sqrt();
        if step.power() < COHERENCE_MIN * COHERENCE_MIN * length * length {
            return None;
        }
        let hertz = TONES_HZ[tone];
        let hop_s = HOP_SAMPLES as f32 / NARROW_HZ as f32;
        let turns = step.im.atan2(step.re) / core::f32::consts::TAU - hertz * hop_s;
        let off_hz = (turns - turns.round()) / hop_s;
        if off_hz.abs() > OFF_MAX * hertz {
            return None;
        }
        let lost = response(off_hz).powi(2);
        Some(Found { power: loudest / lost, sum: powers.iter().sum::<f32>() / lost })
    }
}

impl Held {
    /// Whether the key is still held after this window.
    fn goes_on(&mut self, window: &Window) -> bool {
        let powers = window.phasors.map(Phasor::power);
        let stands = (0..2).all(|group| {
            window.energy > 0.0
                && window.tones[group] == self.tones[group]
                && powers[group] >= GONE * self.powers[group]
        });
        if !stands {
            self.windows_gone += 1;
            return self.windows_gone < RUN;
        }
        self.windows_gone = 0;
        for (level, power) in self.powers.iter_mut().zip(powers) {
            *level += FOLLOW * (power - *level);
        }
        true
    }
}

/// What the window leaves of the peak of a sine that is so far off.
fn response(off_hz: f32) -> f32 {
    let bins = off_hz * WINDOW_SAMPLES as f32 / NARROW_HZ as f32;
    if bins.abs() < 1e-3 {
        return 1.0;
    }
    let angle = core::f32::consts::PI * bins;
    angle.sin() / (angle * (1.0 - bins * bins))
}

/// A difference of levels as one of powers.
fn ratio(level_db: f32) -> f32 {
    10f32.powf(level_db / 10.0)
}
