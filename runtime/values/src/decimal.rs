//! Exact decimal numbers: the one numeric type of the language.
//!
//! In: digits. Out: digits. A result is either exact or a fault that says so; only `round` and its like lose anything, by a named mode.
//! Never a float, never a silent rounding. Arithmetic is done on whole mantissas, since `rust_decimal`'s own operators round when digits run out.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::fault::Stop;
pub use crate::quotient::Quotient;
pub use crate::rounding::Mode;

/// The most digits after the point.
pub const SCALE_MAX: u32 = 28;
/// The greatest mantissa: 28 digits and a little more.
const MANTISSA_MAX: u128 = (1 << 96) - 1;
/// Far beyond every exponent that could still matter.
const EXPONENT_MAX: i64 = 1_000_000;

/// A number as text is at most so long: its sign, a zero, the point and 29 digits.
const TEXT_MAX: usize = 32;

/// Why a text is not a [`Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDecimal {
    /// It is no number.
    Syntax,
    /// It is a number of more digits than we keep.
    TooManyDigits,
}

impl fmt::Display for NotDecimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            NotDecimal::Syntax => "is not a number",
            NotDecimal::TooManyDigits => "has more digits than can be kept exactly (28)",
        })
    }
}

impl std::error::Error for NotDecimal {}

/// An exact decimal of up to 28 digits, up to 28 of them after the point. Integers are decimals of scale 0.
///
/// INVARIANT: normalised, that is without trailing zeros after the point and without a negative zero; so equal numbers are equal bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal(rust_decimal::Decimal);

impl Decimal {
    /// 0.
    pub const ZERO: Decimal = Decimal::integer(0);
    /// 1.
    pub const ONE: Decimal = Decimal::integer(1);
    /// 100.
    pub const HUNDRED: Decimal = Decimal::integer(100);

    /// A whole number.
    #[must_use]
    pub const fn integer(value: i64) -> Decimal {
        let magnitude = value.unsigned_abs();
        let low = (magnitude & 0xffff_ffff) as u32;
        let middle = (magnitude >> 32) as u32;
        Decimal(rust_decimal::Decimal::from_parts(low, middle, 0, value < 0, 0))
    }

    /// A literal of generated code: `mantissa` with `scale` digits after the point, `Decimal::literal(1999, 2)` = 19.99.
    ///
    /// A literal out of range is [`Decimal::ZERO`]; the compiler writes none, for it reads them with [`Decimal::parse`].
    #[must_use]
    pub const fn literal(mantissa: i128, scale: u32) -> Decimal {
        let mut mantissa = mantissa;
        let mut scale = scale;
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        let magnitude = mantissa.unsigned_abs();
        if magnitude == 0 || magnitude > MANTISSA_MAX || scale > SCALE_MAX {
            return Decimal::ZERO;
        }
        let low = (magnitude & 0xffff_ffff) as u32;
        let middle = ((magnitude >> 32) & 0xffff_ffff) as u32;
        let high = (magnitude >> 64) as u32;
        Decimal(rust_decimal::Decimal::from_parts(low, middle, high, mantissa < 0, scale))
    }

    /// `magnitude * 10^-scale`, if it can be kept exactly.
    pub(crate) fn exact(negative: bool, magnitude: u128, scale: i64) -> Option<Decimal> {
        if let (Ok(magnitude), Ok(scale @ ..=SCALE_MAX)) = (u64::try_from(magnitude), u32::try_from(scale)) {
            return Some(Decimal::short(negative, magnitude, scale));
        }
        let mut magnitude = magnitude;
        let mut scale = scale;
        if magnitude == 0 {
            return Some(Decimal::ZERO);
        }
        while scale > 0 && magnitude.is_multiple_of(10) {
            magnitude /= 10;
            scale -= 1;
        }
        if scale < 0 {
            magnitude = magnitude.checked_mul(power_of_ten(scale.unsigned_abs())?)?;
            scale = 0;
        }
        if magnitude > MANTISSA_MAX {
            return None;
        }
        let mantissa = i128::try_from(magnitude).ok()?;
        let signed = if negative { -mantissa } else { mantissa };
        let scale = u32::try_from(scale).ok()?;
        rust_decimal::Decimal::try_from_i128_with_scale(signed, scale).ok().map(Decimal)
    }

