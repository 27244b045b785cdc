use etherparse::PacketBuilder;
use proptest::prelude::*;

use super::{Flags, Fragment, Fragments, Packet, PacketError, Ports, Transport, parse};
use crate::link::{LinkType, open};

const PORTS: Ports = Ports { source: 4000, destination: 443 };

fn ipv4() -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
    PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
}

fn tcp(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    ipv4().tcp(4000, 443, 7, 1024).write(&mut bytes, payload).unwrap();
    bytes
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    ipv4().udp(4000, 443).write(&mut bytes, payload).unwrap();
    bytes
}

fn udp6(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv6([1; 16], [2; 16], 64).udp(4000, 443).write(&mut bytes, payload).unwrap();
    bytes
}

fn on_wire(bytes: &[u8], wire: u64) -> Result<Packet<'_>, PacketError> {
    parse(&open(LinkType::Raw, bytes, wire).unwrap())
}

fn packet(bytes: &[u8]) -> Packet<'_> {
    on_wire(bytes, 0).unwrap()
}

#[test]
fn payload_is_what_the_headers_say_and_not_what_was_captured() {
    let whole = tcp(&[9; 1000]);
    for captured in [56, 200, 1040] {
        let packet = on_wire(&whole[..captured], 1040).unwrap();
        assert_eq!((packet.payload_len, packet.wire_len), (1000, 1040));
        assert_eq!(packet.first_bytes.len(), captured - 40);
        assert!(
            matches!(packet.transport, Transport::Tcp(PORTS, segment) if segment.seq == 7 && segment.window == 1024)
        );
    }
    assert_eq!(on_wire(&whole[..30], 1040), Err(PacketError::Short("TCP")));
    let padded = [tcp(b"hi"), vec![0; 18]].concat();
    assert_eq!((packet(&padded).payload_len, packet(&padded).first_bytes), (2, &b"hi"[..]));
}

#[test]
fn a_length_of_0_is_a_packet_that_the_interface_is_to_cut() {
    let mut offloaded = tcp(&[9; 100]);
    offloaded[2..4].fill(0);
    let packet = on_wire(&offloaded, 60_040).unwrap();
    assert_eq!((packet.payload_len, packet.wire_len), (60_000, 60_040));

    let mut big = udp6(&[9; 100]);
    big[4..6].fill(0);
    big[44..46].fill(0);
    assert_eq!(on_wire(&big, 200_048).unwrap().payload_len, 200_000);
}

#[test]
fn a_jumbo_option_is_believed_within_the_wire() {
    let mut bytes = udp6(&[9; 8]);
    bytes[4..6].fill(0);
    bytes[44..46].fill(0);
    bytes[6] = 0;
    bytes.splice(40..40, [17, 0, 0xc2, 4, 0, 1, 0x86, 0xa0]);
    assert_eq!(on_wire(&bytes, 100_050).unwrap().payload_len, 100_000 - 16, "10 bytes of padding");
    assert_eq!(on_wire(&bytes, 100_039), Err(PacketError::Longer("IPv6", 100_040, 100_039)));
}

#[test]
fn what_claims_more_than_the_wire_carried_is_refused() {
    let long = tcp(&[9; 100]);
    assert_eq!(on_wire(&long[..60], 139), Err(PacketError::Longer("IPv4", 140, 139)));
    let mut long = udp(&[9; 100]);
    long[24..26].copy_from_slice(&109_u16.to_be_bytes());
    assert_eq!(on_wire(&long, 0), Err(PacketError::Longer("UDP", 109, 108)));
    long[24..26].copy_from_slice(&7_u16.to_be_bytes());
    assert_eq!(on_wire(&long, 0), Err(PacketError::Malformed("UDP")));
}

#[test]
fn extension_headers_are_walked_up_to_a_bound() {
    let chain = |count: usize| {
        let mut bytes = udp6(&[9; 100]);
        let next = std::mem::replace(&mut bytes[6], 60);
        let mut headers = [60, 0, 1, 4, 0, 0, 0, 0].repeat(count);
        headers[(count - 1) * 8] = next;
        let len = 108 + headers.len() as u16;
        bytes[4..6].copy_from_slice(&len.to_be_bytes());
        bytes.splice(40..40, headers);
        bytes
    };
    let ten = chain(10);
    assert_eq!((packet(&ten).transport, packet(&ten).payload_len), (Transport::Udp(PORTS), 100));
    assert_eq!(on_wire(&chain(11), 0), Err(PacketError::Extensions));
}

#[test]
fn sctp_counts_user_data_and_no_control_chunks() {
    let mut body = [4000_u16.to_be_bytes(), 443_u16.to_be_bytes()].concat();
    body.extend([0; 8]);
    body.extend([3, 0, 0, 16].iter().chain(&[0; 12])); // SACK
    body.extend([0, 3, 0, 19].iter().chain(&[0; 12]).chain(b"one\0")); // DATA, padded
    body.extend([64, 3, 0, 23].iter().chain(&[0; 16]).chain(b"two")); // I-DATA
    let mut bytes = Vec::new();
    ipv4().write(&mut bytes, etherparse::IpNumber::SCTP, &body).unwrap();
    let packet = packet(&bytes);
    assert_eq!((packet.transport, packet.payload_len), (Transport::Sctp(PORTS), 6));
    assert_eq!(packet.first_bytes, b"one");
}

