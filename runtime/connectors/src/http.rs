//! Sending one request, once. In: a prepared request. Out: the whole answer, or how far it got.
//! Follows no redirect, repeats nothing, keeps no cookies, and logs neither bodies nor headers.

use std::time::Duration;

use mapwright_manifest::Method;

use crate::answer::Answer;
use crate::settings::ConnectionSettings;

/// Longest time for a connection to stand, where the deployment does not say.
const CONNECT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// Idle connections are kept no longer than this: servers and balancers close them silently.
const IDLE_CONNECTION_MAX: Duration = Duration::from_secs(20);

/// A request ready to go. Has no `Debug`: headers and body may hold credentials.
pub(crate) struct Prepared {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

/// A request's body.
pub(crate) enum Body {
    None,
    Json(String),
    Form(String),
    /// XML, or rows of text.
    Xml {
        text: String,
        content_type: String,
        action: Option<String>,
    },
}

/// Why there is no whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No byte of the request left: proof of no effect.
    NotSent(String),
    /// The host's certificate is refused: no byte of the request left, and none will until somebody acts.
    Untrusted(String),
    /// A hook could not sign it: no byte of the request left.
    Unsigned(String),
    /// The proxy wants credentials, or others: no byte of the request left.
    ProxyCredentials,
    /// The request may have arrived.
    Unanswered(String),
    /// An answer began and broke off.
    Truncated { status: u16, reason: String },
    /// The answer is larger than the limit.
    TooLarge { status: u16, bytes_max: usize },
}

/// A client for one connection.
pub(crate) struct Http {
    client: reqwest::Client,
    body_bytes_max: usize,
}

impl Http {
    /// A client with its own pool of connections.
    pub(crate) fn new(settings: &ConnectionSettings, timeout: Duration, body_bytes_max: usize) -> Result<Self, String> {
        // The first connection installs the TLS provider; a second attempt fails harmlessly.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("mapwright/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(settings.connect_timeout.unwrap_or(CONNECT_TIMEOUT_DEFAULT))
            .pool_idle_timeout(IDLE_CONNECTION_MAX)
            .timeout(timeout);
        builder = match &settings.proxy {
            Some(proxy) => builder.proxy(
                // The address may hold credentials, so it is not repeated.
                reqwest::Proxy::all(proxy)
                    .map_err(|_| "`proxy` is no address: write one like http://proxy.example:3128".to_owned())?,
            ),
            None => builder.no_proxy(),
        };
        if let Some(file) = &settings.ca_file {
            let text = std::fs::read(file)
                .map_err(|error| format!("cannot read the certificates {}: {error}", file.display()))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&text)
                .map_err(|error| format!("{} holds no PEM certificates: {error}", file.display()))?;
            if certificates.is_empty() {
                return Err(format!("{} holds no PEM certificates", file.display()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|error| format!("cannot set up HTTP: {}", reasons(&error)))?;
        Ok(Self { client, body_bytes_max })
    }

    /// Sends the request with its signature once and reads its whole answer.
    pub(crate) async fn send(&self, prepared: &Prepared, signature: &[(String, String)]) -> Result<Answer, Trouble> {
        let method = match prepared.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = self.client.request(method, &prepared.url);
        for (name, value) in prepared.headers.iter().chain(signature) {
            request = request.header(name, value);
        }
        request = match &prepared.body {
            Body::None => request,
            Body::Json(text) => request.header("Content-Type", "application/json").body(text.clone()),
            Body::Xml { text, content_type, .. } => {
                request.header("Content-Type", content_type.as_str()).body(text.clone())
            }
            Body::Form(text) => request.header("Content-Type", "application/x-www-form-urlencoded").body(text.clone()),
        };
        let mut response = request.send().await.map_err(|error| trouble(&error))?;
        let status = response.status().as_u16();
        let headers: Vec<(String, String)> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len().saturating_add(chunk.len()) > self.body_bytes_max => {
                    return Err(Trouble::TooLarge { status, bytes_max: self.body_bytes_max });
                }
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return Err(Trouble::Truncated { status, reason: reasons(&error) }),
            }
        }
        let (body, misspelt) = text(&headers, &bytes);
        Ok(Answer { status, headers, body, misspelt })
    }
}

