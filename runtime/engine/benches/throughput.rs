//! How many records a second go all their way, from capture to done, and what each safety costs.
//!
//! In: how many records, on which store, with which safety left out. Out: one line a case. The systems are in memory and answer at
//! once, so what is measured is engine and store alone. `cargo bench -p mapwright-engine --bench throughput -- --help` says more.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    reason = "a measurement stops at once"
)]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use mapwright_engine::connector::*;
use mapwright_engine::state::State;
use mapwright_engine::store::Store;
use mapwright_engine::store::sqlite::{SqliteStore, Tuning};
use mapwright_engine::{Engine, Options, Sync};
use mapwright_values::plan::{
    DeliveryLevel, FlowPlan, Manner, MappingPlan, Plan, ReadPlan, Schedule, SourcePlan, SystemPlan, WritePlan,
};
use mapwright_values::{Find, Input, Integration, Json, Mapping, Outcome, Part};

const HELP: &str = "throughput [--records N] [--page N] [--only WORD] [--memory]
  --records N  records of each case (5000)
  --page N     rows a page (500)
  --only WORD  only cases whose name holds the word
  --memory     one case alone, with the resident memory after each tenth of its records
  --disk DIR   where the files of SQLite are made (the system's folder for temporary files)
PostgreSQL is measured where the crate is built with `postgres` and MAPWRIGHT_TEST_POSTGRES names a server (MAPWRIGHT_TEST_FSYNC=on
tests/servers start FOLDER postgres).";

/// Records that are made when they are asked for, and a target that knows who owns which key.
struct Systems {
    alias: &'static str,
    records: u64,
    page: u64,
    owners: Arc<Mutex<HashMap<u64, u64>>>,
    parallel: usize,
}

fn stamp() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn order(number: u64) -> String {
    format!(
        r#"{{"id":"{number:032x}","orderNumber":"{number}","customer":"c{}","total":119.90,"lines":[{{"item":"A","quantity":2,"price":50.00}},{{"item":"B","quantity":1,"price":19.90}}],"note":"please ring at the second door"}}"#,
        number % 97
    )
}

impl Connector for Systems {
    fn alias(&self) -> &str {
        self.alias
    }

    fn reading(&self, _entity: &str) -> Reading {
        Reading {
            passes: vec!["changed".to_owned()],
            ordered_by_time: false,
            resolution: Duration::from_secs(1),
            overlap: Duration::from_secs(600),
            index_lag: Duration::ZERO,
        }
    }

    fn writing(&self, _entity: &str) -> Writing {
        Writing {
            settle: Duration::from_secs(120),
            create_is_keyed: false,
            probe_by: Vec::new(),
            request_timeout: Duration::from_secs(20),
            parallel: self.parallel,
            guard: Guard::None,
            batching: None,
        }
    }

    fn fetch_page<'a>(&'a self, request: &'a PageRequest) -> Reply<'a, Result<Page, Failure>> {
        let from: u64 = request.cursor.as_ref().map_or(0, |cursor| cursor.parse().unwrap());
        let to = (from + self.page).min(self.records);
        let rows = (from..to).map(|number| Row { record: order(number), stamp: Some(stamp()) }).collect();
        let page =
            Page { rows, next: (to < self.records).then(|| to.to_string()), server_time: Some(Timestamp::now()) };
        Box::pin(async move { Ok(page) })
    }

    fn fetch_record<'a>(
        &'a self,
        _entity: &'a str,
        _key: &'a [String],
        _select: &'a [String],
    ) -> Reply<'a, Result<Option<String>, Failure>> {
        Box::pin(async { Ok(None) })
    }

    fn find<'a>(&'a self, finds: &'a [Find]) -> Reply<'a, Result<Vec<Vec<String>>, Failure>> {
        let found = finds.iter().map(|_| Vec::new()).collect();
        Box::pin(async move { Ok(found) })
    }

    fn send<'a>(&'a self, write: &'a WriteRequest) -> Reply<'a, Result<Written, Failure>> {
        let record = Json::parse(&write.record).unwrap();
        let number: u64 = match record.get("No") {
            Some(Json::Text(text) | Json::Number(text)) => text.parse().unwrap(),
            _ => panic!("no number"),
        };
        let mut owners = self.owners.lock().unwrap();
        let key = owners.len() as u64 + 1;
        assert!(owners.insert(number, key).is_none(), "a record was written twice");
        Box::pin(async move { Ok(Written { key: vec![key.to_string()], record: None }) })
    }

    fn probe<'a>(&'a self, _entity: &'a str, _by: &'a [String], _record: &'a str) -> Reply<'a, Result<Probe, Failure>> {
        Box::pin(async { Ok(Probe::Absent) })
    }

    fn check(&self) -> Reply<'_, Result<String, Failure>> {
        Box::pin(async { Ok("fine".to_owned()) })
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(async {})
    }
}

