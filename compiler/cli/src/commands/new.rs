//! `mapwright new`: a project folder to begin with, which checks and whose cases pass.
//!
//! In: a folder that is not there, or is empty. Out: the files of `template/`, and what to try next. It overwrites nothing.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::Answer;
use crate::report::{Status, Stream, counted};

/// A file of a new project.
struct File {
    name: &'static str,
    text: &'static str,
}

const fn file(name: &'static str, text: &'static str) -> File {
    File { name, text }
}

/// The files of a new project.
const FILES: &[File] = &[
    file("README.md", include_str!("../../template/README.md")),
    file(
        "cases/order_to_document/placed/expected.json",
        include_str!("../../template/cases/order_to_document/placed/expected.json"),
    ),
    file(
        "cases/order_to_document/placed/input.json",
        include_str!("../../template/cases/order_to_document/placed/input.json"),
    ),
    file(
        "cases/order_to_document/to_nowhere/expected.json",
        include_str!("../../template/cases/order_to_document/to_nowhere/expected.json"),
    ),
    file(
        "cases/order_to_document/to_nowhere/input.json",
        include_str!("../../template/cases/order_to_document/to_nowhere/input.json"),
    ),
    file(
        "cases/order_to_document/without_lines/expected.json",
        include_str!("../../template/cases/order_to_document/without_lines/expected.json"),
    ),
    file(
        "cases/order_to_document/without_lines/input.json",
        include_str!("../../template/cases/order_to_document/without_lines/input.json"),
    ),
    file("orders.mapspec", include_str!("../../template/orders.mapspec")),
    file("project.mapspec", include_str!("../../template/project.mapspec")),
    file("systems/accounts/catalogue.mapspec", include_str!("../../template/systems/accounts/catalogue.mapspec")),
    file("systems/accounts/connector.yaml", include_str!("../../template/systems/accounts/connector.yaml")),
    file("systems/web-shop/catalogue.mapspec", include_str!("../../template/systems/web-shop/catalogue.mapspec")),
    file("systems/web-shop/connector.yaml", include_str!("../../template/systems/web-shop/connector.yaml")),
];

pub(crate) fn run(dir: &Path) -> Answer {
    let shown = dir.display();
    match fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(format!("{shown} is not empty: name a folder that is not there yet"));
            }
        }
        Err(why) if why.kind() == ErrorKind::NotFound => {}
        Err(_) => return Err(format!("{shown} is no folder that can be used: name one that is not there yet")),
    }
    for File { name, text } in FILES {
        let path = dir.join(name);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        written.map_err(|why| format!("{} cannot be written: {why}", path.display()))?;
    }
    Stream::Output.say(format_args!(
        "wrote {} into {shown}; README.md there says what each is for",
        counted(FILES.len(), "file")
    ));
    Stream::Output.say(format_args!("\ntry:\n  cd {shown}\n  mapwright check\n  mapwright test"));
    Ok(Status::Good)
}
