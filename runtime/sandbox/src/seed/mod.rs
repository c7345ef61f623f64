//! What the sandbox starts with: a shop full of orders, and an ERP that knows almost all of its products.
//!
//! In: a [`SeedConfig`]. Out: a [`Seed`]: the same config gives the same bytes, on every machine.
//! Never: the clock, the system's randomness, a real person.

mod catalogue;
mod draw;
mod orders;
mod people;
mod pricing;
mod shape;

use crate::business_one::{ErpSeed, ItemSeed};
use crate::clock::iso_millis;
use draw::Draw;
use jiff::{SignedDuration, Timestamp};
pub use pricing::TaxStatus;
use serde_json::Value;
use shape::{Customer, OrderPlan, Position};
use std::collections::{BTreeMap, BTreeSet};

/// Number of the first generated order; the samples are 10231 and 10232.
const FIRST_ORDER: u64 = 20_001;

/// 2026-11-02 09:10 UTC, after the samples.
const FIRST_SECOND: i64 = 1_793_610_600;

/// How many orders, and how unruly.
#[derive(Clone, Debug)]
pub struct SeedConfig {
    /// Where the draws start.
    pub seed: u64,
    /// Generated orders, the two samples not counted.
    pub orders: usize,
    /// Orders in a thousand that hold a product unknown to the ERP.
    pub unknown_per_mille: u32,
    /// Whether the sample orders 10231 and 10232 are there too.
    pub samples: bool,
}

impl Default for SeedConfig {
    fn default() -> Self {
        Self { seed: 20_261_102, orders: 1_000, unknown_per_mille: 20, samples: true }
    }
}

/// A combination that a tax table must answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaxCase {
    /// Country of delivery.
    pub country: String,
    /// Rate in percent; `None` in a tax-free order, whose lines carry no rate at all.
    pub rate: Option<String>,
    /// Whether the customer is a business.
    pub business: bool,
    /// `taxStatus` of the order.
    pub status: TaxStatus,
}

/// One order in a few words, for expectations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderSummary {
    /// Shop id.
    pub id: String,
    /// Order number.
    pub number: String,
    /// Whether it was cancelled before anybody read it.
    pub cancelled: bool,
    /// Whether the customer has no account.
    pub guest: bool,
    /// Product numbers that the ERP does not have at the start.
    pub unknown_products: Vec<String>,
    /// `amountTotal` as printed.
    pub amount_total: String,
    /// `taxStatus`.
    pub status: TaxStatus,
}

/// A generated shop and what the ERP is to know of it.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Orders with everything embedded, in the order of their numbers.
    pub orders: Vec<Value>,
    /// Customers with and without accounts, with everything embedded.
    pub customers: Vec<Value>,
    /// Products.
    pub products: Vec<Value>,
    /// One line for each order.
    pub summaries: Vec<OrderSummary>,
    /// Items of the ERP.
    pub items: Vec<ItemSeed>,
    /// Items that the ERP does not have at the start, although orders need them.
    pub unknown_items: Vec<ItemSeed>,
    /// Every combination a tax table must answer for these orders.
    pub tax_cases: BTreeSet<TaxCase>,
    countries: Vec<Value>,
}

