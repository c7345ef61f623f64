//! Systems played from manifest and catalogue, spoken to by plain HTTP: what a driver would not do is refused, and the ledger
//! tells what happened.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use mapwright_sandbox::EffectKind;
use mapwright_sandbox::derived::{Derived, DerivedConfig, EntityType, FieldType, Schema, Shape};
use mapwright_values::Json;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

const NORDWIND: &str = include_str!("../../../specs/systems/nordwind/connector.yaml");
const CENTRAL: &str = include_str!("../../../specs/systems/business-central/connector.yaml");
const SAGE: &str = include_str!("../../../specs/systems/sage-200/connector.yaml");

fn field(name: &str, shape: Shape) -> FieldType {
    FieldType {
        name: name.to_owned(),
        shape,
        optional: true,
        required: false,
        read_only: false,
        create_only: false,
        refers_to: None,
        missing_as: None,
    }
}

fn entity(name: &str, key: &str, natural: &[&str], fields: Vec<FieldType>) -> EntityType {
    EntityType {
        name: name.to_owned(),
        action: false,
        key: vec![key.to_owned()],
        natural_keys: natural.iter().map(|name| vec![(*name).to_owned()]).collect(),
        fields,
    }
}

/// Articles, orders and the cancelling of orders.
fn nordwind() -> Schema {
    let read_only = |field: FieldType| FieldType { read_only: true, ..field };
    let required = |field: FieldType| FieldType { required: true, optional: false, ..field };
    let row = vec![
        FieldType { refers_to: Some("articles".to_owned()), ..required(field("sku", Shape::Text(Some(30)))) },
        required(field("qty", Shape::Decimal(12, 3))),
    ];
    let articles = entity(
        "articles",
        "id",
        &["sku"],
        vec![
            read_only(field("id", Shape::Integer)),
            required(field("sku", Shape::Text(Some(30)))),
            required(field("title", Shape::Text(Some(8)))),
            read_only(field("stock", Shape::Decimal(12, 3))),
            read_only(field("chg", Shape::Instant)),
        ],
    );
    let orders = entity(
        "orders",
        "id",
        &["ref"],
        vec![
            read_only(field("id", Shape::Integer)),
            required(field("ref", Shape::Text(Some(40)))),
            required(field("rows", Shape::List(Box::new(Shape::Record(row)), 1))),
            read_only(field("state", Shape::Enum(vec!["open".into(), "done".into(), "void".into()]))),
            read_only(field("chg", Shape::Instant)),
        ],
    );
    let cancel = EntityType {
        action: true,
        ..entity(
            "cancel",
            "id",
            &[],
            vec![required(field("id", Shape::Integer)), required(field("reason", Shape::Text(Some(20))))],
        )
    };
    Schema { entities: vec![articles, orders, cancel] }
}

async fn start(schema: Schema, manifest: &str, life: Duration) -> (Derived, Client) {
    // Another test may have set it: one is as good as the other.
    let _set_before = rustls::crypto::ring::default_provider().install_default();
    let config = DerivedConfig { session_life: life, ..DerivedConfig::default() };
    let system = Derived::start(schema, manifest, config).await.unwrap();
    (system, Client::new())
}

async fn ask(client: &Client, system: &Derived, method: Method, path: &str, body: Option<Value>) -> Value {
    let request = client
        .request(method, format!("{}/api/v2{path}", system.url()))
        .header("accept", "application/json")
        .header("x-nordwind-key", "sandbox-key");
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
}

fn article(sku: &str) -> Value {
    json!({"row": {"sku": sku, "title": "Mug"}})
}

