//! Mappings: sources, target, body.

use mapwright_syntax::tree::{self, Remark, StatementKind};

use super::references::NamedEntity;
use super::scope::{Body, Made};
use crate::context::{CheckedMapping, Context, Dismissal, Dismissed, Global};
use crate::faults;
use crate::ir::{
    Block, Each, EntityRef, Expr, ExprKind, Field, LocalId, LocalKind, Mapping, OnePer, Record, RecordId, Source,
    Spelling, Statement, Take, TemplatePart, Type, Walk,
};
use crate::types::{list_of, text, text_max};

/// Resolves one mapping.
pub(super) fn resolve_mapping<'p>(ctx: &mut Context<'p>, tree: &'p tree::Mapping) {
    let number = ctx.mappings.len();
    let mut body = Body::new(ctx);
    body.part = tree.part;
    body.mapping = Some(number);
    let sources = body.sources(tree);
    let target = body.entity(&tree.target);
    let (block, one_per) = match &target {
        Some(NamedEntity { entity, record, .. }) => {
            let made = Made::Target(entity.clone().into(), Vec::new());
            match &tree.one_per {
                Some(one_per) => body.one_per(one_per, &tree.body, *record, &made),
                None => (body.block(&tree.body, *record, Some(&made)), None),
            }
        }
        None => (Block { record: RecordId(0), statements: Vec::new() }, None),
    };
    let entity =
        target.map_or_else(|| EntityRef { system: String::new(), entity: String::new() }, |named| named.entity);
    super::unused::report_unused_lets(&mut body);
    let first = body.ctx.mappings.iter().all(|known| known.mapping.name != tree.name.text);
    let sound = body.sound() && first && !body.ctx.unread.is_in(tree.span);
    let refers = body.refers;
    let uses = std::mem::take(&mut body.uses);
    let locals = std::mem::take(&mut body.locals);
    let (owner, agreed) = owner_of(&tree.body);
    let mut mapping = Mapping {
        name: tree.name.text.clone(),
        doc: tree.doc.as_ref().map(|doc| doc.text.clone()).unwrap_or_default(),
        sources,
        target: entity,
        part: tree.part,
        locals,
        body: block,
        one_per,
        create_only: Vec::new(),
        owner,
        agreed,
        personal: Vec::new(),
        span: tree.name.span,
    };
    mapping.personal = super::personal::personal_paths(&ctx.model, mapping.making());
    let found = super::once::written_once(&ctx.model, &mapping);
    let mut sound = sound;
    for (path, once, always) in found.both() {
        ctx.report(faults::partly_on_create(path, once, always));
        sound = false;
    }
    mapping.create_only = found.once.into_keys().collect();
    ctx.used.extend(uses.iter().copied());
    ctx.mappings.push(CheckedMapping::new(mapping, sound, refers, uses, tree));
}

/// A mapping that uses something with an error is not sound either.
pub(super) fn settle_soundness(ctx: &mut Context<'_>) {
    let sound: Vec<bool> = ctx
        .mappings
        .iter()
        .map(|checked| checked.sound && checked.uses.iter().all(|global: &Global| ctx.is_sound(*global)))
        .collect();
    for (checked, sound) in ctx.mappings.iter_mut().zip(sound) {
        checked.sound = sound;
    }
}

/// `leave` and `ignore` for the whole project: `ignore shop.order.deepLinkCode`.
pub(super) fn resolve_dismissal(ctx: &mut Context<'_>, tree: &tree::Dismissal) {
    let mut body = Body::new(ctx);
    for field in &tree.fields {
        let (path, rest) = match field {
            tree::DismissedField::Path { path, .. } => (path, false),
            tree::DismissedField::Rest { of: Some(path), .. } => (path, true),
            tree::DismissedField::Rest { of: None, span } => {
                body.report(faults::rest_of_what(*span));
                continue;
            }
        };
        let head = tree::Path { names: path.names.iter().take(2).cloned().collect(), span: path.span };
        let Some(named) = body.entity(&head) else { continue };
        let Some(steps) = body.wire_path(named.record, path.names.get(2..).unwrap_or_default()) else { continue };
        let what = if rest {
            Dismissed::Rest { entity: named.entity, path: steps }
        } else {
            Dismissed::Path { entity: named.entity, path: steps }
        };
        body.ctx.dismissals.push(Dismissal { ignore: tree.ignore, what, span: path.span, mapping: None });
    }
}

