//! Subscriptions of the shipped program: made at both systems when it starts, renewed before they end, made again when one
//! was lost; and what a system then tells reaches the other one at once.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

#[path = "systems/catalogue.rs"]
mod catalogue;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mapwright_sandbox::derived::{Derived, DerivedConfig, Schema};
use mapwright_tests::{program_that_subscribes, repository};
use mapwright_values::Json;

/// However slow the machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a subscription of the ERP holds here, in place of its three days.
const LIFE: &str = "lasts: 9 s";

/// A system, played; `from` and `to` = what its manifest says otherwise.
async fn played(system: &str, from: &str, to: &str) -> Derived {
    let plan = catalogue::plan(system);
    assert!(plan.manifest.contains(from), "{system} says {from}");
    let manifest = plan.manifest.replace(from, to);
    let played = Derived::start(Schema::of_plan(plan), &manifest, DerivedConfig::default()).await;
    played.unwrap_or_else(|error| panic!("{system}: {error}"))
}

/// The deployment of the repository, with the addresses of played systems and a place to be called at.
fn deployed(shop: &Derived, erp: &Derived, port: u16) -> tempfile::TempDir {
    let file = repository().join("specs/integrations/shopify-business-central/deployment.yaml");
    let shipped = std::fs::read_to_string(file).expect("a deployment file");
    let told: Vec<String> = erp.config().iter().map(|(name, value)| format!("{name}: \"{value}\"")).collect();
    let text = shipped
        .replace("https://mystore.example", &shop.url())
        .replace("https://api.businesscentral.dynamics.com", &erp.url())
        .replace(
            "config: { tenant: contoso.example, environment: Production, company: 93c731f1-c3a8-4ef0-5cd5-4d044c379eaa }",
            &format!("config: {{ {} }}", told.join(", ")),
        )
        .replace("\"env:BC_CLIENT_SECRET\"", "\"env:BC_CLIENT_SECRET\", client_state: \"env:BC_CLIENT_STATE\"");
    let server = format!(
        "server: {{ listen: \"127.0.0.1:{port}\", url: \"http://127.0.0.1:{port}\", token: \"env:CONSOLE_TOKEN\" }}\n"
    );
    let engine = "engine: { retry_base_ms: 20, retry_cap_ms: 200, settle_ms: 300 }\n";
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("deployment.yaml"), text + &server + engine).expect("a deployment file");
    folder
}

/// The program at work; it ends with the test, however that ends.
struct Running {
    child: Child,
    log: std::path::PathBuf,
}

impl Running {
    fn start(folder: &tempfile::TempDir, shop: &Derived, erp: &Derived) -> Self {
        let log = folder.path().join("log");
        let out = std::fs::File::options().create(true).append(true).open(&log).expect("a log");
        let secret = |system: &Derived, name: &str| {
            system.credentials().into_iter().find(|(known, _)| known == name).expect("a credential").1
        };
        let nobody = "http://127.0.0.1:9/nobody-listens";
        let child = Command::new(program_that_subscribes())
            .args(["-v", "run"])
            .current_dir(folder.path())
            .env("SHOPIFY_CLIENT_ID", secret(shop, "client_id"))
            .env("SHOPIFY_CLIENT_SECRET", secret(shop, "client_secret"))
            .env("BC_CLIENT_ID", secret(erp, "client_id"))
            .env("BC_CLIENT_SECRET", secret(erp, "client_secret"))
            .env("BC_CLIENT_STATE", secret(erp, "client_state"))
            .env("CONSOLE_TOKEN", "console-token-of-the-test")
            .envs(["OPS_HOOK", "SHOP_HOOK", "WAREHOUSE_HOOK", "ACCOUNTING_HOOK"].map(|name| (name, nobody)))
            .stdout(Stdio::null())
            .stderr(out)
            .spawn()
            .expect("the program starts");
        Self { child, log }
    }

    async fn until(&self, what: &str, so: impl Fn() -> bool) {
        let began = Instant::now();
        while !so() {
            let log = || std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}:\n{}", log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How often a request of this method reached the ERP's subscriptions.
fn asked(erp: &Derived, method: &str) -> usize {
    let requests = erp.ledger().requests();
    requests.iter().filter(|one| one.method == method && one.path.contains("/subscriptions")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_are_made_renewed_and_made_again_and_what_they_tell_arrives() {
    let shop = played("shopify", "manifest: 1", "manifest: 1").await;
    let erp = played("business-central", "lasts: 3 d", LIFE).await;
    erp.make_up(3, 7);
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let folder = deployed(&shop, &erp, port);
    let here = |alias: &str| format!("http://127.0.0.1:{port}/hooks/{alias}");
    let running = Running::start(&folder, &shop, &erp);
    running.until("both are subscribed to", || shop.subscriptions().len() == 1 && erp.subscriptions().len() == 1).await;
    assert_eq!(shop.subscriptions(), [("ORDERS_CREATE".to_owned(), here("shop"))]);
    assert_eq!(erp.subscriptions().iter().map(|(_, address)| address).collect::<Vec<_>>(), [&here("erp")]);

    running.until("it is renewed twice before it ends", || asked(&erp, "PATCH") >= 2).await;
    assert_eq!((asked(&erp, "POST"), erp.subscriptions().len()), (1, 1), "renewed, and not made anew");

    // The next reading by itself is minutes away: only the call can tell of it so soon.
    let read =
        || erp.ledger().requests().iter().filter(|one| one.method == "GET" && one.path.contains("/items")).count();
    let item = erp.records("items").pop().expect("an item");
    let key = erp.key_of("items", &item);
    let before = read();
    let change = Json::parse(r#"{"unitPrice":4711.5}"#).expect("a change").into_owned();
    assert!(erp.change("items", &key, &change, Duration::ZERO));
    running.until("the change is fetched at once", || read() > before).await;

    // A system that has lost one is found out when it is to be renewed.
    erp.lose_subscriptions();
    running.until("it is made again", || erp.subscriptions().len() == 1).await;
    drop(running);
    shop.stop().await;
    erp.stop().await;
}
