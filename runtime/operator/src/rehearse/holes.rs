//! What stands in the texts of a scene: paths, holes, conditions, sums. In: a tree or a term as it is written, and a record. Out: the
//! tree filled in, whether the record fits, or an amount to the cent. Never: a played system.

use std::collections::BTreeMap;

use mapwright_values::Json;
use mapwright_values::decimal::{Decimal, Mode};
use regex_lite::Regex;
use serde_json::Value;

/// Tax in percent by the code that a line carries.
pub(super) type Taxes = BTreeMap<String, Decimal>;

/// What holes are filled from.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    /// The entry of `each`, or the record.
    pub(super) entry: &'s Json<'static>,
    pub(super) record: &'s Json<'static>,
    /// `{#}`.
    pub(super) number: usize,
    pub(super) taxes: &'s Taxes,
}

/// One percent.
const PERCENT: Decimal = Decimal::literal(1, 2);

/// The sum of terms, to the cent: `path`, `list: field * field`, and with `+ tax by FIELD` each row to the cent and its tax, as an ERP
/// adds tax to a line.
pub(super) fn sum(record: &Json<'static>, terms: &[String], taxes: &Taxes) -> Result<Decimal, String> {
    let mut total = Decimal::integer(0);
    let broken = |term: &str| format!("rehearsal.yaml: `{term}` cannot be summed");
    for term in terms {
        let (list, product) =
            term.split_once(':').map_or((None, term.as_str()), |(list, product)| (Some(list.trim()), product));
        let (product, code) =
            product.split_once("+ tax by").map_or((product, None), |(product, code)| (product, Some(code.trim())));
        let rows: Vec<Json<'static>> = match list {
            Some(path) => all_at(record, path).into_iter().flat_map(entries).collect(),
            None => vec![record.clone()],
        };
        for row in rows {
            let mut value = Decimal::integer(1);
            for factor in product.split('*').map(str::trim) {
                let found = match factor.strip_prefix('-') {
                    Some(digits) if Decimal::parse(digits).is_ok() => Some(factor.to_owned()),
                    Some(_) | None if Decimal::parse(factor).is_ok() => Some(factor.to_owned()),
                    Some(_) | None => text_at(&row, factor),
                };
                // A line without an amount adds nothing.
                let factor = match found {
                    Some(text) if !text.is_empty() => {
                        Decimal::parse(&text.replace(',', ".")).map_err(|_| broken(term))?
                    }
                    Some(_) | None => Decimal::integer(0),
                };
                value = value.times(factor).map_err(|_| broken(term))?;
            }
            if let Some(code) = code {
                let code = text_at(&row, code).unwrap_or_default();
                let rate = taxes.get(&code).ok_or(format!("rehearsal.yaml: `taxes` has no rate of `{code}`"))?;
                value = value.round(2, Mode::HalfUp).map_err(|_| broken(term))?;
                let tax = value.times(*rate).map_err(|_| broken(term))?.times(PERCENT).map_err(|_| broken(term))?;
                let tax = tax.round(2, Mode::HalfUp).map_err(|_| broken(term))?;
                value = value.plus(tax).map_err(|_| broken(term))?;
            }
            total = total.plus(value).map_err(|_| broken(term))?;
        }
    }
    total.round(2, Mode::HalfUp).map_err(|_| "a sum is too large".to_owned())
}

pub(super) fn entries(value: &Json<'static>) -> Vec<Json<'static>> {
    match value {
        Json::List(list) => list.clone(),
        Json::Null => Vec::new(),
        lone => vec![lone.clone()],
    }
}

/// Every value at a dotted path; lists on the way are entered.
pub(super) fn all_at<'v>(record: &'v Json<'static>, path: &str) -> Vec<&'v Json<'static>> {
    path.split('.').fold(vec![record], |found, step| {
        found
            .into_iter()
            .flat_map(|value| match value {
                Json::List(list) => list.iter().collect(),
                lone => vec![lone],
            })
            .filter_map(|value| value.get(step))
            .collect()
    })
}

pub(super) fn text_at(record: &Json<'static>, path: &str) -> Option<String> {
    all_at(record, path).first().filter(|value| !value.is_null()).map(|value| plain(value))
}

pub(super) fn plain(value: &Json<'_>) -> String {
    match value {
        Json::Text(text) => text.as_ref().to_owned(),
        Json::Number(digits) => digits.as_ref().to_owned(),
        Json::Null => String::new(),
        Json::Boolean(_) | Json::List(_) | Json::Record(_) => value.to_text(),
    }
}

pub(super) fn fits(record: &Json<'static>, wanted: &BTreeMap<String, Value>) -> bool {
    wanted.iter().all(|(field, wanted)| {
        let found: Vec<String> = all_at(record, field).into_iter().map(plain).collect();
        let one = |wanted: &Value| match wanted {
            Value::String(text) => match text.strip_prefix('/').and_then(|text| text.strip_suffix('/')) {
                Some(pattern) => {
                    Regex::new(pattern).is_ok_and(|pattern| found.iter().any(|text| pattern.is_match(text)))
                }
                None => found.contains(text),
            },
            Value::Null => found.iter().all(String::is_empty),
            other => found.contains(&other.to_string()),
        };
        match wanted {
            Value::Array(all) => all.iter().any(one),
            lone => one(lone),
        }
    })
}

