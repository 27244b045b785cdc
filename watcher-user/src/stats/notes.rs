//! Sentences below a table: what its marks mean, and what is not in it.

use watcher_core::history::{By, Choice, Level, Report};

use super::Asked;
use crate::{
    text::{printable, width},
    units::count,
    users::Users,
};

/// `line` in as many lines as it needs.
pub fn wrap(line: &str, room: Option<usize>) -> String {
    let mut text = String::new();
    let mut used = 0;
    for word in line.split(' ') {
        let wide = width(word);
        if used > 0 && room.is_some_and(|room| used + 1 + wide > room) {
            text.push('\n');
            used = 0;
        } else if used > 0 {
            text.push(' ');
            used += 1;
        }
        text.push_str(word);
        used += wide;
    }
    text.push('\n');
    text
}

/// Each is a line of its own. What `table` has no column of needs no words.
pub fn notes(asked: &Asked, report: &Report, table: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let apart = report.rows.iter().any(|row| row.interface.as_ref().is_some_and(|columns| columns.apart));
    if report.more > 0 {
        notes.push(format!("{} more; --limit 0 shows all of them.", count(report.more)));
    }
    if report.estimated {
        notes.push("~ a part was estimated: counted from packets, or imported.".to_owned());
    }
    if asked.query.by == By::Interface {
        let columns = ["EXPLAINED: payload of processes", "OTHER: headers, what was sent again or forwarded, ARP"];
        let there = columns.iter().filter(|said| said.split(':').next().is_some_and(|title| table.contains(title)));
        let there: Vec<&str> = there.copied().collect();
        let columns = if there.is_empty() { String::new() } else { format!(" {}.", there.join("; ")) };
        notes.push(format!("All bytes of frames.{columns}"));
    }
    if apart {
        notes.push(
            "apart: not in the total; these bytes travel over another interface as well, or never leave the machine."
                .to_owned(),
        );
    }
    notes.extend(report.coarse.and_then(coarse));
    notes
}

fn coarse(level: Level) -> Option<String> {
    let unit = match level {
        Level::Open | Level::Minute => return None,
        Level::Hour => "hour",
        Level::Day => "day",
    };
    Some(format!(
        "That far back only {unit}s are kept: one that an edge of this time cuts is in it, whole, if it begins in it."
    ))
}

/// Which bytes are meant, where not all are.
pub fn choice(choice: &Choice, users: &Users) -> Option<String> {
    let mut parts = Vec::new();
    let mut named = |what: &str, name: &Option<String>| {
        parts.extend(name.as_ref().map(|name| format!("{what} {}", printable(name))));
    };
    named("application", &choice.application);
    named("domain", &choice.domain);
    parts.extend(choice.user.map(|uid| format!("user {}", printable(&users.name(uid)))));
    let only = (!parts.is_empty()).then(|| format!("Only {}.", parts.join(", ")));
    let inside = choice.include_loopback.then(|| "What stays within the machine is in it.".to_owned());
    let said: Vec<String> = [only, inside].into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(" "))
}

/// What to say, and to do, where there are no rows.
pub fn nothing(asked: &Asked, report: &Report) -> String {
    if report.span.is_none() {
        return "Nothing was collected yet: sudo watcher start".to_owned();
    }
    let who = match asked.query.by {
        By::Application => "No application moved anything",
        By::Process => "No process moved anything",
        By::Domain => "Nothing was exchanged with any domain",
        By::User => "No user moved anything",
        By::Interface => "No interface carried anything",
    };
    let chosen = Choice { include_loopback: false, ..asked.query.choice.clone() } != Choice::default();
    let hint = if chosen {
        "names are compared exactly: see them all without --app, --domain and --user"
    } else {
        "watcher stats all shows everything there is; watcher status says whether somebody counts"
    };
    format!("{who} in this time; {hint}.")
}
