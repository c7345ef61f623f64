//! The JSON of the shop's records, with every field of the samples.
//!
//! In: prices, parties, dates. Out: orders, customers and products as the Admin API prints them, everything embedded.
//! Never: a calculation.

use super::catalogue::Product;
use super::people::{Country, Party};
use super::pricing::{Part, Price, Rule, TaxStatus, Totals};
use crate::money::{double, plain};
use crate::shopware::{Machine, state, state_id};
use crate::text::hex_id;
use serde_json::{Value, json};

const LIVE_VERSION: &str = "0fa91ce3e96a4bc2be4bd9ce752c3425";
const EURO: &str = "b7d2554b0ce847cd82f3ac9bd1c0dfca";
const LANGUAGE: &str = "2fbb5fe2e29a4d70aa5854ce7ce3e20b";
const SALES_CHANNEL: &str = "c485d2ed5cc4ce64fcccca710c7a0bb7";
const SALUTATION: &str = "adc285704d36eea9d4a23748ac0ff936";
const GROUP_PRIVATE: &str = "5dd2fbbfe3f8456939d09b66e846ff4b";
const GROUP_BUSINESS: &str = "a24569cba2fca8b17d42197785873a25";
const PROMOTION: &str = "f8dcad058c9c44fdb6ffcb22d2d4c31f";

/// A customer of the shop, with or without an account.
#[derive(Clone, Debug)]
pub(super) struct Customer {
    pub(super) number: String,
    pub(super) guest: bool,
    pub(super) business: bool,
    pub(super) billing: Party,
    pub(super) shipping: Party,
    pub(super) created_at: String,
}

impl Customer {
    pub(super) fn id(&self) -> String {
        hex_id(&format!("customer {}", self.number))
    }

    fn group_id(&self) -> &'static str {
        if self.business { GROUP_BUSINESS } else { GROUP_PRIVATE }
    }

    fn account_type(&self) -> &'static str {
        if self.business { "business" } else { "private" }
    }
}

/// A position of an order.
#[derive(Clone, Debug)]
pub(super) enum Position {
    Goods { product: Product, price: Price },
    Promotion { code: &'static str, label: &'static str, percent: Option<u32>, price: Price },
}

impl Position {
    pub(super) fn price(&self) -> &Price {
        match self {
            Self::Goods { price, .. } | Self::Promotion { price, .. } => price,
        }
    }
}

/// Everything an order is printed from.
#[derive(Clone, Debug)]
pub(super) struct OrderPlan {
    pub(super) number: String,
    pub(super) auto_increment: u64,
    pub(super) status: TaxStatus,
    pub(super) customer: Customer,
    pub(super) ship_to: Party,
    pub(super) positions: Vec<Position>,
    pub(super) deliveries: Vec<Price>,
    pub(super) shipping: Price,
    pub(super) totals: Totals,
    pub(super) payment: Option<(&'static str, &'static str, &'static str)>,
    pub(super) carrier: (&'static str, &'static str),
    pub(super) state: &'static str,
    pub(super) remark: Option<String>,
    pub(super) ordered_at: String,
    pub(super) ordered_on: String,
    pub(super) created_at: String,
    pub(super) updated_at: Option<String>,
    pub(super) ship_from: String,
    pub(super) ship_until: String,
}

impl OrderPlan {
    pub(super) fn id(&self) -> String {
        hex_id(&format!("order {}", self.number))
    }

