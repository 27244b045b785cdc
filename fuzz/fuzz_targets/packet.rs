//! IP packets up to their transport. The first two bytes say how much longer the wire was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use macos_pcap::link::{LinkType, open};
use macos_pcap::packet::parse;

fuzz_target!(|bytes: &[u8]| {
    let Some((longer, bytes)) = bytes.split_first_chunk::<2>() else { return };
    let wire_len = bytes.len() as u64 + u64::from(u16::from_be_bytes(*longer));
    let Ok(frame) = open(LinkType::Raw, bytes, wire_len) else { return };
    if let Ok(packet) = parse(&frame) {
        assert!(packet.wire_len <= wire_len && packet.payload_len <= packet.wire_len);
        assert!(packet.first_bytes.len() as u64 <= packet.payload_len);
    }
});
