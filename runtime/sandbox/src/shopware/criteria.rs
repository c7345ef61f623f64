//! Search criteria: what `POST /api/search/{entity}` carries in its body.
//!
//! In: JSON and the field list. Out: [`Criteria`], and which records fit in which order.
//! Never: rendering; what a record shows is decided in `associations.rs`.

use super::problem::Problem;
use super::schema::Schema;
use crate::money;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Nested filters and associations deeper than this are refused, so that a request cannot exhaust the stack.
const DEPTH_MAX: u32 = 16;

/// Criteria keys that the vendor knows and the sandbox does not play.
const NOT_PLAYED: &[&str] =
    &["includes", "fields", "aggregations", "grouping", "post-filter", "query", "term", "excludes"];

/// A checked search.
#[derive(Debug, Default)]
pub(super) struct Criteria {
    pub(super) ids: Option<BTreeSet<String>>,
    pub(super) page: usize,
    pub(super) limit: usize,
    pub(super) total: TotalCount,
    pub(super) associations: BTreeMap<String, Association>,
    filters: Vec<Filter>,
    sorting: Vec<Sorting>,
}

/// What `total` means in the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TotalCount {
    /// The rows of this page.
    #[default]
    Page,
    /// All rows that fit.
    Exact,
    /// A hint how many rows follow.
    NextPages,
}

/// An association that was asked for.
#[derive(Debug, Default)]
pub(super) struct Association {
    pub(super) limit: Option<usize>,
    pub(super) nested: BTreeMap<String, Association>,
    filters: Vec<Filter>,
    sorting: Vec<Sorting>,
}

impl Association {
    /// The elements of a list association that fit, in order and cut to the association's own limit.
    pub(super) fn select<'a>(&self, elements: &'a [Value]) -> Vec<&'a Value> {
        let mut chosen: Vec<&Value> =
            elements.iter().filter(|element| self.filters.iter().all(|filter| filter.fits(element))).collect();
        sort(&mut chosen, &self.sorting);
        chosen.truncate(self.limit.unwrap_or(usize::MAX));
        chosen
    }
}

#[derive(Debug)]
struct Sorting {
    path: Vec<String>,
    descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextMatch {
    Contains,
    Prefix,
    Suffix,
}

#[derive(Clone, Copy, Debug)]
enum Bound {
    Above,
    From,
    Below,
    UpTo,
}

#[derive(Debug)]
enum Filter {
    Equals { path: Vec<String>, values: Vec<Value> },
    Text { how: TextMatch, path: Vec<String>, value: String },
    Range { path: Vec<String>, bounds: Vec<(Bound, Value)> },
    Multi { all: bool, negate: bool, parts: Vec<Filter> },
}

impl Criteria {
    /// Reads and checks a criteria object for `entity`.
    pub(super) fn parse(schema: &Schema, entity: &str, body: &Value, limit_max: usize) -> Result<Self, Problem> {
        let fields = body.as_object().ok_or_else(|| invalid("The criteria must be a JSON object."))?;
        if let Some(key) = NOT_PLAYED.iter().find(|key| fields.get(**key).is_some_and(|value| !is_blank(value))) {
            return Err(Problem::not_simulated(format!("criteria key {key}")));
        }
        let mode = fields.get("total-count-mode");
        let total = match (mode.and_then(Value::as_str), mode.map(as_integer)) {
            (_, None | Some(Some(0))) | (Some("none"), _) => TotalCount::Page,
            (_, Some(Some(1))) | (Some("exact"), _) => TotalCount::Exact,
            (_, Some(Some(2))) | (Some("next-pages"), _) => TotalCount::NextPages,
            (_, Some(_)) => return Err(invalid("total-count-mode must be none, exact or next-pages.")),
        };
        Ok(Self {
            ids: ids(fields)?,
            page: page(fields)?,
            limit: limit(fields, limit_max)?.unwrap_or(limit_max),
            total,
            associations: associations(schema, entity, fields, 0)?,
            filters: filters(schema, entity, fields.get("filter"), 0)?,
            sorting: sorting(schema, entity, fields.get("sort"))?,
        })
    }

