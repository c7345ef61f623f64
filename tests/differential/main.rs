//! Preview and generated code give the same outcome, byte for byte, rejections included.
//!
//! Random well-typed specs are drawn (`spec`), compiled into one program (`program`), and both back ends map random inputs (`input`),
//! round by round as references are answered. What they disagree on is shrunk (`shrink`) and shown; each disagreement that was ever
//! found has become a case of `tests/corpus`, which `corpus` runs through both back ends too.
//!
//! More than the usual run, or another one:
//!
//! ```text
//! MAPWRIGHT_DIFFERENTIAL_SPECS=300 MAPWRIGHT_DIFFERENTIAL_INPUTS=1000 MAPWRIGHT_DIFFERENTIAL_SEED=7 \
//!     cargo test -p mapwright-tests --test differential -- --nocapture
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test: what is not as expected ends it"
)]

mod calm;
mod corpus;
mod draw;
mod forms;
mod input;
mod layout;
mod program;
mod project;
mod shrink;
mod spec;
mod wire;

use std::collections::BTreeMap;
use std::time::Instant;

use mapwright_model::ir::{Model, Spelling};
use mapwright_preview::Preview;
use mapwright_values::{Outcome, Reference};

use crate::draw::Draw;
use crate::input::Inputs;
use crate::program::Program;
use crate::project::Checked;
use crate::spec::Spec;
use crate::wire::{Question, answer, outcome};

/// Specs of the usual run.
const SPECS: usize = 60;
/// Inputs of each.
const INPUTS: usize = 200;
/// How often references are answered for one input.
const ROUNDS: usize = 4;
/// How many disagreements of a run are made small before they are shown, which takes a while.
const SHOWN: usize = 1;

/// A spec that checks, and what both back ends make of it.
struct Drawn {
    seed: u64,
    spec: Spec,
    checked: Checked,
}

