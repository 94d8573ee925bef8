//! See `portolan_fuzzing::hints`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::hints(bytes));
