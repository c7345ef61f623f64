//! A large project for measuring: as many mappings and field lines as wanted, of the forms that real specs use.
//!
//! In: how many. Out: a folder with two systems, settings, a table, a rule, mappings and flows, which checks without an error. The
//! same numbers give the same bytes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Field lines of a mapping, but for the last one of a project.
pub const LINES_A_MAPPING: usize = 50;
/// Field lines that a mapping has beyond those of the forms: its key and the block of its lines.
const LINES_FIXED: usize = 6;

/// The texts of a project.
#[derive(Debug)]
pub struct Large {
    /// File names below the folder that holds project and systems, and what stands in them.
    pub files: Vec<(String, String)>,
}

/// The project's folder below the one that [`Large::write`] fills.
pub const PROJECT: &str = "project";

impl Large {
    /// A project with so many field lines, in mappings of [`LINES_A_MAPPING`] or fewer.
    #[must_use]
    pub fn of(lines: usize) -> Large {
        let counts: Vec<usize> = (0..lines.div_ceil(LINES_A_MAPPING))
            .map(|mapping| (lines - mapping * LINES_A_MAPPING).clamp(LINES_FIXED + 1, LINES_A_MAPPING))
            .collect();
        let mut files = vec![
            ("systems/web/catalogue.mapspec".to_owned(), web(&counts)),
            ("systems/web/connector.yaml".to_owned(), manifest("web", "order", "id", counts.len())),
            ("systems/books/catalogue.mapspec".to_owned(), books(&counts)),
            ("systems/books/connector.yaml".to_owned(), manifest("books", "Order", "Code", counts.len())),
            (format!("{PROJECT}/project.mapspec"), SHARED.to_owned()),
        ];
        // A file holds what one person looks after.
        for (file, part) in counts.chunks(10).enumerate() {
            let first = file * 10;
            let mappings = part.iter().enumerate().map(|(offset, count)| mapping(first + offset, *count));
            files.push((format!("{PROJECT}/part{file:03}.mapspec"), mappings.collect::<Vec<_>>().join("\n")));
        }
        Large { files }
    }

    /// A record that the first mapping of a large project takes.
    #[must_use]
    pub fn record() -> String {
        let mut fields = String::new();
        for number in 0..forms(LINES_A_MAPPING) {
            let name = form(number).0.split(' ').next().unwrap_or_default();
            let value = match number % 10 {
                3 => "\"2026-03-14T10:15:00Z\"",
                5 => "\"In Progress\"",
                9 => "\"2026-03-14\"",
                4 => "19",
                2 | 6 | 8 => "119.00",
                _ => "\"A value\"",
            };
            let value = if number % 10 == 6 { "250" } else { value };
            let _ = write!(fields, ", \"{}\": {value}", numbered(name, number));
        }
        let line = r#"{ "sku": "4711", "label": "Shirt", "quantity": 2, "price": 19.99 }"#;
        let lines = [line; 10].join(", ");
        format!(
            r#"{{ "id": "1", "number": "10231", "country": "DE", "gross": true, "updated": "2026-03-14T10:15:00Z"{fields}, "lines": [{lines}] }}"#
        )
    }

    /// Writes it below `folder`; the answer is the project's own folder.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, folder: &Path) -> std::io::Result<PathBuf> {
        for (name, text) in &self.files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
            std::fs::write(path, text)?;
        }
        Ok(folder.join(PROJECT))
    }
}

const SHARED: &str = r#"# What all mappings share.
use "web" as shop
use "books" as erp

rounding half_up

setting zone   text(64) "Zone in which days begin" = "Europe/Berlin"
setting prefix text(4)  "Stands before the shop's codes" = "SW-"

table vat_groups from country text(2), rate decimal(5,2), business boolean to text(8) "Output VAT group" {
  "AT", 20, any -> "A5"
  "AT", 10, any -> "A6"
  any, 0, true  -> "A4"
  any, 0, false -> "A3"
  any, 19, any  -> "A1"
  any, 7, any   -> "A2"
  otherwise     -> reject "no VAT group for {rate} % in {country}"
}
  example vat_groups("AT", 10, false) is "A6"

rule net(amount decimal(12,2), rate decimal(5,2), gross boolean) decimal(19,2) "An amount without tax" =
    if gross then net_from_gross(amount, rate, 2) else amount
  example net(119, 19, true) is 100
"#;

