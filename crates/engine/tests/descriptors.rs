//! What happens when the process has no descriptor left. Alone in its file, because it takes them from every thread.
#![cfg(target_os = "linux")]

use core::time::Duration;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;

use roomtone_engine::core::{Core, CoreConfig};
use roomtone_sip::{Reason, Transport};

const DESCRIPTORS_MAX: u64 = 128;
const STRANGE: &str = "DANCE sip:us@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK1\r\n\
     From: <sip:them@127.0.0.1>;tag=them\r\nTo: <sip:us@127.0.0.1>\r\nCall-ID: 1\r\nCSeq: 1 DANCE\r\nContent-Length: 0\r\n\r\n";

#[test]
fn who_cannot_be_accepted_waits_and_the_thread_does_not_spin() {
    let core = Core::live(&CoreConfig {
        host: "127.0.0.1".parse().unwrap(),
        workers: 1,
        seed: Some(1),
        rtp_ports: (0, 0),
        silence_max: Duration::from_secs(5),
        codecs: Vec::new(),
    })
    .unwrap();
    let address = core.signalling().lock().listen(Transport::Tcp, "127.0.0.1:0".parse().unwrap()).unwrap();
    core.signalling().wake();
    let limit = libc::rlimit { rlim_cur: DESCRIPTORS_MAX, rlim_max: DESCRIPTORS_MAX };
    // SAFETY: the structure lives through the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
    let mut hoard: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();

    hoard.pop();
    let mut caller = TcpStream::connect(address).unwrap(); // with the last descriptor
    caller.write_all(STRANGE.as_bytes()).unwrap();
    caller.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut answer = [0; 1024];
    assert!(caller.read(&mut answer).is_err(), "nobody could accept it");
    let failures = core.signalling().lock().counters().get(Reason::NoDescriptor);
    assert!((2..=10).contains(&failures), "{failures} attempts in a second");

    hoard.clear();
    let length = caller.read(&mut answer).unwrap();
    assert!(answer[..length].starts_with(b"SIP/2.0 501"), "it was only made to wait");
}
