//! GraphQL: which fields to ask for, and lists that come in pages of their own. In: the catalogue's fields and the used
//! paths. Out: the fragment `Record`; a record with its lists as lists. Pure.

use indexmap::IndexMap;
use mapwright_manifest::At;
use mapwright_values::Json;
use mapwright_values::plan::{FieldPlan, Kind};

use crate::fields::members;

/// The name under which a document asks for the used fields.
const FRAGMENT: &str = "...Record";

/// Where a nested list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct More {
    /// Path of the list in the record.
    pub(crate) path: String,
    /// The cursor after which it goes on.
    pub(crate) cursor: String,
}

/// Paths, each with its types and the fields that only these have.
type Types = IndexMap<String, IndexMap<String, Vec<(String, At)>>>;

/// What the manifest says of an entity's inner records.
#[derive(Clone, Copy)]
pub(crate) struct Nested<'e> {
    /// Paths of lists that come in pages of their own.
    pub(crate) connections: &'e IndexMap<String, u64>,
    /// Paths of records of several types, and the fields that one type alone has.
    pub(crate) types: &'e Types,
}

/// The used fields of a type, as a fragment. `after` = only this list, from there on.
pub(crate) fn fragment(
    kind: &str,
    fields: &[FieldPlan],
    select: &[String],
    nested: Nested<'_>,
    after: Option<&More>,
) -> String {
    let mut text = format!("fragment Record on {kind} ");
    match after {
        Some(more) => {
            text.push_str("{ ");
            if let Some(field) = fields.iter().find(|field| field.name == more.path) {
                selected(field, &more.path, &[], nested, Some(&more.cursor), &mut text);
            }
            text.push('}');
        }
        None => selection(fields, "", select, nested, &mut text),
    }
    text
}

/// A document with its fragment, where it asks for one.
pub(crate) fn document(text: &str, fragment: Option<&str>) -> String {
    match fragment {
        Some(fragment) if text.contains(FRAGMENT) => format!("{text}\n{fragment}"),
        Some(_) | None => text.to_owned(),
    }
}

fn selection(fields: &[FieldPlan], above: &str, select: &[String], nested: Nested<'_>, text: &mut String) {
    text.push_str("{ ");
    let before = text.len();
    let listed = |wanted: &dyn Fn(&str) -> bool, text: &mut String| {
        for field in fields.iter().filter(|field| wanted(field.name)) {
            let path = if above.is_empty() { field.name.to_owned() } else { format!("{above}.{}", field.name) };
            if is_used(&path, select) {
                selected(field, &path, select, nested, None, text);
            }
        }
    };
    let types = nested.types.get(above);
    let of_one_type = |name: &str| types.is_some_and(|types| types.values().flatten().any(|(own, _)| own == name));
    listed(&|name| !of_one_type(name), text);
    for (kind, own) in types.into_iter().flatten() {
        let mut inner = String::new();
        listed(&|name| own.iter().any(|(own, _)| own == name), &mut inner);
        if !inner.is_empty() {
            text.push_str(&format!("... on {kind} {{ {inner}}} "));
        }
    }
    // An empty selection is no GraphQL; every type has this one.
    if text.len() == before {
        text.push_str("__typename ");
    }
    text.push('}');
}

/// Is the path used, on the way to a used one, or below one?
fn is_used(path: &str, select: &[String]) -> bool {
    let leads = |from: &str, to: &str| to.strip_prefix(from).is_some_and(|rest| rest.starts_with('.'));
    select.is_empty() || select.iter().any(|used| used == path || leads(path, used) || leads(used, path))
}

