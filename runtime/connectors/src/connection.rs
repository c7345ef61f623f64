//! One connection: the manifest, its values, its session, and the one way in which a request is sent and judged.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use mapwright_engine::connector::{Class, Connector, Failure};
use mapwright_manifest::{Auth, LogIn, Manifest, Operation, Template};
use mapwright_values::Json;
use mapwright_values::plan::{EntityPlan, SystemPlan};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::answer::ReadAnswer;
use crate::auth::{Keeper, Session, Using};
use crate::classify::{Asked, Reaction, Verdict, classify, for_engine, unsuccessful};
use crate::http::{Http, Prepared, Trouble};
use crate::jwt;
use crate::limits::Limiter;
use crate::request::{self, Extras, Subject};
use crate::settings::{self, ConnectionSettings};
use crate::sign::signature;
use crate::template::{Scope, Unfilled};
use crate::vault::Vault;

/// A value shorter than this is not worth hiding in a message, and hiding it would make the message unreadable.
const REDACTED_CHARACTERS_MIN: usize = 4;

/// What is said where a proxy lets nobody through.
const PROXY_CREDENTIALS: &str =
    "the proxy asks for credentials: write them into `proxy`, like http://user:password@proxy.example:3128";

/// Opens connections.
#[derive(Debug)]
pub struct Connectors;

impl Connectors {
    /// Opens a connection to a system of a compiled project. Sends nothing yet.
    ///
    /// # Errors
    /// Everything that is missing, unknown or wrong in the settings, and everything in the manifest that this version
    /// cannot do, all at once, in words.
    pub fn open(plan: &SystemPlan, settings: ConnectionSettings) -> Result<Arc<dyn Connector>, Vec<String>> {
        let connection: Arc<dyn Connector> = Arc::new(RestConnector::new(plan, settings)?);
        Ok(connection)
    }
}

/// A system reached over HTTP with JSON: REST and OData.
pub(crate) struct RestConnector {
    pub(crate) alias: String,
    pub(crate) manifest: Manifest,
    pub(crate) entities: &'static [EntityPlan],
    pub(crate) config: Json<'static>,
    secrets: Vec<(String, SecretString)>,
    http: Http,
    limiter: Limiter,
    vault: Option<Arc<dyn Vault>>,
    keeper: Keeper,
    pub(crate) places: Semaphore,
    pub(crate) request_timeout: Duration,
    /// The base without its path, for messages.
    host: String,
    pub(crate) base: String,
}

/// One request to be sent and judged.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'a Operation,
    pub(crate) asked: Asked<'a>,
    /// Name of entity or action, for messages.
    pub(crate) name: &'a str,
    pub(crate) plan: Option<&'a EntityPlan>,
    pub(crate) key: &'a [String],
    /// What templates may name, besides `config`, `secret` and `session`.
    pub(crate) roots: Vec<(&'a str, &'a Json<'static>)>,
    pub(crate) extras: Extras,
    /// Texts that must not appear in a message.
    pub(crate) personal: &'a [String],
}

