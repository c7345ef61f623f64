//! What is different between two JSON trees. In: what was expected, what came out. Out: one line a difference, by path.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use mapwright_values::Json;
use mapwright_values::decimal::Decimal;
use mapwright_values::fault::shortened;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where, elements counted from 1 (`DocumentLines[2].UnitPrice`); empty = the whole outcome.
    pub path: String,
    /// `expected 5, got 5.1`.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { out.write_str(&self.what) } else { write!(out, "{}: {}", self.path, self.what) }
    }
}

/// Every difference between two outcomes as `outcome_json` writes them, in the order of the expected one.
#[must_use]
pub fn differences(expected: &Json<'_>, got: &Json<'_>) -> Vec<Difference> {
    let mut found = Vec::new();
    match (kind(expected), kind(got)) {
        (Some((wanted, Json::List(records))), Some((came, Json::List(others))))
            if wanted == came && wanted == "mapped" =>
        {
            // A single record needs no `mapped[1].` before every path.
            match (records.as_slice(), others.as_slice()) {
                ([record], [other]) => compare(&mut found, "", record, other),
                (_, _) => compare(&mut found, "mapped", &Json::List(records.clone()), &Json::List(others.clone())),
            }
        }
        (Some((wanted, content)), Some((came, other))) if wanted == came => compare(&mut found, wanted, content, other),
        (_, Some((came, content))) => found.push(Difference {
            path: String::new(),
            what: format!("expected {}, got {}", described(expected), said(came, content)),
        }),
        (_, None) => compare(&mut found, "", expected, got),
    }
    found
}

/// The one member of an outcome: `mapped`, `rejected`, `skipped`, `waiting`.
fn kind<'j, 'r>(outcome: &'j Json<'r>) -> Option<(&'j str, &'j Json<'r>)> {
    let Json::Record(members) = outcome else { return None };
    let (name, content) = members.first()?;
    Some((name.as_ref(), content))
}

fn described(expected: &Json<'_>) -> String {
    match kind(expected) {
        Some((name @ ("mapped" | "rejected" | "skipped" | "waiting"), content)) => said(name, content),
        Some(_) | None => "something that is neither `mapped`, `rejected`, `skipped` nor `waiting`".to_owned(),
    }
}

fn said(kind: &str, content: &Json<'_>) -> String {
    match (kind, content) {
        ("mapped", Json::List(records)) if records.len() == 1 => "a mapped record".to_owned(),
        ("mapped", Json::List(records)) => format!("{} mapped records", records.len()),
        ("rejected", Json::List(reasons)) => {
            let reasons: Vec<String> = reasons.iter().map(reason).collect();
            format!("a rejection: {}", reasons.join("; "))
        }
        ("skipped", Json::Text(reason)) => format!("a record skipped as \"{reason}\""),
        (other, content) => format!("`{other}` {}", shortened(content)),
    }
}

fn reason(rejection: &Json<'_>) -> String {
    let text = |name: &str| match rejection.get(name) {
        Some(Json::Text(text)) => text.to_string(),
        Some(_) | None => String::new(),
    };
    let field = text("field");
    if field.is_empty() { text("reason") } else { format!("{field}: {}", text("reason")) }
}

fn compare(found: &mut Vec<Difference>, path: &str, expected: &Json<'_>, got: &Json<'_>) {
    match (expected, got) {
        (Json::Record(members), Json::Record(others)) => compare_records(found, path, members, others),
        (Json::List(elements), Json::List(others)) => {
            if elements.len() != others.len() {
                let what = format!("expected {}, got {}", counted(elements.len()), counted(others.len()));
                found.push(Difference { path: path.to_owned(), what });
            }
            for (index, (element, other)) in elements.iter().zip(others).enumerate() {
                compare(found, &format!("{path}[{}]", index + 1), element, other);
            }
        }
        (expected, got) if same_leaf(expected, got) => {}
        (expected, got) => {
            let what = format!("expected {}, got {}", shortened(expected), shortened(got));
            found.push(Difference { path: path.to_owned(), what });
        }
    }
}

type Members<'r> = [(Cow<'r, str>, Json<'r>)];

fn compare_records(found: &mut Vec<Difference>, path: &str, members: &Members<'_>, others: &Members<'_>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for (name, value) in members {
        match others.iter().find(|(other, _)| other == name) {
            Some((_, other)) => compare(found, &below(name), value, other),
            None => found.push(Difference {
                path: below(name),
                what: format!("expected {}, but the field is left out", shortened(value)),
            }),
        }
    }
    for (name, value) in others.iter().filter(|(name, _)| members.iter().all(|(known, _)| known != name)) {
        found.push(Difference { path: below(name), what: format!("not expected, got {}", shortened(value)) });
    }
}

fn counted(elements: usize) -> String {
    if elements == 1 { "1 element".to_owned() } else { format!("{elements} elements") }
}

/// Numbers are the same if their values are: `5` is what `5.00` says.
pub(super) fn same_leaf(one: &Json<'_>, other: &Json<'_>) -> bool {
    match (one, other) {
        (Json::Number(digits), Json::Number(others)) => {
            digits == others
                || matches!((Decimal::from_str(digits), Decimal::from_str(others)), (Ok(a), Ok(b)) if a == b)
        }
        (one, other) => one == other,
    }
}
