//! Spec text to syntax tree.
//!
//! In: the text of one file. Out: a [`tree::Tree`] with a span on every node and the diagnostics of what could not be read,
//! which [`render()`] shows to people; and [`format()`] gives the text its one style.
//! It never looks at meaning, and it never reads a file itself.

pub mod diagnostic;
pub mod faults;
pub mod format;
// What pest makes of the grammar names it.
extern crate alloc;

mod parse;
pub mod render;
pub mod span;
mod tokens;
pub mod tree;

pub use diagnostic::{Diagnostic, Edit, Fix, Label, Severity};
pub use format::{format, same_meaning};
pub use parse::{RESERVED, parse};
pub use render::{Style, render, to_github, to_json};
pub use span::{File, FileId, Files, Span};
