//! `sync --dry-run`: what would be written, field by field, and nothing sent.
//!
//! In: the deployment and a copy of its store. Out: each write that would go out now, beside what the target holds. The
//! systems are read; no write leaves, no alert, and the store itself stays as it is. What follows a write (the flow's next
//! write, a record that waits for its link) is not shown: it needs the key that only the target gives.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use mapwright_engine::clock::{Clock, SystemClock};
use mapwright_engine::connector::{
    Class, Connector, Current, Deed, Failure, Page, PageRequest, Probe, Reading, Reply, WriteRequest, Writing, Written,
};
use mapwright_engine::state::State;
use mapwright_engine::store::sqlite::SqliteStore;
use mapwright_engine::store::{Selection, Store};
use mapwright_engine::{Engine, Options, Stop, Sync};
use mapwright_values::plan::{EntityPlan, Plan};
use mapwright_values::settings::check_settings;
use mapwright_values::{Decimal, Find, Integration, Json};

use crate::command::SyncArguments;
use crate::connect::{copy_store, open_systems, options};
use crate::dead_letters::texts_of;
use crate::deployment::Deployment;
use crate::redact::{REDACTED, cover_text, redact};
use crate::say::say;
use crate::{Ending, Faults};

/// The code under which a write that was not sent ends in the copy.
const CODE: &str = "dry_run";
/// Most letters of the copy that are told.
const LETTERS_MAX: u32 = 1_000;

/// Reads, maps and compares as `sync` would, on a copy of the store.
pub(crate) async fn play(
    integration: &'static Integration,
    file: &Path,
    arguments: SyncArguments,
) -> Result<Ending, Faults> {
    let mut deployment = Deployment::load(file).map_err(Faults)?;
    let settings = check_settings(integration.plan.settings, &deployment.settings).map_err(Faults)?;
    let folder = tempfile::tempdir().map_err(|error| format!("no folder for a copy of the store: {error}"))?;
    let copy = folder.path().join("copy.db");
    copy_store(&deployment.store, &copy)?;
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&copy)?);
    let systems = open_systems(integration, &mut deployment)?;
    let connections: HashMap<String, Arc<dyn Connector>> = systems
        .iter()
        .map(|(alias, inner)| {
            let inner = Arc::clone(inner);
            let dry = Dry { inner, plan: integration.plan, personal: arguments.personal, told: Mutex::default() };
            (alias.clone(), Arc::new(dry) as Arc<dyn Connector>)
        })
        .collect();
    // No write proves anything here, so none may halt a connection or open its circuit.
    let options = Options {
        drift_percent: 100,
        circuit_failures: u32::MAX,
        crash_at: None,
        ..options(&deployment.engine, HashMap::new())
    };
    let began = SystemClock.now();
    let engine = Engine::new(*integration, connections, Arc::clone(&store), settings, options)?;
    let sync = Sync {
        flows: arguments.flows,
        stop: Stop::Once,
        everything: arguments.everything,
        since: arguments.since,
        accept_gone: arguments.accept_deletes,
        without_reading: false,
    };
    let result = engine.sync(&sync).await;
    let status = engine.status().await;
    for system in systems.values() {
        system.close().await;
    }
    let (summary, status) = (result?, status?);
    let selection = Selection { since: Some(began), ..Selection::default() };
    let mut letters = store.dead_letters(selection, LETTERS_MAX).await?;
    let all = letters.len();
    letters.retain(|letter| !letter.cause.ends_with(CODE));
    for letter in &letters {
        let detail = store.dead_letter(letter.id).await?.filter(|_| !arguments.personal);
        let texts = detail.map(|detail| texts_of(integration, &detail)).unwrap_or_default();
        let words = cover_text(&letter.message, &texts);
        say!("{} {}: would need a person: {words}", letter.flow, letter.source_key);
    }
    for (flow, reason) in &summary.failed_readings {
        say!("reading of {flow} failed: {reason}");
    }
    let waiting: u64 = status.flows.iter().flat_map(|flow| &flow.counts).filter_map(waits).sum();
    say!(
        "dry run: nothing was sent. read {}, would write {}, nothing to do {}, would need a person {}, waiting for others {waiting}",
        summary.progress.read,
        all - letters.len(),
        summary.progress.without_effect,
        letters.len()
    );
    Ok(if summary.failed_readings.is_empty() { Ending::Well } else { Ending::NeedsAPerson })
}

