//! What a system tells of its own accord, and how it is believed. Plain data; it judges nothing.

use std::time::Duration;

use super::{Method, Operation, Rate};
use crate::condition::{Condition, Pattern};
use crate::fault::At;
use crate::selector::Selector;
use crate::template::{Template, Tree};

/// Webhooks of a system.
#[derive(Clone, Debug)]
pub struct Webhooks {
    /// Where it stands.
    pub at: At,
    /// How a call is believed.
    pub verify: Verify,
    /// Calls that ask for nothing but an answer.
    pub handshake: Vec<Handshake>,
    /// Where the notices of one call are; empty = the call is one.
    pub each: Vec<Selector>,
    /// What tells two notices apart.
    pub id: Option<Template>,
    /// What tells their order.
    pub sequence: Option<Template>,
    /// What it is about.
    pub topic: Template,
    /// By topic, first match wins.
    pub topics: Vec<Topic>,
    /// What is answered.
    pub answer: WebhookAnswer,
    /// Statuses that would end the subscription.
    pub never_answer: Vec<u16>,
    /// How a subscription is made and kept.
    pub subscribe: Option<Subscribe>,
    /// How many calls are taken, at most.
    pub rate: Rate,
    /// Largest call, in bytes.
    pub body_bytes_max: usize,
}

impl Webhooks {
    /// May a flow listen to this: a topic, or the entity of a topic whose name carries more than a word?
    #[must_use]
    pub fn knows(&self, topic: &str) -> bool {
        self.topics.iter().any(|known| {
            let named = match &known.name {
                TopicName::Text(name) => name == topic,
                TopicName::Pattern(pattern) => pattern.is_match(topic),
            };
            named || known.entity.literal().as_deref() == Some(topic)
        })
    }

    /// The subscriptions that a flow needs which listens to this: each in the system's word, with the entity that it is about.
    #[must_use]
    pub fn events(&self, topic: &str) -> Vec<(String, String)> {
        let mut events: Vec<(String, String)> = Vec::new();
        if self.subscribe.is_none() {
            return events;
        }
        for known in &self.topics {
            let Some(entity) = known.entity.literal() else { continue };
            let all = known.subscribed(&entity);
            let chosen = match &known.name {
                _ if entity == topic => all,
                TopicName::Text(name) if name == topic => all,
                TopicName::Pattern(pattern) if pattern.is_match(topic) => {
                    match all.iter().any(|event| event == topic) {
                        true => vec![topic.to_owned()],
                        false => all,
                    }
                }
                TopicName::Text(_) | TopicName::Pattern(_) => continue,
            };
            for event in chosen {
                if events.iter().all(|(name, _)| *name != event) {
                    events.push((event, entity.clone()));
                }
            }
        }
        events
    }

    /// What a flow may listen to, as far as it has a name.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for topic in &self.topics {
            let name = match &topic.name {
                TopicName::Text(name) => Some(name.clone()),
                TopicName::Pattern(_) => topic.entity.literal(),
            };
            names.extend(name.filter(|name| !names.contains(name)));
        }
        names
    }
}

/// How a call is believed.
#[derive(Clone, Debug)]
pub enum Verify {
    /// Not at all: its notices may only be hints.
    None,
    /// A keyed digest of what was sent.
    Hmac {
        /// Digest.
        hash: Hash,
        /// Of what.
        over: Over,
        /// As text.
        encoding: Encoding,
        /// The header that carries it.
        header: String,
        /// What stands in front of it there (`sha256=`).
        prefix: Option<String>,
        /// The key.
        secret: Template,
    },
    /// Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    Standard {
        /// The key.
        secret: Template,
    },
    /// A secret that the call carries.
    Shared {
        /// Where.
        at: Selector,
        /// Which.
        secret: Template,
    },
    /// User name and password.
    Basic {
        /// User name.
        user: Template,
        /// Password.
        password: Template,
    },
}

/// Digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1, for systems that know no better.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The body, byte for byte.
    RawBody,
}

/// Spellings of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal, either case.
    Hex,
    /// Base64.
    Base64,
}

/// A call that asks for nothing but an answer.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// When a call is one: all of these hold.
    pub when: Vec<Condition>,
    /// Status of the answer.
    pub status: u16,
    /// Its text.
    pub text: Option<Template>,
}

/// A topic and what it is about.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Where it stands.
    pub at: At,
    /// Name or pattern.
    pub name: TopicName,
    /// The entity, `{match.1}` from a pattern.
    pub entity: Template,
    /// The record's key.
    pub key: Option<Template>,
    /// `each: none`: the call is one notice, whatever `each` says.
    pub whole: bool,
    /// It is this only when these hold.
    pub when: Vec<Condition>,
    /// What a subscription calls it; none = by its name, or by its entity where its name is a pattern.
    pub events: Vec<String>,
    /// A topic that the pattern takes, for a sandbox: `{key}` and `{config.X}` are filled in.
    pub example: Option<Template>,
    /// What it brings.
    pub carries: Carries,
}

impl Topic {
    /// What subscriptions call it.
    #[must_use]
    pub fn subscribed(&self, entity: &str) -> Vec<String> {
        match (&self.name, self.events.as_slice()) {
            (_, [_, ..]) => self.events.clone(),
            (TopicName::Text(name), []) => vec![name.clone()],
            (TopicName::Pattern(_), []) => vec![entity.to_owned()],
        }
    }
}

/// How a topic is named.
#[derive(Clone, Debug)]
pub enum TopicName {
    /// This text.
    Text(String),
    /// A match of this.
    Pattern(Pattern),
}

/// What a notice brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// That something happened: fetch the record.
    Hint,
    /// The record itself.
    Record,
    /// That the record has gone.
    Delete,
    /// That much happened: read changes now.
    Window,
}

/// What a call is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// Status.
    pub status: u16,
    /// The system gives up after this.
    pub within: Option<Duration>,
}

/// How a subscription is made and kept.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// Which there are.
    pub list: Option<Subscribing>,
    /// Makes one.
    pub create: Subscribing,
    /// Keeps it alive, so often.
    pub renew: Option<(Subscribing, Duration)>,
    /// Ends it.
    pub end: Option<Subscribing>,
    /// So often it is looked whether it is still there.
    pub look_every: Duration,
    /// It ends by itself after so long, where an answer does not say when (for a sandbox, too).
    pub lasts: Option<Duration>,
}

/// One request about subscriptions.
#[derive(Clone, Debug)]
pub struct Subscribing {
    /// The request.
    pub operation: Operation,
    /// When a listed one is ours.
    pub same: Option<Tree>,
    /// What is kept of the answer, as `{webhook.NAME}`; of a listed one the selectors begin with `each`. `expires` is when it
    /// ends by itself.
    pub keep: Vec<(String, Vec<Selector>)>,
    /// Method, for messages.
    pub method: Method,
}
