//! An answer without a transaction (RFC 3261 section 8.2.7): what is refused below the dialog layer costs no
//! state.
//!
//! A repeated request gets the same answer again, with the same To tag, because the tag is made from the
//! request.

/// What every answer repeats of its request, as it came. What is missing stays missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Copied {
    pub vias: Vec<Vec<u8>>,
    pub from: Option<Vec<u8>>,
    pub to: Option<Vec<u8>>,
    pub call_id: Option<Vec<u8>>,
    pub cseq: Option<Vec<u8>>,
}

/// Writes a response without a body. `to_tag` is added unless To has one.
pub(crate) fn write_reply(
    copied: &Copied,
    status: u16,
    reason: &str,
    headers: &[(&str, String)],
    to_tag: &str,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(format!("SIP/2.0 {status} {reason}\r\n").as_bytes());
    for via in &copied.vias {
        write_row(&mut out, b"Via", via);
    }
    if let Some(from) = &copied.from {
        write_row(&mut out, b"From", from);
    }
    if let Some(to) = &copied.to {
        let mut to = to.clone();
        if !has_tag(&to) {
            to.extend_from_slice(b";tag=");
            to.extend_from_slice(to_tag.as_bytes());
        }
        write_row(&mut out, b"To", &to);
    }
    if let Some(call_id) = &copied.call_id {
        write_row(&mut out, b"Call-ID", call_id);
    }
    if let Some(cseq) = &copied.cseq {
        write_row(&mut out, b"CSeq", cseq);
    }
    for (name, value) in headers {
        write_row(&mut out, name.as_bytes(), value.as_bytes());
    }
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    out
}

fn write_row(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend(value.iter().map(|&byte| if is_unwritable(byte) { b' ' } else { byte }));
    out.extend_from_slice(b"\r\n");
}

/// What may stand in a row that came, and in none that we write.
pub(crate) fn is_unwritable(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | 0)
}

/// Whether the header part of a To, behind the URI, has a tag. The To may be nonsense: then a second tag does
/// no harm.
pub(crate) fn has_tag(to: &[u8]) -> bool {
    let behind = to.iter().rposition(|&byte| byte == b'>').map_or(to, |close| &to[close..]);
    behind.windows(5).any(|part| part.eq_ignore_ascii_case(b";tag="))
}

/// The RFC's reason phrase of a status.
pub(crate) fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        422 => "Session Interval Too Small",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        _ if status < 200 => "Progress",
        _ if status < 300 => "OK",
        _ if status < 400 => "Redirection",
        _ if status < 500 => "Request Failure",
        _ => "Failure",
    }
}
