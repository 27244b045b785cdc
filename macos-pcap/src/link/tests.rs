use proptest::prelude::*;

use super::{Frame, LinkError, LinkType, Network, Way, open};

const PACKET: &[u8] = b"\x45 an IP packet";
const LINKS: [LinkType; 9] = [
    LinkType::Null,
    LinkType::Loop,
    LinkType::Ethernet,
    LinkType::Raw,
    LinkType::Ipv4,
    LinkType::Ipv6,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
    LinkType::Pktap,
];

fn frame(header: &[u8]) -> Vec<u8> {
    [header, PACKET].concat()
}

fn ethernet(types: &[u8]) -> Vec<u8> {
    frame(&[&[2; 12], types].concat())
}

fn opened(link: LinkType, bytes: &[u8]) -> (Network, &[u8], Option<Way>) {
    let Frame { network, bytes: packet, wire_len, way, .. } = open(link, bytes, bytes.len() as u64 + 1000).unwrap();
    assert_eq!(wire_len, PACKET.len() as u64 + 1000, "{link:?}: the wire was longer than the capture");
    (network, packet, way)
}

#[test]
fn loopback_is_read_in_both_byte_orders_and_every_systems_families() {
    for (family, network) in
        [(2, Network::V4), (10, Network::V6), (24, Network::V6), (28, Network::V6), (30, Network::V6)]
    {
        let big = frame(&u32::to_be_bytes(family));
        let little = frame(&u32::to_le_bytes(family));
        assert_eq!(opened(LinkType::Null, &big), (network, PACKET, None));
        assert_eq!(opened(LinkType::Null, &little), (network, PACKET, None));
        assert_eq!(opened(LinkType::Loop, &big), (network, PACKET, None));
    }
    assert_eq!(open(LinkType::Null, &[7, 0, 0, 0], 4), Err(LinkError::NotIp(7)));
    assert_eq!(open(LinkType::Loop, &[2, 0, 0], 3), Err(LinkError::Short("loopback")));
}

#[test]
fn ethernet_is_read_through_stacked_tags_up_to_a_bound() {
    let cases: [(&[u8], Network); 4] = [
        (&[0x08, 0x00], Network::V4),
        (&[0x86, 0xdd], Network::V6),
        (&[0x81, 0, 0, 7, 0x86, 0xdd], Network::V6),
        (&[0x88, 0xa8, 0, 1, 0x81, 0, 0, 7, 0x08, 0x00], Network::V4),
    ];
    for (types, network) in cases {
        assert_eq!(opened(LinkType::Ethernet, &ethernet(types)), (network, PACKET, None));
    }
    let endless = ethernet(&[0x81, 0].repeat(200));
    assert_eq!(open(LinkType::Ethernet, &endless, 0), Err(LinkError::Tags));
    assert_eq!(open(LinkType::Ethernet, &ethernet(&[8, 6]), 0), Err(LinkError::NotIp(0x0806)));
}

#[test]
fn raw_is_known_by_its_first_bits() {
    assert_eq!(opened(LinkType::Raw, PACKET), (Network::V4, PACKET, None));
    assert_eq!(open(LinkType::Raw, &[0x60], 0).unwrap().network, Network::V6);
    assert_eq!(open(LinkType::Raw, &[0x10], 0), Err(LinkError::NotIp(1)));
    assert_eq!(opened(LinkType::Ipv6, PACKET).0, Network::V6, "the link type decides");
}

#[test]
fn cooked_frames_know_their_way_and_their_interface() {
    for (kind, way) in [(0, Some(Way::In)), (2, Some(Way::In)), (3, None), (4, Some(Way::Out))] {
        let v1 = frame(&[0, kind, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0x86, 0xdd]);
        assert_eq!(opened(LinkType::LinuxSll, &v1), (Network::V6, PACKET, way));
        let v2 = frame(&[8, 0, 0, 0, 0, 0, 1, 2, 0, 1, kind, 6, 1, 2, 3, 4, 5, 6, 0, 0]);
        assert_eq!(opened(LinkType::LinuxSll2, &v2), (Network::V4, PACKET, way));
        assert_eq!(open(LinkType::LinuxSll2, &v2, 0).unwrap().interface_index, Some(0x102));
        let tagged = frame(&[0x81, 0, 0, 0, 0, 0, 1, 2, 0, 1, kind, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0, 9, 0x86, 0xdd]);
        assert_eq!(opened(LinkType::LinuxSll2, &tagged), (Network::V6, PACKET, way));
    }
}

