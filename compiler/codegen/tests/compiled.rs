//! The golden file compiles, and does on records what its spec says.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test: what is not as expected ends it"
)]

mod whole {
    #![allow(
        clippy::all,
        reason = "generated from specs: what looks odd in Rust follows the words and the order of the spec"
    )]
    include!("golden/whole.rs");
}

use mapwright_values::reference::{Find, Link, Reference, References, Resolved, Term, Test};
use mapwright_values::{Input, Json, Outcome, Sources};

const ORDER: &str = r#"{
    "id": "018f3c2a9b7d7e41a5c60d1e2f3a4b5c", "orderNumber": "10231", "placedAt": "2026-11-02T23:30:00Z", "paid": "Y",
    "status": "In Progress", "factor": 3, "tags": ["a"],
    "billing": { "street": "Lange Gasse 1, Hinterhaus", "zip": "10115" },
    "lines": [
        { "label": "Tea", "kind": "product", "quantity": 2, "price": 4.5, "productNumber": "T1", "taxes": [{ "rate": 7, "amount": 0.59 }] },
        { "label": "Autumn", "kind": "discount", "quantity": 1, "price": -1, "taxes": [{ "rate": 7, "amount": 10 }, { "rate": 19, "amount": 0 }] }
    ]
}"#;

fn item(code: &str) -> Reference {
    Reference::Find(Find {
        system: "erp".into(),
        entity: "Items".into(),
        terms: vec![Term { field: "ItemCode".into(), test: Test::Eq, value: format!("\"{code}\"") }],
        select: vec!["ItemCode".into(), "Valid".into()],
    })
}

fn items() -> Reference {
    Reference::Find(Find {
        system: "erp".into(),
        entity: "Items".into(),
        terms: vec![
            Term { field: "ItemCode".into(), test: Test::In, value: "[\"a\"]".into() },
            Term { field: "Price".into(), test: Test::Eq, value: "3".into() },
        ],
        select: vec!["Price".into(), "Valid".into()],
    })
}

fn link() -> Reference {
    Reference::Link(Link {
        system: "erp".into(),
        entity: "Orders".into(),
        of_system: "shop".into(),
        of_entity: "order".into(),
        key: "018f3c2a9b7d7e41a5c60d1e2f3a4b5c".into(),
    })
}

fn found(text: &str) -> Resolved {
    Resolved::Found(match Json::parse(text).unwrap().into_owned() {
        Json::List(records) => records,
        other => vec![other],
    })
}

