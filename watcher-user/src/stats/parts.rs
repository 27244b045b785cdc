//! The parts of a graph: every one that the time has, with nothing where the history has nothing.

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use watcher_core::history::{Bin, Calendar, Level, Report, Span, Step};

use super::Asked;

/// More than these nobody draws.
const MOST: i64 = 20_000;

/// A graph of too many parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a graph by the {0} of so long a time has more than 20000 parts: ask for a shorter time, or --graph day")]
pub struct TooMany(&'static str);

/// All parts of the time, and from when on, where its beginning is kept by nothing so fine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// One after the other, without gaps.
    pub bins: Vec<Bin>,
    /// What they are.
    pub step: Step,
    /// The beginning of the time is missing.
    pub cut: bool,
}

impl Parts {
    /// Of a report, where a graph was asked for and anything was collected.
    ///
    /// # Errors
    /// There are too many.
    pub fn of(asked: &Asked, report: &Report) -> Result<Option<Self>, TooMany> {
        let (Some(step), Some(span)) = (asked.query.step, report.span) else { return Ok(None) };
        let calendar = Calendar::new(asked.now.time_zone().clone());
        let now = asked.now.timestamp();
        // The future has no bytes; a clock that was set back has left some there.
        let newest = report.bins.last().map_or(now, |bin| bin.from.max(now));
        let until = span.until.min(calendar.part(newest, step).until);
        let kept = kept_since(&calendar, step, now).filter(|since| span.from < *since);
        let from = kept.unwrap_or(span.from).min(until);
        let seconds = until.as_second() - from.as_second();
        if seconds / shortest(step) > MOST {
            return Err(TooMany(super::step_name(step)));
        }
        let mut bins = empty(&calendar, step, Span { from, until });
        fill(&mut bins, &report.bins);
        Ok(Some(Self { bins, step, cut: kept.is_some() }))
    }

    /// At most so many, several as one, and how many as one.
    #[must_use]
    pub fn merged(&self, most: usize) -> (Vec<Bin>, usize) {
        let together = self.bins.len().div_ceil(most.max(1)).max(1);
        let sum = |bins: &[Bin]| {
            let first = *bins.first()?;
            let parts = bins.iter().skip(1);
            Some(parts.fold(first, |sum, bin| Bin {
                from: sum.from,
                until: bin.until,
                rx_bytes: sum.rx_bytes.saturating_add(bin.rx_bytes),
                tx_bytes: sum.tx_bytes.saturating_add(bin.tx_bytes),
            }))
        };
        (self.bins.chunks(together).filter_map(sum).collect(), together)
    }
}

/// Of the clocks that are there, none leaves out more of a day.
fn shortest(step: Step) -> i64 {
    match step {
        Step::Second => 1,
        Step::Minute => 60,
        Step::Hour => 3_600,
        Step::Day => 22 * 3_600,
    }
}

/// Before it, rows are coarser, and would stand where they begin. The first coarser one that may be whole.
fn kept_since(calendar: &Calendar, step: Step, now: Timestamp) -> Option<Timestamp> {
    let level = match step {
        Step::Second => return now.checked_sub(SignedDuration::from_hours(1)).ok(),
        Step::Minute => Level::Minute,
        Step::Hour => Level::Hour,
        Step::Day => Level::Day,
    };
    let oldest = now.checked_sub(level.kept_for()?).ok()?;
    Some(calendar.around(oldest, level.above()?).until)
}

fn empty(calendar: &Calendar, step: Step, span: Span) -> Vec<Bin> {
    let mut bins = Vec::new();
    let mut at = span.from;
    while at < span.until {
        let part = calendar.part(at, step);
        let until = part.until.min(span.until);
        bins.push(Bin { from: at, until, rx_bytes: 0, tx_bytes: 0 });
        if until <= at {
            break;
        }
        at = until;
    }
    bins
}

/// Whoever answered may have divided days by another clock: bytes go to the part that theirs began in, or touches.
fn fill(parts: &mut [Bin], found: &[Bin]) {
    for bin in found {
        let at = parts.partition_point(|part| part.until <= bin.from);
        let Some(part) = parts.get_mut(at).filter(|part| part.from < bin.until) else { continue };
        part.rx_bytes = part.rx_bytes.saturating_add(bin.rx_bytes);
        part.tx_bytes = part.tx_bytes.saturating_add(bin.tx_bytes);
    }
}
