//! Connections that carry data before they are established, and pages that are mapped instead of copied.

use std::{
    net::SocketAddr,
    os::fd::{AsFd as _, AsRawFd as _},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use super::{
    Actor, Args, Play,
    calls::BYTES,
    conversation::Conversation,
    socket::{Host, Transport, accept, local},
};
use crate::sys::{self, TcpInfo};

/// Actors of this file.
pub const CAST: &[(&str, Play)] = &[
    ("defer-server", defer_server),
    ("fastopen-server", fastopen_server),
    ("fastopen-client", fastopen_client),
    ("mapping-server", mapping_server),
    ("page-client", page_client),
];

/// `host in out`: a listener that wakes only when data has come, on the ACK that ends the handshake or after it.
fn defer_server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    sys::set_option(listener.as_fd(), libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, 10)?;
    serve(actor, args, &listener)
}

/// `host in out`: a listener that takes data out of the SYN.
fn fastopen_server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    sys::set_option(listener.as_fd(), libc::IPPROTO_TCP, libc::TCP_FASTOPEN, 16)?;
    serve(actor, args, &listener)
}

fn serve(actor: &mut Actor, args: &mut Args, listener: &socket2::Socket) -> Result<()> {
    let (n_in, n_out): (u64, u64) = (args.next("in")?, args.next("out")?);
    actor.announce(local(listener)?)?;
    // Two connections: a client may need the first to learn the cookie.
    for _ in 0..2 {
        let mut talk = Conversation::new("tcp", accept(listener)?, "send")?;
        talk.recv(n_in)?;
        talk.send(n_out)?;
        talk.expect_end()?;
        talk.finish(actor)?;
    }
    Ok(())
}

/// `address out in`: sends with the SYN, twice.
fn fastopen_client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let address: SocketAddr = args.next("address")?;
    let (n_out, n_in): (u64, u64) = (args.next("out")?, args.next("in")?);
    let mut with_syn = 0;
    for _ in 0..2 {
        let socket = Transport::Tcp.socket(address)?;
        let buf = &BYTES[..usize::try_from(n_out)?];
        let taken = sys::sendto(socket.as_fd(), buf, address, libc::MSG_FASTOPEN).context("MSG_FASTOPEN")? as u64;
        let mut talk = Conversation::new("tcp", socket, "send")?;
        talk.count(taken, 0);
        talk.send(n_out - taken)?;
        talk.recv(n_in)?;
        with_syn += u64::from(TcpInfo::of(talk.as_fd())?.options & TcpInfo::SYN_DATA != 0);
        talk.finish(actor)?;
    }
    actor.note("with_syn", with_syn);
    Ok(())
}

/// include/uapi/linux/tcp.h, the fields that are used here.
#[repr(C)]
#[derive(Default)]
struct ZerocopyReceive {
    address: u64,
    length: u32,
    recv_skip_hint: u32,
    inq: u32,
    err: i32,
    copybuf_address: u64,
    copybuf_len: i32,
    flags: u32,
    msg_control: u64,
    msg_controllen: u64,
    msg_flags: u32,
    reserved: u32,
}

const _: () = assert!(size_of::<ZerocopyReceive>() == 64);

const WINDOW: usize = 1 << 18;

/// `host bytes`: receives by TCP_ZEROCOPY_RECEIVE: whole pages are mapped, the rest is copied by the same call, and what it
/// hints to skip is read by recv.
fn mapping_server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    let bytes: u64 = args.next("bytes")?;
    actor.announce(local(&listener)?)?;
    let mut talk = Conversation::new("tcp", accept(&listener)?, "send")?;
    // Smaller than a page: a queue that fits into this buffer is copied, never mapped.
    let window = sys::map_socket(talk.as_fd(), WINDOW)?;
    let mut copied = vec![0u8; 3_000];
    let (mut left, mut by_map, mut by_copy) = (bytes, 0, 0);
    while left > 0 {
        sys::poll(talk.as_fd(), libc::POLLIN, Duration::from_secs(10))?;
        let asked = ZerocopyReceive {
            address: window as u64,
            length: WINDOW as u32,
            copybuf_address: copied.as_mut_ptr() as u64,
            copybuf_len: copied.len() as i32,
            ..ZerocopyReceive::default()
        };
        let got = zerocopy_receive(&talk, asked)?;
        let moved = u64::from(got.length) + u64::try_from(got.copybuf_len)?;
        by_map += u64::from(got.length);
        by_copy += moved - u64::from(got.length);
        talk.count(0, moved);
        left -= moved;
        if got.recv_skip_hint > 0 {
            let n = u64::from(got.recv_skip_hint).min(left);
            talk.recv(n)?;
            left -= n;
        }
    }
    actor.note("mapped", by_map);
    actor.note("copied", by_copy);
    talk.expect_end()?;
    talk.finish(actor)
}

fn zerocopy_receive(talk: &Conversation, asked: ZerocopyReceive) -> Result<ZerocopyReceive> {
    let mut it = asked;
    // SAFETY: the window is a mapping of this socket of `length` bytes, and copybuf a live buffer of `copybuf_len`; the
    // option reads and writes one struct of this layout.
    unsafe {
        let mut len = size_of::<ZerocopyReceive>() as u32;
        let (fd, option) = (talk.as_fd().as_raw_fd(), libc::TCP_ZEROCOPY_RECEIVE);
        sys::done(libc::getsockopt(fd, libc::IPPROTO_TCP, option, (&raw mut it).cast(), &raw mut len))
            .context("TCP_ZEROCOPY_RECEIVE")?;
    }
    ensure!(it.err == 0, "TCP_ZEROCOPY_RECEIVE: error {}", it.err);
    Ok(it)
}

/// `address bytes`: sends in whole pages without copying, so that the other side can map them.
fn page_client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "zerocopy/recv")?;
    talk.send_bulk(args.next("bytes")?)?;
    talk.shutdown()?;
    talk.expect_end()?;
    talk.finish(actor)
}
