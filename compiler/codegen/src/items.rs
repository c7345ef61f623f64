//! Items: settings, tables, rules, mappings and residual read conditions, each one function.
//!
//! In: an item of the model. Out: a function that is documented by the spec's own name, place and words.

use mapwright_model::ir::{Flow, Literal, LocalId, Mapping, Row, RuleId, SettingId, Table, TableId, Type};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::code::{Code, mentions};
use crate::context::{Body, Project};
use crate::leaf::{Reader, reader};
use crate::literal::emit_literal;
use crate::names::ident;
use crate::print::blank;
use crate::rows::Split;
use crate::types::{is_text, rust_type, rust_type_or_missing};

impl Project<'_> {
    /// `mod setting`: a function for each setting.
    pub(crate) fn settings(&self) -> TokenStream {
        let settings = self.model.settings.iter().enumerate().map(|(index, setting)| {
            let (function, name, gap) = (self.setting(SettingId(index)), &setting.name, blank());
            let documentation = self.documentation(name, &setting.doc, setting.span);
            let ty = rust_type_or_missing(&setting.ty, setting.optional);
            let value = self.setting_value(&setting.ty, (name, setting.optional), setting);
            quote! {
                #gap
                #documentation
                pub(super) fn #function<'r>(run: &Run<'r>) -> Result<#ty, Stop> { #value }
            }
        });
        quote! {
            /// The settings, each read when it is used.
            mod setting {
                use super::*;
                #(#settings)*
            }
        }
    }

    fn setting_value(
        &self,
        ty: &Type,
        (name, optional): (&str, bool),
        setting: &mapwright_model::ir::Setting,
    ) -> TokenStream {
        let node = quote! { run.settings() };
        let (leaf, spelling) =
            if let Type::List(list) = ty { (&list.element, &list.spelling) } else { (ty, &setting.spelling) };
        let Reader { name: read, arguments, names } = reader(self, leaf, spelling);
        if let Type::List(list) = ty {
            let nodes = if optional {
                quote! { #node.list(at![#name])? }
            } else {
                quote! { #node.always(at![#name]).list()? }
            };
            let element = if list.optional {
                let arguments = (!arguments.is_empty()).then(|| quote! { , #arguments });
                quote! { element.#read(&[] #arguments) }
            } else {
                quote! { element.always(&[]).#read(#arguments) }
            };
            let all = |nodes: TokenStream| quote! { #nodes.iter().map(|element| #element).collect() };
            return if optional {
                let elements = all(quote! { elements });
                quote! { #nodes.map(|elements| #elements).transpose() }
            } else {
                all(nodes)
            };
        }
        let value = if optional {
            let arguments = (!arguments.is_empty()).then(|| quote! { , #arguments });
            quote! { #node.#read(at![#name] #arguments) }
        } else {
            quote! { #node.always(at![#name]).#read(#arguments) }
        };
        match (names, optional) {
            (Some(names), false) => quote! { #value.map(|word| named(word, #names)) },
            (Some(names), true) => quote! { #value.map(|word| word.map(|word| named(word, #names))) },
            (None, _) => value,
        }
    }

    /// A table: a `match` where all keys are texts or booleans, else tests in the order of the rows; the rows of a large one are data.
    pub(crate) fn table_item(&self, id: TableId) -> TokenStream {
        let Some(table) = self.model.tables.get(id.0) else { return TokenStream::new() };
        let body = Body::new(self, &table.locals, quote! { run });
        let (name, documentation) = (self.table(id), self.documentation(&table.name, &table.doc, table.span));
        let parameters = parameters(&body, &table.keys);
        let result = rust_type(&table.result);
        let optional = result_optional(table);
        let result = if optional {
            quote! { Option<#result> }
        } else {
            result
        };
        let rest = match &table.otherwise {
            Some(branch) => body.branch_result(branch, &table.result, optional),
            None => {
                let keys = table.keys.iter().map(|key| body.name(*key));
                match &table.reversed {
                    Some(of) => quote! { Err(no_result(#of, &[#(&#keys),*])) },
                    None => {
                        let table_name = &table.name;
                        quote! { Err(no_row(#table_name, &[#(&#keys),*])) }
                    }
                }
            }
        };
        let plain = table.keys.iter().all(|key| {
            body.local(*key).is_some_and(|local| !local.optional && (is_text(&local.ty) || local.ty == Type::Boolean))
        });
        let split = Split::of(table);
        let left: Vec<&Row> = match &split {
            Some(split) => split.others.clone(),
            None => table.rows.iter().collect(),
        };
        let rows = match left.as_slice() {
            [] if split.is_some() => rest,
            left if plain => match_rows(&body, table, left, &rest, optional),
            left => test_rows(&body, table, left, &rest, optional),
        };
        let rows = match &split {
            Some(split) => {
                let (look, data) = split.items(self, table, optional);
                // Statements in front of the last value stand in a block.
                let rows = if left.is_empty() {
                    rows
                } else {
                    quote! { { #rows } }
                };
                quote! { #look return #rows; #data }
            }
            None => rows,
        };
        let run = run_parameter(&rows);
        quote! {
            #documentation
            fn #name<'r>(#run: &Run<'r> #(, #parameters)*) -> Result<#result, Stop> { #rows }
        }
    }

    /// A rule.
    pub(crate) fn rule_item(&self, id: RuleId) -> TokenStream {
        let Some(rule) = self.model.rules.get(id.0) else { return TokenStream::new() };
        let body = Body::new(self, &rule.locals, quote! { run });
        let (name, documentation) = (self.rule(id), self.documentation(&rule.name, &rule.doc, rule.span));
        let parameters = parameters(&body, &rule.parameters);
        let result = rust_type_or_missing(&rule.result, rule.optional);
        // A body that always answers leaves the function by itself: there is no value to wrap.
        let Code { statements, value } = if rule.body.ty == Type::Never {
            body.code(&rule.body)
        } else {
            body.code_as(&rule.body, &rule.result, rule.optional).ok()
        };
        let inner = if crate::block::makes_records(&rule.body) {
            let file = self.file(rule.span);
            quote! { let body = || { #statements #value }; run.within_file(#file, body) }
        } else {
            quote! { #statements #value }
        };
        let run = run_parameter(&inner);
        quote! {
            #documentation
            fn #name<'r>(#run: &Run<'r> #(, #parameters)*) -> Result<#result, Stop> { #inner }
        }
    }

    /// A mapping.
    pub(crate) fn mapping_item(&self, index: usize, mapping: &Mapping) -> TokenStream {
        let body = Body::new(self, &mapping.locals, quote! { &run });
        let name = self.items.mappings.get(index);
        let documentation = self.documentation(&mapping.name, &mapping.doc, mapping.span);
        let file = self.file(mapping.span);
        let sources = mapping.sources.iter().enumerate().map(|(index, source)| source_line(&body, index, source.local));
        let (statements, gap) = (body.statements(&mapping.body), blank());
        if let Some(one_per) = &mapping.one_per {
            let (keys, parts) = (body.name(one_per.keys), body.name(one_per.parts));
            let line = self.line(one_per.span);
            return quote! {
                #documentation
                fn #name<'r>(input: &Input<'r>) -> Outcome<Json<'r>> {
                    let run = Run::new(input, #file);
                    #(#sources)*
                    #gap
                    #statements
                    #gap
                    run.finish_listed(#line, #keys, #parts)
                }
            };
        }
        quote! {
            #documentation
            fn #name<'r>(input: &Input<'r>) -> Outcome<Json<'r>> {
                let run = Run::new(input, #file);
                #(#sources)*
                let mut target = Record::new();
                let record = &mut target;
                #gap
                #statements
                #gap
                run.finish(target)
            }
        }
    }

    /// The condition of a flow's `read` that its source cannot evaluate.
    pub(crate) fn keep_item(&self, flow: &Flow, name: &Ident) -> TokenStream {
        let Some(keep) = &flow.keep else { return TokenStream::new() };
        let body = Body::new(self, &flow.locals, quote! { &run });
        let title = format!("{}: is the record read to be kept?", flow.name);
        let (documentation, quoted) = (self.documentation(&title, "", keep.span), self.quoted(keep.span));
        let (file, line) = (self.file(keep.span), self.line(keep.span));
        let source = source_line(&body, 0, flow.local);
        let Code { statements, value: wanted } = Code::value(body.place(keep)).ok().named_attempt("holds");
        quote! {
            #documentation
            fn #name<'r>(input: &Input<'r>) -> Result<bool, Vec<Rejection>> {
                let run = Run::new(input, #file);
                #source
                #quoted
                #statements
                run.keep(#line, #wanted)
            }
        }
    }
}

fn source_line(body: &Body<'_>, index: usize, local: LocalId) -> TokenStream {
    let name = body.name(local);
    let shown = body.local(local).map(|local| &*local.name).unwrap_or_default();
    let index = proc_macro2::Literal::usize_unsuffixed(index);
    quote! { let #name = run.source(#index, #shown); }
}

/// Every rule and table is given the run, though not every one needs it.
fn run_parameter(body: &TokenStream) -> Ident {
    ident(if mentions(body, "run") { "run" } else { "_run" })
}

fn parameters(body: &Body<'_>, ids: &[LocalId]) -> Vec<TokenStream> {
    ids.iter()
        .filter_map(|id| Some((body.name(*id), body.local(*id)?)))
        .map(|(name, local)| {
            let ty = rust_type_or_missing(&local.ty, local.optional);
            if local.optional {
                return quote! { #name: #ty };
            }
            if let Type::List(list) = &local.ty {
                let element = rust_type_or_missing(&list.element, list.optional);
                return quote! { #name: &[#element] };
            }
            if matches!(local.ty, Type::Record(_)) {
                quote! { #name: &#ty }
            } else {
                quote! { #name: #ty }
            }
        })
        .collect()
}

/// Can a row or the `otherwise` of a table answer with a missing value?
pub(crate) fn result_optional(table: &Table) -> bool {
    use mapwright_model::ir::Branch;
    let missing = |branch: &Branch| match branch {
        Branch::Value(value) => value.optional,
        Branch::Answer(_) => false,
    };
    table.rows.iter().any(|row| missing(&row.result)) || table.otherwise.iter().any(missing)
}

fn match_rows(body: &Body<'_>, table: &Table, rows: &[&Row], rest: &TokenStream, optional: bool) -> TokenStream {
    let keys = table.keys.iter().map(|key| {
        let name = body.name(*key);
        if body.local(*key).is_some_and(|local| is_text(&local.ty)) {
            quote! { &*#name }
        } else {
            quote! { #name }
        }
    });
    let single = table.keys.len() == 1;
    let subject = if single {
        quote! { #(#keys)* }
    } else {
        quote! { (#(#keys),*) }
    };
    let rows = rows.iter().map(|row| {
        let cells = row.cells.iter().map(|cell| match cell {
            None => quote! { _ },
            Some(Literal::Text(text)) => quote! { #text },
            Some(Literal::Boolean(value)) => quote! { #value },
            Some(literal @ (Literal::Number(_) | Literal::Date(_) | Literal::Time(_))) => emit_literal(literal),
        });
        let result = body.branch_result(&row.result, &table.result, optional);
        if single {
            quote! { #(#cells)* => #result }
        } else {
            quote! { (#(#cells),*) => #result }
        }
    });
    quote! { match #subject { #(#rows,)* _ => #rest } }
}

/// Numbers compare by value (`7` is `7.00`), which patterns cannot.
fn test_rows(body: &Body<'_>, table: &Table, rows: &[&Row], rest: &TokenStream, optional: bool) -> TokenStream {
    let rows = rows.iter().map(|row| {
        let result = body.branch_result(&row.result, &table.result, optional);
        let tests = row_tests(body, table, row);
        if tests.is_empty() {
            quote! { return #result; }
        } else {
            quote! { if #(#tests)&&* { return #result; } }
        }
    });
    quote! { #(#rows)* #rest }
}

fn row_tests(body: &Body<'_>, table: &Table, row: &Row) -> Vec<TokenStream> {
    let tests = table.keys.iter().zip(&row.cells).filter_map(|(key, cell)| {
        let (name, local, literal) = (body.name(*key), body.local(*key)?, cell.as_ref()?);
        let plain = match literal {
            Literal::Text(text) => quote! { #text },
            Literal::Boolean(_) | Literal::Number(_) | Literal::Date(_) | Literal::Time(_) => emit_literal(literal),
        };
        Some(match (local.optional, literal) {
            (false, Literal::Boolean(true)) => quote! { #name },
            (false, Literal::Boolean(false)) => quote! { !#name },
            (false, Literal::Text(_) | Literal::Number(_) | Literal::Date(_) | Literal::Time(_)) => {
                quote! { #name == #plain }
            }
            (true, Literal::Text(_)) => quote! { #name.as_deref() == Some(#plain) },
            (true, Literal::Boolean(_) | Literal::Number(_) | Literal::Date(_) | Literal::Time(_)) => {
                quote! { #name == Some(#plain) }
            }
        })
    });
    tests.collect()
}
