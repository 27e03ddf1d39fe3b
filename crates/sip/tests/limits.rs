//! Every bound has its answer and its count.

mod lab;

use lab::*;
use roomtone_sip::{Event, FailReason, Limits, Reason, Target, Transport};

fn lab_with(change: impl Fn(&mut Limits)) -> Lab {
    let mut limits = Limits::default();
    change(&mut limits);
    Lab::with_limits(Transport::Udp, limits)
}

#[test]
fn sizes_of_a_datagram() {
    let with = |headers: &str, body: &str| their_request_with("OPTIONS", "1", headers, body);
    let many = "X: y\r\n".repeat(200);
    let long = format!("X: {}\r\n", "y".repeat(9_000));
    let uri = with("", "").replace("sip:demo@192.0.2.1 SIP", &format!("sip:{}@x SIP", "a".repeat(3_000)));
    let table = [
        (with(&many, ""), 400, Reason::Malformed),
        (with(&long, ""), 400, Reason::Malformed),
        (with("", &"b".repeat(40_000)), 413, Reason::BodyTooLarge),
        (with("", &"b".repeat(70_000)), 513, Reason::MessageTooLarge),
        (uri, 414, Reason::UriTooLong),
    ];
    for (request, status, reason) in table {
        let mut lab = Lab::udp();
        lab.receive(request);
        assert_eq!(status_of(&lab.take_one()), status, "{reason:?}");
        assert_eq!(lab.count(reason), 1);
    }
}

#[test]
fn transactions_of_one_source_and_of_all() {
    let mut lab = lab_with(|limits| {
        limits.server_transactions_max = 5;
        limits.server_transactions_per_source_max = 3;
    });
    let knock = |lab: &mut Lab, source: &str, branch: usize| {
        lab.source = source.parse().unwrap();
        lab.receive(their_request("OPTIONS", &branch.to_string()));
    };
    for branch in 0..4 {
        knock(&mut lab, "192.0.2.1:5060", branch);
    }
    let refused = lab.take_one();
    assert_eq!((status_of(&refused), header_of(&refused, "Retry-After")), (503, Some("5")));
    assert_eq!(lab.count(Reason::SourceOverload), 1);
    for branch in 4..7 {
        knock(&mut lab, "192.0.2.2:5060", branch);
    }
    assert_eq!(status_of(&lab.take_one()), 503);
    assert_eq!(lab.count(Reason::Overload), 1);
    assert_eq!(lab.endpoint.transactions(), (5, 0));

    lab.take_events();
    knock(&mut lab, "192.0.2.1:5060", 0);
    assert!(lab.sent.is_empty() && lab.events.is_empty(), "a repetition needs no room");
    lab.wait(ms(32_000));
    lab.take_events();
    knock(&mut lab, "192.0.2.1:5060", 8);
    lab.take_request();
}

#[test]
fn requests_of_ours() {
    let mut lab = lab_with(|limits| limits.client_transactions_max = 1);
    lab.request("OPTIONS");
    let second = lab.request("OPTIONS");
    assert_eq!(lab.take_events(), [Event::Failed { transaction: second, reason: FailReason::Transport }]);
}

#[test]
fn connections_being_opened_and_what_waits_for_them() {
    let to = |port: u16| Target::Address(Transport::Tcp, ([198, 51, 100, 7], port).into());
    let mut lab = lab_with(|limits| limits.connects_max = 1);
    lab.request_to(&our_request("OPTIONS", 1), to(1));
    let second = lab.request_to(&our_request("OPTIONS", 1), to(2));
    assert_eq!(lab.take_events(), [Event::Failed { transaction: second, reason: FailReason::Transport }]);

    let mut lab = lab_with(|limits| limits.connect_queue_bytes_max = 400);
    lab.request_to(&our_request("OPTIONS", 1), to(1));
    let second = lab.request_to(&our_request("OPTIONS", 1), to(1));
    assert_eq!(lab.take_events(), [Event::Failed { transaction: second, reason: FailReason::Transport }]);
    assert_eq!(lab.endpoint.transactions(), (0, 1));
}

#[test]
fn a_flood_leaves_counts_and_few_refusals() {
    let mut lab = Lab::udp();
    for _ in 0..1_000 {
        lab.receive("NONSENSE");
    }
    assert_eq!(lab.count(Reason::Garbage), 1_000);
    let refusals = std::iter::from_fn(|| lab.endpoint.poll_refusal()).count();
    assert_eq!(refusals, 64);
    assert!(lab.sent.is_empty());
}

#[test]
fn counts_have_names_that_differ_and_answers_are_counted_by_method() {
    let mut names: Vec<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Reason::ALL.len());

    let mut lab = Lab::udp();
    lab.receive(their_request("DANCE", "1"));
    lab.receive(their_request("BYE", "2"));
    lab.take_sent();
    let events = lab.take_events();
    let [Event::Request { transaction, .. }] = events[..] else { panic!("{events:?}") };
    lab.respond(transaction, 481);
    let responses: Vec<_> = lab.counters().responses().collect();
    assert_eq!(responses, [("BYE", 481, 1), ("other", 501, 1)]);
}
