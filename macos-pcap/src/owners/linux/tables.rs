//! Sockets by /proc/net: raw ones, which not every kernel lists by sock_diag, ping sockets (icmp(7)), which none does, and TCP and
//! UDP where the kernel lists none so (CONFIG_INET_DIAG, or its modules, may be missing).

use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use netlink_packet_sock_diag::constants::{AF_INET, IPPROTO_TCP, IPPROTO_UDP};
use watcher_core::Protocol;

use super::socket::{OPEN, Socket};

/// What the lines of a file are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The port is the protocol (inet_create, net/ipv4/af_inet.c).
    Raw,
    /// The port is an identifier.
    Ping,
    Tcp,
    Udp,
}

/// Beside what sock_diag has.
const OTHERS: [(&str, Kind); 4] =
    [("raw", Kind::Raw), ("raw6", Kind::Raw), ("icmp", Kind::Ping), ("icmp6", Kind::Ping)];
/// include/net/tcp_states.h: nobody holds such a connection.
const TIME_WAIT: u8 = 6;
const SYN_RECV: [u8; 2] = [3, 12];

/// A file of more than this is cut: some 100,000 sockets.
const MOST: u64 = 16 << 20;

/// Raw and ping sockets of the namespace of `proc`, a process's folder; none where the files are missing.
pub(super) fn others(proc: &Path) -> Vec<Socket> {
    OTHERS.into_iter().filter_map(|(name, kind)| list(proc, name, kind).ok()).flatten().collect()
}

/// What sock_diag does not list: sockets of a protocol and a family by their numbers.
pub(super) fn instead(proc: &Path, number: u8, family: u8) -> io::Result<Vec<Socket>> {
    let (name, kind) = match (number, family) {
        (IPPROTO_TCP, AF_INET) => ("tcp", Kind::Tcp),
        (IPPROTO_TCP, _) => ("tcp6", Kind::Tcp),
        (IPPROTO_UDP, AF_INET) => ("udp", Kind::Udp),
        (IPPROTO_UDP, _) => ("udp6", Kind::Udp),
        (_, AF_INET) => ("udplite", Kind::Udp),
        _ => ("udplite6", Kind::Udp),
    };
    list(proc, name, kind)
}

fn list(proc: &Path, name: &str, kind: Kind) -> io::Result<Vec<Socket>> {
    let mut text = String::new();
    std::fs::File::open(proc.join("net").join(name))?.take(MOST).read_to_string(&mut text)?;
    Ok(text.lines().skip(1).filter_map(|line| parse(line, kind)).collect())
}

/// `  1: 00000000:0005 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000  0 31337 2 …`: ping_v4_format_sock,
/// net/ipv4/ping.c, and get_tcp4_sock, net/ipv4/tcp_ipv4.c. Addresses are 32-bit words as the machine has them.
fn parse(line: &str, kind: Kind) -> Option<Socket> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let ((local, port), (remote, to)) = (address(words.next()?)?, address(words.next()?)?);
    let state = u8::from_str_radix(words.next()?, 16).ok()?;
    let inode = words.nth(5)?.parse().ok()?;
    let has_ports = matches!(kind, Kind::Tcp | Kind::Udp);
    let is_connected = !remote.is_unspecified() || (has_ports && to != 0);
    let with_port = |address, port| SocketAddr::new(address, if has_ports { port } else { 0 });
    let socket = Socket {
        protocol: match kind {
            Kind::Raw => of_number(port),
            Kind::Ping => Protocol::Icmp,
            Kind::Tcp => Protocol::Tcp,
            Kind::Udp => Protocol::Udp,
        },
        local: with_port(local, port),
        remote: is_connected.then(|| with_port(remote, to)),
        // It is not told here.
        is_v6_only: false,
        inode,
        is_waiting: kind == Kind::Tcp && inode == 0 && OPEN.contains(&state),
    };
    let is_held = kind != Kind::Tcp || (state != TIME_WAIT && !SYN_RECV.contains(&state));
    is_held.then_some(socket)
}

/// One for both versions of ICMP.
fn of_number(number: u16) -> Protocol {
    match i32::from(number) {
        libc::IPPROTO_ICMP | libc::IPPROTO_ICMPV6 => Protocol::Icmp,
        _ => Protocol::Raw(u8::try_from(number).unwrap_or(u8::MAX)),
    }
}

fn address(word: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = word.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = [0; 16];
    let word = |at: usize| Some(u32::from_str_radix(address.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match address.len() {
        8 => Some((word(0)?.into(), port)),
        32 => {
            for at in 0..4 {
                bytes[4 * at..4 * at + 4].copy_from_slice(&word(8 * at)?);
            }
            Some((bytes.into(), port))
        }
        _ => None,
    }
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_the_kernel_writes_it() {
        let line =
            "  123: 0100007F:0005 0100A8C0:0000 01 00000000:00000000 00:00000000 00000000  1000        0 31337 2 0";
        let socket = parse(line, Kind::Ping).unwrap();
        assert_eq!(socket.local, "127.0.0.1:0".parse().unwrap());
        assert_eq!(socket.remote, Some("192.168.0.1:0".parse().unwrap()));
        assert_eq!(socket.inode, 31_337);
        let six = "    1: 00000000000000000000000001000000:0005 00000000000000000000000000000000:0000 07 0:0 00:0 0 0 0 7 2 0";
        let socket = parse(six, Kind::Ping).unwrap();
        assert_eq!((socket.local.ip(), socket.remote, socket.inode), ("::1".parse().unwrap(), None, 7));
        let raw = |port: &str| {
            parse(&format!("  1: 00000000:{port} 00000000:0000 07 0:0 00:0 0 0 0 7 2 0"), Kind::Raw).unwrap().protocol
        };
        assert_eq!((raw("0001"), raw("003A"), raw("0059")), (Protocol::Icmp, Protocol::Icmp, Protocol::Raw(89)));
        let tcp =
            |state: &str| parse(&format!("  1: 0100007F:0050 0200007F:01BB {state} 0:0 00:0 0 0 0 0 2 0"), Kind::Tcp);
        let waiting = tcp("01").unwrap();
        assert_eq!((waiting.protocol, waiting.is_waiting), (Protocol::Tcp, true));
        assert_eq!((waiting.local, waiting.remote), ("127.0.0.1:80".parse().unwrap(), "127.0.0.2:443".parse().ok()));
        assert_eq!((tcp("04").map(|socket| socket.is_waiting), tcp("06"), tcp("03")), (Some(false), None, None));
        for nonsense in ["", "1:", "1: é0000000:0 00000000:0 1 2 3 4 5 6 7", "1: 0:0 0:0"] {
            assert_eq!(parse(nonsense, Kind::Ping), None);
        }
    }
}
