//! What hellos of real programs say, whole and in pieces, and what hostile ones cost.

use super::{
    ClientHello, MAX_MESSAGE, ServerFlight, client_hello, client_hello_partial, hello_message, server_flight,
    server_flight_partial,
};
use crate::names::TlsVersion;
use crate::names::parse::Parsed;
use proptest::prelude::*;

const CLIENTS: &[&[u8]] = &[
    fixture!("tls/client-tls13.bin"),
    fixture!("tls/client-tls12.bin"),
    fixture!("tls/client-tls10.bin"),
    fixture!("tls/client-retry.bin"),
    fixture!("tls/client-pq-ech.bin"),
    fixture!("tls/client-pq-records.bin"),
];

const SERVERS: &[&[u8]] = &[
    fixture!("tls/server-tls13.bin"),
    fixture!("tls/server-tls12.bin"),
    fixture!("tls/server-tls10.bin"),
    fixture!("tls/server-tls12-resumed.bin"),
    fixture!("tls/server-retry.bin"),
    fixture!("tls/server-alert.bin"),
    fixture!("tls/server-evil-issuer.bin"),
];

fn hello(stream: &[u8]) -> ClientHello {
    client_hello(stream).complete().expect("a whole hello")
}

fn flight(stream: &[u8]) -> ServerFlight {
    server_flight(stream).complete().expect("a whole flight")
}

fn said(name: &str, alpn: &[&str], offered: TlsVersion, ech: bool) -> ClientHello {
    let alpn = alpn.iter().map(|name| (*name).into()).collect();
    ClientHello { name: Some(name.into()), alpn, offered: Some(offered), ech }
}

#[test]
fn a_hello_says_whom_it_is_for_and_what_it_offers() {
    let both = ["h2", "http/1.1"];
    assert_eq!(hello(CLIENTS[0]), said("www.example.com", &both, TlsVersion::Tls13, false));
    assert_eq!(hello(CLIENTS[1]), said("www.example.com", &both, TlsVersion::Tls12, false));
    assert_eq!(hello(CLIENTS[2]), said("old.example.com", &[], TlsVersion::Tls10, false));
    assert_eq!(hello(CLIENTS[3]), said("www.example.com", &[], TlsVersion::Tls13, false));
    assert_eq!(hello(CLIENTS[4]), said("pq.example.com", &both, TlsVersion::Tls13, true));
    assert_eq!(hello(CLIENTS[5]), hello(CLIENTS[4]), "over three records");
}

#[test]
fn a_server_says_what_it_chose_and_up_to_tls_1_2_who_vouches_for_it() {
    let of = |chosen, alpn: Option<&str>, issuer: Option<&str>| ServerFlight {
        chosen,
        alpn: alpn.map(Into::into),
        issuer: issuer.map(Into::into),
    };
    assert_eq!(flight(SERVERS[0]), of(Some(TlsVersion::Tls13), None, None));
    assert_eq!(flight(SERVERS[1]), of(Some(TlsVersion::Tls12), Some("http/1.1"), Some("Let's Encrypt, R11")));
    assert_eq!(flight(SERVERS[2]), of(Some(TlsVersion::Tls10), None, Some("Let's Encrypt, R11")));
    let resumed = of(Some(TlsVersion::Tls12), Some("http/1.1"), None);
    assert_eq!(flight(SERVERS[3]), resumed, "a resumed session has no certificate");
    assert_eq!(flight(SERVERS[4]), of(Some(TlsVersion::Tls13), None, None), "a HelloRetryRequest");
    assert_eq!(flight(SERVERS[5]), of(None, None, None), "an alert");
}

#[test]
fn an_issuer_is_printable_whatever_its_certificate_says() {
    let issuer = flight(SERVERS[6]).issuer.expect("an issuer");
    assert!(issuer.starts_with("Evil??Corp?[31mxxx") && issuer.contains(", Évil yyy"), "{issuer}");
    assert!(issuer.chars().count() <= 128 && !issuer.chars().any(char::is_control));
}