fn environment(name: &str, usual: usize) -> usize {
    #[allow(clippy::disallowed_methods, reason = "a longer run is asked for by the environment")]
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// The kind of outcome that a line says: `Mapped`, `Rejected`...
fn kind_of(said: &str) -> &str {
    said.get(2..).and_then(|text| text.split('"').next()).unwrap_or_default()
}

/// What the preview says.
fn previewed(checked: &Checked, question: &Question) -> String {
    let preview = Preview::new(&checked.model, &checked.files);
    let mapping = checked.model.mapping(&question.mapping).expect("a mapping");
    answer(question, |input| preview.map(mapping, input))
}

/// Draws specs until `count` of them check.
fn specs(count: usize, seed: u64) -> Vec<Drawn> {
    let (mut drawn, mut tried, mut whole, mut pieces, mut refused) = (Vec::new(), 0_u64, 0, 0, 0);
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    while drawn.len() < count {
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(tried);
        tried += 1;
        let spec = spec::draw(seed);
        pieces += spec.count();
        for error in &Checked::new(&spec.texts()).errors {
            *codes.entry(error.code).or_default() += 1;
        }
        if let Some((spec, checked, faulty)) = spec.pruned() {
            refused += faulty;
            whole += usize::from(faulty == 0);
            // One spec of five stays as hostile as it was drawn.
            let (spec, checked) =
                if tried.is_multiple_of(5) { (spec, checked) } else { calm::calmed(spec, checked, seed) };
            drawn.push(Drawn { seed, spec, checked });
        }
    }
    println!(
        "{tried} specs drawn, {} accepted after pruning, {whole} as drawn; {} % of {pieces} lines accepted at once; refused: {codes:?}",
        drawn.len(),
        (pieces - refused) * 100 / pieces.max(1)
    );
    drawn
}

/// The questions of one input, round by round.
fn questions(model: &Model, checked: &Checked, index: usize, (draw, wild): (Draw, usize)) -> Vec<(Question, String)> {
    let mut inputs = Inputs { model, draw, wild, depth: 0 };
    let mapping = &model.mappings[0];
    let types: Vec<_> = mapping.sources.iter().map(|source| mapping.locals[source.local.0].ty.clone()).collect();
    let mut question = Question {
        spec: index,
        mapping: mapping.name.clone(),
        sources: types.iter().map(|source| inputs.value(source, &Spelling::Plain)).collect(),
        settings: inputs.settings(),
        answers: Vec::new(),
        captured_at: "2026-03-29T01:30:00Z".to_owned(),
    };
    let mut asked = Vec::new();
    for _ in 0..ROUNDS {
        let said = previewed(checked, &question);
        asked.push((question.clone(), said.clone()));
        let Outcome::Wants(wanted) = (if said.starts_with("{\"Wants\"") { outcome(&said) } else { break }) else {
            break;
        };
        let answers: Vec<(Reference, _)> = wanted
            .into_iter()
            .filter_map(|reference| inputs.answer(&reference).map(|answer| (reference, answer)))
            .collect();
        if answers.is_empty() {
            break;
        }
        question.answers.extend(answers);
    }
    asked
}

#[test]
fn preview_and_generated_code_agree() {
    let (count, inputs) =
        (environment("MAPWRIGHT_DIFFERENTIAL_SPECS", SPECS), environment("MAPWRIGHT_DIFFERENTIAL_INPUTS", INPUTS));
    let seed = environment("MAPWRIGHT_DIFFERENTIAL_SEED", 1) as u64;
    let begun = Instant::now();
    let drawn = specs(count, seed);
    let seldom = forms::seldom(&drawn);
    println!("specs after {:.1} s", begun.elapsed().as_secs_f32());
    let codes: Vec<String> =
        drawn.iter().map(|one| mapwright_codegen::emit(&one.checked.model, &one.checked.files)).collect();
    let (mut program, refused) = Program::new("random", &codes);
    println!("program after {:.1} s", begun.elapsed().as_secs_f32());
    let mut faults = Vec::new();
    let shown = environment("MAPWRIGHT_DIFFERENTIAL_SHOWN", SHOWN);
    for one in &refused {
        let drawn = &drawn[one.index];
        faults.push(format!(
            "seed {}\n{}\nrustc refuses what is generated:\n{}",
            drawn.seed,
            drawn.spec.text(),
            one.said
        ));
    }
    let (mut pairs, mut shrunk) = (0, 0);
    let (mut kinds, mut ends) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
    for (index, one) in
        drawn.iter().enumerate().filter(|(index, _)| refused.iter().all(|refused| refused.index != *index))
    {
        let mut asked = Vec::new();
        for number in 0..inputs {
            let mut draw = Draw::new(one.seed.wrapping_mul(7_777_777).wrapping_add(number as u64));
            // Mostly sound, or hostile.
            let wild = *draw.choose(&[0, 0, 0, 0, 0, 0, 0, 1, 3, 8]);
            let rounds = questions(&one.checked.model, &one.checked, index, (draw, wild));
            let last = rounds.last().map(|(_, said)| kind_of(said).to_owned()).unwrap_or_default();
            *ends.entry(last).or_default() += 1;
            asked.extend(rounds);
        }
        let (asked, expected): (Vec<Question>, Vec<String>) = asked.into_iter().unzip();
        let found = program.ask_all(&asked);
        pairs += asked.len();
        for ((question, preview), generated) in asked.iter().zip(&expected).zip(&found) {
            let kind = kind_of(preview);
            *kinds.entry(kind.to_owned()).or_default() += 1;
            if preview != generated || kind == "Panicked" {
                faults.push(if shrunk < shown {
                    shrunk += 1;
                    shrink::disagreement(one.seed, &one.spec, question)
                } else {
                    format!("seed {}: {question:?}\npreview:   {preview}\ngenerated: {generated}", one.seed)
                });
                break;
            }
        }
    }
    println!(
        "{pairs} pairs in {:.1} s: {kinds:?}; at the end {ends:?}; {} disagreements",
        begun.elapsed().as_secs_f32(),
        faults.len()
    );
    assert!(faults.is_empty(), "preview and generated code disagree\n\n{}", faults.join("\n\n----------\n\n"));
    assert!(pairs >= count * inputs, "every input is mapped at least once");
    let usual = count >= SPECS && inputs >= INPUTS;
    assert!(seldom.is_empty() || !usual, "too seldom drawn:\n{}", seldom.join("\n"));
    // A generator whose records nearly all end alike compares little.
    let all: usize = ends.values().sum();
    for (kind, least) in [("Mapped", 400), ("Rejected", 100), ("Skipped", 5)] {
        let share = ends.get(kind).copied().unwrap_or_default() * 1_000 / all.max(1);
        assert!(share >= least, "{share} of 1,000 inputs end as {kind}, at least {least} should: {ends:?}");
    }
}

#[test]
fn formatting_changes_no_drawn_spec() {
    let count = environment("MAPWRIGHT_DIFFERENTIAL_FORMATTED", 16);
    let seed = environment("MAPWRIGHT_DIFFERENTIAL_SEED", 2026) as u64;
    let mut draw = Draw::new(seed);
    let drawn = specs(count, seed.wrapping_add(1));
    let read: usize = drawn
        .iter()
        .map(|drawn| (0..6).filter(|_| layout::holds(&drawn.spec, &drawn.checked, &mut draw)).count())
        .sum();
    // Comments and breaks are put in where they may stand; few texts are read otherwise than meant.
    assert!(read * 10 >= count * 6 * 9, "only {read} of {} shaken specs could be read", count * 6);
}
