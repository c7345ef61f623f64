//! Both readers of JSON agree: on what is JSON, and on what a mapping sees of it.

use proptest::prelude::*;

use std::sync::Arc;

use super::*;
use crate::picked::Picked;

/// What of a text is used, as a tree.
fn picked(text: &str, used: &Used, order: &mut Order) -> Read<Json<'static>> {
    Picked::read(text, &Arc::new(used.clone()), order, Vec::new()).map(|picked| picked.top().json().into_owned())
}

fn pick(text: &str, used: &Used) -> Read<Json<'static>> {
    picked(text, used, &mut Order::new(used))
}

/// What the reader must agree with: the one that says where a fault is.
fn agrees(text: &str) -> Result<(), TestCaseError> {
    match (read(text), Json::diagnosed(text)) {
        (Ok(fast), Ok(slow)) => prop_assert_eq!(fast, slow),
        (Err(Refused), Err(_)) => {}
        (Ok(fast), Err(error)) => prop_assert!(false, "{text}: read as {fast}, but {error}"),
        (Err(Refused), Ok(slow)) => prop_assert!(false, "{text}: refused, but it is {slow}"),
    }
    // Where nothing is used, every fault is found all the same but for a name that stands twice.
    match (pick(text, &Used::default()), Json::diagnosed(text)) {
        (Ok(_), Ok(_)) | (Err(Refused), Err(_)) => {}
        (Ok(_), Err(error)) => prop_assert!(error.message.contains("two members"), "{text}: passed over, but {error}"),
        (Err(Refused), Ok(_)) => prop_assert!(false, "{text}: refused where nothing is used"),
    }
    Ok(())
}

#[test]
fn every_kind_of_fault_is_found_in_what_is_used_and_in_what_is_not() {
    let faults = [
        "",
        " ",
        "{",
        "[",
        "\"",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "[1,",
        "[1,]",
        "[,1]",
        "{,}",
        "nul",
        "truE",
        "01",
        "-",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "1 2",
        "{a:1}",
        "{'a':1}",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"a\nb\"",
        "\"a\tb\"",
        "\"\\",
        "\"\\\"",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "[{\"b\":{\"a\":1,\"a\":2}}]",
        "NaN",
        "\u{feff}1",
        "]",
        "{\"a\" 1}",
        "[1 2]",
        "{\"a\":1 \"b\":2}",
    ];
    for fault in faults {
        for text in [fault.to_owned(), format!("{{\"used\":{fault}}}"), format!("[{fault}]")] {
            agrees(&text).unwrap();
        }
        assert!(read(fault).is_err(), "{fault}");
    }
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for levels in [DEPTH_MAX - 1, DEPTH_MAX, DEPTH_MAX + 1, 2 * DEPTH_MAX, 100_000] {
        agrees(&nested(levels)).unwrap();
    }
    let names = |count: usize| (0..count).map(|n| format!("\"n{n}\":{n}")).collect::<Vec<_>>().join(",");
    for count in [1, 24, 25, 64, 65, 66, 300] {
        agrees(&format!("{{{}}}", names(count))).unwrap();
        for twice in [0, count - 1] {
            let text = format!("{{{},\"n{twice}\":0}}", names(count));
            agrees(&text).unwrap();
            assert!(read(&text).is_err(), "{text}");
        }
    }
}

