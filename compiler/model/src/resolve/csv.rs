//! Rows of a table that stand in a CSV file.
//!
//! In: the text of the file, read by `mapwright-project`. Out: rows typed by the declared columns, not by spelling: `01` keeps its zero.

use mapwright_syntax::tree::{LiteralKind, Name};
use mapwright_syntax::{FileId, Span, tree};

use super::blocks::target_of;
use super::scope::{Body, Place};
use crate::faults;
use crate::ir::{Block, Branch, Expr, ExprKind, Row, Statement, Table, Type};

/// A field of a line with its place.
struct CsvCell {
    text: String,
    span: Span,
}

impl Body<'_, '_> {
    /// The rows of a file; `None` when it cannot be used.
    pub(super) fn csv_rows(
        &mut self,
        name: &str,
        span: Span,
        columns: &[Name],
        shell: &Table,
        place: &Place,
    ) -> Option<Vec<Row>> {
        let Some((_, file)) = self.ctx.project.csv.iter().find(|(known, _)| known == name) else {
            self.report(faults::missing_file(span, name));
            return None;
        };
        let text = self.ctx.project.files.get(*file).map(|file| file.text.clone()).unwrap_or_default();
        let mut lines = read_lines(&text, *file).into_iter();
        let header = lines.next()?;
        let mut positions = Vec::with_capacity(columns.len());
        for column in columns {
            let position = header.iter().position(|cell| cell.text == column.text);
            let Some(position) = position else {
                let known = header.iter().map(|cell| cell.text.as_str());
                self.report(faults::unknown_column(column, known));
                return None;
            };
            positions.push(position);
        }
        let results = self.result_fields(shell);
        let expected = shell.keys.len() + results.len();
        if positions.len() != expected {
            self.report(faults::malformed_row(span, expected, positions.len()));
            return None;
        }
        let mut rows = Vec::new();
        for line in lines {
            let line_span = line.first().map_or(span, |cell| cell.span);
            let cells: Vec<&CsvCell> = positions.iter().filter_map(|position| line.get(*position)).collect();
            if cells.len() != expected {
                self.report(faults::malformed_row(line_span, header.len(), line.len()));
                continue;
            }
            if let Some(row) = self.csv_row(&cells, shell, &results, place, line_span) {
                rows.push(row);
            }
        }
        Some(rows)
    }

    /// Type of each result column, and its field where the result is a record.
    fn result_fields(&self, shell: &Table) -> Vec<(Type, Option<crate::ir::Field>)> {
        match &shell.result {
            Type::Record(record) => {
                let record = self.ctx.model.record(*record);
                record
                    .map(|record| record.fields().map(|field| (field.ty.clone(), Some(field.clone()))).collect())
                    .unwrap_or_default()
            }
            other => vec![(other.clone(), None)],
        }
    }

    fn csv_row(
        &mut self,
        cells: &[&CsvCell],
        shell: &Table,
        results: &[(Type, Option<crate::ir::Field>)],
        place: &Place,
        span: Span,
    ) -> Option<Row> {
        let (keys, answers) = cells.split_at_checked(shell.keys.len())?;
        let mut key_cells = Vec::with_capacity(keys.len());
        for (cell, key) in keys.iter().zip(&shell.keys) {
            let ty = shell.locals.get(key.0).map_or(Type::Never, |local| local.ty.clone());
            if cell.text == "*" {
                key_cells.push(None);
            } else {
                let literal = self.csv_literal(cell, &ty);
                key_cells.push(Some(self.cell(&literal, &ty)?));
            }
        }
        let mut values = Vec::with_capacity(answers.len());
        for (cell, (ty, field)) in answers.iter().zip(results) {
            let literal = self.csv_literal(cell, ty);
            let value = self.literal(&literal, Some(ty));
            let place = match field {
                Some(field) => {
                    let name = format!("{}.{}", place.name, field.name).into();
                    Place::target(field, name, false, None)
                }
                None => place.clone(),
            };
            self.settle(&value, &place, false);
            if value.ty.is_never() {
                return None;
            }
            values.push((value, field.clone()));
        }
        let result = match (&shell.result, values.as_slice()) {
            (Type::Record(record), _) => {
                let statements = values.into_iter().filter_map(|(value, field)| {
                    let field = target_of(&field?);
                    let span = value.span;
                    Some(Statement::Set { field, value: Branch::Value(value), also: false, on_create: false, span })
                });
                let block = Block { record: *record, statements: statements.collect() };
                Expr { kind: ExprKind::Record(block), ty: shell.result.clone(), optional: false, span }
            }
            (_, [(value, _)]) => value.clone(),
            (_, _) => return None,
        };
        Some(Row { cells: key_cells, result: Branch::Value(result), span })
    }

    /// A cell as a literal of the column's type.
    fn csv_literal(&self, cell: &CsvCell, ty: &Type) -> tree::Literal {
        let text = cell.text.clone();
        let number = !text.is_empty()
            && text.trim_start_matches('-').chars().all(|letter| letter.is_ascii_digit() || letter == '.');
        let kind = match ty {
            Type::Integer { .. } | Type::Decimal { .. } if number => LiteralKind::Number(text),
            Type::Boolean if text == "true" || text == "false" => LiteralKind::Boolean(text == "true"),
            Type::Date => LiteralKind::Date(text),
            Type::Time => LiteralKind::Time(text),
            Type::Text { .. }
            | Type::Integer { .. }
            | Type::Decimal { .. }
            | Type::Quotient
            | Type::Money
            | Type::Boolean
            | Type::Instant
            | Type::Uuid
            | Type::Enum(_)
            | Type::Record(_)
            | Type::List(_)
            | Type::Map(_)
            | Type::Json
            | Type::File
            | Type::Never => LiteralKind::Text(text),
        };
        tree::Literal { kind, span: cell.span }
    }
}

/// Splits a file into lines of cells: separated by `;` if the first line has one, else by `,`; quotes as usual.
fn read_lines(text: &str, file: FileId) -> Vec<Vec<CsvCell>> {
    let first = text.lines().next().unwrap_or_default();
    let separator = if first.contains(';') { ';' } else { ',' };
    let mut lines = Vec::new();
    let mut cells: Vec<CsvCell> = Vec::new();
    let mut cell = String::new();
    let mut start = 0usize;
    let mut quoted = false;
    let mut letters = text.char_indices().peekable();
    let span = |start: usize, end: usize| Span {
        file,
        start: u32::try_from(start).unwrap_or(u32::MAX),
        end: u32::try_from(end).unwrap_or(u32::MAX),
    };
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\u{feff}' if at == 0 => start = letter.len_utf8(),
            '"' if quoted && letters.peek().is_some_and(|(_, next)| *next == '"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            '\r' if !quoted => {}
            '\n' if !quoted => {
                cells.push(CsvCell { text: std::mem::take(&mut cell), span: span(start, at) });
                lines.push(std::mem::take(&mut cells));
                start = at + 1;
            }
            other if other == separator && !quoted => {
                cells.push(CsvCell { text: std::mem::take(&mut cell), span: span(start, at) });
                start = at + 1;
            }
            other => cell.push(other),
        }
    }
    if !cell.is_empty() || !cells.is_empty() {
        cells.push(CsvCell { text: cell, span: span(start, text.len()) });
        lines.push(cells);
    }
    lines.retain(|line| line.iter().any(|cell| !cell.text.is_empty()));
    lines
}
