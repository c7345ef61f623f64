//! A change on the vendor's side is caught: a field is renamed, a length shortened, a word dropped in a catalogue that a shipped
//! integration uses, and the checker names every place of the specs that is concerned.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test: what is not as expected ends it"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use mapwright_drift::{Class, Known, classify, compare};
use mapwright_model::ir::{EntityRef, Field, Model, Record, RecordId, Type};
use mapwright_model::project::Project;
use mapwright_model::uses::{How, Use, uses};
use mapwright_project::Loaded;
use mapwright_syntax::{Diagnostic, FileId, Severity, Span};
use mapwright_tests::repository;

/// How many fields of each kind are changed in each integration, spread over all that are used: 4, or `MAPWRIGHT_FIELDS`. So
/// `MAPWRIGHT_FIELDS=1000 cargo test -p mapwright-tests --test vendor_changes` changes each of them.
fn fields_max() -> usize {
    std::env::var("MAPWRIGHT_FIELDS").ok().and_then(|number| number.parse().ok()).unwrap_or(4)
}

fn integrations() -> Vec<PathBuf> {
    let folder = repository().join("specs/integrations");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.join("Cargo.toml").is_file());
    found.sort();
    assert!(found.len() >= 4, "{found:?}");
    found
}

/// A shipped integration that has no fault.
struct Shipped {
    name: String,
    folder: PathBuf,
    loaded: Loaded,
    model: Model,
    uses: Vec<Use>,
}

impl Shipped {
    fn load(folder: PathBuf) -> Self {
        let loaded = mapwright_project::load(&folder).unwrap();
        let (model, faults) = mapwright_model::check(&loaded.project);
        let errors: Vec<&Diagnostic> = faults.iter().filter(|fault| fault.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", folder.display());
        let uses = uses(&model);
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        Self { name, folder, loaded, model, uses }
    }

    fn text(&self, span: Span) -> &str {
        let file = self.loaded.project.files.get(span.file).unwrap();
        &file.text[span.start as usize..span.end as usize]
    }

    fn line(&self, span: Span) -> String {
        let (path, line, _) = self.loaded.project.files.place(span);
        format!("{}/{path}:{line}", self.name)
    }

    /// Lines of the specs that say `.NAME`, if only one field of all systems is called so, and no entity.
    fn lines_that_say(&self, name: &str) -> Vec<Span> {
        let fields = self.model.records.iter().flat_map(Record::fields);
        let mut entities = self.model.systems.iter().flat_map(|system| &system.entities);
        if fields.filter(|field| field.name == name).count() != 1 || entities.any(|entity| entity.name == name) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (file, _) in &self.loaded.project.specs {
            let mut start = 0;
            for line in self.loaded.project.files.get(*file).unwrap().text.split_inclusive('\n') {
                let code = line.split(" # ").next().unwrap_or_default();
                if !code.starts_with('#') && code.match_indices('.').any(|(at, _)| begins_with(&code[at + 1..], name)) {
                    let end = start + line.trim_end().len();
                    found.push(Span {
                        file: *file,
                        start: u32::try_from(start).unwrap(),
                        end: u32::try_from(end).unwrap(),
                    });
                }
                start += line.len();
            }
        }
        found
    }

    /// Leaves that are used, each with its uses, in an order that does not change.
    fn used(&self) -> Vec<(EntityRef, Field, Vec<&Use>)> {
        let mut by: BTreeMap<(String, String, Vec<String>), Vec<&Use>> = BTreeMap::new();
        for used in self.uses.iter().filter(|used| !used.path.is_empty()) {
            by.entry((used.entity.system.clone(), used.entity.entity.clone(), used.path.clone()))
                .or_default()
                .push(used);
        }
        let mut found = Vec::new();
        for ((system, entity, path), uses) in by {
            let entity = EntityRef { system, entity };
            let Some(known) = self.model.entity(&entity) else { continue };
            let Some(field) = field_at(&self.model, known.record, &path) else { continue };
            // The project's own fields (`extend`) are not the vendor's.
            if self.loaded.project.systems.iter().any(|system| system.catalogue.0 == field.span.file) {
                found.push((entity, field, uses));
            }
        }
        found
    }

    /// The project with another text of one catalogue, and what the checker says of it.
    fn changed(&self, catalogue: FileId, edit: &dyn Fn(&str) -> String) -> (FileId, Vec<Diagnostic>) {
        let mut project = mapwright_project::load(&self.folder).unwrap().project;
        let before = project.files.get(catalogue).unwrap().text.clone();
        let after = edit(&before);
        assert_ne!(before, after);
        let id = project.files.add("new/catalogue.mapspec", after.clone());
        let (tree, faults) = mapwright_syntax::parse(id, &after);
        assert!(faults.is_empty(), "{faults:?}");
        let source = project.systems.iter_mut().find(|system| system.catalogue.0 == catalogue).unwrap();
        source.catalogue = (id, tree);
        let mut faults = mapwright_model::check(&project).1;
        faults.retain(|fault| fault.severity == Severity::Error);
        (id, faults)
    }

    /// What `drift` makes of the same change.
    fn drift(
        &self,
        alias: &str,
        catalogue: FileId,
        edit: &dyn Fn(&str) -> String,
        (id, faults): (FileId, &[Diagnostic]),
    ) -> Vec<(Class, Vec<Span>)> {
        let before = self.loaded.project.files.get(catalogue).unwrap().text.clone();
        let (old, new) = (alone(&before), alone(&edit(&before)));
        let changes = compare((&old, &old.systems[0]), (&new, &new.systems[0]));
        assert!(!changes.is_empty());
        let known =
            Known { uses: &self.uses, alias, faults: Some(faults), catalogue: id, files: &self.loaded.project.files };
        let drifts = classify(changes, &known);
        drifts.into_iter().map(|drift| (drift.class, drift.uses.iter().map(|used| used.span).collect())).collect()
    }
}

fn field_at(model: &Model, record: RecordId, path: &[String]) -> Option<Field> {
    let (first, rest) = path.split_first()?;
    let field = model.record(record)?.fields().find(|field| field.wire == *first)?;
    let inner = match &field.ty {
        Type::Record(inner) => Some(*inner),
        Type::List(list) => match &list.element {
            Type::Record(inner) => Some(*inner),
            _ => None,
        },
        _ => None,
    };
    match (rest.is_empty(), inner) {
        (true, None) => Some(field.clone()),
        (false, Some(inner)) => field_at(model, inner, rest),
        _ => None,
    }
}

fn alone(catalogue: &str) -> Model {
    let mut project = Project::default();
    let id = project.files.add("catalogue.mapspec", catalogue);
    project.specs.push((id, mapwright_syntax::parse(id, catalogue).0));
    mapwright_model::check(&project).0
}

fn touches(one: Span, other: Span) -> bool {
    one.file == other.file && one.start < other.end && other.start < one.end
}

/// Is this the text's first word?
fn begins_with(text: &str, name: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.trim_start_matches('`').strip_prefix(name).is_some_and(|behind| !behind.starts_with(part))
}

/// Is this one of the text's words?
fn names(text: &str, name: &str) -> bool {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == name)
}