fn selected(
    field: &FieldPlan,
    path: &str,
    select: &[String],
    nested: Nested<'_>,
    after: Option<&str>,
    text: &mut String,
) {
    text.push_str(field.name);
    let inner = members(&field.kind);
    match (nested.connections.get(path), inner) {
        (Some(page), Some(inner)) => {
            // The cursor came from the server and is written as a GraphQL string, which is spelled as JSON's.
            let after = after.map(|cursor| format!(", after: {}", Json::text(cursor.to_owned()).to_text()));
            text.push_str(&format!("(first: {page}{}) {{ edges {{ node ", after.unwrap_or_default()));
            selection(inner, path, select, nested, text);
            text.push_str(" } pageInfo { hasNextPage endCursor } } ");
        }
        (None, Some(inner)) => {
            text.push(' ');
            selection(inner, path, select, nested, text);
            text.push(' ');
        }
        (_, None) => text.push(' '),
    }
}

/// The record with its connections as lists, and the lists of which there is more.
///
/// # Errors
/// A list within a list has more than was asked for: it cannot be read on.
pub(crate) fn flattened(
    record: Json<'static>,
    fields: &[FieldPlan],
    connections: &IndexMap<String, u64>,
) -> Result<(Json<'static>, Vec<More>), String> {
    let mut more = Vec::new();
    let record = flat(record, fields, "", false, connections, &mut more)?;
    Ok((record, more))
}

fn flat(
    value: Json<'static>,
    fields: &[FieldPlan],
    above: &str,
    in_list: bool,
    connections: &IndexMap<String, u64>,
    more: &mut Vec<More>,
) -> Result<Json<'static>, String> {
    let Json::Record(all) = value else { return Ok(value) };
    let mut shaped = Vec::with_capacity(all.len());
    for (name, value) in all {
        let path = if above.is_empty() { name.clone().into_owned() } else { format!("{above}.{name}") };
        let field = fields.iter().find(|field| field.name == name);
        let inner = field.and_then(|field| members(&field.kind)).unwrap_or(&[]);
        let in_list_here = in_list || field.is_some_and(|field| matches!(field.kind, Kind::List(_)));
        let value = match (connections.contains_key(&path), value) {
            (true, Json::Record(parts)) => {
                if let Some(cursor) = goes_on(&Json::Record(parts.clone())) {
                    if in_list {
                        return Err(format!(
                            "`{path}` holds more than is read at once: raise its `page` in the manifest"
                        ));
                    }
                    more.push(More { path: path.clone(), cursor });
                }
                nodes(Json::Record(parts))
            }
            (_, value) => value,
        };
        let value = match value {
            Json::List(items) => Json::List(
                items
                    .into_iter()
                    .map(|item| flat(item, inner, &path, in_list_here, connections, more))
                    .collect::<Result<_, _>>()?,
            ),
            record @ Json::Record(_) => flat(record, inner, &path, in_list, connections, more)?,
            leaf @ (Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_)) => leaf,
        };
        shaped.push((name, value));
    }
    Ok(Json::Record(shaped))
}

/// The cursor after which a connection goes on.
fn goes_on(connection: &Json<'_>) -> Option<String> {
    let info = connection.get("pageInfo")?;
    match (info.get("hasNextPage"), info.get("endCursor")) {
        (Some(Json::Boolean(true)), Some(Json::Text(cursor))) => Some(cursor.as_ref().to_owned()),
        (_, _) => None,
    }
}

