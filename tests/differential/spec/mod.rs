//! Random specs, steered so that most of what is drawn is well-typed.
//!
//! In: a source of choices. Out: a [`Spec`]: two catalogues and lines that can be taken away one by one (the checker's errors prune
//! what is not well-typed, a disagreement is shrunk the same way). It knows the grammar and guesses the types; the checker decides.

mod calls;
mod catalogue;
mod definitions;
mod expressions;
mod statements;

use std::collections::HashSet;

use crate::draw::Draw;
use crate::project::{Checked, SPEC, Texts};

pub(crate) use definitions::draw;

/// A line of a spec, perhaps with a block behind it.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) head: String,
    pub(crate) body: Option<Vec<Piece>>,
    /// Does the spec fall apart without it?
    pub(crate) fixed: bool,
}

impl Piece {
    pub(crate) fn line(head: impl Into<String>) -> Piece {
        Piece { head: head.into(), body: None, fixed: false }
    }

    pub(crate) fn block(head: impl Into<String>, body: Vec<Piece>) -> Piece {
        Piece { head: head.into(), body: Some(body), fixed: false }
    }

    pub(crate) fn fixed(mut self) -> Piece {
        self.fixed = true;
        self
    }
}

/// A spec whose lines can be taken away.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) systems: Vec<(String, String)>,
    /// CSV files by name.
    pub(crate) csv: Vec<(String, String)>,
    pub(crate) pieces: Vec<Piece>,
}

impl Spec {
    pub(crate) fn texts(&self) -> Texts {
        Texts { systems: self.systems.clone(), csv: self.csv.clone(), specs: vec![(SPEC.to_owned(), self.text())] }
    }

    /// The text.
    pub(crate) fn text(&self) -> String {
        self.render().0
    }

    /// The text, and for each of its lines the number of its piece.
    fn render(&self) -> (String, Vec<usize>) {
        let (mut text, mut lines, mut next) = (String::new(), Vec::new(), 0);
        render(&self.pieces, 0, &mut text, &mut lines, &mut next);
        (text, lines)
    }

    /// How many pieces there are.
    pub(crate) fn count(&self) -> usize {
        self.render().1.into_iter().max().map_or(0, |last| last + 1)
    }

    /// The spec without these pieces; pieces that are fixed stay.
    pub(crate) fn without(&self, numbers: &HashSet<usize>) -> Spec {
        let mut spec = self.clone();
        remove(&mut spec.pieces, numbers, &mut 0);
        spec
    }

    /// The spec without what the checker refuses, and how many pieces that were at first; `None` where nothing is left of it.
    pub(crate) fn pruned(mut self) -> Option<(Spec, Checked, usize)> {
        let mut refused_at_first = None;
        for _ in 0..8 {
            let checked = Checked::new(&self.texts());
            let lines = self.render().1;
            let refused: HashSet<usize> = checked
                .errors
                .iter()
                .filter_map(|error| {
                    let (file, line, _) = checked.files.place(error.span());
                    assert_eq!(file, SPEC, "a drawn catalogue must be sound:\n{}", checked.said());
                    lines.get(line as usize - 1).copied()
                })
                .collect();
            refused_at_first.get_or_insert(refused.len());
            if refused.is_empty() {
                let refused = refused_at_first.unwrap_or_default();
                return (!checked.model.mappings.is_empty()).then_some((self, checked, refused));
            }
            self = self.without(&refused);
        }
        None
    }
}

impl Spec {
    /// The spec without the lines at these numbers (from 1) of its text.
    pub(crate) fn without_lines(&self, lines: &HashSet<u32>) -> Spec {
        let pieces = self.render().1;
        let at = |line: &u32| pieces.get(*line as usize - 1).copied();
        self.without(&lines.iter().filter_map(at).collect())
    }
}

