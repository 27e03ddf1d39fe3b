//! Offer and answer (RFC 3264) for one audio stream of RTP.
//!
//! Our order of codecs decides among those offered. Exactly one codec is answered, with telephone-event
//! beside it and comfort noise where it belongs. Every other media line is refused in its place: port 0, same
//! protocol and formats. Taken: `RTP/AVP`, and `RTP/AVPF` as if it were that (its feedback is optional). Not
//! taken: SRTP, rtcp-mux, and connection addresses that are names or multicast, since media would go where
//! nobody has asked for it.

use core::net::IpAddr;

use crate::sdp::{Direction, Media, Origin, RtpMap, SdpError, Session, parse, write};

/// What carries the audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// RFC 7587.
    Opus,
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
}

impl Codec {
    /// Its name in SDP, settings and at the border.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// The codec of this name; case does not count.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Opus, Self::Pcmu, Self::Pcma].into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// Clock of its RTP timestamps.
    #[must_use]
    pub fn clock_hz(self) -> u32 {
        if self == Self::Opus { 48_000 } else { 8_000 }
    }

    /// The payload type that we offer it under.
    fn offered_payload_type(self) -> u8 {
        match self {
            Self::Opus => 111,
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    fn encoding(self) -> RtpMap {
        let channels = if self == Self::Opus { 2 } else { 1 };
        RtpMap { name: self.name().to_owned(), clock_hz: self.clock_hz(), channels }
    }

    /// RFC 7587 wants `/2` of Opus; some forget it.
    fn is(self, encoding: &RtpMap) -> bool {
        encoding.name.eq_ignore_ascii_case(self.name())
            && encoding.clock_hz == self.clock_hz()
            && (self == Self::Opus || encoding.channels == 1)
    }
}

/// What we say about our side.
#[derive(Debug, Clone, Copy)]
pub struct Local<'a> {
    /// Address in `c=` and `o=`.
    pub host: IpAddr,
    /// RTP port; RTCP is the next one.
    pub port: u16,
    /// Number of the session, the same for all descriptions of a call.
    pub session_id: u64,
    /// One more for each description that differs from the last.
    pub session_version: u64,
    /// Codecs, the best first.
    pub codecs: &'a [Codec],
    /// What we want to do.
    pub direction: Direction,
    /// Whether keys may come and go as RFC 4733 says. Without it they have to be tones.
    pub telephone_event: bool,
}

/// What offer and answer settled for the audio of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// Codec in both directions.
    pub codec: Codec,
    /// What we send.
    pub payload_type: u8,
    /// Payload type of RFC 4733; none: digits have to be tones.
    pub telephone_event: Option<u8>,
    /// Clock of its timestamps: the codec's, unless the far end has only another.
    pub telephone_event_rate_hz: u32,
    /// Payload type of RFC 3389.
    pub comfort_noise: Option<u8>,
    /// Where media goes; unspecified (0.0.0.0, ::) while the far end holds the old way.
    pub remote_host: IpAddr,
    /// Its RTP port.
    pub remote_port: u16,
    /// Its RTCP port.
    pub remote_rtcp_port: u16,
    /// As we send and receive.
    pub direction: Direction,
    /// Length of packets that the far end wants, 10 to 60 ms.
    pub ptime_ms: u32,
    /// Version of the far end's description: the same version is the same description.
    pub session_version: u64,
}

const TELEPHONE_EVENT: &str = "telephone-event";
const TELEPHONE_EVENT_8K: u8 = 101;
const TELEPHONE_EVENT_48K: u8 = 110;
const COMFORT_NOISE: u8 = 13;
const PTIME_MS: u32 = 20;

/// What we ask of those who send us Opus (RFC 7587 section 6.1): repairs of lost packets, and at most what is transparent for one voice. Without a
/// limit it may be 510 kbit/s, for which no telephone call has a use, and our store of packets no room.
const OPUS_PARAMETERS: &str = "useinbandfec=1;maxaveragebitrate=64000";

/// An offer of ours.
#[must_use]
pub fn make_offer(local: &Local<'_>) -> Vec<u8> {
    let mut media = our_media(local, "RTP/AVP", local.direction);
    for &codec in local.codecs {
        add_format(&mut media, codec.offered_payload_type(), codec.encoding());
        add_codec_parameters(&mut media, codec, codec.offered_payload_type());
    }
    let has = |clock_hz| local.codecs.iter().any(|codec| codec.clock_hz() == clock_hz);
    for (clock_hz, payload_type) in [(48_000, TELEPHONE_EVENT_48K), (8_000, TELEPHONE_EVENT_8K)] {
        if local.telephone_event && has(clock_hz) {
            add_telephone_event(&mut media, payload_type, clock_hz, "0-16");
        }
    }
    if has(8_000) {
        add_format(&mut media, COMFORT_NOISE, comfort_noise());
    }
    write(&our_session(local, "0 0", vec![media]))
}

