//! Session descriptions (RFC 4566, 8866): reading and writing, with no opinion on what is offered.
//!
//! Strict where a guess would send media to a wrong place (connection, port, media line), lenient where
//! phones are sloppy (bare LF, missing `s=` and `t=`, unknown lines). Everything is bounded; what is over a
//! bound is an error, so a description is either known whole or refused.

use core::fmt;
use core::net::IpAddr;

/// Longest description in bytes.
const BYTES_MAX: usize = 32_768;
/// Most lines in a description: `a=` lines are the bulk of them.
const LINES_MAX: usize = 1_024;
/// Most media lines.
const MEDIA_MAX: usize = 32;
/// Most formats on a media line.
const FORMATS_MAX: usize = 64;

/// An SDP that cannot be read (400), or that holds nothing we can take (488).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdpError {
    /// The status for a SIP answer.
    pub status: u16,
    /// What is wrong, for a person.
    pub reason: String,
}

impl SdpError {
    pub(crate) fn malformed(reason: impl Into<String>) -> Self {
        Self { status: 400, reason: reason.into() }
    }

    pub(crate) fn unacceptable(reason: impl Into<String>) -> Self {
        Self { status: 488, reason: reason.into() }
    }
}

impl fmt::Display for SdpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)
    }
}

impl core::error::Error for SdpError {}

/// Who sends and receives, from the side that says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// We send only.
    SendOnly,
    /// We receive only.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// The word in an attribute.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The attribute of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive]
            .into_iter()
            .find(|direction| direction.name() == name)
    }

    /// From (sends, receives).
    #[must_use]
    pub fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether this side sends.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether this side receives.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// What is left of ours when the other side says this of itself.
    #[must_use]
    pub fn against(self, theirs: Self) -> Self {
        Self::new(self.sends() && theirs.receives(), self.receives() && theirs.sends())
    }
}

/// `o=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// User name; `-` when there is none.
    pub username: String,
    /// Number of the session. One that is too large is the largest.
    pub session_id: u64,
    /// Grows with each change of the description.
    pub session_version: u64,
    /// Where it was made.
    pub address: String,
}

/// `a=rtpmap`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtpMap {
    /// Name of the encoding, as written; compare without case.
    pub name: String,
    /// Clock of the timestamps.
    pub clock_hz: u32,
    /// Channels; 1 when not written.
    pub channels: u8,
}

/// `m=` and the lines that belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Media {
    /// `audio`, `video`, `image` ...
    pub kind: String,
    /// 0: not wanted.
    pub port: u16,
    /// `RTP/AVP` ...
    pub protocol: String,
    /// Formats in order: payload types with RTP, words otherwise.
    pub formats: Vec<String>,
    /// The address media is wanted at; none: the session's.
    pub connection: Option<String>,
    /// Its direction; none: the session's.
    pub direction: Option<Direction>,
    /// Encodings by payload type.
    pub rtpmaps: Vec<(u8, RtpMap)>,
    /// Parameters by payload type.
    pub format_parameters: Vec<(u8, String)>,
    /// Packet length wanted, in milliseconds.
    pub ptime_ms: Option<u32>,
    /// Longest packet taken, in milliseconds.
    pub maxptime_ms: Option<u32>,
    /// Port of `a=rtcp` (RFC 3605).
    pub rtcp_port: Option<u16>,
}

impl Media {
    /// Payload types on the media line, in order.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> + '_ {
        self.formats.iter().filter_map(|format| format.parse().ok()).filter(|&number: &u8| number < 128)
    }

    /// What a payload type stands for: its rtpmap, else the static assignment of RFC 3551.
    #[must_use]
    pub fn encoding(&self, payload_type: u8) -> Option<RtpMap> {
        let written =
            self.rtpmaps.iter().find(|(number, _)| *number == payload_type).map(|(_, map)| map.clone());
        let fixed = match payload_type {
            0 => "PCMU",
            8 => "PCMA",
            13 => "CN",
            _ => return written,
        };
        written.or_else(|| Some(RtpMap { name: fixed.to_owned(), clock_hz: 8_000, channels: 1 }))
    }
}

/// A whole description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// `o=`.
    pub origin: Origin,
    /// `t=`, as written.
    pub times: String,
    /// The address for all media without one of their own.
    pub connection: Option<String>,
    /// The direction of all media without one of their own.
    pub direction: Option<Direction>,
    /// Media, in order.
    pub media: Vec<Media>,
}

