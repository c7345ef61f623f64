//! The house rules that a compiler does not keep: who may import whom, headers, pages, file sizes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test, its helpers included, fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use mapwright_tests::repository;

/// Which of our crates each of them may import (build and ordinary dependencies).
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("mapwright-values", &[]),
    ("mapwright-manifest", &["mapwright-values"]),
    ("mapwright-engine", &["mapwright-values"]),
    ("mapwright-connectors", &["mapwright-values", "mapwright-manifest", "mapwright-engine"]),
    ("mapwright-sandbox", &["mapwright-values", "mapwright-manifest"]),
    (
        "mapwright-operator",
        &["mapwright-values", "mapwright-manifest", "mapwright-engine", "mapwright-connectors", "mapwright-sandbox"],
    ),
    ("mapwright-syntax", &["mapwright-values"]),
    ("mapwright-model", &["mapwright-values", "mapwright-manifest", "mapwright-syntax"]),
    ("mapwright-project", &["mapwright-values", "mapwright-manifest", "mapwright-syntax", "mapwright-model"]),
    ("mapwright-preview", &["mapwright-values", "mapwright-syntax", "mapwright-model"]),
    (
        "mapwright-codegen",
        &["mapwright-values", "mapwright-manifest", "mapwright-syntax", "mapwright-model", "mapwright-project"],
    ),
    ("mapwright-drift", &["mapwright-values", "mapwright-syntax", "mapwright-model"]),
    ("mapwright-import", &["mapwright-values", "mapwright-syntax"]),
    (
        "mapwright-cli",
        &[
            "mapwright-drift",
            "mapwright-import",
            "mapwright-values",
            "mapwright-manifest",
            "mapwright-syntax",
            "mapwright-model",
            "mapwright-project",
            "mapwright-preview",
            "mapwright-codegen",
            "mapwright-sandbox",
        ],
    ),
];

/// Rethink a file at this many lines; tests and tables stand apart.
const LINES_MAX: usize = 700;

fn ours() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo answers JSON");
    let mut crates = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let imports = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter()
            .filter(|dependency| dependency["kind"].as_str() != Some("dev") && dependency["path"].is_string());
        let imports = imports.map(|dependency| dependency["name"].as_str().expect("name").to_owned()).collect();
        crates.insert(package["name"].as_str().expect("name").to_owned(), imports);
    }
    crates
}

#[test]
fn imports_run_one_way() {
    let crates = ours();
    for (name, allowed) in MAY_IMPORT {
        let imports = crates.get(*name).unwrap_or_else(|| panic!("the workspace has no crate {name}"));
        for import in imports {
            assert!(allowed.contains(&import.as_str()), "{name} may not import {import}");
        }
    }
    for name in crates.keys().filter(|name| name.starts_with("mapwright-") && *name != "mapwright-tests") {
        assert!(MAY_IMPORT.iter().any(|(known, _)| known == name), "say in this test what {name} may import");
    }
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folder").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["compiler", "runtime", "specs", "tests"] {
        files(&repository().join(folder), ".rs", &mut found);
    }
    found.sort();
    found
}

#[test]
fn every_source_file_says_what_it_is() {
    let bare: Vec<_> = sources()
        .into_iter()
        .filter(|path| !path.iter().any(|part| part == "golden"))
        .filter(|path| !std::fs::read_to_string(path).expect("file").trim_start().starts_with("//!"))
        .collect();
    assert!(bare.is_empty(), "these open without `//!`: {bare:#?}");
}

#[test]
fn no_source_file_has_grown_two_ideas() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|path| (std::fs::read_to_string(&path).expect("file").lines().count(), path))
        .filter(|(lines, path)| {
            let tests = path.iter().any(|part| part.to_string_lossy().contains("test"));
            let data = path.ends_with("ir.rs") || path.ends_with("tree.rs");
            *lines > LINES_MAX && !tests && !data
        })
        .collect();
    assert!(long.is_empty(), "split these: {long:#?}");
}