#[test]
fn every_beginning_of_a_hello_is_incomplete_and_says_ever_more() {
    for stream in CLIENTS {
        let whole = hello(stream);
        let mut was = None;
        let complete_at = (0..=stream.len()).find(|end| client_hello(&stream[..*end]) != Parsed::Incomplete);
        for end in 0..complete_at.expect("an end") {
            let part = client_hello_partial(&stream[..end]);
            assert!(was.is_none() || part.is_some(), "nothing is unlearnt");
            let offered = part.as_ref().and_then(|part| part.offered);
            assert!(offered.is_none() || offered == whole.offered, "a part says {offered:?}");
            was = part;
        }
        let end = complete_at.expect("an end");
        assert_eq!(client_hello(&stream[..end]), Parsed::Complete(whole.clone()));
        assert_eq!(was.expect("a part").name, whole.name, "one byte less does not cost the name");
    }
}

#[test]
fn every_beginning_of_a_flight_is_incomplete() {
    for stream in SERVERS {
        let whole = flight(stream);
        for end in 0..stream.len() {
            match server_flight(&stream[..end]) {
                Parsed::Complete(early) => assert_eq!(early, whole),
                Parsed::Incomplete => {}
                Parsed::Other => panic!("{end} bytes are something else"),
            }
        }
    }
    let part = server_flight_partial(&SERVERS[1][..300]).expect("the hello is there");
    assert_eq!((part.chosen, part.issuer), (Some(TlsVersion::Tls12), None));
}

#[test]
fn other_protocols_are_other() {
    for bytes in
        [&b"GET / HTTP/1.1\r\n"[..], b"SSH-2.0-x", b"\x16\x02\x01\0\x05", b"\x16\x03\x01\0\0", b"\x17\x03\x03\0\x05"]
    {
        assert_eq!(client_hello(bytes), Parsed::Other, "{bytes:?}");
    }
    assert_eq!(client_hello(SERVERS[1]), Parsed::Other);
    assert_eq!(server_flight(CLIENTS[1]), Parsed::Other);
    assert_eq!(client_hello(b"\x16\x03\x01\0\x40\x01\0\x40\0"), Parsed::Other, "longer than any hello");
}

#[test]
fn a_name_that_is_none_is_left_out() {
    for (good, bad) in [(b"www.example.com", b"www.exam\x00le.com"), (b"www.example.com", b"192.000.002.001")] {
        let mut stream = CLIENTS[0].to_vec();
        let at = stream.windows(good.len()).position(|bytes| bytes == good).expect("the name");
        stream[at..at + bad.len()].copy_from_slice(bad);
        assert_eq!(hello(&stream), ClientHello { name: None, ..hello(CLIENTS[0]) });
    }
}

#[test]
fn records_of_one_byte_cost_no_more_than_their_bytes() {
    let mut stream = Vec::new();
    for byte in [&[1, 0, 0x3f, 0xff][..], &[3; 16_000]].concat().repeat(8) {
        stream.extend([22, 3, 1, 0, 1, byte]);
    }
    assert_eq!(super::records::handshake(&stream).bytes.len(), MAX_MESSAGE);
    let _ = (client_hello(&stream), server_flight(&stream));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let framed = [&[22, 3, 1, 2, 0][..], &bytes].concat();
        for stream in [&bytes, &framed] {
            let _ = (client_hello(stream), client_hello_partial(stream));
            let _ = (server_flight(stream), server_flight_partial(stream), hello_message(stream));
        }
    }

    #[test]
    fn random_bytes_are_no_handshake(bytes in prop::collection::vec(any::<u8>(), 11..600)) {
        prop_assert_eq!(client_hello(&bytes), Parsed::Other);
        prop_assert_eq!(server_flight(&bytes), Parsed::Other);
    }

    #[test]
    fn a_changed_byte_harms_nobody(which in 0..13_usize, at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut stream = CLIENTS.iter().chain(SERVERS).nth(which).expect("13 fixtures").to_vec();
        let at = at.index(stream.len());
        stream[at] = byte;
        let _ = (client_hello(&stream), client_hello_partial(&stream));
        let _ = (server_flight(&stream), server_flight_partial(&stream));
    }

    #[test]
    fn records_may_be_cut_anywhere(size in 1..2000_usize) {
        let message = &CLIENTS[4][5..];
        let mut stream = Vec::new();
        for piece in message.chunks(size) {
            stream.extend([&[22, 3, 1][..], &u16::try_from(piece.len()).unwrap().to_be_bytes(), piece].concat());
        }
        prop_assert_eq!(hello(&stream), hello(CLIENTS[4]));
    }
}
