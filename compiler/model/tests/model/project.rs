//! A small project from text.

use mapwright_manifest::Manifest;
use mapwright_model::check;
use mapwright_model::ir::Model;
use mapwright_model::project::{Project, SystemSource};
use mapwright_syntax::{Diagnostic, Files, Severity, Style, parse, render};

/// The shop's catalogue of all tests.
const SHOP: &str = r#"system shop_system "Shop" {
  type id = uuid as hex
  type amount = decimal(20,10)
  type address = {
    street   text(255)   personal
    company  text(255)?
    country  { iso text(2) }?
  }

  entity order "Order" {
    id            id         key
    number        text(64)   natural key
    placed        datetime   read only
    status        enum(open, cancelled, "in-work" = "In work")
    comment       text?
    weight        decimal(10,3)?
    total         amount
    quantity      integer
    gross         boolean
    customerId    id?
    billing       address
    shipping      address?
    tags          list? of text(20)
    items         list {
      id       id             key
      sku      text(50)?
      label    text(255)
      count    integer
      price    amount
      taxes    list { rate decimal(7,4);  tax amount }
      payload  { code text(10)? }?
    }
    secret        text(10)?  write only
    oldNumber     text(20)?  deprecated "use number"
    updated       datetime   read only, changed
  }
  entity customer { id id key;  number text(20) natural key;  name text(255);  updated datetime read only, changed }
}
"#;

/// The ERP's catalogue of all tests.
const ERP: &str = r#"system erp_system "ERP" {
  type line = {
    Line      integer        key, read only
    Item      text(20)       required
    Quantity  decimal(19,6)  required
    Price     decimal(19,2)?
    Remark    text(30)?
  }

  entity Orders "Sales order" {
    Entry     integer        key, read only
    Number    text(30)?      natural key
    Customer  text(15)       required
    Date      date
    Kind      enum(normal, rush)
    Amount    decimal(19,2)?
    Pieces    integer?
    Parcels   integer(1..9)?
    Comment   text(100)?
    Short     text(5)?
    Closed    boolean("Y", "N")
    Total     decimal(19,6)  read only
    Address   { Street text(50)?;  City text(50)? }
    Lines     list(1..) of line  required, merged
    Notes     list { Text text(20) }  merged
    Updated   date  read only, changed
  }
  entity Customers { Code text(15) key;  Name text(100)?;  Blocked boolean("Y", "N");  Group integer? }
  entity Items { Code text(20) key;  Name text(100)?;  Group integer? }
}
"#;

/// What every test project begins with.
pub(crate) const HEAD: &str = "use \"shop\" as shop\nuse \"erp\" as erp\n";

/// What the cases do not speak of: coverage is tested elsewhere.
const REST: &str = "\
leave rest of erp.Orders, rest of erp.Customers because \"not of interest here\"
ignore rest of shop.order, rest of shop.customer, rest of erp.Items because \"not of interest here\"
";

/// A project of one spec, behind `HEAD`.
pub(crate) fn project(spec: &str) -> (Project, Vec<Diagnostic>) {
    let mut project = Project { name: "test".to_owned(), ..Project::default() };
    let mut files = Files::default();
    let mut faults = Vec::new();
    for (name, text) in [("shop", SHOP), ("erp", ERP)] {
        let file = files.add(format!("{name}/catalogue.mapspec"), text);
        let (tree, mut found) = parse(file, text);
        faults.append(&mut found);
        let manifest: (_, Option<Manifest>) = (files.add(format!("{name}/connector.yaml"), ""), None);
        project.systems.push(SystemSource { name: name.to_owned(), catalogue: (file, tree), manifest });
        project.known_systems.push(name.to_owned());
    }
    let text = format!("{HEAD}{spec}");
    let file = files.add("test.mapspec", text.clone());
    let (tree, mut found) = parse(file, &text);
    faults.append(&mut found);
    project.specs.push((file, tree));
    let rest = files.add("rest.mapspec", REST);
    let (tree, mut found) = parse(rest, REST);
    faults.append(&mut found);
    project.specs.push((rest, tree));
    let csv = files.add("carriers.csv", "method;code\ndhl;1\nups;2\n");
    project.csv.push(("carriers.csv".to_owned(), csv));
    project.files = files;
    project.unread = faults.iter().map(Diagnostic::span).collect();
    (project, faults)
}

/// Model and all faults of a spec.
pub(crate) fn checked(spec: &str) -> (Model, Vec<Diagnostic>, Project) {
    let (project, mut faults) = project(spec);
    let (model, found) = check(&project);
    faults.extend(found);
    (model, faults, project)
}

/// Source and messages together, as a snapshot shows them.
pub(crate) fn shown(spec: &str) -> String {
    let (_, faults, project) = checked(spec);
    let messages: Vec<String> = faults.iter().map(|fault| render(fault, &project.files, Style::Plain)).collect();
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

/// The errors among faults.
pub(crate) fn errors(faults: &[Diagnostic]) -> Vec<&Diagnostic> {
    faults.iter().filter(|fault| fault.severity == Severity::Error).collect()
}
