//! Linux: clocks, sleeping, datagram sockets with the kernel's receive times. All `unsafe` of this program is here.

use std::io;
use std::mem::{MaybeUninit, size_of, zeroed};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;

/// Nanoseconds since 1970, or of the clock that never jumps.
pub type Nanoseconds = u64;

/// The most that one datagram may hold.
pub const DATAGRAM_BYTES_MAX: usize = 2048;
const BATCH: usize = 32;
const CONTROL_BYTES: usize = 64;

/// The time of day: the clock of the kernel's receive times.
pub fn now() -> Nanoseconds {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the pointer is valid, the clock exists.
    let time = unsafe {
        libc::clock_gettime(libc::CLOCK_REALTIME, time.as_mut_ptr());
        time.assume_init()
    };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Sleeps to a time of day.
pub fn sleep_until(deadline: Nanoseconds) {
    let time = timespec(deadline);
    // SAFETY: `time` outlives the call. An interrupted sleep is a short one: callers look at the clock again.
    unsafe { libc::clock_nanosleep(libc::CLOCK_REALTIME, libc::TIMER_ABSTIME, &time, ptr::null_mut()) };
}

/// Timers of this thread fire as exactly as the kernel can.
pub fn sleep_exactly() {
    // SAFETY: an integer option of the calling thread.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
}

fn timespec(time: Nanoseconds) -> libc::timespec {
    libc::timespec {
        tv_sec: (time / 1_000_000_000) as libc::time_t,
        tv_nsec: (time % 1_000_000_000) as libc::c_long,
    }
}

/// Waits until the socket can be read, at most until a time of day. Whether it can.
pub fn wait_readable(socket: &UdpSocket, deadline: Nanoseconds) -> bool {
    let left = timespec(deadline.saturating_sub(now()));
    let mut poll = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one live pollfd, a live timeout, no signal mask.
    unsafe { libc::ppoll(&mut poll, 1, &left, ptr::null()) == 1 }
}

/// A non-blocking socket with the kernel's receive times and a large receive buffer.
pub fn open(local: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(local)?;
    socket.set_nonblocking(true)?;
    set(&socket, libc::SO_TIMESTAMPNS, 1)?;
    set(&socket, libc::SO_RCVBUF, 1 << 20)?;
    Ok(socket)
}

fn set(socket: &UdpSocket, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: value and length are what the kernel expects of these options.
    let outcome = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, ptr::from_ref(&value).cast(), length)
    };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Buffers for receiving, shared by all sockets.
pub struct Receiver {
    buffers: Box<[[u8; DATAGRAM_BYTES_MAX]; BATCH]>,
    controls: Box<[Control; BATCH]>,
    vectors: Box<[libc::iovec; BATCH]>,
    headers: Box<[libc::mmsghdr; BATCH]>,
}

#[repr(C, align(8))]
#[derive(Copy, Clone)]
struct Control([u8; CONTROL_BYTES]);

impl Default for Receiver {
    fn default() -> Self {
        // SAFETY: all-zero is a valid value of these C structs.
        let (vectors, headers) = unsafe { (Box::new(zeroed()), Box::new(zeroed())) };
        let buffers = Box::new([[0; DATAGRAM_BYTES_MAX]; BATCH]);
        let mut receiver =
            Self { buffers, controls: Box::new([Control([0; CONTROL_BYTES]); BATCH]), vectors, headers };
        for index in 0..BATCH {
            receiver.vectors[index] = libc::iovec {
                iov_base: receiver.buffers[index].as_mut_ptr().cast(),
                iov_len: DATAGRAM_BYTES_MAX,
            };
            let header = &mut receiver.headers[index].msg_hdr;
            header.msg_iov = &mut receiver.vectors[index];
            header.msg_iovlen = 1;
            header.msg_control = receiver.controls[index].0.as_mut_ptr().cast();
        }
        receiver
    }
}

impl Receiver {
    /// Hands over all that waits: bytes, and when the kernel got them.
    pub fn drain(&mut self, socket: &UdpSocket, take: &mut dyn FnMut(&[u8], Nanoseconds)) {
        loop {
            for header in self.headers.iter_mut() {
                header.msg_hdr.msg_controllen = CONTROL_BYTES;
            }
            // SAFETY: the headers point into live buffers of the sizes they name.
            let count = unsafe {
                let (fd, flags) = (socket.as_raw_fd(), libc::MSG_DONTWAIT);
                libc::recvmmsg(fd, self.headers.as_mut_ptr(), BATCH as u32, flags as _, ptr::null_mut())
            };
            let Ok(count) = usize::try_from(count) else { return };
            for index in 0..count {
                let header = &self.headers[index];
                let length = (header.msg_len as usize).min(DATAGRAM_BYTES_MAX);
                take(&self.buffers[index][..length], stamp(&header.msg_hdr).unwrap_or_else(now));
            }
            if count < BATCH {
                return;
            }
        }
    }
}

fn stamp(header: &libc::msghdr) -> Option<Nanoseconds> {
    // SAFETY: the kernel filled the control buffer and its length; the CMSG macros stay inside it.
    unsafe {
        let mut control = libc::CMSG_FIRSTHDR(header);
        while !control.is_null() {
            if (*control).cmsg_level == libc::SOL_SOCKET && (*control).cmsg_type == libc::SCM_TIMESTAMPNS {
                let time = ptr::read_unaligned(libc::CMSG_DATA(control).cast::<libc::timespec>());
                return Some(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64);
            }
            control = libc::CMSG_NXTHDR(header, control);
        }
    }
    None
}
