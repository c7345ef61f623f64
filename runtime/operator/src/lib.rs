//! The commands of an integration's binary
