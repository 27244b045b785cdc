//! A known number of send and receive calls, round-robin over a known number of flows, on one thread.
//!
//! `calls udp|tcp|unconnected FLOWS CALLS`: each call that sends is followed by the one that receives, so nothing is ever lost.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use anyhow::{Context as _, Result, bail};

use super::{allow_files, number, pin, say, wait};

/// Runs as the actor.
pub fn main(args: &[String]) -> Result<()> {
    let (flows, calls) = (number::<usize>(args, 1)?, number::<usize>(args, 2)?);
    pin(0)?;
    match args.first().map(String::as_str) {
        Some("udp") => udp(flows, calls),
        Some("unconnected") => unconnected(flows, calls),
        Some("tcp") => tcp(flows, calls),
        _ => bail!("calls udp|tcp|unconnected FLOWS CALLS"),
    }
}

/// As many sockets, connected to one that receives. Each actor has its own address and with it all ephemeral ports.
fn udp(flows: usize, calls: usize) -> Result<()> {
    allow_files(flows as u64 + 100)?;
    let own = address(4, std::process::id() as usize % (1 << 16));
    let sink = UdpSocket::bind("127.0.0.1:0")?;
    let mut sockets = Vec::with_capacity(flows);
    for _ in 0..flows {
        let socket = UdpSocket::bind((own, 0))?;
        socket.connect(sink.local_addr()?)?;
        sockets.push(socket);
    }
    measured(flows, calls, |call| {
        sockets[call % flows].send(b"x")?;
        sink.recv(&mut [0; 8])?;
        Ok(())
    })
}

/// One socket that sends to many addresses; whatever they are, one socket receives.
fn unconnected(flows: usize, calls: usize) -> Result<()> {
    let sink = UdpSocket::bind("0.0.0.0:0")?;
    let port = sink.local_addr()?.port();
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    // Remotes are 127.8.0.0 and up.
    measured(flows, calls, |call| {
        socket.send_to(b"x", SocketAddr::from((address(8, call % flows), port)))?;
        sink.recv_from(&mut [0; 8])?;
        Ok(())
    })
}

fn tcp(flows: usize, calls: usize) -> Result<()> {
    allow_files(2 * flows as u64 + 100)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut pairs = Vec::with_capacity(flows);
    for _ in 0..flows {
        let client = TcpStream::connect(listener.local_addr()?)?;
        client.set_nodelay(true)?;
        pairs.push((client, listener.accept()?.0));
    }
    measured(flows, calls, |call| {
        let (client, server) = &mut pairs[call % flows];
        client.write_all(b"x")?;
        server.read_exact(&mut [0])?;
        Ok(())
    })
}

/// An address of this machine: 127.`net`.0.0 and up.
fn address(net: u8, number: usize) -> Ipv4Addr {
    let first = u32::from(Ipv4Addr::new(127, net, 0, 0));
    Ipv4Addr::from(first + u32::try_from(number).unwrap_or(0))
}

/// Each flow once, so that what is measured is the common case; then the calls, and how many those were.
fn measured(flows: usize, calls: usize, mut one: impl FnMut(usize) -> Result<()>) -> Result<()> {
    say("opened")?;
    wait()?;
    for flow in 0..flows {
        one(flow).with_context(|| format!("first call of flow {flow}"))?;
    }
    say("all seen")?;
    wait()?;
    for call in 0..calls {
        one(call).with_context(|| format!("call {call}"))?;
    }
    say(&format!("{}", 2 * calls))
}
