//! Answers, written so that the manifest's selectors find in them what they look for. In: an operation, values, conditions.
//! Out: status, headers and body; for a refusal, the first rule of the class that can be answered without another taking it.

use mapwright_manifest::{
    Condition, Driver, Expected, Extract, ExtractFrom, Manifest, Matcher, Operation, Rule, Selector, SelectorRoot,
    SelectorStep,
};
use mapwright_values::Json;
use mapwright_values::hooks::AnswerClass as RuleClass;

use super::sample;
use super::soap;
use super::tree::{Names, Value, leaf, number, plain, select_into, walk};
use super::unify::Reader;
use crate::server::Answer;

/// An answer in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: Option<u16>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    /// The body as text, where a tree cannot say it: a table without rows still has its head.
    pub(crate) raw: Option<String>,
    /// The document within the document.
    decoded: Option<Value>,
}

/// What an answer is made for.
#[derive(Clone, Copy)]
pub(crate) struct For<'f> {
    pub(crate) manifest: &'f Manifest,
    pub(crate) operation: Option<&'f Operation>,
    /// Verb or action, as rules name it.
    pub(crate) word: &'f str,
    /// An action, which rules may name by that word.
    pub(crate) action: bool,
    pub(crate) reader: Reader<'f>,
    pub(crate) names: Names<'f>,
}

impl Reply {
    /// Puts values where a selector looks.
    pub(crate) fn put(&mut self, selector: &Selector, values: Vec<Value>, names: Names<'_>) {
        match selector.root {
            SelectorRoot::Body => {
                select_into(self.body.get_or_insert(Json::Null), &selector.steps, values, names);
            }
            SelectorRoot::Decoded => {
                select_into(self.decoded.get_or_insert(Json::Null), &selector.steps, values, names);
            }
            SelectorRoot::Header | SelectorRoot::Cookie => {
                let (Some(SelectorStep::Member(name)), Some(value)) = (selector.steps.first(), values.first()) else {
                    return;
                };
                if selector.root == SelectorRoot::Header {
                    self.headers.retain(|(known, _)| known != name);
                    self.headers.push((name.clone(), plain(value)));
                } else {
                    self.headers.push(("set-cookie".to_owned(), format!("{name}={}; path=/; HttpOnly", plain(value))));
                }
            }
            SelectorRoot::Status => {
                self.status = values.first().and_then(|value| plain(value).parse().ok());
            }
            SelectorRoot::Record | SelectorRoot::Each | SelectorRoot::Query | SelectorRoot::Form => {}
        }
    }

