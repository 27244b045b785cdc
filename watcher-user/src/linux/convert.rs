//! The edge: ABI structs become model types here and nowhere else.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use watcher_common::{FlowCounters, FlowKey, SocketRecord, claim, flag};
use watcher_core::{
    BootTime, CloseReason, Counters, Direction, FlowId, FlowSample, FlowState, KernelCounters, ProcessId, Protocol,
    Scope, SocketId, SocketInfo, TcpState,
};

use super::ticks::Clock;

const AF_INET6: u16 = 10;
const AF_PACKET: u16 = 17;
const IPPROTO_ICMP: u16 = 1;
const IPPROTO_TCP: u16 = 6;
const IPPROTO_UDP: u16 = 17;
const IPPROTO_ICMPV6: u16 = 58;
const IPPROTO_SCTP: u16 = 132;
const IPPROTO_UDPLITE: u16 = 136;
const IPPROTO_MPTCP: u16 = 262;

/// What must be known of the host to tell its own addresses.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// Addresses of its interfaces.
    pub addresses: HashSet<IpAddr>,
    /// The network namespace those are in.
    pub netns: u32,
}

/// `None` for 0: not seen.
fn time(nanos: u64) -> Option<BootTime> {
    (nanos != 0).then_some(BootTime(nanos))
}

/// IPv4-mapped becomes IPv4.
pub fn address(bytes: [u8; 16], port: u16, family: u16) -> SocketAddr {
    let ip = IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical();
    let ip = if ip.is_unspecified() && family != AF_INET6 { IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED) } else { ip };
    SocketAddr::new(ip, port)
}

fn protocol(family: u16, protocol: u16, flags: u32) -> Protocol {
    if flags & flag::OVERFLOW != 0 {
        return Protocol::Other(0);
    }
    if family == AF_PACKET {
        return Protocol::Packet;
    }
    match protocol {
        IPPROTO_TCP => Protocol::Tcp,
        IPPROTO_MPTCP => Protocol::Mptcp,
        IPPROTO_ICMP | IPPROTO_ICMPV6 => Protocol::Icmp,
        number if flags & flag::RAW != 0 => Protocol::Raw(number as u8),
        IPPROTO_UDP | IPPROTO_UDPLITE => Protocol::Udp,
        IPPROTO_SCTP => Protocol::Sctp,
        other => Protocol::Other(other),
    }
}

fn direction(flags: u32) -> Direction {
    if flags & flag::OUTGOING != 0 {
        Direction::Outgoing
    } else if flags & flag::INCOMING != 0 {
        Direction::Incoming
    } else {
        Direction::Unknown
    }
}

fn tcp_state(state: u8) -> TcpState {
    match state {
        1 => TcpState::Established,
        2 => TcpState::SynSent,
        // TCP_NEW_SYN_RECV (12) is the same to a reader.
        3 | 12 => TcpState::SynRecv,
        4 => TcpState::FinWait1,
        5 => TcpState::FinWait2,
        6 => TcpState::TimeWait,
        8 => TcpState::CloseWait,
        9 => TcpState::LastAck,
        10 => TcpState::Listen,
        11 => TcpState::Closing,
        _ => TcpState::Close,
    }
}

/// Where close() takes a connection (`new_state`, net/ipv4/tcp.c): the record was handed over right before.
fn released(state: TcpState) -> TcpState {
    match state {
        TcpState::Established | TcpState::SynRecv => TcpState::FinWait1,
        TcpState::CloseWait => TcpState::LastAck,
        other => other,
    }
}

