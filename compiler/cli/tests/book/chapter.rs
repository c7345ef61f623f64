//! The language chapter of the book is true: every block of it is checked, and every example with an input gives the output beside it.
//!
//! How a block is read, by the words behind its three backticks:
//! - `mapspec,catalogue`: a system of the book's own; its blocks stand in `systems.md`, and all pages use them;
//! - `mapspec`: definitions that have no error; `mapspec,shared`: the same, and the later blocks of the page may use them;
//! - `mapspec,lines`: lines of a mapping of `shop.order as order`, `erp.Items as item`;
//! - `mapspec,wrong` and `text,told` behind it: a fault, and its message;
//! - behind a `mapspec` or `mapspec,lines`: `json,input` (perhaps `json,references`), then what comes of it: `json,output`,
//!   `text,rejected`, `text,skipped` or `text,waiting`;
//! - anything else with `text` or `sh` is shown as it stands.
//!
//! `UPDATE_BOOK=1 cargo test -p mapwright-cli --test book` writes the messages and outputs anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use mapwright_model::ir::Model;
use mapwright_preview::cases::{Case, CaseTexts, reference_json};
use mapwright_preview::{Preview, pretty};
use mapwright_project::Loaded;
use mapwright_syntax::{Diagnostic, Severity, Style, render};
use mapwright_values::{Input, Json, Outcome};

use crate::project::{Block, Book, ROUNDING, blocks, chapter};

/// The pages of the chapter, in order.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = fs::read_dir(chapter())
        .expect("the chapter")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    pages.insert(0, chapter().with_extension("md"));
    pages
}

/// The block as a whole spec.
fn spec(block: &Block) -> String {
    if block.kind != "mapspec,lines" {
        return block.text.clone();
    }
    let lines: String = block.text.lines().map(|line| format!("  {line}\n")).collect();
    let head = "mapping example from shop.order as order to part of erp.Orders";
    format!("{head} {{\n{lines}}}\n")
}

fn messages(loaded: &Loaded, told: &[Diagnostic]) -> String {
    let told: Vec<String> = told.iter().map(|fault| render(fault, &loaded.project.files, Style::Plain)).collect();
    format!("{}\n", told.join("\n\n"))
}

/// What comes of an input, as the book shows it: the words behind the backticks, and the text.
fn outcome(loaded: &Loaded, model: &Model, texts: &CaseTexts) -> (&'static str, String) {
    let mapping = model.mappings.last().expect("a mapping without a fault");
    let preview = Preview::new(model, &loaded.project.files);
    let settings = preview.settings();
    let case = Case::read(texts).expect("an input that can be read");
    match case.outcome(&settings, |input: &Input<'_>| preview.map(mapping, input)).expect("an outcome") {
        Outcome::Mapped(parts) => {
            let mut records: Vec<Json<'static>> = parts.into_iter().map(|part| part.record).collect();
            let shown = if records.len() == 1 { records.remove(0) } else { Json::List(records) };
            ("json,output", pretty(&shown))
        }
        Outcome::Rejected(rejections) => {
            let lines = rejections.iter().map(|rejection| {
                let field = if rejection.field.is_empty() { String::new() } else { format!("{}: ", rejection.field) };
                format!("{field}{}\n", rejection.reason)
            });
            ("text,rejected", lines.collect())
        }
        Outcome::Skipped { reason, .. } => ("text,skipped", format!("{reason}\n")),
        Outcome::Waiting(references) | Outcome::Wants(references) => {
            let lines = references.iter().map(|reference| format!("{}\n", reference_json(reference).to_text()));
            ("text,waiting", lines.collect())
        }
    }
}

/// A block that should be something else.
struct Stale {
    block: Block,
    kind: String,
    text: String,
}

fn stale(block: &Block, kind: &str, text: &str) -> Option<Stale> {
    let same = block.kind == kind && block.text.trim_end() == text.trim_end();
    (!same).then(|| Stale { block: block.clone(), kind: kind.to_owned(), text: text.trim_end().to_owned() })
}

/// Judges the blocks of a page.
fn judge(book: &Book, name: &str, page: &str, wrong: &mut Vec<String>) -> Vec<Stale> {
    let mut found = Vec::new();
    let mut shared = String::new();
    let mut checked: Option<(Loaded, Model, Vec<Diagnostic>)> = None;
    let mut texts = BTreeMap::new();
    for block in blocks(page) {
        let at = format!("{name}:{}", block.lines.0 + 1);
        match block.kind.as_str() {
            "mapspec,catalogue" | "text" | "sh" | "json" => {}
            "mapspec" | "mapspec,shared" | "mapspec,lines" | "mapspec,wrong" => {
                let spec = spec(&block);
                let (loaded, model, told) = book.check(&format!("{ROUNDING}{shared}"), &spec);
                let errors = told.iter().filter(|fault| fault.severity == Severity::Error).count();
                if (errors > 0) != (block.kind == "mapspec,wrong") {
                    wrong.push(format!("{at}: {errors} errors\n{}", messages(&loaded, &told)));
                }
                if block.kind == "mapspec,shared" {
                    shared.push_str(&block.text);
                }
                checked = Some((loaded, model, told));
                texts.clear();
            }
            "text,told" => {
                let (loaded, _, told) = checked.as_ref().expect("a spec before its message");
                let told: Vec<Diagnostic> =
                    told.iter().filter(|fault| fault.severity == Severity::Error).cloned().collect();
                found.extend(stale(&block, "text,told", &messages(loaded, &told)));
            }
            "json,input" | "json,references" => {
                let kind = block.kind.trim_start_matches("json,");
                if kind == "input" {
                    texts.clear();
                }
                texts.insert(format!("{kind}.json"), block.text.clone());
            }
            "json,output" | "text,rejected" | "text,skipped" | "text,waiting" => {
                let (loaded, model, _) = checked.as_ref().expect("a spec before its output");
                if !model.mappings.is_empty() {
                    let (kind, text) = outcome(loaded, model, &texts);
                    found.extend(stale(&block, kind, &text));
                }
            }
            other => wrong.push(format!("{at}: what is a block of `{other}`?")),
        }
    }
    found
}

/// The page with its stale blocks written anew.
fn renewed(page: &str, stale: &[Stale]) -> String {
    let mut lines: Vec<String> = page.lines().map(str::to_owned).collect();
    for one in stale.iter().rev() {
        let (from, to) = one.block.lines;
        lines.splice(from - 1..to, [format!("```{}", one.kind), one.text.clone()]);
    }
    lines.join("\n") + "\n"
}

#[test]
fn every_example_of_the_language_chapter_is_true() {
    let book = Book::new();
    let update = std::env::var_os("UPDATE_BOOK").is_some();
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in pages() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let page = fs::read_to_string(&path).unwrap();
        count += blocks(&page).len();
        let stale = judge(&book, &name, &page, &mut wrong);
        if update && !stale.is_empty() {
            fs::write(&path, renewed(&page, &stale)).unwrap();
            continue;
        }
        for one in stale {
            wrong.push(format!("{name}:{}: now `{}`:\n{}", one.block.lines.0, one.kind, one.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(count > 60, "only {count} blocks were found");
}
