//! Shopify: documents and variables, errors within a 200, pages within pages, a bucket of points.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mapwright_engine::connector::{Class, Connector, Deed};
use mapwright_values::plan::{EntityPlan, FieldPlan, Kind, SystemPlan};

use crate::tests::server::{Seen, Server, json, with_headers};
use crate::tests::systems::{connect, entity, everything, field, find, write};

const LINES: Kind = Kind::List(&Kind::Record(&[field("id", Kind::Text(Some(100))), field("sku", Kind::Text(None))]));
const ORDERS: &[FieldPlan] = &[
    field("id", Kind::Text(Some(100))),
    field("name", Kind::Text(Some(20))),
    field("note", Kind::Text(None)),
    field("updatedAt", Kind::DateTime),
    field("lineItems", LINES),
];
const ENTITIES: &[EntityPlan] = &[
    entity("orders", false, &["id"], ORDERS),
    entity("variants", false, &["id"], &[field("id", Kind::Text(Some(100))), field("sku", Kind::Text(None))]),
    entity("set_stock", true, &["inventoryItemId"], &[field("inventoryItemId", Kind::Text(Some(100)))]),
];
const PLAN: SystemPlan = SystemPlan {
    alias: "erp",
    name: "shopify",
    manifest: include_str!("../../../../specs/systems/shopify/connector.yaml"),
    entities: ENTITIES,
};

pub(crate) fn shopify(server: &Server) -> Arc<dyn Connector> {
    connect(&PLAN, &server.url(), &[], &[("client_id", "id-1"), ("client_secret", "hush-hush")])
}

