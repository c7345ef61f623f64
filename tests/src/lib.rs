//! What the tests that cross crates share: where the repository is, the shipped program, a stage for it to play on.

#![expect(clippy::panic, reason = "only tests use this crate: here a panic is a failed test")]

pub mod books;
pub mod large;
pub mod orders;
pub mod rows;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use mapwright_sandbox::Sandbox;

/// The repository's folder.
#[must_use]
pub fn repository() -> PathBuf {
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.pop();
    folder
}

/// The shipped integration's folder.
#[must_use]
pub fn integration() -> PathBuf {
    repository().join("specs/integrations/shopware-sap-business-one")
}

/// The shipped integration's program, built if it is not fresh.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("shopware-sap-business-one"))
}

/// The program of the integration that several processes share, built if it is not fresh.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn program_of_many() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("shopware-kontor"))
}

/// The program of the integration whose systems call nobody without a subscription, built if it is not fresh.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn program_that_subscribes() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("shopify-business-central"))
}

/// The compiler's command line, built if it is not fresh.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn mapwright() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("mapwright"))
}

/// The mapping written by hand that `map` is measured against, built if it is not fresh.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn by_hand() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("examples/by_hand"))
}

/// Builds what a program is run from, with the choices by which `cargo test --workspace` has built it: crates are selected alike, and
/// an example is among the targets, so that dependencies have the features which tests ask of them. Nothing is compiled twice.
fn built(name: &str) -> PathBuf {
    let mut command = Command::new(env!("CARGO"));
    // What Cargo tells a test of its package would make this build begin anew: ring, and all above it, is compiled when it changes.
    let told = |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.starts_with(prefix));
    for (name, _) in std::env::vars_os().filter(|(name, _)| told(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command.args(["build", "--quiet", "--workspace", "--message-format", "json", "--example", "by_hand"]);
    if !name.contains('/') {
        command.args(["--bin", name]);
    }
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    if cfg!(feature = "servers") {
        command.args(["--features", "servers"]);
    }
    let output =
        command.current_dir(repository()).output().unwrap_or_else(|error| panic!("cargo does not run: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let built = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .find(|path| path.ends_with(name));
    built.unwrap_or_else(|| panic!("cargo built no program {name}"))
}

/// How long a request may take where the program runs on servers, in seconds; a claim lasts four times as long.
pub const REQUEST_MAX_S: u64 = 2;

/// An address that answers nothing.
pub const NOBODY: &str = "http://127.0.0.1:9/nobody-listens";

/// A folder with a deployment file, an environment, and the program that plays there.
pub struct Stage {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
    program: fn() -> &'static Path,
}

impl Stage {
    /// Deploys the program against this sandbox, with short pauses; alerts go to an address that answers nothing unless
    /// `alerts` is given.
    ///
    /// # Panics
    /// When the folder cannot be written.
    #[must_use]
    pub fn new(sandbox: &Sandbox, alerts: Option<&str>) -> Self {
        let stage = Self::at(&sandbox.shop.url(), &sandbox.erp.url());
        match alerts {
            Some(url) => stage.with("OPS_HOOK", url),
            None => stage,
        }
    }

    /// Deploys the program against these addresses.
    ///
    /// # Panics
    /// When the folder cannot be written.
    #[must_use]
    pub fn at(shop: &str, erp: &str) -> Self {
        let deployment = format!(
            "systems:\n  shop:\n    connector: shopware-6\n    url: \"{shop}\"\n    config: {{ page_size: 5 }}\n    \
             credentials: {{ client_id: \"env:SHOP_CLIENT_ID\", client_secret: \"env:SHOP_CLIENT_SECRET\" }}\n  erp:\n    \
             connector: sap-business-one\n    url: \"{erp}\"\n    config: {{ company: SBODEMODE, zone: Europe/Berlin }}\n    \
             credentials: {{ user: \"env:ERP_USER\", password: \"env:ERP_PASSWORD\" }}\n\
             store: \"sqlite:state.db\"\nalerts:\n  sales_ops: [ {{ webhook: \"env:OPS_HOOK\" }} ]\n  \
             shop_team: [ {{ webhook: \"env:OPS_HOOK\" }} ]\n  \
             accounting: [ {{ webhook: \"env:OPS_HOOK\" }} ]\n\
             engine: {{ retry_base_ms: 20, retry_cap_ms: 200, settle_ms: 300, canary_every_ms: 200 }}\n"
        );
        let environment = [
            ("SHOP_CLIENT_ID", "SWIASANDBOX"),
            ("SHOP_CLIENT_SECRET", "sandbox-secret"),
            ("ERP_USER", "manager"),
            ("ERP_PASSWORD", "sandbox-secret"),
            ("OPS_HOOK", NOBODY),
        ];
        Self::of(program, &deployment, &environment)
    }

    /// Deploys a program by this file, with this environment.
    ///
    /// # Panics
    /// When the folder cannot be written.
    #[must_use]
    pub fn of(program: fn() -> &'static Path, deployment: &str, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        std::fs::write(folder.path().join("deployment.yaml"), deployment)
            .unwrap_or_else(|error| panic!("the deployment file cannot be written: {error}"));
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { folder, environment, program }
    }

    /// The same on this database (the program must be built with the feature `servers`), with claims as short as they may be, and more
    /// lines in the deployment file.
    ///
    /// # Panics
    /// When the deployment file cannot be written.
    #[must_use]
    pub fn on_servers(self, database: &str, more: &str) -> Self {
        let file = self.folder.path().join("deployment.yaml");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("no deployment file: {error}"));
        let text = text
            .replace("\"sqlite:state.db\"", &format!("\"{database}\""))
            .replace("engine: {", &format!("engine: {{ lease_seconds: {},", 4 * REQUEST_MAX_S))
            .replace("    credentials", &format!("    timeout_seconds: {REQUEST_MAX_S}\n    credentials"))
            .replace("page_size: 5 ", "page_size: 50 ");
        std::fs::write(&file, text + more).unwrap_or_else(|error| panic!("no deployment file: {error}"));
        self
    }

    /// The same with another value in the environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where the deployment stands.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program with these arguments, ready to be started.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new((self.program)());
        command.args(arguments).current_dir(self.folder.path()).env_remove("MAPWRIGHT_CRASH_AT");
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        command
    }

    /// Runs the program to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap_or_else(|error| panic!("the program does not start: {error}"))
    }
}

