//! What the test says to the generated program and what that answers, one line of JSON each.
//!
//! In: a question and something that maps. Out: every detail of the outcome as one line. This file is compiled twice: into the test,
//! which asks the preview, and into the program, which asks the generated code.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mapwright_values::{
    Input, Integration, Json, Outcome, Part, Picked, Records, Reference, References, Rejection, Resolved, Sources,
    SpecLine, Used,
};
use serde::{Deserialize, Serialize};

/// One mapping of one input. Records are JSON texts, so that every digit arrives as it was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) spec: usize,
    pub(crate) mapping: String,
    pub(crate) sources: Vec<String>,
    pub(crate) settings: String,
    pub(crate) answers: Vec<(Reference, Answer)>,
    pub(crate) captured_at: String,
}

/// What a reference finds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Found(Vec<String>),
    Linked(Option<String>),
}

/// An outcome with its records as JSON texts.
#[derive(Debug, Serialize, Deserialize)]
enum Said {
    Mapped(Vec<(Option<String>, String)>),
    Wants(Vec<Reference>),
    Rejected(Vec<Rejection>),
    Skipped(String, SpecLine),
    Waiting(Vec<Reference>),
    Panicked(String),
}

/// Maps what is asked; a panic is an answer too.
pub(crate) fn answer(question: &Question, map: impl FnOnce(&Input<'_>) -> Outcome) -> String {
    let sources: Vec<Json<'_>> = question.sources.iter().map(|text| parse(text)).collect();
    serde_json::to_string(&answered(question, Sources::Whole(&sources), map)).expect("JSON")
}

/// What generated code answers. It must not matter that only the fields were read which the mapping uses.
#[allow(dead_code, reason = "only the program asks generated code")]
pub(crate) fn generated_answer(question: &Question, integration: &Integration) -> String {
    let map = integration.mapping(&question.mapping).expect("the mapping was generated").map;
    let map = |input: &Input<'_>| map(input).into_owned();
    let whole = answer(question, map);
    let plan = integration.plan.mapping(&question.mapping).expect("the mapping was planned");
    let used = plan.sources.iter().map(Used::of);
    let sources: Vec<Picked<'_>> =
        question.sources.iter().zip(used).map(|(text, used)| Records::new(used).read(text).expect("JSON")).collect();
    let said = answered(question, Sources::Picked(&sources), map);
    // Such a record is read again as a whole.
    if matches!(&said, Said::Rejected(rejections) if rejections.iter().any(Rejection::shows_a_whole)) {
        return whole;
    }
    let said = serde_json::to_string(&said).expect("JSON");
    if said == whole {
        return whole;
    }
    let both = format!("read as a whole it answers {whole}, but of what it uses alone {said}");
    serde_json::to_string(&Said::Panicked(both)).expect("JSON")
}

fn answered(question: &Question, sources: Sources<'_>, map: impl FnOnce(&Input<'_>) -> Outcome) -> Said {
    let settings = parse(&question.settings);
    let mut references = References::new();
    for (reference, answer) in &question.answers {
        references.insert(
            reference.clone(),
            match answer {
                Answer::Found(records) => {
                    Resolved::Found(records.iter().map(|text| parse(text).into_owned()).collect())
                }
                Answer::Linked(key) => Resolved::Linked(key.clone()),
            },
        );
    }
    let captured_at = question.captured_at.parse().expect("the test writes instants");
    let input = Input { sources, references: &references, settings: &settings, captured_at };
    match catch_unwind(AssertUnwindSafe(|| map(&input))) {
        Ok(outcome) => say(outcome),
        Err(panic) => Said::Panicked(match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
            (Some(text), _) => text.clone(),
            (None, Some(text)) => (*text).to_owned(),
            (None, None) => "no text".to_owned(),
        }),
    }
}

fn parse(text: &str) -> Json<'_> {
    Json::parse(text).expect("the test writes JSON")
}

fn say(outcome: Outcome) -> Said {
    match outcome {
        Outcome::Mapped(parts) => {
            Said::Mapped(parts.into_iter().map(|part| (part.key, part.record.to_text())).collect())
        }
        Outcome::Wants(references) => Said::Wants(references),
        Outcome::Rejected(rejections) => Said::Rejected(rejections),
        Outcome::Skipped { reason, at } => Said::Skipped(reason, at),
        Outcome::Waiting(references) => Said::Waiting(references),
    }
}

/// The outcome that a line says.
#[allow(dead_code, reason = "only the test reads what was said")]
pub(crate) fn outcome(line: &str) -> Outcome {
    match serde_json::from_str(line).expect("the program answers JSON") {
        Said::Mapped(parts) => Outcome::Mapped(
            parts
                .into_iter()
                .map(|(key, text)| Part { key, record: Json::parse(&text).expect("a record").into_owned() })
                .collect(),
        ),
        Said::Wants(references) => Outcome::Wants(references),
        Said::Rejected(rejections) => Outcome::Rejected(rejections),
        Said::Skipped(reason, at) => Outcome::Skipped { reason, at },
        Said::Waiting(references) => Outcome::Waiting(references),
        Said::Panicked(text) => panic!("the generated code panicked: {text}"),
    }
}
