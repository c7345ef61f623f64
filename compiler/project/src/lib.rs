//! Reads a project folder.
//!
//! In: a folder. Out: a [`Project`] ready to be checked, the faults of reading and parsing, and the list of everything that was
//! looked at (for `cargo:rerun-if-changed`). The one place of the compiler that reads files; it writes none and checks no meaning.

use std::path::{Path, PathBuf};

use mapwright_manifest::{Manifest, ManifestFault};
use mapwright_model::project::{Project, SystemSource};
use mapwright_syntax::tree::{Definition, TableRows, Text};
use mapwright_syntax::{Diagnostic, FileId, Severity};

use parse::{Extended, Job, Parsed};

mod cases;
mod disk;
mod parse;
mod samples;
mod uses;

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
    let mut reading = Reading::of(dir);
    let ids = reading.specs()?;
    // The systems are read beside the specs that use them. Where it turns out that others are used, all is read once more, in turn.
    let likely = uses::likely_used(&reading.loaded.project.files, &ids);
    let fetched = reading.fetch(&likely);
    if let Ok(found) = fetched {
        reading.parse(&ids, found);
        if reading.used_systems() == likely {
            return reading.finish();
        }
    }
    let mut reading = Reading::of(dir);
    let ids = reading.specs()?;
    reading.parse(&ids, Vec::new());
    reading.systems()?;
    reading.finish()
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
    reading.parse(&[id], Vec::new());
    reading.systems()?;
    reading.finish()
}

/// A load under way.
struct Reading<'d> {
    dir: &'d Path,
    loaded: Loaded,
}

/// A system whose folder was found, its files not parsed yet.
struct Found {
    name: String,
    catalogue: FileId,
    /// Its manifest, if it has one; else an empty file in its place.
    manifest: FileId,
    has_manifest: bool,
}

impl<'d> Reading<'d> {
    fn of(dir: &'d Path) -> Self {
        let mut reading = Reading { dir, loaded: Loaded::default() };
        reading.loaded.project.name = disk::folder_name(dir);
        reading.loaded.read.push(dir.to_owned());
        reading
    }

    fn add(&mut self, shown: &str, path: PathBuf) -> Result<FileId, LoadError> {
        let text = disk::read_text(&path)?;
        Ok(self.add_text(shown, path, text))
    }

    fn add_text(&mut self, shown: &str, path: PathBuf, text: String) -> FileId {
        self.loaded.read.push(path.clone());
        self.loaded.paths.push(path);
        self.loaded.project.files.add(shown, text)
    }

    /// The project's own specs, not parsed yet.
    fn specs(&mut self) -> Result<Vec<FileId>, LoadError> {
        let specs = disk::spec_files_in(self.dir)?;
        if specs.is_empty() {
            return Err(LoadError::NoSpecs(self.dir.to_owned()));
        }
        specs.into_iter().map(|path| self.add(&disk::file_name(&path), path)).collect()
    }

    /// Parses specs and the files of systems, side by side, and keeps what is in them.
    fn parse(&mut self, specs: &[FileId], found: Vec<Found>) {
        let catalogues = found.iter().map(|found| Job::Specs(found.catalogue));
        let manifests =
            found.iter().filter(|found| found.has_manifest).map(|found| Job::Manifest(found.manifest, self.dir));
        let jobs: Vec<Job<'_>> = specs.iter().map(|id| Job::Specs(*id)).chain(catalogues).chain(manifests).collect();
        let (mut trees, mut manifests) = (Vec::new(), Vec::new());
        for parsed in parse::parse_all(&self.loaded.project.files, &jobs) {
            match parsed {
                Parsed::Specs(tree, faults) => {
                    self.note_unread(&faults);
                    self.loaded.diagnostics.extend(faults);
                    trees.push(tree);
                }
                Parsed::Manifest(id, manifest, extended) => {
                    manifests.push((id, self.manifest(id, *manifest, extended)));
                }
            }
        }
        let mut trees = trees.into_iter();
        self.loaded.project.specs.extend(specs.iter().copied().zip(trees.by_ref()));
        for (found, tree) in found.into_iter().zip(trees) {
            let parsed =
                manifests.iter_mut().find(|(id, _)| *id == found.manifest).and_then(|(_, parsed)| parsed.take());
            let (catalogue, manifest) = ((found.catalogue, tree), (found.manifest, parsed));
            self.loaded.project.systems.push(SystemSource { name: found.name, catalogue, manifest });
        }
    }

