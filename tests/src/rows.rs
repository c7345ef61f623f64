//! A project with one table of many rows, for measuring.
//!
//! In: how many rows, and whether they stand in a sheet or in the spec. Out: the texts of a project that checks without an error.

use std::fmt::Write as _;

use crate::large::{Large, PROJECT};

/// Where the rows stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In a CSV file.
    Sheet,
    /// In the spec.
    Lines,
}

const SPEC: &str = "use \"web\" as shop\nuse \"books\" as erp\n\n";
const MAPPING: &str = "\nmapping article from shop.article as record to erp.Article \"Articles\" {\n  Code <- record.id\n  \
                       Item <- lookup items(record.code)\n}\n\nflow articles {\n  every 5 minutes\n  read shop.article as record\n  \
                       write article upsert by Code\n  retry up to 24 hours\n  on failure alert sales_ops\n}\n";
const WEB: &str = "system web \"A web shop\" {\n  entity article \"Article\" {\n    id text(32) key\n    code text(20)\n    \
                   updated datetime changed\n  }\n}\n";
const BOOKS: &str = "system books \"Accounts\" {\n  entity Article \"Article\" {\n    Code text(40) key\n    Item text(20) required\n  }\n}\n";

fn manifest(system: &str, entity: &str, entry: &str) -> String {
    format!(
        "manifest: 1\nsystem: {system}\ntitle: {system}\ndriver: rest\nbase: \"https://{system}.example\"\nauth: {{ kind: none }}\n\
         operations:\n  list: {{ request: \"GET /{{entity.path}}\", records: \"body.data[]\" }}\n  get: {{ request: \"GET \
         /{{entity.path}}/{{key}}\", records: \"body\" }}\n  upsert: {{ request: \"PUT /{{entity.path}}/{{key}}\", body: \"{{record}}\", \
         success: {{ status: 204 }}, repeat: keyed }}\nentities:\n  {entity}: {{ path: {entity}, can: [list, get, upsert], {entry} }}\n"
    )
}

/// The project.
#[must_use]
pub fn project(rows: usize, form: Form) -> Large {
    let row = |number: usize| (format!("SHOP-{number:07}"), format!("ITEM-{:07}", number * 7 % 9_999_991));
    let mut spec = SPEC.to_owned();
    let head = "table items from code text(20) to text(20) \"The ERP's items\"";
    let mut files = vec![
        ("systems/web/catalogue.mapspec".to_owned(), WEB.to_owned()),
        (
            "systems/web/connector.yaml".to_owned(),
            manifest(
                "web",
                "article",
                "filter_on: [id], changes: { order: key, passes: [ { field: updated } ], resolution: 1 ms }",
            ),
        ),
        ("systems/books/catalogue.mapspec".to_owned(), BOOKS.to_owned()),
        ("systems/books/connector.yaml".to_owned(), manifest("books", "Article", "filter_on: [Code]")),
    ];
    match form {
        Form::Sheet => {
            let mut sheet = "code;item\n".to_owned();
            for (code, item) in (0..rows).map(row) {
                let _ = writeln!(sheet, "{code};{item}");
            }
            files.push((format!("{PROJECT}/items.csv"), sheet));
            let _ = writeln!(spec, "{head} in csv \"items.csv\" columns code, item");
        }
        Form::Lines => {
            let _ = writeln!(spec, "{head} {{");
            for (code, item) in (0..rows).map(row) {
                let _ = writeln!(spec, "  \"{code}\" -> \"{item}\"");
            }
            spec.push_str("  otherwise -> reject \"no item {code}\"\n}\n");
        }
    }
    spec.push_str(MAPPING);
    spec.push_str("\nignore shop.article.updated because \"the shop's own stamp\"\n");
    files.push((format!("{PROJECT}/project.mapspec"), spec));
    Large { files }
}
