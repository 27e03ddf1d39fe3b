//! A whole call below the dialog layer, in both roles: INVITE, answers, ACK, CANCEL, BYE.

mod lab;

use lab::*;
use roomtone_sip::{Event, FailReason, Reason, Response, TransactionId, Transport};

#[test]
fn a_call_to_us_from_invite_to_bye() {
    let mut lab = Lab::udp();
    lab.receive(their_request_with("INVITE", "1", "Content-Type: application/sdp\r\n", "v=0\r\n"));
    let (invite, message) = lab.take_request();
    assert_eq!(message.method, "INVITE");
    assert_eq!(message.uri, "sip:demo@192.0.2.1");
    assert_eq!(message.from_uri, "sip:alice@example.com");
    assert_eq!(message.from_tag, "theirs");
    assert_eq!(message.from_display, "Alice A.");
    assert_eq!(message.to_tag, "");
    assert_eq!(message.contact_uri, "sip:alice@192.0.2.9:5070");
    assert_eq!(message.body, b"v=0\r\n");
    assert_eq!(message.source(), ("udp", "192.0.2.9".to_owned(), 5070));
    assert_eq!(message.header("m"), Some("<sip:alice@192.0.2.9:5070>"));

    lab.respond(invite, 180);
    let ringing = lab.take_one();
    assert_eq!(status_of(&ringing), 180);
    assert_eq!(to_tag_of(&ringing), "ours");
    assert!(header_of(&ringing, "Via").unwrap().ends_with(";received=192.0.2.9;rport=5070"));

    let headers = vec![
        ("Contact".to_owned(), "<sip:192.0.2.1:5060>".to_owned()),
        ("Content-Type".to_owned(), "application/sdp".to_owned()),
        ("Via".to_owned(), "SIP/2.0/UDP forged".to_owned()),
    ];
    let answer = Response {
        status: 200,
        headers,
        body: b"v=0\r\n".to_vec(),
        to_tag: "ours".to_owned(),
        ..Response::default()
    };
    lab.respond_with(invite, answer);
    let ok = lab.take_one();
    assert!(ok.starts_with("SIP/2.0 200 OK\r\n"));
    assert_eq!(header_of(&ok, "Content-Length"), Some("5"));
    assert_eq!(header_of(&ok, "CSeq"), Some("1 INVITE"));
    assert!(!ok.contains("forged"));
    assert!(ok.ends_with("\r\n\r\nv=0\r\n"));

    lab.wait(ms(100));
    lab.receive(their_ack("1", "ours"));
    assert!(matches!(lab.take_events().as_slice(), [Event::Ack { message }] if message.to_tag == "ours"));
    lab.wait(ms(60_000));
    assert!(lab.take_sent().is_empty(), "the 2xx rests after its ACK");
    assert!(lab.take_events().is_empty());
    assert_eq!(lab.endpoint.transactions(), (0, 0));

    lab.receive(their_request("BYE", "2"));
    let (bye, _) = lab.take_request();
    lab.respond(bye, 200);
    assert_eq!(status_of(&lab.take_one()), 200);
    lab.wait(ms(32_000));
    assert_eq!(lab.endpoint.transactions(), (0, 0));
    assert_eq!(lab.endpoint.poll_timeout(), None);
}

