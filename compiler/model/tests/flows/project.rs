//! A small project from text, connectors included.

use mapwright_manifest::Manifest;
use mapwright_model::check;
use mapwright_model::ir::Model;
use mapwright_model::project::{Project, SystemSource};
use mapwright_syntax::{Diagnostic, Files, Severity, Style, parse, render};

/// The shop's catalogue of all tests.
const SHOP: &str = r#"system shop_system "Shop" {
  entity order "Order" {
    id        text(32)   key
    number    text(20)   natural key
    status    enum(open, cancelled, "in-work" = "In work")
    comment   text(100)?
    paid      boolean("Y", "N")
    total     decimal(9,2)
    extra     { erpNumber text(20)? }?
    updated   datetime   read only, changed
  }
  entity item "Item" {
    sku       text(20)   key, create only
    name      text(50)
    stock     integer
    price     decimal(9,2)?
    address   { street text(50);  city text(50) }?
    updated   datetime   read only, changed
  }
  entity visit { id text(32) key;  page text(50) }
  entity lost  { id text(32) key }
  entity basket { id text(32) key;  lines list { no text(9) key };  updated datetime read only, changed }
  entity page  { sku text(20) key;  name text(50);  updated datetime read only, changed }
}
"#;

/// The ERP's catalogue of all tests.
const ERP: &str = r#"system erp_system "ERP" {
  entity Orders "Sales order" {
    Entry     integer        key, read only
    Number    text(20)?      natural key
    Remark    text(100)?
    ShopId    text(32)?      natural key
    Amount    decimal(9,2)   required
    Address   { Street text(50)?;  City text(50)? }
    Lines     list { Item text(20) required;  Count integer }  merged
    Updated   datetime       read only, changed
  }
  entity Items "Item" {
    Code      text(20)       key, create only, required
    Name      text(50)?
    Stock     integer?
    Price     decimal(9,2)?
    Group     integer?
    Updated   datetime       read only, changed
  }
  entity Notes { Number text(20) key;  Text text(100)? }
  entity Groups { Code text(20) key, create only;  Title text(50);  Updated datetime read only, changed }
  action Orders_Close "Closes an order" { Entry integer key }
}
"#;

/// How the shop is reached.
pub(crate) const SHOP_MANIFEST: &str = r#"manifest: 1
system: shop
title: Shop
driver: odata
base: "{config.url}"
auth: { kind: none }
codec: { kind: json }
filters: { form: odata, in_max: 20 }
select: { form: odata }
sort: { form: odata }
paging: { kind: none }
operations:
  list:   { request: "GET /{entity.path}", records: "body.value[]" }
  get:    { request: "GET /{entity.path}({key})", record: body }
  update: { request: "PATCH /{entity.path}({key})", body: "{record}", success: { status: 204 }, returns: nothing, repeat: safe }
entities:
  order:
    path: order
    can: [list, get, update]
    filter_on: [id, number, status, paid, comment]
    changes: { order: key, passes: [ { field: updated } ], resolution: 1 s, overlap: 10 min }
  item:
    path: item
    can: [list, get, update]
    filter_on: [sku, name]
    changes: { order: key, passes: [ { field: updated } ], resolution: 1 s, overlap: 10 min, misses: [stock] }
  basket: { path: basket, can: [list, get], filter_on: [id], changes: { order: key, passes: [ { field: updated } ] } }
  page: { path: page, can: [list, update], filter_on: [sku], changes: { order: key, passes: [ { field: updated } ] } }
  visit: { path: visit, can: [list, get], filter_on: [id], changes: none }
"#;

/// How the ERP is reached.
pub(crate) const ERP_MANIFEST: &str = r#"manifest: 1
system: erp
title: ERP
driver: odata
base: "{config.url}"
auth: { kind: none }
codec: { kind: json }
filters: { form: odata, in_max: 20 }
select: { form: odata }
sort: { form: odata }
paging: { kind: none }
changes: { order: key, passes: [ { field: Updated } ], resolution: 1 s, overlap: 10 min }
operations:
  list:   { request: "GET /{entity.path}", records: "body.value[]" }
  get:    { request: "GET /{entity.path}({key})", record: body }
  create: { request: "POST /{entity.path}", body: "{record}", success: { status: 201 }, record: body, repeat: unsafe }
  update: { request: "PATCH /{entity.path}({key})", body: "{record}", success: { status: 204 }, returns: nothing, repeat: safe }
