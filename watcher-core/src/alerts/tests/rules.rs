use super::make::{Rig, SECOND, app, bytes, domain, names, rate};
use crate::{
    Scope,
    alerts::{Period, Rule, Way},
};

const NOBODY: [&str; 0] = [];

#[test]
fn a_sum_fires_at_its_limit_and_not_a_byte_before_and_once() {
    let mut rig = Rig::new(&[app("curl", bytes(1_000, Period::Day))]);
    assert_eq!(rig.second("curl", 999), NOBODY);
    assert_eq!(rig.second("curl", 0), NOBODY);
    rig.moved("curl", None, 1, 0);
    let fired = rig.passes(SECOND);
    assert_eq!(names(&fired), ["curl"]);
    assert_eq!((fired[0].bytes, fired[0].at), (1_000, rig.at.timestamp()));
    assert_eq!(fired[0].since.to_string(), "2026-01-02T12:00:01Z", "when counting began, not midnight");
    assert_eq!(rig.second("curl", 5_000), NOBODY);
}

#[test]
fn each_direction_is_counted_by_itself() {
    let rule = |name: &str, direction| Rule { name: name.into(), direction, ..app("curl", bytes(10, Period::Day)) };
    let mut rig = Rig::new(&[rule("rx", Way::Rx), rule("tx", Way::Tx), rule("both", Way::Both)]);
    let fired = |rig: &mut Rig| rig.passes(SECOND).into_iter().map(|one| one.rule.name).collect::<Vec<_>>();
    rig.moved("curl", None, 9, 0);
    assert!(fired(&mut rig).is_empty());
    rig.moved("curl", None, 0, 1);
    assert_eq!(fired(&mut rig), ["both".into()]);
    rig.moved("curl", None, 1, 9);
    assert_eq!(fired(&mut rig), ["rx".into(), "tx".into()]);
}

#[test]
fn what_stays_on_the_machine_is_not_counted() {
    let mut rig = Rig::new(&[app("*", bytes(1, Period::Day))]);
    rig.moved_in(Scope::Loopback, "curl", None, 5_000, 5_000);
    rig.moved_in(Scope::Packet, "curl", None, 5_000, 5_000);
    assert!(rig.passes(SECOND).is_empty());
    assert_eq!(rig.second("curl", 1), ["curl"]);
}

#[test]
fn an_application_is_meant_whatever_the_case_of_its_letters() {
    let mut rig = Rig::new(&[app("firefox", bytes(10, Period::Day))]);
    rig.moved("Firefox", None, 5, 0);
    rig.moved("firefox-esr", None, 5_000, 0);
    rig.moved("FIREFOX", None, 5, 0);
    assert_eq!(names(&rig.passes(SECOND)), ["firefox"]);
}

#[test]
fn a_domain_is_all_below_it_and_a_host_is_itself() {
    let limit = bytes(10, Period::Day);
    let rules = [domain("example.com", limit), domain("a.example.com", limit), domain("*.example.org", limit)];
    let mut rig = Rig::new(&rules);
    rig.moved("x", Some("a.example.com"), 5, 0);
    rig.moved("x", Some("b.example.com"), 5, 0);
    rig.moved("example.com", None, 5_000, 0);
    rig.moved("x", Some("notexample.com"), 5_000, 0);
    rig.moved("x", Some("example.com.evil.net"), 5_000, 0);
    assert_eq!(names(&rig.passes(SECOND)), ["example.com"]);
    rig.moved("x", Some("A.Example.com"), 5, 0);
    rig.moved("x", Some("c.example.org"), 10, 0);
    rig.moved("x", Some("d.example.org"), 9, 0);
    assert_eq!(names(&rig.passes(SECOND)), ["a.example.com", "c.example.org"]);
}

#[test]
fn a_star_follows_each_application_and_each_registrable_domain_by_itself() {
    let limit = bytes(10, Period::Day);
    let mut rig = Rig::new(&[app("*", limit), domain("*", limit)]);
    rig.moved("curl", Some("a.example.com"), 6, 0);
    rig.moved("wget", Some("b.example.com"), 6, 0);
    assert_eq!(names(&rig.passes(SECOND)), ["example.com"]);
    assert_eq!(rig.second("wget", 4), ["wget"]);
    assert_eq!(rig.second("curl", 3), NOBODY);
    assert_eq!(rig.second("curl", 1), ["curl"]);
}

#[test]
fn a_rate_must_hold_in_every_second() {
    let mut rig = Rig::new(&[app("curl", rate(1_000, 3))]);
    let seconds = [1_000, 1_000, 999, 1_000, 5_000, 1_000, 9_000];
    let fired: Vec<usize> = seconds.iter().map(|&bytes| rig.second("curl", bytes).len()).collect();
    assert_eq!(fired, [0, 0, 0, 0, 0, 1, 0]);
    let report = rig.alerts.report().remove(0);
    assert_eq!((report.names[0].bytes, report.names[0].bytes_per_second), (18_999, 9_000));
}

#[test]
fn a_rate_that_fires_says_since_when_it_held() {
    let mut rig = Rig::new(&[app("curl", rate(1_000, 2))]);
    rig.second("curl", 10);
    rig.second("curl", 1_000);
    rig.moved("curl", None, 2_000, 0);
    let fired = rig.passes(SECOND).remove(0);
    assert_eq!((fired.since.to_string().as_str(), fired.bytes_per_second), ("2026-01-02T12:00:01Z", 2_000));
}

#[test]
fn a_long_reading_counts_by_its_mean_and_short_ones_make_one_second() {
    let mut rig = Rig::new(&[app("curl", rate(1_000, 4))]);
    rig.moved("curl", None, 3_000, 0);
    assert!(rig.passes(3 * SECOND).is_empty());
    // A fifth of a second without a byte is no second without one.
    for bytes in [0, 0, 1_000, 0] {
        rig.moved("curl", None, bytes, 0);
        assert!(rig.passes(SECOND / 5).is_empty());
    }
    rig.moved("curl", None, 1, 0);
    assert_eq!(rig.passes(SECOND / 5).len(), 1);
}

#[test]
fn a_second_of_silence_is_a_second() {
    let mut rig = Rig::new(&[app("curl", rate(1, 2))]);
    assert_eq!(rig.second("curl", 1), NOBODY);
    assert!(rig.passes(SECOND).is_empty());
    assert_eq!(rig.second("curl", 1), NOBODY);
    assert_eq!(rig.second("curl", 1), ["curl"]);
}
