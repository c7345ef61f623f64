//! What can be wrong with a line that could not be read.

use super::similar::closest;
use crate::diagnostic::{Diagnostic, Edit};
use crate::span::Span;

/// `CardCode = x`, `CardCode: x`, `let x <- 1`.
pub const WRONG_SIGN: &str = "E0111";
/// `&&`, `||`, `!`.
pub const SYMBOL_FOR_WORD: &str = "E0112";
/// `leave` or `ignore` without `because`.
pub const MISSING_REASON: &str = "E0113";
/// `reject` or `skip` without a text.
pub const MISSING_ANSWER_TEXT: &str = "E0114";
/// `check` without `otherwise`.
pub const CHECK_WITHOUT_ANSWER: &str = "E0115";
/// `CardCode <-` with nothing behind it.
pub const MISSING_VALUE: &str = "E0128";
/// `a <- 1, b <- 2`.
pub const SEVERAL_STATEMENTS_ON_A_LINE: &str = "E0116";
/// `=` in a condition.
pub const SINGLE_EQUALS: &str = "E0117";
/// A round or square bracket without its partner.
pub const BRACKET_WITHOUT_PARTNER: &str = "E0118";
/// `\d` in a text.
pub const UNKNOWN_ESCAPE: &str = "E0119";
/// A reserved word as a name.
pub const RESERVED_WORD: &str = "E0120";
/// A line that begins with an unknown word.
pub const UNKNOWN_STATEMENT: &str = "E0121";
/// `if` without `then` or `else`.
pub const UNFINISHED_IF: &str = "E0122";
/// `null`.
pub const NO_NULL: &str = "E0123";
/// Quotes as a word processor makes them.
pub const TYPOGRAPHIC_QUOTE: &str = "E0124";
/// `required personal`.
pub const MARKS_WITHOUT_COMMA: &str = "E0125";
/// `CardCode order.id`.
pub const MISSING_ARROW: &str = "E0126";
/// An assignment at the top of a file.
pub const STATEMENT_OUTSIDE_OF_MAPPING: &str = "E0127";

fn edit(span: Span, text: impl Into<String>) -> Edit {
    Edit { span, text: text.into() }
}

/// The place before a span.
fn before(span: Span) -> Span {
    Span { end: span.start, ..span }
}

/// The place behind a span.
pub(crate) fn behind(span: Span) -> Span {
    Span { start: span.end, ..span }
}

pub(crate) fn expected(kind: &str, place: Span, expected: &str, found: &str) -> Diagnostic {
    let headline = format!("this {kind} cannot be read: expected {expected}, found {found}");
    let fault = Diagnostic::error(super::UNREADABLE, place, headline).here(format!("expected {expected}"));
    // Every second piece stands in backticks.
    let words = expected.split('`').skip(1).step_by(2);
    let meant = found.strip_prefix('`').and_then(|found| found.strip_suffix('`')).filter(|found| found.len() > 2);
    match meant.and_then(|found| closest(found, words)) {
        Some(meant) => {
            fault.help(format!("did you mean `{meant}`?")).fix(format!("write {meant}"), vec![edit(place, meant)])
        }
        None => fault,
    }
}

pub(crate) fn invisible_character(found: &[(Span, &str)]) -> Option<Diagnostic> {
    let (first, text) = found.first()?;
    let number = text.chars().next().map_or(0, u32::from);
    let blank = |text: &str| if text.chars().all(char::is_whitespace) { " " } else { "" };
    let edits = found.iter().map(|(span, text)| edit(*span, blank(text))).collect();
    let fault = Diagnostic::error(
        super::UNREADABLE,
        *first,
        format!("a character that cannot be seen stands here (U+{number:04X})"),
    )
    .help("word processors and web pages put such characters in; type this part again")
    .fix("take it out", edits);
    Some(fault)
}

pub(crate) fn foreign_comment(span: Span, first: &str, second: &str) -> Diagnostic {
    Diagnostic::error(super::UNREADABLE, span, format!("`{first}{second}` begins or ends no comment here"))
        .here("write `#`")
        .help("a comment begins with `#` and goes to the end of its line")
        .fix("write `#`", vec![edit(span, "#")])
}

pub(crate) fn doubled_brace(inside: Span) -> Diagnostic {
    let outer = Span { start: inside.start.saturating_sub(2), end: inside.end + 2, ..inside };
    let at = |start: u32| Span { start, end: start + 1, ..inside };
    Diagnostic::error(super::UNREADABLE, outer, "what is filled into a text stands between single braces")
        .help("if the braces belong to the text, write `\\{` and `\\}`")
        .fix("write one brace on each side", vec![edit(at(outer.start), ""), edit(at(inside.end), "")])
}

