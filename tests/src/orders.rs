//! Orders as the shop sends them, in any number, for measuring: one a line, made from the cases of the shipped integration.
//!
//! In: a kind and how many. Out: the lines, and the answers to what their mapping looks up. The same numbers give the same bytes.

#![expect(
    clippy::indexing_slicing,
    reason = "an index into a JSON value that is not there answers null, and adds when written"
)]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::integration;

/// What orders are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every one is mapped: gross, net and tax-free, guests and accounts, long texts.
    Sound,
    /// Three of four are not mapped: every fault of the cases, and lines that are cut off.
    Faulty,
    /// With 400 fields that the mapping does not use.
    Wide,
    /// With 200 lines.
    Long,
}

impl Kind {
    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Kind> {
        Some(match name {
            "sound" => Kind::Sound,
            "faulty" => Kind::Faulty,
            "wide" => Kind::Wide,
            "long" => Kind::Long,
            _ => return None,
        })
    }
}

const SOUND: [&str; 6] = [
    "austria-two-rates-other-means",
    "b2b-net-account",
    "b2c-gross-guest",
    "cents-left-are-booked",
    "long-texts-and-foreign-currency",
    "tax-free-export",
];
const FAULTY: [&str; 8] = [
    "a-tax-rate-nobody-knows",
    "b2c-gross-guest",
    "cancelled-before-export",
    "customer-not-yet-in-the-erp",
    "does-not-add-up",
    "no-lines",
    "two-faults-at-once",
    "b2b-net-account",
];
/// Sold in every case and blocked in one, where the blocked one takes another number.
const ITEM: &str = "SC-0815";
const ITEM_BLOCKED: &str = "SC-0816";
/// The customer that the ERP does not have.
const STRANGER: &str = "00000000000000000000000000000001";
const LINES_LONG: usize = 200;
const FIELDS_WIDE: usize = 400;
const ITEMS: usize = 5_000;

/// A file of a case.
///
/// # Panics
/// The case is not there, or the file is not JSON.
fn read(case: &str, file: &str) -> Value {
    let path = integration().join("cases/order_to_sales_order").join(case).join(file);
    let read = std::fs::read(&path).map_err(|error| error.to_string());
    read.and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string()))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn order(case: &str) -> Value {
    let mut order = read(case, "input.json");
    match case {
        "two-faults-at-once" => {
            for line in order["lineItems"].as_array_mut().into_iter().flatten() {
                if line["payload"]["productNumber"] == ITEM {
                    line["payload"]["productNumber"] = json!(ITEM_BLOCKED);
                }
            }
        }
        "customer-not-yet-in-the-erp" => order["orderCustomer"]["customerId"] = json!(STRANGER),
        _ => {}
    }
    order
}

fn long(mut order: Value) -> Value {
    let more = LINES_LONG - 4;
    if let Some(lines) = order["lineItems"].as_array_mut()
        && let Some(first) = lines.first().cloned()
    {
        lines.splice(0..0, std::iter::repeat_n(first, more));
    }
    // Each of them is worth 119.00; what is behind the point stays.
    let total = order["amountTotal"].to_string();
    if let Some((whole, cents)) = total.split_once('.')
        && let Ok(whole) = whole.parse::<usize>()
        && let Ok(total) = serde_json::from_str(&format!("{}.{cents}", whole + 119 * more))
    {
        order["amountTotal"] = total;
    }
    order
}

fn wide(mut order: Value) -> Value {
    for number in 0..FIELDS_WIDE {
        let value = match number % 4 {
            0 => json!(format!("A value that no line of the spec uses, number {number}")),
            1 => json!(number),
            2 => json!({"technicalName": "none", "translated": {"name": "Keiner"}, "position": number}),
            _ => json!(["a", "b", null, true]),
        };
        order[format!("extension{number}")] = value;
    }
    order
}

/// So many lines of a kind, each with its line end; every order has a number of its own.
pub fn lines(kind: Kind, count: usize) -> impl Iterator<Item = String> {
    const NUMBER: &str = "{number}";
    let cases: &[&str] = match kind {
        Kind::Sound => &SOUND,
        Kind::Faulty => &FAULTY,
        Kind::Wide | Kind::Long => &["b2c-gross-guest"],
    };
    let made: Vec<String> = cases
        .iter()
        .map(|case| {
            let mut order = order(case);
            order["orderNumber"] = json!(NUMBER);
            match kind {
                Kind::Sound | Kind::Faulty => order,
                Kind::Wide => wide(order),
                Kind::Long => long(order),
            }
            .to_string()
        })
        .collect();
    (0..count).filter_map(move |index| {
        let text = made.get(index % made.len())?.replace(NUMBER, &(100_000 + index).to_string());
        let cut = kind == Kind::Faulty && index % 16 == 9;
        // Cut within the ASCII head of the record.
        let text = if cut { text.get(..100).unwrap_or_default() } else { &text };
        Some(format!("{text}\n"))
    })
}

/// The answers that `map --references` takes: the items of the cases among some thousands, and the customers.
#[must_use]
pub fn references() -> String {
    let mut items: BTreeMap<String, Value> = (0..ITEMS)
        .map(|number| format!("IT-{number:05}"))
        .map(|code| (code.clone(), json!({"ItemCode": code, "Valid": "tYES", "Frozen": "tNO"})))
        .collect();
    let mut links = BTreeMap::new();
    for case in SOUND.iter().chain(&FAULTY) {
        for answer in read(case, "references.json").as_array().into_iter().flatten() {
            if let Some(key) = answer["key"].as_str() {
                if !answer["is"].is_null() {
                    links.insert(key.to_owned(), answer.clone());
                }
                continue;
            }
            for item in answer["records"].as_array().into_iter().flatten() {
                let mut item = item.clone();
                if *case == "two-faults-at-once" && item["ItemCode"] == ITEM {
                    item["ItemCode"] = json!(ITEM_BLOCKED);
                }
                items.insert(item["ItemCode"].as_str().unwrap_or_default().to_owned(), item);
            }
        }
    }
    links.insert(
        STRANGER.to_owned(),
        json!({"linked": "erp.BusinessPartners", "of": "shop.customer", "key": STRANGER, "is": null}),
    );
    let items: Vec<Value> = items.into_values().collect();
    let mut answers = vec![json!({"find": "erp.Items", "records": items})];
    answers.extend(links.into_values());
    json!(answers).to_string()
}
