//! Table look-ups and `fit`.

use std::collections::HashMap;

use mapwright_model::ir::{Expr, Row, Spelling, Table, TableId, Type};
use mapwright_values::compare::{self, Show};
use mapwright_values::fault::Stop;
use mapwright_values::prelude;
use mapwright_values::rows::{self, Cell, value_cell};
use mapwright_values::value::Value;

use super::{Eval, Evaluated, Frame, leaf};
use crate::watch::Point;

impl<'r> Eval<'_, 'r> {
    /// The first row that fits answers; without one, the table's `otherwise`.
    pub(super) fn lookup(&self, frame: &Frame<'_, 'r>, id: TableId, arguments: &[Expr]) -> Evaluated<'r> {
        let Some(table) = self.model.tables.get(id.0) else {
            return Err(Stop::failed("an unknown table: that is a fault of the program"));
        };
        let mut keys = Vec::with_capacity(arguments.len());
        // A key that may be missing by its column is looked up; any other that is missing passes through.
        let first = table.keys.first().and_then(|key| table.locals.get(key.0));
        for argument in arguments {
            let key = self.expr(frame, argument)?;
            if keys.is_empty() && key.is_none() && first.is_some_and(|first| !first.optional) {
                return Ok(None);
            }
            keys.push(key);
        }
        let inner = Frame::new(&table.locals);
        for (local, key) in table.keys.iter().zip(&keys) {
            inner.bind(*local, Ok(key.clone()));
        }
        let keyed = self.prepared.tables.get(id.0).map(|keyed| keyed.get_or_init(|| Keyed::of(table)));
        let candidates = match keyed {
            Some(keyed) => keyed.candidates(&keys),
            None => (None, 0),
        };
        let rows = candidates.0.into_iter().chain(candidates.1..table.rows.len());
        for (number, row) in rows.filter_map(|number| Some((number, table.rows.get(number)?))) {
            if fits(table, row, &keys)? {
                self.reach(Point::Row(id.0, number));
                if let Some(watch) = self.watch {
                    let name = match &table.reversed {
                        Some(of) => format!("table `{of}`, read from its results to its keys,"),
                        None => format!("table `{}`", table.name),
                    };
                    watch.row(&name, row.span);
                }
                return self.branch(&inner, &row.result);
            }
        }
        match &table.otherwise {
            Some(branch) => {
                self.reach(Point::Otherwise(id.0));
                if let Some(watch) = self.watch {
                    watch.otherwise(&table.name, table.span);
                }
                self.branch(&inner, branch)
            }
            None => Err(no_row(table, &keys)),
        }
    }

    /// A value that must fit its place as it is.
    pub(super) fn fit(&self, frame: &Frame<'_, 'r>, value: &Expr, to: &Type) -> Evaluated<'r> {
        let value = self.expr(frame, value)?;
        if let Some(value) = &value {
            leaf::write(value, to, &Spelling::Plain)?;
        }
        Ok(value)
    }
}

/// Which row a key has, for tables of many rows.
pub(super) struct Keyed {
    /// The first row of each key, of the rows in front of the first one that says `any`.
    rows: HashMap<String, usize>,
    /// Behind those rows; from there on every row has to be looked at.
    behind: usize,
}

impl Keyed {
    fn of(table: &Table) -> Keyed {
        let mut rows = HashMap::new();
        let mut behind = 0;
        for row in &table.rows {
            let Some(key) = row_key(table, row) else { break };
            rows.entry(key).or_insert(behind);
            behind += 1;
        }
        Keyed { rows, behind }
    }

    /// The one row of the first that may fit, and where the others begin.
    fn candidates(&self, keys: &[Option<Value<'_>>]) -> (Option<usize>, usize) {
        let mut cells: Vec<&dyn Cell> = Vec::with_capacity(keys.len());
        for key in keys {
            // A missing key equals no literal.
            let Some(key) = key else { return (None, self.behind) };
            let Some(cell) = value_cell(key) else { return (None, 0) };
            cells.push(cell);
        }
        (self.rows.get(&rows::key(&cells)).copied(), self.behind)
    }
}

/// The key of a row without `any`.
fn row_key(table: &Table, row: &Row) -> Option<String> {
    let mut values = Vec::with_capacity(row.cells.len());
    for (cell, local) in row.cells.iter().zip(&table.keys) {
        let ty = table.locals.get(local.0).map_or(&Type::Never, |local| &local.ty);
        values.push(leaf::literal(cell.as_ref()?, ty).ok()?);
    }
    let cells: Option<Vec<&dyn Cell>> = values.iter().map(value_cell).collect();
    Some(rows::key(&cells?))
}

fn fits(table: &Table, row: &Row, keys: &[Option<Value<'_>>]) -> Result<bool, Stop> {
    for ((cell, key), local) in row.cells.iter().zip(keys).zip(&table.keys) {
        let Some(cell) = cell else { continue };
        let ty = table.locals.get(local.0).map(|local| &local.ty);
        let literal = leaf::literal(cell, ty.unwrap_or(&Type::Never))?;
        if !compare::same(key.as_ref(), Some(&literal)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn no_row(table: &Table, keys: &[Option<Value<'_>>]) -> Stop {
    let shown: Vec<String> = keys.iter().flatten().map(|key| compare::show_value(key).unwrap_or_default()).collect();
    let shown: Vec<&dyn Show> = shown.iter().map(|key| key as &dyn Show).collect();
    match &table.reversed {
        Some(of) => prelude::no_result(of, &shown),
        None => prelude::no_row(&table.name, &shown),
    }
}
