//! The company database: sets, rows, keys, versions.
//!
//! In: rows that were checked and completed. Out: rows by key, ETags. Never: a business rule.

use crate::text::mix;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The fields of one record.
pub(super) type Fields = Map<String, Value>;

/// What kind of records a set holds, which decides its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Document,
    Partner,
    Item,
    /// Set up by accounting; read only here.
    Setup,
}

/// An entity set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set {
    pub(super) name: &'static str,
    pub(super) entity: &'static str,
    pub(super) key: &'static str,
    pub(super) text_key: bool,
    pub(super) class: Class,
}

/// Every set that is played.
pub(super) const SETS: &[Set] = &[
    Set { name: "Orders", entity: "Document", key: "DocEntry", text_key: false, class: Class::Document },
    Set { name: "Drafts", entity: "Document", key: "DocEntry", text_key: false, class: Class::Document },
    Set { name: "Quotations", entity: "Document", key: "DocEntry", text_key: false, class: Class::Document },
    Set { name: "DeliveryNotes", entity: "Document", key: "DocEntry", text_key: false, class: Class::Document },
    Set { name: "Invoices", entity: "Document", key: "DocEntry", text_key: false, class: Class::Document },
    Set { name: "CreditNotes", entity: "Document", key: "DocEntry", text_key: false, class: Class::Document },
    Set { name: "BusinessPartners", entity: "BusinessPartner", key: "CardCode", text_key: true, class: Class::Partner },
    Set { name: "Items", entity: "Item", key: "ItemCode", text_key: true, class: Class::Item },
    Set { name: "Warehouses", entity: "Warehouse", key: "WarehouseCode", text_key: true, class: Class::Setup },
    Set { name: "VatGroups", entity: "VatGroup", key: "Code", text_key: true, class: Class::Setup },
    Set { name: "PriceLists", entity: "PriceList", key: "PriceListNo", text_key: false, class: Class::Setup },
    Set {
        name: "AdditionalExpenses",
        entity: "AdditionalExpense",
        key: "ExpensCode",
        text_key: false,
        class: Class::Setup,
    },
];

/// A key: a number for documents, a text for master data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Number(i64),
    Text(String),
}

impl Key {
    /// As the ledger and messages show it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    /// As it stands in a path: `22` or `'C10044'`.
    pub(super) fn in_path(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => format!("'{}'", crate::text::escape_query(&text.replace('\'', "''"))),
        }
    }
}

/// A record and how often it was written.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) fields: Fields,
    version: u64,
}

/// All rows of the company.
#[derive(Debug, Default)]
pub(super) struct Company {
    sets: BTreeMap<&'static str, BTreeMap<Key, Row>>,
    last_entry: BTreeMap<&'static str, i64>,
}

impl Company {
    /// The rows of a set in the order of their keys.
    pub(super) fn rows(&self, set: &Set) -> impl Iterator<Item = (&Key, &Row)> {
        self.sets.get(set.name).into_iter().flatten()
    }

    /// One row.
    pub(super) fn row(&self, set: &Set, key: &Key) -> Option<&Row> {
        self.sets.get(set.name)?.get(key)
    }

    /// One record of master data by its code.
    pub(super) fn master(&self, set: &str, code: &str) -> Option<&Fields> {
        Some(&self.sets.get(set)?.get(&Key::Text(code.to_owned()))?.fields)
    }

    /// One record of numbered set-up data.
    pub(super) fn numbered(&self, set: &str, number: i64) -> Option<&Fields> {
        Some(&self.sets.get(set)?.get(&Key::Number(number))?.fields)
    }

    /// Writes a row, new or old, with the next version.
    pub(super) fn put(&mut self, set: &Set, key: Key, fields: Fields) {
        let rows = self.sets.entry(set.name).or_default();
        let version = rows.get(&key).map_or(1, |row| row.version + 1);
        rows.insert(key, Row { fields, version });
    }

    /// The next `DocEntry` of a set.
    pub(super) fn next_entry(&mut self, set: &Set) -> i64 {
        let last = self.last_entry.entry(set.name).or_default();
        *last += 1;
        *last
    }

    /// The key of a record, from its own fields.
    pub(super) fn key_of(set: &Set, fields: &Fields) -> Option<Key> {
        let value = fields.get(set.key)?;
        if set.text_key {
            value.as_str().filter(|text| !text.is_empty()).map(|text| Key::Text(text.to_owned()))
        } else {
            value.as_i64().map(Key::Number)
        }
    }
}

impl Row {
    /// The weak ETag of this version.
    pub(super) fn etag(&self, set: &Set, key: &Key) -> String {
        let label = format!("{} {}", set.name, key.shown());
        let seed = label.bytes().fold(self.version, |hash, byte| mix(hash ^ u64::from(byte)));
        format!("W/\"{:016X}{:016X}{:08X}\"", mix(seed), mix(!seed), mix(seed ^ self.version) >> 32)
    }
}
