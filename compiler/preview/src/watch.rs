//! What an evaluation passed through: for `mapwright preview --why`, and for what no case of a project reaches.
//!
//! In: each step, while a mapping is evaluated. Out: the steps behind a target field in an analyst's words, and the rules, rows and arms
//! that were reached. It changes no result; an evaluation without a watch does none of this.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use mapwright_model::ir::{Expr, ExprKind, Model, Type};
use mapwright_syntax::{Files, Span};

use crate::eval::Evaluated;
use crate::examples::said;
use crate::parts::{looked_up, matches_of};
use crate::told;

/// Something that a case can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    /// A rule.
    Rule(usize),
    /// A row of a table.
    Row(usize, usize),
    /// The `otherwise` of a table.
    Otherwise(usize),
    /// An arm of a `match` that stands there; the one behind the last is `otherwise`.
    Arm(Span, usize),
}

/// A step of an evaluation.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A target field, or a `let`, begins; what follows one level deeper belongs to it.
    Line { name: String, of_let: bool, span: Span },
    /// A value; a name where it is one of a `let`, parameter, element or source.
    Value { name: Option<Name>, span: Span, how: How, said: String },
    /// The row of a table that answered.
    Row { table: String, span: Span },
    /// No row answered, but the table's `otherwise`.
    Otherwise { table: String, span: Span },
    /// A list is walked over: the name of its elements, and the list.
    Element { name: String, span: Span },
    /// A rule begins; its name and documentation.
    Rule { name: String, doc: String, span: Span },
}

/// A name that stands for a value.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    /// As it is written.
    pub(crate) text: String,
    /// Where the `let` names it; `None` = a parameter, an element or a source.
    pub(crate) of_let: Option<Span>,
}

/// How a value came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// By its name.
    Named,
    /// A field of a record.
    Field,
    /// A setting.
    Setting,
    /// `if`.
    If,
    /// `otherwise`.
    Otherwise,
    /// `if invalid`.
    IfInvalid,
    /// `+ - * /` and a sign.
    Calculation,
    /// True or false by looking at others.
    Condition,
    /// A function that loses something: `round`, `cut`.
    Loss(&'static str),
    /// Looked up in a system.
    Found,
    /// Anything else that is worked out.
    WorkedOut,
}

/// Keeps what an evaluation passes through.
#[derive(Debug, Default)]
pub struct Watch {
    /// Are steps kept? They hold what each value says, which costs far more than the evaluation itself.
    keeps_steps: bool,
    points: RefCell<BTreeSet<Point>>,
    steps: RefCell<Vec<(usize, Step)>>,
    depth: Cell<usize>,
}

/// Something that no case reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// Where it stands.
    pub span: Span,
    /// What it is: `rule \`net\``.
    pub what: String,
}

impl Watch {
    /// Keeps everything; nothing seen yet.
    #[must_use]
    pub fn new() -> Watch {
        Watch { keeps_steps: true, ..Watch::default() }
    }

    /// Keeps what is reached, and not how a value came about.
    #[must_use]
    pub fn for_reach() -> Watch {
        Watch::default()
    }

    /// A run begins: steps of an earlier one (a mapping is asked again once its references are known) do not count.
    pub(crate) fn start(&self) {
        self.steps.borrow_mut().clear();
        self.depth.set(0);
    }

    pub(crate) fn reach(&self, point: Point) {
        self.points.borrow_mut().insert(point);
    }

    fn keep(&self, step: impl FnOnce() -> Step) {
        if self.keeps_steps {
            self.steps.borrow_mut().push((self.depth.get(), step()));
        }
    }

    pub(crate) fn row(&self, table: &str, span: Span) {
        self.keep(|| Step::Row { table: table.to_owned(), span });
    }

    pub(crate) fn otherwise(&self, table: &str, span: Span) {
        self.keep(|| Step::Otherwise { table: table.to_owned(), span });
    }

