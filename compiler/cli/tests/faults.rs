//! The law of diagnostics: every code has a case, every fix that is offered mends, and every message is in an analyst's words.
//!
//! Cases that one file shows stand beside the checks (`compiler/model/tests`, `compiler/syntax/tests`); here are the projects of several
//! files, told by the command itself. The law is held against the snapshots of all of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot run its command must fail")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults")
}

fn compiler() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Folders of cases, in order.
fn cases() -> Vec<(String, PathBuf)> {
    let folders = fs::read_dir(here()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<(String, PathBuf)> = folders
        .filter(|path| path.is_dir())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(name, _)| name != "systems")
        .collect();
    found.sort();
    found
}

/// What `mapwright check` says of a project, and how it ended.
fn check(project: &Path, format: &str) -> (String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_mapwright"))
        .args(["check", "--format", format])
        .arg(project)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

/// The diagnostics of a project.
fn faults(project: &Path) -> Vec<Value> {
    check(project, "json").0.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'v>(of: &'v Value, at: &str) -> &'v str {
    of.pointer(at).and_then(Value::as_str).unwrap()
}

fn number(of: &Value, at: &str) -> usize {
    of.pointer(at).and_then(Value::as_u64).unwrap().try_into().unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(|_| ()).unwrap() }
    }
}

#[test]
fn every_project_with_faults_is_told_as_a_whole() {
    for (name, folder) in cases() {
        let (said, status) = check(&folder, "human");
        let code = name.split('_').next().unwrap();
        if code.chars().any(|letter| letter.is_ascii_digit()) {
            assert!(said.contains(&format!("[{code}]")), "{name} shows no {code}:\n{said}");
        }
        assert_eq!(status, i32::from(said.lines().any(|line| line.starts_with("error["))), "{name}");
        insta::assert_snapshot!(name, said);
    }
}

#[test]
fn independent_faults_are_each_told_once_and_nothing_else() {
    let folder = here().join("many_faults_in_several_files");
    let told: Vec<String> = faults(&folder)
        .iter()
        .map(|fault| {
            let place = format!("{}:{}", text(fault, "/labels/0/place/path"), number(fault, "/labels/0/place/line"));
            format!("{place} {}", text(fault, "/code"))
        })
        .collect();
    let expected = [
        "customers.mapspec:1 E0411",
        "customers.mapspec:5 E0203",
        "customers.mapspec:6 E0414",
        "flows.mapspec:2 E0101",
        "flows.mapspec:3 W0607",
        "flows.mapspec:4 E0507",
        "flows.mapspec:5 E0501",
        "orders.mapspec:2 E0418",
        "orders.mapspec:3 E0415",
        "orders.mapspec:4 E0111",
        "orders.mapspec:5 E0206",
        "orders.mapspec:5 E0303",
        "orders.mapspec:8 E0205",
        "orders.mapspec:9 E0413",
        "project.mapspec:6 E0416",
        "project.mapspec:8 E0311",
        "project.mapspec:10 E0313",
    ];
    assert_eq!(told, expected, "{}", check(&folder, "human").0);
}

#[test]
fn every_fix_of_a_project_mends_its_fault() {
    let root = tempfile::tempdir().unwrap();
    copy(&here().join("systems"), &root.path().join("systems"));
    let mut mended = 0;
    for (name, folder) in cases() {
        let before = faults(&folder);
        for (index, fault) in before.iter().enumerate() {
            let Some(edits) = fault.pointer("/fix/edits").and_then(Value::as_array) else { continue };
            let path = text(&edits[0], "/place/path");
            let copied = root.path().join(format!("{name}-{index}"));
            copy(&folder, &copied);
            let mut spec = fs::read_to_string(copied.join(path)).unwrap();
            let mut edits: Vec<&Value> = edits.iter().collect();
            edits.sort_by_key(|edit| std::cmp::Reverse(number(edit, "/place/start")));
            for edit in edits {
                spec.replace_range(number(edit, "/place/start")..number(edit, "/place/end"), text(edit, "/text"));
            }
            fs::write(copied.join(path), spec).unwrap();
            let code = text(fault, "/code");
            let count = |all: &[Value]| all.iter().filter(|other| text(other, "/code") == code).count();
            let after = faults(&copied);
            assert!(
                count(&after) < count(&before),
                "{name}: the fix of {code} mends nothing: {}",
                check(&copied, "human").0
            );
            mended += 1;
        }
    }
    assert!(mended >= 10, "only {mended} fixes were tried");
}