/// Reads a description. SdpError with status 400.
pub fn parse(bytes: &[u8]) -> Result<Session, SdpError> {
    if bytes.len() > BYTES_MAX {
        return Err(SdpError::malformed(format!("SDP longer than {BYTES_MAX} bytes")));
    }
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).enumerate();
    if lines.next().map(|(_, line)| line) != Some("v=0") {
        return Err(SdpError::malformed("SDP does not begin with v=0"));
    }
    let mut origin = None;
    let mut session = Session {
        origin: Origin { username: String::new(), session_id: 0, session_version: 0, address: String::new() },
        times: "0 0".to_owned(),
        connection: None,
        direction: None,
        media: Vec::new(),
    };
    for (number, line) in lines {
        if number >= LINES_MAX {
            return Err(SdpError::malformed(format!("SDP with more than {LINES_MAX} lines")));
        }
        let Some((kind, value)) = line.split_once('=').filter(|(kind, _)| kind.len() == 1) else {
            return Err(SdpError::malformed(format!("SDP line {} is not type=value", number + 1)));
        };
        match kind {
            "o" if origin.is_none() => origin = Some(parse_origin(value)?),
            "t" if session.media.is_empty() => session.times = parse_times(value),
            "c" => {
                let address = Some(parse_connection(value)?);
                match session.media.last_mut() {
                    Some(media) => media.connection = address,
                    None => session.connection = address,
                }
            }
            "m" if session.media.len() >= MEDIA_MAX => {
                return Err(SdpError::malformed(format!("SDP with more than {MEDIA_MAX} media lines")));
            }
            "m" => session.media.push(parse_media(value)?),
            "a" => parse_attribute(&mut session, value)?,
            _ => {}
        }
    }
    session.origin = origin.ok_or_else(|| SdpError::malformed("SDP without o="))?;
    Ok(session)
}

fn parse_origin(value: &str) -> Result<Origin, SdpError> {
    let fields: Vec<&str> = value.split_ascii_whitespace().collect();
    let &[username, session_id, session_version, "IN", _, address] = fields.as_slice() else {
        return Err(SdpError::malformed("malformed o= line"));
    };
    Ok(Origin {
        username: username.to_owned(),
        session_id: parse_number(session_id)?,
        session_version: parse_number(session_version)?,
        address: address.to_owned(),
    })
}

/// RFC 4566 sets no size for these numbers.
fn parse_number(digits: &str) -> Result<u64, SdpError> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SdpError::malformed("malformed number in o= line"));
    }
    Ok(digits.parse().unwrap_or(u64::MAX))
}

/// Only what may be repeated in an answer; anything else counts as unbounded.
fn parse_times(value: &str) -> String {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ') && value.len() <= 64;
    let is_pair = value.split(' ').filter(|part| !part.is_empty()).count() == 2;
    if is_plain && is_pair { value.to_owned() } else { "0 0".to_owned() }
}

fn parse_connection(value: &str) -> Result<String, SdpError> {
    let mut fields = value.split_ascii_whitespace();
    match (fields.next(), fields.next(), fields.next()) {
        (Some("IN"), Some("IP4" | "IP6"), Some(address)) => {
            Ok(address.split('/').next().unwrap_or_default().to_owned())
        }
        _ => Err(SdpError::malformed("malformed c= line")),
    }
}

fn parse_media(value: &str) -> Result<Media, SdpError> {
    let malformed = || SdpError::malformed("malformed m= line");
    let mut fields = value.split_ascii_whitespace();
    let kind = fields.next().ok_or_else(malformed)?;
    let port = fields.next().ok_or_else(malformed)?.split('/').next().unwrap_or_default();
    let protocol = fields.next().ok_or_else(malformed)?;
    let formats: Vec<String> = fields.map(str::to_owned).collect();
    if formats.is_empty() {
        return Err(malformed());
    }
    if formats.len() > FORMATS_MAX {
        return Err(SdpError::malformed(format!("m= line with more than {FORMATS_MAX} formats")));
    }
    Ok(Media {
        kind: kind.to_owned(),
        port: port.parse().map_err(|_| malformed())?,
        protocol: protocol.to_owned(),
        formats,
        ..Media::default()
    })
}

