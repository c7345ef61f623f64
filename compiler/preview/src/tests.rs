//! Small specs, checked and evaluated: each kind of expression and statement, what stops them, and what is said of it.

use mapwright_model::project::{Project, SystemSource};
use mapwright_syntax::{FileId, Severity, Style, render};
use mapwright_values::{Find, Json, Link, Reference, References, Resolved, Sources, Term, Test};

use super::*;
use crate::cases::{complete_settings, outcome_json};

const CATALOGUE: &str = r#"system t "Test" {
  entity src "Source" {
    id     text(10) key
    name   text(20)
    note   text(50)?
    amount decimal(10,4)
    count  integer
    flag   boolean("Y", "N")
    kind   enum(plain, "big" = "B")
    born   date
    at     datetime
    uid    uuid as hex
    sub    { x text(5);  y text(5)? }?
    odd    text(9)? missing as ""
    lines  list { sku text(10);  qty integer;  price decimal(8,2)? }
    tags   list? of text(5)
    boxes  list? { no integer key;  sku text(10)? }
    stamp  date as text("%d.%m.%Y")?
    tick   datetime as text("%Y%m%d%H%M%S")?
    coded  text(4 bytes "windows-1252")?
  }
  entity out "Target" {
    id    text(10) key
    t     text(60)?
    u     text(60)?
    n     decimal(20,6)?
    m     decimal(20,6)?
    i     integer?
    b     boolean?
    c     boolean("Y", "N")?
    d     date?
    k     enum(plain, "big" = "L")?
    sub   { x text(60)?;  y text(60)? }?
    words list? of text(20)
    lines list? { sku text(20)?;  no integer?;  price decimal(20,6)? }
    pairs list?(2..) { no integer? }
    ansi  text(5 bytes "cp1252")?
    utf8  text(5 bytes)?
    wide  text(3 utf16)?
    day   date as text("%Y%m%d")?
    clock datetime as text("%d.%m.%Y %H:%M")?
  }
}
"#;

const RECORD: &str = r#"{
  "id": "1", "name": "Anna", "amount": 10.5, "count": 3, "flag": "Y", "kind": "B", "born": "2026-02-28",
  "at": "2026-03-01T23:30:00Z", "uid": "0e82404bceac2241296612c69aea36f6", "odd": "",
  "lines": [{ "sku": "A", "qty": 2, "price": 1.25 }, { "sku": "B", "qty": 1 }, { "sku": "C", "qty": 5, "price": 0.5 }]
}"#;

struct Spec {
    model: Model,
    files: Files,
}

/// A project of one file: definitions, and mapping `m` with this body.
fn spec(definitions: &str, body: &str) -> Spec {
    spec_with(definitions, "", body)
}

/// The same with `one per` in the mapping's head.
fn spec_with(definitions: &str, one_per: &str, body: &str) -> Spec {
    let mut project = Project::default();
    let text = format!(
        "use \"test\" as t\nrounding half_up\n{definitions}\nmapping m from t.src as s to part of t.out {one_per} {{\n{body}\n  leave rest because \"not looked at\"\n  ignore rest of s because \"not looked at\"\n}}\n"
    );
    let parsed = |file: FileId, text: &str| {
        let (tree, faults) = mapwright_syntax::parse(file, text);
        assert!(faults.is_empty(), "{text}\n{faults:?}");
        tree
    };
    let file = project.files.add("m.mapspec", text.as_str());
    project.specs.push((file, parsed(file, &text)));
    let catalogue = project.files.add("test/catalogue.mapspec", CATALOGUE);
    let manifest = project.files.add("test/connector.yaml", "");
    let source = SystemSource {
        name: "test".into(),
        catalogue: (catalogue, parsed(catalogue, CATALOGUE)),
        manifest: (manifest, None),
    };
    project.systems.push(source);
    let (model, diagnostics) = mapwright_model::check(&project);
    let errors: Vec<String> = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .map(|diagnostic| render(diagnostic, &project.files, Style::Plain))
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    Spec { model, files: project.files }
}

