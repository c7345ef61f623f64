//! What generated code imports, and the few words that it is written in.
//!
//! In: the pieces of this crate. Out: their names in one place, readers for what the catalogue says is always there, and short forms
//! of what every generated mapping says again and again. Nothing here knows a mapping, and nothing here does what another file does.

pub use std::borrow::Cow;

pub use crate::at;

pub use crate::compare::{self, Show};
pub use crate::decimal::{Decimal, Mode, Quotient};
pub use crate::elements::Elements;
pub use crate::fault::{Stop, if_invalid, needed};
pub use crate::functions::{absence, codes, dates, lists, money, numbers, text};
pub use crate::json::Json;
pub use crate::money::Money;
pub use crate::node::{Each, Node};
pub use crate::outcome::{Input, Integration, Mapping, Outcome, Rejection};
pub use crate::plan::{
    AlsoReadPlan, DeliveryLevel, EntityPlan, FieldPlan, FlowPlan, Kind, Manner, MappingPlan, Plan, ReadPlan, Schedule,
    SettingPlan, SourcePlan, SystemPlan, TermPlan, WritePlan,
};
pub use crate::reference::{AskedFind, AskedLink, AskedTerm, Reference, Test};
pub use crate::rows::Rows;
pub use crate::run::Run;
pub use crate::step::Step;
pub use crate::time::{Date, Instant, Time, Uuid};
pub use crate::write::{self, Record};

/// Makes the module `integration` of the file that a `build.rs` has written with `mapwright_codegen::build::compile`.
#[macro_export]
macro_rules! include_integration {
    () => {
        #[allow(
            clippy::all,
            non_ascii_idents,
            uncommon_codepoints,
            mixed_script_confusables,
            reason = "generated from specs: what looks odd in Rust follows the words and the order of the spec"
        )]
        mod integration {
            include!(concat!(env!("OUT_DIR"), "/integration.rs"));
        }
    };
}

/// A field that the catalogue says is always there: reading it where it is missing is a failure.
pub struct Always<'n, 'r> {
    node: &'n Node<'r>,
    steps: &'n [Step<'n>],
}

impl<'r> Node<'r> {
    /// The field at `steps`, which must be there.
    #[must_use]
    pub fn always<'n>(&'n self, steps: &'n [Step<'n>]) -> Always<'n, 'r> {
        Always { node: self, steps }
    }

    /// Does the field hold the JSON text that the catalogue says means "no value" (`missing as ...`)?
    ///
    /// # Errors
    /// A step on the way is no record.
    pub fn says(&self, steps: &[Step<'_>], missing: &str) -> Result<bool, Stop> {
        Ok(self.json(steps)?.is_some_and(|json| json.to_text() == missing))
    }
}

macro_rules! always {
    ($($name:ident($($argument:ident: $type:ty),*) -> $value:ty;)*) => {
        impl<'r> Always<'_, 'r> {
            $(
                #[doc = concat!("[`Node::", stringify!($name), "`] of what must be there.")]
                ///
                /// # Errors
                /// It is missing, or not what the catalogue says.
                pub fn $name(&self, $($argument: $type),*) -> Result<$value, Stop> {
                    self.sure(self.node.$name(self.steps, $($argument),*)?)
                }
            )*
        }
    };
}

