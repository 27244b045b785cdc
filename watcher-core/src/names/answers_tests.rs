use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::{Answers, MAX_ENTRIES, MAX_PER_PROCESS};
use crate::{
    BootTime, ProcessId,
    names::{
        NameSource,
        parse::dns::{Answer, Data, Message, Question},
    },
};

const A: u16 = 1;
const HTTPS: u16 = 65;
const PTR: u16 = 12;

fn process(tgid: u32) -> ProcessId {
    ProcessId { tgid, start: BootTime(1) }
}

fn at(seconds: u64) -> BootTime {
    BootTime(seconds * 1_000_000_000)
}

fn response(name: &str, kind: u16, answers: Vec<Answer>) -> Message {
    let question = Question { name: name.into(), kind };
    Message { id: 1, response: true, truncated: false, rcode: 0, question, answers }
}

fn record(name: &str, ttl: u32, data: Data) -> Answer {
    Answer { name: name.into(), ttl, data }
}

fn v4(ip: &str) -> Data {
    Data::V4(ip.parse().unwrap())
}

fn alias(to: &str) -> Data {
    Data::Alias(to.into())
}

fn one(name: &str, ttl: u32, ip: &str) -> Message {
    response(name, A, vec![record(name, ttl, v4(ip))])
}

/// The name of an address to process 1, and how it is known.
fn name(answers: &Answers, ip: &str, when: BootTime) -> Option<(String, NameSource)> {
    name_to(answers, 1, ip, when)
}

fn name_to(answers: &Answers, tgid: u32, ip: &str, when: BootTime) -> Option<(String, NameSource)> {
    let name = answers.name_of(process(tgid), ip.parse().unwrap(), when)?;
    Some((name.domain().to_owned(), name.source()))
}

#[expect(clippy::unnecessary_wraps, reason = "as what it is compared with")]
fn known(domain: &str, source: NameSource) -> Option<(String, NameSource)> {
    Some((domain.to_owned(), source))
}

#[test]
fn an_address_goes_by_the_name_that_was_asked_for_through_aliases_in_any_order() {
    let mut answers = Answers::new();
    let records = vec![
        record("edge.cdn.example", 300, v4("192.0.2.1")),
        record("mid.cdn.example", 300, alias("edge.cdn.example")),
        record("www.shop.example", 300, alias("mid.cdn.example")),
        record("edge.cdn.example", 300, Data::V6("2001:db8::1".parse().unwrap())),
    ];
    answers.learn(process(1), &response("www.shop.example", A, records), at(0));
    for ip in ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"] {
        assert_eq!(name(&answers, ip, at(1)), known("www.shop.example", NameSource::Dns), "{ip}");
        assert_eq!(name_to(&answers, 2, ip, at(1)), known("www.shop.example", NameSource::HostDns), "{ip}");
    }
    assert_eq!(
        answers.name_of(process(1), "192.0.2.1".parse().unwrap(), at(1)).unwrap().display(),
        Some("shop.example")
    );
}

#[test]
fn what_the_question_does_not_lead_to_teaches_nothing() {
    let mut answers = Answers::new();
    let records = vec![
        record("bank.example", 300, v4("192.0.2.66")),
        record("other.example", 300, alias("www.evil.example")),
        record("www.evil.example", 300, v4("192.0.2.1")),
    ];
    answers.learn(process(1), &response("www.evil.example", A, records), at(0));
    assert_eq!(name(&answers, "192.0.2.66", at(1)), None);
    assert_eq!(name(&answers, "192.0.2.1", at(1)), known("www.evil.example", NameSource::Dns));
}

#[test]
fn aliases_in_a_circle_end() {
    let records = vec![
        record("a.example", 1, alias("b.example")),
        record("b.example", 1, alias("a.example")),
        record("b.example", 1, v4("192.0.2.1")),
    ];
    let mut answers = Answers::new();
    answers.learn(process(1), &response("a.example", A, records), at(0));
    assert_eq!(name(&answers, "192.0.2.1", at(1)), known("a.example", NameSource::Dns));
}

