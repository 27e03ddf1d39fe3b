//! Connections: framing, keep-alives, opening and losing them.

mod lab;

use lab::*;
use roomtone_sip::{Event, FailReason, Flow, FlowId, Limits, Output, Reason, Target, Transport};

const NEW: FlowId = FlowId(77);

fn other_flow(id: FlowId, remote: &str) -> Flow {
    Flow { id, transport: Transport::Tcp, local: us(), remote: remote.parse().unwrap() }
}

#[test]
fn messages_are_cut_wherever_the_chunks_end() {
    let one = their_request_with("OPTIONS", "1", "", "body\r\n\r\nwith blank lines");
    let two = their_request("OPTIONS", "2");
    let stream = format!("\r\n{one}\r\n\r\n{two}");
    for size in 1..stream.len() {
        let mut lab = Lab::tcp();
        for chunk in stream.as_bytes().chunks(size) {
            lab.receive(chunk);
        }
        let bodies: Vec<usize> = lab
            .take_events()
            .iter()
            .filter_map(|event| match event {
                Event::Request { message, .. } => Some(message.body.len()),
                _ => None,
            })
            .collect();
        assert_eq!(bodies, [24, 0], "chunks of {size}");
        assert_eq!(lab.take_sent(), ["\r\n"], "the ping between them has its pong");
        assert!(lab.others.is_empty());
    }
}

#[test]
fn garbage_behind_a_message_closes_the_stream_and_spares_the_message() {
    let mut lab = Lab::tcp();
    lab.receive(format!("{}GARBAGE with no sense\r\nat: all\r\n\r\n", their_request("OPTIONS", "1")));
    lab.take_request();
    assert!(lab.take_sent().is_empty());
    assert_eq!(lab.others, [Output::Close { flow: TCP }]);
    assert_eq!(lab.count(Reason::Garbage), 1);
    lab.receive(their_request("OPTIONS", "2"));
    assert!(lab.events.is_empty(), "after a fault of framing nothing is believed");
}

#[test]
fn pings_are_answered_and_single_line_breaks_are_not() {
    let mut lab = Lab::tcp();
    lab.receive("\r\n\r\n");
    lab.receive("\r\n");
    lab.receive("\r\n");
    assert_eq!(lab.take_sent(), ["\r\n", "\r\n"]);
    lab.receive("\r\n");
    lab.wait(ms(100_000));
    assert!(lab.others.is_empty(), "half a ping may wait as long as it likes");
    let mut lab = Lab::udp();
    for keep_alive in ["\r\n\r\n", "\r\n", "\0\0\0\0", " ", ""] {
        lab.receive(keep_alive);
    }
    assert_eq!(lab.count(Reason::KeepAlive), 5);
    assert!(lab.sent.is_empty());
    lab.receive(format!("\r\n{}", their_request("OPTIONS", "1")));
    lab.take_request();
}

#[test]
fn half_a_message_waits_32_s() {
    let mut lab = Lab::tcp();
    let text = their_request("OPTIONS", "1");
    lab.receive(&text[..50]);
    lab.wait(ms(31_999));
    lab.receive(&text[50..60]);
    assert!(lab.others.is_empty());
    lab.wait(ms(1));
    assert_eq!(lab.others, [Output::Close { flow: TCP }], "a trickle does not help");
    assert_eq!(lab.count(Reason::StreamStalled), 1);
}

#[test]
fn a_stream_without_content_length_is_answered_and_closed() {
    let mut lab = Lab::tcp();
    lab.receive(their_request("OPTIONS", "1").replace("Content-Length", "X-Length"));
    assert_eq!(status_of(&lab.take_one()), 400);
    assert_eq!(lab.others, [Output::Close { flow: TCP }]);
}

#[test]
fn sizes_on_a_stream() {
    let limits = || Limits { message_bytes_max: 2_000, body_bytes_max: 500, ..Limits::default() };
    let long = "x".repeat(501);
    let body = their_request_with("OPTIONS", "1", "", &long);
    let head = their_request_with("OPTIONS", "1", &format!("X: {}\r\n", "x".repeat(3_000)), "");
    for (text, status, reason) in [(body, 413, Reason::BodyTooLarge), (head, 513, Reason::MessageTooLarge)] {
        let mut lab = Lab::with_limits(Transport::Tcp, limits());
        for chunk in text.as_bytes().chunks(100) {
            lab.receive(chunk);
        }
        assert_eq!(status_of(&lab.take_one()), status);
        assert_eq!(lab.count(reason), 1);
        assert_eq!(lab.others, [Output::Close { flow: TCP }]);
    }
}

