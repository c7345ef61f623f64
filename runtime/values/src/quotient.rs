//! Quotients: the exact result of `/`.
//!
//! In: two decimals. Out: one rounded once, from the true quotient, or how two quotients compare. Never a truncated intermediate result.

use std::cmp::Ordering;
use std::fmt;

use crate::decimal::{Decimal, Mode, overflow, power_of_ten};
use crate::fault::Stop;

/// The exact result of `/`: a fraction that only rounding and comparison accept.
///
/// INVARIANT: the denominator is not zero.
#[derive(Clone, Copy, Debug)]
pub struct Quotient {
    numerator: Decimal,
    denominator: Decimal,
}

impl Quotient {
    /// `numerator / denominator`.
    ///
    /// # Errors
    /// The denominator is zero.
    pub fn new(numerator: Decimal, denominator: Decimal) -> Result<Quotient, Stop> {
        if denominator.is_zero() {
            return Err(Stop::failed_on(&format_args!("{numerator} / 0"), "division by zero"));
        }
        Ok(Quotient { numerator, denominator })
    }

    /// What is divided.
    #[must_use]
    pub fn numerator(self) -> Decimal {
        self.numerator
    }

    /// By what it is divided.
    #[must_use]
    pub fn denominator(self) -> Decimal {
        self.denominator
    }

    fn negative(self) -> bool {
        self.numerator.is_negative() != self.denominator.is_negative()
    }

    /// The true quotient rounded to so many places after the point.
    ///
    /// # Errors
    /// The result has too many digits.
    pub fn round(self, places: i32, mode: Mode) -> Result<Decimal, Stop> {
        let too_large = || overflow(format_args!("round({self}, {places})"));
        let negative = self.negative() && !self.numerator.is_zero();
        let shift = i64::from(self.denominator.scale()) - i64::from(self.numerator.scale()) + i64::from(places);
        let (quotient, exact, rest) =
            divide_shifted(self.numerator.magnitude(), self.denominator.magnitude(), shift).ok_or_else(too_large)?;
        let grown = mode.grows(negative, quotient % 2 == 1, exact, rest);
        let magnitude = quotient.checked_add(u128::from(grown)).ok_or_else(too_large)?;
        Decimal::exact(negative, magnitude, i64::from(places)).ok_or_else(too_large)
    }
}

/// Ten to that power and any number of 64 bits together fit into 128, and the power alone into 64.
const SHORT_SHIFT_MAX: u32 = 18;

/// `floor(numerator * 10^shift / denominator)` by long division, whether that is exact, and how what is cut off compares with one half.
/// `None` when the quotient does not fit.
fn divide_shifted(numerator: u128, denominator: u128, shift: i64) -> Option<(u128, bool, Ordering)> {
    if let Some(short) = divide_short(numerator, denominator, shift) {
        return Some(short);
    }
    if let (Ok(short @ 0..=SHORT_SHIFT_MAX), Ok(numerator)) = (u32::try_from(shift), u64::try_from(numerator)) {
        // Below 2^64 * 10^18, which fits.
        let shifted = u128::from(numerator) * 10_u128.pow(short);
        let (quotient, remainder) = (shifted / denominator, shifted % denominator);
        return Some((quotient, remainder == 0, (remainder * 2).cmp(&denominator)));
    }
    let mut quotient = numerator / denominator;
    let mut remainder = numerator % denominator;
    if shift >= 0 {
        for _ in 0..shift {
            // Both operands are below 2^96, so the tenfold remainder fits.
            remainder *= 10;
            quotient = quotient.checked_mul(10)?.checked_add(remainder / denominator)?;
            remainder %= denominator;
            if quotient == 0 && remainder == 0 {
                break;
            }
        }
        return Some((quotient, remainder == 0, (remainder * 2).cmp(&denominator)));
    }
    let Some(power) = power_of_ten(shift.unsigned_abs()) else {
        let exact = quotient == 0 && remainder == 0;
        return Some((0, exact, Ordering::Less));
    };
    let cut_off = quotient % power;
    let exact = cut_off == 0 && remainder == 0;
    let rest = (cut_off * 2).cmp(&power).then(if remainder == 0 { Ordering::Equal } else { Ordering::Greater });
    Some((quotient / power, exact, rest))
}

