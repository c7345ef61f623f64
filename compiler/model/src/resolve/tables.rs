//! Tables: columns, rows, look-ups.
//!
//! In: a table as written. Out: typed rows, in order, which together answer every key or say `otherwise`.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use mapwright_syntax::Span;
use mapwright_syntax::tree::{self, Cell, Name, TableRows};

use super::scope::{Body, Made, Place, PlaceKind, PlaceName, poison};
use crate::catalogue::Typed;
use crate::checks::rows::{Pattern, unanswered, useful};
use crate::context::{Context, Global};
use crate::faults;
use crate::ir::{Branch, Expr, ExprKind, Literal, Local, LocalKind, Row, Table, TableId, Type};
use crate::mend;
use crate::types::{Misfit, fits, literal_length};

/// Resolves the rows of a table whose columns are known.
pub(super) fn resolve_table(ctx: &mut Context<'_>, id: TableId) {
    let Some(tree) = ctx.table_trees.get(id.0).copied() else { return };
    let Some(shell) = ctx.model.tables.get(id.0).cloned() else { return };
    let mut body = Body::new(ctx);
    for (parameter, key) in tree.keys.iter().zip(&shell.keys) {
        if let Some(local) = shell.locals.get(key.0) {
            let declared = body.declare(&parameter.name, local.ty.clone(), local.optional, LocalKind::Parameter);
            body.used.insert(declared);
        }
    }
    let typed = Typed::plain(shell.result.clone());
    let mut place = Place::typed(PlaceKind::Answer, typed, format!("the result of `{}`", shell.name), tree.result.span);
    if let Type::Record(record) = shell.result {
        place.made = Some(Made::Record(record, Vec::new()));
    }
    let (rows, otherwise) = match &tree.rows {
        TableRows::Inline(written) => body.rows(written, &shell, &place),
        TableRows::Csv { file, columns } => match body.csv_rows(&file.text, file.span, columns, &shell, &place) {
            Some(rows) => (rows, None),
            None => (Vec::new(), None),
        },
    };
    body.check_rows(tree, &shell, &rows, otherwise.is_some());
    let sound = body.sound() && !body.ctx.unread.is_in(tree.span);
    let (uses, locals) = (std::mem::take(&mut body.uses), std::mem::take(&mut body.locals));
    let applies = std::mem::take(&mut body.applies);
    ctx.applies.insert(Global::Table(id), applies);
    if let Some(table) = ctx.model.tables.get_mut(id.0) {
        table.rows = rows;
        table.otherwise = otherwise;
        table.locals = locals;
    }
    finish(ctx, Global::Table(id), sound, uses);
}

/// Notes what a definition depends on and whether it can be used.
pub(super) fn finish(ctx: &mut Context<'_>, global: Global, sound: bool, uses: foldhash::HashSet<Global>) {
    ctx.used.extend(uses.iter().copied());
    ctx.depends.entry(global).or_default().extend(uses);
    if !sound {
        ctx.broken.insert(global);
    }
}

impl Body<'_, '_> {
    fn rows(&mut self, written: &[tree::TableRow], shell: &Table, place: &Place) -> (Vec<Row>, Option<Branch>) {
        let mut rows = Vec::with_capacity(written.len());
        let mut otherwise = None;
        let mut behind = None;
        for row in written {
            let Some(cells) = &row.cells else {
                behind = Some(row.span);
                otherwise = Some(self.fitted_branch(&row.result, place));
                continue;
            };
            if otherwise.is_some() {
                self.report(faults::unreachable_row(row.span, None, behind, None));
            }
            // A table of one column may list several keys before one result.
            let groups: Vec<&[Cell]> = if shell.keys.len() == 1 { cells.chunks(1).collect() } else { vec![cells] };
            let result = self.fitted_branch(&row.result, place);
            for group in groups {
                if group.len() != shell.keys.len() {
                    self.report(faults::malformed_row(row.span, shell.keys.len(), group.len()));
                    continue;
                }
                if let Some(cells) = self.cells(group, shell) {
                    rows.push(Row { cells, result: result.clone(), span: row.span });
                }
            }
        }
        (rows, otherwise)
    }

    fn cells(&mut self, cells: &[Cell], shell: &Table) -> Option<Vec<Option<Literal>>> {
        let mut resolved = Vec::with_capacity(cells.len());
        for (cell, key) in cells.iter().zip(&shell.keys) {
            let ty = shell.locals.get(key.0).map_or(Type::Never, |local| local.ty.clone());
            match cell {
                Cell::Any(_) => resolved.push(None),
                Cell::Literal(literal) => resolved.push(Some(self.cell(literal, &ty)?)),
            }
        }
        Some(resolved)
    }

