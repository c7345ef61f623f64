//! How a system is read: conditions, chosen fields, order, pages, changes. Plain data; it judges nothing.

use std::time::Duration;

use indexmap::IndexMap;

use crate::fault::At;
use crate::selector::Selector;
use crate::template::{Template, Tree};

/// How conditions are spelled.
#[derive(Clone, Debug)]
pub struct Filters {
    /// Spelling.
    pub form: FilterForm,
    /// Most values of one `in`.
    pub in_max: usize,
    /// `names: last`: conditions name only the last step of a path (`SOH0_1.SOHNUM` is asked for as `SOHNUM`).
    pub last_step: bool,
}

/// Spelling of conditions.
#[derive(Clone, Debug)]
pub enum FilterForm {
    /// The system takes no conditions.
    None,
    /// `$filter`.
    Odata,
    /// Trees, joined and put in one place.
    Templated(Box<TemplatedFilters>),
    /// Parameters of their own for single fields.
    PerField(Vec<FieldFilter>),
}

/// A place in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A path in the body.
    Body(Vec<String>),
    /// A query value; `None` = a map of them.
    Query(Option<String>),
    /// A header.
    Header(String),
    /// A path in the variables of a GraphQL document.
    Variables(Vec<String>),
    /// An argument of a SOAP call.
    Args(Vec<String>),
}

/// How a field alone is asked for.
#[derive(Clone, Debug)]
pub struct FieldFilter {
    /// Field.
    pub field: String,
    /// By comparison: what goes where.
    pub forms: IndexMap<String, Vec<(Place, Tree)>>,
    /// Where it stands.
    pub at: At,
}

/// How the terms of a condition come together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Join {
    /// As a list.
    List,
    /// Their members in one map; names may hold `{index}`.
    Merge,
    /// As one text with this between them.
    Text(String),
}

/// Quotes of a search language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// In front.
    pub open: String,
    /// Behind.
    pub close: String,
    /// What stands for a letter within.
    pub escape: Vec<(String, String)>,
}

/// Templated conditions.
#[derive(Clone, Debug)]
pub struct TemplatedFilters {
    /// Where the terms go.
    pub into: Place,
    /// By comparison (`eq`, `ge`, ...).
    pub forms: IndexMap<String, Tree>,
    /// How they come together.
    pub join: Join,
    /// Between the alternatives of an `in` that is spelled by `{terms}`.
    pub any: Option<String>,
    /// How `quoted` quotes.
    pub quote: Option<Quote>,
    /// Must the whole become JSON text?
    pub as_json: bool,
    /// `false` = the search is approximate: answers are compared again here.
    pub exact: bool,
}

/// How only the used fields are asked for.
#[derive(Clone, Debug)]
pub enum Select {
    /// Not at all.
    None,
    /// `$select`.
    Odata,
    /// Associations of the used paths, nested.
    Nested {
        /// Path in the body.
        into: Vec<String>,
        /// The member under which each level nests.
        nest: String,
    },
    /// The used paths themselves.
    Paths {
        /// Where they go.
        into: Place,
        /// One parameter each; otherwise one text with commas.
        repeat: bool,
    },
    /// `fragment Record on TYPE { ... }` with the used fields.
    Graphql,
}

/// How an order of rows is asked for.
#[derive(Clone, Debug)]
pub enum Sort {
    /// Not at all.
    None,
    /// `$orderby`.
    Odata,
    /// A list of trees.
    Templated {
        /// Where they go.
        into: Place,
        /// One entry.
        form: Tree,
        /// How they come together.
        join: Join,
    },
    /// Always the same.
    Fixed(Vec<(Place, Tree)>),
}

/// How lists are cut into pages.
#[derive(Clone, Debug)]
pub struct Paging {
    /// Kind.
    pub kind: PagingKind,
    /// Rows a page.
    pub size: Option<Tree>,
    /// Headers of list requests.
    pub headers: Vec<(String, Template)>,
    /// Are they sent with the following pages too?
    pub resend_headers: bool,
    /// What goes where for each page.
    pub into: Vec<(Place, Tree)>,
    /// How it is told that there are more.
    pub more: More,
    /// A full page means that rows were cut off.
    pub full_page_is_error: bool,
}

/// How it is told that there are more pages.
#[derive(Clone, Debug)]
pub enum More {
    /// A page of raw rows was full.
    FullPage,
    /// The answer says so: there, and neither `false`, `0` nor empty.
    Says(Vec<Selector>),
    /// A number in the answer is above one of ours.
    Above {
        /// Where it is.
        at: Vec<Selector>,
        /// Ours.
        above: Template,
    },
}

/// Kinds of paging.
#[derive(Clone, Debug)]
pub enum PagingKind {
    /// One answer holds everything.
    None,
    /// Numbered pages; goes on while a page was full.
    Page {
        /// Number of the first page.
        first: u64,
    },
    /// Skipping rows; goes on while a page was full.
    Offset,
    /// From the last row's value of a field that never changes and is never null, so that rows which leave the
    /// condition while pages are read move nobody else off a page. Rows of one value are told apart by page number.
    Keyset {
        /// The field.
        by: String,
        /// Number of the first page.
        first: u64,
    },
    /// A link in the answer.
    NextLink {
        /// Where the link is.
        next: Vec<Selector>,
    },
    /// A text in the answer that stands for the next page.
    Cursor {
        /// Where the cursor is.
        cursor: Vec<Selector>,
    },
}

/// How changes are read.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Where it stands.
    pub at: At,
    /// Rows come ordered by stamp, so the watermark moves with each page.
    pub ordered_by_time: bool,
    /// One watermark each.
    pub passes: Vec<Pass>,
    /// The stamp's resolution.
    pub resolution: Duration,
    /// How far each window reaches back.
    pub overlap: Duration,
    /// How deletes are noticed.
    pub deletes: Deletes,
    /// Fields whose change moves no stamp.
    pub misses: Vec<(String, At)>,
    /// Can the system filter by the stamp? Otherwise all keys are listed with it, and what is new is kept here.
    pub filterable: bool,
    /// A list without pages, asked for in parts.
    pub partition: Option<Partition>,
}

/// Parts of a list: one for each beginning of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The field, as conditions call it.
    pub field: String,
    /// The beginnings.
    pub beginnings: Vec<String>,
}

/// How deletes are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletes {
    /// By comparing all keys now and then.
    Sweep,
    /// By events.
    Event,
    /// Not at all.
    None,
}

/// One watermark.
#[derive(Clone, Debug)]
pub enum Pass {
    /// An instant (or a day) in one field.
    Field {
        /// The field.
        field: String,
        /// How conditions call it, where they have another name for it.
        asked_as: Option<String>,
        /// It stands in lists only, not in the record.
        from_list: bool,
        /// How it is spelled, in UTC (`%Y-%m-%d %H:%M:%S`), where that is not ISO 8601.
        format: Option<String>,
    },
    /// A day and a time of day in the system's zone.
    DateAndTime {
        /// Day.
        date: String,
        /// Time of day.
        time: Option<String>,
        /// Zone name.
        zone: Template,
    },
}

impl Pass {
    /// Its name: the field that it goes by.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Field { field, .. } => field,
            Self::DateAndTime { date, .. } => date,
        }
    }

    /// The fields that it reads.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Self::Field { field, .. } => vec![field],
            Self::DateAndTime { date, time, .. } => std::iter::once(date.as_str()).chain(time.as_deref()).collect(),
        }
    }
}
