//! From bytes to a message, its faults, and our own view of it.

use core::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use sipx_sip::error::{LimitKind, ParseError};
use sipx_sip::headers::{Contact, From, RecordRoute, To};
use sipx_sip::{
    Address, CSeq, Finding, HeaderName, Headers, Host, Request, Response, Via, parse_datagram,
    validate_request, validate_response,
};

use crate::flow::Flow;
use crate::key::Key;
use crate::limits::Limits;
use crate::message::Message;
use crate::reply::{Copied, is_unwritable};
use crate::via::TopVia;

/// A message that could be cut into lines; its headers may still be nonsense.
#[derive(Debug, Clone)]
pub(crate) enum Parsed {
    Request(WireRequest),
    Response(WireResponse),
}

/// A request with its bytes.
#[derive(Debug, Clone)]
pub(crate) struct WireRequest(pub(super) Request);

/// A response with its bytes.
#[derive(Debug, Clone)]
pub(crate) struct WireResponse(pub(super) Response);

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SyntaxFault {
    Malformed(String),
    BodyTooLarge,
    MessageTooLarge,
}

/// Cuts one whole message. Bytes after the body are ignored (RFC 3261 section 18.3).
pub(crate) fn parse(bytes: &[u8], limits: &Limits) -> Result<Parsed, SyntaxFault> {
    let limits = sipx_sip::Limits {
        max_message_bytes: limits.message_bytes_max,
        max_body_bytes: limits.body_bytes_max,
        max_headers: limits.headers_max,
        max_header_bytes: limits.header_bytes_max,
        ..sipx_sip::Limits::datagram()
    };
    match parse_datagram(Bytes::copy_from_slice(bytes), &limits) {
        Ok(sipx_sip::Message::Request(request)) => Ok(Parsed::Request(WireRequest(request))),
        Ok(sipx_sip::Message::Response(response)) => Ok(Parsed::Response(WireResponse(response))),
        Err(ParseError::Limit { limit: LimitKind::BodyBytes, .. }) => Err(SyntaxFault::BodyTooLarge),
        Err(ParseError::Limit { limit: LimitKind::MessageBytes, .. }) => Err(SyntaxFault::MessageTooLarge),
        Err(error) => Err(SyntaxFault::Malformed(error.to_string())),
    }
}

/// As `parse_via`, of a hop whose parameters may be nonsense: enough to send an answer to.
pub(crate) fn parse_broken_via(row: &[u8], source: SocketAddr) -> Option<TopVia> {
    parse_via(row, source).or_else(|| {
        let sound = row.split(|&byte| matches!(byte, b';' | b',')).next()?;
        let via = parse_via(sound, source)?;
        Some(TopVia { amended: None, ..via })
    })
}

/// Reads the first hop of a Via row and says how it looks with the address that it really came from.
pub(crate) fn parse_via(row: &[u8], source: SocketAddr) -> Option<TopVia> {
    let end = sipx_sip::headers::via::first_hop_end(row);
    let via = Via::parse_one(row.get(..end)?).ok()?;
    let wants_rport = via.rport().is_some();
    let is_true = matches!(via.host, Host::Ip(host) if canonical_ip(host) == canonical_ip(source.ip()));
    let amended = (wants_rport || !is_true).then(|| amend(&via, source, row.get(end..).unwrap_or(&[])));
    Some(TopVia {
        branch: via.branch().map(<[u8]>::to_vec),
        host: text(&via.host.to_bytes()),
        port: via.port,
        wants_rport,
        amended,
    })
}

fn canonical_ip(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn amend(via: &Via, source: SocketAddr, rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + rest.len());
    for (part, after) in [(&via.protocol, b'/'), (&via.version, b'/'), (&via.transport, b' ')] {
        out.extend_from_slice(part);
        out.push(after);
    }
    out.extend_from_slice(via.host.to_string().as_bytes());
    if let Some(port) = via.port {
        out.extend_from_slice(format!(":{port}").as_bytes());
    }
    for parameter in via.params.iter().filter(|parameter| !parameter.is("received") && !parameter.is("rport"))
    {
        out.push(b';');
        out.extend_from_slice(&parameter.name);
        if let Some(value) = &parameter.value {
            out.push(b'=');
            write_parameter_value(value, &mut out);
        }
    }
    out.extend_from_slice(format!(";received={}", canonical_ip(source.ip())).as_bytes());
    if via.rport().is_some() {
        out.extend_from_slice(format!(";rport={}", source.port()).as_bytes());
    }
    out.extend_from_slice(rest);
    out
}

