//! Linux: recvmsg and recvmmsg with SO_TIMESTAMPNS, clock_nanosleep on absolute deadlines, eventfd.

use core::time::Duration;
use std::io;
use std::mem::{MaybeUninit, size_of, zeroed};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use super::{DATAGRAM_BYTES_MAX, Precedence, Take, WallOffset, mapped_for, unmapped};

/// Datagrams that one system call may bring.
const BATCH: usize = 16;
/// Better than every ordinary program, behind the kernel's own threads.
const NICE: libc::c_int = -15;
/// Room for the control message with the receive time.
const CONTROL_BYTES: usize = 64;

fn clock(id: libc::clockid_t) -> Duration {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the pointer is valid; clock_gettime fills it for the clocks used here, which always exist.
    let time = unsafe {
        libc::clock_gettime(id, time.as_mut_ptr());
        time.assume_init()
    };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The clock that never jumps.
pub fn monotonic() -> Duration {
    clock(libc::CLOCK_MONOTONIC)
}

/// The time of day since 1970.
pub fn realtime() -> Duration {
    clock(libc::CLOCK_REALTIME)
}

/// Sleeps to an absolute monotonic time.
pub fn sleep_until(deadline: Duration) {
    let time = libc::timespec {
        tv_sec: deadline.as_secs() as libc::time_t,
        tv_nsec: deadline.subsec_nanos().into(),
    };
    loop {
        // SAFETY: `time` outlives the call; no remainder is asked for with an absolute deadline.
        let outcome = unsafe {
            libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &time, ptr::null_mut())
        };
        if outcome != libc::EINTR {
            return;
        }
    }
}

/// Puts the calling thread before all ordinary ones, as far as the system lets us: real time, else a better nice value, else nothing. A tick takes
/// a few milliseconds at most, and the kernel keeps a share for the others.
pub fn go_first() -> Precedence {
    let priority = libc::sched_param { sched_priority: 1 };
    // SAFETY: zero is the calling thread; the parameter outlives the call.
    if unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &priority) } == 0 {
        return Precedence::RealTime;
    }
    // SAFETY: no pointers; on Linux zero is the calling thread.
    if unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) } == 0 {
        return Precedence::Nice;
    }
    Precedence::Ordinary
}

/// Receive buffers that all sockets of a worker share.
pub struct Scratch {
    buffers: Vec<u8>,
    datagram_bytes: usize,
    names: Box<[libc::sockaddr_storage; BATCH]>,
    controls: Box<[Control; BATCH]>,
    vectors: Box<[libc::iovec; BATCH]>,
    headers: Box<[libc::mmsghdr; BATCH]>,
    /// Headers that the kernel wrote to at the last use.
    used: usize,
}

#[repr(C, align(8))]
#[derive(Copy, Clone)]
struct Control([u8; CONTROL_BYTES]);

// SAFETY: the raw pointers inside point only into the boxes of the same value.
unsafe impl Send for Scratch {}

impl Default for Scratch {
    fn default() -> Self {
        Self::for_datagrams(DATAGRAM_BYTES_MAX)
    }
}

impl Scratch {
    /// For datagrams of that size; what is longer is cut.
    pub fn for_datagrams(datagram_bytes: usize) -> Self {
        // SAFETY: all-zero is a valid value of these C structs.
        let mut scratch = unsafe {
            Self {
                buffers: vec![0; datagram_bytes * BATCH],
                datagram_bytes,
                names: Box::new(zeroed()),
                controls: Box::new([Control([0; CONTROL_BYTES]); BATCH]),
                vectors: Box::new(zeroed()),
                headers: Box::new(zeroed()),
                used: BATCH,
            }
        };
        for (index, buffer) in scratch.buffers.chunks_exact_mut(datagram_bytes).enumerate() {
            scratch.vectors[index] =
                libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: datagram_bytes };
            let header = &mut scratch.headers[index].msg_hdr;
            header.msg_iov = &mut scratch.vectors[index];
            header.msg_iovlen = 1;
            header.msg_name = ptr::from_mut(&mut scratch.names[index]).cast();
            header.msg_control = scratch.controls[index].0.as_mut_ptr().cast();
        }
        scratch
    }

    /// Takes as many datagrams as wait, at most `count`. One alone comes by recvmsg, the shorter way.
    fn fill(&mut self, socket: RawFd, count: usize) {
        self.reset();
        // SAFETY: the headers point into live buffers of the sizes they name; no timeout is passed.
        let taken = unsafe {
            if count == 1 {
                let first = &mut self.headers[0];
                let bytes = libc::recvmsg(socket, &mut first.msg_hdr, libc::MSG_DONTWAIT);
                first.msg_len = libc::c_uint::try_from(bytes).unwrap_or(0);
                libc::c_int::from(bytes >= 0)
            } else {
                let headers = self.headers.as_mut_ptr();
                libc::recvmmsg(socket, headers, count as _, libc::MSG_DONTWAIT as _, ptr::null_mut())
            }
        };
        self.used = usize::try_from(taken).unwrap_or(0);
    }

    /// What the kernel overwrote at the last use is set back.
    fn reset(&mut self) {
        for header in &mut self.headers[..self.used] {
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_hdr.msg_controllen = CONTROL_BYTES;
        }
        self.used = 0;
    }
}

