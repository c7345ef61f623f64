//! Test O, the duties of flows: two ways, batches, parts, deletes, groups, fields written once, each with its promise
//! broken once. A mutant that survives fails the test, and so does a scenario that is not clean without its mutant.
//!
//! What is judged is what the two systems hold, not what our tables say. The mutants of single deliveries stand in
//! `sabotage.rs`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop at once")]

mod common;

use std::sync::Arc;

use common::pair::{Mishap, Side};
use common::pair_project::{Pair, SHOP, UPSERT, flow, leak, two_way, write};
use common::relay::{Hooks, Relay};
use mapwright_engine::Sync;
use mapwright_engine::connector::*;
use mapwright_engine::state::State;
use mapwright_engine::store::{Agreed, RecordRef};
use mapwright_values::plan::{DeliveryLevel, Manner, WritePlan};
use mapwright_values::{Find, Json};

/// One broken promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// What a flow wrote itself is taken for a change of the other side.
    OwnChangeEchoes,
    /// A change of the side that wins is not noticed.
    ConflictIgnored,
    /// A write does not tell for which version it was made.
    VersionNotTold,
    /// The lost reply of a batch is taken for the success of its members.
    LostBatchIsDone,
    /// One refused member of a batch is taken for the outcome of all.
    OneRefusalForAll,
    /// The parts of a record go out one by one.
    PartsOneByOne,
    /// A list that leaves a record out is proof enough that it is gone.
    GoneUnasked,
    /// A group is mapped from the row that changed.
    GroupInPart,
    /// Nobody looks whether the target is there already.
    TargetUnasked,
}

/// Each mutant with the word of the breach that must tell of it.
const MUTANTS: &[(Mutant, &str)] = &[
    (Mutant::OwnChangeEchoes, "loop"),
    (Mutant::ConflictIgnored, "I5"),
    (Mutant::VersionNotTold, "I5"),
    (Mutant::LostBatchIsDone, "I4"),
    (Mutant::OneRefusalForAll, "I4"),
    (Mutant::PartsOneByOne, "half"),
    (Mutant::GoneUnasked, "lost"),
    (Mutant::GroupInPart, "I5"),
    (Mutant::TargetUnasked, "overwritten"),
];

/// What is bent between the engine and its store.
struct BentStore {
    mutant: Option<Mutant>,
    erp: Arc<Side>,
}

impl Hooks for BentStore {
    fn agreed(&self, records: &[RecordRef], answer: &mut Vec<Option<Agreed>>) {
        for (record, agreed) in records.iter().zip(answer) {
            match self.mutant {
                Some(Mutant::OwnChangeEchoes) => *agreed = None,
                Some(Mutant::ConflictIgnored) if record.system == "erp" => {
                    if let (Some(agreed), Some(name)) = (agreed, self.erp.field("Items", &record.key, "name")) {
                        let fields = [("id", record.key.clone()), ("name", name)];
                        let fields = fields.into_iter().map(|(name, value)| (name.into(), Json::text(value)));
                        agreed.body = Json::Record(fields.collect()).to_text();
                    }
                }
                _ => {}
            }
        }
    }
}

/// What is bent between the engine and its systems.
struct BentConnector {
    inner: Arc<dyn Connector>,
    mutant: Option<Mutant>,
    /// Lists leave this record out; by its key it is found all the same.
    left_out: Option<&'static str>,
}

impl BentConnector {
    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }
}

