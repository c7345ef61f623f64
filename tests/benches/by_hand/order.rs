//! The fields of an order that the mapping uses.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Borrowed unless it holds an escape.
#[derive(Debug, Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// Exact, from its digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number(pub(crate) Decimal);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let digits = <&RawValue>::deserialize(from)?.get();
        Decimal::from_str_exact(digits)
            .or_else(|_| Decimal::from_scientific(digits))
            .map(|number| Number(number.normalize()))
            .map_err(serde::de::Error::custom)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TaxStatus {
    Gross,
    Net,
    #[serde(rename = "tax-free")]
    TaxFree,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Open,
    InProgress,
    Completed,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LineType {
    Product,
    Promotion,
    Discount,
    Credit,
    Custom,
    Container,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AccountType {
    Private,
    Business,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) order_number: Text<'a>,
    #[serde(borrow)]
    pub(crate) order_date_time: Text<'a>,
    pub(crate) price: Price,
    pub(crate) amount_total: Number,
    pub(crate) currency_factor: Number,
    #[serde(borrow)]
    pub(crate) currency: Currency<'a>,
    pub(crate) state_machine_state: OrderState,
    #[serde(borrow)]
    pub(crate) customer_comment: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) order_customer: Customer<'a>,
    #[serde(borrow)]
    pub(crate) billing_address: Address<'a>,
    #[serde(borrow)]
    pub(crate) deliveries: Vec<Delivery<'a>>,
    #[serde(borrow)]
    pub(crate) transactions: Vec<Transaction<'a>>,
    #[serde(borrow)]
    pub(crate) line_items: Vec<Line<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Price {
    pub(crate) tax_status: TaxStatus,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Currency<'a> {
    #[serde(borrow)]
    pub(crate) iso_code: Text<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderState {
    pub(crate) technical_name: State,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Customer<'a> {
    #[serde(borrow)]
    pub(crate) customer_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) first_name: Text<'a>,
    #[serde(borrow)]
    pub(crate) last_name: Text<'a>,
    pub(crate) customer: Option<Account>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    pub(crate) guest: bool,
    pub(crate) account_type: AccountType,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Address<'a> {
    #[serde(borrow)]
    pub(crate) first_name: Text<'a>,
    #[serde(borrow)]
    pub(crate) last_name: Text<'a>,
    #[serde(borrow)]
    pub(crate) company: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) street: Text<'a>,
    #[serde(borrow)]
    pub(crate) additional_address_line1: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) zipcode: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) city: Text<'a>,
    #[serde(borrow)]
    pub(crate) country: Option<Country<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Country<'a> {
    #[serde(borrow)]
    pub(crate) iso: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delivery<'a> {
    pub(crate) shipping_costs: Calculated,
    #[serde(borrow)]
    pub(crate) shipping_method: Option<Method<'a>>,
    #[serde(borrow)]
    pub(crate) shipping_order_address: Option<Address<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Method<'a> {
    #[serde(borrow)]
    pub(crate) technical_name: Text<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Transaction<'a> {
    #[serde(borrow)]
    pub(crate) created_at: Text<'a>,
    #[serde(borrow)]
    pub(crate) state_machine_state: Method<'a>,
    #[serde(borrow)]
    pub(crate) payment_method: Option<Method<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: LineType,
    #[serde(borrow)]
    pub(crate) label: Text<'a>,
    pub(crate) quantity: Number,
    pub(crate) total_price: Number,
    pub(crate) price: Calculated,
    #[serde(borrow)]
    pub(crate) payload: Option<Payload<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Payload<'a> {
    #[serde(borrow)]
    pub(crate) product_number: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Calculated {
    pub(crate) total_price: Number,
    pub(crate) calculated_taxes: Vec<Tax>,
    pub(crate) tax_rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tax {
    pub(crate) tax: Number,
    pub(crate) tax_rate: Number,
    pub(crate) price: Number,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rule {
    pub(crate) tax_rate: Number,
}
