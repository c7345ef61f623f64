//! No input, however broken, panics or hangs parser, checker, formatter, preview, or a reader of outside bytes.
//!
//! A short run of every fuzz target, the same in every test: all seeds as they are, then seeds changed at random. The long run uses
//! cargo-fuzz, which changes inputs by what they reach: `tests/fuzz/run TARGET SECONDS` (see `tests/fuzz/README.md`).
//! `MAPWRIGHT_FUZZ_CASES=20` makes the short run 20 times as long, `MAPWRIGHT_FUZZ_SEED` another one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a test: what is not as expected ends it"
)]

#[allow(unreachable_pub, reason = "the programs of the long run share it")]
#[path = "fuzz/bodies.rs"]
mod bodies;
#[allow(dead_code, reason = "the differential test draws more kinds of choices")]
#[path = "differential/draw.rs"]
mod draw;
#[allow(unreachable_pub, reason = "the programs of the long run share it")]
#[path = "fuzz/seeds.rs"]
mod seeds;

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use bodies::{TARGETS, Target};
use draw::Draw;
use mapwright_tests::repository;

/// How long one input may take, on a machine that does much else: it is a hang that this finds, not a slow step.
const INPUT_MAX: Duration = Duration::from_secs(120);
/// Changed inputs are cut to this many bytes.
const BYTES_MAX: usize = 6_000;

/// How many changed inputs each target is given.
fn cases(target: &str) -> usize {
    let factor = number("MAPWRIGHT_FUZZ_CASES").unwrap_or(1);
    factor
        * match target {
            "syntax" => 400,
            "check" => 120,
            "preview" => 120,
            "manifest" => 150,
            "json" => 3_000,
            "import" => 800,
            _ => 6_000,
        }
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Marks and words of all the languages that are read.
const WORDS: &[&str] = &[
    "\n",
    "\n  ",
    "\r\n",
    " ",
    "\"",
    "'",
    "`",
    "#",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "<-",
    "->",
    "=",
    "==",
    "|",
    ",",
    ";",
    ":",
    ".",
    "..",
    "?",
    "-",
    "+",
    "*",
    "/",
    "{x}",
    "\"{",
    "}\"",
    "\\",
    "\\u0000",
    "\u{feff}",
    "ü",
    "🎉",
    "\u{0}",
    "0",
    "1e9",
    "-0.00",
    "99999999999999999999999999999",
    "2026-03-29",
    "02:30",
    "true",
    "null",
    "missing",
    "if",
    "then",
    "else",
    "otherwise",
    "omit",
    "clear",
    "wait",
    "reject \"no\"",
    "skip \"no\"",
    "match",
    "each",
    "as",
    "where",
    "take",
    "sorted by",
    "find",
    "find all",
    "linked",
    "of",
    "by",
    "lookup",
    "let",
    "check",
    "leave",
    "ignore",
    "because \"so\"",
    "rest",
    "also",
    "when",
    "on create",
    "copy",
    "from",
    "to",
    "part of",
    "one per",
    "grouped by",
    "mapping",
    "rule",
    "table",
    "setting",
    "system",
    "entity",
    "type",
    "flow",
    "every 5 minutes",
    "read",
    "write",
    "upsert by",
    "create once by",
    "use",
    "extend",
    "example",
    "rounding",
    "list",
    "list of",
    "map from text to",
    "enum(",
    "text(5)",
    "text",
    "integer",
    "decimal(9,2)",
    "boolean",
    "date",
    "datetime",
    "json",
    "key",
    "required",
    "order",
    "order.lines",
    "order.number",
    "erp.Orders",
    "shop.order",
    "Code",
    "Lines",
    "| cut",
    "| fit",
    "| round(2)",
    "is missing",
    "not in",
    "in",
    "and",
    "or",
    "not",
    "if invalid",
    "position(",
    "&a",
    "*a",
    "<<:",
    "- ",
    ": ",
    "!!",
    "%Y",
    "#,##0.00",
    "(a+)+$",
    "Europe/Berlin",
];

/// A seed with some changes.
fn changed(seeds: &[String], draw: &mut Draw) -> String {
    let mut text = draw.choose(seeds).clone();
    for _ in 0..draw.between(1, 5) {
        let start = text.floor_char_boundary(draw.below(text.len() + 1));
        let length = if draw.chance(70) { draw.below(12) } else { draw.below(400) };
        let end = text.ceil_char_boundary((start + length).min(text.len()));
        let part = match draw.below(8) {
            0 => String::new(),
            1 => text[start..end].repeat(2),
            2 => text[start..end].repeat(draw.between(3, 80)),
            3 => {
                let other = draw.choose(seeds);
                let from = other.floor_char_boundary(draw.below(other.len() + 1));
                let to = other.ceil_char_boundary((from + draw.below(200)).min(other.len()));
                other[from..to].to_owned()
            }
            4 => format!("{} {}", draw.pick(WORDS), &text[start..end]),
            5 => draw.pick(WORDS).repeat(draw.between(2, 100)),
            _ => (*draw.pick(WORDS)).to_owned(),
        };
        text.replace_range(start..end, &part);
        let bound = text.floor_char_boundary(BYTES_MAX);
        text.truncate(bound);
    }
    text
}

/// Runs all inputs of a target beside the test, so that one that hangs is named.
fn run(target: &Target) {
    let (name, body) = *target;
    let seeds = seeds::seeds(&repository(), name);
    assert!(seeds.len() > 3, "{name} has no seeds");
    let mut draw = Draw::new(number("MAPWRIGHT_FUZZ_SEED").unwrap_or(2026) as u64);
    let small: Vec<String> = seeds.iter().filter(|seed| seed.len() <= BYTES_MAX).cloned().collect();
    let mut inputs = seeds;
    inputs.extend((0..cases(name)).map(|_| changed(&small, &mut draw)));
    let (begun, inbox) = channel();
    // The stack of a thread of tests, as threads of servers have it.
    let worker = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    let worker = worker.spawn(move || {
        for input in inputs {
            begun.send(input.clone()).expect("the test listens");
            body(&input);
        }
    });
    let last = listen(name, &inbox);
    if worker.expect("a thread").join().is_err() {
        panic!("{name} breaks on:\n{last}\n\n(as a text: {last:?})");
    }
}

/// The last input that was begun, once all have been.
fn listen(name: &str, inbox: &Receiver<String>) -> String {
    let mut last = String::new();
    loop {
        match inbox.recv_timeout(INPUT_MAX) {
            Ok(input) => last = input,
            Err(RecvTimeoutError::Disconnected) => return last,
            Err(RecvTimeoutError::Timeout) => panic!("{name} does not end on:\n{last}\n\n(as a text: {last:?})"),
        }
    }
}

fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|(known, _)| *known == name).expect("a target")
}