#[test]
fn only_what_is_used_is_kept() {
    let text = r#"{"a":{"b":1,"c":[{"d":2,"e":{"x":[]}},{"e":3}]},"f":[{"g":"\n"}],"h":null,"i":{}}"#;
    let used = Used::paths(&["a.c.e", "f", "h", "i.j", "k"]);
    let kept = pick(text, &used).ok().unwrap();
    assert_eq!(kept.to_text(), r#"{"a":{"c":[{"e":{"x":[]}},{"e":3}]},"f":[{"g":"\n"}],"h":null,"i":{}}"#);
    let whole = pick(text, &Used::paths(&["a.c.e", "a", "a.b"])).ok().unwrap();
    assert_eq!(Some(&whole), pick(text, &Used::paths(&["a"])).ok().as_ref());
    assert_eq!(whole.to_text(), r#"{"a":{"b":1,"c":[{"d":2,"e":{"x":[]}},{"e":3}]}}"#);
}

#[test]
fn names_are_compared_to_the_last_letter() {
    for length in 0..40 {
        let name = "n".repeat(length);
        assert!(same(name.as_bytes(), name.clone().as_bytes()), "{length}");
        assert!(!same(name.as_bytes(), "n".repeat(length + 1).as_bytes()), "{length}");
        for at in 0..length {
            let other = format!("{}x{}", "n".repeat(at), "n".repeat(length - at - 1));
            assert!(!same(name.as_bytes(), other.as_bytes()), "{other}");
        }
    }
}

#[test]
fn strings_of_every_length_end_where_they_end() {
    for length in 0..40 {
        for inner in ["", "é", "\u{1f600}", "\\\"", "\\u00e9", "\u{7f}", "\u{80}"] {
            for at in 0..=length {
                let text = format!("\"{}{inner}{}\"", "x".repeat(at), "y".repeat(length - at));
                agrees(&text).unwrap();
                agrees(&format!("{{{text}:{text}}}")).unwrap();
                assert!(read(&text).is_ok(), "{text}");
            }
        }
        for control in ["\u{1f}", "\n", "\0"] {
            assert!(read(&format!("\"{}{control}\"", "x".repeat(length))).is_err());
        }
    }
}

#[test]
fn a_name_that_is_used_stands_once() {
    let used = Used::paths(&["a", "b.c"]);
    for (text, accepted) in [
        (r#"{"a":1,"x":2,"x":3}"#, true),
        (r#"{"x":{"a":1,"a":2},"b":{"d":1,"d":2}}"#, true),
        (r#"{"a":1,"a":1}"#, false),
        (r#"{"a":1,"\u0061":1}"#, false),
        (r#"{"b":{"c":1,"d":2,"c":3}}"#, false),
        (r#"{"a":{"x":1,"x":2}}"#, false),
    ] {
        assert_eq!(pick(text, &used).is_ok(), accepted, "{text}");
    }
    let names: Vec<&'static str> = (0..200).map(|n| &*format!("name{n}").leak()).collect();
    let many = Used::paths(&names);
    let record: Vec<String> = names.iter().map(|name| format!("\"{name}\":0,\"not {name}\":1")).collect();
    let text = format!("{{{}}}", record.join(","));
    let kept = pick(&text, &many).ok().unwrap();
    assert_eq!(names.iter().filter(|name| kept.get(name).is_some()).count(), 200);
    for twice in ["name0", "name63", "name64", "name199"] {
        assert!(pick(&format!("{{{},\"{twice}\":0}}", record.join(",")), &many).is_err());
    }
}

/// Names and values of a record: used ones, others, some with an escape.
fn any_record() -> impl Strategy<Value = String> {
    let name = prop_oneof!["a", "b", "c", "d", "e", "\\\\u0061", "a\\\\\\\\"];
    let value = prop_oneof!["1", "null", "\"x\"", "\\{\"c\":1,\"e\":2\\}", "\\{\"e\":1,\"c\":2\\}", "\\{ *\\}"];
    let member = (name, " ?", value).prop_map(|(name, blank, value)| format!("\"{name}\"{blank}:{blank}{value}"));
    prop::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(",")))
}

proptest! {
    #[test]
    fn what_was_read_before_changes_nothing(texts in prop::collection::vec(any_record(), 1..8)) {
        let used = Used::paths(&["a", "b.c", "d"]);
        let mut order = Order::new(&used);
        for text in &texts {
            let (again, fresh) = (picked(text, &used, &mut order), pick(text, &used));
            prop_assert_eq!(again.ok(), fresh.ok(), "{} behind {:?}", text, &texts);
        }
    }

    #[test]
    fn it_agrees_on_any_text(text in any::<String>()) {
        agrees(&text)?;
    }

    #[test]
    fn it_agrees_on_what_looks_like_json(text in "[\\[\\]{},:\"\\\\0-9eE.+\\-a-u \n]{0,60}") {
        agrees(&text)?;
    }

    #[test]
    fn it_agrees_on_json_with_a_byte_gone_or_another(
        text in r#"(\{"a":(1|-0\.5e3|"x\\n"|\[null,true\]|\{"b":"\\u00e9"\})(,"[bcd]{1,2}":(0|"",false)?)?\}){1}"#,
        at in 0_usize..40,
        other in "[\\[\\]{},:\"\\\\0e.x ]?",
    ) {
        agrees(&text)?;
        let spoilt: String = text.chars().enumerate().map(|(index, c)| if index == at { other.clone() } else { c.to_string() }).collect();
        agrees(&spoilt)?;
    }
}
