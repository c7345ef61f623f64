//! Why an expression has no value: the error type of everything that a mapping evaluates.
//!
//! In: a reason, and where known the source path and the value at fault. Out: a [`Stop`], which `otherwise` and
//! `if invalid` may answer and which the run notes once. Never a panic and never a message for programmers.

use std::fmt::Display;

use crate::reference::Reference;

/// How many characters of a value at fault are kept.
pub const VALUE_CHARACTERS_MAX: usize = 200;

/// A conversion, check or calculation that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong and what was expected, in the analyst's words.
    pub reason: String,
    /// The source path (`order.lineItems[2].label`), where it is known.
    pub source: Option<String>,
    /// The value at fault as text, cut to [`VALUE_CHARACTERS_MAX`].
    pub value: Option<String>,
}

impl Fault {
    /// A fault of which only the reason is known.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Fault {
        Fault { reason: reason.into(), source: None, value: None }
    }

    /// Adds the value at fault.
    #[must_use]
    pub fn with_value(mut self, value: &(impl Display + ?Sized)) -> Fault {
        self.value = Some(shortened(value));
        self
    }

    /// Adds the source path.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<String>) -> Fault {
        self.source = Some(source.into());
        self
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Failed(Box::new(fault))
    }
}

/// The first [`VALUE_CHARACTERS_MAX`] characters of a value as text.
#[must_use]
pub fn shortened(value: &(impl Display + ?Sized)) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Why an expression has no value (a *missing* value is `None`, not a stop). It is small, for whatever is worked out may come to one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::box_collection, reason = "a text takes three words, its box one")]
pub enum Stop {
    /// A conversion, calculation or look-up failed; `if invalid` answers it.
    Failed(Box<Fault>),
    /// `reject "..."`.
    Rejected(Box<String>),
    /// `skip "..."`.
    Skipped(Box<String>),
    /// `otherwise wait`: park the record until this appears.
    Wait(Box<Reference>),
    /// This must be resolved before the record can be mapped.
    Unresolved(Box<Reference>),
    /// `omit`: leave the field out.
    Omit,
    /// `clear`: write null.
    Clear,
    /// Depends on something that is reported already: say nothing more.
    Held,
}

impl Stop {
    /// A failure of which only the reason is known.
    #[must_use]
    pub fn failed(reason: impl Into<String>) -> Stop {
        Fault::new(reason).into()
    }

    /// A failure with the value at fault.
    #[must_use]
    pub fn failed_on(value: &(impl Display + ?Sized), reason: impl Into<String>) -> Stop {
        Fault::new(reason).with_value(value).into()
    }

    /// `reject "..."`, whose text may itself have stopped: then that is what is reported.
    #[must_use]
    pub fn rejected(reason: Result<String, Stop>) -> Stop {
        reason.map_or_else(|stop| stop, |reason| Stop::Rejected(Box::new(reason)))
    }

    /// `skip "..."`, whose text may itself have stopped: then that is what is reported.
    #[must_use]
    pub fn skipped(reason: Result<String, Stop>) -> Stop {
        reason.map_or_else(|stop| stop, |reason| Stop::Skipped(Box::new(reason)))
    }

    /// `otherwise wait`: for what was asked.
    #[must_use]
    pub fn wait(reference: impl Into<Reference>) -> Stop {
        Stop::Wait(Box::new(reference.into()))
    }

    /// What was asked has no answer yet.
    #[must_use]
    pub fn unresolved(reference: impl Into<Reference>) -> Stop {
        Stop::Unresolved(Box::new(reference.into()))
    }

    /// Names the source path of a failure that does not know its own.
    #[must_use]
    pub fn from_source(self, source: impl FnOnce() -> String) -> Stop {
        match self {
            Stop::Failed(fault) if fault.source.is_none() => fault.with_source(source()).into(),
            other @ (Stop::Failed(_)
            | Stop::Rejected(_)
            | Stop::Skipped(_)
            | Stop::Wait(_)
            | Stop::Unresolved(_)
            | Stop::Omit
            | Stop::Clear
            | Stop::Held) => other,
        }
    }
}

/// `value if invalid answer`: only a failed conversion is answered; every other stop stays what it is.
///
/// # Errors
/// The stop of `value` that is no failure, or that of `answer`.
pub fn if_invalid<T>(value: Result<T, Stop>, answer: impl FnOnce() -> Result<T, Stop>) -> Result<T, Stop> {
    match value {
        Ok(value) => Ok(value),
        Err(Stop::Failed(_)) => answer(),
        Err(
            other @ (Stop::Rejected(_)
            | Stop::Skipped(_)
            | Stop::Wait(_)
            | Stop::Unresolved(_)
            | Stop::Omit
            | Stop::Clear
            | Stop::Held),
        ) => Err(other),
    }
}

/// Turns a missing value into a failure: the catalogue says that it is always there.
///
/// # Errors
/// The value is missing.
pub fn needed<T>(value: Option<T>, place: impl FnOnce() -> String) -> Result<T, Stop> {
    value.ok_or_else(|| {
        let place = place();
        Fault::new(format!("`{place}` is missing, though the catalogue says it is always there"))
            .with_source(place)
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shortened_by_characters() {
        let long = "ä".repeat(300);
        assert_eq!(shortened(&long).chars().count(), VALUE_CHARACTERS_MAX + 1);
        assert_eq!(shortened("kurz"), "kurz");
    }

    #[test]
    fn only_a_failure_is_answered_by_if_invalid() {
        assert_eq!(if_invalid(Err(Stop::failed("x")), || Ok(1)), Ok(1));
        assert_eq!(if_invalid::<i32>(Err(Stop::Held), || Ok(1)), Err(Stop::Held));
        assert_eq!(if_invalid(Ok(2), || Ok(1)), Ok(2));
    }

    #[test]
    fn a_source_is_added_once() {
        let stop = Stop::failed("x").from_source(|| "a".into()).from_source(|| "b".into());
        assert_eq!(stop, Fault::new("x").with_source("a").into());
    }

    #[test]
    fn missing_is_named() {
        let Err(Stop::Failed(fault)) = needed::<u8>(None, || "order.price".into()) else { panic!("must fail") };
        assert_eq!(fault.reason, "`order.price` is missing, though the catalogue says it is always there");
    }
}
