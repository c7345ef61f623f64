//! Every shipped system, played by the sandbox that its manifest and catalogue make, and spoken to by the drivers: lists to
//! their end, changes alone, single records, look-ups, creates, repeats, updates under the lock, refusals, lost sessions.
//! That sandbox and driver read one manifest by two different programs, so this proves that the manifest can be carried out;
//! what a vendor really does is the samples' and descriptions' matter.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mapwright_connectors::{ConnectionSettings, Connectors, SealedFiles};
use mapwright_engine::connector::{Class, Connector, Deed, PageRequest, Probe, Window, WriteRequest};
use mapwright_manifest::{Lock, Manifest, PagingKind, ProbeTarget, Repeat, Verb};
use mapwright_sandbox::derived::{Derived, DerivedConfig, Schema};
use mapwright_sandbox::{EffectKind, Fault, FaultRule};
use mapwright_values::plan::{EntityPlan, Kind, SystemPlan};
use mapwright_values::{Find, Json, Term, Test};
use secrecy::SecretString;

use crate::catalogue;

/// A played system and a connection to it.
pub(crate) struct Played {
    pub(crate) plan: &'static SystemPlan,
    manifest: Manifest,
    pub(crate) sandbox: Derived,
    pub(crate) connector: Arc<dyn Connector>,
    _vault: tempfile::TempDir,
}

impl Played {
    pub(crate) async fn start(system: &str, records: u64) -> Self {
        Self::start_of(catalogue::plan(system), records).await
    }

    /// The same of a system whose manifest is another.
    async fn start_with(system: &str, from: &str, to: &str) -> Self {
        let plan = catalogue::plan(system);
        assert!(plan.manifest.contains(from), "{system} holds {from}");
        let manifest = plan.manifest.replace(from, to).leak();
        Self::start_of(Box::leak(Box::new(SystemPlan { manifest, ..*plan })), 5).await
    }

    async fn start_of(plan: &'static SystemPlan, records: u64) -> Self {
        let system = plan.name;
        let config = DerivedConfig::default();
        let sandbox = Derived::start(Schema::of_plan(plan), plan.manifest, config)
            .await
            .unwrap_or_else(|error| panic!("{system}: {error}"));
        sandbox.make_up(records, 7);
        let manifest = Manifest::parse(plan.manifest, "connector.yaml").expect("a manifest");
        let vault = tempfile::tempdir().expect("a folder");
        let key = SecretString::from("a key for tests, long enough to seal with");
        let mut given = sandbox.config().clone();
        if manifest.config.contains_key("page_size") {
            // Several pages of a few records.
            given.insert("page_size".to_owned(), "10".to_owned());
        }
        let settings = ConnectionSettings {
            url: sandbox.url(),
            config: given,
            credentials: sandbox
                .credentials()
                .into_iter()
                .map(|(name, value)| (name, SecretString::from(value)))
                .collect(),
            request_timeout: Some(Duration::from_secs(20)),
            vault: Some(Arc::new(SealedFiles::open(vault.path().to_owned(), &key).expect("a vault"))),
            ..ConnectionSettings::default()
        };
        let connector = Connectors::open(plan, settings).unwrap_or_else(|faults| panic!("{system}: {faults:?}"));
        Self { plan, manifest, sandbox, connector, _vault: vault }
    }

    /// Does it look whether a subscriber answers?
    pub(crate) fn shakes_hands(&self) -> bool {
        self.manifest.webhooks.as_ref().is_some_and(|webhooks| !webhooks.handshake.is_empty())
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn entities(&self) -> impl Iterator<Item = &'static EntityPlan> {
        let listed = |entity: &&EntityPlan| {
            self.manifest.can(entity.name, Verb::List)
                && self.manifest.entity(entity.name).is_some_and(|entity| entity.parent.is_none())
        };
        self.plan.entities.iter().filter(|entity| !entity.action).filter(listed)
    }

    fn keys(&self, entity: &EntityPlan) -> BTreeSet<Vec<String>> {
        let records = self.sandbox.records(entity.name);
        records.iter().map(|record| self.sandbox.key_of(entity.name, record)).collect()
    }

