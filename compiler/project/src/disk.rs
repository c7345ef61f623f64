//! Finding and reading files. In: paths. Out: texts, or one sentence about what cannot be read. It knows nothing of specs but their names.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use mapwright_syntax::{FileId, Span};

/// Why a project could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such folder.
    #[error("{0} is no folder: name the folder that holds the project's *.mapspec files")]
    NoFolder(PathBuf),
    /// The folder holds no spec.
    #[error("{0} holds no *.mapspec file: name the folder of a project")]
    NoSpecs(PathBuf),
    /// A file or folder cannot be read.
    #[error("{}", unreadable_in_words(path, why))]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        why: io::Error,
    },
    /// A case has no input.
    #[error("the case {0} has no input.json: put the record into it")]
    NoInput(PathBuf),
    /// A file is not UTF-8.
    #[error("{path} is not UTF-8 text (byte {at} is the first that does not fit): save it as UTF-8")]
    NotText {
        /// Which.
        path: PathBuf,
        /// Offset of the first byte that does not fit.
        at: usize,
    },
}

fn unreadable_in_words(path: &Path, why: &io::Error) -> String {
    let path = path.display();
    match why.kind() {
        io::ErrorKind::NotFound => format!("there is no {path}"),
        io::ErrorKind::PermissionDenied => format!("{path} may not be read: look at its permissions"),
        _ => format!("{path} cannot be read: {why}"),
    }
}

impl LoadError {
    pub(crate) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> LoadError {
        let path = path.to_owned();
        move |why| LoadError::Unreadable { path, why }
    }
}

/// The text of a file, without a byte order mark.
pub(crate) fn read_text(path: &Path) -> Result<String, LoadError> {
    let bytes = fs::read(path).map_err(LoadError::unreadable(path))?;
    let text = String::from_utf8(bytes)
        .map_err(|fault| LoadError::NotText { path: path.to_owned(), at: fault.utf8_error().valid_up_to() })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The text of a file that need not be there.
pub(crate) fn read_text_if_there(path: &Path) -> Result<Option<String>, LoadError> {
    if path.is_file() { read_text(path).map(Some) } else { Ok(None) }
}

/// Everything in a folder, sorted by name.
pub(crate) fn entries(dir: &Path) -> Result<Vec<PathBuf>, LoadError> {
    if !dir.is_dir() {
        return Err(LoadError::NoFolder(dir.to_owned()));
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(LoadError::unreadable(dir))? {
        found.push(entry.map_err(LoadError::unreadable(dir))?.path());
    }
    found.sort();
    Ok(found)
}

/// The `*.mapspec` files directly in a folder, sorted by name.
pub(crate) fn spec_files_in(dir: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let mut found = entries(dir)?;
    found.retain(|path| path.is_file() && path.extension().is_some_and(|extension| extension == "mapspec"));
    Ok(found)
}

/// Specs with their texts, sorted: the named file itself, or every `*.mapspec` in the named folder and the folders in it.
///
/// # Errors
/// Something cannot be read.
pub fn spec_files(path: &Path) -> Result<Vec<(PathBuf, String)>, LoadError> {
    let mut found = Vec::new();
    if path.is_dir() {
        spec_files_below(path, FOLDERS_MAX, &mut found)?
    } else {
        found.push(path.to_owned())
    }
    found.into_iter().map(|path| read_text(&path).map(|text| (path, text))).collect()
}

/// How deep folders are searched for specs.
const FOLDERS_MAX: usize = 16;

fn spec_files_below(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    found.extend(spec_files_in(dir)?);
    for folder in entries(dir)?.into_iter().filter(|path| path.is_dir() && !path.is_symlink()) {
        let name = file_name(&folder);
        if depth > 0 && !name.starts_with('.') && name != "target" {
            spec_files_below(&folder, depth - 1, found)?;
        }
    }
    Ok(())
}

/// The last part of a path, as text.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The name of a folder, also for `.` and `..`.
pub(crate) fn folder_name(dir: &Path) -> String {
    file_name(&dir.canonicalize().unwrap_or_else(|_| dir.to_owned()))
}

/// The folder and those above it, nearest first.
fn upwards(dir: &Path) -> Vec<PathBuf> {
    let whole = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    whole.ancestors().map(Path::to_owned).collect()
}

/// The nearest `systems/NAME` that holds a catalogue.
pub(crate) fn system_folder(dir: &Path, systems: &str, name: &str, catalogue: &str) -> Option<PathBuf> {
    // A name with path parts in it could lead anywhere; a system is one folder.
    if name.is_empty() || Path::new(name).components().any(|part| !matches!(part, Component::Normal(_))) {
        return None;
    }
    let folders = upwards(dir).into_iter().map(|above| above.join(systems).join(name));
    folders.into_iter().find(|folder| folder.join(catalogue).is_file())
}

/// The names of all systems that could be used, sorted.
pub(crate) fn known_systems(dir: &Path, systems: &str, catalogue: &str) -> Vec<String> {
    let mut known = Vec::new();
    for folder in upwards(dir).into_iter().map(|above| above.join(systems)) {
        let found = entries(&folder).unwrap_or_default();
        known.extend(found.iter().filter(|path| path.join(catalogue).is_file()).map(|path| file_name(path)));
    }
    known.sort();
    known.dedup();
    known
}

/// A file inside the project's folder; `None` where the name leads out of it.
pub(crate) fn inside(dir: &Path, name: &str) -> Option<PathBuf> {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    let path = dir.join(name);
    if !plain || name.is_empty() {
        return None;
    }
    // A symbolic link may lead out as well.
    match (path.canonicalize(), dir.canonicalize()) {
        (Ok(real), Ok(root)) if !real.starts_with(&root) => None,
        (Ok(_) | Err(_), Ok(_) | Err(_)) => Some(path),
    }
}

/// From a column of a line (both from 1) to the end of that line.
pub(crate) fn line_span(file: FileId, text: &str, line: u32, column: u32) -> Span {
    let mut start = 0_usize;
    for (index, content) in text.split_inclusive('\n').enumerate() {
        if index + 1 == line as usize {
            let content = content.trim_end_matches(['\n', '\r']);
            let skipped: usize = content.chars().take(column.saturating_sub(1) as usize).map(char::len_utf8).sum();
            return span(file, start + skipped, start + content.len());
        }
        start += content.len();
    }
    span(file, text.len(), text.len())
}

fn span(file: FileId, start: usize, end: usize) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { file, start: offset(start), end: offset(end) }
}
