//! Below the transports: raw IP sockets, ping sockets, link-layer frames.

use std::{
    net::{IpAddr, SocketAddr},
    os::fd::AsFd as _,
};

use anyhow::{Context as _, Result, ensure};
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};

use super::{Actor, Args, Play, calls::BYTES, socket::Host};
use crate::{patience::patience, sys};

/// Actors of this file.
pub const CAST: &[(&str, Play)] = &[
    ("raw-take", raw_take),
    ("raw-send", raw_send),
    ("ping-socket", ping_socket),
    ("frame-take", frame_take),
    ("frame-send", frame_send),
];

/// Seconds.
const PATIENCE: u64 = 10;

fn raw(host: IpAddr, protocol: i32) -> Result<Socket> {
    let domain = Domain::for_address(SocketAddr::new(host, 0));
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(protocol))).context("a raw socket")?;
    socket.set_read_timeout(Some(patience(PATIENCE)))?;
    Ok(socket)
}

/// `host protocol count`: takes packets. Over IPv4 each comes with its header, and that is what recv returns.
fn raw_take(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let Host(host) = args.next("host")?;
    let socket = raw(host, args.next("protocol")?)?;
    socket.bind(&SocketAddr::new(host, 0).into())?;
    actor.announce("ready")?;
    let mut buf = [0; 4_000];
    for _ in 0..args.next::<usize>("count")? {
        actor.received(sys::recv(socket.as_fd(), &mut buf, 0)?);
    }
    Ok(())
}

/// `host protocol size…`: sends packets of a protocol that nobody else speaks. Its own socket would get them too, and
/// does not read them.
fn raw_send(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let Host(host) = args.next("host")?;
    let socket = raw(host, args.next("protocol")?)?;
    for size in args.rest() {
        actor.sent(sys::sendto(socket.as_fd(), &BYTES[..size.parse()?], SocketAddr::new(host, 0), 0)?);
    }
    Ok(())
}

/// `host size…`: ICMP echo through a ping socket: no IP header either way.
fn ping_socket(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let Host(host) = args.next("host")?;
    let (protocol, request) = match host {
        IpAddr::V4(_) => (Protocol::ICMPV4, 8),
        IpAddr::V6(_) => (Protocol::ICMPV6, 128),
    };
    let domain = Domain::for_address(SocketAddr::new(host, 0));
    let socket = Socket::new(domain, Type::DGRAM, Some(protocol)).context("a ping socket")?;
    socket.set_read_timeout(Some(patience(PATIENCE)))?;
    for size in args.rest() {
        let mut packet = vec![0; size.parse()?];
        packet[0] = request;
        let sent = sys::sendto(socket.as_fd(), &packet, SocketAddr::new(host, 0), 0)?;
        let (got, _) = sys::recvfrom(socket.as_fd(), &mut [0; 4_000], 0)?;
        ensure!(got == sent, "sent {sent}, {got} came back");
        actor.sent(sent);
        actor.received(got);
    }
    Ok(())
}

/// IEEE 802's number for local experiments.
const ETHERTYPE: u16 = 0x88b5;

fn frames(device: &str) -> Result<(Socket, SockAddr)> {
    let protocol = Protocol::from(i32::from(ETHERTYPE.to_be()));
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol)).context("a packet socket")?;
    socket.set_read_timeout(Some(patience(PATIENCE)))?;
    let index = nix::net::if_::if_nametoindex(device)?;
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: sockaddr_ll is a plain C struct for which all zeros, and these values, are valid, and fits the storage.
    let address = unsafe {
        let link = storage.view_as::<libc::sockaddr_ll>();
        link.sll_family = libc::AF_PACKET as u16;
        link.sll_protocol = ETHERTYPE.to_be();
        link.sll_ifindex = i32::try_from(index)?;
        SockAddr::new(storage, size_of::<libc::sockaddr_ll>() as u32)
    };
    socket.bind(&address)?;
    Ok((socket, address))
}

/// `device count`: takes frames.
fn frame_take(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let (socket, _) = frames(&args.next::<String>("device")?)?;
    actor.announce("ready")?;
    for _ in 0..args.next::<usize>("count")? {
        let got = sys::recv(socket.as_fd(), &mut [0; 4_000], 0)?;
        actor.count().packet_rx += got as u64;
    }
    Ok(())
}

/// `device size…`: sends frames of so many bytes, Ethernet header included, to everybody.
fn frame_send(actor: &mut Actor, args: &mut Args) -> Result<()> {
    let (socket, _) = frames(&args.next::<String>("device")?)?;
    for size in args.rest() {
        let mut frame = vec![0xff; size.parse()?];
        frame[12..14].copy_from_slice(&ETHERTYPE.to_be_bytes());
        let sent = sys::send(socket.as_fd(), &frame, 0)?;
        ensure!(sent == frame.len(), "a frame was cut");
        actor.count().packet_tx += sent as u64;
    }
    Ok(())
}
