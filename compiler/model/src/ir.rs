//! The checked model: what all back ends read. Names are resolved, types are known, sugar is gone.
//!
//! INVARIANT: whatever stands here is well-typed; a back end cannot fail on it. A mapping with an error is not in here.
//!
//! How an expression is evaluated (both back ends, on every input alike):
//! - it gives a value, or is *missing* (only if [`Expr::optional`]), or stops (`mapwright_values::fault::Stop`);
//! - a source field is read when it is used; absent or null where the catalogue says "always there" is a failure;
//! - a `list?` that is absent is an empty list; a `list` that is absent is a failure;
//! - a missing operand: `==`, `!=`, `in` compare it (a missing value equals only a missing value); a function's first
//!   argument passes it through (the result is missing) unless the function takes missing values; a field of a missing
//!   record is missing; everywhere else the checker has refused an optional operand;
//! - operands are evaluated left to right, `and`, `or`, `if`, `match`, `otherwise` only as far as needed;
//! - a consumer that is optional lifts a part that is not (`Some`), never the other way round.

use std::fmt;
use std::sync::Arc;

use foldhash::HashMap;
use mapwright_syntax::Span;
pub use mapwright_syntax::tree::{Operator, State};
use mapwright_values::functions::Function;
use mapwright_values::reference::Test;

/// A record type of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(pub usize);

/// A local value of a mapping, rule or table: source, `let`, parameter, element, record found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalId(pub usize);

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SettingId(pub usize);

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableId(pub usize);

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RuleId(pub usize);

/// A mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MappingId(pub usize);

/// How a text's length is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Unicode scalar values.
    Characters,
    /// Bytes in a character set.
    Bytes(String),
    /// UTF-16 code units.
    Utf16,
}

/// A type. `Integer`, `Decimal` and `Quotient` are numbers: the first two are one `Decimal` at run time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Text with its bound.
    Text {
        /// Longest length, `None` = unbounded.
        max: Option<u32>,
        /// Counted how.
        unit: Unit,
    },
    /// Whole number with its range.
    Integer {
        /// Least.
        min: Option<i64>,
        /// Greatest.
        max: Option<i64>,
    },
    /// Exact decimal.
    Decimal {
        /// Digits in all.
        precision: u32,
        /// Digits behind the point.
        scale: u32,
    },
    /// The result of `/`: only `round`, `floor`, `ceiling` and comparison take it.
    Quotient,
    /// An amount in a currency: functions make it and take it apart; nothing is written so.
    Money,
    /// True or false.
    Boolean,
    /// Calendar day.
    Date,
    /// Time of day.
    Time,
    /// Instant.
    Instant,
    /// UUID.
    Uuid,
    /// One of a list of words; at run time a text holding the *name*.
    Enum(Arc<EnumType>),
    /// A record; at run time a `Node`.
    Record(RecordId),
    /// A list.
    List(Arc<ListType>),
    /// Text keys to values.
    Map(Arc<Type>),
    /// Passed on unread.
    Json,
    /// Passed on by reference.
    File,
    /// Both branches answer: there never is a value.
    Never,
}

impl Type {
    /// Is it the type of what answers instead of giving a value, or could not be resolved?
    #[must_use]
    pub const fn is_never(&self) -> bool {
        matches!(self, Self::Never)
    }

    /// Is it a record, or does it hold other values one by one? What stands in JSON is JSON's own.
    #[must_use]
    pub const fn is_container(&self) -> bool {
        match self {
            Self::Record(_) | Self::List(_) | Self::Map(_) => true,
            Self::Text { .. }
            | Self::Integer { .. }
            | Self::Decimal { .. }
            | Self::Quotient
            | Self::Money
            | Self::Boolean
            | Self::Date
            | Self::Time
            | Self::Instant
            | Self::Uuid
            | Self::Enum(_)
            | Self::Json
            | Self::File
            | Self::Never => false,
        }
    }
}

