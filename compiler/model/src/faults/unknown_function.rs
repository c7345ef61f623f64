//! A function that neither the library nor the project has.

use mapwright_syntax::Diagnostic;
use mapwright_syntax::tree::Name;
use mapwright_values::functions::{foreign_form, foreign_name, functions};
use mapwright_values::names::closest;

use super::did_you_mean;

/// `upcase(x)`.
pub(crate) fn unknown_function<'c>(name: &Name, rules: impl Iterator<Item = &'c str>) -> Diagnostic {
    let fault = Diagnostic::error("E0205", name.span, format!("there is no function or rule `{}`", name.text));
    if let Some(form) = foreign_form(&name.text) {
        return fault.help(form);
    }
    let found = foreign_name(&name.text).or_else(|| {
        closest(&name.text, rules.chain(functions().map(|function| function.name)).chain(["fit", "position"]))
    });
    did_you_mean(fault, name.span, found)
}
