//! A group that is none.

use mapwright_syntax::tree::Name;
use mapwright_syntax::{Diagnostic, Span};

/// `grouped by` something else than a field of the rows.
pub(crate) fn ungroupable(span: Span, name: &str, deleted: bool) -> Diagnostic {
    let headline = if deleted {
        "records that are gone cannot be grouped: only their keys are known".to_owned()
    } else {
        format!("rows are grouped by a single value of theirs, and this is no field of `{name}`")
    };
    Diagnostic::error("E0340", span, headline)
        .help(format!("name the field that is the same in all rows of a group: `{name}.FIELD`"))
}

/// `grouped by` a field that a row may lack.
pub(crate) fn group_may_be_missing(name: &Name) -> Diagnostic {
    Diagnostic::error(
        "E0340",
        name.span,
        format!("`{}` may be missing, and such a row would belong to no group", name.text),
    )
    .help("group by a field that every row has")
}