/// An enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnumType {
    /// Where it is declared, for messages (`shop.order.price.taxStatus`).
    pub name: String,
    /// Its values in order.
    pub values: Vec<EnumValue>,
}

/// A value of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnumValue {
    /// As specs write it.
    pub name: String,
    /// As the wire says it.
    pub wire: String,
}

/// A list type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListType {
    /// What it holds.
    pub element: Type,
    /// May an element be missing? (`Vec<Option<T>>` at run time.)
    pub optional: bool,
    /// Fewest elements that the catalogue demands.
    pub min: u32,
    /// Spelling of a leaf element.
    pub spelling: Spelling,
}

/// How a leaf is spelled on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub enum Spelling {
    /// As JSON has it: text, number, true/false, ISO date, dashed UUID.
    #[default]
    Plain,
    /// Two words for true and false.
    BooleanWords {
        /// True.
        yes: String,
        /// False.
        no: String,
    },
    /// UUID of 32 digits without dashes.
    Hex,
    /// A date, time or instant in a strftime format.
    Format(String),
    /// A number written as a JSON text.
    NumberAsText,
    /// A number written as a JSON text with this decimal mark.
    MarkedNumber(String),
    /// A whole number written as a JSON text of so many digits, with zeros before it.
    PaddedNumber(u32),
    /// A text, a word of an enum or a boolean (1, 0) written as a JSON number.
    AsNumber,
}

impl Spelling {
    /// Is it written as JSON has it, or so that the value is read from plain JSON too?
    #[must_use]
    pub fn is_plain(&self) -> bool {
        match self {
            Self::Plain | Self::Hex | Self::BooleanWords { .. } => true,
            Self::Format(_) | Self::NumberAsText | Self::MarkedNumber(_) | Self::PaddedNumber(_) | Self::AsNumber => {
                false
            }
        }
    }
}

/// What an update does to a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListUpdate {
    /// Matched by key, appended.
    Merged,
    /// Appended.
    Added,
    /// Replaced as a whole.
    Replaced,
}

/// A field of a record type.
#[derive(Clone, Debug)]
pub struct Field {
    /// Name in specs.
    pub name: String,
    /// Name in the canonical record (`named "..."`, else the name).
    pub wire: String,
    /// Type.
    pub ty: Type,
    /// Spelling on the wire.
    pub spelling: Spelling,
    /// `?`.
    pub optional: bool,
    /// `missing as LITERAL`: this JSON text means "no value".
    pub missing_as: Option<String>,
    /// `key`.
    pub key: bool,
    /// `natural key`.
    pub natural_key: bool,
    /// `required`.
    pub required: bool,
    /// `read only`.
    pub read_only: bool,
    /// `write only`.
    pub write_only: bool,
    /// `create only`.
    pub create_only: bool,
    /// `changed`.
    pub changed: bool,
    /// `personal`.
    pub personal: bool,
    /// `merged / added / replaced`.
    pub update: Option<ListUpdate>,
    /// `refers to`.
    pub refers_to: Option<String>,
    /// `deprecated`.
    pub deprecated: Option<String>,
    /// Documentation.
    pub doc: String,
    /// Where it is declared.
    pub span: Span,
}

/// A record type.
#[derive(Clone, Default)]
pub struct Record {
    /// For messages: `erp.Orders`, `erp.Orders.DocumentLines`. Every place that a field of it is takes its name from it.
    pub name: Arc<str>,
    /// In order.
    fields: Vec<Arc<Field>>,
    /// Where the first field of each name stands among them.
    places: HashMap<String, usize>,
}

impl fmt::Debug for Record {
    /// Where names stand follows from the fields, and is in no order: two records alike are shown alike.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Record").field("name", &self.name).field("fields", &self.fields).finish()
    }
}