/// Why a connection ended, from the state it left, the socket's error and the resets that were seen.
fn reason(record: &SocketRecord) -> CloseReason {
    if record.protocol != IPPROTO_TCP && record.protocol != IPPROTO_MPTCP {
        return CloseReason::Released;
    }
    let error = record.error.cast_signed();
    let unreachable =
        matches!(error, libc::EHOSTUNREACH | libc::ENETUNREACH | libc::ENETDOWN | libc::EHOSTDOWN | libc::EACCES);
    match error {
        libc::ECONNREFUSED => CloseReason::Refused,
        libc::ETIMEDOUT => CloseReason::TimedOut,
        _ if record.flags & flag::RESET_RECEIVED != 0 => CloseReason::ResetByPeer,
        _ if unreachable => CloseReason::Unreachable,
        _ if record.flags & flag::DISCONNECTED != 0 => CloseReason::Disconnected,
        _ if record.flags & flag::RESET_SENT != 0 => CloseReason::ResetLocally,
        libc::ECONNRESET | libc::EPIPE => CloseReason::ResetByPeer,
        libc::ECONNABORTED => CloseReason::ResetLocally,
        0 => match tcp_state(record.last_state) {
            TcpState::SynSent | TcpState::SynRecv | TcpState::Established => CloseReason::Disconnected,
            _ => CloseReason::Fin,
        },
        other => CloseReason::Error(other as u16),
    }
}

/// Whether the last word on this socket has been spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Read while it lives.
    Live,
    /// From the ring buffer or the waiting map.
    Final,
}

/// Where a socket is in its life.
pub fn state(record: &SocketRecord, stage: Stage) -> FlowState {
    match (stage, record.protocol) {
        (Stage::Final, _) => FlowState::Closed { reason: reason(record), at: BootTime(record.closed) },
        (Stage::Live, IPPROTO_TCP | IPPROTO_MPTCP) if record.flags & flag::RELEASED != 0 => {
            FlowState::Tcp(released(tcp_state(record.state)))
        }
        (Stage::Live, IPPROTO_TCP | IPPROTO_MPTCP) => FlowState::Tcp(tcp_state(record.state)),
        (Stage::Live, _) => FlowState::Open,
    }
}

/// `None` where the equations do not apply: the kernel reads the socket itself (kTLS), or the socket is older than the
/// counting, and whether a call was on its way when its counters were taken as the baseline cannot be known.
fn kernel_counters(record: &SocketRecord, seeded: bool) -> Option<KernelCounters> {
    if seeded || record.flags & flag::TCP == 0 || record.flags & flag::ULP != 0 {
        return None;
    }
    let k = &record.kernel;
    Some(KernelCounters {
        bytes_sent: k.bytes_sent,
        bytes_retrans: k.bytes_retrans,
        bytes_received: k.bytes_received,
        srtt_us: k.srtt_us,
        segs_in: k.segs_in,
        segs_out: k.segs_out,
        unsent_bytes: u64::from(k.unsent),
        unread_bytes: u64::from(k.unread),
        expected_tx: k.accepted.wrapping_sub(record.base_accepted),
        // An urgent byte that was read by itself and never passed is out of the queue for its reader, though not for
        // the kernel.
        expected_rx: if record.consumed == k.consumed + 1 { record.consumed } else { k.consumed }
            .wrapping_sub(record.base_consumed),
        counted_tx: record.tx_bytes + record.other_tx_bytes,
        counted_rx: record.rx_bytes + record.other_rx_bytes,
    })
}

/// Turns records into samples; holds what that needs to know.
#[derive(Debug, Default)]
pub struct Converter {
    /// The host.
    pub host: Host,
    /// Ticks.
    pub clock: Clock,
    /// When the last program was attached. Programs that tell of connections come before those that count: what was opened
    /// between them was there before.
    pub complete_since: BootTime,
}

