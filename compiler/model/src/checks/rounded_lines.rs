//! Lines that are rounded one by one, beside a total that is mapped by itself.
//!
//! In: mappings that make a list of records with rounded amounts and, above it, a total. Out: a warning a list: the rounded
//! amounts need not add up to the total. `allocate` splits a total so that they do, and is offered where the line is simple.

use mapwright_syntax::{Diagnostic, Edit, Span};

use super::lines::{Lets, Search};
use crate::context::Context;
use crate::ir::{
    Block, Branch, Each, Expr, ExprKind, Local, LocalId, LocalKind, Mapping, Statement, Take, Target, Type,
};

/// Functions that round an amount.
const ROUNDS: &[&str] = &["round", "floor", "ceiling", "net_from_gross", "gross_from_net", "tax_in", "convert"];
/// Parts of names of amounts, and of what is none though it is a number with decimals.
const AMOUNT: &[&str] = &["total", "amount", "sum", "net", "gross", "tax", "value", "price", "cost"];
const NO_AMOUNT: &[&str] = &["rate", "percent", "quantity", "factor", "unit", "weight", "code"];
/// What a header's total is called.
const TOTAL: &[&str] = &["total", "amount", "sum"];

/// Checks every mapping.
pub(crate) fn check(ctx: &Context<'_>, _: &[Diagnostic], found: &mut Vec<Diagnostic>) {
    for checked in ctx.mappings.iter().filter(|checked| checked.sound) {
        found.extend(check_mapping(ctx, &checked.mapping));
    }
}

/// A field that is written, with its value.
struct Written<'m> {
    field: &'m Target,
    value: &'m Expr,
    span: Span,
}

fn check_mapping(ctx: &Context<'_>, mapping: &Mapping) -> Vec<Diagnostic> {
    let block = mapping.making();
    let mut lets = Lets::default();
    let mut totals = Vec::new();
    totals_of(block, &mut totals);
    let mut found = Vec::new();
    for statement in &block.statements {
        match statement {
            Statement::Let { local, value, .. } => {
                lets.insert(*local, value);
            }
            Statement::Set { field, value: Branch::Value(value), span, .. } => {
                let ExprKind::Each(each) = &value.kind else { continue };
                let Take::Block(body) = &each.take else { continue };
                let Some(line) = rounded(ctx, body, &lets) else { continue };
                let sums = Search { model: &ctx.model, wanted: &|name| name == "sum", ends: &[] };
                let total = totals.iter().find(|total| sums.value(total.value, &lets).is_none());
                if let Some(total) = total {
                    let fault = warning(field, &line, total);
                    found.push(match allocated(ctx, mapping, each, &line, total, *span) {
                        Some(edits) => fault.fix("split the total over the lines with `allocate`", edits),
                        None => fault,
                    });
                }
            }
            Statement::Set { value: Branch::Answer(_), .. } | Statement::Check { .. } | Statement::Nested { .. } => {}
        }
    }
    found
}

fn warning(list: &Target, line: &Written<'_>, total: &Written<'_>) -> Diagnostic {
    let headline = format!(
        "`{}` of `{}` is rounded line by line: the lines need not add up to `{}`",
        line.field.name, list.name, total.field.name
    );
    Diagnostic::warning("W0621", line.span, headline)
        .here("rounded here, each line by itself")
        .label(total.span, "the total is taken from elsewhere")
        .help("split the total over the lines with `allocate`, or add up the rounded lines with `sum`")
}

/// Totals of the record itself and of records in it, not of lists.
fn totals_of<'m>(block: &'m Block, found: &mut Vec<Written<'m>>) {
    for statement in &block.statements {
        match statement {
            Statement::Set { field, value: Branch::Value(value), span, .. }
                if is_decimal(&field.ty) && is_named(&field.name, TOTAL) && reads_something(value) =>
            {
                found.push(Written { field, value, span: *span });
            }
            Statement::Nested { field, body, .. } if matches!(field.ty, Type::Record(_)) => totals_of(body, found),
            Statement::Set { .. } | Statement::Nested { .. } | Statement::Let { .. } | Statement::Check { .. } => {}
        }
    }
}

fn reads_something(value: &Expr) -> bool {
    !matches!(value.kind, ExprKind::Literal(_) | ExprKind::Setting(_))
}

fn is_decimal(ty: &Type) -> bool {
    matches!(ty, Type::Decimal { scale: 1.., .. })
}

fn is_named(name: &str, parts: &[&str]) -> bool {
    let name = name.to_lowercase();
    parts.iter().any(|part| name.contains(part)) && !NO_AMOUNT.iter().any(|part| name.contains(part))
}

