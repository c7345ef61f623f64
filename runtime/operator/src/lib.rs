//! The commands of an integration's binary: `run`, `sync`, `status`, `dead-letters`, `map`, `doctor`, `rehearse`.
//!
//! In: a compiled integration and the command line. Out: exit status and what a person reads. It wires engine, connectors,
//! store and sandbox together and decides nothing about records.
//!
//! Exit statuses: 0 = all is well; 1 = something needs a person (dead letters, a halted connection, a rehearsal whose books
//! do not balance); 2 = wrong use, or something that is needed cannot be had (deployment file, store, setting).

pub mod answers;
mod command;
mod connect;
mod dead_letters;
pub mod deployment;
mod doctor;
mod doorbell;
mod dry_run;
mod mail;
pub mod map;
mod records;
mod redact;
mod rehearse;
mod say;
mod sections;
mod server;
mod service;
mod status;
#[cfg(feature = "otlp")]
mod telemetry;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use mapwright_values::Integration;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::say::note;
use command::{Arguments, Command};

/// What ended a command, as its exit status.
enum Ending {
    Well,
    NeedsAPerson,
}

/// Every message of a command that could not be carried out.
struct Faults(Vec<String>);

impl<T: std::fmt::Display> From<T> for Faults {
    fn from(fault: T) -> Self {
        Self(vec![fault.to_string()])
    }
}

/// Runs the command line of an integration's binary.
#[must_use]
pub fn main(integration: &'static Integration) -> ExitCode {
    run(integration, None)
}

/// The same with what `rehearse` plays, from the systems' manifests and catalogues. `scene` = what is there and what happens, as `docs/operation.md` says (`rehearsal.yaml` beside the specs).
#[must_use]
pub fn main_with_scene(integration: &'static Integration, scene: &'static str) -> ExitCode {
    run(integration, Some(scene))
}

fn run(integration: &'static Integration, scene: Option<&'static str>) -> ExitCode {
    let arguments = Arguments::parse();
    let _exported: Exported = start_logging(&arguments, integration.plan.name);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            note!("error: cannot start: {error}");
            return ExitCode::from(2);
        }
    };
    match runtime.block_on(carry_out(integration, arguments, scene)) {
        Ok(Ending::Well) => ExitCode::SUCCESS,
        Ok(Ending::NeedsAPerson) => ExitCode::from(1),
        Err(Faults(faults)) => {
            for fault in faults {
                note!("error: {fault}");
            }
            ExitCode::from(2)
        }
    }
}

async fn carry_out(
    integration: &'static Integration,
    arguments: Arguments,
    scene: Option<&'static str>,
) -> Result<Ending, Faults> {
    let file = arguments.deployment.as_path();
    match arguments.command {
        Command::Run => service::run(integration, file).await,
        Command::Sync(sync) if sync.dry_run => dry_run::play(integration, file, sync).await,
        Command::Sync(sync) => service::sync(integration, file, sync).await,
        Command::Backfill(wanted) => service::backfill(integration, file, wanted).await,
        Command::Replay(wanted) => records::replay(integration, file, wanted).await,
        Command::Forget(wanted) => records::forget(integration, file, wanted).await,
        Command::Status(form) => {
            status::show(integration, file, form.json || form.format == command::Format::Json).await
        }
        Command::DeadLetters(command) => dead_letters::carry_out(integration, file, command).await,
        Command::Map(map) => map::carry_out(integration, &map),
        Command::Doctor => doctor::examine(integration, file).await,
        Command::Rehearse(rehearse) => rehearse::play(integration, &rehearse, scene).await,
    }
}

/// Logs go to standard error; results go to standard output. What is answered exports traces until it is dropped.
fn start_logging(arguments: &Arguments, project: &'static str) -> Exported {
    let standard = match (&arguments.command, arguments.verbose) {
        (_, true) => "info",
        // What goes wrong in a rehearsal is its plot, and told by its report.
        (Command::Rehearse(_), false) => "off",
        (_, false) => "error",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("MAPWRIGHT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(standard));
    let coloured = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(coloured);
    let lines = match arguments.log_json {
        true => lines.json().with_filter(filter).boxed(),
        false => lines.with_filter(filter).boxed(),
    };
    let registry = tracing_subscriber::registry().with(lines);
    #[cfg(feature = "otlp")]
    {
        let exported = telemetry::start(arguments, project);
        let spans = exported.as_ref().map(telemetry::Exported::layer);
        registry.with(spans).init();
        exported
    }
    #[cfg(not(feature = "otlp"))]
    {
        let _ = project;
        registry.init();
        None
    }
}

#[cfg(feature = "otlp")]
type Exported = Option<telemetry::Exported>;
#[cfg(not(feature = "otlp"))]
type Exported = Option<std::convert::Infallible>;
