//! The least that a server can do: a socket a leg, and every 20 ms from absolute deadlines one receive and one send on each, in order.
//!
//! Driven at ticks like the server, not by epoll: with epoll each packet would cost a wake-up, which at these rates is as dear as the packet. Plain
//! recvfrom and sendto, no receive times, nothing parsed. What finds two packets waiting leaves the second for the next tick.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::os::{self, DATAGRAM_BYTES_MAX};

const TICK_NS: u64 = 20_000_000;

/// Serves until standard input closes.
pub fn serve(base_port: &str, legs: &str) -> Result<(), String> {
    let number = |text: &str| text.parse::<u16>().map_err(|fault| format!("{text}: {fault}"));
    let (base_port, legs) = (number(base_port)?, number(legs)?);
    let sockets: Vec<UdpSocket> = (0..legs)
        .map(|leg| {
            let port = base_port + 2 * leg;
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))
                .map_err(|fault| format!("port {port}: {fault}"))?;
            socket.set_nonblocking(true).map_err(|fault| fault.to_string())?;
            Ok(socket)
        })
        .collect::<Result<_, String>>()?;
    let over = Arc::new(AtomicBool::new(false));
    let closed = Arc::clone(&over);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink()); // either way it has ended
        closed.store(true, Ordering::Release);
    });
    println!("ready");
    os::sleep_exactly();
    let mut buffer = [0u8; DATAGRAM_BYTES_MAX];
    let mut deadline = os::now();
    while !over.load(Ordering::Acquire) {
        deadline += TICK_NS;
        os::sleep_until(deadline);
        for socket in &sockets {
            if let Ok((length, peer)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(&buffer[..length], peer); // a full buffer is a lost packet, and seen as one
            }
        }
    }
    Ok(())
}
