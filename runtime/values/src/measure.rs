//! Lengths of texts where a system counts bytes or UTF-16 code units instead of characters.
//!
//! In: a text, and how it is counted. Out: its length, or a fault that names the character which the character set does not have.
//! Only character sets are known that need no tables of their own; another one is refused at compile time, never guessed.

use std::borrow::Cow;

use crate::decimal::Decimal;
use crate::fault::{Fault, Stop};
use crate::functions::{Bound, Function, Param, Returns, Takes};
use crate::json::Json;
use crate::node::Node;
use crate::step::Step;
use crate::value::{FromValue, IntoValue, Value};
use crate::write::{IntoText, Written};

/// The character sets in which bytes can be counted.
pub const CHARSETS: &[&str] = &["utf-8", "us-ascii", "iso-8859-1", "windows-1252"];

/// What windows-1252 has beyond the characters to U+00FF.
const WINDOWS_1252: &str = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ";

/// How a text is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure<'c> {
    /// Bytes in one of [`CHARSETS`].
    Bytes(&'c str),
    /// UTF-16 code units.
    Utf16,
}

impl Measure<'_> {
    /// The length of a character; `None` if the character set does not have it.
    fn of(self, character: char) -> Option<usize> {
        let code = u32::from(character);
        match self {
            Measure::Utf16 => Some(character.len_utf16()),
            Measure::Bytes("us-ascii") => (code < 0x80).then_some(1),
            Measure::Bytes("iso-8859-1") => (code <= 0xff).then_some(1),
            Measure::Bytes("windows-1252") => {
                let has = code < 0x80 || (0xa0..=0xff).contains(&code) || WINDOWS_1252.contains(character);
                has.then_some(1)
            }
            Measure::Bytes(_) => Some(character.len_utf8()),
        }
    }

    /// `31 bytes in windows-1252`.
    fn words(self, length: usize) -> String {
        match self {
            Measure::Bytes(charset) => format!("{length} bytes in {charset}"),
            Measure::Utf16 => format!("{length} UTF-16 units"),
        }
    }

    /// The length of a text.
    ///
    /// # Errors
    /// The first character that the character set does not have.
    pub fn length(self, text: &str) -> Result<usize, char> {
        text.chars().try_fold(0_usize, |sum, character| self.of(character).map(|length| sum + length).ok_or(character))
    }

    /// The longest head of a text that has at most `max`. A character that the character set does not have counts as one: whoever
    /// writes the text refuses it.
    fn head(self, text: &str, max: usize) -> &str {
        let mut sum = 0;
        let past = text.char_indices().find(|(_, character)| {
            sum += self.of(*character).unwrap_or(1);
            sum > max
        });
        past.map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
    }
}

/// A text of at most `max` bytes in a character set.
///
/// # Errors
/// The text is longer, or the character set does not have one of its characters.
pub fn write_bytes<'v>(value: impl IntoText<'v>, max: u32, charset: &str) -> Written<'v> {
    written(value, max, Measure::Bytes(charset))
}

/// A text of at most `max` UTF-16 code units.
///
/// # Errors
/// The text is longer.
pub fn write_utf16<'v>(value: impl IntoText<'v>, max: u32) -> Written<'v> {
    written(value, max, Measure::Utf16)
}

fn written<'v>(value: impl IntoText<'v>, max: u32, measure: Measure<'_>) -> Written<'v> {
    match measure.length(value.as_ref()) {
        Ok(length) if length <= max as usize => Ok(Json::Text(value.into_text())),
        Ok(length) => {
            let reason = format!("the text has {}, {max} fit: `| cut` would shorten it", measure.words(length));
            Err(Stop::failed_on(value.as_ref(), reason))
        }
        Err(character) => {
            let reason = format!(
                "the text holds {}: say `| remove_unmappable(...)` to leave such characters out",
                unknown(character, measure)
            );
            Err(Stop::failed_on(value.as_ref(), reason))
        }
    }
}

