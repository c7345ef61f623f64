//! What the checker is given: parsed files and manifests. Reading them from disk is `mapwright-project`'s work.

use mapwright_manifest::Manifest;
use mapwright_syntax::tree::Tree;
use mapwright_syntax::{FileId, Files, Span};

/// A system's folder.
#[derive(Debug)]
pub struct SystemSource {
    /// `shopware-6`.
    pub name: String,
    /// Its catalogue.
    pub catalogue: (FileId, Tree),
    /// Its manifest as text and as data; `None` where it could not be read (reported already).
    pub manifest: (FileId, Option<Manifest>),
}

/// A project ready to be checked.
#[derive(Debug, Default)]
pub struct Project {
    /// The project's name (its folder).
    pub name: String,
    /// All files, specs and catalogues and manifests and CSV files.
    pub files: Files,
    /// The project's own specs in order of their paths.
    pub specs: Vec<(FileId, Tree)>,
    /// Systems that the specs `use`, as far as they were found.
    pub systems: Vec<SystemSource>,
    /// CSV files that tables name, by the name they are called by.
    pub csv: Vec<(String, FileId)>,
    /// Where the files' text does not follow the grammar. What stands there is not in the trees, so nothing is said of what
    /// follows from that.
    pub unread: Vec<Span>,
    /// Names of the systems that could be used, for suggestions.
    pub known_systems: Vec<String>,
}
