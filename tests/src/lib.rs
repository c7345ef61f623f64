//! What the tests that cross crates share: where the repository is, the shipped program, a stage for it to play on.

#![expect(clippy::panic, reason = "only tests use this crate: here a panic is a failed test")]

pub mod large;

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
    PROGRAM.get_or_init(|| executable("shopware-sap-business-one"))
}

/// The compiler's command line, built if it is not fresh.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn mapwright() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| executable("mapwright-cli"))
}

fn executable(package: &str) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", package, "--message-format", "json"])
        .current_dir(repository())
        .output()
        .unwrap_or_else(|error| panic!("cargo does not run: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let built = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .next_back();
    built.unwrap_or_else(|| panic!("cargo built no program of {package}"))
}

/// A folder with a deployment file that leads to a sandbox.
pub struct Stage {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
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
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let deployment = format!(
            "systems:\n  shop:\n    connector: shopware-6\n    url: \"{shop}\"\n    config: {{ page_size: 5 }}\n    \
             credentials: {{ client_id: \"env:SHOP_CLIENT_ID\", client_secret: \"env:SHOP_CLIENT_SECRET\" }}\n  erp:\n    \
             connector: sap-business-one\n    url: \"{erp}\"\n    config: {{ company: SBODEMODE, zone: Europe/Berlin }}\n    \
             credentials: {{ user: \"env:ERP_USER\", password: \"env:ERP_PASSWORD\" }}\n\
             store: \"sqlite:state.db\"\nalerts:\n  sales_ops: [ {{ webhook: \"env:OPS_HOOK\" }} ]\n\
             engine: {{ retry_base_ms: 20, retry_cap_ms: 200, settle_ms: 300, canary_every_ms: 200 }}\n"
        );
        std::fs::write(folder.path().join("deployment.yaml"), deployment)
            .unwrap_or_else(|error| panic!("the deployment file cannot be written: {error}"));
        let environment = [
            ("SHOP_CLIENT_ID", "SWIASANDBOX"),
            ("SHOP_CLIENT_SECRET", "sandbox-secret"),
            ("ERP_USER", "manager"),
            ("ERP_PASSWORD", "sandbox-secret"),
            ("OPS_HOOK", "http://127.0.0.1:9/nobody-listens"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { folder, environment }
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
        let mut command = Command::new(program());
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
