//! Readers: what they accept, how their faults read, and that no input makes them panic.

use proptest::prelude::*;

use super::*;
use crate::at;
use crate::fault::Fault;
use crate::picked::Records;
use crate::used::Used;

fn with<T>(text: &str, check: impl FnOnce(Node<'_>) -> T) -> T {
    let json = Json::parse(text).unwrap();
    check(Node::borrowed(&json, "order"))
}

/// What readers make of the leaf at `steps`. A record or a list is not shown, for of a picked one there may be only a part.
fn readings(node: &Node<'_>, steps: &[Step<'_>]) -> Vec<String> {
    let said = |reading: &dyn std::fmt::Debug| {
        let said = format!("{reading:?}");
        let shown = ["value: Some(\"[", "value: Some(\"{"].iter().find_map(|shown| said.find(shown));
        said.get(..shown.unwrap_or(said.len())).unwrap_or_default().to_owned()
    };
    vec![
        said(&node.text(steps, Some(3))),
        said(&node.word(steps, &["a", "b"])),
        said(&node.decimal(steps, 5, 2)),
        said(&node.decimal_as_text(steps, 5, 2)),
        said(&node.integer(steps, Some(0), Some(9))),
        said(&node.integer_as_text(steps, None, None)),
        said(&node.boolean(steps)),
        said(&node.boolean_as(steps, "a", "b")),
        said(&node.date(steps)),
        said(&node.time(steps)),
        said(&node.instant(steps)),
        said(&node.uuid(steps)),
        said(&node.is_missing(steps)),
        said(&node.record(steps).map(|record| record.map(|node| node.path(&[])))),
        said(
            &node.list(steps).map(|list| list.map(|nodes| nodes.iter().map(|node| node.path(&[])).collect::<Vec<_>>())),
        ),
    ]
}

/// What stands at `steps`, as a whole, and its elements.
fn contents<'r>(node: &Node<'r>, steps: &[Step<'_>]) -> (Option<Json<'r>>, Vec<Json<'r>>) {
    let each = node.each(steps).ok().flatten().into_iter().flatten();
    (node.json(steps).ok().flatten(), each.map(|node| node.content().into_owned()).collect())
}

fn fault<T: std::fmt::Debug>(result: Result<T, Stop>) -> Fault {
    match result {
        Err(Stop::Failed(fault)) => *fault,
        other => panic!("should fail: {other:?}"),
    }
}

#[test]
fn absent_and_null_are_missing_at_any_step() {
    with(r#"{"a":null,"b":{"c":null}}"#, |order| {
        assert_eq!(order.text(at!["a"], None), Ok(None));
        assert_eq!(order.text(at!["a", "x", "y"], None), Ok(None));
        assert_eq!(order.decimal(at!["b", "c"], 9, 2), Ok(None));
        assert_eq!(order.record(at!["z"]), Ok(None));
        assert_eq!(order.list(at!["z"]), Ok(None));
        assert_eq!(order.is_missing(at!["b", "c"]), Ok(true));
        assert_eq!(order.is_missing(at!["b"]), Ok(false));
    });
}

#[test]
fn text_borrows_and_is_bounded() {
    with(r#"{"a":"Müller"}"#, |order| {
        assert!(matches!(order.text(at!["a"], Some(6)), Ok(Some(Cow::Borrowed("Müller")))));
        let fault = fault(order.text(at!["a"], Some(5)));
        assert_eq!(fault.reason, "`order.a` has 6 characters, but the catalogue says at most 5");
        assert_eq!((fault.source.as_deref(), fault.value.as_deref()), (Some("order.a"), Some("Müller")));
    });
}

#[test]
fn a_step_through_a_leaf_names_the_leaf() {
    with(r#"{"a":{"b":"x"}}"#, |order| {
        let fault = fault(order.text(at!["a", "b", "c"], None));
        assert_eq!(fault.reason, "`order.a.b` should be a record, but is a text");
    });
}

#[test]
fn numbers_keep_to_the_catalogue() {
    with(r#"{"a":16110.90,"b":2.0,"c":"12.5","d":1.2345,"e":2.5}"#, |order| {
        assert_eq!(order.decimal(at!["a"], 19, 2).unwrap().unwrap().to_string(), "16110.9");
        assert_eq!(order.integer(at!["b"], None, None), Ok(Some(Decimal::integer(2))));
        assert_eq!(fault(order.decimal(at!["c"], 9, 2)).reason, "`order.c` should be a number, but is a text");
        assert_eq!(order.decimal_as_text(at!["c"], 9, 2).unwrap().unwrap().to_string(), "12.5");
        assert!(order.decimal_as_text(at!["a"], 9, 2).is_err());
        assert_eq!(
            fault(order.decimal(at!["d"], 9, 2)).reason,
            "`order.d` is 1.2345: 4 decimals, but the catalogue says at most 2"
        );
        assert_eq!(
            fault(order.decimal(at!["a"], 6, 2)).reason,
            "`order.a` is 16110.9: 5 digits before the point, but the catalogue says at most 4"
        );
        assert_eq!(
            fault(order.integer(at!["e"], None, None)).reason,
            "`order.e` is 2.5, but the catalogue says a whole number"
        );
        assert_eq!(
            fault(order.integer(at!["b"], Some(3), None)).reason,
            "`order.b` is 2, but the catalogue says at least 3"
        );
        assert!(order.integer(at!["b"], Some(0), Some(1)).is_err());
    });
}

