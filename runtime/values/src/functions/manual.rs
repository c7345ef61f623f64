//! The chapter of the manual on functions, made of the registry.
//!
//! In: [`FAMILIES`]. Out: Markdown. Nothing is said here of a single function: what a reader must know stands in its registry entry.

use std::fmt::Write as _;

use super::{Digits, FAMILIES, Function, Param, PatternUse, Returns, Takes};

const HEAD: &str = "\
# Functions

<!-- Made from the registry in runtime/values/src/functions: change it there. -->

A function is written as a call, `cut(name, 35)`, or after a pipe, `name | cut(35)`: what stands before the pipe is the first argument.
`[x]` may be left away, `x, …` may be given several times, a `?` behind a type means that the value may be missing. A missing first argument
makes the result missing, without the function being called, unless the function takes missing values. *Fails* means that the record is rejected
with field, value and reason, unless the line says `if invalid`. *Loses* means that information is given up on purpose; the document lists these calls.
All arithmetic is exact. A quotient is the exact result of a division: round or compare it. Rounding modes are `half_up` (away from zero),
`half_even`, `half_down`, `up` (away from zero), `down` (towards zero), `ceiling` and `floor`; without one, the project's `rounding` holds.
Names of other languages (`toUpper`, `LEFT`, `substringBefore`) are answered with the name here.
";

const FORMS: &str = "
## Forms that know their place

These look like functions, but the compiler knows more of them than their arguments.

- `x | fit` loses nothing: what does not fit the field it goes to rejects the record.
- `x | cut` shortens to the length of the field it goes to.
- `position(x)` is the place, from 1, of a named element in the list that its `each` makes: after `where` and sorting.
- `reverse_lookup(TABLE, x)` is the key of the row that gives `x`; the table must have one key and no two rows with the same value. *Fails* if
  no row gives it.
- `lookup TABLE(...)`, `find`, `linked`, `x in list`, `x is missing`, `x is blank` are syntax: see [the language](language.md).
";

/// The whole chapter.
#[must_use]
pub fn manual() -> String {
    let mut out = String::from(HEAD);
    for family in FAMILIES {
        let _ = write!(out, "\n## {}\n\n{}\n", family.name, family.about);
        for function in family.functions {
            describe(&mut out, function);
        }
    }
    out.push_str(FORMS);
    out
}

fn describe(out: &mut String, function: &Function) {
    let params: Vec<String> = function.params.iter().map(param).collect();
    let missing = if function.may_be_missing { "?" } else { "" };
    let returns = gives(function.returns);
    let _ = write!(out, "\n### {}\n\n", function.name);
    let _ = write!(out, "`{}({}) {returns}{missing}`\n\n{}", function.name, params.join(", "), function.doc);
    if function.fails {
        let _ = write!(out, " *Fails* if {}.", function.failure);
    }
    if function.loses {
        out.push_str(" *Loses.*");
    }
    out.push('\n');
    if function.examples.is_empty() {
        return;
    }
    let width = function.examples.iter().map(|example| example.call.chars().count()).max().unwrap_or(0);
    out.push_str("\n```text\n");
    for example in function.examples {
        let _ = writeln!(out, "{:width$}  ->  {}", example.call, example.gives);
    }
    out.push_str("```\n");
}

fn param(param: &Param) -> String {
    let written = format!("{} {}", param.name, takes(param.takes));
    match (param.optional, param.repeated) {
        (true, _) => format!("[{written}]"),
        (false, true) => format!("{written}, …"),
        (false, false) => written,
    }
}

fn takes(takes: Takes) -> String {
    let word = match takes {
        Takes::Text => "text",
        Takes::Number => "number",
        Takes::NumberOrQuotient => "number or quotient",
        Takes::Integer => "integer",
        Takes::Money => "money",
        Takes::Boolean => "boolean",
        Takes::Date => "date",
        Takes::Instant => "datetime",
        Takes::Leaf => "value",
        Takes::AnyMaybeMissing => "value?",
        Takes::List | Takes::ListOfComparable => "list",
        Takes::ListMaybeMissing => "list of value?",
        Takes::ListOfLists => "list of lists",
        Takes::ListOfNumbers => "list of number",
        Takes::ListOfTextMaybeMissing => "list of text?",
        Takes::Mode => "rounding mode",
        Takes::Zone => "zone",
        Takes::DatePattern(
            PatternUse::PrintDay | PatternUse::ReadDay | PatternUse::PrintInstant | PatternUse::ReadInstant,
        ) => "date pattern",
        Takes::NumberPattern => "number pattern",
        Takes::NumberFormat => "number as an example",
        Takes::Pattern => "pattern",
        Takes::Word(words) => return format!("\"{}\"", words.join("\" or \"")),
    };
    word.to_owned()
}

fn gives(returns: Returns) -> &'static str {
    match returns {
        Returns::Text(_) => "text",
        Returns::Number(Digits::WholeOf(_)) | Returns::Integer => "integer",
        Returns::Number(
            Digits::Unknown
            | Digits::SameAs(_)
            | Digits::GreatestOfAll
            | Digits::Places { .. }
            | Digits::PlacesOnly(_)
            | Digits::ScaleOfElements(_),
        ) => "number",
        Returns::Quotient => "quotient",
        Returns::Money => "money",
        Returns::Boolean => "boolean",
        Returns::Date => "date",
        Returns::Instant => "datetime",
        Returns::Uuid => "uuid",
        Returns::SameAs(_) => "value",
        Returns::ElementOf(_) => "element",
        Returns::ListOfElements(_) => "list",
        Returns::ListOf(_) => "list of lists",
        Returns::ListOfText(_) => "list of text",
        Returns::ListOfNumbers(_) => "list of number",
    }
}
