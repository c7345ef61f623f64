//! Collections: `$filter`, `$select`, `$orderby`, `$top`, `$skip`, `$count`, server-driven pages.
//!
//! In: a set, its rows, a query string and the paging headers. Out: one page with a relative next link.
//! Never: a next link that carries the client's page size; the client must send its preference again.

use super::company::{Company, Fields, Key, Row, Set};
use super::filter::Filter;
use super::refusal::{JSON, Refusal};
use super::schema::{Kind, Schema};
use crate::money;
use crate::server::{Answer, Call};
use crate::text::{escape_query, query_pairs};
use serde_json::{Value, json};
use std::cmp::Ordering;

/// What a collection request asks for.
#[derive(Debug)]
pub(super) struct Query {
    filter: Option<Filter>,
    select: Vec<String>,
    order: Vec<(String, bool)>,
    top: Option<usize>,
    skip: usize,
    count: bool,
    /// Rows a page; `None` when the client switched paging off.
    page: Option<usize>,
    /// What `Preference-Applied` says.
    preference: Option<String>,
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads query string and headers of a request on `set`.
    pub(super) fn parse(schema: &Schema, set: &Set, call: &Call, page_default: usize) -> Result<Self, Refusal> {
        let ignore_case = call.header("b1s-caseinsensitive").eq_ignore_ascii_case("true");
        let (page, preference) = page_size(call, page_default);
        let pairs = query_pairs(&call.query);
        let mut query = Self {
            filter: None,
            select: Vec::new(),
            order: Vec::new(),
            top: None,
            skip: 0,
            count: false,
            page,
            preference,
            pairs: Vec::new(),
        };
        for (name, value) in &pairs {
            match name.as_str() {
                "$filter" => query.filter = Some(Filter::parse(schema, set.entity, value, ignore_case)?),
                "$select" => query.select = selected(schema, set, value)?,
                "$orderby" => query.order = ordered(schema, set, value)?,
                "$top" => query.top = Some(whole("$top", value)?),
                "$skip" => query.skip = whole("$skip", value)?,
                "$count" => query.count = value == "true",
                "$expand" | "$apply" | "$inlinecount" => {
                    return Err(Refusal::not_simulated(format!("query option {name}")));
                }
                other if other.starts_with('$') => {
                    return Err(Refusal::malformed(format!("Query option '{other}' is invalid")));
                }
                _ => {}
            }
        }
        query.pairs = pairs;
        Ok(query)
    }

    /// The fields that `$select` leaves.
    pub(super) fn pick(&self, fields: &Fields) -> Fields {
        if self.select.is_empty() {
            return fields.clone();
        }
        self.select.iter().map(|name| (name.clone(), fields.get(name).cloned().unwrap_or_default())).collect()
    }

