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
    let fault = Diagnostic::error("E0504", span, format!("`{what}` is said twice in this flow"))
        .here("the second time")
        .label(first, "the first time");
    match what {
        "read" => fault
            .help("a flow reads one entity: make a flow of its own of the second")
            .help("if its changes are changes of the first one's records: `also read ENTITY as x for x.FIELD`"),
        "on delete" => fault.help("either something is written, or the record is left: take one of the two out"),
        _ => fault,
    }
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

/// A topic that no call of the system has.
pub(super) fn unknown_topic(topic: &tree::Text, system: &Name, known: &[String]) -> Diagnostic {
    let headline = format!("`{}` sends no webhook \"{}\"", system.text, topic.text);
    let fault = Diagnostic::error("E0505", topic.span, headline).help(format!("its manifest knows {}", listed(known)));
    match closest(&topic.text, known.iter().map(String::as_str)) {
        Some(meant) => fault
            .help(format!("did you mean \"{meant}\"?"))
            .fix(format!("write \"{meant}\""), vec![Edit { span: topic.span, text: format!("\"{meant}\"") }]),
        None => fault,
    }
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

/// A webhook and nothing that reads what its lost calls told.
pub(super) fn webhook_without_poll(span: Span) -> Diagnostic {
    let end = Span { start: span.end, ..span };
    let edit = Edit { span: end, text: "\n  every 5 minutes".to_owned() };
    Diagnostic::error("E0521", span, "a flow that runs on a webhook alone would never notice a call that was lost")
        .help("let it read the changes by itself as well: a webhook only makes it faster")
        .fix("add `every 5 minutes`", vec![edit])
}

/// `on conflict pim wins` in a flow between two others.
pub(super) fn stranger_wins(system: &Name, own: &[String]) -> Diagnostic {
    let headline = format!("the flow neither reads nor writes `{}`, so it cannot win", system.text);
    let help = match own {
        [only] => format!("the flow reads and writes {only} alone"),
        several => format!("the flow goes between {}", several.join(" and ")),
    };
    Diagnostic::error("E0522", system.span, headline).help(help)
}

/// Two flows of one circle, each with a winner of its own.
pub(super) fn winners_disagree(one: (&str, &Name), other: (&str, &Name)) -> Diagnostic {
    let headline =
        format!("the flows `{}` and `{}` carry back to each other and say different winners", one.0, other.0);
    Diagnostic::error("E0522", other.1.span, headline)
        .here(format!("`{}` wins here", other.1.text))
        .label(one.1.span, format!("`{}` wins here", one.1.text))
        .help("say the same in both, or in one of them alone: it holds for the whole circle")
}

/// A mapping of records that are gone, or one of records that are there, in the other's place.
pub(super) fn gone_out_of_place(span: Span, mapping: &str, source: &tree::Source) -> Diagnostic {
    let (headline, here, help) = if source.deleted {
        (
            format!("`{mapping}` maps records that are gone, and this line writes records that are there"),
            "`deleted` stands here",
            "write it by `on delete write ...`",
        )
    } else {
        (
            format!("`{mapping}` maps records that are there, and `on delete` has none: only their keys are known"),
            "without `deleted`",
            "let it map `from deleted ...`",
        )
    };
    Diagnostic::error("E0523", span, headline).label(source.span, here).help(help)
}

/// `on delete` of an entity whose connector cannot tell what is gone.
pub(super) fn deletes_not_told(span: Span, entity: &EntityRef, why: &str) -> Diagnostic {
    Diagnostic::error("E0524", span, format!("what is gone from `{}` cannot be found out: {why}", shown(entity))).help(
        "say `on delete leave because \"...\"`, or let the manifest say how deletes are noticed (`changes.deletes`)",
    )
}

/// `also read` whose records do not lead to the flow's own.
pub(super) fn unjoinable(span: Span, headline: String, help: &str) -> Diagnostic {
    Diagnostic::error("E0525", span, headline).help(help)
}

/// A condition of an `also read` that its source cannot be asked.
pub(super) fn also_unconditionally(first: Span, all: &[Span], entity: &EntityRef, able: &[String]) -> Diagnostic {
    let headline = format!("`{}` cannot be asked for this: every change of it counts", shown(entity));
    let fault = Diagnostic::warning("W0607", first, headline).here("not asked");
    let fault = all.iter().skip(1).fold(fault, |fault, span| fault.label(*span, "nor this"));
    let fault = fault.help("that costs requests and changes nothing else: records that are the same end at once");
    if able.is_empty() { fault } else { fault.help(format!("it can be asked by {}", able.join(", "))) }
}

/// A flow of which groups cannot be had.
pub(super) fn ungrouped_flow(span: Span, headline: String, help: &str) -> Diagnostic {
    Diagnostic::error("E0529", span, headline).help(help)
}

/// `together` where nothing can be written so.
pub(super) fn not_together(span: Span, headline: String, help: &str) -> Diagnostic {
    Diagnostic::error("E0528", span, headline).help(help)
}

/// `in batches of 1`.
pub(super) fn malformed_batch(span: Span, digits: &str) -> Diagnostic {
    Diagnostic::error("E0527", span, format!("`{digits}` is no size of a batch"))
        .help("write a whole number from 2 on, or leave `in batches of` out")
}

/// `in batches of` where the connector sends one by one; or where it sends other deeds together.
pub(super) fn no_batches(span: Span, entity: &EntityRef, other: Option<(&str, Vec<&str>)>) -> Diagnostic {
    let shown = shown(entity);
    let fault = match &other {
        None => Diagnostic::error("E0527", span, format!("the connector cannot write several `{shown}` at once")),
        Some((verb, _)) => {
            Diagnostic::error("E0527", span, format!("the connector cannot {verb} several `{shown}` at once"))
        }
    };
    let fault = match other {
        Some((_, able)) => fault.help(format!("in batches it can {}", able.join(", "))),
        None => fault,
    };
    let edit = Edit { span, text: String::new() };
    fault.help("without `in batches of`, each record is sent by itself").fix("send them one by one", vec![edit])
}

/// `linked` over two entities of which no flow makes the one from the other.
pub(super) fn unlinked_pair(span: Span, entity: &EntityRef, of: &EntityRef) -> Diagnostic {
    let headline =
        format!("no flow writes `{}` from `{}`, so there are no links between them", shown(entity), shown(of));
    Diagnostic::error("E0526", span, headline)
        .here("this would never find anything")
        .help("links are kept by flows that say `create once by` or `upsert by`, and are found from either side")
}

/// A mapping that writes into its own source.
pub(super) fn self_feeding(span: Span, flow: &str, fields: &[String], entity: &EntityRef) -> Diagnostic {
    let headline = format!("the flow `{flow}` writes {} of `{}`, which it reads", listed(fields), shown(entity));
    Diagnostic::warning("W0611", span, headline)
        .here("each change sets the flow going once more")
        .help("it ends where mapping the record once more gives the same; make sure that it does")
}

/// Flows that would send a change round.
pub(super) fn circling_flows(flows: &[(&str, Span, Vec<String>)]) -> Diagnostic {
    let names: Vec<&str> = flows.iter().map(|(name, _, _)| *name).collect();
    let headline = format!("the flows {} would send each change round in a circle", listed(&names));
    let span = flows.last().map(|(_, span, _)| *span).unwrap_or_default();
    let fault = Diagnostic::error("E0513", span, headline);
    let next = names.iter().cycle().skip(1);
    let words = |fields: &[String], next: &str| format!("writes {}, which `{next}` reads", listed(fields));
    let lines: Vec<(Span, String)> =
        flows.iter().zip(next).map(|((_, span, fields), next)| (*span, words(fields, next))).collect();
    let (last, first) = lines.split_last().map_or((None, &[][..]), |(last, first)| (Some(last), first));
    let fault = last.into_iter().fold(fault, |fault, (_, words)| fault.here(words));
    let fault = first.iter().fold(fault, |fault, (span, words)| fault.label(*span, words));
    fault.help("let each field go one way only, or say in one of them who wins: `on conflict SYSTEM wins`")
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
        .help("let each field go one way only, or say in one of them who wins: `on conflict SYSTEM wins`")
}

/// How a write is delivered, in plain words.
pub(super) fn level_words(level: DeliveryLevel, by: &str, target: &str) -> String {
    match level {
        DeliveryLevel::Keyed => format!("keyed: `{target}` refuses a second record with the same {by}"),
        DeliveryLevel::Natural => "natural: a second sending leaves the same state".to_owned(),
        DeliveryLevel::Probeable if by.is_empty() => {
            format!(
                "probe-able: after a lost answer, it is looked up whether `{target}` was done before anything is sent again"
            )
        }
        DeliveryLevel::Probeable => {
            format!("probe-able: after a lost answer, `{target}` is asked by {by} before anything is sent again")
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
