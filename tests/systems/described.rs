//! What drivers send fits the vendors' own descriptions: a driver and a sandbox read one manifest and could be wrong together, a
//! description cannot be wrong with them. Every operation of every entity is asked for, with made-up records; each request that
//! arrives is compared: method and path, query, required headers, types, words, lengths and required members of its body.

use std::collections::BTreeSet;

use mapwright_engine::connector::{Deed, PageRequest, Window, WriteRequest};
use mapwright_manifest::Verb;
use mapwright_sandbox::WholeRequest;
use mapwright_tests::repository;
use mapwright_values::plan::EntityPlan;
use mapwright_values::{Find, Json, Term, Test};
use serde_json::{Value, json};

use crate::played::Played;

/// A vendor's description, and what of our address stands before its paths.
struct Description {
    whole: Value,
    before: &'static [&'static str],
    /// Parameters that a description leaves to its protocol or to a handbook.
    everywhere: &'static [&'static str],
}

/// The entity sets of the Service Layer that we speak to, and their types.
const SETS: [(&str, &str); 10] = [
    ("Items", "Item"),
    ("BusinessPartners", "BusinessPartner"),
    ("Orders", "Document"),
    ("Drafts", "Document"),
    ("DeliveryNotes", "Document"),
    ("Invoices", "Document"),
    ("CreditNotes", "Document"),
    ("VendorPayments", "Payment"),
    ("PriceLists", "PriceList"),
    ("Warehouses", "Warehouse"),
];

/// The Service Layer's own types (the sandbox's data, with its origin and licence), and the operations that OData has for a set.
fn service_layer() -> Description {
    let file = repository().join("runtime/sandbox/data/sap-business-one-service-layer.entities.json");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let types: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    fn schema(ty: &str) -> Value {
        match (ty, ty.strip_prefix("Collection(").and_then(|ty| ty.strip_suffix(')'))) {
            (_, Some(inner)) => json!({ "type": "array", "items": schema(inner) }),
            ("Edm.String" | "Edm.DateTime", None) => json!({ "type": "string" }),
            ("Edm.Int32", None) => json!({ "type": "integer" }),
            ("Edm.Double", None) => json!({ "type": "number" }),
            (named, None) => json!({ "ref": named }),
        }
    }
    let mut schemas = serde_json::Map::new();
    for (name, words) in types["enums"].as_object().expect("enums") {
        schemas.insert(name.clone(), json!({ "type": "string", "enum": words }));
    }
    for (name, fields) in types["entities"].as_object().expect("entities") {
        let fields = fields.as_object().expect("fields").iter();
        let properties: serde_json::Map<String, Value> =
            fields.map(|(name, ty)| (name.clone(), schema(ty.as_str().expect("a type")))).collect();
        schemas.insert(name.clone(), json!({ "type": "object", "properties": properties, "userFields": true }));
    }
    let text = || json!({ "type": "string" });
    let login =
        json!({ "CompanyDB": text(), "UserName": text(), "Password": text(), "Language": { "type": "integer" } });
    let login = json!({ "type": "object", "properties": login, "required": ["CompanyDB", "UserName", "Password"] });
    let mut operations = vec![
        json!({ "method": "POST", "path": "/Login", "body": login }),
        json!({ "method": "POST", "path": "/Logout" }),
        json!({ "method": "POST", "path": "/CompanyService_GetAdminInfo" }),
    ];
    for (set, of) in SETS {
        let (whole, one) = (format!("/{set}"), format!("/{set}({{key}})"));
        let body = json!({ "ref": of });
        let query = ["$filter", "$select", "$orderby", "$expand", "$top", "$skip"];
        operations.extend([
            json!({ "method": "GET", "path": whole, "query": query, "of": of }),
            json!({ "method": "POST", "path": whole, "body": body }),
            json!({ "method": "GET", "path": one, "query": ["$select", "$expand"], "of": of }),
            json!({ "method": "PATCH", "path": one, "body": body }),
        ]);
        let actions = ["Close", "Cancel"].map(|action| json!({ "method": "POST", "path": format!("{one}/{action}") }));
        operations.extend(actions.into_iter().filter(|_| of == "Document"));
    }
    let whole = json!({ "operations": operations, "schemas": schemas });
    Description { whole, before: &["/b1s/v2", "/b1s/v1"], everywhere: &[] }
}