    /// What a selector finds.
    fn found(&self, selector: &Selector, names: Names<'_>) -> Vec<Value> {
        let tree = |root: &Option<Value>| {
            root.as_ref()
                .map(|root| walk(root, &selector.steps, names).into_iter().cloned().collect())
                .unwrap_or_default()
        };
        let found: Vec<Value> = match selector.root {
            SelectorRoot::Body => tree(&self.body),
            SelectorRoot::Decoded => tree(&self.decoded),
            SelectorRoot::Status => self.status.map(number).into_iter().collect(),
            SelectorRoot::Header => {
                let name = selector.field_path();
                let all = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(&name));
                all.map(|(_, value)| Json::text(value.clone())).collect()
            }
            SelectorRoot::Cookie
            | SelectorRoot::Record
            | SelectorRoot::Each
            | SelectorRoot::Query
            | SelectorRoot::Form => Vec::new(),
        };
        if selector.count { vec![number(found.len())] } else { found }
    }

    /// Makes conditions hold that do not hold yet.
    pub(crate) fn satisfy(&mut self, conditions: &[Condition], of: For<'_>) {
        for Condition { subject, matcher } in conditions {
            let found = self.found(subject, of.names);
            if met(matcher, &found, of.reader) {
                continue;
            }
            match matcher {
                Matcher::AnyOf(expected) => {
                    let value = expected.first().and_then(|expected| sample_of(expected, of.reader));
                    if let Some(text) = value {
                        self.put(subject, vec![leaf(&text)], of.names);
                    }
                }
                Matcher::Present | Matcher::NotEmpty => {
                    let value = match subject.steps.last() {
                        Some(SelectorStep::Member(name)) if name == "Fault" => Json::Record(Vec::new()),
                        _ if subject.root == SelectorRoot::Body && of.manifest.driver == Driver::Soap => {
                            Json::text("1")
                        }
                        _ => Json::text("sandbox"),
                    };
                    let value = match (matcher, subject.steps.last()) {
                        (Matcher::NotEmpty, Some(SelectorStep::Member(_))) => Json::List(vec![value]),
                        (_, _) => value,
                    };
                    self.put(subject, vec![value], of.names);
                }
                Matcher::Empty => self.put(subject, vec![Json::List(Vec::new())], of.names),
                Matcher::Absent | Matcher::Table { .. } => {}
            }
        }
    }

    /// The finished answer.
    pub(crate) fn finish(mut self, of: For<'_>) -> Answer {
        if let (Some(operation), Some(decoded)) = (of.operation, self.decoded.take())
            && let Some(selector) = operation.decode.first()
        {
            let root = if of.manifest.driver == Driver::Soap { "RESULT" } else { "DOCUMENT" };
            let text = of.reader.wire.encode(root, &decoded);
            self.put(selector, vec![Json::text(text)], of.names);
        }
        let status = self.status.unwrap_or(200);
        let mut answer = match self.body {
            Some(_) | None if self.raw.is_some() => {
                Answer::new(status, of.reader.wire.content_type(), self.raw.unwrap_or_default())
            }
            None => Answer::empty(status),
            Some(body) if of.manifest.driver == Driver::Soap => {
                let call = of.operation.and_then(|operation| operation.call.as_ref()).map_or("", |call| &call.name);
                let (content_type, text) = soap::response(&of.manifest.soap, call, &body);
                let status = if body.get("Fault").is_some() && status == 200 { 500 } else { status };
                Answer::new(status, content_type, text)
            }
            Some(body) => {
                Answer::new(status, of.reader.wire.content_type(), of.reader.wire.encode(of.names.any, &body))
            }
        };
        for (name, value) in self.headers {
            answer = answer.with(name.to_lowercase(), value);
        }
        answer
    }

    fn text(&self, extract: Option<&Extract>, names: Names<'_>) -> Option<String> {
        let ExtractFrom::Selectors(selectors) = &extract?.from else { return None };
        let found = selectors.iter().flat_map(|selector| self.found(selector, names)).find(|value| !value.is_null())?;
        let text = plain(&found);
        match &extract?.regex {
            Some(pattern) => pattern.extract(&text),
            None => Some(text),
        }
    }

    /// The first rule that takes this answer.
    fn taken_by<'m>(&self, of: For<'m>) -> Option<&'m Rule> {
        let errors = &of.manifest.errors;
        let (code, message) = (self.text(errors.code.as_ref(), of.names), self.text(errors.message.as_ref(), of.names));
        let text_fits = |matcher: &Option<Matcher>, text: &Option<String>| {
            let found: Vec<Value> = text.iter().map(|text| Json::text(text.clone())).collect();
            matcher.as_ref().is_none_or(|matcher| met(matcher, &found, of.reader))
        };
        errors.rules.iter().filter(|rule| applies(rule, of)).find(|rule| {
            rule.conditions
                .iter()
                .all(|condition| met(&condition.matcher, &self.found(&condition.subject, of.names), of.reader))
                && text_fits(&rule.code, &code)
                && text_fits(&rule.message, &message)
        })
    }
}

fn applies(rule: &Rule, of: For<'_>) -> bool {
    rule.operations.is_empty() || rule.operations.iter().any(|word| word == of.word || (of.action && word == "action"))
}

fn met(matcher: &Matcher, found: &[Value], reader: Reader<'_>) -> bool {
    let there = || found.iter().filter(|value| !value.is_null());
    let filled = |value: &Value| match value {
        Json::Text(text) => !text.is_empty(),
        Json::List(list) => !list.is_empty(),
        Json::Record(all) => !all.is_empty(),
        Json::Null => false,
        Json::Boolean(_) | Json::Number(_) => true,
    };
    match matcher {
        Matcher::AnyOf(expected) => there().any(|value| {
            let text = plain(value);
            expected.iter().any(|expected| expected.is(&text, |template| reader.filled(template)))
        }),
        Matcher::Present => there().next().is_some(),
        Matcher::Absent => there().next().is_none(),
        Matcher::Empty => !there().any(filled),
        Matcher::NotEmpty => there().any(filled),
        Matcher::Table { .. } => false,
    }
}

