//! Golden cases: an input, its references, and the expected outcome, run through anything that maps.
//!
//! In: the texts of a case and a function that maps (the preview's, or a generated one). Out: a [`Verdict`] in an analyst's words.
//! It reads and writes no file: `mapwright_project::cases` reads their texts, the command line writes what is accepted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mapwright_values::{Input, Json, Outcome, Reference, References, Sources};

mod answers;
mod difference;
mod outcome;
mod settings;

pub use answers::{Answers, reference_json};
pub use difference::{Difference, differences};
pub use outcome::outcome_json;
pub use settings::{DefaultSetting, complete_settings};

use crate::pretty::pretty;

/// How often a mapping may ask for further references.
const ROUNDS_MAX: usize = 32;
/// The time of capture where a case names none.
pub const CAPTURED_AT: &str = "2026-01-01T00:00:00Z";

/// The texts of a case by the names of their files (`input.json`, `references.json`, `settings.json`, `captured_at.txt`,
/// `expected.json`), and of [`SHARED_SETTINGS`]. Only the first must be there.
pub type CaseTexts = BTreeMap<String, String>;
/// What every case of a project shares.
pub const SHARED_SETTINGS: &str = "cases/settings.json";

/// A case, read.
#[derive(Clone, Debug)]
pub struct Case {
    /// The source records.
    pub sources: Vec<Json<'static>>,
    /// What its references find.
    pub answers: Answers,
    /// Settings that it changes.
    pub settings: Vec<Json<'static>>,
    /// When the record was captured.
    pub captured_at: Timestamp,
    /// What is to come out; `None` before the case was accepted for the first time.
    pub expected: Option<Json<'static>>,
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What was expected came out.
    Passed,
    /// Something else came out.
    Differs {
        /// What is different, by path.
        differences: Vec<Difference>,
        /// The `expected.json` that would accept it.
        accept: String,
    },
    /// The case has no `expected.json` yet.
    New {
        /// The `expected.json` that would accept what came out.
        accept: String,
    },
    /// The case itself is at fault, in one sentence.
    Broken(String),
}

/// Runs a case: `settings` are the project's with their defaults (JSON texts), `map` is the mapping.
pub fn run_case(texts: &CaseTexts, settings: &[DefaultSetting<'_>], map: impl FnMut(&Input<'_>) -> Outcome) -> Verdict {
    let outcome = Case::read(texts).and_then(|case| case.outcome(settings, map).map(|outcome| (case, outcome)));
    match outcome {
        Err(fault) => Verdict::Broken(fault),
        Ok((case, outcome)) => case.judge(&outcome),
    }
}

impl Case {
    /// Reads the texts of a case.
    ///
    /// # Errors
    /// One sentence that names the file at fault and what to write there.
    pub fn read(texts: &CaseTexts) -> Result<Case, String> {
        let json = |name: &str| texts.get(name).map(|text| parse(name, text)).transpose();
        let answers = match json("references.json")? {
            Some(list) => Answers::read(&list)?,
            None => Answers::default(),
        };
        let mut settings = Vec::new();
        for name in [SHARED_SETTINGS, "settings.json"] {
            settings.extend(json(name)?);
        }
        let captured_at = texts.get("captured_at.txt").map(String::as_str).unwrap_or(CAPTURED_AT).trim();
        Ok(Case {
            sources: sources(json("input.json")?.ok_or("the case has no input.json")?),
            answers,
            settings,
            captured_at: captured_at
                .parse()
                .map_err(|_| format!("captured_at.txt: `{captured_at}` is no instant; write it as {CAPTURED_AT}"))?,
            expected: json("expected.json")?,
        })
    }

    /// Maps the case's input, answering every reference from the case.
    ///
    /// # Errors
    /// A setting or a reference that the case does not give, with the JSON to add.
    pub fn outcome(
        &self,
        settings: &[DefaultSetting<'_>],
        mut map: impl FnMut(&Input<'_>) -> Outcome,
    ) -> Result<Outcome, String> {
        let settings = complete_settings(settings, &self.settings)?;
        let mut references = References::new();
        for _ in 0..ROUNDS_MAX {
            let input = Input {
                sources: Sources::Whole(&self.sources),
                references: &references,
                settings: &settings,
                captured_at: self.captured_at,
            };
            match map(&input) {
                Outcome::Wants(wanted) => answer(&mut references, &self.answers, wanted)?,
                done @ (Outcome::Mapped(_) | Outcome::Rejected(_) | Outcome::Skipped { .. } | Outcome::Waiting(_)) => {
                    return Ok(done);
                }
            }
        }
        Err(format!("the mapping still asks for references after {ROUNDS_MAX} rounds"))
    }

    /// Compares what came out with what was expected.
    #[must_use]
    pub fn judge(&self, outcome: &Outcome) -> Verdict {
        let got = outcome_json(outcome);
        let accept = pretty(&got);
        let Some(expected) = &self.expected else { return Verdict::New { accept } };
        let differences = differences(expected, &got);
        if differences.is_empty() { Verdict::Passed } else { Verdict::Differs { differences, accept } }
    }
}

fn answer(references: &mut References, answers: &Answers, wanted: Vec<Reference>) -> Result<(), String> {
    let mut unanswered = Vec::new();
    for reference in wanted {
        match answers.get(&reference) {
            Some(resolved) => references.insert(reference, resolved),
            None => unanswered.push(reference),
        }
    }
    if unanswered.is_empty() {
        return Ok(());
    }
    Err(Answers::missing(&unanswered))
}

/// `{ "sources": [...] }` holds several records, anything else is one.
fn sources(input: Json<'static>) -> Vec<Json<'static>> {
    match input {
        Json::Record(members) => match members.as_slice() {
            [(name, Json::List(records))] if name == "sources" => records.clone(),
            _ => vec![Json::Record(members)],
        },
        other @ (Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_)) => vec![other],
    }
}

fn parse(file: &str, text: &str) -> Result<Json<'static>, String> {
    Json::parse(text).map(Json::into_owned).map_err(|fault| format!("{file}: {fault}"))
}

#[cfg(test)]
mod tests;
