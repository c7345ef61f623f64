//! `together`: all parts of a source record are one delivery, all of them or none.
//!
//! In: the parts that a mapping made of one record. Out: one message with one intent, sent in one request of a system that
//! takes all or none. INVARIANT: the message is done when every part is there, and only then; where a lost answer leaves
//! some of them there and others not, a person must look.

use mapwright_values::Json;
use mapwright_values::plan::Manner;

use super::Core;
use super::addressing::{claim, deed, repeat_key};
use super::guarding::{self, Standing};
use super::resolving::Work;
use super::sending::{self, Readied, Ready};
use crate::EngineError;
use crate::connector::{Class, Connector, Deed, Failure, Probe, WriteRequest, Written};
use crate::keys;
use crate::store::{Claim, Fault, Sent, Verdict};

/// One part, ready to be sent.
#[derive(Debug)]
pub(super) struct Part {
    key: String,
    deed: Deed,
    record: String,
    create_key: String,
    version: Option<String>,
}

/// Finds out what is to be done to each part.
pub(super) async fn prepare(
    core: &Core,
    work: &mut Work,
    made: Vec<(String, Json<'static>)>,
) -> Result<Readied, EngineError> {
    let once = sending::written_once(work);
    let lasting = made.iter().map(|(key, json)| (key.as_str(), sending::lasting(json, once).into_owned()));
    let hash = keys::digest(&[&listed(lasting)]);
    let before = match work.write.manner {
        Manner::CreateOnce { .. } => {
            core.store.links(vec![sending::own_link(work)]).await?.into_iter().flatten().next()
        }
        Manner::Upsert { .. } | Manner::Update { .. } | Manner::Delete { .. } | Manner::Action => None,
    };
    let same = work.leased.last_written.as_deref() == Some(hash.as_str());
    if same || before.is_some() {
        let reason = match same {
            true => "the target was given the same parts before",
            false => "created before; `create once` changes nothing",
        };
        let verdict = sending::unchanged(core, work, reason, Vec::new(), None);
        return Ok(Readied::Finished(sending::conclude(core, work, verdict, None).await?));
    }
    let batching = core.connector(work.mapping.system)?.writing(work.mapping.entity).batching;
    let most = batching.filter(|batching| batching.atomic).map_or(1, |batching| batching.size_max);
    if made.len() > most {
        let fault = Fault::own(
            "too_many_parts",
            format!(
                "the record makes {} records of {}.{}, and the system takes at most {most} of which all or none are written: make fewer, or leave `together` out",
                made.len(),
                work.mapping.system,
                work.mapping.entity
            ),
        );
        return Ok(Readied::Finished(sending::conclude(core, work, Verdict::Dead { fault }, None).await?));
    }
    let mut parts: Vec<Part> = Vec::with_capacity(made.len());
    let mut claims: Vec<Claim> = Vec::new();
    let mut records = Vec::with_capacity(made.len());
    for (key, json) in made {
        let deed = match deed(core, work, &json).await? {
            Ok(deed) => deed,
            Err(decision) => return Ok(Readied::Finished(sending::decided(core, work, decision).await?)),
        };
        let lasting = sending::lasting(&json, once);
        let (exists, version) = match guarding::look(core, work, &deed, &lasting).await? {
            Ok(Standing::Unasked) => (sending::changes(work, &deed), None),
            Ok(Standing::Absent) => (false, None),
            Ok(Standing::Free { version }) => (true, version),
            Ok(Standing::Settled { .. }) => {
                let words = "a flow that settles conflicts compares record by record: leave `together` out";
                let verdict = Verdict::Dead { fault: Fault::own("program", words) };
                return Ok(Readied::Finished(sending::conclude(core, work, verdict, None).await?));
            }
            Err(decision) => return Ok(Readied::Finished(sending::decided(core, work, decision).await?)),
        };
        claims.extend(claim(work, &json, Some(&key)));
        let create_key = repeat_key(work, Some(&key));
        let goes = if exists { lasting.into_owned() } else { json };
        parts.push(Part { create_key, record: goes.to_text(), key: key.clone(), deed, version });
        records.push((key, goes));
    }
    let Some(first) = parts.first() else {
        let verdict = Verdict::Skipped { reason: "the mapping made no part".to_owned() };
        return Ok(Readied::Finished(sending::conclude(core, work, verdict, None).await?));
    };
    let deed = first.deed.clone();
    if parts.iter().any(|part| std::mem::discriminant(&part.deed) != std::mem::discriminant(&deed)) {
        let fault = Fault::own(
            "mixed_parts",
            "some parts of the record are there already and others are not: they cannot be written as one; make the target whole, then retry",
        );
        return Ok(Readied::Finished(sending::conclude(core, work, Verdict::Dead { fault }, None).await?));
    }
    let record = listed(records.iter().map(|(key, record)| (key.as_str(), record.clone())));
    let sent = Sent { deed, record, create_key: repeat_key(work, None), hash, at: core.now() };
    Ok(Readied::Ready(Box::new(Ready { sent, version: None, claims, parts })))
}

/// The parts as one text, which [`parts_of`] reads.
fn listed<'p>(parts: impl Iterator<Item = (&'p str, Json<'static>)>) -> String {
    let listed =
        parts.map(|(key, record)| Json::Record(vec![("part".into(), Json::text(key)), ("record".into(), record)]));
    Json::List(listed.collect()).to_text()
}

