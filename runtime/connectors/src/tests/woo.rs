//! WooCommerce: named parameters, pages told by a header, batches whose rows fail within a 200.

use std::sync::Arc;

use mapwright_engine::connector::{Class, Connector, Deed, Probe, Window};
use mapwright_values::plan::{EntityPlan, FieldPlan, Kind, SystemPlan};
use mapwright_values::{Find, Test};

use crate::Connectors;
use crate::tests::server::{Seen, Server, json, with_headers};
use crate::tests::systems::{connect, entity, everything, field, secrets, term, write};

const PRODUCTS: &[FieldPlan] = &[
    field("id", Kind::Integer),
    field("sku", Kind::Text(Some(100))),
    field("name", Kind::Text(None)),
    field("date_modified_gmt", Kind::Text(Some(25))),
];
const ENTITIES: &[EntityPlan] = &[
    entity("products", false, &["id"], PRODUCTS),
    entity("orders", false, &["id"], PRODUCTS),
    entity(
        "variations",
        false,
        &["product_id", "id"],
        &[field("product_id", Kind::Integer), field("id", Kind::Integer), field("sku", Kind::Text(Some(100)))],
    ),
];
const PLAN: SystemPlan = SystemPlan {
    alias: "shop",
    name: "woocommerce",
    manifest: include_str!("../../../../specs/systems/woocommerce/connector.yaml"),
    entities: ENTITIES,
};
const KEYS: &[(&str, &str)] = &[("consumer_key", "ck_1"), ("consumer_secret", "hush-hush")];

fn woo(server: &Server) -> Arc<dyn Connector> {
    connect(&PLAN, &server.url(), &[("page_size", "2")], KEYS)
}

