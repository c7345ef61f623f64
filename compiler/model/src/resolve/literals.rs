//! Literals: each has a type of its own; a text becomes a word where an enum is expected.

use mapwright_syntax::tree::{self, LiteralKind};
use mapwright_values::spelling::write_as;
use mapwright_values::time::{parse_date, parse_time};

use super::scope::{Body, poison};
use crate::catalogue::json_text;
use crate::faults;
use crate::ir::{Expr, ExprKind, Literal, Spelling, Type, Unit};
use crate::types::{PRECISION_MAX, literal_length};

impl Body<'_, '_> {
    /// A literal where a type may be expected.
    pub(crate) fn literal(&mut self, literal: &tree::Literal, expected: Option<&Type>) -> Expr {
        let span = literal.span;
        if let (LiteralKind::Text(word) | LiteralKind::Raw(word), Some(Type::Enum(words))) = (&literal.kind, expected) {
            if !words.values.iter().any(|value| value.name == *word) {
                let fault = faults::unknown_enum_value(span, word, words);
                self.report(fault);
                return poison(span);
            }
            let ty = Type::Enum(words.clone());
            return Expr { kind: ExprKind::Literal(Literal::Text(word.clone())), ty, optional: false, span };
        }
        if let Some(why) = impossible(&literal.kind) {
            self.report(faults::malformed_literal(span, why));
            return poison(span);
        }
        let (value, ty) = plain(&literal.kind);
        let Some(ty) = ty else {
            self.report(faults::malformed_literal(span, "a number has at most 28 digits"));
            return poison(span);
        };
        Expr { kind: ExprKind::Literal(value), ty, optional: false, span }
    }
}

/// Why a day or time cannot be.
fn impossible(kind: &LiteralKind) -> Option<&'static str> {
    match kind {
        LiteralKind::Date(date) => parse_date(date).is_none().then_some("the calendar has no such day"),
        LiteralKind::Time(time) => parse_time(time).is_none().then_some("a day has no such time: it ends at 23:59:59"),
        LiteralKind::Text(_) | LiteralKind::Raw(_) | LiteralKind::Number(_) | LiteralKind::Boolean(_) => None,
    }
}

/// Value and own type; `None` for a number with too many digits.
fn plain(kind: &LiteralKind) -> (Literal, Option<Type>) {
    match kind {
        LiteralKind::Text(text) | LiteralKind::Raw(text) => {
            let max = Some(literal_length(text, &Unit::Characters));
            (Literal::Text(text.clone()), Some(Type::Text { max, unit: Unit::Characters }))
        }
        LiteralKind::Number(digits) => (Literal::Number(digits.clone()), number_type(digits)),
        LiteralKind::Date(date) => (Literal::Date(date.clone()), Some(Type::Date)),
        LiteralKind::Time(time) => (Literal::Time(time.clone()), Some(Type::Time)),
        LiteralKind::Boolean(value) => (Literal::Boolean(*value), Some(Type::Boolean)),
    }
}

/// The type of a number as written. Zeros at the end of the decimals lose nothing: `19.00` fits where `19` does.
pub(crate) fn number_type(digits: &str) -> Option<Type> {
    let unsigned = digits.trim_start_matches(['-', '+']);
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let decimals = decimals.trim_end_matches('0');
    let whole_digits = u32::try_from(whole.trim_start_matches('0').len()).ok()?;
    let scale = u32::try_from(decimals.len()).ok()?;
    if whole_digits + scale > PRECISION_MAX {
        return None;
    }
    if scale == 0
        && let Ok(number) = digits.split('.').next().unwrap_or_default().parse::<i64>()
    {
        return Some(Type::Integer { min: Some(number), max: Some(number) });
    }
    Some(Type::Decimal { precision: (whole_digits + scale).max(1), scale })
}

/// A literal as JSON text in the spelling of its place.
pub(crate) fn json_literal(literal: &Literal, ty: &Type, spelling: &Spelling) -> String {
    match literal {
        Literal::Text(text) => match ty {
            Type::Enum(words) => {
                let wire = words.values.iter().find(|value| value.name == *text).map_or(text, |value| &value.wire);
                json_text(wire)
            }
            Type::Text { .. }
            | Type::Integer { .. }
            | Type::Decimal { .. }
            | Type::Quotient
            | Type::Money
            | Type::Boolean
            | Type::Date
            | Type::Time
            | Type::Instant
            | Type::Uuid
            | Type::Record(_)
            | Type::List(_)
            | Type::Map(_)
            | Type::Json
            | Type::File
            | Type::Never => json_text(text),
        },
        Literal::Number(digits) if *spelling == Spelling::NumberAsText => json_text(digits),
        Literal::Number(digits) => digits.clone(),
        Literal::Boolean(value) => match spelling {
            Spelling::BooleanWords { yes, no } => json_text(if *value { yes } else { no }),
            Spelling::AsNumber => u8::from(*value).to_string(),
            Spelling::Plain
            | Spelling::Hex
            | Spelling::Format(_)
            | Spelling::NumberAsText
            | Spelling::MarkedNumber(_)
            | Spelling::PaddedNumber(_) => value.to_string(),
        },
        Literal::Date(text) | Literal::Time(text) => match spelling {
            Spelling::Format(format) => in_format(literal, format).unwrap_or_else(|| json_text(text)),
            Spelling::Plain
            | Spelling::BooleanWords { .. }
            | Spelling::Hex
            | Spelling::NumberAsText
            | Spelling::MarkedNumber(_)
            | Spelling::PaddedNumber(_)
            | Spelling::AsNumber => json_text(text),
        },
    }
}

/// A day or time as JSON text in a format.
fn in_format(literal: &Literal, format: &str) -> Option<String> {
    let written = match literal {
        Literal::Date(text) => write_as(parse_date(text)?, format),
        Literal::Time(text) => write_as(parse_time(text)?, format),
        Literal::Text(_) | Literal::Number(_) | Literal::Boolean(_) => return None,
    };
    written.ok().map(|json| json.to_text())
}
