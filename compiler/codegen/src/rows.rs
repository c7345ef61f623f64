//! Large tables as data.
//!
//! In: a table. Out: its plain rows as one text that `mapwright_values::rows` reads, and the rows that are left for code. A `match` of many
//! thousand arms takes `rustc` minutes; the same rows as one literal take it no time.
//!
//! A row is plain if all its cells are literals, no row above it says `any`, and its result is a literal, or a record of literals with the
//! fields that the others have. Plain rows exclude one another, so that their order says nothing.

use std::collections::HashSet;

use mapwright_model::ir::{
    Block, Branch, Expr, ExprKind, Literal, Local, LocalId, LocalKind, Row, Statement, Table, Type,
};
use mapwright_values::rows::Cell;
use mapwright_values::time::{parse_date, parse_time};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::context::{Body, Project};

/// From so many plain rows on a table is data. A `match` reads better, but its compile time grows with the square: with optimisation 0.2 s for
/// 256 rows, 0.7 s for 1,000, 62 s for 10,000.
const ROWS_MIN: usize = 256;

/// A table taken apart.
pub(crate) struct Split<'t> {
    /// The rows as text, one a line, sorted.
    lines: Vec<String>,
    /// A row's result, with a local in the place of each literal.
    result: Branch,
    /// The locals of the table and then those.
    locals: Vec<Local>,
    /// The other rows, in order.
    pub(crate) others: Vec<&'t Row>,
}