async fn answering(answer: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Server {
    Server::start(move |seen| {
        if seen.target.ends_with("/access_token") {
            json(200, r#"{"access_token":"shpat-1","expires_in":86399}"#)
        } else {
            answer(seen)
        }
    })
    .await
}

fn body(seen: &Seen) -> serde_json::Value {
    serde_json::from_str(&seen.body).unwrap()
}

fn page(nodes: &str, more: bool) -> Vec<u8> {
    json(
        200,
        &format!(r#"{{"data":{{"x":{{"edges":[{nodes}],"pageInfo":{{"hasNextPage":{more},"endCursor":"c1"}}}}}}}}"#),
    )
}

#[tokio::test]
async fn pages_go_on_by_cursor_and_documents_stand_as_they_are() {
    let server = answering(|seen| {
        let first = body(seen)["variables"]["after"].is_null();
        page(&format!(r#"{{"node":{{"id":"{}"}}}}"#, if first { "1" } else { "2" }), first)
    })
    .await;
    let shop = shopify(&server);
    let mut request = everything("orders");
    request.select = vec!["name".to_owned(), "lineItems.sku".to_owned()];
    let first = shop.fetch_page(&request).await.unwrap();
    request.cursor = first.next;
    assert_eq!(shop.fetch_page(&request).await.unwrap().next, None);
    let asked: Vec<Seen> = server.seen_at("graphql.json");
    assert_eq!(asked[0].header("x-shopify-access-token"), Some("shpat-1"));
    let (one, two) = (body(&asked[0]), body(&asked[1]));
    assert_eq!(one["variables"]["first"], 100);
    assert_eq!(two["variables"]["after"], "c1");
    let query = one["query"].as_str().unwrap();
    assert!(query.starts_with("query($q: String, $first: Int!, $after: String) { orders(query: $q"), "{query}");
    assert!(query.ends_with(
        "fragment Record on Order { id name lineItems(first: 100) { edges { node { sku } } pageInfo { hasNextPage endCursor } } }"
    ), "{query}");
}

#[tokio::test]
async fn a_cursor_that_never_ends_is_noticed() {
    let server = answering(|_| page(r#"{"node":{"id":"1"}}"#, true)).await;
    let shop = shopify(&server);
    let mut request = everything("orders");
    request.cursor = shop.fetch_page(&request).await.unwrap().next;
    let failure = shop.fetch_page(&request).await.unwrap_err();
    assert_eq!(failure.class, Class::Halt);
    assert!(failure.message.contains("read already"), "{failure}");
}

#[tokio::test]
async fn a_200_with_errors_is_no_success() {
    let cases = [
        (r#"{"errors":[{"message":"slow","extensions":{"code":"THROTTLED"}}]}"#, Class::Throttled),
        (r#"{"errors":[{"message":"no","extensions":{"code":"ACCESS_DENIED"}}]}"#, Class::Halt),
        (r#"{"errors":[{"message":"boom","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#, Class::Ambiguous),
        (
            r#"{"data":{"inventorySetQuantities":{"userErrors":[{"code":"INVALID","field":["q"],"message":"bad"}]}}}"#,
            Class::Permanent,
        ),
        (r#"{"data":{"inventorySetQuantities":null}}"#, Class::Ambiguous),
        (r#"{"data":{"inventorySetQuantities":{"userErrors":[]}},"errors":[{"message":"partly"}]}"#, Class::Halt),
    ];
    for (answer, class) in cases {
        let headers = ["Content-Type: application/json", "X-Request-Id: 8d3f-77"];
        let server = answering(move |_| with_headers(200, &headers, answer)).await;
        let record = r#"{"inventoryItemId":"gid://1","locationId":"gid://2","quantity":3}"#;
        let failure = shopify(&server).send(&write("set_stock", Deed::Act, record)).await.unwrap_err();
        assert_eq!(failure.class, class, "{answer}: {failure}");
        assert!(failure.message.ends_with("(the vendor finds it by 8d3f-77)"), "{answer}: {failure}");
    }
}

#[tokio::test]
async fn a_500_with_errors_is_the_servers_fault() {
    let answer = r#"{"errors":"Internal Server Error"}"#;
    let server = answering(move |_| json(500, answer)).await;
    let record = r#"{"inventoryItemId":"gid://1","locationId":"gid://2","quantity":3}"#;
    let failure = shopify(&server).send(&write("set_stock", Deed::Act, record)).await.unwrap_err();
    assert!(matches!(failure.class, Class::Transient | Class::Ambiguous), "{failure}");
}

#[tokio::test]
async fn several_stocks_go_in_one_document() {
    let done = r#"{"data":{"inventorySetQuantities":{"inventoryAdjustmentGroup":{"createdAt":"x"},"userErrors":[]}}}"#;
    let server = answering(move |_| json(200, done)).await;
    let shop = shopify(&server);
    let batching = shop.writing("set_stock").batching.unwrap();
    assert_eq!((batching.size_max, batching.atomic), (250, true));
    let stock = |item: &str| write("set_stock", Deed::Act, &format!(r#"{{"inventoryItemId":"{item}","quantity":3}}"#));
    let outcomes = shop.send_batch(&[stock("a"), stock("b")]).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok));
    let sent = body(&server.seen_at("graphql.json")[0]);
    assert_eq!(sent["variables"]["input"]["quantities"][1]["inventoryItemId"], "b");
    assert_eq!(sent["variables"]["input"]["ignoreCompareQuantity"], true);
}

#[tokio::test]
async fn the_bucket_slows_the_next_request() {
    let server = answering(|_| {
        let cost = r#""extensions":{"cost":{"requestedQueryCost":400,"throttleStatus":{"currentlyAvailable":350,"restoreRate":100.0}}}"#;
        json(200, &format!(r#"{{"data":{{"x":{{"edges":[],"pageInfo":{{"hasNextPage":false}}}}}},{cost}}}"#))
    })
    .await;
    let shop = shopify(&server);
    let begun = Instant::now();
    shop.fetch_page(&everything("orders")).await.unwrap();
    shop.fetch_page(&everything("orders")).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(500), "50 points at 100 a second: {:?}", begun.elapsed());
}

#[tokio::test]
async fn long_lists_within_a_record_are_read_to_their_end() {
    let server = answering(|seen| {
        let query = body(seen)["query"].as_str().unwrap().to_owned();
        if query.contains("node(id: $id)") {
            assert!(query.contains("lineItems(first: 100, after: \"L1\")"), "{query}");
            assert_eq!(body(seen)["variables"]["id"], "o1");
            let lines = r#"{"edges":[{"node":{"id":"3","sku":"c"}}],"pageInfo":{"hasNextPage":false,"endCursor":"L2"}}"#;
            return json(200, &format!(r#"{{"data":{{"node":{{"lineItems":{lines}}}}}}}"#));
        }
        let lines = r#"{"edges":[{"node":{"id":"1","sku":"a"}},{"node":{"id":"2","sku":"b"}}],"pageInfo":{"hasNextPage":true,"endCursor":"L1"}}"#;
        page(&format!(r#"{{"node":{{"id":"o1","lineItems":{lines}}}}}"#), false)
    })
    .await;
    let page = shopify(&server).fetch_page(&everything("orders")).await.unwrap();
    assert_eq!(
        page.rows[0].record,
        r#"{"id":"o1","lineItems":[{"id":"1","sku":"a"},{"id":"2","sku":"b"},{"id":"3","sku":"c"}]}"#
    );
}

#[tokio::test]
async fn an_approximate_search_is_compared_again() {
    let server =
        answering(|_| page(r#"{"node":{"id":"1","sku":"O'N-1"}},{"node":{"id":"2","sku":"O'N-10"}}"#, false)).await;
    let found = shopify(&server).find(&[find("variants", "sku", "O'N-1")]).await.unwrap();
    assert_eq!(found[0], [r#"{"id":"1","sku":"O'N-1"}"#]);
    assert_eq!(body(&server.seen_at("graphql.json")[0])["variables"]["q"], r"sku:'O\'N-1'");
}

#[tokio::test]
async fn what_is_not_there_is_null() {
    let server = answering(|_| json(200, r#"{"data":{"node":null}}"#)).await;
    assert_eq!(shopify(&server).fetch_record("orders", &["gid://1".to_owned()], &[]).await.unwrap(), None);
}
