//! One order as a sales order, written straight into the buffer.

use std::io::Write;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::Known;
use crate::order::{AccountType, Address, Calculated, Delivery, Line, LineType, Order, State, Tax, TaxStatus};
use crate::refuse::{Problem, Refused, problem};

struct Out<'o> {
    bytes: &'o mut Vec<u8>,
    first: bool,
    problems: Vec<Problem>,
}

impl Out<'_> {
    fn name(&mut self, name: &str) {
        if !self.first {
            self.bytes.push(b',');
        }
        self.first = false;
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b"\":");
    }

    fn open(&mut self, bracket: u8) {
        self.bytes.push(bracket);
        self.first = true;
    }

    fn close(&mut self, bracket: u8) {
        self.bytes.push(bracket);
        self.first = false;
    }

    fn element(&mut self) {
        if !self.first {
            self.bytes.push(b',');
        }
        self.open(b'{');
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        serde_json::to_writer(&mut *self.bytes, text).unwrap();
    }

    fn number(&mut self, name: &str, number: Decimal) {
        self.name(name);
        write!(self.bytes, "{}", number.normalize()).unwrap();
    }

    fn day(&mut self, name: &str, day: Date) {
        self.name(name);
        write!(self.bytes, "\"{day}\"").unwrap();
    }

    fn wrong(&mut self, line: u32, field: String, reason: String) {
        self.problems.push(problem(line, field, reason));
    }
}

fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    text.char_indices().nth(max).map_or(text, |(end, _)| &text[..end])
}

fn cents(number: Decimal) -> Decimal {
    number.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn line_net(price: &Calculated, status: TaxStatus) -> Decimal {
    match status {
        TaxStatus::Gross => {
            cents(price.total_price.0 - price.calculated_taxes.iter().map(|tax| tax.tax.0).sum::<Decimal>())
        }
        TaxStatus::Net | TaxStatus::TaxFree => cents(price.total_price.0),
    }
}

fn part_net(part: &Tax, status: TaxStatus) -> Decimal {
    match status {
        TaxStatus::Gross => cents(part.price.0 - part.tax.0),
        TaxStatus::Net | TaxStatus::TaxFree => cents(part.price.0),
    }
}

fn with_tax(net: Decimal, rate: Decimal) -> Decimal {
    net + cents(net * rate / Decimal::ONE_HUNDRED)
}

fn tax_rate(price: &Calculated, status: TaxStatus) -> Option<Decimal> {
    match (status, price.tax_rules.as_slice()) {
        (TaxStatus::TaxFree, _) => Some(Decimal::ZERO),
        (_, [rule]) if rule.tax_rate.0.scale() <= 2 => Some(rule.tax_rate.0),
        _ => None,
    }
}

fn vat_group(country: &str, rate: Decimal, business: bool) -> Result<&'static str, String> {
    Ok(if country == "AT" && rate == Decimal::from(20) {
        "A5"
    } else if country == "AT" && rate == Decimal::TEN {
        "A6"
    } else if rate.is_zero() {
        if business { "A4" } else { "A3" }
    } else if rate == Decimal::from(19) {
        "A1"
    } else if rate == Decimal::from(7) {
        "A2"
    } else {
        return Err(format!("no VAT group for {rate} % in {country}"));
    })
}

fn zipcode(out: &mut Out<'_>, name: &str, line: u32, zipcode: &str) {
    let length = zipcode.chars().count();
    if length <= 20 {
        out.text(name, zipcode);
        return;
    }
    out.problems.push(Problem {
        value: Some(zipcode.to_owned()),
        ..problem(
            line,
            format!("AddressExtension.{name}"),
            format!("the text has {length} characters, 20 fit: `| cut` would shorten it"),
        )
    });
}

fn building(address: &Address<'_>) -> String {
    let company = address.company.as_ref().map_or("", |company| &company.0);
    format!("{company} {} {}", address.first_name.0, address.last_name.0)
}

/// What all lines of one order share.
#[derive(Clone, Copy)]
struct Shared<'s> {
    status: TaxStatus,
    country: Option<&'s str>,
    business: bool,
}

impl Shared<'_> {
    fn vat_group(&self, out: &mut Out<'_>, line: u32, list: &str, number: usize, rate: Decimal) {
        let Some(country) = self.country else { return };
        match vat_group(country, rate, self.business) {
            Ok(group) => out.text("VatGroup", group),
            Err(reason) => out.wrong(line, format!("{list}[{number}].VatGroup"), reason),
        }
    }
}