/// A tree with its holes filled in; `None` = it is a hole for which there is nothing.
pub(super) fn filled(tree: &Value, source: Source<'_>) -> Result<Option<Json<'static>>, String> {
    Ok(Some(match tree {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Boolean(*value),
        Value::Number(digits) => Json::Number(digits.to_string().into()),
        Value::Array(list) => {
            let mut all = Vec::new();
            for tree in list {
                all.extend(filled(tree, source)?);
            }
            Json::List(all)
        }
        Value::Object(members) => {
            let mut all = Vec::new();
            for (name, tree) in members {
                all.extend(filled(tree, source)?.map(|value| (name.clone().into(), value)));
            }
            Json::Record(all)
        }
        Value::String(text) => return text_filled(text, source),
    }))
}

/// What one hole holds.
fn hole_filled(hole: &str, source: Source<'_>) -> Result<Option<Json<'static>>, String> {
    if hole == "#" {
        return Ok(Some(Json::Number(source.number.to_string().into())));
    }
    if let Some(terms) = hole.strip_prefix("sum ") {
        let terms: Vec<String> = terms.split(';').map(|term| term.trim().to_owned()).collect();
        return Ok(Some(Json::Number(sum(source.entry, &terms, source.taxes)?.to_string().into())));
    }
    let (path, pattern) = hole.split_once('~').map_or((hole, None), |(path, pattern)| (path, Some(pattern.trim())));
    let path = path.trim();
    let found = match path.strip_prefix("^.") {
        Some(path) => all_at(source.record, path),
        None if path == "." => vec![source.entry],
        None => all_at(source.entry, path),
    };
    let found = found.into_iter().find(|value| !value.is_null()).cloned();
    let (Some(found), Some(pattern)) = (&found, pattern) else { return Ok(found) };
    let regex = Regex::new(pattern).map_err(|error| format!("rehearsal.yaml: {pattern}: {error}"))?;
    let text = plain(found);
    let part = regex.captures(&text).and_then(|found| found.get(1).or_else(|| found.get(0)));
    Ok(part.map(|part| Json::text(part.as_str().to_owned())))
}

/// One hole alone keeps the value's type.
fn text_filled(text: &str, source: Source<'_>) -> Result<Option<Json<'static>>, String> {
    if let Some(hole) = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .filter(|hole| !hole.contains("}{") && !hole.contains("} "))
    {
        return hole_filled(hole, source);
    }
    let mut built = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (hole, after) =
            after.split_once('}').ok_or(format!("rehearsal.yaml: `{text}` has a brace that is not closed"))?;
        built.push_str(before);
        built.push_str(&hole_filled(hole, source)?.map(|value| plain(&value)).unwrap_or_default());
        rest = after;
    }
    built.push_str(rest);
    Ok(Some(Json::text(built)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Json<'static> {
        let text = r#"{"number":"SW-1","total":12.50,"rows":[{"q":2,"p":"1.25"},{"q":1,"p":"10.00"}],"state":{"name":"open"}}"#;
        Json::parse(text).unwrap().into_owned()
    }

    fn source<'s>(record: &'s Json<'static>, taxes: &'s Taxes) -> Source<'s> {
        Source { entry: record, record, number: 3, taxes }
    }

    #[test]
    fn holes_keep_types_and_take_parts() {
        let tree: Value =
            serde_json::json!({"a": "{total}", "b": "x{number ~ ^SW-(.*)$}", "c": "{nothing}", "n": "{#}"});
        let made = filled(&tree, source(&record(), &Taxes::new())).unwrap().unwrap();
        assert_eq!(made.to_text(), r#"{"a":12.50,"b":"x1","n":3}"#);
    }

    #[test]
    fn sums_agree_to_the_cent() {
        let of = |terms: &[&str]| {
            sum(&record(), &terms.iter().map(|term| (*term).to_owned()).collect::<Vec<_>>(), &Taxes::new()).unwrap()
        };
        assert_eq!(of(&["rows: q * p"]), of(&["total"]));
        assert!(of(&["rows: q"]) != of(&["total"]));
        assert!(sum(&record(), &["number".to_owned()], &Taxes::new()).is_err());
    }

    #[test]
    fn tax_is_added_to_each_row_to_the_cent() {
        let text = r#"{"rows":[{"q":3,"p":"0.333333","t":"A1"},{"q":1,"p":10.05,"t":"A2"}],"fee":[]}"#;
        let order: Json<'static> = Json::parse(text).unwrap().into_owned();
        let taxes = Taxes::from([("A1".to_owned(), Decimal::integer(19)), ("A2".to_owned(), Decimal::integer(7))]);
        let made =
            text_filled("{sum rows: q * p + tax by t; fee: p + tax by t}", source(&order, &taxes)).unwrap().unwrap();
        // 1.00 + 0.19, 10.05 + 0.70
        assert_eq!(made.to_text(), "11.94");
        let unknown = sum(&order, &["rows: q * p + tax by t".to_owned()], &Taxes::new()).unwrap_err();
        assert!(unknown.contains("no rate of `A1`"), "{unknown}");
    }

    #[test]
    fn conditions_are_texts_patterns_and_lists() {
        let wanted = |text: &str| serde_json::from_str::<BTreeMap<String, Value>>(text).unwrap();
        assert!(fits(&record(), &wanted(r#"{"state.name":["open","done"],"number":"/^SW-/"}"#)));
        assert!(!fits(&record(), &wanted(r#"{"state.name":"done"}"#)));
        assert!(fits(&record(), &wanted(r#"{"missing":null}"#)));
    }
}
