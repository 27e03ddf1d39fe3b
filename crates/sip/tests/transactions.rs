//! The four transaction machines through our facade, as tables: what is sent when, on both kinds of
//! transport, and what a message does in each state (RFC 3261 section 17, RFC 6026). Times are milliseconds
//! after the start.

mod lab;

use lab::*;
use roomtone_sip::{Event, FailReason, Reason, Response, Transport};

const BOTH: [Transport; 2] = [Transport::Udp, Transport::Tcp];

fn response_statuses(events: &[Event]) -> Vec<u16> {
    let status = |event: &Event| match event {
        Event::Response { message, .. } => Some(message.status),
        _ => None,
    };
    events.iter().filter_map(status).collect()
}

// --- INVITE client: timers A, B, D, M ----------------------------------------------------------------------

#[test]
fn invite_client_alone_in_the_world() {
    for (transport, expected) in
        [(Transport::Udp, vec![0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]), (Transport::Tcp, vec![0])]
    {
        let mut lab = Lab::new(transport);
        let start = lab.now;
        let invite = lab.request("INVITE");
        lab.wait(ms(40_000));
        assert_eq!(
            lab.times_of(start, "INVITE "),
            expected,
            "{transport:?}: timer A doubles without a bound"
        );
        let failed = Event::Failed { transaction: invite, reason: FailReason::Timeout };
        assert_eq!(lab.events, [(start + ms(32_000), failed)], "{transport:?}: timer B");
        assert_eq!(lab.endpoint.transactions(), (0, 0));
    }
}

#[test]
fn invite_client_rests_after_a_provisional_answer() {
    for transport in BOTH {
        let mut lab = Lab::new(transport);
        lab.request("INVITE");
        let text = lab.take_one();
        lab.wait(ms(300));
        lab.receive(answer_to(&text, 180, "theirs"));
        lab.wait(ms(300_000));
        assert!(lab.take_sent().is_empty(), "{transport:?}: neither A nor B in Proceeding");
        lab.receive(answer_to(&text, 183, "theirs"));
        lab.receive(answer_to(&text, 200, "theirs"));
        assert_eq!(response_statuses(&lab.take_events()), [180, 183, 200]);
    }
}

#[test]
fn invite_client_left_ringing_is_cancelled_and_fails_in_the_end() {
    let mut lab = Lab::udp();
    let start = lab.now;
    let invite = lab.request("INVITE");
    let text = lab.take_one();
    lab.receive(answer_to(&text, 180, "theirs"));
    lab.take_events();
    lab.wait(ms(601_000));
    assert_eq!(lab.times_of(start, "CANCEL ")[0], 600_000);
    assert_eq!(lab.take_events(), [Event::Failed { transaction: invite, reason: FailReason::Timeout }]);
}

#[test]
fn invite_client_acknowledges_a_refusal_each_time_it_comes() {
    for (transport, absorbed_ms) in [(Transport::Udp, 32_000), (Transport::Tcp, 0)] {
        let mut lab = Lab::new(transport);
        lab.request("INVITE");
        let text = lab.take_one();
        lab.receive(answer_to(&text, 486, "theirs"));
        let ack = lab.take_one();
        assert!(ack.starts_with("ACK sip:bob@192.0.2.9:5070 SIP/2.0\r\n"));
        assert_eq!(header_of(&ack, "Via"), header_of(&text, "Via"));
        assert_eq!(header_of(&ack, "CSeq"), Some("1 ACK"));
        assert_eq!(response_statuses(&lab.take_events()), [486]);
        if absorbed_ms > 0 {
            lab.wait(ms(absorbed_ms - 1));
            lab.receive(answer_to(&text, 486, "theirs"));
            assert_eq!(lab.take_one(), ack);
            assert!(lab.take_events().is_empty());
        }
        lab.wait(ms(1));
        lab.receive(answer_to(&text, 486, "theirs"));
        assert!(lab.take_sent().is_empty(), "{transport:?}: timer D is over");
        assert_eq!(lab.count(Reason::StrayResponse), 1);
        assert_eq!(lab.endpoint.transactions(), (0, 0));
    }
}

