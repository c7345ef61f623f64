//! Statements that make one record.
//!
//! In: a block as written and the record type it makes. Out: statements with their targets; dotted targets have become
//! nested blocks, `copy` and `on create` are gone.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use mapwright_syntax::tree::{self, DismissedField, Name, Path, StatementKind};

use super::scope::{Body, Made, Place, PlaceKind, PlaceName};
use crate::context::{Dismissal, Dismissed};
use crate::faults;
use crate::ir::{Answer, Block, EntityRef, Field, LocalKind, RecordId, Statement, Target, Type};

/// A statement and the nested records that it stands in.
struct Placed {
    steps: Vec<(Target, RecordId)>,
    statement: Statement,
}

impl Body<'_, '_> {
    /// Resolves the statements of a block that makes a record of this type. The caller opens the scope.
    pub(crate) fn block(&mut self, written: &tree::Block, record: RecordId, made: Option<&Made>) -> Block {
        let mut placed = Vec::with_capacity(written.statements.len());
        self.statements(written, record, made, false, &mut Vec::new(), &mut placed);
        let statements = merge(placed);
        self.check_written_once(&statements);
        Block { record, statements }
    }

    fn statements(
        &mut self,
        written: &tree::Block,
        record: RecordId,
        made: Option<&Made>,
        on_create: bool,
        steps: &mut Vec<(Target, RecordId)>,
        placed: &mut Vec<Placed>,
    ) {
        let outer = self.later.len();
        self.later.extend(written.statements.iter().filter_map(defined_name).cloned());
        for statement in &written.statements {
            let span = statement.span;
            match &statement.kind {
                StatementKind::Let { name, value } => {
                    let value = self.expr(value, None);
                    let value = self.valued(value);
                    let local = self.declare(name, value.ty.clone(), value.optional, LocalKind::Let);
                    placed.push(Placed { steps: steps.clone(), statement: Statement::Let { local, value, span } });
                }
                StatementKind::Check { condition, answer } => {
                    if let Some(statement) = self.check_statement(condition, answer, span) {
                        placed.push(Placed { steps: steps.clone(), statement });
                    }
                }
                StatementKind::Assign { target, also, value } => {
                    self.assign(target, value, record, made, steps, placed, Manner { also: *also, on_create, span });
                }
                StatementKind::Nested { target, when, body } => {
                    let manner = Manner { also: false, on_create, span };
                    self.nested(target, when.as_ref(), body, record, made, steps, placed, manner);
                }
                StatementKind::Copy { names, from } => {
                    for name in names {
                        let target = Path { names: vec![name.clone()], span: name.span };
                        let value = tree::Branch::Value(copied(from, name));
                        let manner = Manner { also: false, on_create, span };
                        self.assign(&target, &value, record, made, steps, placed, manner);
                    }
                }
                StatementKind::OnCreate(inner) => self.statements(inner, record, made, true, steps, placed),
                StatementKind::Dismissal(dismissal) => self.dismiss(dismissal, record, made),
                StatementKind::Remark => {}
            }
        }
        self.later.truncate(outer);
    }

