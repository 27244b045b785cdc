//! Heads as a collector would hand them over, for tests.

use std::net::{IpAddr, SocketAddr};

use super::{Head, Transport, Way};
use crate::{BootTime, ProcessId, SocketId};

/// A question for the address of a name, and the answer to it, as one process sees them on a socket of their own.
pub(crate) fn answered(process: ProcessId, at: BootTime, name: &str, ip: IpAddr) -> [Head; 2] {
    let mut question = Vec::new();
    for label in name.trim_end_matches('.').split('.') {
        question.push(label.len() as u8);
        question.extend(label.as_bytes());
    }
    let (kind, data): (u16, Vec<u8>) = match ip {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (28, ip.octets().to_vec()),
    };
    question.extend([0, 0, kind as u8, 0, 1]);
    let message = |flags: u16, answers: u16| {
        let head = [0x2a2a, flags, 1, answers, 0, 0];
        let mut bytes: Vec<u8> = head.iter().flat_map(|word: &u16| word.to_be_bytes()).collect();
        bytes.extend(&question);
        bytes
    };
    let query = message(0x0100, 0);
    let mut answer = message(0x8180, 1);
    answer.extend([0xc0, 12, 0, kind as u8, 0, 1, 0, 0, 0x0e, 0x10, 0, data.len() as u8]);
    answer.extend(data);
    [(Way::Sent, query), (Way::Received, answer)].map(|(way, bytes)| Head {
        at,
        socket: SocketId { cookie: u64::MAX - u64::from(process.tgid), epoch: 0 },
        owner: process,
        way,
        transport: Transport::Udp,
        local: SocketAddr::from(([192, 0, 2, 1], 40_000)),
        remote: SocketAddr::from(([192, 0, 2, 53], 53)),
        length: bytes.len() as u32,
        bytes: bytes.into(),
    })
}
