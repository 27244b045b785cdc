//! What a bench says, as a Markdown table.

use std::fmt::Write as _;

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// What it may be at most, or has to be at least.
    pub limit: String,
    /// What came out.
    pub measured: String,
    /// Whether that is good.
    pub met: bool,
}

impl Row {
    /// A row whose value must not be above `limit`.
    pub fn at_most(what: impl Into<String>, limit: f64, measured: f64, unit: &str, note: &str) -> Self {
        Self {
            what: what.into(),
            limit: format!("≤ {limit} {unit}"),
            measured: with_note(&format!("{measured:.1} {unit}"), note),
            met: measured <= limit,
        }
    }

    /// A row whose ratio must not be below `limit`.
    pub fn at_least(what: impl Into<String>, limit: f64, measured: f64, note: &str) -> Self {
        Self {
            what: what.into(),
            limit: format!("≥ {limit}"),
            measured: with_note(&format!("{measured:.3}"), note),
            met: measured >= limit,
        }
    }

    /// A row that is told, and asks nothing.
    pub fn told(what: impl Into<String>, measured: impl Into<String>) -> Self {
        Self { what: what.into(), limit: "none".into(), measured: measured.into(), met: true }
    }

    /// A row about something that has to be so.
    pub fn must(what: impl Into<String>, holds: bool, measured: impl Into<String>) -> Self {
        Self { what: what.into(), limit: "exactly".into(), measured: measured.into(), met: holds }
    }
}

fn with_note(value: &str, note: &str) -> String {
    if note.is_empty() { value.to_owned() } else { format!("{value} ({note})") }
}

/// All rows below a heading.
pub fn markdown(rows: &[Row]) -> String {
    let cells = rows.iter().map(|row| {
        let verdict = if row.met { "yes" } else { "**no**" };
        [row.what.as_str(), row.limit.as_str(), row.measured.as_str(), verdict]
    });
    let mut lines = vec![["what", "limit", "measured", "met"], ["---"; 4]];
    lines.extend(cells);
    lines.iter().fold(String::new(), |mut text, cells| {
        let _ = writeln!(text, "| {} |", cells.join(" | "));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_limit_is_seen_at_a_glance() {
        let rows = [
            Row::at_least("bulk", 0.97, 0.991, "61.0 of 61.5 Gbit/s"),
            Row::at_most("cost", 50.0, 61.25, "ns", ""),
            Row::must("bytes", true, "0 off"),
        ];
        let expected = "\
| what | limit | measured | met |
| --- | --- | --- | --- |
| bulk | ≥ 0.97 | 0.991 (61.0 of 61.5 Gbit/s) | yes |
| cost | ≤ 50 ns | 61.2 ns | **no** |
| bytes | exactly | 0 off | yes |
";
        assert_eq!(markdown(&rows), expected);
    }
}
