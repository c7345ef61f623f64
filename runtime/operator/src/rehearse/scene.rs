//! A scene: what is there before a rehearsal, what happens in it, and what must hold at its end. In: `rehearsal.yaml`, which an
//! integration carries. Out: records added to and changed in played systems. The scene does not know mappings.

use std::collections::BTreeMap;
use std::time::Duration;

use mapwright_sandbox::derived::Derived;
use mapwright_values::Json;
use mapwright_values::decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use super::holes::{Source, Taxes, all_at, entries, filled, fits, plain, sum, text_at};

/// The played systems by alias.
pub(super) type Systems = BTreeMap<String, Derived>;

/// A scene as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scene {
    /// The system that is filled with the made-up shop: customers, products, orders. None, if not given.
    #[serde(default)]
    pub(super) shop: Option<String>,
    /// How many orders, where the command line does not say.
    #[serde(default = "few")]
    pub(super) orders: usize,
    /// Settings, as a deployment gives them.
    #[serde(default)]
    pub(super) settings: serde_json::Map<String, Value>,
    /// The tax in percent that is added to a line, by its code.
    #[serde(default)]
    taxes: BTreeMap<String, serde_json::Number>,
    /// What is there before the first act.
    #[serde(default)]
    pub(super) before: Vec<Step>,
    /// What people do between the acts.
    #[serde(default)]
    pub(super) between: Vec<Step>,
    /// What must hold at the end, beside what follows from the flows.
    #[serde(default)]
    pub(super) books: Vec<Rule>,
}

const fn few() -> usize {
    60
}

/// One thing that happens in a system.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// For each record of this `system.entity`; once, if not given.
    #[serde(default)]
    r#for: Option<String>,
    /// For each entry of this list of the record.
    #[serde(default)]
    each: Option<String>,
    /// Only where these fields are so: a text, or `/pattern/`.
    #[serde(default)]
    r#where: BTreeMap<String, Value>,
    /// So often, where there is no `for`.
    #[serde(default = "one")]
    times: usize,
    /// Only each so-manieth.
    #[serde(default = "one")]
    every: usize,
    /// A record is added to this `system.entity`.
    #[serde(default)]
    add: Option<String>,
    /// Not if there is one with the same value in this field.
    #[serde(default)]
    once: Option<String>,
    /// What is added; texts may hold `{path}`, `{path ~ pattern}` and `{#}`.
    #[serde(default)]
    record: Value,
    /// The record of `for` is changed.
    #[serde(default)]
    change: Value,
    /// The record of `for` is removed.
    #[serde(default)]
    remove: bool,
}

const fn one() -> usize {
    1
}

/// One thing that must hold at the end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// What, as a person says it.
    pub(super) what: String,
    /// For each record of this `system.entity`.
    r#for: String,
    /// Only where these fields are so.
    #[serde(default)]
    r#where: BTreeMap<String, Value>,
    /// Not where one of these fields is so.
    #[serde(default)]
    unless: BTreeMap<String, Value>,
    /// There is a record of this `system.entity`.
    r#in: String,
    /// Where there is none, that is the flows' matter: the record was rejected, with a reason.
    #[serde(default)]
    if_there: bool,
    /// Of all records that are found, not of the first: one order may be several rows.
    #[serde(default)]
    of_all: bool,
    /// Found by these fields of it.
    by: BTreeMap<String, Value>,
    /// In which these fields are so; of several values one, null for nothing.
    #[serde(default)]
    shows: BTreeMap<String, Value>,
    /// Sums of the record that `for` names: `path`, or `list: field * field`.
    #[serde(default)]
    sum: Vec<String>,
    /// Sums of what was found; both agree to the cent.
    #[serde(default)]
    equals: Vec<String>,
}

/// The examination of one rule: how many hold, and what speaks against it.
pub(super) struct Held {
    pub(super) asked: usize,
    pub(super) against: Vec<String>,
}

impl Scene {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        serde_yaml::from_str(text).map_err(|error| format!("rehearsal.yaml: {error}"))
    }

    /// The rates of `taxes`.
    pub(super) fn taxes(&self) -> Result<Taxes, String> {
        let rate = |(code, rate): (&String, &serde_json::Number)| match Decimal::parse(&rate.to_string()) {
            Ok(rate) => Ok((code.clone(), rate)),
            Err(_) => Err(format!("rehearsal.yaml: the tax {code} has no rate: {rate}")),
        };
        self.taxes.iter().map(rate).collect()
    }
}

/// `erp.Items` as alias and entity.
fn place<'t>(systems: &Systems, text: &'t str) -> Result<(Derived, &'t str), String> {
    let (alias, entity) = text.split_once('.').ok_or(format!("rehearsal.yaml: `{text}`: write SYSTEM.ENTITY"))?;
    match systems.get(alias) {
        Some(system) => Ok((system.clone(), entity)),
        None => Err(format!("rehearsal.yaml: there is no system `{alias}`")),
    }
}

