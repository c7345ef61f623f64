//! The sandbox as a plain HTTP client sees it: paging, associations, sessions, faults, ledger, totals.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, in its own small functions as well"
)]

mod client;

use client::{ErpClient, ShopClient, sandbox};
use mapwright_sandbox::seed::SeedConfig;
use mapwright_sandbox::{EffectKind, Fault, FaultRule, RandomFaults, SandboxConfig};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const ORDER: &str = include_str!("../data/order-create-request.json");

fn small() -> SandboxConfig {
    let mut config =
        SandboxConfig { seed: SeedConfig { orders: 20, ..SeedConfig::default() }, ..SandboxConfig::default() };
    config.shop.hold = Duration::from_millis(50);
    config.erp.hold = Duration::from_millis(50);
    config
}

/// The partner and the order of the sample request.
async fn partner_and_order(erp: &ErpClient) -> Value {
    let partner = json!({
        "CardCode": "C10044", "CardName": "Falkenried Werkstattbedarf GmbH", "U_ShopCustomerNo": "20077",
        "BPAddresses": [
            { "AddressName": "Rechnung", "AddressType": "bo_BillTo", "Street": "Am Musterkoppelweg 12a", "Country": "DE" },
            { "AddressName": "Lager DK", "AddressType": "bo_ShipTo", "Street": "Lagerstraße 7", "Country": "DK" }
        ]
    });
    assert_eq!(erp.post("/BusinessPartners", &partner).await.status, 201);
    serde_json::from_str(ORDER).unwrap()
}

