//! An answer, and reading it by selectors and conditions. In: status, headers, body. Out: selected values, and what was
//! expected but is not so. Decides nothing about classes.

use std::borrow::Cow;

use mapwright_manifest::{
    Codec, Condition, Driver, Manifest, Matcher, Operation, Selector, SelectorRoot, SelectorStep,
};
use mapwright_values::Json;

use crate::{codec, multipart, soap};

use crate::template::{Scope, plain};

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case, in the order of the answer.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Why the body's letters cannot be trusted.
    pub(crate) misspelt: Option<String>,
}

impl Answer {
    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of a cookie that the answer sets, however oddly: without a path, with a trailing semicolon,
    /// or several cookies in one header.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .filter(|(known, _)| known == "set-cookie")
            .flat_map(|(_, value)| value.split([';', ',']))
            .filter_map(|piece| piece.trim().split_once('='))
            .find(|(known, _)| known.trim() == name)
            .map(|(_, value)| value.trim())
    }

    /// Does it hold a page for people?
    pub(crate) fn is_html(&self) -> bool {
        let start = self.body.trim_start();
        let looks_so = start.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype html"))
            || start.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("<html"));
        looks_so || (start.starts_with('<') && self.header("content-type").is_some_and(|kind| kind.contains("html")))
    }

    /// The body as JSON.
    pub(crate) fn read_json(&self) -> ReadAnswer<'_> {
        let text = self.body.trim_start_matches('\u{feff}');
        let (json, malformed) = match (Json::parse(text), &self.misspelt) {
            _ if text.trim().is_empty() => (None, None),
            (Ok(_), Some(misspelt)) => (None, Some(misspelt.clone())),
            (Ok(json), None) => (Some(json), None),
            (Err(malformed), _) => (None, Some(format!("the body is not JSON: {malformed}"))),
        };
        ReadAnswer { answer: self, format: Format::Json, json, malformed, decoded: None }
    }

    /// The body as a tree, and the document that the operation finds in it.
    pub(crate) fn read(&self, manifest: &Manifest, operation: Option<&Operation>) -> ReadAnswer<'_> {
        let text = self.body.trim_start_matches('\u{feff}');
        let format = Format::of(manifest);
        let parts = self.header("content-type").and_then(multipart::boundary);
        let parsed = match (format, parts) {
            (_, Some(boundary)) => multipart::read(text, boundary),
            (Format::Json | Format::Graphql, None) => Json::parse(text).map_err(|malformed| malformed.to_string()),
            (Format::Soap, None) => soap::read(text),
            (Format::Coded, None) => codec::decode(&manifest.codec, text),
        };
        let (json, malformed) = match (parsed, &self.misspelt) {
            _ if text.trim().is_empty() => (None, None),
            (Ok(_), Some(misspelt)) => (None, Some(misspelt.clone())),
            (Ok(json), None) => (Some(json), None),
            (Err(malformed), _) => (None, Some(format!("the body is not {}: {malformed}", format.word()))),
        };
        let mut read = ReadAnswer { answer: self, format, json, malformed, decoded: None };
        if let Some(operation) = operation.filter(|operation| !operation.decode.is_empty())
            && let Some(text) = read.text(&operation.decode, &Json::Null).filter(|text| !text.trim().is_empty())
        {
            match codec::decode(&manifest.codec, &text) {
                Ok(decoded) => read.decoded = Some(decoded),
                Err(malformed) => {
                    let place = operation.decode.first().map_or("", |selector| selector.text.as_str());
                    read.malformed = Some(format!("the document at `{place}` cannot be read: {malformed}"));
                }
            }
        }
        read
    }
}

/// What a body is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON.
    Json,
    /// JSON as GraphQL answers it.
    Graphql,
    /// A SOAP envelope.
    Soap,
    /// As the codec says.
    Coded,
}

impl Format {
    fn of(manifest: &Manifest) -> Self {
        match (&manifest.codec, manifest.driver) {
            (_, Driver::Soap) => Self::Soap,
            (_, Driver::Graphql) => Self::Graphql,
            (Codec::Xml(_) | Codec::NamedXml(_) | Codec::Csv { .. } | Codec::Hook(_), _) => Self::Coded,
            (Codec::Json(_), _) => Self::Json,
        }
    }

    /// For messages.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Json | Self::Graphql => "JSON",
            Self::Soap => "SOAP",
            Self::Coded => "as the codec says",
        }
    }
}

