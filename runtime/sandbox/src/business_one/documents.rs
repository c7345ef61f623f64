//! Marketing documents: what the server checks and what it computes.
//!
//! In: a document's fields, already of the right types. Out: the complete document with line numbers, taxes and totals, or the
//! refusal of a business rule. Never: a second thought about duplicates: two orders with one `NumAtCard` are accepted.

use super::ErpConfig;
use super::company::{Company, Fields, Set};
use super::refusal::Refusal;
use crate::clock;
use crate::money::{decimal, double, round};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// Properties that the server computes. In a request they are silently ignored.
const COMPUTED: &[&str] = &[
    "DocEntry",
    "DocNum",
    "DocTotal",
    "VatSum",
    "DocumentStatus",
    "Cancelled",
    "CancelStatus",
    "CreationDate",
    "UpdateDate",
    "DocTime",
    "UpdateTime",
    "PaidToDate",
    "TotalDiscount",
];

const LINE_COMPUTED: &[&str] =
    &["Price", "TaxTotal", "GrossTotal", "TaxPercentagePerRow", "LineStatus", "RemainingOpenQuantity"];

const EXPENSE_COMPUTED: &[&str] = &["TaxPercent", "TaxSum", "LineGross", "Status", "LineNum"];

/// Amounts are kept in cents, prices with this many decimals, as `CompanyService_GetAdminInfo` says.
pub(super) const AMOUNT_DECIMALS: u32 = 2;
pub(super) const PRICE_DECIMALS: u32 = 6;

/// What the totals need from the lines.
#[derive(Default)]
struct Sums {
    net: Decimal,
    tax: Decimal,
}

/// Drops what a client may not write.
pub(super) fn strip_computed(fields: &mut Fields) {
    fields.retain(|name, _| !COMPUTED.contains(&name.as_str()));
}

/// Completes a new document.
pub(super) fn create(
    company: &mut Company,
    config: &ErpConfig,
    set: &Set,
    mut fields: Fields,
) -> Result<Fields, Refusal> {
    strip_computed(&mut fields);
    let now = clock::wall(&config.zone);
    let today = now.date().to_string();
    let time = now.strftime("%H:%M:%S").to_string();
    default(&mut fields, "DocDate", json!(today));
    let doc_date = fields.get("DocDate").cloned().unwrap_or_default();
    default(&mut fields, "TaxDate", doc_date);
    fields.insert("CreationDate".to_owned(), json!(today));
    fields.insert("DocTime".to_owned(), json!(time));
    fields.insert("DocumentStatus".to_owned(), json!("bost_Open"));
    fields.insert("Cancelled".to_owned(), json!("tNO"));
    fields.insert("CancelStatus".to_owned(), json!("csNo"));
    compute(company, config, &mut fields)?;
    touch(config, &mut fields);
    let entry = company.next_entry(set);
    fields.insert("DocEntry".to_owned(), json!(entry));
    fields.insert("DocNum".to_owned(), json!(entry + config.first_doc_num - 1));
    Ok(fields)
}

/// Marks a record as changed now, in the company's zone.
pub(super) fn touch(config: &ErpConfig, fields: &mut Fields) {
    let now = clock::wall(&config.zone);
    fields.insert("UpdateDate".to_owned(), json!(now.date().to_string()));
    fields.insert("UpdateTime".to_owned(), json!(now.strftime("%H:%M:%S").to_string()));
}