    fn check_statement(
        &mut self,
        condition: &tree::Expr,
        answer: &tree::Answer,
        span: mapwright_syntax::Span,
    ) -> Option<Statement> {
        let condition = self.condition(condition);
        match self.answer(answer, None)? {
            Answer::Reject(reason) => Some(Statement::Check { condition, skip: false, reason: *reason, span }),
            Answer::Skip(reason) => Some(Statement::Check { condition, skip: true, reason: *reason, span }),
            Answer::Omit | Answer::Clear | Answer::Wait => None,
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the place of a target is its record, what that is part of, and the steps to it"
    )]
    fn assign(
        &mut self,
        target: &Path,
        value: &tree::Branch,
        record: RecordId,
        made: Option<&Made>,
        steps: &[(Target, RecordId)],
        placed: &mut Vec<Placed>,
        manner: Manner,
    ) {
        let Some(found) = self.target(target, record, made, steps) else {
            // The value is resolved all the same: its own faults do not hide behind the target's.
            let nowhere = Place { kind: PlaceKind::Target, ..Place::inner(Type::Never, "an unknown field") };
            self.branch(value, Some(&nowhere));
            return;
        };
        let Found { field, place, steps, .. } = found;
        let value = self.fitted_branch(value, &place);
        let field = super::open::as_written(target_of(&field), &value);
        let statement =
            Statement::Set { field, value, also: manner.also, on_create: manner.on_create, span: manner.span };
        placed.push(Placed { steps, statement });
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the place of a target is its record, what that is part of, and the steps to it"
    )]
    fn nested(
        &mut self,
        target: &Path,
        when: Option<&tree::Expr>,
        body: &tree::Block,
        record: RecordId,
        made: Option<&Made>,
        steps: &[(Target, RecordId)],
        placed: &mut Vec<Placed>,
        manner: Manner,
    ) {
        let condition = when.map(|when| self.condition(when));
        let Some(Found { owner, field, place, steps: mut inner_steps }) = self.target(target, record, made, steps)
        else {
            return;
        };
        let (inner, list) = match &field.ty {
            Type::Record(_) | Type::Map(_) | Type::Json => (self.nested_record(owner, &field), false),
            ty @ Type::List(_) => (crate::catalogue::record_of(ty), true),
            Type::Text { .. }
            | Type::Integer { .. }
            | Type::Decimal { .. }
            | Type::Quotient
            | Type::Money
            | Type::Boolean
            | Type::Date
            | Type::Time
            | Type::Instant
            | Type::Uuid
            | Type::Enum(_)
            | Type::File
            | Type::Never => (None, false),
        };
        let Some(inner) = inner else {
            let to = self.noun(&field.ty);
            if !field.ty.is_never() {
                self.report(faults::wrong_type_at(target.span, "a record", &to, &place));
            }
            return;
        };
        if condition.is_none() && !list {
            inner_steps.push((Target { ty: Type::Record(inner), ..target_of(&field) }, inner));
            self.scoped(|scope| {
                scope.statements(body, inner, place.made.as_ref(), manner.on_create, &mut inner_steps, placed);
            });
            return;
        }
        let block = self.scoped(|scope| scope.block(body, inner, place.made.as_ref()));
        let target = target_of(&field);
        let target = if list { target } else { Target { ty: Type::Record(inner), ..target } };
        let statement = Statement::Nested {
            field: target,
            when: condition,
            body: block,
            on_create: manner.on_create,
            span: manner.span,
        };
        placed.push(Placed { steps: inner_steps, statement });
    }

    /// The field that a target path names, and the nested records on the way to it.
    fn target(
        &mut self,
        path: &Path,
        record: RecordId,
        made: Option<&Made>,
        steps: &[(Target, RecordId)],
    ) -> Option<Found> {
        let mut steps = steps.to_vec();
        let mut record = record;
        let mut made = made.cloned();
        let (last, before) = path.names.split_last()?;
        for (name, next) in before.iter().zip(path.names.iter().skip(1)) {
            let field = self.writable(record, name)?;
            made = made.map(|made| made.step(&field.wire));
            let Some(inner) = self.nested_record(record, &field) else {
                let noun = self.noun(&field.ty);
                self.report(faults::dotted_target(next, &name.text, &noun));
                return None;
            };
            steps.push((Target { ty: Type::Record(inner), ..target_of(&field) }, inner));
            record = inner;
        }
        let field = self.writable(record, last)?;
        // A single value makes no record.
        let may_hold_records = field.ty.is_container() || field.ty == Type::Json;
        let made = if may_hold_records { made.map(|made| made.step(&field.wire)) } else { None };
        let record_name = self.ctx.model.record(record).map(|known| Arc::clone(&known.name)).unwrap_or_default();
        let name = PlaceName::Field(record_name, Arc::clone(&field));
        let place = Place::target(&field, name, self.part, made);
        Some(Found { owner: record, field, place, steps })
    }

    /// A field that may be written.
    fn writable(&mut self, record: RecordId, name: &Name) -> Option<Arc<Field>> {
        self.open_field(record, name);
        let known = self.ctx.model.record(record)?;
        let Some(field) = known.shared_field(&name.text) else {
            let fault = faults::unknown_field(known, name);
            self.report(fault);
            return None;
        };
        let field = Arc::clone(field);
        self.tainted |= field.ty.is_never();
        // A key that the system gives is still said where a record is addressed by it.
        if field.read_only && !field.key {
            self.report(faults::read_only_field_written(name, field.span));
            return None;
        }
        if let Some(why) = &field.deprecated {
            self.report(faults::deprecated_field(name, why, field.span));
        }
        Some(field)
    }

    fn check_written_once(&mut self, statements: &[Statement]) {
        let mut seen: HashMap<&str, mapwright_syntax::Span> = HashMap::with_capacity(statements.len());
        let mut faults = Vec::new();
        for statement in statements {
            let (name, span) = match statement {
                Statement::Set { field, also: false, span, .. } | Statement::Nested { field, span, .. } => {
                    (field.name.as_str(), *span)
                }
                Statement::Set { also: true, .. } | Statement::Let { .. } | Statement::Check { .. } => continue,
            };
            match seen.entry(name) {
                Entry::Occupied(first) => faults.push(faults::double_assignment(name, span, *first.get())),
                Entry::Vacant(place) => {
                    place.insert(span);
                }
            }
        }
        for fault in faults {
            self.report(fault);
        }
    }

    /// `leave` and `ignore` inside a mapping or rule.
    fn dismiss(&mut self, dismissal: &tree::Dismissal, record: RecordId, made: Option<&Made>) {
        for field in &dismissal.fields {
            let what = if dismissal.ignore { self.ignored(field) } else { self.left(field, record, made) };
            let span = match field {
                DismissedField::Path { path, .. } => path.span,
                DismissedField::Rest { span, .. } => *span,
            };
            for what in what {
                let mapping = self.mapping;
                self.ctx.dismissals.push(Dismissal { ignore: dismissal.ignore, what, span, mapping });
            }
        }
    }

    /// A target field that is left: its path in the entity or in the record that a rule makes.
    fn left(&mut self, field: &DismissedField, record: RecordId, made: Option<&Made>) -> Vec<Dismissed> {
        let Some(made) = made else { return Vec::new() };
        let (names, rest) = match field {
            DismissedField::Path { path, .. } => (path.names.as_slice(), false),
            DismissedField::Rest { of, .. } => {
                (of.as_ref().map(|path| path.names.as_slice()).unwrap_or_default(), true)
            }
        };
        let Some(steps) = self.wire_path(record, names) else { return Vec::new() };
        vec![match made {
            Made::Target(entity, path) => {
                let path: Vec<String> = path.iter().cloned().chain(steps).collect();
                let entity = EntityRef::clone(entity);
                if rest { Dismissed::Rest { entity, path } } else { Dismissed::Path { entity, path } }
            }
            Made::Record(record, path) => {
                Dismissed::Made { record: *record, path: path.iter().cloned().chain(steps).collect() }
            }
        }]
    }

    /// A source field that is ignored: `order.affiliateCode`, `order.x.*`, `rest of order`.
    fn ignored(&mut self, field: &DismissedField) -> Vec<Dismissed> {
        match field {
            DismissedField::Path { path, .. } => {
                let found = self.source_path(path);
                found.map(|(entity, path)| Dismissed::Path { entity, path }).into_iter().collect()
            }
            DismissedField::Rest { of: Some(path), .. } => {
                let found = self.source_path(path);
                found.map(|(entity, path)| Dismissed::Rest { entity, path }).into_iter().collect()
            }
            DismissedField::Rest { of: None, .. } => self
                .locals
                .iter()
                .filter(|local| matches!(local.kind, LocalKind::Source(_)))
                .filter_map(|local| self.entity_of_record(&local.ty))
                .chain(self.rows.iter().map(|(_, entity, _)| entity.clone()))
                .map(|entity| Dismissed::Rest { entity, path: Vec::new() })
                .collect(),
        }
    }

    /// Entity and wire path of a path that begins with a source's name, or with `system.entity`.
    fn source_path(&mut self, path: &Path) -> Option<(EntityRef, Vec<String>)> {
        let first = path.names.first()?;
        if let Some((_, entity, record)) = self.rows.iter().find(|(name, _, _)| *name == first.text).cloned() {
            let steps = self.wire_path(record, path.names.get(1..).unwrap_or_default())?;
            return Some((entity, steps));
        }
        if let Some(local) = self.find_local(&first.text).and_then(|id| self.locals.get(id.0)) {
            let Type::Record(record) = local.ty else { return None };
            let Some(entity) = self.entity_of_record(&Type::Record(record)) else {
                self.report(faults::not_a_source(first));
                return None;
            };
            let steps = self.wire_path(record, path.names.get(1..).unwrap_or_default())?;
            return Some((entity, steps));
        }
        let head = Path { names: path.names.iter().take(2).cloned().collect(), span: path.span };
        let named = self.entity(&head)?;
        let steps = self.wire_path(named.record, path.names.get(2..).unwrap_or_default())?;
        Some((named.entity, steps))
    }

    fn entity_of_record(&self, ty: &Type) -> Option<EntityRef> {
        let record = &crate::catalogue::record_of(ty)?;
        self.ctx.model.systems.iter().find_map(|system| {
            let entity = system.entities.iter().find(|entity| entity.record == *record)?;
            Some(EntityRef { system: system.alias.clone(), entity: entity.name.clone() })
        })
    }

    /// Wire names of a path of fields, through records and lists alike.
    pub(crate) fn wire_path(&mut self, record: RecordId, names: &[Name]) -> Option<Vec<String>> {
        let mut record = Some(record);
        let mut steps = Vec::with_capacity(names.len());
        for name in names {
            let known = record.and_then(|record| self.ctx.model.record(record));
            let Some(known) = known else {
                self.report(faults::no_fields(name, &steps.join("."), "a single value"));
                return None;
            };
            let Some(field) = known.field(&name.text) else {
                let fault = faults::unknown_field(known, name);
                self.report(fault);
                return None;
            };
            steps.push(field.wire.clone());
            record = crate::catalogue::record_of(&field.ty);
        }
        Some(steps)
    }
}

