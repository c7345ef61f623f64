//! `mapwright check`: every fault of a project, or of a system and its samples.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mapwright_syntax::Severity;

use super::{Answer, Checked};
use crate::arguments::Format;
use crate::notes;
use crate::report::{Status, Stream, Tally, counted, tell};

/// How often files are looked at: a person does not notice it, and neither does the machine.
const LOOK: Duration = Duration::from_millis(100);
/// How coarse the stamps of files may be.
const STAMP: Duration = Duration::from_millis(20);

pub(crate) fn run(dir: &Path, format: Format) -> Answer {
    let mut checked = Checked::load_any(dir)?;
    let status = told(&mut checked, format);
    // The process ends: its memory goes back at once, and need not be given back piece by piece.
    std::mem::forget(checked);
    Ok(status)
}

/// Checks whenever something changes of what was read. It ends when it is stopped.
pub(crate) fn watch(dir: &Path, format: Format) -> Answer {
    loop {
        let began = SystemTime::now();
        let mut paths = vec![dir.to_owned()];
        match Checked::load_any(dir) {
            Ok(mut checked) => {
                paths.clone_from(&checked.loaded.read);
                told(&mut checked, format);
            }
            Err(fault) => Stream::Error.say(fault),
        }
        let looked = look(&paths);
        // What was changed while it was being read may have been read as it was before.
        let now = SystemTime::now();
        let during = looked.values().flatten().any(|(changed, _)| *changed + STAMP >= began && *changed <= now + STAMP);
        while !during && look(&paths) == looked {
            std::thread::sleep(LOOK);
        }
    }
}

/// When each of these files and folders was changed last, and how long it is.
fn look(paths: &[PathBuf]) -> BTreeMap<PathBuf, Option<(SystemTime, u64)>> {
    let stamp = |path: &PathBuf| {
        let found = path.metadata().ok()?;
        Some((found.modified().ok()?, found.len()))
    };
    paths.iter().map(|path| (path.clone(), stamp(path))).collect()
}

fn told(checked: &mut Checked, format: Format) -> Status {
    let tally = Tally::of(&checked.diagnostics);
    let status = if checked.has_errors() { Status::Faults } else { Status::Good };
    if status == Status::Good {
        checked.diagnostics.extend(notes::notes(&checked.loaded.project.specs));
        mapwright_syntax::render::sort(&mut checked.diagnostics);
    } else {
        checked.diagnostics.retain(|diagnostic| diagnostic.severity != Severity::Note);
    }
    tell(&checked.diagnostics, checked.files(), checked.paths(), format, Stream::Output);
    match format {
        Format::Human => {
            Stream::Output.say(tally.summary(checked.paths().len()));
            if checked.samples > 0 {
                let samples = counted(checked.samples, "sample");
                Stream::Output.say(format_args!("{samples} with records compared with the catalogue"));
            }
        }
        Format::Json | Format::Github => {}
    }
    status
}
