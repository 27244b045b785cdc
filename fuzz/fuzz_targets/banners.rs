//! Protocols by their first bytes. The first two bytes are a port.
#![no_main]

use libfuzzer_sys::fuzz_target;
use watcher_core::names::parse::Parsed;
use watcher_core::names::parse::banner::{tcp, udp};

fuzz_target!(|bytes: &[u8]| {
    let Some(([high, low], bytes)) = bytes.split_first_chunk::<2>() else { return };
    let port = u16::from_be_bytes([*high, *low]);
    let _ = udp(bytes, bytes.len(), [port, 40_000]);
    let _ = udp(bytes, bytes.len() + 1, [40_000, port]);
    let whole = tcp(bytes);
    for end in 0..bytes.len().min(80) {
        let early = tcp(&bytes[..end]);
        assert!(early != Parsed::Other || whole == Parsed::Other, "{end} bytes were something else already");
    }
});