fn write_parameter_value(value: &[u8], out: &mut Vec<u8>) {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~[]:/".contains(byte);
    if !value.is_empty() && value.iter().all(plain) {
        return out.extend_from_slice(value);
    }
    out.push(b'"');
    for &byte in value {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

impl WireRequest {
    pub(crate) fn method(&self) -> &[u8] {
        self.0.method.as_bytes()
    }

    /// The topmost Via; none: the request cannot be answered.
    pub(crate) fn top_via(&self, source: SocketAddr) -> Option<TopVia> {
        parse_via(&self.0.headers.value(&HeaderName::Via)?, source)
    }

    /// The transaction it belongs to (RFC 3261 section 17.2.3). Taken before `amend_via`.
    pub(crate) fn key(&self, via: &TopVia) -> Option<Key> {
        let method = self.method();
        if let Some(key) = Key::of_branch(method, via) {
            return Some(key);
        }
        let cseq = self.0.headers.typed::<CSeq>()?.ok()?;
        let value = |name| self.0.headers.value(name).unwrap_or_default();
        let from_tag = self.0.headers.typed::<From>().and_then(Result::ok).and_then(|from| tag_of(&from.0));
        Some(Key::of_fields(
            method,
            &[
                &self.0.uri.to_bytes(),
                &value(&HeaderName::Via),
                from_tag.unwrap_or_default().as_bytes(),
                &value(&HeaderName::CallId),
                cseq.sequence.to_string().as_bytes(),
            ],
        ))
    }

    /// Writes `received` and `rport` into the topmost Via.
    pub(crate) fn amend_via(&mut self, via: &TopVia) {
        let Some(amended) = &via.amended else { return };
        let Some(at) = self.0.headers.iter().position(|header| *header.name() == HeaderName::Via) else {
            return;
        };
        // A value that was parsed from the wire has no line break left, so this cannot fail; if it did, the
        // answer would still reach the peer by its source address.
        if let Ok(header) = sipx_sip::Header::build(HeaderName::Via, amended.clone()) {
            self.0.headers.remove_first(&HeaderName::Via);
            self.0.headers.insert(at, header);
        }
    }

    /// What every answer repeats.
    pub(crate) fn copied(&self) -> Copied {
        let one = |name: &HeaderName| self.0.headers.value(name).map(|value| value.into_owned());
        Copied {
            vias: self.0.headers.get_all(&HeaderName::Via).map(|via| via.value().into_owned()).collect(),
            from: one(&HeaderName::From),
            to: one(&HeaderName::To),
            call_id: one(&HeaderName::CallId),
            cseq: one(&HeaderName::CSeq),
        }
    }

    /// The first fault of RFC 3261 section 8.1.1, as (status, reason phrase). A missing Max-Forwards is none:
    /// RFC 2543 had none.
    pub(crate) fn fault(&self) -> Option<(u16, String)> {
        let finding = validate_request(&self.0).into_iter().find(|finding| !finding.is_repairable());
        if let Some(finding) = finding {
            return Some((finding.status(), phrase(&finding)));
        }
        let is_broken = |broken: bool, name: &str| broken.then(|| (400, format!("Malformed {name} Header")));
        is_broken(self.0.headers.typed_all::<RecordRoute>().any(|route| route.is_err()), "Record-Route")
            .or_else(|| {
                is_broken(first_contact(&self.0.headers).is_some_and(|contact| contact.is_none()), "Contact")
            })
    }

    /// The first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let name = HeaderName::parse(&Bytes::copy_from_slice(name.as_bytes()));
        self.0.headers.value(&name).map(|value| text(&value))
    }

    /// Method, Call-ID and CSeq number.
    pub(crate) fn identity(&self) -> (String, String, u32) {
        let call_id = self.0.headers.value(&HeaderName::CallId).unwrap_or_default();
        let cseq = self.0.headers.typed::<CSeq>().and_then(Result::ok).map_or(0, |cseq| cseq.sequence);
        (text(self.method()), text(&call_id), cseq)
    }

    pub(crate) fn to_tag(&self) -> String {
        to_tag(&self.0.headers)
    }

    /// Our view of it. Call it only after `fault` found nothing.
    pub(crate) fn message(&self, flow: &Flow) -> Message {
        let mut message = read(&self.0.headers, self.0.body(), flow);
        message.method = text(self.method());
        message.uri = text(&self.0.uri.to_bytes());
        if message.contact_uri.is_empty() && message.method == "INVITE" {
            message.contact_uri.clone_from(&message.from_uri);
        }
        message
    }
}

impl WireResponse {
    pub(crate) fn status(&self) -> u16 {
        self.0.status.code()
    }

    pub(crate) fn to_tag(&self) -> String {
        to_tag(&self.0.headers)
    }

    pub(crate) fn is_readable(&self) -> bool {
        validate_response(&self.0).is_empty()
    }

    /// Branch of the topmost Via and method of the CSeq (RFC 3261 section 17.1.3).
    pub(crate) fn branch_and_method(&self) -> Option<(String, String)> {
        let via = self.0.headers.typed::<Via>()?.ok()?;
        let cseq = self.0.headers.typed::<CSeq>()?.ok()?;
        Some((text(via.branch()?), text(cseq.method.as_bytes())))
    }

    pub(crate) fn message(&self, flow: &Flow) -> Message {
        let mut message = read(&self.0.headers, self.0.body(), flow);
        message.status = self.status();
        message.reason = text(&self.0.reason);
        message
    }
}

fn phrase(finding: &Finding) -> String {
    match finding {
        Finding::MissingRequiredHeader(name) => format!("Missing {name} Header"),
        Finding::MalformedRequiredHeader(name) => format!("Malformed {name} Header"),
        Finding::RepeatedSingleValueHeader(name) => format!("Repeated {name} Header"),
        Finding::CSeqMethodMismatch => "CSeq Does Not Match Method".to_owned(),
        Finding::UnsupportedVersion => "Version Not Supported".to_owned(),
        Finding::RequestUriHasHeaders => "Headers In Request-URI".to_owned(),
        _ => "Bad Request".to_owned(),
    }
}

/// The first Contact: outer none when there is none, inner none when it is nonsense; `*` counts as absent.
fn first_contact(headers: &Headers) -> Option<Option<Address>> {
    let value = headers.value(&HeaderName::Contact)?;
    if value.as_ref() == b"*" {
        return None;
    }
    Some(headers.typed::<Contact>()?.ok().map(|contact| contact.0))
}

fn read(headers: &Headers, body: &[u8], flow: &Flow) -> Message {
    let from = headers.typed::<From>().and_then(Result::ok).map(|from| from.0);
    let to = headers.typed::<To>().and_then(Result::ok).map(|to| to.0);
    let cseq = headers.typed::<CSeq>().and_then(Result::ok);
    let uri = |address: Option<&Address>| address.map(|a| text(&a.uri.to_bytes())).unwrap_or_default();
    Message {
        method: cseq.as_ref().map(|cseq| text(cseq.method.as_bytes())).unwrap_or_default(),
        uri: String::new(),
        status: 0,
        reason: String::new(),
        call_id: headers.value(&HeaderName::CallId).map(|value| text(&value)).unwrap_or_default(),
        cseq: cseq.map_or(0, |cseq| cseq.sequence),
        from_uri: uri(from.as_ref()),
        from_tag: from.as_ref().and_then(tag_of).unwrap_or_default(),
        from_display: from.as_ref().and_then(|a| a.display_name.as_deref()).map(text).unwrap_or_default(),
        to_uri: uri(to.as_ref()),
        to_tag: to.as_ref().and_then(tag_of).unwrap_or_default(),
        contact_uri: uri(first_contact(headers).flatten().as_ref()),
        routes: routes(headers),
        body: body.to_vec(),
        transport: flow.transport,
        remote: flow.remote,
        flow: flow.id,
        rows: headers.iter().map(|row| (text(row.name().canonical()), text(&row.value()))).collect(),
    }
}

/// Record-Route as whole name-addrs with their parameters: what a Route header has to repeat.
fn routes(headers: &Headers) -> Vec<String> {
    let mut routes = Vec::new();
    for row in headers.get_all(&HeaderName::RecordRoute) {
        let value = row.value();
        let mut rest: &[u8] = &value;
        while !rest.is_empty() {
            let end = list_item_end(rest);
            let item = rest[..end].trim_ascii();
            if !item.is_empty() {
                routes.push(text(item));
            }
            rest = rest.get(end + 1..).unwrap_or(&[]);
        }
    }
    routes
}

/// Where the first item of a list ends: at the first comma outside quotes and angle brackets.
fn list_item_end(value: &[u8]) -> usize {
    let (mut quoted, mut angle, mut escaped) = (false, false, false);
    for (at, &byte) in value.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'<' if !quoted => angle = true,
            b'>' if !quoted => angle = false,
            b',' if !quoted && !angle => return at,
            _ => {}
        }
    }
    value.len()
}

fn to_tag(headers: &Headers) -> String {
    headers.typed::<To>().and_then(Result::ok).and_then(|to| tag_of(&to.0)).unwrap_or_default()
}

fn tag_of(address: &Address) -> Option<String> {
    address.tag().map(text)
}

/// For the dialog layer, which writes it again in requests of its own: without what no row of ours may hold.
fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if bytes.iter().any(|&byte| is_unwritable(byte)) {
        return text.replace(['\r', '\n', '\0'], " ");
    }
    text.into_owned()
}
