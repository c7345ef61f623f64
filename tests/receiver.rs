//! Webhooks, health, metrics and console of the shipped program, as a system, a stranger and an operator meet them (test P
//! at the size of a test): what is answered 2xx is durable, what is forged is not kept, what is too much is refused.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test, its helpers included, fails by panicking"
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mapwright_sandbox::seed::SeedConfig;
use mapwright_sandbox::{Sandbox, SandboxConfig};
use mapwright_tests::{Stage, program};
use ring::hmac;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const SECRET: &str = "app-secret-of-the-shop";
const TOKEN: &str = "console-token-of-the-test";

/// Calls in one second.
const BURST: usize = 500;
/// A flow that reads each minute reads again within one, and then some on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// A service with its log.
struct Service {
    child: Child,
    address: String,
    log: Arc<Mutex<String>>,
}

impl Service {
    async fn start(stage: &Stage, crash: Option<&str>) -> Self {
        let mut command = stage.command(&["-v", "run"]);
        if let Some(crash) = crash {
            command.env("MAPWRIGHT_CRASH_AT", crash);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let log = Arc::new(Mutex::new(String::new()));
        let said = Arc::clone(&log);
        let stderr = child.stderr.take().expect("a pipe");
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                said.lock().expect("the log").push_str(&format!("{line}\n"));
            }
        });
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let (lines, address) = tokio::task::spawn_blocking(move || {
            let line = lines.next().and_then(Result::ok).unwrap_or_default();
            (lines, line)
        })
        .await
        .expect("no panic");
        std::thread::spawn(move || lines.for_each(drop));
        let address = address.split("http://").nth(1).and_then(|rest| rest.split(' ').next());
        let address = address.unwrap_or_else(|| panic!("it does not listen: {}", log.lock().expect("the log")));
        Self { address: address.to_owned(), child, log }
    }

    async fn request(&self, head: &str, body: &[u8]) -> (u16, String) {
        request(&self.address, head, body).await.expect("an answer")
    }

    async fn get(&self, path: &str) -> (u16, String) {
        self.request(&format!("GET {path} HTTP/1.1\r\nauthorization: Bearer {TOKEN}"), b"").await
    }

    async fn metric(&self, line: &str) -> Option<u64> {
        let (_, text) = self.get("/metrics").await;
        text.lines().find_map(|known| known.strip_prefix(line)?.trim().parse().ok())
    }

    async fn wait_for(&self, line: &str, wanted: u64) {
        let began = Instant::now();
        while self.metric(line).await != Some(wanted) {
            assert!(began.elapsed() < PATIENCE, "{line} is not {wanted}: {}", self.get("/metrics").await.1);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// SIGTERM; answers the exit status.
    async fn terminate(mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
        let status = tokio::task::spawn_blocking(move || self.child.wait().expect("it ends")).await.expect("no panic");
        let log = self.log.lock().expect("the log").clone();
        (status.code(), log)
    }
}

async fn request(address: &str, head: &str, body: &[u8]) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let host = if head.contains("\r\nhost:") { "" } else { "host: localhost\r\n" };
    let head = format!("{head}\r\n{host}connection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    // A body that is refused may not be taken to its end.
    let sent = stream.write_all(body).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).await;
    if answer.is_empty() {
        sent?;
        read?;
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::other("no answer"))?;
    Ok((status, answer))
}

fn placed(event: &str, order: &str) -> String {
    format!(
        r#"{{"source":{{"eventId":"{event}"}},"data":{{"event":"checkout.order.placed","payload":{{"order":{{"id":"{order}"}}}}}}}}"#
    )
}

fn signed(body: &str, secret: &str) -> String {
    let digest = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
    let digits: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("POST /hooks/shop HTTP/1.1\r\ncontent-type: application/json\r\nshopware-shop-signature: {digits}")
}

async fn sandbox() -> Sandbox {
    let seed = SeedConfig { orders: 6, unknown_per_mille: 0, ..SeedConfig::default() };
    Sandbox::start(SandboxConfig { seed, ..SandboxConfig::default() }).await.expect("a sandbox")
}

fn stage(sandbox: &Sandbox) -> Stage {
    let stage = Stage::new(sandbox, None).with("SHOP_APP_SECRET", SECRET).with("CONSOLE_TOKEN", TOKEN);
    let file = stage.folder().join("deployment.yaml");
    let text = std::fs::read_to_string(&file).expect("deployment");
    let text = text.replace(
        "client_secret: \"env:SHOP_CLIENT_SECRET\"",
        "client_secret: \"env:SHOP_CLIENT_SECRET\", app_secret: \"env:SHOP_APP_SECRET\"",
    );
    let server = "server: { listen: \"127.0.0.1:0\", token: \"env:CONSOLE_TOKEN\" }\n";
    std::fs::write(&file, format!("{text}{server}")).expect("write");
    stage
}

