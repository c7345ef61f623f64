//! How long checking, formatting and previewing take, and how that grows: 10, 1,000 and 10,000 field lines.
//!
//! `cargo bench -p mapwright-tests --bench check`. The whole process is measured with the command as released, so that its start counts.
//! What was measured when stands in `docs/performance.md`; `tests/benches/compiler` measures whole processes side by side.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a benchmark: what is not as expected ends it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mapwright_model::ir::Model;
use mapwright_preview::Preview;
use mapwright_preview::cases::{Case, CaseTexts};
use mapwright_project::Loaded;
use mapwright_tests::large::Large;
use mapwright_tests::repository;
use mapwright_values::Outcome;

const LINES: [usize; 3] = [10, 1_000, 10_000];

fn project(folder: &Path, lines: usize) -> PathBuf {
    Large::of(lines).write(&folder.join(lines.to_string())).unwrap()
}

fn loaded(project: &Path) -> (Loaded, Model) {
    let loaded = mapwright_project::load(project).unwrap();
    let (model, faults) = mapwright_model::check(&loaded.project);
    let errors = faults.iter().filter(|fault| fault.severity == mapwright_syntax::Severity::Error);
    assert!(loaded.diagnostics.is_empty() && errors.count() == 0, "the large project must be sound");
    (loaded, model)
}

/// The steps of one check, within a process.
fn steps(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    for lines in LINES {
        let project = project(folder.path(), lines);
        let (known, _) = loaded(&project);
        let mut group = criterion.benchmark_group("step");
        group.throughput(Throughput::Elements(lines as u64)).measurement_time(Duration::from_secs(4)).sample_size(20);
        group.bench_with_input(BenchmarkId::new("load", lines), &project, |bencher, project| {
            bencher.iter(|| mapwright_project::load(project).unwrap());
        });
        group.bench_with_input(BenchmarkId::new("check", lines), &known.project, |bencher, project| {
            bencher.iter(|| mapwright_model::check(project));
        });
        let texts: Vec<&str> = known
            .project
            .files
            .iter()
            .filter(|(_, file)| file.path.ends_with(".mapspec"))
            .map(|(_, file)| file.text.as_str())
            .collect();
        group.bench_with_input(BenchmarkId::new("format", lines), &texts, |bencher, texts| {
            bencher.iter(|| texts.iter().map(|text| mapwright_syntax::format(text).unwrap().len()).sum::<usize>());
        });
        group.finish();
    }
}

/// One record of the first mapping.
fn preview(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), 1_000);
    let (known, model) = loaded(&project);
    let preview = Preview::new(&model, &known.project.files);
    let input = Large::record();
    let texts: CaseTexts = BTreeMap::from([("input.json".to_owned(), input)]);
    let case = Case::read(&texts).unwrap();
    let settings = preview.settings();
    let mapping = model.mappings.first().unwrap();
    criterion.bench_function("preview/50 lines", |bencher| {
        bencher.iter(|| {
            let outcome = case.outcome(&settings, |input| preview.map(mapping, input)).unwrap();
            assert!(matches!(outcome, Outcome::Mapped(_)), "{outcome:?}");
        });
    });
}

/// `mapwright check` and `mapwright fmt --check`, from the start of the process to its end.
fn process(criterion: &mut Criterion) {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--package", "mapwright-cli"])
        .current_dir(repository())
        .status();
    assert!(status.unwrap().success(), "the command cannot be built");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from);
    let command = target.join("release/mapwright");
    let folder = tempfile::tempdir().unwrap();
    let mut group = criterion.benchmark_group("process");
    for lines in LINES {
        let project = project(folder.path(), lines);
        group.throughput(Throughput::Elements(lines as u64)).measurement_time(Duration::from_secs(4)).sample_size(20);
        for arguments in [&["check"][..], &["fmt", "--check"]] {
            group.bench_with_input(BenchmarkId::new(arguments.join(" "), lines), &project, |bencher, project| {
                bencher.iter(|| Command::new(&command).args(arguments).arg(project).output().unwrap());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, steps, preview, process);
criterion_main!(benches);
