//! A bus with a far end beside each leg. Every tick each of them sends 20 ms of what it has to say and
//! decodes what it gets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use roomtone_media::bus::{Bus, Row, Sends};
use roomtone_media::codec::{Codec, Decoder, ENCODED_BYTES_MAX, Encoder};
use roomtone_media::event::Event;
use roomtone_media::id::{BusId, LegId};
use roomtone_media::leg::{Leg, LegMedia, LegMediaConfig};
use roomtone_media::receiver::JitterConfig;
use roomtone_media::rtp::{Header, Packet, parse, write_header};
use roomtone_media::tap::{Tap, TapPoint};

pub const TICK: Duration = Duration::from_millis(20);

/// What a far end says: the sample at a position, in samples of its codec.
pub type Speech = Box<dyn FnMut(u64) -> i16>;

/// A packet as the far end got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    pub payload_type: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: Vec<u8>,
}

/// Beside a leg.
pub struct Far {
    pub codec: Codec,
    pub speech: Speech,
    pub sends: bool,
    /// Its packets are lost on the way.
    pub loses: bool,
    encoder: Encoder,
    decoder: Decoder,
    header: Header,
    position: u64,
    /// Everything that it heard, a frame for each tick; silence where no packet came.
    pub heard: Vec<i16>,
    pub packets: Vec<Option<Got>>,
}

impl Far {
    /// An event packet of a key that begins now, besides the audio.
    fn key_packet(&self, event: u8) -> Vec<u8> {
        let mut datagram = vec![0; 16];
        let header = Header { payload_type: TELEPHONE_EVENT, marker: true, ..self.header };
        write_header(&header, &mut datagram);
        datagram[12..].copy_from_slice(&[event, 0x0A, 0, 160]);
        datagram
    }

    fn audio_packet(&mut self) -> Vec<u8> {
        let samples = self.codec.frame_samples();
        let pcm: Vec<i16> = (0..samples as u64).map(|n| (self.speech)(self.position + n)).collect();
        let mut datagram = vec![0; 12 + ENCODED_BYTES_MAX];
        write_header(&self.header, &mut datagram);
        let bytes = self.encoder.encode(&pcm, &mut datagram[12..]);
        datagram.truncate(12 + bytes);
        self.advance(samples);
        datagram
    }

    fn advance(&mut self, samples: usize) {
        self.position += samples as u64;
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(samples as u32);
    }

    fn take(&mut self, packet: &[u8]) {
        let mut pcm = vec![0; self.codec.frame_samples()];
        let packet = parse(packet).ok();
        if let Some(Packet { payload_type, payload, .. }) = packet
            && payload_type == payload_type_of(self.codec)
        {
            let samples = self.decoder.decode(payload, &mut pcm).expect("a payload of its codec");
            assert_eq!(samples, pcm.len());
        }
        self.heard.extend(pcm);
        self.packets.push(packet.map(|packet| Got {
            payload_type: packet.payload_type,
            marker: packet.marker,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
            payload: packet.payload.to_vec(),
        }));
    }
}

pub const TELEPHONE_EVENT: u8 = 101;

pub fn payload_type_of(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
        Codec::Opus => 111,
    }
}

pub fn media_config(codec: Codec, leg: LegId) -> LegMediaConfig {
    LegMediaConfig {
        codec,
        payload_type: payload_type_of(codec),
        telephone_event: Some((TELEPHONE_EVENT, codec.clock_hz())),
        comfort_noise: None,
        ssrc: 0x1000 + leg.0 as u32,
        sequence: 65_500,
        timestamp: u32::MAX - 5_000,
        jitter: JitterConfig::Fixed { delay_ms: 0 },
    }
}

pub struct Room {
    pub bus: Bus<Far>,
    pub now: Duration,
    pub events: Vec<Event>,
}

pub const EVERYBODY: Row = Row { sends: Sends::All, hears: true, gain_db: 0.0 };
pub const LISTENER: Row = Row { sends: Sends::Nobody, hears: true, gain_db: 0.0 };

impl Room {
    pub fn new() -> Room {
        Room { bus: Bus::new(BusId(1), 8), now: Duration::from_secs(1), events: Vec::new() }
    }

    /// A leg with a far end that says this.
    pub fn join(
        &mut self,
        leg: u64,
        codec: Codec,
        row: Row,
        speech: impl FnMut(u64) -> i16 + 'static,
    ) -> LegId {
        self.join_as(leg, &media_config(codec, LegId(leg)), row, speech)
    }

    pub fn join_as(
        &mut self,
        leg: u64,
        config: &LegMediaConfig,
        row: Row,
        speech: impl FnMut(u64) -> i16 + 'static,
    ) -> LegId {
        let id = LegId(leg);
        let mut boxed = Box::new(Leg::new(id));
        assert!(boxed.configure(Box::new(LegMedia::new(config, self.now))).is_none());
        let far = Far {
            codec: config.codec,
            speech: Box::new(speech),
            sends: true,
            loses: false,
            encoder: Encoder::new(config.codec),
            decoder: Decoder::new(config.codec),
            header: Header {
                payload_type: config.payload_type,
                marker: false,
                sequence: 1_000,
                timestamp: 77,
                ssrc: leg as u32,
            },
            position: 0,
            heard: Vec::new(),
            packets: Vec::new(),
        };
        self.bus.insert(boxed, far);
        assert!(self.bus.set_row(id, row));
        id
    }

