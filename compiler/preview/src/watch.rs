//! What an evaluation passed through: for `mapwright preview --why`, and for what no case of a project reaches.
//!
//! In: each step, while a mapping is evaluated. Out: the steps behind a target field in an analyst's words, and the rules, rows and arms
//! that were reached. It changes no result; an evaluation without a watch does none of this.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use mapwright_model::ir::{Expr, ExprKind, Model};
use mapwright_syntax::{Files, Span};

use crate::eval::Evaluated;
use crate::examples::said;
use crate::parts::matches_of;

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
enum Step {
    /// A target field, or a `let`, begins; what follows one level deeper belongs to it.
    Line { name: String, of_let: bool, span: Span },
    /// A value.
    Value { name: Option<String>, span: Span, said: String },
    /// The row of a table that answered.
    Row { table: String, span: Span },
    /// No row answered, but the table's `otherwise`.
    Otherwise { table: String, span: Span },
}

/// Keeps what an evaluation passes through.
#[derive(Debug, Default)]
pub struct Watch {
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
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Watch {
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

    pub(crate) fn row(&self, table: &str, span: Span) {
        self.steps.borrow_mut().push((self.depth.get(), Step::Row { table: table.to_owned(), span }));
    }

    pub(crate) fn otherwise(&self, table: &str, span: Span) {
        self.steps.borrow_mut().push((self.depth.get(), Step::Otherwise { table: table.to_owned(), span }));
    }

    /// Evaluates a line of a mapping: a target path, or the name of a `let`.
    pub(crate) fn line<T>(&self, name: String, of_let: bool, span: Span, inner: impl FnOnce() -> T) -> T {
        self.steps.borrow_mut().push((self.depth.get(), Step::Line { name, of_let, span }));
        self.deeper(inner)
    }

    /// Evaluates an expression; what it came to stands before what it was made of.
    pub(crate) fn expr<'r>(
        &self,
        expr: &Expr,
        name: Option<String>,
        inner: impl FnOnce() -> Evaluated<'r>,
    ) -> Evaluated<'r> {
        if !is_told(expr) {
            return inner();
        }
        let at = self.steps.borrow().len();
        let step = Step::Value { name, span: expr.span, said: String::new() };
        self.steps.borrow_mut().push((self.depth.get(), step));
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
            if let Step::Line { name, of_let: false, .. } = step
                && (name == field || without_numbers(name) == field)
            {
                tell(&steps, files, at, 0, &mut Vec::new(), &mut out);
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
        for (number, table) in model.tables.iter().enumerate() {
            for (row, known) in table.rows.iter().enumerate() {
                note(Point::Row(number, row), known.span, format!("row {} of table `{}`", row + 1, table.name));
            }
            if table.otherwise.is_some() {
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

/// One step and what is one level deeper; a `let` that is used is told where it is used first.
fn tell(
    steps: &[(usize, Step)],
    files: &Files,
    at: usize,
    indent: usize,
    told: &mut Vec<usize>,
    out: &mut Vec<String>,
) {
    let Some((depth, step)) = steps.get(at) else { return };
    let let_line = let_before(steps, at);
    // A source record as a whole explains nothing.
    if let Step::Value { name: Some(_), said, .. } = step
        && let_line.is_none()
        && said.starts_with('{')
    {
        return;
    }
    let place = |span: Span| {
        let (path, line, _) = files.place(span);
        format!("{path}:{line}")
    };
    let inset = "  ".repeat(indent);
    match step {
        Step::Line { name, span, .. } => {
            let text = files.text(*span).lines().next().unwrap_or_default().trim().to_owned();
            out.push(format!("{inset}{name}  ({})  {text}", place(*span)));
        }
        Step::Value { span, said, .. } => {
            let text: Vec<&str> = files.text(*span).split_whitespace().collect();
            out.push(format!("{inset}{} = {}", shortened(&text.join(" ")), in_short(said)));
        }
        Step::Otherwise { table, span } => {
            out.push(format!("{inset}table `{table}` ({}): no row fits, so its `otherwise` answers", place(*span)));
        }
        Step::Row { table, span } => {
            let text: Vec<&str> = files.text(*span).split_whitespace().collect();
            out.push(format!("{inset}table `{table}` ({}): {}", place(*span), shortened(&text.join(" "))));
        }
    }
    if let Some(line) = let_line.filter(|line| !told.contains(line)) {
        told.push(line);
        tell(steps, files, line, indent + 1, told, out);
    }
    for (index, (deeper, inner)) in steps.iter().enumerate().skip(at + 1).take_while(|(_, (inner, _))| inner > depth) {
        if *deeper == depth + 1 && !matches!(inner, Step::Line { .. }) {
            tell(steps, files, index, indent + 1, told, out);
        }
    }
}

/// The `let` whose name a value is.
fn let_before(steps: &[(usize, Step)], at: usize) -> Option<usize> {
    let (_, Step::Value { name: Some(name), .. }) = steps.get(at)? else { return None };
    let before = steps.get(..at)?;
    before.iter().rposition(|(_, step)| matches!(step, Step::Line { name: known, of_let: true, .. } if known == name))
}

/// A value in short: of records the fields that matter are told by themselves.
fn in_short(said: &str) -> String {
    if said.starts_with('{') {
        "a record".to_owned()
    } else if said.starts_with("[{") {
        "a list of records".to_owned()
    } else {
        shortened(said)
    }
}

fn shortened(text: &str) -> String {
    const MAX: usize = 120;
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
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
