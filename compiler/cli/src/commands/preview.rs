//! `mapwright preview`: what comes of records.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use mapwright_model::ir::Mapping;
use mapwright_preview::cases::{Case, CaseTexts, outcome_json, reference_json};
use mapwright_preview::{Preview, Watch, pretty};
use mapwright_values::names::closest;
use mapwright_values::{Input, Json, Outcome, Rejection};

use super::{Answer, Checked};
use crate::report::{Status, Stream, counted};

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
    let shown = if input == Path::new("-") { "standard input".to_owned() } else { input.display().to_string() };
    if text.trim().is_empty() {
        return Err(format!("{shown} is empty: a record in JSON is expected"));
    }
    let records = records(&text).map_err(|fault| format!("{shown}: {fault}"))?;
    if records.is_empty() {
        return Err(format!("{shown} holds no record"));
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
        let case = Case::read(&texts)
            .map_err(|fault| in_file(&fault, given).unwrap_or(format!("record {number}: {fault}")))?;
        takes(mapping, &case.sources).map_err(|fault| format!("record {number} {fault}"))?;
        let outcome = case.outcome(&settings, map).map_err(|fault| format!("record {number}: {fault}"))?;
        let explained = why.map_or(Ok(()), |field| explain(number, field, mapping, &watch, &checked));
        if why.is_none() || !matches!(outcome, Outcome::Mapped(_)) {
            tell(number, &outcome);
        }
        explained?;
        if matches!(outcome, Outcome::Rejected(_)) {
            status = Status::Faults;
        }
    }
    Ok(status)
}

/// A fault of a file beside the input, by the name that was given for it.
fn in_file(fault: &str, given: &Given<'_>) -> Option<String> {
    let named = [("references.json: ", given.references), ("settings.json: ", given.settings)];
    named.into_iter().find_map(|(name, path)| Some(format!("{}: {}", path?.display(), fault.strip_prefix(name)?)))
}

/// Does an input hold what the mapping takes?
fn takes(mapping: &Mapping, sources: &[Json<'_>]) -> Result<(), String> {
    let wanted = mapping.sources.len();
    if sources.len() != wanted {
        if wanted == 1 {
            let given = sources.len();
            return Err(format!("holds {given} records, but `{}` takes one: write it alone", mapping.name));
        }
        let names: Vec<&str> = mapping.sources.iter().map(|source| source.entity.entity.as_str()).collect();
        return Err(format!(
            "holds {}, but `{}` takes {wanted}: write {{ \"sources\": [ ... ] }} with {}",
            counted(sources.len(), "record"),
            mapping.name,
            names.join(", then ")
        ));
    }
    let other = sources.iter().find(|source| !matches!(source, Json::Record(_)) && (wanted == 1 || !source.is_null()));
    other.map_or(Ok(()), |other| {
        Err(format!("is {}, where a record is expected: {{ \"field\": value, ... }}", other.kind_name()))
    })
}

/// How a field came about, instead of the record.
fn explain(number: usize, field: &str, mapping: &Mapping, watch: &Watch, checked: &Checked) -> Result<(), String> {
    let lines = watch.why(field, checked.files());
    lines.iter().for_each(|line| Stream::Output.say(line));
    if !lines.is_empty() {
        return Ok(());
    }
    let written = watch.fields();
    let bare = field.split('[').next().unwrap_or_default();
    if written.iter().any(|known| known == field || known == bare) {
        Stream::Error.say(format_args!("record {number}: there is no `{field}`: count its elements from 1"));
        return Ok(());
    }
    let record = checked.model.entity(&mapping.target).and_then(|target| checked.model.record(target.record));
    let known = record.iter().flat_map(|record| record.fields().map(|field| field.wire.as_str()));
    if known.clone().any(|known| known == bare) {
        Stream::Error.say(format_args!("record {number}: no line wrote `{field}`"));
        return Ok(());
    }
    let near = nearest(field, &written).or_else(|| closest(field, known));
    let near =
        near.map_or_else(|| format!("; it writes {}", written.join(", ")), |near| format!(": did you mean `{near}`?"));
    Err(format!("`{}` writes no field `{field}`{near}", mapping.name))
}

/// A field that is meant by another case, or a slip.
fn nearest<'f>(field: &str, written: &'f [String]) -> Option<&'f str> {
    let known = || written.iter().map(String::as_str);
    known().find(|known| known.eq_ignore_ascii_case(field)).or_else(|| closest(field, known()))
}

pub(super) fn no_mapping(checked: &Checked, name: &str) -> String {
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
    let bytes = fs::read(path).map_err(|why| match why.kind() {
        ErrorKind::NotFound => no_file(path),
        ErrorKind::IsADirectory => format!("{} is a folder: name a file in it", path.display()),
        _ => format!("{} cannot be read: {why}", path.display()),
    })?;
    let text =
        String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8 text: save it as UTF-8", path.display()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Says that a file is not there, and which was probably meant.
fn no_file(path: &Path) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = fs::read_dir(folder) else {
        return format!("there is no file {}: there is no folder {}", path.display(), folder.display());
    };
    let names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let wanted = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match closest(&wanted, names.iter().map(String::as_str)) {
        Some(near) => format!("there is no file {}: did you mean {near}?", path.display()),
        None => format!("there is no file {}", path.display()),
    }
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
        return Err(format!("this is not JSON: {whole}"));
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
