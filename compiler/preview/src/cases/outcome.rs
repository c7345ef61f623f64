//! An outcome as `expected.json` holds it. In: an outcome. Out: JSON whose one member says what came of the record.

use std::borrow::Cow;

use mapwright_values::{Json, Outcome, Rejection};

use super::answers::reference_json;

/// `{ "mapped": [...] }`, `{ "rejected": [...] }`, `{ "skipped": "reason" }`, `{ "waiting": [...] }` or `{ "wants": [...] }`.
#[must_use]
pub fn outcome_json(outcome: &Outcome) -> Json<'static> {
    match outcome {
        Outcome::Mapped(parts) => {
            let records = parts.iter().map(|part| part.record.clone()).collect();
            let keys: Vec<Json<'static>> = parts.iter().filter_map(|part| part.key.clone()).map(Json::text).collect();
            let mut members = vec![member("mapped", Json::List(records))];
            if !keys.is_empty() {
                members.push(member("keys", Json::List(keys)));
            }
            Json::Record(members)
        }
        Outcome::Rejected(rejections) => {
            single("rejected", Json::List(rejections.iter().map(rejection_json).collect()))
        }
        Outcome::Skipped { reason, at: _ } => single("skipped", Json::text(reason.clone())),
        Outcome::Waiting(references) => single("waiting", Json::List(references.iter().map(reference_json).collect())),
        Outcome::Wants(references) => single("wants", Json::List(references.iter().map(reference_json).collect())),
    }
}

fn rejection_json(rejection: &Rejection) -> Json<'static> {
    let mut members = Vec::new();
    if !rejection.field.is_empty() {
        members.push(member("field", Json::text(rejection.field.clone())));
    }
    members.push(member("reason", Json::text(rejection.reason.clone())));
    if let Some(source) = &rejection.source {
        members.push(member("source", Json::text(source.clone())));
    }
    if let Some(value) = &rejection.value {
        members.push(member("value", Json::text(value.clone())));
    }
    members.push(member("line", Json::text(format!("{}:{}", rejection.at.file, rejection.at.line))));
    Json::Record(members)
}

pub(super) fn member(name: &'static str, value: Json<'static>) -> (Cow<'static, str>, Json<'static>) {
    (Cow::Borrowed(name), value)
}

fn single(name: &'static str, value: Json<'static>) -> Json<'static> {
    Json::Record(vec![member(name, value)])
}
