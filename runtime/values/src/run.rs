//! One run of a mapping: the collector of everything that is wrong with a record.
//!
//! In: the input and, statement by statement, what each came to. Out: the [`Outcome`]. Each problem is noted once, where it arose; what merely
//! depends on it is [`Stop::Held`] and adds nothing. All methods take `&self`, so that generated code may nest them freely.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::hash::Hash;
use std::rc::Rc;

use crate::fault::{Fault, Stop};
use crate::json::Json;
use crate::node::{Node, Place};
use crate::outcome::{Input, Outcome, Part, Rejection, Sources, SpecLine};
use crate::reference::{AskedFind, AskedLink, Reference, Resolved};
use crate::time::Instant;
use crate::write::Record;

/// One step of a target path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A field.
    Field(Cow<'static, str>),
    /// An element, counted from 1.
    Element(usize),
}

impl From<&'static str> for Segment {
    fn from(field: &'static str) -> Self {
        Segment::Field(Cow::Borrowed(field))
    }
}

impl From<String> for Segment {
    fn from(field: String) -> Self {
        Segment::Field(Cow::Owned(field))
    }
}

impl From<Cow<'static, str>> for Segment {
    fn from(field: Cow<'static, str>) -> Self {
        Segment::Field(field)
    }
}

impl From<usize> for Segment {
    fn from(number: usize) -> Self {
        Segment::Element(number)
    }
}

enum Note {
    Rejected(Rejection),
    Skipped { reason: String, at: SpecLine },
    Wants(Reference),
    Waiting(Reference),
}

static NOTHING: Json<'static> = Json::Null;

/// The state of one mapping run.
pub struct Run<'r> {
    input: Input<'r>,
    file: RefCell<Rc<str>>,
    path: RefCell<Vec<Segment>>,
    notes: RefCell<Vec<Note>>,
    /// Something stopped, so the record is not whole even if nothing was noted.
    stopped: Cell<bool>,
}

impl<'r> Run<'r> {
    /// A run on `input` of a mapping that stands in `file`.
    #[must_use]
    pub fn new(input: &Input<'r>, file: &str) -> Run<'r> {
        Run {
            input: *input,
            file: RefCell::new(Rc::from(file)),
            path: RefCell::default(),
            notes: RefCell::default(),
            stopped: Cell::new(false),
        }
    }

    /// The source record of that number (from 0), under its name in the spec.
    #[must_use]
    pub fn source(&self, index: usize, name: impl Into<Cow<'static, str>>) -> Node<'r> {
        match self.input.sources {
            Sources::Whole(records) => Node::borrowed(records.get(index).unwrap_or(&NOTHING), name),
            Sources::Picked(records) => match records.get(index) {
                Some(record) => Node::picked(record, name),
                None => Node::borrowed(&NOTHING, name),
            },
        }
    }

    /// The settings as one record. A path in a message reads `settings.zone`.
    #[must_use]
    pub fn settings(&self) -> Node<'r> {
        Node::borrowed(self.input.settings, "settings")
    }

    /// When the record was first captured.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.input.captured_at
    }

    /// Evaluates `inner` one step further down the target path.
    pub fn within<T>(&self, segment: impl Into<Segment>, inner: impl FnOnce() -> T) -> T {
        self.path.borrow_mut().push(segment.into());
        let result = inner();
        self.path.borrow_mut().pop();
        result
    }

    /// Evaluates `inner`, the body of a rule that stands in another file.
    pub fn within_file<T>(&self, file: &str, inner: impl FnOnce() -> T) -> T {
        let outer = self.file.replace(Rc::from(file));
        let result = inner();
        self.file.replace(outer);
        result
    }

