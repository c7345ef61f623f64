//! A system's samples against its catalogue. In: a system that was checked, and its folder. Out: faults, each at the sample's line of
//! the index, with the file and the JSON pointer.

use std::path::Path;

use mapwright_manifest::{Manifest, Verb};
use mapwright_project::Sample;
use mapwright_sandbox::derived::{SavedAnswer, SavedRecords, Schema};
use mapwright_syntax::Diagnostic;

use super::{Checked, sandbox};

/// How many faults of one sample are told: those beyond are mostly more of the same.
const TOLD_MAX: usize = 20;

/// Reads the samples; what does not fit joins the faults.
pub(crate) fn check(checked: &mut Checked, folder: &Path) {
    let before = checked.loaded.diagnostics.len();
    let samples = mapwright_project::samples(&mut checked.loaded, folder);
    let mut found = checked.loaded.diagnostics.split_off(before);
    // A manifest that cannot be read has been told as a fault of its own.
    if let [system, ..] = checked.model.systems.as_slice()
        && let Ok(manifest) = Manifest::parse(&system.manifest, "connector.yaml")
    {
        let schema = sandbox::schema(&checked.model, system);
        found.extend(samples.iter().flat_map(|sample| faults(sample, &schema, &manifest)));
        checked.samples = samples.iter().filter(|sample| sample.reads.is_some()).count();
    }
    checked.diagnostics.extend(found);
    mapwright_syntax::render::sort(&mut checked.diagnostics);
}

fn faults(sample: &Sample, schema: &Schema, manifest: &Manifest) -> Vec<Diagnostic> {
    let wrong = |words: String| Diagnostic::error("E0705", sample.span, words);
    if sample.operation != "log_in" && schema.entity(&sample.entity).is_none() {
        let words = format!("the catalogue has no entity and no action `{}`", sample.entity);
        return vec![wrong(words).here("named here")];
    }
    let (Some(verb), Some(wanted)) = (Verb::of(&sample.operation), sample.reads.filter(|wanted| *wanted > 0)) else {
        return Vec::new();
    };
    let saved = SavedAnswer { verb, entity: &sample.entity, text: &sample.text, left_out: &sample.left_out };
    let file = &sample.file;
    let SavedRecords { count, misfits } = match schema.read_saved(manifest, &saved) {
        Ok(records) => records,
        Err(words) => return vec![wrong(format!("the sample `{file}` cannot be read")).here(words)],
    };
    let mut found = Vec::new();
    if count != wanted {
        let place = "look at `records` or `record` of the operation in the manifest, or correct `reads`";
        found.push(
            wrong(format!("the sample `{file}` holds {count} of {}, and {wanted} are expected", sample.entity))
                .here("named here")
                .help(place),
        );
    }
    for misfit in misfits.iter().take(TOLD_MAX) {
        found.push(
            wrong(format!("the sample `{file}` does not fit the catalogue"))
                .here(format!("{file}{}: {}", misfit.pointer, misfit.words))
                .help(format!(
                    "correct the entity `{}` of the catalogue; a field that no mapping will need may stand under `left_out` here",
                    sample.entity
                )),
        );
    }
    if misfits.len() > TOLD_MAX {
        found
            .push(wrong(format!("{} more places of `{file}` do not fit", misfits.len() - TOLD_MAX)).here("named here"));
    }
    found
}
