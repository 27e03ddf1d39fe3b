//! A stream in chunks does what the whole does.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use roomtone_sip::{Endpoint, Flow, FlowId, Limits, Output, Transport};

fn outputs<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Vec<Output> {
    let address = "192.0.2.1:5060".parse().unwrap();
    let flow = Flow { id: FlowId(1), transport: Transport::Tcp, local: address, remote: address };
    let mut endpoint = Endpoint::new(Limits::default(), 1);
    endpoint.handle_connected(&flow, Duration::ZERO);
    for chunk in chunks {
        endpoint.handle_stream(&flow, chunk, Duration::ZERO);
    }
    std::iter::from_fn(|| endpoint.poll_output()).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&size, stream)) = bytes.split_first() else { return };
    let chunks = stream.chunks(usize::from(size).max(1));
    assert_eq!(outputs(chunks), outputs(std::iter::once(stream)));
});
