//! A sandbox of any system, derived from its manifest and its catalogue.
//!
//! In: a [`Schema`], a manifest's text, a [`DerivedConfig`]. Out: a running [`Derived`] that answers as the manifest says the
//! system would, refuses what the catalogue forbids, and keeps a ledger. Never: a real endpoint; a vendor's rule that stands in
//! neither file (see `docs/decisions/0050-a-sandbox-of-any-system.md`).
//!
//! The manifest is read backwards: `unify.rs` finds what a request's slots held, `reply.rs` writes answers where selectors look.
//!
//! | I want to ... | go to |
//! |---|---|
//! | change how a request is told apart | `route.rs` |
//! | change what is refused | `check.rs`, `store.rs` |
//! | change lists, pages, conditions | `list.rs`, `conditions.rs`, `odata.rs` |
//! | change the shape of errors | `reply.rs`, `sample.rs` |
//! | change subscriptions and the calls to subscribers | `subscriptions.rs`, `telling.rs`, `calling.rs` |
//! | change how saved answers are compared with the catalogue | `saved.rs` |
//! | change a protocol | `soap.rs`, `graphql.rs`, `codec.rs`, `xml.rs` |

mod act;
mod calling;
mod changeset;
mod check;
mod codec;
mod conditions;
mod fill;
mod graphql;
mod list;
mod login;
mod odata;
mod reply;
mod route;
mod sample;
mod saved;
mod schema;
mod seed;
mod soap;
mod store;
mod subscriptions;
mod system;
mod telling;
mod token;
mod tree;
mod unify;
mod write;
mod xml;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::tz::TimeZone;
use mapwright_manifest::{Codec, ConfigDefault, Lock, Manifest, Pass};
use mapwright_values::{Hook, Json, Term};

use crate::fault::Faults;
use crate::ledger::Ledger;
use crate::server::{self, Limits, Running, StartError};
use codec::Wire;
use conditions::Condition;
use store::Stamp;
use system::{State, System};
use tree::{Value, plain};

pub use saved::{Misfit, SavedAnswer, SavedRecords};
pub use schema::{EntityType, FieldType, Schema, Shape};

/// How old made-up records are.
const LONG_AGO: Duration = Duration::from_secs(3600);

/// How a derived system behaves.
#[derive(Clone, Debug)]
pub struct DerivedConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Values that the manifest's `config` declares, by name; addresses become the sandbox's own by themselves.
    pub config: BTreeMap<String, String>,
    /// How long a log-in holds, where its answer says so.
    pub session_life: Duration,
    /// How long a time-out fault holds a connection before it drops it.
    pub hold: Duration,
    /// Larger request bodies are refused with 413.
    pub body_bytes_max: usize,
    /// The hooks of the program: a codec's pair of them is needed to play a system that has one.
    pub hooks: &'static [Hook],
}

impl Default for DerivedConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            config: BTreeMap::new(),
            session_life: Duration::from_secs(600),
            hold: Duration::from_secs(2),
            body_bytes_max: 8 * 1024 * 1024,
            hooks: &[],
        }
    }
}

/// Why a derived system could not start.
#[derive(Debug)]
pub enum DerivedError {
    /// The manifest cannot be read.
    Manifest(Vec<String>),
    /// The manifest asks for what a derived system cannot play.
    Unplayed(String),
    /// The address cannot be bound.
    Start(StartError),
}

