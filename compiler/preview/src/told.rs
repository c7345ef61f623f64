//! How a target field came about, told to somebody who knows the business: `mapwright preview --why`.
//!
//! In: the steps of an evaluation. Out: lines of plain English: the field's value, the line of the spec, and beneath it the values that
//! decided, down to the fields of the source. What only hands a value on is not told, and nothing is told twice.

use std::collections::BTreeSet;

use mapwright_syntax::{Files, Span};

use crate::watch::{How, Name, Step};

/// How much of a source line or value is shown.
const SHOWN_MAX: usize = 120;
/// How deep a `let` is still taken apart; whoever wants more asks for it by its name.
const DEEP: usize = 4;
/// What an evaluation says of a value that is not there.
const MISSING: &str = "a missing value";

/// A target field's line: its value and everything behind it.
pub(crate) fn line(steps: &[(usize, Step)], files: &Files, at: usize) -> Vec<String> {
    let mut telling = Telling { steps, files, told: BTreeSet::new(), out: Vec::new() };
    telling.line(at);
    telling.out
}

struct Telling<'s> {
    steps: &'s [(usize, Step)],
    files: &'s Files,
    /// What has been told of this field.
    told: BTreeSet<String>,
    out: Vec<String>,
}

impl Telling<'_> {
    fn line(&mut self, at: usize) {
        let Some((_, Step::Line { name, of_let, span })) = self.steps.get(at) else { return };
        let values = self.beneath(at);
        let top = values.first().and_then(|first| self.value(*first));
        let source = self.source(*span);
        let sign = if *of_let { "=" } else { "<-" };
        let written = source.split_once(sign).map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
        self.out.push(match top.as_ref().map(|(_, said)| said.as_str()) {
            None if written.starts_with("omit") => format!("{name} is left out"),
            None if written.starts_with("clear") => format!("{name} is emptied"),
            None if written.is_empty() => format!("{name} is made here"),
            None => format!("{name} is always {}", shortened(&written)),
            Some("`omit`") => format!("{name} is left out"),
            Some("`clear`") => format!("{name} is emptied"),
            Some(said) if said == MISSING => format!("{name} is left out: there is no value for it"),
            Some(said) if is_record(said) => format!("{name} is made here"),
            Some(said) => format!("{name} is {}", shortened(said)),
        });
        self.out.push(format!("  {}: {}", self.place(*span), shortened(&source)));
        let whole = top.map(|(_, said)| said).unwrap_or_default();
        self.all(values, 1, &whole);
    }

    /// A step; `whole` is what the step above came to.
    fn step(&mut self, at: usize, indent: usize, whole: &str) {
        let Some((_, step)) = self.steps.get(at) else { return };
        match step {
            Step::Line { .. } | Step::Element { .. } => {}
            Step::Row { table, span } => {
                let row = format!("{table} has the row ({}): {}", self.place(*span), shortened(&self.source(*span)));
                self.say(indent, row);
            }
            Step::Otherwise { table, span } => {
                let line =
                    format!("table `{table}` ({}) has no row for it, so its `otherwise` holds", self.place(*span));
                self.say(indent, line);
            }
            Step::Rule { name, doc, span } => {
                let doc = if doc.is_empty() { String::new() } else { format!(", \"{doc}\"") };
                self.say(indent, format!("by the rule `{name}`{doc} ({}):", self.place(*span)));
            }
            Step::Value { name, span, how, said } => {
                let (text, said) = (shortened(&self.source(*span)), said.clone());
                let (name, how) = (name.clone(), *how);
                match how {
                    How::Named => match name {
                        Some(name) => self.named(at, indent, &name, &said),
                        None => {
                            self.say(indent, format!("{text} is {}", in_words(&said)));
                        }
                    },
                    How::Field => self.field(at, indent, &text, &said),
                    How::Setting => {
                        self.say(indent, format!("the setting `{text}` is {}", shortened(&said)));
                    }
                    How::If => self.choice(at, indent, &said),
                    How::Otherwise | How::IfInvalid => self.answered(at, indent, &said),
                    How::Condition => {
                        let holds = if said == "true" { "holds" } else { "does not hold" };
                        if self.say(indent, format!("`{text}` {holds}")) {
                            self.all_beneath(at, indent + 1, &said);
                        }
                    }
                    How::Loss(function) => self.loss(at, indent, (function, &text), &said, whole),
                    How::Found => {
                        self.say(indent, format!("looked up: {text}"));
                        self.all_beneath(at, indent + 1, &said);
                    }
                    How::Calculation => self.calculation(at, indent, &text, &said, whole),
                    How::WorkedOut => self.worked_out(at, indent, &text, &said, whole),
                }
            }
        }
    }

    /// A `let`, parameter, element or source.
    fn named(&mut self, at: usize, indent: usize, name: &Name, said: &str) {
        let defined = name.of_let.and_then(|place| self.let_before(at, place));
        let name = name.text.as_str();
        let Some(defined) = defined else {
            // A source record or element as a whole explains nothing.
            if !is_record(said) {
                self.element(at, indent, name, said);
            }
            return;
        };
        let Some((_, Step::Line { span, .. })) = self.steps.get(defined) else { return };
        let (source, place) = (self.source(*span), self.place(*span));
        if is_record(said) {
            let value = source.split_once('=').map_or(source.as_str(), |(_, value)| value.trim());
            if self.say(indent, format!("{name} stands for {} ({place})", shortened(value))) && indent < DEEP {
                self.all_beneath(defined, indent + 1, said);
            }
        } else if self.say(indent, format!("{name} is {} ({place}: {})", in_words(said), shortened(&source)))
            && indent < DEEP
        {
            self.all_beneath(defined, indent + 1, said);
        }
    }

    /// A parameter, or a single value of a list; the `let`s that the list was made of are told with it.
    fn element(&mut self, at: usize, indent: usize, name: &str, said: &str) {
        let before = self.steps.get(..at).unwrap_or_default();
        let walked =
            before.iter().rposition(|(_, step)| matches!(step, Step::Element { name: known, .. } if known == name));
        let Some((walked, (depth, Step::Element { span, .. }))) = walked.and_then(|at| Some((at, self.steps.get(at)?)))
        else {
            self.say(indent, format!("{name} is {}", in_words(said)));
            return;
        };
        let list = shortened(&self.source(*span));
        if self.say(indent, format!("{name} is {}, out of {list}", in_words(said))) {
            let inside = |of: &Span| of.file == span.file && span.start <= of.start && of.end <= span.end;
            let made_of = before.get(..walked).unwrap_or_default().iter().enumerate().rev();
            let made_of = made_of.take_while(|(_, (deeper, _))| deeper >= depth);
            let direct = made_of.filter(|(_, (deeper, step))| {
                deeper == depth && matches!(step, Step::Value { span, .. } if inside(span))
            });
            let mut direct: Vec<usize> = direct.map(|(index, _)| index).collect();
            direct.reverse();
            self.all(direct, indent + 1, "");
        }
    }

    fn field(&mut self, at: usize, indent: usize, text: &str, said: &str) {
        // A path through a list has been told as a list.
        let list = format!("{text} is [");
        if is_record(said) || self.told.iter().any(|told| told.starts_with(&list)) {
            self.all_beneath(at, indent, "");
        } else if self.say(indent, format!("{text} is {}", in_words(said))) {
            self.all_beneath(at, indent + 1, "");
        }
    }

    /// `if`: its condition first, then the part that counts.
    fn choice(&mut self, at: usize, indent: usize, said: &str) {
        let mut inner = self.beneath(at).into_iter();
        if let Some(condition) = inner.next() {
            let holds = self.value(condition).is_some_and(|(_, said)| said == "true");
            let part = if holds { "then" } else { "else" };
            let before = self.out.len();
            self.step(condition, indent, "");
            // A condition that was told before needs no second conclusion.
            if self.out.len() > before {
                self.say(indent, format!("so what stands behind `{part}` counts"));
            }
        }
        for rest in inner {
            self.step(rest, indent, said);
        }
    }

    /// `otherwise` and `if invalid`: only where they answer something.
    fn answered(&mut self, at: usize, indent: usize, said: &str) {
        let mut inner = self.beneath(at).into_iter();
        let Some(first) = inner.next() else { return };
        let (span, before) = self.value(first).unwrap_or_default();
        self.step(first, indent, if before == said { said } else { "" });
        if before == MISSING {
            let text = shortened(&self.source(span));
            self.say(indent, format!("`{text}` has no value, so what stands behind `otherwise` counts"));
        } else if let Some(why) = before.strip_prefix("a failure: ") {
            self.say(indent, format!("{why}, so what stands behind `if invalid` counts"));
        }
        for rest in inner {
            self.step(rest, indent, said);
        }
    }

    /// `round`, `cut` and their like: what was lost.
    fn loss(&mut self, at: usize, indent: usize, (function, text): (&str, &str), said: &str, whole: &str) {
        let before = self.beneath(at).first().and_then(|first| self.value(*first));
        let changed = before.as_ref().is_none_or(|(_, before)| before != said);
        match (function, before) {
            (_, Some((_, before))) if before == MISSING || !changed => {}
            ("round" | "floor" | "ceiling", Some((span, before))) => {
                let of = if is_number(&before) { before } else { format!("`{}`", shortened(&self.source(span))) };
                self.say(indent, format!("{of} is rounded to {said}"));
            }
            ("cut", Some((_, before))) => {
                self.say(indent, format!("{} is too long and is cut to {}", shortened(&before), shortened(said)));
            }
            (_, _) if said == whole => {}
            (_, _) => {
                self.say(indent, format!("{text} is {}", in_words(said)));
            }
        }
        self.all_beneath(at, indent, if changed { "" } else { said });
    }

    /// A calculation, text, function, rule or table; not told where it only hands on what is told above.
    fn worked_out(&mut self, at: usize, indent: usize, text: &str, said: &str, whole: &str) {
        let quiet = said == whole || is_record(said) || said == MISSING || !is_plain(said);
        let deeper = if quiet { indent } else { indent + 1 };
        if quiet || self.say(indent, format!("{text} is {}", in_words(said))) {
            self.all_beneath(at, deeper, said);
        }
    }

    /// Arithmetic is told even where its result is known: an accountant adds it up again.
    fn calculation(&mut self, at: usize, indent: usize, text: &str, said: &str, whole: &str) {
        let quiet = !is_number(said) || (indent == 1 && said == whole);
        let deeper = if quiet { indent } else { indent + 1 };
        if quiet || self.say(indent, format!("{text} is {said}")) {
            self.terms(at, deeper);
        }
    }

    /// What a sum is made of, without the sums on the way: `a - b - c` has three terms.
    fn terms(&mut self, at: usize, indent: usize) {
        for inner in self.beneath(at) {
            match self.steps.get(inner) {
                Some((_, Step::Value { how: How::Calculation, said, .. })) if is_number(said) => {
                    self.terms(inner, indent)
                }
                Some(_) | None => self.step(inner, indent, ""),
            }
        }
    }

    fn all_beneath(&mut self, at: usize, indent: usize, whole: &str) {
        self.all(self.beneath(at), indent, whole);
    }

    /// Steps side by side; what a rule does stands beneath its name.
    fn all(&mut self, steps: Vec<usize>, mut indent: usize, whole: &str) {
        for inner in steps {
            let before = self.out.len();
            self.step(inner, indent, whole);
            if self.out.len() > before && matches!(self.steps.get(inner), Some((_, Step::Rule { .. }))) {
                indent += 1;
            }
        }
    }

    /// The steps one level deeper, without lines of records that are made there.
    fn beneath(&self, at: usize) -> Vec<usize> {
        let Some((depth, _)) = self.steps.get(at) else { return Vec::new() };
        let deeper = self.steps.iter().enumerate().skip(at + 1).take_while(|(_, (inner, _))| inner > depth);
        let direct = deeper.filter(|(_, (inner, step))| *inner == depth + 1 && !matches!(step, Step::Line { .. }));
        direct.map(|(index, _)| index).collect()
    }

    fn value(&self, at: usize) -> Option<(Span, String)> {
        match self.steps.get(at) {
            Some((_, Step::Value { span, said, .. })) => Some((*span, said.clone())),
            Some((
                _,
                Step::Line { .. }
                | Step::Element { .. }
                | Step::Row { .. }
                | Step::Otherwise { .. }
                | Step::Rule { .. },
            ))
            | None => None,
        }
    }

    /// The `let` whose name a value is.
    fn let_before(&self, at: usize, named: Span) -> Option<usize> {
        let holds = |line: &Span| line.file == named.file && line.start <= named.start && named.end <= line.end;
        let before = self.steps.get(..at)?;
        before.iter().rposition(|(_, step)| matches!(step, Step::Line { of_let: true, span, .. } if holds(span)))
    }

    /// Tells something, once; false if it was told before.
    fn say(&mut self, indent: usize, words: String) -> bool {
        let new = words.starts_with("so ") || self.told.insert(words.clone());
        if new {
            self.out.push(format!("{}{words}", "  ".repeat(indent)));
        }
        new
    }

    /// A stretch of source on one line, without comments.
    fn source(&self, span: Span) -> String {
        let lines = self.files.text(span).lines().map(|line| line.split("  #").next().unwrap_or_default());
        let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
        let text = words.join(" ");
        // A remark behind the line says nothing of the value.
        let remark = [" note \"", " open \""].iter().filter_map(|word| text.rfind(word)).min();
        remark.and_then(|at| text.get(..at)).unwrap_or(&text).to_owned()
    }

    fn place(&self, span: Span) -> String {
        let (path, line, _) = self.files.place(span);
        format!("{path}:{line}")
    }
}

/// Records and lists of records are told field by field.
fn is_record(said: &str) -> bool {
    said.starts_with('{') || said.starts_with("[{")
}

/// A value, not a stop or something that is still to be rounded.
fn is_plain(said: &str) -> bool {
    said.starts_with(['"', '[', '-']) || is_number(said) || matches!(said, "true" | "false")
}

fn is_number(said: &str) -> bool {
    said.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit())
}

fn in_words(said: &str) -> String {
    if said == MISSING { "missing".to_owned() } else { shortened(said) }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
