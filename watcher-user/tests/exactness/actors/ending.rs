//! Connections that end, or never begin, in every way there is.

use std::{io::ErrorKind, net::SocketAddr, os::fd::AsFd as _, time::Duration};

use anyhow::{Result, bail, ensure};
use socket2::SockRef;

use super::{
    Actor, Args, Play,
    calls::BYTES,
    conversation::Conversation,
    socket::{Host, Transport, accept, local},
};
use crate::sys::{self, TcpInfo};

/// Actors of this file.
pub const CAST: &[(&str, Play)] = &[
    ("reset-client", reset_client),
    ("reset-server", reset_server),
    ("sending-server", sending_server),
    ("unread-client", unread_client),
    ("choked-client", choked),
    ("patient-client", patient_client),
    ("patient-server", patient_server),
    ("refused-client", refused),
    ("failing-client", failing),
    ("stuck-server", stuck_server),
    ("stuck-client", stuck_client),
    ("half-server", half_server),
    ("half-client", half_client),
    ("deaf-listener", deaf),
    ("reuse-client", reuse),
    ("self-connected", to_itself),
];

fn abort(talk: &Conversation) -> Result<()> {
    Ok(SockRef::from(&talk.as_fd()).set_linger(Some(Duration::ZERO))?)
}

/// `address`: sends 100, takes 1500, and closes with a reset.
fn reset_client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "send")?;
    // In one call: Nagle's algorithm would keep the rest of several, and the reset would drop it.
    ensure!(talk.send_once(100)? == 100, "not all was taken");
    talk.recv(1_500)?;
    abort(&talk)?;
    talk.finish(actor)
}

/// `host`: is reset, with 100 bytes in its queue, and reads them after that.
fn reset_server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    actor.announce(local(&listener)?)?;
    let mut talk = Conversation::new("tcp", accept(&listener)?, "send")?;
    talk.send(1_500)?;
    sys::poll(talk.as_fd(), 0, Duration::from_secs(10))?;
    talk.recv(100)?;
    match sys::recv(talk.as_fd(), &mut [0; 10], 0) {
        Err(e) if e.kind() == ErrorKind::ConnectionReset => {}
        other => bail!("after a reset recv says {other:?}"),
    }
    for expected in [ErrorKind::BrokenPipe; 2] {
        match sys::send(talk.as_fd(), &BYTES[..50], 0) {
            Err(e) if e.kind() == expected => {}
            other => bail!("after a reset send says {other:?}"),
        }
    }
    actor.add(talk.flow());
    Ok(())
}

/// `host in out`: receives, sends, and expects nothing but a reset.
fn sending_server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    actor.announce(local(&listener)?)?;
    let mut talk = Conversation::new("tcp", accept(&listener)?, "send")?;
    talk.recv(args.next("in")?)?;
    talk.send(args.next("out")?)?;
    await_reset(&talk)?;
    actor.add(talk.flow());
    Ok(())
}

fn await_reset(talk: &Conversation) -> Result<()> {
    match sys::recv(talk.as_fd(), &mut [0; 10], 0) {
        Err(e) if e.kind() == ErrorKind::ConnectionReset => Ok(()),
        other => bail!("waiting for a reset, recv says {other:?}"),
    }
}

/// `address out`: sends, says so, and waits for a reset.
fn patient_client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "send")?;
    talk.send(args.next("out")?)?;
    actor.announce("sent")?;
    await_reset(&talk)?;
    actor.add(talk.flow());
    Ok(())
}

/// `address out`: fills every buffer there is, ends its side behind that, and waits for a reset.
fn choked(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let socket = Transport::Tcp.connect(args.next("address")?)?;
    socket.set_nonblocking(true)?;
    let mut talk = Conversation::new("tcp", socket.try_clone()?, "send")?;
    loop {
        match sys::send(talk.as_fd(), &BYTES, 0) {
            Ok(n) => talk.count(n as u64, 0),
            Err(e) if e.kind() == ErrorKind::WouldBlock => break,
            Err(e) => return Err(e.into()),
        }
    }
    socket.set_nonblocking(false)?;
    talk.shutdown()?;
    talk.check()?;
    let unsent = TcpInfo::of(talk.as_fd())?.notsent;
    ensure!(unsent > 1, "the window took everything: the test shows nothing");
    actor.announce("choked")?;
    await_reset(&talk)?;
    actor.add(talk.flow());
    Ok(())
}

/// `host in out`: like a server, but the end may be a FIN or a reset.
fn patient_server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    actor.announce(local(&listener)?)?;
    let mut talk = Conversation::new("tcp", accept(&listener)?, "send")?;
    talk.recv(args.next("in")?)?;
    talk.send(args.next("out")?)?;
    match sys::recv(talk.as_fd(), &mut [0; 10], 0) {
        Ok(0) => {}
        Err(e) if e.kind() == ErrorKind::ConnectionReset => {}
        other => bail!("waiting for the end, recv says {other:?}"),
    }
    actor.add(talk.flow());
    Ok(())
}

