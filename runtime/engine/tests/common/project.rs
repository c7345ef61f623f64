//! What a compiler would have made of a small project: two flows, three mappings, by hand.

use mapwright_values::plan::{
    DeliveryLevel, EntityPlan, FieldPlan, FlowPlan, Kind, Manner, MappingPlan, Plan, ReadPlan, Schedule, SourcePlan,
    SystemPlan, WritePlan,
};
use mapwright_values::{
    Find, Input, Integration, Json, Link, Mapping, Outcome, Part, Reference, Rejection, Resolved, SpecLine, Term, Test,
};

/// The mappings of the next version of the project.
const NEXT_MAPPINGS: &[Mapping] = &[
    Mapping { name: "customer_to_partner", map: customer_to_partner },
    Mapping { name: "order_to_erp", map: next_order_to_erp },
    Mapping { name: "number_to_shop", map: number_to_shop },
    Mapping { name: "order_gone", map: order_gone },
    Mapping { name: "order_mark", map: order_mark },
];

const MAPPINGS: &[Mapping] = &[
    Mapping { name: "customer_to_partner", map: customer_to_partner },
    Mapping { name: "order_to_erp", map: order_to_erp },
    Mapping { name: "number_to_shop", map: number_to_shop },
    Mapping { name: "order_gone", map: order_gone },
    Mapping { name: "order_mark", map: order_mark },
];

/// The mappings' version in the first program, and in the next.
pub const FIRST: &str = "0123456789abcdef";
pub const NEXT: &str = "fedcba9876543210";

/// What a test wants different of the flow of orders.
#[derive(Clone, Copy, Debug, Default)]
pub struct Variant {
    /// Orders are upserted under their number instead of created once.
    pub upsert: bool,
    /// How the number goes back to the shop, and the shop's key.
    pub back: Option<Manner>,
    /// `on silence`.
    pub silence: Option<(u64, &'static str)>,
    /// Orders are read only if they do not say `drop`.
    pub keep: bool,
    /// Orders that are gone from the shop are removed from the ERP.
    pub on_delete: bool,
    /// The next version of the program: its orders carry a field more.
    pub next: bool,
    /// In the next version the number goes back by another flow.
    pub without_back: bool,
    /// A flow of its own marks orders that are in the ERP with their totals; it is read before the one that brings them there.
    pub marks: bool,
    /// When it runs.
    pub schedules: Option<&'static [Schedule]>,
    /// The keys of customers and partners are personal.
    pub personal: bool,
    /// `retry up to`, if it is not a day.
    pub retry_up_to_s: Option<u64>,
}

/// An entity with one field.
const fn keyed_by_person(name: &'static str, fields: &'static [FieldPlan]) -> EntityPlan {
    EntityPlan { name, action: false, key: &[], natural_keys: &[], fields }
}

const fn personal(name: &'static str) -> FieldPlan {
    FieldPlan {
        name,
        kind: Kind::Text(None),
        optional: false,
        required: false,
        read_only: false,
        create_only: false,
        refers_to: None,
        personal: true,
        as_text: false,
    }
}

const CUSTOMER_FIELDS: &[FieldPlan] = &[personal("id")];
const PARTNER_FIELDS: &[FieldPlan] = &[personal("Key")];
const PERSONS: &[EntityPlan] =
    &[keyed_by_person("customer", CUSTOMER_FIELDS), keyed_by_person("Partners", PARTNER_FIELDS)];

/// The project, with the level that its creates are given.
pub fn integration(level: DeliveryLevel, latest_wins: bool) -> Integration {
    integration_of(level, latest_wins, Variant::default())
}

/// The project in a variant.
pub fn integration_of(level: DeliveryLevel, latest_wins: bool, variant: Variant) -> Integration {
    let keeps: &'static [(&'static str, mapwright_values::outcome::Keep)] =
        if variant.keep { &[("orders", keep_order)] } else { &[] };
    Integration {
        plan: Box::leak(Box::new(plan(level, latest_wins, variant))),
        mappings: if variant.next { NEXT_MAPPINGS } else { MAPPINGS },
        keeps,
        hooks: &[],
    }
}

fn keep_order(input: &Input<'_>) -> Result<bool, Vec<Rejection>> {
    Ok(input.sources.whole()[0].get("drop").is_none())
}

fn leak<T>(values: Vec<T>) -> &'static [T] {
    Box::leak(values.into_boxed_slice())
}

