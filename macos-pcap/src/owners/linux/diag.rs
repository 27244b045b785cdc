//! The TCP and UDP sockets of a network namespace, of both families, by sock_diag(7).
//!
//! SCTP is left out: the kernel would load its module to say that there is none.

use std::io;
use std::net::SocketAddr;

use netlink_packet_core::Parseable as _;
use netlink_packet_sock_diag::{
    SockDiagMessage,
    constants::{AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE},
    inet::{ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags, nlas::Nla},
};
use watcher_core::Protocol;

use super::{Error, Namespace, socket::Socket};
use crate::netlink;

/// linux/net/tcp_states.h: TCP_ESTABLISHED and TCP_CLOSE_WAIT.
const OPEN: [u8; 2] = [1, 8];
/// What is listed, and how errors call it.
const KINDS: [(u8, &str); 3] = [(IPPROTO_TCP, "TCP"), (IPPROTO_UDP, "UDP"), (IPPROTO_UDPLITE, "UDP-Lite")];

/// Asks the kernel.
#[derive(Debug)]
pub(super) struct Diag {
    socket: netlink_sys::Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Diag {
    pub fn open(namespace: Namespace) -> Result<Self, Error> {
        let mut socket = namespace.socket().map_err(Error::Open)?;
        socket.bind_auto().map_err(Error::Open)?;
        // Each part of a list is written when the one before it is taken: nothing is waited for.
        socket.set_non_blocking(true).map_err(Error::Open)?;
        Ok(Self { socket, sequence: 0, buffer: Vec::with_capacity(netlink::BUFFER) })
    }

    /// All sockets; a kind that the kernel does not know has none. TCP and UDP it must know.
    pub fn list(&mut self) -> Result<Vec<Socket>, Error> {
        let mut sockets = Vec::new();
        for (number, what) in KINDS {
            for family in [AF_INET, AF_INET6] {
                match self.dump(number, family, &mut sockets) {
                    Ok(()) => {}
                    // A kernel without IPv6, or without the module that lists this kind.
                    Err(_) if family == AF_INET6 || number == IPPROTO_UDPLITE => {}
                    Err(source) => return Err(Error::List { what, source }),
                }
            }
        }
        Ok(sockets)
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
