//! Bytes as macOS would write them, field by field after `proc_info.h`: no Mac wrote these.

use std::mem::{offset_of, size_of};
use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use watcher_core::{BootTime, ProcessId, Protocol};

use super::layout::{BsdInfo, InSockInfo, SocketFdInfo, SocketInfo, TcpSockInfo};
use super::parse::{Process, command, process, socket, sockets};
use crate::flows::Owner;

const OWNER: Owner = Owner::Process(ProcessId { tgid: 7, start: BootTime(1) });
const AF_INET: u32 = 2;
const AF_INET6: u32 = 30;

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// A `struct socket_fdinfo`.
struct Made {
    kind: u32,
    protocol: u32,
    family: u32,
    vflag: u8,
    local: ([u8; 16], u16),
    remote: ([u8; 16], u16),
    state: u32,
}

impl Made {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; size_of::<SocketFdInfo>()];
        let psi = offset_of!(SocketFdInfo, psi);
        let proto = psi + offset_of!(SocketInfo, proto);
        put(&mut bytes, psi + offset_of!(SocketInfo, kind), &self.kind.to_le_bytes());
        put(&mut bytes, psi + offset_of!(SocketInfo, protocol), &self.protocol.to_le_bytes());
        put(&mut bytes, psi + offset_of!(SocketInfo, family), &self.family.to_le_bytes());
        bytes[proto + offset_of!(InSockInfo, vflag)] = self.vflag;
        put(&mut bytes, proto + offset_of!(InSockInfo, laddr), &self.local.0);
        put(&mut bytes, proto + offset_of!(InSockInfo, faddr), &self.remote.0);
        // `int`, with the 16 bits of the header in it.
        put(&mut bytes, proto + offset_of!(InSockInfo, lport), &self.local.1.to_be_bytes());
        put(&mut bytes, proto + offset_of!(InSockInfo, fport), &self.remote.1.to_be_bytes());
        put(&mut bytes, proto + offset_of!(TcpSockInfo, state), &self.state.to_le_bytes());
        bytes
    }
}

/// `struct in4in6_addr`.
fn four(a: u8, b: u8, c: u8, d: u8) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[12..].copy_from_slice(&Ipv4Addr::new(a, b, c, d).octets());
    bytes
}

fn tcp() -> Made {
    let (local, remote) = ((four(192, 0, 2, 1), 50_000), (four(198, 51, 100, 1), 443));
    Made { kind: 2, protocol: 6, family: AF_INET, vflag: 1, local, remote, state: 4 }
}

#[test]
fn a_connection_is_read() {
    let listed = socket(&tcp().bytes(), OWNER).unwrap();
    assert_eq!((listed.protocol, listed.owner), (Protocol::Tcp, OWNER));
    assert_eq!(listed.local, "192.0.2.1:50000".parse().unwrap());
    assert_eq!(listed.remote, Some("198.51.100.1:443".parse().unwrap()));
}

#[test]
fn the_flag_says_which_version_a_socket_of_ipv6_speaks() {
    let (any, one) = (Ipv6Addr::UNSPECIFIED.octets(), Ipv6Addr::LOCALHOST.octets());
    let six = |vflag, local, remote| Made { family: AF_INET6, vflag, local, remote, state: 1, ..tcp() };
    let dual = socket(&six(3, (any, 80), (any, 0)).bytes(), OWNER).unwrap();
    assert_eq!((dual.local, dual.remote, dual.is_v6_only), ("[::]:80".parse().unwrap(), None, false));
    let only = socket(&six(2, (any, 80), (any, 0)).bytes(), OWNER).unwrap();
    assert!(only.is_v6_only);
    let local = socket(&six(2, (one, 80), (one, 81)).bytes(), OWNER).unwrap();
    assert_eq!(local.remote, Some("[::1]:81".parse().unwrap()));
    let mapped = socket(&six(1, (four(192, 0, 2, 1), 80), (four(198, 51, 100, 1), 81)).bytes(), OWNER).unwrap();
    assert_eq!((mapped.local, mapped.is_v6_only), ("192.0.2.1:80".parse().unwrap(), false));
}

#[test]
fn kinds_that_own_no_packets_are_left_out() {
    let cases = [
        (Made { kind: 1, protocol: 17, ..tcp() }, Some(Protocol::Udp)),
        (Made { kind: 1, protocol: 1, ..tcp() }, Some(Protocol::Icmp)),
        (Made { kind: 1, protocol: 58, ..tcp() }, Some(Protocol::Icmp)),
        (Made { kind: 1, protocol: 89, ..tcp() }, Some(Protocol::Raw(89))),
        (Made { state: 10, ..tcp() }, None),
        (Made { local: (four(0, 0, 0, 0), 0), ..tcp() }, None),
        (Made { kind: 3, ..tcp() }, None),
        (Made { kind: 6, ..tcp() }, None),
    ];
    for (made, protocol) in cases {
        assert_eq!(socket(&made.bytes(), OWNER).map(|listed| listed.protocol), protocol);
    }
    assert_eq!(socket(&tcp().bytes()[..791], OWNER), None);
}

#[test]
fn descriptors_that_are_sockets_are_found() {
    let entry = |fd: i32, kind: u32| [fd.to_le_bytes(), kind.to_le_bytes()].concat();
    let list = [entry(0, 1), entry(3, 2), entry(4, 5), entry(9, 2), vec![1, 2, 3]].concat();
    assert_eq!(sockets(&list).collect::<Vec<_>>(), [3, 9]);
}

#[test]
fn a_process_is_read_with_its_longer_name() {
    let mut bytes = vec![0; size_of::<BsdInfo>()];
    put(&mut bytes, offset_of!(BsdInfo, pid), &412_u32.to_le_bytes());
    put(&mut bytes, offset_of!(BsdInfo, ppid), &1_u32.to_le_bytes());
    put(&mut bytes, offset_of!(BsdInfo, uid), &501_u32.to_le_bytes());
    put(&mut bytes, offset_of!(BsdInfo, comm), b"Google Chrome He");
    put(&mut bytes, offset_of!(BsdInfo, start_tvsec), &1_700_000_000_u64.to_le_bytes());
    put(&mut bytes, offset_of!(BsdInfo, start_tvusec), &123_456_u64.to_le_bytes());
    let read =
        |name: &str| Process { pid: 412, parent: 1, uid: 501, name: name.to_owned(), started: 1_700_000_000_123_456 };
    assert_eq!(process(&bytes), Some(read("Google Chrome He")));
    put(&mut bytes, offset_of!(BsdInfo, name), b"Google Chrome Helper\0");
    assert_eq!(process(&bytes), Some(read("Google Chrome Helper")));
    assert_eq!(process(&bytes[..135]), None);
}

#[test]
fn a_command_ends_where_the_environment_begins() {
    let bytes = [&2_u32.to_le_bytes()[..], b"/usr/bin/curl\0\0\0\0\0curl\0-s\0PATH=/bin\0"].concat();
    assert_eq!(command(&bytes).as_deref(), Some("curl -s"));
    assert_eq!(command(&[1, 0, 0]), None);
    assert_eq!(command(&[&9_u32.to_le_bytes()[..], b"/x"].concat()), None);
    let long = [&3_u32.to_le_bytes()[..], b"/x\0", &vec![b'a'; 10_000], b"\0b\0c\0"].concat();
    assert_eq!(command(&long).map(|command| command.len()), Some(4_096));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..900)) {
        let _ = (socket(&bytes, OWNER), process(&bytes), command(&bytes), sockets(&bytes).count());
    }
}
