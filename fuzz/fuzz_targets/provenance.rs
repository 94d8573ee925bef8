//! See `portolan_fuzzing::provenance`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| portolan_fuzzing::provenance(bytes));