fn waits(count: &mapwright_engine::status::Count) -> Option<u64> {
    matches!(count.state, State::Waiting(_)).then_some(count.messages)
}

/// A system that is read and never written to.
struct Dry {
    inner: Arc<dyn Connector>,
    plan: &'static Plan,
    personal: bool,
    /// One at a time tells what it found, so that lines of two records do not mix.
    told: Mutex<()>,
}

impl Dry {
    fn entity(&self, name: &str) -> Option<&'static EntityPlan> {
        self.plan.system(self.alias())?.entity(name)
    }

    /// What the target holds of the fields that would be written; the words say why that is not known.
    async fn present(&self, write: &WriteRequest, record: &Json<'static>) -> Result<Option<Json<'static>>, String> {
        let key = match &write.deed {
            Deed::Create | Deed::Act => return Ok(None),
            Deed::Update { key } | Deed::Upsert { key } | Deed::Delete { key } => key,
        };
        let select: Vec<String> = match record {
            Json::Record(members) => members.iter().map(|(name, _)| name.to_string()).collect(),
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => Vec::new(),
        };
        let found = self.inner.fetch_record(&write.entity, key, &select).await.map_err(|failure| failure.message)?;
        found.map(|text| Json::parse(&text).map(Json::into_owned).map_err(|error| error.to_string())).transpose()
    }

    async fn tell(&self, write: &WriteRequest) {
        let record = Json::parse(&write.record).map_or(Json::Null, Json::into_owned);
        let present = self.present(write, &record).await;
        let mut lines = vec![heading(self.alias(), write, &present)];
        if !matches!(write.deed, Deed::Delete { .. }) {
            let entity = self.entity(&write.entity);
            let cover = |json: Json<'static>| if self.personal { json } else { redact(json, entity) };
            let before = present.ok().flatten();
            let (shown, shown_before) = (cover(record.clone()), before.clone().map(cover));
            compare("", (&record, before.as_ref()), (&shown, shown_before.as_ref()), &mut lines);
        }
        let _one = self.told.lock();
        say!("{}", lines.join("\n"));
    }
}

fn heading(alias: &str, write: &WriteRequest, present: &Result<Option<Json<'static>>, String>) -> String {
    let entity = &write.entity;
    let unknown = match present {
        Err(words) => format!(" (what it holds now cannot be read: {words})"),
        Ok(_) => String::new(),
    };
    match (&write.deed, present) {
        (Deed::Create, _) => format!("create {alias}.{entity}"),
        (Deed::Act, _) => format!("carry out {alias}.{entity}"),
        (Deed::Delete { key }, Ok(None)) => format!("delete {alias}.{entity} {}: it is gone already", key.join("/")),
        (Deed::Delete { key }, _) => format!("delete {alias}.{entity} {}{unknown}", key.join("/")),
        (Deed::Upsert { key }, Ok(None)) => format!("create {alias}.{entity} {}", key.join("/")),
        (Deed::Update { key }, Ok(None)) => format!("update {alias}.{entity} {}: it is not there", key.join("/")),
        (Deed::Upsert { key } | Deed::Update { key }, _) => {
            format!("update {alias}.{entity} {}{unknown}", key.join("/"))
        }
    }
}

/// Tells each field whose value would be another one. Compared are the values, shown is what may be shown of them.
fn compare(
    path: &str,
    (new, old): (&Json<'_>, Option<&Json<'_>>),
    (shown, shown_old): (&Json<'_>, Option<&Json<'_>>),
    lines: &mut Vec<String>,
) {
    match (new, shown) {
        (Json::Record(members), Json::Record(_)) => {
            for (name, value) in members {
                let inner = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
                let shown = shown.get(name).unwrap_or(&Json::Null);
                let pair = (value, old.and_then(|old| old.get(name)));
                compare(&inner, pair, (shown, shown_old.and_then(|old| old.get(name))), lines);
            }
        }
        _ if old.is_some_and(|old| same(new, old)) => {}
        _ => match shown_old {
            Some(before) => lines.push(format!("  {path}: {} -> {}", before.to_text(), shown.to_text())),
            // A covered record that is not there as a whole is one line.
            None if *shown == Json::text(REDACTED) => lines.push(format!("  {path}: {REDACTED}")),
            None => lines.push(format!("  {path}: {}", shown.to_text())),
        },
    }
}

