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
}

/// Spelling of conditions.
#[derive(Clone, Debug)]
pub enum FilterForm {
    /// The system takes no conditions.
    None,
    /// `$filter`.
    Odata,
    /// Trees, collected in a list.
    Templated(Box<TemplatedFilters>),
}

/// Templated conditions.
#[derive(Clone, Debug)]
pub struct TemplatedFilters {
    /// Where the list goes: path in the body (`["filter"]`) .
    pub into: Vec<String>,
    /// By comparison (`eq`, `ge`, ...).
    pub forms: IndexMap<String, Tree>,
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
        /// Path in the body.
        into: Vec<String>,
        /// One entry.
        form: Tree,
    },
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
    /// An instant in one field.
    Field(String),
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
            Self::Field(field) => field,
            Self::DateAndTime { date, .. } => date,
        }
    }

    /// The fields that it reads.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Self::Field(field) => vec![field],
            Self::DateAndTime { date, time, .. } => std::iter::once(date.as_str()).chain(time.as_deref()).collect(),
        }
    }
}