#[tokio::test]
async fn conditions_have_parameters_of_their_own() {
    let server = Server::start(|seen: &Seen| {
        let body = if seen.decoded().contains("page=2&per_page") {
            "[]"
        } else {
            r#"[{"id":1,"date_modified_gmt":"2026-11-02T09:00:00"}]"#
        };
        with_headers(200, &["X-WP-TotalPages: 2", "Content-Type: application/json"], body)
    })
    .await;
    let shop = woo(&server);
    let at = |text: &str| text.parse().unwrap();
    let mut request = everything("orders");
    request.filter = vec![term("status", Test::Eq, "\"on hold\"")];
    request.window =
        Some(Window { pass: 0, since: Some(at("2026-11-02T08:00:00Z")), until: Some(at("2026-11-03T00:00:00Z")) });
    let first = shop.fetch_page(&request).await.unwrap();
    assert_eq!(first.rows[0].stamp, Some(at("2026-11-02T09:00:00Z")));
    request.cursor = first.next.clone();
    assert!(first.next.is_some(), "the header tells of a second page, although the first was not full");
    assert_eq!(shop.fetch_page(&request).await.unwrap().next, None);
    let asked = server.seen()[0].decoded();
    for part in [
        "status=any",
        "status=on hold",
        "modified_after=2026-11-02T08:00:00",
        "modified_before=2026-11-03T00:00:00",
        "dates_are_gmt=true",
        "page=1&per_page=2",
        "orderby=id&order=asc",
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    assert_eq!(server.seen()[0].header("authorization"), Some("Basic Y2tfMTpodXNoLWh1c2g="));
}

#[tokio::test]
async fn a_look_up_is_compared_again() {
    let server = Server::start(|_| json(200, r#"[{"id":1,"sku":"A-1"},{"id":2,"sku":"A-10"}]"#)).await;
    let find = Find {
        system: "shop".to_owned(),
        entity: "products".to_owned(),
        terms: vec![term("sku", Test::Eq, "\"A-1\"")],
        select: Vec::new(),
    };
    let found = woo(&server).find(&[find]).await.unwrap();
    assert_eq!(found[0], [r#"{"id":1,"sku":"A-1"}"#]);
    assert!(server.seen()[0].decoded().contains("sku=A-1"));
}

#[tokio::test]
async fn a_failed_row_of_a_batch_is_a_failure() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/systems/woocommerce/samples/");
    let sample = std::fs::read_to_string(format!("{folder}batch-stock-response-http200.json")).unwrap();
    let rows = serde_json::from_str::<serde_json::Value>(&sample).unwrap()["update"].as_array().unwrap().len();
    let server = Server::start(move |_| json(200, &sample)).await;
    let shop = woo(&server);
    assert_eq!(shop.writing("products").batching.map(|batching| batching.size_max), Some(100));
    let update = |id: usize| write("products", Deed::Update { key: vec![id.to_string()] }, r#"{"name":"x"}"#);
    let writes: Vec<_> = (0..rows).map(update).collect();
    let outcomes = shop.send_batch(&writes).await.unwrap();
    assert_eq!(outcomes.len(), rows);
    let failed: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert_eq!(failed.len(), 1, "{outcomes:?}");
    assert!(matches!(failed[0].class, Class::Permanent | Class::Missing), "{}", failed[0]);
    let sent: serde_json::Value = serde_json::from_str(&server.seen_at("/products/batch")[0].body).unwrap();
    assert_eq!(sent["update"][0]["id"], 0, "the key stands in the row");
    assert_eq!(sent["create"], serde_json::Value::Null);
}

#[tokio::test]
async fn credentials_do_not_travel_in_the_open() {
    let settings = crate::ConnectionSettings {
        url: "http://shop.example".to_owned(),
        credentials: secrets(KEYS),
        ..crate::ConnectionSettings::default()
    };
    let faults = Connectors::open(&PLAN, settings).err().unwrap();
    assert!(faults[0].contains("may not travel over plain http"), "{faults:?}");
}

#[tokio::test]
async fn a_record_with_a_parent_is_addressed_through_it() {
    let server = Server::start(|_| json(200, r#"{"id":7}"#)).await;
    let shop = woo(&server);
    let key = ["118".to_owned(), "7".to_owned()];
    shop.fetch_record("variations", &key, &[]).await.unwrap().unwrap();
    assert_eq!(server.seen()[0].target, "/wp-json/wc/v3/products/118/variations/7");
}

#[tokio::test]
async fn records_with_parents_are_listed_parent_by_parent() {
    let server = Server::start(|seen: &Seen| {
        let body = match seen.target.split('?').next().unwrap() {
            "/wp-json/wc/v3/products" => r#"[{"id":118},{"id":119}]"#,
            "/wp-json/wc/v3/products/118/variations" => r#"[{"id":7},{"id":8}]"#,
            _ => "[]",
        };
        with_headers(200, &["X-WP-TotalPages: 1", "Content-Type: application/json"], body)
    })
    .await;
    let page = woo(&server).fetch_page(&everything("variations")).await.unwrap();
    let records: Vec<&str> = page.rows.iter().map(|row| row.record.as_str()).collect();
    assert_eq!(records, [r#"{"id":7,"product_id":118}"#, r#"{"id":8,"product_id":118}"#]);
    assert_eq!((page.next, server.seen_at("/119/variations").len()), (None, 1));
}

#[tokio::test]
async fn a_look_up_beneath_a_parent_asks_this_one_alone() {
    let server = Server::start(|seen: &Seen| {
        let body = if seen.target.contains("/118/") { r#"[{"id":7,"sku":"A-1"},{"id":8,"sku":"A-10"}]"# } else { "[]" };
        with_headers(200, &["X-WP-TotalPages: 1", "Content-Type: application/json"], body)
    })
    .await;
    let shop = woo(&server);
    let sku = term("sku", Test::Eq, "\"A-1\"");
    let asked = |terms: Vec<mapwright_values::Term>| Find {
        system: "shop".to_owned(),
        entity: "variations".to_owned(),
        terms,
        select: Vec::new(),
    };
    let found = shop.find(&[asked(vec![term("product_id", Test::Eq, "118"), sku.clone()])]).await.unwrap();
    assert_eq!(found[0], [r#"{"id":7,"sku":"A-1","product_id":118}"#]);
    assert_eq!(server.seen().len(), 1);
    assert!(server.seen()[0].decoded().starts_with("/wp-json/wc/v3/products/118/variations?"));
    assert!(!server.seen()[0].target.contains("product_id"), "what leads there is asked no more");
    let failure = shop.find(&[asked(vec![sku])]).await.unwrap_err();
    assert_eq!(failure.class, Class::Halt);
    let words = "a look-up of variations needs the `product_id` of the products that they belong to";
    assert!(failure.message.contains(words), "{failure}");
}

#[tokio::test]
async fn a_batch_goes_to_each_parent_by_itself_and_every_outcome_keeps_its_place() {
    let server = Server::start(|seen: &Seen| {
        let sent: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
        let rows: Vec<serde_json::Value> = sent["update"].as_array().unwrap().iter().map(|row| {
            if row["id"] == 9 { serde_json::json!({"id": 9, "error": {"code": "woocommerce_rest_x", "message": "no", "data": {"status": 400}}}) }
            else { row.clone() }
        }).collect();
        json(200, &serde_json::json!({ "update": rows }).to_string())
    })
    .await;
    let update = |product: &str, id: &str| {
        let key = vec![product.to_owned(), id.to_owned()];
        write("variations", Deed::Update { key }, r#"{"sku":"x"}"#)
    };
    let writes = [update("118", "7"), update("119", "9"), update("118", "8")];
    let outcomes = woo(&server).send_batch(&writes).await.unwrap();
    let bodies = |part: &str| server.seen_at(part).into_iter().map(|seen| seen.body).collect::<Vec<_>>();
    assert_eq!(bodies("/products/118/variations/batch"), [r#"{"update":[{"sku":"x","id":7},{"sku":"x","id":8}]}"#]);
    assert_eq!(bodies("/products/119/variations/batch"), [r#"{"update":[{"sku":"x","id":9}]}"#]);
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
    assert_eq!(outcomes[1].as_ref().unwrap_err().class, Class::Permanent);
}

#[tokio::test]
async fn the_record_that_a_refusal_names_is_looked_at_under_its_key() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/systems/woocommerce/samples/");
    let refusal = std::fs::read_to_string(format!("{folder}error-duplicate-sku-400.json")).unwrap();
    let named = serde_json::from_str::<serde_json::Value>(&refusal).unwrap()["data"]["resource_id"].to_string();
    let other = named.clone();
    let server = Server::start(move |seen: &Seen| match (seen.method.as_str(), seen.target.ends_with(&other)) {
        ("POST", _) => json(400, &refusal),
        ("GET", true) => json(200, &format!(r#"{{"id":{other},"sku":"A-1","name":"Mug"}}"#)),
        (_, _) => json(404, r#"{"code":"woocommerce_rest_product_invalid_id","message":"Invalid ID."}"#),
    })
    .await;
    let shop = woo(&server);
    let record = r#"{"sku":"A-1","name":"Mug"}"#;
    let failure = shop.send(&write("products", Deed::Create, record)).await.unwrap_err();
    assert_eq!((failure.class, failure.existing.as_deref()), (Class::Exists, Some(named.as_str())));
    let same =
        Probe::Same { key: vec![named.clone()], record: format!(r#"{{"id":{named},"sku":"A-1","name":"Mug"}}"#) };
    assert_eq!(shop.probe_existing("products", &named, record).await.unwrap(), Some(same));
    let another = shop.probe_existing("products", &named, r#"{"sku":"A-1","name":"Cup"}"#).await.unwrap();
    assert!(matches!(another, Some(Probe::Differs { .. })), "{another:?}");
    assert_eq!(
        shop.probe_existing("products", "4711", record).await.unwrap(),
        None,
        "then the natural key is asked for"
    );
}