/// A line that is no product: a discount or cents.
fn other_line(
    out: &mut Out<'_>,
    shared: Shared<'_>,
    (line, number): (u32, usize),
    (item, label): (&str, &str),
    (net, rate): (Decimal, Decimal),
) {
    out.element();
    out.text("ItemCode", item);
    out.text("ItemDescription", cut(label, 200));
    out.number("Quantity", if net.is_sign_negative() { Decimal::NEGATIVE_ONE } else { Decimal::ONE });
    out.number("UnitPrice", net.abs());
    shared.vat_group(out, line, "DocumentLines", number, rate);
    out.text("WarehouseCode", "01");
    out.close(b'}');
}

fn product(out: &mut Out<'_>, shared: Shared<'_>, known: &Known, number: usize, line: &Line<'_>) {
    let here = || format!("DocumentLines[{number}]");
    let code = line.payload.as_ref().and_then(|payload| payload.product_number.as_ref()).map(|code| code.0.as_ref());
    let item = code.map(|code| (code, known.items.get(code)));
    match item {
        None => out.wrong(79, here(), format!("line {number} has no product number")),
        Some((code, None)) => out.wrong(80, here(), format!("the ERP has no item {code}")),
        Some((_, Some(_))) => {}
    }
    let rate = tax_rate(&line.price, shared.status);
    if rate.is_none() {
        out.wrong(81, here(), "a product line has one tax rate".to_owned());
    }
    if let Some((code, Some(false))) = item {
        out.wrong(82, here(), format!("item {code} is blocked in the ERP"));
    }
    let quantity = line.quantity.0;
    if quantity <= Decimal::ZERO {
        out.wrong(83, here(), format!("line {number} has the quantity {quantity}"));
    }
    out.element();
    out.text("ItemCode", code.unwrap_or_default());
    out.text("ItemDescription", cut(&line.label.0, 200));
    out.number("Quantity", quantity);
    if quantity.is_zero() {
        out.wrong(88, format!("{}.UnitPrice", here()), "division by zero".to_owned());
    } else {
        let price = line_net(&line.price, shared.status) / quantity;
        out.number("UnitPrice", price.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero));
    }
    if let Some(rate) = rate {
        shared.vat_group(out, 89, "DocumentLines", number, rate);
    }
    out.text("WarehouseCode", "01");
    out.close(b'}');
}

fn address(out: &mut Out<'_>, ship_to: &Address<'_>, bill_to: &Address<'_>, country: Option<&str>) {
    out.text("ShipToStreet", cut(ship_to.street.0.trim(), 100));
    if let Some(block) = &ship_to.additional_address_line1 {
        out.text("ShipToBlock", cut(&block.0, 100));
    }
    out.text("ShipToBuilding", cut(building(ship_to).trim(), 100));
    if let Some(code) = &ship_to.zipcode {
        zipcode(out, "ShipToZipCode", 63, &code.0);
    }
    out.text("ShipToCity", &ship_to.city.0);
    if let Some(country) = country {
        out.text("ShipToCountry", country);
    }
    out.text("BillToStreet", cut(bill_to.street.0.trim(), 100));
    if let Some(block) = &bill_to.additional_address_line1 {
        out.text("BillToBlock", cut(&block.0, 100));
    }
    out.text("BillToBuilding", cut(building(bill_to).trim(), 100));
    if let Some(code) = &bill_to.zipcode {
        zipcode(out, "BillToZipCode", 70, &code.0);
    }
    out.text("BillToCity", &bill_to.city.0);
    if let Some(country) = bill_to.country.as_ref().and_then(|country| country.iso.as_ref()) {
        out.text("BillToCountry", &country.0);
    }
}

