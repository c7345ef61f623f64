//! Gathers the pages of `docs/checks/` into one table, so that `mapwright explain` has every page there is.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/checks").canonicalize()?;
    println!("cargo:rerun-if-changed={}", pages.display());
    let mut files: Vec<PathBuf> =
        fs::read_dir(&pages)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.sort();
    let mut table = String::from("&[\n");
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let code = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if code != "README" {
            table.push_str(&format!("    ({code:?}, include_str!({:?})),\n", path.display().to_string()));
        }
    }
    table.push_str("]\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo gives OUT_DIR"))?;
    fs::write(Path::new(&out).join("pages.rs"), table)
}
