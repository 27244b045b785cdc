//! What alerts say and do: real commands, real files.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use watcher_core::alerts::{Condition, Fired, Period, Report, Rule, Span, Standing, Subject, Way};

use super::{
    Actor, Deed, Limits, Listed,
    command::{self, CommandError, Output},
    dry, view, words,
};
use crate::{
    agent::{Log, LogFormat},
    config::{Alert, Config, Mode},
};

const HOSTILE: &str = "$(touch /tmp/x) `id`\n\u{1b}[31m<b>\u{202e}&\"'";
const MINUTE: Duration = Duration::from_secs(60);

fn alert(text: &str) -> Alert {
    let config = Config::defaults(Mode::Normal).text(Path::new("c"), &format!("[[alert]]\n{text}")).unwrap();
    config.alerts.into_iter().next().unwrap()
}

fn fired(alert: &Alert, name: Option<&str>) -> Fired {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    Fired {
        rule: alert.rule.clone(),
        name: name.map(Into::into),
        bytes: 5_000_000_123,
        bytes_per_second: 12_000_000,
        since: at("2026-01-02T00:00:00Z"),
        at: at("2026-01-02T12:00:00Z"),
        period: Span { start: at("2026-01-02T00:00:00Z"), end: at("2026-01-03T00:00:00Z") },
    }
}

fn with_command(words: &[&str]) -> Alert {
    let command = words.iter().map(|&word| word.to_owned()).collect();
    Alert { command, ..alert("name = \"mine\"\napp = \"*\"\nover = \"5 GB\"") }
}

