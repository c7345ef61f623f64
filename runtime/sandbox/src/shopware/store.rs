//! The shop's records and the writes on them.
//!
//! In: seeded records, PATCH and POST bodies, transitions. Out: changed records or the vendor's refusal.
//! Never: HTTP.

use super::problem::Problem;
use super::schema::Schema;
use super::states::{self, Machine};
use crate::clock;
use crate::ledger::Subject;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Fields that only the shop itself writes. States are moved by their own action, totals follow from `price`.
const PROTECTED: &[&str] = &[
    "amountNet",
    "amountTotal",
    "autoIncrement",
    "available",
    "availableStock",
    "createdAt",
    "positionPrice",
    "shippingTotal",
    "stateId",
    "taxStatus",
    "updatedAt",
];

/// Lengths that the vendor sheet names.
const LENGTHS: &[(&str, &str, usize)] = &[
    ("order", "orderNumber", 64),
    ("product", "productNumber", 64),
    ("product", "name", 255),
    ("product", "ean", 255),
    ("product", "manufacturerNumber", 255),
    ("customer", "customerNumber", 255),
    ("customer", "firstName", 255),
    ("customer", "lastName", 255),
    ("customer", "title", 100),
    ("customer_address", "firstName", 50),
    ("customer_address", "lastName", 60),
    ("customer_address", "zipcode", 50),
    ("customer_address", "phoneNumber", 40),
];

/// What a create must carry, from the vendor sheet.
const REQUIRED: &[(&str, &[&str])] = &[
    ("product", &["taxId", "price", "productNumber", "stock", "name"]),
    (
        "customer",
        &[
            "groupId",
            "salesChannelId",
            "languageId",
            "defaultBillingAddressId",
            "defaultShippingAddressId",
            "customerNumber",
            "firstName",
            "lastName",
            "email",
        ],
    ),
    (
        "order",
        &[
            "billingAddressId",
            "currencyId",
            "languageId",
            "salesChannelId",
            "orderDateTime",
            "currencyFactor",
            "stateId",
            "itemRounding",
            "totalRounding",
        ],
    ),
];

/// Where records of an entity live that are part of another one.
const EMBEDDED: &[(&str, &str, &str)] = &[
    ("order_delivery", "order", "deliveries"),
    ("order_transaction", "order", "transactions"),
    ("order_line_item", "order", "lineItems"),
    ("order_customer", "order", "orderCustomer"),
    ("order_address", "order", "billingAddress"),
    ("customer_address", "customer", "defaultBillingAddress"),
    ("customer_address", "customer", "defaultShippingAddress"),
];

/// All records by entity, in the order of their creation.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    entities: BTreeMap<String, Vec<Value>>,
    /// Entity and id to the place in the list.
    places: BTreeMap<(String, String), usize>,
}

impl Store {
    /// Adds a record as it is.
    pub(super) fn seed(&mut self, entity: &str, record: Value) {
        let id = text_of(&record, "id");
        let list = self.entities.entry(entity.to_owned()).or_default();
        self.places.insert((entity.to_owned(), id), list.len());
        list.push(record);
    }

    /// The records of an entity, those that are parts of other records included.
    pub(super) fn all(&self, entity: &str) -> Vec<&Value> {
        let own = self.entities.get(entity).into_iter().flatten();
        let embedded = EMBEDDED
            .iter()
            .filter(|(part, _, _)| *part == entity)
            .flat_map(|(_, owner, name)| {
                self.entities.get(*owner).into_iter().flatten().filter_map(|record| record.get(*name))
            })
            .flat_map(|value| match value {
                Value::Array(list) => list.iter().collect::<Vec<_>>(),
                Value::Null => Vec::new(),
                single => vec![single],
            });
        own.chain(embedded).collect()
    }

    /// One record of its own.
    pub(super) fn get(&self, entity: &str, id: &str) -> Option<&Value> {
        let place = *self.places.get(&(entity.to_owned(), id.to_owned()))?;
        self.entities.get(entity)?.get(place)
    }

    fn get_mut(&mut self, entity: &str, id: &str) -> Option<&mut Map<String, Value>> {
        let place = *self.places.get(&(entity.to_owned(), id.to_owned()))?;
        self.entities.get_mut(entity)?.get_mut(place)?.as_object_mut()
    }

