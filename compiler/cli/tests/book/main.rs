//! The book is true: the examples of its chapter on the language, and of the pages that `mapwright explain` shows.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot read the book must fail")]

mod chapter;
mod pages;
mod project;
