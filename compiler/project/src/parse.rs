//! Reads files side by side: each is read by itself. In: files. Out: their trees, manifests and faults, in the order of the files.

use std::path::{Path, PathBuf};

use mapwright_manifest::{Manifest, ManifestFault};
use mapwright_syntax::tree::Tree;
use mapwright_syntax::{Diagnostic, FileId, Files, parse};
use rayon::prelude::*;

use crate::{CATALOGUE, MANIFEST, SYSTEMS, disk};

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
    // The largest first: what is begun last should not be waited for.
    let mut order: Vec<(usize, Job<'_>)> = jobs.iter().copied().enumerate().collect();
    order.sort_by_key(|(_, job)| std::cmp::Reverse(size(job)));
    let mut parsed: Vec<(usize, Parsed)> =
        order.par_iter().with_max_len(1).map(|(at, job)| (*at, parse_one(files, *job))).collect();
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
