//! A far end, a bad network and a clock for the receiver's tests. Everything follows from one seed.

use core::time::Duration;

use roomtone_media::codec::{Codec, ENCODED_BYTES_MAX, Encoder};
use roomtone_media::receiver::{Frame, JitterConfig, Receiver, ReceiverConfig, ReceiverStats};
use roomtone_media::rtp::{HEADER_BYTES, Header, write_header};

/// What the network does to packets.
#[derive(Copy, Clone, Debug)]
pub struct Impairment {
    /// Share of packets that never come.
    pub loss: f64,
    /// Mean of an exponential delay, each packet its own.
    pub jitter_ms: f64,
    /// Packets do not overtake each other.
    pub in_order: bool,
    /// How much faster the sender's clock is, in millionths.
    pub ppm: f64,
    /// Most packets that are lost together; at least two, when more than one.
    pub loss_run: u32,
    /// Now and then nothing comes through, and then all of it at once.
    pub stalls: Option<Stalls>,
}

/// Times in which the network holds everything back, as a radio link does that repeats or roams.
#[derive(Copy, Clone, Debug)]
pub struct Stalls {
    /// From the beginning of one to that of the next, in s: shortest and longest.
    pub every_s: (f64, f64),
    /// How long each is, in ms: shortest and longest.
    pub length_ms: (f64, f64),
}

impl Impairment {
    /// The loopback interface: tenths of a millisecond.
    pub const CLEAN: Impairment =
        Impairment { loss: 0.0, jitter_ms: 0.05, in_order: true, ppm: 0.0, loss_run: 1, stalls: None };
}

/// What the far end says.
#[derive(Copy, Clone, Debug)]
pub enum Signal {
    /// A sine of so many Hz, 12 dB below full scale.
    Tone(f64),
    /// A sine that wanders without repeating itself soon: where a piece of it belongs can be told.
    #[allow(dead_code, reason = "not every test file does")]
    Sweep,
    /// Something like a voice: vowels of a pitch that wanders, four syllables a second, and pauses.
    #[allow(dead_code, reason = "not every test file does")]
    Voice,
    /// At 48 kHz, again and again.
    #[allow(dead_code, reason = "not every test file does")]
    Recording(&'static [i16]),
}

/// A vowel at `seconds`: harmonics under two formants that wander, −1 to 1, as loud as the syllable is.
fn voice(seconds: f64) -> f64 {
    let turns = 130.0 * seconds + 6.0 * (seconds * 2.3).sin() + 1.5 * (seconds * 7.1).sin();
    let pitch_hz = 130.0 + 13.8 * (seconds * 2.3).cos() + 10.65 * (seconds * 7.1).cos();
    let formants_hz = [500.0 + 250.0 * (seconds * 11.3).sin(), 1_500.0 + 600.0 * (seconds * 8.7).sin()];
    let vowel: f64 = (1..22)
        .map(|harmonic| {
            let hertz = pitch_hz * f64::from(harmonic);
            let weight: f64 =
                formants_hz.iter().map(|formant| 1.0 / (1.0 + ((hertz - formant) / 120.0).powi(2))).sum();
            weight * (turns * f64::from(harmonic) * core::f64::consts::TAU).sin()
        })
        .sum();
    let syllable = (seconds * 4.0 * core::f64::consts::PI).sin().abs().powf(0.7);
    let phrase = if seconds % 3.0 < 2.4 { 1.0 } else { 0.0 };
    vowel * syllable * phrase * 0.35
}

impl Signal {
    fn at(self, seconds: f64) -> f64 {
        let turns = match self {
            Signal::Tone(hertz) => hertz * seconds,
            Signal::Voice => return (voice(seconds) * 16_000.0).clamp(-32_000.0, 32_000.0),
            Signal::Recording(pcm) => {
                let place = (seconds.max(0.0) * 48_000.0).round() as usize;
                return f64::from(pcm[place % pcm.len()]);
            }
            Signal::Sweep => {
                900.0 * seconds + 90.0 * (seconds * 5.1).sin() + 37.0 * (seconds * 1.7 + 1.0).sin()
            }
        };
        (turns * core::f64::consts::TAU).sin() * 8_000.0
    }
}

/// Numbers that look random (SplitMix64).
pub struct Seed(pub u64);

impl Seed {
    /// The next one.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// Evenly between 0 and 1, neither included.
    pub fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
}

/// One caller, one receiver.
pub struct Simulation {
    codec: Codec,
    impairment: Impairment,
    seed: Seed,
    phase_ms: f64,
    packet_ms: usize,
    jitter: JitterConfig,
}

/// What came out.
pub struct Heard {
    /// The codec's samples, from the first tick on.
    pub pcm: Vec<i16>,
    /// What each tick was.
    pub frames: Vec<Frame>,
    /// What the receiver says of its delay, at each tick, in ms.
    pub delay_ms: Vec<f32>,
    /// At the end.
    pub stats: ReceiverStats,
    rate_hz: f64,
    signal: Signal,
    ppm: f64,
    lead_s: f64,
}

/// Ticks before the caller begins to speak.
const TICKS_BEFORE: u64 = 50;

impl Simulation {
    /// A caller that sends 20 ms packets in the middle between two ticks.
    pub fn new(codec: Codec, impairment: Impairment, seed: u64) -> Simulation {
        let jitter = JitterConfig::default();
        Simulation { codec, impairment, seed: Seed(seed), phase_ms: 10.0, packet_ms: 20, jitter }
    }

