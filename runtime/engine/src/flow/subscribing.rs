//! Subscriptions: what a system must be asked for before it tells us anything, made, renewed before it ends, made again when lost.
//!
//! In: the topics that flows listen to, what the store knows of their subscriptions. Out: calls of connectors, and how each
//! subscription stands now. Nothing of a delivery depends on it: without a subscription a flow learns of a change by its schedule.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use mapwright_values::plan::{Plan, Schedule};

use super::{Core, halting, turns};
use crate::EngineError;
use crate::clock::{between, later};
use crate::connector::{Connector, Subscribed, Subscribing, SubscriptionDeed, SubscriptionRequest};
use crate::store::{Subscription, SubscriptionChange};

/// A subscription that ends by itself is renewed when so much of its life is left: a third.
const LIFE_LEFT: u32 = 3;

/// The topics that flows listen to, by system.
fn topics(plan: &Plan) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut topics: BTreeMap<&'static str, BTreeSet<&'static str>> = BTreeMap::new();
    for schedule in plan.flows.iter().flat_map(|flow| flow.schedules) {
        match schedule {
            Schedule::Webhook { topic, system } => {
                topics.entry(system).or_default().insert(topic);
            }
            Schedule::Every { .. } | Schedule::Daily { .. } | Schedule::Cron { .. } | Schedule::OnDemand => {}
        }
    }
    topics
}

/// The subscriptions that the flows need: system and name.
fn wanted(core: &Core) -> Result<BTreeSet<(String, String)>, EngineError> {
    let mut wanted = BTreeSet::new();
    for alias in topics(core.plan()).into_keys() {
        let names = subscriptions_of(core.plan(), core.connector(alias)?.as_ref());
        wanted.extend(names.into_iter().map(|name| (alias.to_owned(), name)));
    }
    Ok(wanted)
}

/// The subscriptions that the flows of a plan need of a system, by name.
#[must_use]
pub fn subscriptions_of(plan: &Plan, connector: &dyn Connector) -> BTreeSet<String> {
    let topics = topics(plan).remove(connector.alias()).unwrap_or_default();
    topics.iter().flat_map(|topic| connector.subscriptions(topic)).collect()
}

/// The address that a system is to call, of a program that is reached at `url`.
#[must_use]
pub fn hook_address(address: &str, alias: &str) -> String {
    format!("{}/hooks/{alias}", address.trim_end_matches('/'))
}

/// Looks after every subscription whose time has come; answers when the next one's does. Of several processes one does so.
pub(crate) async fn tend(core: &Core, address: &str) -> Result<Option<Timestamp>, EngineError> {
    if !turns::hold_subscriptions(core).await? {
        return Ok(None);
    }
    let next = tend_all(core, address).await;
    turns::give_back_subscriptions(core).await?;
    next
}

async fn tend_all(core: &Core, address: &str) -> Result<Option<Timestamp>, EngineError> {
    let wanted = wanted(core)?;
    let known = core.store.subscriptions().await?;
    for old in known.iter().filter(|one| !wanted.contains(&(one.system.clone(), one.name.clone()))) {
        end(core, old).await?;
    }
    let halted: Vec<String> = halting::halted(core).await?.into_iter().map(|(alias, _)| alias).collect();
    let mut next: Option<Timestamp> = None;
    for (system, name) in wanted {
        let Some(how) = core.connector(&system)?.subscribing() else { continue };
        let address = hook_address(address, &system);
        let known = known.iter().find(|one| one.system == system && one.name == name).cloned();
        let mut one = known.unwrap_or_else(|| new(core.now(), (&system, &name, &address)));
        if one.address != address {
            // The old one would go on calling where nobody listens.
            end(core, &one).await?;
            one = new(core.now(), (&system, &name, &address));
        }
        if one.next_at <= core.now() && !halted.contains(&system) && !core.is_stopping() {
            one = look_after(core, one, how).await?;
        }
        next = Some(next.map_or(one.next_at, |next| next.min(one.next_at)));
    }
    Ok(next)
}

