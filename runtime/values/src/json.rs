//! JSON text as a borrowed tree: numbers keep their digits, strings borrow where they may.
//!
//! In: JSON text. Out: a tree, or where and why the text is malformed. Never panics, never rounds a number,
//! never lets one of two members of the same name win.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::{self, Write as _};

use serde::de::{self, MapAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::read::{Refused, read};
use crate::skip::{is_plain, plain};

/// How deep lists and objects may be nested.
pub const DEPTH_MAX: usize = 64;

/// Up to so many members, comparing each name with those before it is cheaper than hashing them.
const NAMES_COMPARED_MAX: usize = 24;

/// One JSON value. `'r` is the life of the text it was read from; a value that we made is `'static`.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'r> {
    /// `null`.
    Null,
    /// `true`, `false`.
    Boolean(bool),
    /// A number, digit by digit as it stood.
    Number(Cow<'r, str>),
    /// A string, unescaped.
    Text(Cow<'r, str>),
    /// A list.
    List(Vec<Json<'r>>),
    /// An object, members in order.
    Record(Vec<(Cow<'r, str>, Json<'r>)>),
}

/// Why a text is not JSON as we accept it, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (line {}, column {})", self.message, self.line, self.column)
    }
}

impl std::error::Error for Malformed {}

impl<'r> Json<'r> {
    /// Reads one JSON value; blanks around it are allowed.
    ///
    /// # Errors
    /// The text is not JSON, nests deeper than [`DEPTH_MAX`], or names a member twice.
    pub fn parse(text: &'r str) -> Result<Json<'r>, Malformed> {
        read(text).or_else(|Refused| Json::diagnosed(text))
    }

    /// Reads it once more, level by level and slowly, to say where and why it is not accepted.
    pub(crate) fn diagnosed(text: &'r str) -> Result<Json<'r>, Malformed> {
        let raw: &'r RawValue = serde_json::from_str(text).map_err(|error| located(text, text, &error))?;
        build(text, raw.get(), DEPTH_MAX)
    }

    /// A text value.
    pub fn text(value: impl Into<Cow<'r, str>>) -> Json<'r> {
        Json::Text(value.into())
    }

    /// The member of that name; `None` too when this is no record.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json<'r>> {
        match self {
            Json::Record(members) => {
                members.iter().find(|(member, _)| same(member.as_bytes(), name.as_bytes())).map(|(_, value)| value)
            }
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => None,
        }
    }

    /// Is this `null`?
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }

    /// The same value, independent of the text that it was read from.
    #[must_use]
    pub fn into_owned(self) -> Json<'static> {
        match self {
            Json::Null => Json::Null,
            Json::Boolean(value) => Json::Boolean(value),
            Json::Number(digits) => Json::Number(Cow::Owned(digits.into_owned())),
            Json::Text(text) => Json::Text(Cow::Owned(text.into_owned())),
            Json::List(elements) => Json::List(elements.into_iter().map(Json::into_owned).collect()),
            Json::Record(members) => Json::Record(
                members.into_iter().map(|(name, value)| (Cow::Owned(name.into_owned()), value.into_owned())).collect(),
            ),
        }
    }

    /// Compact JSON text: no blanks, members in order, numbers digit by digit.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = match self {
            Json::Text(text) => String::with_capacity(text.len() + 2),
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::List(_) | Json::Record(_) => String::new(),
        };
        self.write_to(&mut out);
        out
    }

    /// Appends the compact JSON text.
    pub fn write_to(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Number(digits) => out.push_str(digits),
            Json::Text(text) => push_text(out, text),
            Json::List(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    element.write_to(out);
                }
                out.push(']');
            }
            Json::Record(members) => {
                let mut before = "{";
                for (name, value) in members {
                    out.push_str(before);
                    push_text(out, name);
                    out.push(':');
                    value.write_to(out);
                    before = ",";
                }
                out.push_str(if members.is_empty() { "{}" } else { "}" });
            }
        }
    }

    /// What this is, in an analyst's words, with its article: "a text", "a record", "nothing".
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self {
            Json::Null => "nothing",
            Json::Boolean(_) => "true or false",
            Json::Number(_) => "a number",
            Json::Text(_) => "a text",
            Json::List(_) => "a list",
            Json::Record(_) => "a record",
        }
    }
}

/// Are these the same? For names, of which most are short: they are compared in words, of which the last may overlap the one before.
#[inline]
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    match (left.first_chunk::<8>(), right.first_chunk::<8>()) {
        (Some(first), Some(other)) => {
            first == other
                && match (left.first_chunk::<16>(), right.first_chunk::<16>()) {
                    (Some(first), Some(other)) if left.len() <= 32 => {
                        first == other && left.last_chunk::<16>() == right.last_chunk::<16>()
                    }
                    (Some(_), Some(_)) => left == right,
                    _ => left.last_chunk::<8>() == right.last_chunk::<8>(),
                }
        }
        _ => match (left.first_chunk::<4>(), right.first_chunk::<4>()) {
            (Some(first), Some(other)) => first == other && left.last_chunk::<4>() == right.last_chunk::<4>(),
            _ => left.iter().eq(right),
        },
    }
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.to_text())
    }
}

