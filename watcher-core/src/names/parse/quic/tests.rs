//! The packets of the RFCs' appendices, a browser's hello in pieces, and what hostile datagrams cost.

use super::header::{ConnectionId, Version};
use super::keys::{Keys, Side};
use super::{Datagram, Initials, MAX_OPENED};
use crate::names::TlsVersion;
use crate::names::parse::Parsed;
use proptest::prelude::*;

const BROWSER: [&[u8]; 2] = [fixture!("quic/browser-1.bin"), fixture!("quic/browser-2.bin")];
const DESTINATION: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];

fn after(datagrams: &[&[u8]]) -> Initials {
    let mut initials = Initials::new();
    for datagram in datagrams {
        initials.read(datagram);
    }
    initials
}

fn name(initials: &Initials) -> Option<String> {
    initials.client_hello().complete()?.name.map(Into::into)
}

/// An Initial packet of version 1 for [`DESTINATION`], at least as long as its header protection needs.
fn sealed(side: Side, number: u32, payload: &[u8]) -> Vec<u8> {
    sealed_for(&DESTINATION, &DESTINATION, side, number, payload)
}

fn sealed_for(destination: &[u8], keyed_by: &[u8], side: Side, number: u32, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0xc3, 0, 0, 0, 1, u8::try_from(destination.len()).unwrap()];
    header.extend(destination);
    header.extend([0, 0]);
    header.extend((0x8000_0000 | u32::try_from(4 + payload.len() + 16).unwrap()).to_be_bytes());
    let number_at = header.len();
    header.extend(number.to_be_bytes());
    let keyed_by = ConnectionId::new(keyed_by).expect("an ID");
    Keys::new(Version::One, &keyed_by, side).seal(&header, number_at, payload)
}

#[test]
fn the_packets_of_rfc_9001_and_rfc_9369_open() {
    for (client, server) in [
        (fixture!("quic/rfc9001-client.bin"), fixture!("quic/rfc9001-server.bin")),
        (fixture!("quic/rfc9369-client.bin"), fixture!("quic/rfc9369-server.bin")),
    ] {
        let mut initials = Initials::new();
        assert_eq!(initials.read(client), Datagram::Opened);
        let hello = initials.client_hello().complete().expect("one packet holds it");
        assert_eq!(hello.name.as_deref(), Some("example.com"));
        assert_eq!(hello.alpn, ["alpn".into()]);
        assert_eq!(hello.offered, Some(TlsVersion::Tls13));
        assert_eq!(initials.read(server), Datagram::Opened, "with the client's first connection ID");
        assert_eq!(initials.chosen(), Some(TlsVersion::Tls13));
        let mut alone = Initials::new();
        assert_eq!(alone.read(server), Datagram::Initial, "the server's packet alone has no key");
    }
}

#[test]
fn a_hello_of_two_datagrams_is_read_in_either_order() {
    for order in [[0, 1], [1, 0]] {
        let initials = after(&order.map(|at| BROWSER[at]));
        let hello = initials.client_hello().complete().expect("both datagrams");
        assert_eq!((hello.name.as_deref(), hello.ech), (Some("quic.example.com"), true));
    }
    assert_eq!(after(&[BROWSER[0], BROWSER[0]]).client_hello(), Parsed::Incomplete);
}

#[test]
fn packets_that_share_a_datagram_are_all_read() {
    let retry = [&[0xf0, 0, 0, 0, 1, 0, 0][..], &[7; 40]].concat();
    let zero_rtt = [&[0xd0, 0, 0, 0, 1, 0, 0, 30][..], &[7; 30]].concat();
    let short = [&[0x40][..], &[7; 40]].concat();
    let joined = [BROWSER[0], &zero_rtt, BROWSER[1], &short].concat();
    assert_eq!(name(&after(&[&joined])).as_deref(), Some("quic.example.com"));
    for skipped in [&retry[..], &zero_rtt, &short, &[0xc0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], b"", b"\xc0"] {
        assert_eq!(Initials::new().read(skipped), Datagram::Other);
    }
}

#[test]
fn after_a_retry_the_keys_follow_the_new_connection_id() {
    let hello = fixture!("tls/client-tls13.bin")[5..].to_vec();
    let frame = |from: usize, to: usize| {
        let mut frame = vec![6];
        frame.extend((0x8000_0000 | u32::try_from(from).unwrap()).to_be_bytes());
        frame.extend((0x8000_0000 | u32::try_from(to - from).unwrap()).to_be_bytes());
        frame.extend(&hello[from..to]);
        frame
    };
    let (old, new, of_server) = ([1; 8], [2; 12], [3; 5]);
    let mut initials = Initials::new();
    assert_eq!(initials.read(&sealed_for(&old, &old, Side::Client, 0, &frame(0, 200))), Datagram::Opened);
    assert_eq!(initials.read(&sealed_for(&new, &new, Side::Client, 1, &frame(200, 300))), Datagram::Opened);
    let ack = [2, 0, 0, 1, 0, 1, 2].to_vec();
    let later = [ack, frame(300, hello.len())].concat();
    assert_eq!(initials.read(&sealed_for(&of_server, &new, Side::Client, 2, &later)), Datagram::Opened);
    assert_eq!(name(&initials).as_deref(), Some("www.example.com"));
    assert_eq!(initials.read(&sealed_for(&[], &new, Side::Server, 0, &[1; 30])), Datagram::Opened);
}