impl Converter {
    /// A socket's own counters. `None` where there is nothing to tell: sockets of the kernel that moved nothing (MPTCP
    /// subflows among them), and datagram sockets whose every byte is in the flow map.
    #[must_use]
    pub fn socket(&self, record: &SocketRecord, stage: Stage) -> Option<FlowSample> {
        let moved = record.tx_bytes + record.rx_bytes + record.other_tx_bytes + record.other_rx_bytes;
        let own = record.tx_bytes + record.rx_bytes;
        let connection = record.protocol == IPPROTO_TCP || record.protocol == IPPROTO_MPTCP;
        if (record.flags & flag::KERNEL != 0 && moved == 0) || (!connection && own == 0) {
            return None;
        }
        let owner = ProcessId { tgid: record.owner_tgid, start: BootTime(record.owner_start) };
        let seeded = record.flags & flag::SEEDED != 0 || (1..self.complete_since.0).contains(&record.opened);
        let socket = SocketInfo {
            protocol: protocol(record.family, record.protocol, record.flags),
            local: address(record.local, record.local_port, record.family),
            remote: (record.flags & flag::REMOTE != 0 || record.claim == claim::REMOTE)
                .then(|| address(record.remote, record.remote_port, record.family)),
            direction: direction(record.flags),
            netns: record.netns,
            seeded,
            owner,
            opened: time(record.opened),
            established: time(record.established),
        };
        Some(FlowSample {
            id: FlowId {
                socket: SocketId { cookie: record.cookie, epoch: record.epoch },
                process: owner,
                remote: None,
            },
            scope: self.scope(&socket, None),
            counters: Counters {
                tx_bytes: record.tx_bytes,
                rx_bytes: record.rx_bytes,
                tx_calls: record.tx_calls,
                rx_calls: record.rx_calls,
                first: time(record.first),
                last: self.last(record.first, record.last_jiffies, record.closed),
            },
            state: state(record, stage),
            kernel: (stage == Stage::Final).then(|| kernel_counters(record, seeded)).flatten(),
            wire: None,
            socket,
        })
    }

    /// An entry of the flow map. `ended` is how its socket ended, if it did.
    #[must_use]
    pub fn flow(&self, key: &FlowKey, value: &FlowCounters, ended: Option<FlowState>) -> FlowSample {
        let process = ProcessId { tgid: key.tgid, start: BootTime(key.start) };
        let owner = if value.owner_tgid == 0 && value.owner_start == 0 && value.flags & flag::KERNEL == 0 {
            process
        } else {
            ProcessId { tgid: value.owner_tgid, start: BootTime(value.owner_start) }
        };
        let own_remote = key.remote != [0; 16] || key.remote_port != 0;
        let socket = SocketInfo {
            protocol: protocol(value.family, value.protocol, value.flags),
            local: address(value.local, value.local_port, value.family),
            remote: (value.flags & flag::REMOTE != 0).then(|| address(value.remote, value.remote_port, value.family)),
            direction: direction(value.flags),
            netns: value.netns,
            seeded: value.flags & flag::SEEDED != 0,
            owner,
            opened: None,
            established: None,
        };
        let remote = own_remote.then(|| address(key.remote, key.remote_port, value.family));
        FlowSample {
            id: FlowId { socket: SocketId { cookie: key.cookie, epoch: key.epoch }, process, remote },
            scope: self.scope(&socket, remote),
            counters: Counters {
                tx_bytes: value.tx_bytes,
                rx_bytes: value.rx_bytes,
                tx_calls: value.tx_calls,
                rx_calls: value.rx_calls,
                first: time(value.first),
                last: self.last(value.first, value.last_jiffies, 0),
            },
            state: ended.unwrap_or(match socket.protocol {
                Protocol::Tcp | Protocol::Mptcp => FlowState::Tcp(TcpState::Established),
                _ => FlowState::Open,
            }),
            kernel: None,
            wire: None,
            socket,
        }
    }

    /// A tick is coarse: never before the first byte, never after the end.
    fn last(&self, first: u64, last_jiffies: u64, closed: u64) -> Option<BootTime> {
        let last = self.clock.time(last_jiffies)?.max(BootTime(first));
        Some(if closed == 0 { last } else { last.min(BootTime(closed.max(first))) })
    }

    fn scope(&self, socket: &SocketInfo, remote: Option<SocketAddr>) -> Scope {
        if socket.protocol == Protocol::Packet {
            return Scope::Packet;
        }
        let own = |address: SocketAddr| {
            socket.netns == self.host.netns && self.host.addresses.contains(&address.ip().to_canonical())
        };
        if socket.is_loopback(remote) || remote.or(socket.remote).is_some_and(own) {
            Scope::Loopback
        } else {
            Scope::Network
        }
    }
}
