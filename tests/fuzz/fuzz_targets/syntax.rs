//! The long run of `syntax`: see `bodies.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| mapwright_fuzz::syntax(text));
