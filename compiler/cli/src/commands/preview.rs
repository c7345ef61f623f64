//! `mapwright preview`: what comes of records.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use mapwright_preview::cases::{Case, CaseTexts, outcome_json, reference_json};
use mapwright_preview::{Preview, Watch, pretty};
use mapwright_values::names::closest;
use mapwright_values::{Input, Json, Outcome, Rejection};

use super::{Answer, Checked};
use crate::report::{Status, Stream};

/// Files given beside the input.
pub(crate) struct Given<'a> {
    pub(crate) references: Option<&'a Path>,
    pub(crate) settings: Option<&'a Path>,
}

pub(crate) fn run(dir: &Path, name: &str, input: &Path, given: &Given<'_>, why: Option<&str>) -> Answer {
    let checked = Checked::load(dir)?;
    checked.tell_errors();
    let Some(mapping) = checked.model.mapping(name) else { return Err(no_mapping(&checked, name)) };
    let texts = texts(given)?;
    let text = if input == Path::new("-") { standard_input()? } else { read(input)? };
    let records = records(&text).map_err(|fault| format!("{}: {fault}", input.display()))?;
    if records.is_empty() {
        return Err(format!("{} holds no record", input.display()));
    }
    let preview = Preview::new(&checked.model, checked.files());
    let settings = preview.settings();
    let watch = Watch::new();
    let map = |input: &Input<'_>| match why {
        Some(_) => preview.map_watched(mapping, input, &watch),
        None => preview.map(mapping, input),
    };
    let mut status = Status::Good;
    for (number, record) in (1..).zip(&records) {
        let mut texts = texts.clone();
        texts.insert("input.json".to_owned(), record.clone());
        let outcome = Case::read(&texts).and_then(|case| case.outcome(&settings, map));
        let outcome = outcome.map_err(|fault| format!("record {number}: {fault}"))?;
        if matches!(outcome, Outcome::Rejected(_)) {
            status = Status::Faults;
        }
        match why {
            Some(field) => explain(number, field, &watch, &checked),
            None => tell(number, &outcome),
        }
    }
    Ok(status)
}

/// How a field came about, instead of the record.
fn explain(number: usize, field: &str, watch: &Watch, checked: &Checked) {
    let lines = watch.why(field, checked.files());
    if lines.is_empty() {
        Stream::Error.say(format_args!("record {number}: no line wrote `{field}`"));
    }
    lines.iter().for_each(|line| Stream::Output.say(line));
}

fn no_mapping(checked: &Checked, name: &str) -> String {
    let known: Vec<&str> = checked.model.mappings.iter().map(|mapping| mapping.name.as_str()).collect();
    match closest(name, known.iter().copied()) {
        Some(near) => format!("the project has no mapping `{name}`: did you mean `{near}`?"),
        None if known.is_empty() => format!("the project has no mapping `{name}`: it has none that can be used"),
        None => format!("the project has no mapping `{name}`; it has {}", known.join(", ")),
    }
}

fn texts(given: &Given<'_>) -> Result<CaseTexts, String> {
    let mut texts = BTreeMap::new();
    for (name, path) in [("references.json", given.references), ("settings.json", given.settings)] {
        if let Some(path) = path {
            texts.insert(name.to_owned(), read(path)?);
        }
    }
    Ok(texts)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|why| format!("{} cannot be read: {why}", path.display()))
}

fn standard_input() -> Result<String, String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|why| format!("standard input cannot be read: {why}"))?;
    Ok(text)
}

/// One JSON value, or one a line.
fn records(text: &str) -> Result<Vec<String>, String> {
    let whole = match Json::parse(text) {
        Ok(Json::List(records)) => return Ok(records.iter().map(Json::to_text).collect()),
        Ok(_) => return Ok(vec![text.to_owned()]),
        Err(fault) => fault,
    };
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.first().is_none_or(|first| Json::parse(first).is_err()) {
        return Err(whole.to_string());
    }
    for (number, line) in (1..).zip(text.lines()) {
        if !line.trim().is_empty() {
            Json::parse(line).map_err(|fault| format!("line {number}: {}", fault.message))?;
        }
    }
    Ok(lines.into_iter().map(str::to_owned).collect())
}

/// Records go to standard output, so that they can be piped on; everything else is said to a person on standard error.
fn tell(number: usize, outcome: &Outcome) {
    match outcome {
        Outcome::Mapped(parts) => parts.iter().for_each(|part| Stream::Output.say(pretty(&part.record).trim_end())),
        Outcome::Rejected(rejections) => {
            Stream::Error.say(format_args!("record {number} is rejected:"));
            rejections.iter().for_each(|rejection| Stream::Error.say(sentence(rejection)));
        }
        Outcome::Skipped { reason, at } => {
            Stream::Error.say(format_args!("record {number} is skipped: {reason} ({}:{})", at.file, at.line));
        }
        Outcome::Waiting(references) => {
            let waited: Vec<String> = references.iter().map(|reference| reference_json(reference).to_text()).collect();
            Stream::Error.say(format_args!("record {number} waits for {}", waited.join(" and ")));
        }
        Outcome::Wants(_) => Stream::Error.say(pretty(&outcome_json(outcome))),
    }
}

/// `  DocumentLines[2].VatGroup: no VAT group (orders.mapspec:12)`.
fn sentence(rejection: &Rejection) -> String {
    let Rejection { field, reason, source, value, at } = rejection;
    let field = if field.is_empty() { String::new() } else { format!("{field}: ") };
    let value = value.as_ref().map(|value| format!("\n    value: {value}")).unwrap_or_default();
    let source = source.as_ref().map(|source| format!("\n    from: {source}")).unwrap_or_default();
    format!("  {field}{reason} ({}:{}){source}{value}", at.file, at.line)
}
