//! Bars over time, in plain text: what came above, what went below it, each on a scale of its own.

use jiff::tz::TimeZone;
use watcher_core::history::Bin;

use super::{
    Page,
    bar::filled,
    labels::{self, Scale},
    notes,
    parts::Parts,
    step_name,
};
use crate::units::Units;

/// Rows of what came, and of what went.
const DOWN: usize = 6;
const UP: usize = 4;
/// In front of the bars: an amount, a space and the axis.
const AXIS: usize = 10;
/// Bars are not wider than this, with the column that is free beside them.
const WIDEST: usize = 6;
/// Where the output is no terminal.
const WIDTH: usize = 80;
/// Heights in one row.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The graph, with a line that says what does not fit or is not there.
pub fn write(parts: &Parts, zone: &TimeZone, page: Page, units: Units) -> String {
    let room = page.room.unwrap_or(WIDTH).saturating_sub(AXIS).max(10);
    let (bars, together) = parts.merged(room);
    let columns = (room / bars.len().max(1)).clamp(1, WIDEST);
    let drawing = Drawing { columns, page, units };
    let step = step_name(parts.step);
    let rx: Vec<u64> = bars.iter().map(|bar: &Bin| bar.rx_bytes).collect();
    let tx: Vec<u64> = bars.iter().map(|bar: &Bin| bar.tx_bytes).collect();
    let mut text = format!("Downloaded by {step}\n{}", drawing.bars(&rx, DOWN));
    text.push_str(&format!("Uploaded by {step}\n{}", drawing.bars(&tx, UP)));
    let labels = labels::line(&parts.bins, parts.step, Scale { together, columns }, zone, room);
    text.push_str(&format!("{}{labels}\n", " ".repeat(AXIS)));
    if together > 1 {
        let said = format!("Each bar is {together} {step}s: {} do not fit side by side.", parts.bins.len());
        text.push_str(&notes::wrap(&said, page.room));
    }
    if parts.cut {
        let said = format!("What was before the first bar is no longer kept by the {step}.");
        text.push_str(&notes::wrap(&said, page.room));
    }
    text
}

struct Drawing {
    columns: usize,
    page: Page,
    units: Units,
}

impl Drawing {
    /// With its axes, in so many rows and one for the line below.
    fn bars(&self, values: &[u64], rows: usize) -> String {
        let most = values.iter().copied().max().unwrap_or(0);
        let steps = if self.page.unicode { 8 } else { 1 };
        let heights: Vec<usize> = values.iter().map(|value| filled(*value, most, rows * steps)).collect();
        let (tick, side, corner, floor) =
            if self.page.unicode { ('┤', '│', '└', '─') } else { ('+', '|', '+', '-') };
        let mut text = String::new();
        for row in (0..rows).rev() {
            let amount = match row + 1 {
                top if top == rows => Some(most),
                top if top * 2 == rows => Some(most / 2),
                _ => None,
            };
            let (amount, axis) = amount
                .filter(|amount| *amount > 0)
                .map_or((String::new(), side), |amount| (self.units.amount(amount), tick));
            let line: String =
                heights.iter().map(|height| self.cell(height.saturating_sub(row * steps).min(steps))).collect();
            text.push_str(format!("{amount:>8} {axis}{line}").trim_end());
            text.push('\n');
        }
        let line = floor.to_string().repeat(values.len() * self.columns);
        text.push_str(&format!("{:>8} {corner}{line}\n", self.units.amount(0)));
        text
    }

    /// One row of one bar.
    fn cell(&self, height: usize) -> String {
        let block = match (self.page.unicode, height) {
            (true, _) => BLOCKS[height.min(8)],
            (false, 0) => ' ',
            (false, _) => '#',
        };
        let free = usize::from(self.columns > 1);
        format!("{}{}", block.to_string().repeat(self.columns - free), " ".repeat(free))
    }
}
