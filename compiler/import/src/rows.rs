//! A CSV file, a header and rows, to the draft: one entity, its columns the fields.

use crate::draft::{Definition, Draft, Field, Marks, Role, Shape, Typed, guess_change_stamp, guess_key};
use crate::fault::{Fault, Note, Place};
use crate::values::Looks;

/// What may stand between two columns.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How many columns a row may have.
const COLUMNS_MAX: usize = 2_000;

/// Reads a header and rows.
pub(crate) fn read(file: &str, source: usize, text: &str, stem: &str) -> Result<Draft, Fault> {
    let header = text.lines().next().unwrap_or_default();
    let count = |separator: &u8| header.bytes().filter(|byte| byte == separator).count();
    let separator = SEPARATORS.iter().rev().max_by_key(|separator| count(separator)).copied().unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(text.as_bytes());
    let told = |fault: &csv::Error| {
        let line = fault.position().map_or(0, |at| u32::try_from(at.line()).unwrap_or(u32::MAX));
        match fault.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => Fault::at(
                file,
                line,
                format!("this row has {len} columns, and the header has {expected_len}"),
                "quote values that hold the separator, and give every row all columns",
            ),
            _ => Fault::at(file, line, "this row cannot be read", "save the file as CSV with a header"),
        }
    };
    let names: Vec<String> =
        reader.headers().map_err(|fault| told(&fault))?.iter().map(|name| name.trim().to_owned()).collect();
    if names.is_empty() || names.len() > COLUMNS_MAX || names.iter().all(String::is_empty) {
        let message = format!("its first line has no names of columns, or more than {COLUMNS_MAX}");
        return Err(Fault::at(file, 1, message, "put a header with the names of the columns above the rows"));
    }
    let mut columns: Vec<(Looks, bool)> = vec![(Looks::default(), false); names.len()];
    let mut rows = 0_usize;
    for row in reader.records() {
        let row = row.map_err(|fault| told(&fault))?;
        rows += 1;
        for ((looks, blank), value) in columns.iter_mut().zip(row.iter()) {
            match value.trim() {
                "" => *blank = true,
                value => looks.look(value),
            }
        }
    }
    let place = Place { source, line: 1 };
    let mut notes = Vec::new();
    let told =
        format!("drafted from {rows} rows: types are guessed, lengths, enums and what is required are not known");
    notes.push(Note { place, subject: stem.to_owned(), text: told });
    let mut fields = Vec::with_capacity(names.len());
    for (wire, (looks, blank)) in names.into_iter().zip(columns) {
        let subject = format!("{stem}.{wire}");
        let typed = looks.formed().or_else(|| looks.counted()).unwrap_or(Typed::plain(Shape::TEXT));
        if matches!(typed.shape, Shape::Text(_)) {
            let text = match looks.seen {
                0 => "no row has a value; drafted as a text".to_owned(),
                _ => format!("its longest value has {} characters; no length is drafted", looks.longest),
            };
            notes.push(Note { place, subject, text });
        }
        let marks = Marks { blank_is_missing: blank, ..Marks::default() };
        fields.push(Field { wire, typed: Typed { optional: blank, ..typed }, marks, doc: String::new(), place });
    }
    guess_key(stem, &mut fields, place, &mut notes);
    guess_change_stamp(stem, &mut fields, &mut notes);
    let body = Shape::Record(fields);
    let mut draft = Draft::default();
    let definition = Definition { name: stem.to_owned(), role: Role::Entity, doc: String::new(), body, place, notes };
    draft.definitions.insert(format!("{source}"), definition);
    Ok(draft)
}
