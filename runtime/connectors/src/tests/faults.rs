//! What can go wrong on the way: each with its class and its words.

use mapwright_engine::connector::{Class, Deed, Failure};

use crate::tests::server::{SILENCE, Server, json, with_headers};
use crate::tests::systems::{erp, erp_settings, everything, open_erp, open_shop, shop_settings, write};

const LOGIN: &str = r#"{"SessionId":"6d9e-1","SessionTimeout":30}"#;

/// What a read and a create come to when everything but the log-in is answered with these bytes.
async fn read_and_create(answer: Vec<u8>) -> (Failure, Failure) {
    let server =
        Server::start(move |seen| if seen.target.ends_with("Login") { json(200, LOGIN) } else { answer.clone() }).await;
    let erp = erp(&server);
    let read = erp.fetch_page(&everything("Orders")).await.unwrap_err();
    let create =
        erp.send(&write("Orders", Deed::Create, r#"{"NumAtCard":"10231","CardCode":"C-SECRET-1"}"#)).await.unwrap_err();
    assert_eq!(server.seen_at("Orders").len(), 2, "nothing is repeated");
    (read, create)
}

#[tokio::test]
async fn the_table_of_classes() {
    let html = with_headers(200, &["Content-Type: text/html"], "<!DOCTYPE html><html>Sign in</html>");
    let truncated =
        b"HTTP/1.1 201 X\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"DocEntry\":91".to_vec();
    let cases: [(&str, Vec<u8>, Class, Class); 15] = [
        ("lost answer", Vec::new(), Class::Transient, Class::Ambiguous),
        ("truncated", truncated, Class::Transient, Class::Ambiguous),
        ("html", html, Class::Transient, Class::Ambiguous),
        ("not json", json(201, "{\"DocEntry\":"), Class::Transient, Class::Ambiguous),
        ("no key", json(201, "{}"), Class::Transient, Class::Ambiguous),
        ("redirect", with_headers(307, &["Location: http://127.0.0.1:1/"], ""), Class::Halt, Class::Halt),
        ("400", json(400, "{}"), Class::Halt, Class::Permanent),
        ("403", json(403, "{}"), Class::Halt, Class::Halt),
        ("404 on a collection", json(404, "{}"), Class::Halt, Class::Halt),
        ("408", json(408, "{}"), Class::Transient, Class::Ambiguous),
        ("429", with_headers(429, &["Retry-After: 7"], "{}"), Class::Throttled, Class::Throttled),
        ("500", json(500, "{}"), Class::Transient, Class::Ambiguous),
        ("502", json(502, "{}"), Class::Transient, Class::Ambiguous),
        ("504", json(504, "{}"), Class::Transient, Class::Ambiguous),
        ("unknown", json(599, "{}"), Class::Transient, Class::Ambiguous),
    ];
    for (name, answer, read, create) in cases {
        let found = read_and_create(answer).await;
        assert_eq!((found.0.class, found.1.class), (read, create), "{name}: {} / {}", found.0, found.1);
    }
}

#[tokio::test]
async fn the_wish_to_wait_is_passed_on() {
    let (read, _) = read_and_create(with_headers(429, &["Retry-After: 7"], "{}")).await;
    assert_eq!(read.retry_after, Some(std::time::Duration::from_secs(7)));
    let (read, _) = read_and_create(with_headers(429, &["Retry-After: Mon, 23 Nov 2026 21:10:29 GMT"], "{}")).await;
    assert_eq!(read.retry_after, Some(std::time::Duration::from_secs(60)), "by the server's own clock");
}

#[tokio::test]
async fn messages_tell_an_operator_what_to_do() {
    let html = with_headers(200, &["Content-Type: text/html"], "<html>Sign in</html>");
    let (read, _) = read_and_create(html).await;
    assert!(read.message.starts_with("erp: http://127.0.0.1:"), "{read}");
    assert!(read.message.contains("/b1s/v2 answered an HTML page where JSON was expected (status 200): is the address that of SAP Business One"), "{read}");
    let (_, create) = read_and_create(Vec::new()).await;
    assert!(create.message.contains("whether it had its effect is not known"), "{create}");
    let (_, redirect) = read_and_create(with_headers(302, &["Location: https://x/"], "")).await;
    assert!(redirect.message.contains("redirects are not followed"), "{redirect}");
}

#[tokio::test]
async fn personal_values_are_hidden_in_messages() {
    let body = r#"{"error":{"code":"-5002","message":"Enter valid code [ORDR.CardCode], 'C-SECRET-1'"}}"#;
    let (_, create) = read_and_create(json(400, body)).await;
    assert_eq!(create.class, Class::Permanent);
    assert_eq!(create.code.as_deref(), Some("-5002"));
    assert_eq!(create.field.as_deref(), Some("ORDR.CardCode"));
    assert!(create.message.contains("Enter valid code [ORDR.CardCode], '***'"), "{create}");
}

#[tokio::test]
async fn nobody_listening_is_proof_of_no_effect() {
    // A port that was just free: bound, noted and given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let erp = open_erp(erp_settings(format!("http://127.0.0.1:{port}"))).unwrap();
    let failure = erp.send(&write("Orders", Deed::Create, "{}")).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient);
    assert_eq!(
        failure.message,
        format!("erp: cannot reach 127.0.0.1:{port} (connection refused): is the address right and the service up?")
    );
    let shop = open_shop(shop_settings("http://no-such-host.invalid".to_owned())).unwrap();
    let failure = shop.check().await.unwrap_err();
    assert_eq!(failure.class, Class::Transient);
    assert!(failure.message.contains("no-such-host.invalid"), "{failure}");
}

#[tokio::test]
async fn a_time_out_after_sending_proves_nothing() {
    let server =
        Server::start(|seen| if seen.target.ends_with("Login") { json(200, LOGIN) } else { SILENCE.to_vec() }).await;
    let mut settings = erp_settings(server.url());
    settings.request_timeout = Some(std::time::Duration::from_millis(200));
    let failure = open_erp(settings).unwrap().send(&write("Orders", Deed::Create, "{}")).await.unwrap_err();
    assert_eq!(failure.class, Class::Ambiguous);
    assert!(failure.message.contains("no answer in time"), "{failure}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_not_read_to_its_end() {
    let huge = format!("{{\"value\":[\"{}\"]}}", "x".repeat(33 * 1024 * 1024));
    let server =
        Server::start(move |seen| if seen.target.ends_with("Login") { json(200, LOGIN) } else { json(200, &huge) })
            .await;
    let failure = erp(&server).fetch_page(&everything("Orders")).await.unwrap_err();
    assert_eq!(failure.class, Class::Halt);
    assert!(failure.message.contains("larger than"), "{failure}");
}

#[tokio::test]
async fn a_create_without_its_key_is_not_sent() {
    let server = Server::start(|_| json(200, r#"{"access_token":"t","expires_in":600}"#)).await;
    let shop = open_shop(shop_settings(server.url())).unwrap();
    let failure = shop.send(&write("product", Deed::Create, r#"{"productNumber":"A"}"#)).await.unwrap_err();
    assert_eq!(failure.class, Class::Halt);
    assert!(failure.message.contains("the mapping must write it"), "{failure}");
    assert!(server.seen_at("product").is_empty());
}
