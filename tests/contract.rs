//! What the shipped mappings make fits the vendors' own descriptions: names and types, not our reading of them.
//!
//! The field list of the Service Layer stands in the sandbox's data, with its origin and licence.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test, its helpers included, fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mapwright_tests::repository;
use serde_json::Value;

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn description() -> Value {
    json(&repository().join("runtime/sandbox/data/sap-business-one-service-layer.entities.json"))
}

/// What the cases of an integration expect to be written into one system.
struct Written {
    /// The mapping and its case, for messages.
    place: String,
    /// The entity or action of the catalogue.
    entity: String,
    record: Value,
}

/// Every integration that brings this system in, and by which alias.
fn integrations_with(system: &str) -> Vec<(PathBuf, String)> {
    let folders = std::fs::read_dir(repository().join("specs/integrations")).expect("integrations").flatten();
    let mut found: Vec<(PathBuf, String)> = folders
        .filter_map(|folder| {
            let specs = specs(&folder.path());
            let (_, rest) = specs.split_once(&format!("use \"{system}\" as "))?;
            Some((folder.path(), rest.split_whitespace().next()?.to_owned()))
        })
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no integration uses {system}");
    found
}

/// The specs of an integration as one text.
fn specs(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let specs = files.filter(|path| path.extension().is_some_and(|ending| ending == "mapspec"));
    specs.map(|path| std::fs::read_to_string(path).expect("a spec") + "\n").collect()
}

/// Every record that the cases of an integration's mappings expect to be written into the system of that alias.
fn written(folder: &Path, alias: &str) -> Vec<Written> {
    let specs = specs(folder);
    let mut found = Vec::new();
    for header in specs.split("\nmapping ").skip(1).map(|rest| rest.split('{').next().unwrap_or_default()) {
        let name = header.split_whitespace().next().expect("a mapping's name");
        let (_, target) = header.rsplit_once(" to ").unwrap_or_else(|| panic!("`{name}` goes nowhere"));
        let target = target.trim_start_matches("part of ").split_whitespace().next().expect("a target");
        let Some(entity) = target.strip_prefix(alias).and_then(|rest| rest.strip_prefix('.')) else { continue };
        let Ok(cases) = std::fs::read_dir(folder.join("cases").join(name)) else { continue };
        for case in cases.flatten() {
            let expected = json(&case.path().join("expected.json"));
            let place = case.path().display().to_string();
            let records = expected.get("mapped").and_then(Value::as_array).into_iter().flatten();
            found.extend(records.map(|record| Written {
                place: place.clone(),
                entity: entity.to_owned(),
                record: record.clone(),
            }));
        }
    }
    found
}

/// As [`written`], of every integration with this system.
fn written_everywhere(system: &str) -> Vec<Written> {
    integrations_with(system).iter().flat_map(|(folder, alias)| written(folder, alias)).collect()
}

fn check(description: &Value, entity: &str, record: &Value, place: &str) {
    let fields = &description["entities"][entity];
    for (name, value) in record.as_object().unwrap_or_else(|| panic!("{place}: {entity} is a record")) {
        if name.starts_with("U_") {
            continue; // a user field: declared in the company, not in the Service Layer
        }
        let here = format!("{place}.{name}");
        let ty = fields[name].as_str().unwrap_or_else(|| panic!("{here}: {entity} has no such property"));
        check_value(description, ty, value, &here);
    }
}

fn check_value(description: &Value, ty: &str, value: &Value, here: &str) {
    if let Some(element) = ty.strip_prefix("Collection(").and_then(|ty| ty.strip_suffix(')')) {
        for (index, value) in value.as_array().unwrap_or_else(|| panic!("{here}: not a list")).iter().enumerate() {
            check(description, element, value, &format!("{here}[{}]", index + 1));
        }
        return;
    }
    let fits = match ty {
        "Edm.String" => value.is_string(),
        "Edm.Int32" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "Edm.Double" => value.is_number(),
        "Edm.DateTime" => value.as_str().is_some_and(|day| day.len() == 10 && day.split('-').count() == 3),
        other => match description["enums"][other].as_array() {
            Some(words) => words.contains(value),
            None => return check(description, other, value, here),
        },
    };
    assert!(fits, "{here}: {value} is no {ty}");
}

