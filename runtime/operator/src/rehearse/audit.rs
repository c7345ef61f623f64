//! The books of any integration: what every flow's mappings make of what stands in its source *now*, held against what stands in
//! the target. In: played systems, store, settings. Out: what is delivered as the specs say, and what speaks against it.
//!
//! The compiled mappings are asked again, with references answered straight from the played systems' own records: nothing that
//! the engine stored is taken for proof but links.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use mapwright_engine::store::Store;
use mapwright_values::decimal::Decimal;
use mapwright_values::plan::{FlowPlan, Manner, WritePlan};
use mapwright_values::{Input, Integration, Json, Outcome, Reference, References, Resolved, Sources, Term};

use super::holes::{all_at, plain, text_at};
use super::scene::Systems;
use crate::Faults;

/// A mapping asks for references in so many rounds at most.
const ROUNDS_MAX: usize = 20;

/// What the audit of one write of a flow found.
#[derive(Debug, Default)]
pub(super) struct Audited {
    /// Records that the mapping makes, and that are there as it makes them.
    pub(super) agree: usize,
    /// What is missing or differs.
    pub(super) against: Vec<String>,
    /// Records that the spec does not want delivered.
    pub(super) skipped: usize,
    /// Records that the spec rejects, with the first reason.
    pub(super) rejected: BTreeMap<String, usize>,
    /// Records that wait for another.
    pub(super) waiting: usize,
}

/// What the audit needs.
pub(super) struct Audit<'a> {
    pub(super) integration: &'a Integration,
    pub(super) systems: &'a Systems,
    pub(super) store: &'a Arc<dyn Store>,
    pub(super) settings: &'a Json<'static>,
}

