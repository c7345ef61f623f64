//! What an integration's `build.rs` calls.
//!
//! In: a project's folder. Out: `integration.rs` in Cargo's output folder, or the spec's errors as compiler errors. The one part of this
//! crate that touches files, environment and standard output.
//!
//! ```text
//! fn main() {
//!     mapwright_codegen::build::compile(".");
//! }
//! ```
//!
//! and in `src/main.rs`: `mapwright_values::include_integration!();`, which makes the module `integration`.

use std::path::{Path, PathBuf};

use mapwright_syntax::render::{Style, render};
use mapwright_syntax::{Diagnostic, Files, Severity};

/// The name of the generated file in Cargo's output folder.
pub const FILE: &str = "integration.rs";

/// Compiles the project in `dir` (relative to the crate) into [`FILE`]. Ends the build with exit status 1 if the specs have errors.
pub fn compile(dir: &str) {
    let compiled = compile_project(Path::new(dir));
    say(&compiled);
    let written = match &compiled.code {
        Some(code) => write(code),
        None => false,
    };
    if !written {
        end();
    }
}

/// What there is to say of a project, and its code if it has no errors.
#[derive(Debug, Default)]
pub struct Compiled {
    /// Everything that was read: what it depends on.
    pub read: Vec<PathBuf>,
    /// One line each, for Cargo.
    pub errors: Vec<String>,
    /// One line each, for Cargo.
    pub warnings: Vec<String>,
    /// The errors and warnings at length, with their places, as rustc shows its own.
    pub rendered: Vec<String>,
    /// The generated file.
    pub code: Option<String>,
}

/// Reads, checks and emits a project.
#[must_use]
pub fn compile_project(dir: &Path) -> Compiled {
    let loaded = match mapwright_project::load(dir) {
        Ok(loaded) => loaded,
        Err(fault) => {
            return Compiled { errors: vec![fault.to_string()], read: vec![dir.to_owned()], ..Compiled::default() };
        }
    };
    let (model, checked) = mapwright_model::check(&loaded.project);
    let files = &loaded.project.files;
    let mut compiled = Compiled { read: loaded.read, ..Compiled::default() };
    let mut diagnostics = loaded.diagnostics;
    diagnostics.extend(checked);
    mapwright_syntax::render::sort(&mut diagnostics);
    for diagnostic in &diagnostics {
        compiled.add(diagnostic, files);
    }
    if compiled.errors.is_empty() {
        compiled.code = Some(crate::emit(&model, files));
    }
    compiled
}

impl Compiled {
    fn add(&mut self, diagnostic: &Diagnostic, files: &Files) {
        let (file, line, column) = files.place(diagnostic.span());
        let one_line =
            format!("{}: {} ({file}:{line}:{column})", diagnostic.code, diagnostic.headline.replace('\n', " "));
        match diagnostic.severity {
            Severity::Error => self.errors.push(one_line),
            Severity::Warning => self.warnings.push(one_line),
            // Notes are for `mapwright check`; a build is quiet about what is in order.
            Severity::Note => return,
        }
        self.rendered.push(render(diagnostic, files, Style::Plain));
    }
}

#[expect(
    clippy::disallowed_macros,
    reason = "Cargo reads a build script's standard output, and shows its standard error if it fails"
)]
fn say(compiled: &Compiled) {
    for path in &compiled.read {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    for warning in &compiled.warnings {
        println!("cargo::warning={warning}");
    }
    for error in &compiled.errors {
        println!("cargo::error={error}");
    }
    if !compiled.errors.is_empty() {
        for rendered in &compiled.rendered {
            eprintln!("{rendered}\n");
        }
        eprintln!("the specs have {} errors: mend them and build again", compiled.errors.len());
    }
}

#[expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a build script is told by the environment where to write"
)]
fn write(code: &str) -> bool {
    let Some(folder) = std::env::var_os("OUT_DIR") else {
        println!("cargo::error=OUT_DIR is not set: call `mapwright_codegen::build::compile` from a build script");
        return false;
    };
    let path = Path::new(&folder).join(FILE);
    match std::fs::write(&path, code) {
        Ok(()) => true,
        Err(fault) => {
            println!("cargo::error={} cannot be written: {fault}", path.display());
            false
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a build script reports failure by its exit status")]
fn end() -> ! {
    std::process::exit(1)
}
