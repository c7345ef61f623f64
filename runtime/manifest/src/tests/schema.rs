//! The JSON Schema for editors knows the keys that the reader knows, section by section, and no others.

use std::collections::BTreeSet;

use mapwright_values::Json;

use crate::Manifest;

const SCHEMA: &str = include_str!("../../../../docs/connector.schema.json");
/// A key that is like none there is.
const NONSENSE: &str = "qqqqqqqqqqqqqqqq";

/// A manifest with these lines added.
fn manifest(lines: &str) -> String {
    let whole = ["entities:", "base:", "auth:", "operations:", "errors:", "filters:", "paging:", "check:", "webhooks:"];
    let mut text = "manifest: 1\nsystem: x\ndriver: rest\n".to_owned();
    for (key, default) in [("base:", "base: \"{config.url}\"\n"), ("entities:", "entities: {}\n")] {
        if !lines.starts_with(key) {
            text.push_str(default);
        }
    }
    assert!(whole.iter().any(|key| lines.contains(key)) || !lines.is_empty());
    text + lines + "\n"
}

/// The keys that the reader knows where the nonsense stands.
fn known_to_the_reader(lines: &str) -> BTreeSet<String> {
    let text = manifest(lines);
    let faults = Manifest::parse(&text, "x").unwrap_err();
    let fault = faults.iter().find(|fault| fault.message.contains(NONSENSE));
    let fault = fault.unwrap_or_else(|| panic!("{lines}: {faults:?}"));
    let help = fault.help.clone().unwrap_or_default();
    let known = help.strip_prefix("known here: ").unwrap_or_else(|| panic!("{lines}: {help}")).to_owned();
    known.split(", ").map(str::to_owned).collect()
}

/// The properties at a path of the schema.
fn known_to_the_schema(path: &[&str]) -> BTreeSet<String> {
    let schema = Json::parse(SCHEMA).unwrap();
    let mut at = &schema;
    for step in path {
        at = match at {
            Json::List(items) => &items[step.parse::<usize>().unwrap()],
            _ => at.get(step).unwrap_or_else(|| panic!("{path:?}: no {step}")),
        };
    }
    match at.get("properties") {
        Some(Json::Record(members)) => members.iter().map(|(name, _)| name.clone().into_owned()).collect(),
        _ => panic!("{path:?} has no properties"),
    }
}

#[test]
fn both_know_the_same_keys() {
    let sections: [(&str, &[&str]); 23] = [
        ("NONSENSE: 1", &[]),
        ("config: { a: { NONSENSE: 1 } }", &["properties", "config", "additionalProperties"]),
        ("odata: { NONSENSE: 1 }", &["properties", "odata"]),
        ("soap: { namespace: x, NONSENSE: 1 }", &["properties", "soap"]),
        ("tls: { NONSENSE: 1 }", &["properties", "tls"]),
        ("limits: { NONSENSE: 1 }", &["properties", "limits"]),
        ("lock: { kind: none, NONSENSE: 1 }", &["properties", "lock"]),
        ("filters: { form: odata, NONSENSE: 1 }", &["properties", "filters"]),
        ("select: { form: none, NONSENSE: 1 }", &["properties", "select"]),
        ("sort: { form: odata, NONSENSE: 1 }", &["properties", "sort"]),
        ("paging: { kind: none, NONSENSE: 1 }", &["properties", "paging"]),
        ("hooks: { NONSENSE: 1 }", &["properties", "hooks"]),
        ("errors: { rules: [], NONSENSE: 1 }", &["properties", "errors"]),
        ("errors: { rules: [ { class: halt, NONSENSE: 1 } ] }", &["$defs", "rule"]),
        ("webhooks: { verify: { kind: none }, topic: body.x, NONSENSE: 1 }", &["properties", "webhooks"]),
        ("check: { request: GET /x, NONSENSE: 1 }", &["$defs", "operation"]),
        ("entities: { a: { can: [], NONSENSE: 1 } }", &["$defs", "entity"]),
        (
            "entities: { a: { can: [], changes: { passes: [ { field: a } ], NONSENSE: 1 } } }",
            &["$defs", "changes", "oneOf", "1"],
        ),
        (
            "entities: { a: { can: [], changes: { passes: [ { field: a, NONSENSE: 1 } ] } } }",
            &["$defs", "changes", "oneOf", "1", "properties", "passes", "items"],
        ),
        (
            "limits: { cost: { requested: body.a, available: body.b, restore_per_second: body.c, NONSENSE: 1 } }",
            &["properties", "limits", "properties", "cost"],
        ),
        (
            "webhooks: { verify: { kind: none }, topic: body.x, topics: { t: { entity: a, key: \"{body.k}\", NONSENSE: 1 } } }",
            &["properties", "webhooks", "properties", "topics", "additionalProperties"],
        ),
        (
            "webhooks: { verify: { kind: none }, topic: body.x, subscribe: { create: { request: POST /x }, NONSENSE: 1 } }",
            &["properties", "webhooks", "properties", "subscribe"],
        ),
        (
            "webhooks: { verify: { kind: none }, topic: body.x, limits: { NONSENSE: 1 } }",
            &["properties", "webhooks", "properties", "limits"],
        ),
    ];
    for (lines, path) in sections {
        let reader = known_to_the_reader(&lines.replace("NONSENSE", NONSENSE));
        let mut schema = known_to_the_schema(path);
        if path.is_empty() {
            // Taken out before the rest is read.
            assert!(schema.remove("extends"), "the schema knows `extends`");
        }
        assert_eq!(reader, schema, "{lines}");
    }
}

#[test]
fn both_know_the_same_log_ins() {
    let kinds = ["none", "basic", "bearer, token: a", "oauth2, request: POST /x", "jwt"];
    let reader: BTreeSet<String> = kinds
        .iter()
        .flat_map(|kind| known_to_the_reader(&format!("auth: {{ kind: {kind}, {NONSENSE}: 1 }}")))
        .collect();
    assert_eq!(reader, known_to_the_schema(&["$defs", "auth"]));
}

#[test]
fn words_of_the_schema_are_those_of_the_reader() {
    for (lines, path) in [
        ("driver: WORD", "\"rest\", \"odata\", \"soap\", \"graphql\""),
        ("paging: { kind: WORD }", "\"none\", \"page\", \"cursor\""),
        ("auth: { kind: WORD }", "\"none\", \"basic\", \"bearer\""),
    ] {
        let text = manifest(&lines.replace("WORD", NONSENSE)).replace("driver: rest\ndriver", "driver");
        let text = if lines.starts_with("driver") { text.replacen("driver: rest\n", "", 1) } else { text };
        let faults = Manifest::parse(&text, "x").unwrap_err();
        let help = faults.iter().find_map(|fault| fault.help.clone().filter(|help| help.starts_with("known here")));
        let help = help.unwrap_or_else(|| panic!("{lines}: {faults:?}"));
        for word in path.split(", ").map(|word| word.trim_matches('"')) {
            assert!(help.contains(word), "{lines}: {help}");
            assert!(SCHEMA.contains(&format!("\"{word}\"")), "{word}");
        }
    }
}
