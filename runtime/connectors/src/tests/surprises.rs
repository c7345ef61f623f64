//! A page full of surprises: what a server may answer that nobody asked for, with its class, its words, and no record lost.

use mapwright_engine::connector::{Class, Connector, Deed};

use crate::tests::server::{Server, json, with_headers};
use crate::tests::systems::{erp, everything, write};

const LOGIN: &str = r#"{"SessionId":"6d9e-1","SessionTimeout":30}"#;
/// One record with a letter in ISO 8859-1, announced as this.
fn latin(announced: &str) -> Vec<u8> {
    let body = b"{\"value\":[{\"DocEntry\":1,\"C\":\"M\xfcller\"}]}";
    let head = format!(
        "HTTP/1.1 200 X\r\nConnection: close\r\nContent-Type: application/json{announced}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn answering(answer: Vec<u8>) -> Server {
    Server::start(move |seen| if seen.target.ends_with("Login") { json(200, LOGIN) } else { answer.clone() }).await
}

#[tokio::test]
async fn each_surprise_has_its_class_and_says_what_it_is() {
    let link = |to: &str| json(200, &format!(r#"{{"value":[{{"DocEntry":1}}],"@odata.nextLink":"{to}"}}"#));
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let cases: [(&str, Vec<u8>, Class, &str); 12] = [
        ("a link to another host", link("https://evil.example/b1s/v2/Orders"), Class::Halt, "evil.example"),
        ("a link to another port", link("http://127.0.0.1:1/b1s/v2/Orders"), Class::Halt, "another host"),
        ("a link that is none", link("http://"), Class::Halt, "no address"),
        ("truncated JSON", json(200, r#"{"value":[{"DocEntry":1}"#), Class::Transient, "not JSON"),
        (
            "two values of one name",
            json(200, r#"{"value":[{"DocEntry":1,"DocEntry":2}]}"#),
            Class::Transient,
            "not JSON",
        ),
        ("nested without end", json(200, &format!(r#"{{"value":[{deep}]}}"#)), Class::Transient, "not JSON"),
        ("letters of another set", latin(""), Class::Transient, "not in UTF-8"),
        (
            "an unknown set",
            with_headers(200, &["Content-Type: application/json; charset=klingon"], "{}"),
            Class::Transient,
            "klingon",
        ),
        (
            "a page for people",
            with_headers(200, &["Content-Type: text/html"], "<html>Sign in</html>"),
            Class::Transient,
            "HTML page",
        ),
        ("an error within a 200", json(200, r#"{"error":{"code":"-1","message":"busy"}}"#), Class::Transient, "busy"),
        ("a null where a list is promised", json(200, r#"{"value":null}"#), Class::Transient, "no list"),
        (
            "a number where a record is promised",
            json(200, r#"{"value":[1]}"#),
            Class::Transient,
            "a record was expected",
        ),
    ];
    for (name, answer, class, words) in cases {
        let server = answering(answer).await;
        let failure = erp(&server).fetch_page(&everything("Orders")).await.unwrap_err();
        assert_eq!(failure.class, class, "{name}: {failure}");
        assert!(failure.message.contains(words), "{name}: {failure}");
        assert_eq!(server.seen_at("Orders").len(), 1, "{name}: nothing is repeated, nothing else is asked");
    }
}

#[tokio::test]
async fn a_set_that_is_declared_is_read() {
    let server = answering(latin("; charset=iso-8859-1")).await;
    let page = erp(&server).fetch_page(&everything("Orders")).await.unwrap();
    assert_eq!(page.rows[0].record, r#"{"DocEntry":1,"C":"Müller"}"#);
}

#[tokio::test]
async fn no_surprise_after_a_write_is_taken_for_its_success() {
    let answers = [
        json(201, r#"{"DocEntry":null}"#),
        json(201, r#"{"DocEntry":"#),
        json(200, r#"{"error":{"code":"-1","message":"busy"}}"#),
        json(202, "{}"),
        json(204, ""),
        with_headers(201, &["Content-Type: text/html"], "<!DOCTYPE html><html/>"),
    ];
    for answer in answers {
        let shown = String::from_utf8_lossy(&answer).into_owned();
        let server = answering(answer).await;
        let outcome = erp(&server).send(&write("Orders", Deed::Create, r#"{"NumAtCard":"1"}"#)).await;
        assert_eq!(outcome.unwrap_err().class, Class::Ambiguous, "{shown}");
        assert_eq!(server.seen_at("Orders").len(), 1, "sent once: {shown}");
    }
}

#[tokio::test]
async fn credentials_go_to_nobody_else() {
    let other = Server::start(|_| json(200, "{}")).await;
    let link = format!("{}/b1s/v2/Orders?$skip=20", other.url());
    let server = answering(json(200, &format!(r#"{{"value":[],"@odata.nextLink":"{link}"}}"#))).await;
    let connector: std::sync::Arc<dyn Connector> = erp(&server);
    assert!(connector.fetch_page(&everything("Orders")).await.is_err());
    let redirect = answering(with_headers(302, &[&format!("Location: {link}")], "")).await;
    assert!(erp(&redirect).fetch_page(&everything("Orders")).await.is_err());
    assert!(other.seen().is_empty(), "the other host was not asked anything");
}
