//! What crosses crates: golden, contract, end to end, crash
