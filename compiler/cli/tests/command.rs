//! The command as a person meets it: what it says on which stream, and with which status it ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot run its command must fail")]

use std::fs;
use std::io::{BufRead, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const CATALOGUE: &str = "system t \"Test\" {\n  entity src \"Source\" {\n    id    text(10) key\n    name  text(20)\n    qty   integer\n  }\n  entity out \"Target\" {\n    id    text(10) key\n    title text(20)?\n    no    integer?\n  }\n}\n";
const SPEC: &str = "use \"test\" as t\n\nsetting prefix text(3) \"Before the name\" = \"P-\"\n\nmapping make from t.src as s to part of t.out {\n  id    <- s.id\n  title <- \"{prefix}{s.name}\" | cut\n  no    <- s.qty\n  check s.qty > 0 otherwise reject \"{s.name} has no quantity\"   open \"what of returns?\"\n}\n";
const MANIFEST: &str = r#"manifest: 1
system: test
title: Test
driver: rest
base: "https://test.example"
auth: { kind: none }
operations:
  list: { request: "GET /{entity.path}", records: "body.data[]" }
entities:
  src: { path: src, can: [list], filter_on: [id] }
  out: { path: out, can: [list], filter_on: [id] }
"#;

struct Said {
    status: i32,
    output: String,
    error: String,
}

struct Project(tempfile::TempDir);

impl Project {
    /// A project in `one/`, its system beside it.
    fn new(spec: &str) -> Project {
        let project = Project(tempfile::tempdir().unwrap());
        project.write("systems/test/catalogue.mapspec", CATALOGUE);
        project.write("systems/test/connector.yaml", MANIFEST);
        project.write("one/m.mapspec", spec);
        project
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    /// Runs the command in the folder above the project.
    fn run(&self, arguments: &[&str], input: &str) -> Said {
        run_in(self.0.path(), arguments, input)
    }
}

fn run_in(folder: &Path, arguments: &[&str], input: &str) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mapwright"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may have ended already.
    let _closed = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Said {
        status: output.status.code().unwrap(),
        output: String::from_utf8(output.stdout).unwrap(),
        error: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_sound_project_ends_with_its_notes() {
    let said = Project::new(SPEC).run(&["check", "one"], "");
    assert_eq!(said.error, "");
    let expected = "note[N0502]: open question: what of returns?\n --> m.mapspec:9:70\n  |\n9 |   check s.qty > 0 otherwise reject \"{s.name} has no quantity\"   open \"what of returns?\"\n  |                                                                      ^^^^^^^^^^^^^^^^^^\n  |\n  = see: mapwright explain N0502\n\nno fault in 3 files\n";
    assert_eq!(said.output, expected);
    assert_eq!(said.status, 0);
}

#[test]
fn every_fault_is_told_and_counted() {
    let project = Project::new(&SPEC.replace("s.name}\"", "s.nam}\"").replace("s.qty\n", "s.quantity\n"));
    let said = project.run(&["check", "one"], "");
    assert_eq!(said.status, 1);
    assert!(said.output.ends_with("2 errors in 3 files\n"), "{}", said.output);
    for place in ["m.mapspec:7:24", "m.mapspec:8:14"] {
        assert!(said.output.contains(place), "{place} in {}", said.output);
    }
}

#[test]
fn a_watch_checks_again_when_a_file_changes() {
    let project = Project::new(SPEC);
    let mut child = Command::new(env!("CARGO_BIN_EXE_mapwright"))
        .args(["check", "one", "--watch"])
        .current_dir(project.0.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("no fault in")), "the first check");
    project.write("one/m.mapspec", &SPEC.replace("s.qty\n", "s.qnty\n"));
    assert!(lines.any(|line| line.contains("E0203")), "the second");
    assert!(lines.any(|line| line.contains("1 error")));
    project.write("one/m.mapspec", SPEC);
    assert!(lines.any(|line| line.contains("no fault in")), "the third");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_field_is_explained_and_what_no_case_reaches_is_named() {
    let rules = "rule twice(n integer) integer = n * 2\nrule thrice(n integer) integer = n * 3\n";
    let spec = SPEC.replace("<- s.qty\n", "<- if s.qty < 9 then twice(s.qty) else thrice(s.qty)\n");
    let project = Project::new(&format!("{spec}\n{rules}"));
    project.write("in.json", r#"{ "id": "1", "name": "Anna", "qty": 2 }"#);
    let said = project.run(&["preview", "make", "--dir", "one", "--input", "in.json", "--why", "no"], "");
    assert_eq!((said.status, said.error.as_str()), (0, ""), "{}", said.output);
    assert!(
        said.output.starts_with("no is 4\n  m.mapspec:8: ") && said.output.contains("by the rule `twice`"),
        "{}",
        said.output
    );
    let said = project.run(&["preview", "make", "--dir", "one", "--input", "in.json", "--why", "not"], "");
    assert_eq!(said.error.trim(), "mapwright: `make` writes no field `not`; it writes id, title, no");
    project.write("one/cases/make/small/input.json", r#"{ "id": "1", "name": "Anna", "qty": 2 }"#);
    assert_eq!(project.run(&["test", "one", "--accept"], "").status, 0);
    let said = project.run(&["test", "one"], "");
    assert_eq!(said.status, 0, "{}", said.output);
    assert!(said.output.ends_with("reached by no case:\n  m.mapspec:13: rule `thrice`\n"), "{}", said.output);
    assert_eq!(project.run(&["test", "one", "--strict"], "").status, 1);
}

#[test]
fn faults_can_be_told_to_programs() {
    let project = Project::new(&SPEC.replace("s.qty\n", "s.quantity\n"));
    let said = project.run(&["check", "one", "--format", "json"], "");
    assert_eq!(said.output.lines().count(), 1);
    assert!(said.output.starts_with('{') && said.output.contains("\"code\":\"E0203\""), "{}", said.output);
    let said = project.run(&["check", "one", "--format", "github"], "");
    assert!(said.output.starts_with("::error file=one/m.mapspec,line=8,"), "{}", said.output);
    assert_eq!(said.status, 1);
}

#[test]
fn wrong_use_and_unreadable_files_end_with_two() {
    let project = Project::new(SPEC);
    let said = project.run(&["check", "nowhere"], "");
    assert_eq!(
        said.error,
        "mapwright: nowhere is no folder: name the folder that holds the project's *.mapspec files\n"
    );
    assert_eq!(said.status, 2);
    assert_eq!(project.run(&["chekc"], "").status, 2);
    assert_eq!(project.run(&["explain", "E9999"], "").status, 2);
    let said = project.run(&["preview", "mak", "--dir", "one", "--input", "-"], "{}");
    assert_eq!(said.error, "mapwright: the project has no mapping `mak`: did you mean `make`?\n");
    assert_eq!(said.status, 2);
    let said = project.run(&["preview", "make", "--dir", "one", "--input", "-"], "{\"id\":");
    assert!(
        said.error.starts_with("mapwright: standard input: this is not JSON: the text ends where a value"),
        "{}",
        said.error
    );
    assert_eq!(said.status, 2);
}

#[test]
fn the_help_documents_the_statuses() {
    let said = Project::new(SPEC).run(&["--help"], "");
    assert!(said.output.contains("Exit status: 0 all is well; 1 faults in specs"), "{}", said.output);
    assert_eq!(said.status, 0);
}

#[test]
fn records_are_previewed_line_by_line() {
    let project = Project::new(SPEC);
    let records = "{\"id\":\"1\",\"name\":\"Anna\",\"qty\":2}\n\n{\"id\":\"2\",\"name\":\"Bob\",\"qty\":0}\n";
    let said = project.run(&["preview", "make", "--dir", "one", "--input", "-"], records);
    assert_eq!(said.output, "{\n  \"id\": \"1\",\n  \"title\": \"P-Anna\",\n  \"no\": 2\n}\n");
    assert_eq!(said.error, "record 2 is rejected:\n  Bob has no quantity (m.mapspec:9)\n");
    assert_eq!(said.status, 1);
}

#[test]
fn a_preview_takes_settings_and_one_record_of_several_lines() {
    let project = Project::new(SPEC);
    project.write("settings.json", "{\"prefix\": \"X\"}");
    project.write("record.json", "{\n  \"id\": \"1\",\n  \"name\": \"Anna\",\n  \"qty\": 2\n}\n");
    let arguments = ["preview", "make", "--dir", "one", "--input", "record.json", "--settings", "settings.json"];
    let said = project.run(&arguments, "");
    assert_eq!((said.status, said.error.as_str()), (0, ""));
    assert!(said.output.contains("\"title\": \"XAnna\""), "{}", said.output);
}

#[test]
fn cases_fail_by_path_and_are_accepted() {
    let project = Project::new(SPEC);
    project.write("one/cases/make/good/input.json", "{\"id\":\"1\",\"name\":\"Anna\",\"qty\":2}");
    project.write("one/cases/make/good/expected.json", "{\"mapped\":[{\"id\":\"1\",\"title\":\"P-Anne\",\"no\":2}]}");
    project.write("one/cases/make/none/input.json", "{\"id\":\"1\",\"name\":\"Anna\",\"qty\":0}");
    project.write("one/cases/mak/odd/input.json", "{}");
    let said = project.run(&["test", "one"], "");
    let expected = "FAILED mak/odd\n  the project has no mapping `mak`: did you mean `make`?\nFAILED make/good\n  title: expected \"P-Anne\", got \"P-Anna\"\nFAILED make/none\n  has no expected.json: `mapwright test --accept` writes it\n3 cases: 0 passed, 3 failed\n";
    assert_eq!((said.status, said.output.as_str()), (1, expected));

    fs::remove_dir_all(project.0.path().join("one/cases/mak")).unwrap();
    let said = project.run(&["test", "one", "--accept"], "");
    assert_eq!(
        (said.status, said.output.as_str()),
        (0, "accepted make/good\naccepted make/none\n2 cases: 0 passed, 0 failed, 2 accepted\n")
    );
    let rejected = "{\n  \"rejected\": [\n    {\n      \"reason\": \"Anna has no quantity\",\n      \"line\": \"m.mapspec:9\"\n    }\n  ]\n}\n";
    assert_eq!(project.read("one/cases/make/none/expected.json"), rejected);
    let said = project.run(&["test", "one"], "");
    assert_eq!((said.status, said.output.as_str()), (0, "2 cases: 2 passed, 0 failed\n"));
}

#[test]
fn specs_are_formatted_in_place_and_once() {
    let project = Project::new("use \"test\"   as t\n");
    let said = project.run(&["fmt", "--check", "one"], "");
    assert_eq!((said.status, said.output.as_str()), (1, "one/m.mapspec is not formatted\n"));
    assert_eq!(project.run(&["fmt", "one"], "").output, "formatted one/m.mapspec\n");
    assert_eq!(project.read("one/m.mapspec"), "use \"test\" as t\n");
    assert_eq!(project.run(&["fmt", "--check", "one"], "").status, 0);
    let said = project.run(&["fmt", "-"], "use \"test\"   as t\n");
    assert_eq!((said.status, said.output.as_str()), (0, "use \"test\" as t\n"));
}

#[test]
fn what_cannot_be_read_is_not_formatted() {
    let project = Project::new("use \"test as t\n");
    let said = project.run(&["fmt", "one"], "");
    assert_eq!(said.status, 1);
    assert!(said.error.contains("E0103"), "{}", said.error);
    assert_eq!(project.read("one/m.mapspec"), "use \"test as t\n");
}

#[test]
fn a_project_becomes_one_rust_file() {
    let project = Project::new(SPEC);
    let said = project.run(&["generate", "one", "-o", "out.rs"], "");
    assert_eq!(said.status, 0, "{}", said.error);
    assert!(project.read("out.rs").contains("fn make"));
    assert!(said.error.starts_with("wrote 1 mapping in "), "{}", said.error);
    let whole = project.run(&["generate", "one"], "");
    assert_eq!(whole.output, project.read("out.rs"));
    let said = project.run(&["generate", "one", "-o", "no/such/folder.rs"], "");
    assert_eq!(said.status, 2);
}

#[test]
fn faults_stand_in_the_way_of_generated_code() {
    let said = Project::new(&SPEC.replace("s.qty\n", "s.quantity\n")).run(&["generate", "one"], "");
    assert_eq!((said.status, said.output.as_str()), (1, ""));
    assert!(said.error.contains("E0203") && said.error.ends_with("1 error in 3 files\n"), "{}", said.error);
}

#[test]
fn a_code_is_explained() {
    let project = Project::new(SPEC);
    let said = project.run(&["explain", "e0412"], "");
    assert!(said.output.starts_with("# E0412: a number with more decimals goes where fewer fit\n"), "{}", said.output);
    let said = project.run(&["explain"], "");
    assert!(said.output.lines().any(|line| line == "E0414  an instant goes where a day is expected, without a zone"));
    assert_eq!(said.status, 0);
}

#[test]
fn a_new_project_checks_and_its_cases_pass() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| run_in(folder.path(), arguments, "");
    let said = run(&["new", "mine"]);
    assert_eq!((said.status, said.error.as_str()), (0, ""));
    assert!(said.output.starts_with("wrote 13 files into mine;"), "{}", said.output);
    let said = run(&["check", "mine"]);
    assert!(said.status == 0 && said.output.ends_with("no fault in 6 files\n"), "{}", said.output);
    let said = run(&["test", "mine", "--strict"]);
    assert_eq!((said.status, said.output.as_str()), (0, "3 cases: 3 passed, 0 failed\n"));
    assert_eq!(run(&["fmt", "--check", "mine"]).status, 0);
    let input = "mine/cases/order_to_document/placed/input.json";
    let preview = ["preview", "order_to_document", "--dir", "mine", "--input", input, "--why", "Rows.TaxCode"];
    let said = run(&preview);
    assert!(said.status == 0 && said.output.contains("table `tax_codes`"), "{}", said.output);
    // A second one into the same folder would overwrite what was changed since.
    let said = run(&["new", "mine"]);
    assert_eq!(said.error, "mapwright: mine is not empty: name a folder that is not there yet\n");
    assert_eq!(said.status, 2);
}

/// What an analyst gets wrong: each is answered with what is wrong and what was probably meant, and ends with status 2.
#[test]
fn broken_inputs_are_answered_with_what_was_meant() {
    let project = Project::new(SPEC);
    project.write("in.json", r#"{ "id": "1", "name": "Anna", "qty": 2 }"#);
    project.write("number.json", "42");
    project.write("two.json", r#"{ "sources": [ {}, {} ] }"#);
    project.write("empty.json", " \n");
    project.write("half.json", "{ \"id\": \"1\",");
    project.write("list.csv", "id;name\n1;Anna\n");
    project.write("settings.json", "{ \"prefx\": \"X\" }");
    let preview = |arguments: &[&str]| {
        let said = project.run(&[&["preview", "make", "--dir", "one"], arguments].concat(), "");
        assert_eq!((said.status, said.output.as_str()), (2, ""), "{arguments:?}: {}", said.error);
        said.error
    };
    for (arguments, error) in [
        (&["--input", "im.json"][..], "there is no file im.json: did you mean in.json?"),
        (&["--input", "nowhere/in.json"], "there is no file nowhere/in.json: there is no folder nowhere"),
        (&["--input", "one"], "one is a folder: name a file in it"),
        (&["--input", "empty.json"], "empty.json is empty: a record in JSON is expected"),
        (&["--input", "number.json"], "record 1 is a number, where a record is expected: { \"field\": value, ... }"),
        (&["--input", "two.json"], "record 1 holds 2 records, but `make` takes one: write it alone"),
        (
            &["--input", "half.json"],
            "half.json: this is not JSON: the text ends within a record: a `}` is missing (line 1, column 12)",
        ),
        (&["--input", "in.json", "--why", "Title"], "`make` writes no field `Title`: did you mean `title`?"),
        (
            &["--input", "in.json", "--settings", "settings.json"],
            "record 1: settings.json: the project has no setting `prefx`: did you mean `prefix`?",
        ),
        (
            &["--input", "in.json", "--references", "half.json"],
            "half.json: the text ends within a record: a `}` is missing (line 1, column 12)",
        ),
    ] {
        assert_eq!(preview(arguments), format!("mapwright: {error}\n"), "{arguments:?}");
    }
    assert!(preview(&["--input", "list.csv"]).contains("list.csv: this is not JSON: a value is expected"));
    project.write("one/cases/make/none/notes.txt", "nothing yet");
    let said = project.run(&["test", "one"], "");
    assert_eq!(said.error, "mapwright: the case one/cases/make/none has no input.json: put the record into it\n");
    assert_eq!(said.status, 2);
    assert_eq!(project.run(&["fmt", "nowhere"], "").error, "mapwright: there is no nowhere\n");
    assert!(project.run(&["explain", "E04"], "").output.starts_with("E0401  "));
}
