//! Encryption of connections to the store's server and to doorbells: rustls on ring, one way for all.
//!
//! In: a private certificate authority, or none. Out: a configuration that checks the server's certificate.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// A configuration that trusts this authority alone, or those of the system.
///
/// # Errors
/// Why there is none, in words.
pub(crate) fn client(root: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match root {
        Some(file) => {
            let unusable = |error: &dyn std::fmt::Display| {
                format!("the certificate authority {} cannot be used: {error}", file.display())
            };
            let certificates = CertificateDer::pem_file_iter(file).map_err(|error| unusable(&error))?;
            for certificate in certificates {
                roots.add(certificate.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
    }
    if roots.is_empty() {
        return Err(
            "no certificate authority is known with which the server could be checked: install the system's, or name a file"
                .to_owned(),
        );
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("encryption cannot be set up: {error}"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
