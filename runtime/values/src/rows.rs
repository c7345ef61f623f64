//! The rows of a large table, as data.
//!
//! In: one text with a row a line, sorted: the cells of its keys, then those of its result, a tab behind each. Out: the row of a key, found by
//! halving the text. Nothing is built when a program starts, and to `rustc` many thousand rows are one literal. Which rows there are,
//! and what a cell's type is, the generator knows.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::decimal::Decimal;
use crate::fault::Stop;
use crate::time::{Date, Time, Uuid, date_text, parse_date, parse_time, time_text};
use crate::value::Value;

/// A value that a table may be asked by: equal values give equal cells.
pub trait Cell {
    /// Writes the value as a cell.
    fn cell(&self, line: &mut String);
}

impl Cell for str {
    fn cell(&self, line: &mut String) {
        for letter in self.chars() {
            if letter == '\\' || letter.is_control() || turns_direction(letter) {
                // Writing to a `String` cannot fail.
                let _ = write!(line, "\\{:x};", u32::from(letter));
            } else {
                line.push(letter);
            }
        }
    }
}

impl Cell for Cow<'_, str> {
    fn cell(&self, line: &mut String) {
        str::cell(self, line);
    }
}

impl Cell for Decimal {
    fn cell(&self, line: &mut String) {
        let _ = write!(line, "{self}");
    }
}

impl Cell for bool {
    fn cell(&self, line: &mut String) {
        line.push_str(if *self { "true" } else { "false" });
    }
}

impl Cell for Date {
    fn cell(&self, line: &mut String) {
        line.push_str(&date_text(*self));
    }
}

impl Cell for Time {
    fn cell(&self, line: &mut String) {
        line.push_str(&time_text(*self));
    }
}

impl Cell for Uuid {
    fn cell(&self, line: &mut String) {
        line.push_str(&self.dashed());
    }
}

/// A missing value: no cell of a row is like it.
impl<T: Cell> Cell for Option<T> {
    fn cell(&self, line: &mut String) {
        match self {
            Some(value) => value.cell(line),
            None => line.push_str("\\;"),
        }
    }
}

/// rustc allows no such letter in a literal, since the text would not be read as it is shown.
fn turns_direction(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The key of a row as its line begins.
#[must_use]
pub fn key(cells: &[&dyn Cell]) -> String {
    let mut line = String::with_capacity(32);
    for cell in cells {
        cell.cell(&mut line);
        line.push('\t');
    }
    line
}

/// The rows of a table.
pub struct Rows {
    text: &'static str,
}

impl Rows {
    /// Rows, one a line, in the order of their bytes.
    #[must_use]
    pub const fn new(text: &'static str) -> Rows {
        Rows { text }
    }

    /// The row with exactly these keys.
    #[must_use]
    pub fn find(&self, keys: &[&dyn Cell]) -> Option<Row> {
        let key = key(keys);
        let bytes = self.text.as_bytes();
        // INVARIANT: both stand at the start of a line or at the end of the text; the row, if there is one, lies between.
        let (mut low, mut high) = (0, bytes.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let before = bytes.get(low..middle)?.iter().rposition(|byte| *byte == b'\n');
            let start = before.map_or(low, |at| low + at + 1);
            let behind = bytes.get(middle..high)?.iter().position(|byte| *byte == b'\n');
            let end = behind.map_or(high, |at| middle + at);
            let line = self.text.get(start..end)?;
            if let Some(cells) = line.strip_prefix(key.as_str()) {
                return Some(Row { cells });
            }
            if line < key.as_str() {
                low = (end + 1).min(high);
            } else {
                high = start;
            }
        }
        None
    }
}

/// What a row answers.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    cells: &'static str,
}

