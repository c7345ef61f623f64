//! What fuzzing begins with: everything of its kind in the repository, and every input that was ever found to break something.
//!
//! In: the repository's folder. Out: texts for each target. `tests/fuzz/found/TARGET` holds the findings.

use std::path::{Path, PathBuf};

use crate::bodies::DIVIDER;

/// The seeds of a target, sorted by where they come from.
pub fn seeds(repository: &Path, target: &str) -> Vec<String> {
    let mut texts = match target {
        "syntax" => all(repository, "mapspec"),
        "check" => check(repository),
        "preview" => preview(repository),
        "manifest" => all(&repository.join("specs/systems"), "yaml"),
        "json" => all(repository, "json"),
        "functions" => functions(),
        "import" => all(&repository.join("compiler/import/tests/descriptions"), ""),
        other => panic!("no target {other}"),
    };
    texts.extend(found(repository, target));
    texts
}

/// What was ever found for a target.
pub fn found(repository: &Path, target: &str) -> Vec<String> {
    all(&repository.join("tests/fuzz/found").join(target), "")
}

/// Specs of the corpus and small broken ones.
fn check(repository: &Path) -> Vec<String> {
    let mut texts = all(&repository.join("tests/corpus"), "spec.mapspec");
    texts.extend(all(&repository.join("compiler/syntax/tests/faults"), "mapspec"));
    let erp = read(&repository.join("tests/corpus/erp.mapspec"));
    texts
        .push(format!("mapping m from shop.order as o to part of erp.Orders {{\n  Code <- o.number\n}}{DIVIDER}{erp}"));
    texts
}

/// Cases of the corpus: spec, input, references, settings.
fn preview(repository: &Path) -> Vec<String> {
    let mut specs = Vec::new();
    paths(&repository.join("tests/corpus"), "spec.mapspec", &mut specs);
    let case = |spec: PathBuf| {
        let beside = |name: &str, without: &str| {
            let path = spec.with_file_name(name);
            if path.is_file() { read(&path) } else { without.to_owned() }
        };
        let parts =
            [read(&spec), beside("input.json", "{}"), beside("references.json", "[]"), beside("settings.json", "{}")];
        parts.join(DIVIDER)
    };
    specs.into_iter().map(case).collect()
}

/// A call of every function, made of its examples.
fn functions() -> Vec<String> {
    let arguments = [
        "\"Müller\"",
        "12.5",
        "[1, 2, null]",
        "true",
        "\"2026-03-29\"",
        "\"2026-03-29T01:30:00Z\"",
        "\"Europe/Berlin\"",
    ];
    let call = |name: &str, at: usize| {
        let given: Vec<&str> = arguments.iter().cycle().skip(at).take(4).copied().collect();
        format!("{name}\n{}", given.join("\n"))
    };
    let names = mapwright_values::functions::functions().map(|function| function.name);
    names.enumerate().flat_map(|(at, name)| [call(name, at), call(name, at + 3)]).collect()
}

fn all(folder: &Path, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    paths(folder, ending, &mut found);
    found.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// Files below a folder whose names end so.
fn paths(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                paths(&path, ending, found);
            }
        } else if name.ends_with(ending) && path.metadata().is_ok_and(|data| data.len() < 64 * 1024) {
            found.push(path);
        }
    }
}
