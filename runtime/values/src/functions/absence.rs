//! Absence and decision: what to do with blank and missing values, and texts of other types.
//!
//! In: any value. Out: the same value, a missing one, or its text.

use std::borrow::Cow;

use super::{Bound, Function, Param, Returns, Takes, arg, ok, rest, tried};
use crate::compare::{Show, show_in};
use crate::fault::{Stop, shortened};

/// The forms of a UUID.
pub const TEXT_FORMS: &[&str] = &["hex", "dashed"];

/// The first of the values that is there.
#[must_use]
pub fn first_present<T>(values: Vec<Option<T>>) -> Option<T> {
    values.into_iter().flatten().next()
}

/// The text, or missing if it is empty or white space alone.
#[must_use]
pub fn filled(t: Cow<'_, str>) -> Option<Cow<'_, str>> {
    if t.trim().is_empty() { None } else { Some(t) }
}

/// Reads a truth value; `yes` and `no` are the words for it, `true` and `false` if not given.
///
/// # Errors
/// The text is neither word.
pub fn boolean<'r>(t: Cow<'r, str>, yes: Option<Cow<'r, str>>, no: Option<Cow<'r, str>>) -> Result<bool, Stop> {
    let yes = yes.unwrap_or(Cow::Borrowed("true"));
    let no = no.unwrap_or(Cow::Borrowed("false"));
    if t == yes {
        Ok(true)
    } else if t == no {
        Ok(false)
    } else {
        Err(Stop::failed_on(&t, format!("\"{}\" is neither \"{yes}\" nor \"{no}\"", shortened(&t))))
    }
}

/// The text of a leaf; `form` is for UUIDs alone.
#[must_use]
pub fn text<'r, T: Show>(x: T, form: Option<Cow<'r, str>>) -> Cow<'r, str> {
    Cow::Owned(if form.as_deref() == Some("hex") { x.show_hex() } else { x.show() })
}

/// What holds of all these functions.
pub(super) const ABOUT: &str = "Missing is not blank, and neither is zero: `x is missing`, `x is present`, `x is blank` and `x is empty` ask which it is, `otherwise` answers a missing value.";

/// The functions on absence, and texts of other types.
pub static FUNCTIONS: &[Function] = &[
    Function::new(
        "first_present",
        path!(first_present),
        "The first of the values that is not missing.",
        &[Param::repeated("value", Takes::AnyMaybeMissing)],
        Returns::SameAs(0),
        |a| ok(first_present::<crate::value::Value<'_>>(rest(a, 0)?)),
    )
    .may_be_missing()
    .examples(&[example!("first_present(missing, 2, 3)" => "2"), example!("first_present(missing, missing)" => "missing")]),
    Function::new(
        "filled",
        path!(filled),
        "The text as it is, but missing if it is empty or nothing but white space.",
        &[Param::new("t", Takes::Text)],
        Returns::Text(Bound::SameAs(0)),
        |a| ok(filled(arg(a, 0)?)),
    )
    .may_be_missing()
    .examples(&[example!(r#"filled(" a ")"# => r#"" a ""#), example!(r#"filled("  ")"# => "missing")]),
    Function::new(
        "boolean",
        path!(boolean),
        "Reads true or false from text; the words for it may be given.",
        &[Param::new("t", Takes::Text), Param::optional("yes", Takes::Text), Param::optional("no", Takes::Text)],
        Returns::Boolean,
        |a| tried(boolean(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
    )
    .fails("the text is neither of the two words")
    .examples(&[
        example!(r#"boolean("true")"# => "true"),
        example!(r#"boolean("N", "Y", "N")"# => "false"),
        example!(r#"boolean("1")"# => "fails"),
    ]),
    Function::new(
        "text",
        path!(text),
        "The text of a value: numbers without trailing zeros, days and times in ISO 8601, UUIDs with dashes or as hex.",
        &[Param::new("x", Takes::Leaf), Param::optional("form", Takes::Word(TEXT_FORMS))],
        Returns::Text(Bound::Unbounded),
        |a| {
            let form: Option<Cow<'_, str>> = arg(a, 1)?;
            let x: crate::value::Value<'_> = arg(a, 0)?;
            tried(show_in(&x, form.as_deref() == Some("hex")))
        },
    )
    .examples(&[
        example!("text(1.50)" => r#""1.5""#),
        example!("text(2026-11-02)" => r#""2026-11-02""#),
        example!(r#"text(uuid("018F3C2A9B7D7E41A5C60D1E2F3A4B5C"))"# => r#""018f3c2a-9b7d-7e41-a5c6-0d1e2f3a4b5c""#),
        example!(r#"text(uuid("018f3c2a-9b7d-7e41-a5c6-0d1e2f3a4b5c"), "hex")"# => r#""018f3c2a9b7d7e41a5c60d1e2f3a4b5c""#),
    ]),
];
