//! XML Schema, alone or within a WSDL, to the draft: complex types are records, simple types what their facets say.

use std::collections::{HashMap, HashSet};

use crate::draft::{
    DEPTH_MAX, DIGITS_UNKNOWN, Definition, Draft, FIELDS_MAX, Field, Marks, Role, Shape, Typed, one_line,
};
use crate::fault::{Fault, Note, Place};
use crate::xml::Element;

const XSD: &str = "http://www.w3.org/2001/XMLSchema";
const SOAP_ENCODING: &str = "http://schemas.xmlsoap.org/soap/encoding/";
/// How many types may stand behind one another.
const BASES_MAX: usize = 16;

/// A schema element with the file that it stands in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schema<'x> {
    pub(crate) file: &'x str,
    pub(crate) source: usize,
    pub(crate) element: &'x Element,
}

/// A declaration: where it stands, and the element itself.
#[derive(Clone, Copy, Debug)]
struct Declared<'x> {
    source: usize,
    element: &'x Element,
}

/// A namespace and a name.
pub(crate) type Name = (String, String);

/// All schemas together.
#[derive(Default)]
pub(crate) struct Types<'x> {
    file: &'x str,
    elements: HashMap<Name, Declared<'x>>,
    complex: HashMap<Name, Declared<'x>>,
    simple: HashMap<Name, Declared<'x>>,
    groups: HashMap<Name, Declared<'x>>,
    fields: usize,
    /// Groups and lists that are being followed.
    following: Vec<Name>,
    notes: Vec<Note>,
    /// Outermost elements in order.
    pub(crate) outermost: Vec<Name>,
    pub(crate) draft: Draft,
}

/// The key of a complex type.
fn key(name: &Name) -> String {
    format!("{{{}}}{}", name.0, name.1)
}

/// Simple facets that are gathered from a type and what it is based on.
#[derive(Default)]
struct Facets {
    length: Option<u32>,
    words: Vec<String>,
    digits: Option<u32>,
    scale: Option<u32>,
    min: Option<i64>,
    max: Option<i64>,
}

