//! The draft as a catalogue. In: what was chosen. Out: spec text, not formatted yet.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use crate::choose::{Choice, Chosen};
use crate::draft::{Field, Role, Shape, Typed};
use crate::fault::Note;
use crate::names::{as_type, is_plain, quoted, unique};

/// A catalogue.
pub(crate) struct Printer<'c> {
    names: &'c HashMap<String, String>,
    entities: HashSet<&'c str>,
    text: String,
    notes: Vec<Note>,
}

/// Writes a catalogue; what cannot be written is told in notes.
pub(crate) fn catalogue(choice: &Choice, system: &str, title: &str, header: &str) -> (String, Vec<Note>) {
    let entities = choice.chosen.iter().filter(|chosen| chosen.role == Role::Entity).map(|chosen| chosen.name.as_str());
    let mut printer =
        Printer { names: &choice.names, entities: entities.collect(), text: String::new(), notes: Vec::new() };
    printer.text.push_str(header);
    let _fits = writeln!(printer.text, "\nsystem {system} {} {{", quoted(title));
    let by = |role: Role| choice.chosen.iter().filter(move |chosen| chosen.role == role);
    for chosen in by(Role::Type) {
        printer.declared(chosen);
    }
    for chosen in by(Role::Entity).chain(by(Role::Action)) {
        printer.entity(chosen);
    }
    printer.text.push_str("}\n");
    (printer.text, printer.notes)
}

