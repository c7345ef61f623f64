//! Amounts with their currencies (ISO 4217), in other currencies, and in minor units (cents).
//!
//! In: numbers and codes of currencies. Out: amounts, and what they are made of. It knows no rates and no symbols.

use std::borrow::Cow;

use crate::decimal::{Decimal, Mode};
use crate::fault::{Stop, shortened};
use crate::functions::{Bound, Digits, Function, Param, Returns, Takes, arg, ok, tried};
use crate::money::Money;

/// The currencies of ISO 4217 that have minor units, by the number of decimals; withdrawn ones of the last years (ANG, BGN) are kept for old records.
const BY_DECIMALS: &[(u32, &str)] = &[
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (
        2,
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW \
         CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS \
         INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN \
         NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC \
         SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

/// The currency as its table has it, and its decimals.
fn known(currency: &str) -> Result<(&'static str, u32), Stop> {
    let mut all = BY_DECIMALS.iter().flat_map(|(decimals, codes)| codes.split(' ').map(|code| (code, *decimals)));
    all.find(|(code, _)| *code == currency).ok_or_else(|| {
        Stop::failed_on(currency, format!("\"{}\" is no currency of ISO 4217, such as EUR", shortened(currency)))
    })
}

/// An amount in a currency.
///
/// # Errors
/// The currency is unknown.
pub fn money(x: Decimal, currency: Cow<'_, str>) -> Result<Money, Stop> {
    let (currency, _) = known(&currency)?;
    Ok(Money { amount: x, currency })
}

/// The number of an amount.
#[must_use]
pub fn amount(m: Money) -> Decimal {
    m.amount
}

/// The code of an amount's currency.
#[must_use]
pub fn currency<'r>(m: Money) -> Cow<'r, str> {
    Cow::Borrowed(m.currency)
}

/// The amount in another currency: times the rate, rounded once.
///
/// # Errors
/// The currency is unknown or the same, or the result has too many digits.
pub fn convert(m: Money, to: Cow<'_, str>, rate: Decimal, places: Decimal, mode: Mode) -> Result<Money, Stop> {
    let (currency, _) = known(&to)?;
    if currency == m.currency {
        let reason = format!("the amount is in {currency} already: there is nothing to convert");
        return Err(Stop::failed_on(&m.amount, reason));
    }
    let amount = m.amount.times(rate)?.round(super::places(places)?, mode)?;
    Ok(Money { amount, currency })
}

/// The amount as a whole number of minor units.
///
/// # Errors
/// The amount has more decimals than its currency.
pub fn to_minor_units(m: Money) -> Result<Decimal, Stop> {
    let Money { amount, currency } = m;
    let (_, decimals) = known(currency)?;
    if amount.scale() > decimals {
        let reason = format!(
            "{amount} has more decimals than {currency}, which has {decimals}: say `| round({decimals})` before `money`"
        );
        return Err(Stop::failed_on(&amount, reason));
    }
    amount.times(Decimal::literal(10_i128.pow(decimals), 0))
}

/// The amount of so many minor units.
///
/// # Errors
/// The currency is unknown, or `n` is not whole.
pub fn from_minor_units(n: Decimal, currency: Cow<'_, str>) -> Result<Money, Stop> {
    let (currency, decimals) = known(&currency)?;
    if !n.is_integer() {
        return Err(Stop::failed_on(&n, format!("{n} is no whole number of minor units")));
    }
    Ok(Money { amount: n.times(Decimal::literal(1, decimals))?, currency })
}

const CURRENCY: Param = Param::new("currency", Takes::Text);
const M: Param = Param::new("m", Takes::Money);

pub(super) const MONEY: Function = Function::new(
    "money",
    path!(money::money),
    "An amount with its currency, by its code of ISO 4217. It can be bound by `let`, compared with `==`, and given to the functions below; `amount` and `currency` take it apart where it is written.",
    &[Param::new("x", Takes::Number), CURRENCY],
    Returns::Money,
    |a| tried(money(arg(a, 0)?, arg(a, 1)?)),
)
.fails("the currency is unknown")
.examples(&[
    example!(r#"money(19.99, "EUR")"# => r#"money(19.99, "EUR")"#),
    example!(r#"money(19.99, "Euro")"# => "fails"),
]);

pub(super) const AMOUNT: Function = Function::new(
    "amount",
    path!(money::amount),
    "The number of an amount with its currency.",
    &[M],
    Returns::Number(Digits::Unknown),
    |a| ok(amount(arg(a, 0)?)),
)
.examples(&[example!(r#"amount(money(19.99, "EUR"))"# => "19.99")]);

pub(super) const CURRENCY_OF: Function = Function::new(
    "currency",
    path!(money::currency),
    "The currency of an amount, by its code of ISO 4217.",
    &[M],
    Returns::Text(Bound::Fixed(3)),
    |a| ok(currency(arg(a, 0)?)),
)
.examples(&[example!(r#"currency(money(19.99, "EUR"))"# => r#""EUR""#)]);

pub(super) const CONVERT: Function = Function::new(
    "convert",
    path!(money::convert),
    "The amount in another currency: times the rate, rounded once to so many decimals. The rate is what one unit of the amount's currency costs in the other.",
    &[M, Param::new("to", Takes::Text), super::RATE, super::PLACES, super::MODE],
    Returns::Money,
    |a| tried(convert(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?, arg(a, 3)?, arg(a, 4)?)),
)
.fails("the currency is unknown or the amount's own, or the result has more than 28 digits")
.loses()
.examples(&[
    example!(r#"convert(money(19.99, "EUR"), "USD", 1.0873, 2, half_up)"# => r#"money(21.74, "USD")"#),
    example!(r#"convert(money(1, "EUR"), "JPY", 162.35, 0, half_even)"# => r#"money(162, "JPY")"#),
    example!(r#"convert(money(1, "EUR"), "EUR", 1.1, 2, half_up)"# => "fails"),
]);

pub(super) const TO_MINOR_UNITS: Function = Function::new(
    "to_minor_units",
    path!(money::to_minor_units),
    "The amount as a whole number of its currency's minor units: cents for EUR, yen for JPY. It never rounds.",
    &[M],
    Returns::Integer,
    |a| tried(to_minor_units(arg(a, 0)?)),
)
.fails("the amount has more decimals than its currency")
.examples(&[
    example!(r#"to_minor_units(money(19.99, "EUR"))"# => "1999"),
    example!(r#"to_minor_units(money(500, "JPY"))"# => "500"),
    example!(r#"to_minor_units(money(1.5, "KWD"))"# => "1500"),
    example!(r#"to_minor_units(money(0.005, "EUR"))"# => "fails"),
]);

pub(super) const FROM_MINOR_UNITS: Function = Function::new(
    "from_minor_units",
    path!(money::from_minor_units),
    "The amount that a whole number of a currency's minor units makes.",
    &[Param::new("n", Takes::Integer), CURRENCY],
    Returns::Money,
    |a| tried(from_minor_units(arg(a, 0)?, arg(a, 1)?)),
)
.fails("the currency is unknown, or the number is not whole")
.examples(&[
    example!(r#"from_minor_units(1999, "EUR")"# => r#"money(19.99, "EUR")"#),
    example!(r#"from_minor_units(500, "JPY")"# => r#"money(500, "JPY")"#),
    example!(r#"from_minor_units(-5, "TND")"# => r#"money(-0.005, "TND")"#),
    example!(r#"from_minor_units(1, "XXX")"# => "fails"),
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_currency_is_well_formed_and_comes_back() {
        let mut codes: Vec<&str> = BY_DECIMALS.iter().flat_map(|(_, codes)| codes.split(' ')).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        for code in codes {
            assert!(code.len() == 3 && code.chars().all(|letter| letter.is_ascii_uppercase()), "{code}");
            let amount = from_minor_units(Decimal::integer(-12_345), code.into()).unwrap();
            assert_eq!(to_minor_units(amount), Ok(Decimal::integer(-12_345)), "{code}");
            assert_eq!(amount.currency, code);
        }
    }
}
