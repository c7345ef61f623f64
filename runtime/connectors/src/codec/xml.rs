//! XML as a tree, and the tree as JSON. In: text. Out: elements without prefixes, or where the text is no XML that we accept.
//! A document type is refused, so there are no entities but the five of XML itself, and nothing outside is ever read.

use mapwright_values::Json;
use quick_xml::escape::{escape, partial_escape, resolve_xml_entity};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// How deep elements may be nested.
const DEPTH_MAX: usize = 64;
/// Attributes that say how an element is encoded and carry no data.
const ENCODING_PREFIXES: [&str; 6] = ["xmlns", "xsi", "xsd", "soapenc", "soapenv", "SOAP-ENC"];

/// One element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// Name without prefix.
    pub(crate) name: String,
    /// Attributes that carry data, names without prefix.
    pub(crate) attributes: Vec<(String, String)>,
    /// Elements in it.
    pub(crate) children: Vec<Element>,
    /// Text in it, all pieces together.
    pub(crate) text: String,
    /// `xsi:nil`.
    pub(crate) nil: bool,
    /// A SOAP array: its children are items, one child included.
    pub(crate) array: bool,
}

impl Element {
    /// The attribute of that name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first child of that name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// As JSON: children by name, a name that occurs again as a list, attributes as `@name`, a leaf as its text.
    pub(crate) fn to_json(&self) -> Json<'static> {
        if self.nil {
            return Json::Null;
        }
        if self.children.is_empty() && self.attributes.is_empty() {
            return if self.array { Json::List(Vec::new()) } else { Json::text(self.text.clone()) };
        }
        let mut members: Vec<(std::borrow::Cow<'static, str>, Json<'static>)> = Vec::new();
        for (name, value) in &self.attributes {
            members.push((format!("@{name}").into(), Json::text(value.clone())));
        }
        for child in &self.children {
            let value = child.to_json();
            match members.iter_mut().find(|(name, _)| *name == child.name) {
                Some((_, Json::List(items))) => items.push(value),
                Some((_, first)) => *first = Json::List(vec![first.clone(), value]),
                None if self.array => members.push((child.name.clone().into(), Json::List(vec![value]))),
                None => members.push((child.name.clone().into(), value)),
            }
        }
        if self.children.is_empty() {
            members.push(("#text".into(), Json::text(self.text.clone())));
        }
        Json::Record(members)
    }
}

