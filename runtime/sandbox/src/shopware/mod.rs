//! The simulated Shopware 6 shop: routes, and the handle that tests and rehearsals hold.
//!
//! In: requests under `/api`. Out: answers in the shape of the Admin API 6.7. Never: a request that it does not fully understand.

mod associations;
mod auth;
mod criteria;
mod problem;
mod schema;
mod states;
mod store;

use crate::fault::Faults;
use crate::ledger::{EffectKind, Ledger, Subject};
use crate::server::{self, Answer, Call, Limits, Running, Simulated, StartError};
use crate::text;
use auth::Tokens;
use criteria::{Criteria, TotalCount};
use problem::{JSON, Problem};
use schema::Schema;
use serde_json::{Value, json};
pub(crate) use states::{Machine, state, state_id};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::Store;

/// Pages that the next-pages hint of `total-count-mode` 2 looks ahead.
const HINT_PAGES: usize = 5;

/// How the shop behaves.
#[derive(Clone, Debug)]
pub struct ShopConfig {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The integration's access key id.
    pub client_id: String,
    /// The integration's secret.
    pub client_secret: String,
    /// Life of an access token. The vendor's default is ten minutes.
    pub token_life: Duration,
    /// What `GET /api/_info/version` says.
    pub version: String,
    /// `shopware.api.max_limit`.
    pub limit_max: usize,
    /// How long a time-out fault holds a connection before it drops it.
    pub hold: Duration,
    /// Larger request bodies are refused with 413.
    pub body_bytes_max: usize,
}

impl Default for ShopConfig {
    fn default() -> Self {
        Self {
            port: 0,
            client_id: "SWIASANDBOX".to_owned(),
            client_secret: "sandbox-secret".to_owned(),
            token_life: Duration::from_secs(600),
            version: "6.7.10.1".to_owned(),
            limit_max: 500,
            hold: Duration::from_secs(2),
            body_bytes_max: 4 * 1024 * 1024,
        }
    }
}

/// A running shop. Clones share it.
#[derive(Clone)]
pub struct Shop {
    system: Arc<System>,
    running: Running,
    faults: Faults,
    ledger: Ledger,
}

impl Shop {
    /// Starts the shop with these records: entity name and record, each with everything embedded.
    ///
    /// # Errors
    /// When the port cannot be bound.
    pub async fn start(config: ShopConfig, records: Vec<(&'static str, Value)>) -> Result<Self, StartError> {
        let bound = server::bind("Shopware shop", config.port).await?;
        let (faults, ledger) = (Faults::default(), Ledger::default());
        let limits = Limits { body_bytes_max: config.body_bytes_max, hold: config.hold };
        let mut store = Store::default();
        for (entity, record) in records {
            store.seed(entity, record);
        }
        let origin = format!("http://{}", bound.1);
        let state = Mutex::new(ShopState { store, tokens: Tokens::default() });
        let system = Arc::new(System { config, origin, schema: Schema::load(), state, ledger: ledger.clone() });
        let running = server::serve(bound, Arc::clone(&system), faults.clone(), ledger.clone(), limits);
        Ok(Self { system, running, faults, ledger })
    }

    /// The shop's address without `/api`, for instance `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        self.running.origin()
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

    /// Forgets every token, as a shop does that was restarted.
    pub fn expire_sessions(&self) {
        self.system.state().tokens.forget_all();
    }

    /// Adds a record as if it had been there from the start.
    pub fn add(&self, entity: &str, record: Value) {
        self.system.state().store.seed(entity, record);
    }

    /// A record with everything embedded.
    #[must_use]
    pub fn record(&self, entity: &str, id: &str) -> Option<Value> {
        self.system.state().store.get(entity, id).cloned()
    }

    /// An order by its id, with everything embedded.
    #[must_use]
    pub fn order(&self, id: &str) -> Option<Value> {
        self.record("order", id)
    }

    /// An order by its number, with everything embedded.
    #[must_use]
    pub fn order_by_number(&self, number: &str) -> Option<Value> {
        self.records("order").into_iter().find(|order| order.get("orderNumber").and_then(Value::as_str) == Some(number))
    }

    /// Every record of an entity.
    #[must_use]
    pub fn records(&self, entity: &str) -> Vec<Value> {
        self.system.state().store.all(entity).into_iter().cloned().collect()
    }

    /// Stops the server after the requests under way, at most five seconds later.
    pub async fn stop(&self) {
        self.running.stop().await;
    }
}

struct ShopState {
    store: Store,
    tokens: Tokens,
}

struct System {
    config: ShopConfig,
    origin: String,
    schema: Schema,
    state: Mutex<ShopState>,
    ledger: Ledger,
}

impl Simulated for System {
    fn base(&self) -> &'static str {
        "/api"
    }

    fn is_login(&self, path: &str) -> bool {
        path == "/oauth/token"
    }