impl Record {
    /// A record type with these fields.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, fields: impl IntoIterator<Item = Field>) -> Self {
        let mut record = Self { name: name.into(), ..Self::default() };
        for field in fields {
            record.add(field);
        }
        record
    }

    /// Adds a field behind the others.
    pub fn add(&mut self, field: Field) {
        self.places.entry(field.name.clone()).or_insert(self.fields.len());
        self.fields.push(Arc::new(field));
    }

    /// Its fields, in order.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = &Field> + DoubleEndedIterator + Clone {
        self.fields.iter().map(|field| &**field)
    }

    /// Makes room for so many fields.
    pub(crate) fn reserve(&mut self, fields: usize) {
        self.fields.reserve(fields);
        self.places.reserve(fields);
    }

    /// The field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.shared_field(name).map(|field| &**field)
    }

    /// The same, to be kept.
    pub(crate) fn shared_field(&self, name: &str) -> Option<&Arc<Field>> {
        self.fields.get(*self.places.get(name)?)
    }

    /// The same, to be changed; its name stays.
    pub(crate) fn field_mut(&mut self, name: &str) -> Option<&mut Field> {
        self.fields.get_mut(*self.places.get(name)?).map(Arc::make_mut)
    }
}

/// An entity or action of a system.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Name.
    pub name: String,
    /// Is it an action?
    pub action: bool,
    /// Documentation.
    pub doc: String,
    /// Its record.
    pub record: RecordId,
    /// Key fields in order.
    pub key: Vec<String>,
    /// Natural keys, each a list of fields.
    pub natural_keys: Vec<Vec<String>>,
    /// Fields that carry the change stamp.
    pub changed: Vec<String>,
    /// Other entities that the connector asks to serve this one: where a probe for a create or an action looks, and the one
    /// whose records these belong to.
    pub probed_in: Vec<String>,
    /// Where it is declared.
    pub span: Span,
}

/// A system of the project.
#[derive(Clone, Debug)]
pub struct System {
    /// `shop`.
    pub alias: String,
    /// `shopware-6`.
    pub name: String,
    /// Title.
    pub title: String,
    /// Entities and actions in order.
    pub entities: Vec<Entity>,
    /// The connector manifest's text.
    pub manifest: String,
    /// The `use` line.
    pub span: Span,
}

/// An entity by position.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntityRef {
    /// System alias.
    pub system: String,
    /// Entity.
    pub entity: String,
}

/// A setting.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Name.
    pub name: String,
    /// Type.
    pub ty: Type,
    /// May it be missing?
    pub optional: bool,
    /// Spelling (that of the field whose type it takes).
    pub spelling: Spelling,
    /// Default as JSON text.
    pub default: Option<String>,
    /// Documentation.
    pub doc: String,
    /// Where.
    pub span: Span,
}

/// What a local is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalKind {
    /// The nth source of the mapping.
    Source(usize),
    /// A `let`.
    Let,
    /// A parameter of a rule or key column of a table.
    Parameter,
    /// An element of an `each`.
    Element,
    /// A record found.
    Found,
}

/// A local value.
#[derive(Clone, Debug)]
pub struct Local {
    /// Name in the spec.
    pub name: Arc<str>,
    /// Type.
    pub ty: Type,
    /// May it be missing?
    pub optional: bool,
    /// Kind.
    pub kind: LocalKind,
    /// Where it is named.
    pub span: Span,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Name.
    pub name: String,
    /// Documentation.
    pub doc: String,
    /// Key columns (locals of this table).
    pub keys: Vec<LocalId>,
    /// Locals.
    pub locals: Vec<Local>,
    /// Result type; a record result is a `Record`.
    pub result: Type,
    /// Rows in order; the first that fits answers.
    pub rows: Vec<Row>,
    /// Answer when no row fits; without one, that is a failure (`if invalid` answers it).
    pub otherwise: Option<Branch>,
    /// Made by `reverse_lookup`: the name of the table of which this is the results, leading to its keys. Its rows stand where that
    /// table's rows stand.
    pub reversed: Option<String>,
    /// Where.
    pub span: Span,
}

