//! Raw sockets, which not every kernel lists by sock_diag, and ping sockets (icmp(7)), which none does: from /proc/net.

use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use watcher_core::Protocol;

use super::socket::Socket;

/// The files, and whether the port is an identifier; of a raw socket it is the protocol (inet_create, net/ipv4/af_inet.c).
const FILES: [(&str, bool); 4] = [("raw", false), ("raw6", false), ("icmp", true), ("icmp6", true)];

/// A file of more than this is cut: some 100,000 sockets.
const MOST: u64 = 16 << 20;

/// Those of the namespace of `proc`, a process's folder; none where the files are missing.
pub(super) fn list(proc: &Path) -> Vec<Socket> {
    let read = |name: &str| -> io::Result<String> {
        let mut text = String::new();
        std::fs::File::open(proc.join("net").join(name))?.take(MOST).read_to_string(&mut text)?;
        Ok(text)
    };
    let mut sockets = Vec::new();
    for (name, is_ping) in FILES {
        let text = read(name).unwrap_or_default();
        sockets.extend(text.lines().skip(1).filter_map(|line| parse(line, is_ping)));
    }
    sockets
}

/// `  1: 00000000:0005 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000  0 31337 2 …`: ping_v4_format_sock,
/// net/ipv4/ping.c. Addresses are 32-bit words as the machine has them.
fn parse(line: &str, is_ping: bool) -> Option<Socket> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let ((local, port), (remote, _)) = (address(words.next()?)?, address(words.next()?)?);
    let inode = words.nth(6)?.parse().ok()?;
    Some(Socket {
        protocol: if is_ping { Protocol::Icmp } else { of_number(port) },
        local: SocketAddr::new(local, 0),
        remote: (!remote.is_unspecified()).then_some(SocketAddr::new(remote, 0)),
        is_v6_only: false,
        inode,
        is_waiting: false,
    })
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
        let socket = parse(line, true).unwrap();
        assert_eq!(socket.local, "127.0.0.1:0".parse().unwrap());
        assert_eq!(socket.remote, Some("192.168.0.1:0".parse().unwrap()));
        assert_eq!(socket.inode, 31_337);
        let six = "    1: 00000000000000000000000001000000:0005 00000000000000000000000000000000:0000 07 0:0 00:0 0 0 0 7 2 0";
        let socket = parse(six, true).unwrap();
        assert_eq!((socket.local.ip(), socket.remote, socket.inode), ("::1".parse().unwrap(), None, 7));
        let raw = |port: &str| {
            parse(&format!("  1: 00000000:{port} 00000000:0000 07 0:0 00:0 0 0 0 7 2 0"), false).unwrap().protocol
        };
        assert_eq!((raw("0001"), raw("003A"), raw("0059")), (Protocol::Icmp, Protocol::Icmp, Protocol::Raw(89)));
        for nonsense in ["", "1:", "1: é0000000:0 00000000:0 1 2 3 4 5 6 7", "1: 0:0 0:0"] {
            assert_eq!(parse(nonsense, true), None);
        }
    }
}
