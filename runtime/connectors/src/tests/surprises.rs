//! A page full of surprises: what a server may answer that nobody asked for. Each surprise meets each of the four drivers, in
//! the middle of a list and after a write: it has its class and its words, and no record is lost or read twice.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mapwright_engine::connector::{Class, Connector, Deed, WriteRequest};
use mapwright_values::plan::{EntityPlan, Kind, SystemPlan};

use crate::ConnectionSettings;
use crate::tests::server::{DRIP, Seen, Server, json, with_headers};
use crate::tests::shopify::shopify;
use crate::tests::systems::{connect, entity, erp, erp_settings, everything, field, open_erp, write};

const LOGIN: &str = r#"{"SessionId":"6d9e-1","SessionTimeout":30,"access_token":"shpat-1","expires_in":3600}"#;

const NORDWIND: SystemPlan = SystemPlan {
    alias: "erp",
    name: "nordwind",
    manifest: include_str!("../../../../specs/systems/nordwind/connector.yaml"),
    entities: &[ORDERS_OF_NORDWIND],
};
const ORDERS_OF_NORDWIND: EntityPlan =
    entity("orders", false, &["id"], &[field("id", Kind::Integer), field("ref", Kind::Text(Some(40)))]);
const KONTOR: SystemPlan = SystemPlan {
    alias: "erp",
    name: "kontor",
    manifest: include_str!("../../../../specs/systems/kontor/connector.yaml"),
    entities: &[ORDERS_OF_KONTOR],
};
const ORDERS_OF_KONTOR: EntityPlan = entity(
    "Orders",
    false,
    &["Number"],
    &[field("Number", Kind::Text(Some(12))), field("Reference", Kind::Text(None))],
);

