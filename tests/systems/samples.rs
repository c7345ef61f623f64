//! A system's samples, answered to its connector as they stand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use mapwright_connectors::{ConnectionSettings, Connectors, SealedFiles};
use mapwright_engine::connector::{Class, Connector, Deed, Failure, PageRequest, WriteRequest};
use mapwright_manifest::Manifest;
use mapwright_tests::repository;
use mapwright_values::plan::SystemPlan;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::{catalogue, fits};

/// One line of `index.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    file: String,
    operation: String,
    entity: String,
    status: u16,
    /// The class that it must get.
    #[serde(default)]
    class: Option<String>,
    #[serde(default)]
    field: Option<String>,
    /// How many records must be read from it.
    #[serde(default)]
    reads: Option<usize>,
    /// The key of the record that is asked for, where the answer proves it.
    #[serde(default)]
    key: Option<String>,
    /// Fields that the catalogue leaves out on purpose, by the end of their paths: `country.iso3`. The README says why.
    #[serde(default)]
    left_out: Vec<String>,
    /// What paths that end so answer instead, such as the list of the parents.
    #[serde(default)]
    elsewhere: BTreeMap<String, String>,
}

pub(crate) const LOG_IN: &str = r#"{"access_token":"token-1","expires_in":3600,"refresh_token":"next-1","SessionId":"session-1","SessionTimeout":30}"#;

/// Goes through the index line by line.
pub(crate) async fn check(folder: &Path) {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let plan = catalogue::plan(&name);
    let text = std::fs::read_to_string(folder.join("samples/index.yaml")).unwrap();
    let index: Vec<Sample> = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut left = BTreeSet::new();
    for sample in &index {
        let what = format!("{name}: {} for {} {}", sample.file, sample.operation, sample.entity);
        let body = std::fs::read_to_string(folder.join("samples").join(&sample.file))
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        if sample.operation == "log_in" {
            logs_in(plan, sample, &body, &what).await;
            continue;
        }
        let url = serve(plan, sample, body.clone()).await;
        let vault = tempfile::tempdir().unwrap();
        let connector = open(plan, &url, vault.path()).unwrap_or_else(|faults| panic!("{what}: {faults:?}"));
        let outcome = outcome(&*connector, plan, sample).await;
        match (&sample.class, sample.reads, outcome) {
            (Some(class), _, Ok(records)) if class == "missing" && records.is_empty() => {}
            (Some(class), _, Ok(records)) => panic!("{what}: {class} was expected, and it was read: {records:?}"),
            (Some(class), _, Err(failure)) => {
                // A log-in that is refused twice halts the connection.
                let wanted = if class == "login" { "halt" } else { class };
                assert_eq!(serde_json::to_value(failure.class).unwrap(), wanted, "{what}: {failure}");
                assert!(sample.field.is_none() || failure.field == sample.field, "{what}: {:?}", failure.field);
                assert!(!failure.message.contains("secret-value"), "{what}: {failure}");
            }
            (None, Some(count), Ok(records)) => {
                assert_eq!(records.len(), count, "{what}: {records:?}");
                if count == 0 {
                    continue; // It tells of its success alone.
                }
                left.append(&mut lossless(plan, sample, &body, &records, &what));
            }
            (None, None, _) => panic!("{what}: the index says neither `class` nor `reads`"),
            (None, Some(_), Err(failure)) => panic!("{what}: {failure}"),
        }
    }
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for field in index.iter().flat_map(|sample| &sample.left_out) {
        assert!(left.contains(field), "{name}: `{field}` is left out and stands in no sample");
        assert!(readme.contains(&format!("`{field}`")), "{name}: the README does not say why `{field}` is left out");
    }
    let elsewhere = drivers_tests();
    for file in std::fs::read_dir(folder.join("samples")).unwrap().flatten() {
        let file = file.file_name().into_string().unwrap();
        let about = file == "README.md" || file == "index.yaml";
        let read = index.iter().any(|sample| sample.file == file) || elsewhere.contains(&file);
        assert!(about || read, "{name}: samples/{file} is neither in the index nor read by a test of the drivers");
    }
}

