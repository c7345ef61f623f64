//! Looking into records: keys, paths, presence. Pure.
//!
//! In: JSON and paths with dots between steps. Out: texts. It never changes a record.

use mapwright_values::Json;

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
    fn lists_hold_a_path_when_every_element_does() {
        let record = Json::parse(r#"{"lines":[{"n":1},{"n":2}],"other":[{"n":1},{}]}"#).unwrap();
        assert!(holds_all(&record, &["lines.n"]));
        assert!(!holds_all(&record, &["other.n"]));
    }
}
