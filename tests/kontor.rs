//! The integration with Kontor as it is shipped: its own deployment file on PostgreSQL and RabbitMQ, three processes at work, one of
//! them killed, both systems on a rough day. In the end the books of shop and ERP agree to the cent, and nothing is there twice.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

#[path = "systems/catalogue.rs"]
mod catalogue;

use std::collections::BTreeMap;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use mapwright_sandbox::RandomFaults;
use mapwright_sandbox::derived::{Derived, DerivedConfig, Schema};
use mapwright_sandbox::seed::{Seed, SeedConfig};
use mapwright_tests::{NOBODY, Stage, database, program_of_many, repository, said};
use mapwright_values::Json;
use mapwright_values::decimal::Decimal;

const ORDERS: usize = 40;
const WORKERS: usize = 3;
/// However slow the machine: by then all is delivered.
const DEADLINE: Duration = Duration::from_secs(120);

/// Processes that end with the test, however it ends.
struct Workers(Vec<Child>);

impl Drop for Workers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The deployment file of the repository, with the addresses of played systems and short times.
fn deployed(shop: &Derived, erp: &Derived, store: &str, doorbell: &str) -> Stage {
    let file = repository().join("specs/integrations/shopware-kontor/deployment.yaml");
    let shipped = std::fs::read_to_string(file).expect("a deployment file");
    let text = shipped
        .replace("https://shop.example", &shop.url())
        .replace("https://kontor.example", &erp.url())
        .replace("    credentials", "    timeout_seconds: 2\n    credentials")
        .replace(
            "\"env:DOORBELL_URL\" }",
            &format!("\"env:DOORBELL_URL\", name: \"kontor-{}\" }}", std::process::id()),
        );
    let engine =
        "engine: { lease_seconds: 8, retry_base_ms: 20, retry_cap_ms: 200, settle_ms: 300, canary_every_ms: 200 }\n";
    let secret = |system: &Derived, name: &str| {
        system.credentials().into_iter().find(|(known, _)| known == name).expect("a credential").1
    };
    let environment = [
        ("SHOP_CLIENT_ID", &*secret(shop, "client_id")),
        ("SHOP_CLIENT_SECRET", &secret(shop, "client_secret")),
        ("KONTOR_USER", &secret(erp, "user")),
        ("KONTOR_PASSWORD", &secret(erp, "password")),
        ("STORE_URL", store),
        ("DOORBELL_URL", doorbell),
        ("OPS_HOOK", NOBODY),
        ("WAREHOUSE_HOOK", NOBODY),
    ];
    Stage::of(program_of_many, &(text + engine), &environment)
}

fn run(stage: &Stage, arguments: &[&str]) -> Output {
    let output = stage.run(arguments);
    assert!(output.status.code().is_some_and(|code| code < 2), "{arguments:?}: {}", said(&output));
    output
}

fn worker(stage: &Stage) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(log(stage)).expect("a log");
    stage.command(&["run"]).stdout(Stdio::null()).stderr(log).spawn().expect("the program starts")
}

fn log(stage: &Stage) -> std::path::PathBuf {
    stage.folder().join("log")
}

fn status(stage: &Stage) -> serde_json::Value {
    serde_json::from_slice(&run(stage, &["status", "--format", "json"]).stdout).expect("a status")
}

async fn played(system: &str) -> Derived {
    let plan = catalogue::plan(system);
    let config = DerivedConfig { hold: Duration::from_millis(2_300), ..DerivedConfig::default() };
    Derived::start(Schema::of_plan(plan), plan.manifest, config).await.expect("a played system")
}

fn text(record: &Json<'_>, path: &str) -> String {
    let found = path.split('.').try_fold(record, |value, step| match value {
        Json::List(list) => list.first()?.get(step),
        value => value.get(step),
    });
    match found {
        Some(Json::Text(text)) => text.to_string(),
        Some(Json::Number(digits)) => digits.to_string(),
        _ => String::new(),
    }
}

fn number(text: &str) -> Decimal {
    Decimal::parse(text).expect("a number")
}

/// The state of the delivery of each order that waits for Kontor, by number; and what it costs without tax, where its prices are net.
fn open_orders(shop: &Derived) -> BTreeMap<String, (String, Option<Decimal>)> {
    let orders = shop.records("order");
    let open = orders.iter().filter(|order| text(order, "stateMachineState.technicalName") == "open");
    open.map(|order| {
        let net = text(order, "price.taxStatus") != "gross";
        let state = text(order, "deliveries.stateMachineState.technicalName");
        (text(order, "orderNumber"), (state, net.then(|| number(&text(order, "amountNet")))))
    })
    .collect()
}

