//! The syntax tree: what stands in a spec, with a span on every node. It says nothing about meaning.

use crate::span::Span;

/// A name with its place; backticks are taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Its place, backticks included.
    pub span: Span,
}

/// `a.b.c`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// At least one name.
    pub names: Vec<Name>,
    /// From the first to the last.
    pub span: Span,
}

/// Plain text (without holes) with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text, escapes undone.
    pub text: String,
    /// Its place, quotes included.
    pub span: Span,
}

/// A comment, kept so that the formatter can print it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// From `#` to the end of the line, without the line end.
    pub text: String,
    /// Its place.
    pub span: Span,
    /// Does it stand alone on its line?
    pub own_line: bool,
}

/// A parsed file.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Definitions in order; what could not be read is left out (and reported).
    pub definitions: Vec<Definition>,
    /// Comments in order.
    pub comments: Vec<Comment>,
}

/// A statement at the top of a file.
#[derive(Clone, Debug)]
pub enum Definition {
    /// `use "shopware-6" as shop`.
    Use(Use),
    /// `rounding half_up`.
    Rounding(Name),
    /// `leave` or `ignore` for the whole project.
    Dismissal(Dismissal),
    /// `system`.
    System(System),
    /// `extend`.
    Extend(Extend),
    /// `setting`.
    Setting(Setting),
    /// `table`.
    Table(Table),
    /// `rule`.
    Rule(Rule),
    /// `example`.
    Example(Example),
    /// `mapping`.
    Mapping(Mapping),
    /// `flow`.
    Flow(Flow),
}

/// `use "shopware-6" as shop`.
#[derive(Clone, Debug)]
pub struct Use {
    /// The system's folder.
    pub system: Text,
    /// Its alias.
    pub alias: Name,
    /// Whole statement.
    pub span: Span,
}

/// `system erp "SAP Business One" { ... }`.
#[derive(Clone, Debug)]
pub struct System {
    /// Name.
    pub name: Name,
    /// Title.
    pub doc: Option<Text>,
    /// Declared types.
    pub types: Vec<TypeDefinition>,
    /// Entities and actions.
    pub entities: Vec<Entity>,
    /// Whole statement.
    pub span: Span,
}

/// `type amount = decimal(20,10)`.
#[derive(Clone, Debug)]
pub struct TypeDefinition {
    /// Name.
    pub name: Name,
    /// What it stands for.
    pub ty: Type,
    /// Whole statement.
    pub span: Span,
}

/// `entity Items "..." { ... }` or `action ...`.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Is it an action?
    pub action: bool,
    /// Name.
    pub name: Name,
    /// Documentation.
    pub doc: Option<Text>,
    /// Fields.
    pub fields: Fields,
    /// Whole statement.
    pub span: Span,
}

/// `{ field; ... }`.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// Fields in order.
    pub fields: Vec<Field>,
    /// `key(a, b)`, `natural key(a, b)`, `changed(a, b)`.
    pub groups: Vec<KeyGroup>,
    /// Braces included.
    pub span: Span,
}

/// A field of a record.
#[derive(Clone, Debug)]
pub struct Field {
    /// Name.
    pub name: Name,
    /// Type.
    pub ty: Type,
    /// Marks.
    pub marks: Vec<Mark>,
    /// Documentation.
    pub doc: Option<Text>,
    /// Whole statement.
    pub span: Span,
}

/// What a group of fields is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// `key(...)`.
    Key,
    /// `natural key(...)`.
    NaturalKey,
    /// `changed(...)`.
    Changed,
}

/// `key(a, b)`.
#[derive(Clone, Debug)]
pub struct KeyGroup {
    /// Kind.
    pub kind: GroupKind,
    /// The fields.
    pub names: Vec<Name>,
    /// Whole statement.
    pub span: Span,
}

/// A mark with its place.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Kind.
    pub kind: MarkKind,
    /// Place.
    pub span: Span,
}

