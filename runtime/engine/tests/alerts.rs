//! Every word under which an alert may come stands in the book with what to do, and every fault of our own has its advice.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at once")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mapwright_engine::alert::{ADVICE, of_letters};
use mapwright_engine::store::Fault;

/// Words of alerts that are none of a record: of connections, of readings, of flows, of what the spec rejects.
const OF_FLOWS: &[&str] = &["rejected", "circuit open", "paging", "too_many_rows", "many_gone", "late", "silence"];

/// Faults that end no message by themselves: it tries or waits, and when its time is spent the alert says `expired`.
const PASSING: &[&str] = &["absent", "waiting", "missing"];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, into),
            false => into.push(path),
        }
    }
}

/// The classes that the engine itself gives to faults, as its source spells them.
fn own_classes() -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut classes = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let product = text.split("#[cfg(test)]").next().unwrap();
        for call in product.split("own(").skip(1) {
            if let Some(class) = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                classes.insert(class.to_owned());
            }
        }
    }
    classes
}

fn advised() -> BTreeSet<&'static str> {
    ADVICE.iter().flat_map(|(classes, _)| classes.iter().copied()).collect()
}

#[test]
fn every_fault_of_our_own_has_its_advice() {
    let (own, advised) = (own_classes(), advised());
    assert!(own.len() > 15, "the source spells its faults otherwise now: {own:?}");
    let unknown: Vec<&String> = own
        .iter()
        .filter(|class| {
            let class = class.as_str();
            !advised.contains(class) && !OF_FLOWS.contains(&class) && !PASSING.contains(&class)
        })
        .collect();
    assert_eq!(unknown, Vec::<&String>::new(), "faults without advice");
    for class in &advised {
        let text = of_letters(&Fault::own(class, "the value 4711 of Ada"), "a cause");
        assert!(text.contains(class) && !text.contains("needs a person"), "{text}");
        assert!(!text.contains("Ada") && !text.contains("4711"), "I14: {text}");
    }
}

#[test]
fn the_book_says_what_to_do_for_every_alert() {
    let book = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operation.md")).unwrap();
    let (_, table) = book.split_once("**Each alert**").expect("the table of alerts");
    let (table, _) = table.split_once("A channel that refuses").expect("its end");
    let mut described = BTreeSet::new();
    for row in table.lines().filter(|row| row.starts_with("| ")).skip(1) {
        let columns: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, words, what_to_do] = columns.as_slice() else { panic!("three columns: {row}") };
        assert!(what_to_do.len() > 10, "{row}");
        described.extend(words.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    let known: BTreeSet<String> = advised().into_iter().chain(OF_FLOWS.iter().copied()).map(str::to_owned).collect();
    assert_eq!(described, known, "the book and the program know different alerts");
}
