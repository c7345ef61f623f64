//! Two sides of one record: who has changed it since both agreed, and whether our write may go out.
//!
//! In: a write that is about to go out, the target's record as it is now, the state on which both sides agreed last. Out:
//! free with the version to be sent along, or settled without a write. The engine asks the target only where a flow says
//! `on conflict`, a mapping writes fields once, or the system demands a version.
//!
//! A change that we wrote ourselves comes back as a change of the other system. It ends in one of two ways: what is read
//! is what another flow wrote last ([`echo`]), or the target holds already what would be written ([`Standing::Settled`]).

use mapwright_values::Json;
use mapwright_values::plan::Manner;

use super::deciding::{self, Decision};
use super::resolving::Work;
use super::{Core, record};
use crate::EngineError;
use crate::connector::{Current, Deed, Guard};
use crate::keys;
use crate::store::{Agreed, Fault, RecordRef};

/// How a write stands to its target.
#[derive(Debug)]
pub(crate) enum Standing {
    /// Nobody had to ask.
    Unasked,
    /// There is no such record.
    Absent,
    /// It may be written.
    Free {
        /// The version that it was read in.
        version: Option<String>,
    },
    /// It must not be written.
    Settled {
        /// Why.
        reason: String,
        /// The target's key.
        key: Vec<String>,
        /// What both sides agree on from now on.
        agreed: Vec<Agreed>,
    },
}

/// Reads the target where that is needed, and compares.
pub(crate) async fn look(
    core: &Core,
    work: &mut Work,
    deed: &Deed,
    lasting: &Json<'static>,
) -> Result<Result<Standing, Decision>, EngineError> {
    let Some(key) = addressed(deed) else { return Ok(Ok(Standing::Unasked)) };
    let connector = core.connector(work.mapping.system)?;
    let guard = connector.writing(work.mapping.entity).guard;
    let removes = matches!(deed, Deed::Delete { .. });
    let once = matches!(deed, Deed::Upsert { .. }) && !work.mapping.create_only.is_empty();
    let settles = work.flow.conflict.is_some() && !removes;
    let versioned = guard == Guard::Required && !matches!(deed, Deed::Upsert { .. });
    if !settles && !once && !versioned {
        return Ok(Ok(Standing::Unasked));
    }
    let mut select = record::leaf_paths(lasting);
    select.extend(work.write.key.iter().map(|field| (*field).to_owned()));
    let current = match connector.fetch_current(work.mapping.entity, key, &select).await {
        Ok(current) => current,
        Err(failure) => return Ok(Err(deciding::after_question(&failure, &work.situation))),
    };
    let Some(current) = current else {
        return Ok(match deed {
            Deed::Update { .. } => Err(gone(work)),
            Deed::Create | Deed::Upsert { .. } | Deed::Delete { .. } | Deed::Act => Ok(Standing::Absent),
        });
    };
    let version = current.version.clone().filter(|_| guard != Guard::None);
    if !settles {
        return Ok(Ok(Standing::Free { version }));
    }
    let Ok(now) = Json::parse(&current.record).map(Json::into_owned) else {
        return Ok(Err(unreadable(work, &current)));
    };
    let target = reference((work.mapping.system, work.mapping.entity), keys::key_text(key));
    let agreed = core.store.agreed(vec![target.clone()]).await?.into_iter().flatten().next();
    let known = agreed.as_ref().and_then(|agreed| Json::parse(&agreed.body).map(Json::into_owned).ok());
    let verdict = standing(&now, known.as_ref(), lasting, target_wins(work));
    let base = match known {
        Some(known) => record::overlaid(known, &now),
        None => now,
    };
    let settled = |reason: String| Standing::Settled {
        reason,
        key: key.to_vec(),
        agreed: vec![observed(source(work), work.leased.body.clone()), observed(target, base.to_text())],
    };
    Ok(Ok(match verdict {
        Compared::Held => settled("the target holds this already".to_owned()),
        Compared::Lost => {
            let winner = work.mapping.system;
            tracing::info!(message = work.leased.id.0, winner, "both sides have changed");
            settled(format!("conflict: {winner} has changed the record too, and {winner} wins"))
        }
        Compared::Free => {
            work.base = Some(base);
            Standing::Free { version }
        }
    }))
}

/// What a comparison of three states says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compared {
    /// The target is as it would be written.
    Held,
    /// Only our side has changed, or it wins.
    Free,
    /// The target has changed too, and wins.
    Lost,
}

/// What is to become of a write, from the target as it is, as both sides agreed, and as it would be. Where they never
/// agreed, nothing proves that the target has not changed.
fn standing(now: &Json<'_>, known: Option<&Json<'_>>, wanted: &Json<'_>, target_wins: bool) -> Compared {
    if record::holds_already(now, wanted) {
        return Compared::Held;
    }
    let paths = record::leaf_paths(wanted);
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let untouched = known.is_some_and(|known| record::unchanged(known, now, &paths));
    if !target_wins || untouched { Compared::Free } else { Compared::Lost }
}

fn target_wins(work: &Work) -> bool {
    work.flow.conflict.is_some_and(|winner| winner == work.mapping.system && winner != work.flow.read.system)
}

