//! A description as an offer: our answer has its media lines, and can be read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use roomtone_sip::offer::{Codec, Local, accept, answer};
use roomtone_sip::sdp::{Direction, parse};

fuzz_target!(|bytes: &[u8]| {
    let local = Local {
        host: "192.0.2.1".parse().unwrap(),
        port: 20_000,
        session_id: 1,
        session_version: 1,
        codecs: &[Codec::Opus, Codec::Pcmu, Codec::Pcma],
        direction: Direction::SendRecv,
        telephone_event: true,
    };
    if let Ok((text, _)) = answer(bytes, &local) {
        let (ours, theirs) = (parse(&text).unwrap(), parse(bytes).unwrap());
        assert_eq!(ours.media.len(), theirs.media.len());
        let _ = accept(bytes, &text);
    }
});
