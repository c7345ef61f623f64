//! Faults of flows.
//!
//! In: what is known where the fault was met. Out: a diagnostic in the analyst's words. They decide nothing.

use mapwright_syntax::tree::{self, Name};
use mapwright_syntax::{Diagnostic, Edit, Severity, Span};
use mapwright_values::names::closest;

use super::write::WhyNot;
use crate::ir::{DeliveryLevel, EntityRef};

/// `erp.Orders`.
pub(super) fn shown(entity: &EntityRef) -> String {
    format!("{}.{}", entity.system, entity.entity)
}

/// `` `a`, `b` ``, at most five of them.
pub(super) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    const MOST: usize = 5;
    let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("`{}`", name.as_ref())).collect();
    let more = names.len().saturating_sub(MOST);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

fn did_you_mean(fault: Diagnostic, span: Span, closest: Option<&str>) -> Diagnostic {
    match closest {
        Some(meant) => fault
            .help(format!("did you mean `{meant}`?"))
            .fix(format!("write {meant}"), vec![Edit { span, text: meant.to_owned() }]),
        None => fault,
    }
}

/// `after flows custmers`.
pub(super) fn unknown_flow<'c>(name: &Name, known: impl IntoIterator<Item = &'c str>) -> Diagnostic {
    let fault = Diagnostic::error("E0501", name.span, format!("there is no flow `{}`", name.text));
    did_you_mean(fault, name.span, closest(&name.text, known))
}

/// `write ordr_to_sales_order`.
pub(super) fn unknown_mapping<'c>(name: &Name, known: impl IntoIterator<Item = &'c str>) -> Diagnostic {
    let fault = Diagnostic::error("E0212", name.span, format!("there is no mapping `{}`", name.text));
    did_you_mean(fault, name.span, closest(&name.text, known))
}

/// Flows that wait for one another.
pub(super) fn circular_flows(flows: &[(&str, Span)]) -> Diagnostic {
    let names: Vec<&str> = flows.iter().map(|(name, _)| *name).collect();
    let (first, span) = flows.first().copied().unwrap_or_default();
    let headline = match names.as_slice() {
        [only] => format!("the flow `{only}` comes after itself"),
        [] | [_, ..] => format!("the flows {} come after one another in a circle", listed(&names)),
    };
    let fault = Diagnostic::error("E0502", span, headline).here(format!("`{first}` waits here"));
    let others = flows.iter().skip(1);
    others
        .fold(fault, |fault, (name, span)| fault.label(*span, format!("`{name}` waits here")))
        .help("take one of them out of its `after flows`")
}

/// A flow that lacks a line.
pub(super) fn missing_duty(flow: &Name, what: &str, line: &str) -> Diagnostic {
    Diagnostic::error("E0503", flow.span, format!("the flow `{}` does not say {what}", flow.text))
        .help(format!("add a line such as `{line}`"))
}

/// A line that may stand once.
pub(super) fn repeated_duty(what: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error("E0504", span, format!("`{what}` is said twice in this flow"))
        .here("the second time")
        .label(first, "the first time")
}

/// A schedule that cannot be kept.
pub(super) fn malformed_schedule(span: Span, headline: &str, help: &str) -> Diagnostic {
    Diagnostic::error("E0505", span, headline).help(help)
}

/// The connector takes no webhooks.
pub(super) fn no_webhooks(system: &Name) -> Diagnostic {
    let headline = format!("the connector of `{}` takes no webhooks", system.text);
    Diagnostic::error("E0505", system.span, headline).help("let the flow run `every 5 minutes` instead")
}

/// The rest of a condition is evaluated by us.
pub(super) fn condition_after_reading(first: Span, all: &[Span], entity: &EntityRef, able: &[String]) -> Diagnostic {
    let headline = format!("`{}` cannot be asked for this: the condition is evaluated after reading", shown(entity));
    let fault = Diagnostic::warning("W0607", first, headline).here("every record is fetched, then looked at");
    let fault = all.iter().skip(1).fold(fault, |fault, span| fault.label(*span, "this too"));
    if able.is_empty() { fault } else { fault.help(format!("it can be asked by {}", able.join(", "))) }
}

/// A mapping does not go with the way that it is written.
pub(super) fn wrong_manner(span: Span, headline: String, mapping: (&str, Span), help: &str) -> Diagnostic {
    Diagnostic::error("E0506", span, headline).label(mapping.1, format!("`{}` is declared here", mapping.0)).help(help)
}

/// `by F` where a record cannot be written by F. With the keys that it could be, and the one that the mapping sets.
pub(super) fn not_a_key(
    by: Span,
    (field, why): (&str, WhyNot),
    entity: &EntityRef,
    (keys, offer): (&[String], Option<String>),
    declared: Option<Span>,
) -> Diagnostic {
    let shown = shown(entity);
    let headline = match why {
        WhyNot::NoKey => format!("{field} is no key of `{shown}`"),
        WhyNot::Unaskable => format!("the connector cannot ask `{shown}` by {field}"),
        WhyNot::GivenBySystem => format!("{field} of `{shown}` is given by the system: no create can be told by it"),
    };
    let fault = Diagnostic::error("E0507", by, headline);
    let fault = match (why, declared) {
        (WhyNot::NoKey, Some(declared)) => fault.label(declared, "declared here without `key` or `natural key`"),
        (WhyNot::Unaskable | WhyNot::GivenBySystem, Some(declared)) => fault.label(declared, "declared here"),
        (_, None) => fault,
    };
    let fault = match keys {
        [] => fault.help("mark a field that tells one record from another: `extend ... { FIELD ... natural key }`"),
        keys => fault.help(format!("it can be written by {}", listed(keys))),
    };
    match offer {
        Some(key) => fault.fix(format!("write {key}"), vec![Edit { span: by, text: key }]),
        None => fault,
    }
}