impl fmt::Display for DerivedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest(faults) => write!(f, "the manifest has faults: {}", faults.join("; ")),
            Self::Unplayed(what) => write!(f, "a sandbox that is derived from a manifest cannot play {what}"),
            Self::Start(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for DerivedError {}

/// A running system. Clones share it.
#[derive(Clone)]
pub struct Derived {
    system: Arc<System>,
    running: Running,
    faults: Faults,
    ledger: Ledger,
    config: BTreeMap<String, String>,
}

impl Derived {
    /// Starts a system of this catalogue and manifest, without records.
    ///
    /// # Errors
    /// The manifest has faults or asks for what cannot be played; the address cannot be bound.
    pub async fn start(schema: Schema, manifest: &str, config: DerivedConfig) -> Result<Self, DerivedError> {
        let mut manifest = Manifest::parse(manifest, "connector.yaml")
            .map_err(|faults| DerivedError::Manifest(faults.iter().map(|fault| fault.message.clone()).collect()))?;
        // A signature is taken as it comes, and nothing is to be classified here: only a codec's hook must be there.
        let _ = manifest.bind(config.hooks);
        if let Some(what) = unplayed(&manifest) {
            return Err(DerivedError::Unplayed(what));
        }
        let bound = server::bind_at(&manifest.title, config.listen).await.map_err(DerivedError::Start)?;
        let origin = format!("http://{}", bound.1);
        let (told, matched) = configured(&manifest, &config.config, &origin);
        let wire = Wire(manifest.codec.clone());
        let routes = route::routes(&manifest, &schema, &matched);
        let stamps = stamps(&manifest, &schema, &matched);
        let (faults, ledger) = (Faults::default(), Ledger::default());
        let (outbox, calls) = calling::outbox();
        let system = Arc::new(System {
            secrets: login::secrets(&manifest),
            manifest,
            schema,
            wire,
            config: matched,
            routes,
            stamps,
            life: config.session_life,
            state: Mutex::new(State::default()),
            ledger: ledger.clone(),
            outbox,
        });
        tokio::spawn(calling::deliver(calls, Arc::downgrade(&system)));
        let limits = Limits { body_bytes_max: config.body_bytes_max, hold: config.hold };
        let running = server::serve(bound, Arc::clone(&system), faults.clone(), ledger.clone(), limits);
        Ok(Self { system, running, faults, ledger, config: told })
    }

    /// The address, without a path: what a deployment gives as `url`.
    #[must_use]
    pub fn url(&self) -> String {
        self.running.origin()
    }

    /// What a deployment gives as `config`.
    #[must_use]
    pub fn config(&self) -> &BTreeMap<String, String> {
        &self.config
    }

    /// What a deployment gives as `credentials`.
    #[must_use]
    pub fn credentials(&self) -> BTreeMap<String, String> {
        tree::members(&self.system.secrets)
            .iter()
            .map(|(name, value)| (name.clone().into_owned(), plain(value)))
            .collect()
    }

    /// The manifest's title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.system.manifest.title
    }

    /// The fault plan.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What happened.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Forgets every session and token.
    pub fn expire_sessions(&self) {
        self.system.state().gate.forget_all();
    }

    /// The live records of an entity, in the catalogue's shape, in the order of their creation.
    #[must_use]
    pub fn records(&self, entity: &str) -> Vec<Json<'static>> {
        self.system.state().store.all(entity).iter().map(|stored| stored.record.clone()).collect()
    }

    /// Adds a record as the system's own people do: nothing is checked but that the entity is known; key, numbers and stamps are
    /// given where the record has none. `age` = how long ago that was, by its stamps. Says the stored record.
    ///
    /// # Errors
    /// The catalogue has no such entity.
    pub fn add(&self, entity: &str, record: Json<'static>, age: Duration) -> Result<Json<'static>, String> {
        let known = self.system.schema.entity(entity).ok_or(format!("the catalogue has no entity {entity}"))?;
        let mut state = self.system.state();
        let record = seed::typed(&known.fields, record);
        let stored = state.store.insert(known, record, self.system.stamps_of(entity), system::ago(age)).record.clone();
        drop(state);
        self.system.tell();
        Ok(stored)
    }

    /// Changes a record as the system's own people do: stamps move, nothing is checked. Says whether it was there.
    pub fn change(&self, entity: &str, key: &[String], change: &Json<'static>, age: Duration) -> bool {
        let Some(known) = self.system.schema.entity(entity) else { return false };
        let mut state = self.system.state();
        let stamps = (self.system.stamps_of(entity), &[][..]);
        let change = seed::typed(&known.fields, change.clone());
        let there = state.store.update(known, key, &change, stamps, system::ago(age)).is_some();
        drop(state);
        self.system.tell();
        there
    }

    /// The subscriptions that stand: the event of each and the address that it calls.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<(String, String)> {
        let mut state = self.system.state();
        subscriptions::living(&mut state.subscriptions);
        state.subscriptions.iter().map(|one| (one.event.clone(), one.address.clone())).collect()
    }

    /// Loses all subscriptions, as a system does whose subscriber was away for too long.
    pub fn lose_subscriptions(&self) {
        self.system.state().subscriptions.clear();
    }

    /// Lets subscriptions that end by themselves end after so long from now on.
    pub fn shorten_subscriptions(&self, life: Duration) {
        let mut state = self.system.state();
        for one in &mut state.subscriptions {
            one.shorten(life);
        }
    }

    /// Removes a record as the system's own people do. Says whether it was there.
    pub fn remove(&self, entity: &str, key: &[String]) -> bool {
        let Some(known) = self.system.schema.entity(entity) else { return false };
        self.system.state().store.remove(known, key).is_some()
    }

    /// Is a record still as it was made?
    #[must_use]
    pub fn is_untouched(&self, entity: &str, key: &[String]) -> bool {
        let Some(known) = self.system.schema.entity(entity) else { return false };
        self.system.state().store.find(known, key).is_some_and(|stored| stored.revision == 1)
    }

    /// The key of a record of that entity.
    #[must_use]
    pub fn key_of(&self, entity: &str, record: &Json<'static>) -> Vec<String> {
        self.system.schema.entity(entity).map(|known| store::key_of(known, record)).unwrap_or_default()
    }

    /// Makes up so many plausible records of each entity; says how many there are of each. An entity that must refer to what is
    /// not there stays empty.
    pub fn make_up(&self, count: u64, seed: u64) -> Vec<(String, usize)> {
        let mut made = Vec::new();
        for entity in seed::order_of(&self.system.schema) {
            let mut state = self.system.state();
            for index in 0..count {
                let Some(record) = seed::record(&self.system.schema, &state.store, entity, index, seed) else { break };
                state.store.insert(entity, record, self.system.stamps_of(&entity.name), system::ago(LONG_AGO));
            }
            made.push((entity.name.clone(), state.store.all(&entity.name).len()));
        }
        made
    }

    /// A made-up record that a client may create: without what only the system writes. `None` = it must refer to what is not there.
    #[must_use]
    pub fn draft(&self, entity: &str, index: u64, seed: u64) -> Option<Json<'static>> {
        let known = self.system.schema.entity(entity)?;
        let state = self.system.state();
        let record = seed::record(&self.system.schema, &state.store, known, index, seed)?;
        Some(seed::writable(&known.fields, record))
    }

    /// Stops after the requests under way.
    pub async fn stop(&self) {
        self.running.stop().await;
    }
}