impl Seed {
    /// Generates everything.
    #[must_use]
    pub fn generate(config: &SeedConfig) -> Self {
        let mut draw = Draw::new(config.seed);
        let products = catalogue::products();
        let accounts = accounts(&mut draw, config.orders);
        let plans = plans(&mut draw, config, &accounts, &products);
        let mut seed = Self {
            orders: Vec::new(),
            customers: Vec::new(),
            products: Vec::new(),
            summaries: Vec::new(),
            items: catalogue::special_items(),
            unknown_items: products.iter().filter(|product| !product.known).map(catalogue::Product::item).collect(),
            tax_cases: plans.iter().flat_map(tax_cases).collect(),
            countries: Vec::new(),
        };
        seed.items.extend(products.iter().filter(|product| product.known).map(catalogue::Product::item));
        seed.countries =
            [people::GERMANY].iter().chain(people::OTHERS).map(|country| shape::country(*country)).collect();
        seed.countries.dedup();
        if config.samples {
            seed.add_samples();
        }
        let created_at = moment(0);
        seed.products = products.iter().map(|product| shape::product(product, &created_at)).collect();
        let mut customers: BTreeMap<String, (Customer, u64)> =
            accounts.iter().map(|account| (account.number.clone(), (account.clone(), 0))).collect();
        for plan in &plans {
            let entry = customers.entry(plan.customer.number.clone()).or_insert_with(|| (plan.customer.clone(), 0));
            entry.1 += 1;
        }
        seed.customers.extend(customers.values().map(|(customer, orders)| shape::customer(customer, *orders)));
        seed.orders.extend(plans.iter().map(shape::order));
        seed.summaries.extend(plans.iter().map(summary));
        seed
    }

    /// What the shop is started with.
    #[must_use]
    pub fn shop_records(&self) -> Vec<(&'static str, Value)> {
        let named = |entity: &'static str, records: &[Value]| {
            records.iter().map(move |record| (entity, record.clone())).collect::<Vec<_>>()
        };
        [
            named("order", &self.orders),
            named("customer", &self.customers),
            named("product", &self.products),
            named("country", &self.countries),
        ]
        .concat()
    }

    /// What the company is started with: the items, and the one partner on whom guests are booked.
    #[must_use]
    pub fn erp(&self) -> ErpSeed {
        ErpSeed { items: self.items.clone(), partners: vec![("C-GUEST".to_owned(), "Webshop Gastkunde".to_owned())] }
    }

    /// The sample orders, their customers, and their tax cases.
    fn add_samples(&mut self) {
        let read = |text: &str| -> Value {
            let page: Value = serde_json::from_str(text).unwrap_or_default();
            page.pointer("/data/0").cloned().unwrap_or_default()
        };
        let gross = read(include_str!("../../data/order-b2c-gross.json"));
        let net = read(include_str!("../../data/order-b2b-net.json"));
        let business = read(include_str!("../../data/customer-b2b.json"));
        self.customers.push(guest_of(&gross, &business));
        self.customers.push(business);
        for (order, guest, status, country) in
            [(&gross, true, TaxStatus::Gross, "DE"), (&net, false, TaxStatus::Net, "DK")]
        {
            let text = |name: &str| order.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            self.summaries.push(OrderSummary {
                id: text("id"),
                number: text("orderNumber"),
                cancelled: false,
                guest,
                unknown_products: Vec::new(),
                amount_total: order.get("amountTotal").map(Value::to_string).unwrap_or_default(),
                status,
            });
            let case = |rate: &str| TaxCase {
                country: country.to_owned(),
                rate: Some(rate.to_owned()),
                business: !guest,
                status,
            };
            self.tax_cases.extend([case("19"), case("7")]);
        }
        self.orders.extend([gross, net]);
    }
}

/// The customer record behind a guest's order, shaped like an account's.
fn guest_of(order: &Value, account: &Value) -> Value {
    let mut guest = account.clone();
    let part = |path: &str| order.pointer(path).cloned().unwrap_or_default();
    if let Some(fields) = guest.as_object_mut() {
        for name in ["firstName", "lastName", "email", "company", "vatIds", "customerNumber"] {
            fields.insert(name.to_owned(), part(&format!("/orderCustomer/{name}")));
        }
        for name in ["id", "guest", "groupId", "accountType"] {
            fields.insert(name.to_owned(), part(&format!("/orderCustomer/customer/{name}")));
        }
        fields.insert("defaultBillingAddress".to_owned(), part("/billingAddress"));
        fields.insert("defaultBillingAddressId".to_owned(), part("/billingAddress/id"));
        fields.insert("defaultShippingAddress".to_owned(), part("/deliveries/0/shippingOrderAddress"));
        fields.insert("defaultShippingAddressId".to_owned(), part("/deliveries/0/shippingOrderAddress/id"));
        fields.insert("customFields".to_owned(), Value::Null);
        fields.insert("updatedAt".to_owned(), Value::Null);
        fields.insert("orderCount".to_owned(), 1.into());
    }
    guest
}