impl<'t> Split<'t> {
    /// Takes a large table apart; small ones, and those of other rows, stay as they are.
    pub(crate) fn of(table: &'t Table) -> Option<Split<'t>> {
        if table.rows.len() < ROWS_MIN {
            return None;
        }
        let exact = table.rows.iter().position(|row| row.cells.iter().any(Option::is_none));
        let (exact, open) = table.rows.split_at_checked(exact.unwrap_or(table.rows.len()))?;
        let shape = exact.iter().find_map(|row| Shape::of(table, row))?;
        let mut split = Split {
            lines: Vec::with_capacity(exact.len()),
            result: shape.result(table),
            locals: shape.locals(table),
            others: Vec::new(),
        };
        let mut keys = HashSet::with_capacity(exact.len());
        for row in exact {
            let known = row_key(table, row);
            match (&known, Shape::of(table, row)) {
                // Behind a row with the same key it answers nothing.
                (Some(key), _) if !keys.insert(key.clone()) => {}
                (Some(key), Some(same)) if same.fields == shape.fields => {
                    split.lines.push(format!("{key}{}", same.cells.join("\t")));
                }
                (_, _) => split.others.push(row),
            }
        }
        split.others.extend(open);
        split.lines.sort_unstable();
        (split.lines.len() >= ROWS_MIN).then_some(split)
    }

    /// The look-up in the rows, which returns what it finds, and the rows themselves.
    pub(crate) fn items(&self, project: &Project<'_>, table: &Table, optional: bool) -> (TokenStream, TokenStream) {
        let body = Body::new(project, &self.locals, quote! { run });
        let keys = table.keys.iter().map(|key| body.name(*key));
        let cells = (table.locals.len()..self.locals.len()).enumerate().map(|(index, local)| {
            let (name, index) = (body.name(LocalId(local)), proc_macro2::Literal::usize_unsuffixed(index));
            let read = self.locals.get(local).and_then(|local| reader(&local.ty));
            quote! { let #name = found.#read(#index)?; }
        });
        let result = body.branch_result(&self.result, &table.result, optional);
        let rows = project.constant(&format!("{} rows", table.name));
        let text = literal(&self.lines);
        let look = quote! {
            if let Some(found) = #rows.find(&[#(&#keys),*]) {
                #(#cells)*
                return #result;
            }
        };
        (look, quote! { static #rows: Rows = Rows::new(#text); })
    }
}

/// A plain result: its fields (none if it is no record) and their cells.
struct Shape<'t> {
    /// Statements of the record; none for a value alone.
    fields: Option<Vec<&'t str>>,
    cells: Vec<String>,
    result: &'t Expr,
}

impl<'t> Shape<'t> {
    fn of(table: &Table, row: &'t Row) -> Option<Shape<'t>> {
        let Branch::Value(result) = &row.result else { return None };
        if let ExprKind::Literal(literal) = &result.kind {
            return Some(Shape { fields: None, cells: vec![cell(literal, &table.result)?], result });
        }
        let ExprKind::Record(block) = &result.kind else { return None };
        let mut fields = Vec::with_capacity(block.statements.len());
        let mut cells = Vec::with_capacity(block.statements.len());
        for statement in &block.statements {
            let Statement::Set { field, value: Branch::Value(value), also: false, .. } = statement else { return None };
            let ExprKind::Literal(literal) = &value.kind else { return None };
            fields.push(field.wire.as_str());
            cells.push(cell(literal, &field.ty)?);
        }
        Some(Shape { fields: Some(fields), cells, result })
    }

    /// The columns: name and type.
    fn columns(&self, table: &Table) -> Vec<(String, Type)> {
        let ExprKind::Record(block) = &self.result.kind else {
            return vec![("answer".to_owned(), table.result.clone())];
        };
        let column = |statement: &Statement| match statement {
            Statement::Set { field, .. } => Some((field.name.clone(), field.ty.clone())),
            Statement::Let { .. } | Statement::Check { .. } | Statement::Nested { .. } => None,
        };
        block.statements.iter().filter_map(column).collect()
    }

    fn locals(&self, table: &Table) -> Vec<Local> {
        let column = |(name, ty): (String, Type)| Local {
            name: name.into(),
            ty,
            optional: false,
            kind: LocalKind::Parameter,
            span: self.result.span,
        };
        table.locals.iter().cloned().chain(self.columns(table).into_iter().map(column)).collect()
    }

    fn result(&self, table: &Table) -> Branch {
        let value = |index: usize, ty: &Type| {
            let kind = ExprKind::Local(LocalId(table.locals.len() + index));
            Branch::Value(Expr { kind, ty: ty.clone(), optional: false, span: table.span })
        };
        let ExprKind::Record(block) = &self.result.kind else { return value(0, &table.result) };
        let set = |(index, statement): (usize, &Statement)| match statement {
            // The line of the table stands for all its rows.
            Statement::Set { field, also, on_create, .. } => Some(Statement::Set {
                field: field.clone(),
                value: value(index, &field.ty),
                also: *also,
                on_create: *on_create,
                span: table.span,
            }),
            Statement::Let { .. } | Statement::Check { .. } | Statement::Nested { .. } => None,
        };
        let statements = block.statements.iter().enumerate().filter_map(set).collect();
        let kind = ExprKind::Record(Block { record: block.record, statements });
        Branch::Value(Expr { kind, ..self.result.clone() })
    }
}

fn row_key(table: &Table, row: &Row) -> Option<String> {
    let mut line = String::new();
    for (literal, local) in row.cells.iter().zip(&table.keys) {
        line.push_str(&cell(literal.as_ref()?, &table.locals.get(local.0)?.ty)?);
        line.push('\t');
    }
    Some(line)
}

/// A literal as a cell of a column; none where the column is of a type that cells are not made of.
fn cell(literal: &Literal, ty: &Type) -> Option<String> {
    let written = |value: &dyn Cell| {
        let mut line = String::new();
        value.cell(&mut line);
        line
    };
    match (literal, ty) {
        (Literal::Text(text), Type::Text { .. } | Type::Enum(_)) => {
            Some(written(&std::borrow::Cow::from(text.as_str())))
        }
        (Literal::Number(digits), Type::Integer { .. } | Type::Decimal { .. }) => {
            mapwright_values::Decimal::parse(digits).ok().map(|number| written(&number))
        }
        (Literal::Boolean(value), Type::Boolean) => Some(written(value)),
        (Literal::Date(text), Type::Date) => parse_date(text).map(|date| written(&date)),
        (Literal::Time(text), Type::Time) => parse_time(text).map(|time| written(&time)),
        (
            Literal::Text(_) | Literal::Number(_) | Literal::Boolean(_) | Literal::Date(_) | Literal::Time(_),
            Type::Text { .. }
            | Type::Integer { .. }
            | Type::Decimal { .. }
            | Type::Quotient
            | Type::Money
            | Type::Boolean
            | Type::Date
            | Type::Time
            | Type::Instant
            | Type::Uuid
            | Type::Enum(_)
            | Type::Record(_)
            | Type::List(_)
            | Type::Map(_)
            | Type::Json
            | Type::File
            | Type::Never,
        ) => None,
    }
}

/// What reads a cell of that type.
fn reader(ty: &Type) -> Option<Ident> {
    let name = match ty {
        Type::Text { .. } | Type::Enum(_) => "text",
        Type::Integer { .. } | Type::Decimal { .. } => "number",
        Type::Boolean => "boolean",
        Type::Date => "date",
        Type::Time => "time",
        Type::Quotient
        | Type::Money
        | Type::Instant
        | Type::Uuid
        | Type::Record(_)
        | Type::List(_)
        | Type::Map(_)
        | Type::Json
        | Type::File
        | Type::Never => return None,
    };
    Some(crate::names::ident(name))
}

/// The lines as a raw literal, so that they read as they are.
fn literal(lines: &[String]) -> proc_macro2::Literal {
    let text = format!("\n{}\n", lines.join("\n"));
    let mut hashes = String::new();
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    // INVARIANT: cells hold no character that a raw literal may not hold.
    let raw = format!("r{hashes}\"{text}\"{hashes}");
    raw.parse().unwrap_or_else(|_| proc_macro2::Literal::string(&text))
}