/// What a derived system cannot play, in words.
fn unplayed(manifest: &Manifest) -> Option<String> {
    match &manifest.codec {
        Codec::Hook(hooked) if hooked.function.is_none() => Some(format!(
            "records that the hook `{}` writes: only a program that gives the hook can play them (its `rehearse`)",
            hooked.name
        )),
        Codec::Hook(_) | Codec::Json(_) | Codec::Xml(_) | Codec::NamedXml(_) | Codec::Csv { .. } => None,
    }
}

/// The deployment's values, and the same with the sandbox's address left out, as requests are matched from their path on.
fn configured(
    manifest: &Manifest,
    given: &BTreeMap<String, String>,
    origin: &str,
) -> (BTreeMap<String, String>, Value) {
    let mut told = BTreeMap::new();
    let mut matched = Json::Record(vec![("url".into(), Json::text(""))]);
    for (name, entry) in &manifest.config {
        if let Some(value) = given.get(name) {
            told.insert(name.clone(), value.clone());
            tree::put(&mut matched, &[name], Json::text(value.clone()));
            continue;
        }
        match &entry.default {
            // Where a default leads elsewhere (a log-in server), the sandbox stands in for that as well.
            Some(ConfigDefault::Text(text)) if text.contains("://") => {
                if name != "url" {
                    told.insert(name.clone(), origin.to_owned());
                }
                tree::put(&mut matched, &[name], Json::text(""));
            }
            Some(ConfigDefault::Text(text)) => tree::put(&mut matched, &[name], Json::text(text.clone())),
            Some(ConfigDefault::Number(digits)) => tree::put(&mut matched, &[name], Json::text(digits.clone())),
            Some(ConfigDefault::Boolean(value)) => tree::put(&mut matched, &[name], Json::Boolean(*value)),
            Some(ConfigDefault::Map(all)) => {
                for (inner, text) in all {
                    tree::put(&mut matched, &[name, inner], Json::text(text.clone()));
                }
            }
            None if entry.required => {
                let value = if name.contains("zone") { "Europe/Berlin".to_owned() } else { format!("sandbox-{name}") };
                told.insert(name.clone(), value.clone());
                tree::put(&mut matched, &[name], Json::text(value));
            }
            None => {}
        }
    }
    (told, matched)
}

