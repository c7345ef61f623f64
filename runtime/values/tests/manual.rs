//! The chapter of the manual on functions is what the registry says.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test: what is not as expected ends it")]

use std::path::Path;

/// To accept a change: `ACCEPT=1 cargo test -p mapwright-values --test manual`, then read the difference.
#[test]
fn the_chapter_on_functions_is_the_registry() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/functions.md");
    let manual = mapwright_values::functions::manual();
    if std::env::var_os("ACCEPT").is_some() {
        std::fs::write(&path, &manual).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == manual,
        "docs/functions.md differs from the registry; write it anew with `ACCEPT=1 cargo test -p mapwright-values --test manual`"
    );
    for function in mapwright_values::functions::functions() {
        assert!(manual.contains(&format!("\n### {}\n", function.name)), "{} is not in the manual", function.name);
    }
}
