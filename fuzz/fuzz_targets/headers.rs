//! See `portolan_fuzzing::headers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::headers(bytes));