fn unknown(character: char, measure: Measure<'_>) -> String {
    let place = match measure {
        Measure::Bytes(charset) => charset,
        Measure::Utf16 => "UTF-16",
    };
    format!("\"{character}\" (U+{:04X}), which {place} does not have", u32::from(character))
}

/// The text without the characters that a character set does not have.
#[must_use]
pub fn mappable<'r>(t: Cow<'r, str>, charset: &str) -> Cow<'r, str> {
    let measure = Measure::Bytes(charset);
    if measure.length(&t).is_ok() {
        return t;
    }
    Cow::Owned(t.chars().filter(|character| measure.of(*character).is_some()).collect())
}

impl<'r> Node<'r> {
    /// Text of at most `max` bytes in a character set.
    ///
    /// # Errors
    /// No text, longer than the catalogue says, or with a character that the character set does not have.
    pub fn text_bytes(&self, steps: &[Step<'_>], max: u32, charset: &str) -> Result<Option<Cow<'r, str>>, Stop> {
        self.measured(steps, max, Measure::Bytes(charset))
    }

    /// Text of at most `max` UTF-16 code units.
    ///
    /// # Errors
    /// No text, or longer than the catalogue says.
    pub fn text_utf16(&self, steps: &[Step<'_>], max: u32) -> Result<Option<Cow<'r, str>>, Stop> {
        self.measured(steps, max, Measure::Utf16)
    }

    fn measured(&self, steps: &[Step<'_>], max: u32, measure: Measure<'_>) -> Result<Option<Cow<'r, str>>, Stop> {
        let Some(text) = self.text(steps, None)? else { return Ok(None) };
        let said = match measure.length(&text) {
            Ok(length) if length <= max as usize => return Ok(Some(text)),
            Ok(length) => format!("has {}, but the catalogue says at most {max}", measure.words(length)),
            Err(character) => format!("holds {}", unknown(character, measure)),
        };
        let path = self.path(steps);
        Err(Fault::new(format!("`{path}` {said}")).with_source(path).with_value(text.as_ref()).into())
    }
}

/// Shortens to `max` bytes in a character set, between two characters.
#[must_use]
pub fn cut_bytes<'r>(t: Cow<'r, str>, max: Decimal, charset: Cow<'r, str>) -> Cow<'r, str> {
    shortened(t, max, Measure::Bytes(&charset))
}

/// Shortens to `max` UTF-16 code units, between two characters.
#[must_use]
pub fn cut_utf16<'r>(t: Cow<'r, str>, max: Decimal) -> Cow<'r, str> {
    shortened(t, max, Measure::Utf16)
}

fn shortened<'r>(t: Cow<'r, str>, max: Decimal, measure: Measure<'_>) -> Cow<'r, str> {
    let max = usize::try_from(max.to_i64().unwrap_or(i64::MAX)).unwrap_or_default();
    match t {
        Cow::Borrowed(text) => Cow::Borrowed(measure.head(text, max)),
        Cow::Owned(text) => Cow::Owned(measure.head(&text, max).to_owned()),
    }
}

const T: Param = Param { name: "t", takes: Takes::Text, optional: false, repeated: false };
const MAX: Param = Param { name: "max", takes: Takes::Integer, optional: false, repeated: false };
const CHARSET: Param = Param { name: "charset", takes: Takes::Word(CHARSETS), optional: false, repeated: false };

fn argument<'r, T: FromValue<'r>>(arguments: &[Option<Value<'r>>], index: usize) -> Result<T, Stop> {
    T::from_value(arguments.get(index).cloned().flatten())
}

/// What `cut` becomes where the place counts bytes. No function of its own in specs: the place says how it counts.
pub static CUT_BYTES: Function = Function {
    name: "cut",
    doc: "Shortens to so many bytes in a character set.",
    params: &[T, MAX, CHARSET],
    returns: Returns::Text(Bound::LesserOf { text: 0, limit: 1 }),
    may_be_missing: false,
    fails: false,
    failure: "",
    needs_now: false,
    loses: true,
    examples: &[],
    path: concat!(module_path!(), "::cut_bytes"),
    call: |a| Ok(cut_bytes(argument(a, 0)?, argument(a, 1)?, argument(a, 2)?).into_value()),
};

/// What `cut` becomes where the place counts UTF-16 code units.
pub static CUT_UTF16: Function = Function {
    doc: "Shortens to so many UTF-16 code units.",
    params: &[T, MAX],
    path: concat!(module_path!(), "::cut_utf16"),
    call: |a| Ok(cut_utf16(argument(a, 0)?, argument(a, 1)?).into_value()),
    ..CUT_BYTES
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at;

    fn reason(result: Written<'_>) -> String {
        match result {
            Err(Stop::Failed(fault)) => fault.reason,
            other => panic!("should fail: {other:?}"),
        }
    }

    #[test]
    fn lengths_are_those_of_the_character_set() {
        for (text, utf_8, utf_16) in [("abc", 3, 3), ("Müller", 7, 6), ("5 €", 5, 3), ("😀", 4, 2)] {
            assert_eq!(Measure::Bytes("utf-8").length(text), Ok(utf_8), "{text}");
            assert_eq!(Measure::Utf16.length(text), Ok(utf_16), "{text}");
        }
        assert_eq!(Measure::Bytes("windows-1252").length("5 € für Müller"), Ok(14));
        assert_eq!(Measure::Bytes("iso-8859-1").length("5 €"), Err('€'));
        assert_eq!(Measure::Bytes("us-ascii").length("Müller"), Err('ü'));
        assert_eq!(Measure::Bytes("windows-1252").length("\u{81}"), Err('\u{81}'));
    }

    #[test]
    fn windows_1252_has_a_character_for_each_byte_but_five() {
        let has = |code: u32| char::from_u32(code).is_some_and(|c| Measure::Bytes("windows-1252").of(c).is_some());
        assert_eq!((0..=0x10_ffff).filter(|code| has(*code)).count(), 256 - 5);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(write_bytes("Müller", 6, "windows-1252"), Ok(Json::text("Müller")));
        assert!(reason(write_bytes("Müller", 6, "utf-8")).starts_with("the text has 7 bytes in utf-8, 6 fit"));
        assert_eq!(
            reason(write_bytes("Łódź", 20, "windows-1252")),
            "the text holds \"Ł\" (U+0141), which windows-1252 does not have: say `| remove_unmappable(...)` to leave such characters out"
        );
        assert!(reason(write_utf16("😀", 1)).starts_with("the text has 2 UTF-16 units, 1 fit"));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let cut = |text: &'static str, max| cut_bytes(text.into(), Decimal::integer(max), "utf-8".into());
        assert_eq!(cut("Müller", 2), "M");
        assert_eq!(cut("Müller", 3), "Mü");
        assert_eq!(cut("Müller", 99), "Müller");
        assert_eq!(cut("Müller", 0), "");
        assert_eq!(cut("Müller", -1), "");
        assert_eq!(cut_utf16("a😀".into(), Decimal::integer(2)), "a");
    }

    #[test]
    fn a_source_is_held_to_its_catalogue() {
        let json = Json::parse(r#"{"name":"Müller"}"#).unwrap();
        let node = Node::borrowed(&json, "customer");
        assert_eq!(node.text_bytes(at!["name"], 6, "windows-1252").unwrap().unwrap(), "Müller");
        let Err(Stop::Failed(fault)) = node.text_bytes(at!["name"], 6, "utf-8") else { panic!("must fail") };
        assert_eq!(fault.reason, "`customer.name` has 7 bytes in utf-8, but the catalogue says at most 6");
        assert_eq!(fault.source.as_deref(), Some("customer.name"));
        assert!(node.text_utf16(at!["name"], 5).is_err());
        assert_eq!(node.text_utf16(at!["other"], 5), Ok(None));
    }
}
