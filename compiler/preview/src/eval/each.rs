//! `each`: walks nest from the first outwards, rows are kept, sorted, and then made into something, row by row.

use mapwright_model::ir::{Each, Expr, LocalId, Take, Walk, numbers_elements};
use mapwright_values::compare;
use mapwright_values::elements::Elements;
use mapwright_values::fault::Stop;
use mapwright_values::value::Value;

use super::{Eval, Evaluated, Frame};

/// The elements of a row, each with the local that names it.
type Row<'r> = Vec<(LocalId, Option<Value<'r>>)>;

impl<'r> Eval<'_, 'r> {
    /// `base` elements stand already in the list that the records are appended to.
    pub(super) fn each(&self, frame: &Frame<'_, 'r>, each: &Each, base: usize) -> Evaluated<'r> {
        let mut rows = Vec::new();
        self.walk(frame, &each.walks, &mut Vec::new(), &mut rows)?;
        if let Some((by, descending)) = &each.sorted {
            rows = self.sorted(frame, rows, by, *descending)?;
        }
        self.take(frame, each, rows, base)
    }

    /// Gathers the rows of these walks in order.
    fn walk(
        &self,
        frame: &Frame<'_, 'r>,
        walks: &[Walk],
        row: &mut Row<'r>,
        rows: &mut Vec<Row<'r>>,
    ) -> Result<(), Stop> {
        let Some((walk, inner)) = walks.split_first() else {
            rows.push(row.clone());
            return Ok(());
        };
        let elements = self.elements(frame, &walk.list)?;
        if let (Some(watch), Some(local)) = (self.watch, frame.local(walk.element)) {
            watch.element(&local.name, walk.list.span);
        }
        let mut beside = Vec::new();
        for (list, local) in &walk.with {
            beside.push((*local, self.elements(frame, list)?.into_iter()));
        }
        let before = row.len();
        for element in elements {
            row.push((walk.element, element));
            for (local, others) in &mut beside {
                row.push((*local, others.next().flatten()));
            }
            bind(frame, row.get(before..).unwrap_or_default());
            let kept = match &walk.condition {
                Some(condition) => self.boolean(frame, condition)?,
                None => true,
            };
            if kept {
                self.walk(frame, inner, row, rows)?;
            }
            row.truncate(before);
        }
        Ok(())
    }

    fn sorted(
        &self,
        frame: &Frame<'_, 'r>,
        rows: Vec<Row<'r>>,
        by: &Expr,
        descending: bool,
    ) -> Result<Vec<Row<'r>>, Stop> {
        let mut keyed = Vec::with_capacity(rows.len());
        for row in rows {
            bind(frame, &row);
            keyed.push((self.expr(frame, by)?, row));
        }
        let mut unordered = None;
        keyed.sort_by(|(left, _), (right, _)| {
            let (left, right) = if descending { (right, left) } else { (left, right) };
            // Missing first, as `compare::sort_order` has it for typed values.
            match (left, right) {
                (Some(left), Some(right)) => compare::order(left, right).unwrap_or_else(|stop| {
                    unordered = Some(stop);
                    std::cmp::Ordering::Equal
                }),
                (left, right) => left.is_some().cmp(&right.is_some()),
            }
        });
        match unordered {
            Some(stop) => Err(stop),
            None => Ok(keyed.into_iter().map(|(_, row)| row).collect()),
        }
    }

    /// Makes the rows into elements. Records behind a stopped one are made all the same, so that all problems are told.
    fn take(&self, frame: &Frame<'_, 'r>, each: &Each, rows: Vec<Row<'r>>, base: usize) -> Evaluated<'r> {
        let mut made = Elements::new();
        for (row, number) in rows.into_iter().zip(1..) {
            bind(frame, &row);
            for (local, _) in &row {
                frame.number(*local, number);
            }
            match &each.take {
                Take::Element => {
                    let innermost = each.walks.last().map(|walk| walk.element);
                    let element = row.into_iter().find(|(local, _)| Some(*local) == innermost);
                    made.push(element.and_then(|(_, element)| element));
                }
                Take::Value(expr) if numbers_elements(expr) => {
                    let line = self.prepared.line(expr.span);
                    self.run.row(&mut made, base + number, line, || self.expr(frame, expr))?;
                }
                Take::Value(expr) => made.push(self.expr(frame, expr)?),
                Take::Block(block) => {
                    // Nothing but what is noted already stops a block.
                    self.run.row(&mut made, base + number, 0, || self.record(frame, block).map(Some))?;
                }
            }
        }
        made.all().map(Value::List).map(Some)
    }
}

fn bind<'r>(frame: &Frame<'_, 'r>, row: &[(LocalId, Option<Value<'r>>)]) {
    for (local, element) in row {
        frame.bind(*local, Ok(element.clone()));
    }
}
