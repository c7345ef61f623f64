//! `mapwright test`: the project's cases, through the preview.

use std::fs;
use std::path::Path;

use mapwright_preview::cases::{Verdict, run_case};
use mapwright_preview::{Preview, Unreached, Watch};
use mapwright_project::CaseFiles;

use super::preview::no_mapping;
use super::{Answer, Checked};
use crate::report::{Status, Stream, counted};

#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    accepted: usize,
}

pub(crate) fn run(dir: &Path, accept: bool, strict: bool) -> Answer {
    let checked = Checked::load(dir)?;
    if checked.has_errors() {
        checked.tell_errors();
        return Ok(Status::Faults);
    }
    let cases = mapwright_project::cases(dir).map_err(|fault| fault.to_string())?;
    if cases.is_empty() {
        Stream::Output.say(format_args!("no cases: put one into {}/cases/MAPPING/CASE/input.json", dir.display()));
        return Ok(Status::Good);
    }
    let mut count = Count::default();
    let watch = Watch::for_reach();
    for case in &cases {
        let verdict = judge(&checked, case, &watch);
        settle(case, verdict, accept, &mut count)?;
    }
    let accepted = if count.accepted > 0 { format!(", {} accepted", count.accepted) } else { String::new() };
    let Count { passed, failed, .. } = count;
    Stream::Output.say(format_args!("{}: {passed} passed, {failed} failed{accepted}", counted(cases.len(), "case")));
    let unreached = tell_unreached(&checked, &watch);
    Ok(if failed > 0 || (strict && unreached > 0) { Status::Faults } else { Status::Good })
}

/// Names what no case reaches, and counts it.
fn tell_unreached(checked: &Checked, watch: &Watch) -> usize {
    let unreached = watch.unreached(&checked.model);
    if !unreached.is_empty() {
        Stream::Output.say("reached by no case:");
    }
    for Unreached { span, what } in &unreached {
        let (path, line, _) = checked.files().place(*span);
        Stream::Output.say(format_args!("  {path}:{line}: {what}"));
    }
    unreached.len()
}

fn judge(checked: &Checked, case: &CaseFiles, watch: &Watch) -> Verdict {
    let Some(mapping) = checked.model.mapping(&case.mapping) else {
        return Verdict::Broken(no_mapping(checked, &case.mapping));
    };
    let preview = Preview::new(&checked.model, checked.files());
    run_case(&case.texts, &preview.settings(), |input| preview.map_watched(mapping, input, watch))
}

fn settle(case: &CaseFiles, verdict: Verdict, accept: bool, count: &mut Count) -> Result<(), String> {
    let name = format!("{}/{}", case.mapping, case.name);
    let (text, said) = match verdict {
        Verdict::Passed => {
            count.passed += 1;
            return Ok(());
        }
        Verdict::Broken(fault) => {
            count.failed += 1;
            Stream::Output.say(format_args!("FAILED {name}\n  {}", fault.replace('\n', "\n  ")));
            return Ok(());
        }
        Verdict::Differs { differences, accept } => {
            let lines: Vec<String> = differences.iter().map(|difference| format!("  {difference}")).collect();
            (accept, lines.join("\n"))
        }
        Verdict::New { accept } => (accept, "  has no expected.json: `mapwright test --accept` writes it".to_owned()),
    };
    if accept {
        let path = case.folder.join("expected.json");
        fs::write(&path, text).map_err(|why| format!("{} cannot be written: {why}", path.display()))?;
        count.accepted += 1;
        Stream::Output.say(format_args!("accepted {name}"));
    } else {
        count.failed += 1;
        Stream::Output.say(format_args!("FAILED {name}\n{said}"));
    }
    Ok(())
}