    fn note_unread(&mut self, faults: &[Diagnostic]) {
        let errors = faults.iter().filter(|fault| fault.severity == Severity::Error);
        // What nests too deeply costs its whole definition, whose name a label shows.
        let told = |fault: &&Diagnostic| fault.code == "E0105";
        let heads = faults.iter().filter(told).flat_map(|fault| fault.labels.iter().map(|label| label.span));
        self.loaded.project.unread.extend(errors.map(Diagnostic::span).chain(heads));
    }

    /// Reads the catalogue and the manifest of every system that a spec uses.
    fn systems(&mut self) -> Result<(), LoadError> {
        let found = self.fetch(&self.used_systems())?;
        self.parse(&[], found);
        Ok(())
    }

    fn used_systems(&self) -> Vec<Text> {
        uses::used(self.loaded.project.specs.iter().map(|(_, tree)| tree))
    }

    /// Adds the files of systems. The checker tells of a system that is not there: it knows the names that come close.
    fn fetch(&mut self, names: &[Text]) -> Result<Vec<Found>, LoadError> {
        let mut all = Vec::new();
        for name in names {
            let Some(folder) = disk::system_folder(self.dir, SYSTEMS, &name.text, CATALOGUE) else { continue };
            let catalogue = self.add(&format!("{}/{CATALOGUE}", name.text), folder.join(CATALOGUE))?;
            let (shown, path) = (format!("{}/{MANIFEST}", name.text), folder.join(MANIFEST));
            let has_manifest = path.is_file();
            let manifest = if has_manifest { self.add(&shown, path)? } else { self.no_manifest(name, &shown, &folder) };
            all.push(Found { name: name.text.clone(), catalogue, manifest, has_manifest });
        }
        Ok(all)
    }

    /// The system keeps its place with an empty manifest, so that its catalogue is checked all the same.
    fn no_manifest(&mut self, name: &Text, shown: &str, folder: &Path) -> FileId {
        self.loaded.diagnostics.push(
            Diagnostic::error("E0702", name.span, format!("the system \"{}\" has no connector manifest", name.text))
                .here(format!("`{shown}` was not found"))
                .help(format!("add `{MANIFEST}` beside its `{CATALOGUE}`: it says how the system is reached")),
        );
        // Whoever watches what was read will see the manifest come. Else the folder is left out: much lies there that is not read.
        self.loaded.read.push(folder.to_owned());
        self.loaded.paths.push(folder.join(MANIFEST));
        self.loaded.project.files.add(shown, "")
    }

    /// Keeps the manifests that one extends, and says what is wrong in any of them.
    fn manifest(
        &mut self,
        id: FileId,
        parsed: Result<Manifest, Vec<ManifestFault>>,
        extended: Vec<Extended>,
    ) -> Option<Manifest> {
        let mut ids = vec![id];
        ids.extend(extended.into_iter().map(|one| self.add_text(&one.shown, one.path, one.text)));
        let faults = match parsed {
            Ok(manifest) => return Some(manifest),
            Err(faults) => faults,
        };
        let files = &self.loaded.project.files;
        for fault in faults {
            let named = ids.iter().find(|id| files.get(**id).is_some_and(|file| file.path == fault.file));
            let id = *named.unwrap_or(&id);
            let text = files.get(id).map_or("", |file| file.text.as_str());
            let span = disk::line_span(id, text, fault.line, fault.column);
            let mut diagnostic = Diagnostic::error("E0701", span, fault.message);
            diagnostic.help.extend(fault.help);
            self.loaded.diagnostics.push(diagnostic);
        }
        None
    }

    fn finish(mut self) -> Result<Loaded, LoadError> {
        self.csv_files()?;
        self.loaded.project.known_systems = disk::known_systems(self.dir, SYSTEMS, CATALOGUE);
        Ok(self.loaded)
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
