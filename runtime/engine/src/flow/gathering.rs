//! Fetching a flow's own records by their keys.
//!
//! In: keys that another record, a sweep or a person named. Out: rows as the flow would have read them, its conditions
//! included. It keeps nothing and moves no watermark.

use std::collections::BTreeSet;

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

/// The flow's records with these keys, as far as its conditions let them through.
pub(crate) async fn by_keys(core: &Core, flow: &'static FlowPlan, keys: &[String]) -> Result<Vec<Row>, Failure> {
    let connector = core.connector(flow.read.system).map_err(|error| failure(Class::Halt, error.to_string()))?;
    let mut rows = Vec::new();
    for chunk in keys.chunks(KEYS_MAX) {
        let finds: Vec<Find> = chunk.iter().map(|key| find(core, flow, key)).collect();
        let mut failures = 0;
        let found = loop {
            let failed = match connector.find(&finds).await {
                Ok(found) => break found,
                Err(failed) => failed,
            };
            failures += 1;
            let again = matches!(failed.class, Class::Transient | Class::Throttled | Class::Ambiguous);
            if !again || failures >= core.options.page_attempts_max || core.is_stopping() {
                return Err(failed);
            }
            core.pause(core.options.retry.pause(failures, failed.retry_after, core.random())).await;
        };
        rows.extend(found.into_iter().flatten().map(|record| Row { record, stamp: None }));
    }
    Ok(rows)
}

fn find(core: &Core, flow: &FlowPlan, key: &str) -> Find {
    let mut terms = reading::terms(flow.read.filter);
    for (field, text) in flow.read.key.iter().zip(keys::key_fields(key, flow.read.key.len())) {
        let value = key_value(core, flow, field, text).to_text();
        terms.push(Term { field: (*field).to_owned(), test: Test::Eq, value });
    }
    Find {
        system: flow.read.system.to_owned(),
        entity: flow.read.entity.to_owned(),
        terms,
        select: flow.read.select.iter().map(|path| (*path).to_owned()).collect(),
    }
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
    Failure { class, status: None, code: None, message, field: None, retry_after: None }
}