    /// Sends this much after a tick instead.
    pub fn phase_ms(mut self, phase_ms: f64) -> Simulation {
        self.phase_ms = phase_ms;
        self
    }

    /// Sends packets of another length (G.711 only).
    #[allow(dead_code, reason = "not every test file does")]
    pub fn packet_ms(mut self, packet_ms: usize) -> Simulation {
        self.packet_ms = packet_ms;
        self
    }

    /// Another delay.
    #[allow(dead_code, reason = "not every test file does")]
    pub fn jitter(mut self, jitter: JitterConfig) -> Simulation {
        self.jitter = jitter;
        self
    }

    /// Lets the caller speak.
    pub fn run(mut self, signal: Signal, seconds: u64) -> Heard {
        let arrivals = self.send(signal, seconds);
        let config = ReceiverConfig {
            codec: self.codec,
            payload_type: 96,
            telephone_event: None,
            comfort_noise: None,
            jitter: self.jitter,
        };
        let mut receiver = Receiver::new(config, Duration::ZERO);
        let frame = self.codec.frame_samples();
        let mut heard = Heard {
            pcm: Vec::new(),
            frames: Vec::new(),
            delay_ms: Vec::new(),
            stats: ReceiverStats::default(),
            rate_hz: f64::from(self.codec.rate_hz()),
            signal,
            ppm: self.impairment.ppm,
            lead_s: TICKS_BEFORE as f64 * 0.02 + self.phase_ms / 1_000.0,
        };
        let mut arrivals = arrivals.into_iter().peekable();
        for tick in 0..TICKS_BEFORE + seconds * 50 {
            let now = Duration::from_millis(tick * 20);
            while let Some((arrival, datagram)) = arrivals.next_if(|(arrival, _)| *arrival <= now) {
                receiver.handle_rtp(&datagram, arrival);
            }
            let place = heard.pcm.len();
            heard.pcm.resize(place + frame, 0);
            heard.frames.push(receiver.pull(now, &mut heard.pcm[place..]));
            heard.delay_ms.push(receiver.stats().delay_ms);
        }
        heard.stats = receiver.stats();
        heard
    }

    /// All datagrams with their arrivals, in order.
    fn send(&mut self, signal: Signal, seconds: u64) -> Vec<(Duration, Vec<u8>)> {
        let mut encoder = Encoder::new(self.codec);
        let rate_hz = f64::from(self.codec.rate_hz());
        let samples = self.codec.rate_hz() as usize / 1_000 * self.packet_ms;
        let packet_s = self.packet_ms as f64 / 1_000.0 / (1.0 + self.impairment.ppm / 1e6);
        let start_s = TICKS_BEFORE as f64 * 0.02 + self.phase_ms / 1_000.0;
        let mut latest_s: f64 = 0.0;
        let mut arrivals = Vec::new();
        let mut stalls = self.stalls(start_s, seconds as f64).into_iter().peekable();
        let mut losses = 0;
        for number in 0..(seconds as f64 / packet_s) as usize {
            let pcm: Vec<i16> = (0..samples)
                .map(|place| signal.at((number * samples + place) as f64 / rate_hz) as i16)
                .collect();
            let mut datagram = vec![0; HEADER_BYTES + ENCODED_BYTES_MAX.max(samples)];
            let header = Header {
                payload_type: 96,
                marker: number == 0,
                sequence: (number as u16).wrapping_sub(100),
                timestamp: ((number * samples) as u32).wrapping_sub(12_345),
                ssrc: 77,
            };
            write_header(&header, &mut datagram);
            let length = encoder.encode(&pcm, &mut datagram[HEADER_BYTES..]);
            datagram.truncate(HEADER_BYTES + length);

            let late_ms = -self.seed.unit().ln() * self.impairment.jitter_ms;
            if self.seed.unit() < self.impairment.loss && losses == 0 {
                losses = self.loss_run();
            }
            let is_lost = losses > 0;
            losses = losses.saturating_sub(1);
            let mut arrival_s = start_s + number as f64 * packet_s + late_ms / 1_000.0;
            if self.impairment.in_order {
                arrival_s = arrival_s.max(latest_s);
                latest_s = arrival_s;
            }
            while stalls.next_if(|(_, end_s)| *end_s < arrival_s).is_some() {}
            if let Some((_, end_s)) = stalls.peek().filter(|(start_s, _)| *start_s < arrival_s) {
                arrival_s = *end_s;
                latest_s = latest_s.max(arrival_s);
            }
            if !is_lost {
                arrivals.push((Duration::from_secs_f64(arrival_s), datagram));
            }
        }
        arrivals.sort_by_key(|(arrival, _)| *arrival);
        arrivals
    }

