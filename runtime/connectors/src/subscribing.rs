//! Subscriptions of a system: looked for, made, renewed, ended by the manifest's requests. In: what is wanted and what is known of
//! it. Out: what the system calls it by. It keeps nothing and reads no clock.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mapwright_engine::connector::{
    Class, Failure, Subscribed, Subscribing as Kept, SubscriptionDeed, SubscriptionRequest,
};
use mapwright_engine::keys;
use mapwright_manifest::{Selector, SelectorRoot, Subscribe, Subscribing};
use mapwright_values::Json;

use crate::answer::{ReadAnswer, leaf, walk};
use crate::classify::Asked;
use crate::connection::{Call, RestConnector};
use crate::fetching::records;
use crate::fields::at;
use crate::request::Extras;
use crate::template::plain;

/// What is kept under this name is when the subscription ends.
const EXPIRES: &str = "expires";

impl RestConnector {
    /// The subscriptions of a topic, by name.
    pub(crate) fn subscription_names(&self, topic: &str) -> Vec<String> {
        let webhooks = self.manifest.webhooks.as_ref();
        webhooks.map_or_else(Vec::new, |webhooks| webhooks.events(topic).into_iter().map(|(name, _)| name).collect())
    }

    /// How they are kept.
    pub(crate) fn subscriptions_kept(&self) -> Option<Kept> {
        let subscribe = self.manifest.webhooks.as_ref()?.subscribe.as_ref()?;
        Some(Kept {
            look_every: subscribe.list.as_ref().map(|_| subscribe.look_every),
            renew_every: subscribe.renew.as_ref().map(|(_, every)| *every),
        })
    }

    /// Is it there?
    pub(crate) async fn looked_for(&self, request: &SubscriptionRequest) -> Result<Option<Subscribed>, Failure> {
        let (subscribe, entity) = self.subscribable(request)?;
        self.listed(subscribe, &entity, request).await
    }

    /// Sees to it that it is there.
    pub(crate) async fn subscribed(&self, request: &SubscriptionRequest) -> Result<Subscribed, Failure> {
        let (subscribe, entity) = self.subscribable(request)?;
        let known = match &subscribe.list {
            Some(_) => self.listed(subscribe, &entity, request).await?,
            // It cannot be looked for: what we hold is believed until renewing it shows otherwise.
            None if request.held.is_empty() => None,
            None => {
                let expires_at = expiry(&request.held);
                Some(Subscribed { held: request.held.clone(), expires_at, deed: SubscriptionDeed::Found })
            }
        };
        let Some(known) = known else { return self.made(subscribe, &entity, request).await };
        let Some((renew, _)) = subscribe.renew.as_ref().filter(|_| request.renew) else { return Ok(known) };
        match self.asked_of(renew, &entity, (request, &known.held), SubscriptionDeed::Renewed).await {
            Ok(renewed) => Ok(renewed),
            // It has ended between looking and renewing, or it ended long ago and could not be looked for.
            Err(failure) if failure.class == Class::Missing => self.made(subscribe, &entity, request).await,
            Err(failure) => Err(failure),
        }
    }

