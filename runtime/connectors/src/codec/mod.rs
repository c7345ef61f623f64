//! What a system does to a record's shape, undone on the way in and done on the way out. In: a codec, a catalogue's kinds,
//! a record. Out: the record in the catalogue's shape, or as the wire wants it. Pure.

pub(crate) mod named;
mod shape;
pub(crate) mod xml;

use mapwright_manifest::{Codec, Embed};
use mapwright_values::Json;

pub(crate) use shape::{from_wire, to_wire};

/// Does text of this codec hold XML?
pub(crate) const fn is_xml(codec: &Codec) -> bool {
    match codec {
        Codec::Xml(_) | Codec::NamedXml(_) => true,
        Codec::Json(_) | Codec::Csv { .. } | Codec::Hook(_) => false,
    }
}

/// The content type of bodies of this codec.
pub(crate) fn content_type(codec: &Codec) -> String {
    match codec {
        Codec::Json(_) => "application/json".to_owned(),
        Codec::Xml(_) | Codec::NamedXml(_) => "application/xml; charset=utf-8".to_owned(),
        Codec::Csv { .. } => "text/csv; charset=utf-8".to_owned(),
        Codec::Hook(hooked) => {
            hooked.function.map_or("text/plain; charset=utf-8", |coder| coder.content_type).to_owned()
        }
    }
}

/// The document that a text holds (`decode`).
///
/// # Errors
/// Why it holds none, in words.
pub(crate) fn decode(codec: &Codec, text: &str) -> Result<Json<'static>, String> {
    match codec {
        Codec::NamedXml(named) => named::decode(named, text),
        Codec::Xml(_) => Ok(xml::parse(text)?.to_json()),
        Codec::Csv { separator } => csv_rows(text, *separator),
        Codec::Hook(hooked) => hooked.decode(text),
        Codec::Json(_) => match Json::parse(text) {
            Ok(json) => Ok(json.into_owned()),
            Err(malformed) => Err(malformed.to_string()),
        },
    }
}

/// The text of a record (`encode`).
///
/// # Errors
/// The codec cannot write it, in words.
pub(crate) fn encode(codec: &Codec, record: &Json<'_>) -> Result<String, String> {
    match codec {
        Codec::NamedXml(named) => Ok(named::encode(named, record)),
        Codec::Xml(plain) => {
            let mut writer = xml::Writer::default();
            writer.tree(plain.root.as_deref().unwrap_or("record"), record, plain.item.as_deref());
            Ok(writer.finish())
        }
        Codec::Csv { separator } => csv_text(record, *separator),
        Codec::Json(_) => Ok(record.to_text()),
        Codec::Hook(hooked) => hooked.encode(record),
    }
}

/// How a text of this codec stands within another document.
pub(crate) const fn embed(codec: &Codec) -> Embed {
    match codec {
        Codec::NamedXml(named) => named.embed,
        Codec::Json(_) | Codec::Xml(_) | Codec::Csv { .. } | Codec::Hook(_) => Embed::Text,
    }
}

/// Rows of text as records, by the names in the first row.
fn csv_rows(text: &str, separator: char) -> Result<Json<'static>, String> {
    let separator = u8::try_from(separator).map_err(|_| "the separator is no ASCII character".to_owned())?;
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| error.to_string())?;
        let members =
            header.iter().zip(&row).map(|(name, value)| (name.trim().to_owned().into(), Json::text(value.to_owned())));
        rows.push(Json::Record(members.collect()));
    }
    Ok(Json::List(rows))
}

fn csv_text(record: &Json<'_>, separator: char) -> Result<String, String> {
    let separator = u8::try_from(separator).map_err(|_| "the separator is no ASCII character".to_owned())?;
    let rows: Vec<&Json<'_>> = crate::fields::list_items(record);
    let mut header: Vec<String> = Vec::new();
    for row in &rows {
        let Json::Record(members) = row else { return Err("only records can be written as rows".to_owned()) };
        for (name, value) in members {
            if matches!(value, Json::Record(_) | Json::List(_)) {
                return Err(format!("`{name}` holds more than one value, which no row can"));
            }
            if !header.iter().any(|known| known == name) {
                header.push(name.clone().into_owned());
            }
        }
    }
    let mut writer = csv::WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
    writer.write_record(&header).map_err(|error| error.to_string())?;
    for row in rows {
        let values = header.iter().map(|name| row.get(name).map(crate::template::plain).unwrap_or_default());
        writer.write_record(values).map_err(|error| error.to_string())?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_text_there_and_back() {
        let codec = Codec::Csv { separator: ';' };
        let rows = decode(&codec, "sku;name\nA1;\"Bolt; steel\"\nB2;Nut\n").unwrap();
        assert_eq!(rows.to_text(), r#"[{"sku":"A1","name":"Bolt; steel"},{"sku":"B2","name":"Nut"}]"#);
        assert_eq!(encode(&codec, &rows).unwrap(), "sku;name\nA1;\"Bolt; steel\"\nB2;Nut\n");
        assert!(decode(&codec, "sku;name\nA1\n").is_err(), "a short row is not guessed at");
    }
}
