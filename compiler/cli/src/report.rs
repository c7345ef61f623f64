//! Telling people: diagnostics, summaries, complaints, exit statuses. In: plain data. Out: text on standard output or standard error.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mapwright_syntax::{Diagnostic, Files, Severity, Style, render, to_github, to_json};
use rayon::prelude::*;

use crate::arguments::Format;

/// Fewer diagnostics are told by one thread.
const WORTH_A_THREAD: usize = 4;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// All is well.
    Good,
    /// Faults in specs, failing cases, rejected records.
    Faults,
    /// Wrong use, or files that cannot be read or written.
    Unusable,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(match status {
            Status::Good => 0,
            Status::Faults => 1,
            Status::Unusable => 2,
        })
    }
}

/// Where a report goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output: what was asked for.
    Output,
    /// Standard error: what stands in the way of it.
    Error,
}

impl Stream {
    /// Writes one piece of text and a line end. A reader who has gone away is no fault.
    pub(crate) fn say(self, text: impl Display) {
        // In one piece: the streams write line by line else.
        let text = format!("{text}\n");
        let _gone = match self {
            Stream::Output => stdout().write_all(text.as_bytes()),
            Stream::Error => stderr().write_all(text.as_bytes()),
        };
    }

    /// Writes many pieces at once.
    fn say_all(self, texts: impl Iterator<Item = String>) {
        let mut texts = texts.peekable();
        if texts.peek().is_some() {
            self.say(texts.collect::<Vec<_>>().join("\n"));
        }
    }

    fn style(self) -> Style {
        let terminal = match self {
            Stream::Output => stdout().is_terminal(),
            Stream::Error => stderr().is_terminal(),
        };
        if terminal && std::env::var_os("NO_COLOR").is_none() { Style::Colour } else { Style::Plain }
    }
}

/// Why a command could not be carried out at all.
pub(crate) fn complain(problem: &impl Display) {
    Stream::Error.say(format_args!("mapwright: {problem}"));
}

/// How many faults of which kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
}

impl Tally {
    pub(crate) fn of(diagnostics: &[Diagnostic]) -> Tally {
        let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        Tally { errors: count(Severity::Error), warnings: count(Severity::Warning) }
    }

    /// `2 errors, 1 warning in 5 files`.
    pub(crate) fn summary(self, files: usize) -> String {
        let found = match self {
            Tally { errors: 0, warnings: 0 } => "no fault".to_owned(),
            Tally { errors: 0, warnings } => counted(warnings, "warning"),
            Tally { errors, warnings: 0 } => counted(errors, "error"),
            Tally { errors, warnings } => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
        };
        format!("{found} in {}", counted(files, "file"))
    }
}

/// `1 file`, `2 files`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Tells diagnostics in the form asked for.
pub(crate) fn tell(diagnostics: &[Diagnostic], files: &Files, paths: &[PathBuf], format: Format, stream: Stream) {
    match format {
        Format::Human => {
            let style = stream.style();
            let texts = diagnostics
                .par_iter()
                .with_min_len(WORTH_A_THREAD)
                .map(|diagnostic| render(diagnostic, files, style) + "\n");
            stream.say_all(texts.collect::<Vec<_>>().into_iter());
        }
        Format::Json => stream.say_all(diagnostics.iter().map(|diagnostic| to_json(diagnostic, files).to_string())),
        Format::Github => {
            let real = as_the_host_knows_them(files, paths);
            stream.say_all(diagnostics.iter().map(|diagnostic| to_github(diagnostic, &real)));
        }
    }
}

/// A code host knows files by their paths from where the command was started, not by those that a spec's reader knows.
fn as_the_host_knows_them(files: &Files, paths: &[PathBuf]) -> Files {
    let here = std::env::current_dir().unwrap_or_default();
    let mut real = Files::default();
    for ((_, file), path) in files.iter().zip(paths) {
        real.add(relative(path, &here), file.text.clone());
    }
    real
}

/// A path from where the command was started.
pub(crate) fn relative(path: &Path, here: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let here = here.canonicalize().unwrap_or_else(|_| here.to_owned());
    whole.strip_prefix(here).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_in_plain_english() {
        assert_eq!(Tally { errors: 2, warnings: 1 }.summary(5), "2 errors, 1 warning in 5 files");
        assert_eq!(Tally { errors: 0, warnings: 3 }.summary(1), "3 warnings in 1 file");
        assert_eq!(Tally::default().summary(4), "no fault in 4 files");
    }
}
