//! A division without rounding.

use mapwright_syntax::{Diagnostic, Edit, Span};

/// Anywhere but in `round`, `floor`, `ceiling` and comparison. `round`: the call that keeps as many decimals as are wanted here, such as `round(..., 2)`.
pub(crate) fn unrounded_quotient(span: Span, round: &str) -> Diagnostic {
    let fault = Diagnostic::error("E0305", span, "the result of a division has no last digit: it must be rounded");
    let Some((before, behind)) = round.split_once("...") else { return fault };
    let start = Span { end: span.start, ..span };
    let end = Span { start: span.end, ..span };
    fault.help("say how many decimals are to be kept").fix(
        format!("write `{round}`"),
        vec![Edit { span: start, text: before.to_owned() }, Edit { span: end, text: behind.to_owned() }],
    )
}
