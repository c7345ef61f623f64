//! Settings of a deployment, checked against the plan.
//!
//! In: what the project declares and what the deployment file gives. Out: one record with every default filled in, or everything that is
//! wrong, all at once, in an operator's words. Never a value that a mapping would trip over later.

use std::borrow::Cow;

use crate::fault::{Stop, shortened};
use crate::json::Json;
use crate::names::closest;
use crate::node::Node;
use crate::plan::{FieldPlan, Kind, SettingPlan};

/// Settings in the plan's order: the given value, else the default. `null` counts as not given.
///
/// # Errors
/// Every unknown name, wrong value and missing value.
pub fn check_settings(plan: &[SettingPlan], given: &Json<'_>) -> Result<Json<'static>, Vec<String>> {
    let given = match given {
        Json::Record(members) => members.as_slice(),
        Json::Null => &[],
        Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
            return Err(vec![format!(
                "the settings should be a record of names and values, but are {}",
                given.kind_name()
            )]);
        }
    };
    let mut problems: Vec<String> = given.iter().filter_map(|(name, _)| unknown_name(plan, name)).collect();
    let mut settings = Vec::with_capacity(plan.len());
    for setting in plan {
        let value = given.iter().find(|(name, value)| name == setting.name && !value.is_null()).map(|(_, value)| value);
        match chosen(setting, value) {
            Ok(value) => settings.push((Cow::Owned(setting.name.to_owned()), value)),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(Json::Record(settings)) } else { Err(problems) }
}

fn unknown_name(plan: &[SettingPlan], name: &str) -> Option<String> {
    if plan.iter().any(|setting| setting.name == name) {
        return None;
    }
    let hint = closest(name, plan.iter().map(|setting| setting.name))
        .map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
    Some(format!("there is no setting `{}`{hint}", shortened(name)))
}

fn chosen(setting: &SettingPlan, given: Option<&Json<'_>>) -> Result<Json<'static>, String> {
    let SettingPlan { name, kind, default, doc } = setting;
    let value = match (given, default) {
        (Some(value), _) => value.clone().into_owned(),
        (None, Some(text)) => Json::parse(text)
            .map_err(|fault| format!("the default of setting `{name}` is no JSON: {fault}"))?
            .into_owned(),
        (None, None) => {
            let about = if doc.is_empty() { String::new() } else { format!(" ({doc})") };
            return Err(format!(
                "setting `{name}`{about} has no default: give {} in the deployment file",
                expected(kind)
            ));
        }
    };
    if is_of(kind, &Node::borrowed(&value, *name)) {
        return Ok(value);
    }
    Err(format!("setting `{name}` is {}, but should be {}", shortened(&value), expected(kind)))
}

/// Is there a value, and is it of that kind?
fn is_of(kind: &Kind, node: &Node<'_>) -> bool {
    let here = &[];
    match kind {
        Kind::Text(max) => there(node.text(here, *max)),
        Kind::Integer => there(node.integer(here, None, None)),
        Kind::Decimal(precision, scale) => there(node.decimal(here, *precision, *scale)),
        Kind::Boolean(None) => there(node.boolean(here)),
        Kind::Boolean(Some((yes, no))) => there(node.boolean_as(here, yes, no)),
        Kind::Date => there(node.date(here)),
        Kind::Time => there(node.time(here)),
        Kind::DateTime => there(node.instant(here)),
        Kind::Uuid(_) => there(node.uuid(here)),
        Kind::Enum(words) => there(node.word(here, words)),
        Kind::Record(fields) => there(node.record(here)) && fields.iter().all(|field| has_field(field, node)),
        Kind::List(of) => match node.list(here) {
            Ok(Some(elements)) => elements.iter().all(|element| is_of(of, element)),
            Ok(None) | Err(_) => false,
        },
        Kind::Json => true,
    }
}

fn has_field(field: &FieldPlan, node: &Node<'_>) -> bool {
    match node.content().get(field.name) {
        None | Some(Json::Null) => field.optional,
        Some(value) => is_of(&field.kind, &Node::owned(value.clone(), field.name)),
    }
}

fn there<T>(read: Result<Option<T>, Stop>) -> bool {
    matches!(read, Ok(Some(_)))
}

/// What a value of that kind is, in words.
fn expected(kind: &Kind) -> String {
    match kind {
        Kind::Text(None) => "text".to_owned(),
        Kind::Text(Some(max)) => format!("text of at most {max} characters"),
        Kind::Integer => "a whole number".to_owned(),
        Kind::Decimal(precision, scale) => {
            format!(
                "a number with at most {} digits before and {scale} after the point",
                precision.saturating_sub(*scale)
            )
        }
        Kind::Boolean(None) => "true or false".to_owned(),
        Kind::Boolean(Some((yes, no))) => format!("\"{yes}\" or \"{no}\""),
        Kind::Date => "a date (\"2026-11-02\")".to_owned(),
        Kind::Time => "a time of day (\"09:15\")".to_owned(),
        Kind::DateTime => "a point in time (\"2026-11-02T09:15:00+01:00\")".to_owned(),
        Kind::Uuid(_) => "a UUID (32 hex digits)".to_owned(),
        Kind::Enum(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            format!("one of {}", words.join(", "))
        }
        Kind::Record(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|field| format!("{} ({})", field.name, expected(&field.kind))).collect();
            format!("a record of {}", fields.join(", "))
        }
        Kind::List(of) => format!("a list, each element {}", expected(of)),
        Kind::Json => "any value".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &[SettingPlan] = &[
        SettingPlan {
            name: "zone",
            kind: Kind::Text(None),
            default: Some("\"Europe/Berlin\""),
            doc: "Zone of the days",
        },
        SettingPlan { name: "order_prefix", kind: Kind::Text(Some(6)), default: Some("\"SW-\""), doc: "" },
        SettingPlan { name: "freight_code", kind: Kind::Integer, default: None, doc: "Expense code of shipping" },
        SettingPlan { name: "warehouses", kind: Kind::List(&Kind::Text(Some(2))), default: Some("[\"01\"]"), doc: "" },
        SettingPlan { name: "channel", kind: Kind::Uuid(true), default: None, doc: "" },
    ];

    fn check(text: &str) -> Result<String, Vec<String>> {
        check_settings(PLAN, &Json::parse(text).unwrap()).map(|settings| settings.to_text())
    }

    #[test]
    fn defaults_are_filled_in_the_order_of_the_plan() {
        assert_eq!(
            check(r#"{"channel":"018f3c2a9b7d7e41a5c60d1e2f3a4b5c","freight_code":2,"zone":null}"#).unwrap(),
            r#"{"zone":"Europe/Berlin","order_prefix":"SW-","freight_code":2,"warehouses":["01"],"channel":"018f3c2a9b7d7e41a5c60d1e2f3a4b5c"}"#
        );
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let problems =
            check(r#"{"order_prefx":"A","order_prefix":"TOO-LONG","freight_code":1.5,"warehouses":["001"]}"#)
                .unwrap_err();
        assert_eq!(
            problems,
            [
                "there is no setting `order_prefx`: did you mean `order_prefix`?",
                "setting `order_prefix` is \"TOO-LONG\", but should be text of at most 6 characters",
                "setting `freight_code` is 1.5, but should be a whole number",
                "setting `warehouses` is [\"001\"], but should be a list, each element text of at most 2 characters",
                "setting `channel` has no default: give a UUID (32 hex digits) in the deployment file",
            ]
        );
        assert_eq!(check("[]").unwrap_err(), ["the settings should be a record of names and values, but are a list"]);
        let problems = check("null").unwrap_err();
        assert_eq!(
            problems[0],
            "setting `freight_code` (Expense code of shipping) has no default: give a whole number in the deployment file"
        );
    }

    #[test]
    fn records_are_checked_field_by_field() {
        const FIELDS: &[FieldPlan] = &[FieldPlan::new("code", Kind::Integer).required()];
        const ONE: &[SettingPlan] = &[SettingPlan { name: "r", kind: Kind::Record(FIELDS), default: None, doc: "" }];
        let check = |text: &str| check_settings(ONE, &Json::parse(text).unwrap());
        assert!(check(r#"{"r":{"code":1}}"#).is_ok());
        assert_eq!(
            check(r#"{"r":{"code":"1"}}"#),
            Err(vec!["setting `r` is {\"code\":\"1\"}, but should be a record of code (a whole number)".to_owned()])
        );
    }
}
