//! The interpreter: statements and expressions of the checked model on one record.
//!
//! In: the model and a [`Run`]. Out: what the run collects. Every operation is that of `mapwright_values`; here is only the order in which they are called.

use std::cell::{OnceCell, RefCell};

use mapwright_model::ir::{
    Block, Branch, Expr, ExprKind, Flow, Local, LocalId, Mapping, Model, Statement, Target, Type,
};
use mapwright_syntax::{FileId, Files, Span};
use mapwright_values::fault::Stop;
use mapwright_values::node::Node;
use mapwright_values::run::Run;
use mapwright_values::value::{FromValue, Value};
use mapwright_values::write::Record;
use mapwright_values::{Input, Json, Outcome, Rejection};

use crate::watch::{Point, Watch};
use lookup::Keyed;

mod branch;
mod each;
mod expression;
mod leaf;
mod lookup;
mod reference;

pub(crate) use expression::is;

/// A value, or nothing (missing), or why there is neither.
pub(crate) type Evaluated<'r> = Result<Option<Value<'r>>, Stop>;

/// What is known before the first record: where the spec's lines are, and which rows of a table to look at for a key.
pub(crate) struct Prepared<'m> {
    files: &'m Files,
    tables: Vec<OnceCell<Keyed>>,
}

impl<'m> Prepared<'m> {
    pub(crate) fn new(model: &Model, files: &'m Files) -> Prepared<'m> {
        Prepared { files, tables: model.tables.iter().map(|_| OnceCell::new()).collect() }
    }

    /// The line of a span's start, from 1.
    pub(crate) fn line(&self, span: Span) -> u32 {
        self.files.line(span)
    }

    pub(crate) fn path(&self, file: FileId) -> &'m str {
        self.files.get(file).map(|file| file.path.as_str()).unwrap_or_default()
    }
}

/// Maps one record.
pub(crate) fn map(
    model: &Model,
    prepared: &Prepared<'_>,
    mapping: &Mapping,
    input: &Input<'_>,
    watch: Option<&Watch>,
) -> Outcome {
    let run = Run::new(input, prepared.path(mapping.span.file));
    let frame = Frame::new(&mapping.locals);
    let record = {
        let eval = Eval { model, prepared, run: &run, watch };
        for (index, source) in mapping.sources.iter().enumerate() {
            let name = frame.local(source.local).map(|local| &*local.name).unwrap_or_default();
            frame.bind(source.local, Ok(Some(Value::Record(run.source(index, name.to_owned())))));
        }
        eval.block(&frame, &mapping.body).record
    };
    let Some(one_per) = &mapping.one_per else { return run.finish(record).into_owned() };
    let (keys, parts) = (frame.value(one_per.keys), frame.value(one_per.parts));
    run.finish_listed(prepared.line(one_per.span), all(keys), all(parts)).into_owned()
}

/// The elements of a list, none of them missing.
fn all<'r, T: FromValue<'r>>(list: Evaluated<'r>) -> Result<Vec<T>, Stop> {
    Vec::from_value(list?)
}

/// Is a record that a flow has read to be kept?
pub(crate) fn keep(
    model: &Model,
    prepared: &Prepared<'_>,
    flow: &Flow,
    input: &Input<'_>,
) -> Result<bool, Vec<Rejection>> {
    let Some(keep) = &flow.keep else { return Ok(true) };
    let run = Run::new(input, prepared.path(keep.span.file));
    let frame = Frame::new(&flow.locals);
    let name = frame.local(flow.local).map(|local| &*local.name).unwrap_or_default();
    frame.bind(flow.local, Ok(Some(Value::Record(run.source(0, name.to_owned())))));
    let wanted = Eval { model, prepared, run: &run, watch: None }.boolean(&frame, keep);
    run.keep(prepared.line(keep.span), wanted)
}

/// What evaluation needs besides the locals.
#[derive(Clone, Copy)]
pub(crate) struct Eval<'e, 'r> {
    pub(crate) model: &'e Model,
    pub(crate) prepared: &'e Prepared<'e>,
    pub(crate) run: &'e Run<'r>,
    /// Whoever wants to know what is passed through.
    pub(crate) watch: Option<&'e Watch>,
}

/// The locals of a mapping, rule or table while it is evaluated.
pub(crate) struct Frame<'e, 'r> {
    locals: &'e [Local],
    values: RefCell<Vec<Evaluated<'r>>>,
    positions: RefCell<Vec<usize>>,
}

impl<'e, 'r> Frame<'e, 'r> {
    pub(crate) fn new(locals: &'e [Local]) -> Frame<'e, 'r> {
        Frame {
            locals,
            values: RefCell::new(vec![Err(Stop::Held); locals.len()]),
            positions: RefCell::new(vec![0; locals.len()]),
        }
    }

    fn local(&self, id: LocalId) -> Option<&'e Local> {
        self.locals.get(id.0)
    }

    pub(crate) fn bind(&self, id: LocalId, value: Evaluated<'r>) {
        if let Some(slot) = self.values.borrow_mut().get_mut(id.0) {
            *slot = value;
        }
    }

    fn value(&self, id: LocalId) -> Evaluated<'r> {
        self.values.borrow().get(id.0).cloned().unwrap_or(Err(Stop::Held))
    }

    fn number(&self, id: LocalId, position: usize) {
        if let Some(slot) = self.positions.borrow_mut().get_mut(id.0) {
            *slot = position;
        }
    }

    fn position(&self, id: LocalId) -> usize {
        self.positions.borrow().get(id.0).copied().unwrap_or_default()
    }
}

