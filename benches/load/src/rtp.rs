//! The twelve bytes of RFC 3550 section 5.1, written and read.

/// Length of the header that we write.
pub const HEADER_BYTES: usize = 12;

/// What one of our packets says before its payload.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// As negotiated.
    pub payload_type: u8,
    /// First packet of a talk spurt.
    pub marker: bool,
    /// One up a packet.
    pub sequence: u16,
    /// Samples of the codec's clock.
    pub timestamp: u32,
    /// Of the sender.
    pub ssrc: u32,
}

impl Header {
    /// The header and a payload as one datagram.
    pub fn datagram(&self, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
        bytes.extend_from_slice(&[0x80, self.payload_type | u8::from(self.marker) << 7]);
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.timestamp.to_be_bytes());
        bytes.extend_from_slice(&self.ssrc.to_be_bytes());
        bytes.extend_from_slice(payload);
        bytes
    }

    /// Header and payload of a datagram; `None` for what is no RTP, or has what our server never sends (padding).
    pub fn parse(bytes: &[u8]) -> Option<(Header, &[u8])> {
        let word = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        if first & 0xe0 != 0x80 {
            return None;
        }
        let mut start = HEADER_BYTES + 4 * usize::from(first & 0x0f);
        if first & 0x10 != 0 {
            start += 4 + 4 * (word(start)? & 0xffff) as usize;
        }
        let header = Header {
            payload_type: second & 0x7f,
            marker: second & 0x80 != 0,
            sequence: (word(0)? & 0xffff) as u16,
            timestamp: word(4)?,
            ssrc: word(8)?,
        };
        Some((header, bytes.get(start..)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let header =
            Header { payload_type: 111, marker: true, sequence: 65_535, timestamp: 1 << 31, ssrc: 7 };
        let bytes = header.datagram(b"abc");
        assert_eq!(Header::parse(&bytes), Some((header, b"abc".as_slice())));
        assert_eq!(Header::parse(&bytes[..11]), None);
        assert_eq!(Header::parse(b"\x40garbage that is long"), None);
    }
}
