//! What stands in the texts of a scene: paths, holes, conditions, sums. In: a tree or a term as it is written, and a record. Out: the
//! tree filled in, whether the record fits, or an amount to the cent. Never: a played system.

use std::collections::BTreeMap;

use mapwright_values::Json;
use mapwright_values::decimal::{Decimal, Mode};
use mapwright_values::functions::money::allocate;
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

/// A term of a sum: `path`, or `list: field * field` with what is taken off and put on.
struct Term<'t> {
    written: &'t str,
    /// The list whose rows are added up; none = the record itself.
    list: Option<&'t str>,
    factors: Vec<&'t str>,
    /// `less FIELD`: the field holds a discount in percent.
    less: Option<&'t str>,
    tax: Option<Tax<'t>>,
}

/// Tax that is added; the field of a row holds its code.
enum Tax<'t> {
    /// `+ tax by FIELD`: row by row.
    OfRows(&'t str),
    /// `+ tax on totals by FIELD sharing PATH`: code by code. What stands at `PATH` of the record is shared out over the codes, as freight is.
    OfTotals { code: &'t str, sharing: Option<&'t str> },
}

impl<'t> Term<'t> {
    fn parse(written: &'t str) -> Self {
        let halves = |text: &'t str, word: &str| text.split_once(word).map(|(left, right)| (left.trim(), right.trim()));
        let (list, rest) = halves(written, ":").map_or((None, written), |(list, rest)| (Some(list), rest));
        let (rest, tax) = match (halves(rest, "+ tax on totals by "), halves(rest, "+ tax by ")) {
            (Some((rest, by)), _) => {
                let (code, sharing) = halves(by, " sharing ").map_or((by, None), |(code, path)| (code, Some(path)));
                (rest, Some(Tax::OfTotals { code, sharing }))
            }
            (None, Some((rest, code))) => (rest, Some(Tax::OfRows(code))),
            (None, None) => (rest, None),
        };
        let (rest, less) = halves(rest, " less ").map_or((rest, None), |(rest, less)| (rest, Some(less)));
        Self { written, list, factors: rest.split('*').map(str::trim).collect(), less, tax }
    }

    fn broken<E>(&self) -> impl Fn(E) -> String {
        move |_| format!("rehearsal.yaml: `{}` cannot be summed", self.written)
    }

    /// A number that stands in the term, or in a field of the row; a line without an amount adds nothing.
    fn number(&self, row: &Json<'static>, factor: &str) -> Result<Decimal, String> {
        if let Ok(number) = Decimal::parse(factor) {
            return Ok(number);
        }
        match text_at(row, factor) {
            Some(text) if !text.is_empty() => Decimal::parse(&text.replace(',', ".")).map_err(self.broken()),
            Some(_) | None => Ok(Decimal::ZERO),
        }
    }

    /// What a row comes to without tax; one of a list to the cent, as an ERP rounds each line.
    fn row(&self, row: &Json<'static>) -> Result<Decimal, String> {
        let mut value = Decimal::ONE;
        for factor in &self.factors {
            value = value.times(self.number(row, factor)?).map_err(self.broken())?;
        }
        if let Some(less) = self.less {
            let left = Decimal::HUNDRED.minus(self.number(row, less)?).map_err(self.broken())?;
            value = value.times(left).map_err(self.broken())?.times(PERCENT).map_err(self.broken())?;
        }
        match (self.list, &self.tax) {
            (None, None) => Ok(value),
            (Some(_), _) | (None, Some(_)) => value.round(2, Mode::HalfUp).map_err(self.broken()),
        }
    }

    /// A value and its tax, to the cent.
    fn with_tax(&self, value: Decimal, code: &str, taxes: &Taxes) -> Result<Decimal, String> {
        let rate = taxes.get(code).ok_or(format!("rehearsal.yaml: `taxes` has no rate of `{code}`"))?;
        let tax = value.times(*rate).map_err(self.broken())?.times(PERCENT).map_err(self.broken())?;
        value.plus(tax.round(2, Mode::HalfUp).map_err(self.broken())?).map_err(self.broken())
    }

