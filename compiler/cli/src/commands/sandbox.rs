//! `mapwright sandbox`: plays any system on this machine.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use mapwright_model::ir::{Entity, Field, Model, RecordId, Spelling, System, Type};
use mapwright_sandbox::RandomFaults;
use mapwright_sandbox::derived::{Derived, DerivedConfig, EntityType, FieldType, Schema, Shape};
use mapwright_values::Json;
use mapwright_values::names::closest;

use super::{Answer, Checked};
use crate::report::{Status, Stream};

/// How deep records may stand within records; a type that holds itself is cut there.
const DEPTH_MAX: usize = 8;

/// What is asked of the command.
pub(crate) struct Wanted<'w> {
    pub(crate) system: &'w str,
    pub(crate) listen: SocketAddr,
    pub(crate) records: u64,
    pub(crate) seed: u64,
    pub(crate) config: &'w [String],
    pub(crate) faults: bool,
    pub(crate) dir: &'w Path,
}

pub(crate) fn run(wanted: &Wanted<'_>) -> Answer {
    let mut config = BTreeMap::new();
    for pair in wanted.config {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(format!("--config {pair}: write NAME=VALUE"));
        };
        config.insert(name.to_owned(), value.to_owned());
    }
    let (checked, name) = load(wanted)?;
    checked.tell_errors();
    if checked.has_errors() {
        return Ok(Status::Faults);
    }
    let known = checked.model.systems.iter().find(|system| system.alias == name || system.name == name);
    let Some(system) = known else {
        let aliases = checked.model.systems.iter().map(|system| system.alias.as_str());
        let help = closest(&name, aliases).map(|close| format!("; did you mean `{close}`?")).unwrap_or_default();
        return Err(format!("the project in {} uses no system `{name}`{help}", wanted.dir.display()));
    };
    let schema = schema(&checked.model, system);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(play(wanted, system, schema, config))
}

/// The project or system that is meant, and the name to look for in it.
fn load(wanted: &Wanted<'_>) -> Result<(Checked, String), String> {
    if let Some((above, name)) = super::system_at(Path::new(wanted.system))? {
        return Ok((Checked::load_system(&above, &name)?, name));
    }
    let is_project = std::fs::read_dir(wanted.dir).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == "mapspec"))
    });
    if is_project {
        let checked = Checked::load(wanted.dir)?;
        let used = |system: &System| system.alias == wanted.system || system.name == wanted.system;
        if checked.model.systems.iter().any(used) {
            return Ok((checked, wanted.system.to_owned()));
        }
    }
    Ok((Checked::load_system(wanted.dir, wanted.system)?, wanted.system.to_owned()))
}

async fn play(wanted: &Wanted<'_>, system: &System, schema: Schema, config: BTreeMap<String, String>) -> Answer {
    let config = DerivedConfig { listen: wanted.listen, config, ..DerivedConfig::default() };
    let sandbox = Derived::start(schema, &system.manifest, config).await.map_err(|error| error.to_string())?;
    Stream::Output.say(format_args!("{}, played by this machine\n  url:         {}", sandbox.title(), sandbox.url()));
    for (name, value) in sandbox.config() {
        Stream::Output.say(format_args!("  config:      {name}: {value}"));
    }
    for (name, value) in sandbox.credentials() {
        Stream::Output.say(format_args!("  credentials: {name}: {value}"));
    }
    if wanted.records > 0 {
        for (entity, count) in sandbox.make_up(wanted.records, wanted.seed) {
            Stream::Output.say(format_args!("  records:     {count} of {entity}"));
        }
    }
    if wanted.faults {
        sandbox.faults().random(RandomFaults::rough_day(wanted.seed));
        Stream::Output.say("  faults:      one request in ten");
    }
    Stream::Output.say("Stop it with Ctrl-C.");
    tokio::signal::ctrl_c().await.map_err(|error| format!("cannot wait for Ctrl-C: {error}"))?;
    sandbox.stop().await;
    let (requests, effects) = (sandbox.ledger().request_count(), sandbox.ledger().effects().len());
    Stream::Output.say(format_args!("{requests} requests came in, {effects} changes were made"));
    Ok(Status::Good)
}

/// The catalogue as the sandbox reads it.
pub(super) fn schema(model: &Model, system: &System) -> Schema {
    Schema { entities: system.entities.iter().map(|entity| entity_type(model, entity)).collect() }
}

fn entity_type(model: &Model, entity: &Entity) -> EntityType {
    let record = model.record(entity.record);
    let wire = |name: &String| {
        let field = record.and_then(|record| record.field(name));
        field.map_or_else(|| name.clone(), |field| field.wire.clone())
    };
    EntityType {
        name: entity.name.clone(),
        action: entity.action,
        key: entity.key.iter().map(wire).collect(),
        natural_keys: entity.natural_keys.iter().map(|key| key.iter().map(wire).collect()).collect(),
        fields: fields(model, entity.record, 0),
    }
}

fn fields(model: &Model, record: RecordId, depth: usize) -> Vec<FieldType> {
    let Some(record) = model.record(record) else { return Vec::new() };
    record.fields().map(|field| field_type(model, field, depth)).collect()
}

fn field_type(model: &Model, field: &Field, depth: usize) -> FieldType {
    let missing_as = field.missing_as.as_deref().and_then(|text| Json::parse(text).ok()).map(Json::into_owned);
    FieldType {
        name: field.wire.clone(),
        shape: shape(model, &field.ty, &field.spelling, depth),
        optional: field.optional || missing_as.is_some(),
        required: field.required,
        read_only: field.read_only,
        create_only: field.create_only,
        refers_to: field.refers_to.clone(),
        missing_as,
    }
}

fn shape(model: &Model, ty: &Type, spelling: &Spelling, depth: usize) -> Shape {
    match ty {
        Type::Text { max, .. } => Shape::Text(*max),
        // A number that is written as a text is one to whoever looks at the wire.
        Type::Integer { .. } | Type::Decimal { .. } if *spelling != Spelling::Plain => Shape::Text(None),
        Type::Integer { .. } => Shape::Integer,
        Type::Decimal { precision, scale } => Shape::Decimal(*precision, *scale),
        Type::Boolean => match spelling {
            Spelling::BooleanWords { yes, no } => Shape::Boolean(Some((yes.clone(), no.clone()))),
            Spelling::AsNumber => Shape::Enum(vec!["1".to_owned(), "0".to_owned()]),
            Spelling::Plain
            | Spelling::Hex
            | Spelling::Format(_)
            | Spelling::NumberAsText
            | Spelling::MarkedNumber(_)
            | Spelling::PaddedNumber(_) => Shape::Boolean(None),
        },
        Type::Date => Shape::Date,
        Type::Time => Shape::Time,
        Type::Instant => Shape::Instant,
        Type::Uuid => Shape::Uuid(*spelling == Spelling::Hex),
        Type::Enum(words) => Shape::Enum(words.values.iter().map(|word| word.wire.clone()).collect()),
        Type::Record(_) | Type::List(_) if depth >= DEPTH_MAX => Shape::Json,
        Type::Record(record) => Shape::Record(fields(model, *record, depth + 1)),
        Type::List(list) => Shape::List(Box::new(shape(model, &list.element, &list.spelling, depth + 1)), list.min),
        Type::Quotient | Type::Money | Type::Map(_) | Type::Json | Type::File | Type::Never => Shape::Json,
    }
}
