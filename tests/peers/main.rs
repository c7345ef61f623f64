//! Services made by others: what our drivers say is understood by software that has never heard of us.
//! Needs Python with the packages of `requirements.txt`, and Node.js with those of `package.json`; `tests/peers/run` sets that up and
//! starts these tests.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test, its helpers included, fails by panicking"
)]

#[path = "../systems/catalogue.rs"]
mod catalogue;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use mapwright_connectors::{ConnectionSettings, Connectors, SealedFiles};
use mapwright_engine::connector::{Class, Connector, Deed, PageRequest, Probe, Window, WriteRequest};
use mapwright_tests::repository;
use mapwright_values::plan::SystemPlan;
use mapwright_values::{Find, Term, Test};
use secrecy::SecretString;

/// A service in a process of its own; it ends with the test.
struct Peer {
    process: Child,
    url: String,
}

impl Peer {
    fn start(script: &str, argument: &str) -> Self {
        let python = std::env::var("MAPWRIGHT_PEERS_PYTHON").expect("start these tests by tests/peers/run");
        let script = repository().join("tests/peers").join(script);
        Self::running(Command::new(python).arg(script).arg(argument))
    }

    /// The OData service, beneath this path.
    fn odata(path: &str) -> Self {
        let modules = std::env::var("MAPWRIGHT_PEERS_NODE").expect("start these tests by tests/peers/run");
        let script = repository().join("tests/peers/odata/server.mjs");
        Self::running(Command::new("node").arg(script).arg(modules).arg(path))
    }