fn push_text(out: &mut String, text: &str) {
    if is_plain(text.as_bytes()) {
        out.extend(["\"", text, "\""]);
        return;
    }
    out.push('"');
    let mut from = 0;
    loop {
        let at = plain(text.as_bytes(), from);
        out.push_str(text.get(from..at).unwrap_or_default());
        let Some(byte) = text.as_bytes().get(at) else { break };
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                let _ = write!(out, "\\u{control:04x}");
            }
        }
        from = at + 1;
    }
    out.push('"');
}

/// Builds the tree of `raw`, a part of `text`; `depth` levels may still be opened.
fn build<'r>(text: &str, raw: &'r str, depth: usize) -> Result<Json<'r>, Malformed> {
    let fail = |error: &serde_json::Error| located(text, raw, error);
    let refuse = |message: String| {
        let (line, column) = place_of(text, raw);
        Err(Malformed { line, column, message })
    };
    match raw.as_bytes().first() {
        Some(b'n') => Ok(Json::Null),
        Some(b't') => Ok(Json::Boolean(true)),
        Some(b'f') => Ok(Json::Boolean(false)),
        Some(b'"') => unescaped(raw).map(Json::Text).map_err(|error| fail(&error)),
        Some(b'[' | b'{') if depth == 0 => {
            refuse(format!("lists and records are nested deeper than {DEPTH_MAX} levels"))
        }
        Some(b'[') => {
            let elements: Vec<&'r RawValue> = serde_json::from_str(raw).map_err(|error| fail(&error))?;
            let built = elements.into_iter().map(|element| build(text, element.get(), depth - 1));
            Ok(Json::List(built.collect::<Result<_, _>>()?))
        }
        Some(b'{') => {
            let Members(members) = serde_json::from_str(raw).map_err(|error| fail(&error))?;
            if let Some(name) = repeated_name(&members) {
                return refuse(format!("this record has two members named \"{name}\""));
            }
            let built = members.into_iter().map(|(name, value)| Ok((name, build(text, value.get(), depth - 1)?)));
            Ok(Json::Record(built.collect::<Result<_, Malformed>>()?))
        }
        Some(_) => Ok(Json::Number(Cow::Borrowed(raw))),
        None => refuse("there is no value".to_owned()),
    }
}

/// The text that a string in quotes stands for.
fn unescaped(quoted: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    serde_json::from_str(quoted).map(|Name(text)| text)
}

fn repeated_name<'m>(members: &'m [(Cow<'_, str>, &RawValue)]) -> Option<&'m str> {
    if members.len() > NAMES_COMPARED_MAX {
        let mut seen = HashSet::with_capacity(members.len());
        return members.iter().map(|(name, _)| name.as_ref()).find(|name| !seen.insert(*name));
    }
    members
        .iter()
        .enumerate()
        .find(|(index, (name, _))| members.iter().take(*index).any(|(earlier, _)| earlier == name))
        .map(|(_, (name, _))| name.as_ref())
}

/// Line and column of `part` in `text`, of which it is a slice.
fn place_of(text: &str, part: &str) -> (usize, usize) {
    let offset = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let before = text.get(..offset).unwrap_or_default();
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.bytes().rev().take_while(|byte| *byte != b'\n').count() + 1;
    (line, column)
}

/// What the reader says, in words of people who write JSON by hand.
fn in_words(said: &str) -> String {
    let words = match said {
        "EOF while parsing an object" => "the text ends within a record: a `}` is missing",
        "EOF while parsing a list" => "the text ends within a list: a `]` is missing",
        "EOF while parsing a string" => "the text ends within a text in quotes: a `\"` is missing",
        "EOF while parsing a value" => "the text ends where a value is expected",
        "expected value" => {
            "a value is expected: a record, a list, a text in double quotes, a number, true, false or null"
        }
        "expected ident" => "a word is misspelt: only true, false and null stand without quotes",
        "expected `:`" => "a `:` is expected behind a field's name",
        "expected `,` or `}`" => "a `,` or `}` is expected behind a field",
        "expected `,` or `]`" => "a `,` or `]` is expected behind an element",
        "key must be a string" => "a field's name is expected, in double quotes",
        "trailing comma" => "a comma stands before the closing bracket: take it away",
        "trailing characters" => "something stands behind the end of the value",
        "invalid number" => "this is no number as JSON writes it",
        "invalid escape" => "this is no escape: `\\` stands before one of \" \\ / b f n r t u",
        "recursion limit exceeded" => "it nests too deeply",
        other if other.starts_with("control character") => "a line end or tab stands within a text: write \\n or \\t",
        other => other,
    };
    words.to_owned()
}

/// The error of parsing `part`, placed in `text`.
fn located(text: &str, part: &str, error: &serde_json::Error) -> Malformed {
    let (line, column) = place_of(text, part);
    let said = error.to_string();
    let message = in_words(said.split(" at line ").next().unwrap_or_default());
    let inner_column = error.column().max(1);
    if error.line() <= 1 {
        Malformed { line, column: column + inner_column - 1, message }
    } else {
        Malformed { line: line + error.line() - 1, column: inner_column, message }
    }
}

/// A string that borrows from the text unless it holds an escape.
struct Name<'r>(Cow<'r, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Strings;
        impl<'de> Visitor<'de> for Strings {
            type Value = Name<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Strings)
    }
}

