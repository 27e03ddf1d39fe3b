//! One datagram: it goes up, or it is counted; at most one answer; and time clears all of it away.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use roomtone_sip::{Endpoint, Flow, FlowId, Limits, Output, Transport};

fuzz_target!(|bytes: &[u8]| {
    let address = "192.0.2.1:5060".parse().unwrap();
    let flow = Flow { id: FlowId(1), transport: Transport::Udp, local: address, remote: address };
    let mut endpoint = Endpoint::new(Limits::default(), 1);
    endpoint.handle_datagram(&flow, bytes, Duration::ZERO);
    let (mut said, mut sent) = (0, 0);
    while let Some(output) = endpoint.poll_output() {
        match output {
            Output::Event(_) => said += 1,
            _ => sent += 1,
        }
    }
    assert_eq!(said + endpoint.counters().total(), 1);
    assert!(sent <= 1);
    for _ in 0..100 {
        let Some(due) = endpoint.poll_timeout() else { break };
        endpoint.handle_timeout(due);
    }
    assert_eq!(endpoint.transactions(), (0, 0));
});