/// `whole` as fragments of `size` bytes.
fn fragments(whole: &[u8], size: usize) -> Vec<Vec<u8>> {
    let (header, body) = whole.split_at(20);
    let last = body.len().div_ceil(size) - 1;
    let part = |(i, part): (usize, &[u8])| {
        let mut header = header.to_vec();
        header[2..4].copy_from_slice(&(20 + part.len() as u16).to_be_bytes());
        let place = (i * size / 8) as u16 | if i < last { 0x2000 } else { 0 };
        header[6..8].copy_from_slice(&place.to_be_bytes());
        [&header, part].concat()
    };
    body.chunks(size).enumerate().map(part).collect()
}

#[test]
fn the_parts_of_a_datagram_find_its_ports_in_any_order() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let parts = fragments(&udp(&[9; 100]), 40);
        let mut table = Fragments::new();
        let mut payload = 0;
        for part in order.map(|i| packet(&parts[i])) {
            let released = table.see(&part, part.fragment.unwrap());
            if part.transport.ports().is_some() {
                payload += part.payload_len;
            }
            assert!(released.iter().all(|part| part.transport == Transport::Udp(PORTS)));
            payload += released.iter().map(|part| part.payload_len).sum::<u64>();
        }
        assert_eq!((payload, table.unmatched_bytes()), (100, 0), "{order:?}");
    }
}

#[test]
fn a_later_part_of_a_tcp_segment_knows_its_place_in_the_stream() {
    let parts = fragments(&tcp(&[9; 100]), 40);
    let mut table = Fragments::new();
    let first = packet(&parts[0]);
    assert_eq!((first.payload_len, first.fragment), (20, Some(Fragment { id: 0, protocol: 6, offset: 0 })));
    table.see(&first, first.fragment.unwrap());
    let third = packet(&parts[2]);
    let rejoined = table.see(&third, third.fragment.unwrap());
    assert!(
        matches!(rejoined[0].transport, Transport::Tcp(PORTS, part) if part.seq == 7 + 60 && !part.flags.has(Flags::FIN))
    );
    assert_eq!(rejoined[0].payload_len, 40);
}

#[test]
fn parts_without_a_first_one_are_told_and_do_not_pile_up() {
    let mut part = fragments(&udp(&[9; 100]), 40).swap_remove(1);
    let mut table = Fragments::new();
    for id in 0..3000_u16 {
        part[4..6].copy_from_slice(&id.to_be_bytes());
        let part = packet(&part);
        assert!(table.see(&part, part.fragment.unwrap()).is_empty());
    }
    assert_eq!(table.unmatched_bytes(), (3000 - 1024) * 40);
    assert_eq!(table.datagrams(), 1024);
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic_or_claim_more_than_the_wire(mut bytes: Vec<u8>, wire: u64, protocol in 0..6_usize) {
        // Most of them are led past the first checks.
        if let Some(first) = bytes.first_mut() { *first = if *first % 2 == 0 { 0x45 } else { 0x60 } }
        for at in [6, 9] {
            if let Some(next) = bytes.get_mut(at) && protocol > 0 { *next = [0, 6, 17, 132, 44, 60][protocol]; }
        }
        let Ok(frame) = open(LinkType::Raw, &bytes, wire) else { return Ok(()) };
        if let Ok(packet) = parse(&frame) {
            prop_assert!(packet.payload_len <= packet.wire_len && packet.wire_len <= frame.wire_len);
            prop_assert!(packet.first_bytes.len() as u64 <= packet.payload_len);
        }
    }

    #[test]
    fn what_another_library_builds_is_read_as_it_was_meant(
        payload in prop::collection::vec(any::<u8>(), 0..2000), ports: (u16, u16), seq: u32, ack: u32, fin: bool, kept in 60..3000_usize,
    ) {
        let mut bytes = Vec::new();
        let tcp = PacketBuilder::ipv6([1; 16], [2; 16], 3).tcp(ports.0, ports.1, seq, 9).ack(ack);
        let tcp = if fin { tcp.fin() } else { tcp };
        tcp.write(&mut bytes, &payload).unwrap();
        let wire = bytes.len();
        bytes.truncate(kept);
        let packet = on_wire(&bytes, wire as u64).unwrap();
        let Transport::Tcp(read, segment) = packet.transport else { panic!("{packet:?}") };
        prop_assert_eq!((read.source, read.destination, segment.seq, segment.ack), (ports.0, ports.1, seq, ack));
        prop_assert_eq!((segment.flags.has(Flags::FIN), segment.flags.has(Flags::SYN)), (fin, false));
        prop_assert_eq!((packet.payload_len, packet.wire_len), (payload.len() as u64, wire as u64));
        prop_assert!(payload.starts_with(packet.first_bytes));
    }
}
