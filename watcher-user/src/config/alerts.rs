//! `[[alert]]`: one table per alert, each walked against a table of keys of its own.

use std::time::Duration;

use watcher_core::alerts::{Condition, Pattern, Period, Rule, Subject, Way};

use super::{
    keys::{Key, set},
    size,
    value::{Reason, Value},
};

/// So many, no more: each costs a look at every new name, and up to a thousand names.
pub(super) const MOST: usize = 64;
/// The section.
pub(super) const SECTION: &str = "alert";
/// The longest name, characters.
const NAME: usize = 64;
/// The longest command, arguments with it.
const WORDS: usize = 64;

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// When it fires.
    pub rule: Rule,
    /// Whether it appears on the desktop. In the log it always does.
    pub desktop: bool,
    /// A program and its arguments, run without a shell; empty for none.
    pub command: Vec<String>,
}

/// What a table has said so far.
#[derive(Debug, Default)]
pub(super) struct Draft {
    name: Option<String>,
    app: Option<Pattern>,
    domain: Option<Pattern>,
    over: Option<u64>,
    per: Option<Period>,
    rate: Option<u64>,
    lasting: Option<u32>,
    once_per: Option<Period>,
    direction: Way,
    desktop: bool,
    command: Vec<String>,
}

impl Draft {
    /// The whole, or what is missing or too much.
    pub fn finish(self) -> Result<Alert, &'static str> {
        let subject = match (self.app, self.domain) {
            (Some(app), None) => Subject::Application(app),
            (None, Some(domain)) => Subject::Domain(domain),
            (None, None) => return Err("needs app = \"…\" or domain = \"…\""),
            (Some(_), Some(_)) => return Err("is about an app or a domain, not both: write two"),
        };
        let condition = match (self.over, self.rate) {
            (Some(_), _) if self.lasting.is_some() || self.once_per.is_some() => {
                return Err("for and once_per belong to rate; over has per");
            }
            (Some(_), Some(_)) => return Err("has over or rate, not both: write two"),
            (None, None) => return Err("needs over = \"5 GB\" or rate = \"10 MB/s\""),
            (Some(bytes), None) => Condition::Bytes { bytes, per: self.per.unwrap_or(Period::Day) },
            (None, Some(_)) if self.per.is_some() => return Err("per belongs to over; rate has once_per"),
            (None, Some(bytes_per_second)) => Condition::Rate {
                bytes_per_second,
                seconds: self.lasting.ok_or("needs for = \"30s\": how long the rate must hold")?,
                once_per: self.once_per.unwrap_or(Period::Day),
            },
        };
        let name = self.name.unwrap_or_else(|| named_after(subject.pattern(), self.direction, condition));
        let rule = Rule { name: name.into(), subject, direction: self.direction, condition };
        Ok(Alert { rule, desktop: self.desktop, command: self.command })
    }
}

/// `firefox over 5 GB per day`.
fn named_after(pattern: &Pattern, direction: Way, condition: Condition) -> String {
    let way = match direction {
        Way::Rx => " receives",
        Way::Tx => " sends",
        Way::Both => "",
    };
    let what = match condition {
        Condition::Bytes { bytes, per } => format!("over {} per {}", size::written(bytes), per.as_str()),
        Condition::Rate { bytes_per_second, seconds, .. } => {
            format!("{}/s for {seconds}s", size::written(bytes_per_second))
        }
    };
    format!("{}{way} {what}", pattern.text())
}

