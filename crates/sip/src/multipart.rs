//! The parts of a multipart/mixed body (RFC 2046 section 5.1, RFC 5621): where the session description stands among them.
//!
//! A part is a description when it is application/sdp, sent as it is, with no disposition but `session`; one of them counts. What else there is
//! (ISUP of a gateway, a place, an early session) is passed over, unless its sender says that it must be understood.
//!
//! A part that does not say (`handling`) counts as optional, on purpose, though RFC 3261 section 20.11 wants it taken as required: gateways add parts
//! to calls that go well without them, and say nothing. A body that is nothing but foreign is another thing: there is no call in it, and it counts as
//! required as the RFC says (`inspect`).

use core::ops::Range;

use crate::limits::Limits;

/// What was found in a body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Parts {
    /// Where the description stands in the body.
    pub description: Option<Range<usize>>,
    /// A part that is none has `handling=required`, or there are two descriptions.
    pub demands_more: bool,
}

/// Err: it is no multipart body, and why.
pub(crate) fn read(content_type: &str, body: &[u8], limits: &Limits) -> Result<Parts, &'static str> {
    let boundary = parameter(content_type, "boundary").filter(|boundary| !boundary.is_empty());
    let boundary = boundary.ok_or("multipart without a boundary")?;
    let mut parts = Parts::default();
    let mut part_start = None;
    let mut count = 0;
    let mut position = 0;
    let mut content_end = 0; // of what stands before the line, without its line break
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        let rest = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary.as_bytes()));
        let rest = rest.map(<[u8]>::trim_ascii_end).filter(|rest| rest.is_empty() || *rest == b"--");
        if let Some(rest) = rest {
            if let Some(start) = part_start {
                parts.take(body, start..content_end.max(start));
            }
            if !rest.is_empty() {
                return Ok(parts);
            }
            count += 1;
            if count > limits.body_parts_max {
                return Err("too many body parts");
            }
            part_start = Some(position + line.len());
        }
        position += line.len();
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        content_end = position - (line.len() - text.strip_suffix(b"\r").unwrap_or(text).len());
    }
    Err("multipart without its end")
}

impl Parts {
    fn take(&mut self, body: &[u8], part: Range<usize>) {
        let (head, content) = split_head(&body[part.clone()]);
        let value = |name| header(head, name);
        let kind = value("content-type").unwrap_or_default();
        let disposition = value("content-disposition").unwrap_or_default();
        let is_plain = |value: Option<String>, plain: &[&str]| {
            value.is_none_or(|value| plain.iter().any(|plain| value.trim().eq_ignore_ascii_case(plain)))
        };
        let is_description = first_word(&kind).eq_ignore_ascii_case("application/sdp")
            && matches!(first_word(&disposition).to_ascii_lowercase().as_str(), "" | "session")
            && is_plain(value("content-encoding"), &["identity"])
            && is_plain(value("content-transfer-encoding"), &["7bit", "8bit", "binary"]);
        if is_description && self.description.is_none() {
            self.description = Some(part.start + content..part.end);
        } else {
            let handling = parameter(&disposition, "handling").unwrap_or_default();
            self.demands_more |= is_description || handling.eq_ignore_ascii_case("required");
        }
    }
}

/// The header lines of a part, and where what follows the empty line begins.
fn split_head(part: &[u8]) -> (&[u8], usize) {
    let mut position = 0;
    for line in part.split_inclusive(|&byte| byte == b'\n') {
        position += line.len();
        if line.trim_ascii_end().is_empty() {
            return (&part[..position - line.len()], position);
        }
    }
    (part, part.len())
}

/// The first header of that name, unfolded; names in small letters.
fn header(head: &[u8], name: &str) -> Option<String> {
    let mut found: Option<String> = None;
    for line in head.split(|&byte| byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        match &mut found {
            Some(value) if line.starts_with([' ', '\t']) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            Some(_) => break,
            None => {
                let row = line.split_once(':').filter(|(row, _)| row.trim().eq_ignore_ascii_case(name));
                found = row.map(|(_, value)| value.trim().to_owned());
            }
        }
    }
    found
}

fn first_word(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

/// A parameter behind the first `;`, without its quotes.
pub(crate) fn parameter(value: &str, name: &str) -> Option<String> {
    let mut rest = value.split_once(';')?.1;
    loop {
        let end = parameter_end(rest);
        let (key, value) = rest[..end].split_once('=').unwrap_or((&rest[..end], ""));
        if key.trim().eq_ignore_ascii_case(name) {
            let value = value.trim();
            let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            return Some(quoted.map_or_else(|| value.to_owned(), |quoted| quoted.replace('\\', "")));
        }
        rest = rest.get(end + 1..)?;
    }
}

/// The next `;` outside quotes.
fn parameter_end(value: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => return at,
            _ => {}
        }
    }
    value.len()
}
