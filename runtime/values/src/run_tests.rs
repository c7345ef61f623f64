//! The order of precedence of outcomes, and that every problem is reported once with its path and line.

use super::*;
use crate::at;
use crate::prelude::{link as asked_link, question as asked_question, term};
use crate::reference::{Find, Link, References, Test};

fn asked(code: &str) -> AskedFind<'static> {
    asked_question("erp", "Items", [term("ItemCode", Test::Eq, Json::text(code))], &["ItemCode"])
}

fn item(code: &str) -> Find {
    asked(code).into()
}

fn asked_partner() -> AskedLink<'static> {
    asked_link(("erp", "BP"), ("shop", "customer"), Json::text("7"))
}

fn link() -> Link {
    asked_partner().into()
}

fn run<T>(references: &References, body: impl FnOnce(Run<'_>) -> T) -> T {
    let sources = [Json::parse(r#"{"id":"1"}"#).unwrap()];
    let settings = Json::Record(Vec::new());
    let captured_at = "2026-11-02T09:15:00Z".parse().unwrap();
    body(Run::new(
        &Input { sources: Sources::Whole(&sources), references, settings: &settings, captured_at },
        "orders.mapspec",
    ))
}

#[test]
fn a_whole_record_is_mapped() {
    let outcome = run(&References::new(), |run| {
        let order = run.source(0, "order");
        let mut record = Record::new();
        run.set(&mut record, "A", 3, crate::write::text(order.text(at!["id"], None).unwrap().unwrap(), None));
        run.set(&mut record, "B", 4, Err(Stop::Omit));
        run.set(&mut record, "C", 5, Err(Stop::Clear));
        run.append(&mut record, "L", 6, Ok(Json::List(Vec::new())));
        run.append(&mut record, "L", 7, Ok(Json::List(vec![Json::Boolean(true)])));
        run.nest(&mut record, "N", Record::new());
        run.finish(record).into_owned()
    });
    let Outcome::Mapped(parts) = outcome else { panic!("{outcome:?}") };
    assert_eq!(parts[0].record.to_text(), r#"{"A":"1","C":null,"L":[true]}"#);
}

#[test]
fn every_problem_is_reported_once_with_path_and_line() {
    let outcome = run(&References::new(), |run| {
        let mut record = Record::new();
        let bad: Result<bool, Stop> = run.hold(2, Err(Stop::failed("no such thing")));
        run.set(&mut record, "A", 3, bad.clone().map(Json::Boolean));
        run.check(4, bad, || Stop::rejected(Ok("never said".into())));
        run.within("Lines", || {
            run.within(2, || {
                let mut line = Record::new();
                run.set(&mut line, "VatGroup", 9, Err(Stop::rejected(Ok("no group".into()))));
                run.set(&mut line, "VatGroup", 9, Err(Stop::rejected(Ok("no group".into()))));
            });
        });
        run.within_file("rules.mapspec", || run.check(1, Ok(false), || Stop::rejected(Ok("in a rule".into()))));
        run.finish(record).into_owned()
    });
    let Outcome::Rejected(rejections) = outcome else { panic!("{outcome:?}") };
    let told: Vec<String> =
        rejections.iter().map(|r| format!("{}:{} {}|{}", r.at.file, r.at.line, r.field, r.reason)).collect();
    assert_eq!(
        told,
        [
            "orders.mapspec:2 |no such thing",
            "orders.mapspec:9 Lines[2].VatGroup|no group",
            "rules.mapspec:1 |in a rule"
        ]
    );
}

#[test]
fn skip_wins_then_wants_then_rejected_then_waiting() {
    let outcome = |stops: Vec<Stop>| {
        run(&References::new(), |run| {
            for (line, stop) in (1..).zip(stops) {
                run.note(line, stop);
            }
            run.finish(Record::new()).into_owned()
        })
    };
    let skip = || Stop::skipped(Ok("later".into()));
    let want = || Stop::unresolved(Reference::Find(item("A")));
    let reject = || Stop::rejected(Ok("bad".into()));
    let wait = || Stop::wait(Reference::Link(link()));
    assert!(matches!(outcome(vec![wait(), reject(), want(), skip()]), Outcome::Skipped { at, .. } if at.line == 4));
    assert_eq!(outcome(vec![wait(), reject(), want(), want()]), Outcome::Wants(vec![Reference::Find(item("A"))]));
    assert!(matches!(outcome(vec![wait(), reject()]), Outcome::Rejected(_)));
    assert_eq!(outcome(vec![wait(), wait()]), Outcome::Waiting(vec![Reference::Link(link())]));
    assert!(matches!(outcome(vec![Stop::Held]), Outcome::Rejected(_)), "a held value alone never passes for mapped");
}

#[test]
fn references_are_asked_for_then_read() {
    let mut references = References::new();
    assert_eq!(
        run(&references, |run| run.find_one(&asked("A"), "i").map(|_| ())),
        Err(Stop::unresolved(Reference::Find(item("A"))))
    );
    let record = Json::parse(r#"{"ItemCode":1}"#).unwrap();
    references.insert(Reference::Find(item("A")), Resolved::Found(vec![record.clone()]));
    references.insert(Reference::Find(item("B")), Resolved::Found(vec![record.clone(), record]));
    references.insert(Reference::Link(link()), Resolved::Linked(Some("C7".into())));
    run(&references, |run| {
        let Err(Stop::Failed(fault)) = run.find_one(&asked("A"), "i").unwrap().unwrap().text(at!["ItemCode"], None)
        else {
            panic!()
        };
        assert_eq!(fault.source.as_deref(), Some("i.ItemCode"));
        let Err(Stop::Failed(fault)) = run.find_one(&asked("B"), "i").map(|_| ()) else { panic!() };
        assert_eq!(fault.reason, "2 records of erp.Items match ItemCode = \"B\"; expected one");
        assert_eq!(run.find_all(&asked("B"), "i").unwrap()[1].path(at!["x"]), "i[2].x");
        assert_eq!(run.linked(&asked_partner()).unwrap().as_deref(), Some("C7"));
    });
}

#[test]
fn parts_need_different_keys() {
    let outcome = run(&References::new(), |run| {
        run.finish_parts(1, vec![("a".into(), Record::new()), ("a".into(), Record::new())]).into_owned()
    });
    assert!(matches!(outcome, Outcome::Rejected(_)));
}

#[test]
fn a_read_condition_answers_or_says_why_not() {
    assert_eq!(run(&References::new(), |run| run.keep(3, Ok(true))), Ok(true));
    let problems = run(&References::new(), |run| run.keep(3, Err(Stop::failed("x")))).unwrap_err();
    assert_eq!(problems[0].at.line, 3);
}
