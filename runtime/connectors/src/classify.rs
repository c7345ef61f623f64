//! What an answer means. In: an answer, the manifest's rules, what was asked. Out: a class and the vendor's words.
//! The manifest's rules come first, then the table of the delivery paper. Pure: decides, does nothing.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use mapwright_engine::connector::Class;
use mapwright_manifest::{Errors, Extract, ExtractFrom, Operation, Rule, Verb};
use mapwright_values::Json;
use mapwright_values::hooks::{AnswerClass as RuleClass, Answered, guarded};

use crate::answer::{Format, ReadAnswer, holds, shortened};
use crate::soap;
use crate::template::{Scope, plain};

/// A wish to wait that is longer than this is cut.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);
/// A vendor's message is cut to this.
const MESSAGE_CHARACTERS_MAX: usize = 300;

/// So is what the vendor finds a request by.
const TRACE_CHARACTERS_MAX: usize = 100;

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked<'a> {
    /// An operation of an entity.
    Entity(Verb),
    /// An action.
    Action(&'a str),
    /// A log-in.
    LogIn,
    /// The cheap call of `doctor`.
    Check,
}

impl Asked<'_> {
    /// Can it have an effect?
    pub(crate) const fn writes(self) -> bool {
        match self {
            Self::Entity(verb) => match verb {
                Verb::List | Verb::Find | Verb::Get => false,
                Verb::Create | Verb::Update | Verb::Upsert | Verb::Delete | Verb::Batch => true,
            },
            Self::Action(_) => true,
            Self::LogIn | Self::Check => false,
        }
    }

    /// In words.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Entity(verb) => verb.word().to_owned(),
            Self::Action(name) => format!("action {name}"),
            Self::LogIn => "log-in".to_owned(),
            Self::Check => "check".to_owned(),
        }
    }

    fn named_by(self, rule: &Rule) -> bool {
        rule.operations.is_empty()
            || rule.operations.iter().any(|word| match self {
                Self::Entity(verb) => word == verb.word(),
                Self::Action(name) => word == "action" || word == name,
                Self::LogIn | Self::Check => false,
            })
    }
}

/// What to do about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// This is its class.
    Class(Class),
    /// The session has gone: log in and ask again, once.
    LogIn,
}

/// An answer that is no success.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) reaction: Reaction,
    pub(crate) code: Option<String>,
    /// The vendor's words, or ours where it has none.
    pub(crate) message: String,
    pub(crate) field: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    /// The key of the record that is there already.
    pub(crate) existing: Option<String>,
    /// The answer is a page for people.
    pub(crate) html: bool,
}

impl Verdict {
    /// The status as messages show it: with the vendor's own code, if there is one.
    pub(crate) fn answered(&self, status: u16) -> String {
        self.code.as_ref().map_or_else(|| status.to_string(), |code| format!("{status} {code}"))
    }
}

/// Why the answer is no success; `None` = it is one. Success is asserted: the promised status, a body that parses.
pub(crate) fn unsuccessful(
    read: &ReadAnswer<'_>,
    operation: &Operation,
    scope: &Scope<'_>,
    entity: &Json<'_>,
) -> Option<String> {
    if !operation.gone.is_empty() && read.unmet(&operation.gone, scope, entity).is_none() {
        return None;
    }
    // What cannot be read says nothing of what it lacks.
    let readable = (200..300).contains(&read.answer.status).then_some(&read.malformed).and_then(Option::as_ref);
    if let Some(malformed) = readable {
        return Some(malformed.clone());
    }
    if operation.success.is_empty() {
        if !(200..300).contains(&read.answer.status) {
            return Some(format!("status {}", read.answer.status));
        }
    } else if let Some(unmet) = read.unmet(&operation.success, scope, entity) {
        return Some(unmet);
    }
    if let Some(malformed) = &read.malformed {
        return Some(malformed.clone());
    }
    if let Some(fault) = inner_fault(read) {
        return Some(fault);
    }
    let promised = !operation.records.is_empty()
        || operation.record.iter().any(|selector| !selector.optional)
        || !operation.key.is_empty();
    (promised && read.json.is_none()).then(|| "the body is empty".to_owned())
}

