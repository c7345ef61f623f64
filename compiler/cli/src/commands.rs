//! One file a command. In: its arguments. Out: a status, or one sentence about why it could not be carried out.

use std::path::{Path, PathBuf};

use mapwright_model::ir::Model;
use mapwright_project::Loaded;
use mapwright_syntax::{Diagnostic, Files, Severity};

use crate::arguments::{Arguments, Command, Format};
use crate::report::{Status, Stream, Tally, tell};
use crate::threads;

mod check;
mod drift;
mod explain;
mod fmt;
mod generate;
mod import;
mod new;
mod preview;
mod samples;
mod sandbox;
mod test;

/// What a command answers.
pub(crate) type Answer = Result<Status, String>;

/// Carries out a command.
pub(crate) fn run(arguments: &Arguments) -> Answer {
    match &arguments.command {
        Command::Check { dir, format, watch: false } => check::run(dir, *format),
        Command::Check { dir, format, watch: true } => check::watch(dir, *format),
        Command::Fmt { check, files } => fmt::run(files, *check),
        Command::Generate { dir, output } => generate::run(dir, output.as_deref()),
        Command::Preview { mapping, input, references, settings, why, dir } => preview::run(
            dir,
            mapping,
            input,
            &preview::Given { references: references.as_deref(), settings: settings.as_deref() },
            why.as_deref(),
        ),
        Command::Test { dir, accept, strict } => test::run(dir, *accept, *strict),
        Command::Drift { old, new, project, system, format } => {
            drift::run(&drift::Asked { old, new, project, system: system.as_deref(), format: *format })
        }
        Command::Import { sources, list: true, .. } => import::list(sources),
        Command::Import { sources, output, manifest, force, system, entities, list: false } => {
            let wanted = mapwright_import::Wanted {
                system: system.clone(),
                entities: entities.clone(),
                folder: manifest.as_deref().and_then(import::folder),
            };
            let files = import::Files { catalogue: output.as_deref(), manifest: manifest.as_deref(), force: *force };
            import::run(sources, &wanted, &files)
        }
        Command::New { dir } => new::run(dir),
        Command::Sandbox { system, listen, records, seed, config, faults, dir } => sandbox::run(&sandbox::Wanted {
            system,
            listen: *listen,
            records: *records,
            seed: *seed,
            config,
            faults: *faults,
            dir,
        }),
        Command::Explain { code } => explain::run(code.as_deref()),
    }
}

/// Is this the folder of a system? Where the search for systems begins, and its name.
fn system_at(folder: &Path) -> Result<Option<(PathBuf, String)>, String> {
    if !folder.join("catalogue.mapspec").is_file() {
        return Ok(None);
    }
    let whole = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // `.../systems/NAME`: the search begins above.
    Ok(Some((whole.ancestors().nth(2).unwrap_or(&whole).to_owned(), name)))
}

/// A project, checked.
pub(crate) struct Checked {
    pub(crate) loaded: Loaded,
    pub(crate) model: Model,
    /// In the order of files and places.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// How many samples of a system were compared with its catalogue.
    pub(crate) samples: usize,
}

impl Checked {
    /// Reads and checks a project; its examples are evaluated where nothing else is wrong.
    pub(crate) fn load(dir: &Path) -> Result<Checked, String> {
        threads::make_for(dir);
        mapwright_project::load(dir).map(Checked::of).map_err(|fault| fault.to_string())
    }

    /// Reads and checks a system alone.
    pub(crate) fn load_system(dir: &Path, name: &str) -> Result<Checked, String> {
        mapwright_project::load_system(dir, name).map(Checked::of).map_err(|fault| fault.to_string())
    }

    /// Reads and checks what lies there: a project, or a system with its samples.
    pub(crate) fn load_any(dir: &Path) -> Result<Checked, String> {
        // A catalogue that lies among the specs of a project, and in no folder `systems`, is one of them.
        let system = system_at(dir)?.filter(|(above, name)| above.join("systems").join(name).is_dir());
        let Some((above, name)) = system else { return Checked::load(dir) };
        let mut checked = Checked::load_system(&above, &name)?;
        samples::check(&mut checked, dir);
        Ok(checked)
    }

    fn of(mut loaded: Loaded) -> Checked {
        let mut diagnostics = std::mem::take(&mut loaded.diagnostics);
        let (model, found) = mapwright_model::check(&loaded.project);
        diagnostics.extend(found);
        let mut checked = Checked { loaded, model, diagnostics, samples: 0 };
        if !checked.has_errors() {
            let wrong = mapwright_preview::run_examples(&checked.model, &checked.loaded.project.files);
            checked.diagnostics.extend(wrong);
        }
        mapwright_syntax::render::sort(&mut checked.diagnostics);
        checked
    }

    pub(crate) fn files(&self) -> &Files {
        &self.loaded.project.files
    }

    pub(crate) fn paths(&self) -> &[PathBuf] {
        &self.loaded.paths
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Tells the errors on standard error, where a command has other things to put on standard output. Warnings are `check`'s business.
    pub(crate) fn tell_errors(&self) {
        let errors: Vec<Diagnostic> =
            self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).cloned().collect();
        if !errors.is_empty() {
            tell(&errors, self.files(), self.paths(), Format::Human, Stream::Error);
            Stream::Error.say(Tally::of(&errors).summary(self.paths().len()));
        }
    }
}
