//! The interpreter: statements and expressions of the checked model on one record.
//!
//! In: the model and a [`Run`]. Out: what the run collects. Every operation is that of `mapwright_values`; here is only the order in which they are called.

use std::cell::RefCell;

use mapwright_model::ir::{Block, Branch, Expr, Local, LocalId, Mapping, Model, Statement, Target, Type};
use mapwright_syntax::{FileId, Files, Span};
use mapwright_values::fault::Stop;
use mapwright_values::run::Run;
use mapwright_values::value::Value;
use mapwright_values::write::Record;
use mapwright_values::{Input, Json, Outcome};

mod branch;
mod each;
mod expression;
mod leaf;
mod lookup;
mod reference;

pub(crate) use expression::is;

/// A value, or nothing (missing), or why there is neither.
pub(crate) type Evaluated<'r> = Result<Option<Value<'r>>, Stop>;

/// Line numbers of all files, counted once.
pub(crate) struct Lines<'m> {
    files: &'m Files,
    starts: Vec<Vec<u32>>,
}

impl<'m> Lines<'m> {
    pub(crate) fn new(files: &'m Files) -> Lines<'m> {
        let starts = files.iter().map(|(_, file)| {
            let ends = file.text.bytes().zip(1_u32..).filter(|(byte, _)| *byte == b'\n');
            ends.map(|(_, behind)| behind).collect()
        });
        Lines { files, starts: starts.collect() }
    }

    /// The line of a span's start, from 1.
    pub(crate) fn line(&self, span: Span) -> u32 {
        let starts = self.starts.get(span.file.0 as usize).map(Vec::as_slice).unwrap_or_default();
        u32::try_from(starts.partition_point(|start| *start <= span.start)).unwrap_or(u32::MAX).saturating_add(1)
    }

    pub(crate) fn path(&self, file: FileId) -> &'m str {
        self.files.get(file).map(|file| file.path.as_str()).unwrap_or_default()
    }
}

/// Maps one record.
pub(crate) fn map(model: &Model, lines: &Lines<'_>, mapping: &Mapping, input: &Input<'_>) -> Outcome {
    let run = Run::new(input, lines.path(mapping.span.file));
    let record = {
        let eval = Eval { model, lines, run: &run };
        let frame = Frame::new(&mapping.locals);
        for (index, source) in mapping.sources.iter().enumerate() {
            let name = frame.local(source.local).map(|local| local.name.as_str()).unwrap_or_default();
            frame.bind(source.local, Ok(Some(Value::Record(run.source(index, name)))));
        }
        eval.block(&frame, &mapping.body)
    };
    run.finish(record)
}

/// What evaluation needs besides the locals.
#[derive(Clone, Copy)]
pub(crate) struct Eval<'e, 'r> {
    pub(crate) model: &'e Model,
    pub(crate) lines: &'e Lines<'e>,
    pub(crate) run: &'e Run<'r>,
}

/// The locals of a mapping, rule or table while it is evaluated.
pub(crate) struct Frame<'e, 'r> {
    locals: &'e [Local],
    values: RefCell<Vec<Evaluated<'r>>>,
    positions: RefCell<Vec<usize>>,
    /// How many elements the list that is appended to holds already.
    appended: RefCell<usize>,
}

impl<'e, 'r> Frame<'e, 'r> {
    pub(crate) fn new(locals: &'e [Local]) -> Frame<'e, 'r> {
        Frame {
            locals,
            values: RefCell::new(vec![Err(Stop::Held); locals.len()]),
            positions: RefCell::new(vec![0; locals.len()]),
            appended: RefCell::new(0),
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

impl<'r> Eval<'_, 'r> {
    /// Evaluates every statement, also behind one that stopped; what stopped is noted in the run.
    pub(crate) fn block(&self, frame: &Frame<'_, 'r>, block: &Block) -> Record {
        let mut record = Record::new();
        for statement in &block.statements {
            self.statement(frame, &mut record, statement);
        }
        record
    }

    fn statement(&self, frame: &Frame<'_, 'r>, record: &mut Record, statement: &Statement) {
        match statement {
            Statement::Let { local, value, span } => {
                let result = self.run.hold(self.lines.line(*span), self.expr(frame, value));
                frame.bind(*local, result);
            }
            Statement::Check { condition, skip, reason, span } => {
                let holds = self.boolean(frame, condition);
                self.run.check(self.lines.line(*span), holds, || self.answered(frame, *skip, reason));
            }
            Statement::Set { field, value, also, on_create: _, span } => {
                let line = self.lines.line(*span);
                let base = if *also { record.count(&field.wire) } else { 0 };
                let outer = frame.appended.replace(base);
                let written = self.run.within(field.wire.clone(), || self.target(frame, field, value));
                frame.appended.replace(outer);
                if *also {
                    self.run.append(record, field.wire.clone(), line, written);
                } else {
                    self.run.set(record, field.wire.clone(), line, written);
                }
            }
            Statement::Nested { field, when, body, on_create: _, span } => {
                self.nested(frame, record, (field, when.as_ref(), body), *span);
            }
        }
    }

    /// The value of a target line as JSON; a missing one leaves the field out.
    fn target(&self, frame: &Frame<'_, 'r>, field: &Target, value: &Branch) -> Result<Json<'static>, Stop> {
        match self.branch(frame, value)? {
            Some(value) => leaf::write(&value, &field.ty, &field.spelling),
            None => Err(Stop::Omit),
        }
    }

    fn nested(
        &self,
        frame: &Frame<'_, 'r>,
        record: &mut Record,
        (field, when, body): (&Target, Option<&Expr>, &Block),
        span: Span,
    ) {
        let wanted = self.run.within(field.wire.clone(), || match when {
            Some(condition) => self.boolean(frame, condition).map_err(|stop| self.run.note(self.lines.line(span), stop)),
            None => Ok(true),
        });
        if wanted != Ok(true) {
            return;
        }
        if matches!(field.ty, Type::List(_)) {
            let number = record.count(&field.wire) + 1;
            let nested = self.run.within(field.wire.clone(), || self.run.within(number, || self.block(frame, body)));
            record.push(field.wire.clone(), nested.into_json());
        } else {
            let nested = self.run.within(field.wire.clone(), || self.block(frame, body));
            self.run.nest(record, field.wire.clone(), nested);
        }
    }

    /// `reject` or `skip` with its text.
    fn answered(&self, frame: &Frame<'_, 'r>, skip: bool, reason: &Expr) -> Stop {
        let reason = self.text(frame, reason);
        if skip { Stop::skipped(reason) } else { Stop::rejected(reason) }
    }
}
