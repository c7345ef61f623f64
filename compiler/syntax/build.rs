//! Writes the matcher of the grammar: one function for each rule, as Rust.
//!
//! In: `src/grammar.pest`. Out: `matched.rs` in Cargo's output folder, which `src/parse/matcher.rs` takes in. The functions find what pest's own
//! parser finds (a test holds the two together) at a fraction of its cost: an alternative is not tried where the next byte rules it out, and
//! nothing is noted of what was expected. Where a line cannot be read, pest's parser says that.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a build script: what is not as expected ends it"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use pest_meta::ast::{Expr, Rule, RuleType};
use pest_meta::parser;

const GRAMMAR: &str = "src/grammar.pest";

/// The rules that a text is read by.
const ROOTS: [&str; 2] = ["definitions", "system_items"];

/// What stands between the parts of a rule that is not atomic.
const BLANKS: &str = "WHITESPACE";

fn main() {
    println!("cargo:rerun-if-changed={GRAMMAR}");
    println!("cargo:rerun-if-changed=build.rs");
    let text = std::fs::read_to_string(GRAMMAR).unwrap();
    let pairs = parser::parse(parser::Rule::grammar_rules, &text).unwrap_or_else(|fault| panic!("{fault}"));
    let rules = parser::consume_rules(pairs).unwrap_or_else(|faults| panic!("{faults:?}"));
    let folder = std::env::var("OUT_DIR").unwrap();
    std::fs::write(Path::new(&folder).join("matched.rs"), Grammar::of(&rules).functions()).unwrap();
}

/// How blanks and tokens are dealt with: a rule may be called in several of these manners.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Manner {
    /// Blanks may stand between parts.
    Spaced,
    /// They may not.
    Compound,
    /// They may not, and parts are no tokens.
    Atomic,
}

impl Manner {
    fn suffix(self) -> &'static str {
        match self {
            Manner::Spaced => "spaced",
            Manner::Compound => "compound",
            Manner::Atomic => "atomic",
        }
    }
}

/// The bytes that something may begin with, and whether it may be nothing at all.
#[derive(Clone, Default, PartialEq, Eq)]
struct First {
    bytes: BTreeSet<u8>,
    nothing: bool,
}

impl First {
    fn of(bytes: impl IntoIterator<Item = u8>) -> First {
        First { bytes: bytes.into_iter().collect(), nothing: false }
    }

    fn nothing() -> First {
        First { bytes: BTreeSet::new(), nothing: true }
    }

    /// A pattern of its bytes: `b'a'..=b'z' | b'_'`.
    fn pattern(&self) -> String {
        let mut ranges: Vec<(u8, u8)> = Vec::new();
        for byte in &self.bytes {
            match ranges.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(*byte) => *last = *byte,
                _ => ranges.push((*byte, *byte)),
            }
        }
        let written =
            ranges.iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}..={to}") });
        written.collect::<Vec<_>>().join(" | ")
    }
}

/// Every byte of a character that is not ASCII.
const BEYOND_ASCII: std::ops::RangeInclusive<u8> = 0x80..=0xff;

struct Grammar<'g> {
    rules: BTreeMap<&'g str, &'g Rule>,
    firsts: BTreeMap<&'g str, First>,
}