/// The tests of the drivers: they read samples that take more than one answer.
fn drivers_tests() -> String {
    let sources = repository().join("runtime/connectors/src");
    let files = std::fs::read_dir(sources.join("tests")).unwrap().flatten().map(|entry| entry.path());
    let files = files.chain([sources.join("webhooks/tests.rs")]);
    files.map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// What the log-in answered goes with the requests after it.
async fn logs_in(plan: &'static SystemPlan, sample: &Sample, body: &str, what: &str) {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let (noted, log_in, status) = (seen.clone(), body.to_owned(), StatusCode::from_u16(sample.status).unwrap());
    let answer = move |request: Request| {
        if is_log_in(request.uri().path()) {
            return std::future::ready((status, [(header::CONTENT_TYPE, "application/json")], log_in.clone()));
        }
        let values = request.headers().values().map(|value| value.to_str().unwrap_or_default());
        noted.lock().unwrap().push(values.collect::<Vec<_>>().join("\n"));
        std::future::ready((StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], "{}".to_owned()))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    let vault = tempfile::tempdir().unwrap();
    let connector = open(plan, &url, vault.path()).unwrap_or_else(|faults| panic!("{what}: {faults:?}"));
    let asked = PageRequest {
        entity: sample.entity.clone(),
        filter: Vec::new(),
        select: Vec::new(),
        window: None,
        cursor: None,
    };
    // The answer is none; that it was asked with what the log-in gave is what counts.
    let _ = connector.fetch_page(&asked).await;
    let mut given = Vec::new();
    fits::leaves(&serde_json::from_str(body).unwrap(), &mut given);
    let asked = seen.lock().unwrap().join("\n");
    assert!(given.iter().any(|leaf| leaf.len() > 20 && asked.contains(leaf)), "{what}: {asked}");
}

fn is_log_in(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.ends_with("token") || path.ends_with("/login") || path.ends_with("access_token")
}

/// What an operation comes to when everything but the log-in is answered so.
pub(crate) async fn answered(
    system: &str,
    (operation, entity): (&str, &str),
    (status, body): (u16, &str),
) -> Result<Vec<String>, Failure> {
    let plan = catalogue::plan(system);
    let sample = Sample {
        file: String::new(),
        operation: operation.to_owned(),
        entity: entity.to_owned(),
        status,
        class: None,
        field: None,
        reads: None,
        key: None,
        left_out: Vec::new(),
        elsewhere: BTreeMap::new(),
    };
    let url = serve(plan, &sample, body.to_owned()).await;
    let vault = tempfile::tempdir().unwrap();
    let connector = open(plan, &url, vault.path()).unwrap_or_else(|faults| panic!("{system}: {faults:?}"));
    outcome(&*connector, plan, &sample).await
}

/// Every leaf of the answer's records is in what was read, and all of that is in the catalogue; answers what was left out on purpose.
fn lossless(plan: &SystemPlan, sample: &Sample, body: &str, records: &[String], what: &str) -> BTreeSet<String> {
    let entity = plan.entity(&sample.entity).unwrap_or_else(|| panic!("{what}: no such entity"));
    let mut read = Vec::new();
    let mut found = fits::Found { left_out: &sample.left_out, left: BTreeSet::new(), misfits: Vec::new() };
    for record in records {
        let record: Value = serde_json::from_str(record).unwrap();
        found.check(&record, entity.fields, &sample.entity);
        fits::leaves(&record, &mut read);
    }
    assert_eq!(found.misfits, Vec::<String>::new(), "{what}");
    let mut answered = Vec::new();
    match serde_json::from_str::<Value>(body) {
        Ok(json) => {
            let json =
                ["value", "items", "data", "rows", "row"].iter().find_map(|name| json.get(name)).unwrap_or(&json);
            fits::leaves(json, &mut answered);
        }
        Err(_) if sample.file.ends_with(".csv") => {
            let cells = body.lines().skip(1).flat_map(|line| line.split(';'));
            answered.extend(cells.filter(|cell| !cell.is_empty()).map(str::to_owned));
        }
        // XML: the texts of the elements that carry a field's name, of a list's rows alone.
        Err(_) => {
            let rows = if sample.operation == "list" { body.find("<LIN ").unwrap_or_default() } else { 0 };
            for (open, close) in [("<FLD ", "</FLD>"), ("<ITM", "</ITM>")] {
                let fields = body[rows..].split(open).skip(1).filter_map(|rest| rest.split_once('>'));
                let texts = fields.filter_map(|(_, rest)| Some(rest.split_once(close)?.0));
                answered.extend(texts.map(|text| text.replace("&quot;", "\"").replace("&amp;", "&")));
            }
            // Elements named like the fields: their texts, up to the end of the last record.
            if answered.is_empty() {
                let records = body.rsplit_once(":Order>").map_or("", |(records, _)| records);
                let texts = records.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text.trim());
                answered.extend(texts.filter(|text| !text.is_empty()).map(|text| text.replace("&amp;", "&")));
            }
        }
    }
    assert!(!answered.is_empty(), "{what}: the sample holds records");
    for leaf in answered {
        let plain = leaf.trim_end_matches('0').trim_end_matches('.');
        let there = read.iter().any(|known| *known == leaf || (leaf.contains('.') && known == plain));
        assert!(there, "{what}: `{leaf}` of the answer was lost");
    }
    found.left
}

