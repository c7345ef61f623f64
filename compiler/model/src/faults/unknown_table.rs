//! A table that the project does not have.

use mapwright_syntax::Diagnostic;
use mapwright_syntax::tree::Name;
use mapwright_values::names::closest;

use super::did_you_mean;

/// `lookup vat_group(...)`.
pub(crate) fn unknown_table<'c>(name: &Name, tables: impl Iterator<Item = &'c str>) -> Diagnostic {
    let fault = Diagnostic::error("E0206", name.span, format!("there is no table `{}`", name.text));
    did_you_mean(fault, name.span, closest(&name.text, tables))
}
