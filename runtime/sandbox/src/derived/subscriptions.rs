//! Subscriptions of a derived system. In: requests to list, make, renew and end them. Out: the same, numbered, with versions and
//! an end of their own. Never: a call to a subscriber; that is `telling.rs` and `calling.rs`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mapwright_manifest::{Manifest, Operation, SelectorRoot, Subscribe, Subscribing, Tree, TreeItem, TreeMember};
use mapwright_values::Json;

use super::check::{Cause, Refused, refused};
use super::reply::{For, Reply};
use super::route::Asked;
use super::system::{System, ago};
use super::tree::{Value, select_into, walk};
use super::unify::{Bound, Reader};
use crate::text::hex_id;

/// A step with subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    List,
    Make,
    Renew,
    End,
}

/// A subscription.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    /// 1, 2, 3 ... in the order of their making.
    pub(crate) number: u64,
    /// What it is of, in the system's word.
    pub(crate) event: String,
    /// The entity that it is about.
    pub(crate) entity: String,
    pub(crate) address: String,
    /// What its subscriber calls it, where it says so.
    name: Option<String>,
    /// What the system calls it by.
    kept: BTreeMap<String, String>,
    until: Option<Instant>,
}

impl Subscription {
    /// It ends after so long, if it ends by itself.
    pub(crate) fn shorten(&mut self, life: Duration) {
        self.until = self.until.and_then(|_| Instant::now().checked_add(life));
    }

    /// What `{webhook.X}` stands for.
    fn root(&self) -> Value {
        let own = [("url", Some(&self.address)), ("event", Some(&self.event)), ("name", self.name.as_ref())];
        let own = own.into_iter().filter_map(|(name, value)| Some((name.into(), Json::text(value?.clone()))));
        let kept = self.kept.iter().map(|(name, value)| (name.clone().into(), Json::text(value.clone())));
        Json::Record(own.chain(kept).collect())
    }
}

/// Takes out those whose time is over.
pub(crate) fn living(all: &mut Vec<Subscription>) {
    let now = Instant::now();
    all.retain(|one| one.until.is_none_or(|until| now < until));
}

/// The requests of a manifest about subscriptions: step, entity, operation.
pub(crate) fn steps(manifest: &Manifest) -> Vec<(Step, String, &Operation)> {
    let mut steps = Vec::new();
    let Some(webhooks) = &manifest.webhooks else { return steps };
    let Some(subscribe) = &webhooks.subscribe else { return steps };
    let mut entities: Vec<String> = Vec::new();
    for entity in webhooks.topics.iter().filter_map(|topic| topic.entity.literal()) {
        if !entities.contains(&entity) {
            entities.push(entity);
        }
    }
    for entity in &entities {
        steps.push((Step::Make, entity.clone(), &subscribe.create.operation));
    }
    let first = entities.first().cloned().unwrap_or_default();
    for step in [Step::List, Step::Renew, Step::End] {
        if let Some(asked) = asked_of(subscribe, step) {
            steps.push((step, first.clone(), &asked.operation));
        }
    }
    steps
}

fn asked_of(subscribe: &Subscribe, step: Step) -> Option<&Subscribing> {
    match step {
        Step::List => subscribe.list.as_ref(),
        Step::Make => Some(&subscribe.create),
        Step::Renew => subscribe.renew.as_ref().map(|(renew, _)| renew),
        Step::End => subscribe.end.as_ref(),
    }
}