fn leaf(value: Option<&Json<'_>>) -> Json<'static> {
    value.cloned().map_or(Json::Null, Json::into_owned)
}

fn map(input: &Input<'_>) -> Outcome {
    let order = &input.sources[0];
    let lines = match order.get("lines") {
        Some(Json::List(lines)) => lines
            .iter()
            .map(|line| {
                Json::Record(vec![
                    ("ItemCode".into(), leaf(line.get("item"))),
                    ("Quantity".into(), leaf(line.get("quantity"))),
                ])
            })
            .collect(),
        _ => Vec::new(),
    };
    let record = Json::Record(vec![
        ("No".into(), leaf(order.get("orderNumber"))),
        ("Card".into(), leaf(order.get("customer"))),
        ("Total".into(), leaf(order.get("total"))),
        ("Lines".into(), Json::List(lines)),
    ]);
    Outcome::Mapped(vec![Part { key: None, record }])
}

fn integration() -> Integration {
    const MAPPINGS: &[Mapping] = &[Mapping { name: "order", map }];
    const PLAN: Plan = Plan {
        name: "throughput",
        systems: &[
            SystemPlan { alias: "shop", name: "shop", manifest: "", entities: &[] },
            SystemPlan { alias: "erp", name: "erp", manifest: "", entities: &[] },
        ],
        settings: &[],
        mappings: &[MappingPlan {
            name: "order",
            doc: "",
            sources: &[SourcePlan { system: "shop", entity: "order", select: &["id"] }],
            system: "erp",
            entity: "Orders",
            part: false,
            create_only: &[],
            version: "0123456789abcdef",
            owner: "benches",
            file: "bench.mapspec",
            line: 1,
        }],
        flows: &[FlowPlan {
            name: "orders",
            doc: "",
            owner: "benches",
            schedules: &[Schedule::OnDemand],
            read: ReadPlan {
                system: "shop",
                entity: "order",
                key: &["id"],
                filter: &[],
                keep: false,
                select: &["id"],
                group: None,
                also: &[],
            },
            writes: &[WritePlan {
                mapping: "order",
                manner: Manner::CreateOnce { by: &["No"] },
                level: DeliveryLevel::Probeable,
                key: &["Key"],
                named: None,
                sources: &[None],
                select: &[],
                batch: None,
                together: false,
            }],
            on_delete: &[],
            conflict: None,
            after: &[],
            latest_wins: false,
            retry_up_to_s: 86_400,
            on_failure: None,
            on_silence: None,
            file: "bench.mapspec",
            line: 1,
        }],
    };
    Integration { plan: &PLAN, mappings: MAPPINGS, keeps: &[] }
}

/// Kilobytes that the process holds.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

struct Asked {
    records: u64,
    page: u64,
    only: Option<String>,
    memory: bool,
    disk: Option<String>,
}

fn asked() -> Asked {
    let mut asked = Asked { records: 5_000, page: 500, only: None, memory: false, disk: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{HELP}"));
        match word.as_str() {
            "--records" => asked.records = value().parse().expect(HELP),
            "--page" => asked.page = value().parse().expect(HELP),
            "--only" => asked.only = Some(value()),
            "--disk" => asked.disk = Some(value()),
            "--memory" => asked.memory = true,
            // What `cargo bench` gives to every benchmark.
            "--bench" => {}
            _ => panic!("{HELP}"),
        }
    }
    asked
}

async fn measure(name: &str, store: Arc<dyn Store>, asked: &Asked, workers: usize) {
    let owners: Arc<Mutex<HashMap<u64, u64>>> = Arc::default();
    let system = |alias| {
        let systems =
            Systems { alias, records: asked.records, page: asked.page, owners: Arc::clone(&owners), parallel: 128 };
        (alias.to_owned(), Arc::new(systems) as Arc<dyn Connector>)
    };
    let connectors = HashMap::from([system("shop"), system("erp")]);
    let options = Options { workers, ..Options::default() };
    let engine = Engine::new(integration(), connectors, Arc::clone(&store), Json::Record(Vec::new()), options).unwrap();
    let mut progress = engine.progress();
    let records = asked.records;
    let watching = asked.memory.then(|| {
        tokio::spawn(async move {
            let mut next = records / 10;
            while progress.changed().await.is_ok() {
                let done = progress.borrow_and_update().done;
                if done >= next {
                    println!("    {done:>9} done, {} MB resident", resident() / 1024);
                    next += records / 10;
                }
            }
        })
    });
    let begun = Instant::now();
    engine.sync(&Sync::default()).await.unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    if let Some(watching) = watching {
        watching.abort();
    }
    let status = store.status(Timestamp::now()).await.unwrap();
    assert_eq!(status.flows[0].count(State::Done), records, "{status:?}");
    assert_eq!(owners.lock().unwrap().len() as u64, records, "the target holds each once");
    println!("{name:<58} {records:>8} records {:>8.0} records/s", records as f64 / seconds);
}

fn sqlite(folder: &Path, tuning: &Tuning) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open_tuned(&folder.join("state.db"), tuning).unwrap())
}

