//! Reading a request that is broken, just far enough to answer 400.
//!
//! RFC 3261 wants an answer to what can be answered: that takes a top Via to send it to. Everything else is
//! copied as it came, or left out when it is not there. Lines may end in a bare LF here: whoever sends those
//! should hear what is wrong.

use core::net::SocketAddr;

use crate::adapter::parse_broken_via;
use crate::limits::Limits;
use crate::name::canonical_name;
use crate::reply::Copied;
use crate::via::TopVia;

/// What is left of a broken request.
#[derive(Debug)]
pub(crate) struct Salvaged {
    pub method: Vec<u8>,
    pub via: TopVia,
    pub copied: Copied,
}

/// None when it is a response, no SIP, or cannot be answered.
pub(crate) fn salvage(bytes: &[u8], source: SocketAddr, limits: &Limits) -> Option<Salvaged> {
    let mut lines = bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let start = lines.next()?;
    let method = start.trim_ascii_start().split(|byte| byte.is_ascii_whitespace()).next()?;
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(byte);
    if method.is_empty() || method.len() > limits.uri_bytes_max || !method.iter().all(is_token) {
        return None;
    }
    let mut copied = copy_rows(lines, limits);
    let via = parse_broken_via(copied.vias.first()?, source)?;
    if let Some(amended) = &via.amended {
        copied.vias[0].clone_from(amended);
    }
    Some(Salvaged { method: method.to_vec(), via, copied })
}

fn copy_rows<'a>(lines: impl Iterator<Item = &'a [u8]>, limits: &Limits) -> Copied {
    let mut rows: Vec<Vec<u8>> = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()).take(limits.headers_max) {
        match rows.last_mut() {
            Some(last) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                last.push(b' ');
                last.extend_from_slice(line.trim_ascii());
            }
            _ => rows.push(line.to_vec()),
        }
    }
    let mut copied = Copied::default();
    for row in rows.iter().filter(|row| row.len() <= limits.header_bytes_max) {
        let Some(colon) = row.iter().position(|&byte| byte == b':') else { continue };
        let value = row[colon + 1..].trim_ascii().to_vec();
        let Ok(name) = core::str::from_utf8(&row[..colon]) else { continue };
        match canonical_name(name.trim_ascii()).as_str() {
            "Via" => copied.vias.push(value),
            "From" => _ = copied.from.get_or_insert(value),
            "To" => _ = copied.to.get_or_insert(value),
            "Call-ID" => _ = copied.call_id.get_or_insert(value),
            "CSeq" => _ = copied.cseq.get_or_insert(value),
            _ => {}
        }
    }
    copied
}
