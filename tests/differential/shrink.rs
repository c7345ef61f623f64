//! Disagreements, made small and told. In: a spec, and whether a smaller one still shows the fault. Out: what a person needs to see.

use std::collections::HashSet;

use crate::previewed;
use crate::program::Program;
use crate::project::Checked;
use crate::spec::Spec;
use crate::wire::Question;

/// The spec without every line that the fault does not need.
pub(crate) fn smaller(spec: &Spec, mut still: impl FnMut(&Checked) -> bool) -> Spec {
    let mut spec = spec.clone();
    loop {
        let before = spec.count();
        let mut number = before;
        while number > 0 {
            number -= 1;
            let candidate = spec.without(&HashSet::from([number]));
            if candidate.count() == spec.count() {
                continue;
            }
            let checked = Checked::new(&candidate.texts());
            if checked.errors.is_empty() && !checked.model.mappings.is_empty() && still(&checked) {
                spec = candidate;
                number = number.min(spec.count());
            }
        }
        if spec.count() == before {
            return spec;
        }
    }
}

/// A disagreement about one question, with a spec as small as it gets.
pub(crate) fn disagreement(seed: u64, spec: &Spec, question: &Question) -> String {
    let question = Question { spec: 0, ..question.clone() };
    let both = |checked: &Checked| {
        let code = mapwright_codegen::emit(&checked.model, &checked.files);
        let (mut program, refused) = Program::new("smaller", &[code]);
        refused.is_empty().then(|| (previewed(checked, &question), program.ask(&question)))
    };
    let spec = smaller(spec, |checked| both(checked).is_some_and(|(preview, generated)| preview != generated));
    let (preview, generated) = both(&Checked::new(&spec.texts())).unwrap_or_default();
    format!(
        "{}\nsources: {}\nsettings: {}\nanswers: {:?}\n\npreview:   {preview}\ngenerated: {generated}",
        told(seed, &spec),
        question.sources.join("\n"),
        question.settings,
        question.answers,
    )
}

fn told(seed: u64, spec: &Spec) -> String {
    let systems: Vec<&str> = spec.systems.iter().map(|(_, text)| text.as_str()).collect();
    format!("seed {seed}\n{}\n{}", systems.join("\n"), spec.text())
}
