//! Which records a list asks for. In: what stands where the manifest puts conditions. Out: a condition, and whether a record fits.
//! What is not understood is refused, never ignored.

use std::cmp::Ordering;

use jiff::Timestamp;
use mapwright_manifest::{Entity, FieldFilter, FilterForm, Join, Manifest, Pass, Place, TemplatedFilters, Tree};
use mapwright_values::Json;
use mapwright_values::decimal::Decimal;

use super::schema::{EntityType, Shape};
use super::tree::{Value, at_all, items, plain};
use super::unify::{Bound, Reader, tree_weight};
use super::{odata, route::Asked};

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    Missing,
    Prefix,
    Contains,
}

impl Test {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "lt" => Self::Lt,
            "le" => Self::Le,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            "in" => Self::In,
            "missing" => Self::Missing,
            "prefix" => Self::Prefix,
            _ => return None,
        })
    }
}

/// A condition.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// All of them hold; none of them = every record.
    All(Vec<Condition>),
    /// One of them holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A comparison of a field.
    Term(Term),
}

/// One comparison.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) field: String,
    pub(crate) test: Test,
    pub(crate) values: Vec<String>,
}

impl Condition {
    /// A term as compiled projects have it.
    pub(crate) fn of_term(term: &mapwright_values::Term) -> Self {
        use mapwright_values::Test as Of;
        let test = match term.test {
            Of::Eq => Test::Eq,
            Of::Ne => Test::Ne,
            Of::Lt => Test::Lt,
            Of::Le => Test::Le,
            Of::Gt => Test::Gt,
            Of::Ge => Test::Ge,
            Of::In => Test::In,
            Of::Missing => Test::Missing,
        };
        let value = Json::parse(&term.value).map(Json::into_owned).unwrap_or(Json::Null);
        Self::Term(Term { field: term.field.clone(), test, values: items(&value).into_iter().map(plain).collect() })
    }

    /// Does the record fit?
    pub(crate) fn holds(&self, entity: &EntityType, record: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(entity, record)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(entity, record)),
            Self::Not(part) => !part.holds(entity, record),
            Self::Term(term) => term.holds(entity, record),
        }
    }
}

impl Term {
    fn holds(&self, entity: &EntityType, record: &Value) -> bool {
        let found: Vec<&Value> =
            at_all(record, &self.field).into_iter().flat_map(items).filter(|value| !value.is_null()).collect();
        let shape = entity.field(&self.field).map(|field| &field.shape);
        let against = |value: &Value, wanted: &String| compare(shape, &plain(value), wanted);
        let some = |fits: fn(Ordering) -> bool| {
            found.iter().any(|value| self.values.first().is_some_and(|wanted| fits(against(value, wanted))))
        };
        match self.test {
            Test::Missing => found.is_empty(),
            Test::Eq | Test::In => {
                found.iter().any(|value| self.values.iter().any(|wanted| against(value, wanted) == Ordering::Equal))
            }
            Test::Ne => {
                !found.iter().any(|value| self.values.iter().any(|wanted| against(value, wanted) == Ordering::Equal))
            }
            Test::Lt => some(Ordering::is_lt),
            Test::Le => some(Ordering::is_le),
            Test::Gt => some(Ordering::is_gt),
            Test::Ge => some(Ordering::is_ge),
            Test::Prefix => {
                found.iter().any(|value| self.values.iter().any(|start| plain(value).starts_with(start.as_str())))
            }
            Test::Contains => {
                found.iter().any(|value| self.values.iter().any(|part| plain(value).contains(part.as_str())))
            }
        }
    }
}

