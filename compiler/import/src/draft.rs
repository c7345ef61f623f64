//! The draft that every kind of description is read into. It knows no syntax; `print` writes it down.

use indexmap::IndexMap;

use crate::fault::{Note, Place};
use crate::manifest::Connection;

/// How many fields a draft may hold once references are followed.
pub(crate) const FIELDS_MAX: usize = 200_000;
/// How deep records may nest within one definition; what lies deeper is passed on unread.
pub(crate) const DEPTH_MAX: usize = 24;

/// All that a description offers.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// The system's title, where the description has one.
    pub(crate) title: Option<String>,
    /// By the key that types refer to, in the order of the description.
    pub(crate) definitions: IndexMap<String, Definition>,
    /// What there is to know of the description as a whole.
    pub(crate) notes: Vec<Note>,
    /// How the system is reached, where the description tells it.
    pub(crate) connection: Option<Connection>,
}

/// What a definition is, as far as the description tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Records that are read or written by themselves.
    Entity,
    /// Something that the system is told to do.
    Action,
    /// The same of a description that tells of very many: drafted as an action where it is asked for by name.
    Call,
    /// A part of others, or something that nothing is known of.
    Type,
}

impl Role {
    /// Does it go into a draft for which no names were given?
    pub(crate) const fn is_drafted_unasked(self) -> bool {
        match self {
            Self::Entity | Self::Action => true,
            Self::Call | Self::Type => false,
        }
    }
}

/// An entity, an action or a type.
#[derive(Debug)]
pub(crate) struct Definition {
    /// As the description calls it.
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) doc: String,
    pub(crate) body: Shape,
    pub(crate) place: Place,
    pub(crate) notes: Vec<Note>,
}

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    /// As the system calls it.
    pub(crate) wire: String,
    pub(crate) typed: Typed,
    pub(crate) marks: Marks,
    pub(crate) doc: String,
    pub(crate) place: Place,
}

/// What is said of a field.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Marks {
    pub(crate) key: bool,
    pub(crate) required: bool,
    pub(crate) read_only: bool,
    pub(crate) write_only: bool,
    pub(crate) create_only: bool,
    pub(crate) changed: bool,
    /// The key of the definition that it refers to.
    pub(crate) refers_to: Option<String>,
    pub(crate) deprecated: bool,
    /// An empty text stands where there is no value.
    pub(crate) blank_is_missing: bool,
}

/// A type with its spelling.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Typed {
    pub(crate) shape: Shape,
    /// Behind `as`: `text`, `number`.
    pub(crate) spelled: Option<&'static str>,
    /// May it be missing?
    pub(crate) optional: bool,
}

impl Typed {
    pub(crate) const fn plain(shape: Shape) -> Self {
        Self { shape, spelled: None, optional: false }
    }

    pub(crate) const fn as_text(shape: Shape) -> Self {
        Self { shape, spelled: Some("text"), optional: false }
    }
}

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Text(Option<u32>),
    Integer {
        min: Option<i64>,
        max: Option<i64>,
    },
    Decimal {
        precision: u32,
        scale: u32,
    },
    Boolean,
    Date,
    Time,
    Instant,
    Uuid,
    Json,
    File,
    /// Words as the system spells them.
    Enum(Vec<String>),
    Record(Vec<Field>),
    List {
        min: u32,
        max: Option<u32>,
        element: Box<Typed>,
    },
    Map(Box<Typed>),
    /// The key of a definition.
    Named(String),
}

impl Shape {
    pub(crate) const WHOLE: Self = Self::Integer { min: None, max: None };
    pub(crate) const TEXT: Self = Self::Text(None);
    /// What is drafted for a number whose digits are not stated.
    pub(crate) const NUMBER: Self = Self::Decimal { precision: 19, scale: 6 };

    pub(crate) fn list(element: Typed) -> Self {
        Self::List { min: 0, max: None, element: Box::new(element) }
    }
}

/// Said wherever [`Shape::NUMBER`] is drafted.
pub(crate) const DIGITS_UNKNOWN: &str = "how many digits it has is not said; drafted as decimal(19,6)";

/// Names that systems give to the stamp of the last change.
const CHANGE_STAMPS: [&str; 14] = [
    "updatedat",
    "updated",
    "updatedate",
    "lastmodifieddatetime",
    "lastmodified",
    "lastmodifiedat",
    "modifiedat",
    "modified",
    "datemodifiedgmt",
    "datemodified",
    "datetimeupdated",
    "lastupdated",
    "changedat",
    "modifieddate",
];

/// A name without marks and case, to compare by.
pub(crate) fn folded(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Marks the one field of a record that is named as change stamps are, and says so.
pub(crate) fn guess_change_stamp(name: &str, fields: &mut [Field], notes: &mut Vec<Note>) {
    if fields.iter().any(|field| field.marks.changed) {
        return;
    }
    let rank = |field: &Field| {
        let instant = matches!(field.typed.shape, Shape::Instant);
        CHANGE_STAMPS.iter().position(|known| instant && folded(&field.wire) == *known)
    };
    let best = fields.iter_mut().filter_map(|field| Some((rank(field)?, field))).min_by_key(|(rank, _)| *rank);
    if let Some((_, field)) = best {
        field.marks.changed = true;
        notes.push(Note {
            place: field.place,
            subject: format!("{name}.{}", field.wire),
            text: "marked `changed` for its name: make sure that it moves whenever the record changes".to_owned(),
        });
    }
}

/// Marks a key that was guessed by its name, unless the description told one.
pub(crate) fn guess_key(name: &str, fields: &mut [Field], place: Place, notes: &mut Vec<Note>) {
    if fields.iter().any(|field| field.marks.key) {
        return;
    }
    let guessed = fields.iter_mut().find(|field| {
        let leaf = matches!(field.typed.shape, Shape::Text(_) | Shape::Integer { .. } | Shape::Uuid);
        leaf && folded(&field.wire) == "id"
    });
    match guessed {
        Some(field) => {
            field.marks.key = true;
            field.typed.optional = false;
            notes.push(Note {
                place: field.place,
                subject: format!("{name}.{}", field.wire),
                text: "marked `key` for its name: the description does not tell the key".to_owned(),
            });
        }
        None => notes.push(Note {
            place,
            subject: name.to_owned(),
            text: "the description does not tell its key: mark the field that tells one record from all others"
                .to_owned(),
        }),
    }
}

/// A documentation in one line.
pub(crate) fn one_line(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.extend(word.chars().filter(|letter| !letter.is_control()));
    }
    if plain.chars().count() <= DOC_MAX {
        return plain;
    }
    let cut: String = plain.chars().take(DOC_MAX - 4).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{whole} ...")
}

/// How many characters of a documentation are kept.
pub(crate) const DOC_MAX: usize = 200;
