//! Which record a write is about: its key in every attempt, the natural key that it claims, what is to be done to it.
//!
//! In: a mapped record and how its flow writes it. Out: keys, claims, deeds. It asks the target only where a flow names its
//! record by another field than the target's key.

use mapwright_values::plan::{Manner, WritePlan};
use mapwright_values::{Find, Json, Term, Test};

use super::deciding::{self, Decision};
use super::resolving::Work;
use super::{Core, record};
use crate::EngineError;
use crate::connector::Deed;
use crate::keys;
use crate::store::{Claim, Fault, Verdict};

/// The fields by which a write finds its record.
pub(crate) fn by(write: &WritePlan) -> &'static [&'static str] {
    match write.manner {
        Manner::CreateOnce { by } | Manner::Upsert { by } | Manner::Update { by } | Manner::Delete { by } => by,
        Manner::Action => &[],
    }
}

fn op(write: &WritePlan) -> &'static str {
    match write.manner {
        Manner::CreateOnce { .. } => "create",
        Manner::Upsert { .. } => "upsert",
        Manner::Update { .. } => "update",
        Manner::Delete { .. } => "delete",
        Manner::Action => "act",
    }
}

/// The same in every attempt: of a create without its version, of everything else with it.
pub(super) fn repeat_key(work: &Work, part: Option<&str>) -> String {
    let op = format!(
        "{} {}",
        op(work.write),
        if matches!(work.write.manner, Manner::Action) { work.mapping.name } else { "" }
    );
    let key = keys::WriteKey {
        source: (work.flow.read.system, work.flow.read.entity),
        id: &work.leased.source_key,
        target: (work.mapping.system, work.mapping.entity),
        op: op.trim_end(),
        part: part.or(work.leased.part.as_deref()),
    };
    match work.write.manner {
        Manner::CreateOnce { .. } => keys::create_key(&key),
        Manner::Upsert { .. } | Manner::Update { .. } | Manner::Delete { .. } | Manner::Action => {
            keys::update_key(&key, &work.leased.capture_key)
        }
    }
}

pub(super) fn key_in_use(work: &Work) -> Fault {
    Fault::own(
        "key_in_use",
        format!(
            "another source record has already claimed the same {} in {}.{}: two records must not share it; correct one at the source, then retry",
            by(work.write).join(", "),
            work.mapping.system,
            work.mapping.entity
        ),
    )
}

/// The natural key that a create claims.
pub(super) fn claim(work: &Work, json: &Json<'_>, part: Option<&str>) -> Option<Claim> {
    match work.write.manner {
        Manner::CreateOnce { by } => Some(Claim {
            system: work.mapping.system.to_owned(),
            entity: work.mapping.entity.to_owned(),
            value: keys::key_text(&record::fields_text(json, by)?),
            create_key: repeat_key(work, part),
        }),
        Manner::Upsert { .. } | Manner::Update { .. } | Manner::Delete { .. } | Manner::Action => None,
    }
}

/// What is to be done to which record; an inner error is what becomes of the message instead.
pub(super) async fn deed(core: &Core, work: &Work, json: &Json<'_>) -> Result<Result<Deed, Decision>, EngineError> {
    let by = by(work.write);
    let key = record::fields_text(json, by);
    let Some(values) = key else {
        let fault = Fault::own(
            "no_key",
            format!("the mapped record has no `{}`, by which the flow `{}` writes it", by.join(", "), work.flow.name),
        );
        return Ok(Err(Decision::Conclude(Verdict::Dead { fault })));
    };
    if keys::is_too_long(&keys::key_text(&values)) {
        let whose = format!("the mapped record ({})", by.join(", "));
        return Ok(Err(Decision::Conclude(Verdict::Dead { fault: Fault::too_long(&whose) })));
    }
    match work.write.manner {
        Manner::CreateOnce { .. } => Ok(Ok(Deed::Create)),
        Manner::Action => Ok(Ok(Deed::Act)),
        Manner::Upsert { .. } if by == work.write.key => Ok(Ok(Deed::Upsert { key: values })),
        Manner::Update { .. } if by == work.write.key => Ok(Ok(Deed::Update { key: values })),
        Manner::Delete { .. } if by == work.write.key => Ok(Ok(Deed::Delete { key: values })),
        Manner::Upsert { .. } | Manner::Update { .. } | Manner::Delete { .. } => by_other_key(core, work, json).await,
    }
}

/// The flow names its record by another field than the target's key: the key is looked up.
async fn by_other_key(core: &Core, work: &Work, json: &Json<'_>) -> Result<Result<Deed, Decision>, EngineError> {
    let terms = by(work.write).iter().map(|field| Term {
        field: (*field).to_owned(),
        test: Test::Eq,
        value: field.split('.').try_fold(json, |at, step| at.get(step)).map(Json::to_text).unwrap_or_default(),
    });
    let find = Find {
        system: work.mapping.system.to_owned(),
        entity: work.mapping.entity.to_owned(),
        terms: terms.collect(),
        select: work.write.key.iter().map(|field| (*field).to_owned()).collect(),
    };
    let found = match core.connector(work.mapping.system)?.find(std::slice::from_ref(&find)).await {
        Ok(found) => found.into_iter().next().unwrap_or_default(),
        Err(failure) => return Ok(Err(deciding::after_question(&failure, &work.situation))),
    };
    let mut keys = Vec::new();
    for text in &found {
        keys.extend(Json::parse(text).ok().and_then(|json| record::fields_text(&json, work.write.key)));
    }
    let place = format!("{}.{} by {}", work.mapping.system, work.mapping.entity, by(work.write).join(", "));
    match (keys.len(), keys.pop(), work.write.manner) {
        (1, Some(key), Manner::Delete { .. }) => Ok(Ok(Deed::Delete { key })),
        (1, Some(key), _) => Ok(Ok(Deed::Update { key })),
        (0, _, Manner::Upsert { .. }) if found.is_empty() => Ok(Ok(Deed::Create)),
        (0, _, Manner::Delete { .. }) if found.is_empty() => Ok(Err(Decision::Conclude(Verdict::Noop {
            reason: format!("there is none (any more): {place}"),
            written: None,
            next: core.next_write(work.flow, work.leased.write),
            agreed: Vec::new(),
            removed: true,
        }))),
        (0, _, _) if found.is_empty() => {
            let fault = Fault::own("missing", format!("the record to be changed is not there: {place}"));
            Ok(Err(Decision::Conclude(deciding::wait_for_target(fault, Vec::new(), &work.situation))))
        }
        (_, _, _) => {
            let fault = Fault::own("several", format!("{} records answer to {place}: make it one", found.len()));
            Ok(Err(Decision::Conclude(Verdict::Dead { fault })))
        }
    }
}
