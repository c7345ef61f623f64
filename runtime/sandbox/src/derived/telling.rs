//! What subscribers are told. In: changed records, the manifest's webhooks. Out: calls that its receiver believes and reads, written
//! where it looks; handshakes. Never: the network.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mapwright_manifest::{
    Condition, Encoding, Expected, Handshake, Hash, Matcher, Selector, SelectorRoot, SelectorStep, Template, Topic,
    TopicName, Verify, Webhooks,
};
use mapwright_values::Json;
use ring::hmac;

use super::calling::{Outgoing, post};
use super::route::{Asked, What};
use super::store::{Change, Turn, instant};
use super::subscriptions::{Step, Subscription, living};
use super::system::{System, ago};
use super::tree::{Names, Value, put, select_into};
use super::unify::{Bound, Reader};
use crate::server::Call;
use crate::text::hex_id;

/// A call in the making: what stands where selectors look.
#[derive(Default)]
struct Telling {
    body: Option<Value>,
    each: Option<Value>,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
}

impl Telling {
    fn put(&mut self, root: &str, path: &[&str], value: Value) {
        let name = path.first().copied().unwrap_or_default().to_owned();
        let text = super::tree::plain(&value);
        match root {
            "body" => put(self.body.get_or_insert(Json::Null), path, value),
            "each" => put(self.each.get_or_insert(Json::Null), path, value),
            "header" => self.headers.push((name, text)),
            "query" => self.query.push((name, text)),
            "form" => self.form.push((name, text)),
            // `match` is a part of the topic, which is written whole.
            _ => {}
        }
    }

    fn select(&mut self, selector: &Selector, value: Value) {
        let nothing = Json::Null;
        let names = Names { any: "data", entity: &nothing };
        match selector.root {
            SelectorRoot::Body => {
                select_into(self.body.get_or_insert(Json::Null), &selector.steps, vec![value], names);
            }
            SelectorRoot::Each => {
                select_into(self.each.get_or_insert(Json::Null), &selector.steps, vec![value], names);
            }
            SelectorRoot::Header | SelectorRoot::Query | SelectorRoot::Form => {
                let root = match selector.root {
                    SelectorRoot::Header => "header",
                    SelectorRoot::Query => "query",
                    _ => "form",
                };
                if let Some(SelectorStep::Member(name)) = selector.steps.first() {
                    self.put(root, &[name], value);
                }
            }
            SelectorRoot::Cookie | SelectorRoot::Status | SelectorRoot::Decoded | SelectorRoot::Record => {}
        }
    }

    /// Writes what a template must read as this text. Says whether that is possible.
    fn write(&mut self, reader: Reader<'_>, template: &Template, text: &str) -> bool {
        let Some(bound) = reader.text(template, text, None) else { return false };
        for slot in template.slots() {
            let path: Vec<&str> = slot.path.iter().map(String::as_str).collect();
            if let Some(value) = bound.get(&name_of(&slot.root, &path)) {
                self.put(&slot.root, &path, value.clone());
            }
        }
        true
    }

    /// Writes something unique where a template looks and nothing stands yet.
    fn make_unique(&mut self, template: &Template, label: &str) {
        for slot in template.slots() {
            let path: Vec<&str> = slot.path.iter().map(String::as_str).collect();
            let root = match slot.root.as_str() {
                "body" => self.body.as_ref(),
                "each" => self.each.as_ref(),
                _ => None,
            };
            let there = root.is_some_and(|root| {
                path.iter().try_fold(root, |value, step| value.get(step)).is_some_and(|value| !value.is_null())
            });
            if !there {
                let last = path.last().copied().unwrap_or_default();
                let value = if last.contains("Time") || last.contains("Date") {
                    instant(ago(std::time::Duration::ZERO))
                } else {
                    hex_id(&format!("{label} {last}"))
                };
                self.put(&slot.root, &path, Json::text(value));
            }
        }
    }
}

fn name_of(root: &str, path: &[&str]) -> String {
    std::iter::once(root).chain(path.iter().copied()).collect::<Vec<_>>().join(".")
}

impl System {
    /// Tells subscribers what has changed since.
    pub(super) fn tell(&self) {
        let Some(webhooks) = &self.manifest.webhooks else { return };
        let mut state = self.state();
        let changes = state.store.take_changes();
        if state.subscriptions.is_empty() || changes.is_empty() {
            return;
        }
        living(&mut state.subscriptions);
        let subscriptions = state.subscriptions.clone();
        drop(state);
        for change in &changes {
            for one in
                subscriptions.iter().filter(|one| one.entity == change.entity && happens(&one.event, change.turn))
            {
                if let Some(call) = self.call_of(webhooks, one, change)
                    && let Err(error) = self.outbox.try_send(call)
                {
                    tracing::warn!(%error, "a call to a subscriber is lost: too many wait");
                }
            }
        }
    }

    /// Answers that end a subscription.
    pub(super) fn ending_answers(&self) -> Vec<u16> {
        self.manifest.webhooks.as_ref().map(|webhooks| webhooks.never_answer.clone()).unwrap_or_default()
    }

