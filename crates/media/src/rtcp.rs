//! RTCP (RFC 3550, section 6): compound packets in, ours out.
//!
//! Read are sender and receiver reports and BYE; SDES and kinds that we do not know are checked for length
//! and passed over. A datagram counts only as a whole: when one part of it is nonsense nothing of it is
//! believed (A.2). Written are a report (SR while we send, else RR) with at most one block, SDES with CNAME,
//! and BYE at the end. Wall-clock time (NTP, 32.32 bits) is an argument.

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const CNAME: u8 = 1;

const BLOCK_BYTES: usize = 24;
const SENDER_INFO_BYTES: usize = 20;

/// The longest CNAME that is written; more is cut.
pub const CNAME_BYTES_MAX: usize = 64;

/// The most bytes [`write`] needs.
pub const COMPOUND_BYTES_MAX: usize = 8 + SENDER_INFO_BYTES + BLOCK_BYTES + 8 + CNAME_BYTES_MAX + 8 + 8;

/// What a sender says of itself.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct SenderInfo {
    /// Wall-clock time of this report: seconds since 1900 and their 2^32nds.
    pub ntp: u64,
    /// The same moment as RTP timestamp.
    pub timestamp: u32,
    /// Packets sent so far.
    pub packets: u32,
    /// Payload bytes sent so far.
    pub bytes: u32,
}

/// How one source is heard by another.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct ReportBlock {
    /// Of whom it speaks.
    pub ssrc: u32,
    /// Lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost in all; negative when more came than was sent. 24 bits.
    pub lost: i32,
    /// Highest sequence number, its wraps above the lower 16 bits.
    pub sequence_highest: u32,
    /// Interarrival jitter, in units of the codec's clock.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last sender report; 0: none.
    pub last_report: u32,
    /// Since it came, in 65536ths of a second.
    pub last_report_delay: u32,
}

/// One finding in a compound packet.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// A sender report.
    Sender {
        /// Who sends.
        ssrc: u32,
        /// What it says of itself.
        info: SenderInfo,
    },
    /// A block of a sender or receiver report.
    Block {
        /// Who reports.
        from: u32,
        /// On whom, and what.
        block: ReportBlock,
    },
    /// A source has left.
    Bye {
        /// Who.
        ssrc: u32,
    },
}

/// Why a datagram is no RTCP.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum RtcpError {
    /// A part is shorter than it says, or than its kind needs.
    Short,
    /// Not version 2.
    Version,
    /// The first part is no report.
    Order,
    /// Padding elsewhere than in the last part, or more than there is.
    Padding,
}

/// What is written.
#[derive(Copy, Clone, Debug)]
pub struct Outgoing<'a> {
    /// Ours.
    pub ssrc: u32,
    /// Some: a sender report.
    pub sender: Option<SenderInfo>,
    /// How we hear the far end, once we do.
    pub block: Option<ReportBlock>,
    /// Canonical name of this end.
    pub cname: &'a str,
    /// We leave.
    pub bye: bool,
}

/// The SSRC in whose name a datagram was sent: that of its first part, whatever its kind.
pub fn sender(datagram: &[u8]) -> Option<u32> {
    datagram.get(4..8)?.try_into().ok().map(u32::from_be_bytes)
}

/// Checks a compound packet, then shows `visit` what is in it.
///
/// # Errors
/// [`RtcpError`], and nothing was shown.
pub fn parse(datagram: &[u8], mut visit: impl FnMut(Item)) -> Result<(), RtcpError> {
    let mut rest = datagram;
    let mut is_first = true;
    while is_first || !rest.is_empty() {
        let (part, after) = Part::split(rest)?;
        if is_first && !matches!(part.kind, SENDER_REPORT | RECEIVER_REPORT) {
            return Err(RtcpError::Order);
        }
        if part.is_padded && !after.is_empty() {
            return Err(RtcpError::Padding);
        }
        part.check()?;
        (rest, is_first) = (after, false);
    }
    let mut rest = datagram;
    while let Ok((part, after)) = Part::split(rest) {
        part.show(&mut visit);
        rest = after;
    }
    Ok(())
}

struct Part<'a> {
    kind: u8,
    count: usize,
    is_padded: bool,
    body: &'a [u8],
}

impl<'a> Part<'a> {
    fn split(bytes: &'a [u8]) -> Result<(Part<'a>, &'a [u8]), RtcpError> {
        let [first, kind, length @ ..] = *bytes.first_chunk::<4>().ok_or(RtcpError::Short)?;
        if first >> 6 != 2 {
            return Err(RtcpError::Version);
        }
        let end = 4 + usize::from(u16::from_be_bytes(length)) * 4;
        let mut body = bytes.get(4..end).ok_or(RtcpError::Short)?;
        let is_padded = first & 0x20 != 0;
        if is_padded {
            let padding = usize::from(*body.last().ok_or(RtcpError::Padding)?);
            if padding == 0 || padding > body.len() {
                return Err(RtcpError::Padding);
            }
            body = &body[..body.len() - padding];
        }
        Ok((Part { kind, count: usize::from(first & 0x1F), is_padded, body }, &bytes[end..]))
    }

