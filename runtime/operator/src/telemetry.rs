//! Export of traces to a collector: OTLP by HTTP, protobuf.
//!
//! In: the spans of a record's way ([`mapwright_engine::trace`]) and no others. Out: batches to the collector, from a thread
//! of their own; what the program does never waits for them. A collector that does not answer is told in the log once, and
//! when it answers again; what it missed is lost, and no record with it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mapwright_engine::trace::TARGET;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter};
use secrecy::ExposeSecret;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

use crate::command::{Arguments, Command};
use crate::deployment::{Deployment, TelemetryDeployment};
use crate::say::note;

/// Spans that wait to be exported, at most; what is more is left out.
const QUEUE_MAX: usize = 32_768;
/// Spans of one request.
const BATCH_MAX: usize = 1_024;
/// How often they are sent.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a request may take.
const REQUEST_MAX: Duration = Duration::from_secs(5);
/// How long the program waits at its end for the last of them.
const END_MAX: Duration = Duration::from_secs(10);

/// Exports until it is dropped, which sends what is left.
pub(crate) struct Exported(SdkTracerProvider);

/// Begins to export, where the command works on records and its deployment says where to. What is wrong with the
/// deployment file is told by the command itself.
pub(crate) fn start(arguments: &Arguments, project: &'static str) -> Option<Exported> {
    match arguments.command {
        Command::Run | Command::Backfill(_) | Command::Replay(_) => {}
        Command::Sync(ref sync) if !sync.dry_run => {}
        Command::Sync(_) | Command::Forget(_) | Command::Status(_) | Command::DeadLetters(_) => return None,
        Command::Map(_) | Command::Doctor | Command::Rehearse(_) => return None,
    }
    let wanted = Deployment::telemetry_of(&arguments.deployment).ok().flatten()?;
    match provider(&wanted, project) {
        Ok(provider) => Some(Exported(provider)),
        Err(fault) => {
            note!("note: telemetry.otlp: no traces are exported: {fault}");
            None
        }
    }
}

fn provider(wanted: &TelemetryDeployment, project: &'static str) -> Result<SdkTracerProvider, String> {
    // The first one stays; it does not matter who was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client =
        reqwest::blocking::Client::builder().timeout(REQUEST_MAX).build().map_err(|error| error.to_string())?;
    let headers: HashMap<String, String> =
        wanted.headers.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect();
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", wanted.otlp))
        .with_timeout(REQUEST_MAX)
        .with_http_client(client)
        .with_headers(headers)
        .build()
        .map_err(|error| error.to_string())?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE_MAX)
        .with_max_export_batch_size(BATCH_MAX)
        .with_scheduled_delay(PAUSE)
        .build();
    let processor = BatchSpanProcessor::builder(Told::new(exporter)).with_batch_config(batches).build();
    let resource = Resource::builder_empty()
        .with_service_name(project)
        .with_attribute(opentelemetry::KeyValue::new("process.pid", i64::from(std::process::id())))
        .build();
    Ok(SdkTracerProvider::builder().with_span_processor(processor).with_resource(resource).build())
}

impl Exported {
    /// Where the program's spans go in.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("mapwright"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO))
    }
}

impl Drop for Exported {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(END_MAX) {
            note!("note: the last traces could not be exported: {error}");
        }
    }
}

/// An exporter that says once when it begins to fail, and once when it works again.
#[derive(Debug)]
struct Told<E> {
    inner: E,
    fails: Arc<AtomicBool>,
}

impl<E> Told<E> {
    fn new(inner: E) -> Self {
        Self { inner, fails: Arc::default() }
    }
}

impl<E: SpanExporter> SpanExporter for Told<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exported = self.inner.export(batch).await;
        let failed_before = self.fails.swap(exported.is_err(), Ordering::Relaxed);
        match &exported {
            Err(error) if !failed_before => {
                tracing::error!(%error, "traces cannot be exported, and are lost until they can; records go on");
            }
            Ok(()) if failed_before => tracing::info!("traces are exported again"),
            Ok(()) | Err(_) => {}
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
