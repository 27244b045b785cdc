//! Packets that an interface is to cut: their length fields are 0, and a capture keeps only their beginnings.

use std::net::IpAddr;

use etherparse::PacketBuilder;
use macos_pcap::flows::{Flows, Hosts, Limits, Owner, Sight};
use macos_pcap::link::{LinkType, open};
use macos_pcap::packet::parse;
use watcher_core::BootTime;

const HEADERS: u64 = 14 + 20 + 20;

#[test]
fn an_upload_of_20_gib_is_20_gib_whatever_its_length_fields_say() {
    const SEGMENT: u64 = 64 << 10;
    const UPLOAD: u64 = 20 << 30;
    let mut flows = Flows::new(Hosts::new([IpAddr::from([10, 0, 0, 1])]), Limits::default());
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4([10, 0, 0, 1], [192, 0, 2, 7], 64)
        .tcp(5000, 443, 0, 1024)
        .ack(1)
        .write(&mut frame, &[7; 100])
        .expect("a packet that can be written");
    // What a capture keeps, and the length that the interface is to fill in.
    frame.truncate(68);
    frame[16..18].fill(0);
    for sent in (0..UPLOAD).step_by(SEGMENT as usize) {
        frame[38..42].copy_from_slice(&(sent as u32).to_be_bytes());
        let opened = open(LinkType::Ethernet, &frame, HEADERS + SEGMENT).expect("an Ethernet frame");
        let packet = parse(&opened).expect("a TCP segment");
        flows.see(&packet, &Sight { at: BootTime(sent), way: None, slot: 0, pid: None });
    }
    let observed = flows.take(BootTime(UPLOAD), |_| Owner::Nobody);
    let [flow] = &observed[..] else { panic!("{observed:?}") };
    assert_eq!(flow.sample.counters.tx_bytes, UPLOAD);
    assert_eq!(flow.sample.wire.as_ref().unwrap().tx_bytes, UPLOAD + (UPLOAD / SEGMENT) * 40);
    assert_eq!(flow.sample.counters.tx_calls, UPLOAD / SEGMENT);
}
