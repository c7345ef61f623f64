//! The plan of a project: `static PLAN` and the tables that it points into.
//!
//! In: the model. Out: items of data, no code. It leaves out what no flow, mapping or look-up of the project touches.

use std::collections::{BTreeMap, BTreeSet};

use mapwright_model::ir::{
    AlsoRead, Entity, EntityRef, Field, Flow, Manner, Mapping, Model, PushedTerm, RecordId, Schedule, Setting, Source,
    Spelling, System, Type, Write,
};
use mapwright_syntax::Files;
use mapwright_values::reference::Test;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use crate::context::Project;
use crate::names::{ident, shouting};
use crate::print::{blank, print};
use crate::visit;

/// What the plan says of a mapping that only the emitted code knows.
pub(crate) struct Emitted {
    /// The content hash.
    pub(crate) version: String,
}

struct Plans<'m> {
    project: &'m Project<'m>,
    model: &'m Model,
    files: &'m Files,
    records: BTreeMap<RecordId, Ident>,
}

/// All items of the plan as text, and apart from them the manifests' texts, which stand last in the file.
pub(crate) fn emit_plan(project: &Project<'_>, emitted: &[Emitted]) -> (String, TokenStream) {
    let (model, files) = (project.model, project.files);
    let used = visit::entities_used(model);
    let records = name_records(project, &used);
    let plans = Plans { project, model, files, records };

    let name = &model.name;
    let systems = model.systems.iter().map(|system| plans.system(system, &used));
    let settings = model.settings.iter().map(|setting| plans.setting(setting));
    let mappings = model.mappings.iter().zip(emitted).map(|(mapping, emitted)| plans.mapping(mapping, emitted));
    let flows = model.flows.iter().map(|flow| plans.flow(flow));
    let tables = plans.record_tables();
    let manifests = model.systems.iter().map(|system| {
        let (manifest, text) = (manifest_name(system), raw_text(&system.manifest));
        let gap = blank();
        let doc = format!(" The connector manifest of `{}`.", system.name);
        quote! { #gap #[doc = #doc] const #manifest: &str = #text; }
    });
    let gap = blank();
    let mut plan = print(quote! {
        #gap
        /// The plan: what the runtime knows of the project.
        static PLAN: Plan = Plan {
            name: #name,
            systems: &[#(#systems),*],
            settings: &[#(#settings),*],
            mappings: &[#(#mappings),*],
            flows: &[#(#flows),*],
        };
    });
    plan.push_str(&tables);
    (plan, quote! { #(#manifests)* })
}

fn manifest_name(system: &System) -> Ident {
    ident(&format!("MANIFEST_{}", shouting(&system.alias)))
}

/// Every record type within the entities in use, each with the name of its table.
fn name_records(project: &Project<'_>, used: &BTreeSet<(String, String)>) -> BTreeMap<RecordId, Ident> {
    let model = project.model;
    let mut found = BTreeMap::new();
    let mut ahead: Vec<RecordId> = Vec::new();
    for (system, entity) in used {
        let entity = EntityRef { system: system.clone(), entity: entity.clone() };
        ahead.extend(model.entity(&entity).map(|entity| entity.record));
    }
    for setting in &model.settings {
        ahead.extend(record_within(&setting.ty));
    }
    while let Some(id) = ahead.pop() {
        if let Some(record) = model.record(id).filter(|_| !found.contains_key(&id)) {
            found.insert(id, &*record.name);
            ahead.extend(record.fields().filter_map(|field| record_within(&field.ty)));
        }
    }
    found.into_iter().map(|(id, name)| (id, project.constant(name))).collect()
}

fn record_within(ty: &Type) -> Option<RecordId> {
    match ty {
        Type::Record(id) => Some(*id),
        Type::List(list) => record_within(&list.element),
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
        | Type::Never => None,
    }
}

impl Plans<'_> {
    fn system(&self, system: &System, used: &BTreeSet<(String, String)>) -> TokenStream {
        let (alias, name, manifest) = (&system.alias, &system.name, manifest_name(system));
        let entities = system
            .entities
            .iter()
            .filter(|entity| used.contains(&(system.alias.clone(), entity.name.clone())))
            .map(|entity| self.entity(entity));
        quote! { SystemPlan { alias: #alias, name: #name, manifest: #manifest, entities: &[#(#entities),*] } }
    }

    fn entity(&self, entity: &Entity) -> TokenStream {
        let Entity { name, action, .. } = entity;
        let key = self.wires(entity, &entity.key);
        let natural_keys = entity.natural_keys.iter().map(|fields| {
            let fields = self.wires(entity, fields);
            quote! { &[#(#fields),*] }
        });
        let fields = self.fields(entity.record);
        quote! {
            EntityPlan { name: #name, action: #action, key: &[#(#key),*], natural_keys: &[#(#natural_keys),*], fields: #fields }
        }
    }

    /// Fields by the names of the wire, which is how everything beyond the compiler knows them.
    fn wires(&self, entity: &Entity, fields: &[String]) -> Vec<String> {
        let record = self.model.record(entity.record);
        let wire = |name: &String| record.and_then(|record| record.field(name)).map(|field| field.wire.clone());
        fields.iter().map(|name| wire(name).unwrap_or_else(|| name.clone())).collect()
    }

    fn fields(&self, id: RecordId) -> TokenStream {
        match self.records.get(&id) {
            Some(table) => quote! { &#table },
            None => quote! { &[] },
        }
    }

    /// One static a record type: a type that stands in several places is written once, and one that holds itself can be.
    fn record_tables(&self) -> String {
        let tables = self.records.iter().filter_map(|(id, table)| {
            let record = self.model.record(*id)?;
            let (count, doc) =
                (Literal::usize_unsuffixed(record.fields().len()), format!(" Fields of `{}`.", record.name));
            let fields = record.fields().map(|field| self.field(field));
            let gap = blank();
            Some(print(quote! { #gap #[doc = #doc] static #table: [FieldPlan; #count] = [#(#fields),*]; }))
        });
        tables.collect()
    }

    fn field(&self, field: &Field) -> TokenStream {
        let (name, kind) = (&field.wire, self.kind(&field.ty, &field.spelling));
        let optional = field.optional.then(|| quote! { .optional() });
        let required = field.required.then(|| quote! { .required() });
        let read_only = field.read_only.then(|| quote! { .read_only() });
        let create_only = field.create_only.then(|| quote! { .create_only() });
        let refers_to = field.refers_to.as_ref().map(|entity| quote! { .refers_to(#entity) });
        let personal = field.personal.then(|| quote! { .personal() });
        let number = matches!(field.ty, Type::Integer { .. } | Type::Decimal { .. });
        let as_text = (number && field.spelling != Spelling::Plain).then(|| quote! { .as_text() });
        quote! { FieldPlan::new(#name, #kind) #optional #required #read_only #create_only #refers_to #personal #as_text }
    }

    fn kind(&self, ty: &Type, spelling: &Spelling) -> TokenStream {
        match ty {
            Type::Text { max: Some(max), .. } => {
                let max = Literal::u32_unsuffixed(*max);
                quote! { Kind::Text(Some(#max)) }
            }
            Type::Text { max: None, .. } => quote! { Kind::Text(None) },
            Type::Integer { .. } => quote! { Kind::Integer },
            Type::Decimal { precision, scale } => {
                let (precision, scale) = (Literal::u32_unsuffixed(*precision), Literal::u32_unsuffixed(*scale));
                quote! { Kind::Decimal(#precision, #scale) }
            }
            Type::Boolean => match spelling {
                Spelling::BooleanWords { yes, no } => quote! { Kind::Boolean(Some((#yes, #no))) },
                Spelling::Plain
                | Spelling::Hex
                | Spelling::Format(_)
                | Spelling::NumberAsText
                | Spelling::MarkedNumber(_)
                | Spelling::PaddedNumber(_)
                | Spelling::AsNumber => quote! { Kind::Boolean(None) },
            },
            Type::Date => quote! { Kind::Date },
            Type::Time => quote! { Kind::Time },
            Type::Instant => quote! { Kind::DateTime },
            Type::Uuid => {
                let hex = *spelling == Spelling::Hex;
                quote! { Kind::Uuid(#hex) }
            }
            Type::Enum(words) => {
                let (words, _) = self.project.words_of(words);
                quote! { Kind::Enum(#words) }
            }
            Type::Record(id) => {
                let fields = self.fields(*id);
                quote! { Kind::Record(#fields) }
            }
            Type::List(list) => {
                let element = self.kind(&list.element, &list.spelling);
                quote! { Kind::List(&#element) }
            }
            Type::Quotient | Type::Money | Type::Map(_) | Type::Json | Type::File | Type::Never => {
                quote! { Kind::Json }
            }
        }
    }

    fn setting(&self, setting: &Setting) -> TokenStream {
        let (name, doc) = (&setting.name, &setting.doc);
        let kind = self.kind(&setting.ty, &setting.spelling);
        let default = option(setting.default.as_ref().map(|text| quote! { #text }));
        quote! { SettingPlan { name: #name, kind: #kind, default: #default, doc: #doc } }
    }

    fn mapping(&self, mapping: &Mapping, emitted: &Emitted) -> TokenStream {
        let Mapping { name, doc, part, owner, create_only, .. } = mapping;
        let EntityRef { system, entity } = &mapping.target;
        let sources = mapping.sources.iter().map(|Source { entity: EntityRef { system, entity }, select, .. }| {
            quote! { SourcePlan { system: #system, entity: #entity, select: &[#(#select),*] } }
        });
        let (file, line, _) = self.files.place(mapping.span);
        let (line, version) = (Literal::u32_unsuffixed(line), &emitted.version);
        quote! {
            MappingPlan {
                name: #name,
                doc: #doc,
                sources: &[#(#sources),*],
                system: #system,
                entity: #entity,
                part: #part,
                create_only: &[#(#create_only),*],
                version: #version,
                owner: #owner,
                file: #file,
                line: #line,
            }
        }
    }

    fn flow(&self, flow: &Flow) -> TokenStream {
        let Flow { name, doc, owner, after, latest_wins, select, .. } = flow;
        let EntityRef { system, entity } = &flow.entity;
        let schedules = flow.schedules.iter().map(schedule);
        let key = self.key_of(&flow.entity);
        let filter = flow.filter.iter().map(term);
        let keep = flow.keep.is_some();
        let writes = flow.writes.iter().filter_map(|write| self.write(write));
        let on_delete = flow.on_delete.iter().filter_map(|write| self.write(write));
        let conflict = option(flow.conflict.as_ref().map(|system| quote! { #system }));
        let also = flow.also.iter().map(also_read);
        let group = option(flow.group.as_ref().map(|path| quote! { #path }));
        let retry_up_to_s = Literal::u64_unsuffixed(flow.retry_up_to_s);
        let on_failure = option(flow.on_failure.as_ref().map(|channel| quote! { #channel }));
        let on_silence = option(flow.on_silence.as_ref().map(|(seconds, channel)| {
            let seconds = Literal::u64_unsuffixed(*seconds);
            quote! { (#seconds, #channel) }
        }));
        let (file, line, _) = self.files.place(flow.span);
        let line = Literal::u32_unsuffixed(line);
        quote! {
            FlowPlan {
                name: #name,
                doc: #doc,
                owner: #owner,
                schedules: &[#(#schedules),*],
                read: ReadPlan {
                    system: #system,
                    entity: #entity,
                    key: &[#(#key),*],
                    filter: &[#(#filter),*],
                    keep: #keep,
                    select: &[#(#select),*],
                    group: #group,
                    also: &[#(#also),*],
                },
                writes: &[#(#writes),*],
                on_delete: &[#(#on_delete),*],
                conflict: #conflict,
                after: &[#(#after),*],
                latest_wins: #latest_wins,
                retry_up_to_s: #retry_up_to_s,
                on_failure: #on_failure,
                on_silence: #on_silence,
                file: #file,
                line: #line,
            }
        }
    }

    fn key_of(&self, of: &EntityRef) -> Vec<String> {
        self.model.entity(of).map(|entity| self.wires(entity, &entity.key)).unwrap_or_default()
    }

    fn write(&self, write: &Write) -> Option<TokenStream> {
        let mapping = self.model.mappings.get(write.mapping.0)?;
        let (name, key, select) = (&mapping.name, self.key_of(&mapping.target), &write.select);
        let manner = self.manner(&mapping.target, &write.manner);
        let (level, together) = (level(write), write.together);
        let named = option(write.named.as_ref().map(|name| quote! { #name }));
        let sources = write.sources.iter().map(|source| option(source.as_ref().map(|name| quote! { #name })));
        let batch = option(write.batch.map(|batch| {
            let batch = Literal::u32_unsuffixed(batch);
            quote! { #batch }
        }));
        Some(quote! {
            WritePlan {
                mapping: #name,
                manner: #manner,
                level: #level,
                key: &[#(#key),*],
                named: #named,
                sources: &[#(#sources),*],
                select: &[#(#select),*],
                batch: #batch,
                together: #together,
            }
        })
    }

    fn manner(&self, target: &EntityRef, manner: &Manner) -> TokenStream {
        let by = |fields: &[String]| match self.model.entity(target) {
            Some(entity) => self.wires(entity, fields),
            None => fields.to_vec(),
        };
        match manner {
            Manner::CreateOnce(fields) => {
                let by = by(fields);
                quote! { Manner::CreateOnce { by: &[#(#by),*] } }
            }
            Manner::Upsert(fields) => {
                let by = by(fields);
                quote! { Manner::Upsert { by: &[#(#by),*] } }
            }
            Manner::Update(fields) => {
                let by = by(fields);
                quote! { Manner::Update { by: &[#(#by),*] } }
            }
            Manner::Delete(fields) => {
                let by = by(fields);
                quote! { Manner::Delete { by: &[#(#by),*] } }
            }
            Manner::Action => quote! { Manner::Action },
        }
    }
}

fn level(write: &Write) -> TokenStream {
    use mapwright_model::ir::DeliveryLevel;
    match write.level {
        DeliveryLevel::Keyed => quote! { DeliveryLevel::Keyed },
        DeliveryLevel::Natural => quote! { DeliveryLevel::Natural },
        DeliveryLevel::Probeable => quote! { DeliveryLevel::Probeable },
        DeliveryLevel::Unsafe => quote! { DeliveryLevel::Unsafe },
    }
}

fn schedule(schedule: &Schedule) -> TokenStream {
    match schedule {
        Schedule::Every { seconds, everything } => {
            let seconds = Literal::u64_unsuffixed(*seconds);
            quote! { Schedule::Every { seconds: #seconds, everything: #everything } }
        }
        Schedule::Daily { at, zone, everything } => {
            quote! { Schedule::Daily { at: #at, zone: #zone, everything: #everything } }
        }
        Schedule::Cron { expression, zone, everything } => {
            quote! { Schedule::Cron { expression: #expression, zone: #zone, everything: #everything } }
        }
        Schedule::OnDemand => quote! { Schedule::OnDemand },
        Schedule::Webhook { topic, system } => quote! { Schedule::Webhook { topic: #topic, system: #system } },
    }
}

fn term(term: &PushedTerm) -> TokenStream {
    let (field, test, value) = (&term.field, test(term.test), &term.value);
    quote! { TermPlan { field: #field, test: #test, value: #value } }
}

fn also_read(also: &AlsoRead) -> TokenStream {
    let AlsoRead { entity: EntityRef { system, entity }, filter, select, parent } = also;
    let filter = filter.iter().map(term);
    quote! {
        AlsoReadPlan {
            system: #system,
            entity: #entity,
            filter: &[#(#filter),*],
            select: &[#(#select),*],
            parent: #parent,
        }
    }
}

/// A comparison of a pushed condition.
pub(crate) fn test(test: Test) -> TokenStream {
    match test {
        Test::Eq => quote! { Test::Eq },
        Test::Ne => quote! { Test::Ne },
        Test::Lt => quote! { Test::Lt },
        Test::Le => quote! { Test::Le },
        Test::Gt => quote! { Test::Gt },
        Test::Ge => quote! { Test::Ge },
        Test::In => quote! { Test::In },
        Test::Missing => quote! { Test::Missing },
    }
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote! { Some(#value) },
        None => quote! { None },
    }
}

/// A text as a raw literal, so that a manifest reads in the generated file as it does in its own.
fn raw_text(text: &str) -> Literal {
    let longest = text.split('"').skip(1).map(|rest| rest.bytes().take_while(|byte| *byte == b'#').count()).max();
    let hashes = "#".repeat(longest.map_or(1, |longest| longest + 1));
    // A lone carriage return cannot stand in a raw literal.
    let raw = if text.contains('\r') { None } else { format!("r{hashes}\"{text}\"{hashes}").parse().ok() };
    raw.unwrap_or_else(|| Literal::string(text))
}
