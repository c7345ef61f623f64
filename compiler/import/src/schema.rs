//! JSON Schema, alone or within an OpenAPI description, to the draft.
//!
//! In: the tree of a document and pointers into it. Out: definitions. Schemas of records and of words become definitions by
//! their pointer, so that a record may hold itself; everything else is written where it is used.

use std::collections::HashSet;

use indexmap::{IndexMap, IndexSet};

use crate::draft::{
    DEPTH_MAX, DIGITS_UNKNOWN, Definition, Draft, FIELDS_MAX, Field, Marks, Role, Shape, Typed, one_line,
};
use crate::fault::{Fault, Note, Place};
use crate::node::{Node, Value};

/// How many references may follow one another before something is reached.
const CHAIN_MAX: usize = 32;

/// What a catalogue has no words for.
const UNSAID: [(&str, &str); 13] = [
    ("pattern", "the pattern that it follows"),
    ("minLength", "the least length that it has"),
    ("default", "what the system takes where nothing is sent"),
    ("uniqueItems", "that no element stands twice"),
    ("not", "what it must not be"),
    ("if", "what depends on other fields"),
    ("dependentRequired", "what depends on other fields"),
    ("dependentSchemas", "what depends on other fields"),
    ("patternProperties", "fields whose names follow a pattern"),
    ("discriminator", "which of several records it is"),
    ("minProperties", "how many fields it has at least"),
    ("maxProperties", "how many fields it has at most"),
    ("prefixItems", "what stands at which place of the list"),
];

/// A document's schemas.
pub(crate) struct Schemas<'d> {
    pub(crate) file: &'d str,
    pub(crate) source: usize,
    root: &'d Node,
    /// Pointers of definitions that are asked for, in order, with what they are.
    asked: IndexMap<String, Role>,
    names: IndexMap<String, String>,
    fields: usize,
    notes: Vec<Note>,
    /// References that are followed at the moment.
    following: Vec<String>,
    pub(crate) draft: Draft,
}

impl<'d> Schemas<'d> {
    pub(crate) fn new(file: &'d str, source: usize, root: &'d Node) -> Self {
        Self {
            file,
            source,
            root,
            asked: IndexMap::new(),
            names: IndexMap::new(),
            fields: 0,
            notes: Vec::new(),
            following: Vec::new(),
            draft: Draft::default(),
        }
    }

    pub(crate) fn place(&self, node: &Node) -> Place {
        Place { source: self.source, line: node.line }
    }

    /// The key of a definition.
    pub(crate) fn key(&self, pointer: &str) -> String {
        format!("{}#{pointer}", self.source)
    }

    /// Asks for a definition; an entity stays one however it is asked for later.
    pub(crate) fn ask(&mut self, pointer: &str, role: Role) {
        let known = self.asked.entry(pointer.to_owned()).or_insert(role);
        if role == Role::Entity {
            *known = role;
        }
    }

    /// Gives a definition a better name than the last step of its pointer.
    pub(crate) fn name(&mut self, pointer: &str, name: &str) {
        self.names.entry(pointer.to_owned()).or_insert_with(|| name.to_owned());
    }

    /// Reads all that was asked for, and what that asks for.
    pub(crate) fn read_asked(&mut self) -> Result<(), Fault> {
        let mut next = 0;
        while let Some((pointer, role)) = self.asked.get_index(next).map(|(pointer, role)| (pointer.clone(), *role)) {
            next += 1;
            let Some(node) = self.root.pointer(&pointer) else { continue };
            let last = pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
            let name = self.names.get(&pointer).cloned().unwrap_or(last);
            self.following = vec![pointer.clone()];
            let body = self.typed(node, &name, 0)?.shape;
            let definition = Definition {
                doc: documentation(node),
                role,
                body,
                place: self.place(node),
                notes: std::mem::take(&mut self.notes),
                name,
            };
            let key = self.key(&pointer);
            self.draft.definitions.insert(key, definition);
        }
        Ok(())
    }

