//! Resolving references in rounds, and mapping.
//!
//! In: claimed messages. Out: for each its mapped record or what becomes of it instead. Look-ups of one entity are
//! batched over all records of the round and remembered for a while; what was not found is never remembered.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jiff::Timestamp;
use mapwright_values::plan::{FlowPlan, MappingPlan, Plan, WritePlan};
use mapwright_values::{Find, Input, Json, Link, Outcome, Part, Reference, References, Resolved, Sources};

use super::Core;
use super::deciding::{self, Decision, Situation};
use crate::EngineError;
use crate::clock::earlier;
use crate::connector::{Class, Failure};
use crate::keys;
use crate::store::{Fault, Leased, Verdict};
use crate::trace;

/// Most look-ups in one question to a connector.
const FINDS_MAX: usize = 100;

/// Look-ups that found something, for a while. None is older than the record that it is used for, and what was found in a
/// system is forgotten as soon as this program writes to it.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    systems: HashMap<String, Remembered>,
}

/// What was found in one system.
#[derive(Debug, Default)]
struct Remembered {
    hits: HashMap<Find, (Timestamp, Vec<Json<'static>>)>,
    order: VecDeque<Find>,
    /// How often it was written to: an answer to a question from before the last time is not kept.
    writes: u64,
}

impl Cache {
    /// What was found no earlier than `since`.
    fn get(&self, find: &Find, since: Timestamp) -> Option<Vec<Json<'static>>> {
        let (at, found) = self.systems.get(&find.system)?.hits.get(find)?;
        (*at >= since).then(|| found.clone())
    }

    fn writes(&self, system: &str) -> u64 {
        self.systems.get(system).map_or(0, |remembered| remembered.writes)
    }

    fn put(&mut self, find: &Find, found: &[Json<'static>], asked: Asked, entries_max: usize) {
        if found.is_empty() || entries_max == 0 {
            return;
        }
        let remembered = self.systems.entry(find.system.clone()).or_default();
        if remembered.writes != asked.writes {
            return;
        }
        if remembered.hits.insert(find.clone(), (asked.at, found.to_vec())).is_none() {
            remembered.order.push_back(find.clone());
        }
        while remembered.hits.len() > entries_max
            && let Some(oldest) = remembered.order.pop_front()
        {
            remembered.hits.remove(&oldest);
        }
    }

    /// Forgets what was found in a system: it was written to.
    pub(crate) fn forget(&mut self, system: &str) {
        let remembered = self.systems.entry(system.to_owned()).or_default();
        remembered.hits.clear();
        remembered.order.clear();
        remembered.writes = remembered.writes.wrapping_add(1);
    }
}

/// When a system was asked, and how often it had been written to by then.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Timestamp,
    writes: u64,
}

/// A message on its way through the rounds.
pub(crate) struct Work {
    pub(crate) leased: Leased,
    pub(crate) flow: &'static FlowPlan,
    pub(crate) write: &'static WritePlan,
    pub(crate) mapping: &'static MappingPlan,
    pub(crate) situation: Situation,
    /// The mapping's sources as JSON text.
    pub(crate) sources: Vec<String>,
    references: References,
    /// The target's record as it is known before the write, where it was asked for.
    pub(crate) base: Option<Json<'static>>,
    /// `together`: the target's key of each part, once they are there.
    pub(crate) part_keys: Vec<(String, Vec<String>)>,
    pub(crate) result: Option<Prepared>,
    /// Its turn.
    pub(crate) span: tracing::Span,
}

