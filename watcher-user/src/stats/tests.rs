//! What people and programs read: reports as text at several widths, as JSON and as CSV.

mod data;
mod graphs;

use clap::Parser as _;
use jiff::Timestamp;
use watcher_core::{
    NamedBy,
    history::{Amount, By, Explanation, InterfaceColumns, Level, ProcessColumns, Report, Row, Span},
};

use super::{Asked, Page, json, text};
use crate::{
    cli::{Cli, Command},
    text::width,
    users::Users,
};

const NOW: &str = "2026-11-21T14:05:59[Europe/Berlin]";
const HOSTILE: &str = "=evil\n\u{1b}[2J\u{202e}exe.txt";

fn asked_at(now: &str, args: &str) -> Asked {
    let words = ["watcher", "stats"].into_iter().chain(args.split_whitespace());
    let command = Cli::try_parse_from(words).and_then(Cli::said).expect("good usage");
    let Command::Stats(args) = command else { panic!("{command:?}") };
    args.resolve(now.parse().expect("a time")).expect("good usage")
}

fn asked(args: &str) -> Asked {
    asked_at(NOW, args)
}

fn amount(rx: u64, tx: u64, peaks: Option<(u64, u64)>) -> Amount {
    let (rx_peak, tx_peak) = peaks.unwrap_or_default();
    Amount { rx_bytes: rx, tx_bytes: tx, rx_peak, tx_peak }
}

fn row(name: &str, amount: Amount) -> Row {
    Row { name: name.to_owned(), amount, ..Row::default() }
}

fn explained(rule: NamedBy, evidence: &str) -> Explanation {
    Explanation { rule, evidence: evidence.to_owned() }
}

/// An answer to `asked`, of the time that it asks for.
fn report(asked: &Asked, rows: Vec<Row>) -> Report {
    let beginning: Timestamp = "2026-03-03T10:00:00Z".parse().expect("a time");
    let span =
        Span { from: asked.query.from.unwrap_or(beginning), until: asked.query.until.unwrap_or(asked.now.timestamp()) };
    let mut total = Amount::default();
    rows.iter()
        .filter(|row| row.interface.as_ref().is_none_or(|columns| !columns.apart))
        .for_each(|row| total += row.amount.without_peaks());
    Report {
        span: Some(span),
        by: asked.query.by,
        estimated: rows.iter().any(|row| row.estimated),
        rows,
        more: 0,
        total,
        coarse: None,
        bins: Vec::new(),
    }
}

fn apps(asked: &Asked) -> Report {
    let mut rows = vec![
        row("Firefox", amount(1_500_000_000, 70_123_456, Some((12_345_678, 1_234_567)))),
        row("An application with a name that nobody would give to anything", amount(200_000_000, 3_000, None)),
        row("sshd", amount(5_000, 2_000, Some((900, 400)))),
        row(HOSTILE, amount(0, 77, Some((0, 77)))),
    ];
    rows[0].explained = vec![
        explained(NamedBy::DesktopEntry, "/usr/share/applications/firefox.desktop"),
        explained(NamedBy::Bundle, "/opt/firefox/Firefox.app"),
    ];
    rows[1].estimated = true;
    rows[1].explained = vec![explained(NamedBy::Container, "9f8e7d6c5b4a in /system.slice/docker.service")];
    rows[3].explained = vec![explained(NamedBy::Executable, HOSTILE)];
    let mut report = report(asked, rows);
    (report.total.rx_peak, report.total.tx_peak) = (13_000_000, 1_300_000);
    report.more = 1_234;
    report
}

fn processes(asked: &Asked) -> Report {
    let process = |name: &str, pid, application: &str, uid, bytes| Row {
        process: Some(ProcessColumns { pid, application: application.to_owned(), uid }),
        ..row(name, amount(bytes, bytes / 9, None))
    };
    let rows = vec![
        process("Web Content", 4_194_304, "Firefox", 1000, 900_000_000),
        process("(others)", 0, "Firefox", 0, 1_000_000),
        process(HOSTILE, 6666, HOSTILE, 4_000_000_001, 1),
    ];
    report(asked, rows)
}

