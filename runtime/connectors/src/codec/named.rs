//! XML whose elements carry their field's name in an attribute. In: such XML, or a record. Out: the other.

use std::borrow::Cow;

use mapwright_manifest::NamedXml;
use mapwright_values::Json;

use super::xml::{Element, Writer, parse};
use crate::template::plain;

type Members = Vec<(Cow<'static, str>, Json<'static>)>;

/// The record in a document. Rows that stand directly in the outermost element become a list under the row's own name.
///
/// # Errors
/// The text is no XML that we accept, in words.
pub(crate) fn decode(codec: &NamedXml, text: &str) -> Result<Json<'static>, String> {
    Ok(record(codec, &parse(text)?))
}

fn record(codec: &NamedXml, element: &Element) -> Json<'static> {
    let mut members: Members = Vec::new();
    for child in &element.children {
        if child.name == codec.row {
            let row = record(codec, child);
            match members.iter_mut().find(|(name, _)| *name == codec.row) {
                Some((_, Json::List(rows))) => rows.push(row),
                Some(_) | None => members.push((codec.row.clone().into(), Json::List(vec![row]))),
            }
            continue;
        }
        if child.name == codec.field.0 {
            put(&mut members, child.attribute(&codec.field.1), leaf(child));
        }
        if child.name == codec.group.0 {
            put(&mut members, child.attribute(&codec.group.1), record(codec, child));
        }
        if child.name == codec.table.0 {
            let rows = child.children.iter().filter(|row| row.name == codec.row).map(|row| record(codec, row));
            put(&mut members, child.attribute(&codec.table.1), Json::List(rows.collect()));
        }
        if child.name == codec.list.0 {
            let items = child.children.iter().filter(|item| item.name == codec.item).map(leaf);
            put(&mut members, child.attribute(&codec.list.1), Json::List(items.collect()));
        }
    }
    Json::Record(members)
}

/// A name that comes again is kept once: the first stands.
fn put(members: &mut Members, name: Option<&str>, value: Json<'static>) {
    if let Some(name) = name
        && members.iter().all(|(known, _)| known != name)
    {
        members.push((name.to_owned().into(), value));
    }
}

fn leaf(element: &Element) -> Json<'static> {
    if element.nil { Json::Null } else { Json::text(element.text.clone()) }
}

/// The document of a record.
pub(crate) fn encode(codec: &NamedXml, record: &Json<'_>) -> String {
    let mut writer = Writer::default();
    writer.open(&codec.root, &[]);
    members(codec, record, &mut writer);
    writer.close(&codec.root);
    writer.finish()
}

fn members(codec: &NamedXml, record: &Json<'_>, writer: &mut Writer) {
    let Json::Record(all) = record else { return };
    for (name, value) in all {
        match value {
            Json::Null => {}
            Json::Record(_) => {
                writer.open(&codec.group.0, &[(&codec.group.1, name)]);
                members(codec, value, writer);
                writer.close(&codec.group.0);
            }
            Json::List(items) if items.iter().any(|item| matches!(item, Json::Record(_))) => {
                writer.open(&codec.table.0, &[(&codec.table.1, name)]);
                for (index, row) in items.iter().enumerate() {
                    writer.open(&codec.row, &[(&codec.number, &(index + 1).to_string())]);
                    members(codec, row, writer);
                    writer.close(&codec.row);
                }
                writer.close(&codec.table.0);
            }
            Json::List(items) => {
                writer.open(&codec.list.0, &[(&codec.list.1, name)]);
                for item in items {
                    writer.leaf(&codec.item, &[], &plain(item));
                }
                writer.close(&codec.list.0);
            }
            Json::Boolean(_) | Json::Number(_) | Json::Text(_) => {
                writer.leaf(&codec.field.0, &[(&codec.field.1, name)], &plain(value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mapwright_manifest::Embed;

    use super::*;

    fn codec() -> NamedXml {
        let pair = |element: &str, name: &str| (element.to_owned(), name.to_owned());
        NamedXml {
            root: "PARAM".into(),
            group: pair("GRP", "ID"),
            field: pair("FLD", "NAME"),
            table: pair("TAB", "ID"),
            row: "LIN".into(),
            number: "NUM".into(),
            list: pair("LST", "NAME"),
            item: "ITM".into(),
            embed: Embed::Cdata,
        }
    }

    #[test]
    fn a_record_there_and_back() {
        let text = r#"{"G":{"A":"x & y","D":["1","2"]},"T":[{"Q":2},{"Q":1.50}],"K":"k"}"#;
        let written = encode(&codec(), &Json::parse(text).unwrap());
        assert_eq!(
            written,
            "<PARAM><GRP ID=\"G\"><FLD NAME=\"A\">x &amp; y</FLD><LST NAME=\"D\"><ITM>1</ITM><ITM>2</ITM></LST></GRP>\
             <TAB ID=\"T\"><LIN NUM=\"1\"><FLD NAME=\"Q\">2</FLD></LIN><LIN NUM=\"2\"><FLD NAME=\"Q\">1.50</FLD></LIN></TAB>\
             <FLD NAME=\"K\">k</FLD></PARAM>"
        );
        let read = decode(&codec(), &written).unwrap().to_text();
        assert_eq!(read, r#"{"G":{"A":"x & y","D":["1","2"]},"T":[{"Q":"2"},{"Q":"1.50"}],"K":"k"}"#);
    }

    #[test]
    fn rows_alone() {
        let text = "<RESULT SIZE=\"1\"><LIN NUM=\"1\"><FLD NAME=\"K\" TYPE=\"Char\">C1</FLD></LIN></RESULT>";
        assert_eq!(decode(&codec(), text).unwrap().to_text(), r#"{"LIN":[{"K":"C1"}]}"#);
        assert_eq!(decode(&codec(), "<RESULT/>").unwrap().to_text(), "{}");
    }
}