impl Work {
    pub(crate) fn new(
        plan: &Plan,
        leased: Leased,
        (flow, write, mapping): (&'static FlowPlan, &'static WritePlan, &'static MappingPlan),
        situation: Situation,
    ) -> Self {
        Self {
            span: trace::turn(plan, &leased, flow),
            leased,
            flow,
            write,
            mapping,
            situation,
            sources: Vec::new(),
            references: References::new(),
            base: None,
            part_keys: Vec::new(),
            result: None,
        }
    }

    pub(crate) fn decide(&mut self, alias: &str, decision: Decision) {
        self.result = Some(match decision {
            Decision::Conclude(verdict) => Prepared::Conclude(verdict),
            Decision::Halt(fault) | Decision::Probe(fault, _) | Decision::Refused(fault) => {
                Prepared::Halt { alias: alias.to_owned(), fault }
            }
        });
    }
}

/// What came of preparing a message.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// To be written.
    Record(Json<'static>),
    /// `together`: parts by their keys, to be written at once.
    Together(Vec<(String, Json<'static>)>),
    /// Nothing to send.
    Conclude(Verdict),
    /// A system that was asked halts.
    Halt {
        /// Alias.
        alias: String,
        /// Why.
        fault: Fault,
    },
}

/// Maps every work that has no result yet; afterwards each has one.
pub(crate) async fn map_all(core: &Core, works: &mut [Work]) -> Result<(), EngineError> {
    for _ in 0..core.options.rounds_max {
        let mut wanted: Vec<(usize, Vec<Reference>)> = Vec::new();
        for (index, work) in works.iter_mut().enumerate() {
            if work.result.is_some() {
                continue;
            }
            match map_once(core, work) {
                Ok(references) => wanted.push((index, references)),
                Err(prepared) => work.result = Some(*prepared),
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        answer(core, works, &wanted).await?;
    }
    for work in works.iter_mut().filter(|work| work.result.is_none()) {
        let fault = Fault::own(
            "references",
            format!("the mapping `{}` asks for look-ups without end: a fault of the program", work.mapping.name),
        );
        work.result = Some(Prepared::Conclude(Verdict::Dead { fault }));
    }
    Ok(())
}

/// Runs the mapping once: what it still wants, or what came of it.
fn map_once(core: &Core, work: &Work) -> Result<Vec<Reference>, Box<Prepared>> {
    let Some(mapping) = core.integration.mapping(work.mapping.name) else {
        let fault = Fault::own("program", format!("the mapping `{}` is not part of this program", work.mapping.name));
        return Err(ended(Verdict::Dead { fault }));
    };
    let mut sources = Vec::with_capacity(work.sources.len());
    for text in &work.sources {
        match Json::parse(text) {
            Ok(json) => sources.push(json),
            Err(error) => {
                let fault = Fault::own("unreadable", format!("the record is no JSON: {error}"));
                return Err(ended(Verdict::Dead { fault }));
            }
        }
    }
    let input = Input {
        sources: Sources::Whole(&sources),
        references: &work.references,
        settings: &core.settings,
        captured_at: work.leased.captured_at,
    };
    let _mapping = trace::map(&work.span, work.mapping).entered();
    // A panic is a fault of the program, not of the record's neighbours: it costs this record alone.
    let outcome = catch_unwind(AssertUnwindSafe(|| (mapping.map)(&input).into_owned())).map_err(|_| {
        let fault = Fault::own(
            "panic",
            format!(
                "the mapping `{}` broke down on this record: a fault of the program, please report it",
                mapping.name
            ),
        );
        ended(Verdict::Dead { fault })
    })?;
    match outcome {
        Outcome::Wants(references) => Ok(references),
        Outcome::Mapped(parts) => Err(Box::new(choose(work, parts))),
        Outcome::Rejected(rejections) => Err(ended(Verdict::Dead { fault: deciding::rejected(&rejections) })),
        Outcome::Skipped { reason, at } => {
            Err(ended(Verdict::Skipped { reason: format!("{reason} ({}:{})", at.file, at.line) }))
        }
        Outcome::Waiting(references) => Err(ended(wait(&references, work))),
    }
}

fn ended(verdict: Verdict) -> Box<Prepared> {
    Box::new(Prepared::Conclude(verdict))
}

fn wait(references: &[Reference], work: &Work) -> Verdict {
    let mut links: Vec<Link> = Vec::new();
    let mut words = Vec::new();
    for reference in references {
        match reference {
            Reference::Link(link) => {
                words.push(format!(
                    "the {}.{} of {}.{} {}",
                    link.system, link.entity, link.of_system, link.of_entity, link.key
                ));
                links.push(link.clone());
            }
            Reference::Find(find) => words.push(format!("a record of {}.{}", find.system, find.entity)),
        }
    }
    let fault = Fault::own("waiting", format!("waits for {}", words.join(", ")));
    if links.iter().any(|link| is_own(link, work)) {
        return deciding::wait_for_target(fault, links, &work.situation);
    }
    deciding::wait_for(fault, links, &work.situation)
}

/// Does the link lead from the flow's own record to what it writes?
fn is_own(link: &Link, work: &Work) -> bool {
    let (of, target) = ((work.flow.read.system, work.flow.read.entity), (work.mapping.system, work.mapping.entity));
    (link.of_system.as_str(), link.of_entity.as_str()) == of
        && (link.system.as_str(), link.entity.as_str()) == target
        && link.key == work.leased.source_key
}

/// The part that this message is about.
fn choose(work: &Work, parts: Vec<Part>) -> Prepared {
    let parted = parts.iter().any(|part| part.key.is_some());
    if let Some(mine) = &work.leased.part {
        return match parts.into_iter().find(|part| part.key.as_ref() == Some(mine)) {
            Some(part) => Prepared::Record(part.record),
            None => skipped(format!("the record no longer makes the part `{mine}`")),
        };
    }
    if parted && work.write.together {
        let parts: Vec<(String, Json<'static>)> =
            parts.into_iter().filter_map(|part| Some((part.key?, part.record))).collect();
        let distinct: HashSet<&String> = parts.iter().map(|(key, _)| key).collect();
        return match distinct.len() == parts.len() {
            false => Prepared::Conclude(Verdict::Dead { fault: two_parts() }),
            true if parts.iter().any(|(key, _)| keys::is_too_long(key)) => {
                Prepared::Conclude(Verdict::Dead { fault: Fault::too_long("a part of the record") })
            }
            true => Prepared::Together(parts),
        };
    }
    if parted {
        let keys: Vec<String> = parts.into_iter().filter_map(|part| part.key).collect();
        let distinct: HashSet<&String> = keys.iter().collect();
        if distinct.len() < keys.len() {
            return Prepared::Conclude(Verdict::Dead { fault: two_parts() });
        }
        if keys.iter().any(|key| keys::is_too_long(key)) {
            return Prepared::Conclude(Verdict::Dead { fault: Fault::too_long("a part of the record") });
        }
        return Prepared::Conclude(Verdict::Split { parts: keys });
    }
    match parts.into_iter().next() {
        Some(part) => Prepared::Record(part.record),
        None => skipped("the mapping made no record".to_owned()),
    }
}

fn two_parts() -> Fault {
    Fault::own("part_key", "two parts of the record have the same part key")
}

fn skipped(reason: String) -> Prepared {
    Prepared::Conclude(Verdict::Skipped { reason })
}

/// From when on what was found may serve a record: from its capture; where it was tried before, only what is found now.
fn since(leased: &Leased, age: Duration, now: Timestamp) -> Timestamp {
    match leased.generation > 0 || leased.failures > 0 || leased.waits > 0 {
        true => now,
        false => leased.captured_at.max(earlier(now, age)),
    }
}

/// Answers one round: links from the store, look-ups from the cache or their systems.
async fn answer(core: &Core, works: &mut [Work], wanted: &[(usize, Vec<Reference>)]) -> Result<(), EngineError> {
    let now = core.now();
    let mut latest: HashMap<&Reference, Timestamp> = HashMap::new();
    for (index, references) in wanted {
        let Some(work) = works.get(*index) else { continue };
        let since = since(&work.leased, core.options.cache_age, now);
        for reference in references {
            latest.entry(reference).and_modify(|known| *known = since.max(*known)).or_insert(since);
        }
    }
    let mut links: Vec<Link> = Vec::new();
    let mut finds: HashMap<(&str, &str), Vec<(Find, Timestamp)>> = HashMap::new();
    for reference in wanted.iter().flat_map(|(_, references)| references) {
        let Some(since) = latest.remove(reference) else { continue };
        match reference {
            Reference::Link(link) => links.push(link.clone()),
            Reference::Find(find) => {
                finds.entry((&find.system, &find.entity)).or_default().push((find.clone(), since));
            }
        }
    }
    let mut answers: HashMap<Reference, Resolved> = HashMap::new();
    if !links.is_empty() {
        let keys = core.store.links(links.clone()).await?;
        answers.extend(links.into_iter().zip(keys).map(|(link, key)| (Reference::Link(link), Resolved::Linked(key))));
    }
    let mut failures: HashMap<Find, Failure> = HashMap::new();
    for ((system, _), questions) in finds {
        ask(core, system, questions, &mut answers, &mut failures).await?;
    }
    for (index, references) in wanted {
        let Some(work) = works.get_mut(*index) else { continue };
        for reference in references {
            if let Some(resolved) = answers.get(reference) {
                work.references.insert(reference.clone(), resolved.clone());
            } else if let Reference::Find(find) = reference
                && let Some(failure) = failures.get(find)
            {
                let decision = deciding::after_question(failure, &work.situation);
                work.decide(&find.system, decision);
            }
        }
    }
    Ok(())
}

async fn ask(
    core: &Core,
    system: &str,
    questions: Vec<(Find, Timestamp)>,
    answers: &mut HashMap<Reference, Resolved>,
    failures: &mut HashMap<Find, Failure>,
) -> Result<(), EngineError> {
    let mut open = Vec::new();
    for (find, since) in questions {
        let cached = core.cache.lock().ok().and_then(|cache| cache.get(&find, since));
        match cached {
            Some(found) => {
                answers.insert(Reference::Find(find), Resolved::Found(found));
            }
            None => open.push(find),
        }
    }
    let connector = core.connector(system)?;
    for chunk in open.chunks(FINDS_MAX) {
        let asked = Asked { at: core.now(), writes: core.cache.lock().map_or(0, |cache| cache.writes(system)) };
        let found = connector.find(chunk).await.and_then(|found| read_found(system, chunk, &found));
        match found {
            Ok(found) => {
                for (find, records) in chunk.iter().zip(found) {
                    if let Ok(mut cache) = core.cache.lock() {
                        cache.put(find, &records, asked, core.options.cache_entries);
                    }
                    answers.insert(Reference::Find(find.clone()), Resolved::Found(records));
                }
            }
            Err(failure) => failures.extend(chunk.iter().map(|find| (find.clone(), failure.clone()))),
        }
    }
    Ok(())
}

fn read_found(system: &str, asked: &[Find], found: &[Vec<String>]) -> Result<Vec<Vec<Json<'static>>>, Failure> {
    let broken = |message: String| Failure {
        class: Class::Transient,
        status: None,
        code: None,
        message,
        field: None,
        retry_after: None,
        existing: None,
    };
    if found.len() != asked.len() {
        return Err(broken(format!("{system} answered {} look-ups of {}", found.len(), asked.len())));
    }
    let read = |text: &String| {
        Json::parse(text)
            .map(Json::into_owned)
            .map_err(|error| broken(format!("{system} answered a look-up with what is no JSON: {error}")))
    };
    found.iter().map(|records| records.iter().map(read).collect()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test: what is not as expected ends it")]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn find(system: &str) -> Find {
        Find { system: system.to_owned(), entity: "orders".to_owned(), terms: Vec::new(), select: Vec::new() }
    }

    fn record() -> Vec<Json<'static>> {
        vec![Json::Record(Vec::new())]
    }

    #[test]
    fn what_was_found_serves_records_that_were_captured_before() {
        let mut cache = Cache::default();
        cache.put(&find("shop"), &record(), Asked { at: at(100), writes: 0 }, 10);
        assert!(cache.get(&find("shop"), at(99)).is_some());
        assert!(cache.get(&find("shop"), at(101)).is_none(), "older than the record that asks");
    }

    #[test]
    fn what_was_not_found_is_never_remembered() {
        let mut cache = Cache::default();
        cache.put(&find("shop"), &[], Asked { at: at(100), writes: 0 }, 10);
        assert!(cache.get(&find("shop"), at(0)).is_none());
    }

    #[test]
    fn a_write_forgets_its_system_and_no_other_and_answers_that_are_under_way() {
        let mut cache = Cache::default();
        let before = Asked { at: at(100), writes: cache.writes("shop") };
        for system in ["shop", "erp"] {
            cache.put(&find(system), &record(), before, 10);
        }
        cache.forget("shop");
        assert!(cache.get(&find("shop"), at(0)).is_none());
        assert!(cache.get(&find("erp"), at(0)).is_some());
        cache.put(&find("shop"), &record(), before, 10);
        assert!(cache.get(&find("shop"), at(0)).is_none(), "asked before the write, answered after it");
        cache.put(&find("shop"), &record(), Asked { at: at(101), writes: cache.writes("shop") }, 10);
        assert!(cache.get(&find("shop"), at(0)).is_some());
    }
}