#[cfg(feature = "postgres")]
async fn database() -> Option<String> {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let server = std::env::var("MAPWRIGHT_TEST_POSTGRES").ok()?;
    let (client, connection) =
        tokio_postgres::connect(&format!("{server}/postgres"), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let name = format!("throughput_{}_{number}", std::process::id());
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    Some(format!("{server}/{name}"))
}

#[tokio::main]
async fn main() {
    let asked = asked();
    let standard = Tuning::default();
    let cases: [(&str, Tuning, usize); 5] = [
        ("SQLite: as it is run (FULL, group commit, 4 workers)", standard.clone(), 4),
        ("SQLite: 16 workers", standard.clone(), 16),
        ("SQLite: one commit a step, no group", Tuning { group_max: 1, ..standard.clone() }, 4),
        ("SQLite: synchronous=NORMAL (a power cut may undo commits)", Tuning { full: false, ..standard.clone() }, 4),
        ("SQLite: erased content is left in the file", Tuning { secure_delete: false, ..standard.clone() }, 4),
    ];
    let wanted = |name: &str| asked.only.as_ref().is_none_or(|word| name.contains(word.as_str()));
    for (name, tuning, workers) in cases.iter().filter(|(name, _, _)| wanted(name)) {
        let folder = match &asked.disk {
            Some(disk) => tempfile::tempdir_in(disk).unwrap(),
            None => tempfile::tempdir().unwrap(),
        };
        measure(name, sqlite(folder.path(), tuning), &asked, *workers).await;
        if asked.memory {
            return;
        }
    }
    #[cfg(feature = "postgres")]
    for (name, workers) in [("PostgreSQL: as it is run (4 workers)", 4), ("PostgreSQL: 16 workers", 16)] {
        if !wanted(name) {
            continue;
        }
        let Some(url) = database().await else {
            println!("PostgreSQL is left out: MAPWRIGHT_TEST_POSTGRES names no server");
            return;
        };
        let store = mapwright_engine::store::postgres::PostgresStore::open(&url).unwrap();
        measure(name, Arc::new(store), &asked, workers).await;
    }
}