always! {
    text(max: Option<u32>) -> Cow<'r, str>;
    text_bytes(max: u32, charset: &str) -> Cow<'r, str>;
    text_utf16(max: u32) -> Cow<'r, str>;
    word(known: &[&str]) -> Cow<'r, str>;
    decimal(precision: u32, scale: u32) -> Decimal;
    decimal_as_text(precision: u32, scale: u32) -> Decimal;
    integer(low: Option<i64>, high: Option<i64>) -> Decimal;
    integer_as_text(low: Option<i64>, high: Option<i64>) -> Decimal;
    decimal_marked(precision: u32, scale: u32, mark: &str) -> Decimal;
    decimal_padded(precision: u32, scale: u32, width: u32) -> Decimal;
    integer_padded(low: Option<i64>, high: Option<i64>, width: u32) -> Decimal;
    text_as_number(max: Option<u32>) -> Cow<'r, str>;
    word_as_number(known: &[&str]) -> Cow<'r, str>;
    boolean_as_number() -> bool;
    boolean() -> bool;
    boolean_as(yes: &str, no: &str) -> bool;
    date() -> Date;
    time() -> Time;
    instant() -> Instant;
    date_as(format: &str) -> Date;
    time_as(format: &str) -> Time;
    instant_as(format: &str) -> Instant;
    uuid() -> Uuid;
    record() -> Node<'r>;
    list() -> Vec<Node<'r>>;
    each() -> Each<'r>;
    json() -> Json<'r>;
}

impl<'r> Always<'_, 'r> {
    fn sure<T>(&self, value: Option<T>) -> Result<T, Stop> {
        needed(value, || self.node.path(self.steps))
    }
}

/// A `let` as its dependents see it.
pub trait Held<T> {
    /// Its value.
    ///
    /// # Errors
    /// What stopped it, which is reported already.
    fn value(&self) -> Result<&T, Stop>;
}

impl<T> Held<T> for Result<T, Stop> {
    fn value(&self) -> Result<&T, Stop> {
        self.as_ref().map_err(Stop::clone)
    }
}

/// `value otherwise reject "..."` and its like, where the text of the answer may itself stop.
pub trait Missing<T> {
    /// The value, or a rejection.
    ///
    /// # Errors
    /// It is missing.
    fn or_reject(self, reason: impl FnOnce() -> Result<String, Stop>) -> Result<T, Stop>;

    /// The value, or no delivery.
    ///
    /// # Errors
    /// It is missing.
    fn or_skip(self, reason: impl FnOnce() -> Result<String, Stop>) -> Result<T, Stop>;
}

impl<T> Missing<T> for Option<T> {
    fn or_reject(self, reason: impl FnOnce() -> Result<String, Stop>) -> Result<T, Stop> {
        self.ok_or_else(|| Stop::rejected(reason()))
    }

    fn or_skip(self, reason: impl FnOnce() -> Result<String, Stop>) -> Result<T, Stop> {
        self.ok_or_else(|| Stop::skipped(reason()))
    }
}