/// In the order of the default file.
pub(super) const KEYS: &[Key<Draft>] = &[
    Key {
        name: "alert.name",
        default: None,
        example: "\"Browser, daily\"",
        expected: "a name of 1 to 64 printable characters",
        about: &["What it is called. Without it, what it says: \"firefox over 5 GB per day\"."],
        apply: |draft, value| set(&mut draft.name, name(value).map(Some)),
    },
    Key {
        name: "alert.app",
        default: None,
        example: "\"firefox\"",
        expected: "the name of an application such as \"firefox\", or a pattern such as \"*\"",
        about: &[
            "Whose bytes: an application's, as `watcher top --by app` names it. With * or ? each one that matches is",
            "counted apart.",
        ],
        apply: |draft, value| set(&mut draft.app, pattern(value).map(Some)),
    },
    Key {
        name: "alert.domain",
        default: None,
        example: "\"example.com\"",
        expected: "a domain such as \"example.com\", or a pattern such as \"*.example.com\"",
        about: &[
            "Or a remote's: a registrable domain with all below it, or one host. With * or ? each that matches is counted",
            "apart.",
        ],
        apply: |draft, value| set(&mut draft.domain, pattern(value).map(Some)),
    },
    Key {
        name: "alert.over",
        default: None,
        example: "\"5 GB\"",
        expected: "an amount such as \"5 GB\" (powers of 1000: KB, MB, GB, TB) or \"512 MiB\" (of 1024: KiB, MiB, GiB, TiB)",
        about: &[
            "Fires when so many bytes have moved in the local day or hour. KB, MB, GB, TB are powers of 1000; KiB, MiB, GiB,",
            "TiB of 1024.",
        ],
        apply: |draft, value| set(&mut draft.over, amount(value, size::parse)),
    },
    Key {
        name: "alert.per",
        default: None,
        example: "\"day\"",
        expected: "\"day\" or \"hour\"",
        about: &["The sum begins anew with each. \"day\", unless it says \"hour\"."],
        apply: |draft, value| set(&mut draft.per, period(value).map(Some)),
    },
    Key {
        name: "alert.rate",
        default: None,
        example: "\"10 MB/s\"",
        expected: "a rate such as \"10 MB/s\" (powers of 1000) or \"512 KiB/s\" (of 1024)",
        about: &["Or fires when so many bytes moved in each second, for a time."],
        apply: |draft, value| set(&mut draft.rate, amount(value, size::parse_rate)),
    },
    Key {
        name: "alert.for",
        default: None,
        example: "\"30s\"",
        expected: "a duration in whole seconds from \"1s\" to \"1h\", such as \"30s\"",
        about: &["For how long."],
        apply: |draft, value| set(&mut draft.lasting, lasting(value).map(Some)),
    },
    Key {
        name: "alert.once_per",
        default: None,
        example: "\"day\"",
        expected: "\"day\" or \"hour\"",
        about: &["A rate is told once in each. \"day\", unless it says \"hour\"."],
        apply: |draft, value| set(&mut draft.once_per, period(value).map(Some)),
    },
    Key {
        name: "alert.direction",
        default: Some("\"both\""),
        example: "\"tx\"",
        expected: "\"rx\", \"tx\" or \"both\"",
        about: &["Which bytes: received, sent, or both together."],
        apply: |draft, value| set(&mut draft.direction, way(value)),
    },
    Key {
        name: "alert.notify",
        default: Some("[\"log\"]"),
        example: "[\"log\", \"desktop\"]",
        expected: "an array of \"log\" and \"desktop\"",
        about: &["Where it is told. The log is told always; \"desktop\" needs a session of the daemon's own user."],
        apply: |draft, value| set(&mut draft.desktop, desktop(value)),
    },
    Key {
        name: "alert.command",
        default: None,
        example: "[\"/usr/local/bin/on-alert\"]",
        expected: "an array such as [\"/usr/local/bin/on-alert\", \"argument\"], the program by its absolute path",
        about: &[
            "A program to run, without a shell, as the daemon's user. WATCHER_ALERT and others in its environment say what",
            "happened.",
        ],
        apply: |draft, value| set(&mut draft.command, command(value)),
    },
];

fn name(value: Value<'_>) -> Result<String, Reason> {
    let text = value.text()?;
    let is_clean = crate::text::printable(text) == text && !text.trim().is_empty();
    if is_clean && text.chars().count() <= NAME { Ok(text.to_owned()) } else { Err(None) }
}

fn pattern(value: Value<'_>) -> Result<Pattern, Reason> {
    Pattern::new(value.text()?).ok_or(None)
}

fn amount(value: Value<'_>, parse: impl Fn(&str) -> Option<u64>) -> Result<Option<u64>, Reason> {
    match parse(value.text()?) {
        Some(0) => Err(Some("it would fire always".to_owned())),
        Some(bytes) => Ok(Some(bytes)),
        None => Err(None),
    }
}

fn period(value: Value<'_>) -> Result<Period, Reason> {
    match value.text()? {
        "day" => Ok(Period::Day),
        "hour" => Ok(Period::Hour),
        _ => Err(None),
    }
}

fn lasting(value: Value<'_>) -> Result<u32, Reason> {
    let time = value.duration(Duration::from_secs(1), Duration::from_secs(3_600))?;
    if time.subsec_nanos() == 0 { u32::try_from(time.as_secs()).map_err(|_| None) } else { Err(None) }
}

fn way(value: Value<'_>) -> Result<Way, Reason> {
    match value.text()? {
        "rx" => Ok(Way::Rx),
        "tx" => Ok(Way::Tx),
        "both" => Ok(Way::Both),
        _ => Err(None),
    }
}

fn desktop(value: Value<'_>) -> Result<bool, Reason> {
    let each = value.list(|text| match text {
        "log" => Ok(false),
        "desktop" => Ok(true),
        _ => Err(Some(format!("{text:?} is neither"))),
    })?;
    Ok(each.contains(&true))
}

fn command(value: Value<'_>) -> Result<Vec<String>, Reason> {
    let words = value.list(|word| {
        if word.contains('\0') { Err(Some("no argument can hold a NUL".to_owned())) } else { Ok(word.to_owned()) }
    })?;
    match words.first() {
        None => Err(Some("it names no program".to_owned())),
        Some(program) if !program.starts_with('/') => Err(Some(format!("{program:?} is not absolute"))),
        Some(_) if words.len() > WORDS => Err(Some(format!("at most {WORDS} words"))),
        Some(_) => Ok(words),
    }
}