impl Connector for BentConnector {
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
        Box::pin(async move {
            let mut page = self.inner.fetch_page(request).await?;
            let left_out = self.left_out.filter(|_| self.alias() == "shop");
            page.rows.retain(|row| left_out.is_none_or(|key| !row.record.contains(&format!(r#""id":"{key}""#))));
            Ok(page)
        })
    }
    fn fetch_record<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        select: &'a [String],
    ) -> Reply<'a, Result<Option<String>, Failure>> {
        match self.is(Mutant::GoneUnasked) {
            true => Box::pin(async { Ok(None) }),
            false => self.inner.fetch_record(entity, key, select),
        }
    }
    fn fetch_current<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        select: &'a [String],
    ) -> Reply<'a, Result<Option<Current>, Failure>> {
        match self.is(Mutant::TargetUnasked) {
            true => Box::pin(async { Ok(None) }),
            false => self.inner.fetch_current(entity, key, select),
        }
    }
    fn find<'a>(&'a self, finds: &'a [Find]) -> Reply<'a, Result<Vec<Vec<String>>, Failure>> {
        Box::pin(async move {
            let mut found = self.inner.find(finds).await?;
            if self.is(Mutant::GroupInPart) {
                for rows in &mut found {
                    rows.drain(..rows.len().saturating_sub(1));
                }
            }
            Ok(found)
        })
    }
    fn send<'a>(&'a self, write: &'a WriteRequest) -> Reply<'a, Result<Written, Failure>> {
        Box::pin(async move {
            let mut write = write.clone();
            if self.is(Mutant::VersionNotTold) {
                write.version = None;
            }
            self.inner.send(&write).await
        })
    }
    fn send_batch<'a>(
        &'a self,
        writes: &'a [WriteRequest],
    ) -> Reply<'a, Result<Vec<Result<Written, Failure>>, Failure>> {
        Box::pin(async move {
            if self.is(Mutant::PartsOneByOne) {
                let mut outcomes = Vec::new();
                for write in writes {
                    outcomes.push(Ok(self.inner.send(write).await?));
                }
                return Ok(outcomes);
            }
            match self.inner.send_batch(writes).await {
                Err(failure) if failure.class == Class::Ambiguous && self.is(Mutant::LostBatchIsDone) => {
                    Ok(writes.iter().map(|write| Ok(Written { key: vec![key_of(write)], record: None })).collect())
                }
                Ok(outcomes) if self.is(Mutant::OneRefusalForAll) => {
                    match outcomes.iter().find_map(|outcome| outcome.as_ref().err()) {
                        Some(failure) => Err(failure.clone()),
                        None => Ok(outcomes),
                    }
                }
                answer => answer,
            }
        })
    }
    fn probe<'a>(&'a self, entity: &'a str, by: &'a [String], record: &'a str) -> Reply<'a, Result<Probe, Failure>> {
        self.inner.probe(entity, by, record)
    }
    fn check(&self) -> Reply<'_, Result<String, Failure>> {
        self.inner.check()
    }
    fn close(&self) -> Reply<'_, ()> {
        self.inner.close()
    }
}

fn key_of(write: &WriteRequest) -> String {
    match Json::parse(&write.record).unwrap().get("id") {
        Some(Json::Text(id)) => id.to_string(),
        other => panic!("a record with an id: {other:?}"),
    }
}

/// A program that breaks one promise, or none.
struct Program<'a> {
    pair: &'a Pair,
    mutant: Option<Mutant>,
    left_out: Option<&'static str>,
}

impl Program<'_> {
    async fn sync(&self, sync: &Sync) {
        self.pair.clock.advance(std::time::Duration::from_secs(60));
        let inner = common::open(self.pair.folder.path());
        let hooks = BentStore { mutant: self.mutant, erp: Arc::clone(&self.pair.erp) };
        let wrap = |inner| {
            Arc::new(BentConnector { inner, mutant: self.mutant, left_out: self.left_out }) as Arc<dyn Connector>
        };
        self.pair.engine_over(Arc::new(Relay { inner, hooks }), wrap).sync(sync).await.unwrap();
    }

    async fn rounds(&self, rounds: usize) {
        for _ in 0..rounds {
            self.sync(&Sync::default()).await;
        }
    }
}

fn everything() -> Sync {
    Sync { everything: true, ..Sync::default() }
}

/// Nothing, or what is wrong.
type Judgement = Option<String>;

