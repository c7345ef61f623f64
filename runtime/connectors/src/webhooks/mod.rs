//! Webhooks: a call of a system, believed or not, and what it tells.
//!
//! In: a manifest's `webhooks`, the deployment's credentials, one call with its raw body. Out: what is to be answered, or the
//! notices of the call. Pure: it keeps nothing, fetches nothing and reads no clock; time is given to it.

mod believe;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use mapwright_engine::Told;
use mapwright_manifest::{Carries, Condition, Manifest, Rate, Selector, SelectorRoot, TopicName, Webhooks};
use mapwright_values::Json;
use mapwright_values::plan::SystemPlan;
use secrecy::SecretString;

use crate::answer::{Answer, ReadAnswer, holds, leaf, walk};
use crate::limits::Admission;
use crate::settings::{self, ConnectionSettings};
use crate::template::Scope;

pub use believe::TOLERANCE;

/// Longest text of an answer to a handshake: it echoes what a stranger sent.
const HANDSHAKE_CHARACTERS_MAX: usize = 1_000;

/// One call as it came in.
#[derive(Clone, Copy)]
pub struct Incoming<'a> {
    /// Headers; the case of their names does not matter.
    pub headers: &'a [(String, String)],
    /// What stood behind the `?` of the address.
    pub query: Option<&'a str>,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

/// What a call is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// It asks for nothing but this answer.
    Handshake {
        /// Status.
        status: u16,
        /// Text.
        text: String,
    },
    /// It is believed, and tells this.
    Told(Vec<Told>),
    /// It is not believed, for this reason, which names no secret.
    NotBelieved(String),
    /// It is believed, and cannot be read.
    Unreadable(String),
}

/// Receives the webhooks of one system.
pub struct Receiver {
    alias: String,
    webhooks: Webhooks,
    config: Json<'static>,
    secrets: Vec<(String, SecretString)>,
    headers: Vec<String>,
    admission: Admission,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Receiver").field("alias", &self.alias).finish_non_exhaustive()
    }
}

impl Receiver {
    /// The receiver of a system of a compiled project; `None` = its manifest describes no webhooks.
    ///
    /// # Errors
    /// Everything that is wrong with the manifest, or what its calls would have to be believed by and is not given.
    pub fn of(plan: &SystemPlan, settings: &ConnectionSettings) -> Result<Option<Self>, Vec<String>> {
        let manifest = Manifest::parse(plan.manifest, &format!("{}/connector.yaml", plan.name))
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let config = settings::config_values(&manifest, settings);
        let Some(mut webhooks) = manifest.webhooks else { return Ok(None) };
        if let Some(requests) = settings.webhooks.calls_per_minute {
            webhooks.rate = Rate { requests, per: Duration::from_secs(60) };
        }
        webhooks.body_bytes_max = settings.webhooks.body_bytes_max.unwrap_or(webhooks.body_bytes_max);
        let secrets: Vec<(String, SecretString)> =
            settings.credentials.iter().map(|(name, secret)| (name.clone(), secret.clone())).collect();
        let receiver = Self {
            alias: plan.alias.to_owned(),
            headers: header_names(&webhooks),
            admission: Admission::new(webhooks.rate),
            webhooks,
            config,
            secrets,
        };
        match receiver.missing_secret() {
            None => Ok(Some(receiver)),
            Some(name) => Err(vec![format!(
                "{}: webhooks of {} are believed by the credential `{name}`, which is not given: add it under `credentials`",
                plan.alias, plan.name
            )]),
        }
    }

    /// What is answered when the notices of a call are kept.
    #[must_use]
    pub fn accepted(&self) -> u16 {
        self.webhooks.answer.status
    }

    /// May the system be answered so, without ending its subscription?
    #[must_use]
    pub fn may_answer(&self, status: u16) -> bool {
        !self.webhooks.never_answer.contains(&status)
    }

    /// Subscriptions of this system are made over its interface.
    #[must_use]
    pub fn needs_subscription(&self) -> bool {
        self.webhooks.subscribe.is_some()
    }

    /// Largest body of a call, in bytes.
    #[must_use]
    pub fn largest_body(&self) -> usize {
        self.webhooks.body_bytes_max
    }

    /// Counts a call. `Err` = there are too many, and it may come again after that time.
    ///
    /// # Errors
    /// The time to wait.
    pub fn admit(&self) -> Result<(), Duration> {
        self.admission.admit()
    }

