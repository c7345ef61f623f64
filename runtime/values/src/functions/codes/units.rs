//! Units of weight, length and volume that shops and ERP systems use.
//!
//! In: a number and two units of one kind. Out: the exact quotient, which the spec rounds. Never a conversion between kinds.

use std::borrow::Cow;

use crate::decimal::{Decimal, Quotient};
use crate::fault::{Stop, shortened};
use crate::functions::{Example, Function, Param, Returns, Takes, arg, tried};

/// What a unit measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Weight,
    Length,
    Volume,
}

/// The name of a unit, its kind, and how many grams, metres or litres it is. Pound, ounce, inch, foot and yard are the international ones of 1959.
struct Unit {
    name: &'static str,
    kind: Kind,
    worth: Decimal,
}

const fn unit(name: &'static str, kind: Kind, mantissa: i128, scale: u32) -> Unit {
    Unit { name, kind, worth: Decimal::literal(mantissa, scale) }
}

const UNITS: &[Unit] = &[
    unit("mg", Kind::Weight, 1, 3),
    unit("g", Kind::Weight, 1, 0),
    unit("kg", Kind::Weight, 1000, 0),
    unit("t", Kind::Weight, 1_000_000, 0),
    unit("oz", Kind::Weight, 28_349_523_125, 9),
    unit("lb", Kind::Weight, 45_359_237, 5),
    unit("mm", Kind::Length, 1, 3),
    unit("cm", Kind::Length, 1, 2),
    unit("m", Kind::Length, 1, 0),
    unit("km", Kind::Length, 1000, 0),
    unit("in", Kind::Length, 254, 4),
    unit("ft", Kind::Length, 3048, 4),
    unit("yd", Kind::Length, 9144, 4),
    unit("ml", Kind::Volume, 1, 3),
    unit("cl", Kind::Volume, 1, 2),
    unit("l", Kind::Volume, 1, 0),
];

/// The names of the units.
pub const UNIT_NAMES: &[&str] =
    &["mg", "g", "kg", "t", "oz", "lb", "mm", "cm", "m", "km", "in", "ft", "yd", "ml", "cl", "l"];

fn both(from: &str, to: &str) -> Result<(Decimal, Decimal), String> {
    let known = |name: &str| {
        UNITS
            .iter()
            .find(|unit| unit.name == name)
            .ok_or_else(|| format!("\"{}\" is no unit; there are {}", shortened(name), UNIT_NAMES.join(", ")))
    };
    let (from, to) = (known(from)?, known(to)?);
    if from.kind == to.kind {
        Ok((from.worth, to.worth))
    } else {
        Err(format!("\"{}\" and \"{}\" do not measure the same", from.name, to.name))
    }
}

/// Does one of these units convert into the other?
///
/// # Errors
/// Says which is none, or that they do not measure the same.
pub fn check_units(from: &str, to: &str) -> Result<(), String> {
    both(from, to).map(|_| ())
}

/// So much of one unit in another, unrounded.
///
/// # Errors
/// The units do not measure the same, or the result has too many digits.
pub fn convert_unit(x: Decimal, from: Cow<'_, str>, to: Cow<'_, str>) -> Result<Quotient, Stop> {
    let (from, to) = both(&from, &to).map_err(|why| Stop::failed_on(&x, why))?;
    x.times(from)?.divided_by(to)
}

const UNIT: Takes = Takes::Word(UNIT_NAMES);

pub(super) const CONVERT_UNIT: Function = Function::new(
    "convert_unit",
    path!(codes::convert_unit),
    "So much of one unit in another of the same kind, exactly and to be rounded: weight mg, g, kg, t, oz, lb; length mm, cm, m, km, in, ft, yd; volume ml, cl, l. Ounce, pound, inch, foot and yard are the international ones.",
    &[Param::new("x", Takes::Number), Param::new("from", UNIT), Param::new("to", UNIT)],
    Returns::Quotient,
    |a| tried(convert_unit(arg(a, 0)?, arg(a, 1)?, arg(a, 2)?)),
)
.fails("the units do not measure the same, or the result has more than 28 digits")
.examples(EXAMPLES);

const EXAMPLES: &[Example] = &[
    example!(r#"convert_unit(1250, "g", "kg")"# => "1.25"),
    example!(r#"convert_unit(1, "lb", "kg")"# => "0.45359237"),
    example!(r#"convert_unit(2, "in", "mm")"# => "50.8"),
    example!(r#"convert_unit(75, "cl", "l")"# => "0.75"),
    example!(r#"convert_unit(1, "kg", "m")"# => "fails"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decimal::Mode;

    #[test]
    fn every_unit_is_known_by_its_name() {
        assert!(UNITS.iter().map(|unit| unit.name).eq(UNIT_NAMES.iter().copied()));
    }

    #[test]
    fn there_and_back_is_the_same() {
        for (from, to) in [("lb", "oz"), ("ft", "in"), ("yd", "ft"), ("kg", "mg"), ("l", "ml"), ("km", "cm")] {
            let there =
                convert_unit(Decimal::integer(7), from.into(), to.into()).unwrap().round(0, Mode::HalfUp).unwrap();
            let back = convert_unit(there, to.into(), from.into()).unwrap();
            assert_eq!(back, Quotient::from(Decimal::integer(7)), "{from} {to}");
        }
        let pounds = convert_unit(Decimal::ONE, "kg".into(), "lb".into()).unwrap().round(6, Mode::HalfUp).unwrap();
        assert_eq!(pounds.to_string(), "2.204623");
    }

    #[test]
    fn others_are_refused() {
        assert_eq!(check_units("kg", "lb"), Ok(()));
        assert_eq!(check_units("kg", "l"), Err("\"kg\" and \"l\" do not measure the same".into()));
        assert!(check_units("stone", "kg").unwrap_err().starts_with("\"stone\" is no unit"));
    }
}
