//! Table look-ups and `fit`.

use mapwright_model::ir::{Expr, Row, Spelling, Table, TableId, Type};
use mapwright_values::compare::{self, Show};
use mapwright_values::fault::Stop;
use mapwright_values::prelude;
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
        for (number, row) in table.rows.iter().enumerate() {
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