    /// What the call is, at this time.
    #[must_use]
    pub fn receive(&self, incoming: &Incoming<'_>, now: Timestamp) -> Received {
        let body = String::from_utf8_lossy(incoming.body);
        let answer = Answer {
            status: 0,
            headers: incoming.headers.to_vec(),
            body: body.into_owned(),
            misspelt: std::str::from_utf8(incoming.body).is_err().then(|| "the body is no UTF-8".to_owned()),
        };
        let form = match answer.header("content-type").is_some_and(|kind| kind.contains("x-www-form-urlencoded")) {
            true => pairs(&answer.body),
            false => Json::Record(Vec::new()),
        };
        let read = answer.read_json();
        let call = Call {
            read: &read,
            query: pairs(incoming.query.unwrap_or_default()),
            form,
            body: read.json.clone().map_or(Json::Null, Json::into_owned),
            header: self.header_root(&answer),
        };
        if let Some(answered) = self.shake_hands(&call) {
            return answered;
        }
        let items = self.items(&call);
        if let Err(reason) = self.believe(incoming, &call, &items, now) {
            return Received::NotBelieved(reason);
        }
        match &read.malformed {
            Some(words) => Received::Unreadable(words.clone()),
            None if read.json.is_none() => Received::Unreadable("it has no body".to_owned()),
            None => self.told(&call, &items),
        }
    }

    fn shake_hands(&self, call: &Call<'_>) -> Option<Received> {
        let shaken = self.webhooks.handshake.iter().find(|handshake| self.all_hold(&handshake.when, call, None))?;
        let roots = call.roots(&self.config, &Json::Null, &Json::Null);
        let scope = Scope { roots: &roots, ..Scope::default() };
        let text = shaken.text.as_ref().and_then(|text| scope.text(text).ok().flatten()).unwrap_or_default();
        let text = text.chars().take(HANDSHAKE_CHARACTERS_MAX).collect();
        Some(Received::Handshake { status: shaken.status, text })
    }

    fn items(&self, call: &Call<'_>) -> Vec<Json<'static>> {
        let found = call.read.select_first(&self.webhooks.each, &Json::Null);
        found.into_iter().map(|item| item.into_owned().into_owned()).collect()
    }

    fn told(&self, call: &Call<'_>, items: &[Json<'static>]) -> Received {
        let mut told: Vec<Told> = Vec::new();
        let whole = [Json::Null];
        let each = if self.webhooks.each.is_empty() { &whole[..] } else { items };
        // A call whose topic is one of the whole call has no items, or none that matter.
        let alone = if items.is_empty() { &whole[..] } else { &[] };
        for (item, of_whole) in each.iter().map(|item| (item, false)).chain(alone.iter().map(|item| (item, true))) {
            match self.notice(call, item, of_whole) {
                Ok(Some(notice)) if !told.contains(&notice) => told.push(notice),
                Ok(_) => {}
                Err(reason) => return Received::Unreadable(reason),
            }
        }
        Received::Told(told)
    }

    /// The notice that an item is; `None` = of a topic that the manifest does not know, or nothing to us.
    fn notice(&self, call: &Call<'_>, item: &Json<'static>, of_whole: bool) -> Result<Option<Told>, String> {
        let unmatched = Json::Null;
        let roots = call.roots(&self.config, item, &unmatched);
        let Ok(Some(topic)) = (Scope { roots: &roots, ..Scope::default() }).text(&self.webhooks.topic) else {
            return if of_whole { Ok(None) } else { Err("the call does not say what it is about".to_owned()) };
        };
        for known in &self.webhooks.topics {
            let matched = match &known.name {
                TopicName::Text(name) if *name == topic => Json::Null,
                TopicName::Pattern(pattern) => match pattern.extract(&topic) {
                    Some(part) => Json::Record(vec![("1".into(), Json::text(part))]),
                    None => continue,
                },
                TopicName::Text(_) => continue,
            };
            if (of_whole && !known.whole && !self.webhooks.each.is_empty())
                || !self.all_hold(&known.when, call, Some(item))
            {
                continue;
            }
            let roots = call.roots(&self.config, item, &matched);
            let scope = Scope { roots: &roots, ..Scope::default() };
            let words = |unfilled: crate::template::Unfilled| format!("topic `{topic}`: {}", unfilled.message);
            let Some(entity) = scope.text(&known.entity).map_err(words)? else { return Ok(None) };
            let key = match (known.carries, &known.key) {
                (Carries::Window, _) | (_, None) => None,
                (Carries::Hint | Carries::Record | Carries::Delete, Some(key)) => scope.text(key).map_err(words)?,
            };
            let id = match &self.webhooks.id {
                Some(id) => scope.text(id).ok().flatten(),
                None => None,
            };
            // One call may tell of several records under one id of its own.
            let id = id.map(|id| format!("{id}\u{1f}{topic}\u{1f}{}", key.as_deref().unwrap_or_default()));
            return Ok(Some(Told { system: self.alias.clone(), id, topic, entity, key }));
        }
        Ok(None)
    }

