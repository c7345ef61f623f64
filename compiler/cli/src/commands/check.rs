//! `mapwright check`: every fault of a project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mapwright_syntax::Severity;

use super::{Answer, Checked};
use crate::arguments::Format;
use crate::notes;
use crate::report::{Status, Stream, Tally, tell};

/// How often files are looked at: a person does not notice it, and neither does the machine.
const LOOK: Duration = Duration::from_millis(200);

pub(crate) fn run(dir: &Path, format: Format) -> Answer {
    Checked::load(dir).map(|checked| told(checked, format))
}

/// Checks whenever something changes of what was read. It ends when it is stopped.
pub(crate) fn watch(dir: &Path, format: Format) -> Answer {
    loop {
        let mut paths = vec![dir.to_owned()];
        let looked = match Checked::load(dir) {
            Ok(checked) => {
                paths.clone_from(&checked.loaded.read);
                let looked = look(&paths);
                told(checked, format);
                looked
            }
            Err(fault) => {
                let looked = look(&paths);
                Stream::Error.say(fault);
                looked
            }
        };
        while look(&paths) == looked {
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

fn told(mut checked: Checked, format: Format) -> Status {
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
        Format::Human => Stream::Output.say(tally.summary(checked.paths().len())),
        Format::Json | Format::Github => {}
    }
    status
}
