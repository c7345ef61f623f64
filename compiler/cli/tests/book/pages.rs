//! The pages of `mapwright explain` are true: the example of each page raises its code, and what stands under "Instead" does not.
//!
//! Examples are short, so they are read as what they look like: definitions, lines of a mapping of orders, lines of a flow, or fields of
//! an entity. They speak of the book's two systems, or of the shipped integration of Shopware 6 and SAP Business One.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mapwright_syntax::{Files, Severity, parse};

use crate::project::{Book, ROUNDING, blocks};

/// Pages whose fault no block of a spec can show, and why. A project of `tests/faults` or a test of the checker's own shows each.
const ELSEWHERE: &[(&str, &str)] = &[
    ("E0105", "its example would be very long"),
    ("E0106", "its example would be very long"),
    ("E0339", "its example would be very long"),
    ("E0514", "a manifest must know no words for a key"),
    ("E0524", "a manifest must say that nothing tells what is gone"),
    ("E0701", "a fault of a manifest"),
    ("E0702", "a fault of a folder"),
    ("E0703", "a fault of a manifest"),
    ("E0704", "a fault of a manifest"),
    ("E0705", "a fault of a folder"),
    ("N0502", "questions are gathered by the command"),
];

/// A reading of a block that makes no sense.
const STRANGE: &str = "strange";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The `mapspec` blocks under a heading.
fn under(page: &str, heading: &str) -> Vec<String> {
    let Some((_, section)) = page.split_once(&format!("## {heading}\n")) else { return Vec::new() };
    let section = section.split("\n## ").next().unwrap();
    blocks(section).into_iter().filter(|block| block.kind == "mapspec").map(|block| block.text).collect()
}

/// The ways in which a block may be meant: of the book's systems, then of the shipped ones.
fn readings(block: &str) -> (Vec<String>, Vec<String>) {
    let lines: String = block.lines().map(|line| format!("  {line}\n")).collect();
    let fields = format!("system page_system \"Page\" {{\n  entity page \"Page\" {{\n{lines}  }}\n}}\n");
    let flow = format!("flow page {{\n{lines}}}\n");
    let read = format!("flow page {{\n  every 5 minutes\n  read shop.order as order\n{lines}}}\n");
    let mapping = |head: &str| format!("mapping page from {head} {{\n{lines}}}\n");
    let lets = "  let line = first(order.lineItems) otherwise reject \"none\"\n  let country = \"DE\"\n  let delivery = first(order.deliveries) otherwise reject \"none\"\n  let rate = 19\n";
    let book = vec![
        block.to_owned(),
        mapping("shop.order as order to part of erp.Orders"),
        mapping("shop.customer as customer to part of erp.Customers"),
        fields.clone(),
        format!("system page_system \"Page\" {{\n{lines}}}\n"),
    ];
    let shipped = vec![
        block.to_owned(),
        mapping("shop.order as order to erp.Orders"),
        format!("mapping page from shop.order as order to erp.Orders {{\n{lets}{lines}}}\n"),
        mapping("shop.customer as customer to part of erp.BusinessPartners"),
        format!(
            "mapping page from shop.order as order to erp.Orders {{\n  DocumentLines <- each order.lineItems as line {{\n{lines}  }}\n}}\n"
        ),
        flow,
        read,
        fields,
    ];
    (book, shipped)
}

/// The codes of syntax of a spec.
fn unread(spec: &str) -> BTreeSet<&'static str> {
    let mut files = Files::default();
    let file = files.add("page.mapspec", spec);
    parse(file, spec).1.iter().map(|fault| fault.code).collect()
}

/// What is said of a spec beside the shipped one.
fn beside_the_shipped(spec: &str) -> BTreeSet<&'static str> {
    let folder = repository().join("specs/integrations/shopware-sap-business-one");
    let mut project = mapwright_project::load(&folder).expect("the shipped integration").project;
    let file = project.files.add("page.mapspec", spec);
    project.specs.push((file, parse(file, spec).0));
    let (model, mut told) = mapwright_model::check(&project);
    if told.iter().all(|fault| fault.severity != Severity::Error) {
        told.extend(mapwright_preview::run_examples(&model, &project.files));
    }
    told.iter()
        .filter(|fault| fault.labels.iter().any(|label| label.span.file == file))
        .map(|fault| fault.code)
        .collect()
}

/// Is there a reading of the block of which `wanted` holds? What a reading cannot mean names things that are not there, and is marked as
/// strange. Faults of `syntax` are seen without looking at the meaning.
fn any_reading(book: &Book, block: &str, syntax: bool, wanted: &dyn Fn(&BTreeSet<&'static str>) -> bool) -> bool {
    let (books, shipped) = readings(block);
    if syntax {
        return books.iter().chain(&shipped).any(|spec| wanted(&unread(spec)));
    }
    let marked = |mut codes: BTreeSet<&'static str>| {
        if codes.iter().any(|code| code.starts_with("E02")) {
            codes.insert(STRANGE);
        }
        codes
    };
    let told =
        |spec: &str, rounding: &str| marked(book.check(rounding, spec).2.iter().map(|fault| fault.code).collect());
    let readable = |spec: &&String| unread(spec).is_empty();
    books.iter().filter(readable).any(|spec| [ROUNDING, ""].iter().any(|rounding| wanted(&told(spec, rounding))))
        || shipped.iter().filter(readable).any(|spec| wanted(&marked(beside_the_shipped(spec))))
}

#[test]
fn the_example_of_every_page_raises_its_code_and_the_better_one_does_not() {
    let book = Book::new();
    let mut pages: Vec<PathBuf> =
        fs::read_dir(repository().join("docs/checks")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    let mut wrong = Vec::new();
    let mut judged = 0;
    for path in pages {
        let code = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if code == "README" || ELSEWHERE.iter().any(|(known, _)| *known == code) {
            continue;
        }
        judged += 1;
        let page = fs::read_to_string(&path).unwrap();
        let syntax = code.starts_with("E01");
        let raises = |found: &BTreeSet<&'static str>| found.contains(code.as_str());
        if !under(&page, "For example").iter().any(|block| any_reading(&book, block, syntax, &raises)) {
            wrong.push(format!("{code}: its example does not raise it"));
        }
        // A note is worth knowing, and stays.
        if code.starts_with('N') {
            continue;
        }
        for block in under(&page, "Instead") {
            let calm =
                |found: &BTreeSet<&'static str>| !found.contains(code.as_str()) && (syntax || !found.contains(STRANGE));
            if !any_reading(&book, &block, syntax, &calm) {
                wrong.push(format!("{code}: what stands under \"Instead\" raises it, or cannot be read:\n{block}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} faults of pages:\n{}", wrong.len(), wrong.join("\n"));
    assert!(judged > 100, "only {judged} pages were judged");
}
