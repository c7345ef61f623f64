//! What is wrong in a manifest. In: a place and words. Out: plain data that a terminal or an editor can show.

/// A place in a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct At {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// How many `extends` away: 0 = the manifest itself, 1 = the one that it extends.
    pub layer: u8,
}

/// One fault of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFault {
    /// File name as given to [`crate::Manifest::parse`].
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// What is wrong: one sentence, lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl std::fmt::Display for ManifestFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ManifestFault {}

/// Faults found so far, with the file they stand in.
pub(crate) struct Faults {
    /// The manifest, then the one that it extends, and so on.
    files: Vec<String>,
    found: Vec<ManifestFault>,
}

impl Faults {
    pub(crate) fn new(files: &[String]) -> Self {
        Self { files: files.to_owned(), found: Vec::new() }
    }

    pub(crate) fn add(&mut self, at: At, message: impl Into<String>) {
        self.push(at, message.into(), None);
    }

    pub(crate) fn add_with_help(&mut self, at: At, message: impl Into<String>, help: impl Into<String>) {
        self.push(at, message.into(), Some(help.into()));
    }

    fn push(&mut self, at: At, message: String, help: Option<String>) {
        let file = self.files.get(usize::from(at.layer)).or_else(|| self.files.first()).cloned().unwrap_or_default();
        let fault = ManifestFault { file, line: at.line, column: at.column, message, help };
        // Defaults are merged into every entity, so one fault of theirs would be told once an entity.
        if !self.found.contains(&fault) {
            self.found.push(fault);
        }
    }

    /// How many there are so far.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    pub(crate) fn into_vec(mut self) -> Vec<ManifestFault> {
        let order = |file: &String| self.files.iter().position(|known| known == file);
        self.found.sort_by_key(|fault| (order(&fault.file), fault.line, fault.column));
        self.found
    }
}

/// The closest of `known` to a misspelt `word`, if one is close enough to be meant.
pub(crate) fn closest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let limit = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean ...` for a word that is not among `known`.
pub(crate) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str> + Clone) -> String {
    match closest(word, known.clone()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => {
            let all: Vec<&str> = known.into_iter().collect();
            if all.is_empty() { "there is none".to_owned() } else { format!("known here: {}", all.join(", ")) }
        }
    }
}
