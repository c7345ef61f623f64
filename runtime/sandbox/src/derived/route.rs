//! Which operation a request is. In: a request. Out: the entity and verb, action, log-in or check whose shape it has, and what its
//! slots held. Never: an answer.

use axum::http::HeaderMap;
use indexmap::IndexMap;
use mapwright_manifest::{Driver, Manifest, Method, Operation, Place, Template, TemplatePart, Verb};
use mapwright_values::Json;

use super::codec::Wire;
use super::schema::Schema;
use super::soap;
use super::subscriptions::Step;
use super::tree::{Value, members, plain};
use super::unify::{Bound, Reader, tree_weight, weight};
use crate::text::query_pairs;

/// A request, read as far as its protocol goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Still escaped.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    /// The parsed body: of a form its fields, of a call its arguments, of a GraphQL request its variables.
    pub(crate) body: Option<Value>,
    /// The body as it came.
    pub(crate) text: String,
    /// SOAP: the call and who makes it.
    pub(crate) called: Option<soap::Called>,
    /// GraphQL: the document.
    pub(crate) document: Option<String>,
}

impl Asked {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// What stands at a place of the request.
    pub(crate) fn at(&self, place: &Place) -> Option<Value> {
        let within = |path: &[String]| {
            let found = path.iter().try_fold(self.body.as_ref()?, |value, step| value.get(step));
            found.filter(|value| !value.is_null()).cloned()
        };
        match place {
            Place::Body(path) | Place::Variables(path) | Place::Args(path) => within(path),
            Place::Query(Some(name)) => {
                let all: Vec<&str> =
                    self.query.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
                match all.as_slice() {
                    [] => None,
                    [one] => Some(Json::text((*one).to_owned())),
                    several => Some(Json::List(several.iter().map(|one| Json::text((*one).to_owned())).collect())),
                }
            }
            Place::Query(None) => {
                let all = self.query.iter().map(|(name, value)| (name.clone().into(), Json::text(value.clone())));
                Some(Json::Record(all.collect()))
            }
            Place::Header(name) => self.header(name).map(|value| Json::text(value.to_owned())),
        }
    }
}

/// Reads a request's body as its protocol and content type say.
pub(crate) fn read(manifest: &Manifest, wire: &Wire, mut asked: Asked) -> Result<Asked, String> {
    let kind = asked.header("content-type").unwrap_or_default().to_lowercase();
    if asked.text.is_empty() || kind.starts_with("multipart/") {
        return Ok(asked);
    }
    if kind.starts_with("application/x-www-form-urlencoded") {
        let fields = query_pairs(&asked.text).into_iter().map(|(name, value)| (name.into(), Json::text(value)));
        asked.body = Some(Json::Record(fields.collect()));
        return Ok(asked);
    }
    let json =
        |text: &str| Json::parse(text).map(Json::into_owned).map_err(|fault| format!("the body is no JSON: {fault}"));
    match manifest.driver {
        Driver::Soap => {
            let called = soap::read(&manifest.soap, &asked.text)?;
            asked.body = called.arguments.clone();
            asked.called = Some(called);
        }
        Driver::Graphql => {
            let whole = json(&asked.text)?;
            asked.document = whole.get("query").map(plain);
            asked.body = match (whole.get("variables"), &asked.document) {
                (variables, Some(_)) => variables.cloned(),
                (_, None) => Some(whole),
            };
        }
        Driver::Rest | Driver::Odata if kind.contains("json") => asked.body = Some(json(&asked.text)?),
        Driver::Rest | Driver::Odata => asked.body = Some(wire.decode(&asked.text)?),
    }
    Ok(asked)
}

/// What an operation is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Entity(String, Verb),
    Action(String),
    LogIn,
    LogOut,
    Check,
    /// A step with subscriptions to changes of this entity.
    Subscription(Step, String),
}

/// One operation and where it is reached.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) what: What,
    pub(crate) operation: Operation,
    /// The entity's own entries, filled in as far as the configuration goes.
    pub(crate) entries: Value,
    method: Method,
    path: Template,
    /// What stands behind a `?` in the path, literally.
    fixed_query: Vec<(String, String)>,
    weight: usize,
}

