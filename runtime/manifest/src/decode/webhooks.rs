//! Webhooks from YAML.

use std::time::Duration;

use super::fields::Decoder;
use crate::model::{
    Carries, Encoding, Handshake, Hash, Method, Over, Rate, Subscribe, Subscribing, Topic, TopicName, Verify,
    WebhookAnswer, Webhooks,
};
use crate::node::{Entry, Node, Value};
use crate::selector::Selector;

/// Calls of one system, where its manifest does not say.
const RATE: Rate = Rate { requests: 6_000, per: Duration::from_secs(60) };
/// Largest call, where its manifest does not say.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How often it is looked whether a subscription is still there.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);
/// The least of that: looking is a request as well.
const LOOK_EVERY_MIN: Duration = Duration::from_secs(1);

impl Decoder {
    pub(crate) fn webhooks(&mut self, node: &Node) -> Option<Webhooks> {
        let mut fields = self.fields(node, "`webhooks`")?;
        self.secrets_allowed = true;
        let verify = match fields.get("verify") {
            Some(node) => self.verify(node),
            None => {
                self.faults.add_with_help(
                    node.at,
                    "`webhooks` does not say how to `verify` a call",
                    "write `verify: { kind: none }` where a system signs nothing",
                );
                None
            }
        };
        let handshake = match fields.get("handshake") {
            Some(node) => match &node.value {
                Value::List(items) => items.iter().filter_map(|item| self.handshake(item)).collect(),
                Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::Map(_) => {
                    self.handshake(node).into_iter().collect()
                }
            },
            None => Vec::new(),
        };
        let each = fields.get("each").map(|node| self.selectors(node, "`each`")).unwrap_or_default();
        let id = fields.get("id").and_then(|node| self.path_or_template(node, "`id`"));
        let sequence = fields.get("sequence").and_then(|node| self.path_or_template(node, "`sequence`"));
        let topic = match fields.get("topic") {
            Some(node) => self.path_or_template(node, "`topic`"),
            None => {
                self.faults.add(node.at, "`webhooks` does not say where the `topic` is");
                None
            }
        };
        let topics = match fields.get("topics") {
            Some(node) => {
                let entries = self.entries(node, "`topics`").unwrap_or_default();
                entries.iter().filter_map(|entry| self.topic(entry)).collect()
            }
            None => Vec::new(),
        };
        let answer = fields.get("answer").map(|node| self.webhook_answer(node));
        let never_answer = fields.get("never_answer").map(|node| self.statuses(node)).unwrap_or_default();
        let subscribe = fields.get("subscribe").and_then(|node| self.subscribe(node));
        self.secrets_allowed = false;
        let (mut rate, mut body_bytes_max) = (RATE, BODY_BYTES_MAX);
        if let Some(mut limits) = fields.get("limits").and_then(|node| self.fields(node, "`limits`")) {
            rate = limits.get("rate").and_then(|node| self.rate(node)).unwrap_or(RATE);
            body_bytes_max =
                limits.get("body_max").and_then(|node| self.bytes(node, "`body_max`")).unwrap_or(BODY_BYTES_MAX);
            limits.finish(self, &[]);
        }
        fields.finish(self, &[]);
        Some(Webhooks {
            at: node.at,
            verify: verify?,
            handshake,
            each,
            id,
            sequence,
            topic: topic?,
            topics,
            answer: answer.unwrap_or(WebhookAnswer { status: 200, within: None }),
            never_answer,
            subscribe,
            rate,
            body_bytes_max,
        })
    }