impl Body<'_, '_> {
    /// `one per LIST as x where C`: a list of records made of the elements, and beside it the list of their part keys.
    fn one_per(
        &mut self,
        tree: &tree::OnePer,
        written: &tree::Block,
        record: RecordId,
        made: &Made,
    ) -> (Block, Option<OnePer>) {
        let span = tree.list.span;
        let walk = tree::Walk {
            list: tree.list.clone(),
            name: tree.name.clone(),
            with: Vec::new(),
            condition: tree.condition.clone(),
        };
        let (walk, key, block) = self.scoped(|body| {
            let walk = body.walk(&walk);
            // The parts are chosen: from here on each has its number.
            body.uncounted.clear();
            let key = body.part_key(walk.element, &tree.name);
            (walk, key, body.block(written, record, Some(made)))
        });
        let Some(key) = key else { return (block, None) };
        let each = |walk: Walk, take: Take, ty: Type| {
            let kind = ExprKind::Each(Box::new(Each { walks: vec![walk], sorted: None, take }));
            Expr { kind, ty: list_of(ty, false), optional: false, span }
        };
        let of_keys = each(walk.clone(), Take::Value(key), text(None));
        let of_parts = each(walk, Take::Block(block), Type::Record(record));
        let keys = self.unnamed_let("part_keys", of_keys.ty.clone(), span);
        let parts = self.unnamed_let("parts", of_parts.ty.clone(), span);
        let lets = vec![
            Statement::Let { local: keys, value: of_keys, span },
            Statement::Let { local: parts, value: of_parts, span },
        ];
        (Block { record, statements: lets }, Some(OnePer { keys, parts, span }))
    }

    /// The text that tells an element from the others: its key field, or itself where it is a single value.
    fn part_key(&mut self, element: LocalId, name: &tree::Name) -> Option<Expr> {
        let of = self.local(element, name.span);
        let keys: Option<Vec<Field>> = match &of.ty {
            Type::Record(record) => {
                let record = self.ctx.model.record(*record);
                record.map(|record| record.fields().filter(|field| field.key).cloned().collect())
            }
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
            | Type::List(_)
            | Type::Map(_)
            | Type::Json
            | Type::File
            | Type::Never => None,
        };
        let value = match keys.as_deref() {
            Some([key]) if !key.optional => {
                let kind = ExprKind::Read {
                    of: Box::new(of),
                    steps: vec![key.wire.clone()],
                    spelling: key.spelling.clone(),
                    missing_as: None,
                };
                Expr { kind, ty: key.ty.clone(), optional: false, span: name.span }
            }
            None if !of.ty.is_never() && !of.optional && text_max(&of.ty).is_some() => of,
            None if of.ty.is_never() => return None,
            Some(_) | None => {
                let noun = self.noun(&of.ty);
                self.report(faults::parts_without_key(name, &noun));
                return None;
            }
        };
        let kind = ExprKind::Template(vec![TemplatePart::Hole(value)]);
        Some(Expr { kind, ty: text(None), optional: false, span: name.span })
    }

