//! `mapwright generate`: a project as Rust.

use std::fs;
use std::path::Path;

use super::{Answer, Checked};
use crate::report::{Status, Stream, counted};

pub(crate) fn run(dir: &Path, output: Option<&Path>) -> Answer {
    let checked = Checked::load(dir)?;
    if checked.has_errors() {
        checked.tell_errors();
        return Ok(Status::Faults);
    }
    let code = mapwright_codegen::emit(&checked.model, checked.files());
    match output {
        None => Stream::Output.say(code.trim_end()),
        Some(path) => {
            fs::write(path, &code).map_err(|why| format!("{} cannot be written: {why}", path.display()))?;
            let (lines, mappings) = (code.lines().count(), checked.model.mappings.len());
            let said = format!("{} in {} to {}", counted(mappings, "mapping"), counted(lines, "line"), path.display());
            Stream::Error.say(format_args!("wrote {said}"));
        }
    }
    Ok(Status::Good)
}
