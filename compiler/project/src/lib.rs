//! Reads a project folder.
//!
//! In: a folder. Out: a [`Project`] ready to be checked, the faults of reading and parsing, and the list of everything that was
//! looked at (for `cargo:rerun-if-changed`). The one place of the compiler that reads files; it writes none and checks no meaning.

use std::path::{Path, PathBuf};

use mapwright_manifest::Manifest;
use mapwright_model::project::{Project, SystemSource};
use mapwright_syntax::tree::{Definition, TableRows, Text, Tree};
use mapwright_syntax::{Diagnostic, FileId, Severity, Span};

mod cases;
mod disk;
mod parse;
mod samples;

pub use cases::{CaseFiles, SHARED_SETTINGS, cases};
pub use disk::{LoadError, spec_files};
pub use samples::{Sample, samples};

/// Every code that this crate reports, each with its page in `docs/checks/`.
pub const CODES: &[&str] = &["E0701", "E0702", "E0705"];

/// The name of a system's catalogue in its folder.
const CATALOGUE: &str = "catalogue.mapspec";
/// The name of a system's connector manifest in its folder.
const MANIFEST: &str = "connector.yaml";
/// The folder, in the project's own or one above it, that holds the systems.
const SYSTEMS: &str = "systems";

/// A project as it was found on disk.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What the checker takes.
    pub project: Project,
    /// Faults of syntax and of manifests. What a spec names and is not there, the checker tells.
    pub diagnostics: Vec<Diagnostic>,
    /// Every file and folder looked at.
    pub read: Vec<PathBuf>,
    /// Where each file of `project.files` lies, by its id.
    pub paths: Vec<PathBuf>,
}

/// Reads the project in `dir`: its `*.mapspec` files, the systems they use, and the CSV files of their tables.
///
/// # Errors
/// The folder or a file in it cannot be read, or there is no spec in it.
pub fn load(dir: &Path) -> Result<Loaded, LoadError> {
    let specs = disk::spec_files_in(dir)?;
    if specs.is_empty() {
        return Err(LoadError::NoSpecs(dir.to_owned()));
    }
    let mut reading = Reading { dir, loaded: Loaded::default() };
    reading.loaded.project.name = disk::folder_name(dir);
    reading.loaded.read.push(dir.to_owned());
    let mut ids = Vec::with_capacity(specs.len());
    for path in specs {
        let shown = disk::file_name(&path);
        ids.push(reading.add(&shown, path)?);
    }
    let trees = reading.parse(&ids);
    reading.loaded.project.specs = ids.into_iter().zip(trees).collect();
    reading.systems()?;
    reading.csv_files()?;
    reading.loaded.project.known_systems = disk::known_systems(dir, SYSTEMS, CATALOGUE);
    Ok(reading.loaded)
}

/// Reads one system alone, as a project would that does nothing but use it under its own name; `dir` is where the search for
/// its folder begins.
///
/// # Errors
/// A file cannot be read. A system that is not there is told by the checker.
pub fn load_system(dir: &Path, name: &str) -> Result<Loaded, LoadError> {
    let mut reading = Reading { dir, loaded: Loaded::default() };
    reading.loaded.project.name = name.to_owned();
    let line = format!("use \"{}\" as it\n", name.replace(['"', '\\', '{', '}'], ""));
    let id = reading.loaded.project.files.add("the command line", line);
    reading.loaded.paths.push(PathBuf::from("the command line"));
    let trees = reading.parse(&[id]);
    reading.loaded.project.specs = std::iter::once(id).zip(trees).collect();
    reading.systems()?;
    reading.loaded.project.known_systems = disk::known_systems(dir, SYSTEMS, CATALOGUE);
    Ok(reading.loaded)
}

/// A load under way.
struct Reading<'d> {
    dir: &'d Path,
    loaded: Loaded,
}

