//! Money and tax: net, gross, tax, and splitting an amount without losing a cent.
//!
//! In: amounts and rates in percent. Out: amounts rounded once, from the true quotient. Never rounds in between.

mod currencies;

use super::numbers::places;
use super::{Digits, Function, Param, Returns, Takes, arg, tried};
use crate::decimal::{Decimal, Mode};
use crate::fault::Stop;

pub use currencies::{amount, convert, currency, from_minor_units, money, to_minor_units};

/// The net amount in a gross one.
///
/// # Errors
/// The rate is -100 or less, or the result has too many digits.
pub fn net_from_gross(gross: Decimal, rate: Decimal, to: Decimal, mode: Mode) -> Result<Decimal, Stop> {
    gross.times(Decimal::HUNDRED)?.divided_by(with_tax(rate)?)?.round(places(to)?, mode)
}

/// The gross amount of a net one.
///
/// # Errors
/// The rate is -100 or less, or the result has too many digits.
pub fn gross_from_net(net: Decimal, rate: Decimal, to: Decimal, mode: Mode) -> Result<Decimal, Stop> {
    net.times(with_tax(rate)?)?.divided_by(Decimal::HUNDRED)?.round(places(to)?, mode)
}

/// The tax in a gross amount.
///
/// # Errors
/// The rate is -100 or less, or the result has too many digits.
pub fn tax_in(gross: Decimal, rate: Decimal, to: Decimal, mode: Mode) -> Result<Decimal, Stop> {
    gross.times(rate)?.divided_by(with_tax(rate)?)?.round(places(to)?, mode)
}

/// 119 for 19 percent.
fn with_tax(rate: Decimal) -> Result<Decimal, Stop> {
    let percent = rate.plus(Decimal::HUNDRED)?;
    if percent > Decimal::ZERO {
        Ok(percent)
    } else {
        Err(Stop::failed_on(&rate, format!("{rate} percent is no tax rate: it must be more than -100")))
    }
}

/// Splits `total` by weights into amounts of so many decimals that add up to it exactly: each share is rounded down, and the units left over go to
/// the greatest remainders, the earlier one first where they are equal.
///
/// # Errors
/// No weight, a negative one, only zeros, or a total with more decimals.
pub fn allocate(total: Decimal, weights: Vec<Decimal>, to: Decimal) -> Result<Vec<Decimal>, Stop> {
    let to = places(to)?;
    if total.round(to, Mode::Down)? != total {
        return Err(Stop::failed_on(
            &total,
            format!("{total} has more than {to} decimals and cannot be split into amounts of {to}"),
        ));
    }
    if let Some(negative) = weights.iter().find(|weight| weight.is_negative()) {
        return Err(Stop::failed_on(negative, format!("{negative} is a negative weight")));
    }
    let whole = weights.iter().try_fold(Decimal::ZERO, |sum, weight| sum.plus(*weight))?;
    if whole.is_zero() {
        return Err(Stop::failed("there is no weight to split by: the list is empty or all weights are zero"));
    }
    let mut shares = Vec::with_capacity(weights.len());
    let mut left = total;
    for (index, weight) in weights.iter().enumerate() {
        let product = total.times(*weight)?;
        let share = product.divided_by(whole)?.round(to, Mode::Down)?;
        left = left.minus(share)?;
        // What the share lacks, times the whole: comparable without dividing.
        let lacking = product.minus(share.times(whole)?)?.abs();
        shares.push((index, share, lacking));
    }
    // 10^-to; `parse` reads an exponent, so negative places work too.
    let unit = Decimal::parse(&format!("1e{}", -to)).map_err(|not| Stop::failed(not.to_string()))?;
    let step = if left.is_negative() { unit.negated() } else { unit };
    shares.sort_by(|one, other| other.2.cmp(&one.2).then(one.0.cmp(&other.0)));
    for share in &mut shares {
        if left.is_zero() {
            break;
        }
        share.1 = share.1.plus(step)?;
        left = left.minus(step)?;
    }
    shares.sort_by_key(|share| share.0);
    Ok(shares.into_iter().map(|(_, share, _)| share).collect())
}

const PLACES: Param = Param::new("places", Takes::Integer);
const MODE: Param = Param::optional("mode", Takes::Mode);
const RATE: Param = Param::new("rate", Takes::Number);
const FAILURE: &str = "the rate is -100 or less, or the result has more than 28 digits";

/// What holds of all these functions.
pub(super) const ABOUT: &str = "Systems keep an amount and its currency in two fields, and most lines carry over the one and the other. Where they must stay together, `money` makes one value of them: nothing adds amounts of two currencies by mistake, and each function knows how many decimals the currency has. Rates of tax are in percent (19 for 19 %). Each result is rounded once, from the exact quotient.";

