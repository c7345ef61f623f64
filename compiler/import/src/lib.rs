//! Vendors' descriptions to catalogue drafts.
//!
//! In: the bytes of descriptions (OpenAPI, JSON Schema, OData `$metadata`, WSDL, XML Schema, GraphQL introspection, CSV,
//! JSON samples) and what to take of them. Out: a catalogue in the one layout that `mapwright check` accepts, and a note for
//! everything that a catalogue cannot say or that was guessed. It reads no file and follows no address.

use indexmap::IndexMap;

mod calls;
mod choose;
mod draft;
mod fault;
mod graphql;
mod json_schema;
mod manifest;
mod names;
mod node;
mod odata;
mod openapi;
mod print;
mod rows;
mod sample;
mod schema;
mod text;
mod values;
mod wsdl;
mod xml;
mod xsd;

pub use fault::{Fault, Note, Place};

use draft::{Draft, Role, Shape};

/// A description as it lies on disk.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file as it was named; its ending says how it is read.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// What is wanted of the descriptions.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The system's name; made from the description where it is not given.
    pub system: Option<String>,
    /// The entities; all where none is named.
    pub entities: Vec<String>,
    /// The folder of the system, by which its manifest names it.
    pub folder: Option<String>,
}

/// A draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The catalogue.
    pub catalogue: String,
    /// The connector's manifest, where the description tells how the system is reached (OpenAPI).
    pub manifest: Option<String>,
    /// What it cannot say and what was guessed, in the order of the descriptions.
    pub notes: Vec<Note>,
    /// How many entities and actions it has.
    pub entities: usize,
}

/// Something that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub name: String,
    /// Is it drafted without being asked for?
    pub entity: bool,
    /// How many fields it has itself.
    pub fields: usize,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Yaml,
    Xml,
    Rows,
}

/// A file, read as far as its form goes.
enum Tree {
    Values(Vec<node::Node>),
    Xml(xml::Element),
    Rows(String),
}

/// Makes a catalogue of descriptions of one system.
///
/// # Errors
/// A file cannot be read as what it is, nothing in it can be drafted, or something is wanted that it does not have.
pub fn import(sources: &[Source], wanted: &Wanted) -> Result<Imported, Fault> {
    let mut draft = read(sources)?;
    let connection = draft.connection.take();
    let first = sources.first().map_or("", |source| source.name.as_str());
    let title = draft.title.clone().filter(|title| !title.is_empty());
    let named = wanted.system.clone().or_else(|| title.clone()).unwrap_or_else(|| stem(first));
    let system = names::system(&named);
    let title = title.unwrap_or(named);
    let choice = choose::choose(draft, &wanted.entities, first)?;
    let files: Vec<&str> = sources.iter().map(|source| last_part(&source.name)).collect();
    let header = format!(
        "# Drafted by `mapwright import` from {}.\n# Look at every `key`, `changed` and length, and at the notes that the command gave.\n",
        files.join(", ")
    );
    let (text, told) = print::catalogue(&choice, &system, &title, &header);
    let catalogue = mapwright_syntax::format(&text).map_err(|faults| {
        let said = faults.first().map(|fault| fault.headline.clone()).unwrap_or_default();
        let help = "this is a fault of mapwright: choose other entities, and report it";
        Fault::at(first, 0, format!("its draft cannot be written down: {said}"), help)
    })?;
    let manifest = connection.map(|connection| {
        let folder = wanted.folder.as_deref().unwrap_or(&system);
        manifest::written(&connection, folder, &title, &files.join(", "), &drafted(&choice))
    });
    let entities = choice.chosen.iter().filter(|chosen| chosen.role != Role::Type).count();
    let mut notes = choice.notes;
    notes.extend(choice.chosen.into_iter().flat_map(|chosen| chosen.definition.notes));
    notes.extend(told);
    notes.sort_by(|one, other| (one.place, &one.subject, &one.text).cmp(&(other.place, &other.subject, &other.text)));
    notes.dedup();
    Ok(Imported { catalogue, manifest, notes, entities })
}

/// The chosen entities as a manifest needs them.
fn drafted(choice: &choose::Choice) -> Vec<manifest::Drafted<'_>> {
    let entities = choice.chosen.iter().filter(|chosen| chosen.role == Role::Entity);
    let drafted = entities.filter_map(|chosen| {
        let (key, _) = choice.names.iter().find(|(_, name)| **name == chosen.name)?;
        let Shape::Record(fields) = &chosen.definition.body else { return None };
        Some(manifest::Drafted {
            key,
            name: &chosen.name,
            fields: fields.iter().map(|field| field.wire.as_str()).collect(),
        })
    });
    drafted.collect()
}