    fn verify(&mut self, node: &Node) -> Option<Verify> {
        let mut fields = self.fields(node, "`verify`")?;
        let kinds = ["hmac", "standard", "shared", "basic", "none"];
        let kind = fields.get("kind").and_then(|node| self.word(node, "`verify.kind`", &kinds));
        let secret = fields.get("secret").and_then(|node| self.template(node, "`secret`"));
        let verify = match kind.as_deref() {
            Some("hmac") => {
                let hash = fields.get("hash").and_then(|node| self.word(node, "`hash`", &["sha256", "sha1", "sha512"]));
                let over = fields.get("over").and_then(|node| self.word(node, "`over`", &["raw_body"]));
                let encoding =
                    fields.get("encoding").and_then(|node| self.word(node, "`encoding`", &["hex", "base64"]));
                let header = fields.get("header").and_then(|node| self.text(node, "`header`"));
                let prefix = fields.get("prefix").and_then(|node| self.text(node, "`prefix`"));
                match (encoding, header, secret) {
                    (Some(encoding), Some(header), Some(secret)) if over.is_some() => Some(Verify::Hmac {
                        hash: match hash.as_deref() {
                            Some("sha1") => Hash::Sha1,
                            Some("sha512") => Hash::Sha512,
                            Some(_) | None => Hash::Sha256,
                        },
                        over: Over::RawBody,
                        encoding: if encoding == "hex" { Encoding::Hex } else { Encoding::Base64 },
                        header,
                        prefix,
                        secret,
                    }),
                    (_, _, _) => {
                        self.faults.add(node.at, "`hmac` needs `over`, `encoding`, `header` and `secret`");
                        None
                    }
                }
            }
            Some("standard") => secret.map(|secret| Verify::Standard { secret }),
            Some("shared") => {
                let at = fields.get("at").and_then(|node| {
                    let text = self.text(node, "`at`")?;
                    self.selector(&text, node.at)
                });
                at.zip(secret).map(|(at, secret)| Verify::Shared { at, secret })
            }
            Some("basic") => {
                let user = fields.get("user").and_then(|node| self.template(node, "`user`"));
                let password = fields.get("password").and_then(|node| self.template(node, "`password`"));
                user.zip(password).map(|(user, password)| Verify::Basic { user, password })
            }
            Some(_) => Some(Verify::None),
            None => None,
        };
        if verify.is_none() {
            self.faults.add(node.at, "this `verify` lacks its `kind` or what that needs (`secret`, `at`, `user`)");
        }
        fields.finish(self, &[]);
        verify
    }

