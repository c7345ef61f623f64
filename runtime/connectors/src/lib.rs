//! Connectors: systems reached over HTTP, as their manifests say.
//!
//! In: a compiled project's systems, a deployment's settings, the engine's questions. Out: requests, and records as
//! canonical JSON text with every digit as it stood. A connector never repeats a write by itself (but for one that was
//! refused because a session had ended), never follows a redirect or a link to another host, and never logs a
//! credential, a session or a body. Nothing about a vendor stands here: that is the manifest's.

mod alert;
mod answer;
mod auth;
mod classify;
mod connection;
mod connector;
mod fields;
mod http;
mod lock;
mod odata;
mod paging;
mod probe;
mod reading;
mod request;
mod rest;
mod settings;
mod template;
#[cfg(test)]
mod tests;
mod windows;
mod writing;

pub use alert::WebhookAlert;
pub use connection::Connectors;
pub use settings::ConnectionSettings;