fn interfaces(asked: &Asked) -> Report {
    let interface = |name: &str, apart, bytes: u64, explained: u64| Row {
        interface: Some(InterfaceColumns { apart, explained_rx_bytes: explained, explained_tx_bytes: explained / 2 }),
        ..row(name, amount(bytes, bytes / 2, Some((bytes / 100, bytes / 200))))
    };
    // The heaviest is apart: it comes last all the same.
    let rows = vec![
        interface("docker0", true, 2_000_000_000, 1_000_000_000),
        interface("eth0", false, 1_000_000_000, 940_000_000),
        interface("wlan0", false, 1_000, 0),
        interface("lo", true, 900, 850),
    ];
    report(asked, rows)
}

fn users() -> Users {
    Users::new(|uid| match uid {
        0 => Some("root".to_owned()),
        1000 => Some("anna".to_owned()),
        1001 => Some("@sum".to_owned()),
        _ => None,
    })
}

fn words(asked: &Asked, report: &Report, room: Option<usize>, unicode: bool) -> String {
    let text = text::write(asked, report, Page { room, unicode }, &users());
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    let widest = text.lines().map(width).max();
    assert!(room.is_none() || widest <= room, "{widest:?}: {text}");
    text
}

fn wide(asked: &Asked, report: &Report) -> String {
    words(asked, report, Some(80), true)
}

#[test]
fn applications() {
    let asked = asked("");
    let report = apps(&asked);
    insta::assert_snapshot!("apps_80", wide(&asked, &report));
    insta::assert_snapshot!("apps_120", words(&asked, &report, Some(120), true));
    insta::assert_snapshot!("apps_50", words(&asked, &report, Some(50), true));
    insta::assert_snapshot!("apps_ascii_in_a_file", words(&asked, &report, None, false));
}

#[test]
fn how_applications_got_their_names() {
    let asked = asked("week --explain --units bits");
    insta::assert_snapshot!("explain_80", wide(&asked, &apps(&asked)));
    insta::assert_snapshot!("explain_120", words(&asked, &apps(&asked), Some(120), true));
}

#[test]
fn processes_domains_users_and_interfaces() {
    let month = asked("processes month --app Firefox --include-loopback");
    insta::assert_snapshot!("processes_80", wide(&month, &processes(&month)));
    insta::assert_snapshot!("processes_120", words(&month, &processes(&month), Some(120), true));
    insta::assert_snapshot!("processes_50", words(&month, &processes(&month), Some(50), true));
    let all = asked("interfaces all");
    insta::assert_snapshot!("interfaces_80", wide(&all, &interfaces(&all)));
    insta::assert_snapshot!("interfaces_120", words(&all, &interfaces(&all), Some(120), true));
    insta::assert_snapshot!("interfaces_50", words(&all, &interfaces(&all), Some(50), true));
    let since = asked("users --from 2026-03-29");
    let mut rows = report(&since, vec![row("1000", amount(9_000, 1, None)), row("0", amount(0, 1, None))]);
    rows.coarse = Some(Level::Day);
    insta::assert_snapshot!("users_80", wide(&since, &rows));
    let domains = asked("domains --period 7d");
    let rows =
        report(&domains, vec![row("example.org", amount(9_000, 1, None)), row("2001:db8::1", amount(0, 1, None))]);
    insta::assert_snapshot!("domains_80", wide(&domains, &rows));
}

#[test]
fn an_empty_view_says_what_to_do() {
    for (view, says) in [
        ("apps", "No application moved anything in this time; watcher stats all shows"),
        ("processes week", "No process moved anything"),
        ("domains --app curl", "Nothing was exchanged with any domain in this time; names are compared exactly"),
        ("users", "No user moved anything"),
        ("interfaces", "No interface carried anything"),
    ] {
        let asked = asked(view);
        let text = words(&asked, &report(&asked, Vec::new()), None, true);
        assert!(text.contains(says), "{text}");
    }
    let asked = asked("");
    let nothing = Report { span: None, ..report(&asked, Vec::new()) };
    assert_eq!(wide(&asked, &nothing), "Today\n\nNothing was collected yet: sudo watcher start\n");
    let parsed: serde_json::Value = serde_json::from_str(&json::write(&asked, &nothing, &users()).unwrap()).unwrap();
    assert_eq!((&parsed["from"], parsed["rows"].as_array().unwrap().len()), (&serde_json::Value::Null, 0));
}

#[test]
fn every_view_has_its_name() {
    for (by, view) in [
        (By::Application, "apps"),
        (By::Process, "processes"),
        (By::Domain, "domains"),
        (By::Interface, "interfaces"),
        (By::User, "users"),
    ] {
        assert_eq!(asked(view).query.by, by);
        assert_eq!(asked(&format!("--by {}", super::by_name(by))).query.by, by);
    }
}
