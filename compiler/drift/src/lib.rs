//! What a change of a system means for the specs of a project.
//!
//! In: the old and the new catalogue as models, what the project does with the system, and what the checker has to say once the
//! new catalogue is in its place. Out: every change with its class, the places concerned, and how to mend them. It reads no file.

mod compare;

pub use compare::{Change, Kind, compare};

use mapwright_model::uses::{How, Use};
use mapwright_syntax::{Diagnostic, FileId, Files, Severity, Span};

/// What a change means for the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Nothing that the project does is touched.
    Harmless,
    /// Records go on, and something is lost, refused or left out.
    Lossy,
    /// Records fail, or the project does not compile any more.
    Breaking,
}

impl Class {
    /// In one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Harmless => "harmless",
            Self::Lossy => "lossy",
            Self::Breaking => "breaking",
        }
    }
}

/// A change with what it means.
#[derive(Clone, Debug)]
pub struct Drift {
    /// What it means.
    pub class: Class,
    /// What has changed; `None` for what follows from several changes together.
    pub change: Option<Change>,
    /// Whom it concerns.
    pub uses: Vec<Use>,
    /// What the checker says with the new catalogue.
    pub faults: Vec<Diagnostic>,
    /// What to do.
    pub mend: String,
}

/// What is known beside the changes.
#[derive(Debug)]
pub struct Known<'k> {
    /// All uses of the system by the project.
    pub uses: &'k [Use],
    /// The system's short name in the project.
    pub alias: &'k str,
    /// What the checker says with the new catalogue and did not say before; `None` where it was not asked.
    pub faults: Option<&'k [Diagnostic]>,
    /// The new catalogue among the checker's files.
    pub catalogue: FileId,
    /// The project's files.
    pub files: &'k Files,
}

/// Says of each change what it means, the worst first.
#[must_use]
pub fn classify(changes: Vec<Change>, known: &Known<'_>) -> Vec<Drift> {
    let mut told = vec![false; known.faults.unwrap_or_default().len()];
    let mut drifts: Vec<Drift> = Vec::with_capacity(changes.len());
    for change in changes {
        let uses: Vec<Use> = known.uses.iter().filter(|used| concerns(used, &change, known.alias)).cloned().collect();
        let mut faults = Vec::new();
        for (fault, told) in known.faults.unwrap_or_default().iter().zip(&mut told) {
            if speaks_of(fault, &change, &uses, known.catalogue) {
                *told = true;
                faults.push(fault.clone());
            }
        }
        let own = meaning(&change, &uses, known);
        let class = faults.iter().map(class_of).fold(own, Class::max);
        let mend = mend(&change, class, &faults);
        drifts.push(Drift { class, change: Some(change), uses, faults, mend });
    }
    let left = known.faults.unwrap_or_default().iter().zip(told).filter(|(_, told)| !told);
    for (fault, _) in left.filter(|(fault, _)| fault.severity == Severity::Error) {
        let mend = "follow what `mapwright check` says there".to_owned();
        let (class, faults) = (class_of(fault), vec![fault.clone()]);
        drifts.push(Drift { class, change: None, uses: Vec::new(), faults, mend });
    }
    drifts.sort_by_key(|drift| std::cmp::Reverse(drift.class));
    drifts
}

/// What an unsolved fault means.
fn class_of(fault: &Diagnostic) -> Class {
    match (fault.severity, fault.code) {
        // A new field of a source that nobody has decided about: its values go nowhere.
        (Severity::Error, "E0403") => Class::Lossy,
        // A new field of a target that need not be filled.
        (Severity::Error, "E0402") => Class::Harmless,
        (Severity::Error, _) => Class::Breaking,
        (Severity::Warning | Severity::Note, _) => Class::Harmless,
    }
}