fn judge(holds: bool, breach: impl FnOnce() -> String) -> Judgement {
    (!holds).then(breach)
}

/// Runs the scenario that shows the mutant, and says what is wrong in the end.
async fn judged(which: Mutant, mutant: Option<Mutant>) -> Judgement {
    match which {
        Mutant::OwnChangeEchoes => echo(mutant).await,
        Mutant::ConflictIgnored => conflict(mutant, false).await,
        Mutant::VersionNotTold => conflict(mutant, true).await,
        Mutant::LostBatchIsDone | Mutant::OneRefusalForAll => batch(which, mutant).await,
        Mutant::PartsOneByOne => parts(mutant).await,
        Mutant::GoneUnasked => gone(mutant).await,
        Mutant::GroupInPart => grouped(mutant).await,
        Mutant::TargetUnasked => written_once(mutant).await,
    }
}

/// Two mappings that are not the reverse of one another: whoever takes his own writing for a change goes on for ever.
async fn echo(mutant: Option<Mutant>) -> Judgement {
    let pair = two_way("erp", "louder");
    let program = Program { pair: &pair, mutant, left_out: None };
    pair.shop.edit("item", "1", &[("name", "hey")]);
    program.rounds(4).await;
    let writes = (pair.shop.requests().len(), pair.erp.requests().len());
    judge(writes == (0, 1), || format!("loop: one edit made {writes:?} writes"))
}

/// Both sides change one record; the ERP wins. It changes before the flow looks at it, or between its look and its write.
async fn conflict(mutant: Option<Mutant>, between: bool) -> Judgement {
    let pair = two_way("erp", "to_erp");
    let program = Program { pair: &pair, mutant, left_out: None };
    pair.shop.edit("item", "1", &[("name", "first")]);
    program.rounds(2).await;
    pair.shop.edit("item", "1", &[("name", "s2")]);
    match between {
        true => *pair.erp.mishaps.lock().unwrap() = vec![Mishap::Meanwhile("name", "e2")],
        false => pair.erp.edit("Items", "1", &[("name", "e2")]),
    }
    program.rounds(4).await;
    let kept = (pair.shop.field("item", "1", "name"), pair.erp.field("Items", "1", "name"));
    judge(kept == (Some("e2".to_owned()), Some("e2".to_owned())), || {
        format!("I5: the ERP wins with e2, and the sides hold {kept:?}")
    })
}

/// Ten creates in batches: one request never arrives, or one record is refused.
async fn batch(which: Mutant, mutant: Option<Mutant>) -> Judgement {
    let create = Manner::CreateOnce { by: &["id"] };
    let plan = WritePlan { batch: Some(10), level: DeliveryLevel::Probeable, ..write("to_erp", create) };
    let pair = Pair::new(vec![flow("out", SHOP, vec![plan])]);
    *pair.erp.batching.lock().unwrap() = Some(Batching { size_max: 100, atomic: false });
    let refusal = which == Mutant::OneRefusalForAll;
    for number in 0..10 {
        let name = if refusal && number == 7 { "bad" } else { "good" };
        pair.shop.edit("item", &format!("{number:02}"), &[("name", name)]);
    }
    match refusal {
        true => pair.erp.refused.lock().unwrap().push("bad".to_owned()),
        false => *pair.erp.mishaps.lock().unwrap() = vec![Mishap::Refused(Class::Ambiguous)],
    }
    Program { pair: &pair, mutant, left_out: None }.rounds(1).await;
    let (there, done) = (pair.erp.count("Items") as u64, pair.count("out", State::Done).await);
    let dead = pair.count("out", State::Dead).await;
    judge((there, done, dead) == if refusal { (9, 9, 1) } else { (10, 10, 0) }, || {
        format!("I4: of 10 records {done} are done and {dead} dead, and the ERP has {there}")
    })
}

