//! Which systems a project uses. In: its specs, as trees or as texts. Out: their names and where they stand, each once, in order.

use mapwright_syntax::tree::{Definition, Text, Tree};
use mapwright_syntax::{FileId, Files, Span};

/// The systems named by `use`.
pub(crate) fn used<'t>(trees: impl Iterator<Item = &'t Tree>) -> Vec<Text> {
    let lines = trees.flat_map(|tree| &tree.definitions).filter_map(|definition| match definition {
        Definition::Use(line) => Some(line.system.clone()),
        _ => None,
    });
    once_each(lines)
}

/// What looks as if it were named by `use`: known before anything is parsed, right in every ordinary project, wrong in some that is not.
pub(crate) fn likely_used(files: &Files, ids: &[FileId]) -> Vec<Text> {
    let lines = ids.iter().flat_map(|id| {
        let text = files.get(*id).map_or("", |file| file.text.as_str());
        let bytes = text.as_bytes();
        let lines =
            memchr::memmem::find_iter(bytes, "use \"").filter(|at| *at == 0 || bytes.get(at - 1) == Some(&b'\n'));
        lines.filter_map(|at| quoted(*id, text, at + "use ".len()))
    });
    once_each(lines)
}

/// The text between the quote at an offset and the next one.
fn quoted(file: FileId, text: &str, at: usize) -> Option<Text> {
    let name = text.get(at..)?.strip_prefix('"')?.split(['"', '\n']).next()?;
    let start = u32::try_from(at).ok()?;
    let end = u32::try_from(at + name.len() + 2).ok()?;
    Some(Text { text: name.to_owned(), span: Span { file, start, end } })
}

fn once_each(names: impl Iterator<Item = Text>) -> Vec<Text> {
    let mut known: Vec<Text> = Vec::new();
    for name in names {
        if known.iter().all(|known| known.text != name.text) {
            known.push(name);
        }
    }
    known
}
