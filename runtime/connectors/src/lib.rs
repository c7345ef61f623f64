//! Connectors: systems reached over HTTP, as their manifests say.
//!
//! In: a compiled project's systems, a deployment's settings, the engine's questions. Out: requests, and records as
//! canonical JSON text with every digit as it stood. A connector never repeats a write by itself (but for one that was
//! refused because a session had ended), never follows a redirect or a link to another host, and never logs a
//! credential, a session or a body. Nothing about a vendor stands here: that is the manifest's.

mod alert;
mod answer;
mod asking;
mod auth;
mod batch;
mod classify;
mod codec;
mod connection;
mod connector;
mod fetching;
mod fields;
mod graphql;
mod http;
mod jwt;
mod limits;
mod lock;
mod multipart;
mod odata;
mod paging;
mod places;
mod probe;
mod reading;
mod request;
mod rest;
mod settings;
mod sign;
mod soap;
mod subscribing;
mod template;
#[cfg(test)]
mod tests;
mod vault;
mod webhooks;
mod windows;
mod writing;

pub use alert::WebhookAlert;
pub use connection::Connectors;
pub use settings::{ConnectionSettings, WebhookSettings};
pub use vault::{SealedFiles, Vault};
pub use webhooks::{Incoming, Received, Receiver, TOLERANCE};
