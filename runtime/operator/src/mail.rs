//! Alerts by mail. In: one alert of the engine. Out: one message to one address, over a connection that is secret unless the
//! deployment says otherwise. It holds no value of a record, for the alert holds none.

use std::sync::Arc;

use mapwright_engine::alert::AlertChannel;

use crate::deployment::MailDeployment;

/// A way by mail.
///
/// # Errors
/// In words, when mail is not set up, not set up rightly, or not part of this program.
#[cfg(not(feature = "mail"))]
pub(crate) fn open(channel: &str, to: &str, _mail: Option<&MailDeployment>) -> Result<Arc<dyn AlertChannel>, String> {
    Err(format!(
        "alerts {channel}: mail to {to}: this program was built without mail: build it with the feature `mail` of mapwright-operator, or give a webhook"
    ))
}

#[cfg(feature = "mail")]
pub(crate) use smtp::open;

#[cfg(feature = "mail")]
mod smtp {
    use std::time::Duration;

    use lettre::message::{Mailbox, header};
    use lettre::transport::smtp::authentication::Credentials;
    use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
    use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
    use mapwright_engine::alert::{Alert, AlertState};
    use mapwright_engine::connector::{Class, Failure, Reply};
    use secrecy::ExposeSecret;

    use super::{AlertChannel, Arc, MailDeployment};
    use crate::deployment::MailTls;

    /// Longest time for one step of the conversation with a mail server.
    const TIMEOUT: Duration = Duration::from_secs(20);

    /// A channel that sends mail to one address.
    struct MailAlert {
        channel: String,
        from: Mailbox,
        to: Mailbox,
        transport: AsyncSmtpTransport<Tokio1Executor>,
    }

    /// A way by mail.
    ///
    /// # Errors
    /// In words, when mail is not set up, or not set up rightly.
    pub(crate) fn open(
        channel: &str,
        to: &str,
        mail: Option<&MailDeployment>,
    ) -> Result<Arc<dyn AlertChannel>, String> {
        let mail = mail.ok_or_else(|| format!("alerts {channel}: the deployment does not say how mail is sent"))?;
        let address = |what: &str, text: &str| {
            text.parse::<Mailbox>().map_err(|error| format!("{what}: `{text}` is no address for mail: {error}"))
        };
        let from = address("mail.from", &mail.from)?;
        let to = address(&format!("alerts {channel}"), to)?;
        let failed = |error: &dyn std::fmt::Display| format!("mail: {}: {error}", mail.host);
        let tls = || {
            let mut parameters = TlsParameters::builder(mail.host.clone());
            if let Some(file) = &mail.ca_file {
                let pem =
                    std::fs::read(file).map_err(|error| format!("mail: cannot read {}: {error}", file.display()))?;
                let certificate = Certificate::from_pem(&pem).map_err(|error| failed(&error))?;
                parameters = parameters.add_root_certificate(certificate);
            }
            parameters.build().map_err(|error| failed(&error))
        };
        let (tls, standard_port) = match mail.tls {
            MailTls::Starttls => (Tls::Required(tls()?), 587),
            MailTls::Tls => (Tls::Wrapper(tls()?), 465),
            MailTls::None => (Tls::None, 25),
        };
        if matches!(mail.tls, MailTls::None) && mail.login.is_some() {
            return Err("mail: `tls: none` would send the password for all to read: use `starttls` or `tls`".to_owned());
        }
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(mail.host.clone())
            .port(mail.port.unwrap_or(standard_port))
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some((user, password)) = &mail.login {
            let credentials = Credentials::new(user.expose_secret().to_owned(), password.expose_secret().to_owned());
            builder = builder.credentials(credentials);
        }
        Ok(Arc::new(MailAlert { channel: channel.to_owned(), from, to, transport: builder.build() }))
    }

    impl MailAlert {
        fn message(&self, alert: &Alert) -> Result<Message, String> {
            let state = match alert.state {
                AlertState::Open => "Attention",
                AlertState::Closed => "Over",
            };
            let said = alert.message.strip_prefix("over: ").unwrap_or(&alert.message);
            let text = format!(
                "{state}: {said}\n\nAbout:   {}\nCause:   {}\nTimes:   {}\nFirst:   {}\nNewest:  {}\n",
                alert.subject, alert.cause, alert.count, alert.first_at, alert.last_at
            );
            // The same alert sent twice (its first sending unproven) is one message to most mail programs.
            let id = format!(
                "<mapwright-{}-{}-{}@{}>",
                alert.id,
                alert.count,
                state.to_lowercase(),
                self.from.email.domain()
            );
            let subject =
                format!("{state}: {}", alert.subject.chars().filter(|letter| !letter.is_control()).collect::<String>());
            Message::builder()
                .from(self.from.clone())
                .to(self.to.clone())
                .subject(subject)
                .message_id(Some(id))
                .header(header::ContentType::TEXT_PLAIN)
                .body(text)
                .map_err(|error| error.to_string())
        }

