//! The seed adds up: checked here anew from the printed JSON, independently of the code that generated it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its own small functions as well")]

use mapwright_sandbox::seed::{Seed, SeedConfig, TaxStatus};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn dec(value: &Value) -> Decimal {
    let text = value.to_string();
    text.parse().or_else(|_| Decimal::from_scientific(&text)).unwrap_or_else(|_| panic!("{text} is no amount"))
}

fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

fn taxes(price: &Value) -> Decimal {
    list(price, "calculatedTaxes").iter().map(|part| dec(&part["tax"])).sum()
}

#[test]
fn every_order_adds_up_to_the_cent() {
    let seed = Seed::generate(&SeedConfig::default());
    assert_eq!(seed.orders.len(), 1002);
    let tiny = Decimal::new(1, 9);
    for order in &seed.orders {
        let number = &order["orderNumber"];
        let lines = list(order, "lineItems");
        let deliveries = list(order, "deliveries");
        let position: Decimal = lines.iter().map(|line| dec(&line["totalPrice"])).sum();
        let shipping: Decimal = deliveries.iter().map(|delivery| dec(&delivery["shippingCosts"]["totalPrice"])).sum();
        let prices = || {
            lines.iter().map(|line| &line["price"]).chain(deliveries.iter().map(|delivery| &delivery["shippingCosts"]))
        };
        let tax: Decimal = prices().map(taxes).sum();
        let total = dec(&order["amountTotal"]);
        assert_eq!(dec(&order["positionPrice"]), position, "{number}");
        assert_eq!(dec(&order["shippingTotal"]), shipping, "{number}");
        assert_eq!(taxes(&order["price"]), tax, "{number}");
        match order["taxStatus"].as_str().unwrap() {
            "gross" => assert_eq!(
                (total, dec(&order["amountNet"])),
                (position + shipping, position + shipping - tax),
                "{number}"
            ),
            "net" => assert_eq!(
                (total, dec(&order["amountNet"])),
                (position + shipping + tax, position + shipping),
                "{number}"
            ),
            "tax-free" => {
                assert_eq!((total, dec(&order["amountNet"])), (position + shipping, position + shipping), "{number}");
                assert!(
                    prices()
                        .all(|price| list(price, "calculatedTaxes").is_empty() && list(price, "taxRules").is_empty()),
                    "{number}"
                );
            }
            other => panic!("{number}: {other}"),
        }
        for line in lines {
            let unit_total = cents(dec(&line["unitPrice"]) * dec(&line["quantity"]));
            assert_eq!(dec(&line["totalPrice"]), unit_total, "{number}");
        }
        for price in prices().filter(|price| !list(price, "calculatedTaxes").is_empty()) {
            let shares: Decimal = list(price, "calculatedTaxes").iter().map(|part| dec(&part["price"])).sum();
            assert!((shares - dec(&price["totalPrice"])).abs() < tiny, "{number}: {shares} of {}", price["totalPrice"]);
            for part in list(price, "calculatedTaxes") {
                let (rate, share) = (dec(&part["taxRate"]) / Decimal::ONE_HUNDRED, dec(&part["price"]));
                let exact =
                    if order["taxStatus"] == "gross" { share / (Decimal::ONE + rate) * rate } else { share * rate };
                assert!((exact - dec(&part["tax"])).abs() <= Decimal::new(50001, 7), "{number}: {exact} {part}");
            }
        }
        assert!(total >= Decimal::ZERO, "{number}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let bytes = |seed: u64| {
        let seed = Seed::generate(&SeedConfig { seed, orders: 60, ..SeedConfig::default() });
        serde_json::to_string(&(seed.orders, seed.customers, seed.products)).unwrap()
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}

#[test]
fn the_variety_that_is_promised_is_there() {
    let seed = Seed::generate(&SeedConfig::default());
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for order in &seed.orders {
        let lines = list(order, "lineItems");
        let mut note = |name, holds: bool| *seen.entry(name).or_default() += usize::from(holds);
        let rates: BTreeSet<String> = lines
            .iter()
            .flat_map(|line| list(&line["price"], "taxRules"))
            .map(|rule| rule["taxRate"].to_string())
            .collect();
        note("one rate", rates.len() == 1);
        note("two rates", rates.len() == 2);
        note("three rates", rates.len() == 3);
        note("sixty lines", lines.len() >= 60);
        note("two deliveries", list(order, "deliveries").len() == 2);
        note("free shipping", dec(&order["shippingTotal"]).is_zero());
        note("mixed shipping", list(&order["deliveries"][0]["shippingCosts"], "taxRules").len() > 1);
        note("free item", lines.iter().any(|line| line["type"] == "product" && dec(&line["totalPrice"]).is_zero()));
        note("several promotions", lines.iter().filter(|line| line["type"] == "promotion").count() > 1);
        note("fixed promotion", lines.iter().any(|line| line["priceDefinition"]["type"] == "absolute"));
        note(
            "full voucher",
            dec(&order["positionPrice"]).is_zero() && lines.iter().any(|line| line["type"] == "promotion"),
        );
        note("no payment", list(order, "transactions").is_empty());
        note("long remark", order["customerComment"].as_str().is_some_and(|text| text.chars().count() == 600));
        note("no remark", order["customerComment"].is_null());
        note("cancelled", order["stateMachineState"]["technicalName"] == "cancelled");
        note("guest", order["orderCustomer"]["customer"]["guest"] == true);
        note("business", order["orderCustomer"]["customer"]["accountType"] == "business");
        note("long street", order["billingAddress"]["street"].as_str().is_some_and(|text| text.chars().count() > 100));
        note("no telephone", order["billingAddress"]["phoneNumber"].is_null());
        note("never updated", order["updatedAt"].is_null());
        note("late evening", order["orderDateTime"].as_str().is_some_and(|text| text.contains("T23:")));
        for country in ["DE", "AT", "DK", "FR", "PL", "CH"] {
            note(country, order["deliveries"][0]["shippingOrderAddress"]["country"]["iso"] == country);
        }
        for status in ["gross", "net", "tax-free"] {
            note(status, order["taxStatus"] == status);
        }
    }
    let missing: Vec<_> = seen.iter().filter(|(_, count)| **count == 0).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
    let unknown = seed.summaries.iter().filter(|order| !order.unknown_products.is_empty()).count();
    assert!((10..=40).contains(&unknown), "{unknown} orders with unknown products");
    assert!(seed.tax_cases.iter().any(|case| case.status == TaxStatus::TaxFree && case.rate.is_none()));
}

#[test]
fn every_customer_of_an_order_is_a_customer_of_the_shop() {
    let seed = Seed::generate(&SeedConfig::default());
    let known: BTreeSet<&str> = seed.customers.iter().map(|customer| customer["id"].as_str().unwrap()).collect();
    assert_eq!(known.len(), seed.customers.len());
    for order in &seed.orders {
        assert!(known.contains(order["orderCustomer"]["customerId"].as_str().unwrap()), "{}", order["orderNumber"]);
    }
    let sample = &seed.orders[0];
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for order in &seed.orders {
        assert_eq!(keys(order), keys(sample));
        assert_eq!(keys(&order["lineItems"][0]), keys(&sample["lineItems"][0]));
        assert_eq!(keys(&order["deliveries"][0]), keys(&sample["deliveries"][0]));
        assert_eq!(keys(&order["orderCustomer"]), keys(&sample["orderCustomer"]));
        assert_eq!(keys(&order["billingAddress"]), keys(&sample["billingAddress"]));
    }
}
