//! Records as a system gave them, in JSON, to the draft: what all of them have in common.

use indexmap::IndexMap;

use crate::draft::{
    DEPTH_MAX, Definition, Draft, Field, Marks, Role, Shape, Typed, folded, guess_change_stamp, guess_key,
};
use crate::fault::{Fault, Note, Place};
use crate::node::{Node, Value};
use crate::values::Looks;

/// Members that hold the records of a page.
const COVERED: [&str; 8] = ["data", "value", "items", "results", "records", "content", "rows", "entries"];

/// What was seen at one place of all records.
#[derive(Default)]
struct Seen<'n> {
    /// Where it was seen first.
    source: usize,
    line: u32,
    times: usize,
    nulls: usize,
    truths: usize,
    texts: Looks,
    numbers: Looks,
    number_count: usize,
    text_count: usize,
    records: usize,
    lists: usize,
    members: IndexMap<&'n str, Seen<'n>>,
    element: Option<Box<Seen<'n>>>,
}

/// Samples of one file.
pub(crate) struct Sample<'n> {
    pub(crate) file: &'n str,
    pub(crate) source: usize,
    pub(crate) values: &'n [Node],
    /// The file's name without its ending.
    pub(crate) stem: String,
}

/// Reads samples. Files whose records are of one name (`order-1.json`, `order-2.json`) are read as one.
pub(crate) fn read(samples: &[Sample<'_>]) -> Result<Draft, Fault> {
    let mut kinds: IndexMap<String, Vec<(usize, &Node)>> = IndexMap::new();
    for sample in samples {
        let (name, records) = records(sample)?;
        kinds.entry(name).or_default().extend(records.into_iter().map(|record| (sample.source, record)));
    }
    let mut draft = Draft::default();
    for (name, records) in kinds {
        let mut seen = Seen::default();
        for (source, record) in &records {
            seen.look(*source, record);
        }
        let (source, line) = records.first().map_or((0, 1), |(source, record)| (*source, record.line));
        let place = Place { source, line };
        let text = format!(
            "drafted from {}: types are guessed, lengths, enums and what is required are not known",
            match records.len() {
                1 => "one record".to_owned(),
                several => format!("{several} records"),
            }
        );
        let mut notes = vec![Note { place, subject: name.clone(), text }];
        let mut fields = seen.fields(&name, 0, &mut notes);
        guess_key(&name, &mut fields, place, &mut notes);
        guess_change_stamp(&name, &mut fields, &mut notes);
        let body = Shape::Record(fields);
        let definition = Definition { name: name.clone(), role: Role::Entity, doc: String::new(), body, place, notes };
        draft.definitions.insert(format!("sample {name}"), definition);
    }
    Ok(draft)
}

/// The records of a file, and what they are called.
fn records<'n>(sample: &Sample<'n>) -> Result<(String, Vec<&'n Node>), Fault> {
    let mut records: Vec<&Node> = Vec::new();
    let mut name = unnumbered(&sample.stem).to_owned();
    for one in sample.values {
        match &one.value {
            Value::List(items) => records.extend(items),
            Value::Map(members) => match page(members) {
                Some((cover, items)) => {
                    if !COVERED.contains(&cover) {
                        cover.clone_into(&mut name);
                    }
                    records.extend(items);
                }
                None => records.push(one),
            },
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) => records.push(one),
        }
    }
    if let Some(stranger) = records.iter().find(|record| record.map().is_none()) {
        let help = "a sample is a record, a list of records, or one record a line";
        return Err(Fault::at(sample.file, stranger.line, "this is no record", help));
    }
    if records.is_empty() {
        return Err(Fault::at(sample.file, 1, "it holds no record", "take a sample with at least one record"));
    }
    Ok((name, records))
}

/// A name without a number at its end, by which several samples of one kind are told apart.
fn unnumbered(stem: &str) -> &str {
    let bare = stem.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let bare = bare.trim_end_matches(['-', '_', ' ']);
    if bare.is_empty() || bare.len() == stem.len() { stem } else { bare }
}