    fn running(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the service starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("a port");
        let url = format!("http://127.0.0.1:{}", line.trim());
        Self { process, url }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.process.kill().expect("the service ends");
        self.process.wait().expect("the service has ended");
    }
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

/// The made-up ERP, in either version of SOAP.
fn kontor(peer: &Peer, version: &str) -> Arc<dyn Connector> {
    let plan = catalogue::plan("kontor");
    let manifest = plan.manifest.replace("version: \"1.2\"", &format!("version: \"{version}\""));
    let plan = SystemPlan { manifest: Box::leak(manifest.into_boxed_str()), ..*plan };
    let settings = ConnectionSettings {
        url: peer.url.clone(),
        config: [("page_size".to_owned(), "2".to_owned())].into(),
        credentials: [("user", "shop"), ("password", "hush-hush")]
            .map(|(name, value)| (name.to_owned(), secret(value)))
            .into(),
        ..ConnectionSettings::default()
    };
    Connectors::open(&plan, settings).expect("a connection")
}

fn order(reference: &str, customer: &str, quantity: &str) -> WriteRequest {
    WriteRequest {
        entity: "Orders".to_owned(),
        deed: Deed::Create,
        record: format!(
            r#"{{"Reference":"{reference}","Customer":"{customer}","Placed":"2026-11-02","Lines":[{{"Sku":"A<1>&","Quantity":{quantity},"Price":59.50}}]}}"#
        ),
        create_key: reference.to_owned(),
        version: None,
    }
}

async fn orders_go_there_and_back(version: &str) {
    let peer = Peer::start("soap.py", version);
    let erp = kontor(&peer, version);
    assert!(erp.check().await.expect("it answers").contains("Kontor"));
    for number in 1..=5 {
        let written = erp.send(&order(&format!("SW-{number}"), "C & Söhne", "2.500")).await.expect("written");
        assert_eq!(written.key, [format!("{number:012}")]);
    }
    // Pages of two, by cursor.
    let mut request =
        PageRequest { entity: "Orders".to_owned(), filter: Vec::new(), select: Vec::new(), window: None, cursor: None };
    let mut records = Vec::new();
    loop {
        let page = erp.fetch_page(&request).await.expect("a page");
        records.extend(page.rows.into_iter().map(|row| row.record));
        match page.next {
            Some(next) => request.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(records.len(), 5, "{records:?}");
    assert!(records[0].contains(r#""Customer":"C & Söhne""#), "{}", records[0]);
    assert!(records[0].contains(r#""Lines":[{"Sku":"A<1>&","Quantity":2.500,"Price":59.50}]"#), "{}", records[0]);
    assert!(records[0].contains(r#""Open":true"#), "{}", records[0]);
    // A lost answer: the order is found by its reference.
    let by = ["Reference".to_owned()];
    let found = erp.probe("Orders", &by, &order("SW-3", "C & Söhne", "2.5").record).await.expect("an answer");
    assert!(matches!(&found, Probe::Same { key, .. } if *key == ["000000000003"]), "{found:?}");
    let absent = erp.probe("Orders", &by, &order("SW-9", "C", "1").record).await.expect("an answer");
    assert_eq!(absent, Probe::Absent);
    // Faults of its own: the sender's, and its own.
    let refused = erp.send(&order("SW-6", "C", "0")).await.expect_err("refused");
    assert_eq!(refused.class, Class::Permanent, "{refused}");
    assert!(refused.message.contains("quantity must be above 0"), "{refused}");
    let exploded = erp.send(&order("SW-7", "EXPLODE", "1")).await.expect_err("failed");
    assert_eq!(exploded.class, Class::Ambiguous, "{exploded}");
}

#[tokio::test]
async fn a_soap_1_1_service_of_others() {
    orders_go_there_and_back("1.1").await;
}

#[tokio::test]
async fn a_soap_1_2_service_of_others() {
    orders_go_there_and_back("1.2").await;
}

#[tokio::test]
async fn an_oauth_provider_of_others() {
    let peer = Peer::start("oauth.py", "");
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..3 {
        let settings = ConnectionSettings {
            url: peer.url.clone(),
            config: [("site", "s"), ("company", "c"), ("login_url", peer.url.as_str())]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            credentials: [("client_id", "id-1"), ("client_secret", "hush-hush"), ("refresh_token", "refresh-0")]
                .map(|(name, value)| (name.to_owned(), secret(value)))
                .into(),
            vault: Some(Arc::new(SealedFiles::open(folder.path().to_owned(), &secret("0123456789abcdef")).unwrap())),
            ..ConnectionSettings::default()
        };
        let erp = Connectors::open(catalogue::plan("sage-200"), settings).expect("a connection");
        let found = erp.fetch_record("customers", &["1".to_owned()], &[]).await;
        // The provider answers a list where one record is asked for: what matters is that it let us in.
        let failure = found.expect_err("a list is no record");
        assert!(failure.message.contains("a record was expected"), "{failure}");
    }
}

/// Items and sales orders of the OData service.
fn odata(peer: &Peer) -> Arc<dyn Connector> {
    let manifest = include_str!("odata/connector.yaml");
    let plan = SystemPlan { manifest, ..*catalogue::plan("business-central") };
    let settings = ConnectionSettings { url: peer.url.clone(), ..ConnectionSettings::default() };
    Connectors::open(&plan, settings).unwrap_or_else(|faults| panic!("{faults:?}"))
}

async fn read(erp: &dyn Connector, request: &PageRequest) -> (Vec<String>, usize) {
    let (mut records, mut pages) = (Vec::new(), 0);
    let mut request = request.clone();
    loop {
        let page = erp.fetch_page(&request).await.expect("a page");
        records.extend(page.rows.into_iter().map(|row| row.record));
        pages += 1;
        match page.next {
            Some(next) => request.cursor = Some(next),
            None => return (records, pages),
        }
    }
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

fn item(id: &str, number: &str, deed: Deed) -> WriteRequest {
    let record = match deed {
        Deed::Create => {
            format!(
                r#"{{"id":"{id}","number":"{number}","displayName":"Ä & <b>","type":"Inventory","unitPrice":7.125}}"#
            )
        }
        _ => r#"{"displayName":"changed"}"#.to_owned(),
    };
    WriteRequest { entity: "items".to_owned(), deed, record, create_key: number.to_owned(), version: None }
}

#[tokio::test]
async fn odata_of_others_is_listed_asked_and_expanded() {
    let peer = Peer::odata("/");
    let erp = odata(&peer);
    erp.check().await.expect("it answers");
    let whole = PageRequest {
        entity: "items".to_owned(),
        filter: Vec::new(),
        select: texts(&["number", "displayName", "unitPrice", "lastModifiedDateTime"]),
        window: None,
        cursor: None,
    };
    let (records, pages) = read(erp.as_ref(), &whole).await;
    assert_eq!((records.len(), pages), (7, 3), "{records:?}");
    assert!(records[0].contains(r#""displayName":"Item 1 & <Söhne>""#), "{}", records[0]);
    assert!(!records[0].contains("blocked"), "only what is asked for: {}", records[0]);
    let at = |text: &str| Some(text.parse().expect("an instant"));
    let window = Window { pass: 0, since: at("2026-11-03T00:00:00Z"), until: at("2026-11-06T10:00:00Z") };
    let (changed, _) = read(erp.as_ref(), &PageRequest { window: Some(window), ..whole.clone() }).await;
    let numbers: Vec<bool> = ["A-3", "A-4", "A-5"].iter().zip(&changed).map(|(n, row)| row.contains(n)).collect();
    assert_eq!(numbers, [true; 3], "in order, the end of the window left out: {changed:?}");
    assert_eq!(changed.len(), 3, "{changed:?}");
    let find = |field: &str, test, value: &str| Find {
        system: "it".to_owned(),
        entity: "items".to_owned(),
        terms: vec![Term { field: field.to_owned(), test, value: value.to_owned() }],
        select: texts(&["number"]),
    };
    let asked = [
        find("number", Test::Eq, "\"A-2\""),
        find("number", Test::In, "[\"A-6\",\"A-7\",\"none\"]"),
        find("displayName", Test::Eq, "\"Item 5 & <Söhne>\""),
        find("id", Test::Eq, "\"00000004-0000-0000-0000-000000000000\""),
        find("number", Test::Eq, "\"nobody\""),
    ];
    let found = erp.find(&asked).await.expect("answers");
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 1, 1, 0], "{found:?}");
    let key = texts(&["000000aa-0000-0000-0000-000000000000"]);
    let select = texts(&["externalDocumentNumber", "salesOrderLines.sequence"]);
    let order = erp.fetch_record("salesOrders", &key, &select).await.expect("an answer").expect("an order");
    assert!(order.contains("SW-1") && order.contains("10000") && order.contains("20000"), "{order}");
    let absent = texts(&["000000ab-0000-0000-0000-000000000000"]);
    assert_eq!(erp.fetch_record("salesOrders", &absent, &[]).await.expect("an answer"), None);
}

#[tokio::test]
async fn odata_of_others_takes_writes_alone_and_in_change_sets() {
    let peer = Peer::odata("/");
    let erp = odata(&peer);
    let id = "0000000a-0000-0000-0000-000000000000";
    let written = erp.send(&item(id, "N-1", Deed::Create)).await.expect("written");
    assert_eq!(written.key, [id]);
    let change = Deed::Update { key: texts(&[id]) };
    erp.send(&item(id, "N-1", change)).await.expect("changed");
    let record = erp.fetch_record("items", &written.key, &[]).await.expect("an answer").expect("the item");
    assert!(record.contains("\"changed\"") && record.contains("7.125"), "{record}");
    let several: Vec<WriteRequest> = (1..=3)
        .map(|number| {
            item(&format!("000000c{number}-0000-0000-0000-000000000000"), &format!("B-{number}"), Deed::Create)
        })
        .collect();
    let outcomes = erp.send_batch(&several).await.expect("one answer for all");
    for (outcome, write) in outcomes.iter().zip(&several) {
        let written = outcome.as_ref().unwrap_or_else(|failure| panic!("{failure}"));
        assert!(write.record.contains(&written.key[0]), "{written:?} is no answer to {}", write.record);
    }
    for number in 1..=3 {
        let key = texts(&[&format!("000000c{number}-0000-0000-0000-000000000000")]);
        let record = erp.fetch_record("items", &key, &[]).await.expect("an answer").expect("made");
        assert!(record.contains(r#""displayName":"Ä & <b>""#), "{record}");
    }
    let remove = WriteRequest { record: "{}".to_owned(), ..item(id, "N-1", Deed::Delete { key: texts(&[id]) }) };
    erp.send(&remove).await.expect("removed");
    assert_eq!(erp.fetch_record("items", &texts(&[id]), &[]).await.expect("an answer"), None);
}