    /// The same of few digits and at most 28 places.
    fn short(negative: bool, mut magnitude: u64, mut scale: u32) -> Decimal {
        while scale > 0 && magnitude.is_multiple_of(10) {
            magnitude /= 10;
            scale -= 1;
        }
        let (low, middle) = ((magnitude & 0xffff_ffff) as u32, (magnitude >> 32) as u32);
        Decimal(rust_decimal::Decimal::from_parts(low, middle, 0, negative && magnitude > 0, scale))
    }

    /// Reads a number of few digits without an exponent, as nearly all are.
    pub(crate) fn parse_short(text: &str) -> Option<Decimal> {
        let (negative, digits) = match text.as_bytes() {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let ([first, .., last] | [first @ last]) = digits else { return None };
        if digits.len() > 18 || !first.is_ascii_digit() || !last.is_ascii_digit() {
            return None;
        }
        let (mut magnitude, mut scale, mut behind_point) = (0_u64, 0, 0);
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                magnitude = magnitude * 10 + u64::from(digit);
                scale += behind_point;
            } else if *byte == b'.' && behind_point == 0 {
                behind_point = 1;
            } else {
                return None;
            }
        }
        Some(Decimal::short(negative, magnitude, scale))
    }

    /// Reads `12`, `-0.50`, `1.5e3`: the grammar of JSON numbers, leading zeros and a leading `+` allowed besides.
    ///
    /// # Errors
    /// No number, or more digits than can be kept exactly.
    pub fn parse(text: &str) -> Result<Decimal, NotDecimal> {
        match Decimal::parse_short(text) {
            Some(short) => Ok(short),
            None => Decimal::parse_long(text),
        }
    }

    fn parse_long(text: &str) -> Result<Decimal, NotDecimal> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return Err(NotDecimal::Syntax),
            Some(parts) => parts,
            None => (digits, ""),
        };
        let only_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !only_digits(whole) || !only_digits(fraction) {
            return Err(NotDecimal::Syntax);
        }
        let mut magnitude: u128 = 0;
        // Zeros are counted first and multiplied in only when a digit follows, so that any number of trailing zeros is fine.
        let mut zeros: u64 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if byte == b'0' {
                zeros += 1;
                continue;
            }
            magnitude = if magnitude == 0 {
                Some(0)
            } else {
                power_of_ten(zeros + 1).and_then(|power| magnitude.checked_mul(power))
            }
            .and_then(|shifted| shifted.checked_add(u128::from(byte - b'0')))
            .ok_or(NotDecimal::TooManyDigits)?;
            zeros = 0;
        }
        let fraction_length = i64::try_from(fraction.len()).map_err(|_| NotDecimal::TooManyDigits)?;
        let zeros = i64::try_from(zeros).map_err(|_| NotDecimal::TooManyDigits)?;
        let scale = fraction_length - zeros - exponent;
        Decimal::exact(negative, magnitude, scale).ok_or(NotDecimal::TooManyDigits)
    }

    pub(crate) fn magnitude(self) -> u128 {
        self.0.mantissa().unsigned_abs()
    }

    /// The digits as a whole number; with [`Decimal::scale`] this is the argument pair of [`Decimal::literal`].
    #[must_use]
    pub fn mantissa(self) -> i128 {
        self.0.mantissa()
    }

    /// Digits after the point, without trailing zeros.
    #[must_use]
    pub fn scale(self) -> u32 {
        self.0.scale()
    }

    /// Digits before the point, without leading zeros (0 for 0.5).
    #[must_use]
    pub fn whole_digits(self) -> u32 {
        let digits = match u64::try_from(self.magnitude()) {
            Ok(short) => short.checked_ilog10(),
            Err(_) => self.magnitude().checked_ilog10(),
        };
        digits.map_or(0, |log| (log + 1).saturating_sub(self.scale()))
    }

    /// The number as text.
    #[must_use]
    pub fn text(self) -> String {
        self.digits_in(&mut [0; TEXT_MAX]).to_owned()
    }

    /// The same, which is there already for a small whole number, as most quantities and codes are.
    pub(crate) fn digits_text(self) -> Cow<'static, str> {
        const SMALL: &str = "0123456789";
        let small = match (self.scale(), usize::try_from(self.magnitude())) {
            (0, Ok(digit)) if !self.is_negative() => SMALL.get(digit..=digit),
            (_, Ok(_) | Err(_)) => None,
        };
        small.map_or_else(|| Cow::Owned(self.text()), Cow::Borrowed)
    }

    /// Writes the number at the end of `place`.
    fn digits_in(self, place: &mut [u8; TEXT_MAX]) -> &str {
        let (mut rest, scale) = (self.magnitude(), self.scale());
        let mut length = 0;
        let mut slots = place.iter_mut().rev();
        let mut put = |byte: u8| {
            if let Some(slot) = slots.next() {
                *slot = byte;
                length += 1;
            }
        };
        let mut digits = 0;
        while rest > 0 || digits <= scale {
            if digits == scale && scale > 0 {
                put(b'.');
            }
            // Division of what fits into half the bits is much cheaper.
            let digit = match u64::try_from(rest) {
                Ok(short) => {
                    rest = u128::from(short / 10);
                    short % 10
                }
                Err(_) => {
                    let digit = rest % 10;
                    rest /= 10;
                    digit as u64
                }
            };
            put(b'0' + digit as u8);
            digits += 1;
        }
        if self.is_negative() {
            put(b'-');
        }
        let text = place.get(TEXT_MAX - length..).unwrap_or_default();
        str::from_utf8(text).unwrap_or_default()
    }

    /// All digits: those before and those after the point.
    #[must_use]
    pub fn digits(self) -> u32 {
        self.whole_digits() + self.scale()
    }

    /// Has it no digits after the point?
    #[must_use]
    pub fn is_integer(self) -> bool {
        self.scale() == 0
    }

    /// Is it zero?
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Is it less than zero?
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.0.is_sign_negative()
    }

    /// The whole number, if it is one and fits.
    #[must_use]
    pub fn to_i64(self) -> Option<i64> {
        if self.is_integer() { i64::try_from(self.mantissa()).ok() } else { None }
    }

    /// A length or count: negative is 0, fractions are dropped, the rest is cut off at the greatest `usize`.
    #[must_use]
    pub fn to_count(self) -> usize {
        if self.is_negative() {
            return 0;
        }
        let whole = power_of_ten(u64::from(self.scale())).map_or(0, |power| self.magnitude() / power);
        usize::try_from(whole).unwrap_or(usize::MAX)
    }

    /// Does it fit `decimal(precision, scale)` of a catalogue? With a precision of 28, all the digits that there are, only
    /// the decimals are bounded: so a catalogue says of a system's binary fractions, which are long on either side.
    #[must_use]
    pub fn fits(self, precision: u32, scale: u32) -> bool {
        self.scale() <= scale && (precision >= SCALE_MAX || self.whole_digits() <= precision - scale.min(precision))
    }

    /// `self + other`.
    ///
    /// # Errors
    /// The exact result has too many digits.
    pub fn plus(self, other: Decimal) -> Result<Decimal, Stop> {
        sum(self, other).ok_or_else(|| overflow(format_args!("{self} + {other}")))
    }

    /// `self - other`.
    ///
    /// # Errors
    /// The exact result has too many digits.
    pub fn minus(self, other: Decimal) -> Result<Decimal, Stop> {
        sum(self, other.negated()).ok_or_else(|| overflow(format_args!("{self} - {other}")))
    }

    /// `self * other`.
    ///
    /// # Errors
    /// The exact result has too many digits.
    pub fn times(self, other: Decimal) -> Result<Decimal, Stop> {
        product(self, other).ok_or_else(|| overflow(format_args!("{self} * {other}")))
    }

    /// `self / other`, kept as a fraction.
    ///
    /// # Errors
    /// `other` is zero.
    pub fn divided_by(self, other: Decimal) -> Result<Quotient, Stop> {
        Quotient::new(self, other)
    }

    /// What is left of `self` after dividing by `other` as often as goes in whole; it has the sign of `self`.
    ///
    /// # Errors
    /// `other` is zero, or the exact result has too many digits.
    pub fn remainder(self, other: Decimal) -> Result<Decimal, Stop> {
        let times = self.divided_by(other)?.round(0, Mode::Down)?;
        self.minus(other.times(times)?)
    }

    /// `-self`.
    #[must_use]
    pub fn negated(self) -> Decimal {
        if self.is_zero() { self } else { Decimal(-self.0) }
    }

    /// Without its sign.
    #[must_use]
    pub fn abs(self) -> Decimal {
        if self.is_negative() { self.negated() } else { self }
    }

    /// Rounded to so many places after the point; negative places round before the point.
    ///
    /// # Errors
    /// The result has too many digits.
    pub fn round(self, places: i32, mode: Mode) -> Result<Decimal, Stop> {
        if i64::from(places) >= i64::from(self.scale()) {
            return Ok(self);
        }
        Quotient::from(self).round(places, mode)
    }
}

