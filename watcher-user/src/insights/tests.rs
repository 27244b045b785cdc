//! Sentences, and how they stand on a terminal.

use jiff::{Timestamp, tz::TimeZone};
use watcher_core::{
    BootTime,
    insights::{Evidence, How, Insight, Kind},
};

use super::{Options, line, text, text::Watched, words::what};
use crate::{clock::WallClock, filter::Filter};

const BOOTED: &str = "2026-01-02T03:00:00Z";

fn insight(app: &str, remote: Option<&str>, evidence: Evidence) -> Insight {
    let at = |minutes: u64| BootTime(minutes * 60_000_000_000);
    Insight { app: app.into(), pid: 4711, remote: remote.map(Into::into), since: at(10), until: at(194), evidence }
}

fn polling(app: &str, one_connection: bool) -> Insight {
    let evidence = Evidence::Polling {
        period_seconds: 60.02,
        spread_seconds: 1.96,
        exchanges: 184,
        missed: if one_connection { 3 } else { 0 },
        bytes_each: 4_301,
        one_connection,
    };
    insight(app, Some("stats.example.com"), evidence)
}

fn all() -> Vec<Insight> {
    let dns = |how| Evidence::EncryptedDns { how, connections: 2, tx_bytes: 900, rx_bytes: 4_000 };
    vec![
        insight(
            "restic",
            Some("backup.example"),
            Evidence::Uploads { tx_bytes: 62_914_560, rx_bytes: 61_440, opened_here: true },
        ),
        insight("dd", Some("192.0.2.9"), Evidence::Uploads { tx_bytes: 62_914_560, rx_bytes: 0, opened_here: false }),
        polling("curl", false),
        polling("chat", true),
        insight("firefox", Some("dns.google"), dns(How::Resolver("dns.google".into()))),
        insight("resolved", Some("192.0.2.53"), dns(How::Port)),
        insight("kdig", Some("192.0.2.53"), dns(How::Alpn)),
        insight("firefox", None, Evidence::ManyDomains { domains: 1_283, others_median: Some(3) }),
        insight("nginx", Some("2001:db8::9"), Evidence::Serves { tx_bytes: 62_914_560, rx_bytes: 9_000 }),
    ]
}

fn shown(all: &[Insight], hours: i64, left_out: usize, room: usize) -> String {
    let booted: Timestamp = BOOTED.parse().unwrap();
    let now = booted + jiff::SignedDuration::from_hours(hours);
    let clock = WallClock::booted_at(booted);
    text::write(all, &Watched { since: booted, now, left_out }, clock, &TimeZone::UTC, Some(room))
}

#[test]
fn each_is_one_sentence_that_claims_what_was_seen() {
    let said: Vec<String> = all().iter().map(what).collect();
    assert_eq!(
        said,
        [
            "restic uploaded to backup.example: 60.0 MiB sent, 60.0 KiB received, 1,024 times as much",
            "dd uploaded to 192.0.2.9: 60.0 MiB sent, 0 B received; for some connections, who opened them was not seen",
            "possible telemetry: curl asks stats.example.com every 60 s (±2.0 s), 4.20 KiB each time, 184 times over \
             3h04m",
            "possible telemetry or keepalive: chat asks stats.example.com every 60 s (±2.0 s), 4.20 KiB each time, \
             184 times over 3h04m, 3 missed, over one connection",
            "possible encrypted DNS: firefox talks to dns.google, a public resolver for DNS over HTTPS (2 connections); \
             names that it asks for there are not seen",
            "possible encrypted DNS: resolved talks to port 853 of 192.0.2.53 (2 connections); names that it asks for \
             there are not seen",
            "possible encrypted DNS: kdig offers 192.0.2.53 a protocol of DNS over TLS or QUIC (2 connections); names \
             that it asks for there are not seen",
            "possible crawler or tracker-heavy page (a browser does this too): firefox reached 1,283 domains within an \
             hour; the one in the middle of the others reached 3",
            "nginx serves 2001:db8::9, which opened the connections: 60.0 MiB sent, 8.79 KiB received, 6,990 times as \
             much",
        ]
    );
}

#[test]
fn the_screen_at_80_columns() {
    insta::assert_snapshot!(shown(&all(), 5, 0, 80));
}

#[test]
fn that_there_is_nothing_is_said_with_how_long_was_watched() {
    assert_eq!(shown(&[], 30, 0, 80), "Nothing stands out of what was seen since 2026-01-02 03:00:00 (1d06h).\n");
    assert_eq!(
        shown(&[], 1, 7, 200),
        "Nothing like that stands out of what was seen since 2026-01-02 03:00:00 (1h00m); without --app and --kind \
         there are 7 more; polling is only told after three hours.\n"
    );
}

#[test]
fn a_hostile_name_moves_nothing_and_fits() {
    let hostile = "a\n\u{1b}[2J\u{202e}gpj.".repeat(4);
    let one = polling(&hostile, false);
    for room in [40, 80, 200] {
        let text = shown(std::slice::from_ref(&one), 5, 0, room);
        assert!(text.lines().all(|line| crate::text::width(line) <= room), "{room}: {text}");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&line(&one, WallClock::booted_at(BOOTED.parse().unwrap()))).unwrap();
    assert_eq!(json["app"], hostile.as_str(), "as it is, escaped as JSON escapes");
    assert!(!json["what"].as_str().unwrap().contains('\u{1b}'));
}

#[test]
fn the_page_names_every_field_and_kind() {
    let page = include_str!("../../../docs/insights.md");
    let clock = WallClock::booted_at(BOOTED.parse().unwrap());
    for one in all() {
        let object: serde_json::Map<_, _> = serde_json::from_str(&line(&one, clock)).unwrap();
        for field in object.keys() {
            assert!(page.contains(&format!("`{field}`")), "docs/insights.md does not name {field}");
        }
    }
    for kind in Kind::ALL {
        assert!(
            page.contains(&format!("## `{}`", kind.as_str())),
            "docs/insights.md has no part about {}",
            kind.as_str()
        );
    }
}

#[test]
fn conditions_are_met_together() {
    let count = |options: &Options| all().iter().filter(|one| options.wants(one)).count();
    let app = Filter::parse("fire").unwrap();
    assert_eq!(count(&Options::default()), 9);
    assert_eq!(count(&Options { app: app.clone(), ..Options::default() }), 2);
    assert_eq!(count(&Options { app, kinds: vec![Kind::ManyDomains], json: false }), 1);
    assert_eq!(count(&Options { kinds: vec![Kind::Polling, Kind::Serves], ..Options::default() }), 3);
}