/// All snapshots of diagnostics of the compiler's crates.
fn snapshots() -> Vec<(PathBuf, String)> {
    fn gather(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                gather(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "snap") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    for krate in ["syntax", "model", "project", "preview", "cli"] {
        gather(&compiler().join(krate), &mut found);
    }
    found
}

/// The code of a line such as `error[E0401]: ...`.
fn code_of(line: &str) -> Option<&str> {
    let rest = ["error[", "warning[", "note["].iter().find_map(|head| line.strip_prefix(head))?;
    rest.split_once("]: ").map(|(code, _)| code)
}

#[test]
fn every_code_has_a_case() {
    let snapshots = snapshots();
    let shown: BTreeSet<&str> = snapshots.iter().flat_map(|(_, text)| text.lines().filter_map(code_of)).collect();
    let pages = compiler().join("../docs/checks");
    let mut pages: Vec<String> = fs::read_dir(pages)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "README")
        .collect();
    pages.sort();
    // A file of 64 MiB is no case to keep; `compiler/syntax/tests/faults.rs` makes one.
    let without: Vec<&String> =
        pages.iter().filter(|code| !shown.contains(code.as_str()) && *code != "E0106").collect();
    assert!(pages.len() > 100 && without.is_empty(), "no case shows {without:?}");
    let unknown: Vec<&&str> = shown.iter().filter(|code| pages.iter().all(|page| page != **code)).collect();
    assert!(unknown.is_empty(), "no page explains {unknown:?}");
}

/// What a message says of its own: headline, help and labels, without what it quotes.
fn own_words(line: &str) -> Option<String> {
    let said = if let Some(code) = code_of(line) {
        line.split_once(&format!("{code}]: ")).map(|(_, said)| said.to_owned())?
    } else {
        let behind_bar =
            line.trim_start_matches(|letter: char| letter == ' ' || letter.is_ascii_digit()).strip_prefix('|');
        let label = behind_bar.map(|rest| rest.trim_start_matches([' ', '|', '_']));
        if let Some(help) = line.trim_start().strip_prefix("= help: ").or_else(|| line.strip_prefix("help: ")) {
            help.to_owned()
        } else if let Some(label) = label.filter(|label| label.starts_with(['^', '-'])) {
            label.trim_start_matches(['^', '-', ' ']).to_owned()
        } else {
            return None;
        }
    };
    let mut own = String::new();
    let mut quote = None;
    for letter in said.chars() {
        match (quote, letter) {
            (None, '`' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, _) => own.push(letter),
            (Some(_), _) => {}
        }
    }
    Some(own)
}

#[test]
fn no_message_speaks_of_the_compilers_own_things() {
    // Words of programmers; those of the language itself (`enum`, `record`, `type`) are explained in its chapter.
    const FORBIDDEN: &[&str] = &[
        "rust",
        "serde",
        "pest",
        "cargo",
        "parse",
        "parser",
        "token",
        "tokens",
        "ast",
        "syntax",
        "struct",
        "vec",
        "usize",
        "u32",
        "u64",
        "i64",
        "f64",
        "panic",
        "panicked",
        "unwrap",
        "crate",
        "trait",
        "closure",
        "iterator",
        "pointer",
        "lexer",
        "node",
        "identifier",
        "regex",
        "eoi",
        "utf8error",
        "debug",
        "internal",
        "lambda",
        "boolean",
        "string",
        "char",
        "array",
        "integer",
        "float",
        "null",
        "expr",
        "literal",
        "argument",
        "arguments",
        "exception",
        "stack",
        "overflow",
        "runtime",
        "unreachable",
        "None",
        "Some",
        "Ok",
        "Err",
    ];
    let snapshots = snapshots();
    let mut wrong = BTreeSet::new();
    let mut lines = 0;
    for (path, text) in &snapshots {
        // Snapshots of other things than diagnostics have no such line.
        if !text.lines().any(|line| code_of(line).is_some()) {
            continue;
        }
        for line in text.lines() {
            let Some(own) = own_words(line) else { continue };
            lines += 1;
            for word in own.split(|letter: char| !letter.is_alphanumeric() && letter != '_') {
                let small = word.to_lowercase();
                let camel = word.chars().skip(1).any(char::is_uppercase) && word.chars().any(char::is_lowercase);
                if FORBIDDEN.contains(&word) || FORBIDDEN.contains(&small.as_str()) || (camel && word != "MiB") {
                    wrong.insert(format!("{}: `{word}` in: {line}", path.file_name().unwrap().to_string_lossy()));
                }
            }
        }
    }
    assert!(lines > 300, "only {lines} lines were looked at");
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.into_iter().collect::<Vec<_>>().join("\n"));
}
