//! The long run of `check`: see `bodies.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| mapwright_fuzz::check(text));