    fn call_of(&self, webhooks: &Webhooks, one: &Subscription, change: &Change) -> Option<Outgoing> {
        let topic = webhooks.topics.iter().find(|topic| {
            topic
                .entity
                .literal()
                .is_some_and(|entity| entity == one.entity && topic.subscribed(&entity).contains(&one.event))
        })?;
        let key = change.key.last()?;
        let known_key = Json::text(key.clone());
        let known = [("config", &self.config), ("secret", &self.secrets), ("key", &known_key)];
        let reader = Reader { known: &known, lets: &[], quote: None, wire: &self.wire, null_is_open: false };
        let text = topic_text(topic, &one.event, reader)?;
        let open = [("config", &self.config), ("secret", &self.secrets)];
        let reader = Reader { known: &open, ..reader };
        let mut telling = Telling::default();
        if !telling.write(reader, &webhooks.topic, &text) {
            return None;
        }
        if let Some(template) = &topic.key
            && !telling.write(reader, template, key)
        {
            return None;
        }
        for Condition { subject, matcher } in &topic.when {
            if let Matcher::AnyOf(expected) = matcher
                && let Some(Expected::Text(text)) = expected.first()
            {
                telling.select(subject, Json::text(text.clone()));
            }
        }
        let now = ago(std::time::Duration::ZERO);
        let label = format!("call {} {} {}", one.number, key, now.as_nanosecond());
        if let Some(id) = &webhooks.id {
            telling.make_unique(id, &label);
        }
        if let Verify::Shared { at, secret } = &webhooks.verify {
            telling.select(at, Json::text(reader.filled(secret)?));
        }
        if let (Some(each), Some(item)) = (webhooks.each.first(), telling.each.take()) {
            telling.select(each, item);
        }
        let body = telling.body.unwrap_or(Json::Record(Vec::new())).to_text();
        let mut headers = telling.headers;
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        sign(&webhooks.verify, reader, (&label, &body), &mut headers)?;
        Some(Outgoing { subscription: one.number, address: one.address.clone(), headers, body })
    }

    /// Makes sure that a subscriber answers, as the manifest says that the system does.
    pub(super) async fn shake_hands(&self, address: &str) -> Result<(), String> {
        let Some(webhooks) = &self.manifest.webhooks else { return Ok(()) };
        for handshake in &webhooks.handshake {
            let token = hex_id(&format!("handshake with {address}"));
            let Some(telling) = greeting(handshake, &token) else { continue };
            let (address, headers, body) = spelled(address, &telling);
            let (status, text) = post(&address, &headers, body).await?;
            let (query, form) = (pairs(&telling.query), pairs(&telling.form));
            let body = telling.body.unwrap_or(Json::Null);
            let known = [("query", &query), ("form", &form), ("body", &body), ("config", &self.config)];
            let reader = Reader { known: &known, lets: &[], quote: None, wire: &self.wire, null_is_open: false };
            let wanted = handshake.text.as_ref().and_then(|template| reader.filled(template));
            if status != handshake.status || wanted.is_some_and(|wanted| wanted != text) {
                return Err(format!("the address to call does not answer the handshake: status {status}"));
            }
        }
        Ok(())
    }

    /// The address that a request wants to have called, if that is what it wants and it may come in.
    pub(super) fn subscriber_of(&self, call: &Call) -> Option<(Asked, String)> {
        self.manifest.webhooks.as_ref().filter(|webhooks| !webhooks.handshake.is_empty())?;
        let asked = self.read(call).ok()?;
        let known = self.known();
        let reader = Reader { known: &known, lets: &[], quote: None, wire: &self.wire, null_is_open: false };
        let found = self.routes.iter().find_map(|route| Some((route, route.fits(&self.manifest, reader, &asked)?)));
        let (route, bound): (_, Bound) = found?;
        match &route.what {
            What::Subscription(Step::Make | Step::Renew, _) => {}
            What::Subscription(Step::List | Step::End, _)
            | What::Entity(..)
            | What::Action(_)
            | What::LogIn
            | What::LogOut
            | What::Check => return None,
        }
        if !self.state().gate.admits(&self.manifest, reader, &asked) {
            return None;
        }
        let address = bound.text("webhook.url")?;
        Some((asked, address))
    }
}

/// Does an event of this name happen when that becomes of a record? Names that say nothing of it mean every change.
fn happens(event: &str, turn: Turn) -> bool {
    let event = event.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| event.contains(word));
    match turn {
        Turn::Gone => says(&["delet", "remov"]),
        Turn::Made => !says(&["delet", "remov", "updat", "chang", "restor"]),
        Turn::Changed => !says(&["delet", "remov", "creat", "plac", "restor", "regist"]),
    }
}

/// The topic as a call names it.
fn topic_text(topic: &Topic, event: &str, reader: Reader<'_>) -> Option<String> {
    match &topic.name {
        TopicName::Text(name) => Some(name.clone()),
        TopicName::Pattern(pattern) if pattern.is_match(event) => Some(event.to_owned()),
        TopicName::Pattern(_) => reader.filled(topic.example.as_ref()?),
    }
}

