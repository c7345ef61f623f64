//! Finds golden cases. In: a project's folder. Out: the texts of each case. What they mean is the preview's business.

use std::path::{Path, PathBuf};

use crate::disk::{LoadError, entries, file_name, read_text, read_text_if_there};

/// The files of one case, `cases/MAPPING/CASE/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFiles {
    /// The mapping: the name of the outer folder.
    pub mapping: String,
    /// The case: the name of the inner folder.
    pub name: String,
    /// Where it lies.
    pub folder: PathBuf,
    /// `input.json`.
    pub input: String,
    /// `references.json`.
    pub references: Option<String>,
    /// `cases/settings.json`: what every case of the project shares.
    pub shared_settings: Option<String>,
    /// `settings.json` of this case, laid over the shared ones.
    pub settings: Option<String>,
    /// `captured_at.txt`.
    pub captured_at: Option<String>,
    /// `expected.json`; a case that was never accepted has none.
    pub expected: Option<String>,
}

/// Every case of the project in `dir`, sorted by mapping and name; none where there is no `cases` folder.
///
/// # Errors
/// A file or folder cannot be read, or a case has no `input.json`.
pub fn cases(dir: &Path) -> Result<Vec<CaseFiles>, LoadError> {
    let root = dir.join("cases");
    let mut found = Vec::new();
    if !root.is_dir() {
        return Ok(found);
    }
    let shared_settings = read_text_if_there(&root.join("settings.json"))?;
    for mapping in entries(&root)?.into_iter().filter(|path| path.is_dir()) {
        for folder in entries(&mapping)?.into_iter().filter(|path| path.is_dir()) {
            found.push(CaseFiles {
                mapping: file_name(&mapping),
                name: file_name(&folder),
                input: read_text(&folder.join("input.json"))?,
                references: read_text_if_there(&folder.join("references.json"))?,
                shared_settings: shared_settings.clone(),
                settings: read_text_if_there(&folder.join("settings.json"))?,
                captured_at: read_text_if_there(&folder.join("captured_at.txt"))?,
                expected: read_text_if_there(&folder.join("expected.json"))?,
                folder,
            });
        }
    }
    Ok(found)
}