/// Some of them, spread evenly.
fn spread<T>(all: Vec<T>) -> Vec<T> {
    let step = all.len().div_ceil(fields_max()).max(1);
    all.into_iter().step_by(step).collect()
}

/// The text with a stretch replaced.
fn replaced(text: &str, start: usize, end: usize, by: &str) -> String {
    format!("{}{by}{}", &text[..start], &text[end..])
}

#[test]
fn a_renamed_field_is_named_at_every_place_that_uses_it() {
    for folder in integrations() {
        let shipped = Shipped::load(folder);
        let used = shipped.used();
        assert!(used.len() >= 10, "{}: {}", shipped.name, used.len());
        for (entity, field, uses) in spread(used) {
            let edit = |text: &str| {
                let (start, end) = (field.span.start as usize, field.span.end as usize);
                let name_end =
                    start + text[start..end].find(|letter: char| letter.is_whitespace()).unwrap_or(end - start);
                replaced(text, start, name_end, &format!("{}Renamed", text[start..name_end].trim_matches('`')))
            };
            let (id, faults) = shipped.changed(field.span.file, &edit);
            for line in shipped.lines_that_say(&field.name) {
                let named = faults.iter().any(|fault| fault.labels.iter().any(|label| touches(label.span, line)));
                assert!(named, "{}: `{}` is not named: {faults:#?}", shipped.line(line), field.name);
            }
            for used in &uses {
                // A flow is known by its first line; what it asks for stands below that.
                let at = |span: Span| match used.by.starts_with("flow") {
                    true => span.file == used.span.file && span.start >= used.span.start,
                    false => touches(span, used.span),
                };
                let named = faults.iter().any(|fault| fault.labels.iter().any(|label| at(label.span)));
                if !named && !names(shipped.text(used.span), &field.name) {
                    // `one per` tells the parts by their key, whatever it is called: the line stays right. `drift` tells of it all the same.
                    assert!(field.key, "{}: {}", shipped.line(used.span), field.name);
                    let drifts = shipped.drift(&entity.system, field.span.file, &edit, (id, &faults));
                    let told =
                        drifts.iter().any(|(class, spans)| *class == Class::Breaking && spans.contains(&used.span));
                    assert!(told, "{}: drift does not tell of `{}`", shipped.line(used.span), field.name);
                    continue;
                }
                assert!(
                    named,
                    "{}: `{}.{}` is used and not named: {faults:#?}",
                    shipped.line(used.span),
                    entity.entity,
                    field.name
                );
            }
        }
    }
}

