//! Messages whole, cut and hostile.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::{Answer, Data, MAX_ANSWERS, Message, is_message, message, tcp_messages};
use proptest::prelude::*;

/// A response: header with these counts, then sections as they come.
fn response(counts: [u16; 4], sections: &[&[u8]]) -> Vec<u8> {
    let counts = counts.iter().flat_map(|count| count.to_be_bytes());
    [0x12, 0x34, 0x81, 0x80].into_iter().chain(counts).chain(sections.concat()).collect()
}

/// `www.example.com`, type, class IN.
fn question(kind: u8) -> Vec<u8> {
    [&b"\x03wWw\x07example\x03COM\0\0"[..], &[kind, 0, 1]].concat()
}

fn record(name: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("short data").to_be_bytes();
    [name, &kind.to_be_bytes(), &[0, 1, 0, 0, 1, 44], &length, data].concat()
}

/// A question, an alias, an address of each family.
fn usual() -> Vec<u8> {
    let alias = record(b"\xc0\x0c", 5, b"\x04edge\xc0\x10");
    let v4 = record(b"\xc0\x2d", 1, &[192, 0, 2, 7]);
    let v6 = record(b"\xc0\x2d", 28, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    response([1, 3, 0, 0], &[&question(1), &alias, &v4, &v6])
}

fn datas(message: &Message) -> Vec<Data> {
    message.answers.iter().map(|answer| answer.data.clone()).collect()
}

#[test]
fn a_response_gives_its_question_and_its_answers() {
    let read = message(&usual()).expect("a message");
    assert_eq!((read.id, read.response, read.truncated, read.rcode), (0x1234, true, false, 0));
    assert_eq!((&*read.question.name, read.question.kind), ("www.example.com", 1));
    let alias = Answer { name: "www.example.com".into(), ttl: 300, data: Data::Alias("edge.example.com".into()) };
    assert_eq!(read.answers[0], alias);
    assert_eq!(&*read.answers[1].name, "edge.example.com");
    assert_eq!(read.answers[1].data, Data::V4([192, 0, 2, 7].into()));
    assert_eq!(read.answers[2].data, Data::V6("2001:db8::1".parse().unwrap()));
}

#[test]
fn a_query_without_answers_is_a_message() {
    let mut query = response([1, 0, 0, 0], &[&question(65)]);
    query[2] = 1;
    query[3] = 0;
    let read = message(&query).expect("a message");
    assert_eq!((read.response, read.question.kind, read.answers.len()), (false, 65, 0));
}

#[test]
fn service_records_carry_hints_and_keys() {
    let data = b"\0\x01\0\0\x01\0\x03\x02h3\0\x04\0\x04\xc0\0\x02\x07\0\x05\0\x04\0\x02\xfe\x0d\0\x06\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02";
    let read = message(&response([1, 1, 0, 0], &[&question(65), &record(b"\xc0\x0c", 65, data)])).expect("a message");
    let hints: Vec<IpAddr> = vec!["192.0.2.7".parse().unwrap(), "2001:db8::2".parse().unwrap()];
    assert_eq!(datas(&read), [Data::Service { target: "".into(), hints, ech: true }]);
    let alias = record(b"\xc0\x0c", 64, b"\0\0\x04edge\x07example\0");
    let read = message(&response([1, 1, 0, 0], &[&question(64), &alias])).expect("a message");
    assert_eq!(datas(&read), [Data::Service { target: "edge.example".into(), hints: vec![], ech: false }]);
}

#[test]
fn what_a_label_may_not_hold_is_escaped() {
    let data = b"\x09a.b\\\xff \x00-_\x05local\0";
    let read = message(&response([1, 1, 0, 0], &[&question(12), &record(b"\xc0\x0c", 12, data)])).expect("a message");
    assert_eq!(datas(&read), [Data::Pointer(r"a\.b\\\255\032\000-_.local".into())]);
    let root = response([1, 0, 0, 0], &[b"\0\0\x02\0\x01"]);
    assert_eq!(&*message(&root).expect("a message").question.name, "");
}

#[test]
fn an_odd_record_costs_only_itself() {
    let odd = [record(b"\xc0\x0c", 1, b"abc"), record(b"\xc0\x0c", 65, b"\0\x01\0\0\x04\0\x03abc")].concat();
    let unknown = record(b"\xc0\x0c", 0xff42, &[1; 30]);
    let good = record(b"\xc0\x0c", 1, &[192, 0, 2, 7]);
    let opt = b"\0\0\x29\x04\xd0\x01\0\0\0\0\0";
    let bytes = response([1, 4, 0, 1], &[&question(1), &odd, &unknown, &good, opt]);
    let read = message(&bytes).expect("a message");
    let wanted = [Data::Other(1), Data::Other(65), Data::Other(0xff42), Data::V4([192, 0, 2, 7].into())];
    assert_eq!(datas(&read), wanted);
    assert_eq!(read.rcode, 16, "the upper bits come from EDNS");
}

#[test]
fn every_cut_keeps_the_question_and_the_whole_answers() {
    let bytes = usual();
    let whole = message(&bytes).expect("a message");
    for end in 0..bytes.len() {
        match message(&bytes[..end]) {
            None => assert!(end < 12 + 21, "the question ends at 33, not at {end}"),
            Some(part) => {
                assert_eq!(part.question, whole.question);
                assert_eq!(part.answers, whole.answers[..part.answers.len()]);
                assert!(end < 33 + 19 || !part.answers.is_empty(), "{end}");
            }
        }
    }
}

#[test]
fn other_counts_and_operations_are_no_message() {
    assert_eq!(message(&response([0, 0, 0, 0], &[])), None);
    assert_eq!(message(&response([2, 0, 0, 0], &[&question(1), &question(28)])), None);
    let mut update = usual();
    update[2] = 0x28;
    assert_eq!(message(&update), None);
    assert!(is_message(&response([2, 0, 0, 0], &[&question(12), &question(12)])));
    assert!(!is_message(b"") && !is_message(&[0; 12]) && !is_message(&update));
}

#[test]
fn pointers_that_loop_or_lead_ahead_are_no_name() {
    for name in [&b"\xc0\x0c"[..], b"\x01a\xc0\x0c", b"\xc0\xff", b"\xff\xff", b"\x80\x01", b"\x40a"] {
        assert_eq!(message(&response([1, 0, 0, 0], &[name, b"\0\x01\0\x01"])), None, "{name:?}");
    }
    let long = [&[63][..], &[b'a'; 63]].concat().repeat(1000);
    assert_eq!(message(&response([1, 0, 0, 0], &[&long, b"\0\0\x01\0\x01"])), None, "a name of 64,000 bytes");
}

/// 64 KiB of pointers, each to the one before it, and as many records as fit that begin and end with such a chain.
#[test]
fn a_bomb_of_pointers_costs_milliseconds() {
    let mut bytes = response([1, u16::MAX, u16::MAX, u16::MAX], &[b"\0\0\x01\0\x01"]);
    let mut chain = vec![0_u8];
    let start = bytes.len() + 11;
    for hop in 0..7_900_usize {
        let to = if hop == 0 { start } else { start + 1 + (hop - 1) * 2 };
        chain.extend((0xc000 | u16::try_from(to).unwrap()).to_be_bytes());
    }
    let last = (0xc000 | u16::try_from(start + chain.len() - 2).unwrap()).to_be_bytes();
    bytes.extend(record(b"\0", 0xff00, &chain));
    while bytes.len() < 65_000 {
        bytes.extend(record(&last, 5, &last));
    }
    let before = Instant::now();
    let read = message(&bytes).expect("a message");
    assert_eq!(read.answers.len(), MAX_ANSWERS);
    assert_eq!(read.answers[1].data, Data::Alias("".into()), "the chain was followed");
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
}

#[test]
fn messages_in_a_stream_come_apart() {
    let framed = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    let stream = [framed(&usual()), framed(b""), framed(&usual()), framed(&usual())].concat();
    for cut in [0, 1, 30] {
        let mut messages = tcp_messages(&stream[..stream.len() - cut]);
        let whole = if cut == 0 { 3 } else { 2 };
        assert_eq!(messages.by_ref().filter_map(message).count(), whole);
        assert_eq!(messages.rest().len(), if cut == 0 { 0 } else { usual().len() + 2 - cut });
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), counts in any::<[u8; 4]>()) {
        let _ = (message(&bytes), is_message(&bytes), tcp_messages(&bytes).count());
        let framed = response(counts.map(|count| u16::from(count % 4)), &[&question(1), &bytes]);
        let _ = (message(&framed), is_message(&framed));
    }

    #[test]
    fn a_changed_byte_harms_nobody(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = usual();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Some(read) = message(&bytes) {
            prop_assert!(read.answers.iter().all(|answer| answer.name.is_ascii()));
        }
    }

    #[test]
    fn random_bytes_are_no_message(bytes in prop::collection::vec(any::<u8>(), 20..300)) {
        prop_assert!(!is_message(&bytes));
    }
}
