//! Small work on JSON trees: reading and writing by path, texts of leaves. Pure.

use std::borrow::Cow;

use mapwright_manifest::SelectorStep;
use mapwright_values::Json;

/// A value that we own.
pub(crate) type Value = Json<'static>;

/// A leaf as text; records and lists as JSON.
pub(crate) fn plain(value: &Json<'_>) -> String {
    match value {
        Json::Text(text) => text.as_ref().to_owned(),
        Json::Number(digits) => digits.as_ref().to_owned(),
        Json::Null => String::new(),
        Json::Boolean(_) | Json::List(_) | Json::Record(_) => value.to_text(),
    }
}

/// A text as the leaf that it looks like: digits, `true`, `false`, `null`, else itself.
pub(crate) fn leaf(text: &str) -> Value {
    match Json::parse(text) {
        Ok(value @ (Json::Number(_) | Json::Boolean(_) | Json::Null)) => value.into_owned(),
        Ok(Json::Text(_) | Json::List(_) | Json::Record(_)) | Err(_) => Json::text(text.to_owned()),
    }
}

/// A whole number.
pub(crate) fn number(value: impl std::fmt::Display) -> Value {
    Json::Number(value.to_string().into())
}

/// The members of a record.
pub(crate) fn members<'v, 'j>(value: &'v Json<'j>) -> &'v [(Cow<'j, str>, Json<'j>)] {
    match value {
        Json::Record(members) => members,
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => &[],
    }
}

/// The items of a list; a lone value is a list of one, nothing is an empty one.
pub(crate) fn items<'v, 'j>(value: &'v Json<'j>) -> Vec<&'v Json<'j>> {
    match value {
        Json::List(items) => items.iter().collect(),
        Json::Null => Vec::new(),
        Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Record(_) => vec![value],
    }
}

/// Every value at a dotted path; lists on the way are entered.
pub(crate) fn at_all<'v, 'j>(record: &'v Json<'j>, path: &str) -> Vec<&'v Json<'j>> {
    path.split('.').fold(vec![record], |found, step| {
        found
            .into_iter()
            .flat_map(|value| match value {
                Json::List(items) => items.iter().collect(),
                Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Record(_) => vec![value],
            })
            .filter_map(|value| value.get(step))
            .collect()
    })
}

/// The value at a dotted path through records; null is none.
pub(crate) fn at<'v, 'j>(record: &'v Json<'j>, path: &str) -> Option<&'v Json<'j>> {
    path.split('.').try_fold(record, |value, step| value.get(step)).filter(|value| !value.is_null())
}

/// Puts a value at a path of names, making records on the way.
pub(crate) fn put(root: &mut Value, path: &[&str], value: Value) {
    match path.split_first() {
        Some((first, rest)) => within(root, first, |member| put(member, rest, value)),
        None => *root = value,
    }
}

/// Takes a member out of a record.
pub(crate) fn take(root: &mut Value, name: &str) -> Option<Value> {
    match root {
        Json::Record(members) => {
            let place = members.iter().position(|(known, _)| known == name)?;
            Some(members.remove(place).1)
        }
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => None,
    }
}

/// Changes the member of that name, made if it is not there; what is no record becomes one.
fn within(root: &mut Value, name: &str, change: impl FnOnce(&mut Value)) {
    let mut members = match std::mem::replace(root, Json::Null) {
        Json::Record(members) => members,
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => Vec::new(),
    };
    match members.iter_mut().find(|(known, _)| known == name) {
        Some((_, member)) => change(member),
        None => {
            let mut member = Json::Null;
            change(&mut member);
            members.push((name.to_owned().into(), member));
        }
    }
    *root = Json::Record(members);
}

/// The list that a value is, taken out of its place.
fn list_out_of(root: &mut Value) -> Vec<Value> {
    match std::mem::replace(root, Json::Null) {
        Json::List(list) => list,
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Record(_) => Vec::new(),
    }
}

