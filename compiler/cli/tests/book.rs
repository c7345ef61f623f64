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

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot read the book must fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mapwright_model::ir::Model;
use mapwright_preview::cases::{Case, CaseTexts, reference_json};
use mapwright_preview::{Preview, pretty};
use mapwright_project::Loaded;
use mapwright_syntax::{Diagnostic, Severity, Style, render};
use mapwright_values::{Input, Json, Outcome};

/// What every example begins with.
const HEAD: &str = "use \"shop\" as shop\nuse \"erp\" as erp\nrounding half_up\n";
/// What examples do not speak of; the chapter has a page on `leave` and `ignore`.
const REST: &str = "leave rest of erp.Orders, rest of erp.Customers, rest of erp.Bookings, rest of erp.Items, rest of shop.order, rest of shop.customer, rest of shop.product because \"not in the example\"\nignore rest of shop.order, rest of shop.customer, rest of shop.product, rest of erp.Orders, rest of erp.Items, rest of erp.Customers because \"not in the example\"\n";

fn chapter() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/language")
}

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

/// A fenced block.
#[derive(Clone, Debug)]
struct Block {
    /// `mapspec,lines`.
    kind: String,
    text: String,
    /// Its first and last line of content, from 0, half open.
    lines: (usize, usize),
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<(String, usize)> = None;
    let lines: Vec<&str> = page.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let Some(words) = line.strip_prefix("```") else { continue };
        match open.take() {
            None => open = Some((words.to_owned(), number + 1)),
            Some((kind, from)) => {
                let text: String = lines.iter().take(number).skip(from).map(|line| format!("{line}\n")).collect();
                found.push(Block { kind, text, lines: (from, number) });
            }
        }
    }
    assert!(open.is_none(), "a block is never closed");
    found
}

/// A folder with the book's two systems.
struct Book(tempfile::TempDir);

impl Book {
    fn new() -> Book {
        let book = Book(tempfile::tempdir().unwrap());
        let page = fs::read_to_string(chapter().join("systems.md")).expect("the page on systems");
        let catalogues: Vec<Block> =
            blocks(&page).into_iter().filter(|block| block.kind == "mapspec,catalogue").collect();
        assert_eq!(catalogues.len(), 2, "the shop and the ERP");
        for (name, catalogue) in ["shop", "erp"].iter().zip(catalogues) {
            let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/book/{name}.yaml"));
            book.write(&format!("systems/{name}/catalogue.mapspec"), &catalogue.text);
            book.write(&format!("systems/{name}/connector.yaml"), &fs::read_to_string(manifest).unwrap());
        }
        book.write("example/carriers.csv", "method;code\nparcel;1\nfreight;2\n");
        book.write("example/rest.mapspec", REST);
        book
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Checks a spec, its examples included.
    fn check(&self, shared: &str, spec: &str) -> (Loaded, Model, Vec<Diagnostic>) {
        self.write("example/head.mapspec", &format!("{HEAD}{shared}"));
        self.write("example/example.mapspec", spec);
        let mut loaded = mapwright_project::load(&self.0.path().join("example")).unwrap();
        let mut told = std::mem::take(&mut loaded.diagnostics);
        let (model, found) = mapwright_model::check(&loaded.project);
        told.extend(found);
        if told.iter().all(|fault| fault.severity != Severity::Error) {
            told.extend(mapwright_preview::run_examples(&model, &loaded.project.files));
        }
        (loaded, model, told)
    }
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
        Outcome::Waiting(references) => {
            let lines = references.iter().map(|reference| format!("{}\n", reference_json(reference).to_text()));
            ("text,waiting", lines.collect())
        }
        Outcome::Wants(_) => unreachable!("a case answers every reference"),
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
                let (loaded, model, told) = book.check(&shared, &spec);
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
