//! Laws and cases of exact decimals, against plain whole-number arithmetic.

use proptest::prelude::*;

use super::*;

fn dec(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

#[test]
fn parsing_is_exact_and_printing_canonical() {
    for (text, printed) in [
        ("0", "0"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("16110.90", "16110.9"),
        ("1e3", "1000"),
        ("1.5E-3", "0.0015"),
        ("007", "7"),
        ("+5", "5"),
        ("100", "100"),
        ("1e-28", "0.0000000000000000000000000001"),
        ("0e999999999999999999999", "0"),
        ("79228162514264337593543950335", "79228162514264337593543950335"),
        ("1.00000000000000000000000000000000000000000000000", "1"),
        ("0.50000000000000000000000000000000000000000000000e1", "5"),
    ] {
        assert_eq!(dec(text).to_string(), printed, "{text}");
    }
    for text in ["", "-", ".", "1.", ".5", "1e", "1e+", "0x1", "1_0", " 1", "1,5", "--1", "1.2.3", "1e1.5", "NaN"] {
        assert_eq!(Decimal::parse(text), Err(NotDecimal::Syntax), "{text}");
    }
    for text in
        ["1e29", "1e-29", "79228162514264337593543950336", "1.00000000000000000000000000001", "1e999999999999999999999"]
    {
        assert_eq!(Decimal::parse(text), Err(NotDecimal::TooManyDigits), "{text}");
    }
}

#[test]
fn literals_are_constants() {
    const PRICE: Decimal = Decimal::literal(1990, 2);
    assert_eq!(PRICE, dec("19.9"));
    assert_eq!((PRICE.mantissa(), PRICE.scale()), (199, 1));
    assert_eq!(Decimal::integer(i64::MIN).to_string(), i64::MIN.to_string());
}

#[test]
fn overflow_is_refused_where_rust_decimal_would_round() {
    let greatest = dec("79228162514264337593543950335");
    assert!(matches!(greatest.plus(dec("0.1")), Err(Stop::Failed(_))));
    assert!(matches!(dec("1.23456789012345").times(dec("1.23456789012345678")), Err(Stop::Failed(_))));
    assert_eq!(greatest.minus(greatest).unwrap(), Decimal::ZERO);
    // 2^90 * 5^28 overflows 128 bits, yet is exact once its tens are set off.
    let twos = dec("1237940039285380274899124224");
    let fives = dec("37252902984619140625");
    assert_eq!(twos.times(fives.times(dec("1e-28")).unwrap()).unwrap().to_string(), "4611686018427387904");
}

#[test]
fn every_mode_rounds_as_it_says() {
    let cases = [
        (Mode::HalfUp, ["3", "-3", "2", "-2", "4"]),
        (Mode::HalfEven, ["2", "-2", "2", "-2", "4"]),
        (Mode::HalfDown, ["2", "-2", "2", "-2", "3"]),
        (Mode::Up, ["3", "-3", "3", "-3", "4"]),
        (Mode::Down, ["2", "-2", "2", "-2", "3"]),
        (Mode::Ceiling, ["3", "-2", "3", "-2", "4"]),
        (Mode::Floor, ["2", "-3", "2", "-3", "3"]),
    ];
    for (mode, expected) in cases {
        for (number, rounded) in ["2.5", "-2.5", "2.4", "-2.4", "3.5"].into_iter().zip(expected) {
            assert_eq!(dec(number).round(0, mode).unwrap(), dec(rounded), "{number} {mode:?}");
        }
        assert_eq!(Mode::from_word(mode.word()), Some(mode));
    }
    assert_eq!(dec("1250").round(-2, Mode::HalfUp).unwrap(), dec("1300"));
    assert_eq!(dec("1250").round(-2, Mode::HalfEven).unwrap(), dec("1200"));
    assert_eq!(dec("1250").round(-60, Mode::HalfUp).unwrap(), Decimal::ZERO);
    assert!(dec("1250").round(-60, Mode::Up).is_err());
}

#[test]
fn a_quotient_is_rounded_from_its_true_value() {
    let round =
        |n: &str, d: &str, places, mode| dec(n).divided_by(dec(d)).unwrap().round(places, mode).unwrap().to_string();
    assert_eq!(round("2", "3", 6, Mode::HalfUp), "0.666667");
    assert_eq!(round("-2", "3", 0, Mode::Floor), "-1");
    assert_eq!(round("1", "1.19", 10, Mode::HalfUp), "0.8403361345");
    // One digit beyond 28 decides: a truncated quotient would round to 0.
    assert_eq!(round("0.5000000000000000000000000001", "1", 0, Mode::HalfDown), "1");
    assert_eq!(round("1", "3", 0, Mode::Ceiling), "1");
    assert_eq!(round("1e-28", "79228162514264337593543950335", 2, Mode::Up), "0.01");
    assert_eq!(round("0", "7", 28, Mode::Up), "0");
    assert!(dec("1").divided_by(Decimal::ZERO).is_err());
}

#[test]
fn fitting_counts_digits_on_both_sides() {
    assert!(dec("12345.67").fits(7, 2));
    assert!(!dec("123456.7").fits(7, 2));
    assert!(!dec("1.234").fits(7, 2));
    assert!(dec("0.5").fits(2, 2));
    assert_eq!((dec("0.05").whole_digits(), dec("0.05").digits(), dec("-120.5").digits()), (0, 2, 4));
}

#[test]
fn remainder_keeps_the_sign_of_the_dividend() {
    assert_eq!(dec("7.5").remainder(dec("2")).unwrap(), dec("1.5"));
    assert_eq!(dec("-7").remainder(dec("3")).unwrap(), dec("-1"));
    assert!(dec("7").remainder(Decimal::ZERO).is_err());
}

/// Mantissa and scale small enough that the laws can be checked with `i128`.
fn small() -> impl Strategy<Value = (i128, u32)> {
    (-1_000_000_000_000_i128..1_000_000_000_000, 0_u32..6)
}

fn any_decimal() -> impl Strategy<Value = Decimal> {
    ((-(1_i128 << 96) + 1)..(1_i128 << 96), 0_u32..=28).prop_map(|(mantissa, scale)| Decimal::literal(mantissa, scale))
}

proptest! {
    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        let _ = Decimal::parse(&text);
    }

    #[test]
    fn printed_is_read_again(value in any_decimal()) {
        prop_assert_eq!(Decimal::parse(&value.to_string()), Ok(value));
        prop_assert_eq!(value.negated().negated(), value);
    }

    #[test]
    fn arithmetic_agrees_with_whole_numbers((a, s) in small(), (b, t) in small()) {
        let (x, y) = (Decimal::literal(a, s), Decimal::literal(b, t));
        let (wide_a, wide_b) = (a * 10_i128.pow(t), b * 10_i128.pow(s));
        prop_assert_eq!(x.plus(y).unwrap(), Decimal::literal(wide_a + wide_b, s + t));
        prop_assert_eq!(x.minus(y).unwrap(), Decimal::literal(wide_a - wide_b, s + t));
        prop_assert_eq!(x.times(y).unwrap(), Decimal::literal(a * b, s + t));
        prop_assert_eq!(x.cmp(&y), wide_a.cmp(&wide_b));
        if b != 0 {
            prop_assert_eq!(x.divided_by(y).unwrap().round(0, Mode::Floor).unwrap(), Decimal::literal(wide_a.div_euclid(wide_b) - i128::from(wide_b < 0 && wide_a.rem_euclid(wide_b) != 0), 0));
        }
    }

    #[test]
    fn quotients_are_ordered_as_their_cross_products((a, b) in (-9999_i128..9999, 1_i128..999), (c, d) in (-9999_i128..9999, 1_i128..999), flip in any::<bool>()) {
        let sign = if flip { -1 } else { 1 };
        let left = Quotient::new(Decimal::literal(a * sign, 3), Decimal::literal(b * sign, 1)).unwrap();
        let right = Quotient::new(Decimal::literal(c, 2), Decimal::literal(d, 0)).unwrap();
        prop_assert_eq!(left.cmp(&right), (a * d).cmp(&(c * b)));
    }

    #[test]
    fn comparison_is_consistent_over_the_whole_range(a in any_decimal(), b in any_decimal(), c in any_decimal()) {
        prop_assert_eq!(Quotient::from(a).cmp(&Quotient::from(b)), a.cmp(&b));
        if !c.is_zero() {
            let left = Quotient::new(a, c).unwrap();
            let right = Quotient::new(b, c).unwrap();
            let expected = if c.is_negative() { b.cmp(&a) } else { a.cmp(&b) };
            prop_assert_eq!(left.cmp(&right), expected);
            prop_assert_eq!(left.cmp(&right), right.cmp(&left).reverse());
        }
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
    }

    #[test]
    fn a_sum_that_is_given_is_exact(a in any_decimal(), b in any_decimal()) {
        if let Ok(total) = a.plus(b) {
            prop_assert_eq!(total.minus(b).ok(), Some(a));
        }
    }

    #[test]
    fn rounding_is_within_one_unit_and_idempotent(value in any_decimal(), places in 0_i32..10) {
        for (_, mode) in Mode::WORDS {
            if let Ok(rounded) = value.round(places, *mode) {
                prop_assert!(rounded.scale() <= places.unsigned_abs());
                prop_assert_eq!(rounded.round(places, *mode).unwrap(), rounded);
                let floor = value.round(places, Mode::Floor).unwrap_or(rounded);
                prop_assert!(rounded >= floor);
            }
        }
    }
}

#[test]
fn a_precision_of_all_digits_bounds_the_decimals_only() {
    let long = Decimal::parse("0.00887709819181325").expect("a fraction");
    let great = Decimal::parse("123456789012.5").expect("an amount");
    assert!(long.fits(28, 24) && great.fits(28, 24));
    assert!(!long.fits(28, 16) && !great.fits(19, 10));
}
