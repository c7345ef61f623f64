//! Values as both databases hold them: nothing, a whole number, a text.
//!
//! In: the program's types. Out: cells, and back. A truth is a number: 0 or 1.

use std::borrow::Cow;

use rusqlite::types::{ToSqlOutput, ValueRef};

use super::SqlError;

/// A value that goes in.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum Value<'v> {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(&'v str),
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// What can go in.
pub(in crate::store) trait ToValue {
    /// As a value.
    fn to_value(&self) -> Value<'_>;
}

impl ToValue for str {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value<'_> {
        Value::Integer(i64::from(*self))
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

/// A value that comes out, or outlives the call that it goes in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Cell<'c> {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(Cow<'c, str>),
}

/// What can come out.
pub(in crate::store) trait FromCell: Sized {
    /// From a cell; fails with words.
    fn from_cell(cell: Cell<'_>) -> Result<Self, String>;
}

macro_rules! whole_numbers {
    ($($number:ty)+) => { $(
        impl ToValue for $number {
            fn to_value(&self) -> Value<'_> {
                // Beyond the store's range nothing is counted; the largest number stands for it.
                Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
        impl FromCell for $number {
            fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
                match cell {
                    Cell::Integer(number) => {
                        Self::try_from(number).map_err(|_| format!("the number {number} is out of its range"))
                    }
                    Cell::Null => Err("no number".to_owned()),
                    Cell::Text(_) => Err("a text instead of a number".to_owned()),
                }
            }
        }
    )+ };
}
whole_numbers!(i32 i64 u16 u32 u64 usize);

impl FromCell for bool {
    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        Ok(i64::from_cell(cell)? != 0)
    }
}

impl FromCell for String {
    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        match cell {
            Cell::Text(text) => Ok(text.into_owned()),
            Cell::Null => Err("no text".to_owned()),
            Cell::Integer(_) => Err("a number instead of a text".to_owned()),
        }
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        match cell {
            Cell::Null => Ok(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

/// SQLite's value as a cell.
pub(super) fn of_sqlite(value: ValueRef<'_>) -> Result<Cell<'_>, SqlError> {
    match value {
        ValueRef::Null => Ok(Cell::Null),
        ValueRef::Integer(number) => Ok(Cell::Integer(number)),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Ok(Cell::Text(text.into())),
            Err(error) => Err(SqlError::Column(format!("a text that is no UTF-8: {error}"))),
        },
        ValueRef::Real(_) | ValueRef::Blob(_) => Err(SqlError::Column("neither a number nor a text".to_owned())),
    }
}
