//! What programs begin with, and that random bytes are none of it.

use super::{tcp, udp};
use crate::names::Observed;
use crate::names::parse::Parsed;
use proptest::prelude::*;

const STREAMS: &[(Observed, &[u8])] = &[
    (Observed::Ssh, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    (Observed::Ssh, b"SSH-1.99-Cisco-1.25\r\n"),
    (Observed::Postgres, b"\0\0\0\x08\x04\xd2\x16\x2f"),
    (Observed::Postgres, b"\0\0\0\x08\x04\xd2\x16\x30"),
    (Observed::Postgres, b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\x12\x34\xde\xad\xbe\xef"),
    (Observed::Postgres, b"\0\0\0\x21\0\x03\0\0user\0alice\0database\0shop\0\0"),
    (
        Observed::MySql,
        b"\x4a\0\0\0\x0a8.0.36-0ubuntu0.22.04.1\0\x08\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08\0\xff\xff\xff\x02\0\xff\xdf\x15",
    ),
    (Observed::MySql, b"\x5d\0\0\0\x0a5.5.5-10.11.6-MariaDB\0\x1f\0\0\0abcdefgh\0\xfe\xf7"),
    (Observed::Redis, b"*1\r\n$4\r\nPING\r\n"),
    (Observed::Redis, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"),
    (Observed::Redis, b"*2\r\n$5\r\nhello\r\n$1\r\n3\r\n"),
    (Observed::Redis, b"-NOAUTH Authentication required.\r\n"),
    (Observed::Mqtt, b"\x10\x12\0\x04MQTT\x04\x02\0\x3c\0\x06client"),
    (Observed::Mqtt, b"\x10\x80\x01\0\x04MQTT\x05\x02\0\x3c"),
    (Observed::Mqtt, b"\x10\x12\0\x06MQIsdp\x03\x02\0\x3c"),
    (Observed::Stun, b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl"),
    (Observed::BitTorrent, b"\x13BitTorrent protocol\0\0\0\0\0\x10\0\x05"),
];

/// The smallest datagram with `bytes` at `at`.
fn with(length: usize, parts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut datagram = vec![0; length];
    for (at, bytes) in parts {
        datagram[*at..at + bytes.len()].copy_from_slice(bytes);
    }
    datagram
}

fn datagrams() -> Vec<(Observed, [u16; 2], Vec<u8>)> {
    let dns = b"\0\0\x84\0\0\0\0\x01\0\0\0\0\x05_http\x04_tcp\x05local\0\0\x0c\0\x01\0\0\x11\x94\0\x02\xc0\x0c";
    vec![
        (Observed::Ntp, [40_000, 123], with(48, &[(0, b"\x23\0\x06\xec")])),
        (Observed::Ntp, [123, 123], with(68, &[(0, b"\x1c\x02\x06\xec")])),
        (Observed::Stun, [50_000, 3478], with(28, &[(0, b"\0\x01\0\x08\x21\x12\xa4\x42")])),
        (Observed::Mdns, [5353, 5353], dns.to_vec()),
        (Observed::Dhcp, [68, 67], with(300, &[(0, b"\x01\x01\x06\0"), (236, b"\x63\x82\x53\x63")])),
        (Observed::Dhcp, [546, 547], b"\x01abc\0\x08\0\x02\0\0\0\x06\0\x02\0\x17".to_vec()),
        (Observed::BitTorrent, [6881, 9000], b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe".to_vec()),
        (Observed::BitTorrent, [6881, 9000], b"d1:eli201e3:oope1:t2:aa1:y1:ee".to_vec()),
        (
            Observed::BitTorrent,
            [6881, 9000],
            with(20, &[(0, b"\x41\0\x12\x34\xaa\xbb\xcc\xdd"), (12, b"\0\x10\0\0\0\x01")]),
        ),
        (Observed::BitTorrent, [6881, 9000], with(30, &[(0, b"\x41\x02\x12\x34\xaa\xbb\xcc\xdd"), (20, b"\0\x08")])),
    ]
}

#[test]
fn streams_are_known_by_their_first_bytes_and_not_before() {
    for (observed, stream) in STREAMS {
        assert_eq!(tcp(stream), Parsed::Complete(*observed), "{stream:?}");
        for end in 0..stream.len() {
            assert!(matches!(tcp(&stream[..end]), Parsed::Incomplete | Parsed::Complete(_)), "{end} of {stream:?}");
        }
    }
}

#[test]
fn datagrams_are_known_by_their_content() {
    for (observed, ports, datagram) in datagrams() {
        assert_eq!(udp(&datagram, datagram.len(), ports), Some(observed), "{datagram:?}");
        assert_eq!(udp(&datagram, datagram.len(), [ports[1], ports[0]]), Some(observed));
    }
    let ntp = with(48, &[(0, b"\x23\0\x06\xec")]);
    assert_eq!(udp(&ntp, 48, [40_000, 40_001]), None, "its port is part of what tells NTP");
}

#[test]
fn what_only_looks_like_one_is_none() {
    for stream in [
        &b"220 mail.example ESMTP\r\n"[..],
        b"+OK POP3 ready\r\n",
        b"* OK IMAP4rev1\r\n",
        b"*0\r\n$4\r\nPING\r\n",
        b"*1\r\n$4\r\nPI\0G\r\n",
        b"*1\r\n$3\r\nPING\r\n",
        b"\0\0\0\x09\x04\xd2\x16\x2f",
        b"\0\0\0\x09\0\x03\0\x01user",
        b"\x10\x12\0\x04MQTT\x09\x02",
        b"\x0a\0\0\0\x0anothing",
    ] {
        assert_eq!(tcp(stream), Parsed::Other, "{stream:?}");
    }
}

proptest! {
    #[test]
    fn random_bytes_are_nothing(bytes in prop::collection::vec(any::<u8>(), 40..300), ports in any::<[u16; 2]>()) {
        prop_assert_eq!(tcp(&bytes), Parsed::Other);
        if !ports.iter().any(|port| [67, 68, 123, 546, 547, 5353, 5355].contains(port)) {
            prop_assert_eq!(udp(&bytes, bytes.len(), ports), None);
        }
    }

    #[test]
    fn a_changed_or_cut_beginning_harms_nobody(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        port in prop::sample::select(vec![53_u16, 67, 123, 546, 5353]),
    ) {
        let all: Vec<Vec<u8>> =
            STREAMS.iter().map(|(_, bytes)| bytes.to_vec()).chain(datagrams().into_iter().map(|(_, _, b)| b)).collect();
        let mut bytes = all[which.index(all.len())].clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = (tcp(&bytes), udp(&bytes, bytes.len(), [port, 9]));
        bytes.truncate(at);
        let _ = (tcp(&bytes), udp(&bytes, bytes.len() + 1, [port, 9]));
    }
}
