//! What stands under a graph: times of the local clock, as many as fit. Each is read off its own moment, so hours that the clock
//! shows twice, or never, move nothing.

use jiff::{Timestamp, Zoned, tz::TimeZone};
use watcher_core::history::{Bin, Step};

use crate::text::{pad, width};

/// Between two labels.
const GAP: usize = 2;
// `14:00`, `16 Nov`, `Nov 2026`.
const CLOCK: usize = 5;
const DATE: usize = 6;
const MONTH: usize = 8;

/// How the parts of a graph stand beside each other.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// So many parts are one bar.
    pub together: usize,
    /// A bar takes so many columns, with what is free beside it.
    pub columns: usize,
}

/// One line, at most `room` columns wide.
pub fn line(bins: &[Bin], step: Step, scale: Scale, zone: &TimeZone, room: usize) -> String {
    let label = Label::that_fits(bins, step, scale, zone);
    let mut line = String::new();
    for (bar, parts) in bins.chunks(scale.together).enumerate() {
        let at = bar * scale.columns;
        let free = if line.is_empty() { 0 } else { width(&line) + GAP };
        if at < free {
            continue;
        }
        let first = bar == 0;
        let text = parts.iter().enumerate().find_map(|(index, part)| {
            let index = bar * scale.together + index;
            label.of(&local(part.from, zone), index, first)
        });
        if let Some(text) = text.filter(|text| at + width(text) <= room) {
            line = pad(&line, at) + &text;
        }
    }
    line
}

/// Which parts have one.
#[derive(Debug, Clone, Copy)]
enum Label {
    /// Those whose minute of the day is a multiple, by the clock; midnight by its date.
    Clock(usize),
    /// Days: each so many-th.
    Day(usize),
    /// Days of several years, likewise.
    Month(usize),
}

impl Label {
    fn that_fits(bins: &[Bin], step: Step, scale: Scale, zone: &TimeZone) -> Self {
        let parts = |wide: usize| (wide + GAP).div_ceil(scale.columns) * scale.together;
        let year = |bin: Option<&Bin>| bin.map(|bin| local(bin.from, zone).year());
        if step == Step::Day {
            let in_one_year = year(bins.first()) == year(bins.last());
            return if in_one_year { Self::Day(parts(DATE)) } else { Self::Month(parts(MONTH)) };
        }
        let minutes = match step {
            Step::Second => parts(DATE.max(CLOCK)).div_ceil(60),
            Step::Hour => 60 * parts(DATE.max(CLOCK)),
            Step::Minute | Step::Day => parts(DATE.max(CLOCK)),
        };
        let round = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720];
        Self::Clock(round.into_iter().find(|every| *every >= minutes).unwrap_or(1_440))
    }

    fn of(self, at: &Zoned, index: usize, first: bool) -> Option<String> {
        match self {
            Self::Clock(every) => {
                let minute = usize::try_from(i32::from(at.hour()) * 60 + i32::from(at.minute())).unwrap_or(0);
                // Days are told by their dates; the first bar of a day alone is the heading's.
                let form = if minute == 0 && (!first || every == 1_440) { "%-d %b" } else { "%H:%M" };
                (at.second() == 0 && minute.is_multiple_of(every)).then(|| at.strftime(form).to_string())
            }
            Self::Day(every) => index.is_multiple_of(every).then(|| at.strftime("%-d %b").to_string()),
            Self::Month(every) => index.is_multiple_of(every).then(|| at.strftime("%b %Y").to_string()),
        }
    }
}

fn local(at: Timestamp, zone: &TimeZone) -> Zoned {
    at.to_zoned(zone.clone())
}