impl Table {
    /// Everything but its rows, of which there may be many: what a look-up needs to know.
    #[must_use]
    pub fn head(&self) -> Table {
        Table {
            name: self.name.clone(),
            doc: self.doc.clone(),
            keys: self.keys.clone(),
            locals: self.locals.clone(),
            result: self.result.clone(),
            rows: Vec::new(),
            otherwise: None,
            reversed: self.reversed.clone(),
            span: self.span,
        }
    }
}

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    /// One cell a key; `None` = `any`.
    pub cells: Vec<Option<Literal>>,
    /// Its result.
    pub result: Branch,
    /// Where.
    pub span: Span,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Name.
    pub name: String,
    /// Documentation.
    pub doc: String,
    /// Parameters (locals of this rule).
    pub parameters: Vec<LocalId>,
    /// Locals.
    pub locals: Vec<Local>,
    /// Result type.
    pub result: Type,
    /// May the result be missing?
    pub optional: bool,
    /// Body.
    pub body: Expr,
    /// Where.
    pub span: Span,
}

/// A mapping.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Name.
    pub name: String,
    /// Documentation.
    pub doc: String,
    /// Sources in order.
    pub sources: Vec<Source>,
    /// Target.
    pub target: EntityRef,
    /// `to part of`.
    pub part: bool,
    /// Locals of the whole mapping.
    pub locals: Vec<Local>,
    /// Body.
    pub body: Block,
    /// `one per LIST as x`: the mapping makes a record for each element.
    pub one_per: Option<OnePer>,
    /// Target paths (wire names, dots between steps) that are written when the record is created and never again.
    pub create_only: Vec<String>,
    /// Who answers for it.
    pub owner: String,
    /// Agreed when (ISO date).
    pub agreed: Option<String>,
    /// Personal target paths.
    pub personal: Vec<String>,
    /// Where.
    pub span: Span,
}

/// `one per`. The body of such a mapping is nothing but the two `let`s of these locals.
#[derive(Clone, Copy, Debug)]
pub struct OnePer {
    /// A list of texts: the part key of each element that is kept, in order.
    pub keys: LocalId,
    /// A list of records: what is made of each of them.
    pub parts: LocalId,
    /// Where.
    pub span: Span,
}

/// A source of a mapping.
#[derive(Clone, Debug)]
pub struct Source {
    /// Entity.
    pub entity: EntityRef,
    /// Its local.
    pub local: LocalId,
    /// `from deleted`.
    pub deleted: bool,
    /// `grouped by`: path of the field that is the same in all records of a group. The local is then a record of the group:
    /// `key`, the value of that field, and `rows`, its records.
    pub grouped: Option<String>,
    /// Paths read (wire names, dots between steps), sorted, key fields included.
    pub select: Vec<String>,
}

/// Statements that make one record.
#[derive(Clone, Debug)]
pub struct Block {
    /// The record type made.
    pub record: RecordId,
    /// In order.
    pub statements: Vec<Statement>,
}

impl Block {
    /// If this statement is the last that writes a list of which the catalogue says how many elements it has at least: the field,
    /// that number, and where the statement stands. Both back ends ask there whether the list is long enough.
    #[must_use]
    pub fn list_ended_by(&self, statement: &Statement) -> Option<(&Target, u32, Span)> {
        let ending = self.statements.iter().rposition(
            |other| matches!((other.target(), statement.target()), (Some((a, _)), Some((b, _))) if a.wire == b.wire),
        )?;
        let last = self.statements.get(ending).filter(|last| std::ptr::eq(*last, statement))?;
        let (field, span) = last.target()?;
        if let Type::List(list) = &field.ty
            && list.min > 0
        {
            return Some((field, list.min, span));
        }
        None
    }
}

impl Statement {
    /// The field that it writes, and where it stands.
    #[must_use]
    pub fn target(&self) -> Option<(&Target, Span)> {
        match self {
            Statement::Set { field, span, .. } | Statement::Nested { field, span, .. } => Some((field, *span)),
            Statement::Let { .. } | Statement::Check { .. } => None,
        }
    }
}