/// Names that steps need and do not tell themselves.
#[derive(Clone, Copy)]
pub(crate) struct Names<'n> {
    /// What `*` stands for.
    pub(crate) any: &'n str,
    /// The entity's own entries.
    pub(crate) entity: &'n Json<'static>,
}

/// Puts values where a selector would find them: at the first `[]` all of them, without one the first.
pub(crate) fn select_into(root: &mut Value, steps: &[SelectorStep], values: Vec<Value>, names: Names<'_>) {
    let Some((first, rest)) = steps.split_first() else {
        if let Some(value) = values.into_iter().next() {
            *root = value;
        }
        return;
    };
    match first {
        SelectorStep::Member(name) => within(root, name, |member| select_into(member, rest, values, names)),
        SelectorStep::Any => within(root, names.any, |member| select_into(member, rest, values, names)),
        SelectorStep::EntityMember(own) => {
            let name = names.entity.get(own).map(plain).unwrap_or_default();
            let path: Vec<SelectorStep> = name.split('.').map(|step| SelectorStep::Member(step.to_owned())).collect();
            let whole: Vec<SelectorStep> = path.into_iter().chain(rest.iter().cloned()).collect();
            select_into(root, &whole, values, names);
        }
        SelectorStep::Each => {
            let mut list = list_out_of(root);
            for (index, value) in values.into_iter().enumerate() {
                if list.len() <= index {
                    list.push(Json::Null);
                }
                if let Some(item) = list.get_mut(index) {
                    select_into(item, rest, vec![value], names);
                }
            }
            *root = Json::List(list);
        }
        SelectorStep::Item(index) => {
            let mut list = list_out_of(root);
            while list.len() <= *index {
                list.push(Json::Record(Vec::new()));
            }
            if let Some(item) = list.get_mut(*index) {
                select_into(item, rest, values, names);
            }
            *root = Json::List(list);
        }
    }
}

/// What a selector finds in a tree.
pub(crate) fn walk<'v>(root: &'v Value, steps: &[SelectorStep], names: Names<'_>) -> Vec<&'v Value> {
    let mut found = vec![root];
    for step in steps {
        found = match step {
            SelectorStep::Member(name) => found.into_iter().filter_map(|value| value.get(name)).collect(),
            SelectorStep::Any => {
                found.into_iter().filter_map(|value| members(value).first().map(|(_, value)| value)).collect()
            }
            SelectorStep::EntityMember(own) => {
                let name = names.entity.get(own).map(plain).unwrap_or_default();
                let follow = |value: &'v Value| name.split('.').try_fold(value, |value, step| value.get(step));
                found.into_iter().filter_map(follow).collect()
            }
            SelectorStep::Each => found.into_iter().flat_map(items).collect(),
            SelectorStep::Item(index) => {
                found.into_iter().filter_map(|value| items(value).into_iter().nth(*index)).collect()
            }
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use mapwright_manifest::Selector;

    use super::*;

    #[test]
    fn a_selector_finds_what_was_put_where_it_looks() {
        let entity = Json::Null;
        let names = Names { any: "orders", entity: &entity };
        for text in ["body.value[]", "body[]", "body.data.*.edges[].node", "body.a[0].b", "body[\"@x\"]"] {
            let selector = Selector::parse(text).unwrap();
            let mut root = Json::Null;
            select_into(&mut root, &selector.steps, vec![number(1), number(2)], names);
            let found = walk(&root, &selector.steps, names);
            let expected = if text.contains("[]") { 2 } else { 1 };
            assert_eq!((found.len(), found[0]), (expected, &number(1)), "{text}: {root}");
        }
    }

    #[test]
    fn leaves_look_like_what_they_are() {
        assert_eq!(leaf("1.50"), Json::Number("1.50".into()));
        assert_eq!(leaf("true"), Json::Boolean(true));
        assert_eq!(leaf("007"), Json::text("007"));
    }
}
