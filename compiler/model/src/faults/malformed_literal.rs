//! A literal that cannot be used.

use mapwright_syntax::{Diagnostic, Span};

/// Why: what is wrong, and behind a `;` or `:` what to do.
pub(crate) fn malformed_literal(span: Span, why: &str) -> Diagnostic {
    // A sign with a blank behind it: `%H:%M` is one word.
    match why.split_once("; ").or_else(|| why.split_once(": ")) {
        Some((headline, help)) => Diagnostic::error("E0322", span, headline).help(help),
        None => Diagnostic::error("E0322", span, why),
    }
}

/// `leave rest` of nothing.
pub(crate) fn rest_of_what(span: Span) -> Diagnostic {
    Diagnostic::error("E0322", span, "the rest of what?")
        .help("outside a mapping, name an entity: `rest of shop.order`")
}

/// `ignore` of what is no source.
pub(crate) fn not_a_source(name: &mapwright_syntax::tree::Name) -> Diagnostic {
    Diagnostic::error("E0204", name.span, format!("`{}` is no source of this mapping", name.text))
        .help("`ignore` names fields of a source, from the source on: `order.deliveries.id`")
}