/// Attributes that are not ours, or nonsense in ones that only describe a format, do no harm.
fn parse_attribute(session: &mut Session, value: &str) -> Result<(), SdpError> {
    let (name, value) = value.split_once(':').unwrap_or((value, ""));
    if let Some(direction) = Direction::from_name(name) {
        match session.media.last_mut() {
            Some(media) => media.direction = Some(direction),
            None => session.direction = Some(direction),
        }
        return Ok(());
    }
    let Some(media) = session.media.last_mut() else { return Ok(()) };
    match name {
        "rtpmap" => media.rtpmaps.extend(parse_rtpmap(value)),
        "fmtp" => {
            media.format_parameters.extend(parse_by_payload_type(value).map(|(n, v)| (n, v.to_owned())))
        }
        "ptime" => media.ptime_ms = parse_milliseconds(value),
        "maxptime" => media.maxptime_ms = parse_milliseconds(value),
        "rtcp" => {
            let port = value.split_ascii_whitespace().next().unwrap_or_default();
            let port = port.parse().map_err(|_| SdpError::malformed("malformed a=rtcp line"))?;
            media.rtcp_port = Some(port);
        }
        _ => {}
    }
    Ok(())
}

fn parse_by_payload_type(value: &str) -> Option<(u8, &str)> {
    let (number, rest) = value.trim().split_once(' ')?;
    Some((number.parse().ok()?, rest.trim()))
}

fn parse_rtpmap(value: &str) -> Option<(u8, RtpMap)> {
    let (payload_type, encoding) = parse_by_payload_type(value)?;
    let mut parts = encoding.split('/').map(str::trim);
    let name = parts.next()?.to_owned();
    let clock_hz = parts.next()?.parse().ok()?;
    let channels = parts.next().and_then(|channels| channels.parse().ok()).unwrap_or(1);
    Some((payload_type, RtpMap { name, clock_hz, channels }))
}

/// Some write `20.0` or `20 `.
fn parse_milliseconds(value: &str) -> Option<u32> {
    value.trim().split('.').next()?.parse().ok().filter(|&milliseconds| milliseconds > 0)
}

/// Writes a description, session name `-`.
#[must_use]
pub fn write(session: &Session) -> Vec<u8> {
    let origin = &session.origin;
    let mut out = String::with_capacity(512);
    let mut line = |text: String| {
        out.push_str(&text);
        out.push_str("\r\n");
    };
    line("v=0".to_owned());
    line(format!(
        "o={} {} {} IN {} {}",
        origin.username,
        origin.session_id,
        origin.session_version,
        address_type(&origin.address),
        origin.address
    ));
    line("s=-".to_owned());
    if let Some(address) = &session.connection {
        line(format!("c=IN {} {address}", address_type(address)));
    }
    line(format!("t={}", session.times));
    if let Some(direction) = session.direction {
        line(format!("a={}", direction.name()));
    }
    for media in &session.media {
        write_media(media, &mut line);
    }
    out.into_bytes()
}

fn write_media(media: &Media, line: &mut impl FnMut(String)) {
    line(format!("m={} {} {} {}", media.kind, media.port, media.protocol, media.formats.join(" ")));
    if let Some(address) = &media.connection {
        line(format!("c=IN {} {address}", address_type(address)));
    }
    for (number, map) in &media.rtpmaps {
        let channels = if map.channels > 1 { format!("/{}", map.channels) } else { String::new() };
        line(format!("a=rtpmap:{number} {}/{}{channels}", map.name, map.clock_hz));
    }
    for (number, parameters) in &media.format_parameters {
        line(format!("a=fmtp:{number} {parameters}"));
    }
    if let Some(milliseconds) = media.ptime_ms {
        line(format!("a=ptime:{milliseconds}"));
    }
    if let Some(milliseconds) = media.maxptime_ms {
        line(format!("a=maxptime:{milliseconds}"));
    }
    if let Some(port) = media.rtcp_port {
        line(format!("a=rtcp:{port}"));
    }
    if let Some(direction) = media.direction {
        line(format!("a={}", direction.name()));
    }
}

fn address_type(address: &str) -> &'static str {
    match address.parse() {
        Ok(IpAddr::V6(_)) => "IP6",
        _ => "IP4",
    }
}