    /// Every record that a list tells, pages followed to their end.
    async fn read(&self, entity: &EntityPlan, window: Option<Window>) -> Vec<Json<'static>> {
        let mut request = PageRequest {
            entity: entity.name.to_owned(),
            filter: Vec::new(),
            select: Vec::new(),
            window,
            cursor: None,
        };
        let mut rows = Vec::new();
        for _ in 0..50 {
            let page = self.connector.fetch_page(&request).await;
            let page = page.unwrap_or_else(|failure| panic!("{} list {}: {failure}", self.plan.name, entity.name));
            for row in page.rows {
                rows.push(Json::parse(&row.record).expect("a record").into_owned());
            }
            request.cursor = page.next;
            if request.cursor.is_none() {
                return rows;
            }
        }
        panic!("{} list {} does not end", self.plan.name, entity.name);
    }

    fn read_keys(&self, entity: &EntityPlan, rows: &[Json<'static>]) -> BTreeSet<Vec<String>> {
        rows.iter().map(|row| self.sandbox.key_of(entity.name, row)).collect()
    }

    async fn send(
        &self,
        entity: &str,
        deed: Deed,
        record: &Json<'_>,
        version: Option<String>,
    ) -> Result<Vec<String>, (Class, String)> {
        let write = WriteRequest {
            entity: entity.to_owned(),
            deed,
            record: record.to_text(),
            create_key: "key-1".to_owned(),
            version,
        };
        match self.connector.send(&write).await {
            Ok(written) => Ok(written.key),
            Err(failure) => Err((failure.class, failure.message)),
        }
    }
}

/// All systems whose catalogue and manifest make a sandbox.
fn played() -> Vec<String> {
    let names = crate::systems().into_iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    names.collect()
}

#[tokio::test]
async fn lists_end_and_tell_every_record_once() {
    for system in played() {
        let played = Played::start(&system, 23).await;
        played.connector.check().await.unwrap_or_else(|failure| panic!("{system}: {failure}"));
        let mut seen = 0;
        for entity in played.entities() {
            let rows = played.read(entity, None).await;
            assert_eq!(played.read_keys(entity, &rows), played.keys(entity), "{system} {}", entity.name);
            // A keyset is read from its last value on, so that rows of one value come again.
            if !matches!(played.manifest.paging.kind, PagingKind::Keyset { .. }) {
                let there = played.sandbox.records(entity.name).len();
                assert_eq!(rows.len(), there, "{system} {}: each once", entity.name);
            }
            seen += rows.len();
        }
        assert!(seen > 20, "{system} tells {seen} records");
        played.sandbox.stop().await;
    }
}

#[tokio::test]
async fn records_are_fetched_and_found_one_by_one() {
    for system in played() {
        let played = Played::start(&system, 12).await;
        let mut fetched = 0;
        for entity in played.entities().filter(|entity| played.manifest.can(entity.name, Verb::Get)) {
            for record in played.sandbox.records(entity.name).iter().take(2) {
                let key = played.sandbox.key_of(entity.name, record);
                let found = played.connector.fetch_record(entity.name, &key, &[]).await;
                let found = found.unwrap_or_else(|failure| panic!("{system} get {} {key:?}: {failure}", entity.name));
                let found = found.unwrap_or_else(|| panic!("{system} get {} {key:?}: not found", entity.name));
                let found = Json::parse(&found).expect("a record").into_owned();
                assert_eq!(played.sandbox.key_of(entity.name, &found), key, "{system} {}", entity.name);
                fetched += 1;
            }
            let absent: Vec<String> =
                entity.key.iter().map(|_| "00000000000000000000000000000000".to_owned()).collect();
            let found = played.connector.fetch_record(entity.name, &absent, &[]).await;
            let found = found.unwrap_or_else(|failure| panic!("{system} get nothing of {}: {failure}", entity.name));
            assert_eq!(found, None, "{system} {}", entity.name);
        }
        assert!(fetched > 0 || system == "flat-file-erp", "{system} fetches nothing");
        for entity in played.entities() {
            let natural = entity.natural_keys.iter().filter(|key| key.len() == 1).map(|key| key[0]);
            for field in natural.filter(|field| played.manifest.filterable(entity.name, field, Test::Eq)) {
                let records = played.sandbox.records(entity.name);
                let Some(value) = records.get(3).and_then(|record| record.get(field)).filter(|value| !value.is_null())
                else {
                    continue;
                };
                let find = Find {
                    system: "it".to_owned(),
                    entity: entity.name.to_owned(),
                    terms: vec![Term { field: field.to_owned(), test: Test::Eq, value: value.to_text() }],
                    select: vec![field.to_owned()],
                };
                let found = played.connector.find(&[find]).await;
                let found =
                    found.unwrap_or_else(|failure| panic!("{system} find {} by {field}: {failure}", entity.name));
                let same = records.iter().filter(|record| record.get(field) == Some(value)).count();
                assert_eq!(found[0].len(), same, "{system} {} by {field} = {value}", entity.name);
            }
        }
        played.sandbox.stop().await;
    }
}

