//! Whole conversations, in pieces and in any order.

use std::net::SocketAddr;

use super::Conversation;
use crate::names::{Head, NameSource, Observed, Shown, TlsVersion, Transport, Way};
use crate::{BootTime, ProcessId, SocketId};
use proptest::prelude::*;

const SENT: Way = Way::Sent;
const RECEIVED: Way = Way::Received;

fn head(way: Way, transport: Transport, port: u16, bytes: &[u8]) -> Head {
    Head {
        at: BootTime::default(),
        socket: SocketId { cookie: 1, epoch: 0 },
        owner: ProcessId { tgid: 1, start: BootTime::default() },
        way,
        transport,
        local: SocketAddr::from(([10, 0, 0, 1], 50_000)),
        remote: SocketAddr::from(([192, 0, 2, 1], port)),
        bytes: bytes.into(),
        length: u32::try_from(bytes.len()).unwrap(),
    }
}

/// Segments in order, each direction from a sequence number of its own.
fn segments(port: u16, pieces: &[(Way, &[u8])]) -> Vec<Head> {
    let mut next = [u32::MAX - 20, 7_000];
    let heads = pieces.iter().map(|(way, bytes)| {
        let next = if *way == SENT { &mut next[0] } else { &mut next[1] };
        let seq = *next;
        *next = next.wrapping_add(u32::try_from(bytes.len()).unwrap());
        head(*way, Transport::Tcp { seq }, port, bytes)
    });
    heads.collect()
}

fn after(heads: &[Head]) -> Conversation {
    let mut conversation = Conversation::new();
    let mut dns = Vec::new();
    for head in heads {
        let before = conversation.shown().clone();
        let changed = conversation.read(head, &mut dns);
        assert_eq!(changed, before != *conversation.shown(), "what is returned is what happened");
    }
    conversation
}

fn name(shown: &Shown) -> Option<(&str, NameSource)> {
    shown.name.as_ref().map(|name| (name.domain(), name.source()))
}

#[test]
fn a_tls_handshake_shows_both_sides() {
    for (mine, theirs) in [(SENT, RECEIVED), (RECEIVED, SENT)] {
        let conversation = after(&segments(
            8443,
            &[(mine, fixture!("tls/client-tls12.bin")), (theirs, fixture!("tls/server-tls12.bin"))],
        ));
        let shown = conversation.shown();
        assert_eq!(shown.protocol, Some(Observed::Tls));
        assert_eq!(name(shown), Some(("www.example.com", NameSource::Sni)));
        let tls = shown.tls.as_deref().expect("a handshake");
        assert_eq!((tls.offered, tls.chosen), (Some(TlsVersion::Tls12), Some(TlsVersion::Tls12)));
        assert_eq!(tls.issuer.as_deref(), Some("Let's Encrypt, R11"));
        assert_eq!(tls.alpn_chosen.as_deref(), Some("http/1.1"));
        assert!(conversation.is_done());
    }
}

#[test]
fn a_tunnel_is_what_is_in_it() {
    let heads = segments(
        3128,
        &[
            (SENT, b"CONNECT proxied.example:443 HTTP/1.1\r\nHost: proxied.example:443\r\n\r\n"),
            (RECEIVED, b"HTTP/1.1 200 Connection established\r\n\r\n"),
            (SENT, &fixture!("tls/client-pq-ech.bin")[..1200]),
            (SENT, &fixture!("tls/client-pq-ech.bin")[1200..]),
            (RECEIVED, fixture!("tls/server-tls13.bin")),
        ],
    );
    let outer = after(&heads[..2]);
    assert_eq!(outer.shown().protocol, Some(Observed::Http));
    assert_eq!(name(outer.shown()), Some(("proxied.example", NameSource::Http)));
    assert!(!outer.is_done());
    let inner = after(&heads);
    assert_eq!(inner.shown().protocol, Some(Observed::Tls));
    assert_eq!(name(inner.shown()), Some(("pq.example.com", NameSource::Sni)));
    assert!(inner.shown().tls.as_ref().is_some_and(|tls| tls.ech && tls.chosen == Some(TlsVersion::Tls13)));
    assert!(inner.is_done());
}

#[test]
fn postgres_stays_postgres_under_tls() {
    let conversation = after(&segments(
        5432,
        &[
            (SENT, b"\0\0\0\x08\x04\xd2\x16\x2f"),
            (RECEIVED, b"S"),
            (SENT, fixture!("tls/client-tls13.bin")),
            (RECEIVED, fixture!("tls/server-tls13.bin")),
        ],
    ));
    assert_eq!(conversation.shown().protocol, Some(Observed::Postgres));
    assert_eq!(name(conversation.shown()), Some(("www.example.com", NameSource::Sni)));
    assert!(conversation.is_done());
}