/// The body as text, and why it is none: letters that were guessed at would be other letters in the other system.
/// The header's word stands before that of an XML declaration; without either it is UTF-8.
fn text(headers: &[(String, String)], bytes: &[u8]) -> (String, Option<String>) {
    let kind = headers.iter().find(|(name, _)| name == "content-type").map_or("", |(_, value)| value.as_str());
    let after = |text: &str, mark: &str| {
        let rest = text.to_ascii_lowercase().split_once(mark).map(|(_, rest)| rest.to_owned())?;
        let rest = rest.trim_start_matches(['"', '\'']);
        Some(
            rest.chars()
                .take_while(|letter| letter.is_ascii_alphanumeric() || "-_.:".contains(*letter))
                .collect::<String>(),
        )
    };
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(200)).unwrap_or_default()).into_owned();
    let declared =
        head.trim_start().starts_with("<?xml").then(|| head.split("?>").next().unwrap_or_default().to_owned());
    let label = after(kind, "charset=").or_else(|| declared.and_then(|text| after(&text, "encoding=")));
    let encoding = match label.as_deref() {
        None => encoding_rs::UTF_8,
        Some(label) => match encoding_rs::Encoding::for_label(label.as_bytes()) {
            Some(encoding) => encoding,
            None => {
                let misspelt = format!("the body is in `{label}`, which is no character set that is known");
                return (String::from_utf8_lossy(bytes).into_owned(), Some(misspelt));
            }
        },
    };
    let (text, _, broken) = encoding.decode(bytes);
    let misspelt = broken.then(|| format!("the body is not in {}, as it says", encoding.name()));
    (text.into_owned(), misspelt)
}

fn trouble(error: &reqwest::Error) -> Trouble {
    if error.is_builder() {
        return Trouble::NotSent(format!("the request cannot be written: {}", reasons(error)));
    }
    if error.is_connect() {
        if let Some(refused) = certificate(error) {
            return Trouble::Untrusted(refused);
        }
        let reason = reasons(error);
        if reason.contains("proxy auth") {
            return Trouble::ProxyCredentials;
        }
        return Trouble::NotSent(if error.is_timeout() { "no connection in time".to_owned() } else { reason });
    }
    if error.is_timeout() {
        return Trouble::Unanswered("no answer in time".to_owned());
    }
    Trouble::Unanswered(reasons(error))
}

/// Why a certificate is refused, in words, if that is what happened.
fn certificate(error: &reqwest::Error) -> Option<String> {
    let mut outer: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(found) = outer {
        // An I/O error hides what it was made of from the chain.
        let within = found.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = within.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(tls) = tls.or_else(|| found.downcast_ref::<rustls::Error>()) {
            let rustls::Error::InvalidCertificate(reason) = tls else { return None };
            return Some(match reason {
                rustls::CertificateError::UnknownIssuer => "it is signed by nobody that is trusted here".to_owned(),
                rustls::CertificateError::Expired | rustls::CertificateError::ExpiredContext { .. } => {
                    "it is out of date".to_owned()
                }
                rustls::CertificateError::NotValidYet | rustls::CertificateError::NotValidYetContext { .. } => {
                    "it is not valid yet: are the clocks right?".to_owned()
                }
                rustls::CertificateError::NotValidForName | rustls::CertificateError::NotValidForNameContext { .. } => {
                    "it is another host's".to_owned()
                }
                other => other.to_string(),
            });
        }
        outer = match within {
            Some(inner) => Some(inner),
            None => found.source(),
        };
    }
    None
}

/// The innermost reason of an error, in words; the outer ones name the URL, which may hold keys.
fn reasons(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    let mut resolving = false;
    while let Some(source) = innermost.source() {
        innermost = source;
        resolving |= innermost.to_string().contains("dns error");
    }
    if let Some(io) = innermost.downcast_ref::<std::io::Error>() {
        match io.kind() {
            std::io::ErrorKind::ConnectionRefused => return "connection refused".to_owned(),
            std::io::ErrorKind::ConnectionReset => return "connection reset".to_owned(),
            std::io::ErrorKind::UnexpectedEof => return "the connection closed in mid-answer".to_owned(),
            std::io::ErrorKind::TimedOut => return "timed out".to_owned(),
            _ => {}
        }
    }
    if resolving { format!("the name cannot be resolved: {innermost}") } else { innermost.to_string() }
}
