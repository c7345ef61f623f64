//! A `find` that asks for nothing.

use mapwright_syntax::{Diagnostic, Span};

use crate::ir::EntityRef;

/// The system can be asked by none of its conditions.
pub(crate) fn unasked_find(span: Span, entity: &EntityRef, able: &[String]) -> Diagnostic {
    let headline = format!("`{}.{}` cannot be asked by any of these conditions", entity.system, entity.entity);
    let fault = Diagnostic::error("E0317", span, headline);
    if able.is_empty() {
        fault.help("compare one of its fields with a value: `x.FIELD == VALUE`")
    } else {
        fault.help(format!("compare one of {} with a value", able.join(", ")))
    }
}

/// A link needs exactly one key field.
pub(crate) fn link_without_key(span: Span, entity: &EntityRef, count: usize) -> Diagnostic {
    Diagnostic::error(
        "E0317",
        span,
        format!("`{}.{}` has {count} key fields: a link needs exactly one", entity.system, entity.entity),
    )
}
