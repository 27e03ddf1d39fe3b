//! Cutting a byte stream into messages (RFC 3261 section 18.3) and keep-alives (RFC 5626 section 4.4.1).
//!
//! A fault of framing is final: where the next message begins would be a guess, and a guess is how a body
//! becomes a request (RFC 4475 section 3.1.2.3). The broken head is given out, so that it can be answered
//! before the close.

use crate::adapter::SyntaxFault;
use crate::limits::Limits;

/// A piece of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// One whole message.
    Message(Vec<u8>),
    /// CRLFCRLF between messages: wants a CRLF back.
    Ping,
    /// The stream is lost; the bytes are the head of what could not be framed.
    Broken(SyntaxFault, Vec<u8>),
}

/// The bytes of one connection that are not yet a message.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    buffer: Vec<u8>,
    /// How far the end of the head has been looked for.
    scanned_bytes: usize,
    is_broken: bool,
}

impl Framer {
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.is_broken {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Whether a message has begun and is not whole.
    pub fn is_waiting(&self) -> bool {
        !self.is_broken && self.buffer.iter().any(|&byte| byte != b'\r' && byte != b'\n')
    }

    /// The next piece; none until more bytes come.
    pub fn next(&mut self, limits: &Limits) -> Option<Frame> {
        if self.is_broken {
            return None;
        }
        if self.buffer.starts_with(b"\r\n\r\n") {
            self.take(4);
            return Some(Frame::Ping);
        }
        if self.buffer.starts_with(b"\r\n") && self.buffer.len() > 2 && self.buffer[2] != b'\r' {
            self.take(2);
        }
        if self.buffer.starts_with(b"\r") {
            return None;
        }
        let Some(head_bytes) = self.find_head_end() else {
            let is_too_long = self.buffer.len() > limits.message_bytes_max;
            return is_too_long.then(|| self.give_up(SyntaxFault::MessageTooLarge));
        };
        let body_bytes = match content_length(&self.buffer[..head_bytes]) {
            Ok(length) if length > limits.body_bytes_max as u64 => {
                return Some(self.give_up(SyntaxFault::BodyTooLarge));
            }
            Ok(length) => length as usize,
            Err(reason) => return Some(self.give_up(SyntaxFault::Malformed(reason.to_owned()))),
        };
        let message_bytes = head_bytes + body_bytes;
        if message_bytes > limits.message_bytes_max {
            return Some(self.give_up(SyntaxFault::MessageTooLarge));
        }
        (self.buffer.len() >= message_bytes).then(|| Frame::Message(self.take(message_bytes)))
    }

    fn find_head_end(&mut self) -> Option<usize> {
        let found = self.buffer[self.scanned_bytes..].windows(4).position(|window| window == b"\r\n\r\n");
        match found {
            Some(at) => {
                self.scanned_bytes += at;
                Some(self.scanned_bytes + 4)
            }
            None => {
                self.scanned_bytes = self.buffer.len().saturating_sub(3);
                None
            }
        }
    }

    fn take(&mut self, bytes: usize) -> Vec<u8> {
        self.scanned_bytes = 0;
        self.buffer.drain(..bytes).collect()
    }

    fn give_up(&mut self, fault: SyntaxFault) -> Frame {
        self.is_broken = true;
        Frame::Broken(fault, core::mem::take(&mut self.buffer))
    }
}

/// The one Content-Length of a head. On a stream it may not be missing (RFC 3261 section 20.14).
fn content_length(head: &[u8]) -> Result<u64, &'static str> {
    let mut found = None;
    for line in head.split(|&byte| byte == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let name = line[..colon].trim_ascii_end();
        if !name.eq_ignore_ascii_case(b"content-length") && !name.eq_ignore_ascii_case(b"l") {
            continue;
        }
        let digits = line[colon + 1..].trim_ascii();
        if found.is_some() {
            return Err("Repeated Content-Length Header");
        }
        if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
            return Err("Malformed Content-Length Header");
        }
        found = Some(digits.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0')));
    }
    found.ok_or("Missing Content-Length Header")
}