/// A statement. Every statement is evaluated, also behind one that stopped; a dependent of a stopped `let` says nothing more.
#[derive(Clone, Debug)]
pub enum Statement {
    /// `let`: evaluated where it stands, once; a stop in it is the record's.
    Let {
        /// The local.
        local: LocalId,
        /// Its value.
        value: Expr,
        /// Where.
        span: Span,
    },
    /// `check COND otherwise ...`.
    Check {
        /// Condition.
        condition: Expr,
        /// `skip`, else `reject`.
        skip: bool,
        /// The reason.
        reason: Expr,
        /// Where.
        span: Span,
    },
    /// `TARGET <- VALUE`.
    Set {
        /// Target field.
        field: Target,
        /// Value; a missing one leaves the field out.
        value: Branch,
        /// `also`: append to the list.
        also: bool,
        /// Inside `on create`.
        on_create: bool,
        /// Where.
        span: Span,
    },
    /// `TARGET when COND { ... }`: a nested record, or a list of this one record if the field is a list.
    Nested {
        /// Target field.
        field: Target,
        /// Condition; if false the field is left out.
        when: Option<Expr>,
        /// Body.
        body: Block,
        /// Inside `on create`.
        on_create: bool,
        /// Where.
        span: Span,
    },
}

/// A target field of the record that a block makes. A dotted target has become nested blocks.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name in specs.
    pub name: String,
    /// Name in the canonical record.
    pub wire: String,
    /// Type to write.
    pub ty: Type,
    /// Spelling to write.
    pub spelling: Spelling,
}

/// A value or an answer.
#[derive(Clone, Debug)]
pub enum Branch {
    /// A value.
    Value(Expr),
    /// An answer.
    Answer(Answer),
}

/// An answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Leave the target field out.
    Omit,
    /// Write null.
    Clear,
    /// Park the record. Stands only as the branch of an [`ExprKind::Otherwise`] whose value is a `find` or `linked`
    /// (perhaps behind brackets): it waits for that reference.
    Wait,
    /// Reject, with a text.
    Reject(Box<Expr>),
    /// Do not deliver, with a text.
    Skip(Box<Expr>),
}

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Literal {
    /// Text, or the name of an enum's value.
    Text(String),
    /// Digits as written.
    Number(String),
    /// True, false.
    Boolean(bool),
    /// ISO date.
    Date(String),
    /// ISO time.
    Time(String),
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Kind.
    pub kind: ExprKind,
    /// Type of the value.
    pub ty: Type,
    /// May it be missing?
    pub optional: bool,
    /// Where.
    pub span: Span,
}

/// An argument of a function.
#[derive(Clone, Debug)]
pub enum Argument {
    /// A value.
    Value(Expr),
    /// A rounding mode word (`half_up`), filled in from the project's `rounding` where the call names none.
    Mode(String),
}

/// Kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A literal.
    Literal(Literal),
    /// Text with holes; no hole is optional.
    Template(Vec<TemplatePart>),
    /// A local.
    Local(LocalId),
    /// A setting.
    Setting(SettingId),
    /// A field of a record, perhaps several steps down through nested records (never through a list: that is an `Each`).
    Read {
        /// The record.
        of: Box<Expr>,
        /// Wire names, at least one.
        steps: Vec<String>,
        /// Spelling of the leaf.
        spelling: Spelling,
        /// `missing as`.
        missing_as: Option<String>,
    },
    /// `-x`.
    Negate(Box<Expr>),
    /// `not x`.
    Not(Box<Expr>),
    /// Arithmetic (`+ - * /`), comparison, `and`, `or`.
    Binary {
        /// Operator.
        operator: Operator,
        /// Left.
        left: Box<Expr>,
        /// Right.
        right: Box<Expr>,
    },
    /// `x in list`.
    In {
        /// Value.
        value: Box<Expr>,
        /// List.
        list: Box<Expr>,
        /// `not in`.
        negated: bool,
    },
    /// `x is missing`.
    Is {
        /// Value.
        value: Box<Expr>,
        /// State.
        state: State,
        /// `is not`.
        negated: bool,
    },
    /// `if`.
    If {
        /// Condition.
        condition: Box<Expr>,
        /// Then.
        then: Box<Branch>,
        /// Else.
        otherwise: Box<Branch>,
    },
    /// `match`; exhaustive, or with `otherwise`.
    Match {
        /// Value.
        value: Box<Expr>,
        /// Arms in order.
        arms: Vec<(Vec<Literal>, Branch)>,
        /// `otherwise`.
        otherwise: Option<Box<Branch>>,
    },
    /// `x otherwise branch`: for a missing value.
    Otherwise {
        /// Value.
        value: Box<Expr>,
        /// Branch.
        branch: Box<Branch>,
    },
    /// `x if invalid branch`: for `Stop::Failed`, no other stop.
    IfInvalid {
        /// Value.
        value: Box<Expr>,
        /// Branch.
        branch: Box<Branch>,
    },
    /// `each`: also what a path through a list has become.
    Each(Box<Each>),
    /// `find`.
    Find(Box<Find>),
    /// `linked`.
    Linked(Box<Linked>),
    /// A library function.
    Call {
        /// Which.
        function: &'static Function,
        /// Arguments in order, defaults filled in.
        arguments: Vec<Argument>,
    },
    /// A rule.
    Apply {
        /// Which.
        rule: RuleId,
        /// Arguments in order; a missing one for a parameter that may not be missing has been refused.
        arguments: Vec<Expr>,
    },
    /// A table look-up.
    Lookup {
        /// Which.
        table: TableId,
        /// Keys in order; if the first is missing (a pipe), so is the result.
        arguments: Vec<Expr>,
    },
    /// `fit`: fails if the value does not fit this type.
    Fit {
        /// Value.
        value: Box<Expr>,
        /// Type of the place.
        to: Type,
    },
    /// `position(x)`: 1, 2, ... of the element in the list that its `each` makes.
    Position(LocalId),
    /// `now()`.
    Now,
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `{ ... }`: a record made here.
    Record(Block),
}

/// A part of a text with holes.
#[derive(Clone, Debug)]
pub enum TemplatePart {
    /// Text.
    Text(String),
    /// A hole: any leaf type, never optional.
    Hole(Expr),
}

/// `each`. Walks nest from the first outwards; a row is kept if every condition holds; then rows are sorted (stable),
/// then `take` is evaluated row by row.
#[derive(Clone, Debug)]
pub struct Each {
    /// At least one.
    pub walks: Vec<Walk>,
    /// Key, descending?
    pub sorted: Option<(Expr, bool)>,
    /// What is made.
    pub take: Take,
}

/// One `each`.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The list; never optional.
    pub list: Expr,
    /// Its element.
    pub element: LocalId,
    /// Lists walked beside it (missing behind their end).
    pub with: Vec<(Expr, LocalId)>,
    /// Condition.
    pub condition: Option<Expr>,
}

/// What an `each` makes of a row.
#[derive(Clone, Debug)]
pub enum Take {
    /// The innermost element.
    Element,
    /// A value; see [`numbers_elements`].
    Value(Expr),
    /// A record; evaluated under the number of its row, and all rows are, also behind one that stopped.
    Block(Block),
}

/// Is what `each` or `find all` takes a record (made by a rule, say)? Then it is evaluated under the number of its row, counted from 1, or
/// on from what the list has (`also <-`), and what stops one row is noted there and hides nothing of the others; only a failure that is
/// the first thing wrong with the list stops it, for `if invalid` may answer that.
#[must_use]
pub fn numbers_elements(taken: &Expr) -> bool {
    matches!(taken.ty, Type::Record(_))
}

