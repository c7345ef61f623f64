//! Codes and ids: stable ids, hashes, check digits, countries, units.
//!
//! In: text. Out: ids, hashes, other forms of a code, or whether a code is valid. Nothing random: the same input gives the same id for ever.

mod countries;
mod units;

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{Bound, Function, Param, Returns, Takes, arg, ok, tried};
use crate::fault::{Stop, shortened};
use crate::time::Uuid;

pub use countries::{COUNTRY_FORMS, country};
pub use units::{UNIT_NAMES, check_units, convert_unit};

/// A UUID made of a namespace and a text: version 8 of RFC 9562, from SHA-256 over the namespace, a zero byte, and the text.
#[must_use]
pub fn uuid_from<'r>(namespace: Cow<'r, str>, t: Cow<'r, str>) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(namespace.as_bytes());
    hash.update([0]);
    hash.update(t.as_bytes());
    let mut bytes = [0_u8; 16];
    for (slot, byte) in bytes.iter_mut().zip(hash.finalize()) {
        *slot = byte;
    }
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x80;
    *variant = (*variant & 0x3f) | 0x80;
    Uuid(bytes)
}

/// SHA-256 of the text's UTF-8 bytes, 64 lower-case hex digits.
#[must_use]
pub fn sha256(t: Cow<'_, str>) -> Cow<'_, str> {
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(t.as_bytes()) {
        let _ = write!(out, "{byte:02x}");
    }
    Cow::Owned(out)
}

/// The text's UTF-8 bytes in Base64.
#[must_use]
pub fn base64(t: Cow<'_, str>) -> Cow<'_, str> {
    Cow::Owned(STANDARD.encode(t.as_bytes()))
}

/// The text of which these are the UTF-8 bytes in Base64.
///
/// # Errors
/// It is no Base64, or its bytes are no text.
pub fn from_base64(t: Cow<'_, str>) -> Result<Cow<'_, str>, Stop> {
    let bytes = STANDARD
        .decode(t.as_bytes())
        .map_err(|_| Stop::failed_on(&t, format!("\"{}\" is no Base64", shortened(&t))))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Stop::failed_on(&t, "what this Base64 holds is no text in UTF-8, but a file or the like"))?;
    Ok(Cow::Owned(text))
}

/// Is it a GTIN of 8, 12, 13 or 14 digits with the right check digit?
#[must_use]
pub fn valid_gtin(t: Cow<'_, str>) -> bool {
    if !matches!(t.len(), 8 | 12..=14) {
        return false;
    }
    let digits: Option<Vec<u32>> = t.chars().rev().map(|character| character.to_digit(10)).collect();
    // From the right: weights 1, 3, 1, 3 ... over all digits, the check digit included.
    digits.is_some_and(|digits| {
        let sum: u32 = digits.iter().enumerate().map(|(index, digit)| digit * if index % 2 == 0 { 1 } else { 3 }).sum();
        sum.is_multiple_of(10)
    })
}

/// Is it an IBAN with the right check digits? Blanks between groups are allowed, small letters are not.
#[must_use]
pub fn valid_iban(t: Cow<'_, str>) -> bool {
    let compact: Vec<char> = t.chars().filter(|character| *character != ' ').collect();
    let (Some(head), Some(tail)) = (compact.get(..4), compact.get(4..)) else { return false };
    let shape = matches!(head, [a, b, c, d] if a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_digit() && d.is_ascii_digit());
    let known = |character: &char| character.is_ascii_uppercase() || character.is_ascii_digit();
    if !shape || !(15..=34).contains(&compact.len()) || !tail.iter().all(known) {
        return false;
    }
    let remainder =
        tail.iter().chain(head).filter_map(|character| character.to_digit(36)).fold(0_u32, |rest, value| {
            let shift = if value > 9 { 100 } else { 10 };
            (rest * shift + value) % 97
        });
    remainder == 1
}

const T: Param = Param::new("t", Takes::Text);

/// What holds of all these functions.
pub(super) const ABOUT: &str =
    "The same input gives the same result for ever: nothing here is random, and nothing is looked up elsewhere.";

/// The functions on codes and ids.
pub static FUNCTIONS: &[Function] = &[
    Function::new(
        "uuid_from",
        path!(uuid_from),
        "A UUID made of a namespace and a text: the same for the same two, for ever.",
        &[Param::new("namespace", Takes::Text), T],
        Returns::Uuid,
        |a| ok(uuid_from(arg(a, 0)?, arg(a, 1)?)),
    )
    .examples(&[example!(r#"uuid_from("price", "4711")"# => r#"uuid("0426957fcc088a5ebfb28e7ae967cf47")"#)]),
    Function::new(
        "sha256",
        path!(sha256),
        "The SHA-256 hash of a text's UTF-8 bytes, 64 small hex digits.",
        &[T],
        Returns::Text(Bound::Fixed(64)),
        |a| ok(sha256(arg(a, 0)?)),
    )
    .loses()
    .examples(&[
        example!(r#"sha256("abc")"# => r#""ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#),
    ]),
    Function::new(
        "base64",
        path!(base64),
        "The text's UTF-8 bytes in Base64, with `+`, `/` and `=` as in RFC 4648.",
        &[T],
        Returns::Text(Bound::Unbounded),
        |a| ok(base64(arg(a, 0)?)),
    )
    .examples(&[
        example!(r#"base64("user:pässword")"# => r#""dXNlcjpww6Rzc3dvcmQ=""#),
        example!(r#"base64("")"# => r#""""#),
    ]),
    Function::new(
        "from_base64",
        path!(from_base64),
        "The text that is written in Base64 (RFC 4648, with its `=` at the end, without line ends).",
        &[T],
        Returns::Text(Bound::SameAs(0)),
        |a| tried(from_base64(arg(a, 0)?)),
    )
    .fails("it is no Base64, or what it holds is no text in UTF-8")
    .examples(&[
        example!(r#"from_base64("TcO8bGxlcg==")"# => r#""Müller""#),
        example!(r#"from_base64("TcO8bGxlcg")"# => "fails"),
        example!(r#"from_base64("/w==")"# => "fails"),
    ]),
    countries::COUNTRY,
    units::CONVERT_UNIT,
    Function::new(
        "valid_gtin",
        path!(valid_gtin),
        "Is it a GTIN (EAN, UPC) of 8, 12, 13 or 14 digits with the right check digit?",
        &[T],
        Returns::Boolean,
        |a| ok(valid_gtin(arg(a, 0)?)),
    )
    .examples(&[
        example!(r#"valid_gtin("4006381333931")"# => "true"),
        example!(r#"valid_gtin("4006381333932")"# => "false"),
        example!(r#"valid_gtin("96385074")"# => "true"),
    ]),
    Function::new(
        "valid_iban",
        path!(valid_iban),
        "Is it an IBAN of 15 to 34 characters with the right check digits? Blanks between groups are allowed, small letters are not; how long the country's own are is not checked.",
        &[T],
        Returns::Boolean,
        |a| ok(valid_iban(arg(a, 0)?)),
    )
    .examples(&[
        example!(r#"valid_iban("DE89 3704 0044 0532 0130 00")"# => "true"),
        example!(r#"valid_iban("DE88370400440532013000")"# => "false"),
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespace_and_text_are_kept_apart() {
        assert_ne!(uuid_from("a".into(), "bc".into()), uuid_from("ab".into(), "c".into()));
        let uuid = uuid_from("a".into(), "b".into()).dashed();
        assert_eq!(uuid.as_bytes()[14], b'8');
        assert!(matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }

    #[test]
    fn odd_codes_are_answered() {
        for text in ["", "ä", "DE", "DE8", "🎉🎉🎉🎉", "0000000000000000000000", "ＤＥ89370400440532013000"]
        {
            assert!(!valid_iban(text.into()), "{text}");
            assert!(!valid_gtin(text.into()), "{text}");
        }
    }
}