    /// The records that fit, in order, over all pages.
    pub(super) fn select<'a>(&self, records: impl Iterator<Item = &'a Value>) -> Vec<&'a Value> {
        let by_id = |record: &&Value| {
            self.ids
                .as_ref()
                .is_none_or(|ids| record.get("id").and_then(Value::as_str).is_some_and(|id| ids.contains(id)))
        };
        let mut chosen: Vec<&Value> =
            records.filter(by_id).filter(|record| self.filters.iter().all(|filter| filter.fits(record))).collect();
        sort(&mut chosen, &self.sorting);
        chosen
    }
}

fn invalid(detail: &str) -> Problem {
    Problem::new(400, "FRAMEWORK__INVALID_CRITERIA", detail)
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn as_integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn ids(fields: &Map<String, Value>) -> Result<Option<BTreeSet<String>>, Problem> {
    let list = match fields.get("ids") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<BTreeSet<_>>(),
        Some(Value::String(text)) => text.split('|').map(str::to_owned).collect(),
        Some(_) => return Err(invalid("ids must be a list of ids.")),
    };
    let is_id = |id: &String| id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match list.iter().find(|id| !is_id(id)) {
        Some(bad) => Err(Problem::new(400, "FRAMEWORK__INVALID_UUID", format!("Value is not a valid UUID: {bad}"))),
        None if list.is_empty() => Ok(None),
        None => Ok(Some(list)),
    }
}

fn page(fields: &Map<String, Value>) -> Result<usize, Problem> {
    let Some(given) = fields.get("page") else { return Ok(1) };
    let page = as_integer(given).and_then(|page| usize::try_from(page).ok()).filter(|page| *page >= 1);
    page.ok_or_else(|| {
        let detail = format!("The page parameter must be a positive integer. Given: {given}");
        Problem::new(400, "FRAMEWORK__INVALID_PAGE_QUERY", detail)
    })
}

fn limit(fields: &Map<String, Value>, limit_max: usize) -> Result<Option<usize>, Problem> {
    let Some(given) = fields.get("limit").filter(|given| !given.is_null()) else { return Ok(None) };
    let limit = as_integer(given).and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit >= 1);
    let Some(limit) = limit else {
        let detail = format!("The limit must be a positive integer greater or equals than 1. Given: {given}");
        return Err(Problem::new(400, "FRAMEWORK__INVALID_LIMIT_QUERY", detail));
    };
    if limit > limit_max {
        let detail = format!("The limit must be lower than or equal to MAX_LIMIT(={limit_max}). Given: {limit}");
        return Err(Problem::new(400, "FRAMEWORK__QUERY_LIMIT_EXCEEDED", detail));
    }
    Ok(Some(limit))
}

fn associations(
    schema: &Schema,
    entity: &str,
    fields: &Map<String, Value>,
    depth: u32,
) -> Result<BTreeMap<String, Association>, Problem> {
    if depth > DEPTH_MAX {
        return Err(invalid("The associations are nested too deeply."));
    }
    let asked = match fields.get("associations") {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        // PHP prints an empty map as an empty list.
        Some(Value::Array(list)) if list.is_empty() => return Ok(BTreeMap::new()),
        Some(Value::Object(asked)) => asked,
        Some(_) => return Err(invalid("associations must be an object.")),
    };
    let empty = Map::new();
    let mut found = BTreeMap::new();
    for (name, inner) in asked {
        let target = schema.played_association(entity, name)?;
        let inner = match inner {
            Value::Object(inner) => inner,
            Value::Array(list) if list.is_empty() => &empty,
            _ => return Err(invalid("an association must be an object.")),
        };
        let association = Association {
            limit: limit(inner, usize::MAX)?,
            nested: associations(schema, &target.entity, inner, depth + 1)?,
            filters: filters(schema, &target.entity, inner.get("filter"), 0)?,
            sorting: sorting(schema, &target.entity, inner.get("sort"))?,
        };
        found.insert(name.clone(), association);
    }
    Ok(found)
}

