//! Names that are visible in one mapping, rule or table, and the places that values go to.
//!
//! In: names as they are declared. Out: locals. A name that hides another one is a fault.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use mapwright_syntax::tree::Name;
use mapwright_syntax::{Diagnostic, Span};
use mapwright_values::names::closest;

use crate::catalogue::Typed;
use crate::context::{Context, Global};
use crate::faults;
use crate::ir::{
    EntityRef, Expr, ExprKind, Field, Literal, Local, LocalId, LocalKind, RecordId, RuleId, Spelling, Type,
};

/// What record a block makes.
#[derive(Clone, Debug)]
pub(crate) enum Made {
    /// A part of a target entity: path of wire names.
    Target(Arc<EntityRef>, Vec<String>),
    /// A record type of its own (a rule's result).
    Record(RecordId, Vec<String>),
}

impl Made {
    /// One step further down.
    pub(crate) fn step(&self, wire: &str) -> Self {
        let mut next = self.clone();
        match &mut next {
            Self::Target(_, path) | Self::Record(_, path) => path.push(wire.to_owned()),
        }
        next
    }
}

/// What kind of place a value goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlaceKind {
    /// A target field: may be left out.
    Target,
    /// A parameter of a rule.
    Parameter,
    /// A key column of a table.
    Column,
    /// The result of a rule.
    Result,
    /// The result of a table, which may answer `omit` for the field it is looked up for.
    Answer,
    /// A setting.
    Setting,
    /// The text of a `reject` or `skip`, or what a `check` or `where` asks.
    Inner,
}

/// What a place is called in messages. Most places are never told of, so the words are put together where they are.
#[derive(Clone, Debug)]
pub(crate) enum PlaceName {
    /// In these words.
    Said(Cow<'static, str>),
    /// `erp.Orders.CardCode`: a record's field.
    Field(Arc<str>, Arc<Field>),
    /// `` `rate` of `vat_groups` ``: a parameter or column.
    Part(Arc<str>, String),
}

impl fmt::Display for PlaceName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said(words) => out.write_str(words),
            Self::Field(record, field) => write!(out, "{record}.{}", field.name),
            Self::Part(part, of) => write!(out, "`{part}` of `{of}`"),
        }
    }
}

impl From<String> for PlaceName {
    fn from(words: String) -> Self {
        Self::Said(words.into())
    }
}

impl From<&'static str> for PlaceName {
    fn from(words: &'static str) -> Self {
        Self::Said(words.into())
    }
}

/// Where a value goes.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Type.
    pub(crate) ty: Type,
    /// May the value be missing?
    pub(crate) optional: bool,
    /// Must a new record have it?
    pub(crate) required: bool,
    /// Does it tell records apart?
    pub(crate) key: bool,
    /// Kind.
    pub(crate) kind: PlaceKind,
    /// For messages.
    pub(crate) name: PlaceName,
    /// Where the place is declared.
    pub(crate) declared: Option<Span>,
    /// What a record written here is part of.
    pub(crate) made: Option<Made>,
}

impl Place {
    /// A target field.
    pub(crate) fn target(field: &Field, name: PlaceName, part: bool, made: Option<Made>) -> Self {
        Self {
            ty: field.ty.clone(),
            optional: field.optional && (part || !field.required),
            required: field.required && !part,
            key: field.key || field.natural_key,
            kind: PlaceKind::Target,
            name,
            declared: Some(field.span),
            made,
        }
    }

    /// A place of a declared type.
    pub(crate) fn typed(kind: PlaceKind, typed: Typed, name: impl Into<PlaceName>, declared: Span) -> Self {
        Self {
            ty: typed.ty,
            optional: typed.optional,
            required: false,
            key: false,
            kind,
            name: name.into(),
            declared: Some(declared),
            made: None,
        }
    }

    /// What a condition or message needs.
    pub(crate) fn inner(ty: Type, name: impl Into<PlaceName>) -> Self {
        Self {
            ty,
            optional: false,
            required: false,
            key: false,
            kind: PlaceKind::Inner,
            name: name.into(),
            declared: None,
            made: None,
        }
    }

    /// The place of an element, if this is the place of a list.
    pub(crate) fn element(&self) -> Option<Self> {
        // What stands in JSON is JSON.
        if self.ty == Type::Json && self.kind == PlaceKind::Target {
            return Some(self.clone());
        }
        let Type::List(list) = &self.ty else { return None };
        Some(Self { ty: list.element.clone(), optional: list.optional, required: false, key: false, ..self.clone() })
    }
}

/// What is being resolved: one mapping, rule or table.
#[derive(Debug)]
pub(crate) struct Body<'c, 'p> {
    /// The project.
    pub(crate) ctx: &'c mut Context<'p>,
    /// Its locals.
    pub(crate) locals: Vec<Local>,
    /// Names, the innermost scope last.
    scopes: Vec<HashMap<String, LocalId>>,
    /// Names that a `let` further down in an open block defines.
    pub(crate) later: Vec<Name>,
    /// Locals that were read.
    pub(crate) used: HashSet<LocalId>,
    /// What it depends on.
    pub(crate) uses: HashSet<Global>,
    /// The rules that it applies, as often as it says so.
    pub(crate) applies: Vec<RuleId>,
    /// Elements that no one named: paths through lists made them.
    pub(crate) unnamed: HashSet<LocalId>,
    /// Elements whose list is still being made: they have no position yet.
    pub(crate) uncounted: Vec<LocalId>,
    /// Records of maps and JSON that are written field by field, by the record and field that they stand in.
    pub(crate) open_at: HashMap<(RecordId, String), RecordId>,
    /// `to part of`: required fields need not be given.
    pub(crate) part: bool,
    /// The mapping's number, for what it dismisses.
    pub(crate) mapping: Option<usize>,
    /// What one row of a group is called: a name for `ignore`, not a value.
    pub(crate) rows: Vec<(String, EntityRef, RecordId)>,
    /// Does it hold a `find` or `linked`?
    pub(crate) refers: bool,
    /// Does it use something that could not be resolved elsewhere?
    pub(crate) tainted: bool,
    /// Errors of the project before this body.
    errors_before: usize,
}