/// Our answer to an offer, and what it settles. SdpError: 400 when it cannot be read, 488 when there is no
/// audio for us.
pub fn answer(offer: &[u8], local: &Local<'_>) -> Result<(Vec<u8>, Negotiated), SdpError> {
    let offer = parse(offer)?;
    let mut found = None;
    let mut obstacle = SdpError::unacceptable("no audio stream offered");
    for (index, media) in offer.media.iter().enumerate().filter(|(_, media)| is_usable(media)) {
        match settle(&offer, media, local.codecs, local.direction) {
            Ok(negotiated) => {
                found = Some((index, negotiated));
                break;
            }
            Err(error) => obstacle = error,
        }
    }
    let Some((chosen, mut negotiated)) = found else { return Err(obstacle) };
    if !local.telephone_event {
        (negotiated.telephone_event, negotiated.telephone_event_rate_hz) =
            (None, negotiated.codec.clock_hz());
    }
    let answer_media = |(index, media): (usize, &Media)| {
        if index == chosen { accepted(media, local, &negotiated) } else { refused(media) }
    };
    let media = offer.media.iter().enumerate().map(answer_media).collect();
    let answer = write(&our_session(local, &offer.times, media));
    Ok((answer, negotiated))
}

/// What the far end's answer to our offer settles. SdpError: 400 when it cannot be read or is no answer to
/// this offer, 488 when it refuses our audio.
pub fn accept(offer: &[u8], answer: &[u8]) -> Result<Negotiated, SdpError> {
    let (offer, answer) = (parse(offer)?, parse(answer)?);
    if offer.media.len() != answer.media.len() {
        return Err(SdpError::malformed("answer and offer differ in the number of media lines"));
    }
    let mut lines = offer.media.iter().zip(&answer.media);
    if lines.clone().any(|(ours, theirs)| ours.kind != theirs.kind) {
        return Err(SdpError::malformed("answer and offer differ in the kinds of media"));
    }
    let Some((ours, theirs)) = lines.find(|(ours, _)| is_usable(ours)) else {
        return Err(SdpError::unacceptable("no audio stream was offered"));
    };
    if theirs.port == 0 {
        return Err(SdpError::unacceptable("the audio stream was refused"));
    }
    if !ours.protocol.eq_ignore_ascii_case(&theirs.protocol) {
        return Err(SdpError::malformed("answer and offer differ in the protocol"));
    }
    let offered: Vec<Codec> = formats(ours).filter_map(|(_, encoding)| codec_of(&encoding)).collect();
    // The order of the answer decides, so the codecs are tried as they stand there.
    let answered: Vec<Codec> = formats(theirs)
        .filter_map(|(_, encoding)| codec_of(&encoding))
        .filter(|codec| offered.contains(codec))
        .collect();
    settle(&answer, theirs, &answered, direction_of(&offer, ours))
}

fn is_usable(media: &Media) -> bool {
    let protocol = &media.protocol;
    let is_plain_rtp = protocol.eq_ignore_ascii_case("RTP/AVP") || protocol.eq_ignore_ascii_case("RTP/AVPF");
    media.kind == "audio" && media.port != 0 && is_plain_rtp
}

fn formats(media: &Media) -> impl Iterator<Item = (u8, RtpMap)> + '_ {
    media.payload_types().filter_map(|payload_type| Some((payload_type, media.encoding(payload_type)?)))
}

fn codec_of(encoding: &RtpMap) -> Option<Codec> {
    [Codec::Opus, Codec::Pcmu, Codec::Pcma].into_iter().find(|codec| codec.is(encoding))
}

fn direction_of(session: &Session, media: &Media) -> Direction {
    media.direction.or(session.direction).unwrap_or_default()
}

/// Reads the far end's media line: the first of `codecs` that is in it, and everything that goes with it.
fn settle(
    session: &Session,
    theirs: &Media,
    codecs: &[Codec],
    ours: Direction,
) -> Result<Negotiated, SdpError> {
    let find = |codec: &Codec| {
        formats(theirs)
            .find(|(_, encoding)| codec.is(encoding))
            .map(|(payload_type, _)| (*codec, payload_type))
    };
    let Some((codec, payload_type)) = codecs.iter().find_map(find) else {
        return Err(SdpError::unacceptable("no codec in common"));
    };
    let remote_host = remote_host(session, theirs)?;
    let mut their_direction = direction_of(session, theirs);
    if remote_host.is_unspecified() {
        // Hold the old way (RFC 3264 section 8.4): there is nowhere to send to.
        their_direction = Direction::new(their_direction.sends(), false);
    }
    let telephone_event = telephone_event(theirs, codec);
    let ptime_ms = theirs.ptime_ms.unwrap_or(PTIME_MS).min(theirs.maxptime_ms.unwrap_or(u32::MAX));
    Ok(Negotiated {
        codec,
        payload_type,
        telephone_event: telephone_event.map(|(number, _)| number),
        telephone_event_rate_hz: telephone_event.map_or(codec.clock_hz(), |(_, clock_hz)| clock_hz),
        comfort_noise: find_comfort_noise(theirs, codec),
        remote_host,
        remote_port: theirs.port,
        remote_rtcp_port: theirs.rtcp_port.unwrap_or(theirs.port.saturating_add(1)),
        direction: ours.against(their_direction),
        ptime_ms: ptime_ms.clamp(10, 60),
        session_version: session.origin.session_version,
    })
}

