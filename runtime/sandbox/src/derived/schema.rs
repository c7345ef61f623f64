//! What a derived system holds: entities, fields, types. In: a compiled project's plan, or whatever else knows a catalogue.
//! Out: plain data. Never: a judgement on a record; that is `check.rs`.

use mapwright_values::Json;
use mapwright_values::plan::{EntityPlan, FieldPlan, Kind, SystemPlan};

/// How deep records may stand within records; a type that holds itself is cut there.
const DEPTH_MAX: usize = 8;

/// All entities and actions of a system.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// In the order of the catalogue.
    pub entities: Vec<EntityType>,
}

/// An entity or an action.
#[derive(Clone, Debug)]
pub struct EntityType {
    /// Name in the catalogue.
    pub name: String,
    /// Is it an action?
    pub action: bool,
    /// Key fields in order, as the wire calls them; dots lead into a record.
    pub key: Vec<String>,
    /// Natural keys, each a list of fields.
    pub natural_keys: Vec<Vec<String>>,
    /// Fields in order.
    pub fields: Vec<FieldType>,
}

/// A field.
#[derive(Clone, Debug)]
pub struct FieldType {
    /// Name on the wire.
    pub name: String,
    /// Shape and spelling.
    pub shape: Shape,
    /// May be missing.
    pub optional: bool,
    /// Must be given on create.
    pub required: bool,
    /// Never written.
    pub read_only: bool,
    /// Written once.
    pub create_only: bool,
    /// The entity whose key or natural key it holds.
    pub refers_to: Option<String>,
    /// The value that stands for none.
    pub missing_as: Option<Json<'static>>,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Text with its bound in characters.
    Text(Option<u32>),
    /// Whole number.
    Integer,
    /// Exact decimal: precision, scale.
    Decimal(u32, u32),
    /// True or false, or a pair of words.
    Boolean(Option<(String, String)>),
    /// Calendar day.
    Date,
    /// Time of day.
    Time,
    /// Instant.
    Instant,
    /// UUID; `true` = 32 digits without dashes.
    Uuid(bool),
    /// One of these.
    Enum(Vec<String>),
    /// A record.
    Record(Vec<FieldType>),
    /// A list, and the fewest elements it may have.
    List(Box<Shape>, u32),
    /// Anything.
    Json,
}

impl Schema {
    /// The catalogue as a compiled project carries it: the entities that the project uses.
    #[must_use]
    pub fn of_plan(plan: &SystemPlan) -> Self {
        Self { entities: plan.entities.iter().map(entity).collect() }
    }

    /// The entity or action of that name.
    #[must_use]
    pub fn entity(&self, name: &str) -> Option<&EntityType> {
        self.entities.iter().find(|entity| entity.name == name)
    }
}

impl EntityType {
    /// The field at a dotted path; lists on the way are entered.
    #[must_use]
    pub fn field(&self, path: &str) -> Option<&FieldType> {
        let mut steps = path.split('.');
        let first = steps.next()?;
        let mut found = self.fields.iter().find(|field| field.name == first)?;
        for step in steps {
            found = found.shape.fields()?.iter().find(|field| field.name == step)?;
        }
        Some(found)
    }
}

impl Shape {
    /// The fields of a record, or of a list's records.
    #[must_use]
    pub fn fields(&self) -> Option<&[FieldType]> {
        match self {
            Self::Record(fields) => Some(fields),
            Self::List(inner, _) => inner.fields(),
            Self::Text(_)
            | Self::Integer
            | Self::Decimal(..)
            | Self::Boolean(_)
            | Self::Date
            | Self::Time
            | Self::Instant
            | Self::Uuid(_)
            | Self::Enum(_)
            | Self::Json => None,
        }
    }

    /// Is it written without quotes in JSON?
    #[must_use]
    pub const fn is_number(&self) -> bool {
        matches!(self, Self::Integer | Self::Decimal(..))
    }
}

fn entity(plan: &EntityPlan) -> EntityType {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    EntityType {
        name: plan.name.to_owned(),
        action: plan.action,
        key: owned(plan.key),
        natural_keys: plan.natural_keys.iter().map(|key| owned(key)).collect(),
        fields: fields(plan.fields, 0),
    }
}

fn fields(plans: &[FieldPlan], depth: usize) -> Vec<FieldType> {
    plans.iter().map(|plan| field(plan, depth)).collect()
}

fn field(plan: &FieldPlan, depth: usize) -> FieldType {
    FieldType {
        name: plan.name.to_owned(),
        // A number that is written as a text is one to whoever looks at the wire.
        shape: if plan.as_text { Shape::Text(None) } else { shape(&plan.kind, depth) },
        optional: plan.optional,
        required: plan.required,
        read_only: plan.read_only,
        create_only: plan.create_only,
        refers_to: plan.refers_to.map(str::to_owned),
        missing_as: None,
    }
}

fn shape(kind: &Kind, depth: usize) -> Shape {
    match kind {
        Kind::Text(max) => Shape::Text(*max),
        Kind::Integer => Shape::Integer,
        Kind::Decimal(precision, scale) => Shape::Decimal(*precision, *scale),
        Kind::Boolean(words) => Shape::Boolean(words.map(|(yes, no)| (yes.to_owned(), no.to_owned()))),
        Kind::Date => Shape::Date,
        Kind::Time => Shape::Time,
        Kind::DateTime => Shape::Instant,
        Kind::Uuid(bare) => Shape::Uuid(*bare),
        Kind::Enum(words) => Shape::Enum(words.iter().map(|word| (*word).to_owned()).collect()),
        Kind::Record(_) | Kind::List(_) if depth >= DEPTH_MAX => Shape::Json,
        Kind::Record(inner) => Shape::Record(fields(inner, depth + 1)),
        Kind::List(inner) => Shape::List(Box::new(shape(inner, depth + 1)), 0),
        Kind::Json => Shape::Json,
    }
}
