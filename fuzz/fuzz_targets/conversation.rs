//! A flow: heads with way, transport, sequence number and ports of the fuzzer's choice.
#![no_main]

use std::net::SocketAddr;

use libfuzzer_sys::fuzz_target;
use watcher_core::names::{Conversation, Head, Transport, Way};
use watcher_core::{BootTime, ProcessId, SocketId};

const PORTS: [u16; 8] = [53, 5353, 443, 80, 5432, 123, 67, 9999];

/// A byte of flags (way, transport, was it cut, port), two of the sequence number, two of the length, the bytes.
fn next(left: &mut &[u8]) -> Option<Head> {
    let ([flags, seq @ .., high, low], rest) = left.split_first_chunk::<5>()?;
    let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
    let (bytes, after) = rest.split_at(length);
    *left = after;
    let seq = u32::from(u16::from_be_bytes(*seq)).wrapping_sub(0x8000);
    Some(Head {
        at: BootTime::default(),
        socket: SocketId { cookie: 1, epoch: 0 },
        owner: ProcessId { tgid: 1, start: BootTime::default() },
        way: if flags & 1 == 0 { Way::Sent } else { Way::Received },
        transport: if flags & 2 == 0 { Transport::Tcp { seq } } else { Transport::Udp },
        local: SocketAddr::from(([10, 0, 0, 1], 50_000)),
        remote: SocketAddr::from(([192, 0, 2, 1], PORTS[usize::from(flags >> 5)])),
        bytes: bytes.into(),
        length: u32::try_from(bytes.len()).expect("16 bits") + u32::from(flags & 4),
    })
}

fuzz_target!(|bytes: &[u8]| {
    let mut left = bytes;
    let mut conversation = Conversation::new();
    let mut dns = Vec::new();
    while let Some(head) = next(&mut left) {
        let before = conversation.shown().clone();
        let was_done = conversation.is_done();
        let changed = conversation.read(&head, &mut dns);
        assert_eq!(changed, before != *conversation.shown());
        assert!(conversation.is_done() || !was_done, "done is done");
    }
});
