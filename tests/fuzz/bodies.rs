//! What each fuzz target does with its input.
//!
//! In: any text; its parts are divided by lines of four hyphens. Out: nothing: a body panics where the program breaks a promise. The
//! targets of cargo-fuzz (`fuzz_targets`) and the short run of every test (`tests/fuzz.rs`) share them, so what one finds the other keeps.

use std::collections::BTreeMap;

use mapwright_manifest::Manifest;
use mapwright_model::ir::Model;
use mapwright_model::project::{Project, SystemSource};
use mapwright_preview::cases::{Case, outcome_json};
use mapwright_preview::{Preview, Watch, pretty};
use mapwright_syntax::{
    Diagnostic, FileId, Files, Severity, Style, format, parse, render, same_meaning, to_github, to_json,
};
use mapwright_values::value::Value;
use mapwright_values::{Decimal, Json, functions};

/// A fuzz target: its name and what it does.
pub type Target = (&'static str, fn(&str));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("syntax", syntax),
    ("check", check),
    ("preview", preview),
    ("manifest", manifest),
    ("json", json),
    ("functions", call_functions),
    ("import", import),
];

/// Divides the parts of an input.
pub const DIVIDER: &str = "\n----\n";

const SHOP: &str = include_str!("../corpus/shop.mapspec");
const ERP: &str = include_str!("../corpus/erp.mapspec");
const HEAD: &str = include_str!("../corpus/head.mapspec");
const MANIFEST: &str = r#"manifest: 1
system: NAME
title: NAME
driver: rest
base: "https://NAME.example"
auth: { kind: none }
operations:
  list: { request: "GET /{entity.path}", records: "body.data[]" }
  get: { request: "GET /{entity.path}/{key}", records: "body" }
  upsert: { request: "PUT /{entity.path}/{key}", body: "{record}", success: { status: 204 }, repeat: keyed }
entities:
"#;

/// Parser, recovery, messages, formatter.
pub fn syntax(text: &str) {
    let mut files = Files::default();
    let file = files.add("a.mapspec", text);
    let (tree, faults) = parse(file, text);
    for comment in &tree.comments {
        assert_eq!(files.text(comment.span), comment.text);
    }
    tell(&faults, &files);
    let formatted = format(text);
    assert_eq!(formatted.is_ok(), faults.is_empty(), "the formatter and the parser disagree");
    let Ok(once) = formatted else { return };
    let (again, faults) = parse(FileId(0), &once);
    assert!(faults.is_empty(), "formatted, it cannot be read: {:?}\n{once}", faults.first());
    assert!(same_meaning(&tree, &again), "formatting has changed the meaning:\n{once}");
    let comments = |tree: &mapwright_syntax::tree::Tree| -> Vec<String> {
        tree.comments.iter().map(|comment| comment.text.clone()).collect()
    };
    assert_eq!(comments(&tree), comments(&again), "formatting has lost or moved a comment:\n{once}");
    assert_eq!(format(&once).ok().as_deref(), Some(once.as_str()), "formatting twice changes something");
}

/// Every fault can be told in every form, and lies within the files, as do its fixes. Gives the bytes that a person reads.
fn tell(faults: &[Diagnostic], files: &Files) -> usize {
    let mut bytes = 0;
    for fault in faults {
        let edits = fault.fix.iter().flat_map(|fix| fix.edits.iter().map(|edit| edit.span));
        for span in fault.labels.iter().map(|label| label.span).chain(edits) {
            let text = files.get(span.file).map(|file| file.text.as_str());
            let inside = text.is_some_and(|text| text.get(span.start as usize..span.end as usize).is_some());
            assert!(inside, "a place outside of the files: {fault:?}");
        }
        assert!(!fault.headline.is_empty());
        let rendered = render(fault, files, Style::Plain);
        assert!(!rendered.is_empty());
        bytes += rendered.len();
        assert!(to_json(fault, files).is_object());
        assert!(to_github(fault, files).starts_with("::"));
    }
    bytes
}

