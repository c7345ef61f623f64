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

const HELP: &str = "throughput [--records N] [--page N] [--only WORD] [--memory] [--random]
  --records N  records of each case (5000)
  --page N     rows a page (500)
  --only WORD  only cases whose name holds the word
  --memory     one case alone, with speed and resident memory after each tenth of its records
  --random     keys without any order, as most sources give them, instead of ascending ones
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
    random: bool,
    /// The answer to every write is lost, and the record found when it is asked for.
    answers_lost: bool,
}

fn stamp() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn order(number: u64, random: bool) -> String {
    let id = if random { number.wrapping_mul(0x9e37_79b9_7f4a_7c15).swap_bytes() } else { number };
    format!(
        r#"{{"id":"{id:032x}","orderNumber":"{number}","customer":"c{}","total":119.90,"lines":[{{"item":"A","quantity":2,"price":50.00}},{{"item":"B","quantity":1,"price":19.90}}],"note":"please ring at the second door"}}"#,
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
            settle: if self.answers_lost { Duration::ZERO } else { Duration::from_secs(120) },
            create_is_keyed: false,
            probe_by: vec!["No".to_owned()],
            request_timeout: Duration::from_secs(20),
            parallel: self.parallel,
            guard: Guard::None,
            batching: None,
        }
    }

    fn fetch_page<'a>(&'a self, request: &'a PageRequest) -> Reply<'a, Result<Page, Failure>> {
        let from: u64 = request.cursor.as_ref().map_or(0, |cursor| cursor.parse().unwrap());
        let to = (from + self.page).min(self.records);
        let rows = (from..to).map(|number| Row { record: order(number, self.random), stamp: Some(stamp()) }).collect();
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
        let number = number_of(&write.record);
        let mut owners = self.owners.lock().unwrap();
        let key = owners.len() as u64 + 1;
        assert!(owners.insert(number, key).is_none(), "a record was written twice");
        let lost = self.answers_lost.then(|| Failure {
            class: Class::Ambiguous,
            status: None,
            code: None,
            message: "the answer is lost".to_owned(),
            field: None,
            retry_after: None,
            existing: None,
        });
        Box::pin(async move { lost.map_or_else(|| Ok(Written { key: vec![key.to_string()], record: None }), Err) })
    }

    fn probe<'a>(&'a self, _entity: &'a str, _by: &'a [String], record: &'a str) -> Reply<'a, Result<Probe, Failure>> {
        let key = self.owners.lock().unwrap().get(&number_of(record)).copied();
        let found =
            key.map_or(Probe::Absent, |key| Probe::Same { key: vec![key.to_string()], record: record.to_owned() });
        Box::pin(async move { Ok(found) })
    }

    fn check(&self) -> Reply<'_, Result<String, Failure>> {
        Box::pin(async { Ok("fine".to_owned()) })
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(async {})
    }
}

fn number_of(record: &str) -> u64 {
    match Json::parse(record).unwrap().get("No") {
        Some(Json::Text(text) | Json::Number(text)) => text.parse().unwrap(),
        _ => panic!("no number"),
    }
}

fn leaf(value: Option<&Json<'_>>) -> Json<'static> {
    value.cloned().map_or(Json::Null, Json::into_owned)
}

fn map(input: &Input<'_>) -> Outcome {
    let order = &input.sources.whole()[0];
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

fn integration(latest_wins: bool) -> Integration {
    const MAPPINGS: &[Mapping] = &[Mapping { name: "order", map }];
    const STRICT: FlowPlan = FLOW;
    const LATEST: FlowPlan = FlowPlan { latest_wins: true, ..FLOW };
    const STRICT_PLAN: Plan = Plan { flows: &[STRICT], ..PLAN };
    const LATEST_PLAN: Plan = Plan { flows: &[LATEST], ..PLAN };
    let plan = if latest_wins { &LATEST_PLAN } else { &STRICT_PLAN };
    Integration { plan, mappings: MAPPINGS, keeps: &[], hooks: &[] }
}

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
    flows: &[],
};

const FLOW: FlowPlan = FlowPlan {
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
};

/// Seconds of processor time that the process has used: what it costs however busy the machine is.
fn processor_seconds() -> f64 {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u32 = behind_name.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u32>().ok()).sum();
    f64::from(ticks) / TICKS_A_SECOND
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
    random: bool,
    disk: Option<String>,
}

fn asked() -> Asked {
    let mut asked = Asked { records: 5_000, page: 500, only: None, memory: false, random: false, disk: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{HELP}"));
        match word.as_str() {
            "--records" => asked.records = value().parse().expect(HELP),
            "--page" => asked.page = value().parse().expect(HELP),
            "--only" => asked.only = Some(value()),
            "--disk" => asked.disk = Some(value()),
            "--memory" => asked.memory = true,
            "--random" => asked.random = true,
            // What `cargo bench` gives to every benchmark.
            "--bench" => {}
            _ => panic!("{HELP}"),
        }
    }
    asked
}

/// How a case works, whatever its store.
#[derive(Clone, Copy)]
struct Way {
    workers: usize,
    latest_wins: bool,
    answers_lost: bool,
}

const WAY: Way = Way { workers: 4, latest_wins: false, answers_lost: false };

