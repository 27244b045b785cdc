//! getsockopt and setsockopt for plain values.

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd},
};

use super::done;

/// include/uapi/linux/sockios.h: its type in libc is not everywhere that of a request.
const SIOCSIFFLAGS: libc::Ioctl = 0x8914;

/// Sets an int option.
pub fn set_option(fd: BorrowedFd<'_>, level: i32, name: i32, value: i32) -> io::Result<()> {
    set_option_bytes(fd, level, name, &value.to_ne_bytes())
}

/// Sets an option whose value is given as bytes.
pub fn set_option_bytes(fd: BorrowedFd<'_>, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    // SAFETY: the pointer and length are those of a live slice.
    done(unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, value.as_ptr().cast(), value.len() as u32) })
}

/// Reads an option into `buf` (whose content some options take as input); how much the kernel wrote.
pub fn get_option(fd: BorrowedFd<'_>, level: i32, name: i32, buf: &mut [u8]) -> io::Result<usize> {
    let mut len = buf.len() as u32;
    // SAFETY: the kernel writes at most `len` bytes into a live, exclusive slice of that length.
    done(unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, buf.as_mut_ptr().cast(), &raw mut len) })?;
    Ok(len as usize)
}

/// Sets the loopback interface of this network namespace up.
pub fn loopback_up() -> io::Result<()> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: every bit pattern is a valid ifreq of numbers.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(*b"lo") {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = libc::IFF_UP as i16;
    // SAFETY: SIOCSIFFLAGS reads one ifreq.
    done(unsafe { libc::ioctl(socket.as_raw_fd(), SIOCSIFFLAGS, &raw const request) })
}
