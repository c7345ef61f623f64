//! `map MAPPING`: NDJSON in, NDJSON out, no endpoint.
//!
//! In: one source record a line. Out: one target record a line; what was not mapped goes to another stream, one line a
//! record, with every reason. Memory does not grow with the number of records.

use std::fs::File;
use std::io::{BufRead, BufWriter, Write};
use std::path::Path;

use jiff::Timestamp;
use mapwright_values::settings::check_settings;
use mapwright_values::{Input, Integration, Json, Mapping, Outcome, Reference, References, Rejection, Resolved};
use serde_json::json;

use crate::answers::Answers;
use crate::command::MapArguments;
use crate::say::note;
use crate::{Ending, Faults};

/// Rounds in which a mapping may ask for references; each answers a `find` that depends on the one before.
const ROUNDS_MAX: usize = 16;

/// What some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

const OUTPUT: &str = "cannot write the mapped records";
const REFUSED: &str = "cannot write the rejections";

/// What became of the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines read, blank ones left out.
    pub read: u64,
    /// Target records written.
    pub mapped: u64,
    /// Not wanted by the spec.
    pub skipped: u64,
    /// Rejected, waiting, malformed, or a reference unanswered.
    pub rejected: u64,
}

/// How records are mapped.
pub struct Setup<'a> {
    /// The project.
    pub integration: &'a Integration,
    /// The mapping.
    pub mapping: &'a Mapping,
    /// Its settings, complete.
    pub settings: &'a Json<'static>,
    /// Answers to its references.
    pub answers: &'a Answers,
    /// The time of capture.
    pub captured_at: Timestamp,
}

/// The command.
pub(crate) fn carry_out(integration: &Integration, arguments: &MapArguments) -> Result<Ending, Faults> {
    let mapping = integration.mapping(&arguments.mapping).ok_or_else(|| {
        let known: Vec<&str> = integration.mappings.iter().map(|mapping| mapping.name).collect();
        format!("no mapping `{}`; there are: {}", arguments.mapping, known.join(", "))
    })?;
    let answers = match &arguments.references {
        Some(file) => Answers::parse(&read(file)?).map_err(|fault| format!("{}: {fault}", file.display()))?,
        None => Answers::default(),
    };
    let given = match &arguments.settings {
        Some(file) => read(file)?,
        None => "{}".to_owned(),
    };
    let given = Json::parse(&given).map_err(|error| {
        let file = arguments.settings.as_deref().unwrap_or(Path::new("settings")).display();
        format!("{file}: line {}: {}", error.line, error.message)
    })?;
    let settings = check_settings(integration.plan.settings, &given).map_err(Faults)?;
    let setup = Setup {
        integration,
        mapping,
        settings: &settings,
        answers: &answers,
        captured_at: arguments.at.unwrap_or_else(Timestamp::now),
    };
    let input = std::io::stdin().lock();
    let output = BufWriter::new(std::io::stdout().lock());
    let tally = match &arguments.rejections {
        Some(path) => {
            let file = File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
            let tally = map_lines(&setup, input, output, BufWriter::new(file))?;
            let Tally { read, mapped, skipped, rejected } = tally;
            note!("read {read}, mapped {mapped}, skipped {skipped}, rejected {rejected} (see {})", path.display());
            tally
        }
        None => map_lines(&setup, input, output, BufWriter::new(std::io::stderr().lock()))?,
    };
    Ok(if tally.rejected > 0 { Ending::NeedsAPerson } else { Ending::Well })
}

fn read(path: &Path) -> Result<String, Faults> {
    std::fs::read_to_string(path).map_err(|error| Faults(vec![format!("cannot read {}: {error}", path.display())]))
}