/// The forms that field lines come in: the source fields they need, the target field, the line.
fn form(number: usize) -> (&'static str, &'static str, &'static str) {
    const FORMS: &[(&str, &str, &str)] = &[
        ("name_N text(60)?", "Name_N text(40)?", "record.name_N | trim | cut otherwise omit"),
        ("code_N text(16)", "Code_N text(20)", "\"{prefix}{record.code_N}\""),
        ("amount_N decimal(12,2)", "Amount_N decimal(19,2)", "net(record.amount_N, 19, gross)"),
        ("at_N datetime", "Due_N date", "record.at_N | date_in(zone) | add_days(3)"),
        ("rate_N decimal(5,2)", "VatGroup_N text(8)", "lookup vat_groups(record.country, record.rate_N, true)"),
        (
            "state_N enum(open, \"in_progress\" = \"In Progress\", done)",
            "State_N text(2)",
            "match record.state_N { \"open\" -> \"O\"; \"in_progress\" -> \"P\"; \"done\" -> \"D\" }",
        ),
        (
            "size_N integer(0..10000)?",
            "Large_N boolean",
            "(record.size_N otherwise 0) > 100 and record.country != \"DE\"",
        ),
        (
            "note_N text(255)?",
            "Remark_N text(254)",
            "\"{record.number}: {record.note_N otherwise \"-\"}\" | collapse_spaces | cut",
        ),
        ("weight_N decimal(9,3)", "Weight_N decimal(19,2)", "round(record.weight_N * 1000 / 453.6, 2)"),
        ("day_N date?", "Day_N text(10)?", "record.day_N | format_date('%d.%m.%Y') | fit otherwise omit"),
    ];
    FORMS.get(number % FORMS.len()).copied().unwrap_or_default()
}

fn numbered(text: &str, number: usize) -> String {
    text.replace("_N", &format!("_{number:02}"))
}

/// How many lines of the forms a mapping of so many field lines has.
fn forms(count: usize) -> usize {
    count.saturating_sub(LINES_FIXED)
}

fn web(counts: &[usize]) -> String {
    let mut out = String::from("system web \"A web shop\" {\n");
    for (mapping, count) in counts.iter().enumerate() {
        let _ = writeln!(out, "  entity order_{mapping:03} \"Orders of channel {mapping}\" {{");
        out.push_str("    id text(32) key\n    number text(64)\n    country text(2)\n    gross boolean\n    updated datetime changed\n");
        for number in 0..forms(*count) {
            let _ = writeln!(out, "    {}", numbered(form(number).0, number));
        }
        out.push_str(
            "    lines list { sku text(40); label text(255); quantity decimal(12,3); price decimal(12,2) }\n  }\n",
        );
    }
    out.push_str("}\n");
    out
}

fn books(counts: &[usize]) -> String {
    let mut out = String::from("system books \"Accounts\" {\n");
    for (mapping, count) in counts.iter().enumerate() {
        let _ = writeln!(out, "  entity Order_{mapping:03} \"Orders of channel {mapping}\" {{");
        out.push_str("    Code text(40) key\n");
        for number in 0..forms(*count) {
            let required = if matches!(number % 10, 1..=3) { " required" } else { "" };
            let _ = writeln!(out, "    {}{required}", numbered(form(number).1, number));
        }
        out.push_str("    Rows list { Sku text(40) required; Label text(100)?; Quantity decimal(19,6) required; Net decimal(19,2)? }\n  }\n");
    }
    out.push_str("}\n");
    out
}

fn mapping(mapping: usize, count: usize) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "mapping order_{mapping:03} from shop.order_{mapping:03} as record to erp.Order_{mapping:03} \"Channel {mapping}\" {{\n  owner \"Sales operations\", agreed 2026-03-14\n  check record.lines is not empty otherwise reject \"order {{record.number}} has no lines\"\n\n  let gross = record.gross\n\n  Code <- record.id"
    );
    for number in 0..forms(count) {
        if number % 10 == 0 {
            out.push('\n');
        }
        let (_, target, line) = form(number);
        let target = target.split(' ').next().unwrap_or_default();
        let _ = writeln!(out, "  {} <- {}", numbered(target, number), numbered(line, number));
    }
    out.push_str(
        "\n  Rows <- each record.lines as line where line.quantity > 0 {\n    Sku      <- line.sku\n    Label    <- line.label | cut\n    Quantity <- line.quantity\n    Net      <- net(line.price, 19, gross)\n  }\n\n",
    );
    out.push_str("  ignore record.updated because \"the shop's own stamp\"\n");
    if forms(count) <= 4 {
        out.push_str("  ignore record.country because \"no tax group\"\n");
    }
    out.push_str("}\n\n");
    let _ = writeln!(
        out,
        "flow orders_{mapping:03} {{\n  every 5 minutes\n  read shop.order_{mapping:03} as record\n  write order_{mapping:03} upsert by Code\n  retry up to 24 hours\n  on failure alert sales_ops\n}}"
    );
    out
}

fn manifest(system: &str, entity: &str, key: &str, count: usize) -> String {
    let mut out = format!(
        "manifest: 1\nsystem: {system}\ntitle: {system}\ndriver: rest\nbase: \"https://{system}.example\"\nauth: {{ kind: none }}\noperations:\n  list: {{ request: \"GET /{{entity.path}}\", records: \"body.data[]\" }}\n  get: {{ request: \"GET /{{entity.path}}/{{key}}\", records: \"body\" }}\n  upsert: {{ request: \"PUT /{{entity.path}}/{{key}}\", body: \"{{record}}\", success: {{ status: 204 }}, repeat: keyed }}\nentities:\n"
    );
    let changes =
        if key == "id" { ", changes: { order: key, passes: [ { field: updated } ], resolution: 1 ms }" } else { "" };
    for number in 0..count {
        let _ = writeln!(
            out,
            "  {entity}_{number:03}: {{ path: {entity}{number}, can: [list, get, upsert], filter_on: [{key}]{changes} }}"
        );
    }
    out
}