entities:
  Orders:
    path: Orders
    can: [list, get, create, update]
    filter_on: [Entry, Number]
    probe: { by: [Number] }
  Items:
    path: Items
    can: [list, get, create, update, batch]
    filter_on: [Code, Name]
    create: { repeat: keyed }
    batch: { of: update, size: 50, outcome: atomic, request: "POST /batch", body: { rows: "{records}" } }
  Notes: { path: Notes, can: [list, get], filter_on: [Number], changes: none }
  Groups: { path: Groups, can: [list, get, update], filter_on: [Code], changes: { deletes: none } }
actions:
  Orders_Close:
    request: POST /Orders({record.Entry})/Close
    success: { status: 204 }
"#;

/// What every test project begins with.
pub(crate) const HEAD: &str = "use \"shop\" as shop\nuse \"erp\" as erp\n";

/// Model and all faults of a spec, with these manifests.
pub(crate) fn checked_with(spec: &str, shop: &str, erp: &str) -> (Model, Vec<Diagnostic>, Project) {
    let mut project = Project { name: "test".to_owned(), ..Project::default() };
    let mut files = Files::default();
    let mut faults = Vec::new();
    for (name, text, yaml) in [("shop", SHOP, shop), ("erp", ERP, erp)] {
        let file = files.add(format!("{name}/catalogue.mapspec"), text);
        let (tree, mut found) = parse(file, text);
        faults.append(&mut found);
        let shown = format!("{name}/connector.yaml");
        let manifest = Manifest::parse(yaml, &shown).unwrap();
        let manifest = (files.add(shown, yaml), Some(manifest));
        project.systems.push(SystemSource { name: name.to_owned(), catalogue: (file, tree), manifest });
        project.known_systems.push(name.to_owned());
    }
    let text = format!("{HEAD}{spec}");
    let file = files.add("test.mapspec", text.clone());
    let (tree, mut found) = parse(file, &text);
    faults.append(&mut found);
    project.specs.push((file, tree));
    project.files = files;
    project.unread = faults.iter().map(Diagnostic::span).collect();
    let (model, found) = check(&project);
    faults.extend(found);
    (model, faults, project)
}

/// The same with the usual manifests.
pub(crate) fn checked(spec: &str) -> (Model, Vec<Diagnostic>, Project) {
    checked_with(spec, SHOP_MANIFEST, ERP_MANIFEST)
}

/// Source and messages together, as a snapshot shows them.
pub(crate) fn shown(spec: &str) -> String {
    shown_without(spec, "")
}

/// The same without the messages of one code.
pub(crate) fn shown_without(spec: &str, code: &str) -> String {
    let (_, faults, project) = checked(spec);
    let told = faults.iter().filter(|fault| fault.code != code);
    let messages: Vec<String> = told.map(|fault| render(fault, &project.files, Style::Plain)).collect();
    format!("{}\n\n{}\n", spec.trim_end(), messages.join("\n\n"))
}

/// The spec with a fault's fix applied, `HEAD` taken off again.
pub(crate) fn mended(spec: &str, fault: &Diagnostic) -> Option<String> {
    let fix = fault.fix.as_ref()?;
    let mut text = format!("{HEAD}{spec}");
    let mut edits = fix.edits.clone();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
    for edit in edits {
        text.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
    }
    text.strip_prefix(HEAD).map(str::to_owned)
}

/// The codes of the errors among faults.
pub(crate) fn errors(faults: &[Diagnostic]) -> Vec<&'static str> {
    faults.iter().filter(|fault| fault.severity == Severity::Error).map(|fault| fault.code).collect()
}
