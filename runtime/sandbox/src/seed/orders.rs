//! Orders of realistic variety.
//!
//! In: draws, customers, products. Out: [`OrderPlan`]s whose amounts add up as the shop's do.
//! Never: JSON; that is `shape.rs`.

use super::catalogue::{Product, TaxClass};
use super::draw::Draw;
use super::people::{self, Party};
use super::pricing::{self, Price, TaxStatus};
use super::shape::{Customer, OrderPlan, Position};
use crate::clock::iso_millis;
use crate::money::round;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

const PAYMENTS: &[Option<(&str, &str, &str)>] = &[
    Some(("swag_paypal", "PayPal", "paid")),
    Some(("swag_paypal", "PayPal", "paid")),
    Some(("payment_invoicepayment", "Rechnung", "open")),
    None,
];

const CARRIERS: &[(&str, &str)] =
    &[("shipping_standard", "Standard"), ("shipping_standard", "Standard"), ("shipping_express", "Express")];

/// One order. `unknown` asks for a product that the ERP does not have.
pub(super) fn plan(
    draw: &mut Draw,
    place: u64,
    number: String,
    at: Timestamp,
    customer: Customer,
    products: &[Product],
    unknown: bool,
) -> OrderPlan {
    let ship_to = ship_to(draw, &customer);
    let status = tax_status(&customer, &ship_to);
    let mut positions = goods(draw, status, ship_to.country.iso, products, unknown);
    promotions(draw, status, &mut positions);
    let deliveries = deliveries(draw, status, &positions);
    let prices: Vec<&Price> = positions.iter().map(Position::price).collect();
    let shipping: Vec<&Price> = deliveries.iter().collect();
    let totals = pricing::totals(status, &prices, &shipping);
    let shipping = pricing::sum(&shipping, &prices);
    let at = if draw.chance(60) { near_midnight(draw, at) } else { at };
    let created = at + SignedDuration::from_millis(1000 + i64::try_from(draw.below(900)).unwrap_or(0));
    let day = |days: i64| {
        let date = (at + SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%d").to_string();
        format!("{date}T00:00:00.000+00:00")
    };
    let cancelled = draw.chance(30);
    OrderPlan {
        number,
        auto_increment: 2000 + place,
        status,
        customer,
        ship_to,
        deliveries,
        shipping,
        totals,
        positions,
        payment: draw.pick(PAYMENTS),
        carrier: draw.pick(CARRIERS),
        state: if cancelled { "cancelled" } else { "open" },
        remark: people::remark(draw),
        ordered_at: iso_millis(at),
        ordered_on: at.strftime("%Y-%m-%d").to_string(),
        created_at: iso_millis(created),
        updated_at: (cancelled || draw.chance(50)).then(|| iso_millis(created + SignedDuration::from_secs(28))),
        ship_from: day(1),
        ship_until: day(3),
    }
}

/// Mostly the customer's own delivery address, sometimes another one in the same country.
fn ship_to(draw: &mut Draw, customer: &Customer) -> Party {
    if draw.chance(120) {
        people::elsewhere(draw, &customer.shipping, customer.shipping.country)
    } else {
        customer.shipping.clone()
    }
}

/// Export and business within the EU are free of tax, business at home buys net, everybody else gross.
fn tax_status(customer: &Customer, ship_to: &Party) -> TaxStatus {
    match (ship_to.country.eu, ship_to.country.iso, customer.business) {
        (false, _, _) => TaxStatus::TaxFree,
        (true, "DE", true) => TaxStatus::Net,
        (true, _, true) if customer.billing.vat_id.is_some() => TaxStatus::TaxFree,
        (true, _, true) => TaxStatus::Net,
        (true, _, false) => TaxStatus::Gross,
    }
}

fn goods(draw: &mut Draw, status: TaxStatus, iso: &str, products: &[Product], unknown: bool) -> Vec<Position> {
    let (known, new): (Vec<&Product>, Vec<&Product>) = products.iter().partition(|product| product.known);
    let count = if draw.chance(8) { 60 } else { 1 + draw.below(4) + if draw.chance(250) { draw.below(9) } else { 0 } };
    let mut chosen: Vec<Product> = (0..count)
        .map(|_| {
            let place = usize::try_from(draw.below(known.len() as u64)).unwrap_or(0);
            known.get(place).map(|product| (*product).clone()).unwrap_or_default()
        })
        .collect();
    if unknown {
        let place = usize::try_from(draw.below(new.len() as u64)).unwrap_or(0);
        chosen.extend(new.get(place).map(|product| (*product).clone()));
    }
    chosen
        .into_iter()
        .map(|product| {
            let quantity = if draw.chance(40) { draw.between(50, 250) } else { draw.between(1, 6) };
            let rate = product.tax.rate(iso);
            let free = product.net_cents == 0 || draw.chance(15);
            let unit = if free { Decimal::ZERO } else { unit_price(status, &product, rate) };
            let price = pricing::line(status, unit, quantity, rate);
            Position::Goods { product, price }
        })
        .collect()
}

/// Gross prices are what the storefront shows: the net price with tax, rounded to cents.
fn unit_price(status: TaxStatus, product: &Product, rate: Decimal) -> Decimal {
    let floor = Decimal::new(5, 2);
    let unit = match status {
        TaxStatus::Gross => round(product.net() * (Decimal::ONE_HUNDRED + rate) / Decimal::ONE_HUNDRED, 2),
        TaxStatus::Net | TaxStatus::TaxFree => product.net(),
    };
    unit.max(floor)
}

fn promotions(draw: &mut Draw, status: TaxStatus, positions: &mut Vec<Position>) {
    let base: Vec<Price> = positions.iter().map(|position| position.price().clone()).collect();
    let base: Vec<&Price> = base.iter().collect();
    let whole: Decimal = base.iter().map(|price| price.total).sum();
    if whole <= Decimal::ONE {
        return;
    }
    let percent_off = |percent: u32| -round(whole * Decimal::from(percent) / Decimal::ONE_HUNDRED, 2);
    let mut add = |code, label, percent, total| {
        positions.push(Position::Promotion { code, label, percent, price: pricing::split(status, total, &base) });
    };
    match draw.below(100) {
        0..=19 => add("HERBST10", "Herbstaktion 10 %", Some(10), percent_off(10)),
        20..=26 => add("WILLKOMMEN5", "Willkommen: 5 € für „Neue“", None, -Decimal::from(5).min(whole)),
        27..=31 => {
            add("HERBST10", "Herbstaktion 10 %", Some(10), percent_off(10));
            add("TREUE3", "Treuerabatt 3 %", Some(3), percent_off(3));
        }
        32 => add("GUTSCHEIN100", "Gutschein 100 %", Some(100), -whole),
        _ => {}
    }
}

/// One delivery, free or not, taxed like the goods; now and then a second one that takes the shipping back.
fn deliveries(draw: &mut Draw, status: TaxStatus, positions: &[Position]) -> Vec<Price> {
    let goods: Vec<&Price> =
        positions.iter().filter(|position| matches!(position, Position::Goods { .. })).map(Position::price).collect();
    let cents = draw.pick(&[0_i64, 0, 495, 595, 595, 1290]);
    let costs = Decimal::new(cents, 2);
    let single_rate = draw.chance(300);
    let price = |total: Decimal| {
        let rate = goods
            .first()
            .and_then(|price| price.rules.first())
            .map_or_else(|| TaxClass::Standard.rate("DE"), |rule| rule.rate);
        if single_rate { pricing::line(status, total, 1, rate) } else { pricing::split(status, total, &goods) }
    };
    let mut deliveries = vec![price(costs)];
    if cents > 0 && draw.chance(40) {
        deliveries.push(price(-costs));
    }
    deliveries
}

/// Between 22:30 and 23:30 UTC: in Berlin's winter the day changes in the middle of it.
fn near_midnight(draw: &mut Draw, at: Timestamp) -> Timestamp {
    let day = at.as_second().div_euclid(86_400) * 86_400;
    let second = day + 22 * 3600 + 1800 + i64::try_from(draw.below(3600)).unwrap_or(0);
    Timestamp::from_second(second).unwrap_or(at)
}
