//! The simulated SAP Business One Service Layer: routes, and the handle that tests and rehearsals hold.
//!
//! In: requests under `/b1s/v2`. Out: answers in the shape of the Service Layer's OData v4.
//! Never: a request that it does not fully understand; `$batch`, `$expand`, PUT and DELETE are refused with 501.

mod company;
mod documents;
mod filter;
mod masters;
mod query;
mod refusal;
mod schema;
mod session;

use crate::fault::Faults;
use crate::ledger::{EffectKind, Ledger, Subject};
use crate::money;
use crate::server::{self, Answer, Call, Limits, Running, Simulated, StartError};
use crate::text;
use company::{Class, Company, Fields, Key, SETS, Set};
use query::Query;
use refusal::{JSON, Refusal};
use rust_decimal::Decimal;
use schema::Schema;
pub use schema::UserField;
use serde_json::{Value, json};
use session::{Door, Sessions};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How the company behaves.
#[derive(Clone, Debug)]
pub struct ErpConfig {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// `CompanyDB`.
    pub company: String,
    /// `UserName`.
    pub user: String,
    /// `Password`.
    pub password: String,
    /// A session ends after this idle time. The vendor's default is thirty minutes; less than a minute is reported as one.
    pub session_idle: Duration,
    /// The company's zone, for dates and times.
    pub zone: String,
    /// `PageSize` of `b1s.conf`.
    pub page_rows: usize,
    /// Home currency.
    pub currency: String,
    /// Currencies that documents may have.
    pub currencies: Vec<String>,
    /// Tax groups and their rates in percent.
    pub vat_groups: BTreeMap<String, Decimal>,
    /// Warehouse codes.
    pub warehouses: Vec<String>,
    /// The warehouse of a line that names none.
    pub default_warehouse: String,
    /// `DocNum` of the first document of each set; `DocEntry` starts at 1.
    pub first_doc_num: i64,
    /// User fields that are declared. Others are refused like any unknown property.
    pub user_fields: Vec<UserField>,
    /// How long a time-out fault holds a connection before it drops it.
    pub hold: Duration,
    /// Larger request bodies are refused with 413.
    pub body_bytes_max: usize,
}

impl Default for ErpConfig {
    fn default() -> Self {
        let groups = [("A0", 0), ("A1", 19), ("A2", 7), ("A3", 0), ("A4", 0), ("A5", 20), ("A6", 10)];
        Self {
            port: 0,
            company: "SBODEMODE".to_owned(),
            user: "manager".to_owned(),
            password: "sandbox-secret".to_owned(),
            session_idle: Duration::from_secs(30 * 60),
            zone: "Europe/Berlin".to_owned(),
            page_rows: 20,
            currency: "EUR".to_owned(),
            currencies: ["EUR", "CHF", "DKK", "PLN", "USD"].map(str::to_owned).into(),
            vat_groups: groups.into_iter().map(|(code, rate)| (code.to_owned(), Decimal::from(rate))).collect(),
            warehouses: ["01", "02"].map(str::to_owned).into(),
            default_warehouse: "01".to_owned(),
            first_doc_num: 1000,
            user_fields: vec![
                UserField::text("Document", "U_ShopOrderId", 50),
                UserField::text("BusinessPartner", "U_ShopCustomerNo", 50),
                UserField::text("Item", "U_ShopParent", 50),
                UserField::text("Item", "U_InShop", 1),
            ],
            hold: Duration::from_secs(2),
            body_bytes_max: 4 * 1024 * 1024,
        }
    }
}

/// An item to start with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemSeed {
    /// `ItemCode`.
    pub code: String,
    /// `ItemName`.
    pub name: String,
    /// `SalesVATGroup`.
    pub vat_group: String,
    /// Net price in both price lists.
    pub price: Decimal,
    /// Blocked for documents.
    pub frozen: bool,
    /// Whether stock is kept; discounts and roundings have none.
    pub stocked: bool,
}

