//! A build says what is wrong with a spec by its own file and line, and lists what it read.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test: what is not as expected ends it")]

use std::path::{Path, PathBuf};

use mapwright_codegen::build::compile_project;

/// A folder of its own for each test, under Cargo's folder for tests.
fn project(name: &str, spec: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("orders.mapspec"), spec).unwrap();
    dir
}

#[test]
fn a_fault_names_file_line_and_column_and_gives_no_code() {
    let dir =
        project("faulty", "setting zone text = \"Europe/Berlin\"\n\nrule twice(n integer) integer = n * factor\n");
    let compiled = compile_project(&dir);
    assert!(compiled.code.is_none());
    assert!(compiled.errors.iter().any(|error| error.contains("orders.mapspec:3:")), "{:?}", compiled.errors);
    assert!(compiled.rendered.iter().any(|text| text.contains("--> orders.mapspec:3:")), "{:?}", compiled.rendered);
    assert!(compiled.read.contains(&dir.join("orders.mapspec")), "{:?}", compiled.read);
}

#[test]
fn a_project_without_errors_gives_its_file() {
    let dir = project("sound", "rule twice(n integer) integer \"Twice as many\" = n * 2\n");
    let compiled = compile_project(&dir);
    assert_eq!(compiled.errors, Vec::<String>::new());
    let code = compiled.code.unwrap();
    assert!(code.contains("/// `twice`, orders.mapspec:1: Twice as many"), "{code}");
}

#[test]
fn a_folder_without_specs_is_an_error() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("empty");
    std::fs::create_dir_all(&dir).unwrap();
    let compiled = compile_project(&dir);
    assert!(compiled.code.is_none() && compiled.errors.len() == 1, "{:?}", compiled.errors);
}