/// What a mark says.
#[derive(Clone, Debug)]
pub enum MarkKind {
    /// `key`.
    Key,
    /// `natural key`.
    NaturalKey,
    /// `required`.
    Required,
    /// `read only`.
    ReadOnly,
    /// `write only`.
    WriteOnly,
    /// `create only`.
    CreateOnly,
    /// `changed`.
    Changed,
    /// `personal`.
    Personal,
    /// `merged`.
    Merged,
    /// `added`.
    Added,
    /// `replaced`.
    Replaced,
    /// `refers to PATH`.
    RefersTo(Path),
    /// `missing as LITERAL`.
    MissingAs(Literal),
    /// `named "wire"`.
    Named(Text),
    /// `deprecated "why"`.
    Deprecated(Text),
}

/// A type with its `as` encoding and `?`.
#[derive(Clone, Debug)]
pub struct Type {
    /// The type itself.
    pub base: TypeBase,
    /// `as hex`, `as text("...")`.
    pub encoding: Option<Box<Encoding>>,
    /// `?`.
    pub optional: bool,
    /// Place.
    pub span: Span,
}

/// How a leaf is encoded on the wire.
#[derive(Clone, Debug)]
pub struct Encoding {
    /// `text`, `hex` or `number`.
    pub form: Name,
    /// Its argument.
    pub argument: Option<Literal>,
}

/// A type.
#[derive(Clone, Debug)]
pub enum TypeBase {
    /// `text(30 bytes "windows-1252")`, `decimal(19,6)`, `boolean("Y","N")`...
    Scalar {
        /// `text`, `integer`, `decimal`, `boolean`, `date`, `time`, `datetime`, `uuid`, `json`, `file`.
        name: Name,
        /// Arguments.
        arguments: Vec<TypeArgument>,
    },
    /// `enum(open, "tax-free" = "Tax free")`.
    Enum(Vec<EnumValue>),
    /// `list {..}`, `list of T`.
    List {
        /// `list?`.
        optional: bool,
        /// `(1..)`.
        range: Option<Range>,
        /// What it holds.
        element: Box<Type>,
    },
    /// `map from T to T`.
    Map {
        /// `map?`.
        optional: bool,
        /// Keys.
        key: Box<Type>,
        /// Values.
        value: Box<Type>,
    },
    /// `{ ... }`.
    Record(Fields),
    /// A declared type, or the type of a field.
    Path(Path),
}

/// An argument of a scalar type.
#[derive(Clone, Debug)]
pub enum TypeArgument {
    /// `1..100`.
    Range(Range),
    /// `30`, or `30 bytes "windows-1252"`, `30 utf16`.
    Number {
        /// Digits as written.
        number: String,
        /// `bytes`, `utf16`.
        unit: Option<Name>,
        /// Character set.
        charset: Option<Text>,
        /// Place.
        span: Span,
    },
    /// `"tYES"`.
    Text(Text),
}

/// `1..`, `..5`, `1..5`.
#[derive(Clone, Debug)]
pub struct Range {
    /// Lower end as written.
    pub from: Option<String>,
    /// Upper end as written.
    pub to: Option<String>,
    /// Place.
    pub span: Span,
}

/// A value of an enum.
#[derive(Clone, Debug)]
pub struct EnumValue {
    /// The name that specs write.
    pub name: Text,
    /// What the wire says, where it differs, or a title.
    pub literal: Option<Literal>,
}

/// `extend erp.Orders { ... }`.
#[derive(Clone, Debug)]
pub struct Extend {
    /// What is extended.
    pub path: Path,
    /// By what.
    pub fields: Fields,
    /// Whole statement.
    pub span: Span,
}

/// `setting zone text "..." = "Europe/Berlin"`.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Name.
    pub name: Name,
    /// Type.
    pub ty: Type,
    /// Documentation.
    pub doc: Option<Text>,
    /// Default.
    pub value: Option<Expr>,
    /// Whole statement.
    pub span: Span,
}

/// A named, typed parameter or key column.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Name.
    pub name: Name,
    /// Type.
    pub ty: Type,
}

