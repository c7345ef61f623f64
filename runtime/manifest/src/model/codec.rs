//! How records are written on the wire where that differs from plain JSON. Plain data; it judges nothing.

use mapwright_values::Json;
use mapwright_values::hooks::{Decode, Encode, guarded};

use crate::fault::At;

/// How records stand on the wire.
#[derive(Clone, Debug)]
pub enum Codec {
    /// JSON.
    Json(JsonCodec),
    /// XML: an element a field, an element an item.
    Xml(XmlCodec),
    /// XML whose elements carry their field's name in an attribute.
    NamedXml(Box<NamedXml>),
    /// Rows of text with a header.
    Csv {
        /// Between two values.
        separator: char,
    },
    /// A pair of functions that the integration's program gives.
    Hook(Hooked<Coder>),
}

/// A hook by its name, and the function once a program has given it.
#[derive(Clone, Debug)]
pub struct Hooked<F> {
    /// As the manifest calls it.
    pub name: String,
    /// Where it does.
    pub at: At,
    /// The function; `None` = the program has none of that name.
    pub function: Option<F>,
}

/// The pair of functions of a codec.
#[derive(Clone, Copy, Debug)]
pub struct Coder {
    /// The content type of the bodies that it writes.
    pub content_type: &'static str,
    /// Writes.
    pub encode: Encode,
    /// Reads.
    pub decode: Decode,
}

impl Hooked<Coder> {
    /// The text of a tree.
    ///
    /// # Errors
    /// The hook is not there, or says why it cannot write this.
    pub fn encode(&self, tree: &Json<'_>) -> Result<String, String> {
        let coder = self.function.ok_or_else(|| self.absent())?;
        guarded(&self.name, || (coder.encode)(tree))?
    }

    /// The tree of a text.
    ///
    /// # Errors
    /// The hook is not there, or says what is wrong with the text.
    pub fn decode(&self, text: &str) -> Result<Json<'static>, String> {
        let coder = self.function.ok_or_else(|| self.absent())?;
        guarded(&self.name, || (coder.decode)(text))?
    }
}

impl<F> Hooked<F> {
    /// That the program has no such hook, in words.
    #[must_use]
    pub fn absent(&self) -> String {
        format!("this program gives no hook `{}`", self.name)
    }
}

/// What a system does to plain JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JsonCodec {
    /// Leaves that are objects with one member on the wire.
    pub tagged: Vec<Tagged>,
    /// The member that wraps each list: `{ results: [...] }`.
    pub list: Option<String>,
}

/// A leaf that is an object with one member on the wire: `{"value": 5}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// `any`, or the catalogue's word for a kind of leaf: `text`, `integer`, `decimal`, `boolean`, `date`, `time`,
    /// `datetime`, `uuid`, `enum`.
    pub kind: String,
    /// The member.
    pub member: String,
}

/// Plain XML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct XmlCodec {
    /// The outermost element when writing; the entity's name if not given.
    pub root: Option<String>,
    /// The element around each item of a list (`<Lines><Line/></Lines>`); without it a list is its field repeated.
    pub item: Option<String>,
}

/// XML whose elements carry their field's name in an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedXml {
    /// The outermost element when writing; any is taken when reading.
    pub root: String,
    /// A record within: element and name attribute.
    pub group: (String, String),
    /// A leaf: element and name attribute.
    pub field: (String, String),
    /// A list of records: element and name attribute.
    pub table: (String, String),
    /// One of its rows.
    pub row: String,
    /// The attribute with a row's number, from 1.
    pub number: String,
    /// A list of leaves: element and name attribute.
    pub list: (String, String),
    /// One of its items.
    pub item: String,
    /// How the text stands within another document.
    pub embed: Embed,
}

/// How a document stands within another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embed {
    /// In CDATA sections.
    Cdata,
    /// As escaped text.
    Text,
    /// As elements.
    None,
}
