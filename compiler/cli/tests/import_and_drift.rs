//! `import` and `drift` as a person meets them: what they say on which stream, and with which status they end.

#![expect(clippy::unwrap_used, reason = "a test that cannot run its command must fail")]

use std::fs;
use std::process::Command;

const OLD: &str = r#"system shop "A shop" {
  entity orders "An order" {
    id       text(10)              key
    number   text(20)              natural key
    status   enum(open, paid)
    note     text(40)?
    unused   text(9)?
    updated  datetime              read only, changed
  }

  entity documents "A document" {
    Nr      text(20)  key, create only, required
    State   enum(o, p)
    Remark  text(40)?
    Extra   text(10)?
  }
}
"#;
const SPEC: &str = r#"use "shop" as shop

table states from status shop.orders.status to shop.documents.State "States" {
  "open" -> "o"
  "paid" -> "p"
}

mapping order_to_document from shop.orders as order to shop.documents "Orders" {
  Nr     <- order.number
  State  <- lookup states(order.status)
  Remark <- order.note | cut   owner "Accounting"
  leave Extra because "nobody needs it"
  ignore order.unused, order.updated, order.id because "nobody needs it"
}

flow orders "Orders" {
  on demand
  read shop.orders as order
  write order_to_document upsert by Nr
  on failure alert team
}
"#;
const MANIFEST: &str = r#"manifest: 1
system: shop
title: Shop
driver: rest
base: "https://shop.example"
auth: { kind: none }
operations:
  list: { request: "GET /{entity.path}", records: "body.data[]" }
  upsert: { request: "PUT /{entity.path}/{key}", success: { status: [200] } }
entities:
  orders: { path: orders, can: [list], filter_on: [id] }
  documents: { path: documents, can: [list, upsert], filter_on: [Nr] }
"#;

struct Said {
    status: i32,
    output: String,
    error: String,
}

struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.write("systems/shop/catalogue.mapspec", OLD);
        project.write("systems/shop/connector.yaml", MANIFEST);
        project.write("one/orders.mapspec", SPEC);
        project
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Said {
        let output =
            Command::new(env!("CARGO_BIN_EXE_mapwright")).args(arguments).current_dir(self.0.path()).output().unwrap();
        Said {
            status: output.status.code().unwrap(),
            output: String::from_utf8(output.stdout).unwrap(),
            error: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What `drift` says of a catalogue that was changed so.
    fn drift(&self, changes: &[(&str, &str)], more: &[&str]) -> Said {
        let mut new = OLD.to_owned();
        for (old, by) in changes {
            assert!(new.contains(old), "{old}");
            new = new.replace(old, by);
        }
        self.write("new.mapspec", &new);
        let mut arguments = vec!["drift", "systems/shop/catalogue.mapspec", "new.mapspec", "--project", "one"];
        arguments.extend(more);
        self.run(&arguments)
    }
}

#[test]
fn nothing_and_harmless_changes_end_well() {
    let project = Project::new();
    let said = project.drift(&[], &[]);
    assert_eq!(
        (said.status, said.output.as_str(), said.error.as_str()),
        (0, "0 changes: 0 breaking, 0 lossy, 0 harmless\n", "")
    );
    // Nobody uses it, a longer target, another word that a target takes.
    let said = project.drift(
        &[
            ("    note     text(40)?\n", "    note     text(30)?\n"),
            ("Remark  text(40)?", "Remark  text(60)?"),
            ("Extra   text(10)?", "Extra   text(5)?"),
        ],
        &[],
    );
    insta::assert_snapshot!("harmless", said.output);
    assert_eq!(said.status, 0, "{}", said.error);
}

#[test]
fn each_change_is_told_with_place_owner_and_mend() {
    let project = Project::new();
    let changes = [
        ("number   text(20)", "numbr    text(20)"),
        ("enum(open, paid)", "enum(open, paid, returned)"),
        ("enum(o, p)", "enum(o)"),
        ("Remark  text(40)?", "Remark  text(20)?"),
        ("Extra   text(10)?", "Extra   text(10)?  read only\n    Kind    text(3)   required"),
        ("    unused   text(9)?\n", ""),
    ];
    let said = project.drift(&changes, &[]);
    insta::assert_snapshot!("every_class", said.output);
    assert_eq!((said.status, said.error.as_str()), (1, ""));
    let json = project.drift(&changes, &["--format", "json"]);
    let first: serde_json::Value = serde_json::from_str(json.output.lines().next().unwrap()).unwrap();
    assert_eq!(first.pointer("/class").unwrap(), "breaking");
    for line in json.output.lines() {
        let told: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(told.pointer("/headline").unwrap().as_str().is_some_and(|headline| !headline.is_empty()));
    }
    let github = project.drift(&changes, &["--format", "github"]);
    assert!(
        github.output.contains("::error file=one/orders.mapspec,line=9,title=breaking change::"),
        "{}",
        github.output
    );
    assert!(
        github.output.contains("::warning file=one/orders.mapspec,line=11,title=lossy change::"),
        "{}",
        github.output
    );
}

#[test]
fn a_shorter_field_is_lossy_where_it_is_cut_and_breaking_where_not() {
    let project = Project::new();
    let cut = project.drift(&[("Remark  text(40)?", "Remark  text(20)?")], &[]);
    assert!(
        cut.output.starts_with("lossy: `shop.documents.Remark` has 20 characters instead of 40 characters"),
        "{}",
        cut.output
    );
    assert!(cut.output.contains("orders.mapspec:11: mapping `order_to_document`"), "{}", cut.output);
    let not = project.drift(&[("Nr      text(20)", "Nr      text(10)")], &[]);
    assert!(not.output.starts_with("breaking: `shop.documents.Nr`"), "{}", not.output);
    assert!(not.output.contains("E0411"), "{}", not.output);
}

#[test]
fn descriptions_are_compared_by_use() {
    let project = Project::new();
    let schema = |max: u32| {
        format!(
            "{{\"$schema\":\"x\",\"title\":\"documents\",\"type\":\"object\",\"properties\":{{\"No\":{{\"type\":\"string\"}},\"Remark\":{{\"type\":\"string\",\"maxLength\":{max}}}}}}}"
        )
    };
    project.write("old.json", &schema(40));
    project.write("new.json", &schema(30));
    let said = project.run(&["drift", "old.json", "new.json", "--project", "one", "--system", "shop"]);
    assert_eq!(said.status, 1, "{}", said.error);
    assert!(
        said.output
            .starts_with("lossy: `shop.documents.Remark` has 30 characters instead of 40 characters\n  --> new.json\n"),
        "{}",
        said.output
    );
    assert!(said.output.contains("descriptions are compared by use alone"), "{}", said.output);
    let said = project.run(&["drift", "old.json", "new.json", "--project", "one"]);
    assert_eq!(said.status, 2);
    assert!(said.error.contains("say --system with one of shop"), "{}", said.error);
    let said = project.run(&["drift", "old.json", "new.json", "--project", "one", "--system", "shp"]);
    assert!(said.error.contains("did you mean `shop`?"), "{}", said.error);
    let said = project.run(&["drift", "old.json", "gone.json", "--project", "one"]);
    assert_eq!(said.status, 2);
    assert!(said.error.contains("there is no gone.json"), "{}", said.error);
}

#[test]
fn a_draft_is_written_once_and_taken_by_check() {
    let project = Project::new();
    project.write("d.json", "{\"id\": 1, \"name\": \"x\"}");
    let said = project.run(&["import", "d.json", "-o", "two/draft.mapspec"]);
    assert_eq!(said.status, 2, "{}", said.error);
    fs::create_dir_all(project.0.path().join("two")).unwrap();
    let said = project.run(&["import", "d.json", "-o", "two/draft.mapspec"]);
    assert_eq!((said.status, said.output.as_str()), (0, ""), "{}", said.error);
    assert!(
        said.error.ends_with("drafted 1 entity of 1 file into two/draft.mapspec; 2 notes above\n"),
        "{}",
        said.error
    );
    assert_eq!(project.run(&["check", "two"]).status, 0);
    assert_eq!(project.run(&["fmt", "--check", "two"]).status, 0);
    let again = project.run(&["import", "d.json", "-o", "two/draft.mapspec"]);
    assert_eq!(again.status, 2);
    assert!(again.error.contains("add --force"), "{}", again.error);
    assert_eq!(project.run(&["import", "d.json", "-o", "two/draft.mapspec", "--force"]).status, 0);
    let nothing = project.run(&["import", "d.json", "--manifest", "two/connector.yaml", "--force"]);
    assert_eq!(nothing.status, 2);
    assert!(nothing.error.contains("only an OpenAPI description tells how a system is reached"), "{}", nothing.error);
    project.write(
        "api.yaml",
        "openapi: 3.0.0\ninfo: { title: Parts }\nservers: [ { url: https://parts.example/api } ]\npaths:\n  /parts:\n    get: { responses: { '200': { description: x, content: \
         { application/json: { schema: { type: array, items: { $ref: '#/components/schemas/Part' } } } } } } }\n\
         components: { schemas: { Part: { type: object, properties: { id: { type: integer } } } } }\n",
    );
    fs::create_dir_all(project.0.path().join("systems/parts-shop")).unwrap();
    let both = [
        "import",
        "api.yaml",
        "-o",
        "systems/parts-shop/catalogue.mapspec",
        "--manifest",
        "systems/parts-shop/connector.yaml",
    ];
    let said = project.run(&both);
    assert_eq!(said.status, 0, "{}", said.error);
    assert!(
        said.error.contains("drafted a manifest into systems/parts-shop/connector.yaml; go through 5 lines"),
        "{}",
        said.error
    );
    project.write("uses/project.mapspec", "use \"parts-shop\" as parts\n");
    let checked = project.run(&["check", "uses"]);
    assert_eq!(checked.status, 0, "{}{}", checked.output, checked.error);
    let listed = project.run(&["import", "d.json", "--list"]);
    assert_eq!(listed.output, "d: 2 fields\n");
    let broken = project.run(&["import", "one"]);
    assert_eq!(broken.status, 2);
    assert!(broken.error.contains("is a folder"), "{}", broken.error);
    let mistyped = project.run(&["imprt", "d.json"]);
    assert_eq!(mistyped.status, 2);
    assert!(mistyped.error.contains("import"), "{}", mistyped.error);
}