#[test]
fn a_call_of_ours_from_invite_to_bye() {
    let mut lab = Lab::udp();
    let invite = lab.request("INVITE");
    let text = lab.take_one();
    assert!(text.starts_with("INVITE sip:bob@192.0.2.9:5070 SIP/2.0\r\n"));
    assert_eq!(header_of(&text, "Max-Forwards"), Some("70"));
    assert_eq!(header_of(&text, "Content-Length"), Some("0"));
    let via = header_of(&text, "Via").unwrap();
    assert!(via.starts_with("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK") && via.ends_with(";rport"), "{via}");

    for status in [100, 180, 200] {
        lab.receive(answer_to(&text, status, "theirs"));
        let events = lab.take_events();
        assert!(
            matches!(&events[..], [Event::Response { transaction, message }]
                if *transaction == invite && message.status == status && message.method == "INVITE"),
            "{events:?}"
        );
    }
    let mut ack = our_request("ACK", 1);
    ack.headers[1].1.push_str(";tag=theirs");
    let target = lab.target();
    assert_eq!(lab.request_to(&ack, target), TransactionId(0));
    let sent_ack = lab.take_one();
    assert!(sent_ack.starts_with("ACK "));

    lab.receive(answer_to(&text, 200, "theirs"));
    assert_eq!(lab.take_one(), sent_ack, "a repeated 2xx gets the same ACK again");
    assert!(lab.take_events().is_empty());
    lab.receive(answer_to(&text, 200, "fork"));
    assert_eq!(lab.take_events().len(), 1, "another answer of a fork is news");

    let bye = lab.request("BYE");
    let text = lab.take_one();
    lab.receive(answer_to(&text, 200, ""));
    assert!(matches!(lab.take_events()[..], [Event::Response { transaction, .. }] if transaction == bye));
    lab.wait(ms(40_000));
    assert_eq!(lab.endpoint.transactions(), (0, 0));
    assert!(lab.take_events().is_empty());
}

#[test]
fn a_2xx_is_repeated_until_its_ack_and_given_up_after_64_t1() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut lab = Lab::new(transport);
        lab.receive(their_request("INVITE", "1"));
        let (invite, _) = lab.take_request();
        let start = lab.now;
        lab.respond(invite, 200);
        lab.wait(ms(33_000));
        let times = lab.times_of(start, "SIP/2.0 200");
        let expected = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
        assert_eq!(times, expected, "{transport:?}");
        let expected = Event::AckTimeout {
            transaction: invite,
            call_id: "call-1@192.0.2.9".to_owned(),
            to_tag: "ours".to_owned(),
        };
        assert_eq!(lab.events.pop(), Some((start + ms(32_000), expected)));
        assert_eq!(lab.endpoint.transactions(), (0, 0));
    }
}

#[test]
fn an_ack_is_said_once_and_may_have_the_branch_of_its_invite() {
    let mut lab = Lab::udp();
    lab.receive(their_request("INVITE", "1"));
    let (invite, _) = lab.take_request();
    lab.respond(invite, 200);
    lab.receive(their_refusal_ack("1", "ours"));
    assert!(matches!(lab.take_events()[..], [Event::Ack { .. }]));
    lab.receive(their_refusal_ack("1", "ours"));
    lab.receive(their_ack("1", "ours"));
    assert!(lab.take_events().is_empty());
    assert_eq!(lab.count(Reason::StrayAck), 2);
}

#[test]
fn an_ack_with_a_wrong_tag_stops_nothing() {
    let mut lab = Lab::udp();
    lab.receive(their_request("INVITE", "1"));
    let (invite, _) = lab.take_request();
    lab.respond(invite, 200);
    lab.take_sent();
    lab.receive(their_ack("1", "other"));
    assert!(lab.take_events().is_empty());
    lab.wait(ms(500));
    assert_eq!(status_of(&lab.take_one()), 200);
}

#[test]
fn cancel_before_the_answer() {
    let mut lab = Lab::udp();
    lab.receive(their_request("INVITE", "1"));
    let (invite, _) = lab.take_request();
    lab.respond(invite, 180);
    lab.take_sent();
    lab.receive(their_request("CANCEL", "1"));
    let answer = lab.take_one();
    assert_eq!((status_of(&answer), header_of(&answer, "CSeq")), (200, Some("1 CANCEL")));
    assert_eq!(to_tag_of(&answer), "ours", "the tag is that of the INVITE's answers");
    assert_eq!(lab.take_events(), [Event::Cancelled { transaction: invite }]);

    lab.receive(their_request("CANCEL", "1"));
    assert_eq!(lab.take_one(), answer, "a repetition is answered again");
    assert!(lab.take_events().is_empty(), "and said once");

    lab.respond(invite, 487);
    assert_eq!(status_of(&lab.take_one()), 487);
    lab.receive(their_refusal_ack("1", "ours"));
    lab.wait(ms(40_000));
    assert!(lab.take_sent().is_empty());
    assert!(lab.take_events().is_empty());
}