/// The same where both sides fit into 64 bits, as nearly all do: dividing those is many times cheaper.
fn divide_short(numerator: u128, denominator: u128, shift: i64) -> Option<(u128, bool, Ordering)> {
    let (numerator, denominator) = (u64::try_from(numerator).ok()?, u64::try_from(denominator).ok()?);
    let power = 10_u64.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?)?;
    let (numerator, denominator) = match shift {
        0.. => (numerator.checked_mul(power)?, denominator),
        _ => (numerator, denominator.checked_mul(power)?),
    };
    if denominator == 1 {
        return Some((u128::from(numerator), true, Ordering::Less));
    }
    let (quotient, remainder) = (numerator / denominator, numerator % denominator);
    // What is left is less than the denominator, and compared with what it lacks: twice as much might not fit.
    Some((u128::from(quotient), remainder == 0, remainder.cmp(&(denominator - remainder))))
}

/// The product of all factors, least significant limb first, without leading zero limbs.
fn limbs(factors: [u128; 3]) -> Vec<u64> {
    const LIMB: u128 = 1 << 32;
    let split = |value: u128| [value % LIMB, (value >> 32) % LIMB, (value >> 64) % LIMB, value >> 96];
    let mut result: Vec<u64> = vec![1];
    for factor in factors {
        let mut next = vec![0_u64; result.len() + 5];
        for (offset, part) in split(factor).into_iter().enumerate() {
            let part = part as u64;
            let mut carry: u64 = 0;
            for (limb, slot) in result.iter().copied().chain([0, 0]).zip(next.iter_mut().skip(offset)) {
                // limb, part, slot and carry are below 2^32 each: the sum stays below 2^64.
                let value = limb * part + *slot + carry;
                *slot = value & 0xffff_ffff;
                carry = value >> 32;
            }
        }
        while next.last() == Some(&0) {
            next.pop();
        }
        result = next;
    }
    result
}

impl Ord for Quotient {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |value: &Quotient| match (value.numerator.is_zero(), value.negative()) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let by_sign = sign(self).cmp(&sign(other));
        if by_sign != Ordering::Equal || sign(self) == 0 {
            return by_sign;
        }
        let power = |exponent: i64| power_of_ten(exponent.max(0).unsigned_abs()).unwrap_or(1);
        // a/b < c/d becomes a*d*10^x < c*b*10^y once the four scales are set off; each side's power is at most 10^56,
        // so it is split between the two factors of ten below.
        let shift = i64::from(other.numerator.scale()) + i64::from(self.denominator.scale())
            - i64::from(self.numerator.scale())
            - i64::from(other.denominator.scale());
        let (left_power, right_power) = (shift.max(0), (-shift).max(0));
        let side = |first: u128, second: u128, exponent: i64| {
            let near = exponent.min(28);
            let product = limbs([first, second, power(near)]);
            scaled(product, power(exponent - near))
        };
        let left = side(self.numerator.magnitude(), other.denominator.magnitude(), left_power);
        let right = side(other.numerator.magnitude(), self.denominator.magnitude(), right_power);
        let magnitude = left.len().cmp(&right.len()).then_with(|| left.iter().rev().cmp(right.iter().rev()));
        if self.negative() { magnitude.reverse() } else { magnitude }
    }
}

/// `limbs * power` for a power of at most 10^28, limb by limb.
fn scaled(number: Vec<u64>, power: u128) -> Vec<u64> {
    let mut result = number;
    let mut left = power;
    while left > 1 {
        // 10^9 fits a limb; the power is a power of ten.
        let step = left.min(1_000_000_000) as u64;
        let mut carry: u64 = 0;
        for limb in &mut result {
            let value = *limb * step + carry;
            *limb = value & 0xffff_ffff;
            carry = value >> 32;
        }
        if carry > 0 {
            result.push(carry);
        }
        left /= u128::from(step);
    }
    result
}

impl PartialOrd for Quotient {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Quotient {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Quotient {}

impl From<Decimal> for Quotient {
    fn from(value: Decimal) -> Self {
        Quotient { numerator: value, denominator: Decimal::ONE }
    }
}

impl fmt::Display for Quotient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.denominator == Decimal::ONE {
            write!(out, "{}", self.numerator)
        } else {
            write!(out, "{} / {}", self.numerator, self.denominator)
        }
    }
}
