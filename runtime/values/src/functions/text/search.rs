//! Text that is searched for a part.
//!
//! In: text and a part. Out: whether it occurs, or the text with it replaced. Capitals and small letters are different here.

use std::borrow::Cow;

use super::T;
use crate::functions::{Bound, Call, Function, Param, Returns, Takes, arg, ok};

/// Does it contain `part`?
#[must_use]
pub fn contains<'r>(t: Cow<'r, str>, part: Cow<'r, str>) -> bool {
    t.contains(part.as_ref())
}

/// Does it start with `part`?
#[must_use]
pub fn starts_with<'r>(t: Cow<'r, str>, part: Cow<'r, str>) -> bool {
    t.starts_with(part.as_ref())
}

/// Does it end with `part`?
#[must_use]
pub fn ends_with<'r>(t: Cow<'r, str>, part: Cow<'r, str>) -> bool {
    t.ends_with(part.as_ref())
}

/// Every `find` becomes `with`.
#[must_use]
pub fn replace<'r>(t: Cow<'r, str>, find: Cow<'r, str>, with: Cow<'r, str>) -> Cow<'r, str> {
    if find.is_empty() || !t.contains(find.as_ref()) { t } else { Cow::Owned(t.replace(find.as_ref(), &with)) }
}

const T_AND_PART: &[Param] = &[T, Param::new("part", Takes::Text)];

const fn asks(name: &'static str, path: &'static str, doc: &'static str, call: Call) -> Function {
    Function::new(name, path, doc, T_AND_PART, Returns::Boolean, call)
}

/// The functions that search text for a part.
pub(super) static FUNCTIONS: &[Function] = &[
    asks(
        "contains",
        path!(text::contains),
        "Does the text contain the part, in the same case? For an element of a list, write `x in list`.",
        |a| ok(contains(arg(a, 0)?, arg(a, 1)?)),
    )
    .examples(&[example!(r#"contains("abc", "b")"# => "true"), example!(r#"contains("abc", "B")"# => "false")]),
    asks("starts_with", path!(text::starts_with), "Does the text start with the part, in the same case?", |a| {
        ok(starts_with(arg(a, 0)?, arg(a, 1)?))
    })
    .examples(&[example!(r#"starts_with("SW-1", "SW-")"# => "true")]),
    asks("ends_with", path!(text::ends_with), "Does the text end with the part, in the same case?", |a| {
        ok(ends_with(arg(a, 0)?, arg(a, 1)?))
    })
    .examples(&[example!(r#"ends_with("a.pdf", ".pdf")"# => "true")]),
    Function::new(
        "replace",
        path!(text::replace),
        "Every occurrence of one text becomes another; an empty one occurs nowhere.",
        &[T, Param::new("find", Takes::Text), Param::new("with", Takes::Text)],
        Returns::Text(Bound::Unbounded),
        |a| ok(replace(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
    )
    .examples(&[
        example!(r#"replace("a-b-c", "-", "/")"# => r#""a/b/c""#),
        example!(r#"replace("abc", "", "/")"# => r#""abc""#),
    ]),
];