/// `table NAME from ... to TYPE { rows }`.
#[derive(Clone, Debug)]
pub struct Table {
    /// Name.
    pub name: Name,
    /// Key columns.
    pub keys: Vec<Parameter>,
    /// Result.
    pub result: Type,
    /// Documentation.
    pub doc: Option<Text>,
    /// Where the rows are.
    pub rows: TableRows,
    /// Whole statement.
    pub span: Span,
}

/// Rows of a table.
#[derive(Clone, Debug)]
pub enum TableRows {
    /// In braces.
    Inline(Vec<TableRow>),
    /// `in csv "file" columns a, b`.
    Csv {
        /// File.
        file: Text,
        /// Columns: keys, then results.
        columns: Vec<Name>,
    },
}

/// A row.
#[derive(Clone, Debug)]
pub struct TableRow {
    /// `None` = `otherwise`.
    pub cells: Option<Vec<Cell>>,
    /// Result.
    pub result: Branch,
    /// Whole row.
    pub span: Span,
}

/// A cell of a row.
#[derive(Clone, Debug)]
pub enum Cell {
    /// `any`.
    Any(Span),
    /// A literal.
    Literal(Literal),
}

/// `rule NAME(...) TYPE "..." = EXPR`.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Name.
    pub name: Name,
    /// Parameters.
    pub parameters: Vec<Parameter>,
    /// Result.
    pub result: Type,
    /// Documentation.
    pub doc: Option<Text>,
    /// Body.
    pub body: Expr,
    /// Whole statement.
    pub span: Span,
}

/// `example NAME(...) is ... | rejects`.
#[derive(Clone, Debug)]
pub struct Example {
    /// Table or rule.
    pub name: Name,
    /// Arguments.
    pub arguments: Vec<Expr>,
    /// What is expected.
    pub expected: Expected,
    /// Whole statement.
    pub span: Span,
}

/// What an example expects.
#[derive(Clone, Debug)]
pub enum Expected {
    /// `rejects`.
    Rejects,
    /// `is missing`.
    State(State),
    /// `is VALUE`.
    Value(Expr),
}

/// `mapping NAME from ... to ... { ... }`.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Name.
    pub name: Name,
    /// Sources.
    pub sources: Vec<Source>,
    /// `to part of`.
    pub part: bool,
    /// Target entity or action.
    pub target: Path,
    /// `one per LIST as NAME where ...`.
    pub one_per: Option<OnePer>,
    /// Documentation.
    pub doc: Option<Text>,
    /// Body.
    pub body: Block,
    /// Whole statement.
    pub span: Span,
}

/// A source of a mapping.
#[derive(Clone, Debug)]
pub struct Source {
    /// `from deleted`.
    pub deleted: bool,
    /// Entity.
    pub entity: Path,
    /// Name.
    pub name: Name,
    /// `grouped by KEY as NAME`.
    pub grouped: Option<(Expr, Name)>,
    /// Place.
    pub span: Span,
}

/// `one per LIST as NAME where ...`.
#[derive(Clone, Debug)]
pub struct OnePer {
    /// List.
    pub list: Expr,
    /// Name of the element.
    pub name: Name,
    /// Condition.
    pub condition: Option<Expr>,
}

/// `{ statements }`.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Statements in order; what could not be read is left out (and reported).
    pub statements: Vec<Statement>,
    /// Braces included.
    pub span: Span,
}

/// A statement of a mapping.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Kind.
    pub kind: StatementKind,
    /// `note`, `open`, `owner` behind it or on the next line.
    pub remarks: Vec<Remark>,
    /// Whole statement.
    pub span: Span,
}

/// Kinds of statements.
#[derive(Clone, Debug)]
pub enum StatementKind {
    /// `TARGET [also] <- VALUE`.
    Assign {
        /// Target.
        target: Path,
        /// `also`.
        also: bool,
        /// Value.
        value: Branch,
    },
    /// `TARGET [when COND] { ... }`.
    Nested {
        /// Target.
        target: Path,
        /// Condition.
        when: Option<Expr>,
        /// Body.
        body: Block,
    },
    /// `let NAME = EXPR`.
    Let {
        /// Name.
        name: Name,
        /// Value.
        value: Expr,
    },
    /// `check COND otherwise reject|skip TEXT`.
    Check {
        /// Condition.
        condition: Expr,
        /// `reject` or `skip`.
        answer: Answer,
    },
    /// `copy a, b from PATH`.
    Copy {
        /// Fields.
        names: Vec<Name>,
        /// Where from.
        from: Path,
    },
    /// `on create { ... }`.
    OnCreate(Block),
    /// `leave`, `ignore`.
    Dismissal(Dismissal),
    /// `owner`, `note`, `open` on their own.
    Remark,
}