/// One of the four protocols, by a system that speaks it.
struct Driver {
    name: &'static str,
    open: fn(&Server) -> Arc<dyn Connector>,
    entity: &'static str,
    writing: fn() -> WriteRequest,
    kind: &'static str,
    /// A page with these records; `true` = there are more.
    page: fn(&[u32], bool) -> String,
    /// The name of the key in a record as it is read.
    key: &'static str,
    error_within: &'static str,
    null_where_a_list_is: &'static str,
    null_where_a_key_is: &'static str,
    /// Bodies that cannot be read.
    spoilt: fn() -> Vec<(&'static str, String)>,
}

impl Driver {
    /// An answer that says it is what the driver expects.
    fn typed(&self, status: u16, body: &str) -> Vec<u8> {
        with_headers(status, &[&format!("Content-Type: {}", self.kind)], body)
    }
}

fn all() -> [Driver; 4] {
    [
        Driver {
            name: "REST",
            open: |server| {
                // Its rate is kept elsewhere; here it would only make the test slow.
                let manifest = NORDWIND.manifest.replace("rate: 120 per 1 min, ", "");
                let plan = SystemPlan { manifest: manifest.leak(), ..NORDWIND };
                connect(&plan, &server.url(), &[], &[("key", "hush-hush")])
            },
            entity: "orders",
            writing: || write("orders", Deed::Create, r#"{"ref":"10231"}"#),
            kind: "application/json",
            page: |ids, more| format!(r#"{{"ok":true,"more":{more},"rows":[{}]}}"#, objects("id", ids)),
            key: "id",
            error_within: r#"{"ok":false,"err":{"no":5,"txt":"busy"}}"#,
            null_where_a_list_is: r#"{"ok":true,"rows":null}"#,
            null_where_a_key_is: r#"{"ok":true,"id":null}"#,
            spoilt: spoilt_json,
        },
        Driver {
            name: "OData",
            open: erp,
            entity: "Orders",
            writing: || write("Orders", Deed::Create, r#"{"NumAtCard":"10231"}"#),
            kind: "application/json",
            page: |ids, more| {
                let next = if more { r#","@odata.nextLink":"Orders?$skip=2""# } else { "" };
                format!(r#"{{"value":[{}]{next}}}"#, objects("DocEntry", ids))
            },
            key: "DocEntry",
            error_within: r#"{"error":{"code":"-1","message":"busy"}}"#,
            null_where_a_list_is: r#"{"value":null}"#,
            null_where_a_key_is: r#"{"DocEntry":null}"#,
            spoilt: spoilt_json,
        },
        Driver {
            name: "SOAP",
            open: |server| connect(&KONTOR, &server.url(), &[], &[("user", "shop"), ("password", "hush-hush")]),
            entity: "Orders",
            writing: || write("Orders", Deed::Create, r#"{"Reference":"10231"}"#),
            kind: "application/soap+xml",
            page: |ids, more| {
                let rows: String =
                    ids.iter().map(|id| format!("<Order><Number>{id}</Number></Order>")).collect::<Vec<_>>().concat();
                let next = if more { "2" } else { "" };
                envelope(&format!(
                    "<FindOrdersResponse><Orders>{rows}</Orders><Next>{next}</Next></FindOrdersResponse>"
                ))
            },
            key: "Number",
            error_within: "<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"><Body><Fault><Code><Value>Receiver</Value></Code><Reason><Text>busy</Text></Reason></Fault></Body></Envelope>",
            null_where_a_list_is: "<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"><Body><FindOrdersResponse/></Body></Envelope>",
            null_where_a_key_is: "<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"><Body><CreateOrderResponse><Number/></CreateOrderResponse></Body></Envelope>",
            spoilt: spoilt_xml,
        },
        Driver {
            name: "GraphQL",
            open: shopify,
            entity: "orders",
            writing: || write("set_stock", Deed::Act, r#"{"inventoryItemId":"gid://1","quantity":3}"#),
            kind: "application/json",
            page: |ids, more| {
                let nodes: Vec<String> = ids.iter().map(|id| format!(r#"{{"node":{{"id":{id}}}}}"#)).collect();
                let info = format!(r#"{{"hasNextPage":{more},"endCursor":"c1"}}"#);
                format!(r#"{{"data":{{"orders":{{"edges":[{}],"pageInfo":{info}}}}}}}"#, nodes.join(","))
            },
            key: "id",
            error_within: r#"{"errors":[{"message":"busy","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#,
            null_where_a_list_is: r#"{"data":{"orders":null}}"#,
            null_where_a_key_is: r#"{"data":{"inventorySetQuantities":null}}"#,
            spoilt: spoilt_json,
        },
    ]
}

fn objects(key: &str, ids: &[u32]) -> String {
    ids.iter().map(|id| format!(r#"{{"{key}":{id}}}"#)).collect::<Vec<_>>().join(",")
}

fn envelope(body: &str) -> String {
    format!("<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"><Body>{body}</Body></Envelope>")
}

fn spoilt_json() -> Vec<(&'static str, String)> {
    vec![
        ("truncated JSON", r#"{"ok":true,"value":[{"DocEntry":1}"#.to_owned()),
        ("two values of one name", r#"{"ok":true,"ok":false,"value":[]}"#.to_owned()),
        ("nested without end", format!(r#"{{"value":{}1{}}}"#, "[".repeat(200_000), "]".repeat(200_000))),
        ("two documents", r#"{"ok":true}{"ok":true}"#.to_owned()),
    ]
}

fn spoilt_xml() -> Vec<(&'static str, String)> {
    let laughs: String =
        (1..10).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let bomb = format!("<!DOCTYPE E [<!ENTITY l0 \"lol\">{laughs}]>{}", envelope("<X>&l9;</X>"));
    let file = "<!DOCTYPE E [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>";
    vec![
        ("truncated XML", "<Envelope><Body><FindOrdersResponse><Orders><Order><Number>1".to_owned()),
        ("a bomb of entities", bomb),
        ("an entity of another file", format!("{file}{}", envelope("<X>&f;</X>"))),
        ("nested without end", format!("<E><Body>{}", "<x>".repeat(200_000))),
        ("two documents", format!("{0}{0}", envelope("<FindOrdersResponse/>"))),
        ("JSON", "{\"value\":[]}".to_owned()),
    ]
}

/// What comes, its class for a read and for a write, and a word of its message.
struct Surprise {
    name: &'static str,
    bytes: Vec<u8>,
    read: Class,
    write: Class,
    words: &'static str,
}

/// Surprises that leave open what became of a request.
fn unproven(driver: &Driver) -> Vec<Surprise> {
    let typed = |status, body: &str| driver.typed(status, body);
    let html = "<!DOCTYPE html><html>Sign in</html>";
    let mut found = vec![
        ("no answer", Vec::new(), "gave no answer"),
        ("no HTTP", b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), "gave no answer"),
        ("headers without end", with_headers(200, &["X-More: 1"; 5000], "{}"), "gave no answer"),
        (
            "less than was announced",
            b"HTTP/1.1 200 X\r\nContent-Length: 500\r\n\r\n{\"ok\":true".to_vec(),
            "the answer of 127.0.0.1",
        ),
        (
            "gzip that is none",
            with_headers(200, &["Content-Encoding: gzip"], "{\"ok\":true}"),
            "the answer of 127.0.0.1",
        ),
        ("an empty body", typed(200, ""), "127.0.0.1"),
        (
            "a picture",
            [
                b"HTTP/1.1 200 X\r\nContent-Type: image/png\r\nContent-Length: 8\r\n\r\n".as_slice(),
                b"\x89PNG\r\n\x1a\n",
            ]
            .concat(),
            "the body is not",
        ),
        ("a page for people", with_headers(200, &["Content-Type: text/html"], html), "HTML page"),
        ("a page for people that says it is none", typed(200, html), "HTML page"),
        ("a page for people with status 500", with_headers(500, &["Content-Type: text/html"], html), "HTML page"),
        ("a page for people with status 503", with_headers(503, &["Content-Type: text/html"], html), "HTML page"),
        ("an error within a 200", typed(200, driver.error_within), "busy"),
        ("letters of another set", latin(driver, ""), "not in UTF-8"),
        ("an unknown set", with_headers(200, &["Content-Type: text/xml; charset=klingon"], "{}"), "127.0.0.1"),
    ];
    found.extend((driver.spoilt)().into_iter().map(|(name, body)| (name, typed(200, &body), "the body is not")));
    found
        .into_iter()
        .map(|(name, bytes, words)| Surprise { name, bytes, read: Class::Transient, write: Class::Ambiguous, words })
        .collect()
}

/// A page whose one record holds a letter in ISO 8859-1, announced as this.
fn latin(driver: &Driver, announced: &str) -> Vec<u8> {
    let page = (driver.page)(&[777], false);
    let body = match driver.name {
        "REST" => page.replace("777", "777,\"ref\":\"M\u{1}ller\""),
        "OData" => page.replace("777", "777,\"NumAtCard\":\"M\u{1}ller\""),
        "SOAP" => page.replace("<Number>777</Number>", "<Number>777</Number><Reference>M\u{1}ller</Reference>"),
        _ => page.replace("777", "777,\"name\":\"M\u{1}ller\""),
    };
    let body = body.into_bytes();
    let body: Vec<u8> = body.into_iter().map(|byte| if byte == 1 { 0xfc } else { byte }).collect();
    let head = format!(
        "HTTP/1.1 200 X\r\nConnection: close\r\nContent-Type: {}{announced}\r\nContent-Length: {}\r\n\r\n",
        driver.kind,
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

fn is_log_in(seen: &Seen) -> bool {
    seen.target.ends_with("/Login") || seen.target.ends_with("/access_token")
}

/// A server that logs in whoever comes and answers everything else so.
async fn always(answer: Vec<u8>) -> Server {
    Server::start(move |seen| if is_log_in(seen) { json(200, LOGIN) } else { answer.clone() }).await
}

/// A server that logs in whoever comes and answers the requests after that in turn, and a connection to it.
struct Stage {
    server: Server,
    answers: Arc<Mutex<VecDeque<Vec<u8>>>>,
    connector: Arc<dyn Connector>,
}

impl Stage {
    async fn new(driver: &Driver) -> Self {
        let answers: Arc<Mutex<VecDeque<Vec<u8>>>> = Arc::default();
        let turn = answers.clone();
        let server = Server::start(move |seen| {
            if is_log_in(seen) {
                return json(200, LOGIN);
            }
            turn.lock().unwrap().pop_front().unwrap_or_else(|| json(418, "nothing more was to be asked"))
        })
        .await;
        let connector = (driver.open)(&server);
        Self { server, answers, connector }
    }

    fn asked(&self) -> usize {
        self.server.seen().iter().filter(|seen| !is_log_in(seen)).count()
    }

    /// Reads a list whose second page is the surprise, once: the read goes on where it was, and has every record once.
    async fn in_the_middle_of_a_list(&self, driver: &Driver, surprise: &Surprise) {
        let what = format!("{}: {}", driver.name, surprise.name);
        let first = driver.typed(200, &(driver.page)(&[1, 2], true));
        let last = driver.typed(200, &(driver.page)(&[3], false));
        *self.answers.lock().unwrap() = [first, surprise.bytes.clone(), last].into();
        let before = self.asked();
        let mut request = everything(driver.entity);
        let (mut read, mut failures) = (Vec::new(), Vec::new());
        while failures.len() < 3 {
            match self.connector.fetch_page(&request).await {
                Ok(page) => {
                    read.extend(page.rows.into_iter().map(|row| row.record));
                    match page.next {
                        Some(next) => request.cursor = Some(next),
                        None => break,
                    }
                }
                Err(failure) => failures.push(failure),
            }
        }
        assert_eq!(failures.len(), 1, "{what}: it is told, and the next attempt succeeds: {failures:?}");
        let failure = &failures[0];
        assert_eq!(failure.class, surprise.read, "{what}: {failure}");
        assert!(failure.message.contains(surprise.words), "{what}: {failure}");
        assert!(!failure.message.contains("hush-hush"), "{what}: {failure}");
        assert!(failure.message.chars().count() < 700, "{what}: the message is one to read: {failure}");
        assert_eq!(self.asked() - before, 3, "{what}: nothing else is asked");
        let numbers: Vec<String> = read
            .iter()
            .map(|record| serde_json::from_str::<serde_json::Value>(record).unwrap()[driver.key].to_string())
            .collect();
        assert_eq!(numbers.join(" ").replace('"', ""), "1 2 3", "{what}: each record once");
    }

    /// Writes, and is answered by the surprise: never a success, and sent once.
    async fn after_a_write(&self, driver: &Driver, surprise: &Surprise) {
        let what = format!("{}: {} after a write", driver.name, surprise.name);
        *self.answers.lock().unwrap() = [surprise.bytes.clone()].into();
        let before = self.asked();
        let failure = self.connector.send(&(driver.writing)()).await.expect_err(&what);
        assert_eq!(failure.class, surprise.write, "{what}: {failure}");
        assert_eq!(self.asked() - before, 1, "{what}: nothing is repeated");
    }

    async fn meets(&self, driver: &Driver, surprise: &Surprise) {
        self.in_the_middle_of_a_list(driver, surprise).await;
        self.after_a_write(driver, surprise).await;
    }
}

#[tokio::test]
async fn whatever_comes_is_no_success_and_loses_nothing() {
    for driver in all() {
        let stage = Stage::new(&driver).await;
        for surprise in unproven(&driver) {
            stage.meets(&driver, &surprise).await;
        }
    }
}

#[tokio::test]
async fn a_null_where_a_value_is_promised_is_noticed() {
    for driver in all() {
        let stage = Stage::new(&driver).await;
        let list = Surprise {
            name: "no list where one is promised",
            bytes: driver.typed(200, driver.null_where_a_list_is),
            read: Class::Transient,
            write: Class::Ambiguous,
            words: "127.0.0.1",
        };
        stage.in_the_middle_of_a_list(&driver, &list).await;
        let status = if driver.name == "OData" { 201 } else { 200 };
        let bytes = driver.typed(status, driver.null_where_a_key_is);
        stage.after_a_write(&driver, &Surprise { name: "no key", bytes, ..list }).await;
    }
}

#[tokio::test]
async fn credentials_go_to_nobody_else() {
    let other = Server::start(|_| json(200, "{}")).await;
    for driver in all() {
        let stage = Stage::new(&driver).await;
        for status in [301, 302, 303, 307, 308] {
            let location = format!("Location: {}/b1s/v2/Orders", other.url());
            let elsewhere = Surprise {
                name: "a redirect to another host",
                bytes: with_headers(status, &[&location], ""),
                read: Class::Halt,
                write: Class::Halt,
                words: "redirects are not followed",
            };
            stage.meets(&driver, &elsewhere).await;
        }
    }
    let link = format!("{}/b1s/v2/Orders?$skip=20", other.url());
    let links: [(&str, &str); 5] = [
        (&link, "another host"),
        ("https://evil.example/b1s/v2/Orders", "evil.example"),
        ("http://127.0.0.1:1/b1s/v2/Orders", "another host"),
        ("//evil.example/Orders", "evil.example"),
        ("http://", "no address"),
    ];
    for (link, words) in links {
        let page = json(200, &format!(r#"{{"value":[{{"DocEntry":1}}],"@odata.nextLink":"{link}"}}"#));
        let server = always(page).await;
        let failure = erp(&server).fetch_page(&everything("Orders")).await.unwrap_err();
        assert_eq!(failure.class, Class::Halt, "{link}: {failure}");
        assert!(failure.message.contains(words), "{link}: {failure}");
        assert_eq!(server.seen_at("Orders").len(), 1, "{link}: the link is not followed");
    }
    assert!(other.seen().is_empty(), "the other host was not asked anything");
}

#[tokio::test]
async fn a_list_without_end_is_noticed() {
    for driver in all() {
        let server = always(driver.typed(200, &(driver.page)(&[1, 2], true))).await;
        let connector = (driver.open)(&server);
        let mut request = everything(driver.entity);
        let mut failure = None;
        for _ in 0..8 {
            match connector.fetch_page(&request).await {
                Ok(page) => request.cursor = page.next,
                Err(found) => {
                    failure = Some(found);
                    break;
                }
            }
        }
        let failure = failure.unwrap_or_else(|| panic!("{}: nobody noticed", driver.name));
        assert_eq!(failure.class, Class::Halt, "{}: {failure}", driver.name);
        let words = ["read already", "again and again"];
        assert!(words.iter().any(|words| failure.message.contains(words)), "{}: {failure}", driver.name);
    }
}

#[tokio::test]
async fn little_that_becomes_much_is_not_unpacked_to_its_end() {
    // 64 MiB of blanks: under 100 kB on the wire.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..64 {
        packed.write_all(&blanks).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 100_000, "{}", packed.len());
    for driver in all() {
        let head = format!(
            "HTTP/1.1 200 X\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
            driver.kind,
            packed.len()
        );
        let bomb = Surprise {
            name: "a bomb of gzip",
            bytes: [head.as_bytes(), &packed].concat(),
            read: Class::Halt,
            write: Class::Ambiguous,
            words: "larger than",
        };
        Stage::new(&driver).await.meets(&driver, &bomb).await;
    }
}

#[tokio::test]
async fn a_body_that_drips_has_no_longer_than_the_whole_request() {
    let slow = [DRIP, json(200, &format!("{{\"value\":[{}]}}", " ".repeat(5000))).as_slice()].concat();
    let server = always(slow).await;
    let settings =
        ConnectionSettings { request_timeout: Some(Duration::from_millis(400)), ..erp_settings(server.url()) };
    let erp = open_erp(settings).unwrap();
    let began = std::time::Instant::now();
    let read = erp.fetch_page(&everything("Orders")).await.unwrap_err();
    let written = erp.send(&write("Orders", Deed::Create, "{}")).await.unwrap_err();
    assert_eq!((read.class, written.class), (Class::Transient, Class::Ambiguous), "{read} / {written}");
    assert!(read.message.contains("in time"), "{read}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_is_declared_otherwise_and_sound_is_read() {
    for driver in all() {
        // The letters' set that is announced is the one that is read.
        let announced = latin(&driver, "; charset=iso-8859-1");
        let server = always(announced).await;
        let page = (driver.open)(&server).fetch_page(&everything(driver.entity)).await.unwrap();
        assert!(page.rows[0].record.contains("Müller"), "{}: {}", driver.name, page.rows[0].record);
        // A content type that is a slip of the server's set-up: the body itself says what it is, with or without its mark.
        for mark in ["", "\u{feff}"] {
            let body = format!("{mark}{}", (driver.page)(&[3], false));
            let server = always(with_headers(200, &["Content-Type: text/plain"], &body)).await;
            let page = (driver.open)(&server).fetch_page(&everything(driver.entity)).await.unwrap();
            assert_eq!(page.rows.len(), 1, "{}", driver.name);
        }
    }
}
