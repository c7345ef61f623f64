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

/// A folder of the corpus.
struct Case {
    name: String,
    texts: CaseTexts,
    checked: Checked,
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

fn corpus() -> Vec<Case> {
    let root = repository().join("tests/corpus");
    let systems: Vec<(String, String)> =
        ["shop", "erp"].map(|alias| (alias.to_owned(), read(&root.join(format!("{alias}.mapspec"))))).to_vec();
    let head = read(&root.join("head.mapspec"));
    let (mut cases, mut unsound) = (Vec::new(), Vec::new());
    for chapter in folders(&root) {
        for folder in folders(&chapter) {
            let specs = vec![
                ("spec.mapspec".to_owned(), read(&folder.join("spec.mapspec"))),
                ("head.mapspec".to_owned(), head.clone()),
            ];
            let checked = Checked::new(&Texts { systems: systems.clone(), specs });
            let name = format!("{}/{}", name(&chapter), name(&folder));
            if !checked.errors.is_empty() {
                unsound.push(format!("{name}:\n{}", checked.said()));
            }
            let files = ["input.json", "references.json", "settings.json", "captured_at.txt", "expected.json"];
            let texts = files
                .iter()
                .map(|file| (*file, folder.join(file)))
                .filter(|(_, path)| path.is_file())
                .map(|(file, path)| (file.to_owned(), read(&path)))
                .collect();
            cases.push(Case { name, texts, checked });
        }
    }
    assert!(unsound.is_empty(), "{}", unsound.join("\n\n"));
    cases
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
        sources: input.sources.iter().map(|source| source.to_text()).collect(),
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
    let cases = corpus();
    assert!(cases.len() > 30, "the corpus is there");
    let codes: Vec<String> =
        cases.iter().map(|case| mapwright_codegen::emit(&case.checked.model, &case.checked.files)).collect();
    let (mut program, refused) = Program::new("corpus", &codes);
    let mut faults: Vec<String> =
        refused.iter().map(|one| format!("{}: rustc says\n{}", cases[one.index].name, one.said)).collect();
    for (index, case) in cases.iter().enumerate() {
        let (model, files) = (&case.checked.model, &case.checked.files);
        let preview = Preview::new(model, files);
        let [mapping] = model.mappings.as_slice() else { panic!("{}: a case has one mapping", case.name) };
        let verdict = run_case(&case.texts, &preview.settings(), |input| preview.map(mapping, input));
        faults.extend(fault(&case.name, "preview", verdict));
        if refused.iter().all(|one| one.index != index) {
            let mut known = Known::default();
            let verdict = run_case(&case.texts, &preview.settings(), |input| {
                ask(&mut program, index, &mapping.name, input, &mut known)
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