impl Row {
    /// The cell of a text, counted from 0.
    ///
    /// # Errors
    /// There is no such cell.
    pub fn text(&self, index: usize) -> Result<Cow<'static, str>, Stop> {
        let cell = self.at(index)?;
        if cell.contains('\\') { unescaped(cell).map(Cow::Owned).ok_or_else(broken) } else { Ok(Cow::Borrowed(cell)) }
    }

    /// The cell of a number.
    ///
    /// # Errors
    /// There is no such cell.
    pub fn number(&self, index: usize) -> Result<Decimal, Stop> {
        Decimal::parse(self.at(index)?).map_err(|_| broken())
    }

    /// The cell of `true` or `false`.
    ///
    /// # Errors
    /// There is no such cell.
    pub fn boolean(&self, index: usize) -> Result<bool, Stop> {
        self.at(index)?.parse().map_err(|_| broken())
    }

    /// The cell of a day.
    ///
    /// # Errors
    /// There is no such cell.
    pub fn date(&self, index: usize) -> Result<Date, Stop> {
        parse_date(self.at(index)?).ok_or_else(broken)
    }

    /// The cell of a time of day.
    ///
    /// # Errors
    /// There is no such cell.
    pub fn time(&self, index: usize) -> Result<Time, Stop> {
        parse_time(self.at(index)?).ok_or_else(broken)
    }

    fn at(&self, index: usize) -> Result<&'static str, Stop> {
        self.cells.split('\t').nth(index).ok_or_else(broken)
    }
}

fn broken() -> Stop {
    Stop::failed("a row of the table is not as it was written: that is a fault of the program")
}

fn unescaped(cell: &str) -> Option<String> {
    let mut pieces = cell.split('\\');
    let mut text = pieces.next()?.to_owned();
    for piece in pieces {
        let (letter, rest) = piece.split_once(';')?;
        text.push(char::from_u32(u32::from_str_radix(letter, 16).ok()?)?);
        text.push_str(rest);
    }
    Some(text)
}

/// A value as a cell, if it is of a kind that tables are asked by.
#[must_use]
pub fn value_cell<'v>(value: &'v Value<'_>) -> Option<&'v dyn Cell> {
    match value {
        Value::Text(text) => Some(text),
        Value::Number(number) => Some(number),
        Value::Boolean(value) => Some(value),
        Value::Date(date) => Some(date),
        Value::Time(time) => Some(time),
        Value::Uuid(uuid) => Some(uuid),
        Value::Quotient(_)
        | Value::Money(_)
        | Value::Instant(_)
        | Value::List(_)
        | Value::Record(_)
        | Value::Json(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys of all lengths, some with letters that are escaped, each with its own number as result.
    fn texts() -> Vec<String> {
        let odd = ["", "\\", "tab\tbed", "line\nline", "\u{202e}turned", "ü", "a", "a b", "a\\9;"].map(str::to_owned);
        odd.into_iter().chain((0..500).map(|number| format!("{}-{number}", "x".repeat(number % 7)))).collect()
    }

    fn leaked(mut lines: Vec<String>) -> Rows {
        lines.sort_unstable();
        Rows::new(Box::leak(format!("\n{}\n", lines.join("\n")).into_boxed_str()))
    }

    #[test]
    fn every_row_is_found_and_nothing_else() {
        let texts = texts();
        let line = |(number, text): (usize, &String)| {
            let text = Cow::Borrowed(text.as_str());
            key(&[&text, &text]) + &number.to_string()
        };
        let rows = leaked(texts.iter().enumerate().map(line).collect());
        for (number, text) in texts.iter().enumerate() {
            let row = rows.find(&[&Cow::Borrowed(text.as_str())]).expect("the row is there");
            assert_eq!(row.text(0).as_deref(), Ok(text.as_str()));
            assert_eq!(row.number(1), Ok(Decimal::from(number)));
            assert!(row.text(2).is_err() && row.boolean(1).is_err());
            assert!(rows.find(&[&Cow::Borrowed(format!("{text}!").as_str())]).is_none());
        }
    }

    #[test]
    fn numbers_are_found_by_value() {
        let rows = leaked(vec![key(&[&Decimal::integer(7), &true]) + "2026-03-14\t09:15:00\ttrue"]);
        let seven = Decimal::parse("7.00").expect("a number");
        let row = rows.find(&[&seven, &true]).expect("the row is there");
        assert_eq!(row.date(0), Ok(Date::constant(2026, 3, 14)));
        assert_eq!(row.time(1), Ok(Time::constant(9, 15, 0, 0)));
        assert_eq!(row.boolean(2), Ok(true));
        assert!(rows.find(&[&seven, &false]).is_none());
    }
}
