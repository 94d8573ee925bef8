//! See `portolan_fuzzing::reference`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::reference(bytes));