/// Does a use concern what has changed?
fn concerns(used: &Use, change: &Change, alias: &str) -> bool {
    if used.entity.system != alias || used.entity.entity != change.entity {
        return false;
    }
    match change.kind {
        // A new field concerns those who make the record that it stands in.
        Kind::FieldNew { .. } => {
            let parent = change.path.split_last().map(|(_, parent)| parent).unwrap_or_default();
            used.how == How::Writes && if parent.is_empty() { used.path.is_empty() } else { used.path == parent }
        }
        _ if change.path.is_empty() => used.path.is_empty(),
        _ => {
            used.path == change.path
                || (used.whole && change.path.starts_with(&used.path))
                || used.path.starts_with(&change.path)
        }
    }
}

/// Does a fault speak of a change: of its place in the catalogue, or of its name at a place that uses it?
fn speaks_of(fault: &Diagnostic, change: &Change, uses: &[Use], catalogue: FileId) -> bool {
    let near = |span: Span| span.file == catalogue && change.in_new && touches(span, change.span);
    // A new field that is offered for one that is gone is not at fault.
    let offered = matches!(change.kind, Kind::FieldNew { .. } | Kind::EntityNew) && !fault.code.starts_with("E04");
    if !offered && fault.labels.iter().any(|label| near(label.span)) {
        return true;
    }
    let primary = fault.span();
    let at_use =
        uses.iter().any(|used| !used.path.is_empty() && used.span.file == primary.file && touches(used.span, primary));
    let word = match &change.kind {
        Kind::WordGone(word) | Kind::WordNew(word) => word.as_str(),
        Kind::FieldNew { .. } | Kind::EntityNew => return false,
        // What is said of an entity's name speaks of its fields as well.
        Kind::Key | Kind::NaturalKey | Kind::ChangedGone => return false,
        _ => change.name.as_str(),
    };
    let texts =
        || std::iter::once(&fault.headline).chain(fault.labels.iter().map(|label| &label.text)).chain(&fault.help);
    let named = texts().any(|text| names(text, word));
    let entity = || texts().any(|text| names(text, &change.entity));
    let is_word = matches!(change.kind, Kind::WordGone(_) | Kind::WordNew(_));
    match fault.severity {
        Severity::Error => at_use || (named && (is_word || entity())),
        Severity::Warning | Severity::Note => named && at_use,
    }
}

const fn touches(one: Span, other: Span) -> bool {
    one.start < other.end && other.start < one.end
}

/// Does a text hold a name as a whole word?
fn names(text: &str, name: &str) -> bool {
    let part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    text.match_indices(name).any(|(at, found)| {
        let (before, behind) = (text.get(..at).unwrap_or_default(), text.get(at + found.len()..).unwrap_or_default());
        !part(before.chars().next_back()) && !part(behind.chars().next())
    })
}

/// Does the checker tell all that there is to tell of these uses? A line with a fault hides others of its definition.
fn is_checked(uses: &[Use], known: &Known<'_>) -> bool {
    let Some(faults) = known.faults else { return false };
    let mut errors = faults.iter().filter(|fault| fault.severity == Severity::Error).map(Diagnostic::span);
    errors.all(|error| uses.iter().all(|used| used.span.file != error.file))
}

/// Does each line that writes the field cut its value, or reject what is too long?
fn is_bounded(uses: &[Use], files: &Files) -> bool {
    let text = |span: Span| {
        let file = files.get(span.file)?;
        file.text.get(usize::try_from(span.start).ok()?..usize::try_from(span.end).ok()?)
    };
    let bounded = |text: &str| ["cut", "fit", "round"].iter().any(|word| names(text, word));
    let mut lines = uses.iter().filter(|used| used.how == How::Writes && used.by.starts_with("mapping"));
    lines.all(|used| text(used.span).is_some_and(bounded))
}

