//! sendmsg, recvmsg and their multi-message forms.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsRawFd as _, BorrowedFd},
};

use socket2::{SockAddr, SockAddrStorage};

use super::{count, pieces};

/// What recvmsg returned.
#[derive(Debug)]
pub struct Message {
    /// The return value.
    pub len: usize,
    /// Where from, if the protocol says so.
    pub from: Option<SocketAddr>,
}

fn header(iov: &mut [libc::iovec]) -> libc::msghdr {
    // SAFETY: an all-zero msghdr is valid: no name, no buffers, no control data.
    let mut m: libc::msghdr = unsafe { std::mem::zeroed() };
    m.msg_iov = iov.as_mut_ptr();
    // `as _`, here and below: glibc's types are the kernel's, musl's are POSIX's, with padding that stays zero.
    m.msg_iovlen = iov.len() as _;
    m
}

fn name(m: &mut libc::msghdr, to: Option<&SockAddr>) {
    if let Some(to) = to {
        m.msg_name = to.as_ptr().cast_mut().cast();
        m.msg_namelen = to.len();
    }
}

/// sendmsg(2) of `buf` in two pieces.
pub fn sendmsg(fd: BorrowedFd<'_>, buf: &[u8], to: Option<SocketAddr>, flags: i32) -> io::Result<usize> {
    let to = to.map(SockAddr::from);
    let mut iov = pieces(buf, 2);
    let mut m = header(&mut iov);
    name(&mut m, to.as_ref());
    // SAFETY: the header points to live buffers and perhaps a live name, which sendmsg only reads.
    count(unsafe { libc::sendmsg(fd.as_raw_fd(), &raw const m, flags | libc::MSG_NOSIGNAL) })
}

/// recvmsg(2)
pub fn recvmsg(fd: BorrowedFd<'_>, buf: &mut [u8], flags: i32) -> io::Result<Message> {
    let mut from = SockAddrStorage::zeroed();
    let mut control = [0u64; 64];
    let mut iov = [libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() }];
    let mut m = header(&mut iov);
    m.msg_name = (&raw mut from).cast();
    m.msg_namelen = from.size_of();
    m.msg_control = control.as_mut_ptr().cast();
    m.msg_controllen = size_of_val(&control) as _;
    // SAFETY: the header points to live, exclusive buffers of the lengths it states.
    let len = count(unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut m, flags) })?;
    // SAFETY: the kernel wrote `msg_namelen` bytes of a socket address into `from`.
    let from = (m.msg_namelen > 0).then(|| unsafe { SockAddr::new(from, m.msg_namelen) });
    Ok(Message { len, from: from.and_then(|f| f.as_socket()) })
}

/// sendmmsg(2) of `buf` as `messages` messages; how many bytes of each were taken.
pub fn sendmmsg(fd: BorrowedFd<'_>, buf: &[u8], messages: usize, to: &[Option<SocketAddr>]) -> io::Result<Vec<usize>> {
    let to: Vec<Option<SockAddr>> = to.iter().map(|a| a.map(SockAddr::from)).collect();
    let mut iov = pieces(buf, messages);
    let mut headers: Vec<libc::mmsghdr> =
        iov.chunks_mut(1).map(|i| libc::mmsghdr { msg_hdr: header(i), msg_len: 0 }).collect();
    for (h, to) in headers.iter_mut().zip(&to) {
        name(&mut h.msg_hdr, to.as_ref());
    }
    // SAFETY: each header points to one live iovec and perhaps a live name; the count is that of the headers.
    let sent = count(unsafe {
        // Not libc's function: musl's is a loop of sendmsg.
        let (at, len) = (headers.as_mut_ptr(), headers.len());
        libc::syscall(libc::SYS_sendmmsg, fd.as_raw_fd(), at, len, libc::MSG_NOSIGNAL) as isize
    })?;
    Ok(headers[..sent].iter().map(|h| h.msg_len as usize).collect())
}