impl System {
    /// Answers a request about subscriptions.
    pub(super) fn of_subscription(
        &self,
        step: Step,
        entity: &str,
        of: For<'_>,
        asked: &Asked,
        bound: &Bound,
    ) -> Result<Reply, Refused> {
        let subscribe = self.manifest.webhooks.as_ref().and_then(|webhooks| webhooks.subscribe.as_ref());
        let found = subscribe.and_then(|subscribe| Some((subscribe, asked_of(subscribe, step)?)));
        let Some((subscribe, wanted)) = found else {
            return Err(refused(Cause::Unplayed, "", "subscriptions are not played".to_owned()));
        };
        let mut bound = bound.clone();
        for (name, template) in &wanted.operation.headers {
            let given = asked.header(name).and_then(|given| of.reader.text(template, given, None));
            bound.add(given.unwrap_or_default());
        }
        living(&mut self.state().subscriptions);
        match step {
            Step::List => Ok(self.listed(subscribe, wanted, of, &bound)),
            Step::Make => {
                let one = self.made(subscribe, wanted, (entity, asked), &bound)?;
                Ok(told(&one, wanted, of))
            }
            Step::Renew => {
                let mut state = self.state();
                let (place, _) = addressed(&state.subscriptions, &bound)?;
                let Some(one) = state.subscriptions.get_mut(place) else { return Ok(Reply::default()) };
                let life = subscribe.lasts;
                one.until = life.and_then(|life| Instant::now().checked_add(life));
                renamed(one, wanted, life);
                Ok(told(one, wanted, of))
            }
            Step::End => {
                let mut state = self.state();
                let (place, _) = addressed(&state.subscriptions, &bound)?;
                state.subscriptions.remove(place);
                let mut reply = Reply::default();
                reply.status = Some(204);
                Ok(reply)
            }
        }
    }

    fn made(
        &self,
        subscribe: &Subscribe,
        wanted: &Subscribing,
        (entity, asked): (&str, &Asked),
        bound: &Bound,
    ) -> Result<Subscription, Refused> {
        let Some(address) = bound.text("webhook.url") else {
            return Err(refused(Cause::Wrong, "", "no address to call is given".to_owned()));
        };
        let topics = self.manifest.webhooks.iter().flat_map(|webhooks| &webhooks.topics);
        let known: Vec<(String, Vec<String>)> = topics
            .filter_map(|topic| {
                let entity = topic.entity.literal()?;
                Some((entity.clone(), topic.subscribed(&entity)))
            })
            .collect();
        let named = match bound.text("webhook.event") {
            Some(event) => known.iter().find(|(_, events)| events.contains(&event)).map(|(entity, _)| (entity, event)),
            None => known
                .iter()
                .find(|(known, _)| known == entity)
                .and_then(|(entity, events)| Some((entity, events.first()?.clone()))),
        };
        let Some((entity, event)) = named else {
            return Err(refused(Cause::Wrong, "", "there is no such event to subscribe to".to_owned()));
        };
        let mut state = self.state();
        if state.subscriptions.iter().any(|one| one.event == event && one.address == address) {
            return Err(refused(Cause::Exists, "", format!("{address} is subscribed to {event} already")));
        }
        let number = state.subscriptions.iter().map(|one| one.number).max().unwrap_or_default() + 1;
        let name = bound.text("webhook.name");
        let until = subscribe.lasts.and_then(|life| Instant::now().checked_add(life));
        let mut one =
            Subscription { number, event, entity: entity.clone(), address, name, kept: BTreeMap::new(), until };
        for (name, selectors) in &wanted.keep {
            // What the client names itself keeps its name.
            let own = selectors.first().filter(|selector| selector.root == SelectorRoot::Body).and_then(|selector| {
                let entity = Json::Null;
                let names = super::tree::Names { any: "", entity: &entity };
                walk(asked.body.as_ref()?, &selector.steps, names).first().map(|value| super::tree::plain(value))
            });
            let own = own.unwrap_or_else(|| hex_id(&format!("subscription {number} {} {name}", one.address)));
            one.kept.insert(name.clone(), own);
        }
        renamed(&mut one, wanted, subscribe.lasts);
        state.subscriptions.push(one.clone());
        Ok(one)
    }