#[test]
fn mail_that_turns_to_tls_is_tls() {
    let conversation = after(&segments(
        587,
        &[
            (RECEIVED, b"220 mail.example ESMTP\r\n"),
            (SENT, b"EHLO me.example\r\n"),
            (RECEIVED, b"250 STARTTLS\r\n"),
            (SENT, b"STARTTLS\r\n"),
            (RECEIVED, b"220 go\r\n"),
            (SENT, fixture!("tls/client-tls12.bin")),
            (RECEIVED, fixture!("tls/server-tls12-resumed.bin")),
        ],
    ));
    assert_eq!(conversation.shown().protocol, Some(Observed::Tls));
    assert_eq!(name(conversation.shown()), Some(("www.example.com", NameSource::Sni)));
}

#[test]
fn hellos_that_were_cut_say_what_is_there() {
    let pieces = [(SENT, fixture!("tls/client-tls13.bin")), (RECEIVED, fixture!("tls/server-tls12.bin"))];
    let mut heads = segments(443, &pieces);
    heads[0].bytes = heads[0].bytes[..400].into();
    heads[1].bytes = heads[1].bytes[..300].into();
    let client = after(&heads[..1]);
    assert_eq!(name(client.shown()), Some(("www.example.com", NameSource::Sni)));
    assert!(!client.is_done(), "the server has not answered");
    let both = after(&heads);
    let tls = both.shown().tls.as_deref().expect("a handshake");
    assert_eq!((tls.chosen, tls.issuer.as_deref()), (Some(TlsVersion::Tls12), None));
    assert!(both.is_done(), "the rest cannot come");
}

#[test]
fn a_cut_elsewhere_does_not_end_the_wait() {
    let server = fixture!("tls/server-tls12.bin");
    let pieces = [
        (SENT, fixture!("tls/client-tls12.bin")),
        (RECEIVED, &server[..200]),
        (RECEIVED, &server[200..]),
        (RECEIVED, server),
    ];
    let mut heads = segments(443, &pieces);
    heads[3].bytes = heads[3].bytes[..100].into();
    heads.swap(2, 3);
    let conversation = after(&heads);
    assert_eq!(conversation.shown().tls.as_ref().and_then(|tls| tls.issuer.as_deref()), Some("Let's Encrypt, R11"));
}

#[test]
fn a_hostile_stream_costs_little() {
    let mut stream = Vec::new();
    for byte in [&[1, 0, 0x3f, 0xf0][..], &[3; 3_000]].concat() {
        stream.extend([22, 3, 1, 0, 1, byte]);
    }
    let before = std::time::Instant::now();
    for round in 0..20 {
        let pieces: Vec<(Way, &[u8])> = stream.chunks(300 + round).map(|piece| (SENT, piece)).collect();
        assert!(after(&segments(443, &pieces)).is_done());
    }
    assert!(before.elapsed() < std::time::Duration::from_secs(10), "{:?}", before.elapsed());
}

#[test]
fn plain_http_is_done_with_its_host() {
    let conversation = after(&segments(80, &[(SENT, b"GET / HTTP/1.1\r\n"), (SENT, b"Host: plain.example\r\n\r\n")]));
    assert_eq!(name(conversation.shown()), Some(("plain.example", NameSource::Http)));
    assert!(conversation.is_done());
}

#[test]
fn quic_shows_its_hello_and_its_version() {
    let datagram = |way, bytes| head(way, Transport::Udp, 443, bytes);
    let mut heads = vec![datagram(SENT, fixture!("quic/rfc9001-client.bin"))];
    assert!(!after(&heads).is_done(), "the server has not answered");
    heads.push(datagram(RECEIVED, fixture!("quic/rfc9001-server.bin")));
    let conversation = after(&heads);
    assert_eq!(conversation.shown().protocol, Some(Observed::Quic));
    assert_eq!(name(conversation.shown()), Some(("example.com", NameSource::Quic)));
    assert_eq!(conversation.shown().tls.as_ref().and_then(|tls| tls.chosen), Some(TlsVersion::Tls13));
    assert!(conversation.is_done());
}

const QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";

#[test]
fn a_resolvers_socket_is_never_done() {
    let mut conversation = Conversation::new();
    let mut dns = Vec::new();
    for _ in 0..10_000 {
        conversation.read(&head(SENT, Transport::Udp, 53, QUERY), &mut dns);
        conversation.read(&head(RECEIVED, Transport::Udp, 53, b"junk"), &mut dns);
    }
    assert_eq!(dns.len(), 10_000);
    assert!(dns.iter().all(|(way, message)| *way == SENT && &*message.question.name == "www.example.com"));
    assert!(!conversation.is_done());
    assert_eq!(conversation.shown().protocol, Some(Observed::Dns));
    conversation.read(&head(SENT, Transport::Udp, 443, QUERY), &mut dns);
    assert_eq!(dns.len(), 10_000, "elsewhere it is not looked for");
}