/// The records of a page: the one list of records in it.
fn page(members: &IndexMap<String, Node>) -> Option<(&str, &[Node])> {
    let of_records = |node: &Node| !node.list().is_empty() && node.list().iter().all(|item| item.map().is_some());
    let known = members.iter().find(|(name, node)| COVERED.contains(&folded(name).as_str()) && of_records(node));
    let has_id = members.keys().any(|name| folded(name).ends_with("id"));
    let only = || if members.len() == 1 { members.iter().find(|(_, node)| of_records(node)) } else { None };
    let (name, node) = known.filter(|_| !has_id).or_else(only)?;
    Some((name, node.list()))
}

impl<'n> Seen<'n> {
    fn look(&mut self, source: usize, node: &'n Node) {
        if self.times == 0 {
            (self.source, self.line) = (source, node.line);
        }
        self.times += 1;
        match &node.value {
            Value::Null => self.nulls += 1,
            Value::Boolean(_) => self.truths += 1,
            Value::Number(digits) => {
                self.number_count += 1;
                self.numbers.look(digits);
            }
            Value::Text(text) => {
                self.text_count += 1;
                if !text.is_empty() {
                    self.texts.look(text);
                }
            }
            Value::List(items) => {
                self.lists += 1;
                let element = self.element.get_or_insert_default();
                items.iter().for_each(|item| element.look(source, item));
            }
            Value::Map(members) => {
                self.records += 1;
                for (name, member) in members {
                    self.members.entry(name).or_default().look(source, member);
                }
            }
        }
    }

    fn fields(&self, subject: &str, depth: usize, notes: &mut Vec<Note>) -> Vec<Field> {
        let mut fields = Vec::with_capacity(self.members.len());
        for (wire, member) in &self.members {
            let place = Place { source: member.source, line: member.line };
            let named = format!("{subject}.{wire}");
            if wire.starts_with("@odata.") || wire.contains("@odata.") {
                notes.push(Note { place, subject: named, text: "not drafted: it belongs to the protocol".to_owned() });
                continue;
            }
            let mut typed = member.typed(&named, depth + 1, notes);
            typed.optional = member.nulls > 0 || member.times < self.records;
            let blank = member.text_count > member.texts.seen && !matches!(typed.shape, Shape::Text(_) | Shape::Json);
            let marks = Marks { blank_is_missing: blank, ..Marks::default() };
            typed.optional |= blank;
            fields.push(Field { wire: (*wire).to_owned(), typed, marks, doc: String::new(), place });
        }
        fields
    }

    fn typed(&self, subject: &str, depth: usize, notes: &mut Vec<Note>) -> Typed {
        let mut note = |text: &str| {
            let place = Place { source: self.source, line: self.line };
            notes.push(Note { place, subject: subject.to_owned(), text: text.to_owned() });
        };
        let present = self.times - self.nulls;
        let all = |count: usize| count > 0 && count == present;
        if present == 0 {
            note("no value was seen; drafted as `json`, which is passed on unread");
        } else if all(self.truths) {
            return Typed::plain(Shape::Boolean);
        } else if all(self.number_count) {
            return Typed::plain(self.numbers.number());
        } else if all(self.text_count) {
            return self.texts.formed().unwrap_or(Typed::plain(Shape::TEXT));
        } else if depth > DEPTH_MAX {
            note("records nest too deeply here; drafted as `json`, which is passed on unread");
        } else if all(self.records) && !self.members.is_empty() {
            let fields = self.fields(subject, depth, notes);
            if !fields.is_empty() {
                return Typed::plain(Shape::Record(fields));
            }
        } else if all(self.lists) {
            return match self.element.as_deref().filter(|element| element.times > 0) {
                Some(element) => {
                    let mut typed = element.typed(subject, depth + 1, notes);
                    typed.optional = element.nulls > 0;
                    Typed::plain(Shape::list(typed))
                }
                None => {
                    note("its list was always empty; drafted as a list of `json`");
                    Typed::plain(Shape::list(Typed::plain(Shape::Json)))
                }
            };
        } else if all(self.records) {
            note("its record was always empty; drafted as `json`, which is passed on unread");
        } else {
            note("values of several types were seen; drafted as `json`, which is passed on unread");
        }
        Typed::plain(Shape::Json)
    }
}
