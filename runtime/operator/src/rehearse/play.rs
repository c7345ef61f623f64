//! A rehearsal of any integration: its systems are played from their manifests and catalogues, its scene says what is there and
//! what people do, and the books follow from its own flows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use mapwright_connectors::{ConnectionSettings, Connectors, SealedFiles, Vault};
use mapwright_engine::clock::SystemClock;
use mapwright_engine::crash::CrashPoint;
use mapwright_engine::dead_letters::DeadLetters;
use mapwright_engine::state::State;
use mapwright_engine::store::sqlite::SqliteStore;
use mapwright_engine::store::{Selection, Store};
use mapwright_engine::{Engine, Sync};
use mapwright_sandbox::derived::{Derived, DerivedConfig, Schema};
use mapwright_sandbox::seed::{Seed, SeedConfig};
use mapwright_sandbox::{Fault, RandomFaults};
use mapwright_values::plan::Manner;
use mapwright_values::settings::check_settings;
use mapwright_values::{Integration, Json};
use secrecy::SecretString;

use super::audit::{Audit, Audited};
use super::holes::{Taxes, text_at};
use super::inbox::Inbox;
use super::report::{self, Books, Entry};
use super::scene::{self, Scene, Systems};
use super::stage;
use crate::command::RehearseArguments;
use crate::connect::Connections;
use crate::say::say;
use crate::service::{close, show_progress};
use crate::{Ending, Faults};

/// Most dead letters that are listed by cause.
const DEAD_LETTERS_MAX: u32 = 100_000;
/// Rows a page, so that a reading has several pages.
const PAGE_ROWS: &str = "20";
/// How old what is there before is, by its stamps.
const LONG_AGO: Duration = Duration::from_secs(3600);
/// How old what happens between the acts is: readings stay behind the systems' clocks, and reach back further than this.
const JUST_NOW: Duration = Duration::from_secs(15);
/// After so many full passes a set of flows that goes on writing will not stop.
const PASSES_MAX: usize = 5;

pub(crate) async fn play(
    integration: &'static Integration,
    wanted: &RehearseArguments,
    scene: Option<&'static str>,
) -> Result<Ending, Faults> {
    let Some(scene) = scene else {
        return Err(
            "nothing says what to play: put a `rehearsal.yaml` beside the specs and hand it to `main_with_scene` in \
                    main.rs (docs/operation.md)"
                .into(),
        );
    };
    say!("Rehearsal of {}", integration.plan.name);
    let scene = Scene::parse(scene)?;
    let taxes = scene.taxes()?;
    if let Some(file) = wanted.store.as_deref().filter(|file| file.exists()) {
        return Err(format!(
            "{} is there already: a rehearsal needs a store of its own, name a new file with --store",
            file.display()
        )
        .into());
    }
    let folder = tempfile::tempdir()?;
    let file = wanted.store.clone().unwrap_or_else(|| folder.path().join("rehearsal.db"));
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file)?);
    let systems = start(integration).await?;
    let seed = fill(&systems, &scene, wanted)?;
    let (before, _) = scene::carry_out(&systems, &scene.before, &taxes, LONG_AGO)?;
    let titles: Vec<&str> = systems.values().map(Derived::title).collect();
    say!("  played on this machine from their manifests and catalogues: {}", titles.join("; "));
    if let Some(seed) = seed {
        say!(
            "  a shop with {} orders, {} customers, {} products",
            seed.orders.len(),
            seed.customers.len(),
            seed.products.len()
        );
    }
    say!("  {before} records that the scene adds");

    let given = Json::parse(&serde_json::Value::Object(scene.settings.clone()).to_string()).map(Json::into_owned)?;
    let settings = check_settings(integration.plan.settings, &given).map_err(Faults)?;
    let inbox = Inbox::start().await?;
    let connections = connect(integration, &systems, folder.path())?;
    let options = stage::options(integration, &inbox)?;
    let engine = Engine::new(*integration, connections.clone(), Arc::clone(&store), settings.clone(), options)?;
    let started = Instant::now();

    say!("\nFirst act: {}", if wanted.calm { "a calm day" } else { "a rough day" });
    if !wanted.calm {
        for (number, system) in (0_u64..).zip(systems.values()) {
            system.faults().random(storm(wanted.seed ^ number));
        }
    }
    act(&engine, &Sync::default()).await?;
    let seconds = started.elapsed();
    let status = store.status(Timestamp::now()).await?;
    let dead = store.dead_letters(Selection::default(), DEAD_LETTERS_MAX).await?;
    let faults: Vec<_> = systems.values().map(Derived::faults).collect();
    report::first_act(integration, &faults, &status, &dead, &inbox, seconds);

    for system in systems.values() {
        system.faults().switch_off();
    }
    let (added, changed) = scene::carry_out(&systems, &scene.between, &taxes, JUST_NOW)?;
    say!(
        "\nSecond act: {added} records are added and {changed} changed, the dead letters are tried again, the faults are over"
    );
    let crash = CrashPoint::default();
    let letters = DeadLetters { store: &*store, clock: &SystemClock, operator: "rehearsal".to_owned(), crash: &crash };
    let retried = letters.retry(Selection::default(), "the rehearsal's second act").await?;
    say!("  {retried} dead letters go back to the queue");
    tokio::time::sleep(stage::BETWEEN_ACTS).await;
    act(&engine, &Sync::default()).await?;
    let echo = settle(&engine, &systems).await?;
    close(&connections).await;

    let audit = Audit { integration, systems: &systems, store: &store, settings: &settings };
    let books = examine(&audit, (&scene, &taxes), &inbox, dead.len(), echo).await?;
    report::last_act(&books, started.elapsed());
    for system in systems.values() {
        system.stop().await;
    }
    inbox.stop();
    Ok(if books.balance() { Ending::Well } else { Ending::NeedsAPerson })
}

