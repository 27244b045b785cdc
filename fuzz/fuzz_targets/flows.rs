//! A capture: each byte is how many follow as the next raw packet. Whatever comes, the table stays within its bound.
#![no_main]

use libfuzzer_sys::fuzz_target;
use macos_pcap::flows::{Flows, Hosts, Limits, Owner, Sight};
use macos_pcap::link::{LinkType, open};
use macos_pcap::packet::parse;
use watcher_core::BootTime;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { flows: 8, ..Limits::default() };
    let mut flows = Flows::new(Hosts::new([[10, 0, 0, 1].into()]), limits);
    let mut rest = bytes;
    let mut at = 0;
    while let Some((len, behind)) = rest.split_first() {
        let (packet, next) = behind.split_at(usize::from(*len).min(behind.len()));
        rest = next;
        at += 1_000_000_000;
        if let Ok(packet) = open(LinkType::Raw, packet, 0).map_err(drop).and_then(|frame| parse(&frame).map_err(drop)) {
            flows.see(&packet, &Sight { at: BootTime(at), way: None, slot: 0, pid: None });
        }
        assert!(flows.len() <= 8);
        if at % 16_000_000_000 == 0 {
            flows.take(BootTime(at), |_| Owner::NotYet);
        }
    }
    flows.take(BootTime(at), |_| Owner::Nobody);
});
