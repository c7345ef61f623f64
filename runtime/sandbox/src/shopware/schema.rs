//! The names of Shopware's entities, their fields and associations.
//!
//! In: `data/shopware-6-entities.json`. Out: look-ups by name. Never: a value.

use super::problem::Problem;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The associations that the simulated records hold. Others exist in the vendor's system and are refused with 501.
const PLAYED: &[(&str, &[&str])] = &[
    (
        "order",
        &[
            "currency",
            "stateMachineState",
            "billingAddress",
            "orderCustomer",
            "lineItems",
            "transactions",
            "deliveries",
        ],
    ),
    ("order_customer", &["customer"]),
    ("order_address", &["country"]),
    ("order_delivery", &["stateMachineState", "shippingMethod", "shippingOrderAddress"]),
    ("order_transaction", &["stateMachineState", "paymentMethod"]),
    ("customer", &["defaultBillingAddress", "defaultShippingAddress", "group"]),
    ("customer_address", &["country"]),
    ("product", &["tax", "options", "prices"]),
];

/// Where an association leads.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) entity: String,
    pub(super) many: bool,
}

#[derive(Debug, Default)]
struct Shape {
    fields: BTreeSet<String>,
    associations: BTreeMap<String, Target>,
}

/// All entities.
#[derive(Debug)]
pub(super) struct Schema(BTreeMap<String, Shape>);

impl Schema {
    /// Reads the field list that is built in.
    pub(super) fn load() -> Self {
        let whole: Value =
            serde_json::from_str(include_str!("../../data/shopware-6-entities.json")).unwrap_or_default();
        let entities = whole.get("entities").and_then(Value::as_object).cloned().unwrap_or_default();
        let shape_of = |shape: &Value| Shape {
            fields: shape
                .get("fields")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            associations: shape
                .get("associations")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .filter_map(|(name, target)| Some((name.clone(), target_of(target.as_str()?))))
                .collect(),
        };
        Self(entities.iter().map(|(name, shape)| (name.clone(), shape_of(shape))).collect())
    }

    /// Whether the entity is known.
    pub(super) fn knows(&self, entity: &str) -> bool {
        self.0.contains_key(entity)
    }

    /// Whether `entity` has a field of its own (no association) of that name.
    pub(super) fn has_field(&self, entity: &str, field: &str) -> bool {
        self.0.get(entity).is_some_and(|shape| shape.fields.contains(field))
    }

    /// Where the association leads, if `entity` has it.
    pub(super) fn association(&self, entity: &str, name: &str) -> Option<&Target> {
        self.0.get(entity)?.associations.get(name)
    }

    /// The association, or the vendor's refusal for a wrong name, or ours for one that is not played.
    pub(super) fn played_association(&self, entity: &str, name: &str) -> Result<&Target, Problem> {
        let missing = || {
            Problem::new(
                400,
                "FRAMEWORK__ASSOCIATION_NOT_FOUND",
                format!("Can not find association by name {name} in entity {entity}"),
            )
        };
        let target = self.association(entity, name).ok_or_else(missing)?;
        let played = PLAYED.iter().any(|(owner, names)| *owner == entity && names.contains(&name));
        if played { Ok(target) } else { Err(Problem::not_simulated(format!("association {name} of {entity}"))) }
    }

    /// Checks a dotted path as filters and sortings use it and gives it back without the entity's own name in front.
    pub(super) fn path(&self, entity: &str, dotted: &str) -> Result<Vec<String>, Problem> {
        let mut parts: Vec<String> = dotted.split('.').map(str::to_owned).collect();
        if parts.len() > 1 && parts.first().is_some_and(|first| first == entity) {
            parts.remove(0);
        }
        let mut owner = entity.to_owned();
        for (place, part) in parts.iter().enumerate() {
            if let Some(target) = self.association(&owner, part) {
                // Entities outside the field list are taken on trust.
                if !self.knows(&target.entity) {
                    return Ok(parts);
                }
                owner.clone_from(&target.entity);
            } else if self.has_field(&owner, part) {
                // What follows a field reaches into its JSON, for instance `customFields.erp_number`.
                return Ok(parts);
            } else {
                let detail = format!("Field \"{part}\" in entity \"{owner}\" was not found.");
                tracing::debug!(place, %detail, "a path does not fit");
                return Err(Problem::new(400, "FRAMEWORK__UNMAPPED_FIELD", detail));
            }
        }
        Ok(parts)
    }
}

fn target_of(text: &str) -> Target {
    match text.strip_suffix("[]") {
        Some(entity) => Target { entity: entity.to_owned(), many: true },
        None => Target { entity: text.to_owned(), many: false },
    }
}