#[test]
fn cancel_that_comes_too_late_or_for_nothing() {
    let mut lab = Lab::udp();
    lab.receive(their_request("CANCEL", "9"));
    assert_eq!(status_of(&lab.take_one()), 481);
    assert_eq!(lab.count(Reason::NoTransaction), 1);

    lab.receive(their_request("INVITE", "1"));
    let (invite, _) = lab.take_request();
    lab.respond(invite, 200);
    lab.take_sent();
    lab.receive(their_request("CANCEL", "1"));
    assert_eq!(status_of(&lab.take_one()), 200);
    assert!(lab.take_events().is_empty(), "the call is answered: nothing is cancelled");
}

#[test]
fn our_cancel_waits_for_a_provisional_answer() {
    let mut lab = Lab::udp();
    let invite = lab.request("INVITE");
    let text = lab.take_one();
    lab.cancel(invite);
    assert!(lab.take_sent().is_empty());
    lab.receive(answer_to(&text, 180, "theirs"));
    let cancel = lab.take_one();
    assert!(cancel.starts_with("CANCEL sip:bob@192.0.2.9:5070 SIP/2.0\r\n"));
    assert_eq!(header_of(&cancel, "Via"), header_of(&text, "Via"));
    assert_eq!(header_of(&cancel, "CSeq"), Some("1 CANCEL"));
    lab.take_events();

    lab.receive(answer_to(&cancel, 200, "theirs"));
    assert!(lab.take_events().is_empty(), "the dialog layer never hears of the CANCEL's own answer");
    lab.receive(answer_to(&text, 487, "theirs"));
    assert!(matches!(&lab.take_events()[..], [Event::Response { message, .. }] if message.status == 487));
    let ack = lab.take_one();
    assert!(ack.starts_with("ACK "));
    assert_eq!(header_of(&ack, "Via"), header_of(&text, "Via"));
    assert_eq!(to_tag_of(&ack), "theirs");
    lab.wait(ms(40_000));
    assert_eq!(lab.endpoint.transactions(), (0, 0));
}

#[test]
fn our_cancel_without_any_final_answer_ends_all_the_same() {
    let mut lab = Lab::udp();
    let invite = lab.request("INVITE");
    let text = lab.take_one();
    lab.receive(answer_to(&text, 180, "theirs"));
    lab.take_events();
    lab.cancel(invite);
    lab.wait(ms(32_000));
    assert_eq!(lab.take_events(), [Event::Failed { transaction: invite, reason: FailReason::Timeout }]);
    assert_eq!(lab.endpoint.transactions(), (0, 0));
}

#[test]
fn our_cancel_after_the_answer_is_nothing() {
    let mut lab = Lab::udp();
    let invite = lab.request("INVITE");
    let text = lab.take_one();
    lab.receive(answer_to(&text, 200, "theirs"));
    lab.cancel(invite);
    assert!(lab.take_sent().is_empty());
}

#[test]
fn a_provisional_answer_is_never_taken_for_a_repeated_2xx() {
    let mut lab = Lab::udp();
    let invite = lab.request("INVITE");
    let text = lab.take_one();
    let target = lab.target();
    lab.request_to(&our_request("ACK", 1), target);
    lab.take_sent();
    lab.receive(answer_to(&text, 100, ""));
    assert!(matches!(&lab.take_events()[..], [Event::Response { message, .. }] if message.status == 100));
    assert!(lab.sent.is_empty());
    lab.wait(ms(700_000));
    assert_eq!(lab.take_events(), [Event::Failed { transaction: invite, reason: FailReason::Timeout }]);
    assert_eq!(lab.endpoint.transactions(), (0, 0));
}