/// 10 to that power, as far as it fits.
pub(crate) fn power_of_ten(exponent: u64) -> Option<u128> {
    10_u128.checked_pow(u32::try_from(exponent).ok()?)
}

fn parse_exponent(text: &str) -> Result<i64, NotDecimal> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotDecimal::Syntax);
    }
    let value = digits.bytes().fold(0_i64, |value, byte| (value * 10 + i64::from(byte - b'0')).min(EXPONENT_MAX));
    Ok(if text.starts_with('-') { -value } else { value })
}

pub(crate) fn overflow(what: fmt::Arguments<'_>) -> Stop {
    Stop::failed_on(&what, format!("{what} has more digits than can be kept exactly (28)"))
}

/// INVARIANT: `None` only when the exact sum has more than 28 digits. Where aligning overflows, the finer operand ends in a
/// digit other than zero, so that the sum has at least 38 significant digits.
fn sum(left: Decimal, right: Decimal) -> Option<Decimal> {
    let scale = left.scale().max(right.scale());
    let aligned = |value: Decimal| {
        if value.scale() == scale {
            return Some(value.mantissa());
        }
        let power = power_of_ten(u64::from(scale - value.scale()))?;
        value.mantissa().checked_mul(i128::try_from(power).ok()?)
    };
    let total = aligned(left)?.checked_add(aligned(right)?)?;
    Decimal::exact(total < 0, total.unsigned_abs(), i64::from(scale))
}

