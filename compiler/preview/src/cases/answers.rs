//! `references.json`: what a case's references find. In: its JSON. Out: answers to [`Reference`]s, or the JSON that is missing.

use std::borrow::Cow;

use mapwright_values::{Find, Json, Link, Reference, Resolved, Term, Test};

use super::difference::same_leaf;
use super::outcome::member;
use crate::pretty::pretty;

/// Everything that a case says about references.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    finds: Vec<FindAnswer>,
    links: Vec<(Link, Option<String>)>,
}

#[derive(Clone, Debug)]
struct FindAnswer {
    system: String,
    entity: String,
    conditions: Vec<(String, Test, Json<'static>)>,
    records: Vec<Json<'static>>,
}

/// The words of a comparison; an equality is written as the bare value.
const TESTS: &[(&str, Test)] = &[
    ("ne", Test::Ne),
    ("lt", Test::Lt),
    ("le", Test::Le),
    ("gt", Test::Gt),
    ("ge", Test::Ge),
    ("in", Test::In),
    ("missing", Test::Missing),
];

impl Answers {
    /// Reads the list in `references.json`.
    ///
    /// # Errors
    /// One sentence that names the entry at fault.
    pub fn read(json: &Json<'_>) -> Result<Answers, String> {
        let Json::List(entries) = json else {
            return Err("references.json: must be a list of { \"find\": ... } and { \"linked\": ... }".to_owned());
        };
        let mut answers = Answers::default();
        for (index, entry) in entries.iter().enumerate() {
            answers.add(entry).map_err(|fault| format!("references.json, entry {}: {fault}", index + 1))?;
        }
        Ok(answers)
    }

    fn add(&mut self, entry: &Json<'_>) -> Result<(), String> {
        if entry.get("find").is_some() {
            known_members(entry, &["find", "where", "records"])?;
            let (system, entity) = path(entry, "find")?;
            let records = match entry.get("records") {
                Some(Json::List(records)) => records.iter().cloned().map(Json::into_owned).collect(),
                Some(_) | None => return Err("`records` must be the list of records found".to_owned()),
            };
            self.finds.push(FindAnswer { system, entity, conditions: conditions(entry.get("where"))?, records });
            return Ok(());
        }
        known_members(entry, &["linked", "of", "key", "is"])?;
        let (system, entity) = path(entry, "linked")?;
        let (of_system, of_entity) = path(entry, "of")?;
        let key = key_text(entry.get("key")).ok_or("`key` must be the source record's key as text")?;
        let is = match entry.get("is") {
            Some(Json::Null) => None,
            value @ (Some(_) | None) => Some(key_text(value).ok_or("`is` must be the target's key as text, or null")?),
        };
        self.links.push((Link { system, entity, of_system, of_entity, key }, is));
        Ok(())
    }

    /// What the case says about a reference.
    #[must_use]
    pub fn get(&self, reference: &Reference) -> Option<Resolved> {
        match reference {
            Reference::Find(find) => {
                let answer = self.finds.iter().find(|answer| answer.fits(find))?;
                Some(Resolved::Found(answer.records.clone()))
            }
            Reference::Link(link) => {
                let (_, is) = self.links.iter().find(|(known, _)| known == link)?;
                Some(Resolved::Linked(is.clone()))
            }
        }
    }

    /// What to say of references that the case does not answer, with the JSON to add.
    #[must_use]
    pub fn missing(references: &[Reference]) -> String {
        let mut said = String::from("references.json does not answer what the mapping asks for; add to its list:");
        for reference in references {
            said.push('\n');
            said.push_str(pretty(&with_answer(reference)).trim_end());
            if let Reference::Find(find) = reference {
                let fields = find.select.join(", ");
                said.push_str(&format!("\n(each record found holds: {fields})"));
            }
        }
        said
    }
}

impl FindAnswer {
    fn fits(&self, find: &Find) -> bool {
        self.system == find.system
            && self.entity == find.entity
            && self.conditions.len() == find.terms.len()
            && find.terms.iter().all(|term| self.holds(term))
    }

