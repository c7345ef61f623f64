//! The keys of a delivery: what makes two captures one change, two attempts one create, two messages one sequence.
//!
//! In: systems, entities, ids, hashes. Out: texts. Pure. `create_key` holds no version: two versions of a new order
//! must not make two orders.

use sha2::{Digest, Sha256};

/// Longest text of a key, in bytes. An index of PostgreSQL takes rows of up to 2.6 kB, and some hold two keys; what is longer
/// in every store is a text and no key.
pub const KEY_MAX: usize = 500;

/// Is this text too long for a key?
#[must_use]
pub const fn is_too_long(key: &str) -> bool {
    key.len() > KEY_MAX
}

/// SHA-256 of the parts, each closed by its length so that no two lists of parts look alike; 32 hex digits of it.
#[must_use]
pub fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let mut text = String::with_capacity(32);
    for byte in hasher.finalize().iter().take(16) {
        text.push(hex_digit(byte >> 4));
        text.push(hex_digit(byte & 0x0f));
    }
    text
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

/// The text of a key: a single field as it is, several as a JSON list.
#[must_use]
pub fn key_text(fields: &[String]) -> String {
    match fields {
        [single] => single.clone(),
        several => serde_json::to_string(several).unwrap_or_default(),
    }
}

/// The fields of a key text.
#[must_use]
pub fn key_fields(text: &str, fields: usize) -> Vec<String> {
    if fields > 1
        && let Ok(several) = serde_json::from_str::<Vec<String>>(text)
        && several.len() == fields
    {
        return several;
    }
    vec![text.to_owned()]
}

/// One change of one record, as one flow sees it. `version` is the change stamp, or a counter where there is none.
#[must_use]
pub fn capture_key(flow: &str, system: &str, entity: &str, id: &str, version: &str, hash: &str) -> String {
    digest(&["capture", flow, system, entity, id, version, hash])
}

/// Source, target and operation of a write; the same in every attempt and for every version of the record.
#[derive(Clone, Copy, Debug)]
pub struct WriteKey<'a> {
    /// Source system and entity.
    pub source: (&'a str, &'a str),
    /// The source record's key.
    pub id: &'a str,
    /// Target system and entity.
    pub target: (&'a str, &'a str),
    /// `create`, `upsert`, `update`, `delete`, `act`.
    pub op: &'a str,
    /// The part's key where one record makes several.
    pub part: Option<&'a str>,
}

/// The key of a create.
#[must_use]
pub fn create_key(key: &WriteKey<'_>) -> String {
    digest(&[
        "create",
        key.source.0,
        key.source.1,
        key.id,
        key.target.0,
        key.target.1,
        key.op,
        key.part.unwrap_or_default(),
        if key.part.is_some() { "part" } else { "whole" },
    ])
}

/// The key of one version of an update.
#[must_use]
pub fn update_key(key: &WriteKey<'_>, version: &str) -> String {
    digest(&["update", &create_key(key), version])
}

/// What is kept in sequence: a source record on its way to one target entity.
#[must_use]
pub fn order_key(source: (&str, &str), id: &str, target: (&str, &str)) -> String {
    digest(&["order", source.0, source.1, id, target.0, target.1])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: WriteKey<'static> =
        WriteKey { source: ("shop", "order"), id: "1", target: ("erp", "Orders"), op: "create", part: None };

    #[test]
    fn a_part_has_a_key_of_its_own_even_when_its_name_is_empty() {
        assert_ne!(create_key(&KEY), create_key(&WriteKey { part: Some(""), ..KEY }));
        assert_ne!(create_key(&WriteKey { part: Some("a"), ..KEY }), create_key(&WriteKey { part: Some("b"), ..KEY }));
    }

    #[test]
    fn versions_share_the_create_key_and_differ_in_the_update_key() {
        assert_ne!(update_key(&KEY, "1"), update_key(&KEY, "2"));
        assert_eq!(create_key(&KEY).len(), 32);
    }

    #[test]
    fn parts_do_not_run_into_one_another() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }

    #[test]
    fn keys_of_one_and_of_several_fields_are_read_back() {
        for fields in [vec!["a".to_owned()], vec!["a".to_owned(), "b\"c".to_owned()]] {
            assert_eq!(key_fields(&key_text(&fields), fields.len()), fields);
        }
    }
}
