//! `mapwright check`: every fault of a project.

use std::path::Path;

use mapwright_syntax::Severity;

use super::{Answer, Checked};
use crate::arguments::Format;
use crate::notes;
use crate::report::{Status, Stream, Tally, tell};

pub(crate) fn run(dir: &Path, format: Format) -> Answer {
    let mut checked = Checked::load(dir)?;
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
    Ok(status)
}