/// Starts every system of the integration.
async fn start(integration: &Integration) -> Result<Systems, Faults> {
    let mut systems = Systems::new();
    for system in integration.plan.systems {
        let mut config = DerivedConfig { hold: stage::HOLD, hooks: integration.hooks, ..DerivedConfig::default() };
        config.config.insert("page_size".to_owned(), PAGE_ROWS.to_owned());
        let played = Derived::start(Schema::of_plan(system), system.manifest, config).await;
        let played = played.map_err(|error| format!("{} cannot be played: {error}", system.name))?;
        systems.insert(system.alias.to_owned(), played);
    }
    Ok(systems)
}

/// Fills the shop with what is made up.
fn fill(systems: &Systems, scene: &Scene, wanted: &RehearseArguments) -> Result<Option<Seed>, Faults> {
    let Some(name) = &scene.shop else { return Ok(None) };
    let Some(shop) = systems.get(name) else {
        return Err(format!("rehearsal.yaml: there is no system `{name}`").into());
    };
    let orders = wanted.orders.unwrap_or(scene.orders);
    let seed = Seed::generate(&SeedConfig { orders, seed: wanted.seed, ..SeedConfig::default() });
    shop.fill(&seed, LONG_AGO);
    Ok(Some(seed))
}

async fn act(engine: &Engine, sync: &Sync) -> Result<(), Faults> {
    let bar = tokio::spawn(show_progress(engine.progress()));
    let summary = engine.sync(sync).await;
    bar.abort();
    let summary = summary?;
    for (flow, reason) in &summary.failed_readings {
        say!("  the reading of {flow} was given up for now: {reason}");
    }
    Ok(())
}

/// A rough day, but what costs a second of waiting each time is rarer: a wish for a pause stops the whole connection, a time-out a
/// worker.
fn storm(seed: u64) -> RandomFaults {
    let mut faults = RandomFaults::rough_day(seed);
    for (fault, rate) in &mut faults.rates {
        if matches!(fault, Fault::Throttled { .. } | Fault::Status { retry_after_s: Some(_), .. }) {
            *rate = 1;
        }
        if matches!(fault, Fault::TimeoutBeforeEffect | Fault::TimeoutAfterEffect) {
            *rate = 4;
        }
    }
    faults
}