impl<'c, 'p> Body<'c, 'p> {
    /// An empty one.
    pub(crate) fn new(ctx: &'c mut Context<'p>) -> Self {
        let errors_before = ctx.errors();
        Self {
            ctx,
            locals: Vec::new(),
            scopes: vec![HashMap::new()],
            later: Vec::new(),
            used: HashSet::new(),
            uses: HashSet::new(),
            applies: Vec::new(),
            unnamed: HashSet::new(),
            uncounted: Vec::new(),
            open_at: HashMap::new(),
            part: false,
            mapping: None,
            rows: Vec::new(),
            refers: false,
            tainted: false,
            errors_before,
        }
    }

    /// Notes a fault.
    #[cold]
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.ctx.report(diagnostic);
    }

    /// Has nothing been wrong since the beginning?
    pub(crate) fn sound(&self) -> bool {
        !self.tainted && self.ctx.errors() == self.errors_before
    }

    /// Resolves something in a scope of its own.
    pub(crate) fn scoped<T>(&mut self, inside: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(HashMap::new());
        let result = inside(self);
        self.scopes.pop();
        result
    }

    /// A name that becomes visible from here on.
    pub(crate) fn declare(&mut self, name: &Name, ty: Type, optional: bool, kind: LocalKind) -> LocalId {
        if let Some((noun, hidden)) = self.hidden_by(&name.text) {
            self.report(faults::shadowed_name(name, noun, hidden));
        }
        let id = self.add_local(&name.text, ty, optional, kind, name.span);
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.text.clone(), id);
        }
        id
    }

    /// An element that a path through a list walks over.
    pub(crate) fn unnamed_element(&mut self, name: &str, ty: Type, optional: bool, span: Span) -> LocalId {
        let id = self.add_local(name, ty, optional, LocalKind::Element, span);
        self.unnamed.insert(id);
        self.used.insert(id);
        id
    }

    /// A `let` that no one wrote.
    pub(crate) fn unnamed_let(&mut self, name: &str, ty: Type, span: Span) -> LocalId {
        let id = self.add_local(name, ty, false, LocalKind::Let, span);
        self.unnamed.insert(id);
        self.used.insert(id);
        id
    }

    fn add_local(&mut self, name: &str, ty: Type, optional: bool, kind: LocalKind, span: Span) -> LocalId {
        self.locals.push(Local { name: name.into(), ty, optional, kind, span });
        LocalId(self.locals.len() - 1)
    }

    fn hidden_by(&self, name: &str) -> Option<(&'static str, Span)> {
        if let Some(local) = self.find_local(name).and_then(|id| self.locals.get(id.0)) {
            return Some((local_noun(local.kind), local.span));
        }
        let (global, span) = self.ctx.names.get(name)?;
        match global {
            Global::System(_) | Global::Setting(_) => Some((global.noun(), *span)),
            Global::Table(_) | Global::Rule(_) => None,
        }
    }

    /// The local of that name.
    pub(crate) fn find_local(&self, name: &str) -> Option<LocalId> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).copied()
    }

    /// All names that an expression may say here.
    pub(crate) fn visible_names(&self) -> Vec<String> {
        let locals = self.scopes.iter().flat_map(|scope| scope.keys().cloned());
        let settings = self.ctx.model.settings.iter().map(|setting| setting.name.clone());
        let mut names: Vec<String> = locals.chain(settings).collect();
        names.sort();
        names
    }

    /// `order.number`, if a visible record has a field of (nearly) that name.
    pub(crate) fn field_called(&self, name: &str) -> Option<String> {
        let records = self.scopes.iter().rev().flat_map(|scope| scope.values()).filter_map(|id| {
            let local = self.locals.get(id.0)?;
            let Type::Record(record) = local.ty else { return None };
            Some((local, self.ctx.model.record(record)?))
        });
        let mut fields = Vec::new();
        for (local, record) in records {
            let names = record.fields().map(|field| field.name.as_str());
            if let Some(field) = names.clone().find(|known| *known == name).or_else(|| closest(name, names)) {
                fields.push(format!("{}.{field}", local.name));
            }
        }
        fields.sort();
        fields.into_iter().next()
    }

    /// The expression of a local.
    pub(crate) fn local(&mut self, id: LocalId, span: Span) -> Expr {
        self.used.insert(id);
        let Some(local) = self.locals.get(id.0) else { return poison(span) };
        Expr { kind: ExprKind::Local(id), ty: local.ty.clone(), optional: local.optional, span }
    }

    /// For messages.
    pub(crate) fn noun(&self, ty: &Type) -> String {
        crate::catalogue::type_noun(&self.ctx.model, ty)
    }
}

/// What a local is called in messages.
pub(crate) const fn local_noun(kind: LocalKind) -> &'static str {
    match kind {
        LocalKind::Source(_) => "source",
        LocalKind::Let => "`let`",
        LocalKind::Parameter => "parameter",
        LocalKind::Element => "element",
        LocalKind::Found => "record found",
    }
}

/// What stands for an expression with a fault: its type goes with everything, so that no other fault follows.
pub(crate) const fn poison(span: Span) -> Expr {
    Expr { kind: ExprKind::Literal(Literal::Boolean(false)), ty: Type::Never, optional: false, span }
}

/// The spelling of a leaf that is not read from a record.
pub(crate) const PLAIN: Spelling = Spelling::Plain;