impl<'x> Types<'x> {
    /// Reads all schemas.
    pub(crate) fn read(schemas: &[Schema<'x>]) -> Result<Self, Fault> {
        let mut types = Self { file: schemas.first().map_or("", |schema| schema.file), ..Self::default() };
        let mut order: Vec<(Name, Declared<'x>, bool)> = Vec::new();
        let namespaces: HashSet<&str> =
            schemas.iter().map(|schema| schema.element.attribute("targetNamespace").unwrap_or_default()).collect();
        for schema in schemas {
            types.missing(schema, &namespaces);
            let namespace = schema.element.attribute("targetNamespace").unwrap_or_default();
            for element in &schema.element.children {
                let Some(local) = element.attribute("name") else { continue };
                let name = (namespace.to_owned(), local.to_owned());
                let declared = Declared { source: schema.source, element };
                match element.name.as_str() {
                    "element" => {
                        types.outermost.push(name.clone());
                        types.elements.insert(name.clone(), declared);
                        if element.child("complexType").is_some() {
                            order.push((name, declared, true));
                        }
                    }
                    "complexType" => {
                        types.complex.insert(name.clone(), declared);
                        order.push((name, declared, false));
                    }
                    "simpleType" => {
                        types.simple.insert(name, declared);
                    }
                    "group" | "attributeGroup" => {
                        types.groups.insert(name, declared);
                    }
                    _ => {}
                }
            }
        }
        for (name, declared, is_element) in order {
            types.define(&name, declared, is_element)?;
        }
        Ok(types)
    }

    /// Schemas that are named and were not given.
    fn missing(&mut self, schema: &Schema<'x>, given: &HashSet<&str>) {
        for named in schema.element.children.iter().filter(|child| ["import", "include"].contains(&child.name.as_str()))
        {
            let location = named.attribute("schemaLocation");
            let namespace = named.attribute("namespace").unwrap_or_default();
            let known = named.name == "import" && given.contains(namespace);
            if let Some(location) = location.filter(|_| !known) {
                self.draft.notes.push(Note {
                    place: Place { source: schema.source, line: named.line },
                    subject: String::new(),
                    text: format!("it needs `{}`: name that file too if it was not given", one_line(location)),
                });
            }
        }
    }

    fn define(&mut self, name: &Name, declared: Declared<'x>, is_element: bool) -> Result<(), Fault> {
        let of = if is_element { declared.element.child("complexType") } else { Some(declared.element) };
        let Some(complex) = of else { return Ok(()) };
        let key = if is_element { element_key(name) } else { key(name) };
        let body = match self.array(complex, declared.source, &name.1, 0)? {
            Some(list) => list.shape,
            None => Shape::Record(self.content(complex, declared.source, &name.1, 0)?),
        };
        let place = Place { source: declared.source, line: declared.element.line };
        let notes = std::mem::take(&mut self.notes);
        let doc = declared.element.told(&["documentation"]);
        self.draft
            .definitions
            .insert(key, Definition { name: name.1.clone(), role: Role::Type, doc, body, place, notes });
        Ok(())
    }

    fn note(&mut self, source: usize, element: &Element, subject: &str, text: impl Into<String>) {
        let place = Place { source, line: element.line };
        self.notes.push(Note { place, subject: subject.to_owned(), text: text.into() });
    }

    /// The type of an outermost element: its definition's key, or a leaf.
    pub(crate) fn of_element(&mut self, name: &Name) -> Option<Typed> {
        let declared = *self.elements.get(name)?;
        if declared.element.child("complexType").is_some() {
            return Some(Typed::plain(Shape::Named(element_key(name))));
        }
        let typed = self.typed(declared.element, declared.source, &name.1, 0);
        self.notes.clear();
        typed.ok()
    }

    /// The type of a name.
    pub(crate) fn of_type(&mut self, name: &Name, element: &'x Element, source: usize) -> Option<Typed> {
        let typed = self.named(name, element, source, "", 0);
        self.notes.clear();
        typed.ok()
    }

    /// The fields of a complex type, in order.
    fn content(
        &mut self,
        complex: &'x Element,
        source: usize,
        subject: &str,
        depth: usize,
    ) -> Result<Vec<Field>, Fault> {
        let mut fields = Vec::new();
        self.particles(complex, source, subject, depth, false, &mut fields)?;
        let mut unique: Vec<Field> = Vec::with_capacity(fields.len());
        for field in fields {
            match unique.iter().position(|known| known.wire == field.wire) {
                None => unique.push(field),
                Some(_) => self.notes.push(Note {
                    place: field.place,
                    subject: format!("{subject}.{}", field.wire),
                    text: "an element of this name stands twice; it is drafted once".to_owned(),
                }),
            }
        }
        Ok(unique)
    }

    fn particles(
        &mut self,
        within: &'x Element,
        source: usize,
        subject: &str,
        depth: usize,
        optional: bool,
        fields: &mut Vec<Field>,
    ) -> Result<(), Fault> {
        if depth > 2 * DEPTH_MAX {
            self.note(source, within, subject, "it nests too deeply here; what is deeper is not drafted");
            return Ok(());
        }
        for child in &within.children {
            let often = child.attribute("maxOccurs").is_some_and(|most| most != "0" && most != "1");
            let optional = optional || child.attribute("minOccurs") == Some("0");
            match child.name.as_str() {
                "sequence" | "all" | "complexContent" | "simpleContent" | "choice" => {
                    let choice = child.name == "choice";
                    if often {
                        self.note(
                            source,
                            child,
                            subject,
                            "a group that repeats is drafted once; each field may be missing",
                        );
                    }
                    if choice {
                        self.note(source, child, subject, "one of several is there (`choice`); each may be missing");
                    }
                    self.particles(child, source, subject, depth + 1, optional || choice || often, fields)?;
                }
                "extension" | "restriction" => self.based(child, source, subject, depth, optional, fields)?,
                "group" | "attributeGroup" => {
                    let Some(reference) = child.attribute("ref") else { continue };
                    let name = child.resolved(reference);
                    let Some(declared) = self.groups.get(&name).copied().filter(|_| !self.following.contains(&name))
                    else {
                        self.note(
                            source,
                            child,
                            subject,
                            format!("the group `{}` cannot be followed", one_line(reference)),
                        );
                        continue;
                    };
                    self.count(child)?;
                    self.following.push(name);
                    let within =
                        self.particles(declared.element, declared.source, subject, depth + 1, optional, fields);
                    self.following.pop();
                    within?;
                }
                "element" => {
                    let field = self.field(child, source, subject, depth, optional)?;
                    fields.push(field);
                }
                "attribute" if child.attribute("use") != Some("prohibited") => {
                    let field = self.attribute(child, source, subject)?;
                    fields.push(field);
                }
                "any" | "anyAttribute" => {
                    self.note(source, child, subject, "further content that it may have is not carried over");
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What a type is based on, and what it adds.
    fn based(
        &mut self,
        derived: &'x Element,
        source: usize,
        subject: &str,
        depth: usize,
        optional: bool,
        fields: &mut Vec<Field>,
    ) -> Result<(), Fault> {
        let base = derived.attribute("base").map(|base| derived.resolved(base));
        if let Some(base) = &base {
            if let Some(declared) = self.complex.get(base).copied() {
                if derived.name == "extension" && !self.following.contains(base) {
                    self.count(derived)?;
                    self.following.push(base.clone());
                    let within =
                        self.particles(declared.element, declared.source, subject, depth + 1, optional, fields);
                    self.following.pop();
                    within?;
                }
            } else if !(base.0 == XSD && base.1 == "anyType") {
                // The text of an element that has attributes.
                let typed = self.named(base, derived, source, subject, depth)?;
                let place = Place { source, line: derived.line };
                let (marks, doc) = (Marks::default(), String::new());
                fields.push(Field { wire: "#text".to_owned(), typed, marks, doc, place });
            }
        }
        self.particles(derived, source, subject, depth + 1, optional, fields)
    }

    fn count(&mut self, element: &Element) -> Result<(), Fault> {
        self.fields += 1;
        if self.fields <= FIELDS_MAX {
            return Ok(());
        }
        let message = format!("with all types followed it has more than {FIELDS_MAX} fields");
        Err(Fault::at(self.file, element.line, message, "cut it down to the types that you need"))
    }

    fn field(
        &mut self,
        element: &'x Element,
        source: usize,
        subject: &str,
        depth: usize,
        optional: bool,
    ) -> Result<Field, Fault> {
        self.count(element)?;
        let place = Place { source, line: element.line };
        let (wire, mut typed, doc) = match element.attribute("ref") {
            Some(reference) => {
                let name = element.resolved(reference);
                let typed = match self.elements.get(&name).copied() {
                    Some(known) if known.element.child("complexType").is_some() => {
                        Typed::plain(Shape::Named(element_key(&name)))
                    }
                    Some(known) if !self.following.contains(&name) => {
                        self.following.push(name.clone());
                        let typed =
                            self.typed(known.element, known.source, &format!("{subject}.{}", name.1), depth + 1);
                        self.following.pop();
                        typed?
                    }
                    Some(_) | None => {
                        self.note(source, element, subject, format!("`{}` cannot be followed", one_line(reference)));
                        Typed::plain(Shape::Json)
                    }
                };
                (name.1, typed, String::new())
            }
            None => {
                let wire = element.attribute("name").unwrap_or_default().to_owned();
                let typed = self.typed(element, source, &format!("{subject}.{wire}"), depth + 1)?;
                (wire, typed, element.told(&["documentation"]))
            }
        };
        let named = format!("{subject}.{wire}");
        for word in ["default", "fixed"] {
            if let Some(value) = element.attribute(word) {
                self.note(source, element, &named, format!("`{word}` is not carried over ({})", one_line(value)));
            }
        }
        let nil = element.attribute("nillable") == Some("true");
        let often = element.attribute("maxOccurs").filter(|most| *most != "0" && *most != "1");
        let required = !optional && !nil;
        if let Some(most) = often {
            let min = element.attribute("minOccurs").and_then(|least| least.parse().ok()).unwrap_or(1);
            let max = most.parse::<u32>().ok().filter(|max| *max >= min);
            typed.optional = nil;
            typed = Typed::plain(Shape::List { min: if optional { 0 } else { min }, max, element: Box::new(typed) });
            typed.optional = optional;
            return Ok(Field { wire, typed, marks: Marks { required: !optional, ..Marks::default() }, doc, place });
        }
        typed.optional |= !required;
        Ok(Field { wire, marks: Marks { required: !typed.optional, ..Marks::default() }, typed, doc, place })
    }

    fn attribute(&mut self, attribute: &'x Element, source: usize, subject: &str) -> Result<Field, Fault> {
        self.count(attribute)?;
        let named = attribute.attribute("name").or_else(|| attribute.attribute("ref")).unwrap_or_default();
        let local = named.rsplit(':').next().unwrap_or(named);
        let mut typed = match attribute.attribute("ref") {
            Some(_) => Typed::plain(Shape::TEXT),
            None => self.typed(attribute, source, &format!("{subject}.@{local}"), DEPTH_MAX)?,
        };
        let required = attribute.attribute("use") == Some("required");
        typed.optional = !required;
        let marks = Marks { required, ..Marks::default() };
        let place = Place { source, line: attribute.line };
        Ok(Field { wire: format!("@{local}"), typed, marks, doc: attribute.told(&["documentation"]), place })
    }

    /// The type of an element or attribute: named, or written in it.
    fn typed(&mut self, element: &'x Element, source: usize, subject: &str, depth: usize) -> Result<Typed, Fault> {
        if let Some(name) = element.attribute("type") {
            let name = element.resolved(name);
            return self.named(&name, element, source, subject, depth);
        }
        if let Some(simple) = element.child("simpleType") {
            return self.simple(simple, source, subject);
        }
        let Some(complex) = element.child("complexType") else {
            self.note(source, element, subject, "its type is not said; drafted as a text");
            return Ok(Typed::plain(Shape::TEXT));
        };
        if let Some(list) = self.array(complex, source, subject, depth)? {
            return Ok(list);
        }
        if depth > DEPTH_MAX {
            self.note(source, element, subject, "records nest too deeply here; drafted as `json`, passed on unread");
            return Ok(Typed::plain(Shape::Json));
        }
        let fields = self.content(complex, source, subject, depth)?;
        if fields.is_empty() {
            self.note(source, element, subject, "its record has no fields; drafted as `json`, passed on unread");
            return Ok(Typed::plain(Shape::Json));
        }
        Ok(Typed::plain(Shape::Record(fields)))
    }

    fn named(
        &mut self,
        name: &Name,
        at: &'x Element,
        source: usize,
        subject: &str,
        depth: usize,
    ) -> Result<Typed, Fault> {
        if name.0 == XSD || name.0 == SOAP_ENCODING {
            let (typed, told) = builtin(&name.1);
            if !told.is_empty() {
                self.note(source, at, subject, told);
            }
            return Ok(typed);
        }
        if let Some(declared) = self.simple.get(name).copied() {
            return self.simple(declared.element, declared.source, subject);
        }
        match self.complex.get(name).copied() {
            Some(declared) => match self.array(declared.element, declared.source, subject, depth)? {
                Some(list) => Ok(list),
                None => Ok(Typed::plain(Shape::Named(key(name)))),
            },
            None => {
                let text =
                    format!("its type `{}` was not found; drafted as `json`, passed on unread", one_line(&name.1));
                self.note(source, at, subject, text);
                Ok(Typed::plain(Shape::Json))
            }
        }
    }

    /// An array of SOAP's encoding: `wsdl:arrayType="tns:Order[]"`.
    fn array(
        &mut self,
        complex: &'x Element,
        source: usize,
        subject: &str,
        depth: usize,
    ) -> Result<Option<Typed>, Fault> {
        let restriction = complex.child("complexContent").and_then(|content| content.child("restriction"));
        let Some(restriction) = restriction else { return Ok(None) };
        let base = restriction.attribute("base").map(|base| restriction.resolved(base));
        if base != Some((SOAP_ENCODING.to_owned(), "Array".to_owned())) {
            return Ok(None);
        }
        let mut attributes = restriction.all("attribute").flat_map(|attribute| &attribute.attributes);
        let named = attributes.find(|(name, _)| name.ends_with(":arrayType")).map(|(_, value)| value.as_str());
        let element = named.and_then(|named| named.split('[').next()).map(|named| restriction.resolved(named));
        let typed = match element.filter(|_| depth < DEPTH_MAX) {
            Some(name) => {
                self.count(restriction)?;
                self.named(&name, restriction, source, subject, depth + 1)?
            }
            None => Typed::plain(Shape::Json),
        };
        Ok(Some(Typed::plain(Shape::list(typed))))
    }

    /// A simple type with the facets of all that it is based on.
    fn simple(&mut self, simple: &'x Element, source: usize, subject: &str) -> Result<Typed, Fault> {
        let mut facets = Facets::default();
        let (mut at, mut source) = (simple, source);
        for _ in 0..BASES_MAX {
            let Some(restriction) = at.child("restriction") else { break };
            self.facets(restriction, source, subject, &mut facets);
            let base = restriction.attribute("base").map(|base| restriction.resolved(base));
            match base {
                Some(base) if base.0 == XSD => {
                    let (typed, told) = builtin(&base.1);
                    return Ok(self.restricted(typed, &facets, told, restriction, source, subject));
                }
                Some(base) => match self.simple.get(&base).copied() {
                    Some(declared) => (at, source) = (declared.element, declared.source),
                    None => break,
                },
                None => match restriction.child("simpleType") {
                    Some(inner) => at = inner,
                    None => break,
                },
            }
        }
        let text = "it is a list or one of several simple types; drafted as a text";
        self.note(source, at, subject, text);
        Ok(Typed::plain(Shape::TEXT))
    }

    fn facets(&mut self, restriction: &Element, source: usize, subject: &str, facets: &mut Facets) {
        let inner = facets.words.is_empty();
        for facet in &restriction.children {
            let value = facet.attribute("value").unwrap_or_default();
            let count = value.parse::<u32>().ok();
            let whole = value.parse::<i64>().ok();
            match facet.name.as_str() {
                "maxLength" | "length" => facets.length = facets.length.or(count),
                "enumeration" if inner => facets.words.push(value.to_owned()),
                "totalDigits" => facets.digits = facets.digits.or(count),
                "fractionDigits" => facets.scale = facets.scale.or(count),
                "minInclusive" => facets.min = facets.min.or(whole),
                "maxInclusive" => facets.max = facets.max.or(whole),
                "minExclusive" => facets.min = facets.min.or(whole.and_then(|bound| bound.checked_add(1))),
                "maxExclusive" => facets.max = facets.max.or(whole.and_then(|bound| bound.checked_sub(1))),
                "pattern" | "minLength" => {
                    let text = format!("`{}` is not carried over ({})", facet.name, one_line(value));
                    self.note(source, facet, subject, text);
                }
                _ => {}
            }
        }
    }

    fn restricted(
        &mut self,
        typed: Typed,
        facets: &Facets,
        told: &str,
        at: &Element,
        source: usize,
        subject: &str,
    ) -> Typed {
        if !facets.words.is_empty() && matches!(typed.shape, Shape::Text(_)) {
            let mut seen = HashSet::new();
            let words = facets.words.iter().filter(|word| seen.insert(word.as_str())).cloned().collect();
            return Typed::plain(Shape::Enum(words));
        }
        let shape = match (&typed.shape, facets.digits, facets.scale) {
            (Shape::Text(_), _, _) => Shape::Text(facets.length.filter(|length| *length > 0)),
            (Shape::Integer { min, max }, _, _) => {
                Shape::Integer { min: facets.min.or(*min), max: facets.max.or(*max) }
            }
            (Shape::Decimal { .. }, Some(digits), scale) if digits > 0 && scale.unwrap_or(0) <= digits => {
                if digits > 28 {
                    self.note(source, at, subject, "it has more digits than the 28 that are kept; drafted with 28");
                }
                Shape::Decimal { precision: digits.min(28), scale: scale.unwrap_or(0).min(28) }
            }
            (Shape::Decimal { .. }, _, Some(scale)) if scale <= 28 => {
                self.note(source, at, subject, "how many digits it has before the point is not said");
                Shape::Decimal { precision: 19.max(scale + 9).min(28), scale }
            }
            (other, _, _) => {
                if !told.is_empty() {
                    self.note(source, at, subject, told);
                }
                other.clone()
            }
        };
        Typed { shape, ..typed }
    }
}

/// The key of what an outermost element describes in itself.
pub(crate) fn element_key(name: &Name) -> String {
    format!("element {{{}}}{}", name.0, name.1)
}

/// A type of XML Schema itself, and what there is to say of it.
fn builtin(name: &str) -> (Typed, &'static str) {
    let range = |min: i64, max: Option<i64>| Typed::plain(Shape::Integer { min: Some(min), max });
    match name {
        "boolean" => (Typed::plain(Shape::Boolean), ""),
        "date" => (Typed::plain(Shape::Date), ""),
        "time" => (Typed::plain(Shape::Time), ""),
        "dateTime" => (Typed::plain(Shape::Instant), ""),
        "int" | "integer" | "long" => (Typed::plain(Shape::WHOLE), ""),
        "short" => (range(-32_768, Some(32_767)), ""),
        "byte" => (range(-128, Some(127)), ""),
        "unsignedByte" => (range(0, Some(255)), ""),
        "unsignedShort" => (range(0, Some(65_535)), ""),
        "unsignedInt" | "unsignedLong" | "nonNegativeInteger" => (range(0, None), ""),
        "positiveInteger" => (range(1, None), ""),
        "negativeInteger" => (Typed::plain(Shape::Integer { min: None, max: Some(-1) }), ""),
        "nonPositiveInteger" => (Typed::plain(Shape::Integer { min: None, max: Some(0) }), ""),
        "decimal" | "double" | "float" => (Typed::plain(Shape::NUMBER), DIGITS_UNKNOWN),
        "string" | "normalizedString" | "token" | "anyURI" | "language" | "Name" | "NCName" | "NMTOKEN" | "ID"
        | "IDREF" | "QName" => (Typed::plain(Shape::TEXT), ""),
        "base64Binary" | "hexBinary" => (Typed::plain(Shape::TEXT), "it is bytes; drafted as a text"),
        "anyType" | "anySimpleType" => {
            (Typed::plain(Shape::Json), "it may be anything; drafted as `json`, which is passed on unread")
        }
        _ => (Typed::plain(Shape::TEXT), "its type of XML Schema has no type in a catalogue; drafted as a text"),
    }
}

/// Reads schemas that stand alone: their outermost elements are the entities.
pub(crate) fn read(schemas: &[Schema<'_>]) -> Result<Draft, Fault> {
    let mut types = Types::read(schemas)?;
    let outermost = std::mem::take(&mut types.outermost);
    let mut entities: Vec<String> = Vec::new();
    for name in &outermost {
        if let Some(Typed { shape: Shape::Named(key), .. }) = types.of_element(name) {
            entities.push(key);
        }
    }
    let mut draft = types.draft;
    if entities.is_empty() {
        entities = unreferred(&draft);
    }
    crate::wsdl::make_entities(&mut draft, &entities);
    Ok(draft)
}

/// Records that no other holds; all of them, where each is held by some other.
fn unreferred(draft: &Draft) -> Vec<String> {
    let mut held: HashSet<String> = HashSet::new();
    for definition in draft.definitions.values() {
        crate::choose::named_in(&definition.body, &mut |name| {
            held.insert(name.to_owned());
        });
    }
    let free: Vec<String> = draft.definitions.keys().filter(|key| !held.contains(*key)).cloned().collect();
    if free.is_empty() { draft.definitions.keys().cloned().collect() } else { free }
}