/// Sends all parts in one request; its outcome is that of the message.
pub(super) async fn transmit(connector: &dyn Connector, work: &Work, ready: &Ready) -> Result<Written, Failure> {
    let requests: Vec<WriteRequest> = ready
        .parts
        .iter()
        .map(|part| WriteRequest {
            entity: work.mapping.entity.to_owned(),
            deed: part.deed.clone(),
            record: part.record.clone(),
            create_key: part.create_key.clone(),
            version: part.version.clone(),
        })
        .collect();
    let outcomes = match requests.as_slice() {
        [only] => vec![connector.send(only).await],
        several => connector.send_batch(several).await?,
    };
    let told = outcomes.len();
    let mut fields = Vec::new();
    for outcome in outcomes {
        fields.push(match outcome {
            Ok(written) => written,
            // All or none: what one says holds for all, unless another one was told to be there.
            Err(failure) if fields.is_empty() => return Err(failure),
            Err(failure) => {
                let message = format!("some parts were written and others were not: {}", failure.message);
                return Err(Failure { class: Class::Ambiguous, message, ..failure });
            }
        });
    }
    if told != requests.len() {
        let message = format!("{} told {told} outcomes of {} parts", work.mapping.system, requests.len());
        return Err(Failure { code: Some("outcomes".to_owned()), message, ..sending::no_answer(work) });
    }
    // The keys of the parts travel in order, one field each.
    let key = fields.iter().map(|written| keys::key_text(&written.key)).collect();
    Ok(Written { key, record: None })
}

/// Notes which part has which key at the target; other messages have one record and keep its key.
pub(super) fn note_keys(work: &mut Work, ready: &Ready, written: Written) -> Result<Written, Failure> {
    if ready.parts.is_empty() {
        return Ok(written);
    }
    let creates = matches!(work.write.manner, Manner::CreateOnce { .. });
    if creates && written.key.iter().any(String::is_empty) {
        let message = format!(
            "{} accepted the parts of a record of {} without telling the key of each",
            work.mapping.system, work.mapping.entity
        );
        return Err(Failure { code: Some("no_key".to_owned()), message, ..sending::no_answer(work) });
    }
    let fields = work.write.key.len();
    let named = ready.parts.iter().zip(&written.key).filter(|(_, text)| !text.is_empty());
    work.part_keys = named.map(|(part, text)| (part.key.clone(), keys::key_fields(text, fields))).collect();
    Ok(Written { key: Vec::new(), record: None })
}

/// The parts of what was sent: their keys and records.
pub(super) fn parts_of(sent: &str) -> Option<Vec<(String, String)>> {
    let Ok(Json::List(parts)) = Json::parse(sent) else { return None };
    let read = |part: &Json<'_>| match part.get("part") {
        Some(Json::Text(key)) => Some((key.to_string(), part.get("record")?.to_text())),
        Some(_) | None => None,
    };
    parts.iter().map(read).collect()
}

/// Asks for each part. All there and the same, or none there, is an answer; anything between needs a person.
pub(super) async fn probe(
    connector: &dyn Connector,
    work: &Work,
    names: &[String],
    parts: Vec<(String, String)>,
) -> Result<(Probe, Vec<(String, Vec<String>)>), Failure> {
    let mut there = Vec::new();
    let count = parts.len();
    for (part, record) in parts {
        match connector.probe(work.mapping.entity, names, &record).await? {
            Probe::Absent => {}
            Probe::Same { key, .. } => there.push((part, key)),
            other @ (Probe::Differs { .. } | Probe::Several { .. }) => return Ok((other, Vec::new())),
        }
    }
    if there.is_empty() {
        return Ok((Probe::Absent, Vec::new()));
    }
    if there.len() == count {
        return Ok((Probe::Same { key: Vec::new(), record: String::new() }, there));
    }
    let key = there.first().map(|(_, key)| key.clone()).unwrap_or_default();
    let difference = format!("{} of its {count} parts are there, the others are not", there.len());
    Ok((Probe::Differs { key, difference }, Vec::new()))
}
