//! Services made by others: what our drivers say is understood by software that has never heard of us.
//! Needs Python with the packages of `requirements.txt`; `tests/peers/run` sets that up and starts these tests.

#![allow(
    clippy::expect_used,
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
use mapwright_engine::connector::{Class, Connector, Deed, PageRequest, Probe, WriteRequest};
use mapwright_tests::repository;
use mapwright_values::plan::SystemPlan;
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
        let mut process =
            Command::new(python).arg(script).arg(argument).stdout(Stdio::piped()).spawn().expect("Python starts");
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
