//! Fetching a flow's own records by their keys.
//!
//! In: keys that another record, a sweep or a person named. Out: rows as the flow would have read them, its conditions
//! included. It keeps nothing and moves no watermark.

use std::collections::{BTreeMap, BTreeSet};

use mapwright_values::plan::{AlsoReadPlan, FlowPlan, Kind};
use mapwright_values::{Find, Json, Term, Test};

use super::{Core, reading, record};
use crate::connector::{Class, Failure, Row};
use crate::keys;

/// Most records in one question to a connector.
const KEYS_MAX: usize = 100;

/// The flow's records to which these rows of an `also read` belong, each once. A row without a key belongs to none.
pub(crate) async fn parents(
    core: &Core,
    flow: &'static FlowPlan,
    also: &AlsoReadPlan,
    rows: &[Row],
) -> Result<Vec<Row>, Failure> {
    let mut keys: BTreeSet<String> = BTreeSet::new();
    for row in rows {
        let json = Json::parse(&row.record).map_err(|error| {
            failure(
                Class::Permanent,
                format!("{} sent a record of {} that is no JSON: {error}", also.system, also.entity),
            )
        })?;
        keys.extend(record::leaves_there(&json, also.parent));
    }
    let keys: Vec<String> = keys.into_iter().collect();
    by_keys(core, flow, &keys).await
}

/// The groups to which these rows belong, each with all its rows: a window may show only some of them. A row that names
/// no group stays as it is, to be told.
pub(crate) async fn groups(
    core: &Core,
    flow: &'static FlowPlan,
    by: &str,
    rows: Vec<Row>,
) -> Result<Vec<Row>, Failure> {
    let mut keys: BTreeSet<String> = BTreeSet::new();
    let mut without = Vec::new();
    for row in rows {
        match group_key(by, &row.record) {
            Some(value) => {
                keys.insert(value.to_text());
            }
            None => without.push(row),
        }
    }
    let mut groups = Groups::default();
    let keys: Vec<String> = keys.into_iter().collect();
    for chunk in keys.chunks(KEYS_MAX) {
        let finds: Vec<Find> = chunk.iter().map(|key| asking(flow, vec![(by, key.clone())])).collect();
        let rows = ask(core, flow, &finds).await?;
        reading::sort(core, flow, by, rows, &mut groups);
    }
    let mut whole = groups.into_rows();
    whole.append(&mut without);
    Ok(whole)
}

/// Rows by what makes them a group, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: BTreeMap<String, Vec<String>>,
    without: Vec<Row>,
    rows: usize,
}

impl Groups {
    /// Puts a row with its group.
    pub(crate) fn add(&mut self, by: &str, row: Row) {
        self.rows = self.rows.saturating_add(1);
        match group_key(by, &row.record) {
            Some(key) => self.groups.entry(key.to_text()).or_default().push(row.record),
            None => self.without.push(row),
        }
    }

    /// Leaves a row by itself.
    pub(crate) fn leave(&mut self, row: Row) {
        self.without.push(row);
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// One row a group, as its mappings read it; what names no group comes last.
    pub(crate) fn into_rows(self) -> Vec<Row> {
        let group = |(key, rows): (String, Vec<String>)| Row {
            // Key and rows are JSON already: they are not read and written once more.
            record: format!("{{\"key\":{key},\"rows\":[{}]}}", rows.join(",")),
            stamp: None,
        };
        self.groups.into_iter().map(group).chain(self.without).collect()
    }
}

/// What stands at the path, where it is a single value.
fn group_key(by: &str, record: &str) -> Option<Json<'static>> {
    let json = Json::parse(record).ok()?;
    let value = by.split('.').try_fold(&json, |at, step| at.get(step))?;
    match value {
        Json::Text(_) | Json::Number(_) | Json::Boolean(_) => Some(value.clone().into_owned()),
        Json::Null | Json::List(_) | Json::Record(_) => None,
    }
}

/// The flow's records with these keys, as far as its conditions let them through.
pub(crate) async fn by_keys(core: &Core, flow: &'static FlowPlan, keys: &[String]) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for chunk in keys.chunks(KEYS_MAX) {
        let finds: Vec<Find> = chunk.iter().map(|key| find(core, flow, key)).collect();
        rows.append(&mut ask(core, flow, &finds).await?);
    }
    Ok(rows)
}

/// Asks the flow's source, again where that may help.
async fn ask(core: &Core, flow: &FlowPlan, finds: &[Find]) -> Result<Vec<Row>, Failure> {
    let connector = core.connector(flow.read.system).map_err(|error| failure(Class::Halt, error.to_string()))?;
    let mut failures = 0;
    loop {
        let failed = match connector.find(finds).await {
            Ok(found) => return Ok(found.into_iter().flatten().map(|record| Row { record, stamp: None }).collect()),
            Err(failed) => failed,
        };
        failures += 1;
        let again = matches!(failed.class, Class::Transient | Class::Throttled | Class::Ambiguous);
        if !again || failures >= core.options.page_attempts_max || core.is_stopping() {
            return Err(failed);
        }
        core.pause(core.options.retry.pause(failures, failed.retry_after, core.random())).await;
    }
}

/// What the flow reads, where these fields have these values (as JSON text).
fn asking(flow: &FlowPlan, values: Vec<(&str, String)>) -> Find {
    let mut terms = reading::terms(flow.read.filter);
    terms.extend(values.into_iter().map(|(field, value)| Term { field: field.to_owned(), test: Test::Eq, value }));
    Find {
        system: flow.read.system.to_owned(),
        entity: flow.read.entity.to_owned(),
        terms,
        select: flow.read.select.iter().map(|path| (*path).to_owned()).collect(),
    }
}

fn find(core: &Core, flow: &FlowPlan, key: &str) -> Find {
    let fields = flow.read.key.iter().zip(keys::key_fields(key, flow.read.key.len()));
    asking(flow, fields.map(|(field, text)| (*field, key_value(core, flow, field, text).to_text())).collect())
}

/// A record of which the key alone is known.
pub(crate) fn key_record(core: &Core, flow: &FlowPlan, key: &str) -> Json<'static> {
    let fields = flow.read.key.iter().zip(keys::key_fields(key, flow.read.key.len()));
    Json::Record(fields.map(|(field, text)| ((*field).into(), key_value(core, flow, field, text))).collect())
}

/// A key field as the catalogue spells it.
fn key_value(core: &Core, flow: &FlowPlan, field: &str, text: String) -> Json<'static> {
    let entity = core.plan().system(flow.read.system).and_then(|system| system.entity(flow.read.entity));
    let kind = entity.and_then(|entity| entity.fields.iter().find(|known| known.name == field)).map(|known| known.kind);
    match kind {
        Some(Kind::Integer | Kind::Decimal(_, _)) => Json::Number(text.into()),
        Some(_) | None => Json::text(text),
    }
}

fn failure(class: Class, message: String) -> Failure {
    Failure { class, status: None, code: None, message, field: None, retry_after: None, existing: None }
}
