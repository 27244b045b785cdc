//! Servers of several processes: who accepts and who serves need not be who listens.

use std::{
    net::SocketAddr,
    os::fd::{AsFd as _, OwnedFd},
    time::Duration,
};

use anyhow::Result;
use socket2::Socket;

use super::{
    Actor, Args, Play,
    calls::BYTES,
    fork,
    socket::{Host, Transport, accept, local},
    stream::answer,
};
use crate::{
    report::{Flow, canonical},
    sys,
};

/// Actors of this file.
pub const CAST: &[(&str, Play)] = &[
    ("reuseport-worker", reuseport),
    ("reuseport-udp-worker", reuseport_udp),
    ("udp-askers", udp_askers),
    ("prefork-server", prefork),
    ("fork-per-connection-server", fork_per_connection),
];

fn shared_port(transport: Transport, address: SocketAddr) -> Result<Socket> {
    let socket = transport.socket(address)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// `address`: one of several that listen on the same port; serves until told to stop.
fn reuseport(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = shared_port(Transport::Tcp, args.next("address")?)?;
    listener.listen(1024)?;
    actor.announce(local(&listener)?)?;
    while sys::poll_either(listener.as_fd(), std::io::stdin().as_fd(), Duration::from_secs(30))? == 0 {
        answer(actor, accept(&listener)?)?;
    }
    Ok(())
}

/// `address`: one of several that receive on the same port; echoes until told to stop.
fn reuseport_udp(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let socket = shared_port(Transport::Udp, args.next("address")?)?;
    actor.announce(local(&socket)?)?;
    let mut buf = [0; 2_000];
    while sys::poll_either(socket.as_fd(), std::io::stdin().as_fd(), Duration::from_secs(30))? == 0 {
        let (rx, from) = sys::recvfrom(socket.as_fd(), &mut buf, 0)?;
        let Some(remote) = from else { continue };
        let tx = sys::sendto(socket.as_fd(), &buf[..rx], remote, 0)?;
        let local = canonical(local(&socket)?);
        actor.add(Flow { protocol: "udp".to_owned(), local, remote, tx: tx as u64, rx: rx as u64 });
    }
    Ok(())
}

/// `address sockets`: asks once from each of so many sockets.
fn udp_askers(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let address: SocketAddr = args.next("address")?;
    for i in 0..args.next::<usize>("sockets")? {
        let socket = Transport::Udp.connect(address)?;
        actor.sent(sys::send(socket.as_fd(), &BYTES[..100 + i], 0)?);
        actor.received(sys::recv(socket.as_fd(), &mut [0; 2_000], 0)?);
    }
    Ok(())
}

/// `host children each`: children accept on the parent's listener, so many connections each.
fn prefork(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    let (children, each): (usize, usize) = (args.next("children")?, args.next("each")?);
    actor.announce(local(&listener)?)?;
    let serve = |actor: &mut Actor| (0..each).try_for_each(|_| answer(actor, accept(&listener)?));
    let forked = (0..children).map(|_| fork(serve)).collect::<Result<Vec<_>>>()?;
    forked.into_iter().try_for_each(|f| Ok(f.join()?))
}

/// `host connections`: accepts, and forks a child for each connection.
fn fork_per_connection(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let listener = Transport::Tcp.bind(args.next::<Host>("host")?.port(0))?;
    let connections: usize = args.next("connections")?;
    actor.announce(local(&listener)?)?;
    for _ in 0..connections {
        let socket: OwnedFd = accept(&listener)?.into();
        fork(|actor| answer(actor, socket.try_clone()?))?.join()?;
    }
    Ok(())
}
