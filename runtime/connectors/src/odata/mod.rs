//! OData v4 spellings. In: terms and catalogue kinds. Out: `$filter`, `$select`, `$orderby` and key texts, not yet
//! percent-encoded. Pure.

use mapwright_manifest::{Entity, OdataStyle};
use mapwright_values::plan::Kind;
use mapwright_values::{Json, Term, Test};

use crate::fields;
use crate::template::plain;

/// A literal in the catalogue's kind.
pub(crate) fn literal(value: &Json<'_>, kind: Option<&Kind>, style: OdataStyle) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match value {
        Json::Null => "null".to_owned(),
        Json::Boolean(value) => value.to_string(),
        Json::Number(digits) => match kind {
            Some(Kind::Text(_) | Kind::Enum(_)) => quoted(digits),
            Some(Kind::Decimal(..)) if style.version < 4 && !style.dates_quoted => format!("{digits}M"),
            Some(_) | None => digits.as_ref().to_owned(),
        },
        Json::Text(text) => {
            if let Some(older) = (style.version < 4 && !style.dates_quoted).then(|| before_four(text, kind)).flatten() {
                return older;
            }
            let bare = match kind {
                Some(Kind::Integer | Kind::Decimal(..)) => is_number(text),
                Some(Kind::Date | Kind::DateTime | Kind::Time) => !style.dates_quoted && is_moment(text),
                Some(Kind::Uuid(_)) => {
                    !style.dates_quoted && text.chars().all(|letter| letter.is_ascii_hexdigit() || letter == '-')
                }
                Some(
                    Kind::Text(_) | Kind::Boolean(_) | Kind::Enum(_) | Kind::Record(_) | Kind::List(_) | Kind::Json,
                )
                | None => false,
            };
            if bare { text.as_ref().to_owned() } else { quoted(text) }
        }
        Json::List(_) | Json::Record(_) => quoted(&plain(value)),
    }
}

/// Versions 2 and 3 write the type in front of what is neither text nor whole number.
fn before_four(text: &str, kind: Option<&Kind>) -> Option<String> {
    let quote_free = !text.contains('\'');
    match kind {
        Some(Kind::Date) if is_moment(text) => {
            let whole = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00") };
            Some(format!("datetime'{whole}'"))
        }
        Some(Kind::DateTime) if is_moment(text) => Some(format!("datetimeoffset'{text}'")),
        Some(Kind::Uuid(_)) if quote_free => Some(format!("guid'{text}'")),
        Some(Kind::Decimal(..)) if is_number(text) => Some(format!("{text}M")),
        Some(_) | None => None,
    }
}

/// A number may stand without quotes only if it is one: otherwise a text could add to the condition.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.'))
}

fn is_moment(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.' | ':' | 'T' | 'Z'))
}

/// `$filter`; `None` = no terms.
///
/// # Errors
/// A term's value is not JSON, in words.
pub(crate) fn filter(
    terms: &[Term],
    kind_of: impl Fn(&str) -> Option<Kind>,
    style: OdataStyle,
) -> Result<Option<String>, String> {
    let mut spelled = Vec::with_capacity(terms.len());
    for term in terms {
        let value =
            Json::parse(&term.value).map_err(|fault| format!("the value for `{}` is not JSON: {fault}", term.field))?;
        let kind = kind_of(&term.field);
        let field = term.field.replace('.', "/");
        let compared =
            |operator: &str, value: &Json<'_>| format!("{field} {operator} {}", literal(value, kind.as_ref(), style));
        spelled.push(match term.test {
            Test::Eq => compared("eq", &value),
            Test::Ne => compared("ne", &value),
            Test::Lt => compared("lt", &value),
            Test::Le => compared("le", &value),
            Test::Gt => compared("gt", &value),
            Test::Ge => compared("ge", &value),
            Test::Missing => format!("{field} eq null"),
            Test::In => {
                let items = fields::list_items(&value);
                let alternatives: Vec<String> = items.iter().map(|item| compared("eq", item)).collect();
                if alternatives.is_empty() {
                    return Err(format!("`{}` is asked to be one of an empty list", term.field));
                }
                format!("({})", alternatives.join(" or "))
            }
        });
    }
    Ok(if spelled.is_empty() { None } else { Some(spelled.join(" and ")) })
}

/// `$select` and `$expand`: the top-level names of the paths, in order, each once; what is expanded, with what is used of it.
/// Without paths everything is wanted: what has to be asked for is then expanded whole.
pub(crate) fn select(paths: &[String], entity: &Entity) -> (Option<String>, Option<String>) {
    let expandable = |name: &str| entity.expand.iter().any(|(known, _)| known == name);
    let mut names: Vec<&str> = Vec::new();
    let mut expanded: Vec<(&str, Vec<&str>)> = Vec::new();
    for path in paths {
        let (name, below) = path.split_once('.').map_or((path.as_str(), None), |(name, below)| (name, Some(below)));
        if !expandable(name) {
            if !names.contains(&name) {
                names.push(name);
            }
            continue;
        }
        let below = below.map(|below| below.split('.').next().unwrap_or(below));
        match expanded.iter_mut().find(|(known, _)| *known == name) {
            // The whole of it is wanted: nothing of it is chosen.
            Some((_, chosen)) if chosen.is_empty() => {}
            Some((_, chosen)) => match below {
                Some(below) if chosen.contains(&below) => {}
                Some(below) => chosen.push(below),
                None => chosen.clear(),
            },
            None => expanded.push((name, below.into_iter().collect())),
        }
    }
    if paths.is_empty() {
        expanded.extend(entity.expand.iter().map(|(path, _)| (path.as_str(), Vec::new())));
    }
    let spelled: Vec<String> = expanded
        .iter()
        .map(|(name, chosen)| match chosen.as_slice() {
            [] => (*name).to_owned(),
            chosen => format!("{name}($select={})", chosen.join(",")),
        })
        .collect();
    let joined = |texts: Vec<String>| if texts.is_empty() { None } else { Some(texts.join(",")) };
    (joined(names.into_iter().map(str::to_owned).collect()), joined(spelled))
}