#[test]
fn syntax_and_format() {
    run(target("syntax"));
}

#[test]
fn check() {
    run(target("check"));
}

#[test]
fn preview() {
    run(target("preview"));
}

#[test]
fn manifest() {
    run(target("manifest"));
}

#[test]
fn json() {
    run(target("json"));
}

#[test]
fn functions() {
    run(target("functions"));
}

#[test]
fn import() {
    run(target("import"));
}

/// Texts that grow, of every kind that was ever slow: a name, and the text with `n` parts.
fn growing(n: usize) -> Vec<(&'static str, String)> {
    let head = "mapping m from shop.order as o to part of erp.Orders {\n";
    let many = |part: &str| part.repeat(n);
    let numbered = |part: &dyn Fn(usize) -> String| (0..n).map(part).collect::<String>();
    vec![
        ("faults", format!("{head}{}}}\n", many("  a <- \n"))),
        ("faulty definitions", many("mappign m\n")),
        ("open quotes", format!("{head}{}}}\n", many("  a <- \"x\n"))),
        ("closing braces", many("}\n")),
        ("one long list", format!("setting a list of integer = [{}1]\n", many("1, "))),
        ("statements on one line", format!("{head}  {}\n}}\n", many("Code <- o.number; "))),
        ("a long name", format!("setting {} integer = 1\n", many("abcdefgh"))),
        ("a long text", format!("setting a text = \"{}\"\n", many("abcdefgh"))),
        ("holes", format!("{head}  Code <- \"{}\"\n}}\n", many("{b}"))),
        ("comments", format!("{head}{}}}\n", many("  # c\n"))),
        ("comments above a definition", format!("{}setting a integer = 1\n", many("# c\n"))),
        ("remarks", format!("{head}{}}}\n", many("  note \"n\"\n"))),
        ("settings", numbered(&|at| format!("setting a{at} integer = {at}\n"))),
        ("the same name", many("setting a integer = 1\n")),
        ("unknown fields", format!("{head}{}}}\n", numbered(&|at| format!("  a{at} <- o.b{at}\n")))),
        ("a chain of rules", numbered(&|at| format!("rule r{at}(a integer) integer = r{}(a)\n", at + 1))),
        (
            "rows",
            format!(
                "table t from a text(9) to text(9) {{\n{}  otherwise -> \"x\"\n}}\n",
                numbered(&|at| format!("  \"{at}\" -> \"x\"\n"))
            ),
        ),
        ("the same row", format!("table t from a text(9) to text(9) {{\n{}}}\n", many("  \"a\" -> \"x\"\n"))),
        ("words of an enum", format!("system s {{ type a = enum({}z) }}\n", numbered(&|at| format!("v{at}, ")))),
        (
            "mappings",
            numbered(&|at| {
                format!("mapping m{at} from shop.order as o to part of erp.Orders {{\n  Code <- o.number\n}}\n")
            }),
        ),
        (
            "flows",
            format!(
                "{head}  Code <- o.number\n}}\n{}",
                numbered(&|at| format!(
                    "flow f{at} {{\n  every 1 hour reading everything\n  read shop.order as o\n  write m upsert by Code\n}}\n"
                ))
            ),
        ),
    ]
}

