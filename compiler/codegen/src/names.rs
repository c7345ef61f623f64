//! Names of the spec as names of Rust.
//!
//! In: a name as an analyst wrote it (any letters, blanks in backticks, words that Rust keeps for itself). Out: an identifier that
//! reads like it. It never gives one name to two things of the same [`Scope`].

use std::collections::HashSet;

use proc_macro2::{Ident, Span};

/// Names that are taken in one stretch of generated code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    taken: HashSet<String>,
}

impl Scope {
    /// A scope in which these names are taken already.
    pub(crate) fn with<'n>(taken: impl IntoIterator<Item = &'n str>) -> Scope {
        Scope { taken: taken.into_iter().map(str::to_owned).collect() }
    }

    /// Takes a name for good: the wanted one, or that with as many `_` behind it as it needs to be new.
    pub(crate) fn take(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}

/// `shipTo`, `ship to`, `ShipTo` as `ship_to`.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before: Option<char> = None;
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        if !character.is_alphanumeric() {
            push_break(&mut out);
        } else if character.is_uppercase() {
            let after_small = before.is_some_and(|before| before.is_lowercase() || before.is_numeric());
            let ends_capitals =
                before.is_some_and(char::is_uppercase) && characters.peek().is_some_and(|next| next.is_lowercase());
            if after_small || ends_capitals {
                push_break(&mut out);
            }
            out.extend(character.to_lowercase());
        } else {
            out.push(character);
        }
        before = Some(character);
    }
    let trimmed = out.trim_end_matches('_');
    let starts_well = trimmed.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_');
    if starts_well { trimmed.to_owned() } else { format!("n{trimmed}") }
}

/// `erp.Orders.DocumentLines` as `ERP_ORDERS_DOCUMENT_LINES`.
pub(crate) fn shouting(name: &str) -> String {
    snake(name).to_uppercase()
}

fn push_break(out: &mut String) {
    if !out.is_empty() && !out.ends_with('_') {
        out.push('_');
    }
}

/// The identifier of a name that [`snake`], [`shouting`] or a [`Scope`] has made.
pub(crate) fn ident(name: &str) -> Ident {
    // Rust has no raw form of these four.
    if matches!(name, "self" | "super" | "crate" | "_") {
        return Ident::new(&format!("{name}_"), Span::call_site());
    }
    match syn::parse_str::<Ident>(name) {
        Ok(ident) => ident,
        Err(_) if syn::parse_str::<Ident>(&format!("r#{name}")).is_ok() => Ident::new_raw(name, Span::call_site()),
        // Letters that Rust does not take in a name (signs, digits of some scripts) are left out.
        Err(_) => {
            let plain: String =
                name.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '_').collect();
            Ident::new(&format!("n_{plain}"), Span::call_site())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_like_the_spec() {
        assert_eq!(snake("ship_to"), "ship_to");
        assert_eq!(snake("NumAtCard"), "num_at_card");
        assert_eq!(snake("ERPOrders"), "erp_orders");
        assert_eq!(snake("zip code"), "zip_code");
        assert_eq!(snake("größe"), "größe");
        assert_eq!(snake("2nd"), "n2nd");
        assert_eq!(snake("_"), "n");
        assert_eq!(shouting("erp.Orders.DocumentLines"), "ERP_ORDERS_DOCUMENT_LINES");
    }

    #[test]
    fn words_of_rust_become_raw() {
        assert_eq!(ident("type").to_string(), "r#type");
        assert_eq!(ident("self").to_string(), "self_");
        assert_eq!(ident("größe").to_string(), "größe");
        assert_eq!(ident("a²").to_string(), "n_a");
    }

    #[test]
    fn a_scope_gives_a_name_once() {
        let mut scope = Scope::with(["run"]);
        assert_eq!(scope.take("run"), "run_");
        assert_eq!(scope.take("run"), "run__");
        assert_eq!(scope.take("line"), "line");
    }
}
