//! Sage 200: a refresh token that is used once, and updates that replace.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mapwright_engine::connector::{Class, Deed, Reply};
use mapwright_values::plan::{EntityPlan, Kind, SystemPlan};
use secrecy::{ExposeSecret, SecretString};

use crate::tests::server::{SILENCE, Seen, Server, json};
use crate::tests::systems::{entity, everything, field, secrets, write};
use crate::{ConnectionSettings, Connectors, SealedFiles, Vault};

const ADDRESS: Kind = Kind::Record(&[field("city", Kind::Text(None)), field("postcode", Kind::Text(None))]);
const ENTITIES: &[EntityPlan] = &[entity(
    "customers",
    false,
    &["id"],
    &[
        field("id", Kind::Integer),
        field("reference", Kind::Text(Some(8))),
        field("name", Kind::Text(None)),
        field("main_address", ADDRESS),
    ],
)];
const PLAN: SystemPlan = SystemPlan {
    alias: "erp",
    name: "sage-200",
    manifest: include_str!("../../../../specs/systems/sage-200/connector.yaml"),
    entities: ENTITIES,
};

fn settings(server: &Server, vault: Option<Arc<dyn Vault>>) -> ConnectionSettings {
    settings_at(server.url(), vault)
}

fn settings_at(url: String, vault: Option<Arc<dyn Vault>>) -> ConnectionSettings {
    let config = [("site", "s1"), ("company", "c1"), ("login_url", &url)];
    ConnectionSettings {
        config: config.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        credentials: secrets(&[("client_id", "id-1"), ("client_secret", "hush-hush"), ("refresh_token", "refresh-0")]),
        vault,
        url,
        ..ConnectionSettings::default()
    }
}

fn vault(folder: &tempfile::TempDir) -> Arc<dyn Vault> {
    let key = SecretString::from("sixteen-and-more-letters".to_owned());
    Arc::new(SealedFiles::open(folder.path().to_owned(), &key).unwrap())
}

/// A server whose refresh tokens hold once: a second use of one is refused, and locks the user out in real life.
async fn strict(answer: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Server {
    let next = AtomicUsize::new(0);
    Server::start(move |seen| {
        if !seen.target.ends_with("/oauth/token") {
            return answer(seen);
        }
        let number = next.load(Ordering::SeqCst);
        if !seen.body.contains(&format!("refresh_token=refresh-{number}&")) {
            return json(400, r#"{"error":"invalid_grant"}"#);
        }
        next.store(number + 1, Ordering::SeqCst);
        json(
            200,
            &format!(r#"{{"access_token":"a{number}","refresh_token":"refresh-{}","expires_in":3600}}"#, number + 1),
        )
    })
    .await
}

#[tokio::test]
async fn a_rotated_token_is_kept_before_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let server = strict(|_| json(200, "[]")).await;
    for run in 0..3 {
        // Each run is a new process: it knows what the vault knows, and the deployment still names the first token.
        let erp = Connectors::open(&PLAN, settings(&server, Some(vault(&folder)))).unwrap();
        erp.fetch_page(&everything("customers")).await.unwrap();
        let kept = vault(&folder).load("erp", "refresh").await.unwrap().unwrap();
        assert_eq!(kept.expose_secret(), format!("refresh-{}", run + 1));
    }
    let asked = server.seen_at("/customers");
    assert_eq!(asked[2].header("authorization"), Some("Bearer a2"));
    assert_eq!((asked[0].header("x-site"), asked[0].header("x-company")), (Some("s1"), Some("c1")));
}

/// A vault that cannot keep anything.
struct Full;

impl Vault for Full {
    fn load<'a>(&'a self, _: &'a str, _: &'a str) -> Reply<'a, Result<Option<SecretString>, String>> {
        Box::pin(async { Ok(None) })
    }

    fn save<'a>(&'a self, _: &'a str, _: &'a str, _: &'a SecretString) -> Reply<'a, Result<(), String>> {
        Box::pin(async { Err("the disk is full".to_owned()) })
    }
}

