//! What `[[alert]]` means, and what its errors say.

use std::path::Path;

use watcher_core::alerts::{Condition, Period, Subject, Way};

use super::{Alert, Config, Mode, alerts, template};

fn alerts(text: &str) -> Result<Vec<Alert>, String> {
    let config = Config::defaults(Mode::Normal).text(Path::new("/c.toml"), text);
    config.map(|config| config.alerts).map_err(|error| error.to_string())
}

#[test]
fn an_alert_says_whose_bytes_and_how_many() {
    let all = alerts(
        "[[alert]]\napp = \"firefox\"\nover = \"5 GB\"\n\n[[alert]]\nname = \"mine\"\ndomain = \"*.example.com\"\n\
         rate = \"512 KiB/s\"\nfor = \"1m30s\"\nonce_per = \"hour\"\ndirection = \"tx\"\nnotify = [\"log\", \"desktop\"]\n\
         command = [\"/bin/true\", \"$(x)\"]\n[[alert]]\napp = \"curl\"\nover = \"1.5 GiB\"\nper = \"hour\"\ndirection = \"rx\"\n",
    )
    .unwrap();
    let names: Vec<&str> = all.iter().map(|alert| &*alert.rule.name).collect();
    assert_eq!(names, ["firefox over 5 GB per day", "mine", "curl receives over 1536 MiB per hour"]);
    assert_eq!(all[0].rule.condition, Condition::Bytes { bytes: 5_000_000_000, per: Period::Day });
    assert_eq!((all[0].rule.direction, all[0].desktop, all[0].command.len()), (Way::Both, false, 0));
    let Subject::Domain(pattern) = &all[1].rule.subject else { panic!("{all:?}") };
    assert_eq!(pattern.text(), "*.example.com");
    let rate = Condition::Rate { bytes_per_second: 512 << 10, seconds: 90, once_per: Period::Hour };
    assert_eq!((all[1].rule.condition, all[1].rule.direction, all[1].desktop), (rate, Way::Tx, true));
    assert_eq!(all[1].command, ["/bin/true", "$(x)"]);
}

#[test]
fn a_wrong_alert_is_told_by_line_and_key_and_what_was_expected() {
    let head = "[[alert]]\napp = \"a\"\n";
    let cases = [
        ("[[alert]]\n\nap = \"x\"", "3: alert.ap: no such key; did you mean alert.app?".to_owned()),
        ("[[alerts]]\napp = \"x\"", "1: alerts: no such key; did you mean alert?".into()),
        ("[upload]\ngzip = true\n[[alert]]\nover = \"1 B\"", "3: alert: needs app = \"…\" or domain = \"…\"".into()),
        ("[[alert]]\napp = \"a\"\ndomain = \"b\"", "1: alert: is about an app or a domain, not both: write two".into()),
        (head, "1: alert: needs over = \"5 GB\" or rate = \"10 MB/s\"".into()),
        (&format!("{head}over = \"1 B\"\nrate = \"1 B/s\""), "1: alert: has over or rate, not both: write two".into()),
        (&format!("{head}rate = \"1 B/s\""), "1: alert: needs for = \"30s\": how long the rate must hold".into()),
        (&format!("{head}over = \"1 B\"\nfor = \"1s\""), "1: alert: for and once_per belong to rate; over has per".into()),
        (
            &format!("{head}rate = \"1 B/s\"\nper = \"day\""),
            "1: alert: per belongs to over; rate has once_per".into(),
        ),
        (
            &format!("{head}over = \"5 Gb\""),
            "3: alert.over: expected an amount such as \"5 GB\" (powers of 1000: KB, MB, GB, TB) or \"512 MiB\" (of 1024: \
             KiB, MiB, GiB, TiB), found \"5 Gb\""
                .into(),
        ),
        (&format!("{head}per = \"week\""), "3: alert.per: expected \"day\" or \"hour\", found \"week\"".into()),
        (
            &format!("{head}for = \"1500ms\""),
            "3: alert.for: expected a duration in whole seconds from \"1s\" to \"1h\", such as \"30s\", found \"1500ms\"".into(),
        ),
        (
            &format!("{head}notify = [\"mail\"]"),
            "3: alert.notify: expected an array of \"log\" and \"desktop\", found an array: \"mail\" is neither".into(),
        ),
        (
            &format!("{head}command = [\"true\"]"),
            "3: alert.command: expected an array such as [\"/usr/local/bin/on-alert\", \"argument\"], the program by its \
             absolute path, found an array: \"true\" is not absolute"
                .into(),
        ),
        (
            "[[alert]]\nname = \"a\\u001bb\"",
            "2: alert.name: expected a name of 1 to 64 printable characters, found \"a\\u{1b}b\"".into(),
        ),
        ("[alert]\napp = \"x\"", "1: alert: expected tables, each under [[alert]], found a table".into()),
        ("alert = [1]", "1: alert: expected tables, each under [[alert]], found the integer 1".into()),
        (
            &format!("{head}over = \"1 B\"\n{head}over = \"1 B\""),
            "4: alert: there is one called \"a over 1 B per day\" already: give each a name".into(),
        ),
    ];
    for (said, wanted) in cases {
        assert_eq!(alerts(said).unwrap_err(), format!("/c.toml:{wanted}"), "{said}");
    }
    let zero = alerts(&format!("{head}over = \"0 B\"")).unwrap_err();
    assert!(zero.ends_with("found \"0 B\": it would fire always"), "{zero}");
}

#[test]
fn there_may_be_64_and_no_more() {
    let many = |n: usize| (0..n).map(|n| format!("[[alert]]\napp = \"a{n}\"\nover = \"1 B\"\n")).collect::<String>();
    assert_eq!(alerts(&many(64)).unwrap().len(), 64);
    assert_eq!(alerts(&many(65)).unwrap_err(), "/c.toml:193: alert: there are more than 64");
}

#[test]
fn the_default_file_shows_every_key_of_an_alert() {
    let text = template();
    let (_, shown) = text.split_once("\n#[[alert]]\n").unwrap();
    for key in alerts::KEYS {
        assert!(!key.about.is_empty() && key.about.iter().all(|line| line.len() <= 118), "{}", key.name);
        let value = key.default.unwrap_or(key.example);
        let line = format!("{} = {value}", key.short());
        assert!(shown.contains(&format!("\n#{line}\n")), "{line}");
        // Whatever is missing beside it, what it says itself is right.
        for value in [key.example, value] {
            let said = alerts(&format!("[[alert]]\n{} = {value}\n", key.short())).unwrap_err();
            assert!(said.starts_with("/c.toml:1: alert: "), "{said}");
        }
    }
}