    pub(crate) fn element(&self, name: &str, span: Span) {
        self.keep(|| Step::Element { name: name.to_owned(), span });
    }

    pub(crate) fn rule(&self, name: &str, doc: &str, span: Span) {
        self.keep(|| Step::Rule { name: name.to_owned(), doc: doc.to_owned(), span });
    }

    /// Evaluates a line of a mapping: a target path, or the name of a `let`.
    pub(crate) fn line<T>(&self, name: String, of_let: bool, span: Span, inner: impl FnOnce() -> T) -> T {
        self.keep(|| Step::Line { name, of_let, span });
        self.deeper(inner)
    }

    /// Evaluates an expression; what it came to stands before what it was made of.
    pub(crate) fn expr<'r>(
        &self,
        expr: &Expr,
        name: Option<Name>,
        inner: impl FnOnce() -> Evaluated<'r>,
    ) -> Evaluated<'r> {
        if !self.keeps_steps || !is_told(expr) {
            return inner();
        }
        let at = self.steps.borrow().len();
        self.keep(|| Step::Value { name, span: expr.span, how: how(expr), said: String::new() });
        let result = self.deeper(inner);
        if let Some((_, Step::Value { said: known, .. })) = self.steps.borrow_mut().get_mut(at) {
            *known = said(&result);
        }
        result
    }

    fn deeper<T>(&self, inner: impl FnOnce() -> T) -> T {
        self.depth.set(self.depth.get() + 1);
        let result = inner();
        self.depth.set(self.depth.get() - 1);
        result
    }

    /// How each value of a target field came about, in lines; empty where no line wrote the field. `DocumentLines.Quantity` means that
    /// field of every line, `DocumentLines[2].Quantity` that of the second.
    #[must_use]
    pub fn why(&self, field: &str, files: &Files) -> Vec<String> {
        let steps = self.steps.borrow();
        let fields = self.fields();
        let mut out = Vec::new();
        for (at, (_, step)) in steps.iter().enumerate() {
            // A `let` can be asked for by its name, too.
            if let Step::Line { name, .. } = step
                && (name == field || without_numbers(name) == field)
            {
                out.extend(told::line(&steps, files, at));
                let bare = without_numbers(name);
                let beneath = |known: &&String| known.strip_prefix(&bare).is_some_and(|rest| rest.starts_with('.'));
                let inner: Vec<&str> = fields.iter().filter(beneath).map(String::as_str).collect();
                if !inner.is_empty() {
                    out.push(format!("  its fields: {}", inner.join(", ")));
                }
            }
        }
        out
    }

    /// The target fields that the evaluation came to, each once, without the numbers of elements: `DocumentLines.Quantity`.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut seen = BTreeSet::new();
        for (_, step) in self.steps.borrow().iter() {
            if let Step::Line { name, of_let: false, .. } = step {
                let field = without_numbers(name);
                if seen.insert(field.clone()) {
                    found.push(field);
                }
            }
        }
        found
    }

    /// The rules, rows of tables and arms of `match`es that nothing reached, in the order of the files.
    #[must_use]
    pub fn unreached(&self, model: &Model) -> Vec<Unreached> {
        let points = self.points.borrow();
        let mut found = Vec::new();
        let mut note = |point: Point, span: Span, what: String| {
            if !points.contains(&point) {
                found.push(Unreached { span, what });
            }
        };
        for (number, rule) in model.rules.iter().enumerate() {
            note(Point::Rule(number), rule.span, format!("rule `{}`", rule.name));
        }
        // A table turned round has the rows of the table that the analyst wrote: whichever way a row was read, it was reached.
        let mut turned = BTreeSet::new();
        for (number, table) in model.tables.iter().enumerate().filter(|(_, table)| table.reversed.is_some()) {
            let reached = |row: usize| points.contains(&Point::Row(number, row));
            let rows = table.rows.iter().enumerate().filter(|(row, _)| reached(*row));
            turned.extend(rows.map(|(_, row)| (row.span.file, row.span.start)));
        }
        let reversed: Vec<&str> = model.tables.iter().filter_map(|table| table.reversed.as_deref()).collect();
        let forward = looked_up(model);
        for (number, table) in model.tables.iter().enumerate().filter(|(_, table)| table.reversed.is_none()) {
            for (row, known) in table.rows.iter().enumerate() {
                if turned.contains(&(known.span.file, known.span.start)) {
                    continue;
                }
                note(Point::Row(number, row), known.span, format!("row {} of table `{}`", row + 1, table.name));
            }
            // What is only read from its results never comes to `otherwise`.
            let only_turned = !forward.contains(&number) && reversed.contains(&table.name.as_str());
            if table.otherwise.is_some() && !only_turned {
                note(Point::Otherwise(number), table.span, format!("`otherwise` of table `{}`", table.name));
            }
        }
        for (span, arms, otherwise) in matches_of(model) {
            for arm in 0..arms {
                note(Point::Arm(span, arm), span, format!("arm {} of this `match`", arm + 1));
            }
            if otherwise {
                note(Point::Arm(span, arms), span, "`otherwise` of this `match`".to_owned());
            }
        }
        found.sort_by_key(|unreached| (unreached.span.file, unreached.span.start));
        found
    }
}

