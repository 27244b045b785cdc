//! What proc_info(2) and sysctl(3) wrote, as pure functions over bytes: every platform tests them.

use std::mem::{offset_of, size_of};
use std::net::{IpAddr, SocketAddr};

use watcher_core::Protocol;

use super::layout::{BsdInfo, COMM, FdInfo, InSockInfo, SocketFdInfo, SocketInfo, TcpSockInfo};
use crate::owners::Listed;
use crate::{
    bytes::{be16, le32},
    flows::Owner,
};

/// `PROX_FDTYPE_SOCKET`.
const SOCKET: u32 = 2;
/// `SOCKINFO_IN`: UDP, ICMP and raw ones.
const IN: u32 = 1;
/// `SOCKINFO_TCP`.
const TCP: u32 = 2;
/// `TSI_S_TIME_WAIT`.
const TIME_WAIT: u32 = 10;
/// `INI_IPV4` and `INI_IPV6`.
const IPV4: u8 = 1;
const IPV6: u8 = 2;
/// `AF_INET6` of macOS.
const AF_INET6: u32 = 30;
/// netinet/in.h
const IPPROTO_ICMP: u32 = 1;
const IPPROTO_UDP: u32 = 17;
const IPPROTO_ICMPV6: u32 = 58;
/// A command line is kept up to this many bytes.
const COMMAND: usize = 4_096;

/// What is known of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Of its parent.
    pub parent: u32,
    /// Effective user id.
    pub uid: u32,
    /// `p_name` (31 bytes), else `p_comm` (16).
    pub name: String,
    /// Microseconds since 1970.
    pub started: u64,
}

/// The descriptors that are sockets, of what `PROC_PIDLISTFDS` wrote.
pub fn sockets(list: &[u8]) -> impl Iterator<Item = i32> {
    let is_socket = |entry: &&[u8]| le32(entry, offset_of!(FdInfo, fdtype)) == Some(SOCKET);
    let fd = |entry: &[u8]| Some(le32(entry, offset_of!(FdInfo, fd))?.cast_signed());
    list.chunks_exact(size_of::<FdInfo>()).filter(is_socket).filter_map(fd)
}

/// A socket that may own packets, of the `struct socket_fdinfo` that `PROC_PIDFDSOCKETINFO` wrote.
#[must_use]
pub fn socket(info: &[u8], owner: Owner) -> Option<Listed> {
    let info = info.get(..size_of::<SocketFdInfo>())?.get(offset_of!(SocketFdInfo, psi)..)?;
    let word = |at| le32(info, at);
    let proto = info.get(offset_of!(SocketInfo, proto)..)?;
    let protocol = match (word(offset_of!(SocketInfo, kind))?, word(offset_of!(SocketInfo, protocol))?) {
        (TCP, _) if le32(proto, offset_of!(TcpSockInfo, state))? == TIME_WAIT => return None,
        (TCP, _) => Protocol::Tcp,
        (IN, IPPROTO_UDP) => Protocol::Udp,
        (IN, IPPROTO_ICMP | IPPROTO_ICMPV6) => Protocol::Icmp,
        (IN, number) => Protocol::Raw(u8::try_from(number).ok()?),
        _ => return None,
    };
    // A socket of IPv6 with an IPv4 peer has but the flag of IPv4; one that takes both has both.
    let vflag = *proto.get(offset_of!(InSockInfo, vflag))?;
    let is_v6 = word(offset_of!(SocketInfo, family))? == AF_INET6 && vflag & IPV6 != 0;
    let has_port = matches!(protocol, Protocol::Tcp | Protocol::Udp);
    let end = |address, port| {
        let ip = ip(proto.get(address..address + 16)?, is_v6)?;
        Some(SocketAddr::new(ip, if has_port { be16(proto, port)? } else { 0 }))
    };
    let local = end(offset_of!(InSockInfo, laddr), offset_of!(InSockInfo, lport))?;
    let remote = end(offset_of!(InSockInfo, faddr), offset_of!(InSockInfo, fport))?;
    // One without a port was made and no more.
    let is_made = !has_port || local.port() != 0;
    let is_v6_only = is_v6 && vflag & IPV4 == 0;
    let remote = (!remote.ip().is_unspecified()).then_some(remote);
    is_made.then_some(Listed { protocol, local, remote, is_v6_only, owner })
}

fn ip(address: &[u8], is_v6: bool) -> Option<IpAddr> {
    let six: [u8; 16] = *address.first_chunk()?;
    let four: [u8; 4] = *address.last_chunk()?;
    Some(if is_v6 { six.into() } else { four.into() })
}

/// The `struct proc_bsdinfo` that `PROC_PIDTBSDINFO` wrote.
#[must_use]
pub fn process(info: &[u8]) -> Option<Process> {
    let info = info.get(..size_of::<BsdInfo>())?;
    let word = |at| le32(info, at);
    let long = |at| Some(u64::from(word(at)?) | u64::from(word(at + 4)?) << 32);
    let comm = text(info.get(offset_of!(BsdInfo, comm)..)?.get(..COMM)?);
    let name = text(info.get(offset_of!(BsdInfo, name)..)?.get(..2 * COMM)?);
    let (seconds, micros) = (long(offset_of!(BsdInfo, start_tvsec))?, long(offset_of!(BsdInfo, start_tvusec))?);
    Some(Process {
        pid: word(offset_of!(BsdInfo, pid))?,
        parent: word(offset_of!(BsdInfo, ppid))?,
        uid: word(offset_of!(BsdInfo, uid))?,
        name: if name.is_empty() { comm } else { name },
        started: seconds.saturating_mul(1_000_000).saturating_add(micros),
    })
}

/// The arguments, joined, of what `KERN_PROCARGS2` wrote: their number, the path, NULs, then each with its NUL
/// (`sysctl_procargsx`, bsd/kern/kern_sysctl.c). Variables of the environment come after them and are left alone.
#[must_use]
pub fn command(arguments: &[u8]) -> Option<String> {
    let count = le32(arguments, 0)? as usize;
    let rest = arguments.get(4..)?;
    let path = rest.iter().position(|byte| *byte == 0)?;
    let begin = path + rest[path..].iter().position(|byte| *byte != 0)?;
    let words = rest[begin..].split(|byte| *byte == 0).take(count).map(String::from_utf8_lossy);
    let mut command = String::new();
    for word in words {
        if !command.is_empty() {
            command.push(' ');
        }
        command.push_str(&word);
        if command.len() > COMMAND {
            command.truncate(command.floor_char_boundary(COMMAND));
            break;
        }
    }
    Some(command)
}

fn text(field: &[u8]) -> String {
    let text = field.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}