/// What the company starts with.
#[derive(Clone, Debug, Default)]
pub struct ErpSeed {
    /// Items.
    pub items: Vec<ItemSeed>,
    /// Partners: code and name.
    pub partners: Vec<(String, String)>,
}

/// A running Service Layer. Clones share it.
#[derive(Clone)]
pub struct Erp {
    system: Arc<System>,
    running: Running,
    faults: Faults,
    ledger: Ledger,
}

impl Erp {
    /// Starts the Service Layer of a company with these records.
    ///
    /// # Errors
    /// When the port cannot be bound.
    pub async fn start(config: ErpConfig, seed: &ErpSeed) -> Result<Self, StartError> {
        let bound = server::bind("Service Layer", config.port).await?;
        let (faults, ledger) = (Faults::default(), Ledger::default());
        let limits = Limits { body_bytes_max: config.body_bytes_max, hold: config.hold };
        let service = format!("http://{}/b1s/v2", bound.1);
        let mut company = Company::default();
        masters::set_up(&mut company, &config);
        let state = Mutex::new(ErpState { company, sessions: Sessions::default() });
        let schema = Schema::load(&config.user_fields);
        let system = Arc::new(System { config, service, schema, state, ledger: ledger.clone() });
        for item in &seed.items {
            system.seed("Items", masters::item_fields(item));
        }
        for (code, name) in &seed.partners {
            if let Value::Object(fields) = json!({ "CardCode": code, "CardName": name }) {
                system.seed("BusinessPartners", fields);
            }
        }
        let running = server::serve(bound, Arc::clone(&system), faults.clone(), ledger.clone(), limits);
        Ok(Self { system, running, faults, ledger })
    }

    /// The service's address, for instance `http://127.0.0.1:40124/b1s/v2`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/b1s/v2", self.running.origin())
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

    /// Ends every session, as idle time does.
    pub fn expire_sessions(&self) {
        self.system.state().sessions.forget_all();
    }

    /// How many sessions are open.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.system.state().sessions.count()
    }

    /// Adds an item, as accounting does after an order was refused. An item that exists stays as it is.
    pub fn add_item(&self, item: &ItemSeed) {
        self.system.seed("Items", masters::item_fields(item));
    }

    /// Every record of a set, for instance `Orders`.
    #[must_use]
    pub fn records(&self, set: &str) -> Vec<Value> {
        let state = self.system.state();
        let rows = set_named(set).into_iter().flat_map(|set| state.company.rows(set));
        rows.map(|(_, row)| Value::Object(row.fields.clone())).collect()
    }

    /// The records of a set whose field has this text, for instance `Orders` by `NumAtCard`.
    #[must_use]
    pub fn records_by(&self, set: &str, field: &str, value: &str) -> Vec<Value> {
        self.records(set)
            .into_iter()
            .filter(|record| record.get(field).and_then(Value::as_str) == Some(value))
            .collect()
    }

    /// The sales orders with this `NumAtCard`, cancelled ones included.
    #[must_use]
    pub fn orders_by_num_at_card(&self, number: &str) -> Vec<Value> {
        self.records_by("Orders", "NumAtCard", number)
    }

    /// A business partner by its `CardCode`.
    #[must_use]
    pub fn partner(&self, card_code: &str) -> Option<Value> {
        self.system.state().company.master("BusinessPartners", card_code).map(|fields| Value::Object(fields.clone()))
    }

    /// Stops the server after the requests under way, at most five seconds later.
    pub async fn stop(&self) {
        self.running.stop().await;
    }
}

struct ErpState {
    company: Company,
    sessions: Sessions,
}

struct System {
    config: ErpConfig,
    service: String,
    schema: Schema,
    state: Mutex<ErpState>,
    ledger: Ledger,
}

