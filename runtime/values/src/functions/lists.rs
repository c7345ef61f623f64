//! Lists: counting, adding up, choosing. Conditions, sorting and projection belong to `each`.
//!
//! In: lists. Out: an element, a number, or a list. A list stays a list, whatever its length.

use super::{Digits, Function, Param, Returns, Takes, arg, ok, tried};
use crate::decimal::{Decimal, Quotient};
use crate::fault::Stop;
use crate::value::Value;

/// The number of elements, missing ones included.
#[must_use]
pub fn count<T>(list: Vec<Option<T>>) -> Decimal {
    Decimal::from(list.len())
}

/// All numbers together.
///
/// # Errors
/// The sum has too many digits.
pub fn sum(list: Vec<Decimal>) -> Result<Decimal, Stop> {
    list.into_iter().fold(Sum::new(), Sum::and).total()
}

/// A sum that is added up number by number.
#[derive(Debug)]
pub struct Sum(Result<Decimal, Stop>);

impl Sum {
    /// Of nothing.
    #[must_use]
    pub fn new() -> Sum {
        Sum(Ok(Decimal::ZERO))
    }

    /// One more number.
    pub fn push(&mut self, number: Decimal) {
        if let Ok(sum) = self.0 {
            self.0 = sum.plus(number);
        }
    }

    fn and(mut self, number: Decimal) -> Sum {
        self.push(number);
        self
    }

    /// All numbers together.
    ///
    /// # Errors
    /// The sum has too many digits: that is said only now, behind what is wrong with the numbers themselves.
    pub fn total(self) -> Result<Decimal, Stop> {
        self.0
    }
}

impl Default for Sum {
    fn default() -> Sum {
        Sum::new()
    }
}

/// The mean, unrounded.
///
/// # Errors
/// The sum has too many digits.
pub fn average(list: Vec<Decimal>) -> Result<Option<Quotient>, Stop> {
    let count = Decimal::from(list.len());
    if count.is_zero() { Ok(None) } else { sum(list)?.divided_by(count).map(Some) }
}

/// The first element.
#[must_use]
pub fn first<T>(list: Vec<T>) -> Option<T> {
    list.into_iter().next()
}

/// The last element.
#[must_use]
pub fn last<T>(list: Vec<T>) -> Option<T> {
    list.into_iter().next_back()
}

/// The one element.
///
/// # Errors
/// There are none or several.
pub fn only<T>(list: impl IntoIterator<Item = T>) -> Result<T, Stop> {
    let mut elements = list.into_iter();
    match (elements.next(), elements.next()) {
        (Some(element), None) => Ok(element),
        (first, second) => {
            let count = first.into_iter().chain(second).count() + elements.count();
            Err(Stop::failed_on(
                &format_args!("{count} elements"),
                format!("exactly one element is expected, but there are {count}"),
            ))
        }
    }
}

/// The elements that are there.
#[must_use]
pub fn present<T>(list: Vec<Option<T>>) -> Vec<T> {
    list.into_iter().flatten().collect()
}

/// Each element once, in the order of first appearance.
#[must_use]
pub fn distinct<T: PartialEq>(list: Vec<T>) -> Vec<T> {
    let mut kept: Vec<T> = Vec::with_capacity(list.len());
    for element in list {
        if !kept.contains(&element) {
            kept.push(element);
        }
    }
    kept
}

/// The elements of all lists, one after the other.
#[must_use]
pub fn flatten<T>(lists: Vec<Vec<T>>) -> Vec<T> {
    lists.into_iter().flatten().collect()
}

/// Lists of `n` elements each, the last of what is left.
///
/// # Errors
/// `n` is not a whole number from 1 on.
pub fn chunk<T>(list: Vec<T>, n: Decimal) -> Result<Vec<Vec<T>>, Stop> {
    let size = n.to_i64().filter(|size| *size >= 1).and_then(|size| usize::try_from(size).ok());
    let Some(size) = size else {
        return Err(Stop::failed_on(&n, format!("a list is cut into pieces of at least one element, not of {n}")));
    };
    let mut chunks = Vec::with_capacity(list.len().div_ceil(size));
    let mut left = list.into_iter();
    loop {
        let chunk: Vec<T> = left.by_ref().take(size).collect();
        if chunk.is_empty() {
            return Ok(chunks);
        }
        chunks.push(chunk);
    }
}

const L: Param = Param::new("list", Takes::List);
const NUMBERS: Param = Param::new("list", Takes::ListOfNumbers);