    /// The schema that references lead to, with its pointer.
    pub(crate) fn followed(&self, pointer: &str) -> Option<(String, &'d Node)> {
        let mut pointer = pointer.to_owned();
        for _ in 0..CHAIN_MAX {
            let node = self.root.pointer(&pointer)?;
            match node.text_of("$ref").and_then(|reference| reference.strip_prefix('#')) {
                Some(next) => next.clone_into(&mut pointer),
                None => return Some((pointer, node)),
            }
        }
        None
    }

    /// A node itself, or what it refers to.
    fn behind<'n>(&self, node: &'n Node) -> Option<&'n Node>
    where
        'd: 'n,
    {
        match node.text_of("$ref") {
            Some(reference) => self.followed(reference.strip_prefix('#')?).map(|(_, node)| node),
            None => Some(node),
        }
    }

    /// Does a schema describe a record with fields?
    pub(crate) fn is_record(&self, node: &Node) -> bool {
        self.is_record_within(node, 0, &mut HashSet::new())
    }

    fn is_record_within(&self, node: &Node, depth: usize, seen: &mut HashSet<String>) -> bool {
        // What was looked at on the way is not looked at again, or parts that name one another would multiply.
        if let Some(reference) = node.text_of("$ref")
            && !seen.insert(reference.to_owned())
        {
            return false;
        }
        let Some(node) = self.behind(node).filter(|_| depth < 8) else { return false };
        let fields = node.get("properties").and_then(Node::map).is_some_and(|fields| !fields.is_empty());
        let parts = |word: &str| node.get(word).map(Node::list).unwrap_or_default();
        fields
            || parts("allOf").iter().any(|part| self.is_record_within(part, depth + 1, seen))
            || ["oneOf", "anyOf"].iter().any(|word| {
                let choices: Vec<&Node> = parts(word).iter().filter(|choice| !is_null(choice)).collect();
                choices.len() > 1 && choices.iter().all(|choice| self.is_record_within(choice, depth + 1, seen))
            })
    }

    pub(crate) fn note(&mut self, node: &Node, subject: &str, text: impl Into<String>) {
        let place = self.place(node);
        self.notes.push(Note { place, subject: subject.to_owned(), text: text.into() });
    }

    /// Says what of a schema a catalogue has no words for.
    fn note_unsaid(&mut self, node: &Node, subject: &str) {
        for (word, what) in UNSAID {
            let Some(value) = node.get(word) else { continue };
            let empty = matches!(&value.value, Value::Number(digits) if digits == "0")
                || matches!(&value.value, Value::Boolean(false) | Value::Null);
            if !empty || word == "default" && !matches!(value.value, Value::Null) {
                let shown = value.leaf().map(|leaf| format!(" ({})", one_line(&leaf))).unwrap_or_default();
                self.note(value, subject, format!("`{word}` is not carried over: {what}{shown}"));
            }
        }
        if let Some(more) = node.get("additionalProperties")
            && more.map().is_some_and(|more| !more.is_empty())
            && node.get("properties").is_some()
        {
            self.note(more, subject, "further fields that it may have are not carried over");
        }
    }

    /// A schema as a type.
    pub(crate) fn typed(&mut self, node: &Node, subject: &str, depth: usize) -> Result<Typed, Fault> {
        if depth > DEPTH_MAX {
            self.note(node, subject, "records nest too deeply here; drafted as `json`, which is passed on unread");
            return Ok(Typed::plain(Shape::Json));
        }
        if let Some(reference) = node.text_of("$ref") {
            return self.referred(node, reference, subject, depth);
        }
        let optional = node.says("nullable") || node.says("x-nullable") || null_is_a_type(node);
        let mut typed = self.unreferred(node, subject, depth)?;
        typed.optional |= optional;
        Ok(typed)
    }

    fn referred(&mut self, node: &Node, reference: &str, subject: &str, depth: usize) -> Result<Typed, Fault> {
        let nothing = |schemas: &mut Self, said: String| {
            schemas.note(node, subject, format!("{said}; drafted as `json`, which is passed on unread"));
            Ok(Typed::plain(Shape::Json))
        };
        let Some(pointer) = reference.strip_prefix('#') else {
            return nothing(self, format!("its type stands in another file, `{}`", one_line(reference)));
        };
        let Some((pointer, target)) = self.followed(pointer) else {
            return nothing(self, format!("`$ref` leads nowhere: `{}`", one_line(reference)));
        };
        if self.is_record(target) || (is_enum(target) && !pointer.contains("/properties/")) {
            self.ask(&pointer, Role::Type);
            let optional = target.says("nullable") || null_is_a_type(target);
            return Ok(Typed { optional, ..Typed::plain(Shape::Named(self.key(&pointer))) });
        }
        if self.following.contains(&pointer) {
            return nothing(self, format!("`$ref` leads back to itself: `{}`", one_line(reference)));
        }
        self.count(node)?;
        self.following.push(pointer);
        let typed = self.typed(target, subject, depth + 1);
        self.following.pop();
        typed
    }

    /// Every field and every reference that is followed counts, so that a small file cannot unfold into a huge draft.
    fn count(&mut self, node: &Node) -> Result<(), Fault> {
        self.fields += 1;
        if self.fields <= FIELDS_MAX {
            return Ok(());
        }
        Err(Fault::at(
            self.file,
            node.line,
            format!("with all references followed it has more than {FIELDS_MAX} fields"),
            "choose what you need with --entity, or cut the description down",
        ))
    }

    fn unreferred(&mut self, node: &Node, subject: &str, depth: usize) -> Result<Typed, Fault> {
        self.note_unsaid(node, subject);
        let parts = |word: &str| node.get(word).map(Node::list).unwrap_or_default();
        if self.is_record(node) {
            return Ok(Typed::plain(Shape::Record(self.fields(node, subject, depth)?)));
        }
        if is_enum(node) {
            return Ok(self.words(node, subject));
        }
        match parts("allOf") {
            [] => {}
            [only] => return self.typed(only, subject, depth + 1),
            [first, ..] => {
                self.note(node, subject, "several descriptions hold at once (`allOf`); the first is drafted");
                return self.typed(first, subject, depth + 1);
            }
        }
        for word in ["oneOf", "anyOf"] {
            let choices = parts(word);
            if !choices.is_empty() {
                return self.choice(node, choices, subject, depth);
            }
        }
        self.scalar(node, subject, depth)
    }

    /// `oneOf`, `anyOf`: one thing that may be missing, words, or something that no type says.
    fn choice(&mut self, node: &Node, choices: &[Node], subject: &str, depth: usize) -> Result<Typed, Fault> {
        let real: Vec<&Node> = choices.iter().filter(|choice| !is_null(choice)).collect();
        let optional = real.len() < choices.len();
        if let [only] = real.as_slice() {
            let typed = self.typed(only, subject, depth + 1)?;
            return Ok(Typed { optional: optional || typed.optional, ..typed });
        }
        let words: Option<Vec<String>> = real.iter().map(|choice| choice.text_of("const").map(str::to_owned)).collect();
        if let Some(words) = words.filter(|words| !words.is_empty()) {
            return Ok(Typed { optional, ..Typed::plain(Shape::Enum(words)) });
        }
        let texts = real.iter().all(|choice| self.behind(choice).and_then(type_of).as_deref() == Some("string"));
        let (shape, said) = if texts {
            (Shape::TEXT, "it is one of several texts; drafted as a text without bounds")
        } else {
            (Shape::Json, "it is one of several types; drafted as `json`, which is passed on unread")
        };
        self.note(node, subject, said);
        Ok(Typed { optional, ..Typed::plain(shape) })
    }

    /// Words, or numbers that stand for something.
    fn words(&mut self, node: &Node, subject: &str) -> Typed {
        let listed = node.get("enum").map(Node::list).unwrap_or_default();
        let all: Vec<&Node> = listed.iter().chain(node.get("const")).collect();
        let optional = all.iter().any(|value| matches!(value.value, Value::Null));
        let texts = all.iter().all(|value| matches!(value.value, Value::Text(_) | Value::Null));
        let whole = |digits: &str| digits.parse::<i64>().is_ok_and(|number| number.to_string() == digits);
        let numbers = all.iter().all(|value| match &value.value {
            Value::Number(digits) => whole(digits),
            Value::Null => true,
            Value::Boolean(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => false,
        });
        let words: IndexSet<String> = all.iter().filter_map(|value| value.leaf()).collect();
        let words: Vec<String> = words.into_iter().collect();
        if words.is_empty() || !(texts || numbers) {
            let booleans = all.iter().all(|value| matches!(value.value, Value::Boolean(_) | Value::Null));
            let shape = if booleans && !words.is_empty() { Shape::Boolean } else { Shape::Json };
            self.note(node, subject, "its listed values are not all texts or whole numbers; they are not carried over");
            return Typed { optional, ..Typed::plain(shape) };
        }
        let spelled = if texts { None } else { Some("number") };
        Typed { shape: Shape::Enum(words), spelled, optional }
    }

    fn scalar(&mut self, node: &Node, subject: &str, depth: usize) -> Result<Typed, Fault> {
        let format = node.text_of("format").unwrap_or_default();
        Ok(match type_of(node).as_deref() {
            Some("string") => self.text(node, format, subject),
            Some("integer") => Typed::plain(self.whole(node, subject)),
            Some("number") => Typed::plain(self.number(node, subject)),
            Some("boolean") => Typed::plain(Shape::Boolean),
            Some("array") => return self.list(node, subject, depth),
            Some("object") => return self.map(node, subject, depth),
            Some("file") => Typed::plain(Shape::File),
            Some(several) if several.contains(' ') => {
                self.note(
                    node,
                    subject,
                    format!("it is one of {several}; drafted as `json`, which is passed on unread"),
                );
                Typed::plain(Shape::Json)
            }
            Some(other) => {
                self.note(node, subject, format!("its type `{}` is unknown; drafted as `json`", one_line(other)));
                Typed::plain(Shape::Json)
            }
            None if node.get("items").is_some() => return self.list(node, subject, depth),
            None if node.get("additionalProperties").is_some() => return self.map(node, subject, depth),
            None => {
                self.note(node, subject, "its type is not said; drafted as `json`, which is passed on unread");
                Typed::plain(Shape::Json)
            }
        })
    }

    fn text(&mut self, node: &Node, format: &str, subject: &str) -> Typed {
        let max = self.number_of(node, "maxLength").and_then(|max| u32::try_from(max).ok()).filter(|max| *max > 0);
        match format {
            "date" => Typed::plain(Shape::Date),
            "date-time" | "datetime" => Typed::plain(Shape::Instant),
            "time" => Typed::plain(Shape::Time),
            "uuid" | "guid" => Typed::plain(Shape::Uuid),
            "binary" => Typed::plain(Shape::File),
            "int32" | "int64" | "integer" => Typed::as_text(Shape::WHOLE),
            "decimal" | "number" | "double" | "float" => {
                self.note(node, subject, DIGITS_UNKNOWN);
                Typed::as_text(Shape::NUMBER)
            }
            "byte" => {
                self.note(node, subject, "it is bytes in base64; drafted as a text");
                Typed::plain(Shape::Text(max))
            }
            _ => Typed::plain(Shape::Text(max)),
        }
    }

    fn number_of(&self, node: &Node, word: &str) -> Option<i64> {
        let digits = node.get(word).and_then(Node::leaf)?;
        digits.strip_suffix(".0").unwrap_or(&digits).parse().ok()
    }

    fn whole(&mut self, node: &Node, subject: &str) -> Shape {
        let mut min = self.number_of(node, "minimum");
        let mut max = self.number_of(node, "maximum");
        // A truth in OpenAPI 3.0, a number in 3.1.
        match node.get("exclusiveMinimum") {
            Some(bound) if bound.is_true() => min = min.and_then(|min| min.checked_add(1)),
            Some(_) => min = self.number_of(node, "exclusiveMinimum").and_then(|min| min.checked_add(1)).or(min),
            None => {}
        }
        match node.get("exclusiveMaximum") {
            Some(bound) if bound.is_true() => max = max.and_then(|max| max.checked_sub(1)),
            Some(_) => max = self.number_of(node, "exclusiveMaximum").and_then(|max| max.checked_sub(1)).or(max),
            None => {}
        }
        if node.get("multipleOf").is_some() {
            self.note(node, subject, "`multipleOf` is not carried over");
        }
        Shape::Integer { min, max }
    }

    fn number(&mut self, node: &Node, subject: &str) -> Shape {
        let step = node.get("multipleOf").and_then(Node::leaf);
        let scale = step.as_deref().map(|step| step.split_once('.').map_or(0, |(_, behind)| behind.len()));
        let scale = scale.and_then(|scale| u32::try_from(scale).ok()).filter(|scale| *scale <= 28);
        let most = node.get("maximum").and_then(Node::leaf).unwrap_or_default();
        let whole = most.split('.').next().filter(|digits| digits.chars().all(|digit| digit.is_ascii_digit()));
        let whole = whole.and_then(|digits| u32::try_from(digits.len()).ok()).filter(|digits| *digits > 0);
        if node.get("minimum").is_some() || node.get("maximum").is_some() {
            self.note(node, subject, "`minimum` and `maximum` of a number with decimals are not carried over");
        }
        match (whole, scale) {
            (Some(whole), Some(scale)) if whole + scale <= 28 => Shape::Decimal { precision: whole + scale, scale },
            (_, Some(scale)) => {
                self.note(node, subject, "how many digits it has before the point is not said");
                Shape::Decimal { precision: 19.max(scale + 9).min(28), scale }
            }
            (_, None) => {
                self.note(node, subject, DIGITS_UNKNOWN);
                Shape::NUMBER
            }
        }
    }

    fn list(&mut self, node: &Node, subject: &str, depth: usize) -> Result<Typed, Fault> {
        let element = match node.get("items") {
            Some(items) if items.map().is_some() => self.typed(items, subject, depth + 1)?,
            Some(_) | None => {
                self.note(node, subject, "what its list holds is not said; drafted as a list of `json`");
                Typed::plain(Shape::Json)
            }
        };
        let bound = |schemas: &Self, word| schemas.number_of(node, word).and_then(|bound| u32::try_from(bound).ok());
        let min = bound(self, "minItems").unwrap_or(0);
        let max = bound(self, "maxItems").filter(|max| *max >= min);
        Ok(Typed::plain(Shape::List { min, max, element: Box::new(element) }))
    }

    fn map(&mut self, node: &Node, subject: &str, depth: usize) -> Result<Typed, Fault> {
        match node.get("additionalProperties") {
            Some(values) if values.map().is_some_and(|values| !values.is_empty()) => {
                let mut value = self.typed(values, subject, depth + 1)?;
                value.optional = false;
                Ok(Typed::plain(Shape::Map(Box::new(value))))
            }
            Some(_) | None => {
                self.note(node, subject, "which fields its record has is not said; drafted as `json`");
                Ok(Typed::plain(Shape::Json))
            }
        }
    }

    /// The fields of a record, those of its parts (`allOf`) and choices among them.
    fn fields(&mut self, node: &Node, subject: &str, depth: usize) -> Result<Vec<Field>, Fault> {
        let mut gathered = Gathered::default();
        self.gather(node, &mut gathered, false, 0);
        if gathered.chosen {
            self.note(node, subject, "it is one of several records; all their fields are drafted, each may be missing");
        }
        let mut fields = Vec::with_capacity(gathered.properties.len());
        for (wire, (property, choice)) in &gathered.properties {
            self.count(property)?;
            let named = format!("{subject}.{wire}");
            let required = gathered.required.contains(*wire) && !choice;
            let typed = self.typed(property, &named, depth + 1)?;
            fields.push(self.field(wire, property, typed, required, &named));
        }
        Ok(fields)
    }

    fn field(&mut self, wire: &str, property: &Node, mut typed: Typed, required: bool, named: &str) -> Field {
        let siblings = property.get("allOf").map(Node::list).unwrap_or_default();
        let says = |word: &str| property.says(word) || siblings.iter().any(|part| part.says(word));
        let (read_only, write_only) = (says("readOnly"), says("writeOnly"));
        if required && typed.optional && !read_only {
            self.note(property, named, "it must be sent and may be null: only the latter is carried over");
        }
        let marks = Marks {
            required: required && !read_only && !typed.optional,
            read_only,
            write_only,
            deprecated: says("deprecated"),
            ..Marks::default()
        };
        typed.optional |= !required;
        Field { wire: wire.to_owned(), typed, marks, doc: documentation(property), place: self.place(property) }
    }

    fn gather<'n>(&self, node: &'n Node, gathered: &mut Gathered<'n>, choice: bool, depth: usize)
    where
        'd: 'n,
    {
        if depth > CHAIN_MAX {
            return;
        }
        let mut node = node;
        if let Some(reference) = node.text_of("$ref") {
            let Some((pointer, target)) = reference.strip_prefix('#').and_then(|pointer| self.followed(pointer)) else {
                return;
            };
            // Each part counts once, however often it is named.
            if !gathered.seen.insert(pointer) {
                return;
            }
            node = target;
        }
        for part in node.get("allOf").map(Node::list).unwrap_or_default() {
            self.gather(part, gathered, choice, depth + 1);
        }
        for word in ["oneOf", "anyOf"] {
            for part in node.get(word).map(Node::list).unwrap_or_default() {
                if self.is_record(part) {
                    gathered.chosen = true;
                    self.gather(part, gathered, true, depth + 1);
                }
            }
        }
        for name in node.get("required").map(Node::list).unwrap_or_default() {
            if let Some(name) = name.text().filter(|_| !choice) {
                gathered.required.insert(name);
            }
        }
        for (name, property) in node.get("properties").and_then(Node::map).into_iter().flatten() {
            gathered.properties.insert(name, (property, choice));
        }
    }
}

/// What a record is put together of.
#[derive(Default)]
struct Gathered<'n> {
    properties: IndexMap<&'n str, (&'n Node, bool)>,
    required: HashSet<&'n str>,
    seen: HashSet<String>,
    chosen: bool,
}

/// What a schema says of itself.
pub(crate) fn documentation(node: &Node) -> String {
    one_line(node.text_of("description").or_else(|| node.text_of("title")).unwrap_or_default())
}

fn is_null(node: &Node) -> bool {
    node.text_of("type") == Some("null")
}

/// Is `null` one of the types?
fn null_is_a_type(node: &Node) -> bool {
    node.get("type").map(Node::list).unwrap_or_default().iter().any(|name| name.text() == Some("null"))
}

fn is_enum(node: &Node) -> bool {
    node.get("enum").is_some_and(|values| !values.list().is_empty()) || node.get("const").is_some()
}

/// The type beside `null`; several with blanks between them.
fn type_of(node: &Node) -> Option<String> {
    let named = node.get("type")?;
    if let Some(name) = named.text() {
        return Some(name.to_owned());
    }
    let names: Vec<&str> = named.list().iter().filter_map(Node::text).filter(|name| *name != "null").collect();
    if names.is_empty() { None } else { Some(names.join(" or ")) }
}