fn expenses(out: &mut Out<'_>, shared: Shared<'_>, deliveries: &[Delivery<'_>]) {
    let mut number = 0;
    let mut expense = |out: &mut Out<'_>, line: u32, delivery: &Delivery<'_>, net: Decimal, rate: Decimal| {
        number += 1;
        out.element();
        out.name("ExpenseCode");
        out.bytes.push(b'1');
        out.number("LineTotal", net);
        shared.vat_group(out, line, "DocumentAdditionalExpenses", number, rate);
        if let Some(method) = &delivery.shipping_method {
            out.text("Remarks", cut(&method.technical_name.0, 254));
        }
        out.close(b'}');
    };
    for delivery in deliveries {
        if shared.status == TaxStatus::TaxFree {
            if !delivery.shipping_costs.total_price.0.is_zero() {
                expense(out, 127, delivery, line_net(&delivery.shipping_costs, shared.status), Decimal::ZERO);
            }
            continue;
        }
        for part in delivery.shipping_costs.calculated_taxes.iter().filter(|part| !part.price.0.is_zero()) {
            expense(out, 119, delivery, part_net(part, shared.status), part.tax_rate.0);
        }
    }
}

/// What the ERP will not add up to of the order's total.
fn difference(order: &Order<'_>, status: TaxStatus) -> Option<Decimal> {
    let mut booked = Decimal::ZERO;
    let parts =
        |parts: &[Tax]| parts.iter().map(|part| with_tax(part_net(part, status), part.tax_rate.0)).sum::<Decimal>();
    for line in &order.line_items {
        match line.kind {
            LineType::Product | LineType::Custom => {
                booked += with_tax(line_net(&line.price, status), tax_rate(&line.price, status)?);
            }
            LineType::Promotion | LineType::Discount | LineType::Credit => {
                booked += match status {
                    TaxStatus::TaxFree => line_net(&line.price, status),
                    TaxStatus::Gross | TaxStatus::Net => parts(&line.price.calculated_taxes),
                };
            }
            LineType::Container => {}
        }
    }
    for delivery in &order.deliveries {
        booked += match status {
            TaxStatus::TaxFree => line_net(&delivery.shipping_costs, status),
            TaxStatus::Gross | TaxStatus::Net => parts(&delivery.shipping_costs.calculated_taxes),
        };
    }
    Some(cents(order.amount_total.0 - booked))
}

fn lines(out: &mut Out<'_>, shared: Shared<'_>, known: &Known, order: &Order<'_>, cents_left: Option<Decimal>) {
    let mut number = 0;
    for line in &order.line_items {
        if matches!(line.kind, LineType::Product | LineType::Custom) {
            number += 1;
            product(out, shared, known, number, line);
        }
    }
    let discounts = || {
        order
            .line_items
            .iter()
            .filter(|line| matches!(line.kind, LineType::Promotion | LineType::Discount | LineType::Credit))
    };
    for line in discounts() {
        if shared.status == TaxStatus::TaxFree {
            if !line.total_price.0.is_zero() {
                number += 1;
                let net = line_net(&line.price, shared.status);
                other_line(out, shared, (111, number), ("DISCOUNT", &line.label.0), (net, Decimal::ZERO));
            }
            continue;
        }
        for part in line.price.calculated_taxes.iter().filter(|part| !part.price.0.is_zero()) {
            number += 1;
            let net = part_net(part, shared.status);
            other_line(out, shared, (102, number), ("DISCOUNT", &line.label.0), (net, part.tax_rate.0));
        }
    }
    if let Some(cents_left) = cents_left.filter(|cents_left| !cents_left.is_zero()) {
        number += 1;
        other_line(out, shared, (152, number), ("ROUNDING", "Rounding"), (cents_left, Decimal::ZERO));
    }
}

/// Writes the sales order behind what stands in `bytes`.
///
/// # Errors
/// It is not mapped; then what was written is worth nothing.
pub(crate) fn order(order: &Order<'_>, known: &Known, bytes: &mut Vec<u8>) -> Result<(), Refused> {
    if order.state_machine_state.technical_name == State::Cancelled {
        return Err(Refused::Skipped { reason: "cancelled before export", line: 26 });
    }
    let mut out = Out { bytes, first: true, problems: Vec::new() };
    let number = order.order_number.0.as_ref();
    if order.line_items.is_empty() {
        out.wrong(27, String::new(), format!("order {number} has no lines"));
    }
    let status = order.price.tax_status;
    let account = order.order_customer.customer.as_ref();
    let guest = account.is_none_or(|account| account.guest);
    let partner = if guest {
        Some("C-GUEST")
    } else {
        let customer = order.order_customer.customer_id.as_ref().map_or("", |customer| customer.0.as_ref());
        match known.partners.get(customer) {
            Some(partner) => partner.as_deref(),
            None => return Err(Refused::Unanswered { customer: customer.to_owned() }),
        }
    };
    let at: Timestamp = order.order_date_time.0.parse().unwrap();
    let day = known.zone.to_datetime(at).date();
    let delivery = order.deliveries.iter().find(|delivery| !delivery.shipping_costs.total_price.0.is_sign_negative());
    if delivery.is_none() {
        out.wrong(35, String::new(), format!("order {number} has no delivery"));
    }
    let ship_to = delivery.map(|delivery| delivery.shipping_order_address.as_ref().unwrap_or(&order.billing_address));
    let country = ship_to.and_then(|ship_to| ship_to.country.as_ref()).and_then(|country| country.iso.as_ref());
    let country = country.map(|country| country.0.as_ref());
    if ship_to.is_some() && country.is_none() {
        out.wrong(38, String::new(), "the delivery address has no country".to_owned());
    }
    let payment = order
        .transactions
        .iter()
        .filter(|payment| !matches!(payment.state_machine_state.technical_name.0.as_ref(), "cancelled" | "failed"))
        .max_by_key(|payment| payment.created_at.0.parse::<Timestamp>().unwrap())
        .and_then(|payment| payment.payment_method.as_ref());
    let (terms, means) = match payment.map_or("none", |method| method.technical_name.0.as_ref()) {
        "swag_paypal" => ("-1", "PAYPAL"),
        "payment_invoicepayment" => ("2", "TRANSFER"),
        "none" => ("-1", "NONE"),
        _ => ("-1", "OTHER"),
    };

    out.open(b'{');
    out.text("U_ShopOrderId", &order.id.0);
    out.name("NumAtCard");
    write!(out.bytes, "\"SW-{number}\"").unwrap();
    if let Some(partner) = partner {
        out.text("CardCode", partner);
    }
    if guest {
        let name = format!("{} {}", order.order_customer.first_name.0, order.order_customer.last_name.0);
        out.text("CardName", cut(&name, 100));
    }
    out.day("DocDate", day);
    out.day("TaxDate", day);
    out.day("DocDueDate", day.checked_add(3.days()).unwrap());
    let currency = order.currency.iso_code.0.as_ref();
    out.text("DocCurrency", currency);
    if currency != "EUR" {
        let rate = Decimal::ONE / order.currency_factor.0;
        out.number("DocRate", rate.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero));
    }
    let comment = order.customer_comment.as_ref().map_or("-", |comment| comment.0.as_ref());
    let comment = format!("Web order {number}: {comment}");
    let comment = comment.split_whitespace().collect::<Vec<_>>().join(" ");
    out.text("Comments", cut(&comment, 254));
    out.name("PaymentGroupCode");
    out.bytes.extend_from_slice(terms.as_bytes());
    out.text("PaymentMethod", means);
    let carrier = delivery.and_then(|delivery| delivery.shipping_method.as_ref());
    if let Some(code) = carrier.and_then(|method| match method.technical_name.0.as_ref() {
        "shipping_standard" => Some(b'1'),
        "shipping_express" => Some(b'2'),
        _ => None,
    }) {
        out.name("TransportationCode");
        out.bytes.push(code);
    }
    if let Some(ship_to) = ship_to {
        out.name("AddressExtension");
        out.open(b'{');
        address(&mut out, ship_to, &order.billing_address, country);
        out.close(b'}');
    }

    let business = account.is_some_and(|account| account.account_type == AccountType::Business);
    let shared = Shared { status, country, business };
    let left = difference(order, status);
    out.name("DocumentLines");
    out.open(b'[');
    lines(&mut out, shared, known, order, left);
    out.close(b']');
    out.name("DocumentAdditionalExpenses");
    out.open(b'[');
    expenses(&mut out, shared, &order.deliveries);
    out.close(b']');
    let bound = Decimal::new(2, 2) * Decimal::from(order.line_items.len() + order.deliveries.len());
    if let Some(left) = left.filter(|left| left.abs() > bound) {
        out.wrong(144, String::new(), format!("order {number} does not add up: {left} are left"));
    }
    out.close(b'}');

    if !out.problems.is_empty() {
        return Err(Refused::Rejected(out.problems));
    }
    if partner.is_none() {
        let customer = order.order_customer.customer_id.as_ref().map_or("", |customer| customer.0.as_ref());
        return Err(Refused::Waiting { customer: customer.to_owned() });
    }
    Ok(())
}
