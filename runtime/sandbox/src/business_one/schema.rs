//! The Service Layer's entity types: names, types, enums, and the text lengths of the vendor sheet.
//!
//! In: `data/sap-business-one-service-layer.entities.json`, declared user fields, request bodies. Out: bodies whose every property
//! exists and has its type. Never: a business rule.

use super::refusal::Refusal;
use crate::money;
use jiff::civil::{Date, Time};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Larger amounts are refused: no company books them, and exact arithmetic on them stays far from its limits.
const AMOUNT_MAX: i64 = 1_000_000_000_000;

/// Rows in one collection of a request; more are refused.
const ROWS_MAX: usize = 5_000;

/// Text lengths of the vendor sheet in characters, with the bracketed field of the error message.
const LENGTHS: &[(&str, &str, usize, &str)] = &[
    ("Document", "CardCode", 15, "ORDR.CardCode"),
    ("Document", "CardName", 100, "ORDR.CardName"),
    ("Document", "NumAtCard", 100, "ORDR.NumAtCard"),
    ("Document", "Comments", 254, "ORDR.Comments"),
    ("DocumentLine", "ItemCode", 50, "RDR1.ItemCode"),
    ("DocumentLine", "ItemDescription", 200, "RDR1.Dscription"),
    ("DocumentLine", "WarehouseCode", 8, "RDR1.WhsCode"),
    ("DocumentLine", "FreeText", 100, "RDR1.FreeTxt"),
    ("AddressExtension", "ShipToStreet", 100, "RDR12.StreetS"),
    ("AddressExtension", "ShipToZipCode", 20, "RDR12.ZipCodeS"),
    ("AddressExtension", "ShipToCity", 100, "RDR12.CityS"),
    ("AddressExtension", "BillToStreet", 100, "RDR12.StreetB"),
    ("AddressExtension", "BillToZipCode", 20, "RDR12.ZipCodeB"),
    ("AddressExtension", "BillToCity", 100, "RDR12.CityB"),
    ("BusinessPartner", "CardCode", 15, "OCRD.CardCode"),
    ("BusinessPartner", "CardName", 100, "OCRD.CardName"),
    ("BusinessPartner", "FederalTaxID", 32, "OCRD.LicTradNum"),
    ("BusinessPartner", "EmailAddress", 100, "OCRD.E_Mail"),
    ("BPAddress", "AddressName", 50, "CRD1.Address"),
    ("BPAddress", "Street", 100, "CRD1.Street"),
    ("BPAddress", "ZipCode", 20, "CRD1.ZipCode"),
    ("BPAddress", "City", 100, "CRD1.City"),
    ("Item", "ItemCode", 50, "OITM.ItemCode"),
    ("Item", "ItemName", 200, "OITM.ItemName"),
];

/// Fields that hold a two-letter country.
const COUNTRIES: &[(&str, &str, &str)] = &[
    ("AddressExtension", "ShipToCountry", "RDR12.CountryS"),
    ("AddressExtension", "BillToCountry", "RDR12.CountryB"),
    ("BPAddress", "Country", "CRD1.Country"),
];

/// A user field declared in the company, for instance `U_ShopOrderId` of `Document`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserField {
    /// The entity type: `Document`, `DocumentLine`, `BusinessPartner`, `Item` ...
    pub entity: String,
    /// The name with its `U_`.
    pub name: String,
    /// Characters that fit.
    pub length_max: usize,
}

impl UserField {
    /// A text field.
    #[must_use]
    pub fn text(entity: &str, name: &str, length_max: usize) -> Self {
        Self { entity: entity.to_owned(), name: name.to_owned(), length_max }
    }
}

/// The type of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Double,
    Integer,
    Date,
    Time,
    /// The members' names.
    Enum(Vec<String>),
    /// One nested record of this type.
    One(String),
    /// A list of nested records of this type.
    Many(String),
}

/// All entity types.
#[derive(Debug)]
pub(super) struct Schema {
    types: BTreeMap<String, BTreeMap<String, Kind>>,
    user_fields: Vec<UserField>,
}

impl Schema {
    /// Reads the field list that is built in and adds the declared user fields.
    pub(super) fn load(user_fields: &[UserField]) -> Self {
        let text = include_str!("../../data/sap-business-one-service-layer.entities.json");
        let whole: Value = serde_json::from_str(text).unwrap_or_default();
        let enums = whole.get("enums").and_then(Value::as_object).cloned().unwrap_or_default();
        let entities = whole.get("entities").and_then(Value::as_object).cloned().unwrap_or_default();
        let mut types: BTreeMap<String, BTreeMap<String, Kind>> = entities
            .iter()
            .map(|(entity, properties)| {
                let properties = properties.as_object().into_iter().flatten();
                let kinds =
                    properties.filter_map(|(name, kind)| Some((name.clone(), kind_of(name, kind.as_str()?, &enums))));
                (entity.clone(), kinds.collect())
            })
            .collect();
        for field in user_fields {
            types.entry(field.entity.clone()).or_default().insert(field.name.clone(), Kind::Text);
        }
        Self { types, user_fields: user_fields.to_vec() }
    }

    /// The type of a property.
    pub(super) fn kind(&self, entity: &str, property: &str) -> Result<&Kind, Refusal> {
        self.types
            .get(entity)
            .and_then(|kinds| kinds.get(property))
            .ok_or_else(|| Refusal::unknown_property(property, entity))
    }

