//! Every example of the registry, run through the dynamic adapter; and what must hold of all functions.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::compare::same;
use crate::decimal::{Decimal, Mode};
use crate::time::{Uuid, parse_date, parse_instant};

/// Reads the calls and literals of examples: a small part of the language.
struct Reader<'t> {
    left: &'t str,
}

impl<'t> Reader<'t> {
    fn eat(&mut self, mark: &str) -> bool {
        self.left = self.left.trim_start();
        match self.left.strip_prefix(mark) {
            Some(rest) => {
                self.left = rest;
                true
            }
            None => false,
        }
    }

    fn list(&mut self, end: &str) -> Vec<Option<Value<'static>>> {
        let mut values = Vec::new();
        while !self.eat(end) {
            values.push(self.value());
            self.eat(",");
        }
        values
    }

    fn word(&mut self) -> &'t str {
        let end = self.left.find(|c: char| !(c.is_alphanumeric() || "_.-".contains(c))).unwrap_or(self.left.len());
        let (word, rest) = self.left.split_at(end);
        self.left = rest;
        word
    }

    fn quoted(&mut self) -> String {
        let mut text = String::new();
        let mut characters = self.left.char_indices();
        while let Some((index, character)) = characters.next() {
            match character {
                '"' => {
                    self.left = self.left.split_at(index + 1).1;
                    return text;
                }
                '\\' => text.push(match characters.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, other)) => other,
                    None => panic!("an escape ends the text"),
                }),
                other => text.push(other),
            }
        }
        panic!("text without end: {}", self.left)
    }

    fn value(&mut self) -> Option<Value<'static>> {
        if self.eat("[") {
            return Some(Value::List(self.list("]")));
        }
        if self.eat("\"") {
            return Some(Value::Text(Cow::Owned(self.quoted())));
        }
        if self.eat("'") {
            let (raw, rest) = self.left.split_once('\'').unwrap();
            self.left = rest;
            return Some(Value::Text(Cow::Owned(raw.to_owned())));
        }
        let word = self.word();
        match word {
            "missing" => None,
            "true" => Some(Value::Boolean(true)),
            "false" => Some(Value::Boolean(false)),
            "instant" | "uuid" => {
                assert!(self.eat("("));
                let [Some(Value::Text(text))] = &self.list(")")[..] else { panic!("one text is expected") };
                Some(match word {
                    "uuid" => Value::Uuid(Uuid::parse(text).unwrap()),
                    _ => Value::Instant(parse_instant(text).unwrap()),
                })
            }
            "money" => {
                assert!(self.eat("("));
                let [Some(Value::Number(amount)), Some(Value::Text(currency))] = &self.list(")")[..] else {
                    panic!("a number and a text are expected")
                };
                Some(Value::Money(money::money(*amount, currency.clone()).unwrap()))
            }
            mode if Mode::from_word(mode).is_some() => Some(Value::Text(Cow::Owned(mode.to_owned()))),
            other => Some(match parse_date(other) {
                Some(date) => Value::Date(date),
                None => Value::Number(Decimal::parse(other).unwrap_or_else(|_| panic!("no literal: {other}"))),
            }),
        }
    }
}

fn evaluate(call: &str) -> (&'static Function, Result<Option<Value<'static>>, Stop>) {
    let mut reader = Reader { left: call };
    let function = function(reader.word()).unwrap_or_else(|| panic!("no function: {call}"));
    assert!(reader.eat("("), "{call}");
    let args = reader.list(")");
    assert_eq!(reader.left, "", "{call}");
    let (least, most) = function.arity();
    assert!(args.len() >= least && most.is_none_or(|most| args.len() <= most), "{call}");
    (function, (function.call)(&args))
}

#[test]
fn every_example_holds() {
    for function in functions() {
        for example in function.examples {
            let (called, answer) = evaluate(example.call);
            assert_eq!(called.name, function.name, "{} stands under {}", example.call, function.name);
            match (example.gives, answer) {
                ("fails", Err(Stop::Failed(_))) => {
                    assert!(function.fails, "{} says that it cannot fail", function.name)
                }
                ("fails", other) => panic!("{} should fail, but gives {other:?}", example.call),
                (gives, Ok(answer)) => {
                    let expected = Reader { left: gives }.value();
                    assert!(same(answer.as_ref(), expected.as_ref()), "{} gives {answer:?}, not {gives}", example.call);
                    assert!(
                        answer.is_some() || function.may_be_missing,
                        "{} says that it is never missing",
                        function.name
                    );
                }
                (gives, Err(stop)) => panic!("{} should give {gives}, but {stop:?}", example.call),
            }
        }
    }
}