fn connect(
    integration: &'static Integration,
    systems: &Systems,
    folder: &std::path::Path,
) -> Result<Connections, Faults> {
    let sealing = SecretString::from("the rehearsal's own key, good for one day");
    let vault: Arc<dyn Vault> = Arc::new(SealedFiles::open(folder.join("vault"), &sealing)?);
    let mut connections = Connections::new();
    let mut faults = Vec::new();
    for plan in integration.plan.systems {
        let Some(system) = systems.get(plan.alias) else { continue };
        let mut config = system.config().clone();
        config.retain(|name, _| system.declares(name));
        if system.declares("page_size") {
            config.insert("page_size".to_owned(), PAGE_ROWS.to_owned());
        }
        let secrets = system.credentials().into_iter();
        let settings = ConnectionSettings {
            url: system.url(),
            config,
            credentials: secrets.map(|(name, value)| (name, SecretString::from(value))).collect(),
            request_timeout: Some(stage::REQUEST_TIMEOUT),
            vault: Some(Arc::clone(&vault)),
            hooks: integration.hooks,
            ..ConnectionSettings::default()
        };
        match Connectors::open(plan, settings) {
            Ok(connection) => {
                connections.insert(plan.alias.to_owned(), connection);
            }
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() { Ok(connections) } else { Err(Faults(faults)) }
}

/// Seconds with one decimal.
pub(super) fn seconds(time: Duration) -> String {
    format!("{}.{} s", time.as_secs(), time.subsec_millis() / 100)
}

/// Full passes until one changes nothing; says what the last of too many still changed.
async fn settle(engine: &Engine, systems: &Systems) -> Result<Vec<String>, Faults> {
    let mut last = Vec::new();
    for _ in 0..PASSES_MAX {
        let before: Vec<usize> = systems.values().map(|system| system.ledger().effects().len()).collect();
        act(engine, &Sync { everything: true, ..Sync::default() }).await?;
        last = systems
            .iter()
            .zip(before)
            .flat_map(|((alias, system), before)| {
                let new = system.ledger().effects().into_iter().skip(before);
                new.map(|effect| format!("{alias}.{} {} was written once more", effect.entity, effect.key))
                    .collect::<Vec<_>>()
            })
            .collect();
        if last.is_empty() {
            break;
        }
    }
    Ok(last)
}

async fn examine(
    audit: &Audit<'_>,
    (scene, taxes): (&Scene, &Taxes),
    inbox: &Inbox,
    dead: usize,
    echo: Vec<String>,
) -> Result<Books, Faults> {
    let status = audit.store.status(Timestamp::now()).await?;
    let mut entries = Vec::new();
    for rule in &scene.books {
        let held = scene::examine(audit.systems, rule, taxes)?;
        let figure = format!("{} of {}", held.asked.saturating_sub(held.against.len()), held.asked);
        let mut against = held.against;
        if held.asked == 0 {
            against.push("there is nothing of it: the scene proves nothing here".to_owned());
        }
        entries.push(Entry { what: rule.what.clone(), figure, against });
    }
    for flow in audit.integration.plan.flows {
        let audited = audit.flow(flow).await?;
        let known = status.flows.iter().find(|known| known.flow == flow.name);
        for (number, (write, audited)) in flow.writes.iter().zip(&audited).enumerate() {
            let count = |states: &[State]| -> u64 {
                let all = known.into_iter().flat_map(|known| &known.counts);
                all.filter(|count| count.write == number && states.contains(&count.state))
                    .map(|count| count.messages)
                    .sum()
            };
            entries.push(written(flow.name, write.mapping, audited, count(&[State::Dead, State::ParkedAmbiguous])));
        }
        if let Some(known) = known.filter(|known| !known.is_conserved()) {
            let against = vec![format!("the states do not add up to {} accepted", known.accepted)];
            entries.push(Entry {
                what: format!("{}: every record is accounted for", flow.name),
                figure: String::new(),
                against,
            });
        }
    }
    entries.push(unfinished(&status.flows));
    entries.push(duplicates(audit));
    entries.push(Entry {
        what: "writes that a further full pass makes".to_owned(),
        figure: echo.len().to_string(),
        against: echo,
    });
    let heard = inbox.texts().len();
    let unheard = dead > 0 && heard == 0;
    entries.push(Entry {
        what: "alerts were raised and heard".to_owned(),
        figure: heard.to_string(),
        against: if unheard { vec!["no alert came in".to_owned()] } else { Vec::new() },
    });
    let delivered = status.flows.iter().map(|flow| flow.count(State::Done)).sum();
    Ok(Books { entries, delivered })
}

/// One write of a flow: what is there as the specs say, and whether what is not has its reason and its dead letter.
fn written(flow: &str, mapping: &str, audited: &Audited, dead: u64) -> Entry {
    let mut against = audited.against.clone();
    let rejected: usize = audited.rejected.values().sum();
    if u64::try_from(rejected).ok() != Some(dead) {
        against.push(format!("the specs reject {rejected} records, and {dead} are dead letters"));
    }
    if audited.waiting > 0 {
        against.push(format!("{} records still wait for another", audited.waiting));
    }
    let all = audited.agree + audited.against.len();
    let mut figure = format!("{} of {all}", audited.agree);
    if audited.skipped > 0 {
        figure.push_str(&format!(", {} not wanted", audited.skipped));
    }
    if rejected > 0 {
        let reasons: Vec<&str> = audited.rejected.keys().map(String::as_str).collect();
        figure.push_str(&format!(", {rejected} rejected: {}", reasons.join("; ")));
    }
    Entry { what: format!("{flow}: {mapping} as the specs say"), figure, against }
}

fn unfinished(flows: &[mapwright_engine::status::FlowStatus]) -> Entry {
    let mut against = Vec::new();
    for flow in flows {
        for count in flow.counts.iter().filter(|count| count.messages > 0) {
            // Dead letters are held against what the specs reject.
            let told = matches!(
                count.state,
                State::Done | State::Noop | State::Superseded | State::Skipped | State::Dead | State::ParkedAmbiguous
            );
            if !told {
                against.push(format!("{}: {} are {}", flow.flow, count.messages, crate::status::name(count.state)));
            }
        }
    }
    Entry { what: "records that are unfinished".to_owned(), figure: against.len().to_string(), against }
}

/// No two records of a target share what the flows know them by.
fn duplicates(audit: &Audit<'_>) -> Entry {
    let mut against = Vec::new();
    let mut looked: BTreeSet<(&str, &str, Vec<&str>)> = BTreeSet::new();
    for write in audit.integration.plan.flows.iter().flat_map(|flow| flow.writes) {
        let by = match write.manner {
            Manner::CreateOnce { by } | Manner::Upsert { by } => by,
            Manner::Update { .. } | Manner::Delete { .. } | Manner::Action => continue,
        };
        let Some(mapping) = audit.integration.plan.mapping(write.mapping) else { continue };
        let Some(system) = audit.systems.get(mapping.system) else { continue };
        if !looked.insert((mapping.system, mapping.entity, by.to_vec())) {
            continue;
        }
        let mut seen: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for record in system.records(mapping.entity) {
            let key: Option<Vec<String>> = by.iter().map(|path| text_at(&record, path)).collect();
            if let Some(key) = key.filter(|key| key.iter().any(|part| !part.is_empty())) {
                *seen.entry(key).or_default() += 1;
            }
        }
        let twice = seen.into_iter().filter(|(_, count)| *count > 1);
        against
            .extend(twice.map(|(key, count)| format!("{} {} is there {count} times", mapping.entity, key.join("/"))));
    }
    Entry { what: "records that are there twice".to_owned(), figure: against.len().to_string(), against }
}