#[test]
fn what_goes_to_business_one_fits_the_service_layer() {
    let description = description();
    let all = written_everywhere("sap-business-one");
    let mut seen = BTreeSet::new();
    for Written { place, entity, record } in &all {
        seen.insert(entity.as_str());
        match entity.as_str() {
            "Orders" => {
                check(&description, "Document", record, place);
                for required in ["CardCode", "DocDueDate", "DocumentLines"] {
                    assert!(record.get(required).is_some(), "{place}: {required} is missing");
                }
            }
            "BusinessPartners" => {
                check(&description, "BusinessPartner", record, place);
                assert!(record["CardCode"].as_str().is_none_or(|code| code.len() <= 15), "{place}");
            }
            other => panic!("{place}: which type of the Service Layer is `{other}`?"),
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["BusinessPartners", "Orders"]);
    assert!(all.len() >= 12, "{} records", all.len());
}

/// Payments are read only: what the cases look up is what the Service Layer answers.
#[test]
fn outgoing_payments_fit_the_service_layer() {
    let description = description();
    let mut seen = 0;
    for case in std::fs::read_dir(
        repository().join("specs/integrations/shopware-sap-business-one/cases/credit_note_to_payment"),
    )
    .expect("cases")
    .flatten()
    {
        let place = case.path().display().to_string();
        for reference in json(&case.path().join("references.json")).as_array().into_iter().flatten() {
            if reference["find"] == "erp.VendorPayments" {
                for payment in reference["records"].as_array().into_iter().flatten() {
                    check(&description, "Payment", payment, &place);
                    seen += 1;
                }
            }
        }
    }
    assert!(seen >= 3, "there are payments to check: {seen}");
}

/// The books of the two sample orders, as an accountant adds them up: net lines, tax line by line, shipping, cents.
#[test]
fn the_sample_orders_add_up_to_the_shops_totals() {
    for (case, total) in [("b2c-gross-guest", 17_942), ("b2b-net-account", 17_931)] {
        let folder =
            repository().join("specs/integrations/shopware-sap-business-one/cases/order_to_sales_order").join(case);
        let order = json(&folder.join("expected.json"))["mapped"][0].clone();
        let input = json(&folder.join("input.json"));
        assert_eq!(cents(&input["amountTotal"]), total, "{case}: the sample itself");
        let mut booked = 0;
        for line in order["DocumentLines"].as_array().expect("lines") {
            let net = hundredths(cents6(&line["UnitPrice"]) * line["Quantity"].as_i64().expect("whole quantity"));
            booked += net + tax(net, line);
        }
        for expense in order["DocumentAdditionalExpenses"].as_array().expect("expenses") {
            let net = cents(&expense["LineTotal"]);
            booked += net + tax(net, expense);
        }
        assert_eq!(booked, total, "{case}: what the ERP adds up");
    }
}

fn tax(net: i64, line: &Value) -> i64 {
    let rate = match line["VatGroup"].as_str().expect("a VAT group") {
        "A1" => 19,
        "A2" => 7,
        "A3" | "A4" => 0,
        other => panic!("the samples have no VAT group {other}"),
    };
    rounded(net * rate, 100)
}

/// Half away from zero, as the ERP rounds.
fn rounded(value: i64, by: i64) -> i64 {
    (value.abs() * 2 + by) / (by * 2) * value.signum()
}

fn hundredths(millionths: i64) -> i64 {
    rounded(millionths, 10_000)
}

fn scaled(value: &Value, places: usize) -> i64 {
    let text = value.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text.as_str()), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    assert!(part.len() <= places, "{value} has more than {places} decimals");
    let digits = format!("{whole}{part:0<places$}");
    sign * digits.parse::<i64>().expect("digits")
}

fn cents(value: &Value) -> i64 {
    scaled(value, 2)
}

fn cents6(value: &Value) -> i64 {
    scaled(value, 6)
}

/// The properties of a resource of Business Central, by Microsoft's own pages: name, type, read only, longest text.
fn resource<'d>(description: &'d Value, name: &str) -> Vec<(&'d str, &'d Value)> {
    let properties = description["resources"][name]["properties"].as_array().expect("properties");
    properties.iter().map(|property| (property["name"].as_str().expect("a name"), property)).collect()
}

fn check_resource(description: &Value, name: &str, lines: Option<(&str, &str)>, record: &Value, place: &str) {
    let known = resource(description, name);
    for (field, value) in record.as_object().expect("a record") {
        let here = format!("{place}.{field}");
        if let Some((_, inner)) = lines.filter(|(list, _)| list == field) {
            for (index, line) in value.as_array().expect("lines").iter().enumerate() {
                check_resource(description, inner, None, line, &format!("{here}[{}]", index + 1));
            }
            continue;
        }
        let (_, property) = known.iter().find(|(known, _)| known == field).unwrap_or_else(|| panic!("{here}: unknown"));
        // The pages call the id read only; that a create may give it is documented beside them.
        assert!(field == "id" || field == "pricesIncludeTax" || property["readOnly"] != true, "{here} is read only");
        let fits = match property["type"].as_str().expect("a type") {
            "GUID" => value.as_str().is_some_and(|text| text.len() == 36),
            "string" => value.as_str().is_some_and(|text| {
                let longest = property["maxLengthInV1Contract"].as_u64().unwrap_or(250);
                u64::try_from(text.chars().count()).is_ok_and(|length| length <= longest)
            }),
            "integer" => value.is_i64(),
            "decimal" => value.is_number(),
            "boolean" => value.is_boolean(),
            "date" => value.as_str().is_some_and(|day| day.len() == 10),
            _ => match property["values"].as_array() {
                Some(words) => words.contains(value),
                None => value.is_string(),
            },
        };
        assert!(fits, "{here}: {value} is no {}", property["type"]);
    }
}

