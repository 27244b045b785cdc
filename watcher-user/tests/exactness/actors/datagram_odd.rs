//! Datagrams out of the ordinary: empty, cut, corked, answered by an error, sent to many.

use std::{
    net::{Ipv4Addr, SocketAddr},
    os::fd::{AsFd as _, BorrowedFd},
    sync::atomic::{AtomicUsize, Ordering},
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, bail, ensure};
use socket2::{SockRef, Socket};

use super::{
    Actor, Args, Play,
    calls::BYTES,
    socket::{Host, Transport, local},
};
use crate::{report::Flow, sys};

/// Actors of this file.
pub const CAST: &[(&str, Play)] = &[
    ("datagram-send", send),
    ("datagram-cut", cut),
    ("datagram-take", take),
    ("datagram-cork", cork),
    ("datagram-refused", refused),
    ("datagram-stamped", stamped),
    ("multicast-take", multicast_take),
    ("datagram-scatter", scatter),
    ("datagram-first-calls", first_calls),
];

/// `address size…`: one datagram of each size.
fn send(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let address: SocketAddr = args.next("address")?;
    let socket = Transport::Udp.connect(address)?;
    if address.ip().is_multicast() {
        SockRef::from(&socket).set_multicast_loop_v4(true)?;
    }
    for size in args.rest() {
        actor.sent(sys::send(socket.as_fd(), &BYTES[..size.parse()?], 0)?);
    }
    Ok(())
}

/// `host`: expects 0, 1000, 0, 1000, 1000 and 1000 bytes; takes them whole, into nothing, cut, and cut with MSG_TRUNC,
/// which returns the length of the datagram instead of what was copied.
fn cut(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let socket = Transport::Udp.bind(args.next::<Host>("host")?.port(0))?;
    actor.announce(local(&socket)?)?;
    let mut buf = [0; 2_000];
    for (room, flags, returned) in
        [(2_000, 0, 0), (100, 0, 100), (0, 0, 0), (0, 0, 0), (100, libc::MSG_TRUNC, 1_000), (2_000, 0, 1_000)]
    {
        let got = sys::recv(socket.as_fd(), &mut buf[..room], flags)?;
        ensure!(got == returned, "recv returned {got}, not {returned}");
        actor.received(got);
    }
    Ok(())
}

/// `host count`: takes so many datagrams, without asking where they are from.
fn take(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let socket = Transport::Udp.bind(args.next::<Host>("host")?.port(0))?;
    actor.announce(local(&socket)?)?;
    receive(actor, socket.as_fd(), args.next("count")?)
}

fn receive(actor: &mut Actor, fd: BorrowedFd<'_>, count: usize) -> Result<()> {
    let mut buf = vec![0; 1 << 16];
    for _ in 0..count {
        actor.received(sys::recv(fd, &mut buf, 0)?);
    }
    Ok(())
}

/// `address abandoned`: two datagrams built from three calls each, and `abandoned` bytes that are accepted and never leave.
fn cork(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let socket = Transport::Udp.connect(args.next("address")?)?;
    let fd = socket.as_fd();
    for (size, flags) in [(100, libc::MSG_MORE), (200, libc::MSG_MORE), (300, 0)] {
        actor.sent(sys::send(fd, &BYTES[..size], flags)?);
    }
    sys::set_option(fd, libc::SOL_UDP, libc::UDP_CORK, 1)?;
    for size in [10, 20, 30] {
        actor.sent(sys::write(fd, &BYTES[..size])?);
    }
    sys::set_option(fd, libc::SOL_UDP, libc::UDP_CORK, 0)?;
    actor.sent(sys::send(fd, &BYTES[..args.next("abandoned")?], libc::MSG_MORE)?);
    Ok(())
}

