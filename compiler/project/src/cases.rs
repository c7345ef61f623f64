//! Finds golden cases. In: a project's folder. Out: the texts of each case. What they mean is the preview's business.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::disk::{LoadError, entries, file_name, read_text_if_there};

/// One case, `cases/MAPPING/CASE/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFiles {
    /// The mapping: the name of the outer folder.
    pub mapping: String,
    /// The case: the name of the inner folder.
    pub name: String,
    /// Where it lies.
    pub folder: PathBuf,
    /// The texts of those of its `FILES` that there are, by name, and of [`SHARED_SETTINGS`].
    pub texts: BTreeMap<String, String>,
}

/// The files that a case may have; the first it must have.
const FILES: &[&str] = &["input.json", "references.json", "settings.json", "captured_at.txt", "expected.json"];
/// The file that every case has.
const INPUT: &str = "input.json";
/// What every case of a project shares, by its path in the project.
pub const SHARED_SETTINGS: &str = "cases/settings.json";

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
    let shared_settings = read_text_if_there(&dir.join(SHARED_SETTINGS))?;
    for mapping in entries(&root)?.into_iter().filter(|path| path.is_dir()) {
        for folder in entries(&mapping)?.into_iter().filter(|path| path.is_dir()) {
            let mut texts = BTreeMap::new();
            if !folder.join(INPUT).is_file() {
                return Err(LoadError::NoInput(folder));
            }
            for name in FILES {
                let text = read_text_if_there(&folder.join(name))?;
                texts.extend(text.map(|text| ((*name).to_owned(), text)));
            }
            texts.extend(shared_settings.clone().map(|text| (SHARED_SETTINGS.to_owned(), text)));
            found.push(CaseFiles { mapping: file_name(&mapping), name: file_name(&folder), folder, texts });
        }
    }
    Ok(found)
}
