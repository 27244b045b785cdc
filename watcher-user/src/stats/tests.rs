//! What people and programs read: reports as text at several widths, as JSON and as CSV.

use clap::Parser as _;
use jiff::{Timestamp, Zoned};
use watcher_core::{
    NamedBy,
    history::{Amount, Bin, By, Explanation, InterfaceColumns, Level, ProcessColumns, Report, Row, Span},
};

use super::{Asked, Page, csv, json, text};
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

/// Parts of a graph that the history has something in.
fn with_bins(asked: &Asked, of: &[(&str, u64, u64)]) -> Report {
    let mut report = apps(asked);
    let bin = |(from, rx, tx): &(&str, u64, u64)| {
        let from = from.parse::<Zoned>().expect("a time").timestamp();
        let until = from + jiff::SignedDuration::from_mins(1);
        Bin { from, until, rx_bytes: *rx, tx_bytes: *tx }
    };
    report.bins = of.iter().map(bin).collect();
    report
}

fn graph(now: &str, args: &str, bins: &[(&str, u64, u64)], room: usize, unicode: bool) -> String {
    let asked = asked_at(now, args);
    let text = words(&asked, &with_bins(&asked, bins), Some(room), unicode);
    let (from, to) = (text.find("Downloaded by").expect("a graph"), text.find("APPLICATION").expect("a table"));
    text[from..to].to_owned()
}

#[test]
fn a_day_whose_clock_is_put_back_has_25_bars() {
    let now = "2026-10-25T23:59:59[Europe/Berlin]";
    let bins = [
        ("2026-10-25T00:00[Europe/Berlin]", 1_000_000, 10),
        ("2026-10-25T02:00+02:00[Europe/Berlin]", 500_000, 20_000),
        ("2026-10-25T02:00+01:00[Europe/Berlin]", 250_000, 40_000),
        ("2026-10-25T23:00[Europe/Berlin]", 1, 1),
    ];
    insta::assert_snapshot!("graph_25_hours", graph(now, "--graph today", &bins, 80, true));
    insta::assert_snapshot!("graph_25_hours_ascii", graph(now, "--graph", &bins, 50, false));
    let asked = asked_at(now, "--graph --csv");
    let text = csv::write(&asked, &with_bins(&asked, &bins), &users()).unwrap();
    assert_eq!(text.lines().count(), 26);
    assert!(text.contains("2026-10-25T02:00:00+01:00,2026-10-25T03:00:00+01:00,250000,40000\r\n"), "{text}");
}

#[test]
fn what_does_not_fit_is_drawn_together() {
    let bins = [("2026-11-16T00:00[Europe/Berlin]", 7_000, 1), ("2026-11-20T12:00[Europe/Berlin]", 1_000, 9)];
    insta::assert_snapshot!("graph_week_by_hour", graph(NOW, "week --graph hour", &bins, 80, true));
    let days = [("2026-01-31T00:00[Europe/Berlin]", 7_000, 1), ("2026-11-20T00:00[Europe/Berlin]", 1_000, 9)];
    insta::assert_snapshot!("graph_year", graph(NOW, "--period year --graph", &days, 80, true));
    insta::assert_snapshot!("graph_month", graph(NOW, "month --graph", &days[1..], 120, true));
}

#[test]
fn a_graph_begins_where_its_parts_are_kept_and_ends_now() {
    let asked = asked("month --graph minute --json");
    let text = json::write(&asked, &with_bins(&asked, &[("2026-11-20T12:00[Europe/Berlin]", 5, 6)]), &users()).unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let bins = parsed["bins"].as_array().unwrap();
    assert_eq!(bins[0]["from"], "2026-11-14T15:00:00+01:00");
    assert_eq!(bins.last().unwrap()["until"], "2026-11-21T14:06:00+01:00");
    let sum: u64 = bins.iter().map(|bin| bin["rx_bytes"].as_u64().unwrap()).sum();
    assert_eq!(sum, 5);
    let cut = graph(NOW, "--period year --graph hour", &[], 80, true);
    assert!(cut.contains("What was before the first bar is no longer kept by the hour."), "{cut}");
    let far = graph(NOW, "month --graph day", &[], 80, true);
    assert!(!far.contains("no longer kept"), "{far}");
}

#[test]
fn nobody_draws_more_than_20000_bars() {
    let asked = asked("--from 1900-01-01 --graph day");
    let text = words(&asked, &apps(&asked), Some(80), true);
    assert!(text.contains("No graph: a graph by the day of so long a time has more than 20000 parts"), "{text}");
}

#[test]
fn objects_and_lines() {
    for (view, of) in [
        ("apps", apps as fn(&Asked) -> Report),
        ("processes", processes),
        ("interfaces", interfaces),
        ("users", |asked| {
            report(asked, vec![row("1001", amount(9_000, 1, None)), row("4000000001", amount(0, 1, None))])
        }),
        ("domains", |asked| report(asked, vec![row("@example.org", amount(9_000, 1, None))])),
    ] {
        let asked = asked(view);
        let written = json::write(&asked, &of(&asked), &users()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(written.lines().count(), 1);
        insta::assert_snapshot!(format!("{view}_json"), serde_json::to_string_pretty(&value).unwrap());
        let written = csv::write(&asked, &of(&asked), &users()).unwrap();
        assert!(written.lines().count() > 1 && written.ends_with("\r\n"));
        insta::assert_snapshot!(format!("{view}_csv"), written.replace("\r\n", "\n"));
    }
}

#[test]
fn the_page_about_it_has_every_field() {
    let page = include_str!("../../../docs/stats.md");
    for (view, of) in
        [("apps --graph", apps as fn(&Asked) -> Report), ("processes", processes), ("interfaces", interfaces)]
    {
        let asked = asked(view);
        let value: serde_json::Value =
            serde_json::from_str(&json::write(&asked, &of(&asked), &users()).unwrap()).unwrap();
        let mut objects = vec![&value, &value["total"]];
        objects.extend(value["rows"].as_array().into_iter().flatten());
        objects.extend(value["bins"].as_array().into_iter().flatten());
        for name in objects.iter().flat_map(|object| object.as_object().expect("an object").keys()) {
            assert!(page.contains(&format!("`{name}`")), "{name}");
        }
        let lines = csv::write(&asked, &of(&asked), &users()).unwrap();
        for name in lines.lines().next().expect("a heading").split(',') {
            assert!(page.contains(&format!("`{name}`")), "{name}");
        }
    }
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
