//! Specs made calm: lines that refuse nearly every record are taken away, so that most sound records are mapped to their end.
//!
//! In: a drawn spec. Out: the spec without the lines that stop more than one sound input of six.

use std::collections::{BTreeMap, HashSet};

use mapwright_values::Outcome;

use crate::draw::Draw;
use crate::project::{Checked, SPEC};
use crate::questions;
use crate::spec::Spec;
use crate::wire::outcome;

/// Sound inputs that are tried a round.
const INPUTS: usize = 12;
/// How often lines are taken away.
const ROUNDS: usize = 5;

/// The lines that stopped an input, each once.
fn stopped(said: &str) -> HashSet<u32> {
    let lines = match outcome(said) {
        Outcome::Rejected(rejections) => rejections.into_iter().map(|rejection| rejection.at).collect(),
        Outcome::Skipped { at, .. } => vec![at],
        Outcome::Mapped(_) | Outcome::Wants(_) | Outcome::Waiting(_) => Vec::new(),
    };
    lines.into_iter().filter(|at| at.file == SPEC).map(|at| at.line).collect()
}

/// The spec without what stops most records.
pub(crate) fn calmed(mut spec: Spec, mut checked: Checked, seed: u64) -> (Spec, Checked) {
    for round in 0..ROUNDS {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for number in 0..INPUTS {
            let draw = Draw::new(seed.wrapping_mul(31).wrapping_add((round * INPUTS + number) as u64));
            let asked = questions(&checked.model, &checked, 0, (draw, 0));
            for line in asked.last().map(|(_, said)| stopped(said)).unwrap_or_default() {
                *counts.entry(line).or_default() += 1;
            }
        }
        let often: HashSet<u32> =
            counts.into_iter().filter(|(_, count)| count * 6 > INPUTS).map(|(line, _)| line).collect();
        let smaller = spec.without_lines(&often);
        if often.is_empty() || smaller.count() == spec.count() {
            break;
        }
        let Some((smaller, sound, _)) = smaller.pruned() else { break };
        (spec, checked) = (smaller, sound);
    }
    (spec, checked)
}
