//! Spec text to syntax tree, diagnostics, formatter
