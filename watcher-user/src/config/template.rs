//! The default file: every key with its meaning and default, commented out, so that a later version's defaults hold.

use std::fmt::Write as _;

use super::{
    alerts,
    keys::{KEYS, Key},
};

const HEAD: &str = "\
# watcher: configuration. What is commented out with # and no space is the default, or an example where there is none.
# The environment (DIALTONE_WATCHER_…) overrides this file, flags override both.
# Durations are written as 500ms, 15s, 15m, 1h30m.
";

const ALERTS: &str = "
# Alerts: up to 64 such tables, each with an app or a domain, and with over or rate. Each fires once per day or hour.
#[[alert]]
";

/// The text of a file that says nothing and shows everything.
#[must_use]
pub fn template() -> String {
    let mut text = HEAD.to_owned();
    let mut section = "";
    for key in KEYS {
        if key.section() != section {
            section = key.section();
            // Writing to a String cannot fail.
            let _ = write!(text, "\n[{section}]\n");
        }
        entry(&mut text, key);
    }
    text.push_str(ALERTS);
    for key in alerts::KEYS {
        entry(&mut text, key);
    }
    text
}

fn entry<T>(text: &mut String, key: &Key<T>) {
    for line in key.about {
        let _ = writeln!(text, "# {line}");
    }
    let _ = writeln!(text, "#{} = {}", key.short(), key.default.unwrap_or(key.example));
}