    fn sum(&self, record: &Json<'static>, taxes: &Taxes) -> Result<Decimal, String> {
        let rows: Vec<Json<'static>> = match self.list {
            Some(path) => all_at(record, path).into_iter().flat_map(entries).collect(),
            None => vec![record.clone()],
        };
        let code_of = |row: &Json<'static>, field: &str| text_at(row, field).unwrap_or_default();
        let mut total = Decimal::ZERO;
        let mut by_code: Vec<(String, Decimal)> = Vec::new();
        for row in rows {
            let value = self.row(&row)?;
            let value = match &self.tax {
                Some(Tax::OfRows(field)) => self.with_tax(value, &code_of(&row, field), taxes)?,
                Some(Tax::OfTotals { code, .. }) => {
                    let code = code_of(&row, code);
                    match by_code.iter_mut().find(|(known, _)| *known == code) {
                        Some((_, sum)) => *sum = sum.plus(value).map_err(self.broken())?,
                        None => by_code.push((code, value)),
                    }
                    continue;
                }
                None => value,
            };
            total = total.plus(value).map_err(self.broken())?;
        }
        if let Some(Tax::OfTotals { sharing: Some(path), .. }) = &self.tax {
            self.share(self.number(record, path)?, &mut by_code)?;
        }
        for (code, sum) in by_code {
            total = total.plus(self.with_tax(sum, &code, taxes)?).map_err(self.broken())?;
        }
        Ok(total)
    }

    /// Shares an amount out over the codes in proportion; where nothing costs anything, the first has it all.
    fn share(&self, amount: Decimal, by_code: &mut [(String, Decimal)]) -> Result<(), String> {
        let weights: Vec<Decimal> = by_code.iter().map(|(_, sum)| *sum).collect();
        let shares = match weights.iter().all(|weight| weight.is_zero()) {
            true => vec![amount],
            false => allocate(amount, weights, Decimal::integer(2)).map_err(self.broken())?,
        };
        for ((_, sum), share) in by_code.iter_mut().zip(shares) {
            *sum = sum.plus(share).map_err(self.broken())?;
        }
        Ok(())
    }
}

/// The sum of terms, to the cent: `path`, or `list: field * field` with each row to the cent.
pub(super) fn sum(record: &Json<'static>, terms: &[String], taxes: &Taxes) -> Result<Decimal, String> {
    let mut total = Decimal::ZERO;
    for term in terms.iter().map(|term| Term::parse(term)) {
        total = total.plus(term.sum(record, taxes)?).map_err(term.broken())?;
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
        assert_eq!(of(&["rows: q * p", "rows: -1 * q"]), Decimal::parse("9.50").unwrap());
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
    fn each_row_counts_to_the_cent_less_its_discount() {
        let text = r#"{"rows":[{"q":1,"p":0.333,"d":0},{"q":1,"p":0.333},{"q":5,"p":8.33,"d":10}]}"#;
        let order: Json<'static> = Json::parse(text).unwrap().into_owned();
        let of = |term: &str| sum(&order, &[term.to_owned()], &Taxes::new()).unwrap();
        assert_eq!(of("rows: q * p"), Decimal::parse("42.31").unwrap(), "0.33 + 0.33 + 41.65");
        assert_eq!(of("rows: q * p less d"), Decimal::parse("38.15").unwrap(), "0.33 + 0.33 + 37.49");
    }

    #[test]
    fn tax_is_added_to_the_total_of_each_code_with_its_share_of_the_freight() {
        let text = r#"{"rows":[{"p":10.03,"t":"A1"},{"p":10.03,"t":"A1"},{"p":10.03,"t":"A1"},{"p":10,"t":"A2"}],"freight":4.00}"#;
        let order: Json<'static> = Json::parse(text).unwrap().into_owned();
        let taxes = Taxes::from([("A1".to_owned(), Decimal::integer(19)), ("A2".to_owned(), Decimal::integer(7))]);
        let of = |term: &str| sum(&order, &[term.to_owned()], &taxes).unwrap().to_string();
        assert_eq!(of("rows: p + tax by t"), "46.52", "three times 10.03 + 1.91, and 10.70");
        assert_eq!(of("rows: p + tax on totals by t"), "46.51", "30.09 + 5.72, and 10.70");
        assert_eq!(of("rows: p + tax on totals by t sharing freight"), "51.15", "33.09 + 6.29, and 11 + 0.77");
        let free = Json::parse(r#"{"rows":[{"p":0,"t":"A2"},{"p":0,"t":"A1"}],"freight":1}"#).unwrap().into_owned();
        let term = ["rows: p + tax on totals by t sharing freight".to_owned()];
        assert_eq!(sum(&free, &term, &taxes).unwrap().to_string(), "1.07");
    }

    #[test]
    fn conditions_are_texts_patterns_and_lists() {
        let wanted = |text: &str| serde_json::from_str::<BTreeMap<String, Value>>(text).unwrap();
        assert!(fits(&record(), &wanted(r#"{"state.name":["open","done"],"number":"/^SW-/"}"#)));
        assert!(!fits(&record(), &wanted(r#"{"state.name":"done"}"#)));
        assert!(fits(&record(), &wanted(r#"{"missing":null}"#)));
    }
}
