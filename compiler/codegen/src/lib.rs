//! Checked model to Rust, and the build.rs API
