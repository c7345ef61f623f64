//! Looking into records: keys, paths, presence, sameness. Pure.
//!
//! In: JSON and paths with dots between steps. Out: texts, answers, records of their own. It never changes a record.

use mapwright_values::{Decimal, Json};

/// The values of these fields as text; `None` when one of them is missing or is no leaf.
pub(crate) fn fields_text(record: &Json<'_>, fields: &[&str]) -> Option<Vec<String>> {
    fields.iter().map(|field| leaf_text(step_into(record, field)?)).collect()
}

fn step_into<'j, 'r>(record: &'j Json<'r>, path: &str) -> Option<&'j Json<'r>> {
    path.split('.').try_fold(record, |at, step| at.get(step))
}

fn leaf_text(value: &Json<'_>) -> Option<String> {
    match value {
        Json::Text(text) | Json::Number(text) => Some(text.to_string()),
        Json::Boolean(value) => Some(value.to_string()),
        Json::Null | Json::List(_) | Json::Record(_) => None,
    }
}

/// Does the record hold all of these paths? A list holds a path when each of its elements does.
pub(crate) fn holds_all(record: &Json<'_>, paths: &[&str]) -> bool {
    paths.iter().all(|path| {
        let steps: Vec<&str> = path.split('.').collect();
        holds(record, &steps)
    })
}

fn holds(value: &Json<'_>, steps: &[&str]) -> bool {
    let Some((first, rest)) = steps.split_first() else { return true };
    match value {
        Json::Record(_) => value.get(first).is_some_and(|inner| holds(inner, rest)),
        Json::List(elements) => elements.iter().all(|element| holds(element, steps)),
        // A missing branch is answered as a whole.
        Json::Null => true,
        Json::Boolean(_) | Json::Number(_) | Json::Text(_) => false,
    }
}

/// The leaves at a path that are there.
pub(crate) fn leaves_there(record: &Json<'_>, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let steps: Vec<&str> = path.split('.').collect();
    collect(record, &steps, &mut |value| found.extend(leaf_text(value)));
    found
}

/// Hands out what stands at a path; answers whether every step was there.
fn collect<'j, 'r>(value: &'j Json<'r>, steps: &[&str], take: &mut impl FnMut(&'j Json<'r>)) -> bool {
    match (value, steps.split_first()) {
        (Json::List(elements), Some(_)) => {
            let mut all = true;
            for element in elements {
                all &= collect(element, steps, take);
            }
            all
        }
        (_, None) => {
            take(value);
            true
        }
        (Json::Record(_), Some((first, rest))) => value.get(first).is_some_and(|inner| collect(inner, rest, take)),
        (Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_), Some(_)) => false,
    }
}

/// Is what stands at these paths known of both records, and the same?
pub(crate) fn agrees(known: &Json<'_>, record: &Json<'_>, paths: &[&str]) -> bool {
    paths.iter().all(|path| {
        let steps: Vec<&str> = path.split('.').collect();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let told = collect(known, &steps, &mut |value| ours.push(value))
            && collect(record, &steps, &mut |value| theirs.push(value));
        told && ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(one, other)| same(one, other))
    })
}

/// Does what stands at these paths read the same in both? What is not there is nothing, as null is.
pub(crate) fn unchanged(before: &Json<'_>, after: &Json<'_>, paths: &[&str]) -> bool {
    paths.iter().all(|path| {
        let steps: Vec<&str> = path.split('.').collect();
        let (mut old, mut new) = (Vec::new(), Vec::new());
        collect(before, &steps, &mut |value| old.push(value));
        collect(after, &steps, &mut |value| new.push(value));
        old.retain(|value| !value.is_null());
        new.retain(|value| !value.is_null());
        old.len() == new.len() && old.iter().zip(&new).all(|(one, other)| same(one, other))
    })
}

/// The same value, however its digits are written; what is missing is the same as null.
fn same(one: &Json<'_>, other: &Json<'_>) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => {
            one == other || matches!((Decimal::parse(one), Decimal::parse(other)), (Ok(one), Ok(other)) if one == other)
        }
        (Json::List(ones), Json::List(others)) => {
            ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| same(one, other))
        }
        (Json::Record(_), Json::Record(_)) => holds_already(one, other) && holds_already(other, one),
        (Json::Null, Json::Null) => true,
        (Json::Boolean(one), Json::Boolean(other)) => one == other,
        (Json::Text(one), Json::Text(other)) => one == other,
        (_, _) => false,
    }
}

/// Would writing `wanted` change nothing of `current`? A list must hold the same elements, in whatever order.
pub(crate) fn holds_already(current: &Json<'_>, wanted: &Json<'_>) -> bool {
    match (current, wanted) {
        (Json::Record(_), Json::Record(members)) => {
            members.iter().all(|(name, value)| holds_already(current.get(name).unwrap_or(&Json::Null), value))
        }
        (Json::List(held), Json::List(wanted)) => {
            let mut left: Vec<&Json<'_>> = held.iter().collect();
            held.len() == wanted.len()
                && wanted.iter().all(|element| {
                    let place = left.iter().position(|candidate| holds_already(candidate, element));
                    place.map(|place| left.swap_remove(place)).is_some()
                })
        }
        (_, _) => same(current, wanted),
    }
}

