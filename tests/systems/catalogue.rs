//! A system's catalogue as the runtime gets it. In: the system's name. Out: its plan, as the compiler would write it.

use std::sync::Arc;

use mapwright_model::ir::{Field, ListType, Model, RecordId, Spelling, Type};
use mapwright_tests::repository;
use mapwright_values::plan::{EntityPlan, FieldPlan, Kind, SystemPlan};

/// The checked model of a project that does nothing but use the system, and every fault.
pub(crate) fn check(system: &str) -> (Model, Vec<String>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::os::unix::fs::symlink(repository().join("specs/systems"), folder.path().join("systems")).expect("a link");
    let project = folder.path().join("project");
    std::fs::create_dir(&project).expect("a folder");
    std::fs::write(project.join("project.mapspec"), format!("use \"{system}\" as it\n")).expect("a spec");
    let loaded = mapwright_project::load(&project).expect("a project");
    let (model, diagnostics) = mapwright_model::check(&loaded.project);
    let all = loaded.diagnostics.iter().chain(&diagnostics);
    let errors = all.filter(|found| found.code.starts_with('E'));
    (model, errors.map(|found| format!("{} {}", found.code, found.headline)).collect())
}

/// The system's plan, all entities included. What a plan holds lives as long as the program, so it is never given back.
pub(crate) fn plan(system: &str) -> &'static SystemPlan {
    let (model, faults) = check(system);
    assert_eq!(faults, Vec::<String>::new(), "{system}");
    let known = &model.systems[0];
    let entities = known.entities.iter().map(|entity| EntityPlan {
        name: text(&entity.name),
        action: entity.action,
        key: texts(&entity.key),
        natural_keys: leaked(entity.natural_keys.iter().map(|key| texts(key)).collect()),
        fields: fields(&model, entity.record, 0),
    });
    let entities = leaked(entities.collect());
    let manifest = std::fs::read_to_string(repository().join("specs/systems").join(system).join("connector.yaml"));
    let plan = SystemPlan { alias: "it", name: text(system), manifest: text(&manifest.expect("a manifest")), entities };
    Box::leak(Box::new(plan))
}

fn text(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn texts(all: &[String]) -> &'static [&'static str] {
    leaked(all.iter().map(|one| text(one)).collect())
}

fn leaked<T>(all: Vec<T>) -> &'static [T] {
    Box::leak(all.into_boxed_slice())
}

fn fields(model: &Model, record: RecordId, depth: usize) -> &'static [FieldPlan] {
    assert!(depth < 12, "records within records without end");
    let record = model.record(record).expect("a record");
    leaked(record.fields().map(|field| plan_of(model, field, depth)).collect())
}

fn plan_of(model: &Model, field: &Field, depth: usize) -> FieldPlan {
    FieldPlan {
        name: text(&field.wire),
        kind: kind(model, &field.ty, &field.spelling, depth),
        optional: field.optional || field.missing_as.is_some(),
        required: field.required,
        read_only: field.read_only,
        create_only: field.create_only,
        refers_to: field.refers_to.as_deref().map(text),
        personal: field.personal,
        as_text: false, // numbers are made up as numbers here
    }
}

fn kind(model: &Model, ty: &Type, spelling: &Spelling, depth: usize) -> Kind {
    match ty {
        Type::Text { max, .. } => Kind::Text(*max),
        Type::Integer { .. } | Type::Decimal { .. } if !matches!(spelling, Spelling::Plain) => Kind::Text(None),
        Type::Integer { .. } => Kind::Integer,
        Type::Decimal { precision, scale } => Kind::Decimal(*precision, *scale),
        Type::Boolean => match spelling {
            Spelling::BooleanWords { yes, no } => Kind::Boolean(Some((text(yes), text(no)))),
            _ => Kind::Boolean(None),
        },
        Type::Date => Kind::Date,
        Type::Time => Kind::Time,
        Type::Instant => Kind::DateTime,
        Type::Uuid => Kind::Uuid(matches!(spelling, Spelling::Hex)),
        Type::Enum(words) => Kind::Enum(leaked(words.values.iter().map(|word| text(&word.wire)).collect())),
        Type::Record(record) => Kind::Record(fields(model, *record, depth + 1)),
        Type::List(list) => Kind::List(element(model, list, depth)),
        Type::Quotient | Type::Money | Type::Map(_) | Type::Json | Type::File | Type::Never => Kind::Json,
    }
}

fn element(model: &Model, list: &Arc<ListType>, depth: usize) -> &'static Kind {
    Box::leak(Box::new(kind(model, &list.element, &list.spelling, depth + 1)))
}