        async fn post(&self, alert: &Alert) -> Result<(), Failure> {
            let message = self.message(alert).map_err(|words| self.failure(Class::Permanent, &words))?;
            match self.transport.send(message).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_permanent() => {
                    Err(self.failure(Class::Halt, &format!("the mail server refuses the message ({error})")))
                }
                Err(error) => Err(self.failure(Class::Transient, &format!("the mail server cannot be used ({error})"))),
            }
        }

        fn failure(&self, class: Class, words: &str) -> Failure {
            Failure {
                class,
                status: None,
                code: None,
                message: format!("alerts {}: {words}", self.channel),
                field: None,
                retry_after: None,
                existing: None,
            }
        }
    }

    impl AlertChannel for MailAlert {
        fn send<'a>(&'a self, alert: &'a Alert) -> Reply<'a, Result<(), Failure>> {
            Box::pin(self.post(alert))
        }
    }
}

#[cfg(test)]
#[cfg(feature = "mail")]
mod tests {
    use super::{MailDeployment, open};
    use crate::deployment::MailTls;

    pub(super) fn deployment(port: u16, tls: MailTls) -> MailDeployment {
        MailDeployment {
            host: "127.0.0.1".to_owned(),
            port: Some(port),
            tls,
            login: None,
            from: "Mapwright <mapwright@example.com>".to_owned(),
            ca_file: None,
        }
    }

    #[test]
    fn a_password_does_not_go_in_the_open_and_addresses_are_addresses() {
        let open_with = |to: &str, mail: &MailDeployment| open("ops", to, Some(mail)).err().unwrap_or_default();
        let login = secrecy::SecretString::from("hunter2".to_owned());
        let mail = MailDeployment { login: Some((login.clone(), login)), ..deployment(25, MailTls::None) };
        let fault = open_with("ops@example.com", &mail);
        assert!(fault.contains("for all to read") && !fault.contains("hunter2"), "{fault}");
        assert!(open_with("nobody", &deployment(25, MailTls::None)).contains("`nobody` is no address"));
    }
}

/// Against aiosmtpd, a mail server that others made: `MAPWRIGHT_PEERS_PYTHON` names a Python that has it (tests/peers/run installs one).
#[cfg(test)]
#[cfg(all(feature = "mail", feature = "peers"))]
mod peer_tests {
    use std::io::{BufRead as _, BufReader};
    use std::net::{TcpListener, TcpStream};
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use mapwright_engine::alert::{Alert, AlertState};

    use super::open;
    use super::tests::deployment;
    use crate::deployment::MailTls;

    const PATIENCE: Duration = Duration::from_secs(60);

    struct Peer {
        child: Child,
        port: u16,
    }

    impl Peer {
        fn start() -> Self {
            let python =
                std::env::var("MAPWRIGHT_PEERS_PYTHON").expect("MAPWRIGHT_PEERS_PYTHON names a Python with aiosmtpd");
            let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
            let child = Command::new(python)
                .args(["-u", "-m", "aiosmtpd", "-n", "-l", &format!("127.0.0.1:{port}")])
                .args(["-c", "aiosmtpd.handlers.Debugging", "stdout"])
                .stdout(Stdio::piped())
                .spawn()
                .expect("aiosmtpd starts");
            let began = Instant::now();
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(began.elapsed() < PATIENCE, "aiosmtpd does not listen");
                std::thread::sleep(Duration::from_millis(50));
            }
            Self { child, port }
        }

        /// One message, to its end.
        fn message(&mut self) -> String {
            let lines = BufReader::new(self.child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
            lines.take_while(|line| !line.contains("END MESSAGE")).collect::<Vec<_>>().join("\n")
        }
    }

    impl Drop for Peer {
        fn drop(&mut self) {
            // It may have ended by itself.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    fn alert() -> Alert {
        let at = "2026-11-23T10:00:00Z".parse().expect("a time");
        Alert {
            id: 7,
            subject: "orders".to_owned(),
            channel: "ops".to_owned(),
            cause: "permanent -5002".to_owned(),
            message: "the target refuses the record".to_owned(),
            count: 3,
            first_at: at,
            last_at: at,
            state: AlertState::Open,
            channel_error: None,
            failures: 0,
        }
    }

    #[tokio::test]
    async fn an_alert_comes_as_mail_and_nothing_is_sent_where_it_would_not_be_secret() {
        let mut peer = Peer::start();
        let secret =
            open("ops", "ops@example.com", Some(&deployment(peer.port, MailTls::Starttls))).expect("a channel");
        // The server offers no STARTTLS: nothing may go out in the open.
        let refused = secret.send(&alert()).await.expect_err("no STARTTLS");
        assert!(refused.message.starts_with("alerts ops: the mail server"), "{refused:?}");
        let plain = open("ops", "ops@example.com", Some(&deployment(peer.port, MailTls::None))).expect("a channel");
        plain.send(&alert()).await.expect("it is sent");
        let message = tokio::task::spawn_blocking(move || peer.message()).await.expect("no panic");
        for wanted in [
            "To: ops@example.com",
            "Subject: Attention: orders",
            "Message-ID: <mapwright-7-3-attention@example.com>",
            "Attention: the target refuses the record",
            "Times:   3",
        ] {
            assert!(message.contains(wanted), "{wanted}: {message}");
        }
        assert_eq!(message.matches("Subject:").count(), 1);
    }
}