fn nodes(connection: Json<'static>) -> Json<'static> {
    let Json::Record(members) = connection else { return connection };
    let mut found = Vec::new();
    for (name, value) in members {
        match (name.as_ref(), value) {
            ("nodes", Json::List(items)) => found.extend(items),
            ("edges", Json::List(edges)) => {
                found.extend(edges.into_iter().filter_map(|edge| match edge {
                    Json::Record(parts) => parts.into_iter().find(|(name, _)| name == "node").map(|(_, node)| node),
                    Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => None,
                }));
            }
            (_, _) => {}
        }
    }
    Json::List(found)
}

/// The items of one list added to those of a record at a path.
pub(crate) fn appended(record: &mut Json<'static>, path: &str, items: Vec<Json<'static>>) {
    let mut steps = path.split('.');
    let first = steps.next().unwrap_or(path);
    let rest = steps.collect::<Vec<_>>().join(".");
    let Json::Record(members) = record else { return };
    let Some((_, value)) = members.iter_mut().find(|(name, _)| name == first) else { return };
    match value {
        Json::List(known) if rest.is_empty() => known.extend(items),
        value if !rest.is_empty() => appended(value, &rest, items),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn field(name: &'static str, kind: Kind) -> FieldPlan {
        FieldPlan::new(name, kind).optional()
    }

    const MONEY: Kind = Kind::Record(&[field("amount", Kind::Text(None)), field("currencyCode", Kind::Text(None))]);
    const LINES: Kind = Kind::List(&Kind::Record(&[field("sku", Kind::Text(None)), field("price", MONEY)]));
    const ORDER: &[FieldPlan] =
        &[field("id", Kind::Text(None)), field("name", Kind::Text(None)), field("lines", LINES)];

    fn connections() -> IndexMap<String, u64> {
        [("lines".to_owned(), 2)].into()
    }

    #[test]
    fn a_field_that_one_type_alone_has_is_asked_of_that_type() {
        const BUYER: Kind = Kind::Record(&[
            field("__typename", Kind::Text(None)),
            field("email", Kind::Text(None)),
            field("company", Kind::Record(&[field("name", Kind::Text(None))])),
        ]);
        const OF_SEVERAL: &[FieldPlan] = &[field("id", Kind::Text(None)), field("buyer", BUYER)];
        let own = |name: &str| vec![(name.to_owned(), At::default())];
        let of = [("Customer".to_owned(), own("email")), ("PurchasingCompany".to_owned(), own("company"))];
        let types = [("buyer".to_owned(), of.into())].into();
        let nested = Nested { connections: &IndexMap::new(), types: &types };
        assert_eq!(
            fragment("Order", OF_SEVERAL, &[], nested, None),
            "fragment Record on Order { id buyer { __typename ... on Customer { email } \
             ... on PurchasingCompany { company { name } } } }"
        );
        let select = ["buyer.company.name".to_owned()];
        assert_eq!(
            fragment("Order", OF_SEVERAL, &select, nested, None),
            "fragment Record on Order { buyer { ... on PurchasingCompany { company { name } } } }"
        );
    }

    #[test]
    fn only_what_is_used_is_asked_for() {
        let select = ["id".to_owned(), "lines.price.amount".to_owned()];
        let nested = Nested { connections: &connections(), types: &IndexMap::new() };
        assert_eq!(
            fragment("Order", ORDER, &select, nested, None),
            "fragment Record on Order { id lines(first: 2) { edges { node { price { amount } } } \
             pageInfo { hasNextPage endCursor } } }"
        );
        let more = More { path: "lines".into(), cursor: "a\"b".into() };
        assert!(fragment("Order", ORDER, &[], nested, Some(&more)).contains("(first: 2, after: \"a\\\"b\")"));
        assert_eq!(document("{ shop { name } }", Some("fragment")), "{ shop { name } }");
    }

    #[test]
    fn connections_become_lists() {
        let text =
            r#"{"id":"1","lines":{"edges":[{"node":{"sku":"a"}}],"pageInfo":{"hasNextPage":true,"endCursor":"c"}}}"#;
        let record = Json::parse(text).unwrap().into_owned();
        let (mut record, more) = flattened(record, ORDER, &connections()).unwrap();
        assert_eq!(record.to_text(), r#"{"id":"1","lines":[{"sku":"a"}]}"#);
        assert_eq!(more, [More { path: "lines".into(), cursor: "c".into() }]);
        appended(&mut record, "lines", vec![Json::text("b")]);
        assert_eq!(record.to_text(), r#"{"id":"1","lines":[{"sku":"a"},"b"]}"#);
    }
}