/// An answer with its body as a tree.
pub(crate) struct ReadAnswer<'a> {
    pub(crate) answer: &'a Answer,
    pub(crate) format: Format,
    /// `None` = no body, or none that can be read.
    pub(crate) json: Option<Json<'a>>,
    /// Why a body cannot be read, as a sentence.
    pub(crate) malformed: Option<String>,
    /// The document within the body (`decode`).
    pub(crate) decoded: Option<Json<'static>>,
}

impl<'a> ReadAnswer<'a> {
    /// Everything that a selector finds; `entity` = the entries that `body[entity.key]` may name.
    pub(crate) fn select<'b>(&'b self, selector: &Selector, entity: &Json<'_>) -> Vec<Cow<'b, Json<'b>>> {
        let first = match selector.steps.first() {
            Some(SelectorStep::Member(name)) => name.as_str(),
            Some(SelectorStep::EntityMember(_) | SelectorStep::Each | SelectorStep::Item(_) | SelectorStep::Any)
            | None => "",
        };
        let lone = match self.format {
            Format::Json | Format::Graphql => Lone::None,
            Format::Soap | Format::Coded => Lone::Item,
        };
        let found: Vec<Cow<'b, Json<'b>>> = match selector.root {
            SelectorRoot::Body => match &self.json {
                Some(json) => walk_by(json, &selector.steps, entity, lone).into_iter().map(Cow::Borrowed).collect(),
                None => Vec::new(),
            },
            SelectorRoot::Decoded => match &self.decoded {
                Some(json) => walk_by(json, &selector.steps, entity, lone).into_iter().map(Cow::Borrowed).collect(),
                None => Vec::new(),
            },
            SelectorRoot::Header => owned(self.answer.header(first)),
            SelectorRoot::Cookie => owned(self.answer.cookie(first)),
            SelectorRoot::Status => vec![Cow::Owned(Json::Number(self.answer.status.to_string().into()))],
            // These belong to webhooks and batches.
            SelectorRoot::Record | SelectorRoot::Each | SelectorRoot::Query | SelectorRoot::Form => Vec::new(),
        };
        if selector.count {
            return vec![Cow::Owned(Json::Number(count(&found).to_string().into()))];
        }
        found
    }

    /// What the first selector that finds something finds.
    pub(crate) fn select_first<'b>(&'b self, selectors: &[Selector], entity: &Json<'_>) -> Vec<Cow<'b, Json<'b>>> {
        selectors
            .iter()
            .map(|selector| self.select(selector, entity))
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }

    /// The first leaf that one of the selectors finds, as text.
    pub(crate) fn text(&self, selectors: &[Selector], entity: &Json<'_>) -> Option<String> {
        self.texts(selectors, entity).into_iter().next()
    }

    /// The leaves that the first selector with a leaf finds, as texts; objects and nulls do not count.
    pub(crate) fn texts(&self, selectors: &[Selector], entity: &Json<'_>) -> Vec<String> {
        selectors
            .iter()
            .map(|selector| {
                let found = self.select(selector, entity);
                found.iter().filter_map(|value| leaf(value)).collect::<Vec<String>>()
            })
            .find(|texts| !texts.is_empty())
            .unwrap_or_default()
    }

    /// The first condition that does not hold, in words.
    pub(crate) fn unmet(&self, conditions: &[Condition], scope: &Scope<'_>, entity: &Json<'_>) -> Option<String> {
        conditions.iter().find_map(|condition| {
            let found = self.select(&condition.subject, entity);
            let found: Vec<&Json<'_>> = found.iter().map(AsRef::as_ref).collect();
            (!holds(&condition.matcher, &found, scope)).then(|| {
                let is = found.first().map_or_else(|| "absent".to_owned(), |value| shortened(&plain(value), 80));
                format!("`{}` is {is}", condition.subject.text)
            })
        })
    }
}

fn owned<'b>(value: Option<&str>) -> Vec<Cow<'b, Json<'b>>> {
    value.map(|value| Cow::Owned(Json::text(value.to_owned()))).into_iter().collect()
}

/// How many a selection holds: the items of a list, or the values found.
fn count(found: &[Cow<'_, Json<'_>>]) -> usize {
    match found {
        [one] => match one.as_ref() {
            Json::List(items) => items.len(),
            Json::Null => 0,
            Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Record(_) => 1,
        },
        several => several.len(),
    }
}

