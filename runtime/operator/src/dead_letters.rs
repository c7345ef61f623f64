//! `dead-letters`: look at records that need a person, and decide about them.

use std::path::Path;

use mapwright_engine::clock::SystemClock;
use mapwright_engine::crash::CrashPoint;
use mapwright_engine::dead_letters::DeadLetters;
use mapwright_engine::state::State;
use mapwright_engine::status::DeadLetterDetail;
use mapwright_engine::store::{MessageId, Selection};
use mapwright_values::plan::EntityPlan;
use mapwright_values::{Integration, Json};

use crate::command::{DeadLettersCommand, Which};
use crate::connect::open_store;
use crate::deployment::Deployment;
use crate::redact::{cover_text, personal_texts, redact};
use crate::say::say;
use crate::{Ending, Faults};

pub(crate) async fn carry_out(
    integration: &'static Integration,
    file: &Path,
    command: DeadLettersCommand,
) -> Result<Ending, Faults> {
    let path = Deployment::store_of(file).map_err(Faults)?;
    let store = open_store(&path)?;
    let crash = CrashPoint::default();
    let operator = crate::records::operator();
    let letters = DeadLetters { store: store.as_ref(), clock: &SystemClock, operator, crash: &crash };
    match command {
        DeadLettersCommand::List { flow, cause, since, before, limit, personal, json } => {
            known_flow(integration, flow.as_deref())?;
            let selection = Selection { ids: Vec::new(), flow, cause, since, before };
            list(integration, &letters, selection, limit, (personal, json)).await?;
        }
        DeadLettersCommand::Show { id, personal, json } => {
            let detail = covered(integration, letters.show(MessageId(id)).await?, personal);
            if json {
                say!("{}", serde_json::to_string_pretty(&detail)?);
            } else {
                say!("{}", in_words(&detail).trim_end());
            }
        }
        DeadLettersCommand::Retry(which) => {
            let reason = which.reason.clone();
            let selection = selection(integration, which)?;
            let left = left_alone(&letters, &selection).await?;
            let touched = letters.retry(selection, &reason).await?;
            say!("{touched} go back to the queue: `sync` or `run` delivers them");
            return ending(left);
        }
        DeadLettersCommand::Discard(which) => {
            let reason = which.reason.clone();
            let selection = selection(integration, which)?;
            let left = left_alone(&letters, &selection).await?;
            let touched = letters.discard(selection, &reason).await?;
            say!("{touched} discarded");
            return ending(left);
        }
        DeadLettersCommand::Edit { id, file, reason } => {
            written("--reason", &reason)?;
            let body =
                std::fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            letters.edit(MessageId(id), &body, &reason).await?;
            say!("{id} goes back to the queue with the edited record; the original is kept");
        }
        DeadLettersCommand::NotThere { id, reason } => {
            written("--reason", &reason)?;
            letters.answer_absent(MessageId(id), &reason).await?;
            say!("{id} goes back to the queue and is sent");
        }
        DeadLettersCommand::There { id, key, reason } => {
            written("--reason", &reason)?;
            written("the target's key", &key)?;
            letters.answer_there(integration.plan, MessageId(id), &key, &reason).await?;
            say!("{id} is done under the key {key}");
        }
    }
    Ok(Ending::Well)
}

/// A decision is kept with its words: they must say something.
fn written(what: &str, words: &str) -> Result<(), Faults> {
    if words.trim().is_empty() {
        Err(format!("{what} is empty: it is kept with the record, write it").into())
    } else {
        Ok(())
    }
}

/// Of the numbers that were named: those that no decision can touch, and why.
async fn left_alone(letters: &DeadLetters<'_>, selection: &Selection) -> Result<Vec<String>, Faults> {
    let mut left = Vec::new();
    for id in &selection.ids {
        match letters.store.dead_letter(*id).await.map_err(|error| error.to_string())? {
            None => left.push(format!("there is no message {id}: `dead-letters list` shows their numbers")),
            Some(detail) if !matches!(detail.letter.state, State::Dead | State::ParkedAmbiguous) => {
                let state = crate::status::name(detail.letter.state);
                left.push(format!("message {id} needs nobody ({state}): it was left alone"));
            }
            Some(_) => {}
        }
    }
    Ok(left)
}

fn ending(left_alone: Vec<String>) -> Result<Ending, Faults> {
    if left_alone.is_empty() { Ok(Ending::Well) } else { Err(Faults(left_alone)) }
}

/// A flow that is not in the specs is a slip of the pen: dead letters of a flow that is gone are named by number.
pub(crate) fn known_flow(integration: &Integration, flow: Option<&str>) -> Result<(), Faults> {
    match flow {
        Some(name) if integration.plan.flow(name).is_none() => {
            let known: Vec<&str> = integration.plan.flows.iter().map(|flow| flow.name).collect();
            Err(format!("no flow `{name}`; there are: {}", known.join(", ")).into())
        }
        Some(_) | None => Ok(()),
    }
}

/// Without a word of which, nothing is touched.
fn selection(integration: &Integration, which: Which) -> Result<Selection, Faults> {
    known_flow(integration, which.flow.as_deref())?;
    let in_time = which.since.is_some() || which.before.is_some();
    let named = !which.ids.is_empty() || which.flow.is_some() || which.cause.is_some() || in_time;
    if named == which.all {
        return Err("say which: numbers, --flow, --cause, --since, --before, or --all".into());
    }
    let ids = which.ids.into_iter().map(MessageId).collect();
    Ok(Selection { ids, flow: which.flow, cause: which.cause, since: which.since, before: which.before })
}