#[tokio::test]
async fn only_what_changed_is_told_in_a_window() {
    for system in played() {
        let played = Played::start(&system, 8).await;
        for entity in played.entities() {
            let reading = played.connector.reading(entity.name);
            let Some(pass) = reading.passes.iter().position(|pass| !pass.contains('.')) else { continue };
            let records = played.sandbox.records(entity.name);
            let Some(key) = records.get(2).map(|record| played.sandbox.key_of(entity.name, record)) else { continue };
            let Some(field) = entity.fields.iter().find(|field| {
                matches!(field.kind, Kind::Text(_))
                    && !entity.key.contains(&field.name)
                    && !field.read_only
                    && field.refers_to.is_none()
                    && entity.natural_keys.iter().all(|natural| !natural.contains(&field.name))
            }) else {
                continue;
            };
            let since = jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_secs(60)).unwrap();
            let change = Json::Record(vec![(field.name.into(), Json::text("new"))]);
            assert!(played.sandbox.change(entity.name, &key, &change, Duration::ZERO), "{system} {}", entity.name);
            let rows = played.read(entity, Some(Window { pass, since: Some(since), until: None })).await;
            let keys = played.read_keys(entity, &rows);
            // What is stamped by day alone tells the whole day.
            let by_day = system == "sage-x3" || reading.passes[pass].to_lowercase().contains("date") && rows.len() > 1;
            assert!(keys.contains(&key), "{system} {}: the changed record is told", entity.name);
            assert!(keys.len() == 1 || by_day, "{system} {}: {} records are told", entity.name, keys.len());
        }
        played.sandbox.stop().await;
    }
}

/// What a client creates of an entity, if it can.
fn draft(played: &Played, entity: &EntityPlan, index: u64) -> Option<Json<'static>> {
    played.manifest.can(entity.name, Verb::Create).then(|| played.sandbox.draft(entity.name, index, 99)).flatten()
}

#[tokio::test]
async fn creates_are_made_once_and_found_again() {
    for system in played() {
        let played = Played::start(&system, 6).await;
        let (mut made, mut found) = (0, 0);
        for entity in played.entities() {
            let Some(record) = draft(&played, entity, 500) else { continue };
            let before = played.sandbox.records(entity.name).len();
            let sent = played.send(entity.name, Deed::Create, &record, None).await;
            sent.unwrap_or_else(|(class, words)| {
                panic!("{system} create {}: {class:?}: {words}\n{record}", entity.name)
            });
            assert_eq!(played.sandbox.records(entity.name).len(), before + 1, "{system} {}", entity.name);
            made += 1;
            // An attempt whose answer was lost is found by what the manifest says, whether or not a second would be refused.
            let by: Vec<String> = played.connector.writing(entity.name).probe_by.into_iter().take(1).collect();
            if !by.is_empty() && by.iter().all(|field| carries(&record, field)) {
                let probe = played.connector.probe(entity.name, &by, &record.to_text()).await;
                let probe = probe.unwrap_or_else(|failure| panic!("{system} probe {}: {failure}", entity.name));
                assert!(matches!(probe, Probe::Same { .. }), "{system} {} by {by:?}: {probe:?}", entity.name);
                found += 1;
            }
            let repeat = played.manifest.create_repeat(entity.name).repeat;
            let again = played.send(entity.name, Deed::Create, &record, None).await;
            if repeat == Repeat::Keyed {
                let (class, words) = again.expect_err("a second create is refused");
                assert!(
                    matches!(class, Class::Exists | Class::Ambiguous | Class::Permanent),
                    "{system} {}: {class:?} {words}",
                    entity.name
                );
                assert_eq!(played.sandbox.records(entity.name).len(), before + 1, "{system} {}", entity.name);
            }
        }
        let searched = ["sage-200", "sage-x3", "sap-business-one", "business-central"].contains(&system.as_str());
        assert!(found > 0 || !searched, "{system} finds nothing again");
        let writes = played.entities().any(|entity| played.manifest.can(entity.name, Verb::Create));
        assert!(made > 0 || !writes, "{system} makes nothing");
        let effects = played.sandbox.ledger().effects();
        let created = effects.iter().filter(|effect| effect.kind == EffectKind::Created).count();
        assert!(created >= made, "{system}: the ledger tells {created} of {made}");
        played.sandbox.stop().await;
    }
}