#[tokio::test]
async fn what_came_with_a_token_that_cannot_be_kept_is_not_used() {
    let server = strict(|_| json(200, "[]")).await;
    let erp = Connectors::open(&PLAN, settings(&server, Some(Arc::new(Full)))).unwrap();
    let failure = erp.fetch_page(&everything("customers")).await.unwrap_err();
    assert_eq!(failure.class, Class::Halt);
    assert!(failure.message.contains("cannot be kept: the disk is full"), "{failure}");
    assert!(server.seen_at("/customers").is_empty());
    let faults = Connectors::open(&PLAN, settings(&server, None)).err().unwrap();
    assert!(faults[0].contains("must say where it is kept"), "{faults:?}");
}

#[tokio::test]
async fn the_check_leaves_out_what_it_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let sites = r#"[{"site_id":"s1","company_id":"c1","company_name":"Ours"}]"#;
    let server = strict(|seen| json(200, if seen.target.ends_with("/sites") { sites } else { r#"{"id":7}"# })).await;
    let erp = Connectors::open(&PLAN, settings(&server, Some(vault(&folder)))).unwrap();
    erp.check().await.unwrap();
    erp.fetch_record("customers", &["7".to_owned()], &[]).await.unwrap();
    let sent = |target: &str| {
        let seen = server.seen_at(target).swap_remove(0);
        (seen.header("x-site").map(str::to_owned), seen.header("x-company").map(str::to_owned))
    };
    assert_eq!(sent("/sites"), (None, None));
    assert_eq!(sent("/customers"), (Some("s1".to_owned()), Some("c1".to_owned())));
}

#[tokio::test]
async fn the_older_shape_of_errors_is_read_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let body = r#"{"Message":"The request is invalid.","ModelState":{"customer.reference":["Too long."]}}"#;
    let server = strict(move |_| json(400, body)).await;
    let erp = Connectors::open(&PLAN, settings(&server, Some(vault(&folder)))).unwrap();
    let failure = erp.send(&write("customers", Deed::Create, r#"{"name":"New"}"#)).await.unwrap_err();
    assert!(failure.message.contains("The request is invalid."), "{failure}");
}

#[tokio::test]
async fn a_put_that_replaces_is_overlaid() {
    let folder = tempfile::tempdir().unwrap();
    let held = r#"{"id":7,"reference":"FALK0001","name":"Old","main_address":{"city":"Kiel","postcode":"24103"},"balance":812.50}"#;
    let server = strict(move |seen| if seen.method == "GET" { json(200, held) } else { json(204, "") }).await;
    let erp = Connectors::open(&PLAN, settings(&server, Some(vault(&folder)))).unwrap();
    let record = r#"{"name":"New","main_address":{"city":"Aarhus"}}"#;
    erp.send(&write("customers", Deed::Update { key: vec!["7".to_owned()] }, record)).await.unwrap();
    let put = server.seen().into_iter().find(|seen| seen.method == "PUT").unwrap();
    assert_eq!(
        put.body,
        r#"{"id":7,"reference":"FALK0001","name":"New","main_address":{"city":"Aarhus","postcode":"24103"},"balance":812.50}"#
    );
}

#[tokio::test]
async fn a_process_that_dies_after_the_rotation_goes_on_with_the_new_token() {
    let folder = tempfile::tempdir().unwrap();
    // The first request after the log-in is never answered: the process is ended while it waits.
    let silent = std::sync::atomic::AtomicBool::new(true);
    let server =
        strict(move |_| if silent.swap(false, Ordering::SeqCst) { SILENCE.to_vec() } else { json(200, "[]") }).await;
    let erp = Connectors::open(&PLAN, settings(&server, Some(vault(&folder)))).unwrap();
    let working = tokio::spawn(async move { erp.fetch_page(&everything("customers")).await });
    while server.seen_at("/customers").is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    working.abort();
    assert!(working.await.unwrap_err().is_cancelled());
    // A writer that was ended in mid-write leaves a half file beside: it is not what is read.
    std::fs::write(folder.path().join("erp.refresh.new"), b"half").unwrap();
    // The next process: the deployment still names the first token, which is used up.
    let erp = Connectors::open(&PLAN, settings(&server, Some(vault(&folder)))).unwrap();
    erp.fetch_page(&everything("customers")).await.unwrap();
    assert_eq!(vault(&folder).load("erp", "refresh").await.unwrap().unwrap().expose_secret(), "refresh-2");
}

const FOLDER: &str = "MAPWRIGHT_CRASH_FOLDER";
const SERVER: &str = "MAPWRIGHT_CRASH_SERVER";
const POINT: &str = "MAPWRIGHT_CRASH_POINT";

/// A vault whose process is killed when a value is to be kept: before it is, or after.
struct Killed(Arc<dyn Vault>, String);

impl Vault for Killed {
    fn load<'a>(&'a self, connection: &'a str, name: &'a str) -> Reply<'a, Result<Option<SecretString>, String>> {
        self.0.load(connection, name)
    }

    fn save<'a>(
        &'a self,
        connection: &'a str,
        name: &'a str,
        value: &'a SecretString,
    ) -> Reply<'a, Result<(), String>> {
        Box::pin(async move {
            if self.1 == "before" {
                std::process::abort();
            }
            self.0.save(connection, name, value).await?;
            std::process::abort();
        })
    }
}