/// A non-blocking UDP socket with kernel receive times.
#[derive(Debug)]
pub struct UdpSocket(std::net::UdpSocket, SocketAddr);

impl UdpSocket {
    /// Binds; port 0 takes a free one.
    pub fn bind(local: SocketAddr) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind(local)?;
        socket.set_nonblocking(true)?;
        let on: libc::c_int = 1;
        // SAFETY: option and value are of the size that the kernel expects.
        let outcome = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_TIMESTAMPNS,
                ptr::from_ref(&on).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        };
        if outcome != 0 {
            return Err(io::Error::last_os_error());
        }
        let local = socket.local_addr()?;
        Ok(Self(socket, local))
    }

    /// The address that is bound.
    pub fn local(&self) -> io::Result<SocketAddr> {
        Ok(self.1)
    }

    /// Asks for room for a burst; the system may give less.
    pub fn set_receive_buffer(&self, bytes: usize) {
        let _ = socket2::SockRef::from(&self.0).set_recv_buffer_size(bytes);
    }

    /// For poll.
    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Takes what waits, one datagram and then at most `rounds` batches of 16: bytes, source, receive time since the engine's start. To look for a
    /// second datagram takes the kernel a quarter of the call, so `take` says after the first whether it matters.
    pub fn receive(&self, scratch: &mut Scratch, offset: &WallOffset, rounds: usize, take: &mut Take<'_>) {
        for batch in core::iter::once(1).chain(core::iter::repeat_n(BATCH, rounds)) {
            scratch.fill(self.fd(), batch);
            let count = scratch.used;
            let mut wants_more = true;
            for index in 0..count {
                let header = &scratch.headers[index];
                let Some(source) = address(&scratch.names[index]) else { continue };
                let arrival = match stamp(&header.msg_hdr) {
                    Some(time) => offset.since_start(time),
                    None => offset.now(),
                };
                let start = index * scratch.datagram_bytes;
                let length = (header.msg_len as usize).min(scratch.datagram_bytes);
                wants_more = take(&scratch.buffers[start..start + length], source, arrival);
            }
            if count < batch || !wants_more {
                return;
            }
        }
    }

    /// Sends one datagram; a full buffer or a vanished peer is an error that the caller counts.
    pub fn send(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        self.0.send_to(bytes, mapped_for(self.1, to)).map(|_| ())
    }
}

pub(super) fn address(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match libc::c_int::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that this is a sockaddr_in, which is smaller than the storage.
            let name = unsafe { &*ptr::from_ref(name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(name.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above, for sockaddr_in6.
            let name = unsafe { &*ptr::from_ref(name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(name.sin6_addr.s6_addr);
            Some(unmapped(SocketAddrV6::new(ip, u16::from_be(name.sin6_port), 0, name.sin6_scope_id).into()))
        }
        _ => None,
    }
}

fn stamp(header: &libc::msghdr) -> Option<Duration> {
    // SAFETY: the kernel filled the control buffer and its length; the CMSG macros stay inside it.
    unsafe {
        let mut control = libc::CMSG_FIRSTHDR(header);
        while !control.is_null() {
            if (*control).cmsg_level == libc::SOL_SOCKET && (*control).cmsg_type == libc::SCM_TIMESTAMPNS {
                let time = ptr::read_unaligned(libc::CMSG_DATA(control).cast::<libc::timespec>());
                return Some(Duration::new(time.tv_sec as u64, time.tv_nsec as u32));
            }
            control = libc::CMSG_NXTHDR(header, control);
        }
    }
    None
}

/// A bell between threads that poll can wait for: an eventfd.
#[derive(Debug)]
pub struct Wake(OwnedFd);

impl Wake {
    /// A silent bell.
    pub fn new() -> io::Result<Self> {
        // SAFETY: the descriptor, when it is one, is ours alone.
        let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: fresh and valid.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Rings; never blocks.
    pub fn ring(&self) {
        let one = 1u64;
        // SAFETY: eight bytes from a live u64. A full counter is as good as a ring.
        unsafe { libc::write(self.0.as_raw_fd(), ptr::from_ref(&one).cast(), 8) };
    }

    /// Stills it.
    pub fn clear(&self) {
        let mut count = 0u64;
        // SAFETY: eight bytes into a live u64.
        unsafe { libc::read(self.0.as_raw_fd(), ptr::from_mut(&mut count).cast(), 8) };
    }

    /// For poll and for the event loop.
    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