/// The same value: numbers by their worth, not by their digits.
fn same(new: &Json<'_>, old: &Json<'_>) -> bool {
    match (new, old) {
        (Json::Number(new), Json::Number(old)) => match (Decimal::parse(new), Decimal::parse(old)) {
            (Ok(new), Ok(old)) => new == old,
            _ => new == old,
        },
        (Json::List(new), Json::List(old)) => {
            new.len() == old.len() && new.iter().zip(old).all(|(new, old)| same(new, old))
        }
        // What the target holds besides is none of this write's.
        (Json::Record(new), Json::Record(_)) => {
            new.iter().all(|(name, value)| old.get(name).is_some_and(|old| same(value, old)))
        }
        _ => new == old,
    }
}

impl Connector for Dry {
    fn alias(&self) -> &str {
        self.inner.alias()
    }
    fn reading(&self, entity: &str) -> Reading {
        self.inner.reading(entity)
    }
    fn writing(&self, entity: &str) -> Writing {
        self.inner.writing(entity)
    }
    fn fetch_page<'a>(&'a self, request: &'a PageRequest) -> Reply<'a, Result<Page, Failure>> {
        self.inner.fetch_page(request)
    }
    fn fetch_record<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        select: &'a [String],
    ) -> Reply<'a, Result<Option<String>, Failure>> {
        self.inner.fetch_record(entity, key, select)
    }
    fn fetch_current<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        select: &'a [String],
    ) -> Reply<'a, Result<Option<Current>, Failure>> {
        self.inner.fetch_current(entity, key, select)
    }
    fn find<'a>(&'a self, finds: &'a [Find]) -> Reply<'a, Result<Vec<Vec<String>>, Failure>> {
        self.inner.find(finds)
    }
    fn send<'a>(&'a self, write: &'a WriteRequest) -> Reply<'a, Result<Written, Failure>> {
        Box::pin(async move {
            self.tell(write).await;
            Err(Failure {
                class: Class::Permanent,
                status: None,
                code: Some(CODE.to_owned()),
                message: "nothing is sent in a dry run".to_owned(),
                field: None,
                retry_after: None,
                existing: None,
            })
        })
    }
    fn probe<'a>(&'a self, entity: &'a str, by: &'a [String], record: &'a str) -> Reply<'a, Result<Probe, Failure>> {
        self.inner.probe(entity, by, record)
    }
    fn check(&self) -> Reply<'_, Result<String, Failure>> {
        self.inner.check()
    }
    // Closed by whoever opened it.
    fn close(&self) -> Reply<'_, ()> {
        Box::pin(async {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(new: &str, old: Option<&str>) -> Vec<String> {
        let new = Json::parse(new).unwrap();
        let old = old.map(|old| Json::parse(old).unwrap());
        let mut lines = Vec::new();
        compare("", (&new, old.as_ref()), (&new, old.as_ref()), &mut lines);
        lines
    }

    #[test]
    fn what_differs_is_told_and_nothing_else() {
        let new = r#"{"a":1.50,"b":{"c":"x","d":null},"e":[{"f":1}]}"#;
        assert_eq!(lines(new, Some(r#"{"a":1.5,"b":{"c":"x","d":null,"g":7},"e":[{"f":1.0,"h":2}],"i":0}"#)), [""; 0]);
        assert_eq!(
            lines(new, Some(r#"{"a":2,"b":{"c":"y"},"e":[]}"#)),
            ["  a: 2 -> 1.50", r#"  b.c: "y" -> "x""#, "  b.d: null", r#"  e: [] -> [{"f":1}]"#]
        );
        assert_eq!(lines(r#"{"a":"new"}"#, None), [r#"  a: "new""#]);
    }
}