fn sample_of(expected: &Expected, reader: Reader<'_>) -> Option<String> {
    match expected {
        Expected::Text(text) => Some(text.clone()),
        Expected::Pattern(pattern) => sample::of(pattern),
        Expected::Template(template) => reader.filled(template),
    }
}

/// What is said of a refusal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said<'s> {
    pub(crate) words: &'s str,
    pub(crate) field: &'s str,
    /// Key of the record that is there already.
    pub(crate) existing: Option<String>,
    /// Seconds to wait.
    pub(crate) wait: Option<u64>,
    /// The status, where the class does not decide it.
    pub(crate) status: Option<u16>,
}

/// A refusal of this class in the system's own shape.
pub(crate) fn refusal(of: For<'_>, class: RuleClass, said: &Said<'_>) -> Reply {
    // A class that the manifest does not tell apart is answered as the next broader one.
    let broader: &[RuleClass] = match class {
        RuleClass::Exists | RuleClass::Dependency | RuleClass::Missing | RuleClass::Conflict => {
            &[class, RuleClass::Permanent]
        }
        RuleClass::Login => &[RuleClass::Login, RuleClass::Halt],
        RuleClass::Throttled => &[RuleClass::Throttled, RuleClass::Transient],
        RuleClass::Done
        | RuleClass::Transient
        | RuleClass::Permanent
        | RuleClass::Ambiguous
        | RuleClass::Halt
        | RuleClass::Pending => &[class],
    };
    for (place, class) in broader.iter().enumerate() {
        let rules = of.manifest.errors.rules.iter().filter(|rule| rule.class == *class && applies(rule, of));
        for rule in rules {
            let status = if place == 0 { said.status.or(usual_status(*class)) } else { usual_status(*class) };
            // Words in one place may make an earlier rule take the answer: then another place, and none at last.
            for telling in [Telling::First, Telling::Last, Telling::Nothing] {
                let reply = by_rule(of, rule, status, said, telling);
                if reply.taken_by(of).is_some_and(|taken| taken.class == *class) {
                    return reply;
                }
            }
        }
    }
    plain_refusal(of, said.status.or(usual_status(class)).unwrap_or(400), said)
}

/// In which of its places code and message are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    First,
    Last,
    Nothing,
}

/// A refusal that no rule speaks of: a status, and words where the manifest looks for them.
pub(crate) fn plain_refusal(of: For<'_>, status: u16, said: &Said<'_>) -> Reply {
    let mut reply = Reply { status: Some(status), ..Reply::default() };
    if of.manifest.driver == Driver::Soap {
        reply.body = Some(soap::fault(status < 500, said.words));
    }
    told(&mut reply, of, None, said, Telling::First);
    reply
}

const fn usual_status(class: RuleClass) -> Option<u16> {
    match class {
        RuleClass::Done => Some(200),
        RuleClass::Pending => Some(202),
        RuleClass::Permanent | RuleClass::Dependency => Some(400),
        RuleClass::Login => Some(401),
        RuleClass::Halt => Some(403),
        RuleClass::Missing => Some(404),
        RuleClass::Exists => Some(409),
        RuleClass::Conflict => Some(412),
        RuleClass::Throttled => Some(429),
        RuleClass::Ambiguous => Some(500),
        RuleClass::Transient => Some(503),
    }
}

