//! Many threads of one process in the middle of a call at the same moment.

use std::{
    fs,
    net::SocketAddr,
    os::fd::{AsFd as _, OwnedFd},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use socket2::{Domain, Protocol, Socket, Type};

use super::{
    Actor, Args, Play,
    calls::BYTES,
    socket::{Host, Transport, accept, local},
};
use crate::sys;

/// Actors of this file.
pub const CAST: &[(&str, Play)] = &[
    ("crowd-of-senders", senders),
    ("crowd-keeper", keeper),
    ("crowd-of-receivers", receivers),
    ("crowd-caller", caller),
    ("crowd-of-raw-receivers", raw_receivers),
];

/// Buffers so small that a call of [`MUCH`] fills those of both ends and sleeps.
const SMALL: usize = 32_768;
/// Bytes of a sending call.
const MUCH: usize = 300_000;

/// Runs `call` on each socket in a thread of its own, says when all of them sleep in it, and returns what each returned.
fn at_once(
    actor: &Actor,
    sockets: &[OwnedFd],
    call: impl Fn(&OwnedFd) -> std::io::Result<usize> + Sync,
) -> Result<Vec<usize>> {
    let begun = AtomicUsize::new(0);
    thread::scope(|scope| {
        let calls: Vec<_> = sockets
            .iter()
            .map(|socket| {
                let (begun, call) = (&begun, &call);
                scope.spawn(move || {
                    begun.fetch_add(1, Ordering::SeqCst);
                    call(socket)
                })
            })
            .collect();
        // No event says "asleep": each look is a system call, and the alarm of every actor bounds them.
        while begun.load(Ordering::SeqCst) < sockets.len() || asleep()? < sockets.len() {
            thread::yield_now();
        }
        actor.announce("asleep")?;
        calls.into_iter().map(|call| Ok(call.join().map_err(|_| anyhow!("a thread panicked"))??)).collect()
    })
}

/// Threads of this process that sleep.
fn asleep() -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir("/proc/self/task")? {
        // A thread that has ended meanwhile does not sleep.
        let stat = fs::read_to_string(entry?.path().join("stat")).unwrap_or_default();
        let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
        count += usize::from(state.starts_with('S'));
    }
    Ok(count)
}

/// `address threads`: each on a connection of its own, with more than fits.
fn senders(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let address: SocketAddr = args.next("address")?;
    let sockets: Vec<OwnedFd> = (0..args.next::<usize>("threads")?)
        .map(|_| {
            let socket = Transport::Tcp.socket(address)?;
            socket.set_send_buffer_size(SMALL)?;
            socket.connect(&address.into()).context("connecting")?;
            Ok(socket.into())
        })
        .collect::<Result<_>>()?;
    let much: Vec<u8> = BYTES.iter().copied().cycle().take(MUCH).collect();
    for sent in at_once(actor, &sockets, |socket| sys::send(socket.as_fd(), &much, 0))? {
        ensure!(sent == MUCH, "a call sent {sent} of {MUCH} bytes");
        actor.sent(sent);
    }
    Ok(())
}

/// `host connections`: accepts them, and reads nothing until told to.
fn keeper(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let Host(host) = args.next("host")?;
    let listener = Transport::Tcp.socket(SocketAddr::new(host, 0))?;
    listener.set_recv_buffer_size(SMALL)?;
    listener.bind(&SocketAddr::new(host, 0).into())?;
    listener.listen(1024)?;
    actor.announce(local(&listener)?)?;
    let connections =
        (0..args.next::<usize>("connections")?).map(|_| accept(&listener)).collect::<Result<Vec<Socket>>>()?;
    actor.await_go()?;
    let mut buf = vec![0; MUCH];
    // Not to its end: it ends when all of them have been read.
    for connection in connections {
        let mut left = MUCH;
        while left > 0 {
            let got = sys::recv(connection.as_fd(), &mut buf[..left], 0)?;
            ensure!(got > 0, "a connection ended with {left} bytes left");
            actor.received(got);
            left -= got;
        }
    }
    Ok(())
}

/// `host threads`: each waits for one datagram on a socket of its own. Says their ports first.
fn receivers(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let host: Host = args.next("host")?;
    let sockets = (0..args.next::<usize>("threads")?)
        .map(|_| Transport::Udp.bind(host.port(0)))
        .collect::<Result<Vec<Socket>>>()?;
    let ports: Vec<String> =
        sockets.iter().map(|socket| Ok(local(socket)?.port().to_string())).collect::<Result<_>>()?;
    actor.announce(ports.join(" "))?;
    let sockets: Vec<OwnedFd> = sockets.into_iter().map(Into::into).collect();
    for got in at_once(actor, &sockets, |socket| sys::recv(socket.as_fd(), &mut [0; 2_000], 0))? {
        actor.received(got);
    }
    Ok(())
}

/// `host port…`: a datagram to each, of another size each.
fn caller(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let host: Host = args.next("host")?;
    let socket = Transport::Udp.socket(host.port(0))?;
    for (i, port) in args.rest().iter().enumerate() {
        actor.sent(sys::sendto(socket.as_fd(), &BYTES[..100 + i], host.port(port.parse()?), 0)?);
    }
    Ok(())
}

/// `host protocol threads`: each waits for one packet on a raw socket of its own; every socket gets each.
fn raw_receivers(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let Host(host) = args.next("host")?;
    let protocol: i32 = args.next("protocol")?;
    let address = SocketAddr::new(host, 0);
    let sockets: Vec<OwnedFd> = (0..args.next::<usize>("threads")?)
        .map(|_| {
            let socket = Socket::new(Domain::for_address(address), Type::RAW, Some(Protocol::from(protocol)))?;
            socket.bind(&address.into())?;
            Ok(OwnedFd::from(socket))
        })
        .collect::<Result<_>>()?;
    for got in at_once(actor, &sockets, |socket| sys::recv(socket.as_fd(), &mut [0; 2_000], 0))? {
        actor.received(got);
    }
    Ok(())
}