impl Printer<'_> {
    fn declared(&mut self, chosen: &Chosen) {
        let body = match &chosen.definition.body {
            Shape::Record(fields) if fields.is_empty() => {
                self.note(chosen, "its record has no fields; drafted as `json`, which is passed on unread");
                "json".to_owned()
            }
            body => self.typed(&Typed::plain(body.clone()), &chosen.name),
        };
        let _fits = writeln!(self.text, "  type {} = {body}\n", chosen.name);
    }

    fn entity(&mut self, chosen: &Chosen) {
        let Shape::Record(fields) = &chosen.definition.body else {
            self.note(chosen, "not drafted: it is no record");
            return;
        };
        if fields.is_empty() {
            self.note(chosen, "not drafted: its record has no fields");
            return;
        }
        let word = if chosen.role == Role::Action { "action" } else { "entity" };
        let doc = if chosen.definition.doc.is_empty() { String::new() } else { quoted(&chosen.definition.doc) };
        let fields = self.fields(fields, &chosen.name);
        let _fits = writeln!(self.text, "  {word} {} {doc} {fields}\n", chosen.name);
    }

    fn note(&mut self, chosen: &Chosen, text: &str) {
        let (place, subject) = (chosen.definition.place, chosen.definition.name.clone());
        self.notes.push(Note { place, subject, text: text.to_owned() });
    }

    fn fields(&mut self, fields: &[Field], owner: &str) -> String {
        let mut text = "{\n".to_owned();
        let mut taken = HashSet::new();
        // Names that need no change keep it.
        let plain: HashSet<&str> =
            fields.iter().map(|field| field.wire.as_str()).filter(|wire| is_plain(wire)).collect();
        taken.extend(plain.iter().map(|name| (*name).to_owned()));
        let mut wires = HashSet::new();
        for field in fields {
            let subject = format!("{owner}.{}", field.wire);
            if !wires.insert(field.wire.as_str()) || field.wire.trim().is_empty() {
                let text = "not drafted: a field of this name stands above, or it has no name".to_owned();
                self.notes.push(Note { place: field.place, subject, text });
                continue;
            }
            let name =
                if plain.contains(field.wire.as_str()) { field.wire.clone() } else { unique(&field.wire, &mut taken) };
            let typed = self.typed(&field.typed, &subject);
            let marks = self.marks(field, &name, owner);
            let doc = if field.doc.is_empty() { String::new() } else { quoted(&field.doc) };
            let _fits = writeln!(text, "    {name} {typed} {marks} {doc}");
        }
        text.push_str("  }");
        text
    }

    fn marks(&mut self, field: &Field, name: &str, owner: &str) -> String {
        let given = &field.marks;
        let mut marks: Vec<String> = Vec::new();
        let said = [
            (given.key, "key"),
            (given.create_only, "create only"),
            (given.required, "required"),
            (given.read_only, "read only"),
            (given.write_only, "write only"),
            (given.changed, "changed"),
            (given.blank_is_missing, "missing as \"\""),
            (given.deprecated, "deprecated \"the description says so\""),
        ];
        marks.extend(said.iter().filter(|(given, _)| *given).map(|(_, mark)| (*mark).to_owned()));
        if let Some(target) = &given.refers_to {
            match self.names.get(target).filter(|name| self.entities.contains(name.as_str())) {
                Some(target) => marks.push(format!("refers to {}", as_type(target))),
                None => self.notes.push(Note {
                    place: field.place,
                    subject: format!("{owner}.{}", field.wire),
                    text: format!(
                        "it refers to `{}`, which is not drafted",
                        target.rsplit('.').next().unwrap_or(target)
                    ),
                }),
            }
        }
        if name != field.wire {
            marks.push(format!("named {}", quoted(&field.wire)));
        }
        marks.join(", ")
    }

    fn typed(&mut self, typed: &Typed, owner: &str) -> String {
        let optional = if typed.optional { "?" } else { "" };
        let base = match &typed.shape {
            Shape::List { min, max, element } => return self.list(*min, *max, element, optional, owner),
            Shape::Map(value) => return format!("map{optional} from text to {}", self.typed(value, owner)),
            Shape::Text(None) => "text".to_owned(),
            Shape::Text(Some(max)) => format!("text({max})"),
            Shape::Integer { min: None, max: None } => "integer".to_owned(),
            Shape::Integer { min, max } => {
                let shown = |bound: &Option<i64>| bound.map(|bound| bound.to_string()).unwrap_or_default();
                format!("integer({}..{})", shown(min), shown(max))
            }
            Shape::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
            Shape::Boolean => "boolean".to_owned(),
            Shape::Date => "date".to_owned(),
            Shape::Time => "time".to_owned(),
            Shape::Instant => "datetime".to_owned(),
            Shape::Uuid => "uuid".to_owned(),
            Shape::Json => "json".to_owned(),
            Shape::File => "file".to_owned(),
            Shape::Enum(words) => {
                // A word that stands twice is one.
                let mut seen = HashSet::new();
                let words: Vec<String> = words
                    .iter()
                    .filter(|word| seen.insert(word.as_str()))
                    .map(|word| if is_word(word) { word.clone() } else { quoted(word) })
                    .collect();
                format!("enum({})", words.join(", "))
            }
            Shape::Record(fields) if fields.is_empty() => "json".to_owned(),
            Shape::Record(fields) => self.fields(fields, owner),
            Shape::Named(key) => match self.names.get(key) {
                Some(name) => as_type(name),
                None => "json".to_owned(),
            },
        };
        let spelled = typed.spelled.map(|spelled| format!(" as {spelled}")).unwrap_or_default();
        format!("{base}{spelled}{optional}")
    }

    fn list(&mut self, min: u32, max: Option<u32>, element: &Typed, optional: &str, owner: &str) -> String {
        let range = match (min, max) {
            (0, None) => String::new(),
            (0, Some(max)) => format!("(..{max})"),
            (min, max) => format!("({min}..{})", max.map(|max| max.to_string()).unwrap_or_default()),
        };
        let of = if matches!(&element.shape, Shape::Record(fields) if !fields.is_empty()) { "" } else { "of " };
        let element = self.typed(element, owner);
        let element = if of.is_empty() { element.trim_end_matches('?').to_owned() } else { element };
        format!("list{optional}{range} {of}{element}")
    }
}

/// Can it stand in an `enum` without quotes?
fn is_word(word: &str) -> bool {
    is_plain(word) && word.is_ascii()
}
