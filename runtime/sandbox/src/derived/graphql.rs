//! GraphQL, the service's side, as far as manifests ask: one document an operation, the fragment `Record` with the wanted fields,
//! nested lists in pages. In: a document and a record. Out: the record as the document asks for it. Pure.

use indexmap::IndexMap;
use mapwright_manifest::Operation;
use mapwright_values::Json;

use super::reply::Reply;
use super::tree::{Names, Value, items, members, number, plain, put};

/// How deep selections may be nested.
const DEPTH_MAX: usize = 32;

/// The first field of a document: `orders` of `query(...) { orders(...) { ... } }`.
pub(crate) fn root_field(document: &str) -> &str {
    let inner = document.split_once('{').map_or("", |(_, inner)| inner).trim_start();
    let end = inner.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(inner.len());
    inner.get(..end).unwrap_or_default()
}

/// A selected field, or the fields of one type (`... on TYPE { }`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Chosen {
    /// The field's name, or the type's.
    name: String,
    of_type: bool,
    first: Option<usize>,
    after: Option<String>,
    inner: Vec<Chosen>,
}

/// The record as the fragment `Record` of the document asks for it.
pub(crate) fn chosen(document: &str, connections: &IndexMap<String, u64>, record: Value) -> Value {
    let Some((_, fragment)) = document.split_once("fragment Record on ") else { return record };
    let Some(place) = fragment.find('{') else { return record };
    let mut letters = fragment.get(place + 1..).unwrap_or_default().chars().peekable();
    let fields = selection(&mut letters, 0);
    shaped(&fields, "", connections, &record)
}

fn shaped(fields: &[Chosen], above: &str, connections: &IndexMap<String, u64>, record: &Value) -> Value {
    let mut shown = Json::Record(Vec::new());
    for field in fields {
        let kind = record.get("__typename");
        if field.name == "__typename" {
            put(&mut shown, &["__typename"], kind.cloned().unwrap_or_else(|| Json::text("Record")));
            continue;
        }
        if field.of_type {
            if kind.is_none_or(|kind| plain(kind) == field.name) {
                for (name, value) in members(&shaped(&field.inner, above, connections, record)) {
                    put(&mut shown, &[name], value.clone());
                }
            }
            continue;
        }
        let path = if above.is_empty() { field.name.clone() } else { format!("{above}.{}", field.name) };
        let value = record.get(&field.name).unwrap_or(&Json::Null);
        let whole = |inner: &[Chosen], value: &Value| {
            if inner.is_empty() { value.clone() } else { shaped(inner, &path, connections, value) }
        };
        let value = match (connections.contains_key(&path), value) {
            (true, list) => connection(field, list, &|inner, value| whole(inner, value)),
            (false, Json::List(list)) => Json::List(list.iter().map(|item| whole(&field.inner, item)).collect()),
            (false, Json::Null) => Json::Null,
            (false, value) => whole(&field.inner, value),
        };
        put(&mut shown, &[&field.name], value);
    }
    shown
}

/// A list as edges and the place where it goes on.
fn connection(field: &Chosen, list: &Value, whole: &dyn Fn(&[Chosen], &Value) -> Value) -> Value {
    let node = field.inner.iter().find(|inner| inner.name == "edges").and_then(|edges| edges.inner.first());
    let inner = node.map_or(&[][..], |node| node.inner.as_slice());
    let all = items(list);
    let from = field.after.as_deref().and_then(|after| after.parse::<usize>().ok()).unwrap_or(0);
    let size = field.first.unwrap_or(usize::MAX);
    let edges: Vec<Value> =
        all.iter().skip(from).take(size).map(|item| Json::Record(vec![("node".into(), whole(inner, item))])).collect();
    let end = from.saturating_add(edges.len());
    let page =
        vec![("hasNextPage".into(), Json::Boolean(end < all.len())), ("endCursor".into(), Json::text(end.to_string()))];
    Json::Record(vec![("edges".into(), Json::List(edges)), ("pageInfo".into(), Json::Record(page))])
}

type Letters<'l> = std::iter::Peekable<std::str::Chars<'l>>;

