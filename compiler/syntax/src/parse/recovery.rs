//! Lines that could not be read: says of each what is wrong with it.
//!
//! A line is tried with the strict rule once more. Slips that analysts make are known by their tokens (`slips.rs`); for
//! all others pest's furthest failure gives the place and what was expected there.

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};

use super::Reader;
use super::grammar::{Grammar, Rule};
use super::node::Node;
use super::slips;
use crate::diagnostic::{Diagnostic, Edit};
use crate::faults;
use crate::span::Span;
use crate::tokens::{Token, TokenKind, tokens};

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Definition,
    Item,
    Field,
    Statement,
    Duty,
    Row,
    Arm,
}

impl Kind {
    /// In an analyst's words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Definition => "definition",
            Self::Item => "line of a system",
            Self::Field => "field",
            Self::Statement => "statement",
            Self::Duty => "line of a flow",
            Self::Row => "row of a table",
            Self::Arm => "arm of a `match`",
        }
    }

    fn strict(self) -> Rule {
        match self {
            Self::Definition => Rule::strict_definition,
            Self::Item => Rule::strict_item,
            Self::Field => Rule::strict_field,
            Self::Statement => Rule::strict_statement,
            Self::Duty => Rule::strict_duty,
            Self::Row => Rule::strict_row,
            Self::Arm => Rule::strict_arm,
        }
    }
}

/// A line that could not be read.
pub(super) struct Line<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) tokens: Vec<Token<'a>>,
    pub(super) span: Span,
}

impl Line<'_> {
    /// A place within the line, as a place in the file.
    pub(super) fn place(&self, start: usize, end: usize) -> Span {
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { start: self.span.start + narrow(start), end: self.span.start + narrow(end), ..self.span }
    }

    pub(super) fn token(&self, token: &Token<'_>) -> Span {
        self.place(token.start, token.end())
    }

    /// The last character of the line.
    pub(super) fn end(&self) -> Span {
        let start = self.text.char_indices().next_back().map_or(0, |(start, _)| start);
        self.place(start, self.text.len())
    }

    /// Can the line be read once these edits are made?
    pub(super) fn reads_with(&self, edits: &[Edit]) -> bool {
        let mut text = self.text.to_owned();
        let mut edits: Vec<&Edit> = edits.iter().collect();
        edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
        for edit in edits {
            let (Some(start), Some(end)) =
                (edit.span.start.checked_sub(self.span.start), edit.span.end.checked_sub(self.span.start))
            else {
                return false;
            };
            let range = start as usize..end as usize;
            if text.get(range.clone()).is_none() {
                return false;
            }
            text.replace_range(range, &edit.text);
        }
        let text = without_comments(&text);
        // Where a second statement is split off, each part must be readable.
        let separated = edits_separate(&text, self.text);
        let mut parts = if separated { text.split("; ").collect() } else { vec![text.as_str()] };
        parts.retain(|part| !part.trim().is_empty());
        parts.iter().all(|part| Grammar::parse(self.kind.strict(), part.trim()).is_ok())
    }
}

/// Comments become blanks, as they are before pest sees a line.
fn without_comments(text: &str) -> String {
    let mut plain = text.to_owned();
    for token in tokens(text).iter().filter(|token| token.kind == TokenKind::Comment) {
        plain.replace_range(token.start..token.end(), &" ".repeat(token.text.len()));
    }
    plain
}

fn edits_separate(mended: &str, original: &str) -> bool {
    mended.matches("; ").count() > original.matches("; ").count()
}

impl Reader<'_> {
    /// Reports a line that could not be read.
    pub(super) fn bad_line(&self, node: &Node<'_>) {
        let kind = match node.rule() {
            Rule::bad_item => Kind::Item,
            Rule::bad_field => Kind::Field,
            Rule::bad_statement => Kind::Statement,
            Rule::bad_duty => Kind::Duty,
            Rule::bad_row => Kind::Row,
            Rule::bad_arm => Kind::Arm,
            _ => Kind::Definition,
        };
        // Braces that were put in behind the end of the file are no part of the line.
        let span = node.span();
        let text = node.text().get(..(span.end - span.start) as usize).unwrap_or_default();
        let line = Line { kind, text, tokens: tokens(text), span };
        if self.explained(line.span) {
            return;
        }
        let doubled = self.text.get(..span.start as usize).is_some_and(|before| before.ends_with("{{"));
        if kind == Kind::Statement
            && doubled
            && self.text.get(span.end as usize..).is_some_and(|behind| behind.starts_with("}}"))
        {
            return self.report(faults::doubled_brace(span));
        }
        let fault = slips::slip(&line).unwrap_or_else(|| furthest_failure(&line));
        self.report(only_good_fix(fault, &line));
    }

    /// A line with a fault that is known already (a quote, a brace) needs no second one.
    fn explained(&self, line: Span) -> bool {
        self.structural.borrow().range(line.start..=line.end).next().is_some()
    }
}

