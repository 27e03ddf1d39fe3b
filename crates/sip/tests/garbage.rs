//! Whatever comes in: nothing panics, every datagram has an outcome, and nothing stays behind.

mod lab;

use std::collections::HashMap;

use lab::*;
use proptest::prelude::*;
use proptest::sample::Index;
use roomtone_sip::offer::{Codec, Local, accept, answer};
use roomtone_sip::sdp::{Direction, parse};
use roomtone_sip::{Event, Reason, Response, TransactionId, Transport};

/// A small damage to a message.
#[derive(Debug, Clone)]
enum Damage {
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let tokens = prop::sample::select(vec![
        "\r\n",
        "\r\n\r\n",
        ";",
        ",",
        "<",
        ">",
        "\"",
        ":",
        "=",
        " ",
        "SIP/2.0",
        "Via: SIP/2.0/UDP x;branch=z9hG4bKq\r\n",
        "l: 99999999999999999999\r\n",
        "Content-Length: -1\r\n",
        "\0",
        "%",
        "%00",
        "[",
        "]",
        ";tag=",
        "CSeq: 4294967296 ",
        "INVITE",
        "ACK",
        "CANCEL",
        "4294967296",
        "@",
        "sip:",
        "*",
    ]);
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        (any::<Index>(), tokens).prop_map(|(at, token)| Damage::Insert(at, token.as_bytes().to_vec())),
        (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Damage::Remove(at, count)),
        (any::<Index>(), 1..80_usize).prop_map(|(at, count)| Damage::Repeat(at, count)),
    ]
}