impl Reading<'_> {
    fn add(&mut self, shown: &str, path: PathBuf) -> Result<FileId, LoadError> {
        let text = disk::read_text(&path)?;
        self.loaded.read.push(path.clone());
        self.loaded.paths.push(path);
        Ok(self.loaded.project.files.add(shown, text))
    }

    /// The trees of files, in their order.
    fn parse(&mut self, ids: &[FileId]) -> Vec<Tree> {
        let mut trees = Vec::with_capacity(ids.len());
        for (tree, mut faults) in parse::parse_all(&self.loaded.project.files, ids) {
            let errors = faults.iter().filter(|fault| fault.severity == Severity::Error);
            // What nests too deeply costs its whole definition, whose name a label shows.
            let told = |fault: &&Diagnostic| fault.code == "E0105";
            let heads = faults.iter().filter(told).flat_map(|fault| fault.labels.iter().map(|label| label.span));
            let places: Vec<Span> = errors.map(Diagnostic::span).chain(heads).collect();
            self.loaded.project.unread.extend(places);
            self.loaded.diagnostics.append(&mut faults);
            trees.push(tree);
        }
        trees
    }

    /// Reads the catalogue and the manifest of every system that a spec uses.
    fn systems(&mut self) -> Result<(), LoadError> {
        let mut found = Vec::new();
        for name in self.used_systems() {
            // The checker tells of a system that is not there: it knows the names that come close.
            let Some(folder) = disk::system_folder(self.dir, SYSTEMS, &name.text, CATALOGUE) else { continue };
            let catalogue = self.add(&format!("{}/{CATALOGUE}", name.text), folder.join(CATALOGUE))?;
            let manifest = self.manifest(&name, &folder)?;
            found.push((name.text, catalogue, manifest));
        }
        let catalogues: Vec<FileId> = found.iter().map(|(_, catalogue, _)| *catalogue).collect();
        let trees = self.parse(&catalogues);
        for ((name, catalogue, manifest), tree) in found.into_iter().zip(trees) {
            self.loaded.project.systems.push(SystemSource { name, catalogue: (catalogue, tree), manifest });
        }
        Ok(())
    }

    /// The systems named by `use`, each once, in order.
    fn used_systems(&self) -> Vec<Text> {
        let mut used: Vec<Text> = Vec::new();
        for definition in self.loaded.project.specs.iter().flat_map(|(_, tree)| &tree.definitions) {
            if let Definition::Use(line) = definition
                && used.iter().all(|known| known.text != line.system.text)
            {
                used.push(line.system.clone());
            }
        }
        used
    }

    fn manifest(&mut self, name: &Text, folder: &Path) -> Result<(FileId, Option<Manifest>), LoadError> {
        let shown = format!("{}/{MANIFEST}", name.text);
        let path = folder.join(MANIFEST);
        if !path.is_file() {
            self.loaded.diagnostics.push(
                Diagnostic::error(
                    "E0702",
                    name.span,
                    format!("the system \"{}\" has no connector manifest", name.text),
                )
                .here(format!("`{shown}` was not found"))
                .help(format!("add `{MANIFEST}` beside its `{CATALOGUE}`: it says how the system is reached")),
            );
            // Whoever watches what was read will see the manifest come. Else the folder is left out: much lies there that is not read.
            self.loaded.read.push(folder.to_owned());
            // The system keeps its place with an empty manifest, so that its catalogue is checked all the same.
            self.loaded.paths.push(path);
            return Ok((self.loaded.project.files.add(shown, ""), None));
        }
        let id = self.add(&shown, path)?;
        let text = self.loaded.project.files.get(id).map(|file| file.text.clone()).unwrap_or_default();
        let below = std::cell::RefCell::new(Vec::new());
        let read = |name: &str| {
            let path = disk::system_folder(self.dir, SYSTEMS, name, CATALOGUE)?.join(MANIFEST);
            let text = disk::read_text(&path).ok()?;
            below.borrow_mut().push((format!("{name}/{MANIFEST}"), path));
            Some(text)
        };
        let parsed = Manifest::parse_over(&text, &shown, &read);
        let mut places = vec![(shown, id, text)];
        for (shown, path) in below.into_inner() {
            let id = self.add(&shown, path)?;
            let text = self.loaded.project.files.get(id).map(|file| file.text.clone()).unwrap_or_default();
            places.push((shown, id, text));
        }
        match parsed {
            Ok(manifest) => Ok((id, Some(manifest))),
            Err(faults) => {
                for fault in faults {
                    let place = places.iter().find(|(shown, _, _)| *shown == fault.file).or_else(|| places.first());
                    let Some((_, id, text)) = place else { continue };
                    let span = disk::line_span(*id, text, fault.line, fault.column);
                    let mut diagnostic = Diagnostic::error("E0701", span, fault.message);
                    diagnostic.help.extend(fault.help);
                    self.loaded.diagnostics.push(diagnostic);
                }
                Ok((id, None))
            }
        }
    }

    /// Reads every CSV file that a table names and that lies in the project; the checker tells of the others.
    fn csv_files(&mut self) -> Result<(), LoadError> {
        for name in self.csv_names() {
            if let Some(path) = disk::inside(self.dir, &name).filter(|path| path.is_file()) {
                let id = self.add(&name, path)?;
                self.loaded.project.csv.push((name, id));
            }
        }
        Ok(())
    }

    /// The CSV files that tables name, each once, in order.
    fn csv_names(&self) -> Vec<String> {
        let mut named: Vec<String> = Vec::new();
        for definition in self.loaded.project.specs.iter().flat_map(|(_, tree)| &tree.definitions) {
            if let Definition::Table(table) = definition
                && let TableRows::Csv { file, .. } = &table.rows
                && !named.contains(&file.text)
            {
                named.push(file.text.clone());
            }
        }
        named
    }
}

#[cfg(test)]
mod tests;