    fn matching<'a>(&self, company: &'a Company, set: &Set) -> Vec<(&'a Key, &'a Row)> {
        let fits = |row: &Row| self.filter.as_ref().is_none_or(|filter| filter.fits(&row.fields));
        let mut rows: Vec<(&Key, &Row)> = company.rows(set).filter(|(_, row)| fits(row)).collect();
        rows.sort_by(|(_, left), (_, right)| self.compare(&left.fields, &right.fields));
        rows
    }

    fn compare(&self, left: &Fields, right: &Fields) -> Ordering {
        for (name, descending) in &self.order {
            let order = order_of(left.get(name).unwrap_or(&Value::Null), right.get(name).unwrap_or(&Value::Null));
            let order = if *descending { order.reverse() } else { order };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }

    /// `GET /Set/$count`: the plain number.
    pub(super) fn counted(&self, company: &Company, set: &Set) -> Answer {
        Answer::new(200, "text/plain;charset=utf-8", self.matching(company, set).len().to_string())
            .with("odata-version", "4.0")
    }

    /// `GET /Set`: one page.
    pub(super) fn answer(&self, company: &Company, set: &Set, service: &str) -> Answer {
        let all = self.matching(company, set);
        let wanted: Vec<&(&Key, &Row)> = all.iter().skip(self.skip).take(self.top.unwrap_or(usize::MAX)).collect();
        let shown = self.page.unwrap_or(usize::MAX).min(wanted.len());
        let rows: Vec<Value> = wanted
            .iter()
            .take(shown)
            .map(|(key, row)| {
                let mut fields = self.pick(&row.fields);
                fields.insert("@odata.etag".to_owned(), json!(row.etag(set, key)));
                Value::Object(fields)
            })
            .collect();
        let mut body = json!({ "@odata.context": format!("{service}/$metadata#{}", set.name), "value": rows });
        if let Some(fields) = body.as_object_mut() {
            if self.count {
                fields.insert("@odata.count".to_owned(), json!(all.len()));
            }
            if wanted.len() > shown {
                fields.insert("@odata.nextLink".to_owned(), json!(self.next_link(set, shown)));
            }
        }
        let answer = Answer::new(200, JSON, body.to_string()).with("odata-version", "4.0");
        match &self.preference {
            Some(applied) => answer.with("preference-applied", applied.clone()),
            None => answer,
        }
    }

    /// Relative, with the same options, a later start and what is left of `$top`.
    fn next_link(&self, set: &Set, shown: usize) -> String {
        let mut parts: Vec<String> = self
            .pairs
            .iter()
            .filter(|(name, _)| name != "$skip" && name != "$top")
            .map(|(name, value)| format!("{name}={}", escape_query(value)))
            .collect();
        if let Some(top) = self.top {
            parts.push(format!("$top={}", top - shown));
        }
        parts.push(format!("$skip={}", self.skip + shown));
        format!("{}?{}", set.name, parts.join("&"))
    }
}

/// The page size of this request and the preference that was honoured.
fn page_size(call: &Call, page_default: usize) -> (Option<usize>, Option<String>) {
    let preferred = call
        .headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|header| header.split([',', ';']))
        .filter_map(|preference| preference.trim().strip_prefix("odata.maxpagesize=")?.trim().parse::<usize>().ok())
        .next();
    let asked = preferred.or_else(|| call.header("b1s-pagesize").parse().ok());
    let page = match asked {
        Some(0) => None,
        Some(size) => Some(size),
        None => Some(page_default),
    };
    (page, preferred.map(|size| format!("odata.maxpagesize={size}")))
}

fn whole(name: &str, value: &str) -> Result<usize, Refusal> {
    value
        .parse()
        .map_err(|_| Refusal::malformed(format!("Query option '{name}' must be a whole number, not '{value}'")))
}

fn selected(schema: &Schema, set: &Set, list: &str) -> Result<Vec<String>, Refusal> {
    let names: Vec<String> = list.split(',').map(|name| name.trim().to_owned()).collect();
    for name in &names {
        schema.kind(set.entity, name)?;
    }
    Ok(names)
}

fn ordered(schema: &Schema, set: &Set, list: &str) -> Result<Vec<(String, bool)>, Refusal> {
    let mut keys = Vec::new();
    for key in list.split(',') {
        let mut words = key.split_whitespace();
        let name = words.next().unwrap_or_default();
        match schema.kind(set.entity, name)? {
            Kind::One(_) | Kind::Many(_) => return Err(Refusal::malformed(format!("'{name}' cannot be ordered by"))),
            Kind::Text | Kind::Double | Kind::Integer | Kind::Date | Kind::Time | Kind::Enum(_) => {}
        }
        let descending = match words.next() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(other) => return Err(Refusal::malformed(format!("'{other}' is no direction in $orderby"))),
        };
        keys.push((name.to_owned(), descending));
    }
    Ok(keys)
}

fn order_of(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (left, right) => money::decimal(left).cmp(&money::decimal(right)),
    }
}
