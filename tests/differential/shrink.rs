//! Disagreements, made small and told. In: a spec, a question and two answers. Out: what a person needs to see.

use crate::spec::Spec;
use crate::wire::Question;

/// What both said, with the lines of the spec that they differ about.
pub(crate) fn told(seed: u64, spec: &Spec, question: &Question, preview: &str, generated: &str) -> String {
    format!(
        "seed {seed}\n{}\n{}\n\nsources: {}\nsettings: {}\nanswers: {:?}\n\npreview:   {preview}\ngenerated: {generated}",
        spec.systems.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n"),
        spec.texts().spec,
        question.sources.join("\n"),
        question.settings,
        question.answers,
    )
}