fn new(now: Timestamp, (system, name, address): (&str, &str, &str)) -> Subscription {
    Subscription {
        system: system.to_owned(),
        name: name.to_owned(),
        address: address.to_owned(),
        held: BTreeMap::new(),
        made_at: None,
        renewed_at: None,
        expires_at: None,
        next_at: now,
        lost: 0,
        failures: 0,
        error: None,
    }
}

async fn look_after(core: &Core, mut one: Subscription, how: Subscribing) -> Result<Subscription, EngineError> {
    let now = core.now();
    let renew = renewal(&one, how).is_some_and(|at| at <= now);
    let request = request(&one, renew);
    let answer = core.connector(&one.system)?.subscribe(&request).await;
    let now = core.now();
    match answer {
        Ok(subscribed) => {
            note(&mut one, subscribed, now);
            let looks = how.look_every.map(|every| later(now, every));
            one.next_at = looks.into_iter().chain(renewal(&one, how)).min().unwrap_or(Timestamp::MAX);
        }
        Err(failure) => {
            one.failures = one.failures.saturating_add(1);
            let wait = failure.retry_after.unwrap_or_default().max(core.options.retry.limit(one.failures));
            one.next_at = later(now, wait);
            tracing::warn!(
                system = %one.system, subscription = %one.name, %failure, again_s = wait.as_secs(),
                "webhooks are not subscribed to; the flows run by their other schedules"
            );
            one.error = Some(failure.message);
        }
    }
    core.crash.reach("subscription.before_kept");
    core.store.subscription(SubscriptionChange::Keep(one.clone())).await?;
    Ok(one)
}

fn request(one: &Subscription, renew: bool) -> SubscriptionRequest {
    SubscriptionRequest { name: one.name.clone(), address: one.address.clone(), held: one.held.clone(), renew }
}

/// What an answer changes.
fn note(one: &mut Subscription, subscribed: Subscribed, now: Timestamp) {
    let had = one.made_at.is_some();
    match subscribed.deed {
        SubscriptionDeed::Found => {
            // It was made by an attempt whose answer was lost, or by a process whose store is gone: how old it is nobody knows.
            one.made_at = one.made_at.or(Some(now));
        }
        SubscriptionDeed::Renewed => one.renewed_at = Some(now),
        SubscriptionDeed::Made => {
            one.lost = one.lost.saturating_add(u32::from(had));
            (one.made_at, one.renewed_at) = (Some(now), Some(now));
            match had {
                true => tracing::warn!(
                    system = %one.system, subscription = %one.name,
                    "the subscription was gone and is made again; what was missed meanwhile the next reading finds"
                ),
                false => tracing::info!(system = %one.system, subscription = %one.name, "webhooks are subscribed to"),
            }
        }
    }
    (one.held, one.expires_at) = (subscribed.held, subscribed.expires_at);
    (one.failures, one.error) = (0, None);
}

/// When it is to be renewed; `None` = never, or it is not made yet. One of unknown age is renewed at once.
fn renewal(one: &Subscription, how: Subscribing) -> Option<Timestamp> {
    let every = how.renew_every?;
    one.made_at?;
    let Some(renewed) = one.renewed_at else { return Some(Timestamp::MIN) };
    let by_life = one.expires_at.map(|end| later(renewed, between(renewed, end) / LIFE_LEFT * (LIFE_LEFT - 1)));
    Some(by_life.into_iter().chain([later(renewed, every)]).min().unwrap_or(renewed))
}

/// Ends a subscription that no flow needs any more.
async fn end(core: &Core, one: &Subscription) -> Result<(), EngineError> {
    let known = core.connectors.get(&one.system).filter(|_| one.made_at.is_some());
    if let Some(connector) = known
        && let Err(failure) = connector.unsubscribe(&request(one, false)).await
    {
        // Its calls are answered and lead to nothing; the system ends it in its own time, or a person does.
        tracing::warn!(system = %one.system, subscription = %one.name, %failure, "a subscription could not be ended");
    }
    let (system, name) = (one.system.clone(), one.name.clone());
    core.store.subscription(SubscriptionChange::Forget { system, name }).await?;
    Ok(())
}
