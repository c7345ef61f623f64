//! From an operation and a scope to a request. In: templates and values. Out: method, address, headers, body. Pure.

use mapwright_manifest::{Driver, Manifest, Operation, Slot, Template};
use mapwright_values::Json;
use mapwright_values::plan::EntityPlan;

use crate::auth;
use crate::fields::kind_of;
use crate::http::{Body, Prepared};
use crate::odata;
use crate::template::{Scope, Unfilled, percent};

/// What a list adds to its operation.
#[derive(Default)]
pub(crate) struct Extras {
    /// Query values, not yet encoded.
    pub(crate) query: Vec<(String, String)>,
    /// Values put into the body, by path.
    pub(crate) body: Vec<(Vec<String>, Json<'static>)>,
    /// Headers.
    pub(crate) headers: Vec<(String, Template)>,
    /// The whole address, where a next link gave it; query and body of the operation are then not sent.
    pub(crate) address: Option<String>,
}

/// What is being asked of which entity.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) plan: Option<&'a EntityPlan>,
    /// Key of the addressed record.
    pub(crate) key: &'a [String],
}

/// The request of an operation.
pub(crate) fn prepare(
    subject: Subject<'_>,
    operation: &Operation,
    scope: &Scope<'_>,
    extras: &Extras,
    credentials: bool,
) -> Result<Prepared, Unfilled> {
    let scope = &Scope { lets: &operation.lets, ..*scope };
    let manifest = subject.manifest;
    let mut headers = Vec::new();
    for (name, template) in manifest.headers.iter().chain(&operation.headers).chain(&extras.headers) {
        headers.extend(scope.header(name, template)?.map(|value| (name.clone(), value)));
    }
    let mut query = Vec::new();
    let url = match &extras.address {
        Some(address) => address.clone(),
        None => {
            for (name, template) in &operation.query {
                query.extend(scope.text(template)?.map(|value| (name.clone(), percent(&value))));
            }
            query.extend(extras.query.iter().map(|(name, value)| (name.clone(), percent(value))));
            address(subject, &operation.path, scope)?
        }
    };
    if credentials {
        let added = auth::added(manifest, scope)?;
        headers.extend(added.headers);
        query.extend(added.query);
    }
    let body = if extras.address.is_some() { Body::None } else { body(operation, scope, extras)? };
    Ok(Prepared { method: operation.method, url: with_query(url, &query), headers, body })
}

fn body(operation: &Operation, scope: &Scope<'_>, extras: &Extras) -> Result<Body, Unfilled> {
    if !operation.form.is_empty() {
        let mut pairs = Vec::new();
        for (name, template) in &operation.form {
            pairs.extend(scope.text(template)?.map(|value| format!("{}={}", percent(name), percent(&value))));
        }
        return Ok(Body::Form(pairs.join("&")));
    }
    let mut json = match &operation.body {
        Some(tree) => scope.tree(tree)?,
        None => None,
    };
    for (path, value) in &extras.body {
        crate::rest::put(json.get_or_insert(Json::Record(Vec::new())), path, value.clone());
    }
    Ok(json.map_or(Body::None, |json| Body::Json(json.to_text())))
}

/// The base, filled in.
pub(crate) fn base(manifest: &Manifest, scope: &Scope<'_>) -> Result<String, Unfilled> {
    Ok(scope.text(&manifest.base)?.unwrap_or_default().trim_end_matches('/').to_owned())
}

/// The address of a path: behind the base, or where the manifest itself writes a whole address.
pub(crate) fn address(subject: Subject<'_>, path: &Template, scope: &Scope<'_>) -> Result<String, Unfilled> {
    let whole = path.slots().next().is_some_and(|slot| slot.root == "config")
        && matches!(path.parts.first(), Some(mapwright_manifest::TemplatePart::Slot(_)));
    if whole {
        return Ok(scope.text(path)?.unwrap_or_default());
    }
    let spelled = scope.text_with(path, |slot, text| percent_kept(slot, &segment(subject, slot, text)))?;
    Ok(format!("{}{}", base(subject.manifest, scope)?, spelled.unwrap_or_default()))
}

/// A value in a path as the driver spells it, before encoding.
fn segment(subject: Subject<'_>, slot: &Slot, text: &str) -> String {
    if subject.manifest.driver != Driver::Odata {
        return text.to_owned();
    }
    let style = subject.manifest.odata;
    let plan = subject.plan;
    let kind = |name: &str| plan.and_then(|plan| kind_of(plan, name));
    match (slot.root.as_str(), plan) {
        ("key", Some(plan)) if slot.path.is_empty() => odata::key(plan.key, subject.key, kind, style),
        ("key" | "record", _) => {
            odata::literal(&Json::text(text.to_owned()), kind(&slot.path.join(".")).as_ref(), style)
        }
        (_, _) => text.to_owned(),
    }
}

/// The manifest's own entries may hold several segments; everything else is one.
fn percent_kept(slot: &Slot, text: &str) -> String {
    if slot.root == "entity" { text.split('/').map(percent).collect::<Vec<_>>().join("/") } else { percent(text) }
}

fn with_query(url: String, query: &[(String, String)]) -> String {
    if query.is_empty() {
        return url;
    }
    let pairs: Vec<String> =
        query.iter().map(|(name, value)| format!("{}={value}", name.replace(' ', "%20"))).collect();
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{}", pairs.join("&"))
}
