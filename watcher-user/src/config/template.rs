//! The default file: every key with its meaning and default, commented out, so that a later version's defaults hold.

use std::fmt::Write as _;

use super::keys::KEYS;

const HEAD: &str = "\
# watcher: configuration. What is commented out with # and no space is the default, or an example where there is none.
# The environment (DIALTONE_WATCHER_…) overrides this file, flags override both.
# Durations are written as 500ms, 15s, 15m, 1h30m.
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
        for line in key.about {
            let _ = writeln!(text, "# {line}");
        }
        let _ = writeln!(text, "#{} = {}", key.short(), key.default.unwrap_or(key.example));
    }
    text
}