/// What can be chosen of descriptions, entities first.
///
/// # Errors
/// As [`import`].
pub fn offers(sources: &[Source]) -> Result<Vec<Offer>, Fault> {
    let draft = read(sources)?;
    let mut offers: Vec<Offer> = Vec::new();
    for definition in draft.definitions.values() {
        if let Shape::Record(fields) = &definition.body {
            let entity = definition.role.is_drafted_unasked();
            offers.push(Offer { name: definition.name.clone(), entity, fields: fields.len() });
        }
    }
    offers.sort_by_key(|offer| !offer.entity);
    Ok(offers)
}

/// Everything that the descriptions hold.
fn read(sources: &[Source]) -> Result<Draft, Fault> {
    let mut texts = Vec::with_capacity(sources.len());
    for source in sources {
        texts.push(tree(source)?);
    }
    let mut whole = Draft::default();
    let mut services = Vec::new();
    let mut schemas = Vec::new();
    let mut samples = Vec::new();
    for (number, (source, tree)) in sources.iter().zip(&texts).enumerate() {
        let file = source.name.as_str();
        let one = match tree {
            Tree::Rows(text) => rows::read(file, number, text, &stem(file))?,
            Tree::Values(values) => match described(file, number, values)? {
                Some(one) => one,
                None => {
                    samples.push(sample::Sample { file, source: number, values, stem: stem(file) });
                    continue;
                }
            },
            Tree::Xml(root) => match root.name.as_str() {
                "Edmx" => odata::read(file, number, root)?,
                "definitions" => {
                    services.push(wsdl::Service { file, source: number, root });
                    continue;
                }
                "schema" => {
                    schemas.push(xsd::Schema { file, source: number, element: root });
                    continue;
                }
                other => {
                    let message = format!("XML that begins with `{other}` is no description that is known");
                    let help = "OData's `Edmx`, WSDL's `definitions` and XML Schema's `schema` are";
                    return Err(Fault::at(file, root.line, message, help));
                }
            },
        };
        merge(&mut whole, one);
    }
    if !samples.is_empty() {
        merge(&mut whole, sample::read(&samples)?);
    }
    if !services.is_empty() {
        merge(&mut whole, wsdl::read(&services, &schemas)?);
    } else if !schemas.is_empty() {
        merge(&mut whole, xsd::read(&schemas)?);
    }
    Ok(whole)
}

fn merge(whole: &mut Draft, one: Draft) {
    whole.title = whole.title.take().or(one.title);
    let definitions: IndexMap<_, _> = one.definitions;
    whole.definitions.extend(definitions);
    whole.notes.extend(one.notes);
    whole.connection = whole.connection.take().or(one.connection);
}

/// JSON and YAML by what they hold; `None` = samples of records.
fn described(file: &str, source: usize, values: &[node::Node]) -> Result<Option<Draft>, Fault> {
    let described = match values {
        [root] if root.get("openapi").is_some() || root.get("swagger").is_some() => openapi::read(file, source, root),
        [root] if graphql::schema(root).is_some() => graphql::read(file, source, root),
        [root] if is_schema(root) => json_schema::read(file, source, root, &stem(file)),
        _ => return Ok(None),
    };
    described.map(Some)
}

fn is_schema(root: &node::Node) -> bool {
    let object = matches!(root.text_of("type"), Some("object" | "array"));
    let parts = ["properties", "items", "allOf", "$defs", "definitions"];
    root.get("$schema").is_some()
        || root.get("$defs").is_some_and(|defs| defs.map().is_some())
        || (object && parts.iter().any(|part| root.get(part).is_some()))
}

fn tree(source: &Source) -> Result<Tree, Fault> {
    let file = source.name.as_str();
    let text = text::decoded(file, &source.bytes)?;
    if text.trim().is_empty() {
        return Err(Fault::at(file, 0, "it is empty", "name the file that holds the description"));
    }
    Ok(match form(file, &text) {
        Form::Json => Tree::Values(node::from_json_lines(file, &text)?),
        Form::Yaml => Tree::Values(vec![node::from_yaml(file, &text)?]),
        Form::Xml => Tree::Xml(xml::parse(file, &text)?),
        Form::Rows => Tree::Rows(text),
    })
}

/// The form of a file, by its ending, else by how it begins.
fn form(file: &str, text: &str) -> Form {
    let ending = file.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let begins = text.trim_start().chars().next().unwrap_or_default();
    match (ending.as_str(), begins) {
        ("csv" | "tsv", _) => Form::Rows,
        (_, '<') => Form::Xml,
        (_, '{' | '[') => Form::Json,
        ("json" | "jsonl" | "ndjson", _) => Form::Json,
        ("yaml" | "yml", _) => Form::Yaml,
        ("xml" | "xsd" | "wsdl" | "edmx", _) => Form::Xml,
        ("txt", _) => Form::Rows,
        (_, _) => Form::Yaml,
    }
}

fn last_part(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

/// A file's name without folders and ending.
fn stem(file: &str) -> String {
    let name = last_part(file);
    name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(name).to_owned()
}
