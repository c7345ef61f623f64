//! OData's multipart batch: one change set, all of it or nothing. In: requests; an answer's text. Out: a body; the answers in it
//! as JSON (`parts`: status, headers, body of each). Pure.

use mapwright_values::Json;

use crate::http::{Body, Prepared};

/// A part within a part within the answer, and no deeper.
const DEPTH_MAX: usize = 3;

/// The body of a batch with one change set, and its content type.
pub(crate) fn body(requests: &[(String, Prepared)]) -> (String, String) {
    let mut parts = String::new();
    for (index, (path, request)) in requests.iter().enumerate() {
        let mut part = format!(
            "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {}\r\n\r\n{} {path} HTTP/1.1\r\n",
            index + 1,
            request.method.word()
        );
        for (name, value) in &request.headers {
            part.push_str(&format!("{name}: {value}\r\n"));
        }
        match &request.body {
            Body::Json(text) => part.push_str(&format!("Content-Type: application/json\r\n\r\n{text}\r\n")),
            Body::None | Body::Form(_) | Body::Xml { .. } => part.push_str("\r\n"),
        }
        // Parts are told apart once the marks are known.
        parts.push_str(MARK);
        parts.push_str(&part);
    }
    let set = unused("changeset_mapwright", &parts);
    let outer = unused("batch_mapwright", &parts);
    let inner = format!("{}--{set}--\r\n", parts.replace(MARK, &format!("--{set}\r\n")));
    let text = format!("--{outer}\r\nContent-Type: multipart/mixed;boundary={set}\r\n\r\n{inner}--{outer}--\r\n");
    (text, format!("multipart/mixed;boundary={outer}"))
}

/// Stands where a part begins until the real mark is known; no JSON text and no header holds it.
const MARK: &str = "\u{0}";

/// A mark that the text does not hold.
fn unused(mark: &str, text: &str) -> String {
    (0..u32::MAX)
        .map(|number| format!("{mark}_{number}"))
        .find(|mark| !text.contains(mark.as_str()))
        .unwrap_or_default()
}

/// The boundary of a multipart content type.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let parameters = content_type.strip_prefix("multipart/mixed")?;
    let named = parameters.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    named
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))
        .map(|(_, value)| value.trim_matches('"'))
        .next()
}

/// The answers in a multipart body, those of a change set among them.
///
/// # Errors
/// The body is not what it says, in words.
pub(crate) fn read(text: &str, boundary: &str) -> Result<Json<'static>, String> {
    let mut parts = Vec::new();
    collect(text, boundary, DEPTH_MAX, &mut parts)?;
    Ok(Json::Record(vec![("parts".into(), Json::List(parts))]))
}

fn collect(text: &str, boundary: &str, depth: usize, found: &mut Vec<Json<'static>>) -> Result<(), String> {
    let Some(depth) = depth.checked_sub(1) else { return Err("parts are nested too deep".to_owned()) };
    let mark = format!("--{boundary}");
    let end = format!("{mark}--");
    if !text.contains(&end) {
        return Err("the answer's last part is cut off".to_owned());
    }
    let before_end = text.split(&end).next().unwrap_or_default();
    for part in before_end.split(&mark).skip(1) {
        let part = part.trim_start_matches(['\r', '\n']);
        let (head, content) = halves(part);
        let kind = header(head, "content-type").unwrap_or_default();
        match self::boundary(kind) {
            Some(inner) => collect(content, inner, depth, found)?,
            None => found.push(answer(content, header(head, "content-id"))?),
        }
    }
    Ok(())
}

/// Headers and what follows them.
fn halves(text: &str) -> (&str, &str) {
    text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n")).unwrap_or((text, ""))
}

fn header<'t>(head: &'t str, name: &str) -> Option<&'t str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(known, _)| known.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

fn answer(text: &str, id: Option<&str>) -> Result<Json<'static>, String> {
    let (head, body) = halves(text);
    let status =
        head.lines().next().and_then(|line| line.split(' ').nth(1)).filter(|status| status.parse::<u16>().is_ok());
    let Some(status) = status else { return Err("a part of the answer has no status".to_owned()) };
    let body = body.trim();
    let body = match Json::parse(body) {
        Ok(json) => json.into_owned(),
        Err(_) if body.is_empty() => Json::Null,
        Err(_) => Json::text(body.to_owned()),
    };
    let mut members = vec![("status".into(), Json::Number(status.to_owned().into())), ("body".into(), body)];
    members.extend(id.map(|id| ("id".into(), Json::text(id.to_owned()))));
    Ok(Json::Record(members))
}

#[cfg(test)]
mod tests {
    use mapwright_manifest::Method;

    use super::*;

    #[test]
    fn requests_of_one_change_set() {
        let request = |text: &str| Prepared {
            method: Method::Post,
            url: String::new(),
            headers: vec![("If-Match".to_owned(), "x".to_owned())],
            body: Body::Json(text.to_owned()),
        };
        let requests = [
            ("/b1s/v2/Orders".to_owned(), request("{\"a\":\"changeset_mapwright_0\"}")),
            ("/b1s/v2/Orders(7)".to_owned(), request("{}")),
        ];
        let (text, kind) = body(&requests);
        assert_eq!(kind, "multipart/mixed;boundary=batch_mapwright_0");
        assert!(text.contains("boundary=changeset_mapwright_1\r\n"), "a mark that the records do not hold: {text}");
        assert_eq!(text.matches("--changeset_mapwright_1").count(), 3);
        assert!(text.contains("Content-ID: 2\r\n\r\nPOST /b1s/v2/Orders(7) HTTP/1.1\r\nIf-Match: x\r\nContent-Type: application/json\r\n\r\n{}\r\n"));
        assert!(text.ends_with("--batch_mapwright_0--\r\n"));
    }

    #[test]
    fn answers_of_a_change_set() {
        let text = "--b\r\nContent-Type: multipart/mixed; boundary=\"c\"\r\n\r\n--c\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\n\
                    HTTP/1.1 201 Created\r\nX: y\r\n\r\n{\"DocEntry\":91}\r\n--c\r\nContent-Type: application/http\r\nContent-ID: 2\r\n\r\n\
                    HTTP/1.1 204 No Content\r\n\r\n\r\n--c--\r\n--b--";
        assert_eq!(
            read(text, "b").unwrap().to_text(),
            r#"{"parts":[{"status":201,"body":{"DocEntry":91},"id":"1"},{"status":204,"body":null,"id":"2"}]}"#
        );
        assert!(read(text.trim_end_matches('-'), "b").unwrap_err().contains("cut off"));
        assert_eq!(boundary("application/json"), None);
    }
}
