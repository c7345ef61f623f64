//! Magento: numbered parameters, a last page that repeats for ever, a token that is a text.

use mapwright_engine::connector::Window;
use mapwright_values::Test;
use mapwright_values::plan::{EntityPlan, Kind, SystemPlan};

use crate::tests::server::{Seen, Server, json};
use crate::tests::systems::{connect, entity, everything, field, term};

const ENTITIES: &[EntityPlan] = &[entity(
    "orders",
    false,
    &["entity_id"],
    &[field("entity_id", Kind::Integer), field("updated_at", Kind::Text(Some(19))), field("status", Kind::Text(None))],
)];
const PLAN: SystemPlan = SystemPlan {
    alias: "shop",
    name: "magento",
    manifest: include_str!("../../../../specs/systems/magento/connector.yaml"),
    entities: ENTITIES,
};

#[tokio::test]
async fn the_total_ends_a_list() {
    let server = Server::start(|seen: &Seen| {
        if seen.target.ends_with("/admin/token") {
            return json(200, "\"token-1\"");
        }
        let last = seen.decoded().contains("[currentPage]=2");
        let rows = if last { r#"{"entity_id":3},{"entity_id":4}"# } else { r#"{"entity_id":1},{"entity_id":2}"# };
        json(200, &format!(r#"{{"items":[{rows}],"total_count":4}}"#))
    })
    .await;
    let shop = connect(&PLAN, &server.url(), &[("page_size", "2")], &[("user", "erp"), ("password", "hush-hush")]);
    let at = |text: &str| text.parse().unwrap();
    let mut request = everything("orders");
    request.filter = vec![term("status", Test::In, r#"["processing","complete"]"#)];
    request.window = Some(Window { pass: 0, since: Some(at("2026-11-02T08:00:00Z")), until: None });
    let first = shop.fetch_page(&request).await.unwrap();
    request.cursor = first.next;
    let second = shop.fetch_page(&request).await.unwrap();
    assert_eq!((second.rows.len(), second.next), (2, None), "a full page, and the total says that it is the last");
    let asked = server.seen_at("/orders")[0].decoded();
    for part in [
        "/rest/all/V1/orders?",
        "searchCriteria[filter_groups][0][filters][0][value]=processing,complete",
        "searchCriteria[filter_groups][0][filters][0][condition_type]=in",
        "searchCriteria[filter_groups][1][filters][0][field]=updated_at",
        "searchCriteria[filter_groups][1][filters][0][value]=2026-11-02 08:00:00",
        "searchCriteria[sortOrders][0][field]=entity_id",
        "searchCriteria[pageSize]=2",
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    assert_eq!(server.seen_at("/orders")[0].header("authorization"), Some("Bearer token-1"));
}

#[tokio::test]
async fn the_gaps_of_a_message_are_filled() {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/systems/magento/samples/");
    let sample = |file: &str| std::fs::read_to_string(format!("{samples}{file}")).unwrap();
    for (body, told) in [
        (sample("error-400.json"), "Invalid product data: Invalid attribute set entity type"),
        (sample("error-401.json"), "The consumer isn't authorized to access Magento_Sales::actions_view."),
        (sample("error-404-named-params.json"), "No such entity with orderId = 999"),
        (
            r#"{"message":"%10 of %1, 5% off, %x","parameters":["a %2","b","","","","","","","","j"]}"#.to_owned(),
            "j of a %2, 5% off, %x",
        ),
    ] {
        let server = Server::start(move |seen: &Seen| {
            if seen.target.ends_with("/admin/token") { json(200, "\"token-1\"") } else { json(403, &body) }
        })
        .await;
        let shop = connect(&PLAN, &server.url(), &[], &[("user", "erp"), ("password", "hush-hush")]);
        let failure = shop.fetch_page(&everything("orders")).await.unwrap_err();
        assert!(failure.message.contains(told), "{failure}");
    }
}

#[tokio::test]
async fn keys_go_into_paths_percent_encoded() {
    let server = Server::start(|seen: &Seen| {
        if seen.target.ends_with("/admin/token") { json(200, "\"token-1\"") } else { json(200, r#"{"entity_id":1}"#) }
    })
    .await;
    let shop = connect(&PLAN, &server.url(), &[], &[("user", "erp"), ("password", "hush-hush")]);
    for (key, path) in [("A/1", "A%2F1"), ("../x", "..%2Fx"), ("a b?c#d", "a%20b%3Fc%23d"), ("50%", "50%25")] {
        shop.fetch_record("orders", &[key.to_owned()], &[]).await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.target, format!("/rest/all/V1/orders/{path}"));
    }
}