#[test]
fn a_request_opens_a_connection_and_waits_for_it() {
    let mut lab = Lab::udp();
    let remote = "198.51.100.7:5060".parse().unwrap();
    let target = Target::Address(Transport::Tcp, remote);
    let first = lab.request_to(&our_request("OPTIONS", 1), target);
    lab.request_to(&our_request("OPTIONS", 2), target);
    assert_eq!(
        lab.others,
        [Output::Connect { transport: Transport::Tcp, remote }],
        "one connection for both"
    );
    assert!(lab.sent.is_empty());
    lab.wait(ms(1_000));
    let flow = other_flow(NEW, "198.51.100.7:5060");
    lab.endpoint.handle_connected(&flow, lab.now);
    lab.drain();
    let sent = lab.take_sent();
    assert_eq!(
        sent.iter().map(|text| header_of(text, "CSeq").unwrap()).collect::<Vec<_>>(),
        ["1 OPTIONS", "2 OPTIONS"]
    );
    assert!(header_of(&sent[0], "Via").unwrap().starts_with("SIP/2.0/TCP "));
    lab.endpoint.handle_stream(&flow, answer_to(&sent[0], 200, "x").as_bytes(), lab.now);
    lab.drain();
    assert!(matches!(lab.take_events()[..], [Event::Response { transaction, .. }] if transaction == first));
    lab.request_to(&our_request("OPTIONS", 3), target);
    assert_eq!(lab.sent.len(), 1, "an open connection is used again");
    assert_eq!(lab.others.len(), 1);
}

#[test]
fn a_connection_that_cannot_be_opened_fails_what_waits_for_it() {
    let remote = "198.51.100.7:5060".parse().unwrap();
    for refused in [true, false] {
        let mut lab = Lab::udp();
        let id = lab.request_to(&our_request("INVITE", 1), Target::Address(Transport::Tcp, remote));
        if refused {
            lab.endpoint.handle_unreachable(Transport::Tcp, remote, lab.now);
            lab.drain();
        } else {
            lab.wait(ms(32_000));
        }
        let events = lab.take_events();
        assert!(matches!(events[..], [Event::Failed { transaction, .. }] if transaction == id), "{events:?}");
        assert_eq!(lab.endpoint.transactions(), (0, 0));
        assert_eq!(lab.endpoint.poll_timeout(), None);
    }
}

#[test]
fn an_address_that_takes_no_datagrams_fails_a_udp_request_at_once() {
    let mut lab = Lab::udp();
    let id = lab.request("BYE");
    lab.endpoint.handle_unreachable(Transport::Udp, peer(), lab.now);
    lab.drain();
    assert_eq!(lab.take_events(), [Event::Failed { transaction: id, reason: FailReason::Transport }]);
}

/// ICMP about this datagram; the address as a socket for both families says it.
fn undelivered(lab: &mut Lab, quoted: impl AsRef<[u8]>) -> Vec<Event> {
    let remote = "[::ffff:192.0.2.9]:5070".parse().unwrap();
    lab.endpoint.handle_undelivered(remote, quoted.as_ref(), lab.now);
    lab.drain();
    lab.take_events()
}

/// Anybody can say of any address that nobody is there.
#[test]
fn a_request_that_did_not_arrive_ends_when_its_branch_is_quoted_and_no_other_does() {
    let mut lab = Lab::udp();
    let (one, other) = (lab.request("BYE"), lab.request("BYE"));
    let [quoted, _] = &lab.take_sent()[..] else { panic!() };
    let branch_end = quoted.find(";rport").unwrap();
    let foreign = quoted.replace("branch=z9hG4bK", "branch=z9hG4bK0");
    for cut in (0..=branch_end).map(|end| &quoted[..end]).chain([&*foreign, &quoted.replace("BYE", "INFO")]) {
        assert_eq!(undelivered(&mut lab, cut), [], "{cut}");
    }
    lab.endpoint.handle_undelivered("192.0.2.8:5070".parse().unwrap(), quoted.as_bytes(), lab.now);
    assert_eq!(undelivered(&mut lab, b"BYE \xff\r\nVia: \xff\r\n"), []);
    assert_eq!(lab.endpoint.transactions(), (0, 2));
    let failed = |transaction| [Event::Failed { transaction, reason: FailReason::Transport }];
    assert_eq!(undelivered(&mut lab, &quoted[..=branch_end]), failed(one));
    assert_eq!(undelivered(&mut lab, quoted), [], "once");
    lab.wait(ms(500));
    let repeated = lab.take_one();
    assert_eq!(undelivered(&mut lab, repeated), failed(other));
    assert_eq!(lab.endpoint.poll_timeout(), None);
}

