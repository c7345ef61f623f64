//! The long run of `manifest`: see `bodies.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| mapwright_fuzz::manifest(text));
