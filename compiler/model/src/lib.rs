//! Syntax tree to checked model