/// The paths of a record's leaves, sorted, each once; lists are entered.
pub(crate) fn leaf_paths(record: &Json<'_>) -> Vec<String> {
    let mut paths = std::collections::BTreeSet::new();
    walk(record, "", &mut paths);
    paths.into_iter().collect()
}

fn walk(value: &Json<'_>, at: &str, paths: &mut std::collections::BTreeSet<String>) {
    match value {
        Json::Record(members) => {
            for (name, inner) in members {
                let path = if at.is_empty() { name.to_string() } else { format!("{at}.{name}") };
                walk(inner, &path, paths);
            }
        }
        Json::List(elements) if elements.iter().any(|element| matches!(element, Json::Record(_))) => {
            for element in elements {
                walk(element, at, paths);
            }
        }
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
            paths.insert(at.to_owned());
        }
    }
}

/// The record without what stands at these paths; through a list they lead to every element.
pub(crate) fn without<'r>(record: Json<'r>, paths: &[&str]) -> Json<'r> {
    let members = match record {
        Json::Record(members) => members,
        Json::List(elements) => {
            return Json::List(elements.into_iter().map(|element| without(element, paths)).collect());
        }
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) => return record,
    };
    let kept = members.into_iter().filter_map(|(name, value)| {
        if paths.iter().any(|path| *path == name) {
            return None;
        }
        let within: Vec<&str> =
            paths.iter().filter_map(|path| path.strip_prefix(name.as_ref())?.strip_prefix('.')).collect();
        let value = if within.is_empty() { value } else { without(value, &within) };
        Some((name, value))
    });
    Json::Record(kept.collect())
}

/// `base` with everything that `over` says in its place.
pub(crate) fn overlaid<'r>(base: Json<'r>, over: &Json<'r>) -> Json<'r> {
    match (base, over) {
        (Json::Record(mut members), Json::Record(new)) => {
            for (name, value) in new {
                match members.iter_mut().find(|(known, _)| known == name) {
                    Some((_, old)) => *old = overlaid(std::mem::replace(old, Json::Null), value),
                    None => members.push((name.clone(), value.clone())),
                }
            }
            Json::Record(members)
        }
        (_, over) => over.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_text_and_missing_ones_are_told() {
        let record = Json::parse(r#"{"a":{"b":7},"c":"x","d":null}"#).unwrap();
        assert_eq!(fields_text(&record, &["a.b", "c"]), Some(vec!["7".to_owned(), "x".to_owned()]));
        assert_eq!(fields_text(&record, &["d"]), None);
        assert_eq!(fields_text(&record, &["e"]), None);
    }

    #[test]
    fn what_is_held_already_needs_no_write() {
        let current = Json::parse(r#"{"name":"A","price":12.50,"tags":[{"k":1,"v":"x"},{"k":2,"v":"y"}]}"#).unwrap();
        for (wanted, held) in [
            (r#"{"name":"A"}"#, true),
            (r#"{"price":12.5}"#, true),
            (r#"{"price":"12.5"}"#, false),
            (r#"{"other":null}"#, true),
            (r#"{"name":"B"}"#, false),
            (r#"{"tags":[{"k":2},{"k":1,"v":"x"}]}"#, true),
            (r#"{"tags":[{"k":2}]}"#, false),
            (r#"{"tags":[{"k":2},{"k":2}]}"#, false),
        ] {
            assert_eq!(holds_already(&current, &Json::parse(wanted).unwrap()), held, "{wanted}");
        }
    }

    #[test]
    fn states_agree_where_both_are_known() {
        let known = Json::parse(r#"{"a":1.0,"lines":[{"n":1},{"n":2}]}"#).unwrap();
        let record = Json::parse(r#"{"a":1,"b":2,"lines":[{"n":1,"m":7},{"n":2}]}"#).unwrap();
        assert!(agrees(&known, &record, &["a", "lines.n"]));
        assert!(!agrees(&known, &record, &["b"]), "not known");
        assert!(!agrees(&known, &Json::parse(r#"{"a":1,"lines":[{"n":1}]}"#).unwrap(), &["lines.n"]));
        assert_eq!(leaves_there(&record, "lines.n"), ["1", "2"]);
        assert_eq!(leaves_there(&record, "lines.m"), ["7"]);
    }

    #[test]
    fn paths_are_cut_out_and_laid_over() {
        let record = || Json::parse(r#"{"a":1,"b":{"c":2,"d":3},"l":[{"e":4}],"f":[1]}"#).unwrap();
        assert_eq!(without(record(), &["a", "b.c"]).to_text(), r#"{"b":{"d":3},"l":[{"e":4}],"f":[1]}"#);
        assert_eq!(without(record(), &["b", "l.e", "f"]).to_text(), r#"{"a":1,"l":[{}]}"#);
        assert_eq!(leaf_paths(&record()), ["a", "b.c", "b.d", "f", "l.e"]);
        let over = Json::parse(r#"{"b":{"c":9},"g":1}"#).unwrap();
        assert_eq!(overlaid(record(), &over).to_text(), r#"{"a":1,"b":{"c":9,"d":3},"l":[{"e":4}],"f":[1],"g":1}"#);
    }

    #[test]
    fn lists_hold_a_path_when_every_element_does() {
        let record = Json::parse(r#"{"lines":[{"n":1},{"n":2}],"other":[{"n":1},{}]}"#).unwrap();
        assert!(holds_all(&record, &["lines.n"]));
        assert!(!holds_all(&record, &["other.n"]));
    }
}