    fn all_hold(&self, conditions: &[Condition], call: &Call<'_>, item: Option<&Json<'static>>) -> bool {
        let nothing = Json::Null;
        let roots = call.roots(&self.config, item.unwrap_or(&nothing), &nothing);
        let scope = Scope { roots: &roots, ..Scope::default() };
        conditions.iter().all(|condition| {
            let found = call.select(&condition.subject, item);
            let found: Vec<&Json<'_>> = found.iter().collect();
            holds(&condition.matcher, &found, &scope)
        })
    }

    /// The headers that templates name, spelled as they name them.
    fn header_root(&self, answer: &Answer) -> Json<'static> {
        let named = self.headers.iter().filter_map(|name| {
            let value = answer.header(name)?;
            Some((name.clone().into(), Json::text(value.to_owned())))
        });
        Json::Record(named.collect())
    }
}

/// A call with everything that templates and selectors may name.
struct Call<'a> {
    read: &'a ReadAnswer<'a>,
    query: Json<'static>,
    form: Json<'static>,
    body: Json<'static>,
    header: Json<'static>,
}

impl Call<'_> {
    fn roots<'r>(
        &'r self,
        config: &'r Json<'static>,
        item: &'r Json<'static>,
        matched: &'r Json<'static>,
    ) -> [(&'static str, &'r Json<'static>); 7] {
        [
            ("config", config),
            ("body", &self.body),
            ("header", &self.header),
            ("query", &self.query),
            ("form", &self.form),
            ("each", item),
            ("match", matched),
        ]
    }

    /// Everything that a selector finds in the call.
    fn select(&self, selector: &Selector, item: Option<&Json<'static>>) -> Vec<Json<'static>> {
        let within = |root: &Json<'static>| -> Vec<Json<'static>> {
            walk(root, &selector.steps, &Json::Null).into_iter().cloned().map(Json::into_owned).collect()
        };
        match selector.root {
            SelectorRoot::Query => within(&self.query),
            SelectorRoot::Form => within(&self.form),
            SelectorRoot::Each => item.map(within).unwrap_or_default(),
            SelectorRoot::Body
            | SelectorRoot::Header
            | SelectorRoot::Cookie
            | SelectorRoot::Status
            | SelectorRoot::Decoded
            | SelectorRoot::Record => {
                let found = self.read.select(selector, &Json::Null);
                found.into_iter().map(|value| value.into_owned().into_owned()).collect()
            }
        }
    }

    fn text(&self, selector: &Selector, item: Option<&Json<'static>>) -> Option<String> {
        self.select(selector, item).iter().find_map(leaf)
    }
}

/// `a=1&b=2` as a record of texts.
fn pairs(text: &str) -> Json<'static> {
    // The parser of addresses decodes what stands behind a `?`; the address itself says nothing.
    let parsed = reqwest::Url::parse(&format!("http://localhost/?{text}"));
    let members = parsed.map(|url| {
        url.query_pairs()
            .map(|(name, value)| (name.into_owned().into(), Json::text(value.into_owned())))
            .collect::<Vec<_>>()
    });
    Json::Record(members.unwrap_or_default())
}

/// Headers that the manifest's templates name.
fn header_names(webhooks: &Webhooks) -> Vec<String> {
    let topics = webhooks.topics.iter().flat_map(|topic| [Some(&topic.entity), topic.key.as_ref()]);
    let templates = [Some(&webhooks.topic), webhooks.id.as_ref()].into_iter().chain(topics).flatten();
    let slots = templates.flat_map(|template| template.slots().filter(|slot| slot.root == "header"));
    slots.filter_map(|slot| slot.path.first().cloned()).collect()
}
