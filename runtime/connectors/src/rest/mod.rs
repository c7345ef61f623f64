//! Spellings in a JSON body. In: terms, used paths, a manifest's forms. Out: trees and where they go. Pure.

use std::collections::BTreeMap;

use mapwright_manifest::{Entity, FieldFilter, TemplatedFilters, Tree, comparison};
use mapwright_values::{Json, Term, Test};

use crate::places::Placed;
use crate::template::{Scope, Unfilled};

/// The list of conditions, each in the manifest's form; `part` = a field and how it begins.
pub(crate) fn filter(
    terms: &[Term],
    part: Option<(&str, &str)>,
    forms: &TemplatedFilters,
    scope: &Scope<'_>,
) -> Result<Vec<Json<'static>>, Unfilled> {
    let scope = &Scope { quote: forms.quote.as_ref(), ..*scope };
    let mut list = Vec::with_capacity(terms.len());
    if let Some((field, beginning)) = part {
        let Some(form) = forms.forms.get("prefix") else {
            return Err(halt("`partition` needs a filter for `prefix`".to_owned()));
        };
        let (field, value) = (Json::text(field.to_owned()), Json::text(beginning.to_owned()));
        let index = Json::Number(terms.len().to_string().into());
        let mut roots = scope.roots.to_vec();
        roots.extend([("field", &field), ("value", &value), ("index", &index)]);
        list.extend(Scope { roots: &roots, ..*scope }.tree(form)?);
    }
    for (index, term) in terms.iter().enumerate() {
        let index = Json::Number(index.to_string().into());
        let value = value_of(term)?;
        let (form, name, value) = match (forms.forms.get(comparison(term.test)), term.test) {
            (Some(form), Test::In) => {
                // Where `in` is spelled as alternatives, each is spelled as `eq`.
                let between = forms.any.as_deref().unwrap_or(" OR ");
                let terms = match forms.forms.get("eq") {
                    Some(eq) => alternatives(&term.field, &value, eq, between, scope)?,
                    None => Json::Null,
                };
                list.extend(spelled(form, &[("values", &value), ("terms", &terms), ("index", &index)], term, scope)?);
                continue;
            }
            (Some(form), _) => (form, "value", value),
            (None, _) => return Err(halt(format!("the manifest cannot spell `{}`", comparison(term.test)))),
        };
        list.extend(spelled(form, &[(name, &value), ("index", &index)], term, scope)?);
    }
    Ok(list)
}

fn halt(message: String) -> Unfilled {
    Unfilled { class: mapwright_engine::connector::Class::Halt, message }
}

fn value_of(term: &Term) -> Result<Json<'static>, Unfilled> {
    match Json::parse(&term.value) {
        Ok(value) => Ok(value.into_owned()),
        Err(fault) => Err(halt(format!("the value for `{}` is not JSON: {fault}", term.field))),
    }
}

fn spelled(
    form: &Tree,
    values: &[(&str, &Json<'static>)],
    term: &Term,
    scope: &Scope<'_>,
) -> Result<Option<Json<'static>>, Unfilled> {
    let field = Json::text(term.field.clone());
    let mut roots = scope.roots.to_vec();
    roots.push(("field", &field));
    roots.extend(values.iter().copied());
    Scope { roots: &roots, ..*scope }.tree(form)
}

/// `sku:'A' OR sku:'B'`.
fn alternatives(
    field: &str,
    values: &Json<'static>,
    eq: &Tree,
    between: &str,
    scope: &Scope<'_>,
) -> Result<Json<'static>, Unfilled> {
    let field = Json::text(field.to_owned());
    let mut texts = Vec::new();
    for value in crate::fields::list_items(values) {
        let mut roots = scope.roots.to_vec();
        roots.push(("field", &field));
        roots.push(("value", value));
        let filled = Scope { roots: &roots, ..*scope }.tree(eq)?;
        texts.extend(filled.as_ref().map(crate::template::plain));
    }
    Ok(Json::text(texts.join(between)))
}

/// Conditions that have parameters of their own.
pub(crate) fn per_field(terms: &[Term], filters: &[FieldFilter], scope: &Scope<'_>) -> Result<Placed, Unfilled> {
    let mut placed = Vec::new();
    for term in terms {
        let filter = filters.iter().find(|filter| filter.field == term.field);
        let mut test = comparison(term.test);
        let mut value = value_of(term)?;
        let known = |word: &str| filter.and_then(|filter| filter.forms.get(word));
        // One value is a list of one, and a list of one is a value, where only the other is spelled.
        let mut form = known(test);
        match (form, term.test) {
            (None, Test::Eq) => {
                form = known("in");
                test = "in";
                value = Json::List(vec![value]);
            }
            (None, Test::In) if crate::fields::list_items(&value).len() == 1 => {
                form = known("eq");
                test = "eq";
                if let Json::List(items) = &mut value {
                    value = items.pop().unwrap_or(Json::Null);
                }
            }
            // The bound itself comes too: rows are compared again here.
            (None, Test::Le) => form = known("lt"),
            (None, Test::Gt) => form = known("ge"),
            (_, _) => {}
        }
        let Some(form) = form else {
            let words = format!("the manifest cannot spell `{}` for {}", comparison(term.test), term.field);
            return Err(halt(words));
        };
        let name = if test == "in" { "values" } else { "value" };
        let mut roots = scope.roots.to_vec();
        roots.push((name, &value));
        placed.extend(crate::places::filled(form, &Scope { roots: &roots, ..*scope })?);
    }
    Ok(placed)
}

/// The order of rows, each entry in the manifest's form.
pub(crate) fn sort(fields: &[String], form: &Tree, scope: &Scope<'_>) -> Result<Vec<Json<'static>>, Unfilled> {
    let mut list = Vec::with_capacity(fields.len());
    for (index, field) in fields.iter().enumerate() {
        let index = Json::Number(index.to_string().into());
        let field = Json::text(field.clone());
        let mut roots = scope.roots.to_vec();
        roots.push(("field", &field));
        roots.push(("index", &index));
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
