//! `watcher alerts --dry-run` and `--fire`: what alerts would do, and that done once, with sample figures.

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use jiff::{Timestamp, tz::TimeZone};
use watcher_core::alerts::{Condition, Fired, Span};

use super::{
    command::{self, Output},
    desktop, words,
};
use crate::{config::Alert, text::printable};

/// As long as in the daemon.
const WITHIN: Duration = Duration::from_secs(30);

/// Prints what each of `alerts` would do if it fired now; does that of `fire`, as whoever calls, not as the daemon.
/// Exit code 1 when something of it did not work.
///
/// # Errors
/// No alert is called `fire`, or the output cannot be written.
pub async fn run(alerts: &[Alert], fire: Option<&str>) -> anyhow::Result<ExitCode> {
    let chosen: Vec<&Alert> = alerts.iter().filter(|alert| fire.is_none_or(|name| *alert.rule.name == *name)).collect();
    if let (Some(name), true) = (fire, chosen.is_empty()) {
        let known: Vec<_> = alerts.iter().map(|alert| printable(&alert.rule.name)).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join("; ") };
        anyhow::bail!("no alert is called {name:?}; there are: {known}");
    }
    let mut text = String::new();
    for alert in &chosen {
        text.push_str(&told(alert, &sample(alert, Timestamp::now())));
    }
    if alerts.is_empty() {
        text.push_str("No alerts: see [[alert]] in the configuration and docs/alerts.md.\n");
    }
    let mut out = io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing what would be done")?;
    let mut well = true;
    for alert in chosen.iter().filter(|_| fire.is_some()) {
        for failure in done(alert, &sample(alert, Timestamp::now())).await {
            well = false;
            writeln!(io::stderr(), "watcher: {}", printable(&failure)).ok();
        }
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// As if its limit had just been reached, to the byte.
pub(super) fn sample(alert: &Alert, at: Timestamp) -> Fired {
    let zoned = at.to_zoned(TimeZone::system());
    let period = Span::around(alert.rule.condition.period(), &zoned);
    let (bytes, bytes_per_second, since) = match alert.rule.condition {
        Condition::Bytes { bytes, .. } => (bytes, 0, period.start),
        Condition::Rate { bytes_per_second, seconds, .. } => {
            let since = at.checked_sub(Duration::from_secs(seconds.into())).unwrap_or(at);
            (bytes_per_second.saturating_mul(seconds.into()), bytes_per_second, since)
        }
    };
    let name = Some(alert.rule.subject.pattern().text().into());
    Fired { rule: alert.rule.clone(), name, bytes, bytes_per_second, since, at, period }
}

fn told(alert: &Alert, fired: &Fired) -> String {
    let mut text = format!("{}: {}\n", printable(&alert.rule.name), words::rule(&alert.rule));
    text.push_str(&format!("  log      {}\n", words::line(fired, &TimeZone::system())));
    if alert.desktop {
        text.push_str("  desktop  the same\n");
    }
    if !alert.command.is_empty() {
        let words: Vec<String> = alert.command.iter().map(|word| format!("{word:?}")).collect();
        text.push_str(&format!("  command  {}\n", printable(&words.join(" "))));
        for (name, value) in words::environment(fired, true) {
            text.push_str(&format!("           {name}={}\n", printable(&value)));
        }
    }
    text
}

/// What did not work of it.
async fn done(alert: &Alert, fired: &Fired) -> Vec<String> {
    let mut failures = Vec::new();
    if alert.desktop {
        let body = words::escaped(&words::sentence(fired, &TimeZone::system()));
        let shown = desktop::show(&printable(&alert.rule.name), &body).await;
        failures.extend(shown.err().map(|error| error.to_string()));
    }
    let ran = command::run(&alert.command, &words::environment(fired, true), WITHIN, Output::Shown).await;
    failures.extend(ran.err().map(|error| error.to_string()));
    failures
}
