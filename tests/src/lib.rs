//! What the tests that cross crates share: where the repository is.

use std::path::PathBuf;

/// The repository's folder.
#[must_use]
pub fn repository() -> PathBuf {
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.pop();
    folder
}
