//! Prices and taxes as Shopware's cart calculates them.
//!
//! In: unit prices, quantities, rates. Out: prices with their calculated taxes and tax rules. Never: a float.
//!
//! Three habits of the vendor matter to whoever reads its orders:
//! - Only taxes and totals are rounded. The `price` of a part of a mixed-rate discount or shipping is a share and keeps all its
//!   digits (16.069157...), so rounded parts need not add up to the total of their line.
//! - In a tax-free order the lists of calculated taxes and of tax rules are **empty** everywhere; there is no 0 % part.
//! - The taxes of the order are the sums of the lines' rounded taxes by rate.

use crate::money::round;
use rust_decimal::Decimal;

/// Digits kept of a share; more do not survive a double.
const SHARE_DIGITS: u32 = 13;

/// `taxStatus` of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaxStatus {
    /// Prices contain the tax.
    Gross,
    /// Tax comes on top.
    Net,
    /// No tax at all.
    TaxFree,
}

impl TaxStatus {
    /// As the shop spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gross => "gross",
            Self::Net => "net",
            Self::TaxFree => "tax-free",
        }
    }
}

/// The part of a price that bears one rate.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) rate: Decimal,
    pub(super) price: Decimal,
    pub(super) tax: Decimal,
}

/// The share of a price that bears one rate, in percent.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) rate: Decimal,
    pub(super) percentage: Decimal,
}

/// A calculated price.
#[derive(Clone, Debug, Default)]
pub(super) struct Price {
    pub(super) unit: Decimal,
    pub(super) quantity: u64,
    pub(super) total: Decimal,
    pub(super) parts: Vec<Part>,
    pub(super) rules: Vec<Rule>,
}

/// The price of `quantity` pieces at one rate.
pub(super) fn line(status: TaxStatus, unit: Decimal, quantity: u64, rate: Decimal) -> Price {
    let total = round(unit * Decimal::from(quantity), 2);
    let rules = vec![Rule { rate, percentage: Decimal::ONE_HUNDRED }];
    priced(status, unit, quantity, total, rules)
}

/// A price that is split over the rates of `base`, in proportion.
pub(super) fn split(status: TaxStatus, total: Decimal, base: &[&Price]) -> Price {
    priced(status, total, 1, total, shares(base))
}

fn priced(status: TaxStatus, unit: Decimal, quantity: u64, total: Decimal, rules: Vec<Rule>) -> Price {
    let part = |rule: &Rule| {
        let price = (total * rule.percentage / Decimal::ONE_HUNDRED).round_sf(SHARE_DIGITS + 2).unwrap_or_default();
        let percent = rule.rate / Decimal::ONE_HUNDRED;
        let tax = match status {
            TaxStatus::Gross => round(price / (Decimal::ONE + percent) * percent, 2),
            TaxStatus::Net => round(price * percent, 2),
            TaxStatus::TaxFree => Decimal::ZERO,
        };
        Part { rate: rule.rate, price, tax }
    };
    match status {
        TaxStatus::Gross | TaxStatus::Net => {
            Price { unit, quantity, total, parts: rules.iter().map(part).collect(), rules }
        }
        TaxStatus::TaxFree => Price { unit, quantity, total, parts: Vec::new(), rules: Vec::new() },
    }
}

/// Which share of the base bears which rate. A base that costs nothing is shared by its first rate alone.
fn shares(base: &[&Price]) -> Vec<Rule> {
    let parts = sum_by_rate(base);
    let whole: Decimal = parts.iter().map(|part| part.price).sum();
    if whole.is_zero() {
        let first = parts.first().map(|part| Rule { rate: part.rate, percentage: Decimal::ONE_HUNDRED });
        return first.into_iter().collect();
    }
    let percentage =
        |part: &Part| (part.price / whole * Decimal::ONE_HUNDRED).round_sf(SHARE_DIGITS).unwrap_or_default();
    let mut rules: Vec<Rule> =
        parts.iter().map(|part| Rule { rate: part.rate, percentage: percentage(part) }).collect();
    rules.retain(|rule| !rule.percentage.is_zero());
    rules
}

/// The parts of all prices, added up by rate, in the order in which the rates appear.
pub(super) fn sum_by_rate(prices: &[&Price]) -> Vec<Part> {
    let mut sums: Vec<Part> = Vec::new();
    for part in prices.iter().flat_map(|price| &price.parts) {
        match sums.iter_mut().find(|sum| sum.rate == part.rate) {
            Some(sum) => {
                sum.price += part.price;
                sum.tax += part.tax;
            }
            None => sums.push(part.clone()),
        }
    }
    sums
}

/// The sum of several prices, as the shop shows the shipping of an order or the amount of a payment.
pub(super) fn sum(prices: &[&Price], rules_of: &[&Price]) -> Price {
    let total = prices.iter().map(|price| price.total).sum();
    Price { unit: total, quantity: 1, total, parts: sum_by_rate(prices), rules: shares(rules_of) }
}

/// The totals of an order.
#[derive(Clone, Debug)]
pub(super) struct Totals {
    pub(super) position: Decimal,
    pub(super) shipping: Decimal,
    pub(super) net: Decimal,
    pub(super) total: Decimal,
    pub(super) parts: Vec<Part>,
    pub(super) rules: Vec<Rule>,
}

/// Adds up lines and deliveries.
pub(super) fn totals(status: TaxStatus, lines: &[&Price], shipping: &[&Price]) -> Totals {
    let position = lines.iter().map(|price| price.total).sum::<Decimal>();
    let freight = shipping.iter().map(|price| price.total).sum::<Decimal>();
    let all: Vec<&Price> = lines.iter().chain(shipping).copied().collect();
    let parts = sum_by_rate(&all);
    let tax: Decimal = parts.iter().map(|part| part.tax).sum();
    let (net, total) = match status {
        TaxStatus::Gross => (round(position + freight - tax, 2), position + freight),
        TaxStatus::Net => (position + freight, round(position + freight + tax, 2)),
        TaxStatus::TaxFree => (position + freight, position + freight),
    };
    Totals { position, shipping: freight, net, total, parts, rules: shares(lines) }
}