/// A fix is offered only where the line can be read with it.
fn only_good_fix(mut fault: Diagnostic, line: &Line<'_>) -> Diagnostic {
    if fault.fix.as_ref().is_some_and(|fix| !line.reads_with(&fix.edits)) {
        fault.fix = None;
    }
    fault
}

/// What pest expected at the furthest place that it reached.
fn furthest_failure(line: &Line<'_>) -> Diagnostic {
    let Err(error) = Grammar::parse(line.kind.strict(), line.text) else {
        return faults::unreadable(line.span, line.kind.words());
    };
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let positives = match error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives,
        ErrorVariant::CustomError { .. } => Vec::new(),
    };
    // The place may lie in the hole of a text.
    let whole = line.tokens.iter().find(|token| token.kind != TokenKind::Text && token.start <= at && at < token.end());
    let at = whole.map_or(at, |token| token.start);
    let behind = tokens(line.text.get(at..).unwrap_or_default());
    let found = behind.first();
    let place = found.map_or_else(|| line.end(), |token| line.place(at + token.start, at + token.end()));
    let found_words = found.map_or_else(|| "the end of the line".to_owned(), |token| format!("`{}`", token.text));
    let in_table = matches!(line.kind, Kind::Row | Kind::Arm);
    let expected =
        if in_table && positives == [Rule::number] { "a fixed value".to_owned() } else { expectation(&positives) };
    let fault = faults::expected(line.kind.words(), place, &expected, &found_words);
    if in_table && found.is_some_and(|token| token.kind == TokenKind::Word) {
        return fault.help("values stand in double quotes, names never");
    }
    fault
}

/// How many alternatives a message names.
const ALTERNATIVES_MAX: usize = 4;

fn expectation(rules: &[Rule]) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in rules.iter().filter_map(|rule| in_words(*rule)) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    // Words that would prolong what stands there say little.
    let prolong = |word: &String| ["`if`", "`is`", "`not`"].contains(&word.as_str());
    if !words.iter().all(prolong) {
        words.retain(|word| !prolong(word));
    }
    words.truncate(ALTERNATIVES_MAX);
    match words.split_last() {
        None => "the end of the line".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// What a rule of the grammar is called in a message; `None` where it only prolongs what stands there.
fn in_words(rule: Rule) -> Option<String> {
    let words = match rule {
        Rule::expr
        | Rule::operation
        | Rule::outcome
        | Rule::branch
        | Rule::primary
        | Rule::row_result
        | Rule::expected
        | Rule::if_value
        | Rule::each
        | Rule::find
        | Rule::linked => "a value",
        Rule::type_ | Rule::list_type | Rule::map_type | Rule::enum_type | Rule::scalar => "a type",
        Rule::type_argument => "a length or range",
        Rule::path | Rule::source => "a name such as `shop.order`",
        Rule::word | Rule::name | Rule::target | Rule::dismissed | Rule::field => "a name",
        Rule::parameter => "a name with its type",
        Rule::text => "a text in double quotes",
        Rule::literal | Rule::cell => "a fixed value",
        Rule::arrow => "`<-`",
        Rule::result => "`->`",
        Rule::equals => "`=`",
        Rule::open | Rule::block | Rule::fields | Rule::rows => "`{`",
        Rule::close => "`}`",
        Rule::arguments => "`(`",
        Rule::number => "a number",
        Rule::date => "a date such as `2026-03-14`",
        Rule::clock => "a time such as `02:00`",
        Rule::span => "a span such as `5 minutes`",
        Rule::span_unit => "`seconds`, `minutes`, `hours` or `days`",
        Rule::zone => "a zone such as `\"Europe/Berlin\"`",
        Rule::mark => "a mark such as `required`",
        Rule::state => "`missing`, `present`, `blank` or `empty`",
        Rule::where_part => "`where`",
        Rule::check_answer => "`reject` or `skip`",
        Rule::answer => "an answer such as `omit`",
        Rule::keyed => "`create once by`, `upsert by`, `update by`, `delete by`",
        Rule::csv => "`in csv`",
        Rule::encoding_form => "`text`, `hex` or `number`",
        keyword => {
            let name = format!("{keyword:?}");
            return name.strip_prefix("k_").map(|word| format!("`{word}`"));
        }
    };
    Some(words.to_owned())
}
