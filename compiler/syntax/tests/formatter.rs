//! The laws of the formatter: formatting twice changes nothing, the meaning stays, and no comment is lost.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests read their cases")]

use mapwright_syntax::{FileId, format, parse, same_meaning};
use proptest::prelude::*;

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

/// What may stand between two words without changing what they mean, and what may not.
const BETWEEN: [&str; 12] =
    ["  ", "\t", "\n", "\n    ", " # why\n  ", "\n\n", "\r\n", ";", "; ", " \n # alone\n", "", "\n\n\n  "];

/// Blanks and line ends of a spec, changed at some places.
fn shaken() -> impl Strategy<Value = String> {
    let places = proptest::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&BETWEEN[..])), 1..25);
    (prop::sample::select(specs()), places).prop_map(|((_, text), places)| {
        let mut text = text;
        for (place, between) in places {
            let gaps: Vec<usize> = text.match_indices([' ', '\n']).map(|(at, _)| at).collect();
            let at = *place.get(&gaps);
            text.replace_range(at..at + 1, between);
        }
        text
    })
}

/// Few definitions, so that most of what is changed can still be read.
fn shaken_definition() -> impl Strategy<Value = String> {
    let definitions: Vec<String> = specs()
        .iter()
        .flat_map(|(_, text)| text.split("\n\n").map(str::to_owned).collect::<Vec<_>>())
        .filter(|part| parse(FileId(0), part).1.is_empty())
        .collect();
    let places = proptest::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&BETWEEN[..])), 0..4);
    let parts = proptest::collection::vec(prop::sample::select(definitions), 1..4);
    (parts, prop::sample::select(vec!["\n", "\n\n", "\n\n\n"]), places).prop_map(|(parts, separator, places)| {
        let mut text = parts.join(separator);
        for (place, between) in places {
            let gaps: Vec<usize> = text.match_indices([' ', '\n']).map(|(at, _)| at).collect();
            if let Some(at) = (!gaps.is_empty()).then(|| *place.get(&gaps)) {
                text.replace_range(at..at + 1, between);
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_for_shaken_specs(text in shaken()) {
        holds("shaken", &text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_for_shaken_definitions(text in shaken_definition()) {
        holds("shaken", &text);
    }
}

#[test]
fn the_style_of_everything_that_there_is() {
    insta::glob!("formatter/*.mapspec", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        holds(path.to_str().unwrap(), &text);
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "formatter", omit_expression => true }, {
            insta::assert_snapshot!(format!("{text}\n-------- becomes\n{}", format(&text).unwrap()));
        });
    });
}
