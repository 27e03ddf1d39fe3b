//! Signalling over the sockets of the system: what a virtual network cannot show.

use core::time::Duration;
use std::net::{SocketAddr, UdpSocket};

use roomtone_engine::core::{Core, CoreConfig};
use roomtone_engine::signalling::SipNews;
use roomtone_sip::{Event, Request, Target, TransactionId, Transport};

const PATIENCE: Duration = Duration::from_secs(10);

struct Server {
    core: Core,
    address: SocketAddr,
}

impl Server {
    fn new(host: &str) -> Self {
        let core = Core::live(&CoreConfig {
            host: "127.0.0.1".parse().unwrap(),
            workers: 1,
            seed: Some(1),
            rtp_ports: (0, 0),
            silence_max: Duration::from_secs(5),
            codecs: Vec::new(),
        })
        .unwrap();
        let local = SocketAddr::new(host.parse().unwrap(), 0);
        let address = core.signalling().lock().listen(Transport::Udp, local).unwrap();
        core.signalling().wake();
        Self { core, address }
    }

    fn ask(&self, method: &str, remote: SocketAddr) -> TransactionId {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = Request {
            method: method.to_owned(),
            uri: format!("sip:{remote}"),
            headers: vec![
                header("From", "<sip:us@192.0.2.1>;tag=us"),
                header("To", "<sip:them@192.0.2.9>"),
                header("Call-ID", &format!("{method} {remote}").replace(' ', "-")),
                header("CSeq", &format!("1 {method}")),
            ],
            body: Vec::new(),
        };
        let target = Target::Address(Transport::Udp, remote);
        let now = self.core.now();
        let id = self.core.signalling().lock().request(&request, target, self.address, now);
        self.core.signalling().wake();
        id
    }

    /// The next event.
    fn next_event(&self) -> Option<Event> {
        let start = self.core.now();
        while self.core.now() - start < PATIENCE {
            let news = self.core.signalling().take_news();
            if let Some((_, SipNews::Event(event))) = news.into_iter().next() {
                return Some(*event);
            }
            std::thread::yield_now();
        }
        None
    }
}

/// An address that was somebody's a moment ago.
fn nobody(host: &str) -> SocketAddr {
    UdpSocket::bind((host, 0)).unwrap().local_addr().unwrap()
}

#[cfg(all(target_os = "linux", not(feature = "portable")))]
#[test]
fn a_request_to_nobody_ends_as_soon_as_the_network_says_so() {
    use roomtone_sip::FailReason;

    for (ours, theirs) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "::1"), ("::", "127.0.0.1")] {
        let server = Server::new(ours);
        for method in ["INVITE", "BYE"] {
            let id = server.ask(method, nobody(theirs));
            let event = server.next_event();
            let failed = Event::Failed { transaction: id, reason: FailReason::Transport };
            assert_eq!(event, Some(failed), "{method} from {ours} to {theirs}");
        }
    }
}

/// The kernel tells the error of one datagram at the next one, which then has not left; an ACK is not repeated.
#[test]
fn a_request_after_one_to_nobody_arrives() {
    let server = Server::new("127.0.0.1");
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    for _ in 0..20 {
        server.ask("BYE", nobody("127.0.0.1"));
        server.ask("ACK", peer.local_addr().unwrap());
        let mut buffer = [0; 2048];
        let length = peer.recv(&mut buffer).unwrap();
        assert!(buffer[..length].starts_with(b"ACK"));
    }
}

/// RFC 3261 section 18.1.1: messages up to the size of a datagram.
#[test]
fn a_datagram_of_many_packets_is_read_whole() {
    let server = Server::new("127.0.0.1");
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let rows: String = (0..40).map(|row| format!("X-Row-{row}: {}\r\n", "x".repeat(500))).collect();
    let text = format!(
        "OPTIONS sip:us@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1;rport\r\n\
         From: <sip:them@127.0.0.1>;tag=them\r\nTo: <sip:us@127.0.0.1>\r\nCall-ID: big\r\nCSeq: 1 OPTIONS\r\n\
         {rows}Content-Length: 0\r\n\r\n"
    );
    peer.send_to(text.as_bytes(), server.address).unwrap();
    let event = server.next_event();
    assert!(matches!(&event, Some(Event::Request { message, .. }) if message.header("X-Row-39").is_some()));
}