fn render(pieces: &[Piece], depth: usize, text: &mut String, lines: &mut Vec<usize>, next: &mut usize) {
    let blanks = "  ".repeat(depth);
    for piece in pieces {
        let number = *next;
        *next += 1;
        lines.push(number);
        let open = if piece.body.is_some() { " {" } else { "" };
        text.push_str(&format!("{blanks}{}{open}\n", piece.head));
        if let Some(body) = &piece.body {
            render(body, depth + 1, text, lines, next);
            lines.push(number);
            text.push_str(&format!("{blanks}}}\n"));
        }
    }
}

fn remove(pieces: &mut Vec<Piece>, numbers: &HashSet<usize>, next: &mut usize) {
    pieces.retain_mut(|piece| {
        let number = *next;
        *next += 1;
        if let Some(body) = &mut piece.body {
            remove(body, numbers, next);
        }
        piece.fixed || !numbers.contains(&number)
    });
}

/// A type as the generator thinks of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Text(Option<u32>),
    Whole,
    Number(u32),
    Boolean,
    Date,
    Time,
    Instant,
    Uuid,
    Json,
    Map(Box<Kind>),
    Word(usize),
    Record(usize),
    List(Box<Kind>, bool),
}

impl Kind {
    /// Can a value of this kind stand where `wanted` is needed (lengths and decimals aside)?
    fn serves(&self, wanted: &Kind) -> bool {
        match (self, wanted) {
            (Kind::Text(_), Kind::Text(_)) | (Kind::Whole | Kind::Number(_), Kind::Number(_)) => true,
            (Kind::Map(one), Kind::Map(other)) => one.serves(other),
            (_, Kind::Json) => true,
            (Kind::List(one, missing), Kind::List(other, may)) => one.serves(other) && (*may || !*missing),
            (one, other) => one == other,
        }
    }
}

/// A field of a drawn record.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    name: String,
    kind: Kind,
    optional: bool,
    required: bool,
}

/// A drawn record type and the path that names it.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    path: String,
    fields: Vec<Field>,
}

/// A drawn enumeration and the path of a field that has it.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    path: String,
    names: Vec<&'static str>,
}

/// A name that stands for a value.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    text: String,
    kind: Kind,
    optional: bool,
    element: bool,
}

/// A table or rule that can be called.
#[derive(Clone, Debug)]
pub(crate) struct Callable {
    name: String,
    table: bool,
    parameters: Vec<(Kind, bool)>,
    result: Kind,
    optional: bool,
    /// May it be looked up backwards?
    one_to_one: bool,
}

/// An expression, safe to stand as an operand.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    text: String,
    optional: bool,
}

impl Made {
    fn sure(text: impl Into<String>) -> Made {
        Made { text: text.into(), optional: false }
    }

    fn maybe(text: impl Into<String>, optional: bool) -> Made {
        Made { text: text.into(), optional }
    }
}

/// The state of a drawing.
pub(crate) struct Author {
    draw: Draw,
    shapes: Vec<Shape>,
    words: Vec<Words>,
    names: Vec<Name>,
    callables: Vec<Callable>,
    csv: Vec<(String, String)>,
    /// Which functions it likes.
    liking: usize,
    count: usize,
}

impl Author {
    fn fresh(&mut self, stem: &str) -> String {
        self.count += 1;
        format!("{stem}{}", self.count)
    }
}

/// Texts that specs and inputs have in common, so that comparisons, tables and patterns sometimes hold.
pub(crate) const TEXTS: &[&str] = &[
    "",
    "a",
    "b",
    "DE",
    "AT",
    "de",
    "10231",
    "T1",
    "Lange Gasse 1",
    "x,y,z",
    "a;b",
    "  spaced   out ",
    "Müller",
    "1.234,56",
    "12.5",
    "-3",
    "yes",
    "Y",
    "N",
    "2026-03-14",
    "14.03.2026",
    "EUR",
    "JPY",
    "<b>Hi</b> &amp; you",
    "4006381333931",
    "DE89370400440532013000",
    "SGVsbG8=",
    "Straße",
    "done",
    "2026-03-14 10:15",
    "open",
    "é",
];

/// A text as a spec writes it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '{' => out.push_str("\\{"),
            '}' => out.push_str("\\}"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
