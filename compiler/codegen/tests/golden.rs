//! The file that is emitted for the whole model is the one in `golden/whole.rs`, which `compiled.rs` compiles and runs.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test: what is not as expected ends it")]

mod model;

use std::path::Path;

/// To accept a change: `ACCEPT=1 cargo test -p mapwright-codegen --test golden`, then read the difference.
#[test]
fn the_whole_model_gives_the_golden_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/whole.rs");
    let model::Whole { model, files } = model::whole();
    let emitted = mapwright_codegen::emit(&model, &files);
    if std::env::var_os("ACCEPT").is_some() {
        std::fs::write(&path, &emitted).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert!(
        emitted == golden,
        "the emitted file differs from {}; accept it with ACCEPT=1 and read the difference",
        path.display()
    );
    assert!(emitted == mapwright_codegen::emit(&model, &files), "the same model gives the same bytes");
}
