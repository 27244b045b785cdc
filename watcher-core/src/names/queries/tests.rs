use std::{net::SocketAddr, time::Duration};

use proptest::prelude::*;

use super::{Carried, Carrier, MAX_ENTRIES, NoAnswer, Queries, Query};
use crate::{
    BootTime, ProcessId, SocketId,
    names::{
        Transport, Way,
        parse::dns::{Answer, Data, Message, Question},
    },
};

fn at(millis: u64) -> BootTime {
    BootTime(millis * 1_000_000)
}

fn carried(way: Way, millis: u64) -> Carried {
    Carried {
        at: at(millis),
        process: ProcessId { tgid: 7, start: BootTime(1) },
        socket: SocketId { cookie: 5, epoch: 0 },
        way,
        transport: Transport::Udp,
        remote: "127.0.0.53:53".parse().unwrap(),
    }
}

fn query(id: u16, name: &str, kind: u16) -> Message {
    let question = Question { name: name.into(), kind };
    Message { id, response: false, truncated: false, rcode: 0, question, answers: Vec::new() }
}

fn response(id: u16, name: &str, kind: u16, answers: Vec<Answer>) -> Message {
    Message { response: true, answers, ..query(id, name, kind) }
}

fn record(name: &str, data: Data) -> Answer {
    Answer { name: name.into(), ttl: 60, data }
}

fn logged(queries: &Queries) -> Vec<&Query> {
    queries.after(0).map(|query| &**query).collect()
}

#[test]
fn a_query_and_its_answer_are_one_entry() {
    let mut queries = Queries::new();
    assert!(!queries.observe(&carried(Way::Sent, 1_000), &query(1, "www.shop.example", 1)));
    assert!(logged(&queries).is_empty());
    let mut records = vec![
        record("www.shop.example", Data::Alias("mid.example".into())),
        record("mid.example", Data::Alias("edge.example".into())),
    ];
    records.extend((0..20).map(|n| record("edge.example", Data::V4([192, 0, 2, n].into()))));
    assert!(queries.observe(&carried(Way::Received, 1_023), &response(1, "www.shop.example", 1, records)));
    let expected = Query {
        number: 1,
        at: at(1_000),
        process: ProcessId { tgid: 7, start: BootTime(1) },
        name: "www.shop.example".into(),
        kind: "A".into(),
        server: "127.0.0.53:53".parse().unwrap(),
        transport: Carrier::Udp,
        tries: 1,
        answers: (0..8).map(|n| format!("192.0.2.{n}").into()).collect(),
        alias: Some("edge.example".into()),
        rcode: Some("NOERROR".into()),
        truncated: false,
        failure: None,
        latency: Some(Duration::from_millis(23)),
    };
    assert_eq!(logged(&queries), [&expected]);
    assert!(!expected.failed());
    let json = serde_json::to_string(&expected).unwrap();
    assert_eq!(serde_json::from_str::<Query>(&json).unwrap(), expected);
    // It was answered: a second one answers nothing.
    assert!(!queries.observe(&carried(Way::Received, 1_024), &response(1, "www.shop.example", 1, vec![])));
    assert_eq!(logged(&queries).len(), 1);
}

#[test]
fn only_what_was_asked_there_is_answered() {
    let answer = response(1, "a.example", 1, vec![]);
    let asked = || {
        let mut queries = Queries::new();
        queries.observe(&carried(Way::Sent, 0), &query(1, "a.example", 1));
        queries
    };
    let elsewhere: SocketAddr = "192.0.2.66:53".parse().unwrap();
    let here = carried(Way::Received, 1);
    assert!(asked().observe(&here, &answer));
    assert!(!asked().observe(&Carried { remote: elsewhere, ..here }, &answer));
    assert!(!asked().observe(&Carried { socket: SocketId { cookie: 6, epoch: 0 }, ..here }, &answer));
    assert!(!asked().observe(&here, &Message { id: 2, ..answer.clone() }));
    assert!(!asked().observe(&here, &response(1, "b.example", 1, vec![])));
    assert!(!asked().observe(&here, &response(1, "a.example", 28, vec![])));
    assert!(!Queries::new().observe(&here, &answer));
}

#[test]
fn a_server_s_answers_are_not_its_questions() {
    let mut queries = Queries::new();
    queries.observe(&carried(Way::Received, 0), &query(1, "a.example", 1));
    assert!(!queries.observe(&carried(Way::Sent, 1), &response(1, "a.example", 1, vec![])));
    for port in [5_353, 5_355] {
        let remote = SocketAddr::new("224.0.0.251".parse().unwrap(), port);
        queries.observe(&Carried { remote, ..carried(Way::Sent, 0) }, &query(1, "a.local", 1));
        queries.observe(&Carried { remote, ..carried(Way::Received, 0) }, &response(1, "a.local", 1, vec![]));
    }
    queries.expire(at(60_000));
    assert!(logged(&queries).is_empty());
}

