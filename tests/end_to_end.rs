//! The shipped program as an operator meets it: what goes wrong is told in one clear message with a status that is not 0,
//! and no record is lost; dead letters are looked at, tried again, and arrive; `map` needs no system.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test, its helpers included, fails by panicking"
)]

use std::io::Write as _;
use std::process::{Output, Stdio};

use axum::Router;
use axum::response::Html;
use mapwright_sandbox::seed::SeedConfig;
use mapwright_sandbox::{Sandbox, SandboxConfig};
use mapwright_tests::{Stage, integration, mapwright, program, said};

async fn sandbox(orders: usize, unknown_per_mille: u32) -> Sandbox {
    let seed = SeedConfig { orders, unknown_per_mille, ..SeedConfig::default() };
    Sandbox::start(SandboxConfig { seed, ..SandboxConfig::default() }).await.expect("a sandbox")
}

/// The sandbox lives in this process, so a program that talks to it must not block the test's thread.
async fn run(stage: &Stage, arguments: &[&str]) -> Output {
    let mut command = stage.command(arguments);
    tokio::task::spawn_blocking(move || command.output().expect("the program starts")).await.expect("no panic")
}

fn errors(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter(|line| line.starts_with("error:"))
        .map(str::to_owned)
        .collect()
}

fn live_orders(sandbox: &Sandbox) -> usize {
    sandbox.erp.ledger().live("Orders").len()
}

fn wanted_orders(sandbox: &Sandbox) -> usize {
    sandbox.seed.summaries.iter().filter(|order| !order.cancelled).count()
}

