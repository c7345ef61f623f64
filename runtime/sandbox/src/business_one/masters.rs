//! Master data: business partners and items, and the set-up that a new company starts with.
//!
//! In: fields, already of the right types. Out: complete records, or the refusal of a business rule. Never: documents.

use super::company::{Company, Fields, SETS};
use super::documents::{default, merge_rows, text, touch};
use super::refusal::Refusal;
use super::{ErpConfig, ItemSeed};
use crate::clock;
use crate::money::double;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// Completes a new partner.
pub(super) fn create_partner(company: &Company, config: &ErpConfig, mut fields: Fields) -> Result<Fields, Refusal> {
    let code = text(&fields, "CardCode");
    if code.is_empty() {
        return Err(Refusal::field("Enter BP code", "OCRD.CardCode", ""));
    }
    if company.master("BusinessPartners", &code).is_some() {
        let message = format!(
            "Business partner code '{code}' already assigned to a business partner: entry already exists (ODBC -2035)"
        );
        return Err(Refusal::new(400, -2035, message));
    }
    let defaults = [
        ("CardName", json!("")),
        ("CardType", json!("cCustomer")),
        ("GroupCode", json!(100)),
        ("Currency", json!(config.currency)),
        ("PriceListNum", json!(1)),
        ("PayTermsGrpCode", json!(-1)),
        ("VatLiable", json!("vLiable")),
        ("Valid", json!("tYES")),
        ("Frozen", json!("tNO")),
        ("CurrentAccountBalance", double(Decimal::ZERO)),
        ("CreditLimit", double(Decimal::ZERO)),
        ("BPAddresses", json!([])),
        ("ContactEmployees", json!([])),
        ("CreateDate", json!(clock::wall(&config.zone).date().to_string())),
    ];
    for (name, value) in defaults {
        default(&mut fields, name, value);
    }
    finish_partner(config, &mut fields)?;
    Ok(fields)
}

/// Merges a delta into a partner.
pub(super) fn update_partner(
    config: &ErpConfig,
    old: &Fields,
    delta: Fields,
    replace_collections: bool,
) -> Result<Fields, Refusal> {
    let mut fields = old.clone();
    for (name, value) in delta.into_iter().filter(|(name, _)| name != "CardCode") {
        let merged = match (name.as_str(), value, fields.get(&name)) {
            ("BPAddresses", Value::Array(new), Some(Value::Array(old))) if !replace_collections => {
                Value::Array(merge_addresses(old, new))
            }
            ("ContactEmployees", Value::Array(new), Some(Value::Array(old))) if !replace_collections => {
                Value::Array(merge_rows(old, new, "Name"))
            }
            (_, value, _) => value,
        };
        fields.insert(name, merged);
    }
    finish_partner(config, &mut fields)?;
    Ok(fields)
}

/// Addresses are one when name and type agree.
fn merge_addresses(old: &[Value], new: Vec<Value>) -> Vec<Value> {
    let mut rows = old.to_vec();
    for row in new {
        let same = |known: &Value| {
            known.get("AddressName") == row.get("AddressName") && known.get("AddressType") == row.get("AddressType")
        };
        let place = rows.iter().position(same);
        match (place.and_then(|place| rows.get_mut(place)).and_then(Value::as_object_mut), row) {
            (Some(known), Value::Object(changes)) => known.extend(changes),
            (_, row) => rows.push(row),
        }
    }
    rows
}

/// Numbers the addresses and contacts, checks the default addresses, notes the change.
fn finish_partner(config: &ErpConfig, fields: &mut Fields) -> Result<(), Refusal> {
    let code = text(fields, "CardCode");
    let mut names = Vec::new();
    let addresses = fields.get_mut("BPAddresses").and_then(Value::as_array_mut).into_iter().flatten();
    for (index, address) in addresses.filter_map(Value::as_object_mut).enumerate() {
        default(address, "AddressType", json!("bo_ShipTo"));
        let name = (text(address, "AddressName"), text(address, "AddressType"));
        if name.0.is_empty() {
            return Err(Refusal::line("Enter address ID", "CRD1.Address", index, ""));
        }
        if names.contains(&name) {
            return Err(Refusal::new(
                400,
                -2035,
                format!(
                    "This entry already exists in the following tables (ODBC -2035)  [CRD1.Address] , '{}'",
                    name.0
                ),
            ));
        }
        address.insert("BPCode".to_owned(), json!(code));
        address.insert("RowNum".to_owned(), json!(index));
        names.push(name);
    }
    let contacts = fields.get_mut("ContactEmployees").and_then(Value::as_array_mut).into_iter().flatten();
    for (index, contact) in contacts.filter_map(Value::as_object_mut).enumerate() {
        if text(contact, "Name").is_empty() {
            return Err(Refusal::line("Enter contact ID", "OCPR.Name", index, ""));
        }
        contact.insert("CardCode".to_owned(), json!(code));
        default(contact, "InternalCode", json!(index + 1));
        default(contact, "Active", json!("tYES"));
    }
    for (field, bracket, kind) in
        [("BilltoDefault", "OCRD.BillToDef", "bo_BillTo"), ("ShipToDefault", "OCRD.ShipToDef", "bo_ShipTo")]
    {
        let wanted = text(fields, field);
        if !wanted.is_empty() && !names.iter().any(|(name, address_type)| *name == wanted && address_type == kind) {
            return Err(Refusal::field("Enter valid code", bracket, &wanted));
        }
    }
    touch(config, fields);
    Ok(())
}

