//! Cases with a mapping that is a closure.

use mapwright_values::{Find, Link, Part, Rejection, Resolved, SpecLine, Term, Test};

use super::*;

fn files(input: &str, references: Option<&str>, expected: Option<&str>) -> CaseTexts {
    let texts = [("input.json", Some(input)), ("references.json", references), ("expected.json", expected)];
    texts.into_iter().filter_map(|(name, text)| text.map(|text| (name.to_owned(), text.to_owned()))).collect()
}

fn mapped(json: &str) -> Outcome {
    Outcome::Mapped(vec![Part { key: None, record: Json::parse(json).unwrap().into_owned() }])
}

fn item() -> Reference {
    let term = Term { field: "ItemCode".into(), test: Test::Eq, value: "\"X\"".into() };
    Reference::Find(Find {
        system: "erp".into(),
        entity: "Items".into(),
        terms: vec![term],
        select: vec!["Valid".into()],
    })
}

fn partner() -> Reference {
    Reference::Link(Link {
        system: "erp".into(),
        entity: "BusinessPartners".into(),
        of_system: "shop".into(),
        of_entity: "customer".into(),
        key: "17".into(),
    })
}

fn lines(verdict: Verdict) -> Vec<String> {
    match verdict {
        Verdict::Differs { differences, .. } => differences.iter().map(ToString::to_string).collect(),
        other => panic!("expected differences, got {other:?}"),
    }
}

#[test]
fn equal_numbers_and_another_order_pass() {
    let case = files("{}", None, Some(r#"{"mapped":[{"a":5.00,"b":[1]}]}"#));
    assert_eq!(run_case(&case, &[], |_| mapped(r#"{"b":[1],"a":5}"#)), Verdict::Passed);
}

#[test]
fn a_difference_names_its_path() {
    let case = files("{}", None, Some(r#"{"mapped":[{"L":[{"P":1},{"P":5,"Q":"x"}],"gone":true}]}"#));
    let said = lines(run_case(&case, &[], |_| mapped(r#"{"L":[{"P":1},{"P":5.1,"R":null},{}]}"#)));
    assert_eq!(
        said,
        [
            "L: expected 2 elements, got 3 elements",
            "L[2].P: expected 5, got 5.1",
            "L[2].Q: expected \"x\", but the field is left out",
            "L[2].R: not expected, got null",
            "gone: expected true, but the field is left out",
        ]
    );
}

#[test]
fn another_outcome_is_said_in_one_line() {
    let case = files("{}", None, Some(r#"{"mapped":[{"a":1}]}"#));
    let rejection = Rejection {
        field: "Lines[2].Code".into(),
        reason: "the ERP has no item X".into(),
        source: None,
        value: None,
        at: SpecLine { file: "orders.mapspec".into(), line: 12 },
    };
    let said = lines(run_case(&case, &[], |_| Outcome::Rejected(vec![rejection.clone()])));
    assert_eq!(said, ["expected a mapped record, got a rejection: Lines[2].Code: the ERP has no item X"]);
}

#[test]
fn references_are_answered_in_rounds() {
    let references = r#"[
        {"find":"erp.Items","where":{"ItemCode":"X"},"records":[{"Valid":"tYES"}]},
        {"linked":"erp.BusinessPartners","of":"shop.customer","key":"17","is":null}]"#;
    let expected = r#"{"waiting":[{"linked":"erp.BusinessPartners","of":"shop.customer","key":"17"}]}"#;
    let verdict = run_case(&files("{}", Some(references), Some(expected)), &[], |input| {
        match (input.references.get(&item()), input.references.get(&partner())) {
            (None, _) => Outcome::Wants(vec![item()]),
            (Some(_), None) => Outcome::Wants(vec![partner()]),
            (Some(Resolved::Found(records)), Some(Resolved::Linked(None))) if records.len() == 1 => {
                Outcome::Waiting(vec![partner()])
            }
            other => panic!("wrong answers: {other:?}"),
        }
    });
    assert_eq!(verdict, Verdict::Passed);
}

#[test]
fn a_missing_answer_shows_the_json_to_add() {
    let verdict = run_case(&files("{}", None, None), &[], |_| Outcome::Wants(vec![item(), partner()]));
    let expected = r#"references.json does not answer what the mapping asks for; add to its list:
{
  "find": "erp.Items",
  "where": {
    "ItemCode": "X"
  },
  "records": []
}
(each record found holds: Valid)
{
  "linked": "erp.BusinessPartners",
  "of": "shop.customer",
  "key": "17",
  "is": null
}"#;
    assert_eq!(verdict, Verdict::Broken(expected.to_owned()));
}

#[test]
fn comparisons_other_than_equality_have_words() {
    let terms = vec![
        Term { field: "Price".into(), test: Test::Gt, value: "5".into() },
        Term { field: "Price".into(), test: Test::Lt, value: "9".into() },
        Term { field: "Kind".into(), test: Test::In, value: "[\"a\",\"b\"]".into() },
        Term { field: "Gone".into(), test: Test::Missing, value: "null".into() },
    ];
    let find = Find { system: "erp".into(), entity: "Items".into(), terms, select: vec![] };
    let reference = Reference::Find(find);
    let written = reference_json(&reference).to_text();
    let expected =
        r#"{"find":"erp.Items","where":{"Price":{"gt":5,"lt":9},"Kind":{"in":["a","b"]},"Gone":{"missing":true}}}"#;
    assert_eq!(written, expected);
    let list = format!("[{},\"records\":[]}}]", written.trim_end_matches('}').to_owned() + "}}");
    let answers = Answers::read(&Json::parse(&list).unwrap()).unwrap();
    assert_eq!(answers.get(&reference), Some(Resolved::Found(vec![])));
}

#[test]
fn settings_are_laid_over_defaults() {
    let known = [
        DefaultSetting { name: "prefix", default: Some("\"SW-\"") },
        DefaultSetting { name: "list", default: Some("1") },
        DefaultSetting { name: "channel", default: None },
    ];
    let shared = Json::parse(r#"{"channel":"c","list":2}"#).unwrap();
    let own = Json::parse(r#"{"list":3}"#).unwrap();
    let whole = complete_settings(&known, &[shared, own]).unwrap();
    assert_eq!(whole.to_text(), r#"{"prefix":"SW-","list":3,"channel":"c"}"#);
    let wrong = complete_settings(&known, &[Json::parse(r#"{"prefx":"a"}"#).unwrap()]);
    assert_eq!(wrong.unwrap_err(), "settings.json: the project has no setting `prefx`: did you mean `prefix`?");
}

#[test]
fn several_sources_stand_in_a_list() {
    let case = files(r#"{"sources":[{"a":1},{"b":2}]}"#, None, None);
    let verdict = run_case(&case, &[], |input| mapped(&format!("{{\"n\":{}}}", input.sources.whole().len())));
    assert_eq!(
        verdict,
        Verdict::New { accept: "{\n  \"mapped\": [\n    {\n      \"n\": 2\n    }\n  ]\n}\n".to_owned() }
    );
}

#[test]
fn a_broken_file_is_named() {
    let verdict = run_case(&files("{", None, None), &[], |_| mapped("{}"));
    assert!(matches!(&verdict, Verdict::Broken(said) if said.starts_with("input.json: ")), "{verdict:?}");
    let verdict =
        run_case(&files("{}", Some(r#"[{"find":"Items","where":{},"records":[]}]"#), None), &[], |_| mapped("{}"));
    let said = "references.json, entry 1: `find` must name an entity, such as \"erp.Items\"";
    assert_eq!(verdict, Verdict::Broken(said.to_owned()));
}
