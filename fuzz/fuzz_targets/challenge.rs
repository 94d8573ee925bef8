//! See `portolan_fuzzing::challenge`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::challenge(bytes));