/// The key between the parentheses: `22`, `'A''1'`, `Code='AK',Type=-3`.
pub(crate) fn key(
    names: &[&str],
    values: &[String],
    kind_of: impl Fn(&str) -> Option<Kind>,
    style: OdataStyle,
) -> String {
    let spelled = |name: &str, value: &String| literal(&Json::text(value.clone()), kind_of(name).as_ref(), style);
    match (names, values) {
        ([name], [value]) => spelled(name, value),
        (names, values) => {
            let parts: Vec<String> =
                names.iter().zip(values).map(|(name, value)| format!("{name}={}", spelled(name, value))).collect();
            parts.join(",")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: OdataStyle = OdataStyle { version: 4, dates_quoted: true };

    fn term(field: &str, test: Test, value: &str) -> Term {
        Term { field: field.to_owned(), test, value: value.to_owned() }
    }

    fn kinds(field: &str) -> Option<Kind> {
        match field {
            "DocEntry" => Some(Kind::Integer),
            "UpdateDate" => Some(Kind::Date),
            "Cancelled" => Some(Kind::Boolean(Some(("tYES", "tNO")))),
            "CardCode" => Some(Kind::Text(Some(15))),
            _ => None,
        }
    }

    #[test]
    fn literals_follow_the_catalogue() {
        let terms = [
            term("DocEntry", Test::Eq, "22"),
            term("CardCode", Test::Ne, "\"O'Neil\""),
            term("Cancelled", Test::Eq, "\"tNO\""),
            term("UpdateDate", Test::Ge, "\"2026-11-01\""),
            term("CardCode", Test::In, "[\"A\",\"B\"]"),
            term("NumAtCard", Test::Missing, "null"),
        ];
        assert_eq!(
            filter(&terms, kinds, STYLE).unwrap().unwrap(),
            "DocEntry eq 22 and CardCode ne 'O''Neil' and Cancelled eq 'tNO' and UpdateDate ge '2026-11-01' \
             and (CardCode eq 'A' or CardCode eq 'B') and NumAtCard eq null"
        );
        let bare = OdataStyle { version: 4, dates_quoted: false };
        assert_eq!(filter(&terms[3..4], kinds, bare).unwrap().unwrap(), "UpdateDate ge 2026-11-01");
        let id = "93c731f1-c3a8-4ef0-5cd5-4d044c379eaa";
        assert_eq!(literal(&Json::text(id), Some(&Kind::Uuid(false)), bare), id);
    }

    #[test]
    fn older_versions_write_types() {
        let three = OdataStyle { version: 3, dates_quoted: false };
        let terms = [term("UpdateDate", Test::Ge, "\"2026-11-01\""), term("DocEntry", Test::Eq, "22")];
        assert_eq!(
            filter(&terms, kinds, three).unwrap().unwrap(),
            "UpdateDate ge datetime'2026-11-01T00:00:00' and DocEntry eq 22"
        );
        assert_eq!(literal(&Json::text("1.50"), Some(&Kind::Decimal(19, 2)), three), "1.50M");
        assert_eq!(literal(&Json::text("x'y"), Some(&Kind::Uuid(false)), three), "'x''y'");
    }

    #[test]
    fn a_text_cannot_break_out_of_a_number() {
        assert_eq!(literal(&Json::text("1 or 1 eq 1"), Some(&Kind::Integer), STYLE), "'1 or 1 eq 1'");
    }

    #[test]
    fn keys() {
        assert_eq!(key(&["DocEntry"], &["22".into()], kinds, STYLE), "22");
        assert_eq!(key(&["CardCode"], &["A'1".into()], kinds, STYLE), "'A''1'");
        assert_eq!(
            key(&["CardCode", "DocEntry"], &["AK".into(), "-3".into()], kinds, STYLE),
            "CardCode='AK',DocEntry=-3"
        );
    }

    #[test]
    fn select_takes_top_level_names_once() {
        let paths = ["DocEntry".to_owned(), "DocumentLines.ItemCode".to_owned(), "DocumentLines.Quantity".to_owned()];
        let mut entity = Entity {
            name: "Orders".to_owned(),
            at: mapwright_manifest::At::default(),
            entries: indexmap::IndexMap::new(),
            can: Vec::new(),
            filter_on: Vec::new(),
            expand: Vec::new(),
            types: indexmap::IndexMap::new(),
            connections: indexmap::IndexMap::new(),
            parent: None,
            changes: None,
            probe: None,
            settle: None,
            operations: Vec::new(),
        };
        assert_eq!(select(&paths, &entity), (Some("DocEntry,DocumentLines".to_owned()), None));
        entity.expand.push(("DocumentLines".to_owned(), mapwright_manifest::At::default()));
        let expanded = Some("DocumentLines($select=ItemCode,Quantity)".to_owned());
        assert_eq!(select(&paths, &entity), (Some("DocEntry".to_owned()), expanded));
        assert_eq!(select(&[], &entity), (None, Some("DocumentLines".to_owned())), "everything is wanted");
    }
}
