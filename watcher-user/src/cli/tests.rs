//! What the command line promises.

use clap::{CommandFactory as _, Parser as _};

use super::{Cli, Command, Format, Top};
use crate::{by::By, sort::Key};

fn top(args: &str) -> Result<Top, clap::Error> {
    let words = ["watcher", "top"].into_iter().chain(args.split_whitespace());
    match Cli::try_parse_from(words)?.command {
        Command::Top(args) => args.resolve(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn interval_and_count_have_two_spellings() {
    for args in ["-d 0.5 --count 3", "0.5 3", "--interval 0.5 --count 3"] {
        let top = top(args).unwrap();
        assert_eq!((top.interval.as_millis(), top.count, top.format), (500, Some(3), Some(Format::Plain)));
    }
    assert_eq!(top("2").unwrap().format, None);
    assert_eq!(top("--once --json").unwrap().count, Some(1));
}

#[test]
fn nonsense_is_wrong_usage() {
    let cases = [
        "-d 0",
        "-d -1",
        "-d NaN",
        "-d inf",
        "-d 1e9",
        "-d x",
        "--count 0",
        "0",
        "1 0",
        "--limit 0",
        "--sort nose",
        "--by nose",
        "--filter !(",
        "--json --plain",
        "--pid -1",
        "--ring-bytes 5000",
        "--max-flows 1",
        "--log loud",
        "1 -d 2",
        "--once --count 2",
        "--nose",
    ];
    for args in cases {
        assert_eq!(top(args).expect_err(args).exit_code(), 2, "{args}");
    }
}

#[test]
fn an_unknown_sort_key_names_those_of_the_table() {
    let error = top("--by remote --sort pid").unwrap_err().to_string();
    assert!(error.contains("unknown sort key 'pid' for --by remote"), "{error}");
    assert!(error.contains("rate, rx-rate, tx-rate, bytes, rx, tx, remote, processes, connections"), "{error}");
    assert_eq!(top("--sort RX_RATE").unwrap().rows.sort, Key::RxRate);
}

#[test]
fn the_help_names_every_sort_key() {
    for by in [By::Process, By::App, By::Connection, By::Remote] {
        let keys: Vec<_> = Key::of(by).iter().map(|key| key.name()).collect();
        let line = format!("  {:<12}{}\n", by.name(), keys.join(" "));
        assert!(super::top::EXAMPLES.contains(&line), "{line}");
    }
}

#[test]
fn flags_about_loading_need_probes_of_its_own() {
    use super::Counter;
    for (args, counter) in [
        ("", Counter::Either),
        ("--attach", Counter::Daemon),
        ("--standalone", Counter::Own),
        ("--max-flows 64", Counter::Own),
        ("--ring-bytes 4096", Counter::Own),
        ("--floor", Counter::Own),
        ("--assume-traits", Counter::Own),
        ("--log info", Counter::Own),
    ] {
        assert_eq!(top(args).unwrap().counter, counter, "{args}");
    }
    for args in ["--attach --standalone", "--attach --max-flows 64"] {
        assert_eq!(top(args).unwrap_err().exit_code(), 2, "{args}");
    }
}
