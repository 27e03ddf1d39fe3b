//! RFC 4475, message by message: parsed, refused or dropped as the RFC says, over UDP and in a stream.

mod lab;

use std::collections::BTreeMap;

use lab::*;
use roomtone_sip::{Event, Reason, Transport};

struct Torture {
    name: &'static str,
    expected: &'static str,
    bytes: Vec<u8>,
}

/// Every message of `rfc4475/fates.txt`.
fn tortures() -> Vec<Torture> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rfc4475");
    let (_, table) = include_str!("rfc4475/fates.txt").split_once("\n\n").unwrap();
    let read = |row: &'static str| {
        let mut words = row.split_whitespace();
        let (name, expected) = (words.next().unwrap(), words.nth(1).unwrap());
        Torture { name, expected, bytes: std::fs::read(format!("{folder}/{name}.dat")).unwrap() }
    };
    table.lines().map(read).collect()
}

fn outcome(lab: &mut Lab) -> String {
    let events = lab.take_events();
    let sent = lab.take_sent();
    match (events.as_slice(), sent.as_slice()) {
        ([Event::Request { .. }], []) => "up".to_owned(),
        ([], [answer]) => status_of(answer).to_string(),
        ([], []) => "drop".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn each_message_meets_its_fate() {
    let tortures = tortures();
    assert_eq!(tortures.len(), 49);
    for torture in tortures {
        let mut lab = Lab::udp();
        lab.receive(&torture.bytes);
        let counted = lab.counters().total();
        assert_eq!(outcome(&mut lab), torture.expected, "{}", torture.name);
        assert_eq!(
            counted,
            u64::from(torture.expected != "up"),
            "{}: what does not go up is counted",
            torture.name
        );
    }
}

#[test]
fn answers_carry_what_the_rfc_wants_in_them() {
    let answers: BTreeMap<&str, String> = tortures()
        .into_iter()
        .filter(|torture| torture.expected.parse::<u16>().is_ok())
        .map(|torture| {
            let mut lab = Lab::udp();
            lab.receive(&torture.bytes);
            (torture.name, lab.take_one())
        })
        .collect();
    for (name, answer) in &answers {
        assert!(header_of(answer, "Via").is_some(), "{name}");
        assert_eq!(header_of(answer, "Content-Length"), Some("0"), "{name}");
        assert!(*name == "insuf" || header_of(answer, "To").unwrap().contains("tag="), "{name}: {answer}");
    }
    assert_eq!(
        header_of(&answers["bext01"], "Unsupported"),
        Some("nothingSupportsThis, nothingSupportsThisEither")
    );
    assert_eq!(header_of(&answers["invut"], "Accept"), Some("application/sdp, multipart/mixed"));
    assert!(header_of(&answers["intmeth"], "Allow").unwrap().contains("INVITE"));
    assert!(header_of(&answers["escnull"], "Allow").unwrap().contains("BYE"));
    assert_eq!(header_of(&answers["lwsruri"], "To"), Some("sip:user@example.com;tag=3xfe-9921883-z9f"));
}

#[test]
fn what_goes_up_is_read_right() {
    let messages: BTreeMap<&str, _> = tortures()
        .into_iter()
        .filter(|torture| torture.expected == "up")
        .map(|torture| {
            let mut lab = Lab::udp();
            lab.receive(&torture.bytes);
            (torture.name, lab.take_request().1)
        })
        .collect();
    let wsinv = &messages["wsinv"];
    assert_eq!(wsinv.from_display, "J Rosenberg \\\"");
    assert_eq!((wsinv.from_tag.as_str(), wsinv.to_tag.as_str()), ("98asjd8", "1918181833n"));
    assert_eq!((wsinv.cseq, wsinv.contact_uri.as_str()), (9, "sip:jdrosen@example.com"));
    assert_eq!(wsinv.header("newfangledheader"), Some("newfangled value continued newfangled value"));
    assert_eq!(wsinv.header("Subject"), Some(""));
    assert_eq!(wsinv.headers("Via").len(), 2);
    assert!(wsinv.body.starts_with(b"v=0"));
    assert_eq!(messages["esc01"].uri, "sip:sips%3Auser%40example.com@example.net");
    assert_eq!(messages["lwsdisp"].from_display, "caller");
    assert_eq!(messages["semiuri"].uri, "sip:user;par=u%40example.net@example.com");
    assert_eq!(messages["longreq"].headers("v").len(), 34);
    let inv2543 = &messages["inv2543"];
    assert_eq!(inv2543.from_tag, "");
    assert_eq!(inv2543.contact_uri, "sip:+13035551111@ift.client.example.net;user=phone");
    assert_eq!(inv2543.routes, ["<sip:UserB@example.com;maddr=ss1.example.com>"]);
}

/// In a stream the same messages come to the same end, cut anywhere; those that cannot be framed close it.
#[test]
fn a_stream_is_no_different_byte_by_byte() {
    for torture in tortures() {
        let framed = !["clerr", "ncl", "mcl01", "dblreq", "inv2543"].contains(&torture.name);
        if !framed {
            continue;
        }
        let mut lab = Lab::tcp();
        for byte in &torture.bytes {
            lab.receive([*byte]);
        }
        assert_eq!(outcome(&mut lab), torture.expected, "{}", torture.name);
        assert!(lab.others.is_empty(), "{}", torture.name);
    }
}

#[test]
fn a_stream_that_cannot_be_framed_is_answered_and_closed() {
    for torture in tortures().into_iter().filter(|torture| ["ncl", "mcl01"].contains(&torture.name)) {
        let mut lab = Lab::new(Transport::Tcp);
        lab.receive(&torture.bytes);
        assert_eq!(status_of(&lab.take_one()), 400);
        assert_eq!(lab.others.len(), 1, "{}", torture.name);
        assert_eq!(lab.count(Reason::Malformed), 1);
    }
}