fn description(system: &str) -> Description {
    if system == "sap-business-one" {
        return service_layer();
    }
    let file = repository().join("tests/systems/descriptions").join(format!("{system}.json"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let whole = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let (before, everywhere): (&[&str], &[&str]) = match system {
        "shopware-6" => (&["/api"], &[]),
        "business-central" => (&["/v2.0/sandbox-tenant/sandbox-environment/api/v2.0"], &["$orderby"]),
        "magento" => (&["/rest/all", "/rest/default", "/rest"], &[]),
        _ => (&["/wp-json/wc/v3"], &[]),
    };
    Description { whole, before, everywhere }
}

/// Everything that a request gets wrong, in words.
fn faults(described: &Description, request: &WholeRequest) -> Vec<String> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let path = described.before.iter().find_map(|before| path.strip_prefix(before)).unwrap_or(path);
    let operations = described.whole["operations"].as_array().expect("operations");
    let named = |operation: &&Value| {
        operation["method"] == request.method.as_str() && leads(operation["path"].as_str().expect("a path"), path)
    };
    // The most exact of the paths that lead there: `/webhooks/batch` is no number of a webhook.
    let found = operations
        .iter()
        .filter(named)
        .min_by_key(|operation| operation["path"].as_str().map(|p| p.matches('{').count()));
    let Some(operation) = found else { return vec![format!("{} {path}: there is no such operation", request.method)] };
    let place = format!("{} {}", request.method, operation["path"].as_str().unwrap_or_default());
    let mut faults = Vec::new();
    let known: Vec<String> =
        operation["query"].as_array().into_iter().flatten().filter_map(Value::as_str).map(plain_name).collect();
    for (name, _) in pairs(query) {
        if !known.contains(&plain_name(&name)) && !described.everywhere.contains(&name.as_str()) {
            faults.push(format!("{place}: there is no query parameter `{name}`"));
        }
    }
    if let Some(of) = operation["of"].as_str() {
        let properties = &described.whole["schemas"][of]["properties"];
        let named = pairs(query).into_iter().flat_map(|(name, value)| odata_names(&name, &value));
        let unknown = named.filter(|name| !name.starts_with("U_") && properties[name].is_null());
        faults.extend(unknown.map(|name| format!("{place}: {of} has no property `{name}` to ask by")));
    }
    for header in operation["headers"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(header)) {
            faults.push(format!("{place}: the header {header} is required"));
        }
    }
    let body = &operation["body"];
    match (body.is_null(), request.body.is_empty()) {
        (true, false) => faults.push(format!("{place}: it takes no body")),
        (false, false) => match serde_json::from_str::<Value>(&request.body) {
            Ok(given) => {
                let creating = request.method == "POST";
                check(&described.whole["schemas"], body, &given, creating, &place, &mut faults);
            }
            // A log-in may be a form.
            Err(_) if request.body.contains('=') => {}
            Err(error) => faults.push(format!("{place}: the body is no JSON: {error}")),
        },
        (_, true) => {}
    }
    faults
}

