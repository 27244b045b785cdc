//! Ping sockets (icmp(7)), which sock_diag does not list: /proc/net/icmp and icmp6.

use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use watcher_core::Protocol;

use super::socket::Socket;

/// A file of more than this is cut: some 100,000 sockets.
const MOST: u64 = 16 << 20;

/// Those of the namespace of `proc`, a process's folder; none where the files are missing.
pub(super) fn list(proc: &Path) -> Vec<Socket> {
    let read = |name: &str| -> io::Result<String> {
        let mut text = String::new();
        std::fs::File::open(proc.join("net").join(name))?.take(MOST).read_to_string(&mut text)?;
        Ok(text)
    };
    let texts = ["icmp", "icmp6"].map(|name| read(name).unwrap_or_default());
    texts.iter().flat_map(|text| text.lines().skip(1)).filter_map(parse).collect()
}

/// `  1: 00000000:0005 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000  0 31337 2 …`: ping_v4_format_sock,
/// net/ipv4/ping.c. Addresses are 32-bit words as the machine has them; the port is the identifier.
fn parse(line: &str) -> Option<Socket> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (address(words.next()?)?, address(words.next()?)?);
    let inode = words.nth(6)?.parse().ok()?;
    Some(Socket {
        protocol: Protocol::Icmp,
        local: SocketAddr::new(local, 0),
        remote: (!remote.is_unspecified()).then_some(SocketAddr::new(remote, 0)),
        is_v6_only: false,
        inode,
        is_waiting: false,
    })
}

fn address(word: &str) -> Option<IpAddr> {
    let (address, _) = word.split_once(':')?;
    let mut bytes = [0; 16];
    let word = |at: usize| Some(u32::from_str_radix(address.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match address.len() {
        8 => Some(word(0)?.into()),
        32 => {
            for at in 0..4 {
                bytes[4 * at..4 * at + 4].copy_from_slice(&word(8 * at)?);
            }
            Some(bytes.into())
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
        let socket = parse(line).unwrap();
        assert_eq!(socket.local, "127.0.0.1:0".parse().unwrap());
        assert_eq!(socket.remote, Some("192.168.0.1:0".parse().unwrap()));
        assert_eq!(socket.inode, 31_337);
        let six = "    1: 00000000000000000000000001000000:0005 00000000000000000000000000000000:0000 07 0:0 00:0 0 0 0 7 2 0";
        let socket = parse(six).unwrap();
        assert_eq!((socket.local.ip(), socket.remote, socket.inode), ("::1".parse().unwrap(), None, 7));
        for nonsense in ["", "1:", "1: é0000000:0 00000000:0 1 2 3 4 5 6 7", "1: 0:0 0:0"] {
            assert_eq!(parse(nonsense), None);
        }
    }
}
