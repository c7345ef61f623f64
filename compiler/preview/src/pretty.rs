//! JSON for people. In: a tree. Out: text with one member a line, always the same for the same tree.

use mapwright_values::Json;

/// A short list or record stands on one line of at most so many characters.
const LINE_MAX: usize = 100;

/// JSON text with indentation and a line end behind it; members keep their order.
#[must_use]
pub fn pretty(json: &Json<'_>) -> String {
    let mut text = String::new();
    write(&mut text, json, 0);
    text.push('\n');
    text
}

fn write(text: &mut String, json: &Json<'_>, depth: usize) {
    match json {
        Json::List(elements) if !elements.is_empty() && !is_short(json, depth) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                start_line(text, index, depth + 1);
                write(text, element, depth + 1);
            }
            end(text, ']', depth);
        }
        Json::Record(members) if !members.is_empty() => {
            text.push('{');
            for (index, (name, value)) in members.iter().enumerate() {
                start_line(text, index, depth + 1);
                text.push_str(&Json::text(name.as_ref()).to_text());
                text.push_str(": ");
                write(text, value, depth + 1);
            }
            end(text, '}', depth);
        }
        Json::List(elements) => {
            let inside: Vec<String> = elements.iter().map(Json::to_text).collect();
            text.push_str(&format!("[{}]", inside.join(", ")));
        }
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::Record(_) => {
            text.push_str(&json.to_text());
        }
    }
}

/// A list of leaves that fits a line.
fn is_short(json: &Json<'_>, depth: usize) -> bool {
    let Json::List(elements) = json else { return false };
    let leaves = elements.iter().all(|element| !matches!(element, Json::List(_) | Json::Record(_)));
    leaves && json.to_text().len() + depth * 2 < LINE_MAX
}

fn start_line(text: &mut String, index: usize, depth: usize) {
    if index > 0 {
        text.push(',');
    }
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
}

fn end(text: &mut String, bracket: char, depth: usize) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(bracket);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_stand_in_lines_and_lists_of_leaves_on_one() {
        let json = Json::parse(r#"{"a":[1,2.50],"b":[{"c":null}],"d":{},"e":[]}"#).unwrap();
        let expected =
            "{\n  \"a\": [1, 2.50],\n  \"b\": [\n    {\n      \"c\": null\n    }\n  ],\n  \"d\": {},\n  \"e\": []\n}\n";
        assert_eq!(pretty(&json), expected);
        assert_eq!(Json::parse(&pretty(&json)).unwrap(), json);
    }
}