impl Audit<'_> {
    /// Audits one flow: its writes in order.
    pub(super) async fn flow(&self, flow: &'static FlowPlan) -> Result<Vec<Audited>, Faults> {
        let mut audited: Vec<Audited> = flow.writes.iter().map(|_| Audited::default()).collect();
        let there: Vec<Vec<Json<'static>>> = flow.writes.iter().map(|write| self.targets(write)).collect();
        for record in self.sources(flow)? {
            let mut written: BTreeMap<&str, Json<'static>> = BTreeMap::new();
            for (number, write) in flow.writes.iter().enumerate() {
                let Some(audit) = audited.get_mut(number) else { continue };
                let sources: Option<Vec<Json<'static>>> = write
                    .sources
                    .iter()
                    .map(|source| match source {
                        None => Some(record.clone()),
                        Some(name) => written.get(name).cloned(),
                    })
                    .collect();
                // What an earlier write should have made is missing: told there.
                let Some(sources) = sources else { break };
                let there = there.get(number).map_or(&[][..], Vec::as_slice);
                let found = self.write(write, &sources, there, audit).await?;
                match (found, write.named) {
                    (Some(found), Some(name)) => {
                        written.insert(name, found);
                    }
                    (Some(_), None) => {}
                    // The chain of a record ends where it is skipped, rejected or waits.
                    (None, _) => break,
                }
            }
        }
        Ok(audited)
    }

    /// What the flow reads: records that fit its conditions, grouped where its mappings want groups.
    fn sources(&self, flow: &'static FlowPlan) -> Result<Vec<Json<'static>>, Faults> {
        let Some(system) = self.systems.get(flow.read.system) else { return Ok(Vec::new()) };
        let terms: Vec<Term> = flow
            .read
            .filter
            .iter()
            .map(|term| Term { field: term.field.to_owned(), test: term.test, value: term.value.to_owned() })
            .collect();
        let mut records = system.find(flow.read.entity, &terms);
        if flow.read.keep
            && let Some((_, keep)) = self.integration.keeps.iter().find(|(name, _)| *name == flow.name)
        {
            records.retain(|record| {
                let sources = [record.clone()];
                let references = References::new();
                let input = self.input(&sources, &references);
                keep(&input).unwrap_or(true)
            });
        }
        let Some(path) = flow.read.group else { return Ok(records) };
        let mut groups: BTreeMap<String, (Json<'static>, Vec<Json<'static>>)> = BTreeMap::new();
        for record in records {
            let Some(key) = all_at(&record, path).first().map(|value| (*value).clone()) else { continue };
            groups.entry(plain(&key)).or_insert_with(|| (key, Vec::new())).1.push(record);
        }
        let grouped = groups
            .into_values()
            .map(|(key, rows)| Json::Record(vec![("key".into(), key), ("rows".into(), Json::List(rows))]));
        Ok(grouped.collect())
    }

    fn input<'i>(&'i self, sources: &'i [Json<'i>], references: &'i References) -> Input<'i> {
        Input { sources: Sources::Whole(sources), references, settings: self.settings, captured_at: Timestamp::now() }
    }

    /// The records that stand where a write writes.
    fn targets(&self, write: &WritePlan) -> Vec<Json<'static>> {
        let plan = self.integration.plan.mapping(write.mapping);
        let target = plan.and_then(|plan| Some((self.systems.get(plan.system)?, plan.entity)));
        target.map(|(system, entity)| system.records(entity)).unwrap_or_default()
    }

    /// Audits one write of one record; says the record that stands in the target, or `true` of an action as nothing.
    async fn write(
        &self,
        write: &'static WritePlan,
        sources: &[Json<'static>],
        there: &[Json<'static>],
        audit: &mut Audited,
    ) -> Result<Option<Json<'static>>, Faults> {
        let (Some(mapping), Some(plan)) =
            (self.integration.mapping(write.mapping), self.integration.plan.mapping(write.mapping))
        else {
            return Ok(None);
        };
        let Some(target) = self.systems.get(plan.system) else { return Ok(None) };
        let parts = match self.mapped(mapping.map, sources).await? {
            Outcome::Mapped(parts) => parts,
            Outcome::Skipped { .. } => {
                audit.skipped += 1;
                return Ok(None);
            }
            Outcome::Rejected(reasons) => {
                let words =
                    reasons.first().map(|first| format!("{} ({}:{})", first.reason, first.at.file, first.at.line));
                *audit.rejected.entry(words.unwrap_or_default()).or_default() += 1;
                return Ok(None);
            }
            Outcome::Waiting(_) | Outcome::Wants(_) => {
                audit.waiting += 1;
                return Ok(None);
            }
        };
        let mut last = None;
        for part in parts {
            let by: &[&str] = match write.manner {
                Manner::CreateOnce { by } | Manner::Upsert { by } | Manner::Update { by } | Manner::Delete { by } => by,
                Manner::Action => {
                    if target.shows(plan.entity, &part.record) {
                        audit.agree += 1;
                        last = Some(part.record);
                    } else {
                        audit.against.push(format!("{}: not done: {}", plan.entity, short(&part.record)));
                    }
                    continue;
                }
            };
            let same = |found: &Json<'static>| by.iter().all(|path| same_text(&part.record, found, path));
            let mut found = there.iter().filter(|found| same(found));
            let name = by.iter().filter_map(|path| text_at(&part.record, path)).collect::<Vec<_>>().join("/");
            let is_deleted = matches!(write.manner, Manner::Delete { .. });
            match (found.next(), found.next()) {
                (Some(_), _) if is_deleted => {
                    audit.against.push(format!("{} {name} is still there", plan.entity));
                }
                (None, _) if is_deleted => audit.agree += 1,
                (None, _) => audit.against.push(format!("{} {name} is not there", plan.entity)),
                (Some(_), Some(_)) => audit.against.push(format!("{} {name} is there more than once", plan.entity)),
                (Some(found), None) => {
                    let mut differences = Vec::new();
                    // What is made once belongs to the target's people from then on.
                    let made_once = matches!(write.manner, Manner::CreateOnce { .. });
                    if !made_once || target.is_untouched(plan.entity, &target.key_of(plan.entity, found)) {
                        differ(&part.record, found, "", plan.create_only, &mut differences);
                    }
                    if differences.is_empty() {
                        audit.agree += 1;
                    } else {
                        audit.against.push(format!("{} {name}: {}", plan.entity, differences.join("; ")));
                    }
                    last = Some(found.clone());
                }
            }
        }
        Ok(last)
    }

    /// Asks the mapping until it has all references.
    async fn mapped(&self, map: mapwright_values::Map, sources: &[Json<'static>]) -> Result<Outcome, Faults> {
        let mut references = References::new();
        for _ in 0..ROUNDS_MAX {
            let outcome = map(&self.input(sources, &references)).into_owned();
            let Outcome::Wants(wants) = outcome else { return Ok(outcome) };
            for want in wants {
                let answer = match &want {
                    Reference::Find(find) => {
                        let found = self.systems.get(&find.system).map(|system| system.find(&find.entity, &find.terms));
                        Resolved::Found(found.unwrap_or_default())
                    }
                    Reference::Link(link) => {
                        Resolved::Linked(self.store.links(vec![link.clone()]).await?.into_iter().next().flatten())
                    }
                };
                references.insert(want, answer);
            }
        }
        Err(Faults(vec![format!("a mapping asked for references in more than {ROUNDS_MAX} rounds")]))
    }
}

fn short(record: &Json<'_>) -> String {
    record.to_text().chars().take(120).collect()
}

fn same_text(left: &Json<'static>, right: &Json<'static>, path: &str) -> bool {
    match (text_at(left, path), text_at(right, path)) {
        (Some(left), Some(right)) => same_leaf(&left, &right),
        (_, _) => false,
    }
}

/// The same value, however it is written: digits, instants, UUIDs.
fn same_leaf(left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    if let (Ok(left), Ok(right)) = (Decimal::parse(left), Decimal::parse(right)) {
        return left == right;
    }
    match (left.parse::<Timestamp>(), right.parse::<Timestamp>()) {
        (Ok(left), Ok(right)) => left == right,
        (_, _) => left.replace('-', "").eq_ignore_ascii_case(&right.replace('-', "")) && left.len() >= 32,
    }
}

/// What of ours is not so in theirs. What was written only when the record was made may have changed since.
fn differ(ours: &Json<'static>, theirs: &Json<'static>, path: &str, made: &[&str], told: &mut Vec<String>) {
    match (ours, theirs) {
        (Json::Record(members), _) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
                if !made.contains(&path.as_str()) {
                    differ(value, theirs.get(name).unwrap_or(&Json::Null), &path, made, told);
                }
            }
        }
        (Json::List(list), Json::List(there)) => {
            for (index, item) in list.iter().enumerate() {
                // Where entries are merged, ours stand among others.
                let fits = |candidate: &Json<'static>| {
                    let mut differences = Vec::new();
                    differ(item, candidate, path, made, &mut differences);
                    differences.is_empty()
                };
                let at_its_place = there.get(index).is_some_and(fits);
                if !at_its_place && !there.iter().any(fits) {
                    match there.get(index) {
                        Some(candidate) => differ(item, candidate, &format!("{path}[{}]", index + 1), made, told),
                        None => told.push(format!("{path}[{}] is missing", index + 1)),
                    }
                }
            }
        }
        (ours, theirs) => {
            let (ours, theirs) = (plain(ours), plain(theirs));
            if !same_leaf(&ours, &theirs) {
                told.push(format!("{path} is `{theirs}` and should be `{ours}`"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json<'static> {
        Json::parse(text).unwrap().into_owned()
    }

    fn differences(ours: &str, theirs: &str) -> Vec<String> {
        let mut told = Vec::new();
        differ(&json(ours), &json(theirs), "", &["stock"], &mut told);
        told
    }

    #[test]
    fn spellings_are_no_differences_but_cents_are() {
        assert_eq!(
            differences(
                r#"{"a":1.50,"t":"2026-11-02T09:00:00Z","l":[{"q":2}],"stock":0}"#,
                r#"{"a":"1.5","t":"2026-11-02T10:00:00+01:00","l":[{"q":1},{"q":2.0,"id":7}],"stock":5}"#
            ),
            Vec::<String>::new()
        );
        assert_eq!(differences(r#"{"a":1.50}"#, r#"{"a":1.51}"#), ["a is `1.51` and should be `1.50`"]);
        assert_eq!(differences(r#"{"l":[{"q":2},{"q":3}]}"#, r#"{"l":[{"q":2}]}"#), ["l[2] is missing"]);
    }
}
