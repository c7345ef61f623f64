//! What lies beneath HTTP: certificates, proxies, and time-outs of every kind.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mapwright_engine::connector::{Class, Deed};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::ConnectionSettings;
use crate::tests::server::{SILENCE, Server, json, with_headers};
use crate::tests::systems::{erp_settings, everything, open_erp, write};

const LOGIN: &str = r#"{"SessionId":"6d9e-1","SessionTimeout":30}"#;

/// An authority of our own.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// Its certificate as a file.
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, issuer.pem()).unwrap();
        Self { issuer, file, _folder: folder }
    }

    /// A server on the loopback whose certificate names this host; it logs in whoever comes and has no orders. Its port.
    async fn serve(&self, host: &str, valid_until: i32) -> u16 {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(valid_until, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut head = Vec::new();
                    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                        let mut chunk = [0; 4096];
                        match stream.read(&mut chunk).await {
                            Ok(count) if count > 0 => head.extend_from_slice(&chunk[..count]),
                            _ => return,
                        }
                    }
                    let log_in = String::from_utf8_lossy(&head).contains("/Login");
                    let _ = stream.write_all(&json(200, if log_in { LOGIN } else { r#"{"value":[]}"# })).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        port
    }
}

fn at(url: String, change: impl FnOnce(&mut ConnectionSettings)) -> ConnectionSettings {
    let mut settings = erp_settings(url);
    change(&mut settings);
    settings
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_it_is_configured_and_nowhere_else() {
    let (ours, other) = (Authority::new("Ours"), Authority::new("Another"));
    let port = ours.serve("127.0.0.1", 4000).await;
    let url = format!("https://127.0.0.1:{port}");
    // By the deployment, and by the manifest's own setting.
    let by_deployment = at(url.clone(), |settings| settings.ca_file = Some(ours.file.clone()));
    let by_manifest = at(url.clone(), |settings| {
        settings.config.insert("ca_file".to_owned(), ours.file.display().to_string());
    });
    for settings in [by_deployment, by_manifest] {
        let page = open_erp(settings).unwrap().fetch_page(&everything("Orders")).await.unwrap();
        assert!(page.rows.is_empty());
    }
    let refused = [
        ("no authority", at(url.clone(), |_| {})),
        ("another authority", at(url, |settings| settings.ca_file = Some(other.file.clone()))),
        (
            "another host",
            at(format!("https://127.0.0.1:{}", ours.serve("erp.example", 4000).await), |settings| {
                settings.ca_file = Some(ours.file.clone());
            }),
        ),
        (
            "out of date",
            at(format!("https://127.0.0.1:{}", ours.serve("127.0.0.1", 2020).await), |settings| {
                settings.ca_file = Some(ours.file.clone());
            }),
        ),
    ];
    for (name, settings) in refused {
        let erp = open_erp(settings).unwrap();
        let failure = erp.send(&write("Orders", Deed::Create, "{}")).await.unwrap_err();
        assert_eq!(failure.class, Class::Halt, "{name}: {failure}");
        assert!(failure.message.contains("certificate"), "{name}: {failure}");
        assert!(failure.message.contains("ca_file"), "{name}: {failure}");
    }
}

#[tokio::test]
async fn a_file_that_holds_no_certificates_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("empty.pem", ""), ("words.pem", "hello"), ("absent.pem", "-")] {
        let file = folder.path().join(name);
        if text != "-" {
            std::fs::write(&file, text).unwrap();
        }
        let settings = at("https://127.0.0.1:1".to_owned(), |settings| settings.ca_file = Some(file));
        let faults = open_erp(settings).err().unwrap();
        assert!(faults[0].contains(name) && faults[0].contains("certificates"), "{faults:?}");
    }
}

#[tokio::test]
async fn a_proxy_is_used_where_it_is_configured() {
    // Without TLS the proxy sees each request with its whole address; nobody resolves the name of the host but the proxy.
    let proxy =
        Server::start(|seen| json(200, if seen.target.ends_with("Login") { LOGIN } else { r#"{"value":[]}"# })).await;
    let through = |url: &str, proxy: String| at(url.to_owned(), |settings| settings.proxy = Some(proxy));
    let user = proxy.url().replace("http://", "http://mapwright:proxy-secret@");
    let erp = open_erp(through("http://erp.invalid:50000", user)).unwrap();
    erp.fetch_page(&everything("Orders")).await.unwrap();
    let seen = proxy.seen();
    assert_eq!(seen[0].target, "http://erp.invalid:50000/b1s/v2/Login");
    assert!(seen[1].target.starts_with("http://erp.invalid:50000/b1s/v2/Orders"), "{}", seen[1].target);
    assert_eq!(seen[1].header("proxy-authorization"), Some("Basic bWFwd3JpZ2h0OnByb3h5LXNlY3JldA=="));
    // Through TLS it sees the host alone, and none of our credentials.
    let refusing = Server::start(|_| with_headers(403, &[], "")).await;
    let erp = open_erp(through("https://erp.invalid:50000", refusing.url())).unwrap();
    let failure = erp.send(&write("Orders", Deed::Create, "{}")).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient, "{failure}");
    let seen = refusing.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("CONNECT", "erp.invalid:50000"));
    assert!(seen[0].header("cookie").is_none() && !seen[0].body.contains("hush-hush"), "{seen:?}");
}

#[tokio::test]
async fn what_a_proxy_refuses_is_told_as_the_proxys_fault() {
    let proxy = Server::start(|_| with_headers(407, &["Proxy-Authenticate: Basic"], "")).await;
    for url in ["http://erp.invalid:50000", "https://erp.invalid:50000"] {
        let settings = at(url.to_owned(), |settings| {
            settings.proxy = Some(proxy.url().replace("http://", "http://mapwright:proxy-secret@"));
        });
        let failure = open_erp(settings).unwrap().send(&write("Orders", Deed::Create, "{}")).await.unwrap_err();
        assert_eq!(failure.class, Class::Halt, "{url}: {failure}");
        assert!(failure.message.contains("proxy"), "{url}: {failure}");
        assert!(!failure.message.contains("proxy-secret"), "{url}: {failure}");
    }
    let settings = at("http://127.0.0.1:1".to_owned(), |settings| {
        settings.proxy = Some("http://mapwright:proxy-secret@".to_owned());
    });
    let faults = open_erp(settings).err().unwrap();
    assert!(faults[0].contains("proxy") && !faults[0].contains("proxy-secret"), "{faults:?}");
}

#[tokio::test]
async fn time_outs_say_how_far_a_request_got() {
    // Nobody shakes hands: no byte of the request left, so nothing can have happened.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("https://{}", listener.local_addr().unwrap());
    let settings = at(silent, |settings| settings.connect_timeout = Some(Duration::from_millis(300)));
    let began = Instant::now();
    let failure = open_erp(settings).unwrap().send(&write("Orders", Deed::Create, "{}")).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient, "{failure}");
    assert!(failure.message.contains("no connection in time"), "{failure}");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    // Nobody answers: the request may have worked.
    let log_in = |target: &str| target.ends_with("Login");
    let server =
        Server::start(move |seen| if log_in(&seen.target) { json(200, LOGIN) } else { SILENCE.to_vec() }).await;
    let settings = at(server.url(), |settings| settings.request_timeout = Some(Duration::from_millis(300)));
    let erp = open_erp(settings).unwrap();
    let failure = erp.send(&write("Orders", Deed::Create, "{}")).await.unwrap_err();
    assert_eq!(failure.class, Class::Ambiguous, "{failure}");
    assert!(failure.message.contains("no answer in time"), "{failure}");
    let failure = erp.fetch_page(&everything("Orders")).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient, "{failure}");
    // Nobody logs in: what was to be written was never sent.
    let server = Server::start(|_| SILENCE.to_vec()).await;
    let settings = at(server.url(), |settings| settings.request_timeout = Some(Duration::from_millis(300)));
    let failure = open_erp(settings).unwrap().send(&write("Orders", Deed::Create, "{}")).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient, "{failure}");
    assert!(server.seen_at("Orders").is_empty());
}