    /// `PATCH /api/{entity}/{id}`.
    pub(super) fn patch(&mut self, schema: &Schema, entity: &str, id: &str, body: &Value) -> Result<Subject, Problem> {
        let changes = checked(schema, entity, body)?;
        if changes.get("id").is_some_and(|given| given != id) {
            return Err(Problem::new(
                400,
                "FRAMEWORK__WRITE_MALFORMED_INPUT",
                "The id of the body is not the id of the path.",
            )
            .at("/id"));
        }
        if self.get(entity, id).is_none() && EMBEDDED.iter().any(|(part, _, _)| *part == entity) {
            return self.patch_part(entity, id, changes);
        }
        let record = self.get_mut(entity, id).ok_or_else(|| not_found(entity, id))?;
        for (name, value) in changes {
            match (name.as_str(), value, record.get_mut(name)) {
                ("customFields", Value::Object(new), Some(Value::Object(old))) => {
                    old.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
                (_, value, _) => {
                    record.insert(name.clone(), value.clone());
                }
            }
        }
        record.insert("updatedAt".to_owned(), json!(clock::iso_millis(clock::now())));
        Ok(subject(entity, &Value::Object(record.clone())))
    }

    /// A record that stands within others: an address of a customer, a delivery of an order.
    fn patch_part(&mut self, entity: &str, id: &str, changes: &Map<String, Value>) -> Result<Subject, Problem> {
        let mut changed = None;
        for (_, owner, name) in EMBEDDED.iter().filter(|(part, _, _)| *part == entity) {
            let parts = self.entities.get_mut(*owner).into_iter().flatten().filter_map(|record| record.get_mut(*name));
            let parts = parts.flat_map(|value| match value {
                Value::Array(list) => list.iter_mut().collect::<Vec<_>>(),
                single => vec![single],
            });
            for part in parts.filter_map(Value::as_object_mut) {
                if part.get("id").is_some_and(|known| known == id) {
                    part.extend(changes.iter().map(|(name, value)| (name.clone(), value.clone())));
                    part.insert("updatedAt".to_owned(), json!(clock::iso_millis(clock::now())));
                    changed = Some(subject(entity, &Value::Object(part.clone())));
                }
            }
        }
        changed.ok_or_else(|| not_found(entity, id))
    }

    /// `POST /api/{entity}`.
    pub(super) fn create(&mut self, schema: &Schema, entity: &str, body: &Value) -> Result<Subject, Problem> {
        let given = checked(schema, entity, body)?;
        for field in REQUIRED.iter().filter(|(name, _)| *name == entity).flat_map(|(_, fields)| fields.iter()) {
            if given.get(*field).is_none_or(Value::is_null) {
                let problem =
                    Problem::new(400, "c1051bb4-d103-4f74-8988-acbcafc7fdc3", "This value should not be blank.");
                return Err(problem.titled("Constraint violation error").at(format!("/0/{field}")));
            }
        }
        let number = self.entities.get(entity).map_or(0, Vec::len) + 1;
        let id = given
            .get("id")
            .and_then(Value::as_str)
            .map_or_else(|| crate::text::hex_id(&format!("{entity} {number}")), str::to_owned);
        if self.get(entity, &id).is_some() {
            return Err(Problem::new(
                400,
                "FRAMEWORK__WRITE_DUPLICATE_ENTRY",
                format!("The {entity} {id} exists already."),
            ));
        }
        let unique = match entity {
            "product" => Some(("productNumber", "CONTENT__DUPLICATE_PRODUCT_NUMBER")),
            _ => None,
        };
        if let Some((field, code)) = unique
            && let Some(value) = given.get(field)
            && self.all(entity).iter().any(|record| record.get(field) == Some(value))
        {
            return Err(Problem::new(409, code, format!("{field} {value} is taken.")).at(format!("/0/{field}")));
        }
        let mut record = given.clone();
        record.insert("id".to_owned(), json!(id));
        record.insert("createdAt".to_owned(), json!(clock::iso_millis(clock::now())));
        record.insert("updatedAt".to_owned(), Value::Null);
        let record = Value::Object(record);
        let about = subject(entity, &record);
        self.seed(entity, record);
        Ok(about)
    }

    /// `POST /api/_action/{machine}/{id}/state/{action}`: the new state and what it is about.
    pub(super) fn transition(&mut self, machine: Machine, id: &str, action: &str) -> Result<(Value, Subject), Problem> {
        let entity = machine.entity();
        let now = json!(clock::iso_millis(clock::now()));
        let list = match machine {
            Machine::Order => None,
            Machine::Delivery => Some("deliveries"),
            Machine::Transaction => Some("transactions"),
        };
        let orders = self.entities.entry("order".to_owned()).or_default();
        let record = match list {
            None => orders.iter_mut().find(|order| order.get("id").and_then(Value::as_str) == Some(id)),
            Some(name) => orders
                .iter_mut()
                .filter_map(|order| order.get_mut(name)?.as_array_mut())
                .flatten()
                .find(|part| part.get("id").and_then(Value::as_str) == Some(id)),
        };
        let record = record.and_then(Value::as_object_mut).ok_or_else(|| not_found(entity, id))?;
        let present = record.get("stateMachineState").map(|state| text_of(state, "technicalName")).unwrap_or_default();
        let next = machine.step(&present, action)?;
        let state = states::state(machine, next);
        record.insert("stateMachineState".to_owned(), state.clone());
        if record.contains_key("stateId") {
            record.insert("stateId".to_owned(), json!(states::state_id(machine, next)));
        }
        // The order's own time stamp moves only with the order itself, not with its deliveries or payments.
        record.insert("updatedAt".to_owned(), now);
        let about = subject(entity, &Value::Object(record.clone()));
        Ok((state, about))
    }
}

/// The body as an object whose every name is a writable field of `entity`.
fn checked<'a>(schema: &Schema, entity: &str, body: &'a Value) -> Result<&'a Map<String, Value>, Problem> {
    let fields = body.as_object().ok_or_else(|| {
        Problem::new(400, "FRAMEWORK__WRITE_MALFORMED_INPUT", "Expected data to be an associative array.")
    })?;
    for (name, value) in fields {
        if schema.association(entity, name).is_some() {
            return Err(Problem::not_simulated(format!("a nested write on {entity}.{name}")));
        }
        if !schema.has_field(entity, name) {
            let detail = format!("Unexpected field: \"{name}\" in entity \"{entity}\"");
            return Err(Problem::new(400, "FRAMEWORK__WRITE_UNEXPECTED_FIELD_ERROR", detail).at(format!("/0/{name}")));
        }
        if PROTECTED.contains(&name.as_str()) {
            let detail = "This field is write-protected.";
            return Err(Problem::new(400, "FRAMEWORK__WRITE_CONSTRAINT_VIOLATION", detail).at(format!("/0/{name}")));
        }
        if name == "customFields" && !(value.is_object() || value.is_null()) {
            let detail = "This value should be of type object.";
            return Err(Problem::new(400, "VIOLATION::INVALID_TYPE_ERROR", detail)
                .titled("Constraint violation error")
                .at("/0/customFields"));
        }
        let limit =
            LENGTHS.iter().find(|(owner, field, _)| *owner == entity && field == name).map(|(_, _, limit)| *limit);
        if let (Some(limit), Some(text)) = (limit, value.as_str())
            && text.chars().count() > limit
        {
            let detail = format!("This value is too long. It should have {limit} characters or less.");
            let problem = Problem::new(400, "VIOLATION::TOO_LONG_ERROR", detail).titled("Constraint violation error");
            let parameters = json!({ "{{ limit }}": limit.to_string() });
            return Err(problem.at(format!("/0/{name}")).with_parameters(parameters));
        }
    }
    Ok(fields)
}

fn not_found(entity: &str, id: &str) -> Problem {
    Problem::new(
        404,
        "FRAMEWORK__RESOURCE_NOT_FOUND",
        format!("The {entity} resource with the following primary key was not found: id({id})"),
    )
}

pub(super) fn text_of(record: &Value, field: &str) -> String {
    record.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What the ledger notes about a record: its number and the text of its custom fields.
fn subject(entity: &str, record: &Value) -> Subject {
    let mut natural: BTreeMap<String, String> = ["orderNumber", "customerNumber", "productNumber"]
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), record.get(*field)?.as_str()?.to_owned())))
        .collect();
    let custom = record.get("customFields").and_then(Value::as_object);
    natural.extend(
        custom
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((format!("customFields.{name}"), value.as_str()?.to_owned()))),
    );
    if let Some(state) = record.get("stateMachineState") {
        natural.insert("state".to_owned(), text_of(state, "technicalName"));
    }
    let total = record.get("amountTotal").and_then(crate::money::decimal);
    Subject { entity: entity.to_owned(), key: text_of(record, "id"), natural, total }
}
