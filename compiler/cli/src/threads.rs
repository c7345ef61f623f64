//! The threads that share the work on a project. In: how much there is to read. Out: a pool for the whole process.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::thread::available_parallelism;

use rayon::ThreadPoolBuilder;

/// Less text than this, in bytes, is checked before a second thread would have begun.
const WORTH_THREADS: u64 = 32 * 1024;
/// Up to this much text, two threads are enough, however many cores there are: to ask for them takes files of the system's.
const WORTH_ASKING: u64 = 512 * 1024;
/// More threads would wait for memory only.
const THREADS_MAX: usize = 8;

/// Makes as many threads as the specs in a folder are worth. The first call settles it; this thread works with the others, so that one
/// thread alone is none at all.
pub(crate) fn make_for(dir: &Path) {
    let threads = match bytes_of_specs(dir) {
        ..WORTH_THREADS => 1,
        WORTH_THREADS..WORTH_ASKING => 2,
        _ => available_parallelism().map_or(1, usize::from).min(THREADS_MAX),
    };
    // A pool that is there already, or that the system refuses, is no fault: whoever needs one makes it then.
    let _settled = ThreadPoolBuilder::new().num_threads(threads).use_current_thread().build_global();
}

/// What cannot be read is told by who reads it.
fn bytes_of_specs(dir: &Path) -> u64 {
    let specs = fs::read_dir(dir).into_iter().flatten().flatten();
    let specs = specs.filter(|entry| entry.path().extension() == Some(OsStr::new("mapspec")));
    specs.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_specs_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.mapspec"), "rounding up\n").unwrap();
        fs::write(dir.path().join("b.mapspec"), "# b\n").unwrap();
        fs::write(dir.path().join("c.csv"), "long;long;long\n").unwrap();
        assert_eq!(bytes_of_specs(dir.path()), 16);
        assert_eq!(bytes_of_specs(&dir.path().join("gone")), 0);
    }
}
