//! Which rows answer for a time: the coarsest that lie within it, and finer ones at its edges.

use jiff::Timestamp;

use super::{Level, Span};

/// What a store holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held {
    /// Hours that have rows of their own, in order, not overlapping.
    pub hours: Vec<Span>,
    /// Days likewise.
    pub days: Vec<Span>,
    /// Before this, minutes are gone.
    pub minutes_since: Option<Timestamp>,
    /// Before this, hours are gone.
    pub hours_since: Option<Timestamp>,
}

/// Rows to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// At this level; open minutes are in no other one, and are read for every segment.
    pub level: Level,
    /// That begin within this.
    pub span: Span,
}

/// What to read for `range`, each byte in one segment, in order of time. No level coarser than `coarsest` is used, but where finer
/// rows are gone: a row there belongs wholly to the time that it begins in.
#[must_use]
pub fn plan(range: Span, held: &Held, coarsest: Level) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut gaps = vec![range];
    let levels = [(Level::Day, &held.days, held.hours_since), (Level::Hour, &held.hours, held.minutes_since)];
    for (level, rows, finer_since) in levels {
        for row in rows.iter().filter(|row| row.from < range.until && range.from < row.until) {
            let gone = finer_since.is_some_and(|since| row.from < since);
            // A day of which a part has been taken is none of its own level any more: there are none such, days come first.
            let wanted = level <= coarsest && gaps.iter().any(|gap| gap.covers(row));
            if !gone && !wanted {
                continue;
            }
            let span = Span { from: row.from.max(range.from), until: row.until.min(range.until) };
            if !gaps.iter().any(|gap| gap.covers(&span)) {
                continue;
            }
            gaps = gaps.iter().flat_map(|gap| without(*gap, span)).collect();
            segments.push(Segment { level, span });
        }
    }
    segments.extend(gaps.into_iter().map(|span| Segment { level: Level::Minute, span }));
    segments.retain(|segment| !segment.span.is_empty());
    segments.sort_unstable_by_key(|segment| segment.span);
    segments.dedup_by(|next, before| {
        let adjoins = before.level == next.level && before.span.until == next.span.from;
        if adjoins {
            before.span.until = next.span.until;
        }
        adjoins
    });
    segments
}

/// What is left of `gap`.
fn without(gap: Span, taken: Span) -> impl Iterator<Item = Span> {
    let (before, after) = if taken.from < gap.until && gap.from < taken.until {
        (Span { from: gap.from, until: taken.from }, Span { from: taken.until, until: gap.until })
    } else {
        (gap, Span { from: gap.until, until: gap.until })
    };
    [before, after].into_iter().filter(|span| !span.is_empty())
}