/// Adds what makes the call believed.
fn sign(
    verify: &Verify,
    reader: Reader<'_>,
    (label, body): (&str, &str),
    headers: &mut Vec<(String, String)>,
) -> Option<()> {
    match verify {
        Verify::None | Verify::Shared { .. } => {}
        Verify::Hmac { hash, over: _, encoding, header, prefix, secret } => {
            let algorithm = match hash {
                Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                Hash::Sha256 => hmac::HMAC_SHA256,
                Hash::Sha512 => hmac::HMAC_SHA512,
            };
            let digest = hmac::sign(&hmac::Key::new(algorithm, reader.filled(secret)?.as_bytes()), body.as_bytes());
            let spelled = match encoding {
                Encoding::Base64 => STANDARD.encode(digest.as_ref()),
                Encoding::Hex => digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
            };
            headers.push((header.clone(), format!("{}{spelled}", prefix.as_deref().unwrap_or_default())));
        }
        Verify::Standard { secret } => {
            let (id, at) = (hex_id(label), ago(std::time::Duration::ZERO).as_second());
            let key = hmac::Key::new(hmac::HMAC_SHA256, reader.filled(secret)?.as_bytes());
            let digest = hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes());
            headers.push(("webhook-id".to_owned(), id));
            headers.push(("webhook-timestamp".to_owned(), at.to_string()));
            headers.push(("webhook-signature".to_owned(), format!("v1,{}", STANDARD.encode(digest.as_ref()))));
        }
        Verify::Basic { user, password } => {
            let credentials = format!("{}:{}", reader.filled(user)?, reader.filled(password)?);
            headers.push(("authorization".to_owned(), format!("Basic {}", STANDARD.encode(credentials))));
        }
    }
    Some(())
}

/// The call that is a handshake; `None` = what makes it one cannot be made up.
fn greeting(handshake: &Handshake, token: &str) -> Option<Telling> {
    let mut telling = Telling::default();
    for Condition { subject, matcher } in &handshake.when {
        match matcher {
            Matcher::Present | Matcher::NotEmpty => telling.select(subject, Json::text(token.to_owned())),
            Matcher::AnyOf(expected) => match expected.first()? {
                Expected::Text(text) => telling.select(subject, Json::text(text.clone())),
                Expected::Pattern(_) | Expected::Template(_) => return None,
            },
            Matcher::Absent | Matcher::Empty => {}
            Matcher::Table { .. } => return None,
        }
    }
    Some(telling)
}

/// Address, headers and body of a handshake.
fn spelled(address: &str, telling: &Telling) -> (String, Vec<(String, String)>, String) {
    let joined = |pairs: &[(String, String)]| {
        let all = pairs.iter().map(|(name, value)| format!("{name}={value}"));
        all.collect::<Vec<_>>().join("&")
    };
    let address = match telling.query.is_empty() {
        true => address.to_owned(),
        false => format!("{address}?{}", joined(&telling.query)),
    };
    let mut headers = telling.headers.clone();
    let body = match (&telling.body, telling.form.is_empty()) {
        (_, false) => {
            headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
            joined(&telling.form)
        }
        (Some(body), true) => {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
            body.to_text()
        }
        (None, true) => String::new(),
    };
    (address, headers, body)
}

fn pairs(all: &[(String, String)]) -> Value {
    Json::Record(all.iter().map(|(name, value)| (name.clone().into(), Json::text(value.clone()))).collect())
}

#[cfg(test)]
mod tests {
    use mapwright_manifest::TemplatePart;

    use super::*;

    #[test]
    fn events_happen_when_their_name_says_so() {
        assert!(happens("order.created", Turn::Made) && !happens("order.created", Turn::Changed));
        assert!(happens("ORDERS_UPDATED", Turn::Changed) && !happens("ORDERS_UPDATED", Turn::Made));
        assert!(happens("order.deleted", Turn::Gone) && !happens("order.deleted", Turn::Changed));
        assert!(happens("salesInvoices", Turn::Made) && happens("salesInvoices", Turn::Changed));
    }

    #[test]
    fn what_a_template_reads_is_written_where_it_looks() {
        let slot = TemplatePart::Slot(mapwright_manifest::Slot {
            root: "body".to_owned(),
            path: vec!["order_id".to_owned()],
            optional: false,
            pipes: Vec::new(),
        });
        let parts = vec![TemplatePart::Literal("gid://Order/".to_owned()), slot];
        let template = Template { at: mapwright_manifest::At::default(), parts };
        let wire = super::super::codec::Wire::default();
        let reader = Reader { known: &[], lets: &[], quote: None, wire: &wire, null_is_open: false };
        let mut telling = Telling::default();
        assert!(telling.write(reader, &template, "gid://Order/17"));
        assert_eq!(telling.body.unwrap().to_text(), r#"{"order_id":"17"}"#);
        assert!(!Telling::default().write(reader, &template, "17"));
    }
}