#[tokio::test]
async fn the_catalogue_is_enforced_in_the_systems_own_words() {
    let (system, client) = start(nordwind(), NORDWIND, Duration::from_secs(60)).await;
    let made = ask(&client, &system, Method::POST, "/articles", Some(article("A-1"))).await;
    assert_eq!((&made["ok"], &made["id"]), (&json!(true), &json!(1)));
    for (what, body, at) in [
        ("too long", json!({"row": {"sku": "A-2", "title": "a title of too many letters"}}), "title"),
        ("not there", json!({"row": {"sku": "A-2", "title": "Mug", "colour": "red"}}), "colour"),
        ("required", json!({"row": {"title": "Mug"}}), "sku"),
        ("read only", json!({"row": {"sku": "A-2", "title": "Mug", "stock": 5}}), "stock"),
        ("no text", json!({"row": {"sku": 5, "title": ["Mug"]}}), "title"),
    ] {
        let refused = ask(&client, &system, Method::POST, "/articles", Some(body)).await;
        assert_eq!(
            (&refused["ok"], refused["err"]["no"].to_string().as_str()),
            (&json!(false), "400"),
            "{what}: {refused}"
        );
        assert_eq!(refused["err"]["at"], at, "{what}: {refused}");
    }
    let twice = ask(&client, &system, Method::POST, "/articles", Some(article("A-1"))).await;
    assert_eq!(twice["err"]["no"], 17, "a second one with this number: {twice}");
    assert_eq!(system.ledger().created("articles"), 1);
}