    /// Keeps the result of a `let` or of a rule: a stop is noted here, once, and whatever uses the result says nothing more.
    /// `omit` and `clear` are no problem and are passed on.
    ///
    /// # Errors
    /// [`Stop::Held`] for a stop that is noted now, or [`Stop::Omit`], [`Stop::Clear`] as they came.
    pub fn hold<T>(&self, line: u32, result: Result<T, Stop>) -> Result<T, Stop> {
        result.map_err(|stop| match stop {
            Stop::Omit | Stop::Clear => stop,
            Stop::Failed(_)
            | Stop::Rejected(_)
            | Stop::Skipped(_)
            | Stop::Wait(_)
            | Stop::Unresolved(_)
            | Stop::Held => {
                self.note(line, stop);
                Stop::Held
            }
        })
    }

    /// `FIELD <- ...`: sets the field, leaves it out, clears it, or notes why neither.
    pub fn set(
        &self,
        record: &mut Record<'r>,
        field: impl Into<Cow<'static, str>>,
        line: u32,
        result: Result<Json<'r>, Stop>,
    ) {
        let field = field.into();
        match result {
            Ok(value) => record.set(field, value),
            Err(Stop::Omit) => {}
            Err(Stop::Clear) => record.set(field, Json::Null),
            Err(stop) => self.within(field, || self.note(line, stop)),
        }
    }

    /// `FIELD also <- ...`: appends each element of a list, or the one value that is none.
    pub fn append(
        &self,
        record: &mut Record<'r>,
        field: impl Into<Cow<'static, str>>,
        line: u32,
        result: Result<Json<'r>, Stop>,
    ) {
        let field = field.into();
        match result {
            Ok(Json::List(elements)) => record.extend(field, elements),
            Ok(element) => record.push(field, element),
            Err(Stop::Omit) => {}
            Err(Stop::Clear) => record.set(field, Json::Null),
            Err(stop) => self.within(field, || self.note(line, stop)),
        }
    }

    /// `FIELD { ... }`: sets a nested record; one without a field is left out.
    pub fn nest(&self, record: &mut Record<'r>, field: impl Into<Cow<'r, str>>, nested: Record<'r>) {
        if !nested.is_empty() {
            record.set(field, nested.into_json());
        }
    }

    /// Behind the last line that writes a list: has it as many elements as the target's catalogue demands? Says `false` and notes it
    /// where not. Once something is noted the list may lack elements because of that, so no more is said.
    pub fn at_least(&self, record: &Record<'r>, field: &str, line: u32, min: u32) -> bool {
        let Some(Json::List(elements)) = record.get(field) else { return true };
        if elements.len() >= min as usize || !self.notes.borrow().is_empty() {
            return true;
        }
        let reason = match elements.len() {
            0 => format!("the list is empty, but the target needs at least {min} in it"),
            count => format!("the list holds {count}, but the target needs at least {min} in it"),
        };
        self.within(field.to_owned(), || self.note(line, Stop::failed(reason)));
        false
    }

