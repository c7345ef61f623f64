//! Names of a description to names of the language.

use std::collections::HashSet;

use mapwright_syntax::RESERVED;

/// Words that begin a type, so that a definition of that name is referred to in backticks.
const TYPE_WORDS: [&str; 13] = [
    "text", "integer", "decimal", "boolean", "date", "time", "datetime", "uuid", "json", "file", "enum", "list", "map",
];
/// May no name be so where a path begins?
fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || name == "from"
}

/// May the letter stand in a name?
fn is_part(letter: char) -> bool {
    let letters = ['\u{c0}'..='\u{d6}', '\u{d8}'..='\u{f6}', '\u{f8}'..='\u{17f}', '\u{410}'..='\u{44f}'];
    letter.is_ascii_alphanumeric() || letter == '_' || letters.iter().any(|range| range.contains(&letter))
}

/// Is it a name as it stands?
pub(crate) fn is_plain(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| is_part(first) && !first.is_ascii_digit()) && letters.all(is_part)
}

/// The nearest name: letters that no name holds become `_`.
pub(crate) fn plain(name: &str) -> String {
    if is_plain(name) {
        return name.to_owned();
    }
    let mut made = String::with_capacity(name.len());
    for letter in name.chars() {
        if is_part(letter) {
            made.push(letter);
        } else if !made.is_empty() && !made.ends_with('_') {
            made.push('_');
        }
    }
    let made = made.trim_end_matches('_');
    if made.is_empty() {
        return "unnamed".to_owned();
    }
    if made.starts_with(|first: char| first.is_ascii_digit()) { format!("_{made}") } else { made.to_owned() }
}

/// The nearest name that was not taken yet.
pub(crate) fn unique(name: &str, taken: &mut HashSet<String>) -> String {
    let base = plain(name);
    let mut made = base.clone();
    let mut number = 2_usize;
    while !taken.insert(made.clone()) {
        made = format!("{base}_{number}");
        number += 1;
    }
    made
}

/// A system's name: small letters with `_` between words.
pub(crate) fn system(name: &str) -> String {
    let ascii: String = name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { ' ' }).collect();
    let words: Vec<String> = ascii.split_whitespace().map(str::to_ascii_lowercase).collect();
    let made = plain(&words.join("_"));
    if is_reserved(&made) { format!("{made}_system") } else { made }
}

/// A name where a type is expected.
pub(crate) fn as_type(name: &str) -> String {
    if TYPE_WORDS.contains(&name) || is_reserved(name) { format!("`{name}`") } else { name.to_owned() }
}

/// A text in quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut made = String::with_capacity(text.len() + 2);
    made.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' | '{' | '}' => made.extend(['\\', letter]),
            '\n' => made.push_str("\\n"),
            '\t' => made.push_str("\\t"),
            control if control.is_control() => made.push(' '),
            other => made.push(other),
        }
    }
    made.push('"');
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_what_they_can() {
        for (given, made) in [
            ("orderId", "orderId"),
            ("x-y", "x_y"),
            ("@odata.etag", "odata_etag"),
            ("1st", "_1st"),
            ("Größe", "Größe"),
            ("价格", "unnamed"),
            ("", "unnamed"),
            ("a  b ", "a_b"),
        ] {
            assert_eq!(plain(given), made);
        }
        let mut taken = HashSet::new();
        let names: Vec<String> = ["a-b", "a b", "a_b"].iter().map(|name| unique(name, &mut taken)).collect();
        assert_eq!(names, ["a_b", "a_b_2", "a_b_3"]);
        assert_eq!(system("Dynamics 365 Business Central"), "dynamics_365_business_central");
        assert_eq!(system("3rd"), "_3rd");
        assert_eq!(quoted("a {b} \"c\" \\"), r#""a \{b\} \"c\" \\""#);
    }
}
