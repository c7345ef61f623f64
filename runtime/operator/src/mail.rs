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
            }
        }
    }

    impl AlertChannel for MailAlert {
        fn send<'a>(&'a self, alert: &'a Alert) -> Reply<'a, Result<(), Failure>> {
            Box::pin(self.post(alert))
        }
    }
}