fn remote_host(session: &Session, media: &Media) -> Result<IpAddr, SdpError> {
    let Some(written) = media.connection.as_ref().or(session.connection.as_ref()) else {
        return Err(SdpError::malformed("no c= line for the audio stream"));
    };
    let Ok(host) = written.parse::<IpAddr>() else {
        return Err(SdpError::unacceptable(
            "the address for media (c=) is a name; names are not looked up there, it must be an IP address",
        ));
    };
    if host.is_multicast() || host == IpAddr::from([255, 255, 255, 255]) {
        return Err(SdpError::unacceptable("the address for media is not one host"));
    }
    Ok(host)
}

/// The one at the codec's clock; else, as some offer only that beside Opus, the one at 8000 Hz.
fn telephone_event(media: &Media, codec: Codec) -> Option<(u8, u32)> {
    let at = |clock_hz| {
        let is_it = |encoding: &RtpMap| {
            encoding.name.eq_ignore_ascii_case(TELEPHONE_EVENT) && encoding.clock_hz == clock_hz
        };
        formats(media).find(|(_, encoding)| is_it(encoding)).map(|(number, _)| (number, clock_hz))
    };
    at(codec.clock_hz()).or_else(|| at(8_000))
}

/// Comfort noise belongs to codecs of its clock.
fn find_comfort_noise(media: &Media, codec: Codec) -> Option<u8> {
    let is_it =
        |encoding: &RtpMap| encoding.name.eq_ignore_ascii_case("CN") && encoding.clock_hz == codec.clock_hz();
    formats(media).find(|(_, encoding)| is_it(encoding)).map(|(number, _)| number)
}

fn accepted(theirs: &Media, local: &Local<'_>, negotiated: &Negotiated) -> Media {
    let mut media = our_media(local, &theirs.protocol, negotiated.direction);
    let payload_type = negotiated.payload_type;
    add_format(&mut media, payload_type, negotiated.codec.encoding());
    add_codec_parameters(&mut media, negotiated.codec, payload_type);
    if let Some(number) = negotiated.telephone_event {
        let is_ours = |(of, parameters): &&(u8, String)| *of == number && parameters == "0-15";
        let events =
            if theirs.format_parameters.iter().any(|entry| is_ours(&entry)) { "0-15" } else { "0-16" };
        add_telephone_event(&mut media, number, negotiated.telephone_event_rate_hz, events);
    }
    if let Some(number) = negotiated.comfort_noise {
        add_format(&mut media, number, comfort_noise());
    }
    media
}

/// RFC 3264 section 6: port 0; the rest is there for the grammar.
fn refused(theirs: &Media) -> Media {
    Media {
        kind: theirs.kind.clone(),
        port: 0,
        protocol: theirs.protocol.clone(),
        formats: theirs.formats.clone(),
        ..Media::default()
    }
}

fn our_session(local: &Local<'_>, times: &str, media: Vec<Media>) -> Session {
    let host = local.host.to_string();
    Session {
        origin: Origin {
            username: "roomtone".to_owned(),
            session_id: local.session_id,
            session_version: local.session_version,
            address: host.clone(),
        },
        times: times.to_owned(),
        connection: Some(host),
        direction: None,
        media,
    }
}

fn our_media(local: &Local<'_>, protocol: &str, direction: Direction) -> Media {
    Media {
        kind: "audio".to_owned(),
        port: local.port,
        protocol: protocol.to_owned(),
        direction: Some(direction),
        ptime_ms: Some(PTIME_MS),
        ..Media::default()
    }
}

fn comfort_noise() -> RtpMap {
    RtpMap { name: "CN".to_owned(), clock_hz: 8_000, channels: 1 }
}

fn add_format(media: &mut Media, payload_type: u8, encoding: RtpMap) {
    media.formats.push(payload_type.to_string());
    media.rtpmaps.push((payload_type, encoding));
}

fn add_codec_parameters(media: &mut Media, codec: Codec, payload_type: u8) {
    if codec == Codec::Opus {
        media.format_parameters.push((payload_type, OPUS_PARAMETERS.to_owned()));
    }
}

fn add_telephone_event(media: &mut Media, payload_type: u8, clock_hz: u32, events: &str) {
    add_format(media, payload_type, RtpMap { name: TELEPHONE_EVENT.to_owned(), clock_hz, channels: 1 });
    media.format_parameters.push((payload_type, events.to_owned()));
}