#[test]
fn every_page_of_the_book_is_in_its_summary() {
    let docs = repository().join("docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).expect("summary");
    let mut pages = Vec::new();
    files(&docs, ".md", &mut pages);
    for page in pages {
        let name = page.strip_prefix(&docs).expect("below docs").to_string_lossy().replace('\\', "/");
        if name == "SUMMARY.md" || name.starts_with("book/") {
            continue;
        }
        assert!(summary.contains(&format!("({name})")), "docs/SUMMARY.md does not name {name}");
    }
    for line in summary.lines() {
        let Some((_, rest)) = line.split_once("](") else { continue };
        let Some((page, _)) = rest.split_once(')') else { continue };
        assert!(docs.join(page).is_file(), "docs/SUMMARY.md names {page}, which is not there");
    }
}

#[test]
fn relative_links_of_the_documentation_lead_somewhere() {
    let mut pages = vec![repository().join("README.md")];
    files(&repository().join("docs"), ".md", &mut pages);
    files(&repository().join("specs"), ".md", &mut pages);
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        for (_, rest) in text.match_indices("](").filter_map(|(at, _)| text.split_at_checked(at + 2)) {
            let Some((target, _)) = rest.split_once(')') else { continue };
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.contains(char::is_whitespace) {
                continue;
            }
            let folder = page.parent().expect("a page is in a folder");
            assert!(folder.join(target).exists(), "{} links to {target}, which is not there", page.display());
        }
    }
}

/// Licences that ask for no more than their own text and a notice.
const PERMISSIVE: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Does an SPDX expression leave us a permissive choice? `AND` binds more closely than `OR`; `/` is an old `OR`.
fn permits(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let permitted = any_of(&mut rest);
    permitted && rest.is_empty()
}

fn any_of(rest: &mut &[&str]) -> bool {
    let mut permitted = all_of(rest);
    while let ["OR", after @ ..] = rest {
        *rest = after;
        permitted |= all_of(rest);
    }
    permitted
}

fn all_of(rest: &mut &[&str]) -> bool {
    let mut permitted = one(rest);
    while let ["AND", after @ ..] = rest {
        *rest = after;
        permitted &= one(rest);
    }
    permitted
}

fn one(rest: &mut &[&str]) -> bool {
    match *rest {
        ["(", after @ ..] => {
            *rest = after;
            let permitted = any_of(rest);
            let closed = matches!(rest, [")", ..]);
            *rest = rest.get(1..).unwrap_or_default();
            permitted && closed
        }
        [name, "WITH", exception, after @ ..] => {
            *rest = after;
            PERMISSIVE.contains(&format!("{name} WITH {exception}").as_str())
        }
        [name, after @ ..] => {
            *rest = after;
            PERMISSIVE.contains(name)
        }
        [] => false,
    }
}

#[test]
fn a_choice_of_licences_is_read_as_it_is_meant() {
    for permitted in ["MIT", "MIT/Apache-2.0", "MIT OR LGPL-2.1-or-later", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
        assert!(permits(permitted), "{permitted}");
    }
    for refused in ["GPL-3.0", "MIT AND GPL-3.0", "(GPL-2.0 OR LGPL-3.0) AND MIT", "MIT)", "", "(MIT"] {
        assert!(!permits(refused), "{refused}");
    }
}

/// Every dependency of every crate and feature, on this kind of machine, may be passed on; none of them is OpenSSL.
#[test]
fn dependencies_are_permissively_licensed_and_none_is_openssl() {
    let told = Command::new("rustc").args(["--version", "--verbose"]).output().expect("rustc runs");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--all-features", "--filter-platform", host])
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo answers JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 100, "the dependencies are there");
    let mut refused = Vec::new();
    for package in packages {
        let (name, licence) = (package["name"].as_str().expect("a name"), package["license"].as_str());
        if !licence.is_some_and(permits) {
            refused.push(format!("{name}: {}", licence.unwrap_or("no licence is named")));
        }
        // `openssl-probe` only knows where machines keep their certificates.
        if name.starts_with("openssl") && name != "openssl-probe" || name == "native-tls" {
            refused.push(format!("{name}: TLS is rustls here"));
        }
    }
    assert!(refused.is_empty(), "choose other dependencies, or say in this test why these may be used: {refused:#?}");
}
