//! Tables of plain text: columns that are as wide as their widest cell, counted in columns of a terminal, and made to
//! fit where the terminal is narrower.

use std::{fmt, io::IsTerminal as _};

use crate::text::{fit, width};

/// No column is wider: one hostile name must not push the numbers off the screen.
const WIDEST: usize = 46;

/// Columns of the terminal that standard output is; `None` where it is none, and nothing needs to fit.
#[must_use]
pub fn terminal_width() -> Option<usize> {
    let is_terminal = std::io::stdout().is_terminal();
    let (columns, _) = is_terminal.then(crossterm::terminal::size)?.ok()?;
    (columns > 0).then_some(columns.into())
}

/// Printable text and its side.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    right: bool,
}

impl Cell {
    /// Text.
    #[must_use]
    pub fn left(text: impl AsRef<str>) -> Self {
        Self { text: fit(text.as_ref(), WIDEST).into_owned(), right: false }
    }

    /// Text that is never cut: for a last column, where it pushes nothing off the screen.
    #[must_use]
    pub fn whole(text: impl Into<String>) -> Self {
        Self { text: text.into(), right: false }
    }

    /// A number.
    #[must_use]
    pub fn right(text: impl AsRef<str>) -> Self {
        Self { right: true, ..Self::left(text) }
    }
}

/// A heading and rows.
#[derive(Debug)]
pub struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    gap: usize,
}

impl Table {
    /// Without rows.
    #[must_use]
    pub fn new(heading: &[&'static str]) -> Self {
        Self { heading: heading.to_vec(), rows: Vec::new(), gap: 2 }
    }

    /// One more row; as many cells as the heading has.
    pub fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.heading.len());
        self.rows.push(cells);
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Makes it fit into so many columns: `shrink` names columns that may be cut, and to what, in that order, a column
    /// perhaps more than once; if that is not enough, those in `drop` go first, one by one; then gaps become narrow.
    /// What `shrink` does not name is never cut.
    #[must_use]
    pub fn fit(mut self, room: Option<usize>, shrink: &[(&str, usize)], drop: &[&str]) -> Self {
        let Some(room) = room else { return self };
        for column in drop {
            if self.least(shrink) <= room {
                break;
            }
            self.remove(column);
        }
        if self.least(shrink) > room {
            self.gap = 1;
        }
        for (column, least) in shrink {
            let excess = self.total().saturating_sub(room);
            let Some(at) = self.heading.iter().position(|title| title == column).filter(|_| excess > 0) else {
                continue;
            };
            let wide = self.widths()[at].saturating_sub(excess).max(*least);
            for row in &mut self.rows {
                row[at].text = fit(&row[at].text, wide).into_owned();
            }
        }
        self
    }

    /// Its width once everything that may be cut is.
    fn least(&self, shrink: &[(&str, usize)]) -> usize {
        let widths = self.widths();
        let least = |title: &str| shrink.iter().filter(|(column, _)| *column == title).map(|(_, least)| *least).min();
        let cut = |(title, wide): (&&str, usize)| least(title).map_or(wide, |least| wide.min(least).max(width(title)));
        self.heading.iter().zip(widths).map(cut).sum::<usize>() + self.gaps()
    }

    fn total(&self) -> usize {
        self.widths().iter().sum::<usize>() + self.gaps()
    }

    fn gaps(&self) -> usize {
        self.gap * self.heading.len().saturating_sub(1)
    }

    fn remove(&mut self, column: &str) {
        let Some(at) = self.heading.iter().position(|title| *title == column) else { return };
        self.heading.remove(at);
        for row in &mut self.rows {
            row.remove(at);
        }
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.heading.iter().map(|title| width(title)).collect();
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(width(&cell.text));
            }
        }
        widths
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let sides = |index: usize| self.rows.first().is_some_and(|row| row[index].right);
        let heading: Vec<Cell> = (self.heading.iter().enumerate())
            .map(|(index, title)| Cell { text: (*title).to_owned(), right: sides(index) })
            .collect();
        for row in std::iter::once(&heading).chain(&self.rows) {
            line(f, row, &widths, self.gap)?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, row: &[Cell], widths: &[usize], gap: usize) -> fmt::Result {
    let mut text = String::new();
    for (cell, widest) in row.iter().zip(widths) {
        let space = " ".repeat(widest - width(&cell.text));
        let (before, after) = if cell.right { (space, String::new()) } else { (String::new(), space) };
        text.extend([before.as_str(), &cell.text, &after, &" ".repeat(gap)]);
    }
    writeln!(f, "{}", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::{Cell, Table};

    fn table() -> Table {
        let mut table = Table::new(&["WHEN", "NAME", "BYTES"]);
        for (name, bytes) in [("a long name of somebody", "1234567"), ("short", "1")] {
            table.row(vec![Cell::left("12:00:00"), Cell::left(name), Cell::right(bytes)]);
        }
        table
    }

    fn fitted(room: usize) -> String {
        table().fit(Some(room), &[("NAME", 6)], &["WHEN"]).to_string()
    }

    #[test]
    fn a_narrow_terminal_first_cuts_text_then_loses_columns_and_never_cuts_a_number() {
        assert_eq!(table().fit(None, &[("NAME", 6)], &["WHEN"]).to_string(), table().to_string());
        assert_eq!(
            fitted(30),
            "WHEN      NAME           BYTES\n12:00:00  a long nam…  1234567\n12:00:00  short              1\n"
        );
        assert_eq!(fitted(20), "NAME           BYTES\na long nam…  1234567\nshort              1\n");
        assert_eq!(fitted(14), "NAME     BYTES\na lon… 1234567\nshort        1\n");
        assert_eq!(fitted(3), fitted(14), "there is no way to be narrower");
    }
}