#[test]
fn a_cut_or_changed_packet_says_nothing() {
    let client = fixture!("quic/rfc9001-client.bin");
    for at in [20, 30, 600, 1199] {
        let mut changed = client.to_vec();
        changed[at] ^= 1;
        assert_eq!(Initials::new().read(&changed), Datagram::Initial);
    }
    assert_eq!(Initials::new().read(&client[..1199]), Datagram::Other);
}

#[test]
fn a_hundred_thousand_fragments_are_bounded_by_what_is_kept() {
    let mut initials = Initials::new();
    let mut read = 0;
    for number in 0..8 {
        let mut payload = Vec::new();
        // 13,000 frames of one byte each, none beside another, at ever lower offsets.
        for fragment in 0..13_000_u32 {
            let offset = 0x8000_0000 | (30_000 - fragment * 2);
            payload.extend([&[6][..], &offset.to_be_bytes(), &[0x40, 0x01, 7]].concat());
            read += 1;
        }
        payload.truncate(65_000 / 8 * 8);
        assert_eq!(initials.read(&sealed(Side::Client, number, &payload)), Datagram::Opened);
    }
    assert!(read > 100_000);
    assert_eq!(initials.client_hello(), Parsed::Incomplete);
}

#[test]
fn datagrams_that_never_open_are_given_up() {
    let mut broken = fixture!("quic/rfc9001-client.bin").to_vec();
    broken[1000] ^= 1;
    let mut initials = Initials::new();
    for _ in 0..MAX_OPENED {
        assert_eq!(initials.read(&broken), Datagram::Initial);
    }
    assert!(initials.is_exhausted());
    assert_eq!(initials.read(&broken), Datagram::Other);
}

#[test]
fn an_ack_with_more_ranges_than_bytes_ends_the_packet() {
    let lie = [&[2, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0][..], &[0; 40]].concat();
    let mut initials = Initials::new();
    assert_eq!(initials.read(&sealed(Side::Client, 0, &lie)), Datagram::Opened);
    assert_eq!(initials.client_hello(), Parsed::Incomplete);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), v2 in any::<bool>()) {
        let version: &[u8] = if v2 { &[0xd0, 0x6b, 0x33, 0x43, 0xcf] } else { &[0xc0, 0, 0, 0, 1] };
        let mut initials = Initials::new();
        initials.read(&bytes);
        initials.read(&[version, &bytes].concat());
        let _ = (initials.client_hello(), initials.client_hello_partial(), initials.chosen());
    }

    #[test]
    fn arbitrary_payloads_are_read_without_a_panic(payload in prop::collection::vec(any::<u8>(), 20..300)) {
        let mut initials = Initials::new();
        prop_assert_eq!(initials.read(&sealed(Side::Client, 0, &payload)), Datagram::Opened);
        initials.read(&sealed(Side::Server, 0, &payload));
        let _ = (initials.client_hello(), initials.client_hello_partial(), initials.chosen());
    }

    #[test]
    fn fragments_in_any_order_and_more_than_once_give_the_same_hello(
        cuts in prop::collection::btree_set(1..512_usize, 0..40),
        turn in any::<prop::sample::Index>(),
    ) {
        let hello = fixture!("tls/client-tls13.bin")[5..].to_vec();
        let edges: Vec<usize> = [0].into_iter().chain(cuts).chain([hello.len()]).collect();
        let mut pieces: Vec<(usize, usize)> = edges.windows(2).map(|edge| (edge[0], edge[1])).collect();
        pieces.push((hello.len() / 3, hello.len() / 2));
        let turn = turn.index(pieces.len());
        pieces.rotate_left(turn);
        pieces.reverse();
        let mut initials = Initials::new();
        for (number, (from, to)) in (0..).zip(pieces) {
            let mut frame = vec![0, 1, 6];
            frame.extend((0x4000 | u16::try_from(from).unwrap()).to_be_bytes());
            frame.extend((0x4000 | u16::try_from(to - from).unwrap()).to_be_bytes());
            frame.extend(&hello[from..to]);
            frame.extend([0; 20]);
            initials.read(&sealed(Side::Client, number, &frame));
        }
        let name = name(&initials);
        prop_assert_eq!(name.as_deref(), Some("www.example.com"));
    }
}