/// Carries out steps, so long ago by the systems' stamps; says how many records were added and changed.
pub(super) fn carry_out(
    systems: &Systems,
    steps: &[Step],
    taxes: &Taxes,
    age: Duration,
) -> Result<(usize, usize), String> {
    let (mut added, mut changed) = (0, 0);
    for step in steps {
        let nothing = vec![Json::Record(Vec::new()); step.times];
        let (source, records) = match &step.r#for {
            Some(text) => {
                let (system, entity) = place(systems, text)?;
                let records = system.records(entity);
                (Some((system, entity)), records)
            }
            None => (None, nothing),
        };
        let fitting = records.iter().filter(|record| fits(record, &step.r#where)).step_by(step.every.max(1));
        let mut number = 0;
        for record in fitting {
            let entries: Vec<Json<'static>> = match &step.each {
                Some(path) => all_at(record, path).into_iter().flat_map(entries).collect(),
                None => vec![record.clone()],
            };
            for entry in entries {
                number += 1;
                let filled = |tree: &Value| filled(tree, Source { entry: &entry, record, number, taxes });
                if let Some(text) = &step.add {
                    let (system, entity) = place(systems, text)?;
                    let new = filled(&step.record)?.unwrap_or(Json::Null);
                    let known = step.once.as_ref().and_then(|field| text_at(&new, field).map(|value| (field, value)));
                    let there = known.is_some_and(|(field, value)| {
                        system.records(entity).iter().any(|old| text_at(old, field).as_ref() == Some(&value))
                    });
                    if !there {
                        system.add(entity, new, age).map_err(|fault| format!("rehearsal.yaml: {fault}"))?;
                        added += 1;
                    }
                }
                if let (Value::Object(_), Some((system, entity))) = (&step.change, &source) {
                    let change = filled(&step.change)?.unwrap_or(Json::Null);
                    changed += usize::from(system.change(entity, &system.key_of(entity, record), &change, age));
                }
                if let (true, Some((system, entity))) = (step.remove, &source) {
                    changed += usize::from(system.remove(entity, &system.key_of(entity, record)));
                }
            }
        }
    }
    Ok((added, changed))
}

