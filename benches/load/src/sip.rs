//! As much SIP and SDP as a telephone needs that calls and hangs up: four requests written, answers read.

use crate::plan::{Codec, LegPlan};

/// A call's names, and what its answer said.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// Call-ID's left side, and From's tag.
    pub name: String,
    /// HOST:PORT of ours.
    pub local: String,
    /// HOST:PORT of the server.
    pub server: String,
    /// User part of the request URI.
    pub number: String,
    /// User part of From.
    pub caller: String,
    /// Value of To as the answer has it, with its tag; before, our own.
    pub to: String,
    /// URI of the answer's Contact.
    pub target: String,
}

/// What an answer brings.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// Of the status line.
    pub status: u16,
    /// Of its CSeq.
    pub method: &'a str,
    /// Value of Call-ID.
    pub call_id: &'a str,
    /// Value of To.
    pub to: &'a str,
    /// URI of Contact.
    pub contact: &'a str,
    /// After the empty line.
    pub body: &'a str,
}

/// Where the far end wants audio, and under which payload type.
#[derive(Debug, PartialEq, Eq)]
pub struct Media {
    /// Of the connection line.
    pub host: String,
    /// Of the m-line.
    pub port: u16,
    /// The first one of the m-line.
    pub payload_type: u8,
}

impl Dialog {
    /// Names for a leg's call.
    pub fn new(index: usize, seed: u64, plan: &LegPlan, local: &str, server: &str) -> Self {
        Self {
            name: format!("leg{index}-{seed:x}"),
            local: local.to_owned(),
            server: server.to_owned(),
            number: plan.number.clone(),
            caller: plan.caller.clone(),
            to: format!("<sip:{}@{server}>", plan.number),
            target: format!("sip:{}@{server}", plan.number),
        }
    }

    /// The first request, with an offer of one codec.
    pub fn invite(&self, codec: Codec, rtp_port: u16) -> String {
        let body = offer(codec, rtp_port);
        let contact = format!("Contact: <sip:load@{}>\r\nContent-Type: application/sdp\r\n", self.local);
        let uri = format!("sip:{}@{}", self.number, self.server);
        self.request("INVITE", &uri, 1, "i", &contact, &body)
    }

    /// To its 200.
    pub fn ack(&self) -> String {
        self.request("ACK", &self.target, 1, "a", "", "")
    }

    /// To a refusal: part of the INVITE's own transaction.
    pub fn ack_refusal(&self) -> String {
        let uri = format!("sip:{}@{}", self.number, self.server);
        self.request("ACK", &uri, 1, "i", "", "")
    }

    /// The end.
    pub fn bye(&self) -> String {
        self.request("BYE", &self.target, 2, "b", "", "")
    }

    fn request(&self, method: &str, uri: &str, cseq: u32, branch: &str, more: &str, body: &str) -> String {
        let Dialog { name, local, server, caller, to, .. } = self;
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{branch}{name};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{caller}@{server}>;tag={name}\r\nTo: {to}\r\nCall-ID: {name}@load\r\n\
             CSeq: {cseq} {method}\r\n{more}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

fn offer(codec: Codec, port: u16) -> String {
    let media = match codec {
        Codec::Pcmu => format!(
            "m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        ),
        Codec::Opus | Codec::OpusWide => format!(
            "m=audio {port} RTP/AVP 111 101\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
             a=rtpmap:101 telephone-event/48000\r\n"
        ),
    };
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n{media}a=fmtp:101 0-16\r\n\
         a=ptime:20\r\na=sendrecv\r\n"
    )
}

/// An answer to one of our requests; `None` for a request, or nonsense.
pub fn parse_answer(message: &str) -> Option<Answer<'_>> {
    let status = message.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()?;
    let contact = header(message, "Contact").unwrap_or("");
    let contact = contact.split_once('<').map_or(contact, |(_, rest)| rest.split('>').next().unwrap_or(""));
    Some(Answer {
        status,
        method: header(message, "CSeq")?.split(' ').nth(1)?,
        call_id: header(message, "Call-ID")?,
        to: header(message, "To")?,
        contact,
        body: message.split_once("\r\n\r\n")?.1,
    })
}

/// Our 200 to a request of the server's, and the request's method and Call-ID.
pub fn accept(request: &str) -> Option<(String, &str, &str)> {
    let method = request.split(' ').next()?;
    let mut lines = String::from("SIP/2.0 200 OK\r\n");
    for line in head(request).filter(|line| {
        ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name))
    }) {
        lines.push_str(line);
        lines.push_str("\r\n");
    }
    lines.push_str("Content-Length: 0\r\n\r\n");
    Some((lines, method, header(request, "Call-ID")?))
}

/// Where an SDP answer wants the audio.
pub fn parse_media(sdp: &str) -> Option<Media> {
    let mut words = sdp.lines().find_map(|line| line.strip_prefix("m=audio "))?.split(' ');
    let port = words.next()?.parse().ok().filter(|port| *port != 0)?;
    let payload_type = words.nth(1)?.trim().parse().ok()?;
    let host = sdp.lines().rev().find_map(|line| line.strip_prefix("c=IN IP4 "))?.trim().to_owned();
    Some(Media { host, port, payload_type })
}

fn head(message: &str) -> impl Iterator<Item = &str> {
    message.split("\r\n").skip(1).take_while(|line| !line.is_empty())
}

fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    head(message).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bKi1\r\nTo: <sip:1@h>;tag=x\r\n\
        Call-ID: leg1-1@load\r\nCSeq: 1 INVITE\r\nContact: <sip:1@127.0.0.1:5060>\r\n\r\n\
        v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 20002 RTP/AVP 0 101\r\n";

    #[test]
    fn an_answer_is_read() {
        let answer = parse_answer(ANSWER).expect("an answer");
        assert_eq!((answer.status, answer.method, answer.call_id), (200, "INVITE", "leg1-1@load"));
        assert_eq!((answer.to, answer.contact), ("<sip:1@h>;tag=x", "sip:1@127.0.0.1:5060"));
        let media = parse_media(answer.body).expect("media");
        assert_eq!(media, Media { host: "127.0.0.1".into(), port: 20_002, payload_type: 0 });
    }

    #[test]
    fn a_request_is_no_answer_and_is_accepted() {
        let request =
            "BYE sip:load@h SIP/2.0\r\nVia: v\r\nFrom: f\r\nTo: t\r\nCall-ID: c\r\nCSeq: 1 BYE\r\n\r\n";
        assert_eq!(parse_answer(request), None);
        let (answer, method, call_id) = accept(request).expect("an answer");
        assert!(answer.starts_with("SIP/2.0 200 OK\r\nVia: v\r\n") && answer.ends_with("\r\n\r\n"));
        assert_eq!((method, call_id), ("BYE", "c"));
    }

    #[test]
    fn a_refused_line_is_no_media() {
        assert_eq!(parse_media("c=IN IP4 h\r\nm=audio 0 RTP/AVP 0\r\n"), None);
    }
}
