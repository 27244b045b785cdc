//! A replayed capture in words.

use jiff::tz::TimeZone;
use watcher_core::Grade;

use super::{Options, Replayed, pipeline::Outcome};
use crate::{
    agent::heaviest,
    clock::local,
    summary,
    table::terminal_width,
    text::printable,
    units::{Units, count},
    wording,
};

/// The short report.
pub fn summary(options: &Options, replayed: &Replayed, zone: &TimeZone) -> String {
    let outcome = &replayed.outcome;
    let mut text = about(options, replayed);
    let mut line = |name: &str, said: String| text.push_str(&format!("{name:<9}  {}\n", printable(&said)));
    let span = wording::span(outcome.seen.last.unwrap_or_default().since(outcome.seen.first.unwrap_or_default()));
    let (from, to) = (local(outcome.started_at(), zone), local(outcome.ended_at(), zone));
    line("time", format!("{from} to {to} ({span})"));
    line("moved", moved(outcome));
    let flows = heaviest(&outcome.snapshot, true);
    text + &summary::tables(&outcome.rollup(), &flows, terminal_width())
}

fn moved(outcome: &Outcome) -> String {
    let traffic = &outcome.snapshot.totals.traffic;
    let amount = |bytes| Units::default().amount(bytes);
    let (rx, tx) = (amount(traffic.network.rx_bytes), amount(traffic.network.tx_bytes));
    let inside = amount(traffic.loopback.rx_bytes.max(traffic.loopback.tx_bytes));
    let is_exact = outcome.snapshot.quality.grade == Grade::Pid;
    let promise = if is_exact { "exact" } else { "not exact" };
    format!("received {rx}, sent {tx}; within the machine {inside}; {promise}")
}

/// What was read, whose it is, and what could not be counted.
pub fn about(options: &Options, replayed: &Replayed) -> String {
    let mut text = String::new();
    let mut line = |name: &str, said: String| text.push_str(&format!("{name:<9}  {}\n", printable(&said)));
    let seen = &replayed.outcome.seen;
    let bytes = Units::default().amount(seen.wire_bytes);
    line("capture", format!("{}: {} frames, {bytes} on the wire", options.file.display(), count(seen.frames)));
    let hosts: Vec<String> = replayed.hosts.iter().map(ToString::to_string).collect();
    let hosts = if hosts.is_empty() { "its loopback addresses alone".to_owned() } else { hosts.join(", ") };
    let how = if replayed.are_guessed {
        " (guessed: the machine that most of it is to or from; --host says another)"
    } else {
        ""
    };
    line("machine", format!("{hosts}{how}"));
    let skipped = replayed.read.as_ref().map(|skipped| skipped.frames).unwrap_or_default();
    let notes = [
        (seen.unreadable, "frames cut off within their headers: what they carried is missing"),
        (seen.malformed, "frames whose headers contradict themselves: nobody would take them"),
        (skipped, "frames of link types that are not read"),
        (replayed.outcome.overheard_bytes, "bytes between other machines: nobody's here"),
    ];
    for (number, what) in notes.into_iter().filter(|(number, _)| *number > 0) {
        line("", format!("{} {what}", count(number)));
    }
    text
}
