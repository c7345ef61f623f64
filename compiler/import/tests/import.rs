//! Every kind of description gives a draft that the checker accepts, the same each time; hostile ones are refused by file and line.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that cannot read its files must fail"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use mapwright_import::{Source, Wanted, import, offers};
use mapwright_manifest::Manifest;
use mapwright_model::project::Project;
use mapwright_syntax::{Files, Severity};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/descriptions")
}

fn source(name: &str) -> Source {
    Source { name: name.to_owned(), bytes: std::fs::read(folder().join(name)).unwrap() }
}

fn made(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

/// Every error that the checker has about a catalogue.
fn errors(catalogue: &str) -> Vec<String> {
    let mut files = Files::default();
    let id = files.add("draft.mapspec", catalogue);
    let (tree, mut faults) = mapwright_syntax::parse(id, catalogue);
    let project = Project { name: "draft".to_owned(), files, specs: vec![(id, tree)], ..Project::default() };
    faults.extend(mapwright_model::check(&project).1);
    faults.into_iter().filter(|fault| fault.severity == Severity::Error).map(|fault| fault.headline).collect()
}

/// A draft with its notes, as a reader of the snapshot sees it.
fn drafted(sources: &[Source], wanted: &Wanted) -> String {
    let imported = import(sources, wanted).unwrap();
    assert_eq!(import(sources, wanted).unwrap(), imported, "the same input gives the same draft");
    assert_eq!(errors(&imported.catalogue), Vec::<String>::new(), "{}", imported.catalogue);
    assert_eq!(mapwright_syntax::format(&imported.catalogue).unwrap(), imported.catalogue);
    let mut told = imported.catalogue;
    for note in &imported.notes {
        let file = &sources.get(note.place.source).unwrap().name;
        writeln!(told, "\n{file}:{}: {}: {}", note.place.line, note.subject, note.text).unwrap();
    }
    told
}

#[test]
fn each_kind_of_description_gives_a_draft() {
    let mut names: Vec<String> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() >= 10);
    for name in names {
        let told = drafted(&[source(&name)], &Wanted::default());
        insta::assert_snapshot!(name.replace('.', "_"), told);
    }
}

#[test]
fn entities_are_chosen_and_the_system_is_named() {
    let wanted = |entities: &[&str]| Wanted {
        system: Some("My Shop".to_owned()),
        entities: entities.iter().map(|name| (*name).to_owned()).collect(),
        ..Wanted::default()
    };
    let told = drafted(&[source("shop-openapi.yaml")], &wanted(&["Category"]));
    assert!(told.contains("system my_shop") && told.contains("entity Category") && !told.contains("Order"), "{told}");
    // A record that is no entity by itself, and an input that tells what is required.
    assert!(drafted(&[source("shop-openapi.yaml")], &wanted(&["Company"])).contains("vat   text(14)?"));
    let told = drafted(&[source("shop-graphql.json")], &wanted(&["OrderInput"]));
    assert!(told.contains("email  text   required, write only"), "{told}");
    let fault = import(&[source("shop-openapi.yaml")], &wanted(&["Ordr"])).unwrap_err();
    assert!(fault.to_string().contains("did you mean `Order`?"), "{fault}");
    let offered = offers(&[source("erp-v4.edmx")]).unwrap();
    let entities: Vec<&str> = offered.iter().filter(|offer| offer.entity).map(|offer| offer.name.as_str()).collect();
    assert_eq!(entities, ["customers", "orders", "orders_close"]);
}

#[test]
fn calls_and_mutations_are_actions_where_they_are_asked_for() {
    let wanted = |name: &str| Wanted { entities: vec![name.to_owned()], ..Wanted::default() };
    let told = drafted(&[source("shop-openapi.yaml")], &wanted("orders_ship"));
    assert!(told.contains("action orders_ship \"Tells the shop that the order has left\""), "{told}");
    assert!(told.contains("orderId   uuid      key, required"), "{told}");
    assert!(told.contains("carrier   text(30)  required") && told.contains("list? of text(40)"), "{told}");
    let told = drafted(&[source("shop-graphql.json")], &wanted("orderUpdate"));
    assert!(told.contains("action orderUpdate \"Changes an order\"") && told.contains("type OrderInput"), "{told}");
    // Without being asked for they are named, no more.
    let told = drafted(&[source("shop-openapi.yaml")], &Wanted::default());
    assert!(!told.contains("action ") && told.contains("--entity names them: orders_ship"), "{told}");
}