    fn listed(&self, subscribe: &Subscribe, wanted: &Subscribing, of: For<'_>, bound: &Bound) -> Reply {
        let state = self.state();
        let fits = |one: &&Subscription| {
            let asked = |name: &str, value: Option<&String>| {
                bound.text(&format!("webhook.{name}")).is_none_or(|asked| Some(&asked) == value)
            };
            asked("event", Some(&one.event)) && asked("url", Some(&one.address)) && asked("name", one.name.as_ref())
        };
        let rows: Vec<Value> = state
            .subscriptions
            .iter()
            .filter(fits)
            .map(|one| {
                let root = one.root();
                let entries = self.entries_of(&one.entity);
                let known =
                    [("config", &self.config), ("secret", &self.secrets), ("webhook", &root), ("entity", &entries)];
                let reader = Reader { known: &known, ..of.reader };
                let same = subscribe.list.as_ref().and_then(|list| list.same.as_ref());
                let mut row = same.map_or(Json::Record(Vec::new()), |same| filled(reader, same));
                for (name, selectors) in &wanted.keep {
                    if let (Some(selector), Some(value)) = (selectors.first(), one.kept.get(name)) {
                        select_into(&mut row, &selector.steps, vec![Json::text(value.clone())], of.names);
                    }
                }
                row
            })
            .collect();
        let mut reply = Reply::default();
        match wanted.operation.records.first() {
            Some(selector) => reply.put(selector, rows, of.names),
            None => reply.body = Some(Json::List(rows)),
        }
        reply
    }

    /// An entity's own entries.
    fn entries_of(&self, entity: &str) -> Value {
        let of = |route: &&super::route::Route| match &route.what {
            super::route::What::Entity(name, _) => name == entity,
            super::route::What::Action(_)
            | super::route::What::LogIn
            | super::route::What::LogOut
            | super::route::What::Check
            | super::route::What::Subscription(..) => false,
        };
        self.routes.iter().find(of).map_or(Json::Null, |route| route.entries.clone())
    }
}

/// A new version, and a new end.
fn renamed(one: &mut Subscription, wanted: &Subscribing, life: Option<Duration>) {
    for (name, _) in &wanted.keep {
        let value = match (name.as_str(), life) {
            ("expires", Some(life)) => ago(Duration::ZERO).checked_add(life).unwrap_or_default().to_string(),
            ("version", _) => format!("W/\"{}\"", hex_id(&format!("{}{:?}", one.number, Instant::now()))),
            (_, _) => continue,
        };
        one.kept.insert(name.clone(), value);
    }
}

/// The subscription that a request names by what it was told.
fn addressed(all: &[Subscription], bound: &Bound) -> Result<(usize, Subscription), Refused> {
    let id = bound.text("webhook.id");
    let found = all.iter().position(|one| id.is_some() && one.kept.get("id") == id.as_ref());
    let found = found.and_then(|place| Some((place, all.get(place)?.clone())));
    let Some((place, one)) = found else {
        return Err(refused(Cause::Missing, "", "there is no such subscription".to_owned()));
    };
    let told = bound.text("webhook.version");
    if told.is_some() && told.as_ref() != one.kept.get("version") {
        return Err(refused(Cause::Conflict, "", "the subscription has changed meanwhile".to_owned()));
    }
    Ok((place, one))
}

/// What is told of a subscription that was made or renewed.
fn told(one: &Subscription, wanted: &Subscribing, of: For<'_>) -> Reply {
    let mut reply = Reply::default();
    for (name, selectors) in &wanted.keep {
        if let (Some(selector), Some(value)) = (selectors.first(), one.kept.get(name)) {
            reply.put(selector, vec![Json::text(value.clone())], of.names);
        }
    }
    if wanted.keep.is_empty() {
        reply.status = Some(204);
    }
    reply
}

/// A tree with the known values filled in; what is not known is left out.
pub(super) fn filled(reader: Reader<'_>, tree: &Tree) -> Value {
    match tree {
        Tree::Null => Json::Null,
        Tree::Boolean(value) => Json::Boolean(*value),
        Tree::Number(digits) => Json::Number(digits.clone().into()),
        Tree::Text(template) => reader.filled(template).map_or(Json::Null, Json::text),
        Tree::List(items) => Json::List(
            items
                .iter()
                .filter_map(|item| match item {
                    TreeItem::One(tree) => Some(filled(reader, tree)),
                    TreeItem::Spread(_) => None,
                })
                .collect(),
        ),
        Tree::Map(members) => Json::Record(
            members
                .iter()
                .filter_map(|member| match member {
                    TreeMember::One(name, tree) => Some((name.clone().into(), filled(reader, tree))),
                    TreeMember::Spread(_) => None,
                })
                .collect(),
        ),
    }
}