#[test]
fn a_shortened_length_is_named_where_nothing_cuts_or_rejects() {
    for folder in integrations() {
        let shipped = Shipped::load(folder);
        let mut written = shipped.used();
        let long = |field: &Field| matches!(&field.ty, Type::Text { max: Some(max), .. } if *max > 4);
        written.retain(|(_, field, uses)| {
            long(field) && uses.iter().any(|used| used.how == How::Writes && used.by.starts_with("mapping"))
        });
        assert!(!written.is_empty(), "{} writes no text with a length", shipped.name);
        for (entity, field, uses) in spread(written) {
            let declaration = |text: &str| {
                let start = field.span.start as usize;
                let end = text[start..].find('\n').map_or(text.len(), |end| start + end);
                (start, end)
            };
            let edit = |text: &str| {
                let (start, end) = declaration(text);
                let Some(at) = text[start..end].find("text(") else { return text.to_owned() };
                let digits = start + at + "text(".len();
                let behind = digits + text[digits..].find(|letter: char| !letter.is_ascii_digit()).unwrap();
                replaced(text, digits, behind, "1")
            };
            let whole = &shipped.loaded.project.files.get(field.span.file).unwrap().text;
            if edit(whole) == *whole {
                // Its length stands in a type of its own.
                continue;
            }
            let (id, faults) = shipped.changed(field.span.file, &edit);
            let drifts = shipped.drift(&entity.system, field.span.file, &edit, (id, &faults));
            for used in uses.iter().filter(|used| used.how == How::Writes && used.by.starts_with("mapping")) {
                let statement = shipped.text(used.span);
                let bounded =
                    ["cut", "fit", "lookup", "match", "substring"].iter().any(|word| statement.contains(word));
                let named = faults.iter().any(|fault| touches(fault.span(), used.span));
                // A link gives the key as the vendor has given it: it is as long as the field, whatever the length.
                let own = field.key && statement.contains(&format!("linked {}.{} of ", entity.system, entity.entity));
                let place = shipped.line(used.span);
                assert!(
                    named || bounded || own,
                    "{place}: `{}.{}` <- {statement}\n{faults:#?}",
                    entity.entity,
                    field.name
                );
                let told = drifts.iter().any(|(class, spans)| *class >= Class::Lossy && spans.contains(&used.span));
                assert!(told, "{place}: drift does not tell of `{}.{}`: {drifts:?}", entity.entity, field.name);
            }
        }
    }
}

#[test]
fn a_dropped_word_is_named_where_it_is_written() {
    let mut dropped = 0;
    for folder in integrations() {
        let shipped = Shipped::load(folder);
        let mut used = shipped.used();
        used.retain(|(_, field, _)| matches!(&field.ty, Type::Enum(words) if words.values.len() > 1));
        for (entity, field, uses) in used {
            let Type::Enum(words) = &field.ty else { continue };
            for word in &words.values {
                let quoted = format!("\"{}\"", word.name);
                let spoken: Vec<&&Use> = uses.iter().filter(|used| shipped.text(used.span).contains(&quoted)).collect();
                if spoken.is_empty() || dropped >= 3 * fields_max() {
                    continue;
                }
                let edit = |text: &str| {
                    let start = field.span.start as usize;
                    let Some(from) = text[start..].find("enum(").map(|at| start + at + "enum(".len()) else {
                        return text.to_owned();
                    };
                    let end = from + text[from..].find(')').unwrap();
                    let kept: Vec<&str> = text[from..end]
                        .split(',')
                        .filter(|part| part.split('=').next().unwrap().trim().trim_matches('"') != word.name)
                        .collect();
                    replaced(text, from, end, &kept.join(","))
                };
                let whole = &shipped.loaded.project.files.get(field.span.file).unwrap().text;
                if edit(whole) == *whole || !text_of_field(whole, &field).contains("enum(") {
                    continue;
                }
                let (_, faults) = shipped.changed(field.span.file, &edit);
                for used in spoken {
                    let named = faults.iter().any(|fault| touches(fault.span(), used.span));
                    let place = shipped.line(used.span);
                    assert!(named, "{place}: {quoted} of `{}.{}` is not named: {faults:#?}", entity.entity, field.name);
                    dropped += 1;
                }
            }
        }
    }
    assert!(dropped >= 5, "only {dropped} words of shipped integrations were dropped");
}

/// The line of a field's declaration.
fn text_of_field<'t>(text: &'t str, field: &Field) -> &'t str {
    text[field.span.start as usize..].lines().next().unwrap_or_default()
}
