//! What can be wrong with a text: one constructor a fault, named for it, with its code.
//!
//! In: places and the words that stand there. Out: diagnostics in an analyst's words.

mod lines;
mod similar;

pub use lines::*;
pub use similar::closest;

use crate::diagnostic::{Diagnostic, Edit};
use crate::span::Span;

/// A line that fits no rule of the language.
pub const UNREADABLE: &str = "E0101";
/// A `{` without its `}`.
pub const MISSING_CLOSING_BRACE: &str = "E0102";
/// A quote without its partner.
pub const UNCLOSED_QUOTE: &str = "E0103";
/// A `}` without its `{`.
pub const STRAY_CLOSING_BRACE: &str = "E0104";
/// Nested or chained beyond the limit.
pub const NESTED_TOO_DEEPLY: &str = "E0105";
/// A file beyond the limit.
pub const FILE_TOO_LARGE: &str = "E0106";
/// `a + b | f` without brackets.
pub const PIPE_BESIDE_ARITHMETIC: &str = "E0107";
/// `a == b == c`.
pub const CHAINED_COMPARISON: &str = "E0108";
/// `{...}` in a text that is no expression.
pub const HOLE_NOT_ALLOWED: &str = "E0109";
/// `every 1.5 minutes`.
pub const TIME_SPAN_NOT_WHOLE: &str = "E0110";

pub(crate) fn unreadable(span: Span, kind: &str) -> Diagnostic {
    Diagnostic::error(UNREADABLE, span, format!("this {kind} cannot be read"))
}

pub(crate) fn missing_closing_brace(open: Span, place: Span, closing: &str) -> Diagnostic {
    Diagnostic::error(MISSING_CLOSING_BRACE, open, "a `}` is missing: this block is never closed")
        .here("opened here")
        .label(place, "its `}` is missing here")
        .fix("insert `}`", vec![Edit { span: place, text: closing.to_owned() }])
}

pub(crate) fn unclosed_quote(span: Span, text: &str) -> Diagnostic {
    let end = Span { start: span.end, ..span };
    let quote = text.chars().next().unwrap_or('"');
    if quote == '`' {
        return Diagnostic::error(UNCLOSED_QUOTE, span, "this name is not closed: its second backtick is missing")
            .fix("insert a backtick", vec![Edit { span: end, text: quote.to_string() }]);
    }
    if quote == '"' && text.matches('{').count() > text.matches('}').count() && text.matches('"').count() > 1 {
        return Diagnostic::error(UNCLOSED_QUOTE, span, "a `{` in this text is never closed")
            .here("what stands between `{` and `}` is filled in")
            .help("if the brace belongs to the text, write `\\{`");
    }
    if let Some(last) = text.chars().next_back().filter(|last| "“”„".contains(*last)) {
        let width = u32::try_from(last.len_utf8()).unwrap_or_default();
        let place = Span { start: span.end.saturating_sub(width), ..span };
        return Diagnostic::error(
            UNCLOSED_QUOTE,
            span,
            format!("this text begins with `{quote}` and ends with `{last}`"),
        )
        .here("both are plain quotes, as on the keyboard")
        .fix(format!("write `{quote}`"), vec![Edit { span: place, text: quote.to_string() }]);
    }
    let fault =
        Diagnostic::error(UNCLOSED_QUOTE, span, format!("this text is not closed: its second `{quote}` is missing"))
            .here("a text ends on the line that it begins on");
    // Behind a bracket or comma nobody can tell where the text was meant to end.
    if text.contains([')', ']', ',', '|']) || text.len() == 1 {
        return fault;
    }
    fault.fix(format!("insert `{quote}`"), vec![Edit { span: end, text: quote.to_string() }])
}

pub(crate) fn stray_closing_brace(span: Span) -> Diagnostic {
    Diagnostic::error(STRAY_CLOSING_BRACE, span, "this `}` closes nothing")
        .help("definitions begin in column one, what stands in their braces is indented")
        .fix("remove it", vec![Edit { span, text: String::new() }])
}