/// Reads a document.
///
/// # Errors
/// What is not accepted, in words.
pub(crate) fn parse(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    loop {
        let event = reader.read_event().map_err(|error| format!("{error} (byte {})", reader.error_position()))?;
        match event {
            Event::Start(start) => {
                if open.len() >= DEPTH_MAX {
                    return Err(format!("elements are nested more than {DEPTH_MAX} deep"));
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => {
                let element = element(&start)?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return whole(element, &mut reader),
                }
            }
            Event::End(_) => {
                let Some(element) = open.pop() else { return Err("an element ends that did not begin".to_owned()) };
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return whole(element, &mut reader),
                }
            }
            Event::Text(text) => match open.last_mut() {
                Some(element) => element.text.push_str(&text.xml10_content()),
                None if text.xml10_content().trim().is_empty() => {}
                None => return Err("text stands outside of any element".to_owned()),
            },
            Event::CData(text) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&text.xml10_content());
                }
            }
            Event::GeneralRef(reference) => {
                let letter = reference.resolve_char_ref().map_err(|error| error.to_string())?;
                let name = reference.into_inner();
                let resolved = match letter {
                    Some(letter) => letter.to_string(),
                    None => match resolve_xml_entity(&name) {
                        Some(text) => text.to_owned(),
                        None => return Err(format!("`&{name};` is an entity of the document's own, which is refused")),
                    },
                };
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&resolved);
                }
            }
            Event::DocType(_) => return Err("it declares a document type, which is refused".to_owned()),
            Event::Eof if open.is_empty() => return Err("the document is empty".to_owned()),
            Event::Eof => return Err("the document ends in the middle".to_owned()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// Nothing but blanks and comments may follow the outermost element.
fn whole(root: Element, reader: &mut Reader<&[u8]>) -> Result<Element, String> {
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Eof => return Ok(root),
            Event::Text(text) if text.xml10_content().trim().is_empty() => {}
            Event::Comment(_) | Event::PI(_) => {}
            Event::Start(_)
            | Event::End(_)
            | Event::Empty(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Decl(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => return Err("something follows the document's end".to_owned()),
        }
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element { name: start.local_name().into_inner().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
        let key = attribute.key.into_inner();
        let local = attribute.key.local_name().into_inner();
        element.nil |= local == "nil" && matches!(value.as_ref(), "true" | "1");
        element.array |= local == "arrayType";
        let prefix = key.split_once(':').map_or("", |(prefix, _)| prefix);
        let encodes = key == "xmlns"
            || ENCODING_PREFIXES.contains(&prefix)
            || matches!(local, "arrayType" | "encodingStyle" | "nil");
        if !encodes {
            element.attributes.push((local.to_owned(), value.into_owned()));
        }
    }
    Ok(element)
}

/// Writes XML by hand: elements open and close, everything between is escaped.
#[derive(Default)]
pub(crate) struct Writer {
    text: String,
}

impl Writer {
    /// Opens an element; attributes are written as given, values escaped.
    pub(crate) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.text.push('<');
        self.text.push_str(name);
        for (name, value) in attributes {
            self.text.push_str(&format!(" {name}=\"{}\"", escape(*value)));
        }
        self.text.push('>');
    }

    /// Closes an element.
    pub(crate) fn close(&mut self, name: &str) {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }

    /// Text.
    pub(crate) fn write(&mut self, text: &str) {
        self.text.push_str(&partial_escape(legal(text)));
    }

    /// A leaf.
    pub(crate) fn leaf(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        self.write(text);
        self.close(name);
    }

    /// Text in CDATA sections; an end mark within is split, never dropped.
    pub(crate) fn cdata(&mut self, text: &str) {
        self.text.push_str("<![CDATA[");
        self.text.push_str(&legal(text).replace("]]>", "]]]]><![CDATA[>"));
        self.text.push_str("]]>");
    }

    /// Markup that was written by another writer.
    pub(crate) fn raw(&mut self, markup: &str) {
        self.text.push_str(markup);
    }

    /// A tree: records as elements, lists as their element again and again, `@name` as attributes.
    pub(crate) fn tree(&mut self, name: &str, value: &Json<'_>, item: Option<&str>) {
        match value {
            Json::Null => {}
            Json::List(items) => match item {
                Some(item) => {
                    self.open(name, &[]);
                    for value in items {
                        self.tree(item, value, Some(item));
                    }
                    self.close(name);
                }
                None => {
                    for value in items {
                        self.tree(name, value, None);
                    }
                }
            },
            Json::Record(members) => {
                let attributes: Vec<(&str, String)> = members
                    .iter()
                    .filter_map(|(name, value)| Some((name.strip_prefix('@')?, crate::template::plain(value))))
                    .collect();
                let attributes: Vec<(&str, &str)> =
                    attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
                self.open(name, &attributes);
                for (name, value) in members {
                    match name.as_ref() {
                        "#text" => self.write(&crate::template::plain(value)),
                        name if name.starts_with('@') => {}
                        name => self.tree(name, value, item),
                    }
                }
                self.close(name);
            }
            Json::Boolean(_) | Json::Number(_) | Json::Text(_) => {
                self.leaf(name, &[], &crate::template::plain(value));
            }
        }
    }

    /// What was written.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// The text without the characters that no XML 1.0 document may hold, not even escaped.
fn legal(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control() || matches!(letter, '\t' | '\n' | '\r')).collect()
}

/// May this name be an element's?
pub(crate) fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        parse(text).unwrap().to_json().to_text()
    }

    #[test]
    fn elements_become_members() {
        assert_eq!(
            json("<a:x xmlns:a=\"u\"><n k=\"1\">A &amp; B&#228;</n><i>1</i><i><![CDATA[<2>]]></i><e/></a:x>"),
            r##"{"n":{"@k":"1","#text":"A & Bä"},"i":["1","<2>"],"e":""}"##
        );
        assert_eq!(json("<r xmlns:xsi=\"u\"><v xsi:nil=\"true\"/></r>"), r#"{"v":null}"#);
        assert_eq!(json("<m xmlns:s=\"u\" s:arrayType=\"t[1]\"><m><k>1</k></m></m>"), r#"{"m":[{"k":"1"}]}"#);
        assert_eq!(json("<m xmlns:s=\"u\" s:arrayType=\"t[0]\"/>"), "[]");
    }

    #[test]
    fn what_is_refused() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><x>&b;</x>";
        assert!(parse(bomb).unwrap_err().contains("document type"));
        assert!(parse("<x>&a;</x>").unwrap_err().contains("entity"));
        assert!(parse(&"<x>".repeat(100)).unwrap_err().contains("nested"));
        assert!(parse("<x><y></x>").is_err());
        assert!(parse("<x>").is_err());
        assert!(parse("<x/><y/>").is_err());
        assert!(parse("").is_err());
        assert!(parse("no xml").is_err());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut writer = Writer::default();
        let record = Json::parse(r#"{"n":"a<b&c ]]> \"d\"","l":[{"k":"1"},{"k":"2"}],"o":null}"#).unwrap();
        writer.tree("r", &record, None);
        let text = writer.finish();
        assert_eq!(parse(&text).unwrap().to_json().to_text(), r#"{"n":"a<b&c ]]> \"d\"","l":[{"k":"1"},{"k":"2"}]}"#);
        let mut writer = Writer::default();
        writer.open("r", &[]);
        writer.cdata("a ]]> b");
        writer.close("r");
        assert_eq!(parse(&writer.finish()).unwrap().text, "a ]]> b");
    }
}
