//! The book says at which level each shipped flow stands: the compiler says the same.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test: what is not as expected ends it")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Integration, flow, mapping, level.
type Level = (String, String, String, String);

fn quoted(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

fn told_by_the_compiler(folder: &Path) -> Vec<Level> {
    let run = Command::new(env!("CARGO_BIN_EXE_mapwright")).arg("check").arg(folder).output().expect("the command");
    let said = [run.stdout, run.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    let integration = folder.file_name().unwrap().to_string_lossy().into_owned();
    let mut flow = String::new();
    let mut levels = Vec::new();
    for line in said.lines() {
        if line.contains("note[N0501]") {
            flow = quoted(line).unwrap_or_else(|| panic!("a flow: {line}")).to_owned();
        }
        let Some((_, help)) = line.split_once("= help: `") else { continue };
        let Some((mapping, rest)) = help.split_once("` is ") else { continue };
        let Some((level, _)) = rest.split_once(':') else { continue };
        levels.push((integration.clone(), flow.clone(), mapping.to_owned(), level.to_owned()));
    }
    levels
}

fn told_by_the_book() -> BTreeSet<Level> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/delivery.md");
    let text = fs::read_to_string(page).expect("the page");
    let (_, section) = text.split_once("## At which level").expect("the table of levels");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).map(|line| {
        line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`').to_owned()).collect::<Vec<_>>()
    });
    rows.filter_map(|cells| match cells.as_slice() {
        [integration, flow, mapping, level, _why] => {
            Some((integration.clone(), flow.clone(), mapping.clone(), level.clone()))
        }
        _ => None,
    })
    .filter(|(integration, ..)| integration != "integration")
    .collect()
}

#[test]
fn the_book_and_the_compiler_agree_on_the_level_of_each_shipped_flow() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/integrations");
    let entries = fs::read_dir(folder).expect("the folder of integrations").map(|entry| entry.unwrap().path());
    let told: BTreeSet<Level> =
        entries.filter(|path| path.is_dir()).flat_map(|path| told_by_the_compiler(&path)).collect();
    assert!(told.len() > 30, "{told:?}");
    let book = told_by_the_book();
    let missing: Vec<&Level> = told.difference(&book).collect();
    let outdated: Vec<&Level> = book.difference(&told).collect();
    assert!(
        missing.is_empty() && outdated.is_empty(),
        "docs/delivery.md lacks {missing:#?} and still has {outdated:#?}"
    );
}
