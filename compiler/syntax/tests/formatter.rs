//! The laws of the formatter: formatting twice changes nothing, the meaning stays, and no comment is lost.
#![expect(clippy::disallowed_methods, reason = "tests read their cases")]

use mapwright_syntax::{FileId, format, parse, same_meaning};

fn specs() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/specs")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap())).collect()
}

#[track_caller]
fn holds(name: &str, text: &str) {
    let (before, faults) = parse(FileId(0), text);
    if !faults.is_empty() {
        assert!(format(text).is_err());
        return;
    }
    let once = format(text).unwrap();
    let (after, faults) = parse(FileId(0), &once);
    assert!(faults.is_empty(), "{name}: {faults:#?}\n{once}");
    assert!(same_meaning(&before, &after), "{name}: the meaning has changed\n{text}\n=>\n{once}");
    assert_eq!(before.comments.len(), after.comments.len(), "{name}");
    let twice = format(&once).unwrap();
    assert_eq!(once, twice, "{name}: formatting twice changes something");
}

#[test]
fn the_laws_hold_for_every_example() {
    for (name, text) in specs() {
        holds(&name, &text);
    }
}
