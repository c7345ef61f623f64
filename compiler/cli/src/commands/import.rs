//! `mapwright import`: descriptions of a system to a draft of its catalogue.
//!
//! In: files that describe one system. Out: the draft, and on standard error a line for everything that it cannot say.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use mapwright_import::{Imported, Source, Wanted};
use mapwright_model::project::Project;
use mapwright_syntax::{Diagnostic, Files as SpecFiles, Severity};

use super::Answer;
use crate::arguments::Format;
use crate::report::{Status, Stream, counted, tell};

/// The most bytes that are read of a file: a description of more is refused by the import itself.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Where the drafts go.
pub(crate) struct Files<'a> {
    /// The catalogue; standard output without.
    pub(crate) catalogue: Option<&'a Path>,
    /// The manifest; none is drafted without.
    pub(crate) manifest: Option<&'a Path>,
    /// Write over what is there.
    pub(crate) force: bool,
}

/// The name of the folder that a file lies in.
pub(crate) fn folder(file: &Path) -> Option<String> {
    let folder = std::path::absolute(file).ok()?.parent()?.file_name()?.to_string_lossy().into_owned();
    Some(folder)
}

pub(crate) fn run(paths: &[PathBuf], wanted: &Wanted, files: &Files<'_>) -> Answer {
    let there = [files.catalogue, files.manifest].into_iter().flatten().find(|path| path.exists() && !files.force);
    if let Some(path) = there {
        return Err(format!("{} is there already: name another file, or add --force to write over it", path.display()));
    }
    let sources = sources(paths)?;
    let imported = mapwright_import::import(&sources, wanted).map_err(|fault| fault.to_string())?;
    accepted(&imported.catalogue)?;
    let manifest = match (files.manifest, &imported.manifest) {
        (None, _) => None,
        (Some(path), Some(text)) => {
            sound(text)?;
            Some((path, text))
        }
        (Some(_), None) => {
            return Err("only an OpenAPI description tells how a system is reached: leave --manifest out, and write the manifest by the \
                        book's chapter on connectors"
                .to_owned());
        }
    };
    for note in &imported.notes {
        let file = sources.get(note.place.source).map_or("", |source| source.name.as_str());
        let subject = if note.subject.is_empty() { String::new() } else { format!("{}: ", note.subject) };
        Stream::Error.say(format_args!("{file}:{}: {subject}{}", note.place.line, note.text));
    }
    let Imported { catalogue, notes, entities, .. } = &imported;
    let told = format!(
        "{} of {}",
        counted(*entities, "entity").replace("entitys", "entities"),
        counted(sources.len(), "file")
    );
    let noted = match notes.len() {
        0 => String::new(),
        count => format!("; {} above", counted(count, "note")),
    };
    match files.catalogue {
        Some(path) => {
            fs::write(path, catalogue).map_err(|why| format!("{} cannot be written: {why}", path.display()))?;
            Stream::Error.say(format_args!("drafted {told} into {}{noted}", path.display()));
        }
        None => {
            Stream::Output.say(catalogue.trim_end());
            Stream::Error.say(format_args!("drafted {told}{noted}"));
        }
    }
    if let Some((path, text)) = manifest {
        fs::write(path, text).map_err(|why| format!("{} cannot be written: {why}", path.display()))?;
        let looks = text.matches("# look:").count();
        Stream::Error.say(format_args!(
            "drafted a manifest into {}; go through {}",
            path.display(),
            counted(looks, "line")
        ));
    }
    Ok(Status::Good)
}

/// What can be drafted, one a line.
pub(crate) fn list(paths: &[PathBuf]) -> Answer {
    let offers = mapwright_import::offers(&sources(paths)?).map_err(|fault| fault.to_string())?;
    for offer in &offers {
        let kind = if offer.entity { "" } else { ", drafted only with --entity or as a part of others" };
        Stream::Output.say(format_args!("{}: {}{kind}", offer.name, counted(offer.fields, "field")));
    }
    Ok(Status::Good)
}

/// The bytes of files.
pub(crate) fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, String> {
    paths.iter().map(|path| source(path)).collect()
}

fn source(path: &Path) -> Result<Source, String> {
    let name = path.to_string_lossy().into_owned();
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(Source { name, bytes }),
        Err(_) if path.is_dir() => Err(format!("{name} is a folder: name the files that describe the system")),
        Err(_) if !path.exists() => Err(format!("there is no {name}: name a file that describes the system")),
        Err(why) => Err(format!("{name} cannot be read: {why}")),
    }
}

/// Is the manifest one that `check` takes?
fn sound(manifest: &str) -> Result<(), String> {
    match mapwright_manifest::Manifest::parse(manifest, "connector.yaml") {
        Ok(_) => Ok(()),
        Err(faults) => {
            let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Err(format!(
                "the draft of the manifest has faults, which is a fault of mapwright: leave --manifest out, and report it\n{}",
                told.join("\n")
            ))
        }
    }
}

/// Is the draft one that `check` takes? One that it does not take is a fault of the import, and is told as such.
pub(crate) fn accepted(catalogue: &str) -> Result<(), String> {
    let mut files = SpecFiles::default();
    let id = files.add("draft", catalogue);
    let (tree, mut faults) = mapwright_syntax::parse(id, catalogue);
    let project = Project { name: "draft".to_owned(), files, specs: vec![(id, tree)], ..Project::default() };
    faults.extend(mapwright_model::check(&project).1);
    let errors: Vec<Diagnostic> = faults.into_iter().filter(|fault| fault.severity == Severity::Error).collect();
    if errors.is_empty() {
        return Ok(());
    }
    tell(&errors, &project.files, &[], Format::Human, Stream::Error);
    Err("the draft has faults, which is a fault of mapwright: choose other entities with --entity, and report it"
        .to_owned())
}