pub(crate) fn missing_value(arrow: Span, target: &str) -> Diagnostic {
    Diagnostic::error(MISSING_VALUE, arrow, format!("`{target}` is given no value"))
        .here("a value or an answer such as `omit` is missing behind this")
        .help("to leave the field out on purpose, write `leave FIELD because \"...\"`")
}

pub(crate) fn equals_for_arrow(sign: Span, written: &str, target: &str, blank_before: bool) -> Diagnostic {
    Diagnostic::error(WRONG_SIGN, sign, format!("`{target}` is assigned with `<-`, not with `{written}`"))
        .here("write `<-`")
        .fix("write `<-`", vec![edit(sign, if blank_before { "<-" } else { " <-" })])
}

pub(crate) fn arrow_for_equals(sign: Span, written: &str, name: &str) -> Diagnostic {
    Diagnostic::error(WRONG_SIGN, sign, format!("`{name}` is given its value with `=`, not with `{written}`"))
        .here("write `=`")
        .help("`=` names a value, `<-` fills a field of the target")
        .fix("write `=`", vec![edit(sign, "=")])
}

pub(crate) fn arrow_for_result(sign: Span, written: &str) -> Diagnostic {
    Diagnostic::error(WRONG_SIGN, sign, format!("a row gives its result with `->`, not with `{written}`"))
        .here("write `->`")
        .fix("write `->`", vec![edit(sign, "->")])
}

pub(crate) fn symbol_for_word(found: &[(Span, &str, &str)]) -> Option<Diagnostic> {
    let (first, symbol, word) = found.first()?;
    let edits = found.iter().map(|(span, _, word)| edit(*span, *word)).collect();
    let known = if symbol.chars().all(char::is_alphabetic) { "not known" } else { "no operator" };
    let fault =
        Diagnostic::error(SYMBOL_FOR_WORD, *first, format!("`{symbol}` is {known} here: write `{}`", word.trim()))
            .here(format!("write `{}`", word.trim()));
    let others = found
        .iter()
        .skip(1)
        .fold(fault, |fault, (span, _, word)| fault.label(*span, format!("and `{}` here", word.trim())));
    Some(others.fix("write the words", edits))
}

pub(crate) fn missing_reason(word: Span, statement: &str, end: Span) -> Diagnostic {
    Diagnostic::error(MISSING_REASON, word, format!("`{statement}` needs a reason: `because \"...\"`"))
        .label(end, "the reason is missing here")
        .help("the reason stands in the document that the business agrees to")
        .fix("add a reason", vec![edit(behind(end), " because \"...\"")])
}

pub(crate) fn reason_without_quotes(word: Span, statement: &str) -> Diagnostic {
    Diagnostic::error(MISSING_REASON, word, format!("the reason of this `{statement}` is missing or not in quotes"))
        .here("a text in double quotes follows `because`")
}

pub(crate) fn missing_answer_text(word: Span, answer: &str) -> Diagnostic {
    let says =
        if answer == "reject" { "the message for whoever mends the record" } else { "why the record is not delivered" };
    Diagnostic::error(MISSING_ANSWER_TEXT, word, format!("`{answer}` needs a text in double quotes"))
        .here(format!("{says} is missing"))
        .fix("add a text", vec![edit(behind(word), " \"...\"")])
}

pub(crate) fn check_without_answer(word: Span, end: Span) -> Diagnostic {
    Diagnostic::error(CHECK_WITHOUT_ANSWER, word, "this `check` does not say what happens when it fails")
        .label(end, "`otherwise reject \"...\"` or `otherwise skip \"...\"` is missing here")
        .help("`reject` makes an error of the record, `skip` delivers nothing and is no error")
        .fix("reject the record", vec![edit(behind(end), " otherwise reject \"...\"")])
}

pub(crate) fn several_statements(second: Span, separator: Span) -> Diagnostic {
    Diagnostic::error(SEVERAL_STATEMENTS_ON_A_LINE, second, "a second assignment on the same line")
        .here("begins here")
        .help("each statement has a line of its own; on one line, `;` stands between them")
        .fix("separate them by `;`", vec![edit(separator, "; ")])
}

pub(crate) fn single_equals(sign: Span) -> Diagnostic {
    Diagnostic::error(SINGLE_EQUALS, sign, "a comparison is written `==`, not `=`")
        .here("write `==`")
        .fix("write `==`", vec![edit(sign, "==")])
}