/// The functions on money and tax.
pub static FUNCTIONS: &[Function] = &[
    Function::new(
        "net_from_gross",
        path!(net_from_gross),
        "The net amount in a gross one; the rate is in percent.",
        &[Param::new("gross", Takes::Number), RATE, PLACES, MODE],
        Returns::Number(Digits::Places { of: 0, places: 2 }),
        |a| tried(net_from_gross(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?, arg(a, 3)?)),
    )
    .fails(FAILURE)
    .loses()
    .examples(&[
        example!("net_from_gross(119, 19, 2, half_up)" => "100"),
        example!("net_from_gross(19.99, 19, 2, half_up)" => "16.8"),
        example!("net_from_gross(5, 0, 2, half_up)" => "5"),
        example!("net_from_gross(5, -100, 2, half_up)" => "fails"),
    ]),
    Function::new(
        "gross_from_net",
        path!(gross_from_net),
        "The gross amount of a net one; the rate is in percent.",
        &[Param::new("net", Takes::Number), RATE, PLACES, MODE],
        Returns::Number(Digits::Places { of: 0, places: 2 }),
        |a| tried(gross_from_net(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?, arg(a, 3)?)),
    )
    .fails(FAILURE)
    .loses()
    .examples(&[example!("gross_from_net(16.8, 19, 2, half_up)" => "19.99"), example!("gross_from_net(100, -100, 2)" => "fails")]),
    Function::new(
        "tax_in",
        path!(tax_in),
        "The tax in a gross amount; the rate is in percent.",
        &[Param::new("gross", Takes::Number), RATE, PLACES, MODE],
        Returns::Number(Digits::Places { of: 0, places: 2 }),
        |a| tried(tax_in(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?, arg(a, 3)?)),
    )
    .fails(FAILURE)
    .loses()
    .examples(&[example!("tax_in(119, 19, 2, half_up)" => "19"), example!("tax_in(19.99, 19, 2, half_up)" => "3.19"), example!("tax_in(119, -100, 2)" => "fails")]),
    currencies::MONEY,
    currencies::AMOUNT,
    currencies::CURRENCY_OF,
    currencies::CONVERT,
    currencies::TO_MINOR_UNITS,
    currencies::FROM_MINOR_UNITS,
    Function::new(
        "allocate",
        path!(allocate),
        "Splits a total by weights into amounts of so many decimals that add up to it exactly; what rounding leaves over goes to the greatest remainders.",
        &[Param::new("total", Takes::Number), Param::new("weights", Takes::ListOfNumbers), PLACES],
        Returns::ListOfNumbers(Digits::Places { of: 0, places: 2 }),
        |a| tried(allocate(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
    )
    .fails("there is no weight to split by, one is negative, or the total has more decimals")
    .examples(&[
        example!("allocate(10, [1, 1, 1], 2)" => "[3.34, 3.33, 3.33]"),
        example!("allocate(-0.05, [3, 7], 2)" => "[-0.02, -0.03]"),
        example!("allocate(1, [0, 0], 2)" => "fails"),
        example!("allocate(0.001, [1], 2)" => "fails"),
    ]),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shares_add_up_and_are_within_one_unit(cents in -1_000_000_i128..1_000_000, weights in prop::collection::vec(0_i64..1000, 1..12)) {
            let total = Decimal::literal(cents, 2);
            let sum: i64 = weights.iter().sum();
            let given: Vec<Decimal> = weights.iter().copied().map(Decimal::integer).collect();
            let shares = allocate(total, given, Decimal::integer(2));
            if sum == 0 {
                prop_assert!(shares.is_err());
            } else {
                let shares = shares.unwrap();
                let added = shares.iter().fold(Decimal::ZERO, |sum, share| sum.plus(*share).unwrap());
                prop_assert_eq!(added, total);
                for (share, weight) in shares.iter().zip(weights) {
                    let exact = total.times(Decimal::integer(weight)).unwrap().divided_by(Decimal::integer(sum)).unwrap();
                    let low = exact.round(2, Mode::Floor).unwrap();
                    let high = exact.round(2, Mode::Ceiling).unwrap();
                    prop_assert!(*share >= low && *share <= high, "{share} of {exact}");
                }
            }
        }

        #[test]
        fn net_and_tax_make_gross(cents in 0_i128..10_000_000, rate in 0_i64..40) {
            let (gross, rate) = (Decimal::literal(cents, 2), Decimal::integer(rate));
            let two = Decimal::integer(2);
            let net = net_from_gross(gross, rate, two, Mode::HalfUp).unwrap();
            let tax = tax_in(gross, rate, two, Mode::HalfDown).unwrap();
            prop_assert_eq!(net.plus(tax).unwrap(), gross);
        }
    }
}