/// `host`: sends to a port that nobody has, and reads the payload back out of the error queue.
fn refused(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let host: Host = args.next("host")?;
    let nobody = local(&Transport::Udp.bind(host.port(0))?)?;
    let socket = Transport::Udp.connect(nobody)?;
    let (level, name) = match nobody {
        SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_RECVERR),
        SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_RECVERR),
    };
    sys::set_option(socket.as_fd(), level, name, 1)?;
    for size in [333, 44] {
        actor.sent(sys::send(socket.as_fd(), &BYTES[..size], 0)?);
        sys::poll(socket.as_fd(), 0, Duration::from_secs(10))?;
        let (errors, returned) = sys::error_queue(socket.as_fd())?;
        ensure!(errors.len() == 1 && returned == size, "the error queue gave {returned} bytes, not {size}");
    }
    match sys::recv(socket.as_fd(), &mut [0; 10], libc::MSG_DONTWAIT) {
        Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
        other => bail!("recv after the error queue was read: {other:?}"),
    }
}

/// `transport address size`: sends with software timestamps and reads them, with the packet, out of the error queue.
fn stamped(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let transport: Transport = args.next("transport")?;
    let socket = transport.connect(args.next("address")?)?;
    let how = libc::SOF_TIMESTAMPING_TX_SOFTWARE | libc::SOF_TIMESTAMPING_SOFTWARE;
    sys::set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPING, how as i32)?;
    actor.sent(sys::send(socket.as_fd(), &BYTES[..args.next("size")?], 0)?);
    sys::poll(socket.as_fd(), 0, Duration::from_secs(10))?;
    let (_, returned) = sys::error_queue(socket.as_fd())?;
    actor.note("returned", returned as u64);
    Ok(())
}

/// `host ports`: one unconnected socket, one datagram to each of so many ports, another size for each.
fn scatter(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let host: Host = args.next("host")?;
    let socket = Transport::Udp.bind(host.port(0))?;
    let local = local(&socket)?;
    for i in 0..args.next::<u16>("ports")? {
        let remote = host.port(1_024 + i);
        let tx = sys::sendto(socket.as_fd(), &BYTES[..1 + usize::from(i % 1_000)], remote, 0)? as u64;
        actor.add(Flow { protocol: "udp".to_owned(), local, remote, tx, rx: 0 });
    }
    Ok(())
}

/// `group port count`: takes datagrams that were sent to a group.
fn multicast_take(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let (group, port, count): (Ipv4Addr, u16, usize) = (args.next("group")?, args.next("port")?, args.next("count")?);
    let address = SocketAddr::from((group, port));
    let socket = Transport::Udp.socket(address)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST)?;
    actor.announce("joined")?;
    receive(actor, socket.as_fd(), count)
}

/// `host seconds`: for so long, socket after socket; of each, two threads make the first two calls at the same moment.
fn first_calls(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let host: Host = args.next("host")?;
    let until = Instant::now() + Duration::from_secs(args.next("seconds")?);
    while Instant::now() < until {
        let sockets: Vec<_> = (0..500).map(|_| Transport::Udp.bind(host.port(0))).collect::<Result<_>>()?;
        let begun = AtomicUsize::new(0);
        let send = |(before, socket): (usize, &Socket)| {
            meet(&begun, 2 * before + 2);
            sys::sendto(socket.as_fd(), &BYTES[..10], host.port(9), 0)
        };
        // Each goes to the end, whatever fails: the other waits for it.
        let send_all = || sockets.iter().enumerate().map(send).collect::<Vec<_>>();
        let both = thread::scope(|scope| [scope.spawn(send_all), scope.spawn(send_all)].map(ScopedJoinHandle::join));
        for sent in both {
            for n in sent.map_err(|_| anyhow!("a thread panicked"))? {
                actor.sent(n?);
            }
        }
    }
    Ok(())
}

/// Waits until so many have come here.
fn meet(begun: &AtomicUsize, all: usize) {
    begun.fetch_add(1, Ordering::SeqCst);
    let mut looked = 0_u32;
    while begun.load(Ordering::SeqCst) < all {
        looked += 1;
        // Sleeping would part them again; but they may have to share one processor.
        if looked.is_multiple_of(1_000) { thread::yield_now() } else { std::hint::spin_loop() }
    }
}