    /// Ends it, where the manifest says how.
    pub(crate) async fn unsubscribed(&self, request: &SubscriptionRequest) -> Result<(), Failure> {
        let (subscribe, entity) = self.subscribable(request)?;
        let Some(end) = &subscribe.end else { return Ok(()) };
        match self.asked_of(end, &entity, (request, &request.held), SubscriptionDeed::Found).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.class == Class::Missing => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// What the manifest says of it, and the entity that it is about.
    fn subscribable(&self, request: &SubscriptionRequest) -> Result<(&Subscribe, String), Failure> {
        let webhooks = self.manifest.webhooks.as_ref();
        let subscribe = webhooks.and_then(|webhooks| webhooks.subscribe.as_ref());
        let about = webhooks.into_iter().flat_map(|webhooks| &webhooks.topics).find_map(|topic| {
            let entity = topic.entity.literal()?;
            topic.subscribed(&entity).contains(&request.name).then_some(entity)
        });
        match (subscribe, about) {
            (Some(subscribe), Some(entity)) => Ok((subscribe, entity)),
            (_, _) => {
                let words = format!("{} does not say how `{}` is subscribed to", self.manifest.title, request.name);
                Err(self.failure(Class::Halt, words))
            }
        }
    }

    async fn made(
        &self,
        subscribe: &Subscribe,
        entity: &str,
        request: &SubscriptionRequest,
    ) -> Result<Subscribed, Failure> {
        self.asked_of(&subscribe.create, entity, (request, &BTreeMap::new()), SubscriptionDeed::Made).await
    }

    /// The one of the subscriptions there are that is the same as ours.
    async fn listed(
        &self,
        subscribe: &Subscribe,
        entity: &str,
        request: &SubscriptionRequest,
    ) -> Result<Option<Subscribed>, Failure> {
        let Some(list) = &subscribe.list else {
            let words = format!("{} cannot be asked which subscriptions there are", self.manifest.title);
            return Err(self.failure(Class::Halt, words));
        };
        let webhook = webhook_root(request, &request.held);
        let own = self.own_entries(entity);
        let roots = [("config", &self.config), ("webhook", &webhook), ("entity", &own)];
        let wanted = self.scope(&roots, &[], &list.operation.lets);
        let wanted = match &list.same {
            Some(same) => wanted.tree(same).map_err(|unfilled| self.failure(Class::Halt, unfilled.message))?,
            None => None,
        };
        let call = self.subscription_call(list, Asked::Check, entity, &webhook);
        self.call(&call, |read| {
            let found = records(read, &list.operation)?;
            let ours = found.into_iter().find(|one| wanted.as_ref().is_some_and(|wanted| same(one, wanted)));
            Ok(ours.map(|one| {
                let mut held = request.held.clone();
                held.extend(list.keep.iter().filter_map(|(name, selectors)| {
                    selectors.iter().find_map(|selector| within(&one, selector)).map(|value| (name.clone(), value))
                }));
                let expires_at = expiry(&held);
                Subscribed { held, expires_at, deed: SubscriptionDeed::Found }
            }))
        })
        .await
    }

    /// Makes, renews or ends one.
    async fn asked_of(
        &self,
        asked: &Subscribing,
        entity: &str,
        (request, held): (&SubscriptionRequest, &BTreeMap<String, String>),
        deed: SubscriptionDeed,
    ) -> Result<Subscribed, Failure> {
        let webhook = webhook_root(request, held);
        let call = self.subscription_call(asked, Asked::Action("subscription"), entity, &webhook);
        self.call(&call, |read| {
            let mut held = held.clone();
            for (name, selectors) in &asked.keep {
                match kept(read, selectors) {
                    Some(value) => {
                        held.insert(name.clone(), value);
                    }
                    // A version that is not told anew is not the old one either.
                    None if deed == SubscriptionDeed::Renewed => {
                        held.remove(name);
                    }
                    None if selectors.iter().all(|selector| selector.optional) => {}
                    None => return Err(format!("the answer holds no `{name}` of the subscription")),
                }
            }
            let expires_at = expiry(&held);
            Ok(Subscribed { held, expires_at, deed })
        })
        .await
    }

    fn subscription_call<'c>(
        &self,
        asked: &'c Subscribing,
        as_what: Asked<'c>,
        entity: &'c str,
        webhook: &'c Json<'static>,
    ) -> Call<'c> {
        Call {
            operation: &asked.operation,
            asked: as_what,
            name: entity,
            plan: None,
            key: &[],
            roots: vec![("webhook", webhook)],
            extras: Extras::default(),
            personal: &[],
        }
    }
}

/// What `{webhook.X}` names.
fn webhook_root(request: &SubscriptionRequest, held: &BTreeMap<String, String>) -> Json<'static> {
    let digest = keys::digest(&["subscription", &request.address]);
    let name = format!("mapwright-{}-{}", digest.chars().take(8).collect::<String>(), request.name);
    let own = [("url", request.address.clone()), ("event", request.name.clone()), ("name", name)];
    let own = own.map(|(name, value)| (name.into(), Json::text(value)));
    let held = held.iter().map(|(name, value)| (name.clone().into(), Json::text(value.clone())));
    Json::Record(own.into_iter().chain(held).collect())
}

/// Has a listed subscription everything that ours has?
fn same(listed: &Json<'_>, wanted: &Json<'_>) -> bool {
    match wanted {
        Json::Record(members) => members.iter().all(|(name, wanted)| match at(listed, name) {
            Some(found) => same(found, wanted),
            None => false,
        }),
        Json::List(items) => match listed {
            Json::List(listed) => {
                items.len() == listed.len() && items.iter().zip(listed).all(|(one, other)| same(other, one))
            }
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Record(_) => false,
        },
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) => plain(listed) == plain(wanted),
    }
}

/// The leaf of a listed one that a selector finds.
fn within(one: &Json<'static>, selector: &Selector) -> Option<String> {
    match selector.root {
        SelectorRoot::Each => walk(one, &selector.steps, &Json::Null).into_iter().find_map(leaf),
        SelectorRoot::Body
        | SelectorRoot::Header
        | SelectorRoot::Cookie
        | SelectorRoot::Status
        | SelectorRoot::Query
        | SelectorRoot::Form
        | SelectorRoot::Decoded
        | SelectorRoot::Record => None,
    }
}

fn kept(read: &ReadAnswer<'_>, selectors: &[Selector]) -> Option<String> {
    read.text(selectors, &Json::Null)
}

/// When it ends, where that is told as an instant.
fn expiry(held: &BTreeMap<String, String>) -> Option<Timestamp> {
    held.get(EXPIRES)?.parse().ok()
}