const fn addressed(deed: &Deed) -> Option<&Vec<String>> {
    match deed {
        Deed::Update { key } | Deed::Upsert { key } | Deed::Delete { key } => Some(key),
        Deed::Create | Deed::Act => None,
    }
}

fn gone(work: &Work) -> Decision {
    let words = format!("the record to be changed is not there: {}.{}", work.mapping.system, work.mapping.entity);
    Decision::Conclude(deciding::wait_for_target(Fault::own("missing", words), Vec::new(), &work.situation))
}

fn unreadable(work: &Work, current: &Current) -> Decision {
    let words = format!(
        "{} answered a record of {} that is no JSON ({} bytes)",
        work.mapping.system,
        work.mapping.entity,
        current.record.len()
    );
    Decision::Conclude(deciding::retry(Fault::own("unreadable", words), None, None, &work.situation))
}

fn reference((system, entity): (&str, &str), key: String) -> RecordRef {
    RecordRef { system: system.to_owned(), entity: entity.to_owned(), key }
}

fn source(work: &Work) -> RecordRef {
    reference((work.flow.read.system, work.flow.read.entity), work.leased.source_key.clone())
}

fn observed(record: RecordRef, body: String) -> Agreed {
    Agreed { record, body, writer: None }
}

/// After a delivery: the source is what was mapped, the target what it was with what was written.
pub(crate) fn agreed_by_writing(work: &Work, target_key: Option<&str>) -> Vec<Agreed> {
    let (Some(_), Some(target_key), Some(sent)) = (work.flow.conflict, target_key, &work.leased.sent) else {
        return Vec::new();
    };
    let keeps = match sent.deed {
        Deed::Create | Deed::Update { .. } | Deed::Upsert { .. } => true,
        Deed::Delete { .. } | Deed::Act => false,
    };
    let Ok(written) = Json::parse(&sent.record) else { return Vec::new() };
    if !keeps || work.leased.gone {
        return Vec::new();
    }
    let body = match &work.base {
        Some(base) => record::overlaid(base.clone(), &written).to_text(),
        None => sent.record.clone(),
    };
    let target = reference((work.mapping.system, work.mapping.entity), target_key.to_owned());
    vec![
        observed(source(work), work.leased.body.clone()),
        Agreed { record: target, body, writer: Some(work.flow.name.to_owned()) },
    ]
}

/// Is what was read nothing but what another flow has written? Answers that flow.
pub(crate) async fn echo(core: &Core, work: &Work) -> Result<Option<String>, EngineError> {
    let changes = match work.write.manner {
        Manner::Update { .. } | Manner::Upsert { .. } => true,
        Manner::CreateOnce { .. } | Manner::Delete { .. } | Manner::Action => false,
    };
    // What a later write needs of this one must have been written once.
    let needed = |name| !work.leased.written.iter().any(|written| written.name == name);
    if work.flow.conflict.is_none() || !changes || work.leased.gone || work.write.named.is_some_and(needed) {
        return Ok(None);
    }
    let Some(agreed) = core.store.agreed(vec![source(work)]).await?.into_iter().flatten().next() else {
        return Ok(None);
    };
    let Some(writer) = agreed.writer.filter(|writer| writer != work.flow.name) else { return Ok(None) };
    let (Ok(known), Ok(read)) = (Json::parse(&agreed.body), Json::parse(&work.leased.body)) else { return Ok(None) };
    let given = work.mapping.sources.iter().zip(work.write.sources).filter(|(_, name)| name.is_none());
    let paths: Vec<&str> = given.flat_map(|(source, _)| source.select.iter().copied()).collect();
    Ok(record::agrees(&known, &read, &paths).then_some(writer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_states_decide() {
        let json = |text: &'static str| Json::parse(text).unwrap();
        for (now, known, wanted, target_wins, expected) in [
            // Only we have changed it.
            (r#"{"n":"a","x":1}"#, Some(r#"{"n":"a"}"#), r#"{"n":"b"}"#, true, Compared::Free),
            // Both have.
            (r#"{"n":"c"}"#, Some(r#"{"n":"a"}"#), r#"{"n":"b"}"#, true, Compared::Lost),
            (r#"{"n":"c"}"#, Some(r#"{"n":"a"}"#), r#"{"n":"b"}"#, false, Compared::Free),
            // Both to the same.
            (r#"{"n":"b"}"#, Some(r#"{"n":"a"}"#), r#"{"n":"b"}"#, true, Compared::Held),
            // They never agreed.
            (r#"{"n":"c"}"#, None, r#"{"n":"b"}"#, true, Compared::Lost),
            (r#"{"n":"c"}"#, None, r#"{"n":"b"}"#, false, Compared::Free),
            // A field of which nothing was known holds something now.
            (r#"{"n":"a","m":1}"#, Some(r#"{"n":"a"}"#), r#"{"n":"b","m":2}"#, true, Compared::Lost),
            (r#"{"n":"a","m":null}"#, Some(r#"{"n":"a"}"#), r#"{"n":"b","m":2}"#, true, Compared::Free),
        ] {
            let known = known.map(json);
            assert_eq!(standing(&json(now), known.as_ref(), &json(wanted), target_wins), expected, "{now} {wanted}");
        }
    }
}