/// INVARIANT: `None` only when the exact product cannot be kept. Every factor of ten is taken out first, so that a product
/// which overflows 128 bits has at least 38 significant digits.
fn product(left: Decimal, right: Decimal) -> Option<Decimal> {
    let (mut first, mut second) = (left.magnitude(), right.magnitude());
    if let (Ok(first), Ok(second)) = (u64::try_from(first), u64::try_from(second)) {
        let (magnitude, scale) = (u128::from(first) * u128::from(second), left.scale() + right.scale());
        return Decimal::exact(left.is_negative() != right.is_negative(), magnitude, i64::from(scale));
    }
    if first == 0 || second == 0 {
        return Some(Decimal::ZERO);
    }
    let mut scale = i64::from(left.scale()) + i64::from(right.scale());
    for factor in [&mut first, &mut second] {
        while factor.is_multiple_of(10) {
            *factor /= 10;
            scale -= 1;
        }
    }
    while first.is_multiple_of(2) && second.is_multiple_of(5) {
        (first, second, scale) = (first / 2, second / 5, scale - 1);
    }
    while first.is_multiple_of(5) && second.is_multiple_of(2) {
        (first, second, scale) = (first / 5, second / 2, scale - 1);
    }
    Decimal::exact(left.is_negative() != right.is_negative(), first.checked_mul(second)?, scale)
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.scale() == other.scale() {
            return self.mantissa().cmp(&other.mantissa());
        }
        let scale = self.scale().max(other.scale());
        let aligned = |value: &Decimal| {
            let power = power_of_ten(u64::from(scale - value.scale())).and_then(|power| i128::try_from(power).ok());
            power.and_then(|power| value.mantissa().checked_mul(power))
        };
        let sign = |value: &Decimal| if value.is_negative() { Ordering::Less } else { Ordering::Greater };
        match (aligned(self), aligned(other)) {
            (Some(left), Some(right)) => left.cmp(&right),
            // At most the coarser operand overflows, and then its magnitude is beyond that of the other.
            (None, _) => sign(self),
            (_, None) => sign(other).reverse(),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Decimal::integer(value)
    }
}

impl From<u32> for Decimal {
    fn from(value: u32) -> Self {
        Decimal::integer(i64::from(value))
    }
}

impl From<usize> for Decimal {
    /// Every length in memory fits; beyond `i64` it would be cut off there.
    fn from(value: usize) -> Self {
        Decimal::integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl FromStr for Decimal {
    type Err = NotDecimal;
    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        Decimal::parse(text)
    }
}

/// Canonical: no exponent, no trailing zeros, no `-0`. Equal numbers print alike.
impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = [0; TEXT_MAX];
        out.write_str(self.digits_in(&mut place))
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
#[path = "decimal_tests.rs"]
mod tests;