async fn ran(words: &[&str], environment: &[(&'static str, String)], within: Duration) -> Result<(), CommandError> {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    command::run(&words, environment, within, Output::Dropped).await
}

#[test]
fn a_sentence_says_who_moved_how_much_since_when_and_what_the_limit_is() {
    let say = |text: &str, name| words::line(&fired(&alert(text), name), &TimeZone::UTC);
    let sum = "name = \"n\"\napp = \"*\"\nover = \"5 GB\"\ndirection = \"tx\"";
    assert_eq!(
        say(sum, Some("firefox")),
        "alert n: firefox sent 5,000,000,123 bytes since 2026-01-02 00:00:00; the limit is 5 GB per day"
    );
    let rate = "name = \"n\"\ndomain = \"example.com\"\nrate = \"10 MB/s\"\nfor = \"30s\"";
    assert_eq!(
        say(rate, Some("example.com")),
        "alert n: example.com moved 10 MB/s or more for 30 s, since 2026-01-02 00:00:00; 12,000,000 bytes in the last \
         second"
    );
    assert!(say(sum, None).starts_with("alert n: all others together (only 1,024 are followed apart) sent"));
}

#[test]
fn a_hostile_name_is_printable_in_the_log_and_without_markup_on_the_desktop() {
    let line = words::line(&fired(&alert("app = \"*\"\nover = \"1 B\""), Some(HOSTILE)), &TimeZone::UTC);
    assert!(!line.contains(['\n', '\u{1b}', '\u{202e}']), "{line}");
    assert!(words::escaped(&line).contains("\\u{1b}[31m&lt;b&gt;\\u{202e}&amp;&quot;&apos;"), "{line}");
}

#[tokio::test]
async fn a_command_finds_what_happened_in_its_environment_and_nothing_is_interpreted() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let alert = with_command(&[]);
    let environment = words::environment(&fired(&alert, Some(HOSTILE)), false);
    let script = "env -0 > \"$0\"; printf %s \"$1\" >> \"$0\"";
    ran(&["/bin/sh", "-c", script, out.to_str().unwrap(), "$HOME;*"], &environment, MINUTE).await.unwrap();
    let said = fs::read_to_string(&out).unwrap();
    let mut lines: Vec<&str> = said.split('\0').collect();
    assert_eq!(lines.pop(), Some("$HOME;*"), "an argument is one argument");
    for (name, value) in [
        ("WATCHER_ALERT", "mine"),
        ("WATCHER_KIND", "app"),
        ("WATCHER_SUBJECT", HOSTILE),
        ("WATCHER_DIRECTION", "both"),
        ("WATCHER_CONDITION", "bytes"),
        ("WATCHER_LIMIT", "5000000000"),
        ("WATCHER_BYTES", "5000000123"),
        ("WATCHER_PERIOD", "day"),
        ("WATCHER_SINCE", "2026-01-02T00:00:00Z"),
        ("WATCHER_AT", "2026-01-02T12:00:00Z"),
    ] {
        assert!(lines.contains(&&*format!("{name}={value}")), "{name}: {lines:?}");
    }
    // Cargo has variables for this process; the command has none of them, nor would it have a token.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert!(lines.iter().all(|line| !line.starts_with("CARGO") && !line.starts_with("DIALTONE")), "{lines:?}");
}

#[tokio::test]
async fn a_name_with_a_nul_reaches_a_command_all_the_same() {
    let environment = words::environment(&fired(&with_command(&[]), Some("a\0b")), true);
    ran(&["/bin/sh", "-c", "test \"$WATCHER_SUBJECT$WATCHER_TEST\" = 'a\\u{0}b1'"], &environment, MINUTE)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_fails_is_named() {
    let not_there = ran(&["/nowhere/at-all"], &[], MINUTE).await.unwrap_err().to_string();
    assert!(not_there.starts_with("/nowhere/at-all cannot be started: No such file"), "{not_there}");
    let failed = ran(&["/bin/sh", "-c", "exit 3"], &[], MINUTE).await.unwrap_err().to_string();
    assert_eq!(failed, "/bin/sh failed: exit status: 3");
}

/// Gone, or a corpse that nobody has looked after yet.
#[cfg(target_os = "linux")]
fn is_dead(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_command_that_does_not_end_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("pids");
    let script = "sleep 1000 & echo $$ $! > \"$0.part\"; mv \"$0.part\" \"$0\"; wait";
    let words = ["/bin/sh", "-c", script, out.to_str().unwrap()];
    // The limit comes when the processes are there: not by a clock of its own.
    let killed = ran(&words, &[], Duration::from_secs(2)).await.unwrap_err();
    assert!(matches!(killed, CommandError::Killed { .. }), "{killed}");
    let pids = fs::read_to_string(&out).unwrap();
    let pids: Vec<&str> = pids.split_whitespace().collect();
    assert_eq!(pids.len(), 2);
    // SIGKILL is sent; the kernel takes a moment for the one that is not waited for.
    while !pids.iter().all(|pid| is_dead(pid)) {
        tokio::task::yield_now().await;
    }
}

fn actor(limits: Limits) -> Actor {
    Actor::new(Log::to_stderr(LogFormat::Text), Limits { at_end: MINUTE, ..limits }, None)
}

fn lines(path: &PathBuf) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn the_actor_runs_what_alerts_ask_for_and_no_more_at_once_than_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let script = "mkdir \"$0/lock\" || echo overlap >> \"$0/out\"; sleep 0.02; rmdir \"$0/lock\"; echo $WATCHER_BYTES >> \"$0/out\"";
    let alert = with_command(&["/bin/sh", "-c", script, place]);
    let mut actor = actor(Limits { at_once: 1, ..Limits::default() });
    for n in 0..5 {
        actor.act(Deed { alert: alert.clone(), fired: Fired { bytes: n, ..fired(&alert, Some("curl")) } }).unwrap();
    }
    actor.end();
    assert_eq!(lines(&folder.path().join("out")), ["0", "1", "2", "3", "4"]);
}

#[test]
fn an_alert_too_many_is_an_error_and_holds_up_nobody() {
    let alert = with_command(&["/bin/sleep", "1000"]);
    let mut actor = Actor::new(
        Log::to_stderr(LogFormat::Text),
        Limits { waiting: 1, at_once: 1, at_end: Duration::ZERO, ..Limits::default() },
        None,
    );
    // One waits, the thread may have taken another, and what it cannot take it leaves out: some of many are refused.
    let refused = (0..10_000).any(|_| actor.act(Deed { alert: alert.clone(), fired: fired(&alert, None) }).is_err());
    assert!(refused);
    // Ends now, not in a thousand seconds.
    actor.end();
}

#[test]
fn a_sample_is_at_the_limit() {
    let sum = dry::sample(&alert("app = \"a\"\nover = \"5 GB\""), Timestamp::now());
    assert_eq!((sum.bytes, sum.name.as_deref(), sum.since), (5_000_000_000, Some("a"), sum.period.start));
    let rate = dry::sample(&alert("app = \"a\"\nrate = \"1 KB/s\"\nfor = \"10s\""), Timestamp::now());
    assert_eq!((rate.bytes, rate.bytes_per_second), (10_000, 1_000));
}

fn listed(name: &str, condition: Condition, names: Vec<Standing>) -> Listed {
    let subject = Subject::Application(watcher_core::alerts::Pattern::new("fire*").unwrap());
    let rule = Rule { name: name.into(), subject, direction: Way::Both, condition };
    let report = Report { rule, period: None, counted_from: None, followed: names.len(), names };
    Listed { report, desktop: false, command: Vec::new() }
}

#[test]
fn the_table_says_how_near_each_is() {
    let standing = |name: Option<&str>, bytes, fired: Option<&str>| Standing {
        name: name.map(Into::into),
        bytes,
        bytes_per_second: bytes / 1_000,
        fired: fired.map(|at| at.parse().unwrap()),
    };
    let day = Condition::Bytes { bytes: 5_000_000, per: Period::Day };
    let rate = Condition::Rate { bytes_per_second: 10_000, seconds: 30, once_per: Period::Day };
    let all = [
        listed(
            "sum",
            day,
            vec![
                standing(Some("fire\u{1b}fox"), 5_000_001, Some("2026-01-02T10:00:00Z")),
                standing(None, 4_999_999, None),
            ],
        ),
        listed("rate", rate, vec![standing(Some("firefox"), 2_500_000, None)]),
        listed("silent", rate, Vec::new()),
    ];
    let text = view::write(&all, "2026-01-02T12:00:00Z".parse().unwrap(), &TimeZone::UTC, None);
    insta::assert_snapshot!(text);
    assert!(view::write(&[], Timestamp::now(), &TimeZone::UTC, None).starts_with("No alerts"));
}