/// Two leaves of a field, by what the field holds.
pub(crate) fn compare(shape: Option<&Shape>, left: &str, right: &str) -> Ordering {
    let texts = || left.cmp(right);
    match shape {
        Some(Shape::Integer | Shape::Decimal(..)) => match (Decimal::parse(left), Decimal::parse(right)) {
            (Ok(left), Ok(right)) => left.cmp(&right),
            (_, _) => texts(),
        },
        Some(Shape::Instant) => match (instant(left), instant(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            (_, _) => texts(),
        },
        Some(Shape::Date) => day(left).cmp(day(right)),
        Some(Shape::Uuid(_)) => {
            let bare = |text: &str| text.replace('-', "").to_lowercase();
            bare(left).cmp(&bare(right))
        }
        Some(
            Shape::Text(_)
            | Shape::Boolean(_)
            | Shape::Time
            | Shape::Enum(_)
            | Shape::Record(_)
            | Shape::List(..)
            | Shape::Json,
        )
        | None => texts(),
    }
}

/// The day of `2026-11-02` or `2026-11-02T00:00:00Z`.
fn day(text: &str) -> &str {
    text.split_once('T').map_or(text, |(day, _)| day)
}

fn instant(text: &str) -> Option<Timestamp> {
    let spaced = text.replace(' ', "T");
    spaced.parse().ok().or_else(|| {
        let civil: jiff::civil::DateTime = spaced.parse().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

/// What a list asks for; `fixed` = query values that its operation always sends.
pub(crate) fn asked_for(
    manifest: &Manifest,
    entity: &Entity,
    known: &EntityType,
    reader: &Reader<'_>,
    asked: &Asked,
    fixed: &[(String, String)],
) -> Result<Condition, String> {
    let names = Names { manifest, entity, known };
    match &manifest.filters.form {
        FilterForm::None => Ok(Condition::All(Vec::new())),
        FilterForm::Odata => match asked.query("$filter") {
            Some(text) => odata::filter(text, &|field| names.field(field)),
            None => Ok(Condition::All(Vec::new())),
        },
        FilterForm::Templated(forms) => templated(forms, &names, reader, asked),
        FilterForm::PerField(filters) => per_field(filters, &names, reader, (asked, fixed)),
    }
}

/// What conditions call the fields of an entity.
struct Names<'n> {
    manifest: &'n Manifest,
    entity: &'n Entity,
    known: &'n EntityType,
}

impl Names<'_> {
    /// The path of a field by the name that a condition gives it.
    fn field(&self, name: &str) -> Option<String> {
        let passes = self.entity.changes.iter().flat_map(|changes| &changes.passes);
        for pass in passes {
            if let Pass::Field { field, asked_as: Some(asked_as), .. } = pass
                && asked_as == name
            {
                return Some(field.clone());
            }
        }
        if let Some(probe) = &self.entity.probe
            && probe.asked_as.as_deref() == Some(name)
        {
            return probe.by.first().map(|(field, _)| field.clone());
        }
        if self.manifest.filters.last_step {
            let by_step = |path: &str| path.rsplit('.').next() == Some(name);
            if let Some(found) = self.entity.filter_on.iter().find(|field| by_step(&field.pattern)) {
                return Some(found.pattern.clone());
            }
            if let Some(key) = self.known.key.iter().find(|key| by_step(key)) {
                return Some(key.clone());
            }
        }
        self.known.field(name).map(|_| name.to_owned())
    }
}

/// Reads one term by the form that made it.
fn term(forms: &TemplatedFilters, names: &Names<'_>, reader: &Reader<'_>, given: &Value) -> Result<Condition, String> {
    for (word, form) in by_weight(forms) {
        let Some(test) = Test::of(word) else { continue };
        let Some(bound) = reader.tree(form, Some(given)) else { continue };
        if let Some(inner) = bound.text("terms") {
            // Alternatives, each spelled as `eq`.
            let between = forms.any.as_deref().unwrap_or(" OR ");
            let parts = inner.split(between).map(|part| term(forms, names, reader, &Json::text(part.to_owned())));
            return Ok(Condition::Any(parts.collect::<Result<_, _>>()?));
        }
        if let Some(field) = bound.text("field").and_then(|field| names.field(&field)) {
            return Ok(Condition::Term(Term { field, test, values: values(&bound) }));
        }
    }
    Err(format!("the condition {} is not understood", given.to_text()))
}

fn values(bound: &Bound) -> Vec<String> {
    let several = bound.get("values").map(|values| items(values).into_iter().map(plain).collect::<Vec<_>>());
    several.or_else(|| bound.text("value").map(|value| vec![value])).unwrap_or_default()
}

/// The forms, the most exact first.
fn by_weight(forms: &TemplatedFilters) -> Vec<(&str, &Tree)> {
    let mut all: Vec<(&str, &Tree)> = forms.forms.iter().map(|(word, tree)| (word.as_str(), tree)).collect();
    all.sort_by_key(|(_, tree)| std::cmp::Reverse(tree_weight(tree)));
    all
}

fn templated(
    forms: &TemplatedFilters,
    names: &Names<'_>,
    reader: &Reader<'_>,
    asked: &Asked,
) -> Result<Condition, String> {
    let reader = &Reader { quote: forms.quote.as_ref(), null_is_open: false, ..*reader };
    if forms.join == Join::Merge {
        return merged(forms, names, reader, asked);
    }
    let Some(mut given) = asked.at(&forms.into) else { return Ok(Condition::All(Vec::new())) };
    if forms.as_json {
        given = Json::parse(&plain(&given)).map_err(|fault| fault.to_string())?.into_owned();
    }
    let terms: Vec<Value> = match (&forms.join, given) {
        (Join::Text(_), Json::Text(text)) if text.is_empty() => Vec::new(),
        (Join::Text(between), Json::Text(text)) => split(&text, between, forms).into_iter().map(Json::text).collect(),
        (_, Json::List(list)) => list,
        (_, Json::Null) => Vec::new(),
        (_, lone) => vec![lone],
    };
    Ok(Condition::All(terms.iter().map(|given| term(forms, names, reader, given)).collect::<Result<_, _>>()?))
}

/// The terms of a text: what separates them stands in no quotes.
fn split(text: &str, between: &str, forms: &TemplatedFilters) -> Vec<String> {
    let mark = forms.quote.as_ref().map_or("\"", |quote| quote.open.as_str());
    let mut parts: Vec<String> = Vec::new();
    let mut open = false;
    for piece in text.split(between) {
        match parts.last_mut() {
            Some(last) if open => {
                last.push_str(between);
                last.push_str(piece);
            }
            Some(_) | None => parts.push(piece.to_owned()),
        }
        open = parts.last().is_some_and(|last| last.matches(mark).count() % 2 == 1);
    }
    parts
}

/// Terms that are members of one map, numbered by `{index}`.
fn merged(
    forms: &TemplatedFilters,
    names: &Names<'_>,
    reader: &Reader<'_>,
    asked: &Asked,
) -> Result<Condition, String> {
    let Some(given) = asked.at(&forms.into) else { return Ok(Condition::All(Vec::new())) };
    let mut terms = Vec::new();
    for index in 0_usize.. {
        let found = by_weight(forms).into_iter().find_map(|(word, form)| {
            let bound = reader.tree(&numbered(form, index), Some(&given))?;
            let field = names.field(&bound.text("field")?)?;
            Some(Term { field, test: Test::of(word)?, values: values(&bound) })
        });
        match found {
            Some(term) => terms.push(Condition::Term(term)),
            None => break,
        }
    }
    // A condition that no form made would be ignored: count what the forms name.
    let named =
        super::tree::members(&given).iter().filter(|(name, _)| name.contains("[field]") && name.contains("filter"));
    if named.count() > terms.len() {
        return Err("a condition is not understood".to_owned());
    }
    Ok(Condition::All(terms))
}

fn numbered(form: &Tree, index: usize) -> Tree {
    use mapwright_manifest::TreeMember;
    match form {
        Tree::Map(members) => Tree::Map(
            members
                .iter()
                .map(|member| match member {
                    TreeMember::One(name, tree) => {
                        TreeMember::One(name.replace("{index}", &index.to_string()), tree.clone())
                    }
                    TreeMember::Spread(template) => TreeMember::Spread(template.clone()),
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Conditions that have parameters of their own; `fixed` = what the operation itself always sends, which is no condition.
fn per_field(
    filters: &[FieldFilter],
    names: &Names<'_>,
    reader: &Reader<'_>,
    (asked, fixed): (&Asked, &[(String, String)]),
) -> Result<Condition, String> {
    let mut terms = Vec::new();
    for filter in filters {
        for (word, places) in &filter.forms {
            let Some(test) = Test::of(word) else { continue };
            let read = |(place, tree): &(Place, Tree)| {
                let given = asked.at(place)?;
                let own = matches!(place, Place::Query(Some(name))
                    if fixed.iter().any(|(known, value)| known == name && *value == plain(&given)));
                let constant = matches!(tree, Tree::Text(template) if template.literal().is_some());
                if own && !constant { None } else { reader.tree(tree, Some(&given)) }
            };
            let bounds: Option<Vec<Bound>> = places.iter().map(read).collect();
            let found = bounds.and_then(|bounds| {
                let values: Vec<String> = bounds.iter().flat_map(values).collect();
                (!values.is_empty()).then_some(values)
            });
            if let Some(values) = found {
                // An entity may lack a field that others are asked for by the same name.
                let field = names.field(&filter.field).ok_or(format!("{} cannot be asked for here", filter.field))?;
                terms.push(Condition::Term(Term { field, test, values }));
            }
        }
    }
    Ok(Condition::All(terms))
}