fn by_rule(of: For<'_>, rule: &Rule, usual: Option<u16>, said: &Said<'_>, telling: Telling) -> Reply {
    let mut reply = Reply { status: usual, ..Reply::default() };
    if in_band(of) {
        reply.status = Some(200);
        contrary(&mut reply, of);
    }
    if of.manifest.driver == Driver::Soap && !in_band(of) {
        reply.body = Some(soap::fault(true, said.words));
    }
    let code = match &rule.code {
        Some(Matcher::AnyOf(expected)) => expected.first().and_then(|expected| sample_of(expected, of.reader)),
        Some(Matcher::Present | Matcher::NotEmpty) => Some("SANDBOX".to_owned()),
        Some(Matcher::Absent | Matcher::Empty | Matcher::Table { .. }) | None => None,
    };
    let message = match &rule.message {
        Some(Matcher::AnyOf(expected)) if !met_by(&rule.message, said.words, of.reader) => {
            expected.first().and_then(|expected| sample_of(expected, of.reader))
        }
        Some(_) | None => None,
    };
    let words = message.unwrap_or_else(|| said.words.to_owned());
    told(&mut reply, of, code.as_deref(), &Said { words: &words, ..said.clone() }, telling);
    // The rule's own conditions last: what they ask for stands, whatever was put there before.
    reply.satisfy(&rule.conditions, of);
    if let (Some(selector), Some(key)) = (rule.existing.first(), &said.existing) {
        reply.put(selector, vec![leaf(key)], of.names);
    }
    if let (Some(selector), Some(seconds)) = (rule.wait.first(), said.wait) {
        reply.put(selector, vec![number(seconds)], of.names);
    }
    reply
}

fn met_by(matcher: &Option<Matcher>, text: &str, reader: Reader<'_>) -> bool {
    matcher.as_ref().is_none_or(|matcher| met(matcher, &[Json::text(text.to_owned())], reader))
}

/// Code, message and field where the manifest looks for them.
fn told(reply: &mut Reply, of: For<'_>, code: Option<&str>, said: &Said<'_>, telling: Telling) {
    if telling == Telling::Nothing {
        return;
    }
    let errors = &of.manifest.errors;
    let first = |extract: &Option<Extract>| match extract.as_ref().map(|extract| &extract.from) {
        Some(ExtractFrom::Selectors(selectors)) => fitting(selectors, of, telling),
        Some(ExtractFrom::Code | ExtractFrom::Message) | None => None,
    };
    if let (Some(selector), Some(code)) = (first(&errors.code), code) {
        // `"4"` may stand as a number or as a text: both are compared as text.
        reply.put(&selector, vec![leaf(code)], of.names);
    }
    if let Some(selector) = first(&errors.message) {
        reply.put(&selector, vec![Json::text(said.words.to_owned())], of.names);
    }
    if let (Some(selector), false) = (first(&errors.field), said.field.is_empty()) {
        reply.put(&selector, vec![Json::text(said.field.to_owned())], of.names);
    }
}

/// Of several places the one that fits this kind of refusal.
fn fitting(selectors: &[Selector], of: For<'_>, telling: Telling) -> Option<Selector> {
    let faults = of.manifest.driver == Driver::Soap && !in_band(of);
    let in_fault =
        |selector: &&Selector| matches!(selector.steps.first(), Some(SelectorStep::Member(name)) if name == "Fault");
    let found = if faults { selectors.iter().find(in_fault) } else { None };
    let other = if telling == Telling::Last { selectors.last() } else { selectors.first() };
    found.or(other).cloned()
}

/// Does the system tell of a failed operation within an answer that HTTP calls a success?
fn in_band(of: For<'_>) -> bool {
    let Some(operation) = of.operation else { return false };
    operation.success.iter().any(|condition| {
        condition.subject.root == SelectorRoot::Body
            && condition.subject.text != "body.id"
            && match &condition.matcher {
                Matcher::AnyOf(expected) => expected
                    .iter()
                    .all(|expected| matches!(expected, Expected::Text(text) if text == "true" || text == "1")),
                Matcher::Empty => true,
                Matcher::Present | Matcher::Absent | Matcher::NotEmpty | Matcher::Table { .. } => false,
            }
    })
}

/// `ok: true` of a success is `ok: false` of a failure.
fn contrary(reply: &mut Reply, of: For<'_>) {
    for condition in of.operation.iter().flat_map(|operation| &operation.success) {
        if let (SelectorRoot::Body, Matcher::AnyOf(expected)) = (condition.subject.root, &condition.matcher)
            && let Some(Expected::Text(text)) = expected.first()
        {
            let other = match text.as_str() {
                "true" => Json::Boolean(false),
                "1" => number(0),
                _ => continue,
            };
            reply.put(&condition.subject, vec![other], of.names);
        }
    }
}
