//! Every spec of `tests/specs` is read without a diagnostic.
#![expect(clippy::disallowed_methods, reason = "tests read their cases")]

use mapwright_syntax::{FileId, parse};

#[test]
fn every_example_is_read_without_a_diagnostic() {
    let mut count = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/specs")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let (tree, diagnostics) = parse(FileId(0), &text);
        assert!(diagnostics.is_empty(), "{}: {diagnostics:#?}", path.display());
        assert!(!tree.definitions.is_empty(), "{}", path.display());
        count += 1;
    }
    assert!(count > 0);
}