async fn measure(name: &str, store: Arc<dyn Store>, asked: &Asked, way: Way) {
    let owners: Arc<Mutex<HashMap<u64, u64>>> = Arc::default();
    let system = |alias| {
        let systems = Systems {
            alias,
            records: asked.records,
            page: asked.page,
            owners: Arc::clone(&owners),
            parallel: 128,
            random: asked.random,
            answers_lost: way.answers_lost,
        };
        (alias.to_owned(), Arc::new(systems) as Arc<dyn Connector>)
    };
    let connectors = HashMap::from([system("shop"), system("erp")]);
    let options = Options { workers: way.workers, circuit_failures: u32::MAX, ..Options::default() };
    let engine =
        Engine::new(integration(way.latest_wins), connectors, Arc::clone(&store), Json::Record(Vec::new()), options)
            .unwrap();
    let mut progress = engine.progress();
    let records = asked.records;
    let watching = asked.memory.then(|| {
        tokio::spawn(async move {
            let (mut next, mut last) = (records / 10, (Instant::now(), 0));
            while progress.changed().await.is_ok() {
                let done = progress.borrow_and_update().done;
                if done >= next {
                    let speed = (done - last.1) as f64 / last.0.elapsed().as_secs_f64();
                    last = (Instant::now(), done);
                    println!("    {done:>9} done, {speed:>6.0} records/s, {} MB resident", resident() / 1024);
                    next += records / 10;
                }
            }
        })
    });
    let (begun, used) = (Instant::now(), processor_seconds());
    engine.sync(&Sync::default()).await.unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    let processor = (processor_seconds() - used) * 1e6 / records as f64;
    if let Some(watching) = watching {
        watching.abort();
    }
    let status = store.status(Timestamp::now()).await.unwrap();
    assert_eq!(status.flows[0].count(State::Done), records, "{status:?}");
    assert_eq!(owners.lock().unwrap().len() as u64, records, "the target holds each once");
    println!(
        "{name:<66} {records:>8} records {:>7.0} records/s {processor:>6.0} µs of processor time each",
        records as f64 / seconds
    );
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
    let wanted = |name: &str| asked.only.as_ref().is_none_or(|word| name.contains(word.as_str()));
    let standard = Tuning::default();
    let small = Tuning { cache_kib: 2_000, checkpoint_pages: 1_000, ..standard.clone() };
    let cases: [(&str, Tuning, Way); 8] = [
        ("SQLite: as it is run (FULL, group commit, 4 workers)", standard.clone(), WAY),
        ("SQLite: 16 workers", standard.clone(), Way { workers: 16, ..WAY }),
        ("SQLite: one commit a step, no group", Tuning { group_max: 1, ..standard.clone() }, WAY),
        ("SQLite: synchronous=NORMAL (a power cut may undo commits)", Tuning { full: false, ..standard.clone() }, WAY),
        ("SQLite: erased content is left in the file", Tuning { secure_delete: false, ..standard.clone() }, WAY),
        ("SQLite: SQLite's own small cache and log", small, WAY),
        ("SQLite: latest wins instead of strict order", standard.clone(), Way { latest_wins: true, ..WAY }),
        ("SQLite: every answer lost, asked for and found", standard, Way { answers_lost: true, ..WAY }),
    ];
    for (name, tuning, way) in cases.iter().filter(|(name, _, _)| wanted(name)) {
        let folder = match &asked.disk {
            Some(disk) => tempfile::tempdir_in(disk).unwrap(),
            None => tempfile::tempdir().unwrap(),
        };
        measure(name, sqlite(folder.path(), tuning), &asked, *way).await;
        if asked.memory {
            return;
        }
    }
    #[cfg(feature = "postgres")]
    on_postgres(&asked, wanted).await;
}

#[cfg(feature = "postgres")]
async fn on_postgres(asked: &Asked, wanted: impl Fn(&str) -> bool) {
    use mapwright_engine::store::postgres::{PostgresStore, Tuning};
    let standard = Tuning::default();
    let cases: [(&str, Tuning, Way); 6] = [
        ("PostgreSQL: as it is run (synchronous_commit, 4 sessions, 4 workers)", standard.clone(), WAY),
        ("PostgreSQL: 16 workers", standard.clone(), Way { workers: 16, ..WAY }),
        ("PostgreSQL: one session", Tuning { writers: 1, ..standard.clone() }, WAY),
        ("PostgreSQL: synchronous_commit=off", Tuning { synchronous_commit: false, ..standard.clone() }, WAY),
        ("PostgreSQL: latest wins instead of strict order", standard.clone(), Way { latest_wins: true, ..WAY }),
        ("PostgreSQL: every answer lost, asked for and found", standard, Way { answers_lost: true, ..WAY }),
    ];
    for (name, tuning, way) in cases.iter().filter(|(name, _, _)| wanted(name)) {
        let Some(url) = database().await else {
            println!("PostgreSQL is left out: MAPWRIGHT_TEST_POSTGRES names no server");
            return;
        };
        measure(name, Arc::new(PostgresStore::open_tuned(&url, tuning).unwrap()), asked, *way).await;
        if asked.memory {
            return;
        }
    }
}
