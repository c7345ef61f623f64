//! Do the books balance? What the shop asked for, what the ERP's own ledger says, and what our store says, side by side.
//!
//! The expectation comes from the shop's data alone: every order that was not cancelled is one sales order in the ERP, with
//! the shop's total to the cent; every customer with an account is one partner; each side knows the other's number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use mapwright_engine::state::State;
use mapwright_engine::status::FlowStatus;
use mapwright_engine::store::Store;
use mapwright_sandbox::Sandbox;
use mapwright_values::Integration;
use mapwright_values::decimal::Decimal;
use serde_json::Value;

use super::inbox::Inbox;
use crate::Faults;

/// One thing that must hold.
pub(super) struct Entry {
    /// What, as a person says it.
    pub(super) what: String,
    /// The figure.
    pub(super) figure: String,
    /// What speaks against it; empty = it holds.
    pub(super) against: Vec<String>,
}

/// The result of the examination.
pub(super) struct Books {
    pub(super) entries: Vec<Entry>,
    /// Messages delivered, for the rate.
    pub(super) delivered: u64,
}

impl Books {
    pub(super) fn balance(&self) -> bool {
        self.entries.iter().all(|entry| entry.against.is_empty())
    }
}

pub(super) async fn examine(
    integration: &Integration,
    sandbox: &Sandbox,
    store: &Arc<dyn Store>,
    inbox: &Inbox,
    dead: usize,
) -> Result<Books, Faults> {
    let status = store.status(Timestamp::now()).await?;
    let mut entries = orders(sandbox);
    entries.extend(customers(sandbox));
    entries.push(duplicates(sandbox));
    entries.push(open_letters(&status.flows));
    entries.push(ledger_agrees(integration, sandbox, &status.flows));
    entries.push(Entry {
        what: "alerts were raised and heard".to_owned(),
        figure: inbox.texts().len().to_string(),
        against: if dead > 0 && inbox.texts().is_empty() { vec!["no alert came in".to_owned()] } else { Vec::new() },
    });
    let delivered = status.flows.iter().map(|flow| flow.count(State::Done)).sum();
    Ok(Books { entries, delivered })
}

