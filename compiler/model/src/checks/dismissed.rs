//! What `leave` and `ignore` settle, and how a name is taken out of them.
//!
//! In: dismissals. Out: does one speak of a path; the edit that takes its name out.

use mapwright_syntax::tree::{
    self, Branch, Definition, DismissedField, EachTake, Expr, ExprKind, Statement, StatementKind,
};
use mapwright_syntax::{Edit, Fix, Span};

use crate::context::{Context, Dismissal, Dismissed};
use crate::ir::{EntityRef, RecordId};

/// The dismissals of one kind that speak of an entity, or of records that rules make.
#[derive(Clone, Debug)]
pub(crate) struct Dismissals<'c> {
    all: Vec<&'c Dismissal>,
}

impl<'c> Dismissals<'c> {
    /// Those of an entity: `ignore`, else `leave`.
    pub(crate) fn of(ctx: &'c Context<'_>, entity: &EntityRef, ignore: bool) -> Self {
        let speaks = |what: &Dismissed| match what {
            Dismissed::Path { entity: of, .. } | Dismissed::Rest { entity: of, .. } => of == entity,
            Dismissed::Made { .. } => true,
        };
        Self { all: ctx.dismissals.iter().filter(|known| known.ignore == ignore && speaks(&known.what)).collect() }
    }

    /// The one that settles a path of the entity, by name or as part of a rest.
    pub(crate) fn settles(&self, path: &[String]) -> Option<&'c Dismissal> {
        let covers = |known: &&&Dismissal| match &known.what {
            Dismissed::Path { path: of, .. } | Dismissed::Rest { path: of, .. } => path.starts_with(of),
            Dismissed::Made { .. } => false,
        };
        self.all.iter().find(covers).copied()
    }

    /// The same of a path of a record that rules make.
    pub(crate) fn settles_made(&self, record: RecordId, path: &[String]) -> bool {
        self.all.iter().any(|known| match &known.what {
            Dismissed::Made { record: of, path: left } => *of == record && path.starts_with(left),
            Dismissed::Path { .. } | Dismissed::Rest { .. } => false,
        })
    }

    /// Does one speak of something beneath a path?
    pub(crate) fn speak_beneath(&self, path: &[String]) -> bool {
        self.all.iter().any(|known| match &known.what {
            Dismissed::Path { path: of, .. } | Dismissed::Rest { path: of, .. } => of.starts_with(path),
            Dismissed::Made { .. } => false,
        })
    }
}

/// Takes the dismissed name at this place out of its statement, with the statement where it stands alone.
pub(crate) fn without(ctx: &Context<'_>, at: Span) -> Option<Fix> {
    let (dismissal, whole) = statement_of(ctx, at)?;
    let position = dismissal.fields.iter().position(|field| begin(field) == at.start)?;
    let name = ctx.project.files.text(at).to_owned();
    let verb = if dismissal.ignore { "ignore" } else { "leave" };
    let end_of = |field: &DismissedField| written_end(ctx, field);
    let span = match (
        position.checked_sub(1).and_then(|before| dismissal.fields.get(before)),
        dismissal.fields.get(position + 1),
    ) {
        (Some(before), _) => {
            let this = dismissal.fields.get(position)?;
            Span { file: at.file, start: end_of(before), end: end_of(this) }
        }
        (None, Some(next)) => Span { file: at.file, start: at.start, end: begin(next) },
        (None, None) => {
            return Some(Fix {
                title: format!("remove this `{verb}`"),
                edits: vec![Edit { span: lines(ctx, whole), text: String::new() }],
            });
        }
    };
    Some(Fix { title: format!("take `{name}` out of the `{verb}`"), edits: vec![Edit { span, text: String::new() }] })
}

/// Writes `rest of NAME` for the dismissed name at this place: what is used beneath it then stays used.
pub(crate) fn as_rest(ctx: &Context<'_>, at: Span) -> Option<Fix> {
    let (dismissal, _) = statement_of(ctx, at)?;
    let field = dismissal.fields.iter().find(|field| begin(field) == at.start)?;
    let span = Span { end: written_end(ctx, field), ..at };
    let text = format!("rest of {}", ctx.project.files.text(at));
    Some(Fix { title: format!("write `{text}`"), edits: vec![Edit { span, text }] })
}

fn begin(field: &DismissedField) -> u32 {
    match field {
        DismissedField::Path { path, .. } => path.span.start,
        DismissedField::Rest { span, .. } => span.start,
    }
}

