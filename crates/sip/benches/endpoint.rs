//! What one message costs: reading it, a transaction around it, a refusal, and an offer answered.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use roomtone_sip::offer::{Codec, Local, answer};
use roomtone_sip::sdp::Direction;
use roomtone_sip::{Endpoint, Event, Flow, FlowId, Limits, Output, Response, Transport};

const SDP: &str = "v=0\r\no=- 1 7 IN IP4 192.0.2.9\r\ns=call\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n\
                   m=audio 4000 RTP/AVP 96 0 8 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n\
                   a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";

fn flow() -> Flow {
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    let (local, remote) = (address("192.0.2.1:5060"), address("192.0.2.9:5070"));
    Flow { id: FlowId(1), transport: Transport::Udp, local, remote }
}

fn request(method: &str, number: u64) -> String {
    format!(
        "{method} sip:demo@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: \"Alice\" <sip:alice@example.com>;tag=theirs\r\nTo: <sip:demo@192.0.2.1>\r\n\
         Call-ID: call-{number}@192.0.2.9\r\nCSeq: 1 {method}\r\nContact: <sip:alice@192.0.2.9:5070>\r\n\
         Allow: INVITE, ACK, CANCEL, OPTIONS, BYE\r\nSupported: timer, replaces\r\nUser-Agent: bench\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
        SDP.len()
    )
}

fn drain(endpoint: &mut Endpoint) -> Option<Event> {
    let mut said = None;
    while let Some(output) = endpoint.poll_output() {
        if let Output::Event(event) = black_box(output) {
            said = Some(event);
        }
    }
    said
}

/// One call's requests on an endpoint whose transactions have all ended before.
fn invite_and_answer(endpoint: &mut Endpoint, number: &mut u64) {
    *number += 1;
    let now = Duration::from_secs(*number * 100);
    endpoint.handle_datagram(&flow(), request("INVITE", *number).as_bytes(), now);
    let Some(Event::Request { transaction, .. }) = drain(endpoint) else { panic!("an INVITE goes up") };
    let headers = vec![("Content-Type".to_owned(), "application/sdp".to_owned())];
    let response = Response { status: 486, headers, to_tag: "ours".to_owned(), ..Response::default() };
    endpoint.respond(transaction, &response, now);
    endpoint.handle_timeout(now + Duration::from_secs(90));
    drain(endpoint);
}

fn benches(criterion: &mut Criterion) {
    criterion.bench_function("response to nothing: parse, validate, drop", |bencher| {
        let mut endpoint = Endpoint::new(Limits::default(), 1);
        let text = request("INVITE", 1).replacen("INVITE sip:demo@192.0.2.1 SIP/2.0", "SIP/2.0 200 OK", 1);
        bencher.iter(|| endpoint.handle_datagram(&flow(), black_box(text.as_bytes()), Duration::ZERO));
    });
    criterion.bench_function("refusal: parse, message, 405 without a transaction", |bencher| {
        let mut endpoint = Endpoint::new(Limits::default(), 1);
        let text = request("REGISTER", 1);
        bencher.iter(|| {
            endpoint.handle_datagram(&flow(), black_box(text.as_bytes()), Duration::ZERO);
            drain(&mut endpoint)
        });
    });
    criterion.bench_function("INVITE: transaction, event, refusal, repetitions, end", |bencher| {
        let mut endpoint = Endpoint::new(Limits::default(), 1);
        let mut number = 0;
        bencher.iter(|| invite_and_answer(&mut endpoint, &mut number));
    });
    criterion.bench_function("repeated INVITE: absorbed", |bencher| {
        let mut endpoint = Endpoint::new(Limits::default(), 1);
        let text = request("INVITE", 1);
        endpoint.handle_datagram(&flow(), text.as_bytes(), Duration::ZERO);
        bencher.iter(|| endpoint.handle_datagram(&flow(), black_box(text.as_bytes()), Duration::ZERO));
    });
    criterion.bench_function("offer answered", |bencher| {
        let local = Local {
            host: "192.0.2.1".parse().unwrap(),
            port: 20_000,
            session_id: 1,
            session_version: 1,
            codecs: &[Codec::Opus, Codec::Pcmu, Codec::Pcma],
            direction: Direction::SendRecv,
            telephone_event: true,
        };
        bencher.iter(|| answer(black_box(SDP.as_bytes()), &local));
    });
}

criterion_group!(endpoint, benches);
criterion_main!(endpoint);