/// Examines a rule.
pub(super) fn examine(systems: &Systems, rule: &Rule, taxes: &Taxes) -> Result<Held, String> {
    let (from, entity) = place(systems, &rule.r#for)?;
    let (to, target) = place(systems, &rule.r#in)?;
    let targets = to.records(target);
    let mut held = Held { asked: 0, against: Vec::new() };
    let excepted = |record: &Json<'static>| {
        rule.unless.iter().any(|(field, value)| fits(record, &BTreeMap::from([(field.clone(), value.clone())])))
    };
    let records = from.records(entity);
    for record in records.iter().filter(|record| fits(record, &rule.r#where) && !excepted(record)) {
        let name = from.key_of(entity, record).join("/");
        let source = Source { entry: record, record, number: 0, taxes };
        let mut wanted = Vec::new();
        for (field, value) in &rule.by {
            let value = filled(value, source)?;
            wanted.push((field, value.map(|value| plain(&value)).unwrap_or_default()));
        }
        let mut found: Vec<&Json<'static>> = targets
            .iter()
            .filter(|target| {
                wanted.iter().all(|(field, value)| {
                    all_at(target, field).into_iter().flat_map(entries).any(|found| plain(&found) == *value)
                })
            })
            .collect();
        if !rule.of_all {
            found.truncate(1);
        }
        if found.is_empty() && rule.if_there {
            continue;
        }
        held.asked += 1;
        if found.is_empty() {
            let by = wanted.iter().map(|(field, value)| format!("{field} = {value}")).collect::<Vec<_>>().join(", ");
            held.against.push(format!("{} {name}: {} has no {target} with {by}", rule.r#for, rule.r#in));
            continue;
        }
        for (field, value) in &rule.shows {
            let is: Vec<String> = found
                .iter()
                .flat_map(|found| all_at(found, field))
                .flat_map(entries)
                .map(|found| plain(&found))
                .collect();
            let may = match value {
                Value::Array(all) => all.clone(),
                lone => vec![lone.clone()],
            };
            let mut agrees = false;
            for value in &may {
                if value.is_null() {
                    agrees |= is.iter().all(String::is_empty);
                    continue;
                }
                let value = filled(value, source)?.map(|value| plain(&value)).unwrap_or_default();
                agrees |= is.contains(&value);
            }
            if !agrees {
                held.against.push(format!("{} {name}: {field} is {}", rule.r#for, is.join(", ")));
            }
        }
        if !rule.sum.is_empty() {
            let left = sum(record, &rule.sum, taxes)?;
            let mut right = Decimal::ZERO;
            for found in found {
                right = right.plus(sum(found, &rule.equals, taxes)?).map_err(|_| "a sum is too large".to_owned())?;
            }
            if left != right {
                held.against.push(format!("{} {name}: {left} here, {right} there", rule.r#for));
            }
        }
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system with articles and orders.
    async fn nordwind() -> Systems {
        use mapwright_sandbox::derived::{DerivedConfig, EntityType, FieldType, Schema, Shape};
        let field = |name: &str, shape: Shape| FieldType {
            name: name.to_owned(),
            shape,
            optional: true,
            required: false,
            read_only: false,
            create_only: false,
            refers_to: None,
            missing_as: None,
        };
        let entity = |name: &str, fields: Vec<FieldType>| EntityType {
            name: name.to_owned(),
            action: false,
            key: vec!["id".to_owned()],
            natural_keys: Vec::new(),
            fields,
        };
        let articles =
            vec![field("id", Shape::Integer), field("sku", Shape::Text(None)), field("price", Shape::Decimal(9, 2))];
        let orders =
            vec![field("id", Shape::Integer), field("ref", Shape::Text(None)), field("state", Shape::Text(None))];
        let schema = Schema { entities: vec![entity("articles", articles), entity("orders", orders)] };
        let manifest = include_str!("../../../../specs/systems/nordwind/connector.yaml");
        let played = Derived::start(schema, manifest, DerivedConfig::default()).await.unwrap();
        Systems::from([("erp".to_owned(), played)])
    }

    #[tokio::test]
    async fn a_rule_says_what_is_missing_what_differs_and_what_does_not_add_up() {
        let systems = nordwind().await;
        let scene = Scene::parse(
            r##"
shop: erp
taxes: { A1: 19 }
before:
  - { times: 2, add: erp.orders, record: { ref: "T{#}" } }
  - { times: 2, add: erp.orders, record: { ref: R, state: "0.75" } }
  - { add: erp.articles, record: { sku: A, price: 1.5 } }
  - { add: erp.articles, record: { sku: B, price: 2.5 } }
  - { add: erp.articles, record: { sku: C, price: 3.5 } }
  - { for: erp.articles, where: { sku: [ A, B ] }, add: erp.orders, once: ref, record: { ref: "SW-{sku}", state: "{price}" } }
  - { for: erp.articles, where: { sku: [ A, B ] }, add: erp.orders, once: ref, record: { ref: "SW-{sku}", state: "twice" } }
between:
  - { for: erp.articles, where: { sku: B }, change: { price: 9 } }
  - { for: erp.orders, where: { ref: T1 }, remove: true }
books:
  - { what: all, for: erp.articles, in: erp.orders, by: { ref: "SW-{sku}" }, sum: [ price ], equals: [ state ] }
  - { what: those that are there, for: erp.articles, in: erp.orders, if_there: true, by: { ref: "SW-{sku}" }, shows: { state: [ "1.5", "2.5" ] } }
  - { what: those without a state, for: erp.orders, where: { ref: T2 }, in: erp.orders, by: { ref: "{ref}" }, shows: { state: [ done, null ] } }
  - { what: of all rows, for: erp.articles, where: { sku: A }, of_all: true, in: erp.orders, by: { ref: R }, sum: [ price ], equals: [ state ] }
  - { what: no longer there, for: erp.orders, where: { ref: T1 }, in: erp.orders, by: { ref: "{ref}" } }
"##,
        )
        .unwrap();
        let taxes = scene.taxes().unwrap();
        assert_eq!(taxes.len(), 1);
        assert_eq!(carry_out(&systems, &scene.before, &taxes, Duration::ZERO).unwrap(), (9, 0));
        assert_eq!(carry_out(&systems, &scene.between, &taxes, Duration::ZERO).unwrap(), (0, 2));
        let all = examine(&systems, &scene.books[0], &taxes).unwrap();
        assert_eq!(all.asked, 3);
        assert_eq!(
            all.against,
            ["erp.articles 2: 9 here, 2.5 there", "erp.articles 3: erp.orders has no orders with ref = SW-C"]
        );
        let there = examine(&systems, &scene.books[1], &taxes).unwrap();
        assert_eq!((there.asked, there.against.len()), (2, 0));
        let without = examine(&systems, &scene.books[2], &taxes).unwrap();
        assert_eq!((without.asked, without.against.len()), (1, 0));
        let of_all = examine(&systems, &scene.books[3], &taxes).unwrap();
        assert_eq!((of_all.asked, of_all.against), (1, Vec::new()));
        assert_eq!(examine(&systems, &scene.books[4], &taxes).unwrap().asked, 0);
        assert!(Scene::parse("shop: erp\nbefroe: []").is_err(), "a misspelt key is told");
        let lost = Scene::parse("shop: erp\nbefore: [ { add: shop.order, record: {} } ]").unwrap();
        assert!(carry_out(&systems, &lost.before, &taxes, Duration::ZERO).unwrap_err().contains("`shop`"));
    }
}