    fn handshake(&mut self, node: &Node) -> Option<Handshake> {
        let mut fields = self.fields(node, "`handshake`")?;
        let when = match fields.get("when") {
            Some(node) => match &node.value {
                // A path alone: it must be there.
                Value::Text(text) => {
                    let subject = self.selector(text, node.at);
                    let matcher = crate::condition::Matcher::Present;
                    subject.map(|subject| crate::condition::Condition { subject, matcher }).into_iter().collect()
                }
                Value::Null | Value::Boolean(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => {
                    self.conditions(node, "`when`")
                }
            },
            None => Vec::new(),
        };
        if when.is_empty() {
            self.faults.add(node.at, "this `handshake` does not say `when` a call is one");
        }
        let mut handshake = Handshake { when, status: 200, text: None };
        if let Some(mut answer) = fields.get("answer").and_then(|node| self.fields(node, "`answer`")) {
            handshake.status = answer.get("status").and_then(|node| self.status(node)).unwrap_or(200);
            handshake.text = answer.get("text").and_then(|node| self.template(node, "`text`"));
            answer.finish(self, &[]);
        }
        fields.finish(self, &[]);
        Some(handshake)
    }

    fn topic(&mut self, entry: &Entry) -> Option<Topic> {
        let mut fields = self.fields(&entry.node, "a topic")?;
        let entity = fields.get("entity").and_then(|node| self.template(node, "`entity`"));
        let key = fields.get("key").and_then(|node| self.template(node, "`key`"));
        let whole = fields.get("each").and_then(|node| self.word(node, "`each`", &["none"])).is_some();
        let when = fields.get("when").map(|node| self.conditions(node, "`when`")).unwrap_or_default();
        let carries = fields
            .get("carries")
            .and_then(|node| self.word(node, "`carries`", &["hint", "record", "delete", "window"]));
        let carries = match carries.as_deref() {
            Some("record") => Carries::Record,
            Some("delete") => Carries::Delete,
            Some("window") => Carries::Window,
            Some(_) | None => Carries::Hint,
        };
        if key.is_none() && !matches!(carries, Carries::Window | Carries::Record) {
            self.faults.add(entry.key_at, "this topic does not say the `key` of the record that it is about");
        }
        let events = fields.get("events").map(|node| self.texts(node, "`events`")).unwrap_or_default();
        let events = events.into_iter().map(|(event, _)| event).collect();
        let example = fields.get("example").and_then(|node| self.template(node, "`example`"));
        fields.finish(self, &[]);
        let expression = entry.key.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        let name = match expression {
            Some(expression) => TopicName::Pattern(self.pattern(expression, entry.key_at)?),
            None => TopicName::Text(entry.key.clone()),
        };
        if entity.is_none() {
            self.faults.add(entry.key_at, "this topic does not say which `entity` it is about");
        }
        Some(Topic { at: entry.key_at, name, entity: entity?, key, whole, when, events, example, carries })
    }

    fn webhook_answer(&mut self, node: &Node) -> WebhookAnswer {
        let mut answer = WebhookAnswer { status: 200, within: None };
        let Some(mut fields) = self.fields(node, "`answer`") else { return answer };
        answer.status = fields.get("status").and_then(|node| self.status(node)).unwrap_or(200);
        answer.within = fields.get("within").and_then(|node| self.duration(node, "`within`"));
        fields.finish(self, &[]);
        answer
    }

    fn status(&mut self, node: &Node) -> Option<u16> {
        let status = self.number(node, "`status`")?;
        let status = u16::try_from(status).ok().filter(|status| (100..600).contains(status));
        if status.is_none() {
            self.faults.add(node.at, "this is no status of HTTP");
        }
        status
    }

    fn statuses(&mut self, node: &Node) -> Vec<u16> {
        match &node.value {
            Value::List(items) => items.iter().filter_map(|item| self.status(item)).collect(),
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::Map(_) => {
                self.status(node).into_iter().collect()
            }
        }
    }

    fn subscribe(&mut self, node: &Node) -> Option<Subscribe> {
        let mut fields = self.fields(node, "`subscribe`")?;
        let list = fields.get("list").and_then(|node| self.subscribing(node));
        let create = fields.get("create").and_then(|node| self.subscribing(node));
        let renew = fields.get("renew").and_then(|node| {
            let subscribing = self.subscribing(node)?;
            let every = node.get("every").and_then(|node| self.duration(node, "`every`"));
            if every.is_none() {
                self.faults.add(node.at, "`renew` does not say how often: `every`");
            }
            Some((subscribing, every?))
        });
        let end = fields.get("end").and_then(|node| self.subscribing(node));
        let look_every = fields.get("look_every").and_then(|node| self.duration(node, "`look_every`"));
        let lasts = fields.get("lasts").and_then(|node| self.duration(node, "`lasts`"));
        fields.finish(self, &[]);
        if create.is_none() {
            self.faults.add(node.at, "`subscribe` does not say how to `create` one");
        }
        if let Some(list) = list.as_ref().filter(|list| list.same.is_none()) {
            self.faults.add_with_help(
                list.operation.path.at,
                "`list` does not say which of the subscriptions there are is ours",
                "write `same: { FIELD: \"{webhook.url}\" }` with what tells it from others",
            );
        }
        let look_every = look_every.unwrap_or(LOOK_EVERY).max(LOOK_EVERY_MIN);
        Some(Subscribe { list, create: create?, renew, end, look_every, lasts })
    }

    fn subscribing(&mut self, node: &Node) -> Option<Subscribing> {
        let entries = self.entries(node, "a request about subscriptions")?;
        let rest = entries.iter().filter(|entry| !matches!(entry.key.as_str(), "same" | "keep" | "every")).cloned();
        let rest = Node { at: node.at, value: Value::Map(rest.collect()) };
        self.secrets_allowed = true;
        let operation = self.operation(&rest, "a request about subscriptions");
        self.secrets_allowed = true;
        let same = node.get("same").and_then(|node| self.tree(node));
        let keep: Vec<(String, Vec<Selector>)> = match node.get("keep") {
            Some(keep) => self
                .entries(keep, "`keep`")
                .unwrap_or_default()
                .iter()
                .map(|entry| (entry.key.clone(), self.selectors(&entry.node, "`keep`")))
                .collect(),
            None => Vec::new(),
        };
        let operation = operation?;
        let method: Method = operation.method;
        Some(Subscribing { operation, same, keep, method })
    }
}
