//! The conformance corpus and the shipped integration's cases, through the preview and through generated code.
//!
//! In: folders of cases. Out: nothing, or every case that one of the two gets wrong, by path.

use std::path::{Path, PathBuf};

use mapwright_preview::Preview;
use mapwright_preview::cases::{CaseTexts, Verdict, run_case};
use mapwright_tests::{integration, repository};
use mapwright_values::{Input, Outcome};

use crate::program::Program;
use crate::project::{Checked, Texts};
use crate::wire::{Answer, Question, outcome};

/// A spec of the corpus.
struct Topic {
    name: String,
    checked: Checked,
}

/// One of its inputs.
struct Case {
    name: String,
    texts: CaseTexts,
    /// Of which topic.
    topic: usize,
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(of).unwrap_or_else(|error| panic!("{}: {error}", of.display()));
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a folder that have one of these names.
fn files(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file());
    let mut found: Vec<(String, String)> =
        paths.filter(|path| wanted(&name(path))).map(|path| (name(&path), read(&path))).collect();
    found.sort();
    found
}

/// The cases of a topic: its folder is one, or each folder in it is.
fn cases_of(folder: &Path, topic: usize) -> Vec<Case> {
    const FILES: [&str; 5] = ["input.json", "references.json", "settings.json", "captured_at.txt", "expected.json"];
    let case = |path: &Path, name: String| Case {
        name,
        texts: files(path, |file| FILES.contains(&file)).into_iter().collect(),
        topic,
    };
    let within = folders(folder);
    if within.is_empty() {
        return vec![case(folder, name(folder))];
    }
    assert!(!folder.join("input.json").is_file(), "{}: an input stands beside folders of cases", folder.display());
    within.iter().map(|path| case(path, format!("{}/{}", name(folder), name(path)))).collect()
}

fn corpus() -> (Vec<Topic>, Vec<Case>) {
    let root = repository().join("tests/corpus");
    let systems: Vec<(String, String)> =
        ["shop", "erp"].map(|alias| (alias.to_owned(), read(&root.join(format!("{alias}.mapspec"))))).to_vec();
    let head = read(&root.join("head.mapspec"));
    let (mut topics, mut cases, mut unsound) = (Vec::new(), Vec::new(), Vec::new());
    for group in folders(&root) {
        for folder in folders(&group) {
            let mut specs = files(&folder, |file| file.ends_with(".mapspec"));
            specs.push(("head.mapspec".to_owned(), head.clone()));
            let csv = files(&folder, |file| file.ends_with(".csv"));
            let checked = Checked::new(&Texts { systems: systems.clone(), specs, csv });
            let group = name(&group);
            if !checked.errors.is_empty() {
                unsound.push(format!("{group}/{}:\n{}", name(&folder), checked.said()));
            }
            let named = |case: Case| Case { name: format!("{group}/{}", case.name), ..case };
            cases.extend(cases_of(&folder, topics.len()).into_iter().map(named));
            topics.push(Topic { name: format!("{group}/{}", name(&folder)), checked });
        }
    }
    assert!(unsound.is_empty(), "{}", unsound.join("\n\n"));
    (topics, cases)
}