/// A checked project and what it was made of.
struct Checked {
    model: Model,
    files: Files,
    sound: bool,
    /// Bytes of all messages.
    told: usize,
}

/// A spec, perhaps a catalogue of its own for the target system.
fn checked(spec: &str, catalogue: &str) -> Checked {
    let mut project = Project { name: "fuzz".to_owned(), ..Project::default() };
    let mut files = Files::default();
    let mut all = Vec::new();
    for (name, text) in [("shop", SHOP), ("erp", catalogue)] {
        let file = files.add(format!("{name}/catalogue.mapspec"), text);
        let (tree, mut faults) = parse(file, text);
        all.append(&mut faults);
        let entities = if name == "shop" { ["order", "customer"] } else { ["Orders", "Items"] };
        let entities = entities.map(|entity| {
            format!("  {entity}: {{ path: {entity}, can: [list, get, upsert], filter_on: [id, Code, number] }}\n")
        });
        let yaml = format!("{}{}", MANIFEST.replace("NAME", name), entities.concat());
        let manifest = Manifest::parse(&yaml, "connector.yaml").ok();
        let manifest = (files.add(format!("{name}/connector.yaml"), yaml), manifest);
        project.systems.push(SystemSource { name: name.to_owned(), catalogue: (file, tree), manifest });
        project.known_systems.push(name.to_owned());
    }
    for (name, text) in [("head.mapspec", HEAD), ("spec.mapspec", spec)] {
        let file = files.add(name, text);
        let (tree, mut faults) = parse(file, text);
        all.append(&mut faults);
        project.specs.push((file, tree));
    }
    project.unread = all.iter().map(Diagnostic::span).collect();
    project.files = files;
    let (model, faults) = mapwright_model::check(&project);
    all.extend(faults);
    let errors = |faults: &[Diagnostic]| faults.iter().any(|fault| fault.severity == Severity::Error);
    if !errors(&all) {
        all.extend(mapwright_preview::run_examples(&model, &project.files));
    }
    let told = tell(&all, &project.files);
    Checked { model, told, sound: !errors(&all), files: project.files }
}

/// A description of a system, read as what it looks like and as CSV: the draft has no fault, or the description is refused in words.
pub fn import(text: &str) {
    for name in ["description", "description.csv"] {
        let source = mapwright_import::Source { name: name.to_owned(), bytes: text.as_bytes().to_vec() };
        match mapwright_import::import(&[source], &mapwright_import::Wanted::default()) {
            Err(fault) => {
                assert!(!fault.message.is_empty() && !fault.help.is_empty());
                assert!(!fault.to_string().contains("fault of mapwright"), "{fault}");
            }
            Ok(imported) => {
                let mut files = Files::default();
                let file = files.add("draft.mapspec", imported.catalogue.as_str());
                let (tree, mut faults) = parse(file, &imported.catalogue);
                let project = Project { files, specs: vec![(file, tree)], ..Project::default() };
                faults.extend(mapwright_model::check(&project).1);
                faults.retain(|fault| fault.severity == Severity::Error);
                assert!(faults.is_empty(), "the draft has a fault: {:?}\n{}", faults.first(), imported.catalogue);
            }
        }
    }
}

/// The whole compiler: names, types, loss, coverage, flows, examples, generated Rust.
pub fn check(text: &str) {
    written(text);
}

/// The same; gives how many bytes come of it: messages, or generated Rust.
pub fn written(text: &str) -> usize {
    let (spec, catalogue) = text.split_once(DIVIDER).unwrap_or((text, ERP));
    let checked = checked(spec, catalogue);
    if !checked.sound {
        return checked.told;
    }
    let code = mapwright_codegen::emit(&checked.model, &checked.files);
    assert!(!code.is_empty());
    checked.told + code.len()
}

