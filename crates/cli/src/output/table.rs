//! Columns of text, aligned.

use super::style::Style;

/// What a cell means, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Usual,
    Good,
    Warn,
    Bad,
    Dim,
}

/// One cell.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }

    pub(super) fn usual(text: impl Into<String>) -> Self {
        Self::new(text, Tone::Usual)
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }

    pub(super) fn painted(&self, style: Style) -> String {
        match self.tone {
            Tone::Usual => self.text.clone(),
            Tone::Good => style.good(&self.text),
            Tone::Warn => style.warn(&self.text),
            Tone::Bad => style.bad(&self.text),
            Tone::Dim => style.dim(&self.text),
        }
    }
}

/// The rows as lines, indented by two spaces. A column is as wide as the widest of its cells that others follow:
/// a remark at the end of a row may run on as far as it likes.
pub(super) fn lines(rows: &[Vec<Cell>], style: Style) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let followed = |row: &&Vec<Cell>, column| last(row) > column;
    let width = |column: usize| {
        rows.iter().filter(|row| followed(row, column)).map(|row| row[column].width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    rows.iter().map(|row| line(row, &widths, style)).collect()
}

/// Position of the last cell that says something.
fn last(row: &[Cell]) -> usize {
    row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0)
}

fn line(row: &[Cell], widths: &[usize], style: Style) -> String {
    let last = last(row);
    let mut line = String::from(" ");
    for (position, (cell, width)) in row.iter().zip(widths).enumerate().take(last + 1) {
        line.push(' ');
        line.push_str(&cell.painted(style));
        if position < last {
            line.push_str(&" ".repeat(width - cell.width() + 1));
        }
    }
    line
}