/// Merges a delta into a document and computes it anew.
pub(super) fn update(
    company: &Company,
    config: &ErpConfig,
    old: &Fields,
    mut delta: Fields,
    replace_collections: bool,
) -> Result<Fields, Refusal> {
    if old.get("DocumentStatus").and_then(Value::as_str) != Some("bost_Open") {
        return Err(Refusal::rule("Document is already closed  [ORDR.DocStatus]"));
    }
    strip_computed(&mut delta);
    let mut fields = old.clone();
    for (name, value) in delta {
        let merged = match (name.as_str(), value, fields.get(&name)) {
            ("DocumentLines" | "DocumentAdditionalExpenses", Value::Array(new), Some(Value::Array(old)))
                if !replace_collections =>
            {
                Value::Array(merge_rows(old, new, "LineNum"))
            }
            ("AddressExtension", Value::Object(new), Some(Value::Object(old))) => {
                let mut merged = old.clone();
                merged.extend(new);
                Value::Object(merged)
            }
            (_, value, _) => value,
        };
        fields.insert(name, merged);
    }
    compute(company, config, &mut fields)?;
    touch(config, &mut fields);
    Ok(fields)
}

/// Rows of a delta replace the fields of the row with the same key; rows without a known key are appended.
pub(super) fn merge_rows(old: &[Value], new: Vec<Value>, key: &str) -> Vec<Value> {
    let mut rows = old.to_vec();
    for row in new {
        let wanted = row.get(key).filter(|value| !value.is_null());
        let place = wanted.and_then(|wanted| rows.iter().position(|known| known.get(key) == Some(wanted)));
        let known = place.and_then(|place| rows.get_mut(place)).and_then(Value::as_object_mut);
        match (known, row) {
            (Some(known), Value::Object(changes)) => {
                // A new quantity or price makes the computed amounts of the old row stale.
                for stale in ["LineTotal", "PriceAfterVAT"] {
                    if !changes.contains_key(stale) {
                        known.remove(stale);
                    }
                }
                if changes.contains_key("PriceAfterVAT") {
                    known.remove("UnitPrice");
                }
                known.extend(changes);
            }
            (_, row) => rows.push(row),
        }
    }
    rows
}

/// Checks the head, the lines and the expenses, and computes every amount.
fn compute(company: &Company, config: &ErpConfig, fields: &mut Fields) -> Result<(), Refusal> {
    let partner = head(company, config, fields)?;
    let percent = amount(fields, "DiscountPercent");
    let sums = lines(company, config, &partner, percent, fields)?;
    let expenses = expenses(company, config, fields)?;
    let discount = round(sums.net * percent / Decimal::ONE_HUNDRED, AMOUNT_DECIMALS);
    let vat = sums.tax + expenses.tax;
    let mut total = sums.net - discount + expenses.net + vat;
    if text(fields, "Rounding") == "tYES" {
        total += amount(fields, "RoundingDiffAmount");
    }
    fields.insert("TotalDiscount".to_owned(), double(discount));
    fields.insert("VatSum".to_owned(), double(vat));
    fields.insert("DocTotal".to_owned(), double(total));
    Ok(())
}