fn plan(level: DeliveryLevel, latest_wins: bool, variant: Variant) -> Plan {
    let entities = if variant.personal { PERSONS } else { &[] };
    let system = |alias| SystemPlan { alias, name: alias, manifest: "", entities };
    let mapping = |name, sources, system, entity| MappingPlan {
        name,
        doc: "",
        sources,
        system,
        entity,
        part: false,
        create_only: &[],
        version: if variant.next { NEXT } else { FIRST },
        owner: "tests",
        file: "project.mapspec",
        line: 1,
    };
    const ORDER: SourcePlan = SourcePlan { system: "shop", entity: "order", select: &["id"] };
    const CUSTOMER: SourcePlan = SourcePlan { system: "shop", entity: "customer", select: &["id"] };
    const WRITTEN: SourcePlan = SourcePlan { system: "erp", entity: "Orders", select: &["DocNum"] };
    let create = |mapping, named, select| WritePlan {
        mapping,
        manner: Manner::CreateOnce { by: &["No"] },
        level,
        key: &["Key"],
        named,
        sources: &[None],
        select,
        batch: None,
        together: false,
    };
    let mut order = create("order_to_erp", Some("written"), &["DocNum"]);
    if variant.upsert {
        order.manner = Manner::Upsert { by: &["No"] };
        order.level = DeliveryLevel::Natural;
        order.key = &["No"];
    }
    let back = WritePlan {
        mapping: "number_to_shop",
        manner: variant.back.unwrap_or(Manner::Update { by: &["id"] }),
        level: DeliveryLevel::Natural,
        key: &["id"],
        named: None,
        sources: &[None, Some("written")],
        select: &[],
        batch: None,
        together: false,
    };
    let flow = |name, entity, writes, after, latest_wins| FlowPlan {
        name,
        doc: "",
        owner: "tests",
        schedules: &[Schedule::Every { seconds: 60, everything: false }],
        read: ReadPlan {
            system: "shop",
            entity,
            key: &["id"],
            filter: &[],
            keep: false,
            select: &["id"],
            group: None,
            also: &[],
        },
        writes,
        on_delete: &[],
        conflict: None,
        after,
        latest_wins,
        retry_up_to_s: variant.retry_up_to_s.unwrap_or(86_400),
        on_failure: Some("ops"),
        on_silence: None,
        file: "project.mapspec",
        line: 1,
    };
    let writes = if variant.without_back { vec![order] } else { vec![order, back] };
    let mut orders = flow("orders", "order", leak(writes), &["customers"], latest_wins);
    orders.on_silence = variant.silence;
    orders.read.keep = variant.keep;
    orders.schedules = variant.schedules.unwrap_or(orders.schedules);
    if variant.on_delete {
        orders.on_delete = leak(vec![WritePlan {
            mapping: "order_gone",
            manner: Manner::Delete { by: &["Key"] },
            level: DeliveryLevel::Natural,
            named: None,
            key: &["Key"],
            ..order
        }]);
    }
    let customers = flow("customers", "customer", leak(vec![create("customer_to_partner", None, &[])]), &[], false);
    let manner = Manner::Update { by: &["Key"] };
    let mark = WritePlan { mapping: "order_mark", manner, key: &["Key"], sources: &[None], ..back };
    let marks = variant.marks.then(|| flow("marks", "order", leak(vec![mark]), &[], latest_wins));
    Plan {
        name: "tests",
        systems: leak(vec![system("shop"), system("erp")]),
        settings: &[],
        mappings: leak(vec![
            mapping("customer_to_partner", &[CUSTOMER], "erp", "Partners"),
            mapping("order_to_erp", &[ORDER], "erp", "Orders"),
            mapping("number_to_shop", &[ORDER, WRITTEN], "shop", "order"),
            mapping("order_gone", &[ORDER], "erp", "Orders"),
            mapping("order_mark", &[ORDER], "erp", "Orders"),
        ]),
        flows: leak(marks.into_iter().chain([customers, orders]).collect()),
    }
}

fn text(value: Option<&Json<'_>>) -> String {
    match value {
        Some(Json::Text(text) | Json::Number(text)) => text.to_string(),
        _ => String::new(),
    }
}