#[tokio::test]
async fn paging_yields_every_order_once() {
    let sandbox = sandbox(SandboxConfig::default()).await;
    let shop = ShopClient::new(&sandbox).await;
    let mut seen = Vec::new();
    for page in 1.. {
        let criteria = json!({ "page": page, "limit": 100, "total-count-mode": 1, "sort": [{ "field": "createdAt", "order": "ASC" }, { "field": "id" }] });
        let answer = shop.search("order", &criteria).await;
        assert_eq!(answer.body["total"], 1002);
        let rows = answer.body["data"].as_array().unwrap().clone();
        let last = rows.len() < 100;
        seen.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        if last {
            break;
        }
    }
    assert_eq!(seen.len(), 1002);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 1002);

    let refused = shop.search("order", &json!({ "limit": 501 })).await;
    assert_eq!(
        (refused.status, refused.body["errors"][0]["code"].as_str()),
        (400, Some("FRAMEWORK__QUERY_LIMIT_EXCEEDED"))
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn associations_are_null_unless_asked_for() {
    let sandbox = sandbox(small()).await;
    let shop = ShopClient::new(&sandbox).await;
    let only = json!([{ "type": "equals", "field": "orderNumber", "value": "10231" }]);
    let bare = shop.search("order", &json!({ "filter": only })).await.body["data"][0].clone();
    for name in
        ["currency", "stateMachineState", "billingAddress", "orderCustomer", "lineItems", "transactions", "deliveries"]
    {
        assert_eq!(bare[name], Value::Null, "{name}");
    }
    assert_eq!(bare["amountTotal"].to_string(), "179.42");

    let asked = json!({ "filter": only, "associations": {
        "currency": {}, "billingAddress": {}, "orderCustomer": {}, "lineItems": {},
        "deliveries": { "associations": { "shippingOrderAddress": { "associations": { "country": [] } } } }
    } });
    let order = shop.search("order", &asked).await.body["data"][0].clone();
    assert_eq!(order["currency"]["isoCode"], "EUR");
    assert_eq!(order["billingAddress"]["country"], Value::Null);
    assert_eq!(order["orderCustomer"]["customer"], Value::Null);
    assert_eq!(order["lineItems"].as_array().unwrap().len(), 4);
    assert_eq!(order["deliveries"][0]["shippingOrderAddress"]["country"]["iso"], "DE");
    assert_eq!(order["deliveries"][0]["stateMachineState"], Value::Null);
    let wrong = shop.search("order", &json!({ "associations": { "lineitems": {} } })).await;
    assert_eq!(
        (wrong.status, wrong.body["errors"][0]["code"].as_str()),
        (400, Some("FRAMEWORK__ASSOCIATION_NOT_FOUND"))
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn shop_filters_reach_through_lists_and_null() {
    let sandbox = sandbox(small()).await;
    let shop = ShopClient::new(&sandbox).await;
    let numbers = async |filter: Value| -> Vec<String> {
        let answer = shop
            .search("order", &json!({ "filter": [filter], "sort": [{ "field": "orderNumber", "order": "DESC" }] }))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["orderNumber"].as_str().unwrap().to_owned())
            .collect()
    };
    let any = json!({ "type": "equalsAny", "field": "orderNumber", "value": ["10231", "10232", "nope"] });
    assert_eq!(numbers(any.clone()).await, ["10232", "10231"]);
    assert_eq!(
        numbers(json!({ "type": "prefix", "field": "order.orderNumber", "value": "102" })).await,
        ["10232", "10231"]
    );
    let both = |other: Value| json!({ "type": "multi", "operator": "and", "queries": [any, other] });
    assert_eq!(numbers(both(json!({ "type": "equals", "field": "updatedAt", "value": null }))).await, ["10232"]);
    assert_eq!(
        numbers(both(
            json!({ "type": "equals", "field": "deliveries.shippingOrderAddress.country.iso", "value": "DK" })
        ))
        .await,
        ["10232"]
    );
    assert_eq!(
        numbers(both(json!({ "type": "equals", "field": "lineItems.payload.productNumber", "value": "BK-1002" })))
            .await
            .len(),
        2
    );
    assert_eq!(
        numbers(both(
            json!({ "type": "range", "field": "amountTotal", "parameters": { "gt": 179.31, "lte": "179.42" } })
        ))
        .await,
        ["10231"]
    );
    let since = |field: &str| json!({ "type": "range", "field": field, "parameters": { "gte": "2026-11-02T09:59:40.010+01:00" } });
    assert_eq!(numbers(both(since("updatedAt"))).await, ["10231"]);
    assert_eq!(numbers(both(since("deliveries.updatedAt"))).await, [] as [&str; 0]);
    let not = json!({ "type": "not", "operator": "or", "queries": [{ "type": "contains", "field": "customerComment", "value": "NACHBAR" }] });
    assert_eq!(numbers(both(not)).await, ["10232"]);
    let wrong = shop
        .search("order", &json!({ "filter": [{ "type": "equals", "field": "deliveries.nonsense", "value": 1 }] }))
        .await;
    assert_eq!((wrong.status, wrong.body["errors"][0]["code"].as_str()), (400, Some("FRAMEWORK__UNMAPPED_FIELD")));
    sandbox.stop().await;
}

#[tokio::test]
async fn shop_writes_and_transitions() {
    let sandbox = sandbox(small()).await;
    let shop = ShopClient::new(&sandbox).await;
    let id = sandbox.seed.summaries.iter().find(|order| order.number == "10232").unwrap().id.clone();
    assert_eq!(sandbox.shop.order(&id).unwrap()["updatedAt"], Value::Null);
    assert_eq!(
        shop.patch(&format!("/order/{id}"), &json!({ "customFields": { "erp_order_number": "1000" } })).await.status,
        204
    );
    let order = sandbox.shop.order(&id).unwrap();
    assert_eq!(order["customFields"], json!({ "erp_reference": null, "erp_order_number": "1000" }));
    assert!(order["updatedAt"].is_string());
    assert_eq!(sandbox.shop.ledger().by_natural_key("order", "customFields.erp_order_number", "1000").len(), 1);

    for (body, code) in [
        (json!({ "erpNumber": 1 }), "FRAMEWORK__WRITE_UNEXPECTED_FIELD_ERROR"),
        (json!({ "amountTotal": 1 }), "FRAMEWORK__WRITE_CONSTRAINT_VIOLATION"),
    ] {
        let refused = shop.patch(&format!("/order/{id}"), &body).await;
        assert_eq!((refused.status, refused.body["errors"][0]["code"].as_str()), (400, Some(code)));
    }
    assert_eq!(shop.patch(&format!("/order/{}", "0".repeat(32)), &json!({})).await.status, 404);

    let process = format!("/_action/order/{id}/state/process");
    let moved = shop.post(&process, &json!({ "sendMail": false })).await;
    assert_eq!((moved.status, moved.body["technicalName"].as_str()), (200, Some("in_progress")));
    let again = shop.post(&process, &json!({})).await;
    assert_eq!(
        (again.status, again.body["errors"][0]["code"].as_str()),
        (400, Some("SYSTEM__ILLEGAL_STATE_TRANSITION"))
    );
    assert_eq!(again.body["errors"][0]["meta"]["parameters"]["possibleTransitions"], "complete, cancel");
    sandbox.stop().await;
}

#[tokio::test]
async fn shop_tokens_expire_and_wrong_secrets_are_refused() {
    let mut config = small();
    config.shop.token_life = Duration::ZERO;
    let sandbox = sandbox(config).await;
    let shop = ShopClient::new(&sandbox).await;
    let expired = shop.get("/_info/version").await;
    assert_eq!((expired.status, expired.body["errors"][0]["code"].as_str()), (401, Some("9")));
    assert!(expired.headers.contains_key("date"));
    let wrong = json!({ "grant_type": "client_credentials", "client_id": "SWIASANDBOX", "client_secret": "no" });
    let refused = shop.post("/oauth/token", &wrong).await;
    assert_eq!((refused.status, refused.body["errors"][0]["status"].as_str()), (401, Some("401")));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_sample_request_gives_the_samples_totals() {
    let sandbox = sandbox(small()).await;
    let erp = ErpClient::new(&sandbox).await;
    let order = partner_and_order(&erp).await;
    let created = erp.post("/Orders", &order).await;
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(created.headers["etag"], created.body["@odata.etag"].as_str().unwrap());
    assert_eq!(created.body["DocTotal"].to_string(), "179.43");
    assert_eq!(created.body["VatSum"].to_string(), "25.93");
    let column = |name: &str| {
        created.body["DocumentLines"].as_array().unwrap().iter().map(|line| line[name].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(column("LineTotal"), ["90.0", "27.0", "31.5"]);
    assert_eq!(column("TaxTotal"), ["17.1", "1.89", "5.99"]);
    assert_eq!(column("GrossTotal"), ["107.1", "28.89", "37.49"]);
    assert_eq!(column("Price"), ["45.0", "27.0", "6.3"]);
    assert_eq!(column("PriceAfterVAT"), ["53.55", "28.89", "7.497"]);
    assert_eq!(column("LineNum"), ["0", "1", "2"]);
    assert_eq!(created.body["DocumentAdditionalExpenses"][0]["TaxSum"].to_string(), "0.95");
    assert_eq!(created.body["CardName"], "Falkenried Werkstattbedarf GmbH");
    assert_eq!((created.body["DocEntry"].as_i64(), created.body["DocNum"].as_i64()), (Some(1), Some(1000)));
    sandbox.stop().await;
}

#[tokio::test]
async fn gross_prices_become_net() {
    let sandbox = sandbox(small()).await;
    let erp = ErpClient::new(&sandbox).await;
    let order = json!({ "CardCode": "C-GUEST", "DocDueDate": "2026-11-05", "DocumentLines": [
        { "ItemCode": "HD-4711-BL-M", "Quantity": 2, "PriceAfterVAT": 59.5, "VatGroup": "A1" },
        { "ItemCode": "SC-0815", "Quantity": 5, "PriceAfterVAT": 8.33, "VatGroup": "A1" },
        { "ItemCode": "DISCOUNT", "Quantity": -1, "PriceAfterVAT": 16.07, "VatGroup": "A1" }
    ] });
    let created = erp.post("/Orders", &order).await;
    let lines = created.body["DocumentLines"].as_array().unwrap();
    assert_eq!(lines[0]["LineTotal"].to_string(), "100.0");
    assert_eq!(lines[1]["LineTotal"].to_string(), "35.0");
    assert_eq!(lines[2]["LineTotal"].to_string(), "-13.5");
    // 100 + 35 - 13.50 net; taxes 19.00 + 6.65 - 2.57 (2.565 away from zero).
    assert_eq!(created.body["DocTotal"].to_string(), "144.58");
    sandbox.stop().await;
}

#[tokio::test]
async fn the_service_refuses_what_it_should() {
    let sandbox = sandbox(small()).await;
    let erp = ErpClient::new(&sandbox).await;
    let order = partner_and_order(&erp).await;
    let cases: [(&str, Value, &str, &str); 11] = [
        ("/CardCode", json!("C99999"), "-5002", "10000811 - Enter valid code  [ORDR.CardCode] , 'C99999'"),
        (
            "/DocumentLines/1/ItemCode",
            json!("NEU-9001"),
            "-5002",
            "Item no. is missing  [RDR1.ItemCode][line: 2] , 'NEU-9001'",
        ),
        ("/DocumentLines/0/ItemCode", json!("OLD-0001"), "-5002", "[RDR1.ItemCode][line: 1]"),
        ("/DocumentLines/0/VatGroup", json!("Z9"), "-5002", "[RDR1.VatGroup][line: 1] , 'Z9'"),
        ("/DocumentLines/0/WarehouseCode", json!("77"), "-5002", "[RDR1.WhsCode][line: 1]"),
        ("/DocDueDate", Value::Null, "-5002", "[ORDR.DocDueDate]"),
        ("/DocumentLines", json!([]), "-5002", "without lines"),
        ("/NumAtCard", json!("x".repeat(101)), "-5002", "[ORDR.NumAtCard]"),
        ("/AddressExtension/ShipToStreet", json!("ä".repeat(101)), "-5002", "[RDR12.StreetS]"),
        ("/DocumentLines/0/Quantity", json!("2"), "-1000", "property 'Quantity' of 'DocumentLine' is invalid"),
        ("/ShipToCode", json!("nowhere"), "-5002", "[ORDR.ShipToCode]"),
    ];
    for (pointer, value, code, part) in cases {
        let mut broken = order.clone();
        *broken.pointer_mut(pointer).unwrap() = value;
        let refused = erp.post("/Orders", &broken).await;
        assert_eq!(
            (refused.status, refused.body["error"]["code"].as_str()),
            (400, Some(code)),
            "{pointer}: {}",
            refused.body
        );
        assert!(refused.body["error"]["message"].as_str().unwrap().contains(part), "{pointer}: {}", refused.body);
    }
    for (name, entity) in [("U_Undeclared", "Document"), ("Shipping", "Document")] {
        let mut broken = order.clone();
        broken[name] = json!("x");
        let refused = erp.post("/Orders", &broken).await;
        assert_eq!(refused.body["error"]["message"], format!("Property '{name}' of '{entity}' is invalid"));
    }
    let twice = erp.post("/BusinessPartners", &json!({ "CardCode": "C10044" })).await;
    assert_eq!((twice.status, twice.body["error"]["code"].as_str()), (400, Some("-2035")));
    assert_eq!(erp.get("/Nonsense").await.status, 404);
    let missing = erp.get("/Orders(4711)").await;
    assert_eq!((missing.status, missing.body["error"]["code"].as_i64()), (404, Some(-2028)));
    assert_eq!(sandbox.erp.ledger().created("Orders"), 0);

    sandbox.add_unknown_products();
    let mut late = order.clone();
    late["DocumentLines"][1]["ItemCode"] = json!("NEU-9001");
    assert_eq!(erp.post("/Orders", &late).await.status, 201);
    sandbox.stop().await;
}

#[tokio::test]
async fn pages_follow_the_next_link_and_forget_the_preference() {
    let sandbox = sandbox(small()).await;
    let erp = ErpClient::new(&sandbox).await;
    let all = sandbox.erp.records("Items").len();
    let first = erp.get("/Items?$select=ItemCode&$filter=startswith(ItemCode,%20'WZ-')&$orderby=ItemCode%20desc").await;
    assert_eq!(first.body["value"].as_array().unwrap().len(), 20);
    assert_eq!(first.body["value"][0]["ItemCode"], "WZ-1329");
    let link = first.body["@odata.nextLink"].as_str().unwrap();
    assert_eq!(link, "Items?$select=ItemCode&$filter=startswith(ItemCode,%20'WZ-')&$orderby=ItemCode%20desc&$skip=20");
    let last = erp.get(&format!("/{link}")).await.body["@odata.nextLink"].as_str().unwrap().to_owned();
    let rest = erp.get(&format!("/{last}")).await;
    assert_eq!((rest.body["value"].as_array().unwrap().len(), rest.body.get("@odata.nextLink")), (8, None));

    let preferred = erp.get_with("/Items", &[("Prefer", "odata.maxpagesize=50")]).await;
    assert_eq!(preferred.headers["preference-applied"], "odata.maxpagesize=50");
    assert_eq!(preferred.body["value"].as_array().unwrap().len(), 50);
    let next = format!("/{}", preferred.body["@odata.nextLink"].as_str().unwrap());
    assert_eq!(next, "/Items?$skip=50");
    assert_eq!(
        erp.get_with("/Items", &[("Prefer", "odata.maxpagesize=0")]).await.body["value"].as_array().unwrap().len(),
        all
    );
    assert_eq!(erp.get("/Items/$count").await.text, all.to_string());
    let some = erp.get("/Items?$top=25&$count=true").await;
    assert_eq!(
        (some.body["@odata.count"].as_u64(), some.body["@odata.nextLink"].as_str()),
        (Some(all as u64), Some("Items?$count=true&$top=5&$skip=20"))
    );
    assert_eq!(
        erp.get("/Items('BK-1002')?$select=ItemName").await.body["ItemName"],
        "Fachbuch Holzverbindungen, 4. Auflage"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn sessions_expire() {
    let sandbox = sandbox(small()).await;
    let erp = ErpClient::new(&sandbox).await;
    assert_eq!(erp.post("/CompanyService_GetAdminInfo", &json!({})).await.body["TotalsAccuracy"], 2);
    sandbox.erp.expire_sessions();
    let gone = erp.get("/Items").await;
    assert_eq!((gone.status, gone.body["error"]["code"].as_i64()), (401, Some(301)));
    assert_eq!(gone.body["error"]["message"]["value"], "Invalid session or session already timeout.");

    let again = ErpClient::new(&sandbox).await;
    assert_eq!(again.get("/Items").await.status, 200);
    let login = json!({ "CompanyDB": "SBODEMODE", "UserName": "manager", "Password": "no" });
    let wrong = again.post("/Login", &login).await;
    assert_eq!((wrong.status, wrong.body["error"]["code"].as_str()), (401, Some("-304")));
    assert_eq!(sandbox.erp.session_count(), 1);
    assert_eq!(again.post("/Logout", &json!({})).await.status, 204);
    assert_eq!(again.get("/Items").await.status, 401);
    sandbox.stop().await;
}

#[tokio::test]
async fn an_idle_session_ends() {
    let mut config = small();
    config.erp.session_idle = Duration::ZERO;
    let sandbox = sandbox(config).await;
    let erp = ErpClient::new(&sandbox).await;
    assert_eq!(sandbox.erp.session_count(), 1);
    assert_eq!(erp.get("/Items").await.body["error"]["code"], 301);
    assert_eq!(sandbox.erp.session_count(), 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn duplicates_are_accepted_and_reported() {
    let sandbox = sandbox(small()).await;
    let erp = ErpClient::new(&sandbox).await;
    let order = partner_and_order(&erp).await;
    assert_eq!(erp.post("/Orders", &order).await.status, 201);
    assert_eq!(sandbox.erp.ledger().duplicates(), []);
    assert_eq!(erp.post("/Orders", &order).await.status, 201);
    let duplicates = sandbox.erp.ledger().duplicates();
    assert_eq!(
        duplicates.iter().map(|duplicate| duplicate.field.as_str()).collect::<Vec<_>>(),
        ["NumAtCard", "U_ShopOrderId"]
    );
    assert_eq!(duplicates[0].keys, ["1", "2"]);
    let found = erp.get("/Orders?$filter=NumAtCard eq 'SW-10232' and Cancelled eq 'tNO'").await;
    assert_eq!(found.body["value"].as_array().unwrap().len(), 2);

    assert_eq!(erp.post("/Orders(2)/Cancel", &json!({})).await.status, 204);
    assert_eq!(erp.post("/Orders(2)/Cancel", &json!({})).await.status, 400);
    assert_eq!(sandbox.erp.ledger().duplicates(), []);
    assert_eq!(sandbox.erp.orders_by_num_at_card("SW-10232").len(), 2);
    let cancelled = erp.get("/Orders(2)").await.body;
    assert_eq!(
        (cancelled["Cancelled"].as_str(), cancelled["DocumentStatus"].as_str()),
        (Some("tYES"), Some("bost_Close"))
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn updates_merge_lines_and_respect_etags() {
    let sandbox = sandbox(small()).await;
    let erp = ErpClient::new(&sandbox).await;
    let order = partner_and_order(&erp).await;
    let etag = erp.post("/Orders", &order).await.body["@odata.etag"].as_str().unwrap().to_owned();
    let delta = json!({ "Comments": "geändert", "DocumentLines": [{ "LineNum": 1, "Quantity": 2 }, { "ItemCode": "SC-0815", "UnitPrice": 1, "VatGroup": "A0" }] });
    assert_eq!(erp.patch_with("/Orders(1)", &delta, &[("If-Match", &etag)]).await.status, 204);
    let changed = erp.get("/Orders(1)").await.body;
    assert_eq!(changed["DocumentLines"].as_array().unwrap().len(), 4);
    assert_eq!(changed["DocumentLines"][1]["LineTotal"].to_string(), "54.0");
    assert_eq!(changed["DocumentLines"][3]["LineNum"], 3);
    // 179.43 and another book (27.00 + 1.89) and one screw without tax.
    assert_eq!(changed["DocTotal"].to_string(), "209.32");
    let stale = erp.patch_with("/Orders(1)", &json!({}), &[("If-Match", &etag)]).await;
    assert_eq!((stale.status, stale.body["error"]["code"].as_str()), (412, Some("-2039")));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_fault_after_the_commit_leaves_the_effect() {
    for fault in [
        Fault::TimeoutAfterEffect,
        Fault::ResetAfterEffect,
        Fault::TruncatedBody,
        Fault::StatusAfterEffect { status: 500 },
    ] {
        let sandbox = sandbox(small()).await;
        let erp = ErpClient::new(&sandbox).await;
        let order = partner_and_order(&erp).await;
        sandbox.erp.faults().script(FaultRule::new("POST", "/Orders", fault));
        let outcome = erp.try_post("/Orders", &order).await;
        match fault {
            Fault::StatusAfterEffect { .. } => assert_eq!(outcome.unwrap().status, 500),
            _ => assert!(outcome.is_err(), "{fault:?}: {outcome:?}"),
        }
        let ledger = sandbox.erp.ledger();
        assert_eq!(ledger.by_natural_key("Orders", "NumAtCard", "SW-10232").len(), 1, "{fault:?}");
        let entry = ledger.requests().into_iter().find(|entry| entry.fault == Some(fault)).unwrap();
        assert_eq!(entry.result, Some(201), "{fault:?}");
        assert_eq!(ledger.effects().last().unwrap().kind, EffectKind::Created);
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn a_fault_before_the_effect_leaves_nothing() {
    for fault in [
        Fault::TimeoutBeforeEffect,
        Fault::ResetBeforeEffect,
        Fault::HtmlPage,
        Fault::SessionExpired,
        Fault::Status { status: 503, retry_after_s: Some(7) },
        Fault::Throttled { retry_after_s: 3 },
    ] {
        let sandbox = sandbox(small()).await;
        let erp = ErpClient::new(&sandbox).await;
        let order = partner_and_order(&erp).await;
        sandbox.erp.faults().script(FaultRule::new("POST", "/Orders", fault));
        let outcome = erp.try_post("/Orders", &order).await;
        match fault {
            Fault::HtmlPage => assert!(outcome.unwrap().text.starts_with("<!DOCTYPE html>")),
            Fault::SessionExpired => assert_eq!(outcome.unwrap().body["error"]["code"], 301),
            Fault::Status { .. } => assert_eq!(outcome.unwrap().headers["retry-after"], "7"),
            Fault::Throttled { .. } => assert_eq!(outcome.unwrap().status, 429),
            _ => assert!(outcome.is_err(), "{fault:?}"),
        }
        assert_eq!(sandbox.erp.ledger().created("Orders"), 0, "{fault:?}");
        assert_eq!(sandbox.erp.faults().applied_total(), 1);
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn large_bodies_are_refused() {
    let mut config = small();
    config.erp.body_bytes_max = 1000;
    let sandbox = sandbox(config).await;
    let erp = ErpClient::new(&sandbox).await;
    let refused = erp.post("/Items", &json!({ "ItemCode": "x".repeat(2000) })).await;
    assert_eq!(refused.status, 413);
    sandbox.stop().await;
}

/// Sends an order until it is answered with 201, at most this often; with `probe` it looks for the order before each repetition.
async fn deliver(sandbox: &mapwright_sandbox::Sandbox, erp: &mut ErpClient, order: &Value, probe: bool) {
    let filter = format!("/Orders?$filter=NumAtCard eq '{}'", order["NumAtCard"].as_str().unwrap());
    for attempt in 0..50 {
        if probe && attempt > 0 {
            let Ok(found) = erp.try_get(&filter).await else { continue };
            match found.body["value"].as_array() {
                Some(rows) if !rows.is_empty() => return,
                Some(_) => {}
                None => {
                    *erp = ErpClient::new(sandbox).await;
                    continue;
                }
            }
        }
        match erp.try_post("/Orders", order).await {
            Ok(answer) if answer.status == 201 => return,
            Ok(answer) if answer.status == 401 => *erp = ErpClient::new(sandbox).await,
            Ok(_) | Err(_) => {}
        }
    }
    panic!("never delivered: {order}");
}

#[tokio::test]
async fn a_rough_day_doubles_blind_repetitions_only() {
    for probe in [false, true] {
        let mut config = small();
        config.erp.hold = Duration::from_millis(5);
        let sandbox = sandbox(config).await;
        let mut erp = ErpClient::new(&sandbox).await;
        sandbox.erp.faults().random(RandomFaults::rough_day(11));
        for number in 0..150 {
            let order = json!({ "CardCode": "C-GUEST", "DocDueDate": "2026-11-05", "NumAtCard": format!("SW-{number}"),
                "DocumentLines": [{ "ItemCode": "BK-1002", "UnitPrice": 30, "VatGroup": "A2" }] });
            deliver(&sandbox, &mut erp, &order, probe).await;
        }
        let ledger = sandbox.erp.ledger();
        assert!(sandbox.erp.faults().applied().len() >= 8, "{:?}", sandbox.erp.faults().applied());
        assert_eq!(ledger.duplicates().is_empty(), probe, "{:?}", ledger.duplicates());
        assert_eq!(ledger.created("Orders") == 150, probe);
        sandbox.stop().await;
    }
}
