//! SOAP 1.1 and 1.2. In: a call and its arguments as trees; an answer's text. Out: an envelope; what the body holds. Pure.

use mapwright_manifest::{Codec, Embed, Manifest, SoapCall, SoapStyle};
use mapwright_values::Json;

use crate::codec::xml::{Element, Writer};
use crate::codec::{embed, xml};
use crate::template::{Scope, Unfilled, plain};

const ENVELOPE_11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const ENVELOPE_12: &str = "http://www.w3.org/2003/05/soap-envelope";
const ENCODING: &str = "http://schemas.xmlsoap.org/soap/encoding/";
const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
const SECURITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const PASSWORD_TEXT: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText";

/// An envelope ready to go.
pub(crate) struct Envelope {
    pub(crate) text: String,
    pub(crate) content_type: String,
    /// `SOAPAction`, for version 1.1.
    pub(crate) action: Option<String>,
}

/// The arguments of a call: groups of `shared` first.
///
/// # Errors
/// A value is missing.
pub(crate) fn arguments(manifest: &Manifest, call: &SoapCall, scope: &Scope<'_>) -> Result<Json<'static>, Unfilled> {
    let mut all = Vec::new();
    let groups = call.with.iter().filter_map(|name| manifest.shared.get(name)).chain(&call.args);
    for tree in groups {
        if let Some(Json::Record(members)) = scope.tree(tree)? {
            all.extend(members);
        }
    }
    Ok(Json::Record(all))
}

/// The envelope of a call.
///
/// # Errors
/// A value is missing, or a name cannot be an element's.
pub(crate) fn envelope(
    manifest: &Manifest,
    call: &SoapCall,
    arguments: &Json<'_>,
    scope: &Scope<'_>,
) -> Result<Envelope, Unfilled> {
    let style = &manifest.soap;
    if let Some(name) = unwritable(arguments) {
        let message = format!("`{name}` cannot be the name of an XML element");
        return Err(Unfilled { class: mapwright_engine::connector::Class::Halt, message });
    }
    let mut writer = Writer::default();
    writer.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    let envelope = if style.twelve { ENVELOPE_12 } else { ENVELOPE_11 };
    let mut spaces = vec![("xmlns:soapenv", envelope)];
    if style.rpc_encoded {
        spaces.extend([
            ("xmlns:xsd", SCHEMA),
            ("xmlns:xsi", INSTANCE),
            ("xmlns:soapenc", ENCODING),
            ("xmlns:ns", style.namespace.as_str()),
        ]);
    }
    writer.open("soapenv:Envelope", &spaces);
    if let Some((user, password)) = &style.security {
        let user = scope.text(user)?.unwrap_or_default();
        let password = scope.text(password)?.unwrap_or_default();
        security(&mut writer, &user, &password);
    }
    writer.open("soapenv:Body", &[]);
    if style.rpc_encoded {
        let name = format!("ns:{}", call.name);
        writer.open(&name, &[("soapenv:encodingStyle", ENCODING)]);
        for (name, value) in members(arguments) {
            encoded(&mut writer, style, &manifest.codec, name, name, value);
        }
        writer.close(&name);
    } else {
        writer.open(&call.name, &[("xmlns", &style.namespace)]);
        for (name, value) in members(arguments) {
            literal(&mut writer, &manifest.codec, name, value);
        }
        writer.close(&call.name);
    }
    writer.close("soapenv:Body");
    writer.close("soapenv:Envelope");
    let action = match &style.action {
        Some(action) => action.clone(),
        None => format!("{}/{}", style.namespace.trim_end_matches('/'), call.name),
    };
    Ok(if style.twelve {
        let content_type = if action.is_empty() {
            "application/soap+xml; charset=utf-8".to_owned()
        } else {
            format!("application/soap+xml; charset=utf-8; action=\"{action}\"")
        };
        Envelope { text: writer.finish(), content_type, action: None }
    } else {
        let content_type = "text/xml; charset=utf-8".to_owned();
        Envelope { text: writer.finish(), content_type, action: Some(format!("\"{action}\"")) }
    })
}

fn members<'v, 'j>(record: &'v Json<'j>) -> impl Iterator<Item = (&'v str, &'v Json<'j>)> {
    let members = match record {
        Json::Record(members) => members.as_slice(),
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => &[],
    };
    members.iter().map(|(name, value)| (name.as_ref(), value))
}

/// The first name that no element may have.
fn unwritable(value: &Json<'_>) -> Option<String> {
    match value {
        Json::Record(members) => members.iter().find_map(|(name, value)| {
            let bare = name.strip_prefix('@').unwrap_or(name);
            if name != "#text" && !xml::is_name(bare) { Some(name.clone().into_owned()) } else { unwritable(value) }
        }),
        Json::List(items) => items.iter().find_map(unwritable),
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) => None,
    }
}

fn security(writer: &mut Writer, user: &str, password: &str) {
    writer.open("soapenv:Header", &[]);
    writer.open("wsse:Security", &[("xmlns:wsse", SECURITY), ("soapenv:mustUnderstand", "1")]);
    writer.open("wsse:UsernameToken", &[]);
    writer.leaf("wsse:Username", &[], user);
    writer.leaf("wsse:Password", &[("Type", PASSWORD_TEXT)], password);
    writer.close("wsse:UsernameToken");
    writer.close("wsse:Security");
    writer.close("soapenv:Header");
}

/// A value as document/literal has it: no types, a list as its element again and again.
fn literal(writer: &mut Writer, codec: &Codec, name: &str, value: &Json<'_>) {
    match value {
        Json::Text(text) if holds_document(codec, text) => {
            writer.open(name, &[]);
            document(writer, codec, text);
            writer.close(name);
        }
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) | Json::Record(_) => {
            let item = match codec {
                Codec::Xml(plain) => plain.item.as_deref(),
                Codec::Json(_) | Codec::NamedXml(_) | Codec::Csv { .. } | Codec::Hook(_) => None,
            };
            writer.tree(name, value, item);
        }
    }
}