#[tokio::test]
async fn references_lead_somewhere_and_states_are_moved_by_their_verb() {
    let (system, client) = start(nordwind(), NORDWIND, Duration::from_secs(60)).await;
    let order = |sku: &str| json!({"row": {"ref": "SW-1", "rows": [{"sku": sku, "qty": 1.5}]}});
    let unknown = ask(&client, &system, Method::POST, "/documents/orders", Some(order("NOPE"))).await;
    assert_eq!(unknown["err"]["no"], 23, "{unknown}");
    ask(&client, &system, Method::POST, "/articles", Some(article("A-1"))).await;
    let made = ask(&client, &system, Method::POST, "/documents/orders", Some(order("A-1"))).await;
    assert_eq!(made["ok"], true, "{made}");
    let cancel = || async {
        ask(&client, &system, Method::POST, "/documents/orders/1/cancel", Some(json!({"reason": "by phone"}))).await
    };
    assert_eq!(cancel().await["ok"], true);
    let shown = ask(&client, &system, Method::GET, "/documents/orders/1", None).await;
    assert_eq!(shown["row"]["state"], "void", "{shown}");
    assert_eq!(cancel().await["ok"], false, "what is void cannot be made void");
    let kinds: Vec<EffectKind> = system.ledger().effects().iter().map(|effect| effect.kind).collect();
    assert_eq!(kinds, [EffectKind::Created, EffectKind::Created, EffectKind::Moved]);
    let record = Json::parse(r#"{"id":1,"reason":"by phone"}"#).unwrap().into_owned();
    assert!(system.shows("cancel", &record));
}

#[tokio::test]
async fn conditions_are_understood_or_refused_but_never_ignored() {
    let (system, client) = start(nordwind(), NORDWIND, Duration::from_secs(60)).await;
    for sku in ["A-1", "A-2", "O'Hara; x"] {
        ask(&client, &system, Method::POST, "/articles", Some(article(sku))).await;
    }
    let rows = |answer: &Value| answer["rows"].as_array().map_or(0, Vec::len);
    let asked = |condition: &'static str| ask(&client, &system, Method::GET, condition, None);
    let first = asked("/articles?pg=0&n=2").await;
    assert_eq!(rows(&first), 2, "{first}");
    assert_eq!(asked("/articles?pg=1&n=2").await["more"], false);
    assert_eq!(rows(&asked("/articles?where=sku%3D%27O%27%27Hara%3B%20x%27&pg=0&n=9").await), 1);
    assert_eq!(rows(&asked("/articles?where=sku%3Dany(A-1%7CA-2)&pg=0&n=9").await), 2);
    assert_eq!(rows(&asked("/articles?where=chg%3E%3D%272999-01-01T00:00:00Z%27&pg=0&n=9").await), 0);
    for wrong in ["/articles?where=colour%3D%27red%27", "/articles?where=sku~%27A%27"] {
        assert_eq!(asked(wrong).await["ok"], false, "{wrong}");
    }
}

#[tokio::test]
async fn whoever_comes_too_often_waits() {
    let (system, client) = start(nordwind(), NORDWIND, Duration::from_secs(60)).await;
    let mut slowed = None;
    for count in 0..400 {
        let answer = ask(&client, &system, Method::GET, "/about", None).await;
        if answer["err"]["no"] == 9 {
            slowed = Some((count, answer["err"]["wait"].as_u64().unwrap_or(0)));
            break;
        }
    }
    let (count, wait) = slowed.expect("120 requests a minute are the limit");
    assert!((100..=300).contains(&count) && wait >= 1, "after {count}, {wait} s to wait");
}

async fn token(client: &Client, system: &Derived, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let answer = client.post(format!("{}{path}", system.url())).form(form).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

#[tokio::test]
async fn tokens_end_and_a_change_needs_the_tag_that_was_read() {
    let id = || FieldType { create_only: true, optional: false, ..field("id", Shape::Uuid(false)) };
    let items = entity("items", "id", &["number"], vec![id(), field("number", Shape::Text(Some(20)))]);
    let (system, client) = start(Schema { entities: vec![items] }, CENTRAL, Duration::from_secs(2)).await;
    let record = Json::parse(r#"{"number":"BK-1002"}"#).unwrap().into_owned();
    let item = system.add("items", record, Duration::from_secs(60)).unwrap();
    let key = system.key_of("items", &item).join("");
    let config = system.config();
    let login = format!("/{}/oauth2/v2.0/token", config["tenant"]);
    let form = |secret: &'static str| {
        [
            ("grant_type", "client_credentials"),
            ("client_id", "sandbox-client_id"),
            ("client_secret", secret),
            ("scope", "https://api.businesscentral.dynamics.com/.default"),
        ]
    };
    assert_eq!(token(&client, &system, &login, &form("guessed")).await.0, 401);
    let (status, given) = token(&client, &system, &login, &form("sandbox-client_secret")).await;
    assert_eq!((status, given["expires_in"].as_u64()), (200, Some(2)));
    let bearer = format!("Bearer {}", given["access_token"].as_str().unwrap());
    let url = format!(
        "{}/v2.0/{}/{}/api/v2.0/companies({})/items({key})",
        system.url(),
        config["tenant"],
        config["environment"],
        config["company"]
    );
    let send = |method: Method, tag: Option<String>| {
        let mut request = client
            .request(method.clone(), &url)
            .header("accept", "application/json")
            .header("accept-language", "en-US")
            .header("authorization", &bearer);
        if let Some(tag) = tag {
            request = request.header("if-match", tag);
        }
        if method == Method::PATCH {
            request = request.json(&json!({"number": "BK-1003"}));
        }
        async move { request.send().await.unwrap() }
    };
    let read: Value = serde_json::from_str(&send(Method::GET, None).await.text().await.unwrap()).unwrap();
    let tag = read["@odata.etag"].as_str().unwrap().to_owned();
    let code = |response: Response| async move {
        let status = response.status().as_u16();
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(code(send(Method::PATCH, None).await).await.1, "Request_EntityChanged");
    assert_eq!(send(Method::PATCH, Some(tag.clone())).await.status().as_u16(), 200);
    assert_eq!(code(send(Method::PATCH, Some(tag)).await).await, (409, "Request_EntityChanged".to_owned()));
    // The token ends by itself.
    let mut status = 200;
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        status = send(Method::GET, None).await.status().as_u16();
        if status != 200 {
            break;
        }
    }
    assert_eq!(status, 401);
}

#[tokio::test]
async fn a_refresh_token_is_good_for_one_log_in() {
    let customers = entity("customers", "id", &["reference"], vec![field("id", Shape::Integer)]);
    let (system, client) = start(Schema { entities: vec![customers] }, SAGE, Duration::from_secs(60)).await;
    let form = |refresh: &str| {
        [
            ("grant_type".to_owned(), "refresh_token".to_owned()),
            ("refresh_token".to_owned(), refresh.to_owned()),
            ("client_id".to_owned(), "sandbox-client_id".to_owned()),
            ("client_secret".to_owned(), "sandbox-client_secret".to_owned()),
        ]
    };
    let log_in = |refresh: String| {
        let request = client.post(format!("{}/oauth/token", system.url())).form(&form(&refresh));
        async move {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null);
            (status, body["refresh_token"].as_str().unwrap_or_default().to_owned())
        }
    };
    let (status, second) = log_in("sandbox-refresh_token".to_owned()).await;
    assert_eq!(status, 200);
    assert_eq!(log_in("sandbox-refresh_token".to_owned()).await.0, 401, "it was used already");
    assert_eq!(log_in(second).await.0, 200);
}