/// What Kontor holds, by the shop's number: how often, and the sum of its lines.
fn booked(erp: &Derived) -> BTreeMap<String, (usize, Decimal)> {
    let mut booked = BTreeMap::new();
    for order in erp.records("Orders") {
        let mut sum = Decimal::integer(0);
        if let Some(Json::List(lines)) = order.get("Lines") {
            for line in lines {
                let row = number(&text(line, "Quantity")).times(number(&text(line, "Price"))).expect("a product");
                sum = sum.plus(row).expect("a sum");
            }
        }
        let entry = booked.entry(text(&order, "Reference").trim_start_matches('W').to_owned()).or_insert((0, sum));
        entry.0 += 1;
    }
    booked
}

fn dead_letters(status: &serde_json::Value) -> usize {
    let flows = status["flows"].as_array().expect("flows").iter();
    let counts = flows.flat_map(|flow| flow["counts"].as_array().expect("counts"));
    let dead = counts.filter(|count| count["state"] == "DEAD").filter_map(|count| count["messages"].as_u64());
    usize::try_from(dead.sum::<u64>()).expect("a count")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_share_the_work_and_the_books_balance() {
    let rabbit = std::env::var("MAPWRIGHT_TEST_RABBITMQ")
        .unwrap_or_else(|_| panic!("MAPWRIGHT_TEST_RABBITMQ names no server: start one with tests/servers"));
    let (shop, erp) = (played("shopware-6").await, played("kontor").await);
    shop.fill(&Seed::generate(&SeedConfig { orders: ORDERS, ..SeedConfig::default() }), Duration::from_secs(3600));
    shop.faults().random(RandomFaults::rough_day(6));
    erp.faults().random(RandomFaults::rough_day(7));
    let stage = deployed(&shop, &erp, &database("kontor").await, &rabbit);

    let (shop, erp, stage) = tokio::task::spawn_blocking(move || {
        // The tables are made before several begin at once.
        status(&stage);
        let mut workers = Workers((0..WORKERS).map(|_| worker(&stage)).collect());
        let begun = Instant::now();
        // One dies when a part is done; the two others take over what it had claimed.
        while booked(&erp).len() < 5 {
            assert!(begun.elapsed() < DEADLINE, "Kontor has {} orders", booked(&erp).len());
            std::thread::sleep(Duration::from_millis(20));
        }
        let early = begun.elapsed();
        let mut dead = workers.0.remove(0);
        dead.kill().expect("SIGKILL");
        dead.wait().expect("a child");
        shop.faults().switch_off();
        erp.faults().switch_off();
        // What Kontor closes is seen in ten minutes: a reading is asked for until all is shipped.
        loop {
            run(&stage, &["sync"]);
            let orders = open_orders(&shop);
            let shipped = |number: &String| orders.get(number).is_some_and(|(state, _)| state == "shipped");
            let there = booked(&erp);
            let dead = dead_letters(&status(&stage));
            if there.len() + dead == orders.len() && there.keys().all(shipped) {
                break;
            }
            assert!(begun.elapsed() < DEADLINE, "{} of {} booked, {dead} dead", there.len(), orders.len());
            std::thread::sleep(Duration::from_millis(100));
        }
        let whole = begun.elapsed();
        let status = status(&stage);
        assert_eq!(status["doorbell"], "rabbitmq answers", "{status}");
        for child in &workers.0 {
            let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill");
            assert!(sent.success());
        }
        for mut child in std::mem::take(&mut workers.0) {
            let status = child.wait().expect("a child");
            let log = std::fs::read_to_string(log(&stage)).unwrap_or_default();
            assert!(status.success(), "a worker ended with {status}: {log}");
        }
        println!("killed after {early:.1?}, all there after {whole:.1?}, ended after {:.1?}", begun.elapsed());
        (shop, erp, stage)
    })
    .await
    .expect("it comes to its end");

    let (orders, there) = (open_orders(&shop), booked(&erp));
    assert!(there.len() > ORDERS / 2, "{} orders of {ORDERS} are booked", there.len());
    let mut net = 0;
    for (number, (times, sum)) in &there {
        assert_eq!(*times, 1, "order {number} stands {times} times in Kontor");
        if let Some(total) = orders[number].1 {
            net += 1;
            assert_eq!(*sum, total, "order {number}");
        }
    }
    assert!(net > 0, "no order with net prices: the books prove nothing");
    drop(stage);
    shop.stop().await;
    erp.stop().await;
}