enum Verdict {
    Mapped(Vec<Json<'static>>),
    Skipped(serde_json::Value),
    Refused(serde_json::Value),
}

/// Maps every line of `input`.
///
/// # Errors
/// A stream cannot be read or written.
pub fn map_lines(
    setup: &Setup<'_>,
    mut input: impl BufRead,
    mut output: impl Write,
    mut refused: impl Write,
) -> std::io::Result<Tally> {
    let mut tally = Tally::default();
    let mut bytes = Vec::new();
    for index in 0.. {
        bytes.clear();
        let read = input.read_until(b'\n', &mut bytes);
        if read.map_err(|error| told("cannot read the input", &error))? == 0 {
            break;
        }
        let line = match index {
            0 => bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes),
            _ => &bytes,
        };
        if line.trim_ascii().is_empty() {
            continue;
        }
        tally.read += 1;
        let verdict = match std::str::from_utf8(line) {
            Ok(line) => map_line(setup, line.trim_end_matches(['\r', '\n'])),
            Err(_) => Verdict::Refused(json!({"malformed": "the line is not UTF-8"})),
        };
        match verdict {
            Verdict::Mapped(records) => {
                for record in records {
                    tally.mapped += 1;
                    writeln!(output, "{record}").map_err(|error| told(OUTPUT, &error))?;
                }
            }
            Verdict::Skipped(why) => {
                tally.skipped += 1;
                writeln!(refused, "{}", numbered(index, why)).map_err(|error| told(REFUSED, &error))?;
            }
            Verdict::Refused(why) => {
                tally.rejected += 1;
                writeln!(refused, "{}", numbered(index, why)).map_err(|error| told(REFUSED, &error))?;
            }
        }
    }
    output.flush().map_err(|error| told(OUTPUT, &error))?;
    refused.flush().map_err(|error| told(REFUSED, &error))?;
    Ok(tally)
}

fn told(what: &str, error: &std::io::Error) -> std::io::Error {
    std::io::Error::new(error.kind(), format!("{what}: {error}"))
}

fn numbered(index: usize, mut why: serde_json::Value) -> serde_json::Value {
    if let Some(members) = why.as_object_mut() {
        members.insert("input_line".to_owned(), json!(index + 1));
    }
    why
}

fn map_line(setup: &Setup<'_>, line: &str) -> Verdict {
    let record = match Json::parse(line) {
        Ok(record) => record,
        Err(error) => return Verdict::Refused(json!({"malformed": error.message, "column": error.column})),
    };
    let wanted = setup.integration.plan.mapping(setup.mapping.name).map_or(1, |plan| plan.sources.len());
    let sources = match sources(record, wanted) {
        Ok(sources) => sources,
        Err(fault) => return Verdict::Refused(json!({"malformed": fault})),
    };
    let mut references = References::new();
    for _ in 0..ROUNDS_MAX {
        let input = Input {
            sources: &sources,
            references: &references,
            settings: setup.settings,
            captured_at: setup.captured_at,
        };
        match (setup.mapping.map)(&input) {
            Outcome::Mapped(parts) => return Verdict::Mapped(parts.into_iter().map(|part| part.record).collect()),
            Outcome::Rejected(rejections) => return Verdict::Refused(json!({"rejected": rejections_of(&rejections)})),
            Outcome::Skipped { reason, at } => return Verdict::Skipped(json!({"skipped": reason, "at": at})),
            Outcome::Waiting(on) => return Verdict::Refused(json!({"waiting": on})),
            Outcome::Wants(wants) => {
                let answered: Vec<(Reference, Option<Resolved>)> =
                    wants.into_iter().map(|want| (want.clone(), setup.answers.answer(&want))).collect();
                let open: Vec<&Reference> =
                    answered.iter().filter(|(_, answer)| answer.is_none()).map(|(want, _)| want).collect();
                if !open.is_empty() {
                    return Verdict::Refused(json!({
                        "needs": open,
                        "help": "answer these with --references FILE; `map --help` shows its form",
                    }));
                }
                for (want, answer) in answered {
                    if let Some(answer) = answer {
                        references.insert(want, answer);
                    }
                }
            }
        }
    }
    Verdict::Refused(json!({"rejected": [format!("asked for references in more than {ROUNDS_MAX} rounds")]}))
}

fn rejections_of(rejections: &[Rejection]) -> serde_json::Value {
    json!(rejections)
}

/// A mapping of one source takes the record itself; one of several takes `{"sources": [...]}`.
fn sources(record: Json<'_>, wanted: usize) -> Result<Vec<Json<'_>>, String> {
    if wanted == 1 {
        return Ok(vec![record]);
    }
    let found = match record {
        Json::Record(members) => members.into_iter().find(|(name, _)| name == "sources").map(|(_, list)| list),
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => None,
    };
    match found {
        Some(Json::List(list)) if list.len() == wanted => Ok(list),
        _ => Err(format!("this mapping has {wanted} sources: give {{\"sources\": [...]}} with {wanted} records")),
    }
}
