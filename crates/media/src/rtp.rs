//! RTP packets (RFC 3550, 5.1): read without copying, written as twelve bytes.
//!
//! Every length is checked before it is used: no bytes from the network make this panic or read beyond the
//! datagram.

/// Bytes of a header without contributing sources and extension: the only kind we write.
pub const HEADER_BYTES: usize = 12;

/// The fields of a header.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// 7 bits.
    pub payload_type: u8,
    /// First packet of a talk spurt, or of a key.
    pub marker: bool,
    /// Counts packets.
    pub sequence: u16,
    /// Counts samples of the codec's clock.
    pub timestamp: u32,
    /// Synchronisation source: who sends.
    pub ssrc: u32,
}

/// A packet, borrowed from its datagram.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    /// 7 bits.
    pub payload_type: u8,
    /// First packet of a talk spurt, or of a key.
    pub marker: bool,
    /// Counts packets.
    pub sequence: u16,
    /// Counts samples of the codec's clock.
    pub timestamp: u32,
    /// Synchronisation source: who sends.
    pub ssrc: u32,
    /// What is left without header, contributing sources, extension and padding. May be empty.
    pub payload: &'a [u8],
}

/// Why a datagram is no RTP packet.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum RtpError {
    /// Shorter than what its own header says.
    Short,
    /// Not version 2: STUN, DTLS, SIP or noise.
    Version,
    /// Padding of zero bytes, or of more than there are.
    Padding,
}

/// Reads a datagram.
///
/// # Errors
/// [`RtpError`] says what its own header contradicts.
pub fn parse(datagram: &[u8]) -> Result<Packet<'_>, RtpError> {
    let header: &[u8; HEADER_BYTES] = datagram.first_chunk().ok_or(RtpError::Short)?;
    let [first, second, sequence @ .., _, _, _, _, _, _, _, _] = *header;
    if first >> 6 != 2 {
        return Err(RtpError::Version);
    }
    let mut start = HEADER_BYTES + usize::from(first & 0x0F) * 4;
    if first & 0x10 != 0 {
        let words: &[u8; 4] = datagram.get(start..).and_then(<[u8]>::first_chunk).ok_or(RtpError::Short)?;
        start += 4 + usize::from(u16::from_be_bytes([words[2], words[3]])) * 4;
    }
    let mut payload = datagram.get(start..).ok_or(RtpError::Short)?;
    if first & 0x20 != 0 {
        let padding = usize::from(*payload.last().ok_or(RtpError::Padding)?);
        if padding == 0 || padding > payload.len() {
            return Err(RtpError::Padding);
        }
        payload = &payload[..payload.len() - padding];
    }
    Ok(Packet {
        payload_type: second & 0x7F,
        marker: second & 0x80 != 0,
        sequence: u16::from_be_bytes(sequence),
        timestamp: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        ssrc: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
        payload,
    })
}

/// Writes a header to the front of `out` and returns its length, [`HEADER_BYTES`].
///
/// # Panics
/// When `out` is shorter than that: our fault.
pub fn write_header(header: &Header, out: &mut [u8]) -> usize {
    let out = &mut out[..HEADER_BYTES];
    out[0] = 0x80;
    out[1] = (u8::from(header.marker) << 7) | (header.payload_type & 0x7F);
    out[2..4].copy_from_slice(&header.sequence.to_be_bytes());
    out[4..8].copy_from_slice(&header.timestamp.to_be_bytes());
    out[8..12].copy_from_slice(&header.ssrc.to_be_bytes());
    HEADER_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: Header =
        Header { payload_type: 101, marker: true, sequence: 0xFFFE, timestamp: 0xDEAD_BEEF, ssrc: 7 };

    fn packet(first: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        write_header(&HEADER, &mut bytes);
        bytes[0] = first;
        bytes.extend_from_slice(rest);
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = packet(0x80, b"abc");
        let read = parse(&bytes).unwrap();
        let Header { payload_type, marker, sequence, timestamp, ssrc } = HEADER;
        assert_eq!(read, Packet { payload_type, marker, sequence, timestamp, ssrc, payload: b"abc" });
    }

    #[test]
    fn what_stands_around_the_payload_is_taken_off() {
        type Case = (u8, &'static [u8], Result<&'static [u8], RtpError>);
        let cases: [Case; 12] = [
            (0x80, b"", Ok(b"")),
            (0x82, b"ccccCCCCpay", Ok(b"pay")),
            (0x8F, b"ccccCCCCpay", Err(RtpError::Short)),
            (0x90, b"\xBE\xDE\x00\x01extnpay", Ok(b"pay")),
            (0x90, b"\xBE\xDE\x00\x00pay", Ok(b"pay")),
            (0x90, b"\xBE\xDE\x00\x09extnpay", Err(RtpError::Short)),
            (0x90, b"\xBE\xDE", Err(RtpError::Short)),
            (0xB1, b"cccc\xBE\xDE\x00\x01extnpay\x00\x02", Ok(b"pay")),
            (0xA0, b"pay\x01", Ok(b"pay")),
            (0xA0, b"pay\x00", Err(RtpError::Padding)),
            (0xA0, b"pay\x05", Err(RtpError::Padding)),
            (0xA0, b"", Err(RtpError::Padding)),
        ];
        for (first, rest, expected) in cases {
            let bytes = packet(first, rest);
            assert_eq!(parse(&bytes).map(|read| read.payload), expected, "{first:#x} {rest:?}");
        }
    }

    #[test]
    fn other_protocols_on_the_port_are_told_apart() {
        for first in [0x00, 0x16, 0x40, 0xC0] {
            assert_eq!(parse(&packet(first, b"abc")), Err(RtpError::Version));
        }
        assert_eq!(parse(&[0x80; 11]), Err(RtpError::Short));
        assert_eq!(parse(&[]), Err(RtpError::Short));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            first in any::<u8>(),
            rest in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = parse(&rest);
            let _ = parse(&packet(first, &rest));
        }
    }
}