#[test]
fn samples_in_several_files_are_read_as_one() {
    let first = made("order-1.json", r#"{"id": 1, "note": "x", "paid": true, "lines": [{"sku": "a", "gift": false}]}"#);
    let second = made("order-2.json", r#"{"id": 2, "paid": null, "lines": [{"sku": "b"}]}"#);
    let other = made("customer.json", r#"[{"id": 7, "name": "C"}, {"id": 8, "name": null}]"#);
    let told = drafted(&[first, other, second], &Wanted::default());
    let plain: String = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "entity order {",
        "id integer key",
        "note text?",
        "paid boolean?",
        "sku text gift boolean?",
        "entity customer {",
        "name text?",
    ] {
        assert!(plain.contains(part), "{part}: {told}");
    }
    assert!(told.contains("order-1.json:1: order: drafted from 2 records"), "{told}");
    assert_eq!(told.matches("entity ").count(), 2, "{told}");
}

#[test]
fn what_holds_another_entity_is_left_out_with_a_word() {
    let text = r##"{"openapi":"3.0.0","paths":{
      "/a/{id}":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/A"}}}}}}},
      "/b/{id}":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/B"}}}}}}}},
      "components":{"schemas":{
        "A":{"type":"object","properties":{"id":{"type":"integer"},"b":{"$ref":"#/components/schemas/B"}}},
        "B":{"type":"object","properties":{"id":{"type":"integer"},"a":{"type":"array","items":{"$ref":"#/components/schemas/A"}}}}}}}"##;
    let all = drafted(&[made("ab.json", text)], &Wanted::default());
    assert!(all.contains("b   B?"), "{all}");
    let one = drafted(&[made("ab.json", text)], &Wanted { entities: vec!["A".to_owned()], ..Wanted::default() });
    assert!(!one.contains("B?") && one.contains("add --entity B to keep it"), "{one}");
}

/// File, line and words of the refusal.
fn refused(name: &str, bytes: &[u8]) -> (u32, String) {
    let sources = [Source { name: name.to_owned(), bytes: bytes.to_vec() }];
    match import(&sources, &Wanted::default()) {
        Ok(imported) => panic!("{name} was taken: {}", imported.catalogue),
        Err(fault) => {
            assert_eq!(fault.file, name);
            assert!(!fault.help.is_empty());
            (fault.line, fault.message)
        }
    }
}

#[test]
fn hostile_and_broken_descriptions_are_refused_in_words() {
    for (name, bytes, line, words) in [
        ("a.json", b"{\n \"openapi\": \"3.0.0\",\n \"paths\": }".as_slice(), 3, "not JSON"),
        ("a.yaml", b"openapi: 3.0.0\npaths: [\n", 2, "not YAML"),
        ("a.xml", b"<Edmx>\n<DataServices>\n</Edmx>", 3, "not XML"),
        ("a.xml", b"<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>", 1, "document type"),
        ("a.xml", b"<html/>", 1, "no description that is known"),
        ("a.csv", b"a,b\n1,2\n1\n", 3, "1 columns"),
        ("a.csv", b"a,b\n1,2\n\xfc,2\n", 3, "not UTF-8"),
        ("a.json", b"[1, 2]", 1, "no record"),
        ("a.json", b"", 0, "empty"),
        ("a.json", b"{\"openapi\": \"3.0.0\"}", 1, "neither"),
        ("a.xml", b"<Edmx><DataServices/></Edmx>", 1, "Schema"),
    ] {
        let (at, said) = refused(name, bytes);
        assert!(said.contains(words), "{name}: {said}");
        assert_eq!(at, line, "{name}: {said}");
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(50_000), "]".repeat(50_000));
    assert!(refused("a.json", deep.as_bytes()).1.contains("too deeply"));
    assert!(refused("a.xsd", "<a>".repeat(50_000).as_bytes()).1.contains("too deeply"));
}

#[test]
fn references_in_circles_and_towers_end() {
    // Lists that refer to one another nine times would grow ninefold with each step.
    let mut defs = String::new();
    for step in 0..40 {
        let next = step + 1;
        let fields: Vec<String> = (0..9).map(|no| format!(r##""f{no}":{{"$ref":"#/$defs/d{next}"}}"##)).collect();
        let fields = fields.join(",");
        write!(defs, r##""d{step}":{{"type":"array","items":{{"type":"object","properties":{{{fields}}}}}}},"##)
            .unwrap();
    }
    let text = format!(
        r##"{{"$schema":"x","type":"object","properties":{{"id":{{"type":"integer"}},"x":{{"$ref":"#/$defs/d0"}}}},"$defs":{{{defs}"d40":{{"type":"string"}}}}}}"##
    );
    let (_, said) = refused("tower.json", text.as_bytes());
    assert!(said.contains("more than 200000 fields"), "{said}");
    let circle = r##"{"$schema":"x","type":"object","properties":{"id":{"type":"integer"},"a":{"$ref":"#/$defs/a"},"m":{"$ref":"#/$defs/m"}},
      "$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"},"m":{"allOf":[{"$ref":"#/$defs/m"},{"properties":{"z":{"type":"string"}}}]}}}"##;
    let told = drafted(&[made("circle.json", circle)], &Wanted::default());
    assert!(told.contains("leads nowhere"), "{told}");
}

#[test]
fn one_of_several_types_is_a_record_of_all_their_fields() {
    let field = |name: &str, kind: &str| {
        format!(r#"{{"name":"{name}","args":[],"type":{{"kind":"SCALAR","name":"{kind}","ofType":null}}}}"#)
    };
    let object = |name: &str, fields: &[String]| {
        format!(r#"{{"kind":"OBJECT","name":"{name}","fields":[{}]}}"#, fields.join(","))
    };
    let of = |name: &str, kind: &str, of: &str| {
        format!(r#"{{"name":"{name}","args":[],"type":{{"kind":"{kind}","name":"{of}","ofType":null}}}}"#)
    };
    let types = [
        object("Query", &[of("order", "OBJECT", "Order")]),
        object("Order", &[field("id", "ID"), of("buyer", "UNION", "Buyer")]),
        object("Customer", &[field("id", "ID"), field("email", "String"), field("size", "Int")]),
        object("Company", &[field("id", "ID"), field("name", "String"), field("size", "String")]),
        r#"{"kind":"UNION","name":"Buyer","possibleTypes":[{"kind":"OBJECT","name":"Customer"},{"kind":"OBJECT","name":"Company"}]}"#.to_owned(),
    ];
    let text = format!(r#"{{"data":{{"__schema":{{"queryType":{{"name":"Query"}},"types":[{}]}}}}}}"#, types.join(","));
    let wanted = Wanted { entities: vec!["Order".to_owned()], ..Wanted::default() };
    insta::assert_snapshot!(drafted(&[made("shop.json", &text)], &wanted));
}

/// The manifest of a description, which the reader of manifests takes and which fits its catalogue.
fn connected(source: &Source, wanted: &Wanted) -> String {
    let imported = import(std::slice::from_ref(source), wanted).unwrap();
    let text = imported.manifest.unwrap();
    let manifest = Manifest::parse(&text, "connector.yaml").unwrap_or_else(|faults| panic!("{faults:#?}\n{text}"));
    for entity in manifest.entity_names() {
        assert!(imported.catalogue.contains(&format!("entity {entity} ")), "{entity}: {}", imported.catalogue);
    }
    text
}

#[test]
fn an_openapi_description_gives_a_manifest_to_begin_with() {
    let description = made(
        "parts.yaml",
        r#"
openapi: 3.0.3
info: { title: "Parts & more" }
servers: [ { url: "https://{region}.parts.example/api/{version}", variables: { region: { default: eu }, version: { default: v3 } } } ]
security: [ { app: [] } ]
paths:
  /parts:
    parameters: [ { name: page, in: query, schema: { type: integer } }, { $ref: '#/components/parameters/Size' } ]
    get:
      parameters: [ { name: status, in: query, schema: { type: string } }, { name: sort, in: query, schema: { type: string } } ]
      responses:
        '200': { description: a page, content: { application/json: { schema: { type: object, properties: { page-items: { type: array, items: { $ref: '#/components/schemas/Part' } } } } } } }
        '400': { description: no, content: { application/json: { schema: { type: object, properties: { error: { type: object, properties: { code: { type: string }, message: { type: string } } } } } } } }
    post:
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Part' } } } }
      responses: { '201': { description: made, content: { application/json: { schema: { $ref: '#/components/schemas/Part' } } } } }
  /parts/{partId}:
    get: { responses: { '200': { description: one, content: { application/json: { schema: { $ref: '#/components/schemas/Part' } } } } } }
    put:
      requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Part' } } } }
      responses: { '200': { description: changed }, '202': { description: later } }
    delete: { responses: { '204': { description: gone } } }
  /parts/{partId}/notes/{id}:
    get: { responses: { '200': { description: one, content: { application/json: { schema: { type: object, properties: { id: { type: integer }, text: { type: string } } } } } } } }
components:
  parameters: { Size: { name: per_page, in: query, schema: { type: integer } } }
  securitySchemes:
    person: { type: oauth2, flows: { implicit: { authorizationUrl: 'https://x.example/a', scopes: {} } } }
    app: { type: oauth2, flows: { clientCredentials: { tokenUrl: 'https://login.example/token', scopes: {} } } }
  schemas:
    Part: { type: object, required: [name], properties: { partId: { type: integer }, name: { type: string, maxLength: 40 }, status: { type: string } } }
"#,
    );
    let wanted =
        Wanted { folder: Some("parts-shop".to_owned()), entities: vec!["Part".to_owned()], ..Wanted::default() };
    insta::assert_snapshot!(connected(&description, &wanted));
}

#[test]
fn every_way_to_log_in_that_a_description_tells_is_said_or_left_open() {
    for (scheme, says) in [
        ("{ type: http, scheme: basic }", "auth: { kind: basic, user: "),
        ("{ type: http, scheme: Bearer }", "auth: { kind: bearer, token: "),
        ("{ type: apiKey, in: header, name: X-Key }", "send: { headers: { \"X-Key\": \"{secret.key}\" } }"),
        ("{ type: apiKey, in: query, name: key }", "send: { query: { \"key\": "),
        ("{ type: apiKey, in: cookie, name: sid }", "send: { cookies: { \"sid\": "),
        (
            "{ type: openIdConnect, openIdConnectUrl: x }",
            "auth: { kind: none }   # look: the description's log-in is \"it\"",
        ),
    ] {
        let text = format!(
            "openapi: 3.0.0\ninfo: {{ title: x }}\npaths:\n  /a:\n    get: {{ responses: {{ '200': {{ description: x, content: {{ application/json: {{ schema: {{ type: array, items: {{ $ref: '#/components/schemas/A' }} }} }} }} }} }} }}\n\
             components:\n  securitySchemes: {{ it: {scheme} }}\n  schemas: {{ A: {{ type: object, properties: {{ id: {{ type: integer }} }} }} }}\n"
        );
        let written = connected(&made("x.yaml", &text), &Wanted::default());
        assert!(written.contains(says), "{scheme}: {written}");
    }
}

#[test]
fn the_shipped_descriptions_give_manifests_that_are_taken() {
    for name in ["shop-openapi.yaml", "shop-swagger.json", "magento-excerpt.json"] {
        assert!(connected(&source(name), &Wanted::default()).contains("entities:"), "{name}");
    }
    let imported = import(&[source("orders.json")], &Wanted::default()).unwrap();
    assert_eq!(imported.manifest, None, "samples tell nothing of addresses");
}

#[test]
fn several_files_of_one_system_are_one_draft() {
    let common = made(
        "common.xsd",
        "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"><xs:simpleType name=\"Unit\"><xs:restriction base=\"xs:string\"><xs:length value=\"3\"/></xs:restriction></xs:simpleType></xs:schema>",
    );
    let told = drafted(&[source("items.xsd"), common], &Wanted::default());
    assert!(told.contains("unit    text(3)"), "{told}");
    let told = drafted(&[source("artikel.csv"), source("orders.json")], &Wanted::default());
    assert!(told.contains("entity artikel") && told.contains("entity orders"), "{told}");
}