fn damaged(text: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for damage in damages {
        if bytes.is_empty() {
            break;
        }
        match damage {
            Damage::Replace(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Damage::Insert(at, token) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, token.iter().copied());
            }
            Damage::Remove(at, count) => {
                let at = at.index(bytes.len());
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Damage::Repeat(at, count) => {
                let at = at.index(bytes.len());
                let piece = bytes[at..(at + count).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

const BODY: &str = "v=0\r\no=- 1 7 IN IP4 192.0.2.9\r\ns=x\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n\
                    m=audio 4000 RTP/AVP 0 96 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n\
                    a=fmtp:101 0-16\r\na=ptime:20\r\na=rtcp:4001\r\nm=video 5000 RTP/AVP 31\r\na=sendonly\r\n";

fn message() -> impl Strategy<Value = String> {
    let method = prop::sample::select(vec!["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "UPDATE", "DANCE"]);
    (method, 0..4_u8, any::<bool>(), any::<bool>()).prop_map(|(method, branch, has_body, is_tagged)| {
        let (headers, body) = if has_body { ("Content-Type: application/sdp\r\n", BODY) } else { ("", "") };
        let text = their_request_with(method, &branch.to_string(), headers, body);
        if is_tagged { text.replace("demo@192.0.2.1>\r\n", "demo@192.0.2.1>;tag=ours\r\n") } else { text }
    })
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A NUL is legal in a quoted name, escaped, and harmless elsewhere in one: what it is part of is answered and ends.
#[test]
fn a_nul_in_a_name_is_answered_as_a_blank() {
    let text =
        their_request("INVITE", "nul").replace("To: <", "To: \"N\\\0L\" <").replace("Alice", "Ali\0ce");
    let mut lab = Lab::udp();
    lab.receive(&text);
    let (id, message) = lab.take_request();
    assert_eq!(message.from_display, "Ali ce A.");
    lab.respond(id, 486);
    assert_eq!(header_of(&lab.take_one(), "To"), Some("\"N\\ L\" <sip:demo@192.0.2.1>;tag=ours"));
    lab.wait(ms(40_000));
    assert_eq!(lab.endpoint.transactions(), (0, 0));
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn any_bytes_are_counted(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut lab = Lab::udp();
        lab.receive(&bytes);
        prop_assert!(lab.events.is_empty());
        prop_assert_eq!(lab.counters().total(), 1);
        let mut lab = Lab::tcp();
        for chunk in bytes.chunks(7) {
            lab.receive(chunk);
        }
        prop_assert!(lab.events.is_empty());
        let _ = parse(&bytes);
    }

    #[test]
    fn every_damaged_request_has_one_outcome(
        text in message(),
        damages in prop::collection::vec(damage(), 1..6),
    ) {
        let bytes = damaged(text.as_bytes(), &damages);
        let mut lab = Lab::udp();
        lab.receive(&bytes);
        let (said, answered, counted) = (lab.events.len(), lab.sent.len(), lab.counters().total());
        let is_ack = bytes.starts_with(b"ACK ");
        prop_assert!(said + (counted as usize) == 1, "{said} said, {counted} counted");
        prop_assert!(answered <= 1 && !(is_ack && answered > 0));
        prop_assert!(said == 0 || answered == 0);
        for (_, _, answer) in &lab.sent {
            prop_assert!(status_of(answer) >= 400, "{answer}");
            prop_assert!(answer.ends_with("\r\nContent-Length: 0\r\n\r\n"));
            prop_assert_eq!(answer.matches("\r\n\r\n").count(), 1, "an answer is one message");
        }

        // The same answer again: refusals keep no state.
        let before = lab.take_sent();
        if said == 0 {
            lab.receive(&bytes);
            prop_assert_eq!(lab.take_sent(), before);
        }
    }

    #[test]
    fn damaged_requests_in_a_stream(
        texts in prop::collection::vec((message(), prop::collection::vec(damage(), 0..3)), 1..4),
        size in 1..900_usize,
    ) {
        let mut lab = Lab::tcp();
        let pieces = texts.iter().map(|(text, damages)| damaged(text.as_bytes(), damages));
        let stream = pieces.collect::<Vec<_>>().concat();
        for chunk in stream.chunks(size) {
            lab.receive(chunk);
        }
        let mut whole = Lab::tcp();
        whole.receive(&stream);
        prop_assert_eq!(lab.take_sent(), whole.take_sent(), "chunks make no difference");
        prop_assert_eq!(lab.take_events(), whole.take_events());
    }
}

/// Something that happens to an endpoint.
#[derive(Debug, Clone)]
enum Step {
    Receive(String, Vec<Damage>),
    Respond(Index, u16),
    Request(&'static str),
    Answer(Index, u16, Vec<Damage>),
    Cancel(Index),
    Wait(u64),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let status =
        prop::sample::select(vec![0_u16, 100, 180, 183, 200, 202, 302, 404, 487, 500, 603, 699, 999]);
    let method = prop::sample::select(vec!["INVITE", "BYE", "OPTIONS", "ACK", "INFO"]);
    let damages = || prop::collection::vec(damage(), 0..2);
    prop_oneof![
        4 => (message(), damages()).prop_map(|(text, damages)| Step::Receive(text, damages)),
        3 => (any::<Index>(), status.clone()).prop_map(|(at, status)| Step::Respond(at, status)),
        2 => method.prop_map(Step::Request),
        3 => (any::<Index>(), status, damages())
            .prop_map(|(at, status, damages)| Step::Answer(at, status, damages)),
        1 => any::<Index>().prop_map(Step::Cancel),
        2 => (0..40_000_u64).prop_map(Step::Wait),
        1 => Just(Step::Close),
    ]
}

#[derive(Default)]
struct Bookkeeping {
    theirs: Vec<TransactionId>,
    ours: Vec<TransactionId>,
    texts: Vec<String>,
    last_words: HashMap<TransactionId, usize>,
}

impl Bookkeeping {
    fn note(&mut self, lab: &mut Lab) {
        self.texts.extend(lab.take_sent().into_iter().filter(|text| !text.starts_with("SIP/")));
        for event in lab.take_events() {
            match event {
                Event::Request { transaction, .. } => self.theirs.push(transaction),
                Event::Response { transaction, message } if message.status >= 300 => {
                    *self.last_words.entry(transaction).or_default() += 1;
                }
                Event::Response { transaction, message } if message.status >= 200 => {
                    self.last_words.entry(transaction).or_insert(1);
                }
                Event::Failed { transaction, .. } => *self.last_words.entry(transaction).or_default() += 1,
                _ => {}
            }
        }
    }
}

fn take(lab: &mut Lab, book: &mut Bookkeeping, step: &Step) {
    match step {
        Step::Receive(text, damages) => lab.receive(damaged(text.as_bytes(), damages)),
        Step::Respond(at, status) if !book.theirs.is_empty() => {
            let id = *at.get(&book.theirs);
            lab.respond_with(id, Response { status: *status, ..Response::default() });
        }
        Step::Request(method) => {
            let id = lab.request(method);
            if id != TransactionId(0) {
                book.ours.push(id);
            }
        }
        Step::Answer(at, status, damages) if !book.texts.is_empty() => {
            let asked: &String = at.get(&book.texts);
            let text = answer_to(asked, *status, "theirs");
            lab.receive(damaged(text.as_bytes(), damages));
        }
        Step::Cancel(at) if !book.ours.is_empty() => {
            let id = *at.get(&book.ours);
            lab.cancel(id);
        }
        Step::Wait(milliseconds) => lab.wait(ms(*milliseconds)),
        Step::Close if lab.transport == Transport::Tcp => {
            lab.endpoint.handle_closed(TCP, lab.now);
            lab.drain();
        }
        _ => {}
    }
    book.note(lab);
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn nothing_stays_behind(is_udp in any::<bool>(), steps in prop::collection::vec(step(), 1..40)) {
        let mut lab = Lab::new(if is_udp { Transport::Udp } else { Transport::Tcp });
        let mut book = Bookkeeping::default();
        for step in &steps {
            take(&mut lab, &mut book, step);
        }
        lab.wait(ms(700_000));
        book.note(&mut lab);
        prop_assert_eq!(lab.endpoint.transactions(), (0, 0));
        prop_assert_eq!(lab.endpoint.poll_timeout(), None);
        for id in &book.ours {
            prop_assert_eq!(book.last_words.get(id), Some(&1), "one last word for {:?}", id);
        }
        let unanswered = lab.count(Reason::Unanswered);
        prop_assert!(unanswered <= book.theirs.len() as u64);
    }

    #[test]
    fn damaged_descriptions(damages in prop::collection::vec(damage(), 0..8)) {
        let offer = damaged(BODY.as_bytes(), &damages);
        let local = Local {
            host: "192.0.2.1".parse().unwrap(),
            port: 20_000,
            session_id: 1,
            session_version: 1,
            codecs: &[Codec::Opus, Codec::Pcmu, Codec::Pcma],
            direction: Direction::SendRecv,
            telephone_event: true,
        };
        match answer(&offer, &local) {
            Err(error) => prop_assert!(error.status == 400 || error.status == 488),
            Ok((text, negotiated)) => {
                let (read, asked) = (parse(&text).unwrap(), parse(&offer).unwrap());
                prop_assert_eq!(read.media.len(), asked.media.len());
                for (ours, theirs) in read.media.iter().zip(&asked.media) {
                    prop_assert_eq!((&ours.kind, &ours.protocol), (&theirs.kind, &theirs.protocol));
                }
                prop_assert_eq!(read.media.iter().filter(|media| media.port != 0).count(), 1);
                prop_assert!(negotiated.remote_port != 0 && (10..=60).contains(&negotiated.ptime_ms));
                if let Ok(taken) = accept(&offer, &text) {
                    prop_assert_eq!(taken.remote_port, 20_000, "the answer is ours");
                }
            }
        }
    }
}