/// Asserts only in the process that the next test starts: it asks for a page, and dies on the way.
#[tokio::test]
async fn child_that_renews_its_token() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let key = SecretString::from("sixteen-and-more-letters".to_owned());
    let kept: Arc<dyn Vault> = Arc::new(SealedFiles::open(folder.into(), &key).unwrap());
    let killed = Arc::new(Killed(kept, std::env::var(POINT).unwrap()));
    let erp = Connectors::open(&PLAN, settings_at(std::env::var(SERVER).unwrap(), Some(killed))).unwrap();
    erp.fetch_page(&everything("customers")).await.unwrap();
    panic!("it was not killed");
}

/// C21: killed between the answer that rotated the token and its keeping, and right after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_while_it_keeps_a_rotated_token_uses_nothing_that_is_not_kept() {
    for point in ["before", "after"] {
        let folder = tempfile::tempdir().unwrap();
        let server = strict(|_| json(200, "[]")).await;
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "tests::rotation::child_that_renews_its_token", "--nocapture"]);
        child.env(FOLDER, folder.path()).env(SERVER, server.url()).env(POINT, point);
        let child = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
        assert_eq!(child.status.code(), None, "{point}: {}", String::from_utf8_lossy(&child.stderr));
        assert!(server.seen_at("/customers").is_empty(), "{point}: what came with the token was used");
        let erp = Connectors::open(&PLAN, settings(&server, Some(vault(&folder)))).unwrap();
        let page = erp.fetch_page(&everything("customers")).await;
        if point == "after" {
            page.unwrap();
            continue;
        }
        // The new one is lost with the process, and the old one holds no more: nobody but a person can mend that, and it says so.
        let failure = page.unwrap_err();
        assert_eq!(failure.class, Class::Halt);
        assert!(failure.message.contains("refresh_token"), "it says which credential is to be renewed: {failure}");
    }
}

#[tokio::test]
async fn a_refused_refresh_token_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_| json(400, r#"{"error":"invalid_grant"}"#)).await;
    let erp = Connectors::open(&PLAN, settings(&server, Some(vault(&folder)))).unwrap();
    let failure = erp.fetch_page(&everything("customers")).await.unwrap_err();
    assert_eq!(failure.class, Class::Halt);
    assert!(!failure.message.contains("refresh-0"), "{failure}");
    assert_eq!(server.seen().len(), 1, "it is not tried again: that locks users out");
}
