//! See `portolan_fuzzing::advisories`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::advisories(bytes));
