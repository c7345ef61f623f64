//! The shipped program with the export of traces: a collector in this process decodes what it is sent, and finds the whole
//! way of a record in one trace, and nothing of what the record says; one that is away costs no record.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test, its helpers included, fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use mapwright_sandbox::seed::SeedConfig;
use mapwright_sandbox::{Sandbox, SandboxConfig};
use mapwright_tests::{Stage, said};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// What a collector was sent.
#[derive(Default)]
struct Collected {
    spans: Vec<Span>,
    services: Vec<String>,
    tokens: Vec<String>,
}

fn text(value: &Option<Value>) -> String {
    match value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn attribute(span: &Span, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|known| known.key == name)?;
    Some(text(&found.value.as_ref()?.value))
}

impl Collected {
    fn take(&mut self, headers: &HeaderMap, body: &[u8]) {
        let request = ExportTraceServiceRequest::decode(body).expect("spans in protobuf");
        self.tokens.extend(headers.get("authorization").map(|token| token.to_str().expect("text").to_owned()));
        for resource in request.resource_spans {
            let attributes = resource.resource.expect("a resource").attributes;
            let service = attributes.iter().find(|known| known.key == "service.name").expect("a name");
            self.services.push(text(&service.value.as_ref().expect("a value").value));
            self.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
}

async fn collector() -> (String, Arc<Mutex<Collected>>) {
    let collected: Arc<Mutex<Collected>> = Arc::default();
    let taken = Arc::clone(&collected);
    let take = move |headers: HeaderMap, body: Bytes| async move {
        taken.lock().expect("nobody panicked").take(&headers, &body);
        StatusCode::OK
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().route("/v1/traces", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, collected)
}

async fn sandbox() -> Sandbox {
    let seed = SeedConfig { orders: 6, unknown_per_mille: 0, ..SeedConfig::default() };
    Sandbox::start(SandboxConfig { seed, ..SandboxConfig::default() }).await.expect("a sandbox")
}

/// The sandbox and the collector live in this process, so the program must not block the test's thread.
async fn sync(sandbox: &Sandbox, collector: &str) -> std::process::Output {
    let more = format!("telemetry: {{ otlp: \"{collector}\", headers: {{ authorization: \"env:OTLP_TOKEN\" }} }}\n");
    let stage =
        Stage::new(sandbox, None).on_servers("sqlite:state.db", &more).with("OTLP_TOKEN", "Bearer collector-secret");
    tokio::task::spawn_blocking(move || stage.run(&["sync"])).await.expect("no panic")
}

fn live_orders(sandbox: &Sandbox) -> usize {
    sandbox.erp.ledger().live("Orders").len()
}

fn wanted_orders(sandbox: &Sandbox) -> usize {
    sandbox.seed.summaries.iter().filter(|order| !order.cancelled).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_shows_a_records_way_from_its_source_to_its_target() {
    let sandbox = sandbox().await;
    let (url, collected) = collector().await;
    let output = sync(&sandbox, &url).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(live_orders(&sandbox), wanted_orders(&sandbox));
    let collected = std::mem::take(&mut *collected.lock().expect("nobody panicked"));
    assert!(collected.services.iter().all(|name| name == "shopware-sap-business-one"), "{:?}", collected.services);
    assert!(!collected.tokens.is_empty() && collected.tokens.iter().all(|token| token == "Bearer collector-secret"));
    let mut traces: BTreeMap<&[u8], Vec<&Span>> = BTreeMap::new();
    for span in &collected.spans {
        traces.entry(&span.trace_id).or_default().push(span);
    }
    let mut ways = 0;
    for spans in traces.values() {
        let of_orders = |span: &&&Span| attribute(span, "flow").is_some_and(|flow| flow == "orders");
        let Some(capture) = spans.iter().filter(of_orders).find(|span| span.name == "capture") else { continue };
        let sends = |span: &&&Span| span.name == "send" && attribute(span, "entity").as_deref() == Some("Orders");
        let Some(send) = spans.iter().find(sends) else { continue };
        // What stands in one turn of the first write, in its order.
        let turn = spans.iter().find(|span| span.span_id == send.parent_span_id).expect("a turn");
        assert_eq!((turn.name.as_str(), attribute(turn, "write").as_deref()), ("deliver", Some("0")));
        assert_eq!(turn.parent_span_id, capture.parent_span_id, "both belong to the record");
        let within = |name: &str| {
            let mut found = spans.iter().filter(|span| span.parent_span_id == turn.span_id && span.name == name);
            found.next_back().unwrap_or_else(|| panic!("no `{name}` in {spans:?}"))
        };
        let (map, done) = (within("map"), within("done"));
        assert!(capture.end_time_unix_nano <= turn.start_time_unix_nano);
        assert!(map.start_time_unix_nano >= turn.start_time_unix_nano);
        assert!(map.end_time_unix_nano <= send.start_time_unix_nano);
        assert!(send.end_time_unix_nano <= done.start_time_unix_nano);
        assert!(done.end_time_unix_nano <= turn.end_time_unix_nano);
        assert!(attribute(turn, "source").is_some() && attribute(done, "target").is_some());
        ways += 1;
    }
    assert_eq!(ways, wanted_orders(&sandbox), "each order that was delivered has its trace");
    sandbox.stop().await;
}

/// Every text of a record under a name that the catalogue of the shop calls personal.
fn personal(value: &serde_json::Value, texts: &mut BTreeSet<String>) {
    const NAMES: [&str; 7] = ["firstName", "lastName", "email", "title", "street", "phoneNumber", "customerComment"];
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if NAMES.contains(&name.as_str()) => drop(texts.insert(text.to_owned())),
                    _ => personal(value, texts),
                }
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| personal(value, texts)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_personal_value_is_exported_whatever_becomes_of_its_record() {
    let seed = SeedConfig { orders: 12, unknown_per_mille: 500, ..SeedConfig::default() };
    let sandbox = Sandbox::start(SandboxConfig { seed, ..SandboxConfig::default() }).await.expect("a sandbox");
    let (url, collected) = collector().await;
    let output = sync(&sandbox, &url).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let collected = std::mem::take(&mut *collected.lock().expect("nobody panicked"));
    let ends: BTreeSet<&str> = collected.spans.iter().map(|span| span.name.as_str()).collect();
    assert!(ends.contains("done") && ends.contains("dead"), "{ends:?}");
    let mut texts = BTreeSet::new();
    for record in sandbox.seed.customers.iter().chain(&sandbox.seed.orders) {
        personal(record, &mut texts);
    }
    texts.retain(|text| text.len() > 3);
    assert!(texts.len() > 20, "{texts:?}");
    for span in &collected.spans {
        let exported = format!("{:?} {:?} {:?}", span.attributes, span.events, span.status);
        let found = texts.iter().find(|text| exported.contains(text.as_str()));
        assert_eq!(found, None, "a personal value was exported: {exported}");
    }
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_is_told_once_and_costs_no_record() {
    let sandbox = sandbox().await;
    let output = sync(&sandbox, "http://127.0.0.1:9").await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(live_orders(&sandbox), wanted_orders(&sandbox));
    assert_eq!(said(&output).matches("traces cannot be exported").count(), 1, "{}", said(&output));
    assert!(!said(&output).contains("collector-secret"), "a secret was told");
    sandbox.stop().await;
}