    fn sources(&mut self, tree: &tree::Mapping) -> Vec<Source> {
        let mut sources = Vec::with_capacity(tree.sources.len());
        for (index, source) in tree.sources.iter().enumerate() {
            let named = self.readable(&source.entity);
            let grouped = match (&source.grouped, &named) {
                (Some((by, name)), Some(named)) => Some((name, self.group(source, by, named))),
                (Some((_, name)), None) => Some((name, None)),
                (None, _) => None,
            };
            let (name, ty) = match &grouped {
                Some((name, group)) => (*name, group.as_ref().map_or(Type::Never, |(record, _)| Type::Record(*record))),
                None => (&source.name, named.as_ref().map_or(Type::Never, |named| Type::Record(named.record))),
            };
            let local = self.declare(name, ty, false, LocalKind::Source(index));
            self.used.insert(local);
            if let Some(named) = named {
                if source.grouped.is_some() {
                    self.rows.push((source.name.text.clone(), named.entity.clone(), named.record));
                }
                let grouped = grouped.and_then(|(_, group)| group).map(|(_, path)| path);
                let (entity, deleted) = (named.entity, source.deleted);
                sources.push(Source { entity, local, deleted, grouped, select: Vec::new() });
            }
        }
        sources
    }

    /// `row grouped by row.ORDER_NO as shipment`: the record of a group, and the path of the field that makes it one.
    fn group(&mut self, source: &tree::Source, by: &tree::Expr, named: &NamedEntity) -> Option<(RecordId, String)> {
        let names = field_names(by, &source.name.text);
        let Some(names) = names.filter(|_| !source.deleted) else {
            self.report(faults::ungroupable(by.span, &source.name.text, source.deleted));
            return None;
        };
        let path = self.wire_path(named.record, &names)?;
        let mut record = Some(named.record);
        let mut field: Option<Field> = None;
        for name in &names {
            let known = record.and_then(|record| self.ctx.model.record(record));
            let step = known.and_then(|known| known.field(&name.text)).cloned()?;
            if step.optional {
                self.report(faults::group_may_be_missing(name));
                return None;
            }
            record = if let Type::Record(inner) = &step.ty { Some(*inner) } else { None };
            field = Some(step);
        }
        let field = field?;
        if crate::catalogue::record_of(&field.ty).is_some() {
            self.report(faults::ungroupable(by.span, &source.name.text, false));
            return None;
        }
        let shown = format!("{}.{}", named.entity.system, named.entity.entity);
        let plain = |name: &str, field: Field| Field {
            name: name.to_owned(),
            wire: name.to_owned(),
            key: false,
            natural_key: false,
            required: false,
            read_only: true,
            create_only: false,
            changed: false,
            deprecated: None,
            ..field
        };
        let rows = Field {
            ty: list_of(Type::Record(named.record), false),
            spelling: Spelling::Plain,
            missing_as: None,
            doc: String::new(),
            ..plain("rows", field.clone())
        };
        let group = Record::new(format!("a group of {shown}"), [plain("key", field), rows]);
        Some((self.ctx.add_record(group), path.join(".")))
    }
}

/// The steps of `row.a.b` behind `row`.
fn field_names(expr: &tree::Expr, name: &str) -> Option<Vec<tree::Name>> {
    let mut steps: Vec<tree::Name> = Vec::new();
    let mut at = expr;
    while let tree::ExprKind::Field { of, name } = &at.kind {
        steps.push(name.clone());
        at = of;
    }
    let tree::ExprKind::Word(word) = &at.kind else { return None };
    steps.reverse();
    (word.text == name && !steps.is_empty()).then_some(steps)
}

/// `owner "...", agreed 2026-03-14` of a mapping: a line of its own, or behind another statement.
fn owner_of(body: &tree::Block) -> (String, Option<String>) {
    let own_line = body.statements.iter().filter(|statement| matches!(statement.kind, StatementKind::Remark));
    let any_line = own_line.chain(body.statements.iter());
    let remarks = any_line.flat_map(|statement| statement.remarks.iter());
    for remark in remarks {
        match remark {
            Remark::Owner { who, agreed, .. } => {
                return (who.text.clone(), agreed.as_ref().map(|agreed| agreed.text.clone()));
            }
            Remark::Note(_) | Remark::Open(_) => {}
        }
    }
    (String::new(), None)
}