fn map(mapping: &str, order: &str, references: &References) -> Outcome {
    let sources = [Json::parse(order).unwrap()];
    let settings = Json::parse(r#"{"zone":"Europe/Berlin","kinds":["product"]}"#).unwrap();
    let input = Input {
        sources: Sources::Whole(&sources),
        references,
        settings: &settings,
        captured_at: "2026-11-03T00:00:00Z".parse().unwrap(),
    };
    (whole::INTEGRATION.mapping(mapping).unwrap().map)(&input).into_owned()
}

fn mapped(outcome: Outcome) -> String {
    let Outcome::Mapped(parts) = outcome else { panic!("{outcome:?}") };
    parts[0].record.to_text()
}

fn told(outcome: Outcome) -> Vec<String> {
    let Outcome::Rejected(rejections) = outcome else { panic!("{outcome:?}") };
    rejections.iter().map(|one| format!("{} {}: {}", one.at.line, one.field, one.reason)).collect()
}

#[test]
fn references_are_asked_for_first() {
    assert_eq!(map("order_to_document", ORDER, &References::new()), Outcome::Wants(vec![item("T1")]));
}

#[test]
fn a_record_is_mapped() {
    let mut references = References::new();
    references.insert(item("T1"), found(r#"{"ItemCode":"T1","Valid":true}"#));
    assert_eq!(
        mapped(map("order_to_document", &ORDER.replace("Lange Gasse 1, Hinterhaus", "Lange Gasse 1"), &references)),
        r#"{"NumAtCard":"10231","Comments":"Web order 10231: -","Lines":[{"ItemCode":"T1","Quantity":2,"VatGroup":"A2"},{"ItemCode":"DISCOUNT","Quantity":3}],"Address":{"Street":"Lange Gasse 1"}}"#
    );
}

#[test]
fn every_problem_of_a_record_is_told_with_its_line_and_path() {
    let mut references = References::new();
    references.insert(item("T1"), found(r#"{"ItemCode":"T1","Valid":false}"#));
    let order = ORDER.replace("\"rate\": 7, \"amount\": 0.59", "\"rate\": 5, \"amount\": 0.59");
    assert_eq!(
        told(map("order_to_document", &order, &references)),
        [
            "42 Lines[1]: item is blocked",
            "45 Lines[1].VatGroup: no VAT group for 5 % in DE",
            "52 Address.Street: the text has 25 characters, 20 fit: `| cut` would shorten it",
        ]
    );
    references.insert(item("T1"), found("[]"));
    assert_eq!(told(map("order_to_document", &order, &references))[0], "41 Lines[1]: the ERP has no item T1");
}

#[test]
fn a_record_that_is_not_wanted_is_skipped() {
    let outcome = map("order_to_document", &ORDER.replace("In Progress", "done"), &References::new());
    assert!(
        matches!(outcome, Outcome::Skipped { at, .. } if at.line == 31),
        "a skip wins over what is still to be asked"
    );
}

#[test]
fn every_kind_of_expression_gives_its_value() {
    let mut references = References::new();
    references.insert(items(), found(r#"[{"Price":3,"Valid":true},{"Price":3,"Valid":false}]"#));
    references.insert(link(), Resolved::Linked(Some("77".into())));
    let order = ORDER.replace("\"tags\"", "\"customerComment\": \"invoice\", \"tags\"");
    assert_eq!(
        mapped(map("values", &order, &references)),
        r#"{"Total":3.5,"Sorted":["1. Tea"],"Labelled":["a","Autumn"],"Prices":[3],"Entry":77,"Days":14,"Progress":1,"Counted":"much","Day":"2026-11-03","Parsed":10231,"Share":0.3333,"Both":true,"Address":{"Street":"Lange Gasse 1, Hinte","Zip":"10115"},"Present":["invoice","10231"],"Either":3,"Now":"2026-11-03T00:00:00.000+00:00","Upper":"INVOICE","Since":"2026-03-14","Nothing":null,"Status":"In Progress"}"#
    );
}

#[test]
fn what_is_missing_is_left_out_cleared_or_waited_for() {
    let mut references = References::new();
    references.insert(link(), Resolved::Linked(None));
    assert_eq!(
        map("values", ORDER.replace("\"factor\": 3", "\"factor\": 0").as_str(), &references),
        Outcome::Waiting(vec![link()])
    );
    references.insert(link(), Resolved::Linked(Some("77".into())));
    assert_eq!(
        mapped(map(
            "values",
            ORDER.replace("\"factor\": 3", "\"factor\": 0").replace("10231", "x").as_str(),
            &references
        )),
        r#"{"Total":3.5,"Sorted":["1. Tea"],"Labelled":["a","Autumn"],"Prices":[],"Entry":77,"Progress":1,"Counted":"much","Day":"2026-11-03","Parsed":0.5,"Share":null,"Both":false,"Address":{"Street":"Lange Gasse 1, Hinte","Zip":"10115"},"Present":["x"],"Either":-2,"Now":"2026-11-03T00:00:00.000+00:00","Since":"2026-03-14","Nothing":null,"Status":"In Progress"}"#
    );
}

#[test]
fn a_table_without_a_row_fails() {
    let mut references = References::new();
    references.insert(items(), found("[]"));
    references.insert(link(), Resolved::Linked(Some("77".into())));
    let order = ORDER.replace("\"tags\"", "\"customerComment\": \"cash\", \"tags\"");
    assert_eq!(told(map("values", &order, &references)), ["64 Days: the table `payment_terms` has no row for this"]);
}

#[test]
fn a_residual_read_condition_keeps_or_drops() {
    let references = References::new();
    let settings = Json::Record(Vec::new());
    let keep = |order: &str| {
        let sources = [Json::parse(order).unwrap()];
        let captured_at = "2026-11-03T00:00:00Z".parse().unwrap();
        (whole::INTEGRATION.keeps[0].1)(&Input {
            sources: Sources::Whole(&sources),
            references: &references,
            settings: &settings,
            captured_at,
        })
    };
    assert_eq!(keep(ORDER), Ok(true));
    assert_eq!(keep(&ORDER.replace("\"Y\"", "\"N\"")), Ok(false));
    assert!(keep(&ORDER.replace("\"Y\"", "\"?\"")).is_err());
}

#[test]
fn the_plan_holds_what_the_project_uses() {
    let plan = whole::INTEGRATION.plan;
    let erp = plan.system("erp").unwrap();
    assert!(erp.entity("Orders").is_some() && erp.entity("Unused").is_none());
    assert!(erp.manifest.contains("protocol: \"rest\""));
    let version = plan.mapping("order_to_document").unwrap().version;
    assert_eq!(version.len(), 16);
    assert_ne!(version, plan.mapping("values").unwrap().version);
}
