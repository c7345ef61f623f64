//! A look-up of records that belong to others, without what leads to these.

use mapwright_syntax::{Diagnostic, Span};

use crate::ir::EntityRef;

/// The connector reaches such records only beneath the one that they belong to.
pub(crate) fn unled_look_up(span: Span, entity: &EntityRef, field: &str) -> Diagnostic {
    let headline =
        format!("`{}.{}` can be asked only beneath the record that it belongs to", entity.system, entity.entity);
    Diagnostic::error("E0514", span, headline).help(format!("ask by `{field}` as well: the other conditions may stay"))
}
