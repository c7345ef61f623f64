//! `mapwright check` of a system: its samples are read as the manifest says and compared with the catalogue.

#![allow(clippy::unwrap_used, reason = "a test, its helpers included, fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn check(folder: &Path) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_mapwright")).arg("check").arg(folder).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// The made-up ERP of the book, with samples that a test may spoil.
fn nordwind(folder: &Path) -> PathBuf {
    let (from, to) = (systems().join("nordwind"), folder.join("systems/nordwind"));
    std::fs::create_dir_all(to.join("samples")).unwrap();
    for file in ["catalogue.mapspec", "connector.yaml", "samples/index.yaml"] {
        std::fs::copy(from.join(file), to.join(file)).unwrap();
    }
    for file in ["page.json", "article.json", "error-taken.json", "error-quantity.json", "error-key.json"] {
        std::fs::copy(from.join("samples").join(file), to.join("samples").join(file)).unwrap();
    }
    to
}

fn systems() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../specs/systems")
}

fn change(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{} holds {from}", file.display());
    std::fs::write(file, text.replace(from, to)).unwrap();
}

#[test]
fn the_samples_of_every_shipped_system_fit_its_catalogue() {
    let mut compared = 0;
    for system in std::fs::read_dir(systems()).unwrap().flatten().map(|entry| entry.path()) {
        let (well, said) = check(&system);
        assert!(well && said.contains("no fault"), "{}: {said}", system.display());
        let samples = said.lines().find_map(|line| line.split_once(" sample")).map(|(number, _)| number.to_owned());
        compared += samples.unwrap_or_else(|| panic!("{}: {said}", system.display())).parse::<usize>().unwrap();
    }
    assert!(compared >= 45, "{compared} samples with records");
}

#[test]
fn what_does_not_fit_is_told_with_file_pointer_and_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let system = nordwind(folder.path());
    let (well, said) = check(&system);
    assert!(well && said.contains("2 samples with records"), "{said}");
    let page = system.join("samples/page.json");
    for (from, to, told) in [
        (r#""ref""#, r#""a/b": 7, "ref""#, "page.json/rows/0/a~1b: the catalogue has no field `orders.a/b` for 7"),
        (r#""state""#, r#""id2": null, "state""#, ""),
        (
            r#""open""#,
            "null",
            "page.json/rows/0/state: it is null, and the catalogue promises a value: write `state` with a `?`",
        ),
        (r#""open""#, "\"opened\"", "page.json/rows/0/state: orders.state: opened is none of open, done, void"),
        (r#""rows""#, r#""lines""#, "the sample `page.json` holds 0 of orders, and 2 are expected"),
        ("{", "[", "it cannot be read"),
    ] {
        let sound = std::fs::read_to_string(&page).unwrap();
        std::fs::write(&page, sound.replacen(from, to, 1)).unwrap();
        let (well, said) = check(&system);
        assert_eq!(well, told.is_empty(), "{from}: {said}");
        assert!(said.contains(told), "{from}: {said}");
        assert!(well || said.contains("nordwind/samples/index.yaml:"), "{said}");
        std::fs::write(&page, sound).unwrap();
    }
    change(&page, r#""ref""#, r#""colour": "red", "ref""#);
    change(&system.join("samples/index.yaml"), "file: article.json", "file: articles.json");
    insta::assert_snapshot!("samples_that_do_not_fit", check(&system).1);
    // The catalogue may be what is wrong.
    let catalogue = system.join("catalogue.mapspec");
    change(&catalogue, "ref       text(40)", "ref       text(2)");
    let (well, said) = check(&system);
    assert!(!well && said.contains("page.json/rows/0/ref: orders.ref: the text has"), "{said}");
}

#[test]
fn an_index_that_cannot_be_right_is_told_by_its_line() {
    for (from, to, told) in [
        ("file: page.json", "file: pages.json", "there is no sample `pages.json`"),
        ("file: page.json", "file: ../connector.yaml", "there is no sample `../connector.yaml`"),
        ("operation: list", "operation: lists", "there is no operation `lists`"),
        ("entity: articles", "entity: article", "the catalogue has no entity and no action `article`"),
        ("reads: 2", "read: 2", "the index of samples cannot be read"),
        (", reads: 2", "", "the index does not say what `page.json` is taken for"),
        ("status: 200, reads: 2", "status: 2000, reads: 2", "2000 is no HTTP status"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let system = nordwind(folder.path());
        change(&system.join("samples/index.yaml"), from, to);
        let (well, said) = check(&system);
        assert!(!well && said.contains(told) && said.contains("samples/index.yaml:"), "{to}: {said}");
    }
}
