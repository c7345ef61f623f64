//! Parses files side by side: each is read by itself. In: files. Out: their trees and faults, in the order of the files.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use mapwright_syntax::tree::Tree;
use mapwright_syntax::{Diagnostic, FileId, Files, parse};

/// Less text than this, in bytes, is parsed before threads would have begun.
const WORTH_THREADS: usize = 32 * 1024;
/// More threads would wait for memory only.
const THREADS_MAX: usize = 8;

/// What was read of a file, and what could not be.
type Parsed = (Tree, Vec<Diagnostic>);

/// Parses all files.
pub(crate) fn parse_all(files: &Files, ids: &[FileId]) -> Vec<Parsed> {
    let text = |id: FileId| files.get(id).map(|file| file.text.as_str()).unwrap_or_default();
    let bytes: usize = ids.iter().map(|id| text(*id).len()).sum();
    let threads = thread::available_parallelism().map_or(1, usize::from).min(ids.len()).min(THREADS_MAX);
    if bytes < WORTH_THREADS || threads < 2 {
        return ids.iter().map(|id| parse(*id, text(*id))).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done: Vec<(usize, Parsed)> = Vec::new();
        while let Some((at, id)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, *ids.get(at)?))) {
            done.push((at, parse(id, text(id))));
        }
        done
    };
    let mut parsed: Vec<(usize, Parsed)> = Vec::with_capacity(ids.len());
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
