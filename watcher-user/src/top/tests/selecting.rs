//! Which rows are shown, in which order.

use super::make::snapshot;
use crate::{by::By, cli::Rows, filter::Filter, sort::Key, top::select, users::Users};

/// The first words of the rows of each kind.
fn shown(rows: &Rows) -> Vec<String> {
    let snapshot = snapshot();
    let selected = select(&snapshot, rows, &Users::numeric());
    match rows.by {
        By::Process => selected.processes.iter().map(|row| row.id.tgid.to_string()).collect(),
        By::App => selected.apps.iter().map(|row| row.name.chars().take(8).collect()).collect(),
        By::Connection => selected.flows.iter().map(|(row, _)| row.sample.id.process.tgid.to_string()).collect(),
        By::Remote => {
            selected.remotes.iter().map(|row| row.address.map_or("-".into(), |address| address.to_string())).collect()
        }
    }
}

fn rows(by: By, filter: &str) -> Rows {
    Rows { by, filter: Filter::parse(filter).unwrap(), include_loopback: true, ..Rows::default() }
}

#[test]
fn the_fastest_come_first_and_then_those_that_moved_most() {
    assert_eq!(shown(&rows(By::Process, "")), ["300", "200", "500", "400"]);
    let by_pid = Rows { sort: Key::Pid, ..rows(By::Process, "") };
    assert_eq!(shown(&by_pid), ["200", "300", "400", "500"]);
    assert_eq!(shown(&Rows { limit: Some(1), ..by_pid }), ["200"]);
}

#[test]
fn what_has_only_to_do_with_loopback_is_left_out_unless_asked_for() {
    for (by, without) in [
        (By::Process, vec!["300", "200", "400"]),
        (By::App, vec!["evil\n\u{1b}[2", "curl", "arping"]),
        (By::Connection, vec!["300", "200", "400"]),
        (By::Remote, vec!["192.0.2.53", "2001:db8::7", "-"]),
    ] {
        assert_eq!(shown(&Rows { by, ..Rows::default() }), without);
    }
}

#[test]
fn a_process_passes_by_what_it_is_or_whom_it_talks_to() {
    for (filter, passes) in [
        ("curl", "200"),
        ("example.org", "200"),
        ("2001:db8", "200"),
        ("443", "200"),
        ("53", "300"),
        ("500", "500"),
        ("!^arp", "400"),
        ("nobody", ""),
    ] {
        assert_eq!(shown(&rows(By::Process, filter)).join(" "), passes, "{filter}");
    }
}

#[test]
fn a_pid_goes_with_a_filter() {
    let pids = Rows { pids: vec![200, 300], ..rows(By::Process, "") };
    assert_eq!(shown(&pids), ["300", "200"]);
    assert_eq!(shown(&Rows { filter: Filter::parse("443").unwrap(), ..pids.clone() }), ["200"]);
    assert_eq!(shown(&Rows { by: By::Connection, ..pids.clone() }), ["300", "200"]);
    assert_eq!(shown(&Rows { by: By::App, pids: vec![200], ..pids.clone() }), ["curl"]);
    assert_eq!(shown(&Rows { by: By::Remote, pids: vec![200], ..pids }), ["2001:db8::7"]);
}

#[test]
fn a_remote_or_an_application_passes_by_its_own_name_too() {
    assert_eq!(shown(&rows(By::Remote, "192.0")), ["192.0.2.53"]);
    assert_eq!(shown(&rows(By::App, "curl")), ["curl"]);
}