/// Completes a new item.
pub(super) fn create_item(company: &Company, config: &ErpConfig, mut fields: Fields) -> Result<Fields, Refusal> {
    let code = text(&fields, "ItemCode");
    if code.is_empty() {
        return Err(Refusal::field("Enter item code", "OITM.ItemCode", ""));
    }
    if company.master("Items", &code).is_some() {
        return Err(Refusal::new(
            400,
            -2035,
            format!("Item code '{code}' already exists (ODBC -2035)  [OITM.ItemCode]"),
        ));
    }
    let defaults = [
        ("ItemName", json!("")),
        ("ForeignName", Value::Null),
        ("ItemsGroupCode", json!(100)),
        ("SalesVATGroup", json!("A1")),
        ("BarCode", Value::Null),
        ("VatLiable", json!("tYES")),
        ("PurchaseItem", json!("tYES")),
        ("SalesItem", json!("tYES")),
        ("InventoryItem", json!("tYES")),
        ("Valid", json!("tYES")),
        ("Frozen", json!("tNO")),
        ("QuantityOnStock", double(Decimal::ZERO)),
        ("SalesUnit", json!("Stk")),
        ("ManageSerialNumbers", json!("tNO")),
        ("ManageBatchNumbers", json!("tNO")),
        ("CreateDate", json!(clock::wall(&config.zone).date().to_string())),
        ("ItemPrices", json!([])),
        ("ItemWarehouseInfoCollection", json!([])),
        ("ItemBarCodeCollection", json!([])),
    ];
    for (name, value) in defaults {
        default(&mut fields, name, value);
    }
    touch(config, &mut fields);
    Ok(fields)
}

/// Merges a delta into an item.
pub(super) fn update_item(config: &ErpConfig, old: &Fields, delta: Fields) -> Fields {
    let mut fields = old.clone();
    for (name, value) in delta.into_iter().filter(|(name, _)| name != "ItemCode") {
        let merged = match (name.as_str(), value, fields.get(&name)) {
            ("ItemPrices", Value::Array(new), Some(Value::Array(old))) => {
                Value::Array(merge_rows(old, new, "PriceList"))
            }
            (_, value, _) => value,
        };
        fields.insert(name, merged);
    }
    touch(config, &mut fields);
    fields
}

/// An item record as `create_item` would be sent it.
pub(super) fn item_fields(seed: &ItemSeed) -> Fields {
    let flag = |value: bool| if value { "tYES" } else { "tNO" };
    let price = double(seed.price);
    let record = json!({
        "ItemCode": seed.code,
        "ItemName": seed.name,
        "SalesVATGroup": seed.vat_group,
        "Frozen": flag(seed.frozen),
        "Valid": flag(!seed.frozen),
        "InventoryItem": flag(seed.stocked),
        "ItemPrices": [
            { "PriceList": 1, "Price": price, "Currency": "EUR", "BasePriceList": 1, "Factor": 1.0, "UoMPrices": [] },
            { "PriceList": 2, "Price": price, "Currency": "EUR", "BasePriceList": 2, "Factor": 1.0, "UoMPrices": [] }
        ],
        "ItemWarehouseInfoCollection": [
            { "WarehouseCode": "01", "InStock": 40.0, "Committed": 0.0, "Ordered": 0.0, "Locked": "tNO", "ItemCode": seed.code }
        ]
    });
    match record {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Fields::new(),
    }
}

/// Warehouses, tax groups, price lists and freight of a new company.
pub(super) fn set_up(company: &mut Company, config: &ErpConfig) {
    let warehouses =
        config.warehouses.iter().map(|code| json!({ "WarehouseCode": code, "WarehouseName": format!("Lager {code}") }));
    put_all(company, "Warehouses", warehouses.collect());
    let groups =
        config.vat_groups.iter().map(|(code, rate)| json!({ "Code": code, "Name": format!("Umsatzsteuer {rate} %") }));
    put_all(company, "VatGroups", groups.collect());
    let lists = [(1, "Verkauf"), (2, "Webshop")].map(|(number, name)| {
        json!({ "PriceListNo": number, "PriceListName": name, "IsGrossPrice": "tNO", "Active": "tYES" })
    });
    put_all(company, "PriceLists", lists.into());
    put_all(company, "AdditionalExpenses", vec![json!({ "ExpensCode": 1, "Name": "Fracht" })]);
}

fn put_all(company: &mut Company, set: &str, records: Vec<Value>) {
    let Some(set) = SETS.iter().find(|known| known.name == set) else { return };
    for record in records {
        if let Value::Object(fields) = record
            && let Some(key) = Company::key_of(set, &fields)
        {
            company.put(set, key, fields);
        }
    }
}
