//! What was heard, as the harness reads it: one file of little-endian arrays; the printed JSON says where each begins.
//!
//! For a leg that listens: arrivals (u64 ns), RTP timestamps in frames since its first packet (i64), then (packets × 160) int16 at 8 kHz. For every leg:
//! when its packets of the window left (u64 ns). Opus is decoded at 8 kHz, in the order of sequence, without concealment.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use opusic_c::{Channels, Decoder, SampleRate};
use serde::Serialize;

use crate::g711;
use crate::leg::Leg;
use crate::plan::Codec;

/// Samples of a frame in the file.
const FRAME_SAMPLES: usize = 160;

/// Where a leg's arrays begin, in bytes, and how many packets they hold.
#[derive(Debug, Default, Serialize)]
pub struct Place {
    /// Arrivals, frames and samples of what was heard stand here, in this order.
    pub heard_at: u64,
    /// Packets heard.
    pub heard: usize,
    /// Times of what was said.
    pub sent_at: u64,
    /// Packets said.
    pub sent: usize,
    /// The frame, counted from the leg's first, that these begin with.
    pub first_sent: usize,
}

/// Writes all legs; their places in the order of the legs.
pub fn write(path: &Path, legs: &[Leg]) -> io::Result<Vec<Place>> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut position = 0;
    let mut places = Vec::with_capacity(legs.len());
    for leg in legs {
        let mut bytes = Vec::new();
        let mut place = Place { heard_at: position, ..Place::default() };
        if leg.plan.listens {
            place.heard = leg.received.len();
            heard(leg, &mut bytes);
        }
        place.sent_at = position + bytes.len() as u64;
        place.sent = leg.sent.len();
        place.first_sent = leg.first_sent;
        leg.sent.iter().for_each(|time| bytes.extend_from_slice(&time.to_le_bytes()));
        file.write_all(&bytes)?;
        position += bytes.len() as u64;
        places.push(place);
    }
    file.flush()?;
    Ok(places)
}

fn heard(leg: &Leg, bytes: &mut Vec<u8>) {
    let mut packets: Vec<_> = leg.received.iter().collect();
    let clock = if leg.plan.codec == Codec::Pcmu { 160 } else { 960 };
    let first = packets.first().map_or(0, |packet| packet.header.timestamp);
    let frame = |timestamp: u32| i64::from(timestamp.wrapping_sub(first) as i32) / clock;
    packets.sort_by_key(|packet| frame(packet.header.timestamp));
    packets.iter().for_each(|packet| bytes.extend_from_slice(&packet.arrival.to_le_bytes()));
    packets.iter().for_each(|packet| bytes.extend_from_slice(&frame(packet.header.timestamp).to_le_bytes()));
    let mut decoder = Decoder::new(Channels::Mono, SampleRate::Hz8000).expect("memory for a decoder");
    for packet in packets {
        let payload = &leg.payloads[packet.payload.clone()];
        let mut samples = [0i16; FRAME_SAMPLES];
        match leg.plan.codec {
            Codec::Pcmu => {
                samples.iter_mut().zip(payload).for_each(|(sample, code)| *sample = g711::decode(*code));
            }
            Codec::Opus | Codec::OpusWide => {
                let mut floats = [0f32; FRAME_SAMPLES];
                // A payload that is not Opus, or not 20 ms, is heard as silence.
                let _ = decoder.decode_float_to_slice(payload, &mut floats, false);
                samples
                    .iter_mut()
                    .zip(floats)
                    .for_each(|(sample, float)| *sample = (float * 32_768.0) as i16);
            }
        }
        samples.iter().for_each(|sample| bytes.extend_from_slice(&sample.to_le_bytes()));
    }
}