/// What a change means by itself. What depends on expressions, the checker has a say in where it can.
fn meaning(change: &Change, uses: &[Use], known: &Known<'_>) -> Class {
    let checked = is_checked(uses, known);
    let read = uses.iter().any(|used| used.how == How::Reads);
    let written = uses.iter().any(|used| used.how == How::Writes);
    let if_so = |so: bool, class: Class| if so { class } else { Class::Harmless };
    let unless_checked = |so: bool| if_so(so && !checked, Class::Breaking);
    match &change.kind {
        Kind::EntityGone | Kind::FieldGone | Kind::Retyped | Kind::Key => if_so(read || written, Class::Breaking),
        Kind::FieldNew { required } => if_so(*required && written, Class::Breaking),
        Kind::ReadOnly => if_so(written, Class::Breaking),
        Kind::WriteOnly => if_so(read, Class::Breaking),
        Kind::ChangedGone => if_so(read, Class::Breaking),
        Kind::Narrower => if_so(written, Class::Lossy).max(unless_checked(written && !is_bounded(uses, known.files))),
        Kind::Wider => unless_checked(read),
        // What takes it for something else goes by `otherwise`, where there is one.
        Kind::WordNew(_) => if_so(read, Class::Lossy).max(unless_checked(read)),
        Kind::WordGone(_) => unless_checked(read || written),
        Kind::Required => unless_checked(written),
        Kind::MayBeMissing => unless_checked(read),
        Kind::CreateOnly | Kind::ListUpdate => if_so(written, Class::Lossy),
        Kind::NaturalKey => if_so(read || written, Class::Lossy),
        Kind::EntityNew | Kind::Deprecated | Kind::Spelling | Kind::Eased => Class::Harmless,
    }
}

/// What to do about a change.
fn mend(change: &Change, class: Class, faults: &[Diagnostic]) -> String {
    let name = &change.name;
    if class == Class::Harmless {
        return match (&change.kind, faults) {
            (Kind::Spelling, _) => "compile the integration anew".to_owned(),
            (Kind::FieldNew { .. }, [_, ..]) => format!("map `{name}`, or say why not: leave {name} because \"...\""),
            (_, _) => String::new(),
        };
    }
    match &change.kind {
        Kind::FieldGone => match &change.perhaps {
            Some(other) => format!("write `{other}` instead of `{name}` if it was renamed, else remove the lines"),
            None => format!("remove the lines that speak of `{name}`, or take its value from elsewhere"),
        },
        Kind::EntityGone => "remove the mappings and flows, or find what stands for it now".to_owned(),
        Kind::EntityNew | Kind::Eased => String::new(),
        Kind::FieldNew { required: true } => format!("add a line to the mapping: {name} <- ..."),
        Kind::FieldNew { required: false } => format!("map `{name}`, or say why not: ignore {name} because \"...\""),
        Kind::Retyped => format!("map `{name}` anew for its new type"),
        Kind::Narrower => {
            format!("look whether what goes into `{name}` may be cut or rounded further, or must be rejected")
        }
        Kind::Wider => format!("say what happens to longer or finer values of `{name}`: `| cut`, `| fit`, `round`"),
        Kind::WordGone(word) => format!("remove \"{word}\" from rows, arms and comparisons"),
        Kind::WordNew(word) => format!("say what \"{word}\" means: a row of the table, an arm of the `match`"),
        Kind::Required => format!("see that `{name}` always gets a value: `otherwise ...`, or a line of its own"),
        Kind::MayBeMissing => format!("say what happens where `{name}` is missing: `otherwise ...`"),
        Kind::ReadOnly => format!("remove the lines that write `{name}`"),
        Kind::WriteOnly => format!("take the value of `{name}` from elsewhere"),
        Kind::CreateOnly => format!("write `{name}` in `on create` only, for updates leave it as it is"),
        Kind::Key | Kind::NaturalKey => {
            "look at every `by`, `find` and `linked` of it; links that exist hold the old key".to_owned()
        }
        Kind::ChangedGone => {
            "let the flow read everything (`reading everything`), or mark another field `changed`".to_owned()
        }
        Kind::ListUpdate => format!("look whether the whole list `{name}` is written, or only what is new"),
        Kind::Deprecated => format!("use what stands for `{name}` now"),
        Kind::Spelling => "compile the integration anew".to_owned(),
    }
}
