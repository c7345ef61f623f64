//! What YAML means here: words and numbers, anchors and merges, and the places of its faults.

use crate::node::Node;

/// A tree as JSON, or its fault with the place.
fn yaml(text: &str) -> String {
    match Node::parse(text, "x") {
        Ok(node) => node.to_json().to_text(),
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn words_of_yaml() {
    for (word, read) in [
        ("", "null"),
        ("~", "null"),
        ("NULL", "null"),
        ("nUll", "\"nUll\""),
        ("yes", "true"),
        ("Off", "false"),
        ("nothing", "\"nothing\""),
        ("0", "0"),
        ("-12", "-12"),
        ("+12", "12"),
        ("1_000", "1000"),
        ("2024.10", "2024.10"),
        ("12345678901234567890123", "12345678901234567890123"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1e3"),
        ("0x1F", "31"),
        ("0o17", "15"),
        ("0x+1", "\"0x+1\""),
        ("007", "\"007\""),
        ("1__0", "\"1__0\""),
        ("1.2.3", "\"1.2.3\""),
        ("1e", "\"1e\""),
        ("-.", "\"-.\""),
        ("2026-11-28", "\"2026-11-28\""),
        ("\"5\"", "\"5\""),
        ("'no'", "\"no\""),
        ("!!str 5", "\"5\""),
        ("!!int \"5\"", "5"),
    ] {
        assert_eq!(yaml(&format!("a: {word}\n")), format!("{{\"a\":{read}}}"), "{word}");
    }
    assert_eq!(yaml(""), "null");
    assert_eq!(yaml("# nothing\n"), "null");
    assert_eq!(yaml("404: absent\n"), "{\"404\":\"absent\"}");
    assert_eq!(yaml("{a, b: }"), "{\"a\":null,\"b\":null}");
}

#[test]
fn aliases_and_merges_of_yaml() {
    assert_eq!(yaml("a: &x { b: [1, 2] }\nc: *x\n"), "{\"a\":{\"b\":[1,2]},\"c\":{\"b\":[1,2]}}");
    let merged = "a: &a { x: 1, y: 1 }\nb: &b { y: 2, z: 2 }\nc: { <<: [*a, *b], x: 3 }\n";
    assert!(yaml(merged).ends_with("\"c\":{\"x\":3,\"y\":1,\"z\":2}}"), "{}", yaml(merged));
    assert_eq!(yaml("\"<<\": 1\n"), "{\"<<\":1}");
    let node = Node::parse("a: &x\n  b: 1\nc: *x\n", "x").unwrap();
    let copy = node.get("c").unwrap();
    assert_eq!((copy.at.line, copy.at.column, copy.get("b").unwrap().at.line), (3, 4, 2));
}

#[test]
fn aliases_nest_as_what_they_stand_for() {
    let nested = |levels: usize, inner: &str| format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels));
    let deep = |leaf: &str, levels: usize| yaml(&format!("a: &x {leaf}\nb: {}\n", nested(levels, "*x")));
    assert!(deep("1", 23).starts_with('{'), "{}", deep("1", 23));
    assert!(deep("[1]", 22).starts_with('{'), "{}", deep("[1]", 22));
    assert_eq!(deep("[1]", 23), "x:2:27: lists and maps nest deeper than 24 levels here");
}

#[test]
fn faults_of_yaml_have_their_place() {
    let mut bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
    for level in 1..20 {
        let inner = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
    }
    for (text, told) in [
        ("a: 1\nb: 2\na: 3\n", "x:3:1: `a` stands twice in this map: keep one of them"),
        ("a: 1\n---\nb: 2\n", "x:2:1: a second document begins here, and a file holds one"),
        ("a: &x [1, *x]\n", "x:1:11: this alias stands within what it stands for"),
        ("a: 1\nb: { <<: 1 }\n", "x:2:10: `<<` takes a map, or a list of maps"),
        ("a: !own 5\n", "x:1:9: this value has a tag that a manifest has no use for: leave out the word with `!`"),
        ("? [a]\n: 1\n", "x:1:3: a key is a word or a text without an anchor, and this is not"),
        ("a: *x\n", "x:1:4: this is not YAML: "),
        ("a: [1\nb: 2\n", "x:2:2: this is not YAML: "),
        (&bomb, "x:6:"),
    ] {
        assert!(yaml(text).starts_with(told), "{}", yaml(text));
    }
    assert!(
        yaml(&bomb).contains("with its aliases written out, this file has more than 100000 values"),
        "{}",
        yaml(&bomb)
    );
}