impl<'r> Run<'r> {
    /// `{ ... }`: a record made in an expression.
    ///
    /// # Errors
    /// [`Stop::Held`] if one of its statements stopped.
    pub fn record(&self, made: impl FnOnce(&mut Record<'r>)) -> Result<Node<'r>, Stop> {
        self.make(made).map(|json| Node::owned(json, "record"))
    }

    /// `each ... { ... }`: the record of that row, counted from 1.
    ///
    /// # Errors
    /// [`Stop::Held`] if one of its statements stopped.
    pub fn element(&self, number: usize, made: impl FnOnce(&mut Record<'r>)) -> Result<Json<'r>, Stop> {
        self.within(number, || self.make(made))
    }
}

/// Records made row by row as one list.
///
/// # Errors
/// [`Stop::Held`] if one of them stopped.
pub fn written(made: Vec<Result<Json<'_>, Stop>>) -> write::Written<'_> {
    made.into_iter().collect::<Result<_, _>>().map(Json::List)
}

/// Records made row by row as a list to go on with.
///
/// # Errors
/// [`Stop::Held`] if one of them stopped.
pub fn nodes<'r>(made: Vec<Result<Json<'r>, Stop>>) -> Result<Vec<Node<'r>>, Stop> {
    made.into_iter().map(|json| json.map(|json| Node::owned(json, "record"))).collect()
}

impl<'r> Run<'r> {
    /// `FIELD { ... }`: a nested record; one without a field is left out.
    pub fn nested(&self, record: &mut Record<'r>, field: &'static str, inner: impl FnOnce(&mut Record<'r>)) {
        let mut nested = Record::new();
        self.within(field, || inner(&mut nested));
        self.nest(record, field, nested);
    }

    /// `FIELD { ... }` where the field is a list: one more element.
    pub fn nested_element(&self, record: &mut Record<'r>, field: &'static str, inner: impl FnOnce(&mut Record<'r>)) {
        let number = record.count(field) + 1;
        let mut nested = Record::new();
        self.within(field, || self.within(number, || inner(&mut nested)));
        record.push(field, nested.into_json());
    }

    /// `FIELD when CONDITION { ... }`: is it wanted? Not if the condition stopped, which is noted.
    #[must_use]
    pub fn wanted(&self, field: &'static str, line: u32, condition: Result<bool, Stop>) -> bool {
        condition.unwrap_or_else(|stop| {
            self.within(field, || self.note(line, stop));
            false
        })
    }
}

/// A question to a system.
#[must_use]
pub fn question<'q>(
    system: &'q str,
    entity: &'q str,
    terms: impl Into<Vec<AskedTerm<'q>>>,
    select: impl Into<Cow<'q, [&'q str]>>,
) -> AskedFind<'q> {
    AskedFind { system, entity, terms: terms.into(), select: select.into() }
}

/// One condition of a question, its value in the spelling of the wire.
#[must_use]
pub fn term<'q>(field: &'q str, test: Test, value: Json<'_>) -> AskedTerm<'q> {
    AskedTerm { field, test, value: value.to_text() }
}

/// A question to the link store: the target's entity, the source's entity, the source's key as it is written.
#[must_use]
pub fn link<'q>(
    (system, entity): (&'q str, &'q str),
    (of_system, of_entity): (&'q str, &'q str),
    key: Json<'q>,
) -> AskedLink<'q> {
    let key = match key {
        Json::Text(text) => text,
        other @ (Json::Null | Json::Boolean(_) | Json::Number(_) | Json::List(_) | Json::Record(_)) => {
            Cow::Owned(other.to_text())
        }
    };
    AskedLink { system, entity, of_system, of_entity, key }
}

/// A stored key that is a number.
///
/// # Errors
/// It is none.
pub fn key_number(key: Cow<'_, str>) -> Result<Decimal, Stop> {
    Decimal::parse(&key).map_err(|_| broken_key(&key))
}

/// A stored key that is a UUID.
///
/// # Errors
/// It is none.
pub fn key_uuid(key: Cow<'_, str>) -> Result<Uuid, Stop> {
    Uuid::parse(&key).ok_or_else(|| broken_key(&key))
}

fn broken_key(key: &str) -> Stop {
    Stop::failed_on(key, format!("the stored key \"{key}\" is no key of its entity any more"))
}

/// `otherwise wait` for something whose own key is missing.
#[must_use]
pub fn nothing_to_wait_for() -> Stop {
    Stop::failed("the key to wait for is missing")
}

/// The only record of those that a `find` has kept.
///
/// # Errors
/// There are several.
pub fn only_one<'r>(mut kept: Vec<Node<'r>>, entity: &str) -> Result<Option<Node<'r>>, Stop> {
    match kept.len() {
        0 | 1 => Ok(kept.pop()),
        several => Err(Stop::failed(format!("{several} records of {entity} match; expected one"))),
    }
}

/// `fit`: the value as it is, if it can be written.
///
/// # Errors
/// It does not fit.
pub fn fit<'w, T>(value: T, written: impl FnOnce(&T) -> write::Written<'w>) -> Result<T, Stop> {
    written(&value).map(|_| value)
}

/// `fit` of a value that may be missing.
///
/// # Errors
/// It does not fit.
pub fn fit_some<'w, T>(value: Option<T>, written: impl FnOnce(&T) -> write::Written<'w>) -> Result<Option<T>, Stop> {
    value.map(|value| fit(value, written)).transpose()
}

/// `value in ["a", "b"]`.
#[must_use]
pub fn is_one_of(value: &str, words: &[&str]) -> bool {
    words.contains(&value)
}