    /// A leg that says nothing and listens.
    pub fn join_silent(&mut self, leg: u64, codec: Codec) -> LegId {
        self.join(leg, codec, LISTENER, |_| 0)
    }

    pub fn far(&mut self, leg: LegId) -> &mut Far {
        self.bus.leg_mut(leg).expect("on the bus").1
    }

    pub fn leg(&mut self, leg: LegId) -> &mut Leg {
        self.bus.leg_mut(leg).expect("on the bus").0
    }

    /// The far end presses a key.
    pub fn press(&mut self, leg: LegId, event: u8) {
        let arrival = self.now;
        let (leg, far) = self.bus.leg_mut(leg).expect("on the bus");
        let packet = far.key_packet(event);
        far.advance(far.codec.frame_samples());
        leg.handle_rtp(&packet, arrival);
    }

    pub fn run(&mut self, ticks: usize) {
        for _ in 0..ticks {
            for (leg, far) in self.bus.legs_mut() {
                if far.sends {
                    let packet = far.audio_packet();
                    if !far.loses {
                        leg.handle_rtp(&packet, self.now);
                    }
                }
            }
            self.now += TICK;
            self.bus.mix(self.now, &mut self.events, |_, _| (), |_, _| ());
            for (leg, far) in self.bus.legs_mut() {
                far.take(leg.packet());
            }
            while self.bus.take_retired().is_some() {}
        }
    }

    /// A copy of what passes a point of a leg from now on.
    pub fn tap(&mut self, leg: LegId, point: TapPoint) -> Samples {
        let samples = Samples::default();
        self.leg(leg).set_tap(point, Some(Box::new(samples.clone())));
        samples
    }
}

/// Samples that a tap has taken.
#[derive(Clone, Default)]
pub struct Samples(Arc<Mutex<Vec<i16>>>);

impl Samples {
    pub fn take(&self) -> Vec<i16> {
        core::mem::take(&mut self.0.lock().expect("one thread"))
    }
}

impl Tap for Samples {
    fn write(&mut self, _now: Duration, _rate_hz: u32, pcm: &[i16]) {
        self.0.lock().expect("one thread").extend_from_slice(pcm);
    }
}

/// A sine of that peak.
pub fn tone(rate_hz: u32, hertz: f64, peak: f64) -> impl FnMut(u64) -> i16 + 'static {
    move |n| (peak * (core::f64::consts::TAU * hertz * n as f64 / f64::from(rate_hz)).sin()).round() as i16
}

/// Peak of a sine of that level.
pub fn peak_of(level_dbm0: f64) -> f64 {
    22_747.66 * 10f64.powf(level_dbm0 / 20.0)
}

/// Power of the best fitting sine of a frequency, as the square of its peak over two.
pub fn power_at(pcm: &[i16], rate_hz: u32, hertz: f64) -> f64 {
    let (mut cosine, mut sine) = (0.0, 0.0);
    for (n, &x) in pcm.iter().enumerate() {
        let angle = core::f64::consts::TAU * hertz * n as f64 / f64::from(rate_hz);
        cosine += f64::from(x) * angle.cos();
        sine += f64::from(x) * angle.sin();
    }
    2.0 * (cosine * cosine + sine * sine) / (pcm.len() as f64).powi(2)
}

pub fn power(pcm: &[i16]) -> f64 {
    pcm.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / pcm.len() as f64
}

/// Signal to noise and distortion in dB, where the signal is what fits sines of these frequencies best (least
/// squares, so that they need not fit the window).
pub fn sinad_db(pcm: &[i16], rate_hz: u32, hertz: &[f64]) -> f64 {
    let basis: Vec<Vec<f64>> = hertz
        .iter()
        .flat_map(|&f| {
            let angle = move |n: usize| core::f64::consts::TAU * f * n as f64 / f64::from(rate_hz);
            [
                (0..pcm.len()).map(|n| angle(n).cos()).collect::<Vec<f64>>(),
                (0..pcm.len()).map(|n| angle(n).sin()).collect(),
            ]
        })
        .collect();
    let mut rest: Vec<f64> = pcm.iter().map(|&x| f64::from(x)).collect();
    // Orthogonal within a window of a second but for the edges: a few rounds of projection converge.
    for _ in 0..30 {
        for wave in &basis {
            let norm: f64 = wave.iter().map(|x| x * x).sum();
            let share = wave.iter().zip(&rest).map(|(w, r)| w * r).sum::<f64>() / norm;
            rest.iter_mut().zip(wave).for_each(|(r, w)| *r -= share * w);
        }
    }
    let noise: f64 = rest.iter().map(|x| x * x).sum();
    let total: f64 = pcm.iter().map(|&x| f64::from(x).powi(2)).sum();
    10.0 * ((total - noise) / noise.max(1e-9)).log10()
}