async fn outcome(
    connector: &dyn Connector,
    plan: &'static SystemPlan,
    sample: &Sample,
) -> Result<Vec<String>, Failure> {
    let entity = plan.entity(&sample.entity).unwrap_or_else(|| panic!("no entity `{}`", sample.entity));
    let key: Vec<String> = match &sample.key {
        Some(key) => vec![key.clone()],
        None => entity.key.iter().map(|_| "22".to_owned()).collect(),
    };
    let record = r#"{"order_id":"a1","order_delivery_id":"a1","transition":"ship","id":"22","inventoryItemId":"1","locationId":"1","quantity":1,"orderId":"a1","type":"invoice"}"#;
    let deed = match sample.operation.as_str() {
        "list" => {
            let request = PageRequest {
                entity: sample.entity.clone(),
                filter: Vec::new(),
                select: Vec::new(),
                window: None,
                cursor: None,
            };
            let page = connector.fetch_page(&request).await?;
            return Ok(page.rows.into_iter().map(|row| row.record).collect());
        }
        "get" => return Ok(connector.fetch_record(&sample.entity, &key, &[]).await?.into_iter().collect()),
        "create" => Deed::Create,
        "update" => Deed::Update { key },
        "upsert" => Deed::Upsert { key },
        "action" => Deed::Act,
        other => panic!("the index names an operation `{other}`"),
    };
    let write = WriteRequest {
        entity: sample.entity.clone(),
        deed,
        record: record.to_owned(),
        create_key: "key-1".to_owned(),
        version: Some("W/\"1\"".to_owned()),
    };
    connector.send(&write).await.map(|written| written.record.into_iter().collect())
}

/// A connection to nowhere, with settings that differ.
pub(crate) fn open_with(
    plan: &'static SystemPlan,
    vault: &Path,
    change: impl FnOnce(&mut ConnectionSettings),
) -> Arc<dyn Connector> {
    let mut settings = settings(plan, "http://127.0.0.1:1", vault);
    change(&mut settings);
    Connectors::open(plan, settings).unwrap_or_else(|faults| panic!("{}: {faults:?}", plan.name))
}

/// A connection with everything that the manifest asks for.
pub(crate) fn open(plan: &'static SystemPlan, url: &str, vault: &Path) -> Result<Arc<dyn Connector>, Vec<String>> {
    Connectors::open(plan, settings(plan, url, vault))
}

fn settings(plan: &SystemPlan, url: &str, vault: &Path) -> ConnectionSettings {
    let manifest = Manifest::parse(plan.manifest, plan.name).expect("a manifest");
    let mut config = BTreeMap::new();
    for (name, entry) in &manifest.config {
        let value = match name.as_str() {
            "zone" => "Europe/Berlin".to_owned(),
            name if name.ends_with("_url") => url.to_owned(),
            _ if entry.required => "value".to_owned(),
            _ => continue,
        };
        config.insert(name.clone(), value);
    }
    let secret = |_: &String| SecretString::from("secret-value".to_owned());
    ConnectionSettings {
        url: url.to_owned(),
        config,
        credentials: manifest.secrets.keys().map(|name| (name.clone(), secret(name))).collect(),
        request_timeout: Some(Duration::from_secs(20)),
        vault: Some(Arc::new(
            SealedFiles::open(vault.to_owned(), &SecretString::from("0123456789abcdef".to_owned())).unwrap(),
        )),
        ..ConnectionSettings::default()
    }
}

/// The vendor's own address, where there is one for all.
fn vendor_url(plan: &SystemPlan) -> String {
    let manifest = Manifest::parse(plan.manifest, plan.name).expect("a manifest");
    match manifest.config.get("url").and_then(|entry| entry.default.clone()) {
        Some(mapwright_manifest::ConfigDefault::Text(url)) => url,
        _ => "https://nowhere.invalid".to_owned(),
    }
}

/// A server that logs everybody in and answers everything else with this.
async fn serve(plan: &SystemPlan, sample: &Sample, body: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // A link that the vendor wrote leads back to where the answer came from.
    let kind = if body.trim_start().starts_with('<') { "text/xml; charset=utf-8" } else { "application/json" };
    let body = body.replace(&vendor_url(plan), &url);
    let (status, elsewhere) = (StatusCode::from_u16(sample.status).unwrap(), sample.elsewhere.clone());
    let answer = move |request: Request| {
        let (body, elsewhere) = (body.clone(), elsewhere.clone());
        async move {
            let path = request.uri().path();
            if path.ends_with("/admin/token") {
                return ([(header::CONTENT_TYPE, "application/json")], "\"token-1\"").into_response();
            }
            if is_log_in(path) {
                return ([(header::CONTENT_TYPE, "application/json")], LOG_IN).into_response();
            }
            match elsewhere.iter().find(|(end, _)| path.ends_with(end.as_str())) {
                Some((_, other)) => ([(header::CONTENT_TYPE, "application/json")], other.clone()).into_response(),
                None => (status, [(header::CONTENT_TYPE, kind)], body).into_response() as Response,
            }
        }
    };
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    url
}

/// The class must be known, or a misspelt one in an index would only be told as a difference.
#[test]
fn classes_are_those_of_the_engine() {
    assert_eq!(serde_json::to_value(Class::Ambiguous).unwrap(), "ambiguous");
}
