//! Putting values where the manifest wants them: body, query, headers, variables, arguments. Pure.

use mapwright_manifest::{Join, Place, TemplatedFilters, Tree};
use mapwright_values::Json;

use crate::template::{Scope, Unfilled, plain};

/// Values and their places.
pub(crate) type Placed = Vec<(Place, Json<'static>)>;

/// Trees, filled in, with their places; one that is a missing optional value is left out.
///
/// # Errors
/// A value is missing.
pub(crate) fn filled(trees: &[(Place, Tree)], scope: &Scope<'_>) -> Result<Placed, Unfilled> {
    let mut placed = Vec::new();
    for (place, tree) in trees {
        placed.extend(scope.tree(tree)?.map(|value| (place.clone(), value)));
    }
    Ok(placed)
}

/// Terms as one value: a list, one map, or one text.
pub(crate) fn joined(terms: Vec<Json<'static>>, join: &Join) -> Json<'static> {
    match join {
        Join::List => Json::List(terms),
        Join::Merge => {
            let mut members = Vec::new();
            for term in terms {
                if let Json::Record(more) = term {
                    members.extend(more);
                }
            }
            Json::Record(members)
        }
        Join::Text(between) => Json::text(terms.iter().map(plain).collect::<Vec<_>>().join(between)),
    }
}

/// The terms of a condition as the manifest wants them, in their place.
pub(crate) fn conditions(terms: Vec<Json<'static>>, forms: &TemplatedFilters) -> (Place, Json<'static>) {
    let whole = joined(terms, &forms.join);
    let whole = if forms.as_json { Json::text(whole.to_text()) } else { whole };
    (forms.into.clone(), whole)
}

/// Puts a value into a tree at a path, making the objects on the way.
pub(crate) fn put(body: &mut Json<'static>, path: &[String], value: Json<'static>) {
    let Some((first, rest)) = path.split_first() else {
        *body = value;
        return;
    };
    if !matches!(body, Json::Record(_)) {
        *body = Json::Record(Vec::new());
    }
    let Json::Record(members) = body else { return };
    match members.iter_mut().find(|(name, _)| name == first) {
        Some((_, member)) => put(member, rest, value),
        None => {
            let mut member = Json::Null;
            put(&mut member, rest, value);
            members.push((first.clone().into(), member));
        }
    }
}

/// Query values: one, or a map of them; a list is a parameter that comes again.
pub(crate) fn query(name: Option<&str>, value: &Json<'_>) -> Vec<(String, String)> {
    match (name, value) {
        (None, Json::Record(members)) => members.iter().flat_map(|(name, value)| query(Some(name), value)).collect(),
        (Some(name), Json::List(items)) => items.iter().map(|item| (name.to_owned(), plain(item))).collect(),
        (Some(name), value) => vec![(name.to_owned(), plain(value))],
        (None, _) => Vec::new(),
    }
}
