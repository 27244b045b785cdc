use super::make::{Rig, SECOND, app, bytes, names};
use crate::alerts::{Alerts, FOLLOWED, Period};

#[test]
fn beyond_the_bound_names_are_counted_together_and_told_so() {
    let mut rig = Rig::new(&[app("*", bytes(100, Period::Day))]);
    for n in 0..FOLLOWED {
        rig.moved(&format!("app-{n:04}"), None, 10, 0);
    }
    assert!(rig.passes(SECOND).is_empty());
    for n in 0..9 {
        rig.moved(&format!("late-{n}"), None, 10, 0);
    }
    assert!(rig.passes(SECOND).is_empty());
    rig.moved("later", None, 10, 0);
    rig.moved("app-0007", None, 90, 0);
    assert_eq!(names(&rig.passes(SECOND)), ["(others)", "app-0007"]);
    let report = rig.alerts.report().remove(0);
    assert_eq!((report.followed, report.names.len()), (FOLLOWED, 20));
    let others = report.names.iter().find(|one| one.name.is_none()).unwrap();
    assert_eq!((others.bytes, others.fired.is_some()), (100, true));
    // The next day there is room again.
    rig.set("2026-01-03T12:00:00Z");
    assert_eq!(rig.second("later", 100), ["later"]);
}

#[test]
fn the_bound_holds_within_one_reading_and_over_a_restart() {
    let rules = [app("*", bytes(u64::MAX, Period::Day))];
    let mut rig = Rig::new(&rules);
    for n in 0..3 * FOLLOWED {
        rig.moved(&format!("app-{n}"), None, 10, 0);
    }
    rig.passes(SECOND);
    let mut state = rig.alerts.state();
    let names = &mut state.alerts[0].periods[0].names;
    assert_eq!(names.len(), FOLLOWED + 1);
    assert_eq!(names.iter().map(|one| one.bytes).sum::<u64>(), 30 * FOLLOWED as u64);
    names.extend(names.clone().into_iter().map(|mut one| {
        one.name = one.name.map(|name| format!("more-{name}").into());
        one
    }));
    rig.alerts = Alerts::new(rules.to_vec());
    rig.alerts.restore(state);
    assert_eq!(rig.alerts.state().alerts[0].periods[0].names.len(), FOLLOWED + 1);
}

#[test]
fn a_name_of_any_length_is_counted() {
    let mut rig = Rig::new(&[app("*", bytes(10, Period::Day)), app("long*", bytes(10, Period::Day))]);
    let long = "long".repeat(4_096);
    for n in 0..200 {
        rig.moved(&format!("{long}{n}"), None, 1, 0);
    }
    assert_eq!(names(&rig.passes(SECOND)), ["(others)", "(others)"]);
}

#[test]
fn sums_do_not_overflow() {
    let mut rig = Rig::new(&[app("curl", bytes(u64::MAX, Period::Day))]);
    rig.moved("curl", None, u64::MAX - 1, 0);
    assert!(rig.passes(SECOND).is_empty());
    rig.moved("curl", None, u64::MAX, u64::MAX);
    assert_eq!(names(&rig.passes(SECOND)), ["curl"]);
}