/// `leave ... because`, `ignore ... because`.
#[derive(Clone, Debug)]
pub struct Dismissal {
    /// `ignore` (a source field), otherwise `leave` (a target field).
    pub ignore: bool,
    /// What.
    pub fields: Vec<DismissedField>,
    /// Why.
    pub because: Text,
    /// Remarks (at top level; in a block they stand in the statement).
    pub remarks: Vec<Remark>,
    /// Whole statement.
    pub span: Span,
}

/// What a dismissal names.
#[derive(Clone, Debug)]
pub enum DismissedField {
    /// `a.b`, or `a.b.*` when `all`.
    Path {
        /// Path.
        path: Path,
        /// Ends in `.*`.
        all: bool,
    },
    /// `rest`, `rest of PATH`.
    Rest {
        /// Of what.
        of: Option<Path>,
        /// Place.
        span: Span,
    },
}

/// `owner`, `note`, `open`.
#[derive(Clone, Debug)]
pub enum Remark {
    /// `owner "Sales", agreed 2026-03-14`.
    Owner {
        /// Who.
        who: Text,
        /// When.
        agreed: Option<Text>,
        /// Place.
        span: Span,
    },
    /// `note "..."`.
    Note(Text),
    /// `open "..."`.
    Open(Text),
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Kind.
    pub kind: ExprKind,
    /// Place.
    pub span: Span,
}

/// A value or an answer.
#[derive(Clone, Debug)]
pub enum Branch {
    /// A value.
    Value(Expr),
    /// An answer.
    Answer(Answer),
}

/// `omit`, `clear`, `wait`, `reject "..."`, `skip "..."`.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Kind.
    pub kind: AnswerKind,
    /// Place.
    pub span: Span,
}

/// Kinds of answers.
#[derive(Clone, Debug)]
pub enum AnswerKind {
    /// Leave the field out.
    Omit,
    /// Empty the field.
    Clear,
    /// Park the record until the reference appears.
    Wait,
    /// Reject the record.
    Reject(Box<Expr>),
    /// Do not deliver the record.
    Skip(Box<Expr>),
}

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `and`
    And,
    /// `or`
    Or,
}

/// `is missing` and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No value.
    Missing,
    /// A value.
    Present,
    /// No value or only blanks.
    Blank,
    /// No value, no text or no element.
    Empty,
}

/// Kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A literal.
    Literal(Literal),
    /// `"... {expr} ..."`, always with at least one hole.
    Template(Vec<TemplatePart>),
    /// A word: a `let`, parameter, setting, source, table or function name.
    Word(Name),
    /// `expr.name`.
    Field {
        /// Of what.
        of: Box<Expr>,
        /// Which.
        name: Name,
    },
    /// `f(a, b)`.
    Call {
        /// Function or rule.
        name: Name,
        /// Arguments.
        arguments: Vec<Expr>,
    },
    /// `lookup table(a, b)`.
    Lookup {
        /// Table.
        table: Name,
        /// Arguments.
        arguments: Vec<Expr>,
    },
    /// `x | f(a)`: kept as written for the formatter; means `f(x, a)`.
    Pipe {
        /// Left side.
        value: Box<Expr>,
        /// `| lookup`.
        lookup: bool,
        /// Function, rule or table.
        name: Name,
        /// Further arguments; `None` when there are no brackets.
        arguments: Option<Vec<Expr>>,
    },
    /// `-x`.
    Negate(Box<Expr>),
    /// `not x`.
    Not(Box<Expr>),
    /// `a + b`.
    Binary {
        /// Operator.
        operator: Operator,
        /// Its place.
        operator_span: Span,
        /// Left.
        left: Box<Expr>,
        /// Right.
        right: Box<Expr>,
    },
    /// `x in list`, `x not in list`.
    In {
        /// Value.
        value: Box<Expr>,
        /// List.
        list: Box<Expr>,
        /// `not in`.
        negated: bool,
    },
    /// `x is [not] missing`.
    Is {
        /// Value.
        value: Box<Expr>,
        /// State.
        state: State,
        /// `is not`.
        negated: bool,
    },
    /// `if c then a else b`.
    If {
        /// Condition.
        condition: Box<Expr>,
        /// Then.
        then: Box<Branch>,
        /// Else.
        otherwise: Box<Branch>,
    },
    /// `match x { ... }`.
    Match {
        /// Value.
        value: Box<Expr>,
        /// Arms.
        arms: Vec<Arm>,
    },
    /// `x otherwise branch`.
    Otherwise {
        /// Value.
        value: Box<Expr>,
        /// For a missing one.
        branch: Box<Branch>,
    },
    /// `x if invalid branch`.
    IfInvalid {
        /// Value.
        value: Box<Expr>,
        /// For a failed one.
        branch: Box<Branch>,
    },
    /// `each ...`.
    Each(Box<Each>),
    /// `find ...`.
    Find(Box<Find>),
    /// `linked ...`.
    Linked(Box<Linked>),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `{ ... }`.
    Record(Block),
    /// `(x)`: kept for the formatter and for the rule about pipes.
    Brackets(Box<Expr>),
}

/// An arm of a `match`.
#[derive(Clone, Debug)]
pub struct Arm {
    /// `None` = `otherwise`.
    pub values: Option<Vec<Literal>>,
    /// Result.
    pub result: Branch,
    /// Place.
    pub span: Span,
}

/// A part of a text with holes.
#[derive(Clone, Debug)]
pub enum TemplatePart {
    /// Text, escapes undone.
    Text(Text),
    /// A hole.
    Hole(Expr),
}

/// A literal.
#[derive(Clone, Debug)]
pub struct Literal {
    /// Kind.
    pub kind: LiteralKind,
    /// Place.
    pub span: Span,
}

/// Kinds of literals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiteralKind {
    /// `"..."` without holes, escapes undone.
    Text(String),
    /// `'...'`.
    Raw(String),
    /// Digits as written, with a sign where one belongs to it.
    Number(String),
    /// `2026-03-14`.
    Date(String),
    /// `02:00`.
    Time(String),
    /// `true`, `false`.
    Boolean(bool),
}

/// `each LIST as x [with LIST as y] where C [each ...] sorted by K take E`.
#[derive(Clone, Debug)]
pub struct Each {
    /// At least one walk.
    pub walks: Vec<Walk>,
    /// `sorted by K [descending]`.
    pub sorted: Option<Sorting>,
    /// What is made of each.
    pub take: EachTake,
}

/// One `each` of a chain.
#[derive(Clone, Debug)]
pub struct Walk {
    /// List.
    pub list: Expr,
    /// Name of the element.
    pub name: Name,
    /// `with LIST as NAME`.
    pub with: Vec<(Expr, Name)>,
    /// Condition.
    pub condition: Option<Expr>,
}

/// `sorted by K [descending]`.
#[derive(Clone, Debug)]
pub struct Sorting {
    /// Key.
    pub by: Expr,
    /// `descending`.
    pub descending: bool,
}

/// What an `each` makes.
#[derive(Clone, Debug)]
pub enum EachTake {
    /// The element itself.
    Element,
    /// `take E`.
    Value(Expr),
    /// `{ ... }`.
    Block(Block),
}

/// `find [all] ENTITY as x where C [take E]`.
#[derive(Clone, Debug)]
pub struct Find {
    /// `find all`.
    pub all: bool,
    /// Entity.
    pub entity: Path,
    /// Name of the record found.
    pub name: Name,
    /// Condition.
    pub condition: Expr,
    /// `take E`.
    pub take: Option<Expr>,
}

