//! What is said of an alert: to people, and in a command's environment.

use jiff::tz::TimeZone;
use watcher_core::alerts::{Condition, FOLLOWED, Fired, Rule, Subject, Way};

use crate::{clock::local, config::written_size, text::printable, units::count};

/// Who, made printable.
pub fn who(name: Option<&str>) -> String {
    match name {
        Some(name) => printable(name).into_owned(),
        None => format!("all others together (only {} are followed apart)", count(FOLLOWED as u64)),
    }
}

/// `5 GB per day`, `10 MB/s for 30 s`.
pub fn limit(condition: Condition) -> String {
    match condition {
        Condition::Bytes { bytes, per } => format!("{} per {}", written_size(bytes), per.as_str()),
        Condition::Rate { bytes_per_second, seconds, .. } => {
            format!("{}/s for {seconds} s", written_size(bytes_per_second))
        }
    }
}

/// `firefox, received and sent, 5 GB per day`.
pub fn rule(rule: &Rule) -> String {
    let way = match rule.direction {
        Way::Rx => "received",
        Way::Tx => "sent",
        Way::Both => "received and sent",
    };
    format!("{}, {way}, {}", printable(rule.subject.pattern().text()), limit(rule.condition))
}

/// One sentence without a stop.
pub fn sentence(fired: &Fired, zone: &TimeZone) -> String {
    let did = match fired.rule.direction {
        Way::Rx => "received",
        Way::Tx => "sent",
        Way::Both => "moved",
    };
    let (who, since) = (who(fired.name.as_deref()), local(fired.since, zone));
    match fired.rule.condition {
        Condition::Bytes { .. } => {
            let limit = limit(fired.rule.condition);
            format!("{who} {did} {} bytes since {since}; the limit is {limit}", count(fired.bytes))
        }
        Condition::Rate { bytes_per_second, seconds, .. } => format!(
            "{who} {did} {}/s or more for {seconds} s, since {since}; {} bytes in the last second",
            written_size(bytes_per_second),
            count(fired.bytes_per_second)
        ),
    }
}

/// The line of the log.
pub fn line(fired: &Fired, zone: &TimeZone) -> String {
    format!("alert {}: {}", printable(&fired.rule.name), sentence(fired, zone))
}

/// Body of a notification: servers take some markup in it.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c => out.push(c),
        }
    }
    out
}

/// What a command finds in its environment. docs/alerts.md names every variable.
pub fn environment(fired: &Fired, is_test: bool) -> Vec<(&'static str, String)> {
    let kind = match fired.rule.subject {
        Subject::Application(_) => "app",
        Subject::Domain(_) => "domain",
    };
    let way = match fired.rule.direction {
        Way::Rx => "rx",
        Way::Tx => "tx",
        Way::Both => "both",
    };
    let (condition, limit) = match fired.rule.condition {
        Condition::Bytes { bytes, .. } => ("bytes", bytes),
        Condition::Rate { bytes_per_second, .. } => ("rate", bytes_per_second),
    };
    let name = fired.name.as_deref().unwrap_or_default();
    let mut all = vec![
        ("WATCHER_ALERT", fired.rule.name.to_string()),
        ("WATCHER_KIND", kind.to_owned()),
        // No environment can hold a NUL.
        ("WATCHER_SUBJECT", if name.contains('\0') { printable(name).into_owned() } else { name.to_owned() }),
        ("WATCHER_DIRECTION", way.to_owned()),
        ("WATCHER_CONDITION", condition.to_owned()),
        ("WATCHER_LIMIT", limit.to_string()),
        ("WATCHER_BYTES", fired.bytes.to_string()),
        ("WATCHER_RATE", fired.bytes_per_second.to_string()),
        ("WATCHER_PERIOD", fired.rule.condition.period().as_str().to_owned()),
        ("WATCHER_SINCE", fired.since.to_string()),
        ("WATCHER_AT", fired.at.to_string()),
    ];
    if is_test {
        all.push(("WATCHER_TEST", "1".to_owned()));
    }
    all
}