/// What a program said on standard error and standard output, for messages.
#[must_use]
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout))
}

/// Did a run leave something to a turn or a claim of another process? Those of a dead one are over within seconds.
#[must_use]
pub fn is_held(output: &Output) -> bool {
    let said = said(output);
    ["another process reads it now", "left for later"].iter().any(|held| said.contains(held))
}

/// A new database of the PostgreSQL that `tests/servers` has started.
///
/// # Panics
/// When there is no server: what is not tested must not look as if it were.
#[cfg(feature = "servers")]
pub async fn database(what: &str) -> String {
    let server = std::env::var("MAPWRIGHT_TEST_POSTGRES")
        .unwrap_or_else(|_| panic!("MAPWRIGHT_TEST_POSTGRES names no server: start one with tests/servers"));
    let failed = |error: tokio_postgres::Error| -> String { panic!("no database can be made: {error}") };
    let name: String = what.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    let name = format!("{}_{}", name.to_lowercase(), std::process::id());
    let address = format!("{server}/postgres");
    let (client, connection) = match tokio_postgres::connect(&address, tokio_postgres::NoTls).await {
        Ok(connected) => connected,
        Err(error) => return failed(error),
    };
    let driving = tokio::spawn(connection);
    if let Err(error) = client.batch_execute(&format!("CREATE DATABASE {name}")).await {
        return failed(error);
    }
    drop(client);
    driving.abort();
    format!("{server}/{name}")
}