fn sorting(schema: &Schema, entity: &str, given: Option<&Value>) -> Result<Vec<Sorting>, Problem> {
    let list = match given {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(invalid("sort must be a list.")),
    };
    let mut keys = Vec::new();
    for key in list {
        let field = key.get("field").and_then(Value::as_str).ok_or_else(|| invalid("a sorting needs a field."))?;
        let order = key.get("order").and_then(Value::as_str).unwrap_or("ASC");
        let descending = match order.to_ascii_uppercase().as_str() {
            "ASC" => false,
            "DESC" => true,
            _ => return Err(invalid("order must be ASC or DESC.")),
        };
        keys.push(Sorting { path: schema.path(entity, field)?, descending });
    }
    Ok(keys)
}

fn filters(schema: &Schema, entity: &str, given: Option<&Value>, depth: u32) -> Result<Vec<Filter>, Problem> {
    match given {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(|one| filter(schema, entity, one, depth)).collect(),
        Some(_) => Err(invalid("filter must be a list.")),
    }
}

fn filter(schema: &Schema, entity: &str, given: &Value, depth: u32) -> Result<Filter, Problem> {
    if depth > DEPTH_MAX {
        return Err(invalid("The filters are nested too deeply."));
    }
    let kind = given.get("type").and_then(Value::as_str).unwrap_or_default();
    let path = || {
        let field = given.get("field").and_then(Value::as_str).filter(|field| !field.is_empty());
        let missing = || {
            Problem::new(
                400,
                "FRAMEWORK__INVALID_FILTER_QUERY",
                format!("Parameter \"field\" for {kind} filter is missing."),
            )
        };
        schema.path(entity, field.ok_or_else(missing)?)
    };
    let value = || {
        let missing = || {
            Problem::new(
                400,
                "FRAMEWORK__INVALID_FILTER_QUERY",
                format!("Parameter \"value\" for {kind} filter is missing."),
            )
        };
        given.get("value").cloned().ok_or_else(missing)
    };
    let text = |how| -> Result<Filter, Problem> {
        let value = match value()? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Ok(Filter::Text { how, path: path()?, value })
    };
    match kind {
        "equals" => Ok(Filter::Equals { path: path()?, values: vec![value()?] }),
        "equalsAny" => {
            let values = match value()? {
                Value::Array(values) => values,
                Value::String(joined) => joined.split('|').map(|one| Value::String(one.to_owned())).collect(),
                single => vec![single],
            };
            Ok(Filter::Equals { path: path()?, values })
        }
        "contains" => text(TextMatch::Contains),
        "prefix" => text(TextMatch::Prefix),
        "suffix" => text(TextMatch::Suffix),
        "range" => Ok(Filter::Range { path: path()?, bounds: bounds(given)? }),
        "not" | "multi" => {
            let operator = given.get("operator").and_then(Value::as_str).unwrap_or("and").to_ascii_lowercase();
            let (all, negate) = match operator.as_str() {
                "and" => (true, false),
                "or" => (false, false),
                "nand" => (true, true),
                "nor" => (false, true),
                _ => {
                    return Err(Problem::new(
                        400,
                        "FRAMEWORK__INVALID_FILTER_QUERY",
                        format!("Operator \"{operator}\" is unknown."),
                    ));
                }
            };
            let parts = filters(schema, entity, given.get("queries"), depth + 1)?;
            Ok(Filter::Multi { all, negate: negate != (kind == "not"), parts })
        }
        _ => Err(Problem::new(400, "FRAMEWORK__INVALID_FILTER_QUERY", format!("Unsupported filter type \"{kind}\"."))),
    }
}

fn bounds(given: &Value) -> Result<Vec<(Bound, Value)>, Problem> {
    let missing = || {
        Problem::new(400, "FRAMEWORK__INVALID_FILTER_QUERY", "Parameter \"parameters\" for range filter is missing.")
    };
    let parameters =
        given.get("parameters").and_then(Value::as_object).filter(|map| !map.is_empty()).ok_or_else(missing)?;
    parameters
        .iter()
        .map(|(name, value)| {
            let bound = match name.as_str() {
                "gt" => Bound::Above,
                "gte" => Bound::From,
                "lt" => Bound::Below,
                "lte" => Bound::UpTo,
                _ => {
                    return Err(Problem::new(
                        400,
                        "FRAMEWORK__INVALID_FILTER_QUERY",
                        format!("Range parameter \"{name}\" is unknown."),
                    ));
                }
            };
            Ok((bound, value.clone()))
        })
        .collect()
}

