//! Datagrams, each after two bytes with its length. A fuzzer cannot seal: `quic_frames` does it for it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watcher_core::names::parse::quic::Initials;

fuzz_target!(|bytes: &[u8]| {
    let mut initials = Initials::new();
    let mut left = bytes;
    while let Some(([high, low], rest)) = left.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (datagram, after) = rest.split_at(length);
        initials.read(datagram);
        left = after;
    }
    let _ = (initials.client_hello(), initials.client_hello_partial(), initials.chosen());
});
