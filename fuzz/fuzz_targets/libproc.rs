//! What libproc and sysctl write of sockets and processes on macOS.

#![no_main]

use libfuzzer_sys::fuzz_target;
use macos_pcap::flows::Owner;
use macos_pcap::owners::macos::parse;

fuzz_target!(|bytes: &[u8]| {
    let _ = parse::socket(bytes, Owner::Nobody);
    let _ = parse::process(bytes);
    assert!(parse::sockets(bytes).count() <= bytes.len() / 8);
    assert!(parse::command(bytes).is_none_or(|command| command.len() <= 4_096));
});