/// A version 1 header, field by field as in Apple's definition.
fn pktap_v1(pid: i32, epid: i32, flags: u32, dlt: u32) -> Vec<u8> {
    let mut header = Vec::new();
    let put = |header: &mut Vec<u8>, text: &[u8], len: usize| {
        header.extend_from_slice(text);
        header.resize(header.len() + len - text.len(), 0);
    };
    for word in [156, 1, dlt] {
        header.extend(u32::to_le_bytes(word));
    }
    put(&mut header, b"en0", 24);
    for word in [flags, 2, 14, 0] {
        header.extend(u32::to_le_bytes(word));
    }
    header.extend(pid.to_le_bytes());
    put(&mut header, b"curl", 17);
    put(&mut header, &[], 1 + 2 + 4 + 2 + 2);
    header.extend(epid.to_le_bytes());
    put(&mut header, b"Safari", 17);
    put(&mut header, &[], 1 + 2);
    header.extend(77_u32.to_le_bytes());
    put(&mut header, &[], 4 + 8 + 32);
    assert_eq!(header.len(), 156);
    header
}

#[test]
fn pktap_says_whose_packet_it_is_and_where_it_goes() {
    let bytes = [pktap_v1(41, 42, 0x2, 1), ethernet(&[8, 0])].concat();
    assert_eq!(opened(LinkType::Pktap, &bytes), (Network::V4, PACKET, Some(Way::Out)));
    let tap = open(LinkType::Pktap, &bytes, 0).unwrap().tap.unwrap();
    let names = |process: Option<super::pktap::TapProcess<'_>>| process.map(|p| (p.pid, p.command.to_vec()));
    assert_eq!(names(tap.process), Some((41, b"curl".to_vec())));
    assert_eq!(names(tap.effective), Some((42, b"Safari".to_vec())));
    assert_eq!((tap.interface, tap.flow, tap.retransmission), (&b"en0"[..], 77, false));

    let unknown = [pktap_v1(-1, -1, 0x8001, 0), frame(&2_u32.to_le_bytes())].concat();
    let opened = open(LinkType::Pktap, &unknown, 0).unwrap();
    assert_eq!((opened.way, opened.bytes), (Some(Way::In), PACKET));
    let tap = opened.tap.unwrap();
    assert_eq!((tap.process, tap.effective, tap.retransmission), (None, None, true));
}

/// A version 2 header as `convert_to_pktap_header_to_v2` writes it: interface, then command.
fn pktap_v2() -> Vec<u8> {
    let mut header = vec![40 + 4 + 5, 0, 0, 40, 44, 0, 12, 0];
    header.resize(24, 0);
    for word in [5, 41, u32::MAX, 0x8_0002] {
        header.extend(u32::to_le_bytes(word));
    }
    header.extend(b"en0\0curl\0");
    header
}

#[test]
fn the_second_version_of_pktap_is_told_by_its_flag() {
    let bytes = frame(&pktap_v2());
    assert_eq!(opened(LinkType::Pktap, &bytes), (Network::V4, PACKET, Some(Way::Out)));
    let tap = open(LinkType::Pktap, &bytes, 0).unwrap().tap.unwrap();
    assert_eq!(tap.process.map(|p| (p.pid, p.command)), Some((41, &b"curl"[..])));
    assert_eq!((tap.effective, tap.interface, tap.flow), (None, &b"en0"[..], 5));
}

#[test]
fn pktap_headers_that_lie_are_refused() {
    let mut small = pktap_v1(1, 1, 1, 1);
    small[0] = 155;
    assert_eq!(open(LinkType::Pktap, &small, 0), Err(LinkError::Pktap));
    let mut long = pktap_v1(1, 1, 1, 1);
    long[1] = 1;
    assert_eq!(open(LinkType::Pktap, &long, 0), Err(LinkError::Short("PKTAP")));
    let mut nothing = pktap_v1(1, 1, 1, 1);
    nothing[4] = 0;
    assert_eq!(open(LinkType::Pktap, &nothing, 0), Err(LinkError::NoPacket(0)));
    let nested = [pktap_v1(1, 1, 1, 149), pktap_v1(1, 1, 1, 1)].concat();
    assert_eq!(open(LinkType::Pktap, &nested, 0), Err(LinkError::Inner(149)));
    for offset in [1, 39, 49, 255] {
        let mut outside = pktap_v2();
        outside[3] = offset;
        assert_eq!(open(LinkType::Pktap, &outside, 0), Err(LinkError::Pktap), "{offset}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_link_layer_panic_or_claim_more_than_it_has(bytes: Vec<u8>, wire: u64, flag in 0..4_usize) {
        let mut bytes = bytes;
        // Half of them are led past the first checks.
        if flag == 1 && bytes.len() > 40 { bytes[38] = 8; bytes[0] %= 64; }
        if flag == 2 { bytes.splice(0..0, pktap_v1(1, 2, 3, 0)); }
        for link in LINKS {
            if let Ok(frame) = open(link, &bytes, wire) {
                prop_assert!(frame.wire_len >= frame.bytes.len() as u64);
                prop_assert!(bytes.ends_with(frame.bytes));
            }
        }
    }
}
