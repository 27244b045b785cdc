//! Processes of one application are one row, whatever each is called.

use super::make::{Rig, closed, flow, process, seen, seen_as};
use crate::NamedBy;

#[test]
fn processes_go_by_their_application_and_keep_their_names() {
    let mut rig = Rig::new();
    let events = vec![
        seen_as(1, "chrome", "Google Chrome", NamedBy::DesktopEntry),
        seen_as(2, "chrome_crashpad", "Google Chrome", NamedBy::Helper),
        seen(3, "curl", None),
    ];
    let snapshot = rig.step(1, events, vec![flow(1, 1, 5, 0), flow(2, 2, 7, 0), flow(3, 3, 1, 0)]);
    let rows: Vec<_> =
        snapshot.apps.iter().map(|row| (&*row.name, row.traffic.network.rx_bytes, row.processes)).collect();
    assert_eq!(rows, [("Google Chrome", 12, 2), ("curl", 1, 1)]);
    assert_eq!(snapshot.process(process(2)).map(|row| &*row.info.name), Some("chrome_crashpad"));
    let rules: Vec<_> = snapshot.apps.iter().map(|row| row.application.as_ref().map(|found| found.rule)).collect();
    assert_eq!(rules, [Some(NamedBy::DesktopEntry), None]);
}

#[test]
fn what_is_forgotten_stays_with_its_application() {
    let mut rig = Rig::forgetful();
    let born = vec![seen_as(1, "python3", "app.py", NamedBy::Script)];
    rig.step(1, born, vec![closed(flow(1, 1, 5, 2), 1)]);
    rig.step(2, vec![super::make::exited(1, 2)], vec![]);
    let snapshot = rig.step(20, vec![], vec![]);
    assert!(snapshot.processes.is_empty(), "{:?}", snapshot.processes);
    let [row] = &*snapshot.apps else { panic!("{:?}", snapshot.apps) };
    assert_eq!((&*row.name, row.traffic.network.rx_bytes, row.processes), ("app.py", 5, 0));
    assert_eq!(row.application.as_ref().map(|found| found.rule), Some(NamedBy::Script));
}

#[test]
fn rates_of_an_application_are_those_of_its_processes() {
    let mut rig = Rig::new();
    let born = vec![seen_as(1, "python3", "app.py", NamedBy::Script)];
    let earlier = rig.step(1, born, vec![flow(1, 1, 5, 0)]);
    let mut later = rig.step(2, vec![], vec![flow(1, 1, 105, 0)]);
    later.rerate(Some(&earlier));
    assert_eq!((&*later.apps[0].name, later.apps[0].traffic.network.rx_rate), ("app.py", 100.0));
}
