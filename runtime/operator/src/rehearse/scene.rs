//! A scene: what is there before a rehearsal, what happens in it, and what must hold at its end. In: `rehearsal.yaml`, which an
//! integration carries. Out: records added to and changed in played systems. The scene does not know mappings.

use std::collections::BTreeMap;
use std::time::Duration;

use mapwright_sandbox::derived::Derived;
use mapwright_values::Json;
use mapwright_values::decimal::{Decimal, Mode};
use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value;

/// The played systems by alias.
pub(super) type Systems = BTreeMap<String, Derived>;

/// A scene as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scene {
    /// The system that is filled with the made-up shop: customers, products, orders.
    pub(super) shop: String,
    /// How many orders, where the command line does not say.
    #[serde(default = "few")]
    pub(super) orders: usize,
    /// Settings, as a deployment gives them.
    #[serde(default)]
    pub(super) settings: serde_json::Map<String, Value>,
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
    /// Found by these fields of it.
    by: BTreeMap<String, Value>,
    /// In which these fields are so; of several values one.
    #[serde(default)]
    shows: BTreeMap<String, Value>,
    /// Sums of the record that `for` names: `path`, or `list: field * field`.
    #[serde(default)]
    sum: Vec<String>,
    /// Sums of the record that was found; both agree to the cent.
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
pub(super) fn carry_out(systems: &Systems, steps: &[Step], age: Duration) -> Result<(usize, usize), String> {
    let (mut added, mut changed) = (0, 0);
    for step in steps {
        let nothing = vec![Json::Record(Vec::new())];
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
                let filled = |tree: &Value| filled(tree, &entry, record, number);
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
                    if system.change(entity, &system.key_of(entity, record), &change, age) {
                        changed += 1;
                    }
                }
            }
        }
    }
    Ok((added, changed))
}