/// All routes of a manifest, the most exact first.
pub(crate) fn routes(manifest: &Manifest, schema: &Schema, config: &Value) -> Vec<Route> {
    let mut routes = Vec::new();
    let filled = |template: &Template| {
        template.parts.iter().try_fold(String::new(), |text, part| match part {
            TemplatePart::Literal(literal) => Some(text + literal),
            TemplatePart::Slot(slot) if slot.root == "config" => {
                let value = slot.path.iter().try_fold(config, |value, step| value.get(step))?;
                Some(text + &plain(value))
            }
            TemplatePart::Slot(_) => None,
        })
    };
    for entity in manifest.entities.values() {
        let Some(known) = schema.entity(&entity.name) else { continue };
        let mut entries: Vec<_> = entity
            .entries
            .iter()
            .filter_map(|(name, template)| Some((name.clone().into(), Json::text(filled(template)?))))
            .collect();
        if !entity.entries.contains_key("key")
            && let Some(key) = known.key.first()
        {
            entries.push(("key".into(), Json::text(key.clone())));
        }
        if !entity.entries.contains_key("name") {
            entries.push(("name".into(), Json::text(entity.name.clone())));
        }
        for (verb, operation) in &entity.operations {
            let what = What::Entity(entity.name.clone(), *verb);
            routes.push(route(manifest, what, operation, Json::Record(entries.clone()), &entity.entries));
        }
    }
    for (name, action) in &manifest.actions {
        if schema.entity(name).is_none() {
            continue;
        }
        let entries = action
            .entries
            .iter()
            .filter_map(|(name, template)| Some((name.clone().into(), Json::text(filled(template)?))))
            .collect();
        routes.push(route(
            manifest,
            What::Action(name.clone()),
            &action.operation,
            Json::Record(entries),
            &action.entries,
        ));
    }
    let none = IndexMap::new();
    if let mapwright_manifest::Auth::LogIn(login) = &manifest.auth {
        if let Some(operation) = &login.operation {
            routes.push(route(manifest, What::LogIn, operation, Json::Null, &none));
        }
        if let (Some((method, path)), Some(operation)) = (&login.logout, &login.operation) {
            let operation = Operation { method: *method, path: path.clone(), ..operation.polling() };
            routes.push(route(manifest, What::LogOut, &operation, Json::Null, &none));
        }
    }
    for (step, entity, operation) in super::subscriptions::steps(manifest) {
        let of = routes.iter().find(|route| matches!(&route.what, What::Entity(name, _) if *name == entity));
        let entries = of.map_or(Json::Null, |route| route.entries.clone());
        routes.push(route(manifest, What::Subscription(step, entity), operation, entries, &none));
    }
    if let Some(check) = &manifest.check {
        routes.push(route(manifest, What::Check, check, Json::Null, &none));
    }
    routes.sort_by_key(|route| std::cmp::Reverse(route.weight));
    routes
}

fn route(
    manifest: &Manifest,
    what: What,
    operation: &Operation,
    entries: Value,
    inlined: &IndexMap<String, Template>,
) -> Route {
    let own = &operation.path;
    let whole = matches!(own.parts.first(), Some(TemplatePart::Slot(slot)) if slot.root == "config")
        || matches!(own.parts.first(), Some(TemplatePart::Literal(text)) if text.starts_with("https://"));
    let mut parts: Vec<TemplatePart> = if whole { Vec::new() } else { manifest.base.parts.clone() };
    for part in &own.parts {
        match part {
            // An entry that names a parent's key is spelled out, so that the key can be read.
            TemplatePart::Slot(slot) if slot.root == "entity" => {
                match slot.path.first().and_then(|name| inlined.get(name)) {
                    Some(template) => parts.extend(template.parts.iter().cloned()),
                    None => parts.push(part.clone()),
                }
            }
            TemplatePart::Slot(_) | TemplatePart::Literal(_) => parts.push(part.clone()),
        }
    }
    let mut fixed_query = Vec::new();
    let question = parts.iter().position(|part| matches!(part, TemplatePart::Literal(text) if text.contains('?')));
    if let Some(place) = question
        && let Some(TemplatePart::Literal(text)) = parts.get(place).cloned()
        && let Some((path, query)) = text.split_once('?')
    {
        fixed_query = query_pairs(query);
        parts.truncate(place);
        parts.push(TemplatePart::Literal(path.to_owned()));
    }
    let path = Template { at: own.at, parts };
    let bodies = operation.body.as_ref().map_or(0, tree_weight)
        + operation.call.as_ref().map_or(0, |call| call.name.len() + call.args.as_ref().map_or(0, tree_weight));
    Route {
        what,
        method: operation.method,
        weight: weight(&path) * 16 + bodies,
        path,
        fixed_query,
        operation: operation.clone(),
        entries,
    }
}

