//! The program is killed at every durable step of the order flow, before and after, and started again. According to the
//! sandbox's own ledger nothing is lost and nothing is doubled.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mapwright_engine::crash::POINTS;
use mapwright_sandbox::seed::SeedConfig;
use mapwright_sandbox::{Fault, FaultRule, Sandbox, SandboxConfig};
use mapwright_tests::{Stage, program, said};

/// Points that an ordinary run of the order flow does not pass; what they need is tested beside the engine.
const ELSEWHERE: &[&str] = &["park.before_commit", "park.after_commit", "noop.before_commit", "noop.after_commit", "redrive.half"];

/// How often the program may be started again before it must have come to its end.
const RESTARTS_MAX: usize = 6;

async fn sandbox(orders: usize, seed: u64) -> Sandbox {
    let seed = SeedConfig { orders, seed, unknown_per_mille: 120, samples: true };
    let sandbox = Sandbox::start(SandboxConfig { seed, ..SandboxConfig::default() }).await.expect("a sandbox");
    // One failure that may pass, one lost answer: the order flow passes its retry and probe steps.
    sandbox.erp.faults().script(FaultRule::new("POST", "/Orders", Fault::Status { status: 503, retry_after_s: Some(0) }).nth(2));
    sandbox.erp.faults().script(FaultRule::new("POST", "/Orders", Fault::ResetAfterEffect).nth(4));
    sandbox
}

/// Every order that the shop wants delivered and the ERP can take is there once; each other one is a dead letter.
fn examine(sandbox: &Sandbox, when: &str) {
    let duplicates = sandbox.erp.ledger().duplicates();
    assert!(duplicates.is_empty(), "{when}: {duplicates:?}");
    let mut written: BTreeMap<String, usize> = BTreeMap::new();
    for order in sandbox.erp.records("Orders") {
        *written.entry(order["U_ShopOrderId"].as_str().expect("our key").to_owned()).or_default() += 1;
    }
    for order in &sandbox.seed.summaries {
        let wanted = usize::from(!order.cancelled && order.unknown_products.is_empty());
        let found = written.get(&order.id).copied().unwrap_or_default();
        assert_eq!(found, wanted, "{when}: order {} stands {found} times in the ERP", order.number);
        if wanted == 1 {
            let told = &sandbox.shop.order(&order.id).expect("the order")["customFields"]["erp_order_number"];
            assert!(told.is_string(), "{when}: the shop was not told the number of order {}", order.number);
        }
    }
}

async fn run(stage: &Stage, arguments: &[&str], crash: Option<String>) -> std::process::Output {
    let mut command = stage.command(arguments);
    if let Some(crash) = crash {
        command.env("MAPWRIGHT_CRASH_AT", crash);
    }
    tokio::task::spawn_blocking(move || command.output().expect("the program starts")).await.expect("no panic")
}

/// Starts the program again until it comes to its end by itself.
async fn recover(stage: &Stage, when: &str) {
    for _ in 0..RESTARTS_MAX {
        let output = run(stage, &["sync"], None).await;
        match output.status.code() {
            Some(0 | 1) => return,
            other => assert!(other != Some(2), "{when}: {}", said(&output)),
        }
    }
    panic!("{when}: the program does not come to its end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_every_durable_step_loses_nothing_and_doubles_nothing() {
    let _ = program();
    let mut not_passed = Vec::new();
    for point in POINTS {
        for passage in [1, 3] {
            let when = format!("killed at {point}, passage {passage}");
            let sandbox = sandbox(10, 7).await;
            let stage = Stage::new(&sandbox, None);
            let output = run(&stage, &["sync"], Some(format!("{point}:{passage}"))).await;
            let killed = output.status.code().is_none();
            if !killed && passage == 1 && !ELSEWHERE.contains(point) {
                not_passed.push(format!("{point}: {}", said(&output)));
            }
            recover(&stage, &when).await;
            examine(&sandbox, &when);
            // Recovery is idempotent: one more start changes nothing at the target.
            let effects = sandbox.erp.ledger().effects().len();
            recover(&stage, &when).await;
            assert_eq!(sandbox.erp.ledger().effects().len(), effects, "{when}: another start had an effect");
            sandbox.stop().await;
        }
    }
    assert!(not_passed.is_empty(), "these points were not passed: {not_passed:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_at_any_moment_lose_nothing_and_double_nothing() {
    let _ = program();
    let sandbox = sandbox(60, 11).await;
    let stage = Stage::new(&sandbox, None);
    for kill in 0..12_u64 {
        let mut command = stage.command(&["sync"]);
        let patience = Duration::from_millis(120 + kill * 90);
        tokio::task::spawn_blocking(move || {
            let mut child = command
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .expect("the program starts");
            let started = Instant::now();
            while started.elapsed() < patience && child.try_wait().expect("a child").is_none() {
                std::thread::sleep(Duration::from_millis(5));
            }
            // SIGKILL; a program that has ended by then is as good.
            let _ = child.kill();
            child.wait().expect("a child");
        })
        .await
        .expect("no panic");
    }
    recover(&stage, "after random kills").await;
    examine(&sandbox, "after random kills");
    sandbox.stop().await;
}