/// The ICMP was about something else: an INVITE that rings repeats nothing.
#[test]
fn nobody_there_does_not_end_a_call_that_rings_unless_it_is_cancelled() {
    let mut lab = Lab::udp();
    let id = lab.request("INVITE");
    let asked = lab.take_one();
    lab.receive(answer_to(&asked, 180, "theirs"));
    lab.take_events();
    assert_eq!(undelivered(&mut lab, &asked), []);
    lab.cancel(id);
    let cancel = lab.take_one();
    let failed = Event::Failed { transaction: id, reason: FailReason::Transport };
    assert_eq!(undelivered(&mut lab, cancel), [failed]);
    assert_eq!(lab.endpoint.transactions(), (0, 0));
}

#[test]
fn nobody_there_does_not_end_a_call_that_is_answered_whose_2xx_may_be_repeated() {
    let mut lab = Lab::udp();
    lab.request("INVITE");
    let asked = lab.take_one();
    let answer = answer_to(&asked, 200, "theirs");
    lab.receive(&answer);
    let mut ack = our_request("ACK", 1);
    ack.headers[1].1.push_str(";tag=theirs");
    lab.request_to(&ack, Target::Socket(UDP, peer()));
    let acknowledged = lab.take_one();
    lab.take_events();
    assert_eq!(undelivered(&mut lab, &asked), []);
    lab.endpoint.handle_unreachable(Transport::Udp, peer(), lab.now);
    lab.receive(&answer);
    assert_eq!(lab.take_one(), acknowledged, "the first one was lost");
    assert_eq!(lab.take_events(), []);
}

#[test]
fn a_lost_connection_fails_both_directions() {
    let mut lab = Lab::tcp();
    lab.receive(their_request("INVITE", "1"));
    let (theirs, _) = lab.take_request();
    let ours = lab.request("BYE");
    lab.take_sent();
    lab.endpoint.handle_closed(TCP, lab.now);
    lab.drain();
    let failed = |transaction| Event::Failed { transaction, reason: FailReason::Transport };
    assert_eq!(lab.take_events(), [failed(ours), failed(theirs)]);
    lab.respond(theirs, 200);
    assert!(lab.sent.is_empty());
    assert_eq!(lab.endpoint.transactions(), (0, 0));
    assert_eq!(lab.endpoint.poll_timeout(), None);

    let gone = lab.request_to(&our_request("BYE", 1), Target::Flow(TCP));
    assert_eq!(lab.take_events(), [failed(gone)]);
}

#[test]
fn an_answered_call_outlives_its_connection() {
    let mut lab = Lab::tcp();
    lab.receive(their_request("INVITE", "1"));
    let (invite, _) = lab.take_request();
    lab.respond(invite, 200);
    lab.take_sent();
    lab.endpoint.handle_closed(TCP, lab.now);
    lab.drain();
    lab.wait(ms(1_000));
    assert!(lab.sent.is_empty() && lab.events.is_empty(), "nowhere to repeat the 2xx to");
    let flow = other_flow(NEW, "192.0.2.9:6000");
    lab.endpoint.handle_connected(&flow, lab.now);
    lab.endpoint.handle_stream(&flow, their_ack("1", "ours").as_bytes(), lab.now);
    lab.drain();
    assert!(matches!(lab.take_events()[..], [Event::Ack { .. }]), "the ACK may come by another way");
}

#[test]
fn connections_are_bounded_in_all_and_per_source() {
    let limits = Limits { streams_max: 3, streams_per_source_max: 2, ..Limits::default() };
    let mut lab = Lab::with_limits(Transport::Udp, limits);
    let sources = ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3", "192.0.2.2:1", "192.0.2.3:1"];
    for (index, source) in sources.iter().enumerate() {
        lab.endpoint.handle_connected(&other_flow(FlowId(10 + index as u64), source), lab.now);
    }
    lab.drain();
    assert_eq!(lab.others, [Output::Close { flow: FlowId(12) }, Output::Close { flow: FlowId(14) }]);
    assert_eq!(lab.count(Reason::FlowLimit), 2);
    lab.endpoint.handle_closed(FlowId(10), lab.now);
    lab.endpoint.handle_connected(&other_flow(FlowId(20), "192.0.2.1:4"), lab.now);
    lab.drain();
    assert_eq!(lab.others.len(), 2, "a closed one makes room");
}

#[test]
fn a_websocket_carries_one_message_a_frame() {
    let mut lab = Lab::new(Transport::WebSocket);
    lab.receive(their_request("INVITE", "1").replace("SIP/2.0/UDP 192.0.2.9:5070", "SIP/2.0/WS x.invalid"));
    let (invite, message) = lab.take_request();
    assert_eq!(message.source().0, "ws");
    lab.respond(invite, 486);
    lab.wait(ms(10_000));
    assert_eq!(lab.take_sent().len(), 1, "nothing is repeated over a reliable transport");
}
