//! SOAP envelopes, the service's side. In: an envelope's text; a response's members. Out: call, arguments, credentials; text.

use mapwright_manifest::SoapStyle;
use mapwright_values::Json;

use super::tree::{Value, plain};
use super::xml::{self, Node};

const ENVELOPE_11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const ENVELOPE_12: &str = "http://www.w3.org/2003/05/soap-envelope";

/// A call as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Called {
    pub(crate) name: String,
    pub(crate) arguments: Option<Value>,
    /// User name and password of a WS-Security header.
    pub(crate) user: Option<(String, String)>,
}

/// Reads an envelope.
pub(crate) fn read(style: &SoapStyle, text: &str) -> Result<Called, String> {
    let root = xml::parse(text)?;
    let body = root.child("Body").filter(|_| root.name == "Envelope").ok_or("this is no SOAP envelope")?;
    let wanted = if style.twelve { ENVELOPE_12 } else { ENVELOPE_11 };
    if !text.contains(wanted) {
        return Err(format!("the envelope is not of the version {wanted}"));
    }
    if !style.namespace.is_empty() && !text.contains(&style.namespace) {
        return Err(format!("the call is not of the namespace {}", style.namespace));
    }
    let call = body.children.first().ok_or("the body holds no call")?;
    let arguments = match call.to_value() {
        record @ Json::Record(_) => Some(record),
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => None,
    };
    let token = root.child("Header").and_then(|header| header.child("Security"));
    let token = token.and_then(|security| security.child("UsernameToken"));
    let user =
        token.and_then(|token| Some((token.child("Username")?.text.clone(), token.child("Password")?.text.clone())));
    Ok(Called { name: call.name.clone(), arguments, user })
}

/// What a refused call answers, as trees have it.
pub(crate) fn fault(sender: bool, words: &str) -> Value {
    let code = if sender { "Client" } else { "Server" };
    let fault = vec![("faultcode".into(), Json::text(code)), ("faultstring".into(), Json::text(words.to_owned()))];
    Json::Record(vec![("Fault".into(), Json::Record(fault))])
}

/// The envelope of an answer: content type and text.
pub(crate) fn response(style: &SoapStyle, call: &str, body: &Value) -> (&'static str, String) {
    let inner = match body.get("Fault") {
        Some(fault) => fault_node(style, fault),
        None => {
            let name = format!("{call}Response");
            let node = if style.rpc_encoded {
                Node::around(&format!("ns:{name}"), Node::members(body)).with("xmlns:ns", &style.namespace)
            } else {
                Node::around(&name, Node::members(body)).with("xmlns", &style.namespace)
            };
            vec![node]
        }
    };
    let (space, kind) = if style.twelve {
        (ENVELOPE_12, "application/soap+xml; charset=utf-8")
    } else {
        (ENVELOPE_11, "text/xml; charset=utf-8")
    };
    let envelope =
        Node::around("soapenv:Envelope", vec![Node::around("soapenv:Body", inner)]).with("xmlns:soapenv", space);
    (kind, format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{}", envelope.to_text()))
}

fn fault_node(style: &SoapStyle, fault: &Value) -> Vec<Node> {
    let text = |name: &str| fault.get(name).map(plain).unwrap_or_default();
    let code = text("faultcode");
    let code = if code.is_empty() { "Server".to_owned() } else { code };
    let reason = text("faultstring");
    let detail = fault.get("detail").map(Node::members);
    let node = if style.twelve {
        // The two kinds of blame have other names in 1.2.
        let code = match code.as_str() {
            "Client" => "soapenv:Sender".to_owned(),
            "Server" => "soapenv:Receiver".to_owned(),
            other => other.to_owned(),
        };
        let mut parts = vec![
            Node::around("soapenv:Code", vec![Node::leaf("soapenv:Value", &code)]),
            Node::around("soapenv:Reason", vec![Node::leaf("soapenv:Text", &reason).with("xml:lang", "en")]),
        ];
        parts.extend(detail.map(|detail| Node::around("soapenv:Detail", detail)));
        Node::around("soapenv:Fault", parts)
    } else {
        let code = if matches!(code.as_str(), "Client" | "Server") { format!("soapenv:{code}") } else { code };
        let mut parts = vec![Node::leaf("faultcode", &code), Node::leaf("faultstring", &reason)];
        parts.extend(detail.map(|detail| Node::around("detail", detail)));
        Node::around("soapenv:Fault", parts)
    };
    vec![node]
}