fn record(fields: &[(&'static str, String)]) -> Outcome {
    let fields = fields.iter().map(|(name, value)| ((*name).into(), Json::Text(value.clone().into()))).collect();
    Outcome::Mapped(vec![Part { key: None, record: Json::Record(fields) }])
}

fn line(line: u32) -> SpecLine {
    SpecLine { file: "project.mapspec".to_owned(), line }
}

fn customer_to_partner(input: &Input<'_>) -> Outcome {
    let customer = &input.sources.whole()[0];
    record(&[("No", text(customer.get("id"))), ("Name", text(customer.get("name")))])
}

fn order_to_erp(input: &Input<'_>) -> Outcome {
    let order = &input.sources.whole()[0];
    assert!(order.get("break").is_none(), "a mapping that breaks down");
    if order.get("abort").is_some() {
        std::process::abort();
    }
    if order.get("skip").is_some() {
        return Outcome::Skipped { reason: "not wanted".to_owned(), at: line(7) };
    }
    let item = Reference::Find(Find {
        system: "erp".to_owned(),
        entity: "Items".to_owned(),
        terms: vec![Term { field: "ItemCode".to_owned(), test: Test::Eq, value: order.get("item").unwrap().to_text() }],
        select: vec!["ItemCode".to_owned()],
    });
    let partner = Reference::Link(Link {
        system: "erp".to_owned(),
        entity: "Partners".to_owned(),
        of_system: "shop".to_owned(),
        of_entity: "customer".to_owned(),
        key: text(order.get("customer")),
    });
    let wanted: Vec<Reference> =
        [&item, &partner].into_iter().filter(|reference| input.references.get(reference).is_none()).cloned().collect();
    if !wanted.is_empty() {
        return Outcome::Wants(wanted);
    }
    if input.references.get(&item) == Some(&Resolved::Found(Vec::new())) {
        return Outcome::Rejected(vec![Rejection {
            field: "Item".to_owned(),
            reason: format!("the ERP has no item {}", text(order.get("item"))),
            source: Some("order.item".to_owned()),
            value: None,
            at: line(9),
        }]);
    }
    let Some(Resolved::Linked(Some(card))) = input.references.get(&partner) else {
        return Outcome::Waiting(vec![partner]);
    };
    if order.get("parts").is_some() {
        let part = |name: &str| Part {
            key: Some(name.to_owned()),
            record: Json::Record(vec![("No".into(), Json::Text(format!("{}-{name}", text(order.get("id"))).into()))]),
        };
        return Outcome::Mapped(vec![part("a"), part("b")]);
    }
    record(&[
        ("No", text(order.get("no").or(order.get("id")))),
        ("Card", card.clone()),
        ("Item", text(order.get("item"))),
        ("Total", text(order.get("total"))),
    ])
}

fn next_order_to_erp(input: &Input<'_>) -> Outcome {
    let mut outcome = order_to_erp(input);
    if let Outcome::Mapped(parts) = &mut outcome {
        for part in parts {
            let Json::Record(fields) = &mut part.record else { panic!("an order is a record") };
            fields.push(("Next".into(), Json::text("yes")));
        }
    }
    outcome
}

fn number_to_shop(input: &Input<'_>) -> Outcome {
    let id = text(input.sources.whole()[0].get("id"));
    record(&[("ref", format!("R-{id}")), ("id", id), ("number", text(input.sources.whole()[1].get("DocNum")))])
}

/// The document that was made of an order.
fn document(order: &Json<'_>) -> Reference {
    Reference::Link(Link {
        system: "erp".to_owned(),
        entity: "Orders".to_owned(),
        of_system: "shop".to_owned(),
        of_entity: "order".to_owned(),
        key: text(order.get("id")),
    })
}

/// A mark on the document that was made of an order, as soon as there is one.
fn order_mark(input: &Input<'_>) -> Outcome {
    let order = &input.sources.whole()[0];
    let link = document(order);
    match input.references.get(&link) {
        None => Outcome::Wants(vec![link]),
        Some(Resolved::Linked(Some(key))) => record(&[("Key", key.clone()), ("Mark", text(order.get("total")))]),
        Some(_) => Outcome::Waiting(vec![link]),
    }
}

/// The key of the document that was made of an order which is gone.
fn order_gone(input: &Input<'_>) -> Outcome {
    let link = document(&input.sources.whole()[0]);
    match input.references.get(&link) {
        None => Outcome::Wants(vec![link]),
        Some(Resolved::Linked(Some(key))) => record(&[("Key", key.clone())]),
        Some(_) => Outcome::Skipped { reason: "it was never delivered".to_owned(), at: line(20) },
    }
}