    /// Makes a record outside the target record: `{ ... }` in an expression, an element of a list, the result of a rule.
    ///
    /// # Errors
    /// [`Stop::Held`] if one of its statements stopped: a field that failed must not be taken for a missing one.
    pub fn make(&self, inner: impl FnOnce(&mut Record<'r>)) -> Result<Json<'r>, Stop> {
        let stopped_before = self.stopped.replace(false);
        let mut record = Record::new();
        inner(&mut record);
        let stopped = self.stopped.get();
        self.stopped.set(stopped_before || stopped);
        if stopped { Err(Stop::Held) } else { Ok(record.into_json()) }
    }

    /// `check CONDITION otherwise VERDICT`.
    pub fn check(&self, line: u32, condition: Result<bool, Stop>, verdict: impl FnOnce() -> Stop) {
        match condition {
            Ok(true) => {}
            Ok(false) => self.note(line, verdict()),
            Err(stop) => self.note(line, stop),
        }
    }

    /// Notes a stop at the current target path.
    pub fn note(&self, line: u32, stop: Stop) {
        self.stopped.set(true);
        let at = || SpecLine { file: self.file.borrow().to_string(), line };
        let rejected = |fault: Fault| {
            Note::Rejected(Rejection {
                field: self.target_path(),
                reason: fault.reason,
                source: fault.source,
                value: fault.value,
                at: at(),
            })
        };
        let note = match stop {
            Stop::Failed(fault) => rejected(*fault),
            Stop::Rejected(reason) => rejected(Fault::new(*reason)),
            Stop::Skipped(reason) => Note::Skipped { reason: *reason, at: at() },
            Stop::Wait(reference) => Note::Waiting(*reference),
            Stop::Unresolved(reference) => Note::Wants(*reference),
            Stop::Omit => rejected(Fault::new("`omit` stands where there is no field to leave out")),
            Stop::Clear => rejected(Fault::new("`clear` stands where there is no field to clear")),
            Stop::Held => return,
        };
        self.notes.borrow_mut().push(note);
    }

    /// The target path that is being evaluated, elements counted from 1: `DocumentLines[2].VatGroup`.
    #[must_use]
    pub fn target_path(&self) -> String {
        let mut out = String::new();
        for segment in self.path.borrow().iter() {
            match segment {
                Segment::Field(name) => {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push_str(name);
                }
                Segment::Element(number) => {
                    out.push_str(&format!("[{number}]"));
                }
            }
        }
        out
    }

    /// The records that a `find` found.
    fn found(&self, asked: &AskedFind<'_>) -> Result<&'r [Json<'static>], Stop> {
        match self.input.references.found(asked) {
            Some(Resolved::Found(records)) => Ok(records),
            Some(Resolved::Linked(_)) => {
                Err(Stop::failed("a `find` was answered with a link: that is a fault of the program"))
            }
            None => Err(Stop::unresolved(asked.clone())),
        }
    }

    /// The one record that a `find` found, named as the spec names it.
    ///
    /// # Errors
    /// [`Stop::Unresolved`] while there is no answer; a failure when there are several.
    pub fn find_one(
        &self,
        asked: &AskedFind<'_>,
        name: impl Into<Cow<'static, str>>,
    ) -> Result<Option<Node<'r>>, Stop> {
        match self.found(asked)? {
            [] => Ok(None),
            [record] => Ok(Some(Node::borrowed(record, name))),
            several => Err(Stop::failed(format!("{} records of {}; expected one", several.len(), question(asked)))),
        }
    }

    /// All records that a `find all` found, each an element of a list of that name.
    ///
    /// # Errors
    /// [`Stop::Unresolved`] while there is no answer.
    pub fn find_all(&self, asked: &AskedFind<'_>, name: &str) -> Result<Vec<Node<'r>>, Stop> {
        let place = Place::root(name);
        let node = |(record, number)| Node::borrowed(record, "").placed(place.element(number));
        Ok(self.found(asked)?.iter().zip(1..).map(node).collect())
    }

    /// The key that a link leads to.
    ///
    /// # Errors
    /// [`Stop::Unresolved`] while there is no answer.
    pub fn linked(&self, asked: &AskedLink<'_>) -> Result<Option<Cow<'r, str>>, Stop> {
        match self.input.references.linked(asked) {
            Some(Resolved::Linked(key)) => Ok(key.as_deref().map(Cow::Borrowed)),
            Some(Resolved::Found(_)) => {
                Err(Stop::failed("a link was answered with records: that is a fault of the program"))
            }
            None => Err(Stop::unresolved(asked.clone())),
        }
    }

    /// The outcome for a mapping that makes one record.
    #[must_use]
    pub fn finish(self, record: Record<'r>) -> Outcome<Json<'r>> {
        self.problems().unwrap_or_else(|| Outcome::Mapped(vec![Part { key: None, record: record.into_json() }]))
    }

    /// The outcome for a mapping that makes several records (`one per`, which stands in `line`). Part keys must differ.
    #[must_use]
    pub fn finish_parts(self, line: u32, parts: Vec<(String, Record<'r>)>) -> Outcome<Json<'r>> {
        for (index, (key, _)) in parts.iter().enumerate() {
            if parts.iter().take(index).any(|(earlier, _)| earlier == key) {
                self.note(line, Stop::failed_on(key, format!("two parts have the same key \"{key}\"")));
            }
        }
        let part = |(key, record): (String, Record<'r>)| Part { key: Some(key), record: record.into_json() };
        self.problems().unwrap_or_else(|| Outcome::Mapped(parts.into_iter().map(part).collect()))
    }

    /// The outcome for a mapping that makes several records (`one per`, which stands in `line`), of which both lists come from `let`s.
    #[must_use]
    pub fn finish_listed(
        self,
        line: u32,
        keys: Result<Vec<Cow<'r, str>>, Stop>,
        parts: Result<Vec<Node<'r>>, Stop>,
    ) -> Outcome<Json<'r>> {
        let (keys, parts) = match (keys, parts) {
            (Ok(keys), Ok(parts)) => (keys, parts),
            (Err(stop), _) | (_, Err(stop)) => {
                self.note(line, stop);
                (Vec::new(), Vec::new())
            }
        };
        let records = parts.into_iter().map(|part| match part.content().into_owned() {
            Json::Record(fields) => Record::from_fields(fields),
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => Record::new(),
        });
        self.finish_parts(line, keys.into_iter().map(Cow::into_owned).zip(records).collect())
    }

    /// The answer of a residual `read ... where`. A reference cannot be asked for there.
    ///
    /// # Errors
    /// Why it cannot be said.
    pub fn keep(self, line: u32, condition: Result<bool, Stop>) -> Result<bool, Vec<Rejection>> {
        let answer = match condition {
            Ok(answer) => answer,
            Err(stop) => {
                self.note(line, stop);
                false
            }
        };
        match self.problems() {
            None => Ok(answer),
            Some(Outcome::Rejected(rejections)) => Err(rejections),
            Some(Outcome::Skipped { .. }) => Ok(false),
            Some(Outcome::Wants(_) | Outcome::Waiting(_) | Outcome::Mapped(_)) => {
                Err(vec![fault_of_ours("a read condition needs a reference")])
            }
        }
    }

    /// What stands in the way of the record, if anything does.
    ///
    /// A skip wins over everything, for the record is not wanted. Then what is not yet known is asked for, since it may change the rest.
    fn problems(&self) -> Option<Outcome<Json<'r>>> {
        let (mut wants, mut rejections, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        for note in self.notes.take() {
            match note {
                Note::Skipped { reason, at } => return Some(Outcome::Skipped { reason, at }),
                Note::Wants(reference) => wants.push(reference),
                Note::Rejected(rejection) => rejections.push(rejection),
                Note::Waiting(reference) => waiting.push(reference),
            }
        }
        if !wants.is_empty() {
            Some(Outcome::Wants(distinct(wants)))
        } else if !rejections.is_empty() {
            Some(Outcome::Rejected(distinct(rejections)))
        } else if !waiting.is_empty() {
            Some(Outcome::Waiting(distinct(waiting)))
        } else if self.stopped.get() {
            Some(Outcome::Rejected(vec![fault_of_ours("a value was held back, but nothing says why")]))
        } else {
            None
        }
    }
}

/// Each once, in order. A long list may be rejected element by element, so each is looked up and not compared with all before it.
fn distinct<T: Eq + Hash>(items: Vec<T>) -> Vec<T> {
    let mut seen = HashSet::with_capacity(items.len());
    let first: Vec<bool> = items.iter().map(|item| seen.insert(item)).collect();
    items.into_iter().zip(first).filter_map(|(item, first)| first.then_some(item)).collect()
}

fn fault_of_ours(reason: &str) -> Rejection {
    Rejection {
        field: String::new(),
        reason: format!("{reason}: that is a fault of the program"),
        source: None,
        value: None,
        at: SpecLine { file: String::new(), line: 0 },
    }
}

/// `erp.Items match ItemCode = "A1"`.
fn question(find: &AskedFind<'_>) -> String {
    let terms = find.terms.iter().map(|term| format!("{} {} {}", term.field, term.test.sign(), term.value));
    format!("{}.{} match {}", find.system, find.entity, terms.collect::<Vec<_>>().join(" and "))
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