/// Examines a rule.
pub(super) fn examine(systems: &Systems, rule: &Rule) -> Result<Held, String> {
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
        let mut wanted = Vec::new();
        for (field, value) in &rule.by {
            let value = filled(value, record, record, 0)?;
            wanted.push((field, value.map(|value| plain(&value)).unwrap_or_default()));
        }
        let found = targets.iter().find(|target| {
            wanted.iter().all(|(field, value)| all_at(target, field).iter().any(|found| plain(found) == *value))
        });
        if found.is_none() && rule.if_there {
            continue;
        }
        held.asked += 1;
        let Some(found) = found else {
            let by = wanted.iter().map(|(field, value)| format!("{field} = {value}")).collect::<Vec<_>>().join(", ");
            held.against.push(format!("{} {name}: {} has no {target} with {by}", rule.r#for, rule.r#in));
            continue;
        };
        for (field, value) in &rule.shows {
            let is = all_at(found, field).iter().map(|found| plain(found)).collect::<Vec<_>>();
            let may = match value {
                Value::Array(all) => all.clone(),
                lone => vec![lone.clone()],
            };
            let mut agrees = false;
            for value in &may {
                let value = filled(value, record, record, 0)?.map(|value| plain(&value)).unwrap_or_default();
                agrees |= is.contains(&value);
            }
            if !agrees {
                held.against.push(format!("{} {name}: {field} is {}", rule.r#for, is.join(", ")));
            }
        }
        if !rule.sum.is_empty() {
            let (left, right) = (sum(record, &rule.sum)?, sum(found, &rule.equals)?);
            if left != right {
                held.against.push(format!("{} {name}: {left} here, {right} there", rule.r#for));
            }
        }
    }
    Ok(held)
}

/// The sum of terms, to the cent.
fn sum(record: &Json<'static>, terms: &[String]) -> Result<Decimal, String> {
    let mut total = Decimal::integer(0);
    let broken = |term: &str| format!("rehearsal.yaml: `{term}` cannot be summed");
    for term in terms {
        let (list, product) =
            term.split_once(':').map_or((None, term.as_str()), |(list, product)| (Some(list.trim()), product));
        let rows: Vec<Json<'static>> = match list {
            Some(path) => all_at(record, path).into_iter().flat_map(entries).collect(),
            None => vec![record.clone()],
        };
        for row in rows {
            let mut value = Decimal::integer(1);
            for factor in product.split('*').map(str::trim) {
                let found = match factor.strip_prefix('-') {
                    Some(digits) if Decimal::parse(digits).is_ok() => Some(factor.to_owned()),
                    Some(_) | None if Decimal::parse(factor).is_ok() => Some(factor.to_owned()),
                    Some(_) | None => text_at(&row, factor),
                };
                // A line without an amount adds nothing.
                let factor = match found {
                    Some(text) if !text.is_empty() => {
                        Decimal::parse(&text.replace(',', ".")).map_err(|_| broken(term))?
                    }
                    Some(_) | None => Decimal::integer(0),
                };
                value = value.times(factor).map_err(|_| broken(term))?;
            }
            total = total.plus(value).map_err(|_| broken(term))?;
        }
    }
    total.round(2, Mode::HalfUp).map_err(|_| "a sum is too large".to_owned())
}

fn entries(value: &Json<'static>) -> Vec<Json<'static>> {
    match value {
        Json::List(list) => list.clone(),
        Json::Null => Vec::new(),
        lone => vec![lone.clone()],
    }
}

/// Every value at a dotted path; lists on the way are entered.
pub(super) fn all_at<'v>(record: &'v Json<'static>, path: &str) -> Vec<&'v Json<'static>> {
    path.split('.').fold(vec![record], |found, step| {
        found
            .into_iter()
            .flat_map(|value| match value {
                Json::List(list) => list.iter().collect(),
                lone => vec![lone],
            })
            .filter_map(|value| value.get(step))
            .collect()
    })
}

pub(super) fn text_at(record: &Json<'static>, path: &str) -> Option<String> {
    all_at(record, path).first().filter(|value| !value.is_null()).map(|value| plain(value))
}

pub(super) fn plain(value: &Json<'_>) -> String {
    match value {
        Json::Text(text) => text.as_ref().to_owned(),
        Json::Number(digits) => digits.as_ref().to_owned(),
        Json::Null => String::new(),
        Json::Boolean(_) | Json::List(_) | Json::Record(_) => value.to_text(),
    }
}

fn fits(record: &Json<'static>, wanted: &BTreeMap<String, Value>) -> bool {
    wanted.iter().all(|(field, wanted)| {
        let found: Vec<String> = all_at(record, field).into_iter().map(plain).collect();
        let one = |wanted: &Value| match wanted {
            Value::String(text) => match text.strip_prefix('/').and_then(|text| text.strip_suffix('/')) {
                Some(pattern) => {
                    Regex::new(pattern).is_ok_and(|pattern| found.iter().any(|text| pattern.is_match(text)))
                }
                None => found.contains(text),
            },
            Value::Null => found.iter().all(String::is_empty),
            other => found.contains(&other.to_string()),
        };
        match wanted {
            Value::Array(all) => all.iter().any(one),
            lone => one(lone),
        }
    })
}

/// A tree with its holes filled in; `None` = it is a hole for which there is nothing.
fn filled(
    tree: &Value,
    entry: &Json<'static>,
    record: &Json<'static>,
    number: usize,
) -> Result<Option<Json<'static>>, String> {
    Ok(Some(match tree {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Boolean(*value),
        Value::Number(digits) => Json::Number(digits.to_string().into()),
        Value::Array(list) => {
            let mut all = Vec::new();
            for tree in list {
                all.extend(filled(tree, entry, record, number)?);
            }
            Json::List(all)
        }
        Value::Object(members) => {
            let mut all = Vec::new();
            for (name, tree) in members {
                all.extend(filled(tree, entry, record, number)?.map(|value| (name.clone().into(), value)));
            }
            Json::Record(all)
        }
        Value::String(text) => return text_filled(text, entry, record, number),
    }))
}

/// One hole alone keeps the value's type.
fn text_filled(
    text: &str,
    entry: &Json<'static>,
    record: &Json<'static>,
    number: usize,
) -> Result<Option<Json<'static>>, String> {
    let value = |hole: &str| -> Result<Option<Json<'static>>, String> {
        if hole == "#" {
            return Ok(Some(Json::Number(number.to_string().into())));
        }
        let (path, pattern) = hole.split_once('~').map_or((hole, None), |(path, pattern)| (path, Some(pattern.trim())));
        let path = path.trim();
        let found = match path.strip_prefix("^.") {
            Some(path) => all_at(record, path),
            None if path == "." => vec![entry],
            None => all_at(entry, path),
        };
        let found = found.into_iter().find(|value| !value.is_null()).cloned();
        let (Some(found), Some(pattern)) = (&found, pattern) else { return Ok(found) };
        let regex = Regex::new(pattern).map_err(|error| format!("rehearsal.yaml: {pattern}: {error}"))?;
        let text = plain(found);
        let part = regex.captures(&text).and_then(|found| found.get(1).or_else(|| found.get(0)));
        Ok(part.map(|part| Json::text(part.as_str().to_owned())))
    };
    if let Some(hole) = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .filter(|hole| !hole.contains("}{") && !hole.contains("} "))
    {
        return value(hole);
    }
    let mut built = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (hole, after) =
            after.split_once('}').ok_or(format!("rehearsal.yaml: `{text}` has a brace that is not closed"))?;
        built.push_str(before);
        built.push_str(&value(hole)?.map(|value| plain(&value)).unwrap_or_default());
        rest = after;
    }
    built.push_str(rest);
    Ok(Some(Json::text(built)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Json<'static> {
        let text = r#"{"number":"SW-1","total":12.50,"rows":[{"q":2,"p":"1.25"},{"q":1,"p":"10.00"}],"state":{"name":"open"}}"#;
        Json::parse(text).unwrap().into_owned()
    }

    #[test]
    fn holes_keep_types_and_take_parts() {
        let tree: Value =
            serde_json::json!({"a": "{total}", "b": "x{number ~ ^SW-(.*)$}", "c": "{nothing}", "n": "{#}"});
        let made = filled(&tree, &record(), &record(), 3).unwrap().unwrap();
        assert_eq!(made.to_text(), r#"{"a":12.50,"b":"x1","n":3}"#);
    }

    #[test]
    fn sums_agree_to_the_cent() {
        let of =
            |terms: &[&str]| sum(&record(), &terms.iter().map(|term| (*term).to_owned()).collect::<Vec<_>>()).unwrap();
        assert_eq!(of(&["rows: q * p"]), of(&["total"]));
        assert!(of(&["rows: q"]) != of(&["total"]));
        assert!(sum(&record(), &["number".to_owned()]).is_err());
    }

    #[test]
    fn conditions_are_texts_patterns_and_lists() {
        let wanted = |text: &str| serde_json::from_str::<BTreeMap<String, Value>>(text).unwrap();
        assert!(fits(&record(), &wanted(r#"{"state.name":["open","done"],"number":"/^SW-/"}"#)));
        assert!(!fits(&record(), &wanted(r#"{"state.name":"done"}"#)));
        assert!(fits(&record(), &wanted(r#"{"missing":null}"#)));
    }

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
before:
  - { add: erp.articles, record: { sku: A, price: 1.5 } }
  - { add: erp.articles, record: { sku: B, price: 2.5 } }
  - { add: erp.articles, record: { sku: C, price: 3.5 } }
  - { for: erp.articles, where: { sku: [ A, B ] }, add: erp.orders, once: ref, record: { ref: "SW-{sku}", state: "{price}" } }
  - { for: erp.articles, where: { sku: [ A, B ] }, add: erp.orders, once: ref, record: { ref: "SW-{sku}", state: "twice" } }
between:
  - { for: erp.articles, where: { sku: B }, change: { price: 9 } }
books:
  - { what: all, for: erp.articles, in: erp.orders, by: { ref: "SW-{sku}" }, sum: [ price ], equals: [ state ] }
  - { what: those that are there, for: erp.articles, in: erp.orders, if_there: true, by: { ref: "SW-{sku}" }, shows: { state: [ "1.5", "2.5" ] } }
"##,
        )
        .unwrap();
        assert_eq!(carry_out(&systems, &scene.before, Duration::ZERO).unwrap(), (5, 0));
        assert_eq!(carry_out(&systems, &scene.between, Duration::ZERO).unwrap(), (0, 1));
        let all = examine(&systems, &scene.books[0]).unwrap();
        assert_eq!(all.asked, 3);
        assert_eq!(
            all.against,
            ["erp.articles 2: 9 here, 2.5 there", "erp.articles 3: erp.orders has no orders with ref = SW-C"]
        );
        let there = examine(&systems, &scene.books[1]).unwrap();
        assert_eq!((there.asked, there.against.len()), (2, 0));
        assert!(Scene::parse("shop: erp\nbefroe: []").is_err(), "a misspelt key is told");
        let lost = Scene::parse("shop: erp\nbefore: [ { add: shop.order, record: {} } ]").unwrap();
        assert!(carry_out(&systems, &lost.before, Duration::ZERO).unwrap_err().contains("`shop`"));
    }
}
