//! A made-up shop as the records of a played one. In: the seed. Out: stored records, those that are parts of others as well among them.

use std::time::Duration;

use mapwright_values::Json;

use super::Derived;
use super::tree::{at, items, plain};
use crate::seed::Seed;

/// Parts of a shop's records that are records of their own as well: entity, owner, field.
const PARTS: &[(&str, &str, &str)] = &[
    ("order_delivery", "order", "deliveries"),
    ("order_transaction", "order", "transactions"),
    ("customer_address", "customer", "defaultBillingAddress"),
    ("customer_address", "customer", "defaultShippingAddress"),
];

impl Derived {
    /// Adds what is made up of a shop, as far as the catalogue has an entity for it.
    pub fn fill(&self, seed: &Seed, age: Duration) {
        for (entity, record) in seed.shop_records() {
            let Ok(record) = Json::parse(&record.to_string()).map(Json::into_owned) else { continue };
            for (part, owner, field) in PARTS.iter().filter(|(_, owner, _)| *owner == entity) {
                let reference = format!("{owner}Id");
                for one in record.get(field).map(items).unwrap_or_default() {
                    let mut one = one.clone();
                    let id = at(&one, "id").map(plain);
                    if let (Json::Record(members), Some(id)) = (&mut one, record.get("id")) {
                        members.retain(|(name, _)| *name != reference);
                        members.push((reference.clone().into(), id.clone()));
                    }
                    // One address may be both.
                    if self.records(part).iter().all(|known| at(known, "id").map(plain) != id) {
                        // An integration that does not use the part has no table for it.
                        let _unused = self.add(part, one, age);
                    }
                }
            }
            let _unused = self.add(entity, record, age);
        }
    }
}