    fn check(&self) -> Result<(), RtcpError> {
        let needed = match self.kind {
            SENDER_REPORT => 4 + SENDER_INFO_BYTES + self.count * BLOCK_BYTES,
            RECEIVER_REPORT => 4 + self.count * BLOCK_BYTES,
            BYE => self.count * 4,
            _ => 0,
        };
        if self.body.len() < needed { Err(RtcpError::Short) } else { Ok(()) }
    }

    fn show(&self, visit: &mut impl FnMut(Item)) {
        match self.kind {
            SENDER_REPORT => {
                let ssrc = word(self.body, 0);
                let info = SenderInfo {
                    ntp: u64::from(word(self.body, 4)) << 32 | u64::from(word(self.body, 8)),
                    timestamp: word(self.body, 12),
                    packets: word(self.body, 16),
                    bytes: word(self.body, 20),
                };
                visit(Item::Sender { ssrc, info });
                self.show_blocks(4 + SENDER_INFO_BYTES, visit);
            }
            RECEIVER_REPORT => self.show_blocks(4, visit),
            BYE => (0..self.count).for_each(|place| visit(Item::Bye { ssrc: word(self.body, place * 4) })),
            _ => {}
        }
    }

    fn show_blocks(&self, start: usize, visit: &mut impl FnMut(Item)) {
        let from = word(self.body, 0);
        for block in self.body[start..].chunks_exact(BLOCK_BYTES).take(self.count) {
            let losses = word(block, 4);
            let block = ReportBlock {
                ssrc: word(block, 0),
                fraction_lost: (losses >> 24) as u8,
                lost: ((losses << 8) as i32) >> 8,
                sequence_highest: word(block, 8),
                jitter: word(block, 12),
                last_report: word(block, 16),
                last_report_delay: word(block, 20),
            };
            visit(Item::Block { from, block });
        }
    }
}

fn word(bytes: &[u8], place: usize) -> u32 {
    bytes.get(place..).and_then(<[u8]>::first_chunk).map_or(0, |word| u32::from_be_bytes(*word))
}

/// Writes a compound packet to the front of `out` and returns its length.
///
/// # Panics
/// When `out` is shorter than [`COMPOUND_BYTES_MAX`]: our fault.
pub fn write(outgoing: &Outgoing<'_>, out: &mut [u8]) -> usize {
    let mut writer = Writer { out: &mut out[..COMPOUND_BYTES_MAX], length: 0 };
    let kind = if outgoing.sender.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
    let start = writer.begin(kind, u8::from(outgoing.block.is_some()), outgoing.ssrc);
    if let Some(info) = outgoing.sender {
        writer.word((info.ntp >> 32) as u32);
        writer.word(info.ntp as u32);
        writer.word(info.timestamp);
        writer.word(info.packets);
        writer.word(info.bytes);
    }
    if let Some(block) = outgoing.block {
        let lost = block.lost.clamp(-0x80_0000, 0x7F_FFFF) as u32 & 0xFF_FFFF;
        writer.word(block.ssrc);
        writer.word(u32::from(block.fraction_lost) << 24 | lost);
        writer.word(block.sequence_highest);
        writer.word(block.jitter);
        writer.word(block.last_report);
        writer.word(block.last_report_delay);
    }
    writer.end(start);

    let start = writer.begin(SOURCE_DESCRIPTION, 1, outgoing.ssrc);
    let cname = &outgoing.cname.as_bytes()[..outgoing.cname.len().min(CNAME_BYTES_MAX)];
    writer.bytes(&[CNAME, cname.len() as u8]);
    writer.bytes(cname);
    writer.bytes(&[0; 4][..4 - writer.length % 4]); // ends the chunk, and fills its last word
    writer.end(start);

    if outgoing.bye {
        let start = writer.begin(BYE, 1, outgoing.ssrc);
        writer.end(start);
    }
    writer.length
}

struct Writer<'a> {
    out: &'a mut [u8],
    length: usize,
}