/// All parts of a record or none; one of the second record's is refused.
async fn parts(mutant: Option<Mutant>) -> Judgement {
    let create = Manner::CreateOnce { by: &["id"] };
    let plan = WritePlan { together: true, level: DeliveryLevel::Probeable, ..write("parts", create) };
    let pair = Pair::new(vec![flow("out", SHOP, vec![plan])]);
    *pair.erp.batching.lock().unwrap() = Some(Batching { size_max: 3, atomic: true });
    pair.shop.edit("item", "1", &[("name", "a b c")]);
    pair.shop.edit("item", "2", &[("name", "a bad c")]);
    pair.erp.refused.lock().unwrap().push("bad".to_owned());
    Program { pair: &pair, mutant, left_out: None }.rounds(1).await;
    let there = pair.erp.count("Items");
    judge(there == 3, || format!("half a record was written: {there} parts instead of 3"))
}

/// A list leaves a record out that is there.
async fn gone(mutant: Option<Mutant>) -> Judgement {
    let mut out = flow("out", SHOP, vec![write("to_erp", UPSERT)]);
    out.on_delete = leak(vec![write("removed", Manner::Delete { by: &["id"] })]);
    let pair = Pair::new(vec![out]);
    for key in ["1", "2", "3"] {
        pair.shop.edit("item", key, &[("name", key)]);
    }
    Program { pair: &pair, mutant, left_out: None }.sync(&everything()).await;
    pair.shop.remove("item", "3");
    Program { pair: &pair, mutant, left_out: Some("2") }.sync(&everything()).await;
    let there: Vec<&str> =
        ["1", "2", "3"].into_iter().filter(|key| pair.erp.field("Items", key, "name").is_some()).collect();
    judge(there == ["1", "2"], || format!("lost: the shop has 1 and 2, the ERP {there:?}"))
}

/// One row of a group changes.
async fn grouped(mutant: Option<Mutant>) -> Judgement {
    let mut out = flow("out", ("shop", "row"), vec![write("group", UPSERT)]);
    out.read.group = Some("order");
    let pair = Pair::new(vec![out]);
    for (row, order, name) in [("1", "A", "one"), ("2", "B", "two"), ("3", "A", "three")] {
        pair.shop.edit("row", row, &[("order", order), ("name", name)]);
    }
    let program = Program { pair: &pair, mutant, left_out: None };
    program.rounds(1).await;
    pair.shop.edit("row", "3", &[("name", "tre")]);
    program.rounds(1).await;
    let name = pair.erp.field("Items", "A", "name");
    judge(name.as_deref() == Some("one tre"), || format!("I5: the group is `one tre`, the ERP has {name:?}"))
}

/// The ERP has the record already, with a field of its own that is written once alone.
async fn written_once(mutant: Option<Mutant>) -> Judgement {
    let pair = Pair::new(vec![flow("out", SHOP, vec![write("once", UPSERT)])]);
    pair.erp.edit("Items", "1", &[("first", "theirs")]);
    pair.shop.edit("item", "1", &[("name", "one")]);
    Program { pair: &pair, mutant, left_out: None }.rounds(1).await;
    let first = pair.erp.field("Items", "1", "first");
    judge(first.as_deref() == Some("theirs"), || format!("overwritten: their field holds {first:?}"))
}

#[tokio::test]
async fn every_mutant_of_a_duty_is_caught_and_every_scenario_is_clean_without_it() {
    let mut failures = Vec::new();
    for (mutant, word) in MUTANTS {
        if let Some(breach) = judged(*mutant, None).await {
            failures.push(format!("{mutant:?}: not clean without the mutant: {breach}"));
        }
        match judged(*mutant, Some(*mutant)).await {
            None => failures.push(format!("{mutant:?} survives")),
            Some(breach) if !breach.contains(word) => {
                failures.push(format!("{mutant:?} is caught by something else: {breach}"));
            }
            Some(_) => {}
        }
    }
    assert_eq!(failures, Vec::<String>::new());
}
