//! Records by key, look-ups, and the records of an answer. In: keys and conditions. Out: records in the catalogue's shape.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mapwright_engine::connector::{Class, Failure};
use mapwright_manifest::{Entity, Operation, Verb};
use mapwright_values::plan::{EntityPlan, Kind};
use mapwright_values::{Find, Json, Term, Test};

use crate::answer::ReadAnswer;
use crate::classify::Asked;
use crate::connection::{Call, RestConnector};
use crate::fields::{key_of, kind_of};
use crate::paging::Cursor;
use crate::reading::{Listing, with_parent};
use crate::request::Extras;
use crate::{graphql, lock};

/// A look-up reads no more pages than this: a condition that finds more is no look-up.
const FIND_PAGES_MAX: u64 = 20;

/// Reads that stand or fall together are each asked for so often: of a hundred, one that fails would waste all others.
const ATTEMPTS_TOGETHER: u32 = 3;

/// How long such a read waits before it is asked for again.
const PAUSE_TOGETHER: Duration = Duration::from_millis(100);

/// A read that failed after a longer time is not asked for again here: its system hangs.
const QUICK: Duration = Duration::from_secs(5);

impl RestConnector {
    /// One record by key.
    pub(crate) async fn record(
        &self,
        name: &str,
        key: &[String],
        select: &[String],
    ) -> Result<Option<Json<'static>>, Failure> {
        Ok(self.versioned(name, key, select).await?.map(|(record, _)| record))
    }

    /// One record by key, with its version where the manifest's lock tells one.
    pub(crate) async fn versioned(
        &self,
        name: &str,
        key: &[String],
        select: &[String],
    ) -> Result<Option<(Json<'static>, Option<String>)>, Failure> {
        let (entity, plan) = self.entity_known(name)?;
        let Some((record, tag)) = self.raw_record(entity, plan, key, select, None).await? else { return Ok(None) };
        let record = self.shaped(entity, plan, record).await?;
        let version = tag.or_else(|| lock::version(&self.manifest.lock, &record));
        Ok(Some((record, version)))
    }

    /// One record by key as it came, with its tag; `after` = one of its lists, from there on.
    pub(crate) async fn raw_record(
        &self,
        entity: &Entity,
        plan: &'static EntityPlan,
        key: &[String],
        select: &[String],
        after: Option<&graphql::More>,
    ) -> Result<Option<(Json<'static>, Option<String>)>, Failure> {
        let operation = self.operation_known(entity, Verb::Get)?;
        let value = self.own_key(&entity.name, plan, key);
        let parent = self.parent(&entity.name, Some(plan), key, &Json::Null);
        let mut wanted = select.to_vec();
        if !wanted.is_empty() {
            wanted.extend(plan.key.iter().map(|name| (*name).to_owned()));
            wanted.extend(lock::field(&self.manifest.lock).map(str::to_owned));
        }
        let mut extras = Extras::default();
        self.selection(entity, plan, &wanted, after, &mut extras);
        let call = Call {
            operation,
            asked: Asked::Entity(Verb::Get),
            name: &entity.name,
            plan: Some(plan),
            key,
            roots: vec![("key", &value), ("parent", &parent)],
            extras,
            personal: &[],
        };
        let read_all = |read: &ReadAnswer<'_>| Ok((records(read, operation)?, lock::tag(&self.manifest.lock, read)));
        match self.call(&call, read_all).await {
            Ok((records, tag)) => Ok(records.into_iter().next().map(|record| (record, tag))),
            Err(failure) if failure.class == Class::Missing => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// All records of a look-up.
    pub(crate) async fn look_up(
        &self,
        entity: &str,
        terms: &[Term],
        select: &[String],
    ) -> Result<Vec<Json<'static>>, Failure> {
        let (known, plan) = self.entity_known(entity)?;
        let (terms, parent) = self.beneath(known, plan, terms)?;
        let above = known.parent.as_ref().and_then(|(parent, _)| self.plan(parent));
        let verb = if known.operation(Verb::Find).is_some() { Verb::Find } else { Verb::List };
        let mut wanted = select.to_vec();
        if !wanted.is_empty() {
            wanted.extend(plan.key.iter().map(|name| (*name).to_owned()));
        }
        let order = plan.key.iter().map(|name| (*name).to_owned()).collect();
        let mut listing = Listing { entity, verb, terms, select: wanted, order, cursor: Cursor::default(), parent };
        let gives_keys = self.operation_known(known, verb)?.gives_keys;
        let mut found = Vec::new();
        for _ in 0..FIND_PAGES_MAX {
            let mut page = self.raw_page(&listing).await?;
            if gives_keys {
                let mut whole = Vec::with_capacity(page.records.len());
                for row in &page.records {
                    let key = listed_key(plan, row).ok_or_else(|| {
                        self.failure(Class::Halt, format!("a row of {entity} does not carry its key"))
                    })?;
                    whole.extend(self.record(entity, &key, select).await?);
                }
                page.records = whole;
            }
            // A page that goes on from a value begins with rows that the page before ended with.
            for record in page.records {
                let record = match above {
                    Some(above) => with_parent(record, plan, above, &listing.parent),
                    None => record,
                };
                if !found.contains(&record) {
                    found.push(record);
                }
            }
            match page.next {
                Some(cursor) => listing.cursor = cursor,
                None => return Ok(found),
            }
        }
        Err(self.failure(
            Class::Halt,
            format!("a look-up in {entity} found more than {} records: its condition is too wide", found.len()),
        ))
    }

    /// A look-up of records that belong to others asks beneath one of these: what it asks of their key leads there, and is
    /// asked no more.
    fn beneath(
        &self,
        entity: &Entity,
        plan: &'static EntityPlan,
        terms: &[Term],
    ) -> Result<(Vec<Term>, Json<'static>), Failure> {
        let Some((parent, _)) = &entity.parent else { return Ok((terms.to_vec(), Json::Null)) };
        let (_, above) = self.entity_known(parent)?;
        let mut rest = terms.to_vec();
        let mut members = Vec::with_capacity(above.key.len());
        for (name, own) in above.key.iter().zip(plan.key) {
            let place = rest.iter().position(|term| term.field == *own && term.test == Test::Eq);
            let value = place.map(|place| rest.remove(place)).and_then(|term| {
                let value = Json::parse(&term.value).ok()?.into_owned();
                (!value.is_null()).then_some(value)
            });
            let Some(value) = value else {
                let words =
                    format!("a look-up of {} needs the `{own}` of the {parent} that they belong to", entity.name);
                return Err(self.failure(Class::Halt, words));
            };
            members.push(((*name).into(), value));
        }
        Ok((rest, Json::Record(members)))
    }

    /// Several look-ups, in order, several at once.
    pub(crate) async fn look_ups(&self, finds: &[Find]) -> Result<Vec<Vec<String>>, Failure> {
        let next = AtomicUsize::new(0);
        let answers: Vec<tokio::sync::OnceCell<Vec<String>>> =
            finds.iter().map(|_| tokio::sync::OnceCell::new()).collect();
        let worker = || async {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let (Some(find), Some(answer)) = (finds.get(index), answers.get(index)) else { return Ok(()) };
                let ask = || self.look_up(&find.entity, &find.terms, &find.select);
                let found = if finds.len() > 1 { together(ask).await? } else { ask().await? };
                // Each index is handed out once, so the cell is empty.
                let _ = answer.set(found.iter().map(Json::to_text).collect());
            }
        };
        let workers = self.manifest.limits.parallel.min(finds.len());
        all((0..workers).map(|_| worker()).collect()).await?;
        Ok(answers.into_iter().map(|answer| answer.into_inner().unwrap_or_default()).collect())
    }
}