/// What holds of all these functions.
pub(super) const ABOUT: &str = "Conditions, sorting and projection belong to `each`: `sum(each order.lines as x where x.type == \"product\" take x.total)`. A list stays a list, whatever its length.";

/// The functions on lists.
pub static FUNCTIONS: &[Function] = &[
    Function::new(
        "count",
        path!(count),
        "The number of elements, missing ones included.",
        &[Param::new("list", Takes::ListMaybeMissing)],
        Returns::Integer,
        |a| ok(count::<Value<'_>>(arg(a, 0)?)),
    )
    .examples(&[example!(r#"count(["a", missing])"# => "2"), example!("count([])" => "0")]),
    Function::new(
        "sum",
        path!(sum),
        "All numbers together; 0 for an empty list.",
        &[NUMBERS],
        Returns::Number(Digits::ScaleOfElements(0)),
        |a| tried(sum(arg(a, 0)?)),
    )
    .fails("the sum has more than 28 digits")
    .examples(&[example!("sum([1.5, 2, -0.25])" => "3.25"), example!("sum([])" => "0")]),
    Function::new(
        "average",
        path!(average),
        "The mean, to be rounded; missing for an empty list.",
        &[NUMBERS],
        Returns::Quotient,
        |a| tried(average(arg(a, 0)?)),
    )
    .may_be_missing()
    .fails("the sum has more than 28 digits")
    .examples(&[example!("average([1, 2])" => "1.5"), example!("average([])" => "missing")]),
    Function::new(
        "first",
        path!(first),
        "The first element; missing if there is none.",
        &[L],
        Returns::ElementOf(0),
        |a| ok(first::<Value<'_>>(arg(a, 0)?)),
    )
    .may_be_missing()
    .examples(&[example!("first([3, 1])" => "3"), example!("first([])" => "missing")]),
    Function::new(
        "last",
        path!(last),
        "The last element; missing if there is none.",
        &[L],
        Returns::ElementOf(0),
        |a| ok(last::<Value<'_>>(arg(a, 0)?)),
    )
    .may_be_missing()
    .examples(&[example!("last([3, 1])" => "1"), example!("last([])" => "missing")]),
    Function::new(
        "only",
        path!(only),
        "The one element of a list that must have exactly one.",
        &[L],
        Returns::ElementOf(0),
        |a| tried(only(arg::<Vec<Value<'_>>>(a, 0)?)),
    )
    .fails("the list has no or several elements")
    .examples(&[
        example!("only([7])" => "7"),
        example!("only([])" => "fails"),
        example!("only([1, 1])" => "fails"),
    ]),
    Function::new(
        "present",
        path!(present),
        "The list without its missing elements.",
        &[Param::new("list", Takes::ListMaybeMissing)],
        Returns::ListOfElements(0),
        |a| ok(present::<Value<'_>>(arg(a, 0)?)),
    )
    .examples(&[example!(r#"present(["a", missing, "b"])"# => r#"["a", "b"]"#)]),
    Function::new(
        "distinct",
        path!(distinct),
        "Each element once, in the order of first appearance.",
        &[Param::new("list", Takes::ListOfComparable)],
        Returns::ListOfElements(0),
        |a| ok(distinct::<Value<'_>>(arg(a, 0)?)),
    )
    .examples(&[example!("distinct([1, 2, 1.0, 3])" => "[1, 2, 3]")]),
    Function::new(
        "flatten",
        path!(flatten),
        "The elements of all lists in one list, in their order: one level, not more.",
        &[Param::new("lists", Takes::ListOfLists)],
        Returns::ElementOf(0),
        |a| ok(flatten::<Option<Value<'_>>>(arg(a, 0)?)),
    )
    .examples(&[
        example!("flatten([[1, 2], [], [3]])" => "[1, 2, 3]"),
        example!("flatten([[[1]], [[2, 3]]])" => "[[1], [2, 3]]"),
    ]),
    Function::new(
        "chunk",
        path!(chunk),
        "The list cut into lists of so many elements, in their order; the last one has what is left.",
        &[L, Param::new("n", Takes::Integer)],
        Returns::ListOf(0),
        |a| tried(chunk::<Value<'_>>(arg(a, 0)?, arg(a, 1)?)),
    )
    .fails("the number is less than 1")
    .examples(&[
        example!("chunk([1, 2, 3, 4, 5], 2)" => "[[1, 2], [3, 4], [5]]"),
        example!("chunk([], 2)" => "[]"),
        example!("chunk([1], 0)" => "fails"),
    ]),
];