/// A `\r` that no `\n` follows: to an editor it ends a line, to this reader it does not.
pub(crate) fn lone_carriage_return(span: Span) -> Diagnostic {
    Diagnostic::error(UNREADABLE, span, "this line ends with a carriage return alone")
        .help("save the file with the line ends of Unix or Windows")
}

pub(crate) fn nested_too_deeply(span: Span, definition: Span) -> Diagnostic {
    Diagnostic::error(NESTED_TOO_DEEPLY, span, "this is nested too deeply to be read")
        .label(definition, "so this definition is left out")
        .here("the limits are 64 brackets, blocks and `if`s inside one another, and 400 operators in a row")
        .help("give parts of it a name with `let`, make a `rule` of them, or use a `table` or `match` in place of many `if`s")
}

pub(crate) fn file_too_large(span: Span) -> Diagnostic {
    Diagnostic::error(FILE_TOO_LARGE, span, "this file is larger than 64 MiB")
        .help("split it: all `*.mapspec` files of a project are read together")
}

fn part(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap_or_default()
}

fn bracketed(span: Span) -> Vec<Edit> {
    let at = |place: u32| Span { start: place, end: place, ..span };
    vec![Edit { span: at(span.start), text: "(".to_owned() }, Edit { span: at(span.end), text: ")".to_owned() }]
}

pub(crate) fn pipe_beside_arithmetic(text: &str, left: Span, last: Span, pipe: Span) -> Diagnostic {
    let (left_text, last_text, pipe_text) = (part(text, left), part(text, last), part(text, pipe));
    let before = part(text, Span { end: last.start, ..left });
    let first = format!("({left_text}) {pipe_text}");
    let second = format!("{before}({last_text} {pipe_text})");
    Diagnostic::error(PIPE_BESIDE_ARITHMETIC, left.to(pipe), "arithmetic beside a pipe needs brackets")
        .help(format!("for the whole: `{first}`"))
        .help(format!("for the last part alone: `{second}`"))
        .fix(format!("write `{first}`"), bracketed(left))
}

pub(crate) fn arithmetic_behind_pipe(text: &str, left: Span, right: Span, operator: Span) -> Diagnostic {
    let (left_text, right_text, operator_text) = (part(text, left), part(text, right), part(text, operator));
    let first = format!("({left_text}) {operator_text} {right_text}");
    Diagnostic::error(PIPE_BESIDE_ARITHMETIC, left.to(right), "arithmetic beside a pipe needs brackets")
        .help(format!("if the pipe comes first: `{first}`"))
        .help("if the arithmetic comes first, give it a name with `let` and put that into the pipe")
        .fix(format!("write `{first}`"), bracketed(left))
}

pub(crate) fn chained_comparison(left: Span, operator: Span) -> Diagnostic {
    Diagnostic::error(CHAINED_COMPARISON, operator, "comparisons cannot be chained")
        .here("a second comparison")
        .label(left, "this is a comparison already")
        .help("join two comparisons by `and`: `a < b and b < c`")
}

pub(crate) fn hole_not_allowed(span: Span) -> Diagnostic {
    let at = |place: u32| Span { start: place, end: place, ..span };
    let edits = vec![
        Edit { span: at(span.start), text: "\\".to_owned() },
        Edit { span: at(span.end.saturating_sub(1)), text: "\\".to_owned() },
    ];
    Diagnostic::error(HOLE_NOT_ALLOWED, span, "this text is fixed: it cannot hold a `{...}` to be filled in")
        .help("if the braces belong to the text, write `\\{` and `\\}`")
        .fix("take the braces as text", edits)
}

pub(crate) fn time_span_not_whole(span: Span) -> Diagnostic {
    Diagnostic::error(TIME_SPAN_NOT_WHOLE, span, "a span of time is a whole number of seconds, minutes, hours or days")
        .help("write `90 seconds` for one and a half minutes")
}