/// The name that a `let` defines.
fn defined_name(statement: &tree::Statement) -> Option<&Name> {
    match &statement.kind {
        StatementKind::Let { name, .. } => Some(name),
        StatementKind::Assign { .. }
        | StatementKind::Nested { .. }
        | StatementKind::Check { .. }
        | StatementKind::Copy { .. }
        | StatementKind::OnCreate(_)
        | StatementKind::Dismissal(_)
        | StatementKind::Remark => None,
    }
}

/// How a statement writes.
#[derive(Clone, Copy)]
struct Manner {
    also: bool,
    on_create: bool,
    span: mapwright_syntax::Span,
}

/// A target field that was found.
struct Found {
    /// The record that has the field.
    owner: RecordId,
    field: Arc<Field>,
    place: Place,
    steps: Vec<(Target, RecordId)>,
}

/// How a field is written.
pub(crate) fn target_of(field: &Field) -> Target {
    Target {
        name: field.name.clone(),
        wire: field.wire.clone(),
        ty: field.ty.clone(),
        spelling: field.spelling.clone(),
    }
}

/// `from.name`, as if the analyst had written it.
fn copied(from: &Path, name: &Name) -> tree::Expr {
    let mut names = from.names.iter();
    let first = names.next().cloned().unwrap_or_else(|| name.clone());
    let start = tree::Expr { span: first.span, kind: tree::ExprKind::Word(first) };
    let mut value = names.fold(start, |of, step| tree::Expr {
        span: of.span.to(step.span),
        kind: tree::ExprKind::Field { of: Box::new(of), name: step.clone() },
    });
    value = tree::Expr { span: name.span, kind: tree::ExprKind::Field { of: Box::new(value), name: name.clone() } };
    value
}