/// `linked TARGET [as x] of SOURCE by KEY [take E]`.
#[derive(Clone, Debug)]
pub struct Linked {
    /// Target entity.
    pub target: Path,
    /// Name.
    pub name: Option<Name>,
    /// Source entity.
    pub source: Path,
    /// Source record's key.
    pub by: Expr,
    /// `take E`.
    pub take: Option<Expr>,
}

/// `flow NAME "..." { ... }`.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Name.
    pub name: Name,
    /// Documentation.
    pub doc: Option<Text>,
    /// Duties in order.
    pub duties: Vec<Duty>,
    /// Whole statement.
    pub span: Span,
}

/// A line of a flow.
#[derive(Clone, Debug)]
pub struct Duty {
    /// Kind.
    pub kind: DutyKind,
    /// Place.
    pub span: Span,
}

/// `1 minute`.
#[derive(Clone, Debug)]
pub struct TimeSpan {
    /// In seconds.
    pub seconds: u64,
    /// Place.
    pub span: Span,
}

/// A zone: a text or the name of a setting.
#[derive(Clone, Debug)]
pub enum Zone {
    /// `"Europe/Berlin"`.
    Text(Text),
    /// `zone`.
    Setting(Name),
}

/// Kinds of duties.
#[derive(Clone, Debug)]
pub enum DutyKind {
    /// `every 5 minutes [reading everything]`.
    Every {
        /// Interval.
        span: TimeSpan,
        /// Full scan.
        everything: bool,
    },
    /// `daily at 02:00 in zone [reading everything]`.
    Daily {
        /// `HH:MM` or `HH:MM:SS`.
        at: Text,
        /// Zone.
        zone: Zone,
        /// Full scan.
        everything: bool,
    },
    /// `cron "..." in zone [reading everything]`.
    Cron {
        /// Expression.
        expression: Text,
        /// Zone.
        zone: Zone,
        /// Full scan.
        everything: bool,
    },
    /// `on demand`.
    OnDemand,
    /// `on webhook "topic" of system`.
    Webhook {
        /// Topic.
        topic: Text,
        /// System.
        system: Name,
    },
    /// `read ENTITY as x [where C]`.
    Read {
        /// Entity.
        entity: Path,
        /// Name.
        name: Name,
        /// Condition.
        condition: Option<Expr>,
    },
    /// `also read ENTITY as x for KEY [where C]`.
    AlsoRead {
        /// Entity.
        entity: Path,
        /// Name.
        name: Name,
        /// Key of the flow's record.
        key: Expr,
        /// Condition.
        condition: Option<Expr>,
    },
    /// `write ...`.
    Write(WriteDuty),
    /// `on delete write ...`.
    OnDeleteWrite(WriteDuty),
    /// `on delete leave because "..."`.
    OnDeleteLeave(Text),
    /// `after flows a, b`.
    After(Vec<Name>),
    /// `latest wins`.
    LatestWins,
    /// `strict order`.
    StrictOrder,
    /// `on conflict SYSTEM wins`.
    ConflictWins(Name),
    /// `retry up to SPAN`.
    RetryUpTo(TimeSpan),
    /// `on failure alert CHANNEL`.
    OnFailure(Name),
    /// `on silence of SPAN alert CHANNEL`.
    OnSilence {
        /// How long.
        span: TimeSpan,
        /// Channel.
        channel: Name,
    },
    /// `owner`, `note`, `open`.
    Remark(Remark),
}

/// `write MAPPING ...`.
#[derive(Clone, Debug)]
pub struct WriteDuty {
    /// Mapping.
    pub mapping: Name,
    /// How.
    pub manner: WriteManner,
    /// `together`.
    pub together: bool,
    /// `in batches of n`: the digits, and where it all stands.
    pub batch: Option<(String, Span)>,
    /// `as NAME`.
    pub name: Option<Name>,
}

/// How a write is done.
#[derive(Clone, Debug)]
pub enum WriteManner {
    /// `action`.
    Action,
    /// `create once by F`.
    CreateOnce(Vec<Path>),
    /// `upsert by F`.
    Upsert(Vec<Path>),
    /// `update by F`.
    Update(Vec<Path>),
    /// `delete by F`.
    Delete(Vec<Path>),
}