async fn list(
    integration: &Integration,
    letters: &DeadLetters<'_>,
    selection: Selection,
    limit: u32,
    (personal, json): (bool, bool),
) -> Result<(), Faults> {
    let mut found = letters.list(selection, limit).await?;
    for letter in found.iter_mut().filter(|_| !personal) {
        let detail = letters.show(letter.id).await?;
        letter.message = cover_text(&letter.message, &texts_of(integration, &detail));
    }
    if json {
        say!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(());
    }
    if found.is_empty() {
        say!("no record needs a person");
    }
    for letter in found {
        say!(
            "{:>6}  {}  write {}  {}  since {}\n        cause: {}\n        {}",
            letter.id,
            letter.flow,
            letter.write + 1,
            crate::status::name(letter.state),
            letter.since.strftime("%Y-%m-%d %H:%M:%S UTC"),
            letter.cause,
            letter.message,
        );
    }
    Ok(())
}

/// Personal values are shown only when asked for. What a person wrote, and what was sent, is covered in the same way.
fn covered(integration: &Integration, mut detail: DeadLetterDetail, personal: bool) -> DeadLetterDetail {
    if personal {
        return detail;
    }
    let (source, target) = entities(integration, &detail);
    let texts = texts_of(integration, &detail);
    let cover = |text: &str, entity| match Json::parse(text) {
        Ok(json) => redact(json.into_owned(), entity).to_text(),
        Err(_) => crate::redact::REDACTED.to_owned(),
    };
    detail.original = cover(&detail.original, source);
    detail.mapped = detail.mapped.map(|mapped| cover(&mapped, target));
    for edit in &mut detail.edits {
        edit.body = cover(&edit.body, source);
    }
    detail.rejections = detail.rejections.map(|text| without_values(&text, &texts));
    detail.letter.message = cover_text(&detail.letter.message, &texts);
    for attempt in &mut detail.attempts {
        attempt.message = attempt.message.take().map(|words| cover_text(&words, &texts));
    }
    detail
}

/// The entities that a letter's record and what was made of it belong to.
fn entities(
    integration: &Integration,
    detail: &DeadLetterDetail,
) -> (Option<&'static EntityPlan>, Option<&'static EntityPlan>) {
    let plan = integration.plan;
    let source = plan.flow(&detail.letter.flow).map(|flow| (flow.read.system, flow.read.entity));
    let entity = |(system, entity): (&str, &str)| plan.system(system)?.entity(entity);
    // A flow that was changed since may write something else by now.
    let target = entity((detail.target_system.as_str(), detail.target_entity.as_str()));
    (source.and_then(entity), target)
}

/// Every personal value of a letter: of its record, of what persons made of it, of what was sent.
pub(crate) fn texts_of(integration: &Integration, detail: &DeadLetterDetail) -> Vec<String> {
    let (source, target) = entities(integration, detail);
    let edits = detail.edits.iter().map(|edit| (edit.body.as_str(), source));
    let mapped = detail.mapped.iter().map(|mapped| (mapped.as_str(), target));
    let records = std::iter::once((detail.original.as_str(), source)).chain(edits).chain(mapped);
    let mut texts: Vec<String> =
        records.filter_map(|(text, entity)| Some(personal_texts(&Json::parse(text).ok()?, entity))).flatten().collect();
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts
}

/// A rejection's value may be personal, and its reason may repeat what is; its place is not.
fn without_values(rejections: &str, texts: &[String]) -> String {
    let Ok(Json::List(rejections)) = Json::parse(rejections).map(Json::into_owned) else {
        return crate::redact::REDACTED.to_owned();
    };
    let without = |rejection: Json<'static>| match rejection {
        Json::Record(members) => {
            let members = members.into_iter().filter(|(name, _)| name != "value");
            let members = members.map(|(name, value)| match value {
                Json::Text(words) => (name, Json::text(cover_text(&words, texts))),
                value => (name, value),
            });
            Json::Record(members.collect())
        }
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => rejection,
    };
    Json::List(rejections.into_iter().map(without).collect()).to_text()
}

fn in_words(detail: &DeadLetterDetail) -> String {
    let letter = &detail.letter;
    let mut out = format!(
        "{}  {}  write {}, {}.{}  {}\nsource key  {}\ncause       {}\nreason      {}\ncaptured    {}\ntrace       {}\n",
        letter.id,
        letter.flow,
        letter.write + 1,
        detail.target_system,
        detail.target_entity,
        crate::status::name(letter.state),
        letter.source_key,
        letter.cause,
        letter.message,
        detail.captured_at,
        detail.trace_id,
    );
    for attempt in &detail.attempts {
        let code = attempt.code.as_deref().map(|code| format!(" code {code}")).unwrap_or_default();
        let status = attempt.status.map(|status| format!(" status {status}")).unwrap_or_default();
        out.push_str(&format!(
            "attempt {}   {} {} {}{status}{code}: {}\n",
            attempt.number,
            attempt.started_at,
            attempt.kind,
            attempt.class.as_deref().unwrap_or("unknown"),
            attempt.message.as_deref().unwrap_or("no answer is kept"),
        ));
    }
    if let Some(rejections) = &detail.rejections {
        out.push_str(&format!("rejections  {rejections}\n"));
    }
    out.push_str(&format!("original    {}\n", detail.original));
    for edit in &detail.edits {
        out.push_str(&format!("edited      by {} at {} ({}): {}\n", edit.operator, edit.at, edit.reason, edit.body));
    }
    if let Some(mapped) = &detail.mapped {
        out.push_str(&format!("sent        {mapped}\n"));
    }
    out
}