/// The properties that an OData option names.
fn odata_names(option: &str, value: &str) -> Vec<String> {
    match option {
        "$select" | "$orderby" | "$expand" => {
            value.split(',').filter_map(|part| part.split_whitespace().next()).map(str::to_owned).collect()
        }
        "$filter" => {
            // What stands in quotes is no name; a comparison stands behind one.
            let bare: String = value.split('\'').step_by(2).collect();
            let words: Vec<&str> = bare.split([' ', '(', ')']).filter(|word| !word.is_empty()).collect();
            let compared = words.windows(2).filter(|pair| matches!(pair[1], "eq" | "ne" | "ge" | "gt" | "le" | "lt"));
            compared.map(|pair| pair[0].to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

/// The requests within a batch of either kind, each with the address that it would have by itself; of any other, itself.
fn unpacked(request: WholeRequest) -> Vec<WholeRequest> {
    let Some(before) = request.target.strip_suffix("/$batch") else { return vec![request] };
    if let Ok(Value::Object(whole)) = serde_json::from_str::<Value>(&request.body) {
        let inner = whole["requests"].as_array().expect("requests");
        let one = |inner: &Value| WholeRequest {
            method: inner["method"].as_str().expect("a method").to_owned(),
            target: format!("{before}/{}", inner["url"].as_str().expect("an address")),
            headers: inner["headers"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
            body: if inner["body"].is_null() { String::new() } else { inner["body"].to_string() },
        };
        return inner.iter().map(one).collect();
    }
    let parts = request.body.split("\r\n\r\n").collect::<Vec<_>>();
    let inner = parts.windows(2).filter_map(|pair| {
        let mut lines = pair[0].lines();
        let (method, rest) = lines.next()?.split_once(' ')?;
        let target = rest.strip_suffix(" HTTP/1.1")?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        Some(WholeRequest {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: pair[1].split("\r\n--").next().unwrap_or_default().to_owned(),
        })
    });
    inner.collect()
}

/// Descriptions show the first of numbered parameters, and either of two spellings of one word.
fn plain_name(name: &str) -> String {
    let digits = name.split('[').map(|part| match part.strip_suffix(']') {
        Some(inner) if !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_digit()) => "0]".to_owned(),
        _ => part.to_owned(),
    });
    digits.collect::<Vec<_>>().join("[").replace('_', "").to_lowercase()
}

/// Does a path lead to an operation's? A slot holds one segment, or what stands within brackets.
fn leads(template: &str, path: &str) -> bool {
    let decoded = unescaped(path);
    fn rest(template: &str, path: &str) -> bool {
        let Some((literal, after)) = template.split_once('{') else { return template == path };
        let Some(path) = path.strip_prefix(literal) else { return false };
        let (_, template) = after.split_once('}').expect("a slot ends");
        let end = template.chars().next();
        let ends = path.char_indices().map(|(at, letter)| (at, Some(letter))).chain([(path.len(), None)]);
        ends.filter(|(at, letter)| *at > 0 && *letter == end)
            .any(|(at, _)| !path[..at].contains('/') && rest(template, &path[at..]))
    }
    rest(template, &decoded)
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits: String = rest.by_ref().take(2).map(char::from).collect();
            bytes.push(u8::from_str_radix(&digits, 16).expect("two digits"));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let all = query.split('&').filter(|pair| !pair.is_empty());
    all.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (unescaped(name), unescaped(value)))
        .collect()
}

/// Compares a value with a schema; `creating` = what is required must be there.
fn check(schemas: &Value, schema: &Value, given: &Value, creating: bool, place: &str, faults: &mut Vec<String>) {
    let schema = match schema["ref"].as_str() {
        Some(name) => &schemas[name],
        None => schema,
    };
    if let Some(several) = schema["any"].as_array() {
        let fits = several.iter().any(|one| {
            let mut own = Vec::new();
            check(schemas, one, given, creating, place, &mut own);
            own.is_empty()
        });
        if !fits {
            faults.push(format!("{place}: {given} fits none of what is allowed"));
        }
        return;
    }
    let fits = match schema["type"].as_str() {
        Some("string") => given.is_string(),
        Some("integer") => given.is_i64() || given.is_u64(),
        Some("number") => given.is_number(),
        Some("boolean") => given.is_boolean(),
        Some("array") => given.is_array(),
        Some("object") => given.is_object(),
        _ => true,
    };
    if !fits && !given.is_null() {
        faults.push(format!("{place}: {given} is no {}", schema["type"]));
        return;
    }
    if let Some(words) = schema["enum"].as_array()
        && !given.is_null()
        && !words.contains(given)
    {
        faults.push(format!("{place}: {given} is none of the words {words:?}"));
    }
    if let (Some(most), Some(text)) = (schema["maxLength"].as_u64(), given.as_str())
        && text.chars().count() as u64 > most
    {
        faults.push(format!("{place}: {given} is longer than {most}"));
    }
    if schema["pattern"] == "^[0-9a-f]{32}$"
        && let Some(text) = given.as_str()
        && !(text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
    {
        faults.push(format!("{place}: {given} is no id of 32 digits"));
    }
    if let Some(items) = given.as_array() {
        for (index, item) in items.iter().enumerate() {
            check(schemas, &schema["items"], item, creating, &format!("{place}[{index}]"), faults);
        }
    }
    let (Some(known), Some(members)) = (schema["properties"].as_object(), given.as_object()) else { return };
    for (name, value) in members {
        match known.get(name) {
            // A line is changed by its own number, which is read only as well.
            Some(own) if own["readOnly"] == true && name != "id" => faults.push(format!("{place}.{name} is read only")),
            Some(own) => check(schemas, own, value, creating, &format!("{place}.{name}"), faults),
            None if schema["open"] == true => {}
            None if schema["userFields"] == true && name.starts_with("U_") => {}
            None => faults.push(format!("{place}: there is no member `{name}`")),
        }
    }
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if creating && !members.contains_key(required) {
            faults.push(format!("{place}: `{required}` is required"));
        }
    }
}

/// Asks for everything that the manifest can do; what comes of it does not matter here.
async fn ask_for_everything(played: &Played) {
    let (connector, manifest) = (&played.connector, played.manifest());
    let _ = connector.check().await;
    for entity in played.plan.entities.iter().filter(|entity| !entity.action) {
        let name = entity.name;
        let select: Vec<String> = entity.fields.iter().take(4).map(|field| field.name.to_owned()).collect();
        let windows = (0..connector.reading(name).passes.len()).map(|pass| {
            let at = |text: &str| Some(text.parse().expect("an instant"));
            Some(Window { pass, since: at("2026-11-01T00:00:00Z"), until: at("2026-11-02T00:00:00Z") })
        });
        for window in windows.chain([None]).filter(|_| manifest.can(name, Verb::List)) {
            for select in [select.clone(), Vec::new()] {
                let filter = Vec::new();
                let page =
                    PageRequest { entity: name.to_owned(), filter, select, window: window.clone(), cursor: None };
                let _ = connector.fetch_page(&page).await;
            }
        }
        ask_for_records(played, entity, &select).await;
        write(played, entity).await;
    }
    for action in played.plan.entities.iter().filter(|entity| entity.action) {
        if let Some(record) = played.sandbox.draft(action.name, 5, 7) {
            send(played, action.name, Deed::Act, &record).await;
        }
    }
}

async fn ask_for_records(played: &Played, entity: &EntityPlan, select: &[String]) {
    let (connector, manifest) = (&played.connector, played.manifest());
    let records = played.sandbox.records(entity.name);
    let Some(record) = records.first() else { return };
    if manifest.can(entity.name, Verb::Get) {
        let key = played.sandbox.key_of(entity.name, record);
        let _ = connector.fetch_record(entity.name, &key, select).await;
    }
    for field in entity.fields {
        for test in [Test::Eq, Test::In].into_iter().filter(|test| manifest.filterable(entity.name, field.name, *test))
        {
            let Some(value) = record.get(field.name).filter(|value| !value.is_null()) else { continue };
            let value = if test == Test::In { format!("[{}]", value.to_text()) } else { value.to_text() };
            let terms = vec![Term { field: field.name.to_owned(), test, value }];
            let find = Find {
                system: "it".to_owned(),
                entity: entity.name.to_owned(),
                terms,
                select: vec![field.name.to_owned()],
            };
            let _ = connector.find(&[find]).await;
        }
    }
}

async fn write(played: &Played, entity: &EntityPlan) {
    let manifest = played.manifest();
    let Some(draft) = played.sandbox.draft(entity.name, 5, 7) else { return };
    if manifest.can(entity.name, Verb::Create) {
        send(played, entity.name, Deed::Create, &draft).await;
    }
    let records = played.sandbox.records(entity.name);
    let Some(record) = records.first() else { return };
    let key = played.sandbox.key_of(entity.name, record);
    // What is changed: fields that may be written again.
    let Json::Record(members) = &draft else { return };
    let again =
        |name: &str| entity.fields.iter().any(|field| field.name == name && !field.create_only && !field.read_only);
    let change = Json::Record(members.iter().filter(|(name, _)| again(name)).cloned().collect());
    if manifest.can(entity.name, Verb::Update) {
        send(played, entity.name, Deed::Update { key: key.clone() }, &change).await;
    }
    if manifest.can(entity.name, Verb::Upsert) {
        send(played, entity.name, Deed::Upsert { key: key.clone() }, &draft).await;
    }
    if manifest.can(entity.name, Verb::Batch) {
        let drafts: Vec<Json<'_>> = (6..8).filter_map(|index| played.sandbox.draft(entity.name, index, 7)).collect();
        let keys = records.iter().take(2).map(|record| played.sandbox.key_of(entity.name, record));
        let batch = |deed: Deed, record: &Json<'_>| WriteRequest {
            entity: entity.name.to_owned(),
            deed,
            record: record.to_text(),
            create_key: "key-1".to_owned(),
            version: None,
        };
        for batch in [
            drafts.iter().map(|draft| batch(Deed::Create, draft)).collect::<Vec<_>>(),
            keys.map(|key| batch(Deed::Update { key }, &change)).collect(),
        ] {
            // What cannot go in a batch is refused before anything is sent.
            let _ = played.connector.send_batch(&batch).await;
        }
    }
    if manifest.can(entity.name, Verb::Delete) {
        send(played, entity.name, Deed::Delete { key }, &Json::Record(Vec::new())).await;
    }
}

async fn send(played: &Played, entity: &str, deed: Deed, record: &Json<'_>) {
    let version = match &deed {
        Deed::Update { key } | Deed::Delete { key } | Deed::Upsert { key } => {
            played.connector.fetch_current(entity, key, &[]).await.ok().flatten().and_then(|current| current.version)
        }
        Deed::Create | Deed::Act => None,
    };
    let (entity, record, create_key) = (entity.to_owned(), record.to_text(), "key-1".to_owned());
    let _ = played.connector.send(&WriteRequest { entity, deed, record, create_key, version }).await;
}

/// Requests that a description does not speak of, with the reason.
const UNDESCRIBED: &[(&str, &str, &str)] = &[
    ("business-central", "itemVariants", "v1.0 has none of these"),
    ("business-central", "itemLedgerEntries", "v1.0 has none of these"),
    ("business-central", "salesShipments", "v1.0 has none of these"),
    ("business-central", "locations", "v1.0 has none of these"),
    ("business-central", "oauth2", "the log-in is another service's"),
    ("business-central", "Microsoft.NAV", "actions have no bodies, and v1.0 names them otherwise"),
];

/// What does not fit and is right all the same, with the reason.
const RIGHT_ALL_THE_SAME: &[(&str, &str, &str)] = &[
    (
        "shopware-6",
        "POST /_action/sync[0]: there is no member `key`",
        "names the operation in the answer; read by the sync controller",
    ),
    ("shopware-6", "POST /product: `price` is required", "a variant has that of its parent"),
    ("woocommerce", "PUT /orders/{id}.status: ", "plugins add states"),
    (
        "woocommerce",
        "PUT /orders/{id}.shipping_lines[",
        "`instance_id` is missing in the table, and told in every order",
    ),
    (
        "woocommerce",
        "PUT /products/{product_id}/variations/{id}: there is no member `product_id`",
        "the one of the path counts",
    ),
    (
        "woocommerce",
        "POST /products/{product_id}/variations/batch.update[0]: there is no member `product_id`",
        "the one of the path counts",
    ),
    (
        "magento",
        "POST /V1/customers.customer.addresses[2].region: `region` is required",
        "a region that is given by its number has its name",
    ),
];

#[tokio::test]
async fn what_drivers_send_fits_the_vendors_own_descriptions() {
    for (system, least) in
        [("shopware-6", 30), ("sap-business-one", 40), ("business-central", 30), ("magento", 20), ("woocommerce", 20)]
    {
        let played = Played::start(system, 3).await;
        played.sandbox.ledger().keep_whole();
        ask_for_everything(&played).await;
        let described = description(system);
        let requests: Vec<WholeRequest> = played.sandbox.ledger().take_whole().into_iter().flat_map(unpacked).collect();
        let spoken_of = |request: &&WholeRequest| {
            !UNDESCRIBED.iter().any(|(of, part, _)| *of == system && request.target.contains(part))
        };
        let requests: Vec<&WholeRequest> = requests.iter().filter(spoken_of).collect();
        assert!(requests.len() >= least, "{system}: {} requests", requests.len());
        let mut found: BTreeSet<String> = requests.iter().flat_map(|request| faults(&described, request)).collect();
        for (_, right, _) in RIGHT_ALL_THE_SAME.iter().filter(|(of, ..)| *of == system) {
            let before = found.len();
            found.retain(|fault| !fault.starts_with(right));
            assert!(found.len() < before, "{system}: `{right}` is excused and does not occur");
        }
        assert!(found.is_empty(), "{system}: {found:#?}");
        played.sandbox.stop().await;
    }
}

#[test]
fn a_request_that_does_not_fit_is_noticed() {
    let described = description("woocommerce");
    let request = |method: &str, target: &str, body: &str| WholeRequest {
        method: method.to_owned(),
        target: format!("/wp-json/wc/v3{target}"),
        headers: Vec::new(),
        body: body.to_owned(),
    };
    assert_eq!(faults(&described, &request("GET", "/orders?per_page=10&status=any", "")), Vec::<String>::new());
    for (method, target, body, words) in [
        ("GET", "/order", "", "no such operation"),
        ("GET", "/orders?pages=1", "", "no query parameter `pages`"),
        ("PUT", "/orders/1", r#"{"status":7}"#, "7 is no \"string\""),
        ("PUT", "/orders/1", r#"{"status":"gone"}"#, "none of the words"),
        ("PUT", "/orders/1", r#"{"colour":"red"}"#, "no member `colour`"),
        ("PUT", "/orders/1", r#"{"number":"1"}"#, "read only"),
        ("PUT", "/orders/1", r#"{"billing":{"city":1}}"#, "billing.city: 1 is no"),
        ("GET", "/orders", "{}", "takes no body"),
    ] {
        let found = faults(&described, &request(method, target, body)).join("; ");
        assert!(found.contains(words), "{method} {target} {body}: {found}");
    }
    let central = description("business-central");
    let mut change = request("PATCH", "", "{}");
    change.target = format!("{}/companies(c)/items(i)", central.before[0]);
    change.headers.push(("content-type".to_owned(), "application/json".to_owned()));
    assert!(faults(&central, &change).join("; ").contains("If-Match is required"));
}

#[test]
fn what_the_service_layer_does_not_have_is_noticed() {
    let described = service_layer();
    let request = |method: &str, target: &str, body: &str| WholeRequest {
        method: method.to_owned(),
        target: format!("/b1s/v2{target}"),
        headers: Vec::new(),
        body: body.to_owned(),
    };
    let asked = "/Orders?$select=DocEntry,U_ShopOrderId&$filter=NumAtCard%20eq%20'a%20eq%20b'&$orderby=DocEntry%20desc";
    assert_eq!(faults(&described, &request("GET", asked, "")), Vec::<String>::new());
    for (method, target, body, words) in [
        ("GET", "/Order", "", "no such operation"),
        ("GET", "/Orders?$select=DocEntri", "", "Document has no property `DocEntri`"),
        ("GET", "/Orders?$filter=DocEntry%20ge%205%20and%20Nun%20eq%20'x'", "", "no property `Nun`"),
        ("GET", "/Items?$orderby=DocEntry", "", "Item has no property `DocEntry`"),
        ("POST", "/Orders", r#"{"CardCode":5}"#, "5 is no \"string\""),
        ("POST", "/Orders", r#"{"DocumentStatus":"open"}"#, "none of the words"),
        ("PATCH", "/Orders(5)", r#"{"DocumentLines":[{"Itemcode":"A"}]}"#, "no member `Itemcode`"),
    ] {
        let found = faults(&described, &request(method, target, body)).join("; ");
        assert!(found.contains(words), "{method} {target} {body}: {found}");
    }
    let change_set = "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\n\
        PATCH /b1s/v2/Items('A') HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{\"Itemname\":\"x\"}\r\n--c--\r\n--b--\r\n";
    let inner = unpacked(request("POST", "/$batch", change_set));
    assert_eq!(inner.len(), 1);
    assert!(faults(&described, &inner[0]).join("; ").contains("no member `Itemname`"));
}