/// recvmmsg(2) into `buf` cut for `messages` messages; waits for the first only. The lengths, and where each came from if
/// `ask` says to ask.
pub fn recvmmsg(
    fd: BorrowedFd<'_>,
    buf: &mut [u8],
    messages: usize,
    ask: bool,
) -> io::Result<Vec<(usize, Option<SocketAddr>)>> {
    let piece = buf.len().div_ceil(messages).max(1);
    let mut iov: Vec<libc::iovec> =
        buf.chunks_mut(piece).map(|c| libc::iovec { iov_base: c.as_mut_ptr().cast(), iov_len: c.len() }).collect();
    let mut from: Vec<SockAddrStorage> = iov.iter().map(|_| SockAddrStorage::zeroed()).collect();
    let mut headers: Vec<libc::mmsghdr> =
        iov.chunks_mut(1).map(|i| libc::mmsghdr { msg_hdr: header(i), msg_len: 0 }).collect();
    for (h, from) in headers.iter_mut().zip(&mut from).filter(|_| ask) {
        h.msg_hdr.msg_namelen = from.size_of();
        h.msg_hdr.msg_name = (from as *mut SockAddrStorage).cast();
    }
    let flags = libc::MSG_WAITFORONE;
    // SAFETY: each header points to one live, exclusive piece of `buf` and perhaps a live name; the count is theirs.
    let got = count(unsafe {
        libc::recvmmsg(fd.as_raw_fd(), headers.as_mut_ptr(), headers.len() as u32, flags as _, std::ptr::null_mut())
            as isize
    })?;
    let address = |(h, from): (&libc::mmsghdr, SockAddrStorage)| {
        let len = h.msg_hdr.msg_namelen;
        // SAFETY: the kernel wrote `msg_namelen` bytes of a socket address into `from`.
        let from = (len > 0).then(|| unsafe { SockAddr::new(from, len) });
        (h.msg_len as usize, from.and_then(|f| f.as_socket()))
    };
    Ok(headers[..got].iter().zip(from).map(address).collect())
}

/// sendto(2)
pub fn sendto(fd: BorrowedFd<'_>, buf: &[u8], to: SocketAddr, flags: i32) -> io::Result<usize> {
    let to = SockAddr::from(to);
    let (at, len) = (buf.as_ptr().cast(), buf.len());
    // SAFETY: the buffer and the address are live, with their lengths.
    count(unsafe { libc::sendto(fd.as_raw_fd(), at, len, flags | libc::MSG_NOSIGNAL, to.as_ptr().cast(), to.len()) })
}

/// recvfrom(2)
pub fn recvfrom(fd: BorrowedFd<'_>, buf: &mut [u8], flags: i32) -> io::Result<(usize, Option<SocketAddr>)> {
    let mut from = SockAddrStorage::zeroed();
    let mut namelen = from.size_of();
    let (at, len) = (buf.as_mut_ptr().cast(), buf.len());
    // SAFETY: the buffer and the address are live and exclusive, with their lengths.
    let got =
        count(unsafe { libc::recvfrom(fd.as_raw_fd(), at, len, flags, (&raw mut from).cast(), &raw mut namelen) })?;
    // SAFETY: the kernel wrote `namelen` bytes of a socket address into `from`.
    let from = (namelen > 0).then(|| unsafe { SockAddr::new(from, namelen) });
    Ok((got, from.and_then(|f| f.as_socket())))
}

/// One read of the error queue: the errors described, and the bytes of the offending packet that came with them.
pub fn error_queue(fd: BorrowedFd<'_>) -> io::Result<(Vec<libc::sock_extended_err>, usize)> {
    let mut payload = [0u8; 2048];
    let mut control = [0u64; 64];
    let mut iov = [libc::iovec { iov_base: payload.as_mut_ptr().cast(), iov_len: payload.len() }];
    let mut m = header(&mut iov);
    m.msg_control = control.as_mut_ptr().cast();
    m.msg_controllen = size_of_val(&control) as _;
    // SAFETY: the header points to live, exclusive buffers of the lengths it states.
    let len = count(unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut m, libc::MSG_ERRQUEUE) })?;
    let mut errors = Vec::new();
    // SAFETY: the kernel filled `control` with `msg_controllen` bytes of whole control messages; the CMSG macros stay
    // within them, and the data of these two types is a sock_extended_err, read unaligned.
    unsafe {
        let mut c = libc::CMSG_FIRSTHDR(&raw const m);
        while !c.is_null() {
            let kind = ((*c).cmsg_level, (*c).cmsg_type);
            if kind == (libc::IPPROTO_IP, libc::IP_RECVERR) || kind == (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) {
                errors.push(libc::CMSG_DATA(c).cast::<libc::sock_extended_err>().read_unaligned());
            }
            c = libc::CMSG_NXTHDR(&raw const m, c);
        }
    }
    Ok((errors, len))
}
