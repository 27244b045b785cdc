//! Real interfaces in network namespaces of the test's own.

mod changes;
mod listing;
mod namespace;

use std::net::{Ipv4Addr, UdpSocket};

use watcher_core::interfaces::{Reading, Survey};

use self::namespace::Namespace;
use super::Reader;

fn open(namespace: &Namespace) -> Reader {
    namespace.run(|| Reader::open().unwrap())
}

fn named<'a>(survey: &'a Survey, name: &str) -> &'a Reading {
    survey.interfaces.iter().find(|reading| &*reading.name == name).unwrap()
}

/// A cable of this name with the network 10.N.0.0/24, and nobody at its other end.
fn cable(namespace: &Namespace, name: &str, n: u8) {
    namespace.ip(&format!("link add {name} type veth peer name {name}-end"));
    namespace.ip(&format!("link set {name}-end up"));
    raise(namespace, name, n);
}

/// Without ARP: only what is sent is sent.
fn raise(namespace: &Namespace, name: &str, n: u8) {
    namespace.ip(&format!("addr add 10.{n}.0.1/24 dev {name}"));
    namespace.ip(&format!("link set {name} arp off up"));
}

/// Sends one datagram into that network. Returns what the interface counts of it: Ethernet, IP, UDP, payload.
fn send(namespace: &Namespace, n: u8, payload: usize) -> u64 {
    namespace.run(move || {
        let socket = UdpSocket::bind((Ipv4Addr::new(10, n, 0, 1), 0)).unwrap();
        assert_eq!(socket.send_to(&vec![1; payload], (Ipv4Addr::new(10, n, 0, 2), 9)).unwrap(), payload);
    });
    14 + 20 + 8 + payload as u64
}
