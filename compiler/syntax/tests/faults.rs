//! Broken specs: the source and what is said of it, side by side; and every fix that is offered mends what it is for.
#![expect(clippy::disallowed_methods, reason = "tests read their cases")]

use std::fmt::Write as _;

use mapwright_syntax::{Diagnostic, Edit, Files, Style, parse, render};

fn diagnostics(path: &str, text: &str) -> (Files, Vec<Diagnostic>) {
    let mut files = Files::default();
    let file = files.add(path, text);
    let (_, diagnostics) = parse(file, text);
    (files, diagnostics)
}

fn mended(text: &str, edits: &[Edit]) -> String {
    let mut text = text.to_owned();
    let mut edits: Vec<_> = edits.iter().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
    for edit in edits {
        text.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
    }
    text
}

#[test]
fn every_fault_is_told_in_the_words_of_an_analyst() {
    insta::glob!("faults/*.mapspec", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let (files, diagnostics) = diagnostics(name, &text);
        assert!(!diagnostics.is_empty(), "{name} is not broken");
        let mut shown = format!("{text}\n");
        for diagnostic in &diagnostics {
            write!(shown, "--------\n{}\n", render(diagnostic, &files, Style::Plain)).unwrap();
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "faults", omit_expression => true }, {
            insta::assert_snapshot!(shown);
        });
    });
}

#[test]
fn every_fix_mends_its_fault() {
    insta::glob!("faults/*.mapspec", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let (_, before) = diagnostics("a.mapspec", &text);
        for fault in before.iter().filter(|fault| fault.fix.is_some()) {
            let fixed = mended(&text, &fault.fix.as_ref().unwrap().edits);
            let (_, after) = diagnostics("a.mapspec", &fixed);
            assert!(after.len() < before.len(), "{}: {fault:#?}\n{fixed}\n{after:#?}", path.display());
        }
    });
}

#[test]
fn a_carriage_return_alone_hides_no_line_behind_a_comment() {
    let (_, told) = diagnostics("a.mapspec", "# the orders\rrule r(n integer) integer = n\r");
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].code, told[0].span().start), ("E0101", 12));
    assert!(diagnostics("a.mapspec", "# the orders\r\nrule r(n integer) integer = n\r\n").1.is_empty());
}

#[test]
fn a_file_larger_than_64_mib_is_refused_before_it_is_read() {
    let text = "# ".repeat(32 * 1024 * 1024 + 1);
    let (_, told) = diagnostics("a.mapspec", &text);
    assert_eq!(told.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["E0106"]);
}
