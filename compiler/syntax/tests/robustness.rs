//! Whatever stands in a file, reading it ends, and every place that is named lies within it.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests read their cases, and one measures time")]

use std::time::{Duration, Instant};

use mapwright_syntax::{Diagnostic, FileId, Files, Style, format, parse, render};
use proptest::prelude::*;

fn specs() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/specs");
    std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}

fn faults(text: &str) -> Vec<Diagnostic> {
    let mut files = Files::default();
    let file = files.add("a.mapspec", text);
    let (tree, diagnostics) = parse(file, text);
    for comment in &tree.comments {
        assert_eq!(files.text(comment.span), comment.text);
    }
    for diagnostic in &diagnostics {
        for span in diagnostic.labels.iter().map(|label| label.span) {
            assert!(span.start <= span.end && span.end as usize <= text.len(), "{diagnostic:?}");
            assert!(
                text.is_char_boundary(span.start as usize) && text.is_char_boundary(span.end as usize),
                "{diagnostic:?}"
            );
        }
        assert!(!render(diagnostic, &files, Style::Plain).is_empty());
    }
    assert_eq!(format(text).is_ok(), diagnostics.is_empty());
    diagnostics
}

const WORDS: [&str; 84] = [
    "mapping",
    "from",
    "to",
    "as",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "'",
    "`",
    "\\",
    "#",
    "\n",
    "\n",
    "\n  ",
    ";",
    ",",
    ".",
    "..",
    "<-",
    "->",
    "=",
    "==",
    "<",
    "-",
    "+",
    "*",
    "/",
    "|",
    "||",
    "&&",
    "!",
    "?",
    "if",
    "then",
    "else",
    "otherwise",
    "not",
    "in",
    "is",
    "missing",
    "each",
    "where",
    "take",
    "sorted",
    "by",
    "find",
    "all",
    "linked",
    "of",
    "match",
    "lookup",
    "let",
    "check",
    "reject",
    "skip",
    "leave",
    "ignore",
    "because",
    "table",
    "rule",
    "setting",
    "system",
    "entity",
    "type",
    "flow",
    "every",
    "5",
    "minutes",
    "2026-03-14",
    "02:00",
    "key",
    "list",
    "text",
    "\"a {b} c\"",
    "\"{\"{\"",
    "x",
    "shop.order",
    "ü",
    "\u{feff}",
    "\r\n",
];

fn soup() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop::sample::select(&WORDS[..]), 0..120).prop_map(|words| words.join(" "))
}

fn mutated() -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), 0..30_usize, prop::sample::select(&WORDS[..]));
    (prop::sample::select(specs()), proptest::collection::vec(change, 1..6)).prop_map(|(mut text, changes)| {
        for (place, length, word) in changes {
            let start = text.floor_char_boundary(place.index(text.len() + 1));
            let end = text.ceil_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end, word);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(text in any::<String>()) {
        faults(&text);
    }

    #[test]
    fn any_words_are_read(text in soup()) {
        faults(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_broken_spec_is_read(text in mutated()) {
        faults(&text);
    }
}

/// Nesting of every kind is refused or read, and never overflows the stack of a test's thread.
#[test]
fn deep_nesting_does_no_harm() {
    let counts = [10, 60, 64, 65, 300, 5_000, 20_000];
    let value = |open: &str, middle: &str, close: &str, count: usize| {
        format!("setting deep integer = {}{middle}{}\n", open.repeat(count), close.repeat(count))
    };
    let ty = |open: &str, middle: &str, close: &str, count: usize| {
        format!("setting deep {}{middle}{}\n", open.repeat(count), close.repeat(count))
    };
    let kinds = [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("f(", "1", ")"),
        ("{ a <- ", "1", " }"),
        ("\"{", "1", "}\""),
        ("if a then b else ", "1", ""),
        ("if ", "a", " then 1 else 2"),
        ("not ", "a", ""),
        ("- ", "a", ""),
        ("a + ", "1", ""),
        ("a | f(", "1", ")"),
        ("a otherwise ", "1", ""),
        ("a.", "a", ""),
        ("match a { 1 -> ", "1", " }"),
        ("(each a as b where ", "c", ")"),
        ("(find a as b where ", "c", ")"),
        ("{ a ", "{}", " }"),
        ("match ", "a", " { 1 -> 2 }"),
        ("a | lookup t(", "1", ")"),
        ("(((a) + b) + c) - ", "1", ""),
    ];
    let types = [
        ("list of ", "text", ""),
        ("map from text to ", "text", ""),
        ("map from ", "text", " to text"),
        ("{ a ", "text", " }"),
        ("list { a ", "text", " }"),
    ];
    let values = kinds.map(|(open, middle, close)| (open, counts.map(|count| value(open, middle, close, count))));
    let types = types.map(|(open, middle, close)| (open, counts.map(|count| ty(open, middle, close, count))));
    for (open, texts) in values.into_iter().chain(types) {
        for (count, text) in counts.into_iter().zip(texts) {
            let text = format!("{text}setting fine integer = 1\n");
            let diagnostics = faults(&text);
            if count >= 5_000 {
                assert!(!diagnostics.is_empty(), "{open}");
                let told = diagnostics.iter().any(|fault| fault.code == "E0105");
                assert!(told, "{open}: {:?}", diagnostics.first().map(|fault| &fault.headline));
            }
            let (tree, _) = parse(FileId(0), &text);
            assert!(!tree.definitions.is_empty(), "{open}: the definition behind it is lost");
        }
    }
}

/// A file of 10,000 lines is read within the time that an editor has between two keys.
#[test]
fn ten_thousand_lines_are_read_at_once() {
    let all = specs().join("\n");
    let mut text = String::new();
    while text.lines().count() < 10_000 {
        text.push_str(&all);
        text.push('\n');
    }
    let begin = Instant::now();
    let (tree, diagnostics) = parse(FileId(0), &text);
    let took = begin.elapsed();
    assert!(diagnostics.is_empty() && !tree.definitions.is_empty());
    let lines = text.lines().count();
    let limit = if cfg!(debug_assertions) { Duration::from_secs(20) } else { Duration::from_secs(1) };
    assert!(took < limit, "{lines} lines took {took:?}");
}