/// The class of an answer that is no success.
pub(crate) fn classify(
    read: &ReadAnswer<'_>,
    why: &str,
    errors: &Errors,
    asked: Asked<'_>,
    scope: &Scope<'_>,
    entity: &Json<'_>,
) -> Verdict {
    let status = read.answer.status;
    let codes = extract(read, errors.code.as_ref(), &[], &[], entity);
    let messages = extract(read, errors.message.as_ref(), &codes, &[], entity);
    let fields = extract(read, errors.field.as_ref(), &codes, &messages, entity);
    let succeeded = (200..300).contains(&status);
    let page_for_people = read.answer.is_html();
    let rule = errors.rules.iter().find(|rule| {
        !(succeeded && page_for_people) && asked.named_by(rule) && applies(rule, read, &codes, &messages, scope, entity)
    });
    let hooked = match rule {
        Some(_) => None,
        None => hooked(read, errors, asked),
    };
    let (judged, broken) = match hooked {
        Some(Ok(class)) => (class, None),
        Some(Err(words)) => (Some(RuleClass::Halt), Some(words)),
        None => (None, None),
    };
    let reaction = match rule.map(|rule| rule.class).or(judged) {
        Some(class) => of_rule(class),
        // A SOAP fault says who is to blame, whatever its status.
        None if read.json.as_ref().and_then(soap::sender_at_fault) == Some(true) => {
            Reaction::Class(if asked.writes() { Class::Permanent } else { Class::Halt })
        }
        None if succeeded => Reaction::Class(if asked.writes() { Class::Ambiguous } else { Class::Transient }),
        None => of_table(status, asked, read.answer.header("retry-after").is_some()),
    };
    let wait = rule.and_then(|rule| read.text(&rule.wait, entity));
    let wait = wait.or_else(|| read.answer.header("retry-after").map(str::to_owned));
    let message = if let Some(words) = broken {
        words
    } else if page_for_people {
        match read.format {
            Format::Soap => "an HTML page where SOAP was expected".to_owned(),
            Format::Json | Format::Graphql | Format::Coded => "an HTML page where JSON was expected".to_owned(),
        }
    } else if messages.is_empty() {
        why.to_owned()
    } else {
        let parameters = read.select_first(&errors.parameters, entity);
        let filled = messages.iter().map(|message| filled(message, &parameters));
        shortened(&filled.collect::<Vec<_>>().join("; "), MESSAGE_CHARACTERS_MAX)
    };
    let trace = extract(read, errors.trace.as_ref(), &codes, &messages, entity).into_iter().next();
    let message = match trace.filter(|trace| !message.contains(trace.as_str())) {
        Some(trace) => format!("{message} (the vendor finds it by {})", shortened(&trace, TRACE_CHARACTERS_MAX)),
        None => message,
    };
    Verdict {
        reaction,
        code: (!codes.is_empty()).then(|| codes.join(", ")),
        message,
        field: fields.into_iter().next(),
        retry_after: wait.and_then(|text| retry_after(&text, read)),
        existing: rule.and_then(|rule| read.text(&rule.existing, entity)).filter(|key| !key.is_empty()),
        html: page_for_people,
    }
}

/// What the manifest's hook says of an answer that no rule knows; `None` = it names none.
fn hooked(read: &ReadAnswer<'_>, errors: &Errors, asked: Asked<'_>) -> Option<Result<Option<RuleClass>, String>> {
    let hook = errors.classify.as_ref()?;
    let answered = Answered {
        status: read.answer.status,
        headers: &read.answer.headers,
        body: &read.answer.body,
        writes: asked.writes(),
    };
    Some(match hook.function {
        Some(classify) => guarded(&hook.name, || classify(&answered)),
        None => Err(hook.absent()),
    })
}

/// A fault inside of an answer that would be a success by its status: SOAP's own, or GraphQL's.
fn inner_fault(read: &ReadAnswer<'_>) -> Option<String> {
    let body = read.json.as_ref()?;
    match read.format {
        Format::Soap => {
            let fault = body.get("Fault")?;
            Some(fault.get("faultstring").map_or_else(|| "a fault".to_owned(), plain))
        }
        Format::Graphql => {
            if let Some(Json::List(errors)) = body.get("errors")
                && let Some(first) = errors.first()
            {
                return Some(first.get("message").map_or_else(|| "an error".to_owned(), plain));
            }
            // Errors of the business stand in the payload of each mutation.
            let Some(Json::Record(data)) = body.get("data") else { return None };
            data.iter().find_map(|(_, payload)| match payload.get("userErrors") {
                Some(Json::List(errors)) => {
                    let first = errors.first()?;
                    Some(first.get("message").map_or_else(|| "an error".to_owned(), plain))
                }
                Some(_) | None => None,
            })
        }
        Format::Json | Format::Coded => None,
    }
}

fn applies(
    rule: &Rule,
    read: &ReadAnswer<'_>,
    codes: &[String],
    messages: &[String],
    scope: &Scope<'_>,
    entity: &Json<'_>,
) -> bool {
    let texts_hold = |matcher: &Option<mapwright_manifest::Matcher>, texts: &[String]| {
        matcher.as_ref().is_none_or(|matcher| {
            let values: Vec<Json<'_>> = texts.iter().map(|text| Json::text(text.as_str())).collect();
            holds(matcher, &values.iter().collect::<Vec<_>>(), scope)
        })
    };
    read.unmet(&rule.conditions, scope, entity).is_none()
        && texts_hold(&rule.code, codes)
        && texts_hold(&rule.message, messages)
}

