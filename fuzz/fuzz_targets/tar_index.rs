//! See `portolan_fuzzing::tar_index`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::tar_index(bytes));
