//! `example` lines: a call with literal arguments and what it must give. They are evaluated by the preview, not here.

use mapwright_syntax::tree;

use super::scope::{Body, Place, PlaceKind};
use crate::catalogue::Typed;
use crate::context::{Context, Global};
use crate::faults;
use crate::ir::{Example, Expected, Expr, Type};

/// Resolves an example.
pub(super) fn resolve_example(ctx: &mut Context<'_>, tree: &tree::Example) {
    let subject = ctx.names.get(&tree.name.text).map(|(global, _)| *global);
    let mut body = Body::new(ctx);
    let call: Expr = match subject {
        Some(Global::Table(id)) => {
            let result = body.ctx.model.tables.get(id.0).map_or(Type::Never, |table| table.result.clone());
            let place = Place { kind: PlaceKind::Answer, ..Place::inner(result, "an example") };
            body.lookup(&tree.name, None, &tree.arguments, Some(&place), tree.span)
        }
        Some(Global::Rule(_)) => body.call(&tree.name, None, &tree.arguments, None, tree.span),
        Some(Global::System(_) | Global::Setting(_)) | None => {
            body.report(faults::unknown_example_subject(&tree.name));
            return;
        }
    };
    let expected = match &tree.expected {
        tree::Expected::Rejects => Expected::Rejects,
        tree::Expected::State(state) => Expected::State(*state),
        tree::Expected::Value(value) => {
            let typed = Typed { optional: true, ..Typed::plain(call.ty.clone()) };
            let place =
                Place::typed(PlaceKind::Result, typed, format!("what `{}` gives", tree.name.text), tree.name.span);
            Expected::Value(body.fitted(value, &place))
        }
    };
    let sound = body.sound() && !call.ty.is_never() && subject.is_some_and(|subject| body.ctx.is_sound(subject));
    if sound {
        ctx.model.examples.push(Example { call, expected, span: tree.span });
    }
}