    /// A literal of a row or arm, in the type of what it is compared with.
    pub(crate) fn cell(&mut self, literal: &tree::Literal, ty: &Type) -> Option<Literal> {
        let value = self.literal(literal, Some(ty));
        if value.ty.is_never() {
            return None;
        }
        let ExprKind::Literal(cell) = value.kind else { return None };
        if let (Literal::Text(text), Type::Text { max: Some(max), unit }) = (&cell, ty) {
            let length = literal_length(text, unit);
            if length > *max {
                let place = Place::inner(ty.clone(), "what it is compared with");
                self.report(faults::literal_too_long(value.span, length, *max, &place));
                return None;
            }
            return Some(cell);
        }
        match fits(&value.ty, ty) {
            Ok(()) | Err(Misfit::OutOfRange) => Some(cell),
            Err(_) => {
                let (expected, noun) = (self.noun(ty), self.noun(&value.ty));
                self.report(faults::wrong_type(value.span, &expected, &noun));
                None
            }
        }
    }

    /// No row is unreachable; every key has an answer.
    fn check_rows(&mut self, tree: &tree::Table, shell: &Table, rows: &[Row], otherwise: bool) {
        let sound = self.sound();
        let csv = matches!(tree.rows, TableRows::Csv { .. });
        let domains: Vec<Option<Vec<Literal>>> =
            shell.keys.iter().map(|key| shell.locals.get(key.0).and_then(|local| all_values(&local.ty))).collect();
        let patterns: Vec<Pattern> =
            rows.iter().map(|row| row.cells.iter().map(|cell| cell.as_ref().map(normal)).collect()).collect();
        // A row without `any` answers one key: it is reached unless the same row, or one with `any`, stands above. So tables of many
        // thousand rows are checked at once.
        let mut first: HashMap<&Pattern, Span> = HashMap::with_capacity(rows.len());
        let (mut open, mut open_spans): (Vec<Pattern>, Vec<Span>) = (Vec::new(), Vec::new());
        for (index, (row, pattern)) in rows.iter().zip(&patterns).enumerate() {
            let same = first.get(pattern).copied();
            let one_key = pattern.iter().all(Option::is_some);
            // Of rows with one key only those with the same say anything of another such row.
            let reached = same.is_none()
                && useful(if one_key { &open } else { patterns.get(..index).unwrap_or_default() }, pattern, &domains);
            if !reached {
                let wider = open.iter().position(|other| !useful(std::slice::from_ref(other), pattern, &domains));
                let wider = if same.is_some() { None } else { wider.and_then(|at| open_spans.get(at)).copied() };
                // Several keys before one result are rows side by side.
                let shares = |other: Option<&Row>| other.is_some_and(|other| other.span == row.span);
                let shared = shares(rows.get(index + 1)) || index.checked_sub(1).is_some_and(|at| shares(rows.get(at)));
                let alone = mend::whole_line(&self.ctx.project.files, row.span).filter(|_| !shared && !csv);
                self.report(faults::unreachable_row(row.span, same, wider, alone));
            }
            first.entry(pattern).or_insert(row.span);
            if !one_key && same.is_none() {
                open.push(pattern.clone());
                open_spans.push(row.span);
            }
        }
        // Rows of a CSV file are data: a key without a row is a failure of the record, answered by `if invalid`.
        let TableRows::Inline(written) = &tree.rows else { return };
        if !sound {
            return;
        }
        match unanswered(&patterns, &domains) {
            Some(key) if !otherwise => {
                let (lacking, mend) = (self.key_in_words(shell, &patterns, &key), self.last_row(tree, shell));
                self.report(faults::incomplete_table(&tree.name, &lacking, mend));
            }
            None if otherwise => {
                for row in written.iter().filter(|row| row.cells.is_none()) {
                    self.report(faults::answers_nothing(
                        row.span,
                        "row",
                        mend::whole_line(&self.ctx.project.files, row.span),
                    ));
                }
            }
            Some(_) | None => {}
        }
    }

    /// A key that no row answers: `country` = any other, `business` = false.
    fn key_in_words(&self, shell: &Table, rows: &[Pattern], key: &[Option<Literal>]) -> String {
        let mut words = Vec::with_capacity(key.len());
        for (column, (cell, local)) in key.iter().zip(&shell.keys).enumerate() {
            let Some(local) = shell.locals.get(local.0) else { continue };
            let named = rows.iter().any(|row| row.get(column).is_some_and(Option::is_some));
            words.push(match cell {
                Some(value) => format!("`{}` = {}", local.name, literal_source(value)),
                None if named => format!("any other `{}`", local.name),
                None => format!("any `{}`", local.name),
            });
        }
        words.join(" with ")
    }

    /// `otherwise -> reject "..."`, as the last row.
    fn last_row(&self, tree: &tree::Table, shell: &Table) -> Option<mapwright_syntax::Edit> {
        let keys: Vec<_> = shell.keys.iter().filter_map(|key| shell.locals.get(key.0)).collect();
        let said: Vec<String> = keys.iter().map(|key| format!("{{{}}}", key.name)).collect();
        let plain = keys.iter().all(|key| !key.optional && mend::is_path(&key.name));
        let said = if plain { format!(" for {}", said.join(", ")) } else { String::new() };
        let line = format!("otherwise -> reject \"table {} has no row{said}\"", shell.name);
        mend::last_line(&self.ctx.project.files, tree.span, &line)
    }

