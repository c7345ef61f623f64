//! `reverse_lookup(table, value)`: a table of one key, read from its results.
//!
//! In: a table whose rows are resolved. Out: a look-up in the table turned round, which stands behind the project's own tables. A value
//! without a row is a failure, as it is in a table without `otherwise`.

use foldhash::{HashSet, HashSetExt};
use mapwright_syntax::Span;
use mapwright_syntax::tree::{self, Name};

use super::scope::{Body, Place, PlaceKind, poison};
use super::tables::normal;
use crate::catalogue::Typed;
use crate::context::Global;
use crate::faults;
use crate::ir::{Branch, Expr, ExprKind, Literal, Local, LocalId, LocalKind, Row, Table, TableId, Type};

impl Body<'_, '_> {
    /// `reverse_lookup(carriers, code)`, or `code | reverse_lookup(carriers)`.
    pub(super) fn reverse_lookup(
        &mut self,
        name: &Name,
        piped: Option<&tree::Expr>,
        rest: &[tree::Expr],
        span: Span,
    ) -> Expr {
        let (named, value) = match (piped, rest) {
            (Some(value), [table]) | (None, [table, value]) => (table, value),
            _ => {
                self.report(faults::wrong_arguments(name.span, &name.text, "reverse_lookup(TABLE, VALUE)"));
                return poison(span);
            }
        };
        let Some((id, table)) = self.named_table(named) else {
            self.expr(value, None);
            return poison(span);
        };
        self.uses.insert(Global::Table(id));
        let Some((turned, result)) = self.turned(id, &table, named.span) else {
            self.expr(value, None);
            return poison(span);
        };
        self.uses.insert(Global::Table(turned));
        let typed = Typed { optional: piped.is_some(), ..Typed::plain(table.result.clone()) };
        let place = Place::typed(PlaceKind::Column, typed, format!("the result of `{}`", table.name), table.span);
        let value = self.fitted(value, &place);
        let optional = value.optional;
        Expr { kind: ExprKind::Lookup { table: turned, arguments: vec![value] }, ty: result, optional, span }
    }

    /// The table that a word names, without its rows.
    fn named_table(&mut self, written: &tree::Expr) -> Option<(TableId, Table)> {
        let tree::ExprKind::Word(name) = &written.kind else {
            self.report(faults::wrong_type(written.span, "the name of a table", "another expression"));
            return None;
        };
        if let Some((Global::Table(id), _)) = self.ctx.names.get(&name.text).copied() {
            return self.ctx.model.tables.get(id.0).map(|table| (id, table.head()));
        }
        let tables = self.ctx.model.tables.iter().map(|table| table.name.as_str());
        let fault = faults::unknown_table(name, tables);
        self.report(fault);
        None
    }

    /// The table turned round, made once, and the type of what it gives.
    fn turned(&mut self, id: TableId, table: &Table, at: Span) -> Option<(TableId, Type)> {
        let key = match table.keys.as_slice() {
            [key] => table.locals.get(key.0).cloned()?,
            _ => {
                self.report(faults::ambiguous_reverse_lookup(at, &table.name, "it has several keys", table.span));
                return None;
            }
        };
        if let Some(known) = self.ctx.turned.get(&id) {
            return Some((*known, key.ty));
        }
        if self.ctx.broken.contains(&Global::Table(id)) {
            self.tainted = true;
            return None;
        }
        let declared = self.ctx.model.tables.get(id.0).map(|table| table.rows.as_slice()).unwrap_or_default();
        let rows = match turned_rows(declared) {
            Ok(rows) => rows,
            Err((why, span)) => {
                self.report(faults::ambiguous_reverse_lookup(at, &table.name, why, span));
                return None;
            }
        };
        let local = Local {
            name: "value".into(),
            ty: table.result.clone(),
            optional: false,
            kind: LocalKind::Parameter,
            span: table.span,
        };
        self.ctx.model.tables.push(Table {
            name: format!("{} reversed", table.name),
            doc: format!("The table `{}`, read from its results.", table.name),
            keys: vec![LocalId(0)],
            locals: vec![local],
            result: key.ty.clone(),
            rows,
            otherwise: None,
            reversed: Some(table.name.clone()),
            span: table.span,
        });
        let turned = TableId(self.ctx.model.tables.len() - 1);
        self.ctx.turned.insert(id, turned);
        Some((turned, key.ty))
    }
}

/// All rows turned round, or the first that cannot be and why.
fn turned_rows(declared: &[Row]) -> Result<Vec<Row>, (&'static str, Span)> {
    let mut rows = Vec::with_capacity(declared.len());
    let mut given: HashSet<Literal> = HashSet::with_capacity(declared.len());
    for row in declared {
        let Some((key, value, result)) = one_to_one(row).map_err(|why| (why, row.span))? else { continue };
        if !given.insert(normal(result)) {
            return Err(("this row gives the same value as one above it", row.span));
        }
        let found = Expr { kind: ExprKind::Literal(key.clone()), ..value.clone() };
        rows.push(Row { cells: vec![Some(result.clone())], result: Branch::Value(found), span: row.span });
    }
    Ok(rows)
}

/// A row's key, its result and the literal that this is; none for a row that answers instead of giving a value.
fn one_to_one(row: &Row) -> Result<Option<(&Literal, &Expr, &Literal)>, &'static str> {
    let value = match &row.result {
        Branch::Answer(_) => return Ok(None),
        Branch::Value(value) => value,
    };
    let ExprKind::Literal(result) = &value.kind else { return Err("this row gives no single value") };
    let [Some(key)] = row.cells.as_slice() else { return Err("this row stands for any key") };
    Ok(Some((key, value, result)))
}
