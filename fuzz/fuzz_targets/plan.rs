//! See `portolan_fuzzing::plan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::plan(bytes));