/// What `mapwright check` and `fmt` do with a text, and how long it takes at best.
fn checking(text: &str) -> Duration {
    let once = || {
        let begin = std::time::Instant::now();
        bodies::check(text);
        let _formatted = mapwright_syntax::format(text);
        begin.elapsed()
    };
    once().min(once())
}

/// How many parts the smaller one of two growing texts has.
const PARTS: usize = 80;

/// What is told, formatted and generated is at most about eight times as much for eight times the text: with the square it would be 64
/// times. Each text is answered at all, or the test names the one that hangs.
#[test]
fn answers_grow_as_the_text_does() {
    let (begun, inbox) = channel();
    let worker = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    let worker = worker.spawn(move || {
        let bytes = |text: &str| {
            bodies::written(text) + mapwright_syntax::format(text).map(|formatted| formatted.len()).unwrap_or_default()
        };
        for ((name, small), (_, large)) in growing(PARTS).iter().zip(&growing(8 * PARTS)) {
            begun.send((*name).to_owned()).expect("the test listens");
            let (few, many) = (bytes(small), bytes(large));
            assert!(
                many <= 12 * few + 4_096,
                "{name}: {few} bytes come of the text, {many} of one eight times as long"
            );
        }
    });
    let last = listen("check", &inbox);
    if worker.expect("a thread").join().is_err() {
        panic!("breaks on growing texts: {last}");
    }
}

/// Eight times the text takes about eight times as long. A clock says little on a machine that does much else, so this is asked for:
/// `MAPWRIGHT_FUZZ_TIMES=1 cargo test -p mapwright-tests --test fuzz time_grows`.
#[test]
fn time_grows_as_the_text_does() {
    if number("MAPWRIGHT_FUZZ_TIMES").is_none() {
        return;
    }
    let (small, large) = (growing(PARTS), growing(8 * PARTS));
    for ((name, small), (_, large)) in small.iter().zip(&large) {
        // A machine that does much else may be slow for a while, but not always at the same place.
        let grows = || checking(large).as_secs_f64() / checking(small).as_secs_f64().max(0.0005);
        let least = (0..4).map(|_| grows()).find(|times| *times < 25.0);
        assert!(least.is_some(), "{name}: eight times the text takes more than 25 times as long");
    }
}

/// What grows much: 10,000 lines, a line of 1 MB, 100,000 faults. Each is answered, and soon enough for a person.
#[test]
fn large_texts_are_answered() {
    let faults = "  a <- \n".repeat(if cfg!(debug_assertions) { 10_000 } else { 100_000 });
    let (_, found) = mapwright_syntax::parse(
        mapwright_syntax::FileId(0),
        &format!("mapping m from a.b as o to c.d {{\n{faults}}}\n"),
    );
    assert_eq!(found.len(), faults.lines().count());
    let line = format!("setting a text = \"{}\"\n", "long ".repeat(200_000));
    let (tree, found) = mapwright_syntax::parse(mapwright_syntax::FileId(0), &line);
    assert!(found.is_empty() && tree.definitions.len() == 1 && line.len() > 1_000_000);
    assert!(mapwright_syntax::format(&line).is_ok());
}

#[test]
fn every_target_has_a_program_for_the_long_run() {
    let manifest = std::fs::read_to_string(repository().join("tests/fuzz/Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "tests/fuzz/Cargo.toml has no program {name}");
    }
}

/// Writes the seeds of a target into a folder, where `tests/fuzz/run` asks for it.
#[test]
fn seeds_for_the_long_run() {
    let Ok(wanted) = std::env::var("MAPWRIGHT_FUZZ_SEEDS") else { return };
    let (name, folder) = wanted.split_once('=').expect("TARGET=FOLDER");
    std::fs::create_dir_all(folder).unwrap();
    for (number, seed) in seeds::seeds(&repository(), name).into_iter().enumerate() {
        std::fs::write(std::path::Path::new(folder).join(format!("seed-{number:04}")), seed).unwrap();
    }
}