impl Writer<'_> {
    fn begin(&mut self, kind: u8, count: u8, ssrc: u32) -> usize {
        let start = self.length;
        self.bytes(&[0x80 | count, kind, 0, 0]);
        self.word(ssrc);
        start
    }

    fn end(&mut self, start: usize) {
        let words = ((self.length - start) / 4 - 1) as u16;
        self.out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
    }

    fn word(&mut self, word: u32) {
        self.bytes(&word.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.out[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }
}

/// The 32 bits in the middle of an NTP time: 16.16 seconds.
pub fn ntp_middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// Round-trip time in ms from a block that answers a report of ours (RFC 3550, 6.4.1), received at `ntp`.
/// None: it answers none, or contradicts itself.
pub fn round_trip_ms(block: &ReportBlock, ntp: u64) -> Option<f32> {
    if block.last_report == 0 {
        return None;
    }
    let trip = ntp_middle(ntp).wrapping_sub(block.last_report).wrapping_sub(block.last_report_delay);
    // A clock that was set, or a far end that rounds, makes it slightly negative: none is better than 18
    // hours.
    (trip < 1 << 22).then(|| trip as f32 * 1_000.0 / 65_536.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INFO: SenderInfo = SenderInfo { ntp: 0xE000_0001_8000_0000, timestamp: 5, packets: 6, bytes: 7 };
    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 9,
        fraction_lost: 13,
        lost: -2,
        sequence_highest: 0x1_0005,
        jitter: 80,
        last_report: 0x0001_8000,
        last_report_delay: 65_536,
    };

    fn written(outgoing: &Outgoing<'_>) -> Vec<u8> {
        let mut bytes = vec![0xEE; COMPOUND_BYTES_MAX];
        let length = write(outgoing, &mut bytes);
        bytes.truncate(length);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<Item>, RtcpError> {
        let mut items = Vec::new();
        parse(bytes, |item| items.push(item)).map(|()| items)
    }

    #[test]
    fn what_is_written_is_read() {
        let sender = Item::Sender { ssrc: 1, info: INFO };
        let block = Item::Block { from: 1, block: BLOCK };
        let bye = Item::Bye { ssrc: 1 };
        type Case<'a> = (Option<SenderInfo>, Option<ReportBlock>, bool, &'a [Item]);
        let cases: [Case<'_>; 4] = [
            (Some(INFO), Some(BLOCK), true, &[sender, block, bye]),
            (Some(INFO), None, false, &[sender]),
            (None, Some(BLOCK), false, &[block]),
            (None, None, true, &[bye]),
        ];
        for cname in ["", "a", "ab", "abc", "abcd", &"x".repeat(200)] {
            for (info, report, bye, expected) in cases {
                let bytes = written(&Outgoing { ssrc: 1, sender: info, block: report, cname, bye });
                assert_eq!(bytes.len() % 4, 0);
                assert_eq!(read(&bytes).unwrap(), expected);
            }
        }
    }

    #[test]
    fn a_known_packet_byte_for_byte() {
        let bytes =
            written(&Outgoing { ssrc: 0x0102_0304, sender: None, block: None, cname: "ab", bye: true });
        let expected = b"\x80\xC9\0\x01\x01\x02\x03\x04\
                         \x81\xCA\0\x03\x01\x02\x03\x04\x01\x02ab\0\0\0\0\
                         \x81\xCB\0\x01\x01\x02\x03\x04";
        assert_eq!(bytes, expected);
    }

    #[test]
    fn nothing_of_a_broken_compound_is_believed() {
        let whole =
            written(&Outgoing { ssrc: 1, sender: Some(INFO), block: Some(BLOCK), cname: "a", bye: true });
        for length in 0..whole.len() {
            if let Ok(items) = read(&whole[..length]) {
                assert!(!items.contains(&Item::Bye { ssrc: 1 }), "cut at {length}");
            }
        }
        let mut alien = whole.clone();
        alien[0] = 0x00;
        assert_eq!(read(&alien), Err(RtcpError::Version));
        let bye_first = b"\x81\xCB\0\x01\0\0\0\x01";
        assert_eq!(read(bye_first), Err(RtcpError::Order));
        let blocks_missing = b"\x85\xC9\0\x01\0\0\0\x01";
        assert_eq!(read(blocks_missing), Err(RtcpError::Short));
        let padded_first = [b"\xA0\xC9\0\x02\0\0\0\x01\0\0\0\x04".as_slice(), &whole].concat();
        assert_eq!(read(&padded_first), Err(RtcpError::Padding));
        let padded_last = b"\xA0\xC9\0\x02\0\0\0\x01\0\0\0\x04";
        assert_eq!(read(padded_last), Ok(vec![]));
    }

    #[test]
    fn a_round_trip_is_what_is_left_after_the_far_ends_delay() {
        let answered = |ntp| round_trip_ms(&BLOCK, ntp);
        assert_eq!(answered(0x0002_8000_0000 + (1 << 30)), Some(250.0));
        assert_eq!(answered(0x0002_7FFF_0000), None);
        assert_eq!(round_trip_ms(&ReportBlock::default(), 77), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            kind in 200..205u8,
            length in 0..70u8,
        ) {
            let _ = read(&bytes);
            let headed = [&[0x9F, kind, 0, length], bytes.as_slice()].concat();
            let _ = read(&headed);
        }
    }
}
