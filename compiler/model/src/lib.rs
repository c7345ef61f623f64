//! Syntax tree to checked model.
//!
//! In: a [`project::Project`] (parsed specs, catalogues, manifests). Out: an [`ir::Model`] and every fault of the project at once.
//! It reads no file and evaluates nothing; names, types, coverage, loss, tables and flows are settled here, so that no back
//! end can fail.

pub mod ir;
pub mod project;