struct Members<'r>(Vec<(Cow<'r, str>, &'r RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Objects;
        impl<'de> Visitor<'de> for Objects {
            type Value = Members<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Objects)
    }
}

/// Numbers keep their digits when the serializer is `serde_json`'s.
impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => to.serialize_unit(),
            Json::Boolean(value) => to.serialize_bool(*value),
            Json::Number(digits) => {
                RawValue::from_string(digits.to_string()).map_err(serde::ser::Error::custom)?.serialize(to)
            }
            Json::Text(text) => to.serialize_str(text),
            Json::List(elements) => {
                let mut list = to.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    list.serialize_element(element)?;
                }
                list.end()
            }
            Json::Record(members) => {
                let mut record = to.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    record.serialize_entry(name, value)?;
                }
                record.end()
            }
        }
    }
}

/// Only from `serde_json`, which alone can hand over the digits of a number.
impl<'de> Deserialize<'de> for Json<'static> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        Json::parse(raw.get()).map(Json::into_owned).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_keep_their_digits_and_text_borrows() {
        let json = Json::parse(r#" {"a":[1.10,-0,1e3],"b":"x\ny","c":{"d":null,"e":true}} "#).unwrap();
        assert_eq!(json.to_text(), r#"{"a":[1.10,-0,1e3],"b":"x\ny","c":{"d":null,"e":true}}"#);
        assert_eq!(serde_json::to_string(&json).unwrap(), json.to_text());
        let plain = Json::parse(r#""plain""#).unwrap();
        assert!(matches!(plain, Json::Text(Cow::Borrowed("plain"))));
    }

    #[test]
    fn a_member_named_twice_is_refused_where_it_stands() {
        let error = Json::parse("{\n  \"a\": {\"b\": 1, \"b\": 2}\n}").unwrap_err();
        assert_eq!((error.line, error.column), (2, 8));
        assert!(error.message.contains("two members named \"b\""), "{error}");
        let many: Vec<String> = (0..40).map(|n| format!("\"m{n}\":0")).collect();
        assert!(Json::parse(&format!("{{{}}}", many.join(","))).is_ok());
        assert!(Json::parse(&format!("{{{},\"m7\":1}}", many.join(","))).is_err());
    }

    #[test]
    fn faults_are_placed_in_the_whole_text() {
        let error = Json::parse("{\n \"a\": [1,\n 2,]\n}").unwrap_err();
        assert_eq!(error.line, 3);
        let error = Json::parse("{\"a\": \"\\ud800\"}").unwrap_err();
        assert_eq!(error.line, 1);
        assert!(error.column > 6, "{error:?}");
        assert!(Json::parse("").is_err());
        assert!(Json::parse("{} {}").is_err());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Json::parse(&nested(DEPTH_MAX)).is_ok());
        assert!(Json::parse(&nested(DEPTH_MAX + 1)).unwrap_err().message.contains("64 levels"));
        assert!(Json::parse(&nested(100_000)).is_err());
    }

    fn any_json() -> impl Strategy<Value = Json<'static>> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Boolean),
            "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,9})?".prop_map(|digits| Json::Number(Cow::Owned(digits))),
            any::<String>().prop_map(|text| Json::Text(Cow::Owned(text))),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::List),
                prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(|members| Json::Record(
                    members.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect()
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in any::<String>()) {
            let _ = Json::parse(&text);
        }

        #[test]
        fn json_like_text_is_answered(text in "[\\[\\]{},:\"\\\\0-9eE.+\\-a-u \n]{0,60}") {
            if let Ok(json) = Json::parse(&text) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&json.to_text()).is_ok() || text.contains(['e', 'E']));
            }
        }

        #[test]
        fn what_is_written_is_read_again(json in any_json()) {
            let text = json.to_text();
            prop_assert_eq!(&Json::parse(&text).unwrap(), &json);
            prop_assert_eq!(serde_json::to_string(&json).unwrap(), text.clone());
            prop_assert_eq!(serde_json::from_str::<Json<'static>>(&text).unwrap(), json);
        }
    }
}
