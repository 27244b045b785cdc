//! What `stats` promises on the command line.

use clap::Parser as _;
use watcher_core::history::{By, Sort, Step};

use crate::{
    cli::{Cli, Command},
    stats::{Asked, Form},
};

const NOW: &str = "2026-11-21T14:05:59[Europe/Berlin]";

fn asked(args: &[&str]) -> Result<Asked, clap::Error> {
    match Cli::try_parse_from(["watcher"].iter().chain(args)).and_then(Cli::said)? {
        Command::Stats(args) => args.resolve(NOW.parse().expect("a time")),
        other => panic!("{other:?}"),
    }
}

fn stats(args: &str) -> Result<Asked, clap::Error> {
    asked(&["stats"].into_iter().chain(args.split_whitespace()).collect::<Vec<_>>())
}

/// What rows are, which time, from when.
fn view(args: &str) -> (By, &'static str, Option<String>) {
    let asked = stats(args).expect(args);
    let from = asked.query.from.map(|at| at.to_zoned(asked.now.time_zone().clone()).strftime("%F %H:%M").to_string());
    (asked.query.by, asked.period.name(), from)
}

#[test]
fn words_and_flags_say_the_same() {
    let (today, week) = (|| Some("2026-11-21 00:00".to_owned()), || Some("2026-11-16 00:00".to_owned()));
    for (args, by, period, from) in [
        ("", By::Application, "today", today()),
        ("apps", By::Application, "today", today()),
        ("week", By::Application, "week", week()),
        ("domains week", By::Domain, "week", week()),
        ("week domains", By::Domain, "week", week()),
        ("week --by domain", By::Domain, "week", week()),
        ("--by user --period week", By::User, "week", week()),
        ("interfaces month", By::Interface, "month", Some("2026-11-01 00:00".to_owned())),
        ("all", By::Application, "all", None),
        ("processes --period 24h", By::Process, "last", Some("2026-11-20 14:05".to_owned())),
        ("--from -2h", By::Application, "custom", Some("2026-11-21 12:05".to_owned())),
        ("users --from 09:30 --to 10:30", By::User, "custom", Some("2026-11-21 09:30".to_owned())),
        ("--to 2026-11-20", By::Application, "custom", None),
    ] {
        assert_eq!(view(args), (by, period, from), "{args}");
    }
}

#[test]
fn a_table_has_20_rows_what_programs_read_has_all() {
    for (args, limit, form) in [
        ("", 20, Form::Text),
        ("--json", usize::MAX, Form::Json),
        ("--csv", usize::MAX, Form::Csv),
        ("--limit 0", usize::MAX, Form::Text),
        ("--json --limit 3", 3, Form::Json),
    ] {
        let asked = stats(args).expect(args);
        assert_eq!((asked.query.limit, asked.form), (limit, form), "{args}");
    }
}

#[test]
fn a_graph_is_divided_as_suits_its_time() {
    for (args, step) in [
        ("", None),
        ("--graph", Some(Step::Hour)),
        ("--graph today", Some(Step::Hour)),
        ("today --graph", Some(Step::Hour)),
        ("--graph day", Some(Step::Day)),
        ("--graph=minute today", Some(Step::Minute)),
        ("week --graph", Some(Step::Day)),
        ("all --graph", Some(Step::Day)),
        ("--graph --period hour", Some(Step::Minute)),
        ("--graph --period 3d", Some(Step::Hour)),
        ("--graph --from 2026-06-01 --to 2026-06-02", Some(Step::Day)),
        ("--graph --from 2026-11-01T12:00:00Z --to 2026-11-01T13:00:00Z", Some(Step::Hour)),
    ] {
        assert_eq!(stats(args).expect(args).query.step, step, "{args}");
    }
    assert_eq!(view("--graph week").1, "week");
}

#[test]
fn nonsense_is_wrong_usage_and_says_why() {
    for (args, says) in [
        ("apps domains", "rows are one thing"),
        ("apps --by user", "rows are one thing"),
        ("week month", "there is one time"),
        ("week --graph month", "there is one time"),
        ("week --period month", "there is one time"),
        ("apps week domains", "unexpected"),
        ("week --from 14:00", "a period has its own beginning and end"),
        ("--period week --to 14:00", "cannot be used with"),
        ("--from 15:00 --to 14:00", "--from must be before --to"),
        ("--from 14:00 --to 14:00", "--from must be before --to"),
        ("--from soon", "'soon' is no time; write 2026-03-29,"),
        ("--period fortnight", "expected hour, today,"),
        ("--sort nose", "possible values: total, down, up, peak-down, peak-up, name"),
        ("domains --sort peak-up", "peaks are kept of applications and of interfaces"),
        ("users --explain", "ask by app"),
        ("interfaces --app x", "an interface's counters do not tell whose bytes they are"),
        ("processes --domain x", "remotes are kept by application"),
        ("--user nobody-has-this-name", "this machine has no user of that name"),
        ("--json --csv", "cannot be used with"),
        ("--json --explain", "cannot be used with"),
        ("--graph fortnight", "expected second, minute, hour or day"),
        ("yesterday", "possible values: apps, processes,"),
        ("--limit -1", "unexpected argument"),
        ("--db x --state y", "cannot be used with"),
    ] {
        let error = stats(args).expect_err(args);
        assert_eq!(error.exit_code(), 2, "{args}");
        assert!(error.to_string().contains(says), "{args}: {error}");
    }
}

#[test]
fn what_is_chosen_and_its_order_are_passed_on() {
    let asked = stats("--app a --user 7 --sort peak-down --include-loopback").unwrap_err();
    assert!(asked.to_string().contains("peaks are kept"), "of a user's part of an application there is none: {asked}");
    let asked = stats("--app a --user 7 --sort up --include-loopback").expect("good");
    assert_eq!((asked.query.choice.user, asked.query.choice.include_loopback), (Some(7), true));
    assert_eq!((asked.query.choice.application.as_deref(), asked.query.sort), (Some("a"), Sort::Uploaded));
    assert_eq!(stats("--user root").expect("good").query.choice.user, Some(0));
    assert_eq!(stats("interfaces --sort peak-up").expect("good").query.sort, Sort::PeakUp);
}

#[test]
fn the_history_may_be_named_anywhere() {
    for args in [["--db", "x", "stats", "today"], ["stats", "--db", "x", "today"], ["stats", "today", "--db", "x"]] {
        let said = Cli::try_parse_from(["watcher"].into_iter().chain(args)).and_then(Cli::said).expect("good");
        assert!(matches!(&said, Command::Stats(args) if args.db.as_deref() == Some("x".as_ref())), "{said:?}");
    }
    for (args, says) in [
        (&["--db", "x", "top"][..], "no other command takes it"),
        (&["top", "--db", "x"], "unexpected argument '--db'"),
        (&["--db", "x", "stats", "--db", "y"], "not twice"),
        (&["--db", "x", "stats", "--state", "y"], "not with --config or --state"),
    ] {
        let said = Cli::try_parse_from(["watcher"].iter().chain(args)).and_then(Cli::said);
        let error = said.expect_err("wrong usage");
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(says), "{args:?}: {error}");
    }
}