/// Does the record carry a value there?
fn carries(record: &Json<'_>, path: &str) -> bool {
    path.split('.').try_fold(record, |value, step| value.get(step)).is_some_and(|value| !value.is_null())
}

#[tokio::test]
async fn wrong_records_are_refused_in_the_systems_own_words() {
    for system in played() {
        let played = Played::start(&system, 6).await;
        for entity in played.entities() {
            let Some(Json::Record(mut members)) = draft(&played, entity, 600) else { continue };
            members.push(("noSuchField".into(), Json::text("x")));
            let (class, words) = played
                .send(entity.name, Deed::Create, &Json::Record(members), None)
                .await
                .expect_err("an unknown field is refused");
            assert!(matches!(class, Class::Permanent | Class::Halt), "{system} {}: {class:?}: {words}", entity.name);
        }
        played.sandbox.stop().await;
    }
}

#[tokio::test]
async fn stale_writes_and_lost_sessions_are_noticed() {
    for system in played() {
        let played = Played::start(&system, 4).await;
        let entities: Vec<_> = played
            .entities()
            .filter(|entity| {
                played.manifest.can(entity.name, Verb::Update) && played.manifest.can(entity.name, Verb::Get)
            })
            .collect();
        for entity in &entities {
            let records = played.sandbox.records(entity.name);
            let Some(key) = records.first().map(|record| played.sandbox.key_of(entity.name, record)) else { continue };
            let current = played.connector.fetch_current(entity.name, &key, &[]).await;
            let current =
                current.unwrap_or_else(|failure| panic!("{system} {}: {failure}", entity.name)).expect("it is there");
            let Some(field) = entity.fields.iter().find(|field| {
                matches!(field.kind, Kind::Text(Some(3..)))
                    && !field.read_only
                    && !field.create_only
                    && field.refers_to.is_none()
                    && !entity.key.contains(&field.name)
            }) else {
                continue;
            };
            let change = Json::Record(vec![(field.name.into(), Json::text("abc"))]);
            let update = |version| played.send(entity.name, Deed::Update { key: key.clone() }, &change, version);
            let sent = update(current.version.clone()).await;
            sent.unwrap_or_else(|(class, words)| panic!("{system} update {}: {class:?}: {words}", entity.name));
            if matches!(played.manifest.lock, Lock::Etag { .. }) {
                let other = Json::Record(vec![(field.name.into(), Json::text("xyz"))]);
                let stale = played
                    .send(entity.name, Deed::Update { key: key.clone() }, &other, current.version)
                    .await
                    .expect_err("a stale write is refused");
                assert_eq!(stale.0, Class::Conflict, "{system} {}: {}", entity.name, stale.1);
            }
            played.sandbox.expire_sessions();
            let again = played.connector.fetch_current(entity.name, &key, &[]).await;
            again.unwrap_or_else(|failure| panic!("{system} after a lost session: {failure}"));
        }
        played.sandbox.stop().await;
    }
}

#[tokio::test]
async fn faults_have_their_class() {
    for system in played() {
        let played = Played::start(&system, 3).await;
        let Some(entity) = played.entities().next() else { continue };
        let request = || PageRequest {
            entity: entity.name.to_owned(),
            filter: Vec::new(),
            select: Vec::new(),
            window: None,
            cursor: None,
        };
        played.connector.fetch_page(&request()).await.unwrap_or_else(|failure| panic!("{system}: {failure}"));
        for (fault, wanted) in [
            (Fault::Throttled { retry_after_s: 1 }, &[Class::Throttled, Class::Transient][..]),
            (Fault::ResetBeforeEffect, &[Class::Transient][..]),
            (Fault::TruncatedBody, &[Class::Transient, Class::Ambiguous][..]),
        ] {
            played.sandbox.faults().script(FaultRule::new("", "", fault));
            let failure = played.connector.fetch_page(&request()).await.expect_err("a fault is noticed");
            assert!(wanted.contains(&failure.class), "{system} {fault:?}: {:?}: {failure}", failure.class);
        }
        played.sandbox.stop().await;
    }
}