    fn holds(&self, term: &Term) -> bool {
        let Ok(value) = Json::parse(&term.value) else { return false };
        self.conditions.iter().any(|(field, test, known)| {
            *field == term.field && *test == term.test && (*test == Test::Missing || same(known, &value))
        })
    }
}

fn same(one: &Json<'_>, other: &Json<'_>) -> bool {
    match (one, other) {
        (Json::List(elements), Json::List(others)) => {
            elements.len() == others.len() && elements.iter().zip(others).all(|(one, other)| same(one, other))
        }
        (one, other) => same_leaf(one, other),
    }
}

/// `{ "ItemCode": "X", "Price": { "gt": 5 } }`.
fn conditions(json: Option<&Json<'_>>) -> Result<Vec<(String, Test, Json<'static>)>, String> {
    let Some(Json::Record(members)) = json else {
        return Err("`where` must be a record, such as { \"ItemCode\": \"X\" }".to_owned());
    };
    let mut found = Vec::new();
    for (field, value) in members {
        match value {
            Json::Record(tests) => {
                for (word, value) in tests {
                    let words: Vec<&str> = TESTS.iter().map(|(word, _)| *word).collect();
                    let Some((_, test)) = TESTS.iter().find(|(known, _)| known == word) else {
                        return Err(format!("`{word}` is no comparison; there are {}", words.join(", ")));
                    };
                    found.push((field.to_string(), *test, value.clone().into_owned()));
                }
            }
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
                found.push((field.to_string(), Test::Eq, value.clone().into_owned()));
            }
        }
    }
    Ok(found)
}

fn known_members(entry: &Json<'_>, known: &[&str]) -> Result<(), String> {
    let Json::Record(members) = entry else { return Err("must be a record".to_owned()) };
    match members.iter().find(|(name, _)| !known.contains(&name.as_ref())) {
        Some((name, _)) => Err(format!("`{name}` means nothing here; an entry has {}", known.join(", "))),
        None => Ok(()),
    }
}

/// `erp.Items`.
fn path(entry: &Json<'_>, name: &str) -> Result<(String, String), String> {
    let text = match entry.get(name) {
        Some(Json::Text(text)) => text.as_ref(),
        Some(_) | None => "",
    };
    let (system, entity) =
        text.split_once('.').ok_or_else(|| format!("`{name}` must name an entity, such as \"erp.Items\""))?;
    Ok((system.to_owned(), entity.to_owned()))
}

fn key_text(json: Option<&Json<'_>>) -> Option<String> {
    match json? {
        Json::Text(text) => Some(text.to_string()),
        Json::Number(digits) => Some(digits.to_string()),
        Json::Null | Json::Boolean(_) | Json::List(_) | Json::Record(_) => None,
    }
}

/// A reference as `references.json` and `expected.json` write it, without its answer.
#[must_use]
pub fn reference_json(reference: &Reference) -> Json<'static> {
    Json::Record(match reference {
        Reference::Find(find) => vec![
            member("find", Json::text(format!("{}.{}", find.system, find.entity))),
            member("where", where_json(&find.terms)),
        ],
        Reference::Link(link) => vec![
            member("linked", Json::text(format!("{}.{}", link.system, link.entity))),
            member("of", Json::text(format!("{}.{}", link.of_system, link.of_entity))),
            member("key", Json::text(link.key.clone())),
        ],
    })
}

fn with_answer(reference: &Reference) -> Json<'static> {
    let Json::Record(mut members) = reference_json(reference) else { return Json::Null };
    members.push(match reference {
        Reference::Find(_) => member("records", Json::List(Vec::new())),
        Reference::Link(_) => member("is", Json::Null),
    });
    Json::Record(members)
}

fn where_json(terms: &[Term]) -> Json<'static> {
    let mut fields: Vec<(Cow<'static, str>, Json<'static>)> = Vec::new();
    for term in terms {
        let value = Json::parse(&term.value).map_or_else(|_| Json::text(term.value.clone()), Json::into_owned);
        let Some((word, _)) = TESTS.iter().find(|(_, test)| *test == term.test) else {
            fields.push((Cow::Owned(term.field.clone()), value));
            continue;
        };
        let value = if term.test == Test::Missing { Json::Boolean(true) } else { value };
        match fields.iter_mut().find(|(field, _)| *field == term.field) {
            Some((_, Json::Record(tests))) => tests.push(member(word, value)),
            Some(_) | None => fields.push((Cow::Owned(term.field.clone()), Json::Record(vec![member(word, value)]))),
        }
    }
    Json::Record(fields)
}
