//! Amounts: exact decimals in and out of JSON numbers.
//!
//! In: JSON numbers, read from their digits. Out: decimals rounded half away from zero, JSON numbers with a decimal point.
//! Never: arithmetic on floats.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Number, Value};

/// The exact value of a JSON number, or `None` for anything else.
pub(crate) fn decimal(value: &Value) -> Option<Decimal> {
    let Value::Number(number) = value else { return None };
    let digits = number.to_string();
    digits.parse().ok().or_else(|| Decimal::from_scientific(&digits).ok())
}

/// `amount` rounded to `places`, half away from zero, as both vendors round.
pub(crate) fn round(amount: Decimal, places: u32) -> Decimal {
    amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

/// A JSON number with a decimal point, as a vendor prints a double: `50.0`, `179.43`.
pub(crate) fn double(amount: Decimal) -> Value {
    let mut digits = amount.normalize().to_string();
    if !digits.contains('.') {
        digits.push_str(".0");
    }
    digits.parse::<Number>().map_or(Value::Null, Value::Number)
}

/// A JSON number without a decimal point when it is whole (`19`), otherwise like [`double`].
pub(crate) fn plain(amount: Decimal) -> Value {
    amount.normalize().to_string().parse::<Number>().map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::{decimal, double, plain, round};
    use rust_decimal::Decimal;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn half_cents_leave_zero_on_both_sides() {
        assert_eq!(round(dec("5.985"), 2), dec("5.99"));
        assert_eq!(round(dec("-5.985"), 2), dec("-5.99"));
    }

    #[test]
    fn digits_survive_the_way_through_json() {
        for text in ["0.1", "179.43", "16.806722689", "-0.05", "2500.0"] {
            let parsed: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(double(decimal(&parsed).unwrap()).to_string(), text);
        }
        assert_eq!(plain(dec("19.00")).to_string(), "19");
        assert_eq!(double(dec("50")).to_string(), "50.0");
    }
}
