//! From an operation and a scope to a request. In: templates and values. Out: method, address, headers, body. Pure.

use mapwright_manifest::{Codec, Driver, Manifest, Operation, Place, Slot, Template, TemplatePart};
use mapwright_values::Json;
use mapwright_values::plan::EntityPlan;

use crate::auth;
use crate::fields::kind_of;
use crate::http::{Body, Prepared};
use crate::places::{self, Placed};
use crate::template::{Scope, Unfilled, percent, plain};
use crate::{graphql, odata, soap};

/// What a list adds to its operation.
#[derive(Default)]
pub(crate) struct Extras {
    /// Query values, not yet encoded.
    pub(crate) query: Vec<(String, String)>,
    /// Values and where they go.
    pub(crate) placed: Placed,
    /// In place of the operation's own body.
    pub(crate) whole_body: Option<Json<'static>>,
    /// The same, as text with its content type.
    pub(crate) whole_text: Option<(String, String)>,
    /// GraphQL: the fragment with the used fields.
    pub(crate) fragment: Option<String>,
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
    let manifest = subject.manifest;
    let scope = &Scope { lets: &operation.lets, codec: Some(&manifest.codec), ..*scope };
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, template) in manifest.headers.iter().chain(&operation.headers).chain(&extras.headers) {
        // A nearer header takes the place of one further off; `omit` leaves it out.
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        if template.literal().as_deref() != Some("omit") {
            headers.extend(scope.header(name, template)?.map(|value| (name.clone(), value)));
        }
    }
    let mut query = Vec::new();
    let url = match &extras.address {
        Some(address) => address.clone(),
        None => {
            for (name, template) in &operation.query {
                query.extend(scope.text(template)?.map(|value| (name.clone(), percent(&value))));
            }
            query.extend(extras.query.iter().map(|(name, value)| (name.clone(), percent(value))));
            for (place, value) in &extras.placed {
                match place {
                    Place::Query(name) => query.extend(
                        places::query(name.as_deref(), value).into_iter().map(|(name, value)| (name, percent(&value))),
                    ),
                    Place::Header(name) => headers.push((name.clone(), plain(value))),
                    Place::Body(_) | Place::Variables(_) | Place::Args(_) => {}
                }
            }
            address(subject, &operation.path, scope)?
        }
    };
    if credentials {
        let added = auth::added(manifest, scope)?;
        headers.extend(added.headers);
        query.extend(added.query);
    }
    let body = if extras.address.is_some() { Body::None } else { body(manifest, operation, scope, extras)? };
    if let Body::Xml { action: Some(action), .. } = &body {
        headers.push(("SOAPAction".to_owned(), action.clone()));
    }
    if headers.iter().any(|(_, value)| value.chars().any(char::is_control)) {
        let message = "a value for a header holds a line break or control character".to_owned();
        return Err(Unfilled { class: mapwright_engine::connector::Class::Permanent, message });
    }
    Ok(Prepared { method: operation.method, url: with_query(url, &query), headers, body })
}

fn body(manifest: &Manifest, operation: &Operation, scope: &Scope<'_>, extras: &Extras) -> Result<Body, Unfilled> {
    if let Some((text, content_type)) = &extras.whole_text {
        return Ok(Body::Xml { text: text.clone(), content_type: content_type.clone(), action: None });
    }
    if let Some(body) = &extras.whole_body {
        return Ok(Body::Json(body.to_text()));
    }
    if let Some(call) = &operation.call {
        let mut arguments = soap::arguments(manifest, call, scope)?;
        for (place, value) in &extras.placed {
            if let Place::Args(path) = place {
                places::put(&mut arguments, path, value.clone());
            }
        }
        let envelope = soap::envelope(manifest, call, &arguments, scope)?;
        return Ok(Body::Xml { text: envelope.text, content_type: envelope.content_type, action: envelope.action });
    }
    if let Some(document) = &operation.document {
        let mut variables = match &document.variables {
            Some(tree) => scope.tree(tree)?,
            None => None,
        };
        for (place, value) in &extras.placed {
            if let Place::Variables(path) = place {
                places::put(variables.get_or_insert(Json::Record(Vec::new())), path, value.clone());
            }
        }
        let text = graphql::document(&document.text, extras.fragment.as_deref());
        let mut members = vec![("query".into(), Json::text(text))];
        members.extend(variables.map(|variables| ("variables".into(), variables)));
        return Ok(Body::Json(Json::Record(members).to_text()));
    }
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
    for (place, value) in &extras.placed {
        if let Place::Body(path) = place {
            places::put(json.get_or_insert(Json::Record(Vec::new())), path, value.clone());
        }
    }
    let Some(json) = json else { return Ok(Body::None) };
    match &manifest.codec {
        Codec::Json(_) => Ok(Body::Json(json.to_text())),
        coded @ (Codec::Xml(_) | Codec::NamedXml(_) | Codec::Csv { .. } | Codec::Hook(_)) => {
            let text = crate::codec::encode(coded, &json)
                .map_err(|message| Unfilled { class: mapwright_engine::connector::Class::Permanent, message })?;
            Ok(Body::Xml { text, content_type: crate::codec::content_type(coded), action: None })
        }
    }
}

/// The base, filled in.
pub(crate) fn base(manifest: &Manifest, scope: &Scope<'_>) -> Result<String, Unfilled> {
    Ok(scope.text(&manifest.base)?.unwrap_or_default().trim_end_matches('/').to_owned())
}

/// The address of a path: behind the base, or where the manifest itself writes a whole address.
pub(crate) fn address(subject: Subject<'_>, path: &Template, scope: &Scope<'_>) -> Result<String, Unfilled> {
    let whole = match path.parts.first() {
        Some(TemplatePart::Slot(slot)) => slot.root == "config",
        Some(TemplatePart::Literal(text)) => text.starts_with("https://"),
        None => false,
    };
    if whole {
        // The configured parts of an address are addresses themselves; a segment that was put in is not.
        let kept = |slot: &Slot, text: &str| {
            if slot.root == "config" && text.contains("://") { text.to_owned() } else { percent_kept(slot, text) }
        };
        return Ok(scope.text_with(path, kept)?.unwrap_or_default());
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