/// Words that only hold others together say nothing by themselves.
fn is_told(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Record(_) | ExprKind::List(_) => false,
        ExprKind::Template(_)
        | ExprKind::Local(_)
        | ExprKind::Setting(_)
        | ExprKind::Read { .. }
        | ExprKind::Negate(_)
        | ExprKind::Not(_)
        | ExprKind::Binary { .. }
        | ExprKind::In { .. }
        | ExprKind::Is { .. }
        | ExprKind::If { .. }
        | ExprKind::Match { .. }
        | ExprKind::Otherwise { .. }
        | ExprKind::IfInvalid { .. }
        | ExprKind::Each(_)
        | ExprKind::Find(_)
        | ExprKind::Linked(_)
        | ExprKind::Call { .. }
        | ExprKind::Apply { .. }
        | ExprKind::Lookup { .. }
        | ExprKind::Fit { .. }
        | ExprKind::Position(_)
        | ExprKind::Now => true,
    }
}

/// How an expression comes to its value.
fn how(expr: &Expr) -> How {
    match &expr.kind {
        ExprKind::Local(_) => How::Named,
        ExprKind::Read { .. } => How::Field,
        ExprKind::Setting(_) => How::Setting,
        ExprKind::If { .. } => How::If,
        ExprKind::Otherwise { .. } => How::Otherwise,
        ExprKind::IfInvalid { .. } => How::IfInvalid,
        ExprKind::Find(_) | ExprKind::Linked(_) => How::Found,
        ExprKind::Not(_) | ExprKind::In { .. } | ExprKind::Is { .. } => How::Condition,
        ExprKind::Binary { .. } if expr.ty == Type::Boolean => How::Condition,
        ExprKind::Call { function, .. } if function.loses => How::Loss(function.name),
        ExprKind::Binary { .. } | ExprKind::Negate(_) => How::Calculation,
        ExprKind::Call { .. }
        | ExprKind::Literal(_)
        | ExprKind::Template(_)
        | ExprKind::Match { .. }
        | ExprKind::Each(_)
        | ExprKind::Apply { .. }
        | ExprKind::Lookup { .. }
        | ExprKind::Fit { .. }
        | ExprKind::Position(_)
        | ExprKind::Now
        | ExprKind::List(_)
        | ExprKind::Record(_) => How::WorkedOut,
    }
}

/// `DocumentLines.Quantity` of `DocumentLines[2].Quantity`.
fn without_numbers(path: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for letter in path.chars() {
        match letter {
            '[' => inside = true,
            ']' => inside = false,
            other if !inside => out.push(other),
            _ => {}
        }
    }
    out.trim_start_matches('.').to_owned()
}