impl Simulated for System {
    fn base(&self) -> &'static str {
        "/b1s/v2"
    }

    fn is_login(&self, path: &str) -> bool {
        path == "/Login"
    }

    fn answer(&self, call: &Call) -> Answer {
        self.route(call).unwrap_or_else(Refusal::into_answer)
    }

    fn failure(&self, status: u16) -> Answer {
        let message = match status {
            404 => "Unrecognized resource path.".to_owned(),
            413 => "The request body is too large.".to_owned(),
            429 => "Too many requests.".to_owned(),
            _ => format!("The simulated Service Layer answers with status {status}."),
        };
        match status {
            // The balancer in front of the nodes answers these itself, as a page.
            502 | 503 => {
                let page = format!(
                    "<html><head><title>{status}</title></head><body><h1>Service Unavailable</h1></body></html>"
                );
                Answer::new(status, "text/html; charset=iso-8859-1", page)
            }
            _ => Refusal::new(status, -1, message).into_answer(),
        }
    }

    fn expire_session_of(&self, call: &Call) {
        self.state().sessions.forget(call);
    }
}

/// What the path names.
enum Target<'a> {
    Set(&'static Set),
    Count(&'static Set),
    Record(&'static Set, Key),
    Action(&'static Set, Key, &'a str),
}

impl System {
    fn state(&self) -> MutexGuard<'_, ErpState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a record there that was not created by a request.
    fn seed(&self, set: &str, fields: Fields) {
        let Some(set) = set_named(set) else { return };
        let mut state = self.state();
        let completed = match set.class {
            Class::Partner => masters::create_partner(&state.company, &self.config, fields),
            Class::Item => masters::create_item(&state.company, &self.config, fields),
            Class::Document | Class::Setup => Ok(fields),
        };
        match completed {
            Ok(fields) => {
                if let Some(key) = Company::key_of(set, &fields) {
                    state.company.put(set, key, fields);
                }
            }
            Err(refusal) => tracing::debug!(?refusal, "the record is there already"),
        }
    }

    fn route(&self, call: &Call) -> Result<Answer, Refusal> {
        let path = text::unescape(&call.path, false);
        let path = path.trim_matches('/');
        if (call.method.as_str(), path) == ("POST", "Login") {
            return self.log_in(call);
        }
        let mut state = self.state();
        state.sessions.check(call, self.config.session_idle)?;
        match (call.method.as_str(), path) {
            ("POST", "Logout") => {
                state.sessions.forget(call);
                return Ok(Answer::empty(204).with("odata-version", "4.0"));
            }
            ("POST", "CompanyService_GetAdminInfo") => return Ok(self.admin_info()),
            (_, "$batch" | "$metadata") => return Err(Refusal::not_simulated(path)),
            _ => {}
        }
        let company = &mut state.company;
        match (call.method.as_str(), target(path)?) {
            ("GET", Target::Set(set)) => {
                let query = Query::parse(&self.schema, set, call, self.config.page_rows)?;
                Ok(query.answer(company, set, &self.service))
            }
            ("GET", Target::Count(set)) => {
                Ok(Query::parse(&self.schema, set, call, self.config.page_rows)?.counted(company, set))
            }
            ("GET", Target::Record(set, key)) => {
                let query = Query::parse(&self.schema, set, call, self.config.page_rows)?;
                self.entity(company, set, &key, 200, Some(&query))
            }
            ("POST", Target::Set(set)) => self.create(call, company, set),
            ("PATCH", Target::Record(set, key)) => self.update(call, company, set, key),
            ("POST", Target::Action(set, key, action)) => self.act(call, company, set, key, action),
            ("DELETE", Target::Record(set, _)) if set.class == Class::Document => {
                Err(Refusal::new(400, -5006, "The requested action is not supported for this object."))
            }
            ("DELETE" | "PUT" | "PATCH" | "GET" | "POST", _) => {
                Err(Refusal::not_simulated(format!("{} {path}", call.method)))
            }
            (method, _) => Err(Refusal::new(405, -1000, format!("Method '{method}' is not allowed"))),
        }
    }

    fn log_in(&self, call: &Call) -> Result<Answer, Refusal> {
        let door = Door {
            company: &self.config.company,
            user: &self.config.user,
            password: &self.config.password,
            idle: self.config.session_idle,
            version: "1000240",
            context: format!("{}/$metadata#B1Sessions/$entity", self.service),
        };
        self.state().sessions.log_in(call, &door)
    }

    fn admin_info(&self) -> Answer {
        let body = json!({
            "@odata.context": format!("{}/$metadata#SAPB1.AdminInfo", self.service),
            "CompanyName": "Sandbox GmbH",
            "Country": "DE",
            "LocalCurrency": self.config.currency,
            "SystemCurrency": self.config.currency,
            "PriceAccuracy": documents::PRICE_DECIMALS,
            "TotalsAccuracy": documents::AMOUNT_DECIMALS,
            "PercentageAccuracy": 2,
            "DecimalSeparator": ",",
            "ThousandsSeparator": "."
        });
        Answer::new(200, JSON, body.to_string()).with("odata-version", "4.0")
    }

    /// One record with its context and ETag.
    fn entity(
        &self,
        company: &Company,
        set: &Set,
        key: &Key,
        status: u16,
        query: Option<&Query>,
    ) -> Result<Answer, Refusal> {
        let row = company.row(set, key).ok_or_else(Refusal::no_record)?;
        let etag = row.etag(set, key);
        let mut fields = query.map_or_else(|| row.fields.clone(), |query| query.pick(&row.fields));
        fields.insert("@odata.context".to_owned(), json!(format!("{}/$metadata#{}/$entity", self.service, set.name)));
        fields.insert("@odata.etag".to_owned(), json!(etag));
        let answer = Answer::new(status, JSON, Value::Object(fields).to_string())
            .with("odata-version", "4.0")
            .with("etag", etag);
        Ok(if status == 201 { answer.with("location", self.location(set, key)) } else { answer })
    }

    fn location(&self, set: &Set, key: &Key) -> String {
        format!("{}/{}({})", self.service, set.name, key.in_path())
    }

    fn create(&self, call: &Call, company: &mut Company, set: &'static Set) -> Result<Answer, Refusal> {
        let fields = self.schema.check(set.entity, &parse(call)?)?;
        let fields = match set.class {
            Class::Document => documents::create(company, &self.config, set, fields)?,
            Class::Partner => masters::create_partner(company, &self.config, fields)?,
            Class::Item => masters::create_item(company, &self.config, fields)?,
            Class::Setup => return Err(Refusal::not_simulated(format!("POST {}", set.name))),
        };
        let key = Company::key_of(set, &fields)
            .ok_or_else(|| Refusal::rule(format!("Enter a key  [{}.{}]", set.name, set.key)))?;
        self.commit(call, company, set, &key, fields, EffectKind::Created);
        if call.header("prefer").contains("return-no-content") {
            let location = self.location(set, &key);
            return Ok(Answer::empty(204)
                .with("odata-version", "4.0")
                .with("preference-applied", "return-no-content")
                .with("location", location));
        }
        self.entity(company, set, &key, 201, None)
    }

    fn update(&self, call: &Call, company: &mut Company, set: &'static Set, key: Key) -> Result<Answer, Refusal> {
        let old = self.unchanged(call, company, set, &key)?;
        let delta = self.schema.check(set.entity, &parse(call)?)?;
        let replace = call.header("b1s-replacecollectionsonpatch").eq_ignore_ascii_case("true");
        let fields = match set.class {
            Class::Document => documents::update(company, &self.config, &old, delta, replace)?,
            Class::Partner => masters::update_partner(&self.config, &old, delta, replace)?,
            Class::Item => masters::update_item(&self.config, &old, delta),
            Class::Setup => return Err(Refusal::not_simulated(format!("PATCH {}", set.name))),
        };
        self.commit(call, company, set, &key, fields, EffectKind::Updated);
        Ok(Answer::empty(204).with("odata-version", "4.0"))
    }

    fn act(
        &self,
        call: &Call,
        company: &mut Company,
        set: &'static Set,
        key: Key,
        action: &str,
    ) -> Result<Answer, Refusal> {
        let cancel = match (set.class, action) {
            (Class::Document, "Cancel") => true,
            (Class::Document, "Close") => false,
            (Class::Document | Class::Partner | Class::Item | Class::Setup, _) => {
                return Err(Refusal::not_simulated(format!("action {action} of {}", set.name)));
            }
        };
        let old = self.unchanged(call, company, set, &key)?;
        let fields = documents::end(&self.config, &old, cancel)?;
        let kind = if cancel { EffectKind::Cancelled } else { EffectKind::Moved };
        self.commit(call, company, set, &key, fields, kind);
        Ok(Answer::empty(204).with("odata-version", "4.0"))
    }

    /// The record, provided that `If-Match` (if sent) names its present version.
    fn unchanged(&self, call: &Call, company: &Company, set: &Set, key: &Key) -> Result<Fields, Refusal> {
        let row = company.row(set, key).ok_or_else(Refusal::no_record)?;
        let wanted = call.header("if-match");
        if !wanted.is_empty() && wanted != "*" && wanted != row.etag(set, key) {
            return Err(Refusal::changed_meanwhile());
        }
        Ok(row.fields.clone())
    }

    /// Writes the record and the ledger's line about it.
    fn commit(
        &self,
        call: &Call,
        company: &mut Company,
        set: &'static Set,
        key: &Key,
        fields: Fields,
        kind: EffectKind,
    ) {
        let is_natural =
            |name: &str| name.starts_with("U_") || matches!(name, "NumAtCard" | "CardCode" | "EmailAddress");
        let natural = fields
            .iter()
            .filter(|(name, _)| is_natural(name))
            .filter_map(|(name, value)| {
                Some((name.clone(), value.as_str().filter(|text| !text.is_empty())?.to_owned()))
            })
            .collect();
        let total = fields.get("DocTotal").and_then(money::decimal);
        self.ledger.record(
            call.sequence,
            kind,
            Subject { entity: set.name.to_owned(), key: key.shown(), natural, total },
        );
        company.put(set, key.clone(), fields);
    }
}

fn parse(call: &Call) -> Result<Value, Refusal> {
    serde_json::from_slice(&call.body)
        .map_err(|error| Refusal::malformed(format!("The request body is no JSON: {error}")))
}

/// Reads `Items`, `Items/$count`, `Items('A')`, `Orders(22)`, `Orders(22)/Cancel`.
fn target(path: &str) -> Result<Target<'_>, Refusal> {
    let unknown = || Refusal::new(404, -1000, format!("Unrecognized resource path '{path}'."));
    let Some((name, rest)) = path.split_once('(') else {
        let (name, count) = path.strip_suffix("/$count").map_or((path, false), |name| (name, true));
        let set = set_named(name).ok_or_else(unknown)?;
        return Ok(if count { Target::Count(set) } else { Target::Set(set) });
    };
    let set = set_named(name).ok_or_else(unknown)?;
    let (key, action) = rest.rsplit_once(')').ok_or_else(unknown)?;
    let quoted = key.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\''));
    let key = match (set.text_key, quoted) {
        (true, Some(text)) => Key::Text(text.replace("''", "'")),
        (false, None) => Key::Number(key.parse().map_err(|_| unknown())?),
        (true, None) | (false, Some(_)) => {
            return Err(Refusal::malformed(format!("The key ({key}) does not fit the type of '{}'", set.key)));
        }
    };
    match action.strip_prefix('/') {
        None if action.is_empty() => Ok(Target::Record(set, key)),
        Some(action) if !action.is_empty() => Ok(Target::Action(set, key, action)),
        None | Some(_) => Err(unknown()),
    }
}

fn set_named(name: &str) -> Option<&'static Set> {
    SETS.iter().find(|set| set.name == name)
}
