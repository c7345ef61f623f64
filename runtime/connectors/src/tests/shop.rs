//! Shopware: tokens, criteria, numbered pages.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use mapwright_engine::connector::{Class, Deed, Probe, Window};
use mapwright_values::Test;

use crate::tests::server::{Seen, Server, json};
use crate::tests::systems::{everything, open_shop, shop, shop_settings, term, write};

fn token(expires_in: u32) -> Vec<u8> {
    json(200, &format!("{{\"token_type\":\"Bearer\",\"expires_in\":{expires_in},\"access_token\":\"token-A\"}}"))
}

fn is_token(seen: &Seen) -> bool {
    seen.target == "/api/oauth/token"
}

/// A shop that gives tokens and answers everything else so.
async fn answering(answer: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Server {
    Server::start(move |seen| if is_token(seen) { token(600) } else { answer(seen) }).await
}

#[tokio::test]
async fn a_page_is_asked_with_criteria_associations_and_order() {
    let server =
        answering(|_| json(200, r#"{"total":1,"data":[{"id":"a1","amountNet":16.806722689000}],"aggregations":[]}"#))
            .await;
    let mut request = everything("order");
    request.filter = vec![term("stateMachineState.technicalName", Test::Eq, "\"open\"")];
    request.select = [
        "id",
        "currency.isoCode",
        "deliveries.shippingOrderAddress.country.iso",
        "deliveries.trackingCodes",
        "price.taxStatus",
    ]
    .map(str::to_owned)
    .to_vec();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    request.window =
        Some(Window { pass: 0, since: Some(at("2026-11-01T00:00:00Z")), until: Some(at("2026-11-02T00:00:00Z")) });
    let page = shop(&server).fetch_page(&request).await.unwrap();
    assert_eq!(page.rows[0].record, r#"{"id":"a1","amountNet":16.806722689000}"#, "digits stay as they stood");
    assert_eq!(page.next, None);
    assert_eq!(page.server_time, Some(at("2026-11-23T21:09:29Z")));
    let login = &server.seen_at("oauth")[0];
    assert_eq!(login.body, r#"{"grant_type":"client_credentials","client_id":"SWIA-ID","client_secret":"hush-hush"}"#);
    let asked = &server.seen_at("/api/search/order")[0];
    assert_eq!(asked.header("authorization"), Some("Bearer token-A"));
    assert_eq!(asked.header("accept"), Some("application/json"));
    assert_eq!(asked.header("sw-language-id"), None, "an optional value that is missing removes its header");
    assert_eq!(
        asked.body,
        concat!(
            r#"{"page":1,"limit":2,"total-count-mode":"none","filter":["#,
            r#"{"type":"equals","field":"stateMachineState.technicalName","value":"open"},"#,
            r#"{"type":"range","field":"updatedAt","parameters":{"gte":"2026-11-01T00:00:00.000+00:00"}},"#,
            r#"{"type":"range","field":"updatedAt","parameters":{"lt":"2026-11-02T00:00:00.000+00:00"}}],"#,
            r#""associations":{"currency":{},"deliveries":{"associations":{"shippingOrderAddress":{"associations":{"country":{}}}}}},"#,
            r#""sort":[{"field":"createdAt","order":"ASC"},{"field":"id","order":"ASC"}]}"#
        )
    );
}

#[tokio::test]
async fn numbered_pages_go_on_while_they_are_full() {
    let server = answering(|seen| {
        let rows = if seen.body.contains(r#""page":1,"#) { r#"[{"id":"a"},{"id":"b"}]"# } else { r#"[{"id":"c"}]"# };
        json(200, &format!("{{\"data\":{rows}}}"))
    })
    .await;
    let shop = shop(&server);
    let first = shop.fetch_page(&everything("order")).await.unwrap();
    let mut request = everything("order");
    request.cursor = first.next;
    let second = shop.fetch_page(&request).await.unwrap();
    assert_eq!((first.rows.len(), second.rows.len(), second.next), (2, 1, None));
    assert_eq!(server.seen_at("oauth").len(), 1, "one token serves both pages");
}

#[tokio::test]
async fn texts_are_asked_for_in_the_language_of_the_deployment() {
    let server = answering(|_| json(200, r#"{"data":[]}"#)).await;
    let mut settings = shop_settings(server.url());
    let german = "2fbb5fe2e29a4d70aa5854ce7ce3e20b";
    settings.config.insert("language_id".to_owned(), german.to_owned());
    open_shop(settings).unwrap().fetch_page(&everything("product")).await.unwrap();
    assert_eq!(server.seen_at("/api/search/product")[0].header("sw-language-id"), Some(german));
}

#[tokio::test]
async fn rows_that_leave_the_condition_push_nobody_off_a_page() {
    // Five orders, two of them made in the same millisecond; each answer is followed by the first open order being
    // moved out of the condition, as our own write-back does.
    let open = std::sync::Mutex::new(vec![("a", 1), ("b", 2), ("c", 2), ("d", 2), ("e", 3)]);
    let server = answering(move |seen| {
        let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
        let from = body["filter"][0]["parameters"]["gte"]
            .as_str()
            .map_or(0, |text| text.trim_start_matches('t').parse().unwrap());
        let page = usize::try_from(body["page"].as_u64().unwrap()).unwrap();
        let mut open = open.lock().unwrap();
        let rows: Vec<String> = open
            .iter()
            .filter(|(_, at)| *at >= from)
            .skip((page - 1) * 2)
            .take(2)
            .map(|(id, at)| format!("{{\"id\":\"{id}\",\"createdAt\":\"t{at}\"}}"))
            .collect();
        if open.len() > 4 {
            open.remove(0);
        }
        json(200, &format!("{{\"data\":[{}]}}", rows.join(",")))
    })
    .await;
    let shop = shop(&server);
    let mut request = everything("order");
    let mut read = std::collections::BTreeSet::new();
    loop {
        let page = shop.fetch_page(&request).await.unwrap();
        read.extend(page.rows.iter().map(|row| row.record.clone()));
        request.cursor = page.next;
        if request.cursor.is_none() {
            break;
        }
    }
    assert_eq!(read.len(), 5, "{read:?}");
}

#[tokio::test]
async fn a_shop_that_ignores_the_page_number_is_noticed() {
    let server = answering(|_| json(200, r#"{"data":[{"id":"a"},{"id":"b"}]}"#)).await;
    let shop = shop(&server);
    let mut request = everything("order");
    request.cursor = shop.fetch_page(&request).await.unwrap().next;
    let failure = shop.fetch_page(&request).await.unwrap_err();
    assert_eq!(failure.class, Class::Halt);
    assert!(failure.message.contains("same page again"), "{failure}");
}

#[tokio::test]
async fn an_expired_token_is_replaced_before_it_is_used() {
    let server = Server::start(|seen| if is_token(seen) { token(0) } else { json(200, r#"{"data":[]}"#) }).await;
    let shop = shop(&server);
    for _ in 0..2 {
        shop.fetch_page(&everything("order")).await.unwrap();
    }
    assert_eq!(server.seen_at("oauth").len(), 2);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_the_request_repeated_once() {
    let count = AtomicUsize::new(0);
    let server = answering(move |_| {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            json(401, r#"{"errors":[{"code":"9","status":"401"}]}"#)
        } else {
            json(200, r#"{"data":[]}"#)
        }
    })
    .await;
    shop(&server).fetch_page(&everything("order")).await.unwrap();
    assert_eq!((server.seen_at("oauth").len(), server.seen_at("search").len()), (2, 2));
}

#[tokio::test]
async fn a_token_that_is_refused_twice_halts() {
    let server = answering(|_| json(401, "{}")).await;
    let failure = shop(&server).fetch_page(&everything("order")).await.unwrap_err();
    assert_eq!(failure.class, Class::Halt);
    assert_eq!((server.seen_at("oauth").len(), server.seen_at("search").len()), (2, 2));
}

#[tokio::test]
async fn many_requests_share_one_log_in() {
    let server = answering(|_| json(200, r#"{"data":[]}"#)).await;
    let shop = shop(&server);
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let shop = shop.clone();
            tokio::spawn(async move { shop.fetch_page(&everything("order")).await.map(|page| page.rows.len()) })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), 0);
    }
    assert_eq!((server.seen_at("oauth").len(), server.seen_at("search").len()), (1, 10));
}

#[tokio::test]
async fn wrong_credentials_say_what_to_check() {
    let server =
        Server::start(|_| json(401, r#"{"errors":[{"code":"10","detail":"Client authentication failed hush-hush"}]}"#))
            .await;
    let failure = shop(&server).check().await.unwrap_err();
    assert_eq!(failure.class, Class::Halt);
    let words =
        "shop: credentials refused (401 10: Client authentication failed ***): check client_id and client_secret";
    assert_eq!(failure.message, words);
}

#[tokio::test]
async fn check_tells_the_version_or_what_is_wrong_with_it() {
    let good = answering(|_| json(200, r#"{"version":"6.7.1.0"}"#)).await;
    let line = shop(&good).check().await.unwrap();
    assert_eq!(
        line,
        format!("shop: Shopware 6 Admin API (6.5 to 6.7) answers at {}/api (version 6.7.1.0)", good.url())
    );
    let old = answering(|_| json(200, r#"{"version":"6.4.20.0"}"#)).await;
    let failure = shop(&old).check().await.unwrap_err();
    assert!(failure.message.contains("`body.version` is 6.4.20.0"), "{failure}");
}

#[tokio::test]
async fn a_write_back_goes_to_the_record_and_answers_its_key() {
    let server = answering(|_| json(204, "")).await;
    let deed = Deed::Update { key: vec!["a/1".to_owned()] };
    let written =
        shop(&server).send(&write("order", deed, r#"{"id":"a/1","customFields":{"erp":1.10}}"#)).await.unwrap();
    assert_eq!(written.key, ["a/1"]);
    let sent = &server.seen_at("/api/order/")[0];
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("PATCH", "/api/order/a%2F1"));
    assert_eq!(sent.body, r#"{"id":"a/1","customFields":{"erp":1.10}}"#);
}

#[tokio::test]
async fn an_action_is_sent_and_proved_by_the_state_it_leads_to() {
    let server = answering(|seen| {
        if seen.target.contains("/search/") {
            json(200, r#"{"data":[{"id":"a1","stateMachineState":{"technicalName":"in_progress"}}]}"#)
        } else {
            json(200, "{}")
        }
    })
    .await;
    let shop = shop(&server);
    let record = r#"{"order_id":"a1","transition":"process"}"#;
    shop.send(&write("order_state", Deed::Act, record)).await.unwrap();
    assert_eq!(server.seen_at("/_action/")[0].target, "/api/_action/order/a1/state/process");
    assert_eq!(server.seen_at("/_action/")[0].body, "{}");
    assert!(matches!(shop.probe("order_state", &[], record).await.unwrap(), Probe::Same { .. }));
    let asked = &server.seen_at("/search/order")[0];
    assert_eq!(asked.body, r#"{"ids":["a1"],"limit":1,"associations":{"stateMachineState":{}}}"#);
    let other = r#"{"order_id":"a1","transition":"complete"}"#;
    assert_eq!(shop.probe("order_state", &[], other).await.unwrap(), Probe::Absent);
}

#[tokio::test]
async fn settings_are_judged_all_at_once() {
    let mut settings = shop_settings("ftp://shop".to_owned());
    settings.credentials.clear();
    settings.config.insert("pagesize".to_owned(), "2".to_owned());
    let faults = open_shop(settings).err().unwrap();
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert!(faults.iter().any(|fault| fault == "shop: credential `client_secret` is missing"), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.contains("knows no config `pagesize`")), "{faults:?}");
}

#[tokio::test]
async fn passes_of_changes_are_asked_one_by_one() {
    let server = answering(|_| json(200, r#"{"data":[]}"#)).await;
    let shop = shop(&server);
    let fields = ["updatedAt", "createdAt", "deliveries.updatedAt"];
    for pass in 0..fields.len() {
        let mut request = everything("order");
        request.window = Some(Window { pass, since: Some("2026-11-01T00:00:00Z".parse().unwrap()), until: None });
        shop.fetch_page(&request).await.unwrap();
    }
    let asked = server.seen_at("/api/search/order");
    for (seen, field) in asked.iter().zip(fields) {
        let range =
            format!(r#"{{"type":"range","field":"{field}","parameters":{{"gte":"2026-11-01T00:00:00.000+00:00"}}}}"#);
        assert!(seen.body.contains(&range), "{field}: {}", seen.body);
    }
}