/// Is this text a document of the codec within ours?
fn holds_document(codec: &Codec, text: &str) -> bool {
    crate::codec::is_xml(codec) && text.starts_with('<')
}

fn document(writer: &mut Writer, codec: &Codec, text: &str) {
    match embed(codec) {
        Embed::Cdata => writer.cdata(text),
        Embed::Text => writer.write(text),
        Embed::None => writer.raw(text),
    }
}

/// A value as rpc/encoded has it: each element says its type. `typed` = the name that the manifest knows a type for.
fn encoded(writer: &mut Writer, style: &SoapStyle, codec: &Codec, name: &str, typed: &str, value: &Json<'_>) {
    let named = style.types.get(typed);
    match value {
        Json::Null => writer.leaf(name, &[("xsi:nil", "true")], ""),
        Json::Boolean(value) => writer.leaf(name, &[("xsi:type", "xsd:boolean")], &value.to_string()),
        Json::Number(digits) => {
            let kind = if digits.contains(['.', 'e', 'E']) { "xsd:decimal" } else { "xsd:int" };
            writer.leaf(name, &[("xsi:type", kind)], digits);
        }
        Json::Text(text) => {
            writer.open(name, &[("xsi:type", "xsd:string")]);
            if holds_document(codec, text) {
                document(writer, codec, text);
            } else {
                writer.write(text);
            }
            writer.close(name);
        }
        Json::Record(_) => {
            let kind = named.map(|kind| format!("ns:{}", kind.trim_end_matches("[]")));
            let attributes: Vec<(&str, &str)> = kind.iter().map(|kind| ("xsi:type", kind.as_str())).collect();
            writer.open(name, &attributes);
            for (name, value) in members(value) {
                encoded(writer, style, codec, name, name, value);
            }
            writer.close(name);
        }
        Json::List(items) => {
            let kind =
                named.map_or_else(|| "xsd:anyType".to_owned(), |kind| format!("ns:{}", kind.trim_end_matches("[]")));
            let array = format!("{kind}[{}]", items.len());
            writer.open(name, &[("xsi:type", "soapenc:Array"), ("soapenc:arrayType", &array)]);
            for item in items {
                // An item is of the list's own type.
                encoded(writer, style, codec, "item", typed, item);
            }
            writer.close(name);
        }
    }
}

/// What an answer's body holds: the members of the response element, or `Fault` as SOAP 1.1 spells it.
///
/// # Errors
/// The text is no SOAP, in words.
pub(crate) fn read(text: &str) -> Result<Json<'static>, String> {
    let root = xml::parse(text)?;
    let body = root.child("Body").filter(|_| root.name == "Envelope");
    let Some(body) = body else { return Err(format!("`{}` is no SOAP envelope", root.name)) };
    match body.children.first() {
        Some(fault) if fault.name == "Fault" => Ok(Json::Record(vec![("Fault".into(), fault_json(fault))])),
        Some(response) => Ok(match response.to_json() {
            record @ Json::Record(_) => record,
            // A response without members.
            Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => Json::Record(Vec::new()),
        }),
        None => Ok(Json::Record(Vec::new())),
    }
}

fn fault_json(fault: &Element) -> Json<'static> {
    let text = |path: &[&str]| {
        let found = path.iter().try_fold(fault, |element, name| element.child(name));
        found.map(|element| element.text.trim().to_owned())
    };
    let code = text(&["faultcode"]).or_else(|| text(&["Code", "Value"])).unwrap_or_default();
    let reason = text(&["faultstring"]).or_else(|| text(&["Reason", "Text"])).unwrap_or_default();
    let detail = fault.child("detail").or_else(|| fault.child("Detail"));
    // Prefixes are the sender's own choice.
    let code = code.rsplit(':').next().unwrap_or_default().to_owned();
    let mut members = vec![("faultcode".into(), Json::text(code)), ("faultstring".into(), Json::text(reason))];
    members.extend(detail.map(|detail| ("detail".into(), detail.to_json())));
    Json::Record(members)
}

/// The fault of an answer: whether the sender is to blame, by SOAP's own words.
pub(crate) fn sender_at_fault(body: &Json<'_>) -> Option<bool> {
    let code = plain(body.get("Fault")?.get("faultcode")?);
    match code.split('.').next() {
        Some("Client" | "Sender") => Some(true),
        Some(_) | None => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_both_versions_read_alike() {
        let eleven = "<e:Envelope xmlns:e=\"u\"><e:Body><e:Fault><faultcode>e:Server</faultcode>\
                      <faultstring>Pool not found</faultstring><detail/></e:Fault></e:Body></e:Envelope>";
        let twelve = "<e:Envelope xmlns:e=\"u\"><e:Body><e:Fault><e:Code><e:Value>e:Sender</e:Value></e:Code>\
                      <e:Reason><e:Text xml:lang=\"en\">No such item</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>";
        let eleven = read(eleven).unwrap();
        assert_eq!(eleven.to_text(), r#"{"Fault":{"faultcode":"Server","faultstring":"Pool not found","detail":""}}"#);
        assert_eq!(sender_at_fault(&eleven), Some(false));
        let twelve = read(twelve).unwrap();
        assert_eq!(twelve.to_text(), r#"{"Fault":{"faultcode":"Sender","faultstring":"No such item"}}"#);
        assert_eq!(sender_at_fault(&twelve), Some(true));
        assert!(read("<html><body>Sign in</body></html>").is_err());
    }
}