/// How changes are stamped, by entity.
fn stamps(manifest: &Manifest, schema: &Schema, config: &Value) -> BTreeMap<String, Vec<Stamp>> {
    let mut all = BTreeMap::new();
    for entity in manifest.entities.values() {
        let Some(known) = schema.entity(&entity.name) else { continue };
        let passes: Vec<&Pass> = entity.changes.iter().flat_map(|changes| &changes.passes).collect();
        let is_made = |field: &str| field.to_lowercase().contains("creat");
        let some_made = passes.iter().any(|pass| is_made(pass.name()));
        let mut own: Vec<Stamp> = passes
            .iter()
            // A stamp within an entry of a list is that entry's.
            .filter(|pass| !in_list(known, pass.name()))
            .map(|pass| match pass {
                Pass::Field { field, format, from_list, .. } => Stamp::Field {
                    path: field.clone(),
                    shape: known.field(field).map(|field| field.shape.clone()),
                    format: format.clone(),
                    listed: *from_list,
                    made: is_made(field),
                    changed: some_made && !is_made(field),
                },
                Pass::DateAndTime { date, time, zone } => {
                    let reader = unify::Reader {
                        known: &[("config", config)],
                        lets: &[],
                        quote: None,
                        wire: &Wire::default(),
                        null_is_open: false,
                    };
                    let zone = reader.filled(zone).and_then(|zone| TimeZone::get(&zone).ok()).unwrap_or(TimeZone::UTC);
                    Stamp::Wall { date: date.clone(), time: time.clone(), zone }
                }
            })
            .collect();
        if let Lock::Field(path) = &manifest.lock
            && own.iter().all(|stamp| !matches!(stamp, Stamp::Field { path: known, .. } if known == path))
            && known.field(path).is_some()
        {
            own.push(Stamp::Field {
                path: path.clone(),
                shape: None,
                format: Some("%Y%m%d%H%M%S".to_owned()),
                listed: false,
                made: false,
                changed: false,
            });
        }
        all.insert(entity.name.clone(), own);
    }
    all
}

fn in_list(known: &EntityType, path: &str) -> bool {
    let steps: Vec<&str> = path.split('.').collect();
    (1..steps.len()).any(|count| {
        let above = steps.iter().take(count).copied().collect::<Vec<_>>().join(".");
        known.field(&above).is_some_and(|field| matches!(field.shape, Shape::List(..)))
    })
}

impl Derived {
    /// Does the manifest declare this value of a deployment?
    #[must_use]
    pub fn declares(&self, config: &str) -> bool {
        self.system.manifest.config.contains_key(config)
    }

    /// The records that fit all terms, as they stand now; nothing for an entity that is not there.
    #[must_use]
    pub fn find(&self, entity: &str, terms: &[Term]) -> Vec<Json<'static>> {
        let Some(known) = self.system.schema.entity(entity) else { return Vec::new() };
        let all = Condition::All(terms.iter().map(Condition::of_term).collect());
        let state = self.system.state();
        state.store.select(known, &all, &[]).into_iter().map(|stored| stored.record.clone()).collect()
    }

    /// Does the system show what this action does, by the manifest's probe?
    #[must_use]
    pub fn shows(&self, action: &str, record: &Json<'static>) -> bool {
        self.system.shows(action, record)
    }
}