    fn answer(&self, call: &Call) -> Answer {
        self.route(call).unwrap_or_else(Problem::into_answer)
    }

    fn failure(&self, status: u16) -> Answer {
        let detail = match status {
            404 => "No route found".to_owned(),
            413 => "The request body is too large.".to_owned(),
            429 => "Too many requests, try again later.".to_owned(),
            _ => format!("The simulated shop answers with status {status}."),
        };
        Problem::new(status, "0", detail).into_answer()
    }

    fn expire_session_of(&self, call: &Call) {
        self.state().tokens.forget(call);
    }
}

impl System {
    fn state(&self) -> MutexGuard<'_, ShopState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn route(&self, call: &Call) -> Result<Answer, Problem> {
        let segments: Vec<String> =
            call.path.split('/').filter(|part| !part.is_empty()).map(|part| text::unescape(part, false)).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if let ("POST", ["oauth", "token"]) = (call.method.as_str(), segments.as_slice()) {
            let client = (self.config.client_id.as_str(), self.config.client_secret.as_str());
            return self.state().tokens.issue(call, client, self.config.token_life);
        }
        self.state().tokens.check(call)?;
        match (call.method.as_str(), segments.as_slice()) {
            ("GET", ["_info", "version"]) => {
                Ok(Answer::new(200, JSON, json!({ "version": self.config.version }).to_string()))
            }
            ("POST", ["search", entity]) => self.search(call, entity, &parse(call)?, false),
            ("POST", ["search-ids", entity]) => self.search(call, entity, &parse(call)?, true),
            ("POST", ["_action", "sync"]) => self.sync(call),
            ("POST", ["_action", machine, id, "state", action]) => self.transition(call, machine, id, action),
            ("GET" | "POST", ["_action" | "_info" | "aggregate", ..]) => {
                Err(Problem::not_simulated(format!("{} {}", call.method, call.path)))
            }
            ("GET", [entity, id]) => {
                let criteria = json!({ "ids": [id], "limit": 1 });
                self.one(call, entity, id, &criteria)
            }
            ("GET", [entity]) => {
                if call.query.is_empty() {
                    self.search(call, entity, &json!({}), false)
                } else {
                    Err(Problem::not_simulated("search parameters in the query string; use POST /api/search"))
                }
            }
            ("PATCH", [entity, id]) => self.patch(call, entity, id),
            ("POST", [entity]) => self.create(call, entity),
            ("DELETE" | "PUT", _) => Err(Problem::not_simulated(format!("{} {}", call.method, call.path))),
            _ => Err(Problem::new(
                404,
                "0",
                format!("No route found for \"{} {}{}\"", call.method, self.origin, call.path),
            )),
        }
    }

    /// `order-delivery` in a path is `order_delivery` everywhere else.
    fn entity(&self, segment: &str) -> Result<String, Problem> {
        let entity = segment.replace('-', "_");
        if self.schema.knows(&entity) && !segment.contains('_') {
            return Ok(entity);
        }
        let detail = format!("Definition for entity \"{segment}\" does not exist.");
        Err(Problem::new(404, "FRAMEWORK__DEFINITION_NOT_FOUND", detail))
    }

    fn search(&self, call: &Call, segment: &str, body: &Value, ids_only: bool) -> Result<Answer, Problem> {
        let entity = self.entity(segment)?;
        let criteria = Criteria::parse(&self.schema, &entity, body, self.config.limit_max)?;
        let state = self.state();
        let all = criteria.select(state.store.all(&entity).into_iter());
        let skipped = (criteria.page - 1).saturating_mul(criteria.limit);
        let page: Vec<&Value> = all.iter().skip(skipped).take(criteria.limit).copied().collect();
        let total = match criteria.total {
            TotalCount::Page => page.len(),
            TotalCount::Exact => all.len(),
            TotalCount::NextPages => {
                all.len().min(skipped.saturating_add(criteria.limit.saturating_mul(HINT_PAGES) + 1))
            }
        };
        if ids_only {
            let ids: Vec<Value> = page.iter().filter_map(|record| record.get("id").cloned()).collect();
            return Ok(Answer::new(200, JSON, json!({ "total": total, "data": ids }).to_string()));
        }
        let shown: Vec<Value> = page
            .into_iter()
            .map(|record| associations::render(&self.schema, &entity, record, &criteria.associations))
            .collect();
        drop(state);
        if call.header("accept").contains("application/json") {
            let answer = json!({ "total": total, "data": shown, "aggregations": [] });
            return Ok(Answer::new(200, JSON, answer.to_string()));
        }
        Ok(json_api(&entity, total, shown))
    }

    fn one(&self, call: &Call, segment: &str, id: &str, criteria: &Value) -> Result<Answer, Problem> {
        let entity = self.entity(segment)?;
        let criteria = Criteria::parse(&self.schema, &entity, criteria, self.config.limit_max)?;
        let state = self.state();
        let record = criteria
            .select(state.store.all(&entity).into_iter())
            .first()
            .map(|record| associations::render(&self.schema, &entity, record, &criteria.associations));
        drop(state);
        let Some(record) = record else {
            return Err(Problem::new(
                404,
                "FRAMEWORK__RESOURCE_NOT_FOUND",
                format!("The {entity} resource {id} was not found."),
            ));
        };
        if call.header("accept").contains("application/json") {
            return Ok(Answer::new(200, JSON, json!({ "data": record }).to_string()));
        }
        Ok(json_api(&entity, 1, vec![record]))
    }

    fn patch(&self, call: &Call, segment: &str, id: &str) -> Result<Answer, Problem> {
        let entity = self.entity(segment)?;
        let body = parse(call)?;
        let about = self.state().store.patch(&self.schema, &entity, id, &body)?;
        Ok(self.written(call, EffectKind::Updated, segment, about))
    }

    fn create(&self, call: &Call, segment: &str) -> Result<Answer, Problem> {
        let entity = self.entity(segment)?;
        let body = parse(call)?;
        if !call.query.is_empty() {
            return Err(Problem::not_simulated("?_response on a create"));
        }
        let about = self.state().store.create(&self.schema, &entity, &body)?;
        Ok(self.written(call, EffectKind::Created, segment, about))
    }

    /// `POST /api/_action/sync`: one transaction, so any fault and nothing is written.
    fn sync(&self, call: &Call) -> Result<Answer, Problem> {
        let operations: Vec<Value> = match parse(call)? {
            Value::Array(list) => list,
            Value::Object(named) => named.into_iter().map(|(_, operation)| operation).collect(),
            _ => return Err(Problem::new(400, "FRAMEWORK__INVALID_SYNC", "Expected a list of operations.")),
        };
        let mut state = self.state();
        let mut store = state.store.clone();
        let (mut effects, mut written) = (Vec::new(), serde_json::Map::new());
        for operation in &operations {
            let entity = store::text_of(operation, "entity");
            if !self.schema.knows(&entity) {
                let detail = format!("Definition for entity \"{entity}\" does not exist.");
                return Err(Problem::new(404, "FRAMEWORK__DEFINITION_NOT_FOUND", detail));
            }
            let action = store::text_of(operation, "action");
            if action != "upsert" {
                return Err(Problem::not_simulated(format!("the action {action} of a sync")));
            }
            for record in operation.get("payload").and_then(Value::as_array).into_iter().flatten() {
                let id = store::text_of(record, "id");
                let (kind, about) = if store.get(&entity, &id).is_some() {
                    (EffectKind::Updated, store.patch(&self.schema, &entity, &id, record)?)
                } else {
                    (EffectKind::Created, store.create(&self.schema, &entity, record)?)
                };
                if let Value::Array(ids) = written.entry(entity.clone()).or_insert_with(|| json!([])) {
                    ids.push(json!(about.key));
                }
                effects.push((kind, about));
            }
        }
        state.store = store;
        drop(state);
        for (kind, about) in effects {
            self.ledger.record(call.sequence, kind, about);
        }
        Ok(Answer::new(200, JSON, json!({ "data": written, "notFound": {}, "deleted": {} }).to_string()))
    }

    fn written(&self, call: &Call, kind: EffectKind, segment: &str, about: Subject) -> Answer {
        let location = format!("{}/api/{segment}/{}", self.origin, about.key);
        self.ledger.record(call.sequence, kind, about);
        Answer::empty(204).with("location", location)
    }

    fn transition(&self, call: &Call, machine: &str, id: &str, action: &str) -> Result<Answer, Problem> {
        let machine =
            Machine::named(machine).ok_or_else(|| Problem::not_simulated(format!("the state machine of {machine}")))?;
        let (state, about) = self.state().store.transition(machine, id, action)?;
        self.ledger.record(call.sequence, EffectKind::Moved, about);
        Ok(Answer::new(200, JSON, state.to_string()))
    }
}

fn parse(call: &Call) -> Result<Value, Problem> {
    if call.body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(&call.body).map_err(|error| {
        Problem::new(400, "FRAMEWORK__INVALID_JSON", format!("The JSON payload is malformed: {error}"))
    })
}

/// The JSON:API form, which the shop answers to everybody who does not ask for plain JSON.
fn json_api(entity: &str, total: usize, records: Vec<Value>) -> Answer {
    let data: Vec<Value> = records
        .into_iter()
        .map(|record| json!({ "id": store::text_of(&record, "id"), "type": entity, "attributes": record, "links": {}, "relationships": [] }))
        .collect();
    let body = json!({ "data": data, "included": [], "links": {}, "meta": { "total": total }, "aggregations": [] });
    Answer::new(200, "application/vnd.api+json", body.to_string())
}
