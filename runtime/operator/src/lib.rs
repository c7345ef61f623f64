//! The commands of an integration's binary: `run`, `sync`, `status`, `dead-letters`, `map`, `doctor`, `rehearse`.
//!
//! In: a compiled integration and the command line. Out: exit status and what a person reads. It wires engine, connectors,
//! store and sandbox together and decides nothing about records.

pub mod deployment;