/// `find`.
#[derive(Clone, Debug)]
pub struct Find {
    /// `find all`: a list.
    pub all: bool,
    /// Where.
    pub entity: EntityRef,
    /// The record found.
    pub local: LocalId,
    /// What is asked; if a value is missing, nothing is asked and the result is missing (`find all`: empty).
    pub terms: Vec<Term>,
    /// What is checked of the answer here.
    pub residual: Option<Expr>,
    /// `take`; the record itself without.
    pub take: Option<Expr>,
    /// Paths of the record that are read, sorted, key fields included, and the fields it is asked by, so that the answers to
    /// several questions asked at once can be told apart.
    pub select: Vec<String>,
}

/// A condition of a `find`.
#[derive(Clone, Debug)]
pub struct Term {
    /// Path (wire names, dots between).
    pub field: String,
    /// The field's type.
    pub ty: Type,
    /// Its spelling.
    pub spelling: Spelling,
    /// Comparison.
    pub test: Test,
    /// Value, does not mention the record found.
    pub value: Expr,
}

/// `linked`: the target's key (of the type of its one key field).
#[derive(Clone, Debug)]
pub struct Linked {
    /// Target.
    pub entity: EntityRef,
    /// Source.
    pub of: EntityRef,
    /// The source's key; a missing one makes the result missing.
    pub by: Expr,
    /// Spelling of the source's key.
    pub by_spelling: Spelling,
}

/// A literal condition of a flow's `read`.
#[derive(Clone, Debug)]
pub struct PushedTerm {
    /// Path.
    pub field: String,
    /// Comparison.
    pub test: Test,
    /// JSON text in the wire's spelling.
    pub value: String,
}

/// When a flow runs.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// Interval.
    Every {
        /// Seconds.
        seconds: u64,
        /// Full scan.
        everything: bool,
    },
    /// Daily.
    Daily {
        /// `HH:MM`.
        at: String,
        /// Zone name, or `{setting}`.
        zone: String,
        /// Full scan.
        everything: bool,
    },
    /// Cron.
    Cron {
        /// Expression.
        expression: String,
        /// Zone name, or `{setting}`.
        zone: String,
        /// Full scan.
        everything: bool,
    },
    /// On demand.
    OnDemand,
    /// Webhook.
    Webhook {
        /// Topic.
        topic: String,
        /// System alias.
        system: String,
    },
}

/// How a write is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// `create once by`.
    CreateOnce(Vec<String>),
    /// `upsert by`.
    Upsert(Vec<String>),
    /// `update by`.
    Update(Vec<String>),
    /// `delete by`.
    Delete(Vec<String>),
    /// `action`.
    Action,
}

/// What a second sending does.
pub use mapwright_values::plan::DeliveryLevel;

/// A write of a flow.
#[derive(Clone, Debug)]
pub struct Write {
    /// Mapping.
    pub mapping: MappingId,
    /// How.
    pub manner: Manner,
    /// How safe.
    pub level: DeliveryLevel,
    /// `as NAME`.
    pub named: Option<String>,
    /// For each source of the mapping: the flow's record, or an earlier write's.
    pub sources: Vec<Option<String>>,
    /// Paths of the written record that later writes read.
    pub select: Vec<String>,
    /// `in batches of`.
    pub batch: Option<u32>,
    /// `together`.
    pub together: bool,
    /// Where.
    pub span: Span,
}

/// `also read X as d for d.orderId`.
#[derive(Clone, Debug)]
pub struct AlsoRead {
    /// What is read.
    pub entity: EntityRef,
    /// Conditions that the source evaluates.
    pub filter: Vec<PushedTerm>,
    /// Paths asked for, sorted.
    pub select: Vec<String>,
    /// Path in its records to the key of the flow's own.
    pub parent: String,
}