    /// How many packets are lost from one on.
    fn loss_run(&mut self) -> u32 {
        match self.impairment.loss_run {
            0 | 1 => 1,
            most => 2 + (self.seed.unit() * f64::from(most - 1)) as u32,
        }
    }

    /// When nothing comes through: beginnings and ends.
    fn stalls(&mut self, start_s: f64, seconds: f64) -> Vec<(f64, f64)> {
        let Some(Stalls { every_s, length_ms }) = self.impairment.stalls else { return Vec::new() };
        let mut between = |(least, most): (f64, f64)| least + (most - least) * self.seed.unit();
        let mut stalls = Vec::new();
        let mut begin_s = start_s + 1.0 + between(every_s);
        while begin_s < start_s + seconds {
            stalls.push((begin_s, begin_s + between(length_ms) / 1_000.0));
            begin_s += between(every_s);
        }
        stalls
    }
}

impl Heard {
    fn window(&self) -> usize {
        self.rate_hz as usize / 50
    }

    /// Samples from a second after the first voice on, without the last second.
    fn settled(&self) -> &[i16] {
        let first = self.frames.iter().position(|frame| *frame == Frame::Voice).expect("somebody was heard");
        &self.pcm[first * self.window()..self.pcm.len() - 50 * self.window()]
    }

    /// The tone's level in each 20 ms window, relative to what was sent.
    #[allow(dead_code, reason = "not every test file does")]
    pub fn levels(&self, hertz: f64) -> Vec<f64> {
        let step = core::f64::consts::TAU * hertz / self.rate_hz;
        let settled = &self.settled()[2 * self.window()..]; // the codec's own beginning
        let level = |pcm: &[i16]| {
            let (mut real, mut imaginary) = (0.0, 0.0);
            for (place, sample) in pcm.iter().enumerate() {
                real += f64::from(*sample) * (step * place as f64).cos();
                imaginary += f64::from(*sample) * (step * place as f64).sin();
            }
            real.hypot(imaginary) * 2.0 / pcm.len() as f64 / 8_000.0
        };
        settled.chunks_exact(self.window()).map(level).collect()
    }

    /// The share of windows in which the tone is 10 dB down.
    #[allow(dead_code, reason = "not every test file does")]
    pub fn dropout_share(&self, hertz: f64) -> f64 {
        let levels = self.levels(hertz);
        levels.iter().filter(|level| **level < 0.316).count() as f64 / levels.len() as f64
    }