impl RestConnector {
    fn new(plan: &SystemPlan, mut settings: ConnectionSettings) -> Result<Self, Vec<String>> {
        let alias = plan.alias;
        let mut manifest = Manifest::parse(plan.manifest, &format!("{}/connector.yaml", plan.name))
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let mut faults = settings::faults(alias, &manifest, &settings);
        if let Err(absent) = manifest.bind(settings.hooks) {
            faults.extend(absent.into_iter().map(|words| format!("{alias}: the manifest of {}: {words}", plan.name)));
        }
        if let Some(subscribe) = manifest.webhooks.as_mut().and_then(|webhooks| webhooks.subscribe.as_mut()) {
            subscribe.look_every = settings.webhooks.look_every.unwrap_or(subscribe.look_every);
        }
        let config = settings::config_values(&manifest, &settings);
        let secrets: Vec<(String, SecretString)> = std::mem::take(&mut settings.credentials).into_iter().collect();
        let scope = Scope { roots: &[("config", &config)], ..Scope::default() };
        if settings.ca_file.is_none()
            && let Some(file) = manifest.tls_ca.as_ref().and_then(|template| scope.text(template).ok().flatten())
        {
            settings.ca_file = Some(file.into());
        }
        let base = match request::base(&manifest, &scope) {
            Ok(base) => base,
            Err(unfilled) => {
                faults.push(format!("{alias}: {}", unfilled.message));
                String::new()
            }
        };
        let request_timeout = settings.request_timeout.unwrap_or(manifest.limits.request_timeout);
        let http = Http::new(&settings, request_timeout, manifest.limits.body_bytes_max);
        let http = match http {
            Ok(http) if faults.is_empty() => http,
            Ok(_) => return Err(faults),
            Err(message) => {
                faults.push(format!("{alias}: {message}"));
                return Err(faults);
            }
        };
        let host = reqwest::Url::parse(&base).ok().and_then(|url| {
            let host = url.host_str()?.to_owned();
            Some(url.port().map_or(host.clone(), |port| format!("{host}:{port}")))
        });
        let sessions_max = match &manifest.auth {
            Auth::LogIn(login) => login.pool,
            Auth::None | Auth::Basic { .. } | Auth::Token(_) => 1,
        };
        let limiter = Limiter::new(manifest.limits.rate, manifest.limits.cost.clone());
        Ok(Self {
            alias: alias.to_owned(),
            places: Semaphore::new(manifest.limits.parallel),
            manifest,
            entities: plan.entities,
            config,
            secrets,
            http,
            limiter,
            vault: settings.vault.take(),
            keeper: Keeper::new(sessions_max),
            request_timeout,
            host: host.unwrap_or_else(|| base.clone()),
            base,
        })
    }

