//! What the emission of one function knows: the project's names, the function's locals, and the line that it is at.
//!
//! In: the model and the names that its items were given. Out: answers (the identifier of a local, the line of a span). It emits no code.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use mapwright_model::ir::{
    EnumType, Field, Local, LocalId, LocalKind, Model, RecordId, RuleId, SettingId, TableId, Type,
};
use mapwright_syntax::{Files, Span};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use crate::code::note_mentioned;
use crate::names::{Scope, ident, shouting, snake};

/// Names that generated code uses for its own; a local of the spec that is called so gets a `_`.
pub(crate) const OWN_NAMES: &[&str] = &[
    "run", "input", "record", "target", "rows", "keyed", "made", "value", "holds", "reason", "before", "asked",
    "found", "element", "elements", "nested", "tried", "body", "word", "first", "index",
];

/// Words that cannot stand in a format text, where there are no raw names.
const RUST_WORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Rust names of the project's items.
#[derive(Default)]
pub(crate) struct Items {
    pub(crate) settings: Vec<Ident>,
    pub(crate) tables: Vec<Ident>,
    pub(crate) rules: Vec<Ident>,
    pub(crate) mappings: Vec<Ident>,
    /// By flow; only flows with a residual condition have one.
    pub(crate) keeps: Vec<Option<Ident>>,
    /// Every name above, which no local may hide.
    pub(crate) taken: BTreeSet<String>,
}

/// The project as every function sees it.
pub(crate) struct Project<'m> {
    pub(crate) model: &'m Model,
    pub(crate) files: &'m Files,
    pub(crate) items: Items,
    /// For the content hash: no comments, no documentation, no lines, so that moving a mapping does not make another version of it.
    pub(crate) bare: bool,
    /// Words of enums as constants, in the order in which they are first used.
    words: RefCell<Vec<(EnumType, Ident)>>,
    /// Constants with names that some item uses.
    names_used: RefCell<HashSet<String>>,
    constants: RefCell<Scope>,
}

impl<'m> Project<'m> {
    /// Names every item of the model.
    pub(crate) fn new(model: &'m Model, files: &'m Files, bare: bool, scope: &mut Scope) -> Self {
        let mut items = Items::default();
        let mut setting_scope = Scope::default();
        items.settings =
            model.settings.iter().map(|setting| ident(&setting_scope.take(&snake(&setting.name)))).collect();
        let mut name = |wanted: &str| {
            let name = scope.take(&snake(wanted));
            items.taken.insert(name.clone());
            ident(&name)
        };
        items.tables = model.tables.iter().map(|table| name(&table.name)).collect();
        items.rules = model.rules.iter().map(|rule| name(&rule.name)).collect();
        items.mappings = model.mappings.iter().map(|mapping| name(&mapping.name)).collect();
        items.keeps =
            model.flows.iter().map(|flow| flow.keep.is_some().then(|| name(&format!("keep_{}", flow.name)))).collect();
        let constants = RefCell::new(Scope::with(["PLAN", "INTEGRATION"]));
        Project { model, files, items, bare, words: RefCell::default(), names_used: RefCell::default(), constants }
    }

    /// A new name for a constant.
    pub(crate) fn constant(&self, wanted: &str) -> Ident {
        ident(&self.constants.borrow_mut().take(&shouting(wanted)))
    }

