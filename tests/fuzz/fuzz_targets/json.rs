//! The long run of `json`: see `bodies.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| mapwright_fuzz::json(text));
