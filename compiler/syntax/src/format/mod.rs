//! The one style of specs.
//!
//! In: the text of a file that can be read. Out: the same definitions, statements and comments in the one style. It
//! changes blanks, line ends and `;` only: numbers, texts, names and comments stay as they are written.

mod columns;
mod layout;
mod print;
mod spacing;

use crate::diagnostic::{Diagnostic, Severity};
use crate::parse::{joined_lines, parse};
use crate::span::FileId;
use crate::tokens::tokens;
use crate::tree::Tree;

/// The width beyond which a line is broken, in characters.
pub(crate) const WIDTH_MAX: usize = 120;

/// A file in the one style; formatting the result once more changes nothing.
///
/// # Errors
///
/// What cannot be read is not formatted: the diagnostics say why.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let (_, diagnostics) = parse(FileId::default(), text);
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(diagnostics);
    }
    let tokens = tokens(text);
    let joined = joined_lines(text, &tokens);
    let items = layout::items_of_file(text, &tokens, &joined);
    Ok(print::file(items))
}

/// Do two trees say the same? Places do not count, and of comments only their texts do.
#[must_use]
pub fn same_meaning(one: &Tree, other: &Tree) -> bool {
    let comments = |tree: &Tree| tree.comments.iter().map(|comment| comment.text.clone()).collect::<Vec<_>>();
    let definitions = |tree: &Tree| without_spans(&format!("{:?}", tree.definitions));
    comments(one) == comments(other) && definitions(one) == definitions(other)
}

/// Every node derives `Debug`, so that no node can be forgotten here.
fn without_spans(shown: &str) -> String {
    let mut parts = shown.split("Span { file: FileId(");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(part.split_once('}').map_or(part, |(_, behind)| behind));
    }
    kept
}