/// The fields up to the closing brace.
fn selection(letters: &mut Letters<'_>, depth: usize) -> Vec<Chosen> {
    let mut fields: Vec<Chosen> = Vec::new();
    let mut name = String::new();
    let mut spread = false;
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter.is_alphanumeric() || letter == '_' => name.push(letter),
            _ => {
                if !name.is_empty() {
                    // `... on TYPE`: the word before is none of the fields.
                    let of_type = spread && fields.pop_if(|last| last.name == "on").is_some();
                    spread = spread && !of_type;
                    fields.push(Chosen { name: std::mem::take(&mut name), of_type, ..Chosen::default() });
                }
                spread |= letter == '.';
                match letter {
                    '}' => return fields,
                    '{' if depth < DEPTH_MAX => {
                        let inner = selection(letters, depth + 1);
                        if let Some(field) = fields.last_mut() {
                            field.inner = inner;
                        }
                    }
                    '(' => {
                        let arguments: String = letters.by_ref().take_while(|letter| *letter != ')').collect();
                        if let Some(field) = fields.last_mut() {
                            for argument in arguments.split(',') {
                                match argument.split_once(':').map(|(name, value)| (name.trim(), value.trim())) {
                                    Some(("first", value)) => field.first = value.parse().ok(),
                                    Some(("after", value)) => field.after = Some(value.trim_matches('"').to_owned()),
                                    Some(_) | None => {}
                                }
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    fields
}

/// What every list of a connection carries, empty ones too, and the price of the request.
pub(crate) fn wrap(operation: &Operation, names: Names<'_>, reply: &mut Reply) {
    let mut body = reply.body.take().unwrap_or(Json::Record(Vec::new()));
    if body.get("data").is_none() && operation.document.is_some() {
        put(&mut body, &["data", names.any, "edges"], Json::List(Vec::new()));
    }
    let bucket = vec![
        ("maximumAvailable".into(), number(2000)),
        ("currentlyAvailable".into(), number(1900)),
        ("restoreRate".into(), number(100)),
    ];
    let cost = vec![("requestedQueryCost".into(), number(10)), ("throttleStatus".into(), Json::Record(bucket))];
    put(&mut body, &["extensions", "cost"], Json::Record(cost));
    reply.body = Some(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_comes_lists_in_pages() {
        let document = "query($id: ID!) { node(id: $id) { ...Record } }\nfragment Record on Order { id name \
                        lineItems(first: 1, after: \"1\") { edges { node { sku } } pageInfo { hasNextPage endCursor } } money { amount } }";
        assert_eq!(root_field(document), "node");
        let record = Json::parse(
            r#"{"id":"1","name":"A","x":2,"lineItems":[{"sku":"a","q":1},{"sku":"b"},{"sku":"c"}],"money":{"amount":"1.00","c":"EUR"}}"#,
        );
        let connections: IndexMap<String, u64> = [("lineItems".to_owned(), 1)].into_iter().collect();
        let shown = chosen(document, &connections, record.unwrap().into_owned());
        assert_eq!(
            shown.to_text(),
            r#"{"id":"1","name":"A","lineItems":{"edges":[{"node":{"sku":"b"}}],"pageInfo":{"hasNextPage":true,"endCursor":"2"}},"money":{"amount":"1.00"}}"#
        );
    }
    #[test]
    fn fields_of_one_type_come_of_a_record_of_that_type() {
        let document = "{ node { ...Record } }\nfragment Record on Order { id buyer { __typename ... on Customer { email } \
                        ... on Company { name } } }";
        let shown =
            |record: &str| chosen(document, &IndexMap::new(), Json::parse(record).unwrap().into_owned()).to_text();
        assert_eq!(
            shown(r#"{"id":"1","buyer":{"__typename":"Company","email":"a@b.example","name":"A"}}"#),
            r#"{"id":"1","buyer":{"__typename":"Company","name":"A"}}"#
        );
        assert_eq!(
            shown(r#"{"id":"1","buyer":{"email":"a@b.example","name":"A"}}"#),
            r#"{"id":"1","buyer":{"__typename":"Record","email":"a@b.example","name":"A"}}"#
        );
    }
}
