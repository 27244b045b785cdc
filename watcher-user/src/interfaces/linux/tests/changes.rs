//! What comes and goes between readings.

use watcher_core::interfaces::{Bytes, Counters, Moved, Since, Survey, Why};

use super::{Namespace, Reader, cable, named, open, raise, send};

fn sent(moved: &[Moved], name: &str) -> Vec<u64> {
    moved.iter().filter(|moved| &*moved.name == name).map(|moved| moved.bytes.tx).collect()
}

fn baseline(reader: &mut Reader) -> Counters {
    let mut counters = Counters::default();
    counters.take(&reader.survey().unwrap());
    counters
}

#[test]
fn what_was_made_after_the_baseline_counts_from_its_first_byte() {
    let namespace = Namespace::new();
    let mut reader = open(&namespace);
    let mut counters = baseline(&mut reader);
    cable(&namespace, "new0", 90);
    let bytes = send(&namespace, 90, 1_000);
    let survey = reader.survey().unwrap();
    assert!(matches!(named(&survey, "new0").since, Since::Seen { bytes: Bytes { rx: 0, tx: 0 }, .. }));
    assert_eq!(sent(&counters.take(&survey), "new0"), [bytes]);
}

#[test]
fn what_was_there_before_counts_from_the_baseline() {
    let namespace = Namespace::new();
    cable(&namespace, "old0", 91);
    send(&namespace, 91, 1_000);
    let mut reader = open(&namespace);
    let mut counters = baseline(&mut reader);
    let bytes = send(&namespace, 91, 77);
    assert_eq!(sent(&counters.take(&reader.survey().unwrap()), "old0"), [bytes]);
}

#[test]
fn deleted_and_made_again_under_the_same_index_it_is_another() {
    let namespace = Namespace::new();
    let make = || {
        namespace.ip("link add d0 index 77 type veth peer name d0-end");
        namespace.ip("link set d0-end up");
        raise(&namespace, "d0", 92);
    };
    make();
    let mut reader = open(&namespace);
    let mut counters = baseline(&mut reader);
    let before = send(&namespace, 92, 500);
    namespace.ip("link del d0");
    make();
    let after = send(&namespace, 92, 900);

    let survey = reader.survey().unwrap();
    assert_eq!(named(&survey, "d0").index, 77);
    assert_eq!(survey.ended.iter().filter(|i| i.index == 77).count(), 1);
    assert_eq!(sent(&counters.take(&survey), "d0"), [before, after]);
    let more = send(&namespace, 92, 10);
    assert_eq!(sent(&counters.take(&reader.survey().unwrap()), "d0"), [more]);
}

#[test]
fn what_came_and_went_between_two_readings_is_told() {
    let namespace = Namespace::new();
    let mut reader = open(&namespace);
    let mut counters = baseline(&mut reader);
    cable(&namespace, "brief0", 93);
    let bytes = send(&namespace, 93, 321);
    namespace.ip("link del brief0");
    let survey = reader.survey().unwrap();
    assert!(survey.ended.iter().all(|i| i.apart == Some(Why::Brief)));
    assert_eq!(sent(&counters.take(&survey), "brief0"), [bytes]);
    assert!(reader.survey().unwrap().ended.is_empty());
}

#[test]
fn what_ends_keeps_its_place() {
    let (a, b) = Namespace::pair();
    a.ip("route add default via 10.77.0.2");
    let mut reader = open(&a);
    assert_eq!(named(&reader.survey().unwrap(), "veth0").apart, None);
    b.ip("link del veth0");
    let survey = reader.survey().unwrap();
    assert_eq!(survey.ended.iter().map(|i| (&*i.name, i.apart.clone())).collect::<Vec<_>>(), [("veth0", None)]);
}

#[test]
fn what_comes_from_another_namespace_does_not_bring_its_bytes() {
    let (from, to) = (Namespace::new(), Namespace::new());
    let mut reader = open(&to);
    let mut counters = baseline(&mut reader);
    cable(&from, "moved0", 94);
    let elsewhere = send(&from, 94, 1_000);
    from.ip(&format!("link set moved0 netns {}", to.id));
    raise(&to, "moved0", 94);
    let here = send(&to, 94, 40);
    let survey = reader.survey().unwrap();
    assert_eq!(named(&survey, "moved0").bytes.tx, elsewhere + here);
    assert_eq!(sent(&counters.take(&survey), "moved0"), [here]);
}

#[test]
fn a_renamed_one_goes_on() {
    let namespace = Namespace::new();
    cable(&namespace, "before0", 95);
    let mut reader = open(&namespace);
    let mut counters = baseline(&mut reader);
    let bytes = send(&namespace, 95, 5);
    namespace.ip("link set before0 down");
    namespace.ip("link set before0 name after0");
    assert_eq!(sent(&counters.take(&reader.survey().unwrap()), "after0"), [bytes]);
}

#[test]
fn where_notices_were_lost_nothing_is_invented() {
    let namespace = Namespace::new();
    // Room for no more than a few.
    let mut reader = namespace.run(|| Reader::open_with(1).unwrap());
    let mut counters = baseline(&mut reader);
    for n in 0..20 {
        cable(&namespace, &format!("lost{n}"), n);
        send(&namespace, n, 100);
    }
    let survey: Survey = reader.survey().unwrap();
    let lost: Vec<_> =
        survey.interfaces.iter().filter(|i| i.name.starts_with("lost") && !i.name.ends_with("-end")).collect();
    assert_eq!(lost.len(), 20);
    assert!(lost.iter().all(|i| i.since == Since::Unknown));
    assert!(counters.take(&survey).iter().all(|moved| moved.bytes == Bytes::default()));
    let bytes = send(&namespace, 3, 100);
    assert_eq!(sent(&counters.take(&reader.survey().unwrap()), "lost3"), [bytes]);
}

#[test]
fn readings_while_interfaces_come_and_go_are_whole() {
    let namespace = Namespace::new();
    cable(&namespace, "stays0", 96);
    let mut reader = open(&namespace);
    let mut counters = baseline(&mut reader);
    let (mut came, mut went) = (0, 0);
    std::thread::scope(|scope| {
        let churn = scope.spawn(|| {
            let pair = |n| [format!("link add churn{n} type bridge"), format!("link del churn{n}")];
            namespace.batch((0..300).flat_map(pair).collect());
        });
        while !churn.is_finished() {
            let survey = reader.survey().unwrap();
            came += survey.interfaces.iter().filter(|i| i.name.starts_with("churn")).count();
            went += survey.ended.len();
            assert_eq!(named(&survey, "stays0").bytes.tx, 0);
            counters.take(&survey);
        }
    });
    went += reader.survey().unwrap().ended.len();
    println!("{came} listed, {went} ended");
    assert_eq!(went, 300);
}
