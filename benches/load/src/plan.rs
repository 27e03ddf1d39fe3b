//! What a run is to do, as the harness writes it.

use std::path::PathBuf;

use serde::Deserialize;

/// One run: calls, the time they last, what is recorded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// HOST:PORT of the server; empty: no signalling, packets go straight to `echo_port` and up.
    #[serde(default)]
    pub sip: String,
    /// Lowest port of the echo; leg n has `echo_port + 2n`.
    #[serde(default)]
    pub echo_port: u16,
    /// Whose CPU time and memory are read; 0: nobody's.
    #[serde(default)]
    pub pid: u32,
    /// Of losses, delays, phases, and RTP's random beginnings.
    pub seed: u64,
    /// Our lowest RTP port; leg n has `base_port + 2n`, its RTCP the one above.
    pub base_port: u16,
    /// INVITEs a second.
    pub calls_per_second: f64,
    /// From the last answer to the window that is measured.
    pub settle_s: f64,
    /// The window.
    pub measure_s: f64,
    /// 0: calls last to the end of the window; else each is hung up that long after its answer.
    #[serde(default)]
    pub hold_s: f64,
    /// Where packets of legs that listen are written.
    pub capture: PathBuf,
    /// What can be said; legs name them by index.
    pub signals: Vec<SignalPlan>,
    /// The telephones.
    pub legs: Vec<LegPlan>,
}

/// One telephone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegPlan {
    /// User part of the request URI.
    #[serde(default)]
    pub number: String,
    /// User part of From.
    #[serde(default)]
    pub caller: String,
    /// The one codec that is offered.
    pub codec: Codec,
    /// Index into the plan's signals.
    pub signal: usize,
    /// Whether what it hears is written to the capture file.
    #[serde(default)]
    pub listens: bool,
    /// Share of its packets that never leave.
    #[serde(default)]
    pub loss: f64,
    /// Mean of an exponential delay, drawn for each packet by itself: packets overtake each other.
    #[serde(default)]
    pub jitter_ms: f64,
    /// How much too slow its clock is: a packet every 20 ms × (1 + this).
    #[serde(default)]
    pub skew_ppm: f64,
}

/// Codec of a leg, both ways.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Codec {
    /// G.711 µ-law, 8 kHz.
    #[serde(rename = "PCMU")]
    Pcmu,
    /// Opus, 48 kHz clock, mono, 32 kbit/s: full band, as browsers send.
    #[serde(rename = "opus")]
    Opus,
    /// The same at 16 kbit/s: wide band, as telephones that save send.
    #[serde(rename = "opus-wide")]
    OpusWide,
}

/// Ten seconds of sound that are repeated. `peak`: of 32767.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum SignalPlan {
    /// Digital silence.
    Silence,
    /// White noise, uniform in ±peak.
    Noise { peak: f64, seed: u64 },
    /// A steady tone; hertz in tenths, so that ten seconds hold whole periods.
    Tone { hertz: f64, peak: f64 },
    /// The same with a chirp (60 ms, 600 to 3000 Hz) in its place once a second, `offset_ms` into it.
    Marked { hertz: f64, peak: f64, offset_ms: u32 },
    /// The tone in bursts: on at the beginning of each period.
    Bursts { hertz: f64, peak: f64, on_ms: u32, period_ms: u32 },
    /// Something like a voice: harmonics of `hertz` under three formants, in syllables.
    Voice { hertz: f64, peak: f64 },
}
