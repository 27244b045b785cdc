use super::make::{Rig, app, bytes, rate};
use crate::alerts::{Alerts, Period, Rule, State};

const NOBODY: [&str; 0] = [];

/// The program ends and begins again, with these rules.
fn restart(rig: &mut Rig, rules: &[Rule]) {
    let written = serde_json::to_string(&rig.alerts.state()).unwrap();
    rig.alerts = Alerts::new(rules.to_vec());
    rig.alerts.restore(serde_json::from_str(&written).unwrap());
}

#[test]
fn a_restart_forgets_nothing_and_tells_nothing_twice() {
    let rules = [app("curl", bytes(100, Period::Day)), app("w*", bytes(50, Period::Hour)), app("*", rate(70, 1))];
    let mut rig = Rig::new(&rules);
    assert_eq!(rig.second("curl", 60), NOBODY);
    assert_eq!(rig.second("wget", 60), ["wget"]);
    restart(&mut rig, &rules);
    assert_eq!(rig.second("wget", 60), NOBODY);
    assert_eq!(rig.second("curl", 39), NOBODY);
    assert_eq!(rig.second("curl", 1), ["curl"]);
    assert_eq!(rig.second("curl", 80), ["curl"], "the rate");
    restart(&mut rig, &rules);
    assert_eq!(rig.second("curl", 500), NOBODY);
    assert_eq!(rig.alerts.report()[0].names[0].bytes, 680);
}

#[test]
fn what_was_counted_yesterday_is_over_when_it_starts_today() {
    let rules = [app("curl", bytes(100, Period::Day))];
    let mut rig = Rig::new(&rules);
    assert_eq!(rig.second("curl", 100), ["curl"]);
    restart(&mut rig, &rules);
    rig.set("2026-01-03T00:00:00Z");
    assert_eq!(rig.second("curl", 99), NOBODY);
    assert_eq!(rig.second("curl", 1), ["curl"]);
    restart(&mut rig, &rules);
    rig.set("2026-01-02T23:00:00Z");
    assert_eq!(rig.second("curl", 100), NOBODY, "set back, over a restart: the day before has fired");
}

#[test]
fn other_rules_do_not_disturb_one_that_stays() {
    let curl = app("curl", bytes(100, Period::Day));
    let mut rig = Rig::new(&[app("wget", bytes(1, Period::Day)), curl.clone()]);
    rig.second("curl", 60);
    rig.alerts.replace(vec![curl.clone(), app("curl", bytes(90, Period::Hour))]);
    assert_eq!(rig.second("curl", 39), NOBODY);
    assert_eq!(rig.second("curl", 1), ["curl"]);
    rig.alerts.replace(vec![Rule { name: "renamed".into(), ..curl }]);
    assert_eq!(rig.second("curl", 1), NOBODY);
}

#[test]
fn another_limit_goes_on_with_the_sum_and_is_armed() {
    let limit = |n| vec![app("curl", bytes(n, Period::Day))];
    let mut rig = Rig::new(&limit(100));
    assert_eq!(rig.second("curl", 100), ["curl"]);
    rig.alerts.replace(limit(150));
    assert_eq!(rig.second("curl", 49), NOBODY);
    assert_eq!(rig.second("curl", 1), ["curl"]);
    rig.alerts.replace(limit(120));
    assert_eq!(rig.second("curl", 0), ["curl"], "it is over that already");
}

#[test]
fn a_state_that_makes_no_sense_costs_nothing() {
    let rules = [app("*", bytes(100, Period::Day))];
    let mut rig = Rig::new(&rules);
    rig.second("curl", 100);
    let mut state = rig.alerts.state();
    let period = &mut state.alerts[0].periods[0];
    std::mem::swap(&mut period.span.start, &mut period.span.end);
    rig.alerts = Alerts::new(rules.to_vec());
    rig.alerts.restore(state);
    assert_eq!(rig.second("curl", 100), ["curl"]);
    rig.alerts.restore(State::default());
    assert_eq!(rig.second("curl", 100), NOBODY, "nothing to go on with");
}