fn extract(
    read: &ReadAnswer<'_>,
    extract: Option<&Extract>,
    codes: &[String],
    messages: &[String],
    entity: &Json<'_>,
) -> Vec<String> {
    let Some(extract) = extract else { return Vec::new() };
    let texts = match &extract.from {
        ExtractFrom::Selectors(selectors) => read.texts(selectors, entity),
        ExtractFrom::Code => codes.to_vec(),
        ExtractFrom::Message => messages.to_vec(),
    };
    match &extract.regex {
        Some(pattern) => texts.iter().filter_map(|text| pattern.extract(text)).collect(),
        None => texts,
    }
}

/// A message with its gaps filled: `%1` from a list, `%name` from a record.
fn filled(message: &str, parameters: &[Cow<'_, Json<'_>>]) -> String {
    let mut values: Vec<(String, String)> = Vec::new();
    for found in parameters {
        match found.as_ref() {
            Json::Record(members) => {
                values.extend(members.iter().map(|(name, value)| (format!("%{name}"), plain(value))));
            }
            Json::List(list) => {
                values.extend((1..).zip(list).map(|(number, value)| (format!("%{number}"), plain(value))));
            }
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) => {}
        }
    }
    // Whichever gap begins there, the longest is meant: `%10` is not `%1`. What a value holds is no gap.
    values.sort_by_key(|(gap, _)| std::cmp::Reverse(gap.len()));
    let (mut text, mut rest) = (String::new(), message);
    while let Some((before, after)) = rest.find('%').and_then(|at| rest.split_at_checked(at)) {
        text.push_str(before);
        let gap = values.iter().find_map(|(gap, value)| Some((after.strip_prefix(gap.as_str())?, value)));
        rest = match gap {
            Some((rest, value)) => {
                text.push_str(value);
                rest
            }
            None => {
                text.push('%');
                after.strip_prefix('%').unwrap_or_default()
            }
        };
    }
    text.push_str(rest);
    text
}

const fn of_rule(class: RuleClass) -> Reaction {
    match class {
        RuleClass::Done => Reaction::Class(Class::Done),
        RuleClass::Transient => Reaction::Class(Class::Transient),
        RuleClass::Permanent => Reaction::Class(Class::Permanent),
        RuleClass::Ambiguous => Reaction::Class(Class::Ambiguous),
        RuleClass::Halt => Reaction::Class(Class::Halt),
        RuleClass::Login => Reaction::LogIn,
        RuleClass::Conflict => Reaction::Class(Class::Conflict),
        RuleClass::Exists => Reaction::Class(Class::Exists),
        RuleClass::Missing => Reaction::Class(Class::Missing),
        RuleClass::Dependency => Reaction::Class(Class::Dependency),
        RuleClass::Throttled => Reaction::Class(Class::Throttled),
        // What a job comes to is asked for where the operation is sent; here its state is merely unknown.
        RuleClass::Pending => Reaction::Class(Class::Ambiguous),
    }
}

/// The table for plain HTTP and OData.
fn of_table(status: u16, asked: Asked<'_>, says_when: bool) -> Reaction {
    let unproven = if asked.writes() { Class::Ambiguous } else { Class::Transient };
    Reaction::Class(match status {
        401 => return Reaction::LogIn,
        // 407 is the proxy's: nothing went through.
        300..=399 | 403 | 407 => Class::Halt,
        400 | 413 | 415 | 422 => {
            if asked.writes() {
                Class::Permanent
            } else {
                Class::Halt
            }
        }
        404 | 410 => match asked {
            Asked::Entity(Verb::Get | Verb::Update | Verb::Upsert | Verb::Delete) | Asked::Action(_) => Class::Missing,
            Asked::Entity(Verb::List | Verb::Find | Verb::Create | Verb::Batch) | Asked::LogIn | Asked::Check => {
                Class::Halt
            }
        },
        409 | 412 => {
            if asked.writes() {
                Class::Conflict
            } else {
                Class::Transient
            }
        }
        423 => Class::Transient,
        425 | 429 => Class::Throttled,
        503 if says_when => Class::Throttled,
        _ => unproven,
    })
}

/// A rule's class as the engine must see it: what blames a record blames the question when nothing was written, and an
/// ambiguous read is merely to be read again.
pub(crate) const fn for_engine(class: Class, asked: Asked<'_>) -> Class {
    if asked.writes() {
        return class;
    }
    match class {
        Class::Permanent => Class::Halt,
        Class::Ambiguous | Class::Conflict | Class::Exists => Class::Transient,
        Class::Done | Class::Transient | Class::Throttled | Class::Halt | Class::Missing | Class::Dependency => class,
    }
}

/// Seconds, or a date that is compared with the server's own clock.
fn retry_after(text: &str, read: &ReadAnswer<'_>) -> Option<Duration> {
    let wait = match text.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = http_date(text)?;
            let now = read.answer.header("date").and_then(http_date)?;
            Duration::try_from(until.duration_since(now)).ok()?
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

/// `Mon, 23 Nov 2026 21:09:29 GMT`.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text.trim()).ok().map(|zoned| zoned.timestamp())
}
