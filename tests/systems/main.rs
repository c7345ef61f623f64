//! Every shipped system: its catalogue and manifest fit each other, and each of its samples is taken for what its index says
//! and read by the catalogue without loss.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test, its helpers included, fails by panicking"
)]

mod catalogue;
mod described;
mod fits;
mod played;
mod samples;
mod traps;
mod webhooks;

use std::path::PathBuf;

use mapwright_tests::repository;

/// The folders of all shipped systems.
fn systems() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(repository().join("specs/systems"))
        .expect("the systems")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    assert!(found.len() >= 4, "the shipped systems are there");
    found
}

#[test]
fn every_system_has_its_parts_and_no_fault() {
    for folder in systems() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        for part in ["catalogue.mapspec", "connector.yaml", "README.md", "samples/index.yaml", "samples/README.md"] {
            assert!(folder.join(part).is_file(), "{name} has no {part}");
        }
        let (_, faults) = catalogue::check(&name);
        assert_eq!(faults, Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn every_sample_is_taken_for_what_its_index_says() {
    for folder in systems() {
        samples::check(&folder).await;
    }
}
