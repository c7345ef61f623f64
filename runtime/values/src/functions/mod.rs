//! The functions of the language: signature, implementation, documentation and examples in one place.
//!
//! In: typed values (generated code calls the Rust function by its path) or dynamic ones (the preview calls [`Function::call`], an adapter over the
//! same Rust function). Out: a value, a missing value, or a [`Stop`]. Checker, preview, generated code, editor and manual all read this registry.
//!
//! The convention of a typed function:
//! - arguments by value, in the order of [`Function::params`], with the Rust type that [`Takes`] names; an optional parameter is an `Option`
//!   of that type, a repeated one (always the last) a `Vec` of it;
//! - where [`Function::needs_now`](field@Function::needs_now), the time of capture (`Run::now`) is passed before all of them, also to [`Function::call`];
//! - the result has the type that [`Returns`] names, is an `Option` of it where [`Function::may_be_missing`](field@Function::may_be_missing), and the whole is a
//!   `Result<_, Stop>` where [`Function::fails`](field@Function::fails);
//! - a missing argument never reaches a function (missing passes through pipes and calls) unless its [`Takes`] says so or it is optional.

/// The path of a typed function of the file that says it.
macro_rules! path {
    ($name:ident) => {
        concat!(module_path!(), "::", stringify!($name))
    };
    // Of a family that has several files and exports their functions.
    ($family:ident::$name:ident) => {
        concat!("mapwright_values::functions::", stringify!($family), "::", stringify!($name))
    };
}

/// A call and what it gives.
macro_rules! example {
    ($call:literal => $gives:literal) => {
        $crate::functions::Example { call: $call, gives: $gives }
    };
}

pub mod absence;
pub mod codes;
pub mod dates;
mod foreign;
pub mod lists;
mod manual;
pub mod money;
pub mod numbers;
pub mod text;

use std::sync::LazyLock;

use hashbrown::HashMap;

use crate::fault::Stop;
use crate::value::{FromValue, IntoValue, Value};

pub use foreign::{foreign_form, foreign_name};
pub use manual::manual;

/// The dynamic adapter of a function.
pub type Call = for<'r> fn(&[Option<Value<'r>>]) -> Result<Option<Value<'r>>, Stop>;

/// What a parameter takes, with the Rust type of the typed function in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Text, enum words included (`Cow<'r, str>`).
    Text,
    /// A number (`Decimal`).
    Number,
    /// A number or the result of `/` (`Quotient`; a `Decimal` converts by `Quotient::from`).
    NumberOrQuotient,
    /// A whole number (`Decimal`); where [`Returns`] refers to the parameter, a literal lets the checker say more.
    Integer,
    /// An amount with its currency (`Money`).
    Money,
    /// True or false (`bool`).
    Boolean,
    /// A calendar day (`Date`).
    Date,
    /// A point in time (`Instant`).
    Instant,
    /// A leaf that has a text: text, number, boolean, date, time, instant, UUID (`T: Show`).
    Leaf,
    /// Any value that may be missing (`Option<T>`, the same `T` for all parameters of this kind).
    AnyMaybeMissing,
    /// A list of anything, no element missing (`Vec<T>`).
    List,
    /// A list whose elements may be missing (`Vec<Option<T>>`).
    ListMaybeMissing,
    /// A list whose elements compare with `==` (`Vec<T>`, `T: PartialEq`), none missing.
    ListOfComparable,
    /// A list of lists, none of which is missing (`Vec<Vec<T>>`, `T` optional where elements of the inner lists may be missing).
    ListOfLists,
    /// A list of numbers, none missing (`Vec<Decimal>`).
    ListOfNumbers,
    /// A list of texts, which may be missing (`Vec<Option<Cow<'r, str>>>`).
    ListOfTextMaybeMissing,
    /// The word of a rounding mode, not in quotes (`Mode`). Left away, the checker passes the project's `rounding`; so the typed function always gets one,
    /// although [`Param::optional`](field@Param::optional) is set. In [`Function::call`] it is the word as a text.
    Mode,
    /// The name of a time zone (`Cow<'r, str>`); a literal is checked at compile time with `dates::check_zone`.
    Zone,
    /// A literal format of days and times, `%d.%m.%Y` (`Cow<'r, str>`); checked at compile time with `dates::check_date_pattern`.
    DatePattern(PatternUse),
    /// A literal format of numbers, `#,##0.00` (`Cow<'r, str>`); checked at compile time with `numbers::check_number_pattern`.
    NumberPattern,
    /// A number written as an example of a format, `1.234,56` (`Cow<'r, str>`); checked at compile time with `numbers::check_number_format`.
    NumberFormat,
    /// A literal regular expression (`Cow<'r, str>`); checked at compile time with `text::check_pattern`.
    Pattern,
    /// One of these literal words in quotes (`Cow<'r, str>`).
    Word(&'static [&'static str]),
}