/// The record of an action whose probe reads a record by key: a made-up one that names the first record there is.
fn act_on(played: &Played, action: &EntityPlan) -> Option<Json<'static>> {
    let probe = played.manifest.action(action.name)?.probe.as_ref()?;
    let (ProbeTarget::Key(template) | ProbeTarget::Gone(template)) = &probe.target else { return None };
    let path = template.single().filter(|slot| slot.root == "record").map(|slot| slot.path.clone())?;
    let first = played.sandbox.records(&probe.entity).into_iter().next()?;
    let key = played.sandbox.key_of(&probe.entity, &first).join("/");
    let mut draft = played.sandbox.draft(action.name, 3, 5)?;
    let Json::Record(members) = &mut draft else { return None };
    let [name] = path.as_slice() else { return None };
    members.retain(|(known, _)| known != name);
    let number = action.fields.iter().any(|field| field.name == name && matches!(field.kind, Kind::Integer));
    let value = if number { Json::Number(key.into()) } else { Json::text(key) };
    members.push((name.clone().into(), value));
    Some(draft)
}

#[tokio::test]
async fn actions_are_done_once_and_proved_by_what_they_leave() {
    let mut done = 0;
    for system in played() {
        let played = Played::start(&system, 3).await;
        for action in played.plan.entities.iter().filter(|entity| entity.action) {
            let Some(record) = act_on(&played, action) else { continue };
            // A made-up verb may be one that the probe does not know: nothing is sent then.
            let before = played.connector.probe(action.name, &[], &record.to_text()).await;
            if !matches!(before, Ok(Probe::Absent)) {
                continue;
            }
            let sent = played.send(action.name, Deed::Act, &record, None).await;
            sent.unwrap_or_else(|(class, words)| panic!("{system} {}: {class:?}: {words}\n{record}", action.name));
            let after = played.connector.probe(action.name, &[], &record.to_text()).await;
            assert!(matches!(after, Ok(Probe::Same { .. })), "{system} {}: {after:?}", action.name);
            assert!(played.sandbox.shows(action.name, &record), "{system} {}", action.name);
            done += 1;
        }
        played.sandbox.stop().await;
    }
    assert!(done >= 5, "{done} actions are done");
}

#[tokio::test]
async fn batches_tell_the_outcome_of_each_record() {
    let mut batches = 0;
    for system in played() {
        let played = Played::start(&system, 4).await;
        for entity in played.entities() {
            let Some(batching) = played.connector.writing(entity.name).batching else { continue };
            let verbs = played.manifest.entity(entity.name).and_then(|entity| entity.operation(Verb::Batch));
            let verbs = verbs.and_then(|operation| operation.batch.as_ref()).map(|batch| batch.of.clone());
            let updates = verbs.is_some_and(|verbs| verbs.contains(&Verb::Update));
            // Changes of records that are there: every system that takes batches takes those. Tags are of single requests.
            if !updates || matches!(played.manifest.lock, Lock::Etag { .. }) || batching.size_max < 2 {
                continue;
            }
            let Some(field) = entity.fields.iter().find(|field| {
                matches!(field.kind, Kind::Text(Some(3..)))
                    && !field.read_only
                    && !field.create_only
                    && field.refers_to.is_none()
                    && !entity.key.contains(&field.name)
            }) else {
                continue;
            };
            let writes: Vec<WriteRequest> = played
                .sandbox
                .records(entity.name)
                .iter()
                .take(2)
                .map(|record| WriteRequest {
                    entity: entity.name.to_owned(),
                    deed: Deed::Update { key: played.sandbox.key_of(entity.name, record) },
                    record: Json::Record(vec![(field.name.into(), Json::text("abc"))]).to_text(),
                    create_key: "key-1".to_owned(),
                    version: None,
                })
                .collect();
            let outcomes = played.connector.send_batch(&writes).await;
            let outcomes = outcomes.unwrap_or_else(|failure| panic!("{system} batch {}: {failure}", entity.name));
            assert_eq!(outcomes.len(), writes.len(), "{system} {}", entity.name);
            for outcome in &outcomes {
                assert!(outcome.is_ok(), "{system} batch {}: {outcome:?}", entity.name);
            }
            let changed = played.sandbox.records(entity.name);
            let changed = changed.iter().filter(|record| record.get(field.name) == Some(&Json::text("abc"))).count();
            assert_eq!(changed, writes.len(), "{system} {}.{}", entity.name, field.name);
            batches += 1;
        }
        played.sandbox.stop().await;
    }
    assert!(batches >= 3, "{batches} entities are written in batches");
}

