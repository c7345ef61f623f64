//! What the checks of coverage share: fields that are settled nowhere, and how a diagnostic names them.
//!
//! In: a record and two questions about its paths. Out: the paths that are open. A record or list of which nothing at all is
//! settled counts as one, so that it is told once and not field by field.

use mapwright_syntax::tree::Block;
use mapwright_syntax::{Diagnostic, Edit, Span};

use crate::catalogue::record_of;
use crate::context::Context;
use crate::ir::{EntityRef, Field, Model, RecordId};

/// A field that is settled nowhere.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    /// As specs write it, dots between steps; `.*` behind a record of which nothing is settled.
    pub(crate) name: String,
    /// Where it is declared.
    pub(crate) declared: Span,
}

/// The step to a field.
pub(crate) struct Step<'m> {
    /// The field.
    pub(crate) field: &'m Field,
    /// Wire names.
    pub(crate) path: &'m [String],
    /// The records on the way, each with how many steps lead to it.
    pub(crate) records: &'m [(RecordId, usize)],
}

/// What is to be asked about fields.
pub(crate) struct Questions<'q> {
    /// Need nobody speak of it, with all that is beneath?
    pub(crate) exempt: &'q dyn Fn(&Step<'_>) -> bool,
    /// Is it settled, with all that is beneath?
    pub(crate) settled: &'q dyn Fn(&Step<'_>) -> bool,
    /// Is something beneath it settled?
    pub(crate) begun: &'q dyn Fn(&[String]) -> bool,
}

/// All open fields of a record, in the order of the catalogue.
pub(crate) fn open_fields(model: &Model, record: RecordId, questions: &Questions<'_>) -> Vec<Open> {
    let mut found = Vec::new();
    let mut walk = Walk { model, questions, path: Vec::new(), names: Vec::new(), records: vec![(record, 0)] };
    walk.record(record, false, &mut found);
    found
}

struct Walk<'m, 'q> {
    model: &'m Model,
    questions: &'q Questions<'q>,
    path: Vec<String>,
    names: Vec<&'m str>,
    records: Vec<(RecordId, usize)>,
}

impl<'m> Walk<'m, '_> {
    /// The path as specs write it.
    fn name(&self) -> String {
        self.names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(".")
    }

    /// The open fields of a record, or only the `first`: where none of many will be named, they need not be looked for.
    fn record(&mut self, record: RecordId, first: bool, found: &mut Vec<Open>) {
        let Some(known) = self.model.record(record) else { return };
        for field in known.fields() {
            if first && !found.is_empty() {
                return;
            }
            self.path.push(field.wire.clone());
            self.names.push(&field.name);
            self.field(field, found);
            self.path.pop();
            self.names.pop();
        }
    }

    fn field(&mut self, field: &'m Field, found: &mut Vec<Open>) {
        let step = Step { field, path: &self.path, records: &self.records };
        if (self.questions.exempt)(&step) || (self.questions.settled)(&step) {
            return;
        }
        let Some(inner) = record_of(&field.ty) else {
            found.push(Open { name: self.name(), declared: field.span });
            return;
        };
        // A record that holds itself: what is beneath is the same again.
        if self.records.iter().any(|(known, _)| *known == inner) {
            return;
        }
        let begun = (self.questions.begun)(&self.path);
        let mut beneath = Vec::new();
        self.records.push((inner, self.path.len()));
        self.record(inner, !begun, &mut beneath);
        self.records.pop();
        if begun || beneath.is_empty() {
            found.append(&mut beneath);
        } else {
            found.push(Open { name: format!("{}.*", self.name()), declared: field.span });
        }
    }
}

/// A name as it must be written behind `leave` and `ignore`.
pub(crate) fn quoted(name: &str) -> String {
    let mut letters = name.chars();
    let plain = letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_');
    if plain && name != "rest" { name.to_owned() } else { format!("`{name}`") }
}

/// Names the open fields, marks the first of them in the catalogue, and offers the line that settles them.
pub(crate) fn tell(
    ctx: &Context<'_>,
    fault: Diagnostic,
    open: &[Open],
    verb: &str,
    source: Option<&str>,
    body: &Block,
) -> Diagnostic {
    const MARKED: usize = 3;
    let fault = open.iter().take(MARKED).fold(fault, |fault, field| fault.label(field.declared, "declared here"));
    let names: Vec<String> = open
        .iter()
        .map(|field| match source {
            Some(source) => format!("{}.{}", quoted(source), field.name),
            None => field.name.clone(),
        })
        .collect();
    let quoted_names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let line = format!("{verb} {} because \"TO BE SAID: why\"", names.join(", "));
    let title = format!("{verb} {} with a reason, then say the reason", if open.len() == 1 { "it" } else { "them" });
    fault
        .help(format!("{}: {}", if open.len() == 1 { "the field" } else { "the fields" }, quoted_names.join(", ")))
        .fix(title, vec![at_end(ctx, body, &line)])
}

/// Adds a line at the end of a block.
pub(crate) fn at_end(ctx: &Context<'_>, body: &Block, line: &str) -> Edit {
    let brace = body.span.end.saturating_sub(1);
    let text = ctx.project.files.get(body.span.file).map(|file| file.text.as_str()).unwrap_or_default();
    let before = text.get(..brace as usize).unwrap_or_default();
    let alone = before.trim_end_matches([' ', '\t']).ends_with('\n');
    let text = if alone { format!("  {line}\n") } else { format!("\n  {line}\n") };
    Edit { span: Span { file: body.span.file, start: brace, end: brace }, text }
}

/// Can coverage be judged although there are errors? Not where a name or a line in the mapping could not be read: what it
/// speaks of is unknown.
pub(crate) fn judged(ctx: &Context<'_>, mapping: usize, diagnostics: &[Diagnostic]) -> bool {
    let Some(checked) = ctx.mappings.get(mapping) else { return false };
    let whole = checked.tree.span;
    if ctx.unread.is_in(whole) || ctx.unread.hides_a_definition() {
        return false;
    }
    if checked.sound {
        return true;
    }
    let within = |span: Span| span.file == whole.file && whole.start <= span.start && span.end <= whole.end;
    let names = |code: &str| code.starts_with("E01") || code.starts_with("E02");
    let torn = diagnostics.iter().any(|known| names(known.code) && within(known.span()));
    !torn && checked.uses.iter().all(|global| ctx.is_sound(*global))
}

/// `erp.Orders`.
pub(crate) fn shown(entity: &EntityRef) -> String {
    format!("{}.{}", entity.system, entity.entity)
}