/// What came of a block: its fields, and whether something in it stopped and was noted.
pub(crate) struct Made<'r> {
    record: Record<'r>,
    stopped: bool,
}

impl<'r> Eval<'_, 'r> {
    /// Evaluates every statement, also behind one that stopped; what stopped is noted in the run.
    fn block(&self, frame: &Frame<'_, 'r>, block: &Block) -> Made<'r> {
        let mut made = Made { record: Record::new(), stopped: false };
        for statement in &block.statements {
            self.statement(frame, &mut made, statement);
            if let Some((field, min, span)) = block.list_ended_by(statement) {
                made.stopped |= !self.run.at_least(&made.record, &field.wire, self.prepared.line(span), min);
            }
        }
        made
    }

    /// Notes for whoever watches that a case comes through here.
    fn reach(&self, point: Point) {
        if let Some(watch) = self.watch {
            watch.reach(point);
        }
    }

    /// A record made in an expression; one of which something stopped says nothing more.
    pub(crate) fn record(&self, frame: &Frame<'_, 'r>, block: &Block) -> Result<Value<'r>, Stop> {
        let made = self.block(frame, block);
        if made.stopped {
            return Err(Stop::Held);
        }
        Ok(Value::Record(Node::owned(made.record.into_json(), "record")))
    }

    fn statement(&self, frame: &Frame<'_, 'r>, made: &mut Made<'r>, statement: &Statement) {
        match statement {
            Statement::Let { local, value, span } => {
                let result = match self.watch {
                    Some(watch) => {
                        let name = frame.local(*local).map(|local| local.name.to_string()).unwrap_or_default();
                        watch.line(name, true, *span, || self.expr(frame, value))
                    }
                    None => self.expr(frame, value),
                };
                let result = self.run.hold(self.prepared.line(*span), result);
                made.stopped |= matches!(result, Err(Stop::Held));
                frame.bind(*local, result);
            }
            Statement::Check { condition, skip, reason, span } => {
                let holds = self.boolean(frame, condition);
                made.stopped |= holds != Ok(true);
                self.run.check(self.prepared.line(*span), holds, || self.answered(frame, *skip, reason));
            }
            Statement::Set { field, value, also, on_create: _, span } => {
                let line = self.prepared.line(*span);
                let base = if *also { made.record.count(&field.wire) } else { 0 };
                let written = self.run.within(field.wire.clone(), || match self.watch {
                    Some(watch) => {
                        watch.line(self.run.target_path(), false, *span, || self.target(frame, field, value, base))
                    }
                    None => self.target(frame, field, value, base),
                });
                made.stopped |= !matches!(written, Ok(_) | Err(Stop::Omit | Stop::Clear));
                if *also {
                    self.run.append(&mut made.record, field.wire.clone(), line, written);
                } else {
                    self.run.set(&mut made.record, field.wire.clone(), line, written);
                }
            }
            Statement::Nested { field, when, body, on_create: _, span } => {
                self.nested(frame, made, (field, when.as_ref(), body), *span);
            }
        }
    }

    /// The value of a target line as JSON; a missing one leaves the field out.
    fn target(
        &self,
        frame: &Frame<'_, 'r>,
        field: &Target,
        value: &Branch,
        base: usize,
    ) -> Result<Json<'static>, Stop> {
        let value = match value {
            Branch::Value(Expr { kind: ExprKind::Each(each), .. }) => self.each(frame, each, base)?,
            Branch::Value(Expr { kind: ExprKind::Find(find), .. }) => self.find(frame, find, base)?,
            Branch::Value(_) | Branch::Answer(_) => self.branch(frame, value)?,
        };
        match value {
            Some(value) => leaf::write(&value, &field.ty, &field.spelling),
            None => Err(Stop::Omit),
        }
    }

    fn nested(
        &self,
        frame: &Frame<'_, 'r>,
        made: &mut Made<'r>,
        (field, when, body): (&Target, Option<&Expr>, &Block),
        span: Span,
    ) {
        let wire = || field.wire.clone();
        match when.map_or(Ok(true), |condition| self.run.within(wire(), || self.boolean(frame, condition))) {
            Ok(true) => {}
            Ok(false) => return,
            Err(stop) => {
                made.stopped = true;
                return self.run.within(wire(), || self.run.note(self.prepared.line(span), stop));
            }
        }
        if matches!(field.ty, Type::List(_)) {
            let number = made.record.count(&field.wire) + 1;
            let nested = self.run.within(wire(), || self.run.within(number, || self.block(frame, body)));
            made.stopped |= nested.stopped;
            made.record.push(wire(), nested.record.into_json());
        } else {
            let nested = self.run.within(wire(), || self.block(frame, body));
            made.stopped |= nested.stopped;
            self.run.nest(&mut made.record, wire(), nested.record);
        }
    }

    /// `reject` or `skip` with its text.
    fn answered(&self, frame: &Frame<'_, 'r>, skip: bool, reason: &Expr) -> Stop {
        let reason = self.text(frame, reason);
        if skip { Stop::skipped(reason) } else { Stop::rejected(reason) }
    }
}
