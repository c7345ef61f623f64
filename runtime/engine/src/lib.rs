//! The engine: flows, delivery, store, retries, alerts.
//!
//! In: a compiled [`mapwright_values::Integration`], connectors and a store. Out: records delivered once each, or kept with a reason.
//! It never speaks HTTP and never looks into a manifest.

mod agenda;
pub mod alert;
pub mod backoff;
pub mod clock;
pub mod connector;
pub mod crash;
pub mod dead_letters;
pub mod doorbell;
mod engine;
mod flow;
pub mod keys;
pub mod options;
pub mod records;
mod schedule;
pub mod state;
pub mod status;
pub mod store;
#[cfg(any(feature = "postgres", feature = "rabbitmq"))]
mod tls;
pub mod trace;

pub use engine::{Engine, EngineError, Stop, Sync};
pub use flow::hinting::Told;
pub use flow::subscribing::{hook_address, subscriptions_of};
pub use options::Options;
