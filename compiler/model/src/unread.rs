//! What a line that could not be read takes with it.
//!
//! In: the faults of syntax, and what the checker found. Out: what remains worth telling: a diagnostic that only follows from
//! an unreadable line is dropped, because it goes away with the fault. Nothing is reported here.

use mapwright_syntax::tree::Definition;
use mapwright_syntax::{Diagnostic, Span};

use crate::project::Project;

/// Codes that say that something is not there. What is not there may stand on an unreadable line of the same definition.
const ABSENCE: &[&str] = &["E0311", "E0312", "E0503", "E0508", "E0511", "W0601"];

/// Codes that say that nothing has this name. Its definition may stand on an unreadable line.
const UNKNOWN: &str = "E02";

/// A record that a write needs: an unreadable mapping may be the one that makes it.
const UNMATCHED: &str = "E0510";

/// A `write` of a mapping that is not there.
const UNKNOWN_MAPPING: &str = "E0212";

/// An `otherwise` that answers nothing.
const NEEDLESS: &str = "W0606";

/// The lines of a project that could not be read.
#[derive(Debug)]
pub(crate) struct Unread {
    lines: Vec<Span>,
    /// The words on these lines.
    words: Vec<String>,
    definitions: Vec<Span>,
}

impl Unread {
    /// The lines on which faults of syntax lie.
    pub(crate) fn of(project: &Project) -> Self {
        let lines: Vec<Span> = project.unread.iter().map(|span| whole_lines(project, *span)).collect();
        let mut words: Vec<String> = Vec::new();
        for line in &lines {
            let text = project.files.text(*line);
            let split = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            words.extend(split.filter(|word| !word.is_empty()).map(str::to_owned));
        }
        let trees = project.specs.iter().chain(project.systems.iter().map(|system| &system.catalogue));
        let definitions = trees.flat_map(|(_, tree)| tree.definitions.iter().filter_map(extent)).collect();
        Self { lines, words, definitions }
    }

    /// Does a stretch hold an unreadable line?
    pub(crate) fn is_in(&self, whole: Span) -> bool {
        self.lines.iter().any(|line| overlap(*line, whole))
    }

    /// Does a diagnostic only follow from an error in the same definition? A value of unknown type is never "never
    /// missing", and a write of an unknown mapping gives no record to the next.
    pub(crate) fn follows(&self, diagnostic: &Diagnostic, errors: &[(&'static str, Span)]) -> bool {
        let place = diagnostic.span();
        let whole = || self.definitions.iter().find(|whole| overlap(**whole, place));
        let beside = |cause: &dyn Fn(&str) -> bool| {
            whole().is_some_and(|whole| errors.iter().any(|(code, span)| cause(code) && overlap(*span, *whole)))
        };
        match diagnostic.code {
            NEEDLESS => beside(&|_| true),
            UNMATCHED => beside(&|code| code == UNKNOWN_MAPPING),
            _ => false,
        }
    }

    /// Is there an unreadable line outside all definitions? Then a whole definition may be missing.
    pub(crate) fn hides_a_definition(&self) -> bool {
        self.lines.iter().any(|line| !self.definitions.iter().any(|whole| overlap(*line, *whole)))
    }

    /// Does a diagnostic only follow from what could not be read?
    pub(crate) fn explains(&self, project: &Project, diagnostic: &Diagnostic) -> bool {
        if self.lines.is_empty() {
            return false;
        }
        let place = diagnostic.span();
        let absent = || {
            ABSENCE.contains(&diagnostic.code)
                && self.definitions.iter().any(|whole| overlap(*whole, place) && self.is_in(*whole))
        };
        let unknown = || {
            let name = project.files.text(place);
            let name = name.trim_matches(['`', '"']);
            diagnostic.code.starts_with(UNKNOWN) && self.words.iter().any(|word| word == name)
        };
        let unmatched = || diagnostic.code == UNMATCHED && self.hides_a_definition();
        self.is_in(place) || absent() || unknown() || unmatched()
    }
}

/// The whole lines on which a stretch lies.
fn whole_lines(project: &Project, span: Span) -> Span {
    let text = project.files.get(span.file).map(|file| file.text.as_str()).unwrap_or_default();
    let before = text.get(..span.start as usize).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let last = span.end.max(span.start + 1) as usize - 1;
    let end = text.get(last..).and_then(|behind| behind.find('\n')).map_or(text.len(), |at| last + at);
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { file: span.file, start: offset(start), end: offset(end) }
}

fn overlap(a: Span, b: Span) -> bool {
    a.file == b.file && a.start <= b.end && b.start <= a.end
}

/// The extent of a definition that has parts.
fn extent(definition: &Definition) -> Option<Span> {
    match definition {
        Definition::System(system) => Some(system.span),
        Definition::Extend(extend) => Some(extend.span),
        Definition::Table(table) => Some(table.span),
        Definition::Rule(rule) => Some(rule.span),
        Definition::Mapping(mapping) => Some(mapping.span),
        Definition::Flow(flow) => Some(flow.span),
        Definition::Use(_)
        | Definition::Rounding(_)
        | Definition::Setting(_)
        | Definition::Dismissal(_)
        | Definition::Example(_) => None,
    }
}