#[test]
fn words_booleans_and_times() {
    with(
        r#"{"w":"grosss","y":"tYES","b":true,"d":"2026-11-02","t":"09:15","i":"2026-11-02T09:15:00Z","u":"018f3c2a9b7d7e41a5c60d1e2f3a4b5c"}"#,
        |order| {
            let fault = fault(order.word(at!["w"], &["gross", "net"]));
            assert_eq!(
                fault.reason,
                "`order.w` is \"grosss\", which the catalogue does not know (it knows \"gross\", \"net\"; nearest is \"gross\")"
            );
            assert_eq!(order.boolean_as(at!["y"], "tYES", "tNO"), Ok(Some(true)));
            assert!(order.boolean_as(at!["w"], "tYES", "tNO").is_err());
            assert_eq!(order.boolean(at!["b"]), Ok(Some(true)));
            assert!(order.boolean(at!["y"]).is_err());
            assert!(order.date(at!["d"]).unwrap().is_some());
            assert!(order.date(at!["i"]).is_err());
            assert!(order.time(at!["t"]).unwrap().is_some());
            assert!(order.instant(at!["i"]).unwrap().is_some());
            assert!(order.instant(at!["d"]).is_err());
            assert!(order.uuid(at!["u"]).unwrap().is_some());
        },
    );
}

#[test]
fn elements_know_their_place() {
    with(r#"{"lines":[{"label":"a"},{"label":1},null]}"#, |order| {
        let lines = order.list(at!["lines"]).unwrap().unwrap();
        assert_eq!(lines.len(), 3);
        assert_eq!(
            fault(lines[1].text(at!["label"], None)).reason,
            "`order.lines[2].label` should be a text, but is a number"
        );
        assert_eq!(lines[2].text(&[], None), Ok(None));
        assert!(order.list(&[]).is_err());
    });
}

#[test]
fn owned_nodes_read_alike() {
    let json = Json::parse(r#"{"a":{"b":["x"]}}"#).unwrap().into_owned();
    let node = Node::owned(json, "made");
    let inner = node.record(at!["a"]).unwrap().unwrap();
    let list = inner.list(at!["b"]).unwrap().unwrap();
    assert_eq!(list[0].text(&[], Some(1)).unwrap().as_deref(), Some("x"));
    assert_eq!(list[0].path(&[]), "made.a.b[1]");
}

#[test]
fn a_found_record_stands_beside_a_source_record() {
    fn shorter<'a>(long: Node<'static>, short: &Node<'a>) -> [Node<'a>; 2] {
        [long, short.clone()]
    }
    let json = Json::parse("{\"a\":\"x\"}").unwrap();
    let [found, source] = shorter(Node::owned(Json::Null, "found"), &Node::borrowed(&json, "source"));
    assert_eq!((found.text(at!["a"], None), source.text(at!["a"], None)), (Ok(None), Ok(Some("x".into()))));
}

proptest! {
    #[test]
    fn no_reader_panics(text in "[\\[\\]{},:\"0-9eE.+\\-a-c ]{0,40}", long in any::<String>()) {
        let quoted = Json::text(long.as_str()).to_text();
        for source in [text.clone(), quoted.clone(), format!("{{\"a\":{text}}}"), format!("{{\"a\":{quoted}}}")] {
            let Ok(json) = Json::parse(&source) else { continue };
            let node = Node::borrowed(&json, "x");
            for steps in [&[][..], at!["a"], at!["a", "b"]] {
                readings(&node, steps);
            }
        }
    }

    #[test]
    fn what_was_picked_reads_as_the_whole_does(
        value in r#"(1|-2\.50|null|true|"(a|xyz|\\u00e9x|2026-11-02)"|\[\]|\{\}|\[1,"a"\]|\[\{"b":1\}\])"#,
        other in r#"(1|"b"|\{"b":2,"d":\[\]\}|null)"#,
    ) {
        for text in [
            value.clone(),
            format!(r#"{{"x":{other},"a":{value},"c":{other}}}"#),
            format!(r#"{{"a":{{"c":{other},"b":{value}}}}}"#),
        ] {
            let json = Json::parse(&text).unwrap();
            for paths in [&["a", "c"][..], &["c.d", "a.b"]] {
                let picked = Records::new(Used::paths(paths)).read(&text).unwrap();
                let (whole, picked) = (Node::borrowed(&json, "r"), Node::picked(&picked, "r"));
                for steps in [at!["a"], at!["a", "b"], at!["c", "d"]] {
                    prop_assert_eq!(readings(&picked, steps), readings(&whole, steps), "{} {:?}", text, steps);
                    if paths.contains(&"a") {
                        prop_assert_eq!(contents(&picked, steps), contents(&whole, steps), "{} {:?}", text, steps);
                    }
                }
                prop_assert_eq!(picked.place().to_string(), "r");
            }
        }
    }
}