    /// The words of an enum on the wire, and the pairs of wire word and name where some differ.
    pub(crate) fn words_of(&self, known: &EnumType) -> (TokenStream, Option<TokenStream>) {
        let renamed = known.values.iter().any(|value| value.name != value.wire);
        if self.bare {
            return (wires(known), renamed.then(|| pairs(known)));
        }
        let met = self.words.borrow().iter().find(|(other, _)| other == known).map(|(_, name)| name.clone());
        let name = met.unwrap_or_else(|| {
            let name = self.constant(&known.name);
            self.words.borrow_mut().push((known.clone(), name.clone()));
            name
        });
        let names = renamed.then(|| names_constant(&name)).map(|names| quote! { #names });
        (quote! { #name }, names)
    }

    /// Notes which constants with names these items use.
    pub(crate) fn note_names(&self, items: &TokenStream) {
        note_mentioned(items, NAMES_ENDING, &mut self.names_used.borrow_mut());
    }

    /// The constants of all enums that [`Project::words_of`] has met, those with names only where they were noted.
    pub(crate) fn words_items(&self) -> TokenStream {
        let (words, used) = (self.words.borrow(), self.names_used.borrow());
        let items = words.iter().map(|(known, name)| {
            let (gap, wires) = (crate::print::blank(), wires(known));
            let doc = format!(" The words of `{}`.", known.name);
            let names = names_constant(name);
            let renamed = used.contains(&names.to_string()).then(|| {
                let pairs = pairs(known);
                quote! { #[doc = " The same, each with the name that specs write for it."] const #names: &[(&str, &str)] = #pairs; }
            });
            quote! { #gap #[doc = #doc] const #name: &[&str] = #wires; #renamed }
        });
        quote! { #(#items)* }
    }

    /// The line of a span, as a literal.
    pub(crate) fn line(&self, span: Span) -> Literal {
        Literal::u32_unsuffixed(if self.bare { 0 } else { self.files.place(span).1 })
    }

    /// The file of a span.
    pub(crate) fn file(&self, span: Span) -> &str {
        self.files.place(span).0
    }

    /// The spec's own words for a statement: its first line, behind its number.
    pub(crate) fn quoted(&self, span: Span) -> TokenStream {
        if self.bare {
            return TokenStream::new();
        }
        let (_, line, _) = self.files.place(span);
        let text = self.files.text(span).lines().next().unwrap_or_default().trim();
        let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let cut: String = spaced.chars().take(QUOTED_CHARACTERS_MAX).collect();
        let dots = if cut.len() < spaced.len() { "…" } else { "" };
        crate::print::comment(format!("{line}: {cut}{dots}").trim_end_matches([' ', ':', '{']))
    }

    /// The documentation of an item: its name, where it stands, what it says of itself.
    pub(crate) fn documentation(&self, name: &str, doc: &str, span: Span) -> TokenStream {
        if self.bare {
            return TokenStream::new();
        }
        let (file, line, _) = self.files.place(span);
        let colon = if doc.is_empty() { "" } else { ": " };
        let text = format!(" `{name}`, {file}:{line}{colon}{}", doc.replace('\n', " "));
        quote! { #[doc = #text] }
    }

    pub(crate) fn setting(&self, id: SettingId) -> Ident {
        self.items.settings.get(id.0).cloned().unwrap_or_else(|| ident("unknown"))
    }

    pub(crate) fn table(&self, id: TableId) -> Ident {
        self.items.tables.get(id.0).cloned().unwrap_or_else(|| ident("unknown"))
    }

    pub(crate) fn rule(&self, id: RuleId) -> Ident {
        self.items.rules.get(id.0).cloned().unwrap_or_else(|| ident("unknown"))
    }

    /// The field that wire names lead to, through nested records.
    pub(crate) fn field_at(&self, record: RecordId, steps: &[String]) -> Option<&'m Field> {
        let (first, rest) = steps.split_first()?;
        let field = self.model.record(record)?.fields().find(|field| field.wire == *first)?;
        match (&field.ty, rest) {
            (_, []) => Some(field),
            (Type::Record(id), rest) => self.field_at(*id, rest),
            (
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
                | Type::Never,
                [_, ..],
            ) => None,
        }
    }
}

fn wires(known: &EnumType) -> TokenStream {
    let wires = known.values.iter().map(|value| &value.wire);
    quote! { &[#(#wires),*] }
}

fn pairs(known: &EnumType) -> TokenStream {
    let pairs =
        known.values.iter().map(|value| (&value.wire, &value.name)).map(|(wire, name)| quote! { (#wire, #name) });
    quote! { &[#(#pairs),*] }
}

/// How constants end that hold the names of words beside them.
const NAMES_ENDING: &str = "_NAMES";

fn names_constant(words: &Ident) -> Ident {
    quote::format_ident!("{}{}", words, NAMES_ENDING)
}

const QUOTED_CHARACTERS_MAX: usize = 100;

/// How a local is kept in the Rust function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// By value.
    Owned,
    /// Behind a reference.
    Borrowed,
    /// As what `run.hold` gave: a value, or the note that it stopped.
    Held,
}

/// One function in the making.
pub(crate) struct Body<'m> {
    pub(crate) project: &'m Project<'m>,
    locals: &'m [Local],
    names: Vec<Ident>,
    /// For elements of an `each`: the element after which the row's number is named.
    pub(crate) numbered_by: RefCell<BTreeMap<LocalId, LocalId>>,
    /// `run` where it is a reference already, else `&run`.
    pub(crate) run: TokenStream,
}

impl<'m> Body<'m> {
    /// A function with these locals. `run` is how it hands its run to rules.
    pub(crate) fn new(project: &'m Project<'m>, locals: &'m [Local], run: TokenStream) -> Self {
        let taken = OWN_NAMES.iter().copied().chain(project.items.taken.iter().map(String::as_str));
        let mut scope = Scope::with(taken);
        let mut known: Vec<(&str, Ident)> = Vec::new();
        let mut names = Vec::with_capacity(locals.len());
        for local in locals {
            // Locals of one name hide each other in Rust as they do in the spec.
            let name = match known.iter().find(|(name, _)| **name == *local.name) {
                Some((_, name)) => name.clone(),
                None => {
                    let name = ident(&scope.take(&snake(&local.name)));
                    known.push((&local.name, name.clone()));
                    name
                }
            };
            names.push(name);
        }
        Body { project, locals, names, numbered_by: RefCell::default(), run }
    }

    /// Names that what stands in a text's holes may take without hiding a local.
    pub(crate) fn hole_scope(&self) -> Scope {
        let names: Vec<String> = self.names.iter().map(|name| name.to_string().replace("r#", "")).collect();
        let taken = OWN_NAMES.iter().chain(RUST_WORDS).copied().chain(names.iter().map(String::as_str));
        Scope::with(taken.chain(self.project.items.taken.iter().map(String::as_str)))
    }

    pub(crate) fn name(&self, id: LocalId) -> Ident {
        self.names.get(id.0).cloned().unwrap_or_else(|| ident("unknown"))
    }

    /// The number of the element's row, for `position`.
    pub(crate) fn number(&self, id: LocalId) -> Ident {
        let named = self.numbered_by.borrow().get(&id).copied().unwrap_or(id);
        ident(&format!("{}_number", self.name(named).to_string().replace("r#", "")))
    }

    pub(crate) fn local(&self, id: LocalId) -> Option<&'m Local> {
        self.locals.get(id.0)
    }

    pub(crate) fn keeping(&self, local: &Local) -> Keeping {
        match local.kind {
            LocalKind::Let => Keeping::Held,
            LocalKind::Source(_) | LocalKind::Found => Keeping::Owned,
            LocalKind::Parameter if local.optional => Keeping::Owned,
            LocalKind::Parameter => match &local.ty {
                Type::Record(_) | Type::List(_) => Keeping::Borrowed,
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
                | Type::Map(_)
                | Type::Json
                | Type::File
                | Type::Never => Keeping::Owned,
            },
            LocalKind::Element => Keeping::Owned,
        }
    }
}