    /// The entity or action of the plan.
    pub(crate) fn plan(&self, name: &str) -> Option<&'static EntityPlan> {
        self.entities.iter().find(|entity| entity.name == name)
    }

    /// A failure that was decided here, before or without an answer.
    pub(crate) fn failure(&self, class: Class, message: impl std::fmt::Display) -> Failure {
        Failure {
            class,
            status: None,
            code: None,
            message: format!("{}: {message}", self.alias),
            field: None,
            retry_after: None,
            existing: None,
        }
    }

    /// What the manifest calls its own of an entity.
    pub(crate) fn own_entries(&self, name: &str) -> Json<'static> {
        let mut members: Vec<_> = Vec::new();
        if let Some(entity) = self.manifest.entity(name) {
            members.extend(self.filled_entries(&entity.entries));
            let plan_key = self.plan(name).and_then(|plan| plan.key.first().copied());
            if let (false, Some(key)) = (entity.entries.contains_key("key"), plan_key) {
                members.push(("key".into(), Json::text(key)));
            }
        } else if let Some(action) = self.manifest.action(name) {
            members.extend(self.filled_entries(&action.entries));
        }
        Json::Record(members)
    }

    /// As [`Self::own_entries`], those that name a parent's key included.
    fn own_entries_of(&self, call: &Call<'_>) -> Json<'static> {
        let mut own = self.own_entries(call.name);
        let entries = self.manifest.entity(call.name).map(|entity| &entity.entries);
        if let (Json::Record(members), Some(entries)) = (&mut own, entries) {
            let mut roots = call.roots.clone();
            roots.push(("config", &self.config));
            let scope = self.scope(&roots, &[], &[]);
            for (name, template) in entries {
                let missing = members.iter().all(|(known, _)| known != name);
                // The slots of a path are segments, so that a key cannot lead elsewhere.
                let segment = |slot: &mapwright_manifest::Slot, text: &str| {
                    if slot.root == "config" { text.to_owned() } else { crate::template::percent(text) }
                };
                if let (true, Ok(Some(text))) = (missing, scope.text_with(template, segment)) {
                    members.push((name.clone().into(), Json::text(text)));
                }
            }
        }
        own
    }

    /// Entries with the configuration filled in; one that names more (a parent's key) is filled in by its request.
    fn filled_entries(&self, entries: &IndexMap<String, Template>) -> Vec<(Cow<'static, str>, Json<'static>)> {
        entries
            .iter()
            .filter_map(|(key, template)| {
                let text = self.configured(|scope| scope.text(template)).ok().flatten()?;
                Some((key.clone().into(), Json::text(text)))
            })
            .collect()
    }

    /// A value of the configuration, filled in.
    pub(crate) fn configured<T>(&self, fill: impl FnOnce(&Scope<'_>) -> T) -> T {
        fill(&Scope { roots: &[("config", &self.config)], ..Scope::default() })
    }

    /// Sends a request, logs in where that is needed, and judges the answer. `read_success` reads a success; what it
    /// misses in a success makes the answer unproven, as an unreadable body does.
    pub(crate) async fn call<T>(
        &self,
        call: &Call<'_>,
        read_success: impl Fn(&ReadAnswer<'_>) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let mut logged_in_again = false;
        loop {
            let (session, _using) = self.session().await?;
            let kept = session.as_ref().map_or(&[][..], |session| session.kept.as_slice());
            let mut roots = call.roots.clone();
            roots.push(("config", &self.config));
            let own = self.own_entries_of(call);
            roots.push(("entity", &own));
            let scope = self.scope(&roots, kept, &call.operation.lets);
            let subject = Subject { manifest: &self.manifest, plan: call.plan, key: call.key };
            let prepared = request::prepare(subject, call.operation, &scope, &call.extras, true)
                .map_err(|unfilled| self.unfilled(call, &unfilled))?;
            let place =
                self.places.acquire().await.map_err(|_| self.failure(Class::Transient, "the connection is closed"))?;
            self.limiter.ready().await.map_err(|wait| self.too_fast(wait))?;
            let answer = self.send(&prepared, &call.asked.words()).await;
            drop(place);
            let answer = answer.map_err(|trouble| self.trouble(call.asked, call.name, &trouble))?;
            let read = answer.read(&self.manifest, Some(call.operation));
            let refill = self.limiter.note(&read);
            let why = match unsuccessful(&read, call.operation, &scope, &own) {
                None => match read_success(&read) {
                    Ok(value) => return Ok(value),
                    Err(why) => why,
                },
                Some(why) => why,
            };
            let verdict = classify(&read, &why, &self.manifest.errors, call.asked, &scope, &own);
            match (verdict.reaction, &session) {
                (Reaction::LogIn, Some(session)) if !logged_in_again => {
                    logged_in_again = true;
                    self.keeper.forget(session.number).await;
                }
                (Reaction::LogIn, _) => return Err(self.refused(answer.status, &verdict)),
                (Reaction::Class(Class::Done), _) => {
                    return read_success(&read).map_err(|why| self.failure(Class::Ambiguous, why));
                }
                (Reaction::Class(class), _) => {
                    let mut verdict = verdict;
                    if class == Class::Throttled {
                        verdict.retry_after = verdict.retry_after.or(refill);
                    }
                    let hidden: Vec<&str> = self.hidden(kept).chain(call.personal.iter().map(String::as_str)).collect();
                    return Err(self.judged(for_engine(class, call.asked), call, answer.status, verdict, &hidden));
                }
            }
        }
    }

    /// Judges an answer that came within another one: there is no session to renew.
    pub(crate) fn judge_alone<T>(
        &self,
        answer: &crate::answer::Answer,
        call: &Call<'_>,
        read_success: impl Fn(&ReadAnswer<'_>) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let own = self.own_entries(call.name);
        let scope = self.scope(&call.roots, &[], &call.operation.lets);
        let read = answer.read(&self.manifest, Some(call.operation));
        let why = match unsuccessful(&read, call.operation, &scope, &own) {
            None => match read_success(&read) {
                Ok(value) => return Ok(value),
                Err(why) => why,
            },
            Some(why) => why,
        };
        let verdict = classify(&read, &why, &self.manifest.errors, call.asked, &scope, &own);
        match verdict.reaction {
            Reaction::LogIn => Err(self.refused(answer.status, &verdict)),
            Reaction::Class(Class::Done) => read_success(&read).map_err(|why| self.failure(Class::Ambiguous, why)),
            Reaction::Class(class) => {
                let hidden: Vec<&str> = self.hidden(&[]).chain(call.personal.iter().map(String::as_str)).collect();
                Err(self.judged(for_engine(class, call.asked), call, answer.status, verdict, &hidden))
            }
        }
    }

    async fn send(&self, prepared: &Prepared, words: &str) -> Result<crate::answer::Answer, Trouble> {
        let signature = match &self.manifest.sign {
            Some(hook) => signature(hook, prepared, &self.config, &self.secrets).map_err(Trouble::Unsigned)?,
            None => Vec::new(),
        };
        let begun = Instant::now();
        let answer = self.http.send(prepared, &signature).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        let took_ms = begun.elapsed().as_millis();
        tracing::debug!(system = %self.alias, operation = words, status, took_ms, "request");
        answer
    }

    /// The session to use, and that it is in use; logs in if there is none. No session = the system needs none.
    async fn session(&self) -> Result<(Option<Arc<Session>>, Option<Using<'_>>), Failure> {
        let Auth::LogIn(login) = &self.manifest.auth else { return Ok((None, None)) };
        let Some(using) = self.keeper.take() else { return Ok((None, None)) };
        let mut place = using.place().session.lock().await;
        if let Some(session) = place.clone().filter(|session| session.usable()) {
            drop(place);
            return Ok((Some(session), Some(using)));
        }
        *place = None;
        let mut logins = self.keeper.logins.lock().await;
        *logins += 1;
        let session = Arc::new(self.log_in(login, *logins).await?);
        *place = Some(session.clone());
        drop((logins, place));
        Ok((Some(session), Some(using)))
    }

    async fn log_in(&self, login: &LogIn, number: u64) -> Result<Session, Failure> {
        let roots = [("config", &self.config)];
        let mut known = self.first_values(login).await?;
        if let Some(jwt) = &login.jwt {
            let scope = self.scope(&roots, &known, &[]);
            let token = jwt::sign(jwt, &scope, jiff::Timestamp::now())
                .map_err(|unfilled| self.failure(Class::Halt, unfilled.message))?;
            known.push(("jwt".to_owned(), SecretString::from(token)));
        }
        let Some(operation) = &login.operation else {
            return Ok(Session::signed(login, known, number));
        };
        let scope = self.scope(&roots, &known, &operation.lets);
        let subject = Subject { manifest: &self.manifest, plan: None, key: &[] };
        let prepared = request::prepare(subject, operation, &scope, &Extras::default(), false)
            .map_err(|unfilled| self.failure(Class::Halt, unfilled.message))?;
        let asked = Asked::LogIn;
        let answer = self.send(&prepared, "log-in").await.map_err(|trouble| self.trouble(asked, "", &trouble))?;
        let read = self.read_log_in(&answer, operation);
        let why = match unsuccessful(&read, operation, &scope, &Json::Null) {
            None => match Session::keep(login, &read, known.clone(), number) {
                Ok(session) => {
                    self.keep_durably(login, &session).await?;
                    return Ok(session);
                }
                Err(why) => why,
            },
            Some(why) => why,
        };
        let verdict = classify(&read, &why, &self.manifest.errors, asked, &scope, &Json::Null);
        match verdict.reaction {
            // Whatever the words: a log-in that is answered with a refusal was refused, and repeating it only locks users out.
            Reaction::LogIn => Err(self.refused(answer.status, &verdict)),
            Reaction::Class(_) if matches!(answer.status, 400 | 401 | 403) => {
                Err(self.refused(answer.status, &verdict))
            }
            Reaction::Class(class) => {
                let hidden: Vec<&str> = self.hidden(&[]).collect();
                let call = Call {
                    operation,
                    asked,
                    name: "",
                    plan: None,
                    key: &[],
                    roots: Vec::new(),
                    extras: Extras::default(),
                    personal: &[],
                };
                Err(self.judged(for_engine(class, asked), &call, answer.status, verdict, &hidden))
            }
        }
    }

    /// Gives the sessions back, if there are any and the system wants that.
    pub(crate) async fn log_out(&self) {
        let Auth::LogIn(login) = &self.manifest.auth else { return };
        let sessions = self.keeper.empty().await;
        let Some((method, path)) = &login.logout else { return };
        let roots = [("config", &self.config)];
        for session in sessions {
            let scope = self.scope(&roots, &session.kept, &[]);
            let subject = Subject { manifest: &self.manifest, plan: None, key: &[] };
            let prepared = request::address(subject, path, &scope).and_then(|url| {
                let headers = crate::auth::added(&self.manifest, &scope)?.headers;
                Ok(Prepared { method: *method, url, headers, body: crate::http::Body::None })
            });
            if let Ok(prepared) = prepared {
                // A session that cannot be given back ends by itself; nothing depends on this answer.
                let _ = self.send(&prepared, "log-out").await;
            }
        }
    }

    /// What templates of a request may name.
    pub(crate) fn scope<'s>(
        &'s self,
        roots: &'s [(&'s str, &'s Json<'static>)],
        session: &'s [(String, SecretString)],
        lets: &'s [(String, mapwright_manifest::Tree)],
    ) -> Scope<'s> {
        Scope { roots, secrets: &self.secrets, session, lets, quote: None, codec: Some(&self.manifest.codec) }
    }

    /// A log-in answers JSON, whatever the system's records are written in, unless it is a call of the service itself.
    fn read_log_in<'a>(&self, answer: &'a crate::answer::Answer, operation: &Operation) -> ReadAnswer<'a> {
        if operation.call.is_some() || operation.document.is_some() {
            answer.read(&self.manifest, Some(operation))
        } else {
            answer.read_json()
        }
    }

    /// The values that a log-in starts from: those kept before, else the first ones.
    async fn first_values(&self, login: &LogIn) -> Result<Vec<(String, SecretString)>, Failure> {
        let mut known = Vec::new();
        for (name, template) in &login.first {
            let kept = match &self.vault {
                Some(vault) if login.durable.contains(name) => vault.load(&self.alias, name).await,
                Some(_) | None => Ok(None),
            };
            let kept = kept.map_err(|words| self.failure(Class::Halt, words))?;
            let value = match kept {
                Some(value) => value,
                None => {
                    let roots = [("config", &self.config)];
                    let text = self.scope(&roots, &[], &[]).text(template);
                    let text = text.map_err(|unfilled| self.failure(Class::Halt, unfilled.message))?;
                    SecretString::from(text.unwrap_or_default())
                }
            };
            known.push((name.clone(), value));
        }
        Ok(known)
    }

    /// Stores rotated values before anything that came with them is used.
    async fn keep_durably(&self, login: &LogIn, session: &Session) -> Result<(), Failure> {
        for name in &login.durable {
            let Some((_, value)) = session.kept.iter().find(|(known, _)| known == name) else { continue };
            let Some(vault) = &self.vault else { continue };
            vault.save(&self.alias, name, value).await.map_err(|words| {
                let words = format!("the log-in gave a new `{name}`, and it cannot be kept: {words}");
                self.failure(Class::Halt, words)
            })?;
        }
        Ok(())
    }

    fn too_fast(&self, wait: Duration) -> Failure {
        let words = format!("requests are at the limit of {}; nothing was sent", self.manifest.title);
        Failure { retry_after: Some(wait), ..self.failure(Class::Throttled, words) }
    }

    fn unfilled(&self, call: &Call<'_>, unfilled: &Unfilled) -> Failure {
        self.failure(
            unfilled.class,
            format!("{} {}: {}; nothing was sent", call.asked.words(), call.name, unfilled.message),
        )
    }

    fn refused(&self, status: u16, verdict: &Verdict) -> Failure {
        let names: Vec<&str> =
            self.manifest.secrets.iter().filter(|(_, required)| **required).map(|(name, _)| name.as_str()).collect();
        let check = match names.as_slice() {
            [] => "the credentials".to_owned(),
            [one] => (*one).to_owned(),
            [first, rest @ ..] => format!("{first} and {}", rest.join(", ")),
        };
        // Not every refusal is about credentials: the system's own words tell, without the secrets that it may repeat.
        let words =
            if verdict.html || verdict.message.is_empty() { String::new() } else { format!(": {}", verdict.message) };
        let message = format!("credentials refused ({}{words}): check {check}", verdict.answered(status));
        let hidden: Vec<&str> = self.hidden(&[]).collect();
        let mut failure = self.failure(Class::Halt, redacted(message, &hidden));
        failure.status = Some(status);
        failure.code.clone_from(&verdict.code);
        failure
    }

    fn judged(&self, class: Class, call: &Call<'_>, status: u16, verdict: Verdict, hidden: &[&str]) -> Failure {
        let what = format!("{} {}", call.asked.words(), call.name);
        let message = if verdict.html {
            format!(
                "{} answered {} (status {status}): is the address that of {}?",
                self.base, verdict.message, self.manifest.title
            )
        } else if status == 407 {
            PROXY_CREDENTIALS.to_owned()
        } else if (300..400).contains(&status) {
            format!(
                "{} redirects (status {status}) and redirects are not followed: give the address that it redirects to",
                self.host
            )
        } else {
            format!("{}: {} answered {}: {}", what.trim_end(), self.host, verdict.answered(status), verdict.message)
        };
        let mut failure = self.failure(class, redacted(message, hidden));
        failure.status = Some(status);
        failure.code = verdict.code;
        failure.field = verdict.field;
        failure.retry_after = verdict.retry_after;
        failure.existing = verdict.existing;
        failure
    }

    fn trouble(&self, asked: Asked<'_>, name: &str, trouble: &Trouble) -> Failure {
        let unproven = if asked.writes() { Class::Ambiguous } else { Class::Transient };
        let what = format!("{} {name}", asked.words());
        let what = what.trim_end();
        let open = if asked.writes() { "; whether it had its effect is not known" } else { "" };
        match trouble {
            Trouble::NotSent(reason) => self.failure(
                Class::Transient,
                format!("cannot reach {} ({reason}): is the address right and the service up?", self.host),
            ),
            Trouble::Untrusted(reason) => self.failure(
                Class::Halt,
                format!(
                    "the certificate of {} is not trusted ({reason}): is the address right, and is its authority's PEM file given as `ca_file`?",
                    self.host
                ),
            ),
            Trouble::Unsigned(words) => {
                self.failure(Class::Halt, format!("{what}: the request cannot be signed: {words}; nothing was sent"))
            }
            Trouble::ProxyCredentials => self.failure(Class::Halt, PROXY_CREDENTIALS),
            Trouble::Unanswered(reason) => {
                self.failure(unproven, format!("{what}: {} gave no answer ({reason}){open}", self.host))
            }
            Trouble::Truncated { status, reason } => {
                let message = format!("{what}: the answer of {} broke off ({reason}){open}", self.host);
                Failure { status: Some(*status), ..self.failure(unproven, message) }
            }
            Trouble::TooLarge { status, bytes_max } => {
                let class = if asked.writes() { Class::Ambiguous } else { Class::Halt };
                let message = format!(
                    "{what}: the answer of {} is larger than {bytes_max} bytes: ask for smaller pages or raise `limits.body_max`{open}",
                    self.host
                );
                Failure { status: Some(*status), ..self.failure(class, message) }
            }
        }
    }

    fn hidden<'h>(&'h self, kept: &'h [(String, SecretString)]) -> impl Iterator<Item = &'h str> {
        self.secrets.iter().chain(kept).map(|(_, secret)| secret.expose_secret())
    }
}

fn redacted(message: String, hidden: &[&str]) -> String {
    hidden
        .iter()
        .filter(|text| text.chars().count() >= REDACTED_CHARACTERS_MIN)
        .fold(message, |message, text| message.replace(text, "***"))
}
