//! `mapwright fmt`: specs in the one layout.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use mapwright_syntax::Files;

use super::Answer;
use crate::arguments::Format;
use crate::report::{Status, Stream, Tally, counted, tell};

pub(crate) fn run(files: &[PathBuf], check: bool) -> Answer {
    if let [only] = files
        && only == Path::new("-")
    {
        return pass_through();
    }
    let mut specs = Vec::new();
    for path in files {
        specs.extend(mapwright_project::spec_files(path).map_err(|fault| fault.to_string())?);
    }
    if specs.is_empty() {
        let named: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        return Err(format!("there is no *.mapspec file in {}", named.join(", ")));
    }
    let (mut changed, mut broken) = (0, 0);
    for (path, text) in &specs {
        match formatted(&path.to_string_lossy(), text) {
            None => broken += 1,
            Some(new) if new == *text => {}
            Some(new) => {
                changed += 1;
                if check {
                    Stream::Output.say(format_args!("{} is not formatted", path.display()));
                } else {
                    fs::write(path, new).map_err(|why| format!("{} cannot be written: {why}", path.display()))?;
                    Stream::Output.say(format_args!("formatted {}", path.display()));
                }
            }
        }
    }
    if check && changed > 0 {
        Stream::Error
            .say(format_args!("{} to format: run `mapwright fmt` on what was named", counted(changed, "file")));
    }
    Ok(if broken > 0 || (check && changed > 0) { Status::Faults } else { Status::Good })
}

fn pass_through() -> Answer {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|why| format!("standard input cannot be read: {why}"))?;
    match formatted("standard input", &text) {
        Some(new) => {
            Stream::Output.say(new.trim_end());
            Ok(Status::Good)
        }
        None => Ok(Status::Faults),
    }
}

/// The text in the one layout; a text that cannot be read is told of and left alone.
fn formatted(name: &str, text: &str) -> Option<String> {
    match mapwright_syntax::format(text) {
        Ok(new) => Some(new),
        Err(faults) => {
            let mut files = Files::default();
            files.add(name, text);
            tell(&faults, &files, &[], Format::Human, Stream::Error);
            Stream::Error.say(Tally::of(&faults).summary(1));
            None
        }
    }
}