/// `by F` where the mapping does not say F.
pub(super) fn unmapped_key(by: Span, field: &str, mapping: &tree::Mapping) -> Diagnostic {
    let headline = format!("the record is written by `{field}`, but `{}` does not map `{field}`", mapping.name.text);
    Diagnostic::error("E0508", by, headline)
        .label(mapping.name.span, format!("add a line `{field} <- ...` to this mapping"))
}

/// The connector cannot do it.
pub(super) fn impossible_operation(span: Span, entity: &EntityRef, verb: &str, can: &[&str]) -> Diagnostic {
    let headline = format!("the connector cannot {verb} `{}`", shown(entity));
    let fault = Diagnostic::error("E0509", span, headline);
    if can.is_empty() { fault } else { fault.help(format!("it can {}", can.join(", "))) }
}

/// The manifest does not know the entity at all.
pub(super) fn unserved_entity(span: Span, entity: &EntityRef) -> Diagnostic {
    let headline = format!("the connector of `{}` does not say how `{}` is reached", entity.system, entity.entity);
    Diagnostic::error("E0704", span, headline).help("add it to the connector's manifest under `entities` or `actions`")
}

/// A source of a mapping that the flow does not have.
pub(super) fn no_source(span: Span, mapping: &str, source: &tree::Source, had: &[String]) -> Diagnostic {
    let wanted: Vec<&str> = source.entity.names.iter().map(|name| name.text.as_str()).collect();
    let headline = format!("`{mapping}` needs a record of `{}`, which this flow does not have here", wanted.join("."));
    Diagnostic::error("E0510", span, headline)
        .label(source.span, "needed here")
        .help(format!("the flow has {}", had.join(", ")))
        .help("a record that an earlier line writes gets a name by `as`: `write MAPPING create once by F as written`")
}

/// A source of a mapping that could be several records.
pub(super) fn several_sources(span: Span, mapping: &str, source: &tree::Source, candidates: &[String]) -> Diagnostic {
    let headline = format!("`{mapping}` needs one record `{}`, and the flow has several", source.name.text);
    Diagnostic::error("E0510", span, headline)
        .label(source.span, "needed here")
        .help(format!("it could be {}", candidates.join(" or ")))
        .help("make two flows of it, or take the name behind `as` off the write that is not meant")
}

/// A flow that would not notice a change.
pub(super) fn unnoticed_change(span: Span, headline: String, schedule: Option<Span>) -> Diagnostic {
    let fault = Diagnostic::error("E0511", span, headline)
        .help("a full scan finds what changed: unchanged records end at once, by comparison");
    match schedule {
        Some(schedule) => {
            let end = Span { start: schedule.end, ..schedule };
            let edit = Edit { span: end, text: " reading everything".to_owned() };
            fault.label(schedule, "add `reading everything` here").fix("read everything", vec![edit])
        }
        None => fault.help("add a line such as `every 1 hour reading everything`"),
    }
}

/// Two flows that update one field.
pub(super) fn shared_field(
    entity: &EntityRef,
    fields: &[String],
    one: (&str, Span),
    other: (&str, Span),
) -> Diagnostic {
    let headline =
        format!("the flows `{}` and `{}` both update {} of `{}`", one.0, other.0, listed(fields), shown(entity));
    Diagnostic::error("E0512", other.1, headline)
        .here(format!("written by `{}`", other.0))
        .label(one.1, format!("written by `{}`", one.0))
        .help("each field has one owner: let one of the two mappings leave it, with a reason")
}

/// Two flows that would send a change back and forth.
pub(super) fn echoing_flows(one: (&str, Span, &[String]), other: (&str, Span, &[String])) -> Diagnostic {
    let headline = format!("the flows `{}` and `{}` would send each change back to where it came from", one.0, other.0);
    Diagnostic::error("E0513", other.1, headline)
        .here(format!("writes {}, which `{}` reads", listed(other.2), one.0))
        .label(one.1, format!("writes {}, which `{}` reads", listed(one.2), other.0))
        .help("let each field go one way only")
}

/// How a write is delivered, in plain words.
pub(super) fn level_words(level: DeliveryLevel, by: &str, target: &str) -> String {
    match level {
        DeliveryLevel::Keyed => format!("keyed: `{target}` refuses a second record with the same {by}"),
        DeliveryLevel::Natural => "natural: a second sending leaves the same state".to_owned(),
        DeliveryLevel::Probeable => {
            format!("probe-able: after a lost answer, `{target}` is asked {by} before anything is sent again")
        }
        DeliveryLevel::Unsafe => "unsafe: after a lost answer, a person must look".to_owned(),
    }
}

/// The levels of a flow's writes.
pub(super) fn delivery_levels(flow: &Name, lines: Vec<String>) -> Diagnostic {
    let headline = format!("how the flow `{}` delivers when an answer is lost", flow.text);
    lines.into_iter().fold(Diagnostic::new("N0501", Severity::Note, flow.span, headline), Diagnostic::help)
}

/// A write that can neither be repeated nor proved.
pub(super) fn unsafe_write(span: Span, mapping: &str, entity: &EntityRef, action: bool) -> Diagnostic {
    let headline = format!("`{mapping}` cannot be sent again safely, nor can it be proved that it arrived");
    let help = if action {
        "where the effect can be seen in a record, the connector's manifest can say so by a `probe`"
    } else {
        "write it by a key that the system refuses to take twice, or by a field that it can be asked for"
    };
    Diagnostic::warning("W0608", span, headline)
        .here(format!("when an answer of `{}` is lost, the record stops for a person", entity.system))
        .help(help)
}