#[test]
fn hints_and_targets_of_services_count() {
    let service = |target: &str, hint: &str| Data::Service {
        target: target.into(),
        hints: vec![hint.parse().unwrap()],
        ech: true,
    };
    let records = vec![
        record("_8443._https.shop.example", 300, service("", "192.0.2.1")),
        record("_8443._https.shop.example", 300, service("pool.example", "2001:db8::2")),
        record("pool.example", 300, v4("192.0.2.3")),
    ];
    let mut answers = Answers::new();
    answers.learn(process(1), &response("_8443._https.shop.example", HTTPS, records), at(0));
    for ip in ["192.0.2.1", "2001:db8::2", "192.0.2.3"] {
        assert_eq!(name(&answers, ip, at(1)), known("shop.example", NameSource::Dns), "{ip}");
    }
}

#[test]
fn errors_queries_and_addresses_that_are_nowhere_teach_nothing() {
    let mut answers = Answers::new();
    let fine = one("a.example", 300, "192.0.2.1");
    answers.learn(process(1), &Message { rcode: 3, ..fine.clone() }, at(0));
    answers.learn(process(1), &Message { response: false, ..fine }, at(0));
    for ip in ["0.0.0.0", "127.0.0.1", "127.9.9.9", "255.255.255.255", "224.0.0.251"] {
        answers.learn(process(1), &one("ads.example", 300, ip), at(0));
        assert_eq!(name(&answers, ip, at(1)), None, "{ip}");
    }
    for ip in ["::", "::1", "::ffff:127.0.0.1"] {
        let data = Data::V6(ip.parse().unwrap());
        answers.learn(process(1), &response("ads.example", A, vec![record("ads.example", 1, data)]), at(0));
        assert_eq!(name(&answers, ip, at(1)), None, "{ip}");
    }
    answers.learn(process(1), &one("no\\032name.example", 300, "192.0.2.2"), at(0));
    assert_eq!((name(&answers, "192.0.2.1", at(1)), name(&answers, "192.0.2.2", at(1))), (None, None));
    assert_eq!(answers.total, 0);
}

#[test]
fn a_name_lives_as_long_as_its_record_from_a_minute_to_a_day() {
    let day = 86_400;
    for (ttl, life) in [(0, 60), (59, 60), (300, 300), (day, u64::from(day)), (i32::MAX as u32, 86_400), (u32::MAX, 60)]
    {
        let mut answers = Answers::new();
        answers.learn(process(1), &one("a.example", ttl, "192.0.2.1"), at(1_000));
        assert!(name(&answers, "192.0.2.1", at(1_000 + life - 1)).is_some(), "{ttl}");
        assert_eq!(name(&answers, "192.0.2.1", at(1_000 + life)), None, "{ttl}");
    }
}

#[test]
fn the_latest_asked_wins_and_the_own_one_over_that_of_others() {
    let mut answers = Answers::new();
    answers.learn(process(1), &one("a.example", 300, "192.0.2.1"), at(0));
    answers.learn(process(1), &one("b.example", 300, "192.0.2.1"), at(1));
    answers.learn(process(2), &one("c.example", 900, "192.0.2.1"), at(2));
    assert_eq!(name(&answers, "192.0.2.1", at(3)), known("b.example", NameSource::Dns));
    assert_eq!(name_to(&answers, 3, "192.0.2.1", at(3)), known("c.example", NameSource::HostDns));
    // When its own is over, what the machine knows is left.
    assert_eq!(name(&answers, "192.0.2.1", at(400)), known("c.example", NameSource::HostDns));
    answers.ended(process(2));
    assert_eq!(name_to(&answers, 2, "192.0.2.1", at(3)), known("c.example", NameSource::HostDns));
    assert_eq!((answers.total, answers.sizes.len(), answers.own.len()), (1, 1, 1));
}

#[test]
fn reverse_names_that_pass_by_are_learnt() {
    let mut answers = Answers::new();
    let ask = |zone: &str, records| response(zone, PTR, records);
    let zone = "1.2.0.192.in-addr.arpa";
    answers.learn(process(1), &ask(zone, vec![record(zone, 9, Data::Pointer("Host.Example.".into()))]), at(0));
    // A classless delegation (RFC 2317) goes through an alias.
    let (zone, through) = ("2.2.0.192.in-addr.arpa", "2.0-31.2.0.192.in-addr.arpa");
    let records = vec![record(zone, 9, alias(through)), record(through, 9, Data::Pointer("two.example".into()))];
    answers.learn(process(1), &ask(zone, records), at(0));
    let zone = format!("1.{}8.b.d.0.1.0.0.2.ip6.arpa", "0.".repeat(23));
    answers.learn(process(1), &ask(&zone, vec![record(&zone, 9, Data::Pointer("six.example".into()))]), at(0));
    let of = |ip: &str| answers.reverse_of(ip.parse().unwrap(), at(1)).map(|n| (n.domain().to_owned(), n.source()));
    assert_eq!(of("192.0.2.1"), known("host.example", NameSource::Ptr));
    assert_eq!(of("192.0.2.2"), known("two.example", NameSource::Ptr));
    assert_eq!(of("2001:db8::1"), known("six.example", NameSource::Ptr));
    assert_eq!(name(&answers, "192.0.2.1", at(1)), None);
}