#[test]
fn every_function_is_described_and_exemplified() {
    let mut names: Vec<&str> = functions().map(|function| function.name).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "two functions have the same name");
    for function in functions() {
        let name = function.name;
        assert!(function.doc.ends_with(['.', '?']), "{name}");
        assert!(
            function.path.starts_with("mapwright_values::functions::") && function.path.ends_with(&format!("::{name}")),
            "{name}"
        );
        assert!(function.needs_now || !function.examples.is_empty(), "{name} has no example");
        assert_eq!(function.fails, !function.failure.is_empty(), "{name}");
        assert!(function.params.iter().rev().skip(1).all(|param| !param.repeated), "{name}");
        let gives = |what: &str| function.examples.iter().any(|example| example.gives == what);
        assert!(!function.may_be_missing || gives("missing"), "{name} shows no missing result");
        assert!(function.signature().starts_with(name));
    }
}

/// The inventory of the language, family by family. A function that is not in it is new: it needs its line here, so that none vanishes or
/// changes its name unnoticed. `fit`, `position`, `reverse_lookup` are forms that the compiler knows, and the manual lists them apart.
const INVENTORY: &str = "\
    trim trim_start trim_end collapse_spaces uppercase lowercase capitalize only_digits only_letters \
    remove_accents remove_unmappable strip_html cut left right substring before after split join concat pad_left \
    pad_right repeat length contains starts_with ends_with replace matches extract replace_pattern integer decimal \
    round floor ceiling abs min max clamp remainder format_number net_from_gross gross_from_net tax_in money \
    amount currency convert to_minor_units from_minor_units allocate date_in start_of_day in_zone now today \
    add_days add_months days_between start_of_month end_of_month weekday from_epoch to_epoch format_date \
    parse_date format_datetime parse_datetime first_present filled boolean text count sum average first last only \
    present distinct flatten chunk uuid_from sha256 base64 from_base64 country convert_unit valid_gtin valid_iban";

#[test]
fn the_inventory_is_complete() {
    let known: Vec<&str> = functions().map(|function| function.name).collect();
    let wanted: Vec<&str> = INVENTORY.split_whitespace().collect();
    assert_eq!(known, wanted);
    let manual = manual();
    for function in functions() {
        let title = format!("\n### {}\n", function.name);
        assert_eq!(manual.matches(&title).count(), 1, "the manual describes {} once", function.name);
        let fails = function.examples.iter().any(|example| example.gives == "fails");
        // No number that a line holds is too large for these; and `today` has no example without a clock.
        let by_no_literal = ["round", "floor", "ceiling", "sum", "average", "today"].contains(&function.name);
        assert!(fails || !function.fails || by_no_literal, "{} shows no failure", function.name);
    }
    for form in ["| fit`", "`position(x)`", "`reverse_lookup(TABLE, x)`"] {
        assert!(manual.contains(form), "{form}");
    }
}

fn any_value() -> impl Strategy<Value = Option<Value<'static>>> {
    let leaf = prop_oneof![
        Just(None),
        any::<String>().prop_map(|text| Some(Value::Text(Cow::Owned(text)))),
        prop_oneof![
            Just("%d.%m.%Y"),
            Just("%"),
            Just("Europe/Berlin"),
            Just("#,##0.00"),
            Just("1.234,56"),
            Just("half_up"),
            Just("seconds")
        ]
        .prop_map(|text| Some(Value::Text(Cow::Borrowed(text)))),
        (any::<i64>(), 0_u32..12)
            .prop_map(|(mantissa, scale)| Some(Value::Number(Decimal::literal(i128::from(mantissa), scale)))),
        (-40_i64..40).prop_map(|number| Some(Value::Number(Decimal::integer(number)))),
        (any::<i32>(), prop_oneof![Just("EUR"), Just("JPY"), Just("KWD")]).prop_map(|(number, currency)| {
            Some(Value::Money(money::money(Decimal::integer(i64::from(number)), currency.into()).unwrap()))
        }),
        any::<bool>().prop_map(|value| Some(Value::Boolean(value))),
        (-9999_i16..=9999, 1_i8..=12, 1_i8..=28)
            .prop_map(|(y, m, d)| Some(Value::Date(crate::time::Date::new(y, m, d).unwrap()))),
        (-377_705_023_201_i64..253_402_207_200)
            .prop_map(|second| Some(Value::Instant(crate::time::Instant::from_second(second).unwrap()))),
        any::<[u8; 16]>().prop_map(|bytes| Some(Value::Uuid(Uuid(bytes)))),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(|list| Some(Value::List(list))))
}

proptest! {
    #[test]
    fn no_function_panics_and_each_keeps_its_word(args in prop::collection::vec(any_value(), 0..5)) {
        for function in functions() {
            if let Ok(None) = (function.call)(&args) {
                prop_assert!(function.may_be_missing, "{} gave a missing value", function.name);
            }
        }
    }
}