/// What a pattern of days and times is used for: not every one serves for everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternUse {
    /// To print a day.
    PrintDay,
    /// To read a day.
    ReadDay,
    /// To print what the clocks of a zone show.
    PrintInstant,
    /// To read what the clocks of a zone show.
    ReadInstant,
}

/// How long a text can be, in terms of the arguments (counted from 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// No bound is known.
    Unbounded,
    /// At most so many characters.
    Fixed(u32),
    /// The bound of that text argument.
    SameAs(usize),
    /// The lesser of a text argument's bound and the literal number given for the other argument; the latter alone where the text has none.
    LesserOf {
        /// The text.
        text: usize,
        /// The literal.
        limit: usize,
    },
    /// The greater of a text argument's bound and the literal number given for the other argument.
    GreaterOf {
        /// The text.
        text: usize,
        /// The literal.
        width: usize,
    },
    /// The bounds of all arguments together.
    SumOfAll,
}

/// How many digits a number can have, in terms of the arguments (counted from 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// Not known.
    Unknown,
    /// The precision and scale of that number argument.
    SameAs(usize),
    /// The greater number of digits before and after the point among all number arguments.
    GreatestOfAll,
    /// As many decimals as the literal given for argument `places`; before the point one digit more than argument `of` has.
    Places {
        /// The number rounded.
        of: usize,
        /// The literal.
        places: usize,
    },
    /// As many decimals as the literal given for that argument; digits before the point are not known.
    PlacesOnly(usize),
    /// Whole; one digit more before the point than that argument has.
    WholeOf(usize),
    /// The scale of the elements of that list argument; digits before the point are not known.
    ScaleOfElements(usize),
}

/// The type of a result in terms of the arguments (counted from 0), with the Rust type of the typed function in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    /// Text (`Cow<'r, str>`).
    Text(Bound),
    /// A number (`Decimal`).
    Number(Digits),
    /// A whole number (`Decimal`).
    Integer,
    /// An unrounded quotient (`Quotient`).
    Quotient,
    /// An amount with its currency (`Money`).
    Money,
    /// True or false (`bool`).
    Boolean,
    /// A calendar day (`Date`).
    Date,
    /// A point in time (`Instant`).
    Instant,
    /// A UUID (`Uuid`).
    Uuid,
    /// The type of that argument, no longer optional but for [`Function::may_be_missing`](field@Function::may_be_missing).
    SameAs(usize),
    /// The type of an element of that list argument.
    ElementOf(usize),
    /// A list of the elements of that list argument, none missing (`Vec<T>`).
    ListOfElements(usize),
    /// A list of lists of the type of that list argument (`Vec<Vec<T>>`).
    ListOf(usize),
    /// A list of texts (`Vec<Cow<'r, str>>`).
    ListOfText(Bound),
    /// A list of numbers (`Vec<Decimal>`).
    ListOfNumbers(Digits),
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name in the manual.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// May it be left away?
    pub optional: bool,
    /// May it be given any number of times, at least once? Only the last.
    pub repeated: bool,
}

impl Param {
    const fn new(name: &'static str, takes: Takes) -> Param {
        Param { name, takes, optional: false, repeated: false }
    }

    const fn optional(name: &'static str, takes: Takes) -> Param {
        Param { name, takes, optional: true, repeated: false }
    }

    const fn repeated(name: &'static str, takes: Takes) -> Param {
        Param { name, takes, optional: false, repeated: true }
    }
}

/// A call as the spec would write it and what it gives: a literal, `missing` or `fails`. Values that have no literal are written
/// `instant("...")` and `uuid("...")`.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// `cut("Müller", 3)`.
    pub call: &'static str,
    /// `"Mül"`.
    pub gives: &'static str,
}

/// A function of the language.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name in a spec.
    pub name: &'static str,
    /// What it does, in one or two sentences.
    pub doc: &'static str,
    /// Its parameters; the first is what stands before the pipe.
    pub params: &'static [Param],
    /// The type of the result.
    pub returns: Returns,
    /// Can the result be missing though no argument is?
    pub may_be_missing: bool,
    /// Can it fail on some inputs?
    pub fails: bool,
    /// When it fails, as a clause ("the text is no number"); empty if it never does.
    pub failure: &'static str,
    /// Is the time of capture passed before all other arguments?
    pub needs_now: bool,
    /// Does it lose information on purpose (`cut`, `round`)? The document lists it.
    pub loses: bool,
    /// Calls and results, all of them tested.
    pub examples: &'static [Example],
    /// The typed function for generated code.
    pub path: &'static str,
    /// The same for dynamic values. An argument left away is `None`.
    pub call: Call,
}