    /// `lookup table(a, b)`, or `x | lookup table(b)`.
    pub(super) fn lookup(
        &mut self,
        name: &Name,
        piped: Option<&tree::Expr>,
        rest: &[tree::Expr],
        place: Option<&Place>,
        span: Span,
    ) -> Expr {
        let given: Vec<&tree::Expr> = piped.into_iter().chain(rest).collect();
        let Some((Global::Table(id), _)) = self.ctx.names.get(&name.text).copied() else {
            for argument in given {
                self.expr(argument, None);
            }
            let tables = self.ctx.model.tables.iter().map(|table| table.name.as_str());
            let fault = faults::unknown_table(name, tables);
            self.report(fault);
            return poison(span);
        };
        self.uses.insert(Global::Table(id));
        let Some(table) = self.ctx.model.tables.get(id.0) else { return poison(span) };
        let (result, declared) = (table.result.clone(), table.span);
        let columns: Vec<Local> = table.keys.iter().filter_map(|key| table.locals.get(key.0)).cloned().collect();
        if given.len() != columns.len() {
            let columns: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
            let signature = format!("lookup {}({})", name.text, columns.join(", "));
            self.report(faults::wrong_arguments(name.span, &name.text, &signature));
            return poison(span);
        }
        let leaves_out = self.ctx.table_trees.get(id.0).is_some_and(|tree| may_leave_out(tree));
        let field = place.is_some_and(|place| matches!(place.kind, PlaceKind::Target | PlaceKind::Answer));
        if leaves_out && !field {
            self.report(faults::table_leaves_out(name, declared));
        }
        let mut optional = false;
        let mut arguments = Vec::with_capacity(given.len());
        for (index, (written, column)) in given.iter().zip(columns).enumerate() {
            let passes = index == 0 && piped.is_some();
            let typed = Typed { optional: column.optional || passes, ..Typed::plain(column.ty) };
            let shown = PlaceName::Part(Arc::clone(&column.name), name.text.clone());
            let place = Place::typed(PlaceKind::Column, typed, shown, column.span);
            let value = self.fitted(written, &place);
            optional |= passes && value.optional && !column.optional;
            arguments.push(value);
        }
        if result.is_never() {
            self.tainted = true;
            return poison(span);
        }
        Expr { kind: ExprKind::Lookup { table: id, arguments }, ty: result, optional, span }
    }
}

/// Does a row of the table say `omit` or `clear`? Then it can be looked up only where a target field is written.
fn may_leave_out(tree: &tree::Table) -> bool {
    let TableRows::Inline(rows) = &tree.rows else { return false };
    rows.iter().any(|row| {
        matches!(
            &row.result,
            tree::Branch::Answer(tree::Answer { kind: tree::AnswerKind::Omit | tree::AnswerKind::Clear, .. })
        )
    })
}

/// Every value of a type that has few.
pub(crate) fn all_values(ty: &Type) -> Option<Vec<Literal>> {
    match ty {
        Type::Boolean => Some(vec![Literal::Boolean(true), Literal::Boolean(false)]),
        Type::Enum(words) => Some(words.values.iter().map(|value| Literal::Text(value.name.clone())).collect()),
        Type::Text { .. }
        | Type::Integer { .. }
        | Type::Decimal { .. }
        | Type::Quotient
        | Type::Money
        | Type::Date
        | Type::Time
        | Type::Instant
        | Type::Uuid
        | Type::Record(_)
        | Type::List(_)
        | Type::Map(_)
        | Type::Json
        | Type::File
        | Type::Never => None,
    }
}

/// A literal so that equal values are equal: `19.00` is `19`.
pub(crate) fn normal(literal: &Literal) -> Literal {
    match literal {
        Literal::Number(digits) => {
            let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
            let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
            let whole = whole.trim_start_matches('0');
            let decimals = decimals.trim_end_matches('0');
            let whole = if whole.is_empty() { "0" } else { whole };
            let point = if decimals.is_empty() { "" } else { "." };
            let sign = if whole == "0" && decimals.is_empty() { "" } else { sign };
            Literal::Number(format!("{sign}{whole}{point}{decimals}"))
        }
        Literal::Text(_) | Literal::Boolean(_) | Literal::Date(_) | Literal::Time(_) => literal.clone(),
    }
}

/// A literal as a spec writes it.
pub(crate) fn literal_source(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => format!("\"{text}\""),
        Literal::Number(text) | Literal::Date(text) | Literal::Time(text) => text.clone(),
        Literal::Boolean(value) => value.to_string(),
    }
}
