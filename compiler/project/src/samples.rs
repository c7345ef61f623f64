//! A system's samples: answers that were saved, and the index that says of what each is one.
//!
//! In: the system's folder. Out: what `samples/index.yaml` names, with the texts. What is wrong with the index itself is told at once,
//! as E0705; whether a sample fits the catalogue is for others to say.

use std::collections::BTreeMap;
use std::path::Path;

use mapwright_syntax::{Diagnostic, Span};
use serde::Deserialize;
use serde_yaml::Spanned;

use crate::{Loaded, disk};

/// The folder of samples within a system's.
const FOLDER: &str = "samples";
/// What names them.
const INDEX: &str = "index.yaml";
/// What may be asked besides the verbs of a manifest: an action, and the log-in, which no entity has.
const BESIDES: [&str; 2] = ["action", "log_in"];

/// A sample that the index names.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The file, by its name.
    pub file: String,
    /// What it is an answer to: `list`, `get`, `create`..., `action` or `log_in`.
    pub operation: String,
    /// The entity or action that was asked for.
    pub entity: String,
    /// How many records it holds; `None` = it is no success.
    pub reads: Option<usize>,
    /// Fields that the catalogue leaves out on purpose, by the end of their paths.
    pub left_out: Vec<String>,
    /// The answer's body.
    pub text: String,
    /// Its line of the index.
    pub span: Span,
}

/// One line of the index.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    file: String,
    operation: String,
    entity: String,
    /// The status that it came with.
    status: u16,
    /// The class that a driver must take it for.
    class: Option<String>,
    reads: Option<usize>,
    #[serde(default)]
    left_out: Vec<String>,
    // What the tests of the drivers ask for besides.
    #[serde(rename = "field")]
    _field: Option<String>,
    #[serde(rename = "key")]
    _key: Option<String>,
    #[serde(default, rename = "elsewhere")]
    _elsewhere: BTreeMap<String, String>,
}

/// Reads the samples of the system whose folder this is; a system without an index has none. Faults join `loaded.diagnostics`.
pub fn samples(loaded: &mut Loaded, folder: &Path) -> Vec<Sample> {
    let path = folder.join(FOLDER).join(INDEX);
    if !path.is_file() {
        return Vec::new();
    }
    let shown = format!("{}/{FOLDER}/{INDEX}", disk::folder_name(folder));
    let text = match disk::read_text(&path) {
        Ok(text) => text,
        Err(fault) => {
            let id = loaded.project.files.add(shown, "");
            loaded.paths.push(path);
            loaded.diagnostics.push(Diagnostic::error("E0705", disk::line_span(id, "", 1, 1), fault.to_string()));
            return Vec::new();
        }
    };
    let id = loaded.project.files.add(shown, text.clone());
    loaded.paths.push(path.clone());
    loaded.read.push(path);
    let place = |location: &serde_yaml::Location| {
        let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        disk::line_span(id, &text, narrow(location.line()), narrow(location.column()))
    };
    let lines: Vec<Spanned<Line>> = match serde_yaml::from_str(&text) {
        Ok(lines) => lines,
        Err(error) => {
            let span = error.location().map_or_else(|| disk::line_span(id, &text, 1, 1), |at| place(&at));
            let said = error.without_snippet().to_string();
            let fault = Diagnostic::error("E0705", span, "the index of samples cannot be read")
                .here(said)
                .help("write a list of `{ file: ..., operation: ..., entity: ..., status: ..., reads: ... }`, or `class` instead of `reads`");
            loaded.diagnostics.push(fault);
            return Vec::new();
        }
    };
    let mut samples = Vec::with_capacity(lines.len());
    for line in lines {
        let span = place(&line.referenced);
        match sample(line.value, span, folder, loaded) {
            Ok(sample) => samples.push(sample),
            Err((words, help)) => {
                loaded.diagnostics.push(Diagnostic::error("E0705", span, words).here("named here").help(help));
            }
        }
    }
    samples
}

fn sample(line: Line, span: Span, folder: &Path, loaded: &mut Loaded) -> Result<Sample, (String, String)> {
    let Line { file, operation, entity, status, class, reads, left_out, .. } = line;
    let path = folder.join(FOLDER).join(&file);
    let there = Path::new(&file).components().count() == 1 && path.is_file();
    if !there {
        return Err((format!("there is no sample `{file}`"), format!("put the answer into {FOLDER}/{file}")));
    }
    let text = disk::read_text(&path).map_err(|fault| (fault.to_string(), "save the answer as text".to_owned()))?;
    loaded.read.push(path);
    let known = mapwright_manifest::Verb::of(&operation).is_some() || BESIDES.contains(&operation.as_str());
    if !known {
        let verbs = mapwright_manifest::Verb::ALL.map(mapwright_manifest::Verb::word);
        let words = verbs.into_iter().chain(BESIDES).collect::<Vec<_>>().join(", ");
        return Err((format!("there is no operation `{operation}`"), format!("it is one of {words}")));
    }
    if !(100..=599).contains(&status) {
        return Err((format!("{status} is no HTTP status"), "it is from 100 to 599".to_owned()));
    }
    if class.is_some() == reads.is_some() && operation != "log_in" {
        let help = "write `reads: N` for an answer that holds N records, `class: ...` for one that is no success";
        return Err((format!("the index does not say what `{file}` is taken for"), help.to_owned()));
    }
    Ok(Sample { file, operation, entity, reads, left_out, text, span })
}
