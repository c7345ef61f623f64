//! Business Central: tags, absolute links, bound actions, JSON batches.

use std::sync::Arc;

use mapwright_engine::connector::{Class, Connector, Deed, Failure, Probe, WriteRequest};
use mapwright_values::plan::{EntityPlan, FieldPlan, Kind, SystemPlan};

use crate::tests::server::{Seen, Server, json, with_headers};
use crate::tests::systems::{connect, entity, everything, field, find, write};

const LINES: Kind =
    Kind::List(&Kind::Record(&[field("id", Kind::Uuid(false)), field("quantity", Kind::Decimal(20, 5))]));
const ORDERS: &[FieldPlan] = &[
    field("id", Kind::Uuid(false)),
    field("externalDocumentNumber", Kind::Text(Some(35))),
    field("status", Kind::Enum(&["Draft", "Open"])),
    field("lastModifiedDateTime", Kind::DateTime),
    field("salesOrderLines", LINES),
];
const ENTITIES: &[EntityPlan] = &[
    entity("items", false, &["id"], &[field("id", Kind::Uuid(false)), field("number", Kind::Text(Some(20)))]),
    entity("salesOrders", false, &["id"], ORDERS),
    entity("salesInvoices", false, &["id"], ORDERS),
    entity("salesShipments", false, &["id"], ORDERS),
    entity("ship_and_invoice", true, &["id"], &[field("id", Kind::Uuid(false))]),
];
const PLAN: SystemPlan = SystemPlan {
    alias: "erp",
    name: "business-central",
    manifest: include_str!("../../../../specs/systems/business-central/connector.yaml"),
    entities: ENTITIES,
};
const ID: &str = "b807023f-87e6-3b8a-da92-f79f546ff9cc";

fn central(server: &Server) -> Arc<dyn Connector> {
    let url = server.url();
    connect(
        &PLAN,
        &url,
        &[("tenant", "contoso"), ("environment", "Production"), ("company", "c1"), ("login_url", &url)],
        &[("client_id", "id-1"), ("client_secret", "hush-hush")],
    )
}

