//! Spellings in a JSON body. In: terms, used paths, a manifest's forms. Out: trees and where they go. Pure.

use std::collections::BTreeMap;

use mapwright_manifest::{Entity, TemplatedFilters, Tree, comparison};
use mapwright_values::{Json, Term, Test};

use crate::template::{Scope, Unfilled};

/// The list of conditions, each in the manifest's form.
pub(crate) fn filter(
    terms: &[Term],
    forms: &TemplatedFilters,
    scope: &Scope<'_>,
) -> Result<Vec<Json<'static>>, Unfilled> {
    let halt = |message: String| Unfilled { class: mapwright_engine::connector::Class::Halt, message };
    let mut list = Vec::with_capacity(terms.len());
    for term in terms {
        let Some(form) = forms.forms.get(comparison(term.test)) else {
            return Err(halt(format!("the manifest cannot spell `{}`", comparison(term.test))));
        };
        let value = Json::parse(&term.value)
            .map_err(|fault| halt(format!("the value for `{}` is not JSON: {fault}", term.field)))?
            .into_owned();
        let field = Json::text(term.field.clone());
        let name = if term.test == Test::In { "values" } else { "value" };
        let mut roots = scope.roots.to_vec();
        roots.push(("field", &field));
        roots.push((name, &value));
        list.extend(Scope { roots: &roots, ..*scope }.tree(form)?);
    }
    Ok(list)
}

/// The order of rows, each entry in the manifest's form.
pub(crate) fn sort(fields: &[String], form: &Tree, scope: &Scope<'_>) -> Result<Vec<Json<'static>>, Unfilled> {
    let mut list = Vec::with_capacity(fields.len());
    for field in fields {
        let field = Json::text(field.clone());
        let mut roots = scope.roots.to_vec();
        roots.push(("field", &field));
        list.extend(Scope { roots: &roots, ..*scope }.tree(form)?);
    }
    Ok(list)
}

#[derive(Default)]
struct Association(BTreeMap<String, Association>);

/// The associations that the used paths need, nested: exactly the declared paths that are on the way to a used one.
pub(crate) fn associations(paths: &[String], entity: &Entity, nest: &str) -> Option<Json<'static>> {
    let mut root = Association::default();
    for path in paths {
        let mut steps: Vec<&str> = Vec::new();
        for step in path.split('.') {
            steps.push(step);
            let prefix = steps.join(".");
            let expandable = entity.expand.iter().any(|(known, _)| {
                *known == prefix || known.strip_prefix(&prefix).is_some_and(|rest| rest.starts_with('.'))
            });
            if !expandable {
                break;
            }
            steps.iter().fold(&mut root, |node, step| node.0.entry((*step).to_owned()).or_default());
        }
    }
    if root.0.is_empty() { None } else { Some(nested(&root, nest)) }
}

fn nested(node: &Association, nest: &str) -> Json<'static> {
    Json::Record(
        node.0
            .iter()
            .map(|(name, below)| {
                let inner = if below.0.is_empty() {
                    Json::Record(Vec::new())
                } else {
                    Json::Record(vec![(nest.to_owned().into(), nested(below, nest))])
                };
                (name.clone().into(), inner)
            })
            .collect(),
    )
}

/// Puts a value into a body at a path, making the objects on the way.
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