/// Text of a member, numbers as they are printed.
fn text(record: &Value, name: &str) -> String {
    match record.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

fn orders(sandbox: &Sandbox) -> Vec<Entry> {
    let expected: Vec<_> = sandbox.seed.summaries.iter().filter(|order| !order.cancelled).collect();
    let mut written: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for order in sandbox.erp.records("Orders") {
        written.entry(text(&order, "U_ShopOrderId")).or_default().push(order);
    }
    let mut lost = Vec::new();
    let mut totals = Vec::new();
    let mut unknown_there = Vec::new();
    for order in &expected {
        let Some(document) = written.get(&order.id).and_then(|documents| documents.first()) else {
            lost.push(format!("order {} is not in the ERP", order.number));
            continue;
        };
        let total = text(document, "DocTotal");
        if Decimal::parse(&total).ok() != Decimal::parse(&order.amount_total).ok() {
            totals.push(format!("order {}: {} in the shop, {total} in the ERP", order.number, order.amount_total));
        }
        let number = text(document, "DocNum");
        let told = sandbox.shop.order(&order.id).and_then(|order| order.get("customFields").cloned());
        let told = told.map(|fields| text(&fields, "erp_order_number")).unwrap_or_default();
        if told != number {
            unknown_there.push(format!("order {}: the shop holds `{told}`, the ERP `{number}`", order.number));
        }
    }
    let wanted: BTreeSet<&str> = expected.iter().map(|order| order.id.as_str()).collect();
    let strangers = written.keys().filter(|id| !wanted.contains(id.as_str()));
    let strangers = strangers.map(|id| format!("the ERP has an order of `{id}`, which nobody placed")).collect();
    let (count, found) = (expected.len(), expected.len() - lost.len());
    vec![
        Entry {
            what: "orders of the shop that are in the ERP".to_owned(),
            figure: format!("{found} of {count}"),
            against: lost,
        },
        Entry { what: "orders in the ERP that nobody placed".to_owned(), figure: "0".to_owned(), against: strangers },
        Entry {
            what: "totals that agree to the cent".to_owned(),
            figure: format!("{} of {found}", found - totals.len()),
            against: totals,
        },
        Entry {
            what: "orders whose number in the ERP the shop knows".to_owned(),
            figure: format!("{} of {found}", found - unknown_there.len()),
            against: unknown_there,
        },
    ]
}

fn customers(sandbox: &Sandbox) -> Vec<Entry> {
    let accounts: Vec<&Value> =
        sandbox.seed.customers.iter().filter(|customer| customer.get("guest") != Some(&Value::Bool(true))).collect();
    let mut partners: BTreeMap<String, String> = BTreeMap::new();
    for partner in sandbox.erp.records("BusinessPartners") {
        partners.insert(text(&partner, "U_ShopCustomerNo"), text(&partner, "CardCode"));
    }
    let mut lost = Vec::new();
    let mut unknown = Vec::new();
    for customer in &accounts {
        let number = text(customer, "customerNumber");
        let Some(code) = partners.get(&number) else {
            lost.push(format!("customer {number} is not in the ERP"));
            continue;
        };
        let told = sandbox.shop.record("customer", &text(customer, "id"));
        let told = told.and_then(|customer| customer.get("customFields").cloned());
        let told = told.map(|fields| text(&fields, "erp_card_code")).unwrap_or_default();
        if told != *code {
            unknown.push(format!("customer {number}: the shop holds `{told}`, the ERP `{code}`"));
        }
    }
    let (count, found) = (accounts.len(), accounts.len() - lost.len());
    vec![
        Entry {
            what: "customers with an account that are in the ERP".to_owned(),
            figure: format!("{found} of {count}"),
            against: lost,
        },
        Entry {
            what: "customers whose number in the ERP the shop knows".to_owned(),
            figure: format!("{} of {found}", found - unknown.len()),
            against: unknown,
        },
    ]
}

fn duplicates(sandbox: &Sandbox) -> Entry {
    let found: Vec<String> = [sandbox.erp.ledger(), sandbox.shop.ledger()]
        .into_iter()
        .flat_map(|ledger| ledger.duplicates())
        .filter(|duplicate| !duplicate.field.starts_with("customFields."))
        .map(|duplicate| {
            format!("{} `{}` = {}: {}", duplicate.entity, duplicate.field, duplicate.value, duplicate.keys.join(", "))
        })
        .collect();
    Entry {
        what: "duplicates in the ERP's and the shop's ledgers".to_owned(),
        figure: found.len().to_string(),
        against: found,
    }
}

fn open_letters(flows: &[FlowStatus]) -> Entry {
    let mut against = Vec::new();
    for flow in flows {
        for count in flow.counts.iter().filter(|count| count.messages > 0) {
            let finished = matches!(count.state, State::Done | State::Noop | State::Superseded | State::Skipped);
            if !finished {
                against.push(format!("{}: {} are {}", flow.flow, count.messages, crate::status::name(count.state)));
            }
        }
        if !flow.is_conserved() {
            against.push(format!("{}: the states do not add up to {} accepted", flow.flow, flow.accepted));
        }
    }
    Entry {
        what: "records that are unfinished or need a person".to_owned(),
        figure: against.len().to_string(),
        against,
    }
}

/// What our store calls delivered is what the target's own ledger calls made.
fn ledger_agrees(integration: &Integration, sandbox: &Sandbox, flows: &[FlowStatus]) -> Entry {
    let mut against = Vec::new();
    let mut told = Vec::new();
    for plan in integration.plan.flows {
        let Some(flow) = flows.iter().find(|flow| flow.flow == plan.name) else { continue };
        let Some(mapping) = plan.writes.first().and_then(|write| integration.plan.mapping(write.mapping)) else {
            continue;
        };
        let done: u64 = flow
            .counts
            .iter()
            .filter(|count| count.write == 0 && count.state == State::Done)
            .map(|count| count.messages)
            .sum();
        let made = sandbox.erp.ledger().created(mapping.entity);
        told.push(format!("{} {done}/{made}", mapping.entity));
        if u64::try_from(made).ok() != Some(done) {
            against.push(format!("{}: the store says {done} delivered, the ERP's ledger {made} made", mapping.entity));
        }
    }
    Entry { what: "delivered by our store / made by the ERP's ledger".to_owned(), figure: told.join(", "), against }
}
