//! Mappings: sources, target, body.

use mapwright_syntax::tree::{self, Remark, StatementKind};

use super::references::NamedEntity;
use super::scope::{Body, Made};
use crate::context::{CheckedMapping, Context, Dismissal, Dismissed, Global};
use crate::faults;
use crate::ir::{Block, EntityRef, LocalKind, Mapping, RecordId, Source, Type};

/// Resolves one mapping.
pub(super) fn resolve_mapping<'p>(ctx: &mut Context<'p>, tree: &'p tree::Mapping) {
    let number = ctx.mappings.len();
    let mut body = Body::new(ctx);
    body.part = tree.part;
    body.mapping = Some(number);
    let sources = body.sources(tree);
    let target = body.entity(&tree.target);
    if let Some(one_per) = &tree.one_per {
        body.report(faults::not_built_yet(one_per.name.span, "`one per`"));
    }
    let block = match &target {
        Some(NamedEntity { entity, record, .. }) => {
            let made = Made::Target(entity.clone(), Vec::new());
            body.block(&tree.body, *record, Some(&made))
        }
        None => Block { record: RecordId(0), statements: Vec::new() },
    };
    let entity =
        target.map_or_else(|| EntityRef { system: String::new(), entity: String::new() }, |named| named.entity);
    super::unused::report_unused_lets(&mut body);
    let first = body.ctx.mappings.iter().all(|known| known.mapping.name != tree.name.text);
    let sound = body.sound() && first && !body.ctx.unread.is_in(tree.span);
    let uses = std::mem::take(&mut body.uses);
    let locals = std::mem::take(&mut body.locals);
    let (owner, agreed) = owner_of(&tree.body);
    let personal = super::personal::personal_paths(&ctx.model, &block);
    let mapping = Mapping {
        name: tree.name.text.clone(),
        doc: tree.doc.as_ref().map(|doc| doc.text.clone()).unwrap_or_default(),
        sources,
        target: entity,
        part: tree.part,
        locals,
        body: block,
        owner,
        agreed,
        personal,
        span: tree.name.span,
    };
    ctx.used.extend(uses.iter().copied());
    ctx.mappings.push(CheckedMapping { mapping, sound, uses, tree });
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
    fn sources(&mut self, tree: &tree::Mapping) -> Vec<Source> {
        let mut sources = Vec::with_capacity(tree.sources.len());
        for (index, source) in tree.sources.iter().enumerate() {
            let named = self.readable(&source.entity);
            let ty = named.as_ref().map_or(Type::Never, |named| Type::Record(named.record));
            let local = self.declare(&source.name, ty, false, LocalKind::Source(index));
            self.used.insert(local);
            if let Some((_, name)) = &source.grouped {
                self.declare(name, Type::Never, false, LocalKind::Let);
                self.report(faults::not_built_yet(source.span, "`grouped by`"));
            }
            if let Some(named) = named {
                sources.push(Source { entity: named.entity, local, deleted: source.deleted, select: Vec::new() });
            }
        }
        sources
    }
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