/// `value in ["a", "b"]`, where the value may be missing: a missing one is none of them.
#[must_use]
pub fn may_be_one_of(value: Option<&str>, words: &[&str]) -> bool {
    value.is_some_and(|value| words.contains(&value))
}

/// `value in list`.
#[must_use]
pub fn is_in<T: PartialEq>(value: &T, list: &[T]) -> bool {
    list.contains(value)
}

/// `value in list`, where the value may be missing: a missing one is in no list.
#[must_use]
pub fn may_be_in<T: PartialEq>(value: &Option<T>, list: &[T]) -> bool {
    value.as_ref().is_some_and(|value| list.contains(value))
}

/// `sorted by`: rows with equal keys keep their order; a missing key comes first, or last when descending.
#[must_use]
pub fn sorted<K: Ord, R>(mut keyed: Vec<(K, R)>, descending: bool) -> Vec<R> {
    if descending {
        keyed.sort_by(|left, right| right.0.cmp(&left.0));
    } else {
        keyed.sort_by(|left, right| left.0.cmp(&right.0));
    }
    keyed.into_iter().map(|(_, row)| row).collect()
}

/// The name that specs write for a word of the wire.
#[must_use]
pub fn named<'r>(word: Cow<'r, str>, names: &[(&'static str, &'static str)]) -> Cow<'r, str> {
    names.iter().find(|(wire, _)| *wire == word).map_or(word, |(_, name)| Cow::Borrowed(name))
}

/// The word of the wire for a name that specs write.
#[must_use]
pub fn wired<'n>(name: &'n str, names: &'n [(&'static str, &'static str)]) -> &'n str {
    names.iter().find(|(_, known)| *known == name).map_or(name, |(wire, _)| wire)
}

/// No row of a table fits, and the table says nothing of that.
#[must_use]
pub fn no_row(table: &str, keys: &[&dyn Show]) -> Stop {
    let keys: Vec<String> = keys.iter().map(|key| key.show()).collect();
    Stop::failed_on(&keys.join(", "), format!("the table `{table}` has no row for this"))
}

/// `reverse_lookup`: no row of a table gives this value.
#[must_use]
pub fn no_result(table: &str, values: &[&dyn Show]) -> Stop {
    let values: Vec<String> = values.iter().map(|value| value.show()).collect();
    Stop::failed_on(&values.join(", "), format!("no row of the table `{table}` gives this"))
}

/// No arm of a `match` fits.
#[must_use]
pub fn no_arm(value: &dyn Show) -> Stop {
    Stop::failed_on(&value.show(), "no arm of the `match` fits this")
}

impl FieldPlan {
    /// A field that is always there, may be left out on create, and holds nothing personal.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind) -> FieldPlan {
        FieldPlan {
            name,
            kind,
            optional: false,
            required: false,
            read_only: false,
            create_only: false,
            refers_to: None,
            personal: false,
            as_text: false,
        }
    }

    /// It is a number that is a text on the wire.
    #[must_use]
    pub const fn as_text(mut self) -> FieldPlan {
        self.as_text = true;
        self
    }

    /// It may be missing.
    #[must_use]
    pub const fn optional(mut self) -> FieldPlan {
        self.optional = true;
        self
    }

    /// It must be given on create.
    #[must_use]
    pub const fn required(mut self) -> FieldPlan {
        self.required = true;
        self
    }

    /// It is never written.
    #[must_use]
    pub const fn read_only(mut self) -> FieldPlan {
        self.read_only = true;
        self
    }

    /// It is written when the record is made, and never again.
    #[must_use]
    pub const fn create_only(mut self) -> FieldPlan {
        self.create_only = true;
        self
    }

    /// It holds the key or natural key of a record of that entity.
    #[must_use]
    pub const fn refers_to(mut self, entity: &'static str) -> FieldPlan {
        self.refers_to = Some(entity);
        self
    }

    /// It is redacted wherever people read.
    #[must_use]
    pub const fn personal(mut self) -> FieldPlan {
        self.personal = true;
        self
    }
}