#[test]
fn a_process_that_asks_much_pushes_out_only_itself() {
    let mut answers = Answers::new();
    answers.learn(process(1), &one("quiet.example", 60, "192.0.2.1"), at(0));
    for tgid in 2..22 {
        for n in 0..3_000_u32 {
            let ip = Ipv4Addr::from(0x0a00_0000 + n).to_string();
            answers.learn(process(tgid), &one("loud.example", 86_400, &ip), at(1));
        }
        assert!(answers.own[&process(tgid)].len() <= MAX_PER_PROCESS);
        assert!(answers.total <= MAX_ENTRIES && answers.machine.len() <= MAX_ENTRIES);
    }
    assert_eq!(answers.total, MAX_ENTRIES);
    assert_eq!(name(&answers, "192.0.2.1", at(2)), known("quiet.example", NameSource::Dns));
    let newest = Ipv4Addr::from(0x0a00_0000 + 2_999).to_string();
    assert_eq!(name_to(&answers, 21, &newest, at(2)), known("loud.example", NameSource::Dns));
    (2..22).for_each(|tgid| answers.ended(process(tgid)));
    assert_eq!((answers.total, answers.sizes.len()), (1, 1));
}

fn data() -> impl Strategy<Value = Data> {
    let ip = (0..16_u32).prop_map(|n| Ipv4Addr::from(0xc000_0200 + n));
    prop_oneof![
        ip.clone().prop_map(Data::V4),
        "[a-d]\\.example".prop_map(|name| Data::Alias(name.into())),
        (prop_oneof![Just(String::new()), "[a-d]\\.example".boxed()], ip).prop_map(|(target, ip)| Data::Service {
            target: target.into(),
            hints: vec![IpAddr::V4(ip)],
            ech: false
        }),
        ".{0,12}".prop_map(|name| Data::Pointer(name.into())),
        any::<u16>().prop_map(Data::Other),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let name = || prop_oneof!["[a-d]\\.example", ".{0,20}", "[0-9a-f.]{0,70}(\\.in-addr\\.arpa|\\.ip6\\.arpa)"];
    let records = prop::collection::vec((name(), any::<u32>(), data()), 0..12);
    (name(), prop_oneof![Just(A), Just(HTTPS), Just(PTR)], records).prop_map(|(asked, kind, records)| {
        let records = records.into_iter().map(|(name, ttl, data)| record(&name, ttl, data)).collect();
        response(&asked, kind, records)
    })
}

proptest! {
    #[test]
    fn a_process_is_never_told_that_it_asked_for_what_it_did_not(
        told in prop::collection::vec((1..4_u32, message(), 0..200_u64), 0..40),
    ) {
        let mut answers = Answers::new();
        let mut asked = std::collections::HashSet::new();
        for (tgid, message, when) in &told {
            answers.learn(process(*tgid), message, at(*when));
            asked.insert((*tgid, message.question.name.to_string()));
        }
        for (tgid, n) in (1..5_u32).flat_map(|tgid| (0..16).map(move |n| (tgid, n))) {
            let ip = IpAddr::V4(Ipv4Addr::from(0xc000_0200 + n));
            let Some(name) = answers.name_of(process(tgid), ip, at(100)) else { continue };
            prop_assert!(matches!(name.source(), NameSource::Dns | NameSource::HostDns));
            let by = |tgid: u32| asked.iter().any(|(who, what)| *who == tgid && what.to_lowercase().ends_with(name.domain()));
            prop_assert!(name.source() == NameSource::HostDns || by(tgid));
        }
        prop_assert_eq!(answers.total, answers.own.values().map(super::Book::len).sum::<usize>());
        prop_assert_eq!(answers.sizes.len(), answers.own.len());
    }
}