impl Route {
    /// What the request's slots held, if it has this operation's shape.
    pub(crate) fn fits(&self, manifest: &Manifest, reader: Reader<'_>, asked: &Asked) -> Option<Bound> {
        if self.method.word() != asked.method && manifest.driver != Driver::Soap {
            return None;
        }
        let with_entity: Vec<(&str, &Value)> = reader
            .known
            .iter()
            .copied()
            .filter(|(name, _)| *name != "entity")
            .chain(std::iter::once(("entity", &self.entries)))
            .collect();
        let reader = Reader { known: &with_entity, lets: &self.operation.lets, ..reader };
        let path = asked.path.trim_end_matches('/');
        let mut bound = reader.path(&self.path, path).or_else(|| reader.path(&self.path, &asked.path))?;
        for (name, wanted) in &self.fixed_query {
            if asked.query(name) != Some(wanted) {
                return None;
            }
        }
        if let Some(call) = &self.operation.call {
            return self.fits_call(manifest, reader, asked, call, bound);
        }
        if let Some(document) = &self.operation.document {
            let given = asked.document.as_ref()?;
            // The fragment with the wanted fields stands behind the document.
            if !given.starts_with(&document.text) {
                return None;
            }
            // One document may fetch records of every type: the fragment says which.
            let of_type =
                given.split_once("fragment Record on ").map(|(_, rest)| rest.split(' ').next().unwrap_or(rest));
            if let (Some(wanted), Some(own)) = (of_type, self.entries.get("type"))
                && plain(own) != wanted
            {
                return None;
            }
            if let Some(tree) = &document.variables {
                bound.add(reader.tree(tree, Some(asked.body.as_ref()?))?);
            }
            return Some(bound);
        }
        for (name, template) in &self.operation.query {
            match asked.query(name) {
                Some(given) => bound.add(reader.text(template, given, None)?),
                None if template.slots().any(|slot| slot.optional) => {}
                None => return None,
            }
        }
        for (name, template) in &self.operation.form {
            let given = asked.body.as_ref().and_then(|body| body.get(name)).map(plain);
            match given {
                Some(given) => bound.add(reader.text(template, &given, None)?),
                None if template.slots().any(|slot| slot.optional) => {}
                None => return None,
            }
        }
        if let Some(tree) = &self.operation.body {
            bound.add(reader.tree(tree, asked.body.as_ref())?);
        }
        // Where one and several are written at the same address, several are the batch's.
        let alone = matches!(self.what, What::Entity(_, verb) if verb != Verb::Batch);
        let several = matches!(bound.get("records"), Some(Json::List(list)) if list.len() > 1);
        if alone && several { None } else { Some(bound) }
    }

    fn fits_call(
        &self,
        manifest: &Manifest,
        reader: Reader<'_>,
        asked: &Asked,
        call: &mapwright_manifest::SoapCall,
        mut bound: Bound,
    ) -> Option<Bound> {
        let called = asked.called.as_ref()?;
        if called.name != call.name {
            return None;
        }
        let empty = Json::Record(Vec::new());
        let given = asked.body.as_ref().unwrap_or(&empty);
        let reader = Reader { null_is_open: true, ..reader };
        let mut named: Vec<&str> = Vec::new();
        for tree in groups_of(manifest, call) {
            if let mapwright_manifest::Tree::Map(all) = tree {
                named.extend(all.iter().filter_map(|member| match member {
                    mapwright_manifest::TreeMember::One(name, _) => Some(name.as_str()),
                    mapwright_manifest::TreeMember::Spread(_) => None,
                }));
            }
        }
        for tree in groups_of(manifest, call) {
            // A list that conditions are put into is empty in the manifest and may hold any.
            bound.add(reader.tree(&opened(manifest, tree), Some(given))?);
        }
        let known = |name: &str| named.is_empty() || named.contains(&name);
        members(given).iter().all(|(name, _)| known(name)).then_some(bound)
    }
}

fn groups_of<'m>(
    manifest: &'m Manifest,
    call: &'m mapwright_manifest::SoapCall,
) -> impl Iterator<Item = &'m mapwright_manifest::Tree> {
    call.with.iter().filter_map(|name| manifest.shared.get(name)).chain(&call.args)
}

/// The arguments with the place of the conditions left open.
fn opened(manifest: &Manifest, tree: &mapwright_manifest::Tree) -> mapwright_manifest::Tree {
    use mapwright_manifest::{FilterForm, Tree, TreeMember};
    let place = match &manifest.filters.form {
        FilterForm::Templated(forms) => match &forms.into {
            Place::Args(path) => path.first().cloned(),
            Place::Body(_) | Place::Query(_) | Place::Header(_) | Place::Variables(_) => None,
        },
        FilterForm::None | FilterForm::Odata | FilterForm::PerField(_) => None,
    };
    match (tree, place) {
        (Tree::Map(all), Some(place)) => Tree::Map(
            all.iter()
                .map(|member| match member {
                    TreeMember::One(name, Tree::List(items)) if *name == place && items.is_empty() => {
                        TreeMember::One(name.clone(), Tree::Null)
                    }
                    other => other.clone(),
                })
                .collect(),
        ),
        (other, _) => other.clone(),
    }
}

impl Route {
    /// Does the address lead here, whatever else the request holds?
    pub(crate) fn reaches(&self, reader: Reader<'_>, asked: &Asked) -> bool {
        self.method.word() == asked.method && self.leads(reader, &asked.path)
    }

    /// Does this path lead here?
    pub(crate) fn leads(&self, reader: Reader<'_>, path: &str) -> bool {
        let with_entity: Vec<(&str, &Value)> =
            reader.known.iter().copied().chain(std::iter::once(("entity", &self.entries))).collect();
        Reader { known: &with_entity, ..reader }.path(&self.path, path.trim_end_matches('/')).is_some()
    }

    /// For messages: `list of orders`.
    pub(crate) fn name(&self) -> String {
        match &self.what {
            What::Entity(name, verb) => format!("`{}` of {name}", verb.word()),
            What::Action(name) => format!("the action {name}"),
            What::LogIn => "the log-in".to_owned(),
            What::LogOut => "the log-out".to_owned(),
            What::Check => "the check".to_owned(),
            What::Subscription(..) => "a request about subscriptions".to_owned(),
        }
    }
}