#[test]
fn invite_client_takes_every_2xx_for_64_t1() {
    for transport in BOTH {
        let mut lab = Lab::new(transport);
        lab.request("INVITE");
        let text = lab.take_one();
        lab.receive(answer_to(&text, 200, "a"));
        lab.wait(ms(31_999));
        lab.receive(answer_to(&text, 200, "b"));
        lab.receive(answer_to(&text, 486, "b"));
        assert_eq!(response_statuses(&lab.take_events()), [200, 200], "and no refusal after it");
        lab.wait(ms(1));
        lab.receive(answer_to(&text, 200, "c"));
        assert!(lab.take_events().is_empty(), "{transport:?}: timer M is over");
        assert_eq!(lab.endpoint.transactions(), (0, 0));
    }
}

// --- non-INVITE client: timers E, F, K ---------------------------------------------------------------------

#[test]
fn other_client_alone_in_the_world() {
    let udp = vec![0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    for (transport, expected) in [(Transport::Udp, udp), (Transport::Tcp, vec![0])] {
        let mut lab = Lab::new(transport);
        let start = lab.now;
        let bye = lab.request("BYE");
        lab.wait(ms(40_000));
        assert_eq!(lab.times_of(start, "BYE "), expected, "{transport:?}: timer E up to T2");
        let failed = Event::Failed { transaction: bye, reason: FailReason::Timeout };
        assert_eq!(lab.events, [(start + ms(32_000), failed)], "{transport:?}: timer F");
    }
}

#[test]
fn other_client_goes_on_at_t2_after_a_provisional_answer() {
    let mut lab = Lab::udp();
    let start = lab.now;
    lab.request("BYE");
    let text = lab.sent[0].2.clone();
    lab.wait(ms(600));
    lab.receive(answer_to(&text, 100, ""));
    lab.wait(ms(40_000));
    assert_eq!(
        lab.times_of(start, "BYE "),
        [0, 500, 1_500, 5_500, 9_500, 13_500, 17_500, 21_500, 25_500, 29_500]
    );
    assert_eq!(lab.events.last().unwrap().0, start + ms(32_000), "timer F counts from the start");
}

#[test]
fn other_client_absorbs_repeated_answers_for_t4() {
    for (transport, absorbed_ms) in [(Transport::Udp, 5_000), (Transport::Tcp, 0)] {
        let mut lab = Lab::new(transport);
        lab.request("BYE");
        let text = lab.take_one();
        lab.receive(answer_to(&text, 200, ""));
        lab.receive(answer_to(&text, 200, ""));
        assert_eq!(response_statuses(&lab.take_events()), [200]);
        lab.wait(ms(absorbed_ms));
        assert!(lab.take_sent().is_empty());
        assert_eq!(lab.endpoint.transactions(), (0, 0), "{transport:?}: timer K is over");
    }
}

// --- INVITE server: 100 after 200 ms, timers G, H, I, L ----------------------------------------------------

#[test]
fn invite_server_says_trying_after_200_ms_and_not_before() {
    for transport in BOTH {
        let mut lab = Lab::new(transport);
        let start = lab.now;
        lab.receive(their_request_with("INVITE", "1", "Timestamp: 54.1\r\n", ""));
        lab.receive(their_request("INVITE", "1"));
        assert!(lab.sent.is_empty());
        lab.wait(ms(1_000));
        assert_eq!(lab.times_of(start, "SIP/2.0 100 Trying"), [200], "{transport:?}");
        assert_eq!(to_tag_of(&lab.sent[0].2), "", "100 begins no dialog");
        assert_eq!(header_of(&lab.sent[0].2, "Timestamp"), Some("54.1"), "section 8.2.6.1");
        lab.receive(their_request("INVITE", "1"));
        assert_eq!(lab.take_sent().len(), 2, "a repetition gets the last answer again");
        assert_eq!(lab.take_events().len(), 1, "the request is said once");
    }
}

#[test]
fn invite_server_that_answers_at_once_says_no_trying() {
    let mut lab = Lab::udp();
    lab.receive(their_request("INVITE", "1"));
    let (invite, _) = lab.take_request();
    lab.wait(ms(199));
    lab.respond(invite, 180);
    lab.wait(ms(1_000));
    assert_eq!(status_of(&lab.take_one()), 180);
    lab.receive(their_request("INVITE", "1"));
    assert_eq!(status_of(&lab.take_one()), 180);
}

#[test]
fn invite_server_repeats_a_refusal_until_its_ack() {
    let udp = vec![0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    for (transport, expected) in [(Transport::Udp, udp), (Transport::Tcp, vec![0])] {
        let mut lab = Lab::new(transport);
        lab.receive(their_request("INVITE", "1"));
        let (invite, _) = lab.take_request();
        let start = lab.now;
        lab.respond(invite, 486);
        lab.wait(ms(40_000));
        assert_eq!(lab.times_of(start, "SIP/2.0 486"), expected, "{transport:?}: timer G up to T2, until H");
        assert!(lab.take_events().is_empty(), "a refusal that nobody acknowledges is no news");
        assert_eq!(lab.endpoint.transactions(), (0, 0));
    }
}

#[test]
fn invite_server_absorbs_the_ack_to_a_refusal() {
    let mut lab = Lab::udp();
    lab.receive(their_request("INVITE", "1"));
    let (invite, _) = lab.take_request();
    lab.respond(invite, 486);
    lab.take_sent();
    lab.receive(their_request("INVITE", "1"));
    assert_eq!(status_of(&lab.take_one()), 486, "the refusal again in Completed");
    lab.receive(their_refusal_ack("1", "ours"));
    lab.receive(their_refusal_ack("1", "ours"));
    lab.receive(their_request("INVITE", "1"));
    assert!(lab.sent.is_empty() && lab.events.is_empty(), "Confirmed is silent");
    lab.wait(ms(4_999));
    assert_eq!(lab.endpoint.transactions(), (1, 0));
    lab.wait(ms(1));
    assert_eq!(lab.endpoint.transactions(), (0, 0), "timer I is T4");
    assert!(lab.sent.is_empty());
}

#[test]
fn invite_server_of_an_rfc_2543_peer_takes_its_ack() {
    let old = |text: String| text.replace(";branch=z9hG4bK1;rport", "");
    let mut lab = Lab::udp();
    lab.receive(old(their_request("INVITE", "1")));
    let (invite, _) = lab.take_request();
    lab.respond(invite, 486);
    lab.take_sent();
    lab.receive(old(their_refusal_ack("1", "ours")));
    lab.wait(ms(40_000));
    assert!(
        lab.sent.is_empty(),
        "the refusal rests: its ACK has found it, though it has a To tag and no branch"
    );
    assert_eq!(lab.endpoint.transactions(), (0, 0));
}

#[test]
fn invite_server_keeps_its_transaction_after_a_2xx() {
    let mut lab = Lab::udp();
    lab.receive(their_request("INVITE", "1"));
    let (invite, _) = lab.take_request();
    lab.respond(invite, 200);
    lab.receive(their_ack("1", "ours"));
    lab.take_sent();
    lab.take_events();
    lab.wait(ms(31_999));
    lab.receive(their_request("INVITE", "1"));
    assert!(lab.sent.is_empty() && lab.events.is_empty(), "a late repetition of the INVITE is no new call");
    lab.wait(ms(1));
    assert_eq!(lab.endpoint.transactions(), (0, 0), "timer L is 64 T1");
}

#[test]
fn invite_server_that_nobody_answers_ends_with_500() {
    let mut lab = Lab::udp();
    let start = lab.now;
    lab.receive(their_request("INVITE", "1"));
    let (invite, _) = lab.take_request();
    lab.wait(ms(300_000));
    lab.respond(invite, 180);
    lab.wait(ms(700_000));
    assert_eq!(lab.times_of(start, "SIP/2.0 500")[0], 900_000, "600 s after the last answer of ours");
    assert_eq!(lab.take_events(), [Event::Failed { transaction: invite, reason: FailReason::Timeout }]);
    assert_eq!(lab.count(Reason::Unanswered), 1);
    assert_eq!(lab.endpoint.transactions(), (0, 0));
}

// --- non-INVITE server: timer J ----------------------------------------------------------------------------

#[test]
fn other_server_answers_once_and_again_when_asked_again() {
    for (transport, absorbed_ms) in [(Transport::Udp, 32_000), (Transport::Tcp, 0)] {
        let mut lab = Lab::new(transport);
        lab.receive(their_request("BYE", "1"));
        let (bye, _) = lab.take_request();
        lab.wait(ms(1_000));
        assert!(lab.sent.is_empty(), "no 100 for other requests (RFC 4320)");
        lab.receive(their_request("BYE", "1"));
        assert!(lab.sent.is_empty() && lab.events.is_empty(), "Trying absorbs");
        lab.respond(bye, 200);
        let answer = lab.take_one();
        if absorbed_ms > 0 {
            lab.wait(ms(absorbed_ms - 1));
            lab.receive(their_request("BYE", "1"));
            assert_eq!(lab.take_one(), answer);
        }
        lab.wait(ms(1));
        assert_eq!(lab.endpoint.transactions(), (0, 0), "{transport:?}: timer J is over");
    }
}

#[test]
fn other_server_that_nobody_answers_ends_in_silence() {
    let mut lab = Lab::udp();
    lab.receive(their_request("OPTIONS", "1"));
    let (options, _) = lab.take_request();
    lab.wait(ms(32_000));
    assert!(lab.sent.is_empty(), "an answer would be too late to be of use (RFC 4320)");
    assert_eq!(lab.take_events(), [Event::Failed { transaction: options, reason: FailReason::Timeout }]);
    lab.respond(options, 200);
    assert!(lab.sent.is_empty());
    assert_eq!(lab.count(Reason::LateAnswer), 1);
    assert_eq!(lab.endpoint.transactions(), (0, 0));
}

#[test]
fn the_first_final_answer_counts() {
    for method in ["INVITE", "BYE"] {
        let mut lab = Lab::udp();
        lab.receive(their_request(method, "1"));
        let (id, _) = lab.take_request();
        lab.respond(id, 200);
        lab.take_sent();
        lab.respond(id, 486);
        lab.respond(id, 180);
        assert!(lab.sent.is_empty(), "{method}");
        assert_eq!(lab.count(Reason::LateAnswer), 2);
    }
}

// --- what is refused without a transaction -----------------------------------------------------------------

#[test]
fn refusals() {
    let with = |method, headers, body| their_request_with(method, "1", headers, body);
    let table = [
        (with("REGISTER", "", ""), 405, Reason::MethodNotAllowed),
        (with("PRACK", "", ""), 405, Reason::MethodNotAllowed),
        (with("DANCE", "", ""), 501, Reason::UnknownMethod),
        (with("invite", "", ""), 501, Reason::UnknownMethod),
        (with("INVITE", "Require: 100rel\r\n", ""), 420, Reason::BadExtension),
        (with("INVITE", "Require: timer, 100rel\r\n", ""), 420, Reason::BadExtension),
        (with("INVITE", "Content-Type: text/plain\r\n", "hello"), 415, Reason::UnsupportedMedia),
        (with("INVITE", "", "v=0\r\n"), 415, Reason::UnsupportedMedia),
        (with("INVITE", "c: application/sdp\r\ne: gzip\r\n", "v=0\r\n"), 415, Reason::UnsupportedMedia),
        (with("INVITE", "Accept: text/html\r\n", ""), 406, Reason::NotAcceptable),
        (
            with("INVITE", "", "").replace("sip:demo@192.0.2.1 SIP", "http://demo SIP"),
            416,
            Reason::UnsupportedScheme,
        ),
        (with("INVITE", "", "").replace("Forwards: 70", "Forwards: 0"), 483, Reason::TooManyHops),
        (with("INVITE", "", "").replace("Forwards: 70", "Forwards: x"), 400, Reason::Malformed),
        (with("INVITE", "", "").replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia"), 505, Reason::Version),
        (
            with("INVITE", "Contact: <sip:\r\n", "").replacen(
                "Contact: <sip:alice@192.0.2.9:5070>\r\n",
                "",
                1,
            ),
            400,
            Reason::Malformed,
        ),
        (with("INVITE", "Record-Route: <sip:\r\n", ""), 400, Reason::Malformed),
        (with("BYE", "", "").replace("1 BYE", "x BYE"), 400, Reason::Malformed),
        (with("BYE", "", "").replace("\r\n", "\n"), 400, Reason::Malformed),
    ];
    for (request, status, reason) in table {
        let mut lab = Lab::udp();
        lab.receive(&request);
        let answer = lab.take_one();
        assert_eq!(status_of(&answer), status, "{request}\n{answer}");
        assert_eq!(lab.count(reason), 1, "{request}");
        assert_eq!(lab.counters().total(), 1);
        assert!(lab.events.is_empty());
        assert_eq!(lab.endpoint.transactions(), (0, 0), "no state for it");
        let refusal = lab.endpoint.poll_refusal().unwrap();
        assert_eq!((refusal.reason, refusal.remote), (reason, peer()));

        lab.receive(&request);
        assert_eq!(lab.take_one(), answer, "the same answer again, tag and all");
        let tag = to_tag_of(&answer);
        if request.starts_with("INVITE") && status != 400 {
            let strays = lab.count(Reason::StrayAck);
            lab.receive(their_refusal_ack("1", &tag).replace("sip:demo@192.0.2.1 SIP", "sip:x@y SIP"));
            assert_eq!(lab.count(Reason::StrayAck), strays, "its ACK is expected");
            assert!(lab.sent.is_empty() && lab.events.is_empty());
        }
    }
}

#[test]
fn refusals_name_what_would_do() {
    let table = [
        ("DANCE", "", "", "Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER"),
        ("INVITE", "Require: timer, 100rel, x\r\n", "", "Unsupported", "100rel, x"),
        ("INVITE", "Content-Type: text/plain\r\n", "hello", "Accept", "application/sdp, multipart/mixed"),
        ("INVITE", "c: application/sdp\r\ne: gzip\r\n", "v=0\r\n", "Accept-Encoding", "identity"),
    ];
    for (method, headers, body, name, value) in table {
        let mut lab = Lab::udp();
        lab.receive(their_request_with(method, "1", headers, body));
        assert_eq!(header_of(&lab.take_one(), name), Some(value));
    }
}

#[test]
fn what_is_not_refused() {
    let table = [
        ("INVITE", "Require: timer\r\n", "", ""),
        ("INVITE", "Accept: text/html, application/SDP;q=0.1\r\n", "", ""),
        ("INVITE", "Content-Type: Application/SDP; charset=utf-8\r\n", "v=0\r\n", "v=0\r\n"),
        ("INVITE", "c: text/x\r\nContent-Disposition: render;handling=optional\r\n", "x", ""),
        ("INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=5", "Signal=5"),
        ("OPTIONS", "Content-Type: text/plain\r\n", "x", "x"),
        ("REFER", "", "", ""),
        ("UPDATE", "", "", ""),
    ];
    for (method, headers, body, kept) in table {
        let mut lab = Lab::udp();
        lab.receive(their_request_with(method, "1", headers, body));
        let (_, message) = lab.take_request();
        assert_eq!((message.method.as_str(), message.body.as_slice()), (method, kept.as_bytes()));
    }
}

#[test]
fn the_same_request_by_another_way_is_merged() {
    let mut lab = Lab::udp();
    lab.receive(their_request("INVITE", "1"));
    lab.take_request();
    lab.receive(their_request("INVITE", "1").replace("branch=z9hG4bK1", "branch=z9hG4bKfork"));
    assert_eq!(status_of(&lab.take_one()), 482);
    assert_eq!(lab.count(Reason::Merged), 1);
    let inside = their_request("INVITE", "1").replace("branch=z9hG4bK1", "branch=z9hG4bKtwo");
    lab.receive(inside.replace("To: <sip:demo@192.0.2.1>", "To: <sip:demo@192.0.2.1>;tag=x"));
    lab.take_request();
}

// --- where answers go (RFC 3261 section 18.2, RFC 3581) ----------------------------------------------------

#[test]
fn answers_find_their_way() {
    let via = |via: &str| {
        their_request("OPTIONS", "1").replace("Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK1;rport", via)
    };
    let table = [
        ("Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK1", "192.0.2.9:5070", ""),
        ("Via: SIP/2.0/UDP 192.0.2.9:6000;branch=z9hG4bK1", "192.0.2.9:6000", ""),
        ("Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1", "192.0.2.9:5060", ""),
        ("Via: SIP/2.0/UDP 10.0.0.1:6000;branch=z9hG4bK1", "192.0.2.9:6000", ";received=192.0.2.9"),
        ("Via: SIP/2.0/UDP phone.invalid;branch=z9hG4bK1", "192.0.2.9:5060", ";received=192.0.2.9"),
        (
            "Via: SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bK1",
            "192.0.2.9:5070",
            ";received=192.0.2.9;rport=5070",
        ),
        (
            "Via: SIP/2.0/UDP 10.0.0.1;maddr=198.51.100.1;branch=z9hG4bK1",
            "192.0.2.9:5060",
            ";received=192.0.2.9",
        ),
        (
            "Via: SIP/2.0/UDP 10.0.0.1;received=1.2.3.4;branch=z9hG4bK1",
            "192.0.2.9:5060",
            ";received=192.0.2.9",
        ),
    ];
    for (line, address, ending) in table {
        let mut lab = Lab::udp();
        lab.receive(via(line));
        let (id, _) = lab.take_request();
        lab.respond_with(id, Response { status: 200, ..Response::default() });
        let (_, remote, text) = lab.sent.pop().unwrap();
        assert_eq!(remote.to_string(), address, "{line}");
        let back = header_of(&text, "Via").unwrap();
        assert!(back.ends_with(ending) && !back.contains("1.2.3.4"), "{line}: {back}");
        assert_eq!(back.matches("received").count(), usize::from(!ending.is_empty()));
        assert!(back.contains("branch=z9hG4bK1"));
    }
}

#[test]
fn only_the_topmost_hop_is_amended_and_all_come_back_in_order() {
    let mut lab = Lab::udp();
    let vias = "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1, SIP/2.0/TCP 10.0.0.2;branch=z9hG4bK2\r\n\
                Via: SIP/2.0/UDP 10.0.0.3;branch=z9hG4bK3";
    lab.receive(
        their_request("OPTIONS", "1").replace("Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK1;rport", vias),
    );
    let (id, _) = lab.take_request();
    lab.respond(id, 200);
    let answer = lab.take_one();
    let lines: Vec<&str> = answer.lines().filter(|line| line.starts_with("Via:")).collect();
    assert_eq!(
        lines,
        [
            "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;received=192.0.2.9, SIP/2.0/TCP 10.0.0.2;branch=z9hG4bK2",
            "Via: SIP/2.0/UDP 10.0.0.3;branch=z9hG4bK3",
        ]
    );
}

#[test]
fn ipv6_from_end_to_end() {
    let mut lab = Lab::udp();
    lab.source = "[2001:db8::9]:5070".parse().unwrap();
    lab.receive(their_request("INVITE", "1").replace("UDP 192.0.2.9:5070", "UDP [2001:db8::9]:5070"));
    let (id, message) = lab.take_request();
    assert_eq!(message.source().1, "2001:db8::9");
    lab.respond(id, 486);
    let (_, remote, text) = lab.sent.pop().unwrap();
    assert_eq!(remote, lab.source);
    assert!(header_of(&text, "Via").unwrap().contains(";received=2001:db8::9;rport=5070"), "{text}");

    let sent_by = "[2001:db8::1]:5060".parse().unwrap();
    let target = roomtone_sip::Target::Socket(UDP, lab.source);
    lab.endpoint.request(&our_request("OPTIONS", 1), target, sent_by, lab.now);
    lab.drain();
    let text = lab.take_one();
    assert!(header_of(&text, "Via").unwrap().starts_with("SIP/2.0/UDP [2001:db8::1]:5060;branch="));
    lab.receive(answer_to(&text, 200, "x"));
    assert_eq!(response_statuses(&lab.take_events()), [200]);
}

// --- what the dialog layer may and may not put on the wire -------------------------------------------------

#[test]
fn no_header_of_ours_can_break_a_line() {
    let mut lab = Lab::udp();
    lab.receive(their_request("INVITE", "1"));
    let (id, _) = lab.take_request();
    let headers = vec![("X-A".to_owned(), "a\r\nX-Evil: 1".to_owned()), ("X-B".to_owned(), "b".to_owned())];
    lab.respond_with(
        id,
        Response { status: 486, reason: "No\r\nEvil".to_owned(), headers, ..Response::default() },
    );
    let text = lab.take_one();
    assert!(!text.contains("\r\nX-Evil") && !text.contains("\r\nEvil"), "{text}");
    assert_eq!(header_of(&text, "X-B"), Some("b"));
    assert_eq!(lab.count(Reason::Unsendable), 1);
    assert_eq!(to_tag_of(&text).len(), 16, "a tag is made when none is given");
}

#[test]
fn record_route_comes_back_in_what_makes_a_dialog() {
    let mut lab = Lab::udp();
    let routes = "Record-Route: <sip:p2;lr>, <sip:p1;lr>\r\nRecord-Route: <sip:p0;lr>\r\n";
    lab.receive(their_request_with("INVITE", "1", routes, ""));
    let (id, message) = lab.take_request();
    assert_eq!(message.routes, ["<sip:p2;lr>", "<sip:p1;lr>", "<sip:p0;lr>"]);
    lab.respond(id, 200);
    let text = lab.take_one();
    assert_eq!(text.matches("Record-Route: ").count(), 2);
}

#[test]
fn requests_that_cannot_be_sent_fail_at_once() {
    let mut bad_uri = our_request("BYE", 1);
    bad_uri.uri = "sip:a b".to_owned();
    let mut bad_method = our_request("BYE", 1);
    bad_method.method = "B Y E".to_owned();
    for request in [bad_uri, bad_method] {
        let mut lab = Lab::udp();
        let target = lab.target();
        let id = lab.request_to(&request, target);
        assert_eq!(lab.take_events(), [Event::Failed { transaction: id, reason: FailReason::Transport }]);
        assert!(lab.sent.is_empty());
        assert_eq!(lab.endpoint.poll_timeout(), None);
    }
}

#[test]
fn a_stray_response_is_nothing() {
    let mut lab = Lab::udp();
    lab.request("BYE");
    let text = lab.take_one();
    lab.receive(answer_to(&text.replace("z9hG4bK", "z9hG4bKx"), 200, ""));
    lab.receive(answer_to(&text.replace("CSeq: 1 BYE", "CSeq: 1 INVITE"), 200, ""));
    lab.receive(answer_to(&text, 200, "").replace("Call-ID", "X-Call-ID"));
    assert!(lab.take_events().is_empty());
    assert_eq!(lab.count(Reason::StrayResponse), 2);
    assert_eq!(lab.count(Reason::MalformedResponse), 1);
}