/// Do the values found meet the expectation? Of several values one is enough.
pub(crate) fn holds(matcher: &Matcher, found: &[&Json<'_>], scope: &Scope<'_>) -> bool {
    let has_content = |value: &&Json<'_>| match value {
        Json::Null => false,
        Json::Text(text) => !text.is_empty(),
        Json::List(items) => !items.is_empty(),
        Json::Record(members) => !members.is_empty(),
        Json::Boolean(_) | Json::Number(_) => true,
    };
    match matcher {
        Matcher::Present => found.iter().any(|value| !value.is_null()),
        Matcher::Absent => found.iter().all(|value| value.is_null()),
        Matcher::Empty => !found.iter().any(has_content),
        Matcher::NotEmpty => found.iter().any(has_content),
        Matcher::AnyOf(expected) => found.iter().filter_map(|value| leaf(value)).any(|text| {
            expected.iter().any(|expected| expected.is(&text, |template| scope.text(template).ok().flatten()))
        }),
        Matcher::Table { of, rows } => {
            let record = scope.roots.iter().find(|(name, _)| *name == "record").map(|(_, value)| *value);
            let by = record.and_then(|record| of.iter().try_fold(record, |value, step| value.get(step))).map(plain);
            let expected = rows.iter().find(|(value, _)| Some(value) == by.as_ref()).map(|(_, expected)| expected);
            found.iter().filter_map(|value| leaf(value)).any(|text| Some(&text) == expected)
        }
    }
}

/// A leaf as text.
pub(crate) fn leaf(value: &Json<'_>) -> Option<String> {
    match value {
        Json::Text(_) | Json::Number(_) | Json::Boolean(_) => Some(plain(value)),
        // An XML element with attributes: its text is the leaf.
        Json::Record(_) => value.get("#text").map(plain),
        Json::Null | Json::List(_) => None,
    }
}

/// Follows steps through a tree.
pub(crate) fn walk<'b>(json: &'b Json<'b>, steps: &[SelectorStep], entity: &Json<'_>) -> Vec<&'b Json<'b>> {
    walk_by(json, steps, entity, Lone::None)
}

/// What a value is where a list was expected: XML cannot tell one item from a list of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lone {
    /// No list.
    None,
    /// A list of one.
    Item,
}

fn walk_by<'b>(json: &'b Json<'b>, steps: &[SelectorStep], entity: &Json<'_>, lone: Lone) -> Vec<&'b Json<'b>> {
    let mut found = vec![json];
    for step in steps {
        found = match step {
            SelectorStep::Member(name) => found.into_iter().filter_map(|value| value.get(name)).collect(),
            SelectorStep::EntityMember(own) => {
                // A key within a nested record is a path.
                let name = entity.get(own).map(plain).unwrap_or_default();
                let follow = |value: &'b Json<'b>| name.split('.').try_fold(value, |value, step| value.get(step));
                found.into_iter().filter_map(follow).collect()
            }
            SelectorStep::Each => found.into_iter().flat_map(|value| items(value, lone)).collect(),
            SelectorStep::Item(index) => {
                let index = *index;
                found.into_iter().filter_map(|value| items(value, lone).into_iter().nth(index)).collect()
            }
            SelectorStep::Any => found.into_iter().filter_map(first_member).collect(),
        };
    }
    found
}

fn items<'b>(value: &'b Json<'b>, lone: Lone) -> Vec<&'b Json<'b>> {
    match (value, lone) {
        (Json::List(items), _) => items.iter().collect(),
        (Json::Record(_), Lone::Item) => vec![value],
        (Json::Text(text), Lone::Item) if !text.trim().is_empty() => vec![value],
        (Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Record(_), _) => Vec::new(),
    }
}

fn first_member<'b>(value: &'b Json<'b>) -> Option<&'b Json<'b>> {
    match value {
        Json::Record(members) => members.first().map(|(_, value)| value),
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => None,
    }
}

/// A dotted path of a record; lists on the way are entered.
pub(crate) fn path_values<'b>(record: &'b Json<'b>, path: &str) -> Vec<&'b Json<'b>> {
    path.split('.').fold(vec![record], |found, step| {
        found
            .into_iter()
            .flat_map(|value| match value {
                Json::List(items) => items.iter().filter_map(|item| item.get(step)).collect::<Vec<_>>(),
                Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Record(_) => {
                    value.get(step).into_iter().collect()
                }
            })
            .collect()
    })
}

/// The text, cut for a message.
pub(crate) fn shortened(text: &str, characters_max: usize) -> String {
    let cut: String = text.chars().take(characters_max).collect();
    if cut.len() < text.len() { format!("{cut}...") } else { cut }
}