fn moment(seconds: i64) -> String {
    iso_millis(instant(seconds))
}

fn instant(seconds: i64) -> Timestamp {
    let start = Timestamp::from_second(FIRST_SECOND).unwrap_or(Timestamp::UNIX_EPOCH);
    start + SignedDuration::from_secs(seconds)
}

fn accounts(draw: &mut Draw, orders: usize) -> Vec<Customer> {
    let count = (orders / 4).max(5);
    (0..count)
        .map(|index| {
            let business = draw.chance(350);
            let country = people::country(draw);
            let number = (20_100 + index).to_string();
            let billing = people::party(draw, &format!("kunde{number}"), business, country);
            let shipping = if draw.chance(200) { people::elsewhere(draw, &billing, country) } else { billing.clone() };
            let created_at = moment(-86_400 - i64::try_from(draw.below(30_000_000)).unwrap_or(0));
            Customer { number, guest: false, business, billing, shipping, created_at }
        })
        .collect()
}

fn plans(
    draw: &mut Draw,
    config: &SeedConfig,
    accounts: &[Customer],
    products: &[catalogue::Product],
) -> Vec<OrderPlan> {
    let mut second = 0;
    // However many there are, they are of some days: one that is of the future would not be read yet.
    let crowd = (config.orders as u64 / 1000).max(1);
    (0..config.orders as u64)
        .map(|place| {
            second += i64::try_from(draw.between(40, 900) / crowd).unwrap_or(0);
            let at = instant(second);
            let customer = if draw.chance(300) {
                let number = (50_000 + place).to_string();
                let country = people::country(draw);
                let party = people::party(draw, &format!("gast{number}"), false, country);
                Customer {
                    number,
                    guest: true,
                    business: false,
                    billing: party.clone(),
                    shipping: party,
                    created_at: iso_millis(at),
                }
            } else {
                let chosen = usize::try_from(draw.below(accounts.len() as u64)).unwrap_or(0);
                accounts.get(chosen).cloned().unwrap_or_else(|| fallback(at))
            };
            let unknown = draw.chance(u64::from(config.unknown_per_mille));
            orders::plan(draw, place, (FIRST_ORDER + place).to_string(), at, customer, products, unknown)
        })
        .collect()
}

/// Never used while there are accounts, of which there are always five.
fn fallback(at: Timestamp) -> Customer {
    let party = people::party(&mut Draw::new(0), "kunde", false, people::GERMANY);
    Customer {
        number: "20099".to_owned(),
        guest: false,
        business: false,
        billing: party.clone(),
        shipping: party,
        created_at: iso_millis(at),
    }
}

fn summary(plan: &OrderPlan) -> OrderSummary {
    let unknown = plan.positions.iter().filter_map(|position| match position {
        Position::Goods { product, .. } if !product.known => Some(product.number.clone()),
        Position::Goods { .. } | Position::Promotion { .. } => None,
    });
    OrderSummary {
        id: plan.id(),
        number: plan.number.clone(),
        cancelled: plan.state == "cancelled",
        guest: plan.customer.guest,
        unknown_products: unknown.collect(),
        amount_total: crate::money::double(plan.totals.total).to_string(),
        status: plan.status,
    }
}

fn tax_cases(plan: &OrderPlan) -> Vec<TaxCase> {
    let case = |rate: Option<String>| TaxCase {
        country: plan.ship_to.country.iso.to_owned(),
        rate,
        business: plan.customer.business,
        status: plan.status,
    };
    if plan.status == TaxStatus::TaxFree {
        return vec![case(None)];
    }
    let prices = plan.positions.iter().map(Position::price).chain(&plan.deliveries);
    prices.flat_map(|price| &price.rules).map(|rule| case(Some(rule.rate.normalize().to_string()))).collect()
}