/// `address`: of 5000 bytes that came it reads 1000, and closes.
fn unread_client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "send")?;
    talk.send(10)?;
    talk.recv(1_000)?;
    talk.await_unread(4_000)?;
    talk.finish(actor)
}

/// `host`: connects to a port that nobody has.
fn refused(_: &mut Actor, args: &mut Args) -> Result<()> {
    let nobody = local(&Transport::Udp.bind(args.next::<Host>("host")?.port(0))?)?;
    expect_error(nobody, libc::ECONNREFUSED)
}

/// `address errno`: connects, in vain.
fn failing(_: &mut Actor, args: &mut Args) -> Result<()> {
    expect_error(args.next("address")?, args.next("errno")?)
}

fn expect_error(address: SocketAddr, errno: i32) -> Result<()> {
    let socket = Transport::Tcp.socket(address)?;
    sys::set_option(socket.as_fd(), libc::IPPROTO_TCP, libc::TCP_SYNCNT, 1)?;
    match socket.connect(&address.into()) {
        Err(e) if e.raw_os_error() == Some(errno) => Ok(()),
        other => bail!("connecting to {address}: {other:?}, expected errno {errno}"),
    }
}

/// `host`: takes 1000 bytes, waits, and aborts.
fn stuck_server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    actor.announce(local(&listener)?)?;
    let mut talk = Conversation::new("tcp", accept(&listener)?, "send")?;
    talk.recv(1_000)?;
    actor.announce("took")?;
    actor.await_go()?;
    abort(&talk)?;
    talk.finish(actor)
}

/// `address`: after 1000 bytes nothing it sends arrives any more, and TCP_USER_TIMEOUT ends it.
fn stuck_client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "send")?;
    sys::set_option(talk.as_fd(), libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, 600)?;
    talk.send(1_000)?;
    actor.announce("sent")?;
    actor.await_go()?;
    talk.send(5_000)?;
    sys::poll(talk.as_fd(), 0, Duration::from_secs(15))?;
    match sys::recv(talk.as_fd(), &mut [0; 10], 0) {
        Err(e) if e.raw_os_error() == Some(libc::ETIMEDOUT) => {}
        other => bail!("the end of a stuck connection: {other:?}"),
    }
    actor.add(talk.flow());
    Ok(())
}

/// `host`: sees the other side end, and goes on sending.
fn half_server(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    actor.announce(local(&listener)?)?;
    let mut talk = Conversation::new("tcp", accept(&listener)?, "send")?;
    talk.recv_to_end()?;
    talk.send(400_000)?;
    talk.finish(actor)
}

/// `address`: ends its side, and goes on receiving.
fn half_client(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let mut talk = Conversation::new("tcp", Transport::Tcp.connect(args.next("address")?)?, "send")?;
    talk.send(1_234)?;
    talk.shutdown()?;
    match sys::send(talk.as_fd(), &BYTES[..50], 0) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => {}
        other => bail!("after shutdown send says {other:?}"),
    }
    talk.recv(400_000)?;
    talk.expect_end()?;
    talk.finish(actor)
}

/// `host`: listens, never accepts, and goes away when told.
fn deaf(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    actor.announce(local(&listener)?)?;
    actor.await_go()?;
    drop(listener);
    Ok(())
}

/// `address address`: one socket, dissolved by connect(AF_UNSPEC), used for two connections.
fn reuse(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let first: SocketAddr = args.next("address")?;
    let socket = Transport::Tcp.connect(first)?;
    let mut talk = Conversation::new("tcp", socket, "send")?;
    talk.send(1_111)?;
    talk.recv(300)?;
    let socket = talk.leave(actor);
    sys::disconnect(socket.as_fd())?;
    let second: SocketAddr = args.next("address")?;
    SockRef::from(&socket).connect(&second.into())?;
    let mut talk = Conversation::new("tcp", socket, "send")?;
    talk.send(2_222)?;
    talk.recv(400)?;
    talk.finish(actor)
}

/// `host`: a socket that is connected to itself: both ends open at once.
fn to_itself(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let host: Host = args.next("host")?;
    let socket = Transport::Tcp.socket(host.port(0))?;
    socket.bind(&host.port(0).into())?;
    let own = local(&socket)?;
    socket.connect(&own.into())?;
    let mut talk = Conversation::new("tcp", socket, "send")?;
    for n in [1, 5_000, 30_000] {
        talk.send(n)?;
        talk.recv(n)?;
    }
    let flow = talk.flow();
    ensure!(flow.tx == flow.rx, "{flow:?}");
    talk.finish(actor)
}
