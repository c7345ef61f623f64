//! A position asked for while the list is still being made.

use mapwright_syntax::{Diagnostic, Span};

/// Elements are counted when conditions and sorting are done.
pub(crate) fn misplaced_position(span: Span) -> Diagnostic {
    Diagnostic::error("E0324", span, "an element has no position yet while its own `each` chooses and sorts").help(
        "`position` counts what is left behind `where` and `sorted by`: ask for it behind `take` or in the braces",
    )
}