pub(crate) fn unclosed_bracket(bracket: Span, opening: &str, end: Span) -> Diagnostic {
    let closing = if opening == "(" { ")" } else { "]" };
    Diagnostic::error(BRACKET_WITHOUT_PARTNER, bracket, format!("this `{opening}` is never closed"))
        .here("opened here")
        .fix(format!("insert `{closing}`"), vec![edit(behind(end), closing)])
}

pub(crate) fn stray_bracket(bracket: Span, text: &str) -> Diagnostic {
    Diagnostic::error(BRACKET_WITHOUT_PARTNER, bracket, format!("this `{text}` closes nothing"))
        .fix("remove it", vec![edit(bracket, "")])
}

pub(crate) fn unknown_escape(span: Span, written: &str) -> Diagnostic {
    Diagnostic::error(UNKNOWN_ESCAPE, span, format!("`{written}` means nothing in a text"))
        .help("known are `\\\"` `\\\\` `\\n` `\\t` `\\{` `\\}`")
        .help("a text in single quotes takes every character as it stands: use it for patterns")
        .fix("write a backslash", vec![edit(before(span), "\\")])
}

pub(crate) fn reserved_word(span: Span, word: &str) -> Diagnostic {
    Diagnostic::error(RESERVED_WORD, span, format!("`{word}` is a word of the language and cannot be a name here"))
        .help("choose another name, or put it in backticks wherever it is used")
        .fix("put it in backticks", vec![edit(span, format!("`{word}`"))])
}

pub(crate) fn unknown_statement(span: Span, word: &str, kind: &str, known: &[&'static str], help: &str) -> Diagnostic {
    let fault = Diagnostic::error(UNKNOWN_STATEMENT, span, format!("no {kind} begins with `{word}`"));
    match closest(word, known.iter().copied()) {
        Some(known) => {
            fault.here(format!("did you mean `{known}`?")).fix(format!("write `{known}`"), vec![edit(span, known)])
        }
        None => fault.help(help),
    }
}

pub(crate) fn if_without_else(word: Span, end: Span) -> Diagnostic {
    Diagnostic::error(UNFINISHED_IF, word, "this `if` has no `else`")
        .label(end, "what holds otherwise is missing here")
        .help("`else omit` leaves the field out, `else clear` empties it")
        .fix("leave the field out otherwise", vec![edit(behind(end), " else omit")])
}

pub(crate) fn if_without_then(word: Span) -> Diagnostic {
    Diagnostic::error(UNFINISHED_IF, word, "this `if` has no `then`").help("write `if CONDITION then VALUE else VALUE`")
}

/// `mend` is the place of the comparison or answer with `null`, and what it should be.
pub(crate) fn no_null(span: Span, word: &str, mend: Option<(Span, &str)>) -> Diagnostic {
    let fault = Diagnostic::error(NO_NULL, span, format!("there is no `{word}`: a value is missing, or it is there"));
    let fault = match mend {
        Some((place, text)) => fault.fix(format!("write `{text}`"), vec![edit(place, text)]),
        None => fault,
    };
    fault
        .help("ask with `is missing` or `is present`")
        .help("answer with `omit` (leave the field out) or `clear` (empty it)")
}

pub(crate) fn typographic_quotes(found: &[Span], character: &str) -> Option<Diagnostic> {
    let first = found.first()?;
    let edits = found.iter().map(|span| edit(*span, "\"")).collect();
    let headline = format!("`{character}` is a quote of a word processor: texts stand between plain quotes, `\"`");
    Some(Diagnostic::error(TYPOGRAPHIC_QUOTE, *first, headline).fix("write plain quotes", edits))
}

pub(crate) fn marks_without_comma(last: Span, mark: Span, word: &str) -> Diagnostic {
    Diagnostic::error(MARKS_WITHOUT_COMMA, mark, format!("a comma is missing before the mark `{word}`"))
        .fix("insert `,`", vec![edit(behind(last), ",")])
}

pub(crate) fn missing_arrow(place: Span, target: &str) -> Diagnostic {
    Diagnostic::error(MISSING_ARROW, place, format!("`<-` is missing behind `{target}`"))
        .here("`<-` belongs before this")
        .fix("insert `<-`", vec![edit(before(place), "<- ")])
}

pub(crate) fn statement_outside_of_mapping(span: Span, target: &str) -> Diagnostic {
    Diagnostic::error(STATEMENT_OUTSIDE_OF_MAPPING, span, format!("`{target}` is assigned outside of a mapping"))
        .help("move the line into the braces of a mapping; perhaps a `}` above it closes the mapping too early")
}