/// Puts statements with steps into nested blocks. All that go into one nested record are made at the place of the last of
/// them, so that every `let` they use stands before.
fn merge(placed: Vec<Placed>) -> Vec<Statement> {
    if placed.iter().all(|placed| placed.steps.is_empty()) {
        return placed.into_iter().map(|placed| placed.statement).collect();
    }
    let mut last: HashMap<String, usize> = HashMap::new();
    for (index, placed) in placed.iter().enumerate() {
        if let Some((step, _)) = placed.steps.first() {
            last.insert(step.wire.clone(), index);
        }
    }
    let mut groups: HashMap<String, Vec<Placed>> = HashMap::new();
    let mut merged = Vec::with_capacity(placed.len());
    for (index, placed) in placed.into_iter().enumerate() {
        let Some((field, record)) = placed.steps.first().cloned() else {
            merged.push(placed.statement);
            continue;
        };
        groups.entry(field.wire.clone()).or_default().push(placed);
        if last.get(&field.wire) == Some(&index) {
            let inside = groups.remove(&field.wire).unwrap_or_default();
            merged.push(nested(field, record, inside));
        }
    }
    merged
}

/// The nested record that holds these statements.
fn nested(field: Target, record: RecordId, inside: Vec<Placed>) -> Statement {
    let span = inside.first().map(|placed| statement_span(&placed.statement)).unwrap_or_default();
    let inner: Vec<Placed> = inside
        .into_iter()
        .map(|placed| Placed { steps: placed.steps.into_iter().skip(1).collect(), statement: placed.statement })
        .collect();
    let on_create = inner.iter().all(|placed| match &placed.statement {
        Statement::Set { on_create, .. } | Statement::Nested { on_create, .. } => *on_create,
        Statement::Let { .. } | Statement::Check { .. } => true,
    });
    let writes =
        inner.iter().any(|placed| matches!(placed.statement, Statement::Set { .. } | Statement::Nested { .. }));
    let body = Block { record, statements: merge(inner) };
    Statement::Nested { field, when: None, body, on_create: on_create && writes, span }
}

fn statement_span(statement: &Statement) -> mapwright_syntax::Span {
    match statement {
        Statement::Let { span, .. }
        | Statement::Check { span, .. }
        | Statement::Set { span, .. }
        | Statement::Nested { span, .. } => *span,
    }
}
