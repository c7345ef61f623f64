//! An amount in a currency.
//!
//! In and out: a number and a code of ISO 4217. Amounts of different currencies are never equal, and nothing adds them: whoever does that
//! takes the amounts out first. It knows no rates.

use crate::decimal::Decimal;

/// An amount with its currency. Two are equal if both parts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// How much, in units of the currency (19.99, not 1999).
    pub amount: Decimal,
    /// The code of ISO 4217, `EUR`.
    pub currency: &'static str,
}
