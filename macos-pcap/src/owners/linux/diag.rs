//! The sockets of a network namespace by sock_diag(7).

use std::io;
use std::net::SocketAddr;

use netlink_packet_core::Parseable as _;
use netlink_packet_sock_diag::{
    SockDiagMessage,
    constants::{AF_INET, IPPROTO_TCP},
    inet::{ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags, nlas::Nla},
};
use watcher_core::Protocol;

use super::{
    Namespace,
    socket::{OPEN, Socket},
};
use crate::netlink;

/// Asks the kernel.
#[derive(Debug)]
pub(super) struct Diag {
    socket: netlink_sys::Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Diag {
    pub fn open(namespace: Namespace) -> io::Result<Self> {
        let mut socket = namespace.socket()?;
        socket.bind_auto()?;
        // Each part of a list is written when the one before it is taken: nothing is waited for.
        socket.set_non_blocking(true)?;
        Ok(Self { socket, sequence: 0, buffer: Vec::with_capacity(netlink::BUFFER) })
    }

    /// The sockets of a protocol and a family, by their numbers.
    pub fn list(&mut self, number: u8, family: u8) -> io::Result<Vec<Socket>> {
        let mut sockets = Vec::new();
        self.dump(number, family, &mut sockets).map(|()| sockets)
    }

    fn dump(&mut self, number: u8, family: u8, sockets: &mut Vec<Socket>) -> io::Result<()> {
        self.ask(number, family)?;
        loop {
            netlink::receive(&self.socket, &mut self.buffer)?;
            let mut rest = self.buffer.as_slice();
            while !rest.is_empty() {
                let (message, after) = netlink::next(rest).map_err(io::Error::other)?;
                rest = after;
                // What an error left unread has another number.
                if message.sequence_number() != self.sequence {
                    continue;
                }
                match message.message_type() {
                    netlink::DONE => return netlink::done(message.payload()),
                    netlink::ERROR => return Err(netlink::refusal(message.payload())),
                    _ => sockets.extend(parse(number, message.payload())?),
                }
            }
        }
    }

    fn ask(&mut self, number: u8, family: u8) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let request = InetRequest {
            family,
            protocol: number,
            extensions: ExtensionFlags::empty(),
            // Nobody holds a connection in TIME_WAIT, and there may be very many.
            states: StateFlags::all() - StateFlags::TIME_WAIT - StateFlags::SYN_RECV,
            socket_id: if family == AF_INET { SocketId::new_v4() } else { SocketId::new_v6() },
        };
        let what = SockDiagMessage::InetRequest(request);
        self.socket.send(&netlink::request(self.sequence, what), 0).map(drop)
    }
}

fn parse(number: u8, payload: &[u8]) -> io::Result<Option<Socket>> {
    let InetResponse { header, nlas } = InetResponse::parse(payload).map_err(io::Error::other)?;
    let SocketId { source_port, destination_port, source_address, destination_address, .. } = header.socket_id;
    let (local, remote) =
        (SocketAddr::new(source_address, source_port), SocketAddr::new(destination_address, destination_port));
    let is_connected = destination_port != 0 || !destination_address.is_unspecified();
    let socket = Socket {
        protocol: Protocol::Udp,
        local,
        remote: is_connected.then_some(remote),
        is_v6_only: nlas.iter().any(|nla| matches!(nla, Nla::SkV6Only(true))),
        inode: header.inode.into(),
        is_waiting: false,
    };
    if number != IPPROTO_TCP {
        return Ok(Some(socket));
    }
    // One without a port was made and no more.
    let is_waiting = socket.inode == 0 && OPEN.contains(&header.state);
    Ok((local.port() != 0).then_some(Socket { protocol: Protocol::Tcp, is_waiting, ..socket }))
}
