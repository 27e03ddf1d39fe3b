//! From our own types to messages of the wire. Nothing that could break a line gets through.

use bytes::Bytes;
use sipx_sip::{Header, HeaderName, Headers, Method, Request, ResponseBuilder, StatusCode, Uri};

use super::parse::{WireRequest, WireResponse};
use crate::event;
use crate::reply::{has_tag, is_unwritable, reason_phrase};

/// Headers of an answer that are made here, whatever the dialog layer says.
const MADE_HERE: &[HeaderName] = &[
    HeaderName::Via,
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::RecordRoute,
    HeaderName::ContentLength,
];

/// An answer to `request`, and how many headers had to be left out. None when the request lacks what an
/// answer must repeat, which `WireRequest::fault` has ruled out before.
pub(crate) fn build_response(
    request: &WireRequest,
    response: &event::Response,
    to_tag: &str,
) -> Option<(WireResponse, usize)> {
    let status = StatusCode::new(response.status).or_else(|| StatusCode::new(500))?;
    let reason = if response.reason.is_empty() { reason_phrase(status.code()) } else { &response.reason };
    let reason = reason.replace(['\r', '\n', '\0'], " ");
    let mut builder = ResponseBuilder::to_request(&request.0, status, reason).ok()?;
    let mut left_out = 0;

    let to = request.0.headers.value(&HeaderName::To)?.into_owned();
    if !to_tag.is_empty() && !has_tag(&to) {
        let mut to = to;
        to.extend_from_slice(b";tag=");
        to.extend_from_slice(to_tag.as_bytes());
        builder = builder.set_header(&HeaderName::To, writable(to)).ok()?;
    }
    if (101..300).contains(&status.code()) {
        for route in request.0.headers.get_all(&HeaderName::RecordRoute) {
            builder = builder.header(HeaderName::RecordRoute, writable(route.value().into_owned())).ok()?;
        }
    }
    let mut response_headers = Headers::new();
    for (name, value) in &response.headers {
        match own_header(name, value) {
            Some(header) if MADE_HERE.contains(header.name()) => {}
            Some(header) => response_headers.push(header),
            None => left_out += 1,
        }
    }
    let mut built = builder.body(response.body.clone()).build();
    for header in response_headers.iter() {
        built.headers.push(header.clone());
    }
    Some((WireResponse(built), left_out))
}

/// A request of ours under `via`, and how many headers had to be left out. None when method or URI cannot be
/// written.
pub(crate) fn build_request(request: &event::Request, via: String) -> Option<(WireRequest, usize)> {
    let method = Method::parse(&Bytes::copy_from_slice(request.method.as_bytes()));
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
    if request.method.is_empty() || !request.method.bytes().all(is_token) {
        return None;
    }
    let mut built = Request::new(method, Uri::parse(Bytes::copy_from_slice(request.uri.as_bytes())).ok()?);
    built.headers.push(Header::build(HeaderName::Via, via).ok()?);
    built.headers.push(Header::build(HeaderName::MaxForwards, "70").ok()?);
    let mut left_out = 0;
    for (name, value) in &request.headers {
        match own_header(name, value) {
            Some(header) => match header.name() {
                HeaderName::Via | HeaderName::MaxForwards | HeaderName::ContentLength => {}
                _ => built.headers.push(header),
            },
            None => left_out += 1,
        }
    }
    built.headers.push(Header::build(HeaderName::ContentLength, request.body.len().to_string()).ok()?);
    built.set_body(Bytes::copy_from_slice(&request.body));
    Some((WireRequest(built), left_out))
}

/// The CANCEL of an INVITE: same URI, topmost Via, From, To, Call-ID, Route and CSeq number (RFC 3261 section
/// 9.1).
pub(crate) fn build_cancel(invite: &WireRequest) -> Option<WireRequest> {
    let mut cancel = Request::new(Method::Cancel, invite.0.uri.clone());
    let mut copy = |name: HeaderName| {
        for header in invite.0.headers.get_all(&name) {
            cancel.headers.push(header.clone());
        }
    };
    copy(HeaderName::Via);
    copy(HeaderName::MaxForwards);
    copy(HeaderName::Route);
    copy(HeaderName::From);
    copy(HeaderName::To);
    copy(HeaderName::CallId);
    let cseq = invite.0.headers.typed::<sipx_sip::CSeq>()?.ok()?;
    cancel.headers.push(Header::build(HeaderName::CSeq, format!("{} CANCEL", cseq.sequence)).ok()?);
    cancel.headers.push(Header::build(HeaderName::ContentLength, "0").ok()?);
    Some(WireRequest(cancel))
}

impl WireRequest {
    /// Its bytes, for the one request that has no transaction: the ACK to a 2xx.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        self.0.write_to(&mut bytes);
        bytes
    }
}

impl WireResponse {
    /// Its bytes, for answers that no machine sends.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1024);
        self.0.write_to(&mut bytes);
        bytes
    }
}

/// A quoted name may hold a NUL (RFC 4475 section 3.1.1.2), which no header of ours is let have.
fn writable(mut value: Vec<u8>) -> Vec<u8> {
    value.iter_mut().filter(|byte| is_unwritable(**byte)).for_each(|byte| *byte = b' ');
    value
}

fn own_header(name: &str, value: &str) -> Option<Header> {
    let name = HeaderName::parse(&Bytes::copy_from_slice(name.as_bytes()));
    Header::build(name, value.to_owned()).ok()
}
