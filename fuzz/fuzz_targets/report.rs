//! See `portolan_fuzzing::report`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::report(bytes));