/// An order that no reading of changes finds any more: its stamps are older than what was read. Only a webhook tells of it.
fn unseen_order(sandbox: &Sandbox, id: &str, number: &str) {
    let wanted = sandbox.seed.summaries.iter().find(|order| !order.cancelled).expect("an order");
    let mut order = sandbox.shop.order(&wanted.id).expect("the order");
    order["id"] = id.into();
    order["orderNumber"] = number.into();
    order["customFields"] = serde_json::json!({});
    order["createdAt"] = "2020-01-01T00:00:00.000+00:00".into();
    order["updatedAt"] = serde_json::Value::Null;
    sandbox.shop.add("order", order);
}

fn orders_at_the_erp(sandbox: &Sandbox) -> usize {
    sandbox.erp.ledger().live("Orders").len()
}

async fn wait_for_orders(sandbox: &Sandbox, wanted: usize, service: &Service) {
    let began = Instant::now();
    while orders_at_the_erp(sandbox) < wanted {
        assert!(
            began.elapsed() < PATIENCE,
            "{} orders: {}",
            orders_at_the_erp(sandbox),
            service.log.lock().expect("log")
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn memory_kib(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.child.id())).expect("status");
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
    peak.expect("a peak")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_durable_before_they_are_answered_and_strangers_are_refused() {
    let _ = program();
    let sandbox = sandbox().await;
    let wanted = sandbox.seed.summaries.iter().filter(|order| !order.cancelled).count();
    let stage = stage(&sandbox);
    let service = Service::start(&stage, None).await;
    wait_for_orders(&sandbox, wanted, &service).await;
    assert_eq!(service.get("/health").await.0, 200);
    assert_eq!(service.get("/ready").await.0, 200);

    // Until one call was believed the fault may be ours: nothing that ends a subscription is answered.
    let first = "c0ffee00c0ffee00c0ffee00c0ffee01";
    unseen_order(&sandbox, first, "90001");
    let body = placed("event-1", first);
    assert_eq!(service.request(&signed(&body, "another secret"), body.as_bytes()).await.0, 503);
    assert_eq!(service.request(&signed(&body, SECRET), body.as_bytes()).await.0, 204);
    wait_for_orders(&sandbox, wanted + 1, &service).await;
    assert_eq!(service.request(&signed(&body, "another secret"), body.as_bytes()).await.0, 401);
    let altered = body.replace("event-1", "event-2");
    assert_eq!(service.request(&signed(&body, SECRET), altered.as_bytes()).await.0, 401);
    assert_eq!(service.request("POST /hooks/shop HTTP/1.1", body.as_bytes()).await.0, 401);
    assert_eq!(service.request("POST /hooks/nobody HTTP/1.1", body.as_bytes()).await.0, 503);
    let broken = "{\"data\":";
    assert_eq!(service.request(&signed(broken, SECRET), broken.as_bytes()).await.0, 400);
    // The sender has not heard our answer and repeats.
    assert_eq!(service.request(&signed(&body, SECRET), body.as_bytes()).await.0, 204);
    service.wait_for("mapwright_webhooks_total{system=\"shop\",outcome=\"kept\"}", 1).await;
    service.wait_for("mapwright_webhooks_total{system=\"shop\",outcome=\"repeated\"}", 1).await;
    service.wait_for("mapwright_webhooks_total{system=\"shop\",outcome=\"not_believed\"}", 4).await;

    // Slow-loris: heads that never end, and bodies that never come.
    let mut slow = Vec::new();
    for number in 0..60 {
        let mut stream = TcpStream::connect(&service.address).await.expect("a connection");
        let head = if number % 2 == 0 {
            "POST /hooks/shop HTTP/1.1\r\nx-slow: "
        } else {
            "POST /hooks/shop HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{"
        };
        stream.write_all(head.as_bytes()).await.expect("sent");
        slow.push(stream);
    }

    // The burst, while they hang.
    let (address, began) = (service.address.clone(), Instant::now());
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..BURST {
        let address = address.clone();
        let body = placed(&format!("burst-{number}"), &format!("{number:032x}"));
        calls.spawn(async move {
            tokio::time::sleep(Duration::from_millis(u64::try_from(number).expect("small") * 2)).await;
            let (sent, mut again) = (Instant::now(), 0);
            // On a busy machine the store may not answer in time: its sender is asked to come again, and does.
            loop {
                let (status, _) = request(&address, &signed(&body, SECRET), body.as_bytes()).await.expect("an answer");
                match status {
                    204 => return (again, sent.elapsed()),
                    other => assert!(other == 503 && sent.elapsed() < PATIENCE, "{other}"),
                }
                again += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
    }
    let answers = calls.join_all().await;
    let again: u64 = answers.iter().map(|(again, _)| again).sum();
    let mut times: Vec<Duration> = answers.into_iter().map(|(_, time)| time).collect();
    times.sort();
    let p99 = times[BURST * 99 / 100];
    println!("{BURST} webhooks in {:?}: median {:?}, p99 {p99:?}", began.elapsed(), times[BURST / 2]);
    // One that was kept too late for its answer came again as one that is known.
    let outcome = |outcome| format!("mapwright_webhooks_total{{system=\"shop\",outcome=\"{outcome}\"}}");
    let kept = service.metric(&outcome("kept")).await.expect("a count");
    assert!((501 - again.min(501)..=501).contains(&kept), "{kept} kept, {again} came again");

    // Large bodies are refused, and memory stays bounded.
    let large = vec![b'x'; 10 * 1024 * 1024];
    for _ in 0..10 {
        match request(&service.address, &signed("", SECRET), &large).await {
            Ok((status, _)) => assert_eq!(status, 413),
            // The connection was closed before the body was sent whole.
            Err(error) => assert!(
                matches!(error.kind(), std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset),
                "{error}"
            ),
        }
    }
    let peak = memory_kib(&service);
    println!("peak memory {peak} KiB");
    assert!(peak < 400 * 1024, "{peak} KiB");

    // All that was told is followed; what nobody knows brings nothing.
    service.wait_for("mapwright_hints{flow=\"orders\"}", 0).await;
    assert_eq!(orders_at_the_erp(&sandbox), wanted + 1);
    assert!(sandbox.erp.ledger().duplicates().is_empty());

    // Those who were slow are gone by now, or soon.
    for mut stream in slow {
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "a slow connection is kept");
    }
    let (status, log) = service.terminate().await;
    assert_eq!(status, Some(0), "{log}");
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_beyond_a_systems_rate_are_asked_to_come_again_and_the_poll_finds_what_they_told() {
    let _ = program();
    let sandbox = sandbox().await;
    let wanted = sandbox.seed.summaries.iter().filter(|order| !order.cancelled).count();
    let stage = stage(&sandbox);
    let file = stage.folder().join("deployment.yaml");
    let text = std::fs::read_to_string(&file).expect("deployment");
    let bounds = "webhooks: { calls_per_minute: 5, body_max_kib: 1 }";
    let text = text.replacen("connector: shopware-6", &format!("connector: shopware-6\n    {bounds}"), 1);
    assert!(text.contains("calls_per_minute"), "{text}");
    std::fs::write(&file, text).expect("write");
    let service = Service::start(&stage, None).await;
    wait_for_orders(&sandbox, wanted, &service).await;
    let mut statuses = Vec::new();
    for number in 0..7 {
        let body = placed(&format!("event-{number}"), &format!("{number:032x}"));
        let (status, answer) = service.request(&signed(&body, SECRET), body.as_bytes()).await;
        if status == 429 {
            let again = answer
                .to_lowercase()
                .split("retry-after: ")
                .nth(1)
                .and_then(|rest| rest.split('\r').next()?.parse::<u64>().ok());
            assert!(again.is_some_and(|seconds| (1..=13).contains(&seconds)), "{answer}");
        }
        statuses.push(status);
    }
    assert_eq!(statuses[..5], [204; 5], "a burst of as many is taken");
    assert!(statuses[5..].iter().all(|status| *status == 429), "{statuses:?}");
    service.wait_for("mapwright_webhooks_total{system=\"shop\",outcome=\"limited\"}", 2).await;
    // An order whose call was refused arrives all the same: the flow reads it.
    let placed = sandbox.seed.summaries.iter().find(|order| !order.cancelled).expect("an order");
    let mut order = sandbox.shop.order(&placed.id).expect("the order");
    order["id"] = "c0ffee00c0ffee00c0ffee00c0ffee55".into();
    order["orderNumber"] = "95555".into();
    order["customFields"] = serde_json::json!({});
    // Long enough ago for the window of the next reading, whose overlap reaches back ten minutes.
    let created = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(300);
    order["createdAt"] = created.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string().into();
    sandbox.shop.add("order", order);
    let (status, log) = service.terminate().await;
    assert_eq!(status, Some(0), "{log}");
    let again = Service::start(&stage, None).await;
    wait_for_orders(&sandbox, wanted + 1, &again).await;
    let (status, log) = again.terminate().await;
    assert_eq!(status, Some(0), "{log}");
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_around_the_commit_loses_no_call() {
    let _ = program();
    for (number, point) in mapwright_engine::crash::WEBHOOK_POINTS.iter().enumerate() {
        // A store of its own would not know what another one has delivered.
        let sandbox = sandbox().await;
        let wanted = sandbox.seed.summaries.iter().filter(|order| !order.cancelled).count();
        let stage = stage(&sandbox);
        let service = Service::start(&stage, Some(point)).await;
        wait_for_orders(&sandbox, wanted, &service).await;
        let id = format!("c0ffee00c0ffee00c0ffee00c0ffee1{number}");
        unseen_order(&sandbox, &id, &format!("9100{number}"));
        let body = placed(&format!("event-{number}"), &id);
        let answered = request(&service.address, &signed(&body, SECRET), body.as_bytes()).await.is_ok();
        let mut killed = service;
        let status =
            tokio::task::spawn_blocking(move || killed.child.wait().expect("it ends")).await.expect("no panic");
        assert_eq!(status.code(), None, "{point} was not passed");
        let again = Service::start(&stage, None).await;
        // Who got no answer repeats; who got one does not.
        if !answered {
            let (status, _) = again.request(&signed(&body, SECRET), body.as_bytes()).await;
            assert_eq!(status, 204, "{point}");
        }
        wait_for_orders(&sandbox, wanted + 1, &again).await;
        again.wait_for("mapwright_hints{flow=\"orders\"}", 0).await;
        assert!(sandbox.erp.ledger().duplicates().is_empty(), "{point}");
        let (status, log) = again.terminate().await;
        assert_eq!(status, Some(0), "{point}: {log}");
        sandbox.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_is_for_who_has_the_token_and_decides_only_by_its_own_forms() {
    let _ = program();
    let seed = SeedConfig { orders: 6, unknown_per_mille: 1000, ..SeedConfig::default() };
    let sandbox = Sandbox::start(SandboxConfig { seed, ..SandboxConfig::default() }).await.expect("a sandbox");
    let stage = stage(&sandbox);
    let service = Service::start(&stage, None).await;
    let began = Instant::now();
    let page = loop {
        let (status, page) = service.get("/").await;
        assert_eq!(status, 200, "{page}");
        if page.contains("/dead-letters/") {
            break page;
        }
        assert!(began.elapsed() < PATIENCE, "no dead letter: {page}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    for path in ["/", "/metrics"] {
        let (status, text) = service.request(&format!("GET {path} HTTP/1.1"), b"").await;
        assert_eq!(status, 401);
        assert!(!text.contains("orders"), "{text}");
    }
    let form = page.split("/dead-letters/").nth(1).expect("a form");
    let id = form.split('/').next().expect("its number");
    let token =
        form.split("name=\"form_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("its token");
    let decide = |action: &str, cookie: &str, body: String| {
        let head = format!(
            "POST /dead-letters/{id}/{action} HTTP/1.1\r\n{cookie}content-type: application/x-www-form-urlencoded"
        );
        (head, body)
    };
    let bearer = format!("authorization: Bearer {TOKEN}\r\n");
    for (cookie, token, reason, wanted) in [
        ("", token, "x", 403),
        (bearer.as_str(), "0000", "x", 403),
        // A discard without a reason is no decision.
        (bearer.as_str(), token, "", 409),
        (bearer.as_str(), token, "not+ours", 303),
    ] {
        let (head, body) = decide("discard", cookie, format!("form_token={token}&reason={reason}"));
        assert_eq!(service.request(&head, body.as_bytes()).await.0, wanted, "{cookie} {token} {reason}");
    }
    let shown = stage.command(&["dead-letters", "show", id, "--json"]).output().expect("the program starts");
    assert!(String::from_utf8_lossy(&shown.stdout).contains("DISCARDED"), "{shown:?}");
    // I14: nothing of a person and no secret is on the page, in the metrics or in the log.
    let (_, metrics) = service.get("/metrics").await;
    let people: Vec<String> = sandbox
        .shop
        .records("customer")
        .iter()
        .filter_map(|customer| customer["email"].as_str().map(str::to_owned))
        .collect();
    assert!(people.len() > 3);
    let (status, log) = service.terminate().await;
    assert_eq!(status, Some(0), "{log}");
    for (what, text) in [("page", &page), ("metrics", &metrics), ("log", &log)] {
        for secret in people.iter().map(String::as_str).chain([SECRET, TOKEN, "sandbox-secret"]) {
            assert!(!text.contains(secret), "{secret} is in the {what}");
        }
    }
    sandbox.stop().await;
}