/// Whatever stopped the first run: once it is mended, everything arrives once.
async fn everything_arrives(stage: &Stage, sandbox: &Sandbox) {
    let output = run(stage, &["sync"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(live_orders(sandbox), wanted_orders(sandbox), "{}", said(&output));
    assert!(sandbox.erp.ledger().duplicates().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_credentials_are_told_and_nothing_is_lost() {
    let sandbox = sandbox(8, 0).await;
    let stage = Stage::new(&sandbox, None).with("ERP_PASSWORD", "wrong");
    let output = run(&stage, &["sync"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("the connection erp is halted"), "{}", said(&output));
    assert_eq!(live_orders(&sandbox), 0);
    let doctor = run(&stage, &["doctor"]).await;
    assert_eq!(doctor.status.code(), Some(1), "{}", said(&doctor));
    assert!(said(&doctor).contains("erp         FAILED: "), "{}", said(&doctor));
    assert!(!said(&doctor).contains("wrong"), "a credential was told: {}", said(&doctor));
    let stage = stage.with("ERP_PASSWORD", "sandbox-secret");
    // What waits goes on as soon as the connection is well, and what could not be read until then is read.
    let output = run(&stage, &["sync"]).await;
    assert_eq!(live_orders(&sandbox), wanted_orders(&sandbox), "{}", said(&output));
    everything_arrives(&stage, &sandbox).await;
    let doctor = run(&stage, &["doctor"]).await;
    assert_eq!(doctor.status.code(), Some(0), "{}", said(&doctor));
    for words in ["shop        its clock agrees", "shop.order  the flow orders may read it; "] {
        assert!(said(&doctor).contains(words), "{words}: {}", said(&doctor));
    }
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_shop_is_told() {
    let stage = Stage::at("http://127.0.0.1:9", "http://127.0.0.1:9/b1s/v2");
    let output = run(&stage, &["sync"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("cannot reach 127.0.0.1:9"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_html_page_is_no_answer() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let page = Router::new().fallback(|| async { Html("<html><body>Welcome to the proxy</body></html>") });
    let server = tokio::spawn(async move { axum::serve(listener, page).await });
    let stage = Stage::at(&url, &url);
    let output = run(&stage, &["sync"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("HTML page"), "{}", said(&output));
    server.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unwritable_store_is_told_before_anything_is_read() {
    let sandbox = sandbox(3, 0).await;
    let stage = Stage::new(&sandbox, None);
    let file = stage.folder().join("deployment.yaml");
    let text = std::fs::read_to_string(&file).expect("deployment");
    std::fs::write(&file, text.replace("sqlite:state.db", "sqlite:no-such-folder/state.db")).expect("write");
    let output = run(&stage, &["sync"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let errors = errors(&output);
    assert_eq!(errors.len(), 1, "{}", said(&output));
    assert!(errors[0].contains("no-such-folder"), "{}", said(&output));
    assert_eq!(sandbox.shop.ledger().request_count(), 0);
    std::fs::write(&file, text).expect("write");
    everything_arrives(&stage, &sandbox).await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_secret_is_told_by_its_name() {
    let stage = Stage::at("http://127.0.0.1:9", "http://127.0.0.1:9").with("SHOP_CLIENT_SECRET", "");
    let output = run(&stage, &["sync"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(errors(&output)[0].contains("the environment variable SHOP_CLIENT_SECRET is empty"), "{}", said(&output));
}

#[test]
fn a_spec_that_does_not_parse_is_told_and_nothing_is_made_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("orders.mapspec"), "mapping orders from shop.order as order to {\n")
        .expect("write");
    let run = |arguments: &[&str]| {
        std::process::Command::new(mapwright()).args(arguments).arg(folder.path()).output().expect("mapwright starts")
    };
    let check = run(&["check"]);
    assert_eq!(check.status.code(), Some(1), "{}", said(&check));
    assert!(said(&check).contains("orders.mapspec:1:"), "{}", said(&check));
    let generate = run(&["generate"]);
    assert_eq!(generate.status.code(), Some(1), "{}", said(&generate));
    assert!(!String::from_utf8_lossy(&generate.stdout).contains("fn "), "{}", said(&generate));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_seen_tried_again_and_arrive() {
    let sandbox = sandbox(40, 150).await;
    let unknown =
        sandbox.seed.summaries.iter().filter(|order| !order.cancelled && !order.unknown_products.is_empty()).count();
    assert!(unknown > 0, "the seed has orders with unknown products");
    let stage = Stage::new(&sandbox, None);
    let output = run(&stage, &["sync"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(live_orders(&sandbox), wanted_orders(&sandbox) - unknown, "{}", said(&output));

    let list = run(&stage, &["dead-letters", "list", "--json"]).await;
    let letters: serde_json::Value = serde_json::from_slice(&list.stdout).expect("JSON");
    let letters = letters.as_array().expect("a list");
    assert_eq!(letters.len(), unknown, "{}", said(&list));
    let id = letters[0]["id"].to_string();
    let show = run(&stage, &["dead-letters", "show", &id]).await;
    assert!(said(&show).contains("the ERP has no item"), "{}", said(&show));
    assert!(said(&show).contains("(personal)"), "{}", said(&show));
    let status = run(&stage, &["status"]).await;
    assert_eq!(status.status.code(), Some(1), "a dead letter is not green: {}", said(&status));

    // The trace id leads from the letter to the lines of the log.
    let trace = said(&show).lines().find_map(|line| line.strip_prefix("trace")).expect("a trace").trim().to_owned();
    let mut logged = stage.command(&["--log-json", "sync"]);
    logged.env("MAPWRIGHT_LOG", "mapwright_engine=debug");
    let retry = run(&stage, &["dead-letters", "retry", &id, "--reason", "a look at its trace"]).await;
    assert_eq!(retry.status.code(), Some(0), "{}", said(&retry));
    let logged = tokio::task::spawn_blocking(move || logged.output().expect("the program")).await.expect("no panic");
    let lines: Vec<serde_json::Value> =
        String::from_utf8_lossy(&logged.stderr).lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let ours = lines.iter().find(|line| line["fields"]["trace"] == trace.as_str());
    assert_eq!(ours.expect("a line of the trace")["fields"]["state"], "DEAD", "{}", said(&logged));

    let nothing = run(&stage, &["dead-letters", "retry"]).await;
    assert_eq!(nothing.status.code(), Some(2), "{}", said(&nothing));
    sandbox.add_unknown_products();
    let retry = run(&stage, &["dead-letters", "retry", "--all", "--reason", "the products were added"]).await;
    assert_eq!(retry.status.code(), Some(0), "{}", said(&retry));
    everything_arrives(&stage, &sandbox).await;
    let status = run(&stage, &["status"]).await;
    assert_eq!(status.status.code(), Some(0), "{}", said(&status));
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_shows_what_would_be_written_and_sends_nothing() {
    let sandbox = sandbox(12, 0).await;
    plays_dry(Stage::new(&sandbox, None), &sandbox).await;
    sandbox.stop().await;
}

#[cfg(feature = "servers")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_on_postgresql_shows_the_same() {
    let sandbox = sandbox(12, 0).await;
    let database = mapwright_tests::database("dry_run").await;
    plays_dry(Stage::new(&sandbox, None).on_servers(&database, ""), &sandbox).await;
    sandbox.stop().await;
}

async fn plays_dry(stage: Stage, sandbox: &Sandbox) {
    let dry = run(&stage, &["sync", "--dry-run"]).await;
    let told = said(&dry);
    assert_eq!(dry.status.code(), Some(0), "{told}");
    assert!(told.contains("create erp.BusinessPartners\n  ") && told.contains("nothing was sent"), "{told}");
    // What an order needs from its customer is not there: it waits, and that is told too.
    assert!(told.contains("waiting for others") && told.contains("(personal)"), "{told}");
    assert_eq!(sandbox.erp.ledger().effects().len(), 0, "{told}");
    assert!(!stage.folder().join("state.db").exists(), "the store is not begun by a dry run");

    let open = run(&stage, &["sync", "--dry-run", "--personal", "customers"]).await;
    assert!(!said(&open).contains("(personal)"), "{}", said(&open));

    everything_arrives(&stage, sandbox).await;
    // What was just made comes back once from the other side.
    for _ in 0..2 {
        let again = run(&stage, &["sync", "--everything"]).await;
        assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    }
    let effects = sandbox.erp.ledger().effects().len();
    let books = async || -> serde_json::Value {
        let status = run(&stage, &["status", "--format", "json"]).await;
        let status: serde_json::Value = serde_json::from_slice(&status.stdout).expect("JSON");
        status["flows"].clone()
    };
    let before = books().await;
    assert!(before.is_array(), "{before}");
    let dry = run(&stage, &["sync", "--dry-run", "--everything"]).await;
    assert!(said(&dry).contains("would write 0,"), "{}", said(&dry));
    assert_eq!(sandbox.erp.ledger().effects().len(), effects);
    assert_eq!(books().await, before, "the store was touched");
}

#[test]
fn orders_are_mapped_without_any_system() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = integration().join("cases/order_to_sales_order");
    let line = |case: &str| -> String {
        let text = std::fs::read_to_string(cases.join(case).join("input.json")).expect("a case");
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        json.to_string()
    };
    let lines =
        [line("b2c-gross-guest"), line("cancelled-before-export"), "{ not json".to_owned(), line("does-not-add-up")];
    let rejections = folder.path().join("rejections.ndjson");
    let mut child = std::process::Command::new(program())
        .args(["map", "order_to_sales_order", "--references"])
        .arg(cases.join("b2c-gross-guest/references.json"))
        .arg("--rejections")
        .arg(&rejections)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("stdin").write_all(lines.join("\n").as_bytes()).expect("write");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let mapped: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one record");
    assert_eq!(mapped["NumAtCard"], "SW-10231");
    assert_eq!(mapped["DocumentLines"].as_array().map(Vec::len), Some(6));
    let refused = std::fs::read_to_string(&rejections).expect("rejections");
    let refused: Vec<serde_json::Value> =
        refused.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let lines: Vec<u64> = refused.iter().filter_map(|line| line["input_line"].as_u64()).collect();
    assert_eq!(lines, [2, 3, 4], "{refused:?}");
    assert_eq!(refused[0]["skipped"], "cancelled before export");
    assert!(refused[1]["malformed"].is_string());
    assert_eq!(refused[2]["rejected"][0]["reason"], "order 10231 does not add up: -29.43 are left");
    assert!(said(&output).contains("read 4, mapped 1, skipped 1, rejected 2"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decisions_that_touch_nothing_are_told() {
    let sandbox = sandbox(3, 0).await;
    let stage = Stage::new(&sandbox, None);
    everything_arrives(&stage, &sandbox).await;
    for (arguments, told) in [
        (&["dead-letters", "retry", "1"][..], "error: message 1 needs nobody (delivered): it was left alone"),
        (&["dead-letters", "retry", "99999"], "error: there is no message 99999"),
        (&["dead-letters", "discard", "99999", "--reason", "x"], "error: there is no message 99999"),
        (
            &["dead-letters", "retry", "--flow", "order"],
            "error: no flow `order`; there are: customers, customer_changes, partners, deliveries, invoices, credit_notes, orders, products, stock",
        ),
        (&["dead-letters", "not-there", "1", "--reason", " "], "error: --reason is empty"),
    ] {
        let output = run(&stage, arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(told), "{arguments:?}: {}", said(&output));
    }
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_goes_away_ends_no_command() {
    let stage = Stage::at("http://127.0.0.1:9", "http://127.0.0.1:9");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = stage.command(&["dead-letters", "list"]).stdout(writer).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(said(&output), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_store_is_refused_and_nothing_is_delivered_twice() {
    let sandbox = sandbox(3, 0).await;
    let stage = Stage::new(&sandbox, None);
    everything_arrives(&stage, &sandbox).await;
    let before = sandbox.erp.ledger().request_count();
    std::fs::write(stage.folder().join("state.db"), "").expect("write");
    let output = run(&stage, &["sync"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(errors(&output)[0].contains("is an empty file"), "{}", said(&output));
    assert_eq!(sandbox.erp.ledger().request_count(), before);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_looks_at_channels_too() {
    let stage = Stage::at("http://127.0.0.1:9", "http://127.0.0.1:9");
    let file = stage.folder().join("deployment.yaml");
    let text = std::fs::read_to_string(&file).expect("deployment");
    std::fs::write(&file, text.replace("sales_ops:", "sale_ops:")).expect("write");
    let output = run(&stage, &["doctor"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(errors(&output)[0].contains("alerts `sales_ops`, which the deployment does not have"), "{}", said(&output));
}

#[test]
fn a_rehearsal_never_plays_on_a_store_that_is_there() {
    let stage = Stage::at("http://127.0.0.1:9", "http://127.0.0.1:9");
    std::fs::write(stage.folder().join("state.db"), "a store").expect("write");
    let output = stage.run(&["rehearse", "--orders", "0", "--calm", "--store", "state.db"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(errors(&output)[0].contains("state.db is there already"), "{}", said(&output));
    let output = stage.run(&["rehearse", "--orders", "0", "--calm", "--store", "new.db"]);
    assert_eq!(output.status.code(), Some(0), "a calm day needs no alert: {}", said(&output));
}

#[test]
fn a_line_that_is_no_text_costs_no_other_line() {
    let case = integration().join("cases/customer_to_partner/b2b-two-addresses/input.json");
    let text = std::fs::read_to_string(case).expect("a case");
    let record = serde_json::from_str::<serde_json::Value>(&text).expect("JSON").to_string();
    let mut input = "\u{feff}".as_bytes().to_vec();
    input.extend_from_slice(record.as_bytes());
    input.extend_from_slice(b"\r\n{\"name\":\"\xff\"}\n");
    input.extend_from_slice(record.as_bytes());
    let mut child = std::process::Command::new(program())
        .args(["map", "customer_to_partner"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("stdin").write_all(&input).expect("write");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2, "{}", said(&output));
    let refused: serde_json::Value = serde_json::from_slice(&output.stderr).expect("one refusal");
    assert_eq!(refused["malformed"], "the line is not UTF-8");
    assert_eq!(refused["input_line"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_replayed_changes_are_read_once_more_and_a_person_is_forgotten() {
    let sandbox = sandbox(6, 0).await;
    let stage = Stage::new(&sandbox, None);
    everything_arrives(&stage, &sandbox).await;
    let order = &sandbox.seed.summaries.iter().find(|order| !order.cancelled).expect("an order").id;
    let replay = ["replay", "orders", order, "--reason", "asked for"];
    let output = run(&stage, &replay).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let again = run(&stage, &replay).await;
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    assert!(errors(&again)[0].contains("is not finished"), "{}", said(&again));
    let open = run(&stage, &["forget", order, "--reason", "asked for"]).await;
    assert_eq!(open.status.code(), Some(2), "{}", said(&open));
    assert!(errors(&open)[0].contains("nothing was erased"), "{}", said(&open));
    everything_arrives(&stage, &sandbox).await;
    for (arguments, word) in [
        (&["replay", "orders", "nobody"][..], "nothing is kept"),
        (&["replay", "odrers", order], "no flow `odrers`"),
        (&["forget", order, "--reason", " "], "its reason"),
        (&["backfill", "odrers", "--since", "2026-01-01T00:00:00Z"], "no flow `odrers`"),
    ] {
        let output = run(&stage, arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(errors(&output)[0].contains(word), "{arguments:?}: {}", said(&output));
    }
    let output = run(&stage, &["backfill", "orders", "--since", "2020-01-01T00:00:00Z"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(live_orders(&sandbox), wanted_orders(&sandbox));
    let output = run(&stage, &["forget", order, "--reason", "ticket 4711"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let gone = run(&stage, &["replay", "orders", order]).await;
    assert!(errors(&gone)[0].contains("nothing is kept"), "{}", said(&gone));
    everything_arrives(&stage, &sandbox).await;
    let status = run(&stage, &["status", "--format", "json"]).await;
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).expect("JSON");
    assert_eq!(status["flows"][0]["hints"], 0, "{status}");
    let listed = run(&stage, &["dead-letters", "list", "--since", "2020-01-01T00:00:00Z", "--json"]).await;
    assert_eq!(String::from_utf8_lossy(&listed.stdout).trim(), "[]", "{}", said(&listed));
    sandbox.stop().await;
}