    /// From the moment in which a packet with a sound was sent to the tick in which that sound is played,
    /// each second, in order of size.
    #[allow(dead_code, reason = "not every test file does")]
    pub fn delays_ms(&self) -> Vec<f64> {
        let length = 2 * self.window();
        let settled_from = self.pcm.len() - 50 * self.window() - self.settled().len();
        let mut delays: Vec<f64> = (settled_from + 100 * self.window()..self.pcm.len() - 50 * self.window())
            .step_by(83 * self.window())
            .filter_map(|place| {
                let heard_s = place as f64 / self.rate_hz;
                let piece = &self.pcm[place..place + length];
                let likeness = |delay_ms: f64| {
                    // Sent at t is what was said (t − lead) times the sender's clock.
                    let said_s = (heard_s - delay_ms / 1_000.0 - self.lead_s) * (1.0 + self.ppm / 1e6);
                    let (mut cross, mut power, mut own) = (0.0, 1.0, 1.0);
                    for (place, sample) in piece.iter().enumerate().step_by(length / 320) {
                        let said = self.signal.at(said_s + place as f64 / self.rate_hz);
                        cross += said * f64::from(*sample);
                        power += said * said;
                        own += f64::from(*sample).powi(2);
                    }
                    cross / (power * own).sqrt()
                };
                let (likeness, delay) = (-40..2_000)
                    .map(|eighth| f64::from(eighth) / 8.0)
                    .map(|delay_ms| (likeness(delay_ms), delay_ms))
                    .max_by(|a, b| a.0.total_cmp(&b.0))?;
                (likeness > 0.8).then_some(delay)
            })
            .collect();
        assert!(delays.len() > 5, "too little was recognised");
        delays.sort_by(f64::total_cmp);
        delays
    }

    /// What the receiver says of its delay: the median over all ticks, in ms.
    #[allow(dead_code, reason = "not every test file does")]
    pub fn delay_median_ms(&self) -> f32 {
        let mut delays = self.delay_ms[100..].to_vec();
        delays.sort_by(f32::total_cmp);
        delays[delays.len() / 2]
    }

    /// Of each tick in which there is a sound, from the third second on: how far the spectrum is from
    /// what the source said there, in dB, and how much quieter or louder it is. Where that is the receiver says, give
    /// or take a pitch period.
    #[allow(dead_code, reason = "not every test file does")]
    pub fn distances(&self) -> Vec<Distance> {
        let window = self.window();
        (150..self.frames.len() - 50)
            .filter_map(|tick| {
                let heard = &self.pcm[tick * window..(tick + 1) * window];
                let said_s = tick as f64 * 0.02 - f64::from(self.delay_ms[tick]) / 1_000.0 - self.lead_s;
                let said: Vec<f64> = (0..3 * window)
                    .map(|place| self.signal.at(said_s - 0.02 + place as f64 / self.rate_hz))
                    .collect();
                let level = |pcm: &[f64]| 10.0 * (power(pcm) + 1.0).log10();
                let pieces = || (0..=2 * window).step_by(window / 20).map(|from| &said[from..from + window]);
                let heard: Vec<f64> = heard.iter().map(|sample| f64::from(*sample)).collect();
                let quietest = pieces().map(level).fold(f64::MAX, f64::min);
                let loudest = pieces().map(level).fold(f64::MIN, f64::max);
                let heard_db = level(&heard).max(30.0);
                if loudest.max(heard_db) < 40.0 {
                    return None;
                }
                let bands = self.bands(&heard);
                let spectrum_db =
                    pieces().map(|said| far(&bands, &self.bands(said))).fold(f64::MAX, f64::min);
                Some(Distance {
                    spectrum_db,
                    quieter_db: quietest - heard_db,
                    louder_db: heard_db - loudest.max(30.0),
                })
            })
            .collect()
    }

    /// Power in 16 bands, in dB.
    fn bands(&self, pcm: &[f64]) -> [f64; 16] {
        core::array::from_fn(|band| {
            let hertz = 150.0 + 200.0 * band as f64;
            let step = core::f64::consts::TAU * hertz / self.rate_hz;
            let every = self.rate_hz as usize / 8_000;
            let (mut real, mut imaginary) = (0.0, 0.0);
            for (place, sample) in pcm.iter().enumerate().step_by(every) {
                let hann = 0.5 - 0.5 * (core::f64::consts::TAU * place as f64 / pcm.len() as f64).cos();
                real += hann * sample * (step * place as f64).cos();
                imaginary += hann * sample * (step * place as f64).sin();
            }
            10.0 * ((real * real + imaginary * imaginary) / 6_400.0 + 100.0).log10()
        })
    }
}

/// How far a tick is from its source.
#[derive(Copy, Clone, Debug)]
#[allow(dead_code, reason = "not every test file does")]
pub struct Distance {
    /// Root of the mean square over the bands.
    pub spectrum_db: f64,
    /// Than the quietest piece of the source near.
    pub quieter_db: f64,
    /// Than the loudest piece of the source near.
    pub louder_db: f64,
}

fn power(pcm: &[f64]) -> f64 {
    pcm.iter().map(|sample| sample * sample).sum::<f64>() / pcm.len() as f64
}

fn far(a: &[f64; 16], b: &[f64; 16]) -> f64 {
    (a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / 16.0).sqrt()
}