/// Behind the last byte of a dismissed name, `.*` included.
fn written_end(ctx: &Context<'_>, field: &DismissedField) -> u32 {
    match field {
        DismissedField::Path { path, all: true } => {
            let text = ctx.project.files.get(path.span.file).map(|file| file.text.as_str()).unwrap_or_default();
            let behind = text.get(path.span.end as usize..).unwrap_or_default();
            let star = behind.find('*').and_then(|star| u32::try_from(star).ok()).unwrap_or(0);
            path.span.end + star + 1
        }
        DismissedField::Path { path, all: false } => path.span.end,
        DismissedField::Rest { span, .. } => span.end,
    }
}

/// The whole lines of a statement that stands alone on them.
fn lines(ctx: &Context<'_>, span: Span) -> Span {
    let text = ctx.project.files.get(span.file).map(|file| file.text.as_str()).unwrap_or_default();
    let before = text.get(..span.start as usize).unwrap_or_default();
    let indent = before.len() - before.trim_end_matches([' ', '\t']).len();
    let behind = text.get(span.end as usize..).unwrap_or_default();
    let blanks = behind.len() - behind.trim_start_matches([' ', '\t']).len();
    let alone = before.trim_end_matches([' ', '\t']).ends_with('\n')
        && behind.trim_start_matches([' ', '\t']).starts_with('\n');
    if !alone {
        return span;
    }
    let less = u32::try_from(indent).unwrap_or(0);
    let more = u32::try_from(blanks + 1).unwrap_or(0);
    Span { start: span.start.saturating_sub(less), end: span.end + more, ..span }
}

/// The statement in which a dismissed name stands, with its place.
fn statement_of<'p>(ctx: &Context<'p>, at: Span) -> Option<(&'p tree::Dismissal, Span)> {
    let holds = |dismissal: &tree::Dismissal| {
        dismissal.span.file == at.file && dismissal.fields.iter().any(|field| begin(field) == at.start)
    };
    ctx.definitions().find_map(|definition| match definition {
        Definition::Dismissal(dismissal) => holds(dismissal).then_some((dismissal, dismissal.span)),
        Definition::Mapping(mapping) => in_block(&mapping.body, &holds),
        Definition::Rule(rule) => in_expr(&rule.body, &holds),
        Definition::Use(_)
        | Definition::Rounding(_)
        | Definition::System(_)
        | Definition::Extend(_)
        | Definition::Setting(_)
        | Definition::Table(_)
        | Definition::Example(_)
        | Definition::Flow(_) => None,
    })
}

type Found<'t> = Option<(&'t tree::Dismissal, Span)>;

fn in_block<'t>(block: &'t tree::Block, holds: &dyn Fn(&tree::Dismissal) -> bool) -> Found<'t> {
    block.statements.iter().find_map(|statement| in_statement(statement, holds))
}

fn in_statement<'t>(statement: &'t Statement, holds: &dyn Fn(&tree::Dismissal) -> bool) -> Found<'t> {
    match &statement.kind {
        StatementKind::Dismissal(dismissal) => holds(dismissal).then_some((dismissal, statement.span)),
        StatementKind::Nested { body, .. } | StatementKind::OnCreate(body) => in_block(body, holds),
        StatementKind::Assign { value: Branch::Value(value), .. } => in_expr(value, holds),
        StatementKind::Assign { value: Branch::Answer(_), .. }
        | StatementKind::Let { .. }
        | StatementKind::Check { .. }
        | StatementKind::Copy { .. }
        | StatementKind::Remark => None,
    }
}

/// Dismissals stand in the braces that an expression makes records with.
fn in_expr<'t>(expr: &'t Expr, holds: &dyn Fn(&tree::Dismissal) -> bool) -> Found<'t> {
    match &expr.kind {
        ExprKind::Record(block) => in_block(block, holds),
        ExprKind::Each(each) => match &each.take {
            EachTake::Block(block) => in_block(block, holds),
            EachTake::Value(value) => in_expr(value, holds),
            EachTake::Element => None,
        },
        ExprKind::Brackets(inner) => in_expr(inner, holds),
        ExprKind::List(elements) => elements.iter().find_map(|element| in_expr(element, holds)),
        ExprKind::Literal(_)
        | ExprKind::Template(_)
        | ExprKind::Word(_)
        | ExprKind::Field { .. }
        | ExprKind::Call { .. }
        | ExprKind::Lookup { .. }
        | ExprKind::Pipe { .. }
        | ExprKind::Negate(_)
        | ExprKind::Not(_)
        | ExprKind::Binary { .. }
        | ExprKind::In { .. }
        | ExprKind::Is { .. }
        | ExprKind::If { .. }
        | ExprKind::Match { .. }
        | ExprKind::Otherwise { .. }
        | ExprKind::IfInvalid { .. }
        | ExprKind::Find(_)
        | ExprKind::Linked(_) => None,
    }
}