    fn part_id(&self, part: &str) -> String {
        hex_id(&format!("order {} {part}", self.number))
    }
}

/// The order with everything embedded.
pub(super) fn order(plan: &OrderPlan) -> Value {
    let totals = &plan.totals;
    let rounding = json!({ "decimals": 2, "interval": 0.01, "roundForNet": true });
    let mut order = json!({
        "id": plan.id(),
        "versionId": LIVE_VERSION,
        "autoIncrement": plan.auto_increment,
        "orderNumber": plan.number,
        "orderDateTime": plan.ordered_at,
        "orderDate": plan.ordered_on,
        "amountTotal": double(totals.total),
        "amountNet": double(totals.net),
        "positionPrice": double(totals.position),
        "shippingTotal": double(totals.shipping),
        "taxStatus": plan.status.name(),
        "currencyFactor": 1.0,
        "currencyId": EURO,
        "languageId": LANGUAGE,
        "salesChannelId": SALES_CHANNEL,
        "billingAddressId": plan.part_id("billing"),
        "stateId": state_id(Machine::Order, plan.state),
        "customerComment": plan.remark,
        "affiliateCode": null,
        "campaignCode": null,
        "source": null
    });
    let rest = json!({
        "price": cart_price(plan.status, totals),
        "shippingCosts": calculated(&plan.shipping),
        "itemRounding": rounding,
        "totalRounding": rounding,
        "currency": { "id": EURO, "isoCode": "EUR", "symbol": "€", "factor": 1 },
        "stateMachineState": state(Machine::Order, plan.state),
        "orderCustomer": order_customer(plan),
        "billingAddress": address(&plan.part_id("billing"), &plan.customer.billing, &plan.created_at, true),
        "deliveries": plan.deliveries.iter().enumerate().map(|(index, costs)| delivery(plan, index, costs)).collect::<Vec<_>>(),
        "transactions": transactions(plan),
        "lineItems": plan.positions.iter().enumerate().map(|(index, position)| line_item(plan, index, position)).collect::<Vec<_>>(),
        "customFields": { "erp_reference": null },
        "createdAt": plan.created_at,
        "updatedAt": plan.updated_at
    });
    if let (Some(fields), Value::Object(rest)) = (order.as_object_mut(), rest) {
        fields.extend(rest);
    }
    order
}

fn order_customer(plan: &OrderPlan) -> Value {
    let customer = &plan.customer;
    let party = &customer.billing;
    json!({
        "id": plan.part_id("customer"),
        "customerId": customer.id(),
        "email": party.email,
        "salutationId": SALUTATION,
        "firstName": party.first_name,
        "lastName": party.last_name,
        "company": party.company,
        "title": null,
        "vatIds": party.vat_id.as_ref().map(|id| vec![id]),
        "customerNumber": customer.number,
        "customer": {
            "id": customer.id(),
            "guest": customer.guest,
            "groupId": customer.group_id(),
            "accountType": customer.account_type()
        }
    })
}

fn delivery(plan: &OrderPlan, index: usize, costs: &Price) -> Value {
    let id = plan.part_id(&format!("delivery {index}"));
    let address_id = plan.part_id(&format!("shipping {index}"));
    let (technical, name) = plan.carrier;
    let method = hex_id(&format!("shipping method {technical}"));
    json!({
        "id": id,
        "orderId": plan.id(),
        "shippingOrderAddressId": address_id,
        "shippingMethodId": method,
        "trackingCodes": [],
        "shippingDateEarliest": plan.ship_from,
        "shippingDateLatest": plan.ship_until,
        "shippingCosts": calculated(costs),
        "stateMachineState": state(Machine::Delivery, "open"),
        "shippingMethod": { "id": method, "technicalName": technical, "name": name },
        "shippingOrderAddress": address(&address_id, &plan.ship_to, &plan.created_at, true),
        "createdAt": plan.created_at,
        "updatedAt": null
    })
}

fn transactions(plan: &OrderPlan) -> Vec<Value> {
    let Some((technical, name, paid)) = plan.payment else { return Vec::new() };
    let method = hex_id(&format!("payment method {technical}"));
    let totals = &plan.totals;
    let amount = Price {
        unit: totals.total,
        quantity: 1,
        total: totals.total,
        parts: totals.parts.clone(),
        rules: totals.rules.clone(),
    };
    vec![json!({
        "id": plan.part_id("transaction"),
        "orderId": plan.id(),
        "paymentMethodId": method,
        "amount": calculated(&amount),
        "stateMachineState": state(Machine::Transaction, paid),
        "paymentMethod": { "id": method, "technicalName": technical, "name": name },
        "createdAt": plan.created_at,
        "updatedAt": if paid == "paid" { json!(plan.created_at) } else { Value::Null }
    })]
}

fn line_item(plan: &OrderPlan, index: usize, position: &Position) -> Value {
    let price = position.price();
    let mut item = json!({
        "id": plan.part_id(&format!("line {index}")),
        "versionId": LIVE_VERSION,
        "orderId": plan.id(),
        "parentId": null,
        "quantity": price.quantity,
        "position": index + 1,
        "removable": true,
        "unitPrice": double(price.unit),
        "totalPrice": double(price.total),
        "price": calculated(price),
        "createdAt": plan.created_at,
        "updatedAt": null,
        "customFields": null
    });
    let own = match position {
        Position::Goods { product, .. } => json!({
            "identifier": product.id(),
            "referencedId": product.id(),
            "productId": product.id(),
            "promotionId": null,
            "type": "product",
            "label": product.name,
            "good": true,
            "stackable": true,
            "states": ["is-physical"],
            "priceDefinition": {
                "type": "quantity",
                "price": double(price.unit),
                "quantity": price.quantity,
                "taxRules": rules(&price.rules),
                "isCalculated": true
            },
            "payload": {
                "productNumber": product.number,
                "taxId": product.tax.tax_id(),
                "manufacturerId": null,
                "options": [],
                "customFields": [],
                "purchasePrices": null,
                "stock": 40
            }
        }),
        Position::Promotion { code, label, percent, .. } => json!({
            "identifier": hex_id(&format!("promotion {code}")),
            "referencedId": code,
            "productId": null,
            "promotionId": PROMOTION,
            "type": "promotion",
            "label": label,
            "good": false,
            "stackable": false,
            "states": [],
            "priceDefinition": match percent {
                Some(percent) => json!({ "type": "percentage", "percentage": double(-rust_decimal::Decimal::from(*percent)) }),
                None => json!({ "type": "absolute", "price": double(price.total) }),
            },
            "payload": {
                "code": code,
                "discountType": if percent.is_some() { "percentage" } else { "absolute" },
                "value": percent.map_or_else(|| (-price.total).normalize().to_string(), |percent| percent.to_string()),
                "promotionId": PROMOTION
            }
        }),
    };
    if let (Some(fields), Value::Object(own)) = (item.as_object_mut(), own) {
        fields.extend(own);
    }
    item
}

fn address(id: &str, party: &Party, created_at: &str, of_order: bool) -> Value {
    json!({
        "id": id,
        "versionId": LIVE_VERSION,
        "countryId": country_id(party.country),
        "countryStateId": null,
        "salutationId": SALUTATION,
        "firstName": party.first_name,
        "lastName": party.last_name,
        "company": party.company,
        "department": null,
        "title": null,
        "street": party.street,
        "additionalAddressLine1": party.extra,
        "additionalAddressLine2": null,
        "zipcode": party.zipcode,
        "city": party.city,
        "vatId": if of_order { json!(party.vat_id) } else { Value::Null },
        "phoneNumber": party.phone,
        "country": country(party.country),
        "createdAt": created_at,
        "updatedAt": null,
        "customFields": null
    })
}

fn country_id(country: Country) -> String {
    match country.iso {
        "DE" => "1474b7294077c6511dac1c48d1b37790".to_owned(),
        "DK" => "055944a87422dc06f4854fc3d8b849dd".to_owned(),
        iso => hex_id(&format!("country {iso}")),
    }
}

/// A country record.
pub(super) fn country(country: Country) -> Value {
    json!({ "id": country_id(country), "iso": country.iso, "iso3": country.iso3, "name": country.name, "isEu": country.eu })
}

fn cart_price(status: TaxStatus, totals: &Totals) -> Value {
    json!({
        "netPrice": double(totals.net),
        "totalPrice": double(totals.total),
        "rawTotal": double(totals.total),
        "positionPrice": double(totals.position),
        "taxStatus": status.name(),
        "calculatedTaxes": parts(&totals.parts),
        "taxRules": rules(&totals.rules),
        "apiAlias": "cart_price"
    })
}

fn calculated(price: &Price) -> Value {
    json!({
        "unitPrice": double(price.unit),
        "quantity": price.quantity,
        "totalPrice": double(price.total),
        "calculatedTaxes": parts(&price.parts),
        "taxRules": rules(&price.rules),
        "referencePrice": null,
        "listPrice": null,
        "regulationPrice": null,
        "apiAlias": "calculated_price"
    })
}

fn parts(parts: &[Part]) -> Vec<Value> {
    let shown = parts.iter().map(|part| {
        json!({ "tax": double(part.tax), "taxRate": plain(part.rate), "price": double(part.price), "apiAlias": "cart_tax_calculated" })
    });
    shown.collect()
}

fn rules(rules: &[Rule]) -> Vec<Value> {
    let shown = rules.iter().map(|rule| json!({ "taxRate": plain(rule.rate), "percentage": plain(rule.percentage), "apiAlias": "cart_tax_rule" }));
    shown.collect()
}

/// The customer with everything embedded.
pub(super) fn customer(customer: &Customer, orders: u64) -> Value {
    let id = customer.id();
    let (billing, shipping) = (hex_id(&format!("{id} billing")), hex_id(&format!("{id} shipping")));
    let own_address = |address_id: &str, party: &Party| {
        let mut shown = address(address_id, party, &customer.created_at, false);
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("customerId".to_owned(), json!(id));
        }
        shown
    };
    let group_name = if customer.business { "B2B netto" } else { "Standard-Kundengruppe" };
    json!({
        "id": id,
        "customerNumber": customer.number,
        "groupId": customer.group_id(),
        "salesChannelId": SALES_CHANNEL,
        "languageId": LANGUAGE,
        "accountType": customer.account_type(),
        "salutationId": SALUTATION,
        "firstName": customer.billing.first_name,
        "lastName": customer.billing.last_name,
        "company": customer.billing.company,
        "email": customer.billing.email,
        "title": null,
        "vatIds": customer.billing.vat_id.as_ref().map(|vat| vec![vat]),
        "active": true,
        "guest": customer.guest,
        "birthday": null,
        "orderCount": orders,
        "orderTotalAmount": 0.0,
        "defaultBillingAddressId": billing,
        "defaultShippingAddressId": shipping,
        "defaultBillingAddress": own_address(&billing, &customer.billing),
        "defaultShippingAddress": own_address(&shipping, &customer.shipping),
        "group": { "id": customer.group_id(), "name": group_name, "displayGross": !customer.business },
        "customFields": null,
        "createdAt": customer.created_at,
        "updatedAt": null
    })
}

/// The product with its tax embedded.
pub(super) fn product(product: &Product, created_at: &str) -> Value {
    let rate = product.tax.rate("DE");
    let gross = crate::money::round(
        product.net() * (rust_decimal::Decimal::ONE_HUNDRED + rate) / rust_decimal::Decimal::ONE_HUNDRED,
        2,
    );
    json!({
        "id": product.id(),
        "parentId": null,
        "productNumber": product.number,
        "name": product.name,
        "translated": { "name": product.name },
        "description": null,
        "ean": null,
        "manufacturerNumber": null,
        "active": true,
        "isCloseout": false,
        "stock": 40,
        "availableStock": 40,
        "available": true,
        "taxId": product.tax.tax_id(),
        "tax": { "id": product.tax.tax_id(), "taxRate": double(rate), "name": format!("{rate}%") },
        "price": [{
            "currencyId": EURO, "gross": double(gross), "net": double(product.net()), "linked": true,
            "listPrice": null, "percentage": null, "regulationPrice": null
        }],
        "options": [],
        "customFields": null,
        "createdAt": created_at,
        "updatedAt": null
    })
}