/// A spec, an input and what its references find: every mapping that is sound maps, and every field can be explained.
pub fn preview(text: &str) {
    let mut parts = text.split(DIVIDER);
    let checked = checked(parts.next().unwrap_or_default(), ERP);
    let names = ["input.json", "references.json", "settings.json"];
    let texts: BTreeMap<String, String> =
        names.iter().map(|name| (*name).to_owned()).zip(parts.map(str::to_owned)).collect();
    let case = Case::read(&texts);
    let preview = Preview::new(&checked.model, &checked.files);
    let settings = preview.settings();
    for mapping in &checked.model.mappings {
        let watch = Watch::new();
        let Ok(case) = &case else { continue };
        let watched = case.outcome(&settings, |input| preview.map_watched(mapping, input, &watch));
        let plain = case.outcome(&settings, |input| preview.map(mapping, input));
        assert_eq!(watched, plain, "watching changes what comes out");
        if let Ok(outcome) = plain {
            assert!(!pretty(&outcome_json(&outcome)).is_empty());
        }
        for field in ["Code", "Lines", "Lines.Price", "Lines[1].Price", "", "]["] {
            let lines = watch.why(field, &checked.files);
            assert!(lines.iter().all(|line| !line.is_empty()));
        }
        assert!(watch.unreached(&checked.model).iter().all(|one| !one.what.is_empty()));
    }
}

/// The reader of connector manifests.
pub fn manifest(text: &str) {
    match Manifest::parse(text, "connector.yaml") {
        Ok(manifest) => assert!(!format!("{manifest:?}").is_empty()),
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a reason");
            for fault in faults {
                assert!(fault.line >= 1 && fault.column >= 1 && !fault.message.is_empty(), "{fault:?}");
            }
        }
    }
}

/// The reader of records, and of the leaves in them.
pub fn json(text: &str) {
    let Ok(value) = Json::parse(text) else { return };
    let written = value.to_text();
    assert_eq!(Json::parse(&written).as_ref(), Ok(&value), "what is written is not what was read");
    let mut open = vec![&value];
    while let Some(next) = open.pop() {
        match next {
            Json::Number(digits) => {
                if let Ok(number) = Decimal::parse(digits) {
                    assert_eq!(Decimal::parse(&number.to_string()).ok(), Some(number), "{digits}");
                }
            }
            Json::List(elements) => open.extend(elements),
            Json::Record(members) => open.extend(members.iter().map(|(_, member)| member)),
            Json::Null | Json::Boolean(_) | Json::Text(_) => {}
        }
    }
}

/// A function by its name in the first line, its arguments as JSON in the others.
pub fn call_functions(text: &str) {
    let mut lines = text.lines();
    let name = lines.next().unwrap_or_default();
    let parsed: Vec<Option<Json<'_>>> = lines.map(|line| Json::parse(line).ok()).collect();
    let arguments: Vec<Option<Value<'_>>> = parsed.iter().map(|json| json.as_ref().and_then(value)).collect();
    let Some(function) = functions::function(name) else {
        assert!(functions::foreign_name(name).is_none_or(|ours| functions::function(ours).is_some()));
        return;
    };
    if let Ok(None) = (function.call)(&arguments) {
        assert!(function.may_be_missing, "{name} gave a missing value");
    }
}

/// A value of the language: texts that are days or instants are such.
fn value<'r>(json: &Json<'r>) -> Option<Value<'r>> {
    Some(match json {
        Json::Null => return None,
        Json::Boolean(value) => Value::Boolean(*value),
        Json::Number(digits) => Value::Number(Decimal::parse(digits).ok()?),
        Json::Text(text) => {
            if let Some(date) = mapwright_values::time::parse_date(text) {
                Value::Date(date)
            } else if let Some(instant) = mapwright_values::time::parse_instant(text) {
                Value::Instant(instant)
            } else {
                Value::Text(text.clone())
            }
        }
        Json::List(elements) => Value::List(elements.iter().map(value).collect()),
        Json::Record(_) => Value::Json(json.clone()),
    })
}