/// Checks the head and fills its defaults; gives back the partner.
fn head(company: &Company, config: &ErpConfig, fields: &mut Fields) -> Result<Fields, Refusal> {
    let code = text(fields, "CardCode");
    let unknown = || Refusal::field("10000811 - Enter valid code", "ORDR.CardCode", &code);
    let partner = company.master("BusinessPartners", &code).ok_or_else(unknown)?.clone();
    if text(&partner, "Frozen") == "tYES" || text(&partner, "Valid") == "tNO" {
        return Err(Refusal::field("Business partner is inactive", "ORDR.CardCode", &code));
    }
    if text(fields, "DocDueDate").is_empty() {
        return Err(Refusal::field("Enter due date", "ORDR.DocDueDate", ""));
    }
    for (field, bracket, kind) in
        [("ShipToCode", "ORDR.ShipToCode", "bo_ShipTo"), ("PayToCode", "ORDR.PayToCode", "bo_BillTo")]
    {
        let wanted = text(fields, field);
        let known = rows(&partner, "BPAddresses")
            .any(|row| row_text(row, "AddressName") == wanted && row_text(row, "AddressType") == kind);
        if !wanted.is_empty() && !known {
            return Err(Refusal::field("Enter valid code", bracket, &wanted));
        }
    }
    let own = text(&partner, "Currency");
    let own = if own.is_empty() || own == "##" { config.currency.clone() } else { own };
    default(fields, "DocCurrency", json!(own));
    let currency = text(fields, "DocCurrency");
    if !config.currencies.contains(&currency) {
        return Err(Refusal::field("Enter valid code", "ORDR.DocCur", &currency));
    }
    if currency != config.currency && amount(fields, "DocRate").is_zero() {
        return Err(Refusal::new(400, -4006, format!("Update the exchange rate , '{currency}'")));
    }
    default(fields, "DocRate", double(Decimal::ONE));
    default(fields, "CardName", partner.get("CardName").cloned().unwrap_or_default());
    default(fields, "DocType", json!("dDocument_Items"));
    default(fields, "HandWritten", json!("tNO"));
    default(fields, "Printed", json!("psNo"));
    default(fields, "Series", json!(8));
    default(fields, "DiscountPercent", double(Decimal::ZERO));
    default(fields, "RoundingDiffAmount", double(Decimal::ZERO));
    default(fields, "PaymentGroupCode", partner.get("PayTermsGrpCode").cloned().unwrap_or_else(|| json!(-1)));
    default(fields, "SalesPersonCode", json!(-1));
    default(fields, "TransportationCode", json!(-1));
    Ok(partner)
}

fn lines(
    company: &Company,
    config: &ErpConfig,
    partner: &Fields,
    percent: Decimal,
    fields: &mut Fields,
) -> Result<Sums, Refusal> {
    let currency = fields.get("DocCurrency").cloned().unwrap_or_default();
    let Some(Value::Array(lines)) =
        fields.get_mut("DocumentLines").filter(|lines| lines.as_array().is_some_and(|lines| !lines.is_empty()))
    else {
        return Err(Refusal::rule("No matching lines: cannot add a document without lines  [RDR1]"));
    };
    let mut sums = Sums::default();
    let mut next = lines.iter().filter_map(|line| line.get("LineNum")?.as_i64()).max().map_or(0, |last| last + 1);
    for (index, line) in lines.iter_mut().filter_map(Value::as_object_mut).enumerate() {
        line.retain(|name, _| !LINE_COMPUTED.contains(&name.as_str()));
        item(company, index, line)?;
        warehouse(company, config, index, line)?;
        let rate = vat(config, line, |group| Refusal::line("Enter valid tax code", "RDR1.VatGroup", index, group))?;
        price(index, line, partner, company, rate)?;
        if line.get("LineNum").is_none_or(Value::is_null) {
            line.insert("LineNum".to_owned(), json!(next));
            next += 1;
        }
        default(line, "Currency", currency.clone());
        let net = amount(line, "LineTotal");
        let taxed = net - net * percent / Decimal::ONE_HUNDRED;
        let tax = round(taxed * rate / Decimal::ONE_HUNDRED, AMOUNT_DECIMALS);
        line.insert("TaxPercentagePerRow".to_owned(), double(rate));
        line.insert("TaxTotal".to_owned(), double(tax));
        line.insert("GrossTotal".to_owned(), double(net + tax));
        line.insert("LineStatus".to_owned(), json!("bost_Open"));
        line.insert("RemainingOpenQuantity".to_owned(), line.get("Quantity").cloned().unwrap_or_default());
        for (name, value) in [("BaseType", json!(-1)), ("UoMCode", json!("Manuell")), ("AccountCode", json!("400000"))]
        {
            default(line, name, value);
        }
        sums.net += net;
        sums.tax += tax;
    }
    Ok(sums)
}