impl Function {
    const fn new(
        name: &'static str,
        path: &'static str,
        doc: &'static str,
        params: &'static [Param],
        returns: Returns,
        call: Call,
    ) -> Function {
        Function {
            name,
            doc,
            params,
            returns,
            may_be_missing: false,
            fails: false,
            failure: "",
            needs_now: false,
            loses: false,
            examples: &[],
            path,
            call,
        }
    }

    const fn may_be_missing(mut self) -> Function {
        self.may_be_missing = true;
        self
    }

    const fn fails(mut self, when: &'static str) -> Function {
        self.fails = true;
        self.failure = when;
        self
    }

    const fn needs_now(mut self) -> Function {
        self.needs_now = true;
        self
    }

    const fn loses(mut self) -> Function {
        self.loses = true;
        self
    }

    const fn examples(mut self, examples: &'static [Example]) -> Function {
        self.examples = examples;
        self
    }

    /// The least and the greatest number of arguments; `None` = any number.
    #[must_use]
    pub fn arity(&self) -> (usize, Option<usize>) {
        let least = self.params.iter().filter(|param| !param.optional).count();
        let any_number = self.params.iter().any(|param| param.repeated);
        (least, if any_number { None } else { Some(self.params.len()) })
    }

    /// `cut(t, max)`, for messages and the manual.
    #[must_use]
    pub fn signature(&self) -> String {
        let params = self.params.iter().map(|param| match (param.optional, param.repeated) {
            (true, _) => format!("[{}]", param.name),
            (false, true) => format!("{}, …", param.name),
            (false, false) => param.name.to_owned(),
        });
        format!("{}({})", self.name, params.collect::<Vec<_>>().join(", "))
    }
}

/// A chapter of the library.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its title in the manual.
    pub name: &'static str,
    /// What holds of all its functions: bases, units, words.
    pub about: &'static str,
    /// Its functions in the order of the manual.
    pub functions: &'static [Function],
}

/// The whole library in the order of the manual.
pub static FAMILIES: &[Family] = &[
    text::CLEAN,
    text::BUILD,
    text::SEARCH,
    text::PATTERNS,
    Family { name: "Numbers", about: numbers::ABOUT, functions: numbers::FUNCTIONS },
    Family { name: "Money and tax", about: money::ABOUT, functions: money::FUNCTIONS },
    Family { name: "Dates", about: dates::ABOUT, functions: dates::FUNCTIONS },
    Family { name: "Absence and decision", about: absence::ABOUT, functions: absence::FUNCTIONS },
    Family { name: "Lists", about: lists::ABOUT, functions: lists::FUNCTIONS },
    Family { name: "Codes and ids", about: codes::ABOUT, functions: codes::FUNCTIONS },
];

/// All functions in the order of the manual.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    FAMILIES.iter().flat_map(|family| family.functions.iter())
}

/// The function of that name.
#[must_use]
pub fn function(name: &str) -> Option<&'static Function> {
    static BY_NAME: LazyLock<HashMap<&str, &Function>> =
        LazyLock::new(|| functions().map(|function| (function.name, function)).collect());
    BY_NAME.get(name).copied()
}

/// Argument `index` of a dynamic call.
fn arg<'r, T: FromValue<'r>>(args: &[Option<Value<'r>>], index: usize) -> Result<T, Stop> {
    T::from_value(args.get(index).cloned().flatten())
}

/// All arguments of a dynamic call from `index` on.
fn rest<'r, T: FromValue<'r>>(args: &[Option<Value<'r>>], index: usize) -> Result<Vec<T>, Stop> {
    args.iter().skip(index).cloned().map(T::from_value).collect()
}

/// The answer of a function that cannot fail.
#[expect(clippy::unnecessary_wraps, reason = "the adapters of functions that can fail have the same type")]
fn ok<'r>(value: impl IntoValue<'r>) -> Result<Option<Value<'r>>, Stop> {
    Ok(value.into_value())
}

/// The answer of a function that can fail.
fn tried<'r>(value: Result<impl IntoValue<'r>, Stop>) -> Result<Option<Value<'r>>, Stop> {
    value.map(IntoValue::into_value)
}

#[cfg(test)]
mod tests;
