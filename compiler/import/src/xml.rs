//! XML as a tree that knows in which line everything stands. In: text. Out: elements, or the one fault.
//!
//! A document type is refused, so there are no entities but the five of XML itself, and nothing outside is ever read.

use std::collections::HashMap;
use std::rc::Rc;

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::fault::Fault;

/// How deep elements may nest.
const DEPTH_MAX: usize = 100;
/// How many elements a file may hold.
const ELEMENTS_MAX: usize = 1_000_000;

/// One element.
#[derive(Clone, Debug, Default)]
pub(crate) struct Element {
    /// Name without prefix.
    pub(crate) name: String,
    /// Names without prefix, but for those of other vocabularies, which keep it: `sap:label`.
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    pub(crate) text: String,
    pub(crate) line: u32,
    /// The prefixes that hold here, with what they stand for.
    scope: Rc<HashMap<String, String>>,
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

    /// All children of that name.
    pub(crate) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// A name with a prefix, as its namespace and the name.
    pub(crate) fn resolved(&self, name: &str) -> (String, String) {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        (self.scope.get(prefix).cloned().unwrap_or_default(), local.to_owned())
    }

    /// The texts of all elements of that name below, in one line each.
    pub(crate) fn told(&self, names: &[&str]) -> String {
        let mut told = String::new();
        let mut open: Vec<&Self> = self.children.iter().rev().collect();
        while let Some(element) = open.pop() {
            if names.contains(&element.name.as_str()) && !element.text.trim().is_empty() {
                told.push_str(element.text.trim());
                told.push(' ');
            }
            if ["annotation", "Documentation", "documentation"].contains(&element.name.as_str()) {
                open.extend(element.children.iter().rev());
            }
        }
        crate::draft::one_line(&told)
    }
}

/// Counts lines up to a byte, never backwards.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl Lines<'_> {
    fn at(&mut self, byte: u64) -> u32 {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX).min(self.text.len());
        let passed = self.text.as_bytes().get(self.at..byte).unwrap_or_default();
        self.line += u32::try_from(passed.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(0);
        self.at = self.at.max(byte);
        self.line
    }
}

/// Reads a document.
pub(crate) fn parse(file: &str, text: &str) -> Result<Element, Fault> {
    let wrong = |line: u32, message: String| Fault::at(file, line, message, "mend the file, or fetch it again");
    let mut reader = Reader::from_str(text);
    let mut lines = Lines { text, at: 0, line: 1 };
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    let mut count = 0_usize;
    loop {
        let line = lines.at(reader.buffer_position());
        let event = reader.read_event().map_err(|error| {
            let line = lines.at(reader.error_position());
            wrong(line, format!("this is not XML: {error}"))
        })?;
        match event {
            Event::Start(start) => {
                count += 1;
                if open.len() >= DEPTH_MAX || count > ELEMENTS_MAX {
                    return Err(wrong(line, "elements nest too deeply here, or there are too many".to_owned()));
                }
                let element = element(&start, line, open.last()).map_err(|said| wrong(line, said))?;
                open.push(element);
            }
            Event::Empty(start) => {
                count += 1;
                let element = element(&start, line, open.last()).map_err(|said| wrong(line, said))?;
                close(element, &mut open, &mut root).map_err(|said| wrong(line, said))?;
            }
            Event::End(_) => {
                let Some(element) = open.pop() else {
                    return Err(wrong(line, "an element ends here that did not begin".to_owned()));
                };
                close(element, &mut open, &mut root).map_err(|said| wrong(line, said))?;
            }
            Event::Text(text) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&text.xml10_content());
                }
            }
            Event::CData(text) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&text.xml10_content());
                }
            }
            Event::GeneralRef(reference) => {
                let letter =
                    reference.resolve_char_ref().map_err(|error| wrong(line, format!("this is not XML: {error}")))?;
                let name = reference.into_inner();
                let resolved = match letter {
                    Some(letter) => letter.to_string(),
                    None => resolve_xml_entity(&name).map(str::to_owned).ok_or_else(|| {
                        wrong(line, format!("`&{name};` is an entity of the document's own, which is never followed"))
                    })?,
                };
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&resolved);
                }
            }
            Event::DocType(_) => {
                return Err(Fault::at(
                    file,
                    line,
                    "it declares a document type, whose entities are never followed",
                    "remove the lines from `<!DOCTYPE` to its `>`",
                ));
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    match (root, open.last()) {
        (_, Some(left)) => Err(wrong(left.line, format!("the element `{}` that begins here never ends", left.name))),
        (Some(root), None) => Ok(root),
        (None, None) => Err(wrong(0, "it holds no XML".to_owned())),
    }
}

/// Puts a whole element where it belongs.
fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) -> Result<(), String> {
    match (open.last_mut(), &root) {
        (Some(parent), _) => parent.children.push(element),
        (None, Some(_)) => return Err("a second outermost element stands here".to_owned()),
        (None, None) => *root = Some(element),
    }
    Ok(())
}

fn element(start: &BytesStart<'_>, line: u32, parent: Option<&Element>) -> Result<Element, String> {
    let name = start.local_name();
    let name = name.as_ref().to_owned();
    let mut scope = parent.map(|parent| Rc::clone(&parent.scope)).unwrap_or_default();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| format!("an attribute of `{name}` cannot be read: {error}"))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| format!("an attribute of `{name}` cannot be read: {error}"))?
            .into_owned();
        let key = attribute.key.as_ref().to_owned();
        match key.split_once(':') {
            Some(("xmlns", prefix)) => {
                Rc::make_mut(&mut scope).insert(prefix.to_owned(), value);
            }
            None if key == "xmlns" => {
                Rc::make_mut(&mut scope).insert(String::new(), value);
            }
            Some(_) | None => attributes.push((key, value)),
        }
    }
    Ok(Element { name, attributes, line, scope, ..Element::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_know_their_lines_and_prefixes() {
        let root =
            parse("a.xml", "<?xml version=\"1.0\"?>\n<x:a xmlns:x=\"urn:x\">\n  <b c=\"1 &lt; 2\"/>\n</x:a>").unwrap();
        assert_eq!((root.name.as_str(), root.line), ("a", 1 + 1));
        let inner = root.child("b").unwrap();
        assert_eq!((inner.line, inner.attribute("c")), (3, Some("1 < 2")));
        assert_eq!(inner.resolved("x:T"), ("urn:x".to_owned(), "T".to_owned()));
    }

    #[test]
    fn hostile_documents_are_refused() {
        let bomb = "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY b \"cc\"><!ENTITY c \"&b;&b;\">]>\n<a>&c;</a>";
        assert!(parse("a.xml", bomb).unwrap_err().message.contains("document type"));
        assert!(parse("a.xml", "<a>&c;</a>").unwrap_err().message.contains("`&c;`"));
        assert!(parse("a.xml", &"<a>".repeat(100_000)).unwrap_err().message.contains("too deeply"));
        assert_eq!(parse("a.xml", "<a>\n<b>\n</a>").unwrap_err().line, 3);
        assert_eq!(parse("a.xml", "<a>\n<b>\n").unwrap_err().line, 2);
        assert!(parse("a.xml", "").is_err());
        assert!(parse("a.xml", "<a/><b/>").is_err());
    }
}