/// The item must exist and be for sale.
fn item(company: &Company, index: usize, line: &mut Fields) -> Result<(), Refusal> {
    let code = text(line, "ItemCode");
    let item = company
        .master("Items", &code)
        .ok_or_else(|| Refusal::line("Item no. is missing", "RDR1.ItemCode", index, &code))?;
    if text(item, "Frozen") == "tYES" || text(item, "Valid") == "tNO" || text(item, "SalesItem") == "tNO" {
        return Err(Refusal::line("Item is inactive", "RDR1.ItemCode", index, &code));
    }
    let name = item.get("ItemName").cloned().unwrap_or_default();
    let group = item.get("SalesVATGroup").cloned().unwrap_or_default();
    default(line, "ItemDescription", name);
    default(line, "VatGroup", group);
    Ok(())
}

fn warehouse(company: &Company, config: &ErpConfig, index: usize, line: &mut Fields) -> Result<(), Refusal> {
    default(line, "WarehouseCode", json!(config.default_warehouse));
    let code = text(line, "WarehouseCode");
    match company.master("Warehouses", &code) {
        Some(_) => Ok(()),
        None => Err(Refusal::line("Warehouse is not defined", "RDR1.WhsCode", index, &code)),
    }
}

/// The rate of the row's tax group.
fn vat(config: &ErpConfig, row: &Fields, refuse: impl Fn(&str) -> Refusal) -> Result<Decimal, Refusal> {
    let group = text(row, "VatGroup");
    config.vat_groups.get(&group).copied().ok_or_else(|| refuse(&group))
}

/// Net price, gross price and line total, from whichever price was sent.
fn price(index: usize, line: &mut Fields, partner: &Fields, company: &Company, rate: Decimal) -> Result<(), Refusal> {
    default(line, "Quantity", double(Decimal::ONE));
    default(line, "DiscountPercent", double(Decimal::ZERO));
    let quantity = amount(line, "Quantity");
    if quantity.is_zero() {
        return Err(Refusal::line("Quantity must not be zero", "RDR1.Quantity", index, "0"));
    }
    let kept = Decimal::ONE - amount(line, "DiscountPercent") / Decimal::ONE_HUNDRED;
    let factor = Decimal::ONE + rate / Decimal::ONE_HUNDRED;
    let sent = |name: &str| line.get(name).and_then(decimal);
    let (unit, net) = match (sent("UnitPrice"), sent("PriceAfterVAT"), sent("LineTotal")) {
        (Some(_), Some(gross), _) if !is_own_gross(line, gross, factor, kept) => {
            // The vendor's answer depends on the patch level, so a client must never send both.
            return Err(Refusal::line(
                "Send either UnitPrice or PriceAfterVAT",
                "RDR1.PriceAfVAT",
                index,
                &gross.to_string(),
            ));
        }
        (Some(unit), _, _) => (unit, round(quantity * unit * kept, AMOUNT_DECIMALS)),
        (None, Some(gross), _) => {
            let price = round(gross / factor, PRICE_DECIMALS);
            let unit = if kept.is_zero() { price } else { round(price / kept, PRICE_DECIMALS) };
            (unit, round(quantity * price, AMOUNT_DECIMALS))
        }
        (None, None, Some(total)) => (round(total / quantity, PRICE_DECIMALS), round(total, AMOUNT_DECIMALS)),
        (None, None, None) => {
            let unit = list_price(company, partner, &text(line, "ItemCode"));
            (unit, round(quantity * unit * kept, AMOUNT_DECIMALS))
        }
    };
    let price = round(unit * kept, PRICE_DECIMALS);
    line.insert("UnitPrice".to_owned(), double(unit));
    line.insert("Price".to_owned(), double(price));
    line.insert("PriceAfterVAT".to_owned(), double(round(price * factor, PRICE_DECIMALS)));
    line.insert("LineTotal".to_owned(), double(net));
    Ok(())
}

/// Whether the gross price is the one this server computed from the unit price earlier, as in an unchanged line of an update.
fn is_own_gross(line: &Fields, gross: Decimal, factor: Decimal, kept: Decimal) -> bool {
    let price = round(amount(line, "UnitPrice") * kept, PRICE_DECIMALS);
    round(price * factor, PRICE_DECIMALS) == gross
}

