//! Amounts in minor units (cents), by the currencies of ISO 4217.
//!
//! In: an amount or a whole number of minor units, and a currency's code. Out: the other of the two, exactly. Never a rate, never a symbol.

use std::borrow::Cow;

use crate::decimal::Decimal;
use crate::fault::{Stop, shortened};
use crate::functions::{Digits, Function, Param, Returns, Takes, arg, tried};

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

fn decimals(currency: &str) -> Result<u32, Stop> {
    let known = BY_DECIMALS.iter().find(|(_, codes)| codes.split(' ').any(|code| code == currency));
    known.map(|(decimals, _)| *decimals).ok_or_else(|| {
        Stop::failed_on(currency, format!("\"{}\" is no currency of ISO 4217, such as EUR", shortened(currency)))
    })
}

/// The amount as a whole number of minor units.
///
/// # Errors
/// The currency is unknown, or the amount has more decimals than it.
pub fn to_minor_units(amount: Decimal, currency: Cow<'_, str>) -> Result<Decimal, Stop> {
    let decimals = decimals(&currency)?;
    if amount.scale() > decimals {
        let reason = format!(
            "{amount} has more decimals than {currency}, which has {decimals}: say `| round({decimals})` before"
        );
        return Err(Stop::failed_on(&amount, reason));
    }
    amount.times(Decimal::literal(10_i128.pow(decimals), 0))
}

/// The amount of so many minor units.
///
/// # Errors
/// The currency is unknown, or `n` is not whole.
pub fn from_minor_units(n: Decimal, currency: Cow<'_, str>) -> Result<Decimal, Stop> {
    let decimals = decimals(&currency)?;
    if !n.is_integer() {
        return Err(Stop::failed_on(&n, format!("{n} is no whole number of minor units")));
    }
    n.times(Decimal::literal(1, decimals))
}

const CURRENCY: Param = Param::new("currency", Takes::Text);

pub(super) const TO_MINOR_UNITS: Function = Function::new(
    "to_minor_units",
    path!(money::to_minor_units),
    "The amount as a whole number of the currency's minor units, by ISO 4217: cents for EUR, yen for JPY. It never rounds.",
    &[Param::new("amount", Takes::Number), CURRENCY],
    Returns::Integer,
    |a| tried(to_minor_units(arg(a, 0)?, arg(a, 1)?)),
)
.fails("the currency is unknown, or the amount has more decimals than the currency")
.examples(&[
    example!(r#"to_minor_units(19.99, "EUR")"# => "1999"),
    example!(r#"to_minor_units(500, "JPY")"# => "500"),
    example!(r#"to_minor_units(1.5, "KWD")"# => "1500"),
    example!(r#"to_minor_units(0.005, "EUR")"# => "fails"),
    example!(r#"to_minor_units(1, "eur")"# => "fails"),
]);

pub(super) const FROM_MINOR_UNITS: Function = Function::new(
    "from_minor_units",
    path!(money::from_minor_units),
    "The amount that a whole number of the currency's minor units makes, by ISO 4217.",
    &[Param::new("n", Takes::Integer), CURRENCY],
    Returns::Number(Digits::Unknown),
    |a| tried(from_minor_units(arg(a, 0)?, arg(a, 1)?)),
)
.fails("the currency is unknown, or the number is not whole")
.examples(&[
    example!(r#"from_minor_units(1999, "EUR")"# => "19.99"),
    example!(r#"from_minor_units(500, "JPY")"# => "500"),
    example!(r#"from_minor_units(-5, "TND")"# => "-0.005"),
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
            assert_eq!(to_minor_units(amount, code.into()), Ok(Decimal::integer(-12_345)), "{code}");
        }
    }
}