/// The first amount of a line that is rounded.
fn rounded<'m>(ctx: &Context<'_>, body: &'m Block, outer: &Lets<'m>) -> Option<Written<'m>> {
    let search = Search { model: &ctx.model, wanted: &|name| ROUNDS.contains(&name), ends: &["allocate"] };
    let mut lets = outer.clone();
    for statement in &body.statements {
        match statement {
            Statement::Let { local, value, .. } => {
                lets.insert(*local, value);
            }
            Statement::Set { field, value: Branch::Value(value), span, .. }
                if is_decimal(&field.ty) && is_named(&field.name, AMOUNT) && search.value(value, &lets).is_some() =>
            {
                return Some(Written { field, value, span: *span });
            }
            Statement::Set { .. } | Statement::Check { .. } | Statement::Nested { .. } => {}
        }
    }
    None
}

/// `let shares = allocate(TOTAL, each LIST as x take X, 2)`, and `x with shares as share`, where the line is `round(X, 2)` of one
/// plain walk over a list.
fn allocated(
    ctx: &Context<'_>,
    mapping: &Mapping,
    each: &Each,
    line: &Written<'_>,
    total: &Written<'_>,
    statement: Span,
) -> Option<Vec<Edit>> {
    let ([walk], None) = (each.walks.as_slice(), &each.sorted) else { return None };
    if !walk.with.is_empty() || walk.condition.is_some() || !mapping.sources.iter().all(|source| !source.deleted) {
        return None;
    }
    let (weight, places) = rounding_of(line.value)?;
    let Type::Decimal { scale, .. } = total.value.ty else { return None };
    let element = mapping.locals.get(walk.element.0)?;
    let answered = matches!(total.value.kind, ExprKind::Otherwise { .. } | ExprKind::IfInvalid { .. });
    let visible = |local: LocalId| is_outside(&mapping.locals, local, statement) || local == walk.element;
    let taken = mapping.locals.iter().any(|local| matches!(&*local.name, "shares" | "share"));
    if answered || total.value.optional || taken || scale > places || !speaks_of(weight, &visible) {
        return None;
    }
    let text = |span: Span| ctx.project.files.text(span);
    let written = format!(
        "let shares = allocate({}, each {} as {} take {}, {places})\n  ",
        text(total.value.span),
        text(walk.list.span),
        element.name,
        text(weight.span),
    );
    let at = |at: u32| Span { start: at, end: at, ..statement };
    Some(vec![
        Edit { span: at(statement.start), text: written },
        Edit { span: at(element.span.end), text: " with shares as share".to_owned() },
        Edit { span: line.value.span, text: "share otherwise reject \"a line has no share of the total\"".to_owned() },
    ])
}

/// What `round(X, 2)` or `X | round(2)` rounds, and to how many decimals.
fn rounding_of(value: &Expr) -> Option<(&Expr, u32)> {
    use crate::ir::{Argument, Literal};
    let ExprKind::Call { function, arguments } = &value.kind else { return None };
    let [Argument::Value(weight), Argument::Value(places), ..] = arguments.as_slice() else { return None };
    let ExprKind::Literal(Literal::Number(places)) = &places.kind else { return None };
    let plain = matches!(weight.ty, Type::Decimal { .. } | Type::Integer { .. }) && !weight.optional;
    (function.name == "round" && plain).then_some(())?;
    Some((weight, places.parse().ok()?))
}

/// Is a local known before this statement begins? A `let` of an inner block is not.
fn is_outside(locals: &[Local], local: LocalId, statement: Span) -> bool {
    locals.get(local.0).is_some_and(|local| {
        let before = local.span.end <= statement.start;
        before && matches!(local.kind, LocalKind::Source(_) | LocalKind::Let)
    })
}

/// Does a plain calculation speak of nothing else? Other expressions are not looked into.
fn speaks_of(expr: &Expr, visible: &dyn Fn(LocalId) -> bool) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Setting(_) => true,
        ExprKind::Local(local) => visible(*local),
        ExprKind::Read { of, .. } | ExprKind::Negate(of) => speaks_of(of, visible),
        ExprKind::Binary { left, right, .. } => speaks_of(left, visible) && speaks_of(right, visible),
        ExprKind::Template(_)
        | ExprKind::Not(_)
        | ExprKind::In { .. }
        | ExprKind::Is { .. }
        | ExprKind::If { .. }
        | ExprKind::Match { .. }
        | ExprKind::Otherwise { .. }
        | ExprKind::IfInvalid { .. }
        | ExprKind::Each(_)
        | ExprKind::Find(_)
        | ExprKind::Linked(_)
        | ExprKind::Call { .. }
        | ExprKind::Apply { .. }
        | ExprKind::Lookup { .. }
        | ExprKind::Fit { .. }
        | ExprKind::Position(_)
        | ExprKind::Now
        | ExprKind::List(_)
        | ExprKind::Record(_) => false,
    }
}
