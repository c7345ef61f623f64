//! A word that is not in the list.

use mapwright_syntax::{Diagnostic, Span};
use mapwright_values::names::closest;

use super::{declared, did_you_mean, quoted, span_inside_quotes};
use crate::ir::{EnumType, Type};
use crate::resolve::scope::Place;

/// A literal.
pub(crate) fn unknown_enum_value(span: Span, word: &str, words: &EnumType) -> Diagnostic {
    let headline = format!("`{}` has no value \"{word}\"", words.name);
    let known = words.values.iter().map(|value| value.name.as_str());
    let found = closest(word, known.clone());
    let fault = did_you_mean(Diagnostic::error("E0303", span, headline), span_inside_quotes(span), found);
    fault.help(format!("it is one of {}", known.collect::<Vec<_>>().join(", ")))
}

/// A value of one list going to a place of another.
pub(crate) fn unknown_words(span: Span, lacking: &[String], to: &Type, place: &Place) -> Diagnostic {
    let headline = format!("{} does not have the values {}", quoted(place), lacking.join(", "));
    let fault = declared(Diagnostic::error("E0303", span, headline), place);
    let Type::Enum(words) = to else { return fault };
    let known: Vec<&str> = words.values.iter().map(|value| value.name.as_str()).collect();
    fault.help(format!("it is one of {}: translate with `match` or a table", known.join(", ")))
}
