//! See `portolan_fuzzing::package`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::package(bytes));
