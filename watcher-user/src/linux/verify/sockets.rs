//! The TCP sockets of the calling thread's network namespace with their counters, by sock_diag(7).

use std::{collections::HashMap, io};

use macos_pcap::netlink;
use netlink_packet_core::{Nla as _, Parseable as _};
use netlink_packet_sock_diag::{
    SockDiagMessage,
    constants::{AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP},
    inet::{ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags, nlas::Nla},
};
use netlink_sys::{Socket, protocols::NETLINK_SOCK_DIAG};
use watcher_core::verify::Diag;

/// INET_DIAG_ULP_INFO (include/uapi/linux/inet_diag.h).
const ULP_INFO: u16 = 19;

/// Those with a connection by cookie, and the memory of datagrams that wait.
pub fn list() -> io::Result<(HashMap<u64, Diag>, u64)> {
    let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.bind_auto()?;
    // Each part of a list is written when the one before it is taken: nothing is waited for.
    socket.set_non_blocking(true)?;
    let (mut found, mut queued, mut sequence) = (HashMap::new(), 0, 0);
    for (protocol, family) in
        [(IPPROTO_TCP, AF_INET), (IPPROTO_TCP, AF_INET6), (IPPROTO_UDP, AF_INET), (IPPROTO_UDP, AF_INET6)]
    {
        sequence += 1;
        let listed = dump(&socket, sequence, (protocol, family), |response| {
            if protocol == IPPROTO_UDP {
                queued += u64::from(response.header.recv_queue);
            } else {
                found.insert(u64::from_ne_bytes(response.header.socket_id.cookie), diag(&response));
            }
        });
        match listed {
            // A kernel without IPv6, or without the module that lists UDP.
            Err(_) if family == AF_INET6 || protocol == IPPROTO_UDP => {}
            other => other?,
        }
    }
    Ok((found, queued))
}

fn dump(socket: &Socket, sequence: u32, kind: (u8, u8), mut take: impl FnMut(InetResponse)) -> io::Result<()> {
    let (protocol, family) = kind;
    let request = InetRequest {
        family,
        protocol,
        extensions: ExtensionFlags::INFO,
        states: StateFlags::all() - StateFlags::TIME_WAIT - StateFlags::SYN_RECV - StateFlags::LISTEN,
        socket_id: if family == AF_INET { SocketId::new_v4() } else { SocketId::new_v6() },
    };
    socket.send(&netlink::request(sequence, SockDiagMessage::InetRequest(request)), 0)?;
    let mut buffer = Vec::with_capacity(netlink::BUFFER);
    loop {
        netlink::receive(socket, &mut buffer)?;
        let mut rest = buffer.as_slice();
        while !rest.is_empty() {
            let (message, after) = netlink::next(rest).map_err(io::Error::other)?;
            rest = after;
            // What an error left unread has another number.
            if message.sequence_number() != sequence {
                continue;
            }
            match message.message_type() {
                netlink::DONE => return netlink::done(message.payload()),
                netlink::ERROR => return Err(netlink::refusal(message.payload())),
                _ => take(InetResponse::parse(message.payload()).map_err(io::Error::other)?),
            }
        }
    }
}

fn diag(response: &InetResponse) -> Diag {
    let InetResponse { header, nlas } = response;
    let mut diag = Diag {
        state: header.state,
        inode: header.inode.into(),
        unread: header.recv_queue,
        unacked: header.send_queue,
        ..Diag::default()
    };
    for nla in nlas {
        match nla {
            Nla::TcpInfo(info) => counters(info, &mut diag),
            Nla::Other(other) if other.kind() == ULP_INFO => diag.has_ulp = true,
            _ => {}
        }
    }
    diag
}

/// `struct tcp_info` (include/uapi/linux/tcp.h): it only ever grew, at its end.
fn counters(info: &[u8], diag: &mut Diag) {
    let word = |at: usize| info.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes);
    diag.bytes_acked = word(120);
    diag.bytes_received = word(128);
    diag.bytes_sent = word(200);
    diag.bytes_retrans = word(208);
    diag.unsent = info.get(144..148).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_ne_bytes);
}
