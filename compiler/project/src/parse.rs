//! Reads files side by side: each is read by itself. In: files. Out: their trees, manifests and faults, in the order of the files.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use mapwright_manifest::{Manifest, ManifestFault};
use mapwright_syntax::tree::Tree;
use mapwright_syntax::{Diagnostic, FileId, Files, parse};

use crate::{CATALOGUE, MANIFEST, SYSTEMS, disk};

/// Less text than this, in bytes, is read before threads would have begun.
const WORTH_THREADS: usize = 32 * 1024;
/// Up to this much text, two threads are enough, however many cores there are: to ask for them takes files of the system's.
const WORTH_ASKING: usize = 512 * 1024;
/// More threads would wait for memory only.
const THREADS_MAX: usize = 8;

/// A file to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Job<'d> {
    /// Specs or a catalogue.
    Specs(FileId),
    /// A connector manifest; those that it extends are searched for from the folder on.
    Manifest(FileId, &'d Path),
}

/// What was read of a file, and what could not be.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// Specs or a catalogue.
    Specs(Tree, Vec<Diagnostic>),
    /// A manifest, and the manifests that it extends.
    Manifest(FileId, Box<Result<Manifest, Vec<ManifestFault>>>, Vec<Extended>),
}

/// A manifest that another one extends.
#[derive(Debug)]
pub(crate) struct Extended {
    /// As messages show it.
    pub(crate) shown: String,
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// What stands in it.
    pub(crate) text: String,
}

/// Reads all files.
pub(crate) fn parse_all(files: &Files, jobs: &[Job<'_>]) -> Vec<Parsed> {
    let size = |job: &Job<'_>| {
        let (Job::Specs(id) | Job::Manifest(id, _)) = job;
        files.get(*id).map_or(0, |file| file.text.len())
    };
    let all: usize = jobs.iter().map(size).sum();
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let threads = if all < WORTH_ASKING { 2 } else { cores() }.min(jobs.len()).min(THREADS_MAX);
    if all < WORTH_THREADS || threads < 2 {
        return jobs.iter().map(|job| parse_one(files, *job)).collect();
    }
    // The largest first: what is begun last should not be waited for.
    let mut order: Vec<(usize, Job<'_>)> = jobs.iter().copied().enumerate().collect();
    order.sort_by_key(|(_, job)| std::cmp::Reverse(size(job)));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done: Vec<(usize, Parsed)> = Vec::new();
        while let Some((at, job)) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((*at, parse_one(files, *job)));
        }
        done
    };
    let mut parsed: Vec<(usize, Parsed)> = Vec::with_capacity(jobs.len());
    thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        parsed.extend(work());
        for worker in workers {
            match worker.join() {
                Ok(done) => parsed.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    parsed.sort_by_key(|(at, _)| *at);
    parsed.into_iter().map(|(_, parsed)| parsed).collect()
}

fn parse_one(files: &Files, job: Job<'_>) -> Parsed {
    match job {
        Job::Specs(id) => {
            let (tree, faults) = parse(id, files.get(id).map_or("", |file| file.text.as_str()));
            Parsed::Specs(tree, faults)
        }
        Job::Manifest(id, dir) => {
            let (shown, text) = files.get(id).map_or(("", ""), |file| (file.path.as_str(), file.text.as_str()));
            let extended = std::cell::RefCell::new(Vec::new());
            let below = |name: &str| {
                let path = disk::system_folder(dir, SYSTEMS, name, CATALOGUE)?.join(MANIFEST);
                let text = disk::read_text(&path).ok()?;
                let shown = format!("{name}/{MANIFEST}");
                extended.borrow_mut().push(Extended { shown, path, text: text.clone() });
                Some(text)
            };
            let manifest = Manifest::parse_over(text, shown, &below);
            Parsed::Manifest(id, Box::new(manifest), extended.into_inner())
        }
    }
}