/// A flow.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Name.
    pub name: String,
    /// Documentation.
    pub doc: String,
    /// Who answers for it.
    pub owner: String,
    /// When.
    pub schedules: Vec<Schedule>,
    /// What is read.
    pub entity: EntityRef,
    /// Locals (the record read).
    pub locals: Vec<Local>,
    /// The record read.
    pub local: LocalId,
    /// Conditions that the source evaluates.
    pub filter: Vec<PushedTerm>,
    /// Condition that is evaluated after reading.
    pub keep: Option<Expr>,
    /// Its mappings map groups of records: path of the field that is the same in all of one.
    pub group: Option<String>,
    /// Paths read by any mapping of the flow, sorted.
    pub select: Vec<String>,
    /// Entities whose changes count as changes of what is read.
    pub also: Vec<AlsoRead>,
    /// Writes in order.
    pub writes: Vec<Write>,
    /// Writes for a record that is gone, in order.
    pub on_delete: Vec<Write>,
    /// `on conflict ... wins`: the system's alias.
    pub conflict: Option<String>,
    /// Flows that run first.
    pub after: Vec<String>,
    /// `latest wins`.
    pub latest_wins: bool,
    /// `retry up to`, seconds.
    pub retry_up_to_s: u64,
    /// Alert channel.
    pub on_failure: Option<String>,
    /// Seconds and channel.
    pub on_silence: Option<(u64, String)>,
    /// Where.
    pub span: Span,
}

/// An `example` line, checked by the preview.
#[derive(Clone, Debug)]
pub struct Example {
    /// A look-up or an application with literal arguments.
    pub call: Expr,
    /// What is expected.
    pub expected: Expected,
    /// Where.
    pub span: Span,
}

/// What an example expects.
#[derive(Clone, Debug)]
pub enum Expected {
    /// Any rejection or failure.
    Rejects,
    /// A state.
    State(State),
    /// This value.
    Value(Expr),
}

/// A checked project.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The project's name.
    pub name: String,
    /// Systems in the order of their `use`.
    pub systems: Vec<System>,
    /// Record types.
    pub records: Vec<Record>,
    /// Settings in order.
    pub settings: Vec<Setting>,
    /// Tables in order.
    pub tables: Vec<Table>,
    /// Rules in order.
    pub rules: Vec<Rule>,
    /// Mappings in order.
    pub mappings: Vec<Mapping>,
    /// Flows, each behind those it comes after.
    pub flows: Vec<Flow>,
    /// Examples in order.
    pub examples: Vec<Example>,
}

impl Mapping {
    /// The block that makes the target record, or each of them.
    #[must_use]
    pub fn making(&self) -> &Block {
        let parts = self.one_per.map(|one_per| one_per.parts);
        let made = self.body.statements.iter().find_map(|statement| match statement {
            Statement::Let { local, value: Expr { kind: ExprKind::Each(each), .. }, .. } if Some(*local) == parts => {
                Some(each)
            }
            Statement::Let { .. } | Statement::Check { .. } | Statement::Set { .. } | Statement::Nested { .. } => None,
        });
        match made.map(|each| &each.take) {
            Some(Take::Block(block)) => block,
            Some(Take::Element | Take::Value(_)) | None => &self.body,
        }
    }
}

impl Model {
    /// The record type of that id.
    #[must_use]
    pub fn record(&self, id: RecordId) -> Option<&Record> {
        self.records.get(id.0)
    }

    /// The field at a path of wire names, dots between steps, through nested records.
    #[must_use]
    pub fn field_at(&self, record: RecordId, path: &str) -> Option<&Field> {
        let (step, rest) = path.split_once('.').map_or((path, None), |(step, rest)| (step, Some(rest)));
        let field = self.record(record)?.fields().find(|field| field.wire == step)?;
        match (rest, &field.ty) {
            (None, _) => Some(field),
            (Some(rest), Type::Record(inner)) => self.field_at(*inner, rest),
            (Some(_), _) => None,
        }
    }

    /// The mapping of that name.
    #[must_use]
    pub fn mapping(&self, name: &str) -> Option<&Mapping> {
        self.mappings.iter().find(|mapping| mapping.name == name)
    }

    /// The entity of that name.
    #[must_use]
    pub fn entity(&self, of: &EntityRef) -> Option<&Entity> {
        let system = self.systems.iter().find(|system| system.alias == of.system)?;
        system.entities.iter().find(|entity| entity.name == of.entity)
    }
}