/// A read that others stand or fall with: what passes by itself is asked for again at once, for the engine would begin them all anew.
pub(crate) async fn together<T, F: Future<Output = Result<T, Failure>>>(ask: impl Fn() -> F) -> Result<T, Failure> {
    let mut attempts = 1;
    loop {
        let begun = Instant::now();
        match ask().await {
            Err(failure)
                if failure.class == Class::Transient && attempts < ATTEMPTS_TOGETHER && begun.elapsed() < QUICK =>
            {
                attempts += 1;
            }
            outcome => return outcome,
        }
        tokio::time::sleep(PAUSE_TOGETHER).await;
    }
}

/// Runs futures together on this task; the first failure ends it.
pub(crate) async fn all<F: Future<Output = Result<(), Failure>>>(futures: Vec<F>) -> Result<(), Failure> {
    let mut waiting: Vec<_> = futures.into_iter().map(Box::pin).collect();
    std::future::poll_fn(move |context| {
        let mut index = 0;
        while let Some(future) = waiting.get_mut(index) {
            match future.as_mut().poll(context) {
                std::task::Poll::Ready(Ok(())) => drop(waiting.swap_remove(index)),
                std::task::Poll::Ready(Err(failure)) => return std::task::Poll::Ready(Err(failure)),
                std::task::Poll::Pending => index += 1,
            }
        }
        if waiting.is_empty() { std::task::Poll::Ready(Ok(())) } else { std::task::Poll::Pending }
    })
    .await
}

