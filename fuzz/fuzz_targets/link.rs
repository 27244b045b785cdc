//! Frames of every link type. The first byte chooses one, the second says how much longer the wire was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use macos_pcap::link::{LinkType, open};

const LINKS: [u32; 9] = [0, 1, 12, 108, 113, 149, 228, 229, 276];

fuzz_target!(|bytes: &[u8]| {
    let Some(([link, longer], bytes)) = bytes.split_first_chunk::<2>() else { return };
    let Some(link) = LinkType::from_number(LINKS[usize::from(*link) % LINKS.len()]) else { return };
    let wire_len = bytes.len() as u64 + u64::from(*longer);
    if let Ok(frame) = open(link, bytes, wire_len) {
        assert!(bytes.ends_with(frame.bytes));
        assert!(frame.wire_len <= wire_len && frame.bytes.len() as u64 <= frame.wire_len);
        if let Some(tap) = frame.tap {
            assert!(tap.interface.len() <= 24);
            assert!(tap.process.iter().chain(&tap.effective).all(|process| process.command.len() <= 17));
        }
    }
});