impl Spec {
    fn map(&self, record: &str, references: &References) -> Outcome {
        let preview = Preview::new(&self.model, &self.files);
        let settings = complete_settings(&preview.settings(), &[]).unwrap();
        let sources = [Json::parse(record).unwrap()];
        let captured_at = "2026-11-02T09:15:00Z".parse().unwrap();
        let input = Input { sources: Sources::Whole(&sources), references, settings: &settings, captured_at };
        preview.map(self.model.mapping("m").expect("the mapping is in the model"), &input)
    }
}

/// What comes of [`RECORD`], as JSON text.
fn mapped(definitions: &str, body: &str) -> String {
    outcome(&spec(definitions, body).map(RECORD, &References::new()))
}

/// An outcome in short: the record alone, or what is said instead.
fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Mapped(parts) => parts[0].record.to_text(),
        Outcome::Rejected(rejections) => {
            let said: Vec<String> =
                rejections.iter().map(|one| format!("{}|{}|{}", one.at.line, one.field, one.reason)).collect();
            said.join("\n")
        }
        Outcome::Skipped { .. } | Outcome::Waiting(_) | Outcome::Wants(_) => outcome_json(outcome).to_text(),
    }
}

#[test]
fn leaves_are_read_and_written_as_catalogues_spell_them() {
    let body = "  t <- s.name\n  n <- s.amount\n  i <- s.count\n  c <- s.flag\n  b <- s.flag\n  k <- s.kind\n  d <- s.born\n  u <- s.uid | text";
    let expected = r#"{"t":"Anna","n":10.5,"i":3,"c":"Y","b":true,"k":"L","d":"2026-02-28","u":"0e82404b-ceac-2241-2966-12c69aea36f6"}"#;
    assert_eq!(mapped("", body), expected);
}