/// The item's price in the partner's price list.
fn list_price(company: &Company, partner: &Fields, item: &str) -> Decimal {
    let list = partner.get("PriceListNum").and_then(Value::as_i64).unwrap_or(1);
    let prices = company.master("Items", item).into_iter().flat_map(|item| rows(item, "ItemPrices"));
    prices
        .filter(|row| row.get("PriceList").and_then(Value::as_i64) == Some(list))
        .find_map(|row| row.get("Price").and_then(decimal))
        .unwrap_or_default()
}

fn expenses(company: &Company, config: &ErpConfig, fields: &mut Fields) -> Result<Sums, Refusal> {
    let mut sums = Sums::default();
    let Some(Value::Array(expenses)) = fields.get_mut("DocumentAdditionalExpenses") else { return Ok(sums) };
    for (index, row) in expenses.iter_mut().filter_map(Value::as_object_mut).enumerate() {
        row.retain(|name, _| !EXPENSE_COMPUTED.contains(&name.as_str()));
        let code = row.get("ExpenseCode").and_then(Value::as_i64);
        if code.and_then(|code| company.numbered("AdditionalExpenses", code)).is_none() {
            let shown = code.map(|code| code.to_string()).unwrap_or_default();
            return Err(Refusal::line("Enter valid code", "RDR3.ExpnsCode", index, &shown));
        }
        let rate = vat(config, row, |group| Refusal::line("Enter valid tax code", "RDR3.VatGroup", index, group))?;
        let net = round(amount(row, "LineTotal"), AMOUNT_DECIMALS);
        let tax = round(net * rate / Decimal::ONE_HUNDRED, AMOUNT_DECIMALS);
        row.insert("LineTotal".to_owned(), double(net));
        row.insert("TaxPercent".to_owned(), double(rate));
        row.insert("TaxSum".to_owned(), double(tax));
        row.insert("LineGross".to_owned(), double(net + tax));
        row.insert("LineNum".to_owned(), json!(index));
        row.insert("Status".to_owned(), json!("bost_Open"));
        sums.net += net;
        sums.tax += tax;
    }
    Ok(sums)
}

/// The action `Cancel` or `Close` on a document.
pub(super) fn end(config: &ErpConfig, old: &Fields, cancel: bool) -> Result<Fields, Refusal> {
    if text(old, "DocumentStatus") != "bost_Open" {
        return Err(Refusal::rule("Document is already closed or cancelled  [ORDR.DocStatus]"));
    }
    let mut fields = old.clone();
    fields.insert("DocumentStatus".to_owned(), json!("bost_Close"));
    if cancel {
        fields.insert("Cancelled".to_owned(), json!("tYES"));
        fields.insert("CancelStatus".to_owned(), json!("csYes"));
    }
    let lines = fields.get_mut("DocumentLines").and_then(Value::as_array_mut).into_iter().flatten();
    for line in lines.filter_map(Value::as_object_mut) {
        line.insert("LineStatus".to_owned(), json!("bost_Close"));
        line.insert("RemainingOpenQuantity".to_owned(), double(Decimal::ZERO));
    }
    touch(config, &mut fields);
    Ok(fields)
}

/// A field's text, empty when it is absent or no text.
pub(super) fn text(fields: &Fields, name: &str) -> String {
    fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn row_text<'a>(row: &'a Value, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A field's amount, zero when it is absent.
fn amount(fields: &Fields, name: &str) -> Decimal {
    fields.get(name).and_then(decimal).unwrap_or_default()
}

fn rows<'a>(fields: &'a Fields, name: &str) -> impl Iterator<Item = &'a Value> {
    fields.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// Sets a field that is absent or null.
pub(super) fn default(fields: &mut Fields, name: &str, value: Value) {
    if fields.get(name).is_none_or(Value::is_null) {
        fields.insert(name.to_owned(), value);
    }
}