async fn answering(answer: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Server {
    Server::start(move |seen| {
        if seen.target.ends_with("/token") {
            json(200, r#"{"access_token":"token-1","expires_in":3599}"#)
        } else {
            answer(seen)
        }
    })
    .await
}

fn update(version: Option<&str>) -> WriteRequest {
    let deed = Deed::Update { key: vec![ID.to_owned()] };
    WriteRequest { version: version.map(str::to_owned), ..write("salesOrders", deed, r#"{"status":"Open"}"#) }
}

#[tokio::test]
async fn the_token_is_asked_for_by_form_and_sent_with_each_request() {
    let server = answering(|_| json(200, r#"{"value":[]}"#)).await;
    central(&server).fetch_page(&everything("items")).await.unwrap();
    let token = &server.seen_at("/token")[0];
    assert!(token.body.contains("grant_type=client_credentials") && token.body.contains("client_secret=hush-hush"));
    let asked = &server.seen_at("/items")[0];
    assert_eq!(asked.header("authorization"), Some("Bearer token-1"));
    assert_eq!(asked.decoded(), "/v2.0/contoso/Production/api/v2.0/companies(c1)/items?$orderby=id");
}

#[tokio::test]
async fn only_what_is_used_is_expanded() {
    let server = answering(|_| json(200, r#"{"value":[]}"#)).await;
    let mut request = everything("salesOrders");
    request.select = vec!["externalDocumentNumber".to_owned(), "salesOrderLines.quantity".to_owned()];
    central(&server).fetch_page(&request).await.unwrap();
    let asked = server.seen_at("/salesOrders")[0].decoded();
    assert!(asked.contains("$select=externalDocumentNumber,id&$expand=salesOrderLines($select=quantity)"), "{asked}");
}

#[tokio::test]
async fn pages_follow_absolute_links_on_the_same_host() {
    let server = answering(|seen| {
        if seen.target.contains("skiptoken") {
            json(200, r#"{"value":[{"id":"2"}]}"#)
        } else {
            let host = seen.header("host").unwrap();
            json(200, &format!(r#"{{"value":[{{"id":"1"}}],"@odata.nextLink":"http://{host}/v2.0/x?$skiptoken=7"}}"#))
        }
    })
    .await;
    let erp = central(&server);
    let mut request = everything("items");
    let first = erp.fetch_page(&request).await.unwrap();
    request.cursor = first.next;
    assert_eq!(erp.fetch_page(&request).await.unwrap().next, None);
    let asked = server.seen_at("skiptoken");
    assert_eq!(asked[0].header("prefer"), Some("odata.maxpagesize=500"), "the size is sent again");
    assert_eq!(asked[0].header("data-access-intent"), Some("ReadOnly"));
}

#[tokio::test]
async fn probes_ask_the_primary() {
    let server = answering(|_| json(200, r#"{"value":[]}"#)).await;
    let found = central(&server).find(&[find("items", "number", "BK-1002")]).await.unwrap();
    assert!(found[0].is_empty());
    assert_eq!(server.seen_at("/items")[0].header("data-access-intent"), None);
}

#[tokio::test]
async fn a_stale_tag_is_a_conflict() {
    let server = answering(|seen| {
        if seen.method == "GET" {
            json(200, &format!(r#"{{"@odata.etag":"W/\"JzEn\"","id":"{ID}","status":"Draft"}}"#))
        } else {
            json(409, r#"{"error":{"code":"Request_EntityChanged","message":"changed meanwhile"}}"#)
        }
    })
    .await;
    let erp = central(&server);
    let key = vec![ID.to_owned()];
    let current = erp.fetch_current("salesOrders", &key, &["status".to_owned()]).await.unwrap().unwrap();
    assert_eq!(current.version.as_deref(), Some("W/\"JzEn\""));
    let failure = erp.send(&update(current.version.as_deref())).await.unwrap_err();
    assert_eq!(failure.class, Class::Conflict, "{failure}");
    let patch = server.seen().into_iter().find(|seen| seen.method == "PATCH").unwrap();
    assert_eq!(patch.header("if-match"), Some("W/\"JzEn\""));
    assert!(patch.target.ends_with(&format!("/salesOrders({ID})")), "{}", patch.target);
    let without = erp.send(&update(None)).await.unwrap_err();
    assert!(without.message.contains("nothing was sent"), "{without}");
}

#[tokio::test]
async fn posting_is_proved_by_the_order_having_gone() {
    let server = answering(|seen| match seen.method.as_str() {
        "POST" => json(204, ""),
        _ if seen.target.contains(ID) => json(404, r#"{"error":{"code":"Internal_RecordNotFound","message":"gone"}}"#),
        _ => json(200, r#"{"id":"other","status":"Open"}"#),
    })
    .await;
    let erp = central(&server);
    let record = format!(r#"{{"id":"{ID}"}}"#);
    erp.send(&write("ship_and_invoice", Deed::Act, &record)).await.unwrap();
    assert!(server.seen_at("Microsoft.NAV.shipAndInvoice")[0].target.contains(&format!("salesOrders({ID})")));
    assert!(matches!(erp.probe("ship_and_invoice", &[], &record).await.unwrap(), Probe::Same { .. }));
    let still_there = r#"{"id":"11111111-1111-1111-1111-111111111111"}"#;
    assert_eq!(erp.probe("ship_and_invoice", &[], still_there).await.unwrap(), Probe::Absent);
}

#[tokio::test]
async fn what_stands_under_our_own_key_is_ours() {
    let server = answering(|seen| match seen.method.as_str() {
        "POST" => json(409, r#"{"error":{"code":"Internal_EntityWithSameKeyExists","message":"it is there"}}"#),
        _ if seen.target.contains(ID) => json(200, &format!(r#"{{"id":"{ID}","number":"BK-1002"}}"#)),
        _ => json(404, r#"{"error":{"code":"Internal_RecordNotFound","message":"no"}}"#),
    })
    .await;
    let erp = central(&server);
    assert!(erp.writing("items").probe_by.contains(&"id".to_owned()));
    let record = format!(r#"{{"id":"{ID}","number":"BK-1002"}}"#);
    let failure = erp.send(&write("items", Deed::Create, &record)).await.unwrap_err();
    assert_eq!(failure.class, Class::Exists, "{failure}");
    let by = ["id".to_owned()];
    assert!(matches!(erp.probe("items", &by, &record).await.unwrap(), Probe::Same { .. }));
    let other = r#"{"id":"11111111-1111-1111-1111-111111111111"}"#;
    assert_eq!(erp.probe("items", &by, other).await.unwrap(), Probe::Absent);
}

#[tokio::test]
async fn a_request_that_ran_out_of_time_proves_nothing() {
    let server = answering(|_| json(408, r#"{"error":{"code":"Unknown","message":"too long"}}"#)).await;
    let failure = central(&server).send(&write("salesOrders", Deed::Create, "{}")).await.unwrap_err();
    assert_eq!(failure.class, Class::Ambiguous, "{failure}");
}

#[tokio::test]
async fn too_many_requests_slow_the_connection() {
    let answer = r#"{"error":{"code":"Application_TooManyRequests","message":"Too many"}}"#;
    let server = answering(|_| with_headers(429, &["Retry-After: 11"], answer)).await;
    let failure = central(&server).fetch_page(&everything("items")).await.unwrap_err();
    assert_eq!((failure.class, failure.retry_after), (Class::Throttled, Some(std::time::Duration::from_secs(11))));
}

#[tokio::test]
async fn what_support_asks_for_is_told_with_a_long_message() {
    let long = "The customer cannot be used. ".repeat(20);
    let body = format!(
        r#"{{"error":{{"code":"Application_DialogException","message":"{long} CorrelationId:  0f2b7a1c-9d3e-4c55-8a01-77c1f2d0e9ab."}}}}"#
    );
    let server = answering(move |_| json(400, &body)).await;
    let failure = central(&server).send(&update(Some("W/\"1\""))).await.unwrap_err();
    assert_eq!(failure.class, Class::Permanent);
    assert!(failure.message.ends_with("(the vendor finds it by 0f2b7a1c-9d3e-4c55-8a01-77c1f2d0e9ab)"), "{failure}");
}

#[tokio::test]
async fn the_sample_of_a_batch_has_one_good_row_and_one_bad() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/systems/business-central/samples/batch-response.json");
    // The sample's requests were called r1 and r2; ours are called by their place.
    let sample = std::fs::read_to_string(file).unwrap().replace("\"r1\"", "\"0\"").replace("\"r2\"", "\"1\"");
    let server = answering(move |_| json(200, &sample)).await;
    let orders = [update(Some("W/\"1\"")), update(Some("W/\"2\""))];
    let outcomes = central(&server).send_batch(&orders).await.unwrap();
    assert_eq!(outcomes[0].as_ref().unwrap().key, ["36635958-5d9d-b303-16e2-6153dd541164"]);
    let refused = outcomes[1].as_ref().unwrap_err();
    assert_eq!((refused.class, refused.code.as_deref()), (Class::Permanent, Some("Unknown")));
    assert!(refused.message.contains("'Invalid Type' is not an option"), "{refused}");
}

#[tokio::test]
async fn rows_of_a_batch_have_outcomes_of_their_own() {
    let server = answering(|seen| {
        assert!(seen.target.ends_with("/$batch"), "{}", seen.target);
        json(
            200,
            r#"{"responses":[
            {"id":"1","status":400,"body":{"error":{"code":"Application_StringExceededLength","message":"too long"}}},
            {"id":"0","status":201,"body":{"id":"a1","externalDocumentNumber":"SW-1"}},
            {"id":"2","status":429,"body":{"error":{"code":"Application_TooManyRequests","message":"slow"}}}]}"#,
        )
    })
    .await;
    let erp = central(&server);
    let batching = erp.writing("salesOrders").batching.unwrap();
    assert_eq!((batching.size_max, batching.atomic), (100, false));
    let order = |number: &str| {
        write("salesOrders", Deed::Create, &format!(r#"{{"id":"{number}","externalDocumentNumber":"SW-{number}"}}"#))
    };
    let writes = ["a1", "a2", "a3", "a4"].map(order);
    let outcomes = erp.send_batch(&writes).await.unwrap();
    let classes: Vec<Option<Class>> =
        outcomes.iter().map(|one| one.as_ref().err().map(|failure: &Failure| failure.class)).collect();
    assert_eq!(classes, [None, Some(Class::Permanent), Some(Class::Throttled), Some(Class::Ambiguous)]);
    assert_eq!(outcomes[0].as_ref().unwrap().key, ["a1"]);
    let sent: serde_json::Value = serde_json::from_str(&server.seen_at("$batch")[0].body).unwrap();
    assert_eq!(sent["requests"][1]["url"], "companies(c1)/salesOrders");
    assert_eq!(sent["requests"][1]["method"], "POST");
    assert_eq!(sent["requests"][1]["body"]["externalDocumentNumber"], "SW-a2");
    assert_eq!(sent["requests"][1]["headers"]["Authorization"], serde_json::Value::Null, "credentials are the batch's");
}
