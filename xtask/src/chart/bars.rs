//! A table of bars: a row for each program, a column for each job, in each cell a bar from 0 to 1 with its figure.

use anyhow::{Result, anyhow};
use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea as _};
use plotters::element::{Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontStyle, IntoFont as _, RGBColor, WHITE};

/// What is drawn.
#[derive(Debug)]
pub struct Bars {
    pub title: String,
    /// Below it, smaller.
    pub explained: String,
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

/// One row: as many cells as there are columns.
#[derive(Debug)]
pub struct Row {
    pub name: String,
    pub cells: Vec<Cell>,
}

/// A bar, or words where there is none.
#[derive(Debug)]
pub enum Cell {
    Share(f64),
    None(&'static str),
}

const NAMES: i32 = 190;
const COLUMN: i32 = 112;
const BAR: i32 = 90;
const ROW: i32 = 44;
const TOP: i32 = 100;
const MARGIN: i32 = 20;

const INK: RGBColor = RGBColor(31, 41, 55);
const FAINT: RGBColor = RGBColor(107, 114, 128);
const TRACK: RGBColor = RGBColor(229, 231, 235);
const ALL: RGBColor = RGBColor(15, 118, 110);
const MOST: RGBColor = RGBColor(217, 119, 6);
const LITTLE: RGBColor = RGBColor(185, 28, 28);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The picture. Its background is white, whatever the page's is.
pub fn svg(bars: &Bars) -> Result<String> {
    let count = |items: usize| i32::try_from(items).unwrap_or(i32::MAX);
    let width = NAMES + COLUMN * count(bars.columns.len()) + MARGIN;
    let height = TOP + ROW * count(bars.rows.len()) + MARGIN;
    let mut picture = String::new();
    {
        let area =
            SVGBackend::with_string(&mut picture, (width.unsigned_abs(), height.unsigned_abs())).into_drawing_area();
        let failed = |error| anyhow!("cannot draw: {error}");
        area.fill(&WHITE).map_err(failed)?;
        write(&area, &bars.title, (MARGIN, 26), Look { size: 18, bold: true, ink: INK })?;
        write(&area, &bars.explained, (MARGIN, 50), Look { size: 13, bold: false, ink: FAINT })?;
        for (name, left) in bars.columns.iter().zip((NAMES..).step_by(COLUMN.unsigned_abs() as usize)) {
            write(&area, name, (left, TOP - 16), Look { size: 13, bold: true, ink: INK })?;
        }
        for (row, top) in bars.rows.iter().zip((TOP..).step_by(ROW.unsigned_abs() as usize)) {
            let line = [(MARGIN, top - 4), (width - MARGIN, top - 3)];
            area.draw(&Rectangle::new(line, TRACK.filled())).map_err(failed)?;
            write(&area, &row.name, (MARGIN, top + 18), Look { size: 14, bold: true, ink: INK })?;
            for (cell, left) in row.cells.iter().zip((NAMES..).step_by(COLUMN.unsigned_abs() as usize)) {
                draw(&area, cell, (left, top))?;
            }
        }
        area.present().map_err(failed)?;
    }
    Ok(picture)
}

fn draw(area: &Area<'_>, cell: &Cell, (left, top): (i32, i32)) -> Result<()> {
    let share = match cell {
        Cell::Share(share) => *share,
        Cell::None(why) => {
            return write(area, why, (left, top + 18), Look { size: 13, bold: false, ink: FAINT });
        }
    };
    let colour = match share {
        _ if share >= 0.999 => ALL,
        _ if share >= 0.5 => MOST,
        _ => LITTLE,
    };
    write(area, &figure(share), (left, top + 12), Look { size: 13, bold: false, ink: INK })?;
    for (width, colour) in [(BAR, TRACK), (part(share), colour)] {
        if width > 0 {
            let bar = Rectangle::new([(left, top + 22), (left + width, top + 32)], colour.filled());
            area.draw(&bar).map_err(|error| anyhow!("cannot draw: {error}"))?;
        }
    }
    Ok(())
}

/// Of a bar's width. What is there at all can be seen.
#[expect(clippy::cast_possible_truncation, reason = "at most the width of a bar")]
fn part(share: f64) -> i32 {
    let width = (share.clamp(0.0, 1.0) * f64::from(BAR)).round() as i32;
    if share > 0.0 { width.max(1) } else { 0 }
}

/// Three digits. What is not all does not read as all.
pub fn figure(share: f64) -> String {
    if share < 1.0 { format!("{:.3}", (share * 1000.0).floor() / 1000.0) } else { format!("{share:.3}") }
}

#[derive(Clone, Copy)]
struct Look {
    size: i32,
    bold: bool,
    ink: RGBColor,
}

fn write(area: &Area<'_>, text: &str, at: (i32, i32), look: Look) -> Result<()> {
    let style = if look.bold { FontStyle::Bold } else { FontStyle::Normal };
    let font = ("Helvetica, Arial, sans-serif", look.size, style).into_font().color(&look.ink);
    let text = Text::new(text.to_owned(), at, font.pos(Pos::new(HPos::Left, VPos::Center)));
    area.draw(&text).map_err(|error| anyhow!("cannot write: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_all_does_not_read_as_all() {
        assert_eq!([1.0, 0.9999, 0.5, 0.0, 1.0004].map(figure), ["1.000", "0.999", "0.500", "0.000", "1.000"]);
        assert_eq!([1.0, 3.0, 0.5, 0.0001, 0.0].map(part), [BAR, BAR, BAR / 2, 1, 0]);
    }

    #[test]
    fn every_cell_is_in_the_picture() {
        let cells = || vec![Cell::Share(0.25), Cell::None("left out")];
        let rows = ["one", "two"].map(|name| Row { name: name.into(), cells: cells() }).into();
        let bars = Bars {
            title: "A title".into(),
            explained: "What it is".into(),
            columns: vec!["first".into(), "second".into()],
            rows,
        };
        let picture = svg(&bars).unwrap();
        let there = |text: &str| picture.matches(&format!("\n{text}\n")).count();
        let found = ["A title", "What it is", "first", "second", "one", "two", "0.250", "left out"].map(there);
        assert_eq!(found, [1, 1, 1, 1, 1, 1, 2, 2]);
    }
}
