//! The long run of `preview`: see `bodies.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| mapwright_fuzz::preview(text));
