//! A far end, a bad network and a clock for the receiver's tests. Everything follows from one seed.

use core::time::Duration;

use roomtone_media::codec::{Codec, Encoder, PAYLOAD_BYTES_MAX};
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
}

impl Impairment {
    /// The loopback interface: tenths of a millisecond.
    pub const CLEAN: Impairment = Impairment { loss: 0.0, jitter_ms: 0.05, in_order: true, ppm: 0.0 };
}

/// What the far end says.
#[derive(Copy, Clone, Debug)]
pub enum Signal {
    /// A sine of so many Hz, 12 dB below full scale.
    Tone(f64),
    /// A sine that wanders without repeating itself soon: where a piece of it belongs can be told.
    Sweep,
}

impl Signal {
    fn at(self, seconds: f64) -> f64 {
        let turns = match self {
            Signal::Tone(hertz) => hertz * seconds,
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
        for number in 0..(seconds as f64 / packet_s) as usize {
            let pcm: Vec<i16> = (0..samples)
                .map(|place| signal.at((number * samples + place) as f64 / rate_hz) as i16)
                .collect();
            let mut datagram = vec![0; HEADER_BYTES + PAYLOAD_BYTES_MAX.max(samples)];
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
            let is_lost = self.seed.unit() < self.impairment.loss;
            let mut arrival_s = start_s + number as f64 * packet_s + late_ms / 1_000.0;
            if self.impairment.in_order {
                arrival_s = arrival_s.max(latest_s);
                latest_s = arrival_s;
            }
            if !is_lost {
                arrivals.push((Duration::from_secs_f64(arrival_s), datagram));
            }
        }
        arrivals.sort_by_key(|(arrival, _)| *arrival);
        arrivals
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
}