impl<'g> Grammar<'g> {
    fn of(rules: &'g [Rule]) -> Grammar<'g> {
        let rules = rules.iter().map(|rule| (rule.name.as_str(), rule)).collect();
        let mut grammar = Grammar { rules, firsts: BTreeMap::new() };
        // Rules name one another: what they may begin with grows until nothing is added.
        loop {
            let firsts: BTreeMap<&str, First> =
                grammar.rules.iter().map(|(name, rule)| (*name, grammar.first(&rule.expr))).collect();
            if firsts == grammar.firsts {
                return grammar;
            }
            grammar.firsts = firsts;
        }
    }

    fn first(&self, expr: &Expr) -> First {
        match expr {
            Expr::Str(text) => text.bytes().next().map_or_else(First::nothing, |byte| First::of([byte])),
            Expr::Range(from, to) => match (from.as_bytes(), to.as_bytes()) {
                ([from], [to]) => First::of(*from..=*to),
                _ => panic!("a range beyond ASCII: {from}..{to}"),
            },
            Expr::Ident(name) => match name.as_str() {
                "ANY" => First::of(0..=0xff),
                "ASCII_DIGIT" => First::of(b'0'..=b'9'),
                "XID_START" => First::of((b'a'..=b'z').chain(b'A'..=b'Z').chain(BEYOND_ASCII)),
                "XID_CONTINUE" => {
                    First::of((b'a'..=b'z').chain(b'A'..=b'Z').chain(b'0'..=b'9').chain([b'_']).chain(BEYOND_ASCII))
                }
                "SOI" | "EOI" => First::nothing(),
                name => self.firsts.get(name).cloned().unwrap_or_default(),
            },
            Expr::PosPred(_) | Expr::NegPred(_) => First::nothing(),
            Expr::Seq(one, other) => {
                let mut first = self.first(one);
                if first.nothing {
                    let other = self.first(other);
                    // Blanks may stand between the two.
                    first.bytes.extend(self.first(&Expr::Ident(BLANKS.to_owned())).bytes);
                    first.bytes.extend(other.bytes);
                    first.nothing = other.nothing;
                }
                first
            }
            Expr::Choice(one, other) => {
                let (mut first, other) = (self.first(one), self.first(other));
                first.bytes.extend(other.bytes);
                first.nothing |= other.nothing;
                first
            }
            Expr::Opt(inner) | Expr::Rep(inner) => First { nothing: true, ..self.first(inner) },
            Expr::RepOnce(inner) | Expr::RepExact(inner, _) => self.first(inner),
            other => panic!("the grammar uses what this script does not know: {other:?}"),
        }
    }

    /// All functions that the roots need.
    fn functions(&self) -> String {
        let blank = self.first(&Expr::Ident(BLANKS.to_owned())).pattern();
        let mut out = format!("#[inline] pub(super) fn begins_blank(byte: u8) -> bool {{ matches!(byte, {blank}) }}\n");
        let mut wanted: BTreeSet<(String, Manner)> =
            ROOTS.iter().map(|root| ((*root).to_owned(), Manner::Spaced)).collect();
        wanted.insert((BLANKS.to_owned(), Manner::Atomic));
        let mut written = BTreeSet::new();
        while let Some((name, manner)) = wanted.pop_first() {
            if written.insert((name.clone(), manner)) {
                let rule = self.rules.get(name.as_str()).unwrap_or_else(|| panic!("no rule {name}"));
                self.function(rule, manner, &mut out, &mut wanted);
            }
        }
        out
    }

    fn function(&self, rule: &Rule, called: Manner, out: &mut String, wanted: &mut BTreeSet<(String, Manner)>) {
        let (manner, token) = match rule.ty {
            RuleType::Silent => (called, false),
            RuleType::Normal => (called, called != Manner::Atomic),
            RuleType::Atomic => (Manner::Atomic, called != Manner::Atomic),
            RuleType::CompoundAtomic => (Manner::Compound, true),
            RuleType::NonAtomic => (Manner::Spaced, true),
        };
        let name = &rule.name;
        let body = self.matching(&rule.expr, manner, wanted);
        let _ = writeln!(out, "pub(super) fn {name}_{}(m: &mut Matcher<'_>) -> bool {{", called.suffix());
        if token {
            let _ = writeln!(out, "let token = m.open(Rule::{name}); let matched = {body}; m.close(token, matched)");
        } else {
            let _ = writeln!(out, "{body}");
        }
        out.push_str("}\n");
    }

    /// An expression that says whether the text goes on like this. One that says `false` leaves the matcher as it was.
    fn matching(&self, expr: &Expr, manner: Manner, wanted: &mut BTreeSet<(String, Manner)>) -> String {
        let mut inner = |expr: &Expr| self.matching(expr, manner, wanted);
        match expr {
            Expr::Str(text) => format!("m.string({text:?})"),
            Expr::Range(from, to) => format!("m.range(b{from:?}[0]..=b{to:?}[0])"),
            Expr::Ident(name) => match name.as_str() {
                "ANY" => "m.any()".to_owned(),
                "ASCII_DIGIT" => "m.digit()".to_owned(),
                "XID_START" => "m.xid_start()".to_owned(),
                "XID_CONTINUE" => "m.xid_continue()".to_owned(),
                "SOI" => "m.is_start()".to_owned(),
                "EOI" => "m.is_end()".to_owned(),
                name => {
                    wanted.insert((name.to_owned(), manner));
                    format!("{name}_{}(m)", manner.suffix())
                }
            },
            Expr::PosPred(tried) => format!("{{ let mark = m.mark(); {} && m.back(mark) }}", inner(tried)),
            Expr::NegPred(tried) => {
                format!("{{ let mark = m.mark(); !({} && m.back(mark)) }}", inner(tried))
            }
            Expr::Seq(..) => {
                let mut parts = Vec::new();
                flatten(expr, &mut parts, &|expr| match expr {
                    Expr::Seq(one, other) => Some((one, other)),
                    _ => None,
                });
                let between = if manner == Manner::Spaced { " && m.skip() && " } else { " && " };
                let parts: Vec<String> = parts.into_iter().map(inner).collect();
                format!("{{ let mark = m.mark(); ({}) || !m.back(mark) }}", parts.join(between))
            }
            Expr::Choice(..) => {
                let mut parts = Vec::new();
                flatten(expr, &mut parts, &|expr| match expr {
                    Expr::Choice(one, other) => Some((one, other)),
                    _ => None,
                });
                let parts: Vec<String> = parts.into_iter().map(|part| self.guarded(part, inner(part))).collect();
                format!("({})", parts.join(" || "))
            }
            Expr::Opt(tried) => format!("({} || true)", self.guarded(tried, inner(tried))),
            Expr::Rep(tried) => {
                if manner != Manner::Spaced && **tried == Expr::Ident("XID_CONTINUE".to_owned()) {
                    return "m.xid_continues()".to_owned();
                }
                let tried = self.guarded(tried, inner(tried));
                match manner {
                    Manner::Spaced => format!(
                        "{{ let mut first = true; loop {{ let mark = m.mark(); if !first {{ m.skip(); }} if !{tried} {{ m.back(mark); break; }} first = false; }} true }}"
                    ),
                    Manner::Compound | Manner::Atomic => format!("{{ while {tried} {{}} true }}"),
                }
            }
            Expr::RepOnce(tried) => {
                let rest = Expr::Rep(tried.clone());
                inner(&Expr::Seq(tried.clone(), Box::new(rest)))
            }
            Expr::RepExact(tried, count) => {
                let all = std::iter::repeat_n((**tried).clone(), *count as usize);
                let all = all.reduce(|one, other| Expr::Seq(Box::new(one), Box::new(other)));
                inner(&all.unwrap_or(Expr::Str(String::new())))
            }
            other => panic!("the grammar uses what this script does not know: {other:?}"),
        }
    }

    /// Tried only where the next byte does not rule it out.
    fn guarded(&self, expr: &Expr, matching: String) -> String {
        let first = self.first(expr);
        let plain = matches!(expr, Expr::Str(_) | Expr::Range(..));
        if first.nothing || plain || first.bytes.len() > usize::from(u8::MAX) {
            return format!("({matching})");
        }
        format!("(matches!(m.next(), {}) && {matching})", first.pattern())
    }
}

/// The parts of a sequence or choice, however it is nested.
fn flatten<'e>(expr: &'e Expr, parts: &mut Vec<&'e Expr>, split: &dyn Fn(&'e Expr) -> Option<(&'e Expr, &'e Expr)>) {
    match split(expr) {
        Some((one, other)) => {
            flatten(one, parts, split);
            flatten(other, parts, split);
        }
        None => parts.push(expr),
    }
}
