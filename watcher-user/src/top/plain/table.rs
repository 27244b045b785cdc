//! Columns that are as wide as their widest cell, counted in columns of a terminal.

use std::fmt;

use crate::text::{fit, width};

/// No column is wider: one hostile name must not push the numbers off the screen.
const WIDEST: usize = 46;

/// Printable text and its side.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    text: String,
    right: bool,
}

impl Cell {
    pub fn left(text: impl AsRef<str>) -> Self {
        Self { text: fit(text.as_ref(), WIDEST).into_owned(), right: false }
    }

    pub fn right(text: impl AsRef<str>) -> Self {
        Self { right: true, ..Self::left(text) }
    }
}

/// A heading and rows.
#[derive(Debug)]
pub(super) struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub fn new(heading: &[&'static str]) -> Self {
        Self { heading: heading.to_vec(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.heading.len());
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths: Vec<usize> = self.heading.iter().map(|title| width(title)).collect();
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(width(&cell.text));
            }
        }
        let sides = |index: usize| self.rows.first().is_some_and(|row| row[index].right);
        let heading: Vec<Cell> = (self.heading.iter().enumerate())
            .map(|(index, title)| Cell { text: (*title).to_owned(), right: sides(index) })
            .collect();
        for row in std::iter::once(&heading).chain(&self.rows) {
            line(f, row, &widths)?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, row: &[Cell], widths: &[usize]) -> fmt::Result {
    let mut text = String::new();
    for (cell, widest) in row.iter().zip(widths) {
        let space = " ".repeat(widest - width(&cell.text));
        let (before, after) = if cell.right { (space, String::new()) } else { (String::new(), space) };
        text.extend([before.as_str(), &cell.text, &after, "  "]);
    }
    writeln!(f, "{}", text.trim_end())
}