/// What came out becomes what is expected, for whoever has looked at it.
fn accept(case: &Case, verdict: &Verdict) {
    #[allow(clippy::disallowed_methods, reason = "asked for by the environment")]
    let asked = std::env::var_os("UPDATE_CORPUS").is_some();
    if let (true, Verdict::New { accept } | Verdict::Differs { accept, .. }) = (asked, verdict) {
        let path = repository().join("tests/corpus").join(&case.name).join("expected.json");
        std::fs::write(&path, accept).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// Asks the program what a case's mapping makes of an input.
fn ask(program: &mut Program, spec: usize, mapping: &str, input: &Input<'_>, known: &mut Known) -> Outcome {
    let answers = known.0.iter().filter_map(|reference| {
        let answer = match input.references.get(reference)? {
            mapwright_values::Resolved::Found(records) => {
                Answer::Found(records.iter().map(|one| one.to_text()).collect())
            }
            mapwright_values::Resolved::Linked(key) => Answer::Linked(key.clone()),
        };
        Some((reference.clone(), answer))
    });
    let question = Question {
        spec,
        mapping: mapping.to_owned(),
        sources: input.sources.whole().iter().map(|source| source.to_text()).collect(),
        settings: input.settings.to_text(),
        answers: answers.collect(),
        captured_at: input.captured_at.to_string(),
    };
    let said = outcome(&program.ask(&question));
    if let Outcome::Wants(wanted) = &said {
        known.0.extend(wanted.iter().cloned());
    }
    said
}

/// The references that a case was asked so far: their answers are looked up among those of the input.
#[derive(Default)]
struct Known(Vec<mapwright_values::Reference>);

/// What is wrong with a verdict.
fn fault(name: &str, side: &str, verdict: Verdict) -> Option<String> {
    Some(match verdict {
        Verdict::Passed => return None,
        Verdict::Differs { differences, accept: _ } => {
            let lines: Vec<String> = differences.iter().map(|difference| format!("  {difference}")).collect();
            format!("{name}, {side}:\n{}", lines.join("\n"))
        }
        Verdict::New { accept } => format!("{name}, {side}: no expected.json; it gave\n{accept}"),
        Verdict::Broken(said) => format!("{name}, {side}: {said}"),
    })
}

#[test]
fn the_corpus_holds_in_preview_and_generated_code() {
    let (topics, cases) = corpus();
    assert!(cases.len() > 30, "the corpus is there");
    let codes: Vec<String> =
        topics.iter().map(|topic| mapwright_codegen::emit(&topic.checked.model, &topic.checked.files)).collect();
    let (mut program, refused) = Program::new("corpus", &codes);
    let mut faults: Vec<String> =
        refused.iter().map(|one| format!("{}: rustc says\n{}", topics[one.index].name, one.said)).collect();
    for case in &cases {
        let (model, files) = (&topics[case.topic].checked.model, &topics[case.topic].checked.files);
        let preview = Preview::new(model, files);
        let [mapping] = model.mappings.as_slice() else { panic!("{}: a case has one mapping", case.name) };
        let verdict = run_case(&case.texts, &preview.settings(), |input| preview.map(mapping, input));
        accept(case, &verdict);
        faults.extend(fault(&case.name, "preview", verdict));
        if refused.iter().all(|one| one.index != case.topic) {
            let mut known = Known::default();
            let verdict = run_case(&case.texts, &preview.settings(), |input| {
                ask(&mut program, case.topic, &mapping.name, input, &mut known)
            });
            faults.extend(fault(&case.name, "generated code", verdict));
        }
    }
    assert!(faults.is_empty(), "{} faults\n\n{}", faults.len(), faults.join("\n\n"));
}

#[test]
fn the_shipped_cases_hold_in_generated_code() {
    let folder = integration();
    let loaded = mapwright_project::load(&folder).expect("the integration");
    let (model, _) = mapwright_model::check(&loaded.project);
    let (mut program, refused) = Program::new("shipped", &[mapwright_codegen::emit(&model, &loaded.project.files)]);
    assert!(refused.is_empty(), "{refused:?}");
    let preview = Preview::new(&model, &loaded.project.files);
    let cases = mapwright_project::cases(&folder).expect("its cases");
    assert!(!cases.is_empty(), "the integration has cases");
    let mut faults = Vec::new();
    for case in &cases {
        let mut known = Known::default();
        let verdict =
            run_case(&case.texts, &preview.settings(), |input| ask(&mut program, 0, &case.mapping, input, &mut known));
        faults.extend(fault(&format!("{}/{}", case.mapping, case.name), "generated code", verdict));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}
