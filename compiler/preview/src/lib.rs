//! Evaluates the checked model at once