#[test]
fn dns_over_tcp_goes_on_for_as_long_as_it_does() {
    let framed = [&[0, u8::try_from(QUERY.len()).unwrap()][..], QUERY].concat();
    let stream = framed.repeat(3_000);
    let pieces: Vec<(Way, &[u8])> = stream.chunks(777).map(|piece| (SENT, piece)).collect();
    let (mut conversation, mut dns) = (Conversation::new(), Vec::new());
    for head in segments(53, &pieces) {
        conversation.read(&head, &mut dns);
        conversation.read(&head, &mut dns);
    }
    assert_eq!((dns.len(), conversation.is_done()), (3_000, false));
    assert_eq!(conversation.shown().protocol, Some(Observed::Dns));
}

#[test]
fn a_message_that_was_cut_gives_its_question_and_the_next_is_found() {
    let large = [&[4, 0][..], QUERY, &[0; 1024 - QUERY.len()]].concat();
    let small = [&[0, u8::try_from(QUERY.len()).unwrap()][..], QUERY].concat();
    let mut heads = segments(53, &[(RECEIVED, large.as_slice()), (RECEIVED, small.as_slice())].repeat(20));
    for cut in heads.iter_mut().step_by(2) {
        cut.bytes = cut.bytes[..100].into();
    }
    let (mut conversation, mut dns) = (Conversation::new(), Vec::new());
    for head in &heads {
        conversation.read(head, &mut dns);
    }
    assert_eq!((dns.len(), conversation.is_done()), (40, false));
}

#[test]
fn what_shows_nothing_is_given_up() {
    for transport in [Transport::Udp, Transport::Tcp { seq: 0 }] {
        let mut conversation = Conversation::new();
        for index in 0..20 {
            let transport = match transport {
                Transport::Udp => Transport::Udp,
                Transport::Tcp { .. } => Transport::Tcp { seq: index * 100 },
            };
            conversation.read(&head(SENT, transport, 9_999, &[0xee; 100]), &mut Vec::new());
        }
        assert!(conversation.is_done());
        assert_eq!(*conversation.shown(), Shown::default());
    }
    assert!(size_of::<Conversation>() <= 64, "a done flow is small");
}

/// The pieces of a handshake, cut at `cuts`.
fn handshake(cuts: &[usize]) -> Vec<Head> {
    let (client, server) = (fixture!("tls/client-pq-records.bin"), fixture!("tls/server-tls12.bin"));
    let mut pieces: Vec<(Way, &[u8])> = Vec::new();
    for (way, bytes) in [(SENT, client), (RECEIVED, server)] {
        let mut edges: Vec<usize> = cuts.iter().map(|cut| cut % bytes.len()).chain([0, bytes.len()]).collect();
        edges.sort_unstable();
        pieces.extend(edges.windows(2).filter(|edge| edge[0] < edge[1]).map(|edge| (way, &bytes[edge[0]..edge[1]])));
    }
    segments(443, &pieces)
}

#[test]
fn a_split_at_any_byte_shows_the_same() {
    let whole = after(&handshake(&[]));
    for cut in 1..fixture!("tls/client-pq-records.bin").len() {
        let split = after(&handshake(&[cut]));
        assert_eq!(split.shown(), whole.shown(), "{cut}");
        assert!(split.is_done());
    }
}

proptest! {
    #[test]
    fn order_and_repetition_do_not_matter(
        cuts in prop::collection::vec(any::<usize>(), 0..4),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
    ) {
        let whole = after(&handshake(&[]));
        let mut heads = handshake(&cuts);
        for index in order {
            let from = index.index(heads.len());
            let moved = heads.remove(from);
            heads.push(moved.clone());
            heads.push(moved);
        }
        let mixed = after(&heads);
        prop_assert_eq!(mixed.shown(), whole.shown());
    }

    #[test]
    fn arbitrary_heads_are_read_without_a_panic(
        heads in prop::collection::vec(
            (any::<bool>(), any::<bool>(), 0..40_u32, prop::sample::select(vec![53_u16, 443, 5353, 67]), prop::collection::vec(any::<u8>(), 0..80)),
            0..80,
        ),
    ) {
        let mut conversation = Conversation::new();
        for (sent, tcp, seq, port, bytes) in heads {
            let transport = if tcp { Transport::Tcp { seq } } else { Transport::Udp };
            conversation.read(&head(if sent { SENT } else { RECEIVED }, transport, port, &bytes), &mut Vec::new());
        }
    }
}