    /// Checks a request's record and gives it back with doubles printed as doubles and dates cut to their day.
    pub(super) fn check(&self, entity: &str, record: &Value) -> Result<Map<String, Value>, Refusal> {
        let fields =
            record.as_object().ok_or_else(|| Refusal::malformed(format!("'{entity}' must be a JSON object")))?;
        let mut checked = Map::new();
        for (name, value) in fields.iter().filter(|(name, _)| !name.starts_with("@odata.")) {
            let kind = self.kind(entity, name)?;
            checked.insert(name.clone(), self.check_value(entity, name, kind, value)?);
        }
        Ok(checked)
    }

    fn check_value(&self, entity: &str, name: &str, kind: &Kind, value: &Value) -> Result<Value, Refusal> {
        let wrong = || Refusal::malformed(format!("Value {value} of property '{name}' of '{entity}' is invalid"));
        if value.is_null() {
            return Ok(Value::Null);
        }
        match kind {
            Kind::Text => {
                let text = value.as_str().ok_or_else(wrong)?;
                self.check_length(entity, name, text)?;
                Ok(value.clone())
            }
            Kind::Double => {
                let amount = money::decimal(value).ok_or_else(wrong)?;
                if amount.abs() > Decimal::from(AMOUNT_MAX) {
                    return Err(wrong());
                }
                Ok(money::double(amount))
            }
            Kind::Integer => {
                let number = money::decimal(value).filter(Decimal::is_integer).ok_or_else(wrong)?;
                let whole: i32 = number.normalize().to_string().parse().map_err(|_| wrong())?;
                Ok(whole.into())
            }
            Kind::Date => Ok(Value::String(day_of(value.as_str().ok_or_else(wrong)?).ok_or_else(wrong)?)),
            Kind::Time => {
                let text = value.as_str().ok_or_else(wrong)?;
                text.parse::<Time>().map_err(|_| wrong())?;
                Ok(value.clone())
            }
            Kind::Enum(members) => {
                let text = value.as_str().ok_or_else(wrong)?;
                if members.is_empty() || members.iter().any(|member| member == text) {
                    Ok(value.clone())
                } else {
                    Err(wrong())
                }
            }
            Kind::One(inner) => {
                self.known(inner, entity, name)?;
                Ok(Value::Object(self.check(inner, value)?))
            }
            Kind::Many(inner) => {
                self.known(inner, entity, name)?;
                let rows = value.as_array().filter(|rows| rows.len() <= ROWS_MAX).ok_or_else(wrong)?;
                let rows: Result<Vec<Value>, Refusal> =
                    rows.iter().map(|row| Ok(Value::Object(self.check(inner, row)?))).collect();
                Ok(Value::Array(rows?))
            }
        }
    }

    fn known(&self, inner: &str, entity: &str, name: &str) -> Result<(), Refusal> {
        if self.types.contains_key(inner) {
            Ok(())
        } else {
            Err(Refusal::not_simulated(format!("'{name}' of '{entity}'")))
        }
    }

    fn check_length(&self, entity: &str, name: &str, text: &str) -> Result<(), Refusal> {
        let listed = LENGTHS.iter().find(|(owner, field, _, _)| *owner == entity && *field == name);
        let declared = self.user_fields.iter().find(|field| field.entity == entity && field.name == name);
        let (limit, bracket) = match (listed, declared) {
            (Some((_, _, limit, bracket)), _) => (*limit, (*bracket).to_owned()),
            (None, Some(field)) => (field.length_max, format!("{entity}.{name}")),
            (None, None) => (usize::MAX, String::new()),
        };
        if text.chars().count() > limit {
            return Err(Refusal::field("Value too long in property", &bracket, text));
        }
        let country = COUNTRIES.iter().find(|(owner, field, _)| *owner == entity && *field == name);
        if let Some((_, _, bracket)) = country
            && !text.is_empty()
            && !(text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()))
        {
            return Err(Refusal::field("No matching records found (ODBC -2028)", bracket, text));
        }
        Ok(())
    }
}

/// The day of `2026-11-02` or `2026-11-02T00:00:00Z`; the time of a date is ignored.
pub(super) fn day_of(text: &str) -> Option<String> {
    let day = text.get(..10)?;
    let rest = text.get(10..)?;
    day.parse::<Date>().ok()?;
    (rest.is_empty() || rest.starts_with('T')).then(|| day.to_owned())
}

fn kind_of(name: &str, text: &str, enums: &Map<String, Value>) -> Kind {
    match text {
        "Edm.String" => Kind::Text,
        "Edm.Double" | "Edm.Decimal" => Kind::Double,
        "Edm.Int32" | "Edm.Int64" => Kind::Integer,
        "Edm.DateTime" | "Edm.DateTimeOffset" if name.ends_with("Time") => Kind::Time,
        "Edm.DateTime" | "Edm.DateTimeOffset" => Kind::Date,
        other => {
            if let Some(inner) = other.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')')) {
                return Kind::Many(inner.to_owned());
            }
            match enums.get(other).and_then(Value::as_array) {
                Some(members) => Kind::Enum(members.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
                None => Kind::One(other.to_owned()),
            }
        }
    }
}
