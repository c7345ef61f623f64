//! The traps that the vendors' documentation tells of. Each system's README lists them with what meets each and the test that
//! shows it; this file holds the tests that are tables, and the test that every named test exists.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::http::header;
use axum::response::IntoResponse as _;
use mapwright_engine::connector::PageRequest;
use mapwright_manifest::Manifest;
use mapwright_tests::repository;
use mapwright_values::plan::{FieldPlan, Kind};

use crate::{catalogue, samples, systems};

/// system, what is asked, status, body, class.
type Answered = (&'static str, (&'static str, &'static str), u16, &'static str, &'static str);

const ANSWERS: &[Answered] = &[
    // Shopware
    (
        "shopware-6",
        ("list", "order"),
        403,
        r#"{"errors":[{"code":"FRAMEWORK__MISSING_PRIVILEGE_ERROR","detail":"order_line_item:read"}]}"#,
        "halt",
    ),
    (
        "shopware-6",
        ("create", "customer"),
        400,
        r#"{"errors":[{"code":"VIOLATION::TOO_LONG_ERROR","detail":"too long","source":{"pointer":"/0/firstName"}}]}"#,
        "permanent",
    ),
    (
        "shopware-6",
        ("update", "product"),
        404,
        r#"{"errors":[{"code":"FRAMEWORK__ENTITY_NOT_FOUND","detail":"gone"}]}"#,
        "missing",
    ),
    (
        "shopware-6",
        ("action", "order_document"),
        400,
        r#"{"errors":[{"code":"DOCUMENT__NUMBER_ALREADY_EXISTS","detail":"Document number 2201 has already been allocated."}]}"#,
        "exists",
    ),
    ("shopware-6", ("create", "product"), 429, "{}", "throttled"),
    ("shopware-6", ("create", "product"), 503, "<html>maintenance</html>", "transient"),
    ("shopware-6", ("create", "product"), 502, "<html>bad gateway</html>", "ambiguous"),
    // Business One: by code and never by text, whose language is the log-in's
    (
        "sap-business-one",
        ("list", "Orders"),
        401,
        r#"{"error":{"code":-304,"message":{"value":"Anmeldung fehlgeschlagen"}}}"#,
        "halt",
    ),
    (
        "sap-business-one",
        ("create", "Orders"),
        400,
        r#"{"error":{"code":-1000,"message":{"value":"Property 'U_X' of 'Document' is invalid"}}}"#,
        "halt",
    ),
    (
        "sap-business-one",
        ("create", "Orders"),
        400,
        r#"{"error":{"code":"-5002","message":"Artikel inaktiv [RDR1.ItemCode][line: 1]"}}"#,
        "permanent",
    ),
    (
        "sap-business-one",
        ("update", "Orders"),
        400,
        r#"{"error":{"code":-5006,"message":{"value":"Dokument kann nicht entfernt werden"}}}"#,
        "permanent",
    ),
    (
        "sap-business-one",
        ("create", "Orders"),
        400,
        r#"{"error":{"code":-2028,"message":{"value":"No matching records found (ODBC -2028)"}}}"#,
        "dependency",
    ),
    (
        "sap-business-one",
        ("create", "Items"),
        400,
        r#"{"error":{"code":-2035,"message":{"value":"exists"}}}"#,
        "exists",
    ),
    (
        "sap-business-one",
        ("update", "Orders"),
        412,
        r#"{"error":{"code":"-2039","message":"Another user modified data"}}"#,
        "conflict",
    ),
    ("sap-business-one", ("create", "Orders"), 502, "<html>node down</html>", "ambiguous"),
    ("sap-business-one", ("create", "Orders"), 503, "<html>all threads busy</html>", "ambiguous"),
    ("sap-business-one", ("list", "Orders"), 503, "<html>all threads busy</html>", "transient"),
    (
        "sap-business-one",
        ("list", "Orders"),
        400,
        r#"{"error":{"code":804,"message":{"value":"not authorised to view"}}}"#,
        "halt",
    ),
    // Business Central
    (
        "business-central",
        ("update", "salesOrders"),
        409,
        r#"{"error":{"code":"Request_EntityChanged","message":"changed"}}"#,
        "conflict",
    ),
    (
        "business-central",
        ("create", "customers"),
        400,
        r#"{"error":{"code":"Internal_EntityWithSameKeyExists","message":"exists"}}"#,
        "exists",
    ),
    (
        "business-central",
        ("create", "salesOrders"),
        400,
        r#"{"error":{"code":"Internal_InvalidTableRelation","message":"no such item"}}"#,
        "dependency",
    ),
    (
        "business-central",
        ("create", "salesOrders"),
        400,
        r#"{"error":{"code":"Application_StringExceededLength","message":"35"}}"#,
        "permanent",
    ),
    (
        "business-central",
        ("create", "salesOrders"),
        408,
        r#"{"error":{"code":"Unknown","message":"8 minutes"}}"#,
        "ambiguous",
    ),
    ("business-central", ("create", "salesOrders"), 504, "<html>gateway</html>", "ambiguous"),
    ("business-central", ("create", "salesOrders"), 429, "{}", "throttled"),
    (
        "business-central",
        ("list", "salesOrders"),
        403,
        r#"{"error":{"code":"Authorization_RequestDenied","message":"no"}}"#,
        "halt",
    ),
    // Magento
    ("magento", ("create", "products"), 503, "<html>Varnish</html>", "transient"),
    (
        "magento",
        ("get", "orders"),
        404,
        r#"{"message":"The entity with ID %fieldValue","parameters":{"fieldName":"entity_id"}}"#,
        "missing",
    ),
    ("magento", ("list", "orders"), 403, r#"{"message":"no"}"#, "halt"),
    ("magento", ("create", "products"), 429, "{}", "throttled"),
    // WooCommerce
    (
        "woocommerce",
        ("create", "products"),
        400,
        r#"{"code":"product_invalid_sku","message":"Duplicate SKU","data":{"resource_id":7}}"#,
        "exists",
    ),
    (
        "woocommerce",
        ("update", "products"),
        400,
        r#"{"code":"woocommerce_rest_product_invalid_id","message":"Invalid ID."}"#,
        "missing",
    ),
    ("woocommerce", ("list", "orders"), 401, r#"{"code":"woocommerce_rest_cannot_view","message":"no"}"#, "halt"),
    (
        "woocommerce",
        ("list", "orders"),
        404,
        r#"{"code":"rest_no_route","message":"pretty permalinks are off"}"#,
        "halt",
    ),
    ("woocommerce", ("create", "products"), 406, "<html>ModSecurity</html>", "halt"),
    ("woocommerce", ("create", "products"), 504, "<html>time-out</html>", "ambiguous"),
    // Sage 200
    ("sage-200", ("update", "customers"), 423, r#"[{"message":"locked"}]"#, "transient"),
    ("sage-200", ("create", "sop_orders"), 409, r#"[{"message":"locked"}]"#, "transient"),
    ("sage-200", ("list", "customers"), 401, "{}", "halt"),
    ("sage-200", ("create", "sop_orders"), 503, r#"[{"message":"the connector is offline"}]"#, "ambiguous"),
    ("sage-200", ("list", "customers"), 429, "{}", "throttled"),
    // Shopify: within a 200, and the shop's own states
    ("shopify", ("list", "orders"), 402, "{}", "halt"),
    ("shopify", ("list", "orders"), 423, "{}", "halt"),
    (
        "shopify",
        ("list", "orders"),
        200,
        r#"{"errors":[{"message":"x","extensions":{"code":"THROTTLED"}}]}"#,
        "throttled",
    ),
    (
        "shopify",
        ("list", "orders"),
        200,
        r#"{"errors":[{"message":"x","extensions":{"code":"MAX_COST_EXCEEDED"}}]}"#,
        "halt",
    ),
];

#[tokio::test]
async fn answers_have_the_class_that_their_documentation_means() {
    for (system, asked, status, body, class) in ANSWERS {
        let what = format!("{system}: {} {} answered {status} {body}", asked.0, asked.1);
        match samples::answered(system, *asked, (*status, body)).await {
            Ok(records) => assert!(*class == "missing" && records.is_empty(), "{what}: {records:?}"),
            Err(failure) => {
                let found = serde_json::to_value(failure.class).unwrap();
                // A read that proves nothing is read again.
                assert_eq!(found, *class, "{what}: {failure}");
                assert!(!failure.message.contains("secret-value"), "{what}: {failure}");
            }
        }
    }
}

/// Fields whose change moves no stamp: the compiler asks for another way to learn of it.
#[test]
fn what_moves_no_stamp_is_named() {
    for (system, entity, field) in [
        ("sap-business-one", "Items", "QuantityOnStock"),
        ("sap-business-one", "Items", "ItemWarehouseInfoCollection"),
        ("business-central", "items", "inventory"),
        ("business-central", "salesOrders", "salesOrderLines"),
        ("business-central", "customers", "balanceDue"),
        ("magento", "products", "extension_attributes"),
        ("woocommerce", "products", "variations"),
        ("nordwind", "articles", "stock"),
    ] {
        let changes = manifest(system).entity(entity).and_then(|entity| entity.changes.clone());
        let misses = changes.unwrap_or_else(|| panic!("{system} {entity}")).misses;
        assert!(misses.iter().any(|(name, _)| name == field), "{system} {entity}: {field}");
    }
}

/// Entities that cannot be asked for changes are read whole, and the compiler says so.
#[test]
fn what_tells_no_changes_is_known() {
    for (system, entity) in [
        ("woocommerce", "customers"),
        ("woocommerce", "variations"),
        ("magento", "source_items"),
        ("flat-file-erp", "shipment_row"),
    ] {
        assert!(manifest(system).entity(entity).unwrap().changes.is_none(), "{system} {entity}");
    }
}

/// What a batch comes to when one of its rows is bad: nothing is written, or the others are.
#[tokio::test]
async fn batches_fail_as_a_whole_or_row_by_row() {
    for (system, entity, atomic, most) in [
        ("shopware-6", "product", true, 100),
        ("sap-business-one", "Orders", true, 20),
        ("flat-file-erp", "order_row", true, 1000),
        ("shopify", "set_stock", true, 250),
        ("business-central", "salesOrders", false, 100),
        ("woocommerce", "products", false, 100),
    ] {
        let vault = tempfile::tempdir().unwrap();
        let connector = samples::open(catalogue::plan(system), "http://127.0.0.1:1", vault.path());
        let batching = connector.unwrap_or_else(|faults| panic!("{system}: {faults:?}")).writing(entity).batching;
        let batching = batching.unwrap_or_else(|| panic!("{system} {entity} has batches"));
        assert_eq!((batching.atomic, batching.size_max), (atomic, most), "{system} {entity}");
    }
}

/// The longest text that a field holds: a longer one is a fault of the mapping, before anything is sent.
#[test]
fn short_fields_are_short_in_the_catalogue() {
    for (system, entity, path, longest) in [
        ("business-central", "salesOrders", "externalDocumentNumber", 35),
        ("business-central", "items", "number", 20),
        ("business-central", "items", "gtin", 14),
        ("business-central", "customers", "city", 30),
        ("sage-200", "customers", "reference", 8),
        ("sage-x3", "SOH", "SOH0_1.CUSORDREF", 30),
        ("sap-business-one", "Orders", "NumAtCard", 100),
        ("sap-business-one", "BusinessPartners", "CardCode", 15),
        ("shopware-6", "customer_address", "firstName", 50),
        ("shopware-6", "customer_address", "lastName", 60),
        ("shopware-6", "order", "billingAddress.firstName", 50),
        ("magento", "products", "sku", 64),
    ] {
        let field = field(system, entity, path);
        assert!(
            matches!(field.kind, Kind::Text(Some(max)) if max == longest),
            "{system} {entity}.{path}: {:?}",
            field.kind
        );
    }
}

/// What the system computes cannot be written by a mapping.
#[test]
fn what_the_system_computes_is_read_only() {
    for (system, entity, path) in [
        ("shopware-6", "order", "amountTotal"),
        ("shopware-6", "product", "availableStock"),
        ("sap-business-one", "Orders", "DocNum"),
        ("sap-business-one", "Items", "QuantityOnStock"),
        ("business-central", "items", "inventory"),
        ("business-central", "salesOrders", "totalAmountIncludingTax"),
        ("woocommerce", "products", "price"),
    ] {
        assert!(field(system, entity, path).read_only, "{system} {entity}.{path}");
    }
}

/// What comes as null, or as a word for nothing: a mapping must say what then, or it is refused.
#[test]
fn what_may_be_missing_is_optional() {
    for (system, entity, path) in [
        ("shopware-6", "order", "updatedAt"),
        ("shopware-6", "order", "orderCustomer.customer"),
        ("shopware-6", "product", "name"),
        ("shopware-6", "product", "price"),
        ("shopware-6", "product", "taxId"),
        ("shopify", "orders", "customer"),
        ("shopify", "orders", "email"),
        ("shopify", "orders", "lineItems.sku"),
        ("shopify", "orders", "lineItems.variant"),
        ("business-central", "salesOrders", "requestedDeliveryDate"),
        ("business-central", "salesOrders", "currencyId"),
        ("business-central", "salesOrders", "shipToName"),
        ("magento", "products", "custom_attributes"),
        ("woocommerce", "orders", "date_paid_gmt"),
        ("sage-x3", "SOH", "SOH1_4.SHIDAT"),
    ] {
        assert!(field(system, entity, path).optional, "{system} {entity}.{path}");
    }
}

/// What names a record, and what only looks as if it did.
#[test]
fn keys_are_what_the_documentation_calls_keys() {
    for (system, entity, key, no_key) in [
        ("sap-business-one", "Orders", "DocEntry", "DocNum"),
        ("shopware-6", "customer", "id", "email"),
        ("shopware-6", "order", "id", "orderNumber"),
        ("shopify", "variants", "id", "sku"),
        ("woocommerce", "orders", "id", "number"),
        ("magento", "orders", "entity_id", "increment_id"),
        ("business-central", "salesOrders", "id", "number"),
    ] {
        let plan = catalogue::plan(system).entity(entity).unwrap();
        assert_eq!(plan.key, [key], "{system} {entity}");
        assert!(plan.fields.iter().any(|field| field.name == no_key), "{system} {entity}: {no_key} is there");
    }
    // Nor are these natural keys, by which a record would be found to be ours.
    for (system, entity, field) in [("shopware-6", "customer", "email"), ("woocommerce", "orders", "number")] {
        let plan = catalogue::plan(system).entity(entity).unwrap();
        assert!(plan.natural_keys.iter().all(|key| !key.contains(&field)), "{system} {entity}.{field}");
    }
}

/// How a list of each system is asked for: a part of the request that must be there, or that must not.
#[tokio::test]
async fn lists_ask_for_what_would_be_left_out() {
    for (system, entity, there, absent) in [
        (
            "shopware-6",
            "order",
            &["accept: application/json", "\"associations\"", "\"total-count-mode\":\"none\""][..],
            &["sw-inheritance", "sw-version-id"][..],
        ),
        (
            "sap-business-one",
            "Orders",
            &["prefer: odata.maxpagesize=500", "b1s-caseinsensitive: true", "b1session=session-1"],
            &[],
        ),
        (
            "business-central",
            "salesOrders",
            &["prefer: odata.maxpagesize=500", "accept-language: en-us", "data-access-intent: readonly", "$expand"],
            &["$top", "$skip"],
        ),
        ("magento", "orders", &["/rest/all/v1/orders", "[pagesize]=100"], &[]),
        ("woocommerce", "orders", &["status=any", "orderby=id", "order=asc"], &["orderby=modified"]),
        ("woocommerce", "customers", &["role=all"], &[]),
        ("sage-200", "sop_orders", &["x-site: value", "x-company: value", "$top=500", "$orderby=id", "$expand"], &[]),
        (
            "shopify",
            "orders",
            &["/admin/api/2026-10/graphql.json", "sortkey: updated_at", "\"first\":100"],
            &["\"first\":251"],
        ),
        ("sage-x3", "SOH", &["soapaction: ", "<poolalias", "listsize"], &[]),
    ] {
        let asked = first_request(system, entity).await;
        for part in there {
            assert!(asked.contains(part), "{system} {entity}: `{part}` in {asked}");
        }
        for part in absent {
            assert!(!asked.contains(part), "{system} {entity}: no `{part}` in {asked}");
        }
    }
}

/// The request line, headers and body of the first page of a list that uses all fields, decoded, in lower case.
async fn first_request(system: &str, entity: &str) -> String {
    let plan = catalogue::plan(system);
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = seen.clone();
    let answer = move |request: Request| {
        let noted = noted.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
            let path = parts.uri.path().to_ascii_lowercase();
            if path.ends_with("/admin/token") {
                return ([(header::CONTENT_TYPE, "application/json")], "\"token-1\"").into_response();
            }
            if path.ends_with("token") || path.ends_with("/login") {
                return ([(header::CONTENT_TYPE, "application/json")], samples::LOG_IN).into_response();
            }
            let headers: Vec<String> = parts
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("?")))
                .collect();
            let text = format!(
                "{} {}\n{}\n\n{}",
                parts.method,
                decoded(&parts.uri.to_string()),
                headers.join("\n"),
                String::from_utf8_lossy(&body)
            );
            noted.lock().unwrap().push(text.to_lowercase());
            "{}".into_response()
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    let vault = tempfile::tempdir().unwrap();
    let connector = samples::open(plan, &url, vault.path()).unwrap_or_else(|faults| panic!("{system}: {faults:?}"));
    let mut select = Vec::new();
    leaves(plan.entity(entity).unwrap().fields, "", &mut select);
    let request = PageRequest { entity: entity.to_owned(), filter: Vec::new(), select, window: None, cursor: None };
    // The answer is none; what was asked is what counts.
    let _ = connector.fetch_page(&request).await;
    let first = seen.lock().unwrap().first().cloned();
    first.unwrap_or_else(|| panic!("{system} {entity}: nothing was asked"))
}

fn leaves(fields: &[FieldPlan], above: &str, found: &mut Vec<String>) {
    for field in fields {
        let path = format!("{above}{}", field.name);
        match &field.kind {
            Kind::Record(inner) | Kind::List(Kind::Record(inner)) => leaves(inner, &format!("{path}."), found),
            _ => found.push(path),
        }
    }
}

fn decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        match piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&piece.as_bytes()[2..]);
            }
            None => bytes.extend_from_slice(piece.as_bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn manifest(system: &str) -> Manifest {
    Manifest::parse(catalogue::plan(system).manifest, system).expect("a manifest")
}

fn field(system: &str, entity: &str, path: &str) -> FieldPlan {
    let mut fields = catalogue::plan(system).entity(entity).unwrap_or_else(|| panic!("{system} {entity}")).fields;
    let mut found = None;
    for step in path.split('.') {
        let here = fields.iter().find(|field| field.name == step);
        let here = here.unwrap_or_else(|| panic!("{system} {entity}: no `{path}`"));
        if let Kind::Record(inner) | Kind::List(Kind::Record(inner)) = &here.kind {
            fields = inner;
        }
        found = Some(*here);
    }
    found.unwrap()
}

/// Each trap names a test that exists, or says why there is none.
#[test]
fn every_trap_names_its_test_or_says_why_there_is_none() {
    let mut tests = BTreeSet::new();
    for folder in ["runtime", "compiler", "tests", "specs"] {
        collect(&repository().join(folder), &mut tests);
    }
    let mut named = 0;
    for folder in systems() {
        let file = folder.join("README.md");
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let traps = text.split_once("## Traps\n").unwrap_or_else(|| panic!("{name}: no section `## Traps`")).1;
        let rows: Vec<&str> = traps.lines().filter(|line| line.starts_with('|')).skip(2).collect();
        assert!(rows.len() >= 3, "{name}: the table of traps has rows");
        for row in rows {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            let [trap, met, test] = cells[..] else { panic!("{name}: three cells: {row}") };
            assert!(trap.len() > 10 && met.len() > 3, "{name}: {row}");
            if let Some(why) = test.strip_prefix("none: ") {
                assert!(why.len() > 15, "{name}: says why: {row}");
                continue;
            }
            for test in test.split(", ") {
                let test = test.trim_matches('`');
                assert!(tests.contains(test), "{name}: no test is called `{test}`: {row}");
                named += 1;
            }
        }
    }
    assert!(named >= 80, "{named} tests are named");
}

/// The names of all tests of a folder's Rust files.
fn collect(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if entry.file_name() != "target" {
                collect(&path, tests);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut marked = false;
            for line in text.lines().map(str::trim) {
                match line.split_once("fn ").and_then(|(_, rest)| rest.split_once('(')) {
                    Some((name, _)) => {
                        if std::mem::take(&mut marked) {
                            tests.insert(name.to_owned());
                        }
                    }
                    None => marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test"),
                }
            }
        }
    }
}