#[test]
fn a_question_sent_again_is_one_entry() {
    let mut queries = Queries::new();
    for millis in [0, 2_000, 5_000] {
        queries.observe(&carried(Way::Sent, millis), &query(1, "a.example", 1));
    }
    // Five seconds after the last try it is given up, not sooner.
    queries.expire(at(10_000));
    assert!(logged(&queries).is_empty());
    assert!(queries.observe(&carried(Way::Received, 10_000), &response(1, "a.example", 1, vec![])));
    let log = logged(&queries);
    assert_eq!((log.len(), log[0].tries, log[0].latency), (1, 3, Some(Duration::from_secs(10))));
}

#[test]
fn what_goes_wrong_is_told() {
    let mut queries = Queries::new();
    queries.observe(&carried(Way::Sent, 0), &query(1, "gone.example", 257));
    queries.observe(&carried(Way::Sent, 0), &query(2, "slow.example", 4_711));
    let tcp = Carried { transport: Transport::Tcp { seq: 9 }, ..carried(Way::Sent, 0) };
    queries.observe(&tcp, &query(3, "big.example", 16));
    queries.observe(&carried(Way::Received, 9), &Message { rcode: 3, ..response(1, "gone.example", 257, vec![]) });
    queries.observe(&carried(Way::Received, 9), &Message { truncated: true, ..response(3, "big.example", 16, vec![]) });
    queries.expire(at(5_001));
    let log = logged(&queries);
    let told: Vec<_> = log.iter().map(|q| (q.number, &*q.kind, q.rcode.as_deref(), q.failure, q.truncated)).collect();
    assert_eq!(
        told,
        [
            (1, "CAA", Some("NXDOMAIN"), None, false),
            (2, "TXT", Some("NOERROR"), None, true),
            (3, "TYPE4711", None, Some(NoAnswer::Timeout), false),
        ]
    );
    assert_eq!(log.iter().map(|q| q.failed()).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!((log[1].transport, log[2].latency), (Carrier::Tcp, None));
}

#[test]
fn the_log_goes_on_from_a_number() {
    let mut queries = Queries::new();
    for n in 0..5_000_u64 {
        queries.observe(&carried(Way::Sent, n), &query(1, "a.example", 1));
        queries.observe(&carried(Way::Received, n), &response(1, "a.example", 1, vec![]));
    }
    let numbers = |after| queries.after(after).map(|query| query.number).collect::<Vec<_>>();
    assert_eq!(numbers(0).len(), MAX_ENTRIES);
    assert_eq!((numbers(0)[0], numbers(10)[0]), (905, 905));
    assert_eq!(numbers(4_998), [4_999, 5_000]);
    assert!(numbers(5_000).is_empty() && numbers(u64::MAX).is_empty());
    assert!(Queries::new().after(0).next().is_none());
}

#[test]
fn queries_without_an_answer_are_bounded() {
    let mut queries = Queries::new();
    for n in 0..6_000_u32 {
        let name = format!("n{n}.example");
        queries.observe(&carried(Way::Sent, 0), &query(1, &name, 1));
    }
    assert_eq!(queries.pending.len(), 4_096);
    let log = logged(&queries);
    assert_eq!((log.len(), log[0].failure, &*log[0].name), (1_904, Some(NoAnswer::Untracked), "n0.example"));
    queries.expire(at(6_000));
    assert_eq!((queries.pending.len(), queries.last, logged(&queries).len()), (0, 6_000, MAX_ENTRIES));
}

#[test]
fn texts_are_short() {
    let mut queries = Queries::new();
    let long = "ü".repeat(2_000);
    queries.observe(&carried(Way::Sent, 0), &query(1, &long, 12));
    let records = vec![record(&long, Data::Alias(long[2..].into())), record(&long, Data::Pointer(long.clone().into()))];
    queries.observe(&carried(Way::Received, 0), &response(1, &long, 12, records));
    let [entry] = logged(&queries)[..] else { panic!("one entry") };
    let lengths = [&entry.name, &entry.answers[0], entry.alias.as_ref().unwrap()].map(|text| text.chars().count());
    assert_eq!(lengths, [253, 100, 253]);
}

proptest! {
    #[test]
    fn each_question_is_logged_once_whatever_happens(
        steps in prop::collection::vec((any::<bool>(), any::<bool>(), 0..3_u16, 0..3_usize, 0..4_000_u64), 0..80),
    ) {
        let mut queries = Queries::new();
        let (mut millis, mut answered, mut asked) = (0, 0, 0);
        for (is_sent, is_response, id, name, pause) in steps {
            let name = ["a.example", "b.example", "c.example"][name];
            let way = if is_sent { Way::Sent } else { Way::Received };
            let message = Message { response: is_response, ..query(id, name, 1) };
            asked += u64::from(is_sent && !is_response);
            answered += u64::from(queries.observe(&carried(way, millis), &message));
            queries.expire(at(millis));
            millis += pause;
        }
        queries.expire(at(millis + 10_000));
        prop_assert_eq!(queries.pending.len(), 0);
        let log = logged(&queries);
        prop_assert_eq!(log.iter().map(|query| u64::from(query.tries)).sum::<u64>(), asked);
        prop_assert_eq!(log.iter().filter(|query| query.rcode.is_some()).count() as u64, answered);
        prop_assert!(log.iter().enumerate().all(|(n, query)| query.number == n as u64 + 1));
    }
}