#[test]
fn days_and_times_have_the_formats_of_their_systems() {
    let record = RECORD.replace("\"odd\": \"\"", "\"stamp\": \"28.02.2026\", \"tick\": \"20260301233059\"");
    let made = spec("", "  day <- s.stamp\n  clock <- s.tick\n  d <- s.stamp").map(&record, &References::new());
    assert_eq!(outcome(&made), r#"{"day":"20260228","clock":"01.03.2026 23:30","d":"2026-02-28"}"#);
    let wrong = record.replace("28.02.2026", "2026-02-28");
    let made = spec("", "  day <- s.stamp").map(&wrong, &References::new());
    assert_eq!(outcome(&made), "5|day|`s.stamp` is not a date written as %d.%m.%Y");
}

#[test]
fn texts_are_counted_as_their_place_counts() {
    let record = |name: &str| RECORD.replace("\"Anna\"", &format!("\"{name}\""));
    let cut = spec("", "  ansi <- s.name | cut\n  utf8 <- s.name | cut\n  wide <- s.name | cut");
    let made = |name: &str| outcome(&cut.map(&record(name), &References::new()));
    assert_eq!(made("Müller"), r#"{"ansi":"Mülle","utf8":"Müll","wide":"Mül"}"#);
    assert_eq!(
        made("€😀"),
        "5|ansi|the text holds \"😀\" (U+1F600), which windows-1252 does not have: say `| remove_unmappable(...)` to leave such characters out"
    );
    let fit = spec("", "  utf8 <- s.name | fit\n  wide <- s.coded | fit");
    let made = fit.map(&record("Müller"), &References::new());
    assert!(outcome(&made).starts_with("5|utf8|the text has 7 bytes in utf-8, 5 fit"), "{made:?}");
    let long = record("Anna").replace("\"odd\": \"\"", "\"coded\": \"Müßig\"");
    let made = outcome(&fit.map(&long, &References::new()));
    assert_eq!(made, "6|wide|`s.coded` has 5 bytes in windows-1252, but the catalogue says at most 4");
}

#[test]
fn a_list_has_as_many_elements_as_its_target_demands() {
    let one = "  pairs <- each s.lines as l where l.qty > 2 { no <- l.qty }";
    assert_eq!(mapped("", one), "5|pairs|the list holds 1, but the target needs at least 2 in it");
    let more = format!("{one}\n  pairs also <- each [1] as x {{ no <- x }}");
    assert_eq!(mapped("", &more), r#"{"pairs":[{"no":5},{"no":1}]}"#);
    let told = format!("  check s.count == 0 otherwise reject \"no\"\n{one}");
    assert_eq!(mapped("", &told), "5||no");
}

/// Records with their part keys, or what is said instead.
fn parts(of: &Outcome) -> String {
    match of {
        Outcome::Mapped(parts) => {
            let one = |part: &mapwright_values::Part| {
                format!("{}: {}", part.key.as_deref().unwrap_or("-"), part.record.to_text())
            };
            parts.iter().map(one).collect::<Vec<_>>().join("\n")
        }
        Outcome::Rejected(_) | Outcome::Skipped { .. } | Outcome::Waiting(_) | Outcome::Wants(_) => outcome(of),
    }
}

#[test]
fn one_record_is_made_per_element() {
    let body = "  let name = \"{s.name} {box.no}\"\n  t <- name\n  u <- box.sku otherwise reject \"box {box.no} is empty\"\n  i <- position(box)";
    let made = spec_with("", "one per s.boxes as box where box.no != 2", body);
    let record = |boxes: &str| RECORD.replace("\"odd\": \"\"", &format!("\"boxes\": {boxes}"));
    let mapped = |boxes: &str| parts(&made.map(&record(boxes), &References::new()));
    let two = r#"[{ "no": 1, "sku": "A" }, { "no": 2 }, { "no": 3, "sku": "B" }]"#;
    assert_eq!(mapped(two), "1: {\"t\":\"Anna 1\",\"u\":\"A\",\"i\":1}\n3: {\"t\":\"Anna 3\",\"u\":\"B\",\"i\":2}");
    assert_eq!(mapped("[]"), "");
    assert_eq!(mapped(r#"[{ "no": 1, "sku": "A" }, { "no": 3 }]"#), "7|[2].u|box 3 is empty");
    let twice = r#"[{ "no": 1, "sku": "A" }, { "no": 1, "sku": "B" }]"#;
    assert_eq!(mapped(twice), "4||two parts have the same key \"1\"");
    let broken = mapped(r#"[{ "sku": "A" }]"#);
    assert!(broken.starts_with("4||`s.boxes[1].no` is missing"), "{broken}");
}

#[test]
fn a_record_per_single_value_has_it_as_its_key() {
    let made = spec_with("", "one per s.tags as tag", "  t <- tag");
    let record = RECORD.replace("\"odd\": \"\"", "\"tags\": [\"x\", \"y\"]");
    assert_eq!(parts(&made.map(&record, &References::new())), "x: {\"t\":\"x\"}\ny: {\"t\":\"y\"}");
}

#[test]
fn fields_written_on_create_are_named() {
    let body = "  t <- s.name\n  on create {\n    u <- s.name\n    sub.x <- s.name\n  }\n  sub.y <- s.name";
    let spec = spec("", body);
    assert_eq!(spec.model.mapping("m").unwrap().create_only, ["sub.x", "u"]);
    assert_eq!(
        outcome(&spec.map(RECORD, &References::new())),
        r#"{"t":"Anna","u":"Anna","sub":{"x":"Anna","y":"Anna"}}"#
    );
}

#[test]
fn a_watch_tells_how_a_field_came_about_and_what_was_not_reached() {
    let definitions = "table rates from kind text(5) to decimal(5,2) {\n  \"big\" -> 19\n  otherwise -> 7\n}\nrule twice(n integer) integer = n * 2\nrule unused(n integer) integer = n";
    let body = "  let rate = lookup rates(s.kind)\n  n <- rate\n  i <- twice(s.count)\n  t <- match s.kind {\n    \"plain\" -> \"p\"\n    \"big\" -> \"b\"\n  }\n  lines <- each s.lines as l { sku <- l.sku }";
    let spec = spec(definitions, body);
    let watch = Watch::new();
    let preview = Preview::new(&spec.model, &spec.files);
    let settings = complete_settings(&preview.settings(), &[]).unwrap();
    let (sources, references) = ([Json::parse(RECORD).unwrap()], References::new());
    let captured_at = "2026-11-02T09:15:00Z".parse().unwrap();
    let input = Input { sources: Sources::Whole(&sources), references: &references, settings: &settings, captured_at };
    let mapping = spec.model.mapping("m").unwrap();
    assert_eq!(outcome(&preview.map_watched(mapping, &input, &watch)), outcome(&preview.map(mapping, &input)));
    let why = |field: &str| watch.why(field, &spec.files).join("\n");
    assert_eq!(
        why("n"),
        "n is 19\n  m.mapspec:11: n <- rate\n  rate is 19 (m.mapspec:10: let rate = lookup rates(s.kind))\n    s.kind is \"big\"\n    table `rates` has the row (m.mapspec:4): \"big\" -> 19"
    );
    assert_eq!(
        why("i"),
        "i is 6\n  m.mapspec:12: i <- twice(s.count)\n  s.count is 3\n  by the rule `twice` (m.mapspec:7):\n    n * 2 is 6\n      n is 3"
    );
    assert_eq!(why("lines.sku").lines().filter(|line| line.starts_with("lines[")).count(), 3);
    assert_eq!(why("lines[2].sku"), "lines[2].sku is \"B\"\n  m.mapspec:17: sku <- l.sku\n  l.sku is \"B\"");
    assert!(why("rate").starts_with("rate is 19\n  m.mapspec:10: let rate = lookup rates(s.kind)"));
    assert_eq!(why("nothing"), "");
    let unreached: Vec<String> = watch.unreached(&spec.model).into_iter().map(|one| one.what).collect();
    assert_eq!(unreached, ["`otherwise` of table `rates`", "rule `unused`", "arm 1 of this `match`"]);
}

#[test]
fn arithmetic_is_exact_and_divides_only_when_rounded() {
    let body = "  n <- (s.amount * 3 - 0.5) | round(2)\n  m <- round(1 / 3, 4)\n  i <- -s.count\n  b <- 1 / 3 < 0.34";
    assert_eq!(mapped("", body), r#"{"n":31,"m":0.3333,"i":-3,"b":true}"#);
}

#[test]
fn a_missing_value_is_answered_or_left_out() {
    let body = "  t <- s.note otherwise \"none\"\n  u <- s.note\n  b <- s.note is missing\n  c <- s.odd is present\n  k <- if s.note is blank then \"plain\" else omit\n  sub { x <- s.sub.x\n    y <- \"here\" }";
    assert_eq!(mapped("", body), r#"{"t":"none","b":true,"c":"N","k":"plain","sub":{"y":"here"}}"#);
}

#[test]
fn clear_writes_null_and_omit_nothing() {
    assert_eq!(mapped("", "  t <- s.note otherwise clear\n  u <- s.note otherwise omit"), r#"{"t":null}"#);
}

#[test]
fn logic_stops_as_soon_as_it_knows() {
    let body = "  b <- s.count > 2 and not (s.name == \"Bob\") or integer(s.name) == 1\n  c <- s.count < 2 and integer(s.name) == 1\n  t <- if s.name in [\"Anna\", \"Eve\"] then \"in\" else \"out\"\n  u <- if s.name not in [\"Eve\"] then \"not in\" else \"in\"";
    assert_eq!(mapped("", body), r#"{"b":true,"c":"N","t":"in","u":"not in"}"#);
}

#[test]
fn a_match_takes_the_first_arm_that_fits() {
    let body = "  t <- match s.kind {\n    \"plain\" -> \"small\"\n    \"big\"   -> \"large\"\n  }\n  i <- match s.count {\n    1, 2 -> 10\n    otherwise -> 20\n  }";
    assert_eq!(mapped("", body), r#"{"t":"large","i":20}"#);
}

#[test]
fn texts_with_holes_and_functions() {
    let body = "  t <- \"{s.name}: {s.amount} on {s.born}\" | uppercase\n  u <- s.name | cut(2)\n  d <- s.at | date_in(\"Europe/Berlin\")";
    assert_eq!(mapped("", body), r#"{"t":"ANNA: 10.5 ON 2026-02-28","u":"An","d":"2026-03-02"}"#);
}

#[test]
fn each_keeps_sorts_and_takes() {
    let body = "  words <- each s.lines as l where l.qty > 1 sorted by l.qty descending take l.sku\n  n <- sum(each s.lines as l take (l.price otherwise 0))\n  i <- count(s.lines)";
    assert_eq!(mapped("", body), r#"{"words":["C","A"],"n":1.75,"i":3}"#);
}

#[test]
fn records_of_an_each_are_numbered_and_added_to() {
    let body = "  lines <- each s.lines as l where l.price is present {\n    sku <- l.sku\n    no <- position(l)\n  }\n  lines also <- each [\"x\"] as w { sku <- w }";
    assert_eq!(mapped("", body), r#"{"lines":[{"sku":"A","no":1},{"sku":"C","no":2},{"sku":"x"}]}"#);
}

#[test]
fn walks_nest_from_the_first_outwards() {
    let body =
        "  words <- each [\"a\", \"b\"] as x each [\"1\", \"2\"] as y where x != \"a\" or y != \"2\" take \"{x}{y}\"";
    assert_eq!(mapped("", body), r#"{"words":["a1","b1","b2"]}"#);
}

#[test]
fn a_nested_list_is_one_element_and_only_when_wanted() {
    let body = "  lines when s.count == 3 { sku <- s.name }\n  sub when s.count == 4 { x <- s.name }";
    assert_eq!(mapped("", body), r#"{"lines":[{"sku":"Anna"}]}"#);
}

#[test]
fn an_absent_optional_list_is_empty() {
    assert_eq!(mapped("", "  words <- s.tags\n  b <- s.tags is empty"), r#"{"words":[],"b":true}"#);
}

const DEFINITIONS: &str = "setting prefix text(6) \"Before the number\" = \"P-\"\n\
    table rates from kind text(5), count integer to decimal(5,2) {\n  \"big\", 3 -> 19.00\n  \"big\", any -> 7\n  otherwise -> reject \"no rate for {kind}\"\n}\n\
    table codes from name text(20) to text(5) {\n  \"Anna\" -> \"A1\"\n  otherwise -> reject \"nobody is called {name}\"\n}\n\
    rule tagged(value text(20), number integer) text(40) = \"{prefix}{value}-{number}\" | cut\n\
    rule line(name text(20)) t.out.lines = {\n  sku <- name\n  price <- (if name == \"bad\" then reject \"bad name\" else 1)\n}\n";

#[test]
fn settings_tables_and_rules() {
    let body = "  t <- tagged(s.name, s.count)\n  n <- lookup rates(\"big\", s.count)\n  m <- lookup rates(\"big\", 4)\n  u <- s.name | lookup codes";
    assert_eq!(mapped(DEFINITIONS, body), r#"{"t":"P-Anna-3","n":19,"m":7,"u":"A1"}"#);
}

#[test]
fn a_table_rejects_in_the_words_of_its_otherwise() {
    assert_eq!(mapped(DEFINITIONS, "  t <- \"Bob\" | lookup codes"), "20|t|nobody is called Bob");
    assert_eq!(
        mapped(DEFINITIONS, "  t <- s.note | cut(20) | lookup codes otherwise \"-\""),
        r#"{"t":"-"}"#,
        "a missing key is not looked up"
    );
}

#[test]
fn every_problem_of_a_record_is_told_once() {
    let body = "  let number = integer(s.name)\n  i <- number\n  n <- number + 1\n  check s.count == 4 otherwise reject \"count is {s.count}\"\n  lines <- each s.lines as l {\n    let price = l.price otherwise reject \"{l.sku} has no price\"\n    price <- price\n    sku <- l.sku | fit\n  }";
    let told = mapped("", body);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    assert!(lines[0].starts_with("5||"), "{told}");
    assert_eq!(lines[1..], ["8||count is 3", "10|lines[2]|B has no price"]);
}

#[test]
fn a_failure_is_answered_by_if_invalid_and_a_rejection_is_not() {
    assert_eq!(mapped("", "  i <- integer(s.name) if invalid -1"), r#"{"i":-1}"#);
    let rejected = mapped("", "  t <- (s.note otherwise reject \"no note\") if invalid \"x\"");
    assert_eq!(rejected, "5|t|no note");
}

#[test]
fn a_field_that_must_be_there_and_is_not_is_named() {
    let record = RECORD.replace("\"name\": \"Anna\", ", "").replace("\"A\", \"qty\": 2", "\"A\", \"qty\": \"2\"");
    let said = outcome(&spec("", "  t <- s.name\n  i <- sum(s.lines.qty)").map(&record, &References::new()));
    let expected = "5|t|`s.name` is missing, though the catalogue says it is always there\n6|i|`s.lines[1].qty` should be a number, but is a text";
    assert_eq!(said, expected);
}

#[test]
fn skip_wins_over_everything() {
    let body = "  check s.count == 4 otherwise skip \"not now\"\n  i <- integer(s.name)";
    assert_eq!(mapped("", body), r#"{"skipped":"not now"}"#);
}

fn item() -> Find {
    let term = Term { field: "id".into(), test: Test::Eq, value: "\"Anna\"".into() };
    Find { system: "t".into(), entity: "src".into(), terms: vec![term], select: vec!["id".into(), "name".into()] }
}

#[test]
fn a_find_asks_then_takes_and_refuses_several() {
    let spec = spec("", "  t <- find t.src as i where i.id == s.name take i.name otherwise \"none\"");
    let mut references = References::new();
    assert_eq!(spec.map(RECORD, &references), Outcome::Wants(vec![Reference::Find(item())]));
    references.insert(Reference::Find(item()), Resolved::Found(vec![]));
    assert_eq!(outcome(&spec.map(RECORD, &references)), r#"{"t":"none"}"#);
    let found = Json::parse(r#"{"id":"Anna","name":"found"}"#).unwrap();
    references.insert(Reference::Find(item()), Resolved::Found(vec![found.clone()]));
    assert_eq!(outcome(&spec.map(RECORD, &references)), r#"{"t":"found"}"#);
    references.insert(Reference::Find(item()), Resolved::Found(vec![found.clone(), found]));
    assert_eq!(outcome(&spec.map(RECORD, &references)), "5|t|2 records of t.src match id = \"Anna\"; expected one");
}

#[test]
fn a_find_without_its_value_asks_nothing() {
    assert_eq!(
        mapped("", "  t <- find t.src as i where i.id == s.note take i.name otherwise \"none\""),
        r#"{"t":"none"}"#
    );
}

#[test]
fn linked_waits_until_the_link_is_there() {
    let spec = spec("", "  t <- linked t.out of t.src by s.id otherwise wait");
    let link = || {
        let (system, of_system) = ("t".to_owned(), "t".to_owned());
        Reference::Link(Link { system, entity: "out".into(), of_system, of_entity: "src".into(), key: "1".into() })
    };
    let mut references = References::new();
    assert_eq!(spec.map(RECORD, &references), Outcome::Wants(vec![link()]));
    references.insert(link(), Resolved::Linked(None));
    assert_eq!(spec.map(RECORD, &references), Outcome::Waiting(vec![link()]));
    references.insert(link(), Resolved::Linked(Some("K7".into())));
    assert_eq!(outcome(&spec.map(RECORD, &references)), r#"{"t":"K7"}"#);
}

#[test]
fn a_record_of_a_rule_tells_its_own_problems() {
    assert_eq!(mapped(DEFINITIONS, "  lines <- [line(s.name)]"), r#"{"lines":[{"sku":"Anna","price":1}]}"#);
    assert_eq!(mapped(DEFINITIONS, "  lines <- [line(\"bad\")]"), "16|lines.price|bad name");
}

#[test]
fn examples_are_held_against_their_tables_and_rules() {
    let examples = "example codes(\"Anna\") is \"A1\"\nexample codes(\"Bob\") rejects\nexample codes(\"Anna\") is \"A2\"\nexample codes(\"Anna\") rejects\nexample tagged(\"x\", 1) is \"P-x-1\"\n";
    let spec = spec(&format!("{DEFINITIONS}{examples}"), "  t <- s.name");
    let said: Vec<String> = run_examples(&spec.model, &spec.files)
        .iter()
        .map(|diagnostic| {
            format!("{} {} {}", diagnostic.code, spec.files.place(diagnostic.span()).1, diagnostic.headline)
        })
        .collect();
    let expected = [
        "E0330 20 this example does not hold: expected \"A2\", got \"A1\"",
        "E0330 21 this example does not hold: expected a rejection, got \"A1\"",
    ];
    assert_eq!(said, expected);
}