/// The records of an answer: those of `records`, or the one of `record`, each an object.
pub(crate) fn records(read: &ReadAnswer<'_>, operation: &Operation) -> Result<Vec<Json<'static>>, String> {
    let selectors = if operation.records.is_empty() { &operation.record } else { &operation.records };
    if !operation.records.is_empty() {
        // An empty list is an answer; a missing one is not, but in XML, where no element stands for none.
        let there = read.format != crate::answer::Format::Json && read.format != crate::answer::Format::Graphql;
        let there = there
            || selectors.iter().any(|selector| {
                let mut whole = selector.clone();
                let each = whole.steps.iter().position(|step| *step == mapwright_manifest::SelectorStep::Each);
                whole.steps.truncate(each.unwrap_or(whole.steps.len()));
                read.select(&whole, &Json::Null).iter().any(|value| matches!(value.as_ref(), Json::List(_)))
            });
        if !there {
            let place = selectors.first().map_or("", |selector| selector.text.as_str());
            return Err(format!("the answer holds no list at `{place}`"));
        }
    }
    // GraphQL answers null for what is not there.
    let none_is_null = read.format == crate::answer::Format::Graphql && operation.records.is_empty();
    let found = read.select_first(selectors, &Json::Null);
    found
        .into_iter()
        .filter(|value| !(none_is_null && value.is_null()))
        .map(|value| match value.as_ref() {
            Json::Record(_) => Ok(value.into_owned().into_owned()),
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
                Err(format!("a record was expected, and the answer holds {}", value.kind_name()))
            }
        })
        .collect()
}

/// The key of a row that tells little more: by the path, or by its last step.
pub(crate) fn listed_key(plan: &EntityPlan, row: &Json<'_>) -> Option<Vec<String>> {
    if plan.key.is_empty() {
        return None;
    }
    key_of(row, plan.key).or_else(|| {
        let short: Vec<&str> = plan.key.iter().map(|name| name.rsplit('.').next().unwrap_or(name)).collect();
        key_of(row, &short)
    })
}

impl RestConnector {
    /// How many parts of the key are those of the record that this one belongs to.
    pub(crate) fn parent_parts(&self, name: &str) -> usize {
        let above = self.manifest.entity(name).and_then(|entity| entity.parent.as_ref());
        above.and_then(|(parent, _)| self.plan(parent)).map_or(0, |above| above.key.len())
    }

    /// What `{key}` names: the key without the parts that are its parent's.
    pub(crate) fn own_key(&self, name: &str, plan: &EntityPlan, key: &[String]) -> Json<'static> {
        let skipped = self.parent_parts(name);
        let named = plan.key.get(skipped..).unwrap_or_default();
        let values = key.get(skipped..).unwrap_or_default();
        key_of_parts(plan, named, values)
    }
}

fn key_of_parts(plan: &EntityPlan, names: &[&'static str], key: &[String]) -> Json<'static> {
    let mut members = key_members(plan, names, key);
    match (names.len(), members.pop()) {
        (1, Some((_, value))) => value,
        (_, last) => {
            members.extend(last);
            Json::Record(members)
        }
    }
}

/// The parts of a key by their names, as the catalogue has them.
pub(crate) fn key_members(
    plan: &EntityPlan,
    names: &[&'static str],
    key: &[String],
) -> Vec<(Cow<'static, str>, Json<'static>)> {
    let leaf = |name: &str, text: &String| match kind_of(plan, name) {
        Some(Kind::Integer) if text.parse::<i64>().is_ok() => Json::Number(text.clone().into()),
        Some(_) | None => Json::text(text.clone()),
    };
    names.iter().zip(key).map(|(name, value)| ((*name).into(), leaf(name, value))).collect()
}

/// The key of a record in the catalogue's order, as texts.
pub(crate) fn record_key(plan: &EntityPlan, record: &Json<'_>) -> Option<Vec<String>> {
    if plan.key.is_empty() { None } else { key_of(record, plan.key) }
}