#[test]
fn what_goes_to_business_central_fits_its_resource_pages() {
    let description = json(&repository().join("specs/systems/business-central/description.json"));
    let all = written_everywhere("business-central");
    let mut mappings = BTreeSet::new();
    for Written { place, entity, record } in &all {
        let (name, lines) = match entity.as_str() {
            "salesOrders" => ("salesOrder", Some(("salesOrderLines", "salesOrderLine"))),
            "customers" => ("customer", None),
            other => panic!("{place}: which resource is `{other}`?"),
        };
        check_resource(&description, name, lines, record, place);
        mappings.extend(Path::new(place).parent().and_then(Path::file_name).map(|name| name.to_string_lossy()));
    }
    let mappings: Vec<&str> = mappings.iter().map(AsRef::as_ref).collect();
    assert_eq!(mappings, ["contact_to_card", "customer_to_erp", "order_to_sales_order"]);
    assert!(all.len() >= 12, "{} records", all.len());
}

/// The actions of the state machines, by Shopware's documentation.
const TRANSITIONS: [&str; 14] = [
    "cancel",
    "complete",
    "process",
    "reopen",
    "ship",
    "ship_partially",
    "retour",
    "retour_partially",
    "paid",
    "paid_partially",
    "authorize",
    "refund",
    "refund_partially",
    "remind",
];

#[test]
fn what_goes_to_shopware_fits_its_admin_api() {
    let description = json(&repository().join("runtime/sandbox/data/shopware-6-entities.json"));
    let (mut records, mut actions) = (0, 0);
    for Written { place, entity, record } in written_everywhere("shopware-6") {
        match description["entities"].get(&entity) {
            Some(known) => {
                fits_shopware(known, &record, &place);
                records += 1;
            }
            None => {
                fits_an_action(&record, &place);
                actions += 1;
            }
        }
    }
    assert!(records >= 20 && actions >= 15, "there is something to check: {records}, {actions}");
}

/// Every name is a field or an association, and a key is 32 hex digits.
fn fits_shopware(entity: &Value, record: &Value, place: &str) {
    let fields = entity["fields"].as_array().expect("fields");
    let associations = entity["associations"].as_object().expect("associations");
    for (name, value) in record.as_object().expect("a record") {
        let known = fields.iter().any(|field| field == name.as_str()) || associations.contains_key(name);
        assert!(known, "{place}: Shopware has no `{name}` here");
        if name == "id" || name.ends_with("Id") {
            let hex =
                |text: &str| text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            assert!(value.is_null() || value.as_str().is_some_and(hex), "{place}: `{name}` is {value}");
        }
    }
}

/// A transition of a state machine, or a document of an order.
fn fits_an_action(record: &Value, place: &str) {
    match record["transition"].as_str() {
        Some(transition) => assert!(TRANSITIONS.contains(&transition), "{place}: no action `{transition}`"),
        None => {
            let kinds = ["invoice", "delivery_note", "credit_note", "storno"];
            assert!(record["type"].as_str().is_some_and(|kind| kinds.contains(&kind)), "{place}: {record}");
            assert!(
                record["orderId"].is_string() && record["config"]["documentNumber"].is_string(),
                "{place}: {record}"
            );
        }
    }
}

/// The book's table of orders names cases that are there, for each integration.
#[test]
fn the_cases_that_the_book_names_are_there() {
    const COLUMNS: [(&str, &str); 6] = [
        ("shopware-sap-business-one", "order_to_sales_order"),
        ("shopware-business-central", "order_to_sales_order"),
        ("shopware-sage-x3", "order_to_x3"),
        ("shopify-business-central", "order_to_sales_order"),
        ("shopware-kontor", "order_to_kontor"),
        ("shopware-flat-file-erp", "order_to_rows"),
    ];
    let page = std::fs::read_to_string(repository().join("docs/integrations.md")).expect("the page");
    let (_, table) = page.split_once("| order |").expect("the table of orders");
    let mut found = 0;
    for row in table.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        let cells = row.trim_matches('|').split('|').skip(1);
        for ((integration, mapping), cell) in COLUMNS.iter().zip(cells) {
            let Some(case) = cell.split('`').nth(1) else { continue };
            let case = if case.contains('/') { case.to_owned() } else { format!("{mapping}/{case}") };
            let folder = repository().join("specs/integrations").join(integration).join("cases").join(&case);
            assert!(folder.join("expected.json").is_file(), "{integration} has no case {case}");
            found += 1;
        }
    }
    assert!(found > 40, "{found}");
}
