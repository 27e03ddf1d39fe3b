//! Linux: which datagrams the network says it could not deliver (ICMP), from the error queue of a UDP socket (`ip(7)`, IP_RECVERR).
//!
//! For a socket that is not connected the kernel looks at the addresses that are quoted and at nothing else, and anybody may send those: who
//! believes an error has to find in the quoted bytes what only the datagram's receiver could know.
//!
//! With the queue on, an error of an earlier datagram is also told at the next send or receive, which then has not happened: `SipSockets` does it again.

use std::io;
use std::mem::{size_of, zeroed};
use std::net::SocketAddr;
use std::ptr;

use super::linux::{UdpSocket, address};

/// Errors taken before something else has its turn; the rest stays in the queue, and poll says so.
const ERRORS_MAX: usize = 64;
/// Room for the error and the address of who reported it, of either family.
const CONTROL_BYTES: usize = 128;
/// Room for what is quoted: all of an ICMPv6 message; of an IPv4 one, Linux quotes 548 bytes, some routers 8.
const QUOTED_BYTES_MAX: usize = 1280;

const ICMP_DESTINATION_UNREACHABLE: u8 = 3;
const ICMP_FRAGMENTATION_NEEDED: u8 = 4;
const ICMP_PARAMETER_PROBLEM: u8 = 12;
const ICMP6_DESTINATION_UNREACHABLE: u8 = 1;
const ICMP6_PARAMETER_PROBLEM: u8 = 4;

#[repr(C, align(8))]
struct Control([u8; CONTROL_BYTES]);

impl UdpSocket {
    /// Asks the kernel to keep what ICMP says about datagrams that were sent.
    pub fn keep_unreachable(&self) -> io::Result<()> {
        let local = self.local()?;
        if local.is_ipv6() {
            self.switch_on(libc::SOL_IPV6, libc::IPV6_RECVERR)?; // and below, for the IPv4 that such a socket may carry
        }
        self.switch_on(libc::SOL_IP, libc::IP_RECVERR)
    }

    fn switch_on(&self, level: libc::c_int, option: libc::c_int) -> io::Result<()> {
        let on: libc::c_int = 1;
        let length = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: the value lives through the call and is of the size that is said.
        let outcome =
            unsafe { libc::setsockopt(self.fd(), level, option, ptr::from_ref(&on).cast(), length) };
        if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Takes what is in the queue: addresses that a datagram of ours is said not to have reached, and how it begins as far as it is quoted.
    pub fn take_unreachable(&self, take: &mut dyn FnMut(SocketAddr, &[u8])) {
        let mut quoted = [0; QUOTED_BYTES_MAX];
        for _ in 0..ERRORS_MAX {
            // SAFETY: all zeros are valid for these plain structures.
            let (mut name, mut header): (libc::sockaddr_storage, libc::msghdr) =
                unsafe { (zeroed(), zeroed()) };
            let mut control = Control([0; CONTROL_BYTES]);
            let mut vector = libc::iovec { iov_base: quoted.as_mut_ptr().cast(), iov_len: QUOTED_BYTES_MAX };
            header.msg_name = ptr::from_mut(&mut name).cast();
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_iov = &raw mut vector;
            header.msg_iovlen = 1;
            header.msg_control = control.0.as_mut_ptr().cast();
            header.msg_controllen = CONTROL_BYTES;
            // SAFETY: the header points into live buffers of the sizes it names.
            let outcome =
                unsafe { libc::recvmsg(self.fd(), &raw mut header, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT) };
            let Ok(length) = usize::try_from(outcome) else { return };
            if let Some(remote) = address(&name).filter(|_| is_final(&header)) {
                take(remote, &quoted[..length.min(QUOTED_BYTES_MAX)]);
            }
        }
    }
}

/// Whether it is an error that ends a transaction: host, network, port or protocol unreachable, or a parameter problem; not one that a repetition may
/// get around (RFC 3261 section 18.4).
fn is_final(header: &libc::msghdr) -> bool {
    // SAFETY: the kernel filled the control buffer and its length; the CMSG macros stay inside it.
    unsafe {
        let mut control = libc::CMSG_FIRSTHDR(header);
        while !control.is_null() {
            let kind = ((*control).cmsg_level, (*control).cmsg_type);
            if matches!(kind, (libc::SOL_IP, libc::IP_RECVERR) | (libc::SOL_IPV6, libc::IPV6_RECVERR)) {
                let data = libc::CMSG_DATA(control).cast::<libc::sock_extended_err>();
                let error = ptr::read_unaligned(data);
                return match (error.ee_origin, error.ee_type) {
                    (libc::SO_EE_ORIGIN_ICMP, ICMP_DESTINATION_UNREACHABLE) => {
                        error.ee_code != ICMP_FRAGMENTATION_NEEDED
                    }
                    (libc::SO_EE_ORIGIN_ICMP, ICMP_PARAMETER_PROBLEM) => true,
                    (libc::SO_EE_ORIGIN_ICMP6, kind) => {
                        matches!(kind, ICMP6_DESTINATION_UNREACHABLE | ICMP6_PARAMETER_PROBLEM)
                    }
                    _ => false,
                };
            }
            control = libc::CMSG_NXTHDR(header, control);
        }
    }
    false
}