impl Filter {
    fn fits(&self, record: &Value) -> bool {
        match self {
            Self::Equals { path, values } => {
                reach(record, path).iter().any(|found| values.iter().any(|value| same(found, value)))
            }
            Self::Text { how, path, value } => {
                let wanted = value.to_lowercase();
                reach(record, path).iter().any(|found| {
                    let Value::String(found) = found else { return false };
                    let found = found.to_lowercase();
                    match how {
                        TextMatch::Contains => found.contains(&wanted),
                        TextMatch::Prefix => found.starts_with(&wanted),
                        TextMatch::Suffix => found.ends_with(&wanted),
                    }
                })
            }
            Self::Range { path, bounds } => {
                reach(record, path).iter().any(|found| bounds.iter().all(|(bound, value)| within(found, *bound, value)))
            }
            Self::Multi { all, negate, parts } => {
                let holds = if *all {
                    parts.iter().all(|part| part.fits(record))
                } else {
                    parts.iter().any(|part| part.fits(record))
                };
                holds != *negate
            }
        }
    }
}

fn within(found: &Value, bound: Bound, value: &Value) -> bool {
    let Some(order) = compare(found, value) else { return false };
    match bound {
        Bound::Above => order == Ordering::Greater,
        Bound::From => order != Ordering::Less,
        Bound::Below => order == Ordering::Less,
        Bound::UpTo => order != Ordering::Greater,
    }
}

/// Every value that a path reaches, through lists as well. A missing value counts as `null`, as in a left join.
fn reach<'a>(record: &'a Value, path: &[String]) -> Vec<&'a Value> {
    let mut reached = vec![record];
    for part in path {
        reached = reached.into_iter().flat_map(|value| step(value, part)).collect();
    }
    reached
}

fn step<'a>(value: &'a Value, part: &str) -> Vec<&'a Value> {
    match value {
        Value::Array(list) if list.is_empty() => vec![&Value::Null],
        Value::Array(list) => list.iter().map(|element| element.get(part).unwrap_or(&Value::Null)).collect(),
        other => vec![other.get(part).unwrap_or(&Value::Null)],
    }
}

fn same(found: &Value, wanted: &Value) -> bool {
    if found.is_null() || wanted.is_null() {
        return found.is_null() && wanted.is_null();
    }
    compare(found, wanted) == Some(Ordering::Equal)
}

/// Compares as the shop's database does: numbers as numbers, dates as dates, text without regard to case.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::String(left), Value::String(right)) => Some(match (moment(left), moment(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            (_, _) => left.to_lowercase().cmp(&right.to_lowercase()),
        }),
        (Value::Array(list), wanted) => list.iter().filter_map(|one| compare(one, wanted)).min(),
        (left, right) => Some(numeric(left)?.cmp(&numeric(right)?)),
    }
}

fn numeric(value: &Value) -> Option<rust_decimal::Decimal> {
    match value {
        Value::Bool(flag) => Some(u8::from(*flag).into()),
        Value::Number(_) => money::decimal(value),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    // Only what starts like a date is worth a parser's time.
    if text.len() < 10
        || !text.bytes().take(4).all(|byte| byte.is_ascii_digit())
        || text.as_bytes().get(4) != Some(&b'-')
    {
        return None;
    }
    text.parse().ok().or_else(|| {
        let day: Date = text.parse().ok()?;
        Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })
}

fn sort(records: &mut [&Value], keys: &[Sorting]) {
    if keys.is_empty() {
        return;
    }
    records.sort_by(|left, right| {
        for key in keys {
            let order = order_of(left, right, &key.path);
            let order = if key.descending { order.reverse() } else { order };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    });
}

fn order_of(left: &Value, right: &Value, path: &[String]) -> Ordering {
    let (left, right) = (reach(left, path), reach(right, path));
    let (left, right) = (left.first().copied().unwrap_or(&Value::Null), right.first().copied().unwrap_or(&Value::Null));
    match (left.is_null(), right.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => compare(left, right).unwrap_or(Ordering::Equal),
    }
}
