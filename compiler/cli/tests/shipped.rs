//! The shipped integrations are checked by cases as a whole: every case holds, and every rule, row of a table and arm of a `match` is reached
//! by one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test: what is not as expected ends it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn integrations() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/integrations");
    let entries = fs::read_dir(folder).expect("the folder of integrations").map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

#[test]
fn every_rule_row_and_arm_of_an_integration_is_reached_by_a_case() {
    let integrations = integrations();
    assert!(integrations.len() > 4, "only {} integrations", integrations.len());
    let mut open = Vec::new();
    for folder in integrations {
        let run = Command::new(env!("CARGO_BIN_EXE_mapwright")).arg("test").arg(&folder).arg("--strict").output();
        let run = run.expect("the command");
        if !run.status.success() {
            let said = [run.stdout, run.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
            open.push(format!("{}:\n{said}", folder.display()));
        }
    }
    assert!(open.is_empty(), "{}", open.join("\n"));
}