/// An order with this reference, in this currency.
fn order(played: &Played, reference: &str, currency: &str) -> WriteRequest {
    let draft = played.sandbox.draft("Orders", 3, 7).expect("a draft");
    let Json::Record(mut members) = draft else { panic!("a record") };
    for (field, value) in [("NumAtCard", reference), ("DocCurrency", currency)] {
        members.retain(|(name, _)| name != field);
        members.push((field.into(), Json::text(value.to_owned())));
    }
    let record = Json::Record(members).to_text();
    let entity = "Orders".to_owned();
    WriteRequest { entity, deed: Deed::Create, record, create_key: reference.to_owned(), version: None }
}

#[tokio::test]
async fn a_change_set_is_carried_out_whole_or_not_at_all() {
    let played = Played::start("sap-business-one", 4).await;
    let before = played.sandbox.records("Orders").len();
    let three = ["SW-1", "SW-2", "SW-3"].map(|reference| order(&played, reference, "EUR"));
    let outcomes = played.connector.send_batch(&three).await.expect("an answer");
    let keys: BTreeSet<Vec<String>> =
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|failure| panic!("{failure}")).key).collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert_eq!(played.sandbox.records("Orders").len(), before + 3);
    let effects = played.sandbox.ledger().effects().len();

    let broken = [order(&played, "SW-4", "EUR"), order(&played, "SW-5", "EURO")];
    let refused = played.connector.send_batch(&broken).await.expect_err("one names a currency of four letters");
    assert_eq!(refused.class, Class::Permanent, "{refused}");
    assert_eq!(played.sandbox.records("Orders").len(), before + 3, "nothing of it is there");
    assert_eq!(played.sandbox.ledger().effects().len(), effects, "nor in the ledger");
    played.sandbox.stop().await;
}

#[tokio::test]
async fn a_token_that_we_sign_is_looked_at_claim_by_claim() {
    let key = "auth: { kind: api_key, send: { headers: { X-Nordwind-Key: \"{secret.key}\" } } }";
    let direct = "auth: { kind: jwt, algorithm: ALGORITHM, key: \"{secret.key}\", claims: { iss: mapwright, aud: nordwind }, \
                  send: { headers: { Authorization: \"Bearer {session.jwt}\" } } }";
    let exchanged = "auth: { kind: jwt, algorithm: ALGORITHM, key: \"{secret.key}\", claims: { iss: mapwright, aud: nordwind }, \
                     request: POST /token, form: { grant_type: \"urn:ietf:params:oauth:grant-type:jwt-bearer\", \
                     assertion: \"{session.jwt}\" }, keep: { token: body.access_token }, expires: { seconds: body.expires_in }, \
                     send: { headers: { Authorization: \"Bearer {session.token}\" } } }";
    for algorithm in ["HS256", "RS256"] {
        for auth in [direct, exchanged] {
            let auth = auth.replace("ALGORITHM", algorithm);
            let played = Played::start_with("nordwind", key, &auth).await;
            played.connector.check().await.unwrap_or_else(|failure| panic!("{algorithm}: {failure}"));
            let orders = played.plan.entities.iter().find(|entity| entity.name == "orders").expect("orders");
            assert_eq!(played.read(orders, None).await.len(), played.sandbox.records("orders").len(), "{algorithm}");

            // Another client, for whom the token speaks of somebody else, is not let in.
            let other = played.plan.manifest.replace("iss: mapwright", "iss: somebody").leak();
            let plan = SystemPlan { manifest: other, ..*played.plan };
            let credentials = played.sandbox.credentials().into_iter();
            let settings = ConnectionSettings {
                url: played.sandbox.url(),
                credentials: credentials.map(|(name, value)| (name, SecretString::from(value))).collect(),
                ..ConnectionSettings::default()
            };
            let stranger = Connectors::open(&plan, settings).expect("a connection");
            let refused = stranger.check().await.expect_err("not let in");
            assert_eq!(refused.class, Class::Halt, "{algorithm}: {refused}");
            played.sandbox.stop().await;
        }
    }
}
